/* latency_choice.h - which latencies and which percentiles of them a user wants told, as `vllm bench serve` takes the question:
 * --percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,99.
 */
#ifndef PAGESIM_LATENCY_CHOICE_H
#define PAGESIM_LATENCY_CHOICE_H

#include "observe/metrics.h"

enum latency_metric { METRIC_TTFT, METRIC_TPOT, METRIC_ITL, METRIC_E2EL, LATENCY_METRICS };
enum { LATENCY_PERCENTILES_MOST = 16 };
extern const char *const latency_metric_names[LATENCY_METRICS]; /* "ttft", ... */

struct latency_choice {
    bool wanted[LATENCY_METRICS];
    double percentiles[LATENCY_PERCENTILES_MOST];
    size_t percentile_count;
    double values_ms[LATENCY_METRICS][LATENCY_PERCENTILES_MOST]; /* after latency_choice_collect */
};

/* All four, and the 99th percentile. (vLLM leaves e2el out unless asked.) */
void latency_choice_init(struct latency_choice *choice);

/* Replace the metrics, or the percentiles, by a comma-separated list. SIM_USAGE says what is wrong. */
SIM_NODISCARD enum status latency_choice_metrics(struct latency_choice *choice, const char *list, struct diag *diag);
SIM_NODISCARD enum status latency_choice_percentiles(struct latency_choice *choice, const char *list, struct diag *diag);

/* After the replay: find the percentiles of the wanted metrics. */
SIM_NODISCARD enum status latency_choice_collect(struct latency_choice *choice, const struct metrics *metrics, struct diag *diag);

/* "p99", "p99.9": how a percentile is called in names of figures. `size` >= 40. */
void latency_percentile_name(double percentile, char *out, size_t size);

/* Mean, standard deviation, median and count of a metric. */
const struct figures *latency_figures(const struct metrics *metrics, enum latency_metric metric);

#endif
