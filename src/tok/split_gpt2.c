/* split_gpt2.c: GPT-2's pattern by hand.
 *
 *   '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * In words: a contraction, if its apostrophe begins a word; else a run of one class, with the one U+0020 before it; else white
 * space, of which the last character is left to what follows (a run of one stays whole, since \s+ then takes it). */
#include "tok/scan.h"

/* Length of the contraction at p, which is an apostrophe; 0 when there is none. */
static inline size_t contraction(const unsigned char *p, size_t left)
{
    if (left < 2) return 0;
    if (p[1] == 's' || p[1] == 'd' || p[1] == 'm' || p[1] == 't') return 2;
    if (left < 3) return 0;
    return (p[1] == 'l' && p[2] == 'l') || ((p[1] == 'v' || p[1] == 'r') && p[2] == 'e') ? 3 : 0;
}

static size_t any_word_end(const unsigned char *text, size_t n, size_t i)
{
    size_t step, next_step;
    unsigned class = look(text + i, n - i, &step);
    if (text[i] == '\'') {
        size_t taken = contraction(text + i, n - i);
        if (taken > 0) return i + taken;
    }
    if (text[i] == ' ' && i + 1 < n) {
        unsigned next = look(text + i + 1, n - i - 1, &next_step);
        if (next != CLASS_SPACE) return run_end(text, n, i + 1 + next_step, next);
    }
    if (class != CLASS_SPACE) return run_end(text, n, i + step, class);
    struct space s = space_run(text, n, i);
    return s.end == n || s.last == i ? s.end : s.last;
}

size_t split_gpt2(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (made < most && at < n) {
        size_t end = plain_word_end(text, n, at);
        ends[made++] = at = end != 0 ? end : any_word_end(text, n, at);
    }
    return made;
}
