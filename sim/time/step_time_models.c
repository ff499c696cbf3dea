/* step_time_models.c - the table of step-time models, the linear one, and what every model adds: blocks that are swapped or copied. Read
 * step_time.h first. */
#include "time/step_time_models.h"

#include <stdlib.h>

#include "base/array.h"

/* In the header, because the fast replay computes it itself. */
static int64_t price_linear(const struct step_time_model *model, const struct step_shape *shape)
{
    return step_time_linear(&model->config, shape->scheduled_tokens, shape->context_tokens);
}

/* The assumption is that blocks are not moved while the step computes, so their cost is added whatever the model. */
int64_t step_time_price(const struct step_time_model *model, const struct step_shape *shape)
{
    int64_t moved = model->config.swap_ns_per_block * shape->swapped_blocks + model->config.copy_ns_per_block * shape->copies;
    return model->price(model, shape) + moved;
}

static const struct step_time_pricing linear = {.name = "linear", .price = price_linear, .is_linear = true};

/* A new model is one row. */
static const struct step_time_pricing *const pricings[] = {
    [STEP_TIME_LINEAR] = &linear,
    [STEP_TIME_PROFILE] = &step_time_profile,
    [STEP_TIME_COMPACT] = &step_time_compact,
    [STEP_TIME_ROOFLINE] = &step_time_roofline,
    [STEP_TIME_RECORDED] = &step_time_recorded,
    [STEP_TIME_UNSAID] = &linear, /* of a configuration that nobody checked */
};

const char *step_time_name(enum step_time_kind kind)
{
    return pricings[kind]->name;
}

/* A model whose preparation fails is ended like any other, so `prepare` has nothing to clean up. */
enum status step_time_create(const struct config *config, struct step_time_model **out, struct diag *diag)
{
    const struct step_time_pricing *pricing = pricings[config->step_time.model];
    struct step_time_model *model;
    enum status status = array_zeroed(&model, 1, sizeof *model, "the step-time model", diag);
    if (status != SIM_OK)
        return status;
    *model = (struct step_time_model){.name = pricing->name,
                                      .is_linear = pricing->is_linear,
                                      .config = config->step_time,
                                      .price = pricing->price,
                                      .release = pricing->release};
    if (pricing->state_bytes > 0)
        status = array_zeroed(&model->state, 1, pricing->state_bytes, "the step-time model", diag);
    if (status == SIM_OK && pricing->prepare)
        status = pricing->prepare(model, config, diag);
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
    if (model->release && model->state)
        model->release(model->state);
    free(model->state);
    free(model);
}
