/* Polynomials: ring laws on random ones, exact values, folding that keeps the value, and how they are written. */
#include "core/poly.h"
#include "test.h"

enum { DIMS = 12 };
static const int64_t sizes[DIMS + 1] = { 0, 3, 5, 4, 6, 24, 96, 7, 5, 2, 1, 0, 11 };

/* batch seq head head_dim hidden ff vocab key three one none position: head · head_dim = hidden, ff = 4 · hidden, key is seq's size. */
static rk_graph *graph_with_dims(rk_ctx *ctx)
{
    static const char *const names[] = { "", "batch", "seq", "head", "head_dim", "hidden", "ff", "vocab", "key", "side", "one", "none", "position" };
    static const char letters[] = " BTHKDFVT\0OZP";
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    for (int i = 1; i <= DIMS; i++) EXPECT_INT(rk_dim_new(g, names[i], letters[i], sizes[i]), i);
    rk_dim_relate(g, "head head_dim", 1, "hidden");
    rk_dim_relate(g, "ff", 4, "hidden");
    REQUIRE(rk_graph_ok(g));
    return g;
}

enum { B = 1, T, H, K, D, F, V, KEY, SIDE, ONE, NONE, P };

static struct poly random_poly(struct polys *p, int most_terms, int most_degree, bool positive)
{
    struct poly a = poly_zero();
    int n = (int)test_random((uint64_t)most_terms + 1);
    for (int i = 0; i < n; i++) {
        rk_dim dim[POLY_DEGREE];
        int degree = (int)test_random((uint64_t)most_degree + 1);
        for (int k = 0; k < degree; k++) dim[k] = 1 + (int)test_random(DIMS);
        int64_t factor = (int64_t)test_random(20) - (positive ? 0 : 10);
        a = poly_add(p, a, poly_dims(p, factor, degree, dim));
    }
    return a;
}

/* The value by plain arithmetic, in units of 1/over. */
static int64_t value_of(struct poly a)
{
    int64_t sum = 0;
    for (int i = 0; i < a.n; i++) {
        int64_t v = a.term[i].factor;
        for (int k = 0; k < a.term[i].degree; k++) v *= sizes[a.term[i].dim[k]];
        sum += v;
    }
    return sum;
}

static bool canonical(struct poly a)
{
    bool fine = a.over >= 1 && (a.n > 0 || a.over == 1);
    for (int i = 0; i < a.n; i++) {
        fine = fine && a.term[i].factor != 0;
        for (int k = 1; k < a.term[i].degree; k++) fine = fine && a.term[i].dim[k - 1] <= a.term[i].dim[k];
        if (i > 0) fine = fine && a.term[i - 1].degree >= a.term[i].degree && !term_alike(&a.term[i - 1], &a.term[i]);
    }
    return fine;
}

TEST(random_polynomials_form_a_ring)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 2000; round++) {
        struct arena arena = { 0 };
        struct polys p = { ctx, &arena, RK_OK };
        struct poly a = random_poly(&p, 6, 3, false), b = random_poly(&p, 6, 3, false), c = random_poly(&p, 6, 3, false);
        struct poly sum = poly_add(&p, a, b), product = poly_mul(&p, a, b);
        EXPECT(canonical(sum) && canonical(product));
        EXPECT_INT(value_of(sum), value_of(a) + value_of(b));
        EXPECT_INT(value_of(product), value_of(a) * value_of(b));
        EXPECT(poly_equal(sum, poly_add(&p, b, a)));
        EXPECT(poly_equal(product, poly_mul(&p, b, a)));
        EXPECT(poly_equal(poly_add(&p, sum, c), poly_add(&p, a, poly_add(&p, b, c))));
        EXPECT(poly_equal(poly_mul(&p, product, c), poly_mul(&p, a, poly_mul(&p, b, c))));
        EXPECT(poly_equal(poly_mul(&p, sum, c), poly_add(&p, poly_mul(&p, a, c), poly_mul(&p, b, c))));
        EXPECT(poly_equal(poly_add(&p, a, poly_scale(&p, -1, a)), poly_zero()));
        const struct poly parts[] = { a, poly_over(&p, c, 6), b, poly_scale(&p, -1, a), c };      /* added in place: the same, as is what goes away */
        struct poly in_place = poly_zero(), anew = poly_zero();
        int room = 0;
        for (int i = 0; i < 5; i++) {
            if (i == 1 && round % 2 == 0) continue;                         /* whole numbers alone, and not */
            poly_add_to(&p, &in_place, &room, parts[i]);
            anew = poly_add(&p, anew, parts[i]);
            EXPECT(canonical(in_place) && poly_equal(in_place, anew));
        }
        EXPECT(poly_equal(poly_over(&p, poly_scale(&p, 7, a), 7), a));
        EXPECT(poly_equal(poly_add(&p, poly_over(&p, a, 6), poly_over(&p, a, 3)), poly_over(&p, a, 2)));
        EXPECT_INT(p.status, RK_OK);
        arena_clear(ctx, &arena);
    }
}

