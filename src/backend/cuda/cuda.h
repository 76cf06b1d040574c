/* cuda.h: the back end for NVIDIA devices: memory of one device, and kernels for every primitive: it delegates to nobody.
 *
 * One device for each thread that opens one: the runtime's current device is set at opening. */
#ifndef CUDA_CUDA_H
#define CUDA_CUDA_H
#include "core/problem.h"

struct cuda_machine;

/* RK_E_MISSING where there is no driver, no such device, or no cuBLASLt or NVRTC to open. */
RK_CHECK rk_status cuda_open(rk_ctx *ctx, int device, struct cuda_machine **machine, struct backend *backend);
/* Which products are fastest, from a file, and at closing into it. */
RK_CHECK rk_status cuda_remember(rk_ctx *ctx, struct cuda_machine *machine, const char *file);
void cuda_close(struct cuda_machine *machine);
const char *cuda_library(const struct cuda_machine *m);         /* "cuBLASLt 13.0.2" */
const char *cuda_text(const struct cuda_machine *m);            /* "NVIDIA H100 80GB HBM3" */

#endif
