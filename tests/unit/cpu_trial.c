/* cpu_trial.c: see cpu_trial.h. */
#include "cpu_trial.h"
#include "base/num.h"
#include "core/opdef.h"
#include "op/build.h"
#include "pass/pass.h"
#include <stdlib.h>

void *trial_room(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    if (p == NULL) abort();
    return p;
}

void trial_begin(struct trial *t, double tolerance)
{
    rk_options one = { .threads = 1 }, two = { .threads = 2 };
    *t = (struct trial){ .tolerance = tolerance };
    OK(NULL, rk_ctx_open(&one, &t->ctx));
    OK(NULL, rk_ctx_open(&two, &t->two));
    OK(t->ctx, rk_graph_open(t->ctx, &t->g));
}

void trial_end(struct trial *t)
{
    for (int i = 0; i < MOST_VALUES; i++) free(t->value[i]);
    free(t->extent);
    rk_graph_close(t->g);
    EXPECT(rk_ctx_bytes(t->ctx) == 0 && rk_ctx_bytes(t->two) == 0);
    rk_ctx_close(t->two);
    rk_ctx_close(t->ctx);
}

int64_t trial_count(const rk_graph *g, rk_ref r)
{
    int64_t n = 1;
    for (int i = 0; i < node_of(g, r)->rank; i++) n *= dim_size(g, node_of(g, r)->dim[i]);
    return n;
}

/* What a value of this dtype can hold. */
static double rounded(double x, rk_dtype dtype)
{
    uint64_t bits = 0;
    num_store(&bits, (int)dtype, &x, 1);
    num_load(&x, &bits, (int)dtype, 1);
    return x;
}

/* --- memory of operands --- */

struct memory { char *at; struct layout l; rk_dtype dtype; int64_t elements; };

static void shuffle(int n, int *order)
{
    for (int i = 0; i < n; i++) order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = (int)test_random((uint64_t)i + 1), keep = order[i];
        order[i] = order[k];
        order[k] = keep;
    }
}

/* Dense, or any order of the axes with gaps and an offset. */
static struct memory memory_like(const rk_graph *g, rk_ref r, bool strided)
{
    const struct node *n = node_of(g, r);
    struct memory m = { .l = layout_dense(g, n->rank, n->dim), .dtype = n->dtype };
    int order[RK_MAX_RANK];
    int64_t stride = 1;
    if (strided) {
        shuffle(n->rank, order);
        bool keeps_order = test_random(2) == 0;
        if (test_random(3) == 0) stride = 2;
        for (int i = n->rank - 1; i >= 0; i--) {
            int axis = keeps_order ? i : order[i];
            m.l.stride[axis] = stride;
            stride *= (m.l.size[axis] > 0 ? m.l.size[axis] : 1) + (int64_t)test_random(3);
        }
        m.l.offset = (int64_t)test_random(5);
    }
    m.elements = m.l.offset + 1;
    for (int i = 0; i < m.l.rank; i++) m.elements += m.l.size[i] > 0 ? (m.l.size[i] - 1) * m.l.stride[i] : 0;
    m.at = trial_room((size_t)m.elements, rk_dtype_bytes(m.dtype));
    return m;
}

static void memory_write(const struct memory *m, const double *x)
{
    size_t bytes = rk_dtype_bytes(m->dtype), i = 0;
    memset(m->at, 0xff, (size_t)m->elements * bytes);                   /* NaN, and -1, in the gaps */
    struct walk w;
    for (walk_along(&w, &m->l); w.valid; walk_next(&w)) num_store(m->at + (size_t)w.at[0] * bytes, (int)m->dtype, &x[i++], 1);
}

/* Elements in order; false if a gap was written. */
static bool memory_read(const struct memory *m, double *x)
{
    size_t bytes = rk_dtype_bytes(m->dtype), i = 0, n = (size_t)m->elements * bytes;
    char *copy = trial_room(n, 1);
    bool clean = true;
    memcpy(copy, m->at, n);
    struct walk w;
    for (walk_along(&w, &m->l); w.valid; walk_next(&w)) {
        char *at = copy + (size_t)w.at[0] * bytes;
        num_load(&x[i++], at, (int)m->dtype, 1);
        memset(at, 0xff, bytes);
    }
    for (size_t k = 0; k < n; k++) clean = clean && (unsigned char)copy[k] == 0xff;
    free(copy);
    return clean;
}

/* --- one problem --- */

