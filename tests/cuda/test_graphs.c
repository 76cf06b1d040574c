/* A CUDA device gives what the evaluator gives, on random graphs, forward and gradients, with the fused operations it has kernels for:
 * every dtype it computes in, current extents, empty dimensions, without reuse of memory; and the same bits when a run is recorded and
 * replayed. */
#include "device.h"
#include "law/agree.h"
#include "law/dag.h"

struct trial { const char *what; rk_dtype dtype; double tolerance; bool gradients, live, no_reuse; int steps; void (*draw)(struct sample *s); };

static const struct trial *trial;

static void check(struct sample *s, const struct values *v, const struct backend *b, const struct outcome *expected)
{
    static struct outcome first, again;
    const struct execution once = { .backend = b, .no_reuse = trial->no_reuse }, replayed = { .backend = b, .no_reuse = trial->no_reuse, .runs = 2 };
    if (execute(s->ctx, s->g, v, &once, &first) != RK_OK) { sample_fails(s, "%s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx)); return; }
    agree(s, trial->what, &first, expected, trial->tolerance);
    bool updates = false;                       /* runs that go on from what the last one left */
    for (rk_ref r = 1; r < s->g->nodes.n; r++) updates = updates || node_of(s->g, r)->op == &op_update;
    if (!s->failed && !updates) {
        if (execute(s->ctx, s->g, v, &replayed, &again) != RK_OK) sample_fails(s, "replayed: %s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
        else agree(s, "replayed", &again, &first, 0);
        outcome_free(&again);
    }
    outcome_free(&first);
}

static void on_device(struct sample *meaning, struct sample *s, const struct outcome *expected)
{
    static struct sample kept;
    struct cuda_machine *machine;
    struct backend b;
    struct values v;
    (void)meaning;
    device_of_test(s->ctx, &machine, &b);
    if (agree_variant(s, &b, trial->gradients, &kept)) {
        values_open(&v, s->ctx, kept.g);
        sample_fill(&kept, &v);
        check(&kept, &v, &b, expected);
        values_close(&v);
        sample_blame(s, &kept);
        rk_graph_close(kept.g);
    }
    cuda_close(machine);
}

static void equals_evaluator(struct sample *s)
{
    static struct sample meaning;
    static struct outcome expected;
    struct values v;
    const struct dag_options options = { .dtype = trial->dtype, .steps = 3 + (int)draw(s, (uint64_t)trial->steps), .fused = true, .smooth = true,
                                         .differentiable = trial->gradients, .live = trial->live };
    if (trial->draw != NULL) trial->draw(s);
    else draw_dag(s, &options);
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    if (!agree_variant(s, NULL, trial->gradients, &meaning)) return;
    values_open(&v, s->ctx, meaning.g);
    sample_fill(&meaning, &v);
    outcome_of(&v, &expected);
    values_close(&v);
    on_device(&meaning, s, &expected);
    outcome_free(&expected);
    rk_graph_close(meaning.g);
}

/* One fused operation along rows of some length: in one lane each, in a warp, in a block; a multiple of 16 bytes, or not. */
static void draw_rows(struct sample *s)
{
    static const int64_t lengths[] = { 2, 17, 24, 256, 520, 768, 1000, 1024, 2048, 4097, 8192, 9000 };
    rk_dtype dtype = trial->dtype;
    int64_t n = lengths[draw(s, sizeof lengths / sizeof *lengths)];
    rk_dim seq = draw_dim_of(s, 3), row = draw_dim_of(s, n), all[] = { draw_dim_of(s, 2), seq, row }, matrix[] = { row, draw_dim_of(s, 8) }, few[] = { all[0], seq, matrix[1] };
    const char *name = dim_text(s, row);
    int kind = (int)draw(s, 6);
    rk_ref y = 0, x = draw_operand(s, dtype, ANY_SIGN, 3, kind == 5 ? few : all);
    rk_ref weight = kind < 3 && draw(s, 2) ? draw_leaf(s, dtype, ANY_SIGN, 1, &row) : 0, bias = (kind == 0 || kind == 2 || kind == 5) && draw(s, 2) ? draw_leaf(s, dtype, ANY_SIGN, 1, &row) : 0;
    if (kind == 0) y = rk_layer_norm(s->g, x, name, weight, bias, 1e-2);
    if (kind == 1) y = rk_rms_norm(s->g, x, name, weight, 1e-2);
    if (kind == 2) y = rk_deviation_norm(s->g, x, name, weight, bias, 1e-2);
    if (kind == 3) y = rk_softmax(s->g, x, name);
    if (kind == 4) y = rk_rope(s->g, x, dim_text(s, seq), NULL, name, draw(s, 2) ? RK_ROPE_HALVES : RK_ROPE_INTERLEAVED, n < 4 ? 2 : n / (1 + (int64_t)draw(s, 2)) / 2 * 2, 1e4);
    if (kind == 5) y = rk_xent_head(s->g, x, draw_leaf(s, dtype, ANY_SIGN, 2, matrix), bias, draw_ids(s, n, true, 2, all), dim_text(s, matrix[1]), name);
    rk_output(s->g, "out0", y);
}

static void try_graphs(const struct trial *t, int few, int many)
{
    const struct law law = { .body = equals_evaluator, .rounds = device_rounds(few, many), .largest = 6, .zeros = true, .views = true, .ties = true };
    trial = t;
    FOR_SEEDS(t->what, law);
}

TEST(forward_f32) { try_graphs(&(struct trial){ "cuda, f32", RK_f32, 2e-5, .steps = 28 }, 16, 40); }
TEST(forward_f64) { try_graphs(&(struct trial){ "cuda, f64", RK_f64, 1e-6, .steps = 28 }, 8, 20); }
TEST(gradients_f32) { try_graphs(&(struct trial){ "cuda, gradients", RK_f32, 2e-5, .gradients = true, .steps = 20 }, 8, 20); }
TEST(live_dimensions) { try_graphs(&(struct trial){ "cuda, live", RK_f32, 2e-5, .live = true, .steps = 28 }, 8, 20); }
TEST(without_reuse) { try_graphs(&(struct trial){ "cuda, without reuse", RK_f32, 2e-5, .no_reuse = true, .steps = 28 }, 5, 12); }
TEST(forward_bf16) { try_graphs(&(struct trial){ "cuda, bf16", RK_bf16, 0.1, .steps = 6 }, 8, 20); }
TEST(forward_f16) { try_graphs(&(struct trial){ "cuda, f16", RK_f16, 0.02, .steps = 6 }, 8, 20); }
TEST(rows_f32) { try_graphs(&(struct trial){ "cuda, rows", RK_f32, 2e-5, .gradients = true, .draw = draw_rows }, 5, 24); }
TEST(rows_f16) { try_graphs(&(struct trial){ "cuda, rows of f16", RK_f16, 0.02, .gradients = true, .draw = draw_rows }, 4, 24); }
