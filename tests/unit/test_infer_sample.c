/* Sampling against formulas written out here, and the sieve for texts to stop at against searching the whole text. */
#include "base/str.h"
#include "infer/stops.h"
#include "reckon/infer.h"
#include "test.h"

enum { VOCAB = 40, DRAWS = 20000 };

static void random_logits(float *logits, int n) { for (int i = 0; i < n; i++) logits[i] = (float)(2 * test_normal()); }

/* What is to be drawn how often: the settings applied one after another to all tokens, by sorting. */
static void probabilities(const float *logits, int n, double temperature, int top_k, double top_p, double min_p, double *p)
{
    int order[VOCAB];
    double sum = 0, most = -INFINITY;
    for (int i = 0; i < n; i++) {
        order[i] = i;
        most = fmax(most, logits[i] / temperature);
    }
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (logits[order[j]] > logits[order[i]] || (logits[order[j]] == logits[order[i]] && order[j] < order[i])) {
                int t = order[i];
                order[i] = order[j];
                order[j] = t;
            }
    for (int i = 0; i < n; i++) p[order[i]] = top_k > 0 && i >= top_k ? 0 : exp(logits[order[i]] / temperature - most);
    for (int i = 0; i < n; i++) sum += p[i];
    double so_far = 0;
    for (int i = 0; i < n; i++) {
        double now = p[order[i]] / sum;
        if (so_far >= top_p || p[order[i]] < min_p) p[order[i]] = 0;
        so_far += now;
    }
    sum = 0;
    for (int i = 0; i < n; i++) sum += p[i];
    for (int i = 0; i < n; i++) p[i] /= sum;
}

/* Draws as often as the formula says, within five standard deviations; what it excludes, never. */
static void check_draws(const rk_sampling *how, const float *logits, int n, const double *p)
{
    rk_ctx *ctx = test_ctx();
    int count[VOCAB] = { 0 };
    uint32_t id;
    for (int i = 0; i < DRAWS; i++) {
        OK(ctx, rk_sample(ctx, how, NULL, 0, logits, n, 1, (uint64_t)i, &id));
        REQUIRE(id < VOCAB);
        count[id]++;
    }
    for (int i = 0; i < n; i++) EXPECT_NEAR(count[i], DRAWS * p[i], p[i] == 0 ? 0 : 5 * sqrt(DRAWS * p[i] * (1 - p[i])) + 1);
}

TEST(draws_follow_the_distribution)
{
    static const struct { double temperature; int top_k; double top_p, min_p; } ways[] = {
        { 1, 0, 1, 0 }, { 0.5, 0, 1, 0 }, { 2, 5, 1, 0 }, { 1, 0, 0.7, 0 }, { 0.8, 10, 0.6, 0 }, { 1, 0, 1, 0.1 }, { 1.5, 20, 0.9, 0.05 }, { 1, 1, 1, 0 }, { 1, 0, 1e-6, 0 },
    };
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        float logits[VOCAB];
        double p[VOCAB];
        random_logits(logits, VOCAB);
        probabilities(logits, VOCAB, ways[w].temperature, ways[w].top_k, ways[w].top_p, ways[w].min_p, p);
        check_draws(&(rk_sampling){ .temperature = ways[w].temperature, .top_k = ways[w].top_k, .top_p = ways[w].top_p, .min_p = ways[w].min_p, .seed = 3 }, logits, VOCAB, p);
    }
}

TEST(zero_settings_are_the_models_own_distribution)
{
    float logits[VOCAB];
    double p[VOCAB];
    random_logits(logits, VOCAB);
    probabilities(logits, VOCAB, 1, 0, 1, 0, p);
    check_draws(&(rk_sampling){ .greedy = false }, logits, VOCAB, p);
}

TEST(greedy_takes_the_largest_and_of_equals_the_lowest)
{
    rk_ctx *ctx = test_ctx();
    float logits[] = { 1, 7, 3, 7, 7, -INFINITY };
    uint32_t id;
    OK(ctx, rk_sample(ctx, &(rk_sampling){ .greedy = true }, NULL, 0, logits, 6, 0, 0, &id));
    EXPECT_INT(id, 1);
    for (uint64_t i = 0; i < 50; i++) {                             /* a draw from the likeliest one is from all that are as likely */
        OK(ctx, rk_sample(ctx, &(rk_sampling){ .top_k = 1, .seed = i }, NULL, 0, logits, 6, 0, 0, &id));
        EXPECT(id == 1 || id == 3 || id == 4);
    }
}

