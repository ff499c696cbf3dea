/* capacity_report.c - the document of a rate curve: sentences, the same facts as members, a row a load, and the curves as pictures. Start
 * with capacity_report at the end. */
#include "report/capacity_report.h"

#include <math.h>

#include "base/line.h"
#include "base/units.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"

struct line load_text(double load, double unit, bool drawn)
{
    struct line line = {0};
    line_put(&line, "%.4g requests/s", load * unit);
    if (!drawn)
        line_put(&line, " (arrival_speedup_ratio %.6g)", load);
    return line;
}

struct line binding_text(const struct binding_limits *limits)
{
    const enum limit limit = binding_limits_main(limits);
    struct line line = {0};
    if (limit == LIMITS)
        line_put(&line, "the device: busy %.0f %% of the time, and requests hardly ever wait",
                 100 * binding_limits_share(limits, limits->busy_ns));
    else
        line_put(&line, "%s: requests wait for it %.0f %% of the time", limit_names[limit],
                 100 * binding_limits_share(limits, limits->bound_ns[limit]));
    return line;
}

/* --- for people --------------------------------------------------------------------------------------------------------------------- */

/* Up to where the limits are met, and what fails above. */
static void add_sustained(struct document *document, const struct capacity_question *question, const struct capacity_curve *curve,
                          double unit)
{
    const bool drawn = question->load.drawn;
    const struct rate_found *found = &curve->sustained;
    const struct rate_ladder *ladder = question->ladder;
    if (found->passes_to < 0) {
        const struct capacity_point *lightest = capacity_point_at(curve, ladder->loads[0]);
        head_wrapped(document, "", "Not even %s will do: %s", load_text(ladder->loads[0], unit, drawn).text,
                     lightest ? lightest->result.why : "");
        return;
    }
    head_wrapped(document, "", "%s meet what is required", load_text(curve->sustained_load, unit, drawn).text);
    if (found->passes_to + 1 < ladder->count) {
        const struct capacity_point *above = capacity_point_at(curve, ladder->loads[found->passes_to + 1]);
        head_wrapped(document, "  ", "%.4g/s do not: %s", above->load * unit, above->result.why);
        if (above->result.limits.seats > 0)
            head_wrapped(document, "  ", "bound by %s", binding_text(&above->result.limits).text);
    }
    if (found->fails_from > found->passes_to + 1 && found->fails_from < ladder->count)
        head_wrapped(document, "  ", "from %.4g/s on all that were tried fail; between the two some pass",
                     ladder->loads[found->fails_from] * unit);
}

