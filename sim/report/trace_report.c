/* trace_report.c - the document of a trace: size, rate, lengths, and how much its prompts share. Read observe/trace_facts.h first for what
 * the numbers mean. */
#include "report/trace_report.h"

#include "base/units.h"

/* Each row goes to people as an aligned line and to programs as a row of a table: people want one decimal, programs all digits. */
static void add_lengths(struct document *document, const struct trace_facts *facts)
{
    static const struct table_column columns[] = {{"tokens", NULL, TABLE_TEXT, 0},
                                                  {"mean", NULL, 0, 0},
                                                  {"min", NULL, 0, 0},
                                                  {"median", NULL, 0, 0},
                                                  {"p90", NULL, 0, 0},
                                                  {"p99", NULL, 0, 0},
                                                  {"max", NULL, 0, 0}};
    const struct {
        const char *name;
        const struct summary *summary;
    } rows[] = {{"prompt", &facts->input}, {"output", &facts->output}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "lengths", columns, sizeof columns / sizeof *columns);
    document_line(document, "%-8s %10s %8s %8s %8s %8s %8s", "tokens", "mean", "min", "median", "p90", "p99", "max");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct summary *lengths = rows[i].summary;
        document_line(document, "%-8s %10.1f %8.0f %8.0f %8.0f %8.0f %8.0f", rows[i].name, lengths->mean, lengths->min, lengths->median,
                      lengths->p90, lengths->p99, lengths->max);
        const double numbers[] = {lengths->mean, lengths->min, lengths->median, lengths->p90, lengths->p99, lengths->max};
        table_text(table, rows[i].name);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            table_number(table, numbers[k]);
    }
}

/* Without hash ids every prompt is unique, and 0 % would look like a measurement. The bound is that of a cache which finds whole trace
 * blocks and never evicts; what a cache of a real size hits is the subject of `pagesim curve`. The width is an argument, as a file does not
 * say how many tokens one hash id names. */
static void add_sharing(struct document *document, const struct trace_facts *facts, uint32_t width)
{
    char a[UNIT_TEXT], b[UNIT_TEXT];
    const double share = facts->input_tokens ? (double)facts->reusable_tokens / (double)facts->input_tokens : 0;
    if (facts->hash_references == 0) {
        document_line(document, "no hash ids: prompts share nothing that could be seen");
    } else {
        document_line(document, "%s hash ids, %s distinct, %u tokens each", unit_count(facts->hash_references, a),
                      unit_count(facts->distinct_hashes, b), width);
        document_line(document, "at most %.2f %% of the prompt tokens can be prefix hits (whole trace blocks, a\ncache that never evicts)",
                      100 * share);
    }
    document_whole(document, "trace_block_size", width);
    document_whole(document, "hash_references", facts->hash_references);
    document_whole(document, "distinct_hashes", facts->distinct_hashes);
    document_whole(document, "reusable_tokens", facts->reusable_tokens);
    document_number(document, "reusable_share", share);
}

/* Sentences and members alternate, so that both readers get the facts in one order. */
struct document *trace_report(const struct trace *trace, const struct trace_facts *facts, uint32_t width,
                              const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    char a[UNIT_TEXT], b[UNIT_TEXT];
    document_line(document, "%s: %s requests in %s (%.3f a second)", trace_title(trace).text, unit_count(trace->count, a),
                  unit_seconds(facts->duration_s, b), facts->requests_per_s);
    document_line(document, "%s prompt and %s output tokens", unit_count(facts->input_tokens, a), unit_count(facts->output_tokens, b));
    document_whole(document, "requests", trace->count);
    document_number(document, "duration_s", facts->duration_s);
    document_number(document, "requests_per_s", facts->requests_per_s);
    document_whole(document, "total_input_tokens", facts->input_tokens);
    document_whole(document, "total_output_tokens", facts->output_tokens);
    add_lengths(document, facts);
    if (facts->with_priority + facts->with_samples + facts->with_beams > 0)
        document_line(document, "with priority %u, with samples %u, with beams %u", facts->with_priority, facts->with_samples,
                      facts->with_beams);
    add_sharing(document, facts, width);
    return document;
}
