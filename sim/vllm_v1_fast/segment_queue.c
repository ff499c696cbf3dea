/* segment_queue.c - the free queue and its segments: taking from the head, giving back to front and tail, splitting. Read the drawing in
 * segment_queue.h first.
 *
 * Why not a queue of single blocks: a prompt of 100,000 tokens has 6250 of them at 16 tokens each, and each would be linked, unlinked
 * and looked up alone. In segments these are array copies, and what is shared by many prompts costs as much as the tree's nodes. */
#include "vllm_v1_fast/segment_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"

/* Where ids are kept each segment has room for `stride` of them, used or not. A large trace block in small KV blocks would make that much memory for prompts
 * that fill a corner of it; a longer stretch of a node simply takes several segments. */
enum { STRIDE_MOST = 256 };

/* So that places in the ring wrap around by a mask. */
static uint32_t power_of_two(uint32_t least)
{
    uint32_t power = 1;
    while (power < least && power < 1u << 31)
        power *= 2;
    return power;
}

/* The pool starts as `next_unused` counting up; no array of free ids is filled. `front` and `ring` have room for all blocks, so pushing
 * ids never has to grow them. Without prefix caching nothing has content, and the stack alone is the queue. */
enum status segment_queue_init(struct segment_queue *queue, const struct trace *trace, const struct config *config, uint32_t groups,
                               bool track_ids, struct diag *diag)
{
    *queue = (struct segment_queue){.usable = config->num_gpu_blocks - 1,
                                    .track_ids = track_ids,
                                    .next_unused = 1,
                                    .stride = 1,
                                    .unused = SEGMENT_NONE,
                                    .back_first = SEGMENT_NONE,
                                    .back_last = SEGMENT_NONE};
    enum status status = SIM_OK;
    size_t capacity = 0; /* of memory that is not cleared: pages that are never touched cost nothing */
    if (track_ids)
        status = array_reserve(&queue->front, &capacity, (size_t)queue->usable + 1, sizeof *queue->front,
                               "the free queue; take fewer num_gpu_blocks", diag);
    if (status != SIM_OK || !config->enable_prefix_caching)
        return status;
    status = event_prefix_init(&queue->prefix, trace, config, groups, !track_ids, diag);
    if (status != SIM_OK)
        return status;
    queue->stride = track_ids ? min_u32(queue->prefix.per, STRIDE_MOST) : UINT32_MAX;
    queue->ring_mask = power_of_two(queue->usable) - 1;
    capacity = 0;
    status = eviction_order_init(&queue->order, config, 0, diag);
    if (status != SIM_OK || queue->order.policy)
        return status;
    return track_ids ? array_reserve(&queue->ring, &capacity, (size_t)queue->ring_mask + 1, sizeof *queue->ring,
                                     "the free queue; take fewer num_gpu_blocks", diag)
                     : SIM_OK;
}

void segment_queue_deinit(struct segment_queue *queue)
{
    free(queue->front);
    free(queue->segments);
    free(queue->segment_ids);
    free(queue->ring);
    eviction_order_deinit(&queue->order);
    event_prefix_deinit(&queue->prefix);
}

/* --- segments --------------------------------------------------------------------------------------------------------------------- */

/* Indexes have the width of a pointer: with narrower ones, which may wrap around, the compiler uses no vectors. */
static void copy_reversed(uint32_t *restrict to, const uint32_t *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[count - 1 - i];
}

/* Only when no slot was given back: the number of slots is the most segments that were there at a time. */
enum status segment_queue_grow(struct segment_queue *queue, uint32_t *index, struct diag *diag)
{
    const size_t needed = (size_t)queue->segments_used + 1;
    enum status status = queue->order.policy ? eviction_order_expect(&queue->order, queue->segments_used + 1, diag) : SIM_OK;
    if (status == SIM_OK)
        status = array_reserve(&queue->segments, &queue->segments_capacity, needed, sizeof *queue->segments, "segments of blocks", diag);
    if (status == SIM_OK && queue->track_ids)
        status = array_reserve(&queue->segment_ids, &queue->segment_ids_capacity, needed * queue->stride, sizeof *queue->segment_ids,
                               "segments of blocks", diag);
    *index = queue->segments_used;
    queue->segments_used += status == SIM_OK;
    return status;
}

/* From then on no lookup finds it. Orphans are in no node's list. */
static void unlink_copy(struct segment_queue *queue, uint32_t index)
{
    const struct segment *segment = &queue->segments[index];
    if (segment->node == NODE_NONE)
        return;
    struct prefix_node *node = &queue->prefix.nodes[segment->node];
    *(segment->prev_copy == SEGMENT_NONE ? &node->first_copy : &queue->segments[segment->prev_copy].next_copy) = segment->next_copy;
    *(segment->next_copy == SEGMENT_NONE ? &node->last_copy : &queue->segments[segment->next_copy].prev_copy) = segment->prev_copy;
}

