/* offloading.h - K and V in the host's memory (kv_offloading_size): how much fits, and how fast it moves. doc/vllm_v1.md, section 15.2. */
#ifndef PAGESIM_OFFLOADING_CONFIG_H
#define PAGESIM_OFFLOADING_CONFIG_H

#include "config/config.h"

static inline bool config_offloads(const struct config *config)
{
    return config->kv_offloading_size > 0;
}

/* Blocks that fit into the host's memory, where a block has its bytes of all GPUs: at most as many as a number can name. */
uint32_t offloading_blocks(const struct config *config);

/* How long one block takes between a GPU and the host: each GPU moves its own share over its own link. */
double offloading_block_ns(const struct config *config);

/* Refuses what is not modelled together with it. SIM_BAD_INPUT. */
SIM_NODISCARD enum status offloading_check(const struct config *config, const char *where, struct diag *diag);

/* Before a replay: is it known what a block weighs? SIM_BAD_INPUT: no. */
SIM_NODISCARD enum status offloading_check_bytes(const struct config *config, struct diag *diag);

#endif
