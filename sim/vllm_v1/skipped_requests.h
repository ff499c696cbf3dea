/* skipped_requests.h - waiting requests that the scheduler passes over, as they wait for K and V: looked at before the others in each step.
 *
 *     [ looked at in this step, and still waiting ][ at: not yet looked at ]      then the waiting queue
 *
 * Under fcfs they come before the waiting queue; in an ordered queue whoever is sooner comes first. Their own order is that in which they were
 * first passed over, or that of the queue. Source: vLLM v1/core/sched/scheduler.py, skipped_waiting.
 */
#ifndef PAGESIM_SKIPPED_REQUESTS_H
#define PAGESIM_SKIPPED_REQUESTS_H

#include <string.h>

#include "engine/request_queue.h"

struct skipped_requests {
    uint32_t *positions; /* room for every request of the trace */
    uint32_t count, at;
};

/* Who is next: *skipped says where it stands. false: nobody. */
static inline bool skipped_requests_next(const struct skipped_requests *requests, const struct request_queue *waiting, uint32_t *position,
                                         bool *skipped)
{
    const bool here = requests->at < requests->count;
    if (!here && waiting->count == 0)
        return false;
    *skipped = here && (waiting->count == 0 || !waiting->ordered ||
                        request_queue_sooner(waiting, requests->positions[requests->at], request_queue_peek(waiting)));
    *position = *skipped ? requests->positions[requests->at] : request_queue_peek(waiting);
    return true;
}

/* It stays, or becomes, one of these. */
static inline void skipped_requests_pass(struct skipped_requests *requests, struct request_queue *waiting, uint32_t position, bool skipped)
{
    if (!skipped) {
        request_queue_pop(waiting);
        memmove(requests->positions + requests->at + 1, requests->positions + requests->at,
                (size_t)(requests->count++ - requests->at) * sizeof *requests->positions);
        requests->positions[requests->at] = position;
    }
    requests->at++;
}

/* It runs. */
static inline void skipped_requests_leave(struct skipped_requests *requests, struct request_queue *waiting, bool skipped)
{
    if (!skipped) {
        request_queue_pop(waiting);
        return;
    }
    memmove(requests->positions + requests->at, requests->positions + requests->at + 1,
            (size_t)(--requests->count - requests->at) * sizeof *requests->positions);
}

#endif
