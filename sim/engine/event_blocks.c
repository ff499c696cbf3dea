/* event_blocks.c - see event_blocks.h. */
#include "engine/event_blocks.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return a / b + (a % b != 0);
}
static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}
static uint32_t run_at(const struct run *run, uint32_t i)
{
    return run->step > 0 ? run->first + i : run->first - i;
}

enum status event_blocks_init(struct event_blocks *blocks, const struct trace *trace, const struct config *config, uint32_t slots,
                              struct diag *diag)
{
    *blocks = (struct event_blocks){.trace = trace,
                                    .block_size = config->block_size,
                                    .max_model_len = config->max_model_len,
                                    .usable = config->num_gpu_blocks - 1,
                                    .caching = config->enable_prefix_caching,
                                    .slots = slots,
                                    .unused = SEGMENT_NONE,
                                    .back_first = SEGMENT_NONE,
                                    .back_last = SEGMENT_NONE};
    enum status status = array_zeroed(&blocks->tables, slots, sizeof *blocks->tables, "block tables", diag);
    if (status == SIM_OK && blocks->caching)
        status = event_prefix_init(&blocks->prefix, trace, config, diag);
    if (status == SIM_OK)
        status = array_reserve(&blocks->front, &blocks->front_capacity, 64, sizeof *blocks->front, "the free queue", diag);
    /* There are never more segments than blocks. Room for all is only address space until it is used; growing would copy. */
    if (status == SIM_OK)
        status = array_reserve(&blocks->segments, &blocks->segments_capacity, blocks->usable, sizeof *blocks->segments,
                               "segments of blocks", diag);
    if (status != SIM_OK || blocks->usable == 0)
        return status;
    /* Taken from the end: 1, 2, 3, ... Block 0 is the null block. */
    blocks->front[blocks->front_count++] = (struct run){.first = blocks->usable, .count = blocks->usable, .step = -1};
    blocks->front_blocks = blocks->usable;
    return SIM_OK;
}

void event_blocks_deinit(struct event_blocks *blocks)
{
    for (uint32_t slot = 0; blocks->tables && slot < blocks->slots; slot++)
        free(blocks->tables[slot].parts);
    free(blocks->tables);
    free(blocks->front);
    free(blocks->segments);
    free(blocks->private_node);
    free(blocks->hits);
    free(blocks->chain);
    event_prefix_deinit(&blocks->prefix);
    *blocks = (struct event_blocks){0};
}

/* --- segments --------------------------------------------------------------------------------------------------------------------- */

static enum status new_segment(struct event_blocks *blocks, uint32_t *index, struct diag *diag)
{
    if (blocks->unused != SEGMENT_NONE) {
        *index = blocks->unused;
        blocks->unused = blocks->segments[*index].next;
        return SIM_OK;
    }
    enum status status = array_reserve(&blocks->segments, &blocks->segments_capacity, (size_t)blocks->segments_used + 1,
                                       sizeof *blocks->segments, "segments of blocks", diag);
    *index = blocks->segments_used;
    blocks->segments_used += status == SIM_OK;
    return status;
}

static void drop_segment(struct event_blocks *blocks, uint32_t index)
{
    blocks->segments[index].next = blocks->unused;
    blocks->unused = index;
}

/* Into the back list before `behind` (SEGMENT_NONE: at the end). */
static void queue_before(struct event_blocks *blocks, uint32_t index, uint32_t behind)
{
    struct segment *segment = &blocks->segments[index];
    segment->next = behind;
    segment->prev = behind == SEGMENT_NONE ? blocks->back_last : blocks->segments[behind].prev;
    *(segment->prev == SEGMENT_NONE ? &blocks->back_first : &blocks->segments[segment->prev].next) = index;
    *(behind == SEGMENT_NONE ? &blocks->back_last : &blocks->segments[behind].prev) = index;
    blocks->back_blocks += segment->run.count;
}

static void unqueue(struct event_blocks *blocks, uint32_t index)
{
    const struct segment *segment = &blocks->segments[index];
    *(segment->prev == SEGMENT_NONE ? &blocks->back_first : &blocks->segments[segment->prev].next) = segment->next;
    *(segment->next == SEGMENT_NONE ? &blocks->back_last : &blocks->segments[segment->next].prev) = segment->prev;
    blocks->back_blocks -= segment->run.count;
}

