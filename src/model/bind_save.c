/* bind_save.c: a store written as the family writes it: FOLDER/config.json and FOLDER/model.safetensors.
 *
 * Names are the first that the table has, with the family's prefix; a tie is stored once, as transformers does. Each file
 * appears whole or not at all. */
#include "core/graph.h"
#include "model/bind.h"
#include "model/torch.h"
#include <string.h>

enum { BLOCK_BYTES = 1 << 18 };

struct saving {
    const rk_model *m;
    const struct built *built;
    const struct store *store;
    rk_dtype dtype;
    struct bundle_writer w;
    unsigned char *block;
    struct str name;
};

rk_status bind_written(rk_ctx *ctx, const struct config *c, const struct built *built, int parameter, struct str *out)
{
    struct word number;
    const char *role = built->parameters.at[parameter].name;
    const struct binding *row = bind_row(c->arch, role, &number);
    if (row == NULL) return FAIL(RK_E_BUG, "%s has no binding for parameter %s", c->arch->name, role);
    out->n = 0;
    TRY(bind_name(ctx, row, number, 0, out));
    if (config_ends_in(c, "model")) return RK_OK;                     /* what has no head has no module around it */
    if (c->arch->bare != NULL && word_among(c->arch->bare, str_c(out), (size_t)out->n)) return RK_OK;
    out->n = 0;
    TRY(str_text(ctx, out, c->arch->prefix));
    return bind_name(ctx, row, number, 0, out);
}

static rk_status file_name(rk_ctx *ctx, struct saving *s, int i) { return bind_written(ctx, &s->m->config, s->built, i, &s->name); }

/* Constants that files do not have are computed wherever they are needed. */
static bool is_saved(const struct saving *s, int i)
{
    struct word number;
    return s->built->parameters.at[i].kind != RK_CONSTANT || bind_row(s->m->config.arch, s->built->parameters.at[i].name, &number) != NULL;
}

static rk_status declare(rk_ctx *ctx, struct saving *s)
{
    TRY(bundle_declare_note(ctx, &s->w, "format", "pt"));
    for (int i = 0; i < built_stored(s->built); i++) {
        struct stored stored;
        if (!is_saved(s, i)) continue;
        TRY(file_name(ctx, s, i));
        TRY(bind_stored(ctx, s->m->config.arch, s->built, i, &stored));
        TRY(bundle_declare(ctx, &s->w, str_c(&s->name), s->dtype, stored.rank, stored.shape));
    }
    return RK_OK;
}

/* A parameter that lies in the store as it will lie in the file: piece by piece. */
static rk_status write_plain(rk_ctx *ctx, struct saving *s, const struct store_entry *e)
{
    int64_t most = BLOCK_BYTES / (int64_t)rk_dtype_bytes(s->dtype);
    size_t step = s->store->backend->bytes_of(e->dtype);
    for (int64_t first = 0; first < e->elements; first += most) {
        size_t count = (size_t)(e->elements - first < most ? e->elements - first : most);
        TRY(s->store->backend->read(ctx, s->block, s->dtype, (const char *)e->address + (size_t)first * step, e->dtype, count));
        TRY(bundle_write(ctx, &s->w, str_c(&s->name), s->block, count * rk_dtype_bytes(s->dtype)));
    }
    return RK_OK;
}

/* One that has to be turned: all of it comes to the host first, since its numbers are wanted from everywhere. */
static rk_status write_turned(rk_ctx *ctx, struct saving *s, int entry, const struct reorder *order)
{
    const struct store_entry *e = &s->store->entries.at[entry];
    size_t width = rk_dtype_bytes(s->dtype), bytes = (size_t)e->elements * width;
    unsigned char *whole;
    rk_status status;
    TRY(NEW(whole, bytes));
    GO(store_read(ctx, s->store, entry, whole, s->dtype));
    for (int64_t first = 0, count; first < e->elements; first += count) {
        count = reorder_box(order, first, BLOCK_BYTES / (int64_t)width);
        reorder_copy(order, s->block, whole, first, count, width);
        GO(bundle_write(ctx, &s->w, str_c(&s->name), s->block, (size_t)count * width));
    }
out:
    FREE(whole, bytes);
    return status;
}

static rk_status write_weights(rk_ctx *ctx, struct saving *s, const char *path)
{
    TRY(NEW(s->block, BLOCK_BYTES));
    TRY(declare(ctx, s));
    TRY(bundle_begin(ctx, &s->w, path));
    for (int i = 0; i < built_stored(s->built); i++) {
        struct stored stored;
        int entry = store_find(s->store, s->built->parameters.at[i].kind, s->built->parameters.at[i].name);
        if (!is_saved(s, i)) continue;
        if (entry < 0) return FAIL(RK_E_BUG, "the store has no parameter %s", s->built->parameters.at[i].name);
        TRY(file_name(ctx, s, i));
        TRY(bind_stored(ctx, s->m->config.arch, s->built, i, &stored));
        if (reorder_is_none(&stored.write)) TRY(write_plain(ctx, s, &s->store->entries.at[entry]));
        else TRY(write_turned(ctx, s, entry, &stored.write));
    }
    return bundle_commit(ctx, &s->w);
}

static rk_status write_config(rk_ctx *ctx, const rk_model *m, const char *path, rk_dtype dtype)
{
    struct file_writer w = { .fd = -1 };
    struct str text = { 0 };
    rk_status status;
    GO(config_write(ctx, &m->config, dtype <= RK_bf16 ? torch_dtype(dtype) : NULL, &text));
    GO(file_create(ctx, &w, path));
    GO(file_write(ctx, &w, str_c(&text), (size_t)text.n));
    GO(file_commit(ctx, &w));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &text);
    return status;
}

rk_status bind_save_config(rk_ctx *ctx, const rk_model *m, const char *folder, rk_dtype dtype)
{
    struct str path = { 0 };
    rk_status status;
    GO(file_make_folder(ctx, folder));
    GO(file_join(ctx, &path, folder, "config.json"));
    GO(write_config(ctx, m, str_c(&path), dtype));
out:
    str_free(ctx, &path);
    return status;
}

rk_status bind_save(rk_ctx *ctx, const rk_model *m, const struct built *built, const struct store *store, const char *folder, rk_dtype dtype)
{
    struct saving s = { .m = m, .built = built, .store = store, .dtype = dtype };
    struct str path = { 0 };
    rk_status status;
    if (dtype > RK_f8e5m2) return FAIL(RK_E_DTYPE, "%s: weights cannot be saved as %s", folder, rk_dtype_name(dtype));
    GO(bind_save_config(ctx, m, folder, dtype));
    GO(file_join(ctx, &path, folder, "model.safetensors"));
    GO(write_weights(ctx, &s, str_c(&path)));
out:
    bundle_abandon(ctx, &s.w);
    FREE(s.block, BLOCK_BYTES);
    str_free(ctx, &s.name);
    str_free(ctx, &path);
    return status;
}

rk_status rk_model_save_config(rk_model *m, const char *folder) { return bind_save_config(m->ctx, m, folder, RK_DTYPE_COUNT); }
