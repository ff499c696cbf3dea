/* hit_gap.c - replays one point of a curve and computes the models between the curve and the scheduler. Read the steps in hit_gap.h
 * first, then hit_gap_measure. */
#include "study/hit_gap.h"

#include <stdlib.h>

#include "base/array.h"
#include "config/config_keys.h"
#include "run/run.h"

const char *const hit_step_names[HIT_MODELS] = {"curve", "partial", "last_token", "order", "ends", "running"};

/* An observer: admissions and ends in the scheduler's order. */
struct use_log {
    struct cache_use *uses;
    size_t count, capacity;
};

/* Only first admissions: a request that was preempted and comes back finds blocks of its own, which is part of the last step, `running`. */
static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct use_log *log = self;
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        if (events[i].kind != EVENT_ADMIT && events[i].kind != EVENT_FINISH)
            continue;
        const struct cache_use use = {.position = events[i].request, .ends = events[i].kind == EVENT_FINISH};
        status = array_append(&log->uses, &log->count, &log->capacity, &use, sizeof use, "the order of admissions", diag);
    }
    return status;
}

/* Counts come back from doubles; an undefined one, or one that the engine does not have, is 0. */
static uint64_t figure(const struct run *run, const char *name)
{
    const double value = run_figure(run, name);
    return value > 0 ? (uint64_t)value : 0;
}

/* A stall is kept and not refused: the curve stays true, and what the scheduler did until then still says something. */
static void read_run(const struct run *run, struct hit_gap *gap)
{
    gap->hit_tokens[HIT_REPLAY] = figure(run, "cached_tokens");
    gap->preemptions = figure(run, "preemptions");
    gap->dropped = figure(run, "dropped");
    gap->unfinished = figure(run, "unfinished");
    gap->prefix_hit_rate = figure_set_find(&run->figures, "prefix_hit_rate")->value;
    gap->stalled = run->facts.end.stalled || run->facts.end.abort;
}

/* The models in order, each closer to the replay. The first three are read from curves that exist already. The next two need the order of
 * admissions and ends, which the replay logs as it goes. The last one is the replay itself. V1's null block comes on top of the pool, so
 * that both have the same number of usable blocks; the data plane changes no decision and only costs time. */
enum status hit_gap_measure(const struct prompt_tree *tree, const struct trace *trace, const struct config *config,
                            const struct hit_curves *curves, uint64_t pool_blocks, struct hit_gap *out, struct diag *diag)
{
    const uint32_t block_size = curves->rules[HITS_PLAIN].block_size;
    struct {
        struct run run;
        struct config config;
    } * made; /* too large for the stack of a thread */
    struct use_log log = {0};
    struct hit_gap gap = {.pool_blocks = pool_blocks};
    const struct observer observer = {.self = &log, .events = on_events};
    enum status status = array_zeroed(&made, 1, sizeof *made, "a replay", diag);
    if (status != SIM_OK)
        return status;
    made->config = *config;
    made->config.block_size = block_size;
    made->config.num_gpu_blocks = (uint32_t)pool_blocks + (config->scheduler == SCHEDULER_VLLM_V1);
    made->config.enable_prefix_caching = true;
    made->config.data_plane = DATA_PLANE_OFF;
    /* The curves know one table a request, and nothing of drafts. */
    made->config.kv_cache_groups_count = 0;
    made->config.prefix_cache_retention_interval = 0;
    made->config.speculative.method = SPECULATIVE_NONE;
    for (int rule = HITS_PLAIN; rule <= HITS_LAST_TOKEN; rule++)
        gap.hit_tokens[rule] = hit_curve_at(&curves->rules[rule], pool_blocks).hit_tokens;
    status = config_check(&made->config, "the replay of a point", diag);
    if (status == SIM_OK)
        status = run_open(&made->run, trace, &made->config, diag);
    if (status == SIM_OK)
        status = run_replay(&made->run, &observer, 1, NULL, diag);
    for (int ends = 0; ends <= 1 && status == SIM_OK; ends++)
        status =
            hit_tokens_in_order(tree, trace, block_size, log.uses, log.count, ends, pool_blocks, &gap.hit_tokens[HIT_ORDER + ends], diag);
    if (status == SIM_OK) {
        read_run(&made->run, &gap);
        *out = gap;
    }
    run_close(&made->run);
    free(made);
    free(log.uses);
    return status;
}
