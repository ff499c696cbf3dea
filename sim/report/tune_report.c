/* tune_report.c - the document of a tuning: one verdict first, then what it rests on. Start with tune_report at the end.
 *
 * What is tuned for is a load, or an objective under a load that is given; `value` is either, of any candidate. */
#include "report/tune_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/line.h"
#include "base/portable_math.h"
#include "base/statistics.h"
#include "base/units.h"
#include "config/config_keys.h"
#include "config/serve_defaults.h"
#include "report/capacity_report.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"

struct line tune_settings(const struct tune_plan *plan, size_t point)
{
    struct line line = {0};
    char text[LINE_SIZE];
    sweep_plan_describe(&plan->points, point, text, sizeof text);
    line_put(&line, "%s", text);
    return line;
}

static struct line settings_of(const struct tune_result *result, uint32_t candidate)
{
    struct line line = tune_settings(result->question->plan, result->search->candidates[candidate].point);
    if (line.length == 0)
        line_put(&line, "as given");
    return line;
}

static bool for_objective(const struct tune_result *result)
{
    return result->question->objective.name[0] != '\0';
}

static double unit_of(const struct tune_result *result)
{
    return for_objective(result) ? 1 : load_unit_rate(result->question->load.trace, result->question->load.drawn);
}

/* NaN: not known, or it does not meet the limits. */
static double value_of(const struct tune_result *result, uint32_t candidate)
{
    return candidate == TUNE_NOBODY ? (double)NAN : tune_load(result->search, &result->search->values[candidate]) * unit_of(result);
}

/* By how much `value` is more than `than`, in percent. */
static double percent_more(double value, double than)
{
    return than != 0 ? 100 * (value / than - 1) : (double)NAN;
}

/* Dollars, say, for a million tokens in and out, at the first seed's highest load. */
static double cost_of(const struct tune_result *result, const struct tune_shown *shown)
{
    const double tokens = figure_set_value(&shown->figures, "total_token_throughput") * 3600;
    return result->search->candidates[shown->candidate].gpus * result->gpu_hour_price / tokens * 1e6;
}

/* --- the verdict -------------------------------------------------------------------------------------------------------------------- */

/* Has nobody said anything of what is tuned? */
static bool given_is_default(const struct tune_result *result)
{
    const struct sweep_keys *keys = &result->question->plan->points.varied;
    for (uint32_t key = 0; key < keys->count; key++)
        if (config_key_given(keys->list[key], result->given))
            return false;
    return true;
}

static const char *given_name(const struct tune_result *result)
{
    return given_is_default(result) ? "vLLM's defaults" : "the configuration as given";
}

/* "9.12 requests/s, 15 % more than vLLM's defaults" */
static struct line verdict_of(const struct tune_result *result)
{
    const double value = value_of(result, result->search->best), given = value_of(result, 0);
    const char *name = given_name(result);
    struct line line = {0};
    if (for_objective(result))
        line_put(&line, "%s %.6g", result->question->objective.name, value);
    else
        line_put(&line, "%.4g requests/s%s", value, result->question->per_gpu ? ", the most for each GPU" : "");
    if (result->search->best == 0)
        line_put(&line, " with %s: no change helps", name);
    else if (isnan(given))
        line_put(&line, ", where %s %s not meet the limits at all", name, given_is_default(result) ? "do" : "does");
    else
        line_put(&line, ", %.3g %% %s than %s (%.4g)", fabs(percent_more(value, given)), value < given ? "less" : "more", name, given);
    return line;
}

static void add_seeds(struct document *document, const struct tune_result *result)
{
    const struct tune_search *search = result->search;
    const uint32_t seeds = result->question->seeds;
    if (for_objective(result) || search->best == 0)
        return;
    const struct statistics gain = tune_gain(search, &search->values[search->best], &search->values[0]);
    if (seeds > 1 && !isnan(gain.mean))
        head_wrapped(document, "  ", "%u seeds, paired: 95 %% interval of the gain %.3g to %.3g %%", seeds,
                     100 * (portable_exp(gain.ci_low) - 1), 100 * (portable_exp(gain.ci_high) - 1));
    if (seeds == 1 && result->question->load.drawn)
        head_wrapped(document, "  ", "one seed: what another draw would say is not known (--replicates)");
}

