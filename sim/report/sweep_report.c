/* sweep_report.c - the document of a sweep. Its tables have columns that only the sweep's keys and figures decide, so each table is made in
 * two walks in the same order: one declares columns, one fills cells. Start with add_rows.
 *
 * Two tables: "rows" has a row a group (a point of the plan, its seeds put together), which is what people see, in an order of their own; "runs" has a row a run and
 * exists only if there are replicates. Both start with the keys that vary, since these identify a point. A table's columns cannot change
 * after its first cell, hence the two walks. */
#include "report/sweep_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory_stream.h"
#include "base/units.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"

/* People see bytes in MiB, programs get bytes. */
enum { TEXT_SIZE = 112, MIB = 1 << 20 };

/* Suffixes of a figure's name for programs, in the order of `spread` in add_figure_cells. */
static const char *const spread_names[] = {"n", "std", "cv", "se", "ci_low", "ci_high"};
enum { SPREADS = sizeof spread_names / sizeof *spread_names };

/* --- columns -------------------------------------------------------------------------------------------------------------------------- */

/* `name` NULL: for people alone; `heading` NULL: for programs alone. */
static void add_column(struct table *table, const char *name, const char *heading, int decimals, double unit)
{
    table_add_column(table, &(struct table_column){name, heading, decimals, unit});
}

/* Which figures a sweep tells of, as indices into its results: those that people see, then the rest, which is for programs. */
struct figure_order {
    size_t list[FIGURES_MOST];
    size_t shown, count;
};

/* A table of groups: for whom, which figures, and of which groups in which order. */
struct row_choice {
    enum document_audience audience;
    struct figure_order figures;
    const size_t *order;             /* NULL: the plan's */
    const struct sweep_rows *folded; /* rows that say the same as another one are left out; NULL: none is */
    const char *replay_line;         /* for programs: what the rows' commands begin with; NULL: they have none */
};

static bool any_above_zero(const struct sweep_groups *groups, size_t figure)
{
    for (size_t i = 0; i < groups->count; i++)
        if (sweep_group_figure(groups, &groups->list[i], figure).mean > 0)
            return true;
    return false;
}

/* A wanted figure that no run has (an engine without it) is skipped. If the user named figures, programs get these alone as well: a list is
 * a list. */
static void order_figures(const struct sweep_groups *groups, struct figure_order *order)
{
    const struct sweep_result *result = &groups->sweep->result;
    const struct sweep_view *view = groups->view;
    bool taken[FIGURES_MOST] = {false};
    order->count = 0;
    for (size_t i = 0; i < view->figure_count; i++) {
        const size_t figure = sweep_result_find(result, view->figures[i]);
        if (figure == result->figure_count)
            continue;
        taken[figure] = true;
        order->list[order->count++] = figure;
    }
    order->shown = order->count;
    /* With requirements the last one counts requests that were not served, which people want to see only if there are some. */
    if (view->requirement_count > 0 && order->count > 0 && !any_above_zero(groups, order->list[order->count - 1]))
        order->shown--;
    for (size_t figure = 0; figure < result->figure_count && !view->chosen; figure++)
        if (!taken[figure])
            order->list[order->count++] = figure;
}

/* What people see alone. Requests that were dropped are told whenever there are some: without them a row looks better than it is. With
 * requirements a column counts all that were not served. */
static void order_for_people(const struct sweep_groups *groups, const struct figure_order *all, struct figure_order *order)
{
    const size_t dropped = sweep_result_find(&groups->sweep->result, "dropped"),
                 unserved = sweep_result_find(&groups->sweep->result, "unserved");
    bool known = dropped == groups->sweep->result.figure_count;
    *order = *all;
    order->count = all->shown;
    for (size_t i = 0; i < order->count; i++)
        known |= order->list[i] == dropped || order->list[i] == unserved;
    if (!known && order->count < FIGURES_MOST && any_above_zero(groups, dropped))
        order->list[order->count++] = dropped;
    order->shown = order->count;
}

/* --- varied keys ------------------------------------------------------------------------------------------------------------------------ */

/* Short words for keys that stand in most tables, so that they fit 80 columns. */
static const char *heading_of_key(const char *name)
{
    static const char *const headings[][2] = {{"block_size", "block"},
                                              {"num_gpu_blocks", "pool"},
                                              {"scheduling_policy", "policy"},
                                              {"max_num_seqs", "seqs"},
                                              {"max_num_batched_tokens", "budget"},
                                              {"enable_prefix_caching", "caching"},
                                              {"enable_chunked_prefill", "chunked"}};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        if (strcmp(headings[i][0], name) == 0)
            return headings[i][1];
    return name;
}

