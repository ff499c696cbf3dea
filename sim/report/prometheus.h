/* prometheus.h - what a vLLM server's /metrics would say at the end of the replay, in the Prometheus text format.
 *
 * Names, types, labels (model_name, engine) and bucket bounds are those of vllm/v1/metrics/loggers.py (2026), so that dashboards and alert
 * rules written for vLLM can be tried on a replay. Histograms over requests count completed ones; time to first token counts all that reached
 * it. Prefix cache queries and hits are tokens of first admissions. vllm:time_per_output_token_seconds is the former name of
 * vllm:inter_token_latency_seconds and shows the same values. Only the gauges of the two queues and of memory need an observer: they show the
 * state right after the last step.
 *
 * Source of the format: Prometheus exposition format 0.0.4.
 */
#ifndef PAGESIM_PROMETHEUS_H
#define PAGESIM_PROMETHEUS_H

#include "base/text_writer.h"
#include "config/config.h"
#include "observe/metrics.h"

struct prometheus {
    uint64_t arrived, gone; /* requests that entered the engine; those that finished or were ignored */
    uint64_t running;
    uint32_t used_blocks; /* during the last step */
};

/* Zero it first. */
struct observer prometheus_observer(struct prometheus *prometheus);

/* After the replay. */
SIM_NODISCARD enum status prometheus_write(const struct prometheus *prometheus, const struct metrics *metrics, const struct config *config,
                                           struct text_writer *writer, struct diag *diag);

#endif
