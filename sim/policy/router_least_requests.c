/* router_least_requests.c - to whom has the fewest requests of this router in work; among equals, to whom got none for longest.
 * Source: Envoy's and nginx's "least request" / "least_conn" with all replicas looked at; vLLM's production stack and AIBrix have it by the
 * same name. */
#include "policy/policies.h"

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    uint32_t best = UINT32_MAX;
    (void)self;
    (void)request;
    for (uint32_t i = 0; i < count; i++) {
        const struct pagesim_router_replica *replica = &replicas[i];
        if (!replica->takes_requests)
            continue;
        if (best == UINT32_MAX || replica->unanswered < replicas[best].unanswered ||
            (replica->unanswered == replicas[best].unanswered && router_waits_longer(replica, &replicas[best])))
            best = i;
    }
    return best;
}

const struct pagesim_router router_least_requests = {
    .info = {"least-requests", "the replica with the fewest unanswered requests"},
    .looks_at_answers = true,
    .choose = choose,
};
