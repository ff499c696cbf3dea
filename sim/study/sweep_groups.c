/* sweep_groups.c - first what the user wants to see of a sweep, then how runs become groups, which groups are on the front and which meet
 * the requirements. Start with sweep_groups_make at the end. */
#include "study/sweep_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/sort_with.h"
#include "study/pareto.h"

/* --- what is wanted --------------------------------------------------------------------------------------------------------------- */

/* The next name of "a,b,c" into `out`, FIGURE_NAME_SIZE bytes; moves *at on, to NULL after the last one. */
static enum status next_item(const char **at, const char *option, char *out, struct diag *diag)
{
    const char *text = *at;
    const size_t length = strcspn(text, ",");
    if (length == 0 || length >= FIGURE_NAME_SIZE)
        return diag_set(diag, SIM_USAGE, "%s: \"%.*s\" is not a figure's name", option, (int)(length < 100 ? length : 100), text);
    memcpy(out, text, length);
    out[length] = '\0';
    *at = text[length] == ',' ? text + length + 1 : NULL;
    return SIM_OK;
}

/* Every name that a user gives goes through here before anything is replayed: a misspelt figure must not be found after an hour. A
 * percentile that no report lists is computed only on a wish, since it costs a selection over all requests. */
static enum status check_and_wish(const char *option, const char *name, unsigned scopes, struct figure_wishes *wishes, struct diag *diag)
{
    enum status status = figure_check_name(option, name, scopes, diag);
    return status == SIM_OK ? figure_wish(wishes, name, diag) : status;
}

/* "p99_ttft_ms:min": cuts the name there. Without :min or :max the table of figures decides. Some figures (running requests, blocks in
 * use) are neither better nor worse when they grow; then a guess would silently turn the front around, so the user has to say it. */
static enum status read_sense(const char *option, struct sweep_objective *objective, struct diag *diag)
{
    struct figure_kind made;
    char *colon = strchr(objective->name, ':');
    if (colon) {
        objective->maximise = strcmp(colon, ":max") == 0;
        if (!objective->maximise && strcmp(colon, ":min") != 0)
            return diag_set(diag, SIM_USAGE, "%s: \"%s\": NAME, NAME:max or NAME:min is wanted, as in p99_ttft_ms:min", option,
                            objective->name);
        *colon = '\0';
        return SIM_OK;
    }
    const struct figure_kind *kind = figure_kind_find(objective->name, &made);
    if (kind && kind->sense == FIGURE_NEITHER)
        return diag_set(diag, SIM_USAGE, "%s: more of %s is neither better nor worse; say %s:max or %s:min", option, objective->name,
                        objective->name, objective->name);
    objective->maximise = kind && kind->sense == FIGURE_MORE_IS_BETTER;
    return SIM_OK;
}

/* The usual three are the trade that a pool's size makes: more memory buys throughput and shorter waits. */
enum status sweep_view_objectives(struct sweep_view *view, const char *text, unsigned scopes, struct figure_wishes *wishes,
                                  struct diag *diag)
{
    view->objective_count = 0;
    for (const char *at = text ? text : "request_throughput,p99_ttft_ms,pool_bytes"; at;) {
        if (view->objective_count == SWEEP_OBJECTIVES_MOST)
            return diag_set(diag, SIM_USAGE, "--objectives: more than %d", SWEEP_OBJECTIVES_MOST);
        struct sweep_objective *objective = &view->objectives[view->objective_count++];
        if (next_item(&at, "--objectives", objective->name, diag) != SIM_OK || read_sense("--objectives", objective, diag) != SIM_OK)
            return diag->status;
        for (size_t i = 0; i + 1 < view->objective_count; i++)
            if (strcmp(view->objectives[i].name, objective->name) == 0)
                return diag_set(diag, SIM_USAGE, "--objectives: %s is given twice", objective->name);
        if (check_and_wish("--objectives", objective->name, scopes, wishes, diag) != SIM_OK)
            return diag->status;
    }
    return SIM_OK;
}

