/* format.h: what a row of list.def has to bring: NAME_recognise and NAME_read, which also says its size (bundle_count). Only this room includes it. */
#ifndef IO_FORMAT_H
#define IO_FORMAT_H
#include "io/bundle.h"
#include "io/json.h"

/* The file being opened. Views belong to the bundle; `path` lives as long as it does. */
struct source { const char *path; const unsigned char *at; size_t n; };

struct format {
    const char *name, *ending;
    bool      (*recognise)(const struct source *s);
    rk_status (*read)(rk_ctx *ctx, const struct source *s, struct bundle *b);         /* adds entries and notes */
};

#define ROW(format, ending)                                                                                           \
    bool format##_recognise(const struct source *s);                                                                  \
    RK_CHECK rk_status format##_read(rk_ctx *ctx, const struct source *s, struct bundle *b);
#include "io/list.def"
#undef ROW

/* n bytes as a number, the lowest first. */
static inline uint64_t little(const unsigned char *at, int n)
{
    uint64_t value = 0;
    while (n-- > 0) value = value << 8 | at[n];
    return value;
}

/* Maps a file as part of `b`; a copy of the path is kept there. */
RK_CHECK rk_status bundle_map(rk_ctx *ctx, struct bundle *b, const char *path, struct source *s);
/* Notes a file that holds arrays of `b`: `header` of its bytes are there for no array. */
RK_CHECK rk_status bundle_count(rk_ctx *ctx, struct bundle *b, const struct source *s, uint64_t header);
/* Reads a file of any format but an index: the file that an index names. */
RK_CHECK rk_status bundle_read_shard(rk_ctx *ctx, const struct source *s, struct bundle *b);
/* Copies what is not row-major: strided.c. */
RK_CHECK rk_status strided_dense(rk_ctx *ctx, struct bundle *b);
/* "model" of "dir/model.pt": the name of an array in a file that names none. */
struct name path_stem(const char *path);

/* The bytes of an array; false: no sizes, or more bytes than an address can hold. */
bool array_fits(rk_dtype dtype, int rank, const int64_t *shape, size_t *bytes);
/* The same, or RK_E_LIMIT naming `what`: "x.safetensors: tensor \"w\"". A negative size is RK_E_FORMAT. */
RK_CHECK rk_status array_bytes(rk_ctx *ctx, const char *what, rk_dtype dtype, int rank, const int64_t *shape, size_t *bytes);
size_t      dtype_bytes(rk_dtype dtype);
const char *dtype_written(rk_dtype dtype);                               /* as safetensors writes it: "F8_E4M3" */

#endif
