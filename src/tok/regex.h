/* regex.h: patterns of all kinds, matched by PCRE2 (8-bit library, with its JIT where there is one), opened at run time.
 *
 * What a pattern means: code points, Unicode properties, \s as Unicode's White_Space, $ only at the very end, an invalid byte as U+FFFD.
 * What it does not match lies between its matches and becomes words too. Not here: the patterns that split.def knows. */
#ifndef TOK_REGEX_H
#define TOK_REGEX_H
#include "reckon/tok.h"
#include "base/str.h"
#include "tok/split.h"

struct regex;                            /* a pattern: shared by any number of threads */
struct regex_run;                        /* a pass over one text */

enum { REGEX_MOST = 1 << 16 };           /* bytes of a pattern */

/* RK_E_ARG for a pattern that is none, with the place; RK_E_DECLINED where PCRE2 is not installed. */
RK_CHECK rk_status regex_open(rk_ctx *ctx, const char *pattern, size_t n, struct regex **out);
void regex_close(rk_ctx *ctx, struct regex *r);                       /* NULL is fine, also below */
/* For regex_open: the pattern in PCRE2's words, added to a text. */
RK_CHECK rk_status regex_translate(rk_ctx *ctx, const char *pattern, size_t n, struct str *out);
const char *regex_pattern(const struct regex *r);                     /* as it was given */

RK_CHECK bool regex_begin(const struct regex *r, struct share *share, const unsigned char *text, size_t n, struct regex_run **out);
size_t regex_next(struct regex_run *run, size_t *ends, size_t most);  /* as split_next */
void regex_end(struct regex_run *run);

#endif
