/* event_blocks.c - block tables of running requests: prefix hits, growth, release. Says what vllm_v1_blocks.c says. Read segment_queue.h
 * first, for what blocks with content are kept in.
 *
 * A block is in one of three states in a table. Named and full: part of a segment, which others may hit. Named but not full: pending, and
 * kept as a plain id. That is the last block of a table, which can be short of tokens, and with drafts what was taken for those that come. Without
 * a name: a plain id, which costs four bytes and no bookkeeping, as most blocks of output are never looked for. */
#include "vllm_v1_fast/event_blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/speculation.h"
#include "engine/pool_states.h"
#include "vllm_v1/v1_rules.h"
#include "vllm_v1_fast/event_windows.h"

/* How many parts a release looks ahead: its segments were last touched when the request was admitted, thousands of steps ago. */
enum { PREFETCH_PARTS = 4 };

enum status event_blocks_init(struct event_blocks *blocks, const struct trace *trace, const struct config *config, uint32_t slots,
                              bool track_ids, struct diag *diag)
{
    *blocks = (struct event_blocks){.trace = trace,
                                    .block_size = config->block_size,
                                    .max_model_len = config->max_model_len,
                                    .lookahead = speculation_lookahead(config),
                                    .after = speculation_tokens_after_block(config),
                                    .places = speculation_places(config),
                                    .drops = speculation_drops_block(config),
                                    .caching = config->enable_prefix_caching,
                                    .retention = config->prefix_cache_retention_interval,
                                    .windowed = !kv_groups_one_full(config),
                                    .slots = slots};
    enum status status = kv_groups_make(config, "configuration", &blocks->layers, diag);
    const uint32_t groups = blocks->groups = blocks->layers.count;
    if (status == SIM_OK)
        status = segment_queue_init(&blocks->queue, trace, config, groups, track_ids, diag);
    const struct array_request arrays[] = {ARRAY_OF(blocks->tables, (size_t)slots * groups), ARRAY_OF(blocks->found, groups),
                                           ARRAY_OF(blocks->caps, groups), ARRAY_OF(blocks->needed, groups)};
    if (status == SIM_OK)
        status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "block tables", diag);
    for (uint32_t i = 0; status == SIM_OK && i < groups; i++) {
        const struct kv_group *group = &blocks->layers.list[i];
        blocks->caps[i] = kv_group_cap(group, v1_tokens_in_flight(config), config->max_model_len);
        blocks->needed[i] = group->kind == KV_KIND_SLIDING_WINDOW ? kv_group_run_needed(group) : 0;
    }
    return status;
}

void event_blocks_deinit(struct event_blocks *blocks)
{
    const uint32_t groups = blocks->groups;
    for (size_t i = 0; blocks->tables && i < (size_t)blocks->slots * groups; i++) {
        free(blocks->tables[i].parts);
        free(blocks->tables[i].ids);
    }
    for (uint32_t i = 0; blocks->found && i < groups; i++)
        free(blocks->found[i].parts);
    free(blocks->tables);
    free(blocks->found);
    free(blocks->caps);
    free(blocks->needed);
    free(blocks->path);
    free(blocks->private_node);
    free(blocks->chain);
    free(blocks->counted);
    segment_queue_deinit(&blocks->queue);
    *blocks = (struct event_blocks){0};
}

/* --- tables ----------------------------------------------------------------------------------------------------------------------- */

/* `count` more blocks in the table, with `breaks` inside their ids (NULL: not tracked). */
static void count_ids(struct event_blocks *blocks, struct event_table *table, const uint32_t *ids, uint32_t count, uint32_t breaks)
{
    const bool first = table->count == 0;
    blocks->table_blocks += count;
    table->count += count;
    if (!ids)
        return;
    const uint32_t runs = breaks + (first || table->last + 1 != ids[0]);
    table->runs += runs;
    blocks->table_runs += runs;
    table->last = ids[count - 1];
}

/* Up to `wanted` blocks from the queue, registered as the next ones of the table. Registered before the model has run, as vLLM does
 * (section 5): the next admission of the same step can hit it. */
