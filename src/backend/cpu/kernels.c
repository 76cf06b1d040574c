/* kernels.c: the rows of kernels.def as one table per instruction set. */
#include "backend/cpu/cpu.h"

#define ROW_OF(op_, name_, forward_, why_, isa)                                                                       \
    { .op = op_, .name = #name_ "_" #isa, .accepts = name_##_accepts, .prepare = name_##_prepare,                     \
      .run = name_##_run_##isa, .why = why_, .with_forward = forward_ },
#define SAME_OF(op_, name_, forward_, why_, isa)                                                                      \
    { .op = op_, .name = #name_ "_" #isa, .accepts = name_##_accepts, .prepare = name_##_prepare,                     \
      .run = name_##_run, .why = why_, .with_forward = forward_ },

#define ROW(op, name, forward, why) ROW_OF(op, name, forward, why, scalar)
#define SAME(op, name, forward, why) SAME_OF(op, name, forward, why, scalar)
const struct kernel cpu_kernels_scalar[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME

#if defined(__x86_64__)
#define ROW(op, name, forward, why) ROW_OF(op, name, forward, why, avx2)
#define SAME(op, name, forward, why) SAME_OF(op, name, forward, why, avx2)
const struct kernel cpu_kernels_avx2[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME

#define ROW(op, name, forward, why) ROW_OF(op, name, forward, why, avx512)
#define SAME(op, name, forward, why) SAME_OF(op, name, forward, why, avx512)
const struct kernel cpu_kernels_avx512[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME
#elif defined(__aarch64__)
#define ROW(op, name, forward, why) ROW_OF(op, name, forward, why, neon)
#define SAME(op, name, forward, why) SAME_OF(op, name, forward, why, neon)
const struct kernel cpu_kernels_neon[] = {
#include "backend/cpu/kernels.def"
    { .op = NULL }
};
#undef ROW
#undef SAME
#endif
