/* step_time_models.c - the table of step-time models, the linear one, and what every model adds: blocks that are swapped or copied. Read
 * step_time.h first. */
#include "time/step_time_models.h"

#include <stdlib.h>

#include "base/array.h"

static int64_t price_linear(const struct step_time_model *model, const struct step_shape *shape)
{
    return step_time_linear(&model->config, shape->scheduled_tokens, shape->context_tokens);
}

int64_t step_time_price(const struct step_time_model *model, const struct step_shape *shape)
{
    int64_t moved = model->config.swap_ns_per_block * shape->swapped_blocks + model->config.copy_ns_per_block * shape->copies;
    return model->price(model, shape) + moved;
}

static enum status create_linear(struct step_time_model *model, const struct config *config, struct diag *diag)
{
    (void)config;
    (void)diag;
    model->name = "linear";
    model->is_linear = true;
    model->price = price_linear;
    return SIM_OK;
}

/* A model sets its name, its functions and its state. */
static enum status (*const creators[])(struct step_time_model *model, const struct config *config, struct diag *diag) = {
    [STEP_TIME_LINEAR] = create_linear,
    [STEP_TIME_PROFILE] = step_time_profile_create,
    [STEP_TIME_COMPACT] = step_time_compact_create,
    [STEP_TIME_ROOFLINE] = step_time_roofline_create,
    [STEP_TIME_RECORDED] = step_time_recorded_create,
};

enum status step_time_create(const struct config *config, struct step_time_model **out, struct diag *diag)
{
    struct step_time_model *model;
    enum status status = array_zeroed(&model, 1, sizeof *model, "the step-time model", diag);
    if (status != SIM_OK)
        return status;
    model->config = config->step_time;
    status = creators[config->step_time.model](model, config, diag);
    if (status != SIM_OK) {
        step_time_destroy(model);
        return status;
    }
    *out = model;
    return SIM_OK;
}

void step_time_destroy(struct step_time_model *model)
{
    if (!model)
        return;
    if (model->destroy)
        model->destroy(model);
    free(model);
}
