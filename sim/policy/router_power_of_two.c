/* router_power_of_two.c - two replicas are drawn, and the one with fewer unanswered requests gets it; the first drawn if they have as many.
 *
 * Nearly as even as a look at all, with two counters to read. And it does not herd: many routers, or one whose counters are old, do not all
 * find the same replica.
 * Source: Mitzenmacher, The power of two choices in randomized load balancing, IEEE TPDS 2001. Ray Serve's default; SGLang's gateway,
 * "power_of_two", which draws two different ones; Envoy's LEAST_REQUEST, whose choice_count is 2. */
#include <stdlib.h>

#include "policy/router_parts.h"

/* The second is drawn of the others, which are numbered without the first. */
static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    const uint32_t takers = router_takers(replicas, count);
    (void)request;
    if (takers == 1)
        return router_taker(replicas, 0);
    const uint32_t drawn = router_draw(self, takers), other = router_draw(self, takers - 1);
    const uint32_t first = router_taker(replicas, drawn), second = router_taker(replicas, other < drawn ? other : other + 1);
    return replicas[second].unanswered < replicas[first].unanswered ? second : first;
}

const struct pagesim_router router_power_of_two = {
    .info = {"power-of-two", "of two drawn, the one with fewer unanswered requests (Mitzenmacher 2001)"},
    .looks_at_answers = true,
    .create = router_create_drawn,
    .destroy = free,
    .choose = choose,
};