enum status sweep_view_sort(struct sweep_view *view, const char *text, unsigned scopes, struct figure_wishes *wishes, struct diag *diag)
{
    view->sort_chosen = text != NULL;
    view->unsorted = text && strcmp(text, "none") == 0;
    if (!text || view->unsorted)
        return SIM_OK;
    const char *at = text;
    if (next_item(&at, "--sort", view->sort.name, diag) != SIM_OK || read_sense("--sort", &view->sort, diag) != SIM_OK)
        return diag->status;
    return at ? diag_set(diag, SIM_USAGE, "--sort %s: one figure is wanted, or none", text)
              : check_and_wish("--sort", view->sort.name, scopes, wishes, diag);
}

/* A figure that is both asked for and an objective is shown once, where it was named first. */
static enum status add_figure(struct sweep_view *view, const char *name, struct diag *diag)
{
    for (size_t i = 0; i < view->figure_count; i++)
        if (strcmp(view->figures[i], name) == 0)
            return SIM_OK;
    if (view->figure_count == SWEEP_FIGURES_MOST)
        return diag_set(diag, SIM_USAGE, "--figures: more than %d", SWEEP_FIGURES_MOST);
    snprintf(view->figures[view->figure_count++], FIGURE_NAME_SIZE, "%s", name);
    return SIM_OK;
}

/* What decided the front or a requirement is always shown, even if the user chose other figures: a table that marks a point as the best
 * without the number that made it so cannot be checked. */
enum status sweep_view_figures(struct sweep_view *view, const char *text, unsigned scopes, struct figure_wishes *wishes, struct diag *diag)
{
    static const char usual[] = "request_throughput,p99_ttft_ms,preemptions,prefix_hit_rate",
                      of_bytes[] = "request_throughput,p99_ttft_ms,gather_gb_per_s,share_of_limit";
    view->chosen = text != NULL;
    view->figure_count = 0;
    for (const char *at = text ? text : scopes & FIGURE_SCOPE(FIGURE_OF_MACHINE) ? of_bytes : usual; at;) {
        char name[FIGURE_NAME_SIZE];
        if (next_item(&at, "--figures", name, diag) != SIM_OK || check_and_wish("--figures", name, scopes, wishes, diag) != SIM_OK ||
            add_figure(view, name, diag) != SIM_OK)
            return diag->status;
    }
    enum status status = SIM_OK;
    for (size_t i = 0; i < view->requirement_count && status == SIM_OK; i++)
        status = add_figure(view, view->requirements[i].name, diag);
    for (size_t i = 0; i < view->objective_count && status == SIM_OK; i++)
        status = add_figure(view, view->objectives[i].name, diag);
    if (view->sort.name[0] && status == SIM_OK)
        status = add_figure(view, view->sort.name, diag);
    if (view->requirement_count > 0 && status == SIM_OK)
        status = add_figure(view, "unserved", diag); /* the last: the report hides it from people if it is 0 everywhere */
    return status;
}

/* --- groups ----------------------------------------------------------------------------------------------------------------------- */

/* Do two runs have equal cells but for the seed's? Else which comes first. Cells are indices of values, so this compares which value was
 * meant, not what it says: `8,8` are two settings, each with runs of its own. The order is that of the plan. */
static int compare_settings(const struct sweep_groups *groups, size_t a, size_t b)
{
    const struct sweep_plan *plan = groups->sweep->plan;
    const uint32_t keys = plan->varied.count, *of_a = &plan->cells[a * keys], *of_b = &plan->cells[b * keys];
    for (uint32_t key = 0; key < keys; key++)
        if (key != groups->seed_key && of_a[key] != of_b[key])
            return compare_u64(of_a[key], of_b[key]);
    return 0;
}

/* Runs with equal settings stand together, in order of the plan, so that the first of each group is the run that came first. */
static int by_settings(const void *left, const void *right, void *groups)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const int order = compare_settings(groups, a, b);
    return order ? order : compare_u64(a, b);
}

static int by_first(const void *left, const void *right)
{
    const struct sweep_group *a = left, *b = right;
    return compare_u64(a->first, b->first);
}

