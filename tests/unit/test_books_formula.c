/* Formulas as text: values, mistakes, other letters; and exact quotients at their limits. */
#include "books/formula.h"
#include "test.h"

static struct letters letters_here(rk_ctx *ctx)
{
    struct letters l = { .n = 0 };
    OK(ctx, letter_set(ctx, &l, "B", 2, "sequences"));
    OK(ctx, letter_set(ctx, &l, "T", 1024, "tokens"));
    OK(ctx, letter_set(ctx, &l, "D", 768, "hidden"));
    OK(ctx, letter_set(ctx, &l, "L", 12, "layers"));
    OK(ctx, letter_set(ctx, &l, "V", 50257, "vocabulary"));
    OK(ctx, letter_set(ctx, &l, "dp", 64, "ranks"));
    OK(ctx, letter_set(ctx, &l, "dp", 8, "ranks"));                 /* replaces */
    return l;
}

TEST(values)
{
    static const struct { const char *text; int64_t over, under; } rows[] = {
        { "1", 1, 1 }, { " 2 + 3·4 ", 14, 1 }, { "(2+3)*4", 20, 1 }, { "2·3²", 18, 1 }, { "2^10", 1024, 1 }, { "2³ - 1", 7, 1 }, { "7 − 9", -2, 1 }, { "-3 + 5", 2, 1 },
        { "1/3 + 1/6", 1, 2 }, { "6/4", 3, 2 }, { "1 - -1", 2, 1 }, { "12/3/2", 2, 1 }, { "2·-3", -6, 1 }, { "-2²", -4, 1 }, { "2·-3²", -18, 1 }, { "(-2)²", 4, 1 }, { "5^0", 1, 1 },
        { "V·D", 50257 * 768, 1 }, { "T·(T + 1)/2", 1024 * 1025 / 2, 1 }, { "12/dp", 3, 2 }, { "max(1, T/3, 7)", 1024, 3 }, { "min(D, 5/2)", 5, 2 },
        { "ceil(7/2) + floor(7/2)", 7, 1 }, { "floor(-7/2)", -4, 1 }, { "ceil(-7/2)", -3, 1 }, { "ceil(4)", 4, 1 }, { "8 ÷ 2 × 3", 12, 1 },
        { "170141183460469231731687303715884105727 - 170141183460469231731687303715884105726", 1, 1 },
        { "72·B·T·L·D²·(1 + T/(6·D) + V/(12·L·D))", 2 * 874944921600, 1 },
    };
    rk_ctx *ctx = test_ctx();
    struct letters l = letters_here(ctx);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rational r;
        OK(ctx, formula_value(ctx, rows[i].text, &l, &r));
        if (r.over != rows[i].over || r.under != rows[i].under) test_fail(__FILE__, __LINE__, "%s is %lld/%lld", rows[i].text, (long long)r.over, (long long)r.under);
    }
}

TEST(mistakes_are_named)
{
    static const struct { const char *text; rk_status status; const char *words; } rows[] = {
        { "", RK_E_ARG, "a number, a letter" },     { "1 +", RK_E_ARG, "a number, a letter" }, { "(1", RK_E_ARG, "\")\" expected" },   { "1)", RK_E_ARG, "byte 1" },
        { "2B", RK_E_ARG, "a sign or the end" },    { "2·B·X", RK_E_UNKNOWN, "byte 6: X has no value" }, { "BT", RK_E_UNKNOWN, "BT has no value" }, { "1.5", RK_E_ARG, "3/2 for 1.5" },
        { "2^B", RK_E_ARG, "whole exponent" },      { "2^65", RK_E_LIMIT, "beyond 64" },          { "1/0", RK_E_LIMIT, "division by zero" }, { "1/(T - 1024)", RK_E_LIMIT, "division by zero" },
        { "max(1)", RK_E_ARG, "two values" },       { "ceil(1, 2)", RK_E_ARG, "one value" },   { "max 1", RK_E_ARG, "\"(\" expected" }, { "max(1,", RK_E_ARG, "a number" },
        { "10^38·10", RK_E_LIMIT, "127 bits" },        { "170141183460469231731687303715884105728", RK_E_LIMIT, "127 bits" },
        { "170141183460469231731687303715884105727 + 1", RK_E_LIMIT, "127 bits" }, { "V^64", RK_E_LIMIT, "127 bits" }, { "1/10^30 + 1/(10^30 + 1)", RK_E_LIMIT, "127 bits" },
        { "D = 2", RK_E_ARG, "byte 2" },            { "\xff", RK_E_ARG, "byte 0" },
    };
    rk_ctx *ctx = test_ctx();
    struct letters l = letters_here(ctx);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rational r;
        FAILS(ctx, formula_value(ctx, rows[i].text, &l, &r), rows[i].status, rows[i].words);
    }
    struct rational r;
    FAILS(ctx, formula_value(ctx, "Z", &l, &r), RK_E_UNKNOWN, "Z");
    EXPECT(strstr(rk_error_hint(ctx), "B T D L V dp") != NULL);
}