TEST(a_large_vocabulary_is_looked_through_to_its_end)
{
    enum { MANY = 1000 };
    rk_ctx *ctx = test_ctx();
    float logits[MANY];
    for (int trial = 0; trial < 200; trial++) {
        int64_t n = 1 + (int64_t)test_random(MANY), best = 0, wrong = (int64_t)test_random((uint64_t)n);
        uint32_t id;
        for (int64_t i = 0; i < n; i++) logits[i] = trial % 2 == 0 ? (float)test_normal() : test_random(3) == 0 ? -INFINITY : (float)test_random(4);
        for (int64_t i = 1; i < n; i++) best = logits[i] > logits[best] ? i : best;
        if (logits[best] > -INFINITY) {
            OK(ctx, rk_sample(ctx, &(rk_sampling){ .greedy = true }, NULL, 0, logits, n, 0, 0, &id));
            EXPECT_INT(id, best);
        }
        logits[wrong] = trial % 3 == 0 ? INFINITY : NAN;
        EXPECT(rk_sample(ctx, &(rk_sampling){ .greedy = true }, NULL, 0, logits, n, 0, 0, &id) == RK_E_FORMAT);
    }
}

/* A padded vocabulary: the ids beyond the tokenizer are the likeliest here, and never taken. */
TEST(ids_beyond_the_bound_are_never_taken)
{
    rk_ctx *ctx = test_ctx();
    float logits[VOCAB];
    uint32_t id;
    for (int i = 0; i < VOCAB; i++) logits[i] = i < 30 ? 0 : 50;
    for (uint64_t i = 0; i < 500; i++) {
        OK(ctx, rk_sample(ctx, &(rk_sampling){ .ids = 30, .top_k = (double)(i % 3), .greedy = i % 5 == 0 }, NULL, 0, logits, VOCAB, i, 0, &id));
        EXPECT(id < 30);
    }
}

TEST(repetition_makes_seen_tokens_less_likely)
{
    rk_ctx *ctx = test_ctx();
    float logits[] = { 2, 1.5f, -1, 0 };
    const uint32_t seen[] = { 0, 0, 2, 77 };
    double p[4];
    const float bent[] = { 1, 1.5f, -2, 0 };        /* halved where positive, doubled where negative, once */
    int count[4] = { 0 };
    probabilities(bent, 4, 1, 0, 1, 0, p);
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint32_t id;
        OK(ctx, rk_sample(ctx, &(rk_sampling){ .repetition = 2 }, seen, 4, logits, 4, 0, i, &id));
        count[id]++;
    }
    for (int i = 0; i < 4; i++) EXPECT_NEAR(count[i], DRAWS * p[i], 5 * sqrt(DRAWS * p[i]));
}

TEST(a_draw_depends_on_seed_stream_and_index_alone)
{
    rk_ctx *ctx = test_ctx();
    float logits[VOCAB];
    uint32_t a, b;
    int other = 0;
    random_logits(logits, VOCAB);
    for (uint64_t i = 0; i < 100; i++) {
        OK(ctx, rk_sample(ctx, &(rk_sampling){ .seed = 5, .top_p = 0.9 }, NULL, 0, logits, VOCAB, 2, i, &a));
        OK(ctx, rk_sample(ctx, &(rk_sampling){ .seed = 5, .top_p = 0.9 }, NULL, 0, logits, VOCAB, 2, i, &b));
        EXPECT_INT(a, b);
        OK(ctx, rk_sample(ctx, &(rk_sampling){ .seed = 5, .top_p = 0.9 }, NULL, 0, logits, VOCAB, 3, i, &b));
        other += a != b;
    }
    EXPECT(other > 20);
}

