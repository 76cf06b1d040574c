/* split_gpt2.c: GPT-2's pattern by hand.
 *
 *   '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * In words: a contraction, if its apostrophe begins a word; else a run of one class, with the one U+0020 before it; else white
 * space, of which the last character is left to what follows (a run of one stays whole, since \s+ then takes it).
 * Not here: many words of ASCII at once (split_gpt2.isa.c). */
#include "tok/scan.h"
#include "tok/scan_bodies.h"

size_t gpt2_word_end(const unsigned char *text, size_t n, size_t i)
{
    size_t step, next_step;
    unsigned class = look(text + i, n - i, &step);
    if (text[i] == '\'') {
        size_t taken = gpt2_contraction(text + i, n - i);
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
        ends[made++] = at = end != 0 ? end : gpt2_word_end(text, n, at);
    }
    return made;
}
