/* sweep_rows.c - sorts rows by keys that are made once, then finds equal rows by sorting them by all their figures. Read sweep_rows.h first. */
#include "study/sweep_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/sort_with.h"

/* What the comparisons look at: of each group its keys, the smaller the earlier, and all its figures. */
struct tables {
    const struct sweep_groups *groups;
    double *keys, *figures;
    size_t key_count, figure_count;
    const size_t *place; /* in the order so far, by group */
};

enum { KEYS_OF_STATE = 2 };

/* As far as people see it: rows that look alike are ordered by what they differ in visibly. Bytes are seen as MiB. */
static double as_shown(const struct figure_kind *kind, double value)
{
    const double mib = 1 << 20, scale = kind->unit == FIGURE_BYTES ? 1 / mib : 1;
    const int decimals = figure_decimals(kind);
    return rint(value * scale * pow(10, decimals > 0 ? decimals : 0));
}

static double key_of(const struct sweep_groups *groups, const struct sweep_group *group, const struct sweep_objective *by)
{
    const struct sweep_result *result = &groups->sweep->result;
    const size_t figure = sweep_result_find(result, by->name);
    const struct statistics found = sweep_group_figure(groups, group, figure);
    if (found.n == 0)
        return INFINITY;
    const double shown = as_shown(&result->figures[figure], found.mean);
    return by->maximise ? -shown : shown;
}

static void make_keys(const struct tables *tables, size_t i)
{
    const struct sweep_groups *groups = tables->groups;
    const struct sweep_view *view = groups->view;
    const struct sweep_group *group = &groups->list[i];
    double *key = tables->keys + i * tables->key_count;
    *key++ = !group->meets;
    *key++ = group->state;
    *key++ = view->sort.name[0] ? key_of(groups, group, &view->sort) : 0;
    for (size_t o = 0; o < view->objective_count; o++)
        *key++ = key_of(groups, group, &view->objectives[o]);
    for (size_t f = 0; f < tables->figure_count; f++) {
        const struct statistics found = sweep_group_figure(groups, group, f);
        double *figure = tables->figures + (i * tables->figure_count + f) * 2;
        figure[0] = found.n > 0 ? found.mean : INFINITY; /* infinity is no figure's value */
        figure[1] = found.n > 0 ? found.ci_high : INFINITY;
    }
}

static int compare_rows_of(const double *table, size_t width, size_t a, size_t b)
{
    for (size_t i = 0; i < width; i++) {
        const int order = compare_doubles(table[a * width + i], table[b * width + i]);
        if (order)
            return order;
    }
    return 0;
}

static int by_keys(const void *left, const void *right, void *context)
{
    const struct tables *tables = context;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const int order = compare_rows_of(tables->keys, tables->key_count, a, b);
    return order ? order : compare_u64(a, b); /* groups stand in the order of the plan */
}

/* 0 is "the same". How a run ended counts as well. */
static int compare_figures(const struct tables *tables, size_t a, size_t b)
{
    const struct sweep_group *list = tables->groups->list;
    const int order = compare_u64(list[a].state, list[b].state);
    return order ? order : compare_rows_of(tables->figures, 2 * tables->figure_count, a, b);
}

static int by_figures(const void *left, const void *right, void *context)
{
    const struct tables *tables = context;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const int order = compare_figures(tables, a, b);
    return order ? order : compare_u64(tables->place[a], tables->place[b]);
}

/* Equal rows stand together then, the one that is told first at their head. */
static void fold(struct sweep_rows *rows, const struct tables *tables, size_t *sorted)
{
    memcpy(sorted, rows->order, rows->count * sizeof *sorted);
    sort_with(sorted, rows->count, sizeof *sorted, by_figures, (void *)(uintptr_t)tables);
    for (size_t i = 0, head = 0; i < rows->count; i++) {
        if (compare_figures(tables, sorted[head], sorted[i]) != 0)
            head = i;
        rows->same_as[sorted[i]] = sorted[head];
        rows->alike[sorted[head]] += i > head;
        rows->folded += i > head;
    }
}

enum status sweep_rows_make(struct sweep_rows *rows, const struct sweep_groups *groups, struct diag *diag)
{
    struct tables tables = {.groups = groups,
                            .key_count = KEYS_OF_STATE + 1 + groups->view->objective_count,
                            .figure_count = groups->sweep->result.figure_count};
    const size_t count = groups->count;
    size_t *place = NULL, *sorted = NULL;
    *rows = (struct sweep_rows){.count = count};
    const struct array_request arrays[] = {ARRAY_OF(rows->order, count),
                                           ARRAY_OF(rows->same_as, count),
                                           ARRAY_OF(rows->alike, count),
                                           ARRAY_OF(tables.keys, count * tables.key_count),
                                           ARRAY_OF(tables.figures, 2 * count * tables.figure_count),
                                           ARRAY_OF(place, count),
                                           ARRAY_OF(sorted, count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "rows of a sweep", diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        rows->order[i] = rows->same_as[i] = i;
        if (!groups->view->unsorted)
            make_keys(&tables, i);
    }
    if (!groups->view->unsorted && status == SIM_OK) {
        sort_with(rows->order, count, sizeof *rows->order, by_keys, &tables);
        for (size_t i = 0; i < count; i++)
            place[rows->order[i]] = i;
        tables.place = place;
        fold(rows, &tables, sorted);
    }
    free(tables.keys);
    free(tables.figures);
    free(place);
    free(sorted);
    return status;
}

void sweep_rows_deinit(struct sweep_rows *rows)
{
    free(rows->order);
    free(rows->same_as);
    free(rows->alike);
    *rows = (struct sweep_rows){0};
}
