/* report_table.c - the report for people: five short blocks, never wider than 80 columns. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "config/engine_facts.h"
#include "report/report.h"

enum { DROPPED_NAMED = 5 };

static double value(const struct report *report, const char *name)
{
    const struct figure *figure = report_find(report, name);
    return figure ? figure->value : 0;
}

static uint64_t whole(const struct report *report, const char *name)
{
    return (uint64_t)value(report, name);
}

static void heading(FILE *file, bool color, const char *text)
{
    fprintf(file, "%s%s%s\n", color ? "\033[1m" : "", text, color ? "\033[0m" : "");
}

/* How requests come, unless it is simply as the trace says. */
static void print_load(const struct config *config, FILE *file)
{
    char n[32];
    const bool ramps = config->ramp_up_strategy[0] != '\0', rate = config->request_rate > 0;
    if (!ramps && !rate && config->max_concurrency == 0)
        return;
    fputs("arrivals ", file);
    if (ramps)
        fprintf(file, "drawn at %g to %g requests/s (%s)", config->ramp_up_start_rps, config->ramp_up_end_rps, config->ramp_up_strategy);
    else if (rate && isinf(config->request_rate))
        fputs("all at once", file);
    else if (rate)
        fprintf(file, "drawn at %g requests/s", config->request_rate);
    else
        fputs("of the trace", file);
    if ((ramps || rate) && config->burstiness != 1)
        fprintf(file, ", burstiness %g", config->burstiness);
    if (config->max_concurrency)
        fprintf(file, ", %s in flight at most", unit_count(config->max_concurrency, n));
    fputc('\n', file);
}

static void print_setup(const struct report *report, FILE *file)
{
    const struct config *config = report->config;
    const struct engine_facts *engine = engine_facts_of(config);
    char blocks[32], bytes[32], tokens[32];
    fprintf(file, "%s: %u requests", report->trace->name, report->trace->count);
    if (report->trace->count != report->trace->requests_in_file)
        fprintf(file, " (%u in the file)", report->trace->requests_in_file);
    fprintf(file, "\n%s of vLLM %s, %s, %s blocks of %u tokens\n", engine->name, engine->vllm_version, config->scheduling_policy,
            unit_count(config->num_gpu_blocks, blocks), config->block_size);
    if (strcmp(config->preemption_victim, "vllm") != 0 || strcmp(config->eviction_policy, "vllm") != 0)
        fprintf(file, "preemption victim %s, eviction %s\n", config->preemption_victim, config->eviction_policy);
    if (report->sizing && report->sizing->known)
        sizing_print(report->sizing, file);
    fprintf(file, "prefix caching %s, chunked prefill %s, %u sequences, %u tokens a step\n", config->enable_prefix_caching ? "on" : "off",
            config->enable_chunked_prefill ? "on" : "off", config->max_num_seqs, config->max_num_batched_tokens);
    print_load(config, file);
    fprintf(file, "room for %s tokens, %.2f requests of %s: %s %s\n\n", unit_count(whole(report, "pool_tokens"), tokens),
            value(report, "max_concurrency_at_max_model_len"), unit_count(config->max_model_len, blocks),
            unit_bytes(value(report, "pool_bytes"), bytes), config->block_bytes ? "a GPU" : "at the kv shape");
}

static void print_requests(const struct report *report, FILE *file, bool color)
{
    char a[32], b[32], c[32];
    heading(file, color, "Requests");
    fprintf(file, "  completed %s", unit_count(whole(report, "completed"), a));
    fprintf(file, ", dropped %s", unit_count(whole(report, "dropped"), a));
    if (whole(report, "ignored") > 0)
        fprintf(file, ", ignored %s", unit_count(whole(report, "ignored"), a));
    fprintf(file, ", unfinished %s\n", unit_count(whole(report, "unfinished"), a));
    fprintf(file, "  %s steps in %.2f s: %.2f requests/s, %s input, %s output tokens/s\n", unit_count(whole(report, "steps"), a),
            value(report, "makespan_s"), value(report, "request_throughput_per_s"),
            unit_count((uint64_t)value(report, "input_throughput_tokens_per_s"), b),
            unit_count((uint64_t)value(report, "output_throughput_tokens_per_s"), c));
}

