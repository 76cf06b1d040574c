/* expression.h: an expression that is being read: its sides, their names, and the sizes they stand for. */
#ifndef PASS_EXPRESSION_H
#define PASS_EXPRESSION_H
#include "base/str.h"
#include "core/graph.h"
#include "reckon/expression.h"

enum { MOST_NAMES = 2 * RK_MAX_RANK };

struct said { const char *at; int length; int group; };        /* a name, and which dimension of its side it belongs to */
struct side { const char *at; int length, n, rank; struct said name[MOST_NAMES]; };
struct sides { int operands; bool arrow; struct side in[2], out; };

/* Splits the text into sides and names; what they mean is not looked at. E_ARG with the character. */
rk_status expression_read(rk_ctx *ctx, const char *text, struct sides *sides) RK_CHECK;
bool said_is(const struct said *a, const char *name, int length);
int  side_find(const struct side *s, const struct said *name);             /* -1: not there */
int  side_group(const struct side *s, int group, int *n);                  /* the first of its names, and how many */

/* Names that must be right before anything is built: sizes that are missing or wanted by nobody, a result from nowhere. */
rk_status expression_check(rk_ctx *ctx, const char *text, const struct sides *sides, const rk_size *sizes, int n_sizes) RK_CHECK;

#endif
