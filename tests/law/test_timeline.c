/* A plan over time is the plan that was billed: what is alive adds up to its bytes, places of values that meet do not overlap,
 * and steps issue the FLOPs of the bill. */
#include "reckon/model.h"
#include "test.h"
#include "tiny.h"

static uint64_t number(rk_ctx *ctx, const rk_bill *bill, const char *name)
{
    uint64_t n;
    OK(ctx, rk_bill_number(bill, name, &n));
    return n;
}

static uint64_t alive_at(const rk_bill *bill, int step)
{
    uint64_t sum = 0;
    for (int i = 0; i < rk_bill_values(bill); i++) {
        rk_bill_value v = rk_bill_value_at(bill, i);
        if (v.first <= step && step <= v.last) sum += v.bytes;
    }
    return sum;
}

static void meet_nowhere(const rk_bill *bill)
{
    for (int i = 0; i < rk_bill_values(bill); i++)
        for (int k = 0; k < i; k++) {
            rk_bill_value a = rk_bill_value_at(bill, i), b = rk_bill_value_at(bill, k);
            if (a.first <= b.last && b.first <= a.last) EXPECT(a.at + a.bytes <= b.at || b.at + b.bytes <= a.at);
        }
}

static void check(rk_ctx *ctx, const rk_bill *bill)
{
    uint64_t products = 0, elementwise = 0, end = 0;
    bool backward = false;
    REQUIRE(rk_bill_steps(bill) > 0 && rk_bill_values(bill) > 0);
    for (int i = 0; i < rk_bill_steps(bill); i++) {
        rk_bill_step s = rk_bill_step_at(bill, i);
        EXPECT(s.alive == alive_at(bill, i));
        EXPECT(s.backward || !backward);                /* forward, and then backward */
        backward = s.backward;
        products += s.product_flops;
        elementwise += s.elementwise_flops;
    }
    EXPECT(backward);
    for (int i = 0; i < rk_bill_values(bill); i++) {
        rk_bill_value v = rk_bill_value_at(bill, i);
        EXPECT(v.first <= v.last && v.last <= rk_bill_steps(bill) && v.bytes > 0);
        if (v.at + v.bytes > end) end = v.at + v.bytes;
    }
    EXPECT(products == number(ctx, bill, "flops.plan.step"));
    EXPECT(elementwise == number(ctx, bill, "flops.plan.elementwise.step"));
    EXPECT(end == number(ctx, bill, "bytes.plan.activations") + number(ctx, bill, "bytes.plan.workspace"));
    meet_nowhere(bill);
}

TEST(of_every_family)
{
    rk_ctx *ctx = test_ctx();
    char room[TINY_ROOM];
    for (int i = 0; i < TINY_MODELS; i++) {
        rk_model *model;
        rk_bill *bill;
        OK(ctx, rk_model_open(ctx, tiny_model(i, 29, 16, room), &model));
        OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .batch = 2, .seq = 12, .plan = true }, &bill));
        check(ctx, bill);
        rk_bill_free(bill);
        rk_model_close(model);
    }
}

TEST(without_a_plan_there_is_none)
{
    rk_ctx *ctx = test_ctx();
    rk_model *model;
    rk_bill *bill;
    OK(ctx, rk_model_open(ctx, "gpt2:n_layer=1", &model));
    OK(ctx, rk_bill_of(model, NULL, &bill));
    EXPECT(rk_bill_steps(bill) == 0 && rk_bill_values(bill) == 0 && rk_bill_step_at(bill, 0).module[0] == '\0' && rk_bill_value_at(bill, -1).bytes == 0);
    rk_bill_free(bill);
    rk_model_close(model);
}
