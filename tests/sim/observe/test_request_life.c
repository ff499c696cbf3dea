/* test_request_life.c - one request's time adds up to its latency in every random case of both engines, and a life that was reasoned by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "observe/request_life.h"
#include "run/run.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

static void live(struct request_life *life, struct run *run, const struct trace *trace, const struct config *config, uint32_t position)
{
    struct diag diag = {0};
    cr_assert_eq(run_open(run, trace, config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(request_life_init(life, run->trace, config, position, &diag), SIM_OK);
    const struct observer events = request_life_events(life);
    cr_assert_eq(run_replay(run, &events, 1, NULL, &diag), SIM_OK, "%s", diag.text);
    const struct observer steps = request_life_steps(life);
    cr_assert_eq(replay_observed(run->trace, config, &steps, true, &diag), SIM_OK, "%s", diag.text);
}

static int64_t sum_ns(const struct request_life *life, int later)
{
    int64_t sum = 0;
    for (int account = 0; account < LIFE_ACCOUNTS; account++)
        sum += life->account_ns[later][account];
    return sum;
}

/* What the metrics say of it, and what its waits say. */
static void expect_whole(const struct request_life *life, const struct run *run, uint64_t number)
{
    const struct request_story story = metrics_story(&run->metrics, life->position);
    const unsigned long long n = (unsigned long long)number;
    int64_t waits_ns = 0, accounts_ns = 0;
    if (story.dropped || story.ignored)
        return;
    cr_assert_eq(life->arrival_ns, story.arrival_ns, "case %llu, request %u", n, life->position);
    cr_assert_eq(life->wait_count, 1 + story.preemptions, "case %llu, request %u", n, life->position);
    if (story.finish_ns < 0)
        return;
    cr_assert_eq(request_life_sum_ns(life), story.finish_ns - story.arrival_ns, "case %llu, request %u", n, life->position);
    cr_assert_eq(sum_ns(life, 0), story.first_token_ns - story.arrival_ns, "case %llu, request %u: to the first token", n, life->position);
    for (int account = 0; account < LIFE_WAITS; account++)
        accounts_ns += life->account_ns[0][account] + life->account_ns[1][account];
    for (size_t i = 0; i < life->wait_count; i++)
        for (int account = 0; account < LIFE_WAITS; account++)
            waits_ns += life->waits[i].account_ns[account];
    cr_assert_eq(waits_ns, accounts_ns, "case %llu, request %u: waits", n, life->position);
    cr_assert_eq(life->account_ns[0][LIFE_DECODE] + life->account_ns[0][LIFE_DECODE_WITH_PREFILL], 0, "nobody decodes before a token");
}

Test(request_life, all_time_is_in_one_account)
{
    uint64_t reached[LIFE_ACCOUNTS] = {0}, slow = 0, overtook = 0;
    for (uint64_t number = 1; number <= 600; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, number % 3 == 0);
        struct trace *trace = random_case_trace(&seed, &config);
        struct request_life life;
        struct run run;
        live(&life, &run, trace, &config, (uint32_t)(number % trace->count));
        if (!run.facts.end.stalled && !run.facts.end.abort)
            expect_whole(&life, &run, number);
        for (int account = 0; account < LIFE_ACCOUNTS; account++)
            reached[account] += life.account_steps[0][account] + life.account_steps[1][account];
        slow += life.slow_count;
        for (size_t i = 0; i < life.wait_count; i++)
            overtook += life.waits[i].overtook;
        for (size_t i = 1; i < life.slow_count; i++)
            cr_assert_geq(life.slow[i - 1].duration_ns, life.slow[i].duration_ns);
        request_life_deinit(&life);
        run_close(&run);
        trace_destroy(trace);
    }
    for (int account = 0; account < LIFE_ACCOUNTS; account++)
        cr_expect_gt(reached[account], 0, "%s is never reached", life_account_names[account]);
    cr_expect_gt(slow, 100);
    cr_expect_gt(overtook, 0);
}

