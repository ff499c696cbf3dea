/* closed_loop.c - the slots of a closed loop. The header has the one formula; a ring of end times is all the memory that it needs. Used by
 * arrivals.c only. */
#include "engine/closed_loop.h"

#include <stdlib.h>

#include "base/array.h"

/* The ring needs one entry a slot. Request k uses end number k - slots; ends never outnumber requests taken, so of those stored at most
 * `slots` have not been used yet, and an end that is overwritten was used already. With fewer requests than slots an entry a request is
 * enough, so that a limit of millions costs no memory. */
enum status closed_loop_init(struct closed_loop *loop, const struct trace *trace, uint32_t max_concurrency, struct diag *diag)
{
    *loop = (struct closed_loop){.trace = trace, .slots = max_concurrency};
    if (max_concurrency == 0)
        return SIM_OK;
    loop->capacity = max_concurrency < trace->count ? max_concurrency : trace->count;
    const struct array_request arrays[] = {ARRAY_OF(loop->ended_ns, loop->capacity), ARRAY_OF(loop->arrived_ns, trace->count),
                                           ARRAY_IF(trace->sample, loop->samples_going, trace->count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the closed loop", diag);
    if (status != SIM_OK)
        closed_loop_deinit(loop);
    return status;
}

void closed_loop_deinit(struct closed_loop *loop)
{
    free(loop->arrived_ns);
    free(loop->ended_ns);
    free(loop->samples_going);
    *loop = (struct closed_loop){0};
}

/* The k-th request waits for end number k - slots, which may not have happened yet. Samples after the first arrive with sample 0, which
 * holds the slot for all of them: one call of a client is one slot. INT64_MAX means "not known yet": arrivals asks again whenever a
 * request ends. A slot that fell free early does not bring a request forward, hence the later of the two times. */
int64_t closed_loop_arrival(const struct closed_loop *loop, uint32_t position, int64_t asked_ns)
{
    if (loop->slots == 0)
        return asked_ns;
    if (trace_sample_of(loop->trace, position) > 0)
        return loop->newest_ns;
    if (loop->taken < loop->slots)
        return asked_ns;
    const uint64_t end = loop->taken - loop->slots;
    if (end >= loop->ended)
        return INT64_MAX;
    const int64_t free_ns = loop->ended_ns[end % loop->capacity];
    return asked_ns > free_ns ? asked_ns : free_ns;
}

/* `taken` counts requests, not samples: it is the k of the formula for whoever comes next. */
void closed_loop_take(struct closed_loop *loop, uint32_t position, int64_t arrival_ns)
{
    const uint32_t sample = trace_sample_of(loop->trace, position);
    if (loop->slots == 0)
        return;
    loop->arrived_ns[position] = arrival_ns;
    if (sample == 0) {
        loop->taken++;
        loop->newest_ns = arrival_ns;
    }
    if (loop->samples_going)
        loop->samples_going[position - sample]++;
}

/* Only the last sample to end gives the slot back, as a client's call returns when all its choices are complete. All samples arrive at
 * one time, before any can end, so the count of those going does not reach 0 too soon. Times number the ends. They come in order but for
 * those of requests that came and were rejected while a step ran, which are told after the step's own. Ends that were used already are
 * never later than such a one: who used them came before it. */
void closed_loop_end(struct closed_loop *loop, uint32_t position, int64_t now_ns)
{
    if (loop->slots == 0)
        return;
    if (loop->samples_going && --loop->samples_going[position - trace_sample_of(loop->trace, position)] > 0)
        return;
    const uint64_t used = loop->taken > loop->slots ? loop->taken - loop->slots : 0;
    uint64_t at = loop->ended++;
    for (; at > used && loop->ended_ns[(at - 1) % loop->capacity] > now_ns; at--)
        loop->ended_ns[at % loop->capacity] = loop->ended_ns[(at - 1) % loop->capacity];
    loop->ended_ns[at % loop->capacity] = now_ns;
}
