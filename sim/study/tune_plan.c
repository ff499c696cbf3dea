/* tune_plan.c - reads "key=values" with the grammar of sweeps and multiplies them. Start with tune_plan_make. */
#include "study/tune_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The search sets these itself, or they are no part of a server. */
static enum status check_key(const struct config_key *key, const char *what, struct diag *diag)
{
    static const char *const refused[] = {"seed",       "arrival_speedup_ratio", "request_rate",    "burstiness",       "ramp_up_strategy",
                                          "data_plane", "ramp_up_start_rps",     "ramp_up_end_rps", "trace_block_size", "scheduler",
                                          "contiguity", "max_concurrency"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(key->name, refused[i]) == 0)
            return diag_set(diag, SIM_USAGE, "%s: %s is no setting of a server that could be tuned", what, key->name);
    return key->group == KEY_TOP ? SIM_OK : diag_set(diag, SIM_USAGE, "%s: the clock and K/V shapes are not to be tuned", what);
}

/* Values that the key has already, or that are given twice, are left out: the plan's own list of texts is packed. */
static void drop_known_values(struct sweep_keys *keys, const struct config_key *key, size_t first, const struct config *config)
{
    size_t kept = first;
    for (size_t i = first; i < keys->value_count; i++) {
        struct config value = *config, other = *config;
        bool known = !config_key_parse(key, keys->values[i], &value) || config_key_equal(key, &value, config);
        for (size_t before = first; before < kept && !known; before++)
            known = config_key_parse(key, keys->values[before], &other) && config_key_equal(key, &value, &other);
        if (known)
            free(keys->values[i]);
        else
            keys->values[kept++] = keys->values[i];
    }
    keys->value_count = kept;
}

static enum status add_key(struct tune_plan *plan, const char *tune, const struct config *config, struct diag *diag)
{
    char name[SWEEP_KEY_NAME_SIZE], what[160];
    struct sweep_keys *keys = &plan->points.varied;
    const char *equals = strchr(tune, '=');
    const struct config_key *key;
    uint32_t index;
    snprintf(what, sizeof what, "--tune %s", tune);
    if (!equals || equals == tune || equals[1] == '\0' || (size_t)(equals - tune) >= sizeof name)
        return diag_set(diag, SIM_USAGE, "%s: KEY=VALUES is wanted, as in max_num_seqs=64:1024:*2", what);
    if (keys->count == TUNE_KEYS_MOST)
        return diag_set(diag, SIM_USAGE, "%s: more than %d keys", what, TUNE_KEYS_MOST);
    snprintf(name, sizeof name, "%.*s", (int)(equals - tune), tune);
    const size_t first = keys->value_count;
    if (sweep_key_find(name, what, &key, diag) != SIM_OK || check_key(key, what, diag) != SIM_OK ||
        sweep_keys_add(keys, key, what, &index, diag) != SIM_OK || sweep_keys_parse_values(keys, key, equals + 1, what, diag) != SIM_OK)
        return diag->status;
    drop_known_values(keys, key, first, config);
    plan->first_value[index] = (uint32_t)first;
    plan->digits[index] = (uint32_t)(1 + keys->value_count - first);
    return SIM_OK;
}

static enum status multiply(struct tune_plan *plan, struct diag *diag)
{
    struct sweep_plan *points = &plan->points;
    size_t count = 1;
    for (uint32_t key = points->varied.count; key-- > 0;) {
        plan->stride[key] = count;
        count *= plan->digits[key];
        if (count > TUNE_POINTS_MOST)
            return diag_set(diag, SIM_USAGE, "more than %d combinations; give fewer values", TUNE_POINTS_MOST);
    }
    points->point_count = count;
    enum status status = array_zeroed(&points->cells, count * points->varied.count, sizeof *points->cells, "combinations", diag);
    for (size_t point = 0; point < count && status == SIM_OK; point++)
        for (uint32_t key = 0; key < points->varied.count; key++) {
            const uint32_t digit = tune_digit(plan, point, key);
            points->cells[point * points->varied.count + key] = digit > 0 ? plan->first_value[key] + digit - 1 : SWEEP_NO_VALUE;
        }
    return status;
}

enum status tune_plan_make(struct tune_plan *plan, const char *const *tune, size_t count, const struct config *config, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = add_key(plan, tune[i], config, diag);
    return status == SIM_OK ? multiply(plan, diag) : status;
}

void tune_plan_deinit(struct tune_plan *plan)
{
    sweep_plan_deinit(&plan->points);
}

uint32_t tune_changes(const struct tune_plan *plan, size_t point)
{
    uint32_t changes = 0;
    for (uint32_t key = 0; key < plan->points.varied.count; key++)
        changes += tune_digit(plan, point, key) > 0;
    return changes;
}

/* Powers of two in the ranges that people use. A policy is worth a try only where requests have priorities. */
size_t tune_usual(const struct trace *trace, const struct config *config, bool gpus, const char **out)
{
    const bool v1 = config->scheduler == SCHEDULER_VLLM_V1;
    size_t count = 0;
    out[count++] = "max_num_batched_tokens=512:16384:*2";
    out[count++] = "max_num_seqs=32:1024:*2";
    out[count++] = "block_size=16,32,64";
    out[count++] = "watermark=0,0.01,0.05";
    if (v1)
        out[count++] = "long_prefill_token_threshold=0,512,2048";
    if (v1 && trace->priority)
        out[count++] = "scheduling_policy=fcfs,priority";
    if (config->sized && config->kv_cache_memory_bytes == 0)
        out[count++] = "gpu_memory_utilization=0.9,0.92,0.95";
    if (config->sized && gpus)
        out[count++] = "tensor_parallel_size=1,2,4,8";
    return count;
}
