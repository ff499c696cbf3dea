/* curve_study.c - builds the prompt tree once, then curves and replays in parallel, each into a slot of its own. Read curve_study_make
 * first, at the end; which pools are looked at is chosen in choose_pools.
 *
 *     prompt tree  ->  curves: block sizes x rules, in parallel  ->  pools of each size  ->  replays: all (size, pool), in parallel
 *
 * Pools are chosen between the two, as round numbers go up to where the curves end. Other orders of eviction have no curve; they are
 * simulated at these pools and some more (eviction_curves.h). */
#include "study/curve_study.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"
#include "study/parallel_runs.h"

/* As many rows as a table has room for on a screen, with the end of the curve as one more. */
enum { ROUND_POOLS_MOST = 8 };

struct study_job {
    const struct trace *trace;
    const struct config *config;
    const struct curve_plan *plan;
    struct curve_study *study;
    struct prompt_tree tree;
    size_t replays, replayed;
};

/* How many curves a block size has: what the models between curve and scheduler need is made for replays only. */
static size_t rules_of(const struct curve_plan *plan)
{
    return plan->replay ? HITS_LAST_TOKEN + 1 : 1;
}

/* Number i of all curves, rules of one size next to each other. The tree is only read, so all sizes share it. */
static enum status make_curve(void *context, size_t i, struct diag *diag)
{
    const struct study_job *job = context;
    struct curve_of_size *size = &job->study->sizes[i / rules_of(job->plan)];
    const enum hit_rules rule = (enum hit_rules)(i % rules_of(job->plan));
    return hit_curve_make(&job->tree, size->block_size, rule, &size->curves.rules[rule], diag);
}

/* --- pool sizes ------------------------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    return compare_u64(((const struct curve_sight *)a)->point.pool_blocks, ((const struct curve_sight *)b)->point.pool_blocks);
}

/* Two wishes in tokens can be the same number of blocks; each row appears once. Few pools, so a search in the list is enough. */
static void add_pool(struct curve_of_size *size, uint64_t pool)
{
    for (size_t i = 0; i < size->sight_count; i++)
        if (size->sights[i].point.pool_blocks == pool)
            return;
    size->sights[size->sight_count++] = (struct curve_sight){.point = hit_curve_at(curve_plain(size), pool)};
}

/* Less than a block is one block: a pool of none has nothing to show. */
static void add_tokens(struct curve_of_size *size, uint64_t tokens)
{
    add_pool(size, tokens / size->block_size ? tokens / size->block_size : 1);
}

/* The pool beyond which nothing changes, in tokens; without any hit, the one that holds everything. */
static uint64_t end_tokens(const struct curve_of_size *size)
{
    const struct hit_curve *curve = curve_plain(size);
    const uint64_t end = hit_curve_most(curve).pool_blocks;
    return (end ? end : curve->distinct) * size->block_size;
}

/* 1, 2, 5 times powers of ten: the largest of them below the end, then the end of the size's own curve. The end is that of all sizes
 * together, so that tables of different block sizes have the same rows and can be read next to each other. The bound on the power keeps
 * `rounds` large enough. */
static void add_round_pools(const struct curve_study *study, struct curve_of_size *size)
{
    static const uint64_t digits[] = {1, 2, 5};
    uint64_t last = 0, rounds[3 * 20], count = 0;
    for (size_t i = 0; i < study->size_count; i++)
        last = end_tokens(&study->sizes[i]) > last ? end_tokens(&study->sizes[i]) : last;
    for (uint64_t power = 1; power < last && power < UINT64_C(1000000000000000); power *= 10)
        for (size_t i = 0; i < 3; i++)
            if (digits[i] * power < last)
                rounds[count++] = digits[i] * power;
    for (uint64_t i = count > ROUND_POOLS_MOST ? count - ROUND_POOLS_MOST : 0; i < count; i++)
        add_tokens(size, rounds[i]);
    add_tokens(size, end_tokens(size));
}

static enum status choose_pools(const struct study_job *job, struct curve_of_size *size, struct diag *diag)
{
    const struct curve_plan *plan = job->plan;
    const size_t chosen = plan->pool_count + plan->pool_token_count;
    enum status status = array_zeroed(&size->sights, chosen + ROUND_POOLS_MOST + 2, sizeof *size->sights, "pool sizes", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < plan->pool_count; i++)
        add_pool(size, plan->pools[i]);
    for (size_t i = 0; i < plan->pool_token_count; i++)
        add_tokens(size, plan->pool_tokens[i]);
    if (chosen == 0)
        add_round_pools(job->study, size);
    if (plan->own_pool_tokens)
        add_tokens(size, plan->own_pool_tokens);
    qsort(size->sights, size->sight_count, sizeof *size->sights, by_size);
    return SIM_OK;
}

/* --- other orders of eviction ------------------------------------------------------------------------------------------------------ */

/* From the pool that loses nothing down to a thousandth of it, two for each halving: what a drawing needs. */
enum { HALVINGS = 11, EVICTION_POOLS = 2 * HALVINGS };

static int by_pool(const void *a, const void *b)
{
    return compare_u64(((const struct eviction_sight *)a)->pool_blocks, ((const struct eviction_sight *)b)->pool_blocks);
}

