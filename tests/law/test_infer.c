/* Laws of decoding, on random weights: cached equals whole, any cutting equals any other, sessions do not see each other, text
 * that streams is the text of the ids. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "base/utf8.h"
#include "infer/session.h"
#include "test.h"
#include "tiny.h"
#include "weights.h"
#include <stdlib.h>

enum { LENGTH = 37, CONTEXT = WEIGHTS_CONTEXT, VOCAB = WEIGHTS_VOCAB };
enum { GPT2 = 0, CS336 = 3, CS336_2024 = 5, TRANSFORMER = 14 };                 /* of tiny_model */

/* Sources of an encoder, all different: of 1 to SOURCE tokens, and what lies behind them. */
enum { SOURCE = 11, MOST_SOURCES = 3 };
static uint32_t source[MOST_SOURCES * SOURCE];
static int64_t source_lengths[MOST_SOURCES];

static void draw_source(void)
{
    for (int i = 0; i < MOST_SOURCES * SOURCE; i++) source[i] = (uint32_t)test_random(VOCAB);
    for (int b = 0; b < MOST_SOURCES; b++) source_lengths[b] = b == 0 ? SOURCE : 1 + (int64_t)test_random(SOURCE);
}

/* From the first-th source on, as many as the session has sequences. */
static void read_source(rk_ctx *ctx, rk_session *s, int first)
{
    if (model_has_encoder(s->weights->model)) OK(ctx, rk_session_encode(s, source + first * SOURCE, SOURCE, source_lengths + first));
}

static void random_ids(uint32_t *ids, int n) { for (int i = 0; i < n; i++) ids[i] = (uint32_t)test_random(VOCAB); }

/* The logits of every position at once, without a cache. */
static double *whole(rk_ctx *ctx, const rk_weights *w, const uint32_t *ids, int64_t batch, int64_t n)
{
    struct built built;
    struct build_options how = { .purpose = FOR_LOGITS, .batch = batch, .seq = n, .source = SOURCE, .source_padded = true };
    rk_graph *g = NULL;
    struct plan *plan = NULL;
    struct run *run = NULL;
    double *logits = malloc((size_t)(batch * n * VOCAB) * sizeof *logits);
    OK(ctx, model_build(ctx, w->model, &how, &built));
    OK(ctx, infer_plan(ctx, built.g, w->backend, &g, &plan));
    OK(ctx, run_open(ctx, plan, w->store, &run));
    OK(ctx, run_input(ctx, run, "tokens", ids, RK_i32));
    OK(ctx, run_input(ctx, run, "source", source, RK_i32));
    OK(ctx, run_input(ctx, run, "source_lengths", source_lengths, RK_i64));
    OK(ctx, run_go(ctx, run, 0, 0));
    OK(ctx, run_output(ctx, run, "logits", logits, RK_f64));
    run_close(run);
    plan_free(plan);
    rk_graph_close(g);
    built_close(&built);
    return logits;
}

static double off(const double *ours, const double *theirs, int64_t n)
{
    double most = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs(ours[i] - theirs[i]));
        largest = fmax(largest, fabs(theirs[i]));
    }
    return most / largest;
}

/* Feeds in pieces of random sizes and compares what follows each with the whole. */
static void check_cached(const struct backend *backend, double tolerance)
{
    rk_ctx *ctx = test_ctx();
    uint32_t ids[LENGTH];
    double logits[VOCAB];
    for (int round = 0; round < TINY_MODELS; round++) {
        rk_weights w;
        rk_session *s;
        rk_session_options options = { .chunk = 1 + (int64_t)test_random(9) };
        OK(ctx, random_weights(ctx, round, backend, &w));
        if (!model_decodes(w.model)) {
            FAILS(ctx, rk_session_open(&w, &options, &s), RK_E_DECLINED, "does not continue a text");
            weights_end(&w);
            continue;
        }
        OK(ctx, rk_session_open(&w, &options, &s));
        random_ids(ids, LENGTH);
        draw_source();
        read_source(ctx, s, 0);
        double *expected = whole(ctx, &w, ids, 1, LENGTH);
        while (s->past < LENGTH) {
            int64_t n = 1 + (int64_t)test_random(12);
            if (n > LENGTH - s->past) n = LENGTH - s->past;
            OK(ctx, rk_session_feed(s, ids + s->past, n, NULL));
            OK(ctx, run_output(ctx, s->run, "logits", logits, RK_f64));
            EXPECT_NEAR(off(logits, expected + (s->past - 1) * VOCAB, VOCAB), 0, tolerance);
        }
        free(expected);
        rk_session_close(s);
        weights_end(&w);
    }
}

