/* attend.c: attention and its gradients on a CUDA device: scores stay on the chip, masked tiles are not made.
 *
 * Numbers of a head are neighbours, everything else may lie as it likes. Who does it: tensor cores for 16-bit numbers whose rows are
 * aligned to 16 bytes, CUDA cores for all others, and a kernel of its own for few queries. What a block does depends on the shape alone.
 * A second row of each table entry does the same, with tensor cores by groups of four warps where the device and the width allow it. */
#include "backend/cuda/attend.h"
#include "backend/cuda/kernels.h"
#include <math.h>
#include <string.h>

enum { LINE = 16, LEAST_KEYS = 64, WANTED_BLOCKS = 528 };      /* few queries: keys of a part, blocks to have: four for each multiprocessor of an H100 */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* --- operands --- */

/* An operand or result of the problem, where it goes in the arguments, and the dims of its rows and numbers; 0: it has none. */
struct part { const struct layout *at; struct attend_operand *to; rk_dim row, number; bool result; int index; };

static int parts_of(const struct problem *p, struct attend_args *a, struct part *part)
{
    const struct node *n = problem_operation(p);
    rk_dim seq = (rk_dim)n->at.i[0], key = (rk_dim)n->at.i[1], width = (rk_dim)n->at.i[2];
    int k = 0;
    part[k++] = (struct part){ &p->in[0].at, &a->q, seq, width, false, 0 };
    part[k++] = (struct part){ &p->in[1].at, &a->k, key, width, false, 1 };
    part[k++] = (struct part){ &p->in[2].at, &a->v, key, width, false, 2 };
    if (n->arity > 3) part[k++] = (struct part){ &p->in[3].at, &a->lengths, 0, 0, false, 3 };
    if (!problem_is_adjoint(p)) {
        part[k++] = (struct part){ &p->out[0].at, &a->y, seq, width, true, 0 };
        return k;
    }
    part[k++] = (struct part){ &p->in[n->arity].at, &a->y, seq, width, false, n->arity };
    part[k++] = (struct part){ &p->in[n->arity + 1].at, &a->dy, seq, width, false, n->arity + 1 };
    for (int i = 0; i < p->n_out; i++) {
        struct attend_operand *to[] = { &a->dq, &a->dk, &a->dv };
        part[k++] = (struct part){ &p->out[i].at, to[p->out_role[i] - 1], p->out_role[i] == 1 ? seq : key, width, true, i };
    }
    return k;
}

enum { MOST_PARTS = 9 };

/* The dims in front, as few as walk all parts together. */
static void heads_of(const struct problem *p, struct attend_args *a, const struct part *part, int n)
{
    const struct layout *q = &p->in[0].at, *all[MOST_PARTS];
    const struct node *op = problem_operation(p);
    struct layout space = { .rank = 0 };
    struct loops loops;
    for (int i = 0; i < q->rank; i++)
        if (q->dim[i] != (rk_dim)op->at.i[0] && q->dim[i] != (rk_dim)op->at.i[2]) space.dim[space.rank] = q->dim[i], space.size[space.rank++] = q->size[i];
    for (int k = 0; k < n; k++) all[k] = part[k].at;
    loops_over(&loops, &space, all, n);
    a->n_outer = loops.rank, a->heads = 1;
    for (int i = 0; i < loops.rank; i++) {
        a->outer[i] = (int)loops.size[i];
        a->heads *= (int)loops.size[i];
        for (int k = 0; k < n; k++) part[k].to->outer[i] = loops.stride[k][i];
    }
}

/* Where groups of warps may multiply: devices of capability 9.0, and their tiles are 64 wide. */
static bool may_group(const struct problem *p, const struct attend_args *a)
{
    return a->dtype != RK_f32 && a->width > ATTEND_GROUP_WIDEST / 2 && a->width <= ATTEND_GROUP_WIDEST && cuda_of(p)->capability == 90;
}

