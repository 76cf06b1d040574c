/* Every kernel of the processor's back end, on every instruction set that runs here, against the references in f64:
 * random shapes (0, 1, tails, more than one tile), random strides and gaps on both sides, results on top of operands, sums
 * into what is there, 1 thread against 2 bit by bit, nothing written between the elements, nothing allocated.
 * labels: threads */
#include "backend/cpu/cpu.h"
#include "base/num.h"
#include "core/opdef.h"
#include "evaluate.h"
#include "op/build.h"
#include "pass/pass.h"
#include "test.h"
#include <stdlib.h>

enum { MOST_VALUES = 64 };

/* A graph, and what its values are: numbers in the order of each value's dims. */
struct trial {
    rk_ctx *ctx, *two;                          /* one thread, two threads */
    rk_graph *g;
    double *value[MOST_VALUES];                 /* by ref */
    double tolerance;
    int64_t *extent;
    struct live live;
};

static void *want(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    if (p == NULL) abort();
    return p;
}

static void trial_begin(struct trial *t, double tolerance)
{
    rk_options one = { .threads = 1 }, two = { .threads = 2 };
    *t = (struct trial){ .tolerance = tolerance };
    OK(NULL, rk_ctx_open(&one, &t->ctx));
    OK(NULL, rk_ctx_open(&two, &t->two));
    OK(t->ctx, rk_graph_open(t->ctx, &t->g));
}

static void trial_end(struct trial *t)
{
    for (int i = 0; i < MOST_VALUES; i++) free(t->value[i]);
    free(t->extent);
    rk_graph_close(t->g);
    EXPECT(rk_ctx_bytes(t->ctx) == 0 && rk_ctx_bytes(t->two) == 0);
    rk_ctx_close(t->two);
    rk_ctx_close(t->ctx);
}

static int64_t count_of(const rk_graph *g, rk_ref r)
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
    m.at = want((size_t)m.elements, rk_dtype_bytes(m.dtype));
    return m;
}

static void memory_write(const struct memory *m, const double *x)
{
    size_t bytes = rk_dtype_bytes(m->dtype), i = 0;
    memset(m->at, 0xff, (size_t)m->elements * bytes);                   /* NaN, and -1, in the gaps */
    struct walk w;
    for (walk_begin(&w, &m->l); w.valid; walk_next(&w)) num_store(m->at + (size_t)walk_at(&w, &m->l) * bytes, (int)m->dtype, &x[i++], 1);
}

/* Elements in order; false if a gap was written. */
static bool memory_read(const struct memory *m, double *x)
{
    size_t bytes = rk_dtype_bytes(m->dtype), i = 0, n = (size_t)m->elements * bytes;
    char *copy = want(n, 1);
    bool clean = true;
    memcpy(copy, m->at, n);
    struct walk w;
    for (walk_begin(&w, &m->l); w.valid; walk_next(&w)) {
        char *at = copy + (size_t)walk_at(&w, &m->l) * bytes;
        num_load(&x[i++], at, (int)m->dtype, 1);
        memset(at, 0xff, bytes);
    }
    for (size_t k = 0; k < n; k++) clean = clean && (unsigned char)copy[k] == 0xff;
    free(copy);
    return clean;
}

/* --- one problem --- */

struct arrangement { bool strided; int onto; };         /* onto: result 0 lies on this operand; -1: apart */

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
    int64_t n = count_of(t->g, p->out[which].ref);
    double eps = p->out[which].dtype == RK_bf16 ? 0.01 : p->out[which].dtype == RK_f16 ? 1e-3 : t->tolerance, scale = largest(expected, n);
    for (int64_t i = 0; i < n; i++) {
        double x = expected[i] + (p->accumulate ? old[i] : 0);
        if (got[i] == x || (isnan(got[i]) && isnan(x)) || fabs(got[i] - x) <= eps * (fabs(x) + scale)) continue;
        test_fail(__FILE__, __LINE__, "%s: result %d, element %lld of %lld is %.9g, expected %.9g (scale %g)", k->name, which, (long long)i, (long long)n, got[i], x, scale);
        return;
    }
}

