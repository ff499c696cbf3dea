/* vllm_v0.h - the scheduler of vLLM V0: groups of sequences, swapping, forks and beams. */
#ifndef PAGESIM_VLLM_V0_H
#define PAGESIM_VLLM_V0_H

#include "engine/scheduler.h"
#include "vllm_v0/vllm_v0_detail.h"

/* Borrow trace and config for the scheduler's life. End it with (*out)->ops->destroy. */
SIM_NODISCARD enum status vllm_v0_create(const struct trace *trace, const struct config *config, enum v0_detail detail,
                                         struct scheduler **out, struct diag *diag);

#endif
