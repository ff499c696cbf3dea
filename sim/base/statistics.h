/* statistics.h - what a handful of repeated measurements tells: mean, spread, and a confidence interval of the mean. */
#ifndef PAGESIM_STATISTICS_H
#define PAGESIM_STATISTICS_H

#include <stddef.h>

/* std and what follows from it need two values; with fewer they are 0 and the interval is the mean itself. */
struct statistics {
    size_t n;
    double mean;
    double std;             /* of the sample, n - 1 in the denominator */
    double cv;              /* std / |mean|; 0 when the mean is 0 */
    double se;              /* standard error of the mean: std / sqrt(n) */
    double ci_low, ci_high; /* 95 % interval of the mean by Student's t with n - 1 degrees of freedom */
};

struct statistics statistics_of(const double *values, size_t n);

/* The two-sided 95 % quantile of Student's t, degrees >= 1: 12.706 for 1, falling to 1.960. */
double student_t_95(size_t degrees);

/* Two-sided p of the sign test: how likely a fair coin splits `less + more` throws at least as unevenly. Exact; 1 when there are none.
 * It asks nothing of the shape of the differences, whereas Wilcoxon's signed ranks want them symmetric, which latencies are not. */
double sign_test_p(size_t less, size_t more);

/* Jain's index of fairness, (sum x)^2 / (n * sum x^2): 1 when all are equal, 1/n when one has everything; 1 for n = 0. Source: Jain,
 * Chiu, Hawe, DEC-TR-301, 1984. */
double jain_index(const double *values, size_t n);

#endif
