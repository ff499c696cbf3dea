/* sweep_report_table.c - a sweep's results as a table for people, CSV and JSON. See sweep_report.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/table.h"
#include "base/units.h"
#include "sim_version.h"
#include "study/sweep_report.h"

enum { HEADING_SIZE = 96, MIB = 1 << 20, SCHEMA_VERSION = 1 };

/* Short words for what stands in most tables, so that they fit 80 columns. */
static const struct {
    const char *name, *heading;
} short_names[] = {
    {"block_size", "block"},
    {"num_gpu_blocks", "pool"},
    {"scheduling_policy", "policy"},
    {"max_num_seqs", "seqs"},
    {"max_num_batched_tokens", "budget"},
    {"enable_prefix_caching", "prefix caching"},
    {"enable_chunked_prefill", "chunked"},
    {"request_throughput_per_s", "req/s"},
    {"output_throughput_tokens_per_s", "out tok/s"},
    {"p99_ttft_ms", "p99 TTFT ms"},
    {"mean_ttft_ms", "TTFT ms"},
    {"p99_tpot_ms", "p99 TPOT ms"},
    {"mean_tpot_ms", "TPOT ms"},
    {"mean_e2el_ms", "E2E ms"},
    {"p99_e2el_ms", "p99 E2E ms"},
    {"prefix_hit_rate", "hit rate"},
    {"preemptions", "preempt"},
    {"gather_gb_per_s", "GB/s"},
    {"share_of_limit", "of limit"},
};

static void heading_of(const char *name, char out[HEADING_SIZE])
{
    snprintf(out, HEADING_SIZE, "%s", name);
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (strcmp(short_names[i].name, name) == 0)
            snprintf(out, HEADING_SIZE, "%s", short_names[i].heading);
}

