/* test_validation.c - a replay against the measured run of a real server, with the limits that the project set itself. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"
#include "study/scheduling_choice.h"
#include "support/shared.h"
#include "support/temp_file.h"
#include "support/tiny_trace.h"
#include "time/compact.h"

#define RUN      "../shared/groundtruth/rtx4090_llama31_8b"
#define HELD_RUN "../shared/groundtruth/rtxpro6000_llama31_8b"

static double figure(struct validation *validation, const char *name)
{
    struct figure_set set = {.count = 0};
    validation_put_figures(validation, &set);
    const double value = figure_set_value(&set, name);
    cr_assert_not(isnan(value), "no figure %s", name);
    return value;
}

static void replay(const struct trace *trace, const struct config *config, bool reference, struct validation *validation)
{
    static struct run run;
    const struct replay_options options = {.reference = reference};
    struct diag diag = {0};
    cr_assert_eq(run_open(&run, trace, config, &diag), SIM_OK, "%s", diag.text);
    const struct observer observer = validation_observer(validation);
    cr_assert_eq(run_replay(&run, &observer, 1, &options, &diag), SIM_OK, "%s", diag.text);
    run_close(&run);
}

/* The measured run and a replay of it. */
struct judged {
    struct trace *trace;
    struct config config;
    struct measured_run measured;
    struct validation validation;
};

