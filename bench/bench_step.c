/* bench_step.c: whole training steps (forward, loss, backward, clipping, AdamW) against the rate of fused multiply-adds that
 * the machine reaches in a burst taken beside every step: share of that peak, share of every kernel, peak memory.
 *
 *   bench_step [MODEL BATCH SEQ]...      standard: cs336-17m 32 256 and gpt2 4 64
 *   bench_step --serve MODEL BATCH SEQ   answers words read from standard input, one JSON object each: "step", "burst";
 *                                        so that another program (bench/peers.py) can take turns with it
 *   environment: BENCH_THREADS, BENCH_STEPS (5), BENCH_BLAS (a library; "own"), BENCH_POLICY (of dtypes: fp32); BENCH_CLOCK=cpu on a busy machine: one
 *   thread, processor time instead of the wall, and the best burst so far instead of the nearest
 *
 * FLOPs of a step are those of its meaning, with half of the attention scores where it is causal: the number that papers
 * divide by. Kernels report what they issued. Tokens are random, dropout is off. Checked before any time counts: the loss
 * begins at the logarithm of the vocabulary, falls on one batch, and the kernels issued what the plan said. */
#include "backend/cpu/burst.h"
#include "base/clock.h"
#include "reckon/base.h"
#include "core/opdef.h"
#include "train/training.h"
#include "usage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "bench_step [--serve] [MODEL BATCH SEQ]...    environment: BENCH_THREADS, BENCH_STEPS, BENCH_BLAS, BENCH_POLICY, BENCH_CLOCK";

enum { MOST = 999, MOST_ROWS = 256, WARM = 2 };

/* One line of the profile: all calls of a kernel, of products and sums by their equation. */
struct row { char name[160]; double seconds; uint64_t flops; int calls; };
struct profile { struct row rows[MOST_ROWS]; int n; };

struct bench;
/* Given to the run as what watches it: which of its steps comes next, and since when. */
struct watch { struct bench *b; const struct plan *plan; int next; double began; struct backend backend; };

struct bench {
    rk_ctx *ctx;
    rk_model *model;
    rk_device *device;
    rk_train *train;
    rk_tokens tokens;
    struct watch watch[STAGES];
    struct profile profile;
    bool busy, counting;
    double flops, vocab, best_burst, loss, processor;       /* processor: seconds of the last step */
};

static void die(const struct bench *b, const char *what)
{
    fprintf(stderr, "bench_step: %s: %s %s\n", what, rk_error_message(b->ctx), rk_error_hint(b->ctx));
    exit(1);
}

static double now(const struct bench *b) { return b->busy ? clock_process_seconds() : clock_seconds(); }

/* --- shares of kernels --- */

static struct row *row_of(struct profile *p, const struct step *s)
{
    char name[sizeof p->rows[0].name];
    bool worded = s->problem.op == &op_einsum || s->problem.op == &op_reduce;
    (void)snprintf(name, sizeof name, "%.60s%s%.80s%s", s->kernel->name, worded ? " " : "", worded ? s->problem.node->text : "", s->problem.accumulate ? " +=" : "");
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->rows[i].name, name) == 0) return &p->rows[i];
    if (p->n == MOST_ROWS) p->n--;
    p->rows[p->n] = (struct row){ .seconds = 0 };
    memcpy(p->rows[p->n].name, name, sizeof name);
    return &p->rows[p->n++];
}

static rk_status before(rk_ctx *ctx, void *watch, const struct call *c)
{
    struct watch *w = watch;
    (void)ctx;
    (void)c;
    w->began = now(w->b);
    return RK_OK;
}

static rk_status after(rk_ctx *ctx, void *watch, const struct call *c)
{
    struct watch *w = watch;
    double seconds = now(w->b) - w->began;
    (void)ctx;
    const struct step *s = &w->plan->steps[w->next];
    w->next = (w->next + 1) % w->plan->n_steps;
    if (!w->b->counting) return RK_OK;
    struct row *r = row_of(&w->b->profile, s);
    r->seconds += seconds;
    r->flops += c->prepared->product_flops;
    r->calls++;
    return RK_OK;
}

static void watch_all(struct bench *b)
{
    for (int i = 0; i < STAGES; i++) {
        struct run *r = b->train->stage[i].run;
        if (r == NULL) continue;
        struct watch *w = &b->watch[i];
        *w = (struct watch){ .b = b, .plan = r->plan, .backend = *r->backend };
        w->backend.before = before;
        w->backend.after = after;
        r->backend = &w->backend;
        r->watch = w;
    }
}

