/* attend.h: attention on this processor: a head at a time; what each instruction set brings.
 *
 * Rows: the weights of one query lie together (few queries). Lanes: one query per lane, keys one below the other: a panel
 * p[n][LANES of a register tile], which is a packed operand of the next product as it lies. */
#ifndef CPU_ATTEND_H
#define CPU_ATTEND_H
#include "backend/cpu/isa.h"
#include <stdint.h>

/* Where a result is written: element (query i, number j) at y[i * row + j * number]. */
struct attend_target { float *y; int64_t row, number, queries, width; };

struct attend_kernels {
    /* scores[i] = q · k[i], for n rows of k that lie `row` apart: each sum in one order, whatever n. */
    void (*dot_rows)(const float *q, const float *k, int64_t row, int64_t n, float *scores, int64_t width);
    /* y += Σ weights[i] v[i], row after row. */
    void (*add_rows)(const float *weights, const float *v, int64_t row, int64_t n, float *y, int64_t width);
    /* scores[n] -> softmax(scale · scores[0 .. seen)), zeros behind. */
    void (*row)(float *scores, int64_t n, int64_t seen, float scale);
    /* Scores become e^(score - largest of the lane); lane i sees the first seen + i of n keys (seen >= 1), all where `all`; what
     * it does not see becomes 0. over: 1 / sum, per lane. Where `divide`, the weights are already multiplied by it. */
    void (*lanes)(float *p, int64_t n, int64_t seen, bool all, bool divide, float *over);
    /* dp becomes scale · p · (dp - Σ p dp), per lane: the gradient of the scores before their scale. */
    void (*slope)(const float *p, float *dp, int64_t n, float scale);
    /* from[width][lanes], times factor of the lane (NULL: 1), turned into the target. */
    void (*put)(const float *from, const float *factor, const struct attend_target *to);
};

#define X(isa) extern const struct attend_kernels attend_kernels_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
