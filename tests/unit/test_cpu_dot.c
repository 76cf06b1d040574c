/* test_cpu_dot.c: the dot product in double: exact but for the rounding of its sums, and the same bits from every instruction set. */
#include "backend/cpu/dot.h"
#include "test.h"
#include <math.h>

enum { MOST = 1 << 12 };

TEST(every_instruction_set_gives_the_same_bits_near_the_truth)
{
#define X(isa) dot_stretch_##isa,
    static dot_stretch_fn *const stretch[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    static float a[MOST + 1], b[MOST];
    for (int i = 0; i < 300 / TEST_FEWER; i++) {
        int64_t n = i < 40 ? i : (int64_t)test_random(MOST);
        float *x = a + i % 2;                                       /* not on a vector's boundary */
        long double truth = 0, size = 0;
        for (int64_t k = 0; k < n; k++) {
            x[k] = (float)test_normal(), b[k] = (float)test_normal();
            truth += (long double)x[k] * (long double)b[k];
            size += fabsl((long double)x[k] * (long double)b[k]);
        }
        double first = stretch[0](x, b, n);
        EXPECT(fabsl((long double)first - truth) <= (long double)(n + 3) * 0x1p-53L * size);
        for (int isa = 1; isa < ISA_COUNT; isa++) {
            if (!isa_runs((enum isa)isa)) continue;
            double sum = stretch[isa](x, b, n);
            EXPECT(memcmp(&sum, &first, sizeof sum) == 0);
        }
    }
}
