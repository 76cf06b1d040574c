/* Laws of the bill, on random GPTs with backward and an optimiser: every sum, as a whole, by module, by op and by reason,
 * equals a naive sum over the nodes; and every formula, read back, says its number. */
#include "pass/count.h"
#include "pass/pass.h"
#include "test.h"
#include "unit/hand_gpt2.h"
#include <stdlib.h>

static const struct bill_repeat blocks[] = { { "h.*", 'L' } };

static uint64_t number(const rk_bill *bill, const char *name)
{
    uint64_t n = 0;
    if (rk_bill_number(bill, name, &n) != RK_OK) test_fail(__FILE__, __LINE__, "no entry %s", name);
    return n;
}

/* --- sums --- */

struct sums { uint64_t products, elementwise, read, written; };

/* Node by node, each with its own polynomials: what count_graph may never differ from. */
static struct sums naive(rk_ctx *ctx, const rk_graph *g, rk_ref from, rk_ref to)
{
    struct sums s = { 0 };
    bool *needed = calloc((size_t)g->nodes.n, 1);
    REQUIRE(needed != NULL);
    pass_needed(g, needed);
    for (rk_ref r = from; r < to; r++) {
        const struct node *n = node_of(g, r);
        struct arena arena = { 0 };
        struct polys p = { ctx, &arena, RK_OK };
        struct bill_line line = { &p, poly_zero(), poly_zero(), poly_zero(), poly_zero(), poly_zero() };
        uint64_t value[4];
        if (!needed[r] || n->op == &op_state || n->op == &op_input) continue;
        OK(ctx, n->op->bill(ctx, g, r, &line));
        const struct poly parts[] = { line.products, line.elementwise, line.read, line.written };
        for (int i = 0; i < 4; i++) OK(ctx, poly_value(ctx, g, parts[i], NULL, &value[i]));
        s.products += value[0], s.elementwise += value[1], s.read += value[2], s.written += value[3];
        arena_clear(ctx, &arena);
    }
    free(needed);
    return s;
}

static uint64_t sum_of_group(const rk_bill *bill, rk_bill_by by, const char *name)
{
    uint64_t sum = 0;
    rk_bill_entry e;
    for (int i = 0; i < rk_bill_groups(bill, by); i++) {
        bool whole = by == RK_BY_OP || rk_bill_group_at(bill, by, i).depth == 0;        /* a module holds those below it */
        if (whole && rk_bill_share(bill, by, i, name, &e)) sum += e.number;
    }
    return sum;
}

static uint64_t sum_of_reasons(const rk_bill *bill, const char *name)
{
    uint64_t sum = 0;
    for (int i = 0; i < rk_bill_reasons(bill, name); i++) {
        rk_bill_reason r = rk_bill_reason_at(bill, name, i);
        EXPECT(r.number == r.each * (uint64_t)r.times && r.formula[0] != '\0');
        sum += r.number;
    }
    return sum;
}

/* --- formulas, read back --- */

struct reader { const char *at; const struct hand_gpt2 *m; };
static int64_t read_sum(struct reader *r);

static int64_t letter_value(const struct reader *r, char letter)
{
    const struct hand_gpt2 *m = r->m;
    const struct { char letter; int64_t value; } letters[] = { { 'B', m->batch }, { 'T', m->positions }, { 'V', m->vocab }, { 'P', m->positions }, { 'D', m->hidden },
        { 'F', 4 * m->hidden }, { 'H', m->head }, { 'K', m->hidden / m->head }, { 'L', m->layers } };
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].letter == letter) return letters[i].value;
    test_fail(__FILE__, __LINE__, "no dimension has the letter %c", letter);
    return 0;
}

static int64_t read_factor(struct reader *r)
{
    static const char *const raised[] = { "²", "³", "⁴", "⁵", "⁶" };
    int64_t value = 0, power;
    if (*r->at == '(') {
        r->at++;
        value = read_sum(r);
        r->at += *r->at == ')';
        return value;
    }
    if (*r->at >= '0' && *r->at <= '9') {
        for (; *r->at >= '0' && *r->at <= '9'; r->at++) value = 10 * value + (*r->at - '0');
        return value;
    }
    power = value = letter_value(r, *r->at++);
    for (int i = 0; i < 5; i++) {
        power *= value;
        if (strncmp(r->at, raised[i], strlen(raised[i])) != 0) continue;
        r->at += strlen(raised[i]);
        return power;
    }
    return value;
}

