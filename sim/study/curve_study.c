/* curve_study.c - builds the prompt tree once, then curves and replays in parallel, each into a slot of its own. Read curve_study_make first, at
 * the end; which pools are looked at is chosen in choose_pools.
 */
#include "study/curve_study.h"

#include <stdlib.h>

#include "base/array.h"

enum { ROUND_POOLS_MOST = 8 };

struct study_job {
    const struct trace *trace;
    const struct config *config;
    const struct curve_plan *plan;
    struct curve_study *study;
    struct prompt_tree tree;
};

/* The first error in order of jobs is the one that is told. */
static enum status first_error(const struct diag *diags, size_t count, struct diag *diag)
{
    for (size_t i = 0; i < count; i++)
        if (diags[i].status != SIM_OK)
            return diag_set(diag, diags[i].status, "%s", diags[i].text);
    return SIM_OK;
}

static enum status make_curves(struct study_job *job, struct diag *diag)
{
    const size_t rules = job->plan->replay ? HITS_LAST_TOKEN + 1 : 1, count = job->study->size_count * rules;
    struct diag *diags;
    enum status status = array_zeroed(&diags, count, sizeof *diags, "results of curves", diag);
    if (status != SIM_OK)
        return status;
#pragma omp parallel for schedule(dynamic) default(none) shared(job, diags, rules, count)
    for (size_t i = 0; i < count; i++) {
        struct curve_of_size *size = &job->study->sizes[i / rules];
        const enum hit_rules rule = (enum hit_rules)(i % rules);
        diags[i].status = hit_curve_make(&job->tree, size->block_size, rule, &size->curves.rules[rule], &diags[i]);
    }
    status = first_error(diags, count, diag);
    free(diags);
    return status;
}

/* --- pool sizes ------------------------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    const uint64_t left = ((const struct curve_sight *)a)->point.pool_blocks, right = ((const struct curve_sight *)b)->point.pool_blocks;
    return (left > right) - (left < right);
}

static enum status add_pool(struct curve_of_size *size, uint64_t pool, struct diag *diag)
{
    for (size_t i = 0; i < size->sight_count; i++)
        if (size->sights[i].point.pool_blocks == pool)
            return SIM_OK;
    enum status status =
        array_reserve(&size->sights, &size->sight_capacity, size->sight_count + 1, sizeof *size->sights, "pool sizes", diag);
    if (status == SIM_OK)
        size->sights[size->sight_count++] = (struct curve_sight){.point = hit_curve_at(curve_plain(size), pool)};
    return status;
}

static enum status add_tokens(struct curve_of_size *size, uint64_t tokens, struct diag *diag)
{
    return add_pool(size, tokens / size->block_size ? tokens / size->block_size : 1, diag);
}

/* The pool beyond which nothing changes, in tokens; without any hit, the one that holds everything. */
static uint64_t end_tokens(const struct curve_of_size *size)
{
    const struct hit_curve *curve = curve_plain(size);
    const uint64_t end = hit_curve_most(curve).pool_blocks;
    return (end ? end : curve->distinct) * size->block_size;
}

/* 1, 2, 5 times powers of ten: the largest of them below the end, then the end of the size's own curve. */
static enum status add_round_pools(struct curve_study *study, struct curve_of_size *size, struct diag *diag)
{
    static const uint64_t digits[] = {1, 2, 5};
    uint64_t last = 0, rounds[3 * 20], count = 0;
    for (size_t i = 0; i < study->size_count; i++)
        last = end_tokens(&study->sizes[i]) > last ? end_tokens(&study->sizes[i]) : last;
    for (uint64_t power = 1; power < last && power < UINT64_C(1000000000000000); power *= 10)
        for (size_t i = 0; i < 3; i++)
            if (digits[i] * power < last)
                rounds[count++] = digits[i] * power;
    enum status status = SIM_OK;
    for (uint64_t i = count > ROUND_POOLS_MOST ? count - ROUND_POOLS_MOST : 0; i < count && status == SIM_OK; i++)
        status = add_tokens(size, rounds[i], diag);
    return status == SIM_OK ? add_tokens(size, end_tokens(size), diag) : status;
}