TEST(folding_keeps_the_value_and_ends)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = graph_with_dims(ctx);
    rk_dim_relate(g, "hidden", 1, "head head_dim");         /* and back again: folding must end all the same */
    for (int round = 0; round < 2000; round++) {
        struct arena arena = { 0 };
        struct polys p = { ctx, &arena, RK_OK };
        uint64_t before, after;
        struct poly a = random_poly(&p, 8, 6, true), folded = poly_fold(&p, g, a);
        EXPECT(canonical(folded));
        OK(ctx, poly_value(ctx, g, a, NULL, &before));
        OK(ctx, poly_value(ctx, g, folded, NULL, &after));
        EXPECT_INT(after, before);
        EXPECT_INT(before, value_of(a));
        struct term common = poly_common(1, &a);
        common.factor = 1;
        struct poly back = poly_mul(&p, poly_without(&p, a, &common), poly_dims(&p, 1, common.degree, common.dim));
        EXPECT(poly_equal(back, a));
        arena_clear(ctx, &arena);
    }
    rk_graph_close(g);
}

static void writes(rk_graph *g, struct poly a, bool fold, const char *expected)
{
    rk_ctx *ctx = g->ctx;
    struct str text = { 0 };
    OK(ctx, poly_text(ctx, g, a, fold, &text));
    EXPECT_TEXT(str_c(&text), expected);
    str_free(ctx, &text);
}

#define DIMS_OF(...) (int)(sizeof((rk_dim[]){ __VA_ARGS__ }) / sizeof(rk_dim)), (const rk_dim[]){ __VA_ARGS__ }

static struct poly sum_of(struct polys *p, int n, const struct poly *parts)
{
    struct poly sum = poly_zero();
    for (int i = 0; i < n; i++) sum = poly_add(p, sum, parts[i]);
    return sum;
}

TEST(written_as_people_write)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = graph_with_dims(ctx);
    struct arena arena = { 0 };
    struct polys p = { ctx, &arena, RK_OK };
    const struct poly block[] = {
        poly_dims(&p, 3, DIMS_OF(H, K, D)), poly_dims(&p, 3, DIMS_OF(H, K)), poly_dims(&p, 1, DIMS_OF(D, K, H)), poly_dims(&p, 1, DIMS_OF(D)),
        poly_dims(&p, 2, DIMS_OF(D, F)), poly_dims(&p, 1, DIMS_OF(F)), poly_dims(&p, 5, DIMS_OF(D)),
    };
    struct poly gpt2 = sum_of(&p, 7, block);
    writes(g, gpt2, true, "12·D² + 13·D");
    writes(g, gpt2, false, "4·H·K·D + 3·H·K + 2·D·F + 6·D + F");
    writes(g, poly_zero(), true, "0");
    writes(g, poly_number(&p, 42), true, "42");
    writes(g, poly_dims(&p, 1, DIMS_OF(V, D)), true, "D·V");
    writes(g, poly_dims(&p, 2, DIMS_OF(B, H, T, KEY, K)), true, "2·B·T²·D");
    writes(g, poly_dims(&p, 2, DIMS_OF(B, H, T, KEY, K)), false, "2·B·T·H·K·T");
    writes(g, poly_dims(&p, 1, DIMS_OF(D, SIDE)), true, "2·D");
    writes(g, poly_dims(&p, 1, DIMS_OF(D, SIDE)), false, "D·side");
    writes(g, poly_dims(&p, -1, DIMS_OF(D)), true, "-D");
    writes(g, poly_add(&p, poly_dims(&p, 2, DIMS_OF(V)), poly_dims(&p, -3, DIMS_OF(P))), true, "2·V - 3·P");
    struct poly attention = poly_add(&p, poly_dims(&p, 24, DIMS_OF(B, T, D, D)), poly_dims(&p, 4, DIMS_OF(B, T, T, D)));
    writes(g, attention, true, "B·(4·T²·D + 24·T·D²)");
    writes(g, poly_add(&p, poly_dims(&p, 8, DIMS_OF(B, T, D)), poly_dims(&p, 3, DIMS_OF(B, T))), true, "B·T·(8·D + 3)");
    struct poly causal = poly_over(&p, poly_add(&p, poly_dims(&p, 1, DIMS_OF(T, T)), poly_dims(&p, 1, DIMS_OF(T))), 2);
    writes(g, causal, true, "(T² + T)/2");
    uint64_t value;
    OK(ctx, poly_value(ctx, g, causal, NULL, &value));
    EXPECT_INT(value, 15);
    int64_t extent[DIMS + 1] = { 0, 0, 9 };
    OK(ctx, poly_value(ctx, g, causal, extent, &value));
    EXPECT_INT(value, 45);
    rk_dim power[POLY_DEGREE];
    for (int i = 0; i < POLY_DEGREE; i++) power[i] = B;
    writes(g, poly_dims(&p, 1, POLY_DEGREE, power), true, "B¹⁶");
    arena_clear(ctx, &arena);
    rk_graph_close(g);
}

