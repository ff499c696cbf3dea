/* test_size_replicas.c - the fewest servers against a scan of all fleets, and fleets inside of studies that run in threads of their own. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "fleet/fleet_plan.h"
#include "run/run.h"
#include "study/parallel_runs.h"
#include "study/size_replicas.h"
#include "study/tune_fold.h"
#include "support/random.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 60, FLEETS = 14 };

/* Prompts of a few blocks, so close to each other that a server alone cannot keep up. */
static struct trace *busy_trace(uint64_t *seed)
{
    struct tiny_request requests[REQUESTS] = {{0}};
    int64_t at = 0;
    for (int i = 0; i < REQUESTS; i++) {
        at += (int64_t)random_below(seed, 12) * 1000000;
        requests[i] = (struct tiny_request){.arrival_ns = at, .input = 1 + random_below(seed, 60), .output = 1 + random_below(seed, 20)};
    }
    return tiny_trace(requests, REQUESTS);
}

static struct config fleet_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(4, 60);
    config.max_num_seqs = 2;
    config.max_model_len = 200;
    config.max_num_batched_tokens = 200;
    tiny_name(config.fleet.router, random_below(seed, 2) ? "round-robin" : "least-requests");
    return config;
}

static bool fleet_passes(const struct replicas_question *question, uint32_t replicas)
{
    struct config config;
    struct load_result result = {.figures = NULL};
    struct diag diag = {0};
    replicas_apply(question, replicas, &config);
    cr_assert_eq(load_run(&question->load, &config, 1, config.seed, &result, &diag), SIM_OK, "%s", diag.text);
    return result.passes;
}