static enum status choose_pools(struct study_job *job, struct diag *diag)
{
    const struct curve_plan *plan = job->plan;
    enum status status = SIM_OK;
    for (size_t s = 0; s < job->study->size_count && status == SIM_OK; s++) {
        struct curve_of_size *size = &job->study->sizes[s];
        for (size_t i = 0; i < plan->pool_count && status == SIM_OK; i++)
            status = add_pool(size, plan->pools[i], diag);
        for (size_t i = 0; i < plan->pool_token_count && status == SIM_OK; i++)
            status = add_tokens(size, plan->pool_tokens[i], diag);
        if (plan->pool_count == 0 && plan->pool_token_count == 0)
            status = add_round_pools(job->study, size, diag);
        if (plan->own_pool_tokens && status == SIM_OK)
            status = add_tokens(size, plan->own_pool_tokens, diag);
        qsort(size->sights, size->sight_count, sizeof *size->sights, by_size);
    }
    return status;
}

/* --- replays --------------------------------------------------------------------------------------------------------------------- */

/* Replay number i of all, sizes one after the other. */
static struct curve_sight *sight_of(struct curve_study *study, size_t i, const struct hit_curves **curves)
{
    struct curve_of_size *size = study->sizes;
    for (; i >= size->sight_count; size++)
        i -= size->sight_count;
    *curves = &size->curves;
    return &size->sights[i];
}

static enum status replay_all(struct study_job *job, struct diag *diag)
{
    size_t count = 0, done = 0;
    struct diag *diags;
    for (size_t i = 0; i < job->study->size_count; i++)
        count += job->study->sizes[i].sight_count;
    enum status status = array_zeroed(&diags, count, sizeof *diags, "results of replays", diag);
    if (status != SIM_OK)
        return status;
#pragma omp parallel for schedule(dynamic) default(none) shared(job, diags, count, done)
    for (size_t i = 0; i < count; i++) {
        const struct hit_curves *curves;
        struct curve_sight *sight = sight_of(job->study, i, &curves);
        diags[i].status = hit_gap_measure(&job->tree, job->trace, job->config, curves, sight->point.pool_blocks, &sight->gap, &diags[i]);
#pragma omp critical(curve_progress)
        if (job->plan->progress)
            job->plan->progress(job->plan->progress_context, ++done, count);
    }
    status = first_error(diags, count, diag);
    free(diags);
    return status;
}

enum status curve_study_make(const struct trace *trace, const struct config *config, const struct curve_plan *plan, struct curve_study *out,
                             struct diag *diag)
{
    struct curve_study study = {.size_count = plan->block_size_count, .prompts = trace->count, .replayed = plan->replay};
    struct study_job job = {.trace = trace, .config = config, .plan = plan, .study = &study};
    enum status status = array_zeroed(&study.sizes, study.size_count, sizeof *study.sizes, "hit curves", diag);
    for (size_t i = 0; i < study.size_count && status == SIM_OK; i++)
        study.sizes[i].block_size = plan->block_sizes[i];
    if (status == SIM_OK)
        status = prompt_tree_build(trace, config->trace_block_size, &job.tree, diag);
    study.prompt_tokens = job.tree.prompt_tokens;
    if (status == SIM_OK)
        status = make_curves(&job, diag);
    if (status == SIM_OK)
        status = choose_pools(&job, diag);
    if (status == SIM_OK && plan->replay)
        status = replay_all(&job, diag);
    prompt_tree_free(&job.tree);
    if (status == SIM_OK)
        *out = study;
    else
        curve_study_free(&study);
    return status;
}

void curve_study_free(struct curve_study *study)
{
    for (size_t i = 0; study->sizes && i < study->size_count; i++) {
        for (int rule = HITS_PLAIN; rule <= HITS_LAST_TOKEN; rule++)
            hit_curve_free(&study->sizes[i].curves.rules[rule]);
        free(study->sizes[i].sights);
    }
    free(study->sizes);
    *study = (struct curve_study){0};
}
