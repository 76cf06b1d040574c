/* Laws of generation: one beam is greedy; many prompts are each alone; rules against searching by hand; what beams are worth is
 * what the model says of them; sessions in threads see nothing of each other. */
#include "backend/cpu/cpu.h"
#include "base/rng.h"
#include "infer/making.h"
#include "test.h"
#include "tiny.h"
#include "weights.h"
#include <pthread.h>
#include <stdlib.h>

enum { PROMPTS = 3, MOST = 9, NEW = 8, VOCAB = WEIGHTS_VOCAB };
enum { GPT2 = 0, GPTJ = 6, TRANSFORMER = 14, MARIAN = 16 };             /* of tiny_model */

struct asked { uint32_t ids[PROMPTS][MOST], source[PROMPTS][MOST]; rk_prompt at[PROMPTS]; };

static void draw(struct asked *a, bool encoder)
{
    for (int p = 0; p < PROMPTS; p++) {
        for (int i = 0; i < MOST; i++) a->ids[p][i] = (uint32_t)test_random(VOCAB), a->source[p][i] = (uint32_t)test_random(VOCAB);
        a->at[p] = (rk_prompt){ a->ids[p], 1 + (size_t)test_random(MOST), encoder ? a->source[p] : NULL, encoder ? 1 + (size_t)test_random(MOST) : 0 };
    }
}

static bool same(const rk_ids *a, const rk_ids *b) { return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0); }

/* What rk_generate makes of a prompt in a session of its own. */
static void alone(rk_ctx *ctx, rk_weights *w, const rk_prompt *p, const rk_generating *how, rk_ids *ids)
{
    rk_session *s;
    int64_t length = (int64_t)p->n_source;
    rk_generating one = *how;
    one.samples = 0;
    one.invariant = false;
    OK(ctx, rk_session_open(w, &(rk_session_options){ .invariant = how->invariant }, &s));
    if (s->source > 0) OK(ctx, rk_session_encode(s, p->source, length, NULL));
    OK(ctx, rk_generate(s, NULL, p->ids, p->n, &one, ids, NULL));
    rk_session_close(s);
}

TEST(many_prompts_are_each_alone)
{
    static const rk_generating ways[] = {
        { .sampling = { .greedy = true }, .max_new_tokens = NEW },
        { .sampling = { .temperature = 0.7, .top_k = 20, .seed = 5, .repetition = 1.3 }, .max_new_tokens = NEW },
        { .sampling = { .greedy = true, .no_repeat = 1 }, .max_new_tokens = NEW, .invariant = true },
    };
    rk_ctx *ctx = test_ctx();
    for (int k = 0; k < TINY_MODELS; k += TEST_SANITIZED ? 7 : 1) {
        rk_weights w;
        struct asked a;
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        for (size_t i = 0; i < sizeof ways / sizeof *ways && model_decodes(w.model); i++) {
            rk_continuation out[PROMPTS];
            draw(&a, model_has_encoder(w.model));
            OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &ways[i], out, NULL));
            for (int p = 0; p < PROMPTS; p++) {
                rk_ids ids = { 0 };
                alone(ctx, &w, &a.at[p], &ways[i], &ids);
                EXPECT_INT(out[p].ids.n, NEW);
                EXPECT(same(&out[p].ids, &ids));
                rk_ids_free(ctx, &ids);
            }
            rk_continuations_free(ctx, out, PROMPTS);
        }
        weights_end(&w);
    }
}

/* Samples are drawn by (seed, stream, place): side by side or one by one. */
TEST(samples_side_by_side_are_those_one_after_another)
{
    enum { SAMPLES = 4 };
    rk_ctx *ctx = test_ctx();
    rk_weights w;
    struct asked a;
    rk_continuation out[PROMPTS * SAMPLES];
    rk_generating how = { .sampling = { .temperature = 1.5, .seed = 11 }, .max_new_tokens = NEW, .samples = SAMPLES };
    OK(ctx, random_weights(ctx, GPTJ, backend_cpu(), &w));
    draw(&a, false);
    OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &how, out, NULL));
    int differing = 0;
    for (int i = 0; i < PROMPTS * SAMPLES; i++) {
        rk_ids ids = { 0 };
        rk_generating one = how;
        one.stream = (uint64_t)(i % SAMPLES);
        alone(ctx, &w, &a.at[i / SAMPLES], &one, &ids);
        EXPECT(same(&out[i].ids, &ids));
        differing += i % SAMPLES > 0 && !same(&out[i].ids, &out[i - 1].ids);
        rk_ids_free(ctx, &ids);
    }
    EXPECT(differing > PROMPTS);
    rk_continuations_free(ctx, out, PROMPTS * SAMPLES);
    weights_end(&w);
}