static struct attend_args args_of(const struct problem *p, bool group)
{
    const struct node *n = problem_operation(p);
    const struct layout *q = &p->in[0].at, *k = &p->in[1].at;
    struct part part[MOST_PARTS];
    struct attend_args a = { .dtype = p->in[0].dtype, .causal = n->at.i[3] != 0, .scale = (float)n->at.f[0], .drops = n->at.f[1] < 1, .over = (float)(1 / n->at.f[1]),
                             .last = (uint32_t)(ceil(n->at.f[1] * 0x1p32) - 1), .site = rand_site(n->text) };
    int n_parts = parts_of(p, &a, part);
    a.seq = (int)q->size[layout_axis(q, (rk_dim)n->at.i[0])];
    a.width = (int)q->size[layout_axis(q, (rk_dim)n->at.i[2])];
    a.key = (int)k->size[layout_axis(k, (rk_dim)n->at.i[1])];
    a.group = group && may_group(p, &a);
    if (a.causal && a.key < a.seq) a.key = a.seq;           /* bounds of live sizes need not fit each other */
    for (int i = 0; i < n_parts; i++)
        if (part[i].row != 0) part[i].to->row = part[i].at->stride[layout_axis(part[i].at, part[i].row)];
    heads_of(p, &a, part, n_parts);
    return a;
}

static void address(const struct call *c, struct attend_args *a)
{
    struct part part[MOST_PARTS];
    int n = parts_of(c->problem, a, part);
    for (int i = 0; i < n; i++) part[i].to->at = part[i].result ? cuda_out(c, part[i].index) : (void *)(uintptr_t)cuda_in(c, part[i].index);
    a->seed = &cuda_of(c->problem)->live->seed;
    a->step = &cuda_of(c->problem)->live->step;
}

/* --- who does it --- */

static bool lines(const struct attend_args *a, const struct attend_operand *o)
{
    int64_t each = LINE / (int64_t)rk_dtype_bytes(a->dtype);
    bool even = o->row % each == 0 && (uintptr_t)o->at % LINE == 0;
    for (int i = 0; i < a->n_outer; i++) even = even && o->outer[i] % each == 0;
    return even;
}

/* Every row of everything begins at a multiple of 16 bytes; before there are addresses, as far as strides tell. */
static bool in_lines(const struct attend_args *a)
{
    bool even = (size_t)a->width * rk_dtype_bytes(a->dtype) % LINE == 0;
    const struct attend_operand *all[] = { &a->q, &a->k, &a->v, &a->y, &a->dy, &a->dq, &a->dk, &a->dv };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) even = even && lines(a, all[i]);
    return even;
}

static bool by_few(const struct attend_args *a) { return a->seq <= ATTEND_FEW && !a->drops && in_lines(a); }

static bool by_tensor(const struct problem *p, const struct attend_args *a)
{
    size_t shared = problem_is_adjoint(p) ? attend_tensor_adjoint_shared(a->width, a->group) : attend_tensor_shared(a->width, a->group);
    return a->dtype != RK_f32 && a->width <= ATTEND_TENSOR_WIDEST && a->scale > 0 && cuda_of(p)->capability >= 80 && shared <= cuda_of(p)->shared_most && in_lines(a);
}

static bool layouts_are_fine(const struct problem *p)
{
    struct part part[MOST_PARTS];
    struct attend_args a;
    const struct layout *q = &p->in[0].at, *k = &p->in[1].at;
    int n = parts_of(p, &a, part);
    bool fine = true;
    for (int i = 0; i < n && fine; i++) {
        int axis = part[i].number == 0 ? -1 : layout_axis(part[i].at, part[i].number);
        fine = axis < 0 || part[i].at->stride[axis] == 1 || part[i].at->size[axis] <= 1;
    }
    int64_t width = q->size[layout_axis(q, (rk_dim)problem_operation(p)->at.i[2])], key = k->size[layout_axis(k, (rk_dim)problem_operation(p)->at.i[1])];
    /* what blocks, rows and scores of a head are counted in */
    return fine && width >= 1 && width <= ATTEND_WIDEST && key <= INT32_MAX / 2 && layout_elements(q) / width <= INT32_MAX / 2 && layout_elements(k) / width <= INT32_MAX / 2;
}

