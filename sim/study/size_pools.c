/* size_pools.c - one pool's replay and verdict, the batches of probes that size_search.c asks for, and what surrounds the search: the
 * bound, and whether the answer holds beyond it. Start with search, then probe_skips, which says when pools may be left out.
 *
 *     bound (ample, or --max-blocks)  ->  size_search over probes  ->  beyond the bound?  ->  replays of the answer and the pool below it
 */
#include "study/size_pools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"
#include "config/speculation.h"
#include "observe/decision_hash.h"
#include "run/run.h"
#include "study/parallel_runs.h"
#include "trace/id_runs.h"

/* One less than UINT32_MAX, which stands for "no block". */
#define MOST_BLOCKS 4294967294.0

/* Watermarks near 1 leave no room in which rounding could not matter; then nothing is skipped. */
#define LARGEST_SURE_WATERMARK 0.99

struct sizing_job {
    const struct size_question *question;
    struct progress progress;
    bool may_skip;           /* at all, with this scheduler and these requirements */
    bool may_evict;          /* prompts can hit what another request left: evictions matter */
    double completed;        /* of the bound; NaN until it has run */
    struct size_probe bound; /* what its replay said */
};

/* Two pools that decide the same have the same latencies and throughput, but not the same free memory. If a requirement asks for one of
 * these figures, equal decisions do not mean equal verdicts, and no pool may be skipped. */
bool size_figure_depends_on_pool(const char *name)
{
    static const char *const names[] = {"pool_blocks",
                                        "pool_tokens",
                                        "pool_bytes",
                                        "max_concurrency_at_max_model_len",
                                        "mean_free_blocks",
                                        "mean_cached_idle_blocks",
                                        "peak_cached_idle_blocks",
                                        "mean_run_blocks"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return strncmp(name, "data_", strlen("data_")) == 0;
}

/* As if every request ran at once, with no block shared. In doubles, as the sum may pass 2^32; the 2 at the end leaves room for rounding.
 * The watermark keeps a share of the pool free at admissions, so the rest must be enough. */
uint32_t size_ample_pool(const struct trace *trace, const struct config *config)
{
    const struct kv_groups groups = kv_groups_of(config);
    const uint64_t places = speculation_places(config);
    double blocks = 1; /* the null block */
    for (uint32_t position = 0; position < trace->count; position++) {
        const uint64_t tokens = (uint64_t)trace->input_tokens[position] + trace->output_tokens[position] + places;
        /* One more each for V0, which wants a free block for every sequence that goes on, and for a copy on write. */
        blocks += (double)trace_sequences(trace, position) * ((double)kv_groups_blocks(&groups, tokens) + 1) + 1;
    }
    blocks = ceil(blocks / (1 - config->watermark)) + 2;
    return blocks <= MOST_BLOCKS ? (uint32_t)blocks : 0;
}

/* Can a request find content that another one computed? */
static bool shares_content(const struct trace *trace)
{
    if (trace->hash_start && trace->hash_start[trace->count] > 0)
        return true;
    for (uint32_t position = 0; trace->sample && position < trace->count; position++)
        if (trace->sample[position] > 0)
            return true;
    return false;
}

/* See size_search.h: without prefix caching the sandwich holds. With it, hits must not depend on what was evicted: either nobody can hit
 * anything (no shared content, and nobody preempted who could hit his own), or nothing was evicted. */
static bool probe_skips(const struct sizing_job *job, const struct decision_hash *hash)
{
    if (!job->may_skip)
        return false;
    if (!job->question->config.enable_prefix_caching)
        return true;
    return hash->preemptions == 0 && (!job->may_evict || hash->least_uncached > 0);
}

/* --- one pool ---------------------------------------------------------------------------------------------------------------------- */

/* Not for the bar, which counts pools: only to end a long replay when the user presses Ctrl-C. */
static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    (void)finished;
    (void)total;
    const struct size_question *question = context;
    return question->stop && *question->stop;
}

/* Why the pool does not pass, or "". All reasons are listed, not only the first: a user who is told of one would meet the next after it
 * is solved. While the bound itself is replayed job->completed is NaN, and the comparison with it is false. A figure that is undefined
 * meets no requirement. */
