/* scheduler_stepper.h - drives a readable scheduler one step at a time, and turns its lists into tallies and events:
 *
 *     schedule(now) -> step -> price -> observers.scheduled -> complete(step) -> observers.completed -> now += price
 *
 * The reference: works for every engine and gives observers whatever they ask for. The event replay (vllm_v1_fast) makes the same stream
 * of tallies and events, faster.
 */
#ifndef PAGESIM_SCHEDULER_STEPPER_H
#define PAGESIM_SCHEDULER_STEPPER_H

#include "engine/scheduler.h"
#include "engine/stepper.h"

/* A stepper over `scheduler`, which it owns from now on, also after a failure. `check`: walk the scheduler's invariants after every step.
 * End it with (*out)->ops->destroy. */
SIM_NODISCARD enum status scheduler_stepper_create(const struct replay_inputs *inputs, struct scheduler *scheduler, bool check,
                                                   struct stepper **out, struct diag *diag);

/* Does any observer look at the lists of steps? Else schedulers need not fill step->sequences. */
bool scheduler_stepper_wants_lists(const struct replay_inputs *inputs);

#endif
