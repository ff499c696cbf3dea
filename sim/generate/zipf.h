/* zipf.h - whole numbers with Zipf's law: k is drawn in proportion to k to the power of -exponent. For lengths, and for which of many
 * contents is popular.
 *
 * By rejection-inversion: no table, a constant expected number of tries. Source: W. Hoermann, G. Derflinger, "Rejection-inversion to
 * generate variates from monotone discrete distributions", 1996. The same numbers on every machine (base/portable_math.h).
 */
#ifndef PAGESIM_ZIPF_H
#define PAGESIM_ZIPF_H

#include <stdint.h>

struct zipf {
    double least, most, exponent;
    double area_least, area_most; /* the integral of x^-exponent at least - 1/2 and most + 1/2 */
};

/* 1 <= least <= most <= 1e9, 0 <= exponent <= 8. An exponent of 0 is uniform. */
void zipf_init(struct zipf *zipf, double least, double most, double exponent);

/* A number from least to most. */
uint64_t zipf_draw(const struct zipf *zipf, uint64_t *state);

#endif
