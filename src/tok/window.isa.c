/* window.isa.c: loops without a branch. In the first, keys are made and slots are called for; in the second, when those are there, each word is
 * counted or put on the list of those that were not found. So it goes with brief words, then with the longer ones. What is not found costs a branch
 * later, in one place. With AVX-512 eight keys are made, and eight slots looked at, at once; the same word may be among them twice, so that
 * counting is a third loop, over places. */
#include "tok/window.h"

/* Numbers of words in the window: those of more than BRIEF bytes. */
struct longer { uint8_t at[WINDOW + 8]; size_t n; };

#if defined(ISA_AVX512)
#include <immintrin.h>

/* Of brief words; of others a key that no slot has. place: bytes from the first slot on. */
struct sought { _Alignas(64) uint64_t key[WINDOW]; _Alignas(64) uint32_t place[WINDOW]; };

static inline __mmask8 lanes(size_t n) { return (__mmask8)(n >= 8 ? 0xffu : (1u << n) - 1); }

/* The lanes of `which`, of numbers below 256; eight are written, of which so many are meant. */
static inline size_t put_numbers(uint8_t *to, __mmask8 which, __m512i numbers)
{
    _mm_storel_epi64((__m128i *)(void *)to, _mm512_cvtepi64_epi8(_mm512_maskz_compress_epi64(which, numbers)));
    return (size_t)__builtin_popcount(which);
}

static inline void call_for(const struct front *f, const struct window *v, struct sought *to, struct longer *longer)
{
    const unsigned char *text = v->text, *slots = (const unsigned char *)f->brief;
    const size_t *ends = v->ends, n = v->n;
    const __m512i mix = _mm512_set1_epi64((long long)FRONT_MIX), all = _mm512_set1_epi64(-1), bits = _mm512_set1_epi64(64), most = _mm512_set1_epi64(BRIEF);
    const __m128i shift = _mm_cvtsi32_si128((int)f->shift);
    __m512i before = _mm512_set1_epi64((long long)v->at), number = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    size_t n_longer = 0;
    for (size_t i = 0; i < n; i += 8) {
        __m512i end = _mm512_maskz_loadu_epi64(lanes(n - i), ends + i), begin = _mm512_alignr_epi64(end, before, 7), length = _mm512_sub_epi64(end, begin);
        __mmask8 brief = _mm512_mask_cmple_epu64_mask(lanes(n - i), length, most);
        __m512i bytes = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), brief, begin, text, 1);
        __m512i kept = _mm512_and_si512(bytes, _mm512_srlv_epi64(all, _mm512_sub_epi64(bits, _mm512_slli_epi64(length, 3))));
        __m512i key = _mm512_maskz_or_epi64(brief, kept, _mm512_slli_epi64(length, 56));
        __m512i place = _mm512_slli_epi64(_mm512_srl_epi64(_mm512_mullo_epi64(key, mix), shift), 4);
        _mm512_store_si512(to->key + i, key);
        _mm256_store_si256((__m256i *)(void *)(to->place + i), _mm512_cvtepi64_epi32(place));
        for (size_t k = i; k < i + 8; k++) __builtin_prefetch(slots + to->place[k], 1);
        n_longer += put_numbers(longer->at + n_longer, (__mmask8)(lanes(n - i) & ~brief), number);
        number = _mm512_add_epi64(number, _mm512_set1_epi64(8));
        before = end;
    }
    longer->n = n_longer;
}

