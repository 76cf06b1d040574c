/* What only moves or adds up: every call of the CUDA back end's kernels in a random graph is held against the reference of its op over
 * copies of the same memory, gaps of a strided result included; nothing may be left to another back end. Memory is the host's, which
 * the device sees, so that elementwise groups can be interpreted beside it. */
#include "backend/cuda/kernels.h"
#include "backend/ref/ref.h"
#include "base/num.h"
#include "core/opdef.h"
#include "law/dag.h"
#include "law/execute.h"
#include "law/interpret.h"
#include "test.h"
#include <stdlib.h>

static struct sample *now;                      /* the sample whose calls are checked */
static int64_t calls[64];                       /* per kernel: a row that nothing ever asks is no test */

/* --- a call against the reference --- */

struct copied { unsigned char *bytes, *address; size_t n; };          /* address: what offsets count from */

static struct copied copy_of(const void *address, const struct operand *o)
{
    size_t element = rk_dtype_bytes(o->dtype), skip = (size_t)o->at.offset * element, n = (size_t)reference_span(&o->at) * element;
    struct copied c = { .n = n };
    c.bytes = malloc(skip + n + 1);             /* what lies before is nobody's to read, but addresses need room */
    if (c.bytes == NULL) abort();
    c.address = c.bytes;
    if (n > 0) memcpy(c.bytes + skip, (const unsigned char *)address + skip, n);
    return c;
}

static double epsilon_of(rk_dtype dtype)
{
    rk_dtype_info info;
    return rk_dtype_describe(dtype, &info) && info.floating ? info.epsilon : 0;
}

static bool near(const struct problem *p, double a, double b, double scale)
{
    bool sums = (p->op->flags & OP_REDUCES) != 0;
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (a == b) return true;
    double eps = epsilon_of(p->out[0].dtype);
    return sums && fabs(a - b) <= (eps < 1e-7 ? (eps < 1e-12 ? 1e-12 : 1e-7) : eps) * scale;
}

/* The largest number that a sum of this call can come near. */
static double scale_of(const struct problem *p, const double *expected, int64_t n)
{
    double scale = 1, factor = p->out[0].dtype == RK_f32 ? 4 : 1;
    (void)p;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(expected[i]) && fabs(expected[i]) > scale) scale = fabs(expected[i]);
    return scale * factor;
}

static void hold_against(const struct problem *p, const void *did, const struct copied *expected)
{
    const struct operand *y = &p->out[0];
    size_t element = rk_dtype_bytes(y->dtype), skip = (size_t)y->at.offset * element;
    int64_t n = reference_span(&y->at);
    double *a = malloc(sizeof *a * (size_t)(n + 1)), *b = malloc(sizeof *b * (size_t)(n + 1));
    if (a == NULL || b == NULL) abort();
    num_load(a, (const char *)did + skip, (int)y->dtype, (size_t)n);
    num_load(b, expected->address + skip, (int)y->dtype, (size_t)n);
    double scale = scale_of(p, b, n);
    for (int64_t i = 0; i < n && !now->failed; i++)
        if (!near(p, a[i], b[i], scale))
            sample_fails(now, "%s of %s%s: element %lld of %lld is %.17g, expected %.17g", p->op->name, rk_dtype_name(y->dtype), p->accumulate ? ", added" : "", (long long)i, (long long)n, a[i], b[i]);
    free(a);
    free(b);
}

static rk_status checked(rk_ctx *ctx, const struct call *c, const struct kernel *k)
{
    const struct problem *p = c->problem;
    const struct kernel *truth = &backend_truth()->kernels[0];
    struct prepared prepared;
    struct copied in[MOST_OPERANDS], out = copy_of(c->out[0], &p->out[0]);
    void *addresses[MOST_OPERANDS], *to = out.address, *scratch;
    for (int i = 0; i < p->n_in; i++) in[i] = copy_of(c->in[i], &p->in[i]), addresses[i] = in[i].address;
    calls[k - cuda_kernels]++;
    rk_status status = k->run(ctx, c);
    if (status == RK_OK) status = cuda_check(ctx, cudaStreamSynchronize(cuda_of(p)->stream), p->op->name);
    if (status == RK_OK) status = truth->prepare(ctx, p, &prepared);
    if (status == RK_OK) {
        scratch = malloc(prepared.scratch + 1);
        if (scratch == NULL) abort();
        const struct call again = { p, &prepared, addresses, &to, scratch, c->live, NULL };
        status = truth->run(ctx, &again);
        if (status == RK_OK) hold_against(p, c->out[0], &out);
        if (prepared.product_flops != c->prepared->product_flops && p->op == &op_einsum) sample_fails(now, "%llu FLOPs of products, expected %llu", (unsigned long long)c->prepared->product_flops, (unsigned long long)prepared.product_flops);
        free(scratch);
    }
    for (int i = 0; i < p->n_in; i++) free(in[i].bytes);
    free(out.bytes);
    return status;
}

