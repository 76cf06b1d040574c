/* Ten steps of every optimizer against PyTorch's, on small tensors: optimizers.def, made by make_optimizers.py, which is to be
 * read beside this. In f64 all are the same to rounding, and on the CPU to that of f32. Muon as PyTorch runs it rounds to
 * bfloat16 inside: that far, and no farther, it is from what is computed here. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "run/run.h"
#include "test.h"
#include "train/graphs.h"
#include <stdlib.h>

enum { TENSORS = 5, STEPS = 10, MOST = 72 };

/* `fused` is stored as a matrix of 3·4 rows; `axes` 0: as its dims are. */
static const struct { const char *name, *dims; int n, axes, axis[3]; } tensors[TENSORS] = {
    { "matrix", "five seven", 35, 0, { 0 } },        { "box", "three four six", 72, 0, { 0 } },       { "vector", "nine", 9, 0, { 0 } },
    { "fused", "three four six", 72, 2, { 0, 0, 1 } }, { "tall", "seven three", 21, 0, { 0 } },
};

#define RUN(name, ...) static const double name[] = { __VA_ARGS__ };
#include "optimizers.def"
#undef RUN

static double sequence(int tensor, int t, int i)
{
    uint64_t x = (uint64_t)(i + 1) * 7919 + (uint64_t)t * 104729 + (uint64_t)(tensor + 1) * 1299709;
    return (double)(x * x % 20011) / 10005.5 - 1;
}

struct under { rk_ctx *ctx; rk_graph *loss, *update; struct parameter p[TENSORS]; struct store *store; struct plan *plan; struct run *run; };

static void say_tensors(struct under *u)
{
    static const struct { const char *name; int64_t size; } dims[] = { { "three", 3 }, { "four", 4 }, { "five", 5 }, { "six", 6 }, { "seven", 7 }, { "nine", 9 } };
    rk_ctx *ctx = u->ctx;
    OK(ctx, rk_graph_open(ctx, &u->loss));
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) (void)rk_dim_new(u->loss, dims[i].name, 0, dims[i].size);
    for (int i = 0; i < TENSORS; i++) {
        rk_ref r = rk_state(u->loss, RK_PARAMETER, tensors[i].name, RK_f32, tensors[i].dims);
        u->p[i] = (struct parameter){ .ref = r, .name = tensors[i].name, .decays = true, .kind = RK_PARAMETER, .in_block = true, .axes = tensors[i].axes };
        memcpy(u->p[i].axis, tensors[i].axis, sizeof tensors[i].axis);
    }
    OK(ctx, rk_graph_seal(u->loss));
}

static void write_one(struct under *u, rk_kind kind, int tensor, int t, double factor)
{
    double values[MOST];
    int entry = store_find(u->store, kind, tensors[tensor].name);
    REQUIRE(entry >= 0);
    for (int i = 0; i < tensors[tensor].n; i++) values[i] = factor * sequence(tensor, t, i);
    OK(u->ctx, store_write(u->ctx, u->store, entry, values, RK_f64));
}

static void train(struct under *u, const struct backend *backend, const struct train_rule *rule)
{
    rk_ctx *ctx = u->ctx = test_ctx();
    say_tensors(u);
    OK(ctx, train_update(ctx, u->loss, u->p, TENSORS, rule, &u->update));
    OK(ctx, store_open(ctx, backend, &u->store));
    OK(ctx, pass_lower(ctx, u->update, backend, &u->plan));
    OK(ctx, pass_place(ctx, u->plan, &(struct plan_options){ .reuse = true }));
    OK(ctx, store_declare(ctx, u->store, u->update));
    OK(ctx, store_allocate(ctx, u->store));
    OK(ctx, run_open(ctx, u->plan, u->store, &u->run));
    for (int i = 0; i < TENSORS; i++) write_one(u, RK_PARAMETER, i, 0, 1);
    for (int t = 1; t <= STEPS; t++) {
        for (int i = 0; i < TENSORS; i++) write_one(u, RK_GRADIENT, i, t, t % 3 == 0 ? 0.1 : 1);
        OK(ctx, train_feed(ctx, u->run, rule, 0.05 / sqrt(t), t));
        OK(ctx, run_go(ctx, u->run, 0, 0));
    }
}

