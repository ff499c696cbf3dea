/* router_random.c - any replica with equal chance, drawn from the seed: what others are measured against.
 * Source: SGLang's gateway, "random"; AIBrix, "random". */
#include <stdlib.h>

#include "policy/router_parts.h"

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    (void)request;
    return router_taker(replicas, router_draw(self, router_takers(replicas, count)));
}

const struct pagesim_router router_random = {
    .info = {"random", "any replica, drawn from the seed"},
    .create = router_create_drawn,
    .destroy = free,
    .choose = choose,
};
