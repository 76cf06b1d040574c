/* special.h: special and added tokens looked for in a text: leftmost first, the longest of those that begin there.
 *
 * The tokens are sorted; from a place in the text, each further byte narrows the range of those that still fit (two binary
 * searches). Places where none can begin are passed over by their first byte; where tokens are many, a table by the first two bytes begins
 * the search, and their first eight lie together: 264 KB and 8 bytes a token. A token may ask for more (rk_special): to stand alone
 * as a word, to take the white space beside it. What asks in vain is passed over whole, as in Hugging Face tokenizers.
 *
 * Long tokens may make each place of a text take as many steps as they have bytes (a^k b for all k, in a text of a). A walk counts its
 * steps; where they are too many for the bytes passed, an automaton (aho.h) reads a block of the text from its end and tells for every
 * place what begins there: linear time, whatever tokens and text. Memory, where a token is longer than SPECIAL_SHORT: 26 bytes for each
 * byte of the tokens at most, for this automaton and the one that looks across cuts. */
#ifndef TOK_SPECIAL_H
#define TOK_SPECIAL_H
#include "base/isa.h"
#include "base/mem.h"
#include "reckon/tok.h"
#include "tok/aho.h"

enum { SPECIAL_MOST_BYTES = 4096 };                                   /* of one token: bounds the walk from any place */
enum { SPECIAL_SHORT = 32, SPECIAL_MANY = 256, SPECIAL_BLOCK = 4096 }; /* up to it no automaton; from it on a table; places told at once */

/* The first place from i on where both bytes stand, one behind the other, or n. */
typedef size_t special_find(const unsigned char *text, size_t n, size_t i, int first, int second);
#define X(isa) special_find special_find_##isa;
FOR_EVERY_ISA(X)
#undef X
extern special_find *const special_finds[ISA_COUNT];

struct specials {
    rk_special *at;
    size_t      n, longest;
    bool        begins[256], alone[256];                              /* by first byte: some token; some that stands alone */
    int         only, second;                                         /* the one first byte, or -1; the one byte behind it, or -1 */
    special_find *find;                                               /* where both are, for this machine */
    bool        eats;                                                 /* some token takes white space behind it */
    uint32_t   *pairs;                                                /* of many tokens, by two bytes: the first not before them; NULL: few */
    uint64_t   *keys;                                                 /* their first eight bytes, the first highest */
    struct aho  backward, forward;                                    /* what begins at a place; what is begun, or ends, at a cut */
};

/* Keeps pointers to the texts, which are not empty and no longer than SPECIAL_MOST_BYTES. */
RK_CHECK rk_status specials_init(rk_ctx *ctx, struct specials *s, const rk_special *all, size_t n, bool normalized);
/* Two of the same text, if there are any. */
bool specials_twins(const struct specials *s, const rk_special **a, const rk_special **b);
void specials_clear(rk_ctx *ctx, struct specials *s);

/* The tokens in a text, one after another. `plain` passes over control tokens. */
struct special_walk {
    size_t   taken, search;                                           /* text[0..taken) is dealt with */
    bool     plain;
    size_t   steps, since;                                            /* of the search from `since` on */
    size_t   from, n_known;                                           /* the places told by the automaton */
    uint32_t known[SPECIAL_BLOCK];                                    /* 1 + the token that begins there; 0: none */
};
static inline void special_begin(struct special_walk *w, bool plain) /* `known` is left as it is: 16 KB would cost more than a short text */
{
    w->taken = w->search = w->steps = w->since = w->from = w->n_known = 0;
    w->plain = plain;
}
struct special_match { const rk_special *token; size_t begin, end; }; /* with the white space that it takes; begin may be before taken */
/* The next token: true. What lies between `taken` and its begin, if anything, is text; then taken is its end. */
bool specials_next(const struct specials *s, const unsigned char *text, size_t n, struct special_walk *walk, struct special_match *match);

/* The match without the white space at its ends; where there is nothing else, its end alone. keep_one: one character before it stays. */
void special_trim(const unsigned char *text, struct special_match *m, bool keep_one);

/* Whether a cut, before white space that follows something that is none, might change what is found; cut < n. Where there is
 * an automaton this takes as many steps as the longest token has bytes. */
bool specials_straddle(const struct specials *s, const unsigned char *text, size_t cut);

#endif
