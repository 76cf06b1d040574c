/* formula.h: a formula as people write it, over letters that stand for numbers: its exact value, or the mistake in it.
 *
 *   72·B·T·L·D²·(1 + T/(6·D) + V/(12·L·D))
 *
 *   sum      product { + - product }          product   power { · * / power }
 *   power    atom [ ² ³ ^2 ] | -power         atom      12 | name | name(sum, ..) | (sum)
 *   functions: min max (of two or more), ceil, floor
 *
 * The text that is computed is the text that is shown: no second spelling of a convention exists. Not here: which letters
 * a model has (letters.c), which formulas there are (flops.def, memory.def). */
#ifndef BOOKS_FORMULA_H
#define BOOKS_FORMULA_H
#include "base/str.h"
#include "books/rational.h"

enum { FORMULA_BYTES = 4096, FORMULA_DEPTH = 64, FORMULA_POWER = 64, MOST_LETTERS = 48 };

struct letter { const char *name, *words; struct rational value; };
struct letters { int n; struct letter at[MOST_LETTERS]; };

const struct letter *letter_find(const struct letters *letters, const char *name, size_t length);      /* NULL: none */
/* Replaces. A name that has no letter yet gets one; E_LIMIT beyond MOST_LETTERS. Texts are borrowed. */
rk_status letter_set(rk_ctx *ctx, struct letters *letters, const char *name, int64_t value, const char *words) RK_CHECK;

/* E_FORMAT for what is no formula, E_UNKNOWN for a letter that has no value here, E_LIMIT for numbers beyond 127 bits and
 * for division by zero; the message names the text and the place in it. */
rk_status formula_value(rk_ctx *ctx, const char *text, const struct letters *letters, struct rational *value) RK_CHECK;

/* The same formula in other people's letters: "L=positions" stands in `spelling` as { "P", "L" }. */
struct rename { const char *from, *to; };
rk_status formula_spell(rk_ctx *ctx, const char *text, int n, const struct rename *renames, struct str *out) RK_CHECK;

#endif
