/* The processor's back end gives what the evaluator gives, on random graphs, forward and gradients, with fused operations as
 * far as it has kernels for them; on every instruction set that runs here; and it is the same bits on 1 and 2 threads, with
 * and without reuse of memory, and nothing is touched outside. labels: threads */
#include "agree.h"
#include "backend/cpu/cpu.h"
#include "backend/guard/guard.h"
#include "dag.h"
#include <stdlib.h>

static const struct backend *backend;
static const double NEAR_ENOUGH = 2e-5;

/* A run in a context of its own, on so many threads. */
static bool attempt(struct sample *s, const char *what, const rk_graph *g, const struct values *v, const struct execution *e, int threads, struct outcome *out)
{
    const rk_options options = { .threads = threads };
    rk_ctx *ctx;
    if (rk_ctx_open(&options, &ctx) != RK_OK) abort();
    rk_status status = execute(ctx, g, v, e, out);
    if (status != RK_OK) sample_fails(s, "%s: %s\n%s", what, rk_error_message(ctx), rk_error_trail(ctx));
    if (rk_ctx_bytes(ctx) != 0) sample_fails(s, "%s: %zu bytes were not given back", what, rk_ctx_bytes(ctx));
    rk_ctx_close(ctx);
    return status == RK_OK;
}

struct watched { rk_ctx *ctx; struct guard *guard; };

static void *watch_memory(void *user, struct run *r)
{
    struct watched *w = user;
    rk_status status = guard_watch(w->ctx, w->guard, "the arena", r->arena, (size_t)r->plan->bytes, true);
    if (status == RK_OK) status = guard_watch(w->ctx, w->guard, "the inputs", r->input_arena, (size_t)r->input_bytes, false);
    for (int k = 0; k < RK_KIND_COUNT && status == RK_OK; k++)
        status = guard_watch(w->ctx, w->guard, rk_kind_words((rk_kind)k), r->store->base[k], (size_t)r->store->bytes[k], false);
    if (status != RK_OK) abort();
    return w->guard;
}

static void check_guarded(struct sample *s, const struct values *v, const struct outcome *expected)
{
    static struct outcome did;
    struct watched w = { .ctx = s->ctx };
    struct backend guarded;
    guard_over(backend, &guarded);
    if (guard_open(s->ctx, backend, &w.guard) != RK_OK) abort();
    const struct execution e = { .backend = &guarded, .watch = watch_memory, .user = &w };
    if (execute(s->ctx, s->g, v, &e, &did) != RK_OK) sample_fails(s, "guarded: %s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
    else agree(s, "guarded", &did, expected, 0);
    outcome_free(&did);
    guard_close(w.guard);
}

static void check_variants(struct sample *s, struct values *v, const struct outcome *expected)
{
    static struct outcome first, other;
    const struct execution plain = { .backend = backend }, apart = { .backend = backend, .no_reuse = true };
    if (!attempt(s, "1 thread", s->g, v, &plain, 1, &first)) return;
    agree(s, backend->name, &first, expected, NEAR_ENOUGH);
    if (!s->failed && attempt(s, "2 threads", s->g, v, &plain, 2, &other)) {
        agree(s, "2 threads", &other, &first, 0);
        outcome_free(&other);
    }
    if (!s->failed && attempt(s, "without reuse", s->g, v, &apart, 1, &other)) {
        agree(s, "without reuse", &other, &first, 0);
        outcome_free(&other);
    }
    if (!s->failed) check_guarded(s, v, &first);
    outcome_free(&first);
}

static void equals_evaluator(struct sample *s, bool gradients, bool live)
{
    static struct sample meaning, kept;
    static struct outcome expected;
    struct values v, w;
    const struct dag_options options = { .dtype = RK_f32, .steps = 3 + (int)draw(s, 28), .fused = true, .smooth = true, .differentiable = gradients, .live = live };
    draw_dag(s, &options);
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    if (!agree_variant(s, NULL, gradients, &meaning)) return;
    values_open(&v, s->ctx, meaning.g);
    sample_fill(&meaning, &v);
    outcome_of(&v, &expected);
    values_close(&v);
    if (agree_variant(s, backend, gradients, &kept)) {
        values_open(&w, s->ctx, kept.g);
        sample_fill(&kept, &w);
        check_variants(&kept, &w, &expected);
        values_close(&w);
        sample_blame(s, &kept);
        rk_graph_close(kept.g);
    }
    outcome_free(&expected);
    rk_graph_close(meaning.g);
}

static void forward(struct sample *s) { equals_evaluator(s, false, false); }
static void backward(struct sample *s) { equals_evaluator(s, true, false); }
static void at_extents(struct sample *s) { equals_evaluator(s, false, true); }

static void on_every_isa(law_body *body, int rounds)
{
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        char what[64];
        const struct law law = { .body = body, .rounds = TEST_RACES ? rounds / TEST_FEWER : rounds, .largest = 6, .zeros = true, .views = true, .ties = true };
        if (!isa_runs((enum isa)isa)) continue;
        backend = backend_cpu_isa((enum isa)isa);
        (void)snprintf(what, sizeof what, "cpu %s", isa_rows[isa].name);
        FOR_SEEDS(what, law);
    }
}

TEST(cpu_is_the_evaluator) { on_every_isa(forward, 100); }
TEST(cpu_gradients_are_the_evaluators) { on_every_isa(backward, 60); }
TEST(cpu_takes_current_extents) { on_every_isa(at_extents, 60); }
