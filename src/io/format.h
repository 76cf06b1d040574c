/* format.h: what a row of list.def has to bring: NAME_recognise and NAME_read. Only this room includes it. */
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

/* Maps a file as part of `b`; a copy of the path is kept there. */
RK_CHECK rk_status bundle_map(rk_ctx *ctx, struct bundle *b, const char *path, struct source *s);

/* The bytes of an array, or RK_E_LIMIT naming `what`: "x.safetensors: tensor \"w\"". A negative size is RK_E_FORMAT. */
RK_CHECK rk_status array_bytes(rk_ctx *ctx, const char *what, rk_dtype dtype, int rank, const int64_t *shape, size_t *bytes);
size_t      dtype_bytes(rk_dtype dtype);
const char *dtype_written(rk_dtype dtype);                               /* as safetensors writes it: "F8_E4M3" */

#endif
