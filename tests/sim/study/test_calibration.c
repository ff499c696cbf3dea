/* test_calibration.c - a clock that is known is found again from the latencies that it makes, and what a run cannot tell is said. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "observe/metrics.h"
#include "observe/per_request.h"
#include "replay/replay.h"
#include "study/calibration.h"
#include "support/random.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 120 };

/* A load that rises and falls, so that steps of all sizes are seen. */
static struct trace *make_trace(uint32_t outputs)
{
    static struct tiny_request requests[REQUESTS];
    uint64_t random = 7;
    int64_t at_ms = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        at_ms += i % 40 < 25 ? random_below(&random, 200) : random_below(&random, 2500);
        requests[i] = (struct tiny_request){
            .arrival_ns = at_ms * 1000000, .input = 20 + random_below(&random, 1500), .output = 1 + random_below(&random, outputs)};
    }
    return tiny_trace(requests, REQUESTS);
}

static struct config make_config(void)
{
    struct config config = tiny_config_v1(16, 4000);
    config.max_num_batched_tokens = 512;
    config.async_scheduling = false;
    return config;
}

/* What a server with this clock would have measured. */
static void measure(const struct trace *trace, const struct config *config, const struct compact *truth, struct measured_run *measured)
{
    struct diag diag = {0};
    struct step_time_model *model;
    struct metrics metrics;
    struct replay_facts facts;
    const struct replay_options options = {0};
    *measured = (struct measured_run){.count = trace->count, .known = trace->count};
    for (int latency = 0; latency < LATENCIES; latency++)
        for (int i = 0; i < MEASURED_STATISTICS; i++)
            measured->pooled_ms[latency][i] = NAN;
    cr_assert_eq(compact_create(config, truth, &model, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    const struct observer observer = metrics_observer(&metrics);
    cr_assert_eq(replay_run(trace, config, model, &observer, 1, &options, &facts, &diag), SIM_OK, "%s", diag.text);
    for (size_t i = 0; i < MEASURED_LATENCIES; i++) {
        double *ms = measured->ms[measured_latencies[i]] = calloc(trace->count, sizeof *ms);
        for (uint32_t position = 0; position < trace->count; position++) {
            const struct request_story story = metrics_story(&metrics, position);
            if (!request_latency_ms(&story, measured_latencies[i], trace, position, &ms[position]))
                ms[position] = NAN;
        }
    }
    metrics_deinit(&metrics);
    step_time_destroy(model);
}

static struct compact clock_of(double base, double sequence, double token, double context, double mixed)
{
    struct compact compact = {{0}};
    compact.constants[COMPACT_BASE] = base;
    compact.constants[COMPACT_SEQUENCE] = sequence;
    compact.constants[COMPACT_TOKEN] = compact.constants[COMPACT_TOKEN_ABOVE_KNEE] = token;
    compact.constants[COMPACT_DECODE_CONTEXT] = compact.constants[COMPACT_MIXED_DECODE_CONTEXT] = context;
    compact.constants[COMPACT_PREFILL_READ] = context;
    compact.constants[COMPACT_MIXED] = mixed;
    return compact;
}

/* A run that was measured with a clock, and what is made of it. */
struct measured_case {
    struct trace *trace;
    struct config config;
    struct measured_run measured;
    struct calibration calibration;
};

/* Takes the trace. */
static void open_case(struct measured_case *measured_case, struct trace *trace, struct compact truth)
{
    *measured_case = (struct measured_case){.trace = trace, .config = make_config()};
    measure(trace, &measured_case->config, &truth, &measured_case->measured);
    measured_case->calibration =
        (struct calibration){.trace = trace, .config = &measured_case->config, .measured = &measured_case->measured};
}

static const struct calibration *calibrated(struct measured_case *measured_case)
{
    struct diag diag = {0};
    cr_assert_eq(calibration_make(&measured_case->calibration, &diag), SIM_OK, "%s", diag.text);
    return &measured_case->calibration;
}

static void close_case(struct measured_case *measured_case)
{
    measured_run_close(&measured_case->measured);
    trace_destroy(measured_case->trace);
}

Test(calibration, a_known_clock_is_found_again)
{
    struct measured_case run;
    open_case(&run, make_trace(200), clock_of(9000, 60, 45, 0.4, 2500));
    const struct calibration *calibration = calibrated(&run);
    /* Whether a prompt still makes it into a step is chance where the clock is not quite the same, so its TTFT is off by a step at times. */
    cr_expect_lt(calibration->held_out.mape[LATENCY_TTFT], 0.05, "%g", calibration->held_out.mape[LATENCY_TTFT]);
    cr_expect_lt(calibration->held_out.mape[LATENCY_TPOT], 0.02, "%g", calibration->held_out.mape[LATENCY_TPOT]);
    cr_expect_lt(calibration->held_out.mape[LATENCY_E2EL], 0.02, "%g", calibration->held_out.mape[LATENCY_E2EL]);
    cr_expect_eq(calibration->fitted.count + calibration->held_out.count, (uint32_t)REQUESTS);
    /* The two that make up most of a step. */
    cr_expect_lt(fabs(calibration->values[CALIBRATED_BASE] / 9000 - 1), 0.1, "%g", calibration->values[CALIBRATED_BASE]);
    cr_expect_lt(fabs(calibration->values[CALIBRATED_TOKEN] / 45 - 1), 0.1, "%g", calibration->values[CALIBRATED_TOKEN]);
    close_case(&run);
}

/* Requests that never meet: in every step one sequence, so that nothing tells a sequence from the base. */
Test(calibration, what_a_run_does_not_tell_is_said)
{
    static struct tiny_request requests[40];
    uint64_t random = 3;
    for (uint32_t i = 0; i < 40; i++)
        requests[i] =
            (struct tiny_request){.arrival_ns = INT64_C(100000000000) * i, .input = 100 + random_below(&random, 800), .output = 50};
    struct measured_case run;
    open_case(&run, tiny_trace(requests, 40), clock_of(9000, 60, 45, 0.4, 2500));
    const struct calibration *calibration = calibrated(&run);
    const double together = calibration->correlation[CALIBRATED_BASE][CALIBRATED_SEQUENCE];
    cr_expect(together < -0.95, "%g %g", calibration->standard_error[CALIBRATED_SEQUENCE], together);
    cr_expect_lt(calibration->held_out.mape[LATENCY_TPOT], 0.01, "what it predicts is right all the same");
    close_case(&run);
}

/* Three means: a clock of base and token alone has as many. */
Test(calibration, means_alone_find_what_a_step_and_a_token_cost)
{
    struct measured_case run;
    open_case(&run, make_trace(200), clock_of(9000, 0, 45, 0, 0));
    for (size_t i = 0; i < MEASURED_LATENCIES; i++) {
        double *ms = run.measured.ms[measured_latencies[i]], sum = 0;
        uint32_t count = 0;
        for (uint32_t position = 0; position < run.trace->count; position++)
            if (!isnan(ms[position])) {
                sum += ms[position];
                count++;
                ms[position] = NAN;
            }
        run.measured.pooled_ms[measured_latencies[i]][0] = sum / count;
    }
    run.measured.known = 0;
    const struct calibration *calibration = calibrated(&run);
    cr_expect(calibration->pooled);
    cr_expect_lt(fabs(calibration->values[CALIBRATED_BASE] / 9000 - 1), 0.02, "%g", calibration->values[CALIBRATED_BASE]);
    cr_expect_lt(fabs(calibration->values[CALIBRATED_TOKEN] / 45 - 1), 0.02, "%g", calibration->values[CALIBRATED_TOKEN]);
    cr_expect_eq(calibration->values[CALIBRATED_CONTEXT], 0);
    close_case(&run);
}

Test(calibration, too_few_requests_are_refused)
{
    struct measured_case run;
    open_case(&run, make_trace(10), clock_of(9000, 60, 45, 0.4, 2500));
    double *ms = run.measured.ms[LATENCY_E2EL];
    cr_assert_not_null(ms);
    for (uint32_t position = 19; position < run.trace->count; position++)
        ms[position] = NAN;
    struct diag diag = {0};
    cr_expect_eq(calibration_make(&run.calibration, &diag), SIM_BAD_INPUT);
    close_case(&run);
}
