/* decode_stretch.h - many steps at once, as long as nothing but decoding happens: the reason why the event replay is fast. */
#ifndef PAGESIM_DECODE_STRETCH_H
#define PAGESIM_DECODE_STRETCH_H

#include "vllm_v1_fast/replay_state.h"

/* Run the steps from here on in which nothing but decoding happens, as far as they start before `until_ns`, and tell of them as runs. *steps:
 * how many; 0 when the very next step is no such step. */
SIM_NODISCARD enum status decode_stretch_run(struct event_replay *replay, int64_t until_ns, uint32_t *steps, struct diag *diag);

#endif