static bool same_dims(const struct operand *a, const struct operand *b)
{
    bool same = a->at.rank == b->at.rank && a->dtype == b->dtype;
    for (int i = 0; i < a->at.rank && same; i++) same = a->at.dim[i] == b->at.dim[i];
    return same;
}

static void run_once(struct trial *t, rk_ctx *ctx, const struct kernel *k, const struct problem *p, struct memory *in, struct memory *out, int onto)
{
    void *from[MOST_PROBLEM_OPERANDS], *to[MOST_PROBLEM_RESULTS];
    struct prepared prepared;
    uint64_t issued = 0;
    rk_ctx *poor = test_fault_ctx(0);
    EXPECT(k->prepare(poor, p, &prepared) == RK_OK);
    EXPECT(!test_fault_close(poor));
    OK(ctx, k->prepare(ctx, p, &prepared));
    for (int i = 0; i < p->n_in; i++) from[i] = in[i].at;
    for (int i = 0; i < p->n_out; i++) to[i] = i == 0 && onto >= 0 ? in[onto].at : out[i].at;
    char *scratch = aligned_alloc(64, (prepared.scratch + 127) / 64 * 64);
    memset(scratch, 0xff, prepared.scratch);
    const struct call call = { p, &prepared, from, to, scratch, &t->live, &issued };
    size_t before = rk_ctx_bytes(ctx);
    OK(ctx, k->run(ctx, &call));
    EXPECT(rk_ctx_bytes(ctx) == before);
    free(scratch);
}

static double largest(const double *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i]) && fabs(x[i]) > m) m = fabs(x[i]);
    return m;
}

static void compare(const struct trial *t, const struct kernel *k, const struct problem *p, int which, const double *got, const double *expected, const double *old)
{
    int64_t n = trial_count(t->g, p->out[which].ref);
    double eps = p->out[which].dtype == RK_bf16 ? 0.01 : p->out[which].dtype == RK_f16 ? 1e-3 : t->tolerance, scale = fmax(largest(expected, n), t->least);
    for (int64_t i = 0; i < n; i++) {
        double x = expected[i] + (p->accumulate ? old[i] : 0);
        if (got[i] == x || (isnan(got[i]) && isnan(x)) || fabs(got[i] - x) <= eps * (fabs(x) + scale)) continue;
        test_fail(__FILE__, __LINE__, "%s: result %d, element %lld of %lld is %.9g, expected %.9g (scale %g)", k->name, which, (long long)i, (long long)n, got[i], x, scale);
        return;
    }
}

void trial_arrangement(struct trial *t, const struct kernel *k, struct problem p, struct arrangement a)
{
    struct memory in[MOST_PROBLEM_OPERANDS], out[MOST_PROBLEM_RESULTS];
    double *got[2][MOST_PROBLEM_RESULTS], *old[MOST_PROBLEM_RESULTS];
    struct problem_room room;                   /* the same operands, in this arrangement's layouts */
    memcpy(room.in, p.in, (size_t)p.n_in * sizeof *p.in);
    memcpy(room.out, p.out, (size_t)p.n_out * sizeof *p.out);
    p.in = room.in;
    p.out = room.out;
    for (int i = 0; i < p.n_in; i++) {
        in[i] = memory_like(t->g, p.in[i].ref, a.strided);
        p.in[i].at = in[i].l;
    }
    for (int i = 0; i < p.n_out; i++) {
        out[i] = memory_like(t->g, p.out[i].ref, a.strided);
        p.out[i].at = i == 0 && a.onto >= 0 ? in[a.onto].l : out[i].l;
        int64_t n = trial_count(t->g, p.out[i].ref);
        old[i] = trial_room((size_t)n, sizeof(double));
        for (int64_t j = 0; j < n; j++) old[i][j] = rounded(test_normal(), RK_f32);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < p.n_in; i++) memory_write(&in[i], t->value[p.in[i].ref]);
        for (int i = 0; i < p.n_out; i++) memory_write(&out[i], old[i]);
        run_once(t, round == 0 ? t->ctx : t->two, k, &p, in, out, a.onto);
        for (int i = 0; i < p.n_out; i++) {
            const struct memory *m = i == 0 && a.onto >= 0 ? &in[a.onto] : &out[i];
            got[round][i] = trial_room((size_t)trial_count(t->g, p.out[i].ref), sizeof(double));
            if (!memory_read(m, got[round][i])) test_fail(__FILE__, __LINE__, "%s wrote between the elements of result %d", k->name, i);
        }
    }
    for (int i = 0; i < p.n_out; i++) {
        compare(t, k, &p, i, got[0][i], t->value[p.out[i].ref], old[i]);
        if (memcmp(got[0][i], got[1][i], (size_t)trial_count(t->g, p.out[i].ref) * sizeof(double)) != 0) test_fail(__FILE__, __LINE__, "%s: two threads give other bits", k->name);
        free(got[0][i]);
        free(got[1][i]);
        free(old[i]);
        free(out[i].at);
    }
    for (int i = 0; i < p.n_in; i++) free(in[i].at);
}

