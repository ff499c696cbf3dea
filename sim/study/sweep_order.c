/* sweep_order.c - guesses, order and shares. Read sweep_order.h first. The factors are of replays of the Azure conversations on one core:
 * 15 ms for its 19,366 requests, 46 by vllm-v0, 330 step by step; a budget of 512 tokens adds 4 ms and a pool of 24,000 tokens 3.
 */
#include "study/sweep_order.h"

#include "base/compare.h"
#include "base/sort_with.h"

struct sweep_weight sweep_weigh(const struct trace *trace)
{
    struct sweep_weight weight = {.requests = trace->count};
    for (uint32_t i = 0; i < trace->count; i++) {
        const uint64_t sequences = trace_sequences(trace, i);
        weight.prompt_tokens += trace->input_tokens[i];
        weight.tokens += trace->input_tokens[i] + sequences * trace->output_tokens[i];
    }
    return weight;
}

/* Whole numbers, rounded down: the same on every machine. */
uint64_t sweep_cost(const struct sweep_weight *weight, const struct config *config, bool reference)
{
    enum { V0 = 3, STEP_BY_STEP = 20, CHUNKS = 8, PRESSURE = 4 };
    const uint64_t factor = reference ? STEP_BY_STEP : config->scheduler == SCHEDULER_VLLM_V0 ? V0 : 1;
    const uint64_t pool = (uint64_t)config->num_gpu_blocks * config->block_size, budget = config->max_num_batched_tokens;
    return weight->requests * factor + weight->prompt_tokens / (budget ? budget : 1) / CHUNKS +
           weight->tokens / (pool ? pool : 1) * PRESSURE;
}

/* A number's place among equals: a bijection that leaves nothing of the order of numbers. */
static uint64_t scrambled(uint64_t number)
{
    number = (number ^ (number >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94D049BB133111EB);
    return number ^ (number >> 31);
}

static int by_cost(const void *left, const void *right, void *costs)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const uint64_t *cost = costs;
    return cost[a] != cost[b] ? compare_u64(cost[b], cost[a]) : compare_u64(scrambled(a), scrambled(b));
}

void sweep_order_by_cost(size_t *runs, size_t count, const uint64_t *costs)
{
    sort_with(runs, count, sizeof *runs, by_cost, (void *)(uintptr_t)costs);
}

/* 0 1 2 2 1 0 0 1 2 ...: who got the larger of one round gets the smaller of the next. */
size_t sweep_share_take(size_t *runs, size_t count, struct sweep_share share)
{
    size_t taken = 0;
    if (share.count <= 1)
        return count;
    for (size_t i = 0; i < count; i++) {
        const size_t place = i % share.count, owner = i / share.count % 2 ? share.count - 1 - place : place;
        if (owner == share.index)
            runs[taken++] = runs[i];
    }
    return taken;
}