static int64_t read_product(struct reader *r)
{
    int64_t value = read_factor(r);
    while (strncmp(r->at, "·", 2) == 0) {
        r->at += 2;
        value *= read_factor(r);
    }
    return value;
}

static int64_t read_sum(struct reader *r)
{
    bool minus = *r->at == '-';
    r->at += minus;
    int64_t value = (minus ? -1 : 1) * read_product(r);
    while (strncmp(r->at, " + ", 3) == 0 || strncmp(r->at, " - ", 3) == 0) {
        int64_t sign = r->at[1] == '+' ? 1 : -1;
        r->at += 3;
        value += sign * read_product(r);
    }
    return value;
}

static void says_its_number(const struct hand_gpt2 *m, rk_bill_entry e)
{
    struct reader r = { e.formula, m };
    int64_t value = read_sum(&r);
    if (value != (int64_t)e.number || *r.at != '\0') test_fail(__FILE__, __LINE__, "%s is %llu, its formula %s", e.name, (unsigned long long)e.number, e.formula);
}

static void formulas_say_their_numbers(const struct hand_gpt2 *m, const rk_bill *bill)
{
    rk_bill_entry e;
    for (int i = 0; i < rk_bill_entries(bill); i++) says_its_number(m, rk_bill_entry_at(bill, i));
    for (int by = 0; by < RK_BY_COUNT; by++)
        for (int k = 0; k < rk_bill_groups(bill, (rk_bill_by)by); k++)
            for (int i = 0; i < rk_bill_entries(bill); i++)
                if (rk_bill_share(bill, (rk_bill_by)by, k, rk_bill_entry_at(bill, i).name, &e)) says_its_number(m, e);
}

TEST(every_sum_of_a_bill_is_the_sum_over_its_nodes)
{
    static const char *const phase_name[] = { "forward", "backward", "update" };
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 12; round++) {
        int64_t head = 1 + (int64_t)test_random(3);
        struct hand_gpt2 m = { 3 + (int64_t)test_random(9), 1 + (int64_t)test_random(5), (int64_t)test_random(3), head * (1 + (int64_t)test_random(4)), head,
                         1 + (int64_t)test_random(4), round % 2 == 0, true };
        rk_graph *g;
        rk_ref ends[3];
        rk_bill *bill;
        OK(ctx, hand_gpt2_build(ctx, &m, &g, ends));
        ends[2] = g->nodes.n;
        const rk_bill_phase phases[] = { { phase_name[0], ends[0] }, { phase_name[1], ends[1] }, { phase_name[2], 0 } };
        struct bill_terms terms = { 3, phases, round % 3, round % 3 == 2 ? NULL : blocks, NULL, false, false };
        OK(ctx, bill_of_graph(ctx, g, &terms, &bill));
        for (int i = 0; i < 3; i++) {
            struct sums s = naive(ctx, g, i == 0 ? 1 : ends[i - 1], ends[i]);
            const uint64_t expected[] = { s.products, s.elementwise, s.read, s.written };
            static const char *const quantity[] = { "flops", "flops.elementwise", "elements.read", "elements.written" };
            for (int q = 0; q < 4; q++) {
                char name[64];
                (void)snprintf(name, sizeof name, "%s.%s", quantity[q], phase_name[i]);
                EXPECT_INT(number(bill, name), expected[q]);
                EXPECT_INT(sum_of_group(bill, RK_BY_MODULE, name), expected[q]);
                EXPECT_INT(sum_of_group(bill, RK_BY_OP, name), expected[q]);
                EXPECT_INT(sum_of_reasons(bill, name), expected[q]);
            }
        }
        formulas_say_their_numbers(&m, bill);
        EXPECT_INT(sum_of_group(bill, RK_BY_OP, "parameters"), number(bill, "parameters"));
        EXPECT_INT(sum_of_reasons(bill, "bytes.parameters"), number(bill, "bytes.parameters"));
        rk_bill_free(bill);
        rk_graph_close(g);
    }
}
