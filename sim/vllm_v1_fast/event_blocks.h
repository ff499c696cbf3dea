/* event_blocks.h - block tables, free queue and prefix hits of vLLM V1 for the event replay. Decides and hands out exactly what
 * vllm_v1_blocks.h does, id for id, but moves ids in bulk and keeps no entry per block for content that only one request can have.
 *
 *   free queue    [ unused ids ][ front: stack of ids without content ][ back: list of segments, least recently released first ]
 *                  counted up     taken from its end, before unused ids   the first segment is taken next, deepest block first
 *   table         [ parts: segments (content several may share) ][ at most one pending block ][ ids (content nobody else can have) ]
 *
 * A segment is up to `stride` blocks of one node of the prefix tree: registered one behind the other, in the same queue state, equally
 * referenced. It is split when a request hits only a part of it; tables that hold the whole reach its other parts through `rest`. At
 * the front there are never blocks with content: V1 puts blocks without content before all others, so hits unlink from the back only.
 *
 * Ids decide nothing: who can have which content, what is free and what goes first are matters of counts and order. So when nobody looks at
 * ids (`track_ids` false), none is kept: the same stacks, segments and rings are only counted, and tables of decoding requests are counted
 * when they are next looked at.
 *
 * Private blocks (behind the hash ids, and all output) are found again only by their own request after a preemption. Until then they
 * are plain ids in its table. When it finishes they become orphans: free, registered, and never to be found. They leave the queue in the
 * order in which they came, so all orphans' ids stand in one ring, and an orphan segment in the back list is nothing but a count.
 */
#ifndef PAGESIM_EVENT_BLOCKS_H
#define PAGESIM_EVENT_BLOCKS_H

#include "vllm_v1_fast/event_prefix.h"

struct segment {
    uint32_t count;                /* blocks; their ids, in order of depth: segment_ids[index * stride ...]. Orphans: in the ring */
    uint32_t breaks;               /* places inside where an id is not its neighbour's plus one */
    uint32_t refs;                 /* tables that hold it; 0: in the back list */
    uint32_t node, offset;         /* content: blocks [offset, offset + count) of the node; NODE_NONE: orphans */
    uint32_t next_copy, prev_copy; /* in the node's list, by registration */
    uint32_t next, prev;           /* in the back list; `next` also links unused slots */
    uint32_t rest;                 /* what was split off its end */
};

/* A part of a table: `count` blocks from a segment and its rests. */
struct table_part {
    uint32_t segment, count;
};

struct event_table {
    struct table_part *parts;
    size_t parts_capacity;
    uint32_t *ids; /* private blocks */
    size_t ids_capacity;
    uint32_t part_count, private_count;
    uint32_t position;
    uint32_t count;          /* blocks */
    uint32_t runs;           /* maximal runs of consecutive rising ids */
    uint32_t last;           /* id of the last block */
    uint32_t registered;     /* leading blocks that have content; for decoding requests brought up to date at release */
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
    bool caching, track_ids;
    struct event_prefix prefix;
    struct event_table *tables; /* by slot */
    uint32_t slots;
    uint32_t next_unused; /* ids from here to `usable` were never taken */
    uint32_t *front;      /* room for all; NULL without ids */
    uint32_t front_count;
    uint32_t back_blocks;
    struct segment *segments;
    uint32_t *segment_ids; /* `stride` for each segment */
    size_t segments_capacity, segment_ids_capacity;
    uint32_t stride;
    uint32_t segments_used, unused; /* slots ever used; list of those given back */
    uint32_t back_first, back_last;
    uint32_t *ring; /* ids of orphans; ring_mask + 1 of them, a power of two that is enough for all */
    uint32_t ring_head, ring_tail, ring_mask;
    uint64_t table_blocks, table_runs;
    uint32_t *private_node; /* by position; NULL until somebody is preempted */
    struct hit *hits;       /* of the last lookup */
    size_t hits_capacity;
    uint32_t hit_parts, hit_blocks;
    uint32_t *chain; /* scratch */
    size_t chain_capacity;
};

/* `track_ids`: keep block ids and table_runs. */
SIM_NODISCARD enum status event_blocks_init(struct event_blocks *blocks, const struct trace *trace, const struct config *config,
                                            uint32_t slots, bool track_ids, struct diag *diag);
void event_blocks_deinit(struct event_blocks *blocks);

