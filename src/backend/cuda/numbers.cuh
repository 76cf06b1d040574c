/* numbers.cuh: numbers of every dtype, in and out, by the arithmetic on bits of base/num.c, so that a device and the processor store
 * the same: exact on the way in, one rounding to nearest even on the way out; integers saturate, NaN becomes 0 in them.
 *
 *   load<T>(x, i, dtype), store(...)       T: float, bf16, f16, f8e4m3, f8e5m2; or `any_number`, which looks at the dtype
 *
 * Source of to_odd: Boldo and Melquiond 2008. */
#ifndef CUDA_NUMBERS_CUH
#define CUDA_NUMBERS_CUH
#include "backend/cuda/launch.cuh"
#include <string.h>
extern "C" {
#include "reckon/dim.h"
}

struct f8e4m3 { uint8_t bits; };
struct f8e5m2 { uint8_t bits; };
struct any_number { uint8_t bits; };               /* a dtype that is looked at: load and store alone know what to do */

DEVICE uint32_t number_bits(float x) { uint32_t b; memcpy(&b, &x, sizeof b); return b; }
DEVICE float number_of(uint32_t b) { float x; memcpy(&x, &b, sizeof x); return x; }

/* The magnitude of a float, as bits, in m mantissa bits: not bounded above, NaN not treated. Adding the float whose last bit weighs
 * as much as that of a subnormal makes the addition round there. */
DEVICE uint32_t number_narrow(uint32_t a, uint32_t m, uint32_t bias)
{
    uint32_t shift = 23 - m, half = (1u << (shift - 1)) - 1, magic = (151 - bias - m) << 23;
    if (a < (128 - bias) << 23) return number_bits(number_of(a) + number_of(magic)) - magic;
    return (a - ((127 - bias) << 23) + half + (a >> shift & 1)) >> shift;
}

DEVICE uint32_t number_widen(uint32_t b, uint32_t m, uint32_t bias)
{
    if (b >> m == 0) return number_bits((float)(int32_t)b * number_of((128 - bias - m) << 23));
    return (b << (23 - m)) + ((127 - bias) << 23);
}

DEVICE float number_to_odd(double x)        /* inexact results to the neighbour whose last bit is 1 */
{
    float f = (float)x;
    uint32_t b = number_bits(f), even = ~b & 1;
    uint32_t over = fabs((double)f) > fabs(x), under = fabs((double)f) < fabs(x);
    return number_of(b - (over & even) + (under & even));
}

#define NUMBER_INF 0x7f800000u

DEVICE float wide(f8e4m3 x)
{
    uint32_t b = x.bits & 0x7fu, sign = (uint32_t)(x.bits & 0x80u) << 24;
    return number_of((b < 0x7f ? number_widen(b, 3, 7) : 0x7fc00000u) | sign);
}

DEVICE float wide(f8e5m2 x)
{
    uint32_t b = x.bits & 0x7fu, sign = (uint32_t)(x.bits & 0x80u) << 24;
    return number_of((b < 0x7c ? number_widen(b, 2, 15) : NUMBER_INF | (b & 3) << 21) | sign);
}

DEVICE void narrow(f8e4m3 *to, float x)     /* beyond 448, infinities too: the largest */
{
    uint32_t a = number_bits(x) & 0x7fffffff, sign = number_bits(x) >> 24 & 0x80;
    uint32_t r = a > NUMBER_INF ? 0x7f : number_narrow(a, 3, 7);
    to->bits = (uint8_t)((a > NUMBER_INF || r < 0x7e ? r : 0x7e) | sign);
}

DEVICE void narrow(f8e5m2 *to, float x)
{
    uint32_t a = number_bits(x) & 0x7fffffff, sign = number_bits(x) >> 24 & 0x80;
    uint32_t r = a > NUMBER_INF ? 0x7f : number_narrow(a, 2, 15);
    to->bits = (uint8_t)((a > NUMBER_INF || r < 0x7c ? r : 0x7c) | sign);
}