/* Numbers as they read back shortest: step sizes such as 0.1 must not show the digits of their binary form. */
static enum table_cells cells_of_key(enum key_type type)
{
    switch (type) {
    case KEY_UINT32:
    case KEY_UINT64:
    case KEY_INT64:
        return TABLE_WHOLE;
    case KEY_DOUBLE:
        return TABLE_EXACT;
    case KEY_BOOL:
        return TABLE_YES_NO;
    case KEY_CHOICE:
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
    case KEY_JSON:
        break;
    }
    return TABLE_TEXT;
}

/* A replicated seed is no setting of its row. */
static bool shows_key(const struct sweep_groups *groups, uint32_t key, bool seed)
{
    return seed || !groups->replicated || key != groups->seed_key;
}

static void add_key_columns(const struct sweep_groups *groups, bool seed, struct table *table)
{
    const struct sweep_keys *keys = &groups->sweep->plan->varied;
    for (uint32_t key = 0; key < keys->count; key++) {
        char name[SWEEP_KEY_NAME_SIZE];
        sweep_key_name(keys->list[key], name, sizeof name);
        if (shows_key(groups, key, seed))
            add_column(table, name, heading_of_key(name), cells_of_key(keys->list[key]->type), 0);
    }
}

/* Values of the plan are text, as on the command line; they become numbers here so that JSON has numbers. A key that this point does not
 * set is NULL and stays an empty cell. */
static void add_key_cells(const struct sweep_groups *groups, size_t point, bool seed, struct table *table)
{
    const struct sweep_plan *plan = groups->sweep->plan;
    for (uint32_t key = 0; key < plan->varied.count; key++) {
        const char *value = sweep_plan_value(plan, point, key);
        const enum table_cells cells = cells_of_key(plan->varied.list[key]->type);
        if (!shows_key(groups, key, seed))
            continue;
        if (value && cells == TABLE_YES_NO)
            table_flag(table, strcmp(value, "true") == 0);
        else if (value && isfinite(config_key_number(plan->varied.list[key], value)))
            table_number(table, config_key_number(plan->varied.list[key], value));
        else
            table_text(table, value); /* "inf" is no number in JSON */
    }
}

/* --- the table "rows" -------------------------------------------------------------------------------------------------------------------- */

/* Peaks are combined by their maximum over seeds, which has no interval. */
static bool has_spread(const struct sweep_groups *groups, const struct figure_kind *kind)
{
    return groups->replicated && kind->combine == FIGURE_MEAN;
}

/* People see the mean and half of the interval's width; programs all six numbers. */
static void add_figure_columns(const struct sweep_groups *groups, const struct figure_order *order, struct table *table)
{
    for (size_t i = 0; i < order->count; i++) {
        struct figure_kind kind = groups->sweep->result.figures[order->list[i]];
        const bool shown = i < order->shown, bytes = kind.unit == FIGURE_BYTES;
        char text[TEXT_SIZE];
        kind.whole = kind.whole && !has_spread(groups, &kind); /* a mean of counts is none */
        snprintf(text, sizeof text, "%s%s", kind.heading, bytes ? " MiB" : "");
        add_column(table, kind.name, shown ? text : NULL, figure_decimals(&kind), bytes ? MIB : 0);
        if (!has_spread(groups, &kind))
            continue;
        if (shown)
            add_column(table, NULL, "+-", figure_decimals(&kind), bytes ? MIB : 0);
        for (int s = 0; s < SPREADS; s++) {
            snprintf(text, sizeof text, "%s_%s", kind.name, spread_names[s]);
            add_column(table, text, NULL, 0, 0);
        }
    }
}

/* n is 0 when every run of the group ended before it had the figure. It is told as 0, all else as nothing. */
static void add_figure_cells(const struct sweep_groups *groups, const struct sweep_group *group, const struct figure_order *order,
                             struct table *table)
{
    for (size_t i = 0; i < order->count; i++) {
        const struct statistics found = sweep_group_figure(groups, group, order->list[i]);
        const double spread[SPREADS] = {(double)found.n, found.std, found.cv, found.se, found.ci_low, found.ci_high};
        table_number(table, found.n ? found.mean : (double)NAN);
        if (!has_spread(groups, &groups->sweep->result.figures[order->list[i]]))
            continue;
        if (i < order->shown)
            table_number(table, found.n ? found.ci_high - found.mean : (double)NAN);
        for (int s = 0; s < SPREADS; s++)
            table_number(table, found.n || s == 0 ? spread[s] : (double)NAN);
    }
}

