/* unpack.h: gzip and Zstandard read through zlib and libzstd, which are opened at run time (docs/decisions/0008-corpora.md).
 *
 * Memory is the library's window and nothing else, whatever the packed bytes promise: output goes into room of the caller's. Members
 * of gzip and frames of Zstandard that follow one another are one text. */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H
#include "base/mem.h"

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD };

/* By the first bytes, which no text begins with; n < 4 may be too few. */
enum packing packing_of(const unsigned char *bytes, size_t n);

struct unpacker;
/* RK_E_DECLINED, with the name of the package, where the library is not there. `name` of the file, for messages, is borrowed. */
RK_CHECK rk_status unpack_open(rk_ctx *ctx, enum packing packing, const char *name, struct unpacker **unpacker);
/* Takes *used of n bytes and makes *made, at most `room`. RK_E_FORMAT for bytes that are damaged. Both 0: it wants more bytes. */
RK_CHECK rk_status unpack_some(rk_ctx *ctx, struct unpacker *u, const unsigned char *packed, size_t n, size_t *used, unsigned char *out, size_t room, size_t *made);
RK_CHECK rk_status unpack_end(rk_ctx *ctx, struct unpacker *u);          /* when there are no more: RK_E_FORMAT where they end too early */
void unpack_close(rk_ctx *ctx, struct unpacker *u);                      /* NULL is fine; the context that opened it */

#endif
