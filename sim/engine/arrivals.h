/* arrivals.h - who arrives next, and when.
 *
 * Requests arrive in the order of the trace. Three things come between the trace and the engine: requests that could never run are dropped
 * before the replay starts, in a closed loop (closed_loop.h) a request also waits until one of the slots is free, and when it comes the front
 * door (front_door.h) may turn it away. Later turns of a session (later_turns.h) come between those that arrive by themselves; whoever asks
 * first takes the next slot.
 *
 *     init -> drop* -> find_next -> { take | reject | first_token | end }*
 *
 * next_ns is kept up to date by take and end, so the loop and the steppers just read it. Belongs to one replay and one thread.
 *
 * A replica of a fleet is fed (arrival_feed.h): its requests are those that a router sends it, and nobody knows beforehand which these are.
 * Such a replay goes on as far as its horizon, beyond which something may still be sent. A horizon is an arrival of nobody:
 * next == trace->count, next_ns == horizon_ns.
 */
#ifndef PAGESIM_ARRIVALS_H
#define PAGESIM_ARRIVALS_H

#include "engine/arrival_feed.h"
#include "engine/closed_loop.h"
#include "engine/front_door.h"
#include "engine/later_turns.h"

struct arrivals {
    const struct trace *trace;
    struct closed_loop slots;
    struct later_turns turns;
    struct front_door door;    /* shut for nobody until front_door_init says so */
    struct arrival_feed *feed; /* borrowed; NULL: requests arrive in the order of the trace */
    bool followed;             /* somebody waits for ends: slots, turns or who feeds */
    uint32_t first;            /* with sessions: the next position that arrives by itself */
    bool *is_dropped;          /* by position; NULL until somebody is */
    uint32_t next;             /* the position that arrives next; trace->count: none is left */
    int64_t next_ns;           /* when it does; horizon_ns: none is left, or all slots are busy */
    int64_t horizon_ns;        /* INT64_MAX: the replay goes on to its end */
    uint64_t dropped;          /* requests dropped before the replay, or rejected */
    uint64_t taken;            /* that arrived and went in */
    uint64_t ended;            /* of those, that finished or were given up by the engine */
};

/* Borrows trace and feed. max_concurrency 0: an open loop. With a feed, slots and sessions are the business of who feeds. */
SIM_NODISCARD enum status arrivals_init(struct arrivals *arrivals, const struct trace *trace, uint32_t max_concurrency,
                                        struct arrival_feed *feed, struct diag *diag);
void arrivals_deinit(struct arrivals *arrivals);

/* This request will not arrive. Before the first arrivals_find_next. */
SIM_NODISCARD enum status arrivals_drop(struct arrivals *arrivals, uint32_t position, struct diag *diag);
/* Nobody arrives and no step may start from here on, unless it is set again: not below now. */
void arrivals_set_horizon(struct arrivals *arrivals, int64_t horizon_ns);
/* arrivals_find_next where there are sessions, or a feed; use that one. */
void arrivals_find_next_turn(struct arrivals *arrivals);
void arrivals_find_next_fed(struct arrivals *arrivals);
/* From position `next` on: who arrives, and when? Called once when all drops are known; later take and end do it. */
static inline void arrivals_find_next(struct arrivals *arrivals)
{
    const struct trace *trace = arrivals->trace;
    if (arrivals->turns.trace || arrivals->feed) {
        (arrivals->feed ? arrivals_find_next_fed : arrivals_find_next_turn)(arrivals);
        return;
    }
    while (arrivals->is_dropped && arrivals->next < trace->count && arrivals->is_dropped[arrivals->next])
        arrivals->next++;
    if (arrivals->next == trace->count)
        arrivals->next_ns = arrivals->horizon_ns;
    else if (arrivals->slots.slots == 0)
        arrivals->next_ns = trace->arrival_ns[arrivals->next];
    else
        arrivals->next_ns = closed_loop_arrival(&arrivals->slots, arrivals->next, trace->arrival_ns[arrivals->next]);
}

/* Take `position`, which arrives next, out of the list that it stands in; part of arrivals_take. */
void arrivals_take_turn(struct arrivals *arrivals, uint32_t position);
/* The next request arrives, at next_ns; there must be one. Returns its position. */
static inline uint32_t arrivals_take(struct arrivals *arrivals)
{
    const uint32_t position = arrivals->next++;
    if (arrivals->turns.trace)
        arrivals_take_turn(arrivals, position);
    else if (arrivals->feed)
        arrivals->feed->first++;
    if (arrivals->slots.slots > 0)
        closed_loop_take(&arrivals->slots, position, arrivals->next_ns);
    if (arrivals->door.watched)
        arrivals->door.queued_tokens += arrivals->trace->input_tokens[position];
    arrivals->taken++;
    arrivals_find_next(arrivals);
    return position;
}

/* What an end brings to those who wait for it, for a slot or as the next turn; use arrivals_end. */
void arrivals_follow_end(struct arrivals *arrivals, uint32_t position, int64_t now_ns);
/* A request that arrived leaves the engine at `now_ns`; times of calls do not fall. In a closed loop this can bring the next arrival. */
static inline void arrivals_end(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    if (arrivals->door.watched)
        front_door_end(&arrivals->door, now_ns);
    arrivals->ended++;
    if (arrivals->followed)
        arrivals_follow_end(arrivals, position, now_ns);
}

/* The request got its first token at `now_ns`, in one order of time with ends. */
static inline void arrivals_first_token(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    if (arrivals->door.watched)
        front_door_first_token(&arrivals->door, arrivals->trace->input_tokens[position], now_ns);
}

/* Requests that are in the engine: arrived and not ended. */
static inline uint64_t arrivals_present(const struct arrivals *arrivals)
{
    return arrivals->taken - arrivals->ended;
}

/* Is the next request, at next_ns, turned away with all its samples? Else it is taken, and so are its other samples unasked. */
bool arrivals_rejects_next(const struct arrivals *arrivals);
/* Turn it away: its client hears so at once, so that its slot is free and a later turn may come as if the answer had ended. *position: of
 * sample 0; *samples stand there. */
SIM_NODISCARD enum status arrivals_reject(struct arrivals *arrivals, uint32_t *position, uint32_t *samples, struct diag *diag);
/* When a request that was taken arrived; in a closed loop that may be later than the trace says. */
static inline int64_t arrivals_time_of(const struct arrivals *arrivals, uint32_t position)
{
    if (arrivals->feed)
        return arrivals->feed->times_ns[position];
    return arrivals->turns.trace ? arrivals->turns.asks_ns[position] : closed_loop_arrived(&arrivals->slots, position);
}

#endif
