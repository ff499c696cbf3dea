/* compare_report.c - the document of a comparison, one function a part, in reading order. What is for programs alone comes first: the
 * sides and a row a request, which is what CSV prints.
 *
 * The comparison itself is made in study/compare_runs.c; nothing is computed here but differences of two numbers that both stand in the
 * report. Conventions that all parts keep: side 0 comes first, and all others are held against it; a difference is the side less the first (B - A),
 * so a negative time is a gain of the side; what a side does not have is NaN, which becomes "-", an empty cell or null.
 *
 * There are two forms. Two sides without names are A and B: a difference needs no name, and a row speaks of B. Sides with names have theirs in
 * a column "side", and "first" stands for the first one, so that the columns are the same for any number of sides and any names.
 *
 *     the verdict                 who is best, in a sentence
 *     sides, per_request          programs: the data that all the rest follows from
 *     configurations              which keys differ: the cause
 *     first decision              where the two schedules part: the earliest effect
 *     latencies, ranks            what requests gain and lose
 *     starving, fairness          what the means hide
 *     the whole                   the figures of each run */
#include "report/compare_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"
#include "study/sweep_keys.h"

#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

/* --- the verdict ------------------------------------------------------------------------------------------------------------------ */

/* The interval that is told: that of batches, where the trace has enough requests for them. */
static const struct statistics *told_interval(const struct paired *paired)
{
    return paired->batches.n ? &paired->batches : &paired->difference;
}

static bool tells_apart(const struct paired *paired)
{
    const struct statistics *told = told_interval(paired);
    return told->ci_low > 0 || told->ci_high < 0;
}

static struct line verdict_of_two(const struct paired *paired)
{
    struct line line = {0};
    const double a = paired->mean_first, delta = paired->difference.mean;
    const struct statistics *batches = &paired->batches;
    if (paired->difference.n == 0)
        line_put(&line, "No request ended with both A and B");
    else if (delta == 0)
        line_put(&line, "A and B take the same time to the end in the mean, %.1f ms", a);
    else if (batches->n && batches->ci_low <= 0 && batches->ci_high >= 0)
        line_put(&line, "This trace does not tell A from B: E2E differs by %.2f ms of %.1f (batched 95 %% interval %.2f to %.2f)", delta, a,
                 batches->ci_low, batches->ci_high);
    else
        line_put(&line, "B is %s: E2E %.1f ms instead of %.1f in the mean (%+.1f %%)", delta < 0 ? "faster" : "slower", a + delta, a,
                 100 * delta / a);
    return line;
}

/* Of those from side `from` on the one with the smallest mean over the requests that it and the first side served; 0: none has any. */
static size_t fastest(const struct comparison *comparison, size_t from)
{
    size_t best = from;
    for (size_t side = from + 1; side < comparison->count; side++) {
        const struct statistics *own = &comparison->sides[side].against.paired[comparison->ranked_by].difference,
                                *other = &comparison->sides[best].against.paired[comparison->ranked_by].difference;
        if (own->n > 0 && own->mean < (best ? other->mean : 0))
            best = side;
    }
    return best;
}

/* " (95 % interval -3.20 to -1.10)" */
static void put_interval(struct line *line, const struct paired *paired)
{
    line_put(line, " (%s95 %% interval %.2f to %.2f)", paired->batches.n ? "batched " : "", told_interval(paired)->ci_low,
             told_interval(paired)->ci_high);
}

