/* norm.c: layer norm, RMS norm and deviation norm along a dimension whose elements are neighbours, and all their gradients in one
 * sweep over the rows.
 *
 * Backward keeps nothing from forward: statistics are made again from x. The gradients of weight and bias are sums over all rows:
 * each block of a fixed number sums its rows in registers, then columns are added over the blocks in order, in double. How many
 * blocks there are follows from the shape and the device, so the bits are the same at every run.
 * Dtypes    one of f32, bf16 and f16; or each operand and result either f32 or one dtype of 16 bits, as mixed precision has it:
 * a stream in f32 before a product in bf16, or in bf16 with gradients of weights in f32.
 * Price     as the processor's kernel: forward 4 FLOPs per element for RMS norm, 7 for the others; backward 13 and 16. */
#include "backend/cuda/norm.h"
#include "backend/cuda/kernels.h"
#include <string.h>

enum { BLOCKS_EACH = 4, ROWS_EACH = 4 };                /* of a multiprocessor; of a block, at least */

/* A problem's operands by what they are; -1: not there. */
struct roles { const struct node *norm; int weight, bias, dy, dx, dweight, dbias; };

static struct roles roles_of(const struct problem *p)
{
    bool adjoint = problem_is_adjoint(p);
    struct roles r = { problem_operation(p), -1, -1, -1, -1, -1, -1 };
    int weight = (int)r.norm->at.i[2], bias = (int)r.norm->at.i[3];
    if (weight != 0) r.weight = weight;
    if (bias != 0) r.bias = bias;
    if (adjoint) r.dy = p->n_in - 1;
    for (int i = 0; i < p->n_out && adjoint; i++) {
        int of = p->out_role[i] - 1;
        if (of == 0) r.dx = i;
        else if (of > 0 && of == weight) r.dweight = i;
        else if (of > 0 && of == bias) r.dbias = i;
    }
    return r;
}

static bool rows_of(const struct problem *p, const struct roles *r, struct cuda_outer *rows)
{
    const struct layout *l[CUDA_OUTER_OPERANDS] = { &p->in[0].at };
    int n = 1;
    l[n++] = r->dy >= 0 ? &p->in[r->dy].at : &p->out[0].at;
    if (r->dx >= 0) l[n++] = &p->out[r->dx].at;
    return cuda_outer_over(rows, (rk_dim)r->norm->at.i[0], l, n) && rows->n <= CUDA_NORM_MOST;
}

static bool is_vector(const struct operand *o) { return o->at.rank == 1 && (o->at.stride[0] == 1 || o->at.size[0] <= 1); }

/* The operands that are read (the bias of a gradient is not) and the results, each with its bit; NULL: not there. */
enum { PARTS = 7 };
static const int32_t part_bit[PARTS] = { CUDA_NORM_X, CUDA_NORM_WEIGHT, CUDA_NORM_BIAS, CUDA_NORM_Y, CUDA_NORM_DX, CUDA_NORM_DWEIGHT, CUDA_NORM_DBIAS };
static void parts_of(const struct problem *p, const struct roles *r, const struct operand **part)
{
    bool adjoint = r->dy >= 0;
    part[0] = &p->in[0];
    part[1] = r->weight >= 0 ? &p->in[r->weight] : NULL;
    part[2] = r->bias >= 0 && !adjoint ? &p->in[r->bias] : NULL;
    part[3] = adjoint ? &p->in[r->dy] : &p->out[0];
    part[4] = r->dx >= 0 ? &p->out[r->dx] : NULL;
    part[5] = r->dweight >= 0 ? &p->out[r->dweight] : NULL;
    part[6] = r->dbias >= 0 ? &p->out[r->dbias] : NULL;
}

/* The dtype of all of them; or the one of 16 bits, and which are f32 beside it. False: they are others. */
static bool dtypes_of(const struct problem *p, const struct roles *r, rk_dtype *dtype, int32_t *full)
{
    const struct operand *part[PARTS];
    bool ok = true;
    *dtype = RK_f32;
    *full = 0;
    parts_of(p, r, part);
    for (int i = 0; i < PARTS && ok; i++) {
        if (part[i] == NULL) continue;
        ok = cuda_computes(part[i]->dtype) && (part[i]->dtype == RK_f32 || *dtype == RK_f32 || part[i]->dtype == *dtype);
        if (part[i]->dtype == RK_f32) *full |= part_bit[i];
        else *dtype = part[i]->dtype;
    }
    if (*dtype == RK_f32) *full = 0;
    return ok;
}

