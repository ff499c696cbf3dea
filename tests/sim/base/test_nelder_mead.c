/* test_nelder_mead.c - known minima are found, and the search ends when it is told to. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/nelder_mead.h"

static int asked;

/* Rosenbrock's valley: its minimum is 0 at (1, 1). */
static enum status valley(void *self, const double *x, double *value, struct diag *diag)
{
    (void)self;
    (void)diag;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    *value = a * a + 100 * b * b;
    asked++;
    return SIM_OK;
}

static enum status ends(void *self, const double *x, double *value, struct diag *diag)
{
    (void)self;
    (void)x;
    *value = 0;
    return diag_set(diag, SIM_INTERRUPTED, "enough");
}

Test(nelder_mead, finds_the_end_of_a_curved_valley)
{
    double x[] = {-1.2, 1}, value;
    struct diag diag = {0};
    cr_assert_eq(nelder_mead(2, x, 0.5, 1000, 1e-14, valley, NULL, &value, &diag), SIM_OK);
    cr_expect_lt(value, 1e-10);
    cr_expect_lt(fabs(x[0] - 1) + fabs(x[1] - 1), 1e-4);
}

Test(nelder_mead, asks_for_no_more_values_than_it_may_and_ends_with_the_function)
{
    double x[] = {-1.2, 1}, value;
    struct diag diag = {0};
    asked = 0;
    cr_assert_eq(nelder_mead(2, x, 0.5, 30, 0, valley, NULL, &value, &diag), SIM_OK);
    cr_expect_leq(asked, 33, "a move that has begun is finished: %d", asked);
    cr_expect_eq(nelder_mead(2, x, 0.5, 30, 0, ends, NULL, &value, &diag), SIM_INTERRUPTED);
}
