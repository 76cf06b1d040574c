/* hand_fused.c: see hand_fused.h. */
#include "hand_fused.h"
#include "backend/cpu/cpu.h"
#include "base/num.h"
#include "law/execute.h"
#include "pass/pass.h"
#include "test.h"
#include <stdlib.h>

/* The graph with gradients, of the operation as it is or written out, sealed, and where the sources are in it. */
static void with_gradients(rk_ctx *ctx, const struct fused_case *c, bool (*kept)(void *, const rk_graph *, rk_ref), rk_graph **g, rk_ref *source)
{
    rk_ref map[64], gradient[FUSED_SOURCES];
    char name[] = "d0";
    REQUIRE(c->g->nodes.n <= 64);
    OK(ctx, pass_expand(ctx, c->g, kept, (void *)(uintptr_t)c->backend, g, map));
    for (int i = 0; i < c->n; i++) source[i] = map[c->source[i]];
    source[c->n] = c->unit_seed ? 0 : rk_input(*g, "seed", RK_f32, "");
    rk_grad(*g, map[graph_find_output(c->g, "loss")], source[c->n], source, c->gradients, gradient);
    for (int i = 0; i < c->gradients; i++) {
        name[1] = (char)('0' + i);
        rk_output(*g, name, gradient[i]);
    }
    OK(ctx, rk_graph_seal(*g));
}

/* The processor takes every one; another back end may leave one written out, unless the case names its kernel. */
static bool keep(void *user, const rk_graph *g, rk_ref r) { return user == NULL || backend_takes(user, g, r, true); }

static void set_live(const struct fused_case *c, struct values *v)
{
    v->seed = 11;
    v->step = 5;
    if (c->live != NULL) v->extent[graph_dim(v->g, c->live, strlen(c->live))] = c->extent;
}

/* What a value of this dtype can hold. */
static double rounded(double x, rk_dtype dtype)
{
    uint64_t bits = 0;
    num_store(&bits, (int)dtype, &x, 1);
    num_load(&x, &bits, (int)dtype, 1);
    return x;
}

static void fill(const struct fused_case *c, struct values *v, const rk_ref *source, struct values *other, const rk_ref *other_source)
{
    if (!c->unit_seed) values_own(v, source[c->n])[0] = values_own(other, other_source[c->n])[0] = 0.625;
    for (int i = 0; i < c->n; i++)
        for (int64_t k = 0; k < values_count(v, source[i]); k++) {
            rk_dtype dtype = node_of(v->g, source[i])->dtype;
            bool ids = dtype == RK_i32;
            double x = ids ? (double)test_random((uint64_t)c->most_id + 2) - 1 : (double)(float)(test_normal() * (c->spread > 0 ? c->spread : 1));
            values_own(v, source[i])[k] = values_own(other, other_source[i])[k] = rounded(x, dtype);
        }
}

static void compare(const struct fused_case *c, const struct outcome *did, const struct outcome *expected, double tolerance, const char *where)
{
    EXPECT_INT(did->n, expected->n);
    for (int i = 0; i < did->n; i++) {
        double scale = fmax(1e-6, c->least);
        if (c->any_loss && strcmp(did->name[i], "loss") == 0) continue;
        EXPECT_INT(did->count[i], expected->count[i]);
        for (int64_t k = 0; k < did->count[i]; k++) scale = fmax(scale, fabs(expected->at[i][k]));
        for (int64_t k = 0; k < did->count[i]; k++) {
            double a = did->at[i][k], b = expected->at[i][k];
            if (fabs(a - b) <= tolerance * scale) continue;
            test_fail(__FILE__, __LINE__, "%s on %s: element %lld of %lld is %.9g, expected %.9g (largest %g)", did->name[i], where, (long long)k, (long long)did->count[i], a, b, scale);
            break;
        }
    }
}

static void same_bits(const struct outcome *a, const struct outcome *b, const char *where)
{
    for (int i = 0; i < a->n; i++)
        if (memcmp(a->at[i], b->at[i], (size_t)a->count[i] * sizeof(double)) != 0) test_fail(__FILE__, __LINE__, "%s on %s: a second run gives other bits", a->name[i], where);
}

/* An operation may have several kernels: attend_cuda, attend_group_cuda. One of them is named by the same first word, is for the gradients if
 * `name` is, and is of this instruction set. */
