/* special.h: special and added tokens looked for in a text: leftmost first, the longest of those that begin there.
 *
 * The tokens are sorted; from a place in the text, each further byte narrows the range of those that still fit (two binary
 * searches). Places where none can begin are passed over by their first byte. */
#ifndef TOK_SPECIAL_H
#define TOK_SPECIAL_H
#include "base/mem.h"
#include "reckon/tok.h"

enum { SPECIAL_MOST_BYTES = 4096 };                                   /* of one token: bounds the walk from any place */

struct specials { rk_special *at; size_t n; size_t longest; bool begins[256]; int only; };       /* only: the one first byte, or -1 */

/* Keeps pointers to the texts, which are not empty and no longer than SPECIAL_MOST_BYTES. */
RK_CHECK rk_status specials_init(rk_ctx *ctx, struct specials *s, const rk_special *all, size_t n, bool normalized);
/* Two of the same text, if there are any. */
bool specials_twins(const struct specials *s, const rk_special **a, const rk_special **b);
void specials_clear(rk_ctx *ctx, struct specials *s);

/* The first token in text[from..n): true, and where. */
bool specials_next(const struct specials *s, const unsigned char *text, size_t n, size_t from, size_t *begin, const rk_special **found);
/* Whether some token may begin before `cut` and go beyond it, as far as text[0..cut] tells; cut < n. */
bool specials_straddle(const struct specials *s, const unsigned char *text, size_t cut);

#endif