DEVICE int64_t number_integer(double x, double least, double above, int64_t most)
{
    double r = rint(x);
    return r >= above ? most : r >= least ? (int64_t)r : r < least ? (int64_t)least : 0;
}

/* Integers, those of ids too. */
DEVICE int64_t load_integer(const void *x, int64_t i, rk_dtype dtype)
{
    switch (dtype) {
    case RK_i64: return ((const int64_t *)x)[i];
    case RK_i32: return ((const int32_t *)x)[i];
    case RK_i16: return ((const int16_t *)x)[i];
    case RK_i8: return ((const int8_t *)x)[i];
    case RK_u16: return ((const uint16_t *)x)[i];
    case RK_u8: return ((const uint8_t *)x)[i];
    default: return ((const uint8_t *)x)[i] != 0;
    }
}

DEVICE double load_any(const void *x, int64_t i, rk_dtype dtype)
{
    switch (dtype) {
    case RK_f64: return ((const double *)x)[i];
    case RK_f32: return ((const float *)x)[i];
    case RK_f16: return wide(((const f16 *)x)[i]);
    case RK_bf16: return wide(((const bf16 *)x)[i]);
    case RK_f8e4m3: return wide(((const f8e4m3 *)x)[i]);
    case RK_f8e5m2: return wide(((const f8e5m2 *)x)[i]);
    default: return (double)load_integer(x, i, dtype);
    }
}

DEVICE void store_any(void *to, int64_t i, rk_dtype dtype, double x)
{
    switch (dtype) {
    case RK_f64: ((double *)to)[i] = x; break;
    case RK_f32: ((float *)to)[i] = (float)x; break;
    case RK_f16: narrow(&((f16 *)to)[i], number_to_odd(x)); break;
    case RK_bf16: narrow(&((bf16 *)to)[i], number_to_odd(x)); break;
    case RK_f8e4m3: narrow(&((f8e4m3 *)to)[i], number_to_odd(x)); break;
    case RK_f8e5m2: narrow(&((f8e5m2 *)to)[i], number_to_odd(x)); break;
    case RK_i64: ((int64_t *)to)[i] = number_integer(x, -9223372036854775808.0, 9223372036854775808.0, INT64_MAX); break;
    case RK_i32: ((int32_t *)to)[i] = (int32_t)number_integer(x, -2147483648.0, 2147483648.0, INT32_MAX); break;
    case RK_i16: ((int16_t *)to)[i] = (int16_t)number_integer(x, -32768.0, 32768.0, INT16_MAX); break;
    case RK_i8: ((int8_t *)to)[i] = (int8_t)number_integer(x, -128.0, 128.0, INT8_MAX); break;
    case RK_u16: ((uint16_t *)to)[i] = (uint16_t)number_integer(x, 0.0, 65536.0, UINT16_MAX); break;
    case RK_u8: ((uint8_t *)to)[i] = (uint8_t)number_integer(x, 0.0, 256.0, UINT8_MAX); break;
    default: ((uint8_t *)to)[i] = x != 0; break;
    }
}

template <typename T> inline constexpr bool is_any = false;
template <> inline constexpr bool is_any<any_number> = true;

template <typename T> DEVICE double load(const void *x, int64_t i, rk_dtype dtype)
{
    if constexpr (is_any<T>) return load_any(x, i, dtype);
    else return wide(((const T *)x)[i]);
}

template <typename T> DEVICE void store(void *to, int64_t i, rk_dtype dtype, double x)
{
    if constexpr (is_any<T>) store_any(to, i, dtype, x);
    else narrow(&((T *)to)[i], sizeof(T) == 4 ? (float)x : number_to_odd(x));
}

/* Runs `what` with T the type of what is usual, or any_number. */
#define WITH_DTYPE(dtype, what)                                     \
    switch (dtype) {                                                \
    case RK_f32: { using T = float; what; break; }                  \
    case RK_bf16: { using T = bf16; what; break; }                  \
    case RK_f16: { using T = f16; what; break; }                    \
    default: { using T = any_number; what; break; }                        \
    }

#endif
