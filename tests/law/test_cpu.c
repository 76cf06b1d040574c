/* The processor's back end gives what the evaluator gives, on random graphs, forward and gradients, with fused operations as
 * far as it has kernels for them; on every instruction set that runs here; and it is the same bits on 1 and 2 threads, with
 * and without reuse of memory, and nothing is touched outside. labels: threads */
#include "backend/cpu/cpu.h"
#include "backend/guard/guard.h"
#include "backward.h"
#include "dag.h"
#include "execute.h"
#include "pass/pass.h"
#include <stdlib.h>

static const struct backend *backend;
static const double NEAR_ENOUGH = 2e-5;

static bool takes(void *user, const rk_graph *g, rk_ref r) { return backend_takes(user, g, r, true); }

/* What is cheap made again for the gradients: the graph that training runs. */
static void remake(struct sample *s, struct sample *out, rk_ref backward)
{
    rk_graph *again;
    if (pass_remat(s->ctx, out->g, backward, &again) != RK_OK) { sample_fails(s, "not made again: %s", rk_error_message(s->ctx)); return; }
    for (int i = 0; i < out->n_leaves; i++) {
        const struct node *n = node_of(out->g, out->leaf[i].ref);
        out->leaf[i].ref = graph_find_source(again, n->op, n->at.i[0], n->text);
    }
    rk_graph_close(out->g);
    out->g = again;
}

/* The sample with fused operations written out but where `with` takes them (NULL: all), and gradients. */
static bool variant(struct sample *s, const struct backend *with, bool gradients, struct sample *out)
{
    rk_ref backward = 0;
    if (!sample_write_out(s, with != NULL ? takes : NULL, (void *)(uintptr_t)with, out)) return false;
    if (gradients) backward = add_gradients(out);
    if (!rk_graph_ok(out->g)) sample_fails(s, "refused: %s", out->g->message);
    else if (with != NULL && gradients) remake(s, out, backward);
    return !s->failed;
}

static void compare(struct sample *s, const char *what, const struct outcome *did, const struct outcome *expected, double tolerance)
{
    sample_notes(s, did->plan);
    HOLDS(s, did->n == expected->n);
    for (int i = 0; i < did->n && !s->failed; i++) {
        double scale = 1;
        HOLDS(s, did->count[i] == expected->count[i]);
        for (int64_t k = 0; k < did->count[i]; k++) scale = fmax(scale, fabs(expected->at[i][k]));
        for (int64_t k = 0; k < did->count[i] && !s->failed; k++) {
            double a = did->at[i][k], b = expected->at[i][k];
            if (!(fabs(a - b) <= tolerance * scale) && memcmp(&a, &b, sizeof a) != 0 && !(a == b && tolerance > 0))
                sample_fails(s, "%s, %s: element %lld is %.9g, expected %.9g", what, did->name[i], (long long)k, a, b);
        }
    }
}

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
    else compare(s, "guarded", &did, expected, 0);
    outcome_free(&did);
    guard_close(w.guard);
}

static void check_variants(struct sample *s, struct values *v, const struct outcome *expected)
{
    static struct outcome first, other;
    const struct execution plain = { .backend = backend }, apart = { .backend = backend, .no_reuse = true };
    if (!attempt(s, "1 thread", s->g, v, &plain, 1, &first)) return;
    compare(s, backend->name, &first, expected, NEAR_ENOUGH);
    if (!s->failed && attempt(s, "2 threads", s->g, v, &plain, 2, &other)) {
        compare(s, "2 threads", &other, &first, 0);
        outcome_free(&other);
    }
    if (!s->failed && attempt(s, "without reuse", s->g, v, &apart, 1, &other)) {
        compare(s, "without reuse", &other, &first, 0);
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
    if (!variant(s, NULL, gradients, &meaning)) return;
    values_open(&v, s->ctx, meaning.g);
    sample_fill(&meaning, &v);
    outcome_of(&v, &expected);
    values_close(&v);
    if (variant(s, backend, gradients, &kept)) {
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
        const struct law law = { .body = body, .rounds = rounds, .largest = 6, .zeros = true, .views = true, .ties = true };
        if (!isa_runs((enum isa)isa)) continue;
        backend = backend_cpu_isa((enum isa)isa);
        (void)snprintf(what, sizeof what, "cpu %s", isa_rows[isa].name);
        FOR_SEEDS(what, law);
    }
}

TEST(cpu_is_the_evaluator) { on_every_isa(forward, 100); }
TEST(cpu_gradients_are_the_evaluators) { on_every_isa(backward, 60); }
TEST(cpu_takes_current_extents) { on_every_isa(at_extents, 60); }
