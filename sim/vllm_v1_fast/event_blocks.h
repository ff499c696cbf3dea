/* event_blocks.h - block tables and prefix hits of vLLM V1 for the event replay. Decides and hands out exactly what vllm_v1_blocks.h
 * does, id for id, and keeps no entry per block for content that only one request can have.
 *
 *   table         [ parts: segments (content several may share) ][ pending blocks ][ private blocks (content nobody else can have) ]
 *
 * Private blocks (after the hash ids, and all output) are found again only by their own request after a preemption. Until then they are
 * plain ids in its table. When it finishes they become orphans of the free queue (segment_queue.h).
 *
 * Without ids (`track_ids` false), tables of decoding requests are counted when they are next looked at. The fields are written in
 * event_blocks.c, event_windows.c and by the inline functions here, by nobody else.
 *
 * With several groups of layers (doc/vllm_v1.md, section 13) a request has a table for each. Those of full layers are as above; those of
 * sliding windows are the business of event_windows.h. All have the same block size, so all tables have the same length, if what has left
 * the window counts. Only without ids.
 */
#ifndef PAGESIM_EVENT_BLOCKS_H
#define PAGESIM_EVENT_BLOCKS_H

#include "vllm_v1_fast/event_tables.h"

/* `track_ids`: keep block ids and table_runs. */
SIM_NODISCARD enum status event_blocks_init(struct event_blocks *blocks, const struct trace *trace, const struct config *config,
                                            uint32_t slots, bool track_ids, struct diag *diag);
void event_blocks_deinit(struct event_blocks *blocks);

/* Section 4: *hits = leading blocks that can be reused; remembered for admit. */
SIM_NODISCARD enum status event_blocks_lookup(struct event_blocks *blocks, uint32_t position, uint32_t known, uint32_t *hits,
                                              struct diag *diag);
/* Section 5, for the request of the last lookup: would the first chunk (and, `whole`, all known tokens) fit? */
bool event_blocks_fits(struct event_blocks *blocks, uint32_t known, uint32_t tokens, uint32_t watermark, bool whole);
/* Give the hits and blocks for `tokens` more to an empty table. It must fit. */
SIM_NODISCARD enum status event_blocks_admit(struct event_blocks *blocks, uint32_t slot, uint32_t position, uint32_t known, uint32_t tokens,
                                             struct diag *diag);
/* Blocks for `tokens` more of a running request. `back`: those of its computed tokens whose steps are back. *fits = false: nothing changed, but
 * that what has left a window is given back. */
SIM_NODISCARD enum status event_blocks_grow(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t back, uint32_t known,
                                            uint32_t tokens, bool *fits, struct diag *diag);
/* Give the table back, which has `computed` tokens. Blocks that the first `settled` of them fill have content. `preempted`: the request's
 * private blocks stay findable by it. */
SIM_NODISCARD enum status event_blocks_release(struct event_blocks *blocks, uint32_t slot, uint32_t computed, uint32_t settled,
                                               bool preempted, struct diag *diag);

/* --- decoding requests that cross a block boundary -------------------------------------------------------------------------------- */

/* Decoding requests take their next block here, one after the other in running order; there must be a block for each. How a stretch of
 * steps does it, for the `count` requests of one step, with ids:
 *
 *     at = segment_queue_orphans_next(&blocks->queue, count)
 *     at == UINT32_MAX?  event_blocks_append(blocks, slot) for each
 *     else               event_blocks_append_orphan(blocks, slot, &at) for each
 *                        segment_queue_orphans_taken(&blocks->queue, at, count)
 *     event_blocks_add_runs(blocks, the sum of what these returned)
 *
 * Without ids, none of that. Either way event_blocks_appended follows, once for many steps if the caller likes. All inline, because a fast
 * replay does little else. */

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
    return event_table_append(event_tables_of(blocks, slot), segment_queue_take_one(&blocks->queue));
}

/* The same for the orphan at place *at of the ring, and *at moves on. */
static inline uint32_t event_blocks_append_orphan(struct event_blocks *blocks, uint32_t slot, uint32_t *at)
{
    const uint32_t id = blocks->queue.ring[*at];
    *at = (*at + 1) & blocks->queue.ring_mask;
    return event_table_append(event_tables_of(blocks, slot), id);
}

static inline void event_blocks_add_runs(struct event_blocks *blocks, uint32_t runs)
{
    blocks->table_runs += runs;
}

/* Without ids: the same for a table whose blocks are not told by its tokens, as with drafts; event_blocks_appended follows. */
static inline void event_blocks_count_one(struct event_blocks *blocks, uint32_t slot)
{
    struct event_table *table = event_tables_of(blocks, slot);
    table->private_count++;
    table->count++;
}

/* Tables of decoding requests have `count` blocks more. Without ids, where nothing was appended, they leave the queue here. */
static inline void event_blocks_appended(struct event_blocks *blocks, uint32_t count)
{
    blocks->table_blocks += count;
    if (!blocks->queue.track_ids && count > 0)
        segment_queue_take(&blocks->queue, NULL, count);
}

/* With several groups or windows: a block of each group for the table of a decoding request, out of the queue at once. */
static inline void event_blocks_take_each(struct event_blocks *blocks)
{
    segment_queue_take(&blocks->queue, NULL, blocks->groups);
    blocks->table_blocks += blocks->groups;
}

/* --- questions -------------------------------------------------------------------------------------------------------------------- */

/* Leading blocks of a slot's table that other tables hold too. */
uint32_t event_blocks_shared(const struct event_blocks *blocks, uint32_t slot);

/* Blocks that the table of a slot holds, which has `computed` tokens and none scheduled beyond. */
uint32_t event_blocks_held(struct event_blocks *blocks, uint32_t slot, uint32_t computed);

/* What each block is, the null block included (pool_states.h). With ids only. O(blocks). */
void event_blocks_states(const struct event_blocks *blocks, uint8_t *states);

/* Begin to count blocks. */
SIM_NODISCARD enum status event_blocks_count_begin(struct event_blocks *blocks, struct diag *diag);
/* Blocks of a slot's table, brought up to date by event_blocks_held, that no table counted before had. Nothing may change in between. */
uint32_t event_blocks_count(struct event_blocks *blocks, uint32_t slot);

bool event_blocks_check(const struct event_blocks *blocks);

#endif
