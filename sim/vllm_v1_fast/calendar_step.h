/* calendar_step.h - the ordinary step of the event replay: everybody who runs gets all that it wants. Costs what changes in it. */
#ifndef PAGESIM_CALENDAR_STEP_H
#define PAGESIM_CALENDAR_STEP_H

#include "vllm_v1_fast/replay_state.h"

/* Run the coming step if it is an ordinary one; *end_ns is the clock at its end. Nothing could be scheduled: shape.sequences is 0. *ordinary
 * = false: it is an ordered step (ordered_step.h), and nothing was done. */
SIM_NODISCARD enum status calendar_step_run(struct event_replay *replay, bool *ordinary, int64_t *end_ns, struct diag *diag);

#endif
