/* later_turns.c - the turns that may ask, in a binary heap. Read later_turns_end first; used by arrivals.c only. */
#include "engine/later_turns.h"

#include <stdlib.h>

#include "base/array.h"

static uint32_t sample_of(const struct trace *trace, uint32_t position)
{
    return trace->sample ? trace->sample[position] : 0;
}

enum status later_turns_init(struct later_turns *turns, const struct trace *trace, struct diag *diag)
{
    *turns = (struct later_turns){0};
    if (!trace->previous)
        return SIM_OK;
    turns->trace = trace;
    const struct array_request arrays[] = {ARRAY_OF(turns->asks_ns, trace->count), ARRAY_OF(turns->heap, trace->count),
                                           ARRAY_IF(trace->sample, turns->samples_going, trace->count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "sessions", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        turns->asks_ns[position] = trace->arrival_ns[position];
        if (turns->samples_going)
            turns->samples_going[position - sample_of(trace, position)]++;
    }
    if (status != SIM_OK)
        later_turns_deinit(turns);
    return status;
}

void later_turns_deinit(struct later_turns *turns)
{
    free(turns->asks_ns);
    free(turns->heap);
    free(turns->samples_going);
    *turns = (struct later_turns){0};
}

/* Equal times in the order of the trace, as everywhere. */
static bool sooner(const struct later_turns *turns, uint32_t a, uint32_t b)
{
    return turns->asks_ns[a] != turns->asks_ns[b] ? turns->asks_ns[a] < turns->asks_ns[b] : a < b;
}

static void push(struct later_turns *turns, uint32_t position)
{
    uint32_t at = turns->count++;
    for (; at > 0 && sooner(turns, position, turns->heap[(at - 1) / 2]); at = (at - 1) / 2)
        turns->heap[at] = turns->heap[(at - 1) / 2];
    turns->heap[at] = position;
}

void later_turns_pop(struct later_turns *turns)
{
    const uint32_t moved = turns->heap[--turns->count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < turns->count; at = child) {
        if (child + 1 < turns->count && sooner(turns, turns->heap[child + 1], turns->heap[child]))
            child++;
        if (!sooner(turns, turns->heap[child], moved))
            break;
        turns->heap[at] = turns->heap[child];
    }
    turns->heap[at] = moved;
}

/* A clock that would wrap stays at its end, where the replay's own check finds it. */
static int64_t asks_at(const struct trace *trace, uint32_t turn, int64_t ended_ns)
{
    int64_t ready_ns;
    if (__builtin_add_overflow(ended_ns, trace->delay_ns ? trace->delay_ns[turn] : 0, &ready_ns))
        ready_ns = INT64_MAX - 1;
    return ready_ns > trace->arrival_ns[turn] ? ready_ns : trace->arrival_ns[turn];
}

/* The turn after it asks, with all its samples; they stand next to each other and are dropped together or not at all. A session may hold
 * several dropped turns in a row. */
void later_turns_end(struct later_turns *turns, uint32_t position, int64_t now_ns, const bool *is_dropped)
{
    const struct trace *trace = turns->trace;
    if (!trace)
        return;
    const uint32_t first = position - sample_of(trace, position);
    if (turns->samples_going && --turns->samples_going[first] > 0)
        return;
    for (uint32_t next = trace->next[first]; next > 0; next = trace->next[next - 1]) {
        now_ns = asks_at(trace, next - 1, now_ns);
        if (is_dropped && is_dropped[next - 1])
            continue;
        for (uint32_t sample = next - 1; sample == next - 1 || (sample < trace->count && sample_of(trace, sample) > 0); sample++) {
            turns->asks_ns[sample] = now_ns;
            push(turns, sample);
        }
        return;
    }
}