static enum status take_named(struct event_blocks *blocks, struct event_table *table, uint32_t wanted, uint32_t *taken, struct diag *diag)
{
    uint32_t index;
    enum status status = event_blocks_add_segment(blocks, table, table->count, wanted, &index, taken, diag);
    if (status != SIM_OK)
        return status;
    uint32_t *ids = blocks->queue.track_ids ? segment_queue_ids(&blocks->queue, index) : NULL;
    segment_queue_take(&blocks->queue, ids, *taken);
    const uint32_t breaks = ids ? segment_queue_breaks(ids, *taken) : 0;
    blocks->queue.segments[index].breaks = breaks;
    count_ids(blocks, table, ids, *taken, breaks);
    return SIM_OK;
}

/* Pending blocks, named but not full until now, are full up to block `limit`. Their ids stay; only where they are kept changes. A prompt computed in
 * chunks comes here once for each chunk that ends inside a block. */
static __attribute__((noinline)) enum status register_pending(struct event_blocks *blocks, struct event_table *table, uint32_t limit,
                                                              struct diag *diag)
{
    const uint32_t kept = table->pending_count + table->private_count, first = table->count - kept;
    const uint32_t all = min_u32(limit - first, table->pending_count);
    uint32_t done = 0;
    enum status status = SIM_OK;
    for (uint32_t index, count; done < all && status == SIM_OK; done += count) {
        status = event_blocks_add_segment(blocks, table, first + done, all - done, &index, &count, diag);
        if (status != SIM_OK || !blocks->queue.track_ids)
            continue;
        memcpy(segment_queue_ids(&blocks->queue, index), table->ids + done, count * sizeof *table->ids);
        blocks->queue.segments[index].breaks = segment_queue_breaks(table->ids + done, count);
    }
    table->pending_count -= all;
    if (blocks->queue.track_ids)
        memmove(table->ids, table->ids + all, (kept - all) * sizeof *table->ids);
    return status;
}

/* `count` blocks from the queue without an entry of their own: pending or private ones, which the caller counts. */
static inline void take_plain(struct event_blocks *blocks, struct event_table *table, uint32_t count)
{
    uint32_t *ids = blocks->queue.track_ids ? table->ids + table->pending_count + table->private_count : NULL;
    assert(!ids || table->pending_count + table->private_count + count <= table->ids_capacity);
    segment_queue_take(&blocks->queue, ids, count);
    count_ids(blocks, table, ids, count, ids ? segment_queue_breaks(ids, count) : 0);
}

/* `fresh` more blocks for the table; its first `full` blocks will have all their tokens. The order is that of the table: pending
 * blocks become full, then come full named blocks in segments, then pending and private ones. Blocks are taken in the
 * same order as in vLLM, so ids are the same. `registered` says how far blocks are full, whether or not they have a name: a private one
 * needs no entry, only to be known as full when the table goes back. */
static enum status take(struct event_blocks *blocks, struct event_table *table, uint32_t fresh, uint32_t full, struct diag *diag)
{
    const uint32_t limit = min_u32(full, table->named);
    enum status status = SIM_OK;
    if (table->pending_count > 0 && table->count - table->pending_count - table->private_count < limit)
        status = register_pending(blocks, table, limit, diag);
    for (uint32_t taken = 0; status == SIM_OK && fresh > 0 && table->count < limit; fresh -= taken)
        status = take_named(blocks, table, min_u32(fresh, limit - table->count), &taken, diag);
    if (status == SIM_OK && fresh > 0 && table->count < table->named) {
        const uint32_t pending = min_u32(fresh, table->named - table->count);
        take_plain(blocks, table, pending);
        table->pending_count += pending;
        fresh -= pending;
    }
    if (status == SIM_OK && fresh > 0) {
        take_plain(blocks, table, fresh);
        table->private_count += fresh;
    }
    if (blocks->caching && table->registered < full)
        table->registered = full;
    return status;
}

/* --- lookup and admission --------------------------------------------------------------------------------------------------------- */

/* Node by node down the tree until one is missing or not covered to its end. A request that was preempted goes on in its private node,
 * which follows the named blocks and holds output that nobody else can have. Nothing is changed: parts of segments are noted, and cut
 * out only if the request is admitted. */