TEST(depth_and_length_are_bounded)
{
    rk_ctx *ctx = test_ctx();
    struct letters l = letters_here(ctx);
    struct rational r;
    static char text[FORMULA_BYTES + 2];
    memset(text, '(', FORMULA_BYTES);
    FAILS(ctx, formula_value(ctx, text, &l, &r), RK_E_LIMIT, "nested too deeply");
    memset(text, '-', FORMULA_BYTES);
    FAILS(ctx, formula_value(ctx, text, &l, &r), RK_E_LIMIT, "nested too deeply");
    memset(text, '1', FORMULA_BYTES + 1);
    FAILS(ctx, formula_value(ctx, text, &l, &r), RK_E_LIMIT, "bytes");
    memset(text, ' ', FORMULA_BYTES);
    memcpy(text, "((((((((((1+1))))))))))·2", 26);
    text[26] = '\0';
    OK(ctx, formula_value(ctx, text, &l, &r));
    EXPECT_INT(r.over, 4);
}

/* Against 64-bit arithmetic: a/b op c/d by cross products, in small numbers. */
TEST(quotients_are_exact)
{
    for (int i = 0; i < 20000; i++) {
        int64_t a = (int64_t)test_random(2001) - 1000, b = (int64_t)test_random(1000) + 1, c = (int64_t)test_random(2001) - 1000, d = (int64_t)test_random(1000) + 1;
        struct rational x = rational_of(a), y = rational_of(c), sum, product, quotient;
        int order;
        REQUIRE(rational_divide(&x, rational_of(b)) && rational_divide(&y, rational_of(d)));
        sum = product = quotient = x;
        REQUIRE(rational_add(&sum, y) && rational_multiply(&product, y));
        EXPECT(sum.over * b * d == (whole)(a * d + c * b) * sum.under);
        EXPECT(product.over * b * d == (whole)(a * c) * product.under);
        EXPECT(sum.under > 0 && product.under > 0);
        if (c != 0) EXPECT(rational_divide(&quotient, y) && quotient.over * b * c == (whole)(a * d) * quotient.under && quotient.under > 0);
        else EXPECT(!rational_divide(&quotient, y));
        REQUIRE(rational_compare(x, y, &order));
        EXPECT_INT(order, a * d < c * b ? -1 : a * d > c * b);
        EXPECT_INT(rational_floor(x).over, a >= 0 ? a / b : -((-a + b - 1) / b));
    }
}

TEST(numbers_for_a_bill)
{
    uint64_t n;
    bool exact;
    struct rational half = { 7, 2 };
    EXPECT(rational_to_u64(half, &n, &exact) && n == 4 && !exact);
    EXPECT(rational_to_u64((struct rational){ (whole)UINT64_MAX, 1 }, &n, &exact) && n == UINT64_MAX && exact);
    EXPECT(!rational_to_u64((struct rational){ (whole)UINT64_MAX + 1, 1 }, &n, &exact));
    EXPECT(!rational_to_u64(rational_of(-1), &n, &exact));
    EXPECT_NEAR(rational_to_real(half), 3.5, 0);
}

TEST(other_letters)
{
    static const struct rename renames[] = { { "P", "L" }, { "L", "N" }, { "N", "W" } };
    rk_ctx *ctx = test_ctx();
    struct str out = { 0 };
    OK(ctx, formula_spell(ctx, "V·D + P·D + L·(12·D² + 13·D) + N·Le·max(P, 2)", 3, renames, &out));
    EXPECT_TEXT(str_c(&out), "V·D + L·D + N·(12·D² + 13·D) + W·Le·max(L, 2)");
    str_free(ctx, &out);
}

TEST(letters_have_a_limit)
{
    static char names[MOST_LETTERS + 1][16];
    rk_ctx *ctx = test_ctx();
    struct letters l = { .n = 0 };
    for (int i = 0; i < MOST_LETTERS; i++) {
        (void)snprintf(names[i], sizeof names[i], "x%d", i);
        OK(ctx, letter_set(ctx, &l, names[i], i, ""));
    }
    FAILS(ctx, letter_set(ctx, &l, "y", 1, ""), RK_E_LIMIT, "letters");
    OK(ctx, letter_set(ctx, &l, "x3", 4, ""));
}
