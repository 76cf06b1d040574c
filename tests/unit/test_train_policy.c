/* test_train_policy.c: runs under policies of dtypes: they learn, use what was priced, and go on with the same bits; master copies are
 * what is kept; a step whose scaled gradients overflow changes nothing. */
#include "base/num.h"
#include "running.h"
#include "test.h"
#include <stdlib.h>

#define MODEL "cs336-17m:vocab_size=37,context_length=8,d_model=16,num_layers=1,num_heads=2,d_ff=24"
enum { ELEMENTS = 37 * 16 };                        /* of a table */

static const char *const policies[] = { "amp-bf16", "amp-fp16", "mixed", "fp8", "mixed,head=f32,embed=bf16" };
enum { POLICIES = sizeof policies / sizeof *policies };

static rk_train_options under(const char *policy)
{
    rk_train_options o = running_small();
    o.eval_batches = 1;
    o.eval_every = 0;
    (void)snprintf(o.policy, sizeof o.policy, "%s", policy);
    return o;
}

static rk_status open_run(rk_ctx *ctx, struct running *w, const char *device, const struct text *text, const rk_train_options *o, const char *output, bool resume)
{
    const rk_train_data data = { .tokens = &text->tokens, .document_end = 0 };
    return running_open(ctx, w, MODEL, device, &data, o, output, resume);
}

static void start(rk_ctx *ctx, struct running *w, const char *device, const struct text *text, const rk_train_options *o, const char *output, bool resume)
{
    if (open_run(ctx, w, device, text, o, output, resume) != RK_OK) test_fail(__FILE__, __LINE__, "%s: %s", o->policy, rk_error_message(w->ctx));
    REQUIRE(w->train != NULL);
}

/* --- they learn --- */

struct course { double first, last; int n; };

static bool follow(void *user, const rk_train_report *r)
{
    struct course *c = user;
    if (c->n++ == 0) c->first = r->loss;
    c->last = r->loss;
    EXPECT(!r->skipped);
    return true;
}

static struct course learn(rk_ctx *ctx, const char *device, const struct text *text, const rk_train_options *o)
{
    struct running w;
    struct course c = { .n = 0 };
    start(ctx, &w, device, text, o, NULL, false);
    OK(w.ctx, rk_train_run(w.train, follow, &c));
    running_close(&w);
    return c;
}

TEST(every_policy_learns_on_every_device)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    rk_train_options plain = under("");
    plain.steps = TEST_SANITIZED ? 8 : 20;
    struct course wide = learn(ctx, "cpu", &text, &plain);
    for (int i = 0; i < POLICIES; i++) {
        rk_train_options o = under(policies[i]);
        o.steps = plain.steps;
        double loose = strcmp(policies[i], "fp8") == 0 ? 0.1 : 0.03;
        struct course ref = learn(ctx, "ref", &text, &o), cpu = learn(ctx, "cpu", &text, &o);
        EXPECT(ref.last < 0.95 * ref.first && cpu.last < 0.95 * cpu.first);
        EXPECT_NEAR(cpu.first, ref.first, 0.01);
        EXPECT_NEAR(cpu.last, ref.last, loose);                     /* ref rounds at casts alone */
        EXPECT_NEAR(cpu.last, wide.last, 0.1);
        EXPECT(cpu.last != wide.last);
    }
    free(text.bytes);
}

TEST(fp32_is_no_policy)
{
    static const char *const same[] = { "fp32", "attn=f32" };
    struct text text = running_text();
    const rk_train_data data = { .tokens = &text.tokens, .document_end = 0 };
    rk_train_options o = under("");
    struct bits expected = running_whole(1, MODEL, "cpu", &data, &o);
    for (int i = 0; i < 2; i++) {
        o = under(same[i]);
        struct bits b = running_whole(1, MODEL, "cpu", &data, &o);
        running_same(b, expected);
        free(b.at);
    }
    free(expected.at);
    free(text.bytes);
}

/* --- and cost what was said --- */

TEST(receipts_of_policies_agree_with_their_bills)
{
    rk_ctx *ctx = test_ctx();
    static const char *const states[] = { "bytes.plan.parameters", "bytes.plan.gradients", "bytes.plan.optimizer", "bytes.plan.master" };
    static const char *const exact[] = { "bytes.rounding", "bytes.plan.arena", "bytes.plan.inputs", "flops.step" };
    struct text text = running_text();
    for (int i = 0; i < POLICIES; i++) {
        struct running w;
        rk_train_options o = under(policies[i]);
        o.accumulate = 2;
        o.steps = 2;
        start(ctx, &w, "cpu", &text, &o, NULL, false);
        OK(w.ctx, rk_train_run(w.train, NULL, NULL));
        int seen = 0;
        for (int k = 0; k < rk_receipt_rows(w.train); k++) {
            rk_receipt_row r = rk_receipt_at(w.train, k);
            for (int e = 0; e < 4; e++) {
                if (strcmp(r.entry, exact[e]) == 0) EXPECT(r.predicted == r.measured && ++seen);
                if (strcmp(r.entry, states[e]) != 0 || !isfinite(r.predicted)) continue;
                EXPECT(r.measured >= r.predicted && r.measured < r.predicted + 64 * 40 && ++seen);
            }
        }
        bool master = strncmp(policies[i], "mixed", 5) == 0;
        EXPECT_INT(seen, master ? 8 : 7);
        running_close(&w);
    }
    free(text.bytes);
}