/* NULL for a run that ended well. */
static const char *diagnosis_of(const struct sweep_groups *groups, size_t run)
{
    return groups->sweep->result.rows[run].diagnosis;
}

/* If so people need no column for the state, which would say "done" in every row. */
static bool all_done(const struct sweep_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->list[i].state != SWEEP_DONE)
            return false;
    return true;
}

/* A row's command, that of its first run. */
static void add_command(const struct sweep_groups *groups, const struct sweep_group *group, const char *replay_line,
                        struct document *document, struct table *table)
{
    char *text = NULL;
    size_t length;
    struct memory_stream stream;
    struct diag ignored = {0};
    if (!replay_line) {
        table_text(table, NULL);
        return;
    }
    if (memory_stream_open(&stream, &ignored) == SIM_OK) {
        fputs(replay_line, stream.file);
        sweep_plan_print_options(groups->sweep->plan, group->first, stream.file);
        if (memory_stream_close(&stream, &text, &length, &ignored) == SIM_OK)
            table_text(table, text);
    }
    if (ignored.status != SIM_OK && document)
        document->out_of_memory = true;
    free(text);
}

static void add_row_columns(struct table *table, const struct sweep_groups *groups, const struct row_choice *choice)
{
    add_column(table, "run", NULL, TABLE_WHOLE, 0);
    add_column(table, "on_front", "*", TABLE_STAR, 0);
    add_key_columns(groups, false, table);
    if (choice->folded)
        add_column(table, NULL, "same", TABLE_WHOLE, 0);
    if (groups->replicated)
        add_column(table, "seeds", NULL, TABLE_WHOLE, 0);
    add_column(table, "state", all_done(groups) ? NULL : "state", TABLE_TEXT, 0);
    if (!groups->replicated)
        add_column(table, "diagnosis", NULL, TABLE_TEXT, 0);
    if (groups->view->requirement_count > 0)
        add_column(table, "meets", "meets", TABLE_YES_NO, 0);
    add_figure_columns(groups, &choice->figures, table);
    if (choice->audience & FOR_PROGRAMS)
        add_column(table, "command", NULL, TABLE_TEXT, 0);
}

/* "run" is the number of the group's first run in the plan's order; it stays the same whatever is filtered or sorted. */
static void add_row(struct document *document, struct table *table, const struct sweep_groups *groups, size_t at,
                    const struct row_choice *choice)
{
    const struct sweep_group *group = &groups->list[at];
    table_number(table, (double)group->first);
    table_flag(table, group->on_front);
    add_key_cells(groups, group->first, false, table);
    if (choice->folded)
        table_number(table, choice->folded->alike[at] > 0 ? (double)choice->folded->alike[at] : (double)NAN);
    if (groups->replicated)
        table_number(table, (double)group->run_count);
    table_text(table, sweep_state_names[group->state]);
    if (!groups->replicated)
        table_text(table, diagnosis_of(groups, group->first));
    if (groups->view->requirement_count > 0)
        table_flag(table, group->meets);
    add_figure_cells(groups, group, &choice->figures, table);
    if (choice->audience & FOR_PROGRAMS)
        add_command(groups, group, choice->replay_line, document, table);
}

static bool is_told(const struct sweep_groups *groups, const struct sweep_rows *folded, size_t at)
{
    return (!groups->view->front_only || groups->list[at].on_front) && (!folded || folded->same_as[at] == at);
}

static void add_rows(struct document *document, const struct sweep_groups *groups, const struct row_choice *choice)
{
    struct table *table = document_table_for(document, choice->audience, "rows", NULL, 0);
    add_row_columns(table, groups, choice);
    for (size_t i = 0; i < groups->count; i++) {
        const size_t at = choice->order ? choice->order[i] : i;
        if (is_told(groups, choice->folded, at))
            add_row(document, table, groups, at, choice);
    }
}

/* People read the best first and equal rows once. Programs get every row, in the order of the plan, so that a series of values reads from top
 * to bottom, unless the user chose an order. */
static void add_tables_of_rows(struct document *document, const struct sweep_groups *groups, const struct sweep_rows *rows,
                               const struct figure_order *order, const char *replay_line)
{
    struct row_choice people = {.audience = FOR_PEOPLE, .order = rows->order, .folded = rows->folded > 0 ? rows : NULL};
    const struct row_choice programs = {
        .audience = FOR_PROGRAMS, .figures = *order, .order = groups->view->sort_chosen ? rows->order : NULL, .replay_line = replay_line};
    order_for_people(groups, order, &people.figures);
    add_rows(document, groups, &people);
    add_rows(document, groups, &programs);
}

