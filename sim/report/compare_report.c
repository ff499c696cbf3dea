/* compare_report.c - see compare_report.h. */
#include "report/compare_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/units.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "sim_version.h"

enum { TEXT_SIZE = 160 };
#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

static const char *const metric_titles[COMPARE_METRICS] = {"TTFT", "TPOT", "E2E", "queue"};

static void heading(const struct compare_view *view, FILE *file, const char *text)
{
    fprintf(file, "\n%s%s%s", view->color ? "\033[1m" : "", text, view->color ? "\033[0m" : "");
}

static double figure_value(const struct comparison *comparison, const char *prefix, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    for (size_t i = 0; i < comparison->figure_count; i++)
        if (strcmp(comparison->figures[i].name, full) == 0)
            return comparison->figures[i].undefined ? NAN : comparison->figures[i].value;
    return NAN;
}

/* Print a finished table and end it. */
static enum status show(struct table *table, enum status status, FILE *file, struct diag *diag)
{
    if (status == SIM_OK)
        status = table_status(table, diag);
    if (status == SIM_OK && table_rows(table) > 0)
        table_print(table, "  ", file);
    table_destroy(table);
    return status;
}

/* --- the two configurations ------------------------------------------------------------------------------------------------------ */

static void key_name(const struct config_key *key, char *out, size_t size)
{
    const char *group = config_group_names[key->group];
    snprintf(out, size, "%s%s%s", group, *group ? "." : "", key->name);
}

static void key_value(const struct config_key *key, const struct config *config, char *out, size_t size)
{
    struct json_text json;
    json_text_init(&json, false);
    config_key_write(key, config, &json);
    snprintf(out, size, "%s", json.text ? json.text : "");
    json_text_deinit(&json);
}

static bool key_differs(const struct comparison *comparison, size_t i)
{
    return !config_key_equal(&config_keys[i], &comparison->sides[0].config, &comparison->sides[1].config);
}

static enum status print_configurations(const struct compare_view *view, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {{"key", "key", TABLE_TEXT}, {"a", "A", TABLE_TEXT}, {"b", "B", TABLE_TEXT}};
    const struct comparison *comparison = view->comparison;
    struct table *table = NULL;
    enum status status = table_create(columns, COUNT(columns), &table, diag);
    for (size_t i = 0; i < config_key_count && status == SIM_OK; i++) {
        char text[3][TEXT_SIZE];
        if (!key_differs(comparison, i))
            continue;
        key_name(&config_keys[i], text[0], TEXT_SIZE);
        for (int side = 0; side < 2; side++)
            key_value(&config_keys[i], &comparison->sides[side].config, text[1 + side], 24);
        for (int cell = 0; cell < 3; cell++)
            table_text(table, text[cell]);
    }
    if (status == SIM_OK && table_rows(table) == 0) {
        fputs("  The configurations are the same.\n", file);
        table_destroy(table);
        return SIM_OK;
    }
    return show(table, status, file, diag);
}

/* --- the first decision that differs --------------------------------------------------------------------------------------------- */

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

static void print_pair(const struct decision_pair *pair, FILE *file)
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
        fprintf(file, "    request %s: A %s, B %s%s\n", name, does, joints[pair->kind],
                pair->kind != DECIDE_PREEMPT ? number
                : pair->b == PREEMPT_SWAP    ? "swap"
                                             : "recompute");
    else
        fprintf(file, "    request %s: %c %s, %c does not\n", name, pair->in_a ? 'A' : 'B', does, pair->in_a ? 'B' : 'A');
}

static enum status print_parting(const struct compare_view *view, FILE *file, struct diag *diag)
{
    const struct parting *parting = &view->comparison->parting;
    struct decision_pair *pairs = NULL;
    size_t count = 0;
    char step[UNIT_TEXT];
    heading(view, file, "First decision that differs\n");
    if (!parting->found) {
        fputs("  No decision differs.\n", file);
        return SIM_OK;
    }
    fprintf(file, "  step %s", unit_count(parting->step, step));
    for (int side = 0; side < 2; side++)
        if (parting->sides[side].exists)
            fprintf(file, "%s %c at %.6f s", side ? "," : ":", 'A' + side, (double)parting->sides[side].start_ns / 1e9);
        else
            fprintf(file, "%s %c has ended", side ? "," : ":", 'A' + side);
    fputc('\n', file);
    if (!parting->sides[0].exists || !parting->sides[1].exists)
        return SIM_OK;
    enum status status = decisions_pair(parting, &pairs, &count, diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < count && i < view->top; i++)
        print_pair(&pairs[i], file);
    if (count > view->top)
        fprintf(file, "    and %zu more\n", count - view->top);
    if (count == 0)
        fputs("    the same decisions in another order\n", file);
    free(pairs);
    return SIM_OK;
}

