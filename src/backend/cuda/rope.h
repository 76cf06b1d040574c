/* rope.h: what rope.c asks of rope.cu. */
#ifndef CUDA_ROPE_H
#define CUDA_ROPE_H
#include "backend/cuda/outer.h"
#include <cuda_runtime_api.h>

/* Angles of `positions` rows of the table: of first + row, or of the integers `given`, which lie as `at` says. */
struct rope_table {
    int64_t positions, first;
    const int32_t *given;
    struct cuda_outer at;                               /* rows of one integer each */
    int32_t pairs;
    double per_pair;                                    /* the frequency of pair i is e^(i · per_pair) */
    float sign;                                         /* of the sines: -1 turns backwards */
    float *table;                                       /* [positions][cos, sin][pairs] */
};

/* rows: of the result, of x, of the table (positions); n: numbers of a head, of which `rotary` are turned. */
struct rope_args {
    struct cuda_outer rows;
    rk_dtype dtype;
    int32_t interleaved, rotary, width;                 /* width: numbers that are moved as one: 16 bytes, or 1 pair or number */
    const float *table;
    void *y;
    const void *x;
};

#ifdef __cplusplus
extern "C" {
#endif
void rope_table_launch(const struct rope_table *t, cudaStream_t stream);
void rope_launch(const struct rope_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
