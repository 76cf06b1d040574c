/* cache.h: words that were encoded before, and their ids: tables of one worker that grow as it meets words, up to a size, and then forget.
 *
 * Brief words first: nine in ten have up to 7 bytes and one or two ids, and few of them make up most of a text. Such a word is one integer, the
 * bytes and the length in the eighth, and with its ids it takes 16 bytes of a table that stays near the processor; with AVX-512 eight are looked
 * up at once. One place for each word: who was met last has it, when it was met before.
 *
 * The rest go to the table of all words. A word of up to 15 bytes is its own key: the bytes, and the length in the sixteenth. A set is two
 * words and one line of the processor's cache; of two, the older one leaves, for a free place in the set beside, if there is one: without that,
 * two words in a hundred share a set with two others, push each other out, and cost as much as all the rest. Words are looked up in batches: all
 * keys first, each asking for its line, so that the wait for one is the work on others; then where each is, and the list of those that are not
 * there, without a branch. Then ids are written, of all words between two that are not there. Nothing is put into the table of all words
 * before its batch is done. Bodies per instruction set in brief.isa.c and cache.isa.c. Not here: what a word that is not there encodes to (encode_words.c). */
#ifndef TOK_CACHE_H
#define TOK_CACHE_H
#include "base/isa.h"
#include "tok/share.h"
#include "tok/vocab.h"
#include <string.h>

enum { CACHE_IDS = 4, CACHE_MOST = 1 << 21, CACHE_BYTES = 15, CACHE_BATCH = 512 };        /* ids of a word, words (64 MiB), bytes of a word, words of a batch */
enum { BRIEF_BYTES = 7, BRIEF_IDS = 2, BRIEF_MOST = 1 << 15 };        /* bytes and ids of a brief word, words (512 KiB) */

struct cache_set { uint64_t key[2][2]; uint32_t ids[2][CACHE_IDS]; }; /* 64 bytes, at a multiple of 64; ids: NO_TOKEN behind the last */
struct cache_brief { uint64_t key; uint32_t ids[BRIEF_IDS]; };        /* the same */

struct cache {                                                        /* zero it to begin */
    struct cache_set   *sets;
    struct cache_brief *brief;
    size_t              room;                                         /* sets: 0 or a power of two, 2 at least */
    unsigned            shift;                                        /* 64 - bits of the number of brief words */
    void               *block;
    size_t              bytes;                                        /* of the block */
    size_t              kept;                                         /* words, since it was made; those that left again as well */
};

struct cache_batch {
    uint32_t ids[CACHE_BATCH + 4][CACHE_IDS];                         /* of the words that are there; NO_TOKEN behind the last; four are read at once */
    uint16_t rest[CACHE_BATCH + 8];                                   /* words that are not among the brief ones, in the order of the text */
    size_t   n_rest;
    uint64_t key[CACHE_BATCH][2];                                     /* of those */
    uint32_t set[CACHE_BATCH];                                        /* the same; in bytes of the table */
    uint16_t missed[CACHE_BATCH];                                     /* which of those are not there */
    uint32_t known[CACHE_BATCH];                                      /* of the missed: the token that it is; NO_TOKEN: it is new; more in encode_words.c */
    size_t   n_missed;
};

/* Room for `words` at least, a power of two; what was there moves, by a body's hash. */
typedef uint64_t cache_hash(const uint64_t key[2]);
RK_CHECK bool cache_make(struct share *s, struct cache *c, size_t words, cache_hash *hash);
/* Whether a larger one is worth it: where a fourth of the places is taken, words begin to push each other out. */
static inline bool cache_is_full(const struct cache *c) { return 2 * c->kept >= c->room && 2 * c->room < CACHE_MOST; }
void cache_clear(rk_ctx *ctx, struct cache *c);

/* The ids of brief words among the n that end at ends[0..n), the first beginning at `at`; the others are the rest. The text reaches to `size`. */
typedef void cache_seek_brief
(const struct cache *c, struct cache_batch *b, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n);
/* The keys of the rest. */
typedef void cache_ask(const struct cache *c, struct cache_batch *b, const unsigned char *text, size_t size, size_t at, const size_t *ends);
/* The ids of those that are in their sets. */
typedef void cache_find(const struct cache *c, struct cache_batch *b);
/* Writes the ids of words i to n - 1, which are there, to `out`, and returns its end. Writes up to CACHE_BEYOND beyond. */
typedef uint32_t *cache_answer(const struct cache_batch *b, size_t i, size_t n, uint32_t *out);
typedef unsigned char cache_greatest(const unsigned char *text, size_t n);       /* byte; 0 when there is none */
enum { CACHE_BEYOND = 16 };
struct cache_body {
    cache_seek_brief *seek_brief; cache_ask *ask; cache_find *find; cache_answer *answer;
    cache_hash *hash; cache_greatest *greatest;
};
extern const struct cache_body cache_bodies[ISA_COUNT];
#define X(isa) \
    cache_seek_brief cache_seek_brief_##isa; cache_ask cache_ask_##isa; cache_find cache_find_##isa; cache_answer cache_answer_##isa; \
    cache_hash cache_hash_##isa; cache_greatest cache_greatest_##isa;
