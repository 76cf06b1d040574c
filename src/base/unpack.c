/* unpack.c: two libraries behind one form. What is declared here of each has not changed since 2003 (zlib 1.2) and 2016 (libzstd 1.0).
 *
 * Sources: zlib.h, "gzip decoding and automatic header detection"; zstd.h, "Streaming decompression"; RFC 1952, RFC 8878. */
#include "base/unpack.h"
#include "base/library.h"
#include <limits.h>
#include <string.h>

struct z_stream {
    const unsigned char *next_in;
    unsigned             avail_in;
    unsigned long        total_in;
    unsigned char       *next_out;
    unsigned             avail_out;
    unsigned long        total_out;
    const char          *msg;
    void                *state;
    void              *(*zalloc)(void *opaque, unsigned items, unsigned size);
    void               (*zfree)(void *opaque, void *p);
    void                *opaque;
    int                  data_type;
    unsigned long        adler, reserved;
};
enum { ZSTD_NO_MEMORY = 64 };                                           /* ZSTD_error_memory_allocation */
enum { Z_OK = 0, Z_STREAM_END = 1, Z_BUF_ERROR = -5, Z_MEM_ERROR = -4, GZIP_ONLY = 16 + 15 };
struct zlib {
    int (*init)(struct z_stream *z, int window, const char *version, int size);
    int (*some)(struct z_stream *z, int flush);
    int (*reset)(struct z_stream *z);
    int (*end)(struct z_stream *z);
};
static const char *const zlib_symbols[] = { "inflateInit2_", "inflate", "inflateReset", "inflateEnd" };

struct zstd_in  { const void *at; size_t n, used; };
struct zstd_out { void *at; size_t n, made; };
struct zstd_memory { void *(*take)(void *opaque, size_t n); void (*give)(void *opaque, void *p); void *opaque; };
struct zstd {
    void *(*open)(struct zstd_memory memory);
    size_t (*some)(void *stream, struct zstd_out *out, struct zstd_in *in);
    size_t (*close)(void *stream);
    unsigned (*failed)(size_t result);
    const char *(*words)(size_t result);
};
static const char *const zstd_symbols[] = { "ZSTD_createDStream_advanced", "ZSTD_decompressStream", "ZSTD_freeDStream", "ZSTD_isError", "ZSTD_getErrorName" };

struct unpacker {
    enum packing    packing;
    const char     *name;
    void           *library;
    struct zlib     zlib;
    struct z_stream z;
    struct zstd     zstd;
    void           *stream;                                           /* of libzstd */
    rk_ctx         *ctx;                                              /* of the call in progress: its memory */
    bool            begun, over;                                      /* inside a member or frame; one has just ended */
    uint64_t        made;
};

/* ---- memory with its size in front ---- */

union block { size_t size; max_align_t aligned; };

static void *take(void *user, size_t n)
{
    struct unpacker *u = user;
    union block *b = NULL;
    size_t size;
    if (!size_add(n, sizeof *b, &size) || mem_raw(u->ctx, (void **)&b, size, "the window of a compressed file") != RK_OK) return NULL;
    b->size = size;
    return b + 1;
}

static void give(void *user, void *p)
{
    struct unpacker *u = user;
    union block *b = p;
    if (p != NULL) mem_free(u->ctx, b - 1, b[-1].size, 1);
}

static void *take_items(void *user, unsigned items, unsigned size)
{
    size_t n;
    void *p = size_mul(items, size, &n) ? take(user, n) : NULL;
    if (p != NULL) memset(p, 0, n);                                   /* zlib copies windows that it has not filled */
    return p;
}

/* ---- opening ---- */

enum packing packing_of(const unsigned char *b, size_t n)
{
    if (n >= 3 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8) return PACKED_GZIP;
    if (n >= 4 && b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd) return PACKED_ZSTD;
    if (n >= 4 && (b[0] & 0xf0) == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18) return PACKED_ZSTD;     /* a frame to be skipped */
    return PACKED_NOT;
}

static rk_status open_library(rk_ctx *ctx, struct unpacker *u)
{
    bool gzip = u->packing == PACKED_GZIP;
    const char *file = gzip ? "libz.so.1" : "libzstd.so.1";
    bool there = gzip ? library_open(file, zlib_symbols, sizeof zlib_symbols / sizeof *zlib_symbols, &u->zlib, &u->library)
                      : library_open(file, zstd_symbols, sizeof zstd_symbols / sizeof *zstd_symbols, &u->zstd, &u->library);
    if (there) return RK_OK;
    (void)FAIL(RK_E_DECLINED, "%s is compressed by %s, and %s, which reads that, cannot be opened", u->name, gzip ? "gzip" : "Zstandard", file);
    return ctx_hint(ctx, "install it (Debian: %s), or unpack the file: %s", gzip ? "zlib1g" : "libzstd1", gzip ? "gunzip" : "unzstd");
}

