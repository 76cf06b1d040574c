/* The bill of a graph: exact integers of graphs built by hand, and their formulas. Laws: tests/law/test_bill_sums.c. */
#include "base/clock.h"
#include "hand_gpt2.h"
#include "pass/count.h"
#include "pass/pass.h"
#include "test.h"

static const struct hand_gpt2 small = { 50257, 1024, 1, 768, 12, 12, true, false };

static const struct bill_repeat blocks[] = { { "h.*", 'L' } };
static const rk_bill_phase one_phase[] = { { "forward", 0 } };

static rk_bill *bill_of(rk_ctx *ctx, const struct hand_gpt2 *m)
{
    rk_graph *g;
    rk_ref ends[2];
    rk_bill *bill;
    OK(ctx, hand_gpt2_build(ctx, m, &g, ends));
    const rk_bill_phase phases[] = { { "forward", ends[0] }, { "backward", ends[1] }, { "update", 0 } };
    struct bill_terms terms = { m->update ? 3 : 1, m->update ? phases : one_phase, 1, blocks, NULL, false, false };
    OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
    rk_graph_close(g);                                      /* a bill outlives its graph */
    return bill;
}

static uint64_t number(const rk_bill *bill, const char *name)
{
    uint64_t n = 0;
    if (rk_bill_number(bill, name, &n) != RK_OK) test_fail(__FILE__, __LINE__, "no entry %s", name);
    return n;
}

static const char *formula(const rk_bill *bill, const char *name)
{
    const char *text = "";
    if (rk_bill_formula(bill, name, &text) != RK_OK) test_fail(__FILE__, __LINE__, "no entry %s", name);
    return text;
}

static uint64_t share(const rk_bill *bill, rk_bill_by by, const char *group, const char *name)
{
    rk_bill_entry e = { 0 };
    for (int i = 0; i < rk_bill_groups(bill, by); i++)
        if (strcmp(rk_bill_group_at(bill, by, i).name, group) == 0) (void)rk_bill_share(bill, by, i, name, &e);
    return e.number;
}

/* Numbers: Radford et al. 2019's shapes, counted by everybody (docs/hand-counts, nanoGPT's notebook). */
TEST(gpt2_small_is_counted_as_people_count_it)
{
    rk_bill *bill = bill_of(test_ctx(), &small);
    EXPECT_INT(number(bill, "parameters"), 124439808);
    EXPECT_TEXT(formula(bill, "parameters"), "V·D + P·D + L·(12·D² + 13·D) + 2·D");
    EXPECT_INT(number(bill, "bytes.parameters"), 4 * 124439808);
    EXPECT_TEXT(formula(bill, "bytes.parameters"), "4·(V·D + P·D + L·(12·D² + 13·D) + 2·D)");
    EXPECT_INT(number(bill, "bytes.inputs"), 8192);
    EXPECT_INT(number(bill, "flops.forward"), 291648307200);
    EXPECT_TEXT(formula(bill, "flops.forward"), "B·(L·(4·T²·D + 24·T·D²) + 2·T·V·D)");
    EXPECT_INT(share(bill, RK_BY_MODULE, "h.*.attn", "flops.forward"), 12 * (3623878656 + 2 * 1610612736LL + 1207959552));
    EXPECT_INT(share(bill, RK_BY_MODULE, "h.*.mlp", "flops.forward"), 24 * 4831838208);
    EXPECT_INT(share(bill, RK_BY_MODULE, "head", "flops.forward"), 79047426048);
    EXPECT_INT(share(bill, RK_BY_MODULE, "h.*", "parameters"), 12 * (12 * 768 * 768 + 13 * 768));
    EXPECT_INT(share(bill, RK_BY_MODULE, "", "parameters"), 124439808);
    EXPECT_INT(share(bill, RK_BY_OP, "einsum", "flops.forward"), 291648307200);
    EXPECT_INT(share(bill, RK_BY_OP, "map gelu_tanh", "flops.elementwise.forward"), (int64_t)12 * 9 * 1024 * 3072);
    rk_bill_free(bill);
}

