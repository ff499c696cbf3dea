/* validation.h - compares a replay with a measured run of a real server: mean and percentiles of latencies, each request by itself, and the
 * timeline of running requests, waiting requests and KV usage.
 *
 * The figures are those of scope FIGURE_OF_VALIDATION (figure_rows.h). An error is |simulated - measured| / measured of a statistic; mape and
 * median_ape are the mean and the median of the errors of single requests. Gaps between tokens (ITL) are compared as a whole, those of all
 * requests that were measured with those of all that were replayed; so are all latencies of a run of which only statistics were saved. The prefill, from a request's first admission to its first
 * token, is compared by rank: which other prompts share the steps of a request is soon another matter in any replay, so single requests
 * say nothing here, while all of them together say how many steps a prefill takes.
 */
#ifndef PAGESIM_VALIDATION_H
#define PAGESIM_VALIDATION_H

#include "config/config.h"
#include "engine/observer.h"
#include "figure/figure.h"
#include "observe/metrics.h"
#include "study/measured_run.h"

/* One line of the comparison: the same statistic of both sides. */
struct compared {
    double measured, simulated;
};

struct validation {
    const struct trace *trace;
    const struct config *config;
    const struct measured_run *measured;
    struct request_story *stories; /* by position: four times alone; -1: not reached */
    struct stream_pauses pauses;   /* none, unless they are set after validation_init; a server's log does not see them */
    struct timeline_row *rows;     /* the replay at the times of the measured rows */
    size_t row_count;
    int64_t origin_ns;    /* when the engine took in the first request, time 0 of the timeline; -1: not yet */
    double output_tokens; /* so far */
    struct late_tokens {
        int64_t end_ns;
        uint32_t tokens;
    } late[2]; /* of the last two steps, by number, as far as they are not counted yet */
    /* After the replay; NaN: nothing was measured. */
    struct compared latency[LATENCIES][MEASURED_STATISTICS];
    double mape[LATENCIES], median_ape[LATENCIES];
    double prefill_error; /* mean difference of the n-th shortest prefills of both sides, by the measured mean */
    double running_error, waiting_error, kv_usage_error, output_throughput_error;
};

/* Everything is borrowed until validation_deinit. */
SIM_NODISCARD enum status validation_init(struct validation *validation, const struct trace *trace, const struct config *config,
                                          const struct measured_run *measured, struct diag *diag);
void validation_deinit(struct validation *validation);
struct observer validation_observer(struct validation *validation);

/* After the replay, a request's latency from the moment at which the measured side started its clock; NaN: it has none. */
double validation_simulated_ms(const struct validation *validation, enum latency latency, uint32_t position);

/* After the replay, whose figures these are: compare what is known of all requests together, then append the figures of the comparison. */
void validation_put_figures(struct validation *validation, struct figure_set *figures);

#endif
