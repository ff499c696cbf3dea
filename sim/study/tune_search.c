/* tune_search.c - candidates, how they are tried, and who is better. Start with challenge. */
#include "study/tune_search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/integers.h"
#include "base/portable_math.h"
#include "base/statistics.h"
#include "fleet/fleet_plan.h"
#include "study/size_pools.h"

/* --- candidates --------------------------------------------------------------------------------------------------------------------- */

static bool speaks_of_pool(const struct tune_question *question)
{
    const struct load_question *load = &question->load;
    if (size_figure_depends_on_pool(question->objective.name))
        return true;
    for (size_t i = 0; i < load->requirement_count; i++)
        if (size_figure_depends_on_pool(load->requirements[i].name))
            return true;
    return false;
}

/* What vLLM refuses, or leaves no room for a cache, is no candidate; all other errors are the user's to see. */
static enum status add_candidate(struct tune_search *search, const struct tune_requests *requests, size_t point, struct diag *diag)
{
    const struct tune_question *question = search->question;
    struct tune_candidate *candidate = &search->candidates[search->count];
    struct config config;
    struct diag inner = {0};
    uint32_t gpus = 0;
    enum status status = sweep_plan_config(&question->plan->points, point, &config, &inner);
    if (status == SIM_OK)
        status = fleet_plan_gpus(&config, &gpus, &inner);
    if (status == SIM_USAGE || status == SIM_BAD_INPUT) {
        if (point == 0)
            return diag_set(diag, status, "%s", inner.text);
        const char *which = strchr(inner.text, '('); /* without the number, which says nothing to anybody */
        if (search->refused++ == 0)
            snprintf(search->refusal, sizeof search->refusal, "%.*s", TUNE_REFUSED - 1, which ? which : inner.text);
        return SIM_OK;
    }
    if (status != SIM_OK)
        return diag_set(diag, status, "%s", inner.text);
    *candidate = (struct tune_candidate){.point = point, .changes = tune_changes(question->plan, point), .gpus = gpus};
    search->count++;
    return tune_facts_of(&config, requests, speaks_of_pool(question), &candidate->facts, diag);
}

static int by_changes(const void *left, const void *right)
{
    const struct tune_candidate *a = left, *b = right;
    return a->changes != b->changes ? compare_u64(a->changes, b->changes) : compare_u64(a->point, b->point);
}

/* Of all seeds: what folds must fold with each. */
static struct tune_requests requests_of(const struct tune_question *question)
{
    struct tune_requests all = tune_requests_of(question->load.trace);
    for (uint32_t seed = 1; question->traces && seed < question->seeds; seed++) {
        const struct tune_requests more = tune_requests_of(question->traces[seed]);
        all.longest = max_u64(all.longest, more.longest);
        all.stops |= more.stops;
        all.unsaid |= more.unsaid;
        all.share |= more.share;
    }
    return all;
}

static enum status make_candidates(struct tune_search *search, struct diag *diag)
{
    const size_t points = search->question->plan->points.point_count;
    const struct tune_requests requests = requests_of(search->question);
    const struct array_request arrays[] = {ARRAY_OF(search->candidates, points), ARRAY_OF(search->by_point, points),
                                           ARRAY_OF(search->values, points)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "candidates", diag);
    for (size_t point = 0; point < points && status == SIM_OK; point++)
        status = add_candidate(search, &requests, point, diag);
    if (status != SIM_OK)
        return status;
    qsort(search->candidates, search->count, sizeof *search->candidates, by_changes);
    for (size_t i = 0; i < search->count; i++)
        search->by_point[search->candidates[i].point] = (uint32_t)i + 1;
    return SIM_OK;
}

/* --- who is better ------------------------------------------------------------------------------------------------------------------ */

static bool has_objective(const struct tune_search *search)
{
    return search->question->objective.name[0] != '\0';
}

/* The logarithm of what counts: a load, for each GPU if so asked. No load at all is worth less than the lightest. */
static double worth(const struct tune_search *search, uint32_t candidate, int32_t rung)
{
    const struct rate_ladder *ladder = search->question->ladder;
    const double load = rung >= 0 ? ladder->loads[rung] : ladder->loads[0] / 2;
    return portable_log(load / (search->question->per_gpu ? search->candidates[candidate].gpus : 1));
}

/* Rungs are rounded to six digits, and those for different numbers of GPUs do not meet: less than half a rung is no difference. */
static double half_rung(const struct tune_search *search)
{
    return has_objective(search) ? 0 : portable_log(1 + search->question->ladder->step) / 2;
}

