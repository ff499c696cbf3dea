/* test_distribution.c - summaries at the edges of the bucket selection: no values, equal values, one far outlier. test_metrics.c compares
 * percentiles of random values with a sorted list. */
#include <criterion/criterion.h>
#include <math.h>

#include "observe/distribution.h"

static struct summary summary_of(const double *values, size_t count)
{
    struct distribution distribution = {0};
    struct diag diag = {0};
    struct summary summary;
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(distribution_add(&distribution, values[i], &diag), SIM_OK);
    cr_assert_eq(distribution_summary(&distribution, &summary, &diag), SIM_OK);
    distribution_deinit(&distribution);
    return summary;
}

Test(distribution, of_nothing_everything_is_zero)
{
    const struct summary summary = summary_of(NULL, 0);
    cr_expect_eq(summary.count, 0);
    cr_expect(summary.mean == 0 && summary.std == 0 && summary.min == 0 && summary.p99 == 0 && summary.max == 0);
}

Test(distribution, equal_values_have_one_percentile)
{
    const double values[] = {7, 7, 7};
    const struct summary summary = summary_of(values, 3);
    cr_expect_eq(summary.count, 3);
    cr_expect(summary.mean == 7 && summary.std == 0 && summary.min == 7 && summary.median == 7 && summary.p99 == 7 && summary.max == 7);
}

Test(distribution, an_outlier_that_puts_all_others_into_one_bucket_changes_no_digit)
{
    double values[101];
    for (int i = 0; i < 100; i++)
        values[i] = 99 - i;
    values[100] = 1e12;
    const struct summary summary = summary_of(values, 101);
    cr_expect_eq(summary.min, 0);
    cr_expect_eq(summary.median, 50);
    cr_expect_eq(summary.p90, 90);
    cr_expect_eq(summary.p95, 95);
    cr_expect_eq(summary.p99, 99);
    cr_expect_eq(summary.max, 1e12);
    cr_expect_float_eq(summary.mean, (4950 + 1e12) / 101, 1e-3);
}
