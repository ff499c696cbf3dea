/* victim_vllm.c - vLLM's victim: under fcfs the request admitted last, under an order by key the one that comes last in it.
 *
 * Source: vLLM v1/core/sched/scheduler.py, schedule(): `running.pop()`, or max over (priority, arrival_time).
 */
#include "policy/policies.h"

struct rank {
    int64_t key, arrival_ns;
    uint32_t position;
};

static struct rank rank_of(const struct pagesim_policy_running *running, uint32_t at)
{
    struct pagesim_policy_request request = running->request(running, at);
    return (struct rank){.key = running->key(running, at), .arrival_ns = request.arrival_ns, .position = request.position};
}

/* Does `a`, which is further back in the running list than `b`, come last of the two? */
static bool later(const struct rank *a, const struct rank *b, bool first_of_ties)
{
    if (a->key != b->key)
        return a->key > b->key;
    if (a->arrival_ns != b->arrival_ns)
        return a->arrival_ns > b->arrival_ns;
    return !first_of_ties && a->position > b->position;
}

/* One pass over the running list; under fcfs there is nothing to compare. */
static uint32_t choose(const struct pagesim_policy_running *running)
{
    if (!running->ordered)
        return running->count - 1;
    uint32_t last = 0;
    struct rank last_rank = rank_of(running, 0);
    for (uint32_t at = 1; at < running->count; at++) {
        struct rank rank = rank_of(running, at);
        if (!later(&rank, &last_rank, running->first_of_ties))
            continue;
        last = at;
        last_rank = rank;
    }
    return last;
}

const struct pagesim_preemption_victim victim_vllm = {
    .info = {"vllm", "the last in the order of waiting; under fcfs, the last admitted (vLLM)"},
    .choose = choose,
};