static enum status find(struct event_blocks *blocks, uint32_t position, uint32_t limit, uint32_t *hits, struct diag *diag)
{
    enum status status = SIM_OK;
    struct prefix_place place = {0};
    uint32_t at = 0;
    blocks->found[0].count = 0;
    blocks->hit_place = place;
    const uint32_t named = event_prefix_named_blocks(&blocks->queue.prefix, position), bound = min_u32(limit, named);
    while (at < bound && status == SIM_OK) {
        status = event_prefix_next(&blocks->queue.prefix, position, false, &place, diag);
        if (status != SIM_OK || place.node == NODE_NONE)
            break;
        const uint32_t end = min_u32(place.end, bound);
        status = event_blocks_hit_node(blocks, 0, place.node, 0, &at, end, diag);
        if (at > place.start)
            blocks->hit_place = place;
        if (at < end)
            break;
    }
    if (status == SIM_OK && at == named && at < limit && blocks->private_node && blocks->private_node[position] != NODE_NONE)
        status = event_blocks_hit_node(blocks, 0, blocks->private_node[position], 0, &at, limit, diag);
    *hits = blocks->hit_blocks = at;
    return status;
}

/* Where the last block of a match is not taken, what is before it is looked up once more. */
enum status event_blocks_lookup(struct event_blocks *blocks, uint32_t position, uint32_t known, uint32_t *hits, struct diag *diag)
{
    *hits = blocks->hit_blocks = 0;
    for (uint32_t i = blocks->groups; i-- > 0;)
        blocks->found[i].count = 0;
    blocks->hit_place = (struct prefix_place){0};
    if (!blocks->caching)
        return SIM_OK;
    if (blocks->windowed)
        return event_windows_lookup(blocks, position, known, hits, diag);
    enum status status = SIM_OK;
    uint32_t limit = (known - 1) / blocks->block_size;
    for (uint32_t rounds = 1u + blocks->drops; status == SIM_OK && rounds > 0; rounds--) {
        status = find(blocks, position, limit, hits, diag);
        limit = *hits > 0 ? *hits - 1 : 0;
    }
    return status;
}

/* The tests of v1_blocks_allocate() for a waiting request. There, hits and fresh blocks are found one by one; here a segment is free or
 * used as a whole, so it is O(segments). */
bool event_blocks_fits(struct event_blocks *blocks, uint32_t known, uint32_t tokens, uint32_t watermark, bool whole)
{
    const uint32_t size = blocks->block_size, limit = blocks->max_model_len, hits = blocks->hit_blocks;
    if (blocks->windowed)
        return event_windows_fit(blocks, known, tokens, watermark, whole);
    const uint64_t reserve = watermark + event_blocks_idle_hits(blocks, 0); /* hits that sit in the free queue will leave it */
    const uint32_t fresh = v1_missing_blocks(hits * size + tokens + blocks->lookahead, limit, size, hits);
    const uint32_t needed = whole ? max_u32(fresh, v1_missing_blocks(known, limit, size, hits)) : fresh;
    return needed + reserve <= event_blocks_free(blocks);
}

/* Cut the hit out of its segment. A segment is equally referenced throughout, so a hit on a part of it splits it, twice at most. That is
 * rare once a prefix is popular: it was split at the first hit. */
static enum status cut(struct event_blocks *blocks, struct hit *hit, struct diag *diag)
{
    enum status status = SIM_OK;
    uint32_t tail;
    if (hit->from > 0) {
        status = segment_queue_split(&blocks->queue, hit->segment, hit->from, &tail, diag);
        hit->segment = tail;
    }
    if (status == SIM_OK && hit->count < blocks->queue.segments[hit->segment].count)
        status = segment_queue_split(&blocks->queue, hit->segment, hit->count, &tail, diag);
    return status;
}

/* Hold a hit that is cut out. */
static enum status touch(struct event_blocks *blocks, struct event_table *table, uint32_t index, struct diag *diag)
{
    struct segment *segment = &blocks->queue.segments[index];
    if (segment->refs++ == 0)
        segment_queue_pull(&blocks->queue, index);
    if (blocks->queue.order.policy)
        eviction_order_hit(&blocks->queue.order, index, table->count, table->admission);
    count_ids(blocks, table, blocks->queue.track_ids ? segment_queue_ids(&blocks->queue, index) : NULL, segment->count, segment->breaks);
    return event_table_add_part(table, index, segment->count, diag);
}

