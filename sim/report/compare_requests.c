/* compare_requests.c - what requests gain and lose: one by one, as a whole, by class, and who suffers. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "report/compare_parts.h"
#include "report/head_notes.h"

/* --- names ----------------------------------------------------------------------------------------------------------------------- */

/* Names of columns are made from those of sides, latencies and figures. No heading: for programs alone. */
void compare_add_column(struct table *table, const char *prefix, const char *key, const char *name, int decimals)
{
    char text[2 * FIGURE_NAME_SIZE];
    snprintf(text, sizeof text, "%s%s%s%s", prefix, key, *key && *name ? "_" : "", name);
    table_add_column(table, &(struct table_column){.name = text, .decimals = decimals});
}

/* What follows "delta_" in names: of A and B nothing, as there is one difference. */
const char *compare_delta_key(const struct comparison *comparison, size_t side)
{
    return comparison->named ? comparison_key(comparison, side) : "";
}

double compare_longest_wait_ms(const struct compare_side *side)
{
    return side->longest_wait != UINT32_MAX ? side->outcomes[side->longest_wait].wait_ms : (double)NAN;
}

double compare_longest_wait_request(const struct comparison *comparison, const struct compare_side *side)
{
    return side->longest_wait != UINT32_MAX ? trace_index(comparison->trace, side->longest_wait) : (double)NAN;
}

/* --- a row a request -------------------------------------------------------------------------------------------------------------- */

static void add_latency_columns(struct table *table, const char *prefix, const char *key)
{
    for (int i = 0; i < PAIRED_LATENCIES; i++) {
        char name[FIGURE_NAME_SIZE];
        snprintf(name, sizeof name, "%s_ms", latency_names[paired_latencies[i]]);
        compare_add_column(table, prefix, key, name, 0);
    }
}

/* Declares what compare_add_requests() and add_outcome() fill: the two must keep one order, as cells are added from left to right without names. */
static void add_request_columns(struct table *table, const struct comparison *comparison)
{
    for (size_t side = 0; side < comparison->count; side++) {
        const char *key = comparison_key(comparison, side);
        compare_add_column(table, "", key, "arrival_s", 0);
        add_latency_columns(table, "", key);
        compare_add_column(table, "", key, "preemptions", 0);
        compare_add_column(table, "", key, "cached_tokens", 0);
        compare_add_column(table, "", key, "status", TABLE_TEXT);
    }
    for (size_t side = 1; side < comparison->count; side++)
        add_latency_columns(table, "delta_", compare_delta_key(comparison, side));
}

/* Cells of one side, in the order of add_request_columns. */
static void add_outcome(struct table *table, const struct outcome *outcome)
{
    table_number(table, outcome->arrival_s);
    for (int i = 0; i < PAIRED_LATENCIES; i++)
        table_number(table, outcome->ms[paired_latencies[i]]);
    table_numbers(table, outcome->preemptions, (double)outcome->cached_tokens);
    table_text(table, request_status_names[outcome->status]);
}

/* A row a request would be thousands of lines for people, who get the two ends of the ranking instead. All requests, also those that have no
 * latency on one side: their cells are empty. A request is a line of the trace, also where V1 made several requests of its samples;
 * comparison->trace is the trace as the file has it. NaN in one of the two latencies makes the difference NaN as well, so no check is needed. */
