/* trace_report.c - the document of a trace: size, rate, lengths, and how much its prompts share. Read study/trace_facts.h first for what
 * the numbers mean. */
#include "report/trace_report.h"

#include <math.h>

#include "base/units.h"
#include "trace/time_unit.h"

/* Rows of mean and percentiles go to people as aligned lines and to programs as rows of a table: people want one decimal, programs all
 * digits. */
struct spread {
    const char *name;
    const struct summary *summary;
};

static void add_spreads(struct document *document, const char *key, const char *first, const struct spread *rows, size_t count)
{
    const struct table_column columns[] = {{first, NULL, TABLE_TEXT, 0}, {"mean", NULL, 0, 0}, {"min", NULL, 0, 0}, {"median", NULL, 0, 0},
                                           {"p90", NULL, 0, 0},          {"p99", NULL, 0, 0},  {"max", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, key, columns, sizeof columns / sizeof *columns);
    document_line(document, "%-12s %10s %8s %8s %8s %8s %8s", first, "mean", "min", "median", "p90", "p99", "max");
    for (size_t i = 0; i < count; i++) {
        const struct summary *of = rows[i].summary;
        document_line(document, "%-12s %10.1f %8.0f %8.0f %8.0f %8.0f %8.0f", rows[i].name, of->mean, of->min, of->median, of->p90, of->p99,
                      of->max);
        const double numbers[] = {of->mean, of->min, of->median, of->p90, of->p99, of->max};
        table_text(table, rows[i].name);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            table_number(table, numbers[k]);
    }
}

/* What the file is, and how its times count; a wrong unit is the most common reason of a replay that nobody believes. */
static void add_format(struct document *document, const struct trace *trace)
{
    static const char *const times[] = {[TRACE_TIMES_FROM_ZERO] = "from the start",
                                        [TRACE_TIMES_FROM_FIRST] = "clock times, from the first",
                                        [TRACE_TIMES_GAPS] = "gaps since the request before"};
    const struct time_unit *found = time_unit_of(trace->facts.time_unit_ns);
    const char *unit = found ? found->name : NULL;
    document_line(document, "format %s; times: %s%s%s", trace->format ? trace->format : "unknown", times[trace->facts.times],
                  unit ? ", in " : "", unit ? unit : "");
    document_text(document, "trace_format", trace->format);
    document_text(document, "times", times[trace->facts.times]);
    document_text(document, "time_unit", unit);
}

/* Everything that was done to the file while reading it. */
static void add_notes(struct document *document, const struct trace *trace)
{
    if (trace->notes[0])
        document_line(document, "%s", trace->notes);
    if (trace->ignored_fields[0])
        document_line(document, "ignored fields: %s", trace->ignored_fields);
    if (trace->skipped.count > 0)
        document_line(document, "%llu rows were left out", (unsigned long long)trace->skipped.count);
    document_text(document, "notes", trace->notes);
    document_text(document, "ignored_fields", trace->ignored_fields);
    document_whole(document, "skipped_rows", trace->skipped.count);
}

/* Poisson arrivals are what most load generators draw, so that is what people compare with. */
static void add_arrivals(struct document *document, const struct trace_facts *facts)
{
    if (facts->without_time > 0)
        document_line(document, "%u requests have no time", facts->without_time);
    if (!isnan(facts->gap_cv))
        document_line(document, "gaps between arrivals: coefficient of variation %.2f (0 a clock, 1 Poisson,\nabove it bursts)",
                      facts->gap_cv);
    document_number(document, "gap_cv", facts->gap_cv);
    document_whole(document, "requests_without_time", facts->without_time);
}

/* Only where a row says it: that nobody does is the usual trace. */
static void add_ends(struct document *document, const struct trace *trace, const struct trace_facts *facts)
{
    const uint32_t said = facts->end_by_stop + facts->end_by_length;
    const double all = trace->count;
    document_whole(document, "requests_ending_by_stop", facts->end_by_stop);
    document_whole(document, "requests_ending_by_length", facts->end_by_length);
    if (said > 0)
        document_line(document, "ends: %.3g %% by stop, %.3g %% by length%s", 100 * facts->end_by_stop / all,
                      100 * facts->end_by_length / all, said < trace->count ? ", rest not said" : "");
}

static void add_sessions(struct document *document, const struct trace_facts *facts)
{
    if (facts->sessions > 0)
        document_line(document, "%u sessions with %u requests: %.2f turns each (most %.0f), %.3g s between them", facts->sessions,
                      facts->in_sessions, facts->turns.mean, facts->turns.max, facts->think_s.mean);
    document_whole(document, "sessions", facts->sessions);
    document_whole(document, "requests_in_sessions", facts->in_sessions);
    document_number(document, "mean_turns", facts->turns.mean);
    document_number(document, "mean_delay_s", facts->think_s.mean);
}

/* Without hash ids every prompt is unique, and 0 % would look like a measurement. The bound is that of a cache which finds whole trace
 * blocks and never evicts; what a cache of a real size hits is the subject of `pagesim curve`. */
static void add_sharing(struct document *document, const struct trace_facts *facts, uint32_t width, bool inferred)
{
    char a[UNIT_TEXT], b[UNIT_TEXT];
    const double share = facts->input_tokens ? (double)facts->reusable_tokens / (double)facts->input_tokens : 0;
    if (facts->hash_references > 0)
        document_line(document, "%s hash ids, %s distinct, %u tokens each%s", unit_count(facts->hash_references, a),
                      unit_count(facts->distinct_hashes, b), width, inferred ? " (by their number in each row)" : "");
    if (facts->hash_references > 0 || facts->sessions > 0)
        document_line(document, "at most %.2f %% of the prompt tokens can be prefix hits (whole trace blocks, a\ncache that never evicts)",
                      100 * share);
    else
        document_line(document, "no hash ids: prompts share nothing that could be seen");
    document_whole(document, "trace_block_size", width);
    document_bool(document, "trace_block_size_inferred", inferred);
    document_whole(document, "hash_references", facts->hash_references);
    document_whole(document, "distinct_hashes", facts->distinct_hashes);
    document_whole(document, "reusable_tokens", facts->reusable_tokens);
    document_number(document, "reusable_share", share);
    if (facts->reuse_blocks.count > 0) {
        const struct spread rows[] = {{"blocks", &facts->reuse_blocks}, {"seconds", &facts->reuse_s}};
        document_heading(document, "Reuse of a trace block", ": what came since its last use");
        add_spreads(document, "reuse", "apart", rows, sizeof rows / sizeof *rows);
    }
}

/* Sentences and members alternate, so that both readers get the facts in one order. */
struct document *trace_report(const struct trace *trace, const struct trace_facts *facts, uint32_t width, bool inferred,
                              const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    const struct spread lengths[] = {{"prompt", &facts->input}, {"output", &facts->output}};
    char a[UNIT_TEXT], b[UNIT_TEXT];
    document_line(document, "%s: %s requests in %s (%.3f a second)", trace_title(trace).text, unit_count(trace->count, a),
                  unit_seconds(facts->duration_s, b), facts->requests_per_s);
    add_format(document, trace);
    add_notes(document, trace);
    document_line(document, "%s prompt and %s output tokens", unit_count(facts->input_tokens, a), unit_count(facts->output_tokens, b));
    if (trace->facts.load)
        document_line(document, "drawn from a load (%s), which names no lengths: these are examples", trace->format);
    document_whole(document, "requests", trace->count);
    document_number(document, "duration_s", facts->duration_s);
    document_number(document, "requests_per_s", facts->requests_per_s);
    document_whole(document, "total_input_tokens", facts->input_tokens);
    document_whole(document, "total_output_tokens", facts->output_tokens);
    add_spreads(document, "lengths", "tokens", lengths, sizeof lengths / sizeof *lengths);
    add_arrivals(document, facts);
    if (facts->with_priority + facts->with_samples + facts->with_beams > 0)
        document_line(document, "with priority %u, with samples %u, with beams %u", facts->with_priority, facts->with_samples,
                      facts->with_beams);
    add_ends(document, trace, facts);
    add_sessions(document, facts);
    add_sharing(document, facts, width, inferred);
    return document;
}