/* --- requests -------------------------------------------------------------------------------------------------------------------- */

static void p_text(double p, char *out, size_t size)
{
    if (p < 1e-300)
        snprintf(out, size, "<1e-300");
    else
        snprintf(out, size, "%.3g", p);
}

static enum status print_means(const struct compare_view *view, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {{"metric", "latency", TABLE_TEXT}, {"a", "mean A", 1},         {"b", "mean B", 1},
                                                  {"difference", "B - A", 2},        {"ci_low", "95 % from", 2}, {"ci_high", "to", 2},
                                                  {"batch_low", "batched", 2},       {"batch_high", "to", 2}};
    struct table *table = NULL;
    enum status status = table_create(columns, COUNT(columns), &table, diag);
    for (int metric = 0; metric < COMPARE_METRICS && status == SIM_OK; metric++) {
        const struct paired *paired = &view->comparison->paired[metric];
        const bool batched = paired->batches.n > 0;
        if (paired->difference.n == 0)
            continue;
        table_text(table, metric_titles[metric]);
        table_number(table, paired->mean_a);
        table_number(table, paired->mean_b);
        table_number(table, paired->difference.mean);
        table_number(table, paired->difference.ci_low);
        table_number(table, paired->difference.ci_high);
        table_number(table, batched ? paired->batches.ci_low : NAN);
        table_number(table, batched ? paired->batches.ci_high : NAN);
    }
    return show(table, status, file, diag);
}

static enum status print_counts(const struct compare_view *view, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {{"metric", "latency", TABLE_TEXT},
                                                  {"better", "B better", TABLE_WHOLE},
                                                  {"worse", "B worse", TABLE_WHOLE},
                                                  {"equal", "equal", TABLE_WHOLE},
                                                  {"p", "sign test p", 3}};
    struct table *table = NULL;
    enum status status = table_create(columns, COUNT(columns), &table, diag);
    for (int metric = 0; metric < COMPARE_METRICS && status == SIM_OK; metric++) {
        const struct paired *paired = &view->comparison->paired[metric];
        char p[32];
        p_text(paired->sign_p, p, sizeof p);
        table_text(table, metric_titles[metric]);
        table_number(table, (double)paired->better);
        table_number(table, (double)paired->worse);
        table_number(table, (double)paired->equal);
        table_text(table, p);
    }
    return show(table, status, file, diag);
}

static enum status print_requests(const struct compare_view *view, FILE *file, struct diag *diag)
{
    char pairs[UNIT_TEXT];
    heading(view, file, "Requests, one by one");
    fprintf(file, " (ms; below 0: B is faster; %s pairs)\n", unit_count(view->comparison->paired[COMPARE_E2E].difference.n, pairs));
    enum status status = print_means(view, file, diag);
    if (status == SIM_OK)
        status = print_counts(view, file, diag);
    fputs("  Requests of one trace share queues and caches, so they are not independent:\n"
          "  the intervals and p describe this trace. \"batched\" is the 95 % interval over\n"
          "  20 batches of requests that arrived in a row; repeat with other seeds or\n"
          "  traces before you generalise.\n",
          file);
    return status;
}

static enum status print_ranks(const struct compare_view *view, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {
        {"request", "request", 0},  {"input", "input", TABLE_WHOLE},       {"output", "output", TABLE_WHOLE}, {"a", "A", 1}, {"b", "B", 1},
        {"difference", "B - A", 1}, {"a_pre", "preempted A", TABLE_WHOLE}, {"b_pre", "B", TABLE_WHOLE}};
    const struct comparison *comparison = view->comparison;
    struct table *table = NULL;
    uint32_t *order = NULL;
    size_t count = 0;
    enum status status = comparison_rank(comparison, view->metric, &order, &count, diag);
    if (status == SIM_OK)
        status = table_create(columns, COUNT(columns), &table, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const struct outcome *a = &comparison->sides[0].outcomes[order[i]], *b = &comparison->sides[1].outcomes[order[i]];
        const double difference = b->ms[view->metric] - a->ms[view->metric];
        const bool winner = i < view->top && difference < 0, loser = i + view->top >= count && difference > 0;
        if (!winner && !loser)
            continue;
        table_number(table, comparison->trace->index[order[i]]);
        table_number(table, comparison->trace->input_tokens[order[i]]);
        table_number(table, comparison->trace->output_tokens[order[i]]);
        table_number(table, a->ms[view->metric]);
        table_number(table, b->ms[view->metric]);
        table_number(table, difference);
        table_number(table, a->preemptions);
        table_number(table, b->preemptions);
    }
    free(order);
    if (status == SIM_OK && table_rows(table) == 0) {
        table_destroy(table);
        return SIM_OK;
    }
    heading(view, file, "Who wins and who loses most");
    fprintf(file, " (%s, ms)\n", metric_titles[view->metric]);
    return show(table, status, file, diag);
}

