/* The module tree of a graph as text and JSON, to the letter for a small one. */
#include "hand_gpt2.h"
#include "pass/show.h"
#include "test.h"

static const struct bill_repeat blocks[] = { { "h.*", 'L' } };

static rk_graph *two_blocks(rk_ctx *ctx, bool uneven)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "batch", 'B', 2);
    (void)rk_dim_new(g, "hidden", 'D', 256);
    (void)rk_dim_new(g, "ff", 'F', 1024);
    rk_dim_relate(g, "ff", 4, "hidden");
    rk_ref x = rk_input(g, "x", RK_f32, "batch hidden");
    for (int i = 0; i < 2; i++) {
        char number[16], up[32], down[32], bias[32];
        (void)snprintf(number, sizeof number, "%d", i);
        (void)snprintf(up, sizeof up, "h.%d.mlp.up", i);
        (void)snprintf(down, sizeof down, "h.%d.mlp.down", i);
        (void)snprintf(bias, sizeof bias, "h.%d.mlp.bias", i);
        rk_enter(g, "h");
        rk_enter(g, number);
        rk_enter(g, "mlp");
        rk_ref y = rk_einsum(g, "b d, f d -> b f", x, rk_state(g, RK_PARAMETER, up, RK_f32, "ff hidden"));
        y = rk_einsum(g, "b f, d f -> b d", y, rk_state(g, RK_PARAMETER, down, RK_f32, "hidden ff"));
        if (!uneven || i == 0) y = rk_add(g, y, rk_state(g, RK_PARAMETER, bias, RK_f32, "hidden"));
        rk_leave(g);
        x = rk_add(g, x, y);
        rk_leave(g);
        rk_leave(g);
    }
    rk_output(g, "x", rk_softmax(g, x, "hidden"));
    OK(ctx, rk_graph_seal(g));
    return g;
}

TEST(a_tree_to_the_letter)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = two_blocks(ctx, false);
    struct str text = { 0 };
    OK(ctx, pass_show(ctx, g, NULL, NULL, &text));
    EXPECT_TEXT(str_c(&text),
                "(all)                                  1,049,088  4.00 MiB  100.00 %\n"
                "h                                      1,049,088  4.00 MiB  100.00 %\n"
                "  h.* (2 ×)                            1,049,088  4.00 MiB  100.00 %\n"
                "    h.*.mlp                            1,049,088  4.00 MiB  100.00 %\n"
                "      up     [ff hidden]  1,024 × 256    262,144  1.00 MiB   49.98 %\n"
                "      down   [hidden ff]  256 × 1,024    262,144  1.00 MiB   49.98 %\n"
                "      bias   [hidden]  256                   256  1.00 KiB    0.05 %\n"
                "      b d, f d -> b f:  1,048,576 FLOPs = 8·B·D²\n"
                "      b f, d f -> b d:  1,048,576 FLOPs = 8·B·D²\n");
    str_free(ctx, &text);
    rk_graph_close(g);
    g = two_blocks(ctx, true);
    OK(ctx, pass_show(ctx, g, NULL, NULL, &text));
    EXPECT(strstr(str_c(&text), "(1 in 2) bias") != NULL);
    str_free(ctx, &text);
    rk_graph_close(g);
}

