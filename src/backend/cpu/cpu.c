/* cpu.c: the back end's memory and its table.
 *
 * Large memory comes from the system in whole, aligned to the processor's large pages, and asks for those before anything
 * touches it: fewer address translations, 5 to 10 % of bandwidth, and pages that are zero already. Small memory comes from
 * the context's allocator. Both are counted in the context's bytes.
 * Not here: the kernels (kernels.def). Numbers of the host are converted on the way in and out by backend/ref. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "backend/ref/ref.h"
#include "base/mem.h"
#include "base/par.h"
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 };

static size_t whole_pages(size_t bytes) { return (bytes + 65535) & ~(size_t)65535; }         /* a multiple of any small page */

/* A mapping that starts on a large page: more is asked for, what is too much is given back. */
static void *map_aligned(size_t bytes)
{
    size_t asked = bytes + LARGE_PAGE;
    char *at = mmap(NULL, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return NULL;
    size_t before = (LARGE_PAGE - ((uintptr_t)at & (LARGE_PAGE - 1))) & (LARGE_PAGE - 1), after = asked - before - bytes;
    if (before > 0) (void)munmap(at, before);
    if (after > 0) (void)munmap(at + before + bytes, after);
    return at + before;
}

static rk_status alloc(rk_ctx *ctx, size_t bytes, void **at)
{
    *at = NULL;
    if (bytes < LARGE_PAGE) return host_alloc(ctx, bytes, at);
    if (bytes > SIZE_MAX / 2) return FAIL(RK_E_NOMEM, "%zu bytes for tensors: more than an address can hold", bytes);
    void *fresh = map_aligned(whole_pages(bytes));
    if (fresh == NULL) return FAIL(RK_E_NOMEM, "the system has no %zu bytes for tensors (%zu in use)", bytes, ctx->bytes);
    (void)madvise(fresh, whole_pages(bytes), MADV_HUGEPAGE);         /* a wish: without it everything works, slower */
    ctx->bytes += bytes;
    if (ctx->bytes > ctx->peak) ctx->peak = ctx->bytes;
    *at = fresh;
    return RK_OK;
}

static void release(rk_ctx *ctx, void *at, size_t bytes)
{
    if (at == NULL) return;
    if (bytes < LARGE_PAGE) {
        host_free(ctx, at, bytes);
        return;
    }
    (void)munmap(at, whole_pages(bytes));
    ctx->bytes -= bytes;
}

/* The logits of a batch are many: each thread copies some, where nothing is to be converted. */
enum { COPY_PIECE = 1 << 20 };
struct copying { char *to; const char *from; size_t bytes; };

static void copy_piece(void *arg, int64_t task, int worker)
{
    const struct copying *c = arg;
    size_t at = (size_t)task * COPY_PIECE, left = c->bytes - at;
    (void)worker;
    memcpy(c->to + at, c->from + at, left < COPY_PIECE ? left : COPY_PIECE);
}

static rk_status read_out(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n)
{
    struct copying c = { to, from, n * rk_dtype_bytes(dtype) };
    if (to_dtype != dtype || c.bytes <= COPY_PIECE) return host_read(ctx, to, to_dtype, from, dtype, n);
    par_for(ctx, (int64_t)((c.bytes + COPY_PIECE - 1) / COPY_PIECE), copy_piece, &c);
    return RK_OK;
}

/* What a program computes in f32 it may also store in 16 bits; integers only count (iota). */
enum { GROUPS = 1 << RK_f32 | 1 << RK_f16 | 1 << RK_bf16 | 1 << RK_i32 };

#define BACKEND(set, on)                                                                                              \
    { .name = "cpu", .next = &truth_backend, .kernels = cpu_kernels_##set, .bytes_of = rk_dtype_bytes, .groups = GROUPS, .machine = on, .maps = true,       \
      .strided_results = true, .alloc = alloc, .free = release, .write = host_write, .read = read_out }

const struct backend *backend_cpu_isa(enum isa isa)
{
#define X(set) [ISA_##set] = { .isa = ISA_##set },
    static const struct machine machines[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
#define X(set) [ISA_##set] = BACKEND(set, &machines[ISA_##set]),
    static const struct backend backends[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    return &backends[isa];
}

#if defined(__x86_64__)
const struct backend *backend_cpu_tiles(void)
{
    static const struct machine machine = { .isa = ISA_avx512, .tiles = true };
    static const struct backend backend = BACKEND(avx512, &machine);
    return isa_tiles() ? &backend : NULL;
}
#else
const struct backend *backend_cpu_tiles(void) { return NULL; }
#endif

const struct backend *backend_cpu(void) { return backend_cpu_isa(isa_best()); }