static void print_starving(const struct compare_view *view, FILE *file)
{
    const struct comparison *comparison = view->comparison;
    heading(view, file, "Who starves, and how fair it is");
    fprintf(file, " (starving: waited longer than %.1f ms,\n  %g times the %s wait of both)\n", comparison->starving_ms, comparison->factor,
            comparison->by_median ? "median" : "mean");
    for (int i = 0; i < 2; i++) {
        const struct compare_side *side = &comparison->sides[i];
        char starving[UNIT_TEXT], unfinished[UNIT_TEXT], dropped[UNIT_TEXT];
        fprintf(file, "  %c: %s starved, %s never finished, %s can never run\n", 'A' + i, unit_count(side->starving, starving),
                unit_count(side->unfinished, unfinished), unit_count(side->dropped, dropped));
        if (side->longest_wait != UINT32_MAX)
            fprintf(file, "     longest wait %.1f ms, of request %u; Jain's index %.4f\n", side->outcomes[side->longest_wait].wait_ms,
                    comparison->trace->index[side->longest_wait], side->jain);
        else
            fprintf(file, "     nobody waited; Jain's index %.4f\n", side->jain);
    }
    fputs("  Jain's index: (sum x)^2 / (n sum x^2) of x = E2E / output tokens; 1 is fair.\n", file);
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *figure, *title;
    int decimals;
} rows[] = {
    {"makespan_s", "makespan (s)", 2},
    {"request_throughput_per_s", "requests/s", 4},
    {"output_throughput_tokens_per_s", "output tokens/s", 2},
    {"p99_ttft_ms", "p99 TTFT (ms)", 1},
    {"p99_tpot_ms", "p99 TPOT (ms)", 2},
    {"p99_itl_ms", "p99 ITL (ms)", 2},
    {"p99_e2el_ms", "p99 E2E (ms)", 1},
    {"steps", "steps", 0},
    {"preemptions", "preemptions", 0},
    {"recomputed_tokens", "recomputed tokens", 0},
    {"prefix_hit_rate", "prefix hit rate", 4},
    {"mean_running", "running, mean", 2},
    {"mean_waiting", "waiting, mean", 2},
    {"mean_used_share", "pool in use, mean", 4},
    {"mean_used_slots", "slots in use, mean", 0},
    {"mean_held_tokens", "tokens held, mean", 0},
    {"peak_used_blocks", "blocks in use, peak", 0},
    {"empty_share", "empty slots in used blocks", 4},
    {"saved_share", "blocks saved by sharing", 4},
};

static void number_text(double value, int decimals, char *out, size_t size)
{
    if (isnan(value))
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.*f", decimals, value);
}

static enum status print_figures(const struct compare_view *view, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {
        {"figure", "figure", TABLE_TEXT}, {"a", "A", 0}, {"b", "B", 0}, {"delta", "B - A", 0}, {"relative", "in %", 0}};
    struct table *table = NULL;
    enum status status = table_create(columns, COUNT(columns), &table, diag);
    heading(view, file, "The whole\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == SIM_OK; i++) {
        const double a = figure_value(view->comparison, "a_", rows[i].figure), b = figure_value(view->comparison, "b_", rows[i].figure);
        char text[4][32];
        number_text(a, rows[i].decimals, text[0], sizeof *text);
        number_text(b, rows[i].decimals, text[1], sizeof *text);
        number_text(b - a, rows[i].decimals, text[2], sizeof *text);
        number_text(a != 0 ? (b - a) / a * 100 : NAN, 2, text[3], sizeof *text);
        table_text(table, rows[i].title);
        for (int cell = 0; cell < 4; cell++)
            table_text(table, text[cell]);
    }
    return show(table, status, file, diag);
}

