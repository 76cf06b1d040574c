/* safetensors.c: reading: 8 bytes that say how long the header is, the header in JSON, then the data and nothing else.
 *
 * Every byte of data must belong to exactly one tensor: overlaps and gaps are refused, as the format demands. So are
 * dtypes that dtype.def does not have, by name. Source: the format's own description, huggingface/safetensors README. */
#include "io/format.h"
#include <stdio.h>
#include <string.h>

enum { LENGTH = 8, MOST_HEADER = 100000000 };           /* the bound of the reference implementation */

struct reader { rk_ctx *ctx; const struct source *source; struct bundle *bundle; size_t data, data_bytes; bool noted; };

static uint64_t header_length(const struct source *s) { return little(s->at, LENGTH); }

bool safetensors_recognise(const struct source *s)
{
    return s->n > LENGTH && s->at[LENGTH] == '{' && header_length(s) <= s->n - LENGTH;
}

static rk_status check_length(rk_ctx *ctx, const struct source *s)
{
    if (s->n < LENGTH) return FAIL(RK_E_FORMAT, "%s: %zu bytes, too short for the 8 that say how long the header is: truncated?", s->path, s->n);
    uint64_t n = header_length(s);
    if (n > MOST_HEADER)
        return FAIL(RK_E_LIMIT, "%s: the first 8 bytes ask for a header of %llu bytes; the limit is %d", s->path, (unsigned long long)n, MOST_HEADER);
    if (n > s->n - LENGTH)
        return FAIL(RK_E_FORMAT, "%s: the header should have %llu bytes, and the file ends after %zu of them: truncated?", s->path,
                    (unsigned long long)n, s->n - LENGTH);
    if (n == 0 || s->at[LENGTH] != '{') return FAIL(RK_E_FORMAT, "%s: byte 8: the header should begin with '{'", s->path);
    return RK_OK;
}

static rk_status read_notes(struct reader *r, const struct json *notes)
{
    rk_ctx *ctx = r->ctx;
    TRY(json_as_object(ctx, notes));
    for (uint32_t i = 0; i < notes->n; i++) {
        struct bundle_note note = { .name = notes->at[i].key };
        TRY(json_as_text(ctx, &notes->at[i], &note.text));
        TRY(arena_text(ctx, &r->bundle->arena, note.name.at, note.name.length, &note.name.at));
        TRY(arena_text(ctx, &r->bundle->arena, note.text, strlen(note.text), &note.text));
        VEC_PUSH(&r->bundle->notes, note);
    }
    return RK_OK;
}

static rk_status read_dtype(rk_ctx *ctx, const struct json *tensor, rk_dtype *dtype)
{
    const char *text;
    char path[JSON_SHOWN], shown[NAME_SHOWN];
    TRY(json_get_text(ctx, tensor, "dtype", &text));
    for (int i = 0; i < RK_DTYPE_COUNT; i++)
        if (strcmp(dtype_written((rk_dtype)i), text) == 0) {
            *dtype = (rk_dtype)i;
            return RK_OK;
        }
    return FAIL(RK_E_DECLINED, "%s: the dtype %s is not known here", json_path(tensor, path), name_show(shown, text, strlen(text)));
}

static rk_status read_shape(rk_ctx *ctx, const struct json *tensor, struct bundle_entry *e)
{
    const struct json *shape;
    char path[JSON_SHOWN];
    TRY(json_get_array(ctx, tensor, "shape", &shape));
    if (shape->n > RK_MAX_RANK) return FAIL(RK_E_LIMIT, "%s: %u dimensions, more than %d", json_path(shape, path), shape->n, RK_MAX_RANK);
    e->rank = (int)shape->n;
    for (int i = 0; i < e->rank; i++) TRY(json_as_int(ctx, &shape->at[i], 0, INT64_MAX, &e->shape[i]));
    if (array_fits(e->dtype, e->rank, e->shape, &e->bytes)) return RK_OK;
    return array_bytes(ctx, json_path(shape, path), e->dtype, e->rank, e->shape, &e->bytes);
}

static rk_status read_offsets(struct reader *r, const struct json *tensor, struct bundle_entry *e)
{
    rk_ctx *ctx = r->ctx;
    const struct json *pair;
    int64_t begin, end;
    char path[JSON_SHOWN];
    TRY(json_get_array(ctx, tensor, "data_offsets", &pair));
    if (pair->n != 2) return FAIL(RK_E_FORMAT, "%s: expected begin and end, found %u values", json_path(pair, path), pair->n);
    TRY(json_as_int(ctx, &pair->at[0], 0, INT64_MAX, &begin));
    TRY(json_as_int(ctx, &pair->at[1], 0, INT64_MAX, &end));
    if (end < begin) return FAIL(RK_E_FORMAT, "%s: the end %lld lies before the begin %lld", json_path(pair, path), (long long)end, (long long)begin);
    if ((uint64_t)end > r->data_bytes)
        return FAIL(RK_E_FORMAT, "%s: the end %lld lies beyond the %zu bytes of data in the file: truncated?", json_path(pair, path), (long long)end,
                    r->data_bytes);
    if ((size_t)(end - begin) != e->bytes)
        return FAIL(RK_E_FORMAT, "%s: %lld bytes for a dtype and shape of %zu", json_path(pair, path), (long long)(end - begin), e->bytes);
    e->offset = r->data + (uint64_t)begin;
    e->span = e->bytes;
    e->data = r->source->at + e->offset;
    e->aligned = (uintptr_t)e->data % dtype_bytes(e->dtype) == 0;
    return RK_OK;
}