static void print_goodput(const struct report *report, FILE *file)
{
    char good[32];
    if (!report->goodput)
        return;
    fprintf(file, "  goodput %.2f requests/s: %s met", value(report, "request_goodput_per_s"),
            unit_count(whole(report, "good_requests"), good));
    for (int i = 0; i < GOODPUT_LIMITS; i++)
        if (report->goodput->limit_ms[i] >= 0)
            fprintf(file, " %s:%g", goodput_names[i], report->goodput->limit_ms[i]);
    fputs(" (ms)\n", file);
}

static void print_dropped(const struct report *report, FILE *file)
{
    uint32_t named = 0;
    uint64_t smallest = 0;
    for (uint32_t position = 0; report->metrics->dropped > 0 && position < report->trace->count; position++) {
        const struct request_story *story = &report->metrics->stories[position];
        if (!story->dropped)
            continue;
        if (story->smallest_pool > smallest)
            smallest = story->smallest_pool;
        if (named++ < DROPPED_NAMED)
            fprintf(file, "  dropped: request %u can never run (%u + %u tokens): %s\n", report->trace->index[position],
                    report->trace->input_tokens[position], report->trace->output_tokens[position],
                    story->drop_reason == DROP_POOL ? "the pool is too small" : "longer than max_model_len");
    }
    if (named > DROPPED_NAMED)
        fprintf(file, "  dropped: and %u more; the JSON report names all\n", named - DROPPED_NAMED);
    if (smallest > 0)
        fprintf(file, "  num_gpu_blocks %llu is the smallest pool that would take all of them\n", (unsigned long long)smallest);
}

static void print_latency_row(const struct report *report, FILE *file, const char *label, const char *name)
{
    static const char *const prefixes[] = {"mean", "median", "p90", "p95", "p99"};
    fprintf(file, "  %-6s", label);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s_%s_ms", prefixes[i], name);
        const struct figure *figure = report_find(report, full);
        if (!figure || figure->undefined)
            fprintf(file, " %12s", "-");
        else
            fprintf(file, " %12.3f", figure->value);
    }
    fputc('\n', file);
}

static void print_latency(const struct report *report, FILE *file, bool color)
{
    heading(file, color, "Latency (ms; percentiles interpolate linearly)");
    fprintf(file, "  %-6s %12s %12s %12s %12s %12s\n", "", "mean", "median", "p90", "p95", "p99");
    print_latency_row(report, file, "TTFT", "ttft");
    print_latency_row(report, file, "TPOT", "tpot");
    print_latency_row(report, file, "ITL", "itl");
    print_latency_row(report, file, "E2E", "e2el");
    print_latency_row(report, file, "queue", "queue");
}

static void print_scheduling(const struct report *report, FILE *file, bool color)
{
    char a[32], b[32];
    heading(file, color, "Scheduling");
    fprintf(file, "  running %.1f mean, %s peak; waiting %.1f mean, %s peak\n", value(report, "mean_running"),
            unit_count(whole(report, "peak_running"), a), value(report, "mean_waiting"), unit_count(whole(report, "peak_waiting"), b));
    fprintf(file, "  preemptions %s, recomputed tokens %s\n", unit_count(whole(report, "preemptions"), a),
            unit_count(whole(report, "recomputed_tokens"), b));
    fprintf(file, "  prefix hits %.2f %% of prompt tokens at first admission, %.2f %% of all\n", 100 * value(report, "prefix_hit_rate"),
            100 * value(report, "prefix_hit_rate_all"));
}

static void print_memory_row(const struct report *report, FILE *file, const char *label, const char *mean, const char *peak)
{
    char bytes[32];
    const double pool = value(report, "pool_blocks");
    fprintf(file, "  %-22s %12.1f %6.2f %%  %10s", label, value(report, mean), pool > 0 ? 100 * value(report, mean) / pool : 0,
            unit_bytes(value(report, mean) * value(report, "block_bytes"), bytes));
    if (peak)
        fprintf(file, "   peak %s", unit_count(whole(report, peak), bytes));
    fputc('\n', file);
}

static void print_memory(const struct report *report, FILE *file, bool color)
{
    char a[32], b[32];
    heading(file, color, "Memory (blocks, mean over time)");
    print_memory_row(report, file, "in use", "mean_used_blocks", "peak_used_blocks");
    print_memory_row(report, file, "cached, idle", "mean_cached_idle_blocks", "peak_cached_idle_blocks");
    print_memory_row(report, file, "free", "mean_free_blocks", NULL);
    print_memory_row(report, file, "saved by sharing", "mean_saved_blocks", "peak_saved_blocks");
    fprintf(file, "  tokens held %s mean, %s peak\n", unit_count((uint64_t)value(report, "mean_held_tokens"), a),
            unit_count(whole(report, "peak_held_tokens"), b));
}