TEST(the_four_sizes_of_gpt2)
{
    static const struct { int64_t hidden, head, layers, parameters, without_bias, padded; } sizes[] = {
        { 768, 12, 12, 124439808, 124337664, 124475904 }, { 1024, 16, 24, 354823168, 354551808, 354871296 },
        { 1280, 20, 36, 774030080, 773521920, 774090240 }, { 1600, 25, 48, 1557611200, 1556764800, 1557686400 },
    };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < 4; i++) {
        struct hand_gpt2 m = { 50257, 1024, 1, sizes[i].hidden, sizes[i].head, sizes[i].layers, true, false };
        rk_bill *bill = bill_of(ctx, &m);
        EXPECT_INT(number(bill, "parameters"), sizes[i].parameters);
        rk_bill_free(bill);
        m.bias = false;
        bill = bill_of(ctx, &m);
        EXPECT_INT(number(bill, "parameters"), sizes[i].without_bias);
        EXPECT_TEXT(formula(bill, "parameters"), "V·D + P·D + L·(12·D² + 2·D) + D");
        rk_bill_free(bill);
        m.bias = true;
        m.vocab = 50304;
        bill = bill_of(ctx, &m);
        EXPECT_INT(number(bill, "parameters"), sizes[i].padded);
        rk_bill_free(bill);
    }
}

TEST(backward_is_twice_forward_and_an_update_counts_its_parameters)
{
    struct hand_gpt2 m = small;
    m.update = true;
    rk_bill *bill = bill_of(test_ctx(), &m);
    EXPECT_INT(number(bill, "flops.forward"), 291648307200);
    EXPECT_INT(number(bill, "flops.backward"), 583296614400);
    EXPECT_TEXT(formula(bill, "flops.backward"), "B·(L·(8·T²·D + 48·T·D²) + 4·T·V·D)");
    EXPECT_INT(number(bill, "flops.update"), 0);
    EXPECT_INT(number(bill, "flops.elementwise.update"), 4 * 124439808);
    EXPECT_TEXT(formula(bill, "flops.elementwise.update"), "4·V·D + 4·P·D + L·(48·D² + 52·D) + 8·D");
    EXPECT_INT(number(bill, "bytes.optimizer"), 4 * 124439808);
    rk_bill_free(bill);
}

/* --- small graphs --- */

static rk_graph *two_layers(rk_ctx *ctx)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "batch", 'B', 5);
    (void)rk_dim_new(g, "in", 'I', 7);
    (void)rk_dim_new(g, "hidden", 'D', 11);
    (void)rk_dim_new(g, "out", 'O', 3);
    rk_ref x = rk_input(g, "x", RK_f32, "batch in");
    rk_enter(g, "up");
    rk_ref h = rk_einsum(g, "b i, d i -> b d", x, rk_state(g, RK_PARAMETER, "up.weight", RK_f32, "hidden in"));
    h = rk_map(g, "relu", rk_add(g, h, rk_state(g, RK_PARAMETER, "up.bias", RK_f32, "hidden")));
    rk_leave(g);
    rk_enter(g, "down");
    rk_ref y = rk_einsum(g, "b d, o d -> b o", h, rk_state(g, RK_PARAMETER, "down.weight", RK_f32, "out hidden"));
    rk_leave(g);
    rk_output(g, "y", rk_mul(g, y, y));
    (void)rk_map(g, "exp", x);                              /* nobody needs it: it costs nothing */
    OK(ctx, rk_graph_seal(g));
    return g;
}

