/* fuzz_profile_tables.c - measured times of operators and steps: the folder of a profile, a log of steps, a compact model. The input: bytes
 * for the configuration, then parts (harness.h) called after the files. What was read must price any step that an engine can make, and can be
 * fitted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/harness.h"
#include "support/tiny_trace.h"
#include "time/compact.h"

enum { SHAPES = 24 };

static const enum step_time_kind kinds[] = {STEP_TIME_PROFILE, STEP_TIME_PROFILE, STEP_TIME_RECORDED, STEP_TIME_COMPACT};

static struct config read_config(struct fuzz_bytes *bytes)
{
    struct config config = tiny_config_v1(16, 2 + fuzz_below(bytes, 400));
    struct step_time_config *time = &config.step_time;
    time->model = kinds[fuzz_below(bytes, sizeof kinds / sizeof *kinds)];
    const uint32_t switches = fuzz_byte(bytes);
    time->num_layers = 1 + fuzz_below(bytes, 100);
    time->skew_table = switches & 1;
    time->skew_default_alpha = 0.01 * fuzz_byte(bytes);
    config.tensor_parallel_size = switches & 2 ? 4 : 1;
    time->hidden_size = switches & 4 ? 4096 : 0;
    time->allreduces_per_layer = switches & 8 ? 2 : 0;
    time->allreduce_latency_us = switches & 16 ? 7.5 : 0;
    time->allreduce_gb_per_s = switches & 32 ? 100 : 1e-3;
    config.max_num_seqs = 1 + fuzz_below(bytes, 64);
    config.max_num_batched_tokens = 64 + fuzz_below(bytes, 600);
    config.max_model_len = 64 + fuzz_below(bytes, 600);
    return config;
}

/* The profile's folder is the one of all files. */
static void write_files(struct config *config, const struct fuzz_bytes *bytes)
{
    struct fuzz_part parts[] = {{"dense.csv"}, {"per_sequence.csv"}, {"attention.csv"}, {"skew_fit.csv"}, {"steps.csv"}, {"compact.json"}};
    static const char *const of_kind[] = {
        [STEP_TIME_PROFILE] = ".", [STEP_TIME_RECORDED] = "steps.csv", [STEP_TIME_COMPACT] = "compact.json"};
    const size_t count = sizeof parts / sizeof *parts;
    fuzz_cut(bytes, parts, count);
    for (size_t i = 0; i < count; i++)
        fuzz_file(parts[i].name, parts[i].text, parts[i].length);
    snprintf(config->step_time.path, sizeof config->step_time.path, "%s", fuzz_path(of_kind[config->step_time.model]));
}

static void price_steps(const struct step_time_model *model, uint64_t seed)
{
    for (uint32_t i = 0; i < SHAPES; i++) {
        struct step_shape shape = {.step = i, .idle = i == 1};
        for (uint32_t k = 0; k < i % 7; k++)
            step_shape_add(&shape, seed >> (k * 3 + i) % 60, 1, true);
        for (uint32_t k = 0; k < i % 3; k++)
            step_shape_add(&shape, k == 0 ? 0 : seed % 5000, 2 + (seed >> i) % 4000, false);
        shape.sampled = shape.decodes;
        shape.copies = i % 4;
        FUZZ_CHECK(step_time_price(model, &shape) >= 0, "step %u takes less than no time", i);
    }
}

/* A fit is what `pagesim fit` makes of it, and must be a model that prices steps. */
static void fit(const struct step_sample *samples, size_t count)
{
    struct diag diag = {0};
    struct compact compact;
    struct fit_error error;
    const enum status status = compact_fit(samples, count, &compact, &error, &diag);
    fuzz_check_diag(status, &diag);
    for (int i = 0; status == SIM_OK && i < COMPACT_CONSTANTS; i++)
        FUZZ_CHECK(compact.constants[i] >= 0, "%s is %g", compact_names[i], compact.constants[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct diag diag = {0};
    struct step_time_model *model = NULL;
    struct step_sample *samples = NULL;
    size_t count;
    struct config config = read_config(&bytes);
    write_files(&config, &bytes);
    enum status status = step_time_create(&config, &model, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK) {
        price_steps(model, UINT64_C(0x9E3779B97F4A7C15) >> size % 40);
        status = step_samples_of_model(model, &config, &samples, &count, &diag);
        fuzz_check_diag(status, &diag);
        if (status == SIM_OK)
            fit(samples, count);
        free(samples);
    }
    step_time_destroy(model);
    if (config.step_time.model != STEP_TIME_RECORDED)
        return 0;
    diag_clear(&diag);
    status = step_samples_read(config.step_time.path, &samples, &count, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK) {
        fit(samples, count);
        free(samples);
    }
    return 0;
}