void trial_run(struct trial *t, const struct problem *p, bool in_place)
{
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++) {            /* who shares the work shares it alike on all */
        if (!isa_runs((enum isa)isa)) continue;
        const struct backend *b = backend_cpu_isa((enum isa)isa), *who;
        struct problem here = *p;
        here.machine = b->machine;
        const struct kernel *k = backend_find(b, &here, &who);
        if (k == NULL || who != b || strstr(k->name, isa_rows[isa].name) == NULL) {
            test_fail(__FILE__, __LINE__, "%s %s goes to %s", p->op->name, p->node->text, k == NULL ? "nobody" : k->name);
            continue;
        }
        for (int i = 0; i < 2; i++) trial_arrangement(t, k, here, (struct arrangement){ i > 0, -1 });
        for (int i = 0; i < p->n_in && in_place; i++)
            if (same_dims(&p->in[i], &p->out[0])) trial_arrangement(t, k, here, (struct arrangement){ test_random(2) == 0, i });
    }
}

/* --- values --- */

void trial_take(struct trial *t, const struct values *v, const rk_ref *map)
{
    REQUIRE(t->g->nodes.n <= MOST_VALUES);
    for (rk_ref r = 1; r < t->g->nodes.n; r++) {
        rk_ref from = map == NULL ? r : map[r];
        free(t->value[r]);
        t->value[r] = NULL;
        if (from == 0 || (node_of(v->g, from)->op->flags & OP_SINK) != 0) continue;
        t->value[r] = trial_room((size_t)trial_count(t->g, r), sizeof(double));
        (void)values_read(v, from, t->value[r]);
    }
    free(t->extent);
    t->extent = trial_room((size_t)v->g->dims.n, sizeof *t->extent);
    for (rk_dim d = 1; d < t->g->dims.n; d++) t->extent[d] = dim_size(t->g, d);
    t->live = (struct live){ t->extent, v->seed, v->step };
}

static void fill(const struct values *v, rk_ref r, int64_t below)
{
    const struct node *n = node_of(v->g, r);
    for (int64_t i = 0; i < values_count(v, r); i++) {
        double x = test_normal();
        if (n->dtype > RK_f8e5m2) x = test_random(10) == 0 ? -1 : (double)test_random((uint64_t)below + 1);
        values_own(v, r)[i] = rounded(x, n->dtype);
    }
}

void trial_fill(const struct values *v, int64_t below)
{
    for (rk_ref r = 1; r < v->n; r++)
        if (node_of(v->g, r)->op == &op_input || node_of(v->g, r)->op == &op_state) fill(v, r, below);
}

void trial_evaluate(struct trial *t, int64_t below)
{
    struct values v;
    rk_graph *plain;
    rk_ref map[MOST_VALUES];
    OK(t->ctx, pass_expand(t->ctx, t->g, NULL, NULL, &plain, map));
    values_open(&v, t->ctx, plain);
    trial_fill(&v, below);
    evaluate(&v, false);
    trial_take(t, &v, map);
    values_close(&v);
    rk_graph_close(plain);
}

struct problem trial_problem(struct trial *t, rk_ref y)
{
    const struct node *n = node_of(t->g, y);
    struct problem p = { .g = t->g, .op = n->op, .node = n, .first = y, .n_nodes = 1, .nodes = NULL, .n_in = n->arity, .n_out = 1, .in = t->room.in, .out = t->room.out };
    for (int i = 0; i < n->arity; i++) p.in[i] = (struct operand){ .ref = n->in[i], .dtype = node_of(t->g, n->in[i])->dtype, .at = layout_dense(t->g, node_of(t->g, n->in[i])->rank, node_of(t->g, n->in[i])->dim) };
    p.out[0] = (struct operand){ .ref = y, .dtype = n->dtype, .at = layout_dense(t->g, n->rank, n->dim) };
    return p;
}

