/* capacity_curve.c - two searches side by side, then the points, all at once. Start with capacity_curve_make. */
#include "study/capacity_curve.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/progress.h"
#include "study/parallel_runs.h"

/* The two searches: without the requirements, and with them. */
struct searches {
    const struct capacity_question *question;
    struct load_question asked[2];
    struct rate_found found[2];
};

struct search {
    const struct searches *searches;
    const struct load_question *asked;
};

static enum status verdict(void *context, int32_t rung, bool *passes, struct diag *diag)
{
    const struct search *search = context;
    const struct capacity_question *question = search->searches->question;
    struct load_result result = {.figures = NULL};
    enum status status = load_run(search->asked, question->config, question->ladder->loads[rung], question->config->seed, &result, diag);
    *passes = result.passes;
    return status;
}

static enum status search_one(void *context, size_t i, struct diag *diag)
{
    struct searches *searches = context;
    struct search search = {.searches = searches, .asked = &searches->asked[i]};
    const struct rate_ladder *ladder = searches->question->ladder;
    return rate_search(ladder->count, ladder->base, -1, verdict, &search, &searches->found[i], diag);
}

static enum status search_limits(const struct capacity_question *question, struct capacity_curve *out, struct diag *diag)
{
    struct searches searches = {.question = question, .asked = {question->load, question->load}};
    const bool limited = question->load.requirement_count > 0;
    searches.asked[0].requirement_count = 0;
    enum status status = parallel_runs(limited ? 2 : 1, question->threads, search_one, &searches, diag);
    if (status != SIM_OK)
        return status;
    out->saturation = searches.found[0];
    out->sustained = searches.found[limited];
    out->replays = out->saturation.probes + (limited ? out->sustained.probes : 0);
    const struct rate_ladder *ladder = question->ladder;
    out->saturated_load = out->saturation.passes_to >= 0 ? ladder->loads[out->saturation.passes_to] : (double)NAN;
    out->sustained_load = out->sustained.passes_to >= 0 ? ladder->loads[out->sustained.passes_to] : (double)NAN;
    return SIM_OK;
}

/* --- points ------------------------------------------------------------------------------------------------------------------------- */

static int by_load(const void *left, const void *right)
{
    const struct capacity_point *a = left, *b = right;
    return compare_doubles(a->load, b->load);
}

/* A handful: they are looked through. */
const struct capacity_point *capacity_point_at(const struct capacity_curve *curve, double load)
{
    for (size_t i = 0; i < curve->count; i++)
        if (curve->points[i].load == load)
            return &curve->points[i];
    return NULL;
}

/* A load that has a point already, but for the last bits, takes its place. */
static void mark_point(struct capacity_curve *curve, double load)
{
    const double hair = 1e-9;
    for (size_t i = 0; i < curve->count; i++)
        if (fabs(curve->points[i].load - load) <= hair * load) {
            curve->points[i].load = load;
            return;
        }
    curve->points[curve->count++].load = load;
}

/* Even distances, as axes of rates are read that way; the two answers and the load above the limit stand among them. A trace that nothing
 * saturates ends where the ladder does. */
static enum status choose_points(const struct capacity_question *question, struct capacity_curve *out, struct diag *diag)
{
    const struct rate_ladder *ladder = question->ladder;
    const double top = ladder->loads[out->saturation.passes_to < 0 ? 0 : out->saturation.passes_to], from = top / 10, to = top * 1.3;
    const int32_t marks[] = {out->saturation.passes_to, out->sustained.passes_to, out->sustained.passes_to + 1};
    enum status status = array_zeroed(&out->points, question->points + sizeof marks / sizeof *marks, sizeof *out->points, "points", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < question->points; i++)
        out->points[out->count++].load = from + (to - from) * i / (question->points - 1);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] >= 0 && marks[i] < ladder->count)
            mark_point(out, ladder->loads[marks[i]]);
    qsort(out->points, out->count, sizeof *out->points, by_load);
    return SIM_OK;
}

struct pointing {
    const struct capacity_question *question;
    struct capacity_curve *curve;
};

static enum status replay_point(void *context, size_t i, struct diag *diag)
{
    const struct pointing *job = context;
    struct capacity_point *point = &job->curve->points[i];
    point->result.figures = &point->figures;
    return load_run(&job->question->load, job->question->config, point->load, job->question->config->seed, &point->result, diag);
}

static size_t find_knee(const struct capacity_curve *curve)
{
    size_t knee = 0;
    double most = 0;
    for (size_t i = 0; i < curve->count; i++) {
        const struct figure_set *figures = &curve->points[i].figures;
        const double power = figure_set_value(figures, "request_throughput") / figure_set_value(figures, "mean_e2el_ms");
        if (power > most) {
            most = power;
            knee = i;
        }
    }
    return knee;
}

enum status capacity_curve_make(const struct capacity_question *question, struct capacity_curve *out, struct diag *diag)
{
    struct progress progress;
    struct pointing job = {.question = question, .curve = out};
    *out = (struct capacity_curve){.count = 0};
    progress_start(&progress, "capacity", question->quiet);
    enum status status = search_limits(question, out, diag);
    progress_update(&progress, 1, 2);
    if (status == SIM_OK)
        status = choose_points(question, out, diag);
    if (status == SIM_OK)
        status = parallel_runs(out->count, question->threads, replay_point, &job, diag);
    progress_end(&progress);
    out->replays += out->count;
    out->knee = find_knee(out);
    return status;
}

void capacity_curve_deinit(struct capacity_curve *curve)
{
    free(curve->points);
    *curve = (struct capacity_curve){0};
}
