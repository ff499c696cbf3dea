/* test_roofline_runs.c - the errors that are told are those of the constants found, at any number of threads. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "study/roofline_runs.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 6 };

/* Means alone of one run, as a server on so many GPUs might have had; nothing of single requests. */
static void set_means(struct measured_run *measured, double ttft_ms, double e2el_ms)
{
    static double nothing[REQUESTS] = {NAN, NAN, NAN, NAN, NAN, NAN};
    *measured = (struct measured_run){.count = REQUESTS, .known = REQUESTS};
    for (int i = 0; i < MEASURED_LATENCIES; i++)
        measured->ms[measured_latencies[i]] = nothing;
    for (int latency = 0; latency < LATENCIES; latency++)
        for (int i = 0; i < MEASURED_STATISTICS; i++)
            measured->pooled_ms[latency][i] = NAN;
    measured->pooled_ms[LATENCY_TTFT][0] = ttft_ms;
    measured->pooled_ms[LATENCY_E2EL][0] = e2el_ms;
}

Test(roofline_runs, means_of_two_runs_are_met_alike_at_any_number_of_threads)
{
    struct tiny_request requests[REQUESTS];
    for (int i = 0; i < REQUESTS; i++)
        requests[i] = (struct tiny_request){.arrival_ns = INT64_C(700000000) * i, .input = 200, .output = 40};
    struct trace *trace = tiny_trace(requests, REQUESTS);
    struct config configs[2];
    struct measured_run measured[2];
    struct roofline_run runs[2];
    double found[2][RUNS_CONSTANTS];
    set_means(&measured[0], 60, 1500);
    set_means(&measured[1], 42, 800);
    for (int i = 0; i < 2; i++) {
        configs[i] = tiny_config_v1(16, 2000);
        configs[i].tensor_parallel_size = i == 0 ? 2 : 8;
        configs[i].step_time.compute_efficiency = 0.7;
        configs[i].step_time.bandwidth_efficiency = 0.85;
        snprintf(configs[i].model, sizeof configs[i].model, "configs/models/llama-3.1-70b.json");
        snprintf(configs[i].gpu, sizeof configs[i].gpu, "configs/gpus/h100.json");
        runs[i] = (struct roofline_run){.name = "run", .trace = trace, .config = &configs[i], .measured = &measured[i]};
    }
    for (uint32_t threads = 1; threads <= 2; threads++) {
        struct roofline_runs fit = {.runs = runs, .count = 2, .threads = threads};
        struct diag diag = {0};
        cr_assert_eq(roofline_runs_fit(&fit, &diag), SIM_OK, "%s", diag.text);
        for (int i = 0; i < 2; i++) {
            cr_expect(isnan(runs[i].error[LATENCY_TPOT]));
            cr_expect_lt(fabs(runs[i].error[LATENCY_TTFT]), 0.1, "run %d: %g", i, runs[i].error[LATENCY_TTFT]);
            cr_expect_lt(fabs(runs[i].error[LATENCY_E2EL]), 0.1, "run %d: %g", i, runs[i].error[LATENCY_E2EL]);
        }
        for (int i = 0; i < RUNS_CONSTANTS; i++)
            found[threads - 1][i] = fit.values[i];
    }
    for (int i = 0; i < RUNS_CONSTANTS; i++)
        cr_expect_eq(found[0][i], found[1][i]);
    /* Nothing to hold a replay against. */
    set_means(&measured[0], NAN, NAN);
    struct roofline_runs none = {.runs = runs, .count = 1, .threads = 1};
    struct diag diag = {0};
    cr_expect_eq(roofline_runs_fit(&none, &diag), SIM_BAD_INPUT);
    cr_expect_str_eq(diag.text, "no run has a mean of TTFT, TPOT or E2E that a replay could be held against");
    trace_destroy(trace);
}
