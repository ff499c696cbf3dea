/* event_windows.c - what leaves a sliding window, what of it is kept in the cache, and the longest prefix that all groups of layers have.
 * Says what vllm_v1_blocks.c and prefix_lookup.c say; read event_windows.h first for the drawing of a table. */
#include "vllm_v1_fast/event_windows.h"

#include <assert.h>

#include "base/array.h"
#include "base/integers.h"
#include "vllm_v1/v1_rules.h"

/* --- which blocks are kept ------------------------------------------------------------------------------------------------------------ */

/* With an interval the last blocks of each are kept, all of them when a window is as long. 0: there is none. */
static uint64_t interval_of(const struct event_blocks *blocks)
{
    return blocks->retention == RETENTION_DENSE ? 1 : (uint64_t)blocks->retention / blocks->block_size;
}

/* The first block from k on that is put into the cache when it is full; UINT32_MAX: none is. */
static uint32_t next_kept(const struct event_blocks *blocks, const struct event_table *table, uint32_t k)
{
    const uint32_t needed = blocks->needed[table->group];
    uint32_t next = UINT32_MAX;
    if (!blocks->caching || needed == 0)
        return next;
    if (blocks->retention != 0) {
        const uint64_t per = interval_of(blocks), gap = needed >= per ? 0 : per - needed, in = gap > 0 ? k % per : 0;
        next = in >= gap ? k : (uint32_t)min_u64(k - in + gap, UINT32_MAX);
    }
    for (int i = 0; i < 2 && blocks->retention != RETENTION_DENSE; i++)
        if (k < table->ends[i])
            next = min_u32(next, max_u32(k, table->ends[i] > needed ? table->ends[i] - needed : 0));
    return next;
}

/* Block k is kept: so are those after it up to the first one that is not; at most `end`. */
static uint32_t kept_until(const struct event_blocks *blocks, const struct event_table *table, uint32_t k, uint32_t end)
{
    const uint64_t per = interval_of(blocks);
    const uint32_t needed = blocks->needed[table->group];
    for (uint64_t after = k; k < end; k = (uint32_t)min_u64(after, end)) {
        if (per > 0 && needed >= per)
            return end;
        if (per > 0 && k % per >= per - needed)
            after = k - k % per + per;
        for (int i = 0; i < 2; i++)
            if (k < table->ends[i] && k + needed >= table->ends[i])
                after = max_u64(after, table->ends[i]);
        if (after == k)
            break;
    }
    return k;
}

/* --- tables ---------------------------------------------------------------------------------------------------------------------------- */

/* Of a hit only the window's end is touched. */
void event_window_begin(struct event_blocks *blocks, struct event_table *table)
{
    const struct kv_group *group = &blocks->layers.list[table->group];
    const uint32_t size = blocks->block_size, passed = kv_group_passed_blocks(group, blocks->hit_blocks * size);
    table->passed = table->count = passed;
    table->passes_at = (uint32_t)min_u64((passed + UINT64_C(1)) * size + group->reach - 1, UINT32_MAX);
    table->covered = blocks->hit_blocks;
    table->ends[0] = (blocks->trace->input_tokens[table->position] - 1) / size; /* the last token is always computed */
    table->ends[1] = blocks->hit_junction;
    table->next_kept = next_kept(blocks, table, table->covered);
    blocks->passed_blocks += passed;
}

/* Down the tree to the node of block `at`, which is named. A window that keeps little goes past many. */
static enum status go_to(struct event_blocks *blocks, struct event_table *table, uint32_t at, struct diag *diag)
{
    enum status status = SIM_OK;
    while (at >= table->place.end && status == SIM_OK)
        status = event_prefix_next(&blocks->queue.prefix, table->position, true, &table->place, diag);
    return status;
}

/* Register named blocks up to `end`: those that are kept become segments, others gaps. */
static enum status cover(struct event_blocks *blocks, struct event_table *table, uint32_t end, struct diag *diag)
{
    enum status status = SIM_OK;
    while (table->covered < end && status == SIM_OK) {
        const uint32_t kept = min_u32(next_kept(blocks, table, table->covered), end);
        uint32_t index, count;
        if (kept > table->covered) {
            status = event_table_add_part(table, SEGMENT_NONE, kept - table->covered, diag);
            table->covered = kept;
            continue;
        }
        status = go_to(blocks, table, kept, diag);
        if (status == SIM_OK)
            status = event_blocks_add_segment(blocks, table, kept, kept_until(blocks, table, kept, end) - kept, &index, &count, diag);
        if (status == SIM_OK)
            table->covered += count;
    }
    table->next_kept = next_kept(blocks, table, table->covered);
    return status;
}

