/* bf16.c: a product of bf16 by tiles: which blocks there are, and in which order.
 *
 * As in gemm.c the smaller side is packed once by all ("shared"), the larger in blocks by the tasks that use them ("private"). A task
 * walks over the shared side in chunks that stay in the second-level cache, one block of k after the other: so a chunk of C is whole
 * before the next begins, and can be rounded while it is there. */
#include "backend/cpu/bf16.h"
#include "backend/cpu/gemm_inner.h"

enum {
    K_BLOCK = 512,                               /* a unit of A stays in the first-level cache */
    CHUNK = 8,                                   /* units: 256 KiB */
    SHARED_BYTES = 4 << 20, OWN_BYTES = 2 << 20,
    K_SUPER = 4096,
    TASKS = 8,
};
static const double SPREAD_FLOPS = 1 << 25;      /* a product worth splitting among threads though there are others */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t parts(int64_t a, int64_t b) { return (a + b - 1) / b; }

static struct gemm_problem turned(const struct gemm_problem *p)
{
    struct gemm_problem t = *p;
    t.m = p->n, t.n = p->m;
    t.a_m = p->b_n, t.a_k = p->b_k;
    t.b_k = p->a_k, t.b_n = p->a_m;
    t.c_m = p->c_n, t.c_n = p->c_m;
    for (int i = 0; i < 2; i++) t.a_batch[i] = p->b_batch[i], t.b_batch[i] = p->a_batch[i];
    return t;
}

static int64_t extent(const struct bf16_plan *plan, bool is_b) { return is_b ? plan->p.n : plan->p.m; }
static int64_t unit_bytes(int64_t depth) { return parts(depth, BF16_SLAB) * BF16_SLAB_BYTES; }

struct bf16_plan bf16_plan(const struct gemm_problem *p, bool narrow)
{
    struct bf16_plan plan = { .p = *p, .narrow = narrow, .swapped = p->c_n != 1 && p->c_m == 1 };
    if (plan.swapped) plan.p = turned(p);
    plan.private_b = plan.p.n >= plan.p.m;
    int64_t k = most(plan.p.k, 1), own = parts(extent(&plan, plan.private_b), BF16_UNIT), shared = parts(extent(&plan, !plan.private_b), BF16_UNIT);
    int64_t blocks = parts(k, K_BLOCK);
    if (own == 0 || shared == 0) return plan;
    plan.k_block = parts(parts(k, blocks), BF16_SLAB) * BF16_SLAB;
    plan.k_super = narrow || k <= K_SUPER ? plan.k_block * blocks : K_SUPER / plan.k_block * plan.k_block;
    int64_t bytes = unit_bytes(plan.k_super);
    plan.own = most(1, least(least(CHUNK, OWN_BYTES / bytes), own / TASKS));
    plan.own_blocks = parts(own, plan.own);
    plan.shared_super = most(1, least(shared, SHARED_BYTES / bytes));
    plan.chunk = least(CHUNK, plan.shared_super);
    int64_t products = p->batch[0] * p->batch[1];
    plan.spread = products <= 1 || (products < TASKS && gemm_flops(p) / (double)products >= SPREAD_FLOPS);
    plan.shared_bytes = (size_t)(plan.shared_super * bytes);
    plan.worker_bytes = (size_t)(plan.own * bytes) + (narrow ? (size_t)(plan.own * plan.chunk * BF16_UNIT * BF16_UNIT) * sizeof(float) : 0);
    return plan;
}

size_t bf16_scratch(const struct bf16_plan *plan, int workers)
{
    size_t w = (size_t)workers;
    return plan->spread ? plan->shared_bytes + w * plan->worker_bytes : w * (plan->shared_bytes + plan->worker_bytes);
}

#if defined(__x86_64__)

static int64_t whole_units(int64_t n) { return parts(n, BF16_UNIT) * BF16_UNIT; }
static int64_t sums_row(const struct bf16_plan *plan) { return (plan->private_b ? plan->own : plan->chunk) * BF16_UNIT; }         /* of a task's sums before rounding */

void bf16_narrow(uint16_t *to, int64_t step, const float *from, int64_t n) { bf16_kernels_tiles.narrow(to, step, from, n); }

