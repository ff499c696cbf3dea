/* tune_trials.c - a job is one candidate's tests and searches; its verdicts are looked up before they are replayed. Start with do_job. */
#include "study/tune_trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fingerprint.h"
#include "config/config_keys.h"
#include "study/parallel_runs.h"
#include "study/tune_journal.h"

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
    enum status status = sweep_plan_config(&trials->question->plan->points, trials->candidates[candidate].point, out, diag);
    if (status == SIM_OK)
        turn_clock(&trials->clock, out);
    return status;
}

/* --- what is known --------------------------------------------------------------------------------------------------------------------- */

/* Only trials with the same rest can be each other's, so that these make a chain. */
static uint32_t *head_of(const struct tune_trials *trials, uint64_t rest, int32_t rung, uint32_t seed)
{
    const uint64_t hash = fingerprint_word(fingerprint_word(rest, (uint32_t)rung), seed);
    return &trials->heads[hash & (trials->head_count - 1)];
}

/* A trial of this candidate, or the latest of one that decides the same. */
static const struct tune_trial *look_up(const struct work *work, int32_t rung)
{
    const struct tune_trials *trials = work->trials;
    const struct tune_candidate *candidates = trials->candidates;
    const uint32_t candidate = work->job->candidate;
    const struct tune_trial *folds = NULL;
    for (size_t i = 0; i < work->count; i++) /* its own, of which there are a few */
        if (work->list[i].rung == rung && work->list[i].seed == work->seed)
            return &work->list[i];
    if (trials->head_count == 0)
        return NULL;
    for (uint32_t at = *head_of(trials, candidates[candidate].facts.rest, rung, work->seed); at > 0; at = trials->list[at - 1].next) {
        const struct tune_trial *trial = &trials->list[at - 1];
        if (trial->rung != rung || trial->seed != work->seed)
            continue;
        if (trial->candidate == candidate)
            return trial;
        if (!folds && tune_folds(&candidates[trial->candidate].facts, &trial->seen, &candidates[candidate].facts))
            folds = trial;
    }
    return folds;
}

static void link_trial(struct tune_trials *trials, size_t number)
{
    struct tune_trial *trial = &trials->list[number];
    uint32_t *head = head_of(trials, trials->candidates[trial->candidate].facts.rest, trial->rung, trial->seed);
    trial->next = *head;
    *head = (uint32_t)number + 1;
}

/* As many chains as there may be trials. */
static enum status make_chains(struct tune_trials *trials, struct diag *diag)
{
    uint32_t *heads;
    size_t count = trials->head_count > 0 ? trials->head_count : 64;
    while (count < trials->capacity)
        count *= 2;
    if (count == trials->head_count)
        return SIM_OK;
    enum status status = array_zeroed(&heads, count, sizeof *heads, "trials", diag);
    if (status != SIM_OK)
        return status;
    free(trials->heads);
    trials->heads = heads;
    trials->head_count = count;
    for (size_t i = 0; i < trials->count; i++)
        link_trial(trials, i);
    return SIM_OK;
}

static enum status file(struct tune_trials *trials, struct work *work, struct diag *diag)
{
    enum status status = array_reserve(&trials->list, &trials->capacity, trials->count + work->count, sizeof *trials->list, "trials", diag);
    if (status == SIM_OK)
        status = make_chains(trials, diag);
    for (size_t i = 0; i < work->count && status == SIM_OK; i++) {
        trials->list[trials->count] = work->list[i];
        link_trial(trials, trials->count++);
    }
    trials->replays += work->replays;
    trials->folded += work->folded;
    return status;
}

/* --- a job ------------------------------------------------------------------------------------------------------------------------------- */

/* With an objective its figures are wanted, and the replay does not end early. */
static enum status replay_load(const struct work *work, const struct tune_replayed *what, struct tune_trial *trial, struct diag *diag)
{
    const struct tune_question *question = work->trials->question;
    const struct tune_objective *objective = &question->objective;
    const bool figures = objective->name[0] != '\0';
    struct load_question load = question->load;
    struct load_result result = {.figures = NULL};
    if (question->traces)
        load.trace = question->traces[trial->seed];
    enum status status = figures ? array_zeroed(&result.figures, 1, sizeof *result.figures, "figures", diag) : SIM_OK;
    if (status == SIM_OK)
        status = load_run(&load, &work->config, what->load, what->seed, &result, diag);
    if (status == SIM_OK) {
        trial->passes = result.passes;
        trial->seen = result.limits;
        if (strcmp(objective->name, TUNE_GPUS) == 0)
            trial->objective = work->trials->candidates[trial->candidate].gpus;
        else if (figures)
            trial->objective = figure_set_value(result.figures, objective->name);
    }
    free(result.figures);
    return status;
}

static enum status replay(struct work *work, struct tune_trial *trial, struct diag *diag)
{
    const struct tune_trials *trials = work->trials;
    const struct tune_question *question = trials->question;
    const struct tune_replayed what = {.point = trials->candidates[trial->candidate].point,
                                       .clock = trials->clock,
                                       .load = question->ladder->loads[trial->rung],
                                       .seed = question->first_seed + trial->seed};
    work->replays++;
    if (question->journal && tune_journal_find(question->journal, &what, trial))
        return SIM_OK;
    enum status status = replay_load(work, &what, trial, diag);
    return status == SIM_OK && question->journal ? tune_journal_add(question->journal, &what, trial, diag) : status;
}

/* What another candidate's replay tells is filed under this one's name, too, so that the next look finds it at once. */
static enum status ask(struct work *work, int32_t rung, struct tune_trial *out, struct diag *diag)
{
    struct tune_trial trial = {.candidate = work->job->candidate, .rung = rung, .seed = work->seed};
    const struct tune_trial *known = look_up(work, rung);
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
        status = replay(work, &trial, diag);
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
    for (work->seed = 0; work->seed < work->trials->question->seeds && status == SIM_OK; work->seed++) {
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
    const struct tune_question *question = work->trials->question;
    struct tune_job *job = work->job;
    bool any = !job->has_floor;
    enum status status = SIM_OK;
    for (work->seed = 0; job->has_floor && !any && work->seed < question->seeds && status == SIM_OK; work->seed++)
        status = verdict(work, job->floor[work->seed], &any, diag);
    for (work->seed = 0; any && work->seed < question->seeds && status == SIM_OK; work->seed++) {
        struct rate_found found;
        const int32_t start = job->has_floor ? job->floor[work->seed] : job->start;
        const int32_t floor = job->has_floor && question->seeds == 1 ? start : -1;
        status = rate_search(question->ladder->count, start, floor, verdict, work, &found, diag);
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
    if (work->job->verdict)
        return verdict(work, work->job->start, &work->job->passes, diag);
    return work->trials->question->objective.name[0] ? do_objective(work, diag) : do_work(work, diag);
}

enum status tune_trials_do(struct tune_trials *trials, struct tune_job *jobs, size_t count, struct diag *diag)
{
    const struct tune_question *question = trials->question;
    struct work *works;
    enum status status = array_zeroed(&works, count, sizeof *works, "trials", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        works[i].trials = trials;
        works[i].job = &jobs[i];
    }
    status = parallel_runs(count, question->threads, do_job, works, diag);
    if (status == SIM_OK && question->journal) /* once for all of them: a kill takes nothing that was written, only a machine that dies */
        status = journal_sync(&question->journal->file, diag);
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
    free(trials->heads);
    *trials = (struct tune_trials){0};
}
