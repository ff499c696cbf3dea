/* routing_wait.c - the times at which some replica has nobody waiting, and how much of each wait they make up. Read routing_wait.h first.
 *
 * Each replica has its own list of such times. Joining all lists, in pairs, leaves far fewer spans than there are requests: one of many servers
 * has nobody waiting nearly always. How much of a wait lies in them is then two look-ups. */
#include "fleet/routing_wait.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "observe/distribution.h"
#include "team.h"

struct span {
    int64_t from_ns, to_ns, before_ns; /* before_ns: how long all earlier ones are */
};

/* In order of time; none touches the next. */
struct spans {
    struct span *items;
    size_t count, capacity;
    enum status status; /* of the thread that made them */
    struct diag diag;
};

struct sweep {
    struct fleet_part *parts; /* of the stage */
    size_t part_count;
    struct spans *clear;  /* a part; after join_all: 0 has all */
    int64_t **in_vain_ns; /* a part, a request; -1: it did not wait at all */
};

static bool in_stage(const struct fleet_part *part, uint32_t stage)
{
    return (part->does == METRICS_DECODE) == (stage == 1);
}

static size_t requests_of(const struct fleet_part *part)
{
    return part->requests ? part->member->count : 0;
}

/* From when to when a request waits. False: not at all, as it was turned away at the door. */
static bool wait_of(const struct fleet_part *part, size_t request, int64_t *from_ns, int64_t *to_ns)
{
    const struct request_story story = metrics_story(&part->metrics, (uint32_t)request);
    if (story.dropped)
        return false;
    *from_ns = part->member->requests[request].time_ns;
    *to_ns = story.first_scheduled_ns >= 0 ? story.first_scheduled_ns : min_i64(part->member->end_ns, part->facts.end.end_ns);
    *to_ns = max_i64(*to_ns, *from_ns);
    return true;
}

/* --- when nobody waits ------------------------------------------------------------------------------------------------------------- */

static int64_t length_of(const struct span *span)
{
    return span->to_ns - span->from_ns;
}

/* After all that begin earlier. */
static enum status put(struct spans *spans, int64_t from_ns, int64_t to_ns, struct diag *diag)
{
    struct span *last = spans->count > 0 ? &spans->items[spans->count - 1] : NULL;
    const struct span span = {from_ns, to_ns, last ? last->before_ns + length_of(last) : 0};
    if (from_ns >= to_ns)
        return SIM_OK;
    if (!last || from_ns > last->to_ns)
        return array_append(&spans->items, &spans->count, &spans->capacity, &span, sizeof span, "the fleet's waits", diag);
    last->to_ns = max_i64(last->to_ns, to_ns);
    return SIM_OK;
}

/* While it takes requests. They come in order of time. */
static enum status clear_times(const struct fleet_part *part, struct spans *clear, struct diag *diag)
{
    const struct fleet_member *member = part->member;
    const int64_t closes_ns = min_i64(member->closed_ns, member->end_ns);
    int64_t clear_from_ns = member->ready_ns, from_ns, to_ns;
    enum status status = SIM_OK;
    for (size_t request = 0; request < requests_of(part) && status == SIM_OK; request++) {
        if (!wait_of(part, request, &from_ns, &to_ns) || from_ns == to_ns)
            continue;
        status = put(clear, clear_from_ns, min_i64(from_ns, closes_ns), diag);
        clear_from_ns = max_i64(clear_from_ns, to_ns);
    }
    return status == SIM_OK ? put(clear, clear_from_ns, closes_ns, diag) : status;
}

/* `into` gets what is in either, and the other one nothing. */
static enum status join(struct spans *into, struct spans *other, struct diag *diag)
{
    struct spans both = {0};
    enum status status = SIM_OK;
    for (size_t a = 0, b = 0; status == SIM_OK && (a < into->count || b < other->count);) {
        const bool first = b == other->count || (a < into->count && into->items[a].from_ns <= other->items[b].from_ns);
        const struct span *next = first ? &into->items[a++] : &other->items[b++];
        status = put(&both, next->from_ns, next->to_ns, diag);
    }
    free(into->items);
    free(other->items);
    *other = (struct spans){0};
    *into = both;
    return status;
}

/* Pairs, then pairs of pairs. What comes out does not depend on who joined what. */
static enum status join_all(struct sweep *sweep, struct diag *diag)
{
    struct spans *clear = sweep->clear;
    const size_t count = sweep->part_count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(kv_team(0))
    for (size_t i = 0; i < count; i++)
        clear[i].status = clear_times(&sweep->parts[i], &clear[i], &clear[i].diag);
    for (size_t i = 0; i < count; i++)
        if (clear[i].status != SIM_OK) {
            *diag = clear[i].diag;
            return clear[i].status;
        }
    for (size_t apart = 1; apart < count; apart *= 2)
        for (size_t i = 0; i + apart < count; i += 2 * apart) {
            enum status status = join(&clear[i], &clear[i + apart], diag);
            if (status != SIM_OK)
                return status;
        }
    return SIM_OK;
}

