/* validation_report.c - the document of a comparison with a measured run: a table of latencies, errors request by request, the timelines.
 * Read study/validation.h first for how the errors are defined, and study/scheduling_choice.h for why there may be two replays. */
#include "report/validation_report.h"
#include "report/head_notes.h"

#include <math.h>

#include "base/units.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"

/* What two decimals of a percentage round to 0, and would show as -0.00 if it is negative. */
#define SMALLEST_ERROR 0.00005

/* Both sides of each statistic. People see only what was measured; programs get every row, with null where a side is missing, so that the
 * table's shape does not depend on the server's log. The error keeps its sign: a replay that is always too fast has a cause, one that is
 * off in both directions has noise. Where nothing was measured the error is NaN. */
static void add_latencies(struct document *document, const struct validation *validation)
{
    static const struct table_column columns[] = {{"latency", NULL, TABLE_TEXT, 0},
                                                  {"statistic", NULL, TABLE_TEXT, 0},
                                                  {"measured_ms", NULL, 0, 0},
                                                  {"simulated_ms", NULL, 0, 0},
                                                  {"error", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "latencies", columns, sizeof columns / sizeof *columns);
    document_line(document, "%-14s%12s%12s%10s", "ms", "measured", "simulated", "error");
    static const enum latency shown[] = {LATENCY_TTFT, LATENCY_TPOT, LATENCY_ITL, LATENCY_E2EL};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        for (int s = 0; s < MEASURED_STATISTICS; s++) {
            const enum latency latency = shown[i];
            const struct compared *one = &validation->latency[latency][s];
            const double error = (one->simulated - one->measured) / one->measured;
            table_text(table, latency_names[latency]);
            table_text(table, measured_statistics[s]);
            table_numbers(table, one->measured, one->simulated, error);
            if (one->measured > 0)
                document_line(document, "  %-5s%-7s%12.3f%12.3f%+9.2f%%", latency_titles[latency], measured_statistics[s], one->measured,
                              one->simulated, fabs(error) < SMALLEST_ERROR ? 0 : error * 100);
        }
}

/* A figure in its own line. Figures are kept as shares; `scale` 100 shows per cent. Undefined ones are left out. Not every server logs a
 * timeline; the four lines about it would say nothing. */
static void add_value(struct document *document, const struct figure_set *figures, const char *label, const char *name, double scale,
                      const char *unit)
{
    const struct figure *figure = figure_set_find(figures, name);
    char text[UNIT_TEXT];
    if (figure && !figure->undefined)
        document_line(document, "  %-34s%8s%s%s", label, unit_fixed(figure->value * scale, figure->whole ? 0 : 2, text, sizeof text),
                      *unit ? " " : "", unit);
}

/* Measured and simulated timelines are two tables with equal columns and times, ready to be plotted over each other. */
static void add_timeline(struct document *document, const char *key, const struct timeline_row *rows, size_t count)
{
    static const struct table_column columns[] = {{"t_s", NULL, 0, 0},
                                                  {"running", NULL, 0, 0},
                                                  {"waiting", NULL, 0, 0},
                                                  {"kv_usage", NULL, 0, 0},
                                                  {"output_tokens_per_s", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, key, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        table_numbers(table, rows[i].at_s, rows[i].running, rows[i].waiting, rows[i].kv_usage, rows[i].output_tokens_per_s);
    }
}

static const char *const ways[] = {"synchronous", "asynchronous"};

/* Above all numbers, since these are no prediction as far as they rest on the choice. V0 has none. */
static void add_choice(struct document *document, struct scheduling_choice *choice)
{
    static const char *const told_by[] = {
        [SCHEDULING_BY_PREFILL] = "prefill", [SCHEDULING_BY_TTFT] = "ttft", [SCHEDULING_BY_NOTHING] = NULL};
    static const char *const reasons[] = {[SCHEDULING_BY_CONFIG] = "",
                                          [SCHEDULING_BY_PREFILL] = ", chosen from the measurements, not predicted (see end)",
                                          [SCHEDULING_BY_TTFT] = ", chosen from the measurements, not predicted (see end)",
                                          [SCHEDULING_BY_NOTHING] = ", by default: the measurements do not tell (see end)"};
    const struct config *config = &scheduling_chosen(choice)->config;
    if (config->scheduler == SCHEDULER_VLLM_V1)
        document_line(document, "%s scheduling%s", ways[config->async_scheduling], reasons[choice->told]);
    document_text(document, "async_scheduling_chosen_by", told_by[choice->told]);
}

/* What each way gives, so that everybody can choose otherwise. Without rows if there was nothing to choose. */
static void add_ways(struct document *document, const struct scheduling_choice *choice)
{
    static const struct table_column columns[] = {{"reported", "*", TABLE_STAR, 0},
                                                  {"async_scheduling", NULL, TABLE_YES_NO, 0},
                                                  {NULL, "scheduling", TABLE_TEXT, 0},
                                                  {"prefill_error", "prefill", 2, 0.01},
                                                  {"ttft_mape", "TTFT", 2, 0.01},
                                                  {"ttft_median_ape", "median", 2, 0.01},
                                                  {"tpot_mape", "TPOT", 2, 0.01},
                                                  {"e2el_mape", "E2E", 2, 0.01},
                                                  {"preemptions", "preemptions", TABLE_WHOLE, 0}};
    const bool open = choice->count == 2;
    if (open)
        document_subheading(document, "Both ways of scheduling, as nothing says async_scheduling", " (errors in %)");
    struct table *table = document_table(document, "scheduling", columns, sizeof columns / sizeof *columns);
    for (uint32_t way = 0; open && way < choice->count; way++) {
        const struct run *run = &choice->ways[way].run;
        table_flag(table, way == choice->chosen);
        table_flag(table, way == 1);
        table_text(table, ways[way]);
        table_numbers(table, run_figure(run, "prefill_error"), run_figure(run, "ttft_mape"), run_figure(run, "ttft_median_ape"),
                      run_figure(run, "tpot_mape"), run_figure(run, "e2el_mape"), run_figure(run, "preemptions"));
    }
    if (choice->told == SCHEDULING_BY_PREFILL)
        document_line(document, "  the prefills, from first admission to first token, speak for %s", ways[choice->chosen]);
    else if (choice->told == SCHEDULING_BY_TTFT)
        document_line(document, "  the TTFTs speak for %s; when requests were admitted is not known", ways[choice->chosen]);
}

/* Each measured request on both sides; null where it has none of that latency. */
static void add_requests(struct document *document, const struct validation *validation)
{
    static const struct table_column columns[] = {{"request", NULL, 0, 0},           {"measured_ttft_ms", NULL, 0, 0},
                                                  {"simulated_ttft_ms", NULL, 0, 0}, {"measured_tpot_ms", NULL, 0, 0},
                                                  {"simulated_tpot_ms", NULL, 0, 0}, {"measured_e2el_ms", NULL, 0, 0},
                                                  {"simulated_e2el_ms", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "per_request", columns, sizeof columns / sizeof *columns);
    for (uint32_t position = 0; position < validation->trace->count; position++) {
        enum { SIDES = 2 };
        double ms[MEASURED_LATENCIES][SIDES]; /* measured, simulated */
        bool any = false;
        for (int i = 0; i < MEASURED_LATENCIES; i++) {
            ms[i][0] = validation->measured->ms[measured_latencies[i]][position];
            ms[i][1] = validation_simulated_ms(validation, measured_latencies[i], position);
            any |= !isnan(ms[i][0]);
        }
        if (!any)
            continue;
        table_number(table, trace_index(validation->trace, position));
        table_numbers_of(table, ms[0], (size_t)SIDES * MEASURED_LATENCIES);
    }
}

/* From sums to single requests to moments in time: a mean can be right by luck, single requests hardly. */
struct document *validation_report(struct scheduling_choice *choice, const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    const struct scheduling_way *chosen = scheduling_chosen(choice);
    const struct validation *validation = &chosen->validation;
    const struct figure_set *figures = &chosen->run.figures;
    document_line(document, "%s: %u of %u requests measured", trace_title(validation->trace).text, validation->measured->known,
                  validation->trace->count);
    if (validation->measured->times_chosen)
        document_line(document, "times count from when %s, as --measured-times says",
                      validation->measured->from_queued ? "the server takes a request in" : "the client sends a request");
    document_text(document, "measured_times", validation->measured->from_queued ? "server" : "client");
    step_times_note(document, origin->config, step_times_of(origin->config));
    head_layers(document, origin->config);
    head_defaults(document, origin->config);
    add_choice(document, choice);
    head_arrivals(document, origin->config);
    head_front_door(document, origin->config);
    head_reading(document, validation->trace);
    document_line(document, "%s", "");
    document_whole(document, "measured_requests", validation->measured->known);
    document_figures(document, figures, false);
    add_latencies(document, validation);
    if (!isnan(figure_set_value(figures, "e2el_mape")) || !isnan(figure_set_value(figures, "ttft_mape")))
        document_subheading(document, "Request by request, absolute error", NULL);
    add_value(document, figures, "TTFT, mean", "ttft_mape", 100, "%");
    add_value(document, figures, "TTFT, median", "ttft_median_ape", 100, "%");
    add_value(document, figures, "TPOT, mean", "tpot_mape", 100, "%");
    add_value(document, figures, "E2E, mean", "e2el_mape", 100, "%");
    add_value(document, figures, "prefill, rank by rank", "prefill_error", 100, "%");
    if (validation->row_count > 0)
        document_line(document, "Timeline, mean absolute difference over %zu points", validation->row_count);
    add_value(document, figures, "running", "running_error", 1, "requests");
    add_value(document, figures, "waiting", "waiting_error", 1, "requests");
    add_value(document, figures, "KV cache usage", "kv_usage_error", 100, "points of percent");
    add_value(document, figures, "output throughput", "output_throughput_error", 100, "%");
    document_subheading(document, "Replay", NULL);
    add_value(document, figures, "preemptions", "preemptions", 1, "");
    add_value(document, figures, "prompt tokens found in the cache", "prefix_hit_rate", 100, "%");
    add_timeline(document, "timeline_measured", validation->measured->rows, validation->row_count);
    add_timeline(document, "timeline_simulated", validation->rows, validation->row_count);
    add_ways(document, choice);
    add_requests(document, validation);
    validation_page(document);
    return document;
}
