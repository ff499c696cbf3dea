/* closed_loop.h - max_concurrency: at most N requests are in flight, and the next one starts when one ends.
 *
 * What `vllm bench serve --max-concurrency N` does with a semaphore: requests ask for one of N slots in the order in which they were drawn.
 * The k-th one (from 0) finds a free slot while k < N, and after that takes the slot of the (k - N + 1)-th request to end:
 *
 *     arrival of k = max(its drawn time, end number k - N)         ends are numbered from 0, in order of time
 *
 * A request is what a client sends: samples of one request (trace_expand_samples) arrive together, hold one slot and give it back when the
 * last of them ends. One that is rejected when it comes (front_door.h) ends at once. Requests that were dropped before the replay, or are
 * never asked for, take no slot. Belongs to one replay and one thread.
 */
#ifndef PAGESIM_CLOSED_LOOP_H
#define PAGESIM_CLOSED_LOOP_H

#include "base/diag.h"
#include "trace/trace.h"

struct closed_loop {
    const struct trace *trace;
    uint64_t slots;          /* 0: an open loop, everybody arrives when it was drawn */
    uint64_t taken, ended;   /* requests that took a slot, requests that gave theirs back */
    int64_t newest_ns;       /* arrival of the request that took the newest slot */
    int64_t *arrived_ns;     /* by position: what closed_loop_take was told */
    int64_t *ended_ns;       /* [end number % capacity]: a ring, since ends older than `slots` were all used */
    uint64_t capacity;       /* min(slots, requests) */
    uint32_t *samples_going; /* [position of sample 0]; NULL: every position is a request of its own */
};

/* Borrows trace. max_concurrency 0 makes an open loop, which allocates nothing. */
SIM_NODISCARD enum status closed_loop_init(struct closed_loop *loop, const struct trace *trace, uint32_t max_concurrency,
                                           struct diag *diag);
void closed_loop_deinit(struct closed_loop *loop);

/* When `position`, the next to come, arrives if it asks for a slot at `asked_ns`; INT64_MAX while all slots are busy. */
int64_t closed_loop_arrival(const struct closed_loop *loop, uint32_t position, int64_t asked_ns);
/* It arrived, at what closed_loop_arrival said. */
void closed_loop_take(struct closed_loop *loop, uint32_t position, int64_t arrival_ns);
/* When a request that was taken arrived. */
static inline int64_t closed_loop_arrived(const struct closed_loop *loop, uint32_t position)
{
    return loop->slots == 0 ? loop->trace->arrival_ns[position] : loop->arrived_ns[position];
}
/* It ended (finished, was given up by the engine, or rejected) at `now_ns`; times of calls only fall for those rejected, and not below
 * the last arrival. */
void closed_loop_end(struct closed_loop *loop, uint32_t position, int64_t now_ns);

#endif
