/* routing_wait.c - a sweep over all times at which a replica's queue begins or ends, and replicas open or close. Read routing_wait.h first.
 *
 * `clear` counts the time that has passed with a replica open and nobody waiting there. What a request waited for nothing is what `clear` went on
 * from when it came to when it was admitted. */
#include "fleet/routing_wait.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "observe/distribution.h"
#include "team.h"

enum change_kind { OPENS, CLOSES, COMES, LEAVES };

struct change {
    int64_t time_ns;
    uint32_t part, request; /* of the stage's parts; its place among the part's requests */
    enum change_kind kind;
};

struct sweep {
    struct fleet_part *parts; /* of the stage */
    struct change *changes;
    size_t count;
    uint64_t *queues; /* a part: requests that wait */
    bool *open;
    int64_t **came_ns; /* a part, a request: `clear` when it came */
    size_t part_count;
};

static bool in_stage(const struct fleet_part *part, uint32_t stage)
{
    return (part->does == METRICS_DECODE) == (stage == 1);
}

/* From when to when a request waits. False: not at all, as it was turned away at the door. */
static bool wait_of(const struct fleet_part *part, uint32_t request, int64_t *from_ns, int64_t *to_ns)
{
    const struct request_story story = metrics_story(&part->metrics, request);
    if (story.dropped)
        return false;
    *from_ns = part->member->requests[request].time_ns;
    *to_ns = story.first_scheduled_ns >= 0 ? story.first_scheduled_ns : min_i64(part->member->end_ns, part->facts.end.end_ns);
    *to_ns = max_i64(*to_ns, *from_ns);
    return true;
}

static void put(struct sweep *sweep, int64_t time_ns, enum change_kind kind, size_t part, size_t request)
{
    sweep->changes[sweep->count++] =
        (struct change){.time_ns = time_ns, .part = (uint32_t)part, .request = (uint32_t)request, .kind = kind};
}

static void list_changes(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->part_count; i++) {
        const struct fleet_member *member = sweep->parts[i].member;
        const int64_t closes_ns = min_i64(member->closed_ns, member->end_ns);
        if (member->ready_ns < closes_ns) {
            put(sweep, member->ready_ns, OPENS, i, 0);
            put(sweep, closes_ns, CLOSES, i, 0);
        }
        for (size_t request = 0; sweep->parts[i].requests && request < member->count; request++) {
            int64_t from_ns, to_ns;
            if (!wait_of(&sweep->parts[i], (uint32_t)request, &from_ns, &to_ns))
                continue;
            put(sweep, from_ns, COMES, i, request);
            put(sweep, to_ns, LEAVES, i, request);
        }
    }
}

/* A request comes before it leaves, also at the same time. */
static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

/* Each half by itself, in two threads if there are any, then together. The order of equals does not depend on the threads. */
static enum status sort_changes(struct sweep *sweep, struct diag *diag)
{
    const size_t middle = sweep->count / 2, count = sweep->count;
    struct change *from = sweep->changes, *sorted;
    enum status status = array_zeroed(&sorted, count, sizeof *sorted, "the fleet's waits", diag);
    if (status != SIM_OK)
        return status;
#pragma omp parallel for schedule(static, 1) num_threads(min_u32(kv_team(0), 2))
    for (int half = 0; half < 2; half++)
        qsort(from + (half ? middle : 0), half ? count - middle : middle, sizeof *from, compare_changes);
    for (size_t i = 0, first = 0, second = middle; i < count; i++) {
        const bool take_first = second == count || (first < middle && compare_changes(&from[first], &from[second]) <= 0);
        sorted[i] = from[take_first ? first++ : second++];
    }
    free(from);
    sweep->changes = sorted;
    return SIM_OK;
}

static bool is_clear(const struct sweep *sweep, uint32_t part)
{
    return sweep->open[part] && sweep->queues[part] == 0;
}

/* waited[]: of the trace's positions. */
static void go_through(struct sweep *sweep, const uint32_t *order, int64_t *waited)
{
    int64_t clear_ns = 0, now_ns = 0;
    size_t clear = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        const struct change *change = &sweep->changes[i];
        struct fleet_part *part = &sweep->parts[change->part];
        if (clear > 0)
            clear_ns += change->time_ns - now_ns;
        now_ns = change->time_ns;
        clear -= is_clear(sweep, change->part);
        if (change->kind == OPENS || change->kind == CLOSES)
            sweep->open[change->part] = change->kind == OPENS;
        else if (change->kind == COMES) {
            sweep->queues[change->part]++;
            sweep->came_ns[change->part][change->request] = clear_ns;
        } else {
            const uint32_t position = part->member->requests[change->request].position;
            const int64_t in_vain_ns = clear_ns - sweep->came_ns[change->part][change->request];
            int64_t *all = &waited[order ? order[position] : position];
            sweep->queues[change->part]--;
            part->routing_wait_ns += in_vain_ns;
            *all = max_i64(*all, 0) + in_vain_ns;
        }
        clear += is_clear(sweep, change->part);
    }
}

static enum status make_sweep(struct sweep *sweep, struct diag *diag)
{
    size_t most = 0;
    const struct array_request arrays[] = {ARRAY_OF(sweep->queues, sweep->part_count), ARRAY_OF(sweep->open, sweep->part_count),
                                           ARRAY_OF(sweep->came_ns, sweep->part_count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the fleet's waits", diag);
    for (size_t i = 0; i < sweep->part_count && status == SIM_OK; i++) {
        const size_t requests = sweep->parts[i].member->count;
        most += 2 + 2 * requests;
        status = array_zeroed(&sweep->came_ns[i], requests, sizeof **sweep->came_ns, "the fleet's waits", diag);
    }
    return status == SIM_OK ? array_zeroed(&sweep->changes, most, sizeof *sweep->changes, "the fleet's waits", diag) : status;
}

static void end_sweep(struct sweep *sweep)
{
    for (size_t i = 0; sweep->came_ns && i < sweep->part_count; i++)
        free(sweep->came_ns[i]);
    free(sweep->came_ns);
    free(sweep->queues);
    free(sweep->open);
    free(sweep->changes);
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
    if (status == SIM_OK) {
        list_changes(&sweep);
        status = sort_changes(&sweep, diag);
    }
    if (status == SIM_OK)
        go_through(&sweep, order, fleet->routing_wait_ns);
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
