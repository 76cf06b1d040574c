/* npy.c: one array with a header that is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 *
 * Read: versions 1 to 3, little-endian, row-major, the dtypes below. Refused by name: Fortran order, big-endian, and what
 * dtype.def does not have (records, text, objects, complex). The array is called as its file, without the ending.
 * Source: numpy.lib.format, NEP 1. */
#include "io/format.h"
#include <stdio.h>
#include <string.h>

enum { MAGIC = 6, MOST_HEADER = 1 << 16, ALIGN = 64 };
static const char magic[] = "\x93NUMPY";

static const struct { const char *descr; rk_dtype dtype; } descrs[] = {
    { "<f8", RK_f64 }, { "<f4", RK_f32 }, { "<f2", RK_f16 }, { "<i8", RK_i64 }, { "<i4", RK_i32 }, { "<i2", RK_i16 },
    { "|i1", RK_i8 }, { "<u2", RK_u16 }, { "|u1", RK_u8 }, { "|b1", RK_bool },
};
enum { DESCRS = sizeof descrs / sizeof *descrs };

struct literal { rk_ctx *ctx; const char *path; const char *at, *start, *end; bool descr, fortran, shape; };

bool npy_recognise(const struct source *s) { return s->n >= MAGIC && memcmp(s->at, magic, MAGIC) == 0; }

static rk_status unexpected(const struct literal *l, const char *wanted)
{
    rk_ctx *ctx = l->ctx;
    char shown[NAME_SHOWN];
    size_t rest = (size_t)(l->end - l->at);
    return FAIL(RK_E_FORMAT, "%s: character %td of the header: expected %s, found \"%s\"", l->path, l->at - l->start, wanted,
                name_show(shown, l->at, rest > 16 ? 16 : rest));
}

static bool skip(struct literal *l, const char *word)
{
    size_t n = strlen(word);
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\n' || *l->at == '\t')) l->at++;
    if ((size_t)(l->end - l->at) < n || memcmp(l->at, word, n) != 0) return false;
    l->at += n;
    return true;
}

static rk_status read_descr(struct literal *l, struct bundle_entry *e)
{
    rk_ctx *ctx = l->ctx;
    char shown[NAME_SHOWN];
    if (skip(l, "[")) return FAIL(RK_E_DECLINED, "%s: records (a structured dtype) are not read", l->path);
    if (!skip(l, "'")) return unexpected(l, "a dtype in quotes");
    const char *quote = memchr(l->at, '\'', (size_t)(l->end - l->at));
    if (quote == NULL) return unexpected(l, "a dtype and its closing quote");
    size_t n = (size_t)(quote - l->at);
    const char *text = l->at;
    l->at = quote + 1;
    l->descr = true;
    for (int i = 0; i < DESCRS; i++) {
        /* one byte has no order: '|' is what numpy writes, '<' what others do */
        bool order = n == 3 && (text[0] == descrs[i].descr[0] || (descrs[i].descr[0] == '|' && text[0] == '<'));
        if (!order || memcmp(text + 1, descrs[i].descr + 1, 2) != 0) continue;
        e->dtype = descrs[i].dtype;
        return RK_OK;
    }
    (void)name_show(shown, text, n);
    if (n > 0 && text[0] == '>') return FAIL(RK_E_DECLINED, "%s: the dtype '%s' is big-endian, which is not read", l->path, shown);
    return FAIL(RK_E_DECLINED, "%s: the dtype '%s' is not known here", l->path, shown);
}

static rk_status read_order(struct literal *l)
{
    rk_ctx *ctx = l->ctx;
    l->fortran = true;
    if (skip(l, "False")) return RK_OK;
    if (!skip(l, "True")) return unexpected(l, "True or False");
    (void)FAIL(RK_E_DECLINED, "%s: the array is in Fortran order, which is not read", l->path);
    return ctx_hint(ctx, "save it with numpy.save(path, numpy.ascontiguousarray(x))");
}

