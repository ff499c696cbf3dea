/* measured_run.h - what a real server measured for the requests of a trace; `pagesim validate` compares a replay with it.
 *
 * Two layouts are read:
 *   CSV pair   measured_requests.csv (id, input_tokens, output_tokens, ttft_ms, tpot_ms, e2e_ms; times start when the engine takes the
 *              request in; where the server logged them scheduled_s and first_token_s: its first admission and token) and measured_timeline.csv (t in seconds, running, waiting, kv_cache_pct, gen_throughput)
 *   JSON       of `vllm bench serve --save-result --save-detailed` (input_lens, output_lens, ttfts, itls in seconds; times start when the
 *              client sends the request). If there are as many entries as the trace has requests, entry i is the trace's i-th request in
 *              the file's order (request_order.h); otherwise it is the request with number i in the file. A request with a TTFT of 0
 *              streamed nothing and counts as not measured. Without --save-detailed there are no lists, and what is known are the
 *              statistics of all requests together: mean_ttft_ms, p99_itl_ms and so on, as many as were saved
 *
 * Who compares a run with a replay, or fits a clock to it, reads it with these; nothing here knows of either.
 */
#ifndef PAGESIM_MEASURED_RUN_H
#define PAGESIM_MEASURED_RUN_H

#include "base/diag.h"
#include "observe/latency.h"
#include "study/pauses_seen.h"
#include "trace/trace.h"

/* What is said of a latency over all requests. */
enum { MEASURED_STATISTICS = 5 };
extern const char *const measured_statistics[MEASURED_STATISTICS]; /* "mean", "median", "p90", "p95", "p99" */
struct distribution;
/* In this order. */
SIM_NODISCARD enum status measured_statistics_of(const struct distribution *distribution, double *out, struct diag *diag);

/* The latencies that such a run has for each request. */
enum { MEASURED_LATENCIES = 3 };
extern const enum latency measured_latencies[MEASURED_LATENCIES];

struct timeline_row {
    double at_s, running, waiting, kv_usage, output_tokens_per_s; /* kv_usage: 0..1 */
};

struct measured_run {
    uint32_t count;        /* requests of the trace */
    uint32_t known;        /* of these, how many were measured */
    double *ms[LATENCIES]; /* by position; NaN: not measured, or TPOT of a single token; NULL: not one of measured_latencies */
    /* Of what is known of all requests together alone: ITLs, which are pooled, and everything of a run without lists. NaN: not known. */
    double pooled_ms[LATENCIES][MEASURED_STATISTICS];
    double *prefill_ms;        /* by position: first admission to first token; NaN: not measured; NULL: of no request */
    bool from_queued;          /* times start when the engine takes the request in (a server's log), not at arrival (a client's) */
    bool times_chosen;         /* that was said, and not assumed from the kind of file */
    struct pauses_seen pauses; /* in the gaps between tokens, where these are listed */
    struct timeline_row *rows; /* may be none */
    size_t row_count, row_capacity;
};

/* SIM_BAD_INPUT also if a request's lengths differ from the trace's. The caller ends it with measured_run_close. */
SIM_NODISCARD enum status measured_run_open_csv(const char *requests, const char *timeline, const struct trace *trace,
                                                struct measured_run *out, struct diag *diag);
SIM_NODISCARD enum status measured_run_open_json(const char *path, const struct trace *trace, struct measured_run *out, struct diag *diag);
void measured_run_close(struct measured_run *run);

#endif