static struct statistics differences(const struct tune_search *search, uint32_t a, const struct tune_value *a_value, uint32_t b,
                                     const struct tune_value *b_value)
{
    double all[TUNE_SEEDS_MOST];
    for (uint32_t seed = 0; seed < search->question->seeds; seed++)
        if (has_objective(search))
            all[seed] = (search->question->objective.maximise ? 1 : -1) * (a_value->objective[seed] - b_value->objective[seed]);
        else
            all[seed] = worth(search, a, a_value->passes_to[seed]) - worth(search, b, b_value->passes_to[seed]);
    return statistics_of(all, search->question->seeds);
}

/* Candidates stand in the order in which equals are preferred. */
bool tune_is_better(const struct tune_search *search, uint32_t a, const struct tune_value *a_value, uint32_t b,
                    const struct tune_value *b_value)
{
    if (!a_value->known || !b_value->known)
        return a_value->known;
    const struct statistics difference = differences(search, a, a_value, b, b_value);
    if (a < b)
        return difference.mean >= -half_rung(search);
    return difference.mean > half_rung(search) && (search->question->seeds == 1 || difference.ci_low > 0);
}

struct statistics tune_gain(const struct tune_search *search, const struct tune_value *a, const struct tune_value *b)
{
    double all[TUNE_SEEDS_MOST];
    const double *loads = search->question->ladder->loads;
    for (uint32_t seed = 0; seed < search->question->seeds; seed++)
        all[seed] = a->passes_to[seed] < 0 || b->passes_to[seed] < 0 ? (double)NAN
                                                                     : portable_log(loads[a->passes_to[seed]] / loads[b->passes_to[seed]]);
    return statistics_of(all, search->question->seeds);
}

double tune_load(const struct tune_search *search, const struct tune_value *value)
{
    const uint32_t seeds = search->question->seeds;
    double sum = 0;
    if (has_objective(search))
        return value->known ? statistics_of(value->objective, seeds).mean : (double)NAN;
    for (uint32_t seed = 0; seed < seeds; seed++) {
        if (!value->known || value->passes_to[seed] < 0)
            return NAN;
        sum += portable_log(search->question->ladder->loads[value->passes_to[seed]]);
    }
    return seeds == 1 ? search->question->ladder->loads[value->passes_to[0]] : portable_exp(sum / seeds);
}

int32_t tune_search_floor(const struct tune_search *search, uint32_t candidate, uint32_t seed)
{
    const int32_t best = search->values[search->best].passes_to[seed], count = search->question->ladder->count;
    const double least = worth(search, search->best, best) + (candidate < search->best ? -1 : 1) * half_rung(search);
    int32_t rung = 0;
    if (!search->question->per_gpu)
        rung = candidate < search->best ? (best > 0 ? best : 0) : best + 1;
    while (rung < count && worth(search, candidate, rung) <= least)
        rung++;
    return rung;
}

/* --- trying ------------------------------------------------------------------------------------------------------------------------- */

static enum status new_best(struct tune_search *search, uint32_t candidate, struct diag *diag)
{
    search->best = candidate;
    return array_append(&search->path, &search->path_count, &search->path_capacity, &candidate, sizeof candidate, "the search", diag);
}

/* A batch against the best at its beginning. Those who passed are compared in order. */
static enum status challenge(struct tune_search *search, const uint32_t *candidates, size_t count, struct diag *diag)
{
    struct tune_job jobs[TUNE_BATCH];
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        struct tune_job *job = &jobs[made];
        *job = (struct tune_job){.candidate = candidates[i], .has_floor = !has_objective(search)};
        bool can = true;
        for (uint32_t seed = 0; job->has_floor && seed < search->question->seeds; seed++) {
            job->floor[seed] = tune_search_floor(search, candidates[i], seed);
            can = can && job->floor[seed] < search->question->ladder->count;
        }
        made += can;
    }
    enum status status = tune_trials_do(&search->trials, jobs, made, diag);
    for (size_t i = 0; i < made && status == SIM_OK; i++) {
        const uint32_t candidate = jobs[i].candidate;
        if (jobs[i].value.known)
            search->values[candidate] = jobs[i].value;
        if (jobs[i].value.known && tune_is_better(search, candidate, &jobs[i].value, search->best, &search->values[search->best]))
            status = new_best(search, candidate, diag);
    }
    return status;
}

enum status tune_search_try(struct tune_search *search, const uint32_t *candidates, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t next = 0; next < count && status == SIM_OK; next += TUNE_BATCH)
        status = challenge(search, candidates + next, count - next < TUNE_BATCH ? count - next : TUNE_BATCH, diag);
    return status;
}

/* The values of one key around the best, those that were not tried; `list` has room for them. */
static enum status turn_key(struct tune_search *search, uint32_t key, bool *tried, uint32_t *list, struct diag *diag)
{
    const struct tune_plan *plan = search->question->plan;
    const size_t point = search->candidates[search->best].point;
    size_t count = 0;
    for (uint32_t digit = 0; digit < plan->digits[key]; digit++) {
        const uint32_t candidate = search->by_point[tune_with(plan, point, key, digit)];
        if (candidate > 0 && !tried[candidate - 1]) {
            tried[candidate - 1] = true;
            list[count++] = candidate - 1;
        }
    }
    return tune_search_try(search, list, count, diag);
}

