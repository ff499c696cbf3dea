/* event_blocks.h - block tables, free queue and prefix hits of vLLM V1 in runs of block ids, for the event replay. Decides and hands
 * out exactly what vllm_v1_blocks.h does, id for id, at a cost per run instead of per block.
 *
 * A run is `count` ids: first, first + step, first + 2 step, ...; step is +1 or -1. A released table goes to the queue backwards, so what
 * was a run going up is taken again as a run going down.
 *
 *   free queue    [ front: stack of runs without content ][ back: list of segments, least recently released first ]
 *                   top = next to be taken, from its end     first = taken next, from its end, that is deepest first
 *   table         [ segments (content several may share) ][ at most one pending block ][ runs (content nobody else can have) ]
 *
 * A segment is a run whose blocks are registered, in the same queue state, and equally referenced. It is split when a request hits only
 * a part of it; tables that hold the whole reach its other parts through `rest`. At the front there are never blocks with content:
 * V1 puts blocks without content before all others, so hits unlink from the back list only.
 * Private blocks (behind the hash ids, and all output) are found again only by their own request after a preemption; until then they are
 * plain runs in its table, and when it finishes, anonymous segments without a node.
 */
#ifndef PAGESIM_EVENT_BLOCKS_H
#define PAGESIM_EVENT_BLOCKS_H

#include "engine/event_prefix.h"

struct run {
    uint32_t first, count;
    int32_t step;
};

struct segment {
    struct run run;
    uint32_t refs;                 /* tables that hold it; 0: in the back list */
    uint32_t node, offset;         /* content: blocks [offset, offset + count) of the node; NODE_NONE: nobody can find it */
    uint32_t next_copy, prev_copy; /* in the node's list, by registration */
    uint32_t next, prev;           /* in the back list; `next` also links unused slots */
    uint32_t rest;                 /* what was split off its end */
};

/* A part of a table: a segment (then `count` blocks from it and its rests), or a run. */
struct table_part {
    struct run run;
    uint32_t segment;
};

struct event_table {
    struct table_part *parts;
    size_t capacity;
    uint32_t part_count;
    uint32_t position;
    uint32_t count;          /* blocks */
    uint32_t runs;           /* maximal runs of consecutive rising ids */
    uint32_t last;           /* id of the last block */
    uint32_t registered;     /* leading blocks that have content */
    uint32_t pending;        /* KV_BLOCK_NONE, or the last block: named, but not full yet */
    uint32_t named;          /* leading blocks that have names */
    uint32_t node, node_end; /* node of the block before `registered`, and the block at which it ends */
};

struct hit {
    uint32_t segment, from, count;
};

struct event_blocks {
    const struct trace *trace;
    uint32_t block_size, max_model_len, usable;
    bool caching;
    struct event_prefix prefix;
    struct event_table *tables; /* by slot */
    uint32_t slots;
    struct run *front;
    size_t front_capacity;
    uint32_t front_count; /* runs */
    uint32_t front_blocks, back_blocks;
    struct segment *segments;
    size_t segments_capacity;
    uint32_t segments_used, unused; /* slots ever used; list of those given back */
    uint32_t back_first, back_last;
    uint64_t table_blocks, table_runs;
    uint32_t *private_node; /* by position; NULL until somebody is preempted */
    struct hit *hits;       /* of the last lookup */
    size_t hits_capacity;
    uint32_t hit_parts, hit_blocks;
    uint32_t *chain; /* scratch */
    size_t chain_capacity;
};

SIM_NODISCARD enum status event_blocks_init(struct event_blocks *blocks, const struct trace *trace, const struct config *config,
                                            uint32_t slots, struct diag *diag);
void event_blocks_deinit(struct event_blocks *blocks);

static inline uint32_t event_blocks_free(const struct event_blocks *blocks)
{
    return blocks->front_blocks + blocks->back_blocks;
}

/* Section 4: *hits = leading blocks that can be reused; remembered for admit. */
SIM_NODISCARD enum status event_blocks_lookup(struct event_blocks *blocks, uint32_t position, uint32_t known, uint32_t *hits,
                                              struct diag *diag);
/* Section 5, for the request of the last lookup: would the first chunk (and, `whole`, all known tokens) fit? */
bool event_blocks_fits(const struct event_blocks *blocks, uint32_t known, uint32_t tokens, uint32_t watermark, bool whole);
/* Give the hits and blocks for `tokens` more to an empty table. It must fit. */
SIM_NODISCARD enum status event_blocks_admit(struct event_blocks *blocks, uint32_t slot, uint32_t position, uint32_t known, uint32_t tokens,
                                             struct diag *diag);
/* Blocks for `tokens` more of a running request. *fits = false: nothing changed. */
SIM_NODISCARD enum status event_blocks_grow(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t known, uint32_t tokens,
                                            bool *fits, struct diag *diag);
/* Give the table back. `preempted`: its private blocks stay findable by the request. */
SIM_NODISCARD enum status event_blocks_release(struct event_blocks *blocks, uint32_t slot, uint32_t computed, bool preempted,
                                               struct diag *diag);

bool event_blocks_check(const struct event_blocks *blocks);

#endif