static void put_lowest_mean(struct line *line, const struct comparison *comparison)
{
    const char *first = comparison_name(comparison, 0), *title = latency_titles[comparison->ranked_by];
    const size_t best = fastest(comparison, 0), named = best ? best : fastest(comparison, 1);
    const struct paired *paired = &comparison->sides[named].against.paired[comparison->ranked_by];
    const double delta = paired->difference.mean;
    const char *name = comparison_name(comparison, named);
    if (paired->difference.n == 0)
        line_put(line, "No side has a %s to compare", title);
    else if (delta == 0)
        line_put(line, "No side has a lower mean %s than %s, %.1f ms", title, first, paired->mean_first);
    else if (best == 0)
        line_put(line, "%s has the lowest mean %s, %.1f ms; %s takes %.2f more", first, title, paired->mean_first, name, delta);
    else
        line_put(line, "%s has the lowest mean %s, %.1f ms, %.2f less than %s", name, title, paired->mean, -delta, first);
    if (paired->difference.n > 0 && delta != 0) {
        put_interval(line, paired);
        line_put(line, "%s", tells_apart(paired) ? "" : ", which this trace does not tell from nothing");
    }
}

/* The side with the best value; count: none has it alone. */
static size_t best_at(const struct comparison *comparison, const char *figure, enum figure_sense sense)
{
    size_t best = comparison->count;
    double value = NAN;
    for (size_t side = 0; side < comparison->count; side++) {
        const double own = run_figure(&comparison->sides[side].run, figure);
        const bool better = isnan(value) || (sense == FIGURE_LESS_IS_BETTER ? own < value : own > value);
        if (own == value)
            best = comparison->count;
        if (isnan(own) || sense == FIGURE_NEITHER || !better)
            continue;
        best = side;
        value = own;
    }
    return best;
}

/* A mean says nothing of those who waited longest, and neither of those who were not served. */
static struct line verdict_of_many(const struct comparison *comparison)
{
    struct line line = {0};
    char figure[FIGURE_NAME_SIZE];
    snprintf(figure, sizeof figure, "p99_%s_ms", latency_names[comparison->ranked_by]);
    const size_t best = best_at(comparison, figure, FIGURE_LESS_IS_BETTER);
    put_lowest_mean(&line, comparison);
    if (best < comparison->count)
        line_put(&line, "; the lowest p99 has %s, %.1f ms", comparison_name(comparison, best),
                 run_figure(&comparison->sides[best].run, figure));
    for (size_t side = 0; side < comparison->count; side++)
        if (run_figure(&comparison->sides[side].run, "unserved") > 0)
            line_put(&line, "; %s leaves %.0f requests unserved", comparison_name(comparison, side),
                     run_figure(&comparison->sides[side].run, "unserved"));
    return line;
}

static void add_verdict(struct document *document, const struct comparison *comparison)
{
    const struct line line =
        comparison->named ? verdict_of_many(comparison) : verdict_of_two(&comparison->sides[1].against.paired[LATENCY_E2EL]);
    document_headline(document, "%s", line.text);
    head_wrapped(document, "", "%s", line.text);
}

/* --- for programs: sides and requests -------------------------------------------------------------------------------------------- */

static void add_configuration(struct document *document, const char *key, const struct config *config)
{
    struct json_text json;
    json_text_init(&json, false);
    config_write(config, &json);
    document_json(document, key, &json);
}

static double longest_wait_ms(const struct compare_side *side)
{
    return side->longest_wait != UINT32_MAX ? side->outcomes[side->longest_wait].wait_ms : (double)NAN;
}

static double longest_wait_request(const struct comparison *comparison, const struct compare_side *side)
{
    return side->longest_wait != UINT32_MAX ? trace_index(comparison->trace, side->longest_wait) : (double)NAN;
}

/* Under "a" or "b": the document itself has no configuration of its own, as there are two. Each side carries its whole configuration, so
 * the file alone is enough to replay either. The longest wait stands with its request, because the first question about a long wait is
 * whose it was. */
static void add_lettered_side(struct document *document, const struct compare_view *view, size_t i)
{
    const struct compare_side *side = &view->comparison->sides[i];
    document_open_object(document, comparison_key(view->comparison, i));
    document_text(document, "name", view->files[i] ? view->files[i] : "");
    document_text(document, "vllm", engine_facts_of(&side->config)->vllm_version);
    document_number(document, "longest_wait_ms", longest_wait_ms(side));
    document_number(document, "longest_wait_request", longest_wait_request(view->comparison, side));
    add_configuration(document, "configuration", &side->config);
    document_close(document);
}

