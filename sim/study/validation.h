/* validation.h - compares a replay with a measured run of a real server: mean and percentiles of latencies, each request by itself, and the
 * timeline of running requests, waiting requests and KV usage.
 *
 * The figures are those of scope FIGURE_OF_VALIDATION (figure_rows.h). An error is |simulated - measured| / measured of a statistic; mape and
 * median_ape are the mean and the median of the errors of single requests. The prefill, from a request's first admission to its first
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

enum { VALIDATION_STATISTICS = 5 };
extern const char *const validation_statistics[VALIDATION_STATISTICS]; /* "mean", "median", "p90", "p95", "p99" */

/* One line of the comparison: the same statistic of both sides. */
struct compared {
    double measured, simulated;
};

struct validation {
    const struct trace *trace;
    const struct config *config;
    const struct measured_run *measured;
    struct request_story *stories; /* by position: four times alone; -1: not reached */
    struct timeline_row *rows;     /* the replay at the times of the measured rows */
    size_t row_count;
    int64_t origin_ns;    /* when the engine took in the first request, time 0 of the timeline; -1: not yet */
    double output_tokens; /* so far */
    struct late_tokens {
        int64_t end_ns;
        uint32_t tokens;
    } late[2]; /* of the last two steps, by number, as far as they are not counted yet */
    /* After the replay; NaN: nothing was measured. Only the entries of measured_latencies are set. */
    struct compared latency[LATENCIES][VALIDATION_STATISTICS];
    double mape[LATENCIES], median_ape[LATENCIES];
    double prefill_error; /* mean difference of the n-th shortest prefills of both sides, by the measured mean */
    double running_error, waiting_error, kv_usage_error, output_throughput_error;
};

/* Everything is borrowed until validation_deinit. */
SIM_NODISCARD enum status validation_init(struct validation *validation, const struct trace *trace, const struct config *config,
                                          const struct measured_run *measured, struct diag *diag);
void validation_deinit(struct validation *validation);
struct observer validation_observer(struct validation *validation);

/* After the replay: append the figures of the comparison. */
void validation_put_figures(const struct validation *validation, struct figure_set *figures);

#endif
