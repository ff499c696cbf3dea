/* router_round_robin.c - one after the other, whatever they do: what a load balancer does that nobody configured.
 * Source: nginx's and Kubernetes' IPVS's default; vLLM's production stack, "roundrobin". */
#include <stdlib.h>

#include "policy/policies.h"

struct round_robin {
    uint32_t next;
};

static bool create(const struct pagesim_router_setup *setup, void **self)
{
    (void)setup;
    return (*self = calloc(1, sizeof(struct round_robin))) != NULL;
}

/* Those that take no requests are passed over. */
static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    struct round_robin *state = self;
    uint32_t at = state->next % count;
    (void)request;
    while (!replicas[at].takes_requests)
        at = (at + 1) % count;
    state->next = at + 1;
    return at;
}

const struct pagesim_router router_round_robin = {
    .info = {"round-robin", "each replica in turn"},
    .create = create,
    .destroy = free,
    .choose = choose,
};
