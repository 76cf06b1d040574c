/* group.cuh: products of a warpgroup, four warps together, on devices of capability 9.0: 64 x 64 numbers added up in f32, the right operand
 * out of shared memory, the left one too or in registers. Warp w of the group has rows 16 w .. of the result, in the fragments of tensor.cuh.
 *
 * Operands in shared memory are tiles of tensor.cuh with rows of 64 numbers (128 bytes, pieces turned by the row: the "128-byte swizzle"),
 * at a multiple of 1024 bytes. What ordinary stores or cp.async wrote there is to be told to the tensor cores: group_told, then a barrier.
 * Source: PTX ISA 9.0, "Asynchronous warpgroup level matrix instructions". */
#ifndef CUDA_GROUP_CUH
#define CUDA_GROUP_CUH
#include "backend/cuda/attend_tensor.cuh"

enum { GROUP = 4 * WARP, GROUP_ROWS = 64, GROUP_ALIGNED = 1024 };

#if RECKON_CUDA_HOST

DEVICE void group_told() {}
template <typename T> DEVICE T *group_aligned(T *shared) { return shared; }
template <int left> DEVICE void group_wait() {}
DEVICE void group_hold(float (&)[1][8][4]) {}
DEVICE void group_hold(uint32_t (&)[4][4]) {}
template <typename T> DEVICE void group_products(float (&c)[1][8][4], T *left, int row, T *right, int first)
{
    products<T, 64>(c, left, row + threadIdx.x % GROUP / WARP * 16, right, first);
}
template <typename T> DEVICE void group_collect(float (&sum)[1][8][4], const uint32_t (&p)[4][4], T *right, int first)
{
    for (int k = 0; k < 4; k++)
        for (int n = 0; n < 4; n++) {
            uint32_t b[4];
            load_right_down<64>(b, right, first + 16 * k, n);
            multiply_add<T>(sum[0][2 * n], p[k], b[0], b[1]);
            multiply_add<T>(sum[0][2 * n + 1], p[k], b[2], b[3]);
        }
}

#elif defined(__CUDA_ARCH_FEAT_SM90_ALL)

DEVICE void group_told() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

template <typename T> DEVICE T *group_aligned(T *shared) { return shared + (-shared_address(shared) & (GROUP_ALIGNED - 1)) / sizeof(T); }

/* The address in 16 bytes; 1024 bytes from 8 rows to the next 8; pieces turned within 128 bytes. */
DEVICE uint64_t group_operand(const void *at)
{
    return (uint64_t)(shared_address(at) >> 4 & 0x3fff) | (uint64_t)(GROUP_ALIGNED >> 4) << 16 | (uint64_t)(GROUP_ALIGNED >> 4) << 32 | (uint64_t)1 << 62;
}

