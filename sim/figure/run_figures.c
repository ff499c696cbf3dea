/* run_figures.c - evaluates the rows of figure_rows.h over one run. Read that file first: its expressions call the helpers below and read
 * the fields of struct run_facts. A quotient with nothing below the line is NaN, which becomes an undefined figure. */
#include "figure/run_figures.h"

#include <math.h>

#include "base/integers.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"
#include "config/kv_offloading.h"
#include "vllm_v1/v1_rules.h"

/* --- what rows call ---------------------------------------------------------------------------------------------------------------- */

static double per(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

/* Ledger sums are 128-bit integers (blocks times nanoseconds); ledger_share divides them without losing digits first. */
static double share(ledger_sum part, ledger_sum whole)
{
    return whole > 0 ? ledger_share(part, whole) : NAN;
}

static double host_bytes(const struct run_facts *s, uint64_t blocks)
{
    return (double)blocks * (double)s->block_bytes * s->config->tensor_parallel_size;
}

/* Of a request of max_model_len in all groups of layers. */
static uint64_t longest_blocks(const struct run_facts *s)
{
    const struct kv_groups groups = kv_groups_of(s->config);
    return kv_groups_longest_blocks(&groups, v1_tokens_in_flight(s->config), s->config->max_model_len);
}

static uint64_t pool_tokens(const struct run_facts *s)
{
    const struct kv_groups groups = kv_groups_of(s->config);
    return kv_groups_room_tokens(&groups, s->ledger->pool_blocks, v1_tokens_in_flight(s->config), s->config->max_model_len);
}

static ledger_sum empty_slots(const struct run_facts *s)
{
    return s->memory.table_blocks * s->ledger->block_size - s->memory.held_tokens;
}

/* The summary of an empty distribution is all 0; as a figure it is undefined. */
static double latency_value(const struct run_facts *s, enum latency latency, double value)
{
    return s->metrics->latency_ms[latency].count > 0 ? value : NAN;
}

/* A whole second may be more than the run has, or cut a run into a full and a nearly empty part: then the mean is the better peak. */
static double peak_output(const struct run_facts *s)
{
    const double most = (double)s->metrics->output_peak.most;
    return s->seconds < 1 ? per(most, s->seconds) : fmax(most, (double)s->output_tokens / s->seconds);
}

/* NaN without drafts: a turn without any is no verification. */
static double acceptance_length(const struct run_facts *s)
{
    return 1 + per((double)s->metrics->accepted_draft_tokens, (double)s->metrics->end.drafts.verified);
}

/* NaN for the way of reading that the run did not use. */
static double read_speed(const struct run_facts *s, enum kv_read read)
{
    return s->config->kv.read == read ? per((double)s->worker->read_bytes, (double)s->worker->read_ns) : NAN;
}

/* --- one function a row ------------------------------------------------------------------------------------------------------------ */

/* A function a row instead of one function with all rows: a run evaluates only the rows of its scopes, and the expressions of others would
 * read facts that it does not have, such as the worker's totals. */

#define FIGURE(name, unit, sense, combine, scope, whole, heading, meaning, value)                                                          \
    static double value_of_##name(const struct run_facts *s)                                                                               \
    {                                                                                                                                      \
        (void)s;                                                                                                                           \
        return value;                                                                                                                      \
    }
#include "figure/figure_rows.h"

static double (*const values[])(const struct run_facts *s) = {
#define FIGURE(name, unit, sense, combine, scope, whole, heading, meaning, value) value_of_##name,
#include "figure/figure_rows.h"
};

/* --- the run ----------------------------------------------------------------------------------------------------------------------- */

/* vLLM's totals count completed requests only, so tokens of requests that were cut off do not enter the throughput. */
static void derive(struct run_facts *facts)
{
    const struct metrics *metrics = facts->metrics;
    facts->seconds = metrics->first_arrival_ns < 0 ? 0 : (double)(metrics->end.end_ns - metrics->first_arrival_ns) / 1e9;
    facts->input_tokens = facts->output_tokens = 0;
    for (uint32_t position = 0; position < facts->trace->count; position++) {
        const struct request_story story = metrics_story(metrics, position);
        if (story.finish_ns >= 0)
            facts->input_tokens += facts->trace->input_tokens[position];
        facts->output_tokens += story.finish_ns >= 0 ? story.output_tokens : 0;
    }
    facts->good_requests = facts->goodput ? goodput_count(facts->goodput, metrics) : 0;
    facts->memory = ledger_span_sums(facts->ledger, SPAN_ALL);
    facts->block_bytes = config_block_bytes(facts->config);
    const double gpus = facts->config->tensor_parallel_size;
    facts->servers = facts->fleet ? *facts->fleet
                                  : (struct fleet_sums){.replicas = 1,
                                                        .gpus = gpus,
                                                        .gpu_seconds = gpus * (double)metrics->end.end_ns / 1e9,
                                                        .imbalance = 1,
                                                        .waits = facts->trace->count - metrics->dropped}; /* for no other server */
}

unsigned run_figures_scopes(const struct config *config, bool goodput)
{
    unsigned scopes = FIGURE_SCOPE(FIGURE_ALWAYS);
    if (config->speculative.method != SPECULATIVE_NONE)
        scopes |= FIGURE_SCOPE(FIGURE_OF_SPECULATION);
    if (config_offloads(config))
        scopes |= FIGURE_SCOPE(FIGURE_OF_OFFLOADING);
    if (config->kv_role == KV_ROLE_CONSUMER)
        scopes |= FIGURE_SCOPE(FIGURE_OF_HANDOVER);
    if (engine_facts_of(config)->has_groups)
        scopes |= FIGURE_SCOPE(FIGURE_OF_GROUPS);
    if (config->data_plane != DATA_PLANE_OFF)
        scopes |= FIGURE_SCOPE(FIGURE_OF_BYTES) | FIGURE_SCOPE(FIGURE_OF_MACHINE);
    if (goodput)
        scopes |= FIGURE_SCOPE(FIGURE_OF_GOODPUT);
    if (config_has_fleet(config) || config->fleet.gpu_hour_price > 0 || config->fleets_compared)
        scopes |= FIGURE_SCOPE(FIGURE_OF_FLEET);
    if (config->max_concurrency > 0)
        scopes |= FIGURE_SCOPE(FIGURE_OF_CLIENT);
    return scopes;
}

/* Percentiles that no row lists. Each one selects anew from the distribution, which is why they are computed on demand only. */
static enum status add_wishes(const struct run_facts *facts, const struct figure_wishes *wishes, struct figure_set *out, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; wishes && i < wishes->count && status == SIM_OK; i++) {
        enum latency latency;
        double percentile, value = NAN;
        struct figure_kind made;
        if (!figure_parse_percentile(wishes->names[i], &latency, &percentile))
            continue;
        status = metrics_percentiles(facts->metrics, latency, &percentile, 1, &value, diag);
        figure_set_add(out, figure_kind_find(wishes->names[i], &made), latency_value(facts, latency, value));
    }
    return status;
}

enum status run_figures_collect(struct run_facts *facts, const struct figure_wishes *wishes, struct figure_set *out, struct diag *diag)
{
    unsigned scopes = run_figures_scopes(facts->config, facts->goodput != NULL);
    if (!facts->worker) /* a data plane is configured, but this run moved no bytes */
        scopes &= ~(FIGURE_SCOPE(FIGURE_OF_BYTES) | FIGURE_SCOPE(FIGURE_OF_MACHINE));
    derive(facts);
    out->count = 0;
    for (size_t i = 0; i < figure_kind_count; i++)
        if (scopes & FIGURE_SCOPE(figure_kinds[i].scope))
            figure_set_add(out, &figure_kinds[i], values[i](facts));
    return add_wishes(facts, wishes, out, diag);
}
