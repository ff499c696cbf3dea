/* replay_report.c - the document of one replay: lines for people (replay_report_lines.c), then everything for programs. Read document.h
 * first; replay_report() at the end gives the order of JSON members. Members that depend on the machine are kept together in "measured", so
 * that two runs of one command differ there and nowhere else. */
#include "report/replay_report.h"

#include <math.h>

#include "base/line.h"
#include "base/units.h"
#include "observe/per_request.h"

/* All that the size of a pool was computed from, so that a reader can redo the sum. Nothing when the number of blocks was given: there was
 * no sum. */
static void add_sizing(struct document *document, const struct sizing *sizing)
{
    if (!sizing || !sizing->known)
        return;
    document_open_object(document, "sizing");
    document_number(document, "gpu_memory_bytes", sizing->gpu_bytes);
    document_number(document, "gpu_memory_utilization", sizing->utilization);
    document_number(document, "weight_bytes", sizing->weight_bytes);
    document_number(document, "overhead_bytes", sizing->overhead_bytes);
    document_number(document, "kv_cache_bytes", sizing->kv_bytes);
    document_number(document, "block_bytes", sizing->block_bytes);
    document_whole(document, "num_gpu_blocks", sizing->blocks);
    document_close(document);
}

/* The limits belong to the result: a goodput without them means nothing. A negative limit means that this latency has none. */
static void add_goodput(struct document *document, const struct goodput *goodput)
{
    if (!goodput)
        return;
    document_open_object(document, "goodput_limits_ms");
    for (int latency = 0; latency < LATENCIES; latency++)
        if (goodput->limit_ms[latency] >= 0)
            document_number(document, latency_names[latency], goodput->limit_ms[latency]);
    document_close(document);
}

/* Every dropped request, with the pool that would have served it: people see the first few only. smallest_pool is 0 when no pool would
 * help, because the request is longer than max_model_len; the cell is empty then. The loop does not run at all in the usual case that
 * nobody was dropped. */
