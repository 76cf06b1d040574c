/* rope.c: rotary position embedding of heads whose numbers are neighbours, and its gradient, which is the turn backwards.
 *
 * A table of cosines and sines is made first, in double, a row for each position there is (position = index + extent(past)), or for
 * each that is given; then one sweep turns x, or copies what is not rotary.
 * Price     3 FLOPs per rotary number: two products and a sum. */
#include "backend/cuda/rope.h"
#include "backend/cuda/kernels.h"
#include <math.h>
#include <string.h>

static bool is_placed(const struct problem *p) { return !problem_is_adjoint(p) && p->n_in == 2; }
static int operand(const struct problem *p) { return problem_is_adjoint(p) ? 2 : 0; }
static int64_t rotary_of(const struct node *n) { return n->at.i[3] & INT32_MAX; }

/* A layout whose offset at a row of x is that row's place in the table. */
static struct layout table_places(const struct problem *p, const struct node *n)
{
    struct layout where = p->out[0].at;
    for (int i = 0; i < where.rank; i++) where.stride[i] = !is_placed(p) && where.dim[i] == (rk_dim)n->at.i[0];
    where.offset = 0;
    where.stride[layout_axis(&where, (rk_dim)n->at.i[1])] = 1;              /* numbers of a head share it */
    if (!is_placed(p)) return where;
    const struct layout *at = &p->in[1].at;
    int64_t step = 1;
    for (int i = at->rank - 1; i >= 0; step *= at->size[i--]) where.stride[layout_axis(&where, at->dim[i])] = step;
    return where;
}

static bool rows_of(const struct problem *p, struct cuda_outer *rows)
{
    const struct node *n = problem_operation(p);
    struct layout where = table_places(p, n);
    const struct layout *const layouts[] = { &p->out[0].at, &p->in[operand(p)].at, &where };
    return cuda_outer_over(rows, (rk_dim)n->at.i[1], layouts, 3) && rows->n <= INT32_MAX;
}

static bool done_here(const struct problem *p)
{
    struct cuda_outer rows;
    rk_dtype dtype = p->out[0].dtype;
    return p->n_out == 1 && !p->accumulate && cuda_computes(dtype) && p->in[operand(p)].dtype == dtype && rows_of(p, &rows);
}

bool cuda_rope_accepts(const struct problem *p) { return (p->n_in == 1 || (p->n_in == 2 && p->in[1].dtype == RK_i32)) && done_here(p); }
bool cuda_rope_adjoint_accepts(const struct problem *p) { return p->n_in == 3 && p->out_role[0] == 1 && done_here(p); }

static int64_t positions_of(const struct problem *p, const struct node *n)
{
    const struct layout *y = &p->out[0].at;
    return is_placed(p) ? layout_elements(&p->in[1].at) : y->size[layout_axis(y, (rk_dim)n->at.i[0])];
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    const struct node *n = problem_operation(p);
    const struct layout *y = &p->out[0].at;
    int64_t head = y->size[layout_axis(y, (rk_dim)n->at.i[1])];
    (void)ctx;
    memset(out, 0, sizeof *out);
    out->scratch = (size_t)(positions_of(p, n) * rotary_of(n)) * sizeof(float);
    if (head > 0) out->elementwise_flops = 3 * (uint64_t)(layout_elements(y) / head * rotary_of(n));
    return RK_OK;
}

rk_status cuda_rope_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status cuda_rope_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

/* The positions as rows of one integer, in the order of the table. */
static bool given_of(const struct problem *p, struct cuda_outer *at)
{
    struct layout l = p->in[1].at;
    if (l.rank == RK_MAX_RANK) return false;
    l.dim[l.rank] = 0;                                  /* no dimension has this id */
    l.size[l.rank] = l.stride[l.rank] = 1;
    l.rank++;
    const struct layout *const layouts[] = { &l };
    return cuda_outer_over(at, 0, layouts, 1);
}

static bool all_aligned(const struct rope_args *a, int64_t width)
{
    int64_t turned = a->interleaved ? a->rotary : a->rotary / 2;
    bool aligned = (uintptr_t)a->x % 16 == 0 && (uintptr_t)a->y % 16 == 0 && turned % width == 0 && a->rows.n % width == 0;
    return aligned && cuda_outer_aligned(&a->rows, 0, width) && cuda_outer_aligned(&a->rows, 1, width);
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    const struct node *n = problem_operation(p);
    rk_dim past = (rk_dim)(n->at.i[3] >> 32);
    int64_t rotary = rotary_of(n);
    struct rope_table t = { .positions = positions_of(p, n), .first = past != 0 ? c->live->extent[past] : 0, .pairs = (int32_t)(rotary / 2),
                            .per_pair = -2 * log(n->at.f[0]) / (double)rotary, .sign = problem_is_adjoint(p) ? -1 : 1, .table = c->scratch };
    struct rope_args a = { .dtype = p->out[0].dtype, .interleaved = n->at.i[2] == RK_ROPE_INTERLEAVED, .rotary = (int32_t)rotary,
                           .table = c->scratch, .y = cuda_out(c, 0), .x = cuda_in(c, operand(p)) };
    PROMISE(rows_of(p, &a.rows));
    if (a.rows.count == 0 || a.rows.n == 0) return RK_OK;
    if (is_placed(p)) {
        t.given = cuda_in(c, 1);
        PROMISE(given_of(p, &t.at));
    }
    int64_t width = 16 / (int64_t)rk_dtype_bytes(a.dtype);
    a.width = all_aligned(&a, width) ? (int32_t)width : 1;
    rope_table_launch(&t, cuda_of(p)->stream);
    rope_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("rope");
}

rk_status cuda_rope_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
rk_status cuda_rope_adjoint_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
