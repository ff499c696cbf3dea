/* run.c - one replay from requests to figures. Run.h says what belongs to a run; the replay itself is in replay.c. */
#include "replay/run.h"

#include "replay/workload.h"

enum { EXTRA_OBSERVERS_MOST = 8 };

enum status run_open(struct run *run, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *run = (struct run){.trace = trace, .config = config};
    enum status status = step_time_create(config, &run->model, diag);
    if (status == SIM_OK)
        status = workload_fit(trace, config, &run->fitted, diag);
    if (run->fitted)
        run->trace = run->fitted;
    if (status == SIM_OK)
        status = metrics_init(&run->metrics, run->trace, diag);
    ledger_init(&run->ledger, run->trace, config);
    return status;
}

enum status run_replay(struct run *run, const struct observer *extra, size_t extra_count, const struct replay_options *options,
                       struct diag *diag)
{
    const struct replay_options defaults = {0};
    struct observer observers[2 + EXTRA_OBSERVERS_MOST] = {metrics_observer(&run->metrics), ledger_observer(&run->ledger)};
    if (extra_count > EXTRA_OBSERVERS_MOST)
        return diag_set(diag, SIM_FAILED, "internal error: more observers than a run has room for");
    for (size_t i = 0; i < extra_count; i++)
        observers[2 + i] = extra[i];
    enum status status =
        replay_run(run->trace, run->config, run->model, observers, 2 + extra_count, options ? options : &defaults, &run->facts, diag);
    return status == SIM_OK ? run_collect_figures(run, diag) : status;
}

enum status run_collect_figures(struct run *run, struct diag *diag)
{
    struct run_facts facts = {.trace = run->trace,
                              .config = run->config,
                              .metrics = &run->metrics,
                              .ledger = &run->ledger,
                              .worker = run->worker,
                              .goodput = run->goodput,
                              .read_limit = run->read_limit};
    return run_figures_collect(&facts, run->wishes, &run->figures, diag);
}

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
    step_time_destroy(run->model);
    trace_destroy(run->fitted);
    *run = (struct run){0};
}
