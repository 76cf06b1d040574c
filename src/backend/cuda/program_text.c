/* program_text.c: a group of elementwise nodes as CUDA C. Functions come from the rows of core/map.def: their text is the text there. */
#include "backend/cuda/program.h"
#include <math.h>
#include <string.h>

struct row { const char *f, *slope; int arity; };

/* In the order of enum mapfn. */
static const struct row rows[MAP_COUNT] = {
#define UNARY(name, cost, f, cost_slope, slope) { #f, NULL, 1 }, { NULL, #slope, 2 },
#define BINARY(name, cost, f) { #f, NULL, 2 },
#define TERNARY(name, cost, f) { #f, NULL, 3 },
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
};

static const char words[] =
    "#define K(number) ((R)(number))\n"
    "#define INFINITE ((R)(1e300 * 1e300))\n"
    "#define EXP(x) F(exp)(x)\n"
    "#define LOG(x) F(log)(x)\n"
    "#define SQRT(x) F(sqrt)(x)\n"
    "#define SIN(x) F(sin)(x)\n"
    "#define COS(x) F(cos)(x)\n"
    "#define TANH(x) F(tanh)(x)\n"
    "#define ERF(x) F(erf)(x)\n"
    "#define MAXIMUM(a, b) ((a) > (b) ? (a) : (b))\n"
    "#define MINIMUM(a, b) ((a) < (b) ? (a) : (b))\n"
    "#define LESS(a, b) ((a) < (b) ? K(1) : K(0))\n"
    "#define EQUAL(a, b) ((a) == (b) ? K(1) : K(0))\n"
    "#define SELECT(a, b, c) ((a) != K(0) ? (b) : (c))\n"
    "#define FINITE(x) ((x) - (x) == K(0) ? K(1) : K(0))\n"
    "typedef unsigned short u16;\n"
    "typedef unsigned long long u64;\n"
    "__device__ __forceinline__ R SIGMOID(R x) { R e = EXP(x < K(0) ? x : -x); return x < K(0) ? e / (K(1) + e) : K(1) / (K(1) + e); }\n"
    "__device__ __forceinline__ R GELU_TANH_SLOPE(R x)\n"
    "{\n"
    "    R c = K(0.79788456080286535588), t = TANH(c * (x + K(0.044715) * x * x * x));\n"
    "    return K(0.5) * (K(1) + t) + K(0.5) * x * (K(1) - t * t) * c * (K(1) + K(3) * K(0.044715) * x * x);\n"
    "}\n"
    "template <typename T, int n> struct __align__(sizeof(T) * n < 16 ? sizeof(T) * n : 16) pack { T at[n]; };\n";

/* Numbers of 16 bits: by the machine's own instructions, or by the host's where the text is compiled for it. */
static const char narrow_words[] =
    "struct bf16 { u16 bits; };\n"
    "struct f16 { u16 bits; };\n"
    "struct truth { unsigned char bits; };\n"
    "__device__ __forceinline__ float wide(truth x) { return x.bits != 0 ? 1.0f : 0.0f; }\n"
    "__device__ __forceinline__ void narrow(truth *to, R x) { to->bits = x != (R)0; }\n"
    "#if RECKON_CUDA_HOST\n"
    "__device__ __forceinline__ float wide(bf16 x) { return host_from_bf16(x.bits); }\n"
    "__device__ __forceinline__ float wide(f16 x) { return host_from_f16(x.bits); }\n"
    "__device__ __forceinline__ void narrow(bf16 *to, float x) { to->bits = host_to_bf16(x); }\n"
    "__device__ __forceinline__ void narrow(f16 *to, float x) { to->bits = host_to_f16(x); }\n"
    "#else\n"
    "__device__ __forceinline__ float wide(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }\n"
    "__device__ __forceinline__ float wide(f16 x) { float y; asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(y) : \"h\"(x.bits)); return y; }\n"
    "__device__ __forceinline__ void narrow(bf16 *to, float x) { asm(\"cvt.rn.bf16.f32 %0, %1;\" : \"=h\"(to->bits) : \"f\"(x)); }\n"
    "__device__ __forceinline__ void narrow(f16 *to, float x) { asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(to->bits) : \"f\"(x)); }\n"
    "#endif\n"
    "template <typename T> __device__ __forceinline__ T wide(T x) { return x; }\n"
    "__device__ __forceinline__ void narrow(float *to, R x) { *to = (float)x; }\n"
    "__device__ __forceinline__ void narrow(double *to, R x) { *to = x; }\n";

