/* replicas_report.c - the document of a search for a number of servers: sentences for people, the same facts as members for programs, and the
 * table of fleets for both. Start with replicas_report at the end. */
#include "report/replicas_report.h"

#include <math.h>

#include "base/line.h"
#include "base/units.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"

static double figure_of(const struct replicas_tried *tried, const char *name)
{
    return tried ? figure_set_value(&tried->figures, name) : (double)NAN;
}

static const struct replicas_tried *largest(const struct replicas_answer *answer)
{
    return answer->tried[answer->count - 1];
}

/* The largest fleet that fails; NULL: none does. */
static const struct replicas_tried *largest_failing(const struct replicas_answer *answer)
{
    for (size_t i = answer->count; i-- > 0;)
        if (!answer->tried[i]->result.passes)
            return answer->tried[i];
    return NULL;
}

/* Up to here every fleet from the answer on was replayed, and passes. */
static uint32_t verified_to(const struct replicas_answer *answer)
{
    uint32_t last = answer->answer;
    while (last > 0 && replicas_tried_at(answer, last + 1))
        last++;
    return last;
}

/* --- for people --------------------------------------------------------------------------------------------------------------------- */

static void add_cost(struct document *document, const struct replicas_tried *tried, double price)
{
    struct line line = {0};
    line_put(&line, "%.0f GPU%s, %.4g GPU hours", figure_of(tried, "gpus"), figure_of(tried, "gpus") > 1 ? "s" : "",
             figure_of(tried, "gpu_hours"));
    if (price > 0)
        line_put(&line, ": %.4g at %.4g a GPU and hour, %.4g a million output tokens", figure_of(tried, "gpu_hours") * price, price,
                 figure_of(tried, "cost_per_million_output_tokens"));
    head_wrapped(document, "  ", "%s", line.text);
}

static void add_met(struct document *document, const struct replicas_question *question, const struct replicas_tried *tried)
{
    struct line line = {0};
    for (size_t i = 0; i < question->load.requirement_count; i++) {
        const char *name = question->load.requirements[i].name;
        line_put(&line, "%s%s is %.6g", i ? ", " : "", name, figure_of(tried, name));
    }
    if (line.length > 0)
        head_wrapped(document, "  ", "%s", line.text);
}

static void add_larger(struct document *document, const struct replicas_answer *answer)
{
    const uint32_t verified = verified_to(answer), most = largest(answer)->replicas;
    struct line others = {0};
    for (size_t i = 0; i < answer->count; i++)
        if (answer->tried[i]->replicas > verified)
            line_put(&others, "%s%u", others.length ? ", " : "", answer->tried[i]->replicas);
    if (verified == most && most > answer->answer)
        head_wrapped(document, "  ", "every larger fleet up to %u meets this too", most);
    else if (others.length > 0)
        head_wrapped(document, "  ", "every larger fleet up to %u meets this too, and so do those of %s; others were not replayed",
                     verified, others.text);
}

static void add_smaller(struct document *document, const struct replicas_answer *answer)
{
    const struct replicas_tried *failing = largest_failing(answer);
    struct line lucky = {0};
    if (failing)
        head_wrapped(document, "  ", "%u do%s not: %s", failing->replicas, failing->replicas == 1 ? "es" : "", failing->result.why);
    for (size_t i = 0; i < answer->count && failing && answer->tried[i]->replicas < failing->replicas; i++)
        if (answer->tried[i]->result.passes)
            line_put(&lucky, "%s%u", lucky.length ? ", " : "", answer->tried[i]->replicas);
    if (lucky.length > 0)
        head_wrapped(document, "  ", "%s pass by chance, as a larger fleet does not", lucky.text);
}