static void try_arrangement(struct trial *t, const struct kernel *k, struct problem p, struct arrangement a)
{
    struct memory in[MOST_PROBLEM_OPERANDS], out[MOST_PROBLEM_RESULTS];
    double *got[2][MOST_PROBLEM_RESULTS], *old[MOST_PROBLEM_RESULTS];
    for (int i = 0; i < p.n_in; i++) {
        in[i] = memory_like(t->g, p.in[i].ref, a.strided);
        p.in[i].at = in[i].l;
    }
    for (int i = 0; i < p.n_out; i++) {
        out[i] = memory_like(t->g, p.out[i].ref, a.strided);
        p.out[i].at = i == 0 && a.onto >= 0 ? in[a.onto].l : out[i].l;
        int64_t n = count_of(t->g, p.out[i].ref);
        old[i] = want((size_t)n, sizeof(double));
        for (int64_t j = 0; j < n; j++) old[i][j] = rounded(test_normal(), RK_f32);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < p.n_in; i++) memory_write(&in[i], t->value[p.in[i].ref]);
        for (int i = 0; i < p.n_out; i++) memory_write(&out[i], old[i]);
        run_once(t, round == 0 ? t->ctx : t->two, k, &p, in, out, a.onto);
        for (int i = 0; i < p.n_out; i++) {
            const struct memory *m = i == 0 && a.onto >= 0 ? &in[a.onto] : &out[i];
            got[round][i] = want((size_t)count_of(t->g, p.out[i].ref), sizeof(double));
            if (!memory_read(m, got[round][i])) test_fail(__FILE__, __LINE__, "%s wrote between the elements of result %d", k->name, i);
        }
    }
    for (int i = 0; i < p.n_out; i++) {
        compare(t, k, &p, i, got[0][i], t->value[p.out[i].ref], old[i]);
        if (memcmp(got[0][i], got[1][i], (size_t)count_of(t->g, p.out[i].ref) * sizeof(double)) != 0) test_fail(__FILE__, __LINE__, "%s: two threads give other bits", k->name);
        free(got[0][i]);
        free(got[1][i]);
        free(old[i]);
        free(out[i].at);
    }
    for (int i = 0; i < p.n_in; i++) free(in[i].at);
}

/* The problem on every instruction set, dense and strided, and where it makes sense in place. */
static void try_problem(struct trial *t, const struct problem *p, bool in_place)
{
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_runs((enum isa)isa)) continue;
        const struct backend *b = backend_cpu_isa((enum isa)isa), *who;
        const struct kernel *k = backend_find(b, p, &who);
        if (k == NULL || who != b || strstr(k->name, isa_rows[isa].name) == NULL) {
            test_fail(__FILE__, __LINE__, "%s %s goes to %s", p->op->name, p->node->text, k == NULL ? "nobody" : k->name);
            continue;
        }
        for (int i = 0; i < 3; i++) try_arrangement(t, k, *p, (struct arrangement){ i > 0, -1 });
        for (int i = 0; i < p->n_in && in_place; i++)
            if (same_dims(&p->in[i], &p->out[0])) try_arrangement(t, k, *p, (struct arrangement){ test_random(2) == 0, i });
    }
}

/* --- values --- */

static void take_values(struct trial *t, const struct values *v, const rk_ref *map)
{
    REQUIRE(t->g->nodes.n <= MOST_VALUES);
    for (rk_ref r = 1; r < t->g->nodes.n; r++) {
        rk_ref from = map == NULL ? r : map[r];
        free(t->value[r]);
        t->value[r] = NULL;
        if (from == 0 || (node_of(v->g, from)->op->flags & OP_SINK) != 0) continue;
        t->value[r] = want((size_t)count_of(t->g, r), sizeof(double));
        (void)values_read(v, from, t->value[r]);
    }
    t->extent = want((size_t)v->g->dims.n, sizeof *t->extent);
    for (rk_dim d = 1; d < t->g->dims.n; d++) t->extent[d] = dim_size(t->g, d);
    t->live = (struct live){ t->extent, v->seed, v->step };
}