/* Into its node's list of copies, behind `before` (SEGMENT_NONE: at the end, as the newest). */
static void link_copy(struct event_blocks *blocks, uint32_t index, uint32_t before)
{
    struct segment *segment = &blocks->segments[index];
    struct prefix_node *node = &blocks->prefix.nodes[segment->node];
    if (before == SEGMENT_NONE)
        before = node->last_copy;
    segment->prev_copy = before;
    segment->next_copy = before == SEGMENT_NONE ? SEGMENT_NONE : blocks->segments[before].next_copy;
    *(before == SEGMENT_NONE ? &node->first_copy : &blocks->segments[before].next_copy) = index;
    *(segment->next_copy == SEGMENT_NONE ? &node->last_copy : &blocks->segments[segment->next_copy].prev_copy) = index;
}

static void unlink_copy(struct event_blocks *blocks, uint32_t index)
{
    const struct segment *segment = &blocks->segments[index];
    if (segment->node == NODE_NONE)
        return;
    struct prefix_node *node = &blocks->prefix.nodes[segment->node];
    *(segment->prev_copy == SEGMENT_NONE ? &node->first_copy : &blocks->segments[segment->prev_copy].next_copy) = segment->next_copy;
    *(segment->next_copy == SEGMENT_NONE ? &node->last_copy : &blocks->segments[segment->next_copy].prev_copy) = segment->prev_copy;
}

/* Keep the first `count` blocks; the rest becomes a segment of its own in the same state. In the queue the deeper half comes first. */
static enum status split(struct event_blocks *blocks, uint32_t index, uint32_t count, uint32_t *tail, struct diag *diag)
{
    enum status status = new_segment(blocks, tail, diag);
    if (status != SIM_OK)
        return status;
    struct segment *segment = &blocks->segments[index], *other = &blocks->segments[*tail];
    *other = *segment;
    other->run.first = run_at(&segment->run, count);
    other->run.count -= count;
    other->offset += count;
    if (segment->refs == 0)
        blocks->back_blocks -= other->run.count;
    segment->run.count = count;
    segment->rest = *tail;
    link_copy(blocks, *tail, index);
    if (segment->refs == 0)
        queue_before(blocks, *tail, index);
    return SIM_OK;
}

/* --- tables ----------------------------------------------------------------------------------------------------------------------- */

static enum status add_part(struct event_table *table, uint32_t segment, const struct run *run, struct diag *diag)
{
    enum status status =
        array_reserve(&table->parts, &table->capacity, (size_t)table->part_count + 1, sizeof *table->parts, "a block table", diag);
    if (status == SIM_OK)
        table->parts[table->part_count++] = (struct table_part){.run = *run, .segment = segment};
    return status;
}

static void count_ids(struct event_blocks *blocks, struct event_table *table, const struct run *run)
{
    uint32_t runs = (table->count == 0 || table->last + 1 != run->first) + (run->step > 0 ? 0 : run->count - 1);
    table->runs += runs;
    blocks->table_runs += runs;
    blocks->table_blocks += run->count;
    table->last = run_at(run, run->count - 1);
    table->count += run->count;
}

/* Private blocks: longer runs where ids go on. */
static enum status add_private(struct event_table *table, const struct run *run, struct diag *diag)
{
    if (table->part_count > 0 && table->parts[table->part_count - 1].segment == SEGMENT_NONE) {
        struct run *last = &table->parts[table->part_count - 1].run;
        int32_t step = last->count == 1 && run->first + 1 == last->first ? -1 : last->count == 1 ? 1 : last->step;
        struct run longer = {.first = last->first, .count = last->count + run->count, .step = step};
        if (run_at(&longer, last->count) == run->first && (run->count == 1 || run->step == step)) {
            *last = longer;
            return SIM_OK;
        }
    }
    return add_part(table, SEGMENT_NONE, run, diag);
}

/* Register blocks [at, at + run->count) of the table, all in one node, as a new segment at the table's end. */
static enum status add_segment(struct event_blocks *blocks, struct event_table *table, uint32_t node, uint32_t offset,
                               const struct run *run, struct diag *diag)
{
    uint32_t index;
    enum status status = new_segment(blocks, &index, diag);
    if (status != SIM_OK)
        return status;
    blocks->segments[index] = (struct segment){.run = *run, .refs = 1, .node = node, .offset = offset, .rest = SEGMENT_NONE};
    link_copy(blocks, index, SEGMENT_NONE);
    return add_part(table, index, run, diag);
}