enum status event_window_take(struct event_blocks *blocks, struct event_table *table, uint32_t fresh, uint32_t full, struct diag *diag)
{
    const uint32_t named = min_u32(full, table->named);
    segment_queue_take(&blocks->queue, NULL, fresh);
    table->count += fresh;
    blocks->table_blocks += fresh;
    if (!blocks->caching)
        return SIM_OK;
    table->registered = max_u32(table->registered, full);
    return named > table->covered ? cover(blocks, table, named, diag) : SIM_OK;
}

/* Blocks [from, full) without parts go back. Those that are kept join the tail, deepest first; `known`: so that the request can find them again.
 * Else nobody can. */
static enum status give_back_private(struct event_blocks *blocks, struct event_table *table, uint32_t from, uint32_t full, bool known,
                                     struct diag *diag)
{
    uint32_t kept = 0, node = NODE_NONE, deepest = SEGMENT_NONE;
    enum status status = SIM_OK;
    for (uint32_t k = next_kept(blocks, table, from), end; k < full && status == SIM_OK; k = next_kept(blocks, table, end)) {
        uint32_t index;
        end = kept_until(blocks, table, k, full);
        kept += end - k;
        if (!known)
            continue;
        status = event_blocks_private_node(blocks, table->position, &node, diag);
        if (status == SIM_OK)
            status = segment_queue_new(&blocks->queue, &index, diag);
        if (status != SIM_OK)
            break;
        blocks->queue.segments[index] =
            (struct segment){.count = end - k, .node = node + table->group, .offset = k - table->named, .rest = SEGMENT_NONE};
        segment_queue_link(&blocks->queue, index, SEGMENT_NONE);
        segment_queue_put(&blocks->queue, index, deepest);
        deepest = index;
    }
    segment_queue_count_front(&blocks->queue, full - from - kept);
    if (status == SIM_OK && !known)
        status = segment_queue_push_orphans(&blocks->queue, NULL, kept, 0, 0, diag);
    return status;
}

/* Leave the first `count` blocks of a part out of it, behind what they are a part of: *head. */
static enum status behead(struct event_blocks *blocks, struct table_part *part, uint32_t count, struct table_part *head, struct diag *diag)
{
    *head = (struct table_part){.segment = part->segment, .count = count};
    part->count -= count;
    if (part->segment == SEGMENT_NONE)
        return SIM_OK;
    uint32_t index = part->segment, left = count, tail;
    for (; blocks->queue.segments[index].count < left; index = blocks->queue.segments[index].rest)
        left -= blocks->queue.segments[index].count;
    if (blocks->queue.segments[index].count > left) {
        enum status status = segment_queue_split(&blocks->queue, index, left, &tail, diag);
        if (status != SIM_OK)
            return status;
    }
    part->segment = blocks->queue.segments[index].rest;
    return SIM_OK;
}

static enum status give_back_part(struct event_blocks *blocks, const struct table_part *part, struct diag *diag)
{
    if (part->segment != SEGMENT_NONE)
        return event_blocks_release_part(blocks, part, diag);
    segment_queue_count_front(&blocks->queue, part->count);
    return SIM_OK;
}

/* The first `count` blocks of those in parts go back, deepest first. */
static enum status give_back_parts(struct event_blocks *blocks, struct event_table *table, uint32_t count, struct diag *diag)
{
    const uint32_t first = table->first_part;
    enum status status = SIM_OK;
    while (count > 0 && table->parts[table->first_part].count <= count)
        count -= table->parts[table->first_part++].count;
    if (count > 0) {
        struct table_part head;
        status = behead(blocks, &table->parts[table->first_part], count, &head, diag);
        if (status == SIM_OK)
            status = give_back_part(blocks, &head, diag);
    }
    for (uint32_t i = table->first_part; i-- > first && status == SIM_OK;)
        status = give_back_part(blocks, &table->parts[i], diag);
    return status;
}

