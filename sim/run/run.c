/* run.c - one replay from requests to figures. Run.h says what belongs to a run; the replay itself is in replay.c. A command goes through
 *
 *     run_open -> (set worker, goodput, wishes) -> run_replay -> run_judge -> run_close */
#include "run/run.h"

#include <stdlib.h>

#include "base/array.h"
#include "fleet/fleet_run.h"
#include "replay/workload.h"

/* Observers are kept in an array on the stack, so that a replay starts without allocating. No command has more than a few of its own. */
enum { EXTRA_OBSERVERS_MOST = 8 };

/* Everything that can refuse the configuration or the requests happens here, before the first step. A failure leaves the later members
 * zeroed, which run_close takes. run->trace is what the observers see: not the caller's trace if samples were expanded or arrivals drawn.
 */
enum status run_open(struct run *run, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *run = (struct run){.trace = trace, .config = config};
    enum status status = config_has_fleet(config) ? SIM_OK : step_time_create(config, &run->model, diag);
    if (status == SIM_OK)
        status = workload_fit(trace, config, &run->fitted, diag);
    if (run->fitted)
        run->trace = run->fitted;
    if (status == SIM_OK)
        status = metrics_init(&run->metrics, run->trace, diag);
    run->metrics.closed_loop = config->max_concurrency > 0;
    if (status == SIM_OK && run->model)
        stream_pauses_init(&run->metrics.pauses, &run->model->config);
    ledger_init(&run->ledger, run->trace, config);
    if (status == SIM_OK && config_has_fleet(config))
        status = array_zeroed(&run->fleet, 1, sizeof *run->fleet, "the fleet", diag);
    return status == SIM_OK && run->fleet ? fleet_open(run->fleet, run->trace, config, diag) : status;
}

/* Metrics and ledger watch every replay, because nearly all figures of a report come from them. Extra observers come last and see the
 * same stream. Figures are collected even if the replay stalled: what happened up to then is what a user needs to find the cause. */
enum status run_replay(struct run *run, const struct observer *extra, size_t extra_count, const struct replay_options *options,
                       struct diag *diag)
{
    const struct replay_options defaults = {0};
    struct observer observers[2 + EXTRA_OBSERVERS_MOST] = {metrics_observer(&run->metrics), ledger_observer(&run->ledger)};
    if (extra_count > EXTRA_OBSERVERS_MOST)
        return diag_set(diag, SIM_FAILED, "internal error: more observers than a run has room for");
    if (run->fleet && extra_count > 0)
        return diag_set(diag, SIM_USAGE, "an observer looks at one server, and the configuration is of several: leave out replicas");
    for (size_t i = 0; i < extra_count; i++)
        observers[2 + i] = extra[i];
    options = options ? options : &defaults;
    enum status status = run->fleet
                             ? fleet_replay(run->fleet, run->trace, options, &run->metrics, &run->ledger, &run->facts, diag)
                             : replay_run(run->trace, run->config, run->model, observers, 2 + extra_count, options, &run->facts, diag);
    return status == SIM_OK ? run_collect_figures(run, diag) : status;
}

/* Gathers what run_figures.h reads. Nothing is replayed: figures come from what the observers counted, so this can be repeated at no
 * risk. */
enum status run_collect_figures(struct run *run, struct diag *diag)
{
    struct run_facts facts = {.trace = run->trace,
                              .config = run->config,
                              .metrics = &run->metrics,
                              .ledger = &run->ledger,
                              .worker = run->worker,
                              .goodput = run->goodput,
                              .fleet = run->fleet ? &run->fleet->sums : NULL,
                              .read_limit = run->read_limit};
    return run_figures_collect(&facts, run->wishes, &run->figures, diag);
}

/* Not part of run_replay, because a stall is no error for everybody: a sweep keeps it as the result of a point, `size` as a reason why a
 * pool does not pass. Commands that replay once call this at the end, so that the exit code tells of it. */
enum status run_judge(const struct run *run, struct diag *diag)
{
    const struct replay_facts *facts = &run->facts;
    const char *separator = *facts->diagnosis ? "; " : "";
    if (facts->end.abort)
        return diag_set(diag, SIM_FAILED, "the engine died: %s%s%s", facts->end.abort, separator, facts->diagnosis);
    if (facts->end.stalled)
        return diag_set(diag, SIM_FAILED, "the replay stalled with %llu unfinished requests%s%s", (unsigned long long)facts->end.unfinished,
                        separator, facts->diagnosis);
    return SIM_OK;
}

void run_close(struct run *run)
{
    metrics_deinit(&run->metrics);
    if (run->fleet)
        fleet_close(run->fleet);
    free(run->fleet);
    step_time_destroy(run->model);
    trace_destroy(run->fitted);
    *run = (struct run){0};
}
