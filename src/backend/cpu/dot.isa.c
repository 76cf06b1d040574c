/* dot.isa.c: see dot.h. One chain of sums per lane is as fast as memory. */
#include "backend/cpu/dot.h"
#include "backend/cpu/simd.h"

enum { LANES = 8 };
typedef float  floats __attribute__((vector_size(LANES * sizeof(float))));
typedef double doubles __attribute__((vector_size(LANES * sizeof(double))));

double ISA_NAME(dot_stretch)(const float *a, const float *b, int64_t n)
{
    doubles lane = { 0 };
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        floats x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        lane += __builtin_convertvector(x, doubles) * __builtin_convertvector(y, doubles);
    }
    for (int k = 0; i < n; i++, k++) lane[k] += (double)a[i] * (double)b[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}
