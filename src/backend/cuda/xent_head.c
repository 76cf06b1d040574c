/* xent_head.c: projection and cross-entropy in chunks of rows, so that all logits never exist at once.
 *
 * A chunk's logits are made, turned into losses and gradients where they lie, and used for both gradients before the next chunk comes:
 * dx of these rows, and its share of dw, which grows from chunk to chunk. Rows of logits are a multiple of 64 apart, so that products
 * over them are aligned. A vocabulary of 16-bit weights that is no multiple of 8 would leave products to kernels that read number by
 * number (a third of the speed and less): then the weights are copied, rows of zeros behind them, and dw has such rows while it grows.
 *
 * A chunk has LOGIT_BYTES of logits, but FEWEST_ROWS at least: each chunk reads the weights twice and reads and writes dw once,
 * 4·V·D·2 bytes in f32, whatever its height; its logits are moved five times (written, read, written again as their gradients, read
 * for dx and for dw), so with 5000 rows and D = 768 dw is a seventh of the traffic, and higher chunks would win little. The height
 * is a function of the shape alone.
 *
 * Logits of f32 operands are f32. Logits of 16-bit operands are f32 where only the loss is wanted; where gradients are, they lie in the
 * operands' dtype, which their gradients need anyway for the products: products are summed in f32, a logit is rounded once (by at
 * most 2^-9 of itself in bf16, 2^-12 in f16), loss and softmax are f32 of what was rounded. So a loss is off by at most twice the
 * largest logit's rounding, and a probability by that relative part. dw grows in f32 and is rounded once.
 * Results by role: 0 the loss (f32, or the operands' dtype), 1 dx and 2 dw (the same), 4 the gradient of the bias. */
#include "backend/cuda/xent_head.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/lt.h"
#include "backend/cuda/outer.h"
#include <string.h>

enum { LOGIT_BYTES = 512 << 20, FEWEST_ROWS = 1024, ROW_MULTIPLE = 128, LOGIT_MULTIPLE = 64, TENSOR_MULTIPLE = 8 };

struct head {
    int64_t rows, hidden, vocab, chunk, stride;         /* stride: between rows of logits */
    int64_t x_row, dx_row, w_v, w_d, dw_v, dw_d;
    rk_dtype dtype, logits, grow, dx_dtype;             /* of x and w; of the logits; in which dw grows; of dx */
    int32_t bias, dy;                                   /* operands, -1: none */
    int32_t loss, dx, dw, dbias;                        /* results, -1: not wanted */
    int64_t columns;                                    /* of logits that are multiplied: the vocabulary, or the padded one */
    bool padded;                                        /* the weights are copied, with rows of zeros behind them */
    int32_t alignment;                                  /* bytes that every address of a product is a multiple of */
    size_t losses_at, w_at, dw_at, parts_at, bytes;           /* in scratch; at 0: logits */
};
_Static_assert(sizeof(struct head) <= PREPARED_BYTES, "the head fits its place");

static int64_t up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }
static bool gradients(const struct head *h) { return h->dx >= 0 || h->dw >= 0 || h->dbias >= 0; }

static void find_roles(const struct problem *p, struct head *h)
{
    bool adjoint = problem_is_adjoint(p);
    h->bias = problem_operation(p)->arity == 4 ? 3 : -1;
    h->dy = adjoint ? p->n_in - 1 : -1;
    h->loss = h->dx = h->dw = h->dbias = -1;
    for (int i = 0; i < p->n_out; i++) {
        int role = adjoint ? p->out_role[i] : 0;
        if (role == 0) h->loss = i;
        if (role == 1) h->dx = i;
        if (role == 2) h->dw = i;
        if (role == 4) h->dbias = i;
    }
}

/* Labels are in the order of x's rows, which are evenly apart, as those of dx are. */
static bool find_rows(const struct problem *p, struct head *h)
{
    const struct layout *x = &p->in[0].at, *labels = &p->in[2].at, *both[] = { x, h->dx >= 0 ? &p->out[h->dx].at : x };
    struct cuda_outer rows;
    rk_dim hidden = (rk_dim)problem_operation(p)->at.i[0];
    int k = 0;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != hidden && (k >= labels->rank || labels->dim[k++] != x->dim[i])) return false;
    if (!layout_is_dense(labels) || !cuda_outer_over(&rows, hidden, both, 2) || rows.loops > 1) return false;
    h->rows = rows.count;
    h->hidden = rows.n;
    h->x_row = rows.loops > 0 ? rows.stride[0][0] : rows.n;
    h->dx_row = rows.loops > 0 ? rows.stride[1][0] : rows.n;
    return true;
}

