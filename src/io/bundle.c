/* bundle.c: opening, whatever the format, and finding. The formats themselves: safetensors.c, torch.c, shards.c, npy.c. */
#include "io/format.h"
#include <stdio.h>
#include <string.h>

static const struct format formats[] = {
#define ROW(format, ending) { #format, ending, format##_recognise, format##_read },
#include "io/list.def"
#undef ROW
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const struct { size_t bytes; const char *written; } dtypes[] = {
#define ROW(name, bytes, kind, written, exponent, mantissa) { bytes, written },
#include "reckon/dtype.def"
#undef ROW
};

size_t      dtype_bytes(rk_dtype dtype) { return dtypes[dtype].bytes; }
const char *dtype_written(rk_dtype dtype) { return dtypes[dtype].written; }

bool array_fits(rk_dtype dtype, int rank, const int64_t *shape, size_t *bytes)
{
    int64_t product = (int64_t)dtype_bytes(dtype);
    bool none = false, fits = true;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0) return false;
        none = none || shape[i] == 0;
    }
    for (int i = 0; i < rank && !none && fits; i++) fits = extent_mul(product, shape[i], &product);
    *bytes = none ? 0 : (size_t)product;
    return fits;
}

rk_status array_bytes(rk_ctx *ctx, const char *what, rk_dtype dtype, int rank, const int64_t *shape, size_t *bytes)
{
    if (array_fits(dtype, rank, shape, bytes)) return RK_OK;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0) return FAIL(RK_E_FORMAT, "%s: size %lld of dimension %d is negative", what, (long long)shape[i], i);
    return FAIL(RK_E_LIMIT, "%s: its shape has more bytes than an address can hold", what);
}

static const struct format *format_of(const struct source *s)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i].recognise(s)) return &formats[i];
    for (int i = 0; i < FORMATS; i++)
        if (str_ends_in(s->path, formats[i].ending)) return &formats[i];
    return NULL;
}

static rk_status unknown(rk_ctx *ctx, const struct source *s)
{
    static const struct { const char *start; size_t n; const char *hint; } guesses[] = {
        { "GGUF", 4, "it looks like GGUF, which is not read here: take the safetensors files of the same model" },
        { "\x89HDF", 4, "it looks like HDF5: write its arrays as safetensors" },
        { "version https://git-lfs", 23, "it is a pointer of Git LFS, not the file itself: git lfs pull" },
    };
    (void)FAIL(RK_E_FORMAT, "%s: not a file of arrays that is read here (safetensors, torch.save, an index of shards, npy)", s->path);
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
        if (s->n >= guesses[i].n && memcmp(s->at, guesses[i].start, guesses[i].n) == 0) return ctx_hint(ctx, "%s", guesses[i].hint);
    return ctx->status;
}

rk_status bundle_map(rk_ctx *ctx, struct bundle *b, const char *path, struct source *s)
{
    TRY(VEC_ROOM(&b->views, 1));
    TRY(arena_text(ctx, &b->arena, path, strlen(path), &s->path));
    struct file_view *view = &b->views.at[b->views.n];
    TRY(file_map(ctx, path, view));
    b->views.n++;
    s->at = view->at;
    s->n = view->n;
    return RK_OK;
}

rk_status bundle_count(rk_ctx *ctx, struct bundle *b, const struct source *s, uint64_t header)
{
    struct bundle_file file = { s->path, s->n, header };
    VEC_PUSH(&b->files, file);
    return RK_OK;
}

struct name path_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *stem = slash == NULL ? path : slash + 1, *dot = strrchr(stem, '.');
    return (struct name){ stem, (uint32_t)(dot == NULL || dot == stem ? strlen(stem) : (size_t)(dot - stem)) };
}

