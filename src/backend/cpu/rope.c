/* rope.c: rotary position embedding, and its gradient, which is the turn backwards.
 *
 * Angles are made once per call, in double, for every position there is: position = index + extent(past). The tables are laid
 * out as the row kernels want them (with positions of their own: for every row of positions): one cos and sin per pair for halves; for interleaved pairs, per number, -sin before sin.
 * Price     3 FLOPs per rotary number: two products and a sum. */
#include "backend/cpu/rope.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "backend/cpu/rows.h"
#include "base/par.h"
#include "core/walk.h"
#include <math.h>
#include <string.h>

enum { ANCHORED = 32 };                                 /* positions whose angles follow from one */

struct work {
    const struct rope_kernels *k;
    struct rows rows;
    const float *x;
    float *y, *cos, *sin, *own;
    bool interleaved, backwards;
    int64_t rotary, width, positions, past;             /* width: numbers of a table per position */
    double theta;
    const struct layout *at;                            /* of positions given, or NULL */
    const int32_t *given;
};

bool rope_accepts(const struct problem *p)
{
    bool placed = p->n_in == 2 && p->in[1].dtype == RK_i32;
    return (p->n_in == 1 || placed) && p->n_out == 1 && !p->accumulate && p->in[0].dtype == RK_f32 && p->out[0].dtype == RK_f32;
}

bool rope_adjoint_accepts(const struct problem *p)
{
    return p->n_in == 3 && p->n_out == 1 && p->out_role[0] == 1 && !p->accumulate && p->in[2].dtype == RK_f32 && p->out[0].dtype == RK_f32;
}

static int64_t size_along(const struct problem *p, rk_dim dim) { return p->out[0].at.size[layout_axis(&p->out[0].at, dim)]; }

/* Rows of the tables: one for each position that is given, else one for each along the position's dimension. */
static int64_t table_rows(const struct problem *p, rk_dim position)
{
    return !problem_is_adjoint(p) && p->n_in == 2 ? layout_elements(&p->in[1].at) : size_along(p, position);
}

static int64_t rotary_of(const struct node *n) { return n->at.i[3] & INT32_MAX; }

/* Workspace: the tables; two rows per worker. */
static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    const struct node *n = problem_operation(p);
    int64_t head = size_along(p, (rk_dim)n->at.i[1]), positions = table_rows(p, (rk_dim)n->at.i[0]);
    memset(out, 0, sizeof *out);
    out->scratch = (size_t)(2 * positions * rows_padded(rotary_of(n)) + 2 * (int64_t)par_workers(ctx) * rows_padded(head)) * sizeof(float);
    if (head > 0) out->elementwise_flops = 3 * (uint64_t)(layout_elements(&p->out[0].at) / head * rotary_of(n));
    return RK_OK;
}

rk_status rope_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status rope_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

/* One number of the tables, where the style wants it. */
static void put(const struct work *w, int64_t t, int64_t pair, double c, double s)
{
    float *cosines = w->cos + t * w->width, *sines = w->sin + t * w->width, sine = (float)(w->backwards ? -s : s);
    if (w->interleaved) {
        cosines[2 * pair] = cosines[2 * pair + 1] = (float)c;
        sines[2 * pair] = -sine;
        sines[2 * pair + 1] = sine;
    } else {
        cosines[pair] = (float)c;
        sines[pair] = sine;
    }
}

/* Positions task * ANCHORED .. of the model: the first exactly, the others turned on from it in double, so that an angle is a
 * function of its position alone, wherever the call begins. */
static void make_angles(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    int64_t anchor = (w->past / ANCHORED + task) * ANCHORED;
    (void)worker;
    for (int64_t i = 0; i < w->rotary / 2; i++) {
        double frequency = exp((double)i * (-2 * log(w->theta) / (double)w->rotary)), c = cos((double)anchor * frequency), s = sin((double)anchor * frequency);
        double turn_c = cos(frequency), turn_s = sin(frequency);
        for (int64_t t = anchor - w->past; t < anchor - w->past + ANCHORED && t < w->positions; t++) {
            if (t >= 0) put(w, t, i, c, s);
            double next = c * turn_c - s * turn_s;
            s = c * turn_s + s * turn_c;
            c = next;
        }
    }
}