static void add_lines(struct document *document, const struct capacity_question *question, const struct capacity_curve *curve, double unit)
{
    const struct load_question *load = &question->load;
    const struct capacity_point *knee = &curve->points[curve->knee];
    head_search(document, load->trace, load->requirements, load->requirement_count);
    step_times_note(document, question->config, step_times_of(question->config));
    head_layers(document, question->config);
    head_defaults(document, question->config);
    head_front_door(document, question->config);
    head_reading(document, load->trace);
    document_line(document, "loads are %s, %.3g %% apart\n", load->drawn ? "rates of drawn arrivals" : "the trace's own arrivals, sped up",
                  question->ladder->step * 100);
    if (load->requirement_count > 0)
        add_sustained(document, question, curve, unit);
    if (curve->saturation.passes_to < 0)
        document_line(document, "saturated at any load");
    else if (curve->saturation.passes_to + 1 == question->ladder->count)
        document_line(document, "not saturated by %s", load_text(curve->saturated_load, unit, load->drawn).text);
    else
        document_line(document, "saturated above %s", load_text(curve->saturated_load, unit, load->drawn).text);
    document_line(document, "knee at %.4g requests/s: most throughput for its latency", knee->load * unit);
    document_line(document, "* %s\n", load->requirement_count > 0 ? "meets what is required" : "not saturated");
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------- */

static void add_facts(struct document *document, const struct capacity_question *question, const struct capacity_curve *curve, double unit)
{
    const struct rate_ladder *ladder = question->ladder;
    const int32_t fails_from = curve->sustained.fails_from;
    document_whole(document, "requests", question->load.trace->count);
    document_requirements(document, question->load.requirements, question->load.requirement_count);
    document_text(document, "arrivals", question->load.drawn ? "poisson" : "trace");
    document_number(document, "rate_tolerance", ladder->step);
    document_number(document, "sustained_load", curve->sustained_load);
    document_number(document, "sustained_rate", curve->sustained_load * unit);
    document_number(document, "fails_from_rate", fails_from < ladder->count ? ladder->loads[fails_from] * unit : (double)NAN);
    document_number(document, "saturated_load", curve->saturated_load);
    document_number(document, "saturated_rate", curve->saturated_load * unit);
    document_number(document, "knee_rate", curve->points[curve->knee].load * unit);
    document_whole(document, "replays", curve->replays);
}

/* --- the table ---------------------------------------------------------------------------------------------------------------------- */

static const char *const shown[] = {"request_throughput", "p99_ttft_ms",  "p99_tpot_ms", "mean_e2el_ms",
                                    "mean_running",       "mean_waiting", "preemptions"};
enum { SHOWN = sizeof shown / sizeof *shown };

static const struct table_column columns[] = {
    {"meets", "*", TABLE_STAR}, {"rate", "load/s", 3}, {"load", NULL, TABLE_EXACT}, {"saturated", NULL, TABLE_YES_NO}};

/* Shares of the time, after the figures. */
static const char *const shares[] = {"busy_share", "waits_for_seats", "waits_for_budget", "waits_for_blocks"};

static void add_loads(struct document *document, const struct capacity_curve *curve, double unit)
{
    struct table *table = document_table(document, "loads", columns, sizeof columns / sizeof *columns);
    for (int i = 0; i < SHOWN; i++)
        table_add_figure(table, shown[i], i < SHOWN - 1);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        table_add_column(table, &(struct table_column){.name = shares[i], .decimals = 2});
    for (size_t p = 0; p < curve->count; p++) {
        const struct capacity_point *point = &curve->points[p];
        const struct binding_limits *limits = &point->result.limits;
        table_flag(table, point->result.passes);
        table_numbers(table, point->load * unit, point->load);
        table_flag(table, point->result.saturated);
        for (int i = 0; i < SHOWN; i++)
            table_number(table, figure_set_value(&point->figures, shown[i]));
        table_number(table, limits->seats > 0 ? binding_limits_share(limits, limits->busy_ns) : (double)NAN);
        for (enum limit limit = 0; limit < LIMITS; limit++)
            table_number(table, limits->seats > 0 ? binding_limits_share(limits, limits->bound_ns[limit]) : (double)NAN);
    }
}

/* --- the page ----------------------------------------------------------------------------------------------------------------------- */

struct curve_picture {
    const char *key, *title, *unit;
    const char *figures[2], *labels[2];
    bool logarithmic;
};

static const struct curve_picture pictures[] = {
    {"ttft", "Time to first token against load", "ms", {"p99_ttft_ms", "median_ttft_ms"}, {"p99", "median"}, true},
    {"tpot", "Time per output token against load", "ms", {"p99_tpot_ms", "median_tpot_ms"}, {"p99", "median"}, true},
    {"throughput", "Throughput against load", "requests/s", {"request_throughput"}, {"served"}, false},
    {"queue", "Requests that run and wait", "requests", {"mean_running", "mean_waiting"}, {"running", "waiting"}, false},
};

static void add_picture(struct document *document, const struct capacity_curve *curve, double unit, const struct curve_picture *picture)
{
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = picture->title,
                                          .x = {.name = "load", .unit = "requests/s"},
                                          .y = {.name = picture->key, .unit = picture->unit, .logarithmic = picture->logarithmic}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, picture->key, &heading);
    for (size_t s = 0; s < 2 && picture->figures[s]; s++) {
        chart_add_series(chart, &(struct chart_series){.name = picture->figures[s], .label = picture->labels[s], .group = s});
        for (size_t i = 0; i < curve->count; i++) {
            const double value = figure_set_value(&curve->points[i].figures, picture->figures[s]);
            if (!isnan(value) && (value > 0 || !picture->logarithmic))
                chart_add(chart, curve->points[i].load * unit, value);
        }
    }
}

static void add_page(struct document *document, const struct capacity_question *question, const struct capacity_curve *curve, double unit)
{
    char text[UNIT_TEXT];
    const double load = isnan(curve->sustained_load) ? 0 : curve->sustained_load;
    const struct capacity_point *point = capacity_point_at(curve, load);
    if (load == 0)
        document_headline(document, "No load meets what is required");
    else
        document_headline(document, "%s are sustained", load_text(load, unit, question->load.drawn).text);
    if (point) {
        document_key_value(document, "highest load", unit_fixed(load * unit, 2, text, sizeof text), "requests/s");
        document_key_figure(document, &point->figures, "p99_ttft_ms", "TTFT, p99");
        document_key_figure(document, &point->figures, "p99_tpot_ms", "TPOT, p99");
    }
    if (!isnan(curve->saturated_load))
        document_key_value(document, "saturated above", unit_fixed(curve->saturated_load * unit, 2, text, sizeof text), "requests/s");
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures && document_pictures(document); i++)
        add_picture(document, curve, unit, &pictures[i]);
}

struct document *capacity_report(const struct capacity_question *question, const struct capacity_curve *curve,
                                 const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    const double unit = load_unit_rate(question->load.trace, question->load.drawn);
    add_lines(document, question, curve, unit);
    add_facts(document, question, curve, unit);
    add_loads(document, curve, unit);
    add_page(document, question, curve, unit);
    return document;
}