static void add_dropped(struct document *document, const struct run *run)
{
    static const struct table_column columns[] = {
        {"request", NULL, 0, 0}, {"why", NULL, TABLE_TEXT, 0}, {"smallest_num_gpu_blocks", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "dropped_requests", columns, 3);
    for (uint32_t position = 0; run->metrics.dropped > 0 && position < run->trace->count; position++) {
        const struct request_story story = metrics_story(&run->metrics, position);
        if (!story.dropped)
            continue;
        table_number(table, trace_index(run->trace, position));
        table_text(table, request_drop_reason(&story));
        table_number(table, story.smallest_pool ? (double)story.smallest_pool : (double)NAN);
    }
}

/* vLLM's per-position acceptance; a run without speculation has no such member. */
static void add_draft_places(struct document *document, const struct run *run)
{
    static const struct table_column columns[] = {
        {"place", NULL, TABLE_WHOLE, 0}, {"accepted", NULL, TABLE_WHOLE, 0}, {"acceptance_rate", NULL, 0, 0}};
    const struct draft_sums *sums = &run->metrics.end.drafts;
    if (run->config->speculative.method == SPECULATIVE_NONE)
        return;
    struct table *table = document_table_for(document, FOR_PROGRAMS, "draft_places", columns, sizeof columns / sizeof *columns);
    for (uint32_t place = 0; place < run->config->speculative.num_speculative_tokens; place++) {
        table_numbers(table, place, (double)sums->accepted_at[place]);
        table_number(table, sums->verified ? draft_acceptance(sums, place) : (double)NAN);
    }
}

static const char *const page_names[] = {[KV_PAGES_SMALL] = "small", [KV_PAGES_WISHED] = "madvise", [KV_PAGES_SET_ASIDE] = "hugetlb"};

/* Everything that differs from run to run: times and speeds of this machine. Speeds are left out where nothing was timed, as 0 would read
 * as a very slow machine. Bytes divided by nanoseconds are GB/s. The memory's own limit, measured before the replay, stands next to them,
 * because a speed says nothing without it. */
static void add_measured(struct document *document, const struct replay_result *result)
{
    const struct measured *measured = &result->measured;
    const struct worker_totals *worker = result->run->worker;
    document_open_object(document, "measured");
    document_number(document, "replay_seconds", measured->replay_seconds);
    document_number(document, "cpu_seconds", measured->cpu_seconds);
    if (measured->replay_seconds > 0)
        document_number(document, "simulated_requests_per_s", (double)result->run->trace->count / measured->replay_seconds);
    document_text(document, "engine", result->run->facts.by_events ? "events" : "steps");
    if (worker) {
        document_text(document, "kernels", worker->kernels ? worker->kernels : "portable");
        document_text(document, "kernel_geometry", worker->geometry);
        document_text(document, "kernel_geometry_from", worker->geometry_source);
        document_text(document, "pages", page_names[worker->pages]);
        document_whole(document, "large_page_bytes", worker->large_page_bytes);
        document_whole(document, "threads", measured->threads);
        document_figures(document, &result->run->figures, true);
        if (worker->write_ns)
            document_number(document, "write_gb_per_s", (double)worker->written_bytes / (double)worker->write_ns);
        if (measured->limit.copy_gb_per_s > 0) {
            document_number(document, "copy_limit_gb_per_s", measured->limit.copy_gb_per_s);
            document_number(document, "read_limit_gb_per_s", measured->limit.read_gb_per_s);
        }
    }
    document_close(document);
}

/* The finding in a sentence: how the pool sufficed, and what that means for who waits. */
static struct line verdict(const struct run *run)
{
    const struct run_end *end = &run->facts.end;
    const uint64_t taken = run->metrics.preempt_recompute + run->metrics.preempt_swap;
    const double again = 100 * run_figure(run, "recomputed_tokens") / run_figure(run, "scheduled_tokens"),
                 fullest = 100 * run_figure(run, "peak_used_blocks") / run_figure(run, "pool_blocks"),
                 ttft = run_figure(run, "p99_ttft_ms") / 1e3;
    char requests[UNIT_TEXT], number[UNIT_TEXT];
    struct line line = {0};
    if (end->stalled || end->abort)
        line_put(&line, "The replay ended early: %s of %s requests are left", unit_count(end->unfinished, number),
                 unit_count(run->trace->count, requests));
    else if (taken > 0)
        line_put(&line, "%s preemption%s in %s requests", unit_count(taken, number), taken == 1 ? "" : "s",
                 unit_count(run->metrics.completed, requests));
    else
        line_put(&line, "Nobody was preempted in %s requests", unit_count(run->metrics.completed, requests));
    if (taken > 0 && again > 0)
        line_put(&line, ": %s %% of the tokens were computed again", unit_fixed(again, 1, number, sizeof number));
    else if (taken == 0 && fullest > 0)
        line_put(&line, ": at most %s %% of the pool was in use", unit_fixed(fullest, 1, number, sizeof number));
    if (ttft > 0)
        line_put(&line, ", p99 TTFT is %s", unit_seconds(ttft, number));
    if (run->metrics.dropped > 0)
        line_put(&line, "; %s dropped", unit_count(run->metrics.dropped, number));
    return line;
}

/* The tail of latency, and what it cost. */
void replay_key_figures(struct document *document, const struct figure_set *figures)
{
    static const char *const key[][2] = {
        {"median_ttft_ms", "TTFT, median"},         {"p99_ttft_ms", "TTFT, p99"},           {"p99_itl_ms", "ITL, p99"},
        {"median_e2el_ms", "E2E, median"},          {"output_throughput", "output tokens"}, {"preemptions", "preemptions"},
        {"prefix_hit_rate", "prompt tokens cached"}};
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        document_key_figure(document, figures, key[i][0], key[i][1]);
}

/* CSV without --table prints the figures, the first element that counts as a table for it. */
struct document *replay_report(const struct replay_result *result, const struct document_origin *origin)
{
    const struct run *run = result->run;
    struct document *document = document_create(origin);
    document_headline(document, "%s", verdict(run).text);
    replay_key_figures(document, &run->figures);
    replay_report_lines(document, result);
    document_text(document, "percentile_method", "linear interpolation between the nearest ranks");
    document_whole(document, "requests_in_file", run->trace->requests_in_file);
    add_sizing(document, result->sizing);
    add_goodput(document, run->goodput);
    document_bool(document, "stalled", run->facts.end.stalled);
    document_text(document, "abort", run->facts.end.abort);
    document_figures(document, &run->figures, false);
    add_draft_places(document, run);
    add_dropped(document, run);
    add_measured(document, result);
    if (document_pictures(document) && (result->course || run->fleet))
        replay_pictures(document, result);
    return document;
}