TEST(two_layers_to_the_last_element)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = two_layers(ctx);
    struct bill_terms terms = { 1, one_phase, 0, NULL, NULL, false, false };
    rk_bill *bill;
    OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
    EXPECT_INT(number(bill, "flops.forward"), 2 * 5 * 7 * 11 + 2 * 5 * 11 * 3);
    EXPECT_TEXT(formula(bill, "flops.forward"), "B·D·(2·I + 2·O)");
    EXPECT_INT(number(bill, "flops.elementwise.forward"), 2 * 55 + 15);
    EXPECT_TEXT(formula(bill, "flops.elementwise.forward"), "2·B·D + B·O");
    EXPECT_INT(number(bill, "parameters"), 77 + 11 + 33);
    EXPECT_TEXT(formula(bill, "parameters"), "I·D + D·O + D");
    EXPECT_INT(number(bill, "elements.read.forward"), (35 + 77) + (55 + 11) + 55 + (55 + 33) + 15);      /* y · y reads y once */
    EXPECT_INT(number(bill, "elements.written.forward"), 55 + 55 + 55 + 15 + 15);
    REQUIRE(rk_bill_reasons(bill, "flops.forward") == 2);
    rk_bill_reason r = rk_bill_reason_at(bill, "flops.forward", 1);
    EXPECT_TEXT(r.module, "down");
    EXPECT_TEXT(r.label, "b d, o d -> b o");
    EXPECT_TEXT(r.formula, "2·B·D·O");
    EXPECT_INT(r.number, 330);
    uint64_t none;
    EXPECT(rk_bill_number(bill, "flops.sideways", &none) == RK_E_UNKNOWN && strstr(rk_error_hint(ctx), "flops.forward") != NULL);
    rk_bill_free(bill);
    rk_graph_close(g);
}

TEST(a_spread_value_is_read_once)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_bill *bill;
    struct bill_terms terms = { 1, one_phase, 0, NULL, NULL, false, false };
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "row", 'R', 6);
    (void)rk_dim_new(g, "column", 'C', 4);
    (void)rk_dim_new(g, "half", 'U', 2);
    rk_ref x = rk_input(g, "x", RK_f32, "row"), z = rk_input(g, "z", RK_f32, "row column");
    rk_output(g, "wide", rk_map(g, "exp", rk_spread(g, x, "row column")));
    rk_output(g, "part", rk_map(g, "exp", rk_slice(g, z, "column", 1, "half")));
    OK(ctx, rk_graph_seal(g));
    OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
    EXPECT_INT(number(bill, "elements.read.forward"), 6 + 12);
    EXPECT_INT(number(bill, "elements.written.forward"), 24 + 12);
    rk_bill_free(bill);
    rk_graph_close(g);
}

/* Blocks 0 .. n-1 of two operations each, but block `odd` has one; with `before`, one stands in front of them all. */
static rk_graph *uneven(rk_ctx *ctx, int n, int odd, bool before)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "batch", 'B', 2);
    (void)rk_dim_new(g, "hidden", 'D', 3);
    rk_ref x = rk_input(g, "x", RK_f32, "batch hidden");
    if (before) x = rk_map(g, "exp", x);
    for (int i = 0; i < n; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", i);
        rk_enter(g, "h");
        rk_enter(g, number);
        x = rk_map(g, "exp", x);
        if (i != odd) x = rk_map(g, "exp", x);
        rk_leave(g);
        rk_leave(g);
    }
    rk_output(g, "x", x);
    OK(ctx, rk_graph_seal(g));
    return g;
}

TEST(a_block_that_differs_leaves_its_difference_outside)
{
    static const struct { int odd; const struct bill_repeat repeats[1]; int n_repeats; const char *formula; int64_t number; bool before; } cases[] = {
        { -1, { { "h.*", 'L' } }, 1, "2·L·B·D", 60, false }, { 4, { { "h.*", 'L' } }, 1, "2·L·B·D - B·D", 54, false },
        { 4, { { "h.*", 0 } }, 1, "9·B·D", 54, false }, { 4, { { "g.*", 'L' } }, 1, "9·B·D", 54, false },
        { 4, { { "h.*", 'L' } }, 1, "2·L·B·D", 60, true }, { -1, { { "h.*", 'L' } }, 1, "B·D + 2·L·B·D", 66, true },
    };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < 6; i++) {
        rk_graph *g = uneven(ctx, 5, cases[i].odd, cases[i].before);
        struct bill_terms terms = { 1, one_phase, cases[i].n_repeats, cases[i].repeats, NULL, false, false };
        rk_bill *bill;
        OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
        EXPECT_TEXT(formula(bill, "flops.elementwise.forward"), cases[i].formula);
        EXPECT_INT(number(bill, "flops.elementwise.forward"), cases[i].number);
        EXPECT_INT(rk_bill_groups(bill, RK_BY_MODULE), i == 3 ? 7 : 3);
        EXPECT_INT(rk_bill_group_at(bill, RK_BY_MODULE, 2).times, i == 3 ? 1 : 5);
        rk_bill_free(bill);
        rk_graph_close(g);
    }
}