/* --- opening --- */

static void make_tokens(struct bench *b, size_t n)
{
    uint32_t *ids = malloc(n * sizeof *ids), state = 1;
    if (ids == NULL) die(b, "no memory");
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        ids[i] = (uint32_t)((double)(state >> 8) * 0x1p-24 * b->vocab);
    }
    b->tokens = (rk_tokens){ .at = (const unsigned char *)ids, .n = n, .bytes_each = sizeof *ids };
}

static double number(const struct bench *b, const char *field)
{
    double x = 0;
    if (rk_model_number(b->model, field, &x) != RK_OK) die(b, field);
    return x;
}

static void open_bench(struct bench *b, rk_ctx *ctx, const char *model, int64_t batch, int64_t seq)
{
    const char *blas = getenv("BENCH_BLAS"), *clock = getenv("BENCH_CLOCK"), *policy = getenv("BENCH_POLICY");
    *b = (struct bench){ .ctx = ctx, .busy = clock != NULL && strcmp(clock, "cpu") == 0 };
    if (rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = blas }, &b->device) != RK_OK) die(b, "device");
    if (rk_model_open(ctx, model, &b->model) != RK_OK) die(b, model);
    b->vocab = number(b, "vocab");
    make_tokens(b, (size_t)(batch * seq + 1));                      /* one batch: the loss must fall */
    rk_train_options o = rk_train_defaults();
    if (policy != NULL) (void)snprintf(o.policy, sizeof o.policy, "%s", policy);
    o.batch = batch, o.seq = seq, o.no_dropout = true, o.validation = 0, o.warmup = 0, o.steps = 1000;
    rk_train_setup setup = { .model = b->model, .device = b->device, .data = { .tokens = &b->tokens, .document_end = -1 }, .options = &o };
    if (rk_train_open(ctx, &setup, &b->train) != RK_OK) die(b, "training");
    double t = (double)seq;
    b->flops = (double)b->train->model_flops - 6 * (double)batch * t * t * number(b, "hidden") * number(b, "layer");
    watch_all(b);
}

static void close_bench(struct bench *b)
{
    rk_train_close(b->train);
    rk_model_close(b->model);
    rk_device_close(b->device);
    free((void *)(uintptr_t)b->tokens.at);
}

/* --- measuring --- */

static double take_step(struct bench *b)
{
    rk_train_report r;
    double start = now(b), processor = clock_process_seconds();
    if (rk_train_step(b->train, &r) != RK_OK) die(b, "step");
    double took = (now(b) - start) / (b->busy ? rk_ctx_threads(b->ctx) : 1);
    b->processor = clock_process_seconds() - processor;
    b->loss = r.loss;
    return took;
}

/* The burst itself keeps to the clock: on a busy machine what it says is set right by how long it was allowed to run. */
static double take_burst(struct bench *b)
{
    int threads = rk_ctx_threads(b->ctx);
    double start = clock_seconds(), processor = clock_process_seconds(), peak = burst_flops(b->ctx, isa_best(), threads, 0.02);
    if (b->busy) peak *= (clock_seconds() - start) * threads / (clock_process_seconds() - processor);
    if (peak > b->best_burst) b->best_burst = peak;
    return b->busy ? b->best_burst : peak;
}

static void check(struct bench *b, double first)
{
    char what[128];
    (void)snprintf(what, sizeof what, "wrong: loss %.3f, then %.3f, ln V %.3f", first, b->loss, log(b->vocab));
    if (!(fabs(first - log(b->vocab)) < 0.6) || !(b->loss < first)) die(b, what);
    for (int i = 0; i < STAGES; i++) {
        const struct run *r = b->train->stage[i].run;
        for (int k = 0; r != NULL && k < r->plan->n_steps; k++)
            if (r->issued[k] != r->plan->steps[k].prepared.product_flops * (uint64_t)r->runs) die(b, "wrong: the kernels issued other FLOPs than the plan says");
    }
}