/* --- beams --- */

TEST(one_beam_is_greedy)
{
    const rk_beams one = { 1, 1, RK_EARLY_FALSE };
    rk_ctx *ctx = test_ctx();
    for (int k = 0; k < TINY_MODELS; k += TEST_SANITIZED ? 7 : 1) {
        rk_weights w;
        struct asked a;
        rk_continuation greedy[PROMPTS], beam[PROMPTS];
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        if (model_decodes(w.model)) {
            draw(&a, model_has_encoder(w.model));
            rk_generating how = { .sampling = { .greedy = true, .no_repeat = 2 }, .max_new_tokens = NEW };
            OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &how, greedy, NULL));
            how.beams = &one;
            OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &how, beam, NULL));
            for (int p = 0; p < PROMPTS; p++) EXPECT(same(&greedy[p].ids, &beam[p].ids));
            rk_continuations_free(ctx, greedy, PROMPTS);
            rk_continuations_free(ctx, beam, PROMPTS);
        }
        weights_end(&w);
    }
}

/* The sum of what the model finds of a continuation, and no beam twice; the best is worth no less than what is greedy. */
TEST(what_beams_are_worth_is_what_the_model_says)
{
    const rk_beams four = { 4, 0.6, RK_EARLY_NEVER };
    rk_ctx *ctx = test_ctx();
    static const int models[] = { GPT2, GPTJ, 3, 8 };
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        rk_weights w;
        rk_session *s;
        struct asked a;
        rk_continuation out[PROMPTS * 4];
        OK(ctx, random_weights(ctx, models[k], backend_cpu(), &w));
        OK(ctx, rk_session_open(&w, NULL, &s));
        draw(&a, false);
        rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = NEW, .samples = 4, .beams = &four };
        OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &how, out, NULL));
        for (int i = 0; i < PROMPTS * 4; i++) {
            uint32_t all[MOST + NEW];
            double each[MOST + NEW], total, sum = 0;
            size_t n = a.at[i / 4].n;
            memcpy(all, a.at[i / 4].ids, n * sizeof *all);
            memcpy(all + n, out[i].ids.at, NEW * sizeof *all);
            OK(ctx, rk_score(s, all, (int64_t)n + NEW, each, &total));
            for (size_t t = n; t < n + NEW; t++) sum += each[t - 1];
            EXPECT_NEAR(out[i].score, sum / pow(NEW, 0.6), 1e-4);
            if (i % 4 > 0) EXPECT(out[i].score <= out[i - 1].score && !same(&out[i].ids, &out[i - 1].ids));
        }
        rk_continuations_free(ctx, out, PROMPTS * 4);
        rk_session_close(s);
        weights_end(&w);
    }
}

/* --- rules --- */

/* Each rule by itself, written out as its sentence says it. */
static void by_hand(const rk_sampling *how, const struct sequence *q, const float *from, float *to)
{
    for (uint32_t v = 0; v < VOCAB; v++) {
        bool seen = false, never = false;
        for (size_t i = 0; i < q->n_seen; i++) seen = seen || q->seen[i] == v;
        double x = (double)from[v], by = how->repetition == 0 ? 1 : (double)(float)how->repetition;
        if (seen) x = x < 0 ? x * by : x / by;
        size_t n = (size_t)how->no_repeat;
        for (size_t i = 0; n > 0 && q->n_seen + 1 >= n && i + n <= q->n_seen; i++) {
            bool again = q->seen[i + n - 1] == v;
            for (size_t k = 0; k + 1 < n; k++) again = again && q->seen[i + k] == q->seen[q->n_seen - (n - 1) + k];
            never = never || again;
        }
        for (size_t b = 0; b < how->n_bad; b++) {
            const rk_ids *word = &how->bad[b];
            bool completes = word->at[word->n - 1] == v && word->n - 1 <= q->n_seen;
            for (size_t k = 0; k + 1 < word->n && completes; k++) completes = q->seen[q->n_seen - (word->n - 1) + k] == word->at[k];
            for (size_t e = 0; e < q->n_ends; e++) completes = completes && !(word->n == 1 && q->ends[e] == v);
            never = never || completes;
        }
        for (size_t e = 0; e < q->n_ends; e++) never = never || (q->ends[e] == v && ((double)q->made < how->min_new || (double)q->n_seen < how->min_length));
        if (how->last != NULL && q->made == q->most - 1) never = v != *how->last, x = 0;
        for (size_t i = 0; i < how->n_suppress; i++) never = never || how->suppress[i] == v;
        if (how->ids != 0 && v >= how->ids) never = true;
        to[v] = never ? -INFINITY : (float)x;
    }
}

