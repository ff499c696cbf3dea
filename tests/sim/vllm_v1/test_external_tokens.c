/* test_external_tokens.c - K and V that come from elsewhere (doc/vllm_v1.md, section 15): prompts that a prefill server computed. */
#include <criterion/criterion.h>
#include <string.h>

#include "data_plane/worker.h"
#include "observe/metrics.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

enum { STEPS_MOST = 16 };

/* Who was admitted and what was scheduled in the first steps. */
struct notes {
    struct admitted admitted[STEPS_MOST][4];
    struct scheduled scheduled[STEPS_MOST][4];
    uint32_t admissions[STEPS_MOST], turns[STEPS_MOST], preempted[STEPS_MOST], used[STEPS_MOST];
};

static enum status note(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    struct notes *notes = self;
    const uint64_t at = step->tally.step;
    if (at >= STEPS_MOST)
        return SIM_OK;
    notes->admissions[at] = step->admitted_count;
    notes->turns[at] = step->scheduled_count;
    notes->preempted[at] = step->preempted_count;
    notes->used[at] = step->tally.used_blocks;
    memcpy(notes->admitted[at], step->admitted, step->admitted_count * sizeof *step->admitted);
    memcpy(notes->scheduled[at], step->scheduled, step->scheduled_count * sizeof *step->scheduled);
    return SIM_OK;
}

/* Replay with every invariant walked, next to observers of one's own. */
static void replay(const struct trace *trace, const struct config *config, const struct observer *observers, size_t count)
{
    struct step_time_model *model;
    struct diag diag = {0};
    struct replay_facts facts;
    struct replay_options options = {.reference = true, .check = true};
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    cr_assert_eq(replay_run(trace, config, model, observers, count, &options, &facts, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(facts.end.unfinished, 0);
    step_time_destroy(model);
}

static void replay_requests(const struct tiny_request *requests, uint32_t count, const struct config *config, struct notes *notes)
{
    struct trace *trace = tiny_trace(requests, count);
    struct observer observer = {.self = notes, .scheduled = note};
    replay(trace, config, &observer, 1);
    trace_destroy(trace);
}

static struct config consumer(uint32_t block_size, uint32_t blocks)
{
    struct config config = tiny_config_v1(block_size, blocks);
    config.kv_role = KV_ROLE_CONSUMER;
    config.trace_block_size = 16;
    return config;
}

Test(external_tokens, of_a_prompt_that_was_handed_over_the_last_token_is_computed)
{
    /* 40 tokens in 3 blocks; the second request finds the first two of them here, and gets the seven after these. */
    const struct tiny_request requests[] = {{0, 40, 3, .hash_count = 3, .hash_ids = {0, 1, 2}},
                                            {0, 40, 3, .hash_count = 3, .hash_ids = {0, 1, 2}}};
    struct config config = consumer(16, 20);
    struct notes notes = {0};
    config.async_scheduling = false;
    replay_requests(requests, 2, &config, &notes);
    cr_assert_eq(notes.admissions[0], 2);
    cr_expect_eq(notes.admitted[0][0].cached_tokens, 0);
    cr_expect_eq(notes.admitted[0][0].external_tokens, 39);
    cr_expect_eq(notes.admitted[0][1].cached_tokens, 32, "it is registered when it is there, as in a step that computes it");
    cr_expect_eq(notes.admitted[0][1].external_tokens, 7);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(notes.scheduled[0][i].tokens, 1);
        cr_expect(notes.scheduled[0][i].samples);
    }
    cr_expect_eq(notes.used[0], 4, "three blocks, and the second request's last one");
}

Test(external_tokens, a_prompt_that_does_not_fit_waits_like_any_other)
{
    /* 7 usable blocks; the first request holds 4, and the gate wants 4 for the second. */
    const struct tiny_request requests[] = {{0, 60, 3}, {0, 60, 3}};
    struct config config = consumer(16, 8);
    struct notes notes = {0};
    config.async_scheduling = false;
    replay_requests(requests, 2, &config, &notes);
    cr_expect_eq(notes.admissions[0], 1);
    cr_expect_eq(notes.admissions[3], 1, "when the first one has ended");
    cr_expect_eq(notes.admitted[3][0].external_tokens, 59);
}

Test(external_tokens, after_a_preemption_it_computes_itself)
{
    /* Two prompts of 2 full blocks in 5 usable ones, without a cache: at the first new token both want a third. */
    const struct tiny_request requests[] = {{0, 32, 10}, {0, 32, 10}};
    struct config config = consumer(16, 6);
    struct notes notes = {0};
    config.async_scheduling = config.enable_prefix_caching = false;
    replay_requests(requests, 2, &config, &notes);
    cr_assert_eq(notes.preempted[1], 1);
    cr_assert_eq(notes.admissions[10], 1, "when the other one has ended");
    cr_expect_eq(notes.admitted[10][0].external_tokens, 0);
    cr_expect_eq(notes.scheduled[10][0].tokens, 33, "32 and the one that it had generated");
}

Test(external_tokens, what_is_handed_over_costs_no_time)
{
    const struct tiny_request requests[] = {{0, 1000, 1}};
    struct trace *trace = tiny_trace(requests, 1);
    struct config config = consumer(16, 100);
    struct metrics metrics;
    struct diag diag = {0};
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    struct observer observer = metrics_observer(&metrics);
    replay(trace, &config, &observer, 1);
    cr_expect_eq(metrics_story(&metrics, 0).first_token_ns, 5000000 + 50000 + 20 * 1000, "a step, a token, a context of 1000");
    cr_expect_eq(metrics.external_tokens, 999);
    cr_expect_eq(metrics.scheduled_tokens, 1);
    cr_expect_eq(metrics.cached_tokens, 0);
    metrics_deinit(&metrics);
    trace_destroy(trace);
}

/* Counts of an account: every token of a prompt was found, handed over or computed. */
static void expect_account(const struct trace *trace, const struct config *config)
{
    struct metrics metrics;
    struct diag diag = {0};
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    struct observer observer = metrics_observer(&metrics);
    replay(trace, config, &observer, 1);
    if (metrics.preempt_recompute == 0)
        cr_expect_eq(metrics.cached_tokens + metrics.external_tokens + metrics.first_admissions, metrics.prompt_tokens);
    metrics_deinit(&metrics);
}

/* The data plane reads every token of every context back: what was handed over is there, and where it should be. */
static void expect_right_floats(const struct trace *trace, struct config *config)
{
    struct worker *worker;
    struct diag diag = {0};
    config->data_plane = DATA_PLANE_VERIFY;
    config->kv.read = config->seed % 2 ? KV_READ_ATTEND : KV_READ_GATHER;
    cr_assert_eq(worker_create(trace, config, 1, &(struct geometry_wish){0}, &worker, &diag), SIM_OK, "%s", diag.text);
    struct observer observer = worker_observer(worker);
    replay(trace, config, &observer, 1);
    worker_destroy(worker);
}

Test(external_tokens, random_replays_keep_accounts_and_floats)
{
    for (uint64_t seed = 1; seed <= 120; seed++) {
        uint64_t random = seed;
        struct config config = random_case_config(&random, false);
        config.kv_role = KV_ROLE_CONSUMER;
        config.scheduler_reserve_full_isl = true; /* without it equal priorities can preempt each other for ever */
        config.seed = seed;
        struct trace *trace = random_case_trace(&random, &config);
        expect_account(trace, &config);
        expect_right_floats(trace, &config);
        trace_destroy(trace);
    }
}
