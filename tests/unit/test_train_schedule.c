/* test_train_schedule.c: learning rates against literals: those of CS336's run_get_lr_cosine_schedule for (max 1, min 0.1,
 * warm-up 7, cycle 21), and the shapes of the others. */
#include "reckon/train.h"
#include "test.h"

TEST(cosine_has_the_published_literals)
{
    static const double expected[25] = {
        0, 0.14285714285714285, 0.2857142857142857, 0.42857142857142855, 0.5714285714285714, 0.7142857142857143, 0.8571428571428571, 1.0,
        0.9887175604818206, 0.9554359905560885, 0.9018241671106134, 0.8305704108364301, 0.7452476826029011, 0.6501344202803414, 0.55, 0.44986557971965857,
        0.3547523173970989, 0.26942958916356996, 0.19817583288938662, 0.14456400944391146, 0.11128243951817937, 0.1, 0.1, 0.1, 0.1,
    };
    for (int t = 0; t < 25; t++) EXPECT_NEAR(rk_schedule_rate(RK_SCHEDULE_cosine, t, 1, 0.1, 7, 21), expected[t], 1e-12);
}

TEST(others_have_their_shapes)
{
    EXPECT_NEAR(rk_schedule_rate(RK_SCHEDULE_linear, 14, 1, 0.1, 7, 21), 0.55, 1e-15);
    EXPECT_NEAR(rk_schedule_rate(RK_SCHEDULE_linear, 22, 1, 0.1, 7, 21), 0.1, 1e-15);
    EXPECT_NEAR(rk_schedule_rate(RK_SCHEDULE_constant, 1000, 0.3, 0.1, 7, 21), 0.3, 0);
    EXPECT_NEAR(rk_schedule_rate(RK_SCHEDULE_inverse_sqrt, 28, 1, 0.1, 7, 21), 0.5, 1e-15);
    EXPECT_NEAR(rk_schedule_rate(RK_SCHEDULE_inverse_sqrt, 1e6, 1, 0.1, 7, 21), 0.1, 0);
    for (int s = 0; s < RK_SCHEDULE_COUNT; s++) EXPECT_NEAR(rk_schedule_rate((rk_schedule)s, 3, 1, 0.1, 6, 21), 0.5, 1e-15);
}

TEST(no_warmup_and_no_middle)
{
    for (int s = 0; s < RK_SCHEDULE_COUNT; s++) {
        EXPECT_NEAR(rk_schedule_rate((rk_schedule)s, 1, 1, 1, 0, 10), 1, 1e-12);
        double late = rk_schedule_rate((rk_schedule)s, 9, 1, 0.1, 5, 5);        /* the cycle ends with the warm-up */
        EXPECT(late >= 0.1 && late <= 1);
    }
}