/* Integers: nearest even, saturated, as base/num.c has it. */
static const char integer_words[] =
    "#define INTEGER(T, least, above, most) __device__ __forceinline__ void narrow(T *to, R x) \\\n"
    "{ double r = rint((double)x); *to = r >= above ? (T)(most) : r >= least ? (T)r : r < least ? (T)(least) : (T)0; }\n"
    "INTEGER(long long, -9223372036854775808.0, 9223372036854775808.0, 0x7fffffffffffffffll)\n"
    "INTEGER(int, -2147483648.0, 2147483648.0, 2147483647)\n"
    "INTEGER(short, -32768.0, 32768.0, 32767)\n"
    "INTEGER(signed char, -128.0, 128.0, 127)\n"
    "INTEGER(u16, 0.0, 65536.0, 65535)\n"
    "INTEGER(unsigned char, 0.0, 256.0, 255)\n";
static const char rounding_words[] =
    "template <typename T> __device__ __forceinline__ R rounded(R x) { T t; narrow(&t, x); return (R)wide(t); }\n";

/* The mask of dropout: core/mapfn.c's rand_value, base/rng.c's Philox-4x32-10. */
static const char rand_words[] =
    "__device__ __forceinline__ R rand_value(u64 key, u64 site, u64 index, double keep)\n"
    "{\n"
    "    unsigned k0 = (unsigned)key, k1 = (unsigned)(key >> 32), c0 = (unsigned)(index >> 2), c1 = (unsigned)(index >> 34), c2 = (unsigned)site, c3 = (unsigned)(site >> 32);\n"
    "    for (int round = 0; round < 10; round++) {\n"
    "        u64 p0 = (u64)0xd2511f53u * c0, p1 = (u64)0xcd9e8d57u * c2;\n"
    "        c0 = (unsigned)(p1 >> 32) ^ c1 ^ k0, c1 = (unsigned)p1, c2 = (unsigned)(p0 >> 32) ^ c3 ^ k1, c3 = (unsigned)p0;\n"
    "        k0 += 0x9e3779b9u, k1 += 0xbb67ae85u;\n"
    "    }\n"
    "    unsigned which = (unsigned)index & 3u, word = which == 0 ? c0 : which == 1 ? c1 : which == 2 ? c2 : c3;\n"
    "    return word * (1.0 / 4294967296.0) < keep ? (R)(1 / keep) : (R)0;\n"
    "}\n";

static const char *type_of(rk_dtype dtype)
{
    static const char *const types[] = {
        [RK_f64] = "double", [RK_f32] = "float", [RK_f16] = "f16", [RK_bf16] = "bf16", [RK_i64] = "long long", [RK_i32] = "int", [RK_i16] = "short", [RK_i8] = "signed char",
        [RK_u16] = "u16", [RK_u8] = "unsigned char", [RK_bool] = "truth",
    };
    return types[dtype];
}

static bool is_double(rk_dtype dtype) { return dtype == RK_f64 || dtype == RK_i64; }
static bool computes_double(const struct problem *p)
{
    bool is = false;
    for (int i = 0; i < p->n_in; i++) is = is || is_double(p->in[i].dtype);
    for (int i = 0; i < p->n_out; i++) is = is || is_double(p->out[i].dtype);
    for (int i = 0; i < p->program->n; i++) is = is || is_double(p->program->at[i].dtype);
    return is;
}

/* Results, or values on the way, that are rounded to whole numbers. */
static bool has_integers(const struct problem *p)
{
    bool is = false;
    for (int i = 0; i < p->program->n; i++) is = is || p->program->at[i].dtype > RK_f8e5m2;
    return is;
}

/* What a value is rounded to before anybody uses it; NULL: it is as it is computed. */
static const char *rounds_to(const struct instruction *i, bool in_double)
{
    bool computed = i->kind == I_MAP || i->kind == I_CAST, exact = i->dtype == RK_f64 || (i->dtype == RK_f32 && !in_double);
    return !computed || exact ? NULL : type_of(i->dtype);
}

static bool has(const struct problem *p, enum instruction_kind kind)
{
    bool is = false;
    for (int i = 0; i < p->program->n; i++) is = is || p->program->at[i].kind == kind;
    return is;
}

/* --- parts of the kernel --- */

