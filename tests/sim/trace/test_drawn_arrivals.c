/* test_drawn_arrivals.c - arrivals at a rate: the sums that `vllm bench serve` promises, bursts, ramps, the order of the file. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"
#include "support/shared.h"
#include "support/tiny_trace.h"
#include "trace/drawn_arrivals.h"

enum { MANY = 20000 };

/* `count` requests of one token each, arriving each second. */
static struct trace *plain_trace(uint32_t count)
{
    struct tiny_request *requests = calloc(count, sizeof *requests);
    cr_assert(requests);
    for (uint32_t i = 0; i < count; i++)
        requests[i] = (struct tiny_request){.arrival_ns = (int64_t)i * 1000000000, .input = 1 + i % 7, .output = 1 + i % 5};
    struct trace *trace = tiny_trace(requests, count);
    free(requests);
    return trace;
}

static struct trace *apply(const struct trace *trace, const struct config *config)
{
    struct trace *out;
    struct diag diag = {0};
    cr_assert_eq(drawn_arrivals_make(trace, config, &out, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t i = 1; i < out->count; i++)
        cr_assert(out->arrival_ns[i] >= out->arrival_ns[i - 1] && trace_index(out, i) >= trace_index(out, i - 1), "request %u", i);
    return out;
}

/* Variance of the gaps over the square of their mean: 1 / burstiness. */
static double squared_variation(const struct trace *trace)
{
    const double mean = (double)trace->arrival_ns[trace->count - 1] / trace->count;
    double sum = 0;
    for (uint32_t i = 0; i < trace->count; i++)
        sum += pow((double)(trace->arrival_ns[i] - (i ? trace->arrival_ns[i - 1] : 0)) - mean, 2);
    return sum / trace->count / (mean * mean);
}

Test(drawn_arrivals, a_rate_brings_the_last_request_at_n_over_rate_in_gamma_distributed_gaps)
{
    static const double burstiness[] = {0.25, 0.5, 1, 3, 50};
    struct trace *trace = plain_trace(MANY);
    struct config config = tiny_config_v1(16, 100);
    config.request_rate = 8;
    for (size_t i = 0; i < sizeof burstiness / sizeof *burstiness; i++) {
        config.burstiness = burstiness[i];
        cr_assert(drawn_arrivals_wanted(trace, &config));
        struct trace *drawn = apply(trace, &config);
        cr_expect_eq(drawn->arrival_ns[MANY - 1], INT64_C(1000000000) * MANY / 8);
        cr_expect_gt(drawn->arrival_ns[0], 0, "the first gap stands before the first request");
        cr_expect_float_eq(squared_variation(drawn) * burstiness[i], 1, 0.12, "burstiness %g: %g", burstiness[i], squared_variation(drawn));
        cr_expect_not(drawn_arrivals_wanted(drawn, &config));
        struct trace *again = apply(drawn, &config);
        cr_expect_eq(memcmp(again->arrival_ns, drawn->arrival_ns, MANY * sizeof *drawn->arrival_ns), 0);
        config.seed++;
        struct trace *other = apply(trace, &config);
        cr_expect_neq(memcmp(other->arrival_ns, drawn->arrival_ns, MANY * sizeof *drawn->arrival_ns), 0);
        trace_destroy(other);
        trace_destroy(again);
        trace_destroy(drawn);
    }
    trace_destroy(trace);
}

Test(drawn_arrivals, infinite_rates_and_infinite_burstiness_have_no_chance_in_them)
{
    struct trace *trace = plain_trace(10);
    struct config config = tiny_config_v1(16, 100);
    config.request_rate = INFINITY;
    struct trace *at_once = apply(trace, &config);
    cr_expect_eq(at_once->arrival_ns[9], 0);
    config.request_rate = 4;
    config.burstiness = INFINITY;
    struct trace *even = apply(trace, &config);
    for (int i = 0; i < 10; i++)
        cr_expect_eq(even->arrival_ns[i], INT64_C(250000000) * (i + 1));
    config.request_rate = 1e-6;
    struct trace *never;
    struct diag diag = {0};
    struct trace *long_trace = plain_trace(10000);
    cr_expect_eq(drawn_arrivals_make(long_trace, &config, &never, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "292 years"), "%s", diag.text);
    trace_destroy(long_trace);
    trace_destroy(even);
    trace_destroy(at_once);
    trace_destroy(trace);
}

Test(drawn_arrivals, a_ramp_goes_through_its_rates)
{
    struct trace *trace = plain_trace(MANY);
    struct config config = tiny_config_v1(16, 100);
    config.ramp_up_start_rps = 2;
    config.ramp_up_end_rps = 32;
    config.burstiness = INFINITY;
    static const char *const strategies[] = {"linear", "exponential"};
    for (int i = 0; i < 2; i++) {
        snprintf(config.ramp_up_strategy, sizeof config.ramp_up_strategy, "%s", strategies[i]);
        struct trace *drawn = apply(trace, &config);
        for (int request = 0; request < MANY; request += 500) {
            const double progress = request / (MANY - 1.0), rate = i ? 2 * pow(16, progress) : 2 + 30 * progress;
            const double gap_s = (double)(drawn->arrival_ns[request] - (request ? drawn->arrival_ns[request - 1] : 0)) / 1e9;
            cr_expect_float_eq(gap_s * rate, 1, 1e-6, "%s, request %d: gap %g s", strategies[i], request, gap_s);
        }
        config.burstiness = 1; /* drawn gaps keep the mean; nothing is scaled */
        struct trace *poisson = apply(trace, &config);
        const double ratio = (double)poisson->arrival_ns[MANY - 1] / (double)drawn->arrival_ns[MANY - 1];
        cr_expect(fabs(ratio - 1) < 0.05 && ratio != 1, "%g", ratio);
        config.burstiness = INFINITY;
        trace_destroy(poisson);
        trace_destroy(drawn);
    }
    trace_destroy(trace);
}

Test(drawn_arrivals, requests_come_in_the_order_of_the_file_with_all_that_belongs_to_them)
{
    struct tiny_request requests[4] = {
        {.arrival_ns = 0, .input = 40, .output = 1, .priority = 3, .samples = 2, .hash_count = 2, .hash_ids = {5, 6}},
        {.arrival_ns = 1, .input = 30, .output = 2, .priority = 2, .samples = 1, .hash_count = 1, .hash_ids = {7}},
        {.arrival_ns = 2, .input = 20, .output = 3, .priority = 1, .samples = 3},
        {.arrival_ns = 3, .input = 10, .output = 4, .priority = 0, .samples = 1, .hash_count = 1, .hash_ids = {8}}};
    static const uint32_t index[] = {2, 0, 3, 1};
    struct trace *trace = tiny_trace(requests, 4), *expanded;
    struct config config = tiny_config_v1(16, 100);
    struct diag diag = {0};
    memcpy(trace->index, index, sizeof index);
    config.request_rate = 10;
    cr_assert_eq(trace_expand_samples(trace, &expanded, &diag), SIM_OK);
    struct trace *drawn = apply(expanded, &config);
    static const uint32_t inputs[] = {30, 10, 40, 40, 20, 20, 20}, samples[] = {0, 0, 0, 1, 0, 1, 2};
    static const uint32_t hashes[] = {1, 1, 2, 2, 0, 0, 0}, first[] = {7, 8, 5, 5};
    cr_assert_eq(drawn->count, 7);
    for (uint32_t i = 0; i < 7; i++) {
        cr_expect_eq(drawn->input_tokens[i], inputs[i]);
        cr_expect_eq(drawn->sample[i], samples[i]);
        cr_expect_eq((uint32_t)drawn->priority[i], drawn->input_tokens[i] / 10 - 1);
        cr_expect_eq(drawn->output_tokens[i], 5 - drawn->input_tokens[i] / 10);
        cr_expect_eq(trace_hash_count(drawn, i), hashes[i]);
        if (hashes[i])
            cr_expect_eq(drawn->hash_ids[drawn->hash_start[i]], first[i]);
        if (samples[i])
            cr_expect_eq(drawn->arrival_ns[i], drawn->arrival_ns[i - 1], "samples of one request arrive together");
    }
    cr_expect_eq(drawn->arrival_ns[6], 400000000, "four requests at ten a second");
    trace_destroy(drawn);
    trace_destroy(expanded);
    trace_destroy(trace);
}

Test(drawn_arrivals, a_run_draws_the_arrivals_that_its_configuration_asks_for)
{
    struct trace *trace = plain_trace(20);
    struct config config = tiny_config_v1(16, 100);
    struct diag diag = {0};
    static const double rates[] = {2, 4};
    double makespans[2];
    for (int i = 0; i < 2; i++) {
        struct run run;
        config.request_rate = rates[i];
        cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(run.trace->arrival_ns[19], (int64_t)(20 / rates[i] * 1e9));
        makespans[i] = run_figure(&run, "makespan_s");
        run_close(&run);
    }
    cr_expect_float_eq(makespans[0] / makespans[1], 2, 0.02, "%g and %g s", makespans[0], makespans[1]);
    cr_expect_eq(trace->arrival_ns[19], INT64_C(19000000000), "the shared trace stays as it is");
    trace_destroy(trace);
}

/* Times of a trace and numbers in its file, sped up. */
static struct trace *faster(const int64_t *arrivals, uint32_t count, double ratio, struct diag *diag)
{
    struct tiny_request requests[8] = {{0}};
    struct config config = tiny_config_v1(16, 100);
    struct trace *out = NULL;
    for (uint32_t i = 0; i < count; i++)
        requests[i] = (struct tiny_request){.arrival_ns = arrivals[i], .input = 1 + i, .output = 1};
    struct trace *trace = tiny_trace(requests, count);
    config.arrival_speedup_ratio = ratio;
    cr_assert(drawn_arrivals_wanted(trace, &config));
    if (drawn_arrivals_make(trace, &config, &out, diag) == SIM_OK) {
        cr_expect_not(drawn_arrivals_wanted(out, &config), "once is enough");
        for (uint32_t i = 0; i < count; i++)
            cr_expect_eq(out->input_tokens[i], 1 + trace_index(out, i), "the rest of the request goes with it");
    }
    trace_destroy(trace);
    return out;
}

Test(drawn_arrivals, a_speedup_divides_times_and_rounds_them_half_to_even)
{
    static const int64_t arrivals[] = {1, 3, 5, 1000, 1001}, want[] = {0, 2, 2, 500, 500};
    struct diag diag = {0};
    struct trace *trace = faster(arrivals, 5, 2, &diag);
    cr_assert(trace, "%s", diag.text);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_eq(trace->arrival_ns[i], want[i], "%lld", (long long)trace->arrival_ns[i]);
    trace_destroy(trace);
}

Test(drawn_arrivals, requests_that_a_speedup_brings_together_are_in_file_order)
{
    static const int64_t arrivals[] = {10, 12, 50}; /* by position; numbered from the end in the file */
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 100);
    struct tiny_request requests[3] = {{0}};
    for (uint32_t i = 0; i < 3; i++)
        requests[i] = (struct tiny_request){.arrival_ns = arrivals[i], .input = 1 + i, .output = 1};
    struct trace *trace = tiny_trace(requests, 3), *out;
    for (uint32_t i = 0; i < 3; i++)
        trace->index[i] = 2 - i;
    config.arrival_speedup_ratio = 100;
    cr_assert_eq(drawn_arrivals_make(trace, &config, &out, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect_eq(out->arrival_ns[i], 0);
        cr_expect_eq(trace_index(out, i), i);
        cr_expect_eq(out->input_tokens[i], 3 - i);
    }
    trace_destroy(out);
    trace_destroy(trace);
}

Test(drawn_arrivals, a_speedup_that_passes_the_clock_is_an_error_that_names_it)
{
    static const int64_t fits[] = {0, INT64_C(9200000000000000)}, beyond[] = {0, INT64_C(9300000000000000)};
    struct diag diag = {0};
    struct trace *trace = faster(fits, 2, 0.001, &diag);
    cr_assert(trace, "%s", diag.text);
    cr_expect_eq(trace->arrival_ns[1], INT64_C(9200000000000000000));
    trace_destroy(trace);
    cr_expect_null(faster(beyond, 2, 0.001, &diag));
    cr_expect_eq(diag.status, SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "arrival_speedup_ratio") != NULL, "%s", diag.text);
}

