/* num.h against slow exact searches, over every pattern of the small formats and every place where rounding turns. */
#include "base/num.h"
#include "reckon/dim.h"
#include "test.h"

/* A small format as a function from patterns to values, ascending for 0 .. last; beyond the last value lies `beyond`. */
struct format {
    const char *name;
    int dtype;
    uint32_t last, sign, overflow;                   /* pattern of the largest finite value; of the sign; of what overflows */
    float    (*widen)(uint32_t bits);
    uint32_t (*narrow)(float x);
    uint32_t (*narrow_f64)(double x);
};

static float f16_in(uint32_t b)    { return num_f16_to_f32((uint16_t)b); }
static float bf16_in(uint32_t b)   { return num_bf16_to_f32((uint16_t)b); }
static float e4m3_in(uint32_t b)   { return num_f8e4m3_to_f32((uint8_t)b); }
static float e5m2_in(uint32_t b)   { return num_f8e5m2_to_f32((uint8_t)b); }
static uint32_t f16_out(float x)   { return num_f32_to_f16(x); }
static uint32_t bf16_out(float x)  { return num_f32_to_bf16(x); }
static uint32_t e4m3_out(float x)  { return num_f32_to_f8e4m3(x); }
static uint32_t e5m2_out(float x)  { return num_f32_to_f8e5m2(x); }
static uint32_t f16_out64(double x)  { return num_f64_to_f16(x); }
static uint32_t bf16_out64(double x) { return num_f64_to_bf16(x); }
static uint32_t e4m3_out64(double x) { return num_f64_to_f8e4m3(x); }
static uint32_t e5m2_out64(double x) { return num_f64_to_f8e5m2(x); }

