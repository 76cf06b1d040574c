/* simd_neon.h: four floats in a register of AArch64, of which there are 32; a truth value is a lane of all ones. */
#ifndef CPU_SIMD_NEON_H
#define CPU_SIMD_NEON_H
#include <arm_neon.h>

#define VF_LANES 4
#define VF_REGISTERS 32
#define VF_FUSED 1
typedef float32x4_t vf;
typedef int32x4_t   vi;
typedef uint32x4_t  vm;

SIMD vi   vi_set1(int32_t x) { return vdupq_n_s32(x); }
SIMD vm   vm_first(int n) { return vcgtq_s32(vi_set1(n), (vi){ 0, 1, 2, 3 }); }
SIMD vm   vm_and(vm a, vm b) { return vandq_u32(a, b); }
SIMD vm   vm_or(vm a, vm b) { return vorrq_u32(a, b); }
SIMD vm   vm_not(vm a) { return vmvnq_u32(a); }
SIMD bool vm_any(vm a) { return vmaxvq_u32(a) != 0; }

SIMD vf   vf_zero(void) { return vdupq_n_f32(0); }
SIMD vf   vf_set1(float x) { return vdupq_n_f32(x); }
SIMD vf   vf_load(const float *p) { return vld1q_f32(p); }
SIMD void vf_store(float *p, vf x) { vst1q_f32(p, x); }
SIMD void vf_keep(vf *x) { __asm__("" : "+w"(*x)); }
SIMD vf   vf_load_n(const float *p, int n)
{
    float lane[VF_LANES] = { 0 };
    if (n >= VF_LANES) return vf_load(p);
    for (int i = 0; i < n; i++) lane[i] = p[i];
    return vf_load(lane);
}
SIMD void vf_store_n(float *p, vf x, int n)
{
    float lane[VF_LANES];
    if (n >= VF_LANES) {
        vf_store(p, x);
        return;
    }
    vf_store(lane, x);
    for (int i = 0; i < n; i++) p[i] = lane[i];
}

SIMD vi vf_bits(vf a) { return vreinterpretq_s32_f32(a); }
SIMD vf vi_floats(vi a) { return vreinterpretq_f32_s32(a); }
SIMD vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
SIMD vi vi_sub(vi a, vi b) { return vsubq_s32(a, b); }
SIMD vi vi_and(vi a, vi b) { return vandq_s32(a, b); }
SIMD vi vi_shl(vi a, int c) { return vshlq_s32(a, vi_set1(c)); }
SIMD vi vi_sra(vi a, int c) { return vshlq_s32(a, vi_set1(-c)); }
SIMD vi vi_srl(vi a, int c) { return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vi_set1(-c))); }
SIMD vf vi_to_float(vi a) { return vcvtq_f32_s32(a); }
SIMD vi vf_to_int(vf a) { return vcvtnq_s32_f32(a); }

SIMD vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
SIMD vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
SIMD vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
SIMD vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
SIMD vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
SIMD vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
SIMD vf vf_sqrt(vf a) { return vsqrtq_f32(a); }
SIMD vf vf_abs(vf a) { return vabsq_f32(a); }
SIMD vf vf_neg(vf a) { return vnegq_f32(a); }
SIMD vf vf_round(vf a) { return vrndnq_f32(a); }

SIMD vm vf_lt(vf a, vf b) { return vcltq_f32(a, b); }
SIMD vm vf_le(vf a, vf b) { return vcleq_f32(a, b); }
SIMD vm vf_eq(vf a, vf b) { return vceqq_f32(a, b); }
SIMD vm vf_unordered(vf a, vf b) { return vmvnq_u32(vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b))); }
SIMD vm vf_negative(vf a) { return vcltzq_s32(vf_bits(a)); }
SIMD vf vf_select(vm m, vf a, vf b) { return vbslq_f32(m, a, b); }
SIMD vf vf_max(vf a, vf b) { return vf_select(vf_lt(b, a), a, b); }               /* fmax gives NaN for any NaN, fmaxnm for none */
SIMD vf vf_min(vf a, vf b) { return vf_select(vf_lt(a, b), a, b); }

SIMD vf vf_power2(vi n) { return vi_floats(vi_shl(vi_add(n, vi_set1(127)), 23)); }      /* n in [-126, 127] */
SIMD vf vf_scale2(vf x, vf n)            /* in two steps, because 2^n itself may not be a normal float */
{
    vi whole = vf_to_int(n), half = vi_sra(whole, 1);
    return vf_mul(vf_mul(x, vf_power2(half)), vf_power2(vi_sub(whole, half)));
}

SIMD float  vf_reduce_add(vf a) { return vaddv_f32(vadd_f32(vget_low_f32(a), vget_high_f32(a))); }
SIMD double vf_reduce_add_f64(vf a) { return vaddvq_f64(vaddq_f64(vcvt_f64_f32(vget_low_f32(a)), vcvt_high_f64_f32(a))); }
SIMD float  simd_max(float a, float b) { return a > b ? a : b; }
SIMD float  vf_reduce_max(vf a) { return simd_max(simd_max(a[0], a[2]), simd_max(a[1], a[3])); }
SIMD float  vf_reduce_min(vf a) { return -vf_reduce_max(vf_neg(a)); }

SIMD vf simd_lows(vf a, vf b) { return vcombine_f32(vget_low_f32(a), vget_low_f32(b)); }
SIMD vf simd_highs(vf a, vf b) { return vcombine_f32(vget_high_f32(a), vget_high_f32(b)); }
SIMD void vf_transpose(vf *r)
{
    vf a = vtrn1q_f32(r[0], r[1]), b = vtrn2q_f32(r[0], r[1]), c = vtrn1q_f32(r[2], r[3]), d = vtrn2q_f32(r[2], r[3]);
    r[0] = simd_lows(a, c), r[1] = simd_lows(b, d), r[2] = simd_highs(a, c), r[3] = simd_highs(b, d);
}

SIMD vf vf_sums(const vf *r)
{
    vf low = vaddq_f32(vzip1q_f32(r[0], r[1]), vzip2q_f32(r[0], r[1])), high = vaddq_f32(vzip1q_f32(r[2], r[3]), vzip2q_f32(r[2], r[3]));
    return vaddq_f32(simd_lows(low, high), simd_highs(low, high));
}

#endif
