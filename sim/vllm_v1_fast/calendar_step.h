/* calendar_step.h - the ordinary step of the event replay: everybody who runs gets all that it wants. Costs what changes in it. */
#ifndef PAGESIM_CALENDAR_STEP_H
#define PAGESIM_CALENDAR_STEP_H

#include "vllm_v1_fast/replay_state.h"

/* Is the coming step an ordinary one? Then *budget is the tokens left for admissions, and `scheduled` is set for those in prefill. Else it
 * is an ordered step (ordered_step.h). */
bool calendar_step_plan(struct event_replay *replay, uint32_t threshold, uint32_t *budget);

/* Run the step that was just planned. *end_ns is the clock at its end. Nothing could be scheduled: shape.sequences is 0. */
SIM_NODISCARD enum status calendar_step_run(struct event_replay *replay, uint32_t threshold, uint32_t budget, int64_t *end_ns,
                                            struct diag *diag);

#endif
