/* kernels.c: the rows of kernels.def as one table per instruction set. */
#include "backend/cpu/cpu.h"

#define ROW_OF(op_, name_, forward_, isa, ...)                                                                       \
    { .op = op_, .name = #name_ "_" #isa, .accepts = name_##_accepts, .prepare = name_##_prepare,                     \
      .run = name_##_run_##isa, .with_forward = forward_, .why = __VA_ARGS__ },
#define SAME_OF(op_, name_, forward_, isa, ...)                                                                      \
    { .op = op_, .name = #name_ "_" #isa, .accepts = name_##_accepts, .prepare = name_##_prepare,                     \
      .run = name_##_run, .with_forward = forward_, .why = __VA_ARGS__ },

#define ROW(op, name, forward, ...) ROW_OF(op, name, forward, scalar, __VA_ARGS__)
#define SAME(op, name, forward, ...) SAME_OF(op, name, forward, scalar, __VA_ARGS__)
const struct kernel cpu_kernels_scalar[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME

#if defined(__x86_64__)
#define ROW(op, name, forward, ...) ROW_OF(op, name, forward, avx2, __VA_ARGS__)
#define SAME(op, name, forward, ...) SAME_OF(op, name, forward, avx2, __VA_ARGS__)
const struct kernel cpu_kernels_avx2[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME

#define ROW(op, name, forward, ...) ROW_OF(op, name, forward, avx512, __VA_ARGS__)
#define SAME(op, name, forward, ...) SAME_OF(op, name, forward, avx512, __VA_ARGS__)
const struct kernel cpu_kernels_avx512[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME
#elif defined(__aarch64__)
#define ROW(op, name, forward, ...) ROW_OF(op, name, forward, neon, __VA_ARGS__)
#define SAME(op, name, forward, ...) SAME_OF(op, name, forward, neon, __VA_ARGS__)
const struct kernel cpu_kernels_neon[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME
#endif
