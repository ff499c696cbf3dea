/* seeded_random.c - splitmix64 and the distributions made of it. Read seeded_random.h first: it says why nothing here comes from the C
 * library but square roots. */
#include "base/seeded_random.h"

#include <math.h>

#include "base/portable_math.h"

/* A fused multiply-add rounds once where two operations round twice. gcc contracts nothing under -std=c11; clang must be told. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* The purpose moves the seed far away, and one draw mixes it: neighbouring seeds share no numbers. */
uint64_t seeded_stream(uint64_t seed, enum seeded_purpose purpose)
{
    uint64_t state = seed ^ (uint64_t)purpose * UINT64_C(0xD1B54A32D192ED03);
    return seeded_bits(&state);
}

/* 52 bits and a half: never 0, whose logarithm is taken, and never 1. */
double seeded_unit(uint64_t *state)
{
    return ((double)(seeded_bits(state) >> 12) + 0.5) * 0x1p-52;
}

/* By inversion: seeded_unit is never 0. */
double seeded_exponential(uint64_t *state)
{
    return -portable_log(seeded_unit(state));
}

/* A point in the unit circle gives two normal numbers; see below for the second. */
double seeded_normal(uint64_t *state)
{
    for (;;) {
        const double x = 2 * seeded_unit(state) - 1, y = 2 * seeded_unit(state) - 1, square = x * x + y * y;
        if (square < 1 && square > 0)
            return x * sqrt(-2 * portable_log(square) / square); /* its twin in y is not kept: there is no state to keep it in */
    }
}

/* Marsaglia and Tsang: a cube of a normal number, accepted with a probability near 1. A small shape is drawn one larger and scaled down. */
double seeded_gamma(uint64_t *state, double shape)
{
    if (shape == 1)
        return seeded_exponential(state);
    if (shape < 1) { /* gamma(shape + 1) times a uniform number to the power of 1 / shape */
        const double power = portable_exp(portable_log(seeded_unit(state)) / shape);
        return power * seeded_gamma(state, shape + 1);
    }
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = seeded_normal(state), root = 1 + c * x, v = root * root * root;
        if (root > 0 && portable_log(seeded_unit(state)) < 0.5 * x * x + d - d * v + d * portable_log(v))
            return d * v;
    }
}
