/* test_cpu_vmath.c: every vector function on every instruction set of this machine, against libm in double: within its promised
 * units in the last place over all binades, right at the special values, and the same bits wherever a value stands in an array. */
#include "backend/cpu/vmath_array.h"
#include "test.h"
#include <float.h>
#include <stdlib.h>

static double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* The promise of vmath.h, and the range in which it is made. */
static const struct function {
    const char *name;
    size_t at;
    double (*truth)(double);
    double ulps;
    float low, high;
} functions[] = {
    { "exp",     offsetof(struct vmath_array, exp),     exp,         1.1, -104, 89 },
    { "log",     offsetof(struct vmath_array, log),     log,         0.8, 0x1p-149f, FLT_MAX },
    { "tanh",    offsetof(struct vmath_array, tanh),    tanh,        1.4, -FLT_MAX, FLT_MAX },
    { "erf",     offsetof(struct vmath_array, erf),     erf,         2.5, -FLT_MAX, FLT_MAX },
    { "sigmoid", offsetof(struct vmath_array, sigmoid), ref_sigmoid, 2.5, -88.7f, FLT_MAX },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, CHUNK = 4096 };

static vmath_array_fn *array_of(enum isa isa, const struct function *f)
{
    vmath_array_fn *fn;
    memcpy(&fn, (const char *)vmath_array(isa) + f->at, sizeof fn);
    return fn;
}

/* |got - truth| in units of the float next to the truth; at least the spacing of the subnormals. */
static double ulps(float got, double truth)
{
    if (isinf(got) && fabs(truth) > (double)FLT_MAX) return fabs(truth) >= 0x1.ffffffp127 ? 0 : 0.5;
    int e = truth == 0 ? -126 : ilogb(truth);
    return fabs((double)got - truth) / ldexp(1, (e < -126 ? -126 : e) - 23);
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double worst_of(enum isa isa, const struct function *f, uint32_t step, float *where)
{
    static float x[CHUNK], y[CHUNK];
    double worst = 0;
    int n = 0;
    for (uint64_t bits = test_random(step); bits < 0x100000000u; bits += step) {
        float v = float_of((uint32_t)bits);
        if (v >= f->low && v <= f->high) x[n++] = v;
        if (n < CHUNK && bits + step < 0x100000000u) continue;
        array_of(isa, f)(y, x, n);
        for (int i = 0; i < n; i++) {
            double u = ulps(y[i], f->truth((double)x[i]));
            if (!(u <= worst)) {
                worst = u;
                *where = x[i];
            }
        }
        n = 0;
    }
    return worst;
}

TEST(every_function_keeps_its_promise_over_all_binades)
{
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_runs((enum isa)isa)) continue;
        for (int i = 0; i < FUNCTIONS; i++) {
            float where = 0;
            double worst = worst_of((enum isa)isa, &functions[i], 1499, &where);
            printf("  %-7s %-8s %.2f ulp at %a\n", isa_rows[isa].name, functions[i].name, worst, (double)where);
            EXPECT(worst <= functions[i].ulps);
        }
    }
}

static bool same(float a, double b) { return isnan(b) ? isnan(a) : a == (float)b && signbit(a) == signbit((float)b); }

TEST(special_values_are_exact)
{
    static const float x[] = { 0, -0.f, INFINITY, -INFINITY, NAN, -NAN, 1000, -1000, 89, -104, FLT_MAX, -FLT_MAX };
    enum { N = sizeof x / sizeof *x };
    for (int isa = 0; isa < ISA_COUNT; isa++)
        for (int i = 0; i < FUNCTIONS && isa_runs((enum isa)isa); i++) {
            float y[N];
            array_of((enum isa)isa, &functions[i])(y, x, N);
            for (int k = 0; k < N; k++) {
                double truth = functions[i].truth((double)x[k]);
                bool ok = same(y[k], truth) || (!isnan(truth) && !isinf(truth) && truth != 0 && ulps(y[k], truth) <= functions[i].ulps)
                          || (functions[i].truth == ref_sigmoid && truth < (double)FLT_MIN && y[k] == 0);
                if (!ok)
                    test_fail(__FILE__, __LINE__, "%s %s(%g) = %a, not %a", isa_rows[isa].name, functions[i].name, (double)x[k], (double)y[k], truth);
            }
        }
}

TEST(the_rest_of_the_number_line_overflows_and_vanishes)
{
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_runs((enum isa)isa)) continue;
        const struct vmath_array *v = vmath_array((enum isa)isa);
        static float x[CHUNK], y[CHUNK];
        for (int i = 0; i < CHUNK; i++) x[i] = 88.8f * powf(1.02f, (float)i);
        v->exp(y, x, CHUNK);
        for (int i = 0; i < CHUNK; i++) EXPECT(isinf(y[i]) && y[i] > 0);
        for (int i = 0; i < CHUNK; i++) x[i] *= -1.18f;
        v->exp(y, x, CHUNK);
        for (int i = 0; i < CHUNK; i++) EXPECT(y[i] == 0);
        v->log(y, x, CHUNK);
        for (int i = 0; i < CHUNK; i++) EXPECT(isnan(y[i]));
    }
}

TEST(a_value_gives_the_same_bits_at_every_place_and_neighbours_are_not_touched)
{
    for (int isa = 0; isa < ISA_COUNT; isa++)
        for (int i = 0; i < FUNCTIONS && isa_runs((enum isa)isa); i++)
            for (int n = 0; n < 40; n++) {
                float x[64], y[64], one;
                for (int k = 0; k < 64; k++) x[k] = (float)fabs(test_normal()), y[k] = 7;
                array_of((enum isa)isa, &functions[i])(y + 3, x, n);
                for (int k = 0; k < n; k++) {
                    array_of((enum isa)isa, &functions[i])(&one, x + k, 1);
                    EXPECT(memcmp(&one, &y[3 + k], sizeof one) == 0);
                }
                EXPECT(y[2] == 7 && y[3 + n] == 7);
            }
}

TEST(the_best_set_runs_here_and_names_are_found)
{
    enum isa isa;
    EXPECT(isa_runs(isa_best()) && isa_runs(ISA_scalar));
    for (int i = 0; i < ISA_COUNT; i++) EXPECT(isa_find(isa_rows[i].name, &isa) && (int)isa == i);
    EXPECT(!isa_find("sse9", &isa));
}
