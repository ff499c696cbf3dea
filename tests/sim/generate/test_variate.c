/* test_variate.c - every distribution has the mean and the quantiles of its formula; lists and files give what they say. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/variate.h"
#include "support/naive_percentile.h"
#include "support/temp_file.h"

enum { DRAWS = 200000 };

static void read_variate(struct variate *out, enum drawn_unit unit, const char *text)
{
    const struct spec_place place = {"input-tokens", text};
    struct diag diag = {0};
    *out = (struct variate){0};
    cr_assert_eq(variate_read(out, unit, &place, &diag), SIM_OK, "%s", diag.text);
}

/* Sorted draws; the caller frees them. */
static double *draw_many(enum drawn_unit unit, const char *text, double *mean)
{
    double *drawn = malloc(DRAWS * sizeof *drawn), sum = 0;
    struct variate variate;
    uint64_t state = 7;
    cr_assert(drawn);
    read_variate(&variate, unit, text);
    for (int i = 0; i < DRAWS; i++)
        sum += drawn[i] = variate_draw(&variate, &state);
    variate_deinit(&variate);
    qsort(drawn, DRAWS, sizeof *drawn, by_value);
    *mean = sum / DRAWS;
    return drawn;
}

/* What formulas say: exponential: -mean ln(1 - p). Lognormal: median e^(z sigma), mean median e^(sigma^2 / 2). Pareto: min (1 - p)^(-1 / a),
 * mean a min / (a - 1), of which the part above max is next to nothing here. */
Test(variate, means_and_quantiles_are_those_of_the_formulas)
{
    static const struct {
        enum drawn_unit unit;
        const char *text;
        double mean, p10, p50, p90, p99, tolerance;
    } cases[] = {
        {DRAWN_TOKENS, "fixed:512", 512, 512, 512, 512, 512, 0},
        {DRAWN_TOKENS, "512", 512, 512, 512, 512, 512, 0},
        {DRAWN_TOKENS, "uniform:min=1,max=1001", 501, 101, 501, 901, 991, 0.01},
        {DRAWN_SECONDS, "uniform:0,max=10", 5, 1, 5, 9, 9.9, 0.02},
        {DRAWN_SECONDS, "exponential:mean=20", 20, 2.107, 13.863, 46.052, 92.103, 0.02},
        {DRAWN_TOKENS, "lognormal:median=1000,sigma=0.5", 1133.1, 526.9, 1000, 1898.1, 3200.1, 0.02},
        {DRAWN_TOKENS, "lognormal:mean=1000,sigma=1", 1000, 168.4, 606.5, 2184.8, 6212, 0.02},
        {DRAWN_TOKENS, "lognormal:median=1000,sigma=1,min=500,max=2000", 1161, 500, 1000, 2000, 2000, 0.02},
        {DRAWN_SECONDS, "pareto:shape=3,min=10", 15, 10.357, 12.599, 21.544, 46.416, 0.02},
        {DRAWN_TOKENS, "pareto:shape=1,min=100,max=10000", 465.2, 111, 198, 917.4, 5025, 0.03},
        {DRAWN_TOKENS, "quantiles:p0=100,p50=200,p99=690,p100=1000", 301.5, 120, 200, 600, 690, 0.01},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double mean, *drawn = draw_many(cases[i].unit, cases[i].text, &mean);
        const double want[] = {cases[i].p10, cases[i].p50, cases[i].p90, cases[i].p99}, at[] = {10, 50, 90, 99};
        cr_expect_float_eq(mean, cases[i].mean, cases[i].tolerance * cases[i].mean, "%s: mean %g", cases[i].text, mean);
        for (int k = 0; k < 4; k++) {
            const double got = naive_percentile(drawn, DRAWS, at[k]);
            cr_expect_float_eq(got, want[k], fmax(cases[i].tolerance, at[k] == 99 ? 0.04 : 0) * want[k], "%s: p%g %g", cases[i].text, at[k],
                               got);
        }
        free(drawn);
    }
}

