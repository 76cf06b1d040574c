/* measure.c: see measure.h. The best of several rounds: what others do at the same time is no property of the device. How much is
 * multiplied and copied goes by the number of multiprocessors: on a large device it takes a second, and on a small one too. */
#include "backend/cuda/measure.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/lt.h"
#include "backend/cuda/reading.h"

enum { SIDE_EACH = 64, MOST_SIDE = 8192, COPIED_EACH = 8 << 20, MOST_COPIED = 1 << 30, ROUNDS = 8 };      /* of a multiprocessor; in all */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t side_of(const struct cuda_machine *m, rk_dtype dtype) { return least(MOST_SIDE, (int64_t)SIDE_EACH * m->multiprocessors) / (dtype == RK_f32 ? 2 : 1); }
static size_t copied_of(const struct cuda_machine *m) { return (size_t)least(MOST_COPIED, (int64_t)COPIED_EACH * m->multiprocessors); }

struct timer { cudaEvent_t begin, end; cudaStream_t stream; };

static rk_status timer_open(rk_ctx *ctx, struct timer *t, cudaStream_t stream)
{
    *t = (struct timer){ .stream = stream };
    CUDA_TRY(cudaEventCreate(&t->begin), "timing the device");
    return cuda_check(ctx, cudaEventCreate(&t->end), "timing the device");
}

static void timer_close(struct timer *t)
{
    if (t->begin != NULL) (void)cudaEventDestroy(t->begin);
    if (t->end != NULL) (void)cudaEventDestroy(t->end);
}

static rk_status timer_begin(rk_ctx *ctx, const struct timer *t) { return cuda_check(ctx, cudaEventRecord(t->begin, t->stream), "timing the device"); }

static rk_status timer_end(rk_ctx *ctx, const struct timer *t, double *best)
{
    float ms;
    CUDA_TRY(cudaEventRecord(t->end, t->stream), "timing the device");
    CUDA_TRY(cudaEventSynchronize(t->end), "timing the device");
    CUDA_TRY(cudaEventElapsedTime(&ms, t->begin, t->end), "timing the device");
    if (*best == 0 || ms * 1e-3 < *best) *best = ms * 1e-3;
    return RK_OK;
}

static rk_status time_product(rk_ctx *ctx, const struct cuda_machine *m, const struct timer *t, rk_dtype dtype, char *room, double *flops)
{
    const int64_t n = side_of(m, dtype);
    const struct lt_product p = { .m = n, .n = n, .k = n, .a_m = n, .a_k = 1, .b_k = 1, .b_n = n, .c_m = n, .c_n = 1, .batch = 1, .in = dtype, .in_b = dtype, .out = dtype, .alpha = 1 };
    size_t bytes = (size_t)(n * n) * rk_dtype_bytes(dtype);
    double best = 0;
    TRY(lt_prepare(ctx, m->lt, &p));
    TRY(lt_fill(ctx, room, 2 * bytes, dtype));
    for (int round = 0; round < ROUNDS; round++) {
        TRY(timer_begin(ctx, t));
        TRY(lt_run(ctx, m->lt, &p, room, room + bytes, room + 2 * bytes));
        TRY(timer_end(ctx, t, &best));
    }
    *flops = 2.0 * (double)n * (double)n * (double)n / best;
    return RK_OK;
}

static rk_status time_memory(rk_ctx *ctx, const struct cuda_machine *m, const struct timer *t, char *room, struct cuda_rates *r)
{
    const size_t bytes = copied_of(m);
    double copy = 0, read = 0;
    for (int round = 0; round < ROUNDS; round++) {
        TRY(timer_begin(ctx, t));
        CUDA_TRY(cudaMemcpyAsync(room + bytes, room, bytes, cudaMemcpyDeviceToDevice, m->stream), "timing a copy");
        TRY(timer_end(ctx, t, &copy));
        TRY(timer_begin(ctx, t));
        reading_launch(room, bytes, room + bytes, m->multiprocessors, m->stream);
        TRY(LAUNCHED("a sweep over memory"));
        TRY(timer_end(ctx, t, &read));
    }
    r->copy_bytes = 2.0 * (double)bytes / copy;
    r->read_bytes = (double)bytes / read;
    return RK_OK;
}

rk_status cuda_measure(rk_ctx *ctx, const struct cuda_machine *m, struct cuda_rates *r)
{
    const size_t bytes = 2 * copied_of(m);
    struct timer t = { .begin = NULL };
    char *room = NULL;
    rk_status status;
    GO(cuda_check(ctx, cudaMalloc((void **)&room, bytes), "allocating what measuring needs"));
    GO(cuda_check(ctx, cudaMemset(room, 1, bytes), "clearing what measuring needs"));
    GO(timer_open(ctx, &t, m->stream));
    GO(time_product(ctx, m, &t, RK_f32, room, &r->f32_flops));
    GO(time_product(ctx, m, &t, RK_bf16, room, &r->bf16_flops));
    GO(time_product(ctx, m, &t, RK_f16, room, &r->f16_flops));
    GO(time_memory(ctx, m, &t, room, r));
out:
    timer_close(&t);
    if (room != NULL) (void)cudaFree(room);
    return status;
}
