/* roofline_runs.c - guesses, replays of all runs with each, and the guess that is nearest. Read roofline_runs.h first, then loss(). */
#include "study/roofline_runs.h"

#include <math.h>

#include "base/nelder_mead.h"
#include "base/robust.h"
#include "replay/replay.h"
#include "study/parallel_runs.h"
#include "study/validation.h"

const char *const roofline_runs_names[RUNS_CONSTANTS] = {
    "compute_efficiency", "bandwidth_efficiency", "layer_us", "prompt_layer_us", "host_ns_per_sequence",
};

enum { SEARCHES = 8, GUESSES_MOST = 150 }; /* each search starts where the one before it ended, which it may have left too soon */
#define HUBER_KNEE     0.1                 /* an error of 10 % */
#define DRAWN          1e-4                /* of the loss: an efficiency one tenth away from where it started */
#define FIRST_STEP     0.4
#define SAME           1e-9
#define UNSERVED       3.0      /* of ln(simulated / measured), where the replay has no answer */
#define LAYER_START    50.0     /* us */
#define SEQUENCE_START 100000.0 /* ns */

struct search {
    struct roofline_runs *runs;
    double drawn_to[RUNS_CONSTANTS];
    double values[RUNS_CONSTANTS]; /* of the guess that is replayed */
};

static void set_constants(struct step_time_config *step_time, const double *values)
{
    step_time->model = STEP_TIME_ROOFLINE;
    step_time->compute_efficiency = values[ROOFLINE_COMPUTE];
    step_time->bandwidth_efficiency = values[ROOFLINE_BANDWIDTH];
    step_time->layer_us = values[ROOFLINE_LAYER];
    step_time->prompt_layer_us = values[RUNS_PROMPT_LAYER];
    step_time->host_ns_per_sequence = (int64_t)llrint(values[RUNS_SEQUENCE]);
}

/* Of single requests over those that both sides have; of statistics over all that the replay has. */
static struct compared mean_of(const struct validation *validation, enum latency latency)
{
    const double pooled = validation->measured->pooled_ms[latency][0];
    double sum = 0;
    uint32_t count = 0;
    if (isnan(pooled))
        return validation->latency[latency][0];
    for (uint32_t position = 0; position < validation->trace->count; position++) {
        const double ms = validation_simulated_ms(validation, latency, position);
        sum += isnan(ms) ? 0 : ms;
        count += isnan(ms) ? 0 : 1;
    }
    return (struct compared){pooled, count > 0 ? sum / count : NAN};
}

/* A parallel_run. */
static enum status replay_one(void *context, size_t i, struct diag *diag)
{
    const struct search *search = context;
    struct roofline_run *run = &search->runs->runs[i];
    struct config config = *run->config;
    struct step_time_model *model;
    struct validation validation;
    struct replay_facts facts;
    const struct replay_options options = {0};
    set_constants(&config.step_time, search->values);
    enum status status = step_time_create(&config, &model, diag);
    if (status != SIM_OK)
        return status;
    status = validation_init(&validation, run->trace, &config, run->measured, diag);
    if (status == SIM_OK) {
        stream_pauses_init(&validation.pauses, &model->config);
        const struct observer observer = validation_observer(&validation);
        status = replay_run(run->trace, &config, model, &observer, 1, &options, &facts, diag);
        for (size_t k = 0; k < MEASURED_LATENCIES && status == SIM_OK; k++) {
            const struct compared mean = mean_of(&validation, measured_latencies[k]);
            run->error[measured_latencies[k]] = mean.simulated / mean.measured - 1;
        }
        validation_deinit(&validation);
    }
    step_time_destroy(model);
    return status;
}

static enum status replay_all(struct search *search, const double *values, struct diag *diag)
{
    struct roofline_runs *runs = search->runs;
    if (runs->stop && *runs->stop)
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    for (int i = 0; i < RUNS_CONSTANTS; i++)
        search->values[i] = values[i];
    const enum status status = parallel_runs(runs->count, runs->threads, replay_one, search, diag);
    runs->replays += (uint32_t)runs->count;
    if (runs->progress)
        runs->progress(runs->progress_self, runs->replays);
    return status;
}

/* No kernel is faster than the data sheet. */
static enum status loss(void *self, const double *logs, double *value, struct diag *diag)
{
    struct search *search = self;
    double values[RUNS_CONSTANTS], sum = 0;
    size_t count = 0;
    for (int i = 0; i < RUNS_CONSTANTS; i++)
        values[i] = exp(logs[i]);
    *value = INFINITY;
    if (values[ROOFLINE_COMPUTE] > 1 || values[ROOFLINE_BANDWIDTH] > 1)
        return SIM_OK;
    enum status status = replay_all(search, values, diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < search->runs->count; i++)
        for (size_t k = 0; k < MEASURED_LATENCIES; k++) {
            const double error = search->runs->runs[i].error[measured_latencies[k]];
            sum += isnan(error) ? 0 : pseudo_huber(error > -1 ? log1p(error) : UNSERVED, HUBER_KNEE);
            count += isnan(error) ? 0 : 1;
        }
    if (count == 0)
        return diag_set(diag, SIM_BAD_INPUT, "no run has a mean of TTFT, TPOT or E2E that a replay could be held against");
    *value = sum / (double)count;
    for (int i = ROOFLINE_COMPUTE; i <= ROOFLINE_BANDWIDTH; i++)
        *value += DRAWN * pow((logs[i] - log(search->drawn_to[i])) / 0.1, 2);
    return SIM_OK;
}

enum status roofline_runs_fit(struct roofline_runs *runs, struct diag *diag)
{
    const struct step_time_config *own = &runs->runs[0].config->step_time;
    struct search search = {.runs = runs,
                            .drawn_to = {own->compute_efficiency, own->bandwidth_efficiency, LAYER_START, LAYER_START, SEQUENCE_START}};
    double logs[RUNS_CONSTANTS], value;
    runs->replays = 0;
    for (int i = 0; i < RUNS_CONSTANTS; i++)
        logs[i] = log(search.drawn_to[i]);
    for (int i = 0; i < SEARCHES; i++)
        if (nelder_mead(RUNS_CONSTANTS, logs, FIRST_STEP, GUESSES_MOST, SAME, loss, &search, &value, diag) != SIM_OK)
            return diag->status;
    for (int i = 0; i < RUNS_CONSTANTS; i++)
        runs->values[i] = exp(logs[i]);
    return replay_all(&search, runs->values, diag); /* the errors that go with them */
}