/* In windows several hits can be of one segment, as older copies may answer for blocks in its middle: then the deepest is cut first, since what is
 * cut off its end leaves the number of its beginning alone. */
static enum status touch_hits(struct event_blocks *blocks, struct event_table *table, struct diag *diag)
{
    struct found_hits *found = &blocks->found[table->group];
    enum status status = SIM_OK;
    for (uint32_t i = found->count; blocks->windowed && i-- > 0 && status == SIM_OK;)
        status = cut(blocks, &found->parts[i], diag);
    for (uint32_t i = 0; i < found->count && status == SIM_OK; i++) {
        if (!blocks->windowed)
            status = cut(blocks, &found->parts[i], diag);
        if (status == SIM_OK)
            status = touch(blocks, table, found->parts[i].segment, diag);
    }
    return status;
}

/* An empty table, with the arrays of the slot's last request. After hits the table's own blocks go on from the place of the last one hit. With
 * ids there is room for all private blocks that it can ever have: growing by one never has to look. */
static enum status begin_table(struct event_blocks *blocks, uint32_t slot, uint32_t group, uint32_t position, struct diag *diag)
{
    struct event_table *table = &event_tables_of(blocks, slot)[group];
    *table = (struct event_table){.parts = table->parts,
                                  .parts_capacity = table->parts_capacity,
                                  .ids = table->ids,
                                  .ids_capacity = table->ids_capacity,
                                  .position = position,
                                  .admission = blocks->queue.order.admissions,
                                  .group = group};
    if (blocks->caching) {
        table->named = event_prefix_named_blocks(&blocks->queue.prefix, position);
        table->registered = blocks->hit_blocks;
        table->place = blocks->hit_place;
    }
    if (!blocks->queue.track_ids)
        return SIM_OK;
    const uint32_t longest = ceil_div(v1_all_tokens(blocks->trace, position), blocks->block_size);
    const uint32_t pending = 2 + blocks->places / blocks->block_size; /* and what stands beyond the last token */
    return array_reserve(&table->ids, &table->ids_capacity, (size_t)longest - min_u32(table->named, longest) + pending, sizeof *table->ids,
                         "a block table", diag);
}

static bool is_window(const struct event_blocks *blocks, const struct event_table *table)
{
    return blocks->windowed && blocks->layers.list[table->group].kind == KV_KIND_SLIDING_WINDOW;
}

static __attribute__((noinline)) enum status admit_each(struct event_blocks *blocks, uint32_t slot, uint32_t position, uint32_t fresh,
                                                        uint32_t full, struct diag *diag)
{
    struct event_table *tables = event_tables_of(blocks, slot);
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < blocks->groups && status == SIM_OK; i++) {
        status = begin_table(blocks, slot, i, position, diag);
        if (status == SIM_OK && is_window(blocks, &tables[i]))
            event_window_begin(blocks, &tables[i]);
        if (status == SIM_OK)
            status = touch_hits(blocks, &tables[i], diag);
    }
    for (uint32_t i = 0; i < blocks->groups && status == SIM_OK; i++)
        status = is_window(blocks, &tables[i]) ? event_window_take(blocks, &tables[i], fresh, full, diag)
                                               : take(blocks, &tables[i], fresh, full, diag);
    return status;
}

/* A block is full when all its tokens are computed and known, and those after it that are part of its content. */
static uint32_t full_blocks(const struct event_blocks *blocks, uint32_t computed, uint32_t known)
{
    return min_u32(computed, known - blocks->after) / blocks->block_size; /* a request has a token, and `after` is no more than one */
}

/* Hits first, of all groups, as they must not be evicted by what is taken next. */
enum status event_blocks_admit(struct event_blocks *blocks, uint32_t slot, uint32_t position, uint32_t known, uint32_t tokens,
                               struct diag *diag)
{
    const uint32_t size = blocks->block_size, hits = blocks->hit_blocks;
    const uint32_t fresh = v1_missing_blocks(hits * size + tokens + blocks->lookahead, blocks->max_model_len, size, hits);
    const uint32_t full = full_blocks(blocks, hits * size + tokens, known);
    blocks->queue.order.admissions++;
    if (blocks->windowed)
        return admit_each(blocks, slot, position, fresh, full, diag);
    enum status status = begin_table(blocks, slot, 0, position, diag);
    if (status == SIM_OK && hits > 0)
        status = touch_hits(blocks, event_tables_of(blocks, slot), diag);
    return status == SIM_OK ? take(blocks, event_tables_of(blocks, slot), fresh, full, diag) : status;
}

