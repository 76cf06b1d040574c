/* Laws of pass/resize: a plan that was sized anew is the plan lowered at that size, in every field: for presets of every family, for
 * training, scoring and prompts, under policies; and where sizes change more than sizes, it says so. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "same_plan.h"
#include "test.h"
#include "tiny.h"
#include "train/graphs.h"
#include <stdio.h>
#include <string.h>

/* --- models --- */

enum mode { MICRO, ACCUMULATED, SCORING, PROMPT, MODES };
struct size { int64_t batch, seq, source; };
struct kind { const char *spec; enum mode mode; const char *policy; bool dropout, padded; };
struct lowered { struct built built; rk_graph *g; struct plan *plan; };

static struct build_options options_of(const struct kind *k, struct size size)
{
    static const enum purpose purposes[MODES] = { FOR_TRAINING, FOR_TRAINING, FOR_SCORING, FOR_LOGITS };
    return (struct build_options){ .purpose = purposes[k->mode], .batch = size.batch, .seq = size.seq, .source = size.source, .dropout = k->dropout && k->mode <= ACCUMULATED, .padded = k->padded, .most_blocks = 3 };
}

static bool keep(void *user, const rk_graph *g, rk_ref r) { return backend_takes(user, g, r, false); }

/* The loss's graph as it is priced: cast, then with gradients, or written out where nobody takes it. */
static struct lowered lower(rk_ctx *ctx, const rk_model *m, const struct kind *k, struct size size)
{
    struct lowered x = { .g = NULL };
    struct build_options options = options_of(k, size);
    struct policy policy;
    struct parameter *wanted = NULL;
    OK(ctx, policy_read(ctx, k->policy, &policy));
    OK(ctx, model_build(ctx, m, &options, &x.built));
    OK(ctx, train_cast(ctx, &policy, &x.built));
    if (k->mode > ACCUMULATED) {
        OK(ctx, pass_expand(ctx, x.built.g, keep, (void *)(uintptr_t)backend_cpu(), &x.g, NULL));
        OK(ctx, rk_graph_seal(x.g));
    } else {
        OK(ctx, model_wanted(ctx, &x.built, &wanted));
        OK(ctx, train_micro(ctx, backend_cpu(), x.built.g, wanted, x.built.parameters.n + x.built.n_inputs, k->mode == ACCUMULATED, &x.g));
        FREE(wanted, x.built.parameters.n + x.built.n_inputs);
    }
    OK(ctx, pass_lower_resizable(ctx, x.g, backend_cpu(), &x.plan));
    return x;
}

static void drop(struct lowered *x)
{
    plan_free(x->plan);
    rk_graph_close(x->g);
    built_close(&x->built);
}

static bool size_graph(rk_ctx *ctx, rk_graph *g, const struct dim_extent *sizes, int n)
{
    bool holds;
    OK(ctx, pass_resize_graph(ctx, g, sizes, n, &holds));
    return holds;
}

/* Whether the sizes were no more than sizes; then all is the same. */
static bool same_when_sized(rk_ctx *ctx, const struct kind *k, struct size from, struct size to)
{
    rk_model *m;
    struct dim_extent sizes[MODEL_EXTENTS];
    int n;
    OK(ctx, rk_model_open(ctx, k->spec, &m));
    const struct build_options options = options_of(k, to);
    struct lowered sized = lower(ctx, m, k, from), anew = lower(ctx, m, k, to);
    OK(ctx, model_extents(ctx, m, &options, sizes, &n));
    OK(ctx, pass_place(ctx, sized.plan, &(struct plan_options){ .reuse = true }));         /* addresses of before are forgotten */
    bool holds = size_graph(ctx, sized.built.g, sizes, n) && size_graph(ctx, sized.g, sizes, n);
    if (holds) OK(ctx, pass_resize(ctx, sized.plan, &holds));
    for (int placed = 0; placed < 2 && holds; placed++) {
        const char *other = plan_difference(sized.plan, anew.plan);
        if (other == NULL) other = graph_difference(sized.built.g, anew.built.g);
        if (other != NULL) test_fail(__FILE__, __LINE__, "%s, mode %d, policy %s, %lld x %lld -> %lld x %lld%s: %s", k->spec, k->mode, k->policy == NULL ? "none" : k->policy, (long long)from.batch, (long long)from.seq, (long long)to.batch, (long long)to.seq, placed ? ", placed" : "", other);
        OK(ctx, pass_place(ctx, sized.plan, &(struct plan_options){ .reuse = true }));
        OK(ctx, pass_place(ctx, anew.plan, &(struct plan_options){ .reuse = true }));
    }
    drop(&sized);
    drop(&anew);
    rk_model_close(m);
    return holds;
}

