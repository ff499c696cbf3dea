/* replay_report_lines.c - the replay's report for people: short blocks of lines. Read replay_report_lines() at the end first: it gives the
 * order of the blocks. No line is wider than 80 columns, the width that terminals and mails can be trusted with, so long sentences are cut
 * into lines by hand. All numbers are figures, read by name; nothing is computed here.
 *
 * Blocks go from the general to the particular: what ran, what became of requests, latency, scheduling, memory, then parts that only some
 * engines or configurations have. A block whose subject does not occur is left out rather than filled with zeros. */
#include <math.h>
#include <string.h>

#include "base/line.h"
#include "base/units.h"
#include "config/engine_facts.h"
#include "report/fleet_report.h"
#include "report/head_notes.h"
#include "report/replay_report.h"
#include "report/step_times_note.h"

enum { DROPPED_NAMED = 5 };

/* 0 for an undefined figure: lines below that could mislead with a 0 ask run_figure, which gives NaN, instead. Used where 0 is what the
 * reader expects of nothing: counts and sums. */
static double value(const struct run *run, const char *name)
{
    const struct figure *figure = figure_set_find(&run->figures, name);
    return figure ? figure->value : 0;
}

/* For unit_count, which takes integers. Figures shown this way are counts, or means for which a fraction of a token does not matter. */
static uint64_t whole(const struct run *run, const char *name)
{
    return (uint64_t)value(run, name);
}

/* The formula with its numbers, so that a user sees which of them to change: utilization x memory - weights - overhead. `direct`: the bytes
 * of the KV cache were given, so there is no formula to show. `pagesim replay --dry-run` prints the same lines. */
void sizing_lines(struct document *document, const struct sizing *sizing)
{
    char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT], d[UNIT_TEXT];
    struct line line = {0};
    if (!sizing || !sizing->known)
        return;
    line_put(&line, "KV cache %s", unit_bytes(sizing->kv_bytes, a));
    if (!sizing->direct)
        line_put(&line, " = %.3g of %s - %s weights - %s overhead,\n", sizing->utilization, unit_bytes(sizing->gpu_bytes, b),
                 unit_bytes(sizing->weight_bytes, c), unit_bytes(sizing->overhead_bytes, d));
    else
        line_put(&line, ", ");
    document_line(document, "%s%s a block: %s blocks", line.text, unit_bytes(sizing->block_bytes, a), unit_count(sizing->blocks, b));
}

/* V1: do steps overlap, and what does the scheduler know of ends? V0 has no such choice. */
static void add_overlap(struct document *document, const struct run *run)
{
    const struct config *config = run->config;
    struct line line = {0};
    if (config->scheduler != SCHEDULER_VLLM_V1)
        return;
    line_put(&line, "%s scheduling", config->async_scheduling ? "asynchronous" : "synchronous");
    if (config->async_scheduling && run->trace->finish_reason)
        line_put(&line, ", requests end as their rows say");
    else if (config->async_scheduling)
        line_put(&line, ", requests end by %s", config->finish_reason == FINISH_STOP ? "a stop token, unforeseen" : "length, foreseen");
    if (config->step_time.host_ns > 0)
        line_put(&line, "; host %g ms a step", (double)config->step_time.host_ns / 1e6);
    document_line(document, "%s", line.text);
}

/* Pauses change what clients see and nothing else. They may come with the model's file. */
static void add_pauses(struct document *document, const struct run *run)
{
    const struct step_time_config *times = run->model ? &run->model->config : &run->config->step_time;
    if (times->pause_ns > 0)
        document_line(document, "the stream of tokens pauses %g ms every %llu pairs; latencies are those of clients",
                      (double)times->pause_ns / 1e6, (unsigned long long)times->pause_every_pairs);
}

/* The pool in terms of requests of full length, as vLLM does when a server starts ("Maximum concurrency"), so the two can be compared. Replicas that
 * differ have other pools, which fleet_head tells. */
