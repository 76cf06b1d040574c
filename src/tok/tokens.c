/* tokens.c: ids to a file and back. Not here: Megatron's index (megatron.c), shards (shards.c). Source of the header: karpathy/llm.c,
 * dev/data/data_common.py. */
#include "tok/tokens.h"
#include "base/mem.h"
#include <string.h>

enum { BATCH = 4096, HEADER = 1024, MAGIC_2 = 20240520, MAGIC_4 = 20240801 };

static void put_u32(unsigned char *p, uint32_t x)
{
    for (int k = 0; k < 4; k++) p[k] = (unsigned char)(x >> 8 * k);
}

static uint32_t get_u32(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static void make_header(unsigned char header[HEADER], unsigned bytes_each, uint64_t n)
{
    memset(header, 0, HEADER);
    put_u32(header, bytes_each == 2 ? MAGIC_2 : MAGIC_4);
    put_u32(header + 4, bytes_each == 2 ? 1 : 7);
    put_u32(header + 8, (uint32_t)n);
}

/* Bytes of an id by the header of a file; 0 when there is none. */
static unsigned header_bytes(const unsigned char *at, size_t n)
{
    if (n < HEADER) return 0;
    uint32_t magic = get_u32(at), version = get_u32(at + 4);
    unsigned bytes = magic == MAGIC_2 && version == 1 ? 2 : magic == MAGIC_4 && version == 7 ? 4 : 0;
    return bytes != 0 && n == HEADER + (uint64_t)get_u32(at + 8) * bytes ? bytes : 0;
}

static rk_status check_width(rk_ctx *ctx, unsigned bytes_each)
{
    return bytes_each == 2 || bytes_each == 4 ? RK_OK : FAIL(RK_E_ARG, "ids of %u bytes: 2 and 4 are known", bytes_each);
}

rk_status rk_tokens_create(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens_writer **out)
{
    return rk_tokens_create_as(ctx, path, RK_TOKENS_RAW, bytes_each, out);
}

static rk_status check_format(rk_ctx *ctx, const char *path, rk_tokens_format format)
{
    if ((unsigned)format > RK_TOKENS_MEGATRON) return FAIL(RK_E_ARG, "format %d of token files: no such choice", (int)format);
    if (format != RK_TOKENS_MEGATRON || str_ends_in(path, ".bin")) return RK_OK;
    (void)FAIL(RK_E_ARG, "\"%s\" does not end in .bin, as Megatron's files do", path);
    return ctx_hint(ctx, "name it %s.bin: its index will be %s.idx", path, path);
}

static void close_writer(rk_ctx *ctx, rk_tokens_writer *w)
{
    FREE(w->documents.at, w->documents.room);
    FREE(w, 1);
}

rk_status rk_tokens_create_as(rk_ctx *ctx, const char *path, rk_tokens_format format, unsigned bytes_each, rk_tokens_writer **out)
{
    return tokens_create(ctx, path, format, bytes_each, false, out);
}

rk_status tokens_create(rk_ctx *ctx, const char *path, rk_tokens_format format, unsigned bytes_each, bool sums, rk_tokens_writer **out)
{
    unsigned char header[HEADER];
    rk_tokens_writer *w;
    *out = NULL;
    TRY(check_width(ctx, bytes_each));
    TRY(check_format(ctx, path, format));
    TRY(NEW(w, 1));
    w->bytes_each = bytes_each;
    w->narrow = narrow_bodies[isa_best()];
    w->format = format;
    make_header(header, bytes_each, 0);
    rk_status status = file_create(ctx, &w->file, path);
    if (status == RK_OK && format == RK_TOKENS_LLMC) status = file_write(ctx, &w->file, header, HEADER);
    w->file.crc = 0;                                                  /* of the ids alone: the header is made at the end */
    if (!sums) w->file.sum = NULL;
    if (status != RK_OK) {
        file_abandon(ctx, &w->file);
        close_writer(ctx, w);
        return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    }
    *out = w;
    return RK_OK;
}

static rk_status too_large(rk_ctx *ctx, const rk_tokens_writer *w, const uint32_t *ids)
{
    size_t i = 0;
    while (ids[i] <= UINT16_MAX) i++;
    (void)FAIL(RK_E_LIMIT, "id %u, number %llu of the file, does not fit into 2 bytes", ids[i], (unsigned long long)w->n + i);
    return ctx_hint(ctx, "write 4 bytes per id (u32)");
}

rk_status rk_tokens_add(rk_ctx *ctx, rk_tokens_writer *w, const uint32_t *ids, size_t n)
{
    unsigned char bytes[BATCH * 4];
    if (w->format == RK_TOKENS_LLMC && (n > INT32_MAX || w->n + n > INT32_MAX))
        return FAIL(RK_E_LIMIT, "llm.c's format counts its ids in 31 bits: %llu are too many for one file", (unsigned long long)w->n + n);
    for (size_t batch; n > 0; ids += batch, n -= batch, w->n += batch) {
        batch = n < BATCH ? n : BATCH;
        if (w->bytes_each == 2 && w->narrow(ids, batch, bytes) > UINT16_MAX) return too_large(ctx, w, ids);
        if (w->bytes_each == 4)
            for (size_t i = 0; i < batch; i++) put_u32(bytes + 4 * i, ids[i]);
        TRY(file_write(ctx, &w->file, bytes, batch * w->bytes_each));
    }
    return RK_OK;
}

rk_status rk_tokens_document(rk_ctx *ctx, rk_tokens_writer *w)
{
    struct documents *d = &w->documents;
    uint64_t length = w->n - w->begun;
    if (w->format != RK_TOKENS_MEGATRON || length == 0) return RK_OK;
    if (length > INT32_MAX) return FAIL(RK_E_LIMIT, "Megatron's index counts the ids of a document in 31 bits: %llu are too many", (unsigned long long)length);
    if (d->n == d->room) {
        size_t room = d->room == 0 ? 1024 : d->room * 2;
        TRY(GROW(d->at, d->room, room));
        d->room = room;
    }
    d->at[d->n++] = (int32_t)length;
    w->begun = w->n;
    return RK_OK;
}

/* The index is written whole before the ids take their name, and takes its own last; an old one goes first: it would not fit. */
static rk_status commit_both(rk_ctx *ctx, rk_tokens_writer *w)
{
    rk_status status;
    struct str path = { 0 };
    struct file_writer index = { .fd = -1 };
    PROMISE(w->file.path != NULL);                                    /* no write has failed */
    GO(str_text(ctx, &path, w->file.path));
    GO(rk_tokens_document(ctx, w));
    GO(megatron_create(ctx, str_c(&path), w->bytes_each, &w->documents, &index));
    GO(megatron_forget(ctx, str_c(&path)));
    GO(file_commit(ctx, &w->file));
    GO(file_commit(ctx, &index));
out:
    file_abandon(ctx, &index);
    str_free(ctx, &path);
    return status;
}

static rk_status commit_one(rk_ctx *ctx, rk_tokens_writer *w)
{
    unsigned char header[HEADER];
    make_header(header, w->bytes_each, w->n);
    if (w->format == RK_TOKENS_LLMC) TRY(file_write_at(ctx, &w->file, 0, header, HEADER));
    return file_commit(ctx, &w->file);
}

rk_status tokens_commit(rk_ctx *ctx, rk_tokens_writer *w, uint32_t *crc)
{
    *crc = w->file.crc;
    rk_status status = w->format == RK_TOKENS_MEGATRON ? commit_both(ctx, w) : commit_one(ctx, w);
    file_abandon(ctx, &w->file);                                      /* nothing, where it was committed */
    close_writer(ctx, w);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status rk_tokens_commit(rk_ctx *ctx, rk_tokens_writer *w)
{
    uint32_t crc;
    return tokens_commit(ctx, w, &crc);
}

void rk_tokens_abandon(rk_ctx *ctx, rk_tokens_writer *w)
{
    if (w == NULL) return;
    file_abandon(ctx, &w->file);
    close_writer(ctx, w);
}

rk_status rk_tokens_open(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens *tokens)
{
    struct file_view view;
    *tokens = (rk_tokens){ 0 };
    if (bytes_each == 0) bytes_each = str_ends_in(path, ".u32") || str_ends_in(path, ".u32.bin") ? 4 : 2;
    TRY(check_width(ctx, bytes_each));
    TRY(file_map(ctx, path, &view));
    unsigned said = header_bytes(view.at, view.n);
    if (said != 0) {
        *tokens = (rk_tokens){ view.at + HEADER, (view.n - HEADER) / said, said, view.kept, HEADER };
        return RK_OK;
    }
    rk_status status = megatron_bytes(ctx, path, view.n, &said);
    if (status != RK_OK) {
        file_unmap(&view);
        return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    }
    if (said != 0) bytes_each = said;
    if (view.n % bytes_each != 0) {
        (void)FAIL(RK_E_FORMAT, "%s: %zu bytes are no whole number of ids of %u bytes", path, view.n, bytes_each);
        file_unmap(&view);
        return ctx_hint(ctx, "a file of tokens is what `reckon tok encode` writes; its ids have 2 bytes, or 4 where it says so");
    }
    *tokens = (rk_tokens){ view.at, view.n / bytes_each, bytes_each, view.kept, 0 };
    return RK_OK;
}

void rk_tokens_close(rk_tokens *t)
{
    struct file_view view = { t->header > 0 ? t->at - t->header : t->at, t->n * t->bytes_each + t->header, t->kept };
    file_unmap(&view);
    *t = (rk_tokens){ 0 };
}
