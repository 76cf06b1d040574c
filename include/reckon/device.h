/* device.h: where a model runs, and how: a back end, its libraries, its numbers.
 *
 *   "cpu"    vector kernels, chosen by the processor's features; contractions by whoever won a short race
 *   "ref"    every operation's own reference, in f64: the truth, and slow
 *   "meter"  the reference with counting arithmetic
 *   "guard"  "cpu" with poisoned and fenced memory
 *   "cuda"   an NVIDIA device; "cuda:1" the second. One device for each thread that opens one. RK_E_DECLINED where this library was
 *            built without it, RK_E_MISSING where there is no such device */
#ifndef RECKON_DEVICE_H
#define RECKON_DEVICE_H
#include "reckon/dim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_device rk_device;

typedef struct rk_device_options {
    const char *blas;                   /* a name of rk_library_at, a file, "own" (no library), "any" (the winner of the race); NULL: what
                                         * the build was made for, which is "any" unless said otherwise */
    const char *cache;                  /* file in which races and ceilings are remembered; NULL: nowhere */
} rk_device_options;

RK_API RK_CHECK rk_status rk_device_open(rk_ctx *ctx, const char *name, const rk_device_options *options, rk_device **device);
RK_API void        rk_device_close(rk_device *device);
RK_API const char *rk_device_name(const rk_device *device);             /* "cpu" */
RK_API const char *rk_device_library(const rk_device *device);          /* the BLAS that is open, and what it runs as: "libopenblas.so.0 (SkylakeX)"; "" for none */
/* Bytes of an accelerator's own memory; false: it computes in the host's. */
RK_API bool rk_device_memory(const rk_device *device, uint64_t *all, uint64_t *free);
RK_API const char *rk_device_text(const rk_device *device);             /* "cpu avx512, OpenBLAS SkylakeX, 2 threads" */

/* What this machine can do, measured: FLOPs per second of f32 fused multiply-adds and of the best matrix product, bytes per
 * second of reading. Remembered in the cache; measured anew when there is none or when asked. Of an accelerator fma_flops and
 * gemm_flops are both the best product in f32. The best product of 16 bits is told where units for it are: of an accelerator, of
 * bf16 on a processor with tiles (0: no such units). */
typedef struct rk_ceilings { double fma_flops, gemm_flops, read_bytes, copy_bytes, bf16_flops, f16_flops; int threads; } rk_ceilings;
RK_API RK_CHECK rk_status rk_device_ceilings(rk_device *device, bool measure, rk_ceilings *ceilings);
RK_API bool rk_device_measured(const rk_device *device, rk_ceilings *ceilings);        /* what is remembered; false: nothing was measured */

/* Races, run anew: for each class of products our own (racer 0) against every BLAS library that opens, or the one that was asked
 * for, in FLOPs per second of the median turn, which decides. The library that gains most is what plans made from now on take, where it is the
 * winner, and what the next measured ceilings remember. Fills at most `most` races; *n: how many. */
enum { RK_RACERS = 8 };
typedef struct rk_race {
    const char *name;                   /* "wide_nt" */
    int64_t rows, columns, depth;
    int     n, winner;                  /* racers; who makes these products from now on */
    double  flops[RK_RACERS];           /* per second */
    char    racer[RK_RACERS][32], core[RK_RACERS][32];      /* "openblas", "SkylakeX" */
} rk_race;
RK_API RK_CHECK rk_status rk_device_races(rk_device *device, int most, rk_race *races, int *n);

/* The BLAS libraries that are known; false past the last. */
typedef struct rk_library { const char *name, *title, *package; } rk_library;      /* "mkl", "Intel oneMKL", what installs it */
RK_API bool rk_library_at(int i, rk_library *library);

/* What the environment should say before a device opens its BLAS, because packaged libraries mistake new processors for old
 * ones: a program that owns its process sets what is unset; the library itself never does. False past the last. */
typedef struct rk_wish { const char *variable, *value; } rk_wish;
RK_API bool rk_device_wish(int i, rk_wish *wish);

#ifdef __cplusplus
}
#endif
#endif
