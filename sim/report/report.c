/* report.c - see report.h: the list of figures, and JSON and CSV of it. report_table.c prints it for people. */
#include "report/report.h"

#include <stdarg.h>
#include <string.h>

#include "config/config_keys.h"
#include "engine/scheduler.h"
#include "sim_version.h"

uint64_t report_block_bytes(const struct config *config)
{
    if (config->block_bytes)
        return config->block_bytes;
    uint64_t bytes = config->kv.dtype == KV_DTYPE_FLOAT32 ? 4 : 2;
    return 2 * (uint64_t)config->kv.num_layers * config->kv.num_kv_heads * config->kv.head_dim * bytes * config->block_size;
}

const struct figure *report_find(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->figure_count; i++)
        if (strcmp(report->figures[i].name, name) == 0)
            return &report->figures[i];
    return NULL;
}

static struct figure *add(struct report *report, const char *name, double value)
{
    struct figure *figure = &report->figures[report->figure_count];
    if (report->figure_count + 1 < REPORT_FIGURES_MOST)
        report->figure_count++;
    *figure = (struct figure){.value = value};
    snprintf(figure->name, sizeof figure->name, "%s", name);
    return figure;
}

static void add_count(struct report *report, const char *name, uint64_t value)
{
    add(report, name, (double)value)->whole = true;
}

static void add_share(struct report *report, const char *name, double part, double whole)
{
    add(report, name, whole > 0 ? part / whole : 0)->undefined = !(whole > 0);
}

/* mean_ttft_ms, median_ttft_ms, ... as `vllm bench serve` names them. */
static void add_latency(struct report *report, const char *name, const struct figures *figures)
{
    const struct {
        const char *prefix;
        double value;
    } rows[] = {{"mean", figures->mean}, {"std", figures->std}, {"min", figures->min}, {"median", figures->median},
                {"p90", figures->p90},   {"p95", figures->p95}, {"p99", figures->p99}, {"max", figures->max}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s_%s_ms", rows[i].prefix, name);
        add(report, full, rows[i].value)->undefined = figures->count == 0;
    }
}

static void collect_requests(struct report *report)
{
    const struct metrics *metrics = report->metrics;
    const struct trace *trace = report->trace;
    double seconds = metrics->first_arrival_ns < 0 ? 0 : (double)(metrics->end.end_ns - metrics->first_arrival_ns) / 1e9;
    uint64_t completed_input = 0, completed_output = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        if (metrics->stories[position].finish_ns >= 0) {
            completed_input += trace->input_tokens[position];
            completed_output += metrics->stories[position].output_tokens;
        }
    add_count(report, "requests", trace->count);
    add_count(report, "completed", metrics->completed);
    add_count(report, "dropped", metrics->dropped);
    add_count(report, "ignored", metrics->ignored);
    add_count(report, "unfinished", trace->count - metrics->completed - metrics->dropped - metrics->ignored);
    add_count(report, "steps", metrics->end.steps);
    add(report, "makespan_s", seconds);
    add_count(report, "input_tokens", completed_input);
    add_count(report, "output_tokens", completed_output);
    add_count(report, "scheduled_tokens", metrics->scheduled_tokens);
    add_share(report, "request_throughput_per_s", (double)metrics->completed, seconds);
    add_share(report, "input_throughput_tokens_per_s", (double)completed_input, seconds);
    add_share(report, "output_throughput_tokens_per_s", (double)completed_output, seconds);
    add_share(report, "total_throughput_tokens_per_s", (double)(completed_input + completed_output), seconds);
}

static void collect_goodput(struct report *report)
{
    if (!report->goodput)
        return;
    const double good = (double)goodput_count(report->goodput, report->metrics), seconds = report_find(report, "makespan_s")->value;
    add_count(report, "good_requests", (uint64_t)good);
    add_share(report, "request_goodput_per_s", good, seconds);
}