static void add_room(struct document *document, const struct run *run)
{
    const struct config *config = run->config;
    char tokens[UNIT_TEXT], longest[UNIT_TEXT], bytes[UNIT_TEXT];
    if (config->fleet.kind_count > 0)
        return;
    head_wrapped(document, "", "%sroom for %s tokens, %.2f requests of %s: %s %s", run->fleet ? "each with " : "",
                 unit_count(whole(run, "pool_tokens"), tokens), value(run, "max_concurrency_at_max_model_len"),
                 unit_count(config->max_model_len, longest), unit_bytes(value(run, "pool_bytes"), bytes),
                 config->block_bytes ? "a GPU" : "at the kv shape");
}

/* What was replayed and under which settings. Settings at their default that few change, such as policies, are not shown. */
static void add_setup(struct document *document, const struct replay_result *result)
{
    const struct run *run = result->run;
    const struct config *config = run->config;
    const struct engine_facts *engine = engine_facts_of(config);
    char blocks[UNIT_TEXT];
    struct line line = {0};
    line_put(&line, "%s: %u requests", trace_title(run->trace).text, run->trace->count);
    if (run->trace->count != run->trace->requests_in_file)
        line_put(&line, " (%u in the file)", run->trace->requests_in_file);
    document_line(document, "%s", line.text);
    document_line(document, "%s of vLLM %s, %s, %s blocks of %u tokens", engine->name, engine->vllm_version, config->scheduling_policy,
                  unit_count(config->num_gpu_blocks, blocks), config->block_size);
    if (strcmp(config->preemption_victim, "vllm") != 0 || strcmp(config->eviction_policy, "vllm") != 0)
        document_line(document, "preemption victim %s, eviction %s", config->preemption_victim, config->eviction_policy);
    sizing_lines(document, result->sizing);
    document_line(document, "prefix caching %s, chunked prefill %s, %u sequences, %u tokens a step",
                  config->enable_prefix_caching ? "on" : "off", config->enable_chunked_prefill ? "on" : "off", config->max_num_seqs,
                  config->max_num_batched_tokens);
    add_overlap(document, run);
    head_layers(document, config);
    head_defaults(document, config);
    step_times_note(document, config, step_times_of(config));
    add_pauses(document, run);
    head_arrivals(document, config);
    head_front_door(document, config);
    if (run->fleet)
        fleet_head(document, run->fleet);
    add_room(document, run);
    head_advice(document, config, run->trace);
}

/* Ignored groups exist in V0 alone, so the word appears only if there are some. Rates are over the makespan. */
static void add_requests(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT];
    struct line line = {0};
    document_heading(document, "Requests", NULL);
    line_put(&line, "  completed %s", unit_count(whole(run, "completed"), a));
    line_put(&line, ", dropped %s", unit_count(whole(run, "dropped"), a));
    if (whole(run, "ignored") > 0)
        line_put(&line, ", ignored %s", unit_count(whole(run, "ignored"), a));
    document_line(document, "%s, unfinished %s", line.text, unit_count(whole(run, "unfinished"), a));
    document_line(document, "  %s steps in %.2f s: %.2f requests/s, %s input, %s output tokens/s", unit_count(whole(run, "steps"), a),
                  value(run, "makespan_s"), value(run, "request_throughput"), unit_count(whole(run, "input_throughput"), b),
                  unit_count(whole(run, "output_throughput"), c));
}

/* Goodput with its limits next to it, as in the options. */
static void add_goodput(struct document *document, const struct run *run)
{
    char good[UNIT_TEXT];
    struct line line = {0};
    if (!run->goodput)
        return;
    line_put(&line, "  goodput %.2f requests/s: %s met", value(run, "request_goodput"), unit_count(whole(run, "good_requests"), good));
    for (int latency = 0; latency < LATENCIES; latency++)
        if (run->goodput->limit_ms[latency] >= 0)
            line_put(&line, " %s:%g", latency_names[latency], run->goodput->limit_ms[latency]);
    document_line(document, "%s (ms)", line.text);
}

/* The first few dropped requests by name, then the smallest pool that would take them: the number a user needs to fix it. No pool helps
 * requests that are too long for max_model_len, or any request under a watermark of 1. */
