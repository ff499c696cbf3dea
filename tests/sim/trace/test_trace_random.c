/* test_trace_random.c - the random data set: ranges, means, the shared prefix, and that it can be replayed as it is. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "run/run.h"
#include "support/tiny_trace.h"
#include "trace/trace_random.h"

static struct trace *make(const struct random_workload *workload)
{
    struct trace *trace;
    struct diag diag = {0};
    cr_assert_eq(trace_random(workload, &trace, &diag), SIM_OK, "%s", diag.text);
    return trace;
}

Test(trace_random, lengths_fill_their_range_around_the_mean)
{
    struct random_workload workload = random_workload_default();
    workload.requests = 20000;
    workload.input_tokens = 1000;
    workload.output_tokens = 11;
    workload.range_ratio = 0.25;
    workload.prefix_tokens = 7;
    struct trace *trace = make(&workload);
    double input = 0, output = 0, product = 0;
    uint32_t least[2] = {UINT32_MAX, UINT32_MAX}, most[2] = {0, 0};
    for (uint32_t i = 0; i < trace->count; i++) {
        const uint32_t lengths[2] = {trace->input_tokens[i], trace->output_tokens[i]};
        for (int side = 0; side < 2; side++) {
            least[side] = lengths[side] < least[side] ? lengths[side] : least[side];
            most[side] = lengths[side] > most[side] ? lengths[side] : most[side];
        }
        input += lengths[0];
        output += lengths[1];
        product += (lengths[0] - 1007.0) * (lengths[1] - 11.0);
        cr_assert(trace_index(trace, i) == i && trace->arrival_ns[i] == 0 && trace_hash_count(trace, i) == 1);
    }
    cr_expect(least[0] == 757 && most[0] == 1257, "floor(750) and ceil(1250) after the prefix: %u, %u", least[0], most[0]);
    cr_expect(least[1] == 8 && most[1] == 14, "floor(8.25) and ceil(13.75): %u, %u", least[1], most[1]);
    cr_expect_float_eq(input / trace->count, 1007, 5);
    cr_expect_float_eq(output / trace->count, 11, 0.1);
    cr_expect_lt(fabs(product / trace->count), 15, "lengths of prompt and output do not go together");
    workload.seed = 1;
    struct trace *other = make(&workload);
    cr_expect_neq(memcmp(trace->input_tokens, other->input_tokens, trace->count * sizeof *trace->input_tokens), 0);
    trace_destroy(other);
    trace_destroy(trace);
}

Test(trace_random, a_shared_prefix_is_hit_to_its_last_whole_block)
{
    struct random_workload workload = random_workload_default();
    struct config config = tiny_config_v1(16, 4000);
    struct run run;
    struct diag diag = {0};
    workload.requests = 50;
    workload.prefix_tokens = config.trace_block_size = 1000;
    workload.input_tokens = 100;
    config.max_concurrency = 1;
    struct trace *trace = make(&workload);
    cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK);
    cr_expect_eq(run_figure(&run, "cached_tokens"), 49 * 62 * 16);
    cr_expect_eq(run_figure(&run, "peak_running"), 1);
    run_close(&run);
    trace_destroy(trace);
    workload.prefix_tokens = workload.input_tokens = 0;
    cr_expect_eq(trace_random(&workload, &trace, &diag), SIM_USAGE);
}
