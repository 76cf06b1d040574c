/* split.h: a text cut into words by a pattern: known ones by scanners of our own, any other by a regular expression engine.
 *
 * A byte that is not part of valid UTF-8 is a character of class "other", one per maximal invalid subpart. The words of a text put
 * together are the text: what a pattern does not match is a word too. Not here: special tokens, which are cut out before (special.h). */
#ifndef TOK_SPLIT_H
#define TOK_SPLIT_H
#include "base/isa.h"
#include "tok/share.h"

/* Writes the ends of at most `most` words of text[at..n) and returns how many; 0 only when at == n. The end of the text
 * matters to the pattern, so n is where the text ends and not where a buffer does. */
typedef size_t split_scan(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most);

enum split_cut {                         /* where a text may be cut in two and both parts cut into the same words as the whole */
    CUT_NOWHERE,
    CUT_BEFORE_SPACE,                    /* before white space of ASCII that follows something that is none */
    CUT_BEFORE_WORD,                     /* before a space between a letter or digit and a letter (all ASCII) */
    CUT_BEFORE_BLANK                     /* before a space, tab or line end that follows something else (both ASCII) */
};

struct split {
    const char     *name;
    split_scan     *scan;
    enum split_cut  cut;
    const char     *pattern;
    struct regex   *regex;                                            /* instead of scan */
    split_scan     *fast;                                             /* the same as scan, for this machine; NULL: nothing better is known */
};

split_scan split_gpt2, split_cl100k, split_o200k;

const struct split *split_find(const char *name);                     /* NULL: none of that name */
split_scan *split_body(split_scan *scan, enum isa isa);               /* the body of a scanner for an instruction set; itself where there is but one */

/* A split by the name of a pattern or by the text of a regular expression. RK_E_UNKNOWN for a word that is no name. */
RK_CHECK rk_status split_open(rk_ctx *ctx, const char *pattern, size_t n, struct split *split);
/* The same for what is a regular expression in any case. */
RK_CHECK rk_status split_open_regex(rk_ctx *ctx, const char *pattern, size_t n, struct split *split);
void split_close(rk_ctx *ctx, struct split *split);

/* One pass over a text. After a failure (share_failed) split_next gives 0. */
struct split_run { const struct split *split; struct share *share; const unsigned char *text; size_t n, at; struct regex_run *regex; };
RK_CHECK bool split_begin(struct split_run *r, const struct split *split, struct share *share, const unsigned char *text, size_t n);
size_t split_next(struct split_run *r, size_t *ends, size_t most);
void split_end(struct split_run *r);

/* The first place to cut at or after `from`; n when there is none. */
size_t split_safe(const struct split *split, const unsigned char *text, size_t n, size_t from);
/* The last one, at or after from; 0 when there is none. */
size_t split_safe_last(const struct split *split, const unsigned char *text, size_t n, size_t from);

#endif
