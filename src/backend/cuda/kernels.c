/* kernels.c: the rows of kernels.def as a table. */
#include "backend/cuda/kernels.h"

#define ROW(op_, name_, forward_, ...)                                                                                \
    { .op = op_, .name = #name_ "_cuda", .accepts = cuda_##name_##_accepts, .prepare = cuda_##name_##_prepare,        \
      .run = cuda_##name_##_run, .with_forward = forward_, .why = __VA_ARGS__ },
const struct kernel cuda_kernels[] = {
#include "backend/cuda/kernels.def"
    { .op = NULL }
};
#undef ROW
