/* zipf.c - the integral of x^-s, its inverse, and the draw made of the two. zipf_draw is the algorithm; its paper is named in zipf.h. */
#include "generate/zipf.h"

#include <math.h>
#include <stdbool.h>

#include "base/portable_math.h"
#include "base/seeded_random.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same bits everywhere, as in base/seeded_random.c */
#endif

/* Around 1 the power would be divided by almost nothing; the logarithm is its limit. */
static bool is_logarithm(double exponent)
{
    return fabs(1 - exponent) < 1e-6;
}

static double area(const struct zipf *zipf, double x)
{
    if (is_logarithm(zipf->exponent))
        return portable_log(x);
    return portable_exp((1 - zipf->exponent) * portable_log(x)) / (1 - zipf->exponent);
}

static double area_inverse(const struct zipf *zipf, double value)
{
    if (is_logarithm(zipf->exponent))
        return portable_exp(value);
    return portable_exp(portable_log(value * (1 - zipf->exponent)) / (1 - zipf->exponent));
}

void zipf_init(struct zipf *zipf, double least, double most, double exponent)
{
    *zipf = (struct zipf){.least = least, .most = most, .exponent = exponent};
    zipf->area_least = area(zipf, least - 0.5);
    zipf->area_most = area(zipf, most + 0.5);
}

/* A point under the curve names the bar k around it. The curve is convex: its area around k is at least k^-s, so taking only
 * the points in the last k^-s of it is exact. */
uint64_t zipf_draw(const struct zipf *zipf, uint64_t *state)
{
    for (;;) {
        const double point = zipf->area_least + seeded_unit(state) * (zipf->area_most - zipf->area_least);
        const double k = fmin(fmax(floor(area_inverse(zipf, point) + 0.5), zipf->least), zipf->most);
        if (point >= area(zipf, k + 0.5) - portable_exp(-zipf->exponent * portable_log(k)))
            return (uint64_t)k;
    }
}