TEST(cached_decoding_equals_the_whole_on_ref) { check_cached(backend_ref(), 1e-12); }
TEST(cached_decoding_equals_the_whole_on_cpu) { check_cached(backend_cpu(), 2e-6); }

/* Every sum of the reference is over the same numbers in the same order, however the prompt is cut. */
TEST(any_cutting_gives_the_same_bits_on_ref)
{
    rk_ctx *ctx = test_ctx();
    uint32_t ids[LENGTH];
    double first[VOCAB], again[VOCAB];
    rk_weights w;
    rk_session *s;
    OK(ctx, random_weights(ctx, GPT2, backend_ref(), &w));
    OK(ctx, rk_session_open(&w, NULL, &s));
    EXPECT_INT(rk_session_context(s), WEIGHTS_CONTEXT);
    EXPECT_INT(rk_session_vocab(s), VOCAB);
    random_ids(ids, LENGTH);
    OK(ctx, rk_session_feed(s, ids, LENGTH, NULL));
    OK(ctx, run_output(ctx, s->run, "logits", first, RK_f64));
    for (int round = 0; round < 4; round++) {
        OK(ctx, rk_session_rewind(s, 0));
        while (s->past < LENGTH) OK(ctx, rk_session_feed(s, ids + s->past, s->past + 5 > LENGTH ? LENGTH - s->past : 1 + (int64_t)test_random(5), NULL));
        OK(ctx, run_output(ctx, s->run, "logits", again, RK_f64));
        EXPECT(memcmp(first, again, sizeof first) == 0);
    }
    rk_session_close(s);
    weights_end(&w);
}

TEST(sessions_share_weights_and_nothing_else)
{
    rk_ctx *ctx = test_ctx();
    uint32_t one[LENGTH], other[LENGTH];
    float alone[VOCAB], beside[VOCAB];
    rk_weights w;
    rk_session *a, *b;
    OK(ctx, random_weights(ctx, CS336, backend_cpu(), &w));
    random_ids(one, LENGTH);
    random_ids(other, LENGTH);
    OK(ctx, rk_session_open(&w, NULL, &a));
    for (int i = 0; i < 20; i++) OK(ctx, rk_session_feed(a, one + i, 1, alone));
    OK(ctx, rk_session_rewind(a, 0));
    OK(ctx, rk_session_open(&w, NULL, &b));
    for (int i = 0; i < 20; i++) {
        OK(ctx, rk_session_feed(b, other + i, 1, NULL));
        OK(ctx, rk_session_feed(a, one + i, 1, beside));
    }
    EXPECT(memcmp(alone, beside, sizeof alone) == 0);
    EXPECT(rk_session_bytes(a) < rk_weights_bytes(&w) * 4);
    rk_session_close(a);
    rk_session_close(b);
    weights_end(&w);
}

TEST(a_batch_equals_its_sequences)
{
    enum { BATCH = 3, N = 9 };
    rk_ctx *ctx = test_ctx();
    uint32_t ids[BATCH * N];
    float together[BATCH * VOCAB], alone[VOCAB];
    for (int k = 0; k < TINY_MODELS; k++) {
        rk_weights w;
        rk_session *s;
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        if (!model_decodes(w.model)) {
            weights_end(&w);
            continue;
        }
        random_ids(ids, BATCH * N);
        draw_source();
        OK(ctx, rk_session_open(&w, &(rk_session_options){ .batch = BATCH, .chunk = 4 }, &s));
        read_source(ctx, s, 0);
        OK(ctx, rk_session_feed(s, ids, N, together));
        rk_session_close(s);
        OK(ctx, rk_session_open(&w, NULL, &s));
        for (int b = 0; b < BATCH; b++) {
            read_source(ctx, s, b);
            OK(ctx, rk_session_rewind(s, 0));
            OK(ctx, rk_session_feed(s, ids + b * N, N, alone));
            for (int i = 0; i < VOCAB; i++) EXPECT_NEAR(together[b * VOCAB + i], alone[i], 2e-5);
        }
        rk_session_close(s);
        weights_end(&w);
    }
}

