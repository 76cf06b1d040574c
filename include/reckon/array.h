/* array.h: arrays of numbers into files that other programs read. */
#ifndef RECKON_ARRAY_H
#define RECKON_ARRAY_H
#include "reckon/dim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One dense array, in the format that the name of the file asks for: FILE.npy, or FILE.safetensors, where it is called `name`.
 * The file appears whole or not at all. RK_E_UNKNOWN for another ending, RK_E_DECLINED for a dtype that npy lacks. */
RK_API RK_CHECK rk_status rk_array_write(rk_ctx *ctx, const char *path, const char *name, rk_dtype dtype, int rank, const int64_t *shape, const void *data);

#ifdef __cplusplus
}
#endif
#endif
