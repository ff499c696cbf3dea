/* fleet_report.c - the words and tables about a fleet. Read fleet_report.h first. The figures are those of the run (FIGURE_OF_FLEET); rows of replicas
 * come from the parts, of which each was watched alone: times count from the arrival at the replica. */
#include "report/fleet_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/command_words.h"
#include "base/integers.h"
#include "base/line.h"
#include "base/memory_stream.h"
#include "base/units.h"
#include "report/head_notes.h"

enum { ROWS_SHOWN = 32 };

/* --- the head ---------------------------------------------------------------------------------------------------------------------- */

/* The keys that a router reads beside those of all routers. */
static struct line router_settings(const struct fleet_plan *plan)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    char requests[UNIT_TEXT], blocks[UNIT_TEXT];
    struct line line = {0};
    if (strcmp(plan->router_name, "prefix-aware") != 0)
        return line;
    line_put(&line, ": a match counts from %g %% of the prompt on; loads that differ by more than %s requests and %g x are evened out; ",
             100 * fleet->router_prefix_match, unit_count(fleet->router_balance_requests, requests), fleet->router_balance_ratio);
    if (fleet->router_index_blocks > 0)
        line_put(&line, "it remembers %s blocks of a replica", unit_count(fleet->router_index_blocks, blocks));
    else
        line_put(&line, "it remembers a pool's blocks of a replica");
    return line;
}

static void put_kinds(struct document *document, const struct fleet_plan *plan)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    for (uint32_t i = 0; i < fleet->kind_count; i++) {
        const struct config *config = &plan->kinds[i].config;
        char blocks[UNIT_TEXT];
        head_wrapped(document, "", "kind %u: %u replica%s with %s: %s blocks of %u tokens, %u GPU%s", i, fleet->kinds[i].count,
                     fleet->kinds[i].count == 1 ? "" : "s", fleet->kinds[i].settings, unit_count(config->num_gpu_blocks, blocks),
                     config->block_size, config->tensor_parallel_size, config->tensor_parallel_size == 1 ? "" : "s");
    }
}

static void put_router(struct document *document, const struct fleet_plan *plan)
{
    const struct fleet_config *fleet = &plan->config->fleet;
    struct line line = {0};
    line_put(&line, "%u replica%s%s behind %s%s", plan->replicas, plan->replicas == 1 ? "" : "s",
             fleet->data_parallel_size > 1 ? " (data-parallel ranks)" : "", plan->router_name, router_settings(plan).text);
    head_wrapped(document, "", "%s", line.text);
    line = (struct line){0};
    if (plan->delay_ns > 0)
        line_put(&line, "%g ms from the router to a replica", (double)plan->delay_ns / 1e6);
    if (plan->router->looks_at_reports)
        line_put(&line, "%sreplicas report every %g ms", line.length ? "; " : "", (double)plan->view_ns / 1e6);
    if (line.length)
        head_wrapped(document, "", "%s", line.text);
    if (fleet->prefill_replicas > 0)
        head_wrapped(document, "", "%u of them compute prompts for the others; K/V go over at %g GB/s after %g ms", fleet->prefill_replicas,
                     fleet->kv_transfer_gb_per_s, fleet->kv_transfer_ms);
}

static void put_autoscale(struct document *document, const struct autoscale_config *scale)
{
    struct line line = {0};
    if (scale->most > 0) {
        line_put(&line, "autoscale %u to %u replicas, ", scale->least, scale->most);
        if (scale->utilization > 0)
            line_put(&line, "so that %g %% of a pool is in use", 100 * scale->utilization);
        else
            line_put(&line, "so that each has %g unanswered requests", scale->unanswered);
        line_put(&line, ": looks every %g s, down after %g s", scale->interval_s, scale->down_after_s);
    } else if (scale->schedule_count > 0) {
        line_put(&line, "replicas by a schedule:");
        for (uint32_t i = 0; i < scale->schedule_count; i++)
            line_put(&line, "%s %u from %g s", i ? "," : "", scale->schedule[i].replicas, scale->schedule[i].at_s);
    } else {
        return;
    }
    if (scale->startup_s > 0)
        line_put(&line, "; a new one starts for %g s", scale->startup_s);
    head_wrapped(document, "", "%s", line.text);
}

