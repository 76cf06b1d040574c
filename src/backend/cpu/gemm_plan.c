/* gemm_plan.c: the blocking of a matrix product, from its shape and the instruction set alone.
 *
 * The larger of m and n is cut into blocks, one task each; a task packs its block itself ("private"). The smaller side is
 * packed once, by all, before the tasks start ("shared"), as much of it as SHARED floats hold. So every operand is packed
 * about once, and a weight matrix met by few tokens is packed in the task that uses it, straight into that core's cache.
 *
 * Sizes: a sliver of A (rows x k_block) stays in the first-level cache, a group of panels of B (k_block x COLUMNS) in the second.
 * Source for the loops: Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication (2008); Van Zee and van de
 * Geijn, BLIS (2015). */
#include "backend/cpu/gemm_inner.h"
#include "base/mem.h"

enum {
    SHARED = 1 << 20,                    /* floats: 4 MiB */
    COLUMNS = 256,                       /* of B in the second-level cache */
    BLOCK = 128,                         /* of the private side per task */
    THIN_TASK = 65536,                   /* floats of B per task when it is read as it lies */
    TASKS = 12,                          /* at least, where the shape has them */
    THIN_DOTS = 64, THIN_STRIPS = 32,    /* rows up to which reading B as it lies beats packing it */
    THIN_LINES = 8,
    ACROSS_MOST = 96, ACROSS_DEPTH = 32,     /* rows of A that stand upright, and of how long a sum */
    ACROSS_FLOATS = 32768, ACROSS_CLOSE = 8192,          /* of them in one block of k; in the first-level cache where vectors of sixteen take them faster than the second gives them */
    ACROSS_GROUP = 96, ACROSS_TASKS = 16,        /* columns of a task, or a half or a third of them so that there are so many: whole panels, since blocks that are done begin there */
    PANELS_MOST = 96, PANELS_DEPTH = 128,    /* rows against a file's panels up to which each of these is read once, from front to back; k of one block */
    PANELS_GROUP = 128, PANELS_TASKS = 4,    /* columns of such a task, where there are so many tasks */
    DOT_WHOLE = 2, DOT_DEPTH = 768,      /* rows up to which all of k is one pass; beyond them so much, that some rows of A and B stay in cache */
    LINE_TASKS = 8, LINE_COLUMNS = 4096, /* the most of GEMM_LINES: blocks of k, columns of Y that stay in cache */
    THIN_DEPTH = 16384,                  /* k up to which all of A fits the scratch of that path */
};
static const double SPREAD_FLOPS = 1 << 24;          /* a product worth splitting among threads though there are others */
static const int64_t k_most[ISA_COUNT] = {
#define X(isa) [ISA_##isa] = ISA_##isa == 0 ? 256 : 384,
    FOR_EVERY_ISA(X)
#undef X
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Adds how far one axis reaches; true where the sum is beyond anything that can be addressed. */
static bool too_far(int64_t extent, int64_t stride, int64_t *sum)
{
    int64_t reach;
    if (extent <= 1) return false;
    if (stride == INT64_MIN || !extent_mul(extent - 1, stride < 0 ? -stride : stride, &reach)) return true;
    return __builtin_add_overflow(*sum, reach, sum) || *sum > INT64_MAX / 16;
}

/* One operand: the axes that step through it. The result's elements must not coincide. */
static const char *refuse_operand(const int64_t *extents, const int64_t *strides, bool result)
{
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        if (too_far(extents[i], strides[i], &sum)) return "strides reach beyond all memory";
        if (result && extents[i] > 1 && strides[i] == 0) return "elements of the result coincide";
    }
    return NULL;
}

