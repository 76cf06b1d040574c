/* encode.c: a text by one worker. Its words go in batches, to encode_words.c. */
#include "tok/encode.h"
#include <string.h>

void engine_open(struct engine *e, const rk_tok *tok, struct share *share, unsigned flags)
{
    *e = (struct engine){ .tok = tok, .share = share, .flags = flags, .stays = !tok->bert.used && tok->bpe.whole == NULL };
}

enum { FIRST_WORDS = 64, EARLY_WORDS = 1 << 13, GROWTH = 4 };       /* of the cache: for a short text, for a long one, and how many times as many when it is full */

/* Caches for so many words, with what they know; not for a few words also what is known of seams, which is half a megabyte. */
static bool make_caches(struct engine *e, size_t words)
{
    if (e->forward && words > FIRST_WORDS && !forward_keep(e->share, &e->scratch.forward)) return false;
    return cache_make(e->share, &e->cache, words, cache_bodies[e->tok->isa].hash) && cache_long_make(e->share, &e->cache_long, words / 4);
}

/* What is there by now of the tables for long texts. */
static bool take_quick(struct engine *e, size_t n)
{
    const struct quick *q = e->tok->bert.used ? NULL : quick_ask(&e->tok->bpe, &e->tok->vocab, n);
    if (q == NULL) return true;
    e->quick = q;
    e->forward = q->forward.ready;
    e->stays = !q->asks_whole;
    e->learn = q->lanes.ready && !q->asks_whole ? lanes_bodies[e->tok->isa] : NULL;
    e->wholes = q->wholes.room > 0 ? &q->wholes : NULL;
    return !e->forward || e->cache.room <= FIRST_WORDS || forward_keep(e->share, &e->scratch.forward);
}

/* A short text is not worth clearing a large cache for. */
bool engine_expect(struct engine *e, size_t n)
{
    size_t words = n > 16 * EARLY_WORDS ? EARLY_WORDS : FIRST_WORDS;
    if (e->quick == NULL && !take_quick(e, n)) return false;
    return e->cache.room > 0 || make_caches(e, words);
}

void engine_close(rk_ctx *ctx, struct engine *e)
{
    cache_clear(ctx, &e->cache);
    cache_long_clear(ctx, &e->cache_long);
    bpe_scratch_clear(ctx, &e->scratch);
    normal_clear(ctx, &e->normal);
    bert_clear(ctx, &e->bert);
    FREE(e->spans, e->room_spans);
}

static bool encode_run(struct engine *e, struct split_run *run, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    size_t at = 0, ends[CACHE_BATCH], made;
    while ((made = split_next(run, ends, CACHE_BATCH)) > 0) {
        size_t end = ends[made - 1];
        if (!SHARE_ROOM(e->share, ids->at, ids->room, ids->n + BERT_IDS_PER_BYTE * (end - at) + CACHE_BEYOND)) return false;
        if (cache_is_full(&e->cache) && !make_caches(e, 2 * GROWTH * e->cache.room)) return false;
        if (!encode_batch(e, text, n, at, ends, made, offset, ids)) return false;
        at = end;
    }
    return !share_failed(e->share);
}

static bool encode_words(struct engine *e, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    struct split_run run;
    bool done = split_begin(&run, &e->tok->split, e->share, text, n) && encode_run(e, &run, text, n, offset, ids);
    split_end(&run);
    return done;
}

/* ---- where tokens stand ---- */

static bool put_span(struct engine *e, const rk_ids *ids, size_t i, size_t begin, size_t end)
{
    size_t k = i - e->ids_begin;
    if (!e->places) return true;
    if (!SHARE_ROOM(e->share, e->spans, e->room_spans, ids->n - e->ids_begin)) return false;
    e->spans[k] = (rk_span){ begin, end };
    return true;
}

/* Bytes [begin, end) of the stretch that begins at `offset`, as bytes of the text. */
static rk_span source(const struct engine *e, const unsigned char *stretch, uint64_t offset, size_t begin, size_t end)
{
    const struct normal_text *t = &e->normal;
    if (t->at == stretch || begin == end) return (rk_span){ (size_t)offset + begin, (size_t)offset + end };
    return (rk_span){ (size_t)offset + t->places[begin].begin, (size_t)offset + t->places[end - 1].end };
}

/* Words of the stretch from at on; their tokens, put together, are their bytes. */
static bool encode_text(struct engine *e, const unsigned char *stretch, size_t at, size_t end, uint64_t offset, rk_ids *ids)
{
    size_t first = ids->n;
    if (at >= end) return true;
    if (!encode_words(e, e->normal.at + at, end - at, offset + at, ids)) return false;
    for (size_t i = first; i < ids->n && e->places; i++) {
        size_t length = e->tok->vocab.tokens[ids->at[i]].n;
        rk_span s = source(e, stretch, offset, at, at + length);
        if (!put_span(e, ids, i, s.begin, s.end)) return false;
        at += length;
    }
    return true;
}