/* --- the same bits --- */

static bool stop_at(void *user, const rk_train_report *r) { return r->step != *(const int64_t *)user; }

static void check_resume(rk_ctx *ctx, const char *device, const rk_train_options *o, const struct text *text)
{
    const rk_train_data data = { .tokens = &text->tokens, .document_end = 0 };
    struct bits expected = running_whole(1, MODEL, device, &data, o);
    for (int64_t cut = 1; cut < o->steps; cut += TEST_SANITIZED ? 4 : 2) {
        struct running w;
        char folder[600];
        (void)snprintf(folder, sizeof folder, "%s/%s-%s-%lld", test_temporary(), o->policy, device, (long long)cut);
        start(ctx, &w, device, text, o, folder, false);
        FAILS(w.ctx, rk_train_run(w.train, stop_at, &cut), RK_E_CANCELLED, "stopped after step");
        running_close(&w);
        start(ctx, &w, device, text, o, folder, true);
        EXPECT_INT(rk_train_steps_done(w.train), cut);
        OK(w.ctx, rk_train_run(w.train, NULL, NULL));
        struct bits b = running_bits(w.train);
        running_same(b, expected);
        free(b.at);
        running_close(&w);
    }
    free(expected.at);
}

TEST(a_run_that_was_cut_ends_with_the_same_bits)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    for (int i = 0; i < POLICIES; i++) {
        rk_train_options o = under(policies[i]);
        o.accumulate = 2;
        o.loss_scale = 1e9;                         /* amp-fp16: overflows at first */
        o.scale_steps = 2;
        check_resume(ctx, "cpu", &o, &text);
    }
    rk_train_options o = under("mixed");
    check_resume(ctx, "ref", &o, &text);
    free(text.bytes);
}

TEST(another_policy_is_not_resumed)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_options o = under("mixed"), other = under("amp-bf16"), none = under("");
    start(ctx, &w, "cpu", &text, &o, test_temporary(), false);
    OK(w.ctx, rk_train_run(w.train, NULL, NULL));
    running_close(&w);
    FAILS(w.ctx, open_run(ctx, &w, "cpu", &text, &other, test_temporary(), true), RK_E_DIFFERS, "another policy: its numbers");
    running_close(&w);
    FAILS(w.ctx, open_run(ctx, &w, "cpu", &text, &none, test_temporary(), true), RK_E_DIFFERS, "another policy");
    running_close(&w);
    other = under("amp-bf17");
    FAILS(w.ctx, open_run(ctx, &w, "cpu", &text, &other, NULL, false), RK_E_UNKNOWN, "amp-bf17");
    running_close(&w);
    other = under("amp-bf16,atn=f32");
    FAILS(w.ctx, open_run(ctx, &w, "cpu", &text, &other, NULL, false), RK_E_UNKNOWN, "\"atn\"");
    running_close(&w);
    free(text.bytes);
}

/* --- master copies --- */

static float nearest_bf16(float x)
{
    double wide = x;
    uint16_t bits;
    num_store(&bits, RK_bf16, &wide, 1);
    num_load(&wide, &bits, RK_bf16, 1);
    return (float)wide;
}

/* At first, after steps, and after a resume: the parameter is its copy, rounded; and what is exported is the copy. */
static void check_masters(struct running *w)
{
    static float narrow[ELEMENTS], master[ELEMENTS];
    int rounded = 0;
    OK(w->ctx, rk_train_read(w->train, RK_PARAMETER, "embed.weight", narrow, ELEMENTS));
    OK(w->ctx, rk_train_read(w->train, RK_MASTER, "embed.weight", master, ELEMENTS));
    for (int i = 0; i < ELEMENTS; i++) {
        if (narrow[i] != nearest_bf16(master[i])) test_fail(__FILE__, __LINE__, "number %d is %g, its copy %g", i, (double)narrow[i], (double)master[i]);
        rounded += narrow[i] != master[i];
    }
    EXPECT(rounded > ELEMENTS / 2);
}

