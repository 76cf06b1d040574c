/* program.isa.c: the rows of core/map.def in vectors, and Philox in vectors. A new row of map.def needs no edit here. */
#include "backend/cpu/program.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/vmath.h"
#include "base/rng.h"

#define K(number) vf_set1((float)(number))
#define EXP       vmath_exp
#define LOG       vmath_log
#define SQRT      vf_sqrt
#define TANH      vmath_tanh
#define ERF       vmath_erf
#define SIGMOID   vmath_sigmoid
#define MAXIMUM   vf_max
#define MINIMUM   vf_min
#define LESS(a, b)      vf_select(vf_lt((a), (b)), K(1), K(0))
#define EQUAL(a, b)     vf_select(vf_eq((a), (b)), K(1), K(0))
#define SELECT(a, b, c) vf_select(vf_eq((a), K(0)), (c), (b))
#define FINITE(x)       vf_select(vf_lt(vf_abs(x), K(INFINITY)), K(1), K(0))
#define SIN(x)          lanewise((x), sinf)
#define COS(x)          lanewise((x), cosf)
#define GELU_TANH_SLOPE gelu_tanh_slope

SIMD vf lanewise(vf x, float (*f)(float))               /* rare: rotary angles have a kernel of their own */
{
    float lane[VF_LANES];
    vf_store(lane, x);
    for (int i = 0; i < VF_LANES; i++) lane[i] = f(lane[i]);
    return vf_load(lane);
}

SIMD vf gelu_tanh_slope(vf x)
{
    vf s = vf_mul(x, x);
    vf t = vmath_tanh(vf_mul(vf_mul(K(0.79788456080286535588), x), vf_fma(K(0.044715), s, K(1))));
    vf inner = vf_mul(K(0.79788456080286535588), vf_fma(K(3 * 0.044715), s, K(1)));
    vf half = vf_mul(K(0.5), vf_mul(x, vf_mul(vf_fnma(t, t, K(1)), inner)));
    return vf_fma(K(0.5), vf_add(K(1), t), half);
}

/* Whole vectors, then one shorter one; operands that are one number stay where they are. */
#define MAP(name, arity, expression)                                                                                  \
    static void map_##name(const struct stretch *s)                                                                   \
    {                                                                                                                 \
        const float *pa = s->x[0], *pb = s->x[(arity) > 1 ? 1 : 0], *pc = s->x[(arity) > 2 ? 2 : 0];                   \
        const int64_t sa = s->step[0], sb = s->step[(arity) > 1 ? 1 : 0], sc = s->step[(arity) > 2 ? 2 : 0], n = s->n; \
        float *y = s->y;                                                                                              \
        int64_t i = 0;                                                                                                \
        for (; i + VF_LANES <= n; i += VF_LANES) {                                                                    \
            vf a = vf_load(pa + i * sa), b = (arity) > 1 ? vf_load(pb + i * sb) : a, c = (arity) > 2 ? vf_load(pc + i * sc) : a, x = a; \
            (void)b, (void)c, (void)x;                                                                                \
            vf_store(y + i, (expression));                                                                            \
        }                                                                                                             \
        int rest = (int)(n - i);                                                                                      \
        if (rest == 0) return;                                                                                        \
        vf a = vf_load_n(pa + i * sa, rest), b = (arity) > 1 ? vf_load_n(pb + i * sb, rest) : a, c = (arity) > 2 ? vf_load_n(pc + i * sc, rest) : a, x = a; \
        (void)b, (void)c, (void)x;                                                                                    \
        vf_store_n(y + i, (expression), rest);                                                                        \
    }
#define UNARY(name, cost, f, cost_slope, slope) MAP(name, 1, f) MAP(d_##name, 2, b * (slope))
#define BINARY(name, cost, f) MAP(name, 2, f)
#define TERNARY(name, cost, f) MAP(name, 3, f)
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
MAP(muladd, 3, vf_fma(a, b, c))
MAP(submul, 3, vf_fnma(a, b, c))

/* --- masks --- */

