/* kernels.h: the kernels of kernels.def, and what they all ask. */
#ifndef CUDA_KERNELS_H
#define CUDA_KERNELS_H
#include "backend/cuda/machine.h"

/* What kernels read and write as it lies, computing in f32. */
static inline bool cuda_computes(rk_dtype dtype) { return dtype == RK_f32 || dtype == RK_bf16 || dtype == RK_f16; }

/* The address of an operand's first element. */
static inline const void *cuda_in(const struct call *c, int i)
{
    const struct operand *o = &c->problem->in[i];
    return (const char *)c->in[i] + o->at.offset * (int64_t)rk_dtype_bytes(o->dtype);
}
static inline void *cuda_out(const struct call *c, int i)
{
    const struct operand *o = &c->problem->out[i];
    return (char *)c->out[i] + o->at.offset * (int64_t)rk_dtype_bytes(o->dtype);
}

#define ROW(op, name, forward, ...)                                                                                   \
    bool cuda_##name##_accepts(const struct problem *p);                                                                     \
    rk_status cuda_##name##_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out);                             \
    rk_status cuda_##name##_run(rk_ctx *ctx, const struct call *c);
#include "backend/cuda/kernels.def"
#undef ROW

extern const struct kernel cuda_kernels[];

#endif
