/* sweep_report.c - see sweep_report.h: views, groups, front, requirements. sweep_report_table.c prints. */
#include "study/sweep_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/nearest_name.h"
#include "study/pareto.h"

/* --- what is wanted --------------------------------------------------------------------------------------------------------------- */

/* The next name of "a,b,c" into `out`; NULL at the end. SIM_USAGE through `status` when it is empty or too long. */
static const char *next_item(const char *at, const char *option, char *out, size_t size, enum status *status, struct diag *diag)
{
    size_t length = strcspn(at, ",");
    if (length == 0 || length >= size) {
        *status = diag_set(diag, SIM_USAGE, "%s: \"%.*s\" is not a figure's name", option, (int)(length < 100 ? length : 100), at);
        return NULL;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    return at[length] == ',' ? at + length + 1 : NULL;
}

enum status sweep_view_objectives(struct sweep_view *view, const char *text, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!text)
        text = "request_throughput_per_s:max,p99_ttft_ms:min,pool_bytes:min";
    view->objective_count = 0;
    for (const char *at = text; at && status == SIM_OK;) {
        struct sweep_objective objective;
        if (view->objective_count == SWEEP_OBJECTIVES_MOST)
            return diag_set(diag, SIM_USAGE, "--objectives: more than %d", SWEEP_OBJECTIVES_MOST);
        at = next_item(at, "--objectives", objective.name, sizeof objective.name, &status, diag);
        if (status != SIM_OK)
            break;
        char *colon = strchr(objective.name, ':');
        objective.maximise = colon && strcmp(colon, ":max") == 0;
        if (!colon || (!objective.maximise && strcmp(colon, ":min") != 0))
            return diag_set(diag, SIM_USAGE, "--objectives: \"%s\": NAME:max or NAME:min is wanted, as in p99_ttft_ms:min", objective.name);
        *colon = '\0';
        view->objectives[view->objective_count++] = objective;
    }
    return status;
}

static enum status add_column(struct sweep_view *view, const char *name, struct diag *diag)
{
    for (size_t i = 0; i < view->figure_count; i++)
        if (strcmp(view->figures[i], name) == 0)
            return SIM_OK;
    if (view->figure_count == SWEEP_FIGURES_MOST)
        return diag_set(diag, SIM_USAGE, "--figures: more than %d columns", SWEEP_FIGURES_MOST);
    snprintf(view->figures[view->figure_count++], sizeof view->figures[0], "%s", name);
    return SIM_OK;
}

enum status sweep_view_figures(struct sweep_view *view, const char *text, bool moves_bytes, struct diag *diag)
{
    enum status status = SIM_OK;
    view->chosen = text != NULL;
    view->figure_count = 0;
    if (!text)
        text = moves_bytes ? "request_throughput_per_s,p99_ttft_ms,gather_gb_per_s,share_of_limit"
                           : "request_throughput_per_s,p99_ttft_ms,preemptions,prefix_hit_rate";
    for (const char *at = text; at && status == SIM_OK;) {
        char name[64];
        at = next_item(at, "--figures", name, sizeof name, &status, diag);
        if (status == SIM_OK)
            status = add_column(view, name, diag);
    }
    for (size_t i = 0; i < view->requirement_count && status == SIM_OK; i++)
        status = add_column(view, view->requirements[i].name, diag);
    for (size_t i = 0; i < view->objective_count && status == SIM_OK; i++)
        status = add_column(view, view->objectives[i].name, diag);
    return status;
}

static bool is_measured(const char *name)
{
    return strcmp(name, "gather_gb_per_s") == 0 || strcmp(name, "attend_gb_per_s") == 0 || strcmp(name, "share_of_limit") == 0 ||
           strncmp(name, "data_", 5) == 0;
}

static enum status check_name(const char *option, const char *name, const struct figure_list *known, bool moves_bytes, struct diag *diag)
{
    if (figure_list_find(known, name) < known->count || (moves_bytes && is_measured(name)))
        return SIM_OK;
    const char **names;
    enum status status = array_zeroed(&names, known->count, sizeof *names, "names of figures", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < known->count; i++)
        names[i] = known->figures[i].name;
    const char *near = nearest_name(name, names, known->count);
    status = diag_set(diag, SIM_USAGE, "%s: there is no figure \"%s\"; %s%s%s", option, name,
                      near ? "did you mean \"" : "--format json lists them", near ? near : "", near ? "\"?" : "");
    free(names);
    return status;
}