/* Philox counters side by side in lanes of 64 bits, of which the low halves count: the product of two low halves is what the
 * generator wants, and what is above them never gets into it. */
#define HALF (VF_LANES / 2)
typedef uint64_t wide __attribute__((vector_size(8 * HALF)));
typedef uint32_t words __attribute__((vector_size(8 * HALF)));
enum { WIDES = 4, MASKS = 4 * HALF * WIDES };           /* as many chains at once as hide the latency of a product */

#if VF_LANES == 16
SIMD wide product(wide a, wide b) { return (wide)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
#elif VF_LANES == 8
SIMD wide product(wide a, wide b) { return (wide)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
#else
SIMD wide product(wide a, wide b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
#endif

SIMD wide every(uint64_t x) { return (wide){ 0 } + x; }

/* Blocks first .. of a stream, four masks each. */
static void masks(float *y, const struct program_mask *m, uint64_t first)
{
    wide c[WIDES][4], low = every(0xffffffffu);
    uint32_t k0 = (uint32_t)m->key, k1 = (uint32_t)(m->key >> 32);
    static const uint64_t lanes[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    wide step;
    memcpy(&step, lanes, sizeof step);
    UNROLL for (int v = 0; v < WIDES; v++) {
        wide at = step + (first + (uint64_t)(v * HALF));
        c[v][0] = at & low;
        c[v][1] = at >> 32;
        c[v][2] = every(m->site & 0xffffffffu);
        c[v][3] = every(m->site >> 32);
    }
    for (int round = 0; round < 10; round++) {
        wide a = every(k0), b = every(k1);
        UNROLL for (int v = 0; v < WIDES; v++) {
            wide p0 = product(c[v][0], every(0xd2511f53u)), p1 = product(c[v][2], every(0xcd9e8d57u));
            c[v][0] = p1 >> 32 ^ c[v][1] ^ a;
            c[v][2] = p0 >> 32 ^ c[v][3] ^ b;
            c[v][1] = p1;
            c[v][3] = p0;
        }
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    uint64_t inorder[2 * HALF];
    words last = (words){ 0 } + (uint32_t)(m->below - 1), one = (words){ 0 }, w;         /* below is 1 .. 2^32 */
    uint32_t bits;
    memcpy(&bits, &m->value, sizeof bits);
    one += bits;
    UNROLL for (int v = 0; v < WIDES; v++) {
        wide near = (c[v][0] & low) | c[v][1] << 32, far = (c[v][2] & low) | c[v][3] << 32;
        for (int i = 0; i < HALF; i++) inorder[2 * i] = near[i], inorder[2 * i + 1] = far[i];
        for (int half = 0; half < 2; half++) {
            memcpy(&w, inorder + half * HALF, sizeof w);
            w = (words)(w <= last) & one;
            memcpy(y + 2 * HALF * (2 * v + half), &w, sizeof w);
        }
    }
}

static void rand_fill(float *y, const struct program_mask *m, uint64_t index, int64_t n)
{
    float part[MASKS];
    int64_t i = 0;
    for (; i < n && (index + (uint64_t)i) % 4 != 0; i++) y[i] = program_mask_at(m, index + (uint64_t)i);
    for (; i + MASKS <= n; i += MASKS) masks(y + i, m, (index + (uint64_t)i) / 4);
    if (i == n) return;
    masks(part, m, (index + (uint64_t)i) / 4);
    memcpy(y + i, part, (size_t)(n - i) * sizeof *y);
}

static const struct program_kernels kernels = {
    .map = {
#define UNARY(name, cost, f, cost_slope, slope) map_##name, map_d_##name,
#define BINARY(name, cost, f) map_##name,
#define TERNARY(name, cost, f) map_##name,
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
        [FN_MULADD] = map_muladd, [FN_SUBMUL] = map_submul,
    },
    .rand = rand_fill,
    .convert = ISA_NAME(copy_convert),
};

rk_status ISA_NAME(program_run)(rk_ctx *ctx, const struct call *c) { return program_run(ctx, c, &kernels); }
