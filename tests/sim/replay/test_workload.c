/* test_workload.c - the road from requests as they are read to requests as they are replayed. */
#include <criterion/criterion.h>
#include <string.h>

#include "replay/workload.h"
#include "support/tiny_trace.h"

static const struct tiny_request REQUESTS[] = {{.arrival_ns = 5, .input = 20, .output = 4, .samples = 3},
                                               {.arrival_ns = 9, .input = 30, .output = 5}};

static struct config v0_config(void)
{
    struct config config = tiny_config_v1(16, 50);
    config.scheduler = SCHEDULER_VLLM_V0;
    return config;
}

Test(workload, leaves_a_trace_alone_that_needs_nothing)
{
    struct trace *trace = tiny_trace(REQUESTS, 2), *fitted;
    struct config config = v0_config();
    struct diag diag = {0};
    cr_assert_eq(workload_fit(trace, &config, &fitted, &diag), SIM_OK);
    cr_expect_null(fitted, "V0 knows samples, and the file has arrivals");
    trace_destroy(trace);
}

Test(workload, a_file_may_say_a_size_that_rounding_has_made_too_large_and_an_option_may_not)
{
    const struct tiny_request requests[] = {{.input = 40, .output = 1, .hash_ids = {0, 1, 2}, .hash_count = 3}};
    static const char text[] = "{\"num_gpu_blocks\": 9, \"trace_block_size\": 20}",
                      gross[] = "{\"num_gpu_blocks\": 9, \"trace_block_size\": 40}";
    const struct config_option again = {"trace-block-size", "20"};
    struct trace *trace = tiny_trace(requests, 1), *fitted = NULL;
    struct config config;
    struct diag diag = {0};
    trace->fit = (struct hash_id_fit){.largest = 19, .largest_rounded = 39, .ids = 3, .tokens = 40};
    cr_assert_eq(config_read("c.json", text, sizeof text - 1, NULL, 0, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(workload_settle(trace, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.trace_block_size, 20);
    cr_expect_eq(workload_fit(trace, &config, &fitted, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_read("c.json", text, sizeof text - 1, &again, 1, &config, &diag), SIM_OK);
    cr_expect_eq(workload_settle(trace, &config, &diag), SIM_BAD_INPUT, "an option says it again");
    diag = (struct diag){0};
    cr_assert_eq(config_read("c.json", gross, sizeof gross - 1, NULL, 0, &config, &diag), SIM_OK);
    cr_expect_eq(workload_settle(trace, &config, &diag), SIM_BAD_INPUT, "two ids without tokens");
    trace_destroy(fitted);
    trace_destroy(trace);
}

Test(workload, expands_samples_and_draws_arrivals_once)
{
    struct trace *trace = tiny_trace(REQUESTS, 2), *fitted, *again;
    struct config config = tiny_config_v1(16, 50);
    struct diag diag = {0};
    config.request_rate = 4;
    config.burstiness = 1;
    cr_assert_eq(workload_fit(trace, &config, &fitted, &diag), SIM_OK, "%s", diag.text);
    cr_assert_not_null(fitted);
    cr_expect_eq(fitted->count, 4);
    cr_expect_eq(fitted->arrival_ns[3], 500000000, "the last of two requests at 4 a second");
    cr_expect_eq(fitted->arrival_ns[0], fitted->arrival_ns[2], "samples arrive together");
    cr_assert_eq(workload_fit(fitted, &config, &again, &diag), SIM_OK);
    cr_expect_null(again, "it has gone the road already");
    config.seed++; /* other arrivals, the same requests */
    cr_assert_eq(workload_fit(fitted, &config, &again, &diag), SIM_OK);
    cr_assert_not_null(again);
    cr_expect_eq(again->count, 4);
    cr_expect_neq(again->arrival_ns[0], fitted->arrival_ns[0]);
    trace_destroy(again);
    trace_destroy(fitted);
    trace_destroy(trace);
}

Test(workload, refuses_beams_where_the_engine_has_none)
{
    static const struct tiny_request beams[] = {{.input = 20, .output = 4, .beam_width = 2}};
    struct trace *trace = tiny_trace(beams, 1), *fitted;
    struct config v1 = tiny_config_v1(16, 50), v0 = v0_config();
    struct diag diag = {0};
    cr_expect_eq(workload_fit(trace, &v1, &fitted, &diag), SIM_BAD_INPUT);
    cr_expect_not_null(strstr(diag.text, "beam search"));
    cr_expect_null(fitted);
    cr_expect_eq(workload_fit(trace, &v0, &fitted, &diag), SIM_OK);
    trace_destroy(trace);
}
