/* norm.isa.c: one row of layer norm or RMS norm, forward and backward.
 *
 * The variance is that of the centred row (two sweeps over a row in cache), so that a large mean costs no digits. Sums run in
 * lanes over stretches of a thousand elements, stretches are added in double.
 * Backward, with h = (x - mean) r and g = dy weight:  dx = r (g - mean g - h mean(g h)), without `mean g` in RMS norm;
 * dweight += dy h, dbias += dy. */
#include "backend/cpu/norm.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/simd.h"

enum { STRETCH = 1024 };

struct moments { float mean, scale; };                  /* scale: 1 / sqrt(mean square + eps) */

/* Σ (x - from), or its square: the lanes that a shorter vector lacks are kept out of both. */
SIMD double sum_of(const float *x, int64_t n, float from, bool squared)
{
    vf shift = vf_set1(from);
    double sum = 0;
    for (int64_t begin = 0; begin < n; begin += STRETCH) {
        int64_t end = begin + STRETCH < n ? begin + STRETCH : n, i = begin;
        vf p = vf_zero(), q = vf_zero();
        for (; i + 2 * VF_LANES <= end; i += 2 * VF_LANES) {
            vf a = vf_sub(vf_load(x + i), shift), b = vf_sub(vf_load(x + i + VF_LANES), shift);
            p = squared ? vf_fma(a, a, p) : vf_add(a, p);
            q = squared ? vf_fma(b, b, q) : vf_add(b, q);
        }
        for (; i < end; i += VF_LANES) {
            int rest = end - i < VF_LANES ? (int)(end - i) : VF_LANES;
            vf a = vf_select(vm_first(rest), vf_sub(vf_load_n(x + i, rest), shift), vf_zero());
            p = squared ? vf_fma(a, a, p) : vf_add(a, p);
        }
        sum += vf_reduce_add_f64(vf_add(p, q));
    }
    return sum;
}

static struct moments moments_of(const struct norm_row *r)
{
    float mean = r->centred ? (float)(sum_of(r->x, r->n, 0, false) / r->over) : 0;
    return (struct moments){ mean, (float)(1 / sqrt(sum_of(r->x, r->n, mean, true) / r->over + r->eps)) };
}

SIMD vf load_or(const float *p, int64_t i, int n, float otherwise)
{
    if (p == NULL) return vf_set1(otherwise);
    return n == VF_LANES ? vf_load(p + i) : vf_load_n(p + i, n);
}

SIMD void store_lanes(float *p, vf x, int n)
{
    if (n == VF_LANES) vf_store(p, x);
    else vf_store_n(p, x, n);
}

#define FOR_VECTORS(i, lanes, count) \
    for (int64_t i = 0, lanes = VF_LANES < (count) ? VF_LANES : (count); i < (count); i += VF_LANES, lanes = VF_LANES < (count) - i ? VF_LANES : (count) - i)

static void forward(const struct norm_row *r)
{
    struct moments m = moments_of(r);
    vf mean = vf_set1(m.mean), scale = vf_set1(m.scale);
    FOR_VECTORS(i, lanes, r->n) {
        vf h = vf_mul(vf_sub(load_or(r->x, i, (int)lanes, 0), mean), scale);
        store_lanes(r->y + i, vf_fma(h, load_or(r->weight, i, (int)lanes, 1), load_or(r->bias, i, (int)lanes, 0)), (int)lanes);
    }
}

/* Σ g and Σ g h; the gradients of weight and bias on the way. */
static void sums_of_gradient(const struct norm_row *r, struct moments m, double *sum_g, double *sum_gh)
{
    vf mean = vf_set1(m.mean), scale = vf_set1(m.scale), g_total = vf_zero(), gh_total = vf_zero();
    *sum_g = *sum_gh = 0;
    FOR_VECTORS(i, lanes, r->n) {
        vf dy = load_or(r->dy, i, (int)lanes, 0), h = vf_mul(vf_sub(load_or(r->x, i, (int)lanes, 0), mean), scale);
        vf g = vf_mul(dy, load_or(r->weight, i, (int)lanes, 1));
        if (r->dweight != NULL) store_lanes(r->dweight + i, vf_fma(dy, h, load_or(r->dweight, i, (int)lanes, 0)), (int)lanes);
        if (r->dbias != NULL) store_lanes(r->dbias + i, vf_add(dy, load_or(r->dbias, i, (int)lanes, 0)), (int)lanes);
        g_total = vf_add(g_total, g);                               /* lanes beyond the row: dy is 0 there */
        gh_total = vf_fma(g, h, gh_total);
        if ((i + VF_LANES) % STRETCH != 0) continue;
        *sum_g += vf_reduce_add_f64(g_total);
        *sum_gh += vf_reduce_add_f64(gh_total);
        g_total = gh_total = vf_zero();
    }
    *sum_g += vf_reduce_add_f64(g_total);
    *sum_gh += vf_reduce_add_f64(gh_total);
}

static void adjoint(const struct norm_row *r)
{
    struct moments m = moments_of(r);
    double sum_g, sum_gh;
    sums_of_gradient(r, m, &sum_g, &sum_gh);
    if (r->dx == NULL) return;
    vf mean = vf_set1(m.mean), scale = vf_set1(m.scale);
    vf mean_g = vf_set1(r->centred ? (float)(sum_g / r->over) : 0), mean_gh = vf_set1((float)(sum_gh / r->over));
    FOR_VECTORS(i, lanes, r->n) {
        vf h = vf_mul(vf_sub(load_or(r->x, i, (int)lanes, 0), mean), scale);
        vf g = vf_mul(load_or(r->dy, i, (int)lanes, 0), load_or(r->weight, i, (int)lanes, 1));
        store_lanes(r->dx + i, vf_mul(scale, vf_fnma(h, mean_gh, vf_sub(g, mean_g))), (int)lanes);
    }
}

static const struct norm_kernels kernels = { forward, adjoint };

rk_status ISA_NAME(norm_run)(rk_ctx *ctx, const struct call *c) { return norm_run(ctx, c, &kernels); }
rk_status ISA_NAME(norm_adjoint_run)(rk_ctx *ctx, const struct call *c) { return norm_adjoint_run(ctx, c, &kernels); }
