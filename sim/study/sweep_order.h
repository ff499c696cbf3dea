/* sweep_order.h - in which order the runs of a sweep begin, and which of them are whose where several processes share them.
 *
 * Runs are taken one by one, the longest first: a long one that begins last would keep everybody else waiting. How long one takes is guessed
 * from its trace and configuration, in pieces of work of about a microsecond:
 *
 *     requests x 1                         the event replay costs by events, and a request has a few
 *              x 3 for vllm-v0, x 20       these go step by step (--reference)
 *     + prompt tokens / max_num_batched_tokens / 8      long prompts come in chunks
 *     + tokens of all requests / tokens of the pool x 4   a small pool is filled over and over, and preempts
 *
 * Guesses only order runs: no result depends on them. But shares of the same sweep do, so they are whole numbers, alike on every machine.
 */
#ifndef PAGESIM_SWEEP_ORDER_H
#define PAGESIM_SWEEP_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "trace/trace.h"

/* Share number `index` (from 0) of `count`; count 0 or 1: everything. */
struct sweep_share {
    uint32_t index, count;
};

/* The guess for one run. O(1) but for the sums over the trace, which the caller has made once (sweep_weigh). */
struct sweep_weight {
    uint64_t requests, prompt_tokens, tokens;
};
struct sweep_weight sweep_weigh(const struct trace *trace);
uint64_t sweep_cost(const struct sweep_weight *weight, const struct config *config, bool reference);

/* Put the numbers of runs into their order: by cost, the largest first. Among equal ones the order is drawn, the same everywhere, so that
 * neighbours in the plan, which are alike in ways that no guess knows, come to different shares. */
void sweep_order_by_cost(size_t *runs, size_t count, const uint64_t *costs);

/* Of `runs` in that order, those of a share, moved to the front; how many. Dealt out forth and back, so that shares are of about the same cost. */
size_t sweep_share_take(size_t *runs, size_t count, struct sweep_share share);

#endif
