/* bench_ops.c: everything but matrix products: how close to memory the elementwise programs, norms, softmax, sums and moves come.
 *
 * Each case is a small graph, lowered and run as a training step would be; every step of it is one line: time, bytes that the
 * step must move (each operand and result once), and the rate as a share of what a plain copy reaches beside it. Before it is
 * timed a case is run at small sizes against the reference.
 *
 *   bench_ops [NAME [THREADS [REPETITIONS [DIVISOR]]]]    part of a name, 0 (all), 15, what the rows are divided by: to stay in a cache, or on a busy machine */
#include "backend/cpu/burst.h"
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "base/rng.h"
#include "core/opdef.h"
#include "pass/pass.h"
#include "run/profile.h"
#include "run/run.h"
#include "usage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rk_ctx *ctx;
static int64_t divisor = 1;

static void must(rk_status status)
{
    if (status == RK_OK) return;
    fprintf(stderr, "bench_ops: %s\n%s", rk_error_message(ctx), rk_error_trail(ctx));
    exit(1);
}

/* --- cases: each builds its graph; large: the sizes of a CS336 17M or GPT-2 step --- */

static rk_ref input(rk_graph *g, const char *name, const char *dims) { return rk_input(g, name, RK_f32, dims); }

static void dims(rk_graph *g, int64_t rows, int64_t columns)
{
    (void)rk_dim_new(g, "r", 'R', rows < divisor ? rows : rows / divisor);
    (void)rk_dim_new(g, "c", 'C', columns);
}

/* A loss whose gradient by y is the input "u", so that what is timed after it is the gradient alone. */
static void gradients(rk_graph *g, rk_ref y, const char *all, const rk_ref *by, int n)
{
    rk_ref d[8], loss = rk_reduce(g, "sum", rk_mul(g, y, input(g, "u", all)), all);
    rk_grad(g, loss, 0, by, n, d);
    for (int i = 0; i < n; i++) {
        const char name[] = { 'd', (char)('0' + i), 0 };
        rk_output(g, name, d[i]);
    }
}

static void adamw(rk_graph *g, bool large)
{
    dims(g, large ? 8192 : 7, large ? 1344 : 33);
    rk_ref p = rk_state(g, RK_PARAMETER, "p", RK_f32, "r c"), d = rk_state(g, RK_GRADIENT, "p", RK_f32, "r c");
    rk_ref m = rk_state(g, RK_OPTIMIZER, "m", RK_f32, "r c"), v = rk_state(g, RK_OPTIMIZER, "v", RK_f32, "r c"), rate = input(g, "rate", "");
    rk_ref scaled = rk_mul(g, d, rate);
    rk_ref m1 = rk_add(g, rk_scale(g, m, 0.9), rk_scale(g, scaled, 0.1));
    rk_ref v1 = rk_add(g, rk_scale(g, v, 0.999), rk_scale(g, rk_map(g, "square", scaled), 0.001));
    rk_ref step = rk_map2(g, "div", rk_mul(g, m1, rate), rk_add(g, rk_map(g, "sqrt", v1), rk_const(g, 1e-8)));
    rk_update(g, m, m1);
    rk_update(g, v, v1);
    rk_update(g, p, rk_sub(g, rk_sub(g, p, rk_mul(g, rk_scale(g, rate, 0.1), p)), step));
}

static void swiglu(rk_graph *g, bool large)
{
    dims(g, large ? 8192 : 9, large ? 1344 : 50);
    const rk_ref by[] = { input(g, "a", "r c"), input(g, "b", "r c") };
    rk_ref y = rk_mul(g, rk_map(g, "silu", by[0]), by[1]);
    rk_output(g, "y", y);
    gradients(g, y, "r c", by, 2);
}

static void gelu(rk_graph *g, bool large)
{
    dims(g, large ? 4096 : 9, large ? 3072 : 50);
    const rk_ref x = input(g, "x", "r c");
    rk_ref y = rk_map(g, "gelu_tanh", x);
    rk_output(g, "y", y);
    gradients(g, y, "r c", &x, 1);
}

static void residual(rk_graph *g, bool large)
{
    dims(g, large ? 16384 : 9, large ? 768 : 50);
    rk_output(g, "y", rk_add(g, input(g, "x", "r c"), input(g, "a", "r c")));
}

