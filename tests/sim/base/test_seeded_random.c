/* test_seeded_random.c - draws have the moments of their distributions; logarithm and exponential agree with the C library's. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/portable_math.h"
#include "base/seeded_random.h"
#include "support/random.h"

Test(seeded_random, bits_are_those_of_splitmix64)
{
    uint64_t ours = 7, theirs = 7;
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(seeded_bits(&ours), random_next(&theirs));
}

Test(seeded_random, logarithm_and_exponential_are_as_good_as_the_librarys)
{
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        const double x = ldexp(1 + seeded_unit(&state), (int)(seeded_bits(&state) % 2000) - 1000),
                     near = 1 + (seeded_unit(&state) - 0.5) / 64;
        cr_assert_float_eq(portable_log(x) / log(x), 1, 5e-16, "log %a", x);
        cr_assert_float_eq(portable_log(near), log(near), 4e-16 * fabs(log(near)) + 1e-18, "log %a", near);
        const double y = (seeded_unit(&state) - 0.5) * 1400;
        cr_assert_float_eq(portable_exp(y) / exp(y), 1, 5e-16, "exp %a", y);
    }
    cr_expect_eq(portable_log(1), 0);
    cr_expect_eq(portable_exp(0), 1);
    cr_expect_eq(portable_exp(-1000), 0);
    cr_expect(isinf(portable_exp(1000)));
    cr_expect_eq(portable_log(0x1p-1074), log(0x1p-1074));
}

Test(seeded_random, log_gamma_and_sine_are_as_good_as_the_librarys)
{
    uint64_t state = 2;
    for (int i = 0; i < 100000; i++) {
        const double x = exp(16 * seeded_unit(&state) - 6), turns = (seeded_unit(&state) - 0.5) * 1000;
        cr_assert_float_eq(portable_log_gamma(x), lgamma(x), 1e-13 * fmax(fabs(lgamma(x)), 1), "log gamma %a", x);
        cr_assert_float_eq(portable_sine_of_turns(turns), sin(6.283185307179586 * remainder(turns, 1)), 1e-15, "sine %a", turns);
    }
    cr_expect_eq(portable_sine_of_turns(0), 0);
    cr_expect_float_eq(portable_sine_of_turns(0.25), 1, 4e-16);
    cr_expect_float_eq(portable_sine_of_turns(-1e9 - 0.75), 1, 4e-16);
}

/* Mean, variance and third central moment of `count` draws. */
static void moments(double (*draw)(uint64_t *state, double shape), double shape, int count, double *out)
{
    uint64_t state = 42;
    double sums[3] = {0};
    for (int i = 0; i < count; i++) {
        const double x = draw(&state, shape);
        sums[0] += x;
        sums[1] += x * x;
        sums[2] += x * x * x;
    }
    const double mean = sums[0] / count, square = sums[1] / count, cube = sums[2] / count;
    out[0] = mean;
    out[1] = square - mean * mean;
    out[2] = cube - 3 * mean * square + 2 * mean * mean * mean;
}

static double normal(uint64_t *state, double shape)
{
    (void)shape;
    return seeded_normal(state);
}

static double unit(uint64_t *state, double shape)
{
    (void)shape;
    return seeded_unit(state);
}

Test(seeded_random, moments_are_those_of_the_distributions)
{
    static const double shapes[] = {0.1, 0.5, 1, 1.5, 4, 100};
    enum { COUNT = 400000 };
    double got[3];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) { /* of gamma: shape, shape, 2 shape */
        const double shape = shapes[i];
        moments(seeded_gamma, shape, COUNT, got);
        cr_expect_float_eq(got[0] / shape, 1, 5 / sqrt(shape * COUNT), "shape %g: mean %g", shape, got[0]);
        cr_expect_float_eq(got[1] / shape, 1, 5 * sqrt((2 + 6 / shape) / COUNT), "shape %g: variance %g", shape, got[1]);
        if (shape < 10)
            cr_expect_float_eq(got[2] / (2 * shape), 1, 0.15, "shape %g: third moment %g", shape, got[2]);
    }
    moments(normal, 0, COUNT, got);
    cr_expect(fabs(got[0]) < 0.01 && fabs(got[1] - 1) < 0.01 && fabs(got[2]) < 0.03, "normal: %g %g %g", got[0], got[1], got[2]);
    moments(unit, 0, COUNT, got);
    cr_expect(fabs(got[0] - 0.5) < 0.003 && fabs(got[1] - 1.0 / 12) < 0.001, "uniform: %g %g", got[0], got[1]);
}
