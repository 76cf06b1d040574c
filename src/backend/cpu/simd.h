/* simd.h: one vector of floats, as wide as the instruction set for which this file is compiled.
 *
 * Only *.isa.c files and headers for them include it. A body written once with these words is compiled once per set (isa.h).
 *
 *   vf   VF_LANES floats              vi   VF_LANES int32               vm   one truth value per lane
 *
 *   vf_set1 vf_zero                       vf_load vf_store               any alignment
 *   vf_load_n(p, n) vf_store_n(p, x, n)   the first n lanes, 0 <= n <= VF_LANES; the others read as 0 and are not touched
 *   vf_load_step(p, step, n)              lane i from p[i * step], the first n
 *   + - * / by the functions vf_add vf_sub vf_mul vf_div; vf_fma(a, b, c) = a b + c; vf_fnma(a, b, c) = c - a b
 *   vf_max(a, b) = a > b ? a : b          so a NaN in either gives b;  vf_min(a, b) = a < b ? a : b
 *   vf_sqrt vf_abs vf_neg vf_round        to the nearest integer, ties to even
 *   vf_copysign(x, s)                     |x| with the sign of s
 *   vf_lt vf_le vf_eq vf_unordered        false with a NaN, but the last, which is true then
 *   vm_first(n) vm_and vm_or vm_not vm_any
 *   vf_select(m, a, b)                    m ? a : b
 *   vf_scale2(x, n)                       x 2^n for integral n in [-252, 252], one rounding where the result is subnormal
 *   vf_bits vi_floats                     the same bits as the other type
 *   vi_set1 vi_add vi_sub vi_and vi_shl(x, c) vi_sra(x, c) vi_srl(x, c)     vi_to_float; vf_to_int rounds to nearest even
 *   vf_transpose(r)                       r[VF_LANES] as rows of a square, transposed
 *   vf_keep(&x)                           x lies in a register, not in memory again: compilers read an operand twice where it is used twice
 *   vf_sums(r)                            lane i: the sum of r[i], for r[VF_LANES]
 *
 * Reductions have one written order on every machine of that width: halves are added to halves until one lane is left
 * (lane i + lane i + VF_LANES / 2 first). vf_reduce_add_f64 widens first, then adds in the same tree.
 * vf_sums adds in another: inside each four lanes first, then the fours.
 *
 * Not here: 16-bit storage (base/num converts it), doubles.
 *
 * fma rounds once where the instruction set has it and twice in `scalar`: same plan, same bits, but not across sets. */
#ifndef CPU_SIMD_H
#define CPU_SIMD_H
#include "backend/cpu/isa.h"
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIMD static inline __attribute__((always_inline, unused))

/* A register tile stays in registers only where EVERY loop over it is unrolled; each compiler ignores the other's word. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(ISA_AVX512)
#include "backend/cpu/simd_avx512.h"
#elif defined(ISA_AVX2)
#include "backend/cpu/simd_avx2.h"
#elif defined(ISA_NEON)
#include "backend/cpu/simd_neon.h"
#elif defined(ISA_SCALAR)
#include "backend/cpu/simd_scalar.h"
#else
#error "simd.h belongs into *.isa.c files, which are compiled with -DISA_SCALAR, or -DISA_ and another set of base/isa.h"
#endif

SIMD vf vf_load_step(const float *p, ptrdiff_t step, int n)
{
    float lane[VF_LANES] = { 0 };
    for (int i = 0; i < n; i++) lane[i] = p[i * step];
    return vf_load(lane);
}

SIMD vf   vf_copysign(vf x, vf s) { return vf_select(vf_negative(s), vf_neg(vf_abs(x)), vf_abs(x)); }

#endif
