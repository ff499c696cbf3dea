/* event_victim.h - who loses its blocks in the event replay. */
#ifndef PAGESIM_EVENT_VICTIM_H
#define PAGESIM_EVENT_VICTIM_H

#include "vllm_v1_fast/replay_state.h"

/* The slot that the preemption_victim policy chooses. Nobody is in the calendar, and somebody runs. Overwrites `due`. */
uint32_t event_victim_choose(struct event_replay *replay);

#endif
