/* Law: padding is not there. A batch of sequences of different lengths has the loss that each has alone, and so have sources; what
 * stands in the padding, ids, segments, makes no difference. For every family that sees more than what came before. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "base/rng.h"
#include "infer/session.h"
#include "test.h"
#include "tiny.h"

enum { BATCH = 3, SEQ = 7, SOURCE = 6, VOCAB = 13 };

struct batch {
    int32_t tokens[BATCH * SEQ], segments[BATCH * SEQ], labels[BATCH * SEQ], source[BATCH * SOURCE], next[BATCH];
    int32_t lengths[BATCH], source_lengths[BATCH];
};

static void draw_batch(struct batch *x)
{
    for (int b = 0; b < BATCH; b++) {
        x->lengths[b] = b == 0 ? SEQ : 1 + (int32_t)test_random(SEQ);
        x->source_lengths[b] = b == 0 ? SOURCE : 1 + (int32_t)test_random(SOURCE);
        x->next[b] = (int32_t)test_random(3) - 1;
        for (int t = 0; t < SEQ; t++) {
            x->tokens[b * SEQ + t] = (int32_t)test_random(VOCAB);
            x->segments[b * SEQ + t] = (int32_t)test_random(2);
            x->labels[b * SEQ + t] = t < x->lengths[b] && test_random(3) != 0 ? (int32_t)test_random(VOCAB) : -1;
        }
        for (int s = 0; s < SOURCE; s++) x->source[b * SOURCE + s] = (int32_t)test_random(VOCAB);
    }
}

/* Row b of an array of rows, or all of them where b < 0. */
static void feed(rk_ctx *ctx, struct run *run, const char *name, const int32_t *rows, int64_t width, int b) { OK(ctx, run_input(ctx, run, name, rows + (b < 0 ? 0 : b * width), RK_i32)); }

/* The loss of all rows with their padding, b < 0, or of row b cut to its lengths. */
static double loss_of(rk_ctx *ctx, const rk_model *m, const struct backend *backend, const struct batch *x, int b)
{
    struct build_options how = { .purpose = FOR_SCORING, .batch = BATCH, .seq = SEQ, .source = SOURCE, .padded = true, .source_padded = true };
    struct built built;
    struct store *store;
    struct plan *plan;
    struct run *run;
    rk_graph *g;
    double loss, weight = 0.5;
    if (b >= 0) how = (struct build_options){ .purpose = FOR_SCORING, .seq = x->lengths[b], .source = x->source_lengths[b] };
    OK(ctx, model_build(ctx, m, &how, &built));
    OK(ctx, infer_plan(ctx, built.g, backend, &g, &plan));
    OK(ctx, store_open(ctx, backend, &store));
    OK(ctx, store_declare(ctx, store, g));
    OK(ctx, store_allocate(ctx, store));
    for (int e = 0; e < store->entries.n; e++)
        for (int64_t i = 0; i < store->entries.at[e].elements; i++) {
            double value = 0.3 * rng_normal(5, (uint64_t)e, (uint64_t)i);
            OK(ctx, backend->write(ctx, (char *)store->entries.at[e].address + (size_t)i * backend->bytes_of(RK_f32), RK_f32, &value, RK_f64, 1));
        }
    OK(ctx, run_open(ctx, plan, store, &run));
    feed(ctx, run, "tokens", x->tokens, SEQ, b);
    feed(ctx, run, "segments", x->segments, SEQ, b);
    feed(ctx, run, "labels", x->labels, SEQ, b);
    feed(ctx, run, "source", x->source, SOURCE, b);
    feed(ctx, run, "next", x->next, 1, b);
    feed(ctx, run, "lengths", x->lengths, 1, b);
    feed(ctx, run, "source_lengths", x->source_lengths, 1, b);
    OK(ctx, run_input(ctx, run, "next_weight", &weight, RK_f64));
    OK(ctx, run_go(ctx, run, 0, 0));
    OK(ctx, run_output(ctx, run, "loss", &loss, RK_f64));
    run_close(run);
    store_close(store);
    plan_free(plan);
    rk_graph_close(g);
    built_close(&built);
    return loss;
}

static void check(const struct backend *backend, double tolerance)
{
    rk_ctx *ctx = test_ctx();
    int families = 0;
    for (int i = 0; i < TINY_MODELS * 3; i++) {
        char spec[TINY_ROOM];
        struct batch x;
        rk_model *m;
        double alone = 0;
        OK(ctx, rk_model_open(ctx, tiny_model(i / 3, VOCAB, SEQ, spec), &m));
        if (m->config.arch->objective != LEARNS_NEXT) {
            draw_batch(&x);
            for (int b = 0; b < BATCH; b++) alone += loss_of(ctx, m, backend, &x, b);
            EXPECT_NEAR(loss_of(ctx, m, backend, &x, -1), alone, tolerance * (1 + alone));
            families++;
        }
        rk_model_close(m);
    }
    EXPECT(families >= 12);
}

TEST(padding_is_not_there_on_ref) { check(backend_ref(), 1e-12); }
TEST(padding_is_not_there_on_cpu) { check(backend_cpu(), 2e-6); }