TEST(what_a_session_cannot_hold_is_refused_and_changes_nothing)
{
    rk_ctx *ctx = test_ctx();
    uint32_t ids[64] = { 0 };
    float before[VOCAB], after[VOCAB];
    rk_weights w;
    rk_session *s;
    OK(ctx, random_weights(ctx, GPT2, backend_cpu(), &w));
    FAILS(ctx, rk_session_open(&w, &(rk_session_options){ .context = 41 }, &s), RK_E_ARG, "context is 40");
    FAILS(ctx, rk_session_open(&w, &(rk_session_options){ .batch = -1 }, &s), RK_E_ARG, "batch -1");
    OK(ctx, rk_session_open(&w, &(rk_session_options){ .context = 10 }, &s));
    OK(ctx, rk_session_feed(s, ids, 3, before));
    FAILS(ctx, rk_session_feed(s, ids, 8, after), RK_E_LIMIT, "context of 10");
    ids[1] = VOCAB;
    FAILS(ctx, rk_session_feed(s, ids, 2, after), RK_E_ARG, "token 1");
    FAILS(ctx, rk_session_feed(s, ids, 0, after), RK_E_ARG, "0 tokens");
    FAILS(ctx, rk_session_rewind(s, 4), RK_E_ARG, "going back to 4");
    EXPECT_INT(rk_session_past(s), 3);
    OK(ctx, rk_session_rewind(s, 2));
    OK(ctx, rk_session_feed(s, ids, 1, after));
    for (int i = 0; i < VOCAB; i++) EXPECT_NEAR(before[i], after[i], 1e-4);
    rk_session_close(s);
    weights_end(&w);
}

/* Cut to its length, a source says the same as with padding behind it; a longer one before it leaves nothing. */
TEST(what_lies_behind_a_source_is_never_read)
{
    rk_ctx *ctx = test_ctx();
    uint32_t ids[LENGTH];
    float padded[VOCAB], alone[VOCAB];
    random_ids(ids, LENGTH);
    for (int k = 0; k < TINY_MODELS; k++) {
        rk_weights w;
        rk_session *s;
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        if (!model_has_encoder(w.model)) {
            weights_end(&w);
            continue;
        }
        draw_source();
        OK(ctx, rk_session_open(&w, &(rk_session_options){ .source = SOURCE }, &s));
        for (int64_t length = 1; length < SOURCE; length += 3) {
            OK(ctx, rk_session_encode(s, source, SOURCE, NULL));
            OK(ctx, rk_session_feed(s, ids, 5, NULL));
            OK(ctx, rk_session_encode(s, source, SOURCE, &length));
            EXPECT_INT(rk_session_past(s), 0);
            OK(ctx, rk_session_feed(s, ids, 9, padded));
            OK(ctx, rk_session_encode(s, source, length, NULL));
            OK(ctx, rk_session_feed(s, ids, 9, alone));
            for (int i = 0; i < VOCAB; i++) EXPECT_NEAR(padded[i], alone[i], 2e-5);
        }
        rk_session_close(s);
        weights_end(&w);
    }
}

TEST(sources_that_make_no_sense)
{
    rk_ctx *ctx = test_ctx();
    rk_weights w;
    rk_session *s;
    const int64_t none[] = { 0 }, many[] = { 5 };
    const uint32_t ids[12] = { 0 }, high[] = { 1, VOCAB };
    OK(ctx, random_weights(ctx, GPT2, backend_cpu(), &w));
    OK(ctx, rk_session_open(&w, NULL, &s));
    FAILS(ctx, rk_session_encode(s, ids, 2, NULL), RK_E_DECLINED, "GPT-2 has no encoder");
    rk_session_close(s);
    weights_end(&w);
    OK(ctx, random_weights(ctx, TRANSFORMER, backend_cpu(), &w));
    FAILS(ctx, rk_session_open(&w, &(rk_session_options){ .source = 41 }, &s), RK_E_ARG, "context is 40");
    FAILS(ctx, rk_session_open(&w, &(rk_session_options){ .source = -1 }, &s), RK_E_ARG, "source -1");
    OK(ctx, rk_session_open(&w, &(rk_session_options){ .source = 10 }, &s));
    FAILS(ctx, rk_session_feed(s, ids, 1, NULL), RK_E_ARG, "before there is a source");
    FAILS(ctx, rk_session_encode(s, ids, 0, NULL), RK_E_ARG, "0 tokens");
    FAILS(ctx, rk_session_encode(s, ids, 11, NULL), RK_E_LIMIT, "11 tokens; the session takes 10");
    FAILS(ctx, rk_session_encode(s, ids, 4, none), RK_E_ARG, "0 tokens long");
    FAILS(ctx, rk_session_encode(s, ids, 4, many), RK_E_ARG, "5 tokens long, of 4");
    FAILS(ctx, rk_session_encode(s, high, 2, NULL), RK_E_ARG, "token 1 has the id 300");
    OK(ctx, rk_session_encode(s, ids, 10, NULL));
    OK(ctx, rk_session_feed(s, ids, 1, NULL));
    rk_session_close(s);
    weights_end(&w);
}

