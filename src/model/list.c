/* list.c: the families as a list. */
#include "model/arch.h"
#include <stddef.h>

#define ROW(name) extern const struct arch arch_##name;
#include "model/list.def"
#undef ROW

const struct arch *const arch_list[] = {
#define ROW(name) &arch_##name,
#include "model/list.def"
#undef ROW
    NULL
};