/* A word that is not there is counted behind the last slot. */
static inline size_t seek_brief(const struct front *f, struct window *v, struct longer *longer)
{
    struct sought sought;
    unsigned char *slots = (unsigned char *)f->brief;
    const __m256i nowhere = _mm256_set1_epi32((int)(f->room * sizeof *f->brief));
    __m512i number = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    size_t missed = 0, n = v->n;
    call_for(f, v, &sought, longer);
    for (size_t i = 0; i < n; i += 8) {
        __m512i key = _mm512_load_si512(sought.key + i);
        __m256i place = _mm256_load_si256((const __m256i *)(const void *)(sought.place + i));
        __mmask8 brief = _mm512_test_epi64_mask(key, key);
        __mmask8 found = _mm512_mask_cmpeq_epi64_mask(brief, key, _mm512_i32gather_epi64(place, slots, 1));
        _mm256_store_si256((__m256i *)(void *)(sought.place + i), _mm256_mask_mov_epi32(nowhere, found, place));
        missed += put_numbers(v->missed + missed, (__mmask8)(brief & ~found), number);
        number = _mm512_add_epi64(number, _mm512_set1_epi64(8));
    }
    for (size_t i = 0; i < n; i++) ((struct brief_slot *)(void *)(slots + sought.place[i]))->count++;
    return missed;
}
#else
/* What is kept of eight bytes for a word of so many, and its length. One that is longer has a key that no slot has. */
struct shape { uint64_t kept, length; };
#define ROW(n) { ~UINT64_C(0) >> (64 - 8 * (n)), (uint64_t)(n) << 56 }
static const struct shape brief_shapes[BRIEF + 2] = { { 0, 0 }, ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), { 0, (uint64_t)(BRIEF + 1) << 56 } };
#undef ROW

static inline size_t seek_brief(const struct front *f, struct window *v, struct longer *longer)
{
    struct { uint64_t key; struct brief_slot *slot; } sought[WINDOW];
    const unsigned char *text = v->text;
    const size_t *ends = v->ends, n = v->n;
    size_t missed = 0, n_longer = 0;
    for (size_t i = 0, at = v->at; i < n; at = ends[i++]) {
        size_t length = ends[i] - at;
        const struct shape *shape = &brief_shapes[length < BRIEF + 1 ? length : BRIEF + 1];
        sought[i].key = (word_bytes(text + at) & shape->kept) | shape->length;
        sought[i].slot = front_brief(f, sought[i].key);
        __builtin_prefetch(sought[i].slot, 1);
        longer->at[n_longer] = (uint8_t)i;
        n_longer += length > BRIEF;
    }
    for (size_t i = 0; i < n; i++) {
        struct brief_slot *slot = sought[i].slot;
        bool here = slot->key == sought[i].key;
        slot->count += here;
        v->missed[missed] = (uint8_t)i;
        missed += !here & (sought[i].key >> 56 <= BRIEF);
    }
    longer->n = n_longer;
    return missed;
}
#endif

static const struct { uint64_t kept, length; } shapes[WORD_INLINE - BRIEF + 1] = {
#define ROW(n) { ((uint64_t)1 << 8 * ((n) - 8)) - 1, (uint64_t)(n) << 56 }
    ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15), { 0, (uint64_t)0xfe << 56 },
#undef ROW
};

/* Those of more than WORD_INLINE bytes have a key that no slot has, too. */
static inline size_t seek_longer(const struct front *f, struct window *v, const struct longer *longer, size_t missed)
{
    struct { uint64_t low, high; struct word_slot *slot; } sought[WINDOW];
    for (size_t k = 0; k < longer->n; k++) {
        size_t i = longer->at[k], begin = window_begin(v, i), over = v->ends[i] - begin - (BRIEF + 1);
        size_t shape = over < WORD_INLINE - BRIEF ? over : WORD_INLINE - BRIEF;
        uint64_t low = word_bytes(v->text + begin), high = (word_bytes(v->text + begin + 8) & shapes[shape].kept) | shapes[shape].length;
        sought[k].low = low;
        sought[k].high = high;
        sought[k].slot = front_slot(f, low, high);
        __builtin_prefetch(sought[k].slot, 1);
    }
    for (size_t k = 0; k < longer->n; k++) {
        struct word_slot *slot = sought[k].slot;
        bool here = ((slot->low ^ sought[k].low) | (slot->high ^ sought[k].high)) == 0;
        slot->count += here;
        v->missed[missed] = longer->at[k];
        missed += !here;
    }
    return missed;
}

void ISA_NAME(window_count)(const struct front *f, struct window *v)
{
    struct longer longer;
    size_t missed = seek_brief(f, v, &longer);
    v->n_missed = seek_longer(f, v, &longer, missed);
}
