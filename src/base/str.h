/* str.h: text that is being written: always ends in a zero, knows its length, may hold any byte. */
#ifndef BASE_STR_H
#define BASE_STR_H
#include "base/vec.h"

struct str { char *at; int n, room; };                      /* a vec of char: at[n] is '\0' once anything was added */

RK_CHECK rk_status str_add(rk_ctx *ctx, struct str *s, const char *bytes, size_t n);
RK_CHECK rk_status str_text(rk_ctx *ctx, struct str *s, const char *text);
RK_CHECK rk_status str_format(rk_ctx *ctx, struct str *s, const char *format, ...) RK_PRINTF(3, 4);
RK_CHECK rk_status str_uint(rk_ctx *ctx, struct str *s, uint64_t number);
RK_CHECK rk_status str_json(rk_ctx *ctx, struct str *s, const char *bytes, size_t n);  /* "quoted", invalid UTF-8 as U+FFFD */
void str_free(rk_ctx *ctx, struct str *s);
static inline void str_clear(struct str *s) { if (s->at != NULL) s->at[s->n = 0] = '\0'; }       /* empty, the room stays */
bool str_ends_in(const char *text, const char *end);        /* ".json" */
static inline const char *str_c(const struct str *s) { return s->at != NULL ? s->at : ""; }

#endif
