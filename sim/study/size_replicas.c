/* size_replicas.c - a verdict is a replay of a fleet, kept with all its figures: there are a few dozen at most. Start with size_replicas. */
#include "study/size_replicas.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"

struct sizing_fleet {
    const struct replicas_question *question;
    struct replicas_answer *answer;
};

void replicas_apply(const struct replicas_question *question, uint32_t replicas, struct config *config)
{
    *config = *question->config;
    config->fleet.replicas = replicas;
    config->fleets_compared = true;
}

static enum status replay(const struct replicas_question *question, struct replicas_tried *tried, struct diag *diag)
{
    struct config *config;
    enum status status = array_zeroed(&config, 1, sizeof *config, "a configuration", diag);
    if (status != SIM_OK)
        return status;
    replicas_apply(question, tried->replicas, config);
    tried->result.figures = &tried->figures;
    status = load_run(&question->load, config, 1, config->seed, &tried->result, diag);
    free(config);
    return status;
}

/* Rung 0 is the most servers, which have the least to do. */
static enum status verdict(void *context, int32_t rung, bool *passes, struct diag *diag)
{
    struct sizing_fleet *sizing = context;
    struct replicas_answer *answer = sizing->answer;
    struct replicas_tried *tried;
    enum status status = array_zeroed(&tried, 1, sizeof *tried, "a fleet", diag);
    if (status != SIM_OK)
        return status;
    tried->replicas = sizing->question->most - (uint32_t)rung;
    status = replay(sizing->question, tried, diag);
    if (status == SIM_OK)
        status = array_append(&answer->tried, &answer->count, &answer->capacity, &tried, sizeof(struct replicas_tried *), "fleets", diag);
    if (status != SIM_OK) {
        free(tried);
        return status;
    }
    *passes = tried->result.passes;
    return SIM_OK;
}

static int by_replicas(const void *a, const void *b)
{
    struct replicas_tried *const *left = a, *const *right = b;
    return compare_u64((*left)->replicas, (*right)->replicas);
}

enum status size_replicas(const struct replicas_question *question, struct replicas_answer *out, struct diag *diag)
{
    struct sizing_fleet sizing = {.question = question, .answer = out};
    struct rate_found found = {.passes_to = -1};
    *out = (struct replicas_answer){0};
    enum status status = rate_search((int32_t)(question->most - question->least) + 1, 0, -1, verdict, &sizing, &found, diag);
    if (status == SIM_OK && found.passes_to >= 0)
        out->answer = question->most - (uint32_t)found.passes_to;
    if (out->count > 0)
        qsort(out->tried, out->count, sizeof(struct replicas_tried *), by_replicas);
    return status;
}

const struct replicas_tried *replicas_tried_at(const struct replicas_answer *answer, uint32_t replicas)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->tried[i]->replicas == replicas)
            return answer->tried[i];
    return NULL;
}

void replicas_answer_deinit(struct replicas_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        free(answer->tried[i]);
    free(answer->tried);
    *answer = (struct replicas_answer){0};
}
