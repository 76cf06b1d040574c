/* cuda_host.h: the words of src/backend/cuda/launch.cuh for the host, where kernels run thread by thread (host_run.cpp).
 *
 * Each thread of a block is a coroutine. Blocks run one after the other, threads of even ones forwards, of odd ones backwards, so that
 * what leans on an order does not always come out right. Shared memory is NaN (0xff) when a block begins. A barrier that not all threads
 * of a block reach, and an exchange that not all 32 lanes of a warp reach together, is a message and an abort.
 *
 * For tensor.cuh: host_warp_exchange imitates what a warp does together (mma, ldmatrix); host_async_* imitate cp.async, whose destination is NaN
 * until it was waited for. For a driver of one's own:
 *
 *   g++ -std=c++17 -g -O2 -DRECKON_CUDA_HOST=1 -Itests/cuda_host -Isrc -Iinclude -x c++ KERNEL.cu driver.cpp tests/cuda_host/host_*.cpp -ldl
 */
#ifndef CUDA_HOST_H
#define CUDA_HOST_H
#include "cuda_runtime_api.h"
#include <functional>
#include <math.h>
#include <string.h>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static                           /* one block at a time; host_shared.cpp fills it anew for each */

#define KERNEL(most_threads) static void
#define DEVICE [[maybe_unused]] static inline
#define SHARED static
#define DYNAMIC_SHARED(type, name) type *name = (type *)host_dynamic_shared()
#define LAUNCH(kernel, blocks, threads, shared, stream, ...) host_launch(#kernel, dim3(blocks), dim3(threads), (shared), (stream), kernel, __VA_ARGS__)

/* --- where a thread is --- */

struct host_place { uint3 thread, block; dim3 threads, blocks; };
extern "C" {
extern struct host_place host_at;                   /* of the thread that runs */
void  host_sync(void);
/* All lanes of a warp give `bytes` (at most HOST_EXCHANGE) and get what all 32 gave, one after the other. */
void  host_warp_exchange(const void *mine, size_t bytes, void *all_32);
void  host_warp_shuffle(const void *mine, size_t bytes, int lane, void *theirs);       /* of that lane alone */
void *host_dynamic_shared(void);                    /* 128-byte aligned; as many bytes as the launch asked for */
/* cp.async: `bytes` (4, 8 or 16) come from `from` when the group is waited for; those past `valid` are 0. The destination is NaN until then. */
void  host_async_copy(void *to, const void *from, int bytes, int valid);
void  host_async_commit(void);
void  host_async_wait(int groups_left);
float    host_from_bf16(uint16_t bits);
float    host_from_f16(uint16_t bits);
uint16_t host_to_bf16(float x);
uint16_t host_to_f16(float x);
void  host_stop(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));      /* says which kernel, block and thread, then aborts */
}
enum { HOST_EXCHANGE = 256 };

#define threadIdx host_at.thread
#define blockIdx host_at.block
#define blockDim host_at.threads
#define gridDim host_at.blocks

static inline void __syncthreads(void) { host_sync(); }
static inline void __syncwarp(unsigned = 0xffffffffu) { host_warp_exchange(nullptr, 0, nullptr); }
static inline void __threadfence(void) {}
static inline void __threadfence_block(void) {}

static inline unsigned host_lane(void) { return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32; }

template <typename T> static inline T shuffle_from(T x, int lane)
{
    static_assert(std::is_trivially_copyable<T>::value, "lanes exchange bytes");
    host_warp_shuffle(&x, sizeof x, lane & 31, &x);
    return x;
}
template <typename T> static inline T shuffle_xor(T x, int mask) { return shuffle_from(x, (int)host_lane() ^ mask); }
template <typename T> static inline T __shfl_sync(unsigned, T x, int lane) { return shuffle_from(x, lane); }
template <typename T> static inline T __shfl_xor_sync(unsigned, T x, int mask) { return shuffle_xor(x, mask); }
template <typename T> static inline T __shfl_up_sync(unsigned, T x, int by) { int at = (int)host_lane(); return shuffle_from(x, at >= by ? at - by : at); }
template <typename T> static inline T __shfl_down_sync(unsigned, T x, int by) { int at = (int)host_lane(); return shuffle_from(x, at + by < 32 ? at + by : at); }
static inline unsigned __ballot_sync(unsigned, int yes)
{
    int all[32], one = yes != 0;
    unsigned bits = 0;
    host_warp_exchange(&one, sizeof one, all);
    for (int i = 0; i < 32; i++) bits |= (unsigned)all[i] << i;
    return bits;
}
static inline int __any_sync(unsigned mask, int yes) { return __ballot_sync(mask, yes) != 0; }
static inline int __all_sync(unsigned mask, int yes) { return __ballot_sync(mask, yes) == 0xffffffffu; }