/* As many of the run's blocks as belong to one node; the first one is block `at` of the table, `limit` bounds what is full. */
static enum status register_named(struct event_blocks *blocks, struct event_table *table, uint32_t at, uint32_t limit, struct run *run,
                                  uint32_t *done, struct diag *diag)
{
    const uint32_t per = blocks->prefix.per;
    enum status status = SIM_OK;
    if (at >= table->node_end) {
        status = event_prefix_child(&blocks->prefix, table->position, at / per, table->node, true, &table->node, diag);
        table->node_end += per;
    }
    *done = min_u32(run->count, min_u32(limit, table->node_end) - at);
    struct run part = {.first = run->first, .count = *done, .step = run->step};
    if (status == SIM_OK)
        status = add_segment(blocks, table, table->node, at % per, &part, diag);
    return status;
}

/* Append a run of blocks just taken; those below `full` have all their tokens. */
static enum status append(struct event_blocks *blocks, struct event_table *table, struct run run, uint32_t full, struct diag *diag)
{
    const uint32_t limit = min_u32(full, table->named);
    uint32_t at = table->count, done;
    enum status status = SIM_OK;
    count_ids(blocks, table, &run);
    for (; run.count > 0 && status == SIM_OK; at += done) {
        done = run.count;
        if (at < limit) {
            status = register_named(blocks, table, at, limit, &run, &done, diag);
        } else if (at < table->named) {
            assert(run.count == 1);
            table->pending = run.first;
        } else {
            status = add_private(table, &run, diag);
        }
        run.first = run_at(&run, done);
        run.count -= done;
    }
    return status;
}

/* --- the free queue --------------------------------------------------------------------------------------------------------------- */

/* Up to `wanted` blocks from the head of the queue, as one run in the order of taking. What they held is forgotten. */
static struct run take_run(struct event_blocks *blocks, uint32_t wanted)
{
    struct run *source = blocks->front_count ? &blocks->front[blocks->front_count - 1] : &blocks->segments[blocks->back_first].run;
    struct run taken = {.count = min_u32(wanted, source->count), .step = -source->step};
    taken.first = run_at(source, source->count - 1);
    source->count -= taken.count;
    if (blocks->front_count) {
        blocks->front_blocks -= taken.count;
        blocks->front_count -= source->count == 0;
        return taken;
    }
    blocks->back_blocks -= taken.count;
    if (source->count == 0) {
        uint32_t index = blocks->back_first;
        unqueue(blocks, index);
        unlink_copy(blocks, index);
        drop_segment(blocks, index);
    }
    return taken;
}

static enum status push_front(struct event_blocks *blocks, const struct run *run, struct diag *diag)
{
    enum status status = array_reserve(&blocks->front, &blocks->front_capacity, (size_t)blocks->front_count + 1, sizeof *blocks->front,
                                       "the free queue", diag);
    if (status == SIM_OK) {
        blocks->front[blocks->front_count++] = *run;
        blocks->front_blocks += run->count;
    }
    return status;
}

/* At the tail: a run that nobody will ever look for. Neighbours in the queue whose ids go on become one. */
static enum status push_orphan(struct event_blocks *blocks, const struct run *run, struct diag *diag)
{
    if (blocks->back_last != SEGMENT_NONE && run->count == 1) {
        struct segment *last = &blocks->segments[blocks->back_last];
        int32_t step = last->run.count == 1 && last->run.first + 1 == run->first ? -1 : last->run.count == 1 ? 1 : last->run.step;
        if (last->node == NODE_NONE && (step > 0 ? run->first + 1 : run->first - 1) == last->run.first) {
            last->run = (struct run){.first = run->first, .count = last->run.count + 1, .step = step};
            blocks->back_blocks++;
            return SIM_OK;
        }
    }
    uint32_t index;
    enum status status = new_segment(blocks, &index, diag);
    if (status != SIM_OK)
        return status;
    blocks->segments[index] = (struct segment){.run = *run, .rest = SEGMENT_NONE};
    queue_before(blocks, index, SEGMENT_NONE);
    return SIM_OK;
}

