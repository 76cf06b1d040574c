/* simd_scalar.h: four floats as the compiler's own vector type: no intrinsics, so it runs on any processor.
 *
 * It is the plain truth beside the fast sets: fma rounds twice here. */
#ifndef CPU_SIMD_SCALAR_H
#define CPU_SIMD_SCALAR_H

#define VF_LANES 4
#define VF_REGISTERS 16
#define VF_FUSED 0
typedef float   vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef vi      vm;
typedef uint32_t simd_words __attribute__((vector_size(16)));

SIMD vi   vi_set1(int32_t x) { return (vi){ x, x, x, x }; }
SIMD vm   vm_first(int n) { return (vm)(vi_set1(n) > (vi){ 0, 1, 2, 3 }); }
SIMD vm   vm_and(vm a, vm b) { return a & b; }
SIMD vm   vm_or(vm a, vm b) { return a | b; }
SIMD vm   vm_not(vm a) { return ~a; }
SIMD bool vm_any(vm a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }

SIMD vf   vf_zero(void) { return (vf){ 0, 0, 0, 0 }; }
SIMD vf   vf_set1(float x) { return (vf){ x, x, x, x }; }
SIMD vf   vf_load(const float *p) { vf x; memcpy(&x, p, sizeof x); return x; }
SIMD void vf_store(float *p, vf x) { memcpy(p, &x, sizeof x); }
SIMD void vf_keep(vf *x) { (void)x; }
SIMD vf   vf_load_n(const float *p, int n)
{
    vf x = vf_zero();
    for (int i = 0; i < n; i++) x[i] = p[i];
    return x;
}
SIMD void vf_store_n(float *p, vf x, int n) { for (int i = 0; i < n; i++) p[i] = x[i]; }

SIMD vi vf_bits(vf a) { return (vi)a; }
SIMD vf vi_floats(vi a) { return (vf)a; }
SIMD vi vi_add(vi a, vi b) { return (vi)((simd_words)a + (simd_words)b); }       /* wrapping, as the instructions do */
SIMD vi vi_sub(vi a, vi b) { return (vi)((simd_words)a - (simd_words)b); }
SIMD vi vi_and(vi a, vi b) { return a & b; }
SIMD vi vi_shl(vi a, int c) { return (vi)((simd_words)a << c); }
SIMD vi vi_srl(vi a, int c) { return (vi)((simd_words)a >> c); }
SIMD vi vi_sra(vi a, int c) { return a >> c; }
SIMD vf vi_to_float(vi a) { return __builtin_convertvector(a, vf); }

SIMD vf vf_select(vm m, vf a, vf b) { return vi_floats((vf_bits(a) & m) | (vf_bits(b) & ~m)); }
SIMD vm vf_lt(vf a, vf b) { return (vm)(a < b); }
SIMD vm vf_le(vf a, vf b) { return (vm)(a <= b); }
SIMD vm vf_eq(vf a, vf b) { return (vm)(a == b); }
SIMD vm vf_unordered(vf a, vf b) { return ~((vm)(a == a) & (vm)(b == b)); }
SIMD vm vf_negative(vf a) { return vi_sra(vf_bits(a), 31); }

SIMD vf vf_add(vf a, vf b) { return a + b; }
SIMD vf vf_sub(vf a, vf b) { return a - b; }
SIMD vf vf_mul(vf a, vf b) { return a * b; }
SIMD vf vf_div(vf a, vf b) { return a / b; }
SIMD vf vf_fma(vf a, vf b, vf c) { return a * b + c; }
SIMD vf vf_fnma(vf a, vf b, vf c) { return c - a * b; }
SIMD vf vf_max(vf a, vf b) { return vf_select(vf_lt(b, a), a, b); }
SIMD vf vf_min(vf a, vf b) { return vf_select(vf_lt(a, b), a, b); }
SIMD vf vf_sqrt(vf a) { return (vf){ sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3]) }; }
SIMD vf vf_abs(vf a) { return vi_floats(vf_bits(a) & vi_set1(INT32_MAX)); }
SIMD vf vf_neg(vf a) { return vi_floats(vf_bits(a) ^ vi_set1(INT32_MIN)); }
SIMD vf vf_round(vf a)                   /* above 2^23 every float is an integer; adding and taking away 2^23 rounds the others */
{
    vf big = vf_set1(0x1p23f), small = vf_abs(a);
    vf rounded = (small + big) - big;
    vf r = vf_select(vf_lt(small, big), rounded, small);
    return vi_floats(vf_bits(r) | (vf_bits(a) & vi_set1(INT32_MIN)));
}
SIMD vi vf_to_int(vf a) { return __builtin_convertvector(vf_round(a), vi); }
SIMD vf vf_power2(vi n) { return vi_floats(vi_shl(n + vi_set1(127), 23)); }
SIMD vf vf_scale2(vf x, vf n)
{
    vi whole = vf_to_int(n), half = vi_sra(whole, 1);
    return x * vf_power2(half) * vf_power2(whole - half);
}

SIMD float  vf_reduce_add(vf a) { return (a[0] + a[2]) + (a[1] + a[3]); }
SIMD double vf_reduce_add_f64(vf a) { return ((double)a[0] + (double)a[2]) + ((double)a[1] + (double)a[3]); }
SIMD float  simd_max(float a, float b) { return a > b ? a : b; }
SIMD float  vf_reduce_max(vf a) { return simd_max(simd_max(a[0], a[2]), simd_max(a[1], a[3])); }
SIMD float  vf_reduce_min(vf a) { return -vf_reduce_max(vf_neg(a)); }

SIMD void vf_transpose(vf *r)
{
    vf a = r[0], b = r[1], c = r[2], d = r[3];
    r[0] = (vf){ a[0], b[0], c[0], d[0] };
    r[1] = (vf){ a[1], b[1], c[1], d[1] };
    r[2] = (vf){ a[2], b[2], c[2], d[2] };
    r[3] = (vf){ a[3], b[3], c[3], d[3] };
}

SIMD vf vf_sums(const vf *r) { return (vf){ vf_reduce_add(r[0]), vf_reduce_add(r[1]), vf_reduce_add(r[2]), vf_reduce_add(r[3]) }; }

#endif
