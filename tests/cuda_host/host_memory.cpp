/* host_memory.cpp: the device, its memory, and copies, which are held against what was allocated. */
#include "host_inner.h"
#include <map>
#include <mutex>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t MEMORY = (size_t)16 << 30, SPOILED = 1 << 20;

static std::mutex mutex;
static std::map<uintptr_t, size_t> allocated, pinned;       /* address: bytes */
static size_t taken;
static thread_local cudaError_t last = cudaSuccess;
static std::map<const void *, size_t> allowed;              /* dynamic shared memory of a kernel that asked for more */

cudaError_t host_fail(cudaError_t error) { return error == cudaSuccess ? error : last = error; }

static const struct { cudaError_t error; const char *name, *words; } errors[] = {
#define ROW(error, words) { error, #error, words }
    ROW(cudaSuccess, "no error"), ROW(cudaErrorInvalidValue, "invalid argument"), ROW(cudaErrorMemoryAllocation, "out of memory"),
    ROW(cudaErrorInitializationError, "initialization error"), ROW(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    ROW(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"), ROW(cudaErrorInvalidDeviceFunction, "invalid device function"),
    ROW(cudaErrorNoDevice, "no CUDA-capable device is detected"), ROW(cudaErrorInvalidDevice, "invalid device ordinal"),
    ROW(cudaErrorInvalidKernelImage, "device kernel image is invalid"), ROW(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    ROW(cudaErrorSymbolNotFound, "named symbol not found"), ROW(cudaErrorNotReady, "device not ready"), ROW(cudaErrorLaunchFailure, "unspecified launch failure"),
    ROW(cudaErrorNotSupported, "operation not supported"), ROW(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    ROW(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"), ROW(cudaErrorUnknown, "unknown error"),
#undef ROW
};

extern "C" const char *cudaGetErrorName(cudaError_t error)
{
    for (auto &row : errors)
        if (row.error == error) return row.name;
    return "unrecognized error code";
}

extern "C" const char *cudaGetErrorString(cudaError_t error)
{
    for (auto &row : errors)
        if (row.error == error) return row.words;
    return "unrecognized error code";
}

extern "C" cudaError_t cudaPeekAtLastError(void) { return last; }
extern "C" cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last;
    last = cudaSuccess;
    return error;
}

/* --- the device --- */

extern "C" cudaError_t cudaRuntimeGetVersion(int *version) { return *version = CUDART_VERSION, cudaSuccess; }
extern "C" cudaError_t cudaDriverGetVersion(int *version) { return *version = CUDART_VERSION, cudaSuccess; }
extern "C" cudaError_t cudaGetDeviceCount(int *count) { return *count = 1, cudaSuccess; }
extern "C" cudaError_t cudaGetDevice(int *device) { return *device = 0, cudaSuccess; }
extern "C" cudaError_t cudaSetDevice(int device) { return host_fail(device == 0 ? cudaSuccess : cudaErrorInvalidDevice); }
extern "C" cudaError_t cudaInitDevice(int device, unsigned, unsigned) { return cudaSetDevice(device); }
extern "C" cudaError_t cudaDeviceSynchronize(void) { return host_fail(host_capturing() ? cudaErrorStreamCaptureUnsupported : cudaSuccess); }
extern "C" cudaError_t cudaDeviceReset(void) { return cudaSuccess; }

extern "C" cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    if (device != 0) return host_fail(cudaErrorInvalidDevice);
    *p = cudaDeviceProp();
    snprintf(p->name, sizeof p->name, "host stand-in");
    p->totalGlobalMem = MEMORY, p->totalConstMem = 64 << 10;
    p->sharedMemPerBlock = HOST_SHARED_PLAIN, p->sharedMemPerBlockOptin = HOST_SHARED_MOST, p->sharedMemPerMultiprocessor = 228 << 10;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536, p->warpSize = 32, p->maxThreadsPerBlock = 1024, p->maxThreadsPerMultiProcessor = 2048;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024, p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = INT32_MAX, p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->major = 9, p->minor = 0, p->multiProcessorCount = HOST_MULTIPROCESSORS, p->l2CacheSize = 4 << 20, p->memoryBusWidth = 5120;
    return cudaSuccess;
}

extern "C" cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    static const struct { enum cudaDeviceAttr attribute; int value; } rows[] = {
        { cudaDevAttrMaxThreadsPerBlock, 1024 }, { cudaDevAttrMaxSharedMemoryPerBlock, HOST_SHARED_PLAIN }, { cudaDevAttrWarpSize, 32 },
        { cudaDevAttrClockRate, 1000000 }, { cudaDevAttrMultiProcessorCount, HOST_MULTIPROCESSORS }, { cudaDevAttrMemoryClockRate, 1000000 },
        { cudaDevAttrGlobalMemoryBusWidth, 5120 }, { cudaDevAttrL2CacheSize, 4 << 20 }, { cudaDevAttrMaxThreadsPerMultiProcessor, 2048 },
        { cudaDevAttrComputeCapabilityMajor, 9 }, { cudaDevAttrComputeCapabilityMinor, 0 }, { cudaDevAttrMaxSharedMemoryPerMultiprocessor, 228 << 10 },
        { cudaDevAttrMaxRegistersPerMultiprocessor, 65536 }, { cudaDevAttrMaxSharedMemoryPerBlockOptin, HOST_SHARED_MOST },
    };
    if (device != 0) return host_fail(cudaErrorInvalidDevice);
    for (auto &row : rows)
        if (row.attribute == attribute) return *value = row.value, cudaSuccess;
    return host_fail(cudaErrorInvalidValue);
}

extern "C" cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value)
{
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || value > HOST_SHARED_MOST) return host_fail(cudaErrorInvalidValue);
    std::lock_guard<std::mutex> lock(mutex);
    allowed[kernel] = (size_t)(value > HOST_SHARED_PLAIN ? value : HOST_SHARED_PLAIN);
    return cudaSuccess;
}

