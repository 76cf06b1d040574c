/* simd_avx512.h: sixteen floats in a zmm register, truth in mask registers. */
#ifndef CPU_SIMD_AVX512_H
#define CPU_SIMD_AVX512_H
#include <immintrin.h>

#define VF_LANES 16
#define VF_REGISTERS 32
#define VF_FUSED 1                       /* vf_fma rounds once */
typedef __m512    vf;
typedef __m512i   vi;
typedef __mmask16 vm;

SIMD vm vm_first(int n) { return (vm)((1u << n) - 1); }
SIMD vm vm_and(vm a, vm b) { return a & b; }
SIMD vm vm_or(vm a, vm b) { return a | b; }
SIMD vm vm_not(vm a) { return (vm)~a; }
SIMD bool vm_any(vm a) { return a != 0; }

SIMD vf   vf_zero(void) { return _mm512_setzero_ps(); }
SIMD vf   vf_set1(float x) { return _mm512_set1_ps(x); }
SIMD vf   vf_load(const float *p) { return _mm512_loadu_ps(p); }
SIMD void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
SIMD void vf_keep(vf *x) { __asm__("" : "+v"(*x)); }
SIMD vf   vf_load_n(const float *p, int n) { return _mm512_maskz_loadu_ps(vm_first(n), p); }
SIMD void vf_store_n(float *p, vf x, int n) { _mm512_mask_storeu_ps(p, vm_first(n), x); }

SIMD vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
SIMD vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
SIMD vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
SIMD vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
SIMD vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
SIMD vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
SIMD vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
SIMD vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
SIMD vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
SIMD vf vf_abs(vf a) { return _mm512_abs_ps(a); }
SIMD vf vf_neg(vf a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.f)); }
SIMD vf vf_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

SIMD vm vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
SIMD vm vf_le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
SIMD vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
SIMD vm vf_unordered(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
SIMD vm vf_negative(vf a) { return _mm512_movepi32_mask(_mm512_castps_si512(a)); }         /* the sign bit, also of -0 */
SIMD vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }

SIMD vi vf_bits(vf a) { return _mm512_castps_si512(a); }
SIMD vf vi_floats(vi a) { return _mm512_castsi512_ps(a); }
SIMD vi vi_set1(int32_t x) { return _mm512_set1_epi32(x); }
SIMD vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
SIMD vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
SIMD vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
#define vi_shl(a, c) _mm512_slli_epi32((a), (c))
#define vi_srl(a, c) _mm512_srli_epi32((a), (c))
#define vi_sra(a, c) _mm512_srai_epi32((a), (c))
SIMD vf vi_to_float(vi a) { return _mm512_cvtepi32_ps(a); }
SIMD vi vf_to_int(vf a) { return _mm512_cvtps_epi32(a); }
SIMD vf vf_scale2(vf x, vf n) { return _mm512_scalef_ps(x, n); }

SIMD float lane0_add4(__m128 s)
{
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
SIMD float vf_reduce_add(vf a)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    return lane0_add4(_mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1)));
}
SIMD double vf_reduce_add_f64(vf a)
{
    __m512d s = _mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(a)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)));
    __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(s), _mm512_extractf64x4_pd(s, 1));
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}
SIMD float vf_reduce_max(vf a) { return _mm512_reduce_max_ps(a); }
SIMD float vf_reduce_min(vf a) { return _mm512_reduce_min_ps(a); }

/* Four levels: pairs, quads within 128 bits, then the 128-bit quarters. */
SIMD void vf_transpose(vf *r)
{
    vf t[16];
    UNROLL for (int i = 0; i < 16; i += 2) {
        t[i]     = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 16; i += 4) {
        r[i]     = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i]),     _mm512_castps_pd(t[i + 2])));
        r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i]),     _mm512_castps_pd(t[i + 2])));
        r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
        r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
    }
    UNROLL for (int i = 0; i < 4; i++) {
        t[i]      = _mm512_shuffle_f32x4(r[i],     r[i + 4],  0x88);
        t[i + 4]  = _mm512_shuffle_f32x4(r[i],     r[i + 4],  0xdd);
        t[i + 8]  = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i]      = _mm512_shuffle_f32x4(t[i],     t[i + 8],  0x88);
        r[i + 4]  = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 8]  = _mm512_shuffle_f32x4(t[i],     t[i + 8],  0xdd);
        r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

/* Halves are added while they are laid side by side: 30 shuffles for 16 sums. */
SIMD vf vf_sums(const vf *r)
{
    vf t[8], u[4];
    UNROLL for (int i = 0; i < 8; i++) t[i] = _mm512_add_ps(_mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]), _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]));
    UNROLL for (int i = 0; i < 4; i++) {
        __m512d x = _mm512_castps_pd(t[2 * i]), y = _mm512_castps_pd(t[2 * i + 1]);
        u[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
    }
    UNROLL for (int i = 0; i < 2; i++) t[i] = _mm512_add_ps(_mm512_shuffle_f32x4(u[2 * i], u[2 * i + 1], 0x88), _mm512_shuffle_f32x4(u[2 * i], u[2 * i + 1], 0xdd));
    return _mm512_add_ps(_mm512_shuffle_f32x4(t[0], t[1], 0x88), _mm512_shuffle_f32x4(t[0], t[1], 0xdd));
}

#endif
