/* replay.c - the one place that knows which engines and steppers there are, and chooses. What happens then is in engine/replay_loop.c.
 * Read replay_stepper first:
 *
 *     event_replay_refuses says NULL    -> the event replay, many steps at a time
 *     anything else                     -> a scheduler (V0 or V1) inside scheduler_stepper, one step at a time */
#include "replay/replay.h"

#include <stdio.h>
#include <string.h>

#include "engine/scheduler_stepper.h"
#include "vllm_v0/vllm_v0.h"
#include "vllm_v1/vllm_v1.h"
#include "vllm_v1_fast/event_replay.h"

/* Schedulers fill the lists of a step (who computed how much, who was admitted) only if some observer reads them: for plain figures the
 * tally of a step is enough, and filling lists for every step would cost time for nothing. V1 gets the step-time model because some
 * scheduling policies ask what a step would cost. */
static enum status create_scheduler(const struct replay_inputs *inputs, enum stepping stepping, struct scheduler **out, struct diag *diag)
{
    const bool want_lists = scheduler_stepper_wants_lists(inputs);
    const bool want_ids = stepping != STEPPING_QUIETLY || scheduler_stepper_wants_ids(inputs);
    if (inputs->config->scheduler == SCHEDULER_VLLM_V0)
        return vllm_v0_create(inputs->trace, inputs->config, want_lists ? V0_LISTS : want_ids ? V0_IDS : V0_COUNTS, out, diag);
    return vllm_v1_create(inputs->trace, inputs->config, inputs->model, want_lists, out, diag);
}

/* The event replay makes the same decisions and is much faster, so it is the default, and whatever speaks against it is kept in
 * facts->why_not, for whoever asks what costs the speed (today tests; reports name the engine alone). What the user
 * asked for comes before what the event replay cannot do, so that the reason given is the one that the user can change. */
enum status replay_stepper(const struct replay_inputs *inputs, const struct replay_options *options, struct replay_facts *facts,
                           struct stepper **out, struct diag *diag)
{
    const char *why_not = options->reference ? "the plain scheduler was asked for"
                          : options->check   ? "checking every step was asked for"
                                             : event_replay_refuses(inputs);
    facts->by_events = !why_not;
    if (facts->by_events)
        return event_replay_create(inputs, out, diag);
    snprintf(facts->why_not, sizeof facts->why_not, "%s", why_not);
    struct scheduler *scheduler;
    const enum stepping stepping = options->check ? STEPPING_CHECKED : options->reference ? STEPPING_PLAINLY : STEPPING_QUIETLY;
    enum status status = create_scheduler(inputs, stepping, &scheduler, diag);
    return status == SIM_OK ? scheduler_stepper_create(inputs, scheduler, stepping, out, diag) : status;
}

/* Observers are called from inside the loop, in the caller's thread; nothing here is shared between replays, so that many of them may run
 * side by side over one trace. */
enum status replay_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                       const struct observer *observers, size_t observer_count, const struct replay_options *options,
                       struct replay_facts *facts, struct diag *diag)
{
    const struct replay_inputs inputs = {
        .trace = trace, .config = config, .model = model, .observers = observers, .observer_count = observer_count};
    const struct replay_watch watch = {.progress = options->progress, .context = options->progress_context};
    struct stepper *stepper;
    *facts = (struct replay_facts){0};
    enum status status = replay_stepper(&inputs, options, facts, &stepper, diag);
    if (status != SIM_OK)
        return status;
    if (options->until_ns > 0)
        arrivals_set_horizon(&stepper->arrivals, options->until_ns);
    status = replay_loop_run(stepper, &watch, facts, diag);
    stepper->ops->destroy(stepper);
    return status;
}

/* For studies that want to see one thing of a run and no figures (a probe of a search, one pass of a comparison). The step-time model is
 * made here, so that a caller in a parallel loop has nothing to share or to free. */
enum status replay_observed(const struct trace *trace, const struct config *config, const struct observer *observer, bool reference,
                            struct diag *diag)
{
    const struct replay_options options = {.reference = reference};
    struct step_time_model *model;
    struct replay_facts facts;
    enum status status = step_time_create(config, &model, diag);
    if (status != SIM_OK)
        return status;
    status = replay_run(trace, config, model, observer, 1, &options, &facts, diag);
    step_time_destroy(model);
    return status;
}
