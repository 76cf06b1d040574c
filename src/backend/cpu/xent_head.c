/* xent_head.c: projection and cross-entropy in chunks of rows, so that all logits never exist at once.
 *
 * A chunk's logits are made, turned into loss and gradient where they lie, and used for both gradients before the next chunk
 * comes: dx of these rows, and its share of dw, which grows from chunk to chunk. So the gradients are there in the forward
 * pass: the seed of a loss is known before it. Exponentials are taken of each block of the product while it is in cache; what
 * is left for complete rows is one multiplication. How many rows a chunk has depends on the shape alone.
 * Where there are tiles, x and w may be bf16: products are made by them, summed in f32; what is between is f32, too, and the gradient of the
 * logits is rounded to bf16 once for both products that read it.
 * Results by role: 0 the loss, 1 dx, 2 dw, 4 the gradient of the bias. */
#include "backend/cpu/xent_inner.h"
#include "backend/cpu/bf16.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/gemm_kernel.h"
#include "backend/cpu/machine.h"
#include "base/num.h"
#include "base/par.h"
#include "core/opdef.h"
#include <string.h>

enum {
    LOGIT_BYTES = 64 << 20,                 /* of a chunk: every chunk reads the weights twice and dw once more */
    FEWEST_ROWS = 64, MOST_ROWS = 1024,
    ROWS_PER_TASK = 8, COLUMNS_PER_TASK = 2048,
    PIECE = 512,                            /* columns whose exponentials are summed in f32 */
};

struct piece { float most, sum; int32_t columns; };

_Static_assert(sizeof(struct head) <= PREPARED_BYTES, "the head fits its place");

static int64_t tasks(int64_t n, int64_t each) { return (n + each - 1) / each; }
static int64_t places(const struct head *h) { return h->vocab / h->grid + 1; }

static struct head head_of(const struct problem *p)
{
    bool gradients = p->op == &op_adjoint;
    const struct node *n = gradients ? node_of(p->g, (rk_ref)p->node->at.i[1]) : p->node;
    struct head h = { .x = 0, .w = 1, .labels = 2, .bias = n->arity == 4 ? 3 : -1, .dy = gradients ? p->n_in - 1 : -1,
                      .loss = -1, .dx = -1, .dw = -1, .dbias = -1, .isa = machine_isa(p) };
    for (int i = 0; i < p->n_out; i++) {
        int role = gradients ? p->out_role[i] : 0;
        if (role == 0) h.loss = i;
        if (role == 1) h.dx = i;
        if (role == 2) h.dw = i;
        if (role == 4) h.dbias = i;
    }
    h.grid = isa_rows[h.isa].lanes * GEMM_VECTORS;
    h.tiles = p->in[0].dtype == RK_bf16;
    h.dx_narrow = h.dx >= 0 && p->out[h.dx].dtype == RK_bf16;
    h.hidden = p->in[0].at.size[p->in[0].at.rank - 1];
    h.vocab = p->in[1].at.size[0];
    h.rows = layout_elements(&p->in[2].at);
    h.chunk = h.vocab > 0 ? LOGIT_BYTES / (4 * h.vocab) : MOST_ROWS;
    if (h.chunk > MOST_ROWS) h.chunk = MOST_ROWS;
    if (h.chunk < FEWEST_ROWS) h.chunk = FEWEST_ROWS;
    int64_t chunks = tasks(h.rows, h.chunk);
    if (chunks > 0) h.chunk = tasks(tasks(h.rows, chunks), 2) * 2;             /* of nearly equal height */
    if (h.chunk > h.rows) h.chunk = h.rows;
    return h;
}

static bool dense(const struct operand *o, rk_dtype dtype) { return o->dtype == dtype && layout_is_dense(&o->at); }

static bool head_accepts(const struct problem *p, const struct node *n)
{
    const struct layout *x = &p->in[0].at, *w = &p->in[1].at, *labels = &p->in[2].at;
    rk_dtype dtype = machine_tiles(p) && p->in[0].dtype == RK_bf16 ? RK_bf16 : RK_f32;
    bool ok = dense(&p->in[0], dtype) && dense(&p->in[1], dtype) && dense(&p->in[2], RK_i32) && !p->accumulate;
    ok = ok && x->dim[x->rank - 1] == (rk_dim)n->at.i[0] && w->dim[0] == (rk_dim)n->at.i[1];
    for (int i = 0; i < labels->rank && ok; i++) ok = labels->dim[i] == x->dim[i];
    for (int i = 0; i < p->n_out && ok; i++) ok = dense(&p->out[i], RK_f32) || (p->op == &op_adjoint && p->out_role[i] == 1 && dense(&p->out[i], dtype));
    return ok && (n->arity < 4 || dense(&p->in[3], dtype));
}

bool xent_head_accepts(const struct problem *p) { return head_accepts(p, p->node); }
bool xent_head_adjoint_accepts(const struct problem *p) { return head_accepts(p, node_of(p->g, (rk_ref)p->node->at.i[1])); }