static inline uint32_t event_blocks_free(const struct event_blocks *blocks)
{
    return blocks->front_count + (blocks->usable - blocks->next_unused + 1) + blocks->back_blocks;
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

/* `count` blocks from the head of the queue in the order of taking; they must be there. ids: NULL without ids. */
void event_blocks_take(struct event_blocks *blocks, uint32_t *ids, uint32_t count);
/* Up to `wanted` free blocks from the head of the back list (there must be one); what they held is forgotten. Returns how many. */
uint32_t event_blocks_evict(struct event_blocks *blocks, uint32_t *ids, uint32_t wanted);

/* The next block in the queue. There must be one. */
static inline uint32_t event_blocks_take_one(struct event_blocks *blocks)
{
    uint32_t id;
    if (blocks->front_count > 0)
        return blocks->front[--blocks->front_count];
    if (blocks->next_unused <= blocks->usable)
        return blocks->next_unused++;
    event_blocks_evict(blocks, &id, 1);
    return id;
}

/* --- decoding requests that cross a block boundary -------------------------------------------------------------------------------- */

/* Decoding requests take their next block here, one after the other in running order; there must be a block for each. How a stretch of
 * steps does it, for the `count` requests of one step, with ids:
 *
 *     at = event_blocks_orphans_next(blocks, count)
 *     at == UINT32_MAX?  event_blocks_append(blocks, slot) for each
 *     else               event_blocks_append_orphan(blocks, slot, &at) for each, then event_blocks_orphans_taken(blocks, at, count)
 *     event_blocks_add_runs(blocks, the sum of what these returned)
 *
 * Without ids nothing of that. In both cases event_blocks_appended in the end, which may come once for many steps. Inline, because a fast
 * replay does little else. */

/* If the next `count` blocks in the queue are orphans, and not the last of their segment, their place in the ring: what a pool that was
 * full once mostly comes to. Else UINT32_MAX. */
static inline uint32_t event_blocks_orphans_next(const struct event_blocks *blocks, uint32_t count)
{
    if (blocks->front_count > 0 || blocks->next_unused <= blocks->usable)
        return UINT32_MAX;
    const struct segment *head = &blocks->segments[blocks->back_first];
    return head->node == NODE_NONE && head->count > count ? blocks->ring_head : UINT32_MAX;
}

/* Its room was made at admission. Returns 1 if the id does not follow the last one's. */
static inline uint32_t event_table_append(struct event_table *table, uint32_t id)
{
    const uint32_t breaks = table->last + 1 != id;
    table->ids[table->private_count++] = id;
    table->last = id;
    table->count++;
    table->runs += breaks;
    return breaks;
}

/* The next block of the queue, for the table of a slot. Returns 1 if its id does not follow the last one's. */
static inline uint32_t event_blocks_append(struct event_blocks *blocks, uint32_t slot)
{
    return event_table_append(&blocks->tables[slot], event_blocks_take_one(blocks));
}

/* The same for the orphan at place *at of the ring, and *at moves on. */
static inline uint32_t event_blocks_append_orphan(struct event_blocks *blocks, uint32_t slot, uint32_t *at)
{
    const uint32_t id = blocks->ring[*at];
    *at = (*at + 1) & blocks->ring_mask;
    return event_table_append(&blocks->tables[slot], id);
}

/* `count` orphans were appended, up to place `at` of the ring. */
static inline void event_blocks_orphans_taken(struct event_blocks *blocks, uint32_t at, uint32_t count)
{
    blocks->ring_head = at;
    blocks->segments[blocks->back_first].count -= count;
    blocks->back_blocks -= count;
}

static inline void event_blocks_add_runs(struct event_blocks *blocks, uint32_t runs)
{
    blocks->table_runs += runs;
}

/* Tables of decoding requests have `count` blocks more. Without ids, where nothing was appended, they leave the queue here. */
static inline void event_blocks_appended(struct event_blocks *blocks, uint32_t count)
{
    blocks->table_blocks += count;
    if (!blocks->track_ids && count > 0)
        event_blocks_take(blocks, NULL, count);
}

/* --- questions -------------------------------------------------------------------------------------------------------------------- */

/* Leading blocks of a slot's table that other tables hold too. */
uint32_t event_blocks_shared(const struct event_blocks *blocks, uint32_t slot);

/* Blocks that the table of a slot holds, which has `computed` tokens and none scheduled beyond. */
uint32_t event_blocks_held(struct event_blocks *blocks, uint32_t slot, uint32_t computed);

bool event_blocks_check(const struct event_blocks *blocks);

#endif