/* Normal numbers; ids (integers) below `below`, now and then outside. */
static void fill(const struct values *v, rk_ref r, int64_t below)
{
    const struct node *n = node_of(v->g, r);
    for (int64_t i = 0; i < values_count(v, r); i++) {
        double x = test_normal();
        if (n->dtype > RK_f8e5m2) x = test_random(10) == 0 ? -1 : (double)test_random((uint64_t)below + 1);
        values_own(v, r)[i] = rounded(x, n->dtype);
    }
}

static void fill_sources(const struct values *v, int64_t below)
{
    for (rk_ref r = 1; r < v->n; r++)
        if (node_of(v->g, r)->op == &op_input || node_of(v->g, r)->op == &op_state) fill(v, r, below);
}

/* Evaluates the graph, written out where it is fused. */
static void evaluate_trial(struct trial *t, int64_t below)
{
    struct values v;
    rk_graph *plain;
    rk_ref map[MOST_VALUES];
    OK(t->ctx, pass_expand(t->ctx, t->g, NULL, NULL, &plain, map));
    values_open(&v, t->ctx, plain);
    fill_sources(&v, below);
    evaluate(&v, false);
    take_values(t, &v, map);
    values_close(&v);
    rk_graph_close(plain);
}

/* The problem of one node as lower would state it, layouts aside. */
static struct problem problem_of(const struct trial *t, rk_ref y)
{
    const struct node *n = node_of(t->g, y);
    struct problem p = { .g = t->g, .op = n->op, .node = n, .first = y, .n_nodes = 1, .nodes = NULL, .n_in = n->arity, .n_out = 1 };
    for (int i = 0; i < n->arity; i++) p.in[i] = (struct operand){ .ref = n->in[i], .dtype = node_of(t->g, n->in[i])->dtype, .at = layout_dense(t->g, node_of(t->g, n->in[i])->rank, node_of(t->g, n->in[i])->dim) };
    p.out[0] = (struct operand){ .ref = y, .dtype = n->dtype, .at = layout_dense(t->g, n->rank, n->dim) };
    return p;
}

/* A size: mostly small, now and then 0, 1, or more than a tile. */
static int64_t draw_size(int64_t large)
{
    switch (test_random(12)) {
    case 0: return 0;
    case 1: return 1;
    case 2: case 3: return 1 + (int64_t)test_random((uint64_t)large);
    default: return 1 + (int64_t)test_random(20);
    }
}

/* --- one node --- */

enum { ROUNDS = 30 };

static void try_node(struct trial *t, rk_ref y, int64_t below, bool in_place, bool accumulate)
{
    if (!rk_graph_ok(t->g)) test_fail(__FILE__, __LINE__, "%s", t->g->message);
    REQUIRE(y != 0);
    evaluate_trial(t, below);
    struct problem p = problem_of(t, y);
    try_problem(t, &p, in_place);
    p.accumulate = true;
    if (accumulate) try_problem(t, &p, false);
}

TEST(reduce)
{
    static const char *const over[] = { "a", "b", "c", "a b", "b c", "a c", "a b c" };
    for (int i = 0; i < 3 * ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 2e-6);
        (void)rk_dim_new(t.g, "a", 0, draw_size(300)), (void)rk_dim_new(t.g, "b", 0, draw_size(40)), (void)rk_dim_new(t.g, "c", 0, draw_size(800));
        rk_ref x = rk_input(t.g, "x", RK_f32, "a b c");
        try_node(&t, rk_reduce(t.g, i % 2 == 0 ? "sum" : "max", x, over[test_random(7)]), 1, false, i % 2 == 0);
        trial_end(&t);
    }
}

