/* engine_facts.c - the table of engine_facts.h, one row an engine. The engines themselves are in sim/vllm_v1 and sim/vllm_v0. */
#include "config/engine_facts.h"

#include "sim_version.h"

static const struct engine_facts engines[] = {
    [SCHEDULER_VLLM_V1] = {.name = "vllm-v1", .vllm_version = SIM_VLLM_V1_VERSION, .has_null_block = true, .expands_samples = true},
    [SCHEDULER_VLLM_V0] = {.name = "vllm-v0", .vllm_version = SIM_VLLM_V0_VERSION, .has_groups = true},
};

const struct engine_facts *engine_facts_of(const struct config *config)
{
    return &engines[config->scheduler];
}
