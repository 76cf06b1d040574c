/* taken.h: which addresses are taken when: rectangles of steps and bytes, and the lowest gap among them. */
#ifndef PASS_TAKEN_H
#define PASS_TAKEN_H
#include "base/arena.h"

struct stretch { int64_t at, end; };
struct stretches { int n, room; struct stretch at[]; };                  /* rising, neither meeting nor touching */
/* Of a tree over steps: node i is made of 2i and 2i + 1, the leaf of a step is steps + step. */
struct taken { struct stretches **meet, **fill; int steps; struct arena arena; };

RK_CHECK rk_status taken_open(rk_ctx *ctx, int steps, struct taken *t);
/* From step first to step last, both within. */
RK_CHECK rk_status taken_add(rk_ctx *ctx, struct taken *t, int first, int last, struct stretch fresh);
/* The lowest address at which so many bytes are free from step first to step last. */
int64_t taken_find(const struct taken *t, int first, int last, int64_t bytes);
void taken_close(rk_ctx *ctx, struct taken *t);

#endif
