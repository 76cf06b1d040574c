/* test_train_bigram.c: the baseline against its formula over dense tables, with the best weight found by trying them all. */
#include "test.h"
#include "train/training.h"
#include <stdlib.h>

#define MODEL "cs336-17m:vocab_size=7,context_length=8,d_model=4,num_layers=1,num_heads=1,d_ff=4"
enum { V = 7, TOKENS = 1200 };

struct table { double pair[V][V], before[V], single[V], n; };

static void count(struct table *t, const struct part *p, uint64_t n)
{
    memset(t, 0, sizeof *t);
    for (uint64_t i = 0; i < n; i++) {
        t->single[part_token(p, i)]++;
        t->n++;
        if (i > 0) t->pair[part_token(p, i - 1)][part_token(p, i)]++;
        if (i > 0) t->before[part_token(p, i - 1)]++;
    }
}

static double loss_of(const struct table *t, const struct part *p, uint64_t from, uint64_t to, double weight)
{
    double sum = 0;
    for (uint64_t i = from; i < to; i++) {
        uint32_t u = part_token(p, i - 1), w = part_token(p, i);
        double bigram = t->before[u] > 0 ? t->pair[u][w] / t->before[u] : 0;
        sum -= log(weight * bigram + (1 - weight) * (t->single[w] + 1) / (t->n + V));
    }
    return sum / (double)(to - from);
}

TEST(the_bigram_is_its_formula_with_the_best_weight)
{
    rk_ctx *ctx = test_ctx();
    unsigned char *bytes = calloc(TOKENS, 2);
    REQUIRE(bytes != NULL);
    for (int i = 1; i < TOKENS; i++) bytes[2 * i] = (unsigned char)(test_random(3) > 0 ? (bytes[2 * i - 2] * 3u + 1) % V : test_random(V));
    rk_tokens tokens = { .at = bytes, .n = TOKENS, .bytes_each = 2 };
    rk_train_options o = rk_train_defaults();
    o.validation = 0.2;
    rk_model *model;
    rk_device *device;
    rk_train *train;
    OK(ctx, rk_model_open(ctx, MODEL, &model));
    OK(ctx, rk_device_open(ctx, "ref", NULL, &device));
    OK(ctx, rk_train_open(ctx, &(rk_train_setup){ .model = model, .device = device, .options = &o, .data = { .tokens = &tokens, .document_end = -1 } }, &train));
    const struct part *p = &train->data.train, *v = &train->data.validation;
    struct table t;
    uint64_t rest = p->n - p->n / 20;
    double best = 0, lowest = INFINITY, loss;
    count(&t, p, rest);
    for (double weight = 0; weight < 1; weight += 1e-4) {
        double held = loss_of(&t, p, rest, p->n, weight);
        if (held < lowest) best = weight;
        if (held < lowest) lowest = held;
    }
    count(&t, p, p->n);
    OK(ctx, rk_train_bigram(train, &loss));
    EXPECT_NEAR(loss, loss_of(&t, v, 1, v->n, best), 1e-4);
    EXPECT(loss < loss_of(&t, v, 1, v->n, 0) - 0.2);             /* better than single tokens alone */
    rk_train_close(train);
    rk_device_close(device);
    rk_model_close(model);
    free(bytes);
}