/* Percentiles that were asked for and are not among those that every report has. */
static void collect_choice(struct report *report)
{
    const struct latency_choice *choice = report->choice;
    for (int metric = 0; choice && metric < LATENCY_METRICS; metric++)
        for (size_t i = 0; i < choice->percentile_count && choice->wanted[metric]; i++) {
            char percentile[40], name[64];
            latency_percentile_name(choice->percentiles[i], percentile, sizeof percentile);
            snprintf(name, sizeof name, "%s_%s_ms", percentile, latency_metric_names[metric]);
            if (!report_find(report, name))
                add(report, name, choice->values_ms[metric][i])->undefined =
                    latency_figures(report->metrics, (enum latency_metric)metric)->count == 0;
        }
}

static void collect_scheduling(struct report *report)
{
    const struct metrics *metrics = report->metrics;
    const struct ledger *ledger = report->ledger;
    add_count(report, "preemptions", metrics->preempt_recompute + metrics->preempt_swap);
    add_count(report, "preemptions_by_swap", metrics->preempt_swap);
    add_count(report, "recomputed_tokens", metrics->recomputed_tokens);
    add_count(report, "prompt_tokens", metrics->prompt_tokens);
    add_count(report, "cached_tokens", metrics->cached_tokens);
    add_count(report, "cached_tokens_all", metrics->cached_tokens_all);
    add_share(report, "prefix_hit_rate", (double)metrics->cached_tokens, (double)metrics->prompt_tokens);
    add_share(report, "prefix_hit_rate_all", (double)metrics->cached_tokens_all, (double)metrics->known_tokens_all);
    add(report, "mean_running", ledger_mean(ledger, ledger->running));
    add_count(report, "peak_running", metrics->peak_running);
    add(report, "mean_waiting", ledger_mean(ledger, ledger->waiting));
    add_count(report, "peak_waiting", metrics->peak_waiting);
}

static void collect_memory(struct report *report)
{
    const struct ledger *ledger = report->ledger;
    const ledger_sum used_slots = ledger->used * ledger->block_size, table_slots = ledger->table_blocks * ledger->block_size;
    const ledger_sum empty = table_slots - ledger->held_tokens;
    add_count(report, "pool_blocks", ledger->pool_blocks);
    add_count(report, "pool_tokens", ledger->pool_blocks * ledger->block_size);
    const uint64_t longest_blocks = (report->config->max_model_len - 1) / ledger->block_size + 1;
    add_share(report, "max_concurrency_at_max_model_len", (double)ledger->pool_blocks, (double)longest_blocks);
    add_count(report, "block_bytes", report_block_bytes(report->config));
    add_count(report, "pool_bytes", ledger->pool_blocks * report_block_bytes(report->config));
    add(report, "mean_used_blocks", ledger_mean(ledger, ledger->used));
    add_count(report, "peak_used_blocks", ledger->peak_used);
    add(report, "mean_cached_idle_blocks", ledger_mean(ledger, ledger->cached));
    add_count(report, "peak_cached_idle_blocks", ledger->peak_cached);
    add(report, "mean_free_blocks", ledger_mean(ledger, ledger->free_uncached));
    add(report, "mean_held_tokens", ledger_mean(ledger, ledger->held_tokens));
    add_count(report, "peak_held_tokens", ledger->peak_held_tokens);
    add(report, "mean_saved_blocks", ledger_mean(ledger, ledger->table_blocks - ledger->used));
    add_count(report, "peak_saved_blocks", ledger->peak_saved_blocks);
    add(report, "saved_share", ledger_share(ledger->table_blocks - ledger->used, ledger->table_blocks))->undefined =
        ledger->table_blocks == 0;
    add(report, "mean_empty_slots", ledger_mean(ledger, empty));
    add_count(report, "peak_empty_slots", ledger->peak_empty_slots);
    add(report, "empty_share", ledger_share(empty, used_slots))->undefined = used_slots == 0;
    add(report, "token_share_paged", ledger_share(ledger->held_tokens, table_slots))->undefined = table_slots == 0;
    static const char *const names[] = {"token_share_reserve_max", "token_share_reserve_pow2", "token_share_reserve_exact"};
    static const char *const slots[] = {"mean_slots_reserve_max", "mean_slots_reserve_pow2", "mean_slots_reserve_exact"};
    for (int kind = 0; kind < 3; kind++) {
        add(report, slots[kind], ledger_mean(ledger, ledger->reserved[kind]));
        add(report, names[kind], ledger_share(ledger->held_tokens, ledger->reserved[kind]))->undefined = ledger->reserved[kind] == 0;
    }
    add(report, "mean_run_blocks", ledger_share(ledger->table_blocks, ledger->table_runs))->undefined = ledger->table_runs == 0;
}

