/* list.c: the operations as a list, once bare and once counting. */
#include "core/opdef.h"
#include <stddef.h>

const struct opdef *const op_list[] = {
#define ROW(name) &op_##name,
#include "core/op.def"
#undef ROW
    NULL
};

const struct opdef *const meter_list[] = {
#define ROW(name) &meter_##name,
#include "core/op.def"
#undef ROW
    NULL
};
