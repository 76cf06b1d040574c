/* split_o200k.c: GPT-4o's pattern by hand (in split.def; here U is an upper-case, title-case or caseless letter or a mark, W a lower-case
 * or caseless letter or a mark, so caseless letters and marks are both).
 *
 *   1  [^\r\n\p{L}\p{N}]?U*W+C?     2  [^\r\n\p{L}\p{N}]?U+W*C?     3  \p{N}{1,3}     4   ?[^\s\p{L}\p{N}]+[\r\n/]*
 *   5  \s*[\r\n]+     6  \s+(?!\S)     7  \s+          C  (?i:'s|'t|'re|'ve|'m|'ll|'d)
 *
 * What backtracking does in 1: U* takes its whole run; if a lower-case letter follows, W+ goes on from there; else U* gives back until
 * W+ has the last character of the run that is both, and the word ends behind it. Without such a character 2 takes the run. A mark
 * may be the character before the letters, and if then neither 1 fits, 1 fits without it. Not here: many words at once (split_o200k.isa.c). */
#include "tok/scan.h"
#include "tok/scan_bodies.h"

#define BIT(class) (1u << (class))
#define UPPERS (BIT(CASED_UPPER) | BIT(CLASS_LETTER) | BIT(CASED_MARK))
#define LOWERS (BIT(CASED_LOWER) | BIT(CLASS_LETTER) | BIT(CASED_MARK))
#define BOTH   (UPPERS & LOWERS)
#define RESTS  (BIT(CLASS_OTHER) | BIT(CASED_MARK))

static inline unsigned look_cased(const unsigned char *p, size_t left, size_t *length)
{
    unsigned c = class_of_byte[*p];
    *length = 1;
    if (c == CLASS_LETTER) return *p & 0x20 ? CASED_LOWER : CASED_UPPER;
    if (c != BEYOND) return c;
    uint32_t code;
    *length = utf8_next((const char *)p, left, &code);
    return code == UTF8_INVALID ? CLASS_OTHER : class_cased(code);
}

static size_t cased_run(const unsigned char *text, size_t n, size_t i, unsigned classes)
{
    size_t step;
    while (i < n && BIT(look_cased(text + i, n - i, &step)) & classes) i += step;
    return i;
}

/* Alternatives 1 and 2 without what comes before and behind, from i; *first says which. i itself where neither fits. */
static size_t letters_end(const unsigned char *text, size_t n, size_t i, bool *first)
{
    size_t at = i, after_both = 0, step;
    unsigned class = CLASS_OTHER;
    while (at < n && BIT(class = look_cased(text + at, n - at, &step)) & UPPERS) {
        at += step;
        if (BIT(class) & BOTH) after_both = at;
    }
    *first = true;
    if (at < n && class == CASED_LOWER) return cased_run(text, n, at, LOWERS);
    if (after_both != 0) return after_both;
    *first = false;
    return at;
}

static size_t with_contraction(const unsigned char *text, size_t n, size_t i)
{
    return i < n && text[i] == '\'' ? i + contraction_any_case(text + i, n - i) : i;
}

/* The end of a word of letters at i, whose first character has this class and length; 0: there is none. */
static size_t word_end(const unsigned char *text, size_t n, size_t i, unsigned class, size_t step)
{
    bool first, mark = class == CASED_MARK;
    bool before = mark || ((class == CLASS_OTHER || class == CLASS_SPACE) && text[i] != '\n' && text[i] != '\r');
    size_t begin = before ? i + step : i, end = letters_end(text, n, begin, &first);
    if (mark && !(first && end > begin)) end = letters_end(text, n, begin = i, &first);
    return end > begin ? with_contraction(text, n, end) : 0;
}

static size_t rest_end(const unsigned char *text, size_t n, size_t i)
{
    i = cased_run(text, n, i, RESTS);
    while (i < n && (text[i] == '\n' || text[i] == '\r' || text[i] == '/')) i++;
    return i;
}

size_t o200k_word_end(const unsigned char *text, size_t n, size_t i)
{
    size_t step, next_step;
    unsigned class = look_cased(text + i, n - i, &step);
    if (class == CLASS_NUMBER) return numbers_end(text, n, i);
    size_t end = word_end(text, n, i, class, step);
    if (end != 0) return end;
    if (class == CLASS_OTHER) return rest_end(text, n, i);
    if (text[i] == ' ' && i + 1 < n && BIT(look_cased(text + i + 1, n - i - 1, &next_step)) & RESTS) return rest_end(text, n, i + 1);
    struct space s = space_run(text, n, i);
    return s.after_line != 0 ? s.after_line : s.end == n || s.last == i ? s.end : s.last;
}

size_t split_o200k(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (made < most && at < n) ends[made++] = at = o200k_word_end(text, n, at);
    return made;
}
