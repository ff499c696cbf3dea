/* test_statistics.c - the sign test against counting, Jain's index at its ends. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/statistics.h"

/* Two-sided tail by summing binomial coefficients. */
static double count_tail(unsigned less, unsigned more)
{
    const unsigned n = less + more, smaller = less < more ? less : more;
    double coefficient = 1, sum = 0;
    for (unsigned k = 0; k <= smaller; k++) {
        sum += coefficient;
        coefficient = coefficient * (n - k) / (k + 1);
    }
    const double p = 2 * sum / pow(2, n);
    return p < 1 ? p : 1;
}

Test(statistics, sign_test_is_the_binomial_tail)
{
    for (unsigned less = 0; less < 40; less++)
        for (unsigned more = 0; more < 40; more++)
            cr_assert_float_eq(sign_test_p(less, more), count_tail(less, more), 1e-12, "%u %u", less, more);
    cr_expect_float_eq(sign_test_p(0, 5), 0.0625, 1e-12);
    cr_expect_float_eq(sign_test_p(10000, 10000), 1, 1e-12);
    cr_expect_float_eq(sign_test_p(9900, 10100), 0.159, 0.001); /* z = 1.41 with the half-step correction */
    cr_expect_lt(sign_test_p(100, 20000), 1e-300);
}

Test(statistics, jain_is_1_for_equals_and_1_over_n_for_one_who_has_all)
{
    const double equal[] = {3, 3, 3, 3}, one[] = {0, 7, 0, 0, 0};
    cr_expect_float_eq(jain_index(equal, 4), 1, 1e-12);
    cr_expect_float_eq(jain_index(one, 5), 0.2, 1e-12);
    cr_expect_float_eq(jain_index(one, 0), 1, 1e-12);
}

/* Values of the usual table, where it is one here (1 to 20) and where it is computed. */
Test(statistics, student_t_is_that_of_the_tables)
{
    static const struct {
        size_t degrees;
        double t;
    } cases[] = {{1, 12.706}, {2, 4.303},  {10, 2.228}, {19, 2.093}, {20, 2.086},
                 {21, 2.080}, {25, 2.060}, {30, 2.042}, {60, 2.000}, {1000, 1.962}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_float_eq(student_t_95(cases[i].degrees), cases[i].t, 0.00051, "%zu: %g", cases[i].degrees,
                           student_t_95(cases[i].degrees));
    cr_expect(isinf(student_t_95(0)));
}

Test(statistics, of_one_value_there_is_no_spread_and_of_none_nothing)
{
    const double one[] = {7}, four[] = {1, 2, 3, 6};
    struct statistics of = statistics_of(one, 0);
    cr_expect(of.n == 0 && of.mean == 0);
    of = statistics_of(one, 1);
    cr_expect(of.n == 1 && of.mean == 7 && of.ci_low == 7 && of.ci_high == 7);
    /* Mean 3, squares 4 + 1 + 0 + 9 over 3. */
    of = statistics_of(four, 4);
    cr_expect_float_eq(of.mean, 3, 1e-12);
    cr_expect_float_eq(of.std, sqrt(14.0 / 3), 1e-12);
    cr_expect_float_eq(of.ci_high - of.mean, 3.182 * sqrt(14.0 / 3) / 2, 1e-9);
    cr_expect_float_eq(of.mean - of.ci_low, 3.182 * sqrt(14.0 / 3) / 2, 1e-9);
}
