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

#include "base/array.h"
#include "base/csv.h"
#include "time/compact.h"

enum { HOLD_OUT_EVERY = 5, SAMPLES_LEAST = 60 };

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

/* Every fifth sample judges the fit and takes no part in it. */
static bool held_out(size_t sample)
{
    return sample % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1;
}

/* Factors for one knee. A column that is never used, or that others already make up, gets 0. */
static void fit_factors(const struct fit_sample *samples, size_t count, struct compact *compact)
{
    double a[COMPACT_FACTORS][COMPACT_FACTORS] = {{0}}, b[COMPACT_FACTORS] = {0}, scale[COMPACT_FACTORS], x[COMPACT_FACTORS];
    bool used[COMPACT_FACTORS];
    /* The normal equations of rows that are divided by their time. */
    for (size_t sample = 0; sample < count; sample++) {
        double features[COMPACT_FACTORS];
        if (held_out(sample))
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

/* For qsort. */
static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of the time: 1 ms more on a step of 10 ms counts as much as 10 ms more on one of 100 ms. */
static double relative_error(const struct compact *compact, const struct fit_sample *sample)
{
    return fabs(compact_us(compact, &sample->shape) - sample->us) / sample->us;
}

/* Mean, 95th percentile and largest of the errors on the samples that were held out. */
static enum status judge(const struct fit_sample *samples, size_t count, const struct compact *compact, struct fit_error *error,
                         struct diag *diag)
{
    double *errors, sum = 0;
    enum status status = array_zeroed(&errors, count / HOLD_OUT_EVERY + 1, sizeof *errors, "errors of the fit", diag);
    if (status != SIM_OK)
        return status;
    *error = (struct fit_error){0};
    for (size_t sample = 0; sample < count; sample++)
        if (held_out(sample))
            sum += errors[error->held_out++] = relative_error(compact, &samples[sample]);
    qsort(errors, error->held_out, sizeof *errors, ascending);
    error->fitted = count - error->held_out;
    error->mean = sum / (double)error->held_out;
    error->p95 = errors[(error->held_out - 1) * 95 / 100];
    error->max = errors[error->held_out - 1];
    free(errors);
    return SIM_OK;
}

/* The knee enters the formula through min and max, so it has no derivative to follow: candidates are tried instead. */
enum status compact_fit(const struct fit_sample *samples, size_t count, struct compact *out, struct fit_error *error, struct diag *diag)
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
            if (!held_out(sample))
                sum += pow(relative_error(&compact, &samples[sample]), 2);
        if (sum < best) {
            best = sum;
            *out = compact;
        }
    }
    return judge(samples, count, out, error, diag);
}

/* --- samples ---------------------------------------------------------------------------------------------------------------------- */

/* Samples of a model as they are collected. */
struct sampler {
    const struct step_time_model *model;
    struct fit_sample *samples;
    size_t count, capacity;
};

/* A step of equal decodes and at most one chunk; the price is the model's own. */
static enum status add_sample(struct sampler *sampler, uint32_t decodes, uint32_t context, uint32_t chunk, uint32_t before,
                              struct diag *diag)
{
    enum status status =
        array_reserve(&sampler->samples, &sampler->capacity, sampler->count + 1, sizeof *sampler->samples, "steps to fit", diag);
    if (status != SIM_OK)
        return status;
    struct step_shape shape = step_shape_of_decodes(decodes, (uint64_t)decodes * context);
    shape.max_decode_context = shape.min_decode_context = context;
    if (chunk > 0) {
        step_shape_add(&shape, before, chunk, false);
        shape.sampled++;
    }
    sampler->samples[sampler->count++] = (struct fit_sample){shape, (double)step_time_price(sampler->model, &shape) / 1000};
    return SIM_OK;
}

/* A grid that is dense where servers spend their steps. Steps that the configuration could not run are left out: tables are often wrong
 * outside of what was measured. */
enum status compact_sample_model(const struct step_time_model *model, const struct config *config, struct fit_sample **out, size_t *count,
                                 struct diag *diag)
{
    static const uint32_t decode_counts[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512};
    static const uint32_t contexts[] = {64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768};
    static const uint32_t chunks[] = {0, 16, 48, 128, 256, 512, 1024, 1536, 2048, 4096, 8192};
    static const uint32_t befores[] = {0, 256, 1024, 4096};
    const uint64_t pool = (uint64_t)config->num_gpu_blocks * config->block_size;
    struct sampler sampler = {.model = model};
    enum status status = SIM_OK;
    for (size_t n = 0; n < sizeof decode_counts / sizeof *decode_counts; n++)
        for (size_t c = 0; c < (n == 0 ? 1 : sizeof contexts / sizeof *contexts); c++)
            for (size_t p = 0; p < sizeof chunks / sizeof *chunks; p++)
                for (size_t b = 0; b < (p == 0 ? 1 : sizeof befores / sizeof *befores) && status == SIM_OK; b++) {
                    const uint32_t decodes = decode_counts[n], context = contexts[c], chunk = chunks[p], before = befores[b];
                    const bool fits = decodes + (chunk > 0) <= config->max_num_seqs && decodes + chunk <= config->max_num_batched_tokens &&
                                      (uint64_t)decodes * context + chunk + before <= pool && context <= config->max_model_len &&
                                      chunk + before <= config->max_model_len && decodes + chunk > 0;
                    if (fits)
                        status = add_sample(&sampler, decodes, context, chunk, before, diag);
                }
    if (status != SIM_OK) {
        free(sampler.samples);
        return status;
    }
    *out = sampler.samples;
    *count = sampler.count;
    return SIM_OK;
}

/* Steps without a duration (nothing was scheduled) would divide by zero and are skipped. */
enum status compact_sample_steps(const char *path, struct fit_sample **out, size_t *count, struct diag *diag)
{
    static const char *const names[] = {"duration_ns",    "scheduled_tokens",        "sequences", "prefill_chunks",
                                        "prefill_tokens", "prefill_context_product", "decodes",   "decode_context"};
    enum { COLUMNS = sizeof names / sizeof *names };
    struct csv csv;
    struct fit_sample *samples = NULL;
    size_t used = 0;
    enum status status = csv_open(path, names, COLUMNS, &csv, diag);
    if (status != SIM_OK)
        return status;
    csv.status = array_zeroed(&samples, csv.rows, sizeof *samples, "recorded steps", diag);
    for (size_t row = 0; row < csv.rows && csv.status == SIM_OK; row++) {
        uint64_t values[COLUMNS];
        for (uint32_t i = 0; i < COLUMNS; i++)
            values[i] = csv_whole(&csv, row, i);
        if (values[0] > 0)
            samples[used++] = (struct fit_sample){{.scheduled_tokens = values[1],
                                                   .sequences = (uint32_t)values[2],
                                                   .prefill_chunks = (uint32_t)values[3],
                                                   .prefill_tokens = values[4],
                                                   .prefill_context_product = values[5],
                                                   .decodes = (uint32_t)values[6],
                                                   .decode_context = values[7]},
                                                  (double)values[0] / 1000};
    }
    status = csv.status;
    csv_close(&csv);
    if (status != SIM_OK) {
        free(samples);
        return status;
    }
    *out = samples;
    *count = used;
    return SIM_OK;
}