static void judge(const struct sizing_job *job, const struct run *run, char *why, size_t size)
{
    const double completed = run_figure(run, "completed"), unserved = run_figure(run, "unserved");
    bool lacks = false;
    struct diag ended = {0};
    size_t used = 0;
    why[0] = '\0';
    if (run_judge(run, &ended) != SIM_OK)
        used += (size_t)snprintf(why, size, "%s", ended.text);
    else if (completed < job->completed)
        used += (size_t)snprintf(why, size, "only %.0f of %.0f requests are served", completed, job->completed);
    for (size_t i = 0; i < job->question->requirement_count; i++) {
        const struct requirement *requirement = &job->question->requirements[i];
        const double value = run_figure(run, requirement->name);
        if (!requirement_met(requirement, value, unserved) && used < size)
            used += (size_t)snprintf(why + used, size - used, "%s%s is %.6g", used ? "; " : "", requirement->name, value);
        lacks = lacks || requirement_lacks_requests(requirement, unserved);
    }
    if (lacks && used < size)
        snprintf(why + used, size - used, "; %.0f of %.0f requests are not served (%.0f dropped)", unserved, run_figure(run, "requests"),
                 run_figure(run, "dropped"));
}

/* What a replay needs that is too large for the stack of a thread. */
struct pool_run {
    struct run run;
    struct config config;
    struct decision_hash hash;
    char why[SIZE_WHY];
};

/* Replay one pool: what the search wants to know of it, and for the report its figures and why it does not pass (`out`; NULL: not wanted). */
static enum status run_pool(const struct sizing_job *job, struct size_probe *probe, struct size_figures *out, struct diag *diag)
{
    const struct size_question *question = job->question;
    const struct replay_options how = {
        .reference = question->reference, .progress = on_progress, .progress_context = (void *)(size_t)question};
    struct pool_run *pool;
    enum status status = array_zeroed(&pool, 1, sizeof *pool, "a replay", diag);
    if (status != SIM_OK)
        return status;
    const struct observer observer = decision_hash_observer(&pool->hash);
    decision_hash_init(&pool->hash);
    pool->config = question->config;
    pool->config.num_gpu_blocks = probe->pool;
    status = run_open(&pool->run, question->trace, &pool->config, diag);
    pool->run.wishes = question->wishes;
    if (status == SIM_OK)
        status = run_replay(&pool->run, &observer, pool->run.fleet ? 0 : 1, &how, diag);
    if (status == SIM_OK) {
        judge(job, &pool->run, pool->why, sizeof pool->why);
        probe->passes = pool->why[0] == '\0';
        probe->skips = probe_skips(job, &pool->hash);
        probe->decisions = pool->hash.hash;
        probe->hint = pool->run.fleet ? 0 : pool->hash.peak_used + engine_facts_of(&pool->config)->has_null_block;
    }
    if (status == SIM_OK && out) {
        out->pool = probe->pool;
        out->figures = pool->run.figures;
        memcpy(out->why, pool->why, sizeof out->why);
    }
    run_close(&pool->run);
    free(pool);
    return status;
}

/* For the pools that the report shows in full, besides the bound. The search keeps no figures: it may try thousands of pools, and one more replay each
 * for three of them is cheaper. */
static enum status tell_pool(const struct sizing_job *job, uint32_t pool, struct size_figures *out, struct diag *diag)
{
    struct size_probe probe = {.pool = pool};
    return run_pool(job, &probe, out, diag);
}

/* What the runs of a batch share. */
struct batch {
    const struct sizing_job *job;
    struct size_probe *probes;
};

static enum status probe_pool(void *context, size_t i, struct diag *diag)
{
    const struct batch *batch = context;
    if (batch->probes[i].pool == batch->job->bound.pool) {
        batch->probes[i] = batch->job->bound;
        return SIM_OK;
    }
    return run_pool(batch->job, &batch->probes[i], NULL, diag);
}

/* The search calls this once a batch; the bar moves between batches. */
static enum status probe_batch(void *context, struct size_probe *probes, size_t count, uint64_t verified, uint64_t total, struct diag *diag)
{
    struct sizing_job *job = context;
    struct batch batch = {.job = job, .probes = probes};
    if (total > 0)
        progress_update(&job->progress, verified, total);
    return parallel_runs(count, job->question->threads, probe_pool, &batch, diag);
}

uint32_t size_usual_prove(const struct trace *trace)
{
    enum { MOST = 20000, REQUESTS = 10000000 };
    const uint32_t pools = trace->count > 0 ? REQUESTS / trace->count : MOST;
    return pools < MOST ? pools : MOST;
}

/* --- the whole --------------------------------------------------------------------------------------------------------------------- */

/* The first requirement that speaks of the pool itself, which larger pools never decide; NULL: none does. */
static const struct requirement *about_pool(const struct size_question *question)
{
    for (size_t i = 0; i < question->requirement_count; i++)
        if (size_figure_depends_on_pool(question->requirements[i].name))
            return &question->requirements[i];
    return NULL;
}