static void find_matrices(const struct problem *p, struct head *h)
{
    const struct layout *w = &p->in[1].at;
    rk_dim hidden = (rk_dim)problem_operation(p)->at.i[0], vocab = (rk_dim)problem_operation(p)->at.i[1];
    h->vocab = w->size[layout_axis(w, vocab)];
    h->w_v = w->stride[layout_axis(w, vocab)];
    h->w_d = w->stride[layout_axis(w, hidden)];
    if (h->dw < 0) return;
    const struct layout *dw = &p->out[h->dw].at;
    h->dw_v = dw->stride[layout_axis(dw, vocab)];
    h->dw_d = dw->stride[layout_axis(dw, hidden)];
}

/* Chunks of nearly equal height. */
static int64_t chunk_of(const struct head *h)
{
    int64_t row = (int64_t)rk_dtype_bytes(h->logits) * h->stride, chunk = row > 0 ? LOGIT_BYTES / row : FEWEST_ROWS;
    if (chunk < FEWEST_ROWS) chunk = FEWEST_ROWS;
    int64_t chunks = (h->rows + chunk - 1) / chunk;
    if (chunks > 1) chunk = up((h->rows + chunks - 1) / chunks, ROW_MULTIPLE);
    return chunk < h->rows ? chunk : h->rows;
}

/* Places of the plan begin at multiples of 64 bytes, and chunks at whole ROW_MULTIPLEs of rows. */
static int32_t alignment_of(const struct problem *p, const struct head *h)
{
    const struct operand *all[] = { &p->in[0], &p->in[1], h->dx >= 0 ? &p->out[h->dx] : NULL, h->dw >= 0 ? &p->out[h->dw] : NULL };
    int32_t most = 16;
    for (int i = 0; i < 4; i++)
        while (all[i] != NULL && all[i]->at.offset * (int64_t)rk_dtype_bytes(all[i]->dtype) % most != 0) most /= 2;
    return most;
}

/* dw grows in the workspace, and is put in its place at the end. */
static bool grows_apart(const struct problem *p, const struct head *h) { return h->dw >= 0 && (h->padded || h->grow != p->out[h->dw].dtype); }

static bool head_of(const struct problem *p, struct head *h)
{
    *h = (struct head){ .dtype = p->in[0].dtype };
    find_roles(p, h);
    find_matrices(p, h);
    if (!find_rows(p, h)) return false;
    h->logits = gradients(h) ? h->dtype : RK_f32;
    h->dx_dtype = h->dx >= 0 ? p->out[h->dx].dtype : h->dtype;
    h->stride = up(h->vocab, LOGIT_MULTIPLE);
    h->padded = gradients(h) && h->dtype != RK_f32 && h->vocab % TENSOR_MULTIPLE != 0 && h->w_d == 1 && h->w_v == h->hidden && (h->dw < 0 || h->dw_v == h->hidden);
    h->columns = h->padded ? h->stride : h->vocab;
    h->chunk = chunk_of(h);
    h->alignment = alignment_of(p, h);
    h->grow = h->dw >= 0 && h->chunk == h->rows && !h->padded ? p->out[h->dw].dtype : RK_f32;
    h->losses_at = (size_t)up(h->chunk * h->stride * (int64_t)rk_dtype_bytes(h->logits), 256);
    h->w_at = h->losses_at + (size_t)up(h->rows * (int64_t)sizeof(double), 256);
    h->dw_at = h->w_at + (h->padded ? (size_t)up(h->columns * h->hidden * (int64_t)rk_dtype_bytes(h->dtype), 256) : 0);
    h->parts_at = h->dw_at + (grows_apart(p, h) ? (size_t)up(h->columns * h->hidden * (int64_t)sizeof(float), 256) : 0);
    h->bytes = h->parts_at + (h->dbias >= 0 ? (size_t)(XENT_SLICES * h->vocab) * sizeof(float) : 0);
    return true;
}

/* logits = x wᵀ;  dx = dlogits w;  dw (+)= dlogitsᵀ x. */
static struct lt_product logits_product(const struct head *h, int64_t rows)
{
    return (struct lt_product){ .m = rows, .n = h->columns, .k = h->hidden, .a_m = h->x_row, .a_k = 1, .b_k = h->w_d, .b_n = h->w_v, .c_m = h->stride, .c_n = 1,
                                .batch = 1, .in = h->dtype, .in_b = h->dtype, .out = h->logits, .alpha = 1, .alignment = h->alignment };
}

