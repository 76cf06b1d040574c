/* known.c: numbers that a table has before anything is learnt and that are no matter of chance. Source: Vaswani et al. 2017, 3.5. */
#include "model/arch.h"
#include <math.h>

static double sinusoid(int64_t position, int64_t pair, bool cosine, int64_t width)
{
    double angle = (double)position / pow(10000, 2 * (double)pair / (double)width);
    return cosine ? cos(angle) : sin(angle);
}

double init_known(enum init_kind kind, uint64_t i, int64_t width)
{
    int64_t row = width > 0 ? (int64_t)i / width : 0, column = width > 0 ? (int64_t)i % width : 0, sines = (width + 1) / 2;
    if (kind == INIT_SINUSOID_PAIRS) return sinusoid(row, column / 2, column % 2 != 0, width);
    if (kind == INIT_SINUSOID_HALVES) return sinusoid(row, column < sines ? column : column - sines, column >= sines, width);
    return kind == INIT_ONES ? 1 : 0;
}
