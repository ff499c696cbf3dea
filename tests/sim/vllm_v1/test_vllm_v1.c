/* test_vllm_v1.c - worked examples of the V1 scheduler, told as tables; and invariants after every step of random replays.
 * The golden logs (tests/golden) hold every decision of whole traces; these say why a few of them are as they are. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/scheduler.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/tiny_trace.h"

/* Remembers the tables of a few steps. */
struct recorder {
    uint64_t wanted_step;
    uint32_t tables[4][16], counts[4], requests[4], sequences;
    struct scheduled scheduled[4];
    uint32_t preempted[4], preempted_count, free_blocks;
    struct admitted admitted[4];
    uint32_t admitted_count;
};

static enum status record(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    struct recorder *recorder = self;
    if (step->tally.step != recorder->wanted_step)
        return SIM_OK;
    recorder->sequences = step->sequence_count;
    for (uint32_t i = 0; i < step->sequence_count; i++) {
        memcpy(recorder->tables[i], step->sequences[i].blocks, step->sequences[i].num_blocks * sizeof(uint32_t));
        recorder->counts[i] = step->sequences[i].num_blocks;
        recorder->scheduled[i] = step->scheduled[i];
    }
    recorder->preempted_count = step->preempted_count;
    for (uint32_t i = 0; i < step->preempted_count; i++)
        recorder->preempted[i] = step->preempted[i].request;
    recorder->admitted_count = step->admitted_count;
    for (uint32_t i = 0; i < step->admitted_count; i++)
        recorder->admitted[i] = step->admitted[i];
    recorder->free_blocks = step->tally.free_blocks;
    return SIM_OK;
}