/* --- the back end: rows of kernels.def, each watched --- */

static const struct kernel *row(const char *name)
{
    const struct kernel *k = cuda_kernels;
    while (strcmp(k->name, name) != 0) k++;
    return k;
}

#define WATCHED(WATCH) WATCH(reduce) WATCH(gather) WATCH(scatter) WATCH(copy) WATCH(place) WATCH(append) WATCH(cast) WATCH(einsum_any)
#define RUN(name_) static rk_status run_##name_(rk_ctx *ctx, const struct call *c) { return checked(ctx, c, row(#name_ "_cuda")); }
WATCHED(RUN)

static rk_status alloc(rk_ctx *ctx, size_t bytes, void **at)
{
    TRY(cuda_check(ctx, cudaMallocHost(at, bytes), "memory that both see"));
    memset(*at, 0, bytes);
    return RK_OK;
}

static void give_back(rk_ctx *ctx, void *at, size_t bytes)
{
    (void)ctx, (void)bytes;
    if (cudaFreeHost(at) != cudaSuccess) abort();
}

static const struct backend *back_end(void)
{
    static struct cuda_machine machine;
    static struct kernel kernels[16];
    static struct backend b, map;
    int n = 0;
    b = *backend_truth();
    map = *backend_interpreter();
    map.next = NULL;
    b.name = "cuda on the host";
    b.next = NULL;
    b.kernels = kernels;
    b.groups = ~0u;
    b.machine = &machine;
    b.alloc = alloc;
    b.free = give_back;
    kernels[n++] = map.kernels[0];
#define ADD(name_) kernels[n] = *row(#name_ "_cuda"), kernels[n++].run = run_##name_;
    WATCHED(ADD)
    kernels[n] = (struct kernel){ .op = NULL };
    return &b;
}

