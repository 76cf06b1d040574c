/* device_inner.h: a device, and its halves: device.c opens it, device_race.c measures, device_cache.c remembers;
 * device_cuda.c is all that knows of NVIDIA's. */
#ifndef DEVICE_INNER_H
#define DEVICE_INNER_H
#include "backend/blas/blas.h"
#include "backend/cpu/machine.h"
#include "base/arena.h"
#include "base/str.h"
#include "run/device.h"

struct rk_device {
    rk_ctx *ctx;
    struct backend backend;
    struct backend inner;               /* of guard */
    struct machine machine;
    struct cuda_machine *cuda;          /* of an NVIDIA device; else NULL */
    struct blas *blas;                  /* NULL: none that won a race, or none asked for */
    bool asked;                         /* it was asked for by name, and makes every product it can */
    rk_ceilings ceilings;
    bool known;                         /* the ceilings have been measured */
    struct arena arena;
    const char *name, *cache;           /* cache: "" for none */
    int index;                          /* of several devices of one kind: the 1 of cuda:1 */
    struct str key, text, library;
};

/* Takes a library over (NULL: none), and closes the one before. */
RK_CHECK rk_status device_take(rk_ctx *ctx, rk_device *d, struct blas *blas);

/* Our own products against every library that opens, class by class: the library that gains most stays open, and makes the
 * products of those classes in which it wins. races: GEMM_CLASSES results, or NULL. Where a library was asked for, it alone. */
RK_CHECK rk_status device_race(rk_ctx *ctx, rk_device *d, double seconds, rk_race *races);

RK_CHECK rk_status device_describe(rk_ctx *ctx, rk_device *d);                  /* of a processor: who makes its products now */

/* device_cuda.c */
RK_CHECK rk_status device_open_cuda(rk_ctx *ctx, rk_device *d);
void device_close_cuda(rk_device *d);
RK_CHECK rk_status device_measure_cuda(rk_ctx *ctx, rk_device *d);             /* its ceilings */

RK_CHECK rk_status device_key(rk_ctx *ctx, rk_device *d);                       /* which machine the numbers are of */
RK_CHECK rk_status device_cache_read(rk_ctx *ctx, rk_device *d, bool *raced);   /* raced: it said who wins, and that library is open */
RK_CHECK rk_status device_cache_write(rk_ctx *ctx, const rk_device *d);

#endif
