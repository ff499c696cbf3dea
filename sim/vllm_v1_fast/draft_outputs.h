/* draft_outputs.h - what the output of a step with drafts brings. */
#ifndef PAGESIM_DRAFT_OUTPUTS_H
#define PAGESIM_DRAFT_OUTPUTS_H

#include "vllm_v1_fast/replay_state.h"

/* The flight's output is back: who had a turn in it gets a token and those after it that were drafted right. Tells of the events; the flight's
 * tally is complete then. */
SIM_NODISCARD enum status draft_outputs_land(struct event_replay *replay, struct flight *flight, struct diag *diag);

/* The parts of it, for who knows beforehand that most of a flight is alike: first, what is in vain; then a token for a slot, and `got` - 1 with it;
 * the last one of it. */
SIM_NODISCARD enum status draft_outputs_tell_vain(struct event_replay *replay, struct flight *flight, struct diag *diag);
SIM_NODISCARD enum status draft_outputs_tell(struct event_replay *replay, struct flight *flight, uint32_t slot, uint32_t got,
                                             struct diag *diag);
SIM_NODISCARD enum status draft_outputs_finish(struct event_replay *replay, const struct flight *flight, uint32_t slot, struct diag *diag);

#endif