/* From groups->members, in order of settings if there is a seed to leave out. The runs of a group are a part of that array, so no group
 * owns memory. States are in order of how bad they are (sweep_result.h): one replicate that died marks its group. At the end groups stand
 * in the order in which their first runs stand in the plan, as users wrote it. */
static void collect_groups(struct sweep_groups *groups, bool seeded)
{
    for (size_t i = 0; i < groups->sweep->plan->point_count; i++) {
        size_t *run = &groups->members[i];
        const enum sweep_state state = groups->sweep->result.rows[*run].state;
        /* Without a seed every run is its own group, even if two points say the same. */
        if (i == 0 || !seeded || compare_settings(groups, run[-1], *run) != 0)
            groups->list[groups->count++] = (struct sweep_group){.first = *run, .runs = run, .state = SWEEP_DONE};
        struct sweep_group *group = &groups->list[groups->count - 1];
        groups->replicated |= group->run_count++ > 0;
        if (state > group->state)
            group->state = state;
    }
    qsort(groups->list, groups->count, sizeof *groups->list, by_first);
}

/* Sorting instead of a hash of settings: O(n log n) comparisons, with at most a million runs, and no table to size. */
static enum status make_groups(struct sweep_groups *groups, struct diag *diag)
{
    const struct sweep_plan *plan = groups->sweep->plan;
    const size_t count = plan->point_count;
    const struct array_request arrays[] = {ARRAY_OF(groups->list, count), ARRAY_OF(groups->members, count),
                                           ARRAY_OF(groups->scratch, count)};
    enum status status = array_zeroed_all(arrays, 3, "results of a sweep", diag);
    if (status != SIM_OK)
        return status;
    groups->seed_key = sweep_keys_seed(&plan->varied);
    const bool seeded = groups->seed_key < plan->varied.count;
    for (size_t i = 0; i < count; i++)
        groups->members[i] = i;
    if (seeded)
        sort_with(groups->members, count, sizeof *groups->members, by_settings, groups);
    collect_groups(groups, seeded);
    return SIM_OK;
}

/* The values of a figure in a group's runs, without those that are undefined, into the scratch that all groups share. How many there are.
 */
static size_t gather(const struct sweep_groups *groups, const struct sweep_group *group, size_t figure)
{
    size_t n = 0;
    for (size_t i = 0; i < group->run_count; i++) {
        const double value = groups->sweep->result.rows[group->runs[i]].values[figure];
        if (!isnan(value))
            groups->scratch[n++] = value;
    }
    return n;
}

/* A peak is what the hardware must have room for, so its replicates combine to the largest one. A mean of peaks would be exceeded by some
 * of the very runs that it describes. It has no interval. */
struct statistics sweep_group_figure(const struct sweep_groups *groups, const struct sweep_group *group, size_t figure)
{
    const size_t n = figure < groups->sweep->result.figure_count ? gather(groups, group, figure) : 0;
    if (n == 0)
        return (struct statistics){0};
    if (groups->sweep->result.figures[figure].combine != FIGURE_MAX)
        return statistics_of(groups->scratch, n);
    double most = groups->scratch[0];
    for (size_t i = 1; i < n; i++)
        most = fmax(most, groups->scratch[i]);
    return (struct statistics){.n = n, .mean = most, .ci_low = most, .ci_high = most};
}

/* NaN: no run has it. */
static double value_of(const struct sweep_groups *groups, const struct sweep_group *group, const char *name)
{
    const struct statistics statistics = sweep_group_figure(groups, group, sweep_result_find(&groups->sweep->result, name));
    return statistics.n > 0 ? statistics.mean : (double)NAN;
}

/* --- front and requirements ------------------------------------------------------------------------------------------------------- */

/* A run that ended early met nothing, whatever its figures say. A group left a request unserved if one of its runs did: the mean is above 0
 * then. */
static void judge_groups(struct sweep_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct sweep_group *group = &groups->list[i];
        const double unserved = value_of(groups, group, "unserved");
        group->meets = group->state == SWEEP_DONE;
        for (size_t r = 0; r < groups->view->requirement_count; r++) {
            const struct requirement *requirement = &groups->view->requirements[r];
            group->meets = group->meets && requirement_met(requirement, value_of(groups, group, requirement->name), unserved);
            group->lacks_requests = group->lacks_requests || requirement_lacks_requests(requirement, unserved);
        }
        groups->some_lack_requests = groups->some_lack_requests || group->lacks_requests;
    }
}

