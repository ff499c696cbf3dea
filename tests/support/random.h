/* random.h - a small seeded generator for property tests: splitmix64, the same numbers everywhere. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 .. bound-1; 0 if there is none */
static inline uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return bound > 0 ? (uint32_t)(random_next(state) % bound) : 0;
}

#endif
