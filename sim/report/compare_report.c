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

/* --- the verdict ------------------------------------------------------------------------------------------------------------------ */

static bool tells_apart(const struct paired *paired)
{
    const struct statistics *told = paired_interval(paired);
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
    line_put(line, " (%s95 %% interval %.2f to %.2f)", paired->batches.n ? "batched " : "", paired_interval(paired)->ci_low,
             paired_interval(paired)->ci_high);
}

static void put_lowest_mean(struct line *line, const struct comparison *comparison)
{
    const char *first = comparison_name(comparison, 0), *title = latency_titles[comparison->ranked_by];
    const size_t best = fastest(comparison, 0), named = best ? best : fastest(comparison, 1);
    const struct paired *paired = &comparison->sides[named].against.paired[comparison->ranked_by];
    const double delta = paired->difference.mean;
    const char *name = comparison_name(comparison, named);
    if (paired->difference.n == 0)
        line_put(line, "No request has a %s on two sides", title);
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

/* To so many decimals: what people do not see is no difference to them. */
static double shown_value(const struct comparison *comparison, size_t side, const char *figure, int decimals)
{
    const double scale = pow(10, decimals > 0 ? decimals : 0);
    return round(run_figure(&comparison->sides[side].run, figure) * scale) / scale;
}

/* The side with the best value; count: none has it alone. */
static size_t best_at(const struct comparison *comparison, const char *figure, enum figure_sense sense, int decimals)
{
    size_t best = comparison->count;
    double value = NAN;
    for (size_t side = 0; side < comparison->count; side++) {
        const double own = shown_value(comparison, side, figure, decimals);
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
    struct line line = {0}, left = {0};
    char figure[FIGURE_NAME_SIZE];
    bool any = false;
    snprintf(figure, sizeof figure, "p99_%s_ms", latency_names[comparison->ranked_by]);
    const size_t best = best_at(comparison, figure, FIGURE_LESS_IS_BETTER, 1);
    put_lowest_mean(&line, comparison);
    if (best < comparison->count)
        line_put(&line, "; the lowest p99 is that of %s, %.1f ms", comparison_name(comparison, best),
                 run_figure(&comparison->sides[best].run, figure));
    for (size_t side = 0; side < comparison->count; side++) {
        const double unserved = run_figure(&comparison->sides[side].run, "unserved");
        any |= unserved > 0;
        line_put(&left, "%s %s %.0f", side ? "," : "", comparison_name(comparison, side), unserved);
    }
    if (any)
        line_put(&line, "; requests not served:%s", left.text);
    return line;
}

static void add_verdict(struct document *document, const struct comparison *comparison)
{
    const struct line line =
        comparison->named ? verdict_of_many(comparison) : verdict_of_two(&comparison->sides[1].against.paired[LATENCY_E2EL]);
    document_headline(document, "%s", line.text);
    head_wrapped(document, "", "%s", line.text);
}

/* --- the sides, for programs ----------------------------------------------------------------------------------------------------- */

static void add_configuration(struct document *document, const char *key, const struct config *config)
{
    struct json_text json;
    json_text_init(&json, false);
    config_write(config, &json);
    document_json(document, key, &json);
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
    document_number(document, "longest_wait_ms", compare_longest_wait_ms(side));
    document_number(document, "longest_wait_request", compare_longest_wait_request(view->comparison, side));
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
        table_numbers(table, compare_longest_wait_ms(side), compare_longest_wait_request(comparison, side));
    }
    document_open_object(document, "configurations");
    for (size_t i = 0; i < comparison->count; i++)
        add_configuration(document, comparison_key(comparison, i), &comparison->sides[i].config);
    document_close(document);
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

static void put_wrapped(struct document *document, const char *who, const struct line *text)
{
    if (text->text[0])
        head_wrapped(document, "", "%s%s", who, text->text);
}

/* What is true of all sides is said once, else of each. */
static void add_settings(struct document *document, const struct comparison *comparison,
                         struct line (*text_of)(const struct config *config),
                         void (*put)(struct document *document, const char *who, const struct line *text))
{
    const struct line first = text_of(&comparison->sides[0].config);
    bool alike = true;
    for (size_t i = 1; i < comparison->count && alike; i++)
        alike = strcmp(text_of(&comparison->sides[i].config).text, first.text) == 0;
    for (size_t i = 0; i < (alike ? 1 : comparison->count); i++) {
        const struct line text = text_of(&comparison->sides[i].config);
        char who[COMPARE_NAME_SIZE + 2] = "";
        if (!alike)
            snprintf(who, sizeof who, "%s: ", comparison_name(comparison, i));
        put(document, who, &text);
    }
}

static void add_advice(struct document *document, const struct comparison *comparison)
{
    struct advice all, *each = calloc(COMPARE_SIDES_MOST, sizeof *each);
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
    add_settings(document, comparison, head_groups_text, put_wrapped);
    add_settings(document, comparison, head_drafts_text, put_wrapped);
    add_settings(document, comparison, head_defaults_text, head_defaults_put);
    add_advice(document, comparison);
    add_common_lines(document, comparison);
    add_keys(document, comparison);
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

static bool differs(const struct comparison *comparison, const char *figure, int decimals)
{
    const double first = shown_value(comparison, 0, figure, decimals);
    for (size_t side = 1; side < comparison->count; side++) {
        const double own = shown_value(comparison, side, figure, decimals);
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
        if (named && !differs(comparison, shown_figures[i], decimals)) {
            alike++;
            continue;
        }
        table_text(table, kind->heading);
        for (size_t side = 0; side < comparison->count; side++)
            add_shown_number(table, run_figure(&comparison->sides[side].run, shown_figures[i]), decimals);
        if (named) {
            const size_t best = best_at(comparison, shown_figures[i], kind->sense, decimals);
            table_text(table, best < comparison->count ? comparison_name(comparison, best) : NULL);
        } else {
            add_shown_number(table, last - first, decimals);
            add_shown_number(table, 100 * relative(first, last), 2);
        }
    }
    if (alike > 0)
        document_line(document, "  %zu more %s alike on all sides.", alike, alike == 1 ? "is" : "are");
}

/* "figure", a column a side, then of each but the first its difference and that as a share of the first. */
static struct table *open_figures(struct document *document, const struct comparison *comparison)
{
    struct table *table = document_table_for(document, FOR_PROGRAMS, "figures", &(struct table_column){"figure", NULL, TABLE_TEXT, 0}, 1);
    for (size_t side = 0; side < comparison->count; side++)
        compare_add_column(table, "", comparison_key(comparison, side), "", 0);
    for (size_t side = 1; side < comparison->count; side++) {
        const char *key = compare_delta_key(comparison, side);
        compare_add_column(table, *key ? "delta_" : "delta", key, "", 0);
        compare_add_column(table, *key ? "relative_" : "relative", key, "", 0);
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
    if (view->per_request)
        compare_add_requests(document, comparison);
    add_configurations(document, view);
    compare_add_first_differences(document, view);
    compare_add_latencies(document, comparison);
    compare_add_classes(document, comparison);
    compare_add_ranks(document, view);
    compare_add_starving(document, comparison);
    add_shown_figures(document, comparison);
    add_all_figures(document, comparison);
    add_comparison_figures(document, comparison);
    compare_page(document);
    return document;
}
