/* test_scheduling_choice.c - a server that is a replay itself must be recognised as what it was. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "config/config_keys.h"
#include "study/scheduling_choice.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 40 };

/* A request every 20 ms, of 10 to 30 steps each: the device is hardly ever idle, and nobody waits long. */
static struct trace *busy_trace(void)
{
    struct tiny_request requests[REQUESTS] = {{0}};
    for (uint32_t i = 0; i < REQUESTS; i++)
        requests[i] = (struct tiny_request){.arrival_ns = i * 20000000LL, .input = 100 + i * 37 % 300, .output = 10 + i * 7 % 20};
    return tiny_trace(requests, REQUESTS);
}

/* One latency of all requests. */
static double *latencies(const struct run *run, enum latency latency)
{
    double *ms = calloc(run->trace->count, sizeof *ms);
    cr_assert(ms);
    for (uint32_t position = 0; position < run->trace->count; position++) {
        const struct request_story story = metrics_story(&run->metrics, position);
        if (!request_latency_ms(&story, latency, run->trace, position, &ms[position]))
            ms[position] = NAN;
    }
    return ms;
}

/* What a server of that configuration would have logged, with or without the times of admissions. A prefill is what TTFT is beyond the
 * wait for admission. */
static struct measured_run measure(const struct trace *trace, const struct config *config, bool prefills)
{
    static struct run run;
    struct measured_run measured = {.count = trace->count, .known = trace->count};
    struct diag diag = {0};
    cr_assert_eq(run_open(&run, trace, config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    measured.ms[LATENCY_TTFT] = latencies(&run, LATENCY_TTFT);
    measured.ms[LATENCY_TPOT] = latencies(&run, LATENCY_TPOT);
    measured.ms[LATENCY_E2EL] = latencies(&run, LATENCY_E2EL);
    if (prefills) {
        double *queue = latencies(&run, LATENCY_QUEUE);
        measured.prefill_ms = latencies(&run, LATENCY_TTFT);
        for (uint32_t position = 0; position < trace->count; position++)
            measured.prefill_ms[position] -= queue[position];
        free(queue);
    }
    run_close(&run);
    return measured;
}

static struct scheduling_choice choice;

static void choose(const struct trace *trace, const struct config *config, struct measured_run *measured)
{
    struct diag diag = {0};
    cr_assert_eq(scheduling_choice_open(&choice, trace, config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(scheduling_choice_make(&choice, measured, NULL, NULL, &diag), SIM_OK, "%s", diag.text);
}

static void end(struct trace *trace, struct measured_run *measured)
{
    scheduling_choice_close(&choice);
    measured_run_close(measured);
    trace_destroy(trace);
}

/* The server of each kind and the replay's opinion of it, with step times that are `factor` times the server's. */
static void recognise(bool async, bool prefills, double factor, enum scheduling_told told)
{
    struct config config = tiny_config_v1(16, 1000);
    struct trace *trace = busy_trace();
    config.async_scheduling = async;
    struct measured_run measured = measure(trace, &config, prefills);
    config.async_scheduling = !async;
    config.step_time.base_ns = (int64_t)((double)config.step_time.base_ns * factor);
    config.step_time.token_ns = (int64_t)((double)config.step_time.token_ns * factor);
    config.step_time.kv_ns = (int64_t)((double)config.step_time.kv_ns * factor);
    choose(trace, &config, &measured);
    const struct scheduling_way *chosen = scheduling_chosen(&choice);
    cr_expect(choice.told == told && choice.chosen == async, "async %d, prefills %d, factor %g: told %d, chosen %u", async, prefills,
              factor, choice.told, choice.chosen);
    cr_expect_eq(chosen->config.async_scheduling, async);
    cr_expect(config_gives(&chosen->config, "async_scheduling"));
    cr_expect_eq(run_figure(&chosen->run, "e2el_mape"), chosen->validation.mape[LATENCY_E2EL]);
    if (factor == 1)
        cr_expect_float_eq(chosen->validation.mape[LATENCY_E2EL], 0, 1e-12);
    end(trace, &measured);
}

Test(scheduling_choice, a_server_of_either_kind_is_recognised)
{
    for (int async = 0; async < 2; async++) {
        recognise(async, true, 1, SCHEDULING_BY_PREFILL);
        recognise(async, false, 1, SCHEDULING_BY_TTFT);
    }
}

/* An asynchronous prefill is two steps instead of one while the device is busy, which a twentieth more or less does not hide. */
Test(scheduling_choice, step_times_that_are_all_wrong_do_not_mislead)
{
    for (int async = 0; async < 2; async++) {
        recognise(async, true, 1.05, SCHEDULING_BY_PREFILL);
        recognise(async, true, 0.95, SCHEDULING_BY_PREFILL);
    }
}

/* A single request of one step is the same in both ways, so the default stands, whichever it is. */
Test(scheduling_choice, what_does_not_differ_is_not_told)
{
    static const struct tiny_request one[] = {{0, 100, 1}};
    for (int async = 0; async < 2; async++) {
        struct config config = tiny_config_v1(16, 100);
        struct trace *trace = tiny_trace(one, 1);
        struct measured_run measured = measure(trace, &config, true);
        config.async_scheduling = async;
        choose(trace, &config, &measured);
        cr_expect(choice.count == 2 && choice.told == SCHEDULING_BY_NOTHING && choice.chosen == (uint32_t)async);
        end(trace, &measured);
    }
}

/* Half the error of the other way, no less: step times that are far off are as likely to be the cause as the scheduling. */
Test(scheduling_choice, what_is_wrong_by_more_than_the_ways_differ_is_not_told)
{
    struct config config = tiny_config_v1(16, 1000);
    struct trace *trace = busy_trace();
    struct measured_run measured = measure(trace, &config, true);
    config.async_scheduling = true;
    config.step_time.base_ns *= 10;
    config.step_time.token_ns *= 10;
    choose(trace, &config, &measured);
    const double errors[] = {choice.ways[0].validation.prefill_error, choice.ways[1].validation.prefill_error};
    cr_expect(errors[0] < errors[1] && errors[1] < 2 * errors[0], "%g %g", errors[0], errors[1]);
    cr_expect(choice.told == SCHEDULING_BY_NOTHING && choice.chosen == 1);
    end(trace, &measured);
}

Test(scheduling_choice, what_is_given_is_not_chosen)
{
    struct config configs[] = {tiny_config_v1(16, 1000), tiny_config_v1(16, 1000)};
    struct diag diag = {0};
    cr_assert_eq(config_set(&configs[0], "async_scheduling", "true", &diag), SIM_OK, "%s", diag.text);
    config_defaults(SCHEDULER_VLLM_V0, &configs[1]);
    configs[1].num_gpu_blocks = 1000;
    cr_assert_eq(config_check(&configs[1], "test", &diag), SIM_OK, "%s", diag.text);
    for (int i = 0; i < 2; i++) {
        struct trace *trace = busy_trace();
        const struct config server = tiny_config_v1(16, 1000);
        struct measured_run measured = measure(trace, &server, true);
        choose(trace, &configs[i], &measured);
        cr_expect(choice.count == 1 && choice.told == SCHEDULING_BY_CONFIG && choice.chosen == 0);
        cr_expect_eq(scheduling_chosen(&choice)->config.async_scheduling, i == 0);
        end(trace, &measured);
    }
}

Test(scheduling_choice, nothing_measured_is_not_told)
{
    struct config config = tiny_config_v1(16, 1000);
    struct trace *trace = busy_trace();
    struct measured_run measured = measure(trace, &config, true);
    for (uint32_t position = 0; position < trace->count; position++)
        measured.prefill_ms[position] = NAN;
    choose(trace, &config, &measured);
    cr_expect(choice.told == SCHEDULING_BY_NOTHING && choice.chosen == 0);
    cr_expect(isnan(run_figure(&choice.ways[0].run, "prefill_error")));
    end(trace, &measured);
}