/* The conditions that are known before any replay; probe_skips adds those that a replay shows. */
static bool may_skip(const struct size_question *question)
{
    const struct config *config = &question->config;
    if (about_pool(question) || config_has_fleet(config)) /* what several servers decide is not watched */
        return false;
    /* V0 evicts by time of last use and forgets contents in other ways than V1; only what cannot evict is skipped there. */
    return config->watermark <= LARGEST_SURE_WATERMARK && (config->scheduler == SCHEDULER_VLLM_V1 || !config->enable_prefix_caching);
}

/* Is what holds at the bound true of every larger pool? In an ample pool nothing ever waits for a block, and all pools above decide like
 * it. So one more replay there tells: if it decides like the bound, so does every pool between the two, and every one above. */
static enum status look_beyond(struct sizing_job *job, uint32_t ample, struct size_answer *out, struct diag *diag)
{
    const struct size_found *found = &out->found;
    struct size_probe beyond = {.pool = ample};
    if (!job->may_skip || ample == 0 || found->answer == 0)
        return SIM_OK;
    if (found->bound < ample) {
        enum status status = probe_batch(job, &beyond, 1, 0, 0, diag);
        if (status != SIM_OK)
            return status;
        out->found.replays++;
    }
    out->without_bound = found->bound >= ample || size_sandwich(&found->probes[found->probe_count - 1], &beyond);
    return SIM_OK;
}

/* The bound runs before the search, because the verdict on every other pool needs its number of completed requests. The answer and the
 * pool below it are replayed again for their figures. */
static enum status search(struct sizing_job *job, struct size_answer *out, struct diag *diag)
{
    const struct size_question *question = job->question;
    const uint32_t ample = question->config.watermark <= LARGEST_SURE_WATERMARK ? size_ample_pool(question->trace, &question->config) : 0;
    uint32_t bound = question->max_blocks;
    if (bound == 0)
        bound = ample;
    if (bound == 0)
        return diag_set(diag, SIM_USAGE, "no pool is surely ample for this trace and watermark; give --max-blocks");
    struct size_probe probe = {.pool = bound};
    enum status status = run_pool(job, &probe, &out->bound, diag);
    if (status != SIM_OK)
        return status;
    job->bound = probe;
    job->completed = figure_set_value(&out->bound.figures, "completed");
    if (size_search(bound, question->prove, question->below, probe_batch, job, &out->found, diag) != SIM_OK ||
        look_beyond(job, ample, out, diag) != SIM_OK)
        return diag->status;
    if (out->found.answer > 0)
        status = tell_pool(job, out->found.answer, &out->met, diag);
    if (status == SIM_OK && out->found.failing > 0 && out->found.answer > 0)
        status = tell_pool(job, out->found.failing, &out->failing, diag);
    return status;
}

enum status size_pools(const struct size_question *question, struct size_answer *out, struct diag *diag)
{
    struct trace trace = *question->trace; /* with what all replays would make of it */
    struct id_runs runs;
    struct size_question asked = *question;
    struct sizing_job job = {.question = &asked, .completed = NAN};
    struct diag inner = {0};
    asked.trace = &trace;
    *out = (struct size_answer){0};
    const struct requirement *of_pool = about_pool(question);
    if (of_pool && question->max_blocks == 0)
        return diag_set(diag, SIM_USAGE,
                        "requirement \"%s\" speaks of the pool itself, so that larger pools never decide it; give --max-blocks",
                        of_pool->text);
    job.may_skip = may_skip(question);
    job.may_evict = shares_content(question->trace);
    enum status status = id_runs_make(&trace, &runs, diag);
    if (status != SIM_OK)
        return status;
    trace.id_runs = &runs;
    progress_start(&job.progress, "size", question->quiet);
    status = search(&job, out, &inner);
    progress_end(&job.progress);
    id_runs_deinit(&runs);
    const struct size_found *found = &out->found;
    if (status == SIM_INTERRUPTED && found->least_passing > 0)
        return diag_set(diag, status,
                        "interrupted; so far every pool from %u to %u passes, the largest known to fail is %u, and the next one that was "
                        "tried and passes is %u",
                        found->proved_from, found->bound, found->failing, found->least_passing);
    return status == SIM_OK ? SIM_OK : diag_set(diag, status, "%s", inner.text);
}

void size_answer_deinit(struct size_answer *answer)
{
    size_found_deinit(&answer->found);
    *answer = (struct size_answer){0};
}
