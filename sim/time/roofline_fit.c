/* roofline_fit.c - a search over three constants. Read roofline_fit.h first, then loss(). Constants are searched as logarithms: they are
 * positive, and a factor of two means the same at any size. */
#include "time/roofline_fit.h"

#include <math.h>

#include "base/nelder_mead.h"
#include "base/robust.h"

const char *const roofline_names[ROOFLINE_CONSTANTS] = {"compute_efficiency", "bandwidth_efficiency", "layer_us"};

enum { SAMPLES_LEAST = 20, PRICINGS_MOST = 400 };
#define HUBER_KNEE  0.1   /* an error of 10 % */
#define DRAWN       1e-4  /* of the loss: an efficiency one tenth away from what the configuration says */
#define LAYER_START 10.0  /* us */
#define LAYER_LEAST 0.001 /* less is none */
#define FIRST_STEP  0.3
#define SAME        1e-12
/* A constant is told if a tenth more or less changes steps by this share in the mean. */
#define PROBE      0.1
#define PROBE_SEEN 0.001

struct search {
    struct config config;
    const double *drawn_to;
    const struct step_sample *samples;
    size_t count;
};

static void set_constants(struct step_time_config *step_time, const double *values)
{
    step_time->compute_efficiency = values[ROOFLINE_COMPUTE];
    step_time->bandwidth_efficiency = values[ROOFLINE_BANDWIDTH];
    step_time->layer_us = values[ROOFLINE_LAYER] < LAYER_LEAST ? 0 : values[ROOFLINE_LAYER];
}

static enum status create(struct search *search, const double *values, struct step_time_model **model, struct diag *diag)
{
    set_constants(&search->config.step_time, values);
    return step_time_create(&search->config, model, diag);
}

static double priced(const void *self, const struct step_shape *shape)
{
    return (double)step_time_price(self, shape) / 1000;
}

/* No kernel is faster than the data sheet. */
static enum status loss(void *self, const double *logs, double *value, struct diag *diag)
{
    struct search *search = self;
    struct step_time_model *model;
    double values[ROOFLINE_CONSTANTS], sum = 0;
    size_t fitted = 0;
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        values[i] = exp(logs[i]);
    *value = INFINITY;
    if (values[ROOFLINE_COMPUTE] > 1 || values[ROOFLINE_BANDWIDTH] > 1)
        return SIM_OK;
    enum status status = create(search, values, &model, diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < search->count; i++)
        if (!step_sample_held_out(i)) {
            sum += pseudo_huber(log(priced(model, &search->samples[i].shape) / search->samples[i].us), HUBER_KNEE);
            fitted++;
        }
    step_time_destroy(model);
    *value = sum / (double)fitted;
    for (int i = ROOFLINE_COMPUTE; i <= ROOFLINE_BANDWIDTH; i++)
        *value += DRAWN * pow((logs[i] - log(search->drawn_to[i])) / 0.1, 2);
    return SIM_OK;
}

/* Mean change of a step's price when one constant is a tenth larger. */
static enum status probe(struct search *search, const double *values, int constant, double *change, struct diag *diag)
{
    double moved[ROOFLINE_CONSTANTS], sum = 0;
    struct step_time_model *here, *there = NULL;
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        moved[i] = values[i] * (i == constant ? 1 + PROBE : 1);
    enum status status = create(search, values, &here, diag);
    if (status != SIM_OK)
        return status;
    status = create(search, moved, &there, diag);
    for (size_t i = 0; i < search->count && status == SIM_OK; i++)
        sum += fabs(log(priced(there, &search->samples[i].shape) / priced(here, &search->samples[i].shape)));
    *change = sum / (double)search->count;
    step_time_destroy(there);
    step_time_destroy(here);
    return status;
}

static enum status judge(struct search *search, struct roofline_fit *fit, struct diag *diag)
{
    struct step_time_model *model;
    enum status status = create(search, fit->values, &model, diag);
    if (status != SIM_OK)
        return status;
    status = step_samples_judge(search->samples, search->count, priced, model, &fit->error, diag);
    step_time_destroy(model);
    return status;
}

enum status roofline_fit(const struct config *config, const struct step_sample *samples, size_t count, struct roofline_fit *out,
                         struct diag *diag)
{
    const struct step_time_config *own = &config->step_time;
    const double start[ROOFLINE_CONSTANTS] = {own->compute_efficiency, own->bandwidth_efficiency,
                                              own->layer_us > 0 ? own->layer_us : LAYER_START};
    struct search search = {.config = *config, .drawn_to = start, .samples = samples, .count = count};
    struct roofline_fit fit = {.values = {0}};
    double logs[ROOFLINE_CONSTANTS], value;
    if (count < SAMPLES_LEAST)
        return diag_set(diag, SIM_BAD_INPUT, "%zu steps are too few to fit %d constants; %d are needed", count, ROOFLINE_CONSTANTS,
                        SAMPLES_LEAST);
    search.config.step_time.model = STEP_TIME_ROOFLINE;
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        logs[i] = log(start[i]);
    enum status status = nelder_mead(ROOFLINE_CONSTANTS, logs, FIRST_STEP, PRICINGS_MOST, SAME, loss, &search, &value, diag);
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        fit.values[i] = exp(logs[i]);
    for (int i = 0; i < ROOFLINE_CONSTANTS && status == SIM_OK; i++) {
        double change = 0;
        status = probe(&search, fit.values, i, &change, diag);
        fit.told[i] = change > PROBE_SEEN;
    }
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        if (!fit.told[i])
            fit.values[i] = i == ROOFLINE_LAYER ? 0 : start[i];
    if (status == SIM_OK)
        status = judge(&search, &fit, diag);
    if (status == SIM_OK)
        *out = fit;
    return status;
}
