/* vllm_v0_phases.h - who is in the coming step of V0. */
#ifndef PAGESIM_VLLM_V0_PHASES_H
#define PAGESIM_VLLM_V0_PHASES_H

#include "vllm_v0/vllm_v0_state.h"

/* Fill the lists of the step, which are empty: prefill first (section 4) or chunked (section 7). v0->abort is set when vLLM would die. */
SIM_NODISCARD enum status v0_schedule_prefill_first(struct vllm_v0 *v0, struct diag *diag);
SIM_NODISCARD enum status v0_schedule_chunked(struct vllm_v0 *v0, struct diag *diag);

/* Tokens that the live sequences with a status want. */
uint32_t v0_group_wants(const struct v0_group *group, enum v0_status status);

#endif