static struct lt_product dx_product(const struct head *h, int64_t rows)
{
    return (struct lt_product){ .m = rows, .n = h->hidden, .k = h->columns, .a_m = h->stride, .a_k = 1, .b_k = h->w_v, .b_n = h->w_d, .c_m = h->dx_row, .c_n = 1,
                                .batch = 1, .in = h->dtype, .in_b = h->dtype, .out = h->dx_dtype, .alpha = 1, .alignment = h->alignment };
}

static struct lt_product dw_product(const struct head *h, int64_t rows, bool more)
{
    return (struct lt_product){ .m = h->columns, .n = h->hidden, .k = rows, .a_m = 1, .a_k = h->stride, .b_k = h->x_row, .b_n = 1, .c_m = h->padded ? h->hidden : h->dw_v, .c_n = h->padded ? 1 : h->dw_d,
                                .batch = 1, .in = h->dtype, .in_b = h->dtype, .out = h->grow, .alpha = 1, .alignment = h->alignment, .accumulate = more };
}

/* Every product there will be: of the chunks, and of the last, which may be shorter. */
static int products_of(const struct head *h, struct lt_product *to)
{
    int n = 0;
    int64_t last = h->rows > 0 ? (h->rows - 1) % h->chunk + 1 : 0;
    for (int i = 0; i < 2 && h->rows > 0; i++) {
        int64_t rows = i == 0 ? h->chunk : last;
        if (i == 1 && last == h->chunk && h->chunk == h->rows) break;
        to[n++] = logits_product(h, rows);
        if (h->dx >= 0) to[n++] = dx_product(h, rows);
        if (h->dw >= 0) to[n++] = dw_product(h, rows, i == 1);
    }
    if (h->dw >= 0 && h->rows > 2 * h->chunk) to[n++] = dw_product(h, h->chunk, true);
    return n;
}

enum { MOST_PRODUCTS = 7 };

static bool dtypes_fit(const struct problem *p, const struct head *h)
{
    bool ok = cuda_computes(h->dtype) && p->in[1].dtype == h->dtype && p->in[2].dtype == RK_i32;
    if (h->bias >= 0) ok = ok && p->in[h->bias].dtype == h->dtype && layout_is_dense(&p->in[h->bias].at);
    if (h->dy >= 0) ok = ok && cuda_computes(p->in[h->dy].dtype);
    if (h->loss >= 0) ok = ok && (p->out[h->loss].dtype == RK_f32 || p->out[h->loss].dtype == h->dtype);
    if (h->dx >= 0) ok = ok && (h->dx_dtype == h->dtype || h->dx_dtype == RK_f32);
    if (h->dw >= 0) ok = ok && (p->out[h->dw].dtype == h->dtype || p->out[h->dw].dtype == RK_f32) && layout_is_dense(&p->out[h->dw].at);
    if (h->dbias >= 0) ok = ok && cuda_computes(p->out[h->dbias].dtype) && layout_is_dense(&p->out[h->dbias].at);
    return ok;
}

static bool accepts(const struct problem *p)
{
    struct head h;
    struct lt_product products[MOST_PRODUCTS];
    if (p->n_in < 3 || p->accumulate || p->live || !head_of(p, &h) || !dtypes_fit(p, &h) || h.chunk > INT32_MAX || h.vocab == 0 || h.hidden == 0) return false;
    bool ok = true;
    for (int i = products_of(&h, products) - 1; i >= 0 && ok; i--) ok = lt_takes(&products[i]);
    return ok;
}

bool cuda_xent_head_accepts(const struct problem *p) { return accepts(p); }
bool cuda_xent_head_adjoint_accepts(const struct problem *p) { return accepts(p); }

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct head h;
    struct lt_product products[MOST_PRODUCTS];
    PROMISE(head_of(p, &h));
    int n = products_of(&h, products);
    for (int i = 0; i < n; i++) TRY(lt_prepare(ctx, cuda_of(p)->lt, &products[i]));
    memset(out, 0, sizeof *out);
    out->scratch = h.bytes;
    out->product_flops = (uint64_t)(2 * h.rows * h.vocab * h.hidden) * (uint64_t)(1 + (h.dx >= 0) + (h.dw >= 0));
    out->elementwise_flops = (uint64_t)(h.rows * h.vocab) * (uint64_t)(4 + gradients(&h) + (h.bias >= 0) + (h.dbias >= 0));   /* a softmax, without its division where only the loss is wanted */
    memcpy(out->own, &h, sizeof h);
    return RK_OK;
}

