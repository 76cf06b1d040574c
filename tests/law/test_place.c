/* Laws of pass/place: every value lies at the lowest address at which it meets nobody who was placed before it, largest first;
 * addresses are those of that sentence, tried one after the other, whatever the lifetimes. */
#include "pass/pass.h"
#include "test.h"
#include <stdlib.h>

enum { MOST_VALUES = 160, MOST_STEPS = 90, ROUNDS = 300 };

static int64_t aligned(int64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT; }
static bool together(const struct plan_value *a, const struct plan_value *b) { return a->first <= b->last && b->first <= a->last; }

static int larger_first(const void *a, const void *b)
{
    const struct plan_value *x = *(struct plan_value *const *)a, *y = *(struct plan_value *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Begins anew behind whoever is in the way, until nobody is. */
static int64_t lowest(struct plan_value *const *placed, int n, const struct plan_value *v)
{
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        const struct plan_value *p = placed[i];
        if (!together(p, v) || p->at >= at + aligned(v->bytes) || p->at + aligned(p->bytes) <= at) continue;
        at = p->at + aligned(p->bytes);
        i = -1;
    }
    return at;
}

/* Lifetimes as plans have them: short ones, some that nest over the middle, a few from end to end; few sizes, and ends of life before
 * they begin for what nobody reads. */
static struct plan_value some_value(int steps)
{
    const int64_t sizes[] = { 0, 1, 64, 100, 4096, 4096, 65536, (int64_t)test_random(1 << 20) };
    struct plan_value v = { .first = (int)test_random((uint64_t)steps), .bytes = sizes[test_random(8)], .at = -1 };
    const int kind = (int)test_random(8);
    v.last = kind == 0 ? steps - 1 : kind < 4 ? v.first + (int)test_random(4) : kind < 7 ? steps - 1 - v.first : -1;
    if (v.last >= steps) v.last = steps - 1;
    if (v.last < v.first) v.last = kind == 7 ? -1 : v.first;
    return v;
}

/* All of a round against the definition; a value that never lives meets nobody. */
static void one_round(rk_ctx *ctx)
{
    struct plan_value values[MOST_VALUES], *order[MOST_VALUES];
    const int n = (int)test_random(MOST_VALUES + 1), steps = 1 + (int)test_random(MOST_STEPS);
    int64_t bytes, most = 0;
    for (int i = 0; i < n; i++) {
        values[i] = some_value(steps);
        order[i] = &values[i];
    }
    OK(ctx, place_values(ctx, values, n, true, &bytes));
    qsort(order, (size_t)n, sizeof *order, larger_first);
    int placed = 0;
    for (int i = 0; i < n; i++) {
        struct plan_value *v = order[i];
        const bool lives = v->last >= v->first;
        EXPECT_INT(v->at, lives ? lowest(order, placed, v) : 0);
        if (v->at + aligned(v->bytes) > most) most = v->at + aligned(v->bytes);
        if (lives) order[placed++] = v;                         /* those before it were looked at: their places are free */
    }
    EXPECT_INT(bytes, most);
}

TEST(each_lies_at_the_lowest_address_that_is_free)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < ROUNDS; i += TEST_FEWER) one_round(ctx);
}

/* Without reuse, one behind the other in the order of their sizes. */
TEST(without_reuse_nobody_shares)
{
    rk_ctx *ctx = test_ctx();
    struct plan_value values[] = { { .first = 0, .last = 1, .bytes = 1 }, { .first = 2, .last = 3, .bytes = 100 }, { .first = 4, .last = -1, .bytes = 64 } };
    int64_t bytes;
    OK(ctx, place_values(ctx, values, 3, false, &bytes));
    EXPECT_INT(values[1].at, 0);
    EXPECT_INT(values[2].at, aligned(100));
    EXPECT_INT(values[0].at, aligned(100) + aligned(64));
    EXPECT_INT(bytes, aligned(100) + aligned(64) + aligned(1));
}

static rk_status place_three(rk_ctx *ctx)
{
    struct plan_value values[] = { { .first = 0, .last = 9, .bytes = 4096 }, { .first = 2, .last = 3, .bytes = 100 }, { .first = 3, .last = 7, .bytes = 64 } };
    int64_t bytes;
    return place_values(ctx, values, 3, true, &bytes);
}

TEST(no_memory_is_an_error_and_loses_nothing) { FOR_EVERY_FAILED_ALLOCATION(place_three); }
