/* Laws of sequences side by side: each row of a ragged batch equals it alone, rows that are copied go on as their originals would,
 * and an invariant session gives the same bits in any batch and by any cutting. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "test.h"
#include "tiny.h"
#include "weights.h"
#include <stdlib.h>

enum { BATCH = 4, MOST = 20, VOCAB = WEIGHTS_VOCAB, SOURCE = 9 };

struct texts { uint32_t ids[BATCH][MOST], source[BATCH * SOURCE]; int64_t source_lengths[BATCH]; };

static void draw(struct texts *t)
{
    for (int b = 0; b < BATCH; b++) {
        t->source_lengths[b] = 1 + (int64_t)test_random(SOURCE);
        for (int i = 0; i < MOST; i++) t->ids[b][i] = (uint32_t)test_random(VOCAB);
        for (int i = 0; i < SOURCE; i++) t->source[b * SOURCE + i] = (uint32_t)test_random(VOCAB);
    }
}

static void read_sources(rk_ctx *ctx, rk_session *s, const struct texts *t, int first)
{
    if (s->source > 0) OK(ctx, rk_session_encode(s, t->source + first * SOURCE, SOURCE, t->source_lengths + first));
}

/* Row b, all of it at once, in a session of its own. */
static void alone(rk_ctx *ctx, rk_session *s, const struct texts *t, int b, int64_t n, float *logits)
{
    read_sources(ctx, s, t, b);
    OK(ctx, rk_session_rewind(s, 0));
    OK(ctx, rk_session_feed(s, t->ids[b], n, logits));
}

static double most_of(double a, double b) { return a > b ? a : b; }

static void expect_near(const float *a, const float *b, double tolerance)
{
    double most = 0, largest = 0;
    for (int i = 0; i < VOCAB; i++) most = most_of(most, fabs((double)a[i] - (double)b[i]));
    for (int i = 0; i < VOCAB; i++) largest = most_of(largest, fabs((double)b[i]));
    if (tolerance == 0) EXPECT(memcmp(a, b, VOCAB * sizeof *a) == 0);
    else EXPECT_NEAR(most / largest, 0, tolerance);
}

/* Feeds random lengths until the rows are full, and compares each with itself alone. */
static void check_ragged(rk_ctx *ctx, rk_session *s, rk_session *one, const struct texts *t, double tolerance)
{
    static float together[BATCH * VOCAB], single[VOCAB];
    int64_t past[BATCH] = { 0 };
    read_sources(ctx, s, t, 0);
    for (int round = 0; round < 4; round++) {
        uint32_t ids[BATCH * 8] = { 0 };
        int64_t lengths[BATCH], n = 1 + (int64_t)test_random(8);
        for (int b = 0; b < BATCH; b++) {
            lengths[b] = (int64_t)test_random((uint64_t)n + 1);
            if (lengths[b] > MOST - past[b]) lengths[b] = MOST - past[b];
            for (int64_t i = 0; i < lengths[b]; i++) ids[b * n + i] = t->ids[b][past[b] + i];
        }
        OK(ctx, rk_session_feed_rows(s, ids, n, lengths, together));
        for (int b = 0; b < BATCH; b++) {
            past[b] += lengths[b];
            EXPECT_INT(rk_session_row_past(s, b), past[b]);
            if (lengths[b] == 0) continue;
            alone(ctx, one, t, b, past[b], single);
            expect_near(together + b * VOCAB, single, tolerance);
        }
    }
}

static void check_families(const struct backend *backend, rk_session_options options, int step, double tolerance)
{
    rk_ctx *ctx = test_ctx();
    struct texts t;
    options.source = SOURCE;
    for (int k = 0; k < TINY_MODELS; k += step) {
        rk_weights w;
        rk_session *s, *one;
        OK(ctx, random_weights(ctx, k, backend, &w));
        if (model_decodes(w.model)) {
            draw(&t);
            rk_session_options single = options;
            single.ragged = false;
            single.batch = 1;
            options.batch = BATCH;
            OK(ctx, rk_session_open(&w, &options, &s));
            OK(ctx, rk_session_open(&w, &single, &one));
            check_ragged(ctx, s, one, &t, tolerance);
            rk_session_close(s);
            rk_session_close(one);
        }
        weights_end(&w);
    }
}