static size_t most(size_t a, size_t b) { return a > b ? a : b; }
static size_t up(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct head h = head_of(p);
    int workers = par_workers(ctx);
    int64_t last = h.chunk > 0 ? (h.rows - 1) % h.chunk + 1 : 0;
    size_t gemm = 0;
    for (int i = 0; i < 2 && h.rows > 0; i++) {
        int64_t rows = i == 0 ? h.chunk : last;
        const struct gemm_problem all[] = { xent_logits_product(&h, rows), xent_dx_product(&h, rows), xent_dw_product(&h, rows, false) };
        for (int k = 0; k < 3; k++) gemm = most(gemm, xent_scratch(&h, &all[k], k == 1 && h.dx_narrow, workers));
    }
    memset(out, 0, sizeof *out);
    h.row_floats = (size_t)(places(&h) + 64) * 2;
    h.pieces_at = up((size_t)(h.chunk * h.vocab) * sizeof(float));
    h.rows_at = h.pieces_at + up((size_t)(h.chunk * places(&h)) * sizeof(struct piece));
    h.losses_at = h.rows_at + up(h.row_floats * (size_t)workers * sizeof(float));
    h.slopes_at = h.losses_at + up((size_t)h.rows * sizeof(double));
    h.bias_at = h.slopes_at + (h.tiles && (h.dx >= 0 || h.dw >= 0) ? up((size_t)(h.chunk * h.vocab) * sizeof(uint16_t)) : 0);
    h.gemm_at = h.bias_at + (h.tiles && h.bias >= 0 ? up((size_t)h.vocab * sizeof(float)) : 0);
    out->scratch = h.gemm_at + gemm;
    out->product_flops = (uint64_t)(2 * h.rows * h.vocab * h.hidden) * (uint64_t)(1 + (h.dx >= 0) + (h.dw >= 0));
    bool gradients = h.dx >= 0 || h.dw >= 0 || h.dbias >= 0;        /* a softmax, without its division where only the loss is wanted */
    out->elementwise_flops = (uint64_t)(h.rows * h.vocab) * (uint64_t)(4 + gradients + (h.bias >= 0) + (h.dbias >= 0));
    memcpy(out->own, &h, sizeof h);
    return RK_OK;
}

rk_status xent_head_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status xent_head_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

/* --- one chunk --- */

struct chunk {
    const struct head *h;
    const struct xent_kernels *kernels;
    float *logits, *rows_room, *dbias;
    uint16_t *slopes;                       /* the gradient of the logits in bf16; NULL: products read it as it is */
    struct piece *pieces;                   /* [column / grid][row]: those that begin there; the next begins where it ends */
    double *losses;
    const float *bias;
    const int32_t *labels;
    int64_t from, rows;
    float slope;
    bool gradients;
};

/* A block of logits is final, and in cache. The logit of the label is the loss, so far. */
static void block_done(void *arg, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns)
{
    const struct chunk *k = arg;
    (void)batch;
    for (int64_t r = row; r < row + rows; r++) {
        float *x = k->logits + r * k->h->vocab;
        int64_t label = k->labels[k->from + r];
        if (label >= column && label < column + columns) k->losses[k->from + r] = -(double)(float)(x[label] + (k->bias != NULL ? k->bias[label] : 0));
        for (int64_t v = column; v < column + columns; v += PIECE) {
            int64_t n = column + columns - v < PIECE ? column + columns - v : PIECE;
            struct piece *p = &k->pieces[v / k->h->grid * k->rows + r];
            k->kernels->piece(x + v, k->bias != NULL ? k->bias + v : NULL, n, k->gradients, &p->most, &p->sum);
            p->columns = (int32_t)n;
        }
    }
}

/* The pieces of a row come together. Returns the logarithm of the sum of all exponentials. */
static double finish_row(const struct chunk *k, int64_t row, float *most, float *sum)
{
    const struct piece *at = k->pieces + row;
    int64_t n = 0, vocab = k->h->vocab;
    for (int64_t v = 0; v < vocab; v += at[v / k->h->grid * k->rows].columns, n++) {
        most[n] = at[v / k->h->grid * k->rows].most;
        sum[n] = at[v / k->h->grid * k->rows].sum;
    }
    double log_sum = k->kernels->join(most, sum, n, k->slope);
    n = 0;
    for (int64_t v = 0, next; v < vocab && k->gradients; v = next) {
        next = v + at[v / k->h->grid * k->rows].columns;
        k->kernels->scale(k->logits + row * vocab + v, next - v, sum[n++]);
    }
    return log_sum;
}

static void some_rows(void *arg, int64_t task, int worker)
{
    const struct chunk *k = arg;
    int64_t to = (task + 1) * ROWS_PER_TASK < k->rows ? (task + 1) * ROWS_PER_TASK : k->rows, vocab = k->h->vocab;
    float *most = k->rows_room + (size_t)worker * k->h->row_floats, *sum = most + k->h->row_floats / 2;
    for (int64_t r = task * ROWS_PER_TASK; r < to; r++) {
        int64_t label = k->labels[k->from + r];
        bool counts = label >= 0 && label < vocab;          /* any other label: no loss, no gradient */
        if (counts) k->losses[k->from + r] += finish_row(k, r, most, sum);
        else k->losses[k->from + r] = 0;
        if (!k->gradients) continue;
        if (!counts || k->slope == 0) memset(k->logits + r * vocab, 0, (size_t)vocab * sizeof(float));
        else k->logits[r * vocab + label] -= k->slope;
        if (k->slopes != NULL) bf16_narrow(k->slopes + r * vocab, 1, k->logits + r * vocab, vocab);
    }
}