static void run_sample(struct sample *s)
{
    static struct sample out;
    struct values v;
    struct outcome did;
    const struct execution e = { .backend = back_end() };
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    if (!sample_write_out(s, NULL, NULL, &out)) return;
    now = &out;
    values_open(&v, s->ctx, out.g);
    sample_fill(&out, &v);
    if (execute(s->ctx, out.g, &v, &e, &did) != RK_OK) sample_fails(&out, "%s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
    else outcome_free(&did);
    values_close(&v);
    sample_blame(s, &out);
    rk_graph_close(out.g);
}

static void need_device(void)
{
    int n = 0;
    if (cudaGetDeviceCount(&n) != cudaSuccess || n == 0) SKIP("there is no CUDA device");
}

/* --- random graphs, small --- */

static rk_dtype dag_dtype;
static bool dag_live;

static void graph(struct sample *s)
{
    const struct dag_options options = { .dtype = dag_dtype, .steps = 3 + (int)draw(s, 28), .fused = true, .live = dag_live };
    draw_dag(s, &options);
    run_sample(s);
}

TEST(graphs_of_every_float)
{
    need_device();
    const struct law law = { .body = graph, .rounds = 24 / TEST_FEWER, .largest = 6, .zeros = true, .views = true, .ties = true };
    for (dag_dtype = RK_f64; dag_dtype <= RK_f8e5m2; dag_dtype = (rk_dtype)(dag_dtype + 1))
        for (int live = 0; live < 2; live++) dag_live = live != 0, law_for_seeds(__FILE__, __LINE__, rk_dtype_name(dag_dtype), &law);
}

/* --- one op at a time, every maker --- */

static void one(struct sample *s)
{
    if (s->y != 0) rk_output(s->g, "y", s->y);
    run_sample(s);
}

static bool is_moved(const struct maker *m)
{
    static const char *const names[] = { "reduce", "gather", "scatter", "copy", "place", "append", "cast", "einsum" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(m->op->name, names[i]) == 0) return true;
    return false;
}

TEST(every_op)
{
    need_device();
    const struct law law = { .body = one, .rounds = 60 / TEST_FEWER, .largest = 7, .zeros = true, .views = true, .ties = true };
    FOR_MAKERS(law, NULL, is_moved);
}

/* --- sizes at which kernels do it another way --- */

static rk_dim some_size(struct sample *s)
{
    static const int64_t sizes[] = { 1, 2, 3, 7, 8, 16, 24, 31, 32, 33, 40, 64, 100, 257, 1000 };
    return draw_dim_of(s, sizes[draw(s, sizeof sizes / sizeof *sizes)]);
}

static rk_dtype some_dtype(struct sample *s)
{
    static const rk_dtype usual[] = { RK_f32, RK_bf16, RK_f16 };
    return draw(s, 3) != 0 ? usual[draw(s, 3)] : (rk_dtype)draw(s, RK_DTYPE_COUNT);
}

/* Up to `most` dims, no more than so many elements. */
static int some_dims(struct sample *s, int least, int most, int64_t elements, rk_dim *dims)
{
    int n = 0, wanted = least + (int)draw(s, (uint64_t)(most - least) + 1);
    int64_t count = 1;
    while (n < wanted) {
        rk_dim d = some_size(s);
        if (count * dim_size(s->g, d) > elements) d = draw_dim_of(s, 2);
        count *= dim_size(s->g, d);
        dims[n++] = d;
    }
    return n;
}

/* A state of y's shape takes state + y: where a sum may be added in place. */
static void finish(struct sample *s, rk_ref y)
{
    char text[512];
    s->y = y;
    if (y == 0) return;
    const struct node n = *node_of(s->g, y);
    dims_names(s, n.rank, n.dim, text);
    if (draw(s, 2) == 0 && n.dtype <= RK_f8e5m2) {
        rk_ref state = rk_state(s->g, RK_OPTIMIZER, "sum", n.dtype, text);
        s->leaf[s->n_leaves++] = (struct leaf){ .ref = state, .domain = ANY_SIGN };
        rk_update(s->g, state, rk_add(s->g, state, y));
    } else {
        rk_output(s->g, "y", y);
    }
}

static void large_reduce(struct sample *s)
{
    rk_dim dims[4], gone[4];
    char text[512];
    int n = some_dims(s, 1, 4, 60000, dims), n_gone = 0;
    rk_ref x = draw_operand(s, some_dtype(s), ANY_SIGN, n, dims);
    for (int i = 0; i < n; i++)
        if (draw(s, 2) == 0) gone[n_gone++] = dims[i];
    dims_names(s, n_gone, gone, text);
    finish(s, rk_reduce(s->g, draw(s, 3) == 0 ? "max" : "sum", x, text));
    run_sample(s);
}

static void large_einsum(struct sample *s)
{
    rk_dim dims[4], a[4], b[4], y[4];
    char ta[512], tb[512], ty[512], equation[1600];
    int n = some_dims(s, 1, 4, 60000, dims), na = 0, nb = 0, ny = 0;
    rk_dtype dtype = some_dtype(s);
    for (int i = 0; i < n; i++) {
        uint64_t kind = draw(s, 4);
        if (kind != 3) a[na++] = dims[i];
        if (kind != 2) b[nb++] = dims[i];
        if (kind != 1) y[ny++] = dims[i];
    }
    draw_order(s, na, a), draw_order(s, nb, b), draw_order(s, ny, y);
    dims_names(s, na, a, ta), dims_names(s, nb, b, tb), dims_names(s, ny, y, ty);
    (void)snprintf(equation, sizeof equation, "%s, %s -> %s", ta, tb, ty);
    rk_ref left = draw_operand(s, dtype, ANY_SIGN, na, a), right = draw_operand(s, dtype, ANY_SIGN, nb, b);
    finish(s, rk_einsum(s->g, equation, left, right));
    run_sample(s);
}

static void large_copy(struct sample *s)
{
    rk_dim dims[4], order[4];
    char text[512];
    int n = some_dims(s, 1, 4, 60000, dims);
    memcpy(order, dims, sizeof order);
    draw_order(s, n, order);
    rk_dtype dtype = some_dtype(s), other = some_dtype(s);
    rk_ref x = draw_operand(s, dtype, ANY_SIGN, n, dims);
    dims_names(s, n, order, text);
    x = rk_order(s->g, x, text);
    if (draw(s, 2) == 0) {
        s->y = rk_copy(s->g, x);
    } else {
        s->y = rk_cast(s->g, x, other == dtype ? RK_f64 : other);
        if (dtype == RK_f64 && other == RK_f64) s->y = rk_copy(s->g, x);
    }
    if (s->y != 0) rk_output(s->g, "y", s->y);
    run_sample(s);
}

/* ids over some of the dims of the values, and perhaps over dims that the result keeps. */
static void large_scatter(struct sample *s)
{
    rk_dim all[4], ids[4], like[5];
    char text[512];
    int n = some_dims(s, 1, 4, 60000, all), n_ids = 0, n_like = 0;
    bool equal = draw(s, 3) == 0;
    rk_dim v = draw(s, 3) == 0 ? draw_dim_of(s, 2) : some_size(s);
    for (int i = 0; i < n; i++) {
        uint64_t kind = draw(s, 5);
        if (kind < 2 || kind == 4) ids[n_ids++] = all[i];
        if (kind >= 2) like[n_like++] = all[i];
    }
    like[n_like++] = v;
    int64_t count = dim_size(s->g, v);
    for (int i = 0; i < n_like - 1; i++) count *= dim_size(s->g, like[i]);
    if (count > 40000) return;
    draw_order(s, n_like, like);
    dims_names(s, n_like, like, text);
    rk_ref which = draw_ids(s, equal ? 1 : dim_size(s->g, v), draw(s, 2) == 0, n_ids, ids);
    rk_ref y = draw_operand(s, some_dtype(s), ANY_SIGN, n, all);
    finish(s, rk_scatter(s->g, y, dim_text(s, v), which, text));
    run_sample(s);
}

static void large_gather(struct sample *s)
{
    rk_dim table[3], ids[3];
    int n = some_dims(s, 1, 3, 20000, table), n_ids = some_dims(s, 0, 2, 60, ids);
    rk_dim v = table[draw(s, (uint64_t)n)];
    rk_ref x = draw_operand(s, some_dtype(s), ANY_SIGN, n, table);
    s->y = rk_gather(s->g, x, dim_text(s, v), draw_ids(s, dim_size(s->g, v), true, n_ids, ids));
    if (s->y != 0) rk_output(s->g, "y", s->y);
    run_sample(s);
}

static void large(law_body *body, const char *what, int rounds)
{
    for (int views = 0; views < 2; views++) {
        const struct law law = { .body = body, .rounds = rounds / TEST_FEWER, .largest = 9, .views = views != 0, .ties = views != 0 };
        law_for_seeds(__FILE__, __LINE__, what, &law);
    }
}

TEST(large_reduces) { need_device(), large(large_reduce, "reduce", 60); }
TEST(large_einsums) { need_device(), large(large_einsum, "einsum", 40); }
TEST(large_copies) { need_device(), large(large_copy, "copy", 60); }
TEST(large_scatters) { need_device(), large(large_scatter, "scatter", 80); }
TEST(large_gathers) { need_device(), large(large_gather, "gather", 25); }

/* --- a state that takes a view of itself: through the workspace, or it would change while it is read --- */

static void turned(struct sample *s)
{
    rk_dim n = draw_dim_of(s, 2 + (int64_t)draw(s, 70)), both[2] = { n, draw_dim_of(s, dim_size(s->g, n)) };
    char names[64], other[64];
    dims_names(s, 2, both, names);
    rk_ref state = rk_state(s->g, RK_OPTIMIZER, "turned", draw(s, 2) == 0 ? RK_f32 : RK_bf16, names);
    s->leaf[s->n_leaves++] = (struct leaf){ .ref = state, .domain = ANY_SIGN };
    (void)snprintf(other, sizeof other, "%s", dim_text(s, both[1]));
    rk_dim between = draw_dim_of(s, dim_size(s->g, n));
    rk_ref x = rk_rename(s->g, state, dim_text(s, n), dim_text(s, between));
    x = rk_rename(s->g, x, other, dim_text(s, n));
    x = rk_rename(s->g, x, dim_text(s, between), other);
    rk_update(s->g, state, rk_order(s->g, x, names));
    run_sample(s);
}

TEST(states_that_are_turned) { need_device(), large(turned, "turned", 20); }

/* --- numbers: bit for bit what base/num makes, from every pattern there is, or many --- */

enum { PATTERNS = 1 << 16, SOME_PATTERNS = 1 << 12 };      /* of 2 bytes all; of more some */

static uint64_t pattern(int i, size_t bytes)
{
    static const uint64_t wide[] = { 0x7ff0000000000000, 0x7ff8000000000000, 0x36a0000000000000, 0x3e60000000000001, 0x3ef0000000000001, 0x40effc0000000000, 0x40effe0000000000,
                                     0x41dfffffffc00000, 0x41e0000000000000, 0x43e0000000000000, 0x407c000000000000, 0x407d000000000000, 0x3fe0000000000000, 0x3ff8000000000000, 1, 0 };
    static const uint32_t narrow[] = { 0x7f800000, 0x7fc00000, 0x33000000, 0x33000001, 0x477fe000, 0x477ff000, 0x43e00000, 0x43e80000, 0x3f000000, 0x3fc00000, 0x4f000000, 0x5f000000, 1, 0, 0x7f7fffff, 0x3b000001 };
    uint64_t sign = (uint64_t)(i & 1) << (8 * bytes - 1);
    if (bytes <= 2) return (uint64_t)i;
    if (i < 32) return (bytes == 8 ? wide[i / 2] : narrow[i / 2]) | sign;
    uint64_t x = test_random(UINT64_MAX);                           /* exponents near 1, where small formats have their numbers */
    if (bytes == 8) return i % 2 == 0 ? x : (x & 0x800fffffffffffff) | (0x3d0 + (x >> 52 & 0x5f)) << 52;
    return i % 2 == 0 ? x & 0xffffffff : (x & 0x807fffff) | (uint64_t)(0x60 + (x >> 23 & 0x3f)) << 23;
}

static void cast_patterns(rk_ctx *ctx, rk_dtype from, rk_dtype to)
{
    rk_graph *g;
    void *x, *y;
    size_t from_bytes = rk_dtype_bytes(from), to_bytes = rk_dtype_bytes(to), n = from_bytes == 2 ? PATTERNS : SOME_PATTERNS;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "n", 'N', (int64_t)n);
    rk_ref in = rk_input(g, "x", from, "n"), out = rk_cast(g, in, to);
    struct operand a = { in, from, layout_of(g, in, NULL) }, b = { out, to, layout_of(g, out, NULL) };
    const struct problem p = { .g = g, .op = &op_cast, .node = node_of(g, out), .first = out, .n_in = 1, .n_out = 1, .in = &a, .out = &b, .machine = back_end()->machine };
    struct prepared prepared;
    OK(ctx, alloc(ctx, n * from_bytes, &x));
    OK(ctx, alloc(ctx, n * to_bytes, &y));
    for (int i = 0; i < (int)n; i++) {
        uint64_t bits = pattern(i, from_bytes);
        memcpy((char *)x + (size_t)i * from_bytes, &bits, from_bytes);
    }
    void *const to_at[] = { y }, *const from_at[] = { x };
    const struct call c = { &p, &prepared, from_at, to_at, NULL, NULL, NULL };
    OK(ctx, row("cast_cuda")->prepare(ctx, &p, &prepared));
    OK(ctx, row("cast_cuda")->run(ctx, &c));
    OK(ctx, cuda_check(ctx, cudaStreamSynchronize(cuda_of(&p)->stream), "casting"));
    for (int i = 0, wrong = 0; i < (int)n && wrong < 3; i++) {
        double number, did, expected;
        uint64_t bits = 0;
        num_load(&number, (const char *)x + (size_t)i * from_bytes, (int)from, 1);
        num_store(&bits, (int)to, &number, 1);
        num_load(&expected, &bits, (int)to, 1);
        num_load(&did, (const char *)y + (size_t)i * to_bytes, (int)to, 1);
        if (memcmp(&bits, (const char *)y + (size_t)i * to_bytes, to_bytes) == 0 || (isnan(expected) && isnan(did))) continue;
        test_fail(__FILE__, __LINE__, "%s to %s: %.17g became %.17g, expected %.17g", rk_dtype_name(from), rk_dtype_name(to), number, did, expected);
        wrong++;
    }
    give_back(ctx, x, n * from_bytes);
    give_back(ctx, y, n * to_bytes);
    rk_graph_close(g);
}

TEST(casts_are_the_processors)
{
    need_device();
    rk_ctx *ctx = test_ctx();
    for (int from = 0; from < RK_DTYPE_COUNT; from++)
        for (int to = 0; to < RK_DTYPE_COUNT; to++)
            if (from != to) cast_patterns(ctx, (rk_dtype)from, (rk_dtype)to);
}

TEST(z_every_row_was_asked)
{
    need_device();
#define ASKED(name_) if (calls[row(#name_ "_cuda") - cuda_kernels] == 0) test_fail(__FILE__, __LINE__, "no call of " #name_);
    WATCHED(ASKED)
}
