/* metrics.h - what users wait for: latencies, throughput, preemptions and prefix hits of a replay.
 *
 * Definitions are vLLM's: TTFT = arrival to first token; TPOT = (E2E - TTFT) / (output tokens - 1), undefined for one token; ITL = all
 * gaps between tokens of a request, pooled over requests; E2E = arrival to last token; queue time = arrival to first admission. Prefix hit
 * rate in tokens: cached / prompt over first admissions; "all" counts resumed requests too (their recomputed tokens included).
 */
#ifndef PAGESIM_METRICS_H
#define PAGESIM_METRICS_H

#include "base/diag.h"
#include "engine/observer.h"
#include "observe/gap_distribution.h"
#include "trace/trace.h"

/* One request's story; -1 = never reached. */
struct request_story {
    int64_t arrival_ns, first_scheduled_ns, first_token_ns, finish_ns;
    union {
        int64_t swapped_out_ns; /* of the last swap-out */
        uint64_t smallest_pool; /* of a dropped one: the pool that would do; 0 = none */
    };
    uint32_t output_tokens, preemptions, cached_tokens;
    bool dropped, ignored;
    uint8_t drop_reason; /* enum drop_reason */
};

struct metrics {
    const struct trace *trace;
    struct request_story *stories; /* by position */
    struct gap_distribution gaps;  /* ITL */
    uint64_t dropped, completed, ignored, first_admissions;
    uint64_t prompt_tokens, cached_tokens, known_tokens_all, cached_tokens_all;
    uint64_t scheduled_tokens, output_tokens, recomputed_tokens;
    uint64_t preempt_recompute, preempt_swap;
    uint64_t copies, swapped_in_blocks, swapped_out_blocks, forks, survivor_recomputes;
    int64_t swapped_ns; /* over groups: time between swap-out and swap-in */
    uint32_t peak_running, peak_waiting;
    int64_t first_arrival_ns; /* -1: none */
    struct run_end end;
    struct figures ttft_ms, tpot_ms, itl_ms, e2e_ms, queue_ms; /* after finish */
};

SIM_NODISCARD enum status metrics_init(struct metrics *metrics, const struct trace *trace, struct diag *diag);
struct observer metrics_observer(struct metrics *metrics);
void metrics_deinit(struct metrics *metrics);

#endif
