/* device.h: where a model runs, and how: a back end, its libraries, its numbers.
 *
 *   "cpu"    vector kernels, chosen by the processor's features; contractions by whoever won a short race
 *   "ref"    every operation's own reference, in f64: the truth, and slow
 *   "meter"  the reference with counting arithmetic
 *   "guard"  "cpu" with poisoned and fenced memory */
#ifndef RECKON_DEVICE_H
#define RECKON_DEVICE_H
#include "reckon/dim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_device rk_device;

typedef struct rk_device_options {
    const char *blas;                   /* "openblas", "mkl", "blis", "own"; NULL: the winner of the race */
    const char *cache;                  /* file in which races and ceilings are remembered; NULL: nowhere */
} rk_device_options;

RK_API RK_CHECK rk_status rk_device_open(rk_ctx *ctx, const char *name, const rk_device_options *options, rk_device **device);
RK_API void        rk_device_close(rk_device *device);
RK_API const char *rk_device_name(const rk_device *device);             /* "cpu" */
RK_API const char *rk_device_library(const rk_device *device);          /* the BLAS that is open, and what it runs as: "libopenblas.so.0 (SkylakeX)"; "" for none */
RK_API const char *rk_device_text(const rk_device *device);             /* "cpu avx512, OpenBLAS SkylakeX, 2 threads" */

/* What this machine can do, measured: FLOPs per second of f32 fused multiply-adds and of the best matrix product, bytes per
 * second of reading. Remembered in the cache; measured anew when there is none or when asked. */
typedef struct rk_ceilings { double fma_flops, gemm_flops, read_bytes, copy_bytes; int threads; } rk_ceilings;
RK_API RK_CHECK rk_status rk_device_ceilings(rk_device *device, bool measure, rk_ceilings *ceilings);

/* The race of one class of products, run anew on a product of that class: our own against the library, in FLOPs per second at their best (0: no library).
 * The winner is what plans made from now on take, and what the next measured ceilings remember. RK_E_UNKNOWN past the last. */
typedef struct rk_race { const char *name; int64_t rows, columns, depth; double own_flops, library_flops; bool library; } rk_race;
RK_API RK_CHECK rk_status rk_device_race(rk_device *device, int i, rk_race *race);

/* What the environment should say before a device opens its BLAS, because packaged libraries mistake new processors for old
 * ones: a program that owns its process sets what is unset; the library itself never does. False past the last. */
typedef struct rk_wish { const char *variable, *value; } rk_wish;
RK_API bool rk_device_wish(int i, rk_wish *wish);

#ifdef __cplusplus
}
#endif
#endif
