/* explanation.c - see explanation.h. */
#include "study/explanation.h"

#include <stdlib.h>

#include "base/array.h"

static double figure(const struct run *run, const char *name)
{
    const struct figure *found = report_find(&run->report, name);
    return found ? found->value : 0;
}

static struct priced_run price_of(const struct run *run)
{
    return (struct priced_run){.known = true,
                               .preemptions = (double)(run->metrics.preempt_recompute + run->metrics.preempt_swap),
                               .makespan_s = (double)run->facts.end.end_ns / 1e9,
                               .ttft_p99_ms = run->metrics.ttft_ms.p99,
                               .e2e_mean_ms = run->metrics.e2e_ms.mean,
                               .running_mean = ledger_mean(&run->ledger, run->ledger.running),
                               .prefix_hit_rate = figure(run, "prefix_hit_rate")};
}

static enum status first_replay(struct explanation *explanation, bool reference, struct diag *diag)
{
    struct replay_options options = {.reference = reference};
    enum status status = run_open(&explanation->run, explanation->trace, explanation->config, diag);
    explanation->trace = explanation->run.trace; /* the same requests, arriving when the configuration's load says */
    if (status == SIM_OK)
        status = prefix_misses_init(&explanation->misses, explanation->trace, explanation->config, diag);
    if (status == SIM_OK)
        status = preemption_story_init(&explanation->story, explanation->trace, diag);
    const struct observer observers[] = {prefix_misses_observer(&explanation->misses), preemption_story_observer(&explanation->story)};
    if (status == SIM_OK)
        status = run_replay(&explanation->run, observers, 2, &options, diag);
    if (status == SIM_OK && !prefix_misses_check(&explanation->misses))
        status = diag_set(diag, SIM_FAILED, "internal error: the classes of misses do not add up to the tokens that were not cached");
    if (status == SIM_OK)
        explanation->priced[0] = price_of(&explanation->run);
    return status;
}

static enum status second_replay(struct explanation *explanation, struct diag *diag)
{
    struct observer observer;
    struct replay_options options = {0};
    struct replay_facts facts;
    enum status status = preemption_story_second(&explanation->story, explanation->config, &observer, diag);
    if (status == SIM_OK)
        status = replay_run(explanation->trace, explanation->config, explanation->run.model, &observer, 1, &options, &facts, diag);
    return status;
}

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

static enum status price_remedy(struct explanation *explanation, enum knob knob, struct diag *diag)
{
    const struct remedy *remedy = &explanation->remedies.of[0][knob];
    struct config config = *explanation->config;
    struct run run = {0};
    if (!remedy->found)
        return SIM_OK;
    remedy_apply(&config, knob, remedy->value);
    enum status status = run_open(&run, explanation->trace, &config, diag);
    if (status == SIM_OK)
        status = run_replay(&run, NULL, 0, NULL, diag);
    if (status == SIM_OK)
        explanation->priced[1 + knob] = price_of(&run);
    run_close(&run);
    return status;
}

/* The remedies are replayed side by side. */
static enum status price_remedies(struct explanation *explanation, struct diag *diag)
{
    struct diag diags[KNOBS] = {{0}};
    enum status statuses[KNOBS] = {SIM_OK};
#pragma omp parallel for schedule(dynamic, 1) default(none) shared(explanation, diags, statuses)
    for (int knob = 0; knob < KNOBS; knob++)
        statuses[knob] = price_remedy(explanation, (enum knob)knob, &diags[knob]);
    for (int knob = 0; knob < KNOBS; knob++)
        if (statuses[knob] != SIM_OK) {
            *diag = diags[knob];
            return statuses[knob];
        }
    return SIM_OK;
}

enum status explanation_make(struct explanation *explanation, const struct trace *trace, const struct config *config,
                             const struct explanation_options *options, struct diag *diag)
{
    *explanation = (struct explanation){.trace = trace, .config = config};
    size_t most = options->worst < REMEDY_TARGETS_MOST ? options->worst : REMEDY_TARGETS_MOST;
    enum status status = first_replay(explanation, options->reference, diag);
    const struct run_end *end = &explanation->run.facts.end;
    if (status != SIM_OK || explanation->story.count == 0)
        return status;
    status = second_replay(explanation, diag);
    if (status == SIM_OK)
        status = preemption_story_worst(&explanation->story, options->order, most, &explanation->worst, &explanation->worst_count, diag);
    if (status != SIM_OK || !options->remedies || end->stalled || end->abort)
        return status;
    status = find_remedies(explanation, options, diag);
    return status == SIM_OK ? price_remedies(explanation, diag) : status;
}

void explanation_close(struct explanation *explanation)
{
    free(explanation->worst);
    prefix_misses_deinit(&explanation->misses);
    preemption_story_deinit(&explanation->story);
    run_close(&explanation->run);
    *explanation = (struct explanation){0};
}
