/* count_table.h: small ints for equal runs of words: how count knows a node whose price it has seen already. */
#ifndef PASS_COUNT_TABLE_H
#define PASS_COUNT_TABLE_H
#include "base/arena.h"

struct words { uint64_t *at; int n, room; };                            /* a key being written */
struct table { int n, room; struct table_slot *slots; };                /* zero it to begin */

RK_CHECK rk_status words_begin(rk_ctx *ctx, struct words *w, int most);               /* an empty key with room for so many words */
RK_CHECK rk_status words_text(rk_ctx *ctx, struct words *w, const char *text, int most);   /* with its length, so that keys stay distinct; then room for `most` more */
static inline void words_add(struct words *w, uint64_t word) { w->at[w->n++] = word; }
/* The id of this key: 0, 1, 2 ... in the order of first appearance; fresh: it is new. Keys are copied into the arena. */
RK_CHECK rk_status table_find(rk_ctx *ctx, struct table *t, struct arena *arena, const struct words *key, int *id, bool *fresh);
void table_free(rk_ctx *ctx, struct table *t);
void words_free(rk_ctx *ctx, struct words *w);

#endif
