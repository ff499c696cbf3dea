/* compact_fit.c - finds the constants of compact.h by least squares. Read compact_fit first, then fit_factors.
 *
 * Relative errors are made small, so that short steps count as much as long ones:
 *
 *     minimize  sum over steps of ((constants . features - us) / us)^2      with every constant >= 0
 *
 * For each candidate of the knee the factors are the solution of the normal equations, solved by Cholesky with columns scaled to one. A
 * factor that comes out negative is left out and the rest solved again, because no part of a step takes negative time. The knee with the
 * least error wins. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "time/compact.h"

enum { SAMPLES_LEAST = 60 };

/* Solve a * x = b in place for the rows and columns that are `used`; false when a is singular. x of the others is 0. */
static bool solve(const double a[COMPACT_FACTORS][COMPACT_FACTORS], const double *b, const bool *used, double *x)
{
    double lower[COMPACT_FACTORS][COMPACT_FACTORS] = {{0}};
    for (int i = 0; i < COMPACT_FACTORS; i++) {
        x[i] = 0;
        for (int j = 0; j <= i && used[i]; j++) {
            if (!used[j])
                continue;
            double sum = a[i][j];
            for (int k = 0; k < j; k++)
                sum -= lower[i][k] * lower[j][k];
            if (i == j && sum <= 1e-12)
                return false;
            lower[i][j] = i == j ? sqrt(sum) : sum / lower[j][j];
        }
    }
    for (int i = 0; i < COMPACT_FACTORS; i++) {
        double sum = b[i];
        for (int k = 0; k < i; k++)
            sum -= lower[i][k] * x[k];
        x[i] = used[i] ? sum / lower[i][i] : 0;
    }
    for (int i = COMPACT_FACTORS; i-- > 0;) {
        double sum = x[i];
        for (int k = i + 1; k < COMPACT_FACTORS; k++)
            sum -= lower[k][i] * x[k];
        x[i] = used[i] ? sum / lower[i][i] : 0;
    }
    return true;
}

/* Factors for one knee. A column that is never used, or that others already make up, gets 0. */
static void fit_factors(const struct step_sample *samples, size_t count, struct compact *compact)
{
    double a[COMPACT_FACTORS][COMPACT_FACTORS] = {{0}}, b[COMPACT_FACTORS] = {0}, scale[COMPACT_FACTORS], x[COMPACT_FACTORS];
    bool used[COMPACT_FACTORS];
    /* The normal equations of rows that are divided by their time. */
    for (size_t sample = 0; sample < count; sample++) {
        double features[COMPACT_FACTORS];
        if (step_sample_held_out(sample))
            continue;
        compact_features(&samples[sample].shape, compact->constants[COMPACT_KNEE_TOKENS], features);
        for (int i = 0; i < COMPACT_FACTORS; i++) {
            const double row = features[i] / samples[sample].us;
            b[i] += row;
            for (int j = 0; j < COMPACT_FACTORS; j++)
                a[i][j] += row * features[j] / samples[sample].us;
        }
    }
    /* Columns of length one: features differ by many powers of ten, which costs Cholesky its digits. */
    for (int i = 0; i < COMPACT_FACTORS; i++) {
        used[i] = a[i][i] > 0;
        scale[i] = used[i] ? 1 / sqrt(a[i][i]) : 0;
    }
    for (int i = 0; i < COMPACT_FACTORS; i++) {
        b[i] *= scale[i];
        for (int j = 0; j < COMPACT_FACTORS; j++)
            a[i][j] *= scale[i] * scale[j];
    }
    /* Leave factors out until all that are left are positive and the system has one solution. */
    for (bool again = true; again;) {
        int worst = COMPACT_FACTORS - 1;
        again = !solve(a, b, used, x); /* singular: leave the last one out that is in */
        while (again && worst > 0 && !used[worst])
            worst--;
        for (int i = 0; i < COMPACT_FACTORS && !again; i++)
            worst = x[i] < x[worst] ? i : worst;
        again = again || x[worst] < 0;
        if (again)
            used[worst] = false;
    }
    for (int i = 0; i < COMPACT_FACTORS; i++)
        compact->constants[i] = x[i] * scale[i];
}

/* Of the time: 1 ms more on a step of 10 ms counts as much as 10 ms more on one of 100 ms. */
static double relative_error(const struct compact *compact, const struct step_sample *sample)
{
    return fabs(compact_us(compact, &sample->shape) - sample->us) / sample->us;
}

static double priced(const void *self, const struct step_shape *shape)
{
    return compact_us(self, shape);
}

/* The knee enters the formula through min and max, so it has no derivative to follow: candidates are tried instead. */
enum status compact_fit(const struct step_sample *samples, size_t count, struct compact *out, struct fit_error *error, struct diag *diag)
{
    static const double knees[] = {8, 16, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024, 2048};
    double best = INFINITY;
    if (count < SAMPLES_LEAST)
        return diag_set(diag, SIM_BAD_INPUT, "%zu steps are too few to fit %d constants; %d are needed", count, COMPACT_CONSTANTS,
                        SAMPLES_LEAST);
    for (size_t i = 0; i < sizeof knees / sizeof *knees; i++) {
        struct compact compact = {{0}};
        double sum = 0;
        compact.constants[COMPACT_KNEE_TOKENS] = knees[i];
        fit_factors(samples, count, &compact);
        for (size_t sample = 0; sample < count; sample++)
            if (!step_sample_held_out(sample))
                sum += pow(relative_error(&compact, &samples[sample]), 2);
        if (sum < best) {
            best = sum;
            *out = compact;
        }
    }
    return step_samples_judge(samples, count, priced, out, error, diag);
}
