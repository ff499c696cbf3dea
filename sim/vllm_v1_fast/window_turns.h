/* window_turns.h - with sliding windows, who is due in a step of the calendar, in running order.
 *
 * A decoding request whose windows are full gives a block of each back as often as it takes one, and always as many steps later. So who does
 * in a step is in one list of the calendar for each such distance, as those are who take a block. The lists are merged, because a block that one
 * request gives back can be taken by the next.
 */
#ifndef PAGESIM_WINDOW_TURNS_H
#define PAGESIM_WINDOW_TURNS_H

#include "vllm_v1_fast/event_windows.h"
#include "vllm_v1_fast/replay_state.h"

/* Cursors in lists of slots, each in running order: of the calendar (`rest` NULL), or arrays. */
struct window_turns {
    uint32_t count;
    struct {
        uint32_t slot; /* the next one; LIVE_NONE: no more */
        const uint32_t *rest, *end;
    } lists[KV_GROUPS_MOST + 3];
};

/* The distances, once. */
void window_turns_init(struct event_replay *replay);

/* Who gives a block back in the step of `phase`, `distance` steps after he took one, is in the list of this phase. */
static inline uint32_t window_turns_phase(const struct event_replay *replay, uint32_t phase, uint32_t distance)
{
    return phase >= distance ? phase - distance : phase + replay->calendar.block_size - distance;
}

/* Says what event_calendar_crossings says, of those who give a block back, too. */
static inline uint64_t window_turns_crossings(const struct event_replay *replay, uint32_t phase, uint32_t *steps)
{
    uint64_t bits = event_calendar_crossings(&replay->calendar, phase, steps);
    for (uint32_t i = 0; i < replay->distance_count; i++) {
        uint32_t also;
        bits |= event_calendar_crossings(&replay->calendar, window_turns_phase(replay, phase, replay->distances[i]), &also);
        *steps = min_u32(*steps, also);
    }
    return *steps < 64 ? bits & ((UINT64_C(1) << *steps) - 1) : bits;
}

/* Those of the calendar who are due in the step of `phase`. */
void window_turns_begin(const struct event_replay *replay, uint32_t phase, struct window_turns *turns);
/* And those of an array. */
void window_turns_add(struct window_turns *turns, const uint32_t *slots, uint32_t count);

/* The next slot; LIVE_NONE: that were all. One that stands in several lists comes once. */
static inline uint32_t window_turns_next(const struct event_replay *replay, struct window_turns *turns)
{
    const struct live *live = replay->calendar.live;
    uint32_t slot = turns->lists[0].slot;
    for (uint32_t i = 1; i < turns->count; i++) {
        const uint32_t other = turns->lists[i].slot;
        if (other != LIVE_NONE && (slot == LIVE_NONE || live[other].order < live[slot].order))
            slot = other;
    }
    for (uint32_t i = 0; i < turns->count && slot != LIVE_NONE; i++) {
        if (turns->lists[i].slot != slot)
            continue;
        if (!turns->lists[i].rest)
            turns->lists[i].slot = live[slot].next_phase;
        else
            turns->lists[i].slot = turns->lists[i].rest < turns->lists[i].end ? *turns->lists[i].rest++ : LIVE_NONE;
    }
    return slot;
}

/* For how many of the coming steps, if only decoding happens, is it sure that fewer than `least` blocks are free after everybody had a turn?
 * UINT32_MAX: for all. */
uint32_t window_turns_below(const struct event_replay *replay, uint64_t least);

/* Once everybody had a turn in a step of the calendar: forget those of replay->fresh whose windows have nothing left to give but what their phase
 * tells. */
void window_turns_settle(struct event_replay *replay);

#endif
