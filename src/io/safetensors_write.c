/* safetensors_write.c: the header is known before the first byte of data, so writing is one pass from front to back and
 * needs no memory for the arrays.
 *
 * Arrays keep the order in which they were declared; the header is padded with spaces to 8 bytes, or to lines of the cache. Who wants
 * every array aligned declares the wide dtypes first. */
#include "base/utf8.h"
#include "io/format.h"
#include <stdio.h>
#include <string.h>

enum { LENGTH = 8, MOST_HEADER = 100000000 };

static rk_status check_text(rk_ctx *ctx, const char *what, const char *text)
{
    size_t n = strlen(text);
    char shown[NAME_SHOWN];
    return utf8_valid(text, n) ? RK_OK : FAIL(RK_E_ARG, "writing safetensors: the %s \"%s\" is not UTF-8", what, name_show(shown, text, n));
}

rk_status bundle_declare(rk_ctx *ctx, struct bundle_writer *w, const char *name, rk_dtype dtype, int rank, const int64_t *shape)
{
    char shown[NAME_SHOWN], what[NAME_SHOWN + 32];
    size_t n = strlen(name);
    struct bundle_entry e = { .dtype = dtype, .rank = rank };
    PROMISE(!w->begun && (unsigned)dtype < RK_DTYPE_COUNT);
    TRY(check_text(ctx, "name", name));
    if (strcmp(name, "__metadata__") == 0) return FAIL(RK_E_ARG, "writing safetensors: \"__metadata__\" cannot name a tensor");
    (void)snprintf(what, sizeof what, "writing tensor \"%s\"", name_show(shown, name, n));
    if (rank < 0 || rank > RK_MAX_RANK) return FAIL(RK_E_ARG, "%s: rank %d, expected 0 to %d", what, rank, RK_MAX_RANK);
    for (int i = 0; i < rank; i++) e.shape[i] = shape[i];
    TRY(array_bytes(ctx, what, dtype, rank, shape, &e.bytes));
    e.name.length = (uint32_t)n;
    TRY(arena_text(ctx, &w->arena, name, n, &e.name.at));
    VEC_PUSH(&w->entries, e);
    return RK_OK;
}

rk_status bundle_declare_note(rk_ctx *ctx, struct bundle_writer *w, const char *key, const char *text)
{
    struct bundle_note note = { .name = { NULL, (uint32_t)strlen(key) } };
    PROMISE(!w->begun);
    TRY(check_text(ctx, "metadata key", key));
    TRY(check_text(ctx, "metadata text", text));
    TRY(arena_text(ctx, &w->arena, key, strlen(key), &note.name.at));
    TRY(arena_text(ctx, &w->arena, text, strlen(text), &note.text));
    VEC_PUSH(&w->notes, note);
    return RK_OK;
}

static rk_status check_once(rk_ctx *ctx, struct bundle_writer *w, const char *what, const void *items, size_t stride, int n)
{
    struct names names = { .items = items, .stride = stride, .n = (uint32_t)n };
    uint32_t first, second;
    char shown[NAME_SHOWN];
    TRY(names_index(ctx, &w->arena, &names));
    if (!names_twins(&names, &first, &second)) return RK_OK;
    const struct name *name = (const struct name *)(const void *)((const char *)items + stride * first);
    return FAIL(RK_E_ARG, "writing safetensors: the %s \"%s\" was declared twice", what, name_show(shown, name->at, name->length));
}

static rk_status put_entry(rk_ctx *ctx, struct json_out *o, struct bundle_entry *e, uint64_t *offset)
{
    e->offset = *offset;
    if (__builtin_add_overflow(*offset, (uint64_t)e->bytes, offset) || *offset > INT64_MAX)
        return FAIL(RK_E_LIMIT, "writing safetensors: the arrays together are larger than any file");
    TRY(json_key(ctx, o, e->name.at, e->name.length));
    TRY(json_open_object(ctx, o, NULL));
    TRY(json_put_text(ctx, o, "dtype", dtype_written(e->dtype)));
    TRY(json_open_array(ctx, o, "shape"));
    for (int i = 0; i < e->rank; i++) TRY(json_put_int(ctx, o, NULL, e->shape[i]));
    TRY(json_close(ctx, o));
    TRY(json_open_array(ctx, o, "data_offsets"));
    TRY(json_put_uint(ctx, o, NULL, e->offset));
    TRY(json_put_uint(ctx, o, NULL, *offset));
    TRY(json_close(ctx, o));
    return json_close(ctx, o);
}

