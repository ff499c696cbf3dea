/* eviction_lfu.c - least often hit first; equally often: least recently touched, then deepest.
 *
 * Hits count from when the block was filled; an eviction forgets them (in-cache LFU). Nothing ages: a prompt that was popular once stays.
 * What differs from vLLM's: a system prompt that many requests share outlives any stretch of time in which nobody uses it.
 * Source: in-cache LFU as in libCacheSim (LFU.c); SGLang offers the same as --radix-eviction-policy lfu.
 */
#include "policy/policies.h"

static uint64_t key(void *self, const struct pagesim_policy_block *block)
{
    (void)self;
    return block->hits;
}

const struct pagesim_eviction_policy eviction_lfu = {
    .info = {"lfu", "least often hit first, then least recently (SGLang)"},
    .key = key,
    .touches_only = true,
};
