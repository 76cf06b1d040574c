/* encode.c: a text by one worker.
 *
 * Nine words in ten are one token and have been seen before, so a word of up to 15 bytes is looked up first, whole, with what the
 * merges made of it the last time. The cache is never seeded with the vocabulary: an entry of a vocabulary need not be what the merges
 * make of its bytes. Two entries per set, the older one leaves; so it is bounded and needs no clearing. */
#include "tok/encode.h"

enum { BATCH = 256 };
#define N_IDS_SHIFT 60
#define KEY_BITS (~((uint64_t)0xf << N_IDS_SHIFT))

void engine_open(struct engine *e, const rk_tok *tok, struct share *share, unsigned flags)
{
    *e = (struct engine){ .tok = tok, .share = share, .flags = flags };
}

/* A short text is not worth clearing a large cache for. One that grows forgets, which is cheaper than moving. */
static bool fit_cache(struct engine *e, size_t n)
{
    size_t room = 64;
    e->seen += n;
    while (room < CACHE_MOST && room < e->seen / 16) room *= 2;
    if (e->room >= room || (e->room > 0 && e->room * 4 > room)) return true;
    share_free(e->share, e->cache, e->room, sizeof *e->cache);
    e->cache = NULL;
    e->room = 0;
    if (!share_resize(e->share, (void **)&e->cache, 0, room, sizeof *e->cache, "a cache of words")) return false;
    e->room = room;
    return true;
}

void engine_close(rk_ctx *ctx, struct engine *e)
{
    FREE(e->cache, e->room);
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

static bool miss(struct engine *e, const struct word_key *key, struct cached *set, const unsigned char *word, size_t n, uint64_t offset, rk_ids *ids)
{
    size_t made = 0, first = ids->n;
    if (!e->tok->bert.used) {
        made = bpe_word(&e->tok->bpe, e->share, &e->scratch, word, n, ids->at + ids->n);
        if (made == 0) return lacks_byte(e, word, n, offset);
    } else {
        if (!bert_encode(&e->tok->bert, &e->tok->vocab, e->share, &e->bert, word, n, ids)) return false;
        made = ids->n - first;
        ids->n = first;
    }
    if (n <= WORD_INLINE && made <= CACHE_IDS) {
        set[1] = set[0];
        set[0] = (struct cached){ key->low, key->high | (uint64_t)made << N_IDS_SHIFT, { 0 } };
        memcpy(set[0].ids, ids->at + ids->n, made * sizeof *ids->at);
    }
    ids->n += made;
    return true;
}

static inline struct cached *set_of(const struct engine *e, uint64_t hash) { return e->cache + (hash & (e->room - 2)); }

static bool encode_run(struct engine *e, struct split_run *run, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    size_t at = 0, ends[BATCH], made;
    struct word_key keys[BATCH];
    while ((made = split_next(run, ends, BATCH)) > 0) {
        if (!SHARE_ROOM(e->share, ids->at, ids->room, ids->n + BERT_IDS_PER_BYTE * (ends[made - 1] - at) + CACHE_IDS)) return false;
        size_t begin = at;
        for (size_t i = 0; i < made; i++) {
            keys[i] = word_key(text + begin, ends[i] - begin, n - begin);
            __builtin_prefetch(set_of(e, keys[i].hash));
            begin = ends[i];
        }
        for (size_t i = 0; i < made; i++) {
            struct cached *set = set_of(e, keys[i].hash);
            unsigned first = (set[0].low == keys[i].low) & ((set[0].high & KEY_BITS) == keys[i].high);       /* & and not &&: no branch */
            unsigned second = (set[1].low == keys[i].low) & ((set[1].high & KEY_BITS) == keys[i].high);
            if (first | second) {
                const struct cached *hit = set + second;
                memcpy(ids->at + ids->n, hit->ids, sizeof hit->ids);
                ids->n += (size_t)(hit->high >> N_IDS_SHIFT);
            } else if (!miss(e, &keys[i], set, text + at, ends[i] - at, offset + at, ids)) {
                return false;
            }
            at = ends[i];
        }
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
    if (e->tok->trims) special_trim(text, &m);
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
    struct special_walk walk = { .plain = e->flags & RK_TOK_PLAIN };
    struct special_match m;
    if (e->tok->bert.used) return e->places ? encode_bert(e, stretch, n, offset, ids) : encode_words(e, stretch, n, offset, ids);
    if (!normal_make(e->share, &e->normal, stretch, n, e->tok->form, e->flags & RK_TOK_REPLACE)) return false;
    while (specials_next(&e->tok->second, e->normal.at, e->normal.n, &walk, &m)) {
        if (!encode_text(e, stretch, walk.taken, m.begin, offset, ids) || !push(e, ids, m.token->id, place_of(e, stretch, offset, e->normal.at, m))) return false;
        walk.taken = m.end;
    }
    return encode_text(e, stretch, walk.taken, e->normal.n, offset, ids);
}

bool engine_encode(struct engine *e, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    struct special_walk walk = { .plain = e->flags & RK_TOK_PLAIN };
    struct special_match m;
    if (n == 0) return true;
    if (!fit_cache(e, n)) return false;
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
