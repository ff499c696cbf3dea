/* event_tables.c - parts of block tables: made of segments when content is registered, found again as copies of a node, released. Read segment_queue.h
 * first, for what blocks with content are kept in. */
#include "vllm_v1_fast/event_tables.h"

#include "base/array.h"
#include "base/integers.h"

/* Without ids: does the table's last part end at block `at`, and may the next blocks join its segment? They may if nobody else holds the
 * segment, it is whole, and no other copy was registered since: then the two halves would have one fate and one place in all lists. So a
 * prompt that is computed in many chunks is one segment. Not where an eviction policy counts hits, which the second half did not have. */
static struct segment *open_segment(const struct event_blocks *blocks, const struct event_table *table, uint32_t at)
{
    const struct segment_queue *queue = &blocks->queue;
    if (queue->track_ids || queue->order.policy || table->part_count == table->first_part || at >= table->place.end)
        return NULL;
    const struct table_part *part = &table->parts[table->part_count - 1];
    if (part->segment == SEGMENT_NONE)
        return NULL;
    struct segment *segment = &queue->segments[part->segment];
    const bool is_open = segment->refs == 1 && segment->count == part->count && segment->node == table->place.node + table->group &&
                         table->place.start + segment->offset + segment->count == at &&
                         queue->prefix.nodes[segment->node].last_copy == part->segment;
    return is_open ? segment : NULL;
}

/* Room in a segment for block `at` of the table and what of the next `wanted` - 1 blocks is in the same node; *count: how many that are. The
 * caller fills in their ids. The table remembers its place in the tree, so a prompt is followed down the tree once, chunk after chunk. A
 * segment stays within one node and one stride. It is the node's newest copy: a lookup prefers older ones. */
enum status event_blocks_add_segment(struct event_blocks *blocks, struct event_table *table, uint32_t at, uint32_t wanted, uint32_t *index,
                                     uint32_t *count, struct diag *diag)
{
    enum status status = SIM_OK;
    while (at >= table->place.end && status == SIM_OK)
        status = event_prefix_next(&blocks->queue.prefix, table->position, true, &table->place, diag);
    if (status != SIM_OK)
        return status;
    *count = min_u32(min_u32(wanted, blocks->queue.stride), table->place.end - at);
    struct segment *open = open_segment(blocks, table, at);
    if (open) {
        open->count += *count;
        table->parts[table->part_count - 1].count += *count;
        *index = table->parts[table->part_count - 1].segment;
        return SIM_OK;
    }
    status = segment_queue_new(&blocks->queue, index, diag);
    if (status != SIM_OK)
        return status;
    blocks->queue.segments[*index] = (struct segment){
        .count = *count, .refs = 1, .node = table->place.node + table->group, .offset = at - table->place.start, .rest = SEGMENT_NONE};
    eviction_order_fill(&blocks->queue.order, *index, at, table->admission);
    segment_queue_link(&blocks->queue, *index, SEGMENT_NONE);
    return event_table_add_part(table, *index, *count, diag);
}

/* The copy that answers for block `offset` of a node: the earliest registered one that covers it. *count = for how many blocks it does,
 * at most `limit`. vLLM answers each block with its earliest copy, so for a range of blocks the copy may change in the middle: a copy
 * that begins later in the node but is older in the list cuts the range short. O(copies of the node) at worst; mostly the first one
 * answers for all. *from: where in the list to begin; then, where to for the block after these. If no older copy begins later, that is after the
 * one that was found. */
uint32_t event_blocks_find_copy(const struct event_blocks *blocks, uint32_t *from, uint32_t offset, uint32_t limit, uint32_t *count)
{
    bool later = false;
    for (uint32_t index = *from; index != SEGMENT_NONE; index = blocks->queue.segments[index].next_copy) {
        const struct segment *segment = &blocks->queue.segments[index];
        if (segment->offset > offset) {
            limit = min_u32(limit, segment->offset - offset); /* from there on, it comes before later copies */
            later = true;
        } else if (offset - segment->offset < segment->count) {
            *count = min_u32(limit, segment->offset + segment->count - offset);
            *from = later ? *from : segment->next_copy;
            return index;
        }
    }
    return SEGMENT_NONE;
}

/* Follow one node from block *at (its block `offset`) up to block `end`. */
enum status event_blocks_hit_node(struct event_blocks *blocks, uint32_t group, uint32_t node, uint32_t offset, uint32_t *at, uint32_t end,
                                  struct diag *diag)
{
    struct found_hits *found = &blocks->found[group];
    uint32_t from = blocks->queue.prefix.nodes[node + group].first_copy;
    enum status status = SIM_OK;
    while (*at < end && status == SIM_OK) {
        uint32_t count, index = event_blocks_find_copy(blocks, &from, offset, end - *at, &count);
        if (index == SEGMENT_NONE)
            break;
        if (found->count == found->capacity)
            status = array_reserve(&found->parts, &found->capacity, (size_t)found->count + 1, sizeof *found->parts, "prefix hits", diag);
        if (status == SIM_OK)
            found->parts[found->count++] =
                (struct hit){.segment = index, .from = offset - blocks->queue.segments[index].offset, .count = count};
        offset += count;
        *at += count;
    }
    return status;
}

/* Kept for the request's life and after it. */
enum status event_blocks_private_node(struct event_blocks *blocks, uint32_t position, uint32_t *node, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!blocks->private_node)
        status = array_zeroed(&blocks->private_node, blocks->trace->count, sizeof *blocks->private_node, "preempted requests", diag);
    if (status == SIM_OK && blocks->private_node[position] == NODE_NONE)
        status = event_prefix_add(&blocks->queue.prefix, &blocks->private_node[position], diag);
    if (status == SIM_OK)
        *node = blocks->private_node[position];
    return status;
}

enum status event_blocks_release_pieces(struct event_blocks *blocks, const struct table_part *part, struct diag *diag)
{
    uint32_t length = 0, index = part->segment;
    for (uint32_t covered = 0; covered < part->count; index = blocks->queue.segments[index].rest) {
        if (length == blocks->chain_capacity) {
            enum status status =
                array_reserve(&blocks->chain, &blocks->chain_capacity, (size_t)length + 1, sizeof *blocks->chain, "a release", diag);
            if (status != SIM_OK)
                return status;
        }
        blocks->chain[length++] = index;
        covered += blocks->queue.segments[index].count;
    }
    while (length-- > 0)
        if (--blocks->queue.segments[blocks->chain[length]].refs == 0)
            segment_queue_put(&blocks->queue, blocks->chain[length], SEGMENT_NONE);
    return SIM_OK;
}
