/* scheduling_choice.c - replays both ways of scheduling and takes the one that the measurements speak for. Read scheduling_choice.h first
 * for what is compared and why. */
#include "study/scheduling_choice.h"

#include "config/config_keys.h"

/* A way whose error is below this share of the other's is clearly nearer. */
#define CLEARLY_NEARER 0.5

/* A key that is set counts as given, so the report's configuration replays this way wherever it is used. */
enum status scheduling_choice_open(struct scheduling_choice *choice, const struct trace *trace, const struct config *config,
                                   struct diag *diag)
{
    const bool open = config->scheduler == SCHEDULER_VLLM_V1 && !config_gives(config, "async_scheduling");
    *choice = (struct scheduling_choice){.count = open ? 2 : 1, .chosen = open && config->async_scheduling};
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < choice->count && status == SIM_OK; i++) {
        struct scheduling_way *way = &choice->ways[i];
        way->config = *config;
        if (open)
            status = config_set(&way->config, "async_scheduling", i == 1 ? "true" : "false", diag);
        if (status == SIM_OK)
            status = run_open(&way->run, trace, &way->config, diag);
    }
    return status;
}

static enum status replay(struct scheduling_way *way, const struct measured_run *measured, const struct figure_wishes *wishes,
                          const struct replay_options *options, struct diag *diag)
{
    if (validation_init(&way->validation, way->run.trace, &way->config, measured, diag) != SIM_OK)
        return diag->status;
    if (way->run.model)
        stream_pauses_init(&way->validation.pauses, &way->run.model->config);
    const struct observer observer = validation_observer(&way->validation);
    way->run.wishes = wishes;
    enum status status = run_replay(&way->run, &observer, 1, options, diag);
    if (status == SIM_OK)
        validation_put_figures(&way->validation, &way->run.figures);
    return status;
}

static double error_of(const struct scheduling_way *way, bool by_prefill)
{
    return by_prefill ? way->validation.prefill_error : way->validation.mape[LATENCY_TTFT];
}

/* What is not clear stays as it is by default; NaN, of what was not measured, is never clear. */
static void choose(struct scheduling_choice *choice, bool by_prefill)
{
    const double errors[] = {error_of(&choice->ways[0], by_prefill), error_of(&choice->ways[1], by_prefill)};
    const uint32_t nearer = errors[1] < errors[0];
    choice->told = SCHEDULING_BY_NOTHING;
    if (errors[nearer] < CLEARLY_NEARER * errors[!nearer]) {
        choice->chosen = nearer;
        choice->told = by_prefill ? SCHEDULING_BY_PREFILL : SCHEDULING_BY_TTFT;
    }
}

enum status scheduling_choice_make(struct scheduling_choice *choice, const struct measured_run *measured,
                                   const struct figure_wishes *wishes, const struct replay_options *options, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < choice->count && status == SIM_OK; i++)
        status = replay(&choice->ways[i], measured, wishes, options, diag);
    if (status == SIM_OK && choice->count == 2)
        choose(choice, measured->prefill_ms != NULL);
    return status;
}

void scheduling_choice_close(struct scheduling_choice *choice)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        validation_deinit(&choice->ways[i].validation);
        run_close(&choice->ways[i].run);
    }
}
