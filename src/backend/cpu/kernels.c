/* kernels.c: the rows of kernels.def as one table per instruction set, SET. */
#include "backend/cpu/cpu.h"

#define ROW_OF(op_, name_, forward_, isa, ...)                                                                       \
    { .op = op_, .name = #name_ "_" #isa, .accepts = name_##_accepts, .prepare = name_##_prepare,                     \
      .run = name_##_run_##isa, .with_forward = forward_, .why = __VA_ARGS__ },
#define SAME_OF(op_, name_, forward_, isa, ...)                                                                      \
    { .op = op_, .name = #name_ "_" #isa, .accepts = name_##_accepts, .prepare = name_##_prepare,                     \
      .run = name_##_run, .with_forward = forward_, .why = __VA_ARGS__ },
#define ROW_IN(op, name, forward, isa, ...)  ROW_OF(op, name, forward, isa, __VA_ARGS__)          /* where SET has become its name */
#define SAME_IN(op, name, forward, isa, ...) SAME_OF(op, name, forward, isa, __VA_ARGS__)
#define ROW(op, name, forward, ...)  ROW_IN(op, name, forward, SET, __VA_ARGS__)
#define SAME(op, name, forward, ...) SAME_IN(op, name, forward, SET, __VA_ARGS__)

#define SET scalar
const struct kernel cpu_kernels_scalar[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef SET

#if defined(__x86_64__)
#define SET avx2
const struct kernel cpu_kernels_avx2[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef SET

#define SET avx512
const struct kernel cpu_kernels_avx512[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef SET
#elif defined(__aarch64__)
#define SET neon
const struct kernel cpu_kernels_neon[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef SET
#endif