/* Only groups that meet all requirements compete: a front of settings that nobody may use answers no question. A pool too small for some
 * requests turns them away and looks fast with the rest; so does a run that stalls early. Such groups must not push an honest one off the
 * front, either. They get NaN as objectives, which pareto_front leaves out. */
static enum status find_front(struct sweep_groups *groups, struct diag *diag)
{
    const struct sweep_view *view = groups->view;
    double *values = NULL, most = 0;
    bool *on_front = NULL, maximise[SWEEP_OBJECTIVES_MOST];
    const struct array_request arrays[] = {ARRAY_OF(values, groups->count * view->objective_count), ARRAY_OF(on_front, groups->count)};
    enum status status = array_zeroed_all(arrays, 2, "a Pareto front", diag);
    for (size_t o = 0; o < view->objective_count; o++)
        maximise[o] = view->objectives[o].maximise;
    for (size_t i = 0; i < groups->count; i++)
        if (groups->list[i].meets)
            most = fmax(most, value_of(groups, &groups->list[i], "completed"));
    for (size_t i = 0; i < groups->count && status == SIM_OK; i++) {
        const struct sweep_group *group = &groups->list[i];
        bool competes = group->meets && value_of(groups, group, "completed") >= most;
        for (size_t o = 0; o < view->objective_count; o++)
            values[i * view->objective_count + o] = competes ? value_of(groups, group, view->objectives[o].name) : NAN;
    }
    if (status == SIM_OK)
        status = pareto_front(values, groups->count, view->objective_count, maximise, view->tolerance, on_front, diag);
    for (size_t i = 0; i < groups->count && status == SIM_OK; i++)
        groups->list[i].on_front = on_front[i];
    free(values);
    free(on_front);
    return status;
}

/* Do all replicates agree in every figure that is not measured on this machine? Then the seed had no effect: requests came from a file,
 * with their own arrival times. The intervals of width 0 would look like certainty, so the command says it instead. */
static bool no_spread(const struct sweep_groups *groups)
{
    const struct sweep_result *result = &groups->sweep->result;
    for (size_t i = 0; i < groups->count; i++)
        for (size_t figure = 0; figure < result->figure_count; figure++) {
            const size_t n = result->figures[figure].scope == FIGURE_OF_MACHINE ? 0 : gather(groups, &groups->list[i], figure);
            for (size_t k = 1; k < n; k++)
                if (groups->scratch[k] != groups->scratch[0])
                    return false;
        }
    return true;
}

enum status sweep_groups_make(struct sweep_groups *groups, const struct sweep *sweep, const struct sweep_view *view, struct diag *diag)
{
    *groups = (struct sweep_groups){.sweep = sweep, .view = view};
    if (make_groups(groups, diag) != SIM_OK)
        return diag->status;
    judge_groups(groups);
    if (find_front(groups, diag) != SIM_OK)
        return diag->status;
    groups->seeds_made_no_difference = groups->replicated && no_spread(groups);
    return SIM_OK;
}

void sweep_groups_deinit(struct sweep_groups *groups)
{
    free(groups->list);
    free(groups->members);
    free(groups->scratch);
    *groups = (struct sweep_groups){0};
}

/* One point that meets all requirements is enough: a sweep looks for a setting that works, and most points are expected to fail. */
enum status sweep_groups_judge(const struct sweep_groups *groups, struct diag *diag)
{
    if (groups->view->requirement_count == 0)
        return SIM_OK;
    for (size_t i = 0; i < groups->count; i++)
        if (groups->list[i].meets)
            return SIM_OK;
    return diag_set(
        diag, SIM_REQUIREMENT, "no point meets %s%s",
        groups->view->requirement_count == 1 ? groups->view->requirements[0].text : "all requirements",
        groups->some_lack_requests ? "; requests were dropped or left unfinished: --allow-dropped judges the latencies of the rest" : "");
}