/* What is met at the load, and what fails a rung above. With several seeds it is the first one's load that is told. */
static void add_limits(struct document *document, const struct tune_result *result)
{
    const struct tune_shown *const *shown = result->detail->shown;
    const struct load_question *load = &result->question->load;
    const double unit = unit_of(result);
    struct line met = {0};
    for (size_t i = 0; i < load->requirement_count; i++)
        line_put(&met, "%s%s is %.6g", i ? ", " : ": ", load->requirements[i].name,
                 figure_set_value(&shown[TUNE_BEST]->figures, load->requirements[i].name));
    if (for_objective(result) && met.length > 0)
        head_wrapped(document, "  ", "meets the limits%s", met.text);
    if (for_objective(result))
        return;
    head_wrapped(document, "  ", "%sat %s%s", result->question->seeds > 1 ? "with the first seed, " : "",
                 load_text(shown[TUNE_BEST]->load, unit, load->drawn).text, met.text);
    if (shown[TUNE_BEST_ABOVE])
        head_wrapped(document, "  ", "at %.4g/s: %s", shown[TUNE_BEST_ABOVE]->load * unit,
                     shown[TUNE_BEST_ABOVE]->result.passes ? "met again" : shown[TUNE_BEST_ABOVE]->result.why);
    const int32_t fails_from = result->search->values[result->search->best].fails_from[0];
    if (fails_from > result->search->values[result->search->best].passes_to[0] + 1 && fails_from < result->question->ladder->count)
        head_wrapped(document, "  ", "from %.4g/s on all that were tried fail; between the two some pass",
                     result->question->ladder->loads[fails_from] * unit);
    if (shown[TUNE_GIVEN_AT_BEST] && result->search->best != 0)
        head_wrapped(document, "  ", "%s at that load: %s", given_name(result),
                     shown[TUNE_GIVEN_AT_BEST]->result.passes ? "met, too" : shown[TUNE_GIVEN_AT_BEST]->result.why);
    if (!isnan(result->gpu_hour_price))
        head_wrapped(document, "  ", "cost of a million tokens: %.4g at %.4g a GPU and hour", cost_of(result, shown[TUNE_BEST]),
                     result->gpu_hour_price);
}

static void add_proof(struct document *document, const struct tune_result *result)
{
    const struct tune_search *search = result->search;
    const bool met = !isnan(value_of(result, search->best));
    char others[UNIT_TEXT], replays[UNIT_TEXT], folded[UNIT_TEXT], refused[UNIT_TEXT];
    struct line line = {0};
    unit_count(search->count - 1, others);
    if (!search->exhaustive)
        line_put(&line,
                 "not exhaustive: of %s other combinations none that differs from the best in one %s is better, nor any of a spread that "
                 "was raced",
                 others, search->pairs ? "key or two" : "key");
    else if (!met)
        line_put(&line, "and so do %s other combinations", others);
    else if (for_objective(result))
        line_put(&line, "each of %s other combinations was tried", others);
    else if (result->question->per_gpu)
        line_put(&line, "each of %s other combinations was tried, and does not bear more for each GPU", others);
    else if (result->question->seeds > 1)
        line_put(&line, "none of %s other combinations is better, as far as the paired intervals tell", others);
    else
        line_put(&line, "each of %s other combinations fails at %.3g %% more, or sooner", others, result->question->ladder->step * 100);
    head_wrapped(document, "  ", "%s", line.text);
    head_wrapped(document, "  ", "%s replays; %s more verdicts folded: what differs was never reached",
                 unit_count(search->trials.replays + result->detail->clock_replays, replays), unit_count(search->trials.folded, folded));
    if (search->refused > 0)
        head_wrapped(document, "  ", "%s combinations are refused: %s", unit_count(search->refused, refused), search->refusal);
}

static void add_nothing(struct document *document, const struct tune_result *result)
{
    const struct tune_shown *nearest = result->detail->nearest;
    document_line(document, "No combination meets the limits%s.", for_objective(result) ? "" : " at any load");
    if (nearest)
        head_wrapped(document, "  ", "the nearest miss%s, %s: %s", for_objective(result) ? "" : " at the lightest load",
                     settings_of(result, nearest->candidate).text, nearest->result.why);
}

