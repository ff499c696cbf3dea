/* vllm_v1_blocks.h - the KV cache manager of vLLM V1: block tables, prefix hits, allocation and release.
 *
 * Joins the core's block pool and prefix cache as doc/vllm_v1.md sections 2-5 and 13 say. A request has a table of block ids for each group of
 * layers (config/kv_groups.h), and the content identities of its full known blocks. A block's content is registered when its tokens are
 * scheduled, so a request admitted later in the same step can already hit it. A model of full layers alone is one group; then the loops over
 * groups go round once.
 *
 * Three sources: vllm_v1_blocks.c takes, registers and releases; block_contents.c says what a block holds; prefix_lookup.c finds it again.
 *
 * Contents that only one request can ever have (anything after its hash ids, all output) need no interning: (request, block number)
 * names them. Children of one request (n > 1) share their prompt's content, so a prompt block is named after the first child.
 *
 * Source: vLLM 0.33.0 v1/core/kv_cache_manager.py, kv_cache_coordinator.py, single_type_kv_cache_manager.py, block_pool.py.
 */
#ifndef PAGESIM_VLLM_V1_BLOCKS_H
#define PAGESIM_VLLM_V1_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "config/config.h"
#include "config/kv_groups.h"
#include "engine/prompt_contents.h"
#include "pagedkv.h"
#include "trace/trace.h"
#include "vllm_v1/eviction_order.h"

enum { NULL_BLOCK = 0 }; /* never given out; in a table it stands where nothing is kept */

/* Of one request and group. */
struct v1_table {
    uint32_t *blocks;
    size_t capacity;
    uint32_t count;
    uint32_t passed;     /* leading entries that are the null block: no token will look at them again */
    uint32_t runs;       /* maximal runs of consecutive ids among the others */
    uint32_t registered; /* leading entries that were looked at for the prefix cache */
};

/* Of one request, whatever the group. */
struct v1_chain {
    uint64_t *contents; /* identity of each full block of hash_block_size known tokens, as far as asked for */
    size_t capacity;
    uint32_t count;
    /* Nothing about the tables changes for a step that ends with fewer tokens than `changes_at`, and nothing is registered before that many
     * as `registers_at` are present: most of the tokens of a decode. */
    uint64_t changes_at;
    uint32_t registers_at;
    uint32_t junction;  /* tokens of its last lookup that some groups have and not all; 0: none */
    uint64_t admission; /* number of the admission that began its tables; only under an eviction policy other than vLLM's */
};

/* Blocks that the last lookup found, as the head of a table: the null block where nothing is needed. */
struct v1_found {
    uint32_t *blocks;
    size_t capacity;
    uint32_t count;
};

struct v1_blocks {
    const struct trace *trace;
    struct kv_groups groups;
    uint32_t max_model_len;
    uint32_t lookahead;       /* places beyond a step's tokens (speculation) */
    uint32_t tokens_after;    /* that a block's content covers (speculation) */
    uint32_t blocks_per_hash; /* hash blocks in a trace block when they divide it, else 0 */
    int64_t retention;        /* prefix_cache_retention_interval */
    uint32_t *caps;           /* by group: most blocks that the gate counts */
    bool caching;
    bool any_drops;                    /* of the groups */
    struct kv_block_pool pool;         /* block 0 is the null block: taken at creation */
    struct kv_prefix_cache **caches;   /* by group: equal content in two groups is two contents. NULL without caching */
    uint8_t *group_of;                 /* by block: the group of its content, if it has one; NULL with one group */
    struct prompt_contents contents;   /* used with caching only */
    struct v1_table *tables;           /* [position][group] */
    struct v1_chain *chains;           /* by position */
    uint64_t table_blocks, table_runs; /* sums over tables, without null blocks */
    uint64_t passed_slots;             /* slots of the null blocks in them */
    uint32_t cached_free;              /* free blocks whose content can still be found */
    uint32_t *spares; /* finished requests whose arrays serve the next ones: a steady load asks for no memory. Room for all */
    uint32_t spare_count;
    struct eviction_order eviction; /* its now_ns is set by whoever schedules */
    uint8_t *classes;               /* by position: classes of requests; NULL: the eviction policy does not tell them apart */
    struct v1_found *found;         /* by group */
    uint64_t evictions;             /* cached blocks taken for something else so far */
    /* A head that does not fit is looked up again step after step. Registering never takes a found block away, only eviction does, so
     * the last lookup goes on where it ended while it is the same request and nothing was evicted. With one full group alone. */
    uint32_t last_position, last_found;
    uint64_t last_evictions;
};

