/* tokens.h: a file of ids that is being written, from the inside; and Megatron's index (megatron.c). */
#ifndef TOK_TOKENS_H
#define TOK_TOKENS_H
#include "base/file.h"
#include "reckon/tokens.h"
#include "tok/narrow.h"

struct documents { int32_t *at; size_t n, room; };                    /* ids of each */

struct rk_tokens_writer { struct file_writer file; rk_tokens_format format; unsigned bytes_each; uint64_t n, begun; struct documents documents; narrow_body *narrow; };

/* rk_tokens_create_as; `sums`: for tokens_commit. */
RK_CHECK rk_status tokens_create(rk_ctx *ctx, const char *path, rk_tokens_format format, unsigned bytes_each, bool sums, rk_tokens_writer **out);
/* rk_tokens_commit, which also tells the checksum of the ids as they stand in the file. */
RK_CHECK rk_status tokens_commit(rk_ctx *ctx, rk_tokens_writer *w, uint32_t *crc);

/* The index of the file of ids at `path`, which ends in .bin. */
RK_CHECK rk_status megatron_create(rk_ctx *ctx, const char *path, unsigned bytes_each, const struct documents *d, struct file_writer *index);
RK_CHECK rk_status megatron_forget(rk_ctx *ctx, const char *path);    /* removes an index, if there is one */
RK_CHECK rk_status megatron_sweep(rk_ctx *ctx, const char *path);     /* removes what writers of the index that were killed have left beside it */
/* Bytes of an id by the index beside `path`; 0 when there is none. RK_E_FORMAT when it does not fit n bytes of ids. */
RK_CHECK rk_status megatron_bytes(rk_ctx *ctx, const char *path, size_t n, unsigned *bytes_each);
/* The same for an index in memory, b[0 .. size); `name` is for messages. */
RK_CHECK rk_status megatron_check(rk_ctx *ctx, const char *name, const unsigned char *b, size_t size, size_t n, unsigned *bytes_each);

#endif