static void compare_with_scan(const struct replicas_question *question, uint64_t *none, uint64_t *inner)
{
    struct replicas_answer answer;
    struct diag diag = {0};
    bool passes[FLEETS + 1] = {false};
    uint32_t fewest = question->most + 1;
    cr_assert_eq(size_replicas(question, &answer, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t replicas = question->least; replicas <= question->most; replicas++)
        passes[replicas] = fleet_passes(question, replicas);
    while (fewest > question->least && passes[fewest - 1])
        fewest--;
    cr_expect_eq(answer.answer, fewest > question->most ? 0 : fewest, "%u by a scan, %u", fewest, answer.answer);
    for (size_t i = 0; i < answer.count; i++) {
        cr_expect_eq(answer.tried[i]->result.passes, passes[answer.tried[i]->replicas]);
        cr_expect(i == 0 || answer.tried[i]->replicas > answer.tried[i - 1]->replicas, "each once, in order");
        cr_expect_eq(figure_set_value(&answer.tried[i]->figures, "gpus"), answer.tried[i]->replicas, "of one server, too");
    }
    if (answer.answer > question->least)
        cr_expect(replicas_tried_at(&answer, answer.answer - 1) && !replicas_tried_at(&answer, answer.answer - 1)->result.passes);
    *none += answer.answer == 0;
    *inner += answer.answer > 1;
    replicas_answer_deinit(&answer);
}

/* Within RATE_BAND of the answer verdicts may be in any order; these fleets are small enough for all to be. */
Test(size_replicas, agrees_with_a_scan_of_all_fleets)
{
    static const char *const texts[] = {"p99_ttft_ms<60", "p90_ttft_ms<120", "mean_e2el_ms<200", "p99_ttft_ms<1"};
    uint64_t seed = 11, none = 0, inner = 0;
    for (int round = 0; round < 40; round++) {
        struct requirement requirement;
        struct diag diag = {0};
        const struct config config = fleet_config(&seed);
        struct trace *trace = busy_trace(&seed);
        cr_assert_eq(requirement_read(texts[random_below(&seed, 4)], FIGURE_SCOPE(FIGURE_ALWAYS), &requirement, &diag), SIM_OK);
        const struct replicas_question question = {
            .config = &config,
            .least = 1,
            .most = 1 + random_below(&seed, 2 * RATE_BAND - 1),
            .load = {.trace = trace, .fixed = true, .requirements = &requirement, .requirement_count = 1}};
        compare_with_scan(&question, &none, &inner);
        trace_destroy(trace);
    }
    cr_expect(none > 5 && inner > 5, "all kinds were reached: %lu %lu", none, inner);
}

Test(size_replicas, a_fleet_that_cannot_be_is_an_error)
{
    uint64_t seed = 3;
    struct diag diag = {0};
    struct replicas_answer answer;
    struct config config = fleet_config(&seed);
    struct trace *trace = busy_trace(&seed);
    config.fleet.data_parallel_size = 2;
    const struct replicas_question question = {.config = &config, .least = 1, .most = 4, .load = {.trace = trace, .fixed = true}};
    cr_expect_eq(size_replicas(&question, &answer, &diag), SIM_BAD_INPUT);
    cr_expect_eq(answer.answer, 0);
    replicas_answer_deinit(&answer);
    trace_destroy(trace);
}

/* --- fleets inside of studies --------------------------------------------------------------------------------------------------------- */

struct many {
    const struct trace *trace;
    struct config config;
    double ttft[FLEETS];
};

static enum status replay_one(void *context, size_t i, struct diag *diag)
{
    struct many *many = context;
    struct config config = many->config;
    struct run run;
    config.fleet.replicas = 1 + (uint32_t)i;
    enum status status = run_open(&run, many->trace, &config, diag);
    if (status == SIM_OK)
        status = run_replay(&run, NULL, 0, NULL, diag);
    many->ttft[i] = run_figure(&run, "mean_ttft_ms");
    run_close(&run);
    return status;
}

Test(size_replicas, fleets_side_by_side_are_fleets_one_by_one)
{
    uint64_t seed = 5;
    struct trace *trace = busy_trace(&seed);
    struct many many[2] = {{.trace = trace, .config = fleet_config(&seed)}};
    struct diag diag = {0};
    many[1] = many[0];
    cr_assert_eq(parallel_runs(FLEETS, 1, replay_one, &many[0], &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(parallel_runs(FLEETS, 4, replay_one, &many[1], &diag), SIM_OK, "%s", diag.text);
    for (int i = 0; i < FLEETS; i++)
        cr_expect_eq(many[0].ttft[i], many[1].ttft[i], "%d servers", i + 1);
    cr_expect_gt(many[0].ttft[0], many[0].ttft[FLEETS - 1], "servers help");
    trace_destroy(trace);
}

/* What several servers reached is not watched, so that no verdict may stand for another's. */
Test(size_replicas, fleets_never_fold)
{
    uint64_t seed = 9;
    struct diag diag = {0};
    struct trace *trace = busy_trace(&seed);
    const struct tune_requests requests = tune_requests_of(trace);
    const struct binding_limits nothing = {0};
    struct config configs[2] = {fleet_config(&seed)};
    struct tune_facts facts[2];
    for (int fleet = 0; fleet < 2; fleet++) {
        configs[0].fleet.replicas = fleet ? 3 : 1;
        configs[1] = configs[0];
        configs[1].max_num_seqs = 3;
        for (int i = 0; i < 2; i++)
            cr_assert_eq(tune_facts_of(&configs[i], &requests, false, &facts[i], &diag), SIM_OK);
        cr_expect_eq(tune_folds(&facts[0], &nothing, &facts[1]), fleet == 0);
    }
    trace_destroy(trace);
}

Test(size_replicas, gpus_are_those_of_all_servers)
{
    static const struct {
        const char *kinds;
        uint32_t replicas, parallel, ranks, gpus;
    } cases[] = {{NULL, 1, 2, 1, 2},
                 {NULL, 3, 2, 1, 6},
                 {NULL, 1, 2, 4, 8},
                 {"[{\"count\":2},{\"count\":3,\"tensor_parallel_size\":4}]", 1, 2, 1, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t seed = 1;
        struct diag diag = {0};
        struct config config = fleet_config(&seed);
        uint32_t gpus;
        config.tensor_parallel_size = cases[i].parallel;
        config.fleet.replicas = cases[i].replicas;
        config.fleet.data_parallel_size = cases[i].ranks;
        if (cases[i].kinds)
            cr_assert_eq(config_set(&config, "replica_kinds", cases[i].kinds, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(fleet_plan_gpus(&config, &gpus, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(gpus, cases[i].gpus, "case %zu: %u", i, gpus);
    }
}
