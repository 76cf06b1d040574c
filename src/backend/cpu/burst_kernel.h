/* burst_kernel.h: the loops of burst.h, per instruction set. */
#ifndef CPU_BURST_KERNEL_H
#define CPU_BURST_KERNEL_H
#include "backend/cpu/isa.h"
#include <stddef.h>
#include <stdint.h>

struct burst_kernels {
    double (*flops)(int64_t rounds);                                 /* does them, returns how many FLOPs that was */
    float  (*read)(const float *from, size_t n);                     /* a sum, so that nothing is left out */
    void   (*copy)(float *to, const float *from, size_t n);
};

#define X(isa) extern const struct burst_kernels burst_kernels_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
