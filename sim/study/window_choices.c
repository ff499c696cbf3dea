/* window_choices.c - lists the values worth a replay, and replays them. */
#include "study/window_choices.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/kv_groups.h"
#include "study/parallel_runs.h"

struct study {
    const struct trace *trace;
    const struct config *config;
    struct window_choices *choices;
};

/* A stalled replay has figures, too: of what it did until then. */
static enum status replay_choice(void *context, size_t i, struct diag *diag)
{
    const struct study *study = context;
    struct {
        struct run run;
        struct config config;
    } * made; /* too large for the stack of a thread */
    enum status status = array_zeroed(&made, 1, sizeof *made, "a replay", diag);
    if (status != SIM_OK)
        return status;
    made->config = *study->config;
    made->config.prefix_cache_retention_interval = study->choices->list[i].interval;
    status = run_open(&made->run, study->trace, &made->config, diag);
    if (status == SIM_OK)
        status = run_replay(&made->run, NULL, 0, NULL, diag);
    if (status == SIM_OK)
        study->choices->list[i].figures = made->run.figures;
    run_close(&made->run);
    free(made);
    return status;
}

enum status window_choices_make(const struct trace *trace, const struct config *config, struct window_choices *out, struct diag *diag)
{
    const struct kv_groups groups = kv_groups_of(config);
    const int64_t now = config->prefix_cache_retention_interval;
    uint32_t longest = 0;
    out->count = 0;
    if (!config->enable_prefix_caching || !kv_groups_window(&groups) || now == RETENTION_DENSE)
        return SIM_OK;
    for (uint32_t position = 0; position < trace->count; position++)
        longest = max_u32(longest, trace->input_tokens[position]);
    for (int64_t interval = 4 * (int64_t)groups.alignment; interval <= longest && out->count + 1 < WINDOW_CHOICES_MOST; interval *= 4)
        if (interval != now)
            out->list[out->count++].interval = interval;
    out->list[out->count++].interval = RETENTION_DENSE;
    struct study study = {trace, config, out};
    return parallel_runs(out->count, 0, replay_choice, &study, diag);
}
