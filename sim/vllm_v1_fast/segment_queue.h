/* segment_queue.h - the free queue of vLLM V1 for the event replay, and the segments that blocks with content are kept in. Hands out blocks
 * in exactly vLLM's order, id for id, but moves ids in bulk.
 *
 *   free queue    [ front: stack of ids without content ][ unused ids ][ back: list of segments, least recently released first ]
 *                  the newest is taken first              counted up     the first segment is taken next, deepest block first
 *
 * A segment is up to `stride` blocks of one node of the prefix tree: registered one after the other, in the same queue state, equally
 * referenced. It is split when a request hits only a part of it; tables that hold the whole reach its other parts through `rest`. At
 * the front there are never blocks with content: V1 puts blocks without content before all others, so hits unlink from the back only.
 *
 * Orphans are blocks whose content nobody can look for any more. They leave the queue in the order in which they came, so the ids of all of
 * them stand in one ring, and an orphan segment in the back list is nothing but a count.
 *
 * Another eviction policy than vLLM's has a heap (vllm_v1/eviction_order.h) in the place of the back list. Its keys know of touches alone,
 * and the blocks of a segment were touched together, so what goes first is again a segment, deepest block first. Orphans then leave in no
 * order of their own, and keep their ids in segments like all others.
 *
 * Ids decide nothing: who can have which content, what is free and what goes first are matters of counts and order. So when nobody looks at
 * ids (`track_ids` false), none is kept: the same stack, segments and ring are only counted, and every `ids` below is NULL.
 *
 * The fields are written in segment_queue.c and by the inline functions here; event_blocks.c may also change the refs of a segment.
 */
#ifndef PAGESIM_SEGMENT_QUEUE_H
#define PAGESIM_SEGMENT_QUEUE_H

#include <string.h>

#include "vllm_v1/eviction_order.h"
#include "vllm_v1_fast/event_prefix.h"

struct segment {
    uint32_t count;  /* blocks; their ids, in order of depth: segment_ids[index * stride ...]. Orphans: in the ring, if there is one */
    uint32_t breaks; /* places inside where an id is not its neighbour's plus one */
    uint32_t refs;   /* tables that hold it; 0: in the back list or the heap */
    uint32_t node, offset;         /* content: blocks [offset, offset + count) of the node, which has the group in it; NODE_NONE: orphans */
    uint32_t next_copy, prev_copy; /* in the node's list, by registration */
    uint32_t next, prev;           /* in the back list; `next` also links unused slots */
    uint32_t rest;                 /* what was split off its end */
};

struct segment_queue {
    uint32_t usable; /* blocks 1 ... usable; block 0 is the null block */
    bool track_ids;
    struct event_prefix prefix;
    uint32_t next_unused; /* ids from here to `usable` were never taken */
    uint32_t *front;      /* room for all; NULL without ids */
    uint32_t front_count;
    uint32_t back_blocks;
    uint64_t evictions; /* blocks that were taken although somebody could have looked for what they held */
    struct segment *segments;
    uint32_t *segment_ids; /* `stride` for each segment */
    size_t segments_capacity, segment_ids_capacity;
    uint32_t stride;
    uint32_t segments_used, unused; /* slots ever used; list of those given back */
    uint32_t back_first, back_last;
    struct eviction_order order; /* by segment; its policy NULL: the back list is used instead */
    uint32_t *ring;              /* ids of orphans; ring_mask + 1 of them, a power of two that is enough for all */
    uint32_t ring_head, ring_tail, ring_mask;
};

/* `track_ids`: keep block ids. Without prefix caching there are neither segments nor orphans. */
SIM_NODISCARD enum status segment_queue_init(struct segment_queue *queue, const struct trace *trace, const struct config *config,
                                             uint32_t groups, bool track_ids, struct diag *diag);
void segment_queue_deinit(struct segment_queue *queue);

/* Blocks in the queue. */
static inline uint32_t segment_queue_free(const struct segment_queue *queue)
{
    return queue->front_count + (queue->usable - queue->next_unused + 1) + queue->back_blocks;
}

/* --- taking and giving back ------------------------------------------------------------------------------------------------------- */

/* `count` blocks from the head of the queue in the order of taking; they must be there. */
void segment_queue_take(struct segment_queue *queue, uint32_t *ids, uint32_t count);
/* Up to `wanted` free blocks from the head of the back list (there must be one); what they held is forgotten. Returns how many. */
uint32_t segment_queue_evict(struct segment_queue *queue, uint32_t *ids, uint32_t wanted);

/* The next block in the queue, with ids. There must be one. */
static inline uint32_t segment_queue_take_one(struct segment_queue *queue)
{
    uint32_t id;
    if (queue->front_count > 0)
        return queue->front[--queue->front_count];
    if (queue->next_unused <= queue->usable)
        return queue->next_unused++;
    segment_queue_evict(queue, &id, 1);
    return id;
}

/* Blocks without content, to the front; the last one will be taken first. */
static inline void segment_queue_push_front(struct segment_queue *queue, const uint32_t *ids, uint32_t count)
{
    if (queue->track_ids)
        memcpy(queue->front + queue->front_count, ids, count * sizeof *ids);
    queue->front_count += count;
}