static rk_status read_tensor(struct reader *r, const struct json *tensor)
{
    rk_ctx *ctx = r->ctx;
    char path[JSON_SHOWN];
    struct bundle_entry e = { .name = tensor->key, .path = r->source->path };
    TRY(json_as_object(ctx, tensor));
    if (memchr(e.name.at, '\0', e.name.length) != NULL) return FAIL(RK_E_FORMAT, "%s: a zero byte inside a tensor's name", json_path(tensor, path));
    TRY(read_dtype(ctx, tensor, &e.dtype));
    TRY(read_shape(ctx, tensor, &e));
    TRY(read_offsets(r, tensor, &e));
    if (tensor->n != 3)
        return FAIL(RK_E_FORMAT, "%s: expected dtype, shape and data_offsets only, found %u keys", json_path(tensor, path), tensor->n);
    TRY(arena_text(ctx, &r->bundle->arena, e.name.at, e.name.length, &e.name.at));
    VEC_PUSH(&r->bundle->entries, e);
    return RK_OK;
}

static rk_status disagree(struct reader *r, const struct bundle_entry *e, uint64_t reached)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN];
    return FAIL(RK_E_FORMAT, "%s: tensor \"%s\" begins at byte %llu of the file, %s byte %llu, where the one before it ends", r->source->path,
                name_show(shown, e->name.at, e->name.length), (unsigned long long)e->offset,
                e->offset < reached ? "overlapping: before" : "leaving a gap: after",
                (unsigned long long)reached);
}

/* Sorted by begin, each must start where the one before ends; an empty one sorts before a full one at the same place. */
static rk_status check_cover(struct reader *r, int first)
{
    rk_ctx *ctx = r->ctx;
    const struct bundle_entry *all = r->bundle->entries.at;
    size_t n = (size_t)(r->bundle->entries.n - first);
    uint64_t reached = r->data;
    struct slot *slots;
    rk_status status = RK_OK;
    TRY(NEW(slots, n));
    for (size_t i = 0; i < n; i++) {
        uint32_t item = (uint32_t)first + (uint32_t)i;
        slots[i] = (struct slot){ all[item].offset << 1 | (all[item].bytes > 0), item };
    }
    slots_sort(slots, n, NULL);
    for (size_t i = 0; i < n && status == RK_OK; i++) {
        const struct bundle_entry *e = &all[slots[i].item];
        if (e->offset != reached) status = disagree(r, e, reached);
        reached = e->offset + e->bytes;
    }
    FREE(slots, n);
    if (status == RK_OK && reached != r->source->n)
        status = FAIL(RK_E_FORMAT, "%s: %llu bytes after the last tensor belong to none", r->source->path,
                      (unsigned long long)(r->source->n - reached));
    return status;
}

/* Room for as many tensors as the header can describe: one for each brace, and none in fewer bytes than this. */
static rk_status make_room(struct reader *r, const char *text, size_t n)
{
    static const char least[] = "\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,0]}";
    rk_ctx *ctx = r->ctx;
    size_t braces = 0, most = n / (sizeof least - 1);
    for (const char *at = text, *end = text + n; (at = memchr(at, '{', (size_t)(end - at))) != NULL; at++) braces++;
    return VEC_ROOM(&r->bundle->entries, (int)(braces < most ? braces : most));
}

static rk_status read_member(void *user, const struct json *member)
{
    struct reader *r = user;
    rk_ctx *ctx = r->ctx;
    char path[JSON_SHOWN];
    if (strcmp(member->key.at, "__metadata__") != 0) return read_tensor(r, member);
    if (r->noted) return FAIL(RK_E_FORMAT, "%s: it is there twice", json_path(member, path));
    r->noted = true;
    return read_notes(r, member);
}

rk_status safetensors_read(rk_ctx *ctx, const struct source *s, struct bundle *b)
{
    struct str name = { NULL, 0, 0 };
    rk_status status;
    GO(check_length(ctx, s));
    size_t n = (size_t)header_length(s);
    struct reader r = { ctx, s, b, LENGTH + n, s->n - LENGTH - n, false };
    int first = b->entries.n;
    GO(bundle_count(ctx, b, s, r.data));
    GO(str_format(ctx, &name, "%s (header)", s->path));
    GO(make_room(&r, (const char *)s->at + LENGTH, n));
    GO(json_each(ctx, name.at, (const char *)s->at + LENGTH, n, 0, read_member, &r));
    GO(check_cover(&r, first));
out:
    str_free(ctx, &name);
    return status;
}
