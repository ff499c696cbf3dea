/* step_parts.h - what the kinds of step are made of: sums over a step, which are its shape and the tally made of it; and its end, at which
 * tokens are handed out, requests finish and blocks are given back. */
#ifndef PAGESIM_STEP_PARTS_H
#define PAGESIM_STEP_PARTS_H

#include "vllm_v1_fast/replay_state.h"

/* The shape of a step in which only those in the calendar compute, a token each. */
void step_parts_decodes(const struct event_replay *replay, struct step_shape *shape);
/* Add the live->scheduled tokens of a slot that is not in the calendar: they are computed from here on. */
void step_parts_compute(struct event_replay *replay, struct live *live);
/* Everybody is added: price the step and fill in the tally. *end_ns is the clock at its end. SIM_BAD_INPUT: the clock does not count so
 * far. */
SIM_NODISCARD enum status step_parts_close(struct event_replay *replay, int64_t *end_ns, struct diag *diag);

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