static rk_status read_size(struct literal *l, int64_t *size)
{
    rk_ctx *ctx = l->ctx;
    const char *first = l->at;
    *size = 0;
    for (; l->at < l->end && *l->at >= '0' && *l->at <= '9'; l->at++)
        if (!extent_mul(*size, 10, size) || __builtin_add_overflow(*size, *l->at - '0', size))
            return FAIL(RK_E_LIMIT, "%s: a size in the shape does not fit 64 bits", l->path);
    return l->at > first ? RK_OK : unexpected(l, "a size");
}

static rk_status read_shape(struct literal *l, struct bundle_entry *e)
{
    rk_ctx *ctx = l->ctx;
    l->shape = true;
    e->rank = 0;
    if (!skip(l, "(")) return unexpected(l, "a shape in parentheses");
    for (bool more = !skip(l, ")"); more;) {
        if (e->rank == RK_MAX_RANK) return FAIL(RK_E_LIMIT, "%s: more than %d dimensions", l->path, RK_MAX_RANK);
        TRY(read_size(l, &e->shape[e->rank++]));
        bool comma = skip(l, ",");
        more = !skip(l, ")");
        if (more && !comma) return unexpected(l, "',' or ')'");
    }
    return RK_OK;
}

static rk_status read_literal(struct literal *l, struct bundle_entry *e)
{
    rk_ctx *ctx = l->ctx;
    if (!skip(l, "{")) return unexpected(l, "'{'");
    for (bool more = !skip(l, "}"); more;) {
        if (!l->descr && skip(l, "'descr':")) TRY(read_descr(l, e));
        else if (!l->fortran && skip(l, "'fortran_order':")) TRY(read_order(l));
        else if (!l->shape && skip(l, "'shape':")) TRY(read_shape(l, e));
        else return unexpected(l, "'descr', 'fortran_order' or 'shape', each once");
        bool comma = skip(l, ",");
        more = !skip(l, "}");
        if (more && !comma) return unexpected(l, "',' or '}'");
    }
    (void)skip(l, "");
    if (!l->descr || !l->fortran || !l->shape) return unexpected(l, "descr, fortran_order and shape before");
    return l->at == l->end ? RK_OK : unexpected(l, "nothing more");
}

/* Where the literal begins, and how long it is. */
static rk_status frame(rk_ctx *ctx, const struct source *s, size_t *start, size_t *length)
{
    if (s->n < MAGIC + 4) return FAIL(RK_E_FORMAT, "%s: %zu bytes, too short for an npy header: truncated?", s->path, s->n);
    if (!npy_recognise(s)) return FAIL(RK_E_FORMAT, "%s: the first bytes are not those of an npy file", s->path);
    int version = s->at[MAGIC];
    if (version < 1 || version > 3) return FAIL(RK_E_DECLINED, "%s: version %d of npy is not known here (1, 2 and 3 are)", s->path, version);
    *start = version == 1 ? MAGIC + 4 : MAGIC + 6;
    if (s->n < *start) return FAIL(RK_E_FORMAT, "%s: %zu bytes, too short for an npy header: truncated?", s->path, s->n);
    *length = (size_t)s->at[8] | (size_t)s->at[9] << 8;
    if (version > 1) *length |= (size_t)s->at[10] << 16 | (size_t)s->at[11] << 24;
    if (*length > MOST_HEADER) return FAIL(RK_E_LIMIT, "%s: a header of %zu bytes; the limit is %d", s->path, *length, MOST_HEADER);
    if (*length > s->n - *start)
        return FAIL(RK_E_FORMAT, "%s: the header should have %zu bytes, and the file ends after %zu of them: truncated?", s->path, *length,
                    s->n - *start);
    return RK_OK;
}