static void some_columns(void *arg, int64_t task, int worker)
{
    const struct chunk *c = arg;
    int64_t to = (task + 1) * COLUMNS_PER_TASK < c->h->vocab ? (task + 1) * COLUMNS_PER_TASK : c->h->vocab;
    (void)worker;
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t v = task * COLUMNS_PER_TASK; v < to; v++) c->dbias[v] += c->logits[r * c->h->vocab + v];
}

/* Element i of an operand; NULL: there is none. */
static const void *operand(const struct call *c, int which, int64_t i)
{
    if (which < 0) return NULL;
    const struct operand *o = &c->problem->in[which];
    return (const char *)c->in[which] + (o->at.offset + i) * (int64_t)rk_dtype_bytes(o->dtype);
}
static void *result(const struct call *c, int which, int64_t i)
{
    if (which < 0) return NULL;
    const struct operand *o = &c->problem->out[which];
    return (char *)c->out[which] + (o->at.offset + i) * (int64_t)rk_dtype_bytes(o->dtype);
}

static void go(rk_ctx *ctx, const struct call *c, const struct head *h, struct chunk *k)
{
    int64_t first = k->from * h->hidden;
    const void *x = operand(c, h->x, first), *w = operand(c, h->w, 0), *slopes = k->slopes != NULL ? (const void *)k->slopes : k->logits;
    void *scratch = (char *)c->scratch + h->gemm_at;
    xent_multiply(ctx, h, xent_logits_product(h, k->rows), false, &(struct gemm_operands){ .a = x, .b = w, .c = k->logits, .done = block_done, .arg = k }, scratch);
    par_for(ctx, tasks(k->rows, ROWS_PER_TASK), some_rows, k);
    if (h->dx >= 0) xent_multiply(ctx, h, xent_dx_product(h, k->rows), h->dx_narrow, &(struct gemm_operands){ .a = slopes, .b = w, .c = result(c, h->dx, first) }, scratch);
    if (h->dw >= 0) xent_multiply(ctx, h, xent_dw_product(h, k->rows, k->from > 0), false, &(struct gemm_operands){ .a = slopes, .b = x, .c = result(c, h->dw, 0) }, scratch);
    if (k->dbias != NULL) par_for(ctx, tasks(h->vocab, COLUMNS_PER_TASK), some_columns, k);
}

/* In f32: as it is, or widened into the workspace. */
static const float *bias_of(const struct call *c, const struct head *h)
{
    float *wide = (float *)(void *)((char *)c->scratch + h->bias_at);
    if (h->bias < 0 || !h->tiles) return operand(c, h->bias, 0);
    num_load_f32(wide, operand(c, h->bias, 0), RK_bf16, (size_t)h->vocab);
    return wide;
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
#define X(isa) &xent_kernels_##isa,
    static const struct xent_kernels *const kernels[] = { FOR_EVERY_ISA(X) };
#undef X
    struct head h;
    memcpy(&h, c->prepared->own, sizeof h);
    char *scratch = c->scratch;
    struct chunk k = { .h = &h, .kernels = kernels[h.isa], .logits = c->scratch, .pieces = (struct piece *)(scratch + h.pieces_at),
                       .rows_room = (float *)(scratch + h.rows_at), .losses = (double *)(scratch + h.losses_at), .bias = bias_of(c, &h) };
    k.labels = operand(c, h.labels, 0);
    k.dbias = result(c, h.dbias, 0);
    k.gradients = h.dx >= 0 || h.dw >= 0 || h.dbias >= 0;
    k.slope = k.gradients ? *(const float *)operand(c, h.dy, 0) : 0;
    if (h.tiles && (h.dx >= 0 || h.dw >= 0)) k.slopes = (uint16_t *)(void *)(scratch + h.slopes_at);
    if (k.dbias != NULL) memset(k.dbias, 0, (size_t)h.vocab * sizeof(float));
    if (h.rows == 0 && h.dw >= 0) memset(result(c, h.dw, 0), 0, (size_t)(h.vocab * h.hidden) * sizeof(float));
    for (k.from = 0; k.from < h.rows; k.from += h.chunk) {
        k.rows = h.rows - k.from < h.chunk ? h.rows - k.from : h.chunk;
        go(ctx, c, &h, &k);
    }
    double loss = 0;
    for (int64_t i = 0; i < h.rows; i++) loss += k.losses[i];
    if (h.loss >= 0) *(float *)result(c, h.loss, 0) = (float)loss;
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}

rk_status xent_head_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
rk_status xent_head_adjoint_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
