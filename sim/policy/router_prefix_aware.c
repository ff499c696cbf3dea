/* router_prefix_aware.c - to whom most of the prompt was sent before, as long as loads are in balance.
 *
 *   out of balance  the most and the fewest unanswered requests of a replica differ by more than router_balance_requests, and the most is
 *                   more than router_balance_ratio times the fewest: the replica with the fewest
 *   match           the longest beginning of the prompt that was sent to a replica which takes requests, if it is at least
 *                   router_prefix_match of the prompt: of the replicas that have it, the one with the fewest unanswered requests
 *   otherwise       the replica with the fewest unanswered requests
 *
 * Wherever it goes, the prompt is remembered for that replica (prefix_index.h), up to router_index_blocks of it, least recently sent first to
 * go. The router knows what it sent, not what a replica still has or will have computed by then: this is the approximate index of the systems
 * below, not the exact one that replicas feed with events. Prompts are compared by pieces of tokens, as the trace names them.
 * Source: SGLang's gateway, cache_aware.rs, whose defaults are 64 requests, 1.5 and 0.3: it compares characters, takes any of those that have
 * the longest match, and trims its tree every 120 s. Gateway API and llm-d: prefix-cache-scorer with approx-prefix-cache-producer, an LRU of
 * blocks a replica, of the size that a replica reports to have or 31250; there the match is one score (weight 3) beside queue and blocks
 * (2 each) instead of a guard. SGLang's description sends what has no match to the smallest tree, its code to the least loaded. */
#include <stdlib.h>

#include "policy/prefix_index.h"
#include "policy/router_parts.h"

struct prefix_aware {
    struct pagesim_router_setup setup;
    struct prefix_index *index;
};

static void destroy(void *self)
{
    struct prefix_aware *state = self;
    if (state)
        prefix_index_destroy(state->index);
    free(state);
}

static bool create(const struct pagesim_router_setup *setup, void **self)
{
    struct prefix_aware *state = calloc(1, sizeof *state);
    if (!state)
        return false;
    state->setup = *setup;
    if (!prefix_index_create(setup->replica_most, setup->index_pieces, &state->index)) {
        destroy(state);
        return false;
    }
    *self = state;
    return true;
}

static bool out_of_balance(const struct pagesim_router_setup *setup, const struct pagesim_router_replica *replicas, uint32_t count)
{
    uint64_t most = 0, fewest = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (replicas[i].takes_requests) {
            most = replicas[i].unanswered > most ? replicas[i].unanswered : most;
            fewest = replicas[i].unanswered < fewest ? replicas[i].unanswered : fewest;
        }
    return most - fewest > setup->balance_requests && (double)most > setup->balance_ratio * (double)fewest;
}

/* Pieces are of equal length but for the last one, which the prompt may fill in part. Without a length, the only name stands for a session
 * and all that was said in it. */
static bool long_enough(const struct pagesim_router_setup *setup, const struct pagesim_router_request *request, uint64_t pieces)
{
    const uint64_t prompt = request->input_tokens, named = pieces * setup->tokens_per_name;
    const uint64_t tokens = setup->tokens_per_name == 0 || named > prompt ? prompt : named;
    return (double)tokens >= setup->prefix_match_share * (double)prompt;
}

/* Of the replicas that take requests and have some of the match's last run: who has most of it, then who has least to do. ROUTER_NONE: nobody.
 * *pieces is what it has of the prompt. */
static uint32_t best_holder(const struct prefix_index *index, struct prefix_match match, const struct pagesim_router_replica *replicas,
                            uint32_t count, uint64_t *pieces)
{
    uint32_t best = ROUTER_NONE;
    for (uint32_t at = prefix_index_holders(index, match); at != PREFIX_NO_HOLDER; at = prefix_index_next_holder(index, at)) {
        const uint32_t holder = prefix_index_holder(index, at);
        const uint64_t held = prefix_index_held(index, match, at);
        if (holder < count && replicas[holder].takes_requests &&
            (best == ROUTER_NONE || held > *pieces || (held == *pieces && router_less_loaded(NULL, &replicas[holder], &replicas[best])))) {
            best = holder;
            *pieces = held;
        }
    }
    return best;
}

/* ROUTER_NONE: there is no match that is long enough. */
static uint32_t longest_match(const struct prefix_aware *state, const struct pagesim_router_request *request,
                              const struct pagesim_router_replica *replicas, uint32_t count)
{
    struct prefix_match match = prefix_index_find(state->index, request->names, request->names_length);
    for (; match.pieces > 0 && long_enough(&state->setup, request, match.pieces); match = prefix_index_shorter(state->index, match)) {
        uint64_t pieces = 0;
        const uint32_t holder = best_holder(state->index, match, replicas, count, &pieces);
        if (holder != ROUTER_NONE)
            return long_enough(&state->setup, request, pieces) ? holder : ROUTER_NONE;
    }
    return ROUTER_NONE;
}

static uint32_t choose(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count)
{
    struct prefix_aware *state = self;
    uint32_t chosen = ROUTER_NONE;
    if (!out_of_balance(&state->setup, replicas, count))
        chosen = longest_match(state, request, replicas, count);
    if (chosen == ROUTER_NONE)
        chosen = router_first(replicas, count, router_less_loaded, NULL);
    return prefix_index_add(state->index, request->names, request->names_length, chosen) ? chosen : ROUTER_NONE;
}

static void gone(void *self, uint32_t replica)
{
    prefix_index_forget(((struct prefix_aware *)self)->index, replica);
}

const struct pagesim_router router_prefix_aware = {
    .info = {"prefix-aware", "the longest match with what it was sent, while loads are in balance (SGLang)"},
    .looks_at_answers = true,
    .create = create,
    .destroy = destroy,
    .choose = choose,
    .gone = gone,
};