TEST(reduce_in_parts)
{
    static const int64_t sizes[][2] = { { 1, 70000 }, { 70000, 1 }, { 3, 20000 }, { 20000, 3 }, { 500, 513 } };
    for (int i = 0; i < 10; i++) {
        struct trial t;
        trial_begin(&t, 2e-6);
        (void)rk_dim_new(t.g, "a", 0, sizes[i / 2][0]), (void)rk_dim_new(t.g, "b", 0, sizes[i / 2][1]);
        try_node(&t, rk_reduce(t.g, "sum", rk_input(t.g, "x", RK_f32, "a b"), i % 2 == 0 ? "a" : "b"), 1, false, true);
        trial_end(&t);
    }
}

static rk_ref gathered(struct trial *t, int form)
{
    rk_ref wide = rk_input(t->g, "x", RK_f32, form == 0 ? "v c" : form == 1 ? "a b v" : "c v b");
    rk_ref ids = rk_input(t->g, "ids", form == 2 ? RK_i64 : RK_i32, form == 2 ? "b a" : "a b");
    return rk_gather(t->g, wide, "v", ids);
}

static rk_ref scattered(struct trial *t, int form)
{
    rk_ref y = rk_input(t->g, "y", RK_f32, form == 0 ? "a b c" : form == 1 ? "a b" : "b a c");
    rk_ref ids = rk_input(t->g, "ids", form == 2 ? RK_u16 : RK_i32, "a b");
    return rk_scatter(t->g, y, "v", ids, form == 0 ? "v c" : form == 1 ? "a b v" : "b c v");
}

TEST(gather_and_scatter)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        int64_t v = 1 + draw_size(100);
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "a", 0, draw_size(60)), (void)rk_dim_new(t.g, "b", 0, draw_size(20));
        (void)rk_dim_new(t.g, "c", 0, draw_size(700)), (void)rk_dim_new(t.g, "v", 0, v);
        if (i % 2 == 0) try_node(&t, gathered(&t, (int)test_random(3)), v, false, false);
        else try_node(&t, scattered(&t, (int)test_random(3)), v, false, true);
        trial_end(&t);
    }
}

TEST(copy_and_cast)
{
    static const rk_dtype dtypes[] = { RK_f32, RK_f32, RK_f16, RK_bf16, RK_f64, RK_i32, RK_u8, RK_f8e4m3 };
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 0);
        (void)rk_dim_new(t.g, "a", 0, draw_size(150)), (void)rk_dim_new(t.g, "b", 0, draw_size(9)), (void)rk_dim_new(t.g, "c", 0, draw_size(300));
        rk_ref x = rk_input(t.g, "x", dtypes[test_random(8)], "a b c");
        rk_dtype to = dtypes[test_random(6)];
        bool cast = i % 2 == 0 && node_of(t.g, x)->dtype != to;
        try_node(&t, cast ? rk_cast(t.g, x, to) : rk_copy(t.g, x), 200, !cast, false);
        trial_end(&t);
    }
}

TEST(place)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        int64_t n = 1 + draw_size(80), part = (int64_t)test_random((uint64_t)n + 1);
        bool one = test_random(3) == 0;
        trial_begin(&t, 0);
        (void)rk_dim_new(t.g, "a", 0, draw_size(30)), (void)rk_dim_new(t.g, "d", 0, n), (void)rk_dim_new(t.g, "p", 0, part), (void)rk_dim_new(t.g, "c", 0, draw_size(90));
        rk_ref x = rk_input(t.g, "x", RK_f32, one ? "a c" : test_random(2) == 0 ? "a p c" : "p c a");
        int64_t start = (int64_t)test_random((uint64_t)(n - (one ? 1 : part)) + 1);
        try_node(&t, rk_place(t.g, x, one ? NULL : "p", "d", start, "a d c"), 1, false, false);
        trial_end(&t);
    }
}

