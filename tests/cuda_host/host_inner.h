/* host_inner.h: what the files of this folder share. */
#ifndef HOST_INNER_H
#define HOST_INNER_H
#include "cuda_host.h"
#include <functional>

/* Device memory is out of the host's reach but between these two: an address of the device that the host follows is a fault, as it would be
 * there. (AddressSanitizer finds other things instead: then it is plain memory, with its fences.) */
extern "C" void host_memory_open(void);
extern "C" void host_memory_close(void);
/* Does the work now, or keeps it while the stream is captured. */
cudaError_t host_do(cudaStream_t stream, std::function<void()> work);
cudaError_t host_fail(cudaError_t error);           /* remembered for cudaGetLastError */
bool        host_capturing(void);                   /* any stream: what waits may not be called then */
bool        host_strict(void);                      /* nor what allocates */
size_t      host_shared_allowed(const void *kernel);        /* bytes of dynamic shared memory */
/* The memory in which kernels' static shared variables lie: host_shared.cpp of each module of kernels tells. */
extern "C" void host_shared_range(char *from, char *to);

static const int HOST_SHARED_PLAIN = 48 << 10, HOST_SHARED_MOST = 227 << 10, HOST_MULTIPROCESSORS = 4;       /* bytes, bytes */

#endif
