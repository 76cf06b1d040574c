/* Range and precision follow from a format's bits: held against C's own numbers, and against the conversions, which know the
 * formats bit by bit. */
#include "base/num.h"
#include "reckon/dim.h"
#include "test.h"
#include <float.h>

static rk_dtype_info info_of(rk_dtype dtype)
{
    rk_dtype_info d;
    EXPECT(rk_dtype_describe(dtype, &d));
    return d;
}

TEST(the_numbers_of_c)
{
    rk_dtype_info d = info_of(RK_f64), f = info_of(RK_f32);
    EXPECT(d.largest == DBL_MAX && d.smallest_normal == DBL_MIN && d.smallest_subnormal == 0x1p-1074 && d.epsilon == DBL_EPSILON);
    EXPECT(f.largest == (double)FLT_MAX && f.smallest_normal == (double)FLT_MIN && f.smallest_subnormal == 0x1p-149 && f.epsilon == (double)FLT_EPSILON);
    EXPECT(info_of(RK_f16).largest == 65504 && info_of(RK_f8e4m3).largest == 448 && info_of(RK_f8e5m2).largest == 57344);
    EXPECT(info_of(RK_i64).largest_integer == INT64_MAX && info_of(RK_u16).largest_integer == UINT16_MAX && info_of(RK_i8).largest_integer == INT8_MAX);
    EXPECT(info_of(RK_bool).largest_integer == 1 && !info_of(RK_u8).negative && info_of(RK_i8).negative);
}

static double through(rk_dtype dtype, double x)
{
    unsigned char room[8];
    double back;
    num_store(room, (int)dtype, &x, 1);
    num_load(&back, room, (int)dtype, 1);
    return back;
}

TEST(the_bits_of_every_float)
{
    for (int i = 0; i < RK_DTYPE_COUNT; i++) {
        rk_dtype dtype = (rk_dtype)i;
        rk_dtype_info d = info_of(dtype);
        EXPECT_INT(d.bits, 8 * (int)rk_dtype_bytes(dtype));
        if (!d.floating) continue;
        EXPECT_INT(1 + d.exponent + d.mantissa, d.bits);
        EXPECT(through(dtype, d.largest) == d.largest);
        EXPECT(through(dtype, d.smallest_normal) == d.smallest_normal);
        EXPECT(through(dtype, d.smallest_subnormal) == d.smallest_subnormal);
        EXPECT(through(dtype, 1 + d.epsilon) == 1 + d.epsilon);
        if (dtype == RK_f64) continue;                                     /* here halves of steps are numbers too */
        EXPECT(through(dtype, d.smallest_subnormal / 2) == 0);
        EXPECT(through(dtype, 1 + d.epsilon / 2) == 1);
        EXPECT(through(dtype, 1.5 * d.smallest_subnormal) != 1.5 * d.smallest_subnormal);
        double beyond = through(dtype, d.largest * 1.5);
        EXPECT(d.infinity ? isinf(beyond) : beyond == d.largest);         /* where there is none, conversions saturate */
    }
}

TEST(what_is_none)
{
    rk_dtype_info d;
    EXPECT(!rk_dtype_describe(RK_DTYPE_COUNT, &d) && d.bits == 0);
    EXPECT(!rk_dtype_describe((rk_dtype)-1, &d));
}