static bool accepts(const struct problem *p)
{
    const struct node *n = problem_operation(p);
    rk_dtype dtype = p->in[0].dtype;
    bool ok = !p->accumulate && cuda_computes(dtype) && (n->arity < 4 || p->in[3].dtype == RK_i32) && p->n_out >= 1 && p->n_out <= 3;
    for (int i = 0; i < p->n_in && ok; i++) ok = (n->arity > 3 && i == 3) || p->in[i].dtype == dtype;
    for (int i = 0; i < p->n_out && ok; i++) ok = p->out[i].dtype == dtype && (!problem_is_adjoint(p) || (p->out_role[i] >= 1 && p->out_role[i] <= 3));
    if (!ok || (n->at.f[1] < 1 && p->live) || !layouts_are_fine(p)) return false;      /* masks are drawn over bounds */
    int width = (int)p->in[0].at.size[layout_axis(&p->in[0].at, (rk_dim)n->at.i[2])];
    return (problem_is_adjoint(p) ? attend_plain_adjoint_shared(width) : attend_plain_shared(width)) <= cuda_of(p)->shared_most;
}

static bool accepts_group(const struct problem *p)
{
    if (!accepts(p)) return false;
    struct attend_args a = args_of(p, true);
    return a.group && by_tensor(p, &a);
}

bool cuda_attend_accepts(const struct problem *p) { return accepts(p); }
bool cuda_attend_adjoint_accepts(const struct problem *p) { return accepts(p); }
bool cuda_attend_group_accepts(const struct problem *p) { return accepts_group(p); }
bool cuda_attend_group_adjoint_accepts(const struct problem *p) { return accepts_group(p); }

/* --- the price --- */

static int64_t seen(const struct attend_args *a, int64_t end) { return a->causal ? end + a->key - a->seq : a->key; }

/* Scores that are made: of `rows` queries together against all keys that one of them sees, or of `rows` keys against all queries that see
 * one, in steps. */
static uint64_t scores_by_queries(const struct attend_args *a, int rows)
{
    int64_t pairs = 0;
    for (int64_t from = 0; from < a->seq; from += rows) pairs += least(rows, a->seq - from) * seen(a, least(from + rows, a->seq));
    return (uint64_t)pairs * (uint64_t)a->heads;
}

static uint64_t scores_by_keys(const struct attend_args *a, int rows, int step)
{
    int64_t pairs = 0, past = a->key - a->seq;
    for (int64_t from = 0; from < a->key; from += rows) pairs += least(rows, a->key - from) * (a->causal && from > past ? a->seq - (from - past) / step * step : a->seq);
    return (uint64_t)pairs * (uint64_t)a->heads;
}

/* Forward: two products, the scale and a softmax. Gradients: S, dP and dQ with a softmax, its gradient and two scales; then S, dP, dV and dK
 * with the weights from their logarithms, and the gradient again. Dropout multiplies what it meets. */
static void price(const struct problem *p, const struct attend_args *a, struct prepared *out)
{
    uint64_t products, elements, drops = a->drops ? 1 : 0;
    if (!problem_is_adjoint(p)) {
        int rows = by_few(a) ? 1 : by_tensor(p, a) ? attend_tensor_rows(a->width, a->group) : attend_plain_rows(a->width);
        uint64_t scores = scores_by_queries(a, rows);
        products = 2 * scores, elements = scores * (6 + drops);
    } else {
        int rows = by_tensor(p, a) ? attend_tensor_adjoint_rows(a->width, a->group) : attend_plain_adjoint_rows(a->width), step = !by_tensor(p, a) ? rows : a->group ? ATTEND_GROUP_STEP : ATTEND_TENSOR_STEP;
        bool keys = p->n_out > 1 || p->out_role[0] != 1;
        uint64_t queries = scores_by_queries(a, rows), down = keys ? scores_by_keys(a, rows, step) : 0;
        products = 3 * queries + 4 * down, elements = queries * (11 + drops) + down * (5 + 2 * drops);
    }
    out->product_flops = 2 * products * (uint64_t)a->width;
    out->elementwise_flops = elements;
}