static void add_dropped(struct document *document, const struct run *run)
{
    static const char *const why[DROP_REASONS] = {"longer than max_model_len", "the pool is too small", "the watermark is too high",
                                                  "the queue was full"};
    const struct metrics_drops drops = metrics_count_drops(&run->metrics);
    char rejected[UNIT_TEXT];
    uint32_t named = 0;
    for (uint32_t position = 0; run->metrics.dropped > 0 && position < run->trace->count; position++) {
        const struct request_story story = metrics_story(&run->metrics, position);
        if (!story.dropped)
            continue;
        if (named++ < DROPPED_NAMED)
            document_line(document, "  dropped: request %u %s (%u + %u tokens): %s", trace_index(run->trace, position),
                          story.drop_reason == DROP_QUEUE_FULL ? "was rejected" : "can never run", run->trace->input_tokens[position],
                          run->trace->output_tokens[position], why[story.drop_reason]);
    }
    if (named > DROPPED_NAMED)
        document_line(document, "  dropped: and %u more; the JSON report names all", named - DROPPED_NAMED);
    if (drops.count[DROP_QUEUE_FULL] > 0)
        document_line(document, "  rejected as they came: %s", unit_count(drops.count[DROP_QUEUE_FULL], rejected));
    if (drops.smallest_pool > 0)
        document_line(document, "  num_gpu_blocks %llu is the smallest pool that would take %s", (unsigned long long)drops.smallest_pool,
                      drops.pool_is_enough                ? "all of them"
                      : drops.count[DROP_QUEUE_FULL] == 0 ? "those within max_model_len"
                                                          : "those that the pool keeps out");
}

/* "-" where no request has the latency; 0 would read as a very good value. Written by hand and not as a table of a document: its numbers
 * are figures already, so programs need no table, and "-" must line up with them. */
static void add_latencies(struct document *document, const struct run *run)
{
    static const char *const statistics[] = {"mean", "median", "p90", "p95", "p99"};
    enum { STATISTICS = sizeof statistics / sizeof *statistics };
    const bool client = run->metrics.closed_loop;
    const int width = client ? 12 : 6; /* of the longest name */
    struct line line = {0};
    document_subheading(document, "Latency (ms; percentiles interpolate linearly)", NULL);
    line_put(&line, "  %-*s", width, "");
    for (int i = 0; i < STATISTICS; i++)
        line_put(&line, " %12s", statistics[i]);
    document_line(document, "%s", line.text);
    for (int latency = 0; latency < LATENCIES; latency++) {
        if (latency_of_client((enum latency)latency) && !client)
            continue;
        line = (struct line){0};
        line_put(&line, "  %-*s", width, latency_titles[latency]);
        for (int i = 0; i < STATISTICS; i++) {
            char name[FIGURE_NAME_SIZE];
            snprintf(name, sizeof name, "%s_%s_ms", statistics[i], latency_names[latency]);
            const double ms = run_figure(run, name);
            if (isnan(ms))
                line_put(&line, " %12s", "-");
            else
                line_put(&line, " %12.3f", ms);
        }
        document_line(document, "%s", line.text);
    }
}

/* Two hit rates: the first is about first admissions, as vLLM's counters are; the second takes readmissions in, which find what the request
 * itself left in the cache. */
static void add_scheduling(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT], vain[64] = "";
    document_subheading(document, "Scheduling", NULL);
    if (whole(run, "vain_tokens") > 0)
        snprintf(vain, sizeof vain, ", %s computed in vain", unit_count(whole(run, "vain_tokens"), c));
    document_line(document, "  running %.1f mean, %s peak; waiting %.1f mean, %s peak", value(run, "mean_running"),
                  unit_count(whole(run, "peak_running"), a), value(run, "mean_waiting"), unit_count(whole(run, "peak_waiting"), b));
    document_line(document, "  preemptions %s, recomputed tokens %s%s", unit_count(whole(run, "preemptions"), a),
                  unit_count(whole(run, "recomputed_tokens"), b), vain);
    document_line(document, "  prefix hits %.2f %% of prompt tokens at first admission, %.2f %% of all",
                  100 * value(run, "prefix_hit_rate"), 100 * value(run, "prefix_hit_rate_all"));
    if (!isnan(run_figure(run, "host_loads"))) {
        document_line(document, "  host memory hits %.2f %% of prompt tokens beyond these, in %s loads of %.1f ms",
                      100 * value(run, "host_hit_rate"), unit_count(whole(run, "host_loads"), a), value(run, "mean_host_load_ms"));
        document_line(document, "  loaded %s, stored %s", unit_bytes(value(run, "host_loaded_bytes"), b),
                      unit_bytes(value(run, "host_stored_bytes"), c));
    }
    if (!isnan(run_figure(run, "received_tokens")))
        document_line(document, "  received from prefill servers: %s tokens", unit_count(whole(run, "received_tokens"), a));
}

