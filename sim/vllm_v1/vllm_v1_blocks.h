/* vllm_v1_blocks.h - the KV cache manager of vLLM V1: block tables, prefix hits, allocation and release.
 *
 * Joins the core's block pool and prefix cache as doc/vllm_v1.md sections 2-5 say. Per request a table of block ids and the
 * content identities of its full known blocks; a block's content is registered when its tokens are scheduled, so a request admitted
 * later in the same step can already hit it.
 *
 * Contents that only one request can ever have (anything after its hash ids, all output) need no interning: (request, block number)
 * names them. Children of one request (n > 1) share their prompt's content, so a prompt block is named after the first child.
 *
 * Source: vLLM 0.33.0 v1/core/kv_cache_manager.py, block_pool.py.
 */
#ifndef PAGESIM_VLLM_V1_BLOCKS_H
#define PAGESIM_VLLM_V1_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "config/config.h"
#include "engine/prompt_contents.h"
#include "pagedkv.h"
#include "trace/trace.h"
#include "vllm_v1/eviction_order.h"

struct v1_table {
    uint32_t *blocks;
    size_t capacity;
    uint32_t count;
    uint32_t runs;       /* maximal runs of consecutive ids */
    uint32_t registered; /* leading entries registered in, or taken from, the prefix cache */
    uint64_t *contents;  /* content identity of each full block of known tokens, as far as asked for */
    size_t contents_capacity;
    uint32_t contents_count;
    uint64_t admission; /* number of the admission that began it; only under an eviction policy other than vLLM's */
};

struct v1_blocks {
    const struct trace *trace;
    uint32_t block_size, max_model_len;
    uint32_t blocks_per_hash; /* blocks in a trace block when they divide it, else 0 */
    bool caching;
    struct kv_block_pool pool;         /* block 0 is the null block: taken at creation, never given out */
    struct kv_prefix_cache *cache;     /* NULL without caching */
    struct prompt_contents contents;   /* used with caching only */
    struct v1_table *tables;           /* by position */
    uint64_t table_blocks, table_runs; /* sums over tables */
    uint32_t cached_free;              /* free blocks whose content can still be found */
    uint32_t *spares; /* finished requests whose arrays serve the next ones: a steady load asks for no memory. Room for all */
    uint32_t spare_count;
    struct eviction_order eviction; /* its now_ns is set by whoever schedules */
    uint8_t *classes;               /* by position: classes of requests; NULL: the eviction policy does not tell them apart */
    uint32_t *hits;                 /* blocks found by the last lookup */
    size_t hits_capacity;
    uint64_t evictions; /* cached blocks taken for something else so far */
    /* A head that does not fit is looked up again step after step. Registering never takes a found block away, only eviction does, so
     * the last lookup goes on where it ended while it is the same request and nothing was evicted. */
    uint32_t last_position, last_found;
    uint64_t last_evictions;
};

SIM_NODISCARD enum status v1_blocks_init(struct v1_blocks *blocks, const struct trace *trace, const struct config *config,
                                         struct diag *diag);
void v1_blocks_deinit(struct v1_blocks *blocks);

/* Longest cached prefix of `known` tokens, whole blocks, at least one token left over. blocks->hits holds the ids; *count how many. */
SIM_NODISCARD enum status v1_blocks_lookup(struct v1_blocks *blocks, uint32_t position, uint32_t known, uint32_t *count, struct diag *diag);

struct v1_demand {
    uint32_t position;
    uint32_t known, computed; /* tokens known; tokens whose KV is present (0 with hits) */
    uint32_t new_tokens;      /* >= 1, to be computed in this step */
    uint32_t hits;            /* leading blocks->hits to use; 0 for a running request */
    uint32_t watermark;       /* blocks that must stay free */
    bool whole;               /* the gate: all known tokens must fit now (scheduler_reserve_full_isl) */
};

/* Section 5. *fits = false changes nothing. Otherwise the table covers computed + hits + new tokens and full blocks are registered. */
SIM_NODISCARD enum status v1_blocks_allocate(struct v1_blocks *blocks, const struct v1_demand *demand, bool *fits, struct diag *diag);

/* With asynchronous scheduling, when a step is back: the first `tokens` tokens of the table are present and known. */
SIM_NODISCARD enum status v1_blocks_register(struct v1_blocks *blocks, uint32_t position, uint32_t tokens, struct diag *diag);

/* Give the whole table back: blocks without content to the front of the queue, cached ones to its tail, deepest first. */
void v1_blocks_release(struct v1_blocks *blocks, uint32_t position);

/* Leading tokens of the table that stand in blocks of other tables too. O(blocks shared). */
uint32_t v1_blocks_shared_tokens(const struct v1_blocks *blocks, uint32_t position);

/* What each block is (pool_states.h). O(blocks). */
void v1_blocks_states(const struct v1_blocks *blocks, uint8_t *states);

/* The request is finished and its table released: its arrays serve the next one. */
void v1_blocks_forget(struct v1_blocks *blocks, uint32_t position);

bool v1_blocks_check(const struct v1_blocks *blocks, struct diag *diag);

#endif