/* Blocks [passed, end) go back, of which the first `full` have their tokens. */
static enum status give_back(struct event_blocks *blocks, struct event_table *table, uint32_t end, uint32_t full, bool known,
                             struct diag *diag)
{
    const uint32_t from = max_u32(table->covered, table->passed), behind = max_u32(from, min_u32(full, end));
    enum status status = SIM_OK;
    blocks->table_blocks -= end - table->passed;
    if (end > from)
        segment_queue_count_front(&blocks->queue, end - behind);
    if (behind > from)
        status = give_back_private(blocks, table, from, behind, known, diag);
    if (status == SIM_OK && table->covered > table->passed)
        status = give_back_parts(blocks, table, min_u32(end, table->covered) - table->passed, diag);
    return status;
}

enum status event_window_pass(struct event_blocks *blocks, struct event_table *table, uint32_t passed, struct diag *diag)
{
    enum status status = give_back(blocks, table, passed, passed, true, diag);
    blocks->passed_blocks += passed - table->passed;
    table->passes_at += (passed - table->passed) * blocks->block_size;
    table->passed = passed;
    table->next_kept = next_kept(blocks, table, max_u32(passed, table->covered));
    return status;
}

enum status event_window_release(struct event_blocks *blocks, struct event_table *table, uint32_t settled, bool preempted,
                                 struct diag *diag)
{
    const uint32_t full = blocks->caching ? max_u32(table->registered, settled / blocks->block_size) : 0;
    enum status status = give_back(blocks, table, table->count, full, preempted, diag);
    blocks->passed_blocks -= table->passed;
    table->part_count = table->first_part = table->count = table->passed = table->covered = table->registered = 0;
    return status;
}

/* Parts reach from what has passed to `covered`, in segments that the table holds. A table that nobody has is all 0. */
bool event_window_check(const struct event_blocks *blocks, const struct event_table *table)
{
    uint32_t end = table->passed;
    for (uint32_t i = table->first_part; i < table->part_count; i++) {
        const struct table_part *part = &table->parts[i];
        end += part->count;
        if (part->segment != SEGMENT_NONE && blocks->queue.segments[part->segment].refs == 0)
            return false;
    }
    return end == max_u32(table->covered, table->passed);
}

/* --- lookup ---------------------------------------------------------------------------------------------------------------------------- */

/* One lookup: the nodes that the known tokens lead through, in blocks. The private node of a request comes last. */
struct search {
    struct event_blocks *blocks;
    uint32_t places;
    uint32_t named; /* where the private node begins */
};

static enum status add_place(struct search *search, struct prefix_place place, struct diag *diag)
{
    struct event_blocks *blocks = search->blocks;
    enum status status =
        array_reserve(&blocks->path, &blocks->path_capacity, (size_t)search->places + 1, sizeof *blocks->path, "prefix hits", diag);
    if (status == SIM_OK)
        blocks->path[search->places++] = place;
    return status;
}

/* The tree is followed once, as far as anybody was, and no further than `limit` blocks. */
static enum status find_path(struct search *search, uint32_t position, uint32_t limit, struct diag *diag)
{
    struct event_blocks *blocks = search->blocks;
    const uint32_t named = search->named = event_prefix_named_blocks(&blocks->queue.prefix, position), bound = min_u32(limit, named);
    struct prefix_place place = {0};
    enum status status = SIM_OK;
    while (place.end < bound && status == SIM_OK) {
        status = event_prefix_next(&blocks->queue.prefix, position, false, &place, diag);
        if (status != SIM_OK || place.node == NODE_NONE)
            break;
        status = add_place(search, place, diag);
        if (status == SIM_OK)
            blocks->path[search->places - 1].end = min_u32(place.end, named); /* what follows in the node is somebody else's */
    }
    if (status == SIM_OK && named < limit && blocks->private_node && blocks->private_node[position] != NODE_NONE)
        status = add_place(search, (struct prefix_place){.node = blocks->private_node[position], .start = named, .end = UINT32_MAX}, diag);
    return status;
}

