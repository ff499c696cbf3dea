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

Test(workload, a_file_may_say_a_size_that_leaves_ids_without_tokens_and_an_option_may_not)
{
    const struct tiny_request requests[] = {{.input = 40, .output = 1, .hash_ids = {0, 1, 2}, .hash_count = 3}};
    static const char text[] = "{\"num_gpu_blocks\": 9, \"trace_block_size\": 20}";
    const struct config_option again = {"trace-block-size", "20"};
    struct trace *trace = tiny_trace(requests, 1), *fitted = NULL;
    struct config config;
    struct diag diag = {0};
    trace->fit = (struct hash_id_fit){.largest = 19, .ids = 3, .tokens = 40};
    cr_assert_eq(config_read("c.json", text, sizeof text - 1, NULL, 0, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(workload_settle(trace, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.trace_block_size, 20);
    cr_expect_eq(workload_fit(trace, &config, &fitted, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_read("c.json", text, sizeof text - 1, &again, 1, &config, &diag), SIM_OK);
    cr_expect_eq(workload_settle(trace, &config, &diag), SIM_BAD_INPUT, "an option says it again");
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

/* Runs whose requests are the same share one trace: a file's whatever the seed, a drawn one's for each seed; each as it is and expanded. */
Test(workload, makes_each_trace_once)
{
    struct random_workload few = random_workload_default();
    few.requests = 20;
    few.range_ratio = 0.5;
    struct trace *file = tiny_trace(REQUESTS, 2);
    const struct workload_source sources[] = {{.file = file}, {.random = true, .random_workload = few}};
    for (int drawn = 0; drawn < 2; drawn++) {
        struct workload workload;
        const struct trace *got[2][2]; /* by seed and engine */
        struct diag diag = {0};
        workload_init(&workload, &sources[drawn]);
        cr_expect_eq(workload_is_drawn(&sources[drawn]), drawn);
        for (int round = 0; round < 2; round++)
            for (int seed = 0; seed < 2; seed++)
                for (int v0 = 0; v0 < 2; v0++) {
                    struct config config = v0 ? v0_config() : tiny_config_v1(16, 50);
                    const struct trace *trace;
                    config.seed = 3 + (uint64_t)seed;
                    cr_assert_eq(workload_get(&workload, &config, &trace, &diag), SIM_OK, "%s", diag.text);
                    cr_expect(round == 0 || trace == got[seed][v0], "the second time it is the same one");
                    got[seed][v0] = trace;
                }
        cr_expect_eq(workload.count, drawn ? 4 : 2);
        cr_expect_eq(got[0][0] == got[1][0], !drawn);
        cr_expect_eq(got[0][1] == got[1][1], !drawn);
        if (drawn)
            cr_expect_neq(memcmp(got[0][1]->input_tokens, got[1][1]->input_tokens, 20 * sizeof(uint32_t)), 0, "another seed");
        else
            cr_expect(got[0][0]->count == 4 && got[0][1] == file, "V1 wants samples expanded");
        workload_deinit(&workload);
    }
    trace_destroy(file);
}

/* What a replay can see changes it, what the file is called does not. */
Test(workload, the_fingerprint_is_of_all_that_a_replay_sees)
{
    static const struct tiny_request requests[] = {
        {.arrival_ns = 5, .input = 40, .output = 4, .samples = 3, .hash_ids = {0, 1}, .hash_count = 2},
        {.arrival_ns = 9, .input = 30, .output = 5, .priority = 2, .hash_ids = {0}, .hash_count = 1},
        {.arrival_ns = 9, .input = 30, .output = 5}};
    enum { ROWS = 3 };
    struct trace *trace = tiny_trace(requests, ROWS);
    uint32_t finish_reason[ROWS] = {0}, previous[ROWS] = {0, 1, 0}, sample[ROWS] = {0};
    int64_t delay[ROWS] = {0};
    const uint64_t plain = workload_fingerprint(trace);
    strcpy(trace->name, "another name");
    cr_expect_eq(workload_fingerprint(trace), plain);
    uint32_t *index = trace->index;
    trace->index = NULL;
    cr_expect_eq(workload_fingerprint(trace), plain, "numbers that are those of the file's rows need no column");
    trace->index = index;
    trace->finish_reason = finish_reason;
    trace->previous = previous;
    trace->delay_ns = delay;
    trace->sample = sample;
    const uint64_t all = workload_fingerprint(trace);
    cr_expect_neq(all, plain);
    uint32_t *const words[] = {trace->input_tokens, trace->output_tokens, trace->index, trace->samples,
                               trace->beam_width,   finish_reason,        previous,     trace->sample,
                               trace->hash_ids};
    for (size_t column = 0; column < sizeof words / sizeof *words; column++)
        for (uint32_t row = 0; row < ROWS; row++) {
            words[column][row]++;
            cr_expect_neq(workload_fingerprint(trace), all, "column %zu, row %u", column, row);
            words[column][row]--;
        }
    for (uint32_t row = 0; row < ROWS; row++) {
        trace->arrival_ns[row]++, trace->priority[row]++;
        const uint64_t both = workload_fingerprint(trace);
        trace->arrival_ns[row]--;
        const uint64_t priority = workload_fingerprint(trace);
        trace->priority[row]--;
        delay[row]++;
        const uint64_t later = workload_fingerprint(trace);
        delay[row]--;
        cr_expect(both != priority && priority != all && later != all, "row %u", row);
    }
    trace->facts.answers_shared = true;
    cr_expect_neq(workload_fingerprint(trace), all);
    trace->facts.answers_shared = false;
    cr_expect_eq(workload_fingerprint(trace), all);
    trace->finish_reason = trace->previous = trace->sample = NULL;
    trace->delay_ns = NULL;
    trace_destroy(trace);
}