/* The same without ids. */
static inline void segment_queue_count_front(struct segment_queue *queue, uint32_t count)
{
    queue->front_count += count;
}

/* Blocks that nobody will ever look for, to the tail, deepest first: number `depth` and those after it of the table of an admission. */
SIM_NODISCARD enum status segment_queue_push_orphans(struct segment_queue *queue, const uint32_t *ids, uint32_t count, uint32_t depth,
                                                     uint64_t admission, struct diag *diag);

/* If the next `count` blocks in the queue are orphans, and not the last of their segment, their place in the ring: what a pool that was
 * full once mostly comes to. Else UINT32_MAX. They may be read from the ring, and are taken by segment_queue_orphans_taken. */
static inline uint32_t segment_queue_orphans_next(const struct segment_queue *queue, uint32_t count)
{
    if (queue->front_count > 0 || queue->next_unused <= queue->usable)
        return UINT32_MAX;
    if (queue->order.policy)
        return UINT32_MAX;
    const struct segment *head = &queue->segments[queue->back_first];
    return head->node == NODE_NONE && head->count > count ? queue->ring_head : UINT32_MAX;
}

/* `count` orphans were read, up to place `at` of the ring. */
static inline void segment_queue_orphans_taken(struct segment_queue *queue, uint32_t at, uint32_t count)
{
    queue->ring_head = at;
    queue->segments[queue->back_first].count -= count;
    queue->back_blocks -= count;
}

/* --- segments --------------------------------------------------------------------------------------------------------------------- */

/* The part of segment_queue_new that makes room. */
SIM_NODISCARD enum status segment_queue_grow(struct segment_queue *queue, uint32_t *index, struct diag *diag);
/* A slot for a segment, which the caller fills in. Pointers into segments and their ids are void after it. */
SIM_NODISCARD static inline enum status segment_queue_new(struct segment_queue *queue, uint32_t *index, struct diag *diag)
{
    if (queue->unused == SEGMENT_NONE)
        return segment_queue_grow(queue, index, diag);
    *index = queue->unused;
    queue->unused = queue->segments[*index].next;
    return SIM_OK;
}

/* Into its node's list of copies, after `before` (SEGMENT_NONE: at the end, as the newest). */
static inline void segment_queue_link(struct segment_queue *queue, uint32_t index, uint32_t before)
{
    struct segment *segment = &queue->segments[index];
    struct prefix_node *node = &queue->prefix.nodes[segment->node];
    if (before == SEGMENT_NONE)
        before = node->last_copy;
    segment->prev_copy = before;
    segment->next_copy = before == SEGMENT_NONE ? SEGMENT_NONE : queue->segments[before].next_copy;
    *(before == SEGMENT_NONE ? &node->first_copy : &queue->segments[before].next_copy) = index;
    *(segment->next_copy == SEGMENT_NONE ? &node->last_copy : &queue->segments[segment->next_copy].prev_copy) = index;
}

/* Keep the first `count` blocks; the rest becomes a segment of its own in the same state. In the queue the deeper half comes first.
 * Pointers are void as after segment_queue_new. */
SIM_NODISCARD enum status segment_queue_split(struct segment_queue *queue, uint32_t index, uint32_t count, uint32_t *tail,
                                              struct diag *diag);

/* The ids of a segment, in order of depth. Only for a queue that tracks ids: there is no memory of them else. */
static inline uint32_t *segment_queue_ids(const struct segment_queue *queue, uint32_t index)
{
    return queue->segment_ids + (size_t)index * queue->stride;
}

/* At how many places inside do ids not follow each other? */
static inline uint32_t segment_queue_breaks(const uint32_t *ids, size_t count)
{
    uint32_t breaks = 0;
    for (size_t i = 0; i + 1 < count; i++)
        breaks += ids[i + 1] - ids[i] != 1;
    return breaks;
}

/* Into the back list before `after` (SEGMENT_NONE: at the end); or into the heap. */
static inline void segment_queue_put(struct segment_queue *queue, uint32_t index, uint32_t after)
{
    struct segment *segment = &queue->segments[index];
    queue->back_blocks += segment->count;
    if (queue->order.policy) {
        eviction_order_free(&queue->order, index);
        return;
    }
    segment->next = after;
    segment->prev = after == SEGMENT_NONE ? queue->back_last : queue->segments[after].prev;
    *(segment->prev == SEGMENT_NONE ? &queue->back_first : &queue->segments[segment->prev].next) = index;
    *(after == SEGMENT_NONE ? &queue->back_last : &queue->segments[after].prev) = index;
}

/* Out of the back list, or the heap. */
static inline void segment_queue_pull(struct segment_queue *queue, uint32_t index)
{
    const struct segment *segment = &queue->segments[index];
    queue->back_blocks -= segment->count;
    if (queue->order.policy) {
        eviction_order_leave(&queue->order, index);
        return;
    }
    *(segment->prev == SEGMENT_NONE ? &queue->back_first : &queue->segments[segment->prev].next) = segment->next;
    *(segment->next == SEGMENT_NONE ? &queue->back_last : &queue->segments[segment->next].prev) = segment->prev;
}

/* Walk the back list or the heap; false: it contradicts itself. */
bool segment_queue_check(const struct segment_queue *queue);

#endif
