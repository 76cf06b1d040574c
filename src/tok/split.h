/* split.h: a text cut into words by a known pattern, without a regular expression engine.
 *
 * A byte that is not part of valid UTF-8 is a character of class "other", one per maximal invalid subpart. The words of a text put
 * together are the text. Not here: special tokens, which are cut out before (special.h). */
#ifndef TOK_SPLIT_H
#define TOK_SPLIT_H
#include "base/ctx.h"

/* Writes the ends of at most `most` words of text[at..n) and returns how many; 0 only when at == n. The end of the text
 * matters to the pattern, so n is where the text ends and not where a buffer does. */
typedef size_t split_scan(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most);

struct split { const char *name; split_scan *scan; const char *pattern; };

split_scan split_gpt2;

const struct split *split_find(const char *name);                     /* NULL: none of that name */
const struct split *split_of_pattern(const char *pattern, size_t n);  /* by the text of the regular expression */

/* A place at or after `from` where any pattern here may be cut in two and both parts cut into the same words as the whole: before white
 * space that follows something that is none (both ASCII). n when there is none. */
size_t split_safe(const unsigned char *text, size_t n, size_t from);
size_t split_safe_last(const unsigned char *text, size_t n, size_t from);        /* the last such place, at or after from; 0 when there is none */

#endif