/* How many of the first `limit` blocks a group has without a gap. */
static uint32_t leading(const struct search *search, uint32_t group, uint32_t limit)
{
    const struct event_blocks *blocks = search->blocks;
    uint32_t at = 0;
    for (uint32_t i = 0; i < search->places && at < limit; i++) {
        const struct prefix_place *place = &blocks->path[i];
        const uint32_t end = min_u32(place->end, limit);
        uint32_t count, from = blocks->queue.prefix.nodes[place->node + group].first_copy;
        if (place->start != at)
            break;
        while (at < end && event_blocks_find_copy(blocks, &from, at - place->start, end - at, &count) != SEGMENT_NONE)
            at += count;
        if (at < end)
            break;
    }
    return at;
}

/* The last block before `below` that a group has; *from: the first of those before it that it has without a gap, or one of them. UINT32_MAX:
 * it has none. What was split in the course of time stands side by side in the list of copies. */
static uint32_t last_before(const struct search *search, uint32_t group, uint32_t below, uint32_t *from)
{
    const struct event_blocks *blocks = search->blocks;
    const struct segment *segments = blocks->queue.segments;
    for (uint32_t i = search->places; i-- > 0;) {
        const struct prefix_place *place = &blocks->path[i];
        const struct segment *best = NULL;
        uint32_t last = 0;
        if (place->start >= below)
            continue;
        const uint32_t end = min_u32(place->end, below) - place->start;
        for (uint32_t index = blocks->queue.prefix.nodes[place->node + group].first_copy;
             index != SEGMENT_NONE && (!best || last < end - 1); index = segments[index].next_copy) {
            const uint32_t at = min_u32(segments[index].offset + segments[index].count, end) - 1;
            if (segments[index].offset >= end || (best && at <= last))
                continue;
            best = &segments[index];
            last = at;
        }
        if (!best)
            continue;
        while (best->prev_copy != SEGMENT_NONE && segments[best->prev_copy].offset + segments[best->prev_copy].count == best->offset)
            best = &segments[best->prev_copy];
        *from = place->start + best->offset;
        return place->start + last;
    }
    return UINT32_MAX;
}

/* The same for all groups of a set. */
static uint32_t set_last_before(const struct search *search, const struct kv_group_set *set, uint32_t below, uint32_t *from)
{
    *from = 0;
    for (uint32_t agreed = 0, last = UINT32_MAX, i = 0; agreed < set->count; i = (i + 1) % set->count) {
        uint32_t first = 0, at = last_before(search, set->members[i], below, &first);
        if (at == UINT32_MAX)
            return at;
        *from = at == last ? max_u32(*from, first) : first;
        agreed = at == last ? agreed + 1 : 1;
        last = at;
        below = at + 1;
        if (agreed == set->count)
            return at;
    }
    return UINT32_MAX;
}

static uint32_t find_full(const struct search *search, const struct kv_group_set *set, uint32_t limit)
{
    for (uint32_t i = 0; i < set->count; i++)
        limit = leading(search, set->members[i], limit);
    return limit;
}

/* From the end, until enough blocks in a row are there; those at the very start are enough however few they are. */
static uint32_t find_window(const struct search *search, const struct kv_group_set *set, uint32_t limit)
{
    const uint32_t needed = max_u32(kv_group_run_needed(set->group), 1);
    uint32_t from = 0, end = 0, begin = UINT32_MAX;
    while (limit > 0) {
        const uint32_t last = set_last_before(search, set, limit, &from);
        if (last == UINT32_MAX)
            return begin == 0 ? end : 0;
        if (last + 1 != begin)
            end = last + 1;
        begin = limit = from;
        if (end - begin >= needed)
            return end;
    }
    return begin == 0 ? end : 0;
}

/* Until no set shortens what the others found, as find_common() in prefix_lookup.c has it. In blocks. */
static uint32_t find_common(const struct search *search, uint32_t limit, uint32_t *longest)
{
    const uint32_t sets = search->blocks->layers.set_count;
    bool searched[KV_GROUPS_MOST] = {false};
    uint32_t lengths[KV_GROUPS_MOST] = {0}, hit = limit;
    for (;;) {
        uint32_t current = hit;
        for (uint32_t at = 0; at < sets; at++) {
            const struct kv_group_set set = kv_groups_set(&search->blocks->layers, at);
            const bool full = set.group->kind == KV_KIND_FULL;
            if (full && searched[at]) {
                current = min_u32(current, lengths[at]);
                continue;
            }
            current = lengths[at] = full ? find_full(search, &set, current) : find_window(search, &set, current);
            searched[at] = true;
            *longest = max_u32(*longest, current);
        }
        if (current >= hit)
            return hit;
        hit = current;
        if (sets == 2 && kv_groups_set(&search->blocks->layers, 0).group->kind == KV_KIND_FULL)
            return hit;
    }
}