static enum status choose_eviction_pools(struct curve_of_size *size, struct diag *diag)
{
    const uint64_t end = hit_curve_most(curve_plain(size)).pool_blocks;
    size_t count = 0, kept = 0;
    enum status status = array_zeroed(&size->evictions, size->sight_count + EVICTION_POOLS, sizeof *size->evictions, "pool sizes", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < size->sight_count; i++)
        size->evictions[count++].pool_blocks = size->sights[i].point.pool_blocks;
    for (int i = 0; i < HALVINGS && end >> i > 0; i++) {
        size->evictions[count++].pool_blocks = end >> i;
        size->evictions[count++].pool_blocks = (end >> i) - (end >> i) / 4;
    }
    qsort(size->evictions, count, sizeof *size->evictions, by_pool);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || size->evictions[i].pool_blocks != size->evictions[kept - 1].pool_blocks)
            size->evictions[kept++] = size->evictions[i];
    size->eviction_count = kept;
    return SIM_OK;
}

/* Those of one size, which its pools share. */
struct eviction_job {
    struct curve_of_size *size;
    struct prompt_uses uses;
};

static enum status simulate_eviction(void *context, size_t i, struct diag *diag)
{
    const struct eviction_job *job = context;
    struct eviction_sight *sight = &job->size->evictions[i / EVICTIONS];
    const enum eviction eviction = (enum eviction)(i % EVICTIONS);
    return eviction_hits(&job->uses, eviction, sight->pool_blocks, &sight->of[eviction], diag);
}

static enum status make_evictions(const struct prompt_tree *tree, struct curve_of_size *size, struct diag *diag)
{
    struct eviction_job job = {.size = size};
    enum status status = choose_eviction_pools(size, diag);
    if (status == SIM_OK)
        status = prompt_uses_init(&job.uses, tree, size->block_size, diag);
    if (status == SIM_OK)
        status = parallel_runs(size->eviction_count * EVICTIONS, 0, simulate_eviction, &job, diag);
    prompt_uses_deinit(&job.uses);
    return status;
}

const struct eviction_sight *curve_eviction(const struct curve_of_size *size, uint64_t pool_blocks)
{
    for (size_t i = 0; i < size->eviction_count; i++)
        if (size->evictions[i].pool_blocks == pool_blocks)
            return &size->evictions[i];
    return NULL;
}

/* --- replays --------------------------------------------------------------------------------------------------------------------- */

/* Replay number i of all, sizes one after the other. Sizes may have different numbers of pools, so a division is not enough. */
static struct curve_sight *sight_of(struct curve_study *study, size_t i, const struct hit_curves **curves)
{
    struct curve_of_size *size = study->sizes;
    for (; i >= size->sight_count; size++)
        i -= size->sight_count;
    *curves = &size->curves;
    return &size->sights[i];
}

/* Asked before a replay and not after it, so that none starts any more when one was told to stop. */
static bool should_stop(struct study_job *job)
{
    bool stop = false;
#pragma omp critical(curve_progress)
    if (job->plan->progress)
        stop = job->plan->progress(job->plan->progress_context, job->replayed, job->replays);
    return stop;
}

static enum status replay_sight(void *context, size_t i, struct diag *diag)
{
    struct study_job *job = context;
    const struct hit_curves *curves;
    struct curve_sight *sight = sight_of(job->study, i, &curves);
    if (should_stop(job))
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    enum status status = hit_gap_measure(&job->tree, job->trace, job->config, curves, sight->point.pool_blocks, &sight->gap, diag);
#pragma omp critical(curve_progress)
    job->replayed++;
    return status;
}

/* Three parts, each of which must be complete before the next. Everything goes into `study`, which becomes the caller's at the end or is
 * freed. */
enum status curve_study_make(const struct trace *trace, const struct config *config, const struct curve_plan *plan, struct curve_study *out,
                             struct diag *diag)
{
    struct curve_study study = {.size_count = plan->block_size_count,
                                .prompts = trace->count,
                                .contents_told = trace_tells_contents(trace),
                                .replayed = plan->replay};
    struct study_job job = {.trace = trace, .config = config, .plan = plan, .study = &study};
    enum status status = array_zeroed(&study.sizes, study.size_count, sizeof *study.sizes, "hit curves", diag);
    for (size_t i = 0; i < study.size_count && status == SIM_OK; i++)
        study.sizes[i].block_size = plan->block_sizes[i];
    if (status == SIM_OK)
        status = prompt_tree_build(trace, config->trace_block_size, config->scheduler == SCHEDULER_VLLM_V1, &job.tree, diag);
    if (status == SIM_OK)
        prompt_tree_warm_up(&job.tree, (uint32_t)(plan->warmup_share * trace->count + 1e-6)); /* 0.29 of 100 is 28.999999999999996 */
    study.warmup = job.tree.warmup;
    study.prompts -= study.warmup;
    study.prompt_tokens = job.tree.prompt_tokens;
    if (status == SIM_OK)
        status = parallel_runs(study.size_count * rules_of(plan), 0, make_curve, &job, diag);
    for (size_t i = 0; i < study.size_count && status == SIM_OK; i++) {
        status = choose_pools(&job, &study.sizes[i], diag);
        job.replays += plan->replay ? study.sizes[i].sight_count : 0;
        if (status == SIM_OK && plan->evictions)
            status = make_evictions(&job.tree, &study.sizes[i], diag);
    }
    if (status == SIM_OK)
        status = parallel_runs(job.replays, 0, replay_sight, &job, diag);
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
        free(study->sizes[i].evictions);
    }
    free(study->sizes);
    *study = (struct curve_study){0};
}