/* Which rows were left out, for each that stands for others. Five are enough to see which key makes no difference. */
static void add_folded(struct document *document, const struct sweep_groups *groups, const struct sweep_rows *rows)
{
    enum { SHOWN = 5, POINT_SIZE = 72 };
    size_t told = 0, folded = 0;
    for (size_t i = 0; i < rows->count; i++)
        folded += rows->same_as[i] != i && is_told(groups, NULL, i);
    if (folded == 0)
        return;
    document_line(document, "\n%zu row%s left out that say%s the same in every figure (--sort none shows all):", folded,
                  folded == 1 ? " is" : "s are", folded == 1 ? "s" : "");
    for (size_t i = 0; i < rows->count && told < SHOWN; i++) {
        char point[POINT_SIZE], other[POINT_SIZE];
        const size_t at = rows->order[i];
        if (rows->same_as[at] == at || !is_told(groups, NULL, at))
            continue;
        told++;
        sweep_plan_describe(groups->sweep->plan, groups->list[at].first, point, sizeof point);
        sweep_plan_describe(groups->sweep->plan, groups->list[rows->same_as[at]].first, other, sizeof other);
        document_line(document, "  %s\n    as %s", point, other);
    }
    if (folded > told)
        document_line(document, "  and %zu more", folded - told);
}

/* --- the table "runs" --------------------------------------------------------------------------------------------------------------------- */

