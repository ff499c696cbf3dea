/* eviction_lru.c - least recently touched first, where a touch is a request's admission: it touches what it hits and what it fills.
 *
 * A request touches its table from its end to its start, so that of one request the deepest block goes first and no block outlives the one
 * before it. This is the LRU of cache studies and of `pagesim curve`, on the blocks that are free. What differs from vLLM's: there a block
 * is as young as the end of its last request, so the blocks of long outputs look fresh although nobody asked for them since they began.
 * Source: R. L. Mattson et al., Evaluation techniques for storage hierarchies, 1970; the same touch in SGLang's radix cache
 * (last_access_time is set by the match).
 */
#include "policy/policies.h"

static uint64_t key(void *self, const struct pagesim_policy_block *block)
{
    (void)self;
    return block->touched;
}

const struct pagesim_eviction_policy eviction_lru = {
    .info = {"lru", "least recently hit or filled first (Mattson 1970)"},
    .key = key,
    .touches_only = true,
};
