/* measure.h: what a device can do: products of large matrices of random numbers, and a copy of its memory. */
#ifndef CUDA_MEASURE_H
#define CUDA_MEASURE_H
#include "base/ctx.h"

struct cuda_machine;
struct cuda_rates { double f32_flops, bf16_flops, f16_flops, read_bytes, copy_bytes; };     /* per second; copy: read and written, each counted */

RK_CHECK rk_status cuda_measure(rk_ctx *ctx, const struct cuda_machine *m, struct cuda_rates *rates);

#endif