/* --- lookup and admission --------------------------------------------------------------------------------------------------------- */

/* The copy that answers for block `offset` of a node: the earliest registered one that covers it. *count = for how many blocks it does,
 * at most `limit`. */
static uint32_t find_copy(const struct event_blocks *blocks, uint32_t node, uint32_t offset, uint32_t limit, uint32_t *count)
{
    uint32_t index = blocks->prefix.nodes[node].first_copy;
    for (; index != SEGMENT_NONE; index = blocks->segments[index].next_copy) {
        const struct segment *segment = &blocks->segments[index];
        if (segment->offset > offset) {
            limit = min_u32(limit, segment->offset - offset); /* from there on, it comes before later copies */
        } else if (offset - segment->offset < segment->run.count) {
            *count = min_u32(limit, segment->offset + segment->run.count - offset);
            return index;
        }
    }
    return SEGMENT_NONE;
}

/* Follow one node from block *at (its block `offset`) up to block `end`. */
static enum status hit_node(struct event_blocks *blocks, uint32_t node, uint32_t offset, uint32_t *at, uint32_t end, struct diag *diag)
{
    enum status status = SIM_OK;
    while (*at < end && status == SIM_OK) {
        uint32_t count, index = find_copy(blocks, node, offset, end - *at, &count);
        if (index == SEGMENT_NONE)
            break;
        status =
            array_reserve(&blocks->hits, &blocks->hits_capacity, (size_t)blocks->hit_parts + 1, sizeof *blocks->hits, "prefix hits", diag);
        if (status == SIM_OK)
            blocks->hits[blocks->hit_parts++] =
                (struct hit){.segment = index, .from = offset - blocks->segments[index].offset, .count = count};
        offset += count;
        *at += count;
    }
    return status;
}

enum status event_blocks_lookup(struct event_blocks *blocks, uint32_t position, uint32_t known, uint32_t *hits, struct diag *diag)
{
    enum status status = SIM_OK;
    uint32_t at = 0, node = NODE_NONE;
    *hits = blocks->hit_parts = blocks->hit_blocks = 0;
    if (!blocks->caching)
        return SIM_OK;
    const uint32_t per = blocks->prefix.per, limit = (known - 1) / blocks->block_size;
    const uint32_t named = event_prefix_named_blocks(&blocks->prefix, position), bound = min_u32(limit, named);
    while (at < bound && status == SIM_OK) {
        uint32_t end = at + per < bound ? at + per : bound;
        status = event_prefix_child(&blocks->prefix, position, at / per, node, false, &node, diag);
        if (status != SIM_OK || node == NODE_NONE)
            break;
        status = hit_node(blocks, node, 0, &at, end, diag);
        if (at < end)
            break;
    }
    if (status == SIM_OK && at == named && at < limit && blocks->private_node && blocks->private_node[position] != NODE_NONE)
        status = hit_node(blocks, blocks->private_node[position], 0, &at, limit, diag);
    *hits = blocks->hit_blocks = at;
    return status;
}

bool event_blocks_fits(const struct event_blocks *blocks, uint32_t known, uint32_t tokens, uint32_t watermark, bool whole)
{
    const uint32_t size = blocks->block_size, limit = blocks->max_model_len, hits = blocks->hit_blocks;
    uint64_t reserve = watermark; /* and hits that sit in the free queue and will leave it */
    for (uint32_t i = 0; i < blocks->hit_parts; i++)
        if (blocks->segments[blocks->hits[i].segment].refs == 0)
            reserve += blocks->hits[i].count;
    uint32_t all = ceil_div(min_u32(known, limit), size), covered = ceil_div(min_u32(hits * size + tokens, limit), size);
    if (whole && (all > hits ? all - hits : 0) + reserve > event_blocks_free(blocks))
        return false;
    return (covered > hits ? covered - hits : 0) + reserve <= event_blocks_free(blocks);
}

