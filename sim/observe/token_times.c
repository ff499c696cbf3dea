/* token_times.c - records runs of steps and gaps during the replay, and walks over a request's tokens after it. Read the drawing in
 * token_times.h first. The walk is the inverse of what the engine left out: between two gaps a request got a token in every step. */
#include "observe/token_times.h"

#include <stdlib.h>

#include "base/array.h"

enum status token_times_init(struct token_times *times, const struct trace *trace, struct diag *diag)
{
    *times = (struct token_times){.trace = trace};
    const struct array_request arrays[] = {ARRAY_OF(times->first_step, trace->count), ARRAY_OF(times->last_step, trace->count),
                                           ARRAY_OF(times->gap_start, (size_t)trace->count + 2)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "token times", diag);
    for (uint32_t position = 0; status == SIM_OK && position < trace->count; position++)
        times->first_step[position] = times->last_step[position] = UINT64_MAX;
    return status;
}

void token_times_deinit(struct token_times *times)
{
    free(times->runs);
    free(times->first_step);
    free(times->last_step);
    free(times->gaps);
    free(times->gap_start);
    stream_pauses_deinit(&times->pauses);
    *times = (struct token_times){0};
}

/* Keeps the runs of steps as they come. Idle gaps are runs in which no step ran; step numbers do not count them. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct token_times *times = self;
    enum status status =
        array_reserve(&times->runs, &times->run_capacity, times->run_count + count, sizeof *times->runs, "token times", diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const struct step_tally *first = &runs[i].first;
        if (first->step == TALLY_GAP)
            continue;
        times->runs[times->run_count++] = (struct token_run){.step = times->steps,
                                                             .start_ns = first->start_ns,
                                                             .duration_ns = first->duration_ns,
                                                             .change_ns = runs[i].change_ns,
                                                             .steps = runs[i].steps};
        times->steps += runs[i].steps;
        status = stream_pauses_note(&times->pauses, &runs[i], diag);
        times->has_empty_step |= first->duration_ns == 0 || first->duration_ns + runs[i].change_ns * (int64_t)(runs[i].steps - 1) == 0;
    }
    return status;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct token_times *times = self;
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const struct event *event = &events[i];
        if (event->kind == EVENT_FIRST_TOKEN)
            times->first_step[event->request] = event->step;
        if (event->kind == EVENT_FINISH)
            times->last_step[event->request] = event->step;
        if (event->kind != EVENT_GAP)
            continue;
        status = array_reserve(&times->gaps, &times->gap_capacity, times->gap_count + 1, sizeof *times->gaps, "token times", diag);
        if (status == SIM_OK)
            times->gaps[times->gap_count++] = (struct token_gap){event->step, event->value, event->request};
    }
    return status;
}

/* Groups the gaps by request with a counting sort, which keeps each request's gaps in order of time. While gaps are placed, start[i + 1] is
 * where the next one of request i goes, and so where request i + 1 starts once all are. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    (void)end;
    struct token_times *times = self;
    const uint32_t count = times->trace->count;
    struct token_gap *sorted;
    size_t *start = times->gap_start;
    enum status status = array_zeroed(&sorted, times->gap_count, sizeof *sorted, "token times", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < times->gap_count; i++)
        start[times->gaps[i].request + 2]++;
    for (uint32_t position = 0; position < count; position++)
        start[position + 2] += start[position + 1];
    for (size_t i = 0; i < times->gap_count; i++)
        sorted[start[times->gaps[i].request + 1]++] = times->gaps[i];
    free(times->gaps);
    times->gaps = sorted;
    return SIM_OK;
}

struct observer token_times_observer(struct token_times *times)
{
    return (struct observer){.self = times, .runs = on_runs, .events = on_events, .finish = on_finish};
}

/* --- walking over a request's tokens --------------------------------------------------------------------------------------------- */

/* The run that holds a step, by bisection: runs are in order and without holes. */
static size_t run_of(const struct token_times *times, uint64_t step)
{
    size_t low = 0, high = times->run_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(times->runs[middle].step <= step ? &low : &high) = middle;
    }
    return low;
}

