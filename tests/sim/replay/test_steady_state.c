/* test_steady_state.c - once a replay has found its pace, its steps ask for no memory any more, in both engines, metrics, memory ledger
 * and decision log included. Seen from outside: replay_run, and a counter in front of malloc. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "observe/decision_log.h"
#include "observe/ledger.h"
#include "observe/metrics.h"
#include "replay/replay.h"
#include "support/allocations.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 6000, GAP_NS = 40000000, PROMPTS = 40, PROMPT_BLOCKS = 12, PERIOD = 4 * PROMPTS };

/* The last observer: notes, batch by batch, how many steps there were and how much memory had been asked for. The last steps, in which no
 * request arrives any more and everything is given back, are not steady and not counted. */
struct watcher {
    uint64_t steps;
    uint64_t half, end; /* the steps between which to count; UINT64_MAX to learn how many there are */
    uint64_t at_half, at_end;
    uint32_t batches;
};

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    (void)diag;
    struct watcher *watcher = self;
    if (watcher->steps < watcher->half)
        watcher->at_half = allocations_so_far();
    else if (watcher->steps < watcher->end)
        watcher->batches++;
    if (watcher->steps < watcher->end)
        watcher->at_end = allocations_so_far();
    for (size_t i = 0; i < count; i++)
        watcher->steps += runs[i].first.step != TALLY_GAP ? runs[i].steps : 0;
    return SIM_OK;
}

/* A load that repeats itself: a request each 40 ms, lengths and shared prompts in a cycle; one of four shares nothing. */
static struct trace *steady_trace(void)
{
    struct tiny_request *requests = calloc(REQUESTS, sizeof *requests);
    cr_assert(requests);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct tiny_request *request = &requests[i];
        request->arrival_ns = (int64_t)i * GAP_NS;
        request->input = 150 + i % PERIOD * 7 % 90;
        request->output = 20 + i % PERIOD * 13 % 60;
        if (i % 4 == 3)
            continue;
        request->hash_count = 1 + request->input / 32;
        for (uint32_t k = 0; k < request->hash_count; k++)
            request->hash_ids[k] = i % PROMPTS * PROMPT_BLOCKS + k;
    }
    struct trace *trace = tiny_trace(requests, REQUESTS);
    free(requests);
    return trace;
}

static enum status write_nothing(void *self, const char *text, size_t length, struct diag *diag)
{
    (void)self;
    (void)text;
    (void)length;
    (void)diag;
    return SIM_OK;
}

/* One replay; `log`: with a decision log, which looks at every step. `steps`: how many there will be. */
static struct watcher replay(const struct trace *trace, const struct config *config, bool reference, bool log, uint64_t steps)
{
    struct watcher watcher = {.half = steps / 2, .end = steps / 16 * 15};
    struct metrics metrics;
    struct ledger ledger;
    struct step_time_model *model;
    struct replay_options options = {.reference = reference};
    struct replay_facts facts;
    struct decision_log *decisions = NULL;
    struct log_sink sink = {.write = write_nothing};
    struct observer observers[4];
    size_t count = 0;
    struct diag diag = {0};
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    observers[count++] = metrics_observer(&metrics);
    ledger_init(&ledger, trace, config);
    observers[count++] = ledger_observer(&ledger);
    if (log) {
        cr_assert_eq(decision_log_create(&metrics, &(struct decision_log_options){0}, &sink, &decisions, &diag), SIM_OK);
        observers[count++] = decision_log_observer(decisions);
    }
    observers[count++] = (struct observer){.self = &watcher, .runs = on_runs};
    cr_assert_eq(replay_run(trace, config, model, observers, count, &options, &facts, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(facts.by_events, !reference, "%s", facts.why_not);
    step_time_destroy(model);
    metrics_deinit(&metrics);
    decision_log_destroy(decisions);
    return watcher;
}

Test(steady_state, the_second_half_of_a_steady_replay_asks_for_no_memory)
{
    static const struct {
        const char *name;
        uint32_t blocks;
        bool caching, reference, log, contiguity, overlaps;
    } cases[] = {
        {"events, caching", 700, true, false, false},
        {"events, small pool", 160, true, false, false},
        {"events, no caching", 700, false, false, false},
        {"plain, caching", 700, true, true, false},
        {"plain, small pool", 160, true, true, false},
        {"plain, no caching", 700, false, true, false},
        {"decision log, small pool", 160, true, true, true},
        {"decision log by events", 700, true, false, true},
        {"decision log by events, small pool, asynchronous", 160, true, false, true, false, true},
        {"events, ids, caching", 700, true, false, false, true},
        {"events, ids, small pool", 160, true, false, false, true},
        {"events, ids, no caching", 700, false, false, false, true},
        {"events, asynchronous", 700, true, false, false, false, true},
        {"events, asynchronous, small pool", 160, true, false, false, true, true},
        {"plain, asynchronous, small pool", 160, true, true, true, false, true},
    };
    struct trace *trace = steady_trace();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = tiny_config_v1(16, cases[i].blocks);
        config.enable_prefix_caching = cases[i].caching;
        config.contiguity = cases[i].contiguity;
        config.async_scheduling = cases[i].overlaps;
        config.finish_reason = cases[i].contiguity ? FINISH_STOP : FINISH_LENGTH;
        uint64_t steps = replay(trace, &config, cases[i].reference, cases[i].log, UINT64_MAX).steps;
        struct watcher watcher = replay(trace, &config, cases[i].reference, cases[i].log, steps);
        cr_expect_gt(watcher.batches, 4, "%s: too few batches to see anything", cases[i].name);
        cr_expect_eq(watcher.at_end, watcher.at_half, "%s: %llu allocations in the second half of %llu steps", cases[i].name,
                     (unsigned long long)(watcher.at_end - watcher.at_half), (unsigned long long)steps);
    }
    trace_destroy(trace);
}
