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
