/* fleet_plan.c - kinds of replicas from a configuration. A kind is the configuration around it with its settings applied as options would be,
 * so that what is refused there is refused here. */
#include "fleet/fleet_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "base/json.h"
#include "config/config_keys.h"
#include "config/sizing.h"

/* A server knows nothing of the fleet that it is part of, nor of who calls it. The pool of a kind on another GPU is sized anew. */
static void leave_fleet(struct config *config)
{
    config->fleet = (struct fleet_config){.replicas = 1, .data_parallel_size = 1, .router_view_ms = -1};
    config->max_concurrency = 0;
    config->request_rate = -1;
    config->arrival_speedup_ratio = 1;
    config->ramp_up_strategy[0] = config->arrival_generator[0] = '\0';
    config->ramp_up_start_rps = config->ramp_up_end_rps = 0;
}

/* One member of a kind's settings, as text: what stands in quotes, or the number as it is written. */
static enum status set_member(struct config *config, const struct json_document *settings, const cJSON *member, struct diag *diag)
{
    char value[CONFIG_TEXT_SIZE], key[96];
    const char *source;
    const size_t length = json_source(settings, member, &source);
    if (cJSON_IsString(member))
        snprintf(value, sizeof value, "%s", member->valuestring);
    else
        snprintf(value, sizeof value, "%.*s", (int)length, source);
    snprintf(key, sizeof key, "%s", member->string);
    bool negated;
    if (!config_find_option(key, &negated) || negated)
        return json_error(settings, member, true, diag, "\"%s\" is no key of the configuration; doc/formats.md lists them, and count", key);
    if (strcmp(key, "num_gpu_blocks") != 0 && config->sized)
        config->num_gpu_blocks = 0;
    return config_set(config, key, value, diag);
}

static enum status apply_settings(const struct replica_kind *kind, struct config *config, struct diag *diag)
{
    struct json_document settings;
    enum status status = json_open("replica_kinds", 1, kind->settings, strlen(kind->settings), &settings, diag);
    if (status != SIM_OK)
        return status;
    for (const cJSON *member = settings.root->child; member && status == SIM_OK; member = member->next)
        status = set_member(config, &settings, member, diag);
    json_close(&settings);
    return status;
}

/* `role`: of servers of prompts or of answers, where there are both. */
static enum status make_kind(const struct fleet_plan *plan, const struct replica_kind *wanted, enum kv_role role, struct fleet_kind *out,
                             struct diag *diag)
{
    struct sizing sizing;
    out->config = *plan->config;
    leave_fleet(&out->config);
    out->config.kv_role = role;
    out->count = wanted ? wanted->count : plan->replicas;
    enum status status = wanted ? apply_settings(wanted, &out->config, diag) : SIM_OK;
    if (status == SIM_OK && out->config.num_gpu_blocks == 0)
        status = sizing_fill(&out->config, &sizing, diag);
    return status == SIM_OK ? step_time_create(&out->config, &out->model, diag) : status;
}

/* Each kind once; with servers of prompts twice: for those, then for servers of answers. */
static enum status make_kinds(struct fleet_plan *plan, struct diag *diag)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    const uint32_t kinds = fleet->kind_count > 0 ? fleet->kind_count : 1, roles = fleet->prefill_replicas > 0 ? 2 : 1;
    enum status status = array_zeroed(&plan->kinds, (size_t)kinds * roles, sizeof *plan->kinds, "the fleet's replicas", diag);
    for (uint32_t i = 0; status == SIM_OK && i < kinds * roles; i++) {
        const enum kv_role role = roles == 1 ? plan->config->kv_role : i < kinds ? KV_ROLE_PRODUCER : KV_ROLE_CONSUMER;
        status = make_kind(plan, fleet->kind_count > 0 ? &fleet->kinds[i % kinds] : NULL, role, &plan->kinds[i], diag);
        plan->kind_count++;
    }
    return status;
}

/* Known when it is known how many there can be. */
static enum status check_failures(const struct fleet_plan *plan, struct diag *diag)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    for (uint32_t i = 0; i < fleet->failure_count; i++)
        if (fleet->failures[i].replica >= plan->most)
            return diag_set(diag, SIM_BAD_INPUT, "replica_failures: there is no replica %u; numbers are from 0 to %u",
                            fleet->failures[i].replica, plan->most - 1);
    return SIM_OK;
}

static enum status check(const struct fleet_plan *plan, struct diag *diag)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    const bool changes = fleet->autoscale.most > 0 || fleet->autoscale.schedule_count > 0 || fleet->failure_count > 0;
    if (fleet->replicas > 1 && fleet->data_parallel_size > 1)
        return diag_set(diag, SIM_BAD_INPUT,
                        "replicas and data_parallel_size both make several engines; give one of them, or their product as replicas");
    if (fleet->kind_count > 0 && (fleet->data_parallel_size > 1 || (fleet->replicas > 1 && fleet->replicas != plan->replicas)))
        return diag_set(diag, SIM_BAD_INPUT, "replica_kinds count %u replicas; leave out %s", plan->replicas,
                        fleet->replicas > 1 ? "replicas" : "data_parallel_size");
    if (fleet->prefill_replicas > 0 && fleet->prefill_replicas >= plan->replicas)
        return diag_set(diag, SIM_BAD_INPUT, "prefill_replicas (%u) leaves none of the %u replicas to decode; lower it, or add replicas",
                        fleet->prefill_replicas, plan->replicas);
    if (fleet->prefill_replicas > 0 && changes)
        return diag_set(diag, SIM_BAD_INPUT, "prefill_replicas with autoscale or replica_failures is not modelled; leave one of them out");
    if (plan->config->data_plane != DATA_PLANE_OFF)
        return diag_set(diag, SIM_BAD_INPUT, "data_plane moves the bytes of one server; leave it out, or replay one replica alone");
    return SIM_OK;
}

