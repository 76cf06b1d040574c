/* num.c: numbers of every dtype, in and out, by arithmetic on their bits.
 *
 * All small floats are one shape, { mantissa bits, exponent bias }, and two functions: widen is exact, narrow rounds to
 * nearest even once. A double goes there over a float rounded to odd, which keeps the one bit that decides: narrowing it
 * afterwards equals a single rounding (Boldo and Melquiond 2008; a float has 24 bits, at least 2 more than any target).
 * Everything is branchless, so that a loop over it becomes vector code. Needs the default rounding mode of the processor.
 * Sources: IEEE 754-2019; OCP 8-bit floating point 1.0 (2023). */
#include "base/num.h"
#include "reckon/dim.h"
#include <math.h>
#include <string.h>

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")                          /* vector code for loops of any length, as clang makes at -O2 */
#endif

static inline uint32_t bits_of(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline float float_of(uint32_t b)
{
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* A choice by masks: both sides are computed, so that no compiler makes it a branch. */
static inline uint32_t either(int condition, uint32_t yes, uint32_t no)
{
    uint32_t mask = 0 - (uint32_t)(condition != 0);
    return (yes & mask) | (no & ~mask);
}

/* The magnitude of a float, as bits, in a format of `m` mantissa bits: not yet bounded above, NaN not treated.
 * Subnormals: adding the float whose last bit weighs as much as theirs makes the processor round at that place. */
static inline uint32_t narrow(uint32_t a, uint32_t m, uint32_t bias)
{
    uint32_t shift = 23 - m, half = (UINT32_C(1) << (shift - 1)) - 1, magic = (151 - bias - m) << 23;
    uint32_t normal = (a - ((127 - bias) << 23) + half + (a >> shift & 1)) >> shift;
    uint32_t subnormal = bits_of(float_of(a) + float_of(magic)) - magic;
    return either(a < (128 - bias) << 23, subnormal, normal);
}

/* As the bits of a float, exact. `b` is the magnitude; infinities and NaN are the caller's. */
static inline uint32_t widen(uint32_t b, uint32_t m, uint32_t bias)
{
    uint32_t normal = (b << (23 - m)) + ((127 - bias) << 23);
    float subnormal = (float)(int32_t)b * float_of((128 - bias - m) << 23);
    return either(b >> m == 0, bits_of(subnormal), normal);
}

/* To float, inexact results to the neighbour whose last bit is 1. */
static inline float to_odd(double x)
{
    float f = (float)x;
    uint32_t b = bits_of(f), even = ~b & 1;
    uint32_t over = fabs((double)f) > fabs(x), under = fabs((double)f) < fabs(x);
    return float_of(b - (over & even) + (under & even));
}

enum { F32_INF = 0x7f800000 };

float num_f16_to_f32(uint16_t bits)
{
    uint32_t b = bits & 0x7fffu, sign = (uint32_t)(bits & 0x8000u) << 16;
    uint32_t special = F32_INF | (b & 0x3ff) << 13;
    return float_of(either(b < 0x7c00, widen(b, 10, 15), special) | sign);
}

uint16_t num_f32_to_f16(float x)
{
    uint32_t a = bits_of(x) & 0x7fffffff, sign = bits_of(x) >> 16 & 0x8000;
    uint32_t r = narrow(a, 10, 15);
    r = r < 0x7c00 ? r : 0x7c00;
    r = either(a > F32_INF, 0x7e00 | (a >> 13 & 0x3ff), r);              /* NaN: quiet, with the upper part of its payload */
    return (uint16_t)(r | sign);
}

float num_bf16_to_f32(uint16_t bits) { return float_of((uint32_t)bits << 16); }

uint16_t num_f32_to_bf16(float x)                   /* the same exponent: subnormals need nothing special */
{
    uint32_t b = bits_of(x), a = b & 0x7fffffff;
    uint32_t rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16, nan = b >> 16 | 0x40;
    return (uint16_t)either(a > F32_INF, nan, rounded);
}

float num_f8e4m3_to_f32(uint8_t bits)
{
    uint32_t b = bits & 0x7fu, sign = (uint32_t)(bits & 0x80u) << 24;
    return float_of(either(b < 0x7f, widen(b, 3, 7), 0x7fc00000) | sign);
}

uint8_t num_f32_to_f8e4m3(float x)
{
    uint32_t a = bits_of(x) & 0x7fffffff, sign = bits_of(x) >> 24 & 0x80;
    uint32_t r = narrow(a, 3, 7);
    r = r < 0x7e ? r : 0x7e;                                        /* beyond 448, infinities too: the largest, as torch has it */
    r = either(a > F32_INF, 0x7f, r);
    return (uint8_t)(r | sign);
}

float num_f8e5m2_to_f32(uint8_t bits) { return num_f16_to_f32((uint16_t)(bits << 8)); }    /* it is the upper half of an f16 */

uint8_t num_f32_to_f8e5m2(float x)
{
    uint32_t a = bits_of(x) & 0x7fffffff, sign = bits_of(x) >> 24 & 0x80;
    uint32_t r = narrow(a, 2, 15);
    r = r < 0x7c ? r : 0x7c;
    r = either(a > F32_INF, 0x7f, r);
    return (uint8_t)(r | sign);
}

uint16_t num_f64_to_f16(double x)    { return num_f32_to_f16(to_odd(x)); }
uint16_t num_f64_to_bf16(double x)   { return num_f32_to_bf16(to_odd(x)); }
uint8_t  num_f64_to_f8e4m3(double x) { return num_f32_to_f8e4m3(to_odd(x)); }
uint8_t  num_f64_to_f8e5m2(double x) { return num_f32_to_f8e5m2(to_odd(x)); }

/* To an integer: nearest even, saturated; `above` is the first double beyond the largest. NaN fails every comparison. */
static inline int64_t saturated(double x, double least, double above, int64_t most)
{
    double r = rint(x);
    return r >= above ? most : r >= least ? (int64_t)r : r < least ? (int64_t)least : 0;
}

/* One row per dtype: its type in C, a value `v` of it as float or double, and a float or double `x` as one of it. */
#define FORMATS(ROW)                                                                                                  \
    ROW(f64,    double,   (float)v,             v,                          x, x)                                      \
    ROW(f32,    float,    v,                    (double)v,                  x, (float)x)                               \
    ROW(f16,    uint16_t, num_f16_to_f32(v),    (double)num_f16_to_f32(v),  num_f32_to_f16(x), num_f64_to_f16(x))      \
    ROW(bf16,   uint16_t, num_bf16_to_f32(v),   (double)num_bf16_to_f32(v), num_f32_to_bf16(x), num_f64_to_bf16(x))    \
    ROW(f8e4m3, uint8_t,  num_f8e4m3_to_f32(v), (double)num_f8e4m3_to_f32(v), num_f32_to_f8e4m3(x), num_f64_to_f8e4m3(x)) \
    ROW(f8e5m2, uint8_t,  num_f8e5m2_to_f32(v), (double)num_f8e5m2_to_f32(v), num_f32_to_f8e5m2(x), num_f64_to_f8e5m2(x)) \
    INTEGER(ROW, i64, int64_t,  -0x1p63, 0x1p63, INT64_MAX)                                                            \
    INTEGER(ROW, i32, int32_t,  -0x1p31, 0x1p31, INT32_MAX)                                                            \
    INTEGER(ROW, i16, int16_t,  -0x1p15, 0x1p15, INT16_MAX)                                                            \
    INTEGER(ROW, i8,  int8_t,   -0x1p7,  0x1p7,  INT8_MAX)                                                             \
    INTEGER(ROW, u16, uint16_t, 0,       0x1p16, UINT16_MAX)                                                           \
    INTEGER(ROW, u8,  uint8_t,  0,       0x1p8,  UINT8_MAX)                                                            \
    ROW(bool,   uint8_t,  (float)(v != 0),      (double)(v != 0),           x != 0, x != 0)
#define INTEGER(ROW, name, type, least, above, most) \
    ROW(name, type, (float)v, (double)v, (type)saturated((double)x, least, above, most), (type)saturated(x, least, above, most))

/* Elements may lie at any address: memcpy is how C says that, and costs nothing. */
#define LOADER(function, name, type, other, expression)                                                               \
    static void function(other *restrict to, const unsigned char *restrict from, size_t n)                            \
    {                                                                                                                 \
        for (size_t i = 0; i < n; i++) {                                                                              \
            type v;                                                                                                   \
            memcpy(&v, from + i * sizeof v, sizeof v);                                                                \
            to[i] = expression;                                                                                       \
        }                                                                                                             \
    }
#define STORER(function, name, type, other, expression)                                                               \
    static void function(unsigned char *restrict to, const other *restrict from, size_t n)                            \
    {                                                                                                                 \
        for (size_t i = 0; i < n; i++) {                                                                              \
            other x = from[i];                                                                                        \
            type v = expression;                                                                                      \
            memcpy(to + i * sizeof v, &v, sizeof v);                                                                  \
        }                                                                                                             \
    }
#define FUNCTIONS(name, type, to_f32, to_f64, from_f32, from_f64) \
    LOADER(load_f32_##name, name, type, float, to_f32)            \
    LOADER(load_f64_##name, name, type, double, to_f64)           \
    STORER(store_f32_##name, name, type, float, from_f32)         \
    STORER(store_f64_##name, name, type, double, from_f64)
FORMATS(FUNCTIONS)

static const struct {
    void (*load_f32)(float *restrict, const unsigned char *restrict, size_t);
    void (*load_f64)(double *restrict, const unsigned char *restrict, size_t);
    void (*store_f32)(unsigned char *restrict, const float *restrict, size_t);
    void (*store_f64)(unsigned char *restrict, const double *restrict, size_t);
} by_dtype[RK_DTYPE_COUNT] = {
#define ROW(name, bytes, kind, file_name, exponent, mantissa) [RK_##name] = { load_f32_##name, load_f64_##name, store_f32_##name, store_f64_##name },
#include "reckon/dtype.def"
#undef ROW
};

void num_load(double *to, const void *from, int dtype, size_t n)       { by_dtype[dtype].load_f64(to, from, n); }
void num_store(void *to, int dtype, const double *from, size_t n)      { by_dtype[dtype].store_f64(to, from, n); }
void num_load_f32(float *to, const void *from, int dtype, size_t n)    { by_dtype[dtype].load_f32(to, from, n); }
void num_store_f32(void *to, int dtype, const float *from, size_t n)   { by_dtype[dtype].store_f32(to, from, n); }