/* Parts of the keys, so that there are blocks enough; more keys or other queries never want more room than `split_room`. */
static void split(struct attend_args *a)
{
    int64_t rows = (int64_t)a->heads * a->seq, most = rows == 0 ? 1 : (WANTED_BLOCKS + rows - 1) / rows, chunk = (a->key + most - 1) / most;
    a->chunk = (int)((chunk + LEAST_KEYS - 1) / LEAST_KEYS * LEAST_KEYS);
    if (a->chunk == 0) a->chunk = LEAST_KEYS;
    a->splits = a->key == 0 ? 1 : (a->key + a->chunk - 1) / a->chunk;
}
static size_t split_room(const struct attend_args *a) { return (size_t)2 * WANTED_BLOCKS * (size_t)(a->width + 2) * sizeof(float); }
static size_t row_room(const struct attend_args *a) { return ((size_t)a->heads * (size_t)a->seq * sizeof(float) + 255) & ~(size_t)255; }

static rk_status prepare(rk_ctx *ctx, const struct problem *p, bool group, struct prepared *out)
{
    struct attend_args a = args_of(p, group);
    const struct layout *k = &p->in[1].at;
    int64_t key = k->size[layout_axis(k, (rk_dim)problem_operation(p)->at.i[1])];
    memset(out, 0, sizeof *out);
    if (a.causal && key < a.seq && !p->live) return FAIL(RK_E_SHAPE, "attention: causal with %lld keys for %d queries", (long long)key, a.seq);
    if (problem_is_adjoint(p)) out->scratch = 2 * row_room(&a);
    else if (p->live || by_few(&a)) out->scratch = split_room(&a);
    price(p, &a, out);
    return RK_OK;
}

rk_status cuda_attend_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, false, out); }
rk_status cuda_attend_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, false, out); }
rk_status cuda_attend_group_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, true, out); }
rk_status cuda_attend_group_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, true, out); }

/* --- running: what is issued is what was planned; that padding is left out only the device knows --- */

static rk_status run(rk_ctx *ctx, const struct call *c, bool group)
{
    const struct problem *p = c->problem;
    struct attend_args a = args_of(p, group);
    if (a.heads == 0 || a.seq == 0) return RK_OK;
    address(c, &a);
    if (by_few(&a)) {
        split(&a);
        a.parts = c->scratch;
        attend_few_launch(&a, cuda_of(p)->stream);
    } else if (by_tensor(p, &a)) attend_tensor_launch(&a, cuda_of(p)->stream);
    else attend_plain_launch(&a, cuda_of(p)->stream);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return LAUNCHED("attention");
}

static rk_status run_adjoint(rk_ctx *ctx, const struct call *c, bool group)
{
    const struct problem *p = c->problem;
    struct attend_args a = args_of(p, group);
    if (a.heads == 0) return RK_OK;
    address(c, &a);
    a.high = c->scratch;
    a.slope = (float *)((char *)c->scratch + row_room(&a));
    if (by_tensor(p, &a)) attend_tensor_adjoint_launch(&a, cuda_of(p)->stream);
    else attend_plain_adjoint_launch(&a, cuda_of(p)->stream);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return LAUNCHED("the gradient of attention");
}

rk_status cuda_attend_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, false); }
rk_status cuda_attend_adjoint_run(rk_ctx *ctx, const struct call *c) { return run_adjoint(ctx, c, false); }
rk_status cuda_attend_group_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, true); }
rk_status cuda_attend_group_adjoint_run(rk_ctx *ctx, const struct call *c) { return run_adjoint(ctx, c, true); }
