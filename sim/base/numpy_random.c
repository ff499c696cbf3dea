/* numpy_random.c - MT19937 and four distributions as numpy draws them. Read numpy_random.h first. Each line that draws stands in numpy's order:
 * one draw more or less, and all that follow are others. */
#include "base/numpy_random.h"

#include <math.h>

#include "base/portable_math.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same bits everywhere, as in base/seeded_random.c */
#endif

/* --- bits ------------------------------------------------------------------------------------------------------------------------- */

enum { SHIFT = 397 }; /* how far apart the words are that are mixed */

void numpy_seed(struct numpy_random *random, uint32_t seed)
{
    *random = (struct numpy_random){.at = NUMPY_WORDS};
    for (uint32_t i = 0; i < NUMPY_WORDS; i++) {
        random->words[i] = seed;
        seed = UINT32_C(1812433253) * (seed ^ seed >> 30) + i + 1;
    }
}

/* All words anew, each from three of the old ones. */
static void refill(struct numpy_random *random)
{
    uint32_t *words = random->words;
    for (uint32_t i = 0; i < NUMPY_WORDS; i++) {
        const uint32_t mixed = (words[i] & UINT32_C(0x80000000)) | (words[(i + 1) % NUMPY_WORDS] & UINT32_C(0x7fffffff));
        words[i] = words[(i + SHIFT) % NUMPY_WORDS] ^ mixed >> 1 ^ (mixed & 1 ? UINT32_C(0x9908b0df) : 0);
    }
    random->at = 0;
}

static uint32_t next_word(struct numpy_random *random)
{
    if (random->at == NUMPY_WORDS)
        refill(random);
    uint32_t word = random->words[random->at++];
    word ^= word >> 11;
    word ^= word << 7 & UINT32_C(0x9d2c5680);
    word ^= word << 15 & UINT32_C(0xefc60000);
    return word ^ word >> 18;
}

double numpy_unit(struct numpy_random *random)
{
    const uint32_t high = next_word(random) >> 5, low = next_word(random) >> 6;
    return (high * 0x1p26 + low) / 0x1p53;
}

/* --- distributions ------------------------------------------------------------------------------------------------------------------ */

double numpy_exponential(struct numpy_random *random)
{
    return -portable_log(1 - numpy_unit(random));
}

/* The polar method gives two at a time; the second one of the pair is returned first. */
double numpy_normal(struct numpy_random *random)
{
    double x, y, squares;
    if (random->has_normal) {
        random->has_normal = false;
        return random->normal;
    }
    do {
        x = 2 * numpy_unit(random) - 1;
        y = 2 * numpy_unit(random) - 1;
        squares = x * x + y * y;
    } while (squares >= 1 || squares == 0);
    const double scale = sqrt(-2 * portable_log(squares) / squares);
    random->normal = scale * x;
    random->has_normal = true;
    return scale * y;
}

static double power(double base, double exponent)
{
    return base > 0 ? portable_exp(exponent * portable_log(base)) : 0;
}

/* Johnk's method for shapes below 1. */
static double gamma_below_one(struct numpy_random *random, double shape)
{
    for (;;) {
        const double unit = numpy_unit(random), limit = numpy_exponential(random);
        if (unit <= 1 - shape) {
            const double x = power(unit, 1 / shape);
            if (x <= limit)
                return x;
        } else {
            const double y = -portable_log((1 - unit) / shape), x = power(1 - shape + shape * y, 1 / shape);
            if (x <= limit + y)
                return x;
        }
    }
}

/* Marsaglia and Tsang. */
static double gamma_above_one(struct numpy_random *random, double shape)
{
    const double b = shape - 1 / 3.0, c = 1 / sqrt(9 * b);
    for (;;) {
        double x, v;
        do {
            x = numpy_normal(random);
            v = 1 + c * x;
        } while (v <= 0);
        v = v * v * v;
        const double unit = numpy_unit(random);
        if (unit < 1 - 0.0331 * (x * x) * (x * x) || (unit > 0 && portable_log(unit) < 0.5 * x * x + b * (1 - v + portable_log(v))))
            return b * v;
    }
}

double numpy_gamma(struct numpy_random *random, double shape)
{
    return shape == 1 ? numpy_exponential(random) : shape < 1 ? gamma_below_one(random, shape) : gamma_above_one(random, shape);
}
