/* scheduler.c - the one place that knows which engines there are. */
#include "engine/scheduler.h"

const struct scheduler_ops *scheduler_ops_of(const struct config *config)
{
    return config->scheduler == SCHEDULER_VLLM_V0 ? &vllm_v0_ops : &vllm_v1_ops;
}

enum status scheduler_create(const struct trace *trace, const struct config *config, const struct step_time_model *model, bool want_lists,
                             struct scheduler **out, struct diag *diag)
{
    if (config->scheduler == SCHEDULER_VLLM_V0)
        return vllm_v0_create(trace, config, want_lists, out, diag);
    return vllm_v1_create(trace, config, model, want_lists, out, diag);
}
