/* arrivals.c - the order of arrivals, without those dropped, and the slots of a closed loop. Read closed_loop.h first: it says when a
 * request arrives that has to wait for a slot. The small steps that run once a request are inline in arrivals.h. Here is what happens
 * once a replay or only in a closed loop. */
#include "engine/arrivals.h"

#include <stdlib.h>

#include "base/array.h"

enum status arrivals_init(struct arrivals *arrivals, const struct trace *trace, uint32_t max_concurrency, struct arrival_feed *feed,
                          struct diag *diag)
{
    *arrivals = (struct arrivals){.trace = trace, .feed = feed, .next_ns = INT64_MAX, .horizon_ns = INT64_MAX};
    enum status status = feed ? SIM_OK : closed_loop_init(&arrivals->slots, trace, max_concurrency, diag);
    if (status == SIM_OK && !feed)
        status = later_turns_init(&arrivals->turns, trace, diag);
    arrivals->followed = arrivals->slots.slots > 0 || arrivals->turns.trace || feed;
    return status;
}

void arrivals_deinit(struct arrivals *arrivals)
{
    closed_loop_deinit(&arrivals->slots);
    later_turns_deinit(&arrivals->turns);
    free(arrivals->is_dropped);
    *arrivals = (struct arrivals){0};
}

/* The flags are made with the first drop, since most replays drop nobody: until then arrivals_find_next has one test more and no loop. */
enum status arrivals_drop(struct arrivals *arrivals, uint32_t position, struct diag *diag)
{
    arrivals->dropped++;
    if (arrivals->feed) /* it will not be asked for again */
        return SIM_OK;
    const struct array_request flags[] = {ARRAY_IF(!arrivals->is_dropped, arrivals->is_dropped, arrivals->trace->count)};
    enum status status = array_zeroed_all(flags, 1, "the replay's requests", diag);
    if (status != SIM_OK)
        return status;
    arrivals->is_dropped[position] = true;
    return SIM_OK;
}

/* The freed slot may be the one that the next request waits for, so next_ns is worked out again here instead of being polled: it can
 * fall from INT64_MAX to the end of the step that is being completed. A stepper must therefore look at next_ns after its ends, not
 * before. */
void arrivals_follow_end(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    if (arrivals->feed) {
        arrival_feed_ended(arrivals->feed, position, now_ns);
        if (arrivals->feed->stops && now_ns < arrivals->horizon_ns)
            arrivals_set_horizon(arrivals, now_ns);
        return;
    }
    closed_loop_end(&arrivals->slots, position, now_ns);
    later_turns_end(&arrivals->turns, position, now_ns, arrivals->is_dropped);
    arrivals_find_next(arrivals);
}

/* --- fed ------------------------------------------------------------------------------------------------------------------------- */

void arrivals_set_horizon(struct arrivals *arrivals, int64_t horizon_ns)
{
    arrivals->horizon_ns = horizon_ns;
    arrivals_find_next(arrivals);
}

/* What was sent may be on its way beyond the horizon. */
void arrivals_find_next_fed(struct arrivals *arrivals)
{
    const struct arrival_feed *feed = arrivals->feed;
    const bool known = feed->first < feed->count && feed->sent[feed->first].time_ns < arrivals->horizon_ns;
    arrivals->next = known ? feed->sent[feed->first].position : arrivals->trace->count;
    arrivals->next_ns = known ? feed->sent[feed->first].time_ns : arrivals->horizon_ns;
}

/* --- the front door -------------------------------------------------------------------------------------------------------------- */

/* Children of one request stand next to each other (trace_expand_samples). */
static uint32_t samples_of_next(const struct arrivals *arrivals)
{
    uint32_t samples = 1;
    while (arrivals->next + samples < arrivals->trace->count && trace_sample_of(arrivals->trace, arrivals->next + samples) > 0)
        samples++;
    return samples;
}

bool arrivals_rejects_next(const struct arrivals *arrivals)
{
    return arrivals->door.watched && trace_sample_of(arrivals->trace, arrivals->next) == 0 &&
           front_door_rejects(&arrivals->door, arrivals_present(arrivals), samples_of_next(arrivals), arrivals->next_ns);
}

/* It takes a slot and gives it back, which is what a client does whose call returns at once. All samples are taken before the first ends,
 * as a call ends with its last one. The engine and the door's book never see it. */
enum status arrivals_reject(struct arrivals *arrivals, uint32_t *position, uint32_t *samples, struct diag *diag)
{
    const struct front_door door = arrivals->door;
    const int64_t now_ns = arrivals->next_ns;
    *position = arrivals->next;
    *samples = samples_of_next(arrivals);
    for (uint32_t i = 0; i < *samples; i++) {
        arrivals_take(arrivals);
        enum status status = arrivals_drop(arrivals, *position + i, diag);
        if (status != SIM_OK)
            return status;
    }
    arrivals->taken -= *samples;
    arrivals->door = door;
    for (uint32_t i = 0; i < *samples; i++)
        arrivals_follow_end(arrivals, *position + i, now_ns);
    return SIM_OK;
}

/* --- sessions -------------------------------------------------------------------------------------------------------------------- */

/* Past later turns, which wait in the heap, and past dropped requests, after which their sessions go on. */
static void skip_to_first(struct arrivals *arrivals)
{
    const struct trace *trace = arrivals->trace;
    for (; arrivals->first < trace->count; arrivals->first++) {
        if (trace->previous[arrivals->first] > 0)
            continue;
        if (!arrivals->is_dropped || !arrivals->is_dropped[arrivals->first])
            return;
        later_turns_end(&arrivals->turns, arrivals->first, trace->arrival_ns[arrivals->first], arrivals->is_dropped);
    }
}

/* Whoever asks first: the next that arrives by itself, or the first of the turns that may ask. */
void arrivals_find_next_turn(struct arrivals *arrivals)
{
    const struct later_turns *turns = &arrivals->turns;
    skip_to_first(arrivals);
    const uint32_t first = arrivals->first;
    arrivals->next = first;
    if (turns->count > 0) {
        const uint32_t turn = turns->heap[0];
        const bool turn_is_next = first == arrivals->trace->count || turns->asks_ns[turn] < turns->asks_ns[first] ||
                                  (turns->asks_ns[turn] == turns->asks_ns[first] && turn < first);
        arrivals->next = turn_is_next ? turn : first;
    }
    arrivals->next_ns = arrivals->next == arrivals->trace->count
                            ? INT64_MAX
                            : closed_loop_arrival(&arrivals->slots, arrivals->next, turns->asks_ns[arrivals->next]);
}

/* From here on asks_ns tells when it arrived, which is later than it asked if it waited for a slot. */
void arrivals_take_turn(struct arrivals *arrivals, uint32_t position)
{
    if (position == arrivals->first)
        arrivals->first++;
    else
        later_turns_pop(&arrivals->turns);
    arrivals->turns.asks_ns[position] = arrivals->next_ns;
}
