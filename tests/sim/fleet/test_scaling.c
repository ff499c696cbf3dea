/* test_scaling.c - the rule of the Horizontal Pod Autoscaler by numbers from its description, and schedules. */
#include <criterion/criterion.h>

#include "fleet/scaling.h"

static uint32_t look(struct scaling *scaling, uint32_t taking, uint32_t there, double ratio)
{
    struct diag diag = {0};
    uint32_t wanted = 0;
    cr_assert_eq(scaling_look(scaling, taking, there, ratio, &wanted, &diag), SIM_OK);
    return wanted;
}

Test(scaling, goes_up_at_once_and_leaves_a_tenth_alone)
{
    const struct autoscale_config config = {.least = 1, .most = 8, .utilization = 0.5, .interval_s = 15, .down_after_s = 0};
    struct scaling scaling;
    scaling_init(&scaling, &config);
    cr_expect_eq(scaling.next_ns, INT64_C(15000000000));
    cr_expect_eq(look(&scaling, 4, 4, 2.0), 8, "200m measured, 100m wanted: twice as many");
    cr_expect_eq(scaling.next_ns, INT64_C(30000000000));
    cr_expect_eq(look(&scaling, 4, 4, 0.5), 2);
    cr_expect_eq(look(&scaling, 4, 4, 1.09), 4, "within the tolerance");
    cr_expect_eq(look(&scaling, 4, 4, 1.11), 5);
    cr_expect_eq(look(&scaling, 4, 4, 9.0), 8, "not above the most");
    cr_expect_eq(look(&scaling, 4, 4, 0.0), 1, "nor below the least");
    cr_expect_eq(look(&scaling, 0, 2, 1.0), 2, "nobody takes requests yet");
    scaling_deinit(&scaling);
}

Test(scaling, goes_down_to_the_most_that_was_wanted_in_the_window)
{
    const struct autoscale_config config = {.least = 1, .most = 8, .utilization = 0.5, .interval_s = 10, .down_after_s = 30};
    static const struct {
        double ratio;
        uint32_t wanted;
    } looks[] = {{1.0, 8}, {0.5, 8}, {0.25, 8}, {0.25, 8}, {0.25, 4}, {0.25, 2}, {0.25, 2}};
    struct scaling scaling;
    scaling_init(&scaling, &config);
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) /* at 10, 20 ... 70 s, with eight of them throughout */
        cr_expect_eq(look(&scaling, 8, 8, looks[i].ratio), looks[i].wanted, "look %zu", i);
    scaling_deinit(&scaling);
}

Test(scaling, follows_a_schedule)
{
    struct autoscale_config config = {.least = 1, .schedule_count = 3};
    struct scaling scaling;
    for (uint32_t i = 0; i < 3; i++) {
        config.schedule[i].at_s = i * 100;
        config.schedule[i].replicas = 2 + i;
    }
    scaling_init(&scaling, &config);
    cr_expect_eq(scaling.next_ns, INT64_C(100000000000), "what stands at 0 is there from the start");
    cr_expect_eq(look(&scaling, 2, 2, 1), 3);
    cr_expect_eq(look(&scaling, 3, 3, 1), 4);
    cr_expect_eq(scaling.next_ns, INT64_MAX);
    scaling_deinit(&scaling);
}