TEST(append)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        struct values v;
        int64_t room = 2 + (int64_t)test_random(30), fresh = 1 + (int64_t)test_random(2);
        trial_begin(&t, 0);
        (void)rk_dim_new(t.g, "a", 0, draw_size(10)), (void)rk_dim_new(t.g, "s", 0, room), (void)rk_dim_new(t.g, "n", 0, fresh);
        (void)rk_dim_live(t.g, "past", 0, room), (void)rk_dim_new(t.g, "c", 0, draw_size(90));
        rk_ref state = rk_state(t.g, RK_CACHE, "s", RK_f32, "a s c"), x = rk_input(t.g, "x", RK_f32, "a n c");
        rk_ref y = rk_append(t.g, state, x, "s", "past");
        REQUIRE(y != 0);
        values_open(&v, t.ctx, t.g);
        rk_dim past = graph_dim(t.g, "past", 4);
        v.extent[past] = (int64_t)test_random((uint64_t)(room - fresh) + 1);
        fill_sources(&v, 1);
        take_values(&t, &v, NULL);
        evaluate(&v, false);
        t.extent[past] = v.extent[past];
        t.value[y] = want((size_t)values_count(&v, state), sizeof(double));
        (void)values_read(&v, state, t.value[y]);
        struct problem p = problem_of(&t, y);
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            if (!isa_runs((enum isa)isa)) continue;
            const struct kernel *k = backend_find(backend_cpu_isa((enum isa)isa), &p, NULL);
            for (int a = 0; a < 2; a++) try_arrangement(&t, k, p, (struct arrangement){ a == 1, 0 });
        }
        values_close(&v);
        trial_end(&t);
    }
}

TEST(append_beyond_the_end_is_refused)
{
    struct trial t;
    float state[6] = { 0 }, x[2] = { 1, 2 };
    void *in[] = { state, x }, *out[] = { state };
    struct prepared prepared;
    trial_begin(&t, 0);
    (void)rk_dim_new(t.g, "s", 0, 5), (void)rk_dim_new(t.g, "n", 0, 2), (void)rk_dim_live(t.g, "past", 0, 5);
    rk_ref y = rk_append(t.g, rk_state(t.g, RK_CACHE, "s", RK_f32, "s"), rk_input(t.g, "x", RK_f32, "n"), "s", "past");
    struct problem p = problem_of(&t, y);
    const struct kernel *k = backend_find(backend_cpu(), &p, NULL);
    OK(t.ctx, k->prepare(t.ctx, &p, &prepared));
    const int64_t extent[] = { 0, 5, 2, 4 };
    struct live live = { extent, 0, 0 };
    const struct call c = { &p, &prepared, in, out, NULL, &live, NULL };
    FAILS(t.ctx, k->run(t.ctx, &c), RK_E_LIMIT, "do not fit");
    EXPECT(state[4] == 0 && state[5] == 0);
    trial_end(&t);
}

/* --- fused operations and their gradients --- */