/* Cut the hit out of its segment and hold it. */
static enum status touch(struct event_blocks *blocks, struct event_table *table, struct hit hit, struct diag *diag)
{
    enum status status = SIM_OK;
    uint32_t tail;
    if (hit.from > 0) {
        status = split(blocks, hit.segment, hit.from, &tail, diag);
        hit.segment = tail;
    }
    if (status == SIM_OK && hit.count < blocks->segments[hit.segment].run.count)
        status = split(blocks, hit.segment, hit.count, &tail, diag);
    if (status != SIM_OK)
        return status;
    struct segment *segment = &blocks->segments[hit.segment];
    if (segment->refs++ == 0)
        unqueue(blocks, hit.segment);
    count_ids(blocks, table, &segment->run);
    return add_part(table, hit.segment, &segment->run, diag);
}

static enum status take(struct event_blocks *blocks, struct event_table *table, uint32_t fresh, uint32_t full, struct diag *diag)
{
    enum status status = SIM_OK;
    if (table->pending != KV_BLOCK_NONE && table->count - 1 < full) {
        struct run one = {.first = table->pending, .count = 1, .step = 1};
        uint32_t done;
        table->pending = KV_BLOCK_NONE;
        status = register_named(blocks, table, table->count - 1, full, &one, &done, diag);
    }
    while (fresh > 0 && status == SIM_OK) {
        struct run run = take_run(blocks, fresh);
        fresh -= run.count;
        status = append(blocks, table, run, full, diag);
    }
    if (blocks->caching && table->registered < full)
        table->registered = full;
    return status;
}

enum status event_blocks_admit(struct event_blocks *blocks, uint32_t slot, uint32_t position, uint32_t known, uint32_t tokens,
                               struct diag *diag)
{
    struct event_table *table = &blocks->tables[slot];
    const uint32_t size = blocks->block_size, hits = blocks->hit_blocks;
    *table = (struct event_table){.parts = table->parts, .capacity = table->capacity, .position = position, .pending = KV_BLOCK_NONE};
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < blocks->hit_parts && status == SIM_OK; i++)
        status = touch(blocks, table, blocks->hits[i], diag);
    if (blocks->caching) {
        const uint32_t per = blocks->prefix.per;
        table->named = event_prefix_named_blocks(&blocks->prefix, position);
        table->registered = hits;
        table->node_end = ceil_div(min_u32(hits, table->named), per) * per;
        /* Behind hits in private blocks, all named ones are registered and the node is not needed any more. */
        if (hits > 0 && status == SIM_OK)
            table->node = blocks->segments[table->parts[table->part_count - 1].segment].node;
    }
    uint32_t covered = ceil_div(min_u32(hits * size + tokens, blocks->max_model_len), size);
    if (status == SIM_OK)
        status = take(blocks, table, covered > hits ? covered - hits : 0, min_u32(hits * size + tokens, known) / size, diag);
    return status;
}

enum status event_blocks_grow(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t known, uint32_t tokens, bool *fits,
                              struct diag *diag)
{
    struct event_table *table = &blocks->tables[slot];
    uint32_t covered = ceil_div(min_u32(computed + tokens, blocks->max_model_len), blocks->block_size);
    uint32_t fresh = covered > table->count ? covered - table->count : 0;
    *fits = fresh <= event_blocks_free(blocks);
    if (!*fits)
        return SIM_OK;
    return take(blocks, table, fresh, min_u32(computed + tokens, known) / blocks->block_size, diag);
}

/* --- release ---------------------------------------------------------------------------------------------------------------------- */

/* Before a preemption: the request's private full blocks get a node of their own, so that it can find them again. What is not full
 * stays a run at the end. */
static enum status name_private(struct event_blocks *blocks, struct event_table *table, struct diag *diag)
{
    enum status status = SIM_OK;
    uint32_t at = table->count, first = table->part_count, end = table->part_count;
    while (first > 0 && table->parts[first - 1].segment == SEGMENT_NONE)
        at -= table->parts[--first].run.count;
    if (first == end || at >= table->registered)
        return SIM_OK;
    if (!blocks->private_node)
        status = array_zeroed(&blocks->private_node, blocks->trace->count, sizeof *blocks->private_node, "preempted requests", diag);
    if (status == SIM_OK && blocks->private_node[table->position] == NODE_NONE)
        status = event_prefix_add(&blocks->prefix, &blocks->private_node[table->position], diag);
    struct run open = {0}; /* at most one block is not full */
    for (uint32_t i = first; i < end && status == SIM_OK; i++) {
        struct table_part *part = &table->parts[i];
        if (at + part->run.count > table->registered) {
            open = (struct run){.first = run_at(&part->run, part->run.count - 1), .count = 1, .step = 1};
            if (--part->run.count == 0) {
                table->part_count--;
                break;
            }
        }
        uint32_t index;
        status = new_segment(blocks, &index, diag);
        if (status != SIM_OK)
            return status;
        blocks->segments[index] = (struct segment){
            .run = part->run, .refs = 1, .node = blocks->private_node[table->position], .offset = at - table->named, .rest = SEGMENT_NONE};
        link_copy(blocks, index, SEGMENT_NONE);
        part->segment = index;
        at += part->run.count;
    }
    return status == SIM_OK && open.count ? add_part(table, SEGMENT_NONE, &open, diag) : status;
}