static void print_fragmentation(const struct report *report, FILE *file, bool color)
{
    char a[32];
    heading(file, color, "Fragmentation");
    fprintf(file, "  empty slots in used blocks %.1f mean, %s peak, %.2f %% of them\n", value(report, "mean_empty_slots"),
            unit_count(whole(report, "peak_empty_slots"), a), 100 * value(report, "empty_share"));
    fprintf(file, "  tokens' share of what is held: paged %.1f %%; reserving the maximum %.1f %%,\n",
            100 * value(report, "token_share_paged"), 100 * value(report, "token_share_reserve_max"));
    fprintf(file, "  a power of two %.1f %%, the exact length %.1f %%\n", 100 * value(report, "token_share_reserve_pow2"),
            100 * value(report, "token_share_reserve_exact"));
    if (report->config->contiguity)
        fprintf(file, "  consecutive ids in a table: %.1f blocks a run\n", value(report, "mean_run_blocks"));
}

/* What only engines with groups of sequences do. */
static void print_groups(const struct report *report, FILE *file, bool color)
{
    char a[32], b[32], bytes[32];
    heading(file, color, "Groups");
    fprintf(file, "  forks %s, copied on write %s blocks (%s)\n", unit_count(whole(report, "forks"), a),
            unit_count(whole(report, "copied_blocks"), b), unit_bytes(value(report, "copied_bytes"), bytes));
    fprintf(file, "  saved by sharing %.1f %% of the blocks that there would be without\n", 100 * value(report, "saved_share"));
    fprintf(file, "  swapped out %s and in %s blocks (%s), %.1f s spent swapped\n", unit_count(whole(report, "swapped_out_blocks"), a),
            unit_count(whole(report, "swapped_in_blocks"), b), unit_bytes(value(report, "swapped_bytes"), bytes),
            value(report, "swapped_group_seconds"));
    if (whole(report, "ignored") > 0)
        fprintf(file,
                "  ignored %s groups: they came to need more blocks than the pool less the\n  watermark ever has, or a prompt above the "
                "step's budget; raise num_gpu_blocks\n",
                unit_count(whole(report, "ignored"), a));
    if (whole(report, "survivor_recomputes") > 0)
        fprintf(file, "  last samples recomputed %s: vLLM would lose their blocks for good; here not\n",
                unit_count(whole(report, "survivor_recomputes"), a));
}

static void print_moves(const struct report *report, FILE *file, bool color)
{
    char a[32], b[32];
    const struct worker_totals *worker = report->worker;
    if (engine_facts_of(report->config)->has_groups)
        print_groups(report, file, color);
    if (!worker)
        return;
    heading(file, color, "Data plane");
    const bool attends = report->config->kv.read == KV_READ_ATTEND;
    const double limit = report_read_limit(report);
    fprintf(file, "  wrote %s tokens, %s %s", unit_count(worker->tokens_written, a), attends ? "attended to" : "gathered",
            unit_bytes((double)worker->read_bytes, b));
    if (worker->read_ns)
        fprintf(file, " at %.1f GB/s (%s)", (double)worker->read_bytes / (double)worker->read_ns,
                worker->kernels ? worker->kernels : "portable");
    if (worker->read_ns && limit > 0)
        fprintf(file, ", %.2f of the %s limit", (double)worker->read_bytes / (double)worker->read_ns / limit, attends ? "read" : "copy");
    fputc('\n', file);
    if (report->config->data_plane == DATA_PLANE_VERIFY)
        fprintf(file, "  verified %s %s, none wrong; %s phantom tokens filled\n", unit_count(worker->floats_checked, a),
                attends ? "outputs" : "floats", unit_count(worker->phantom_tokens, b));
}

void report_print(const struct report *report, FILE *file, bool color)
{
    print_setup(report, file);
    print_requests(report, file, color);
    print_goodput(report, file);
    print_dropped(report, file);
    if (report->facts->end.stalled)
        fputs("  STALLED: unfinished requests that nothing can move\n", file);
    print_latency(report, file, color);
    print_scheduling(report, file, color);
    print_memory(report, file, color);
    print_fragmentation(report, file, color);
    print_moves(report, file, color);
}