/* The gradients of every floating operand of y against those of its expansion, for one dy. */
static void try_adjoint(struct trial *t, rk_ref y)
{
    const struct node *n = node_of(t->g, y);
    struct dims_text dims = dims_text(t->g, n->rank, n->dim);
    rk_ref dy = rk_input(t->g, "dy", n->dtype, dims.at), map[MOST_VALUES], by[MOST_OPERANDS], gradient[MOST_OPERANDS];
    rk_graph *plain;
    struct values v;
    n = node_of(t->g, y);
    OK(t->ctx, pass_expand(t->ctx, t->g, NULL, NULL, &plain, map));
    rk_ref loss = rk_mul(plain, map[y], map[dy]);
    if (n->rank > 0) loss = rk_reduce(plain, "sum", loss, dims.at);
    for (int i = 0; i < n->arity; i++) by[i] = map[n->in[i]];
    rk_grad(plain, loss, 0, by, n->arity, gradient);
    if (!rk_graph_ok(plain)) test_fail(__FILE__, __LINE__, "%s", plain->message);
    values_open(&v, t->ctx, plain);
    fill_sources(&v, 1);
    evaluate(&v, false);
    take_values(t, &v, map);
    struct node adjoint = { .op = &op_adjoint, .text = n->op->name, .at.i = { 0, y } };
    struct problem p = { .g = t->g, .op = &op_adjoint, .node = &adjoint, .first = y, .n_in = n->arity + 2 };
    for (int i = 0; i < n->arity + 2; i++) p.in[i].ref = i < n->arity ? n->in[i] : i == n->arity ? y : dy;
    for (int i = 0; i < p.n_in; i++) p.in[i].dtype = node_of(t->g, p.in[i].ref)->dtype;
    for (int i = 0; i < p.n_in; i++) p.in[i].at = layout_dense(t->g, node_of(t->g, p.in[i].ref)->rank, node_of(t->g, p.in[i].ref)->dim);
    /* results are the operands' gradients: their values stand where the operands' values stood, under other refs */
    rk_ref fresh[MOST_OPERANDS];
    for (int i = 0; i < n->arity; i++) {
        const struct node *x = node_of(t->g, n->in[i]);
        struct dims_text like = dims_text(t->g, x->rank, x->dim);
        char name[8] = { 'd', (char)('0' + i) };
        fresh[i] = rk_input(t->g, name, x->dtype, like.at);
        n = node_of(t->g, y);
        t->value[fresh[i]] = want((size_t)count_of(t->g, fresh[i]), sizeof(double));
        REQUIRE(gradient[i] != 0);
        (void)values_read(&v, gradient[i], t->value[fresh[i]]);
    }
    unsigned all = (1u << n->arity) - 1;
    for (unsigned set = 1; set <= all; set++) {                         /* any subset may be asked */
        if (set != all && test_random(2) == 0) continue;
        p.n_out = 0;
        for (int i = 0; i < n->arity; i++) {
            if ((set >> i & 1) == 0) continue;
            p.out_role[p.n_out] = 1 + i;
            p.out[p.n_out].ref = fresh[i];
            p.out[p.n_out].dtype = node_of(t->g, fresh[i])->dtype;
            p.out[p.n_out++].at = layout_dense(t->g, node_of(t->g, fresh[i])->rank, node_of(t->g, fresh[i])->dim);
        }
        try_problem(t, &p, (set & 1) != 0);
    }
    values_close(&v);
    rk_graph_close(plain);
}

static void three_dims(struct trial *t)
{
    (void)rk_dim_new(t->g, "a", 0, draw_size(40)), (void)rk_dim_new(t->g, "b", 0, draw_size(9)), (void)rk_dim_new(t->g, "c", 0, draw_size(1500));
}

TEST(softmax)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 1e-6);
        three_dims(&t);
        rk_ref y = rk_softmax(t.g, rk_input(t.g, "x", RK_f32, "a b c"), test_random(4) == 0 ? "b" : "c");
        try_node(&t, y, 1, true, false);
        try_adjoint(&t, y);
        trial_end(&t);
    }
}

TEST(norm)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 3e-6);
        three_dims(&t);
        const char *dim = test_random(4) == 0 ? "b" : "c";
        rk_ref x = rk_input(t.g, "x", RK_f32, "a b c"), w = test_random(3) == 0 ? 0 : rk_input(t.g, "w", RK_f32, dim);
        rk_ref bias = test_random(3) == 0 ? 0 : rk_input(t.g, "bias", RK_f32, dim);
        rk_ref y = i % 2 == 0 ? rk_layer_norm(t.g, x, dim, w, bias, 1e-2) : rk_rms_norm(t.g, x, dim, w, 1e-3);
        try_node(&t, y, 1, true, false);
        try_adjoint(&t, y);
        trial_end(&t);
    }
}

TEST(rope)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        int64_t half = 1 + (int64_t)test_random(40), rest = test_random(2) == 0 ? 0 : (int64_t)test_random(30);
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "b", 0, draw_size(5)), (void)rk_dim_new(t.g, "t", 0, draw_size(12)), (void)rk_dim_new(t.g, "h", 0, draw_size(3));
        (void)rk_dim_live(t.g, "past", 0, 100), (void)rk_dim_new(t.g, "k", 0, 2 * half + rest);
        rk_ref x = rk_input(t.g, "x", RK_f32, test_random(2) == 0 ? "b t h k" : "b h t k");
        rk_ref y = rk_rope(t.g, x, "t", test_random(2) == 0 ? "past" : NULL, "k", test_random(2) == 0 ? RK_ROPE_INTERLEAVED : RK_ROPE_HALVES, 2 * half, 10000);
        try_node(&t, y, 1, true, false);
        try_adjoint(&t, y);
        trial_end(&t);
    }
}