/* Without ids, stretches add a decoding request's blocks to the sum over all tables only. Bring its own count up to date: it holds
 * `computed` tokens and nothing beyond them. */
static void catch_up(const struct event_blocks *blocks, struct event_table *table, uint32_t computed)
{
    const uint32_t held = ceil_div(computed, blocks->block_size);
    if (blocks->queue.track_ids || table->count >= held)
        return;
    table->private_count += held - table->count;
    table->count = held;
}

uint32_t event_blocks_held(struct event_blocks *blocks, uint32_t slot, uint32_t computed)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < blocks->groups; i++) {
        struct event_table *table = &event_tables_of(blocks, slot)[i];
        catch_up(blocks, table, computed);
        held += table->count - table->passed;
    }
    return held;
}

/* All tables are equally long, and what windows give back can be taken at once. Not inlined, so that one full group does not pay for it. */
static __attribute__((noinline)) enum status grow_each(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t back,
                                                       uint32_t known, uint32_t tokens, bool *fits, struct diag *diag)
{
    struct event_table *tables = event_tables_of(blocks, slot);
    const uint32_t groups = blocks->groups, full = full_blocks(blocks, computed + tokens, known);
    enum status status = event_windows_pass(blocks, slot, back, diag);
    for (uint32_t i = 0; i < groups; i++)
        catch_up(blocks, &tables[i], computed);
    const uint32_t fresh =
        v1_missing_blocks(computed + tokens + blocks->lookahead, blocks->max_model_len, blocks->block_size, tables->count);
    *fits = (uint64_t)fresh * groups <= event_blocks_free(blocks);
    for (uint32_t i = 0; i < groups && *fits && status == SIM_OK; i++)
        status = is_window(blocks, &tables[i]) ? event_window_take(blocks, &tables[i], fresh, full, diag)
                                               : take(blocks, &tables[i], fresh, full, diag);
    return status;
}

/* For chunks of prompts and, in steps of the calendar and ordered ones, for decoders. Stretches take blocks by the inline functions of
 * the header instead. */
enum status event_blocks_grow(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t back, uint32_t known, uint32_t tokens,
                              bool *fits, struct diag *diag)
{
    struct event_table *table = event_tables_of(blocks, slot);
    if (blocks->windowed)
        return grow_each(blocks, slot, computed, back, known, tokens, fits, diag);
    catch_up(blocks, table, computed);
    const uint32_t fresh =
        v1_missing_blocks(computed + tokens + blocks->lookahead, blocks->max_model_len, blocks->block_size, table->count);
    *fits = fresh <= event_blocks_free(blocks);
    if (!*fits)
        return SIM_OK;
    return take(blocks, table, fresh, full_blocks(blocks, computed + tokens, known), diag);
}

/* --- release ---------------------------------------------------------------------------------------------------------------------- */

/* How many of the private blocks have content: all but the last one, or all. A decoding request can hold one that is not full, its last, and
 * with drafts several; and a request in the middle of its prompt has blocks only as far as its tokens. */
static uint32_t registered_private(const struct event_table *table)
{
    uint32_t before = table->count - table->private_count;
    uint32_t registered = table->registered > before ? table->registered - before : 0;
    assert(table->pending_count == 0 || registered == 0);
    return min_u32(registered, table->private_count);
}

/* Before a preemption: the request's private full blocks get a node of their own, so that it can find them again. What is not full stays
 * private. Their place in the node counts from the first unnamed block. The node is kept for the request's next preemptions: older
 * copies stay in its list for as long as they are not evicted, and are found first, as in vLLM. Preemptions are rare, so ordinary output
 * never pays for a node. */