/* What is no node: a second name, and what others keep. */
TEST(marks_stand_in_their_modules)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = two_blocks(ctx, false);
    rk_ref up = 0;
    for (rk_ref r = 1; r < g->nodes.n && up == 0; r++)
        if (node_of(g, r)->text != NULL && strcmp(node_of(g, r)->text, "h.0.mlp.up") == 0) up = r;
    struct show_mark at[] = {
        { .module = "h.*.mlp", .name = "again", .tied = up },
        { .module = "nowhere", .name = "gone", .tied = up },
        { .module = "h.*.other.deep", .name = "table", .dtype = "float32", .rank = 2, .shape = { 2048, 3 } },
        { .module = "elsewhere", .name = "one", .dtype = "int64" },
    };
    const struct show_marks marks = { at, 4, 4 };
    struct str text = { 0 };
    OK(ctx, pass_show(ctx, g, NULL, &marks, &text));
    EXPECT(strstr(str_c(&text), "  bias   [hidden]  256                   256  1.00 KiB    0.05 %\n"
                                "      again: h.0.mlp.up, [ff hidden]  1,024 × 256, a tie\n      b d, f d -> b f:") != NULL);
    EXPECT(strstr(str_c(&text), "h.* (2 ×)                            1,049,088  4.00 MiB  100.00 %\n    other.deep.table: float32 2,048 × 3, a buffer in PyTorch") != NULL);
    EXPECT(strstr(str_c(&text), "100.00 %\nelsewhere.one: int64 scalar, a buffer") != NULL && strstr(str_c(&text), "gone") == NULL);
    text.n = 0;
    OK(ctx, pass_show_json(ctx, g, NULL, &marks, &text));
    EXPECT(strstr(str_c(&text), "\"constants\": [], \"ties\": [{\"module\": \"h.*.mlp\", \"name\": \"again\", \"tie\": \"h.0.mlp.up\", \"dims\": [\"ff\", \"hidden\"], \"shape\": [1024, 256]}], \"buffers\": []") != NULL);
    EXPECT(strstr(str_c(&text), "\"buffers\": [{\"module\": \"h.*.other.deep\", \"name\": \"table\", \"dtype\": \"float32\", \"shape\": [2048, 3]}]") != NULL);
    str_free(ctx, &text);
    rk_graph_close(g);
}

TEST(constants_are_tensors_that_are_not_trained)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    struct str text = { 0 };
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "seq", 'T', 4);
    (void)rk_dim_new(g, "hidden", 'D', 8);
    rk_enter(g, "embed");
    rk_ref x = rk_state(g, RK_PARAMETER, "embed.weight", RK_f32, "seq hidden");
    rk_leave(g);
    rk_enter(g, "position");
    x = rk_add(g, x, rk_state(g, RK_CONSTANT, "position.weight", RK_f32, "seq hidden"));
    rk_leave(g);
    rk_output(g, "x", x);
    OK(ctx, rk_graph_seal(g));
    OK(ctx, pass_show(ctx, g, NULL, NULL, &text));
    EXPECT_TEXT(str_c(&text), "(all)                          32  128 B  100.00 %\n"
                              "embed                          32  128 B  100.00 %\n"
                              "  weight  [seq hidden]  4 × 8  32  128 B  100.00 %\n"
                              "position\n"
                              "  weight  [seq hidden]  4 × 8  32  128 B  constant\n");
    text.n = 0;
    OK(ctx, pass_show_json(ctx, g, NULL, NULL, &text));
    EXPECT(strstr(str_c(&text), "\"constants\": [{\"name\": \"weight\", \"dtype\": \"f32\", \"dims\": [\"seq\", \"hidden\"], \"shape\": [4, 8], \"elements\": 32, \"bytes\": 128, \"times\": 1}]") != NULL);
    str_free(ctx, &text);
    rk_graph_close(g);
}