/* One product on its way: what every task of it sees. */
struct pass {
    const struct bf16_plan *plan;
    const struct bf16_operands *o;
    const uint16_t *side[2];                     /* A, B, turned as the plan is */
    char *c;
    int64_t batch;
    char *shared, *workers;
    int64_t k0, k1, u0, u1;
};

/* Packed: blocks of k, in each the units. */
static int64_t place(const struct pass *s, int64_t units, int64_t unit, int64_t k) { return (k - s->k0) / s->plan->k_block * units * unit_bytes(s->plan->k_block) + unit * unit_bytes(s->plan->k_block); }

/* Units [from, to) of a side, all of k that this pass has. */
static void pack_units(const struct pass *s, bool is_b, int64_t first, int64_t from, int64_t to, int64_t units, char *base)
{
    const struct gemm_problem *p = &s->plan->p;
    int64_t step_w = is_b ? p->b_n : p->a_m, step_k = is_b ? p->b_k : p->a_k;
    for (int64_t k = s->k0; k < s->k1; k += s->plan->k_block)
        for (int64_t u = from; u < to; u++)
            bf16_kernels_tiles.pack(base + place(s, units, u - first, k), s->side[is_b] + u * BF16_UNIT * step_w + k * step_k, step_w, step_k,
                                    (int)least(BF16_UNIT, extent(s->plan, is_b) - u * BF16_UNIT), least(s->plan->k_block, s->k1 - k), is_b);
}

static void pack_shared(void *arg, int64_t task, int worker)
{
    const struct pass *s = arg;
    int64_t from = s->u0 + task * 2;
    (void)worker;
    pack_units(s, !s->plan->private_b, s->u0, from, least(from + 2, s->u1), s->u1 - s->u0, s->shared);
}

/* A block of C: rows and columns from their first to their last. */
struct area { int64_t row, rows, column, columns; };

static void finish(const struct pass *s, const struct area *a, const float *sums)
{
    const struct gemm_problem *p = &s->plan->p;
    if (s->plan->narrow)
        for (int64_t i = 0; i < a->rows; i++)
            bf16_narrow((uint16_t *)(void *)s->c + (a->row + i) * p->c_m + a->column * p->c_n, p->c_n, sums + i * sums_row(s->plan), a->columns);
    if (s->o->done == NULL) return;
    if (s->plan->swapped) s->o->done(s->o->arg, s->batch, a->column, a->columns, a->row, a->rows);
    else s->o->done(s->o->arg, s->batch, a->row, a->rows, a->column, a->columns);
}

static void multiply(const struct pass *s, const struct area *a, const char *packed_a, int64_t units_a, const char *packed_b, int64_t units_b, float *sums)
{
    const struct gemm_problem *p = &s->plan->p;
    bool narrow = s->plan->narrow;
    for (int64_t k = s->k0; k < s->k1; k += s->plan->k_block)
        bf16_kernels_tiles.multiply(&(struct bf16_block){
            .a = packed_a + place(s, units_a, 0, k), .b = packed_b + place(s, units_b, 0, k), .a_unit = unit_bytes(s->plan->k_block), .b_unit = unit_bytes(s->plan->k_block),
            .slabs = parts(least(s->plan->k_block, s->k1 - k), BF16_SLAB), .rows = narrow ? whole_units(a->rows) : a->rows, .columns = narrow ? whole_units(a->columns) : a->columns,
            .c = narrow ? sums : (float *)(void *)s->c + a->row * p->c_m + a->column * p->c_n, .c_m = narrow ? sums_row(s->plan) : p->c_m, .c_n = narrow ? 1 : p->c_n,
            .add = k > 0 || (p->accumulate && !narrow) });
    if (s->k1 == p->k) finish(s, a, sums);
}