static const struct format formats[] = {
    { "f16",    RK_f16,    0x7bff, 0x8000, 0x7c00, f16_in,  f16_out,  f16_out64 },
    { "bf16",   RK_bf16,   0x7f7f, 0x8000, 0x7f80, bf16_in, bf16_out, bf16_out64 },
    { "f8e4m3", RK_f8e4m3, 0x7e,   0x80,   0x7e,   e4m3_in, e4m3_out, e4m3_out64 },
    { "f8e5m2", RK_f8e5m2, 0x7b,   0x80,   0x7c,   e5m2_in, e5m2_out, e5m2_out64 },
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* The value of a finite pattern, by the definition: sign, exponent and mantissa as numbers. */
static double defined(uint32_t bits, int exponent_bits, int mantissa_bits, int bias)
{
    int e = (int)(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    double m = (double)(bits & ((1u << mantissa_bits) - 1));
    double x = e == 0 ? ldexp(m, 1 - bias - mantissa_bits) : ldexp(m + ldexp(1, mantissa_bits), e - bias - mantissa_bits);
    return bits >> (exponent_bits + mantissa_bits) ? -x : x;
}

TEST(finite_patterns_mean_what_the_standard_says)
{
    static const int shape[N_FORMATS][3] = { { 5, 10, 15 }, { 8, 7, 127 }, { 4, 3, 7 }, { 5, 2, 15 } };
    for (int f = 0; f < N_FORMATS; f++)
        for (uint32_t b = 0; b < 2 * formats[f].sign; b++)
            if ((b & ~formats[f].sign) <= formats[f].last) EXPECT((double)formats[f].widen(b) == defined(b, shape[f][0], shape[f][1], shape[f][2]));
    EXPECT(num_f16_to_f32(0x7bff) == 65504.0f);
    EXPECT(num_f8e4m3_to_f32(0x7e) == 448.0f);
    EXPECT(num_f8e5m2_to_f32(0x7b) == 57344.0f);
}

TEST(every_pattern_returns)
{
    for (int f = 0; f < N_FORMATS; f++) {
        for (uint32_t b = 0; b < 2 * formats[f].sign; b++) {
            float x = formats[f].widen(b);
            uint32_t back = formats[f].narrow(x);
            if (isnan(x)) EXPECT(isnan(formats[f].widen(back)) && isnan(formats[f].widen(formats[f].narrow_f64((double)x))) && (back & formats[f].sign) == (b & formats[f].sign));
            else EXPECT(back == b && formats[f].narrow_f64((double)x) == b && (signbit(x) != 0) == ((b & formats[f].sign) != 0));
        }
    }
}

/* A float as f8e4m3 by arithmetic alone: a multiple of the last place at its size, no more than 448. */
static double as_f8e4m3(double x)
{
    int exponent;
    (void)frexp(x, &exponent);
    double unit = ldexp(1, (exponent - 1 < -6 ? -6 : exponent - 1) - 3), y = nearbyint(fabs(x) / unit) * unit;
    return copysign(isinf(x) || y > 448 ? 448 : y, x);
}

/* For all that bf16 and f16 can say: what torch.float8_e4m3fn gives, too. */
TEST(f8e4m3_saturates)
{
    for (uint32_t b = 0; b < 0x20000; b++) {
        float x = b < 0x10000 ? num_bf16_to_f32((uint16_t)b) : num_f16_to_f32((uint16_t)b);
        uint8_t y = num_f32_to_f8e4m3(x);
        double want = as_f8e4m3((double)x);
        if (isnan(x)) EXPECT(y == (signbit(x) ? 0xff : 0x7f));
        else if ((double)num_f8e4m3_to_f32(y) != want || (y >> 7 != 0) != (signbit(x) != 0) || num_f64_to_f8e4m3((double)x) != y)
            test_fail(__FILE__, __LINE__, "%a became %#x, expected %g", (double)x, y, want);
    }
}

TEST(infinities_and_nan)
{
    EXPECT(num_f32_to_f16(INFINITY) == 0x7c00 && num_f32_to_f16(-INFINITY) == 0xfc00 && isinf(num_f16_to_f32(0x7c00)));
    EXPECT(num_f32_to_bf16(INFINITY) == 0x7f80 && num_f32_to_bf16(-INFINITY) == 0xff80 && isinf(num_bf16_to_f32(0x7f80)));
    EXPECT(num_f32_to_f8e5m2(INFINITY) == 0x7c && num_f32_to_f8e5m2(-INFINITY) == 0xfc && isinf(num_f8e5m2_to_f32(0x7c)));
    EXPECT(num_f32_to_f8e4m3(INFINITY) == 0x7e && num_f32_to_f8e4m3(-INFINITY) == 0xfe && num_f64_to_f8e4m3(-1e300) == 0xfe && num_f64_to_f8e4m3((double)INFINITY) == 0x7e);
    for (int f = 0; f < N_FORMATS; f++) {
        uint32_t n = 0;
        for (uint32_t b = formats[f].overflow; b < formats[f].sign; b++) n += isnan(formats[f].widen(b)) != 0;
        EXPECT(n == (formats[f].dtype == RK_f8e4m3 ? 1 : formats[f].sign - formats[f].overflow - 1));
        for (uint32_t payload = 1; payload < 0x800000; payload = payload * 2 + 1) {
            uint32_t bits = 0x7f800000u | payload;
            float x;
            memcpy(&x, &bits, sizeof x);
            EXPECT(isnan(formats[f].widen(formats[f].narrow(x))));
            EXPECT(isnan(formats[f].widen(formats[f].narrow_f64((double)x))));
        }
        EXPECT(formats[f].narrow(3e38f) == (formats[f].dtype == RK_bf16 ? formats[f].narrow_f64((double)3e38f) : formats[f].overflow));
        EXPECT(formats[f].narrow_f64(1e300) == formats[f].overflow);
        EXPECT(formats[f].narrow_f64(-1e300) == (formats[f].overflow | formats[f].sign));
        EXPECT(formats[f].narrow_f64(-1e-300) == formats[f].sign);
    }
}

/* Value k of a format, with the one that would follow the largest, had the exponent no end: rounding looks at that. */
static double step(const struct format *f, uint32_t k)
{
    if (k <= f->last) return (double)f->widen(k);
    return 2 * (double)f->widen(f->last) - (double)f->widen(f->last - 1);
}

static uint32_t nearest(const struct format *f, double x)         /* the slow truth: search, compare distances, ties to even */
{
    uint32_t sign = signbit(x) ? f->sign : 0, low = 0, high = f->last + 1;
    x = fabs(x);
    if (x >= step(f, high)) return f->overflow | sign;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (step(f, middle) <= x) low = middle;
        else high = middle;
    }
    double below = x - step(f, low), above = step(f, high) - x;       /* exact: both have few bits, or x is close */
    uint32_t r = below < above || (below == above && (low & 1) == 0) ? low : high;
    return (r > f->last ? f->overflow : r) | sign;
}

/* Every midpoint between neighbours, and the 20 floats and doubles on either side of it, both signs. */
TEST(narrowing_is_to_the_nearest_and_ties_to_even)
{
    for (int k = 0; k < N_FORMATS; k++) {
        const struct format *f = &formats[k];
        for (uint32_t b = 0; b <= f->last; b++) {
            double middle = (step(f, b) + step(f, b + 1)) / 2;
            float x = (float)middle;
            double y = middle;
            for (int i = 0; i < 20; i++) x = nextafterf(x, -INFINITY), y = nextafter(y, -INFINITY);
            for (int i = 0; i <= 40; i++, x = nextafterf(x, INFINITY), y = nextafter(y, INFINITY)) {
                uint32_t want = nearest(f, (double)x), want_f64 = nearest(f, y);
                bool right = f->narrow(x) == want && f->narrow(-x) == (want ^ f->sign) && f->narrow_f64((double)x) == want;
                if (!right) test_fail(__FILE__, __LINE__, "%s: %a became %#x, expected %#x", f->name, (double)x, f->narrow(x), want);
                if (f->narrow_f64(y) != want_f64 || f->narrow_f64(-y) != (want_f64 ^ f->sign)) test_fail(__FILE__, __LINE__, "%s: %a became %#x, expected %#x", f->name, y, f->narrow_f64(y), want_f64);
            }
        }
    }
}

TEST(narrowing_random_numbers_is_to_the_nearest)
{
    for (int i = 0; i < 200000; i++) {
        const struct format *f = &formats[i % N_FORMATS];
        uint64_t bits = test_random(0);
        uint32_t small = (uint32_t)(bits >> 32);
        float x;
        double y = ldexp(test_normal(), (int)test_random(60) - 30);
        memcpy(&x, &small, sizeof x);
        if (!isnan(x)) EXPECT(f->narrow(x) == nearest(f, (double)x));
        EXPECT(f->narrow_f64(y) == nearest(f, y));
    }
}

/* 1 + 2^-11 is the midpoint of two f16; the bit at 2^-40 decides, and a float on the way would lose it. */
TEST(double_to_f16_rounds_once)
{
    EXPECT_INT(num_f64_to_f16(1 + 0x1p-11), 0x3c00);
    EXPECT_INT(num_f64_to_f16(1 + 0x1p-11 + 0x1p-40), 0x3c01);
    EXPECT_INT(num_f32_to_f16((float)(1 + 0x1p-11 + 0x1p-40)), 0x3c00);
    EXPECT_INT(num_f64_to_bf16(1 + 0x1p-8 + 0x1p-40), 0x3f81);
    EXPECT_INT(num_f64_to_f8e4m3(1 + 0x1p-4 + 0x1p-40), 0x39);
    EXPECT_INT(num_f64_to_f8e5m2(1 + 0x1p-3 + 0x1p-40), 0x3d);
    EXPECT_INT(num_f64_to_f8e4m3(464), 0x7e);
    EXPECT_INT(num_f64_to_f8e4m3(464 + 0x1p-40), 0x7e);
}

static size_t bytes_of(int dtype)
{
    static const size_t bytes[] = {
#define ROW(name, size, kind, file_name, exponent, mantissa) size,
#include "reckon/dtype.def"
#undef ROW
    };
    return bytes[dtype];
}

/* Columns at an odd address, of every length up to past any vector, in every dtype: 0 to 8, which all of them hold, return. */
TEST(columns_of_every_dtype_return)
{
    enum { MOST = 67 };
    for (int dtype = 0; dtype < RK_DTYPE_COUNT; dtype++) {
        for (size_t n = 0; n <= MOST; n++) {
            unsigned char room[MOST * 8 + 2];
            double in[MOST + 1], out[MOST + 1];
            float in_f32[MOST + 1], out_f32[MOST + 1];
            for (size_t i = 0; i < n; i++) in[i] = dtype == RK_bool ? (double)test_random(2) : (double)test_random(9), in_f32[i] = (float)in[i];
            memset(room, 0xa5, sizeof room);
            num_store(room + 1, dtype, in, n);
            num_load(out, room + 1, dtype, n);
            num_load_f32(out_f32, room + 1, dtype, n);
            EXPECT(room[0] == 0xa5 && room[1 + n * bytes_of(dtype)] == 0xa5);
            for (size_t i = 0; i < n; i++) EXPECT(out[i] == in[i] && out_f32[i] == in_f32[i]);
            memset(room, 0xa5, sizeof room);
            num_store_f32(room + 1, dtype, in_f32, n);
            num_load(out, room + 1, dtype, n);
            EXPECT(room[0] == 0xa5 && room[1 + n * bytes_of(dtype)] == 0xa5);
            for (size_t i = 0; i < n; i++) EXPECT(out[i] == in[i]);
        }
    }
}

TEST(columns_equal_single_conversions)
{
    enum { N = 1000 };
    for (int k = 0; k < N_FORMATS; k++) {
        float x[N], y[N];
        double d[N], e[N];
        uint16_t wide[N];
        uint8_t *narrow = (uint8_t *)wide;
        size_t bytes = bytes_of(formats[k].dtype);
        for (int i = 0; i < N; i++) d[i] = ldexp(test_normal(), (int)test_random(40) - 20), x[i] = (float)d[i];
        num_store_f32(wide, formats[k].dtype, x, N);
        num_load_f32(y, wide, formats[k].dtype, N);
        for (int i = 0; i < N; i++) {
            EXPECT((bytes == 2 ? wide[i] : narrow[i]) == formats[k].narrow(x[i]));
            EXPECT(y[i] == formats[k].widen(formats[k].narrow(x[i])) || isnan(y[i]));
        }
        num_store(wide, formats[k].dtype, d, N);
        num_load(e, wide, formats[k].dtype, N);
        for (int i = 0; i < N; i++) EXPECT((bytes == 2 ? wide[i] : narrow[i]) == formats[k].narrow_f64(d[i]) && (e[i] == (double)formats[k].widen(formats[k].narrow_f64(d[i])) || isnan(e[i])));
    }
}

TEST(integers_saturate_and_round_to_even)
{
    static const struct { int dtype; double least, most; } rows[] = {
        { RK_i64, -0x1p63, 0x1p63 - 1 }, { RK_i32, -0x1p31, 0x1p31 - 1 }, { RK_i16, -32768, 32767 }, { RK_i8, -128, 127 }, { RK_u16, 0, 65535 }, { RK_u8, 0, 255 },
    };
    static const double in[] = { INFINITY, -INFINITY, NAN, 1e300, -1e300, 0.5, 1.5, 2.5, -0.5, 3.4999, 126.5 };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        double least = rows[k].least, most = rows[k].most;
        const double want[] = { most, least, 0, most, least, 0, 2, 2, 0, 3, 126 };
        for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
            unsigned char room[8];
            double out;
            float x = (float)in[i];
            num_store(room, rows[k].dtype, &in[i], 1);
            num_load(&out, room, rows[k].dtype, 1);
            EXPECT(out == want[i]);
            num_store_f32(room, rows[k].dtype, &x, 1);
            num_load(&out, room, rows[k].dtype, 1);
            EXPECT(out == want[i]);
        }
    }
    static const double truths[] = { 0, -0.0, 1e-300, NAN, -3 };
    uint8_t bools[5];
    num_store(bools, RK_bool, truths, 5);
    EXPECT(bools[0] == 0 && bools[1] == 0 && bools[2] == 1 && bools[3] == 1 && bools[4] == 1);
}

TEST(large_i64_to_f32_rounds_once)
{
    int64_t x = (INT64_C(1) << 60) + (INT64_C(1) << 36) + 1;         /* over double this would be a tie, and go down */
    float y;
    num_load_f32(&y, &x, RK_i64, 1);
    EXPECT(y == 0x1p60f + 0x1p37f);
}
