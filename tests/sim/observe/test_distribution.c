/* test_distribution.c - summaries at the edges of the bucket selection: no values, equal values, one far outlier. test_metrics.c compares
 * percentiles of random values with a sorted list. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "observe/distribution.h"
#include "support/random.h"

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

/* A source that leaves out every third item, as latencies leave out requests that did not finish. */
struct thirds {
    const double *values;
    uint32_t count;
};

static size_t next_thirds(const void *self, uint32_t *at, double *values, size_t room)
{
    const struct thirds *thirds = self;
    size_t count = 0;
    for (; *at < thirds->count && count < room; ++*at) {
        values[count] = thirds->values[*at];
        count += *at % 3 != 0;
    }
    return count;
}

/* 65536 values are a part: less, just as many, one more, and several parts. */
Test(distribution, values_that_come_in_parts_have_the_figures_of_those_in_an_array)
{
    static const uint32_t counts[] = {0, 1, 2, 1000, 98304, 98305, 98306, 98307, 300001};
    static double values[300001];
    const double wanted[] = {0, 3, 50, 99.9, 100};
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = random_below(&seed, 1 << 20) / 7.0;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct distribution whole = {0};
        struct summary a, b;
        struct diag diag = {0};
        double found_a[5], found_b[5];
        const struct thirds thirds = {values, counts[c]};
        const struct value_source source = {next_thirds, &thirds};
        for (uint32_t i = 0; i < counts[c]; i++)
            if (i % 3 != 0)
                cr_assert_eq(distribution_add(&whole, values[i], &diag), SIM_OK);
        cr_assert_eq(distribution_summary(&whole, &a, &diag), SIM_OK);
        cr_assert_eq(value_source_summary(&source, &b, &diag), SIM_OK);
        cr_expect_eq(memcmp(&a, &b, sizeof a), 0, "%u values", counts[c]);
        cr_assert_eq(distribution_percentiles(&whole, wanted, 5, found_a, &diag), SIM_OK);
        cr_assert_eq(value_source_percentiles(&source, wanted, 5, found_b, &diag), SIM_OK);
        cr_expect_eq(memcmp(found_a, found_b, sizeof found_a), 0, "%u values", counts[c]);
        distribution_deinit(&whole);
    }
}