Test(drawn_arrivals, a_ratio_of_one_and_a_rate_are_no_speedup)
{
    struct trace *trace = plain_trace(3);
    struct config config = tiny_config_v1(16, 100);
    cr_expect_not(drawn_arrivals_wanted(trace, &config));
    config.request_rate = 5;
    struct trace *drawn = apply(trace, &config);
    cr_expect_eq(drawn->drawn.speedup, 0);
    trace_destroy(drawn);
    trace_destroy(trace);
}

/* The gaps of seed 0 at 32 requests a second: -ln(1 - 0.5488135039273248) / 32 is the first. */
Test(drawn_arrivals, of_vllms_client_are_numpys)
{
    struct trace *trace = plain_trace(MANY);
    struct config config = tiny_config_v1(16, 100);
    const double gap_ns = -log(1 - 0.5488135039273248) / 32 * 1e9;
    config.request_rate = 32;
    struct trace *own = apply(trace, &config);
    tiny_name(config.arrival_generator, "numpy-unscaled");
    cr_expect(drawn_arrivals_wanted(own, &config));
    struct trace *unscaled = apply(trace, &config);
    cr_expect_eq(unscaled->arrival_ns[0], 0);
    cr_expect_eq(unscaled->arrival_ns[1], llrint(gap_ns));
    tiny_name(config.arrival_generator, "numpy");
    cr_expect(drawn_arrivals_wanted(unscaled, &config));
    struct trace *scaled = apply(trace, &config);
    cr_expect_not(drawn_arrivals_wanted(scaled, &config));
    cr_expect_eq(scaled->arrival_ns[MANY - 1], INT64_C(1000000000) * MANY / 32);
    /* The same gaps, one earlier and in one scale. */
    const double scale = (double)scaled->arrival_ns[0] / gap_ns;
    for (uint32_t i = 1; i + 1 < MANY; i++)
        cr_assert_float_eq((double)(scaled->arrival_ns[i - 1]) / ((double)unscaled->arrival_ns[i] * scale), 1, 1e-7, "request %u", i);
    trace_destroy(own);
    trace_destroy(unscaled);
    trace_destroy(scaled);
    trace_destroy(trace);
}