/* Note what is to be touched, now that the length is known. */
static enum status note_hits(const struct search *search, uint32_t hits, struct diag *diag)
{
    struct event_blocks *blocks = search->blocks;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < search->places && blocks->path[i].start < hits; i++)
        if (blocks->path[i].start < search->named)
            blocks->hit_place = blocks->path[i];
    for (uint32_t group = 0; group < blocks->groups; group++) {
        uint32_t at = kv_group_passed_blocks(&blocks->layers.list[group], hits * blocks->block_size);
        for (uint32_t i = 0; i < search->places && at < hits && status == SIM_OK; i++) {
            const struct prefix_place *place = &blocks->path[i];
            if (at >= place->start && at < place->end)
                status = event_blocks_hit_node(blocks, group, place->node, at - place->start, &at, min_u32(place->end, hits), diag);
        }
        assert(at == hits || status != SIM_OK);
    }
    return status;
}

enum status event_windows_lookup(struct event_blocks *blocks, uint32_t position, uint32_t known, uint32_t *hits, struct diag *diag)
{
    struct search search = {.blocks = blocks};
    const uint32_t limit = (known - 1) / blocks->block_size;
    uint32_t longest = 0;
    enum status status = find_path(&search, position, limit, diag);
    if (status != SIM_OK)
        return status;
    const struct kv_group_set first = kv_groups_set(&blocks->layers, 0);
    uint32_t found = 0;
    if (blocks->groups > 1)
        found = find_common(&search, limit, &longest);
    else
        found = first.group->kind == KV_KIND_FULL ? find_full(&search, &first, limit) : find_window(&search, &first, limit);
    blocks->hit_junction = longest > found ? longest : 0;
    *hits = blocks->hit_blocks = found;
    return note_hits(&search, found, diag);
}

/* --- the gate -------------------------------------------------------------------------------------------------------------------------- */

/* Blocks of all groups that the first `tokens` tokens of the request of the last lookup take out of the free queue. */
static uint64_t need_of(const struct event_blocks *blocks, uint32_t tokens, bool capped)
{
    const uint32_t covered = ceil_div(min_u32(tokens, blocks->max_model_len), blocks->block_size);
    uint64_t need = 0;
    for (uint32_t i = 0; i < blocks->groups; i++) {
        const uint32_t wanted = capped ? min_u32(covered, blocks->caps[i]) : covered;
        need += event_blocks_idle_hits(blocks, i) + (wanted > blocks->hit_blocks ? wanted - blocks->hit_blocks : 0);
    }
    return need;
}

/* An eviction can take an idle hit of which there is another copy, in use; or shorten the hit. Then other layers need what they do not hit any
 * more, but a window may end in blocks that are in use. Without the gate the first chunk is as large as before, and hits need not be revived. */
uint64_t event_windows_least(const struct event_blocks *blocks, uint64_t evictions)
{
    const struct refusal *refusal = &blocks->refusal;
    if (evictions == 0)
        return refusal->need;
    return refusal->need - refusal->idle_in_windows - (refusal->gated ? min_u64(evictions, refusal->idle_else) : refusal->idle_else);
}

bool event_windows_fit(struct event_blocks *blocks, uint32_t known, uint32_t tokens, uint32_t watermark, bool whole)
{
    const uint64_t free_blocks = event_blocks_free(blocks);
    struct refusal refusal = {.need = whole ? need_of(blocks, known, true) + watermark : 0, .evictions = blocks->queue.evictions};
    refusal.gated = refusal.need > free_blocks;
    if (!refusal.gated)
        refusal.need = need_of(blocks, blocks->hit_blocks * blocks->block_size + tokens + blocks->lookahead, false) + watermark;
    if (refusal.need <= free_blocks)
        return true;
    for (uint32_t i = 0; i < blocks->groups; i++)
        *(blocks->layers.list[i].kind == KV_KIND_SLIDING_WINDOW ? &refusal.idle_in_windows : &refusal.idle_else) +=
            event_blocks_idle_hits(blocks, i);
    blocks->refusal = refusal;
    return false;
}