TEST(presets_sized_anew_are_lowered_at_that_size)
{
    rk_ctx *ctx = test_ctx();
    static const struct size sizes[] = { { 1, 16, 16 }, { 2, 16, 16 }, { 12, 64, 7 }, { 300, 5, 130 }, { 2, 1, 1 }, { 64, 128, 128 }, { 3, 7, 9 } };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    int held = 0, all = 0;
    for (int i = 0; rk_model_preset(i) != NULL; i++)
        for (int mode = 0; mode < MODES; mode++) {
            if ((i + mode) % TEST_FEWER != 0) continue;
            const struct kind k = { rk_model_preset(i), (enum mode)mode, NULL, i % 2 == 0, i % 3 == 0 };
            held += same_when_sized(ctx, &k, sizes[(i + mode) % SIZES], sizes[(i + 2 * mode + 1) % SIZES]);
            all++;
        }
    if (held < all * 2 / 3) test_fail(__FILE__, __LINE__, "only %d of %d plans could be sized anew", held, all);
}

TEST(every_family_in_every_way)
{
    rk_ctx *ctx = test_ctx();
    static const char *const policies[] = { NULL, "amp-bf16", "amp-fp16,head=f32", "fp8", "mixed" };
    static const struct size sizes[] = { { 1, 8, 8 }, { 2, 8, 8 }, { 3, 1, 5 }, { 9, 4, 4 }, { 4, 8, 3 }, { 1, 3, 1 }, { 1, 1, 1 } };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    int held = 0, all = 0;
    for (int i = 0; i < 35 * TINY_MODELS; i += TEST_FEWER) {
        char spec[TINY_ROOM];
        (void)tiny_model(i % TINY_MODELS, 11, 8, spec);
        const struct kind k = { spec, (enum mode)(i / TINY_MODELS % MODES), policies[i % 5], i % 2 == 0, i % 3 == 0 };
        held += same_when_sized(ctx, &k, sizes[i % SIZES], sizes[i / SIZES % SIZES]);
        all++;
    }
    if (held < all / 2) test_fail(__FILE__, __LINE__, "only %d of %d plans could be sized anew", held, all);
}

/* --- bills --- */

static void same_bill(const char *spec, const rk_bill *a, const rk_bill *b)
{
    EXPECT_INT(rk_bill_entries(a), rk_bill_entries(b));
    for (int i = 0; i < rk_bill_entries(b); i++) {
        rk_bill_entry x = rk_bill_entry_at(a, i), y = rk_bill_entry_at(b, i);
        if (x.number != y.number || strcmp(x.name, y.name) != 0 || strcmp(x.formula, y.formula) != 0) test_fail(__FILE__, __LINE__, "%s: %s is %llu, sized anew %s is %llu", spec, y.name, (unsigned long long)y.number, x.name, (unsigned long long)x.number);
    }
    EXPECT_INT(rk_bill_steps(a), rk_bill_steps(b));
    for (int i = 0; i < rk_bill_steps(b); i++) {
        rk_bill_step x = rk_bill_step_at(a, i), y = rk_bill_step_at(b, i);
        EXPECT(x.alive == y.alive && x.product_flops == y.product_flops && x.elementwise_flops == y.elementwise_flops && x.backward == y.backward && strcmp(x.kernel, y.kernel) == 0 && strcmp(x.module, y.module) == 0);
    }
    EXPECT_INT(rk_bill_values(a), rk_bill_values(b));
    for (int i = 0; i < rk_bill_values(b); i++) {
        rk_bill_value x = rk_bill_value_at(a, i), y = rk_bill_value_at(b, i);
        EXPECT(x.bytes == y.bytes && x.at == y.at && x.first == y.first && x.last == y.last && strcmp(x.module, y.module) == 0 && strcmp(x.label, y.label) == 0);
    }
}