/* Every function that is used, once. */
static rk_status functions(rk_ctx *ctx, const struct program *program, struct str *t)
{
    bool there[MAP_COUNT] = { false };
    for (int i = 0; i < program->n; i++) {
        const struct instruction *in = &program->at[i];
        if (in->kind != I_MAP || there[in->fn]) continue;
        const struct row *row = &rows[in->fn];
        there[in->fn] = true;
        if (row->slope != NULL) TRY(str_format(ctx, t, "__device__ __forceinline__ R fn%d(R x, R b) { (void)x; return b * (%s); }\n", in->fn, row->slope));
        else if (row->arity == 1) TRY(str_format(ctx, t, "__device__ __forceinline__ R fn%d(R x) { return %s; }\n", in->fn, row->f));
        else if (row->arity == 2) TRY(str_format(ctx, t, "__device__ __forceinline__ R fn%d(R a, R b) { return %s; }\n", in->fn, row->f));
        else TRY(str_format(ctx, t, "__device__ __forceinline__ R fn%d(R a, R b, R c) { return %s; }\n", in->fn, row->f));
    }
    return RK_OK;
}

/* Where the thread stands, and with it every source. */
static rk_status positions(rk_ctx *ctx, const struct program_loops *l, struct str *t)
{
    int at = 2 + l->rank;
    TRY(str_format(ctx, t, "    I t = (I)thread;\n"));
    for (int i = l->rank - 1; i >= 0; i--) {
        const char *width = i == l->rank - 1 && l->per_thread > 1 ? " / N" : "", *times = width[0] != '\0' ? " * N" : "";
        if (i > 0) TRY(str_format(ctx, t, "    I x%d = t %% ((I)w.at[%d]%s)%s; t /= (I)w.at[%d]%s;\n", i, 2 + i, width, times, 2 + i, width));
        else TRY(str_format(ctx, t, "    I x0 = t%s;\n", times));
    }
    for (int k = 0; k < l->n_sources; k++, at += 1 + l->rank) {
        TRY(str_format(ctx, t, "    I o%d =", k));
        for (int i = 0; i < l->rank; i++) {
            bool known = i == l->rank - 1 && l->source[k].walking != WALK_STRIDED;      /* 0 or 1 */
            if (known && l->source[k].walking == WALK_STILL) TRY(str_text(ctx, t, i == 0 ? " 0" : ""));
            else if (known) TRY(str_format(ctx, t, "%s x%d", i == 0 ? "" : " +", i));
            else TRY(str_format(ctx, t, "%s x%d * (I)w.at[%d]", i == 0 ? "" : " +", i, at + 1 + i));
        }
        TRY(str_text(ctx, t, ";\n"));
    }
    return RK_OK;
}

static int source_at(const struct program_loops *l, int of)
{
    int k = 0;
    while (l->source[k].of != of) k++;
    return k;
}

/* Everything is read before anything is written: a result may lie on an operand. */
static rk_status loads(rk_ctx *ctx, const struct problem *p, const struct program_loops *l, struct str *t)
{
    for (int i = 0; i < p->program->n; i++) {
        if (p->program->at[i].kind != I_LOAD) continue;
        int k = source_at(l, i), word = 2 + l->rank + k * (1 + l->rank);
        const char *type = type_of(p->in[p->program->at[i].a].dtype);
        if (l->source[k].walking == WALK_STILL) TRY(str_format(ctx, t, "    const %s p%d = ((const %s *)w.at[%d])[o%d];\n", type, i, type, word, k));
        else if (l->source[k].walking == WALK_NEIGHBOURS)
            TRY(str_format(ctx, t, "    const pack<%s, N> p%d = *(const pack<%s, N> *)((const %s *)w.at[%d] + o%d);\n", type, i, type, type, word, k));
        else
            TRY(str_format(ctx, t, "    %s p%d[N]; for (int j = 0; j < N; j++) p%d[j] = ((const %s *)w.at[%d])[o%d + j * (I)w.at[%d]];\n", type, i, i, type, word, k, word + l->rank));
    }
    for (int k = 0; k < p->n_out; k++) TRY(str_format(ctx, t, "    pack<%s, N> y%d;\n", type_of(p->out[k].dtype), k));
    return RK_OK;
}

static rk_status constant(rk_ctx *ctx, struct str *t, double x)
{
    if (isnan(x)) return str_text(ctx, t, "(INFINITE - INFINITE)");
    if (isinf(x)) return str_text(ctx, t, x < 0 ? "-INFINITE" : "INFINITE");
    return str_format(ctx, t, "K(%.17g)", x);
}