/* P(k) = k^-s / sum: compared number by number, and in the tail. */
Test(variate, zipf_draws_each_number_with_its_share)
{
    static const struct {
        const char *text;
        double exponent;
        int least, most;
    } cases[] = {{"zipf:exponent=1.1,max=5000", 1.1, 1, 5000},
                 {"zipf:1,max=100", 1, 1, 100},
                 {"zipf:exponent=0,min=3,max=9", 0, 3, 9},
                 {"zipf:exponent=3,min=10,max=1000", 3, 10, 1000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double mean, sum = 0, below = 0, wanted_mean = 0, *drawn = draw_many(DRAWN_TOKENS, cases[i].text, &mean);
        for (int k = cases[i].least; k <= cases[i].most; k++)
            sum += pow(k, -cases[i].exponent);
        size_t at = 0;
        for (int k = cases[i].least; k <= cases[i].most; k++) {
            below += pow(k, -cases[i].exponent) / sum;
            wanted_mean += k * pow(k, -cases[i].exponent) / sum;
            while (at < DRAWS && drawn[at] <= k)
                at++;
            cr_expect_float_eq((double)at / DRAWS, below, 0.004, "%s: %g up to %d, not %g", cases[i].text, (double)at / DRAWS, k, below);
        }
        cr_expect(at == DRAWS && drawn[0] >= cases[i].least);
        cr_expect_float_eq(mean, wanted_mean, 0.02 * wanted_mean, "%s: mean %g, not %g", cases[i].text, mean, wanted_mean);
        free(drawn);
    }
}

Test(variate, lists_and_files_are_drawn_by_weight)
{
    static const char histogram[] = "# length, count\n10 1\n 20\t3 # often\n\n30,0\n40,6\r\n";
    const struct temp_file file = temp_file_make(histogram, strlen(histogram));
    char path[96];
    snprintf(path, sizeof path, "file:%s", file.path);
    const char *texts[] = {"choice:10=0.1,20=0.3,40=0.6", path};
    for (size_t i = 0; i < 2; i++) {
        double mean, *drawn = draw_many(DRAWN_TOKENS, texts[i], &mean);
        size_t tens = 0, twenties = 0, forties = 0;
        for (int k = 0; k < DRAWS; k++) {
            tens += drawn[k] == 10;
            twenties += drawn[k] == 20;
            forties += drawn[k] == 40;
        }
        cr_expect_float_eq((double)tens / DRAWS, 0.1, 0.004);
        cr_expect_float_eq((double)twenties / DRAWS, 0.3, 0.005);
        cr_expect_eq(tens + twenties + forties, DRAWS);
        cr_expect_float_eq(mean, 31, 0.1, "%s: mean %g", texts[i], mean);
        free(drawn);
    }
    temp_file_remove(&file);
}

/* A tail that goes on for ever is cut to what the unit can have. */
Test(variate, nothing_leaves_its_unit)
{
    static const struct {
        enum drawn_unit unit;
        const char *text;
        double least, most;
    } cases[] = {{DRAWN_TOKENS, "lognormal:median=1,sigma=10", 1, 1e9},
                 {DRAWN_SAMPLES, "pareto:shape=0.01,min=1", 1, 1000},
                 {DRAWN_TURNS, "exponential:0.001", 1, 10000},
                 {DRAWN_PRIORITIES, "choice:-1e9=1,5=1", -1e9, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double mean, *drawn = draw_many(cases[i].unit, cases[i].text, &mean);
        cr_expect(drawn[0] >= cases[i].least && drawn[DRAWS - 1] <= cases[i].most, "%s: %g to %g", cases[i].text, drawn[0],
                  drawn[DRAWS - 1]);
        for (int k = 0; k < DRAWS; k++)
            cr_assert_eq(drawn[k], floor(drawn[k]));
        free(drawn);
    }
}
