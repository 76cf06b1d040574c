/* split_cl100k.c: GPT-4's pattern by hand.
 *
 *   '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s
 *
 * In words: a contraction in any case; letters with one character of any kind before them, but for numbers and line ends; up to three
 * numbers; the rest with one U+0020 before and the line ends behind it; white space up to its last line end, else all but its last
 * character; at the end of the text all of it. Not here: many words at once (split_cl100k.isa.c). */
#include "tok/scan.h"
#include "tok/scan_bodies.h"

static size_t line_ends(const unsigned char *text, size_t n, size_t i)
{
    while (i < n && (text[i] == '\n' || text[i] == '\r')) i++;
    return i;
}

static size_t space_end(const unsigned char *text, size_t n, size_t i)
{
    struct space s = space_run(text, n, i);
    if (s.end == n || s.last == i) return s.end;                      /* a line end alone is one character too */
    return s.after_line != 0 ? s.after_line : s.last;
}

size_t cl100k_word_end(const unsigned char *text, size_t n, size_t i)
{
    size_t step, next_step;
    unsigned class = look(text + i, n - i, &step), next = CLASS_SPACE;
    if (text[i] == '\'') {
        size_t taken = contraction_any_case(text + i, n - i);
        if (taken > 0) return i + taken;
    }
    if (class == CLASS_LETTER) return run_end(text, n, i + step, CLASS_LETTER);
    if (class == CLASS_NUMBER) return numbers_end(text, n, i);
    if (i + step < n) next = look(text + i + step, n - i - step, &next_step);
    if (next == CLASS_LETTER && text[i] != '\n' && text[i] != '\r') return run_end(text, n, i + step + next_step, CLASS_LETTER);
    if (class == CLASS_OTHER) return line_ends(text, n, run_end(text, n, i + step, CLASS_OTHER));
    if (text[i] == ' ' && next == CLASS_OTHER) return line_ends(text, n, run_end(text, n, i + 1 + next_step, CLASS_OTHER));
    return space_end(text, n, i);
}

size_t split_cl100k(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (made < most && at < n) {
        size_t end = plain_word_end(text, n, at);
        ends[made++] = at = end != 0 ? end : cl100k_word_end(text, n, at);
    }
    return made;
}
