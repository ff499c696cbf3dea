/* two_ways.c - records a replay by single steps and by the quick way, as tallies and as runs, and compares. Read stream_recorder.h first,
 * which does the recording and the comparing. */
#include "support/two_ways.h"

#include <stdio.h>

#include "replay/replay.h"
#include "support/decision_recorder.h"
#include "support/stream_recorder.h"

enum { STEPS_MAX = 200000, CHECKED_POOL_MAX = 200 };

static void note_reached(const struct stream *stream, struct two_ways *reached)
{
    reached->steps += stream->end.steps;
    for (size_t i = 0; i < stream->event_count; i++) {
        const struct event *event = &stream->events[i];
        reached->preemptions += event->kind == EVENT_PREEMPT;
        reached->swaps += event->kind == EVENT_SWAP_IN;
        reached->gaps += event->kind == EVENT_GAP;
        reached->readmissions_with_hits += event->kind == EVENT_READMIT && event->value > 0;
        reached->drops += event->kind == EVENT_DROP;
        reached->rejections += event->kind == EVENT_DROP && event->extra == DROP_QUEUE_FULL;
        reached->finishes += event->kind == EVENT_FINISH;
        reached->ended_waiting += event->kind == EVENT_FINISH && event->extra;
    }
    for (size_t i = 0; i < stream->tally_count; i++) {
        reached->vain_tokens += stream->tallies[i].vain_tokens;
        reached->drafts += stream->tallies[i].draft_tokens;
    }
}

/* A model that is no line, and looks at everything that a shape tells. */
static int64_t bent_price(const struct step_time_model *model, const struct step_shape *shape)
{
    (void)model;
    return 1000000 + 700 * (int64_t)(shape->sequences * shape->sequences) + (int64_t)(shape->context_tokens / 7 * 900) +
           (int64_t)shape->max_decode_context * 13 - (int64_t)shape->min_decode_context * 5 + (int64_t)(shape->step % 3) * 100 +
           (int64_t)shape->prefill_context_product;
}

/* Replay once; true when it worked. The readable scheduler walks all its invariants after each step, where the pool is not large. */
static bool record(const struct trace *trace, const struct config *config, bool reference, struct observer observer, bool *by_events)
{
    struct diag diag = {0};
    struct step_time_model *model;
    struct replay_options options = {.reference = reference, .check = reference && config->num_gpu_blocks <= CHECKED_POOL_MAX};
    struct replay_facts facts;
    if (step_time_create(config, &model, &diag) != SIM_OK)
        return false;
    if (config->seed % 3 == 1) {
        model->is_linear = false;
        model->wants_extremes = true;
        model->price = bent_price;
    }
    enum status status = replay_run(trace, config, model, &observer, 1, &options, &facts, &diag);
    if (status == SIM_INTERRUPTED)
        status = SIM_OK; /* both engines preempt each other's work for ever; what they did so far must be the same */
    if (status != SIM_OK)
        fprintf(stderr, "replay failed: %s\n", diag.text);
    *by_events = facts.by_events;
    step_time_destroy(model);
    return status == SIM_OK;
}

/* The quick ways of groups of layers keep no ids, so of those nothing is said. */
static void forget_ids(struct stream *stream)
{
    for (size_t i = 0; i < stream->tally_count; i++)
        stream->tallies[i].table_runs = 0;
}

/* The lists of every step, in both ways. */
static bool same_decisions(const struct trace *trace, const struct config *config, struct two_ways *reached, char *text, size_t size)
{
    struct decisions plain = {.limit = STEPS_MAX}, fast = {.limit = STEPS_MAX};
    bool equal = record(trace, config, true, decisions_observer(&plain), &reached->by_events) &&
                 record(trace, config, false, decisions_observer(&fast), &reached->by_events);
    equal = equal && decisions_equal(&plain, &fast, text, size);
    decisions_deinit(&plain);
    decisions_deinit(&fast);
    return equal;
}

bool two_ways_equal(const struct trace *trace, const struct config *config, struct two_ways *reached, char *text, size_t size)
{
    struct stream plain = {.tally_limit = STEPS_MAX}, fast = {.tally_limit = STEPS_MAX};
    struct observer quick = stream_observer(&fast);
    const bool ids = config->kv_cache_groups_count == 0;
    bool equal = false;
    quick.contiguity = ids;
    snprintf(text, size, "a replay failed");
    if (record(trace, config, true, stream_observer(&plain), &reached->by_events) &&
        record(trace, config, false, quick, &reached->by_events)) {
        note_reached(&fast, reached);
        if (!ids) {
            forget_ids(&plain);
            forget_ids(&fast);
        }
        equal = stream_equal(&plain, &fast, text, size);
    }
    for (int contiguity = 0; contiguity < 1 + ids && equal && plain.tally_count < STEPS_MAX; contiguity++) {
        struct run_check check = {
            .expected = &plain, .block_size = config->block_size, .contiguity = contiguity, .equal = true, .text = "a run is missing"};
        equal = record(trace, config, false, run_check_observer(&check), &reached->by_events) && check.equal &&
                check.tallies == plain.tally_count && check.events == plain.event_count;
        snprintf(text, size, "%s", check.text);
        reached->long_runs += check.longest > 2 * (size_t)config->block_size;
    }
    if (equal && ids && config->scheduler == SCHEDULER_VLLM_V1 && config->speculative.method == SPECULATIVE_NONE)
        equal = same_decisions(trace, config, reached, text, size);
    stream_deinit(&plain);
    stream_deinit(&fast);
    return equal;
}
