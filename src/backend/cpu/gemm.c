/* gemm.c: a planned matrix product, done.
 *
 * A pass takes a super block of the shared side and of k: first all tasks pack it, then every task packs its private block,
 * one k block at a time, and multiplies it with everything shared. Inside, groups of panels stay in the second-level cache,
 * a sliver in the first, and the register tile of the instruction set does the rest.
 * Not here: the blocking itself (gemm_plan.c), products with few rows (gemm_thin.c), the loops in registers (gemm.isa.c). */
#include "backend/cpu/gemm_inner.h"

enum {
    PACK_UNITS = 8,                              /* units packed by one task */
    ROWS_AT_ONCE = 16,                           /* see pack_units */
    LINE = 64,                                   /* bytes */
    PANEL_AHEAD = 8,                             /* rows of a file's panel asked for in advance */
};

size_t gemm_bytes(enum gemm_type type)
{
#define X(type, element) sizeof(element),
    static const size_t bytes[GEMM_TYPES] = { FOR_EVERY_GEMM_TYPE(X) };
#undef X
    return bytes[type];
}

const struct gemm_kernels *gemm_kernels(enum isa isa)
{
#define X(isa) &gemm_kernels_##isa,
    static const struct gemm_kernels *const table[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    return table[isa];
}

struct gemm_side gemm_side(const struct gemm_plan *plan, const struct gemm_kernels *kernels, bool is_b)
{
    int64_t extent = is_b ? plan->p.n : plan->p.m;
    bool packed = plan->path == GEMM_PACKED || plan->path == GEMM_PANELS;
    int unit = is_b ? kernels->lanes * (packed ? kernels->packed_vectors : kernels->vectors) : packed ? kernels->packed_rows : kernels->rows;
    return (struct gemm_side){ is_b, extent, (extent + unit - 1) / unit, unit };
}

void gemm_each(rk_ctx *ctx, int64_t tasks, par_body *body, void *arg)
{
    if (ctx != NULL) par_for(ctx, tasks, body, arg);
    else for (int64_t i = 0; i < tasks; i++) body(arg, i, 0);
}

/* Packs units [from, to) of one k block; unit `first` goes to `base`. Where rows of the operand run across the units, a few rows are packed
 * for all units before the next: long reads instead of one cache line per page. */
static void pack_units(const struct gemm_pass *s, bool is_b, struct gemm_range units, int64_t k, int64_t depth, float *base, int64_t first)
{
    const struct gemm_side *side = &s->side[is_b];
    const struct gemm_problem *p = &s->plan->p;
    const char *from = is_b ? s->b : s->a;
    enum gemm_type type = is_b ? p->b_type : p->a_type;
    int64_t step_w = is_b ? p->b_n : p->a_m, step_k = is_b ? p->b_k : p->a_k, chunk = step_w == 1 ? ROWS_AT_ONCE : depth;
    int lanes = s->kernels->lanes;
    for (int64_t j = 0; j < depth; j += chunk)
        for (int64_t u = units.from; u < units.to; u++) {
            int64_t at = gemm_start(side, u);
            int width = (int)(gemm_start(side, u + 1) - at), pad = is_b ? (width + lanes - 1) / lanes * lanes : width;
            s->kernels->pack[type](base + gemm_place(side, first, u, depth, lanes) + j * pad, pad, gemm_at(from, type, at * step_w + (k + j) * step_k),
                                   step_w, step_k, width, gemm_least(chunk, depth - j));
        }
}

/* The shared side: k blocks one after the other, in each the units. */
static float *shared_block(const struct gemm_pass *s, int64_t k)
{
    int64_t depth = s->plan->k_block;
    return s->shared + (k - s->k0) / depth * gemm_place(&s->side[!s->plan->private_b], s->u0, s->u1, depth, s->kernels->lanes);
}

static void pack_shared(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    int64_t unit = s->u0 + task * PACK_UNITS;
    (void)worker;
    struct gemm_range units = { unit, gemm_least(unit + PACK_UNITS, s->u1) };
    for (int64_t k = s->k0; k < s->k1; k += s->plan->k_block)
        pack_units(s, !s->plan->private_b, units, k, gemm_least(s->plan->k_block, s->k1 - k), shared_block(s, k), s->u0);
}

/* What is read next comes while tiles are computed, not when somebody waits for it: of an operand, what will be packed; ... */
static struct gemm_fetch operand_ahead(const struct gemm_pass *s, bool is_b, struct gemm_range units, int64_t k)
{
    const struct gemm_side *side = &s->side[is_b];
    const struct gemm_problem *p = &s->plan->p;
    int64_t from = gemm_start(side, units.from), width = gemm_start(side, units.to) - from, depth = gemm_least(s->plan->k_block, s->k1 - k);
    int64_t step_w = is_b ? p->b_n : p->a_m, step_k = is_b ? p->b_k : p->a_k, size = (int64_t)gemm_bytes(is_b ? p->b_type : p->a_type);
    if (depth <= 0) return (struct gemm_fetch){ .left = 0 };
    if (is_b && p->b_panels) {
        int64_t panels = (width + GEMM_PANEL_COLUMNS - 1) / GEMM_PANEL_COLUMNS;
        return (struct gemm_fetch){ .at = (const char *)gemm_panel(s, from, k), .run = depth, .in_run = depth, .left = panels * depth, .step = (p->k - depth + 1) * LINE };
    }
    if (step_w != 1 && step_k != 1) return (struct gemm_fetch){ .left = 0 };
    bool across = step_w == 1;
    int64_t runs = across ? depth : width, lines = (across ? width : depth) * size / LINE + 1;
    return (struct gemm_fetch){ .at = (is_b ? s->b : s->a) + (from * step_w + k * step_k) * size, .run = lines, .in_run = lines, .left = runs * lines,
                                .step = (across ? step_k : step_w) * size - (lines - 1) * LINE };
}

/* Packed units: `at` holds unit `first` and those after it. */
struct packed { const float *at; int64_t first; };

static const float *packed_unit(const struct gemm_pass *s, bool is_b, struct packed p, int64_t unit, int64_t depth)
{
    return p.at + gemm_place(&s->side[is_b], p.first, unit, depth, s->kernels->lanes);
}

/* ... of the shared side, which no task has packed just before it is used, the units that come after those in use. */
static struct gemm_fetch packed_ahead(const struct gemm_pass *s, bool is_b, struct packed p, struct gemm_range units, int64_t depth)
{
    if (is_b == s->plan->private_b || units.from >= units.to) return (struct gemm_fetch){ .left = 0 };
    const char *from = (const char *)packed_unit(s, is_b, p, units.from, depth), *to = (const char *)packed_unit(s, is_b, p, units.to, depth);
    int64_t lines = (to - from) / LINE;
    return (struct gemm_fetch){ .at = from, .run = lines, .in_run = lines, .left = lines };
}

static void one_tile(const struct gemm_pass *s, const float *sliver, const float *panel, int64_t i, int64_t j, int64_t k, int64_t depth,
                     struct gemm_fetch *operand, struct gemm_fetch *packed)
{
    const struct gemm_problem *p = &s->plan->p;
    int64_t row = gemm_start(&s->side[0], i), column = gemm_start(&s->side[1], j);
    int rows = (int)(gemm_start(&s->side[0], i + 1) - row), columns = (int)(gemm_start(&s->side[1], j + 1) - column);
    int lanes = s->kernels->lanes, vectors = (columns + lanes - 1) / lanes;
    struct gemm_tile t = {
        .a = sliver, .b = panel, .k = depth, .b_step = vectors * lanes, .fetch = { operand, packed }, .c = s->c + row * p->c_m + column * p->c_n,
        .c_m = p->c_m, .c_n = p->c_n, .columns = columns, .alpha = p->alpha, .add = p->accumulate || k > 0, .bias = gemm_bias(s, column, k + depth == p->k) };
    if (!p->b_panels) {
        s->kernels->tile[rows - 1][vectors - 1](&t);
        return;
    }
    t.b = gemm_panel(s, column, k);
    t.b_step = GEMM_PANEL_COLUMNS;
    t.b_vector = gemm_panel_vector(s);
    for (int v = 0; v < GEMM_BROAD; v++) t.ask[v] = v * t.b_vector + PANEL_AHEAD * GEMM_PANEL_COLUMNS;
    s->kernels->panel[rows - 1][vectors - 1](&t);
}

/* The block of C of these units, for one k block. */
static void multiply(const struct gemm_pass *s, struct packed a, struct packed b, struct gemm_range rows, struct gemm_range columns, int64_t k,
                     struct gemm_fetch operand)
{
    const struct gemm_side *sa = &s->side[0], *sb = &s->side[1];
    int64_t depth = gemm_least(s->plan->k_block, s->k1 - k), group = s->plan->group;
    for (int64_t g = columns.from, end; g < columns.to; g = end) {
        end = gemm_least(g + group, columns.to);
        struct gemm_fetch packed = packed_ahead(s, true, b, (struct gemm_range){ end, gemm_least(end + group, columns.to) }, depth);
        for (int64_t i = rows.from; i < rows.to; i++) {
            if (s->plan->private_b) packed = packed_ahead(s, false, a, (struct gemm_range){ i + 1, gemm_least(i + 2, rows.to) }, depth);
            for (int64_t j = g; j < end; j++)
                one_tile(s, packed_unit(s, false, a, i, depth), packed_unit(s, true, b, j, depth), i, j, k, depth, &operand, &packed);
        }
        if (k + depth == s->plan->p.k) gemm_finished(s, gemm_start(sa, rows.from), gemm_start(sa, rows.to), gemm_start(sb, g), gemm_start(sb, end));
    }
}

static struct gemm_range private_units(const struct gemm_pass *s, int64_t q)
{
    int64_t units = s->side[s->plan->private_b].units, blocks = s->plan->private_blocks;
    return (struct gemm_range){ units * q / blocks, units * (q + 1) / blocks };
}

static void block(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_plan *plan = s->plan;
    bool b = plan->private_b;
    int64_t q = task / plan->shared_parts, part = task % plan->shared_parts, shared = s->u1 - s->u0;
    struct gemm_range own = private_units(s, q);
    struct gemm_range other = { s->u0 + shared * part / plan->shared_parts, s->u0 + shared * (part + 1) / plan->shared_parts };
    float *scratch = s->workers + (size_t)worker * plan->worker_floats;
    int64_t after = (task + s->at_once) / plan->shared_parts;       /* the task that most likely follows on this thread */
    for (int64_t k = s->k0, next; k < s->k1; k = next) {
        next = k + plan->k_block;
        struct gemm_fetch f = { .left = 0 };
        if (next < s->k1) f = operand_ahead(s, b, own, next);
        else if (after != q && after < plan->private_blocks) f = operand_ahead(s, b, private_units(s, after), s->k0);
        if (!b || !plan->p.b_panels) pack_units(s, b, own, k, gemm_least(plan->k_block, s->k1 - k), scratch, own.from);
        struct packed mine = { scratch, own.from }, all = { shared_block(s, k), s->u0 };
        multiply(s, b ? all : mine, b ? mine : all, b ? other : own, b ? own : other, k, f);
    }
}

static void packed_product(rk_ctx *ctx, struct gemm_pass *s)
{
    const struct gemm_plan *plan = s->plan;
    int64_t units = s->side[!plan->private_b].units;
    for (s->u0 = 0; s->u0 < units; s->u0 = s->u1) {
        s->u1 = gemm_least(s->u0 + plan->shared_super, units);
        for (s->k0 = 0; s->k0 < plan->p.k; s->k0 = s->k1) {
            s->k1 = gemm_least(s->k0 + plan->k_super, plan->p.k);
            gemm_each(ctx, (s->u1 - s->u0 + PACK_UNITS - 1) / PACK_UNITS, pack_shared, s);
            s->at_once = ctx == NULL ? 1 : par_workers(ctx);
            gemm_each(ctx, plan->private_blocks * plan->shared_parts, block, s);
        }
    }
}

/* Where no kernel has it to add: few rows, and columns that are rows. */
static void add_bias(const struct gemm_pass *s, int64_t row, int64_t row_end, int64_t column, int64_t column_end)
{
    const struct gemm_problem *p = &s->plan->p;
    const bool turned = s->plan->swapped;
    for (int64_t i = row; i < row_end; i++)
        for (int64_t j = column; j < column_end; j++) s->c[i * p->c_m + j * p->c_n] += s->bias[turned ? i : j];
}

void gemm_finished(const struct gemm_pass *s, int64_t row, int64_t row_end, int64_t column, int64_t column_end)
{
    if (s->bias != NULL && s->late) add_bias(s, row, row_end, column, column_end);
    if (s->o->done == NULL) return;
    if (s->plan->swapped) s->o->done(s->o->arg, s->batch, column, column_end - column, row, row_end - row);
    else s->o->done(s->o->arg, s->batch, row, row_end - row, column, column_end - column);
}

/* ---- one product, and many ---- */

static void nothing_to_sum(const struct gemm_pass *s)             /* k = 0: the sum is 0 */
{
    const struct gemm_problem *p = &s->plan->p;
    for (int64_t i = 0; i < p->m && !p->accumulate; i++)
        for (int64_t j = 0; j < p->n; j++) s->c[i * p->c_m + j * p->c_n] = 0;
    gemm_finished(s, 0, p->m, 0, p->n);
}

static void product(rk_ctx *ctx, const struct gemm_plan *plan, const struct gemm_operands *o, int64_t batch, float *shared, float *workers)
{
    const struct gemm_problem *p = &plan->p;
    const struct gemm_kernels *kernels = gemm_kernels(plan->isa);
    int64_t i = batch / p->batch[1], j = batch % p->batch[1];
    struct gemm_pass s = {
        .plan = plan, .kernels = kernels, .o = o, .batch = batch, .shared = shared, .workers = workers,
        .a = gemm_at(plan->swapped ? o->b : o->a, p->a_type, i * p->a_batch[0] + j * p->a_batch[1]),
        .b = gemm_at(plan->swapped ? o->a : o->b, p->b_type, i * p->b_batch[0] + j * p->b_batch[1]),
        .c = o->c + i * p->c_batch[0] + j * p->c_batch[1],
        .bias = o->bias, .late = plan->swapped || p->k == 0 || (plan->path != GEMM_PACKED && plan->path != GEMM_ROWS_ACROSS && plan->path != GEMM_PANELS),
        .side = { gemm_side(plan, kernels, false), gemm_side(plan, kernels, true) } };
    if (p->m == 0 || p->n == 0) return;
    if (p->k == 0) nothing_to_sum(&s);
    else if (plan->path == GEMM_PACKED) packed_product(ctx, &s);
    else if (plan->path == GEMM_ROWS_ACROSS) gemm_across(ctx, &s);
    else if (plan->path == GEMM_PANELS) gemm_panels(ctx, &s);
    else gemm_thin(ctx, &s);
}

struct batch { const struct gemm_plan *plan; const struct gemm_operands *o; float *scratch; int64_t products, group; };

static void batch_task(void *arg, int64_t task, int worker)
{
    const struct batch *b = arg;
    float *shared = b->scratch + (size_t)worker * (b->plan->shared_floats + b->plan->worker_floats);
    int64_t end = gemm_least((task + 1) * b->group, b->products);
    for (int64_t i = task * b->group; i < end; i++) product(NULL, b->plan, b->o, i, shared, shared + b->plan->shared_floats);
}

void gemm_run(rk_ctx *ctx, const struct gemm_plan *plan, const struct gemm_operands *o, void *scratch)
{
    int64_t products = plan->p.batch[0] * plan->p.batch[1];
    struct batch b = { plan, o, scratch, products, 1 };
    double flops = gemm_flops(&plan->p) / (products > 0 ? (double)products : 1);
    if (!plan->spread) {
        while (b.group < 64 && flops * (double)b.group < 1e6) b.group *= 2;       /* tasks of at least some 10 microseconds */
        par_for(ctx, (products + b.group - 1) / b.group, batch_task, &b);
        return;
    }
    for (int64_t i = 0; i < products; i++) product(flops < 4e5 ? NULL : ctx, plan, o, i, b.scratch, b.scratch + plan->shared_floats);
}

void gemm_alone(const struct gemm_plan *plan, const struct gemm_operands *o, void *scratch)
{
    struct batch b = { plan, o, scratch, plan->p.batch[0] * plan->p.batch[1], 1 };
    for (int64_t i = 0; i < b.products; i++) batch_task(&b, i, 0);
}