static void dropout(rk_graph *g, bool large)
{
    dims(g, large ? 16384 : 9, large ? 768 : 52);
    rk_output(g, "y", rk_add(g, input(g, "x", "r c"), rk_mul(g, input(g, "a", "r c"), rk_rand(g, "here", 0.9, "r c"))));
}

static void bias(rk_graph *g, bool large)
{
    dims(g, large ? 16384 : 9, large ? 768 : 52);
    const rk_ref by[] = { input(g, "x", "r c"), input(g, "w", "c") };
    gradients(g, rk_add(g, by[0], by[1]), "r c", by, 2);
}

static void layer_norm(rk_graph *g, bool large)
{
    dims(g, large ? 16384 : 9, large ? 768 : 52);
    const rk_ref by[] = { input(g, "x", "r c"), input(g, "w", "c"), input(g, "b", "c") };
    rk_ref y = rk_layer_norm(g, by[0], "c", by[1], by[2], 1e-5);
    rk_output(g, "y", y);
    gradients(g, y, "r c", by, 3);
}

static void rms_norm(rk_graph *g, bool large)
{
    dims(g, large ? 16384 : 9, large ? 512 : 52);
    const rk_ref by[] = { input(g, "x", "r c"), input(g, "w", "c") };
    rk_ref y = rk_rms_norm(g, by[0], "c", by[1], 1e-5);
    rk_output(g, "y", y);
    gradients(g, y, "r c", by, 2);
}

static void softmax(rk_graph *g, bool large)
{
    dims(g, large ? 16384 : 9, large ? 1024 : 52);
    const rk_ref x = input(g, "x", "r c");
    rk_ref y = rk_softmax(g, x, "c");
    rk_output(g, "y", y);
    gradients(g, y, "r c", &x, 1);
}

static void rope_of(rk_graph *g, bool large, rk_rope_style style)
{
    (void)rk_dim_new(g, "b", 'B', large ? (32 + divisor - 1) / divisor : 2), (void)rk_dim_new(g, "t", 'T', large ? 256 : 5);
    (void)rk_dim_new(g, "h", 'H', large ? 16 : 3), (void)rk_dim_new(g, "k", 'K', large ? 64 : 10);
    const rk_ref x = input(g, "x", "b t h k");
    rk_ref y = rk_rope(g, x, "t", NULL, "k", style, large ? 64 : 10, 10000);
    rk_output(g, "y", y);
    gradients(g, y, "b t h k", &x, 1);
}

static void rope_halves(rk_graph *g, bool large) { rope_of(g, large, RK_ROPE_HALVES); }
static void rope_interleaved(rk_graph *g, bool large) { rope_of(g, large, RK_ROPE_INTERLEAVED); }

static void embedding(rk_graph *g, bool large)
{
    dims(g, large ? 8192 : 20, large ? 512 : 21);
    (void)rk_dim_new(g, "v", 'V', large ? 10000 : 30);
    const rk_ref table = input(g, "w", "v c");
    rk_ref y = rk_gather(g, table, "v", rk_input(g, "ids", RK_i32, "r"));
    rk_output(g, "y", y);
    gradients(g, y, "r c", &table, 1);
}

static void transpose(rk_graph *g, bool large)
{
    dims(g, large ? 8192 : 37, large ? 1024 : 41);
    rk_output(g, "y", rk_copy(g, rk_order(g, input(g, "x", "r c"), "c r")));
}

static void heads(rk_graph *g, bool large)
{
    (void)rk_dim_new(g, "b", 'B', large ? (32 + divisor - 1) / divisor : 2), (void)rk_dim_new(g, "t", 'T', large ? 256 : 5);
    (void)rk_dim_new(g, "h", 'H', large ? 16 : 3), (void)rk_dim_new(g, "k", 'K', large ? 64 : 10);
    rk_output(g, "y", rk_copy(g, rk_order(g, input(g, "x", "b t h k"), "b h t k")));
}

static void square_norm(rk_graph *g, bool large)
{
    dims(g, large ? 8192 : 37, large ? 1344 : 41);
    rk_ref x = input(g, "x", "r c");
    rk_output(g, "y", rk_reduce(g, "sum", rk_map(g, "square", x), "r c"));
}

static void to_bf16(rk_graph *g, bool large)
{
    dims(g, large ? 8192 : 37, large ? 1344 : 41);
    rk_output(g, "y", rk_cast(g, input(g, "x", "r c"), RK_bf16));
}

