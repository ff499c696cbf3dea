/* goodput.h - how many requests a second were served as promised: within every limit on TTFT, TPOT and E2E latency.
 *
 * Limits are written as `vllm bench serve --goodput` takes them, KEY:VALUE with KEY one of ttft, tpot, e2el and VALUE in milliseconds. A
 * request is good if it completed and each latency is at most its limit. A request of one token meets any limit on TPOT, as in vLLM.
 * Source of the notion: DistServe (OSDI'24).
 */
#ifndef PAGESIM_GOODPUT_H
#define PAGESIM_GOODPUT_H

#include "observe/metrics.h"

struct goodput {
    double limit_ms[LATENCIES]; /* negative: no limit; only ttft, tpot and e2el may have one */
    bool given;                 /* at least one limit */
};

void goodput_init(struct goodput *goodput);

/* Add limits from "ttft:500" or "ttft:500 tpot:50"; a later one of the same key wins. SIM_USAGE says what is wrong. */
SIM_NODISCARD enum status goodput_parse(struct goodput *goodput, const char *text, struct diag *diag);

/* Requests that completed within all limits. */
uint64_t goodput_count(const struct goodput *goodput, const struct metrics *metrics);

#endif
