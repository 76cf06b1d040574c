/* vmath.h: exp, log, tanh, erf and sigmoid of a vector: the same polynomials on every instruction set.
 *
 * Largest errors in units in the last place, on every instruction set, over dense sampling of all binades (the test holds
 * them to it):
 *
 *   vmath_exp       1.1   0 below -103.97, infinity above 88.72; subnormal results are rounded once more
 *   vmath_log       0.8   -infinity at 0, NaN below; subnormal arguments are right
 *   vmath_tanh      1.4
 *   vmath_erf       2.5
 *   vmath_sigmoid   2.5   0 below -88.72, where the true value is subnormal
 *
 * NaN gives NaN. Infinities give the limits. The coefficients were fitted for this file by the exchange algorithm of Remez
 * in 40 digits, with the error weighted as it enters the result.
 * Not here: sin and cos (tables are made once, in double), powers, anything with two arguments. */
#ifndef CPU_VMATH_H
#define CPU_VMATH_H
#include "backend/cpu/simd.h"

SIMD vf vmath_poly(vf x, const float *c, int n)         /* c[0] + c[1] x + ... + c[n - 1] x^(n - 1), by Horner */
{
    vf p = vf_set1(c[n - 1]);
    UNROLL for (int i = n - 2; i >= 0; i--) p = vf_fma(p, x, vf_set1(c[i]));
    return p;
}
#define VMATH_POLY(x, ...) vmath_poly((x), (const float[]){ __VA_ARGS__ }, (int)(sizeof (float[]){ __VA_ARGS__ } / sizeof(float)))

/* ln 2 in two parts: the first has so few bits that n times it is exact for |n| < 512. */
#define VMATH_LN2_HIGH 0x1.62e4p-1f
#define VMATH_LN2_LOW  0x1.7f7d1cp-20f

/* e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2. The clamp keeps n where vf_scale2 can split it; min and max in this
 * order let a NaN through. */
SIMD vf vmath_exp(vf x)
{
    vf y = vf_min(vf_set1(89), vf_max(vf_set1(-104), x));
    vf n = vf_round(vf_mul(y, vf_set1(0x1.715476p+0f)));
    vf r = vf_fnma(n, vf_set1(VMATH_LN2_LOW), vf_fnma(n, vf_set1(VMATH_LN2_HIGH), y));
    vf q = VMATH_POLY(r, 0x1p-1f, 0x1.55548ep-3f, 0x1.55545ep-5f, 0x1.123bdp-7f, 0x1.6db4b6p-10f);
    vf p = vf_add(vf_set1(1), vf_fma(vf_mul(r, r), q, r));
    return vf_scale2(p, n);
}

/* ln x = e ln 2 + ln(1 + f), x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt 2). Subnormals are first multiplied by 2^23. */
SIMD vf vmath_log(vf x)
{
    vm small = vf_lt(x, vf_set1(0x1p-126f));
    vf y = vf_select(small, vf_mul(x, vf_set1(0x1p23f)), x);
    vi e = vi_sra(vi_sub(vf_bits(y), vi_set1(0x3f3504f3)), 23);              /* 0x3f3504f3: the bits of sqrt(1/2) */
    vf f = vf_sub(vi_floats(vi_sub(vf_bits(y), vi_shl(e, 23))), vf_set1(1));
    vf n = vf_sub(vi_to_float(e), vf_select(small, vf_set1(23), vf_zero()));
    vf q = VMATH_POLY(f, 0x1.555546p-2f, -0x1.ffffecp-3f, 0x1.99a574p-3f, -0x1.55637ap-3f, 0x1.232ee2p-3f,
                         -0x1.fb289cp-4f, 0x1.e6767cp-4f, -0x1.e3a1b6p-4f, 0x1.1bc738p-4f);
    vf s = vf_mul(f, f);
    vf low = vf_fma(vf_mul(s, f), q, vf_mul(n, vf_set1(VMATH_LN2_LOW)));
    vf r = vf_fma(n, vf_set1(VMATH_LN2_HIGH), vf_add(f, vf_fnma(vf_set1(0.5f), s, low)));
    r = vf_select(vf_eq(x, vf_set1(INFINITY)), x, r);
    r = vf_select(vf_eq(x, vf_zero()), vf_set1(-INFINITY), r);
    return vf_select(vm_or(vf_lt(x, vf_zero()), vf_unordered(x, x)), vf_set1(NAN), r);
}

/* Near 0 an odd polynomial; from 0.625 on 1 - 2 / (e^2x + 1), where nothing cancels. */
SIMD vf vmath_tanh(vf x)
{
    vf a = vf_abs(x), s = vf_mul(x, x);
    vf q = VMATH_POLY(s, -0x1.55553p-2f, 0x1.110692p-3f, -0x1.b827fep-5f, 0x1.519c96p-6f, -0x1.736426p-8f);
    vf near = vf_fma(vf_mul(s, x), q, x);
    vf far = vf_sub(vf_set1(1), vf_div(vf_set1(2), vf_add(vmath_exp(vf_add(a, a)), vf_set1(1))));
    return vf_copysign(vf_select(vf_lt(a, vf_set1(0.625f)), near, far), x);
}

/* Near 0 an odd polynomial; from 0.92 on 1 - e^p(x), p being ln erfc; from 4 on the float next to it is 1. */
SIMD vf vmath_erf(vf x)
{
    vf a = vf_min(vf_set1(4), vf_abs(x)), s = vf_mul(x, x);
    vf q = VMATH_POLY(s, 0x1.20dd76p+0f, -0x1.812742p-2f, 0x1.ce2e0ap-4f, -0x1.b80e92p-6f,
                         0x1.54c7f8p-8f, -0x1.aa3f46p-11f, 0x1.5cd4fep-14f);
    vf p = VMATH_POLY(a, 0x1.65b13ap-13f, -0x1.212698p+0f, -0x1.444b3ep-1f, -0x1.bb566ep-4f,
                         0x1.9b19a4p-6f, -0x1.10aa7ap-8f, 0x1.c54ed8p-12f, -0x1.5ecfcap-16f);
    vf far = vf_copysign(vf_sub(vf_set1(1), vmath_exp(p)), x);
    return vf_select(vf_lt(a, vf_set1(0.92f)), vf_mul(x, q), far);
}

SIMD vf vmath_sigmoid(vf x) { return vf_div(vf_set1(1), vf_add(vf_set1(1), vmath_exp(vf_neg(x)))); }

#endif
