/* vllm_v0.h - the scheduler of vLLM V0: groups of sequences, swapping, forks and beams. */
#ifndef PAGESIM_VLLM_V0_H
#define PAGESIM_VLLM_V0_H

#include "engine/scheduler.h"

/* How much of blocks somebody looks at. Ids decide nothing as long as no two tables share a block: then who only counts is spared them. */
enum v0_detail {
    V0_COUNTS, /* how many there are; table_runs, pool_states, check and pairs of copies and swaps mean nothing */
    V0_IDS,
    V0_LISTS /* and step->sequences */
};

/* Borrow trace and config for the scheduler's life. End it with (*out)->ops->destroy. */
SIM_NODISCARD enum status vllm_v0_create(const struct trace *trace, const struct config *config, enum v0_detail detail,
                                         struct scheduler **out, struct diag *diag);

#endif