static void masters_on(rk_ctx *ctx, const char *device, const struct text *text)
{
    struct running w;
    rk_train_options o = under("mixed");
    double before, after;
    char output[600], model[600];
    static float trained[ELEMENTS], read[ELEMENTS];
    (void)snprintf(output, sizeof output, "%s/%s", test_temporary(), device);
    (void)snprintf(model, sizeof model, "%s/%s-model", test_temporary(), device);
    start(ctx, &w, device, text, &o, output, false);
    check_masters(&w);
    OK(w.ctx, rk_train_run(w.train, NULL, NULL));
    check_masters(&w);
    OK(w.ctx, rk_train_validate(w.train, &before));
    OK(w.ctx, rk_train_read(w.train, RK_MASTER, "embed.weight", trained, ELEMENTS));
    OK(w.ctx, rk_train_export(w.train, model));
    running_close(&w);
    start(ctx, &w, device, text, &o, output, true);
    check_masters(&w);
    OK(w.ctx, rk_train_validate(w.train, &after));
    EXPECT(before == after);
    running_close(&w);
    const rk_train_data data = { .tokens = &text->tokens, .document_end = 0 };
    o = under("");
    OK(w.ctx, running_open(w.ctx, &w, model, device, &data, &o, NULL, false));
    OK(w.ctx, rk_train_read(w.train, RK_PARAMETER, "embed.weight", read, ELEMENTS));
    EXPECT(memcmp(read, trained, sizeof read) == 0);
    running_close(&w);
}

TEST(parameters_are_their_master_copies_rounded)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    masters_on(ctx, "cpu", &text);
    masters_on(ctx, "ref", &text);
    free(text.bytes);
}

/* --- scaled losses --- */

/* All that a step may change, but for gradients. */
static struct bits kept_bits(const rk_train *t)
{
    const struct store *s = t->store;
    struct bits b = { malloc((size_t)(s->bytes[RK_PARAMETER] + s->bytes[RK_OPTIMIZER])), (size_t)s->bytes[RK_PARAMETER] };
    REQUIRE(b.at != NULL);
    memcpy(b.at, s->base[RK_PARAMETER], b.n);
    memcpy(b.at + b.n, s->base[RK_OPTIMIZER], (size_t)s->bytes[RK_OPTIMIZER]);
    b.n += (size_t)s->bytes[RK_OPTIMIZER];
    return b;
}

TEST(a_step_that_overflows_changes_nothing_but_the_scale)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_options o = under("amp-fp16");
    rk_train_report r;
    int skipped = 0;
    double scale = o.loss_scale = 1e9;
    o.steps = 24;
    o.scale_steps = 3;
    start(ctx, &w, "cpu", &text, &o, NULL, false);
    struct bits before = kept_bits(w.train);
    do {
        OK(w.ctx, rk_train_step(w.train, &r));
        EXPECT(r.loss_scale == scale && isfinite(r.loss));
        if (!r.skipped) break;
        struct bits now = kept_bits(w.train);
        running_same(now, before);
        free(now.at);
        scale /= 2;
    } while (++skipped < 20);
    EXPECT(skipped > 3 && skipped < 20);
    struct bits now = kept_bits(w.train);
    EXPECT(memcmp(now.at, before.at, now.n) != 0);
    EXPECT(isfinite(r.gradient_norm) && r.gradient_norm < 100);         /* told without the scale */
    for (int i = 0; i < 2; i++) OK(w.ctx, rk_train_step(w.train, &r));
    OK(w.ctx, rk_train_step(w.train, &r));
    EXPECT(r.loss_scale == 2 * scale || r.skipped || r.loss_scale < scale);       /* three good ones in a row */
    free(now.at);
    free(before.at);
    running_close(&w);
    free(text.bytes);
}

/* A first step is as long with a scale as without: steps that were skipped do not count for the moments. */
TEST(the_scale_is_taken_out_again)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    static float gradient[2][ELEMENTS];
    rk_train_report r[2];
    for (int i = 0; i < 2; i++) {
        struct running w;
        rk_train_options o = under("amp-fp16");
        o.loss_scale = i == 0 ? 1 : 1024;
        start(ctx, &w, "ref", &text, &o, NULL, false);
        OK(w.ctx, rk_train_step(w.train, &r[i]));
        OK(w.ctx, rk_train_read(w.train, RK_GRADIENT, "embed.weight", gradient[i], ELEMENTS));
        running_close(&w);
    }
    EXPECT_NEAR(r[1].loss, r[0].loss, 0);
    EXPECT_NEAR(r[1].gradient_norm, r[0].gradient_norm, 1e-3 * r[0].gradient_norm);
    for (int i = 0; i < ELEMENTS; i++) EXPECT_NEAR(gradient[1][i], 1024 * (double)gradient[0][i], 0.5);
    free(text.bytes);
}

TEST(gradients_that_are_no_numbers_without_a_scale_end_the_run)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_options o = under("amp-fp16");
    rk_train_report r;
    o.loss_scale = 1;
    start(ctx, &w, "ref", &text, &o, NULL, false);
    int entry = store_find(w.train->store, RK_PARAMETER, "head.weight");
    REQUIRE(entry >= 0);
    ((double *)w.train->store->entries.at[entry].address)[0] = 1e5;     /* infinite in 16 bits */
    FAILS(w.ctx, rk_train_step(w.train, &r), RK_E_LIMIT, "is");
    running_close(&w);
    free(text.bytes);
}