/* --- launching --- */

void host_launch_body(const char *name, const void *kernel, dim3 blocks, dim3 threads, size_t shared, cudaStream_t stream, std::function<void()> body);

/* Arguments are copied now, as a launch does, and read when the kernel runs: in a graph, later. */
template <typename... P, typename... A> void host_launch(const char *name, dim3 blocks, dim3 threads, size_t shared, cudaStream_t stream, void (*kernel)(P...), A &&...arguments)
{
    std::tuple<typename std::decay<P>::type...> kept(static_cast<A &&>(arguments)...);
    host_launch_body(name, (const void *)kernel, blocks, threads, shared, stream, [kernel, kept]() { std::apply(kernel, kept); });
}

/* --- types and functions of CUDA C that C++ lacks --- */

struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) int2 { int x, y; };
struct __align__(16) int4 { int x, y, z, w; };
struct __align__(8) uint2 { unsigned x, y; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
struct __align__(16) double2 { double x, y; };
static inline float2 make_float2(float x, float y) { return { x, y }; }
static inline float4 make_float4(float x, float y, float z, float w) { return { x, y, z, w }; }
static inline int2 make_int2(int x, int y) { return { x, y }; }
static inline int4 make_int4(int x, int y, int z, int w) { return { x, y, z, w }; }
static inline uint2 make_uint2(unsigned x, unsigned y) { return { x, y }; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return { x, y, z, w }; }
static inline double2 make_double2(double x, double y) { return { x, y }; }

template <typename To, typename From> static inline To host_bits(From x)
{
    static_assert(sizeof(To) == sizeof(From), "bits are read as they are");
    To y;
    memcpy(&y, &x, sizeof y);
    return y;
}
static inline float __uint_as_float(unsigned x) { return host_bits<float>(x); }
static inline unsigned __float_as_uint(float x) { return host_bits<unsigned>(x); }
static inline float __int_as_float(int x) { return host_bits<float>(x); }
static inline int __float_as_int(float x) { return host_bits<int>(x); }
static inline double __longlong_as_double(long long x) { return host_bits<double>(x); }
static inline long long __double_as_longlong(double x) { return host_bits<long long>(x); }

template <typename T> static inline T __ldg(const T *p) { return *p; }
template <typename T> static inline T __ldcs(const T *p) { return *p; }
template <typename T> static inline void __stcs(T *p, T x) { *p = x; }
static inline float host_rsqrtf(float x) { return (float)(1 / sqrt((double)x)); }
static inline double host_rsqrt(double x) { return 1 / sqrt(x); }
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __frcp_rn(float x) { return 1 / x; }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
static inline float __int2float_rn(int x) { return (float)x; }
static inline int __float2int_rn(float x) { return (int)rintf(x); }
static inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((uint64_t)x * y >> 32); }
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned long long)((unsigned __int128)x * y >> 64); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline void host_sincospi(double x, double *s, double *c)
{
    double turn = x - 2 * floor(x / 2);
    *s = sin(turn * M_PI), *c = cos(turn * M_PI);
}
static inline void host_sincospif(float x, float *s, float *c)
{
    double a, b;
    host_sincospi((double)x, &a, &b);
    *s = (float)a, *c = (float)b;
}
template <typename T> static inline T min(T x, T y) { return y < x ? y : x; }
template <typename T> static inline T max(T x, T y) { return x < y ? y : x; }
/* Names that one C library or another has, too. */
#define rsqrtf host_rsqrtf
#define rsqrt host_rsqrt
#define sincospi host_sincospi
#define sincospif host_sincospif
#define __expf expf
#define __logf logf
#define __sinf sinf
#define __cosf cosf
#define __powf powf
#define __exp10f exp10f

#endif