template <typename T> DEVICE void group_multiply(float (&c)[1][8][4], uint64_t a, uint64_t b, int more);
template <typename T> DEVICE void group_multiply_down(float (&c)[1][8][4], const uint32_t (&a)[4], uint64_t b);
template <> __device__ __forceinline__ void group_multiply<bf16>(float (&c)[1][8][4], uint64_t a, uint64_t b, int more)
{
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %34, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, p, 1, 1, 0, 0; }"
        : "+f"(c[0][0][0]), "+f"(c[0][0][1]), "+f"(c[0][0][2]), "+f"(c[0][0][3]), "+f"(c[0][1][0]), "+f"(c[0][1][1]), "+f"(c[0][1][2]), "+f"(c[0][1][3]),
          "+f"(c[0][2][0]), "+f"(c[0][2][1]), "+f"(c[0][2][2]), "+f"(c[0][2][3]), "+f"(c[0][3][0]), "+f"(c[0][3][1]), "+f"(c[0][3][2]), "+f"(c[0][3][3]),
          "+f"(c[0][4][0]), "+f"(c[0][4][1]), "+f"(c[0][4][2]), "+f"(c[0][4][3]), "+f"(c[0][5][0]), "+f"(c[0][5][1]), "+f"(c[0][5][2]), "+f"(c[0][5][3]),
          "+f"(c[0][6][0]), "+f"(c[0][6][1]), "+f"(c[0][6][2]), "+f"(c[0][6][3]), "+f"(c[0][7][0]), "+f"(c[0][7][1]), "+f"(c[0][7][2]), "+f"(c[0][7][3])
        : "l"(a), "l"(b), "r"(more));
}
template <> __device__ __forceinline__ void group_multiply_down<bf16>(float (&c)[1][8][4], const uint32_t (&a)[4], uint64_t b)
{
    asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, {%32, %33, %34, %35}, %36, p, 1, 1, 1; }"
        : "+f"(c[0][0][0]), "+f"(c[0][0][1]), "+f"(c[0][0][2]), "+f"(c[0][0][3]), "+f"(c[0][1][0]), "+f"(c[0][1][1]), "+f"(c[0][1][2]), "+f"(c[0][1][3]),
          "+f"(c[0][2][0]), "+f"(c[0][2][1]), "+f"(c[0][2][2]), "+f"(c[0][2][3]), "+f"(c[0][3][0]), "+f"(c[0][3][1]), "+f"(c[0][3][2]), "+f"(c[0][3][3]),
          "+f"(c[0][4][0]), "+f"(c[0][4][1]), "+f"(c[0][4][2]), "+f"(c[0][4][3]), "+f"(c[0][5][0]), "+f"(c[0][5][1]), "+f"(c[0][5][2]), "+f"(c[0][5][3]),
          "+f"(c[0][6][0]), "+f"(c[0][6][1]), "+f"(c[0][6][2]), "+f"(c[0][6][3]), "+f"(c[0][7][0]), "+f"(c[0][7][1]), "+f"(c[0][7][2]), "+f"(c[0][7][3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
template <> __device__ __forceinline__ void group_multiply<f16>(float (&c)[1][8][4], uint64_t a, uint64_t b, int more)
{
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %34, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, p, 1, 1, 0, 0; }"
        : "+f"(c[0][0][0]), "+f"(c[0][0][1]), "+f"(c[0][0][2]), "+f"(c[0][0][3]), "+f"(c[0][1][0]), "+f"(c[0][1][1]), "+f"(c[0][1][2]), "+f"(c[0][1][3]),
          "+f"(c[0][2][0]), "+f"(c[0][2][1]), "+f"(c[0][2][2]), "+f"(c[0][2][3]), "+f"(c[0][3][0]), "+f"(c[0][3][1]), "+f"(c[0][3][2]), "+f"(c[0][3][3]),
          "+f"(c[0][4][0]), "+f"(c[0][4][1]), "+f"(c[0][4][2]), "+f"(c[0][4][3]), "+f"(c[0][5][0]), "+f"(c[0][5][1]), "+f"(c[0][5][2]), "+f"(c[0][5][3]),
          "+f"(c[0][6][0]), "+f"(c[0][6][1]), "+f"(c[0][6][2]), "+f"(c[0][6][3]), "+f"(c[0][7][0]), "+f"(c[0][7][1]), "+f"(c[0][7][2]), "+f"(c[0][7][3])
        : "l"(a), "l"(b), "r"(more));
}
template <> __device__ __forceinline__ void group_multiply_down<f16>(float (&c)[1][8][4], const uint32_t (&a)[4], uint64_t b)
{
    asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, {%32, %33, %34, %35}, %36, p, 1, 1, 1; }"
        : "+f"(c[0][0][0]), "+f"(c[0][0][1]), "+f"(c[0][0][2]), "+f"(c[0][0][3]), "+f"(c[0][1][0]), "+f"(c[0][1][1]), "+f"(c[0][1][2]), "+f"(c[0][1][3]),
          "+f"(c[0][2][0]), "+f"(c[0][2][1]), "+f"(c[0][2][2]), "+f"(c[0][2][3]), "+f"(c[0][3][0]), "+f"(c[0][3][1]), "+f"(c[0][3][2]), "+f"(c[0][3][3]),
          "+f"(c[0][4][0]), "+f"(c[0][4][1]), "+f"(c[0][4][2]), "+f"(c[0][4][3]), "+f"(c[0][5][0]), "+f"(c[0][5][1]), "+f"(c[0][5][2]), "+f"(c[0][5][3]),
          "+f"(c[0][6][0]), "+f"(c[0][6][1]), "+f"(c[0][6][2]), "+f"(c[0][6][3]), "+f"(c[0][7][0]), "+f"(c[0][7][1]), "+f"(c[0][7][2]), "+f"(c[0][7][3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

/* What is being made or read is neither moved nor used by the compiler: before, and after the wait. */
DEVICE void group_hold(float (&c)[1][8][4])
{
#pragma unroll
    for (int n = 0; n < 8; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) asm volatile("" : "+f"(c[0][n][e]) :: "memory");
}
DEVICE void group_hold(uint32_t (&a)[4][4])
{
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int e = 0; e < 4; e++) asm volatile("" : "+r"(a[k][e]) :: "memory");
}
DEVICE void group_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void group_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/* Until all but the last `left` products that were begun are done. */
template <int left> DEVICE void group_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(left) : "memory"); }

/* Begins c = rows `row` .. row + 63 of left times rows `first` .. first + 63 of right: sums over their numbers. */
template <typename T> DEVICE void group_products(float (&c)[1][8][4], T *left, int row, T *right, int first)
{
    uint64_t a = group_operand(left + row * 64), b = group_operand(right + first * 64);
    group_hold(c);
    group_begin();
#pragma unroll
    for (int k = 0; k < 4; k++) group_multiply<T>(c, a + 2 * k, b + 2 * k, k);       /* 16 numbers are 32 bytes on */
    group_commit();
}