const char *gemm_refuse(const struct gemm_problem *p)
{
    int64_t product = 1, o = p->batch[0], i = p->batch[1];
    const int64_t extent[] = { p->m, p->n, p->k, o, i };
    for (int q = 0; q < 5; q++) {
        if (extent[q] < 0) return "an extent is negative";
        if (extent[q] > 0 && !extent_mul(product, extent[q], &product)) return "the number of multiplications overflows";
    }
    if (p->m == 0 || p->n == 0 || o == 0 || i == 0) return NULL;
    const char *a = refuse_operand((int64_t[]){ p->m, p->k, o, i }, (int64_t[]){ p->a_m, p->a_k, p->a_batch[0], p->a_batch[1] }, false);
    int64_t b_k = p->b_panels ? GEMM_PANEL_COLUMNS : p->b_k, b_n = p->b_panels ? p->k : p->b_n;
    const char *b = refuse_operand((int64_t[]){ p->k, p->n, o, i }, (int64_t[]){ b_k, b_n, p->b_batch[0], p->b_batch[1] }, false);
    const char *c = refuse_operand((int64_t[]){ p->m, p->n, o, i }, (int64_t[]){ p->c_m, p->c_n, p->c_batch[0], p->c_batch[1] }, true);
    return a != NULL ? a : b != NULL ? b : c;
}

double gemm_flops(const struct gemm_problem *p)
{
    return 2.0 * (double)p->m * (double)p->n * (double)p->k * (double)p->batch[0] * (double)p->batch[1];
}

static struct gemm_problem turned(const struct gemm_problem *p)
{
    struct gemm_problem t = *p;
    t.m = p->n;
    t.n = p->m;
    t.a_m = p->b_n;
    t.a_type = p->b_type;
    t.b_type = p->a_type;
    t.a_k = p->b_k;
    t.b_k = p->a_k;
    t.b_n = p->a_m;
    t.c_m = p->c_n;
    t.c_n = p->c_m;
    for (int i = 0; i < 2; i++) {
        t.a_batch[i] = p->b_batch[i];
        t.b_batch[i] = p->a_batch[i];
    }
    return t;
}

/* Some tens of rows, more than one vector of them and few lanes idle, against a matrix that lies along k. */
static bool across(const struct gemm_problem *p, const struct gemm_kernels *kernels)
{
    int64_t idle = ceil_div(p->m, kernels->lanes) * kernels->lanes - p->m;
    if (p->a_type != GEMM_f32 || p->b_type != GEMM_f32 || p->b_k != 1 || p->c_n != 1 || p->k > THIN_DEPTH || kernels->across_vectors == 0) return false;
    return p->m > kernels->lanes && p->m <= ACROSS_MOST && p->m <= p->n && p->k >= ACROSS_DEPTH && 4 * idle <= 3 * kernels->lanes && 5 * idle <= p->m + idle;
}

/* The same where the matrix lies in panels: for more than two vectors of rows. */
static bool panels_across(const struct gemm_problem *p, const struct gemm_kernels *kernels)
{
    struct gemm_problem rows = *p;
    rows.b_k = 1;
    return kernels->across_panel[GEMM_ACROSS - 1] != NULL && p->m > 2 * kernels->lanes && across(&rows, kernels);
}

/* Few rows, and the large operand can be read as it lies: along k as dot products, along n as lines, or, of more rows, strips. */
static bool thin(const struct gemm_problem *p, const struct gemm_kernels *kernels, enum gemm_path *path)
{
    if (across(p, kernels)) {
        *path = GEMM_ROWS_ACROSS;
        return true;
    }
    if (p->m > p->n || p->k > THIN_DEPTH || p->a_type != GEMM_f32) return false;
    if (p->b_k == 1 || p->k == 1) *path = GEMM_DOTS;
    else if (p->b_n == 1 && p->m <= THIN_LINES) *path = GEMM_LINES;
    else if (p->b_n == 1 && p->c_n == 1 && p->b_type == GEMM_f32) *path = GEMM_STRIPS;
    else return false;
    return p->m <= (*path == GEMM_DOTS ? THIN_DOTS : THIN_STRIPS);
}

