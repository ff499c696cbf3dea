/* decode_stretch.h - many steps at once, as long as nothing but decoding happens: the reason why the event replay is fast. */
#ifndef PAGESIM_DECODE_STRETCH_H
#define PAGESIM_DECODE_STRETCH_H

#include "vllm_v1_fast/replay_state.h"

/* Does everybody who runs decode? Cheap to ask; false: the next step is no step of a stretch. */
static inline bool decode_stretch_possible(const struct event_replay *replay)
{
    return replay->prefill_count == 0 && replay->late == 0 && replay->calendar.decoders > 0;
}

/* Run the steps from here on in which nothing but decoding happens, as far as they start before the next arrival, and tell of them as
 * runs. decode_stretch_possible must hold. *steps: how many; 0 when the very next step is no such step. */
SIM_NODISCARD enum status decode_stretch_run(struct event_replay *replay, uint32_t *steps, struct diag *diag);

#endif