/* One bill keeps its program, and the others are like it, whatever order sizes come in. */
static void same_bills(rk_ctx *ctx, const char *spec, rk_bill_settings s, const struct size *sizes, int n)
{
    rk_model *m;
    rk_bill *kept = NULL;
    OK(ctx, rk_model_open(ctx, spec, &m));
    s.plan = true;
    for (int i = 0; i < n; i++) {
        rk_bill *like = NULL, *alone = NULL;
        s.batch = sizes[i].batch;
        s.seq = sizes[i].seq;
        s.source_seq = sizes[i].source;
        s.like = NULL;
        OK(ctx, rk_bill_of(m, &s, &alone));
        s.like = kept;
        s.plan_kept = true;
        OK(ctx, rk_bill_of(m, &s, &like));
        s.plan_kept = false;
        same_bill(spec, like, alone);
        rk_bill_free(alone);
        if (kept == NULL) kept = like;
        else rk_bill_free(like);
    }
    rk_bill_free(kept);
    rk_model_close(m);
}

TEST(bills_that_are_like_one_are_as_if_alone)
{
    rk_ctx *ctx = test_ctx();
    static const char *const specs[] = { "gpt2", "pythia-70m", "gpt-j-6b", "cs336-17m", "bert-base-cased", "annotated-transformer", "opus-mt-en-de", "transformer-big", "nanogpt-char" };
    static const struct size sizes[] = { { 1, 16, 16 }, { 7, 16, 16 }, { 8, 32, 9 }, { 1, 16, 16 }, { 500, 32, 3 }, { 1, 1, 1 }, { 2, 1, 2 } };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i += TEST_FEWER) {
        same_bills(ctx, specs[i], (rk_bill_settings){ .plan_alone = true }, sizes, sizeof sizes / sizeof *sizes);
        same_bills(ctx, specs[i], (rk_bill_settings){ .plan_untimed = true, .totals = true, .policy = i % 2 == 0 ? "amp-bf16" : NULL, .accumulate = 1 + (int64_t)(i % 2), .dropout = true }, sizes, 4);
        same_bills(ctx, specs[i], (rk_bill_settings){ .totals = true, .padded = true, .optimizer = (rk_optimizer)(i % RK_OPTIMIZERS) }, sizes, 4);
    }
}

/* --- where sizes say more --- */

/* "a b" seen as "b a", and that as one: of several b they lie apart, and have to be copied first. */
static rk_graph *merged(rk_ctx *ctx, int64_t b)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "a", 'A', 3);
    (void)rk_dim_new(g, "b", 'B', b);
    (void)rk_dim_new(g, "both", 'C', 3 * b);
    rk_output(g, "y", rk_merge(g, rk_order(g, rk_map(g, "square", rk_input(g, "x", RK_f32, "a b")), "b a"), "b a", "both"));
    OK(ctx, rk_graph_seal(g));
    return g;
}

static void holds_or_not(rk_ctx *ctx, rk_graph *g, const struct dim_extent *sizes, int n, bool expected)
{
    bool holds;
    OK(ctx, pass_resize_graph(ctx, g, sizes, n, &holds));
    EXPECT(holds == expected);
    EXPECT(rk_error_status(ctx) == RK_OK);                       /* "no" is an answer: it leaves no message */
    rk_graph_close(g);
}

TEST(a_copy_that_a_size_spares_is_noticed)
{
    rk_ctx *ctx = test_ctx();
    const struct dim_extent one[] = { { "b", 1 }, { "both", 3 } }, two[] = { { "b", 2 }, { "both", 6 } }, four[] = { { "b", 4 }, { "both", 12 } }, torn[] = { { "b", 4 }, { "both", 6 } };
    holds_or_not(ctx, merged(ctx, 2), four, 2, true);
    holds_or_not(ctx, merged(ctx, 2), one, 2, false);
    holds_or_not(ctx, merged(ctx, 1), two, 2, false);
    holds_or_not(ctx, merged(ctx, 2), torn, 2, false);
}

/* A mean over what varies would be written out with its size; a state lies in a store; a live dim has no size of its own. */
static rk_graph *of_one(rk_ctx *ctx, int which)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "a", 'A', 8);
    if (which == 3) (void)rk_dim_live(g, "b", 'B', 3);
    else (void)rk_dim_new(g, "b", 'B', 3);
    rk_ref x = which == 2 ? rk_state(g, RK_PARAMETER, "x", RK_f32, "a b") : rk_input(g, "x", RK_f32, "a b");
    rk_output(g, "y", which == 1 ? rk_layer_norm(g, x, "b", 0, 0, 1e-5) : rk_map(g, "square", x));
    OK(ctx, rk_graph_seal(g));
    return g;
}