static enum status name_private(struct event_blocks *blocks, struct event_table *table, struct diag *diag)
{
    const uint32_t full = registered_private(table), before = table->count - table->private_count;
    uint32_t node;
    if (full == 0)
        return SIM_OK;
    enum status status = event_blocks_private_node(blocks, table->position, &node, diag);
    for (uint32_t done = 0, count; done < full && status == SIM_OK; done += count) {
        uint32_t index;
        count = min_u32(full - done, blocks->queue.stride);
        status = segment_queue_new(&blocks->queue, &index, diag);
        if (status != SIM_OK)
            return status;
        blocks->queue.segments[index] =
            (struct segment){.count = count,
                             .breaks = blocks->queue.track_ids ? segment_queue_breaks(table->ids + done, count) : 0,
                             .refs = 1,
                             .node = node + table->group,
                             .offset = before + done - table->named,
                             .rest = SEGMENT_NONE};
        if (blocks->queue.track_ids)
            memcpy(segment_queue_ids(&blocks->queue, index), table->ids + done, count * sizeof *table->ids);
        eviction_order_fill(&blocks->queue.order, index, before + done, table->admission);
        segment_queue_link(&blocks->queue, index, SEGMENT_NONE);
        status = event_table_add_part(table, index, count, diag);
    }
    table->private_count -= full;
    if (blocks->queue.track_ids)
        memmove(table->ids, table->ids + full, table->private_count * sizeof *table->ids);
    return status;
}

/* With prefix caching: what has content goes to the tail, deepest first; blocks that are not full, pending or private, go to the front,
 * the last one on top. Private blocks come after all parts in the table, so they are deeper and join the tail first. */
static enum status release_cached(struct event_blocks *blocks, struct event_table *table, struct diag *diag)
{
    const uint32_t full = registered_private(table);
    const uint32_t empty = table->pending_count + table->private_count - full;
    if (empty > 0)
        segment_queue_push_front(&blocks->queue, blocks->queue.track_ids ? table->ids + full : NULL, empty);
    enum status status =
        segment_queue_push_orphans(&blocks->queue, table->ids, full, table->count - table->private_count, table->admission, diag);
    for (uint32_t i = table->part_count; i-- > 0 && status == SIM_OK;) {
        if (i >= PREFETCH_PARTS)
            __builtin_prefetch(&blocks->queue.segments[table->parts[i - PREFETCH_PARTS].segment], 1);
        status = event_blocks_release_part(blocks, &table->parts[i], diag);
    }
    return status;
}

/* While a request decodes nobody notes that its blocks become full; `settled` tells it in the end. Without caching all blocks are
 * private and go to the stack in table order, so the last one is the next to be taken (case E3). */
static enum status release_table(struct event_blocks *blocks, struct event_table *table, uint32_t settled, bool preempted,
                                 struct diag *diag)
{
    enum status status = SIM_OK;
    if (blocks->caching) {
        if (table->registered < settled / blocks->block_size)
            table->registered = settled / blocks->block_size; /* full since the last boundary */
        if (preempted)
            status = name_private(blocks, table, diag);
        if (status == SIM_OK)
            status = release_cached(blocks, table, diag);
    } else {
        segment_queue_push_front(&blocks->queue, table->ids, table->private_count);
    }
    blocks->table_blocks -= table->count;
    blocks->table_runs -= table->runs;
    table->part_count = table->pending_count = table->private_count = table->count = table->runs = table->registered = 0;
    return status;
}

/* Group by group: what one gives to the two ends of the queue is there before the next one's. */
enum status event_blocks_release(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t settled, bool preempted,
                                 struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < blocks->groups && status == SIM_OK; i++) {
        struct event_table *table = &event_tables_of(blocks, slot)[i];
        catch_up(blocks, table, computed);
        status = is_window(blocks, table) ? event_window_release(blocks, table, settled, preempted, diag)
                                          : release_table(blocks, table, settled, preempted, diag);
    }
    return status;
}

/* For policies that choose victims, as v1_blocks_shared_tokens() has it: private and pending blocks are nobody else's. */
static uint32_t shared_blocks(const struct event_blocks *blocks, const struct event_table *table)
{
    uint32_t shared = table->passed;
    for (uint32_t i = table->first_part; i < table->part_count; i++) {
        uint32_t left = table->parts[i].count;
        for (uint32_t index = table->parts[i].segment; left > 0; index = blocks->queue.segments[index].rest) {
            if (index == SEGMENT_NONE || blocks->queue.segments[index].refs < 2)
                return shared;
            const uint32_t count = min_u32(left, blocks->queue.segments[index].count);
            shared += count;
            left -= count;
        }
    }
    return shared;
}

