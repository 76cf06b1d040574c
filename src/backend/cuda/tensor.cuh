/* tensor.cuh: what tensor cores do for a warp, for devices of capability 8.0 and up: products of 16 x 16 by 16 x 8 numbers of 16 bits
 * added up in f32, small matrices out of shared memory, copies into shared memory that go on by themselves. On the host all of it is
 * imitated with what a warp exchanges.
 *
 * Fragments: of lane l, with r = l / 4 and c = 2 (l % 4):
 *   a[16][16]  a0 = (r, c), (r, c+1);  a1 = (r+8, c..);  a2 = (r, c+8..);  a3 = (r+8, c+8..)
 *   b[16][8]   b0 = (c, r), (c+1, r);  b1 = (c+8.., r)
 *   c[16][8]   c0, c1 = (r, c), (r, c+1);  c2, c3 = (r+8, c), (r+8, c+1)
 * Source: PTX ISA 9.0, "Matrix fragments for mma.m16n8k16". */
#ifndef CUDA_TENSOR_CUH
#define CUDA_TENSOR_CUH
#include "backend/cuda/launch.cuh"

#if RECKON_CUDA_HOST
#define KERNEL_RESIDENT(threads, blocks) KERNEL(threads)
#else
/* As KERNEL; so many blocks of it are to fit on a multiprocessor. */
#define KERNEL_RESIDENT(threads, blocks) static __global__ void __launch_bounds__(threads, blocks)
#endif

enum { COPY_BYTES = 16 };

#if RECKON_CUDA_HOST

DEVICE uint32_t host_half(const bf16 *, float x) { return host_to_bf16(x); }
DEVICE uint32_t host_half(const f16 *, float x) { return host_to_f16(x); }
DEVICE float host_number(const bf16 *, uint32_t x) { return host_from_bf16((uint16_t)x); }
DEVICE float host_number(const f16 *, uint32_t x) { return host_from_f16((uint16_t)x); }

DEVICE void copy_async(void *to, const void *from, bool there) { host_async_copy(to, from, COPY_BYTES, there ? COPY_BYTES : 0); }
DEVICE void copy_async_word(void *to, const void *from, bool there) { host_async_copy(to, from, 4, there ? 4 : 0); }
DEVICE void copy_commit() { host_async_commit(); }
template <int left> DEVICE void copy_wait() { host_async_wait(left); }
DEVICE float exp2_fast(float x) { return exp2f(x); }
template <typename T> DEVICE uint32_t pack_pair(float low, float high) { return host_half((const T *)nullptr, low) | host_half((const T *)nullptr, high) << 16; }

DEVICE void load_matrices(uint32_t (&to)[4], const void *row, bool turned)
{
    const void *rows[32];
    unsigned lane = threadIdx.x % WARP;
    host_warp_exchange(&row, sizeof row, rows);
    for (int i = 0; i < 4; i++) {
        if ((uintptr_t)rows[8 * i + lane % 8] % 16 != 0) host_stop("a row of a matrix that is not aligned to 16 bytes");
        uint16_t pair[2];
        for (unsigned e = 0; e < 2; e++) {
            unsigned r = turned ? lane % 4 * 2 + e : lane / 4, c = turned ? lane / 4 : lane % 4 * 2 + e;
            memcpy(&pair[e], (const uint16_t *)rows[8 * i + r] + c, sizeof pair[e]);
        }
        to[i] = pair[0] | (uint32_t)pair[1] << 16;
    }
}
DEVICE void load_rows(uint32_t (&to)[4], const void *row) { load_matrices(to, row, false); }
DEVICE void load_columns(uint32_t (&to)[4], const void *row) { load_matrices(to, row, true); }

template <typename T> DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    const T *tag = nullptr;
    uint32_t mine[6] = { a[0], a[1], a[2], a[3], b0, b1 }, all[32][6];
    unsigned lane = threadIdx.x % WARP;
    host_warp_exchange(mine, sizeof mine, all);
    for (unsigned i = 0; i < 4; i++) {
        unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        float sum = c[i];
        for (unsigned k = 0; k < 16; k++) {
            uint32_t x = all[row % 8 * 4 + k % 8 / 2][k / 8 * 2 + row / 8], y = all[column * 4 + k % 8 / 2][4 + k / 8];
            sum += host_number(tag, x >> k % 2 * 16 & 0xffff) * host_number(tag, y >> k % 2 * 16 & 0xffff);
        }
        c[i] = sum;
    }
}

