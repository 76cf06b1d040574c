/* cuda_runtime.h: see cuda_runtime_api.h; for a .cu also what kernels are written with. */
#ifndef CUDA_HOST_RUNTIME_H
#define CUDA_HOST_RUNTIME_H
#include "cuda_runtime_api.h"
#ifdef __cplusplus
#include "cuda_host.h"
#endif
#endif
