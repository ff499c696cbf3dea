/* explanation.c - runs the replays that explanation.h lists, one function each, and hangs the observers on them. Read explanation_make at
 * the end first. */
#include "study/explanation.h"

#include <stdlib.h>

#include "base/array.h"
#include "study/parallel_runs.h"

/* At full speed. Its classes of misses must add up, or everything said of the cache would be wrong without anybody noticing.
 * explanation->trace becomes the run's own before observers are made for it: with drawn arrivals positions mean other requests. */
static enum status first_replay(struct explanation *explanation, bool reference, struct diag *diag)
{
    struct replay_options options = {.reference = reference};
    enum status status = run_open(&explanation->run, explanation->trace, explanation->config, diag);
    explanation->trace = explanation->run.trace; /* the same requests, arriving when the configuration's load says */
    if (status != SIM_OK || prefix_misses_init(&explanation->misses, explanation->trace, explanation->config, diag) != SIM_OK ||
        preemption_story_init(&explanation->story, explanation->trace, diag) != SIM_OK)
        return diag->status;
    const struct observer observers[] = {prefix_misses_observer(&explanation->misses), preemption_story_observer(&explanation->story)};
    status = run_replay(&explanation->run, observers, 2, &options, diag);
    if (status != SIM_OK)
        return status;
    if (!prefix_misses_check(&explanation->misses))
        return diag_set(diag, SIM_FAILED, "internal error: the classes of misses do not add up to the tokens that were not cached");
    return prefix_misses_rank(&explanation->misses, &explanation->missers, &explanation->misser_count, diag);
}

/* If the first replay could not say what filled the pool: the same decisions again, this time with the lists of each step, which say who
 * held the blocks when somebody was preempted. Those lists need the readable scheduler, which is much slower. */
static enum status second_replay(struct explanation *explanation, struct diag *diag)
{
    struct observer observer;
    if (explanation->story.filled == explanation->story.count)
        return SIM_OK;
    enum status status = preemption_story_second(&explanation->story, explanation->config, &observer, diag);
    return status == SIM_OK ? replay_observed(explanation->trace, explanation->config, &observer, false, diag) : status;
}

/* For the run as a whole and for each of the worst victims. `completed` is what a setting must reach: a pool so small that it turns
 * requests away has no preemptions either. */
static enum status find_remedies(struct explanation *explanation, const struct explanation_options *options, struct diag *diag)
{
    uint32_t positions[REMEDY_TARGETS_MOST];
    struct remedy_question question = {.trace = explanation->trace,
                                       .config = explanation->config,
                                       .positions = positions,
                                       .count = (uint32_t)explanation->worst_count,
                                       .completed = explanation->run.metrics.completed,
                                       .progress = options->progress,
                                       .progress_context = options->progress_context};
    for (size_t i = 0; i < explanation->worst_count; i++)
        positions[i] = explanation->worst[i].position;
    enum status status = remedies_find(&question, &explanation->remedies, diag);
    explanation->has_remedies = status == SIM_OK;
    return status;
}

/* A setting that avoids preemptions may still be a bad one (fewer sequences, longer queues): replay it and keep its figures. Only the
 * remedy of the whole run is priced; those of single requests are explanations, not proposals. */
static enum status price_remedy(void *context, size_t knob, struct diag *diag)
{
    struct explanation *explanation = context;
    const struct remedy *remedy = &explanation->remedies.of[0][knob];
    struct {
        struct run run;
        struct config config;
    } * made; /* too large for the stack of a thread */
    if (!remedy->found)
        return SIM_OK;
    enum status status = array_zeroed(&made, 1, sizeof *made, "a replay", diag);
    if (status != SIM_OK)
        return status;
    made->config = *explanation->config;
    remedy_apply(&made->config, (enum knob)knob, remedy->value);
    status = run_open(&made->run, explanation->trace, &made->config, diag);
    if (status == SIM_OK)
        status = run_replay(&made->run, NULL, 0, NULL, diag);
    if (status == SIM_OK)
        explanation->priced[knob] = made->run.figures;
    run_close(&made->run);
    free(made);
    return status;
}

/* Each part needs the one before: victims come from the first replay, what filled the pool from the second, remedies are looked for among
 * the worst. A replay that stalled has no number of completed requests to keep, so no remedies are looked for. */
enum status explanation_make(struct explanation *explanation, const struct trace *trace, const struct config *config,
                             const struct explanation_options *options, struct diag *diag)
{
    *explanation = (struct explanation){.trace = trace, .config = config};
    size_t most = options->worst < REMEDY_TARGETS_MOST ? options->worst : REMEDY_TARGETS_MOST;
    enum status status = first_replay(explanation, options->reference, diag);
    const struct run_end *end = &explanation->run.facts.end;
    if (status == SIM_OK && options->remedies && !end->stalled && !end->abort)
        status = window_choices_make(trace, config, &explanation->windows, diag);
    if (status != SIM_OK || explanation->story.count == 0)
        return status;
    status = second_replay(explanation, diag);
    if (status == SIM_OK)
        status = preemption_story_worst(&explanation->story, options->order, most, &explanation->worst, &explanation->worst_count, diag);
    if (status != SIM_OK || !options->remedies || end->stalled || end->abort)
        return status;
    status = find_remedies(explanation, options, diag);
    return status == SIM_OK ? parallel_runs(KNOBS, 0, price_remedy, explanation, diag) : status;
}

void explanation_close(struct explanation *explanation)
{
    free(explanation->worst);
    free(explanation->missers);
    prefix_misses_deinit(&explanation->misses);
    preemption_story_deinit(&explanation->story);
    run_close(&explanation->run);
    *explanation = (struct explanation){0};
}