static void collect_moves(struct report *report)
{
    const struct metrics *metrics = report->metrics;
    if (scheduler_ops_of(report->config)->has_groups) {
        uint64_t bytes = report_block_bytes(report->config);
        add_count(report, "forks", metrics->forks);
        add_count(report, "survivor_recomputes", metrics->survivor_recomputes);
        add(report, "swapped_group_seconds", (double)metrics->swapped_ns / 1e9);
        add_count(report, "copied_blocks", metrics->copies);
        add_count(report, "copied_bytes", metrics->copies * bytes);
        add_count(report, "swapped_in_blocks", metrics->swapped_in_blocks);
        add_count(report, "swapped_out_blocks", metrics->swapped_out_blocks);
        add_count(report, "swapped_bytes", (metrics->swapped_in_blocks + metrics->swapped_out_blocks) * bytes);
    }
    if (!report->worker)
        return;
    add_count(report, "data_tokens_written", report->worker->tokens_written);
    add_count(report, "data_written_bytes", report->worker->written_bytes);
    add_count(report, "data_gathered_bytes", report->worker->read_bytes);
    add_count(report, "data_floats_checked", report->worker->floats_checked);
    add_count(report, "data_phantom_blocks", report->worker->phantom_blocks);
    add_count(report, "data_phantom_tokens", report->worker->phantom_tokens);
}