SIM_NODISCARD enum status v1_blocks_init(struct v1_blocks *blocks, const struct trace *trace, const struct config *config,
                                         struct diag *diag);
void v1_blocks_deinit(struct v1_blocks *blocks);

static inline struct v1_table *v1_tables_of(const struct v1_blocks *blocks, uint32_t position)
{
    return &blocks->tables[(size_t)position * blocks->groups.count];
}

/* Give a request that has no arrays yet those of a finished one. */
void v1_blocks_take_spare(struct v1_blocks *blocks, uint32_t position);

/* Identities of the first `needed` hash blocks of a request. */
SIM_NODISCARD enum status v1_blocks_extend_contents(struct v1_blocks *blocks, uint32_t position, uint32_t needed, struct diag *diag);

/* Longest cached prefix of `known` tokens that all groups have, at least one token left over. blocks->found holds the heads of tables;
 * *tokens how many tokens they cover. */
SIM_NODISCARD enum status v1_blocks_lookup(struct v1_blocks *blocks, uint32_t position, uint32_t known, uint32_t *tokens,
                                           struct diag *diag);

struct v1_demand {
    uint32_t position;
    uint32_t known, computed; /* tokens known; tokens whose KV is present (0 with hits) */
    uint32_t in_flight;       /* part of `computed`: of steps that are not back, which still read what their window has */
    uint32_t new_tokens;      /* to be computed in this step: >= 1, or 0 where external ones are only going to come (`loads`) */
    bool admits;              /* a waiting request: blocks->found is to be its table's head */
    uint32_t cached;          /* tokens that this head covers; 0 for a running request */
    uint32_t external;        /* tokens after these that come from elsewhere, into fresh blocks */
    bool loads;               /* they are not there yet: nothing is registered */
    uint32_t watermark;       /* blocks that must stay free */
    bool whole;               /* the gate: all known tokens must fit now (scheduler_reserve_full_isl) */
};

/* Would a running request whose step ends with so many tokens be given what it has, and nothing change? Most tokens of a decode, so it is asked
 * before a call. */
static inline bool v1_blocks_suffice(const struct v1_blocks *blocks, uint32_t position, uint32_t tokens)
{
    return tokens < blocks->chains[position].changes_at;
}

/* Is nothing to be registered when so many tokens are present? Likewise. */
static inline bool v1_blocks_are_registered(const struct v1_blocks *blocks, uint32_t position, uint32_t tokens)
{
    return tokens < blocks->chains[position].registers_at;
}

/* Sections 5 and 13. *fits = false changes nothing, but that blocks whose window has passed are given back. Otherwise the tables cover
 * computed + cached + external + new tokens and the lookahead, and full blocks are registered. */
SIM_NODISCARD enum status v1_blocks_allocate(struct v1_blocks *blocks, const struct v1_demand *demand, bool *fits, struct diag *diag);

/* When a step is back: the first `tokens` tokens of the tables are present and known; `known` in all. */
SIM_NODISCARD enum status v1_blocks_register(struct v1_blocks *blocks, uint32_t position, uint32_t tokens, uint32_t known,
                                             struct diag *diag);

/* Give the tables back, group by group: blocks without content to the front of the queue, cached ones to its tail, deepest first. */
void v1_blocks_release(struct v1_blocks *blocks, uint32_t position);

/* Leading tokens that stand in blocks of other tables too, in every group. O(blocks shared). */
uint32_t v1_blocks_shared_tokens(const struct v1_blocks *blocks, uint32_t position);

/* Entries of all its tables, without null blocks. */
uint32_t v1_blocks_held(const struct v1_blocks *blocks, uint32_t position);

/* What each block is (pool_states.h). O(blocks). */
void v1_blocks_states(const struct v1_blocks *blocks, uint8_t *states);

/* The request is finished and its tables released: its arrays serve the next one. */
void v1_blocks_forget(struct v1_blocks *blocks, uint32_t position);

bool v1_blocks_check(const struct v1_blocks *blocks, struct diag *diag);

#endif