static void replay(const struct tiny_request *requests, uint32_t count, const struct config *config, struct recorder *recorder)
{
    struct trace *trace = tiny_trace(requests, count);
    struct step_time_model *model;
    struct diag diag = {0};
    struct replay_facts facts;
    struct replay_options options = {.reference = true, .check = true};
    struct observer observer = {.self = recorder, .scheduled = record};
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    cr_assert_eq(replay_run(trace, config, model, &observer, 1, &options, &facts, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(facts.end.unfinished, 0);
    step_time_destroy(model);
    trace_destroy(trace);
}

static void expect_table(const struct recorder *recorder, uint32_t sequence, const uint32_t *blocks, uint32_t count)
{
    cr_assert_eq(recorder->counts[sequence], count);
    cr_expect_eq(memcmp(recorder->tables[sequence], blocks, count * sizeof *blocks), 0, "table of sequence %u", sequence);
}

Test(vllm_v1, a_block_can_be_hit_in_the_step_that_computes_it)
{
    const struct tiny_request requests[] = {{0, 64, 4, .hash_count = 4, .hash_ids = {0, 1, 2, 3}},
                                            {0, 64, 2, .hash_count = 4, .hash_ids = {0, 1, 2, 3}}};
    struct config config = tiny_config_v1(16, 40);
    struct recorder recorder = {.wanted_step = 0};
    config.max_num_batched_tokens = 256;
    replay(requests, 2, &config, &recorder);
    expect_table(&recorder, 0, (const uint32_t[]){1, 2, 3, 4}, 4);
    expect_table(&recorder, 1, (const uint32_t[]){1, 2, 3, 5}, 4);
    cr_expect_eq(recorder.admitted[1].cached_tokens, 48, "at least one token is computed, so the last block is not hit");
    cr_expect_eq(recorder.scheduled[1].tokens, 16);
}

Test(vllm_v1, without_caching_the_pool_is_a_stack)
{
    /* Three requests fill the pool; when the first has finished, its blocks 1, 2 are taken again before 5, deepest
     * first: 2 by the request that grows, 1 by the one that comes. */
    const struct tiny_request requests[] = {{0, 32, 1}, {0, 32, 60}, {1, 40, 2}};
    struct config config = tiny_config_v1(16, 7);
    struct recorder recorder = {.wanted_step = 1};
    config.enable_prefix_caching = false;
    replay(requests, 3, &config, &recorder);
    expect_table(&recorder, 1, (const uint32_t[]){1, 5, 6}, 3);
}

Test(vllm_v1, fcfs_preempts_the_last_and_possibly_itself)
{
    const struct tiny_request requests[] = {{0, 30, 30}, {0, 30, 30}, {0, 30, 30}};
    struct config config = tiny_config_v1(16, 9);
    struct recorder recorder = {.wanted_step = 3};
    replay(requests, 3, &config, &recorder);
    cr_assert_eq(recorder.sequences, 2);
    cr_assert_eq(recorder.preempted_count, 1);
    cr_expect_eq(recorder.preempted[0], 2);
    cr_expect_eq(recorder.free_blocks, 2);
}

Test(vllm_v1, a_tie_under_priority_hits_the_first_in_running_order)
{
    const struct tiny_request requests[] = {{0, 30, 30, 1}, {0, 30, 30, 1}, {0, 30, 30, 1}};
    struct config config = tiny_config_v1(16, 7);
    struct recorder recorder = {.wanted_step = 3};
    strcpy(config.scheduling_policy, "priority");
    replay(requests, 3, &config, &recorder);
    cr_assert_eq(recorder.preempted_count, 1);
    cr_expect_eq(recorder.preempted[0], 0);
    cr_expect_eq(recorder.scheduled[0].request, 1);
    cr_expect_eq(recorder.scheduled[1].request, 2);
}

Test(vllm_v1, the_watermark_is_waived_when_nothing_runs)
{
    const struct tiny_request requests[] = {{0, 60, 3}, {0, 60, 3}, {0, 90, 3}};
    struct config config = tiny_config_v1(16, 11);
    struct recorder recorder = {.wanted_step = 3};
    config.watermark = 0.2;
    replay(requests, 3, &config, &recorder);
    cr_assert_eq(recorder.sequences, 1, "the third waits until both are done");
    expect_table(&recorder, 0, (const uint32_t[]){8, 4, 9, 10, 3, 2}, 6);
}

Test(vllm_v1, a_lone_request_is_not_cut_by_the_threshold)
{
    const struct tiny_request requests[] = {{0, 100, 5}, {1, 50, 5}};
    struct config config = tiny_config_v1(16, 40);
    struct recorder first = {.wanted_step = 0}, second = {.wanted_step = 1};
    config.long_prefill_token_threshold = 20;
    replay(requests, 2, &config, &first);
    replay(requests, 2, &config, &second);
    cr_expect_eq(first.scheduled[0].tokens, 100);
    cr_expect_eq(second.scheduled[1].tokens, 20);
}

static struct tiny_request random_request(uint64_t *random, int64_t *now_ns)
{
    *now_ns += random_below(random, 3) ? random_below(random, 30000000) : 0;
    struct tiny_request request = {.arrival_ns = *now_ns,
                                   .input = 1 + random_below(random, 90),
                                   .output = 1 + random_below(random, 40),
                                   .priority = (int32_t)random_below(random, 3),
                                   .hash_count = random_below(random, 6)};
    for (uint32_t i = 0; i < request.hash_count; i++)
        request.hash_ids[i] = i ? request.hash_ids[i - 1] + 1 + random_below(random, 2) * 7 : random_below(random, 2) * 20;
    return request;
}

Test(vllm_v1, every_invariant_holds_after_every_step_of_random_replays)
{
    for (uint64_t seed = 1; seed <= 250; seed++) {
        struct tiny_request requests[30];
        uint64_t random = seed;
        int64_t now_ns = 0;
        for (int i = 0; i < 30; i++)
            requests[i] = random_request(&random, &now_ns);
        struct config config = tiny_config_v1(1 + random_below(&random, 20), 150);
        config.num_gpu_blocks = 131 / config.block_size + 3 + random_below(&random, 30);
        config.max_num_seqs = 1 + random_below(&random, 12);
        config.max_num_batched_tokens = config.max_num_seqs + random_below(&random, 100);
        config.enable_prefix_caching = random_below(&random, 4) > 0;
        config.scheduler_reserve_full_isl = random_below(&random, 2);
        config.long_prefill_token_threshold = random_below(&random, 2) * random_below(&random, 40);
        config.trace_block_size = 8 * (1 + random_below(&random, 2));
        if (random_below(&random, 2)) {
            strcpy(config.scheduling_policy, "priority");
            config.scheduler_reserve_full_isl = true; /* without the gate, equal keys can preempt each other for ever: see below */
        }
        struct recorder recorder = {.wanted_step = UINT64_MAX};
        replay(requests, 30, &config, &recorder);
    }
}

Test(vllm_v1, requests_that_preempt_each_other_for_ever_end_as_a_stall)
{
    const struct tiny_request requests[] = {{0, 70, 8}, {0, 70, 8}};
    struct config config = tiny_config_v1(16, 6);
    struct trace *trace = tiny_trace(requests, 2);
    struct step_time_model *model;
    struct diag diag = {0};
    struct replay_facts facts;
    struct replay_options options = {.reference = true};
    strcpy(config.scheduling_policy, "priority");
    config.scheduler_reserve_full_isl = config.enable_prefix_caching = false;
    config.long_prefill_token_threshold = 16;
    config.max_num_batched_tokens = 32;
    config.max_num_seqs = 2;
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK);
    cr_assert_eq(replay_run(trace, &config, model, NULL, 0, &options, &facts, &diag), SIM_OK);
    cr_expect(facts.end.stalled && facts.end.unfinished == 2);
    cr_expect(strstr(facts.diagnosis, "for ever"));
    step_time_destroy(model);
    trace_destroy(trace);
}
