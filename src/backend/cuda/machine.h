/* machine.h: a CUDA device that is open, as the kernels of this folder see it: what it can do, its stream, the libraries that
 * work for it. Kernels find it in problem->machine.
 *
 * Everything runs on one stream; reading and writing wait for it. A file NAME.c says what a kernel takes and lays out its arguments,
 * NAME.cu is CUDA C: kernels and a function that launches them; NAME.h holds the arguments that both know. */
#ifndef CUDA_MACHINE_H
#define CUDA_MACHINE_H
#include "base/ctx.h"
#include "core/problem.h"
#include <cuda_runtime_api.h>

/* What changes from run to run and is read by kernels that are replayed: in the device's memory. */
struct cuda_live { unsigned long long seed, step; };

struct cuda_machine {
    rk_ctx *ctx;
    int     device;
    char    name[256];
    int     capability;                     /* 90: compute capability 9.0 */
    int     multiprocessors;
    size_t  shared_most;                    /* bytes of shared memory that a block may ask for */
    cudaStream_t stream;
    struct cuda_live *live;                 /* on the device */
    struct cuda_live told;                  /* what it holds */
    struct lt *lt;                          /* cuBLASLt: lt.h */
    struct rtc *rtc;                        /* programs compiled at run time: rtc.h */
    char   *products;                       /* file in which algorithms of products are kept; NULL: none */
    size_t  context_bytes;                  /* of the device's memory, taken before anything was allocated */
    bool    recording;                      /* the stream is being captured into a graph */
};

static inline const struct cuda_machine *cuda_of(const struct problem *p) { return p->machine; }

/* RK_OK, or the error with what was being done: "launching norm". */
RK_CHECK rk_status cuda_check(rk_ctx *ctx, cudaError_t error, const char *doing);
#define CUDA_TRY(call, doing) TRY(cuda_check(ctx, (call), (doing)))
/* After every launch. */
#define LAUNCHED(name) cuda_check(ctx, cudaGetLastError(), "launching " name)

#endif