/* --- what lies in it --------------------------------------------------------------------------------------------------------------- */

/* The first span from `at` on that ends after the time: in steps that double, as it is mostly near, then by halves. */
static size_t span_at(const struct spans *spans, size_t at, int64_t time_ns)
{
    size_t step = 1, low = at, high;
    while (low < spans->count && spans->items[min_size(low + step, spans->count) - 1].to_ns <= time_ns) {
        low = min_size(low + step, spans->count);
        step *= 2;
    }
    high = min_size(low + step, spans->count);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (spans->items[middle].to_ns <= time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How much of all spans lies before the time; `at` is span_at's. */
static int64_t length_before(const struct spans *spans, size_t at, int64_t time_ns)
{
    if (at < spans->count)
        return spans->items[at].before_ns + max_i64(time_ns - spans->items[at].from_ns, 0);
    const struct span *last = spans->count > 0 ? &spans->items[spans->count - 1] : NULL;
    return last ? last->before_ns + length_of(last) : 0;
}

static void look_up(const struct spans *clear, struct fleet_part *part, int64_t *in_vain_ns)
{
    size_t at = 0;
    int64_t from_ns, to_ns;
    for (size_t request = 0; request < requests_of(part); request++) {
        in_vain_ns[request] = -1;
        if (!wait_of(part, request, &from_ns, &to_ns))
            continue;
        at = span_at(clear, at, from_ns);
        in_vain_ns[request] = length_before(clear, span_at(clear, at, to_ns), to_ns) - length_before(clear, at, from_ns);
        part->routing_wait_ns += in_vain_ns[request];
    }
}

/* waited[]: of the trace's positions. A request that was sent again has waited at several replicas. */
static void add_waits(const struct sweep *sweep, const uint32_t *order, int64_t *waited)
{
    for (size_t i = 0; i < sweep->part_count; i++)
        for (size_t request = 0; request < requests_of(&sweep->parts[i]); request++) {
            const uint32_t position = sweep->parts[i].member->requests[request].position;
            int64_t *all = &waited[order ? order[position] : position];
            if (sweep->in_vain_ns[i][request] >= 0)
                *all = max_i64(*all, 0) + sweep->in_vain_ns[i][request];
        }
}

static enum status make_sweep(struct sweep *sweep, struct diag *diag)
{
    const struct array_request arrays[] = {ARRAY_OF(sweep->clear, sweep->part_count), ARRAY_OF(sweep->in_vain_ns, sweep->part_count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the fleet's waits", diag);
    for (size_t i = 0; i < sweep->part_count && status == SIM_OK; i++) {
        size_t capacity = 0;
        status = array_reserve(&sweep->in_vain_ns[i], &capacity, requests_of(&sweep->parts[i]), sizeof **sweep->in_vain_ns,
                               "the fleet's waits", diag);
    }
    return status;
}

static void end_sweep(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->part_count; i++) {
        if (sweep->clear)
            free(sweep->clear[i].items);
        if (sweep->in_vain_ns)
            free(sweep->in_vain_ns[i]);
    }
    free(sweep->clear);
    free(sweep->in_vain_ns);
}

enum status routing_wait_add(struct fleet *fleet, uint32_t stage, const uint32_t *order, struct diag *diag)
{
    struct sweep sweep = {.parts = fleet->parts};
    while (sweep.parts < fleet->parts + fleet->part_count && !in_stage(sweep.parts, stage))
        sweep.parts++;
    while (sweep.parts + sweep.part_count < fleet->parts + fleet->part_count && in_stage(sweep.parts + sweep.part_count, stage))
        sweep.part_count++;
    if (sweep.part_count == 0)
        return SIM_OK;
    enum status status = make_sweep(&sweep, diag);
    if (status == SIM_OK)
        status = join_all(&sweep, diag);
    if (status == SIM_OK) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(kv_team(0))
        for (size_t i = 0; i < sweep.part_count; i++)
            look_up(&sweep.clear[0], &sweep.parts[i], sweep.in_vain_ns[i]);
        add_waits(&sweep, order, fleet->routing_wait_ns);
    }
    end_sweep(&sweep);
    return status;
}

enum status routing_wait_sum_up(struct fleet *fleet, uint32_t requests, struct diag *diag)
{
    struct distribution waits = {0};
    struct summary summary = {0};
    enum status status = distribution_reserve(&waits, requests, diag);
    for (uint32_t position = 0; position < requests && status == SIM_OK; position++)
        if (fleet->routing_wait_ns[position] >= 0)
            status = distribution_add(&waits, (double)fleet->routing_wait_ns[position] / 1e6, diag);
    if (status == SIM_OK)
        status = distribution_summary(&waits, &summary, diag);
    distribution_deinit(&waits);
    fleet->sums.waits = summary.count;
    fleet->sums.mean_routing_wait_ms = summary.mean;
    fleet->sums.p99_routing_wait_ms = summary.p99;
    return status;
}