/* The second half takes over everything of the whole: references, node, and what was split off before (`rest`), so that the chain of
 * rests stays in order of depth. It joins the node's copies right after the first half, as both were registered in one moment. Tables
 * that hold the whole are not told; they know how many blocks their part has and follow `rest` that far. Put back into the queue it
 * counts again, hence the subtraction. */
enum status segment_queue_split(struct segment_queue *queue, uint32_t index, uint32_t count, uint32_t *tail, struct diag *diag)
{
    enum status status = segment_queue_new(queue, tail, diag);
    if (status != SIM_OK)
        return status;
    struct segment *segment = &queue->segments[index], *other = &queue->segments[*tail];
    *other = *segment;
    other->count -= count;
    other->offset += count;
    if (segment->refs == 0)
        queue->back_blocks -= other->count;
    segment->count = count;
    segment->rest = *tail;
    eviction_order_split(&queue->order, index, count, *tail);
    if (queue->track_ids) {
        const uint32_t *ids = segment_queue_ids(queue, index);
        memcpy(segment_queue_ids(queue, *tail), ids + count, other->count * sizeof *ids);
        other->breaks = segment_queue_breaks(ids + count, other->count);
        segment->breaks = segment_queue_breaks(ids, count);
    }
    segment_queue_link(queue, *tail, index);
    if (segment->refs == 0)
        segment_queue_put(queue, *tail, index);
    return SIM_OK;
}

/* --- the free queue --------------------------------------------------------------------------------------------------------------- */

/* From a segment of orphans: the next ids of the ring. */
static void take_orphans(struct segment_queue *queue, uint32_t *ids, uint32_t count)
{
    if (!ids)
        return;
    const uint32_t straight = min_u32(count, queue->ring_mask + 1 - queue->ring_head);
    memcpy(ids, queue->ring + queue->ring_head, straight * sizeof *ids);
    if (count > straight)
        memcpy(ids + straight, queue->ring, (count - straight) * sizeof *ids);
    queue->ring_head = (queue->ring_head + count) & queue->ring_mask;
}

/* What is at the head was last touched a whole pool ago, so it is in no cache. Prefetch the ids two segments ahead, and the segment three
 * ahead, whose ids will be prefetched next. */
static void prefetch_next(const struct segment_queue *queue, const struct segment *segment)
{
    uint32_t index = segment->next;
    if (index != SEGMENT_NONE)
        index = queue->segments[index].next;
    if (index == SEGMENT_NONE)
        return;
    const struct segment *ahead = &queue->segments[index];
    for (uint32_t line = 0; line < ahead->count && queue->track_ids; line += 16)
        __builtin_prefetch(segment_queue_ids(queue, index) + line);
    __builtin_prefetch(&queue->prefix.nodes[ahead->node]);
    if (ahead->next != SEGMENT_NONE)
        __builtin_prefetch(&queue->segments[ahead->next]);
}

/* The last ids of a segment, which are about to leave it. */
static void take_held(struct segment_queue *queue, uint32_t index, uint32_t *ids, uint32_t count)
{
    struct segment *segment = &queue->segments[index];
    const uint32_t *held = segment_queue_ids(queue, index) + segment->count - count;
    copy_reversed(ids, held, count);
    if (count < segment->count)
        segment->breaks -= segment_queue_breaks(held - 1, count + 1);
}

/* Blocks are taken from the end of the segment: the deepest goes first (section 3), and what is left of the segment can still be hit. A
 * segment that is used up leaves its node and its slot is free. A `rest` that still points to the slot is never followed: whoever held
 * that far would have kept it from being free. */
uint32_t segment_queue_evict(struct segment_queue *queue, uint32_t *ids, uint32_t wanted)
{
    const bool by_key = queue->order.policy != NULL;
    const uint32_t index = by_key ? eviction_order_first(&queue->order) : queue->back_first;
    struct segment *segment = &queue->segments[index];
    const uint32_t count = min_u32(wanted, segment->count);
    if (!by_key)
        prefetch_next(queue, segment);
    if (segment->node == NODE_NONE && !by_key) {
        take_orphans(queue, ids, count);
    } else {
        queue->evictions += count;
        if (ids)
            take_held(queue, index, ids, count);
    }
    if (count == segment->count) {
        segment_queue_pull(queue, index);
        unlink_copy(queue, index);
        segment->next = queue->unused;
        queue->unused = index;
    } else {
        queue->back_blocks -= count;
        segment->count -= count;
    }
    return count;
}

/* The three regions in order. The front is a stack, so its newest id comes first. An unused id is just a number. Without ids only the
 * counts move. */
