/* token_delivery.h - the end of a step of the event replay: tokens, finishes, blocks given back. */
#ifndef PAGESIM_TOKEN_DELIVERY_H
#define PAGESIM_TOKEN_DELIVERY_H

#include "vllm_v1_fast/replay_state.h"

/* A slot that is not in the calendar got a token at end_ns: tell of it; after the last one release the blocks and remove the slot. *gone
 * says whether it was. */
SIM_NODISCARD enum status delivery_token(struct event_replay *replay, uint32_t slot, int64_t end_ns, bool *gone, struct diag *diag);
/* Put a slot that got a token into the calendar: from now on it decodes. */
void delivery_enter(struct event_replay *replay, uint32_t slot);
/* The model ran the step in which the calendar stands: first tokens and finishes for those due, a token for everybody else, one tick. */
SIM_NODISCARD enum status delivery_to_due(struct event_replay *replay, int64_t end_ns, struct diag *diag);
/* Give back the table of a slot that has `computed` tokens. `preempted`: it will want to find its blocks again. */
SIM_NODISCARD enum status delivery_give_back(struct event_replay *replay, uint32_t slot, uint32_t computed, bool preempted,
                                             struct diag *diag);

#endif