/* --- elementwise programs --- */

/* Lowers the graph and tries every program in it. */
static void try_programs(struct trial *t)
{
    struct plan *plan;
    int programs = 0;
    if (!rk_graph_ok(t->g)) test_fail(__FILE__, __LINE__, "%s", t->g->message);
    evaluate_trial(t, 7);
    OK(t->ctx, rk_graph_seal(t->g));
    OK(t->ctx, pass_lower(t->ctx, t->g, backend_cpu(), &plan));
    for (int i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].problem.program == NULL) continue;
        programs++;
        try_problem(t, &plan->steps[i].problem, true);
    }
    EXPECT(programs > 0);
    plan_free(plan);
}

TEST(every_function_of_the_table)
{
    for (int fn = 0; fn < MAP_COUNT; fn++) {
        struct trial t;
        trial_begin(&t, 2e-6);
        (void)rk_dim_new(t.g, "a", 0, 3), (void)rk_dim_new(t.g, "c", 0, 700);
        rk_ref in[3];
        for (int i = 0; i < 3; i++) {
            const char name[] = { 'x', (char)('0' + i), 0 };
            in[i] = rk_input(t.g, name, RK_f32, "a c");
        }
        bool positive = strcmp(mapfn_table[fn].name, "log") == 0 || strstr(mapfn_table[fn].name, "sqrt") != NULL || strstr(mapfn_table[fn].name, "recip") != NULL;
        if (positive) in[0] = rk_add(t.g, rk_map(t.g, "square", in[0]), rk_const(t.g, 0.25));
        rk_output(t.g, "y", build_map(t.g, fn, in));
        try_programs(&t);
        trial_end(&t);
    }
}

/* With a `full` operand, so that everything has all the dims and is one group. */
static rk_ref random_node(struct trial *t, rk_ref a, const rk_ref *have, int n)
{
    static const char *const unary[] = { "neg", "exp", "tanh", "sigmoid", "relu", "silu", "gelu_tanh", "gelu_erf", "square" };
    static const char *const binary[] = { "add", "sub", "mul", "add", "mul", "max", "min", "less" };
    rk_ref b = have[test_random((uint64_t)n)], c = have[test_random((uint64_t)n)];
    switch (test_random(6)) {
    case 0: return rk_map(t->g, unary[test_random(9)], rk_mul(t->g, a, rk_const(t->g, 0.25)));
    case 1: return rk_map3(t->g, "where", rk_map2(t->g, "less", a, rk_const(t->g, 0)), b, c);
    case 2: return rk_scale(t->g, a, 0.5);
    default: return rk_map2(t->g, binary[test_random(8)], a, b);
    }
}

TEST(random_programs)
{
    static const char *const shapes[] = { "a b c", "a b c", "c", "b c", "a b", "a", "c b a", "" };
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        rk_ref have[40];
        int n = 0;
        trial_begin(&t, 3e-5);
        (void)rk_dim_new(t.g, "a", 0, draw_size(10)), (void)rk_dim_new(t.g, "b", 0, draw_size(2)), (void)rk_dim_new(t.g, "c", 0, draw_size(1300));
        for (int k = 0; k < 2 + (int)test_random(4); k++) {
            const char name[] = { 'x', (char)('0' + k), 0 };
            have[n++] = rk_input(t.g, name, k == 3 ? RK_i32 : RK_f32, shapes[k == 0 ? 0 : test_random(8)]);
        }
        if (test_random(3) == 0) have[n++] = rk_rand(t.g, "here", 0.75, test_random(2) == 0 ? "a b c" : "b a c");
        if (test_random(3) == 0) have[n++] = rk_iota(t.g, test_random(2) == 0 ? "c" : "a", NULL);
        int sources = n;
        for (int k = 0; k < 12; k++) {
            have[n] = random_node(&t, k == 0 ? have[0] : have[sources + (int)test_random((uint64_t)k)], have, n);
            n++;
        }
        rk_output(t.g, "last", have[n - 1]);
        rk_output(t.g, "other", rk_add(t.g, have[n - 4], have[n - 3]));
        rk_output(t.g, "third", have[n - 6]);
        if (t.g->nodes.n <= MOST_VALUES) try_programs(&t);
        trial_end(&t);
    }
}