static void add_lines(struct document *document, const struct tune_result *result)
{
    const struct load_question *load = &result->question->load;
    head_search(document, load->trace, load->requirements, load->requirement_count);
    head_layers(document, result->given);
    step_times_note(document, result->given, step_times_of(result->given));
    head_reading(document, load->trace);
    if (!for_objective(result))
        head_wrapped(document, "", "loads are %s%s, %.3g %% apart",
                     load->drawn ? "rates of drawn arrivals" : "the trace's own arrivals, sped up",
                     result->question->traces ? "; each seed has requests of its own"
                     : load->drawn            ? ""
                                              : " (no noise)",
                     result->question->ladder->step * 100);
    document_line(document, "%s", "");
    if (isnan(value_of(result, result->search->best))) {
        add_nothing(document, result);
        add_proof(document, result);
        return;
    }
    const struct tune_shown *binds = result->detail->shown[result->detail->shown[TUNE_BEST_ABOVE] ? TUNE_BEST_ABOVE : TUNE_BEST];
    head_wrapped(document, "", "%s", verdict_of(result).text);
    if (result->search->best != 0)
        head_wrapped(document, "  ", "%s", settings_of(result, result->search->best).text);
    if (binds->result.limits.seats > 0)
        head_wrapped(document, "  ", "bound by %s", binding_text(&binds->result.limits).text);
    add_limits(document, result);
    add_seeds(document, result);
    add_proof(document, result);
    if (result->line)
        document_line(document, "\n%s", result->line);
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------- */

static void add_facts(struct document *document, const struct tune_result *result)
{
    const struct tune_search *search = result->search;
    const struct sweep_plan *points = &result->question->plan->points;
    const double value = value_of(result, search->best);
    const bool met = !isnan(value);
    const struct tune_shown *fails = met ? result->detail->shown[TUNE_BEST_ABOVE] : result->detail->nearest;
    if (!met) /* else it is one of the figures */
        document_whole(document, "requests", result->question->load.trace->count);
    document_requirements(document, result->question->load.requirements, result->question->load.requirement_count);
    document_text(document, "objective",
                  for_objective(result)       ? result->question->objective.name
                  : result->question->per_gpu ? "request_rate_per_gpu"
                                              : "request_rate");
    document_text(document, "arrivals", result->question->load.drawn ? "poisson" : "trace");
    document_number(document, "rate_tolerance", for_objective(result) ? (double)NAN : result->question->ladder->step);
    document_whole(document, "seeds", result->question->seeds);
    document_number(document, "best", value);
    document_number(document, "given", value_of(result, 0));
    document_number(document, "load", met && !for_objective(result) ? result->detail->shown[TUNE_BEST]->load : (double)NAN);
    document_number(document, "cost_per_million_tokens",
                    met && !isnan(result->gpu_hour_price) ? cost_of(result, result->detail->shown[TUNE_BEST]) : (double)NAN);
    document_open_object(document, "settings");
    for (uint32_t key = 0; met && key < points->varied.count; key++) {
        char name[SWEEP_KEY_NAME_SIZE];
        const char *text = sweep_plan_value(points, search->candidates[search->best].point, key);
        sweep_key_name(points->varied.list[key], name, sizeof name);
        if (text)
            document_text(document, name, text);
    }
    document_close(document);
    document_text(document, "vllm_serve", met ? result->line : NULL);
    document_text(document, "beside", met ? result->beside : NULL);
    document_text(document, "fails", fails ? fails->result.why : "");
    document_bool(document, "exhaustive", search->exhaustive);
    document_text(document, "proved_for", search->exhaustive ? "all" : search->pairs ? "two keys" : "one key");
    document_whole(document, "combinations", search->count);
    document_whole(document, "refused", search->refused);
    document_whole(document, "replays", search->trials.replays + result->detail->clock_replays);
    document_whole(document, "folded", search->trials.folded);
    if (met)
        document_figures(document, &result->detail->shown[TUNE_BEST]->figures, false);
}

/* --- tables ------------------------------------------------------------------------------------------------------------------------- */

/* What a key has that stays is what was given. A default that follows other keys may be another in the best; then it is called that. */
static struct line value_text(const struct tune_result *result, uint32_t key, uint32_t digit)
{
    const struct tune_plan *plan = result->question->plan;
    const struct config_key *varied = plan->points.varied.list[key];
    const bool stays = tune_digit(plan, result->search->candidates[result->search->best].point, key) == 0;
    char text[CONFIG_TEXT_SIZE];
    struct line line = {0};
    config_key_text(varied, result->given, text, sizeof text);
    if (digit > 0)
        line_put(&line, "%s", plan->points.varied.values[plan->first_value[key] + digit - 1]);
    else
        line_put(&line, "%s", stays && !config_key_equal(varied, result->given, result->best) ? "default" : text);
    return line;
}

static const char *value_heading(const struct tune_result *result)
{
    return for_objective(result) ? result->question->objective.name : "load/s";
}

/* Each key at each of its values, the others as in the best, and as given. */
static void add_changes(struct document *document, const struct tune_result *result)
{
    const struct tune_plan *plan = result->question->plan;
    const double best = value_of(result, result->search->best), given = value_of(result, 0);
    const struct table_column columns[] = {{"best", "*", TABLE_STAR},
                                           {"key", "setting", TABLE_TEXT},
                                           {"value", "value", TABLE_TEXT},
                                           {"given", NULL, TABLE_YES_NO},
                                           {"around_best", value_heading(result), 3},
                                           {"around_best_percent", "% vs best", 1},
                                           {"from_given", "given, so", 3},
                                           {"from_given_percent", "% vs given", 1}};
    if (!isnan(best))
        document_heading(document, "Each setting alone", ": the others as in the best (*), and as given");
    struct table *table =
        document_table_for(document, isnan(best) ? FOR_PROGRAMS : FOR_ALL, "changes", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < result->detail->change_count; i++) {
        const struct tune_change *change = &result->detail->changes[i];
        const double around = value_of(result, change->around_best), from = value_of(result, change->from_given);
        char name[SWEEP_KEY_NAME_SIZE];
        sweep_key_name(plan->points.varied.list[change->key], name, sizeof name);
        table_flag(table, change->around_best == result->search->best);
        table_text(table, name);
        table_text(table, value_text(result, change->key, change->digit).text);
        table_flag(table, change->digit == 0);
        table_numbers(table, around, percent_more(around, best), from, percent_more(from, given));
    }
}

struct ranked {
    uint32_t candidate;
    double value;
};

static int by_value(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

/* Whose values are known: all that were ever the best, and those of the table above. Most combinations were only seen to fail. */
static void add_runners_up(struct document *document, const struct tune_result *result)
{
    enum { SHOWN = 6 };
    static const struct table_column columns[] = {
        {"value", NULL, TABLE_EXACT}, {"percent", NULL, TABLE_EXACT}, {"settings", NULL, TABLE_TEXT}};
    const struct tune_search *search = result->search;
    const bool least = for_objective(result) && !result->question->objective.maximise;
    const double best = value_of(result, search->best);
    struct ranked *list = NULL;
    size_t count = 0;
    struct diag ignored = {0};
    if (array_zeroed(&list, search->count, sizeof *list, "runners-up", &ignored) != SIM_OK)
        return;
    for (uint32_t i = 0; i < search->count; i++) {
        const double value = value_of(result, i);
        if (!isnan(value) && i != search->best)
            list[count++] = (struct ranked){.candidate = i, .value = least ? -value : value};
    }
    qsort(list, count, sizeof *list, by_value);
    if (count > 0)
        document_heading(document, "Runners-up", ": of those whose value is known exactly");
    struct table *table = document_table_for(document, FOR_PROGRAMS, "runners_up", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const double value = least ? -list[i].value : list[i].value;
        const struct line settings = settings_of(result, list[i].candidate);
        if (i < SHOWN)
            head_wrapped(document, "  ", "%8.4g  %5.1f %%  %s", value, percent_more(value, best), settings.text);
        table_numbers(table, value, percent_more(value, best));
        table_text(table, settings.text);
    }
    free(list);
}

/* Who would be better by another clock is told below the table, as settings take room. */
static void add_clocks(struct document *document, const struct tune_result *result)
{
    const struct table_column columns[] = {
        {"constant", "constant", TABLE_TEXT},  {"factor", "times", 2},   {"best", value_heading(result), 3},
        {"stays", "stays best", TABLE_YES_NO}, {"winner", "another", 3}, {"settings", NULL, TABLE_TEXT}};
    const struct tune_detail *detail = result->detail;
    const double unit = unit_of(result);
    if (detail->clock_count == 0 && detail->clocks_asked && !isnan(value_of(result, result->search->best)))
        document_line(document, "\nThis clock has no constants among the settings; what another would choose was not asked.");
    if (detail->clock_count == 0)
        return;
    document_heading(document, "By another clock", ": a tenth less or more of each of its constants");
    struct table *table = document_table(document, "clocks", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < detail->clock_count; i++) {
        const struct tune_by_clock *by_clock = &detail->clocks[i];
        const bool stays = by_clock->winner == result->search->best;
        char name[SWEEP_KEY_NAME_SIZE];
        sweep_key_name(by_clock->clock.key, name, sizeof name);
        table_text(table, name);
        table_numbers(table, by_clock->clock.factor, by_clock->best_load * unit);
        table_flag(table, stays);
        table_number(table, stays ? (double)NAN : by_clock->winner_load * unit);
        table_text(table, stays ? NULL : settings_of(result, by_clock->winner).text);
        if (!stays)
            head_wrapped(document, "  ", "%s times %.2g would choose %s", name, by_clock->clock.factor,
                         settings_of(result, by_clock->winner).text);
    }
}

/* --- the page ----------------------------------------------------------------------------------------------------------------------- */

/* One bar a value, the bars of a key side by side. */
static void add_bars(struct document *document, const struct tune_result *result, bool around_best)
{
    const struct tune_detail *detail = result->detail;
    const struct chart_heading heading = {.kind = CHART_BARS,
                                          .title = around_best ? "Each setting alone, the others as in the best"
                                                               : "Each setting alone, the others as given",
                                          .note = "no bar: the limits are not met, or the combination is refused",
                                          .x = {.name = "setting", .unit = ""},
                                          .y = {.name = for_objective(result) ? result->question->objective.name : "highest load",
                                                .unit = for_objective(result) ? "" : "requests/s"}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, around_best ? "around_best" : "from_given", &heading);
    chart_add_series(chart, &(struct chart_series){.name = "value", .group = around_best ? 0 : 1});
    for (size_t i = 0; i < detail->change_count; i++) {
        const struct tune_change *change = &detail->changes[i];
        const double value = value_of(result, around_best ? change->around_best : change->from_given);
        struct line text = {0};
        char name[SWEEP_KEY_NAME_SIZE];
        sweep_key_name(result->question->plan->points.varied.list[change->key], name, sizeof name);
        line_put(&text, "%s=%s", name, value_text(result, change->key, change->digit).text);
        chart_add_category(chart, text.text);
        chart_add(chart, (double)i, isnan(value) ? 0 : value);
    }
}

static void add_page(struct document *document, const struct tune_result *result)
{
    const struct tune_shown *best = result->detail->shown[TUNE_BEST];
    char text[UNIT_TEXT];
    if (isnan(value_of(result, result->search->best))) {
        document_headline(document, "No combination meets the limits");
        return;
    }
    document_headline(document, "%s", verdict_of(result).text);
    document_key_value(document, for_objective(result) ? result->question->objective.name : "highest load",
                       unit_fixed(value_of(result, result->search->best), 2, text, sizeof text),
                       for_objective(result) ? NULL : "requests/s");
    document_key_figure(document, &best->figures, "p99_ttft_ms", "TTFT, p99");
    document_key_figure(document, &best->figures, "p99_tpot_ms", "TPOT, p99");
    document_key_value(document, "combinations", unit_count(result->search->count, text),
                       result->search->exhaustive ? "all tried or folded" : "not all tried");
    if (!document_pictures(document))
        return;
    add_bars(document, result, true);
    add_bars(document, result, false);
}

struct document *tune_report(const struct tune_result *result, const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    add_lines(document, result);
    add_facts(document, result);
    add_changes(document, result);
    add_runners_up(document, result);
    add_clocks(document, result);
    add_page(document, result);
    return document;
}