enum status sweep_view_check(const struct sweep_view *view, const struct figure_list *known, bool moves_bytes, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < view->objective_count && status == SIM_OK; i++)
        status = check_name("--objectives", view->objectives[i].name, known, moves_bytes, diag);
    for (size_t i = 0; i < view->requirement_count && status == SIM_OK; i++) {
        bool met;
        double actual;
        if (!moves_bytes || !is_measured(view->requirements[i].name))
            status = requirement_check(&view->requirements[i], known->figures, known->count, &met, &actual, diag);
    }
    for (size_t i = 0; i < view->figure_count && status == SIM_OK; i++)
        status = check_name("--figures", view->figures[i], known, moves_bytes, diag);
    return status;
}

/* --- groups ----------------------------------------------------------------------------------------------------------------------- */

/* A run and the plan, for sorting: runs with equal cells but for the seed's stand together, in order of the plan. */
struct keyed_run {
    const uint32_t *cells;
    const struct sweep_plan *plan;
    size_t run;
    uint32_t seed_key;
};

static int compare_settings(const struct keyed_run *a, const struct keyed_run *b)
{
    for (uint32_t key = 0; key < a->plan->key_count; key++) {
        if (key == a->seed_key || a->cells[key] == b->cells[key])
            continue;
        return a->cells[key] < b->cells[key] ? -1 : 1;
    }
    return 0;
}

static int by_settings(const void *left, const void *right)
{
    const struct keyed_run *a = left, *b = right;
    int order = compare_settings(a, b);
    return order ? order : a->run < b->run ? -1 : a->run > b->run;
}