static rk_status header_text(rk_ctx *ctx, struct bundle_writer *w, struct str *text)
{
    struct json_out o = { .to = text, .compact = true };
    uint64_t offset = 0;
    TRY(json_open_object(ctx, &o, NULL));
    if (w->notes.n > 0) {
        TRY(json_open_object(ctx, &o, "__metadata__"));
        for (int i = 0; i < w->notes.n; i++) TRY(json_put_text(ctx, &o, w->notes.at[i].name.at, w->notes.at[i].text));
        TRY(json_close(ctx, &o));
    }
    for (int i = 0; i < w->entries.n; i++) TRY(put_entry(ctx, &o, &w->entries.at[i], &offset));
    TRY(json_close(ctx, &o));
    while ((LENGTH + text->n) % (w->lines ? 64 : 8) != 0) TRY(str_text(ctx, text, " "));
    if (text->n > MOST_HEADER)
        return FAIL(RK_E_LIMIT, "writing safetensors: a header of %d bytes, and no reader takes more than %d", text->n, MOST_HEADER);
    return RK_OK;
}

/* Arrays of no elements are done before anything is written to them. */
static void skip_empty(struct bundle_writer *w)
{
    while (w->next < w->entries.n && w->entries.at[w->next].bytes == 0) w->next++;
}

static rk_status begin(rk_ctx *ctx, struct bundle_writer *w, const char *path, struct str *text)
{
    unsigned char front[LENGTH];
    TRY(check_once(ctx, w, "name", w->entries.at, sizeof *w->entries.at, w->entries.n));
    TRY(check_once(ctx, w, "metadata key", w->notes.at, sizeof *w->notes.at, w->notes.n));
    TRY(header_text(ctx, w, text));
    for (int i = 0; i < LENGTH; i++) front[i] = (unsigned char)((uint64_t)text->n >> 8 * i);
    TRY(file_create(ctx, &w->file, path));
    w->begun = true;
    TRY(file_write(ctx, &w->file, front, LENGTH));
    TRY(file_write(ctx, &w->file, text->at, (size_t)text->n));
    skip_empty(w);
    return RK_OK;
}

rk_status bundle_begin(rk_ctx *ctx, struct bundle_writer *w, const char *path)
{
    struct str text = { NULL, 0, 0 };
    PROMISE(!w->begun);
    rk_status status = begin(ctx, w, path, &text);
    str_free(ctx, &text);
    return status;
}

rk_status bundle_write(rk_ctx *ctx, struct bundle_writer *w, const char *name, const void *data, size_t bytes)
{
    PROMISE(w->begun);
    if (bytes == 0) return RK_OK;
    char shown[NAME_SHOWN];
    const struct bundle_entry *e = w->next < w->entries.n ? &w->entries.at[w->next] : NULL;
    if (e == NULL || strcmp(e->name.at, name) != 0)
        return FAIL(RK_E_ARG, "writing safetensors: data of \"%s\" where %s%s is due", name, e == NULL ? "nothing" : "tensor ",
                    e == NULL ? "" : name_show(shown, e->name.at, e->name.length));
    if (bytes > e->bytes - w->done)
        return FAIL(RK_E_ARG, "writing tensor \"%s\": %zu bytes more than its dtype and shape have", name, bytes - (size_t)(e->bytes - w->done));
    TRY(file_write(ctx, &w->file, data, bytes));
    w->done += bytes;
    if (w->done < e->bytes) return RK_OK;
    w->done = 0;
    w->next++;
    skip_empty(w);
    return RK_OK;
}

static rk_status commit(rk_ctx *ctx, struct bundle_writer *w)
{
    char shown[NAME_SHOWN];
    PROMISE(w->begun);
    if (w->next == w->entries.n) return file_commit(ctx, &w->file);
    const struct bundle_entry *e = &w->entries.at[w->next];
    return FAIL(RK_E_ARG, "writing tensor \"%s\": %llu of its %zu bytes were given", name_show(shown, e->name.at, e->name.length),
                (unsigned long long)w->done, e->bytes);
}

rk_status bundle_commit(rk_ctx *ctx, struct bundle_writer *w)
{
    rk_status status = commit(ctx, w);
    bundle_abandon(ctx, w);
    return status;
}

void bundle_abandon(rk_ctx *ctx, struct bundle_writer *w)
{
    file_abandon(ctx, &w->file);
    VEC_FREE(&w->entries);
    VEC_FREE(&w->notes);
    arena_clear(ctx, &w->arena);
    *w = (struct bundle_writer){ .begun = false };
}
