/* test_own_policy.c - a policy of one's own, whole: what a user writes who links the library. Longest prompt first. */
#include <criterion/criterion.h>

#include "config/config_keys.h"
#include "policy/policy.h"
#include "study/compare_runs.h"
#include "study/sweep_run.h"
#include "support/tiny_trace.h"

static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return -(int64_t)request->input_tokens;
}

static const struct pagesim_scheduling_policy longest_prompt = {
    .info = {"longest-prompt", "longest prompt first"},
    .order = PAGESIM_POLICY_STATIC_KEY,
    .key = key,
};

Test(own_policy, runs_like_any_other_once_it_is_registered)
{
    const struct tiny_request requests[] = {{0, 20, 5}, {1, 30, 5}, {2, 50, 5}, {3, 40, 5}};
    struct config config = tiny_config_v1(16, 100);
    struct diag diag = {0};
    struct trace *trace = tiny_trace(requests, 4);
    struct run run;
    config.max_num_seqs = 1;
    cr_assert_eq(policy_register(POLICY_SCHEDULING, &longest_prompt.info, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_set(&config, "scheduling_policy", "longest-prompt", &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    cr_expect(run.facts.by_events, "a static key runs in the event replay");
    const struct request_times *stories = run.metrics.stories.times;
    cr_expect(stories[0].finish_ns < stories[2].finish_ns && stories[2].finish_ns < stories[3].finish_ns &&
              stories[3].finish_ns < stories[1].finish_ns);
    run_close(&run);
    struct comparison comparison = {.trace = trace, .count = 2, .factor = 10, .sides = {{.config = config}, {.config = config}}};
    cr_assert_eq(config_set(&comparison.sides[0].config, "scheduling_policy", "fcfs", &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(comparison_make(&comparison, &diag), SIM_OK, "%s", diag.text);
    const struct paired *queue = &comparison.sides[1].against.paired[LATENCY_QUEUE];
    cr_expect(queue->worse == 1 && queue->better == 2, "1 waits for 2 and 3");
    comparison_free(&comparison);
    const struct config_option base[] = {{"num-gpu-blocks", "100"}, {"max-num-seqs", "1"}};
    const char *const vary[] = {"scheduling_policy=fcfs,longest-prompt"};
    const struct workload_source source = {.file = trace};
    struct workload workload;
    struct sweep_plan plan = {.base = base, .base_count = 2};
    struct sweep sweep = {.plan = &plan, .workload = &workload, .threads = 1, .quiet = true};
    workload_init(&workload, &source);
    cr_assert_eq(sweep_plan_make(&plan, &(struct sweep_request){.vary = vary, .vary_count = 1}, &diag), SIM_OK, "%s", diag.text);
    size_t resumed;
    cr_assert_eq(sweep_prepare(&sweep, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(sweep_start(&sweep, NULL, &resumed, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(sweep_run(&sweep, &diag), SIM_OK, "%s", diag.text);
    const size_t ttft = sweep_result_find(&sweep.result, "mean_ttft_ms");
    cr_expect_neq(sweep.result.rows[0].values[ttft], sweep.result.rows[1].values[ttft]);
    sweep_close(&sweep);
    sweep_plan_deinit(&plan);
    workload_deinit(&workload);
    trace_destroy(trace);
}
