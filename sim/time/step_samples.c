/* step_samples.c - where steps of known time come from, and how a formula is judged by them. */
#include "time/step_samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/csv.h"

enum { HOLD_OUT_EVERY = 5 };

bool step_sample_held_out(size_t sample)
{
    return sample % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1;
}

/* Of the time: 1 ms more on a step of 10 ms counts as much as 10 ms more on one of 100 ms. */
enum status step_samples_judge(const struct step_sample *samples, size_t count, step_sample_price *price, const void *self,
                               struct fit_error *error, struct diag *diag)
{
    double *errors, sum = 0;
    enum status status = array_zeroed(&errors, count / HOLD_OUT_EVERY + 1, sizeof *errors, "errors of the fit", diag);
    if (status != SIM_OK)
        return status;
    *error = (struct fit_error){0};
    for (size_t i = 0; i < count; i++)
        if (step_sample_held_out(i))
            sum += errors[error->held_out++] = fabs(price(self, &samples[i].shape) - samples[i].us) / samples[i].us;
    qsort(errors, error->held_out, sizeof *errors, compare_double_items);
    error->fitted = count - error->held_out;
    error->mean = sum / (double)error->held_out;
    error->median = errors[(error->held_out - 1) / 2];
    error->p95 = errors[(error->held_out - 1) * 95 / 100];
    error->max = errors[error->held_out - 1];
    free(errors);
    return SIM_OK;
}

/* --- of a model -------------------------------------------------------------------------------------------------------------------- */

/* Samples of a model as they are collected. */
struct sampler {
    const struct step_time_model *model;
    struct step_sample *samples;
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
    sampler->samples[sampler->count++] = (struct step_sample){shape, (double)step_time_price(sampler->model, &shape) / 1000};
    return SIM_OK;
}

/* A grid that is dense where servers spend their steps. Steps that the configuration could not run are left out: tables are often wrong
 * outside of what was measured. */
enum status step_samples_of_model(const struct step_time_model *model, const struct config *config, struct step_sample **out, size_t *count,
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

/* --- of a server ------------------------------------------------------------------------------------------------------------------- */

/* The logs of servers may not say what prompts had before their chunks. */
static struct step_shape shape_of(const uint64_t *values, uint64_t prefill_context)
{
    return (struct step_shape){.scheduled_tokens = values[1],
                               .context_tokens = values[7] + prefill_context + values[4],
                               .sequences = (uint32_t)values[2],
                               .prefill_chunks = (uint32_t)values[3],
                               .prefill_tokens = values[4],
                               .prefill_context_product = values[5],
                               .prefill_context = prefill_context,
                               .decodes = (uint32_t)values[6],
                               .decode_context = values[7]};
}

/* Steps without a duration (nothing was scheduled) would divide by zero and are skipped. */
enum status step_samples_read(const char *path, struct step_sample **out, size_t *count, struct diag *diag)
{
    static const char *const names[] = {"duration_ns",    "scheduled_tokens",        "sequences", "prefill_chunks",
                                        "prefill_tokens", "prefill_context_product", "decodes",   "decode_context"};
    enum { COLUMNS = sizeof names / sizeof *names };
    struct csv csv;
    struct step_sample *samples = NULL;
    size_t used = 0;
    enum status status = csv_open(path, names, COLUMNS, &csv, diag);
    if (status != SIM_OK)
        return status;
    const bool has_context = csv_has(&csv, "prefill_context", COLUMNS);
    csv.status = array_zeroed(&samples, csv.rows, sizeof *samples, "recorded steps", diag);
    for (size_t row = 0; row < csv.rows && csv.status == SIM_OK; row++) {
        uint64_t values[COLUMNS];
        for (uint32_t i = 0; i < COLUMNS; i++)
            values[i] = csv_whole(&csv, row, i);
        const uint64_t prefill_context = has_context ? csv_whole(&csv, row, COLUMNS) : 0;
        if (values[0] > 0)
            samples[used++] = (struct step_sample){shape_of(values, prefill_context), (double)values[0] / 1000};
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
