/* made_search.c - draws a trace, a server with little room and values for its keys from a seed. Start with make. */
#include "support/made_search.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/tiny_trace.h"

struct trace *made_search_trace(uint64_t *seed, uint32_t count)
{
    struct tiny_request *requests = calloc(count, sizeof *requests);
    const uint32_t gap = 20 + random_below(seed, 200);
    int64_t now = 0;
    cr_assert(requests);
    for (uint32_t i = 0; i < count; i++) {
        now += (int64_t)random_below(seed, gap) * 1000000 * (random_below(seed, 4) == 0 ? 4 : 1);
        requests[i] = (struct tiny_request){.arrival_ns = now, .input = 1 + random_below(seed, 90), .output = 1 + random_below(seed, 30)};
    }
    struct trace *trace = tiny_trace(requests, count);
    free(requests);
    return trace;
}

static void put(struct made_search *made, const char *name, uint32_t value)
{
    const uint32_t i = made->plan.points.base_count++;
    snprintf(made->texts[i], sizeof made->texts[i], "%u", value);
    made->options[i] = (struct config_option){.name = name, .value = made->texts[i]};
}

static void make(struct made_search *made, uint32_t left_out, uint64_t *seed)
{
    static const char *const tunes[][2] = {{"max_num_seqs=1,2,3,6", "max_num_seqs=2:32:*4"},
                                           {"max_num_batched_tokens=16,40", "max_num_batched_tokens=20:60:20"},
                                           {"watermark=0.05,0.3", "block_size=4,8"},
                                           {"num_gpu_blocks=20,26", "long_prefill_token_threshold=8,30"}};
    struct diag diag = {0};
    char text[32];
    const char *tune[4];
    size_t count = 0;
    *made = (struct made_search){.trace = made_search_trace(seed, 20 + random_below(seed, 60))};
    put(made, "num-gpu-blocks", 18 + random_below(seed, 20));
    put(made, "max-num-seqs", 1 + random_below(seed, 10));
    put(made, "max-num-batched-tokens", 16 + random_below(seed, 60));
    put(made, "max-model-len", 128);
    for (uint32_t i = 0; i < 4; i++)
        if (i != left_out)
            tune[count++] = tunes[i][random_below(seed, 2)];
    made->plan.points.base = made->options;
    snprintf(text, sizeof text, "p90_ttft_ms<%u", 2 + random_below(seed, 300));
    char *kept = strdup(text);
    cr_assert(kept);
    cr_assert_eq(config_load(NULL, made->options, made->plan.points.base_count, &made->given, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(requirement_read(kept, 1, &made->requirement, &diag), SIM_OK);
    cr_assert_eq(tune_plan_make(&made->plan, tune, count, &made->given, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(rate_ladder_make(1, 0.15, &made->ladder, &diag), SIM_OK);
    /* From a tenth of the load to forty times as much: a shorter scan. */
    made->ladder.count = 46;
    memmove(made->ladder.loads, made->ladder.loads + made->ladder.base - 18, (size_t)made->ladder.count * sizeof *made->ladder.loads);
    made->ladder.base = 18;
    made->question = (struct tune_question){.load = {.trace = made->trace, .requirements = &made->requirement, .requirement_count = 1},
                                            .plan = &made->plan,
                                            .ladder = &made->ladder,
                                            .seeds = 1,
                                            .threads = 2,
                                            .most = TUNE_POINTS_MOST,
                                            .quiet = true};
}

void made_search_make(struct made_search *made, uint64_t *seed)
{
    make(made, random_below(seed, 4), seed);
}

void made_search_make_wide(struct made_search *made, uint64_t *seed)
{
    make(made, UINT32_MAX, seed);
}

void made_search_end(struct made_search *made)
{
    free((char *)(size_t)made->requirement.text);
    tune_plan_deinit(&made->plan);
    rate_ladder_deinit(&made->ladder);
    trace_destroy(made->trace);
}