#else

DEVICE unsigned shared_address(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

/* 16 bytes into shared memory, zeros where they are not there; both addresses are multiples of 16. */
DEVICE void copy_async(void *to, const void *from, bool there)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared_address(to)), "l"(from), "r"(there ? COPY_BYTES : 0) : "memory");
}
/* 4 bytes. */
DEVICE void copy_async_word(void *to, const void *from, bool there)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(shared_address(to)), "l"(from), "r"(there ? 4 : 0) : "memory");
}
DEVICE void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/* Until all but the last `left` groups of this thread have come; a barrier makes them known to the others. */
template <int left> DEVICE void copy_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(left) : "memory"); }

/* Relative error 2^-22; what would be subnormal is 0. */
DEVICE float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

template <typename T> DEVICE uint32_t pack_pair(float low, float high);
template <> __device__ __forceinline__ uint32_t pack_pair<bf16>(float low, float high)
{
    uint32_t y;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
    return y;
}
template <> __device__ __forceinline__ uint32_t pack_pair<f16>(float low, float high)
{
    uint32_t y;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
    return y;
}

/* Four matrices of 8 x 8: lane 8 i + j gives the address of row j of matrix i. */
DEVICE void load_rows(uint32_t (&to)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(shared_address(row)));
}
/* The same, each matrix turned. */
DEVICE void load_columns(uint32_t (&to)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(shared_address(row)));
}

/* c += a b */
template <typename T> DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <> __device__ __forceinline__ void multiply_add<bf16>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <> __device__ __forceinline__ void multiply_add<f16>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

#endif

/* --- tiles of 16-bit numbers in shared memory --- */

/* Rows of `width` numbers (32, 64 or 128) in pieces of 16 bytes, placed so that neither rows nor columns of 8 x 8 collide in banks. */
template <int width> struct tile {
    enum { PIECES = width / 8, PIECE = 8 };
    template <typename T> static __device__ __forceinline__ T *at(T *base, int row, int piece)
    {
        int turn = width == 32 ? row >> 1 & 3 : row & 7;
        return base + (row * PIECES + (piece ^ turn)) * PIECE;
    }
};

/* a[16][16] of the tile: rows from `row`, numbers from 16 k. */
template <int width, typename T> DEVICE void load_left(uint32_t (&to)[4], T *base, int row, int k)
{
    int lane = threadIdx.x % WARP;
    load_rows(to, tile<width>::at(base, row + lane % 16, 2 * k + lane / 16));
}
/* Two b[16][8], to[0], to[1] and to[2], to[3], whose columns are rows `row` .. of the tile: products over numbers 16 k .. */
template <int width, typename T> DEVICE void load_right(uint32_t (&to)[4], T *base, int row, int k)
{
    int lane = threadIdx.x % WARP;
    load_rows(to, tile<width>::at(base, row + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
}
/* Two b[16][8] whose rows are rows `row` .. of the tile, columns from 16 n: products over its rows. */
template <int width, typename T> DEVICE void load_right_down(uint32_t (&to)[4], T *base, int row, int n)
{
    int lane = threadIdx.x % WARP;
    load_columns(to, tile<width>::at(base, row + lane % 16, 2 * n + lane / 16));
}

/* Rows first .. first + rows - 1 of memory, `stride` numbers apart, into a tile, by `threads` threads; zeros from row `end` and from
 * number `numbers` (a multiple of 8) on. */
template <int width, int rows, int threads, typename T> DEVICE void fetch_tile(T *to, const T *from, int64_t stride, int first, int end, int numbers)
{
    enum { PIECES = tile<width>::PIECES };
    int piece = threadIdx.x % PIECES, top = threadIdx.x / PIECES;
    bool inside = piece * 8 < numbers;
    const T *row = from + (int64_t)(first + top) * stride + piece * 8;
#pragma unroll
    for (int r = 0; r < rows; r += threads / PIECES) {
        if (rows % (threads / PIECES) != 0 && top + r >= rows) continue;
        bool there = inside && first + top + r < end;
        copy_async(tile<width>::at(to, top + r, piece), there ? row + (int64_t)r * stride : from, there);
    }
}

#endif