static bool done_here(const struct problem *p, const struct roles *r)
{
    struct cuda_outer rows;
    rk_dtype dtype;
    int32_t full;
    bool ok = dtypes_of(p, r, &dtype, &full) && !p->accumulate && rows_of(p, r, &rows);
    const int in[] = { r->weight, r->bias };
    for (int i = 0; i < 2 && ok; i++) ok = in[i] < 0 || is_vector(&p->in[in[i]]);
    for (int i = 0; i < p->n_out && ok; i++) ok = (i != r->dweight && i != r->dbias) || is_vector(&p->out[i]);
    return ok;
}

bool cuda_norm_accepts(const struct problem *p)
{
    struct roles r = roles_of(p);
    return p->n_out == 1 && done_here(p, &r);
}

bool cuda_norm_adjoint_accepts(const struct problem *p)
{
    struct roles r = roles_of(p);
    return p->n_in >= 3 && p->n_out == (r.dx >= 0) + (r.dweight >= 0) + (r.dbias >= 0) && done_here(p, &r);
}

static int32_t blocks_of(const struct problem *p, const struct cuda_outer *rows)
{
    int64_t most = (int64_t)cuda_of(p)->multiprocessors * BLOCKS_EACH, blocks = (rows->count + ROWS_EACH - 1) / ROWS_EACH;
    return (int32_t)(blocks < most ? blocks : most);
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct roles r = roles_of(p);
    struct cuda_outer rows;
    bool adjoint = r.dy >= 0;
    PROMISE(rows_of(p, &r, &rows));
    memset(out, 0, sizeof *out);
    if (r.dweight >= 0 || r.dbias >= 0) out->scratch = 2 * (size_t)blocks_of(p, &rows) * (size_t)rows.n * sizeof(float);
    out->elementwise_flops = (uint64_t)(rows.n * rows.count) * (r.norm->at.i[1] == CUDA_NORM_RMS ? adjoint ? 13u : 4u : adjoint ? 16u : 7u);
    return RK_OK;
}

rk_status cuda_norm_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status cuda_norm_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

static bool all_aligned(const struct norm_args *a)
{
    const void *const at[] = { a->x, a->weight, a->bias, a->dy, a->y, a->dx };
    bool aligned = true;
    for (int i = 0; i < 6; i++) aligned = aligned && (uintptr_t)at[i] % 16 == 0;
    for (int k = 0; k < CUDA_OUTER_OPERANDS; k++) aligned = aligned && cuda_outer_aligned(&a->rows, k, 16 / (int64_t)rk_dtype_bytes(a->dtype));
    return aligned;
}

static bool begin(const struct call *c, const struct roles *r, struct norm_args *a)
{
    a->kind = (int32_t)r->norm->at.i[1];
    a->eps = (float)r->norm->at.f[0];
    a->x = cuda_in(c, 0);
    if (r->weight >= 0) a->weight = cuda_in(c, r->weight);
    if (r->bias >= 0 && r->dy < 0) a->bias = cuda_in(c, r->bias);
    return dtypes_of(c->problem, r, &a->dtype, &a->full) && rows_of(c->problem, r, &a->rows);
}

rk_status cuda_norm_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct roles r = roles_of(p);
    struct norm_args a = { .y = cuda_out(c, 0) };
    PROMISE(begin(c, &r, &a));
    if (a.rows.count == 0 || a.rows.n == 0) return RK_OK;
    a.aligned = all_aligned(&a);
    norm_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("norm");
}

rk_status cuda_norm_adjoint_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct roles r = roles_of(p);
    struct norm_args a = { .dy = cuda_in(c, r.dy), .parts = c->scratch };
    PROMISE(begin(c, &r, &a));
    if (r.dx >= 0) a.dx = cuda_out(c, r.dx);
    if (r.dweight >= 0) a.dweight = cuda_out(c, r.dweight);
    if (r.dbias >= 0) a.dbias = cuda_out(c, r.dbias);
    if (a.rows.n == 0) return RK_OK;
    a.blocks = blocks_of(p, &a.rows);
    a.aligned = all_aligned(&a);
    if (a.rows.count > 0) norm_adjoint_launch(&a, cuda_of(p)->stream);
    if (a.dweight != NULL || a.dbias != NULL) norm_columns_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("the gradients of norm");
}
