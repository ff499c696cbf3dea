/* router_parts.h - what several routers do alike: who takes requests, who has least to do, draws. */
#ifndef PAGESIM_ROUTER_PARTS_H
#define PAGESIM_ROUTER_PARTS_H

#include <stdlib.h>

#include "base/seeded_random.h"
#include "policy/policies.h"

#define ROUTER_NONE UINT32_MAX

/* Does `a` come before `b`, of which both take requests? */
typedef bool router_before(const void *context, const struct pagesim_router_replica *a, const struct pagesim_router_replica *b);

/* Of equal loads: the one that got none for longer, as proxies go round among equals. */
static inline bool router_waits_longer(const struct pagesim_router_replica *a, const struct pagesim_router_replica *b)
{
    return a->last_sent < b->last_sent;
}

/* A router_before without a context: fewest unanswered requests. */
static inline bool router_less_loaded(const void *context, const struct pagesim_router_replica *a, const struct pagesim_router_replica *b)
{
    (void)context;
    return a->unanswered != b->unanswered ? a->unanswered < b->unanswered : router_waits_longer(a, b);
}

/* The first of those that take requests; of equals the lowest number. */
static inline uint32_t router_first(const struct pagesim_router_replica *replicas, uint32_t count, router_before *before,
                                    const void *context)
{
    uint32_t best = ROUTER_NONE;
    for (uint32_t i = 0; i < count; i++)
        if (replicas[i].takes_requests && (best == ROUTER_NONE || before(context, &replicas[i], &replicas[best])))
            best = i;
    return best;
}

static inline uint32_t router_takers(const struct pagesim_router_replica *replicas, uint32_t count)
{
    uint32_t takers = 0;
    for (uint32_t i = 0; i < count; i++)
        takers += replicas[i].takes_requests;
    return takers;
}

/* The number of the n-th replica that takes requests, from 0; there must be one. */
static inline uint32_t router_taker(const struct pagesim_router_replica *replicas, uint32_t n)
{
    uint32_t i = 0;
    for (;; i++)
        if (replicas[i].takes_requests && n-- == 0)
            return i;
}

/* create of a router whose state is a random number and nothing else; free ends it. */
static inline bool router_create_drawn(const struct pagesim_router_setup *setup, void **self)
{
    uint64_t *state = malloc(sizeof *state);
    if (!state)
        return false;
    *state = seeded_stream(setup->seed, SEEDED_ROUTING);
    *self = state;
    return true;
}

/* 0 .. below - 1; 0 if there is none. */
static inline uint32_t router_draw(uint64_t *state, uint32_t below)
{
    return below > 0 ? (uint32_t)(seeded_bits(state) % below) : 0;
}

#endif