/* A segment and what was split off its end, as far as the table's part reaches; deepest first. */
static enum status release_segments(struct event_blocks *blocks, const struct table_part *part, struct diag *diag)
{
    uint32_t length = 0, index = part->segment;
    for (uint32_t covered = 0; covered < part->run.count; index = blocks->segments[index].rest) {
        enum status status =
            array_reserve(&blocks->chain, &blocks->chain_capacity, (size_t)length + 1, sizeof *blocks->chain, "a release", diag);
        if (status != SIM_OK)
            return status;
        blocks->chain[length++] = index;
        covered += blocks->segments[index].run.count;
    }
    while (length-- > 0)
        if (--blocks->segments[blocks->chain[length]].refs == 0)
            queue_before(blocks, blocks->chain[length], SEGMENT_NONE);
    return SIM_OK;
}

/* With prefix caching: what has content goes behind the tail, deepest first; a block that is not full goes to the front. */
static enum status release_cached(struct event_blocks *blocks, struct event_table *table, struct diag *diag)
{
    uint32_t at = table->count;
    enum status status = SIM_OK;
    if (table->pending != KV_BLOCK_NONE) {
        struct run one = {.first = table->pending, .count = 1, .step = 1};
        status = push_front(blocks, &one, diag);
        at--;
    }
    for (uint32_t i = table->part_count; i-- > 0 && status == SIM_OK;) {
        struct table_part *part = &table->parts[i];
        at -= part->run.count;
        if (part->segment != SEGMENT_NONE) {
            status = release_segments(blocks, part, diag);
            continue;
        }
        if (at + part->run.count > table->registered) {
            struct run open = {.first = run_at(&part->run, part->run.count - 1), .count = 1, .step = 1};
            assert(at + part->run.count == table->registered + 1);
            part->run.count--;
            status = push_front(blocks, &open, diag);
        }
        if (part->run.count > 0 && status == SIM_OK)
            status = push_orphan(blocks, &part->run, diag);
    }
    return status;
}

enum status event_blocks_release(struct event_blocks *blocks, uint32_t slot, uint32_t computed, bool preempted, struct diag *diag)
{
    struct event_table *table = &blocks->tables[slot];
    enum status status = SIM_OK;
    if (blocks->caching) {
        if (table->registered < computed / blocks->block_size)
            table->registered = computed / blocks->block_size; /* full since the last boundary */
        if (preempted)
            status = name_private(blocks, table, diag);
        if (status == SIM_OK)
            status = release_cached(blocks, table, diag);
    } else {
        for (uint32_t i = 0; i < table->part_count && status == SIM_OK; i++)
            status = push_front(blocks, &table->parts[i].run, diag);
    }
    blocks->table_blocks -= table->count;
    blocks->table_runs -= table->runs;
    table->part_count = table->count = table->runs = table->registered = 0;
    return status;
}

bool event_blocks_check(const struct event_blocks *blocks)
{
    uint64_t front = 0, back = 0;
    uint32_t before = SEGMENT_NONE;
    for (uint32_t i = 0; i < blocks->front_count; i++)
        front += blocks->front[i].count;
    for (uint32_t index = blocks->back_first; index != SEGMENT_NONE; index = blocks->segments[index].next) {
        const struct segment *segment = &blocks->segments[index];
        if (segment->refs != 0 || segment->run.count == 0 || segment->prev != before)
            return false;
        before = index;
        back += segment->run.count;
    }
    return front == blocks->front_blocks && back == blocks->back_blocks && before == blocks->back_last;
}