TEST(sixteen_bit_programs)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 1e-5);
        rk_dtype dtype = i % 2 == 0 ? RK_bf16 : RK_f16;
        (void)rk_dim_new(t.g, "a", 0, draw_size(30)), (void)rk_dim_new(t.g, "c", 0, draw_size(1300));
        rk_ref x = rk_input(t.g, "x", dtype, "a c"), y = rk_input(t.g, "y", dtype, "c");
        rk_output(t.g, "z", rk_map(t.g, "silu", rk_add(t.g, rk_mul(t.g, x, y), x)));
        try_programs(&t);
        trial_end(&t);
    }
}

TEST(stored_virtuals)
{
    struct trial t;
    trial_begin(&t, 1e-7);
    (void)rk_dim_new(t.g, "a", 0, 9), (void)rk_dim_new(t.g, "c", 0, 1111);
    rk_output(t.g, "i", rk_iota(t.g, "c", NULL));
    rk_output(t.g, "r", rk_rand(t.g, "somewhere", 0.3, "a c"));
    rk_output(t.g, "k", rk_const(t.g, 2.5));
    try_programs(&t);
    trial_end(&t);
}

/* AdamW as the optimizer's graph says it: seven streams, three of them in place. */
TEST(adamw)
{
    for (int i = 0; i < 8; i++) {
        struct trial t;
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "a", 0, draw_size(40)), (void)rk_dim_new(t.g, "c", 0, draw_size(1300));
        rk_ref p = rk_input(t.g, "p", RK_f32, "a c"), g = rk_input(t.g, "g", RK_f32, "a c"), m = rk_input(t.g, "m", RK_f32, "a c"), v = rk_input(t.g, "v", RK_f32, "a c");
        rk_ref rate = rk_input(t.g, "rate", RK_f32, ""), m1 = rk_add(t.g, rk_scale(t.g, m, 0.9), rk_scale(t.g, g, 0.1));
        rk_ref v1 = rk_add(t.g, rk_scale(t.g, rk_map(t.g, "square", v), 0.999), rk_scale(t.g, rk_map(t.g, "square", g), 0.001));
        rk_ref step = rk_map2(t.g, "div", m1, rk_add(t.g, rk_map(t.g, "sqrt", v1), rk_const(t.g, 1e-8)));
        rk_output(t.g, "m", m1);
        rk_output(t.g, "v", v1);
        rk_output(t.g, "p", rk_sub(t.g, rk_sub(t.g, p, rk_mul(t.g, rate, step)), rk_mul(t.g, rk_scale(t.g, rate, 0.01), p)));
        try_programs(&t);
        trial_end(&t);
    }
}

/* --- memory --- */

TEST(large_memory_is_zero_aligned_and_counted)
{
    rk_ctx *ctx = test_ctx();
    const struct backend *b = backend_cpu();
    size_t before = rk_ctx_bytes(ctx), n = ((size_t)5 << 20) + 12;
    char *at;
    OK(ctx, b->alloc(ctx, n, (void **)&at));
    EXPECT((uintptr_t)at % (2 << 20) == 0);
    EXPECT(rk_ctx_bytes(ctx) == before + n);
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (unsigned char)at[i];
    EXPECT(sum == 0);
    memset(at, 1, n);
    b->free(ctx, at, n);
    EXPECT(rk_ctx_bytes(ctx) == before);
    FAILS(ctx, b->alloc(ctx, SIZE_MAX / 4, (void **)&at), RK_E_NOMEM, "bytes");
    EXPECT(at == NULL);
}
