/* lanes.isa.c: four words in lanes. Lane i, from 1 on, is the token that begins at byte i - 1; lane 0 and those from 16 on are ids that pair with nothing. */
#include "tok/lanes.h"
#include "tok/vocab.h"
#if defined(ISA_AVX512)
#include <immintrin.h>

#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))
enum { ABREAST = 4, BEHIND = LANES, NOBODY = (1 << LANES_ID_BITS) - 1, SHIFT = 4 };        /* words at once; the lane behind the last; no id; bits of a lane's number */

struct question { uint64_t key; size_t bucket; };
struct word {
    __m512i         ranks;                                            /* << SHIFT | lane, the highest bit set: no pair */
    uint64_t        left;                                             /* lanes that are */
    uint32_t        ids[2 * LANES], at, gone, before, does;           /* by lane; of the merge that is under way: its lanes, the one before, whether there is one */
    struct question right, back;
};

/* The rank of the pair of this key, looked for from `bucket` on; all ones: there is none. */
INLINE uint32_t find(const struct lanes *l, uint64_t key, size_t bucket)
{
    const __m512i keys = _mm512_set1_epi64((long long)key), most = _mm512_set1_epi64(1 << LANES_RANK_BITS), none = _mm512_set1_epi64(-1);
    for (;; bucket = (bucket + 1) & (((size_t)1 << l->bits) - 1)) {
        const uint64_t *at = l->slots + bucket * LANES_PAIRS;
        __m512i other = _mm512_xor_si512(_mm512_load_si512(at), keys);
        __mmask8 same = _mm512_cmplt_epu64_mask(other, most);
        uint32_t rank = (uint32_t)_mm512_cvtsi512_si32(_mm512_mask_compress_epi64(none, same, other));
        if (__builtin_expect(at[LANES_PAIRS - 1] == UINT64_MAX, 1) || same != 0) return rank;        /* a full bucket, seldom: it may be in the next */
    }
}

INLINE void ask(const struct lanes *l, struct question *q, uint32_t left, uint32_t right)
{
    q->key = lanes_key(left, right);
    q->bucket = lanes_home(l, q->key);
    _mm_prefetch((const char *)(l->slots + q->bucket * LANES_PAIRS), _MM_HINT_T0);
}

INLINE void begin(const struct lanes *l, struct word *w, const uint64_t key[2])
{
    __m128i bytes = _mm_loadu_si128((const void *)key);
    unsigned n = (unsigned)(key[1] >> 56);
    __m512i these = _mm512_cvtepu8_epi32(bytes), next = _mm512_cvtepu8_epi32(_mm_srli_si128(bytes, 1)), none = _mm512_set1_epi32(-1);
    __m512i ranks = _mm512_mask_i32gather_epi32(none, (__mmask16)((1u << (n - 1)) - 1), _mm512_or_si512(_mm512_slli_epi32(these, 8), next), l->first, 4);
    ranks = _mm512_or_si512(_mm512_slli_epi32(ranks, SHIFT), _mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15));
    w->ranks = _mm512_alignr_epi32(ranks, none, LANES - 1);           /* one lane up: what begins at the first byte is lane 1 */
    _mm512_storeu_si512(w->ids + 1, _mm512_mask_i32gather_epi32(_mm512_set1_epi32(NOBODY), (__mmask16)((1u << n) - 1), these, l->byte_id, 4));
    w->ids[0] = w->ids[BEHIND] = w->ids[BEHIND + 1] = NOBODY;
    w->left = ((UINT64_C(1) << n) - 1) << 1 | 1 | UINT64_C(3) << BEHIND;
}

INLINE uint32_t least(__m512i v)
{
    __m256i a = _mm256_min_epu32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i b = _mm_min_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    b = _mm_min_epu32(b, _mm_shuffle_epi32(b, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_min_epu32(b, _mm_shuffle_epi32(b, 0xb1)));
}

/* A merge, or, where there is none left, work for nothing, behind the last lane: 0. Its two look-ups are asked for. */
INLINE uint32_t choose(const struct lanes *l, struct word *w)
{
    uint32_t best = least(w->ranks), over = (uint32_t)((int32_t)best >> 31), does = over + 1;
    uint32_t i = (best & (LANES - 1)) | (over & BEHIND), id = (((best >> SHIFT) + l->shift) | over) & NOBODY;
    uint64_t behind = w->left & ~UINT64_C(1) << i;
    unsigned j = (unsigned)_tzcnt_u64(behind) & 63, after = (unsigned)_tzcnt_u64(behind & (behind - 1)) & (2 * LANES - 1);
    unsigned before = 63 - (unsigned)__builtin_clzll((w->left & ((UINT64_C(1) << i) - 1)) | 1);
    w->ids[i] = id;
    w->left &= ~((uint64_t)does << j);
    ask(l, &w->right, id, w->ids[after]);
    ask(l, &w->back, w->ids[before], id);
    w->at = i;
    w->gone = j;
    w->before = before;
    return w->does = does;
}

INLINE void merge(const struct lanes *l, struct word *w)
{
    uint32_t right = find(l, w->right.key, w->right.bucket), back = find(l, w->back.key, w->back.bucket);
    __m512i ranks = _mm512_mask_set1_epi32(w->ranks, (__mmask16)(1u << w->at), (int)(right << SHIFT | w->at));
    ranks = _mm512_mask_set1_epi32(ranks, (__mmask16)((uint64_t)w->does << w->gone), -1);
    w->ranks = _mm512_mask_set1_epi32(ranks, (__mmask16)((w->does << w->before) & ~1u), (int)(back << SHIFT | w->before));
}

INLINE uint8_t end(const struct word *w, uint32_t ids[LANES])
{
    unsigned left = (unsigned)(w->left >> 1) & ((1u << (LANES - 1)) - 1);
    _mm512_storeu_si512(ids, _mm512_maskz_compress_epi32((__mmask16)left, _mm512_loadu_si512(w->ids + 1)));
    return (uint8_t)__builtin_popcount(left);
}

/* Words of `to`, so many of them; behind its last, the last again. */
INLINE void merge_abreast(const struct lanes *l, const struct cache_batch *b, struct learnt *to, size_t from, const size_t many)
{
    struct word w[ABREAST];
    uint32_t more;
    for (size_t k = 0; k < many; k++) begin(l, &w[k], b->key[to->word[from + k < to->n ? from + k : to->n - 1]]);
    for (;;) {
        more = 0;
        UNROLL for (size_t k = 0; k < many; k++) more |= choose(l, &w[k]);
        if (more == 0) break;
        UNROLL for (size_t k = 0; k < many; k++) merge(l, &w[k]);
    }
    for (size_t k = 0; k < many; k++) to->made[from + k] = end(&w[k], to->ids[from + k]);
}

lanes_learn lanes_learn_avx512;

void lanes_learn_avx512(const struct lanes *l, const struct cache_batch *b, size_t k, struct learnt *to)
{
    size_t made = 0;
    for (; k < b->n_missed && made < LANES_WORDS; k++) {
        to->word[made] = b->missed[k];
        made += (b->key[b->missed[k]][1] >> 56 <= CACHE_BYTES) & (b->known[k] == NO_TOKEN);
    }
    to->n = made;
    to->next = 0;
    if (made == 1) merge_abreast(l, b, to, 0, 1);
    else for (k = 0; k < made; k += ABREAST) merge_abreast(l, b, to, k, ABREAST);
}
#endif
