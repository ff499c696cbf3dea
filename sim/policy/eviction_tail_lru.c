/* eviction_tail_lru.c - tail-optimised LRU: first what the next turn of a conversation can do without and still have its first token in time;
 * then least recently used.
 *
 *   text     what the last request of the block had in its table when it ended, prompt and answer: the next turn begins with it
 *   safe     without this block and all after it, the next turn computes the text from here on and its own new tokens (tail_next_tokens). If
 *            these are no more than tail_tokens, which is what can be computed in time, nothing is lost by taking it
 *
 *   table    [ 0 ][ 1 ][ 2 ][ 3 ][ 4 ][ 5 ]     here a next turn may compute three blocks:
 *                              safe, safe, safe
 *
 * Short conversations are safe as a whole and go first; long ones keep a head that lets their next turn be in time. Within both groups the order
 * is LRU's, the deepest block of a request first.
 *
 * What is simplified: the paper's latency is one of uncached tokens alone, as here; its next prompt's length is estimated by a mean, here it is a
 * key. A block that several requests had, such as that of a system prompt, is judged by the last of them. Keys tell apart blocks of one request,
 * so these replays go step by step.
 * Source: Zhang et al., Tail-Optimized Caching for LLM Inference (T-LRU), NeurIPS 2025 (arXiv 2510.15152).
 */
#include <stdlib.h>

#include "policy/policies.h"

static bool create(const struct pagesim_eviction_setup *setup, void **self)
{
    struct pagesim_eviction_setup *kept = malloc(sizeof *kept);
    if (!kept)
        return false;
    *kept = *setup;
    *self = kept;
    return true;
}

/* Admissions count from 1, so what is safe goes before all else. */
static uint64_t key(void *self, const struct pagesim_policy_block *block)
{
    const struct pagesim_eviction_setup *setup = self;
    const uint64_t after = (uint64_t)(block->table_blocks - block->depth) * setup->block_size;
    return after + setup->tail_next_tokens <= setup->tail_tokens ? 0 : block->touched;
}

const struct pagesim_eviction_policy eviction_tail_lru = {
    .info = {"tail-lru", "what the next turn can do without in time, then LRU (Zhang et al. 2025)"},
    .key = key,
    .create = create,
    .destroy = free,
};