size_t host_shared_allowed(const void *kernel)
{
    std::lock_guard<std::mutex> lock(mutex);
    auto found = allowed.find(kernel);
    return found == allowed.end() ? (size_t)HOST_SHARED_PLAIN : found->second;
}

extern "C" cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *, int threads, size_t shared)
{
    int by_threads = 2048 / (threads > 0 ? threads : 1), by_shared = shared > 0 ? (int)((228 << 10) / shared) : 32;
    *blocks = by_threads < by_shared ? by_threads : by_shared;
    return cudaSuccess;
}

/* --- memory --- */

/* --- whole pages, which can be closed --- */

#if defined(__SANITIZE_ADDRESS__)
static const bool CLOSES = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool CLOSES = false;
#else
static const bool CLOSES = true;
#endif
#else
static const bool CLOSES = true;
#endif

static int opened;                                          /* by how many; nobody: closed */

static size_t pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

static void protect(int how)
{
    for (auto &each : allocated) (void)mprotect((void *)each.first, pages(each.second), how);
}

extern "C" void host_memory_open(void)
{
    std::lock_guard<std::mutex> lock(mutex);
    if (CLOSES && opened++ == 0) protect(PROT_READ | PROT_WRITE);
}

extern "C" void host_memory_close(void)
{
    std::lock_guard<std::mutex> lock(mutex);
    if (CLOSES && --opened == 0) protect(PROT_NONE);
}

static bool reserve(bool device, void **at, size_t bytes)
{
    if (!device || !CLOSES) return posix_memalign(at, 256, bytes) == 0;
    *at = mmap(nullptr, pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *at != MAP_FAILED;
}

static cudaError_t take(std::map<uintptr_t, size_t> &table, void **at, size_t bytes)
{
    *at = nullptr;
    if (host_strict()) return host_fail(cudaErrorStreamCaptureUnsupported);
    if (bytes == 0) return cudaSuccess;
    std::lock_guard<std::mutex> lock(mutex);
    if (bytes > MEMORY - taken || !reserve(&table == &allocated, at, bytes)) return *at = nullptr, host_fail(cudaErrorMemoryAllocation);
    size_t ends = bytes < SPOILED ? bytes : SPOILED;        /* of what is large, both ends */
    memset(*at, 0xff, ends);
    memset((char *)*at + bytes - ends, 0xff, ends);
    table[(uintptr_t)*at] = bytes;
    taken += bytes;
    if (CLOSES && &table == &allocated && opened == 0) (void)mprotect(*at, pages(bytes), PROT_NONE);
    return cudaSuccess;
}

static cudaError_t give_back(std::map<uintptr_t, size_t> &table, void *at)
{
    if (at == nullptr) return cudaSuccess;
    std::lock_guard<std::mutex> lock(mutex);
    auto found = table.find((uintptr_t)at);
    if (found == table.end()) return host_fail(cudaErrorInvalidValue);
    size_t bytes = found->second;
    taken -= bytes;
    table.erase(found);
    if (CLOSES && &table == &allocated) (void)munmap(at, pages(bytes));
    else free(at);
    return cudaSuccess;
}

extern "C" cudaError_t cudaMalloc(void **at, size_t bytes) { return take(allocated, at, bytes); }
extern "C" cudaError_t cudaFree(void *at) { return give_back(allocated, at); }
extern "C" cudaError_t cudaMallocHost(void **at, size_t bytes) { return take(pinned, at, bytes); }
extern "C" cudaError_t cudaHostAlloc(void **at, size_t bytes, unsigned) { return take(pinned, at, bytes); }
extern "C" cudaError_t cudaFreeHost(void *at) { return give_back(pinned, at); }

extern "C" cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    std::lock_guard<std::mutex> lock(mutex);
    *total = MEMORY;
    *free_bytes = MEMORY - taken;
    return cudaSuccess;
}

static bool on_device(const void *at, size_t bytes)
{
    std::lock_guard<std::mutex> lock(mutex);
    auto after = allocated.upper_bound((uintptr_t)at);
    if (after == allocated.begin()) return false;
    --after;
    size_t offset = (uintptr_t)at - after->first;
    return offset <= after->second && bytes <= after->second - offset;
}

/* What says it is the device's must be, all of it; and the host's must not. */
static bool copies(const void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    bool onto = on_device(to, bytes), off = on_device(from, bytes);
    if (kind == cudaMemcpyDefault) return true;
    return onto == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) && off == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice);
}

extern "C" cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    if (bytes == 0) return cudaSuccess;
    if (!copies(to, from, bytes, kind)) return host_fail(cudaErrorInvalidValue);
    return host_do(stream, [=]() { memmove(to, from, bytes); });
}

extern "C" cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    if (bytes == 0) return cudaSuccess;
    if (!on_device(to, bytes)) return host_fail(cudaErrorInvalidValue);
    return host_do(stream, [=]() { memset(to, value, bytes); });
}

extern "C" cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return host_capturing() ? host_fail(cudaErrorStreamCaptureUnsupported) : cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}

extern "C" cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
    return host_capturing() ? host_fail(cudaErrorStreamCaptureUnsupported) : cudaMemsetAsync(to, value, bytes, nullptr);
}