TEST(scores_are_those_of_the_whole)
{
    rk_ctx *ctx = test_ctx();
    uint32_t ids[LENGTH];
    double scores[LENGTH], sum;
    rk_weights w;
    rk_session *s;
    OK(ctx, random_weights(ctx, CS336_2024, backend_ref(), &w));
    OK(ctx, rk_session_open(&w, NULL, &s));
    random_ids(ids, LENGTH);
    double *logits = whole(ctx, &w, ids, 1, LENGTH), total = 0;
    OK(ctx, rk_score(s, ids, LENGTH, scores, &sum));
    for (int i = 0; i + 1 < LENGTH; i++) {
        double z = 0;
        for (int v = 0; v < VOCAB; v++) z += exp(logits[i * VOCAB + v]);
        EXPECT_NEAR(scores[i], logits[i * VOCAB + (int)ids[i + 1]] - log(z), 1e-5);
        total += scores[i];
    }
    EXPECT_NEAR(sum, total, 1e-9);
    free(logits);
    rk_session_close(s);
    weights_end(&w);
}

/* --- text --- */

/* A tokenizer of 256 bytes and an end: random weights then make any bytes, valid UTF-8 only by chance. */
static rk_tok *byte_tokenizer(rk_ctx *ctx)
{
    static const char *const specials[] = { "<|endoftext|>" };
    rk_text text = { "a", 1 };
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 257, .specials = specials, .n_specials = 1 }, &text, 1, &tok));
    return tok;
}

struct heard { rk_ctx *ctx; rk_bytes text; int calls, most; bool valid; };

static bool hear(void *user, int64_t row, uint32_t id, rk_text text)
{
    struct heard *h = user;
    uint32_t code;
    for (size_t at = 0, n; at < text.n; at += n) {
        n = utf8_next(text.at + at, text.n - at, &code);
        h->valid = h->valid && code != UTF8_INVALID;
    }
    h->text.at = realloc(h->text.at, h->text.n + text.n + 1);
    memcpy(h->text.at + h->text.n, text.at, text.n);
    h->text.n += text.n;
    h->valid = h->valid && id < 257 && row == 0;
    return ++h->calls != h->most;
}

struct stage { rk_weights w; rk_session *s; rk_tok *tok; };

static void set_up(rk_ctx *ctx, struct stage *t)
{
    OK(ctx, random_weights(ctx, CS336, backend_cpu(), &t->w));
    OK(ctx, rk_session_open(&t->w, NULL, &t->s));
    t->tok = byte_tokenizer(ctx);
}

static void tear_down(rk_ctx *ctx, struct stage *t)
{
    rk_tok_close(ctx, t->tok);
    rk_session_close(t->s);
    weights_end(&t->w);
}

TEST(streamed_text_is_the_text_of_the_ids_and_always_valid)
{
    rk_ctx *ctx = test_ctx();
    struct stage t;
    set_up(ctx, &t);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct heard h = { .ctx = ctx, .valid = true };
        rk_ids ids = { 0 };
        rk_bytes raw = { 0 }, text = { 0 };
        rk_generated r;
        uint32_t prompt[] = { 66, 67 };
        OK(ctx, rk_session_rewind(t.s, 0));
        OK(ctx, rk_generate(t.s, t.tok, prompt, 2, &(rk_generating){ .sampling = { .temperature = 3, .seed = seed }, .max_new_tokens = 30, .each = hear, .user = &h }, &ids, &r));
        EXPECT_INT(r.tokens, 30);
        EXPECT_INT(ids.n, 30);
        EXPECT_INT(r.stop, RK_STOP_LENGTH);
        OK(ctx, rk_tok_decode(ctx, t.tok, ids.at, ids.n, RK_TOK_SKIP_SPECIAL, &raw));
        OK(ctx, rk_bytes_replace(ctx, raw.at, raw.n, &text));
        EXPECT(h.valid);
        EXPECT_INT(h.text.n, text.n);
        EXPECT(h.text.n == text.n && memcmp(h.text.at, text.at, text.n) == 0);
        free(h.text.at);
        rk_ids_free(ctx, &ids);
        rk_bytes_free(ctx, &raw);
        rk_bytes_free(ctx, &text);
    }
    tear_down(ctx, &t);
}