TEST(rules_against_searching_by_hand)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 300; round++) {
        uint32_t seen[30], words[4][3], ends[2] = { (uint32_t)test_random(6), (uint32_t)test_random(6) }, suppress[2] = { (uint32_t)test_random(VOCAB), (uint32_t)test_random(6) }, last = (uint32_t)test_random(6);
        rk_ids bad[4];
        float logits[VOCAB], expected[VOCAB];
        struct sampler s;
        struct sequence q = { seen, 1 + (size_t)test_random(30), (int64_t)test_random(6), 6, ends, (size_t)test_random(3) };
        for (int i = 0; i < 30; i++) seen[i] = (uint32_t)test_random(test_random(8) == 0 ? VOCAB : 4);          /* few, so that they repeat */
        for (int b = 0; b < 4; b++) {
            for (int i = 0; i < 3; i++) words[b][i] = (uint32_t)test_random(4);
            bad[b] = (rk_ids){ words[b], 1 + (size_t)test_random(3), 0 };
        }
        for (int v = 0; v < VOCAB; v++) logits[v] = (float)(3 * test_normal());
        rk_sampling how = { .greedy = true, .repetition = test_random(2) == 0 ? 0 : 1.7, .no_repeat = (double)test_random(4), .min_new = (double)test_random(4), .min_length = (double)test_random(20), .bad = bad,
                            .n_bad = (size_t)test_random(5), .suppress = suppress, .n_suppress = (size_t)test_random(3), .last = test_random(3) == 0 ? &last : NULL, .ids = test_random(3) == 0 ? 200 : 0 };
        by_hand(&how, &q, logits, expected);
        OK(ctx, sampler_open(ctx, &s, &how, VOCAB));
        process(&s, &q, logits, false);
        for (int v = 0; v < VOCAB; v++) EXPECT(logits[v] == expected[v] || fabsf(logits[v] - expected[v]) <= 1e-6f * fabsf(expected[v]));
        sampler_close(ctx, &s);
    }
}

TEST(the_first_token_may_be_given_and_log_probabilities_sum_to_one)
{
    rk_ctx *ctx = test_ctx();
    uint32_t one = 7, first = 3;
    float logits[VOCAB];
    struct sampler s;
    rk_sampling how = { .greedy = true, .first = &first, .renormalize = true };
    for (int v = 0; v < VOCAB; v++) logits[v] = (float)test_normal();
    OK(ctx, sampler_open(ctx, &s, &how, VOCAB));
    EXPECT_INT(sampler_pick(&s, &(struct sequence){ .seen = &one, .n_seen = 1 }, logits, 0, 0), 3);
    how.first = NULL;
    double sum = 0;
    for (int v = 0; v < VOCAB; v++) logits[v] = (float)test_normal();
    process(&s, &(struct sequence){ .seen = &one, .n_seen = 1 }, logits, false);
    for (int v = 0; v < VOCAB; v++) sum += exp((double)logits[v]);
    EXPECT_NEAR(sum, 1, 1e-5);
    sampler_close(ctx, &s);
    first = VOCAB;
    how.first = &first;
    FAILS(ctx, sampler_open(ctx, &s, &how, VOCAB), RK_E_ARG, "first token is to be 300");
    sampler_close(ctx, &s);
}

/* --- what cannot be --- */

