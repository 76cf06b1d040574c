/* test_train_data.c: what a step of a model of the next token reads: windows, epochs, labels, the cut into training and validation.
 * Not here: what is masked, and pairs (test_train_kinds.c). */
#include "base/rng.h"
#include "test.h"
#include "train/data.h"
#include <stdlib.h>

enum { END = 7, LARGEST = 100 };

struct text { rk_tokens tokens; unsigned char *bytes; };

/* n ids of 2 bytes in memory that ends where they end: reading beyond is seen by sanitizers. */
static struct text text_new(size_t n)
{
    struct text t = { .bytes = malloc(n == 0 ? 1 : 2 * n) };
    REQUIRE(t.bytes != NULL);
    for (size_t i = 0; i < n; i++) {
        t.bytes[2 * i] = test_random(9) == 0 ? END : (unsigned char)test_random(LARGEST);
        t.bytes[2 * i + 1] = 0;
    }
    t.tokens = (rk_tokens){ .at = t.bytes, .n = n, .bytes_each = 2 };
    return t;
}

static rk_status try_open(rk_ctx *ctx, const struct text *t, const rk_train_options *o, int64_t seq, int64_t end, struct data *d)
{
    return data_open(ctx, &(rk_train_data){ .tokens = &t->tokens, .document_end = end }, o, &(struct data_wanted){ .kind = &data_next, .seq = seq, .vocab = LARGEST }, d);
}

static struct data open_data(rk_ctx *ctx, const struct text *t, const rk_train_options *o, int64_t seq, int64_t end)
{
    struct data d;
    OK(ctx, try_open(ctx, t, o, seq, end, &d));
    return d;
}

/* The window at a place of the training part: how many labels count. */
static int64_t window(const struct data *d, uint64_t place, int32_t *tokens, int32_t *labels)
{
    struct sample s = { .at = { [DATA_tokens] = tokens, [DATA_labels] = labels } };
    for (int64_t t = 0; t < d->seq; t++) tokens[t] = 0, labels[t] = -1;
    d->kind->fill(d, &d->train, place, (struct draw){ 0, 0 }, &s);
    return s.targets;
}

TEST(shuffling_is_a_bijection)
{
    for (uint64_t n = 1; n < 70; n++) {
        bool seen[70] = { false };
        for (uint64_t i = 0; i < n; i++) {
            uint64_t k = shuffled(5, 99, n, i);
            REQUIRE(k < n && !seen[k]);
            seen[k] = true;
        }
    }
}

TEST(an_epoch_takes_every_window_once)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults();
    o.validation = 0;
    struct text t = text_new(1 + 10 * 13 + 4);
    struct data d = open_data(ctx, &t, &o, 13, -1);
    uint64_t first[10];
    bool moved = false;
    for (uint64_t epoch = 0; epoch < 5; epoch++) {
        bool seen[10] = { false };
        uint64_t low = UINT64_MAX;
        for (uint64_t i = 0; i < 10; i++) low = data_start(&d, 10 * epoch + i) < low ? data_start(&d, 10 * epoch + i) : low;
        for (uint64_t i = 0; i < 10; i++) {
            uint64_t at = data_start(&d, 10 * epoch + i);
            EXPECT(at + 13 < d.train.n);
            REQUIRE((at - low) % 13 == 0 && (at - low) / 13 < 10 && !seen[(at - low) / 13]);
            seen[(at - low) / 13] = true;
            if (epoch == 0) first[i] = at;
            else moved = moved || first[i] != at;
        }
    }
    EXPECT(moved);
    data_close(ctx, &d);
    free(t.bytes);
}

TEST(random_windows_reach_both_ends)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults();
    o.validation = 0;
    o.order = RK_ORDER_RANDOM;
    struct text t = text_new(12);
    struct data d = open_data(ctx, &t, &o, 8, -1);
    bool seen[4] = { false };
    for (uint64_t i = 0; i < 200; i++) {
        REQUIRE(data_start(&d, i) < 4);
        seen[data_start(&d, i)] = true;
        EXPECT(data_start(&d, i) == data_start(&d, i));
    }
    EXPECT(seen[0] && seen[1] && seen[2] && seen[3]);
    data_close(ctx, &d);
    free(t.bytes);
}

