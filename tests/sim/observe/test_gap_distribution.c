/* test_gap_distribution.c - figures of progressions against those of the sorted list of all gaps, however they are cut. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "observe/gap_distribution.h"
#include "support/naive_percentile.h"
#include "support/random.h"

enum { GAPS_MOST = 400000, PERCENTILES = 7 };
static const double wanted[PERCENTILES] = {0, 1, 50, 90, 99, 99.9, 100};

/* The same gaps as progressions and one by one; all[] gets every gap as often as it was seen. */
static size_t fill(uint64_t seed, struct gap_distribution *whole, struct gap_distribution *single, double *all)
{
    struct diag diag = {0};
    size_t count = 0, runs = 1 + random_below(&seed, 900);
    for (size_t i = 0; i < runs; i++) {
        int64_t first_ns = 1000000 + random_below(&seed, seed % 2 ? 100 : 4000000), change_ns = random_below(&seed, 3000);
        if (random_below(&seed, 10) == 0) /* from nothing to a quarter of an hour */
            first_ns = INT64_C(60000) + (INT64_C(1) << random_below(&seed, 40));
        uint32_t steps = 1 + random_below(&seed, 20), weight = 1 + random_below(&seed, 20);
        change_ns = random_below(&seed, 3) == 0 ? 0 : random_below(&seed, 4) == 0 ? -change_ns : change_ns;
        cr_assert_eq(gap_distribution_add(whole, first_ns, change_ns, steps, weight, &diag), SIM_OK);
        for (uint32_t k = 0; k < steps; k++, first_ns += change_ns) {
            cr_assert_eq(gap_distribution_add(single, first_ns, 0, 1, weight, &diag), SIM_OK);
            for (uint32_t j = 0; j < weight; j++)
                all[count++] = (double)first_ns;
        }
    }
    return count;
}

Test(gap_distribution, figures_are_those_of_the_sorted_list_and_do_not_depend_on_the_cuts)
{
    double *all = malloc(GAPS_MOST * sizeof *all);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct gap_distribution whole = {0}, single = {0};
        struct summary a, b;
        struct diag diag = {0};
        double found[PERCENTILES], sum = 0, squares = 0;
        size_t count = fill(seed, &whole, &single, all);
        qsort(all, count, sizeof *all, by_value);
        cr_assert_eq(gap_distribution_percentiles(&whole, wanted, PERCENTILES, found, &diag), SIM_OK);
        for (int i = 0; i < PERCENTILES; i++)
            cr_expect_eq(found[i], naive_percentile(all, count, wanted[i]) / 1e6, "seed %llu, p%g", (unsigned long long)seed, wanted[i]);
        for (size_t i = 0; i < count; i++)
            sum += all[i];
        for (size_t i = 0; i < count; i++)
            squares += (all[i] - sum / (double)count) * (all[i] - sum / (double)count);
        cr_assert_eq(gap_distribution_summary(&whole, &a, &diag), SIM_OK);
        cr_assert_eq(gap_distribution_summary(&single, &b, &diag), SIM_OK);
        cr_expect_eq(a.count, count);
        cr_expect_float_eq(a.mean, sum / (double)count / 1e6, 1e-9);
        cr_expect_float_eq(a.std, sqrt(squares / (double)count) / 1e6, 1e-6);
        cr_expect(a.mean == b.mean && a.std == b.std && a.median == b.median && a.p99 == b.p99 && a.count == b.count,
                  "seed %llu: cutting the runs changes a figure", (unsigned long long)seed);
        gap_distribution_deinit(&whole);
        gap_distribution_deinit(&single);
    }
    free(all);
}

/* More gaps, more requests or a wider change than one progression holds. */
Test(gap_distribution, what_does_not_fit_one_progression_is_kept_all_the_same)
{
    static const struct {
        int64_t first_ns, change_ns;
        uint32_t count, weight;
    } cases[] = {{1000000, 7, 20000, 3}, {1000, INT64_C(3000000000), 5, 2}, {5000000, 20, 9, 3u << 19}, {4000000, 0, 8192, 1}};
    struct gap_distribution whole = {0}, single = {0};
    struct summary a, b;
    struct diag diag = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(gap_distribution_add(&whole, cases[i].first_ns, cases[i].change_ns, cases[i].count, cases[i].weight, &diag), SIM_OK);
        for (uint32_t k = 0; k < cases[i].count; k++)
            for (uint32_t left = cases[i].weight; left > 0; left -= left % 1000 ? left % 1000 : 1000)
                cr_assert_eq(gap_distribution_add(&single, cases[i].first_ns + k * cases[i].change_ns, 0, 1,
                                                  left % 1000 ? left % 1000 : 1000, &diag),
                             SIM_OK);
    }
    cr_assert_eq(gap_distribution_summary(&whole, &a, &diag), SIM_OK);
    cr_assert_eq(gap_distribution_summary(&single, &b, &diag), SIM_OK);
    cr_expect_eq(a.count, 60000 + 10 + 9 * (UINT64_C(3) << 19) + 8192);
    cr_expect_eq(a.max, 12000001000 / 1e6);
    cr_expect(memcmp(&a, &b, sizeof a) == 0, "kept otherwise than gap by gap");
    gap_distribution_deinit(&whole);
    gap_distribution_deinit(&single);
}

