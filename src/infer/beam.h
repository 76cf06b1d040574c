/* beam.h: a search from the inside: beam.c searches, beam_guess.c finds the best tokens after each beam. */
#ifndef INFER_BEAM_H
#define INFER_BEAM_H
#include "infer/making.h"

struct guess { double sum; int64_t beam; uint32_t id; };                /* a token after a beam (0 .. B-1 of its prompt) */
struct finished { rk_ids ids; double score; bool ended; };              /* new tokens, the end too */
struct hunt {                                                           /* one prompt */
    struct finished *kept;                                              /* best first */
    int64_t n_kept, most;                                               /* most new tokens */
    double margin;                                                      /* the least difference that decided anything */
    bool through;
};

struct search {
    struct making *m;
    const struct searching *what;
    int64_t beams, guesses;                                             /* per prompt */
    bool first;                                                         /* the beams of a prompt are all the prompt itself, with one row of logits */
    double *sums;                                                       /* per row */
    struct guess *best;                                                 /* [row guesses], of each row */
    struct guess *all;                                                  /* [guesses], of one prompt */
    struct hunt *hunts;
    int64_t *from;                                                      /* per row: whose past it goes on from */
    rk_ids *spare;                                                      /* per beam: sequences that are being put together */
};

void beam_guess_rows(rk_ctx *ctx, struct search *s);                    /* of each row that goes on: its `guesses` best; row->picked below 0: logits that are none */
void beam_guess_prompt(struct search *s, int64_t p);                    /* the best of a prompt's rows: into s->all */

#endif
