/* dim.h: what a value is made of: numbers of some dtype, along named dimensions. */
#ifndef RECKON_DIM_H
#define RECKON_DIM_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rk_dtype {
#define ROW(name, bytes, kind, file_name, exponent, mantissa) RK_##name,
#include "reckon/dtype.def"
#undef ROW
    RK_DTYPE_COUNT
} rk_dtype;

RK_API const char *rk_dtype_name(rk_dtype dtype);                       /* "bf16"; "?" for what is none */
RK_API size_t      rk_dtype_bytes(rk_dtype dtype);
RK_API bool        rk_dtype_find(const char *name, rk_dtype *dtype);    /* "bf16", "BF16", "bfloat16", "torch.bfloat16" */

/* Range and precision, from the bits of the format. Integers have no exponent; their mantissa is all bits of value, their
 * largest number is largest_integer exactly, their steps are 1. */
typedef struct rk_dtype_info {
    int bits, exponent, mantissa;
    bool floating, negative, infinity;
    double largest, smallest_normal, smallest_subnormal, epsilon;           /* epsilon: from 1 to the next number */
    uint64_t largest_integer;
} rk_dtype_info;
RK_API bool rk_dtype_describe(rk_dtype dtype, rk_dtype_info *info);     /* false, and zeros, for what is none */

/* A dimension is a name with a size, known to one graph; 0 is none. Two dimensions may have the same size and stay two. */
typedef int rk_dim;

enum { RK_MAX_RANK = 8 };

#ifdef __cplusplus
}
#endif
#endif
