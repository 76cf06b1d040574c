/* bind.c: the numbers of a checkpoint move into the store, in the order and dtype that it has there.
 *
 * Box by box, through one small block of memory: a file of any size is loaded with that. Not here: which tensor is which
 * parameter (bind_match.c), the other way (bind_save.c). */
#include "model/bind.h"
#include "base/num.h"
#include "core/graph.h"
#include "model/forms.h"
#include <string.h>

enum { BLOCK_BYTES = 1 << 18 };         /* half of a small second cache */

rk_status bind_stored(rk_ctx *ctx, const struct arch *arch, const struct built *built, int parameter, struct stored *s)
{
    return bind_stored_as(ctx, arch, built, parameter, RK_f32, s);
}

rk_status bind_stored_as(rk_ctx *ctx, const struct arch *arch, const struct built *built, int parameter, rk_dtype dtype, struct stored *s)
{
    struct word number;
    char axes[AXES_TEXT];
    const struct parameter *p = &built->parameters.at[parameter];
    const struct node *n = node_of(built->g, p->ref);
    const struct binding *row = bind_row(arch, p->name, &number);
    PROMISE(row != NULL);
    if (dtype != RK_i8 || n->rank == 0) return bind_axes(ctx, built->g, p->ref, row->axes, s);
    TRY(forms_axes(ctx, row->axes, dim_name(built->g, n->dim[n->rank - 1]), axes));
    return bind_axes(ctx, built->g, p->ref, axes, s);
}

static rk_status load_one(rk_ctx *ctx, const struct built *built, int i, const struct stored *s, const struct bundle_entry *e, struct store *store, void *block)
{
    int at = store_find(store, built->parameters.at[i].kind, built->parameters.at[i].name);
    if (at < 0) return FAIL(RK_E_BUG, "the store has no parameter %s", built->parameters.at[i].name);
    const struct store_entry *to = &store->entries.at[at];
    size_t width = rk_dtype_bytes(e->dtype), step = store->backend->bytes_of(to->dtype);
    if (to->elements != parameter_elements(built->g, &built->parameters.at[i])) return FAIL(RK_E_SHAPE, "parameter %s has another size in the store", to->name);
    if (reorder_is_none(&s->read) && e->aligned) return store_write(ctx, store, at, e->data, e->dtype);
    for (int64_t first = 0, count; first < to->elements; first += count) {
        count = reorder_box(&s->read, first, BLOCK_BYTES / (int64_t)width);
        reorder_copy(&s->read, block, e->data, first, count, width);
        TRY(store->backend->write(ctx, (char *)to->address + (size_t)first * step, to->dtype, block, e->dtype, (size_t)count));
    }
    return RK_OK;
}

rk_status bind_compute(rk_ctx *ctx, const struct built *built, int i, struct store *store)
{
    const struct parameter *p = &built->parameters.at[i];
    int at = store_find(store, p->kind, p->name);
    const struct node *n = node_of(built->g, p->ref);
    double *values;
    PROMISE(at >= 0 && n->rank > 0);
    int64_t elements = store->entries.at[at].elements, width = dim_size(built->g, n->dim[n->rank - 1]);
    TRY(NEW(values, elements));
    for (int64_t k = 0; k < elements; k++) values[k] = init_known(p->init.kind, (uint64_t)k, width);
    rk_status status = store_write(ctx, store, at, values, RK_f64);
    FREE(values, elements);
    return status;
}

/* Integers and their scales, or what lies in panels, made f32: the whole tensor, in rows. */
static rk_status load_rows(rk_ctx *ctx, const struct built *built, int i, const struct stored *s, const struct bundle *b, const struct bundle_entry *e,
                               struct store *store, void *block)
{
    const struct bundle_entry *scale = forms_scale(b, e);
    struct bundle_entry wide = *e;
    float *values;
    rk_status status;
    PROMISE(scale != NULL || forms_in_panels(e));
    int64_t n = parameter_elements(built->g, &built->parameters.at[i]);
    TRY(NEW(values, n));
    GO(forms_numbers(ctx, e, scale, n, values));
    wide.data = values;
    wide.dtype = RK_f32;
    wide.bytes = (size_t)n * sizeof *values;
    wide.aligned = true;
    GO(load_one(ctx, built, i, s, &wide, store, block));
out:
    FREE(values, n);
    return status;
}

/* In the store as the file has it, and lying there. */
static bool is_lent(const struct built *built, int i, const struct bundle_entry *e, const struct store *store)
{
    int at = store_find(store, built->parameters.at[i].kind, built->parameters.at[i].name);
    return at >= 0 && store->entries.at[at].address == e->data;
}

rk_status bind_fill_store(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry *const *found, struct store *store)
{
    unsigned char *block;
    rk_status status = RK_OK;
    TRY(NEW(block, BLOCK_BYTES));
    for (int i = 0; i < built_stored(built); i++) {
        struct stored s;
        if (found[i] == NULL) {
            GO(bind_compute(ctx, built, i, store));
            continue;
        }
        if (is_lent(built, i, found[i], store)) continue;
        const bool in_rows = found[i]->dtype != RK_i8 && !forms_in_panels(found[i]);
        GO(bind_stored_as(ctx, arch, built, i, in_rows ? RK_f32 : RK_i8, &s));
        if (!in_rows) GO(load_rows(ctx, built, i, &s, b, found[i], store, block));
        else GO(load_one(ctx, built, i, &s, found[i], store, block));
    }
out:
    FREE(block, BLOCK_BYTES);
    return status;
}

rk_status bind_load(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, struct store *store, struct bind_report *report)
{
    struct bind_report own = { 0 };
    const struct bundle_entry **found;
    TRY(NEW(found, built_stored(built)));
    rk_status status = bind_match(ctx, arch, built, b, found, report != NULL ? report : &own);
    if (status == RK_OK) status = bind_fill_store(ctx, arch, built, b, found, store);
    bind_report_clear(ctx, &own);
    FREE(found, built_stored(built));
    return status;
}

rk_status bind_read(rk_ctx *ctx, const struct arch *arch, const struct built *built, int parameter, const struct bundle_entry *e, rk_dtype dtype, void *to)
{
    struct stored s;
    unsigned char *block;
    char shown[NAME_SHOWN];
    size_t width = rk_dtype_bytes(e->dtype);
    int64_t elements = parameter_elements(built->g, &built->parameters.at[parameter]);
    PROMISE(dtype == RK_f32 || dtype == RK_f64);
    TRY(bind_stored(ctx, arch, built, parameter, &s));
    if (s.rank != e->rank || memcmp(s.shape, e->shape, (size_t)s.rank * sizeof *s.shape) != 0)
        return FAIL(RK_E_SHAPE, "%s: tensor \"%s\" has not the shape of parameter %s", e->path, name_show(shown, e->name.at, e->name.length), built->parameters.at[parameter].name);
    TRY(NEW(block, BLOCK_BYTES));
    for (int64_t first = 0, count; first < elements; first += count) {
        count = reorder_box(&s.read, first, BLOCK_BYTES / (int64_t)width);
        reorder_copy(&s.read, block, e->data, first, count, width);
        if (dtype == RK_f64) num_load((double *)to + first, block, (int)e->dtype, (size_t)count);
        else num_load_f32((float *)to + first, block, (int)e->dtype, (size_t)count);
    }
    FREE(block, BLOCK_BYTES);
    return RK_OK;
}
