/* tokens.h: files of ids, 2 or 4 bytes each, little-endian, made for being mapped: nothing but the ids (nanoGPT's .bin); behind the
 * header of llm.c: 256 integers of 4 bytes, of which the first three are 20240520, 1 (2 bytes an id) or 20240801, 7 (4 bytes), and
 * the number of ids, below 2^31; or with Megatron-LM's index beside them, NAME.idx of NAME.bin, which says where each document lies. One
 * file, or shards that are finished one by one. */
#ifndef RECKON_TOKENS_H
#define RECKON_TOKENS_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rk_tokens_format { RK_TOKENS_RAW, RK_TOKENS_LLMC, RK_TOKENS_MEGATRON } rk_tokens_format;

/* Writing: until commit the file at `path` is what it was before; a writer is gone after commit, whatever that returns, and
 * after abandon. RK_E_LIMIT for an id that does not fit into 2 bytes, for 2^31 ids in llm.c's format, and for as many of one document in
 * Megatron's, whose path ends in .bin (RK_E_ARG) and whose index is put in place last: a .bin without it was not finished. */
typedef struct rk_tokens_writer rk_tokens_writer;
RK_API RK_CHECK rk_status rk_tokens_create(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens_writer **writer);
RK_API RK_CHECK rk_status rk_tokens_create_as(rk_ctx *ctx, const char *path, rk_tokens_format format, unsigned bytes_each, rk_tokens_writer **writer);
RK_API RK_CHECK rk_status rk_tokens_add(rk_ctx *ctx, rk_tokens_writer *writer, const uint32_t *ids, size_t n);
RK_API RK_CHECK rk_status rk_tokens_document(rk_ctx *ctx, rk_tokens_writer *writer);            /* it ends here; only Megatron's format keeps that */
RK_API RK_CHECK rk_status rk_tokens_commit(rk_ctx *ctx, rk_tokens_writer *writer);
RK_API void rk_tokens_abandon(rk_ctx *ctx, rk_tokens_writer *writer);          /* NULL is fine */

/* Shards: NAME-00000.bin, NAME-00001.bin ... of `output` NAME.bin, each a file of the format, none cut inside a document. NAME.shards.json says
 * which are finished, with a checksum each, so that work that was ended, however, goes on behind the last of them and makes the same bytes as
 * work that was not. `made_from` describes what the ids come from, one "name value" a line: shards made from something else are not gone on
 * with (RK_E_DIFFERS, by the line). */
typedef struct rk_shards rk_shards;
typedef struct rk_shards_rules {
    rk_tokens_format format;
    unsigned         bytes_each;
    uint64_t         least;              /* ids of a shard, the last one aside: it ends with the document that reaches them; 0: only rk_shards_split ends it */
    const char      *made_from;
} rk_shards_rules;
typedef struct rk_shards_state { uint64_t shards, documents, tokens; bool complete; } rk_shards_state;       /* finished so far */

RK_API RK_CHECK rk_status rk_shards_open(rk_ctx *ctx, const char *output, const rk_shards_rules *rules, rk_shards **shards);
RK_API rk_shards_state rk_shards_told(const rk_shards *shards);
RK_API RK_CHECK rk_status rk_shards_add(rk_ctx *ctx, rk_shards *shards, const uint32_t *ids, size_t n);
RK_API RK_CHECK rk_status rk_shards_document(rk_ctx *ctx, rk_shards *shards);            /* it ends here */
RK_API RK_CHECK rk_status rk_shards_split(rk_ctx *ctx, rk_shards *shards);               /* between documents: the next one begins a shard */
RK_API RK_CHECK rk_status rk_shards_commit(rk_ctx *ctx, rk_shards *shards);              /* there are no more; `shards` lives on, for rk_shards_told */
RK_API void rk_shards_close(rk_ctx *ctx, rk_shards *shards);                             /* what is finished stays */

/* Reading: the file mapped. A file that has llm.c's header and just as many ids says itself how many bytes each takes, and so does Megatron's
 * index beside it; else bytes_each 0 means 4 when the name ends in .u32 or .u32.bin, else 2. RK_E_FORMAT when the size is no multiple of that. */
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