TEST(labels_are_the_next_tokens)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults();
    o.validation = 0;
    for (int mask = 0; mask < 2; mask++) {
        o.mask_ends = mask == 1;
        struct text t = text_new(40);
        struct data d = open_data(ctx, &t, &o, 11, END);
        int32_t tokens[11], labels[11];
        for (uint64_t start = 0; start + 11 < 40; start++) {
            int64_t targets = window(&d, start, tokens, labels), counted = 0;
            for (size_t i = 0; i < 11; i++) {
                EXPECT_INT(tokens[i], rk_tokens_at(&t.tokens, start + i));
                bool masked = mask == 1 && tokens[i] == END;
                EXPECT_INT(labels[i], masked ? -1 : (int)rk_tokens_at(&t.tokens, start + i + 1));
                counted += labels[i] >= 0;
            }
            EXPECT_INT(targets, counted);
        }
        EXPECT_INT(window(&d, 35, tokens, labels), 4 - (mask == 1 ? (tokens[0] == END) + (tokens[1] == END) + (tokens[2] == END) + (tokens[3] == END) : 0));
        EXPECT_INT(tokens[5], 0);
        EXPECT_INT(labels[4], -1);
        data_close(ctx, &d);
        free(t.bytes);
    }
}

/* Every token is in exactly one part, documents stay whole, and the seed of the run changes nothing. */
TEST(documents_go_to_one_part)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults();
    o.validation = 0.3;
    struct text t = text_new(3000);
    struct data d = open_data(ctx, &t, &o, 16, END);
    o.seed = 77;
    struct data again = open_data(ctx, &t, &o, 16, END);
    EXPECT_INT(d.fingerprint, again.fingerprint);
    EXPECT_INT(d.train.n + d.validation.n, 3000);
    EXPECT(d.validation.n > 300 && d.validation.n < 1800);
    bool *held = calloc(3000, sizeof *held);
    REQUIRE(held != NULL);
    for (int i = 0; i < d.validation.pieces.n; i++) {
        uint64_t end = i + 1 < d.validation.pieces.n ? d.validation.pieces.at[i + 1].before : d.validation.n;
        for (uint64_t k = 0; k < end - d.validation.pieces.at[i].before; k++) held[d.validation.pieces.at[i].begin + k] = true;
    }
    for (size_t i = 0, from = 0, to = 0; i < 3000; i++) {
        if (i > 0 && rk_tokens_at(&t.tokens, i - 1) != END) EXPECT(held[i] == held[i - 1]);
        uint32_t id = held[i] ? part_token(&d.validation, to++) : part_token(&d.train, from++);
        EXPECT_INT(id, rk_tokens_at(&t.tokens, i));
    }
    free(held);
    data_close(ctx, &d);
    data_close(ctx, &again);
    free(t.bytes);
}

TEST(validation_has_every_target_once)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults();
    o.validation = 0.25;
    for (size_t n = 120; n < 160; n++) {
        struct text t = text_new(n);
        struct data d = open_data(ctx, &t, &o, 9, -1);
        int32_t tokens[9], labels[9];
        int64_t targets = 0;
        for (int64_t w = 0; w < data_validation_windows(&d); w++) {
            struct sample s = { .at = { [DATA_tokens] = tokens, [DATA_labels] = labels } };
            data_validation_sample(&d, w, &s);
            for (int64_t i = 0; i < s.targets; i++) EXPECT_INT(labels[i], part_token(&d.validation, (uint64_t)(w * 9 + i + 1)));
            targets += s.targets;
        }
        EXPECT_INT(targets, (int64_t)d.validation.n - 1);
        data_close(ctx, &d);
        free(t.bytes);
    }
}

TEST(what_cannot_be_trained_on_is_refused)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults();
    struct data d;
    o.validation = 0;
    struct text t = text_new(20);
    FAILS(ctx, try_open(ctx, &t, &o, 20, -1, &d), RK_E_ARG, "20 training tokens");
    t.bytes[2 * 13] = LARGEST;
    FAILS(ctx, try_open(ctx, &t, &o, 4, -1, &d), RK_E_ARG, "token 13 is 100");
    free(t.bytes);
}