void report_collect(struct report *report)
{
    report->figure_count = 0;
    collect_requests(report);
    collect_goodput(report);
    add_latency(report, "ttft", &report->metrics->ttft_ms);
    add_latency(report, "tpot", &report->metrics->tpot_ms);
    add_latency(report, "itl", &report->metrics->itl_ms);
    add_latency(report, "e2el", &report->metrics->e2e_ms);
    add_latency(report, "queue", &report->metrics->queue_ms);
    collect_choice(report);
    collect_scheduling(report);
    collect_memory(report);
    collect_moves(report);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------ */

static void write_dropped(const struct report *report, struct json_text *json)
{
    json_key(json, "dropped_requests");
    json_open_array(json);
    for (uint32_t position = 0; report->metrics->dropped > 0 && position < report->trace->count; position++) {
        const struct request_story *story = &report->metrics->stories[position];
        if (!story->dropped)
            continue;
        json_open_object(json);
        json_put_uint(json, "request", report->trace->index[position]);
        json_put_string(json, "why", story->drop_reason == DROP_POOL ? "pool" : "max_model_len");
        if (story->smallest_pool)
            json_put_uint(json, "smallest_num_gpu_blocks", story->smallest_pool);
        json_close_object(json);
    }
    json_close_array(json);
}

double report_read_limit(const struct report *report)
{
    const struct kv_memory_speed *limit = &report->measured.limit;
    return report->config->kv.read == KV_READ_ATTEND ? limit->read_gb_per_s : limit->copy_gb_per_s;
}

static double read_gb_per_s(const struct worker_totals *worker)
{
    return (double)worker->read_bytes / (double)worker->read_ns;
}

static void write_measured(const struct report *report, struct json_text *json)
{
    const struct measured *measured = &report->measured;
    json_key(json, "measured");
    json_open_object(json);
    json_put_double(json, "replay_seconds", measured->replay_seconds);
    json_put_double(json, "cpu_seconds", measured->cpu_seconds);
    if (measured->replay_seconds > 0)
        json_put_double(json, "simulated_requests_per_s", (double)report->trace->count / measured->replay_seconds);
    json_put_string(json, "engine", report->facts->by_events ? "events" : "steps");
    if (report->worker) {
        const struct worker_totals *worker = report->worker;
        json_put_string(json, "kernels", worker->kernels ? worker->kernels : "portable");
        json_put_uint(json, "threads", measured->threads);
        const double limit = report_read_limit(report);
        if (worker->read_ns)
            json_put_double(json, report->config->kv.read == KV_READ_ATTEND ? "attend_gb_per_s" : "gather_gb_per_s", read_gb_per_s(worker));
        if (worker->read_ns && limit > 0)
            json_put_double(json, "share_of_limit", read_gb_per_s(worker) / limit);
        if (worker->write_ns)
            json_put_double(json, "write_gb_per_s", (double)worker->written_bytes / (double)worker->write_ns);
        if (measured->limit.copy_gb_per_s > 0) {
            json_put_double(json, "copy_limit_gb_per_s", measured->limit.copy_gb_per_s);
            json_put_double(json, "read_limit_gb_per_s", measured->limit.read_gb_per_s);
        }
    }
    json_close_object(json);
}

static void write_figure(const struct figure *figure, struct json_text *json)
{
    json_key(json, figure->name);
    if (figure->undefined)
        json_null(json);
    else if (figure->whole)
        json_uint(json, (uint64_t)figure->value);
    else
        json_double(json, figure->value);
}

static void write_goodput(const struct report *report, struct json_text *json)
{
    if (!report->goodput)
        return;
    json_key(json, "goodput_limits_ms");
    json_open_object(json);
    for (int i = 0; i < GOODPUT_LIMITS; i++)
        if (report->goodput->limit_ms[i] >= 0)
            json_put_double(json, goodput_names[i], report->goodput->limit_ms[i]);
    json_close_object(json);
}

void report_write_json(const struct report *report, struct json_text *json, bool with_measured)
{
    const struct run_end *end = &report->facts->end;
    json_open_object(json);
    json_put_int(json, "schema_version", REPORT_SCHEMA_VERSION);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "vllm", scheduler_ops_of(report->config)->vllm_version);
    json_put_string(json, "percentile_method", "linear interpolation between the nearest ranks");
    json_put_string(json, "trace", report->trace->name);
    json_put_uint(json, "requests_in_file", report->trace->requests_in_file);
    json_key(json, "configuration");
    config_write(report->config, json);
    if (report->sizing && report->sizing->known)
        sizing_write(report->sizing, json);
    write_goodput(report, json);
    json_put_bool(json, "stalled", end->stalled);
    json_key(json, "abort");
    if (end->abort)
        json_string(json, end->abort);
    else
        json_null(json);
    for (size_t i = 0; i < report->figure_count; i++)
        write_figure(&report->figures[i], json);
    write_dropped(report, json);
    if (with_measured)
        write_measured(report, json);
    json_close_object(json);
}

void report_print_csv(const struct report *report, FILE *file)
{
    fputs("name,value\n", file);
    for (size_t i = 0; i < report->figure_count; i++) {
        char digits[32] = "";
        const struct figure *figure = &report->figures[i];
        if (!figure->undefined && figure->whole)
            snprintf(digits, sizeof digits, "%.0f", figure->value);
        else if (!figure->undefined)
            shortest_double(figure->value, digits, sizeof digits);
        fprintf(file, "%s,%s\n", figure->name, digits);
    }
}
