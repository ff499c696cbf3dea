/* hand_over.c - the times at which K/V have come over, and the traces of both stages. */
#include "fleet/hand_over.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "figure/run_figures.h"

static uint32_t *own_order(uint32_t count, struct diag *diag)
{
    uint32_t *order = NULL;
    if (array_zeroed(&order, count, sizeof *order, "the fleet's requests", diag) != SIM_OK)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    return order;
}

enum status hand_over_prompts(const struct trace *trace, struct trace **out, struct diag *diag)
{
    uint32_t *order = own_order(trace->count, diag);
    if (!order)
        return diag->status;
    enum status status = trace_copy(trace, order, trace->count, out, diag);
    free(order);
    for (uint32_t i = 0; status == SIM_OK && i < trace->count; i++)
        (*out)->output_tokens[i] = 1;
    return status;
}

/* A request whose prompt is computed, at `time_ns`; then, when its K/V are there. */
struct handed {
    int64_t time_ns;
    uint32_t position;
};

static int compare_handed(const void *a, const void *b)
{
    const struct handed *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* Of one server of prompts: its line is busy until what it sends is over. */
static void transfer(const struct fleet_part *part, const struct fleet_config *config, struct handed *handed, size_t count)
{
    const struct config *server = &part->kind->config;
    const double block = (double)config_block_bytes(server) * server->tensor_parallel_size;
    const int64_t begin_ns = ns_of(config->kv_transfer_ms, 1e6);
    int64_t free_ns = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t tokens = part->requests->input_tokens[handed[i].position];
        const double blocks = ceil((double)tokens / server->block_size);
        free_ns = max_i64(free_ns, handed[i].time_ns + begin_ns) + (int64_t)(blocks * block / config->kv_transfer_gb_per_s + 0.5);
        handed[i].time_ns = free_ns;
    }
}

/* Appends what a server of prompts hands over; positions are the trace's. */
static enum status hand_over_part(const struct fleet_part *part, const struct fleet_config *config, struct handed *out, size_t *count,
                                  double *seconds, struct diag *diag)
{
    struct handed *handed = NULL;
    size_t own = 0;
    enum status status = array_zeroed(&handed, part->member->count, sizeof *handed, "the fleet's requests", diag);
    for (size_t i = 0; i < part->member->count && status == SIM_OK; i++) {
        const struct request_story story = metrics_engine_story(&part->metrics, (uint32_t)i);
        if (story.finish_ns >= 0)
            handed[own++] = (struct handed){.time_ns = story.finish_ns, .position = (uint32_t)i};
    }
    if (status == SIM_OK) {
        qsort(handed, own, sizeof *handed, compare_handed);
        for (size_t i = 0; i < own; i++)
            *seconds -= (double)handed[i].time_ns / 1e9;
        transfer(part, config, handed, own);
    }
    for (size_t i = 0; i < own && status == SIM_OK; i++) {
        *seconds += (double)handed[i].time_ns / 1e9;
        out[(*count)++] = (struct handed){.time_ns = handed[i].time_ns, .position = part->member->requests[handed[i].position].position};
    }
    free(handed);
    return status;
}

enum status hand_over_answers(struct fleet *fleet, const struct trace *trace, struct trace **out, uint32_t **order, struct diag *diag)
{
    struct handed *handed = NULL;
    size_t count = 0;
    double seconds = 0;
    enum status status = array_zeroed(&handed, trace->count, sizeof *handed, "the fleet's requests", diag);
    for (size_t i = 0; i < fleet->part_count && status == SIM_OK; i++)
        if (fleet->parts[i].requests)
            status = hand_over_part(&fleet->parts[i], &fleet->plan.config->fleet, handed, &count, &seconds, diag);
    if (status == SIM_OK)
        status = array_zeroed(order, trace->count, sizeof **order, "the fleet's requests", diag);
    if (status == SIM_OK && count > 0) {
        qsort(handed, count, sizeof *handed, compare_handed);
        fleet->sums.transfer_seconds = seconds / (double)count;
        fleet->sums.transfers = count;
        for (size_t i = 0; i < count; i++)
            (*order)[i] = handed[i].position;
        status = trace_copy(trace, *order, (uint32_t)count, out, diag);
        for (size_t i = 0; i < count && status == SIM_OK; i++)
            (*out)->arrival_ns[i] = handed[i].time_ns;
    }
    free(handed);
    return status;
}
