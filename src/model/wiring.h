/* wiring.h: a built graph as modules: what each computes, from which parameters, and what it reads.
 *
 * A module is everything under one path; repetitions (h.0, h.1 ..) are one, h.*. A leaf uses parameters itself; the others hold
 * what is between leaves: attention, the activation of an MLP, the sums of a block. Texts are written from the nodes, so two
 * modules with equal texts compute the same; parameters of a leaf go by their last names, what it reads is x, y .. in them. */
#ifndef MODEL_WIRING_H
#define MODEL_WIRING_H
#include "base/arena.h"
#include "model/model.h"

enum { WIRED_PARAMETERS = 8, WIRED_INPUTS = 16 };

struct wired_parameter { const char *name, *role; rk_ref ref; bool tied; };    /* "weight", "h.*.attn.q.weight"; tied: declared elsewhere */
struct wired {
    const char *role;                   /* "h.*.attn.q" */
    const char *alias;                  /* what texts call it: the role, or that of its partner on another side */
    bool leaf, shown;                   /* shown: it has one result, so it can be spoken of */
    int times, first, last;             /* how often; paths of the first and the last */
    int n_parameters;
    struct wired_parameter parameter[WIRED_PARAMETERS];
    const char *computes, *reads;       /* as it runs; a block reads what comes into its first repetition */
    const char *trains;                 /* what dropout makes of that while it trains; "" where there is none */
};

struct wiring {
    rk_ctx *ctx;
    struct arena arena;
    struct built built;
    VEC(struct wired) modules;
    int n_paths;
    int *at;                            /* the path that a node belongs to: its own; of the top, that of the parameter which it uses */
    int *module;                        /* of a path; -1: nothing stands there */
    int *block;                         /* the path of the block that a path is in; 0: of none */
    rk_ref *result;                     /* of a path: the one value that others use; 0: none or several */
    rk_ref *stream;                     /* of a block's path: what comes in first */
};

/* The training graph of the model, with dropout; texts are not yet written. Call wiring_clear in any case. */
rk_status wiring_read(rk_ctx *ctx, const rk_model *m, struct wiring *w) RK_CHECK;
void      wiring_clear(rk_ctx *ctx, struct wiring *w);
/* Writes computes and reads of all modules, by their aliases: wiring_text.c. */
rk_status wiring_texts(rk_ctx *ctx, struct wiring *w) RK_CHECK;

rk_ref      wiring_plain(const struct wiring *w, rk_ref r);                /* views taken off, but for those that choose a part */
int         wiring_chosen(const struct wiring *w, rk_ref r);               /* which part of its module's parameters a value is made of; -1: all */
bool        wiring_is_parameter(const struct wiring *w, rk_ref r);
struct word wiring_last(const char *role);                                 /* "qkv" of "h.*.attn.qkv" */
/* Part i of a fused module by its last name, "q" of "qkv"; NULL: it is none, or has no such part. */
const char *wiring_part(const char *role, int i);

#endif