static const struct bench_case { const char *name; void (*build)(rk_graph *g, bool large); } cases[] = {
    { "adamw", adamw }, { "swiglu", swiglu }, { "gelu", gelu }, { "residual", residual }, { "dropout", dropout }, { "bias", bias },
    { "layer norm", layer_norm }, { "RMS norm", rms_norm }, { "softmax", softmax }, { "rope halves", rope_halves },
    { "rope interleaved", rope_interleaved }, { "embedding", embedding }, { "transpose", transpose }, { "heads", heads },
    { "square norm", square_norm }, { "to bf16", to_bf16 },
};

/* --- running --- */

struct running { rk_graph *g; struct plan *plan; struct store *store; struct run *run; };

static double *values(const char *name, int64_t n, bool ids)
{
    double *x = malloc((size_t)(n + 1) * sizeof *x);
    if (x == NULL) exit(1);
    for (int64_t i = 0; i < n; i++) x[i] = ids ? (double)rng_below(1, (uint64_t)name[0], (uint64_t)i, 30) : (double)(float)(rng_normal(1, (uint64_t)name[0], (uint64_t)i) * 0.5);
    return x;
}

static void fill(const struct running *r)
{
    for (int i = 0; i < r->plan->n_inputs; i++) {
        const struct plan_slot *s = &r->plan->inputs[i];
        double *x = values(s->name, s->elements, s->dtype == RK_i32);
        must(run_input(ctx, r->run, s->name, x, RK_f64));
        free(x);
    }
    for (int i = 0; i < r->store->entries.n; i++) {
        const struct store_entry *e = &r->store->entries.at[i];
        double *x = values(e->name, e->elements, false);
        for (int64_t k = 0; k < e->elements; k++) x[k] = fabs(x[k]);
        must(store_write(ctx, r->store, i, x, RK_f64));
        free(x);
    }
}

static void open_case(struct running *r, const struct bench_case *c, const struct backend *b, bool large, bool plain)
{
    rk_graph *g;
    must(rk_graph_open(ctx, &g));
    c->build(g, large);
    r->g = g;
    if (plain) {
        must(pass_expand(ctx, g, NULL, NULL, &r->g, NULL));
        rk_graph_close(g);
    }
    must(rk_graph_seal(r->g));
    must(pass_lower(ctx, r->g, b, &r->plan));
    must(pass_place(ctx, r->plan, &(struct plan_options){ .reuse = true }));
    must(store_open(ctx, b, &r->store));
    must(store_declare(ctx, r->store, r->g));
    must(store_allocate(ctx, r->store));
    must(run_open(ctx, r->plan, r->store, &r->run));
    fill(r);
}

static void close_case(struct running *r)
{
    run_close(r->run);
    store_close(r->store);
    plan_free(r->plan);
    rk_graph_close(r->g);
}

static double difference(const double *a, const double *b, int64_t n)
{
    double worst = 0, scale = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
        if (fabs(b[i]) > scale) scale = fabs(b[i]);
    }
    return worst / (scale + 1e-30);
}

static double *state_of(const struct running *r, int i)
{
    double *x = values("x", r->store->entries.at[i].elements, false);
    must(store_read(ctx, r->store, i, x, RK_f64));
    return x;
}

static double *output_of(const struct running *r, int i)
{
    double *x = values("x", r->plan->outputs[i].elements, false);
    must(run_output(ctx, r->run, r->plan->outputs[i].name, x, RK_f64));
    return x;
}

/* The whole case at small sizes against the reference, which has no gradients of fused operations: cases with those only run
 * here, and are held to their expansions by tests/unit/test_cpu_kernels.c. */
static void check(const struct bench_case *c)
{
    struct running mine, truth;
    open_case(&mine, c, backend_cpu(), false, false);
    bool fused = false;
    for (rk_ref r = 1; r < mine.g->nodes.n; r++) fused = fused || node_of(mine.g, r)->op == &op_adjoint;
    must(run_go(ctx, mine.run, 7, 3));
    if (!fused) {
        open_case(&truth, c, backend_truth(), false, false);
        must(run_go(ctx, truth.run, 7, 3));
        for (int i = 0; i < mine.plan->n_outputs + mine.store->entries.n; i++) {
            bool output = i < mine.plan->n_outputs;
            int k = output ? i : i - mine.plan->n_outputs;
            double *a = output ? output_of(&mine, k) : state_of(&mine, k), *b = output ? output_of(&truth, k) : state_of(&truth, k);
            double off = difference(a, b, output ? mine.plan->outputs[k].elements : mine.store->entries.at[k].elements);
            if (!(off < 1e-5)) printf("%s: result %d is off by %g\n", c->name, i, off);
            free(a);
            free(b);
        }
        close_case(&truth);
    }
    close_case(&mine);
}

