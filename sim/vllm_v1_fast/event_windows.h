/* event_windows.h - block tables of sliding windows in the event replay, and prefix hits that several groups of layers have in common.
 * Says what section 13 of doc/vllm_v1.md says, for full layers and sliding windows of one block size, without ids.
 *
 *   table      [ passed: gone ][ parts: segments, and gaps (SEGMENT_NONE) of blocks without content ][ no part: a count ]
 *              0             passed                                                            covered                count
 *
 * Not every block of a window is put into the cache (prefix_cache_retention_interval; by default those at a prompt's end alone). Which are is
 * arithmetic, so blocks that nobody else can have need no entry here either: when one leaves the window it goes to the front of the free queue
 * as a count, or, if it is one that is kept, to the tail as a segment of the request's private node, since the request may be preempted
 * and look for it.
 */
#ifndef PAGESIM_EVENT_WINDOWS_H
#define PAGESIM_EVENT_WINDOWS_H

#include "base/integers.h"
#include "vllm_v1_fast/event_tables.h"

/* The hits of all groups (section 13, "lookup"), at most (known - 1) / block size blocks. */
SIM_NODISCARD enum status event_windows_lookup(struct event_blocks *blocks, uint32_t position, uint32_t known, uint32_t *hits,
                                               struct diag *diag);
/* Says event_blocks_fits. */
bool event_windows_fit(struct event_blocks *blocks, uint32_t known, uint32_t tokens, uint32_t watermark, bool whole);
/* What was refused last would be refused again, unless so many blocks are free or something was released by requests that end or registered that
 * several can have; after so many evictions. */
uint64_t event_windows_least(const struct event_blocks *blocks, uint64_t evictions);

/* A table that begins with the hits of the last lookup, which are touched next. */
void event_window_begin(struct event_blocks *blocks, struct event_table *table);
/* `fresh` more blocks, of all of which the first `full` will have all their tokens. */
SIM_NODISCARD enum status event_window_take(struct event_blocks *blocks, struct event_table *table, uint32_t fresh, uint32_t full,
                                            struct diag *diag);
SIM_NODISCARD enum status event_window_release(struct event_blocks *blocks, struct event_table *table, uint32_t settled, bool preempted,
                                               struct diag *diag);

bool event_window_check(const struct event_blocks *blocks, const struct event_table *table);

/* The first `passed` blocks are left by the window, and all of them are full. */
SIM_NODISCARD enum status event_window_pass(struct event_blocks *blocks, struct event_table *table, uint32_t passed, struct diag *diag);

/* Give back what the windows of a slot have left, of which `back` tokens are computed and back. */
SIM_NODISCARD static inline enum status event_windows_pass(struct event_blocks *blocks, uint32_t slot, uint32_t back, struct diag *diag)
{
    struct event_table *tables = event_tables_of(blocks, slot);
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < blocks->groups && status == SIM_OK; i++) {
        struct event_table *table = &tables[i];
        if (back < table->passes_at || blocks->layers.list[i].kind != KV_KIND_SLIDING_WINDOW)
            continue;
        if (back - table->passes_at < blocks->block_size && table->passed >= table->covered && table->passed < table->next_kept) {
            table->passed++; /* one block without content: what a decoding request has nearly always */
            table->passes_at += blocks->block_size;
            blocks->passed_blocks++;
            blocks->table_blocks--;
            segment_queue_count_front(&blocks->queue, 1);
        } else {
            status = event_window_pass(blocks, table, kv_group_passed_blocks(&blocks->layers.list[i], back), diag);
        }
    }
    return status;
}

/* Tokens that must be back for something to leave a window of the slot; UINT32_MAX: it has none. */
static inline uint32_t event_windows_passes_at(const struct event_blocks *blocks, uint32_t slot)
{
    const struct event_table *tables = event_tables_of(blocks, slot);
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; i < blocks->groups; i++)
        if (blocks->layers.list[i].kind == KV_KIND_SLIDING_WINDOW)
            at = min_u32(at, tables[i].passes_at);
    return at;
}

/* Will something leave a window of the slot before `back` tokens are back? */
static inline bool event_windows_lag(const struct event_blocks *blocks, uint32_t slot, uint32_t back)
{
    return event_windows_passes_at(blocks, slot) < back;
}

#endif