TEST(each_row_of_a_ragged_batch_equals_it_alone_on_ref) { check_families(backend_ref(), (rk_session_options){ .ragged = true, .chunk = 3 }, TEST_SANITIZED ? 7 : 5, 1e-7); }
TEST(each_row_of_a_ragged_batch_equals_it_alone_on_cpu) { check_families(backend_cpu(), (rk_session_options){ .ragged = true, .chunk = 5 }, TEST_SANITIZED ? 5 : 1, 2e-6); }
TEST(an_invariant_session_gives_the_same_bits_in_any_batch) { check_families(backend_cpu(), (rk_session_options){ .invariant = true }, TEST_SANITIZED ? 7 : 2, 0); }

TEST(an_invariant_session_gives_the_same_bits_by_any_cutting)
{
    rk_ctx *ctx = test_ctx();
    struct texts t;
    float whole[VOCAB], cut[VOCAB];
    for (int k = 0; k < TINY_MODELS; k += 3) {
        rk_weights w;
        rk_session *s;
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        if (model_decodes(w.model)) {
            draw(&t);
            OK(ctx, rk_session_open(&w, &(rk_session_options){ .invariant = true }, &s));
            alone(ctx, s, &t, 0, MOST, whole);
            OK(ctx, rk_session_rewind(s, 0));
            for (int64_t n; s->past < MOST; ) {
                n = 1 + (int64_t)test_random(7);
                OK(ctx, rk_session_feed(s, t.ids[0] + s->past, n < MOST - s->past ? n : MOST - s->past, cut));
            }
            expect_near(cut, whole, 0);
            rk_session_close(s);
        }
        weights_end(&w);
    }
}

/* --- copies --- */

/* Any map of rows, with rings, fans and rows that stay: afterwards each goes on as the row did that it came from. */
static void check_copies(rk_ctx *ctx, rk_session *s, rk_session *one, struct texts *t, double tolerance)
{
    static float together[BATCH * VOCAB], single[VOCAB];
    uint32_t ids[BATCH * MOST], next[BATCH];
    int64_t lengths[BATCH], rows[BATCH];
    int of[BATCH];
    for (int b = 0; b < BATCH; b++) {
        of[b] = b;
        lengths[b] = s->ragged ? 1 + (int64_t)test_random(8) : 6;
        for (int64_t i = 0; i < 8; i++) ids[b * 8 + i] = t->ids[b][i];
    }
    read_sources(ctx, s, t, 0);
    if (!s->ragged && s->alone == NULL) {
        for (int b = 0; b < BATCH; b++)
            for (int i = 0; i < 6; i++) ids[b * 6 + i] = t->ids[b][i];
        OK(ctx, rk_session_feed(s, ids, 6, NULL));
    } else OK(ctx, rk_session_feed_rows(s, ids, 8, lengths, NULL));
    for (int round = 0; round < 5; round++) {
        struct texts was = *t;
        int64_t length[BATCH];
        int from[BATCH];
        for (int b = 0; b < BATCH; b++) rows[b] = (int64_t)test_random(BATCH);
        if (round == 0)
            for (int b = 0; b < BATCH; b++) rows[b] = (b + 1) % BATCH;
        OK(ctx, rk_session_copy(s, s, rows));
        for (int b = 0; b < BATCH; b++) {
            memcpy(t->ids[b], was.ids[rows[b]], sizeof t->ids[b]);
            length[b] = lengths[rows[b]];
            from[b] = of[rows[b]];
            next[b] = (uint32_t)test_random(VOCAB);
        }
        OK(ctx, rk_session_feed(s, next, 1, together));
        for (int b = 0; b < BATCH; b++) {
            t->ids[b][length[b]] = next[b];
            lengths[b] = length[b] + 1;
            of[b] = from[b];
            read_sources(ctx, one, t, of[b]);
            OK(ctx, rk_session_rewind(one, 0));
            OK(ctx, rk_session_feed(one, t->ids[b], lengths[b], single));
            expect_near(together + b * VOCAB, single, tolerance);
        }
    }
}