TEST(prompts_that_make_no_sense)
{
    const rk_beams two = { 2, 1, RK_EARLY_FALSE };
    static const char *const stop[] = { "x" };
    uint32_t ids[64] = { 0 };
    rk_ctx *ctx = test_ctx();
    rk_weights w, pair;
    rk_continuation out[4];
    rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = 3 };
    const rk_prompt fine = { ids, 2, NULL, 0 }, empty = { ids, 0, NULL, 0 }, read = { ids, 1, ids, 2 };
    const rk_prompt long_[2] = { fine, { ids, 41, NULL, 0 } };
    OK(ctx, random_weights(ctx, GPT2, backend_cpu(), &w));
    OK(ctx, random_weights(ctx, MARIAN, backend_cpu(), &pair));
    FAILS(ctx, rk_generate_many(&w, NULL, &empty, 1, &how, out, NULL), RK_E_ARG, "prompt 1 is empty");
    FAILS(ctx, rk_generate_many(&w, NULL, long_, 2, &how, out, NULL), RK_E_LIMIT, "prompt 2 has 41 tokens");
    FAILS(ctx, rk_generate_many(&w, NULL, &read, 1, &how, out, NULL), RK_E_DECLINED, "has no encoder");
    FAILS(ctx, rk_generate_many(&pair, NULL, &fine, 1, &how, out, NULL), RK_E_ARG, "no source");
    FAILS(ctx, rk_generate_many(&w, NULL, &fine, 0, &how, out, NULL), RK_E_ARG, "0 prompts");
    ids[1] = VOCAB;
    FAILS(ctx, rk_generate_many(&w, NULL, &fine, 1, &how, out, NULL), RK_E_ARG, "token 1 has the id 300");
    ids[1] = 0;
    how.beams = &two;
    how.samples = 3;
    FAILS(ctx, rk_generate_many(&w, NULL, &fine, 1, &how, out, NULL), RK_E_ARG, "best 3 of 2 beams");
    how.samples = 1;
    how.stops = stop;
    how.n_stops = 1;
    FAILS(ctx, rk_generate_many(&w, NULL, &fine, 1, &how, out, NULL), RK_E_DECLINED, "stop");
    how.n_stops = 0;
    how.sampling.greedy = false;
    FAILS(ctx, rk_generate_many(&w, NULL, &fine, 1, &how, out, NULL), RK_E_DECLINED, "do not draw");
    weights_end(&w);
    weights_end(&pair);
}

/* Weights that are no numbers make logits that are none: an error, whoever asks. */
TEST(logits_that_are_no_numbers_are_an_error)
{
    const rk_beams two = { 2, 1, RK_EARLY_FALSE };
    uint32_t ids[] = { 1, 2 };
    rk_ctx *ctx = test_ctx();
    rk_weights w;
    rk_continuation out[1];
    const rk_prompt prompt = { ids, 2, NULL, 0 };
    rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = 3 };
    OK(ctx, random_weights(ctx, GPT2, backend_cpu(), &w));
    int entry = store_find(w.store, RK_PARAMETER, "norm.weight");
    for (int e = 0; entry < 0 && e < w.store->entries.n; e++)
        if (w.store->entries.at[e].rank == 1) entry = e;
    ((float *)w.store->entries.at[entry].address)[0] = NAN;
    FAILS(ctx, rk_generate_many(&w, NULL, &prompt, 1, &how, out, NULL), RK_E_FORMAT, "not a number");
    EXPECT(strstr(rk_error_hint(ctx), w.store->entries.at[entry].name) != NULL && strstr(rk_error_hint(ctx), "holds 1 that") != NULL);
    how.beams = &two;
    FAILS(ctx, rk_generate_many(&w, NULL, &prompt, 1, &how, out, NULL), RK_E_FORMAT, "not a number");
    how.beams = NULL;
    how.sampling.greedy = false;
    FAILS(ctx, rk_generate_many(&w, NULL, &prompt, 1, &how, out, NULL), RK_E_FORMAT, "not a number");
    rk_continuations_free(ctx, out, 1);
    weights_end(&w);
}

/* --- callers --- */

struct listener { int calls, most; };
static bool hear(void *user, int64_t row, uint32_t id, rk_text text)
{
    struct listener *l = user;
    (void)text;
    return row < PROMPTS && id < VOCAB && ++l->calls != l->most;
}

