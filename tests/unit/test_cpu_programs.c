/* Elementwise programs of the processor's back end against the references: every function of the table, random programs over
 * broadcast operands, 16-bit storage, masks, positions, an optimizer's step; in the arrangements of cpu_trial.h. labels: threads */
#include "cpu_trial.h"
#include "op/build.h"
#include "pass/pass.h"

enum { ROUNDS = 14 };

/* Lowers the graph and tries every program in it. */
static void try_programs(struct trial *t)
{
    struct plan *plan;
    int programs = 0;
    if (!rk_graph_ok(t->g)) test_fail(__FILE__, __LINE__, "%s", t->g->message);
    trial_evaluate(t, 7);
    OK(t->ctx, rk_graph_seal(t->g));
    OK(t->ctx, pass_lower(t->ctx, t->g, backend_cpu(), &plan));
    for (int i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].problem.program == NULL) continue;
        programs++;
        trial_run(t, &plan->steps[i].problem, true);
    }
    EXPECT(programs > 0);
    plan_free(plan);
}

TEST(every_function_of_the_table)
{
    for (int fn = 0; fn < MAP_COUNT; fn++) {
        struct trial t;
        trial_begin(&t, 2e-6);
        (void)rk_dim_new(t.g, "a", 0, 3), (void)rk_dim_new(t.g, "c", 0, 700);
        rk_ref in[3];
        for (int i = 0; i < 3; i++) {
            const char name[] = { 'x', (char)('0' + i), 0 };
            in[i] = rk_input(t.g, name, RK_f32, "a c");
        }
        bool positive = strcmp(mapfn_table[fn].name, "log") == 0 || strstr(mapfn_table[fn].name, "sqrt") != NULL || strstr(mapfn_table[fn].name, "recip") != NULL;
        if (positive) in[0] = rk_add(t.g, rk_map(t.g, "square", in[0]), rk_const(t.g, 0.25));
        rk_output(t.g, "y", build_map(t.g, fn, in));
        try_programs(&t);
        trial_end(&t);
    }
}

/* With a `full` operand, so that everything has all the dims and is one group. */
static rk_ref random_node(struct trial *t, rk_ref a, const rk_ref *have, int n)
{
    static const char *const unary[] = { "neg", "exp", "tanh", "sigmoid", "relu", "silu", "gelu_tanh", "gelu_erf", "square" };
    static const char *const binary[] = { "add", "sub", "mul", "add", "mul", "max", "min", "less" };
    rk_ref b = have[test_random((uint64_t)n)], c = have[test_random((uint64_t)n)];
    switch (test_random(6)) {
    case 0: return rk_map(t->g, unary[test_random(9)], rk_mul(t->g, a, rk_const(t->g, 0.25)));
    case 1: return rk_map3(t->g, "where", rk_map2(t->g, "less", a, rk_const(t->g, 0)), b, c);
    case 2: return rk_scale(t->g, a, 0.5);
    default: return rk_map2(t->g, binary[test_random(8)], a, b);
    }
}

TEST(random_programs)
{
    static const char *const shapes[] = { "a b c", "a b c", "c", "b c", "a b", "a", "c b a", "" };
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        rk_ref have[40];
        int n = 0;
        trial_begin(&t, 3e-5);
        (void)rk_dim_new(t.g, "a", 0, trial_size(10)), (void)rk_dim_new(t.g, "b", 0, (int64_t)test_random(6)), (void)rk_dim_new(t.g, "c", 0, trial_size(1300));
        for (int k = 0; k < 2 + (int)test_random(4); k++) {
            const char name[] = { 'x', (char)('0' + k), 0 };
            have[n++] = rk_input(t.g, name, k == 3 ? RK_i32 : RK_f32, shapes[k == 0 ? 0 : test_random(8)]);
        }
        if (test_random(3) == 0) have[n++] = rk_rand(t.g, "here", 0.75, test_random(2) == 0 ? "a b c" : "b a c");
        if (test_random(3) == 0) have[n++] = rk_iota(t.g, test_random(2) == 0 ? "c" : "a", NULL);
        int sources = n;
        for (int k = 0; k < 12; k++) {
            have[n] = random_node(&t, k == 0 ? have[0] : have[sources + (int)test_random((uint64_t)k)], have, n);
            n++;
        }
        rk_output(t.g, "last", have[n - 1]);
        rk_output(t.g, "other", rk_add(t.g, have[n - 4], have[n - 3]));
        rk_output(t.g, "third", have[n - 6]);
        if (t.g->nodes.n <= MOST_VALUES) try_programs(&t);
        trial_end(&t);
    }
}

TEST(sixteen_bit_programs)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 1e-5);
        rk_dtype dtype = i % 2 == 0 ? RK_bf16 : RK_f16;
        (void)rk_dim_new(t.g, "a", 0, trial_size(30)), (void)rk_dim_new(t.g, "c", 0, trial_size(1300));
        rk_ref x = rk_input(t.g, "x", dtype, "a c"), y = rk_input(t.g, "y", dtype, "c");
        rk_output(t.g, "z", rk_map(t.g, "silu", rk_add(t.g, rk_mul(t.g, x, y), x)));
        try_programs(&t);
        trial_end(&t);
    }
}

TEST(stored_virtuals)
{
    struct trial t;
    trial_begin(&t, 1e-7);
    (void)rk_dim_new(t.g, "a", 0, 9), (void)rk_dim_new(t.g, "c", 0, 1111);
    rk_output(t.g, "i", rk_iota(t.g, "c", NULL));
    rk_output(t.g, "r", rk_rand(t.g, "somewhere", 0.3, "a c"));
    rk_output(t.g, "k", rk_const(t.g, 2.5));
    try_programs(&t);
    trial_end(&t);
}

/* AdamW as the optimizer's graph says it: seven streams, three of them in place. */
TEST(adamw)
{
    for (int i = 0; i < 8; i++) {
        struct trial t;
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "a", 0, trial_size(40)), (void)rk_dim_new(t.g, "c", 0, trial_size(1300));
        rk_ref p = rk_input(t.g, "p", RK_f32, "a c"), g = rk_input(t.g, "g", RK_f32, "a c"), m = rk_input(t.g, "m", RK_f32, "a c"), v = rk_input(t.g, "v", RK_f32, "a c");
        rk_ref rate = rk_input(t.g, "rate", RK_f32, ""), m1 = rk_add(t.g, rk_scale(t.g, m, 0.9), rk_scale(t.g, g, 0.1));
        rk_ref v1 = rk_add(t.g, rk_scale(t.g, rk_map(t.g, "square", v), 0.999), rk_scale(t.g, rk_map(t.g, "square", g), 0.001));
        rk_ref step = rk_map2(t.g, "div", m1, rk_add(t.g, rk_map(t.g, "sqrt", v1), rk_const(t.g, 1e-8)));
        rk_output(t.g, "m", m1);
        rk_output(t.g, "v", v1);
        rk_output(t.g, "p", rk_sub(t.g, rk_sub(t.g, p, rk_mul(t.g, rate, step)), rk_mul(t.g, rk_scale(t.g, rate, 0.01), p)));
        try_programs(&t);
        trial_end(&t);
    }
}