static void put_failures(struct document *document, const struct fleet_config *fleet)
{
    struct line line = {0};
    for (uint32_t i = 0; i < fleet->failure_count; i++) {
        const struct replica_failure *failure = &fleet->failures[i];
        line_put(&line, "%s%u at %g s, ", i ? "; " : "replicas fail: ", failure->replica, failure->at_s);
        if (isinf(failure->down_s))
            line_put(&line, "for good");
        else
            line_put(&line, "for %g s", failure->down_s);
        line_put(&line, failure->lost ? ", requests are lost" : ", requests are sent anew");
    }
    if (line.length)
        head_wrapped(document, "", "%s", line.text);
}

void fleet_head(struct document *document, const struct fleet *fleet)
{
    const struct fleet_plan *plan = &fleet->plan;
    put_router(document, plan);
    put_kinds(document, plan);
    put_autoscale(document, &plan->config->fleet.autoscale);
    put_failures(document, &plan->config->fleet);
    if (plan->config->fleet.gpu_hour_price > 0)
        document_line(document, "a GPU costs %g an hour", plan->config->fleet.gpu_hour_price);
    head_wrapped(document, "", "queues and memory below are means over replicas, peaks those of the replica with the highest");
    document_open_object(document, "routing");
    document_text(document, "router", plan->router_name);
    document_number(document, "delay_ms", (double)plan->delay_ns / 1e6);
    document_number(document, "view_ms", plan->router->looks_at_reports ? (double)plan->view_ns / 1e6 : (double)NAN);
    document_close(document);
}

/* --- the section ------------------------------------------------------------------------------------------------------------------- */

static void put_sums(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT];
    const double cost = run_figure(run, "cost_per_million_output_tokens"), transfer = run_figure(run, "mean_kv_transfer_ms");
    struct line line = {0};
    line_put(&line, "  replicas %s and GPUs %s at most, %s GPU hours", unit_count((uint64_t)run_figure(run, "peak_replicas"), a),
             unit_count((uint64_t)run_figure(run, "gpus"), b), unit_short(run_figure(run, "gpu_hours"), c));
    if (!isnan(cost))
        line_put(&line, ": %.3g a million output tokens", cost);
    document_line(document, "%s", line.text);
    document_line(document, "  tokens of the busiest replica %.2f x the mean; requests sent anew %s, lost %s",
                  run_figure(run, "replica_imbalance"), unit_count((uint64_t)run_figure(run, "retried_requests"), a),
                  unit_count((uint64_t)run_figure(run, "lost_requests"), b));
    if (!isnan(run_figure(run, "mean_routing_wait_ms")))
        document_line(document, "  waited while another replica had nobody waiting: %.1f ms mean, %.1f ms p99",
                      run_figure(run, "mean_routing_wait_ms"), run_figure(run, "p99_routing_wait_ms"));
    if (!isnan(transfer))
        document_line(document, "  K/V on their way to a decode replica: %.3f ms mean", transfer);
}

/* --- replicas ---------------------------------------------------------------------------------------------------------------------- */

/* What all rows of a table have in common: of one replica, or of all of a kind. */
struct replica_sums {
    uint64_t requests, preemptions, peak_waiting, first_tokens, admitted;
    double tokens, prompt_tokens, cached_tokens;
    double ttft_ms, queue_ms, routing_wait_ms; /* sums over requests */
    double used, pool;                         /* blocks times time */
};

static void add_part(struct replica_sums *sums, const struct fleet_part *part)
{
    const struct metrics *metrics = &part->metrics;
    const struct ledger_sums memory = ledger_span_sums(&part->ledger, SPAN_ALL);
    const struct summary *ttft = &metrics->latency_ms[LATENCY_TTFT], *queue = &metrics->latency_ms[LATENCY_QUEUE];
    sums->requests += part->member->count;
    sums->preemptions += metrics->preempt_recompute + metrics->preempt_swap;
    sums->peak_waiting = max_u64(sums->peak_waiting, metrics->peak_waiting);
    sums->first_tokens += ttft->count;
    sums->admitted += queue->count;
    sums->tokens += (double)metrics->scheduled_tokens;
    sums->prompt_tokens += (double)metrics->prompt_tokens;
    sums->cached_tokens += (double)metrics->cached_tokens;
    sums->ttft_ms += ttft->mean * (double)ttft->count;
    sums->queue_ms += queue->mean * (double)queue->count;
    sums->routing_wait_ms += (double)part->routing_wait_ns / 1e6;
    sums->used += (double)memory.used;
    sums->pool += (double)part->ledger.pool_blocks * (double)memory.time_ns;
}