/* Of a special token in `text`, which is the stretch or what the normalizer made of it. */
static rk_span place_of(const struct engine *e, const unsigned char *stretch, uint64_t offset, const unsigned char *text, struct special_match m)
{
    if (!e->places) return (rk_span){ 0, 0 };
    if (e->tok->frames.trims) special_trim(text, &m, e->tok->frames.keeps_first && offset + m.begin == 0);
    if (text != stretch && m.begin == m.end && m.begin > 0) {         /* nothing left: the end of what was before */
        rk_span before = source(e, stretch, offset, m.begin - 1, m.begin);
        return (rk_span){ before.end, before.end };
    }
    if (text == stretch) return (rk_span){ (size_t)offset + m.begin, (size_t)offset + m.end };
    return source(e, stretch, offset, m.begin, m.end);
}

static bool push(struct engine *e, rk_ids *ids, uint32_t id, rk_span place)
{
    if (!SHARE_ROOM(e->share, ids->at, ids->room, ids->n + 1)) return false;
    ids->at[ids->n++] = id;
    return put_span(e, ids, ids->n - 1, place.begin, place.end);
}

/* ---- special tokens, and what is between them ---- */

static bool encode_bert(struct engine *e, const unsigned char *stretch, size_t n, uint64_t offset, rk_ids *ids)
{
    size_t first = ids->n;
    if (!bert_encode(&e->tok->bert, &e->tok->vocab, e->share, &e->bert, stretch, n, ids)) return false;
    for (size_t i = first; i < ids->n && e->places; i++) {
        rk_span s = e->bert.spans[i - first];
        if (!put_span(e, ids, i, (size_t)offset + s.begin, (size_t)offset + s.end)) return false;
    }
    return true;
}

static bool encode_stretch(struct engine *e, const unsigned char *stretch, size_t n, uint64_t offset, rk_ids *ids)
{
    struct special_walk walk;
    struct special_match m;
    if (e->tok->bert.used) return e->places ? encode_bert(e, stretch, n, offset, ids) : encode_words(e, stretch, n, offset, ids);
    special_begin(&walk, e->flags & RK_TOK_PLAIN);
    if (!normal_make(e->share, &e->normal, stretch, n, e->tok->form, e->flags & RK_TOK_REPLACE)) return false;
    while (specials_next(&e->tok->second, e->normal.at, e->normal.n, &walk, &m)) {
        if (!encode_text(e, stretch, walk.taken, m.begin, offset, ids) || !push(e, ids, m.token->id, place_of(e, stretch, offset, e->normal.at, m))) return false;
        walk.taken = m.end;
    }
    return encode_text(e, stretch, walk.taken, e->normal.n, offset, ids);
}

bool engine_encode(struct engine *e, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    struct special_walk walk;
    struct special_match m;
    if (n == 0) return true;
    if (!engine_expect(e, n)) return false;
    special_begin(&walk, e->flags & RK_TOK_PLAIN);
    while (specials_next(&e->tok->first, text, n, &walk, &m)) {
        rk_span place = place_of(e, text, offset, text, m);
        if (m.begin > walk.taken && !encode_stretch(e, text + walk.taken, m.begin - walk.taken, offset + walk.taken, ids)) return false;
        if (!push(e, ids, m.token->id, place)) return false;
        walk.taken = m.end;
    }
    return walk.taken >= n || encode_stretch(e, text + walk.taken, n - walk.taken, offset + walk.taken, ids);
}

static bool straddles(const rk_tok *tok, const unsigned char *text, size_t cut)
{
    return specials_straddle(&tok->first, text, cut) || specials_straddle(&tok->second, text, cut);
}

size_t encode_cut(const rk_tok *tok, const unsigned char *text, size_t n, size_t from)
{
    size_t i = split_safe(&tok->split, text, n, from);
    while (i < n && straddles(tok, text, i)) i = split_safe(&tok->split, text, n, i + 1);
    return i;
}

size_t encode_cut_last(const rk_tok *tok, const unsigned char *text, size_t n, size_t from)
{
    size_t i = split_safe_last(&tok->split, text, n, from);
    while (i > 0 && straddles(tok, text, i)) i = split_safe_last(&tok->split, text, i, from);
    return i;
}

size_t rk_tok_cut(const void *tok, const char *text, size_t n) { return encode_cut_last(tok, (const unsigned char *)text, n, 0); }
