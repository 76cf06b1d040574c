/* brief.isa.c: brief words, and the ids of all words written. With AVX-512 eight words are made keys, sought and given their ids at once,
 * and the ids of four are written at once; otherwise one after the other, without a branch. */
#include "tok/cache.h"
#include "tok/words.h"

enum { READS = 8 };                                                   /* bytes that are read from where a word begins */

/* How many of the words begin where READS bytes can be read. */
static inline size_t readable(size_t size, size_t at, const size_t *ends, size_t n)
{
    while (n > 0 && (size < READS || (n > 1 ? ends[n - 2] : at) > size - READS)) n--;
    return n;
}

#if defined(ISA_AVX512)
#include <immintrin.h>

static inline __mmask8 lanes(size_t n) { return (__mmask8)(n >= 8 ? 0xffu : (1u << n) - 1); }

static inline __m128i two_texts(const unsigned char *one, const unsigned char *two)
{
    return _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(_mm_loadl_epi64((const void *)one)), (const void *)two));
}

static inline __m512i four_of(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1)), _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1), 1);
}

/* Eight bytes of each word. One load after the other is quicker than a gather. */
static inline __m512i eight_texts(const unsigned char *text, size_t at, const size_t *ends)
{
    return four_of(two_texts(text + at, text + ends[0]), two_texts(text + ends[1], text + ends[2]), two_texts(text + ends[3], text + ends[4]), two_texts(text + ends[5], text + ends[6]));
}

/* Of words that begin with these bytes and have so many. */
static inline __m512i keys_of(__m512i bytes, __m512i length)
{
    const __m512i all = _mm512_set1_epi64(-1), bits = _mm512_set1_epi64(64);
    __m512i kept = _mm512_and_si512(bytes, _mm512_srlv_epi64(all, _mm512_sub_epi64(bits, _mm512_slli_epi64(length, 3))));
    return _mm512_or_si512(kept, _mm512_slli_epi64(length, 56));
}

static inline __m512i four_slots(const struct cache_brief *slots, const uint64_t place[4])
{
    const __m128i *at = (const void *)slots;
    return four_of(_mm_load_si128(at + place[0]), _mm_load_si128(at + place[1]), _mm_load_si128(at + place[2]), _mm_load_si128(at + place[3]));
}

/* Two ids each into rows of four. */
static inline void put_rows(uint32_t rows[4][CACHE_IDS], __m512i slots)
{
    _mm512_storeu_si512(rows, _mm512_mask_shuffle_epi32(_mm512_set1_epi64(-1), 0x3333, slots, (_MM_PERM_ENUM)0xee));
}

/* The lanes of `which`; eight numbers are written, of which so many are meant. */
static inline size_t put_numbers(uint16_t *to, __mmask8 which, __m512i numbers)
{
    _mm_storeu_si128((void *)to, _mm512_cvtepi64_epi16(_mm512_maskz_compress_epi64(which, numbers)));
    return (size_t)__builtin_popcount(which);
}

void ISA_NAME(cache_seek_brief)
(const struct cache *c, struct cache_batch *b, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n)
{
    const __m512i mix = _mm512_set1_epi64((long long)BRIEF_MIX), most = _mm512_set1_epi64(BRIEF_BYTES), keys = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m128i shift = _mm_cvtsi32_si128((int)c->shift);
    const struct cache_brief *slots = c->brief;
    size_t whole = readable(size, at, ends, n), rest = 0;
    __m512i before = _mm512_set1_epi64((long long)at), number = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t places[8];
        size_t few[8];
        bool all = whole - i >= 8;
        __mmask8 those = lanes(whole - i);
        __m512i end = _mm512_maskz_loadu_epi64(those, ends + i), begin = _mm512_alignr_epi64(end, before, 7), length = _mm512_sub_epi64(end, begin);
        if (!all) _mm512_storeu_si512(few, _mm512_mask_mov_epi64(_mm512_set1_epi64((long long)at), those, begin));       /* where all can be read */
        __mmask8 brief = _mm512_mask_cmple_epu64_mask(those, length, most);
        __m512i key = keys_of(all ? eight_texts(text, i == 0 ? at : ends[i - 1], ends + i) : eight_texts(text, few[0], few + 1), length);
        _mm512_storeu_si512(places, _mm512_srl_epi64(_mm512_mullo_epi64(key, mix), shift));
        __m512i upper = four_slots(slots, places), lower = four_slots(slots, places + 4);
        __mmask8 found = _mm512_mask_cmpeq_epi64_mask(brief, key, _mm512_permutex2var_epi64(upper, keys, lower));
        put_rows(b->ids + i, upper);
        put_rows(b->ids + i + 4, lower);
        rest += put_numbers(b->rest + rest, (__mmask8)(those & ~found), number);
        number = _mm512_add_epi64(number, _mm512_set1_epi64(8));
        before = end;
    }
    for (size_t i = whole; i < n; i++) b->rest[rest++] = (uint16_t)i;
    b->n_rest = rest;
}