/* micro makes the gradient, update uses it: the parameter and its gradient are in both, and are counted once. */
static rk_graph *micro(rk_ctx *ctx, bool update)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "hidden", 'D', 8);
    rk_ref p = rk_state(g, RK_PARAMETER, "w", RK_f32, "hidden"), d = rk_state(g, RK_GRADIENT, "w", RK_f32, "hidden");
    if (update) {
        rk_ref m = rk_state(g, RK_OPTIMIZER, "w", RK_f32, "hidden");
        rk_update(g, m, rk_add(g, m, d));
        rk_update(g, p, rk_sub(g, p, m));
    } else rk_update(g, d, rk_add(g, d, rk_mul(g, p, p)));
    OK(ctx, rk_graph_seal(g));
    return g;
}

/* Two repetitions of one letter and number print as one: L·(D + D). */
TEST(repetitions_that_are_written_alike_are_one)
{
    static const struct bill_repeat both[] = { { "m.*", 'L' }, { "v.*", 'L' } };
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_bill *bill;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "hidden", 'D', 8);
    static const char *const names[] = { "m.0.w", "v.0.w", "m.1.w", "v.1.w" };
    for (int i = 0; i < 4; i++) (void)rk_state(g, RK_OPTIMIZER, names[i], RK_f32, "hidden");
    OK(ctx, rk_graph_seal(g));
    struct bill_terms terms = { 1, one_phase, 2, both, NULL, false, false };
    OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
    EXPECT_TEXT(formula(bill, "bytes.optimizer"), "8·L·D");
    EXPECT_INT(number(bill, "bytes.optimizer"), 128);
    rk_bill_free(bill);
    rk_graph_close(g);
}

