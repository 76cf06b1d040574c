/* encode.c: a text by one worker.
 *
 * Nine words in ten are one token and have been seen before, so a word of up to 15 bytes is looked up first, whole, with what the
 * merges made of it the last time (cache.h); then, since half of the words that are new are one token, in a table of such words (wholes.h). */
#include "tok/encode.h"
#include "tok/words.h"
#include <string.h>

void engine_open(struct engine *e, const rk_tok *tok, struct share *share, unsigned flags)
{
    *e = (struct engine){ .tok = tok, .share = share, .flags = flags };
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

static bool lacks_byte(struct engine *e, const unsigned char *word, size_t n, uint64_t offset)
{
    if (share_failed(e->share)) return false;
    size_t i = 0;
    while (i + 1 < n && e->tok->bpe.byte_id[word[i]] != NO_TOKEN) i++;
    return share_fail(e->share, RK_E_FORMAT, "cannot encode byte 0x%02x at byte %llu of the text: the vocabulary has no token for it", word[i], (unsigned long long)(offset + i));
}

/* Appends the ids of a word by the model itself. */
static bool encode_word(struct engine *e, const unsigned char *word, size_t n, uint64_t offset, rk_ids *ids)
{
    if (e->tok->bert.used) return bert_encode(&e->tok->bert, &e->tok->vocab, e->share, &e->bert, word, n, ids);
    size_t made = bpe_word(&e->tok->bpe, e->quick, e->share, &e->scratch, word, n, ids->at + ids->n);
    ids->n += made;
    return made > 0 || lacks_byte(e, word, n, offset);
}

/* Appends the ids of missed word k of the batch, if it is one of those that are learnt together. */
static bool take_learnt(struct engine *e, size_t k, rk_ids *ids)
{
    struct learnt *l = &e->learnt;
    size_t r = e->batch.missed[k];
    if (e->learn == NULL) return false;
    while (l->next < l->n && l->word[l->next] < r) l->next++;        /* those that were found among the long ones */
    if (l->next == l->n) e->learn(&e->quick->lanes, &e->batch, k, l);
    if (l->next == l->n || l->word[l->next] != r) return false;
    memcpy(ids->at + ids->n, l->ids[l->next], sizeof l->ids[0]);
    ids->n += l->made[l->next++];
    return true;
}

/* Missed word k of the batch. */
static bool encode_new(struct engine *e, size_t k, const unsigned char *word, size_t bytes, uint64_t offset, rk_ids *ids)
{
    if (e->batch.whole[k] != NO_TOKEN) {
        ids->at[ids->n++] = e->batch.whole[k];
        return true;
    }
    if (bytes > LONG_BYTES || (bytes <= CACHE_BYTES && e->forward && e->learn == NULL)) return encode_word(e, word, bytes, offset, ids);
    const struct long_word *w = long_find(&e->cache_long, word, bytes);
    size_t first = ids->n;
    if (w != NULL) {
        memcpy(ids->at + first, w->ids, sizeof w->ids);
        ids->n += w->made;
        return true;
    }
    if (!(bytes <= CACHE_BYTES && take_learnt(e, k, ids)) && !encode_word(e, word, bytes, offset, ids)) return false;
    if (bytes > CACHE_BYTES || ids->n - first > CACHE_IDS) long_keep(&e->cache_long, word, bytes, ids->at + first, ids->n - first);
    return true;
}

/* Which of the missed words are one token. */
static void find_wholes(const struct wholes *w, struct cache_batch *b)
{
    for (size_t k = 0; k < b->n_missed && w != NULL; k++) __builtin_prefetch(wholes_home(w, b->key[b->missed[k]]));
    for (size_t k = 0; k < b->n_missed; k++) b->whole[k] = w != NULL ? wholes_find(w, b->key[b->missed[k]]) : NO_TOKEN;
}

/* Words of the text, some in the cache. */
static bool encode_known(struct engine *e, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n, uint64_t offset, rk_ids *ids)
{
    const struct cache_body *body = &cache_bodies[e->tok->isa];
    struct cache_batch *b = &e->batch;
    size_t i = 0;
    body->seek_brief(&e->cache, b, text, size, at, ends, n);
    body->ask(&e->cache, b, text, size, at, ends);
    body->find(&e->cache, b);
    cache_find_beside(&e->cache, b);
    find_wholes(e->wholes, b);
    e->learnt.n = e->learnt.next = 0;
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t to = b->rest[b->missed[k]], begin = to == 0 ? at : ends[to - 1];
        ids->n = (size_t)(body->answer(b, i, to, ids->at + ids->n) - ids->at);
        i = to + 1;
        e->made[k].first = ids->n;
        if (!encode_new(e, k, text + begin, ends[to] - begin, offset + begin, ids)) return false;
        e->made[k].n = ids->n - e->made[k].first;
    }
    ids->n = (size_t)(body->answer(b, i, n, ids->at + ids->n) - ids->at);
    for (size_t k = 0; k < b->n_missed; k++) cache_keep(&e->cache, b, b->missed[k], ids->at + e->made[k].first, e->made[k].n);
    return true;
}

/* Words of the text: clauses by themselves, others as far as there are some between them. */
static bool encode_batch(struct engine *e, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n, uint64_t offset, rk_ids *ids)
{
    if (!e->forward || e->quick->asks_whole || cache_bodies[e->tok->isa].greatest(text + at, ends[n - 1] - at) < FORWARD_CLAUSE) return encode_known(e, text, size, at, ends, n, offset, ids);
    for (size_t i = 0, k; i < n; i = k) {
        uint32_t *to = ids->at + ids->n;
        k = i + forward_clauses(&e->quick->forward, e->share, &e->scratch.forward, text, at, ends + i, n - i, &to);
        ids->n = (size_t)(to - ids->at);
        if (k > i) at = ends[k - 1];
        for (i = k; k < n && !forward_is_clause(text + (k == i ? at : ends[k - 1]), ends[k] - (k == i ? at : ends[k - 1]));) k++;
        if (k == i && k < n) return lacks_byte(e, text + at, ends[k] - at, offset + at);
        if (k > i && !encode_known(e, text, size, at, ends + i, k - i, offset, ids)) return false;
        if (k > i) at = ends[k - 1];
    }
    return true;
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