TEST(the_same_as_json)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = two_blocks(ctx, false);
    struct str text = { 0 };
    const struct bill_terms terms = { .n_repeats = 1, .repeats = blocks };
    OK(ctx, pass_show_json(ctx, g, &terms, NULL, &text));
    EXPECT_TEXT(str_c(&text),
                "{\"modules\": [{\"path\": \"\", \"depth\": 0, \"times\": 1, \"parameters\": 1049088, \"bytes\": 4196352, \"flops\": 4194304, \"tensors\": [], \"constants\": [], \"ties\": [], \"buffers\": [], \"einsums\": []}, "
                "{\"path\": \"h\", \"depth\": 1, \"times\": 1, \"parameters\": 1049088, \"bytes\": 4196352, \"flops\": 4194304, \"tensors\": [], \"constants\": [], \"ties\": [], \"buffers\": [], \"einsums\": []}, "
                "{\"path\": \"h.*\", \"depth\": 2, \"times\": 2, \"parameters\": 1049088, \"bytes\": 4196352, \"flops\": 4194304, \"tensors\": [], \"constants\": [], \"ties\": [], \"buffers\": [], \"einsums\": []}, "
                "{\"path\": \"h.*.mlp\", \"depth\": 3, \"times\": 2, \"parameters\": 1049088, \"bytes\": 4196352, \"flops\": 4194304, "
                "\"tensors\": [{\"name\": \"up\", \"dtype\": \"f32\", \"dims\": [\"ff\", \"hidden\"], \"shape\": [1024, 256], \"parameters\": 262144, \"bytes\": 1048576, \"times\": 2}, "
                "{\"name\": \"down\", \"dtype\": \"f32\", \"dims\": [\"hidden\", \"ff\"], \"shape\": [256, 1024], \"parameters\": 262144, \"bytes\": 1048576, \"times\": 2}, "
                "{\"name\": \"bias\", \"dtype\": \"f32\", \"dims\": [\"hidden\"], \"shape\": [256], \"parameters\": 256, \"bytes\": 1024, \"times\": 2}], "
                "\"constants\": [], \"ties\": [], \"buffers\": [], \"einsums\": [{\"equation\": \"b d, f d -> b f\", \"formula\": \"8·B·D²\", \"flops\": 1048576, \"times\": 2}, "
                "{\"equation\": \"b f, d f -> b d\", \"formula\": \"8·B·D²\", \"flops\": 1048576, \"times\": 2}]}]}");
    str_free(ctx, &text);
    rk_graph_close(g);
}

/* Of a training graph only the forward is shown, and a block stands once however many there are. */
TEST(gpt2_shows_its_blocks_once)
{
    rk_ctx *ctx = test_ctx();
    const struct hand_gpt2 small = { 50257, 1024, 1, 768, 12, 12, true, true };
    rk_graph *g;
    rk_ref ends[2];
    struct str text = { 0 };
    struct show show;
    OK(ctx, hand_gpt2_build(ctx, &small, &g, ends));
    const rk_bill_phase phases[] = { { "forward", ends[0] }, { "backward", 0 } };
    const struct bill_terms terms = { .n_phases = 2, .phases = phases, .n_repeats = 1, .repeats = blocks };
    OK(ctx, show_begin(ctx, g, &terms, NULL, &show));
    EXPECT_INT(show.parameters[0], 124439808);
    EXPECT_INT(show.flops[0], 291648307200);
    EXPECT(show.n_order < 20);
    show_end(ctx, &show);
    OK(ctx, pass_show(ctx, g, &terms, NULL, &text));
    EXPECT(strstr(str_c(&text), "h.* (12 ×) ") != NULL && strstr(str_c(&text), "85,054,464  324.46 MiB   68.35 %") != NULL);
    EXPECT(strstr(str_c(&text), "h.1") == NULL);
    EXPECT(strstr(str_c(&text), "3,623,878,656 FLOPs = 6·B·T·D²\n") != NULL);
    str_free(ctx, &text);
    rk_graph_close(g);
}

static rk_status work(rk_ctx *ctx)
{
    struct str text = { 0 }, json = { 0 };
    rk_graph *g;
    TRY(rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "hidden", 'D', 8);
    rk_enter(g, "head");
    rk_output(g, "y", rk_softmax(g, rk_mul(g, rk_state(g, RK_PARAMETER, "head.0.w", RK_f32, "hidden"), rk_input(g, "x", RK_f32, "hidden")), "hidden"));
    rk_status status = rk_graph_seal(g);
    if (status == RK_OK) status = pass_show(ctx, g, NULL, NULL, &text);
    if (status == RK_OK) status = pass_show_json(ctx, g, NULL, NULL, &json);
    str_free(ctx, &text);
    str_free(ctx, &json);
    rk_graph_close(g);
    return status;
}

TEST(every_allocation_may_fail) { FOR_EVERY_FAILED_ALLOCATION(work); }