static rk_status value(rk_ctx *ctx, const struct problem *p, const struct program_loops *l, int i, struct str *t)
{
    const struct instruction *in = &p->program->at[i];
    int k = in->kind == I_LOAD || in->kind == I_IOTA || in->kind == I_RAND ? source_at(l, i) : -1, word = 2 + l->rank + k * (1 + l->rank);
    const char *rounds = rounds_to(in, computes_double(p));
    TRY(str_format(ctx, t, "        const R v%d = ", i));
    if (rounds != NULL) TRY(str_format(ctx, t, "rounded<%s>(", rounds));
    switch (in->kind) {
    case I_LOAD: {
        if (l->source[k].walking == WALK_STILL) TRY(str_format(ctx, t, "(R)wide(p%d)", i));
        else if (l->source[k].walking == WALK_NEIGHBOURS) TRY(str_format(ctx, t, "(R)wide(p%d.at[j])", i));
        else TRY(str_format(ctx, t, "(R)wide(p%d[j])", i));
        break;
    }
    case I_CONST: TRY(constant(ctx, t, in->value)); break;
    case I_IOTA: TRY(str_format(ctx, t, "(R)(w.at[%d] + (long long)o%d + j * w.at[%d])", word, k, word + l->rank)); break;
    case I_RAND: TRY(str_format(ctx, t, "rand_value(key, (u64)w.at[%d], (u64)o%d + (u64)(j * w.at[%d]), %.17g)", word, k, word + l->rank, in->value)); break;
    case I_CAST: TRY(str_format(ctx, t, "v%d", in->a)); break;
    case I_MAP:
        TRY(str_format(ctx, t, "fn%d(v%d", in->fn, in->a));
        if (rows[in->fn].arity > 1) TRY(str_format(ctx, t, ", v%d", in->b));
        if (rows[in->fn].arity > 2) TRY(str_format(ctx, t, ", v%d", in->c));
        TRY(str_text(ctx, t, ")"));
        break;
    }
    TRY(str_text(ctx, t, rounds != NULL ? ");\n" : ";\n"));
    return in->store < 0 ? RK_OK : str_format(ctx, t, "        narrow(&y%d.at[j], v%d);\n", in->store, i);
}

static rk_status stores(rk_ctx *ctx, const struct problem *p, const struct program_loops *l, struct str *t)
{
    for (int y = 0; y < p->n_out; y++) {
        int k = source_at(l, MOST_PROGRAM + y), word = 2 + l->rank + k * (1 + l->rank);
        const char *type = type_of(p->out[y].dtype);
        if (l->source[k].walking == WALK_NEIGHBOURS) TRY(str_format(ctx, t, "    *(pack<%s, N> *)((%s *)w.at[%d] + o%d) = y%d;\n", type, type, word, k, y));
        else TRY(str_format(ctx, t, "    for (int j = 0; j < N; j++) ((%s *)w.at[%d])[o%d + j * (I)w.at[%d]] = y%d.at[j];\n", type, word, k, word + l->rank, y));
    }
    return RK_OK;
}

rk_status program_text(rk_ctx *ctx, const struct problem *p, const struct program_loops *l, struct str *t)
{
    bool is_f64 = computes_double(p);
    TRY(str_format(ctx, t, "typedef %s R;\ntypedef %s I;\nenum { N = %d };\n#define F(name) %s\n", is_f64 ? "double" : "float", l->small ? "int" : "long long", l->per_thread, is_f64 ? "name" : "name##f"));
    TRY(str_text(ctx, t, words));
    TRY(str_text(ctx, t, narrow_words));
    if (has_integers(p)) TRY(str_text(ctx, t, integer_words));
    TRY(str_text(ctx, t, rounding_words));
    if (has(p, I_RAND)) TRY(str_text(ctx, t, rand_words));
    TRY(functions(ctx, p->program, t));
    TRY(str_format(ctx, t, "struct words { long long at[%d]; };\nextern \"C\" __global__ void __launch_bounds__(%d) " CUDA_PROGRAM_NAME "(struct words w)\n{\n", program_words(l), CUDA_PROGRAM_THREADS));
    TRY(str_format(ctx, t, "    const long long thread = (long long)blockIdx.x * %d + threadIdx.x;\n    if (thread >= w.at[0]) return;\n", CUDA_PROGRAM_THREADS));
    if (has(p, I_RAND)) TRY(str_text(ctx, t, "    const u64 key = ((const u64 *)w.at[1])[0] ^ ((const u64 *)w.at[1])[1] * 0x9e3779b97f4a7c15ull;\n"));
    TRY(positions(ctx, l, t));
    TRY(loads(ctx, p, l, t));
    TRY(str_text(ctx, t, "#pragma unroll\n    for (int j = 0; j < N; j++) {\n"));
    for (int i = 0; i < p->program->n; i++) TRY(value(ctx, p, l, i, t));
    TRY(str_text(ctx, t, "    }\n"));
    TRY(stores(ctx, p, l, t));
    return str_text(ctx, t, "}\n");
}
