/* stepper.c - making and unmaking what all steppers have. The contract is in stepper.h, its user is replay_loop.c. */
#include "engine/stepper.h"

/* Fields are set one by one: a stepper is the head of a larger structure with two batches inside, which an assignment of the whole would
 * clear for nothing. */
enum status stepper_init(struct stepper *stepper, const struct stepper_ops *ops, const struct replay_inputs *inputs, struct diag *diag)
{
    stepper->ops = ops;
    stepper->trace = inputs->trace;
    stepper->config = inputs->config;
    stepper->model = inputs->model;
    stepper->now_ns = 0;
    stepper->step_number = 0;
    step_stream_init(&stepper->stream, inputs->observers, inputs->observer_count, inputs->config->block_size);
    enum status status = arrivals_init(&stepper->arrivals, inputs->trace, inputs->config->max_concurrency, diag);
    front_door_init(&stepper->arrivals.door, inputs->config);
    return status;
}

void stepper_deinit(struct stepper *stepper)
{
    arrivals_deinit(&stepper->arrivals);
}