enum status compare_print(const struct compare_view *view, FILE *file, struct diag *diag)
{
    char count[UNIT_TEXT];
    fprintf(file, "%s: %s requests\n", view->comparison->trace->name, unit_count(view->comparison->trace->count, count));
    for (int i = 0; i < 2; i++) {
        const struct engine_facts *engine = engine_facts_of(&view->comparison->sides[i].config);
        fprintf(file, "  %c: %s%s%s of vLLM %s\n", 'A' + i, view->names[i], *view->names[i] ? ", " : "", engine->name,
                engine->vllm_version);
    }
    enum status status = print_configurations(view, file, diag);
    if (status == SIM_OK)
        status = print_parting(view, file, diag);
    if (status == SIM_OK)
        status = print_requests(view, file, diag);
    if (status == SIM_OK)
        status = print_ranks(view, file, diag);
    if (status == SIM_OK)
        print_starving(view, file);
    return status == SIM_OK ? print_figures(view, file, diag) : status;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------ */

static void write_configurations(const struct compare_view *view, struct json_text *json)
{
    for (int i = 0; i < 2; i++) {
        json_key(json, i ? "b" : "a");
        json_open_object(json);
        json_put_string(json, "name", view->names[i]);
        json_put_string(json, "vllm", engine_facts_of(&view->comparison->sides[i].config)->vllm_version);
        json_key(json, "configuration");
        config_write(&view->comparison->sides[i].config, json);
        json_close_object(json);
    }
    json_key(json, "keys_that_differ");
    json_open_array(json);
    for (size_t i = 0; i < config_key_count; i++)
        if (key_differs(view->comparison, i)) {
            char name[96];
            key_name(&config_keys[i], name, sizeof name);
            json_string(json, name);
        }
    json_close_array(json);
}

static void put_optional(struct json_text *json, const char *key, bool given, int64_t value)
{
    json_key(json, key);
    if (given)
        json_int(json, value);
    else
        json_null(json);
}

static enum status write_parting(const struct parting *parting, struct json_text *json, struct diag *diag)
{
    struct decision_pair *pairs = NULL;
    size_t count = 0;
    json_key(json, "first_difference");
    if (!parting->found) {
        json_null(json);
        return SIM_OK;
    }
    enum status status = decisions_pair(parting, &pairs, &count, diag);
    if (status != SIM_OK)
        return status;
    json_open_object(json);
    json_put_uint(json, "step", parting->step);
    put_optional(json, "a_start_ns", parting->sides[0].exists, parting->sides[0].start_ns);
    put_optional(json, "b_start_ns", parting->sides[1].exists, parting->sides[1].start_ns);
    json_key(json, "decisions");
    json_open_array(json);
    for (size_t i = 0; i < count; i++) {
        json_open_object(json);
        json_put_string(json, "what", decision_words[pairs[i].kind]);
        json_put_uint(json, "request", pairs[i].request);
        json_put_uint(json, "sample", pairs[i].sample);
        put_optional(json, "a", pairs[i].in_a, pairs[i].a);
        put_optional(json, "b", pairs[i].in_b, pairs[i].b);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
    free(pairs);
    return SIM_OK;
}

static enum status write_ranks(const struct compare_view *view, struct json_text *json, struct diag *diag)
{
    const struct comparison *comparison = view->comparison;
    uint32_t *order = NULL;
    size_t count = 0;
    enum status status = comparison_rank(comparison, view->metric, &order, &count, diag);
    if (status != SIM_OK)
        return status;
    for (int losers = 0; losers < 2; losers++) {
        json_key(json, losers ? "losers" : "winners");
        json_open_array(json);
        for (size_t i = 0; i < count && i < view->top; i++) {
            const uint32_t position = order[losers ? count - 1 - i : i];
            const double a = comparison->sides[0].outcomes[position].ms[view->metric];
            const double b = comparison->sides[1].outcomes[position].ms[view->metric];
            if (losers ? b <= a : b >= a)
                break;
            json_open_object(json);
            json_put_uint(json, "request", comparison->trace->index[position]);
            json_put_double(json, "a_ms", a);
            json_put_double(json, "b_ms", b);
            json_close_object(json);
        }
        json_close_array(json);
    }
    free(order);
    return SIM_OK;
}

static void write_waits(const struct comparison *comparison, struct json_text *json)
{
    json_key(json, "longest_waits");
    json_open_array(json);
    for (int i = 0; i < 2; i++) {
        const struct compare_side *side = &comparison->sides[i];
        if (side->longest_wait == UINT32_MAX) {
            json_null(json);
            continue;
        }
        json_open_object(json);
        json_put_uint(json, "request", comparison->trace->index[side->longest_wait]);
        json_put_double(json, "wait_ms", side->outcomes[side->longest_wait].wait_ms);
        json_close_object(json);
    }
    json_close_array(json);
}

enum status compare_write_json(const struct compare_view *view, struct json_text *json, struct diag *diag)
{
    const struct comparison *comparison = view->comparison;
    json_open_object(json);
    json_put_int(json, "schema_version", 1);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "trace", comparison->trace->name);
    json_put_uint(json, "requests", comparison->trace->count);
    write_configurations(view, json);
    enum status status = write_parting(&comparison->parting, json, diag);
    json_put_string(json, "ranked_by", compare_metric_names[view->metric]);
    if (status == SIM_OK)
        status = write_ranks(view, json, diag);
    write_waits(comparison, json);
    json_key(json, "figures");
    json_open_object(json);
    for (size_t i = 0; i < comparison->figure_count; i++)
        json_put_double(json, comparison->figures[i].name, comparison->figures[i].undefined ? NAN : comparison->figures[i].value);
    json_close_object(json);
    json_close_object(json);
    return status;
}

/* --- CSV ------------------------------------------------------------------------------------------------------------------------- */

static const struct table_column request_columns[] = {{"request", NULL, TABLE_WHOLE},
                                                      {"input_tokens", NULL, TABLE_WHOLE},
                                                      {"output_tokens", NULL, TABLE_WHOLE},
                                                      {"a_arrival_s", NULL, 0},
                                                      {"a_ttft_ms", NULL, 0},
                                                      {"a_tpot_ms", NULL, 0},
                                                      {"a_e2e_ms", NULL, 0},
                                                      {"a_queue_ms", NULL, 0},
                                                      {"a_preemptions", NULL, TABLE_WHOLE},
                                                      {"a_cached_tokens", NULL, TABLE_WHOLE},
                                                      {"a_state", NULL, TABLE_TEXT},
                                                      {"b_arrival_s", NULL, 0},
                                                      {"b_ttft_ms", NULL, 0},
                                                      {"b_tpot_ms", NULL, 0},
                                                      {"b_e2e_ms", NULL, 0},
                                                      {"b_queue_ms", NULL, 0},
                                                      {"b_preemptions", NULL, TABLE_WHOLE},
                                                      {"b_cached_tokens", NULL, TABLE_WHOLE},
                                                      {"b_state", NULL, TABLE_TEXT},
                                                      {"delta_ttft_ms", NULL, 0},
                                                      {"delta_tpot_ms", NULL, 0},
                                                      {"delta_e2e_ms", NULL, 0},
                                                      {"delta_queue_ms", NULL, 0}};

static void side_cells(const struct outcome *outcome, struct table *table)
{
    table_number(table, outcome->arrival_s);
    for (int metric = 0; metric < COMPARE_METRICS; metric++)
        table_number(table, outcome->ms[metric]);
    table_number(table, outcome->preemptions);
    table_number(table, (double)outcome->cached_tokens);
    table_text(table, outcome->dropped ? "dropped" : outcome->finished ? "finished" : "unfinished");
}

enum status compare_print_csv(const struct compare_view *view, FILE *file, struct diag *diag)
{
    const struct comparison *comparison = view->comparison;
    const struct trace *trace = comparison->trace;
    struct table *table = NULL;
    enum status status = table_create(request_columns, COUNT(request_columns), &table, diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const struct outcome *a = &comparison->sides[0].outcomes[position], *b = &comparison->sides[1].outcomes[position];
        table_number(table, trace->index[position]);
        table_number(table, trace->input_tokens[position]);
        table_number(table, trace->output_tokens[position]);
        side_cells(a, table);
        side_cells(b, table);
        for (int metric = 0; metric < COMPARE_METRICS; metric++)
            table_number(table, b->ms[metric] - a->ms[metric]);
    }
    if (status == SIM_OK)
        status = table_status(table, diag);
    if (status == SIM_OK)
        table_print_csv(table, file);
    table_destroy(table);
    return status;
}
