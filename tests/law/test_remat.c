/* What is made again is what it was: on random graphs with gradients, to the last bit; and a training step of a model keeps
 * for each layer what it has to and nothing else. */
#include "backend/cpu/cpu.h"
#include "backward.h"
#include "dag.h"
#include "execute.h"
#include "model/model.h"
#include "pass/pass.h"
#include "train/graphs.h"

/* --- random graphs --- */

static void same_bits(struct sample *s, const struct outcome *did, const struct outcome *expected)
{
    HOLDS(s, did->n == expected->n);
    for (int i = 0; i < did->n && !s->failed; i++) {
        HOLDS(s, did->count[i] == expected->count[i]);
        if (!s->failed && memcmp(did->at[i], expected->at[i], (size_t)did->count[i] * sizeof(double)) != 0) sample_fails(s, "%s is another one", did->name[i]);
    }
}

static void evaluate_into(struct sample *s, struct outcome *out)
{
    struct values v;
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    outcome_of(&v, out);
    values_close(&v);
}

static int remade;                      /* nodes that came to be twice, over all samples */

static void is_what_it_was(struct sample *given)
{
    static struct sample s;
    static struct outcome before, after;
    rk_graph *again = NULL, *whole;
    const struct dag_options options = { .dtype = RK_f64, .steps = 3 + (int)draw(given, 28), .fused = true, .smooth = true, .differentiable = true };
    draw_dag(given, &options);
    if (!rk_graph_ok(given->g)) { sample_fails(given, "refused: %s", given->g->message); return; }
    if (!sample_write_out(given, NULL, NULL, &s)) return;
    rk_ref backward = add_gradients(&s);
    whole = s.g;
    evaluate_into(&s, &before);
    if (pass_remat(s.ctx, whole, backward, &again) != RK_OK || pass_validate(s.ctx, again) != RK_OK) sample_fails(&s, "%s", rk_error_message(s.ctx));
    else {
        for (int i = 0; i < s.n_leaves; i++) {
            const struct node *n = node_of(whole, s.leaf[i].ref);
            s.leaf[i].ref = graph_find_source(again, n->op, n->at.i[0], n->text);
        }
        remade += again->nodes.n - whole->nodes.n;
        s.g = again;
        evaluate_into(&s, &after);
        same_bits(&s, &after, &before);
        outcome_free(&after);
    }
    outcome_free(&before);
    sample_blame(given, &s);
    rk_graph_close(again);
    rk_graph_close(whole);
}

TEST(values_made_again_are_what_they_were)
{
    const struct law law = { .body = is_what_it_was, .rounds = 300, .largest = 5, .zeros = true, .views = true, .ties = true };
    remade = 0;
    FOR_SEEDS("remat", law);
    EXPECT(remade > 300);
}

/* --- models --- */

enum { BATCH = 2, SEQ = 32 };

/* Bytes alive where most is, of a micro-batch of a model with so many layers. */
static int64_t peak_of(rk_ctx *ctx, const char *spec, int layers)
{
    char name[256];
    rk_model *m;
    struct built built;
    struct plan *plan;
    rk_graph *g;
    const struct build_options options = { .purpose = FOR_TRAINING, .batch = BATCH, .seq = SEQ, .dtype = RK_f32 };
    (void)snprintf(name, sizeof name, spec, layers);
    OK(ctx, rk_model_open(ctx, name, &m));
    OK(ctx, model_build(ctx, m, &options, &built));
    OK(ctx, train_micro(ctx, backend_cpu(), built.g, built.parameters.at, built.parameters.n, false, &g));
    OK(ctx, pass_lower(ctx, g, backend_cpu(), &plan));
    OK(ctx, pass_place(ctx, plan, &(struct plan_options){ .reuse = true }));
    int64_t bytes = plan->peak_bytes;
    plan_free(plan);
    rk_graph_close(g);
    built_close(&built);
    rk_model_close(m);
    return bytes;
}

/* Of a layer, per token: what comes in and what the first half makes of it, q, k and v (after rope), what attention makes, and
 * what goes into the activation. Norms, activations and gates are made again. */
TEST(a_layer_keeps_what_cannot_be_made_cheaply)
{
    static const struct { const char *spec; int64_t numbers; } known[] = {
        { "gpt2:n_layer=%d,n_embd=64,n_head=4,vocab_size=4096",                       (2 + 3 + 1) * 64 + 4 * 64 },
        { "cs336-17m:num_layers=%d,d_model=64,num_heads=4,d_ff=192,vocab_size=4096",  (2 + 3 + 1) * 64 + 2 * 192 },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        EXPECT_INT(peak_of(ctx, known[i].spec, 4) - peak_of(ctx, known[i].spec, 3), known[i].numbers * BATCH * SEQ * 4);
}