enum status tune_search_climb(struct tune_search *search, bool *tried, struct diag *diag)
{
    uint32_t *list;
    enum status status = array_zeroed(&list, search->count, sizeof *list, "candidates", diag);
    if (status != SIM_OK)
        return status;
    for (bool better = true; better && status == SIM_OK;) {
        const uint32_t before = search->best;
        for (uint32_t key = 0; key < search->question->plan->points.varied.count && status == SIM_OK; key++)
            status = turn_key(search, key, tried, list, diag);
        better = search->best != before;
    }
    free(list);
    return status;
}

enum status tune_search_begin(struct tune_search *search, uint32_t candidate, int32_t start, struct diag *diag)
{
    struct tune_job first = {.candidate = candidate, .start = start};
    enum status status = tune_trials_do(&search->trials, &first, 1, diag);
    if (status != SIM_OK)
        return status;
    search->values[candidate] = first.value;
    return new_best(search, candidate, diag);
}

static void set_up(struct tune_search *search, const struct tune_question *question)
{
    *search = (struct tune_search){.question = question, .trials = {.question = question}};
}

/* A search of its own over the same candidates and trials, which knows no value but those that it finds. */
enum status tune_search_climb_from(struct tune_search *search, uint32_t start, int32_t rung, struct diag *diag)
{
    struct tune_search local;
    bool *tried = NULL;
    set_up(&local, search->question);
    local.candidates = search->candidates;
    local.by_point = search->by_point;
    local.count = search->count;
    local.trials = search->trials;
    const struct array_request arrays[] = {ARRAY_OF(local.values, local.count), ARRAY_OF(tried, local.count)};
    enum status status = array_zeroed_all(arrays, 2, "candidates", diag);
    if (status == SIM_OK)
        status = tune_search_begin(&local, start, rung, diag);
    if (status == SIM_OK) {
        tried[start] = true;
        status = tune_search_climb(&local, tried, diag);
    }
    search->trials = local.trials;
    if (status == SIM_OK && tune_is_better(search, local.best, &local.values[local.best], search->best, &search->values[search->best])) {
        search->values[local.best] = local.values[local.best];
        status = new_best(search, local.best, diag);
    }
    free(local.values);
    free(local.path);
    free(tried);
    return status;
}

enum status tune_search_open(const struct tune_question *question, struct tune_search *out, struct diag *diag)
{
    set_up(out, question);
    enum status status = make_candidates(out, diag);
    out->trials.candidates = out->candidates;
    out->exhaustive = out->count <= question->most;
    return status;
}

/* Trials are made anew: none of those by the other clock holds. */
enum status tune_search_by_clock(const struct tune_search *search, const struct tune_clock *clock, const uint32_t *candidates, size_t count,
                                 struct tune_search *out, struct diag *diag)
{
    const int32_t rung = search->values[candidates[0]].passes_to[0];
    set_up(out, search->question);
    out->borrows = true;
    out->candidates = search->candidates;
    out->by_point = search->by_point;
    out->count = search->count;
    out->trials.candidates = search->candidates;
    out->trials.clock = *clock;
    enum status status = array_zeroed(&out->values, out->count, sizeof *out->values, "candidates", diag);
    if (status == SIM_OK)
        status = tune_search_begin(out, candidates[0], rung > 0 ? rung : 0, diag);
    return status == SIM_OK ? tune_search_try(out, candidates + 1, count - 1, diag) : status;
}

static bool is_asked(const struct tune_job *jobs, size_t count, uint32_t candidate)
{
    for (size_t i = 0; i < count; i++)
        if (jobs[i].candidate == candidate)
            return true;
    return false;
}

enum status tune_search_values(struct tune_search *search, const uint32_t *candidates, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    const int32_t best = search->values[search->best].passes_to[0];
    for (size_t next = 0; next < count && status == SIM_OK;) {
        struct tune_job jobs[TUNE_BATCH];
        size_t made = 0;
        for (; next < count && made < TUNE_BATCH; next++)
            if (!search->values[candidates[next]].known && !is_asked(jobs, made, candidates[next]))
                jobs[made++] = (struct tune_job){.candidate = candidates[next], .start = best > 0 ? best : 0};
        status = tune_trials_do(&search->trials, jobs, made, diag);
        for (size_t i = 0; i < made && status == SIM_OK; i++)
            search->values[jobs[i].candidate] = jobs[i].value;
    }
    return status;
}

void tune_search_deinit(struct tune_search *search)
{
    tune_trials_deinit(&search->trials);
    if (!search->borrows) {
        free(search->candidates);
        free(search->by_point);
    }
    free(search->values);
    free(search->path);
    *search = (struct tune_search){0};
}
