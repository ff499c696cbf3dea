/* stepper.c - what all steppers have: making and unmaking it, and when a step runs. The contract is in stepper.h, its user is replay_loop.c. */
#include "engine/stepper.h"

#include <stdlib.h>

#include "base/array.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"

/* Fields are set one by one: a stepper is the head of a larger structure with two batches inside, which an assignment of the whole would
 * clear for nothing. */
enum status stepper_init(struct stepper *stepper, const struct stepper_ops *ops, const struct replay_inputs *inputs, struct diag *diag)
{
    stepper->ops = ops;
    stepper->trace = inputs->trace;
    stepper->config = inputs->config;
    stepper->model = inputs->model;
    stepper->now_ns = stepper->device_ns = 0;
    stepper->step_number = 0;
    stepper->drafts = (struct draft_sums){0};
    stepper->offloads = (struct offload_sums){0};
    stepper->overlaps = inputs->config->scheduler == SCHEDULER_VLLM_V1 && inputs->config->async_scheduling; /* a key of V1 */
    step_stream_init(&stepper->stream, inputs->observers, inputs->observer_count, kv_groups_of(inputs->config).alignment);
    enum status status = arrivals_init(&stepper->arrivals, inputs->trace, inputs->config->max_concurrency, inputs->feed, diag);
    front_door_init(&stepper->arrivals.door, inputs->config);
    stepper->states = NULL;
    if (status == SIM_OK && stepper->stream.wants_pools)
        status = array_zeroed(&stepper->states, inputs->config->num_gpu_blocks, sizeof *stepper->states, "the states of blocks", diag);
    return status;
}

enum status stepper_show_due_pool(struct stepper *stepper, int64_t from_ns, int64_t until_ns, struct diag *diag)
{
    const uint32_t first = engine_facts_of(stepper->config)->has_null_block;
    stepper->ops->pool_states(stepper, stepper->states);
    const struct pool_states shown = {.from_ns = from_ns,
                                      .until_ns = until_ns,
                                      .states = stepper->states + first,
                                      .first_id = first,
                                      .count = stepper->config->num_gpu_blocks - first};
    return step_stream_pool(&stepper->stream, &shown, diag);
}

/* The host decides a step and prepares it from now on; the device begins with it when both are ready. Without asynchronous scheduling the
 * device is always free by then, so the two times add up. A tally begins where the device was free for its step: there is no time between two
 * tallies while somebody is served, and who gets a token in each of two steps has a gap of the second one's duration. A step that only
 * preempts sends nothing to the device; V0's idle steps have a price of their own. The next decision comes when the output of the step before
 * this one is back, which is when the device is free. */
enum status stepper_time_step(struct stepper *stepper, const struct step_shape *shape, struct step_tally *tally, struct diag *diag)
{
    const int64_t free_ns = max_i64(stepper->device_ns, stepper->now_ns), host_ns = step_time_host(stepper->model, shape->sequences);
    const int64_t device_ns = stepper->overlaps && shape->sequences == 0 ? 0 : step_time_price(stepper->model, shape);
    int64_t ready_ns, end_ns;
    tally->start_ns = free_ns;
    if (__builtin_add_overflow(stepper->now_ns, host_ns, &ready_ns) ||
        __builtin_add_overflow(max_i64(free_ns, ready_ns), device_ns, &end_ns) || end_ns > CLOCK_LAST_NS)
        return step_time_refuse(stepper->model, shape, free_ns, diag);
    tally->duration_ns = end_ns - free_ns;
    tally->decided_ns = stepper->now_ns;
    tally->state_ns = (stepper->overlaps ? max_i64(ready_ns, free_ns) : end_ns) - stepper->now_ns;
    stepper->device_ns = end_ns;
    stepper->now_ns = ready_ns;
    return stepper_show_pool(stepper, tally->decided_ns, tally->decided_ns + tally->state_ns, diag);
}

enum status stepper_wait(struct stepper *stepper, int64_t end_ns, struct step_tally *tally, struct diag *diag)
{
    *tally = (struct step_tally){
        .step = TALLY_GAP, .start_ns = end_ns, .decided_ns = stepper->now_ns, .state_ns = end_ns - stepper->now_ns, .mode = STEP_MODE_IDLE};
    stepper->ops->pool_state(stepper, tally);
    return stepper_show_pool(stepper, stepper->now_ns, end_ns, diag);
}

void stepper_deinit(struct stepper *stepper)
{
    arrivals_deinit(&stepper->arrivals);
    free(stepper->states);
}
