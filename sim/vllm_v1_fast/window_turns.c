/* window_turns.c - merges the lists of the calendar that are due in a step. Read window_turns.h first. */
#include "vllm_v1_fast/window_turns.h"

#include "base/integers.h"

/* A block leaves a window when as many tokens are back as blocks fill and the window less one; with asynchronous scheduling a token is back one
 * step later. */
static uint32_t distance_of(const struct event_replay *replay, uint32_t group)
{
    return (uint32_t)((replay->blocks.layers.list[group].reach - 1 + (uint64_t)replay->base.overlaps) % replay->blocks.block_size);
}

static bool is_window(const struct event_replay *replay, uint32_t group)
{
    return replay->blocks.layers.list[group].kind == KV_KIND_SLIDING_WINDOW;
}

/* The distance 0 needs no list of its own. */
void window_turns_init(struct event_replay *replay)
{
    for (uint32_t i = 0; i < replay->blocks.groups; i++) {
        if (!is_window(replay, i))
            continue;
        const uint32_t distance = distance_of(replay, i);
        bool known = distance == 0;
        for (uint32_t k = 0; k < replay->distance_count; k++)
            known |= replay->distances[k] == distance;
        if (!known)
            replay->distances[replay->distance_count++] = distance;
        replay->windows++;
    }
}

void window_turns_begin(const struct event_replay *replay, uint32_t phase, struct window_turns *turns)
{
    const uint32_t *first = replay->calendar.phase_first;
    turns->count = 1 + replay->distance_count;
    turns->lists[0].slot = first[phase];
    turns->lists[0].rest = NULL;
    for (uint32_t i = 0; i < replay->distance_count; i++) {
        turns->lists[1 + i].slot = first[window_turns_phase(replay, phase, replay->distances[i])];
        turns->lists[1 + i].rest = NULL;
    }
}

void window_turns_add(struct window_turns *turns, const uint32_t *slots, uint32_t count)
{
    if (count == 0)
        return;
    turns->lists[turns->count].slot = *slots;
    turns->lists[turns->count].rest = slots + 1;
    turns->lists[turns->count++].end = slots + count;
}

/* In block_size steps each decoder takes a block of every group and gives back one of every window at most. So if it holds for that many, it
 * holds for ever. */
uint32_t window_turns_below(const struct event_replay *replay, uint64_t least)
{
    const struct event_calendar *calendar = &replay->calendar;
    const struct event_blocks *blocks = &replay->blocks;
    uint64_t free_blocks = event_blocks_free(blocks);
    uint32_t phase = calendar->tick_phase;
    if (free_blocks + (uint64_t)calendar->decoders * replay->windows < least)
        return UINT32_MAX;
    for (uint32_t step = 0; step < calendar->block_size; step++) {
        for (uint32_t i = 0; i < blocks->groups; i++)
            if (is_window(replay, i))
                free_blocks += calendar->phase_count[window_turns_phase(replay, phase, distance_of(replay, i))];
        const uint64_t taken = (uint64_t)calendar->phase_count[phase] * blocks->groups;
        if (free_blocks >= least + taken)
            return step;
        free_blocks -= min_u64(taken, free_blocks);
        phase = phase + 1 == calendar->block_size ? 0 : phase + 1;
    }
    return UINT32_MAX;
}

void window_turns_settle(struct event_replay *replay)
{
    const struct event_calendar *calendar = &replay->calendar;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < replay->fresh_count; i++) {
        const uint32_t slot = replay->fresh[i];
        const uint32_t computed = event_calendar_computed(calendar, &calendar->live[slot]);
        if (event_windows_lag(&replay->blocks, slot, computed + !replay->base.overlaps))
            replay->fresh[kept++] = slot;
    }
    replay->fresh_count = kept;
}
