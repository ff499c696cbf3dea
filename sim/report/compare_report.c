/* compare_report.c - the document of a comparison, one function a part, in reading order. What is for programs alone comes first: the two
 * sides and a row a request, which is what CSV prints.
 *
 * The comparison itself is made in study/compare_runs.c; nothing is computed here but differences of two numbers that both stand in the
 * report. Conventions that all parts keep: A is side 0 and comes first; a difference is B - A, so a negative time is a gain of B; what a
 * side does not have is NaN, which becomes "-", an empty cell or null.
 *
 *     sides, per_request          programs: the data that all the rest follows from
 *     configurations              which keys differ: the cause
 *     first decision              where the two schedules part: the earliest effect
 *     latencies, ranks            what requests gain and lose
 *     starving, fairness          what the means hide
 *     the whole                   the figures of each run */
#include "report/compare_report.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"
#include "study/sweep_keys.h"

#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

/* --- for programs: sides and requests -------------------------------------------------------------------------------------------- */

/* Under "a" or "b": the document itself has no configuration of its own, as there are two. Each side carries its whole configuration, so
 * the file alone is enough to replay either. The longest wait stands with its request, because the first question about a long wait is
 * whose it was. */
static void add_side(struct document *document, const struct compare_view *view, int i)
{
    const struct compare_side *side = &view->comparison->sides[i];
    const bool waited = side->longest_wait != UINT32_MAX;
    struct json_text json;
    json_text_init(&json, false);
    config_write(&side->config, &json);
    document_open_object(document, i ? "b" : "a");
    document_text(document, "name", view->names[i]);
    document_text(document, "vllm", engine_facts_of(&side->config)->vllm_version);
    document_number(document, "longest_wait_ms", waited ? side->outcomes[side->longest_wait].wait_ms : (double)NAN);
    document_number(document, "longest_wait_request", waited ? trace_index(view->comparison->trace, side->longest_wait) : (double)NAN);
    document_json(document, "configuration", &json);
    document_close(document);
}

/* Names of a table of requests are made from those of latencies, for each side. Cells are for programs alone (no heading): a row a request
 * would be thousands of lines for people, who get the two ends of the ranking instead. */
static void add_column(struct table *table, const char *prefix, const char *name, const char *suffix, int decimals)
{
    char text[FIGURE_NAME_SIZE];
    snprintf(text, sizeof text, "%s%s%s", prefix, name, suffix);
    table_add_column(table, &(struct table_column){.name = text, .decimals = decimals});
}

static void add_latency_columns(struct table *table, const char *prefix)
{
    for (int i = 0; i < PAIRED_LATENCIES; i++)
        add_column(table, prefix, latency_names[paired_latencies[i]], "_ms", 0);
}