static void add_lines(struct document *document, const struct replicas_question *question, const struct replicas_answer *answer)
{
    const struct config *config = question->config;
    head_search(document, question->load.trace, question->load.requirements, question->load.requirement_count);
    step_times_note(document, config, step_times_of(config));
    head_layers(document, config);
    head_defaults(document, config);
    head_arrivals(document, config);
    head_front_door(document, config);
    head_reading(document, question->load.trace);
    document_line(document, "router %s\n", config->fleet.router);
    if (answer->answer == 0) {
        head_wrapped(document, "", "No fleet of up to %u servers will do: there %s", question->most, largest(answer)->result.why);
        return;
    }
    const struct replicas_tried *met = replicas_tried_at(answer, answer->answer);
    document_line(document, "replicas %u", answer->answer);
    add_cost(document, met, config->fleet.gpu_hour_price);
    add_met(document, question, met);
    add_larger(document, answer);
    add_smaller(document, answer);
    document_line(document, "  found with %zu replays\n", answer->count);
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------- */

static void add_facts(struct document *document, const struct replicas_question *question, const struct replicas_answer *answer)
{
    const struct replicas_tried *failing = largest_failing(answer);
    const bool met = answer->answer > 0;
    document_whole(document, "requests", question->load.trace->count);
    document_requirements(document, question->load.requirements, question->load.requirement_count);
    document_number(document, "replicas", met ? answer->answer : (double)NAN);
    document_whole(document, "least_replicas", question->least);
    document_whole(document, "most_replicas", question->most);
    document_number(document, "verified_to", met ? verified_to(answer) : (double)NAN);
    document_number(document, "largest_failing", failing ? failing->replicas : (double)NAN);
    document_text(document, "fails", failing ? failing->result.why : "");
    document_whole(document, "replays", answer->count);
}

/* --- for both ----------------------------------------------------------------------------------------------------------------------- */

static const char *const shown[] = {"gpus",
                                    "gpu_hours",
                                    "cost_per_million_output_tokens",
                                    "request_throughput",
                                    "p99_ttft_ms",
                                    "p99_tpot_ms",
                                    "prefix_hit_rate",
                                    "replica_imbalance",
                                    "unserved"};
enum { SHOWN = sizeof shown / sizeof *shown, SHOWN_COST = 2 };

static void add_fleets(struct document *document, const struct replicas_question *question, const struct replicas_answer *answer)
{
    static const struct table_column columns[] = {
        {"meets", "*", TABLE_STAR}, {"replicas", "replicas", TABLE_WHOLE}, {"fails", NULL, TABLE_TEXT}};
    struct table *table = document_table(document, "fleets", columns, sizeof columns / sizeof *columns);
    bool unserved = false;
    for (size_t i = 0; i < answer->count; i++)
        unserved = unserved || figure_of(answer->tried[i], shown[SHOWN - 1]) > 0;
    for (int i = 0; i < SHOWN; i++)
        table_add_figure(table, shown[i], i == SHOWN - 1 ? unserved : i == SHOWN_COST ? question->config->fleet.gpu_hour_price > 0 : true);
    for (size_t i = 0; i < answer->count; i++) {
        const struct replicas_tried *tried = answer->tried[i];
        table_flag(table, tried->result.passes);
        table_number(table, tried->replicas);
        table_text(table, tried->result.why[0] ? tried->result.why : NULL);
        for (int column = 0; column < SHOWN; column++)
            table_number(table, figure_of(tried, shown[column]));
    }
}

/* --- the page ----------------------------------------------------------------------------------------------------------------------- */

/* What the first requirement speaks of, over the number of servers. */
static void add_curve(struct document *document, const struct replicas_question *question, const struct replicas_answer *answer)
{
    static const char *const names[] = {"fails", "passes"};
    const char *name = question->load.requirements[0].name;
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = "The first requirement's figure by number of servers",
                                          .note = "each fleet that was replayed",
                                          .x = {.name = "replicas", .unit = ""},
                                          .y = {.name = name, .unit = ""}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "fleet_curve", &heading);
    for (int passes = 0; passes < 2; passes++) {
        chart_add_series(chart, &(struct chart_series){.name = names[passes], .draw = DRAW_MARKS, .group = passes ? 0 : 1});
        for (size_t i = 0; i < answer->count; i++)
            if (answer->tried[i]->result.passes == passes && !isnan(figure_of(answer->tried[i], name)))
                chart_add(chart, answer->tried[i]->replicas, figure_of(answer->tried[i], name));
    }
}

static void add_page(struct document *document, const struct replicas_question *question, const struct replicas_answer *answer)
{
    const struct line requirements = requirements_text(question->load.requirements, question->load.requirement_count);
    const struct replicas_tried *met = replicas_tried_at(answer, answer->answer);
    char text[UNIT_TEXT];
    if (!met) {
        document_headline(document, "No fleet of up to %u servers has %s", question->most, requirements.text);
    } else {
        document_headline(document, "%u server%s enough for %s", answer->answer, answer->answer == 1 ? " is" : "s are", requirements.text);
        document_key_figure(document, &met->figures, "gpus", "GPUs");
        document_key_figure(document, &met->figures, "gpu_hours", "GPU hours");
        document_key_figure(document, &met->figures, "p99_ttft_ms", "TTFT, p99");
    }
    document_key_value(document, "replays", unit_count(answer->count, text), NULL);
    if (document_pictures(document))
        add_curve(document, question, answer);
}

struct document *replicas_report(const struct replicas_question *question, const struct replicas_answer *answer,
                                 const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    add_lines(document, question, answer);
    add_facts(document, question, answer);
    add_fleets(document, question, answer);
    add_page(document, question, answer);
    return document;
}