TEST(one_letter_for_two_sizes_prints_the_name_of_the_second)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    rk_dim seq = rk_dim_new(g, "seq", 'T', 1), key = rk_dim_new(g, "key", 'T', 64), past = rk_dim_live(g, "past", 'T', 1);
    struct arena arena = { 0 };
    struct polys p = { ctx, &arena, RK_OK };
    const rk_dim all[] = { seq, key, past };
    writes(g, poly_dims(&p, 2, 3, all), true, "2·T·key·past");
    arena_clear(ctx, &arena);
    rk_graph_close(g);
}

TEST(what_cannot_be_counted_exactly_is_an_error)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    rk_dim big = rk_dim_new(g, "big", 'N', (int64_t)1 << 40), none = rk_dim_new(g, "none", 'Z', 0);
    struct arena arena = { 0 };
    struct polys p = { ctx, &arena, RK_OK };
    uint64_t value;
    rk_dim dims[POLY_DEGREE] = { big, big, big, big, none };
    struct poly square = poly_dims(&p, 1, 2, dims);
    FAILS(ctx, poly_value(ctx, g, square, NULL, &value), RK_E_LIMIT, "2^63");
    FAILS(ctx, poly_value(ctx, g, poly_dims(&p, 1, 4, dims), NULL, &value), RK_E_LIMIT, "2^63");
    OK(ctx, poly_value(ctx, g, poly_dims(&p, 1, 5, dims), NULL, &value));       /* nothing times anything is nothing */
    EXPECT_INT(value, 0);
    struct poly nearly = poly_add(&p, square, poly_scale(&p, -1, poly_dims(&p, (int64_t)1 << 40, 1, dims)));
    OK(ctx, poly_value(ctx, g, nearly, NULL, &value));                          /* 2^80 - 2^80 */
    EXPECT_INT(value, 0);
    FAILS(ctx, poly_value(ctx, g, poly_over(&p, poly_number(&p, 1), 2), NULL, &value), RK_E_BUG, "broken promise");
    FAILS(ctx, poly_value(ctx, g, poly_number(&p, -1), NULL, &value), RK_E_BUG, "broken promise");
    EXPECT_INT(p.status, RK_OK);

    struct polys full = { ctx, &arena, RK_OK };
    (void)poly_scale(&full, INT64_MAX, poly_number(&full, 2));
    EXPECT_INT(full.status, RK_E_LIMIT);
    EXPECT_INT(poly_add(&full, square, square).n, 0);                           /* the first mistake is kept */
    struct polys added = { ctx, &arena, RK_OK };
    (void)poly_add(&added, poly_number(&added, INT64_MAX), poly_number(&added, 1));
    EXPECT_INT(added.status, RK_E_LIMIT);
    struct polys deep = { ctx, &arena, RK_OK };
    struct poly tall = poly_dims(&deep, 1, POLY_DEGREE, dims);
    EXPECT_INT(deep.status, RK_OK);
    (void)poly_mul(&deep, tall, square);
    EXPECT_INT(deep.status, RK_E_LIMIT);
    arena_clear(ctx, &arena);
    rk_graph_close(g);
}

static rk_status work(rk_ctx *ctx)
{
    struct arena arena = { 0 };
    struct polys p = { ctx, &arena, RK_OK };
    struct str text = { 0 };
    rk_graph *g;
    TRY(rk_graph_open(ctx, &g));
    rk_dim d = rk_dim_new(g, "hidden", 'D', 8), f = rk_dim_new(g, "ff", 'F', 32);
    rk_dim_relate(g, "ff", 4, "hidden");
    const rk_dim dims[] = { d, f, f };
    struct poly a = poly_mul(&p, poly_add(&p, poly_dims(&p, 2, 3, dims), poly_number(&p, 1)), poly_over(&p, poly_dims(&p, 6, 1, dims), 2));
    rk_status status = rk_graph_seal(g);
    if (status == RK_OK) status = p.status;
    if (status == RK_OK) status = poly_text(ctx, g, a, true, &text);
    if (status == RK_OK) EXPECT_TEXT(str_c(&text), "96·D⁴ + 3·D");
    str_free(ctx, &text);
    arena_clear(ctx, &arena);
    rk_graph_close(g);
    return status;
}

TEST(every_allocation_may_fail) { FOR_EVERY_FAILED_ALLOCATION(work); }