/* How long a step of the run took, and when it ended. Durations grow by a constant, so both have closed forms. */
static int64_t duration_of(const struct token_run *run, uint64_t step)
{
    return run->duration_ns + run->change_ns * (int64_t)(step - run->step);
}
static int64_t end_of(const struct token_run *run, uint64_t step)
{
    const int64_t before = (int64_t)(step - run->step);
    return run->start_ns + (before + 1) * run->duration_ns + before * (before + 1) / 2 * run->change_ns;
}

/* The last step in [low, high) that ends at or before `when_ns`. A gap says when it ended and how long it was, not in which step it began;
 * this search finds that step. */
static uint64_t step_that_ended(const struct token_times *times, uint64_t low, uint64_t high, int64_t when_ns)
{
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        *(end_of(&times->runs[run_of(times, middle)], middle) <= when_ns ? &low : &high) = middle;
    }
    return low;
}

/* Sets walk->stop: up to that step the request got a token in every step. It is the step before the next gap, or that of the last token. */
static void find_stop(struct token_walk *walk)
{
    const struct token_times *times = walk->times;
    walk->run = run_of(times, walk->step);
    walk->stop = walk->last_step;
    if (walk->gap == walk->gap_end)
        return;
    const struct token_gap *gap = &times->gaps[walk->gap];
    walk->stop = step_that_ended(times, walk->step, gap->step, end_of(&times->runs[run_of(times, gap->step)], gap->step) - gap->gap_ns);
}

/* One move of the walk: to the next step, or over a gap. False at the last token. */
static bool next_wait(struct token_walk *walk, int64_t *itl_ns)
{
    const struct token_times *times = walk->times;
    if (walk->step == walk->last_step)
        return false;
    if (walk->step < walk->stop) {
        walk->step++;
        if (walk->step == times->runs[walk->run].step + times->runs[walk->run].steps)
            walk->run++;
        *itl_ns = duration_of(&times->runs[walk->run], walk->step);
        return true;
    }
    *itl_ns = times->gaps[walk->gap].gap_ns;
    walk->step = times->gaps[walk->gap++].step;
    find_stop(walk);
    return true;
}

/* What the wait before the newest token was for the client. */
static int64_t streamed(const struct token_walk *walk, int64_t itl_ns)
{
    const struct stream_pauses *pauses = &walk->times->pauses;
    if (pauses->count == 0)
        return itl_ns;
    const int64_t end_ns = end_of(&walk->times->runs[run_of(walk->times, walk->step)], walk->step);
    return stream_pauses_out(pauses, end_ns) - stream_pauses_out(pauses, end_ns - itl_ns);
}

/* Waits of 0 ns may stand for steps in which the request got no token (token_walk_begin); as many as are surplus are passed over. */
bool token_walk_next(struct token_walk *walk, int64_t *itl_ns)
{
    while (next_wait(walk, itl_ns)) {
        if (*itl_ns > 0 || walk->surplus == 0) {
            *itl_ns = streamed(walk, *itl_ns);
            return true;
        }
        walk->surplus--;
    }
    return false;
}

/* A request that did not finish has no last step; its walk begins at its end. */
struct token_walk token_walk_begin(const struct token_times *times, uint32_t position)
{
    struct token_walk walk = {.times = times, .step = times->first_step[position], .last_step = times->last_step[position]};
    if (walk.last_step == UINT64_MAX || walk.step == UINT64_MAX)
        return (struct token_walk){.times = times};
    walk.gap = times->gap_start[position];
    walk.gap_end = times->gap_start[position + 1];
    find_stop(&walk);
    if (!times->has_empty_step)
        return walk;
    /* A step that takes no time can be skipped by a request without any gap in time, so the walk would see a token too many. The number of
     * output tokens is known: a first walk counts how many waits are surplus. */
    struct token_walk counting = walk;
    uint64_t waits = 0, wanted = times->trace->output_tokens[position] - 1;
    for (int64_t ns; next_wait(&counting, &ns);)
        waits++;
    walk.surplus = waits > wanted ? waits - wanted : 0;
    return walk;
}