static void plan_across(struct gemm_plan *plan, const struct gemm_kernels *kernels)
{
    const struct gemm_problem *p = &plan->p;
    int64_t width = ceil_div(p->m, kernels->lanes) * kernels->lanes, blocks = ceil_div(p->k * width, kernels->lanes == 16 ? ACROSS_CLOSE : ACROSS_FLOATS);
    plan->k_block = plan->k_super = ceil_div(ceil_div(p->k, blocks), 16) * 16;
    bool halves = ACROSS_GROUP / 2 % (kernels->lanes * kernels->vectors) == 0;
    plan->group = ceil_div(p->n, ACROSS_GROUP) >= ACROSS_TASKS ? ACROSS_GROUP : halves ? ACROSS_GROUP / 2 : ACROSS_GROUP / 3;
    plan->private_blocks = ceil_div(p->n, plan->group);
    plan->shared_parts = 1;
    plan->shared_floats = (size_t)(p->k * width + kernels->lanes);
    plan->worker_floats = (size_t)(plan->group * width);
}

/* Blocks of k, each a stretch of memory, into sums of their own, which are then added in order. Of very wide B blocks of columns. */
static void plan_lines(struct gemm_plan *plan)
{
    const struct gemm_problem *p = &plan->p;
    int64_t columns = ceil_div(p->n, LINE_COLUMNS), tasks = least(LINE_TASKS, most(1, p->k * p->n / THIN_TASK));
    plan->group = ceil_div(ceil_div(p->n, columns), 64) * 64;
    plan->private_blocks = ceil_div(p->n, plan->group);
    plan->k_block = plan->k_super = ceil_div(ceil_div(most(p->k, 1), most(1, tasks / plan->private_blocks)), 8) * 8;
    plan->shared_parts = ceil_div(most(p->k, 1), plan->k_block);
    plan->shared_floats = (size_t)(p->m * p->k + plan->shared_parts * p->m * p->n);
    plan->worker_floats = 0;
}

static void plan_thin(struct gemm_plan *plan, const struct gemm_kernels *kernels)
{
    const struct gemm_problem *p = &plan->p;
    bool strips = plan->path == GEMM_STRIPS;
    if (plan->path == GEMM_LINES || plan->path == GEMM_ROWS_ACROSS) {
        if (plan->path == GEMM_LINES) plan_lines(plan);
        else plan_across(plan, kernels);
        return;
    }
    int64_t vectors = strips && p->m <= GEMM_WIDE_ROWS ? kernels->wide_vectors[p->m - 1] : kernels->vectors;
    int64_t width = kernels->lanes * vectors, columns = least(COLUMNS, most(16, THIN_TASK / most(p->k, 1)));
    int64_t blocks = strips || p->m <= DOT_WHOLE ? 1 : ceil_div(most(p->k, 1), DOT_DEPTH);
    plan->k_block = plan->k_super = blocks == 1 ? most(p->k, 1) : ceil_div(ceil_div(p->k, blocks), 16) * 16;
    plan->group = ceil_div(columns, width) * width;
    plan->private_blocks = ceil_div(p->n, plan->group);
    plan->shared_parts = 1;
    plan->shared_floats = strips || p->a_k != 1 ? (size_t)(p->m * p->k + kernels->lanes) : 0;
    plan->worker_floats = strips ? (size_t)(kernels->lanes * kernels->vectors * p->k + kernels->lanes) : 0;
}

