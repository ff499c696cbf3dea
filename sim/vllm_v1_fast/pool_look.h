/* pool_look.h - what fills the pool of the event replay, for observers that ask it of steps that preempt (observer.h). */
#ifndef PAGESIM_POOL_LOOK_H
#define PAGESIM_POOL_LOOK_H

#include "engine/pool_filling.h"
#include "vllm_v1_fast/replay_state.h"

/* The pool now, between two steps and with nobody in the calendar. O(parts of tables). */
SIM_NODISCARD enum status pool_look(struct event_replay *replay, struct pool_filling *out, struct diag *diag);

#endif
