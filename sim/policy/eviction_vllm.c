/* eviction_vllm.c - vLLM's order of eviction: blocks in the order in which they became free, the deepest of a table first.
 *
 * The whole of it is the free queue (core/block_pool.c): released blocks go to its end, a new block is taken from its head. As a block
 * is in use until its request ends, this is least recently used where use lasts to the end. Source: vLLM v1/core/block_pool.py.
 */
#include "policy/policies.h"

const struct pagesim_eviction_policy eviction_vllm = {
    .info = {"vllm", "longest free first (vLLM)"},
};
