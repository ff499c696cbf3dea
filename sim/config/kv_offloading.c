/* kv_offloading.c - what offloading is refused with. */
#include "config/kv_offloading.h"

#include <string.h>

#include "config/config_keys.h"
#include "config/kv_groups.h"

/* Is it known what a block weighs? The kv shape has defaults, which nobody means who did not give it. */
static bool knows_bytes(const struct config *config)
{
    return config->model[0] || config_gives(config, "kv.num_layers") || config_gives(config, "kv.num_kv_heads") ||
           config_gives(config, "kv.head_dim");
}

enum status offloading_check(const struct config *config, const char *where, struct diag *diag)
{
    const bool in_order = strcmp(config->scheduling_policy, "fcfs") == 0 || strcmp(config->scheduling_policy, "priority") == 0;
    const char *against = NULL;
    if (!config_offloads(config))
        return SIM_OK;
    if (!config->enable_prefix_caching)
        against = "no prefix caching; set enable_prefix_caching";
    else if (config->kv_role != KV_ROLE_NONE)
        against = "kv_role, which would take several connectors; leave one of them out";
    else if (config->speculative.method != SPECULATIVE_NONE)
        against = "speculative_config; leave one of them out";
    else if (!kv_groups_plain(config))
        against = "several groups of layers or windows; set disable_hybrid_kv_cache_manager";
    else if (!in_order)
        against = "a scheduling_policy other than \"fcfs\" and \"priority\"";
    else if (config->data_plane != DATA_PLANE_OFF)
        against = "data_plane; set it to \"off\"";
    if (against)
        return diag_set(diag, SIM_BAD_INPUT, "%s: kv_offloading_size is not modelled with %s", where, against);
    return SIM_OK;
}

enum status offloading_check_bytes(const struct config *config, struct diag *diag)
{
    if (!config_offloads(config) || knows_bytes(config))
        return SIM_OK;
    return diag_set(diag, SIM_BAD_INPUT,
                    "kv_offloading_size holds as many blocks as their bytes allow; give model, or kv.num_layers, kv.num_kv_heads and "
                    "kv.head_dim");
}