TEST(generation_ends_where_it_is_told)
{
    rk_ctx *ctx = test_ctx();
    struct stage t;
    rk_ids all = { 0 }, some = { 0 };
    rk_generated r;
    uint32_t prompt[] = { 70 };
    set_up(ctx, &t);
    rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = 12 };
    OK(ctx, rk_generate(t.s, t.tok, prompt, 1, &how, &all, &r));
    REQUIRE(all.n == 12);
    size_t first = 0;
    while (all.at[first] != all.at[5]) first++;
    OK(ctx, rk_session_rewind(t.s, 0));
    how.ends = &all.at[5];
    how.n_ends = 1;
    OK(ctx, rk_generate(t.s, t.tok, prompt, 1, &how, &some, &r));
    EXPECT_INT(r.stop, RK_STOP_END);
    EXPECT_INT(some.n, first);
    EXPECT(memcmp(all.at, some.at, some.n * sizeof *some.at) == 0);
    how.n_ends = 0;
    how.max_new_tokens = 1000;
    OK(ctx, rk_session_rewind(t.s, 0));
    OK(ctx, rk_generate(t.s, t.tok, prompt, 1, &how, NULL, &r));
    EXPECT_INT(r.stop, RK_STOP_CONTEXT);
    EXPECT_INT(r.tokens, 40);                       /* 40 positions hold the prompt and 39 tokens; one more is made of them */
    struct heard h = { .ctx = ctx, .most = 3 };
    how.each = hear;
    how.user = &h;
    OK(ctx, rk_session_rewind(t.s, 0));
    OK(ctx, rk_generate(t.s, t.tok, prompt, 1, &how, NULL, &r));
    EXPECT_INT(r.stop, RK_STOP_CALLER);
    EXPECT_INT(r.tokens, 3);
    FAILS(ctx, rk_generate(t.s, t.tok, prompt, 0, &how, NULL, &r), RK_E_ARG, "empty prompt");
    free(h.text.at);
    rk_ids_free(ctx, &all);
    rk_ids_free(ctx, &some);
    tear_down(ctx, &t);
}

/* Ids below the tokenizer's size may be no token: they have no text. */
TEST(ids_without_a_token_are_never_taken)
{
    rk_ctx *ctx = test_ctx();
    struct stage t;
    uint32_t prompt[] = { 70 };
    set_up(ctx, &t);
    rk_tok_close(ctx, t.tok);
    test_write_text("vocab.json", "{\"a\": 0, \"b\": 7, \"c\": 20}");
    test_write_text("merges.txt", "#version: 0.2\n");
    OK(ctx, rk_tok_open(ctx, test_temporary(), &t.tok));
    EXPECT_INT(rk_tok_size(t.tok), 21);
    for (uint64_t seed = 0; seed < 10; seed++) {
        rk_ids ids = { 0 };
        OK(ctx, rk_session_rewind(t.s, 0));
        OK(ctx, rk_generate(t.s, t.tok, prompt, 1, &(rk_generating){ .sampling = { .temperature = 9, .seed = seed }, .max_new_tokens = 38 }, &ids, NULL));
        for (size_t i = 0; i < ids.n; i++) EXPECT(ids.at[i] == 0 || ids.at[i] == 7 || ids.at[i] == 20);
        rk_ids_free(ctx, &ids);
    }
    tear_down(ctx, &t);
}

static rk_status all_at_once(rk_ctx *ctx)
{
    rk_weights w;
    rk_session *s = NULL;
    rk_ids ids = { 0 };
    rk_generated r;
    uint32_t prompt[] = { 1, 2, 3 };
    rk_status status = random_weights_of(ctx, "gpt2:n_layer=1,n_embd=4,n_head=1,vocab_size=9,n_positions=8", backend_cpu(), &w);
    if (status == RK_OK) status = rk_session_open(&w, NULL, &s);
    if (status == RK_OK) status = rk_generate(s, NULL, prompt, 3, &(rk_generating){ .sampling = { .top_k = 3 }, .max_new_tokens = 3 }, &ids, &r);
    rk_ids_free(ctx, &ids);
    rk_session_close(s);
    weights_end(&w);
    return status;
}
TEST(decoding_survives_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(all_at_once); }
