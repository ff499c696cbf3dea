/* step_time_models.c - the table of step-time models, the linear one, and what every model adds: blocks that are swapped or copied,
 * and the drafter. Read step_time.h first. */
#include "time/step_time_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "config/speculation.h"

/* ns + ns_each * count, or INT64_MAX where that is more than the clock can count: keys go up to 10^15 and tokens to 10^9. */
static inline int64_t add_within_clock(int64_t ns, int64_t ns_each, int64_t count)
{
    int64_t part, sum;
    return __builtin_mul_overflow(ns_each, count, &part) || __builtin_add_overflow(ns, part, &sum) ? INT64_MAX : sum;
}

/* As step_time_linear, which the event replay uses where it knows that nothing overflows. */
static int64_t price_linear(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct step_time_config *config = &model->config;
    const int64_t tokens_ns = add_within_clock(config->base_ns, config->token_ns, (int64_t)shape->scheduled_tokens);
    return add_within_clock(tokens_ns, config->kv_ns, (int64_t)shape->context_tokens);
}

/* Who gets a token gets drafts for its next turn, in the same step. All of a step's requests share the passes. */
static int64_t add_drafting(const struct step_time_model *model, const struct step_shape *shape, int64_t ns)
{
    ns = add_within_clock(ns, model->config.draft_ns, model->draft_passes);
    return add_within_clock(ns, model->config.draft_ns_per_token, (int64_t)model->draft_tokens * shape->sampled);
}

/* The assumption is that blocks are not moved while the step computes, so their cost is added whatever the model. Most steps move none. */
int64_t step_time_price(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct step_time_config *config = &model->config;
    int64_t ns = model->price(model, shape);
    if (model->draft_passes > 0 && shape->sampled > 0)
        ns = add_drafting(model, shape, ns);
    if (shape->swapped_blocks == 0 && shape->copies == 0)
        return ns;
    ns = add_within_clock(ns, config->swap_ns_per_block, shape->swapped_blocks);
    return add_within_clock(ns, config->copy_ns_per_block, shape->copies);
}

/* --- the end of the clock ---------------------------------------------------------------------------------------------------------- */

/* A part of a step's price, and the key that sets it. */
struct price_part {
    const char *key;
    double ns;
};

/* The setting to lower. Doubles will do: only the largest part is looked for. */
static const char *dearest_part(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct step_time_config *config = &model->config;
    const bool linear = model->is_linear;
    const struct price_part parts[] = {
        {"step_time.swap_ns_per_block", (double)config->swap_ns_per_block * shape->swapped_blocks},
        {"step_time.host_ns", (double)config->host_ns},
        {"step_time.host_ns_per_sequence", (double)config->host_ns_per_sequence * shape->sequences},
        {"step_time.copy_ns_per_block", (double)config->copy_ns_per_block * shape->copies},
        {"step_time.draft_ns", shape->sampled ? (double)config->draft_ns * model->draft_passes : 0},
        {"step_time.draft_ns_per_token", (double)config->draft_ns_per_token * model->draft_tokens * shape->sampled},
        {"step_time.base_ns", linear || shape->idle ? (double)config->base_ns : 0},
        {"step_time.token_ns", linear ? (double)config->token_ns * (double)(int64_t)shape->scheduled_tokens : 0},
        {"step_time.kv_ns", linear ? (double)config->kv_ns * (double)(int64_t)shape->context_tokens : 0},
        {model->settings, linear || shape->idle ? 0 : (double)model->price(model, shape)},
    };
    const struct price_part *most = &parts[0];
    for (size_t i = 1; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].ns > most->ns)
            most = &parts[i];
    return most->key;
}

enum status step_time_refuse(const struct step_time_model *model, const struct step_shape *shape, int64_t start_ns, struct diag *diag)
{
    const int64_t ns = add_within_clock(step_time_price(model, shape), step_time_host(model, shape->sequences), 1);
    char takes[64] = "longer than that";
    if (ns < INT64_MAX)
        snprintf(takes, sizeof takes, "%.9g s", (double)ns / 1e9);
    return diag_set(diag, SIM_BAD_INPUT,
                    "the clock ends after 292 years (2^63 ns): step %llu starts at %.9g s and takes %s, most of it by %s; lower that, or "
                    "replay a shorter time",
                    (unsigned long long)shape->step, (double)start_ns / 1e9, takes, dearest_part(model, shape));
}

/* --- the table --------------------------------------------------------------------------------------------------------------------- */

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

void step_time_path(const struct config *config, char *out)
{
    char folder[CONFIG_PATH_SIZE + 64];
    const char *path = config->step_time.path;
    snprintf(out, CONFIG_PATH_SIZE, "%s", path);
    if (config->step_time.model != STEP_TIME_PROFILE || *path == '\0')
        return;
    snprintf(folder, sizeof folder, "%s/tp%u/dense.csv", path, config->tensor_parallel_size);
    if (access(folder, R_OK) == 0)
        snprintf(out, CONFIG_PATH_SIZE, "%.*s", (int)(strrchr(folder, '/') - folder), folder);
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
                                      .settings = pricing->settings,
                                      .is_linear = pricing->is_linear,
                                      .draft_passes = speculation_passes(config),
                                      .draft_tokens = speculation_drafts(config),
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

/* One token with nothing before it, as a prompt and as a decode, whichever costs less; who samples nothing pays nothing for that. */
int64_t step_time_least(const struct step_time_model *model)
{
    const enum step_time_kind kind = model->config.model;
    struct step_shape prompt = {0}, decode = {0};
    if (kind != STEP_TIME_LINEAR && kind != STEP_TIME_COMPACT && kind != STEP_TIME_ROOFLINE)
        return 0;
    step_shape_add(&prompt, 0, 1, false);
    step_shape_add(&decode, 0, 1, true);
    const int64_t a = step_time_price(model, &prompt), b = step_time_price(model, &decode);
    return a < b ? a : b;
}