/* More progressions than are kept unpacked, in some tens of values only, so that equal ones are many. */
Test(gap_distribution, packed_progressions_have_the_figures_of_the_sorted_list)
{
    enum { MANY = 300000 };
    struct gap_distribution gaps = {0};
    struct diag diag = {0};
    double *all = malloc(MANY * sizeof *all), found[PERCENTILES];
    uint64_t seed = 11;
    for (size_t i = 0; i < MANY; i++) {
        const uint32_t ns = 5000000 + random_below(&seed, 20) * random_below(&seed, 3) * 100000;
        all[i] = ns;
        cr_assert_eq(gap_distribution_add(&gaps, ns, 0, 1, 1, &diag), SIM_OK);
    }
    cr_expect_not_null(gaps.packed.first);
    qsort(all, MANY, sizeof *all, by_value);
    cr_assert_eq(gap_distribution_percentiles(&gaps, wanted, PERCENTILES, found, &diag), SIM_OK);
    for (int i = 0; i < PERCENTILES; i++)
        cr_expect_eq(found[i], naive_percentile(all, MANY, wanted[i]) / 1e6, "p%g", wanted[i]);
    cr_expect_eq(gaps.total, MANY);
    gap_distribution_deinit(&gaps);
    free(all);
}

static enum status count_gaps(void *self, const struct gap_progression *progressions, size_t count, struct diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < count; i++)
        *(uint64_t *)self += (uint64_t)progressions[i].count * progressions[i].weight;
    return SIM_OK;
}

/* Dealt to several, some of which get nothing, some have packed, and taken together again in any order: the same as if there had been one. */
Test(gap_distribution, parts_that_are_taken_together_have_the_figures_of_one)
{
    enum { MANY = 200000, PARTS = 4 };
    struct gap_distribution one = {0}, parts[PARTS] = {{0}}, sum = {0};
    struct summary expected, found;
    struct diag diag = {0};
    uint64_t seed = 5, seen = 0;
    for (size_t i = 0; i < MANY; i++) {
        const int64_t ns = 1000000 + random_below(&seed, 9000000);
        const uint32_t part = random_below(&seed, 100) == 0 ? 2 : 3 * random_below(&seed, 2);
        cr_assert_eq(gap_distribution_add(&one, ns, 1, 3, 2, &diag), SIM_OK);
        cr_assert_eq(gap_distribution_add(&parts[part], ns, 1, 3, 2, &diag), SIM_OK);
    }
    cr_assert_eq(gap_distribution_pack(&parts[3], &diag), SIM_OK);
    for (size_t i = PARTS; i-- > 0;) {
        cr_assert_eq(gap_distribution_take(&sum, &parts[i], &diag), SIM_OK);
        cr_expect_eq(parts[i].total, 0);
    }
    cr_assert_eq(gap_distribution_summary(&one, &expected, &diag), SIM_OK);
    cr_assert_eq(gap_distribution_summary(&sum, &found, &diag), SIM_OK);
    cr_expect(memcmp(&expected, &found, sizeof found) == 0);
    cr_assert_eq(gap_distribution_visit(&sum, count_gaps, &seen, &diag), SIM_OK);
    cr_expect_eq(seen, UINT64_C(6) * MANY);
    gap_distribution_deinit(&one);
    gap_distribution_deinit(&sum);
    for (size_t i = 0; i < PARTS; i++)
        gap_distribution_deinit(&parts[i]);
}

Test(gap_distribution, of_nothing_is_zero)
{
    struct gap_distribution none = {0};
    struct summary figures;
    struct diag diag = {0};
    cr_assert_eq(gap_distribution_summary(&none, &figures, &diag), SIM_OK);
    cr_expect(figures.count == 0 && figures.mean == 0 && figures.p99 == 0);
}
