/* test_train_kinds.c: runs of BERT with its heads, and of encoders and decoders: the same bits on any number of threads and however
 * they are cut; padding that changes nothing; losses that fall; bytes that were priced.
 * labels: threads */
#include "base/file.h"
#include "running.h"
#include "test.h"
#include <stdlib.h>

enum { VOCAB = 261, TOKENS = 900, PAIRS = 60, END = 3 };
static const char *const specials[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };

#define TWO_TOWERS ",source_layer=1,source_head=2,source_ff=20,pdrop=0.1"
static const struct { const char *model; bool pairs; } kinds[] = {
    { "bert-tiny:vocab=261,position=24,hidden=16,head=2,layer=1,ff=20,pdrop=0.2,attn_pdrop=0.2", false },
    { "bert-tiny+pretraining:vocab=261,position=24,hidden=16,head=2,layer=1,ff=20", false },
    { "transformer-base:vocab=261,position=24,hidden=16,head=2,layer=1,ff=20,act_pdrop=0.1,attn_pdrop=0.1" TWO_TOWERS, true },
    { "opus-mt-en-de:vocab=261,source_vocab=261,position=24,hidden=16,head=2,layer=1,ff=20,start=2,pad=0" TWO_TOWERS, true },
    { "annotated-copy:vocab=261,source_vocab=261,position=24,hidden=16,head=2,layer=1,ff=20,start=2" TWO_TOWERS, true },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A text in which the next token follows from the last; pairs of which the target is the source backwards. */
struct material { rk_ctx *ctx; rk_tok *tok; uint32_t *text, *source, *target; rk_tokens tokens, sources, targets; };

static rk_tokens tokens_of(const uint32_t *ids, size_t n) { return (rk_tokens){ .at = (const unsigned char *)ids, .n = n, .bytes_each = 4 }; }

static struct material material_new(rk_ctx *ctx)
{
    struct material m = { .ctx = ctx, .text = malloc(TOKENS * sizeof *m.text), .source = malloc(PAIRS * 10 * sizeof *m.source), .target = malloc(PAIRS * 10 * sizeof *m.target) };
    size_t n = 0;
    uint32_t id = 0;
    REQUIRE(m.text != NULL && m.source != NULL && m.target != NULL);
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = VOCAB, .specials = specials, .n_specials = 5 }, &(rk_text){ "a", 1 }, 1, &m.tok));
    for (size_t i = 0; i < TOKENS; i++) {
        id = test_random(9) == 0 ? (uint32_t)test_random(16) : (id * 5 + 3) % 16;
        m.text[i] = i % 100 == 99 ? END : 5 + id;
    }
    for (size_t i = 0; i < PAIRS; i++) {
        size_t words = 1 + test_random(8);
        for (size_t k = 0; k < words; k++) m.source[n + k] = m.target[n + words - 1 - k] = 5 + (uint32_t)test_random(8);
        m.source[n + words] = m.target[n + words] = END;
        n += words + 1;
    }
    m.tokens = tokens_of(m.text, TOKENS);
    m.sources = tokens_of(m.source, n);
    m.targets = tokens_of(m.target, n);
    return m;
}

static void material_free(struct material *m)
{
    rk_tok_close(m->ctx, m->tok);
    free(m->text);
    free(m->source);
    free(m->target);
}

static rk_train_data data_of(const struct material *m, int kind)
{
    if (kinds[kind].pairs) return (rk_train_data){ .tokens = &m->targets, .source = &m->sources, .document_end = END };
    return (rk_train_data){ .tokens = &m->tokens, .document_end = END, .tok = m->tok };
}

static rk_train_options small(void)
{
    rk_train_options o = rk_train_defaults();
    o.batch = 4;
    o.steps = 3;
    o.accumulate = 2;
    o.warmup = 2;
    o.lr = 1e-2;
    o.validation = 0.1;
    return o;
}