static int by_first(const void *left, const void *right)
{
    const struct sweep_group *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

static uint32_t seed_key_of(const struct sweep_plan *plan)
{
    uint32_t key = 0;
    while (key < plan->key_count && strcmp(plan->keys[key]->name, "seed") != 0)
        key++;
    return key;
}

static void collect_groups(struct sweep_report *report, struct keyed_run *runs, size_t count)
{
    /* Without a seed every run is its own group, even if two points say the same. */
    const bool seeded = count > 0 && runs[0].seed_key < runs[0].plan->key_count;
    for (size_t i = 0; i < count; i++) {
        const struct sweep_row *row = &report->sweep->result.rows[runs[i].run];
        report->members[i] = runs[i].run;
        if (i == 0 || !seeded || compare_settings(&runs[i - 1], &runs[i]) != 0)
            report->groups[report->group_count++] =
                (struct sweep_group){.first = runs[i].run, .runs = &report->members[i], .state = SWEEP_DONE};
        struct sweep_group *group = &report->groups[report->group_count - 1];
        report->replicated |= group->run_count++ > 0;
        if (row->state > group->state)
            group->state = row->state;
    }
    qsort(report->groups, report->group_count, sizeof *report->groups, by_first);
}

static enum status make_groups(struct sweep_report *report, struct diag *diag)
{
    const struct sweep_plan *plan = report->sweep->plan;
    const size_t count = plan->point_count;
    const uint32_t seed_key = seed_key_of(plan);
    struct keyed_run *runs = NULL;
    enum status status = array_zeroed(&report->groups, count, sizeof *report->groups, "results of a sweep", diag);
    if (status == SIM_OK)
        status = array_zeroed(&report->members, count, sizeof *report->members, "results of a sweep", diag);
    if (status == SIM_OK)
        status = array_zeroed(&runs, count, sizeof *runs, "results of a sweep", diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        runs[i] = (struct keyed_run){.cells = &plan->cells[i * plan->key_count], .plan = plan, .run = i, .seed_key = seed_key};
    if (status == SIM_OK && seed_key < plan->key_count)
        qsort(runs, count, sizeof *runs, by_settings);
    if (status == SIM_OK)
        collect_groups(report, runs, count);
    free(runs);
    return status;
}

struct statistics sweep_group_figure(const struct sweep_report *report, const struct sweep_group *group, const char *name)
{
    enum { SMALL = 64 };
    double few[SMALL] = {0}, *values = few;
    struct statistics out = {0};
    size_t n = 0;
    if (group->run_count > SMALL && !(values = calloc(group->run_count, sizeof *values)))
        return out; /* n = 0: nothing to tell */
    for (size_t i = 0; i < group->run_count; i++) {
        double value = sweep_row_figure(&report->sweep->result.rows[group->runs[i]], name);
        if (!isnan(value))
            values[n++] = value;
    }
    out = statistics_of(values, n);
    if (values != few)
        free(values);
    return out;
}

static double mean_of(const struct sweep_report *report, const struct sweep_group *group, const char *name)
{
    struct statistics statistics = sweep_group_figure(report, group, name);
    return statistics.n > 0 ? statistics.mean : NAN;
}

/* --- front and requirements ------------------------------------------------------------------------------------------------------- */

static enum status find_front(struct sweep_report *report, struct diag *diag)
{
    const size_t objectives = report->view->objective_count;
    double *values = NULL, most = 0;
    bool *on_front = NULL, maximise[SWEEP_OBJECTIVES_MOST];
    enum status status = array_zeroed(&values, report->group_count * objectives, sizeof *values, "a Pareto front", diag);
    if (status == SIM_OK)
        status = array_zeroed(&on_front, report->group_count, sizeof *on_front, "a Pareto front", diag);
    for (size_t o = 0; o < objectives; o++)
        maximise[o] = report->view->objectives[o].maximise;
    for (size_t i = 0; i < report->group_count && status == SIM_OK; i++)
        most = fmax(most, mean_of(report, &report->groups[i], "completed"));
    for (size_t i = 0; i < report->group_count && status == SIM_OK; i++) {
        const struct sweep_group *group = &report->groups[i];
        bool competes = group->state == SWEEP_DONE && mean_of(report, group, "completed") >= most;
        for (size_t o = 0; o < objectives; o++)
            values[i * objectives + o] = competes ? mean_of(report, group, report->view->objectives[o].name) : NAN;
    }
    if (status == SIM_OK)
        status = pareto_front(values, report->group_count, objectives, maximise, on_front, diag);
    for (size_t i = 0; i < report->group_count && status == SIM_OK; i++)
        report->groups[i].on_front = on_front[i];
    free(values);
    free(on_front);
    return status;
}

/* A run that ended early met nothing, whatever its figures say. */
static enum status judge_groups(struct sweep_report *report, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < report->group_count; i++) {
        struct sweep_group *group = &report->groups[i];
        group->meets = group->state == SWEEP_DONE;
        for (size_t r = 0; r < report->view->requirement_count && status == SIM_OK; r++) {
            const struct requirement *requirement = &report->view->requirements[r];
            struct figure figure = {.value = mean_of(report, group, requirement->name)};
            bool met;
            double actual;
            memcpy(figure.name, requirement->name, sizeof figure.name);
            figure.undefined = isnan(figure.value);
            status = requirement_check(requirement, &figure, 1, &met, &actual, diag);
            group->meets &= status == SIM_OK && met;
        }
    }
    return status;
}

static bool no_spread(const struct sweep_report *report)
{
    for (size_t i = 0; i < report->group_count; i++) {
        const struct figure_list *names = report->sweep->result.rows[report->groups[i].first].names;
        for (size_t f = 0; f < names->count; f++)
            if (!is_measured(names->figures[f].name) && sweep_group_figure(report, &report->groups[i], names->figures[f].name).std > 0)
                return false;
    }
    return true;
}

enum status sweep_report_make(struct sweep_report *report, const struct sweep *sweep, const struct sweep_view *view, struct diag *diag)
{
    *report = (struct sweep_report){.sweep = sweep, .view = view};
    enum status status = make_groups(report, diag);
    if (status == SIM_OK)
        status = find_front(report, diag);
    if (status == SIM_OK)
        status = judge_groups(report, diag);
    report->seeds_made_no_difference = status == SIM_OK && report->replicated && no_spread(report);
    return status;
}

void sweep_report_deinit(struct sweep_report *report)
{
    free(report->groups);
    free(report->members);
    *report = (struct sweep_report){0};
}

enum status sweep_report_judge(const struct sweep_report *report, struct diag *diag)
{
    if (report->view->requirement_count == 0)
        return SIM_OK;
    for (size_t i = 0; i < report->group_count; i++)
        if (report->groups[i].meets)
            return SIM_OK;
    return diag_set(diag, SIM_REQUIREMENT, "no point meets %s",
                    report->view->requirement_count == 1 ? report->view->requirements[0].text : "all requirements");
}
