/* router_least_blocks.c - to whom will have the smallest share of its KV blocks in use, as far as its newest report tells.
 *
 *   share  (blocks in use + requests that hold none yet * what one holds) / blocks of the pool
 *
 * Those that hold none yet wait there, as reported, or were sent after the report. What one holds is the mean of all running requests of the
 * replicas that take requests: sum of blocks in use / sum of running requests. While nothing runs anywhere it counts as one block, and
 * requests alone decide.
 *
 * The systems below take the reported share alone. All requests between two reports then go the same way, and a full replica with a queue
 * looks like a full one without. Who wants that can see it with an own router.
 * Source: llm-d's and the Gateway API's kv-cache-utilization-scorer, whose reports are 50 ms old at most (refresh-metrics-interval). */
#include "policy/router_parts.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same choice everywhere, as in base/seeded_random.c */
#endif

static double mean_blocks(const struct pagesim_router_replica *replicas, uint32_t count)
{
    uint64_t used = 0, running = 0;
    for (uint32_t i = 0; i < count; i++)
        if (replicas[i].takes_requests) {
            used += replicas[i].used_blocks;
            running += replicas[i].running;
        }
    return used > 0 && running > 0 ? (double)used / (double)running : 1;
}

static double share(double mean, const struct pagesim_router_replica *replica)
{
    const double blocks = (double)replica->used_blocks + mean * (double)(replica->waiting + replica->sent_since);
    return blocks / (double)(replica->pool_blocks > 0 ? replica->pool_blocks : 1);
}

static bool before(const void *context, const struct pagesim_router_replica *a, const struct pagesim_router_replica *b)
{
    const double mean = *(const double *)context, left = share(mean, a), right = share(mean, b);
    return left < right || (left <= right && router_waits_longer(a, b));
}

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    const double mean = mean_blocks(replicas, count);
    (void)self;
    (void)request;
    return router_first(replicas, count, before, &mean);
}

const struct pagesim_router router_least_blocks = {
    .info = {"least-blocks", "the smallest share of KV blocks in use, with those that wait (llm-d)"},
    .looks_at_reports = true,
    .view_ms = 50,
    .choose = choose,
};