static void close_all(struct under *u)
{
    run_close(u->run);
    plan_free(u->plan);
    store_close(u->store);
    rk_graph_close(u->update);
    rk_graph_close(u->loss);
}

/* Tensors that a run did not train in PyTorch are left out of its numbers. */
static void compare(const struct backend *backend, const struct train_rule *rule, const double *expected, size_t n, double near)
{
    struct under u = { .ctx = NULL };
    size_t at = 0, all = 0;
    for (int i = 0; i < TENSORS; i++) all += (size_t)tensors[i].n;
    train(&u, backend, rule);
    for (int i = 0; i < TENSORS; i++) {
        double values[MOST], off = 0;
        if (n < all && (i == 1 || i == 2)) continue;
        OK(u.ctx, store_read(u.ctx, u.store, store_find(u.store, RK_PARAMETER, tensors[i].name), values, RK_f64));
        for (int k = 0; k < tensors[i].n; k++) off = fmax(off, fabs(values[k] - expected[at++]));
        if (!(off <= near)) test_fail(__FILE__, __LINE__, "%s on %s is off by %g, at most %g", tensors[i].name, backend->name, off, near);
    }
    EXPECT_INT(at, n);
    close_all(&u);
}

#define BOTH(name, ...)                                                                             \
    TEST(name##_is_that_of_pytorch)                                                                 \
    {                                                                                               \
        const struct train_rule rule = { .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .eps1 = 0x1p-23, __VA_ARGS__ }; \
        compare(backend_ref(), &rule, name, sizeof name / sizeof *name, 1e-12);                     \
        compare(backend_cpu(), &rule, name, sizeof name / sizeof *name, 3e-6);                      \
    }

BOTH(adamw, .optimizer = RK_OPTIMIZER_adamw)
BOTH(sgd, .optimizer = RK_OPTIMIZER_sgd)
BOTH(sgd_momentum, .optimizer = RK_OPTIMIZER_sgd, .momentum = 0.9, .plain_momentum = true)
BOTH(sgd_nesterov, .optimizer = RK_OPTIMIZER_sgd, .momentum = 0.9)
BOTH(adafactor, .optimizer = RK_OPTIMIZER_adafactor, .beta2_decay = -0.8, .eps2 = 1e-3, .threshold = 1)
BOTH(adafactor_other, .optimizer = RK_OPTIMIZER_adafactor, .beta2_decay = -0.5, .eps2 = 0.5, .threshold = 1.5)
BOTH(muon, .optimizer = RK_OPTIMIZER_muon, .momentum = 0.95, .muon_rate = RK_MUON_ORIGINAL)
BOTH(muon_rms, .optimizer = RK_OPTIMIZER_muon, .momentum = 0.9, .muon_rate = RK_MUON_MATCH_RMS)
BOTH(muon_spectral, .optimizer = RK_OPTIMIZER_muon, .momentum = 0.95, .plain_momentum = true, .muon_rate = RK_MUON_SPECTRAL)

TEST(muon_of_pytorch_rounds_to_bfloat16)
{
    const struct train_rule rule = { .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .optimizer = RK_OPTIMIZER_muon, .momentum = 0.95, .muon_rate = RK_MUON_ORIGINAL };
    double most = 0;
    for (size_t i = 0; i < sizeof muon / sizeof *muon; i++) most = fmax(most, fabs(muon[i] - muon_rounded[i]));
    EXPECT(most > 1e-5);                                        /* or the numbers would not be what they say */
    compare(backend_ref(), &rule, muon_rounded, sizeof muon_rounded / sizeof *muon_rounded, 5e-3);
}