const char *bundle_choose(const struct file_names *names)
{
    static const char *const usual[] = { "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "ckpt.pt" };
    const char *only = NULL;
    int matches = 0;
    for (size_t k = 0; k < sizeof usual / sizeof *usual; k++)
        for (int i = 0; i < names->n; i++)
            if (strcmp(names->at[i], usual[k]) == 0) return names->at[i];
    for (int i = 0; i < names->n; i++) {
        if (!str_ends_in(names->at[i], ".safetensors")) continue;
        matches++;
        only = names->at[i];
    }
    return matches == 1 ? only : NULL;
}

static rk_status choose(rk_ctx *ctx, const char *folder, const struct file_names *names, const char **chosen)
{
    int safetensors = 0, pickles = 0;
    *chosen = bundle_choose(names);
    if (*chosen != NULL) return RK_OK;
    for (int i = 0; i < names->n; i++) {
        safetensors += str_ends_in(names->at[i], ".safetensors");
        pickles += str_ends_in(names->at[i], ".bin") || str_ends_in(names->at[i], ".pt") || str_ends_in(names->at[i], ".pth");
    }
    if (safetensors > 0) (void)FAIL(RK_E_MISSING, "%s: %d *.safetensors files, and neither model.safetensors nor model.safetensors.index.json", folder, safetensors);
    else (void)FAIL(RK_E_MISSING, "%s: no file of weights in this folder (model.safetensors, pytorch_model.bin, ...)", folder);
    return safetensors + pickles > 0 ? ctx_hint(ctx, "name the file that is meant") : ctx->status;
}

static rk_status path_in(rk_ctx *ctx, const char *folder, struct str *path)
{
    struct file_names names = { NULL, 0, 0 };
    const char *chosen = NULL;
    rk_status status;
    GO(file_list(ctx, folder, &names));
    GO(choose(ctx, folder, &names, &chosen));
    GO(file_join(ctx, path, folder, chosen));
out:
    file_names_free(ctx, &names);
    return status;
}

static rk_status finish(rk_ctx *ctx, struct bundle *b)
{
    uint32_t first, second;
    char shown[NAME_SHOWN];
    b->index = (struct names){ .items = b->entries.at, .stride = sizeof *b->entries.at, .n = (uint32_t)b->entries.n };
    TRY(names_index(ctx, &b->arena, &b->index));
    if (!names_twins(&b->index, &first, &second)) return RK_OK;
    const struct bundle_entry *e = &b->entries.at[first];
    return FAIL(RK_E_FORMAT, "%s: tensor \"%s\" is also in %s", b->entries.at[second].path, name_show(shown, e->name.at, e->name.length), e->path);
}

static rk_status read_any(rk_ctx *ctx, const struct source *s, struct bundle *b, const struct format *format)
{
    if (s->n == 0) return FAIL(RK_E_FORMAT, "%s: the file is empty", s->path);
    return format == NULL ? unknown(ctx, s) : format->read(ctx, s, b);
}

rk_status bundle_read_shard(rk_ctx *ctx, const struct source *s, struct bundle *b)
{
    const struct format *format = format_of(s);
    if (format != NULL && format->read == index_read) return FAIL(RK_E_FORMAT, "%s: an index of shards among the shards", s->path);
    return read_any(ctx, s, b, format);
}

static rk_status read(rk_ctx *ctx, const struct source *s, struct bundle *b)
{
    const struct format *format = format_of(s);
    b->path = s->path;
    b->format = format != NULL ? format->name : NULL;
    TRY(read_any(ctx, s, b, format));
    return finish(ctx, b);
}

static rk_status look(rk_ctx *ctx, const char *path, bool lenient, struct bundle *b)
{
    struct source s;
    struct str inner = { NULL, 0, 0 };
    rk_status status;
    *b = (struct bundle){ .lenient = lenient };
    if (file_is_folder(path)) GO(path_in(ctx, path, &inner));
    GO(bundle_map(ctx, b, inner.n > 0 ? inner.at : path, &s));
    GO(read(ctx, &s, b));
out:
    str_free(ctx, &inner);
    if (status != RK_OK) bundle_close(ctx, b);
    return status;
}

rk_status bundle_peek(rk_ctx *ctx, const char *path, struct bundle *b) { return look(ctx, path, false, b); }
rk_status bundle_examine(rk_ctx *ctx, const char *path, struct bundle *b) { return look(ctx, path, true, b); }

rk_status bundle_open(rk_ctx *ctx, const char *path, struct bundle *b)
{
    TRY(bundle_peek(ctx, path, b));
    rk_status status = strided_dense(ctx, b);
    if (status != RK_OK) bundle_close(ctx, b);
    return status;
}

rk_status bundle_open_bytes(rk_ctx *ctx, const char *name, const void *bytes, size_t n, struct bundle *b)
{
    struct source s = { NULL, bytes, n };
    rk_status status;
    *b = (struct bundle){ .path = NULL };
    GO(arena_text(ctx, &b->arena, name, strlen(name), &s.path));
    GO(read(ctx, &s, b));
    GO(strided_dense(ctx, b));
out:
    if (status != RK_OK) bundle_close(ctx, b);
    return status;
}

void bundle_close(rk_ctx *ctx, struct bundle *b)
{
    for (int i = 0; i < b->views.n; i++) file_unmap(&b->views.at[i]);
    VEC_FREE(&b->views);
    VEC_FREE(&b->entries);
    VEC_FREE(&b->notes);
    VEC_FREE(&b->files);
    VEC_FREE(&b->troubles);
    arena_clear(ctx, &b->arena);
    *b = (struct bundle){ .path = NULL };
}

const struct bundle_entry *bundle_find(const struct bundle *b, const char *name)
{
    uint32_t item;
    return names_find(&b->index, name, strlen(name), &item) ? &b->entries.at[item] : NULL;
}

rk_status bundle_get(rk_ctx *ctx, const struct bundle *b, const char *name, const struct bundle_entry **entry)
{
    *entry = bundle_find(b, name);
    if (*entry != NULL) return RK_OK;
    (void)FAIL(RK_E_MISSING, "%s: there is no tensor \"%s\" among its %d", b->path, name, b->entries.n);
    char shown[NAME_SHOWN];
    const char *last = strrchr(name, '.');
    for (int i = 0; i < b->entries.n && last != NULL; i++) {         /* the same name behind another prefix is the usual reason */
        const struct name *near = &b->entries.at[i].name;
        if (str_ends_in(near->at, name) || str_ends_in(name, near->at)) return ctx_hint(ctx, "there is \"%s\"", name_show(shown, near->at, near->length));
    }
    return ctx->status;
}

const char *bundle_note(const struct bundle *b, const char *key)
{
    for (int i = 0; i < b->notes.n; i++)
        if (strcmp(b->notes.at[i].name.at, key) == 0) return b->notes.at[i].text;
    return NULL;
}
