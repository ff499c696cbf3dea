/* test_arrival_process.c - gaps have the mean and the variation of their formulas, rates change as they should, and time ends in an error. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "generate/arrival_process.h"

enum { ARRIVALS = 400000 };

static struct arrival_process read_process(const char *text)
{
    const struct spec_place place = {"arrival", text};
    struct arrival_process process = {0};
    struct diag diag = {0};
    cr_assert_eq(arrival_process_read(&process, &place, &diag), SIM_OK, "%s", diag.text);
    return process;
}

/* Arrival times in seconds; the caller frees them. */
static double *arrive(const struct arrival_process *process)
{
    double *times = malloc(ARRIVALS * sizeof *times);
    struct arrival_state state;
    struct diag diag = {0};
    cr_assert(times);
    arrival_start(&state, 11);
    for (int i = 0; i < ARRIVALS; i++) {
        const int64_t before = state.now_ns;
        cr_assert_eq(arrival_next(process, &state, &diag), SIM_OK);
        cr_assert(state.now_ns >= before);
        times[i] = (double)state.now_ns * 1e-9;
    }
    cr_assert_eq(times[0], 0);
    return times;
}

static void mean_and_variation(const double *times, double *mean, double *cv)
{
    double squares = 0;
    *mean = times[ARRIVALS - 1] / (ARRIVALS - 1);
    for (int i = 1; i < ARRIVALS; i++)
        squares += (times[i] - times[i - 1]) * (times[i] - times[i - 1]);
    *cv = sqrt(squares / (ARRIVALS - 1) / (*mean * *mean) - 1);
}

/* Weibull: cv^2 = gamma(1 + 2/k) / gamma(1 + 1/k)^2 - 1. */
Test(arrival_process, gaps_have_the_mean_and_variation_of_their_formulas)
{
    static const struct {
        const char *text;
        double rate, cv, tolerance;
    } cases[] = {{"constant:rate=8", 8, 0, 1e-6},
                 {"poisson:8", 8, 1, 0.01},
                 {"gamma:rate=4,cv=0.5", 4, 0.5, 0.01},
                 {"gamma:rate=4,cv=3", 4, 3, 0.03},
                 {"gamma:rate=4,cv=0", 4, 0, 1e-6},
                 {"weibull:rate=2,shape=0.5", 2, 2.2361, 0.03},
                 {"weibull:rate=2,shape=3", 2, 0.3634, 0.01},
                 {"weibull:rate=2,shape=1", 2, 1, 0.01},
                 {"onoff:rate=5,on=1,off=0", 5, 1, 0.01}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct arrival_process process = read_process(cases[i].text);
        double mean, cv, *times = arrive(&process);
        mean_and_variation(times, &mean, &cv);
        cr_expect_float_eq(mean * cases[i].rate, 1, fmax(cases[i].tolerance, 1e-6), "%s: mean gap %g", cases[i].text, mean);
        cr_expect_float_eq(cv, cases[i].cv, cases[i].tolerance * 2 + 1e-3, "%s: cv %g", cases[i].text, cv);
        free(times);
    }
}

/* An interrupted Poisson process with rate r in on-times, mean on-time 1/a and off-time 1/b is a renewal process whose gaps are
 * hyperexponential: mean (a + b) / (r b), squared variation 1 + 2 r a / (a + b)^2. Source: A. Kuczura, "The interrupted Poisson process as
 * an overflow process", 1973. */
Test(arrival_process, onoff_is_an_interrupted_poisson_process)
{
    const struct arrival_process process = read_process("onoff:rate=20,on=2,off=6");
    const double r = 80, a = 1.0 / 2, b = 1.0 / 6;
    double mean, cv, *times = arrive(&process);
    mean_and_variation(times, &mean, &cv);
    cr_expect_float_eq(mean * 20, 1, 0.05, "mean gap %g", mean);
    cr_expect_float_eq(cv * cv / (1 + 2 * r * a / ((a + b) * (a + b))), 1, 0.1, "cv %g", cv);
    free(times);
}

/* Arrivals of each eighth of all periods against the integral of the rate over it. */
Test(arrival_process, diurnal_rates_follow_the_sine)
{
    const struct arrival_process process = read_process("diurnal:rate=50,amplitude=0.8,period=400");
    double parts[8] = {0}, *times = arrive(&process);
    const double turn = 6.283185307179586, periods = floor(times[ARRIVALS - 1] / 400);
    cr_assert(periods >= 15);
    for (int i = 0; i < ARRIVALS && times[i] < periods * 400; i++)
        parts[(int)(fmod(times[i], 400) / 50)]++;
    for (int k = 0; k < 8; k++) {
        const double wanted = 50 * 50 * periods * (1 + 0.8 * (cos(turn * k / 8) - cos(turn * (k + 1) / 8)) / (turn / 8));
        cr_expect_float_eq(parts[k] / wanted, 1, 5 / sqrt(wanted), "eighth %d: %g, not %g", k, parts[k], wanted);
    }
    free(times);
}

Test(arrival_process, the_clock_ends_in_an_error)
{
    const struct arrival_process process = read_process("constant:rate=8e-10");
    struct arrival_state state;
    struct diag diag = {0};
    int arrivals = 0;
    arrival_start(&state, 1);
    while (arrival_next(&process, &state, &diag) == SIM_OK)
        arrivals++;
    cr_expect_eq(arrivals, 8); /* at 0, 1.25e9, ... 8.75e9 seconds; the next is above 9e9 */
    cr_expect_eq(diag.status, SIM_BAD_INPUT);
    cr_expect(state.now_ns / 1000000000 == INT64_C(8750000000));
}
