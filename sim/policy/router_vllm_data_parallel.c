/* router_vllm_data_parallel.c - how one vLLM server spreads requests over its data-parallel ranks (--data-parallel-size): replicas are ranks.
 *
 *   waiting  requests that wait there, as reported, and those that were sent after the report
 *   score    max(unanswered requests, waiting + running) + waiting * 6 * max(0, share of the KV blocks in use - 1/2)
 *   order    smallest score; of equals the first from a start on that moves on by one rank with each request
 *
 * Unanswered requests are exact and spread a burst; reports raise the score of a rank whose requests wait for blocks. Ranks report at the end of
 * a step, and the coordinator publishes that at most every 100 ms (stats_update_interval_ms), or after 5 s when nothing changes.
 *
 * What is simplified: one front end. With --api-server-count k, each counts its own requests k times and starts at a rank of its own. All
 * samples of a request go to one rank, where vLLM sends each by itself. And ranks of a model with experts, which step together, are reported
 * as they all were one step before.
 * Source: vllm/v1/engine/core_client.py, DPLBAsyncMPClient, and coordinator.py, since the pull requests 47420 and 49204 of July 2026.
 * Before these: router_vllm_data_parallel_queues.c. */
#include <stdlib.h>

#include "policy/router_parts.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same choice everywhere, as in base/seeded_random.c */
#endif

static bool create(const struct pagesim_router_setup *setup, void **self)
{
    (void)setup;
    return (*self = calloc(1, sizeof(uint32_t))) != NULL;
}

static double score(const struct pagesim_router_replica *replica)
{
    const uint64_t waiting = replica->waiting + replica->sent_since, there = waiting + replica->running;
    const double pressure = (double)replica->used_blocks / (double)(replica->pool_blocks > 0 ? replica->pool_blocks : 1) - 0.5;
    const double slow = (double)waiting * 6.0 * (pressure > 0 ? pressure : 0);
    return (double)(replica->unanswered > there ? replica->unanswered : there) + slow;
}

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    uint32_t *start = self, at = *start < count ? *start : 0, best = ROUTER_NONE;
    double least = 0;
    (void)request;
    for (uint32_t i = 0; i < count; i++, at = at + 1 < count ? at + 1 : 0) {
        const double own = score(&replicas[at]);
        if (replicas[at].takes_requests && (best == ROUTER_NONE || own < least)) {
            best = at;
            least = own;
        }
    }
    *start = at + 1 < count ? at + 1 : 0;
    return best;
}

const struct pagesim_router router_vllm_data_parallel = {
    .info = {"vllm-data-parallel", "vLLM's spreading over data-parallel ranks: unanswered, queues, blocks"},
    .looks_at_answers = true,
    .looks_at_reports = true,
    .view_ms = 100,
    .create = create,
    .destroy = free,
    .choose = choose,
};
