/* admission.h - who enters from the waiting queue of the event replay. */
#ifndef PAGESIM_ADMISSION_H
#define PAGESIM_ADMISSION_H

#include "vllm_v1_fast/replay_state.h"

/* Would the head of the waiting queue be looked at with this token budget, and could it be admitted? False is certain. */
bool admission_head_may_enter(const struct event_replay *replay, uint32_t budget);

/* Admit waiting requests in order until one does not fit (section 6.2). Each becomes a slot at the end of the running list, in prefill,
 * with `scheduled` set to the tokens of its first chunk. */
SIM_NODISCARD enum status admission_run(struct event_replay *replay, uint32_t threshold, struct step_room room, struct diag *diag);

#endif
