/* dim.h: what a value is made of: numbers of some dtype, along named dimensions. */
#ifndef RECKON_DIM_H
#define RECKON_DIM_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rk_dtype {
#define ROW(name, bytes, kind, file_name, largest, epsilon) RK_##name,
#include "reckon/dtype.def"
#undef ROW
    RK_DTYPE_COUNT
} rk_dtype;

RK_API const char *rk_dtype_name(rk_dtype dtype);                       /* "bf16"; "?" for what is none */
RK_API size_t      rk_dtype_bytes(rk_dtype dtype);
RK_API bool        rk_dtype_find(const char *name, rk_dtype *dtype);    /* "bf16", "BF16", "bfloat16", "torch.bfloat16" */

/* A dimension is a name with a size, known to one graph; 0 is none. Two dimensions may have the same size and stay two. */
typedef int rk_dim;

enum { RK_MAX_RANK = 8 };

#ifdef __cplusplus
}
#endif
#endif
