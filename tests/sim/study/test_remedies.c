/* test_remedies.c - what is said to spare a request does so when it is replayed, and a step nearer does not. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "study/explanation.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

/* Is the target (0: everybody, else a position + 1) spared with the knob at this value? */
static bool spared(const struct trace *trace, const struct config *now, enum knob knob, int64_t value, uint32_t target, uint64_t completed)
{
    struct config config = *now;
    struct diag diag = {0};
    struct run run;
    remedy_apply(&config, knob, value);
    cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    const struct metrics *metrics = &run.metrics;
    bool right = metrics->preempt_recompute + metrics->preempt_swap == 0 && metrics->completed >= completed;
    if (target > 0)
        right = metrics_story(metrics, target - 1).preemptions == 0 && metrics_story(metrics, target - 1).finish_ns >= 0;
    run_close(&run);
    return right;
}

static int64_t nearer(enum knob knob, int64_t value)
{
    return knob == KNOB_SEQUENCES ? value + 1 : value - 1;
}

/* Replay each answer, its neighbour and, where the search says that it fails again, that value. */
static void verify(const struct explanation *explanation, uint64_t number, uint64_t found[KNOBS], uint64_t *again)
{
    const struct remedies *remedies = &explanation->remedies;
    for (uint32_t i = 0; i < remedies->targets; i++)
        for (int k = 0; k < KNOBS; k++) {
            const struct remedy *remedy = &remedies->of[i][k];
            enum knob knob = (enum knob)k;
            uint32_t target = i ? explanation->worst[i - 1].position + 1 : 0;
            uint64_t completed = explanation->run.metrics.completed;
            if (!remedy->found)
                continue;
            found[k]++;
            cr_assert(spared(explanation->trace, explanation->config, knob, remedy->value, target, completed),
                      "case %llu: knob %d at %lld does not spare", (unsigned long long)number, k, (long long)remedy->value);
            cr_assert_not(spared(explanation->trace, explanation->config, knob, nearer(knob, remedy->value), target, completed),
                          "case %llu: knob %d at %lld spares, too", (unsigned long long)number, k, (long long)nearer(knob, remedy->value));
            if (!remedy->again)
                continue;
            ++*again;
            cr_assert_not(spared(explanation->trace, explanation->config, knob, remedy->again_at, target, completed));
        }
}

Test(remedies, hold_when_replayed_on_random_cases)
{
    uint64_t found[KNOBS] = {0}, again = 0, missing = 0;
#ifdef _OPENMP
    omp_set_num_threads(1); /* replays of some microseconds are not worth waking anybody */
#endif
    for (uint64_t number = 1; number <= 120; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, number % 4 == 0);
        struct trace *trace = random_case_trace(&seed, &config);
        struct explanation explanation;
        struct diag diag = {0};
        const struct explanation_options options = {.worst = 4, .remedies = true};
        cr_assert_eq(explanation_make(&explanation, trace, &config, &options, &diag), SIM_OK, "%s", diag.text);
        if (explanation.has_remedies) {
            verify(&explanation, number, found, &again);
            missing += config.scheduler == SCHEDULER_VLLM_V1 && !explanation.remedies.of[0][KNOB_POOL].found;
        }
        explanation_close(&explanation);
        trace_destroy(trace);
    }
    for (int knob = 0; knob < KNOBS; knob++)
        cr_expect_gt(found[knob], 60, "knob %d: %llu", knob, (unsigned long long)found[knob]);
    cr_expect_gt(again, 0, "answers that are not monotone are met");
    cr_expect_eq(missing, 0, "with V1 some pool always spares everybody");
}

Test(remedies, of_a_case_that_can_be_counted)
{
    /* Both grow to 8 blocks of 4 in the end (31 tokens each): 16 blocks and the null block spare request 1. So does keeping it out until
     * request 0 is done. */
    const struct tiny_request requests[] = {{.input = 15, .output = 17}, {.input = 15, .output = 17}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config config = tiny_config_v1(4, 9);
    struct explanation explanation;
    struct diag diag = {0};
    const struct explanation_options options = {.worst = 4, .remedies = true};
    config.max_num_seqs = 8;
    cr_assert_eq(explanation_make(&explanation, trace, &config, &options, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(explanation.worst_count, 1);
    cr_expect_eq(explanation.worst[0].position, 1);
    const struct remedy *request = explanation.remedies.of[1];
    cr_expect(request[KNOB_POOL].found);
    cr_expect_eq(request[KNOB_POOL].value, 17);
    cr_expect(request[KNOB_SEQUENCES].found);
    cr_expect_eq(request[KNOB_SEQUENCES].value, 1);
    cr_expect(request[KNOB_WATERMARK].found);
    cr_expect_eq(request[KNOB_WATERMARK].value, 1, "4 + 4 + 1 blocks are more than 8");
    cr_expect(memcmp(request, explanation.remedies.of[0], sizeof explanation.remedies.of[0][0]) != 0 ||
              explanation.remedies.of[0][KNOB_POOL].value == 17);
    cr_expect_eq(figure_set_value(&explanation.priced[KNOB_POOL], "preemptions"), 0);
    remedy_apply(&config, KNOB_WATERMARK, 1);
    cr_expect_eq(config_watermark_blocks(&config), 1);
    cr_expect_float_eq(config.watermark, 0.12, 1e-12, "the shortest fraction of 9 that means one block");
    explanation_close(&explanation);
    trace_destroy(trace);
}

Test(remedies, do_not_depend_on_the_number_of_threads)
{
    uint64_t seed = 12;
    struct config config = random_case_config(&seed, false);
    config.num_gpu_blocks = 2 + (config.max_model_len + config.block_size - 1) / config.block_size;
    struct trace *trace = random_case_trace(&seed, &config);
    struct remedies results[2];
    for (int i = 0; i < 2; i++) {
        struct explanation explanation;
        struct diag diag = {0};
        const struct explanation_options options = {.worst = 6, .remedies = true};
#ifdef _OPENMP
        omp_set_num_threads(i ? 8 : 1);
#endif
        cr_assert_eq(explanation_make(&explanation, trace, &config, &options, &diag), SIM_OK, "%s", diag.text);
        results[i] = explanation.remedies;
        explanation_close(&explanation);
    }
    cr_expect_eq(results[0].replays, results[1].replays);
    for (uint32_t i = 0; i < results[0].targets; i++)
        for (int knob = 0; knob < KNOBS; knob++) {
            const struct remedy *a = &results[0].of[i][knob], *b = &results[1].of[i][knob];
            cr_expect(a->found == b->found && a->value == b->value && a->points == b->points && a->again == b->again);
        }
    trace_destroy(trace);
}
