/* vllm_v1.h - the scheduler of vLLM V1, one step at a time: the reference that the event replay (vllm_v1_fast) is held to. */
#ifndef PAGESIM_VLLM_V1_H
#define PAGESIM_VLLM_V1_H

#include "engine/scheduler.h"
#include "time/step_time.h"

/* Borrow trace, config and model for the scheduler's life; `model` is for policies that ask what a step would cost. `want_lists` = false
 * lets the scheduler skip step->sequences. End it with (*out)->ops->destroy. SIM_BAD_INPUT: a policy that does not exist. */
SIM_NODISCARD enum status vllm_v1_create(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                         bool want_lists, struct scheduler **out, struct diag *diag);

/* never_runs of scheduler_ops (scheduler.h), for the event replay, which drops the same requests. */
bool vllm_v1_never_runs(const struct trace *trace, const struct config *config, uint32_t position, enum drop_reason *why,
                        uint64_t *smallest_pool);

#endif
