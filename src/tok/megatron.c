/* megatron.c: the index that Megatron-LM keeps beside a file of ids. Every document is one sequence there.
 *
 * All little-endian: "MMIDIDX" and two zeros; u64 version 1; u8 code of the type (8: u16, 4: i32); u64 sequences; u64 entries of the last list;
 * i32 length of each sequence in ids; i64 offset of each in bytes; i64 number of the first sequence of each document, and of all behind the last.
 * Source: NVIDIA/Megatron-LM, megatron/core/datasets/indexed_dataset.py, _IndexWriter and _IndexReader. */
#include "tok/tokens.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 34, CODE_U16 = 8, CODE_I32 = 4, BATCH = 512 };
static const char magic[9] = { 'M', 'M', 'I', 'D', 'I', 'D', 'X' };

static void put(unsigned char *p, uint64_t x, int bytes)
{
    for (int k = 0; k < bytes; k++) p[k] = (unsigned char)(x >> 8 * k);
}

static uint64_t get(const unsigned char *p, int bytes)
{
    uint64_t x = 0;
    for (int k = bytes; k-- > 0;) x = x << 8 | p[k];
    return x;
}

static rk_status index_path(rk_ctx *ctx, const char *path, struct str *out)
{
    TRY(str_add(ctx, out, path, strlen(path) - 4));
    return str_text(ctx, out, ".idx");
}

/* ---- writing ---- */

enum list { LENGTHS, OFFSETS, FIRSTS };

static rk_status write_list(rk_ctx *ctx, struct file_writer *w, enum list list, unsigned bytes_each, const struct documents *d)
{
    unsigned char bytes[BATCH * 8];
    uint64_t offset = 0;
    int width = list == LENGTHS ? 4 : 8;
    size_t n = d->n + (list == FIRSTS), fill = 0;
    for (size_t i = 0; i < n; i++) {
        put(bytes + fill, list == LENGTHS ? (uint64_t)d->at[i] : list == OFFSETS ? offset : i, width);
        fill += (size_t)width;
        if (list == OFFSETS) offset += (uint64_t)d->at[i] * bytes_each;
        if (i + 1 < n && fill < sizeof bytes) continue;
        TRY(file_write(ctx, w, bytes, fill));
        fill = 0;
    }
    return RK_OK;
}

static rk_status write_all(rk_ctx *ctx, struct file_writer *w, unsigned bytes_each, const struct documents *d)
{
    unsigned char head[HEAD];
    memcpy(head, magic, sizeof magic);
    put(head + 9, 1, 8);
    head[17] = bytes_each == 2 ? CODE_U16 : CODE_I32;
    put(head + 18, d->n, 8);
    put(head + 26, d->n + 1, 8);
    TRY(file_write(ctx, w, head, HEAD));
    for (int list = LENGTHS; list <= FIRSTS; list++) TRY(write_list(ctx, w, (enum list)list, bytes_each, d));
    return RK_OK;
}

rk_status megatron_create(rk_ctx *ctx, const char *path, unsigned bytes_each, const struct documents *d, struct file_writer *index)
{
    struct str name = { 0 };
    rk_status status;
    GO(index_path(ctx, path, &name));
    GO(file_create(ctx, index, str_c(&name)));
    status = write_all(ctx, index, bytes_each, d);
    if (status != RK_OK) file_abandon(ctx, index);
out:
    str_free(ctx, &name);
    return status;
}

rk_status megatron_forget(rk_ctx *ctx, const char *path)
{
    struct str name = { 0 };
    rk_status status = index_path(ctx, path, &name);
    if (status == RK_OK && unlink(str_c(&name)) != 0 && errno != ENOENT) status = FAIL_OS(errno, "replace", str_c(&name));
    str_free(ctx, &name);
    return status;
}

rk_status megatron_sweep(rk_ctx *ctx, const char *path)
{
    struct str name = { 0 };
    rk_status status = index_path(ctx, path, &name);
    if (status == RK_OK) status = file_sweep(ctx, str_c(&name));
    str_free(ctx, &name);
    return status;
}

/* ---- reading ---- */

/* Documents follow one another without a gap: so the last one tells where the ids end. */
rk_status megatron_check(rk_ctx *ctx, const char *name, const unsigned char *b, size_t size, size_t n, unsigned *bytes_each)
{
    if (size < HEAD || memcmp(b, magic, sizeof magic) != 0 || get(b + 9, 8) != 1) return FAIL(RK_E_FORMAT, "%s: no index of Megatron-LM's, version 1", name);
    unsigned code = b[17], width = code == CODE_U16 ? 2 : code == CODE_I32 ? 4 : 0;
    if (width == 0) return FAIL(RK_E_DECLINED, "%s: ids of type %u; 8 (u16) and 4 (i32) are read", name, code);
    uint64_t sequences = get(b + 18, 8), documents = get(b + 26, 8), end = 0;
    if (sequences > size || documents > size || HEAD + 12 * sequences + 8 * documents > size)
        return FAIL(RK_E_FORMAT, "%s: %zu bytes are too few for %llu sequences and %llu documents", name, size, (unsigned long long)sequences, (unsigned long long)documents);
    for (uint64_t i = 0; i < sequences; i++) {
        uint64_t length = get(b + HEAD + 4 * i, 4), offset = get(b + HEAD + 4 * sequences + 8 * i, 8);
        if (length > INT32_MAX || offset != end) return FAIL(RK_E_FORMAT, "%s: sequence %llu has %llu ids at byte %llu, where byte %llu is next", name, (unsigned long long)i,
                                                             (unsigned long long)length, (unsigned long long)offset, (unsigned long long)end);
        end += length * width;
    }
    if (end != n) return FAIL(RK_E_FORMAT, "%s tells of %llu bytes of ids; the file beside it has %zu", name, (unsigned long long)end, n);
    *bytes_each = width;
    return RK_OK;
}

rk_status megatron_bytes(rk_ctx *ctx, const char *path, size_t n, unsigned *bytes_each)
{
    struct str name = { 0 };
    struct file_view view = { 0 };
    rk_status status = RK_OK;
    bool there = false;
    *bytes_each = 0;
    if (!str_ends_in(path, ".bin")) return RK_OK;
    GO(index_path(ctx, path, &name));
    GO(file_exists(ctx, str_c(&name), &there));
    if (!there) goto out;
    GO(file_map(ctx, str_c(&name), &view));
    GO(megatron_check(ctx, str_c(&name), view.at, view.n, n, bytes_each));
out:
    file_unmap(&view);
    str_free(ctx, &name);
    return status;
}
