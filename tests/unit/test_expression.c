/* Expressions in names and sizes: prices worked out by hand, views that lie where the names say, and mistakes that are
 * explained. */
#include "reckon/expression.h"
#include "test.h"

static rk_expression *opened(rk_ctx *ctx, const char *text, const rk_size *sizes, int n, rk_dtype dtype)
{
    rk_expression *e = NULL;
    OK(ctx, rk_expression_open(ctx, text, sizes, n, dtype, &e));
    return e;
}
#define OPEN(text, dtype, ...) opened(ctx, text, (const rk_size[]){ __VA_ARGS__ }, (int)(sizeof((const rk_size[]){ __VA_ARGS__ }) / sizeof(rk_size)), dtype)

TEST(prices_by_hand)
{
    rk_ctx *ctx = test_ctx();
    rk_expression *e = OPEN("r c", RK_f32, { "r", 4 }, { "c", 8 });
    EXPECT_INT(rk_expression_values(e), 1);
    EXPECT_INT(rk_expression_value_at(e, 0).bytes, 128);
    rk_expression_close(e);
    e = OPEN("m k, k n -> m n", RK_f32, { "m", 1024 }, { "k", 256 }, { "n", 64 });
    EXPECT_INT(rk_expression_cost_of(e).flops, 33554432);
    EXPECT_TEXT(rk_expression_cost_of(e).formula, "2·m·k·n");
    EXPECT_INT(rk_expression_cost_of(e).read, 4 * (1024 * 256 + 256 * 64));
    EXPECT_INT(rk_expression_cost_of(e).written, 4 * 1024 * 64);
    EXPECT_INT(rk_expression_values(e), 3);
    EXPECT_INT(rk_expression_value_at(e, 3).rank, 0);
    rk_expression_close(e);
    e = OPEN("d f", RK_f32, { "d", 12288 }, { "f", 49152 });
    EXPECT_INT(rk_expression_value_at(e, 0).bytes, 2415919104);
    rk_expression_close(e);
    e = OPEN("b t d -> t", RK_bf16, { "b", 3 }, { "t", 5 }, { "d", 7 });
    EXPECT_INT(rk_expression_cost_of(e).elementwise, 105);
    EXPECT_INT(rk_expression_cost_of(e).flops, 0);
    EXPECT_INT(rk_expression_cost_of(e).read, 210);
    EXPECT_INT(rk_expression_cost_of(e).written, 10);
    rk_expression_close(e);
}

static bool copies(const rk_expression *e)
{
    for (int i = 0; i < rk_expression_steps(e); i++)
        if (!rk_expression_step_at(e, i).view) return true;
    return false;
}

TEST(views_own_nothing_and_copies_are_named)
{
    static const struct { const char *text; bool view; } cases[] = {
        { "b t (h k) -> b h t k", true }, { "b t h k -> b t (h k)", true }, { "b h t k -> b t (h k)", false }, { "(b t) h k -> k h t b", true },
        { "b (t h) k -> (b t) (h k)", true }, { "b t h k -> (k h) b t", false }, { "b t h k -> b u h k", true }, { "b t h k", true }, { "b t h k -> (b h) t k", false },
    };
    const rk_size sizes[] = { { "b", 2 }, { "t", 3 }, { "h", 4 }, { "k", 5 }, { "u", 3 } };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n = strchr(cases[i].text, 'u') != NULL ? 5 : 4;
        rk_expression *e = opened(ctx, cases[i].text, sizes, n, RK_f16);
        rk_expression_value y = rk_expression_value_at(e, rk_expression_values(e) - 1);
        if (copies(e) == cases[i].view) test_fail(__FILE__, __LINE__, "%s: a view is taken for a copy, or a copy for a view", cases[i].text);
        if (rk_expression_values(e) > 1) EXPECT(y.view == cases[i].view);
        EXPECT_INT(rk_expression_cost_of(e).written, cases[i].view ? 0 : 240);
        EXPECT_INT(y.elements, 120);
        rk_expression_close(e);
    }
}

