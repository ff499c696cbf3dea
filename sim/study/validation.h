/* validation.h - a replay against a measured run of a real server: latencies in the mean, at percentiles and request by request, and the
 * timeline of running, waiting and KV usage.
 *
 * Figures, all as fractions unless said otherwise: <latency>_mean_error, _p50_error, _p90_error, _p95_error, _p99_error (absolute values of
 * (simulated - measured) / measured), <latency>_mape and <latency>_median_error (mean and median over requests of their own relative
 * errors' absolute values) for ttft, tpot and e2e; running_error and waiting_error (requests, mean absolute difference over the timeline),
 * kv_usage_error, output_throughput_error; preemptions and cached_share of the replay.
 */
#ifndef PAGESIM_VALIDATION_H
#define PAGESIM_VALIDATION_H

#include <stdio.h>

#include "base/json.h"
#include "config/config.h"
#include "engine/observer.h"
#include "figure/figure.h"
#include "study/measured_run.h"

enum { VALIDATION_STATISTICS = 5, VALIDATION_FIGURES_MOST = 48 };

/* One line of the comparison: the same statistic of both sides. */
struct compared {
    double measured, simulated;
};

struct validation {
    const struct trace *trace;
    const struct config *config;
    const struct measured_run *measured;
    int64_t *seen_ns, *first_ns, *finish_ns; /* by position; -1: not reached */
    struct timeline_row *rows;               /* the replay at the measured rows' times; output tokens so far */
    size_t row_count;
    int64_t origin_ns; /* when the first request was taken in; -1: not yet */
    double output_tokens;
    uint64_t preemptions, prompt_tokens, cached_tokens;
    struct compared latency[LATENCIES][VALIDATION_STATISTICS]; /* mean, p50, p90, p95, p99 */
    struct figure figures[VALIDATION_FIGURES_MOST];
    size_t figure_count;
};

/* Everything is borrowed until validation_deinit. */
SIM_NODISCARD enum status validation_init(struct validation *validation, const struct trace *trace, const struct config *config,
                                          const struct measured_run *measured, struct diag *diag);
void validation_deinit(struct validation *validation);
struct observer validation_observer(struct validation *validation);

/* After the replay. At most 80 columns. */
void validation_print(const struct validation *validation, FILE *file);
void validation_write_json(const struct validation *validation, struct json_text *json);

#endif