/* The same for positions that are given, a pair at a time: rows that follow one anchor share what it costs. */
static void make_given(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    double frequency = exp((double)task * (-2 * log(w->theta) / (double)w->rotary)), turn_c = cos(frequency), turn_s = sin(frequency), c0 = 1, s0 = 0;
    int64_t known = 0, row = 0;
    struct walk walk;
    (void)worker;
    for (walk_along(&walk, w->at); walk.valid; walk_next(&walk), row++) {
        int64_t at = w->given[walk.at[0]], anchor = (at - (at < 0 ? ANCHORED - 1 : 0)) / ANCHORED * ANCHORED;
        if (anchor != known) c0 = cos((double)anchor * frequency), s0 = sin((double)anchor * frequency), known = anchor;
        double c = c0, s = s0;
        for (int64_t t = anchor; t < at; t++) {
            double next = c * turn_c - s * turn_s;
            s = c * turn_s + s * turn_c;
            c = next;
        }
        put(w, row, task, c, s);
    }
}

/* A layout whose offset at a row of x is that row's place in the tables. */
static struct layout table_places(const struct problem *p, rk_dim position)
{
    struct layout where = p->out[0].at;
    bool given = !problem_is_adjoint(p) && p->n_in == 2;
    for (int i = 0; i < where.rank; i++) where.stride[i] = !given && where.dim[i] == position;
    where.offset = 0;
    if (!given) return where;
    const struct layout *at = &p->in[1].at;
    int64_t step = 1;
    for (int i = at->rank - 1; i >= 0; step *= at->size[i--]) where.stride[layout_axis(&where, at->dim[i])] = step;
    return where;
}

static void turn(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct rows *r = &w->rows;
    float *own = w->own + 2 * worker * rows_padded(r->n);
    rope_row_fn *row = w->interleaved ? w->k->interleaved : w->k->halves;
    for (int64_t i = task * r->per_task; i < rows_end(r, task); i++) {
        int64_t t = rows_at(r, 2, i);
        const float *x = rows_read(w->x + rows_at(r, 1, i), r->stride[1], r->n, own);
        float *to = w->y + rows_at(r, 0, i), *y = r->stride[0] == 1 ? to : own + rows_padded(r->n);
        row(y, x, w->cos + t * w->width, w->sin + t * w->width, w->rotary, r->n);
        rows_write(to, r->stride[0], r->n, y);
    }
}

rk_status rope_run(rk_ctx *ctx, const struct call *c, const struct rope_kernels *k)
{
    const struct problem *p = c->problem;
    const struct node *n = problem_operation(p);
    int from = problem_is_adjoint(p) ? 2 : 0;
    rk_dim position = (rk_dim)n->at.i[0], head = (rk_dim)n->at.i[1], past = (rk_dim)(n->at.i[3] >> 32);
    struct work w = { .k = k, .interleaved = n->at.i[2] == RK_ROPE_INTERLEAVED, .backwards = problem_is_adjoint(p), .rotary = rotary_of(n), .theta = n->at.f[0] };
    struct layout where = table_places(p, position);
    const struct layout *const layouts[] = { &p->out[0].at, &p->in[from].at, &where };
    rows_over(&w.rows, head, layouts, 3);
    w.positions = table_rows(p, position);
    w.past = past != 0 ? c->live->extent[past] : 0;
    w.width = rows_padded(w.rotary);
    w.cos = c->scratch;
    w.sin = w.cos + w.positions * w.width;
    w.own = w.sin + w.positions * w.width;
    w.x = (const float *)c->in[from] + p->in[from].at.offset;
    w.y = (float *)c->out[0] + p->out[0].at.offset;
    if (w.rows.count == 0) return RK_OK;
    if (!problem_is_adjoint(p) && p->n_in == 2) {
        w.at = &p->in[1].at;
        w.given = c->in[1];
        par_for(ctx, w.rotary / 2, make_given, &w);
    } else par_for(ctx, extent_parts(w.past % ANCHORED + w.positions, ANCHORED), make_angles, &w);
    par_for(ctx, w.rows.tasks, turn, &w);
    return RK_OK;
}
