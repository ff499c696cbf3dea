/* portable_math.c - logarithm, exponential, log-gamma and sine as sums that every machine adds up in the same order. Read portable_math.h first. */
#include "base/portable_math.h"

#include <math.h>
#include <stdbool.h>

/* A fused multiply-add rounds once where two operations round twice. gcc contracts nothing under -std=c11; clang must be told. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* ln 2 in two parts: the first has 32 trailing zero bits, so that a small integer times it is exact. */
#define LN2_HIGH     0x1.62e42fee00000p-1
#define LN2_LOW      0x1.a39ef35793c76p-33
#define SQRT_HALF    0x1.6a09e667f3bcdp-1
#define PI           0x1.921fb54442d18p+1
#define HALF_LOG_2PI 0x1.d67f1c864beb5p-1

/* x = m * 2^e with m around 1; ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| < 0.172, as a series in s^2. */
double portable_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < SQRT_HALF) {
        m *= 2;
        exponent--;
    }
    const double s = (m - 1) / (m + 1), square = s * s;
    double series = 0; /* terms up to s^23: the next is below 2^-60 of the sum */
    for (int k = 23; k >= 3; k -= 2)
        series = (series + 1.0 / k) * square;
    return exponent * LN2_HIGH + (2 * s + (2 * s * series + exponent * LN2_LOW));
}

/* e^x = 2^n * e^r with |r| <= ln 2 / 2, the latter as its Taylor series. */
double portable_exp(double x)
{
    if (x < -740)
        return 0;
    if (x > 710)
        return INFINITY;
    const double n = rint(x / (LN2_HIGH + LN2_LOW)), r = (x - n * LN2_HIGH) - n * LN2_LOW;
    double series = 0; /* r^16 / 16! is below 2^-68 */
    for (int k = 16; k >= 1; k--)
        series = (series + 1) * r / k;
    return ldexp(1 + series, (int)n);
}

/* Stirling's series, which needs a large x: a small one is lifted by gamma(x + 1) = x gamma(x). */
double portable_log_gamma(double x)
{
    double lifted = 1;
    while (x < 12) {
        lifted *= x;
        x++;
    }
    const double inverse = 1 / x, square = inverse * inverse;
    const double series =
        inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square * (1.0 / 1188)))));
    return (x - 0.5) * portable_log(x) - x + HALF_LOG_2PI + series - portable_log(lifted);
}

/* The nearest whole number of half turns is taken off, exactly; the rest, at most a quarter of a turn, is a Taylor series. */
double portable_sine_of_turns(double x)
{
    const double halves = rint(2 * x), angle = (2 * x - halves) * PI, square = angle * angle;
    const bool odd = fmod(halves, 2) != 0;
    double series = 0; /* terms up to angle^23 / 23! */
    for (int k = 22; k >= 2; k -= 2)
        series = -(series + 1) * square / (k * (k + 1));
    const double sine = angle * (1 + series);
    return odd ? -sine : sine;
}
