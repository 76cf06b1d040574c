/* encode.h: the engine of encoding, one per worker: special tokens, the normalizer, words, a cache of words, merges for what is not in it;
 * and, on request, where in the text each token stands. */
#ifndef TOK_ENCODE_H
#define TOK_ENCODE_H
#include "reckon/encoding.h"
#include "tok/cache.h"
#include "tok/cache_long.h"
#include "tok/normal.h"
#include "tok/tok.h"

struct engine {
    const rk_tok      *tok;
    struct share      *share;
    unsigned           flags;
    const struct quick *quick;                                        /* NULL: not there yet, or never, as in WordPiece, where bytes become others first */
    bool               forward;                                       /* a new word costs little */
    bool               stays;                                         /* what no merge joins stays as it is: no word is asked for whole */
    const struct wholes *wholes;                                      /* NULL: no word is known to be a token */
    struct cache       cache;
    struct cache_long  cache_long;
    struct cache_batch batch;
    lanes_learn       *learn;                                         /* NULL: new words go one by one */
    struct learnt      learnt;                                        /* of the batch */
    struct { size_t first, n; } made[CACHE_BATCH];                    /* of the batch's missed words: ids */
    struct bpe_scratch scratch;
    struct normal_text normal;                                        /* the stretch that is being encoded */
    struct bert_work   bert;
    bool               places;                                        /* wanted: */
    rk_span           *spans;                                         /* as many as ids from ids_begin on; in bytes of the text */
    size_t             ids_begin, room_spans;
};

/* Engines of all workers, and the chunks of text they are at. */
struct crew;
RK_CHECK rk_status crew_open(rk_ctx *ctx, const rk_tok *tok, struct share *share, unsigned flags, struct crew **crew);
void crew_close(rk_ctx *ctx, struct crew *t);                         /* NULL is fine */
bool crew_fits(const rk_ctx *ctx, const struct crew *t);              /* it has an engine for each of the context's workers */
/* As rk_tok_encoder_many. After a failure the crew is as it was. */
RK_CHECK rk_status crew_encode(rk_ctx *ctx, struct crew *t, const rk_text *texts, size_t n, rk_tok_take_fn *take, void *user);

void engine_open(struct engine *e, const rk_tok *tok, struct share *share, unsigned flags);
void engine_close(rk_ctx *ctx, struct engine *e);
RK_CHECK bool engine_expect(struct engine *e, size_t n);              /* so many bytes are to come, once or in all: caches for them, and what long texts need */
/* Appends the ids of text[0..n), which is whole or ends at an encode_cut. `offset` of the text is for messages. */
bool engine_encode(struct engine *e, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids);

/* Appends the ids of the words of text[0..size) that end at ends[0..n), n of CACHE_BATCH at most, the first beginning at `at`, to ids, which have room for BERT_IDS_PER_BYTE each byte, and CACHE_BEYOND. */
bool encode_batch(struct engine *e, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n, uint64_t offset, rk_ids *ids);

/* Places where text may be cut and both parts be encoded for themselves: the first at or after `from` (or n), the last (or 0). */
size_t encode_cut(const rk_tok *tok, const unsigned char *text, size_t n, size_t from);
size_t encode_cut_last(const rk_tok *tok, const unsigned char *text, size_t n, size_t from);

#endif
