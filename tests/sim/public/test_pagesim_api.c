/* test_pagesim_api.c - pagesim.h as a caller sees it: what each function says, keeps and refuses. That it compiles alone, also as C++, is
 * exported as declared, and gives the figures of the program, tests/public/run.py shows. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pagesim.h"
#include "support/allocations.h"
#include "support/temp_file.h"

enum { COUNT = 6 };
static const int64_t arrivals[COUNT] = {5000000, 0, 3000000, 5000000, 9000000, 7000000};
static const uint32_t inputs[COUNT] = {40, 64, 20, 33, 64, 10}, outputs[COUNT] = {9, 20, 1, 5, 30, 12};
static const uint64_t starts[COUNT + 1] = {0, 0, 2, 2, 2, 4, 4}, ids[4] = {7, UINT64_MAX, 7, UINT64_MAX};

static struct pagesim_requests some_requests(void)
{
    return (struct pagesim_requests){
        .count = COUNT, .arrival_ns = arrivals, .input_tokens = inputs, .output_tokens = outputs, .hash_start = starts, .hash_ids = ids};
}

/* Aborts the test on failure; close all three. */
static struct pagesim_result *run_some(struct pagesim_trace **trace, struct pagesim_config **config,
                                       const struct pagesim_run_options *options)
{
    const struct pagesim_requests requests = some_requests();
    struct pagesim_error error = {0};
    struct pagesim_result *result = NULL;
    cr_assert_eq(pagesim_trace_build(&requests, trace, &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_config_create(config, &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_config_set(*config, "num_gpu_blocks", "100", &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_config_set(*config, "trace_block_size", "32", &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_run(*trace, *config, options, &result, &error), PAGESIM_OK, "%s", error.message);
    return result;
}

Test(pagesim_api, a_result_outlives_what_it_was_made_of)
{
    struct pagesim_trace *trace;
    struct pagesim_config *config;
    struct pagesim_error error = {0};
    struct pagesim_request_result request = {0};
    struct pagesim_figure figure = {0};
    struct pagesim_result *result = run_some(&trace, &config, NULL);
    char *json = NULL;
    double value = -1;
    cr_expect_eq(pagesim_trace_count(trace), COUNT);
    pagesim_trace_close(trace);
    pagesim_config_close(config);
    cr_expect_null(pagesim_result_ended_early(result));
    cr_expect_eq(pagesim_result_figure(result, "completed", &value, &error), PAGESIM_OK);
    cr_expect_eq(value, COUNT);
    for (uint32_t i = 0; i < pagesim_result_figure_count(result); i++) {
        cr_assert_eq(pagesim_result_figure_at(result, i, &figure, &error), PAGESIM_OK);
        cr_assert_eq(pagesim_result_figure(result, figure.name, &value, &error), PAGESIM_OK, "%s", figure.name);
        cr_expect(value == figure.value || (isnan(value) && isnan(figure.value)), "%s", figure.name);
        if (strcmp(figure.name, "p99_ttft_ms") == 0)
            cr_expect(strcmp(figure.unit, "ms") == 0 && *figure.meaning);
    }
    /* In order of arrival, ties in order of the arrays. */
    const uint32_t order[COUNT] = {1, 2, 0, 3, 5, 4};
    cr_expect_eq(pagesim_result_request_count(result), COUNT);
    for (uint32_t position = 0; position < COUNT; position++) {
        cr_assert_eq(pagesim_result_request(result, position, &request, &error), PAGESIM_OK);
        cr_expect_eq(request.request, order[position]);
        cr_expect_eq(request.arrival_ns, arrivals[order[position]]);
        cr_expect_eq(request.input_tokens, inputs[order[position]]);
        cr_expect_eq(request.output_tokens, outputs[order[position]]);
        cr_expect(request.arrival_ns <= request.first_scheduled_ns && request.first_scheduled_ns < request.first_token_ns &&
                  request.first_token_ns <= request.finish_ns && !request.dropped && !request.ignored);
    }
    cr_expect_eq(request.cached_tokens, 48, "request 4 has the prompt of request 1: all whole blocks but the last");
    cr_expect_eq(pagesim_result_json(result, &json, &error), PAGESIM_OK);
    cr_expect(json && strstr(json, "\"p99_ttft_ms\"") && strstr(json, "\"configuration\"") && strstr(json, "\"measured\""));
    pagesim_text_free(json);
    pagesim_result_close(result);
}

Test(pagesim_api, asks_for_what_is_not_there_are_errors_that_say_what_is)
{
    struct pagesim_trace *trace;
    struct pagesim_config *config;
    struct pagesim_error error = {0};
    struct pagesim_request_result request;
    struct pagesim_figure figure;
    struct pagesim_result *result = run_some(&trace, &config, NULL);
    double value = 12;
    cr_expect_eq(pagesim_result_figure(result, "p99_tftt_ms", &value, &error), PAGESIM_USAGE);
    cr_expect(error.status == PAGESIM_USAGE && strstr(error.message, "p99_ttft_ms") && error.line == 0 && *error.file == '\0');
    cr_expect_eq(value, 12, "written on success only");
    cr_expect_eq(pagesim_result_figure(result, "nonsense", &value, NULL), PAGESIM_USAGE, "nobody need listen to errors");
    cr_expect_eq(pagesim_result_figure_at(result, pagesim_result_figure_count(result), &figure, &error), PAGESIM_USAGE);
    cr_expect_eq(pagesim_result_request(result, COUNT, &request, &error), PAGESIM_USAGE);
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
    pagesim_result_close(NULL);
    pagesim_config_close(NULL);
    pagesim_trace_close(NULL);
    pagesim_text_free(NULL);
}

Test(pagesim_api, errors_in_files_have_their_place)
{
    const char lines[] =
        "{\"timestamp\":0,\"input_length\":5,\"output_length\":5}\n\n{\"timestamp\":1,\"input_length\":0,\"output_length\":5}\n";
    const char text[] = "{\n  \"block_size\": 16,\n  \"blok_size\": 3\n}";
    struct temp_file file = temp_file_make(lines, sizeof lines - 1);
    struct pagesim_trace *trace = NULL;
    struct pagesim_config *config = NULL;
    struct pagesim_error error = {0};
    cr_expect_eq(pagesim_trace_open(file.path, &trace, &error), PAGESIM_BAD_INPUT);
    cr_expect_str_eq(error.file, file.path);
    cr_expect_eq(error.line, 3);
    cr_expect(error.column > 1 && strncmp(error.message, file.path, strlen(file.path)) == 0, "%s", error.message);
    temp_file_remove(&file);
    cr_expect_eq(pagesim_trace_open("there/is/no.jsonl", &trace, &error), PAGESIM_BAD_INPUT);
    cr_expect_eq(error.line, 0);
    cr_expect_eq(pagesim_config_parse("my.json", text, sizeof text - 1, &config, &error), PAGESIM_BAD_INPUT);
    cr_expect_str_eq(error.file, "my.json");
    cr_expect(error.line == 3 && error.column == 3 && strstr(error.message, "block_size"), "%s", error.message);
    cr_expect_eq(pagesim_config_open("there/is/no.json", &config, &error), PAGESIM_BAD_INPUT);
    cr_expect(!trace && !config, "written on success only");
}

Test(pagesim_api, a_text_is_read_as_a_file_of_that_name)
{
    static const char good[] = "{\"timestamp\":5,\"input_length\":40,\"output_length\":9,\"finish_reason\":\"stop\"}\n"
                               "{\"timestamp\":7.5,\"input_length\":10,\"output_length\":3}";
    static const char bad[] =
        "{\"timestamp\":5,\"input_length\":40,\"output_length\":9}\n{\"timestamp\":5,\"input_length\":0,\"output_length\":9}\n";
    struct pagesim_trace *trace = NULL, *none = NULL;
    struct pagesim_error error = {0};
    cr_expect_eq(pagesim_trace_parse("<list>", bad, sizeof bad - 1, &none, &error), PAGESIM_BAD_INPUT);
    cr_expect_str_eq(error.file, "<list>");
    cr_expect(error.line == 2 && error.column > 1 && !none, "%s", error.message);
    cr_expect_eq(pagesim_trace_parse("<list>", "", 0, &none, &error), PAGESIM_BAD_INPUT);
    cr_expect_eq(pagesim_trace_open("<list>", &none, &error), PAGESIM_BAD_INPUT, "such names are texts during a command alone");
    cr_assert_eq(pagesim_trace_parse("<list>", good, sizeof good - 1, &trace, &error), PAGESIM_OK, "%s", error.message);
    cr_expect_eq(pagesim_trace_count(trace), 2);
    pagesim_trace_close(trace);
}

Test(pagesim_api, an_unknown_setting_offers_the_nearest_key)
{
    struct pagesim_config *config = NULL;
    struct pagesim_error error = {0};
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "num_gpu_block", "9", &error), PAGESIM_USAGE);
    cr_expect(strstr(error.message, "\"num_gpu_blocks\"") != NULL, "%s", error.message);
    pagesim_config_close(config);
}

Test(pagesim_api, requests_come_one_by_one_or_all_at_once)
{
    struct pagesim_trace *trace;
    struct pagesim_config *config;
    struct pagesim_error error = {0};
    struct pagesim_request_result all[COUNT] = {0}, one = {0}, tail[2] = {0};
    struct pagesim_result *result = run_some(&trace, &config, NULL);
    cr_assert_eq(pagesim_result_requests(result, 0, COUNT, all, &error), PAGESIM_OK);
    cr_assert_eq(pagesim_result_requests(result, COUNT - 2, 2, tail, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_result_requests(result, COUNT, 0, tail, &error), PAGESIM_OK, "none is fine");
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert_eq(pagesim_result_request(result, i, &one, &error), PAGESIM_OK);
        cr_expect(all[i].request == one.request && all[i].finish_ns == one.finish_ns && all[i].input_tokens == one.input_tokens);
    }
    cr_expect_eq(tail[1].request, all[COUNT - 1].request);
    cr_expect_eq(pagesim_result_requests(result, 0, COUNT + 1, all, &error), PAGESIM_USAGE);
    cr_expect_eq(pagesim_result_requests(result, COUNT + 1, 0, all, &error), PAGESIM_USAGE);
    cr_expect_eq(pagesim_result_requests(result, 2, UINT32_MAX, all, &error), PAGESIM_USAGE, "also where the sum wraps around");
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
}

Test(pagesim_api, requests_out_of_range_are_named)
{
    static const int64_t early[COUNT] = {0, 0, 0, 0, -1, 0};
    static const uint32_t none[COUNT] = {1, 1, 0, 1, 1, 1}, many[COUNT] = {1, 1, 1, 1001, 1, 1};
    static const uint64_t descending[COUNT + 1] = {0, 3, 2, 2, 2, 2, 2};
    const struct {
        struct pagesim_requests requests;
        const char *says;
    } cases[] = {
        {{0, arrivals, inputs, outputs, NULL, NULL, NULL, NULL}, "0 requests"},
        {{COUNT, early, inputs, outputs, NULL, NULL, NULL, NULL}, "request 4: arrival_ns"},
        {{COUNT, arrivals, none, outputs, NULL, NULL, NULL, NULL}, "request 2: input_tokens"},
        {{COUNT, arrivals, inputs, none, NULL, NULL, NULL, NULL}, "request 2: output_tokens"},
        {{COUNT, arrivals, inputs, outputs, starts, NULL, NULL, NULL}, "both or none"},
        {{COUNT, arrivals, inputs, outputs, descending, ids, NULL, NULL}, "request 1: hash_start"},
        {{COUNT, arrivals, inputs, outputs, NULL, NULL, NULL, many}, "request 3: samples"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pagesim_trace *trace = NULL;
        struct pagesim_error error = {0};
        cr_expect_eq(pagesim_trace_build(&cases[i].requests, &trace, &error), PAGESIM_BAD_INPUT, "case %zu", i);
        cr_expect(strstr(error.message, cases[i].says) != NULL && !trace, "case %zu: %s", i, error.message);
    }
}

Test(pagesim_api, settings_may_come_in_any_order_and_are_judged_as_a_whole)
{
    struct pagesim_config *config = NULL, *again = NULL;
    struct pagesim_error error = {0};
    char *json = NULL, *same = NULL;
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "blok_size", "16", &error), PAGESIM_USAGE);
    cr_expect_eq(pagesim_config_set(config, "block_size", "many", &error), PAGESIM_USAGE);
    cr_expect_eq(pagesim_config_set(config, "max_num_seqs", "4096", &error), PAGESIM_OK, "more than fits one batch, so far");
    cr_expect_eq(pagesim_config_json(config, &json, &error), PAGESIM_BAD_INPUT);
    cr_expect(!json && strstr(error.message, "max_num_batched_tokens"), "%s", error.message);
    cr_expect_eq(pagesim_config_set(config, "max_num_batched_tokens", "8192", &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "step_time.base_ns", "123", &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "enable_prefix_caching", "false", &error), PAGESIM_OK);
    cr_assert_eq(pagesim_config_json(config, &json, &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_config_parse("again", json, strlen(json), &again, &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_config_json(again, &same, &error), PAGESIM_OK, "%s", error.message);
    cr_expect_str_eq(json, same);
    cr_expect_eq(pagesim_config_set(again, "block_size", "32", &error), PAGESIM_OK, "settings win over the text");
    pagesim_text_free(same);
    cr_assert_eq(pagesim_config_json(again, &same, &error), PAGESIM_OK);
    cr_expect(strstr(same, "\"block_size\": 32") != NULL);
    pagesim_text_free(same);
    pagesim_text_free(json);
    pagesim_config_close(again);
    pagesim_config_close(config);
}

/* Settings win over a server's line, whichever came first; of two lines the later holds; a wrong one changes nothing. */
Test(pagesim_api, a_servers_line_is_taken_and_settings_win_over_it)
{
    struct pagesim_config *config = NULL;
    struct pagesim_error error = {0};
    char *json = NULL, *same = NULL;
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    cr_assert_eq(pagesim_config_set(config, "block_size", "64", &error), PAGESIM_OK);
    cr_assert_eq(pagesim_config_vllm_args(config, "vllm serve --block-size 32 --max-num-seqs 5 --port 1", &error), PAGESIM_OK, "%s",
                 error.message);
    cr_assert_eq(pagesim_config_vllm_args(config, "vllm serve --max-num-seqs 6", &error), PAGESIM_OK);
    cr_assert_eq(pagesim_config_json(config, &json, &error), PAGESIM_OK, "%s", error.message);
    cr_expect(strstr(json, "\"block_size\": 64") && strstr(json, "\"max_num_seqs\": 6"), "%s", json);
    cr_expect_eq(pagesim_config_vllm_args(config, "vllm serve --watermark 0.5 --block-sizes 8", &error), PAGESIM_BAD_INPUT);
    cr_expect(strstr(error.message, "--vllm-args:1:28: ") && strstr(error.message, "did you mean --block-size?"), "%s", error.message);
    cr_assert_eq(pagesim_config_json(config, &same, &error), PAGESIM_OK, "%s", error.message);
    cr_expect_str_eq(json, same);
    pagesim_text_free(same);
    pagesim_text_free(json);
    pagesim_config_close(config);
}

Test(pagesim_api, a_run_needs_a_pool_and_an_engine_that_can)
{
    const char text[] = "{\"timestamp\":0,\"input_length\":5,\"output_length\":5,\"beam_width\":2}\n";
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    struct pagesim_trace *trace = NULL;
    struct pagesim_config *config = NULL;
    struct pagesim_result *result = NULL;
    struct pagesim_error error = {0};
    cr_assert_eq(pagesim_trace_open(file.path, &trace, &error), PAGESIM_OK, "%s", error.message);
    temp_file_remove(&file);
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_run(trace, config, NULL, &result, &error), PAGESIM_USAGE, "no size of the pool");
    cr_assert_eq(pagesim_config_set(config, "num_gpu_blocks", "100", &error), PAGESIM_OK);
    cr_expect_eq(pagesim_run(trace, config, NULL, &result, &error), PAGESIM_BAD_INPUT, "V1 has no beam search");
    cr_expect_null(result);
    cr_assert_eq(pagesim_config_set(config, "scheduler", "vllm-v0", &error), PAGESIM_OK);
    cr_expect_eq(pagesim_run(trace, config, NULL, &result, &error), PAGESIM_OK, "%s", error.message);
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
}

/* Two requests that together outgrow the pool, and nowhere to swap one of them to. */
Test(pagesim_api, an_engine_that_dies_is_a_result_that_says_so)
{
    static const int64_t at[2] = {0, 0};
    static const uint32_t input[2] = {48, 48}, output[2] = {100, 100};
    static const char *const settings[][2] = {
        {"scheduler", "vllm-v0"}, {"num_gpu_blocks", "11"}, {"num_cpu_blocks", "0"}, {"preemption_mode", "swap"}};
    const struct pagesim_requests requests = {.count = 2, .arrival_ns = at, .input_tokens = input, .output_tokens = output};
    struct pagesim_trace *trace = NULL;
    struct pagesim_config *config = NULL;
    struct pagesim_result *result = NULL;
    struct pagesim_error error = {0};
    double completed = -1;
    cr_assert_eq(pagesim_trace_build(&requests, &trace, &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        cr_assert_eq(pagesim_config_set(config, settings[i][0], settings[i][1], &error), PAGESIM_OK, "%s", error.message);
    cr_assert_eq(pagesim_run(trace, config, NULL, &result, &error), PAGESIM_OK, "%s", error.message);
    const char *why = pagesim_result_ended_early(result);
    cr_assert(why);
    cr_expect(strstr(why, "no CPU blocks left to swap to"), "%s", why);
    cr_expect_eq(pagesim_result_figure(result, "completed", &completed, &error), PAGESIM_OK, "its figures are there");
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
}

Test(pagesim_api, further_percentiles_are_asked_for_before_the_run)
{
    const char *const names[] = {"p99.9_queue_ms", "p12_e2el_ms"}, *const wrong[] = {"p12_e2e2_ms"};
    const struct pagesim_run_options options = {.figures = names, .figure_count = 2}, refused = {.figures = wrong, .figure_count = 1};
    struct pagesim_trace *trace;
    struct pagesim_config *config;
    struct pagesim_error error = {0};
    double value = NAN;
    struct pagesim_result *result = run_some(&trace, &config, &options), *none = NULL;
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(pagesim_result_figure(result, names[i], &value, &error), PAGESIM_OK, "%s", error.message);
        cr_expect(value >= 0);
    }
    cr_expect_eq(pagesim_result_figure(result, "p13_e2el_ms", &value, &error), PAGESIM_USAGE);
    cr_expect(strstr(error.message, "was not computed") != NULL, "%s", error.message);
    cr_expect_eq(pagesim_run(trace, config, &refused, &none, &error), PAGESIM_USAGE);
    cr_expect_null(none);
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
}

/* --- observers --------------------------------------------------------------------------------------------------------------------- */

struct seen {
    uint64_t by_kind[PAGESIM_VAIN + 1], steps, scheduled_tokens, output_tokens, cached_tokens, finished_tokens, progress;
    int64_t last_ns;
    size_t stop_after;
};

static bool see_events(void *self, const struct pagesim_event *events, size_t count)
{
    struct seen *seen = self;
    for (size_t i = 0; i < count; i++) {
        seen->by_kind[events[i].kind]++;
        seen->cached_tokens += events[i].kind == PAGESIM_ADMITTED ? events[i].tokens : 0;
        seen->finished_tokens += events[i].kind == PAGESIM_FINISHED ? events[i].tokens : 0;
        cr_expect(events[i].request < COUNT && events[i].position < COUNT && events[i].sample == 0);
        cr_expect(events[i].kind != PAGESIM_ARRIVED || events[i].time_ns == arrivals[events[i].request]);
    }
    return !seen->stop_after;
}

static bool see_steps(void *self, const struct pagesim_step *steps, size_t count)
{
    struct seen *seen = self;
    for (size_t i = 0; i < count; i++) {
        cr_expect(steps[i].start_ns >= seen->last_ns, "in order of time");
        seen->last_ns = steps[i].start_ns + steps[i].duration_ns;
        seen->steps += !steps[i].idle;
        seen->scheduled_tokens += steps[i].scheduled_tokens;
        seen->output_tokens += steps[i].output_tokens;
    }
    return true;
}

static bool see_progress(void *context, uint64_t done, uint64_t total)
{
    struct seen *seen = context;
    seen->progress++;
    return done < total && !seen->stop_after;
}

Test(pagesim_api, observers_see_what_the_figures_count)
{
    for (int reference = 0; reference < 2; reference++) {
        struct seen seen = {0};
        const struct pagesim_observer observer = {.self = &seen, .events = see_events, .steps = see_steps};
        const struct pagesim_run_options options = {
            .observers = &observer, .observer_count = 1, .reference = reference, .check = reference};
        struct pagesim_trace *trace;
        struct pagesim_config *config;
        struct pagesim_result *result = run_some(&trace, &config, &options);
        const struct {
            const char *name;
            uint64_t counted;
        } figures[] = {{"steps", seen.steps},
                       {"completed", seen.by_kind[PAGESIM_FINISHED]},
                       {"requests", seen.by_kind[PAGESIM_ARRIVED]},
                       {"total_output_tokens", seen.output_tokens},
                       {"total_output_tokens", seen.finished_tokens},
                       {"scheduled_tokens", seen.scheduled_tokens},
                       {"cached_tokens", seen.cached_tokens}};
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
            double value = -1;
            cr_expect_eq(pagesim_result_figure(result, figures[i].name, &value, NULL), PAGESIM_OK);
            cr_expect_eq(value, (double)figures[i].counted, "%s", figures[i].name);
        }
        cr_expect_eq(seen.by_kind[PAGESIM_FIRST_TOKEN], COUNT);
        cr_expect_eq(seen.cached_tokens, 48);
        pagesim_result_close(result);
        pagesim_config_close(config);
        pagesim_trace_close(trace);
    }
}

Test(pagesim_api, whoever_watches_may_stop_the_run)
{
    struct seen seen = {.stop_after = 1};
    const struct pagesim_observer observer = {.self = &seen, .events = see_events};
    const struct pagesim_run_options ways[] = {{.observers = &observer, .observer_count = 1},
                                               {.progress = see_progress, .progress_context = &seen},
                                               {.progress = see_progress, .progress_context = &seen, .reference = true},
                                               {.observers = &observer, .observer_count = PAGESIM_OBSERVERS_MOST + 1}};
    struct pagesim_trace *trace;
    struct pagesim_config *config;
    pagesim_result_close(run_some(&trace, &config, NULL));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct pagesim_result *result = NULL;
        struct pagesim_error error = {0};
        const enum pagesim_status status = pagesim_run(trace, config, &ways[i], &result, &error);
        if (ways[i].progress && status == PAGESIM_OK) { /* too short a run to be asked */
            cr_expect_eq(seen.progress, 0);
            pagesim_result_close(result);
            continue;
        }
        cr_expect_eq(status, ways[i].observer_count > PAGESIM_OBSERVERS_MOST ? PAGESIM_USAGE : PAGESIM_INTERRUPTED, "way %zu", i);
        cr_expect(result == NULL && *error.message);
    }
    pagesim_config_close(config);
    pagesim_trace_close(trace);
}

/* --- policies ---------------------------------------------------------------------------------------------------------------------- */

static int64_t last_first(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return -(int64_t)request->position;
}

static uint32_t oldest(const struct pagesim_policy_running *running)
{
    (void)running;
    return 0;
}

Test(pagesim_api, policies_are_registered_once_and_then_known_by_name)
{
    static const struct pagesim_scheduling_policy lifo = {
        .info = {"api-lifo", "last come, first served"}, .order = PAGESIM_POLICY_STATIC_KEY, .key = last_first};
    static const struct pagesim_scheduling_policy keyless = {.info = {"api-keyless", ""}, .order = PAGESIM_POLICY_STATIC_KEY};
    static const struct pagesim_preemption_victim victim = {.info = {"api-oldest", "who runs longest"}, .choose = oldest};
    static const struct pagesim_eviction_policy eviction = {.info = {"api-vllm", "vLLM's"}};
    struct pagesim_config *config = NULL;
    struct pagesim_error error = {0};
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "scheduling_policy", "api-lifo", &error), PAGESIM_USAGE);
    cr_expect_eq(pagesim_register_scheduling_policy(&lifo, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_register_scheduling_policy(&lifo, &error), PAGESIM_FAILED, "the name is taken");
    cr_expect_eq(pagesim_register_scheduling_policy(&keyless, &error), PAGESIM_FAILED);
    cr_expect_eq(pagesim_register_preemption_victim(&victim, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_register_eviction_policy(&eviction, &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "scheduling_policy", "api-lifo", &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "preemption_victim", "api-oldest", &error), PAGESIM_OK);
    cr_expect_eq(pagesim_config_set(config, "eviction_policy", "api-vllm", &error), PAGESIM_OK);
    pagesim_config_close(config);
}

/* --- page ------------------------------------------------------------------------------------------------------------------------------ */

static char *page_with(bool charts, bool *twice_the_same)
{
    const struct pagesim_requests requests = some_requests();
    const struct pagesim_run_options options = {.charts = charts};
    struct pagesim_trace *trace = NULL;
    struct pagesim_config *config = NULL;
    struct pagesim_result *result = NULL;
    struct pagesim_error error = {0};
    char *page = NULL, *again = NULL;
    cr_assert_eq(pagesim_trace_build(&requests, &trace, &error), PAGESIM_OK);
    cr_assert_eq(pagesim_config_create(&config, &error), PAGESIM_OK);
    cr_assert_eq(pagesim_config_set(config, "num_gpu_blocks", "9", &error), PAGESIM_OK);
    cr_assert_eq(pagesim_run(trace, config, &options, &result, &error), PAGESIM_OK);
    if (pagesim_result_html(result, &page, &error) == PAGESIM_OK) {
        cr_expect_eq(pagesim_result_html(result, &again, &error), PAGESIM_OK);
        *twice_the_same = strcmp(page, again) == 0;
    } else {
        cr_expect_eq(error.status, PAGESIM_USAGE);
        cr_expect_not_null(strstr(error.message, "Chart.js"));
    }
    pagesim_text_free(again);
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
    return page;
}

Test(pagesim_api, page_has_pictures_where_they_were_kept)
{
    bool same[2] = {false, false};
    char *with = page_with(true, &same[0]), *without = page_with(false, &same[1]);
    if (with && without) {
        cr_expect(same[0] && same[1]);
        cr_expect_not_null(strstr(with, "<figure data-chart"));
        cr_expect_null(strstr(without, "<figure data-chart"));
    }
    pagesim_text_free(with);
    pagesim_text_free(without);
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------ */

/* Everything once; the first failure's status. */
static enum pagesim_status all_of_it(struct pagesim_error *error)
{
    const struct pagesim_requests requests = some_requests();
    struct pagesim_trace *trace = NULL;
    struct pagesim_config *config = NULL;
    struct pagesim_result *result = NULL;
    char *json = NULL, *page = NULL;
    const struct pagesim_run_options options = {.charts = true};
    enum pagesim_status status = pagesim_trace_build(&requests, &trace, error);
    if (status == PAGESIM_OK)
        status = pagesim_config_create(&config, error);
    if (status == PAGESIM_OK)
        status = pagesim_config_set(config, "num_gpu_blocks", "9", error);
    if (status == PAGESIM_OK)
        status = pagesim_run(trace, config, &options, &result, error);
    if (status == PAGESIM_OK)
        status = pagesim_result_json(result, &json, error);
    if (status == PAGESIM_OK)
        status = pagesim_result_html(result, &page, error);
    if (status == PAGESIM_USAGE) /* built without Chart.js */
        status = PAGESIM_OK;
    pagesim_text_free(page);
    pagesim_text_free(json);
    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
    return status;
}

Test(pagesim_api, without_memory_every_call_fails_cleanly)
{
    uint64_t failures = 0;
    for (uint64_t countdown = 1;; countdown++) {
        struct pagesim_error error = {0};
        allocations_fail_after(countdown);
        const enum pagesim_status status = all_of_it(&error);
        allocations_fail_after(0);
        if (status == PAGESIM_OK)
            break;
        cr_expect_eq(status, PAGESIM_FAILED, "allocation %llu: %d %s", (unsigned long long)countdown, (int)status, error.message);
        failures++;
    }
    cr_expect_gt(failures, 20);
}