FOR_EVERY_ISA(X)
#undef X

/* ---- brief words ---- */

#define BRIEF_MIX UINT64_C(0x9e3779b97f4a7c15)
static inline struct cache_brief *brief_home(const struct cache *c, uint64_t key) { return &c->brief[key * BRIEF_MIX >> c->shift]; }

/* A word that the table of all words has: brief from now on, if it is that short. */
static inline void brief_keep(const struct cache *c, const uint64_t key[2], const uint32_t ids[CACHE_IDS])
{
    if (key[1] >> 56 > BRIEF_BYTES || ids[BRIEF_IDS] != NO_TOKEN) return;
    *brief_home(c, key[0] | key[1]) = (struct cache_brief){ key[0] | key[1], { ids[0], ids[1] } };
}

/* ---- all words ---- */

/* The set where a hash is sought first, in bytes of the table. */
static inline uint32_t cache_home(const struct cache *c, uint64_t hash) { return (uint32_t)hash & (uint32_t)((c->room - 1) * sizeof(struct cache_set)); }
static inline struct cache_set *cache_set_at(const struct cache *c, size_t at) { return (struct cache_set *)(void *)((char *)c->sets + at); }
static inline size_t cache_beside(size_t set) { return set ^ sizeof(struct cache_set); }

/* One of the two words of the set is this: 1 for the first, 2 for the second. */
static inline unsigned cache_has(const struct cache_set *set, const uint64_t key[2])
{
    unsigned first = (set->key[0][0] == key[0]) & (set->key[0][1] == key[1]), second = (set->key[1][0] == key[0]) & (set->key[1][1] == key[1]);
    return first | second << 1;
}

/* The ids of word r of the rest, which may or may not be in this set; whether it is. */
static inline bool cache_take(const struct cache *c, struct cache_batch *b, size_t r, const struct cache_set *set, unsigned has)
{
    uint32_t *ids = b->ids[b->rest[r]];
    memcpy(ids, set->ids[has >> 1], sizeof b->ids[0]);
    if (has != 0) brief_keep(c, b->key[r], ids);
    return has != 0;
}

/* Finds some of the missed in the set beside their own. */
static inline void cache_find_beside(const struct cache *c, struct cache_batch *b)
{
    for (size_t k = 0; k < b->n_missed; k++) __builtin_prefetch(cache_set_at(c, cache_beside(b->set[b->missed[k]])));
    size_t missed = 0;
    for (size_t k = 0; k < b->n_missed; k++) {
        size_t r = b->missed[k];
        const struct cache_set *set = cache_set_at(c, cache_beside(b->set[r]));
        b->missed[missed] = (uint16_t)r;
        missed += !cache_take(c, b, r, set, cache_has(set, b->key[r]));
    }
    b->n_missed = missed;
}

static inline void cache_move(struct cache_set *to, int k, const struct cache_set *from, int j)
{
    to->key[k][0] = from->key[j][0];
    to->key[k][1] = from->key[j][1];
    for (int i = 0; i < CACHE_IDS; i++) to->ids[k][i] = from->ids[j][i];
}

/* `at`: in bytes of the table. */
static inline void cache_put(struct cache *c, size_t at, const uint64_t key[2], const uint32_t ids[CACHE_IDS])
{
    struct cache_set *set = cache_set_at(c, at), *beside = cache_set_at(c, cache_beside(at));
    if (set->key[1][1] != 0 && beside->key[1][1] == 0) cache_move(beside, 1, set, 1);
    cache_move(set, 1, set, 0);
    set->key[0][0] = key[0];
    set->key[0][1] = key[1];
    for (int k = 0; k < CACHE_IDS; k++) set->ids[0][k] = ids[k];
    c->kept++;
}

/* Keeps the ids of word r of the rest, `made` of them; not what is too long for it, nor a second time what the batch has twice. */
static inline void cache_keep(struct cache *c, const struct cache_batch *b, size_t r, const uint32_t *ids, size_t made)
{
    uint32_t all[CACHE_IDS];
    const uint64_t *key = b->key[r];
    if (key[1] >> 56 > CACHE_BYTES || made > CACHE_IDS || made == 0) return;
    if ((cache_has(cache_set_at(c, b->set[r]), key) | cache_has(cache_set_at(c, cache_beside(b->set[r])), key)) != 0) return;
    for (size_t k = 0; k < CACHE_IDS; k++) all[k] = k < made ? ids[k] : NO_TOKEN;
    cache_put(c, b->set[r], key, all);
}

#endif