static double per(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

static const struct table_column sum_columns[] = {
    {"requests", "requests", TABLE_WHOLE, 0}, {"token_share", "tokens %", 1, 0.01},       {"prefix_hit_rate", "hits %", 1, 0.01},
    {"mean_ttft_ms", "TTFT ms", 1, 0},        {"mean_queue_ms", "queue ms", 1, 0},        {"mean_routing_wait_ms", "routing ms", 1, 0},
    {"mean_used_share", "KV %", 1, 0.01},     {"preemptions", "preempt", TABLE_WHOLE, 0}, {"peak_waiting", "most wait", TABLE_WHOLE, 0}};
enum { SUM_COLUMNS = sizeof sum_columns / sizeof *sum_columns };

static void put_row(struct table *table, const struct replica_sums *sums, double all_tokens)
{
    table_numbers(table, (double)sums->requests, per(sums->tokens, all_tokens), per(sums->cached_tokens, sums->prompt_tokens),
                  per(sums->ttft_ms, (double)sums->first_tokens), per(sums->queue_ms, (double)sums->admitted),
                  per(sums->routing_wait_ms, (double)sums->requests), per(sums->used, sums->pool), (double)sums->preemptions,
                  (double)sums->peak_waiting);
}

static double all_tokens(const struct fleet *fleet)
{
    struct replica_sums all = {0};
    for (size_t i = 0; i < fleet->part_count; i++)
        add_part(&all, &fleet->parts[i]);
    return all.tokens;
}

/* Do replicas come, go or fail? */
static bool changes(const struct fleet *fleet)
{
    bool any = false;
    for (size_t i = 0; i < fleet->part_count; i++)
        any = any || fleet->parts[i].member->born_ns > 0 || fleet->parts[i].member->end_ns < INT64_MAX;
    return any;
}

static const char *end_of(const struct fleet_member *member)
{
    return member->failed ? "failed" : member->end_ns < INT64_MAX ? "released" : NULL;
}

/* Replays one replica alone. NULL: out of memory. */
static char *command_of(const struct fleet *fleet, const struct fleet_part *part, const char *folder)
{
    char path[CONFIG_PATH_SIZE], *text = NULL;
    size_t length;
    struct memory_stream stream;
    struct diag ignored = {0};
    if (memory_stream_open(&stream, &ignored) != SIM_OK)
        return NULL;
    fprintf(stream.file, "pagesim replay --trace ");
    fleet_part_file(fleet, part, folder, path, sizeof path);
    command_word_print(path, stream.file);
    fprintf(stream.file, " --config ");
    fleet_kind_file(fleet, part->kind, folder, path, sizeof path);
    command_word_print(path, stream.file);
    return memory_stream_close(&stream, &text, &length, &ignored) == SIM_OK ? text : NULL;
}

/* People see a column only where replicas differ in it. */
static struct table *make_replicas(struct document *document, const struct fleet *fleet, bool with_commands)
{
    const bool kinds = fleet->plan.kind_count > 1, split = fleet->stage_count > 1, change = changes(fleet);
    const struct table_column columns[] = {{"replica", "replica", TABLE_WHOLE, 0},
                                           {"kind", kinds ? "kind" : NULL, TABLE_WHOLE, 0},
                                           {"role", split ? "role" : NULL, TABLE_TEXT, 0},
                                           {"from_s", change ? "from s" : NULL, 1, 0},
                                           {"ready_s", NULL, 0, 0},
                                           {"to_s", change ? "to s" : NULL, 1, 0},
                                           {"ended", change ? "ended" : NULL, TABLE_TEXT, 0}};
    struct table *table = document_table(document, "replicas", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < SUM_COLUMNS; i++) {
        table_add_column(table, &sum_columns[i]);
        if (strcmp(sum_columns[i].name, "mean_ttft_ms") == 0)
            table_add_column(table, &(struct table_column){"p99_ttft_ms", "p99 TTFT", 1, 0});
    }
    if (with_commands)
        table_add_column(table, &(struct table_column){"command", NULL, TABLE_TEXT, 0});
    return table;
}

static void put_replica(struct table *table, const struct fleet *fleet, const struct fleet_part *part, double tokens, int64_t end_ns)
{
    const struct fleet_member *member = part->member;
    const struct summary *ttft = &part->metrics.latency_ms[LATENCY_TTFT];
    struct replica_sums sums = {0};
    add_part(&sums, part);
    table_number(table, member->number);
    table_number(table, (double)(part->kind - fleet->plan.kinds));
    table_text(table, fleet_part_role(part));
    table_numbers(table, (double)member->born_ns / 1e9, (double)member->ready_ns / 1e9, (double)min_i64(member->end_ns, end_ns) / 1e9);
    table_text(table, end_of(member));
    table_numbers(table, (double)sums.requests, per(sums.tokens, tokens), per(sums.cached_tokens, sums.prompt_tokens),
                  per(sums.ttft_ms, (double)sums.first_tokens), ttft->count > 0 ? ttft->p99 : (double)NAN,
                  per(sums.queue_ms, (double)sums.admitted), per(sums.routing_wait_ms, (double)sums.requests), per(sums.used, sums.pool),
                  (double)sums.preemptions, (double)sums.peak_waiting);
}

static void put_replicas(struct document *document, const struct run *run, double tokens, const char *traces)
{
    const struct fleet *fleet = run->fleet;
    struct table *table = make_replicas(document, fleet, traces != NULL);
    for (size_t i = 0; i < fleet->part_count; i++) {
        const struct fleet_part *part = &fleet->parts[i];
        put_replica(table, fleet, part, tokens, run->facts.end.end_ns);
        if (!traces)
            continue;
        char *command = part->requests ? command_of(fleet, part, traces) : NULL;
        if (part->requests && !command && document)
            document->out_of_memory = true;
        table_text(table, command);
        free(command);
    }
    table_show_first(table, ROWS_SHOWN);
    if (fleet->part_count > ROWS_SHOWN)
        document_line(document, "  and %zu more; --format csv --table replicas has all", fleet->part_count - ROWS_SHOWN);
}

/* Kinds, or with servers of prompts and answers what each does. */
static void put_kind_rows(struct document *document, const struct fleet *fleet, double tokens)
{
    static const struct table_column columns[] = {{"kind", "kind", TABLE_WHOLE, 0},
                                                  {"settings", NULL, TABLE_TEXT, 0},
                                                  {"replicas", "replicas", TABLE_WHOLE, 0},
                                                  {"gpus", "GPUs each", TABLE_WHOLE, 0},
                                                  {"num_gpu_blocks", "blocks", TABLE_WHOLE, 0}};
    const struct fleet_config *config = &fleet->plan.config->fleet;
    struct table *table = document_table(document, "replica_kinds", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < SUM_COLUMNS; i++)
        table_add_column(table, &sum_columns[i]);
    for (uint32_t i = 0; i < fleet->plan.kind_count; i++) {
        const struct fleet_kind *kind = &fleet->plan.kinds[i];
        struct replica_sums sums = {0};
        size_t replicas = 0;
        for (size_t k = 0; k < fleet->part_count; k++)
            if (fleet->parts[k].kind == kind) {
                add_part(&sums, &fleet->parts[k]);
                replicas++;
            }
        table_number(table, i);
        table_text(table, config->kind_count > 0 ? config->kinds[i % config->kind_count].settings : NULL);
        table_numbers(table, (double)replicas, kind->config.tensor_parallel_size, kind->config.num_gpu_blocks);
        put_row(table, &sums, tokens);
    }
}

/* With the line that replays one of them alone. */
static void put_export(struct document *document, const struct fleet *fleet, const char *traces)
{
    for (size_t i = 0; i < fleet->part_count; i++) {
        if (!fleet->parts[i].requests)
            continue;
        char *command = command_of(fleet, &fleet->parts[i], traces);
        if (!command && document)
            document->out_of_memory = true;
        head_wrapped(document, "  ", "replica %u alone: %s", fleet->parts[i].member->number, command ? command : "");
        free(command);
        return;
    }
}

void fleet_section(struct document *document, const struct run *run, const char *traces)
{
    const double tokens = all_tokens(run->fleet);
    document_heading(document, "Fleet", NULL);
    put_sums(document, run);
    if (traces)
        put_export(document, run->fleet, traces);
    if (run->fleet->plan.kind_count > 1) {
        put_kind_rows(document, run->fleet, tokens);
        document_line(document, "%s", "");
    }
    put_replicas(document, run, tokens, traces);
}