TEST(what_may_not_vary_is_noticed)
{
    rk_ctx *ctx = test_ctx();
    const struct dim_extent a[] = { { "a", 5 } }, b[] = { { "b", 5 } }, none[] = { { "z", 5 } }, huge[] = { { "a", (int64_t)1 << 47 } };
    holds_or_not(ctx, of_one(ctx, 0), b, 1, true);
    holds_or_not(ctx, of_one(ctx, 1), a, 1, true);
    holds_or_not(ctx, of_one(ctx, 1), b, 1, false);
    holds_or_not(ctx, of_one(ctx, 2), b, 1, false);
    holds_or_not(ctx, of_one(ctx, 3), b, 1, false);
    holds_or_not(ctx, of_one(ctx, 0), none, 1, false);
    holds_or_not(ctx, of_one(ctx, 0), huge, 1, false);
}

/* A back end that adds a product into memory that is there only where that is small. */
static bool (*takes_products)(const struct problem *p);
static bool takes_small_sums(const struct problem *p) { return takes_products(p) && (!p->accumulate || p->out[0].at.size[0] < 5); }

TEST(shared_memory_that_a_kernel_decides_is_noticed)
{
    rk_ctx *ctx = test_ctx();
    struct kernel few[3] = { { .op = NULL } };
    struct backend fussy = *backend_cpu();
    int n = 0;
    for (const struct kernel *k = backend_cpu()->kernels; k->op != NULL; k++) {
        if (strcmp(k->op, "map") == 0 && n == 0) few[n++] = *k;
        if (strcmp(k->op, "einsum") != 0 || strncmp(k->name, "einsum_blas", 11) == 0 || strncmp(k->name, "einsum_narrow", 13) == 0) continue;
        takes_products = k->accepts;
        few[n] = *k;
        few[n++].accepts = takes_small_sums;
    }
    REQUIRE(n == 2);
    few[n].op = NULL;
    fussy.kernels = few;
    fussy.next = NULL;
    for (int64_t from = 3; from < 8; from++)
        for (int64_t to = 3; to < 8; to++) {
            rk_graph *g;
            struct plan *plan;
            bool holds;
            OK(ctx, rk_graph_open(ctx, &g));
            (void)rk_dim_new(g, "row", 'R', from);
            (void)rk_dim_new(g, "to", 'T', 4);
            (void)rk_dim_new(g, "from", 'F', 4);
            rk_ref x = rk_input(g, "x", RK_f32, "row from"), sum = rk_einsum(g, "row from, from to -> row to", x, rk_input(g, "m", RK_f32, "from to"));
            rk_output(g, "y", rk_map(g, "square", rk_add(g, rk_map(g, "square", rk_input(g, "a", RK_f32, "row to")), sum)));
            OK(ctx, rk_graph_seal(g));
            OK(ctx, pass_lower_resizable(ctx, g, &fussy, &plan));
            OK(ctx, pass_resize_graph(ctx, g, &(struct dim_extent){ "row", to }, 1, &holds));
            EXPECT(holds);
            OK(ctx, pass_resize(ctx, plan, &holds));
            EXPECT(holds == ((from < 5) == (to < 5)));
            plan_free(plan);
            rk_graph_close(g);
        }
}

static rk_status size_briefly(rk_ctx *ctx)
{
    rk_model *model;
    rk_bill *kept = NULL, *bill = NULL;
    rk_status status = rk_model_open(ctx, "gpt2:n_layer=5,n_embd=32,n_head=4,vocab_size=99", &model);
    if (status != RK_OK) return status;
    rk_bill_settings s = { .batch = 2, .seq = 7, .plan = true, .plan_alone = true, .plan_kept = true };
    status = rk_bill_of(model, &s, &kept);
    s.batch = 3;
    s.like = kept;
    if (status == RK_OK) status = rk_bill_of(model, &s, &bill);
    rk_bill_free(bill);
    rk_bill_free(kept);
    rk_model_close(model);
    return status;
}

TEST(every_failed_allocation_ends_well) { FOR_EVERY_FAILED_ALLOCATION(size_briefly); }
