/* test_quiet_steps.c - V0 with quiet steps taken many at a time says what V0 says step by step. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "support/random.h"
#include "support/random_case.h"
#include "support/two_ways.h"

enum { CASES = 6000 };

static void describe(const struct trace *trace, const struct config *config)
{
    fprintf(stderr, "block %u pool %u cpu %u seqs %u tokens %u len %u pc %d cp %d mode %d watermark %g T %u conc %u\n", config->block_size,
            config->num_gpu_blocks, config->num_cpu_blocks, config->max_num_seqs, config->max_num_batched_tokens, config->max_model_len,
            config->enable_prefix_caching, config->enable_chunked_prefill, (int)config->preemption_mode, config->watermark,
            config->trace_block_size, config->max_concurrency);
    for (uint32_t i = 0; i < trace->count; i++)
        fprintf(stderr, "  %u: at %lld in %u out %u samples %u beam %u\n", i, (long long)trace->arrival_ns[i], trace->input_tokens[i],
                trace->output_tokens[i], trace->samples ? trace->samples[i] : 1, trace->beam_width ? trace->beam_width[i] : 0);
}

/* Most without prefix caching, and a third of the outputs three times as long: those have most to be quiet about. */
Test(quiet_steps, say_what_single_steps_say_on_random_small_cases)
{
    char text[256];
    struct two_ways reached = {0};
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, true);
        struct trace *trace = random_case_trace(&seed, &config);
        config.seed = random_below(&seed, 6);
        config.enable_prefix_caching = config.enable_prefix_caching && number % 2;
        for (uint32_t i = 0; i < trace->count; i++)
            trace->output_tokens[i] *= 1 + random_below(&seed, 3);
        const bool equal = two_ways_equal(trace, &config, &reached, text, sizeof text);
        if (!equal)
            describe(trace, &config);
        trace_destroy(trace);
        cr_assert(equal, "case %llu: %s", (unsigned long long)number, text);
    }
    cr_expect_gt(reached.steps, UINT64_C(20) * CASES);
    cr_expect_gt(reached.preemptions, CASES / 4);
    cr_expect_gt(reached.swaps, CASES / 10);
    cr_expect_gt(reached.gaps, CASES / 2);
    cr_expect_gt(reached.finishes, CASES);
    cr_expect_gt(reached.long_runs, CASES / 20);
    cr_log_info("%llu steps, %llu preemptions, %llu swaps, %llu gaps, %llu finishes, %llu long runs\n", (unsigned long long)reached.steps,
                (unsigned long long)reached.preemptions, (unsigned long long)reached.swaps, (unsigned long long)reached.gaps,
                (unsigned long long)reached.finishes, (unsigned long long)reached.long_runs);
}
