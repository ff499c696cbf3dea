/* bench_result.h - a replay told in the words of `vllm bench serve`: its console block and the JSON of --save-result.
 *
 * Layout, names and definitions are those of vLLM's vllm/benchmarks/serve.py at commit 009e6d4 (2026): duration runs from the first
 * arrival to the end of the last step; max_output_tokens_per_s is the fullest second, counted in whole seconds from the first arrival;
 * max_concurrent_requests the most completed requests between arrival and last token at one moment. With --save-detailed there are, one
 * entry a request in the file's order (request_order.h; samples of V1 are requests of their own):
 *
 *     input_lens, output_lens     tokens; a request that failed (dropped, ignored, unfinished) has 0 output
 *     start_times                 seconds: its arrival, in a closed loop when its slot became free
 *     ttfts, itls, latencies      seconds; itls is a list a request; 0, [] and 0 for one that failed
 *     errors                      "" or why it failed
 *
 * Means and percentiles are the report's: where a replay ended early, tokens of requests that did not finish count in them.
 * Of a group of V0 with several sequences the lists tell of one sequence, the totals and pooled latencies of all.
 *
 * Left out: what differs from run to run or does not exist here (date, generated_texts). `pagesim validate --vllm-json` reads the file.
 */
#ifndef PAGESIM_BENCH_RESULT_H
#define PAGESIM_BENCH_RESULT_H

#include "base/text_file.h"
#include "figure/latency_choice.h"
#include "observe/token_times.h"
#include "report/report.h"

/* The fullest second: an observer, as it must see every step. */
struct bench_peak {
    int64_t first_arrival_ns; /* -1: none yet */
    uint64_t second, tokens;  /* the second that is being counted */
    uint64_t most_tokens;
};
void bench_peak_init(struct bench_peak *peak);
struct observer bench_peak_observer(struct bench_peak *peak);

struct bench_result {
    const struct report *report;         /* collected, with goodput where limits were given */
    const struct latency_choice *choice; /* collected */
    const struct bench_peak *peak;
    const struct token_times *times; /* NULL: not detailed */
    const char *const *metadata;     /* "KEY=VALUE" strings, which become members of the JSON */
    size_t metadata_count;
};

/* The block that vLLM prints, 50 columns wide. SIM_FAILED: no memory. */
SIM_NODISCARD enum status bench_result_print(const struct bench_result *result, FILE *file, struct diag *diag);

/* The JSON on one line. */
SIM_NODISCARD enum status bench_result_write(const struct bench_result *result, struct text_writer *writer, struct diag *diag);

#endif
