/* vllm_v0_outputs.h - what the model's outputs do to a group: append tokens, fork into samples, follow beams, finish.
 * Source: doc/vllm_v0.md section 8; vLLM 0.6.2 engine/output_processor/single_step.py. */
#ifndef PAGESIM_VLLM_V0_OUTPUTS_H
#define PAGESIM_VLLM_V0_OUTPUTS_H

#include "vllm_v0/vllm_v0_groups.h"

/* Scratch that all groups of a scheduler share. */
struct v0_outputs {
    struct v0_result *results;
    size_t capacity;
    uint32_t *draws; /* beams: which parent each sample continues */
    size_t draws_capacity;
};

/* Hand out this step's tokens to a group that was sampled. */
SIM_NODISCARD enum status v0_feed(struct v0_outputs *outputs, struct v0_manager *manager, struct v0_group *group, struct diag *diag);
void v0_outputs_deinit(struct v0_outputs *outputs);

#endif
