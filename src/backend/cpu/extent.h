/* extent.h: arithmetic of extents that every kernel's cutting of work needs; and walking merged loops by number. */
#ifndef CPU_EXTENT_H
#define CPU_EXTENT_H
#include "core/layout.h"

static inline int64_t extent_least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t extent_parts(int64_t n, int64_t size) { return (n + size - 1) / size; }        /* how many of `size` cover n */

static inline int64_t loops_count(const struct loops *l)
{
    int64_t n = 1;
    for (int i = 0; i < l->rank; i++) n *= l->size[i];
    return n;
}

/* The offset of operand k at step i of the loops, the last of them fastest. */
static inline int64_t loops_at(const struct loops *l, int k, int64_t i)
{
    int64_t at = 0;
    for (int a = l->rank - 1; a > 0; a--) {
        at += i % l->size[a] * l->stride[k][a];
        i /= l->size[a];
    }
    return l->rank > 0 ? at + i * l->stride[k][0] : at;
}

#endif
