/* nvrtc.h: the part of NVRTC that src/backend/cuda uses, for machines without it: the text is compiled by the system's C++ compiler
 * (host_nvrtc.cpp). A kernel is `extern "C" __global__ void NAME(...)`, arguments by value; the text sees RECKON_CUDA_HOST=1,
 * threadIdx, blockIdx, blockDim, gridDim, __syncthreads, the functions of math.h, host_from_bf16, host_to_bf16, host_from_f16, host_to_f16.
 * What is called a cubin here is a shared library of the host, for cudaLibraryLoadData. */
#ifndef CUDA_HOST_NVRTC_H
#define CUDA_HOST_NVRTC_H
#include <stddef.h>

typedef enum {
    NVRTC_SUCCESS = 0, NVRTC_ERROR_OUT_OF_MEMORY = 1, NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2, NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4, NVRTC_ERROR_INVALID_OPTION = 5, NVRTC_ERROR_COMPILATION = 6, NVRTC_ERROR_INTERNAL_ERROR = 11
} nvrtcResult;
typedef struct _nvrtcProgram *nvrtcProgram;

#ifdef __cplusplus
extern "C" {
#endif
const char *nvrtcGetErrorString(nvrtcResult result);
nvrtcResult nvrtcVersion(int *major, int *minor);
nvrtcResult nvrtcGetNumSupportedArchs(int *n);
nvrtcResult nvrtcGetSupportedArchs(int *archs);
nvrtcResult nvrtcCreateProgram(nvrtcProgram *program, const char *text, const char *name, int n_headers, const char *const *headers, const char *const *header_names);
nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int n_options, const char *const *options);
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t *bytes);
nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char *log);
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *bytes);
nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *cubin);
nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program);
#ifdef __cplusplus
}
#endif
#endif
