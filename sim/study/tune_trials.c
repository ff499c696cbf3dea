/* tune_trials.c - a job is one candidate's tests and searches; its verdicts are looked up before they are replayed. Start with do_job. */
#include "study/tune_trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/config_keys.h"
#include "study/parallel_runs.h"

/* A job at work. */
struct work {
    const struct tune_trials *trials;
    struct tune_job *job;
    struct config config;
    uint32_t seed;
    struct tune_trial *list; /* what it added; owned */
    size_t count, capacity;
    uint64_t replays, folded;
};

/* The clock's key as text, as a user would give it, so that its range is kept: a share of 0.95 cannot rise by a tenth, and is 1 then. */
static void turn_clock(const struct tune_clock *clock, struct config *config)
{
    char text[CONFIG_TEXT_SIZE];
    if (!clock->key)
        return;
    config_key_text(clock->key, config, text, sizeof text);
    double value = strtod(text, NULL) * clock->factor;
    if (clock->key->type == KEY_DOUBLE && value > clock->key->range.real.most)
        value = clock->key->range.real.most;
    snprintf(text, sizeof text, clock->key->type == KEY_DOUBLE ? "%.6g" : "%.0f", value);
    (void)config_key_parse(clock->key, text, config);
}

enum status tune_trials_config(const struct tune_trials *trials, uint32_t candidate, struct config *out, struct diag *diag)
{
    enum status status = sweep_plan_config(&trials->plan->points, trials->candidates[candidate].point, out, diag);
    if (status == SIM_OK)
        turn_clock(&trials->clock, out);
    return status;
}

/* A trial of this candidate or of one that decides the same. */
static const struct tune_trial *look_up(const struct work *work, const struct tune_trial *list, size_t count, int32_t rung)
{
    const struct tune_candidate *candidates = work->trials->candidates;
    for (size_t i = count; i-- > 0;) {
        const struct tune_trial *trial = &list[i];
        if (trial->rung == rung && trial->seed == work->seed &&
            (trial->candidate == work->job->candidate ||
             tune_folds(&candidates[trial->candidate].facts, &trial->seen, &candidates[work->job->candidate].facts)))
            return trial;
    }
    return NULL;
}

/* With an objective its figures are wanted, and the replay does not end early. */
static enum status replay(struct work *work, int32_t rung, struct tune_trial *trial, struct diag *diag)
{
    const struct tune_trials *trials = work->trials;
    const bool figures = trials->objective.name[0] != '\0';
    struct load_result result = {.figures = NULL};
    enum status status = figures ? array_zeroed(&result.figures, 1, sizeof *result.figures, "figures", diag) : SIM_OK;
    if (status == SIM_OK)
        status = load_run(trials->load, &work->config, trials->ladder->loads[rung], trials->first_seed + work->seed, &result, diag);
    if (status == SIM_OK) {
        trial->passes = result.passes;
        trial->seen = result.limits;
        if (strcmp(trials->objective.name, TUNE_GPUS) == 0)
            trial->objective = trials->candidates[trial->candidate].gpus;
        else if (figures)
            trial->objective = figure_set_value(result.figures, trials->objective.name);
    }
    free(result.figures);
    work->replays++;
    return status;
}

/* What another candidate's replay tells is filed under this one's name, too, so that the next look finds it at once. */
static enum status ask(struct work *work, int32_t rung, struct tune_trial *out, struct diag *diag)
{
    const struct tune_trials *trials = work->trials;
    struct tune_trial trial = {.candidate = work->job->candidate, .rung = rung, .seed = work->seed};
    const struct tune_trial *known = look_up(work, work->list, work->count, rung);
    if (!known)
        known = look_up(work, trials->list, trials->count, rung);
    if (known && known->candidate == trial.candidate) {
        *out = *known;
        return SIM_OK;
    }
    enum status status = SIM_OK;
    if (known) {
        trial = *known;
        trial.candidate = work->job->candidate;
        work->folded++;
    } else {
        status = replay(work, rung, &trial, diag);
    }
    *out = trial;
    return status == SIM_OK ? array_append(&work->list, &work->count, &work->capacity, &trial, sizeof trial, "trials", diag) : status;
}

static enum status verdict(void *context, int32_t rung, bool *passes, struct diag *diag)
{
    struct tune_trial trial;
    enum status status = ask(context, rung, &trial, diag);
    *passes = status == SIM_OK && trial.passes;
    return status;
}

static enum status do_objective(struct work *work, struct diag *diag)
{
    struct tune_value *value = &work->job->value;
    enum status status = SIM_OK;
    value->known = true;
    for (work->seed = 0; work->seed < work->trials->seeds && status == SIM_OK; work->seed++) {
        struct tune_trial trial;
        status = ask(work, 0, &trial, diag);
        if (status != SIM_OK)
            break;
        value->objective[work->seed] = trial.objective;
        value->known = value->known && trial.passes && !isnan(trial.objective);
    }
    return status;
}

/* With one seed a search need not go on below its floor. With several each counts, wherever it lies. */
static enum status do_work(struct work *work, struct diag *diag)
{
    const struct tune_trials *trials = work->trials;
    struct tune_job *job = work->job;
    bool any = !job->has_floor;
    enum status status = SIM_OK;
    for (work->seed = 0; job->has_floor && !any && work->seed < trials->seeds && status == SIM_OK; work->seed++)
        status = verdict(work, job->floor[work->seed], &any, diag);
    for (work->seed = 0; any && work->seed < trials->seeds && status == SIM_OK; work->seed++) {
        struct rate_found found;
        const int32_t start = job->has_floor ? job->floor[work->seed] : job->start;
        const int32_t floor = job->has_floor && trials->seeds == 1 ? start : -1;
        status = rate_search(trials->ladder->count, start, floor, verdict, work, &found, diag);
        job->value.passes_to[work->seed] = found.passes_to;
        job->value.fails_from[work->seed] = found.fails_from;
        job->value.known = found.passes_to >= floor;
    }
    return status;
}

static enum status do_job(void *context, size_t i, struct diag *diag)
{
    struct work *work = &((struct work *)context)[i];
    enum status status = tune_trials_config(work->trials, work->job->candidate, &work->config, diag);
    work->job->value = (struct tune_value){.known = false};
    if (status != SIM_OK)
        return status;
    return work->trials->objective.name[0] ? do_objective(work, diag) : do_work(work, diag);
}

static enum status file(struct tune_trials *trials, struct work *work, struct diag *diag)
{
    enum status status = array_reserve(&trials->list, &trials->capacity, trials->count + work->count, sizeof *trials->list, "trials", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < work->count; i++)
        trials->list[trials->count++] = work->list[i];
    trials->replays += work->replays;
    trials->folded += work->folded;
    return SIM_OK;
}

enum status tune_trials_do(struct tune_trials *trials, struct tune_job *jobs, size_t count, struct diag *diag)
{
    struct work *works;
    enum status status = array_zeroed(&works, count, sizeof *works, "trials", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        works[i].trials = trials;
        works[i].job = &jobs[i];
    }
    status = parallel_runs(count, trials->threads, do_job, works, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = file(trials, &works[i], diag);
    for (size_t i = 0; i < count; i++)
        free(works[i].list);
    free(works);
    return status;
}

void tune_trials_deinit(struct tune_trials *trials)
{
    free(trials->list);
    trials->list = NULL;
    trials->count = trials->capacity = 0;
}
