/* test_preemption_story.c - who lost what to whom, how deep, and what filled the pool. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "observe/preemption_story.h"
#include "study/explanation.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

static struct config small_config(uint32_t pool)
{
    struct config config = tiny_config_v1(4, pool);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    return config;
}

static void explain(struct explanation *explanation, const struct trace *trace, const struct config *config)
{
    struct diag diag = {0};
    const struct explanation_options options = {.worst = 5};
    cr_assert_eq(explanation_make(explanation, trace, config, &options, &diag), SIM_OK, "%s", diag.text);
}

Test(preemption_story, tells_victim_requester_and_what_filled_the_pool)
{
    /* 8 usable blocks: 0 and 1 hold 4 each when 0 needs a fifth in step 2; 1 has computed 16 tokens. */
    const struct tiny_request requests[] = {{.input = 15, .output = 17}, {.input = 15, .output = 8}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config config = small_config(9);
    struct explanation explanation;
    explain(&explanation, trace, &config);
    cr_assert_eq(explanation.story.count, 1);
    const struct preemption *preemption = &explanation.story.preemptions[0];
    cr_expect_eq(preemption->step, 2);
    cr_expect_eq(preemption->time_ns, 2000);
    cr_expect_eq(preemption->victim, 1);
    cr_expect_eq(preemption->requester, 0);
    cr_expect_eq(preemption->tokens_lost, 16);
    cr_expect_eq(preemption->blocks, 4);
    cr_expect_eq(preemption->depth, 1);
    cr_expect(preemption->filling.known);
    cr_expect_eq(preemption->filling.used_blocks, 8);
    cr_expect_eq(preemption->filling.unused_blocks, 0);
    cr_expect_eq(preemption->filling.holders[CLASS_PREFILL], 0, "the step before gave both a token, so both decode");
    cr_expect_eq(preemption->filling.holders[CLASS_DECODE], 2);
    cr_expect_eq(preemption->filling.blocks[CLASS_DECODE], 8);
    cr_expect_eq(preemption->filling.empty_slots, 0);
    cr_expect_eq(preemption->filling.largest_count, 2);
    cr_expect_eq(preemption->filling.largest[0], 0);
    cr_expect_eq(preemption->filling.largest_blocks[0], 4);
    explanation_close(&explanation);
    trace_destroy(trace);
}

Test(preemption_story, a_victim_that_preempts_after_its_return_makes_the_chain_deeper)
{
    struct event events[] = {{.request = 1, .other = 0, .value = 10, .kind = EVENT_PREEMPT},
                             {.request = 2, .other = 1, .value = 20, .kind = EVENT_PREEMPT},
                             {.request = 3, .other = 2, .value = 30, .kind = EVENT_PREEMPT},
                             {.request = 3, .other = 3, .value = 5, .kind = EVENT_PREEMPT},
                             {.request = 1, .other = 0, .value = 7, .kind = EVENT_PREEMPT}};
    const uint32_t depths[] = {1, 2, 3, 4, 1};
    const struct tiny_request requests[4] = {
        {.input = 1, .output = 1}, {.input = 1, .output = 1}, {.input = 1, .output = 1}, {.input = 1, .output = 1}};
    struct trace *trace = tiny_trace(requests, 4);
    struct preemption_story story;
    struct diag diag = {0};
    struct victim *worst;
    size_t count;
    cr_assert_eq(preemption_story_init(&story, trace, &diag), SIM_OK);
    struct observer observer = preemption_story_observer(&story);
    cr_assert_eq(observer.events(observer.self, events, 5, &diag), SIM_OK);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(story.preemptions[i].depth, depths[i], "preemption %d", i);
    cr_expect_eq(story.max_depth, 4);
    cr_expect_eq(story.chained, 3);
    cr_expect_eq(story.requests, 3);
    cr_expect_eq(story.tokens_lost, 72);
    cr_expect_eq(story.preemptions[4].nth_of_victim, 2);
    cr_assert_eq(preemption_story_worst(&story, WORST_BY_TOKENS, 2, &worst, &count, &diag), SIM_OK);
    cr_expect(count == 2 && worst[0].position == 3 && worst[1].position == 2);
    free(worst);
    cr_assert_eq(preemption_story_worst(&story, WORST_BY_TIMES, 5, &worst, &count, &diag), SIM_OK);
    cr_expect(count == 3 && worst[0].position == 3 && worst[1].position == 1 && worst[2].position == 2);
    free(worst);
    preemption_story_deinit(&story);
    trace_destroy(trace);
}