TEST(copied_rows_go_on_as_the_rows_they_came_from)
{
    static const rk_session_options kinds[] = { { .ragged = true }, { .ragged = false }, { .invariant = true } };
    rk_ctx *ctx = test_ctx();
    struct texts t;
    for (int k = 0; k < TINY_MODELS; k += TEST_SANITIZED ? 7 : 2) {
        rk_weights w;
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds && model_decodes(w.model); i++) {
            rk_session_options options = kinds[i], single = { .source = SOURCE, .invariant = options.invariant };
            rk_session *s, *one;
            options.batch = BATCH;
            options.source = SOURCE;
            draw(&t);
            OK(ctx, rk_session_open(&w, &options, &s));
            OK(ctx, rk_session_open(&w, &single, &one));
            check_copies(ctx, s, one, &t, options.invariant ? 0 : 2e-6);
            rk_session_close(s);
            rk_session_close(one);
        }
        weights_end(&w);
    }
}

/* One row of a session of one becomes all rows of another. */
TEST(a_row_spreads_over_another_session)
{
    rk_ctx *ctx = test_ctx();
    struct texts t;
    static float together[BATCH * VOCAB], single[VOCAB];
    const int64_t rows[BATCH] = { 0 };
    for (int k = 0; k < TINY_MODELS; k += 2) {
        rk_weights w;
        rk_session *one, *many;
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        if (model_decodes(w.model)) {
            uint32_t next[BATCH];
            draw(&t);
            OK(ctx, rk_session_open(&w, &(rk_session_options){ .source = SOURCE, .ragged = true }, &one));
            OK(ctx, rk_session_open(&w, &(rk_session_options){ .source = SOURCE, .ragged = true, .batch = BATCH }, &many));
            alone(ctx, one, &t, 2, 7, single);
            OK(ctx, rk_session_copy(many, one, rows));
            for (int b = 0; b < BATCH; b++) next[b] = t.ids[2][7];
            OK(ctx, rk_session_feed(many, next, 1, together));
            OK(ctx, rk_session_feed(one, next, 1, single));
            for (int b = 0; b < BATCH; b++) expect_near(together + b * VOCAB, single, 2e-6);
            rk_session_close(one);
            rk_session_close(many);
        }
        weights_end(&w);
    }
}

/* Rows that have one source's keys and values together make the bits of rows that have them each, whichever of them goes on from which. */
TEST(rows_of_one_source_may_share_it)
{
    enum { SHARED = 2, SOURCES = BATCH / SHARED };
    rk_ctx *ctx = test_ctx();
    struct texts t;
    static float each[BATCH * VOCAB], shared[BATCH * VOCAB];
    const int64_t spread[BATCH] = { 0, 0, 1, 1 }, among[BATCH] = { 1, 1, 2, 2 }, away[BATCH] = { 0, 2, 2, 3 };
    for (int k = 0; k < TINY_MODELS; k++) {
        rk_weights w;
        rk_session *from, *s[2];
        OK(ctx, random_weights(ctx, k, backend_cpu(), &w));
        if (model_decodes(w.model) && model_has_encoder(w.model)) {
            rk_session_options options = { .source = SOURCE, .ragged = true, .batch = SOURCES };
            draw(&t);
            OK(ctx, rk_session_open(&w, &options, &from));
            options.batch = BATCH;
            OK(ctx, session_open_beams(&w, &options, 1, &s[0]));
            OK(ctx, session_open_beams(&w, &options, SHARED, &s[1]));
            EXPECT(rk_session_bytes(s[1]) < rk_session_bytes(s[0]));
            read_sources(ctx, from, &t, 0);
            OK(ctx, rk_session_feed(from, t.ids[0], 3, each));
            for (int i = 0; i < 2; i++) {
                OK(ctx, rk_session_copy(s[i], from, spread));
                OK(ctx, rk_session_feed(s[i], t.ids[1], 2, shared));
                OK(ctx, rk_session_copy(s[i], s[i], among));
                OK(ctx, rk_session_feed(s[i], t.ids[2], 1, i == 0 ? each : shared));
            }
            EXPECT(memcmp(each, shared, sizeof each) == 0);
            FAILS(ctx, rk_session_copy(s[1], s[1], away), RK_E_ARG, "away from the source that it shares");
            for (int i = 0; i < 2; i++) rk_session_close(s[i]);
            rk_session_close(from);
        }
        weights_end(&w);
    }
}