/* Blocks, their share of the pool, and bytes: people compare pools in per cent and GPUs in GiB. `peak` NULL: no peak is kept for this row.
 * Bytes use the block's real size, of a GPU or of the kv shape. */
static void add_memory_row(struct document *document, const struct run *run, const char *label, const char *mean, const char *peak)
{
    char bytes[UNIT_TEXT], most[UNIT_TEXT] = "";
    const double pool = value(run, "pool_blocks");
    if (peak)
        unit_count(whole(run, peak), most);
    document_line(document, "  %-22s %12.1f %6.2f %%  %10s%s%s", label, value(run, mean), pool > 0 ? 100 * value(run, mean) / pool : 0,
                  unit_bytes(value(run, mean) * value(run, "block_bytes"), bytes), peak ? "   peak " : "", most);
}

/* Used, cached and free add up to the pool, but for a null block; what sharing saves is on top and may exceed the pool. */
static void add_memory(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT], b[UNIT_TEXT];
    document_subheading(document, "Memory (blocks, mean over time)", NULL);
    add_memory_row(document, run, "in use", "mean_used_blocks", "peak_used_blocks");
    add_memory_row(document, run, "cached, idle", "mean_cached_idle_blocks", "peak_cached_idle_blocks");
    add_memory_row(document, run, "free", "mean_free_blocks", NULL);
    add_memory_row(document, run, "saved by sharing", "mean_saved_blocks", "peak_saved_blocks");
    document_line(document, "  tokens held %s mean, %s peak%s", unit_count(whole(run, "mean_held_tokens"), a),
                  unit_count(whole(run, "peak_held_tokens"), b),
                  run->ledger.token_slots > 1 ? ": in each group of layers that keeps them" : "");
}

/* How much of what is held are tokens: here, and in allocators that reserve for each request in advance (PagedAttention, SOSP'23, figure
 * 2). Empty slots are the internal fragmentation of paging; the next two lines set it against reserving. */
static void add_fragmentation(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT];
    document_subheading(document, "Fragmentation", NULL);
    document_line(document, "  empty slots in used blocks %.1f mean, %s peak, %.2f %% of them", value(run, "mean_empty_slots"),
                  unit_count(whole(run, "peak_empty_slots"), a), 100 * value(run, "empty_share"));
    document_line(document, "  tokens' share of what is held: paged %.1f %%; reserving the maximum %.1f %%,",
                  100 * value(run, "token_share_paged"), 100 * value(run, "token_share_reserve_max"));
    document_line(document, "  a power of two %.1f %%, the exact length %.1f %%", 100 * value(run, "token_share_reserve_pow2"),
                  100 * value(run, "token_share_reserve_exact"));
    if (run->config->contiguity)
        document_line(document, "  consecutive ids in a table: %.1f blocks a run", value(run, "mean_run_blocks"));
}

/* The last line is what position j of a turn's drafts is worth: how often it was right, and all before it. */
static void add_speculation(struct document *document, const struct run *run)
{
    const struct draft_sums *sums = &run->metrics.end.drafts;
    char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT], d[UNIT_TEXT];
    struct line line = {0};
    document_subheading(document, "Speculation", NULL);
    if (sums->verified == 0) {
        document_line(document, "  no draft was verified");
        return;
    }
    document_line(document, "  drafts verified %s: %s tokens, %s accepted (%.2f %%), %s wasted",
                  unit_count(whole(run, "spec_decode_num_drafts"), a), unit_count(whole(run, "spec_decode_draft_tokens"), b),
                  unit_count(whole(run, "spec_decode_accepted_tokens"), c), 100 * value(run, "spec_decode_acceptance_rate"),
                  unit_short(value(run, "wasted_draft_tokens"), d));
    document_line(document, "  acceptance length %.2f, output tokens a step %.2f", value(run, "spec_decode_acceptance_length"),
                  value(run, "output_tokens_per_step"));
    line_put(&line, "  right, by place (%%):");
    for (uint32_t at = 0; at < run->config->speculative.num_speculative_tokens; at++)
        line_put(&line, " %.1f", 100 * draft_acceptance(sums, at));
    head_wrapped(document, "  ", "%s", line.text + 2);
}

