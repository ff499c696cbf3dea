/* seeded_random.h - random numbers from a seed, the same on every machine: bits, uniform, exponential, normal and gamma.
 *
 * Bits come from splitmix64 (Steele, Lea, Flood, OOPSLA'14), a pure function of its 64-bit state. The distributions are computed from them
 * with operations that IEEE 754 defines to the last bit, and with portable_math.h for logarithms; fused multiply-adds are kept out.
 *
 * Thread rule: a state belongs to one thread. There is no global state.
 */
#ifndef PAGESIM_SEEDED_RANDOM_H
#define PAGESIM_SEEDED_RANDOM_H

#include <stdint.h>

/* What the numbers are for: one seed gives each purpose a sequence of its own, so that gaps and lengths are independent. */
enum seeded_purpose {
    SEEDED_GAPS = 1,
    SEEDED_LENGTHS, /* of prompts */
    SEEDED_OUTPUTS,
    SEEDED_SHARING,
    SEEDED_TURNS,
    SEEDED_THINKING,
    SEEDED_PRIORITIES,
    SEEDED_SAMPLES,
    SEEDED_CLASSES,
    SEEDED_ENDS,        /* by stop or by length */
    SEEDED_PREDICTIONS, /* of output lengths */
    SEEDED_ROUTING,     /* of requests to replicas */
    SEEDED_SAMPLE = 16, /* of sessions, by trace sample */
};
/* The state that a sequence starts with. */
uint64_t seeded_stream(uint64_t seed, enum seeded_purpose purpose);

/* 64 bits; *state may start with any value. splitmix64: the state counts up by an odd constant and is mixed, so every start value gives the
 * full period. */
static inline uint64_t seeded_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
/* Above 0 and below 1, 53 bits. */
double seeded_unit(uint64_t *state);
/* Mean 1. */
double seeded_exponential(uint64_t *state);
/* Mean 0, variance 1; Marsaglia's polar method. */
double seeded_normal(uint64_t *state);
/* Mean `shape` (above 0), variance `shape`. Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. Shape 1
 * is the exponential distribution and draws as seeded_exponential. */
double seeded_gamma(uint64_t *state, double shape);

#endif