rk_status npy_read(rk_ctx *ctx, const struct source *s, struct bundle *b)
{
    size_t start = 0, length = 0;
    struct bundle_entry e = { .path = s->path };
    TRY(frame(ctx, s, &start, &length));
    const char *text = (const char *)s->at + start;
    struct literal l = { .ctx = ctx, .path = s->path, .at = text, .start = text, .end = text + length };
    TRY(read_literal(&l, &e));
    TRY(array_bytes(ctx, s->path, e.dtype, e.rank, e.shape, &e.bytes));
    size_t there = s->n - start - length;
    if (there != e.bytes)
        return FAIL(RK_E_FORMAT, "%s: %zu bytes of data for a dtype and shape of %zu%s", s->path, there, e.bytes,
                    there < e.bytes ? ": truncated?" : "");
    e.offset = start + length;
    e.span = e.bytes;
    e.data = s->at + e.offset;
    e.aligned = (uintptr_t)e.data % dtype_bytes(e.dtype) == 0;
    e.name = path_stem(s->path);
    TRY(arena_text(ctx, &b->arena, e.name.at, e.name.length, &e.name.at));
    TRY(bundle_count(ctx, b, s, e.offset));
    VEC_PUSH(&b->entries, e);
    return RK_OK;
}

static rk_status header_text(rk_ctx *ctx, struct str *text, const char *descr, int rank, const int64_t *shape)
{
    TRY(str_format(ctx, text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr));
    for (int i = 0; i < rank; i++) TRY(str_format(ctx, text, "%lld%s", (long long)shape[i], rank == 1 ? "," : i + 1 < rank ? ", " : ""));
    TRY(str_text(ctx, text, "), }"));
    while ((MAGIC + 4 + text->n + 1) % ALIGN != 0) TRY(str_text(ctx, text, " "));
    return str_text(ctx, text, "\n");
}

static rk_status write_header(rk_ctx *ctx, struct file_writer *w, const struct str *text)
{
    unsigned char front[MAGIC + 4] = { 0, 0, 0, 0, 0, 0, 1, 0, (unsigned char)(text->n & 255), (unsigned char)(text->n >> 8) };
    memcpy(front, magic, MAGIC);
    TRY(file_write(ctx, w, front, sizeof front));
    return file_write(ctx, w, text->at, (size_t)text->n);
}

rk_status npy_begin(rk_ctx *ctx, struct file_writer *w, const char *path, rk_dtype dtype, int rank, const int64_t *shape)
{
    struct str text = { NULL, 0, 0 };
    const char *descr = NULL;
    size_t bytes;
    rk_status status;
    *w = (struct file_writer){ .fd = -1 };
    if (rank < 0 || rank > RK_MAX_RANK) return FAIL(RK_E_ARG, "writing %s: an array of rank %d", path, rank);
    for (int i = 0; i < DESCRS; i++)
        if (descrs[i].dtype == dtype) descr = descrs[i].descr;
    if (descr == NULL) return FAIL(RK_E_DECLINED, "writing %s: npy has no dtype for %s", path, dtype_written(dtype));
    TRY(array_bytes(ctx, path, dtype, rank, shape, &bytes));
    GO(header_text(ctx, &text, descr, rank, shape));
    GO(file_create(ctx, w, path));
    GO(write_header(ctx, w, &text));
out:
    str_free(ctx, &text);
    if (status != RK_OK) file_abandon(ctx, w);
    return status;
}

rk_status npy_write(rk_ctx *ctx, const char *path, rk_dtype dtype, int rank, const int64_t *shape, const void *data)
{
    struct file_writer w = { .fd = -1 };
    size_t bytes;
    TRY(npy_begin(ctx, &w, path, dtype, rank, shape));
    rk_status status = array_bytes(ctx, path, dtype, rank, shape, &bytes);
    if (status == RK_OK) status = file_write(ctx, &w, data, bytes);
    if (status == RK_OK) return file_commit(ctx, &w);
    file_abandon(ctx, &w);
    return status;
}
