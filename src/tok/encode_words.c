/* encode_words.c: a batch of words.
 *
 * What is in the cache costs little and needs no branch. The others are told apart before any is written: a word that is one token (wholes.h); one that stays bytes, since
 * no merge joins any of them, such as the spaces before a column; a word met before that is too long for the cache or has too many ids (cache_long.h). What is left
 * is new: short ones are merged together (lanes.h), others one by one. Caches learn when the batch is done. */
#include "tok/encode.h"
#include <string.h>

/* Of a missed word, where no token can be, whose highest bit is 0: long word number known - KNOWN_LONG; it stays bytes. */
#define KNOWN_LONG UINT32_C(0x80000000)
#define KNOWN_BYTES (NO_TOKEN - 1)

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

/* Appends the ids of missed word k of the batch, which is new, if it is one of those that are merged together. */
static bool take_learnt(struct engine *e, size_t k, rk_ids *ids)
{
    struct learnt *l = &e->learnt;
    if (e->learn == NULL) return false;
    if (l->next == l->n) e->learn(&e->quick->lanes, &e->batch, k, l);
    if (l->next == l->n || l->word[l->next] != e->batch.missed[k]) return false;
    memcpy(ids->at + ids->n, l->ids[l->next], sizeof l->ids[0]);
    ids->n += l->made[l->next++];
    return true;
}

/* Whether the cache of long words is for words of this length; short ones are there for their many ids, where making those takes longer than asking for them. */
static bool is_kept_long(const struct engine *e, size_t bytes) { return bytes <= LONG_BYTES && (bytes > CACHE_BYTES || !e->forward || e->learn != NULL); }

static uint32_t find_one(const struct engine *e, const uint64_t key[2], const unsigned char *word, size_t bytes)
{
    uint32_t token = e->wholes != NULL ? wholes_find(e->wholes, key) : NO_TOKEN, place;
    if (token != NO_TOKEN) return token;
    if (e->stays && bpe_stays_bytes(&e->tok->bpe, word, bytes)) return KNOWN_BYTES;
    if (!is_kept_long(e, bytes) || (place = long_find(&e->cache_long, word, bytes)) == LONG_NONE) return NO_TOKEN;
    return KNOWN_LONG + place;
}

/* What is known of the missed words. */
static void find_known(struct engine *e, const unsigned char *text, size_t at, const size_t *ends)
{
    struct cache_batch *b = &e->batch;
    for (size_t k = 0; k < b->n_missed && e->wholes != NULL; k++) __builtin_prefetch(wholes_home(e->wholes, b->key[b->missed[k]]));
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t r = b->missed[k], i = b->rest[r], begin = i == 0 ? at : ends[i - 1];
        b->known[k] = find_one(e, b->key[r], text + begin, ends[i] - begin);
    }
}

/* Appends the ids of missed word k of the batch. */
static bool encode_missed(struct engine *e, size_t k, const unsigned char *word, size_t bytes, uint64_t offset, rk_ids *ids)
{
    uint32_t known = e->batch.known[k], *to = ids->at + ids->n;
    if (known == NO_TOKEN) return (bytes <= CACHE_BYTES && take_learnt(e, k, ids)) || encode_word(e, word, bytes, offset, ids);
    if (known == KNOWN_BYTES) {
        for (size_t i = 0; i < bytes; i++) to[i] = e->tok->bpe.byte_id[word[i]];
        ids->n += bytes;
    } else if (known >= KNOWN_LONG) {
        const struct long_word *w = &e->cache_long.at[known - KNOWN_LONG];
        memcpy(to, w->ids, sizeof w->ids);
        ids->n += w->made;
    } else {
        *to = known;
        ids->n++;
    }
    return true;
}

/* Missed word k of the batch is in a cache from now on, if there is one for it. */
static void keep_missed(struct engine *e, size_t k, const unsigned char *word, size_t bytes, const uint32_t *ids, size_t made)
{
    cache_keep(&e->cache, &e->batch, e->batch.missed[k], ids, made);
    if (e->batch.known[k] == NO_TOKEN && is_kept_long(e, bytes) && (bytes > CACHE_BYTES || made > CACHE_IDS)) long_keep(&e->cache_long, word, bytes, ids, made);
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
    find_known(e, text, at, ends);
    e->learnt.n = e->learnt.next = 0;
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t to = b->rest[b->missed[k]], begin = to == 0 ? at : ends[to - 1];
        ids->n = (size_t)(body->answer(b, i, to, ids->at + ids->n) - ids->at);
        i = to + 1;
        e->made[k].first = ids->n;
        if (!encode_missed(e, k, text + begin, ends[to] - begin, offset + begin, ids)) return false;
        e->made[k].n = ids->n - e->made[k].first;
    }
    ids->n = (size_t)(body->answer(b, i, n, ids->at + ids->n) - ids->at);
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t w = b->rest[b->missed[k]], begin = w == 0 ? at : ends[w - 1];
        keep_missed(e, k, text + begin, ends[w] - begin, ids->at + e->made[k].first, e->made[k].n);
    }
    return true;
}

/* Clauses by themselves, others as far as there are some between them. */
bool encode_batch(struct engine *e, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n, uint64_t offset, rk_ids *ids)
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