static bool is_kernel(const char *at, const char *name, const char *isa)
{
    char kernel[64];
    size_t n = strcspn(at, " \n"), word = strcspn(name, "_"), isa_n = strlen(isa);
    (void)snprintf(kernel, sizeof kernel, "%.*s", (int)n, at);
    n = strlen(kernel);
    bool gradients = strstr(kernel, "adjoint") != NULL, wanted = strstr(name, "adjoint") != NULL;
    return n > word + isa_n && strncmp(kernel, name, word) == 0 && strcmp(kernel + n - isa_n, isa) == 0 && gradients == wanted;
}

static void has_kernel(const struct outcome *o, const char *name, const char *isa)
{
    char word[64];
    (void)snprintf(word, sizeof word, " %.*s", (int)strcspn(name, "_"), name);
    for (const char *at = strstr(o->plan, word); at != NULL; at = strstr(at + 1, word))
        if (is_kernel(at + 1, name, isa)) return;
    test_fail(__FILE__, __LINE__, "no %s_%s in the plan:\n%s", name, isa, o->plan);
}

/* No program in the plan has a value whose last dimension is `dim`. */
static void leaves_untouched(const struct outcome *o, const char *dim)
{
    char last[64];
    (void)snprintf(last, sizeof last, "%s]", dim);
    for (const char *at = strstr(o->plan, "program_"); at != NULL; at = strstr(at + 1, "program_")) {
        const char *end = strchr(at, '\n'), *found = strstr(at, last);
        if (found != NULL && (end == NULL || found < end)) test_fail(__FILE__, __LINE__, "an elementwise step over %s:\n%s", dim, o->plan);
    }
}

/* In two contexts, and so on one thread and two: the same bits. On another back end both are one, and it may replay the second run. */
static void try_on(rk_ctx *one, rk_ctx *two, const struct fused_case *c, const struct values *from, const struct backend *backend, const char *name, const struct outcome *expected,
                   double tolerance)
{
    static struct outcome alone, together;
    const struct execution e = { .backend = backend }, again = { .backend = backend, .runs = two == one ? 2 : 1 };
    OK(one, execute(one, from->g, from, &e, &alone));
    if (c->kernel != NULL) has_kernel(&alone, c->kernel, name);
    if (c->adjoint != NULL) has_kernel(&alone, c->adjoint, name);
    if (c->untouched != NULL) leaves_untouched(&alone, c->untouched);
    compare(c, &alone, expected, tolerance, name);
    OK(two, execute(two, from->g, from, &again, &together));
    same_bits(&alone, &together, name);
    outcome_free(&alone);
    outcome_free(&together);
}

static void try_processor(rk_ctx *one, const struct fused_case *c, const struct values *from, const struct outcome *expected, double tolerance)
{
    rk_ctx *two;
    OK(NULL, rk_ctx_open(&(rk_options){ .threads = 2 }, &two));
    for (int isa = 0; isa < ISA_COUNT; isa++)
        if (isa_runs((enum isa)isa)) try_on(one, two, c, from, backend_cpu_isa((enum isa)isa), isa_rows[isa].name, expected, tolerance);
    rk_ctx_close(two);
}

void fused_try(rk_ctx *one, struct fused_case *c, double tolerance)
{
    static struct outcome expected;
    rk_graph *fused, *plain;
    rk_ref in_fused[FUSED_SOURCES + 1], in_plain[FUSED_SOURCES + 1];         /* and the seed */
    struct values v, w;
    if (!rk_graph_ok(c->g)) test_fail(__FILE__, __LINE__, "%s", c->g->message);
    with_gradients(one, c, keep, &fused, in_fused);
    with_gradients(one, c, NULL, &plain, in_plain);
    values_open(&v, one, plain);
    values_open(&w, one, fused);
    set_live(c, &v);
    set_live(c, &w);
    fill(c, &v, in_plain, &w, in_fused);
    outcome_of(&v, &expected);
    if (c->backend == NULL) try_processor(one, c, &w, &expected, tolerance);
    else try_on(one, one, c, &w, c->backend, c->backend->name, &expected, tolerance);
    outcome_free(&expected);
    values_close(&v);
    values_close(&w);
    rk_graph_close(plain);
    rk_graph_close(fused);
}