/* A view shows the element of its operand that has the same names: for every index, both strides lead to one place. */
TEST(a_view_lies_where_its_names_say)
{
    rk_ctx *ctx = test_ctx();
    const char *names[] = { "a", "b", "c", "d" };
    for (int trial = 0; trial < 200; trial++) {
        rk_size sizes[4];
        char text[64] = "a b c d ->";
        int order[4] = { 0, 1, 2, 3 };
        for (int i = 0; i < 4; i++) sizes[i] = (rk_size){ names[i], 1 + (int64_t)test_random(5) };
        for (int i = 3; i > 0; i--) {
            int k = (int)test_random((uint64_t)i + 1), was = order[i];
            order[i] = order[k], order[k] = was;
        }
        for (int i = 0; i < 4; i++) (void)strcat(strcat(text, " "), names[order[i]]);
        rk_expression *e = opened(ctx, text, sizes, 4, RK_i8);
        rk_expression_value x = rk_expression_value_at(e, 0), y = rk_expression_value_at(e, 1);
        for (int i = 0; i < 4; i++) {
            EXPECT_INT(y.shape[i], sizes[order[i]].size);
            EXPECT_INT(y.stride[i], x.stride[order[i]]);
        }
        EXPECT(y.view);
        rk_expression_close(e);
    }
}

TEST(mistakes_are_explained)
{
    static const struct { const char *text; rk_status status; const char *words, *hint; int sizes; } cases[] = {
        { "b s h, b u g -> b s u",      RK_E_SHAPE,   "h is in operand 1 only", "so is g of operand 2", 6 },
        { "b s h, b u h -> b s x",      RK_E_UNKNOWN, "x is in the result but in no operand", "names of its operands", 6 },
        { "b s h, b head h -> b s hed", RK_E_UNKNOWN, "hed is in the result", "did you mean head?", 6 },
        { "b sh, b -> b sh",            RK_E_UNKNOWN, "sh, in operand 1, has no size", "did you mean s?", 6 },
        { "b s, b s h, h -> b",         RK_E_ARG,     "unexpected ','", "", 6 },
        { "b s, s h",                   RK_E_ARG,     "expected \"names, names -> names\"", "", 6 },
        { "b (s h",                     RK_E_ARG,     "not closed", "", 6 },
        { "b s) h",                     RK_E_ARG,     "unexpected ')' at character 4", "", 6 },
        { "b () h",                     RK_E_ARG,     "nothing in the parentheses", "", 6 },
        { "b s b",                      RK_E_SHAPE,   "b stands twice", "", 6 },
        { "b (s h), b -> b (s h)",      RK_E_ARG,     "unexpected '('", "", 3 },
        { "b s h -> b u h",             RK_E_SHAPE,   "rename: s is 3 and u is 4", "", 4 },
        { "b s h -> b",                 RK_E_UNKNOWN, "u=4 is a size of no name", "", 4 },
        { "a b c d e f g h i j",        RK_E_LIMIT,   "more than 8 dimensions", "", 6 },
    };
    const rk_size sizes[] = { { "b", 2 }, { "s", 3 }, { "h", 5 }, { "u", 4 }, { "head", 6 }, { "g", 5 } };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_expression *e;
        FAILS(ctx, rk_expression_open(ctx, cases[i].text, sizes, cases[i].sizes, RK_f32, &e), cases[i].status, cases[i].words);
        EXPECT(e == NULL);
        if (strstr(rk_error_hint(ctx), cases[i].hint) == NULL) test_fail(__FILE__, __LINE__, "%s: the hint \"%s\" does not say \"%s\"", cases[i].text, rk_error_hint(ctx), cases[i].hint);
    }
    const rk_size twice[] = { { "b", 2 }, { "b", 3 } }, large[] = { { "b", 1ll << 40 }, { "s", 1ll << 40 } }, negative[] = { { "b", -1 } };
    rk_expression *e;
    FAILS(ctx, rk_expression_open(ctx, "b", twice, 2, RK_f32, &e), RK_E_ARG, "two sizes");
    FAILS(ctx, rk_expression_open(ctx, "b s", large, 2, RK_f32, &e), RK_E_LIMIT, "2^48");
    FAILS(ctx, rk_expression_open(ctx, "(b s) -> b s", large, 2, RK_f32, &e), RK_E_LIMIT, "b_s has size");
    FAILS(ctx, rk_expression_open(ctx, "b", negative, 1, RK_f32, &e), RK_E_LIMIT, "size -1");
}

static rk_status body(rk_ctx *ctx)
{
    static const char *const texts[] = { "b h t k -> b t (h k)", "b h t, t k -> b h k" };
    const rk_size sizes[] = { { "b", 2 }, { "h", 3 }, { "t", 4 }, { "k", 5 } };
    rk_status status = RK_OK;
    for (int i = 0; i < 2 && status == RK_OK; i++) {
        rk_expression *e = NULL;
        status = rk_expression_open(ctx, texts[i], sizes, 4, RK_f32, &e);
        rk_expression_close(e);
    }
    return status;
}

TEST(no_memory_is_reported_and_nothing_is_lost) { FOR_EVERY_FAILED_ALLOCATION(body); }
