/* draw.c - see draw.h. */
#include "base/draw.h"

#include <math.h>

/* gcc contracts nothing under -std=c11; clang must be told. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* ln 2 in two parts: the first has 32 trailing zero bits, so that a small integer times it is exact. */
#define LN2_HIGH  0x1.62e42fee00000p-1
#define LN2_LOW   0x1.a39ef35793c76p-33
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

uint64_t draw_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t draw_stream(uint64_t seed, enum draw_purpose purpose)
{
    uint64_t state = seed ^ (uint64_t)purpose * UINT64_C(0xD1B54A32D192ED03);
    return draw_bits(&state);
}

double draw_unit(uint64_t *state)
{
    return ((double)(draw_bits(state) >> 12) + 0.5) * 0x1p-52;
}

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
    double series = 0;
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
    double series = 0;
    for (int k = 16; k >= 1; k--)
        series = (series + 1) * r / k;
    return ldexp(1 + series, (int)n);
}

double draw_exponential(uint64_t *state)
{
    return -portable_log(draw_unit(state));
}

double draw_normal(uint64_t *state)
{
    for (;;) {
        const double x = 2 * draw_unit(state) - 1, y = 2 * draw_unit(state) - 1, square = x * x + y * y;
        if (square < 1 && square > 0)
            return x * sqrt(-2 * portable_log(square) / square); /* its twin in y is not kept: there is no state to keep it in */
    }
}

double draw_gamma(uint64_t *state, double shape)
{
    if (shape == 1)
        return draw_exponential(state);
    if (shape < 1) { /* gamma(shape + 1) times a uniform number to the power of 1 / shape */
        const double power = portable_exp(portable_log(draw_unit(state)) / shape);
        return power * draw_gamma(state, shape + 1);
    }
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = draw_normal(state), root = 1 + c * x, v = root * root * root;
        if (root > 0 && portable_log(draw_unit(state)) < 0.5 * x * x + d - d * v + d * portable_log(v))
            return d * v;
    }
}
