/* window.isa.c: two loops without a branch. In the first, keys are made and slots are called for; in the second, when those are there, each word is
 * counted or put on the list of those that were not found. What is not found costs a branch later, in one place. */
#include "tok/window.h"

/* What is kept of 16 bytes for a word of so many, and its length. One that is longer has a key that no slot has. */
struct shape { uint64_t low, high, length; };
#define FIRST(n) ((n) == 0 ? 0 : ~UINT64_C(0) >> (64 - 8 * ((n) == 0 ? 1 : (n))))
#define ROW(n) { FIRST((n) < 8 ? (n) : 8), FIRST((n) < 8 ? 0 : (n) - 8), (uint64_t)(n) << 56 }
static const struct shape shapes[WORD_INLINE + 2] = {
    ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15), { 0, 0, (uint64_t)0xfe << 56 },
};

static inline void make_keys(struct front f, struct window *v)
{
    const unsigned char *text = v->text;
    const size_t *ends = v->ends, mask = f.room - 1;
    for (size_t i = 0, at = v->at, n = v->n; i < n; at = ends[i++]) {
        size_t length = ends[i] - at;
        const struct shape *shape = &shapes[length < WORD_INLINE + 1 ? length : WORD_INLINE + 1];
        uint64_t low = word_bytes(text + at) & shape->low, high = (word_bytes(text + at + 8) & shape->high) | shape->length;
        struct word_slot *slot = f.slots + (word_mix(low, high) & mask);
        __builtin_prefetch(slot, 1);
        v->words[i] = (struct window_word){ low, high, slot };
    }
}

void ISA_NAME(window_count)(struct front f, struct window *v)
{
    size_t missed = 0;
    make_keys(f, v);
    for (size_t i = 0, n = v->n; i < n; i++) {
        const struct window_word *word = &v->words[i];
        struct word_slot *slot = word->slot;
        uint64_t here = ((slot->low ^ word->low) | (slot->high ^ word->high)) == 0;
        slot->count += here;
        v->missed[missed] = (uint8_t)i;
        missed += !here;
    }
    v->n_missed = missed;
}