enum status fleet_plan_make(const struct config *config, struct fleet_plan *out, struct diag *diag)
{
    const struct fleet_config *fleet = &config->fleet;
    const bool ranks = fleet->data_parallel_size > 1 && !config_gives(config, "router");
    *out = (struct fleet_plan){.config = config, .replicas = fleet->replicas > 1 ? fleet->replicas : fleet->data_parallel_size};
    if (fleet->kind_count > 0)
        out->replicas = 0;
    for (uint32_t i = 0; i < fleet->kind_count; i++)
        out->replicas += fleet->kinds[i].count;
    out->router_name = ranks ? "vllm-data-parallel" : fleet->router;
    out->router = policy_find_router(out->router_name);
    if (!out->router)
        return diag_set(diag, SIM_BAD_INPUT, "there is no router \"%s\"", fleet->router);
    enum status status = check(out, diag);
    if (status != SIM_OK)
        return status;
    if (fleet->autoscale.schedule_count > 0 && fleet->autoscale.schedule[0].at_s <= 0)
        out->replicas = fleet->autoscale.schedule[0].replicas;
    out->replicas = max_u32(out->replicas, fleet->autoscale.least);
    out->most = max_u32(out->replicas, fleet->autoscale.most);
    for (uint32_t i = 0; i < fleet->autoscale.schedule_count; i++)
        out->most = max_u32(out->most, fleet->autoscale.schedule[i].replicas);
    out->delay_ns = ns_of(fleet->router_delay_ms, 1e6);
    out->view_ns = ns_of(fleet->router_view_ms >= 0 ? fleet->router_view_ms : out->router->view_ms, 1e6);
    status = check_failures(out, diag);
    return status == SIM_OK ? make_kinds(out, diag) : status;
}

/* Only kinds can differ in it, and their settings have to be applied to see that. */
enum status fleet_plan_gpus(const struct config *config, uint32_t *out, struct diag *diag)
{
    struct fleet_plan *plan;
    *out = config->tensor_parallel_size;
    if (!config_has_fleet(config))
        return SIM_OK;
    enum status status = array_zeroed(&plan, 1, sizeof *plan, "the fleet", diag);
    if (status != SIM_OK)
        return status;
    status = fleet_plan_make(config, plan, diag);
    *out = 0;
    for (uint32_t number = 0; status == SIM_OK && number < plan->most; number++)
        *out += plan->kinds[fleet_plan_kind(plan, number)].config.tensor_parallel_size;
    fleet_plan_deinit(plan);
    free(plan);
    return status;
}

void fleet_plan_deinit(struct fleet_plan *plan)
{
    for (uint32_t i = 0; i < plan->kind_count; i++)
        step_time_destroy(plan->kinds[i].model);
    free(plan->kinds);
    *plan = (struct fleet_plan){0};
}

uint32_t fleet_plan_kind(const struct fleet_plan *plan, uint32_t number)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    const uint32_t kinds = fleet->kind_count > 0 ? fleet->kind_count : 1;
    const uint32_t answers = fleet->prefill_replicas > 0 && number >= fleet->prefill_replicas ? kinds : 0;
    uint32_t end = 0;
    for (uint32_t kind = 0; kind < fleet->kind_count; kind++) {
        end += plan->kinds[kind].count;
        if (number < end)
            return answers + kind;
    }
    return answers;
}

bool fleet_plan_follows(const struct fleet_plan *plan, const struct trace *trace)
{
    return plan->config->max_concurrency > 0 || trace->previous;
}

struct pagesim_router_setup fleet_plan_router_setup(const struct fleet_plan *plan, const struct trace *trace, uint32_t names)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    const struct config *first = &plan->kinds[0].config;
    const uint64_t blocks = fleet->router_index_blocks > 0 ? fleet->router_index_blocks : first->num_gpu_blocks;
    const uint64_t pieces = blocks * first->block_size / first->trace_block_size;
    return (struct pagesim_router_setup){.request_count = trace->count,
                                         .replica_most = plan->most,
                                         .name_count = names,
                                         .tokens_per_name = trace->hash_start ? first->trace_block_size : 0,
                                         .seed = plan->config->seed,
                                         .prefix_match_share = fleet->router_prefix_match,
                                         .balance_requests = fleet->router_balance_requests,
                                         .balance_ratio = fleet->router_balance_ratio,
                                         .index_pieces = max_u64(pieces, 1)};
}
