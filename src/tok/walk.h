/* walk.h: one word from left to right, token after token (forward.h says why that is what the merges make). Not for others than forward.c. */
#ifndef TOK_WALK_H
#define TOK_WALK_H
#include "tok/forward.h"

enum { KNOWN_PAIRS_BITS = 10, KNOWN_PAIRS = 1 << KNOWN_PAIRS_BITS };
struct known_pair { uint32_t which, n, ids[6]; };                     /* two characters, and their ids; n: 0: empty */

struct walk {
    const struct forward *f;
    struct forward_work  *work;
    const unsigned char  *word;
    size_t                n, at, made, last_closed;                   /* ids of word[0..at); no place behind last_closed is closed */
    uint32_t             *out;
    uint64_t             *closed;                                     /* a bit for each place of the word that is no seam */
};

/* One token further, back and forth as often as that takes. false: there is no way, since a byte is missing. */
RK_CHECK bool walk_step(struct walk *w);

bool walk_may_stand(const struct walk *w, uint32_t left, uint32_t right);
static inline bool walk_fits(const struct walk *w, uint32_t id) { return w->made == 0 || walk_may_stand(w, w->out[w->made - 1], id); }

/* What the three bytes at p are, if they may stand behind `last`, or are the first of a word; 0: they may not, or are no character. Characters are kept. */
uint64_t walk_character(const struct walk *w, const unsigned char *p, bool begins, uint32_t last);
/* The character here, which may not stand behind the one before, together with that one, whose ids are the last: often a token begins in the one and ends in the other.
 * false: those two may not stand there either; then nothing has changed. */
bool walk_pair(struct walk *w);

#endif