TEST(threads_change_no_bit)
{
    rk_ctx *ctx = test_ctx();
    struct material m = material_new(ctx);
    rk_train_options o = small();
    for (int k = 0; k < KINDS; k++) {
        const rk_train_data data = data_of(&m, k);
        struct bits one = running_whole(1, kinds[k].model, "cpu", &data, &o), two = running_whole(2, kinds[k].model, "cpu", &data, &o);       /* threads = 2 */
        running_same(one, two);
        free(one.at);
        free(two.at);
    }
    material_free(&m);
}

static bool stop_after_one(void *user, const rk_train_report *r) { return (void)user, r->step != 1; }

TEST(a_run_that_was_cut_ends_with_the_same_bits)
{
    rk_ctx *ctx = test_ctx();
    struct material m = material_new(ctx);
    rk_train_options o = small();
    for (int k = 0; k < KINDS; k++) {
        const rk_train_data data = data_of(&m, k);
        struct bits expected = running_whole(1, kinds[k].model, "cpu", &data, &o);
        struct running w;
        char folder[600];
        (void)snprintf(folder, sizeof folder, "%s/%d", test_temporary(), k);
        OK(ctx, running_open(ctx, &w, kinds[k].model, "cpu", &data, &o, folder, false));
        FAILS(ctx, rk_train_run(w.train, stop_after_one, NULL), RK_E_CANCELLED, "stopped after step");
        running_close(&w);
        OK(ctx, running_open(ctx, &w, kinds[k].model, "cpu", &data, &o, folder, true));
        EXPECT_INT(rk_train_steps_done(w.train), 1);
        OK(ctx, rk_train_run(w.train, NULL, NULL));
        struct bits b = running_bits(w.train);
        running_same(b, expected);
        running_close(&w);
        free(b.at);
        free(expected.at);
    }
    material_free(&m);
}

/* Another rate of hiding, other sizes of pairs, another text: not the same run. */
TEST(another_run_is_not_resumed)
{
    static const struct { int kind; const char *words; } cases[] = { { 0, "another mask-rate" }, { 2, "another source-seq" } };
    rk_ctx *ctx = test_ctx();
    struct material m = material_new(ctx);
    for (int i = 0; i < 2; i++) {
        const rk_train_data data = data_of(&m, cases[i].kind);
        rk_train_options o = small();
        struct running w;
        char folder[600];
        o.steps = 1;
        (void)snprintf(folder, sizeof folder, "%s/%d", test_temporary(), i);
        OK(ctx, running_open(ctx, &w, kinds[cases[i].kind].model, "cpu", &data, &o, folder, false));
        OK(ctx, rk_train_run(w.train, NULL, NULL));
        running_close(&w);
        o.mask_rate = i == 0 ? 0.3 : o.mask_rate;
        o.source_seq = i == 0 ? 0 : 20;
        FAILS(ctx, running_open(ctx, &w, kinds[cases[i].kind].model, "cpu", &data, &o, folder, true), RK_E_DIFFERS, cases[i].words);
        running_close(&w);
        o = small();
        m.source[0] ^= 1;
        m.text[0] ^= 1;
        FAILS(ctx, running_open(ctx, &w, kinds[cases[i].kind].model, "cpu", &data, &o, folder, true), RK_E_DIFFERS, "other tokens");
        running_close(&w);
    }
    material_free(&m);
}

/* --- padding --- */

/* A first step without dropout, and the validation before it. */
struct first { double loss, norm, validation; };

static struct first first_step(const struct material *m, int kind, rk_train_options o)
{
    const rk_train_data data = data_of(m, kind);
    struct running w;
    struct first f;
    rk_train_report r;
    o.no_dropout = true;
    OK(m->ctx, running_open(m->ctx, &w, kinds[kind].model, "ref", &data, &o, NULL, false));
    OK(m->ctx, rk_train_validate(w.train, &f.validation));
    OK(m->ctx, rk_train_step(w.train, &r));
    running_close(&w);
    f.loss = r.loss;
    f.norm = r.gradient_norm;
    return f;
}

static void expect_same(struct first f, struct first expected)
{
    EXPECT_NEAR(f.loss, expected.loss, 1e-9);
    EXPECT_NEAR(f.norm, expected.norm, 1e-9 * expected.norm);
    EXPECT_NEAR(f.validation, expected.validation, 1e-9);
}

