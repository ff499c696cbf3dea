/* router_least_requests.c - to whom has the fewest requests of this router in work; among equals, to whom got none for longest.
 * Source: nginx's least_conn; Envoy's LEAST_REQUEST with a FULL_SCAN; AIBrix, "least-request". */
#include "policy/router_parts.h"

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    (void)self;
    (void)request;
    return router_first(replicas, count, router_less_loaded, NULL);
}

const struct pagesim_router router_least_requests = {
    .info = {"least-requests", "the replica with the fewest unanswered requests"},
    .looks_at_answers = true,
    .choose = choose,
};