Test(preemption_story, the_filling_accounts_for_the_pool_on_random_cases)
{
    uint64_t preemptions = 0, unused = 0;
    for (uint64_t number = 1; number <= 1500; number++) {
        uint64_t seed = number;
        bool v0 = number % 2;
        struct config config = random_case_config(&seed, v0);
        struct trace *trace = random_case_trace(&seed, &config);
        struct explanation explanation;
        explain(&explanation, trace, &config);
        const struct preemption_story *story = &explanation.story;
        cr_assert_eq(story->count, explanation.run.metrics.preempt_recompute + explanation.run.metrics.preempt_swap);
        for (size_t i = 0; i < story->count; i++) {
            const struct pool_filling *filling = &story->preemptions[i].filling;
            cr_assert(filling->known, "case %llu", (unsigned long long)number);
            cr_assert_eq(filling->used_blocks + filling->unused_blocks, config.num_gpu_blocks - !v0);
            cr_assert_eq(filling->blocks[CLASS_PREFILL] + filling->blocks[CLASS_DECODE], filling->used_blocks);
            cr_assert(v0 || filling->largest_blocks[0] > 0);
            unused += filling->unused_blocks;
        }
        preemptions += story->count;
        explanation_close(&explanation);
        trace_destroy(trace);
    }
    cr_expect_gt(preemptions, 1000);
    cr_expect_lt(unused, 20 * preemptions, "pools are full when somebody is preempted");
}

/* The event replay walks its tables when it is asked; the readable scheduler's lists are followed block by block. */
Test(preemption_story, both_engines_tell_the_same_of_what_filled_the_pool)
{
    uint64_t compared = 0, shared = 0, prefills = 0;
    for (uint64_t number = 1; number <= 1500; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, false);
        struct trace *trace = random_case_trace(&seed, &config);
        struct explanation fast, plain;
        struct diag diag = {0}, plain_diag = {0};
        const struct explanation_options options = {.worst = 1}, reference = {.worst = 1, .reference = true};
        const enum status status = explanation_make(&fast, trace, &config, &options, &diag);
        cr_assert_eq(explanation_make(&plain, trace, &config, &reference, &plain_diag), status);
        cr_assert_eq(fast.story.count, plain.story.count);
        cr_expect(!fast.run.facts.by_events || fast.story.holders.table_of == NULL, "a second replay was made for nothing");
        for (size_t i = 0; i < fast.story.count && status == SIM_OK; i++) {
            const struct pool_filling *a = &fast.story.preemptions[i].filling, *b = &plain.story.preemptions[i].filling;
            const size_t from = offsetof(struct pool_filling, used_blocks);
            cr_assert(a->known && b->known);
            cr_assert_eq(memcmp((const char *)a + from, (const char *)b + from, sizeof *a - from), 0, "case %llu, preemption %zu",
                         (unsigned long long)number, i);
            compared += fast.run.facts.by_events;
            shared += a->saved_blocks > 0;
            prefills += a->holders[CLASS_PREFILL] > 0;
        }
        explanation_close(&fast);
        explanation_close(&plain);
        trace_destroy(trace);
    }
    cr_expect_gt(compared, 1000);
    cr_expect_gt(shared, 100);
    cr_expect_gt(prefills, 100);
}