/* What only engines with groups of sequences do: forks, copy-on-write, swapping. */
static void add_groups(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT], b[UNIT_TEXT], bytes[UNIT_TEXT];
    document_subheading(document, "Groups", NULL);
    document_line(document, "  forks %s, copied on write %s blocks (%s)", unit_count(whole(run, "forks"), a),
                  unit_count(whole(run, "copied_blocks"), b), unit_bytes(value(run, "copied_bytes"), bytes));
    document_line(document, "  saved by sharing %.1f %% of the blocks that there would be without", 100 * value(run, "saved_share"));
    document_line(document, "  swapped out %s and in %s blocks (%s), %.1f s spent swapped", unit_count(whole(run, "swapped_out_blocks"), a),
                  unit_count(whole(run, "swapped_in_blocks"), b), unit_bytes(value(run, "swapped_bytes"), bytes),
                  value(run, "swapped_group_seconds"));
    if (whole(run, "ignored") > 0)
        document_line(document,
                      "  ignored %s groups: they came to need more blocks than the pool less the\n  watermark ever has, or a prompt above "
                      "the step's budget; raise num_gpu_blocks",
                      unit_count(whole(run, "ignored"), a));
    if (whole(run, "survivor_recomputes") > 0)
        document_line(document, "  last samples recomputed %s: vLLM would lose their blocks for good; here not",
                      unit_count(whole(run, "survivor_recomputes"), a));
}

/* Speeds are of this machine and missing when nothing was timed. A share of the limit near 1 means that the kernels move bytes as fast as
 * this memory can. Attention reads and a gather copies, so each has its own limit. */
static void add_data_plane(struct document *document, const struct run *run)
{
    char a[UNIT_TEXT], b[UNIT_TEXT];
    const struct worker_totals *worker = run->worker;
    const bool attends = run->config->kv.read == KV_READ_ATTEND;
    const double speed = run_figure(run, attends ? "attend_gb_per_s" : "gather_gb_per_s"), limit = run_figure(run, "share_of_limit");
    struct line line = {0};
    document_subheading(document, "Data plane", NULL);
    line_put(&line, "  wrote %s tokens, %s %s", unit_count(worker->tokens_written, a), attends ? "attended to" : "gathered",
             unit_bytes((double)worker->read_bytes, b));
    if (!isnan(speed))
        line_put(&line, " at %.1f GB/s (%s)", speed, worker->kernels ? worker->kernels : "portable");
    document_line(document, "%s", line.text);
    line = (struct line){0};
    if (!isnan(limit))
        line_put(&line, "%.2f of the %s limit; ", limit, attends ? "read" : "copy");
    document_line(document, "  %sblocks walked %s, %s", line.text, worker->geometry, worker->geometry_source);
    if (run->config->data_plane == DATA_PLANE_VERIFY)
        document_line(document, "  verified %s %s, none wrong; %s phantom tokens filled", unit_count(worker->floats_checked, a),
                      attends ? "outputs" : "floats", unit_count(worker->phantom_tokens, b));
}

void replay_report_lines(struct document *document, const struct replay_result *result)
{
    const struct run *run = result->run;
    add_setup(document, result);
    add_requests(document, run);
    add_goodput(document, run);
    add_dropped(document, run);
    if (run->facts.end.stalled)
        document_line(document, "  STALLED: unfinished requests that nothing can move");
    if (run->fleet)
        fleet_section(document, run, result->replica_traces);
    add_latencies(document, run);
    add_scheduling(document, run);
    if (run->config->speculative.method != SPECULATIVE_NONE)
        add_speculation(document, run);
    add_memory(document, run);
    add_fragmentation(document, run);
    if (engine_facts_of(run->config)->has_groups)
        add_groups(document, run);
    if (run->worker)
        add_data_plane(document, run);
}
