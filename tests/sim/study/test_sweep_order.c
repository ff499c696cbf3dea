/* test_sweep_order.c - shares are everything once, of about the same cost, and do not follow the pattern of the plan. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config/config_keys.h"
#include "study/sweep_order.h"

enum { RUNS = 1000 };

static void all_runs(size_t *runs)
{
    for (size_t i = 0; i < RUNS; i++)
        runs[i] = i;
}

Test(sweep_order, the_longest_come_first)
{
    size_t runs[RUNS];
    uint64_t costs[RUNS];
    for (size_t i = 0; i < RUNS; i++)
        costs[i] = i * i % 97;
    all_runs(runs);
    sweep_order_by_cost(runs, RUNS, costs);
    for (size_t i = 1; i < RUNS; i++)
        cr_assert_geq(costs[runs[i - 1]], costs[runs[i]]);
}

Test(sweep_order, shares_are_everything_once_and_alike)
{
    for (uint32_t count = 1; count <= 64; count = count * 3 + 1) {
        bool seen[RUNS] = {false};
        uint64_t costs[RUNS], least = UINT64_MAX, most = 0;
        for (size_t i = 0; i < RUNS; i++)
            costs[i] = 1 + i;
        for (uint32_t index = 0; index < count; index++) {
            size_t runs[RUNS];
            uint64_t sum = 0;
            all_runs(runs);
            sweep_order_by_cost(runs, RUNS, costs);
            const size_t taken = sweep_share_take(runs, RUNS, (struct sweep_share){.index = index, .count = count});
            for (size_t i = 0; i < taken; i++) {
                cr_assert(!seen[runs[i]], "run %zu is in two shares of %u", runs[i], count);
                seen[runs[i]] = true;
                sum += costs[runs[i]];
            }
            least = sum < least ? sum : least;
            most = sum > most ? sum : most;
        }
        for (size_t i = 0; i < RUNS; i++)
            cr_assert(seen[i], "run %zu is in no share of %u", i, count);
        /* Dealt forth and back, shares differ by less than the two largest runs. */
        cr_assert_lt(most - least, (uint64_t)2 * RUNS, "%u shares: %llu to %llu", count, (unsigned long long)least,
                     (unsigned long long)most);
    }
}

/* Every eighth run takes much longer than is guessed (a key that the guess does not look at): no share gets them all. */
Test(sweep_order, what_is_alike_in_the_plan_is_spread)
{
    enum { SHARES = 8, SLOW = RUNS / 8 };
    uint64_t costs[RUNS] = {0};
    for (uint32_t index = 0; index < SHARES; index++) {
        size_t runs[RUNS], slow = 0;
        all_runs(runs);
        sweep_order_by_cost(runs, RUNS, costs);
        const size_t taken = sweep_share_take(runs, RUNS, (struct sweep_share){.index = index, .count = SHARES});
        for (size_t i = 0; i < taken; i++)
            slow += runs[i] % SHARES == 0;
        /* A share of 125 has 15.6 of them in the mean, with a standard deviation of 3.5. */
        cr_expect(slow > 1 && slow < SLOW / 4, "share %u has %zu slow runs", index, slow);
    }
}

Test(sweep_order, costs_follow_what_takes_time)
{
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    config.num_gpu_blocks = 10000;
    config.block_size = 16;
    config.max_num_batched_tokens = 8192;
    const struct sweep_weight weight = {.requests = 1000, .prompt_tokens = 1000000, .tokens = 1200000};
    const uint64_t usual = sweep_cost(&weight, &config, false);
    cr_expect_eq(usual, 1000 + 1000000 / 8192 / 8 + 1200000 / 160000 * 4);
    cr_expect_gt(sweep_cost(&weight, &config, true), 10 * usual);
    config.num_gpu_blocks = 100;
    cr_expect_gt(sweep_cost(&weight, &config, false), usual);
    config.num_gpu_blocks = 0; /* no pool is known: no division by it */
    config.max_num_batched_tokens = 0;
    cr_expect_gt(sweep_cost(&weight, &config, false), usual);
    config_defaults(SCHEDULER_VLLM_V0, &config);
    config.num_gpu_blocks = 10000;
    config.block_size = 16;
    cr_expect_gt(sweep_cost(&weight, &config, false), 2 * usual);
}

Test(sweep_order, a_trace_weighs_what_its_requests_do)
{
    int64_t arrivals[2] = {0, 1};
    uint32_t inputs[2] = {100, 50}, outputs[2] = {10, 20}, samples[2] = {1, 3};
    const struct trace trace = {.count = 2, .arrival_ns = arrivals, .input_tokens = inputs, .output_tokens = outputs, .samples = samples};
    const struct sweep_weight weight = sweep_weigh(&trace);
    cr_expect(weight.requests == 2 && weight.prompt_tokens == 150 && weight.tokens == 150 + 10 + 3 * 20);
}