void compare_add_requests(struct document *document, const struct comparison *comparison)
{
    const struct trace *trace = comparison->trace;
    const struct compare_side *sides = comparison->sides;
    static const struct table_column columns[] = {{"request", NULL, 0, 0}, {"input_tokens", NULL, 0, 0}, {"output_tokens", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "per_request", columns, COUNT(columns));
    add_request_columns(table, comparison);
    for (uint32_t position = 0; position < trace->count; position++) {
        table_numbers(table, trace_index(trace, position), trace->input_tokens[position], trace->output_tokens[position]);
        for (size_t side = 0; side < comparison->count; side++)
            add_outcome(table, &sides[side].outcomes[position]);
        for (size_t side = 1; side < comparison->count; side++)
            for (int i = 0; i < PAIRED_LATENCIES; i++)
                table_number(table,
                             sides[side].outcomes[position].ms[paired_latencies[i]] - sides[0].outcomes[position].ms[paired_latencies[i]]);
    }
}

/* --- requests, one by one --------------------------------------------------------------------------------------------------------- */

/* What a table says of a side next to the first one, after the columns that say which side and what. Headings name A and B, or the first
 * side. `brief`: people get one interval, the one that a sentence would tell. The p-value has two columns: people get text, in which "<1e-300" can stand for what a double cannot tell from 0; programs get the
 * number. */
static void add_paired_columns(struct table *table, const struct comparison *comparison, bool brief)
{
    const bool named = comparison->named;
    char mean[COMPARE_NAME_SIZE + 8], less[COMPARE_NAME_SIZE + 8];
    snprintf(mean, sizeof mean, "mean %s", comparison_name(comparison, 0));
    snprintf(less, sizeof less, "less %s", comparison_name(comparison, 0));
    const char *named_mean = named ? "mean" : "mean B", *from = brief ? NULL : "95 % from", *to = brief ? NULL : "to";
    const struct table_column columns[] = {{"pairs", NULL, 0, 0},
                                           {"mean_a_ms", brief ? NULL : mean, 1, 0},
                                           {named ? "mean_ms" : "mean_b_ms", brief ? NULL : named_mean, 1, 0},
                                           {"delta_ms", named ? less : "B - A", 2, 0},
                                           {"ci_low_ms", from, 2, 0},
                                           {"ci_high_ms", to, 2, 0},
                                           {"batch_ci_low_ms", brief ? NULL : "batched", 2, 0},
                                           {"batch_ci_high_ms", to, 2, 0},
                                           {"mean_first_ms", brief ? NULL : mean, 1, 0},
                                           {NULL, brief ? "95 % from" : NULL, 2, 0},
                                           {NULL, brief ? "to" : NULL, 2, 0},
                                           {"better", named ? "better" : "B better", TABLE_WHOLE, 0},
                                           {"worse", named ? "worse" : "B worse", TABLE_WHOLE, 0},
                                           {"equal", brief ? NULL : "equal", TABLE_WHOLE, 0},
                                           {NULL, brief ? NULL : "sign test p", TABLE_TEXT, 0},
                                           {"sign_p", NULL, 0, 0}};
    for (size_t i = 0; i < COUNT(columns); i++)
        if (i != (named ? 1 : 8)) /* A's mean is the first, that of a first side stands after the intervals, which then fit a line */
            table_add_column(table, &columns[i]);
}

/* Without pairs there is nothing to tell, and 0 would look like an answer. Batch means need at least two requests a batch; in shorter
 * traces that interval is empty while the others are there. */
static void add_paired(struct table *table, const struct paired *paired, bool named)
{
    const bool any = paired->difference.n > 0, batched = paired->batches.n > 0;
    const struct statistics *difference = &paired->difference, *batches = &paired->batches;
    const double means[] = {paired->mean_first, paired->mean, difference->mean, difference->ci_low, difference->ci_high};
    const double batch[] = {batches->ci_low, batches->ci_high};
    const struct statistics *told = paired_interval(paired);
    const size_t skipped = named ? 1 : 0;
    char p[32] = "<1e-300";
    if (paired->sign_p >= 1e-300)
        snprintf(p, sizeof p, "%.3g", paired->sign_p);
    table_number(table, (double)difference->n);
    for (size_t i = skipped; i < COUNT(means); i++)
        table_number(table, any ? means[i] : (double)NAN);
    for (size_t i = 0; i < COUNT(batch); i++)
        table_number(table, batched ? batch[i] : (double)NAN);
    for (size_t i = 0; i < skipped; i++)
        table_number(table, any ? means[i] : (double)NAN);
    table_numbers(table, told->n > 1 ? told->ci_low : (double)NAN, told->n > 1 ? told->ci_high : (double)NAN);
    table_numbers(table, (double)paired->better, (double)paired->worse, (double)paired->equal);
    table_text(table, any ? p : NULL);
    table_number(table, any ? paired->sign_p : (double)NAN);
}

/* "sjf TTFT" */
static void add_latency_row(struct table *table, const struct comparison *comparison, size_t side, enum latency latency)
{
    char text[2 * COMPARE_NAME_SIZE] = "";
    if (comparison->named) {
        table_text(table, comparison_key(comparison, side));
        snprintf(text, sizeof text, "%s ", comparison_name(comparison, side));
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s", latency_titles[latency]);
    table_text(table, latency_names[latency]);
    table_text(table, text);
    add_paired(table, &comparison->sides[side].against.paired[latency], comparison->named);
}

/* The note is printed every time, not only in a manual: an interval of one trace is too sure of itself about other traces, and people quote
 * the table. */
void compare_add_latencies(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {
        {"side", NULL, TABLE_TEXT, 0}, {"latency", NULL, TABLE_TEXT, 0}, {NULL, "latency", TABLE_TEXT, 0}};
    const size_t skipped = comparison->named ? 0 : 1;
    char pairs[UNIT_TEXT], note[128];
    unit_count(comparison->sides[1].against.paired[LATENCY_E2EL].difference.n, pairs);
    if (comparison->named)
        snprintf(note, sizeof note, " (ms; below 0: faster than %s)", comparison_name(comparison, 0));
    else
        snprintf(note, sizeof note, " (ms; below 0: B is faster; %s pairs)", pairs);
    document_heading(document, "Requests, one by one", note);
    struct table *table = document_table(document, "latencies", columns + skipped, COUNT(columns) - skipped);
    add_paired_columns(table, comparison, false);
    for (size_t side = 1; side < comparison->count; side++)
        for (int i = 0; i < PAIRED_LATENCIES; i++)
            add_latency_row(table, comparison, side, paired_latencies[i]);
    document_line(document, "  Requests of one trace share queues and caches, so they are not independent:\n"
                            "  the intervals and p describe this trace. \"batched\" is the 95 %% interval over\n"
                            "  20 batches of requests that arrived in a row; repeat with other seeds or\n"
                            "  traces before you generalise.");
}

/* --- classes --------------------------------------------------------------------------------------------------------------------- */

/* Means that stand in a row are of the same requests, and who wins is whom the interval shows to be faster than every other side. */
static void add_class_means(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {{"by", NULL, TABLE_TEXT, 0},
                                                  {"class", "class", TABLE_TEXT, 0},
                                                  {"requests", "requests", TABLE_WHOLE, 0},
                                                  {"served_by_all", NULL, 0, 0}};
    struct table *table = document_table(document, "classes", columns, COUNT(columns));
    for (size_t side = 0; side < comparison->count; side++) {
        char name[COMPARE_NAME_SIZE + 16];
        snprintf(name, sizeof name, "mean_%s_ms", comparison_key(comparison, side));
        table_add_column(table, &(struct table_column){name, comparison_name(comparison, side), 1, 0});
    }
    table_add_column(table, &(struct table_column){"winner", "wins", TABLE_TEXT, 0});
    for (size_t i = 0; i < comparison->classes.count; i++) {
        const struct compared_class *class = &comparison->classes.list[i];
        table_text(table, class->by);
        table_text(table, class->name);
        table_numbers(table, class->requests, class->served);
        for (size_t side = 0; side < comparison->count; side++)
            table_number(table, class->means[side]);
        table_text(table, class->winner == SIZE_MAX ? NULL : comparison_name(comparison, class->winner));
    }
}

/* The row's name for people holds both: "sjf: prompt 1-128". */
static void add_class_differences(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {
        {"side", NULL, TABLE_TEXT, 0}, {"by", NULL, TABLE_TEXT, 0}, {"class", NULL, TABLE_TEXT, 0}, {NULL, "class", TABLE_TEXT, 0}};
    const size_t skipped = comparison->named ? 0 : 1;
    struct table *table = document_table(document, "class_differences", columns + skipped, COUNT(columns) - skipped);
    add_paired_columns(table, comparison, true);
    for (size_t side = 1; side < comparison->count; side++)
        for (size_t i = 0; i < comparison->classes.count; i++) {
            const struct compared_class *class = &comparison->classes.list[i];
            char text[COMPARE_NAME_SIZE + sizeof class->name + 2];
            if (comparison->named) {
                table_text(table, comparison_key(comparison, side));
                snprintf(text, sizeof text, "%s: %s", comparison_name(comparison, side), class->name);
            } else {
                snprintf(text, sizeof text, "%s", class->name);
            }
            table_text(table, class->by);
            table_text(table, class->name);
            table_text(table, text);
            add_paired(table, &class->against[side], comparison->named);
        }
}

void compare_add_classes(struct document *document, const struct comparison *comparison)
{
    char note[64];
    if (comparison->sorting_count == 0)
        return;
    snprintf(note, sizeof note, " (mean %s, ms, of requests that all served)", latency_titles[comparison->ranked_by]);
    document_heading(document, "By class", note);
    add_class_means(document, comparison);
    document_line(document, "  A side wins that is faster than every other, with the whole 95 %% interval.");
    document_subheading(document, "Differences by class", " (ms; the interval is batched where there are 40 pairs)");
    add_class_differences(document, comparison);
}

/* --- the ends of the ranking ------------------------------------------------------------------------------------------------------ */

/* Both ends of the ranking of a side, from its largest gain to its largest loss. Who neither gains nor loses is not listed. The ranking holds
 * the requests that have the latency on both sides, sorted by their difference. The two ends are taken by index, and the sign is tested
 * too: with few requests the ends overlap, and a request in the last `top` may still be a winner. */
static void add_ranks_of(struct table *table, const struct compare_view *view, size_t side)
{
    const struct comparison *comparison = view->comparison;
    const struct against_first *against = &comparison->sides[side].against;
    const size_t count = against->ranked_count;
    for (size_t i = 0; i < count; i++) {
        const uint32_t position = against->ranked[i];
        const struct outcome *first = &comparison->sides[0].outcomes[position], *own = &comparison->sides[side].outcomes[position];
        const double first_ms = first->ms[comparison->ranked_by], own_ms = own->ms[comparison->ranked_by];
        const bool winner = i < view->top && own_ms < first_ms, loser = i + view->top >= count && own_ms > first_ms;
        if (!winner && !loser)
            continue;
        if (comparison->named)
            table_text(table, comparison_key(comparison, side));
        table_numbers(table, trace_index(comparison->trace, position), comparison->trace->input_tokens[position],
                      comparison->trace->output_tokens[position], first_ms, own_ms, own_ms - first_ms, first->preemptions,
                      own->preemptions);
    }
}

void compare_add_ranks(struct document *document, const struct compare_view *view)
{
    const struct comparison *comparison = view->comparison;
    const bool named = comparison->named;
    const char *first = comparison_name(comparison, 0);
    char note[32];
    bool any = false;
    const struct table_column columns[] = {{"side", "side", TABLE_TEXT, 0},
                                           {"request", "request", 0, 0},
                                           {"input_tokens", "input", TABLE_WHOLE, 0},
                                           {"output_tokens", "output", TABLE_WHOLE, 0},
                                           {named ? "first_ms" : "a_ms", first, 1, 0},
                                           {named ? "own_ms" : "b_ms", named ? "own" : "B", 1, 0},
                                           {"delta_ms", named ? "less" : "B - A", 1, 0},
                                           {named ? "first_preemptions" : "a_preemptions", named ? NULL : "preempted A", TABLE_WHOLE, 0},
                                           {named ? "own_preemptions" : "b_preemptions", named ? NULL : "B", TABLE_WHOLE, 0}};
    snprintf(note, sizeof note, " (%s, ms)", latency_titles[comparison->ranked_by]);
    for (size_t side = 1; side < comparison->count; side++)
        any |= comparison->sides[side].against.paired[comparison->ranked_by].better > 0 ||
               comparison->sides[side].against.paired[comparison->ranked_by].worse > 0;
    if (view->top > 0 && any)
        document_heading(document, "Who wins and who loses most", note);
    document_text(document, "ranked_by", latency_names[comparison->ranked_by]);
    struct table *table = document_table(document, "winners_and_losers", columns + !named, COUNT(columns) - !named);
    for (size_t side = 1; side < comparison->count; side++)
        add_ranks_of(table, view, side);
}

/* A mean hides who waits for ever; these lines are about them. All sides are measured with one yardstick (starving_ms). With a yardstick
 * each, the side on which everybody waits longer would look as if nobody starved. */
void compare_add_starving(struct document *document, const struct comparison *comparison)
{
    char note[128];
    snprintf(note, sizeof note, " (starving: waited longer than %.1f ms,\n  %g times the %s wait of %s)", comparison->starving_ms,
             comparison->factor, comparison->by_median ? "median" : "mean", comparison->count == 2 ? "both" : "all");
    document_heading(document, "Who starves, and how fair it is", note);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compare_side *side = &comparison->sides[i];
        char starving[UNIT_TEXT], unfinished[UNIT_TEXT], dropped[UNIT_TEXT];
        head_wrapped(document, "  ", "%s: %s starved, %s never finished, %s can never run", comparison_name(comparison, i),
                     unit_count(side->starving, starving), unit_count(side->unfinished, unfinished), unit_count(side->dropped, dropped));
        if (side->longest_wait != UINT32_MAX)
            document_line(document, "     longest wait %.1f ms, of request %u; Jain's index %.4f", compare_longest_wait_ms(side),
                          trace_index(comparison->trace, side->longest_wait), side->jain);
        else
            document_line(document, "     nobody waited; Jain's index %.4f", side->jain);
        if (side->slowdown.count > 0)
            document_line(document, "     slowdown %.2f mean, %.2f p99, %.2f at most", side->slowdown.mean, side->slowdown.p99,
                          side->slowdown.max);
    }
    document_line(document, "  Jain's index: (sum x)^2 / (n sum x^2) of x = E2E / output tokens; 1 is fair.");
    if (comparison->sides[0].slowdown.count > 0)
        document_line(document, "  Slowdown: E2E / the time that the request would take alone, nothing cached.");
}
