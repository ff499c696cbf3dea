/* test_binding_limits.c - two requests at once, of which the second waits for one thing and for nothing else. */
#include <criterion/criterion.h>

#include "observe/binding_limits.h"
#include "replay/replay.h"
#include "support/tiny_trace.h"

static struct binding_limits look(struct config config, uint32_t input, uint32_t output)
{
    const struct tiny_request requests[] = {{.input = input, .output = output}, {.input = input, .output = output}};
    struct trace *trace = tiny_trace(requests, 2);
    struct binding_limits limits;
    struct diag diag = {0};
    const struct observer observer = binding_limits_observer(&limits);
    config.async_scheduling = false;
    binding_limits_init(&limits, &config);
    cr_assert_eq(replay_observed(trace, &config, &observer, true, &diag), SIM_OK, "%s", diag.text);
    trace_destroy(trace);
    return limits;
}

static void expect_only(const struct binding_limits *limits, enum limit which)
{
    for (enum limit limit = LIMIT_SEATS; limit < LIMITS; limit++)
        cr_expect_eq(limits->bound_ns[limit] > 0, limit == which, "%s", limit_names[limit]);
    cr_expect_eq(limits->waiting_ns, limits->bound_ns[which]);
    cr_expect_eq(binding_limits_main(limits), which);
    cr_expect_eq(limits->busy_ns, limits->all_ns);
}

/* The first has the only seat for a step of its prompt and nine of decoding: half of the time. */
Test(binding_limits, seats)
{
    struct config config = tiny_config_v1(16, 100);
    config.max_num_seqs = 1;
    const struct binding_limits limits = look(config, 20, 10);
    expect_only(&limits, LIMIT_SEATS);
    cr_expect_float_eq(binding_limits_share(&limits, limits.waiting_ns), 0.5, 1e-9);
    cr_expect_eq(limits.peak_running, 1);
    cr_expect_eq(limits.peak_step_tokens, 20);
}

/* A budget of one prompt: the second waits for one step, which is full. */
Test(binding_limits, budget)
{
    struct config config = tiny_config_v1(16, 100);
    config.max_num_batched_tokens = 200;
    const struct binding_limits limits = look(config, 200, 10);
    expect_only(&limits, LIMIT_BUDGET);
    cr_expect_eq(limits.peak_step_tokens, 200);
    cr_expect_geq(limits.full_ns, limits.waiting_ns);
    cr_expect_eq(limits.peak_running, 2);
}

/* Seven blocks and the null block, and each request takes four. */
Test(binding_limits, blocks)
{
    const struct binding_limits limits = look(tiny_config_v1(16, 8), 50, 14);
    expect_only(&limits, LIMIT_BLOCKS);
    cr_expect_eq(limits.peak_used_blocks, 4);
    cr_expect_eq(limits.preemptions, 0);
}

Test(binding_limits, nothing)
{
    const struct binding_limits limits = look(tiny_config_v1(16, 100), 20, 10);
    cr_expect_eq(limits.waiting_ns, 0);
    cr_expect_eq(binding_limits_main(&limits), LIMITS);
}