/* The same of sides with names: what is alike of all is a table, which tells their names and order, too. */
static void add_named_sides(struct document *document, const struct compare_view *view)
{
    static const struct table_column columns[] = {{"side", NULL, TABLE_TEXT, 0},
                                                  {"file", NULL, TABLE_TEXT, 0},
                                                  {"vllm", NULL, TABLE_TEXT, 0},
                                                  {"longest_wait_ms", NULL, 0, 0},
                                                  {"longest_wait_request", NULL, 0, 0}};
    const struct comparison *comparison = view->comparison;
    struct table *table = document_table_for(document, FOR_PROGRAMS, "sides", columns, COUNT(columns));
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compare_side *side = &comparison->sides[i];
        table_text(table, comparison_key(comparison, i));
        table_text(table, view->files[i]);
        table_text(table, engine_facts_of(&side->config)->vllm_version);
        table_numbers(table, longest_wait_ms(side), longest_wait_request(comparison, side));
    }
    document_open_object(document, "configurations");
    for (size_t i = 0; i < comparison->count; i++)
        add_configuration(document, comparison_key(comparison, i), &comparison->sides[i].config);
    document_close(document);
}

/* Names of columns are made from those of sides, latencies and figures. No heading: for programs alone. */
static void add_column(struct table *table, const char *prefix, const char *key, const char *name, int decimals)
{
    char text[2 * FIGURE_NAME_SIZE];
    snprintf(text, sizeof text, "%s%s%s%s", prefix, key, *key && *name ? "_" : "", name);
    table_add_column(table, &(struct table_column){.name = text, .decimals = decimals});
}

static void add_latency_columns(struct table *table, const char *prefix, const char *key)
{
    for (int i = 0; i < PAIRED_LATENCIES; i++) {
        char name[FIGURE_NAME_SIZE];
        snprintf(name, sizeof name, "%s_ms", latency_names[paired_latencies[i]]);
        add_column(table, prefix, key, name, 0);
    }
}

/* What follows "delta_" in names: of A and B nothing, as there is one difference. */
static const char *delta_key(const struct comparison *comparison, size_t side)
{
    return comparison->named ? comparison_key(comparison, side) : "";
}

