/* characters.isa.c: sixteen characters at once. */
#include "tok/characters.h"

#if defined(ISA_AVX512)
#include <immintrin.h>

/* Of eight characters: their first ids, the others (CHAR_NONE: none), the last that is there. */
struct eight { __m512i first, second, third, last; };

static inline struct eight take_apart(__m512i known)
{
    const __m512i one = _mm512_set1_epi64(CHAR_NONE);
    struct eight e = { _mm512_and_si512(known, one), _mm512_and_si512(_mm512_srli_epi64(known, CHAR_ID_BITS), one), _mm512_and_si512(_mm512_srli_epi64(known, 2 * CHAR_ID_BITS), one), one };
    e.last = _mm512_mask_mov_epi64(e.first, _mm512_cmpneq_epi64_mask(e.second, one), e.second);
    e.last = _mm512_mask_mov_epi64(e.last, _mm512_cmpneq_epi64_mask(e.third, one), e.third);
    return e;
}

static inline __m512i hashes(__m512i left, __m512i right)
{
    __m512i key = _mm512_or_si512(_mm512_slli_epi64(left, SEAM_ID_BITS), right);
    return _mm512_and_si512(_mm512_mullo_epi64(key, _mm512_set1_epi64((long long)SEAM_MIX)), _mm512_set1_epi64((1LL << SEAM_KEY_BITS) - 1));
}

/* Which of eight seams are known to be fine. */
static inline unsigned fine(const struct characters *known, __mmask8 those, __m512i hash)
{
    __m512i seen = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), those, _mm512_srli_epi64(hash, SEAM_TAG_BITS), known->seams, SEAM_WAYS * sizeof *known->seams);
    __m512i tag = _mm512_or_si512(_mm512_slli_epi64(hash, 2), _mm512_set1_epi64(SEAM_KNOWN | SEAM_FITS)), both = _mm512_shuffle_epi32(tag, (_MM_PERM_ENUM)0xa0);
    unsigned same = _mm512_cmpeq_epi32_mask(seen, both);
    return _pext_u32(same | same >> 1, 0x5555);
}

static inline uint32_t *put(uint32_t *out, __m512i ids, __mmask16 those)
{
    __mmask16 kept = _mm512_mask_cmpneq_epi32_mask(those, ids, _mm512_set1_epi32(CHAR_NONE));
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(kept, ids));
    return out + (unsigned)__builtin_popcount(kept);
}

/* Of the first `count` of eight characters; four lanes each. */
static inline uint32_t *put_eight(uint32_t *out, const struct eight *e, unsigned count)
{
    const __m512i upper = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), lower = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    __m512i two = _mm512_or_si512(e->first, _mm512_slli_epi64(e->second, 32)), rest = _mm512_or_si512(e->third, _mm512_set1_epi64((long long)CHAR_NONE << 32));
    uint32_t those = count >= 8 ? ~0u : (1u << 4 * count) - 1;
    out = put(out, _mm512_permutex2var_epi64(two, upper, rest), (__mmask16)those);
    return put(out, _mm512_permutex2var_epi64(two, lower, rest), (__mmask16)(those >> 16));
}

/* What the characters are; bits of those that are known. */
static inline unsigned look_up(const struct characters *known, struct row *r, size_t k)
{
    const __m512i quarters = _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    const __m512i spread = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
    unsigned left = r->n - k < CHARACTERS_ABREAST ? (unsigned)(r->n - k) : CHARACTERS_ABREAST;
    __m512i bytes = _mm512_maskz_loadu_epi8((UINT64_C(1) << 3 * left) - 1, r->text + 3 * k);
    __m512i x = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(quarters, bytes), spread);
    __mmask16 good = _mm512_cmpeq_epi32_mask(_mm512_and_si512(x, _mm512_set1_epi32(0xc0c0f0)), _mm512_set1_epi32(0x8080e0));
    __m512i top = _mm512_slli_epi32(_mm512_and_si512(x, _mm512_set1_epi32(15)), 12), middle = _mm512_and_si512(_mm512_srli_epi32(x, 2), _mm512_set1_epi32(0xfc0));
    __m512i place = _mm512_or_si512(_mm512_or_si512(top, middle), _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(63)));
    __m512i low = _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), (__mmask8)good, _mm512_castsi512_si256(place), known->chars, 8);
    __m512i high = _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), (__mmask8)(good >> 8), _mm512_extracti64x4_epi64(place, 1), known->chars, 8);
    _mm512_storeu_si512(r->known + k, low);
    _mm512_storeu_si512(r->known + k + 8, high);
    return _mm512_test_epi64_mask(low, low) | (unsigned)_mm512_test_epi64_mask(high, high) << 8;
}

characters_look characters_look_avx512;
characters_put characters_put_avx512;

void characters_look_avx512(const struct characters *known, struct row *r)
{
    uint16_t there[ROW / CHARACTERS_ABREAST];
    __m512i before = _mm512_setzero_si512();
    unsigned carry = 0;
    for (size_t k = 0; k < r->n; k += CHARACTERS_ABREAST) there[k / CHARACTERS_ABREAST] = (uint16_t)look_up(known, r, k);
    for (size_t k = 0; k < r->n; k += CHARACTERS_ABREAST) {
        unsigned here = there[k / CHARACTERS_ABREAST], asked = here & (here << 1 | carry), begins = (uint16_t)(r->begins[k >> 6] >> (k & 63));
        struct eight a = take_apart(_mm512_loadu_si512(r->known + k)), b = take_apart(_mm512_loadu_si512(r->known + k + 8));
        unsigned seams = fine(known, (__mmask8)asked, hashes(_mm512_alignr_epi64(a.last, before, 7), a.first));
        seams |= fine(known, (__mmask8)(asked >> 8), hashes(_mm512_alignr_epi64(b.last, a.last, 7), b.first)) << 8;
        uint64_t stops = (uint16_t)~(here & (begins | (seams & asked)));
        if ((k & 63) == 0) r->stops[k >> 6] = 0;
        r->stops[k >> 6] |= stops << (k & 63);
        before = b.last;
        carry = here >> 15;
    }
}

uint32_t *characters_put_avx512(const struct row *r, size_t k, size_t end, uint32_t *out)
{
    for (; k < end; k += 8) {
        struct eight e = take_apart(_mm512_loadu_si512(r->known + k));
        out = put_eight(out, &e, end - k < 8 ? (unsigned)(end - k) : 8);
    }
    return out;
}
#endif
