/* tokens.h: files of ids: nothing but the ids, 2 or 4 bytes each, little-endian (nanoGPT's .bin). Made for being mapped. */
#ifndef RECKON_TOKENS_H
#define RECKON_TOKENS_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writing: until commit the file at `path` is what it was before; a writer is gone after commit, whatever that returns, and
 * after abandon. RK_E_LIMIT for an id that does not fit into 2 bytes. */
typedef struct rk_tokens_writer rk_tokens_writer;
RK_API RK_CHECK rk_status rk_tokens_create(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens_writer **writer);
RK_API RK_CHECK rk_status rk_tokens_add(rk_ctx *ctx, rk_tokens_writer *writer, const uint32_t *ids, size_t n);
RK_API RK_CHECK rk_status rk_tokens_commit(rk_ctx *ctx, rk_tokens_writer *writer);
RK_API void rk_tokens_abandon(rk_ctx *ctx, rk_tokens_writer *writer);          /* NULL is fine */

/* Reading: the file mapped. bytes_each 0: 4 when the name ends in .u32 or .u32.bin, else 2. RK_E_FORMAT when the size is
 * no multiple of that. */
typedef struct rk_tokens { const unsigned char *at; size_t n; unsigned bytes_each; int kept; } rk_tokens;
RK_API RK_CHECK rk_status rk_tokens_open(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens *tokens);
RK_API void rk_tokens_close(rk_tokens *tokens);

static inline uint32_t rk_tokens_at(const rk_tokens *t, size_t i)              /* i < n */
{
    const unsigned char *p = t->at + i * t->bytes_each;
    uint32_t id = (uint32_t)(p[0] | p[1] << 8);
    return t->bytes_each == 2 ? id : id | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#ifdef __cplusplus
}
#endif
#endif