TEST(a_caller_hears_every_token_and_may_stop_all)
{
    rk_ctx *ctx = test_ctx();
    rk_weights w;
    struct asked a;
    rk_continuation out[PROMPTS];
    rk_generated r;
    struct listener l = { 0 };
    OK(ctx, random_weights(ctx, GPT2, backend_cpu(), &w));
    draw(&a, false);
    rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = NEW, .each = hear, .user = &l };
    OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &how, out, &r));
    EXPECT_INT(l.calls, PROMPTS * NEW);
    EXPECT_INT(r.tokens, PROMPTS * NEW);
    EXPECT_INT(r.steps, NEW - 1);
    rk_continuations_free(ctx, out, PROMPTS);
    l = (struct listener){ .most = 4 };
    OK(ctx, rk_generate_many(&w, NULL, a.at, PROMPTS, &how, out, &r));
    EXPECT_INT(l.calls, 4);
    for (int p = 0; p < PROMPTS; p++) EXPECT_INT(out[p].stop, RK_STOP_CALLER);
    rk_continuations_free(ctx, out, PROMPTS);
    weights_end(&w);
}

/* labels: threads. Sessions in threads, each with a context of its own, over one set of weights. */
struct worker { rk_weights *w; const rk_prompt *prompt; uint32_t made[NEW]; bool well; };

static void *work(void *arg)
{
    struct worker *k = arg;
    rk_ctx *ctx;
    rk_continuation out[1] = { { .score = 0 } };
    if (rk_ctx_open(NULL, &ctx) != RK_OK) return NULL;
    const rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = NEW, .ctx = ctx };
    k->well = rk_generate_many(k->w, NULL, k->prompt, 1, &how, out, NULL) == RK_OK && out[0].ids.n == NEW;
    if (k->well) memcpy(k->made, out[0].ids.at, sizeof k->made);
    rk_continuations_free(ctx, out, 1);
    rk_ctx_close(ctx);
    return NULL;
}

TEST(sessions_in_threads_share_weights_and_nothing_else)
{
    enum { THREADS = 4 };
    rk_ctx *ctx = test_ctx();
    rk_weights w;
    struct asked a;
    pthread_t thread[THREADS];
    struct worker workers[THREADS];
    OK(ctx, random_weights(ctx, TRANSFORMER, backend_cpu(), &w));
    draw(&a, true);
    for (int i = 0; i < THREADS; i++) workers[i] = (struct worker){ .w = &w, .prompt = &a.at[i % PROMPTS] };
    for (int i = 0; i < THREADS; i++) REQUIRE(pthread_create(&thread[i], NULL, work, &workers[i]) == 0);
    for (int i = 0; i < THREADS; i++) REQUIRE(pthread_join(thread[i], NULL) == 0);
    for (int i = 0; i < THREADS; i++) {
        rk_ids ids = { 0 };
        EXPECT(workers[i].well);
        alone(ctx, &w, workers[i].prompt, &(rk_generating){ .sampling = { .greedy = true }, .max_new_tokens = NEW }, &ids);
        EXPECT(ids.n == NEW && memcmp(ids.at, workers[i].made, sizeof workers[i].made) == 0);
        rk_ids_free(ctx, &ids);
    }
    weights_end(&w);
}

/* --- failed allocations --- */

static rk_status search_once(rk_ctx *ctx)
{
    const rk_beams two = { 2, 1, RK_EARLY_FALSE };
    const uint32_t ids[] = { 1, 2, 3, 4 };
    const rk_prompt prompts[] = { { ids, 3, NULL, 0 }, { ids, 1, NULL, 0 } };
    rk_weights w;
    rk_continuation out[4] = { { .score = 0 } };
    rk_memory memory = { .n = 0 };
    rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = 2, .beams = &two, .samples = 2, .memory = &memory };
    rk_status status = random_weights_of(ctx, "gpt2:n_layer=1,n_embd=4,n_head=1,vocab_size=9,n_positions=8", backend_cpu(), &w);
    if (status == RK_OK) status = rk_generate_many(&w, NULL, prompts, 2, &how, out, NULL);
    rk_continuations_free(ctx, out, 4);
    how = (rk_generating){ .sampling = { .top_k = 3, .repetition = 2 }, .max_new_tokens = 2, .samples = 2 };
    if (status == RK_OK) status = rk_generate_many(&w, NULL, prompts, 2, &how, out, NULL);
    rk_continuations_free(ctx, out, 4);
    weights_end(&w);
    return status;
}
TEST(searches_survive_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(search_once); }
