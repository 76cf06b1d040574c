/* dtype.c: names, sizes, range and precision of dtypes, and memory kinds, from their rows. */
#include "reckon/graph.h"
#include <math.h>
#include <string.h>
#include <strings.h>

enum { FLOAT, FINITE, SIGNED, UNSIGNED };

static const struct { const char *name; size_t bytes; int kind; const char *file_name; int exponent, mantissa; } rows[] = {
#define ROW(name, bytes, kind, file_name, exponent, mantissa) { #name, bytes, kind, file_name, exponent, mantissa },
#include "reckon/dtype.def"
#undef ROW
};

static const struct { const char *spelling; rk_dtype dtype; } aliases[] = {
    { "float64", RK_f64 }, { "double", RK_f64 }, { "float32", RK_f32 }, { "float", RK_f32 }, { "fp32", RK_f32 },
    { "float16", RK_f16 }, { "half", RK_f16 }, { "fp16", RK_f16 }, { "bfloat16", RK_bf16 },
    { "float8_e4m3fn", RK_f8e4m3 }, { "float8_e5m2", RK_f8e5m2 }, { "int64", RK_i64 }, { "long", RK_i64 },
    { "int32", RK_i32 }, { "int", RK_i32 }, { "int16", RK_i16 }, { "int8", RK_i8 }, { "uint16", RK_u16 }, { "uint8", RK_u8 },
};

const char *rk_dtype_name(rk_dtype dtype) { return (unsigned)dtype < RK_DTYPE_COUNT ? rows[dtype].name : "?"; }
size_t rk_dtype_bytes(rk_dtype dtype) { return (unsigned)dtype < RK_DTYPE_COUNT ? rows[dtype].bytes : 0; }

bool rk_dtype_find(const char *name, rk_dtype *dtype)
{
    if (strncmp(name, "torch.", 6) == 0) name += 6;
    for (int i = 0; i < RK_DTYPE_COUNT; i++) {
        if (strcasecmp(name, rows[i].name) != 0 && strcasecmp(name, rows[i].file_name) != 0) continue;
        *dtype = (rk_dtype)i;
        return true;
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcasecmp(name, aliases[i].spelling) != 0) continue;
        *dtype = aliases[i].dtype;
        return true;
    }
    return false;
}

/* The exponent is biased by half its range; 0 is for subnormals, and the last value for infinities and NaN, or in FINITE formats
 * for numbers too, all but the one of ones alone. */
static void describe_float(int exponent, int mantissa, bool infinity, rk_dtype_info *info)
{
    int bias = (1 << (exponent - 1)) - 1;
    double ones = 2 - ldexp(1, -mantissa);
    info->largest = infinity ? ldexp(ones, bias) : ldexp(ones - ldexp(1, -mantissa), bias + 1);
    info->smallest_normal = ldexp(1, 1 - bias);
    info->smallest_subnormal = ldexp(1, 1 - bias - mantissa);
    info->epsilon = ldexp(1, -mantissa);
}

bool rk_dtype_describe(rk_dtype dtype, rk_dtype_info *info)
{
    *info = (rk_dtype_info){ 0 };
    if ((unsigned)dtype >= RK_DTYPE_COUNT) return false;
    int kind = rows[dtype].kind;
    bool floating = kind == FLOAT || kind == FINITE;
    *info = (rk_dtype_info){ .bits = 8 * (int)rows[dtype].bytes, .exponent = rows[dtype].exponent, .mantissa = rows[dtype].mantissa,
                             .floating = floating, .negative = floating || kind == SIGNED, .infinity = kind == FLOAT };
    if (floating) {
        describe_float(info->exponent, info->mantissa, info->infinity, info);
        return true;
    }
    info->largest_integer = UINT64_MAX >> (64 - info->mantissa);
    info->largest = (double)info->largest_integer;
    info->smallest_normal = info->smallest_subnormal = info->epsilon = 1;
    return true;
}

const char *rk_kind_words(rk_kind kind)
{
    static const char *const words_of[] = {
#define ROW(name, words) words,
#include "reckon/kind.def"
#undef ROW
    };
    return (unsigned)kind < RK_KIND_COUNT ? words_of[kind] : "?";
}
