/* ordered_step.h - the step of the event replay in which the order of the running requests matters: somebody may be preempted or go
 * without. Costs O(batch). */
#ifndef PAGESIM_ORDERED_STEP_H
#define PAGESIM_ORDERED_STEP_H

#include "vllm_v1_fast/replay_state.h"

/* Run the coming step request by request; leaves the calendar filled anew. *end_ns is the clock at its end. Nothing could be scheduled:
 * shape.sequences and tally.preemptions are 0. */
SIM_NODISCARD enum status ordered_step_run(struct event_replay *replay, int64_t *end_ns, struct diag *diag);

#endif
