/* simd_avx2.h: eight floats in a ymm register; a truth value is a lane of all ones. */
#ifndef CPU_SIMD_AVX2_H
#define CPU_SIMD_AVX2_H
#include <immintrin.h>

#define VF_LANES 8
#define VF_REGISTERS 16
#define VF_FUSED 1
typedef __m256  vf;
typedef __m256i vi;
typedef __m256  vm;

SIMD vi simd_first(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
SIMD vm vm_first(int n) { return _mm256_castsi256_ps(simd_first(n)); }
SIMD vm vm_and(vm a, vm b) { return _mm256_and_ps(a, b); }
SIMD vm vm_or(vm a, vm b) { return _mm256_or_ps(a, b); }
SIMD vm vm_not(vm a) { return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
SIMD bool vm_any(vm a) { return _mm256_movemask_ps(a) != 0; }

SIMD vf   vf_zero(void) { return _mm256_setzero_ps(); }
SIMD vf   vf_set1(float x) { return _mm256_set1_ps(x); }
SIMD vf   vf_load(const float *p) { return _mm256_loadu_ps(p); }
SIMD void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
SIMD void vf_keep(vf *x) { __asm__("" : "+x"(*x)); }
SIMD vf   vf_load_n(const float *p, int n) { return _mm256_maskload_ps(p, simd_first(n)); }
SIMD void vf_store_n(float *p, vf x, int n) { _mm256_maskstore_ps(p, simd_first(n), x); }

SIMD vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
SIMD vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
SIMD vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
SIMD vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
SIMD vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
SIMD vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
SIMD vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
SIMD vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
SIMD vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
SIMD vf vf_neg(vf a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.f)); }
SIMD vf vf_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.f), a); }
SIMD vf vf_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

SIMD vm vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
SIMD vm vf_le(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
SIMD vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
SIMD vm vf_unordered(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
SIMD vm vf_negative(vf a) { return a; }                                 /* blend looks at the sign bit alone */
SIMD vf vf_select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }

SIMD vi vf_bits(vf a) { return _mm256_castps_si256(a); }
SIMD vf vi_floats(vi a) { return _mm256_castsi256_ps(a); }
SIMD vi vi_set1(int32_t x) { return _mm256_set1_epi32(x); }
SIMD vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
SIMD vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
SIMD vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
#define vi_shl(a, c) _mm256_slli_epi32((a), (c))
#define vi_srl(a, c) _mm256_srli_epi32((a), (c))
#define vi_sra(a, c) _mm256_srai_epi32((a), (c))
SIMD vf vi_to_float(vi a) { return _mm256_cvtepi32_ps(a); }
SIMD vi vf_to_int(vf a) { return _mm256_cvtps_epi32(a); }
SIMD vf vf_power2(vi n) { return vi_floats(vi_shl(vi_add(n, vi_set1(127)), 23)); }      /* n in [-126, 127] */
SIMD vf vf_scale2(vf x, vf n)            /* in two steps, because 2^n itself may not be a normal float */
{
    vi whole = vf_to_int(n), half = vi_sra(whole, 1);
    return vf_mul(vf_mul(x, vf_power2(half)), vf_power2(vi_sub(whole, half)));
}

SIMD float vf_reduce_add(vf a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
SIMD double vf_reduce_add_f64(vf a)
{
    __m256d s = _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)));
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}
SIMD float vf_reduce_max(vf a)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
SIMD float vf_reduce_min(vf a) { return -vf_reduce_max(vf_neg(a)); }

SIMD void vf_transpose(vf *r)
{
    vf t[8];
    UNROLL for (int i = 0; i < 8; i += 2) {
        t[i]     = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4) {
        r[i]     = _mm256_shuffle_ps(t[i],     t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i],     t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        vf low = r[i], high = r[i + 4];
        r[i]     = _mm256_permute2f128_ps(low, high, 0x20);
        r[i + 4] = _mm256_permute2f128_ps(low, high, 0x31);
    }
}

SIMD vf vf_sums(const vf *r)
{
    vf t[4], u[2];
    UNROLL for (int i = 0; i < 4; i++) t[i] = _mm256_add_ps(_mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]), _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]));
    UNROLL for (int i = 0; i < 2; i++) u[i] = _mm256_add_ps(_mm256_shuffle_ps(t[2 * i], t[2 * i + 1], 0x44), _mm256_shuffle_ps(t[2 * i], t[2 * i + 1], 0xee));
    return _mm256_add_ps(_mm256_permute2f128_ps(u[0], u[1], 0x20), _mm256_permute2f128_ps(u[0], u[1], 0x31));
}

#endif