static rk_status open_stream(rk_ctx *ctx, struct unpacker *u)
{
    TRY(open_library(ctx, u));
    u->z = (struct z_stream){ .zalloc = take_items, .zfree = give, .opaque = u };
    if (u->packing == PACKED_GZIP) return u->zlib.init(&u->z, GZIP_ONLY, "1", (int)sizeof u->z) == Z_OK ? RK_OK : FAIL(RK_E_NOMEM, "no memory to unpack %s", u->name);
    u->stream = u->zstd.open((struct zstd_memory){ take, give, u });
    return u->stream != NULL ? RK_OK : FAIL(RK_E_NOMEM, "no memory to unpack %s", u->name);
}

rk_status unpack_open(rk_ctx *ctx, enum packing packing, const char *name, struct unpacker **out)
{
    struct unpacker *u;
    *out = NULL;
    TRY(NEW(u, 1));
    *u = (struct unpacker){ .packing = packing, .name = name, .ctx = ctx };
    rk_status status = open_stream(ctx, u);
    if (status == RK_OK) *out = u;
    else unpack_close(ctx, u);
    return status;
}

void unpack_close(rk_ctx *ctx, struct unpacker *u)
{
    if (u == NULL) return;
    u->ctx = ctx;
    if (u->z.state != NULL) (void)u->zlib.end(&u->z);
    if (u->stream != NULL) (void)u->zstd.close(u->stream);
    library_close(u->library);
    FREE(u, 1);
}

/* ---- unpacking ---- */

static rk_status damaged(rk_ctx *ctx, const struct unpacker *u, const char *why)
{
    return FAIL(RK_E_FORMAT, "%s: damaged after %llu bytes of text: %s", u->name, (unsigned long long)u->made, why);
}

static rk_status gzip_some(rk_ctx *ctx, struct unpacker *u, const unsigned char *packed, size_t n, size_t *used, unsigned char *out, size_t room, size_t *made)
{
    struct z_stream *z = &u->z;
    unsigned in = n < UINT_MAX ? (unsigned)n : UINT_MAX, most = room < UINT_MAX ? (unsigned)room : UINT_MAX;
    if (u->over && in > 0) {                                          /* another member */
        for (; *used < n && packed[*used] == 0; ++*used) continue;    /* zeros that fill up the last block of a tape */
        if (*used > 0) return RK_OK;
        if (packed[0] != 0x1f) return damaged(ctx, u, "what follows the end is no gzip");
        (void)u->zlib.reset(z);
        u->over = false;
    }
    z->next_in = packed;
    z->avail_in = in;
    z->next_out = out;
    z->avail_out = most;
    int result = u->zlib.some(z, 0);
    *used = in - z->avail_in;
    *made = most - z->avail_out;
    u->over = result == Z_STREAM_END;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return RK_OK;
    return result == Z_MEM_ERROR ? FAIL(RK_E_NOMEM, "no memory to unpack %s", u->name) : damaged(ctx, u, z->msg != NULL ? z->msg : "no gzip");
}

static rk_status zstd_some(rk_ctx *ctx, struct unpacker *u, const unsigned char *packed, size_t n, size_t *used, unsigned char *out, size_t room, size_t *made)
{
    struct zstd_in in = { packed, n, 0 };
    struct zstd_out to = { out, room, 0 };
    size_t result = u->zstd.some(u->stream, &to, &in);
    *used = in.used;
    *made = to.made;
    if (u->zstd.failed(result)) return result == (size_t)-ZSTD_NO_MEMORY ? FAIL(RK_E_NOMEM, "no memory to unpack %s", u->name) : damaged(ctx, u, u->zstd.words(result));
    if (in.used + to.made > 0) u->over = result == 0;                 /* asked without a byte it would tell of the next frame */
    return RK_OK;
}

rk_status unpack_some(rk_ctx *ctx, struct unpacker *u, const unsigned char *packed, size_t n, size_t *used, unsigned char *out, size_t room, size_t *made)
{
    u->ctx = ctx;
    *used = *made = 0;
    TRY(u->packing == PACKED_GZIP ? gzip_some(ctx, u, packed, n, used, out, room, made) : zstd_some(ctx, u, packed, n, used, out, room, made));
    u->begun |= *used > 0;
    u->made += *made;
    return RK_OK;
}

rk_status unpack_end(rk_ctx *ctx, struct unpacker *u)
{
    if (u->over || !u->begun) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: ends in the middle, after %llu bytes of text: it was cut short", u->name, (unsigned long long)u->made);
}
