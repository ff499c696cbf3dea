/* draw.h - seeded draws that are the same on every machine: bits, uniform, exponential, normal and gamma numbers.
 *
 * Bits come from splitmix64 (Steele, Lea, Flood, OOPSLA'14), a pure function of its 64-bit state. Everything else is made of them with
 * additions, multiplications, divisions, square roots, and exact scalings by powers of two, all of which IEEE 754 defines to the last bit;
 * logarithm and exponential are our own for that reason, because those of C libraries differ in it. Fused multiply-adds are kept out.
 *
 * Thread rule: a state belongs to one thread. There is no global state.
 */
#ifndef PAGESIM_DRAW_H
#define PAGESIM_DRAW_H

#include <stdint.h>

/* What is drawn from one seed for different purposes must not be the same numbers. */
enum draw_purpose { DRAW_GAPS = 1, DRAW_LENGTHS };
/* The state to start with. */
uint64_t draw_stream(uint64_t seed, enum draw_purpose purpose);

/* 64 bits; *state may start with any value. */
uint64_t draw_bits(uint64_t *state);
/* Above 0 and below 1, 53 bits. */
double draw_unit(uint64_t *state);
/* Mean 1. */
double draw_exponential(uint64_t *state);
/* Mean 0, variance 1; Marsaglia's polar method. */
double draw_normal(uint64_t *state);
/* Mean `shape` (above 0), variance `shape`. Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. Shape 1
 * is the exponential distribution and draws as draw_exponential. */
double draw_gamma(uint64_t *state, double shape);

/* Natural logarithm of a positive finite number, and e to the x (0 below -740, infinity above 710), to within 4e-16 of their value (of
 * x itself where the logarithm is near 0). The same bits everywhere. */
double portable_log(double x);
double portable_exp(double x);

#endif