uint32_t *ISA_NAME(cache_answer)(const struct cache_batch *b, size_t i, size_t n, uint32_t *out)
{
    const __m512i none = _mm512_set1_epi32((int)NO_TOKEN);
    for (; i < n; i += 4) {
        __mmask16 those = (__mmask16)(n - i >= 4 ? 0xffffu : (1u << 4 * (n - i)) - 1);
        __m512i ids = _mm512_loadu_si512(b->ids[i]);
        __mmask16 kept = _mm512_mask_cmpneq_epi32_mask(those, ids, none);
        _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(kept, ids));
        out += (unsigned)__builtin_popcount(kept);
    }
    return out;
}
#else
/* What is kept of eight bytes for a word of so many, and its length. One that is longer has a key that no place has. */
struct shape { uint64_t kept, length; };
#define ROW(n) { ~UINT64_C(0) >> (64 - 8 * (n)), (uint64_t)(n) << 56 }
static const struct shape shapes[BRIEF_BYTES + 2] = {
    { 0, 0 }, ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), { 0, (uint64_t)(BRIEF_BYTES + 1) << 56 },
};
#undef ROW

void ISA_NAME(cache_seek_brief)
(const struct cache *c, struct cache_batch *b, const unsigned char *text, size_t size, size_t at, const size_t *ends, size_t n)
{
    size_t whole = readable(size, at, ends, n), rest = 0, i = 0;
    for (; i < whole; at = ends[i++]) {
        size_t length = ends[i] - at;
        const struct shape *shape = &shapes[length <= BRIEF_BYTES ? length : BRIEF_BYTES + 1];
        uint64_t key = (word_bytes(text + at) & shape->kept) | shape->length;
        const struct cache_brief *place = brief_home(c, key);
        memcpy(b->ids[i], place->ids, sizeof place->ids);
        b->ids[i][2] = b->ids[i][3] = NO_TOKEN;
        b->rest[rest] = (uint16_t)i;
        rest += place->key != key;
    }
    for (; i < n; i++) b->rest[rest++] = (uint16_t)i;
    b->n_rest = rest;
}

#if defined(ISA_AVX2)
#include <immintrin.h>

/* How many of four ids there are: those behind the last are NO_TOKEN, whose highest bit no id has. */
static inline unsigned put_ids(uint32_t *out, const uint32_t ids[CACHE_IDS])
{
    __m128i all = _mm_loadu_si128((const void *)ids);
    _mm_storeu_si128((void *)out, all);
    return (unsigned)_tzcnt_u32((unsigned)_mm_movemask_ps(_mm_castsi128_ps(all)) | 1u << CACHE_IDS);
}
#else
static inline unsigned put_ids(uint32_t *out, const uint32_t ids[CACHE_IDS])
{
    memcpy(out, ids, CACHE_IDS * sizeof *ids);
    return 1u + (ids[1] != NO_TOKEN) + (ids[2] != NO_TOKEN) + (ids[3] != NO_TOKEN);
}
#endif

uint32_t *ISA_NAME(cache_answer)(const struct cache_batch *b, size_t i, size_t n, uint32_t *out)
{
    for (; i < n; i++) out += put_ids(out, b->ids[i]);
    return out;
}
#endif