TEST(several_graphs_on_one_store_make_one_bill)
{
    rk_ctx *ctx = test_ctx();
    rk_bill *bill;
    static const rk_bill_phase phases[] = { { "forward", 0 }, { "update", 0 } };
    OK(ctx, bill_new(ctx, &bill));
    for (int i = 0; i < 2; i++) {
        rk_graph *g = micro(ctx, i == 1);
        struct bill_terms terms = { 1, &phases[i], 0, NULL, NULL, false, false };
        OK(ctx, bill_add_graph(bill, g, &terms));
        rk_graph_close(g);
    }
    EXPECT_INT(number(bill, "parameters"), 8);
    EXPECT_TEXT(formula(bill, "parameters"), "D");
    EXPECT_INT(number(bill, "bytes.gradients"), 32);
    EXPECT_INT(number(bill, "bytes.optimizer"), 32);
    EXPECT_INT(number(bill, "flops.elementwise.forward"), 16);
    EXPECT_INT(number(bill, "flops.elementwise.update"), 16);
    OK(ctx, bill_set(bill, "bytes.plan.activations", 4096, ""));
    const rk_bill_reason tensor = { "h.*.attn", "activation", "softmax", "B·H·T²", 1024, 4096, 4, RK_bf16 };
    OK(ctx, bill_reason(bill, "bytes.plan.activations", &tensor));
    EXPECT_INT(number(bill, "bytes.plan.activations"), 4096);
    EXPECT_TEXT(rk_bill_reason_at(bill, "bytes.plan.activations", 0).label, "softmax");
    FAILS(ctx, bill_set(bill, "bytes", 1, ""), RK_E_ARG, "cannot have both");
    FAILS(ctx, bill_set(bill, "parameters.tied", 1, ""), RK_E_ARG, "cannot have both");
    FAILS(ctx, bill_set(bill, "a..b", 1, ""), RK_E_ARG, "cannot name");
    const char *json;
    OK(ctx, rk_bill_json(bill, &json));
    EXPECT_TEXT(json, "{\"bytes\": {\"gradients\": 32, \"optimizer\": 32, \"parameters\": 32, \"plan\": {\"activations\": 4096}}, "
                      "\"elements\": {\"read\": {\"forward\": 24, \"update\": 32}, \"written\": {\"forward\": 16, \"update\": 16}}, "
                      "\"flops\": {\"elementwise\": {\"forward\": 16, \"update\": 16}, \"forward\": 0, \"update\": 0}, \"parameters\": 8, \"traffic\": {\"forward\": 160, \"update\": 192}, "
                      "\"formulas\": {\"flops.forward\": \"0\", \"flops.elementwise.forward\": \"2·D\", \"elements.read.forward\": \"3·D\", "
                      "\"elements.written.forward\": \"2·D\", \"traffic.forward\": \"20·D\", \"parameters\": \"D\", \"bytes.parameters\": \"4·D\", \"bytes.gradients\": \"4·D\", "
                      "\"flops.update\": \"0\", \"flops.elementwise.update\": \"2·D\", \"elements.read.update\": \"4·D\", \"elements.written.update\": \"2·D\", \"traffic.update\": \"24·D\", "
                      "\"bytes.optimizer\": \"4·D\"}, \"modules\": [{\"name\": \"\", \"depth\": 0, \"times\": 1, \"flops.elementwise.forward\": 16, "
                      "\"elements.read.forward\": 24, \"elements.written.forward\": 16, \"traffic.forward\": 160, \"parameters\": 8, \"bytes.parameters\": 32, \"bytes.gradients\": 32, "
                      "\"flops.elementwise.update\": 16, \"elements.read.update\": 32, \"elements.written.update\": 16, \"traffic.update\": 192, \"bytes.optimizer\": 32}], "
                      "\"ops\": [{\"name\": \"parameters\", \"parameters\": 8, \"bytes.parameters\": 32}, {\"name\": \"gradients\", \"bytes.gradients\": 32}, "
                      "{\"name\": \"map mul\", \"flops.elementwise.forward\": 8, \"elements.read.forward\": 8, \"elements.written.forward\": 8, \"traffic.forward\": 64}, "
                      "{\"name\": \"map add\", \"flops.elementwise.forward\": 8, \"elements.read.forward\": 16, \"elements.written.forward\": 8, \"traffic.forward\": 96, "
                      "\"flops.elementwise.update\": 8, \"elements.read.update\": 16, \"elements.written.update\": 8, \"traffic.update\": 96}, {\"name\": \"update\"}, "
                      "{\"name\": \"optimizer\", \"bytes.optimizer\": 32}, {\"name\": \"map sub\", \"flops.elementwise.update\": 8, \"elements.read.update\": 16, "
                      "\"elements.written.update\": 8, \"traffic.update\": 96}]}");
    rk_bill_free(bill);
}

/* A customer's graph, fused operations and all: phases end where their nodes do, also when those are written out. */
TEST(a_graph_of_ones_own)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_bill *bill;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "batch", 'B', 3);
    (void)rk_dim_new(g, "hidden", 'D', 8);
    rk_ref x = rk_input(g, "x", RK_f32, "batch hidden"), p = rk_softmax(g, x, "hidden");
    rk_output(g, "y", rk_mul(g, p, p));
    FAILS(ctx, rk_bill_of_graph(g, 0, NULL, &bill), RK_E_ARG, "sealed");
    OK(ctx, rk_graph_seal(g));
    OK(ctx, rk_bill_of_graph(g, 0, NULL, &bill));
    EXPECT_TEXT(formula(bill, "flops.elementwise.forward"), "6·B·D");
    EXPECT_INT(number(bill, "flops.elementwise.forward"), 6 * 24);        /* max, -, exp, sum, /, and the product */
    rk_bill_free(bill);
    const rk_bill_phase phases[] = { { "softmax", p + 1 }, { "rest", 0 } };
    OK(ctx, rk_bill_of_graph(g, 2, phases, &bill));
    EXPECT_INT(number(bill, "flops.elementwise.softmax"), 5 * 24);
    EXPECT_INT(number(bill, "flops.elementwise.rest"), 24);
    rk_bill_free(bill);
    rk_graph_close(g);
}

