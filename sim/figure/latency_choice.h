/* latency_choice.h - which latencies, and which percentiles of them, a report in vLLM's form shows. Options as in `vllm bench serve`:
 * --percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,99. Also client_queue_time and e2el_including_client_queue, which a run
 * shows if its client holds requests back.
 */
#ifndef PAGESIM_LATENCY_CHOICE_H
#define PAGESIM_LATENCY_CHOICE_H

#include "figure/figure.h"

enum { LATENCY_PERCENTILES_MOST = 16 };

struct latency_choice {
    bool wanted[LATENCIES];
    double percentiles[LATENCY_PERCENTILES_MOST];
    size_t percentile_count;
};

/* vLLM's defaults: TTFT, TPOT and ITL, and the 99th percentile. */
void latency_choice_init(struct latency_choice *choice);

/* Replace the latencies, or the percentiles, by a comma-separated list. SIM_USAGE says what is wrong. */
SIM_NODISCARD enum status latency_choice_metrics(struct latency_choice *choice, const char *list, struct diag *diag);
SIM_NODISCARD enum status latency_choice_percentiles(struct latency_choice *choice, const char *list, struct diag *diag);

/* Wish for the figures that the choice names. */
SIM_NODISCARD enum status latency_choice_wish(const struct latency_choice *choice, struct figure_wishes *wishes, struct diag *diag);

/* "p99_ttft_ms", "p99.9_e2el_ms": the name of a figure. `out` has FIGURE_NAME_SIZE bytes. */
char *latency_percentile_name(double percentile, enum latency latency, char *out);

#endif
