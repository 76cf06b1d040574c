/* Every back end gives what the evaluator gives, on random graphs: through lowering, sharing of memory, addresses and runs. */
#include "backend/guard/guard.h"
#include "backend/meter/meter.h"
#include "backend/ref/ref.h"
#include "dag.h"
#include "execute.h"
#include "interpret.h"
#include "pass/pass.h"
#include <stdlib.h>

struct trial { const char *what; const struct backend *backend; rk_dtype dtype; double tolerance; bool no_reuse, live; };

static const struct trial *trial;

static void compare(struct sample *s, const struct outcome *did, const struct outcome *expected, double tolerance)
{
    sample_notes(s, did->plan);
    HOLDS(s, did->n == expected->n);
    for (int i = 0; i < did->n && !s->failed; i++) {
        HOLDS(s, did->count[i] == expected->count[i]);
        for (int64_t k = 0; k < did->count[i] && !s->failed; k++) {
            double a = did->at[i][k], b = expected->at[i][k];
            bool same = fabs(a - b) <= tolerance * (1 + fabs(b)) || a == b || (isnan(a) && isnan(b));
            if (!same) sample_fails(s, "%s on %s: element %lld is %.9g, expected %.9g", did->name[i], trial->what, (long long)k, a, b);
        }
    }
}

