/* Bill = receipt, operation by operation: what the polynomials say is what the counting reference did. */
#include "core/bill.h"
#include "sample.h"

static bool has_bill(const struct maker *m) { return (m->traits & HAS_BILL) != 0; }

static uint64_t number(struct sample *s, const struct values *v, struct poly p)
{
    uint64_t value = 0;
    if (poly_value(s->ctx, s->g, p, v->extent, &value) != RK_OK) sample_fails(s, "no value: %s", rk_error_message(s->ctx));
    return value;
}

static void count(struct sample *s, struct tally *did, uint64_t *products, uint64_t *elementwise, uint64_t *read, uint64_t *written)
{
    struct arena arena = { 0 };
    struct polys polys = { .ctx = s->ctx, .arena = &arena };
    struct bill_line line = { .polys = &polys, .products = poly_zero(), .elementwise = poly_zero(), .read = poly_zero(), .written = poly_zero(), .moved = poly_zero() };
    struct values v;
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    evaluate(&v, false);
    evaluate_node(&v, s->y, did);
    if (node_of(s->g, s->y)->op->bill(s->ctx, s->g, s->y, &line) != RK_OK) sample_fails(s, "no bill: %s", rk_error_message(s->ctx));
    *products = number(s, &v, line.products);
    *elementwise = number(s, &v, line.elementwise);
    *read = number(s, &v, line.read);
    *written = number(s, &v, line.written);
    values_close(&v);
    arena_clear(s->ctx, &arena);
}

#define SAME(what) do { if (what != did.what) sample_fails(s, "the bill says %llu for " #what ", the meter %llu", (unsigned long long)what, (unsigned long long)did.what); } while (0)

static void equals_receipt(struct sample *s)
{
    struct tally did = { 0 };
    uint64_t product_flops, elementwise_flops, read, written;
    count(s, &did, &product_flops, &elementwise_flops, &read, &written);
    SAME(product_flops);
    SAME(elementwise_flops);
    SAME(written);
    SAME(read);
}

TEST(bill_is_receipt)
{
    const struct law law = { .body = equals_receipt, .rounds = 200, .largest = 5, .views = true, .ties = true, .distinct = true };
    FOR_MAKERS(law, NULL, has_bill);
}

/* Where something is empty, or ids repeat or point outside, the bill is a bound: it prices names, not what is in them. */
static void bounds_receipt(struct sample *s)
{
    struct tally did = { 0 };
    uint64_t product_flops, elementwise_flops, read, written;
    count(s, &did, &product_flops, &elementwise_flops, &read, &written);
    HOLDS(s, did.product_flops <= product_flops && did.elementwise_flops <= elementwise_flops && did.read <= read && did.written <= written);
}

TEST(bill_bounds_the_receipt)
{
    const struct law law = { .body = bounds_receipt, .rounds = 100, .largest = 5, .zeros = true, .views = true, .ties = true };
    FOR_MAKERS(law, NULL, has_bill);
}

TEST(views_cost_nothing)
{
    for (int i = 0; op_list[i] != NULL; i++)
        if ((op_list[i]->flags & OP_VIEW) != 0 && op_list[i]->ref != NULL) test_fail(__FILE__, __LINE__, "the view %s computes something", op_list[i]->name);
}

TEST(an_operand_that_stands_twice_is_priced_once)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    struct arena arena = { 0 };
    struct polys polys = { .ctx = ctx, .arena = &arena };
    struct bill_line line = { .polys = &polys, .products = poly_zero(), .elementwise = poly_zero(), .read = poly_zero(), .written = poly_zero(), .moved = poly_zero() };
    struct values v;
    struct tally did = { 0 };
    uint64_t read;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "a", 'A', 7);
    rk_ref x = rk_input(g, "x", RK_f64, "a"), y = rk_mul(g, x, x);
    OK(ctx, rk_graph_seal(g));
    values_open(&v, ctx, g);
    evaluate_node(&v, y, &did);
    OK(ctx, node_of(g, y)->op->bill(ctx, g, y, &line));
    OK(ctx, poly_value(ctx, g, line.read, NULL, &read));
    EXPECT_INT(read, 7);
    EXPECT_INT(did.read, 7);
    values_close(&v);
    arena_clear(ctx, &arena);
    rk_graph_close(g);
}
