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

enum { BLOCKS = 16 };                                   /* Philox counters side by side, four words each */

struct words { uint32_t at[4][BLOCKS]; };

SIMD void philox_round(struct words *w, uint32_t k0, uint32_t k1)
{
    for (int i = 0; i < BLOCKS; i++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * w->at[0][i], p1 = (uint64_t)0xcd9e8d57u * w->at[2][i];
        uint32_t next0 = (uint32_t)(p1 >> 32) ^ w->at[1][i] ^ k0, next2 = (uint32_t)(p0 >> 32) ^ w->at[3][i] ^ k1;
        w->at[0][i] = next0;
        w->at[1][i] = (uint32_t)p1;
        w->at[2][i] = next2;
        w->at[3][i] = (uint32_t)p0;
    }
}

/* Blocks first .. first + BLOCKS - 1 of a stream: 4 BLOCKS masks. */
static void masks(float *y, const struct program_mask *m, uint64_t first)
{
    struct words w;
    uint32_t k0 = (uint32_t)m->key, k1 = (uint32_t)(m->key >> 32);
    for (int i = 0; i < BLOCKS; i++) {
        w.at[0][i] = (uint32_t)(first + (uint64_t)i);
        w.at[1][i] = (uint32_t)((first + (uint64_t)i) >> 32);
        w.at[2][i] = (uint32_t)m->site;
        w.at[3][i] = (uint32_t)(m->site >> 32);
    }
    for (int round = 0; round < 10; round++) {
        philox_round(&w, k0, k1);
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    uint32_t last = (uint32_t)(m->below - 1);           /* below is 1 .. 2^32 */
    for (int i = 0; i < BLOCKS; i++)
        for (int j = 0; j < 4; j++) y[4 * i + j] = w.at[j][i] <= last ? m->value : 0;
}

static void rand_fill(float *y, const struct program_mask *m, uint64_t index, int64_t n)
{
    float part[4 * BLOCKS];
    int64_t i = 0;
    for (; i < n && (index + (uint64_t)i) % 4 != 0; i++) y[i] = program_mask_at(m, index + (uint64_t)i);
    for (; i + 4 * BLOCKS <= n; i += 4 * BLOCKS) masks(y + i, m, (index + (uint64_t)i) / 4);
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
};

rk_status ISA_NAME(program_run)(rk_ctx *ctx, const struct call *c) { return program_run(ctx, c, &kernels); }
