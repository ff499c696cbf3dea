/* router_priority_aware.c - to whom has the fewest unanswered requests that go before this one; then the fewest of all.
 *
 * A replica that schedules by priority (scheduling_policy=priority) serves those of the same class and of more urgent ones first. So these are
 * what a request waits for, and less urgent ones stand in nobody's way but memory's. An urgent request may go to a replica that is full of
 * batch work and leave the even one to the next. Classes are those of pagesim.h: priority 0 and below, 1, 2 and above.
 *
 * A model of ours, for fleets whose replicas schedule by priority. Routers that are in use look at priorities at their own door, to hold
 * requests back or to turn them away (llm-d's flow control), not to choose a replica; production-stack's "priority" looks at load alone. */
#include "policy/router_parts.h"

static uint64_t in_front(const struct pagesim_router_replica *replica, uint32_t last_class)
{
    uint64_t sum = 0;
    for (uint32_t class = 0; class <= last_class; class ++)
        sum += replica->unanswered_of[class];
    return sum;
}

static bool before(const void *context, const struct pagesim_router_replica *a, const struct pagesim_router_replica *b)
{
    const uint32_t class = *(const uint32_t *)context;
    const uint64_t left = in_front(a, class), right = in_front(b, class);
    return left != right ? left < right : router_less_loaded(NULL, a, b);
}

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    const uint32_t class = policy_class(request->priority);
    (void)self;
    return router_first(replicas, count, before, &class);
}

const struct pagesim_router router_priority_aware = {
    .info = {"priority-aware", "fewest unanswered requests that are as urgent or more, then of all"},
    .looks_at_answers = true,
    .choose = choose,
};
