/* scheduler_stepper.h - drives a readable scheduler one step at a time, and turns its lists into tallies and events:
 *
 *     schedule(now) -> step -> price -> observers.scheduled -> complete(step) -> observers.completed -> now += price
 *
 * A scheduler that can tell that the coming steps are quiet (scheduler.h) decides those in less.
 *
 * The reference: works for every engine and gives observers whatever they ask for. The event replay (vllm_v1_fast) makes the same stream
 * of tallies and events, faster.
 */
#ifndef PAGESIM_SCHEDULER_STEPPER_H
#define PAGESIM_SCHEDULER_STEPPER_H

#include "engine/scheduler.h"
#include "engine/stepper.h"

enum stepping {
    STEPPING_QUIETLY, /* quiet steps many at a time, if the scheduler knows of such and nobody looks at single steps */
    STEPPING_PLAINLY, /* every step is decided as any other */
    STEPPING_CHECKED, /* and the scheduler's invariants are walked after it */
};

/* A stepper over `scheduler`, which it owns from now on, also after a failure. End it with (*out)->ops->destroy. */
SIM_NODISCARD enum status scheduler_stepper_create(const struct replay_inputs *inputs, struct scheduler *scheduler, enum stepping stepping,
                                                   struct stepper **out, struct diag *diag);

/* Does any observer look at the lists of steps? Else schedulers need not fill step->sequences. */
bool scheduler_stepper_wants_lists(const struct replay_inputs *inputs);
/* Or at ids of blocks, in them or elsewhere? */
bool scheduler_stepper_wants_ids(const struct replay_inputs *inputs);

#endif