TEST(what_is_no_distribution_is_refused)
{
    rk_ctx *ctx = test_ctx();
    float bad[] = { 0, NAN, 1 }, none[] = { -INFINITY, -INFINITY }, fine[] = { 0, 1 };
    uint32_t id;
    FAILS(ctx, rk_sample(ctx, &(rk_sampling){ .greedy = true }, NULL, 0, bad, 3, 0, 0, &id), RK_E_FORMAT, "token 1");
    FAILS(ctx, rk_sample(ctx, &(rk_sampling){ .seed = 1 }, NULL, 0, none, 2, 0, 0, &id), RK_E_FORMAT, "no token");
    FAILS(ctx, rk_sample(ctx, &(rk_sampling){ .top_p = 1.5 }, NULL, 0, fine, 2, 0, 0, &id), RK_E_ARG, "top_p");
    FAILS(ctx, rk_sample(ctx, &(rk_sampling){ .temperature = -1 }, NULL, 0, fine, 2, 0, 0, &id), RK_E_ARG, "temperature");
    FAILS(ctx, rk_sample(ctx, &(rk_sampling){ .min_p = NAN }, NULL, 0, fine, 2, 0, 0, &id), RK_E_ARG, "min_p");
    FAILS(ctx, rk_sample(ctx, &(rk_sampling){ .seed = 1 }, NULL, 0, fine, 0, 0, 0, &id), RK_E_ARG, "0 tokens");
}

/* What is refused of settings is refused without a model, too, and what is not is not. */
TEST(settings_are_checked_before_there_is_a_model)
{
    static const struct { rk_sampling how; const char *wrong; } rows[] = {
        { { .top_p = 1.5 }, "top_p" },        { { .temperature = -1 }, "temperature" }, { { .min_p = 2 }, "min_p" },  { { .repetition = 1e-4 }, "repetition" },
        { { .no_repeat = -1 }, "no_repeat" }, { { .top_k = 1e10 }, "top_k" },           { { .seed = 1 }, NULL },      { { .top_p = 1, .min_p = 1, .temperature = 1e-6 }, NULL },
    };
    static const float logits[] = { 0, 1 };
    rk_ctx *ctx = test_ctx();
    uint32_t id;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rk_status status = rk_sampling_check(ctx, &rows[i].how);
        EXPECT(status == (rows[i].wrong != NULL ? RK_E_ARG : RK_OK));
        EXPECT(rows[i].wrong == NULL || strstr(rk_error_message(ctx), rows[i].wrong) != NULL);
        rk_error_clear(ctx);
        EXPECT(rk_sample(ctx, &rows[i].how, NULL, 0, logits, 2, 0, 0, &id) == status);
        rk_error_clear(ctx);
    }
}

static rk_status sample_once(rk_ctx *ctx)
{
    static const float logits[] = { 0, 1, 2 };
    uint32_t id;
    return rk_sample(ctx, &(rk_sampling){ .top_p = 0.9 }, NULL, 0, logits, 3, 0, 0, &id);
}
TEST(sampling_survives_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(sample_once); }

/* --- stops --- */

static const char *const stop_texts[] = { "abab", "ba\n", "cc" };

static size_t first_stop(const char *text, size_t n)
{
    for (size_t from = 0; from < n; from++)
        for (size_t i = 0; i < 3; i++) {
            size_t length = strlen(stop_texts[i]);
            if (length <= n - from && memcmp(text + from, stop_texts[i], length) == 0) return from;
        }
    return n;
}

TEST(stops_cut_where_the_whole_text_would_be_cut)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 2000; round++) {
        char text[40];
        size_t n = (size_t)test_random(sizeof text), at = 0;
        struct stops s = { .texts = stop_texts, .n = 3 };
        struct str out = { 0 };
        rk_text ready;
        for (size_t i = 0; i < n; i++) text[i] = "ab\nc"[test_random(4)];
        while (at < n) {
            size_t piece = (size_t)test_random(5);
            if (piece > n - at) piece = n - at;
            OK(ctx, stops_push(ctx, &s, (rk_text){ text + at, piece }, &ready));
            OK(ctx, str_add(ctx, &out, ready.at, ready.n));
            at += piece;
        }
        ready = stops_end(&s);
        OK(ctx, str_add(ctx, &out, ready.at, ready.n));
        size_t expected = first_stop(text, n);
        EXPECT_INT(out.n, expected);
        EXPECT(memcmp(str_c(&out), text, expected) == 0);
        EXPECT(s.found == (expected < n));
        str_free(ctx, &out);
        stops_clear(ctx, &s);
    }
}