int64_t trial_size(int64_t large)
{
    switch (test_random(12)) {
    case 0: return 0;
    case 1: return 1;
    case 2: case 3: return 1 + (int64_t)test_random((uint64_t)large);
    default: return 1 + (int64_t)test_random(20);
    }
}

/* --- one node --- */

void trial_node(struct trial *t, rk_ref y, int64_t below, bool in_place, bool accumulate)
{
    if (!rk_graph_ok(t->g)) test_fail(__FILE__, __LINE__, "%s", t->g->message);
    REQUIRE(y != 0);
    trial_evaluate(t, below);
    struct problem p = trial_problem(t, y);
    trial_run(t, &p, in_place);
    p.accumulate = true;
    if (accumulate) trial_run(t, &p, false);
}

static struct operand operand_of_ref(const rk_graph *g, rk_ref r)
{
    const struct node *n = node_of(g, r);
    return (struct operand){ .ref = r, .dtype = n->dtype, .at = layout_dense(g, n->rank, n->dim) };
}

/* A value like operand i of y, which stands for its gradient and has that gradient's numbers. */
static rk_ref gradient_ref(struct trial *t, rk_ref y, int i, const struct values *v, rk_ref gradient)
{
    const struct node *x = node_of(t->g, node_of(t->g, y)->in[i]);
    struct dims_text like = dims_text(t->g, x->rank, x->dim);
    const char name[] = { 'd', (char)('0' + i), 0 };
    rk_ref r = rk_input(t->g, name, x->dtype, like.at);
    REQUIRE(r != 0 && gradient != 0 && r < MOST_VALUES);
    t->value[r] = trial_room((size_t)trial_count(t->g, r), sizeof(double));
    (void)values_read(v, gradient, t->value[r]);
    return r;
}

/* Any subset of the gradients may be asked. */
static void try_subsets(struct trial *t, struct problem *p, int arity, const rk_ref *gradients)
{
    unsigned all = (1u << arity) - 1;
    for (unsigned set = 1; set <= all; set++) {
        if (set != all && test_random(2) == 0) continue;
        p->n_out = 0;
        for (int i = 0; i < arity; i++) {
            if ((set >> i & 1) == 0) continue;
            p->out_role[p->n_out] = 1 + i;
            p->out[p->n_out++] = operand_of_ref(t->g, gradients[i]);
        }
        trial_run(t, p, (set & 1) != 0);
    }
}

void trial_adjoint(struct trial *t, rk_ref y)
{
    struct dims_text dims = dims_text(t->g, node_of(t->g, y)->rank, node_of(t->g, y)->dim);
    rk_ref dy = rk_input(t->g, "dy", RK_f32, dims.at), map[MOST_VALUES], by[MOST_OPERANDS], gradient[MOST_OPERANDS], fresh[MOST_OPERANDS];
    int arity = node_of(t->g, y)->arity;
    rk_graph *plain;
    struct values v;
    OK(t->ctx, pass_expand(t->ctx, t->g, NULL, NULL, &plain, map));
    rk_ref loss = rk_reduce(plain, "sum", rk_mul(plain, map[y], map[dy]), dims.at);
    for (int i = 0; i < arity; i++) by[i] = map[node_of(t->g, y)->in[i]];
    rk_grad(plain, loss, 0, by, arity, gradient);
    if (!rk_graph_ok(plain)) test_fail(__FILE__, __LINE__, "%s", plain->message);
    values_open(&v, t->ctx, plain);
    trial_fill(&v, 1);
    evaluate(&v, false);
    trial_take(t, &v, map);
    for (int i = 0; i < arity; i++) fresh[i] = gradient_ref(t, y, i, &v, gradient[i]);
    const struct node adjoint = { .op = &op_adjoint, .text = node_of(t->g, y)->op->name, .at.i = { 0, y } };
    struct problem p = { .g = t->g, .op = &op_adjoint, .node = &adjoint, .first = y, .n_in = arity + 2, .in = t->room.in, .out = t->room.out };
    for (int i = 0; i < p.n_in; i++) p.in[i] = operand_of_ref(t->g, i < arity ? operand_of(t->g, y, i) : i == arity ? y : dy);
    try_subsets(t, &p, arity, fresh);
    values_close(&v);
    rk_graph_close(plain);
}