uint32_t event_blocks_shared(const struct event_blocks *blocks, uint32_t slot)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < blocks->groups; i++)
        least = min_u32(least, shared_blocks(blocks, &event_tables_of(blocks, slot)[i]));
    return least;
}

static void mark(uint8_t *states, const uint32_t *ids, uint32_t count, enum block_state state)
{
    for (uint32_t i = 0; i < count; i++)
        states[ids[i]] = (uint8_t)state;
}

/* A segment that several tables hold is marked by each of them, to the same. */
static void mark_table(const struct event_blocks *blocks, const struct event_table *table, uint8_t *states)
{
    for (uint32_t i = 0; i < table->part_count; i++) {
        uint32_t left = table->parts[i].count;
        for (uint32_t index = table->parts[i].segment; left > 0; index = blocks->queue.segments[index].rest) {
            const struct segment *segment = &blocks->queue.segments[index];
            mark(states, segment_queue_ids(&blocks->queue, index), segment->count, segment->refs > 1 ? BLOCK_SHARED : BLOCK_USED);
            left -= min_u32(left, segment->count);
        }
    }
    mark(states, table->ids, table->pending_count + table->private_count, BLOCK_USED);
}

/* What is neither on the stack nor unused nor in a table stands in the back list: all of it is cached, orphans too (step_parts.c). So the
 * list need not be walked. */
void event_blocks_states(const struct event_blocks *blocks, uint8_t *states)
{
    const struct segment_queue *queue = &blocks->queue;
    memset(states, BLOCK_CACHED, queue->next_unused);
    memset(states + queue->next_unused, BLOCK_FREE, (size_t)queue->usable + 1 - queue->next_unused);
    mark(states, queue->front, queue->front_count, BLOCK_FREE);
    for (uint32_t slot = 0; slot < blocks->slots; slot++)
        if (event_tables_of(blocks, slot)->count > 0)
            mark_table(blocks, event_tables_of(blocks, slot), states);
}

enum status event_blocks_count_begin(struct event_blocks *blocks, struct diag *diag)
{
    const size_t before = blocks->counted_capacity;
    enum status status = array_reserve(&blocks->counted, &blocks->counted_capacity, blocks->queue.segments_used, sizeof *blocks->counted,
                                       "a look at the pool", diag);
    if (status == SIM_OK && blocks->counted_capacity > before)
        memset(blocks->counted + before, 0, (blocks->counted_capacity - before) * sizeof *blocks->counted);
    blocks->counts += status == SIM_OK;
    return status;
}

uint32_t event_blocks_count(struct event_blocks *blocks, uint32_t slot)
{
    const struct event_table *table = event_tables_of(blocks, slot);
    uint32_t count = table->count; /* private and pending ones are nobody else's */
    for (uint32_t i = 0; i < table->part_count; i++) {
        uint32_t left = table->parts[i].count;
        for (uint32_t index = table->parts[i].segment; left > 0; index = blocks->queue.segments[index].rest) {
            const uint32_t here = min_u32(left, blocks->queue.segments[index].count);
            count -= blocks->counted[index] == blocks->counts ? here : 0;
            blocks->counted[index] = blocks->counts;
            left -= here;
        }
    }
    return count;
}

/* Without ids, tables of decoders lag behind the sum, so only sums are compared. Shared blocks count in each table, hence at least the
 * pool. */
bool event_blocks_check(const struct event_blocks *blocks)
{
    uint64_t held = 0, passed = 0;
    bool sound = true;
    for (size_t i = 0; i < (size_t)blocks->slots * blocks->groups; i++) {
        const struct event_table *table = &blocks->tables[i];
        held += table->count - table->passed;
        passed += table->passed;
        sound = sound && (!is_window(blocks, table) || event_window_check(blocks, table));
    }
    return sound && passed == blocks->passed_blocks && segment_queue_check(&blocks->queue) &&
           (held == blocks->table_blocks || !blocks->queue.track_ids) &&
           (uint64_t)event_blocks_free(blocks) + blocks->table_blocks >= blocks->queue.usable;
}