/* Figures in bytes are shown in MiB. */
static void figure_heading(const char *name, char out[HEADING_SIZE])
{
    heading_of(name, out);
    char *bytes = strstr(out, "_bytes");
    if (bytes && bytes[strlen("_bytes")] == '\0')
        memcpy(bytes, " MiB", sizeof " MiB");
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

/* Digits for people. `whole`: the figure counts something. */
static int decimals_of(const char *name, bool whole)
{
    if (ends_with(name, "_bytes") || ends_with(name, "_ms"))
        return 1;
    if (whole)
        return TABLE_WHOLE;
    return ends_with(name, "_rate") || strstr(name, "share") || strstr(name, "_rate_") ? 4 : 2;
}

/* --- a table whose columns are found while it is made ------------------------------------------------------------------------------ */

struct sheet {
    struct table_column *columns;
    char (*texts)[2][HEADING_SIZE + 32]; /* name, heading; fixed before the columns point at them */
    size_t count, capacity;
    struct table *table;
};

static enum status sheet_init(struct sheet *sheet, size_t most, struct diag *diag)
{
    *sheet = (struct sheet){.capacity = most};
    enum status status = array_zeroed(&sheet->columns, most, sizeof *sheet->columns, "a table", diag);
    return status == SIM_OK ? array_zeroed(&sheet->texts, most, sizeof *sheet->texts, "a table", diag) : status;
}

static void sheet_column(struct sheet *sheet, const char *name, const char *heading, int decimals)
{
    if (sheet->count == sheet->capacity)
        return;
    size_t i = sheet->count++;
    snprintf(sheet->texts[i][0], sizeof sheet->texts[i][0], "%s", name);
    snprintf(sheet->texts[i][1], sizeof sheet->texts[i][1], "%s", heading);
    sheet->columns[i] = (struct table_column){.name = sheet->texts[i][0], .heading = sheet->texts[i][1], .decimals = decimals};
}

static enum status sheet_begin(struct sheet *sheet, struct diag *diag)
{
    return table_create(sheet->columns, sheet->count, &sheet->table, diag);
}

static void sheet_deinit(struct sheet *sheet)
{
    table_destroy(sheet->table);
    free(sheet->columns);
    free(sheet->texts);
}

/* --- for people -------------------------------------------------------------------------------------------------------------------- */

static const struct figure_list *names_of(const struct sweep_report *report, const struct sweep_group *group)
{
    return report->sweep->result.rows[group->first].names;
}

/* Asked of the list that was made before the runs: rows that come from a journal have lost what their numbers are. */
static bool counts(const struct sweep_report *report, const char *name)
{
    const struct figure_list *known = report->sweep->known;
    size_t i = figure_list_find(known, name);
    return i < known->count && known->figures[i].whole && !report->replicated;
}

static bool is_seed(const struct sweep_plan *plan, uint32_t key)
{
    return strcmp(plan->keys[key]->name, "seed") == 0;
}

/* A replicated seed is no setting of its row. */
static bool shows_key(const struct sweep_report *report, uint32_t key)
{
    return !(report->replicated && is_seed(report->sweep->plan, key));
}

static bool all_done(const struct sweep_report *report)
{
    for (size_t i = 0; i < report->group_count; i++)
        if (report->groups[i].state != SWEEP_DONE)
            return false;
    return true;
}

static void declare_columns(const struct sweep_report *report, struct sheet *sheet)
{
    const struct sweep_plan *plan = report->sweep->plan;
    char name[96], heading[HEADING_SIZE];
    sheet_column(sheet, "on_front", "*", TABLE_TEXT);
    for (uint32_t key = 0; key < plan->key_count; key++) {
        if (!shows_key(report, key))
            continue;
        const enum key_type type = plan->keys[key]->type;
        sweep_key_name(plan->keys[key], name, sizeof name);
        heading_of(name, heading);
        const bool number = type == KEY_UINT32 || type == KEY_UINT64 || type == KEY_INT64;
        sheet_column(sheet, name, heading, number ? TABLE_WHOLE : TABLE_TEXT);
    }
    if (!all_done(report))
        sheet_column(sheet, "state", "state", TABLE_TEXT);
    for (size_t i = 0; i < report->view->figure_count; i++) {
        const char *figure = report->view->figures[i];
        figure_heading(figure, heading);
        sheet_column(sheet, figure, heading, decimals_of(figure, counts(report, figure)));
        if (report->replicated)
            sheet_column(sheet, figure, "+-", decimals_of(figure, false));
    }
    if (report->view->requirement_count > 0)
        sheet_column(sheet, "meets", "meets", TABLE_TEXT);
}

static void fill_line(const struct sweep_report *report, const struct sweep_group *group, struct sheet *sheet)
{
    const struct sweep_plan *plan = report->sweep->plan;
    table_text(sheet->table, group->on_front ? "*" : " ");
    for (uint32_t key = 0; key < plan->key_count; key++) {
        if (!shows_key(report, key))
            continue;
        const char *value = sweep_plan_value(plan, group->first, key);
        const enum key_type type = plan->keys[key]->type;
        if (type == KEY_UINT32 || type == KEY_UINT64 || type == KEY_INT64)
            table_number(sheet->table, value ? strtod(value, NULL) : NAN);
        else
            table_text(sheet->table, value ? value : "-");
    }
    if (!all_done(report))
        table_text(sheet->table, sweep_state_names[group->state]);
    for (size_t i = 0; i < report->view->figure_count; i++) {
        const struct statistics statistics = sweep_group_figure(report, group, report->view->figures[i]);
        const double unit = ends_with(report->view->figures[i], "_bytes") ? MIB : 1;
        table_number(sheet->table, statistics.n ? statistics.mean / unit : NAN);
        if (report->replicated)
            table_number(sheet->table, statistics.n ? (statistics.ci_high - statistics.mean) / unit : NAN);
    }
    if (report->view->requirement_count > 0)
        table_text(sheet->table, group->meets ? "yes" : "no");
}

static void print_heading(const struct sweep_report *report, FILE *file)
{
    const struct sweep *sweep = report->sweep;
    char runs[UNIT_TEXT], requests[UNIT_TEXT];
    fprintf(file, "%s: %s requests, %s runs\n", sweep->traces[0]->name, unit_count(sweep->traces[0]->count, requests),
            unit_count(sweep->plan->point_count, runs));
    fputs("* nothing else is better in all of:", file);
    for (size_t i = 0; i < report->view->objective_count; i++)
        fprintf(file, "%s\n    %s %s", i ? "," : "", report->view->objectives[i].maximise ? "most" : "least",
                report->view->objectives[i].name);
    fputc('\n', file);
    if (report->replicated)
        fprintf(file, "means over %zu seeds; +- is half of the 95 %% interval of the mean\n", report->groups[0].run_count);
    fputc('\n', file);
}

static void print_ends(const struct sweep_report *report, FILE *file)
{
    enum { SHOWN = 5 };
    size_t early = 0;
    for (size_t i = 0; i < report->sweep->result.count; i++) {
        const struct sweep_row *row = &report->sweep->result.rows[i];
        char point[160];
        if (row->state == SWEEP_DONE)
            continue;
        sweep_plan_describe(report->sweep->plan, i, point, sizeof point);
        if (early++ < SHOWN)
            fprintf(file, "%s%s:\n  %s\n", early == 1 ? "\n" : "", point, row->diagnosis ? row->diagnosis : sweep_state_names[row->state]);
    }
    if (early > SHOWN)
        fprintf(file, "%zu more runs ended early; --format json tells of each\n", early - SHOWN);
}

enum status sweep_report_print(const struct sweep_report *report, FILE *file, struct diag *diag)
{
    struct sheet sheet;
    enum status status = sheet_init(&sheet, 4 + SWEEP_KEYS_MOST + 2 * SWEEP_FIGURES_MOST, diag);
    if (status == SIM_OK) {
        declare_columns(report, &sheet);
        status = sheet_begin(&sheet, diag);
    }
    for (size_t i = 0; i < report->group_count && status == SIM_OK; i++)
        if (!report->view->front_only || report->groups[i].on_front)
            fill_line(report, &report->groups[i], &sheet);
    if (status == SIM_OK)
        status = table_status(sheet.table, diag);
    if (status == SIM_OK) {
        print_heading(report, file);
        table_print(sheet.table, "", file);
        print_ends(report, file);
    }
    sheet_deinit(&sheet);
    return status;
}

/* --- CSV --------------------------------------------------------------------------------------------------------------------------- */

static const char *const spread_names[] = {"std", "cv", "se", "ci_low", "ci_high"};
enum { SPREADS = sizeof spread_names / sizeof *spread_names };

static void spread_values(const struct statistics *statistics, double out[SPREADS])
{
    const double values[SPREADS] = {statistics->std, statistics->cv, statistics->se, statistics->ci_low, statistics->ci_high};
    memcpy(out, values, sizeof values);
}

/* The figures that CSV tells of: those chosen, or all of any run, in order of first appearance. */
static enum status csv_figures(const struct sweep_report *report, const char ***out, size_t *count, struct diag *diag)
{
    size_t capacity = 0;
    *out = NULL;
    *count = 0;
    if (report->view->chosen) {
        enum status status = array_reserve(out, &capacity, report->view->figure_count, sizeof **out, "a table", diag);
        for (size_t i = 0; i < report->view->figure_count && status == SIM_OK; i++)
            (*out)[(*count)++] = report->view->figures[i];
        return status;
    }
    const struct figure_list *last = NULL;
    for (size_t i = 0; i < report->group_count; i++) {
        const struct figure_list *names = names_of(report, &report->groups[i]);
        for (size_t f = 0; names != last && f < names->count; f++) {
            size_t k = 0;
            while (k < *count && strcmp((*out)[k], names->figures[f].name) != 0)
                k++;
            enum status status = k < *count ? SIM_OK : array_reserve(out, &capacity, *count + 1, sizeof **out, "a table", diag);
            if (status != SIM_OK)
                return status;
            if (k == *count)
                (*out)[(*count)++] = names->figures[f].name;
        }
        last = names;
    }
    return SIM_OK;
}

static void csv_columns(const struct sweep_report *report, const char **figures, size_t count, struct sheet *sheet)
{
    char name[HEADING_SIZE + 32];
    sheet_column(sheet, "run", "", TABLE_WHOLE);
    for (uint32_t key = 0; key < report->sweep->plan->key_count; key++) {
        sweep_key_name(report->sweep->plan->keys[key], name, sizeof name);
        if (shows_key(report, key))
            sheet_column(sheet, name, "", TABLE_TEXT);
    }
    if (report->replicated)
        sheet_column(sheet, "seeds", "", TABLE_WHOLE);
    sheet_column(sheet, "state", "", TABLE_TEXT);
    sheet_column(sheet, "on_front", "", TABLE_TEXT);
    if (report->view->requirement_count > 0)
        sheet_column(sheet, "meets", "", TABLE_TEXT);
    for (size_t i = 0; i < count; i++) {
        sheet_column(sheet, figures[i], "", TABLE_WHOLE);
        for (int s = 0; s < SPREADS && report->replicated; s++) {
            snprintf(name, sizeof name, "%s_%s", figures[i], spread_names[s]);
            sheet_column(sheet, name, "", TABLE_WHOLE);
        }
    }
}

static void csv_line(const struct sweep_report *report, const struct sweep_group *group, const char **figures, size_t count,
                     struct sheet *sheet)
{
    const struct sweep_plan *plan = report->sweep->plan;
    table_number(sheet->table, (double)group->first);
    for (uint32_t key = 0; key < plan->key_count; key++) {
        const char *value = sweep_plan_value(plan, group->first, key);
        if (shows_key(report, key))
            table_text(sheet->table, value ? value : "");
    }
    if (report->replicated)
        table_number(sheet->table, (double)group->run_count);
    table_text(sheet->table, sweep_state_names[group->state]);
    table_text(sheet->table, group->on_front ? "true" : "false");
    if (report->view->requirement_count > 0)
        table_text(sheet->table, group->meets ? "true" : "false");
    for (size_t i = 0; i < count; i++) {
        const struct statistics statistics = sweep_group_figure(report, group, figures[i]);
        double spread[SPREADS];
        spread_values(&statistics, spread);
        table_number(sheet->table, statistics.n ? statistics.mean : NAN);
        for (int s = 0; s < SPREADS && report->replicated; s++)
            table_number(sheet->table, statistics.n ? spread[s] : NAN);
    }
}

enum status sweep_report_print_csv(const struct sweep_report *report, FILE *file, struct diag *diag)
{
    struct sheet sheet = {0};
    const char **figures;
    size_t count;
    enum status status = csv_figures(report, &figures, &count, diag);
    if (status == SIM_OK)
        status = sheet_init(&sheet, 8 + SWEEP_KEYS_MOST + count * (1 + SPREADS), diag);
    if (status == SIM_OK) {
        csv_columns(report, figures, count, &sheet);
        status = sheet_begin(&sheet, diag);
    }
    for (size_t i = 0; i < report->group_count && status == SIM_OK; i++)
        if (!report->view->front_only || report->groups[i].on_front)
            csv_line(report, &report->groups[i], figures, count, &sheet);
    if (status == SIM_OK)
        status = table_status(sheet.table, diag);
    if (status == SIM_OK)
        table_print_csv(sheet.table, file);
    sheet_deinit(&sheet);
    free(figures);
    return status;
}

/* --- JSON -------------------------------------------------------------------------------------------------------------------------- */

static void write_value(const struct config_key *key, const char *value, struct json_text *json)
{
    switch (key->type) {
    case KEY_UINT32:
    case KEY_UINT64:
    case KEY_INT64:
        json_uint(json, strtoull(value, NULL, 10));
        break;
    case KEY_DOUBLE:
        json_double(json, strtod(value, NULL));
        break;
    case KEY_BOOL:
        json_bool(json, strcmp(value, "true") == 0);
        break;
    case KEY_CHOICE:
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        json_string(json, value);
        break;
    }
}

static void write_point(const struct sweep_plan *plan, size_t point, bool with_seed, struct json_text *json)
{
    json_key(json, "point");
    json_open_object(json);
    for (uint32_t key = 0; key < plan->key_count; key++) {
        char name[96];
        const char *value = sweep_plan_value(plan, point, key);
        if (!value || (!with_seed && is_seed(plan, key)))
            continue;
        sweep_key_name(plan->keys[key], name, sizeof name);
        json_key(json, name);
        write_value(plan->keys[key], value, json);
    }
    json_close_object(json);
}

static void write_runs(const struct sweep_report *report, struct json_text *json)
{
    json_key(json, "runs");
    json_open_array(json);
    for (size_t i = 0; i < report->sweep->result.count; i++) {
        const struct sweep_row *row = &report->sweep->result.rows[i];
        json_open_object(json);
        json_put_uint(json, "run", i);
        write_point(report->sweep->plan, i, true, json);
        json_put_string(json, "state", sweep_state_names[row->state]);
        if (row->diagnosis)
            json_put_string(json, "diagnosis", row->diagnosis);
        sweep_row_write_figures(row, json);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_spread(const struct sweep_report *report, const struct sweep_group *group, struct json_text *json)
{
    const struct figure_list *names = names_of(report, group);
    json_key(json, "figures");
    json_open_object(json);
    for (size_t f = 0; f < names->count; f++) {
        const struct statistics statistics = sweep_group_figure(report, group, names->figures[f].name);
        double spread[SPREADS];
        spread_values(&statistics, spread);
        json_key(json, names->figures[f].name);
        json_open_object(json);
        json_put_uint(json, "n", statistics.n);
        json_put_double(json, "mean", statistics.n ? statistics.mean : NAN);
        for (int s = 0; s < SPREADS; s++)
            json_put_double(json, spread_names[s], statistics.n ? spread[s] : NAN);
        json_close_object(json);
    }
    json_close_object(json);
}

static void write_rows(const struct sweep_report *report, struct json_text *json)
{
    json_key(json, "rows");
    json_open_array(json);
    for (size_t i = 0; i < report->group_count; i++) {
        const struct sweep_group *group = &report->groups[i];
        json_open_object(json);
        json_key(json, "runs");
        json_open_array(json);
        for (size_t k = 0; k < group->run_count; k++)
            json_uint(json, group->runs[k]);
        json_close_array(json);
        write_point(report->sweep->plan, group->first, !report->replicated, json);
        json_put_string(json, "state", sweep_state_names[group->state]);
        json_put_bool(json, "on_front", group->on_front);
        if (report->view->requirement_count > 0)
            json_put_bool(json, "meets", group->meets);
        if (report->replicated)
            write_spread(report, group, json);
        json_close_object(json);
    }
    json_close_array(json);
}

void sweep_report_write_json(const struct sweep_report *report, struct json_text *json)
{
    const struct sweep_view *view = report->view;
    json_open_object(json);
    json_put_int(json, "schema_version", SCHEMA_VERSION);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "trace", report->sweep->traces[0]->name);
    json_put_uint(json, "requests", report->sweep->traces[0]->count);
    struct config config;
    struct diag ignored = {0};
    if (sweep_plan_config(report->sweep->plan, 0, &config, &ignored) == SIM_OK) { /* as before the runs, which it passed */
        json_key(json, "configuration_of_run_0");
        config_write(&config, json);
    }
    json_key(json, "objectives");
    json_open_object(json);
    for (size_t i = 0; i < view->objective_count; i++)
        json_put_string(json, view->objectives[i].name, view->objectives[i].maximise ? "max" : "min");
    json_close_object(json);
    json_key(json, "requirements");
    json_open_array(json);
    for (size_t i = 0; i < view->requirement_count; i++)
        json_string(json, view->requirements[i].text);
    json_close_array(json);
    write_rows(report, json);
    write_runs(report, json);
    json_close_object(json);
}