/* Declares what add_requests() and add_outcome() fill: the two must keep one order, as cells are added from left to right without names. */
static void add_request_columns(struct table *table, const struct comparison *comparison)
{
    for (size_t side = 0; side < comparison->count; side++) {
        const char *key = comparison_key(comparison, side);
        add_column(table, "", key, "arrival_s", 0);
        add_latency_columns(table, "", key);
        add_column(table, "", key, "preemptions", 0);
        add_column(table, "", key, "cached_tokens", 0);
        add_column(table, "", key, "status", TABLE_TEXT);
    }
    for (size_t side = 1; side < comparison->count; side++)
        add_latency_columns(table, "delta_", delta_key(comparison, side));
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
static void add_requests(struct document *document, const struct comparison *comparison)
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

/* --- the configurations ---------------------------------------------------------------------------------------------------------- */

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

static bool key_differs(const struct comparison *comparison, const struct config_key *key)
{
    for (size_t i = 1; i < comparison->count; i++)
        if (!config_key_equal(key, &comparison->sides[0].config, &comparison->sides[i].config))
            return true;
    return false;
}

/* What is true of all sides is said once, else of each. */
static void add_defaults(struct document *document, const struct comparison *comparison)
{
    const struct line first = head_defaults_text(&comparison->sides[0].config);
    bool alike = true;
    for (size_t i = 1; i < comparison->count && alike; i++)
        alike = strcmp(head_defaults_text(&comparison->sides[i].config).text, first.text) == 0;
    for (size_t i = 0; i < (alike ? 1 : comparison->count); i++) {
        const struct line text = head_defaults_text(&comparison->sides[i].config);
        char who[COMPARE_NAME_SIZE + 2] = "";
        if (!alike)
            snprintf(who, sizeof who, "%s: ", comparison_name(comparison, i));
        head_defaults_put(document, who, &text);
    }
}

static void add_advice(struct document *document, const struct comparison *comparison)
{
    struct advice all, *each = calloc(comparison->count, sizeof *each);
    if (!each && document)
        document->out_of_memory = true;
    if (!each)
        return;
    for (size_t i = 0; i < comparison->count; i++)
        advice_collect(&comparison->sides[i].config, comparison->trace, ADVICE_ALL, &each[i]);
    advice_split(each, comparison->count, &all);
    head_advice_begin(document);
    head_reading_put(document, comparison->trace);
    head_advice_put(document, "", &all);
    for (size_t i = 0; i < comparison->count; i++) {
        char who[COMPARE_NAME_SIZE + 2];
        snprintf(who, sizeof who, "%s: ", comparison_name(comparison, i));
        head_advice_put(document, who, &each[i]);
    }
    head_advice_end(document);
    free(each);
}

/* Lines about arrivals and the front door, where all sides have the same. */
static void add_common_lines(struct document *document, const struct comparison *comparison)
{
    const struct config *first = &comparison->sides[0].config;
    bool arrivals = true, door = true;
    for (size_t i = 1; i < comparison->count; i++) {
        const struct config *config = &comparison->sides[i].config;
        arrivals = arrivals && config->arrival_speedup_ratio == first->arrival_speedup_ratio;
        door = door && config->max_num_queued_reqs == first->max_num_queued_reqs &&
               config->max_num_queued_tokens == first->max_num_queued_tokens;
    }
    if (arrivals)
        head_arrivals(document, first);
    if (door)
        head_front_door(document, first);
}

/* Every key in which the sides differ. Keys are compared after defaults and sizing were applied. So a key appears that nobody wrote, if it
 * follows from another one: num_gpu_blocks from the model, or a default that differs between engines. That is wanted, because the engine
 * sees only the effective values. */
static void add_keys(struct document *document, const struct comparison *comparison)
{
    struct table *table = document_table(document, "keys_that_differ", &(struct table_column){"key", "key", TABLE_TEXT, 0}, 1);
    for (size_t side = 0; side < comparison->count; side++)
        table_add_column(table, &(struct table_column){comparison_key(comparison, side), comparison_name(comparison, side), TABLE_TEXT, 0});
    for (size_t i = 0; i < config_key_count; i++) {
        char name[SWEEP_KEY_NAME_SIZE];
        if (!key_differs(comparison, &config_keys[i]))
            continue;
        sweep_key_name(&config_keys[i], name, sizeof name);
        table_text(table, name);
        for (size_t side = 0; side < comparison->count; side++)
            add_key_value(document, table, &config_keys[i], &comparison->sides[side].config);
    }
    if (table_rows(table) == 0)
        document_line(document, "  The configurations are the same.");
}

static void add_configurations(struct document *document, const struct compare_view *view)
{
    const struct comparison *comparison = view->comparison;
    char count[UNIT_TEXT];
    unsigned models = 0;
    document_line(document, "%s: %s requests", trace_title(comparison->trace).text, unit_count(comparison->trace->count, count));
    for (size_t i = 0; i < comparison->count; i++) {
        const struct config *config = &comparison->sides[i].config;
        const struct engine_facts *engine = engine_facts_of(config);
        const char *file = view->files[i] ? view->files[i] : "";
        document_line(document, "  %s: %s%s%s of vLLM %s", comparison_name(comparison, i), file, *file ? ", " : "", engine->name,
                      engine->vllm_version);
        models |= step_times_of(config);
    }
    step_times_note(document, &comparison->sides[0].config, models);
    add_defaults(document, comparison);
    add_advice(document, comparison);
    add_common_lines(document, comparison);
    add_keys(document, comparison);
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
static void add_pair_line(struct document *document, const struct decision_pair *pair, const char *const names[2])
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
        document_line(document, "    request %s: %s %s, %s %s%s", name, names[0], does, names[1], joints[pair->kind],
                      pair->kind != DECIDE_PREEMPT ? number
                      : pair->b == PREEMPT_SWAP    ? "swap"
                                                   : "recompute");
    else
        document_line(document, "    request %s: %s %s, %s does not", name, names[pair->in_a ? 0 : 1], does, names[pair->in_a ? 1 : 0]);
}

/* When a side's step began, in words. The step's number is the same on both sides by definition, its time is not: a different batch takes a
 * different time. */
static const char *step_start(const struct decided_step *step, const char *name, char *out, size_t size)
{
    if (step->exists)
        snprintf(out, size, "%s at %.6f s", name, (double)step->start_ns / 1e9);
    else
        snprintf(out, size, "%s has ended", name);
    return out;
}

/* For people: the step, and the first `top` of its decisions that differ. If one side has ended there are no decisions to set against each
 * other, and the line about the step says all. Equal sets in another order count as a difference: the order is part of what a scheduler
 * decides. */
static void add_difference_lines(struct document *document, const struct comparison *comparison, size_t side, uint32_t top)
{
    const struct first_difference *difference = &comparison->sides[side].against.difference;
    const char *names[] = {comparison_name(comparison, 0), comparison_name(comparison, side)};
    char step[UNIT_TEXT], a[COMPARE_NAME_SIZE + 32], b[COMPARE_NAME_SIZE + 32];
    if (!difference->found && comparison->named)
        document_line(document, "  No decision of %s differs.", names[1]);
    else if (!difference->found)
        document_line(document, "  No decision differs.");
    if (!difference->found)
        return;
    document_line(document, "  step %s: %s, %s", unit_count(difference->step, step),
                  step_start(&difference->sides[0], names[0], a, sizeof a), step_start(&difference->sides[1], names[1], b, sizeof b));
    if (!difference->sides[0].exists || !difference->sides[1].exists)
        return;
    for (size_t i = 0; i < difference->pair_count && i < top; i++)
        add_pair_line(document, &difference->pairs[i], names);
    if (difference->pair_count > top)
        document_line(document, "    and %zu more", difference->pair_count - top);
    if (difference->pair_count == 0)
        document_line(document, "    the same decisions in another order");
}

static double start_ns(const struct first_difference *difference, int side)
{
    return difference->sides[side].exists ? (double)difference->sides[side].start_ns : (double)NAN;
}

/* For programs: the step. */
static void add_difference_step(struct document *document, const struct first_difference *difference)
{
    if (!difference->found) {
        document_text(document, "first_difference", NULL);
        return;
    }
    document_open_object(document, "first_difference");
    document_whole(document, "step", difference->step);
    document_number(document, "a_start_ns", start_ns(difference, 0));
    document_number(document, "b_start_ns", start_ns(difference, 1));
    document_close(document);
}

static void add_difference_steps(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {
        {"side", NULL, TABLE_TEXT, 0}, {"step", NULL, 0, 0}, {"first_start_ns", NULL, 0, 0}, {"own_start_ns", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "first_differences", columns, COUNT(columns));
    for (size_t side = 1; side < comparison->count; side++) {
        const struct first_difference *difference = &comparison->sides[side].against.difference;
        table_text(table, comparison_key(comparison, side));
        table_numbers(table, difference->found ? (double)difference->step : (double)NAN, start_ns(difference, 0), start_ns(difference, 1));
    }
}

/* For programs: all decisions of the step that differ. The table is there even when it is empty, so that a script need not ask. A decision
 * that one side did not make is null there; 0 would be a value, for example no cached tokens. */
static void add_decisions(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {{"side", NULL, TABLE_TEXT, 0}, {"decision", NULL, TABLE_TEXT, 0},
                                                  {"request", NULL, 0, 0},       {"sample", NULL, 0, 0},
                                                  {"first", NULL, 0, 0},         {"own", NULL, 0, 0}},
                                     of_two[] = {{"decision", NULL, TABLE_TEXT, 0},
                                                 {"request", NULL, 0, 0},
                                                 {"sample", NULL, 0, 0},
                                                 {"a", NULL, 0, 0},
                                                 {"b", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "decisions_that_differ", comparison->named ? columns : of_two,
                                             comparison->named ? COUNT(columns) : COUNT(of_two));
    for (size_t side = 1; side < comparison->count; side++)
        for (size_t i = 0; i < comparison->sides[side].against.difference.pair_count; i++) {
            const struct decision_pair *pair = &comparison->sides[side].against.difference.pairs[i];
            if (comparison->named)
                table_text(table, comparison_key(comparison, side));
            table_text(table, decision_words[pair->kind]);
            table_numbers(table, pair->request, pair->sample, pair->in_a ? (double)pair->a : (double)NAN,
                          pair->in_b ? (double)pair->b : (double)NAN);
        }
}

static void add_first_differences(struct document *document, const struct compare_view *view)
{
    const struct comparison *comparison = view->comparison;
    document_heading(document, "First decision that differs", NULL);
    for (size_t side = 1; side < comparison->count; side++)
        add_difference_lines(document, comparison, side, view->top);
    if (comparison->named)
        add_difference_steps(document, comparison);
    else
        add_difference_step(document, &comparison->sides[1].against.difference);
    add_decisions(document, comparison);
}

/* --- requests, one by one --------------------------------------------------------------------------------------------------------- */

/* What a table says of a side next to the first one, after the columns that say which side and what. Headings name A and B, or the first
 * side. The p-value has two columns: people get text, in which "<1e-300" can stand for what a double cannot tell from 0; programs get the
 * number. */
static void add_paired_columns(struct table *table, const struct comparison *comparison)
{
    const bool named = comparison->named;
    char mean[COMPARE_NAME_SIZE + 8], less[COMPARE_NAME_SIZE + 8];
    snprintf(mean, sizeof mean, "mean %s", comparison_name(comparison, 0));
    snprintf(less, sizeof less, "less %s", comparison_name(comparison, 0));
    const struct table_column columns[] = {{"pairs", NULL, 0, 0},
                                           {"mean_a_ms", mean, 1, 0},
                                           {named ? "mean_ms" : "mean_b_ms", named ? "mean" : "mean B", 1, 0},
                                           {"delta_ms", named ? less : "B - A", 2, 0},
                                           {"ci_low_ms", "95 % from", 2, 0},
                                           {"ci_high_ms", "to", 2, 0},
                                           {"batch_ci_low_ms", "batched", 2, 0},
                                           {"batch_ci_high_ms", "to", 2, 0},
                                           {"mean_first_ms", mean, 1, 0},
                                           {"better", named ? "better" : "B better", TABLE_WHOLE, 0},
                                           {"worse", named ? "worse" : "B worse", TABLE_WHOLE, 0},
                                           {"equal", "equal", TABLE_WHOLE, 0},
                                           {NULL, "sign test p", TABLE_TEXT, 0},
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
static void add_latencies(struct document *document, const struct comparison *comparison)
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
    add_paired_columns(table, comparison);
    for (size_t side = 1; side < comparison->count; side++)
        for (int i = 0; i < PAIRED_LATENCIES; i++)
            add_latency_row(table, comparison, side, paired_latencies[i]);
    document_line(document, "  Requests of one trace share queues and caches, so they are not independent:\n"
                            "  the intervals and p describe this trace. \"batched\" is the 95 %% interval over\n"
                            "  20 batches of requests that arrived in a row; repeat with other seeds or\n"
                            "  traces before you generalise.");
}

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

static void add_ranks(struct document *document, const struct compare_view *view)
{
    const struct comparison *comparison = view->comparison;
    const bool named = comparison->named;
    const char *first = comparison_name(comparison, 0);
    char note[32], preempted[COMPARE_NAME_SIZE + 16];
    bool any = false;
    snprintf(preempted, sizeof preempted, "preempted %s", first);
    const struct table_column columns[] = {{"side", "side", TABLE_TEXT, 0},
                                           {"request", "request", 0, 0},
                                           {"input_tokens", "input", TABLE_WHOLE, 0},
                                           {"output_tokens", "output", TABLE_WHOLE, 0},
                                           {named ? "first_ms" : "a_ms", first, 1, 0},
                                           {named ? "own_ms" : "b_ms", named ? "own" : "B", 1, 0},
                                           {"delta_ms", named ? "less" : "B - A", 1, 0},
                                           {named ? "first_preemptions" : "a_preemptions", preempted, TABLE_WHOLE, 0},
                                           {named ? "own_preemptions" : "b_preemptions", named ? "own" : "B", TABLE_WHOLE, 0}};
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
static void add_starving(struct document *document, const struct comparison *comparison)
{
    char note[128];
    snprintf(note, sizeof note, " (starving: waited longer than %.1f ms,\n  %g times the %s wait of %s)", comparison->starving_ms,
             comparison->factor, comparison->by_median ? "median" : "mean", comparison->count == 2 ? "both" : "all");
    document_heading(document, "Who starves, and how fair it is", note);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compare_side *side = &comparison->sides[i];
        char starving[UNIT_TEXT], unfinished[UNIT_TEXT], dropped[UNIT_TEXT];
        document_line(document, "  %s: %s starved, %s never finished, %s can never run", comparison_name(comparison, i),
                      unit_count(side->starving, starving), unit_count(side->unfinished, unfinished), unit_count(side->dropped, dropped));
        if (side->longest_wait != UINT32_MAX)
            document_line(document, "     longest wait %.1f ms, of request %u; Jain's index %.4f", longest_wait_ms(side),
                          trace_index(comparison->trace, side->longest_wait), side->jain);
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

static bool differs(const struct comparison *comparison, const char *figure)
{
    const double first = run_figure(&comparison->sides[0].run, figure);
    for (size_t side = 1; side < comparison->count; side++) {
        const double own = run_figure(&comparison->sides[side].run, figure);
        if (own != first && !(isnan(own) && isnan(first)))
            return true;
    }
    return false;
}

/* A side is a column. Of two: their difference, too. Of more there is no room for that; who is best is said instead, and what is alike on all
 * sides is left out. */
static void add_shown_figures(struct document *document, const struct comparison *comparison)
{
    const bool named = comparison->named;
    document_heading(document, "The whole", NULL);
    struct table *table = document_table_for(document, FOR_PEOPLE, NULL, &(struct table_column){NULL, "figure", TABLE_TEXT, 0}, 1);
    for (size_t side = 0; side < comparison->count; side++)
        table_add_column(table, &(struct table_column){NULL, comparison_name(comparison, side), 0, 0});
    table_add_column(table, &(struct table_column){NULL, named ? "best" : "B - A", named ? TABLE_TEXT : 0, 0});
    if (!named)
        table_add_column(table, &(struct table_column){NULL, "in %", 0, 0});
    size_t alike = 0;
    for (size_t i = 0; i < COUNT(shown_figures); i++) {
        struct figure_kind made;
        const struct figure_kind *kind = figure_kind_find(shown_figures[i], &made);
        const int decimals = figure_decimals(kind);
        const double first = run_figure(&comparison->sides[0].run, shown_figures[i]),
                     last = run_figure(&comparison->sides[comparison->count - 1].run, shown_figures[i]);
        if (named && !differs(comparison, shown_figures[i])) {
            alike++;
            continue;
        }
        table_text(table, kind->heading);
        for (size_t side = 0; side < comparison->count; side++)
            add_shown_number(table, run_figure(&comparison->sides[side].run, shown_figures[i]), decimals);
        if (named) {
            const size_t best = best_at(comparison, shown_figures[i], kind->sense);
            table_text(table, best < comparison->count ? comparison_name(comparison, best) : "");
        } else {
            add_shown_number(table, last - first, decimals);
            add_shown_number(table, 100 * relative(first, last), 2);
        }
    }
    if (alike > 0)
        document_line(document, "  %zu more figures are alike on all sides.", alike);
}

/* "figure", a column a side, then of each but the first its difference and that as a share of the first. */
static struct table *open_figures(struct document *document, const struct comparison *comparison)
{
    struct table *table = document_table_for(document, FOR_PROGRAMS, "figures", &(struct table_column){"figure", NULL, TABLE_TEXT, 0}, 1);
    for (size_t side = 0; side < comparison->count; side++)
        add_column(table, "", comparison_key(comparison, side), "", 0);
    for (size_t side = 1; side < comparison->count; side++) {
        const char *key = delta_key(comparison, side);
        add_column(table, *key ? "delta_" : "delta", key, "", 0);
        add_column(table, *key ? "relative_" : "relative", key, "", 0);
    }
    return table;
}

/* Every figure that a side has: engines have some of their own. The union of all sets, the first side's first. A figure that a side's engine
 * does not have is NaN there, and so are its difference and its share. The search by name makes this quadratic in the number of figures,
 * which is small: less than two hundred. */
static void add_all_figures(struct document *document, const struct comparison *comparison)
{
    const struct compare_side *sides = comparison->sides;
    struct table *table = open_figures(document, comparison);
    for (size_t from = 0; from < comparison->count; from++)
        for (size_t i = 0; i < sides[from].run.figures.count; i++) {
            const char *name = sides[from].run.figures.list[i].name;
            const double first = run_figure(&sides[0].run, name);
            bool told = false;
            for (size_t before = 0; before < from; before++)
                told |= figure_set_find(&sides[before].run.figures, name) != NULL;
            if (told)
                continue;
            table_text(table, name);
            for (size_t side = 0; side < comparison->count; side++)
                table_number(table, run_figure(&sides[side].run, name));
            for (size_t side = 1; side < comparison->count; side++) {
                const double own = run_figure(&sides[side].run, name);
                table_numbers(table, own - first, relative(first, own));
            }
        }
}

/* What has the name of no side: of A and B all that is told of the two. */
static void add_comparison_figures(struct document *document, const struct comparison *comparison)
{
    struct figure_set *whole = calloc(1, sizeof *whole);
    if (!whole && document)
        document->out_of_memory = true;
    if (whole && comparison->named)
        figure_set_put(whole, "starving_above_ms", comparison->starving_ms);
    if (whole)
        document_figures(document, comparison->named ? whole : &comparison->sides[1].against.figures, false);
    free(whole);
}

/* The order of JSON members is the order of these calls. "per_request" comes before the tables for people because CSV without --table
 * prints the first table. */
struct document *compare_report(const struct compare_view *view, const struct document_origin *origin)
{
    const struct comparison *comparison = view->comparison;
    struct document *document = document_create(origin);
    add_verdict(document, comparison);
    if (comparison->named)
        add_named_sides(document, view);
    for (size_t side = 0; side < comparison->count && !comparison->named; side++)
        add_lettered_side(document, view, side);
    add_requests(document, comparison);
    add_configurations(document, view);
    add_first_differences(document, view);
    add_latencies(document, comparison);
    add_ranks(document, view);
    add_starving(document, comparison);
    add_shown_figures(document, comparison);
    add_all_figures(document, comparison);
    add_comparison_figures(document, comparison);
    compare_page(document);
    return document;
}
