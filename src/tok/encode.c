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
    size_t made = bpe_word(&e->tok->bpe, e->share, &e->scratch, word, n, ids->at + ids->n);
    if (made == 0) return lacks_byte(e, word, n, offset);
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
        if (!SHARE_ROOM(e->share, ids->at, ids->room, ids->n + (ends[made - 1] - at) + CACHE_IDS)) return false;
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

static bool push(struct engine *e, rk_ids *ids, uint32_t id)
{
    if (!SHARE_ROOM(e->share, ids->at, ids->room, ids->n + 1)) return false;
    ids->at[ids->n++] = id;
    return true;
}

static bool encode_rest(struct engine *e, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    size_t at = 0, begin;
    const rk_special *found;
    while (specials_next(&e->tok->second, text, n, at, &begin, &found)) {
        if (!encode_words(e, text + at, begin - at, offset + at, ids) || !push(e, ids, found->id)) return false;
        at = begin + found->text.n;
    }
    return encode_words(e, text + at, n - at, offset + at, ids);
}

bool engine_encode(struct engine *e, const unsigned char *text, size_t n, uint64_t offset, rk_ids *ids)
{
    size_t at = 0, begin;
    const rk_special *found;
    if (n == 0) return true;
    if (!fit_cache(e, n)) return false;
    if (e->flags & RK_TOK_PLAIN) return encode_words(e, text, n, offset, ids);
    while (specials_next(&e->tok->first, text, n, at, &begin, &found)) {
        if (!encode_rest(e, text + at, begin - at, offset + at, ids) || !push(e, ids, found->id)) return false;
        at = begin + found->text.n;
    }
    return encode_rest(e, text + at, n - at, offset + at, ids);
}

static bool straddles(const rk_tok *tok, unsigned flags, const unsigned char *text, size_t cut)
{
    return !(flags & RK_TOK_PLAIN) && (specials_straddle(&tok->first, text, cut) || specials_straddle(&tok->second, text, cut));
}

size_t encode_cut(const rk_tok *tok, unsigned flags, const unsigned char *text, size_t n, size_t from)
{
    size_t i = split_safe(&tok->split, text, n, from);
    while (i < n && straddles(tok, flags, text, i)) i = split_safe(&tok->split, text, n, i + 1);
    return i;
}

size_t encode_cut_last(const rk_tok *tok, unsigned flags, const unsigned char *text, size_t n, size_t from)
{
    size_t i = split_safe_last(&tok->split, text, n, from);
    while (i > 0 && straddles(tok, flags, text, i)) i = split_safe_last(&tok->split, text, i, from);
    return i;
}
