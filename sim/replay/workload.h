/* workload.h - the requests that many runs replay, when not all configurations replay the same ones.
 *
 * One file is read once and shared by all runs; what a configuration makes of it is made once for all that want the same:
 *
 *     file ------------------+--> as it is           (V0)
 *     or generator + seed ---+--> samples as requests (V1's front end)
 *
 * A generated workload is drawn anew for each seed (`--generate`, `--dataset-name`), so that replicates differ. Arrivals at a rate are not
 * drawn here but by each run (run.h). Traces live as long as the workload.
 * Not for use by several threads at once; the traces that it gives are immutable and may be shared.
 */
#ifndef PAGESIM_WORKLOAD_H
#define PAGESIM_WORKLOAD_H

#include "config/config.h"
#include "trace/trace.h"
#include "trace/trace_generate.h"
#include "trace/trace_random.h"

struct workload_source {
    struct trace *file; /* owned by the caller; NULL: drawn from the seed */
    const char *kind;   /* drawn: what to call it */
    bool random;        /* drawn: the data set of vLLM's benchmark, else one of the generators */
    struct random_workload random_workload;
    struct generated_spec generator;
    struct trace_selection selection; /* generator: what to take of it (a file was selected from when it was read) */
};

struct workload_trace;

struct workload {
    const struct workload_source *source;
    struct workload_trace *traces;
    size_t count, capacity;
};

void workload_init(struct workload *workload, const struct workload_source *source);
void workload_deinit(struct workload *workload);

/* The trace that `config` replays; borrowed. SIM_BAD_INPUT: the engine cannot (V1 has no beam search). */
SIM_NODISCARD enum status workload_get(struct workload *workload, const struct config *config, const struct trace **out, struct diag *diag);

/* Does the trace depend on the seed? */
bool workload_is_drawn(const struct workload_source *source);

/* V1's front end turns n samples into n requests, and beam search it does not have (SIM_BAD_INPUT). *out: a new trace, or NULL when `trace`
 * is fine as it is. */
SIM_NODISCARD enum status workload_fit_engine(const struct trace *trace, const struct config *config, struct trace **out,
                                              struct diag *diag);

/* Everything about the requests that a replay can see; equal for equal contents, whatever the file is called. */
uint64_t workload_fingerprint(const struct trace *trace);

#endif
