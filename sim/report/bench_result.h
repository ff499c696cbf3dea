/* bench_result.h - a replay's result in the form of `vllm bench serve`: its console block and the JSON of --save-result.
 *
 * Layout, names and definitions are those of vLLM's vllm/benchmarks/serve.py at commit 009e6d4 (2026): duration runs from the first
 * arrival to the end of the last step; max_output_tokens_per_s is the fullest second, counted in whole seconds from the first arrival, and
 * below the mean if the run is shorter than a second (the figure peak_output_throughput is not). max_concurrent_requests is the most
 * completed requests that were active in the same whole second, as vLLM's releases count. Lists have one entry for each request, in the
 * file's order (request_order.h; samples of V1 are requests of their own); without --save-detailed only latencies and queue_times are there:
 *
 *     input_lens, output_lens     tokens; a request that failed (dropped, ignored, unfinished) has 0 output
 *     start_times                 seconds: the arrival; in a closed loop, when the request's slot became free
 *     queue_times                 seconds from when the request was due to its start: 0 but in a closed loop
 *     ttfts, itls, latencies      seconds; an entry of itls is a list; 0, [] and 0 for a request that failed
 *     errors                      "" or why it failed
 *
 * Means and percentiles are those of the replay's report: if a replay ended early, latencies of unfinished requests count in them.
 * For a V0 group with several sequences, the lists describe one sequence; totals and pooled latencies cover all.
 *
 * Left out is what differs from run to run or does not exist here (date, generated_texts). `pagesim validate --vllm-json` reads the file.
 */
#ifndef PAGESIM_BENCH_RESULT_H
#define PAGESIM_BENCH_RESULT_H

#include "base/text_writer.h"
#include "figure/latency_choice.h"
#include "observe/token_times.h"
#include "report/document.h"
#include "run/run.h"

struct bench_result {
    const struct run *run; /* replayed, with goodput where limits were given and the figures of `choice` */
    const struct latency_choice *choice;
    const struct token_times *times; /* NULL: not detailed */
    const char *const *metadata;     /* "KEY=VALUE" strings, which become members of the JSON */
    size_t metadata_count;
};

/* The block that vLLM prints, 50 columns wide. SIM_FAILED: no memory. */
SIM_NODISCARD enum status bench_result_lines(const struct bench_result *result, struct document *document, struct diag *diag);

/* Is this the name of a member that bench_result_write may write? Metadata may not have it: JSON would have it twice. */
bool bench_result_has_key(const char *key);

/* The JSON on one line. */
SIM_NODISCARD enum status bench_result_write(const struct bench_result *result, struct text_writer *writer, struct diag *diag);

#endif