/* Declares what add_requests() and add_outcome() fill: the two must keep one order, as cells are added from left to right without names. */
static void add_request_columns(struct table *table)
{
    static const char *const sides[] = {"a_", "b_"};
    for (int side = 0; side < 2; side++) {
        add_column(table, sides[side], "arrival_s", "", 0);
        add_latency_columns(table, sides[side]);
        add_column(table, sides[side], "preemptions", "", 0);
        add_column(table, sides[side], "cached_tokens", "", 0);
        add_column(table, sides[side], "status", "", TABLE_TEXT);
    }
    add_latency_columns(table, "delta_");
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

/* All requests, also those that have no latency on one side: their cells are empty. A request is a line of the trace, also where V1 made
 * several requests of its samples; comparison->trace is the trace as the file has it. NaN in one of the two latencies makes the difference
 * NaN as well, so no check is needed. */
static void add_requests(struct document *document, const struct comparison *comparison)
{
    const struct trace *trace = comparison->trace;
    static const struct table_column columns[] = {{"request", NULL, 0, 0}, {"input_tokens", NULL, 0, 0}, {"output_tokens", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "per_request", columns, COUNT(columns));
    add_request_columns(table);
    for (uint32_t position = 0; position < trace->count; position++) {
        const struct outcome *a = &comparison->sides[0].outcomes[position], *b = &comparison->sides[1].outcomes[position];
        table_numbers(table, trace_index(trace, position), trace->input_tokens[position], trace->output_tokens[position]);
        add_outcome(table, a);
        add_outcome(table, b);
        for (int i = 0; i < PAIRED_LATENCIES; i++)
            table_number(table, b->ms[paired_latencies[i]] - a->ms[paired_latencies[i]]);
    }
}

/* --- the two configurations ------------------------------------------------------------------------------------------------------ */

/* As the configuration file has it. The JSON form is used in the table for people as well: what they read is what they can copy into a
 * file. */
static void add_key_value(struct document *document, struct table *table, const struct config_key *key, const struct config *config)
{
    struct json_text json;
    struct diag ignored = {0};
    json_text_init(&json, false);
    config_key_write(key, config, &json);
    if (json_text_status(&json, &ignored) != SIM_OK && document)
        document->out_of_memory = true;
    table_text(table, json.text);
    json_text_deinit(&json);
}

/* What both sides are, and every key in which they differ. Keys are compared after defaults and sizing were applied. So a key appears that
 * nobody wrote, if it follows from another one: num_gpu_blocks from the model, or a default that differs between engines. That is wanted,
 * because the engine sees only the effective values. */
static void add_configurations(struct document *document, const struct compare_view *view)
{
    static const struct table_column columns[] = {{"key", "key", TABLE_TEXT, 0}, {"a", "A", TABLE_TEXT, 0}, {"b", "B", TABLE_TEXT, 0}};
    const struct compare_side *sides = view->comparison->sides;
    char count[UNIT_TEXT];
    document_line(document, "%s: %s requests", trace_title(view->comparison->trace).text,
                  unit_count(view->comparison->trace->count, count));
    for (int i = 0; i < 2; i++) {
        const struct engine_facts *engine = engine_facts_of(&sides[i].config);
        document_line(document, "  %c: %s%s%s of vLLM %s", 'A' + i, view->names[i], *view->names[i] ? ", " : "", engine->name,
                      engine->vllm_version);
    }
    step_times_note(document, &sides[0].config, step_times_of(&sides[0].config) | step_times_of(&sides[1].config));
    head_defaults_of_two(document, &sides[0].config, &sides[1].config);
    struct advice a, b, both;
    advice_collect(&sides[0].config, view->comparison->trace, ADVICE_ALL, &a);
    advice_collect(&sides[1].config, view->comparison->trace, ADVICE_ALL, &b);
    advice_split(&a, &b, &both);
    head_advice_begin(document);
    head_reading_put(document, view->comparison->trace);
    head_advice_put(document, "", &both);
    head_advice_put(document, "A: ", &a);
    head_advice_put(document, "B: ", &b);
    head_advice_end(document);
    if (sides[0].config.arrival_speedup_ratio == sides[1].config.arrival_speedup_ratio)
        head_arrivals(document, &sides[0].config);
    if (sides[0].config.max_num_queued_reqs == sides[1].config.max_num_queued_reqs &&
        sides[0].config.max_num_queued_tokens == sides[1].config.max_num_queued_tokens)
        head_front_door(document, &sides[0].config);
    struct table *table = document_table(document, "keys_that_differ", columns, COUNT(columns));
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char name[SWEEP_KEY_NAME_SIZE];
        if (config_key_equal(key, &sides[0].config, &sides[1].config))
            continue;
        sweep_key_name(key, name, sizeof name);
        table_text(table, name);
        for (int side = 0; side < 2; side++)
            add_key_value(document, table, key, &sides[side].config);
    }
    if (table_rows(table) == 0)
        document_line(document, "  The configurations are the same.");
}

/* --- the first decision that differs --------------------------------------------------------------------------------------------- */

/* Indexed by enum decision_kind; programs get these words as they are. */
static const char *const decision_words[] = {"preempts", "swaps in", "admits", "ignores", "computes"};

/* What one side does to the request: "computes 512 of its tokens". */
static void describe(enum decision_kind kind, int64_t value, char *out, size_t size)
{
    if (kind == DECIDE_PREEMPT)
        snprintf(out, size, "preempts it by %s", value == PREEMPT_SWAP ? "swap" : "recompute");
    else if (kind == DECIDE_ADMIT)
        snprintf(out, size, "admits it with %lld cached tokens", (long long)value);
    else if (kind == DECIDE_COMPUTE)
        snprintf(out, size, "computes %lld of its tokens", (long long)value);
    else
        snprintf(out, size, "%s it", decision_words[kind]);
}

/* "request 30: A admits it with 768 cached tokens, B with 96" or "request 30: A preempts it by swap, B does not". The second side is told
 * by its number alone ("B with 96"), joined by the preposition that fits the verb of describe(). A sample of a group is named
 * request.sample, as logs name it. */
static void add_pair_line(struct document *document, const struct decision_pair *pair)
{
    static const char *const joints[] = {"by ", "", "with ", "", ""};
    char does[64], name[32], number[32];
    describe(pair->kind, pair->in_a ? pair->a : pair->b, does, sizeof does);
    if (pair->sample)
        snprintf(name, sizeof name, "%u.%u", pair->request, pair->sample);
    else
        snprintf(name, sizeof name, "%u", pair->request);
    snprintf(number, sizeof number, "%lld", (long long)pair->b);
    if (pair->in_a && pair->in_b)
        document_line(document, "    request %s: A %s, B %s%s", name, does, joints[pair->kind],
                      pair->kind != DECIDE_PREEMPT ? number
                      : pair->b == PREEMPT_SWAP    ? "swap"
                                                   : "recompute");
    else
        document_line(document, "    request %s: %c %s, %c does not", name, pair->in_a ? 'A' : 'B', does, pair->in_a ? 'B' : 'A');
}

/* When a side's step began, in words. The step's number is the same on both sides by definition, its time is not: a different batch takes a
 * different time. */
static const char *step_start(const struct first_difference *difference, int side, char *out, size_t size)
{
    if (difference->sides[side].exists)
        snprintf(out, size, "%c at %.6f s", 'A' + side, (double)difference->sides[side].start_ns / 1e9);
    else
        snprintf(out, size, "%c has ended", 'A' + side);
    return out;
}

/* For people: the step, and the first `top` of its decisions that differ. If one side has ended there are no decisions to set against each
 * other, and the line about the step says all. Equal sets in another order count as a difference: the order is part of what a scheduler
 * decides. */
static void add_difference_lines(struct document *document, const struct first_difference *difference, uint32_t top)
{
    char step[UNIT_TEXT], a[48], b[48];
    document_heading(document, "First decision that differs", NULL);
    if (!difference->found) {
        document_line(document, "  No decision differs.");
        return;
    }
    document_line(document, "  step %s: %s, %s", unit_count(difference->step, step), step_start(difference, 0, a, sizeof a),
                  step_start(difference, 1, b, sizeof b));
    if (!difference->sides[0].exists || !difference->sides[1].exists)
        return;
    for (size_t i = 0; i < difference->pair_count && i < top; i++)
        add_pair_line(document, &difference->pairs[i]);
    if (difference->pair_count > top)
        document_line(document, "    and %zu more", difference->pair_count - top);
    if (difference->pair_count == 0)
        document_line(document, "    the same decisions in another order");
}

/* For programs: the step, and all of them. The table is there even when it is empty, so that a script need not ask. A decision that one
 * side did not make is null there; 0 would be a value, for example no cached tokens. */
static void add_difference_data(struct document *document, const struct first_difference *difference)
{
    static const struct table_column columns[] = {
        {"decision", NULL, TABLE_TEXT, 0}, {"request", NULL, 0, 0}, {"sample", NULL, 0, 0}, {"a", NULL, 0, 0}, {"b", NULL, 0, 0}};
    if (difference->found) {
        document_open_object(document, "first_difference");
        document_whole(document, "step", difference->step);
        for (int side = 0; side < 2; side++)
            document_number(document, side ? "b_start_ns" : "a_start_ns",
                            difference->sides[side].exists ? (double)difference->sides[side].start_ns : (double)NAN);
        document_close(document);
    } else {
        document_text(document, "first_difference", NULL);
    }
    struct table *table = document_table_for(document, FOR_PROGRAMS, "decisions_that_differ", columns, COUNT(columns));
    for (size_t i = 0; i < difference->pair_count; i++) {
        const struct decision_pair *pair = &difference->pairs[i];
        table_text(table, decision_words[pair->kind]);
        table_numbers(table, pair->request, pair->sample, pair->in_a ? (double)pair->a : (double)NAN,
                      pair->in_b ? (double)pair->b : (double)NAN);
    }
}

/* --- requests, one by one --------------------------------------------------------------------------------------------------------- */

/* The p-value has two columns: people get text, in which "<1e-300" can stand for what a double cannot tell from 0; programs get the
 * number. */
static const struct table_column latency_columns[] = {
    {"latency", NULL, TABLE_TEXT, 0},   {NULL, "latency", TABLE_TEXT, 0},     {"pairs", NULL, 0, 0},
    {"mean_a_ms", "mean A", 1, 0},      {"mean_b_ms", "mean B", 1, 0},        {"delta_ms", "B - A", 2, 0},
    {"ci_low_ms", "95 % from", 2, 0},   {"ci_high_ms", "to", 2, 0},           {"batch_ci_low_ms", "batched", 2, 0},
    {"batch_ci_high_ms", "to", 2, 0},   {"better", "B better", -1, 0},        {"worse", "B worse", -1, 0},
    {"equal", "equal", TABLE_WHOLE, 0}, {NULL, "sign test p", TABLE_TEXT, 0}, {"sign_p", NULL, 0, 0}};

/* Without pairs there is nothing to tell, and 0 would look like an answer. Batch means need at least two requests a batch; in shorter
 * traces that interval is empty while the others are there. */
static void add_latency_row(struct table *table, enum latency latency, const struct paired *paired)
{
    const bool any = paired->difference.n > 0, batched = paired->batches.n > 0;
    const struct statistics *difference = &paired->difference, *batches = &paired->batches;
    const double means[] = {paired->mean_a, paired->mean_b, difference->mean, difference->ci_low, difference->ci_high};
    const double batch[] = {batches->ci_low, batches->ci_high};
    char p[32] = "<1e-300";
    if (paired->sign_p >= 1e-300)
        snprintf(p, sizeof p, "%.3g", paired->sign_p);
    table_text(table, latency_names[latency]);
    table_text(table, latency_titles[latency]);
    table_number(table, (double)difference->n);
    for (size_t i = 0; i < COUNT(means); i++)
        table_number(table, any ? means[i] : (double)NAN);
    for (size_t i = 0; i < COUNT(batch); i++)
        table_number(table, batched ? batch[i] : (double)NAN);
    table_numbers(table, (double)paired->better, (double)paired->worse, (double)paired->equal);
    table_text(table, any ? p : NULL);
    table_number(table, any ? paired->sign_p : (double)NAN);
}

/* The note is printed every time, not only in a manual: an interval of one trace is too sure of itself about other traces, and people quote
 * the table. */
static void add_latencies(struct document *document, const struct comparison *comparison)
{
    char pairs[UNIT_TEXT], note[96];
    snprintf(note, sizeof note, " (ms; below 0: B is faster; %s pairs)", unit_count(comparison->paired[LATENCY_E2EL].difference.n, pairs));
    document_heading(document, "Requests, one by one", note);
    struct table *table = document_table(document, "latencies", latency_columns, COUNT(latency_columns));
    for (int i = 0; i < PAIRED_LATENCIES; i++)
        add_latency_row(table, paired_latencies[i], &comparison->paired[paired_latencies[i]]);
    document_line(document, "  Requests of one trace share queues and caches, so they are not independent:\n"
                            "  the intervals and p describe this trace. \"batched\" is the 95 %% interval over\n"
                            "  20 batches of requests that arrived in a row; repeat with other seeds or\n"
                            "  traces before you generalise.");
}

/* Both ends of the ranking, from the largest gain of B to its largest loss. Who neither gains nor loses is not listed. The ranking holds
 * the requests that have the latency on both sides, sorted by their difference. The two ends are taken by index, and the sign is tested
 * too: with few requests the ends overlap, and a request in the last `top` may still be a winner. */
static void add_ranks(struct document *document, const struct compare_view *view)
{
    static const struct table_column columns[] = {{"request", "request", 0, 0},
                                                  {"input_tokens", "input", TABLE_WHOLE, 0},
                                                  {"output_tokens", "output", TABLE_WHOLE, 0},
                                                  {"a_ms", "A", 1, 0},
                                                  {"b_ms", "B", 1, 0},
                                                  {"delta_ms", "B - A", 1, 0},
                                                  {"a_preemptions", "preempted A", TABLE_WHOLE, 0},
                                                  {"b_preemptions", "B", TABLE_WHOLE, 0}};
    const struct comparison *comparison = view->comparison;
    const struct paired *paired = &comparison->paired[comparison->ranked_by];
    const size_t count = comparison->ranked_count;
    char note[32];
    snprintf(note, sizeof note, " (%s, ms)", latency_titles[comparison->ranked_by]);
    if (view->top > 0 && paired->better + paired->worse > 0)
        document_heading(document, "Who wins and who loses most", note);
    document_text(document, "ranked_by", latency_names[comparison->ranked_by]);
    struct table *table = document_table(document, "winners_and_losers", columns, COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        const uint32_t position = comparison->ranked[i];
        const struct outcome *a = &comparison->sides[0].outcomes[position], *b = &comparison->sides[1].outcomes[position];
        const double a_ms = a->ms[comparison->ranked_by], b_ms = b->ms[comparison->ranked_by];
        const bool winner = i < view->top && b_ms < a_ms, loser = i + view->top >= count && b_ms > a_ms;
        if (!winner && !loser)
            continue;
        table_numbers(table, trace_index(comparison->trace, position), comparison->trace->input_tokens[position],
                      comparison->trace->output_tokens[position], a_ms, b_ms, b_ms - a_ms, a->preemptions, b->preemptions);
    }
}

/* A mean hides who waits for ever; these lines are about them. Both sides are measured with one yardstick (starving_ms). With a yardstick
 * each, the side on which everybody waits longer would look as if nobody starved. */
static void add_starving(struct document *document, const struct comparison *comparison)
{
    char note[128];
    snprintf(note, sizeof note, " (starving: waited longer than %.1f ms,\n  %g times the %s wait of both)", comparison->starving_ms,
             comparison->factor, comparison->by_median ? "median" : "mean");
    document_heading(document, "Who starves, and how fair it is", note);
    for (int i = 0; i < 2; i++) {
        const struct compare_side *side = &comparison->sides[i];
        char starving[UNIT_TEXT], unfinished[UNIT_TEXT], dropped[UNIT_TEXT];
        document_line(document, "  %c: %s starved, %s never finished, %s can never run", 'A' + i, unit_count(side->starving, starving),
                      unit_count(side->unfinished, unfinished), unit_count(side->dropped, dropped));
        if (side->longest_wait != UINT32_MAX)
            document_line(document, "     longest wait %.1f ms, of request %u; Jain's index %.4f",
                          side->outcomes[side->longest_wait].wait_ms, trace_index(comparison->trace, side->longest_wait), side->jain);
        else
            document_line(document, "     nobody waited; Jain's index %.4f", side->jain);
    }
    document_line(document, "  Jain's index: (sum x)^2 / (n sum x^2) of x = E2E / output tokens; 1 is fair.");
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------- */

/* What people see of the figures; programs see all. Throughput, tails, scheduling and memory, in this order; about what fits on a
 * screen. */
static const char *const shown_figures[] = {
    "makespan_s",      "request_throughput", "output_throughput", "p99_ttft_ms",     "p99_tpot_ms",  "p99_itl_ms",   "p99_e2el_ms",
    "steps",           "preemptions",        "recomputed_tokens", "prefix_hit_rate", "mean_running", "mean_waiting", "mean_used_share",
    "mean_used_slots", "mean_held_tokens",   "peak_used_blocks",  "empty_share",     "saved_share"};

/* B - A as a share of A; nothing to tell when A is 0. */
static double relative(double a, double b)
{
    return a != 0 ? (b - a) / a : (double)NAN;
}

/* Numbers of different figures have different decimals, so cells are text. */
static void add_shown_number(struct table *table, double value, int decimals)
{
    char text[32] = "-";
    if (!isnan(value))
        unit_fixed(value, decimals > 0 ? decimals : 0, text, sizeof text);
    table_text(table, text);
}

static void add_shown_figures(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {
        {NULL, "figure", TABLE_TEXT, 0}, {NULL, "A", 0, 0}, {NULL, "B", 0, 0}, {NULL, "B - A", 0, 0}, {NULL, "in %", 0, 0}};
    document_heading(document, "The whole", NULL);
    struct table *table = document_table_for(document, FOR_PEOPLE, NULL, columns, COUNT(columns));
    for (size_t i = 0; i < COUNT(shown_figures); i++) {
        struct figure_kind made;
        const struct figure_kind *kind = figure_kind_find(shown_figures[i], &made);
        const double a = run_figure(&comparison->sides[0].run, shown_figures[i]),
                     b = run_figure(&comparison->sides[1].run, shown_figures[i]);
        const int decimals = figure_decimals(kind);
        table_text(table, kind->heading);
        add_shown_number(table, a, decimals);
        add_shown_number(table, b, decimals);
        add_shown_number(table, b - a, decimals);
        add_shown_number(table, 100 * relative(a, b), 2);
    }
}

/* Every figure that a side has: engines have some of their own. The union of both sets, A's first. A figure that only one engine has is NaN
 * on the other side, and so are its difference and its share. The search by name makes this quadratic in the number of figures, which is
 * small: less than two hundred. */
static void add_all_figures(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {
        {"figure", NULL, TABLE_TEXT, 0}, {"a", NULL, 0, 0}, {"b", NULL, 0, 0}, {"delta", NULL, 0, 0}, {"relative", NULL, 0, 0}};
    const struct figure_set *sets[] = {&comparison->sides[0].run.figures, &comparison->sides[1].run.figures};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "figures", columns, COUNT(columns));
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < sets[side]->count; i++) {
            const char *name = sets[side]->list[i].name;
            const double a = figure_set_value(sets[0], name), b = figure_set_value(sets[1], name);
            if (side == 1 && figure_set_find(sets[0], name))
                continue;
            table_text(table, name);
            table_numbers(table, a, b, b - a, relative(a, b));
        }
}

/* The order of JSON members is the order of these calls. "per_request" comes before the tables for people because CSV without --table
 * prints the first table. */
struct document *compare_report(const struct compare_view *view, const struct document_origin *origin)
{
    const struct comparison *comparison = view->comparison;
    struct document *document = document_create(origin);
    add_side(document, view, 0);
    add_side(document, view, 1);
    add_requests(document, comparison);
    add_configurations(document, view);
    add_difference_lines(document, &comparison->difference, view->top);
    add_difference_data(document, &comparison->difference);
    add_latencies(document, comparison);
    add_ranks(document, view);
    add_starving(document, comparison);
    add_shown_figures(document, comparison);
    add_all_figures(document, comparison);
    document_figures(document, &comparison->figures, false);
    compare_page(document);
    return document;
}
