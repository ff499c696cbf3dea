/* statistics.c - sums over a handful of values; two passes where one would cancel digits. Sources of the formulas are in statistics.h.
 */
#include "base/statistics.h"

#include <math.h>

double student_t_95(size_t degrees)
{
    /* Standard table of the two-sided 95 % quantile; beyond it the expansion of Cornish and Fisher is good to the digits shown. */
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
    const double z = 1.959964, d = (double)degrees;
    if (degrees == 0)
        return INFINITY;
    if (degrees <= sizeof table / sizeof *table)
        return table[degrees - 1];
    return z + (pow(z, 3) + z) / (4 * d) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * d * d) +
           (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / (384 * d * d * d);
}

/* Squares of differences from the mean, not the difference of sums: values of a few runs lie close together. */
struct statistics statistics_of(const double *values, size_t n)
{
    struct statistics out = {.n = n};
    double sum = 0, squares = 0;
    if (n == 0)
        return out;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    out.mean = out.ci_low = out.ci_high = sum / (double)n;
    if (n < 2)
        return out;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - out.mean) * (values[i] - out.mean);
    out.std = sqrt(squares / (double)(n - 1));
    out.cv = out.mean != 0 ? out.std / fabs(out.mean) : 0;
    out.se = out.std / sqrt((double)n);
    out.ci_low = out.mean - student_t_95(n - 1) * out.se;
    out.ci_high = out.mean + student_t_95(n - 1) * out.se;
    return out;
}

/* Logarithms of factorials keep the first term from overflowing; below double precision the sum stops. */
double sign_test_p(size_t less, size_t more)
{
    const double n = (double)less + (double)more;
    size_t k = less < more ? less : more;
    double sum = 0;
    /* The tail of the binomial from its largest term down; each term is the one before times k / (n - k + 1). */
    double term = exp(lgamma(n + 1) - lgamma((double)k + 1) - lgamma(n - (double)k + 1) - n * log(2));
    while (term > sum * 1e-17) {
        sum += term;
        term *= (double)k / (n - (double)k + 1);
        k--; /* after k = 0 the term is 0 and the loop ends */
    }
    return 2 * sum < 1 ? 2 * sum : 1;
}

/* All zero is as even as it gets. */
double jain_index(const double *values, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    return squares > 0 ? sum * sum / ((double)n * squares) : 1;
}