static void block(void *arg, int64_t task, int worker)
{
    const struct pass *s = arg;
    const struct bf16_plan *plan = s->plan;
    bool b = plan->private_b;
    int64_t units = parts(extent(plan, b), BF16_UNIT), from = task * plan->own, to = least(from + plan->own, units), shared = s->u1 - s->u0;
    char *own = s->workers + (size_t)worker * plan->worker_bytes;
    float *sums = (float *)(void *)(own + plan->own * unit_bytes(plan->k_super));
    pack_units(s, b, from, from, to, to - from, own);
    for (int64_t u = s->u0, next; u < s->u1; u = next) {
        next = least(u + plan->chunk, s->u1);
        int64_t mine = least(to * BF16_UNIT, extent(plan, b)) - from * BF16_UNIT, other = least(next * BF16_UNIT, extent(plan, !b)) - u * BF16_UNIT;
        const char *packed = s->shared + place(s, shared, u - s->u0, s->k0);
        if (b) multiply(s, &(struct area){ u * BF16_UNIT, other, from * BF16_UNIT, mine }, packed, shared, own, to - from, sums);
        else multiply(s, &(struct area){ from * BF16_UNIT, mine, u * BF16_UNIT, other }, own, to - from, packed, shared, sums);
    }
}

static void nothing_to_sum(const struct pass *s)
{
    const struct gemm_problem *p = &s->plan->p;
    for (int64_t i = 0; i < p->m && !p->accumulate; i++)
        for (int64_t j = 0; j < p->n; j++) {
            if (s->plan->narrow) ((uint16_t *)(void *)s->c)[i * p->c_m + j * p->c_n] = 0;
            else ((float *)(void *)s->c)[i * p->c_m + j * p->c_n] = 0;
        }
    if (s->o->done != NULL) s->o->done(s->o->arg, s->batch, 0, s->plan->swapped ? p->n : p->m, 0, s->plan->swapped ? p->m : p->n);
}

static void product(rk_ctx *ctx, const struct bf16_plan *plan, const struct bf16_operands *o, int64_t batch, char *shared, char *workers)
{
    const struct gemm_problem *p = &plan->p;
    int64_t i = batch / p->batch[1], j = batch % p->batch[1];
    struct pass s = {
        .plan = plan, .o = o, .batch = batch, .shared = shared, .workers = workers,
        .side = { (plan->swapped ? o->b : o->a) + i * p->a_batch[0] + j * p->a_batch[1], (plan->swapped ? o->a : o->b) + i * p->b_batch[0] + j * p->b_batch[1] },
        .c = (char *)o->c + (i * p->c_batch[0] + j * p->c_batch[1]) * (plan->narrow ? 2 : 4),
    };
    int64_t units = parts(extent(plan, !plan->private_b), BF16_UNIT);
    if (p->k == 0) nothing_to_sum(&s);
    for (s.u0 = 0; s.u0 < units && p->k > 0; s.u0 = s.u1) {
        s.u1 = least(s.u0 + plan->shared_super, units);
        for (s.k0 = 0; s.k0 < p->k; s.k0 = s.k1) {
            s.k1 = least(s.k0 + plan->k_super, p->k);
            gemm_each(ctx, parts(s.u1 - s.u0, 2), pack_shared, &s);
            gemm_each(ctx, plan->own_blocks, block, &s);
        }
    }
}

struct batch { const struct bf16_plan *plan; const struct bf16_operands *o; char *scratch; };

static void batch_task(void *arg, int64_t task, int worker)
{
    const struct batch *b = arg;
    char *own = b->scratch + (size_t)worker * (b->plan->shared_bytes + b->plan->worker_bytes);
    product(NULL, b->plan, b->o, task, own, own + b->plan->shared_bytes);
}

void bf16_run(rk_ctx *ctx, const struct bf16_plan *plan, const struct bf16_operands *o, void *scratch)
{
    struct batch b = { plan, o, scratch };
    int64_t products = plan->p.batch[0] * plan->p.batch[1];
    if (plan->p.m == 0 || plan->p.n == 0 || products == 0) return;
    if (!plan->spread) par_for(ctx, products, batch_task, &b);
    else for (int64_t i = 0; i < products; i++) product(ctx, plan, o, i, b.scratch, b.scratch + plan->shared_bytes);
}

#else                                            /* nobody asks: isa_tiles() */
void bf16_narrow(uint16_t *to, int64_t step, const float *from, int64_t n) { (void)to, (void)step, (void)from, (void)n; }
void bf16_run(rk_ctx *ctx, const struct bf16_plan *plan, const struct bf16_operands *o, void *scratch) { (void)ctx, (void)plan, (void)o, (void)scratch; }
#endif