/* Whole vectors of columns a task, so many that some tens of tasks are as long as each other; k in blocks of which columns of B stay in the first-level cache for all rows. */
static void plan_panels(struct gemm_plan *plan, const struct gemm_kernels *kernels)
{
    const struct gemm_problem *p = &plan->p;
    if (panels_across(p, kernels)) {
        plan->path = GEMM_ROWS_ACROSS;
        plan_across(plan, kernels);
        return;
    }
    plan->path = GEMM_PANELS;
    plan->k_block = plan->k_super = ceil_div(ceil_div(p->k, ceil_div(p->k, PANELS_DEPTH)), 16) * 16;
    plan->group = p->n >= PANELS_TASKS * PANELS_GROUP ? PANELS_GROUP : kernels->lanes * kernels->packed_vectors;
    plan->private_blocks = ceil_div(p->n, plan->group);
    plan->shared_parts = 1;
    plan->shared_floats = (size_t)(p->m * p->k + gemm_side(plan, kernels, false).units * kernels->lanes);
}

static void plan_packed(struct gemm_plan *plan, const struct gemm_kernels *kernels)
{
    const struct gemm_problem *p = &plan->p;
    int64_t nr = (int64_t)kernels->lanes * kernels->packed_vectors, blocks = ceil_div(most(p->k, 1), k_most[plan->isa]);
    plan->path = GEMM_PACKED;
    plan->k_block = ceil_div(ceil_div(most(p->k, 1), blocks), 16) * 16;
    plan->private_b = p->n >= p->m || p->b_panels;
    struct gemm_side own = gemm_side(plan, kernels, plan->private_b), shared = gemm_side(plan, kernels, !plan->private_b);
    plan->shared_super = least(shared.units, most(1, SHARED / 2 / plan->k_block / shared.unit));
    int64_t width = plan->shared_super * shared.unit;
    plan->k_super = least(blocks, most(1, SHARED / (width * plan->k_block))) * plan->k_block;
    plan->group = COLUMNS / nr;
    int64_t units = most(1, BLOCK / own.unit);
    while (units > 1 && ceil_div(own.units, units) < TASKS) units--;
    plan->private_blocks = ceil_div(own.units, units);
    plan->shared_parts = least(plan->shared_super, most(1, least(TASKS / plan->private_blocks, width / 128)));
    plan->shared_floats = (size_t)((width * plan->k_block + plan->shared_super * kernels->lanes) * (plan->k_super / plan->k_block));
    plan->worker_floats = (size_t)(units * (own.unit * plan->k_block + kernels->lanes));
}

struct gemm_plan gemm_plan(const struct gemm_problem *p, enum isa isa)
{
    const struct gemm_kernels *kernels = gemm_kernels(isa);
    struct gemm_plan plan = { .p = *p, .isa = isa };
    struct gemm_problem other = turned(p);
    if (p->m == 0 || p->n == 0 || p->batch[0] == 0 || p->batch[1] == 0) return plan;
    bool few = p->b_panels && p->m <= PANELS_MOST && p->k > 0 && p->k <= THIN_DEPTH;
    if (p->b_panels) plan.swapped = false;
    else if (thin(p, kernels, &plan.path)) plan.swapped = false;
    else if (thin(&other, kernels, &plan.path)) plan.swapped = true;
    else plan.swapped = p->c_n != 1 && p->c_m == 1;
    if (plan.swapped) plan.p = other;
    if (few) plan_panels(&plan, kernels);
    else if (!p->b_panels && thin(&plan.p, kernels, &plan.path)) plan_thin(&plan, kernels);
    else plan_packed(&plan, kernels);
    int64_t products = p->batch[0] * p->batch[1];
    double flops = gemm_flops(p) / (double)products;
    plan.spread = products < TASKS && (products <= 1 || flops >= SPREAD_FLOPS);
    /* Each part begins on a cache line. */
    plan.shared_floats = (plan.shared_floats + 15) / 16 * 16;
    plan.worker_floats = (plan.worker_floats + 15) / 16 * 16;
    return plan;
}

size_t gemm_scratch(const struct gemm_plan *plan, int workers)
{
    size_t w = (size_t)workers;
    return sizeof(float) * (plan->spread ? plan->shared_floats + w * plan->worker_floats : w * (plan->shared_floats + plan->worker_floats));
}