TEST(rows_that_make_no_sense)
{
    rk_ctx *ctx = test_ctx();
    rk_weights w;
    rk_session *s, *plain;
    const uint32_t ids[BATCH * 3] = { 0 }, high[BATCH * 3] = { 0, 0, 0, 0, VOCAB };
    const int64_t long_[BATCH] = { 4, 1, 1, 1 }, below[BATCH] = { -1, 1, 1, 1 }, short_[BATCH] = { 1, 1, 1, 1 }, two[BATCH] = { 2, 2, 2, 2 }, beyond[BATCH] = { 0, BATCH };
    static float logits[BATCH * VOCAB];
    OK(ctx, random_weights(ctx, 0, backend_cpu(), &w));
    OK(ctx, rk_session_open(&w, NULL, &plain));
    FAILS(ctx, rk_session_feed_rows(plain, ids, 3, NULL, logits), RK_E_ARG, "neither ragged nor invariant");
    OK(ctx, rk_session_open(&w, &(rk_session_options){ .ragged = true, .batch = BATCH, .context = 5 }, &s));
    FAILS(ctx, rk_session_feed_rows(s, ids, 3, long_, logits), RK_E_ARG, "row 0 is to read 4");
    FAILS(ctx, rk_session_feed_rows(s, ids, 3, below, logits), RK_E_ARG, "row 0 is to read -1");
    FAILS(ctx, rk_session_feed_rows(s, high, 3, two, logits), RK_E_ARG, "token 1 has the id 300");
    OK(ctx, rk_session_feed_rows(s, high, 3, short_, logits));
    OK(ctx, rk_session_feed_rows(s, ids, 3, NULL, logits));
    FAILS(ctx, rk_session_feed_rows(s, ids, 2, NULL, logits), RK_E_LIMIT, "context of 5");
    FAILS(ctx, rk_session_copy(s, plain, short_), RK_E_ARG, "other weights, context");
    FAILS(ctx, rk_session_copy(s, s, beyond), RK_E_ARG, "sequence 4 of 4");
    OK(ctx, rk_session_rewind(s, 1));
    EXPECT_INT(rk_session_row_past(s, 3), 1);
    rk_session_close(s);
    rk_session_close(plain);
    weights_end(&w);
}

static rk_status all_at_once(rk_ctx *ctx)
{
    static float logits[2 * 9];
    rk_weights w;
    rk_session *s = NULL;
    const uint32_t ids[] = { 1, 2, 3, 4 };
    const int64_t lengths[] = { 2, 1 }, rows[] = { 1, 0 };
    rk_status status = random_weights_of(ctx, "gpt2:n_layer=1,n_embd=4,n_head=1,vocab_size=9,n_positions=8", backend_cpu(), &w);
    if (status == RK_OK) status = rk_session_open(&w, &(rk_session_options){ .ragged = true, .batch = 2 }, &s);
    if (status == RK_OK) status = rk_session_feed_rows(s, ids, 2, lengths, logits);
    if (status == RK_OK) status = rk_session_copy(s, s, rows);
    rk_session_close(s);
    weights_end(&w);
    return status;
}
TEST(rows_survive_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(all_at_once); }