static void judged_open(struct judged *judged, const char *folder)
{
    struct diag diag = {0};
    const struct trace_selection all = trace_select_all();
    char config[128], trace[128], requests[128], timeline[128];
    need_shared(folder);
    snprintf(config, sizeof config, "%s/config.json", folder);
    snprintf(trace, sizeof trace, "%s/trace.jsonl", folder);
    snprintf(requests, sizeof requests, "%s/measured_requests.csv", folder);
    snprintf(timeline, sizeof timeline, "%s/measured_timeline.csv", folder);
    cr_assert_eq(config_load(config, NULL, 0, &judged->config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(trace_load(trace, &all, &judged->trace, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(measured_run_open_csv(requests, timeline, judged->trace, &judged->measured, &diag), SIM_OK, "%s", diag.text);
}

static void judge(struct judged *judged, bool reference)
{
    struct diag diag = {0};
    cr_assert_eq(validation_init(&judged->validation, judged->trace, &judged->config, &judged->measured, &diag), SIM_OK, "%s", diag.text);
    replay(judged->trace, &judged->config, reference, &judged->validation);
}

static void judged_close(struct judged *judged)
{
    measured_run_close(&judged->measured);
    trace_destroy(judged->trace);
}

/* What the project asks of a replay of the run. */
struct limits {
    double statistic, e2el_mape, tpot_mape, ttft_median_ape;
};

static void expect_within(const struct run *run, const struct limits *limits)
{
    static const char *const latencies[] = {"ttft", "tpot", "e2el"}, *const statistics[] = {"mean", "median", "p90", "p95", "p99"};
    for (int latency = 0; latency < 3; latency++)
        for (int statistic = 0; statistic < 5; statistic++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s_error", statistics[statistic], latencies[latency]);
            cr_expect_leq(run_figure(run, name), limits->statistic, "%s", name);
        }
    cr_expect_leq(run_figure(run, "e2el_mape"), limits->e2el_mape);
    cr_expect_leq(run_figure(run, "tpot_mape"), limits->tpot_mape);
    cr_expect_leq(run_figure(run, "ttft_median_ape"), limits->ttft_median_ape);
    const double preemptions = run_figure(run, "preemptions");
    cr_expect(preemptions >= 185 && preemptions <= 205);
    cr_expect_float_eq(run_figure(run, "prefix_hit_rate"), 0.0188, 0.001);
    cr_expect_lt(run_figure(run, "running_error"), 1);
    cr_expect_lt(run_figure(run, "kv_usage_error"), 0.03);
}

/* As the command does: both ways. The server decided steps ahead, as its prefills tell. The synchronous limits are those of the time when
 * there was no other way, which LLMServingSim's synchronous replay meets too. */
Test(validation, a_real_run_is_reproduced_within_its_limits)
{
    static const struct limits limits[] = {{0.01, 0.006, 0.017, 0.007}, {0.02, 0.01, 0.02, 0.01}};
    static struct judged judged;
    static struct scheduling_choice choice;
    struct diag diag = {0};
    judged_open(&judged, RUN);
    cr_assert_eq(scheduling_choice_open(&choice, judged.trace, &judged.config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(scheduling_choice_make(&choice, &judged.measured, NULL, NULL, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(choice.count, 2);
    for (int async = 0; async < 2; async++)
        expect_within(&choice.ways[async].run, &limits[async]);
    cr_expect(choice.told == SCHEDULING_BY_PREFILL && choice.chosen == 1);
    cr_expect_leq(run_figure(&choice.ways[1].run, "prefill_error"), 0.05);
    scheduling_choice_close(&choice);
    judged_close(&judged);
}

/* Nothing of this run was looked at while the rules of the tables were made: its attention table has holes, and its skew is corrected. Its
 * server, too, decided steps ahead, and its monitor logged no use of the KV cache. */
Test(validation, a_second_card_that_was_held_back_is_reproduced_from_its_tables)
{
    static struct judged judged;
    static struct scheduling_choice choice;
    struct diag diag = {0};
    judged_open(&judged, HELD_RUN);
    cr_assert_eq(scheduling_choice_open(&choice, judged.trace, &judged.config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(scheduling_choice_make(&choice, &judged.measured, NULL, NULL, &diag), SIM_OK, "%s", diag.text);
    for (int async = 0; async < 2; async++) {
        const struct run *run = &choice.ways[async].run;
        cr_expect_leq(run_figure(run, "e2el_mape"), 0.026);
        cr_expect_leq(run_figure(run, "tpot_mape"), 0.02);
        cr_expect_leq(run_figure(run, "ttft_median_ape"), 0.1);
        cr_expect_eq(run_figure(run, "preemptions"), 0);
        cr_expect(isnan(run_figure(run, "kv_usage_error")));
    }
    cr_expect(choice.told == SCHEDULING_BY_PREFILL && choice.chosen == 1);
    scheduling_choice_close(&choice);
    judged_close(&judged);
}

Test(validation, constants_fitted_to_the_tables_come_close_to_them)
{
    static struct judged judged;
    struct step_time_model *model;
    struct step_sample *samples;
    struct fit_error error;
    struct compact compact;
    struct diag diag = {0};
    size_t count;
    judged_open(&judged, RUN);
    cr_assert_eq(step_time_create(&judged.config, &model, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(step_samples_of_model(model, &judged.config, &samples, &count, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(compact_fit(samples, count, &compact, &error, &diag), SIM_OK, "%s", diag.text);
    step_time_destroy(model);
    free(samples);
    char text[2048];
    int length = snprintf(text, sizeof text, "{\"fitted_from\": \"tables\"");
    for (int i = 0; i < COMPACT_CONSTANTS; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, ", \"%s\": %.17g", compact_names[i], compact.constants[i]);
    length += snprintf(text + length, sizeof text - (size_t)length, "}");
    struct temp_file file = temp_file_make(text, (size_t)length);
    judged.config.step_time.model = STEP_TIME_COMPACT;
    snprintf(judged.config.step_time.path, sizeof judged.config.step_time.path, "%s", file.path);
    judge(&judged, false);
    cr_expect_leq(figure(&judged.validation, "e2el_mape"), 0.015);
    validation_deinit(&judged.validation);
    temp_file_remove(&file);
    judged_close(&judged);
}

Test(validation, both_engines_price_unequal_contexts_alike)
{
    static const char *const runs[] = {RUN, HELD_RUN};
    for (int i = 0; i < 2; i++) {
        static struct judged judged;
        double means[2];
        judged_open(&judged, runs[i]);
        judged.config.step_time.skew_table = true;
        judged.config.step_time.skew_default_alpha = 0.05;
        for (int reference = 0; reference < 2; reference++) {
            judge(&judged, reference);
            means[reference] = judged.validation.latency[LATENCY_E2EL][0].simulated;
            validation_deinit(&judged.validation);
        }
        cr_expect_eq(means[0], means[1]);
        judged.config.step_time.skew_table = false;
        judged.config.step_time.skew_default_alpha = 0;
        judge(&judged, false);
        cr_expect_neq(means[0], judged.validation.latency[LATENCY_E2EL][0].simulated, "the correction changes something");
        validation_deinit(&judged.validation);
        judged_close(&judged);
    }
}

/* Two requests with linear time: 5 ms a step, nothing else; the second is taken in at the start of the second step. */
static const struct tiny_request pair[] = {{0, 16, 3}, {2000000, 16, 2}};

static void compare_pair(const char *text, bool json, double ttft_ms, double e2e_ms)
{
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 20);
    struct trace *trace = tiny_trace(pair, 2);
    struct measured_run measured;
    struct validation validation;
    struct temp_file file = temp_file_make(text, strlen(text));
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    enum status status =
        json ? measured_run_open_json(file.path, trace, &measured, &diag) : measured_run_open_csv(file.path, NULL, trace, &measured, &diag);
    cr_assert_eq(status, SIM_OK, "%s", diag.text);
    cr_expect_eq(measured.known, 2);
    cr_assert_eq(validation_init(&validation, trace, &config, &measured, &diag), SIM_OK);
    replay(trace, &config, false, &validation);
    cr_expect_float_eq(validation.latency[LATENCY_TTFT][0].simulated, ttft_ms, 1e-9);
    cr_expect_float_eq(validation.latency[LATENCY_E2EL][0].simulated, e2e_ms, 1e-9);
    cr_expect_float_eq(validation.latency[LATENCY_TPOT][0].simulated, 5, 1e-9);
    cr_expect_float_eq(figure(&validation, "e2el_mape"), 0, 1e-9);
    validation_deinit(&validation);
    measured_run_close(&measured);
    trace_destroy(trace);
    temp_file_remove(&file);
}

Test(validation, times_count_from_the_step_that_took_the_request_in_or_from_arrival)
{
    compare_pair("id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n1,16,2,5,5,10\n0,16,3,5,5,15\n", false, 5, 12.5);
    compare_pair("{\"input_lens\":[16,16],\"output_lens\":[3,2],\"ttfts\":[0.005,0.008],\"itls\":[[0.005,0.005],[0.005]]}", true, 6.5, 14);
}

Test(validation, measured_requests_must_be_those_of_the_trace)
{
    struct diag diag = {0};
    struct trace *trace = tiny_trace(pair, 2);
    struct measured_run measured;
    static const char text[] = "id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n0,17,3,5,5,15\n";
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    cr_expect_eq(measured_run_open_csv(file.path, NULL, trace, &measured, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:1") && strstr(diag.text, "lengths"), "%s", diag.text);
    temp_file_remove(&file);
    trace_destroy(trace);
}

/* Both requests are replayed, one was measured: its latencies are all there is to compare, so that each statistic is the same. An output
 * of one token has no time per token: that latency is undefined on both sides, and no error of it meets a requirement. */
Test(validation, one_measured_request_is_compared_alone)
{
    static const struct tiny_request short_and_long[] = {{0, 16, 1}, {2000000, 16, 2}};
    static const char text[] = "id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n0,16,1,4,9,8\n";
    static const char *const undefined[] = {"mean_tpot_error", "median_tpot_error", "p99_tpot_error",
                                            "tpot_mape",       "tpot_median_ape",   "running_error",
                                            "waiting_error",   "kv_usage_error",    "output_throughput_error"};
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 20);
    struct trace *trace = tiny_trace(short_and_long, 2);
    struct measured_run measured;
    struct validation validation;
    struct figure_set set = {.count = 0};
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    cr_assert_eq(measured_run_open_csv(file.path, NULL, trace, &measured, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(measured.known, 1);
    cr_assert_eq(validation_init(&validation, trace, &config, &measured, &diag), SIM_OK);
    replay(trace, &config, false, &validation);
    /* It is the first request: one step of 5 ms from its arrival, which ends it. */
    for (int statistic = 0; statistic < MEASURED_STATISTICS; statistic++) {
        cr_expect_float_eq(validation.latency[LATENCY_TTFT][statistic].simulated, 5, 1e-12);
        cr_expect_float_eq(validation.latency[LATENCY_TTFT][statistic].measured, 4, 1e-12);
        cr_expect_float_eq(validation.latency[LATENCY_E2EL][statistic].simulated, 5, 1e-12);
        cr_expect_float_eq(validation.latency[LATENCY_E2EL][statistic].measured, 8, 1e-12);
        cr_expect(isnan(validation.latency[LATENCY_TPOT][statistic].simulated));
        cr_expect(isnan(validation.latency[LATENCY_TPOT][statistic].measured));
    }
    cr_expect_float_eq(figure(&validation, "mean_ttft_error"), 0.25, 1e-12);
    cr_expect_float_eq(figure(&validation, "p99_e2el_error"), 3.0 / 8, 1e-12);
    cr_expect_float_eq(figure(&validation, "ttft_mape"), 0.25, 1e-12);
    cr_expect_float_eq(figure(&validation, "e2el_median_ape"), 3.0 / 8, 1e-12);
    validation_put_figures(&validation, &set);
    for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++) {
        const struct figure *found = figure_set_find(&set, undefined[i]);
        cr_expect(found && found->undefined, "%s", undefined[i]);
    }
    validation_deinit(&validation);
    measured_run_close(&measured);
    trace_destroy(trace);
    temp_file_remove(&file);
}

/* The prefills of the pair are the first two steps of 5 ms, one each. By rank 4 and 7 ms stand against them: (1 + 2) / (4 + 7). */
Test(validation, prefills_are_compared_by_rank)
{
    static const char text[] = "id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms,first_token_s,scheduled_s\n"
                               "0,16,3,5,5,15,1.007,1\n1,16,2,5,5,10,9.004,9\n";
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 20);
    struct trace *trace = tiny_trace(pair, 2);
    struct measured_run measured;
    struct validation validation;
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    cr_assert_eq(measured_run_open_csv(file.path, NULL, trace, &measured, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(validation_init(&validation, trace, &config, &measured, &diag), SIM_OK);
    replay(trace, &config, false, &validation);
    cr_expect_float_eq(figure(&validation, "prefill_error"), 3.0 / 11, 1e-9);
    validation_deinit(&validation);
    measured_run_close(&measured);
    trace_destroy(trace);
    temp_file_remove(&file);
}

Test(validation, no_first_token_comes_before_the_admission)
{
    static const char text[] = "id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms,scheduled_s,first_token_s\n0,16,3,5,5,15,1,0.5\n";
    struct diag diag = {0};
    struct trace *trace = tiny_trace(pair, 2);
    struct measured_run measured;
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    cr_expect_eq(measured_run_open_csv(file.path, NULL, trace, &measured, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:17") && strstr(diag.text, "\"0.5\" is not at or after scheduled_s"), "%s", diag.text);
    temp_file_remove(&file);
    trace_destroy(trace);
}

/* The same two requests and a monitor that looks in the middle of each step, but at the very start of the last one, which is the end of the
 * one before. The first step has request 0, the second both, as 1 waits for it; then 1 alone is left. Usable are 19 blocks; each request holds one, and 1 needs a second one with its 17th token. */
Test(validation, the_timeline_is_held_against_the_step_of_its_time)
{
    static const struct tiny_request two[] = {{0, 16, 1}, {2000000, 16, 2}};
    static const char requests[] = "id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n0,16,1,5,0,5\n1,16,2,5,5,10\n";
    static const char times[] = "t,running,waiting,kv_cache_pct,gen_throughput\n"
                                "0.0025,2,0,100,100\n0.0075,1,1,0,200\n0.01,1,0,0,300\n9,5,5,0,1\n";
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 20);
    struct trace *trace = tiny_trace(two, 2);
    struct measured_run measured;
    struct validation validation;
    struct temp_file file = temp_file_make(requests, sizeof requests - 1), timeline = temp_file_make(times, sizeof times - 1);
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    cr_assert_eq(measured_run_open_csv(file.path, timeline.path, trace, &measured, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(validation_init(&validation, trace, &config, &measured, &diag), SIM_OK);
    replay(trace, &config, false, &validation);
    cr_assert_eq(validation.row_count, 3, "the last row is after the end");
    static const double running[] = {1, 1, 1}, used[] = {1, 1, 2}, tokens[] = {0, 1 / 0.005, 1 / 0.0025};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_float_eq(validation.rows[i].running, running[i], 1e-12, "row %zu", i);
        cr_expect_float_eq(validation.rows[i].waiting, 0, 1e-12, "row %zu", i);
        cr_expect_float_eq(validation.rows[i].kv_usage, used[i] / 19, 1e-12, "row %zu: %g", i, validation.rows[i].kv_usage * 19);
        cr_expect_float_eq(validation.rows[i].output_tokens_per_s, tokens[i], 1e-6, "row %zu", i);
    }
    cr_expect_float_eq(figure(&validation, "running_error"), 1.0 / 3, 1e-12);
    cr_expect_float_eq(figure(&validation, "waiting_error"), 1.0 / 3, 1e-12);
    cr_expect_float_eq(figure(&validation, "kv_usage_error"), (18.0 + 1 + 2) / 19 / 3, 1e-12);
    cr_expect_float_eq(figure(&validation, "output_throughput_error"), (100.0 + 0 + 100) / 600, 1e-9);
    validation_deinit(&validation);
    measured_run_close(&measured);
    temp_file_remove(&timeline);
    /* What the first row tells is of all the time before it. */
    static const char later[] = "t,running,waiting,kv_cache_pct,gen_throughput\n0.0075,1,0,0,200\n0.01,1,0,0,300\n";
    timeline = temp_file_make(later, sizeof later - 1);
    cr_assert_eq(measured_run_open_csv(file.path, timeline.path, trace, &measured, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(validation_init(&validation, trace, &config, &measured, &diag), SIM_OK);
    replay(trace, &config, false, &validation);
    cr_assert_eq(validation.row_count, 2);
    cr_expect_float_eq(validation.rows[0].output_tokens_per_s, 1 / 0.0075, 1e-6);
    cr_expect_float_eq(validation.rows[1].output_tokens_per_s, 1 / 0.0025, 1e-6);
    validation_deinit(&validation);
    measured_run_close(&measured);
    trace_destroy(trace);
    temp_file_remove(&timeline);
    temp_file_remove(&file);
}

/* Reads the JSON, replays the pair (two gaps of 5 ms and one) and gives the comparison. */
static struct validation pair_against(const char *text, struct measured_run *measured, double errors[2], const char *const names[2])
{
    static struct run run;
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 20);
    struct trace *trace = tiny_trace(pair, 2);
    struct validation validation;
    struct temp_file file = temp_file_make(text, strlen(text));
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    cr_assert_eq(measured_run_open_json(file.path, trace, measured, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(validation_init(&validation, trace, &config, measured, &diag), SIM_OK);
    const struct observer observer = validation_observer(&validation);
    cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_replay(&run, &observer, 1, NULL, &diag), SIM_OK, "%s", diag.text);
    validation_put_figures(&validation, &run.figures);
    for (int i = 0; i < 2; i++)
        errors[i] = run_figure(&run, names[i]);
    run_close(&run);
    trace_destroy(trace);
    temp_file_remove(&file);
    return validation;
}

/* Measured are gaps of 15, 5 and 5 ms, 25/3 in the mean; the 99th percentile lies 0.98 of the way from the second to the third. */
Test(validation, gaps_between_tokens_are_compared_as_a_whole)
{
    static const char *const names[2] = {"mean_itl_error", "median_itl_error"};
    struct measured_run measured;
    double errors[2];
    struct validation validation =
        pair_against("{\"input_lens\":[16,16],\"output_lens\":[3,2],\"ttfts\":[0.005,0.008],\"itls\":[[0.015,0.005],[0.005]]}", &measured,
                     errors, names);
    cr_expect_float_eq(validation.latency[LATENCY_ITL][0].measured, 25.0 / 3, 1e-9);
    cr_expect_float_eq(validation.latency[LATENCY_ITL][0].simulated, 5, 1e-9);
    cr_expect_float_eq(validation.latency[LATENCY_ITL][4].measured, 5 + 0.98 * 10, 1e-9);
    cr_expect_float_eq(errors[0], 0.4, 1e-9);
    cr_expect_float_eq(errors[1], 0, 1e-9);
    validation_deinit(&validation);
    measured_run_close(&measured);
}

/* A TTFT of 0: the request ended at once. It is replayed like all others, and no latency of it is compared. */
Test(validation, requests_that_streamed_nothing_are_not_compared)
{
    static const char *const names[2] = {"ttft_mape", "e2el_mape"};
    struct measured_run measured;
    double errors[2];
    struct validation validation = pair_against(
        "{\"input_lens\":[16,16],\"output_lens\":[3,2],\"ttfts\":[0.004,0],\"itls\":[[0.005,0.005],[]]}", &measured, errors, names);
    cr_expect_eq(measured.known, 1);
    cr_expect_float_eq(errors[0], 0.25, 1e-9);
    cr_expect_float_eq(errors[1], 1.0 / 14, 1e-9);
    validation_deinit(&validation);
    measured_run_close(&measured);
}

/* Without --save-detailed. The replay's TTFTs are 5 and 8 ms, the second request being taken in 3 ms after it came. */
Test(validation, statistics_alone_are_compared_with_those_of_all_requests)
{
    static const char *const names[2] = {"mean_ttft_error", "p99_itl_error"};
    struct measured_run measured;
    double errors[2];
    struct validation validation =
        pair_against("{\"completed\":2,\"mean_ttft_ms\":13,\"p99_itl_ms\":4,\"std_ttft_ms\":1}", &measured, errors, names);
    cr_expect_eq(measured.known, 2);
    cr_expect_float_eq(validation.latency[LATENCY_TTFT][0].simulated, 6.5, 1e-9);
    cr_expect_float_eq(errors[0], 0.5, 1e-9);
    cr_expect_float_eq(errors[1], 0.25, 1e-9);
    cr_expect(isnan(validation.latency[LATENCY_TTFT][1].measured) && isnan(validation.mape[LATENCY_TTFT]));
    validation_deinit(&validation);
    measured_run_close(&measured);
}