void segment_queue_take(struct segment_queue *queue, uint32_t *ids, uint32_t count)
{
    const uint32_t stacked = min_u32(count, queue->front_count);
    const uint32_t fresh = min_u32(count - stacked, queue->usable - queue->next_unused + 1);
    queue->front_count -= stacked;
    if (ids) {
        copy_reversed(ids, queue->front + queue->front_count, stacked);
        for (uint32_t i = 0; i < fresh; i++)
            ids[stacked + i] = queue->next_unused + i;
    }
    queue->next_unused += fresh;
    for (uint32_t done = stacked + fresh; done < count;)
        done += segment_queue_evict(queue, ids ? ids + done : NULL, count - done);
}

/* Without the ring: as many segments as their ids need. One is enough when nobody looks at ids. They have no content, hence no node, and
 * are never hit; what the policy orders them by is when their request was admitted. */
static enum status put_orphans_by_key(struct segment_queue *queue, const uint32_t *ids, uint32_t count, uint32_t depth, uint64_t admission,
                                      struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t done = 0, part; done < count && status == SIM_OK; done += part) {
        uint32_t index;
        part = queue->track_ids ? min_u32(count - done, queue->stride) : count;
        status = segment_queue_new(queue, &index, diag);
        if (status != SIM_OK)
            return status;
        queue->segments[index] = (struct segment){.count = part, .rest = SEGMENT_NONE};
        if (queue->track_ids)
            memcpy(segment_queue_ids(queue, index), ids + done, part * sizeof *ids);
        eviction_order_fill(&queue->order, index, depth + done, admission);
        segment_queue_put(queue, index, SEGMENT_NONE);
    }
    return status;
}

/* Private blocks join the tail deepest first, like all that has content. If the newest segment holds orphans, theirs is the same place
 * in the queue and the count grows; a busy pool without shared prompts is thus one segment, and its queue two places in the ring. */
enum status segment_queue_push_orphans(struct segment_queue *queue, const uint32_t *ids, uint32_t count, uint32_t depth, uint64_t admission,
                                       struct diag *diag)
{
    uint32_t index = queue->back_last;
    if (count == 0)
        return SIM_OK;
    if (queue->order.policy)
        return put_orphans_by_key(queue, ids, count, depth, admission, diag);
    if (queue->track_ids) {
        const uint32_t straight = min_u32(count, queue->ring_mask + 1 - queue->ring_tail);
        copy_reversed(queue->ring + queue->ring_tail, ids + count - straight, straight);
        copy_reversed(queue->ring, ids, count - straight);
        queue->ring_tail = (queue->ring_tail + count) & queue->ring_mask;
    }
    if (index != SEGMENT_NONE && queue->segments[index].node == NODE_NONE) {
        queue->segments[index].count += count;
        queue->back_blocks += count;
        return SIM_OK;
    }
    enum status status = segment_queue_new(queue, &index, diag);
    if (status != SIM_OK)
        return status;
    queue->segments[index] = (struct segment){.count = count, .rest = SEGMENT_NONE};
    segment_queue_put(queue, index, SEGMENT_NONE);
    return SIM_OK;
}

/* The heap holds free segments and nobody else. */
static bool check_heap(const struct segment_queue *queue)
{
    uint64_t back = 0;
    for (uint32_t at = 0; at < queue->order.count; at++) {
        const struct segment *segment = &queue->segments[queue->order.heaps[0].items[at]];
        if (segment->refs != 0 || segment->count == 0)
            return false;
        back += segment->count;
    }
    return back == queue->back_blocks && eviction_order_check(&queue->order);
}

/* Sums over the list, its links in both directions, and the ring's length against the orphans counted. Equality modulo the ring's size,
 * as a full ring has head and tail at one place. */
bool segment_queue_check(const struct segment_queue *queue)
{
    uint64_t back = 0, orphans = 0;
    uint32_t before = SEGMENT_NONE;
    if (queue->order.policy)
        return check_heap(queue);
    for (uint32_t index = queue->back_first; index != SEGMENT_NONE; index = queue->segments[index].next) {
        const struct segment *segment = &queue->segments[index];
        if (segment->refs != 0 || segment->count == 0 || segment->prev != before)
            return false;
        if (queue->track_ids && segment->node != NODE_NONE &&
            segment->breaks != segment_queue_breaks(segment_queue_ids(queue, index), segment->count))
            return false;
        before = index;
        back += segment->count;
        orphans += segment->node == NODE_NONE ? segment->count : 0;
    }
    return back == queue->back_blocks && before == queue->back_last &&
           (!queue->track_ids || ((queue->ring_tail - queue->ring_head - orphans) & queue->ring_mask) == 0);
}
