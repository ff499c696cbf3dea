/* step_parts.h - what several kinds of step do alike: sums over a step, which are its shape and the tally made of it; blocks that go back. */
#ifndef PAGESIM_STEP_PARTS_H
#define PAGESIM_STEP_PARTS_H

#include "vllm_v1_fast/replay_state.h"

/* The shape of a step in which only those in the calendar compute, a token each. */
void step_parts_decodes(const struct event_replay *replay, struct step_shape *shape);
/* Add the live->scheduled tokens of a slot that is not in the calendar: they are computed from here on. */
void step_parts_compute(struct event_replay *replay, struct live *live);
/* Queues and blocks as they are. */
void step_parts_state(const struct event_replay *replay, struct step_tally *tally);
/* Everybody is added: when does the step run? Fills in its flight's tally and end, but for what its tokens bring. SIM_BAD_INPUT: the clock
 * does not count so far. */
SIM_NODISCARD enum status step_parts_close(struct event_replay *replay, struct diag *diag);

/* Give back the table of a slot that has `computed` tokens, of which the first `settled` have content. `preempted`: the request will want to
 * find its blocks again. */
SIM_NODISCARD enum status step_parts_give_back(struct event_replay *replay, uint32_t slot, uint32_t computed, uint32_t settled,
                                               bool preempted, struct diag *diag);

#endif