/* With --front, only runs of groups on the front, as in "rows": a reader joins the two tables by "row". */
static void add_runs(struct document *document, const struct sweep_groups *groups, const struct figure_order *order)
{
    const struct sweep_result *result = &groups->sweep->result;
    struct table *table = document_table_for(document, FOR_PROGRAMS, "runs", NULL, 0);
    add_column(table, "run", NULL, TABLE_WHOLE, 0);
    add_column(table, "row", NULL, TABLE_WHOLE, 0); /* the "run" of its row in the table "rows" */
    add_key_columns(groups, true, table);
    add_column(table, "state", NULL, TABLE_TEXT, 0);
    add_column(table, "diagnosis", NULL, TABLE_TEXT, 0);
    for (size_t i = 0; i < order->count; i++)
        add_column(table, result->figures[order->list[i]].name, NULL, 0, 0);
    for (size_t i = 0; i < groups->count; i++) {
        const struct sweep_group *group = &groups->list[i];
        for (size_t k = 0; k < group->run_count && (!groups->view->front_only || group->on_front); k++) {
            const struct sweep_row *row = &result->rows[group->runs[k]];
            table_numbers(table, (double)group->runs[k], (double)group->first);
            add_key_cells(groups, group->runs[k], true, table);
            table_text(table, sweep_state_names[row->state]);
            table_text(table, row->diagnosis);
            for (size_t f = 0; f < order->count; f++)
                table_number(table, row->values[order->list[f]]);
        }
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------------------- */

static bool varies_any(const struct sweep_plan *plan, const char *const *keys)
{
    for (uint32_t i = 0; i < plan->varied.count; i++)
        for (size_t k = 0; keys[k]; k++)
            if (strcmp(plan->varied.list[i]->name, keys[k]) == 0)
                return true;
    return false;
}

/* A column says what is varied, so the head must not. */
static void add_lines_of_keys(struct document *document, const struct sweep_plan *plan, const struct config *config)
{
    static const char *const arrivals[] = {
        "arrival_speedup_ratio", "request_rate",    "burstiness",          "ramp_up_strategy",      "ramp_up_start_rps",
        "ramp_up_end_rps",       "max_concurrency", "max_num_queued_reqs", "max_num_queued_tokens", NULL};
    static const char *const layers[] = {"model",
                                         "kv_cache_groups",
                                         "disable_hybrid_kv_cache_manager",
                                         "prefix_cache_retention_interval",
                                         "enable_prefix_caching",
                                         "block_size",
                                         "scheduler",
                                         NULL};
    static const char *const drafts[] = {"speculative_config", "draft_ns", "draft_ns_per_token", "scheduler", NULL};
    if (!varies_any(plan, layers))
        head_wrapped(document, "", "%s", head_groups_text(config).text);
    if (!varies_any(plan, drafts))
        head_wrapped(document, "", "%s", head_drafts_text(config).text);
    head_defaults(document, config);
    if (varies_any(plan, arrivals))
        return;
    head_arrivals(document, config);
    head_front_door(document, config);
}

/* The star is explained with the objectives that it is about: "best" means nothing without them. */
static void add_heading(struct document *document, const struct sweep_groups *groups, const struct config *config)
{
    const struct sweep *sweep = groups->sweep;
    const struct sweep_view *view = groups->view;
    char runs[UNIT_TEXT], requests[UNIT_TEXT];
    document_line(document, "%s: %s requests, %s runs", trace_title(sweep->traces[0]).text, unit_count(sweep->traces[0]->count, requests),
                  unit_count(sweep->plan->point_count, runs));
    add_lines_of_keys(document, sweep->plan, config);
    head_advice_begin(document);
    head_reading_put(document, sweep->traces[0]);
    head_advice_put(document, "", &sweep->advice.first);
    head_advice_end(document);
    step_times_note(document, config, sweep->step_times);
    if (view->requirement_count > 0)
        document_line(document, "* meets what is required, and nothing else that does is better in all of:");
    else
        document_line(document, "* nothing else is better in all of:");
    for (size_t i = 0; i < view->objective_count; i++)
        document_line(document, "    %s %s%s", view->objectives[i].maximise ? "most" : "least", view->objectives[i].name,
                      i + 1 < view->objective_count ? "," : "");
    if (view->tolerance > 0)
        document_line(document, "  where a difference of %g %% or less does not count", 100 * view->tolerance);
    if (groups->replicated)
        document_line(document, "means over %zu seeds; +- is half of the 95 %% interval of the mean", groups->list[0].run_count);
    document_line(document, "%s", "");
}

/* Why a row that looks fast does not meet a requirement. */
static void add_unserved(struct document *document, const struct sweep_groups *groups)
{
    size_t rows = 0;
    for (size_t i = 0; i < groups->count; i++)
        rows += groups->list[i].lacks_requests;
    if (rows > 0)
        document_line(document,
                      "\n%zu of %zu rows do not meet a requirement on latency because requests were\n"
                      "dropped or left unfinished; --allow-dropped judges the others alone",
                      rows, groups->count);
}

/* Runs that ended early, and why. Five are enough to see what went wrong; usually all have the same reason. */
static void add_ends(struct document *document, const struct sweep_groups *groups)
{
    enum { SHOWN = 5 };
    const struct sweep_result *result = &groups->sweep->result;
    size_t early = 0;
    for (size_t i = 0; i < result->count; i++) {
        char point[160];
        if (result->rows[i].state == SWEEP_DONE)
            continue;
        sweep_plan_describe(groups->sweep->plan, i, point, sizeof point);
        if (early++ < SHOWN)
            document_line(document, "%s%s:\n  %s", early == 1 ? "\n" : "", point,
                          result->rows[i].diagnosis ? result->rows[i].diagnosis : sweep_state_names[result->rows[i].state]);
    }
    if (early > SHOWN)
        document_line(document, "%zu more runs ended early; --format json tells of each", early - SHOWN);
}

/* Which columns of "rows" are keys, and which are the figures that people see: nothing else tells a program. */
static void add_columns(struct document *document, const struct sweep_groups *groups, const struct figure_order *order)
{
    const struct sweep_keys *keys = &groups->sweep->plan->varied;
    document_open_array(document, "varied_keys");
    for (uint32_t key = 0; key < keys->count; key++) {
        char name[SWEEP_KEY_NAME_SIZE];
        sweep_key_name(keys->list[key], name, sizeof name);
        if (shows_key(groups, key, false))
            document_text(document, NULL, name);
    }
    document_close(document);
    document_open_array(document, "shown_figures");
    for (size_t i = 0; i < order->shown; i++)
        document_text(document, NULL, groups->sweep->result.figures[order->list[i]].name);
    document_close(document);
}

struct document *sweep_report(const struct sweep_groups *groups, const struct sweep_rows *rows, const char *replay_line,
                              const struct document_origin *origin)
{
    const struct sweep_view *view = groups->view;
    struct document *document = document_create(origin);
    struct figure_order order;
    order_figures(groups, &order);
    add_heading(document, groups, origin->config);
    document_whole(document, "requests", groups->sweep->traces[0]->count);
    document_open_object(document, "objectives");
    for (size_t i = 0; i < view->objective_count; i++)
        document_text(document, view->objectives[i].name, view->objectives[i].maximise ? "max" : "min");
    document_close(document);
    document_number(document, "tolerance", view->tolerance);
    document_requirements(document, view->requirements, view->requirement_count);
    document_whole(document, "settings", groups->count);
    add_columns(document, groups, &order);
    add_tables_of_rows(document, groups, rows, &order, replay_line);
    if (groups->replicated)
        add_runs(document, groups, &order);
    add_folded(document, groups, rows);
    add_unserved(document, groups);
    add_ends(document, groups);
    sweep_page(document);
    return document;
}