rk_status cuda_xent_head_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status cuda_xent_head_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

/* --- running --- */

static char *beyond(const void *at, rk_dtype dtype, int64_t elements) { return (char *)at + elements * (int64_t)rk_dtype_bytes(dtype); }
static char *scratch_at(const struct call *c, size_t bytes) { return (char *)c->scratch + bytes; }
static void *dw_of(const struct call *c, const struct head *h) { return grows_apart(c->problem, h) ? (void *)scratch_at(c, h->dw_at) : cuda_out(c, h->dw); }
static const void *w_of(const struct call *c, const struct head *h) { return h->padded ? scratch_at(c, h->w_at) : cuda_in(c, 1); }

/* Losses of a chunk's rows, and their gradients by the logits. */
static void do_rows(const struct call *c, const struct head *h, int64_t from, int64_t rows)
{
    cudaStream_t stream = cuda_of(c->problem)->stream;
    struct xent_rows a = { .rows = rows, .vocab = h->vocab, .stride = h->stride, .dtype = h->logits, .bias_dtype = h->dtype, .logits = c->scratch,
                           .labels = (const int32_t *)cuda_in(c, 2) + from, .losses = (double *)(void *)scratch_at(c, h->losses_at) + from };
    if (h->bias >= 0) a.bias = cuda_in(c, h->bias);
    if (gradients(h)) {
        a.dy = cuda_in(c, h->dy);
        a.dy_dtype = c->problem->in[h->dy].dtype;
    }
    xent_rows_launch(&a, stream);
    if (h->dbias < 0) return;
    xent_columns_launch(&(struct xent_columns){ .rows = rows, .vocab = h->vocab, .stride = h->stride, .dtype = h->logits, .dlogits = c->scratch,
                                                .parts = (float *)(void *)scratch_at(c, h->parts_at), .more = from > 0 }, stream);
}

static rk_status do_chunk(rk_ctx *ctx, const struct call *c, const struct head *h, int64_t from, int64_t rows)
{
    struct lt *lt = cuda_of(c->problem)->lt;
    const void *x = beyond(cuda_in(c, 0), h->dtype, from * h->x_row), *w = w_of(c, h);
    struct lt_product logits = logits_product(h, rows), dx = dx_product(h, rows), dw = dw_product(h, rows, from > 0);
    TRY(lt_run(ctx, lt, &logits, x, w, c->scratch));
    do_rows(c, h, from, rows);
    TRY(LAUNCHED("losses of rows"));
    if (h->dx >= 0) TRY(lt_run(ctx, lt, &dx, c->scratch, w, beyond(cuda_out(c, h->dx), h->dx_dtype, from * h->dx_row)));
    if (h->dw >= 0) TRY(lt_run(ctx, lt, &dw, c->scratch, x, dw_of(c, h)));
    return RK_OK;
}

/* What is complete after the last chunk. */
static void finish(const struct call *c, const struct head *h)
{
    const struct problem *p = c->problem;
    cudaStream_t stream = cuda_of(p)->stream;
    if (h->dw >= 0 && h->vocab * h->hidden > 0) {
        if (grows_apart(p, h) || h->rows == 0)
            xent_round_launch(p->out[h->dw].dtype, cuda_out(c, h->dw), h->rows > 0 ? (const float *)(void *)scratch_at(c, h->dw_at) : NULL, h->vocab * h->hidden, stream);
    }
    if (h->dbias >= 0 && h->vocab > 0)
        xent_bias_launch(p->out[h->dbias].dtype, cuda_out(c, h->dbias), (const float *)(void *)scratch_at(c, h->parts_at), h->vocab, h->rows > 0, stream);
    if (h->loss >= 0) xent_loss_launch(p->out[h->loss].dtype, cuda_out(c, h->loss), (const double *)(void *)scratch_at(c, h->losses_at), h->rows, stream);
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    struct head h;
    memcpy(&h, c->prepared->own, sizeof h);
    if (h.padded) xent_pad_launch(scratch_at(c, h.w_at), cuda_in(c, 1), h.vocab * h.hidden, h.columns * h.hidden, cuda_of(c->problem)->stream);
    for (int64_t from = 0; from < h.rows; from += h.chunk) TRY(do_chunk(ctx, c, &h, from, h.rows - from < h.chunk ? h.rows - from : h.chunk));
    finish(c, &h);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return LAUNCHED("the head's sums");
}

rk_status cuda_xent_head_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
rk_status cuda_xent_head_adjoint_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
