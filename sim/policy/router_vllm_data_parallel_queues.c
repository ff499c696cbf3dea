/* router_vllm_data_parallel_queues.c - how vLLM spread requests over data-parallel ranks until July 2026: by the queues that ranks report.
 *
 *   score  4 * (waiting requests, as reported, and those that were sent after the report) + running requests
 *   order  smallest score; of equals the lowest rank
 *
 * Reports come every 100 ms at most and take the place of what was counted since the one before. Just after one, ranks are often equal, and
 * then it is the lowest that gets more. From pull request 30739 to 49204 ranks of models without experts did not report at all (issue 48808),
 * which is not modelled. What is simplified is said in router_vllm_data_parallel.c, which is vLLM's rule today.
 * Source: vllm/v1/engine/core_client.py, DPLBAsyncMPClient, and coordinator.py, before the pull requests 47420 and 49204. */
#include "policy/router_parts.h"

static uint64_t score(const struct pagesim_router_replica *replica)
{
    return 4 * (replica->waiting + replica->sent_since) + replica->running;
}

static bool before(const void *context, const struct pagesim_router_replica *a, const struct pagesim_router_replica *b)
{
    (void)context;
    return score(a) < score(b);
}

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    (void)self;
    (void)request;
    return router_first(replicas, count, before, NULL);
}

const struct pagesim_router router_vllm_data_parallel_queues = {
    .info = {"vllm-data-parallel-queues", "the same until July 2026: least 4 * waiting + running"},
    .looks_at_reports = true,
    .view_ms = 100,
    .choose = choose,
};
