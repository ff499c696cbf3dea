/* test_repeated_values.c - the same numbers, bit for bit, as distribution.h has of the values one by one. */
#include <criterion/criterion.h>
#include <string.h>

#include "observe/repeated_values.h"
#include "support/random.h"

Test(repeated_values, are_a_distribution_of_all_values)
{
    uint64_t seed = 5;
    for (int round = 0; round < 400; round++) {
        struct repeated_values rows = {0};
        struct distribution all = {0};
        struct summary want, got;
        struct diag diag = {0};
        const uint32_t count = random_below(&seed, round % 10 == 0 ? 3000 : 6), different = 1 + random_below(&seed, 2000);
        for (uint32_t i = 0; i < count; i++) {
            const double value = random_below(&seed, different) / 7.0 * (round % 3 ? 1 : 1e6);
            const uint32_t times = 1 + random_below(&seed, 9);
            cr_assert_eq(repeated_values_add(&rows, value, times, &diag), SIM_OK);
            for (uint32_t k = 0; k < times; k++)
                cr_assert_eq(distribution_add(&all, value, &diag), SIM_OK);
        }
        cr_assert_eq(distribution_summary(&all, &want, &diag), SIM_OK);
        cr_assert_eq(repeated_values_summary(&rows, &got, &diag), SIM_OK);
        cr_expect_eq(memcmp(&got, &want, sizeof got), 0, "round %d: median %.17g, want %.17g", round, got.median, want.median);
        repeated_values_deinit(&rows);
        distribution_deinit(&all);
    }
}
