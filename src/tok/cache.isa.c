/* cache.isa.c: keys in one register, both words of a set compared at once, no branch. */
#include "tok/cache.h"
#include "tok/words.h"
#include <string.h>

enum { STEP = 64 };                                                   /* bytes of which compilers make vectors */

unsigned char ISA_NAME(cache_greatest)(const unsigned char *text, size_t n)
{
    unsigned char most[STEP] = { 0 };
    size_t i = 0;
    for (; n - i >= STEP; i += STEP)
        for (size_t k = 0; k < STEP; k++) most[k] = most[k] > text[i + k] ? most[k] : text[i + k];
    for (; i < n; i++) most[0] = most[0] > text[i] ? most[0] : text[i];
    for (size_t k = 1; k < STEP; k++) most[0] = most[0] > most[k] ? most[0] : most[k];
    return most[0];
}

#if defined(ISA_AVX2) || defined(ISA_AVX512)
#include <immintrin.h>

enum { WIDE = 16 };                                                   /* bytes of a key */

/* For a word of so many bytes: the bytes that are kept, and the last one. A longer word has a key that no word has. */
struct shape { uint64_t keep[2], last[2]; };
#define FIRST(n) ((n) == 0 ? 0 : ~UINT64_C(0) >> (64 - 8 * ((n) == 0 ? 1 : (n))))
#define ROW(n) { { FIRST((n) < 8 ? (n) : 8), FIRST((n) < 8 ? 0 : (n) - 8) }, { 0, (uint64_t)(n) << 56 } }
static const struct shape shapes[WIDE + 1] __attribute__((aligned(32))) = {
    ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15), { { 0, 0 }, { 0, ~UINT64_C(0) } },
};

static inline __m128i read16(const void *p) { return _mm_loadu_si128(p); }

uint64_t ISA_NAME(cache_hash)(const uint64_t key[2]) { return _mm_crc32_u64(_mm_crc32_u64(0, key[0]), key[1]); }

/* What a loop needs, where the compiler knows that no store changes it. */
struct table { const struct cache_set *sets; uint32_t mask; };        /* mask: of bytes */

static inline __attribute__((always_inline)) void ask(struct table t, struct cache_batch *b, size_t r, const unsigned char *word, size_t n)
{
    const struct shape *shape = &shapes[n < WIDE ? n : WIDE];
    __m128i key = _mm_or_si128(_mm_and_si128(read16(word), read16(shape->keep)), read16(shape->last));
    uint64_t hash = _mm_crc32_u64(_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(key)), (uint64_t)_mm_extract_epi64(key, 1));
    uint32_t set = (uint32_t)hash & t.mask;
    _mm_storeu_si128((void *)b->key[r], key);
    b->set[r] = set;
    _mm_prefetch((const char *)t.sets + set, _MM_HINT_T0);
}

void ISA_NAME(cache_ask)(const struct cache *c, struct cache_batch *b, const unsigned char *text, size_t size, size_t at, const size_t *ends)
{
    unsigned char tail[3 * WIDE] = { 0 };                             /* the end of the text, and what may be read behind it */
    struct table t = { c->sets, cache_home(c, UINT64_MAX) };
    size_t from = size < WIDE ? 0 : size - WIDE, r = 0, n = b->n_rest;
    for (; r < n && size >= WIDE; r++) {
        size_t i = b->rest[r], begin = i == 0 ? at : ends[i - 1];
        if (begin > from) break;
        ask(t, b, r, text + begin, ends[i] - begin);
    }
    if (r == n) return;
    memcpy(tail, text + from, size - from);
    for (; r < n; r++) {
        size_t i = b->rest[r], begin = i == 0 ? at : ends[i - 1];
        ask(t, b, r, tail + (begin - from), ends[i] - begin);
    }
}

void ISA_NAME(cache_find)(const struct cache *c, struct cache_batch *b)
{
    size_t missed = 0, n = b->n_rest;
    for (size_t r = 0; r < n; r++) {
        const struct cache_set *set = cache_set_at(c, b->set[r]);
        __m256i key = _mm256_broadcastsi128_si256(read16(b->key[r]));
        unsigned same = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(key, _mm256_load_si256((const void *)set->key))));
        same = same & same >> 1 & 5;                                  /* 1: the first of the two, 4: the second */
        b->missed[missed] = (uint16_t)r;
        missed += !cache_take(c, b, r, set, (same | same >> 1) & 3);
    }
    b->n_missed = missed;
}
#else
uint64_t ISA_NAME(cache_hash)(const uint64_t key[2]) { return word_mix(key[0], key[1]); }

void ISA_NAME(cache_ask)(const struct cache *c, struct cache_batch *b, const unsigned char *text, size_t size, size_t at, const size_t *ends)
{
    for (size_t r = 0; r < b->n_rest; r++) {
        size_t i = b->rest[r], begin = i == 0 ? at : ends[i - 1], length = ends[i] - begin;
        struct word_key key = { 0, UINT64_MAX, 0 };                   /* of what is too long: the key of no word */
        if (length <= CACHE_BYTES) key = word_key(text + begin, length, size - begin);
        b->key[r][0] = key.low;
        b->key[r][1] = key.high;
        b->set[r] = cache_home(c, key.hash);
        __builtin_prefetch(cache_set_at(c, b->set[r]));
    }
}

void ISA_NAME(cache_find)(const struct cache *c, struct cache_batch *b)
{
    b->n_missed = 0;
    for (size_t r = 0; r < b->n_rest; r++) {
        const struct cache_set *set = cache_set_at(c, b->set[r]);
        b->missed[b->n_missed] = (uint16_t)r;
        b->n_missed += !cache_take(c, b, r, set, cache_has(set, b->key[r]));
    }
}
#endif