static void warm_up(struct bench *b)
{
    (void)take_step(b);
    double first = b->loss;
    for (int i = 1; i < WARM; i++) (void)take_step(b);
    check(b, first);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int longest(const void *a, const void *b)
{
    double x = ((const struct row *)a)->seconds, y = ((const struct row *)b)->seconds;
    return x > y ? -1 : x < y;
}

static void print_profile(struct bench *b, int steps)
{
    double all = 0;
    qsort(b->profile.rows, (size_t)b->profile.n, sizeof b->profile.rows[0], longest);
    for (int i = 0; i < b->profile.n; i++) all += b->profile.rows[i].seconds;
    for (int i = 0; i < b->profile.n; i++) {
        const struct row *r = &b->profile.rows[i];
        double each = r->seconds / steps / (b->busy ? rk_ctx_threads(b->ctx) : 1);
        if (r->seconds < all * 0.002) continue;
        printf("  %5.1f %% %9.1f ms  x%-3d ", 100 * r->seconds / all, each * 1e3, r->calls / steps);
        if (r->flops > 0) printf("%7.1f GFLOP/s  ", (double)r->flops / steps / each * 1e-9);
        else printf("%17s", "");
        printf("%s\n", r->name);
    }
}

static void measure(struct bench *b, const char *model, int64_t batch, int64_t seq)
{
    static double seconds[MOST], share[MOST];
    int n = (int)usage_count(usage, "BENCH_STEPS", getenv("BENCH_STEPS"), 5, 1, MOST);
    printf("%s, batch %lld, %lld tokens: %.1f GFLOP in a step, arena %.1f MiB, states %.1f MiB\n  %s\n", model, (long long)batch, (long long)seq, b->flops * 1e-9,
           (double)train_arena_bytes(b->train) / 1048576, (double)train_states_bytes(b->train) / 1048576, rk_device_text(b->device));
    warm_up(b);
    b->counting = true;
    for (int i = 0; i < n; i++) {
        double peak = take_burst(b);
        seconds[i] = take_step(b);
        peak = b->busy ? take_burst(b) : (peak + take_burst(b)) / 2;
        share[i] = b->flops / seconds[i] / peak;
    }
    qsort(seconds, (size_t)n, sizeof *seconds, ascending);
    qsort(share, (size_t)n, sizeof *share, ascending);
    printf("  median of %d: %.3f s (best %.3f), %.1f GFLOP/s, %.1f %% of the burst beside it (best burst %.1f GFLOP/s); peak memory %.2f GiB\n", n, seconds[n / 2], seconds[0],
           b->flops / seconds[n / 2] * 1e-9, 100 * share[n / 2], b->best_burst * 1e-9, (double)rk_process_peak_bytes() / 1073741824);
    print_profile(b, n);
    fflush(stdout);
}

static void serve(struct bench *b)
{
    char word[16];
    warm_up(b);
    printf("{\"ready\": true, \"flops\": %.0f, \"device\": \"%s\"}\n", b->flops, rk_device_text(b->device));
    for (fflush(stdout); scanf("%15s", word) == 1; fflush(stdout)) {
        if (strcmp(word, "burst") == 0) printf("{\"peak\": %.0f}\n", take_burst(b));
        else {
            double took = take_step(b);
            printf("{\"seconds\": %.6f, \"processor\": %.6f, \"loss\": %.6f, \"memory\": %lld}\n", took, b->processor, b->loss, (long long)rk_process_peak_bytes());
        }
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    static char *standard[] = { "", "cs336-17m", "32", "256", "gpt2", "4", "64" };
    const char *clock = getenv("BENCH_CLOCK");
    if (usage_help(argc, argv, usage)) return 0;
    bool served = argc > 1 && strcmp(argv[1], "--serve") == 0;
    rk_ctx *ctx;
    if (served) argv++, argc--;
    if (argc == 1) argv = standard, argc = 7;
    if ((argc - 1) % 3 != 0) return (void)fprintf(stderr, "usage: %s\n", usage), 2;
    int n = usage_threads(usage, clock != NULL && strcmp(clock, "cpu") == 0 ? 1 : 0);
    if (rk_ctx_open(&(rk_options){ .threads = n }, &ctx) != RK_OK) return 1;
    for (int i = 1; i < argc; i += 3) {
        int64_t batch = usage_count(usage, "BATCH", argv[i + 1], 1, 1, 1 << 20), seq = usage_count(usage, "SEQ", argv[i + 2], 1, 1, 1 << 20);
        open_bench(&b, ctx, argv[i], batch, seq);
        if (served) serve(&b);
        else measure(&b, argv[i], batch, seq);
        close_bench(&b);
    }
    rk_ctx_close(ctx);
    return 0;
}