/* --- timing --- */

static double bytes_of(const struct operand *o)
{
    double n = (double)rk_dtype_bytes(o->dtype);
    for (int i = 0; i < o->at.rank; i++)
        if (o->at.stride[i] != 0) n *= (double)o->at.size[i];
    return n;
}

static double traffic(const struct step *s)
{
    double bytes = 0;
    for (int i = 0; i < s->problem.n_in; i++) {
        bool again = s->in[i].kind == IN_NOTHING;
        for (int k = 0; k < i; k++) again = again || s->problem.in[k].ref == s->problem.in[i].ref;
        if (!again) bytes += bytes_of(&s->problem.in[i]);
    }
    for (int i = 0; i < s->problem.n_out; i++) bytes += (s->problem.accumulate ? 2 : 1) * bytes_of(&s->problem.out[i]);
    return bytes;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct bench_case *c, int repetitions, double copy)
{
    struct running r;
    struct rk_profile *profile;
    must(rk_profile_open(ctx, NULL, &profile));
    open_case(&r, c, backend_cpu(), true, false);
    int n = r.plan->n_steps;
    double *seconds = calloc((size_t)(n * repetitions) + 1, sizeof *seconds);
    if (seconds == NULL) exit(1);
    must(run_go(ctx, r.run, 7, 3));
    for (int k = 0; k < repetitions; k++) {
        const struct profile_step *steps = profile->steps.at + r.run->first_watched;
        for (int i = 0; i < n; i++) seconds[i * repetitions + k] = -steps[i].row.seconds;
        must(run_go(ctx, r.run, 7, (uint64_t)k));
        for (int i = 0; i < n; i++) seconds[i * repetitions + k] += steps[i].row.seconds;
    }
    for (int i = 0; i < n; i++) {
        const struct step *s = &r.plan->steps[i];
        double *mine = seconds + i * repetitions;
        qsort(mine, (size_t)repetitions, sizeof *mine, ascending);
        double median = mine[repetitions / 2], bytes = traffic(s);
        if (bytes > 1e5)
            printf("%-17s %-24s %2d nodes %8.3f ms %8.1f MB %7.2f GB/s (best %6.2f)  %.2f of copy\n", i == 0 ? c->name : "", s->kernel->name, s->problem.n_nodes,
                   median * 1e3, bytes / 1e6, bytes / median / 1e9, bytes / mine[0] / 1e9, bytes / median / copy);
    }
    fflush(stdout);
    free(seconds);
    close_case(&r);
    rk_profile_close(profile);
}

int main(int argc, char **argv)
{
    static const char usage[] = "bench_ops [NAME [THREADS [REPETITIONS [DIVISOR]]]]    NAME: part of a case's";
    if (usage_help(argc, argv, usage)) return 0;
    rk_options options = { .threads = (int)usage_count(usage, "THREADS", argc > 2 ? argv[2] : NULL, 0, 0, USAGE_THREADS) };
    int repetitions = (int)usage_count(usage, "REPETITIONS", argc > 3 ? argv[3] : NULL, 15, 1, 1000);
    divisor = (int)usage_count(usage, "DIVISOR", argc > 4 ? argv[4] : NULL, divisor, 1, 1 << 20);
    if (rk_ctx_open(&options, &ctx) != RK_OK) return 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct burst_bandwidth b;
        if (argc > 1 && strstr(cases[i].name, argv[1]) == NULL) continue;
        check(&cases[i]);
        must(burst_bandwidth(ctx, isa_best(), rk_ctx_threads(ctx), (size_t)64 << 20, &b));
        if (i == 0) printf("%d threads, %s; read %.1f, copy %.1f GB/s\n", rk_ctx_threads(ctx), isa_rows[isa_best()].name, b.read / 1e9, b.copy / 1e9);
        measure(&cases[i], repetitions, b.copy);
    }
    rk_ctx_close(ctx);
    return 0;
}
