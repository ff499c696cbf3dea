/* workload.h - the road that requests take from the file to the replay, the same one for every command:
 *
 *     a file, or a generator + seed
 *       -> samples as requests       V1's front end makes n requests of one with n samples; V0 replays them as they are
 *       -> arrivals at a rate        where the configuration has one (drawn_arrivals.h), instead of those of the file
 *       -> replay
 *
 * workload_fit takes a trace along the whole road, and changes nothing on a trace that has gone it already. run_open (run.h) calls it for
 * every run, so a command only calls it itself if it looks at the requests outside of a run.
 *
 * struct workload is for commands that replay many configurations. It reads or draws the requests once for all that want the same, up to
 * the second arrow: traces with other arrivals are made and freed by each run. A generated workload is drawn anew for each seed
 * (`--generate`, `--dataset-name`), so that replicates differ. Traces live as long as the workload. One thread at a time may use a
 * workload; the traces that it gives are immutable and may be shared.
 */
#ifndef PAGESIM_WORKLOAD_H
#define PAGESIM_WORKLOAD_H

#include "base/line.h"
#include "config/config.h"
#include "generate/generate_spec.h"
#include "trace/trace.h"
#include "trace/trace_random.h"

struct workload_source {
    struct trace *file; /* owned by the caller; NULL: drawn from the seed */
    const char *kind;   /* drawn: what to call it */
    bool random;        /* drawn: the data set of vLLM's benchmark, else one of the generators */
    struct random_workload random_workload;
    struct generate_spec generator;   /* drawn by it: whoever read it ends it */
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

/* The requests for runs of `config`, arrivals not drawn yet; borrowed. SIM_BAD_INPUT: the engine cannot (V1 has no beam search). */
SIM_NODISCARD enum status workload_get(struct workload *workload, const struct config *config, const struct trace **out, struct diag *diag);

/* The requests of a source that is drawn, with this seed; the caller owns *out. */
SIM_NODISCARD enum status workload_draw(const struct workload_source *source, uint64_t seed, struct trace **out, struct diag *diag);

/* Does the trace depend on the seed? */
bool workload_is_drawn(const struct workload_source *source);

/* The requests as a run of `config` replays them. *out: a new trace, or NULL when `trace` is fine as it is. SIM_BAD_INPUT: beam search,
 * which V1 does not have, or a load that lasts longer than the clock counts. */
SIM_NODISCARD enum status workload_fit(const struct trace *trace, const struct config *config, struct trace **out, struct diag *diag);

/* Set in a configuration what the trace says and the user does not: how many tokens a hash id names (trace_block_size.h). SIM_BAD_INPUT: the
 * size is impossible. */
SIM_NODISCARD enum status workload_settle(const struct trace *trace, struct config *config, struct diag *diag);

/* Sentences for heads of reports (trace_tell) on requests that came from a file; "": there is nothing to say. First: no server sees so many a
 * second. Then, after workload_settle, how many tokens a hash id names where nobody said it (`before`: trace_block_size before that call), or
 * that the size does not fit every row: then it is *doubtful, a warning. */
struct line workload_doubt_rate(const struct trace *trace);
struct line workload_block_size_note(const struct trace *trace, const struct config *config, uint32_t before, bool *doubtful);
/* The sentence for a size that was found. */
struct line workload_found_block_size(const struct trace *trace, uint32_t size);

/* Everything about the requests that a replay can see; equal for equal contents, whatever the file is called. */
uint64_t workload_fingerprint(const struct trace *trace);

#endif
