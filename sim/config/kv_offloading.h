/* kv_offloading.h - K and V in the host's memory (kv_offloading_size): whether there are any, and what is refused with it. How much fits is in
 * sizing.h. doc/vllm_v1.md, section 15.2. */
#ifndef PAGESIM_KV_OFFLOADING_H
#define PAGESIM_KV_OFFLOADING_H

#include "config/config.h"

static inline bool config_offloads(const struct config *config)
{
    return config->kv_offloading_size > 0;
}

/* Refuses what is not modelled together with it. SIM_BAD_INPUT. */
SIM_NODISCARD enum status offloading_check(const struct config *config, const char *where, struct diag *diag);

/* Before a replay: is it known what a block weighs? SIM_BAD_INPUT: no. */
SIM_NODISCARD enum status offloading_check_bytes(const struct config *config, struct diag *diag);

#endif