/* Begins sum += p times rows `first` .. first + 63 of right: sums over p's columns. */
template <typename T> DEVICE void group_collect(float (&sum)[1][8][4], uint32_t (&p)[4][4], T *right, int first)
{
    uint64_t b = group_operand(right + first * 64);
    group_hold(sum);
    group_hold(p);
    group_begin();
#pragma unroll
    for (int k = 0; k < 4; k++) group_multiply_down<T>(sum, p[k], b + k * (2 * GROUP_ALIGNED >> 4));
    group_commit();
}

#else       /* compiled for other devices, where they are not launched */

DEVICE void group_told() {}
template <typename T> DEVICE T *group_aligned(T *shared) { return shared; }
template <int left> DEVICE void group_wait() {}
DEVICE void group_hold(float (&)[1][8][4]) {}
DEVICE void group_hold(uint32_t (&)[4][4]) {}
template <typename T> DEVICE void group_products(float (&c)[1][8][4], T *, int, T *, int) { clear(c); }
template <typename T> DEVICE void group_collect(float (&)[1][8][4], uint32_t (&)[4][4], T *, int) {}

#endif

/* --- by dtype, width, and who multiplies: warps, or groups of four where the device has them --- */

/* Weights as left operands. */
template <typename T> DEVICE void group_pack(uint32_t (&a)[4][4], const float (&p)[1][8][4])
{
#pragma unroll
    for (int k = 0; k < 4; k++) {
        a[k][0] = pack_pair<T>(p[0][2 * k][0], p[0][2 * k][1]);
        a[k][1] = pack_pair<T>(p[0][2 * k][2], p[0][2 * k][3]);
        a[k][2] = pack_pair<T>(p[0][2 * k + 1][0], p[0][2 * k + 1][1]);
        a[k][3] = pack_pair<T>(p[0][2 * k + 1][2], p[0][2 * k + 1][3]);
    }
}

/* products and collect of attend_tensor.cuh, by a group or by a warp, whose rows begin at or before `row`. */
template <bool group, typename T, int width, int high, int wide> DEVICE void rows_by_rows(float (&c)[high][wide][4], T *left, int row, T *right, int first)
{
    if constexpr (group) {
        group_products<T>(c, left, row / GROUP_ROWS * GROUP_ROWS, right, first);
        group_wait<0>();
        group_hold(c);
    } else products<T, width>(c, left, row, right, first);
}
template <bool group, typename T, int width, int high, int wide> DEVICE void weights_by_rows(float (&sum)[high][width / 8][4], const float (&p)[high][wide][4], T *right, int first)
{
    if constexpr (group) {
        uint32_t a[4][4];
        group_pack<T>(a, p);
        group_collect<T>(sum, a, right, first);
        group_wait<0>();
        group_hold(sum);
        group_hold(a);
    } else collect<T, width>(sum, p, right, first);
}

/* A pair of products: c is there afterwards, d is begun where `both` (by a group, with registers enough), and there when finish_pair has
 * made or awaited it. */
template <bool group, bool both, typename T, int width, int high, int wide>
DEVICE void begin_pair(float (&c)[high][wide][4], float (&d)[high][wide][4], T *left_c, T *left_d, int row, T *right_c, T *right_d, int first)
{
    if constexpr (both) {
        group_products<T>(c, left_c, row / GROUP_ROWS * GROUP_ROWS, right_c, first);
        group_products<T>(d, left_d, row / GROUP_ROWS * GROUP_ROWS, right_d, first);
        group_wait<1>();
        group_hold(c);
    } else rows_by_rows<group, T, width>(c, left_c, row, right_c, first);
}
/* `after`: how many products were begun since. */
template <bool group, bool both, int after, typename T, int width, int high, int wide> DEVICE void finish_pair(float (&d)[high][wide][4], T *left_d, int row, T *right_d, int first)
{
    if constexpr (both) {
        group_wait<after>();
        group_hold(d);
    } else rows_by_rows<group, T, width>(d, left_d, row, right_d, first);
}

/* Until what was fetched has come, for all threads. */
template <bool group> DEVICE void arrive()
{
    copy_wait<0>();
    if constexpr (group) group_told();
    __syncthreads();
}

template <template <typename, int, bool, bool> class call, bool drops, typename T> static void attend_widths(const struct attend_args *a, cudaStream_t stream)
{
    if (a->group) call<T, 64, drops, true>::launch(a, stream);
    else if (a->width <= 32) call<T, 32, drops, false>::launch(a, stream);
    else if (a->width <= 64) call<T, 64, drops, false>::launch(a, stream);
    else call<T, 128, drops, false>::launch(a, stream);
}

template <template <typename, int, bool, bool> class call> static void attend_dispatch(const struct attend_args *a, cudaStream_t stream)
{
    if (a->dtype == RK_bf16) a->drops ? attend_widths<call, true, bf16>(a, stream) : attend_widths<call, false, bf16>(a, stream);
    else a->drops ? attend_widths<call, true, f16>(a, stream) : attend_widths<call, false, f16>(a, stream);
}

#endif
