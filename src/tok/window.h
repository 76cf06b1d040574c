/* window.h: some words of a text that follow one another, counted at once.
 *
 * Few words make up most of any text. The front is a table for those, small enough to stay near the processor: a place holds the word that was last
 * more frequent there than all others together. What a place counts goes into the table of all words when the word leaves it, or at the end. */
#ifndef TOK_WINDOW_H
#define TOK_WINDOW_H
#include "base/isa.h"
#include "tok/words.h"

enum { WINDOW = 128, WINDOW_READS = 16 };                             /* words; bytes that are read from where each begins */

struct front { struct word_slot *slots; size_t room; };               /* a power of two; at: how often the word of a slot was not the one sought */

struct window_word { uint64_t low, high; struct word_slot *slot; };
struct window {
    const unsigned char *text;
    const size_t        *ends;                                        /* of n words, the first from `at` */
    size_t               at, n, n_missed;
    struct window_word   words[WINDOW];
    uint8_t              missed[WINDOW];
};

/* Counts the words that are in the front; the numbers of all others go into `missed`. Their keys are in `words`, but for words of more than
 * WORD_INLINE bytes, which are always among them. */
typedef void window_count(struct front f, struct window *v);
#define X(isa) window_count window_count_##isa;
FOR_EVERY_ISA(X)
#undef X
extern window_count *const window_bodies[ISA_COUNT];

static inline size_t window_begin(const struct window *v, size_t i) { return i == 0 ? v->at : v->ends[i - 1]; }

/* Counts what the last window missed in the table of all words, whose parts have room (words_prepare); some of it comes into the front. */
RK_CHECK bool window_rest(struct share *s, struct words *w, const struct window *v);
/* What the front has counted goes into the table. */
RK_CHECK bool front_settle(struct share *s, struct words *w, struct front f);

#endif
