/* portable_math.h - logarithm, exponential, log-gamma and sine with the same bits on every machine.
 *
 * C libraries differ in the last bit of log, exp and the like, and one bit is enough to move a drawn arrival by a nanosecond and a decision with it.
 * These use additions, multiplications, divisions and scalings by powers of two only, which IEEE 754 defines to the last bit.
 */
#ifndef PAGESIM_PORTABLE_MATH_H
#define PAGESIM_PORTABLE_MATH_H

/* Natural logarithm of a positive finite number, to within 4e-16 of its value (of x itself where the logarithm is near 0). */
double portable_log(double x);

/* e to the x, to within 4e-16 of its value; 0 below -740, infinity above 710. */
double portable_exp(double x);

/* Natural logarithm of the gamma function for 0 < x <= 1e6, to within 1e-13 of the larger of its value and 1. */
double portable_log_gamma(double x);

/* The sine of x whole turns (not radians), |x| < 2^52, to within 4e-16. */
double portable_sine_of_turns(double x);

#endif
