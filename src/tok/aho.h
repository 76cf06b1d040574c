/* aho.h: of many texts, which ends here? Aho and Corasick's automaton, a step per byte whatever the texts are.
 *
 * A state is a beginning of some of the texts: the longest that what was read ends with. Where no text goes on with the next byte, the
 * longest shorter one is tried (`fail`), so that n bytes take at most 2n tries. Read from right to left, with the texts reversed, it says
 * of every place which texts begin there. States are numbered level by level: a state's children are neighbours.
 *
 * Memory: 13 bytes for each state, of which there are no more than bytes in the texts, and one; 21 while it is made.
 * Source: A. Aho, M. Corasick, Efficient string matching, CACM 18 (1975). */
#ifndef TOK_AHO_H
#define TOK_AHO_H
#include "base/mem.h"
#include "reckon/tok.h"

struct aho {
    size_t         n;                                                 /* states; 0: there is no automaton */
    uint32_t      *child;                                             /* n + 1: the first child; the next state's is behind the last */
    uint32_t      *fail, *out;                                        /* out: 1 + which is the longest text that ends here; 0: none */
    unsigned char *byte;                                              /* that leads into the state */
    uint32_t       first[256];                                        /* the states after one byte; 0: none */
};

struct aho_text { rk_text text; uint32_t index; bool told; };         /* told: its end is an `out` */

/* `texts` is brought into order. No text is empty. */
RK_CHECK rk_status aho_make(rk_ctx *ctx, struct aho *a, struct aho_text *texts, size_t n, bool reversed);
void aho_clear(rk_ctx *ctx, struct aho *a);

static inline uint32_t aho_child(const struct aho *a, uint32_t state, unsigned char byte)       /* 0: none */
{
    if (state == 0) return a->first[byte];
    uint32_t low = a->child[state], end = a->child[state + 1], high = end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (a->byte[middle] < byte) low = middle + 1;
        else high = middle;
    }
    return low < end && a->byte[low] == byte ? low : 0;
}

static inline uint32_t aho_step(const struct aho *a, uint32_t state, unsigned char byte)
{
    uint32_t next;
    while ((next = aho_child(a, state, byte)) == 0 && state != 0) state = a->fail[state];
    return next;
}

/* Whether the state stands for two bytes or more: those are behind the children of the root. */
static inline bool aho_deep(const struct aho *a, uint32_t state) { return state >= a->child[1]; }

#endif