static void equals_evaluator(struct sample *s)
{
    static struct sample out;
    struct values v;
    struct outcome did, expected;
    const struct execution e = { .backend = trial->backend, .no_reuse = trial->no_reuse };
    const struct dag_options options = { .dtype = trial->dtype, .steps = 3 + (int)draw(s, 28), .fused = true, .smooth = trial->tolerance > 1e-9, .live = trial->live };
    draw_dag(s, &options);
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    if (!sample_write_out(s, NULL, NULL, &out)) return;
    values_open(&v, s->ctx, out.g);
    sample_fill(&out, &v);
    if (execute(s->ctx, out.g, &v, &e, &did) != RK_OK) sample_fails(&out, "%s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
    else {
        outcome_of(&v, &expected);
        compare(&out, &did, &expected, trial->tolerance);
        outcome_free(&did);
        outcome_free(&expected);
    }
    values_close(&v);
    sample_blame(s, &out);
    rk_graph_close(out.g);
}

static void try_backend(const struct trial *t, int rounds, bool zeros)
{
    const struct law law = { .body = equals_evaluator, .rounds = rounds, .largest = 5, .zeros = zeros, .views = true, .ties = true };
    trial = t;
    FOR_SEEDS(t->what, law);
}

TEST(ref_is_the_evaluator)
{
    try_backend(&(struct trial){ "ref", backend_ref(), RK_f64, 1e-12, .live = false }, 300, true);
    try_backend(&(struct trial){ "ref, f32", backend_ref(), RK_f32, 1e-12, .live = false }, 100, true);
    try_backend(&(struct trial){ "ref, without reuse", backend_ref(), RK_f64, 1e-12, .no_reuse = true }, 100, true);
}

TEST(truth_is_the_evaluator_rounded)            /* constants are f32, even next to f64 */
{
    try_backend(&(struct trial){ "truth, f64", backend_truth(), RK_f64, 1e-6, .live = false }, 300, true);
    try_backend(&(struct trial){ "truth, f32", backend_truth(), RK_f32, 2e-5, .live = false }, 300, true);
}

TEST(live_dimensions_take_their_current_extent)
{
    try_backend(&(struct trial){ "ref, live", backend_ref(), RK_f64, 1e-12, .live = true }, 200, true);
    try_backend(&(struct trial){ "truth, live", backend_truth(), RK_f32, 2e-5, .live = true }, 200, true);
    try_backend(&(struct trial){ "interpreter, live", backend_interpreter(), RK_f32, 2e-5, .live = true }, 200, true);
}

TEST(meter_is_the_evaluator)
{
    try_backend(&(struct trial){ "meter", backend_meter(), RK_f64, 1e-12, .live = false }, 200, true);
}

TEST(groups_of_elementwise_nodes_are_what_they_were)
{
    try_backend(&(struct trial){ "interpreter, f64", backend_interpreter(), RK_f64, 1e-6, .live = false }, 400, true);
    try_backend(&(struct trial){ "interpreter, f32", backend_interpreter(), RK_f32, 2e-5, .live = false }, 200, true);
    try_backend(&(struct trial){ "interpreter, f64, without reuse", backend_interpreter(), RK_f64, 1e-6, .no_reuse = true }, 100, true);
}

/* --- memory: nobody writes where it may not, and a plan's bytes are the bytes that are touched --- */

struct watched { rk_ctx *ctx; struct guard *guard; size_t results, workspace, bytes; };

/* How far a plan's values reach, by what they are. */
static size_t reach(const struct plan *plan, bool workspace)
{
    int64_t end = 0;
    for (int i = 0; i < plan->n_values; i++) {
        const struct plan_value *v = &plan->values[i];
        if ((v->tag == RK_WORKSPACE) == workspace && v->bytes > 0 && v->at + v->bytes > end) end = v->at + v->bytes;
    }
    return (size_t)end;
}

static void *watch_memory(void *user, struct run *r)
{
    struct watched *w = user;
    rk_status status = guard_watch(w->ctx, w->guard, "the arena", r->arena, (size_t)r->plan->bytes, true);
    if (status == RK_OK) status = guard_watch(w->ctx, w->guard, "the inputs", r->input_arena, (size_t)r->input_bytes, false);
    for (int k = 0; k < RK_KIND_COUNT && status == RK_OK; k++)
        status = guard_watch(w->ctx, w->guard, rk_kind_words((rk_kind)k), r->store->base[k], (size_t)r->store->bytes[k], false);
    if (status != RK_OK) abort();
    w->results = reach(r->plan, false);
    w->workspace = reach(r->plan, true);
    w->bytes = (size_t)r->plan->bytes;
    return w->guard;
}

static void stays_inside(struct sample *s)
{
    static struct sample out;
    struct backend guarded;
    struct values v;
    struct outcome did, expected;
    struct watched w = { .ctx = s->ctx };
    const struct dag_options options = { .dtype = trial->dtype, .steps = 3 + (int)draw(s, 28), .fused = true, .smooth = trial->tolerance > 1e-9, .live = trial->live };
    guard_over(trial->backend, &guarded);
    if (guard_open(s->ctx, trial->backend, &w.guard) != RK_OK) abort();
    const struct execution e = { .backend = &guarded, .no_reuse = trial->no_reuse, .watch = watch_memory, .user = &w };
    draw_dag(s, &options);
    if (!rk_graph_ok(s->g) || !sample_write_out(s, NULL, NULL, &out)) { guard_close(w.guard); return; }
    values_open(&v, s->ctx, out.g);
    sample_fill(&out, &v);
    if (execute(s->ctx, out.g, &v, &e, &did) != RK_OK) sample_fails(&out, "%s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
    else {
        outcome_of(&v, &expected);
        compare(&out, &did, &expected, trial->tolerance);
        outcome_free(&did);
        outcome_free(&expected);
        const struct guard_region none = { .name = "" }, *arena = w.bytes > 0 ? &w.guard->region[0] : &none;
        HOLDS(&out, arena->results_end == w.results && arena->workspace_end == w.workspace);
        HOLDS(&out, arena->changed_end <= w.bytes && (w.workspace > w.results || arena->changed_end + PLAN_ALIGNMENT > w.bytes));
    }
    guard_close(w.guard);
    values_close(&v);
    sample_blame(s, &out);
    rk_graph_close(out.g);
}

static void try_guarded(const struct trial *t, int rounds)
{
    const struct law law = { .body = stays_inside, .rounds = rounds, .largest = 4, .zeros = true, .views = true, .ties = true };
    trial = t;
    FOR_SEEDS(t->what, law);
}

TEST(plans_touch_the_bytes_they_ask_for_and_no_other)
{
    try_guarded(&(struct trial){ "guarded ref", backend_ref(), RK_f64, 1e-12, .live = false }, 150);
    try_guarded(&(struct trial){ "guarded interpreter", backend_interpreter(), RK_f32, 2e-5, .live = false }, 150);
}
