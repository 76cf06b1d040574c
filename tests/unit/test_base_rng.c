/* rng.h: the published vectors of Philox-4x32-10, and the moments of what is drawn from it. */
#include "base/rng.h"
#include "test.h"

static uint64_t pair(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

TEST(philox_gives_the_known_answers)                /* Random123, kat_vectors: philox4x32 10 */
{
    static const struct { uint32_t counter[4], key[2], word[4]; } rows[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 }, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rng_block b = rng_philox(pair(rows[i].key[0], rows[i].key[1]), pair(rows[i].counter[0], rows[i].counter[1]), pair(rows[i].counter[2], rows[i].counter[3]));
        for (int k = 0; k < 4; k++) EXPECT_INT(b.word[k], rows[i].word[k]);
    }
}

TEST(words_are_the_blocks_in_order)
{
    for (uint64_t i = 0; i < 100; i++) EXPECT(rng_word(5, 7, i) == rng_philox(5, i / 4, 7).word[i % 4]);
    EXPECT(rng_word(5, 7, 0) != rng_word(5, 8, 0) && rng_word(5, 7, 0) != rng_word(6, 7, 0));
}

TEST(uniform_and_normal_have_their_moments)
{
    enum { N = 400000 };
    double u = 0, u2 = 0, z = 0, z2 = 0, z3 = 0, z4 = 0, most = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = rng_uniform(test_seed(), 1, i), y = rng_normal(test_seed(), 2, i);
        if (!(x >= 0 && x < 1) || !isfinite(y)) test_fail(__FILE__, __LINE__, "draw %d is %g, %g", (int)i, x, y);
        u += x, u2 += x * x, z += y, z2 += y * y, z3 += y * y * y, z4 += y * y * y * y;
        if (fabs(y) > most) most = fabs(y);
    }
    EXPECT_NEAR(u / N, 0.5, 5 * sqrt(1.0 / 12 / N));                    /* five standard deviations of the estimate each */
    EXPECT_NEAR(u2 / N, 1.0 / 3, 5 * sqrt(4.0 / 45 / N));
    EXPECT_NEAR(z / N, 0, 5 * sqrt(1.0 / N));
    EXPECT_NEAR(z2 / N, 1, 5 * sqrt(2.0 / N));
    EXPECT_NEAR(z3 / N, 0, 5 * sqrt(15.0 / N));
    EXPECT_NEAR(z4 / N, 3, 5 * sqrt(96.0 / N));
    EXPECT(most > 3.5 && most < 9);
}

TEST(below_is_even_and_within)
{
    int count[7] = { 0 };
    enum { N = 70000 };
    for (uint64_t i = 0; i < N; i++) {
        uint64_t x = rng_below(test_seed(), 3, i, 7);
        REQUIRE(x < 7);
        count[x]++;
    }
    double chi = 0;
    for (int k = 0; k < 7; k++) chi += (count[k] - N / 7.0) * (count[k] - N / 7.0) / (N / 7.0);
    EXPECT(chi < 35);                                                   /* 6 degrees of freedom: one in 200,000 */
    for (uint64_t i = 0; i < 1000; i++) EXPECT(rng_below(1, 1, i, 1) == 0 && rng_below(1, 1, i, UINT64_MAX) < UINT64_MAX);
}
