/* list.c: the operations as a list, once bare and once counting; and what may be said of each. */
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

/* By the first flag that an op has. */
static const char *kind_of(const struct opdef *op)
{
    static const struct { unsigned flag; const char *words; } kinds[] = {
        { OP_SOURCE, "source" }, { OP_VIEW, "view" }, { OP_SINK, "sink" }, { OP_FUSED, "fused" }, { OP_MAP, "elementwise" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((op->flags & kinds[i].flag) != 0) return kinds[i].words;
    return "primitive";
}

bool rk_op_at(int i, rk_op_info *info)
{
    *info = (rk_op_info){ "", "", false };
    if (i < 0 || i >= (int)(sizeof op_list / sizeof *op_list) - 1) return false;
    const struct opdef *op = op_list[i];
    *info = (rk_op_info){ op->name, kind_of(op), op->grad != NULL || (op->flags & OP_FUSED) != 0 };
    return true;
}
