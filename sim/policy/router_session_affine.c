/* router_session_affine.c - all requests of a session to one replica, which has its words in the cache; without a session, those of a tenant;
 * without either, the replica with the fewest unanswered requests.
 *
 * Rendezvous hashing: each replica that takes requests draws a number from the session and its own number, and the highest draw has the
 * session. A replica that goes gives up its sessions and no other moves; one that comes takes its share of each. What one replica gets
 * depends on the seed and the sessions, not on its load.
 * Source: Thaler and Ravishankar, Using name-based mappings to increase hit rates, IEEE/ACM ToN 1998. vLLM's production stack, "session" (a
 * ring of hashes; without a session the replica with the lowest rate); Envoy's RING_HASH and MAGLEV; LiteLLM's cache-aware routing. */
#include <stdlib.h>

#include "policy/router_parts.h"

/* A pure function: the generator starts where salt, session and replica say, and draws once. */
static uint64_t draw(uint64_t salt, uint32_t key, uint32_t replica)
{
    uint64_t state = salt ^ ((uint64_t)key << 32 | replica);
    return seeded_bits(&state);
}

static uint32_t highest_draw(uint64_t salt, uint32_t key, const struct pagesim_router_replica *replicas, uint32_t count)
{
    uint32_t best = ROUTER_NONE;
    uint64_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t drawn = draw(salt, key, i);
        if (replicas[i].takes_requests && (best == ROUTER_NONE || drawn > most)) {
            best = i;
            most = drawn;
        }
    }
    return best;
}

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    const uint32_t key = request->session > 0 ? request->session : request->tenant;
    return key > 0 ? highest_draw(*(const uint64_t *)self, key, replicas, count) : router_first(replicas, count, router_less_loaded, NULL);
}

const struct pagesim_router router_session_affine = {
    .info = {"session-affine", "one replica for each session, or else tenant, by rendezvous hashing"},
    .looks_at_answers = true,
    .create = router_create_drawn,
    .destroy = free,
    .choose = choose,
};
