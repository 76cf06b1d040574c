/* tokens.h: files of ids, 2 or 4 bytes each, little-endian, made for being mapped: nothing but the ids (nanoGPT's .bin), or behind the
 * header of llm.c: 256 integers of 4 bytes, of which the first three are 20240520, 1 (2 bytes an id) or 20240801, 7 (4 bytes), and
 * the number of ids, below 2^31. */
#ifndef RECKON_TOKENS_H
#define RECKON_TOKENS_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rk_tokens_format { RK_TOKENS_RAW, RK_TOKENS_LLMC } rk_tokens_format;

/* Writing: until commit the file at `path` is what it was before; a writer is gone after commit, whatever that returns, and
 * after abandon. RK_E_LIMIT for an id that does not fit into 2 bytes, and for 2^31 ids in llm.c's format. */
typedef struct rk_tokens_writer rk_tokens_writer;
RK_API RK_CHECK rk_status rk_tokens_create(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens_writer **writer);
RK_API RK_CHECK rk_status rk_tokens_create_as(rk_ctx *ctx, const char *path, rk_tokens_format format, unsigned bytes_each, rk_tokens_writer **writer);
RK_API RK_CHECK rk_status rk_tokens_add(rk_ctx *ctx, rk_tokens_writer *writer, const uint32_t *ids, size_t n);
RK_API RK_CHECK rk_status rk_tokens_commit(rk_ctx *ctx, rk_tokens_writer *writer);
RK_API void rk_tokens_abandon(rk_ctx *ctx, rk_tokens_writer *writer);          /* NULL is fine */

/* Reading: the file mapped. A file that has llm.c's header and just as many ids says itself how many bytes each takes; else bytes_each 0
 * means 4 when the name ends in .u32 or .u32.bin, else 2. RK_E_FORMAT when the size is no multiple of that. */
typedef struct rk_tokens { const unsigned char *at; size_t n; unsigned bytes_each; int kept; size_t header; } rk_tokens;      /* header: bytes before at */
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