TEST(what_has_no_price_is_refused)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_bill *bill;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "hidden", 'D', 8);
    rk_output(g, "y", rk_softmax(g, rk_input(g, "x", RK_f32, "hidden"), "hidden"));
    OK(ctx, rk_graph_seal(g));
    struct bill_terms terms = { 1, one_phase, 0, NULL, NULL, false, false };
    FAILS(ctx, bill_of_graph(ctx, g, &terms, &bill), RK_E_DECLINED, "softmax");
    EXPECT(bill == NULL);
    terms.n_phases = 0;
    FAILS(ctx, bill_of_graph(ctx, g, &terms, &bill), RK_E_ARG, "phases");
    rk_graph_close(g);
}

TEST(a_number_beyond_64_bits_is_refused)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_bill *bill;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "a", 'A', (int64_t)1 << 23);
    (void)rk_dim_new(g, "b", 'B', (int64_t)1 << 23);
    (void)rk_dim_new(g, "c", 'C', (int64_t)1 << 20);
    rk_output(g, "y", rk_einsum(g, "a c, b c -> a b", rk_input(g, "x", RK_f32, "a c"), rk_input(g, "z", RK_f32, "b c")));
    OK(ctx, rk_graph_seal(g));
    struct bill_terms terms = { 1, one_phase, 0, NULL, NULL, false, false };
    FAILS(ctx, bill_of_graph(ctx, g, &terms, &bill), RK_E_LIMIT, "2^63");
    rk_graph_close(g);
}

static rk_status fault_work(rk_ctx *ctx)
{
    static const struct hand_gpt2 tiny = { 7, 3, 2, 4, 2, 2, true, true };
    rk_graph *g = NULL;
    rk_ref ends[2];
    rk_bill *bill = NULL;
    const char *json;
    rk_status status = hand_gpt2_build(ctx, &tiny, &g, ends);
    if (status == RK_OK) {
        const rk_bill_phase phases[] = { { "forward", ends[0] }, { "backward", ends[1] }, { "update", 0 } };
        struct bill_terms terms = { 3, phases, 1, blocks, NULL, false, false };
        status = bill_of_graph(ctx, g, &terms, &bill);
    }
    rk_graph_close(g);
    if (status == RK_OK) status = rk_bill_json(bill, &json);
    rk_bill_free(bill);
    return status;
}

TEST(every_allocation_may_fail) { FOR_EVERY_FAILED_ALLOCATION(fault_work); }

/* The whole training graph of 48 layers: it prints its time (a few ms); a second would mean that something is quadratic. */
TEST(a_large_training_graph_is_quick)
{
    rk_ctx *ctx = test_ctx();
    struct hand_gpt2 m = { 50257, 1024, 1, 1600, 25, 48, true, true };
    rk_graph *g;
    rk_ref ends[2];
    double best = 1e9;
    OK(ctx, hand_gpt2_build(ctx, &m, &g, ends));
    const rk_bill_phase phases[] = { { "forward", ends[0] }, { "backward", ends[1] }, { "update", 0 } };
    struct bill_terms terms = { 3, phases, 1, blocks, NULL, false, false };
    for (int i = 0; i < 5; i++) {
        rk_bill *bill;
        double begin = clock_process_seconds();
        OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
        double seconds = clock_process_seconds() - begin;
        if (seconds < best) best = seconds;
        rk_bill_free(bill);
    }
    printf("  %d nodes: %.2f ms\n", g->nodes.n, 1e3 * best);
    EXPECT(best < 1);
    rk_graph_close(g);
}
