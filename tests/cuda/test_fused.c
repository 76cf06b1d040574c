/* Fused operations and their gradients on a CUDA device equal their expansion in f64, in every dtype it computes in, and are the same bits
 * when they are done again or replayed: sizes around the borders of tiles, empty ones, live keys, sequences of different lengths, dropout,
 * rows of any width. */
#include "device.h"
#include "test.h"
#include "unit/hand_attend.h"
#include "unit/hand_xent_head.h"

/* What 16 bits leave, of the largest: roundings of weights, of results and of the gradient that comes back add up. */
static const struct { rk_dtype dtype; double attend, head, rows; } dtypes[] = {
    { RK_f32, 2e-5, 2e-5, 2e-5 }, { RK_bf16, 5e-2, 2e-2, 2e-2 }, { RK_f16, 6e-3, 3e-3, 3e-3 },
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

struct opened { rk_ctx *ctx; struct cuda_machine *machine; struct backend backend; };

static struct opened *open_one(void)
{
    static struct opened o;
    OK(NULL, rk_ctx_open(&(rk_options){ .threads = 1 }, &o.ctx));
    device_of_test(o.ctx, &o.machine, &o.backend);
    return &o;
}

static void close_one(struct opened *o)
{
    cuda_close(o->machine);
    EXPECT(rk_ctx_bytes(o->ctx) == 0);
    rk_ctx_close(o->ctx);
}

static struct fused_on attend_on(const struct opened *o, int i) { return (struct fused_on){ &o->backend, dtypes[i % DTYPES].dtype, dtypes[i % DTYPES].attend }; }
static struct fused_on head_on(const struct opened *o, int i) { return (struct fused_on){ &o->backend, dtypes[i % DTYPES].dtype, dtypes[i % DTYPES].head }; }

/* --- attention --- */

TEST(attention)
{
    struct opened *o = open_one();
    for (int i = 0; i < device_rounds(5, 15); i++) {
        struct attend_shape s = attend_draw(i / DTYPES);
        struct fused_on on = attend_on(o, i);
        if (device_is_real() && i % 4 == 0) s.seq += 300, s.key += 300, s.width = i % 8 == 0 ? 128 : 64;
        attend_try_apart(o->ctx, &on, &s, (int)test_random(4), false);
    }
    close_one(o);
}

TEST(padded_sequences)
{
    static const char *const dims[] = { "batch", "head", "head batch", "", "batch head" };
    struct opened *o = open_one();
    for (int i = 0; i < device_rounds(5, 15); i++) {
        struct attend_shape s = attend_draw(i);
        struct fused_on on = attend_on(o, i);
        s.lengths = dims[i % 5];
        if (i % 7 == 0) s.seq = 1 + (int64_t)test_random(4), s.key = s.seq + (int64_t)test_random(40);     /* few queries */
        if (i % 6 == 1) s.key = 1 + (int64_t)test_random(140);                                             /* another sequence's keys: no mask */
        s.causal = s.causal && s.key >= s.seq;
        attend_try_apart(o->ctx, &on, &s, i % 4, i % 4 == 1 && s.keep == 1);
    }
    close_one(o);
}

TEST(around_the_borders_of_tiles)
{
    static const int64_t lengths[] = { 1, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 193 };
    struct opened *o = open_one();
    int all = (int)(sizeof lengths / sizeof *lengths) * DTYPES, step = device_is_real() ? 1 : 9;
    for (int i = 0; i < all; i += step) {
        int64_t n = lengths[i / DTYPES];
        struct fused_on on = attend_on(o, i);
        attend_try_apart(o->ctx, &on, &(struct attend_shape){ 1, 1, n, n + (i % 2 == 0 ? 5 : 0), i % 4 < 2 ? 64 : 32, i % 3 != 1, 1, NULL }, 1, false);
    }
    close_one(o);
}

TEST(one_query_of_many_keys)
{
    struct opened *o = open_one();
    for (int i = 0; i < DTYPES; i++) {
        struct fused_on on = attend_on(o, i);
        attend_try_apart(o->ctx, &on, &(struct attend_shape){ 2, 3, 1, device_is_real() ? 3000 : 150, 64, true, 1, NULL }, 1, false);
        attend_try_apart(o->ctx, &on, &(struct attend_shape){ 2, 2, 1, 70, 40, true, 1, "batch" }, 0, true);
    }
    close_one(o);
}

TEST(parts_of_one_value)
{
    struct opened *o = open_one();
    for (int i = 0; i < device_rounds(3, 8); i++) {
        struct attend_shape s = attend_draw(i);
        struct fused_on on = attend_on(o, i);
        attend_try_joined(o->ctx, &on, &s);
    }
    close_one(o);
}

TEST(nothing_to_attend_to_is_no_crash)
{
    struct opened *o = open_one();
    struct fused_on on = attend_on(o, 0);
    attend_try_apart(o->ctx, &on, &(struct attend_shape){ 0, 2, 3, 3, 8, true, 1, NULL }, 0, false);
    attend_try_apart(o->ctx, &on, &(struct attend_shape){ 2, 2, 0, 4, 8, true, 1, NULL }, 0, false);
    attend_try_apart(o->ctx, &on, &(struct attend_shape){ 2, 2, 0, 4, 8, false, 1, "batch" }, 0, false);
    close_one(o);
}

/* --- the head --- */

TEST(the_head)
{
    static const int64_t vocabularies[] = { 1, 2, 31, 32, 33, 127, 257, 545, 1000, 1537 };
    struct opened *o = open_one();
    for (int i = 0; i < device_rounds(10, 20); i++) {
        struct fused_on on = head_on(o, i);
        struct xent_head_shape s = { 1 + (int64_t)test_random(3), 1 + (int64_t)test_random(40), 1 + (int64_t)test_random(70), vocabularies[i % 10], i % 2 == 0, i % 4 != 1, 0.4, false };
        xent_head_try(o->ctx, &on, &s);
    }
    close_one(o);
}

TEST(heads_that_are_large_extreme_or_empty)
{
    struct opened *o = open_one();
    struct fused_on on = head_on(o, 0);
    xent_head_try(o->ctx, &on, &(struct xent_head_shape){ 1, device_is_real() ? 9000 : 400, 5, 40, false, true, 0.4, false });
    xent_head_try(o->ctx, &on, &(struct xent_head_shape){ 2, 9, 16, 700, true, true, 9, false });
    xent_head_try(o->ctx, &on, &(struct xent_head_shape){ 2, 5, 16, 40, false, true, 0.4, true });
    xent_head_try(o->ctx, &on, &(struct xent_head_shape){ 0, 4, 3, 5, false, true, 1, false });
    xent_head_try(o->ctx, &on, &(struct xent_head_shape){ 2, 0, 3, 5, true, false, 1, false });
    close_one(o);
}

/* --- rows --- */

enum { MOST_OF_A_NORM = 8192 };             /* elements of a row that a norm's kernel holds */

static rk_ref row_op(rk_graph *g, struct fused_case *c, int op, rk_dtype dtype)
{
    rk_ref x = c->source[0];
    if (op == 0) return rk_softmax(g, x, "c");
    if (op == 1) return rk_rope(g, x, "a", NULL, "c", RK_ROPE_HALVES, dim_size(g, graph_dim(g, "c", 1)) / 2 * 2, 10000);
    rk_ref w = c->source[c->n++] = rk_input(g, "w", dtype, "c"), bias = op == 2 ? 0 : (c->source[c->n++] = rk_input(g, "bias", dtype, "c"));
    return op == 2 ? rk_rms_norm(g, x, "c", w, 1e-3) : rk_layer_norm(g, x, "c", w, bias, 1e-2);
}

static void try_rows(struct opened *o, int op, int dtype, int64_t rows, int64_t width)
{
    static const char *const kernels[] = { "softmax", "rope", "norm", "norm" }, *const adjoints[] = { "softmax_adjoint", "rope_adjoint", "norm_adjoint", "norm_adjoint" };
    bool written_out = op >= 2 && width > MOST_OF_A_NORM;
    struct fused_case c = { .n = 1, .backend = &o->backend, .kernel = written_out ? NULL : kernels[op], .adjoint = written_out ? NULL : adjoints[op], .least = dtype == 0 ? 0 : 1, .any_loss = dtype != 0 };
    if (written_out && dtype != 0) return;              /* sums of so many numbers in 16 bits are nobody's */
    OK(o->ctx, rk_graph_open(o->ctx, &c.g));
    (void)rk_dim_new(c.g, "a", 0, rows), (void)rk_dim_new(c.g, "b", 0, 2), (void)rk_dim_new(c.g, "c", 0, width);
    c.source[0] = rk_input(c.g, "x", dtypes[dtype].dtype, "b a c");
    rk_ref y = row_op(c.g, &c, op, dtypes[dtype].dtype), weights = rk_input(c.g, "weights", RK_f32, "b a c");
    c.gradients = c.n;
    c.source[c.n++] = weights;
    rk_output(c.g, "y", y);
    rk_output(c.g, "loss", rk_reduce(c.g, "sum", rk_mul(c.g, dtype == 0 ? y : rk_cast(c.g, y, RK_f32), weights), "a b c"));
    fused_try(o->ctx, &c, dtypes[dtype].rows);
    rk_graph_close(c.g);
}

TEST(rows_of_any_width)
{
    static const int64_t widths[] = { 2, 6, 32, 64, 100, 255, 256, 258, 768, 1000, 1024, 1026, 4096, 5000, 20000 };
    struct opened *o = open_one();
    int most = device_is_real() ? (int)(sizeof widths / sizeof *widths) : 12;
    for (int i = 0; i < most * 4; i++)
        for (int dtype = 0; dtype < DTYPES; dtype++)
            if (device_is_real() || (i + dtype) % 7 == 0) try_rows(o, i % 4, dtype, 1 + (int64_t)test_random(9), widths[i / 4]);
    close_one(o);
}

/* --- norms between casts --- */

/* A norm in f32 as mixed precision has it: what is set in `halves` lies in 16 bits (1: x, 2: weights, 4: the product behind it), and all
 * casts are the kernels' own, unless y is read in f32 too. */
static void try_between_casts(struct opened *o, int halves, rk_dtype half, bool layer, bool also_wide, int64_t width)
{
    struct fused_case c = { .n = layer ? 3 : 2, .backend = &o->backend, .kernel = "norm", .adjoint = "norm_adjoint", .least = 1, .any_loss = true,
                            .untouched = also_wide || !layer ? NULL : "c" };
    rk_dtype lies = (halves & 2) != 0 ? half : RK_f32;
    OK(o->ctx, rk_graph_open(o->ctx, &c.g));
    (void)rk_dim_new(c.g, "a", 0, 5), (void)rk_dim_new(c.g, "c", 0, width), (void)rk_dim_new(c.g, "d", 0, 2);
    c.source[0] = rk_input(c.g, "x", (halves & 1) != 0 ? half : RK_f32, "a c");
    c.source[1] = rk_input(c.g, "w", lies, "c");
    if (layer) c.source[2] = rk_input(c.g, "bias", lies, "c");
    rk_ref x = rk_cast(c.g, c.source[0], RK_f32), w = rk_cast(c.g, c.source[1], RK_f32);
    rk_ref y = layer ? rk_layer_norm(c.g, x, "c", w, rk_cast(c.g, c.source[2], RK_f32), 1e-2) : rk_rms_norm(c.g, x, "c", w, 1e-3);
    rk_ref rounded = (halves & 4) != 0 ? rk_cast(c.g, y, half) : y, weights = rk_input(c.g, "weights", (halves & 4) != 0 ? half : RK_f32, "d c");
    if (!layer) rounded = rk_softmax(c.g, rounded, "c");                /* so dy comes in its dtype: where it is written out, by elementwise steps */
    rk_ref product = rk_einsum(c.g, "a c, d c -> a d", rounded, weights);
    c.gradients = c.n;
    c.source[c.n++] = weights;
    rk_output(c.g, "product", product);
    if (also_wide) rk_output(c.g, "wide", y);
    rk_output(c.g, "loss", rk_reduce(c.g, "sum", rk_map(c.g, "tanh", rk_cast(c.g, product, RK_f32)), "a d"));
    fused_try(o->ctx, &c, half == RK_bf16 ? 2e-2 : 3e-3);
    rk_graph_close(c.g);
}

TEST(norms_between_casts)
{
    static const int64_t widths[] = { 64, 6, 264, 1040, 100 };
    struct opened *o = open_one();
    for (int i = 0; i < 8 * 6; i++)
        if (device_is_real() || i % 3 == 0) try_between_casts(o, i % 8, i % 4 == 0 ? RK_f16 : RK_bf16, i / 8 % 2 == 0, i % 7 == 6, widths[(i / 8 + i) % 5]);
    close_one(o);
}