/* Room for longer pairs than there are, and every pair alone: the same loss, and the same gradient. */
TEST(padding_changes_nothing)
{
    struct material m = material_new(test_ctx());
    for (int k = 2; k < (TEST_SANITIZED ? 3 : KINDS); k++) {
        rk_train_options o = small();
        o.batch = o.eval_batches = 2;
        struct first tight = first_step(&m, k, o);
        o.seq = 11;
        o.source_seq = 13;
        expect_same(first_step(&m, k, o), tight);
        o.batch = 1;
        o.accumulate = o.eval_batches = 4;
        expect_same(first_step(&m, k, o), tight);
    }
    material_free(&m);
}

/* Both parts of BERT's loss are means over the whole step, whatever it is cut into. */
TEST(micro_batches_are_one_batch)
{
    struct material m = material_new(test_ctx());
    for (int k = TEST_SANITIZED; k < 2; k++) {
        rk_train_options o = small();
        o.batch = 4;
        o.accumulate = 1;
        struct first one = first_step(&m, k, o);
        EXPECT_NEAR(one.loss, log(VOCAB) + (k == 1 ? log(2) : 0), 0.4);
        o.batch = 1;
        o.accumulate = 4;
        expect_same(first_step(&m, k, o), one);
    }
    material_free(&m);
}

/* --- learning --- */

TEST(losses_fall_and_what_is_saved_is_the_model)
{
    rk_ctx *ctx = test_ctx();
    struct material m = material_new(ctx);
    for (int k = 0; k < KINDS; k += TEST_SANITIZED ? 2 : 1) {
        const rk_train_data data = data_of(&m, k);
        rk_train_options o = small();
        struct running w;
        double before, after, again, bigram;
        char folder[600];
        o.steps = 40;
        o.accumulate = 1;
        o.lr = 2e-2;
        o.batch = 8;
        (void)snprintf(folder, sizeof folder, "%s/model%d", test_temporary(), k);
        OK(ctx, running_open(ctx, &w, kinds[k].model, "cpu", &data, &o, NULL, false));
        OK(ctx, rk_train_validate(w.train, &before));
        OK(ctx, rk_train_run(w.train, NULL, NULL));
        OK(ctx, rk_train_validate(w.train, &after));
        OK(ctx, rk_train_bigram(w.train, &bigram));
        EXPECT(isnan(bigram));
        EXPECT(after < 0.75 * before);
        OK(ctx, rk_train_export(w.train, folder));
        for (int i = 0; i < rk_receipt_rows(w.train); i++) {
            rk_receipt_row r = rk_receipt_at(w.train, i);
            if (strcmp(r.entry, "bytes.rounding") == 0 || strcmp(r.entry, "bytes.plan.inputs") == 0) EXPECT_NEAR(r.measured, r.predicted, 0);
            if (strcmp(r.entry, "flops.step") == 0) EXPECT(r.measured > 0 && r.measured <= r.predicted);
        }
        running_close(&w);
        OK(ctx, running_open(ctx, &w, folder, "cpu", &data, &o, NULL, false));
        OK(ctx, rk_train_validate(w.train, &again));
        EXPECT(again == after);
        running_close(&w);
    }
    material_free(&m);
}

TEST(a_model_without_a_loss_is_refused)
{
    static const char *const models[] = { "gpt2+model:layer=1", "bert-tiny+model:layer=1", "transformer-base+model:layer=1,source_layer=1" };
    static const char *const heads[] = { "NAME+lm", "NAME+mlm", "NAME+lm" };
    rk_ctx *ctx = test_ctx();
    struct material m = material_new(ctx);
    const rk_train_data data = data_of(&m, 0);
    rk_train_options o = small();
    for (int i = 0; i < 3; i++) {
        struct running w;
        FAILS(ctx, running_open(ctx, &w, models[i], "cpu", &data, &o, NULL, false), RK_E_DECLINED, "has no loss");
        EXPECT(strstr(rk_error_hint(ctx), heads[i]) != NULL);
        running_close(&w);
    }
    material_free(&m);
}
