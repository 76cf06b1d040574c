/* mapfn.c: the elementwise functions of map.def as a table and in f64; and the masks of dropout. */
#include "base/map.h"
#include "base/rng.h"
#include "core/program.h"
#include <math.h>
#include <string.h>

const struct mapfn_info mapfn_table[MAP_COUNT] = {
#define UNARY(name, cost, f, cost_slope, slope) { #name, 1, cost }, { "d_" #name, 2, cost_slope + 1 },
#define BINARY(name, cost, f) { #name, 2, cost },
#define TERNARY(name, cost, f) { #name, 3, cost },
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
};

static const rk_function_info functions[] = {
#define UNARY(name, cost, f, cost_slope, slope) { #name, 1, cost, cost_slope + 1 },
#define BINARY(name, cost, f) { #name, 2, cost, -1 },
#define TERNARY(name, cost, f) { #name, 3, cost, -1 },
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
};

bool rk_function_at(int i, rk_function_info *info)
{
    *info = (rk_function_info){ "", 0, 0, -1 };
    if (i < 0 || i >= (int)(sizeof functions / sizeof *functions)) return false;
    *info = functions[i];
    return true;
}

int mapfn_find(const char *name)
{
    for (int i = 0; i < MAP_COUNT; i++)
        if (strcmp(mapfn_table[i].name, name) == 0) return i;
    return -1;
}

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

static double gelu_tanh_slope(double x)
{
    double c = 0.79788456080286535588, t = tanh(c * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x);
}

#define K(number) ((double)(number))
#define EXP exp
#define LOG log
#define SQRT sqrt
#define SIN sin
#define COS cos
#define TANH tanh
#define ERF erf
#define SIGMOID sigmoid
#define GELU_TANH_SLOPE gelu_tanh_slope
#define FINITE(x) (isfinite(x) ? 1.0 : 0.0)
#define MAXIMUM(a, b) ((a) > (b) ? (a) : (b))
#define MINIMUM(a, b) ((a) < (b) ? (a) : (b))
#define LESS(a, b) ((a) < (b) ? 1.0 : 0.0)
#define EQUAL(a, b) ((a) == (b) ? 1.0 : 0.0)
#define SELECT(a, b, c) ((a) != 0 ? (b) : (c))

double mapfn_eval(int fn, const double *in)
{
    double x = in[0], a = in[0], b = mapfn_table[fn].arity > 1 ? in[1] : 0, c = mapfn_table[fn].arity > 2 ? in[2] : 0;
    switch (fn) {
#define UNARY(name, cost, f, cost_slope, slope) case MAP_##name: return f; case MAP_d_##name: return b * (slope);
#define BINARY(name, cost, f) case MAP_##name: return f;
#define TERNARY(name, cost, f) case MAP_##name: return f;
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
    default: return NAN;
    }
}

uint64_t rand_site(const char *text) { return hash_bytes(text, strlen(text)); }

double rand_value(uint64_t seed, uint64_t step, uint64_t site, uint64_t index, double keep)
{
    return rng_uniform(seed ^ step * 0x9e3779b97f4a7c15u, site, index) < keep ? 1 / keep : 0;
}