/* Two runs of a client of vLLM 0.6.3, whose trace has the arrivals that numpy drew. */
Test(drawn_arrivals, of_a_measured_run_are_drawn_again)
{
    static const struct {
        const char *path;
        double rate;
    } runs[] = {{"../shared/groundtruth/dstack_405b_32qps/trace.jsonl", 32},
                {"../shared/groundtruth/dstack_405b_1000qps/trace.jsonl", 1000}};
    for (int i = 0; i < 2; i++) {
        const struct trace_selection all = trace_select_all();
        struct config config = tiny_config_v1(16, 100);
        struct diag diag = {0};
        struct trace *trace;
        need_shared(runs[i].path);
        cr_assert_eq(trace_load(runs[i].path, &all, &trace, &diag), SIM_OK, "%s", diag.text);
        config.request_rate = runs[i].rate;
        tiny_name(config.arrival_generator, "numpy-unscaled");
        struct trace *drawn = apply(trace, &config);
        cr_assert_eq(drawn->count, trace->count);
        for (uint32_t position = 0; position < trace->count; position++)
            cr_assert_leq(llabs((long long)(drawn->arrival_ns[position] - trace->arrival_ns[position])), 1, "request %u: %lld ns, was %lld",
                          position, (long long)drawn->arrival_ns[position], (long long)trace->arrival_ns[position]);
        trace_destroy(drawn);
        trace_destroy(trace);
    }
}