/* A step takes 1 ms and 1 us a token; nothing is asynchronous.
 *
 *   step 0   0 computes 100 tokens: 0 .. 1.1 ms. 1 comes at 0.5 ms, 2 at 0.6 ms
 *   step 1   one seat is left: 1 goes in with 50 tokens beside 0's one token: .. 2.151 ms. 2 waits for a seat
 *   step 2   0 and 1 have a token each: .. 3.153 ms. That is 0's third and last
 *   step 3   1 has its last one, and 2 goes in with 20 tokens: .. 4.174 ms */
Test(request_life, a_life_by_hand)
{
    static const struct tiny_request requests[] = {{0, 100, 3}, {500000, 50, 3}, {600000, 20, 1}};
    struct config config = tiny_config_v1(16, 100);
    config.max_num_seqs = 2;
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000000, .token_ns = 1000};
    struct trace *trace = tiny_trace(requests, 3);
    struct request_life life;
    struct run run;
    live(&life, &run, trace, &config, 2);
    cr_expect_eq(life.account_ns[0][LIFE_STEP_RUNNING], 500000);
    cr_expect_eq(life.account_ns[0][LIFE_FOR_SEATS], 3153000 - 1100000);
    cr_expect_eq(life.account_ns[0][LIFE_PREFILL], 1021000);
    cr_expect_eq(request_life_sum_ns(&life), 4174000 - 600000);
    cr_expect(life.first_token_ns == 4174000 && life.finish_ns == 4174000);
    cr_assert_eq(life.wait_count, 1);
    cr_expect(life.waits[0].from_ns == 600000 && life.waits[0].to_ns == 3153000);
    cr_expect(life.waits[0].waiting == 1 && life.waits[0].waiting_tokens == 50, "request 1 came before it");
    cr_expect(life.waits[0].admitted == 1 && life.waits[0].admitted_tokens == 50 && life.waits[0].overtook == 0);
    cr_expect(life.waits[0].cached == 0 && life.waits[0].known == 20);
    request_life_deinit(&life);
    run_close(&run);
    live(&life, &run, trace, &config, 1);
    cr_expect_eq(life.account_ns[0][LIFE_STEP_RUNNING], 600000);
    cr_expect_eq(life.account_ns[0][LIFE_PREFILL], 1051000);
    cr_expect_eq(life.account_ns[1][LIFE_DECODE], 1002000);
    cr_expect_eq(life.account_ns[1][LIFE_DECODE_WITH_PREFILL], 1021000);
    cr_assert_eq(life.slow_count, 1);
    cr_expect(life.slow[0].start_ns == 3153000 && life.slow[0].largest == 2 && life.slow[0].largest_tokens == 20);
    cr_expect(life.slow[0].prefill_tokens == 20 && life.slow[0].sequences == 2);
    request_life_deinit(&life);
    run_close(&run);
    trace_destroy(trace);
}

/* As test_preemption_story.c has it: 8 blocks, 0 and 1 hold 4 each when 0 needs a fifth in step 2, which begins at 2 us; 1 has 16 tokens. Asked
 * for 17 and 8 tokens, 0 ends in step 16 and gives back what 1 needs. */
Test(request_life, a_preemption_and_the_return)
{
    static const struct tiny_request requests[] = {{.input = 15, .output = 17}, {.input = 15, .output = 8}};
    struct config config = tiny_config_v1(4, 9);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    struct trace *trace = tiny_trace(requests, 2);
    struct request_life life;
    struct run run;
    live(&life, &run, trace, &config, 1);
    cr_assert_eq(life.wait_count, 2);
    const struct life_wait *wait = &life.waits[1];
    cr_expect(wait->preempted && !wait->swapped && wait->preemptor == 0 && wait->tokens_lost == 16 && wait->blocks_lost == 4);
    cr_expect(wait->from_ns == 2000 && wait->to_ns == 17000);
    cr_expect_eq(wait->account_ns[LIFE_PREEMPTING], 1000);
    cr_expect_eq(wait->account_ns[LIFE_FOR_BLOCKS], 14000);
    cr_expect_eq(life.account_ns[1][LIFE_RECOMPUTE], 1000);
    cr_expect_eq(life.account_ns[1][LIFE_DECODE], 6000, "the second token before it, and five of the six after it");
    request_life_deinit(&life);
    run_close(&run);
    trace_destroy(trace);
}
