/* test_policies.c - what each built-in policy decides, on small traces whose order is known; and all of them together on random ones:
 * invariants after every step, nobody is lost, the same twice, and none is fcfs under another name. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/stream_recorder.h"
#include "support/tiny_trace.h"

enum { STEPS_MAX = 50000, NOTES_MAX = 400 };

/* Who was admitted (again), preempted, finished, in order. */
struct outcome {
    uint32_t admitted[NOTES_MAX], cached[NOTES_MAX], admissions;
    uint32_t preempted[NOTES_MAX], preemptions;
    uint32_t finished[NOTES_MAX], finishes;
};

static bool overlaps; /* the replay that goes on schedules asynchronously */

static enum status record(const struct trace *trace, const struct config *config, bool check, struct stream *stream, struct diag *diag)
{
    struct step_time_model *model;
    struct replay_options options = {.reference = true, .check = check};
    struct replay_facts facts;
    struct observer observer = stream_observer(stream);
    overlaps = config->async_scheduling;
    enum status status = step_time_create(config, &model, diag);
    if (status != SIM_OK)
        return status;
    status = replay_run(trace, config, model, &observer, 1, &options, &facts, diag);
    step_time_destroy(model);
    return status;
}

static void note(uint32_t *list, uint32_t *count, uint32_t request)
{
    if (*count < NOTES_MAX)
        list[(*count)++] = request;
}

static struct outcome replay(const struct tiny_request *requests, uint32_t count, const struct config *config)
{
    struct trace *trace = tiny_trace(requests, count);
    struct stream stream = {.tally_limit = STEPS_MAX};
    struct outcome outcome = {0};
    struct diag diag = {0};
    cr_assert_eq(record(trace, config, true, &stream, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(stream.end.unfinished, 0);
    for (size_t i = 0; i < stream.event_count; i++) {
        const struct event *event = &stream.events[i];
        if (event->kind == EVENT_ADMIT || event->kind == EVENT_READMIT) {
            outcome.cached[outcome.admissions] = (uint32_t)event->value;
            note(outcome.admitted, &outcome.admissions, event->request);
        }
        if (event->kind == EVENT_PREEMPT)
            note(outcome.preempted, &outcome.preemptions, event->request);
        if (event->kind == EVENT_FINISH)
            note(outcome.finished, &outcome.finishes, event->request);
    }
    stream_deinit(&stream);
    trace_destroy(trace);
    return outcome;
}

static void expect_order(const char *what, const uint32_t *got, uint32_t got_count, const char *want)
{
    char text[NOTES_MAX * 4] = "";
    for (uint32_t i = 0; i < got_count && strlen(text) + 16 < sizeof text; i++)
        sprintf(text + strlen(text), "%s%u", i ? " " : "", got[i]);
    cr_expect_str_eq(text, want, "%s: %s, want %s", what, text, want);
}

static struct config config_of(const char *policy, const char *victim, const char *eviction, uint32_t pool)
{
    struct config config = tiny_config_v1(16, pool);
    tiny_name(config.scheduling_policy, policy);
    tiny_name(config.preemption_victim, victim);
    tiny_name(config.eviction_policy, eviction);
    return config;
}

/* --- the order of waiting ----------------------------------------------------------------------------------------------------------- */

Test(policies, each_order_of_waiting_is_its_own)
{
    /* One at a time; 0 runs while the others come. A step takes 5 ms + 50 us a token: a prompt of 3000 costs 155 ms, ten outputs 50. */
    static const struct tiny_request requests[] = {
        {0, 16, 30, .priority = 5},       {1000000, 90, 60, .priority = 2}, {2000000, 3000, 2, .priority = 3},
        {3000000, 40, 20, .priority = 1}, {4000000, 600, 8, .priority = 3}, {5000000, 900, 3, .priority = 0},
    };
    static const struct {
        const char *policy, *order;
    } cases[] = {
        {"fcfs", "0 1 2 3 4 5"},
        {"priority", "0 5 3 1 2 4"},
        {"sjf", "0 3 1 4 5 2"},
        {"sjf-oracle", "0 2 5 4 3 1"},
        {"srpt", "0 5 4 3 2 1"},
        /* 3 and 1 join level 0 (7 and 9.5 ms), 4 level 2 (35), 5 level 3 (50), 2 level 4 (155) */
        {"mlfq", "0 1 3 4 5 2"},
        {"lpm", "0 1 2 3 4 5"},
        {"edf", "0 5 3 1 2 4"}, /* classes 2 2 2 1 2 0: 10 s, 2 s and 0.5 s after they came */
        {"vtc", "0 1 2 3 4 5"}, /* all of one tenant */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = config_of(cases[i].policy, "vllm", "vllm", 300);
        config.max_num_seqs = 1;
        config.max_num_batched_tokens = 4096;
        struct outcome outcome = replay(requests, 6, &config);
        expect_order(cases[i].policy, outcome.admitted, outcome.admissions, cases[i].order);
        cr_expect_eq(outcome.preemptions, 0);
    }
}

Test(policies, an_order_by_key_preempts_the_last_in_it)
{
    /* 31, 30 and 29 tokens in two blocks each, six to have: 1 needs a third block first, after it 0, then 2 (29). */
    static const struct tiny_request requests[] = {{0, 31, 40, .priority = 9}, {0, 32, 20, .priority = 5}, {0, 29, 30, .priority = 7}};
    static const struct {
        const char *policy;
        uint32_t victim;
    } cases[] = {{"fcfs", 2}, {"priority", 0}, {"sjf", 1}, {"sjf-oracle", 0}, {"srpt", 0}, {"lpm", 2}, {"mlfq", 2}, {"edf", 2}, {"vtc", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = config_of(cases[i].policy, "vllm", "vllm", 7);
        struct outcome outcome = replay(requests, 3, &config);
        cr_assert_gt(outcome.preemptions, 0, "%s", cases[i].policy);
        cr_expect_eq(outcome.preempted[0], cases[i].victim, "%s takes %u", cases[i].policy, outcome.preempted[0]);
    }
}

Test(policies, srpt_counts_what_a_request_has_left)
{
    /* 0 is the longest job when it comes, and the nearest to its end when blocks run out: 1 goes, whose prompt and output are shorter. */
    static const struct tiny_request requests[] = {{0, 16, 90}, {400000000, 32, 60}};
    struct config config = config_of("srpt", "vllm", "vllm", 9);
    struct outcome outcome = replay(requests, 2, &config);
    cr_assert_gt(outcome.preemptions, 0);
    cr_expect_eq(outcome.preempted[0], 1);
    tiny_name(config.scheduling_policy, "sjf-oracle");
    outcome = replay(requests, 2, &config);
    cr_expect_eq(outcome.preempted[0], 0, "by the whole output it is the other one");
}

/* --- lpm ---------------------------------------------------------------------------------------------------------------------------- */

Test(policies, lpm_takes_the_longest_match_as_it_is_now)
{
    /* 0 fills blocks 0 1 2; of those that wait, 3 matches 3 blocks, 2 matches 1, 1 none; 4 matches what 1 fills, but only once it has. */
    static const struct tiny_request requests[] = {{0, 50, 10, .hash_count = 3, .hash_ids = {0, 1, 2}},
                                                   {1000000, 90, 5, .hash_count = 5, .hash_ids = {7, 8, 9, 10, 11}},
                                                   {2000000, 50, 5, .hash_count = 3, .hash_ids = {0, 3, 4}},
                                                   {3000000, 50, 5, .hash_count = 3, .hash_ids = {0, 1, 2}},
                                                   {4000000, 90, 5, .hash_count = 5, .hash_ids = {7, 8, 9, 10, 11}},
                                                   {5000000, 20, 5}};
    struct config config = config_of("lpm", "vllm", "vllm", 100);
    config.max_num_seqs = 1;
    struct outcome outcome = replay(requests, 6, &config);
    expect_order("lpm", outcome.admitted, outcome.admissions, "0 3 2 1 4 5");
    cr_expect(outcome.cached[1] == 48 && outcome.cached[2] == 16 && outcome.cached[3] == 0 && outcome.cached[4] == 80);
}

Test(policies, lpm_goes_by_arrival_while_more_than_128_wait)
{
    enum { COUNT = 133 };
    struct tiny_request requests[COUNT] = {{0, 20, 3, .hash_count = 1, .hash_ids = {0}}};
    for (uint32_t i = 1; i < COUNT; i++)
        requests[i] = (struct tiny_request){1000000, 20, 1, .hash_count = 1, .hash_ids = {i + 1 < COUNT ? i : 0}};
    struct config config = config_of("lpm", "vllm", "vllm", 300);
    config.max_num_seqs = 1;
    struct outcome outcome = replay(requests, COUNT, &config);
    /* 132 wait when 0 is done. Four go by arrival; with 128 left the only one that matches is first, though it came last. */
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_eq(outcome.admitted[i], i);
    cr_expect_eq(outcome.admitted[5], COUNT - 1, "then %u", outcome.admitted[5]);
    cr_expect_eq(outcome.admitted[6], 5);
}

/* --- edf and vtc --------------------------------------------------------------------------------------------------------------------- */

Test(policies, edf_goes_by_arrival_and_the_target_of_the_class)
{
    /* 0 runs until all are there. Deadlines in ms: 101, 102, 102, 70, 105, 106. By priority alone the first two would be the last. */
    static const struct tiny_request requests[] = {
        {0, 16, 30},
        {1000000, 16, 1, .priority = 2},
        {2000000, 16, 1, .priority = 9}, /* above the last class: in it */
        {52000000, 16, 1, .priority = 1},
        {60000000, 16, 1},
        {95000000, 16, 1},
        {96000000, 16, 1, .priority = -3}, /* below the first class: in it */
    };
    struct config config = config_of("edf", "vllm", "vllm", 100);
    const double targets_ms[] = {10, 50, 100};
    memcpy(config.slo_ttft_ms, targets_ms, sizeof targets_ms);
    config.max_num_seqs = 1;
    struct outcome outcome = replay(requests, 7, &config);
    expect_order("edf", outcome.admitted, outcome.admissions, "0 4 1 2 3 5 6");
}

Test(policies, edf_preempts_the_latest_deadline)
{
    /* Blocks run out for all three; 1 came last, but must answer soonest. 0 and 2 are of one class, and 2 came later. */
    static const struct tiny_request requests[] = {{0, 31, 40, .priority = 1}, {1000000, 32, 20}, {2000000, 29, 30, .priority = 1}};
    struct config config = config_of("edf", "vllm", "vllm", 7);
    struct outcome outcome = replay(requests, 3, &config);
    cr_assert_gt(outcome.preemptions, 0);
    cr_expect_eq(outcome.preempted[0], 2);
}

/* 0 runs alone until all others wait. Its tenant, 1, has been served 16 + 2 when they come in, and 16 + 2 x 30 when it ends. */
static const struct tiny_request of_three_tenants[] = {
    {0, 16, 30, .tenant = 1},       {1000000, 100, 2, .tenant = 1}, {2000000, 100, 2, .tenant = 1}, {3000000, 60, 5, .tenant = 2},
    {4000000, 300, 2, .tenant = 2}, {5000000, 10, 1, .tenant = 2},  {5000000, 40, 20, .tenant = 3},
};

Test(policies, vtc_serves_the_tenant_that_was_served_least)
{
    /* Counters 76, 18, 18: lifted, as all come while tenant 1 waits. 3 makes the second 88, 6 the third 98, 1 the first 180, 4 the second 392,
     * then 2, then 5. Had nobody been lifted, tenant 2 would be at 70 after 3, and 4 would go before 1. */
    struct config config = config_of("vtc", "vllm", "vllm", 100);
    config.max_num_seqs = 1;
    struct outcome outcome = replay(of_three_tenants, 7, &config);
    expect_order("vtc", outcome.admitted, outcome.admissions, "0 3 6 1 4 2 5");
    /* Prompts alone: all are at 16 when 0 ends, then 1 makes it 116, 3 76, 6 56, 4 376, 2 216. */
    config.fair_output_weight = 0;
    outcome = replay(of_three_tenants, 7, &config);
    expect_order("by prompts", outcome.admitted, outcome.admissions, "0 1 3 6 4 2 5");
}

Test(policies, vtc_counts_each_admission_before_the_next_of_a_step)
{
    /* All at once, four seats: counters go 100 0, 100 30, 100 60, and the last seat is tenant 2's, too. */
    static const struct tiny_request requests[] = {{0, 100, 9, .tenant = 1}, {0, 100, 2, .tenant = 1}, {0, 100, 2, .tenant = 1},
                                                   {0, 30, 2, .tenant = 2},  {0, 30, 2, .tenant = 2},  {0, 30, 2, .tenant = 2}};
    struct config config = config_of("vtc", "vllm", "vllm", 100);
    config.max_num_seqs = 4;
    struct outcome outcome = replay(requests, 6, &config);
    expect_order("vtc", outcome.admitted, outcome.admissions, "0 3 4 5 1 2");
}

Test(policies, vtc_lets_nobody_save_up_service_while_no_one_waits)
{
    /* 1 comes when 0 runs and nobody waits: its tenant begins where that of 0, the last to leave the queue, stands after some 19 tokens, at 54
     * or so, and 1 makes it 116. That is more than the 76 of 0, so 2 goes before 3; from 0 it would have been 62. */
    static const struct tiny_request requests[] = {
        {0, 16, 30, .tenant = 1}, {100000000, 60, 1, .tenant = 2}, {101000000, 60, 1, .tenant = 1}, {102000000, 60, 1, .tenant = 2}};
    struct config config = config_of("vtc", "vllm", "vllm", 100);
    config.max_num_seqs = 1;
    struct outcome outcome = replay(requests, 4, &config);
    expect_order("vtc", outcome.admitted, outcome.admissions, "0 1 2 3");
}

/* --- mlfq --------------------------------------------------------------------------------------------------------------------------- */

Test(policies, mlfq_demotes_who_used_its_quantum)
{
    /* 0 has run for long when 1 comes: it is levels below it and gives way, though it came first and has less left. */
    static const struct tiny_request requests[] = {{0, 16, 90}, {300000000, 32, 60}};
    struct config config = config_of("mlfq", "vllm", "vllm", 9);
    struct outcome outcome = replay(requests, 2, &config);
    cr_assert_gt(outcome.preemptions, 0);
    cr_expect_eq(outcome.preempted[0], 0);
    /* Together from the start, with the same work: as soon as both are demoted in the same step, arrival decides. */
    static const struct tiny_request pair[] = {{0, 16, 80}, {0, 16, 80}};
    outcome = replay(pair, 2, &config);
    cr_assert_gt(outcome.preemptions, 0);
    cr_expect_eq(outcome.preempted[0], 1);
}

Test(policies, mlfq_promotes_who_starves)
{
    /* 1 is long and waits below all that come, until 3 s are over: 2 comes before that, 3 after. */
    static const struct tiny_request requests[] = {{0, 16, 800}, {10000000, 3000, 2}, {2900000000, 16, 2}, {3100000000, 16, 2}};
    struct config config = config_of("mlfq", "vllm", "vllm", 400);
    config.max_num_seqs = 1;
    struct outcome outcome = replay(requests, 4, &config);
    expect_order("promotion", outcome.admitted, outcome.admissions, "0 2 1 3");
}

Test(policies, mlfq_promotes_who_was_preempted_and_starves)
{
    /* Steps of 101 ms: a short prompt joins level 4 (160 ms). 0 and 1 fill the eight blocks after 3.6 s, both on level 8; 1 entered it later and
     * is preempted. It needs five blocks, and 0 leaves it four at most until it ends at 9.1 s. Until 6.6 s 1 has waited less than 3 s, and 2
     * goes before it; then it enters level 0, and 3 goes after it. */
    static const struct tiny_request requests[] = {{0, 16, 90}, {300000000, 32, 60}, {6000000000, 16, 2}, {7500000000, 16, 2}};
    struct config config = config_of("mlfq", "vllm", "vllm", 9);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 101000000};
    struct outcome outcome = replay(requests, 4, &config);
    expect_order("preempted", outcome.preempted, outcome.preemptions, "1");
    expect_order("promotion", outcome.admitted, outcome.admissions, "0 1 2 1 3");
}

/* --- victims ------------------------------------------------------------------------------------------------------------------------ */

Test(policies, victims_are_chosen_by_what_they_lose)
{
    /* Seven blocks hold 2 + 3 + 2; 0 computes 33 tokens first and finds none. 1 has computed most, 0 has done most of its output. */
    static const struct tiny_request requests[] = {{0, 28, 12}, {0, 44, 60}, {0, 24, 40}};
    static const struct {
        const char *victim;
        uint32_t taken;
    } cases[] = {{"vllm", 2}, {"cheapest-recompute", 2}, {"lowest-progress", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = config_of("fcfs", cases[i].victim, "vllm", 8);
        struct outcome outcome = replay(requests, 3, &config);
        cr_assert_gt(outcome.preemptions, 0, "%s", cases[i].victim);
        cr_expect_eq(outcome.preempted[0], cases[i].taken, "%s takes %u", cases[i].victim, outcome.preempted[0]);
    }
}

Test(policies, shared_blocks_cost_nothing_to_compute_again)
{
    /* 0 and 1 hold 48 tokens in the same three blocks; 2 has computed fewer than either, but more than 1 has of its own. */
    static const struct tiny_request requests[] = {
        {0, 60, 40, .hash_count = 3, .hash_ids = {0, 1, 2}}, {0, 52, 40, .hash_count = 3, .hash_ids = {0, 1, 2}}, {0, 24, 40}};
    struct config config = config_of("fcfs", "cheapest-recompute", "vllm", 8);
    struct outcome outcome = replay(requests, 3, &config);
    cr_assert_gt(outcome.preemptions, 0);
    cr_expect_eq(outcome.preempted[0], 1);
    struct tiny_request apart[3];
    memcpy(apart, requests, sizeof apart);
    apart[1].hash_ids[0] = 9; /* the same lengths, nothing shared */
    config.num_gpu_blocks = 11;
    outcome = replay(apart, 3, &config);
    cr_assert_gt(outcome.preemptions, 0);
    cr_expect_eq(outcome.preempted[0], 2);
}

/* --- evictions ---------------------------------------------------------------------------------------------------------------------- */

Test(policies, evictions_differ_where_they_should)
{
    /* Prompt x comes twice; then a, which runs long, and b, which comes after it and is done before it. That leaves 2 blocks without
     * content and 10 cached, by time of release: x 31, x 30, b's own, b 21, b 20, a's own three, a 11, a 10 (named by hash id). Request 4
     * takes 8 blocks, so 6 are evicted, and the last one looks for what is left of one of the prompts. */
    static const struct tiny_request requests[] = {
        {0, 36, 2, .hash_count = 2, .hash_ids = {30, 31}},
        {20000000, 36, 2, .hash_count = 2, .hash_ids = {30, 31}},
        {40000000, 36, 60, .hash_count = 2, .hash_ids = {10, 11}},
        {41000000, 36, 20, .hash_count = 2, .hash_ids = {20, 21}},
        {900000000, 120, 1},
    };
    static const struct {
        const char *policy;
        uint32_t x, a, b; /* tokens found of each */
    } cases[] = {
        {"vllm", 0, 32, 0}, /* in order of release */
        {"lru", 0, 16, 32}, /* x was asked for longest ago, then a, the deepest first */
        {"lfu", 32, 0, 32}, /* x was hit once, the others never; a is older than b */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t found[] = {cases[i].x, cases[i].a, cases[i].b}, ids[] = {30, 10, 20};
        struct config config = config_of("fcfs", "vllm", cases[i].policy, 13);
        for (uint32_t k = 0; k < 3; k++) {
            struct tiny_request with_look[6];
            memcpy(with_look, requests, sizeof requests);
            with_look[5] = (struct tiny_request){1000000000, 36, 1, .hash_count = 2, .hash_ids = {ids[k], ids[k] + 1}};
            struct outcome outcome = replay(with_look, 6, &config);
            cr_expect_eq(outcome.cached[5], found[k], "%s finds %u of %u", cases[i].policy, outcome.cached[5], ids[k]);
        }
    }
}

Test(policies, tail_lru_takes_what_the_next_turn_can_do_without)
{
    /* A long conversation, six blocks of 16, and after it a short one of two: 0 and 1. The next turn may compute 64 tokens and brings 16 new ones,
     * so three blocks of a text are safe: all of the short one, and the last three of the long one, which was asked for longer ago and so goes
     * first. Of twelve blocks eight have content; 2 needs eight and evicts four. */
    static const struct tiny_request requests[] = {
        {0, 96, 1, .hash_count = 6, .hash_ids = {10, 11, 12, 13, 14, 15}},
        {100000000, 32, 1, .hash_count = 2, .hash_ids = {20, 21}},
        {200000000, 127, 1},
    };
    static const struct {
        const char *policy;
        uint32_t found_long, found_short;
    } cases[] = {
        {"lru", 32, 32},      /* four blocks of the long one */
        {"tail-lru", 48, 16}, /* three, and the last of the short one */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t k = 0; k < 2; k++) {
            struct config config = config_of("fcfs", "vllm", cases[i].policy, 13);
            struct tiny_request with_look[4];
            memcpy(with_look, requests, sizeof requests);
            with_look[3] = requests[k];
            with_look[3].arrival_ns = 400000000;
            with_look[3].input += 8; /* the last token is computed in any case */
            struct outcome outcome = replay(with_look, 4, &config);
            cr_expect_eq(outcome.cached[3], k ? cases[i].found_short : cases[i].found_long, "%s finds %u of %s", cases[i].policy,
                         outcome.cached[3], k ? "the short one" : "the long one");
        }
}

Test(policies, workload_aware_keeps_what_its_class_uses_again)
{
    /* Prompts of priority 0 come three times, a second apart; those of priority 1 never again. So of a prompt of each class, the one of priority 0
     * is kept, though it is older and LRU would take it. Twelve blocks, six of them with content; 5 needs eight. */
    static const struct tiny_request requests[] = {
        {0, 36, 1, .hash_count = 2, .hash_ids = {30, 31}},
        {1000000000, 36, 1, .hash_count = 2, .hash_ids = {30, 31}},
        {2000000000, 36, 1, .hash_count = 2, .hash_ids = {30, 31}},
        {2100000000, 36, 1, .priority = 1, .hash_count = 2, .hash_ids = {40, 41}},
        {2200000000, 36, 1, .priority = 1, .hash_count = 2, .hash_ids = {50, 51}},
        {2300000000, 120, 1},
    };
    static const struct {
        const char *policy;
        uint32_t kept, others; /* tokens found of 30 and of 40 */
    } cases[] = {{"lru", 0, 32}, {"workload-aware", 32, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t k = 0; k < 2; k++) {
            struct config config = config_of("fcfs", "vllm", cases[i].policy, 13);
            struct tiny_request with_look[7];
            memcpy(with_look, requests, sizeof requests);
            with_look[6] = (struct tiny_request){2600000000, 36, 1, .hash_count = 2, .hash_ids = {k ? 40 : 30, k ? 41 : 31}};
            struct outcome outcome = replay(with_look, 7, &config);
            cr_expect_eq(outcome.cached[6], k ? cases[i].others : cases[i].kept, "%s finds %u", cases[i].policy, outcome.cached[6]);
        }
}

/* --- all together --------------------------------------------------------------------------------------------------------------------- */

static struct config random_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(1 + random_below(seed, 8), 3 + random_below(seed, 30));
    config.max_num_seqs = 1 + random_below(seed, 8);
    config.max_num_batched_tokens = config.max_num_seqs + random_below(seed, 60);
    config.max_model_len = 20 + random_below(seed, 100);
    config.enable_prefix_caching = random_below(seed, 5) != 0;
    config.scheduler_reserve_full_isl = random_below(seed, 3) != 0;
    if (random_below(seed, 3) == 0)
        config.long_prefill_token_threshold = 1 + random_below(seed, 20);
    if (random_below(seed, 4) == 0)
        config.watermark = 0.01 * random_below(seed, 30);
    if (random_below(seed, 5) == 0)
        config.max_concurrency = 1 + random_below(seed, 6);
    config.trace_block_size = random_below(seed, 2) ? 2 * config.block_size : 1 + random_below(seed, 20);
    config.step_time.base_ns = random_below(seed, 2) ? 5000000 : 400000000; /* such steps starve requests */
    config.async_scheduling = random_below(seed, 2);
    config.finish_reason = random_below(seed, 2) ? FINISH_STOP : FINISH_LENGTH;
    return config;
}

/* Arrivals of priority differ: vLLM's ties can go on for ever (replay_loop.h). All others break them. */
static struct trace *random_trace(uint64_t *seed, const struct config *config)
{
    struct tiny_request requests[20] = {0};
    uint32_t count = 2 + random_below(seed, 19), spread = random_below(seed, 3) ? 1 + random_below(seed, 40) : 0;
    uint32_t most = 1 + random_below(seed, config->max_model_len), same = random_below(seed, 4) == 0 ? 1 + random_below(seed, most) : 0;
    int64_t now = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tiny_request *request = &requests[i];
        now += spread ? (int64_t)random_below(seed, spread) * 1000000 : 0;
        now += strcmp(config->scheduling_policy, "priority") == 0;
        request->arrival_ns = now;
        request->input = same ? same : 1 + random_below(seed, most);
        request->output = same ? 10 : 1 + random_below(seed, random_below(seed, 3) ? 40 : 5);
        request->priority = (int32_t)random_below(seed, 3);
        request->tenant = i % 5; /* no draw: what was found with a seed stays */
        random_case_chain(seed, request, config, 4);
    }
    return tiny_trace(requests, count);
}

/* Each request arrives once, is in one place at a time, and is dropped or finishes with all its output. */
static void expect_conserved(const struct trace *trace, const struct stream *stream, const char *what)
{
    enum place { NOWHERE, WAITS, RUNS, GONE };
    enum place places[20] = {NOWHERE};
    for (size_t i = 0; i < stream->event_count; i++) {
        const struct event *event = &stream->events[i];
        enum place *place = &places[event->request], was = *place;
        bool right = true;
        switch (event->kind) {
        case EVENT_ARRIVE:
            right = was == NOWHERE, *place = WAITS;
            break;
        case EVENT_ADMIT:
        case EVENT_READMIT:
            right = was == WAITS, *place = RUNS;
            break;
        case EVENT_PREEMPT:
            right = was == RUNS, *place = WAITS;
            break;
        case EVENT_FINISH:
            right = (was == RUNS || (event->extra && was == WAITS)) && event->value == trace->output_tokens[event->request], *place = GONE;
            break;
        case EVENT_DROP:
            right = was == NOWHERE, *place = GONE;
            break;
        default:
            break;
        }
        cr_assert(right, "%s: request %u: event %u at a place where it cannot be", what, event->request, event->kind);
    }
    for (uint32_t position = 0; position < trace->count; position++)
        cr_assert_eq(places[position], GONE, "%s: request %u never ends", what, position);
}

/* Replay a random case twice; how often it preempted. */
static uint64_t run_random_case(uint64_t number, const struct config *names, const char *what)
{
    uint64_t seed = number, preemptions = 0;
    struct config config = random_config(&seed);
    tiny_name(config.scheduling_policy, names->scheduling_policy);
    tiny_name(config.preemption_victim, names->preemption_victim);
    tiny_name(config.eviction_policy, names->eviction_policy);
    struct trace *trace = random_trace(&seed, &config);
    struct stream streams[2] = {{.tally_limit = STEPS_MAX}, {.tally_limit = STEPS_MAX}};
    char text[256];
    struct diag diag = {0};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(record(trace, &config, i == 0, &streams[i], &diag), SIM_OK, "case %llu, %s: %s", (unsigned long long)number, what,
                     diag.text);
    cr_assert(stream_equal(&streams[0], &streams[1], text, sizeof text), "case %llu, %s, twice: %s", (unsigned long long)number, what,
              text);
    expect_conserved(trace, &streams[0], what);
    for (size_t i = 0; i < streams[0].event_count; i++)
        preemptions += streams[0].events[i].kind == EVENT_PREEMPT;
    stream_deinit(&streams[0]);
    stream_deinit(&streams[1]);
    trace_destroy(trace);
    return preemptions;
}

Test(policies, in_all_combinations_nobody_is_lost_and_nothing_is_inconsistent)
{
    const char *given = getenv("POLICIES_CASES");
    uint64_t cases = given ? strtoull(given, NULL, 10) : 60, number = 0;
    for (uint32_t i = 0; policy_at(POLICY_SCHEDULING, i); i++)
        for (uint32_t k = 0; policy_at(POLICY_VICTIM, k); k++)
            for (uint32_t m = 0; policy_at(POLICY_EVICTION, m); m++) {
                struct config names = config_of(policy_at(POLICY_SCHEDULING, i)->name, policy_at(POLICY_VICTIM, k)->name,
                                                policy_at(POLICY_EVICTION, m)->name, 2);
                uint64_t preemptions = 0;
                char what[256];
                snprintf(what, sizeof what, "%s, %s, %s", names.scheduling_policy, names.preemption_victim, names.eviction_policy);
                for (uint64_t n = 0; n < cases; n++)
                    preemptions += run_random_case(++number, &names, what);
                cr_expect_gt(preemptions, cases / 4, "%s preempts", what);
            }
}

/* Does the policy decide anything differently from vLLM's own `base` on the trace of this seed? */
static bool differs(enum policy_kind kind, const char *base, const char *name, uint64_t seed)
{
    struct config config = random_config(&seed), changed;
    if (kind == POLICY_SCHEDULING)
        tiny_name(config.scheduling_policy, base);
    struct trace *trace = random_trace(&seed, &config);
    struct stream streams[2] = {0};
    struct diag diag = {0};
    char text[256];
    changed = config;
    tiny_name(kind == POLICY_SCHEDULING ? changed.scheduling_policy
              : kind == POLICY_VICTIM   ? changed.preemption_victim
                                        : changed.eviction_policy,
              name);
    cr_assert_eq(record(trace, &config, false, &streams[0], &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(record(trace, &changed, false, &streams[1], &diag), SIM_OK, "%s", diag.text);
    bool equal = stream_equal(&streams[0], &streams[1], text, sizeof text);
    stream_deinit(&streams[0]);
    stream_deinit(&streams[1]);
    trace_destroy(trace);
    return !equal;
}

/* Routers stand in front of engines: test_routers.c. */
Test(policies, each_can_be_told_from_vllms_own)
{
    for (int kind = 0; kind < POLICY_ROUTER; kind++)
        for (uint32_t i = 1; policy_at((enum policy_kind)kind, i); i++) {
            const char *name = policy_at((enum policy_kind)kind, i)->name;
            uint32_t different = 0;
            for (uint64_t seed = 1; seed <= 40; seed++)
                different += differs((enum policy_kind)kind, "fcfs", name, seed);
            cr_log_info("%s differs on %u of 40\n", name, different);
            cr_expect_gt(different, 2, "%s decides what vLLM decides", name);
        }
}

/* vLLM's own decisions, said in the terms that all others are said in, come out of the other code paths the same. */
static uint64_t by_release(void *self, const struct pagesim_policy_block *block)
{
    (void)self;
    return block->freed;
}

static int64_t by_priority(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return request->priority;
}

static void set_again(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting)
{
    (void)now_ns;
    /* Twice, the second time right: what counts is what stands at the end, in whatever order the requests are listed. */
    for (uint32_t i = 0; i < waiting->count; i++)
        waiting->set_key(waiting, waiting->positions[i], -(int64_t)waiting->positions[i]);
    for (uint32_t i = 0; i < waiting->count; i++)
        waiting->set_key(waiting, waiting->positions[i], ((const int64_t *)self)[waiting->positions[i]]);
}

static void remember(void *self, const struct pagesim_policy_request *request, const struct pagesim_policy_event *event)
{
    if (event->kind == PAGESIM_POLICY_ARRIVED)
        ((int64_t *)self)[request->position] = request->priority;
}

static bool create(const struct pagesim_policy_setup *setup, void **self)
{
    *self = calloc(setup->request_count, sizeof(int64_t));
    return *self != NULL;
}

Test(policies, vllms_own_decisions_come_out_of_the_general_ways_too)
{
    static const struct pagesim_eviction_policy release = {.info = {"release", "longest free first"}, .key = by_release};
    static const struct pagesim_scheduling_policy priority = {.info = {"priority-again", "as priority, but asked anew"},
                                                              .order = PAGESIM_POLICY_CHANGING_KEY,
                                                              .first_of_ties = true,
                                                              .key = by_priority,
                                                              .create = create,
                                                              .destroy = free,
                                                              .happened = remember,
                                                              .before_admission = set_again};
    struct diag diag = {0};
    cr_assert_eq(policy_register(POLICY_EVICTION, &release.info, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(policy_register(POLICY_SCHEDULING, &priority.info, &diag), SIM_OK, "%s", diag.text);
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        cr_expect_not(differs(POLICY_EVICTION, "", "release", seed), "eviction, seed %llu", (unsigned long long)seed);
        cr_expect_not(differs(POLICY_SCHEDULING, "priority", "priority-again", seed), "priority, seed %llu", (unsigned long long)seed);
    }
}

/* A policy that checks what it is told: each request's life in order, and token for token. */
struct witness {
    bool runs, done;
    uint32_t present, generated; /* tokens in its table; output tokens */
};

static struct {
    uint64_t lives, preemptions, wrong, ends_waiting;
    int64_t last_ns;
} witnessed;

static void check_life(void *self, const struct pagesim_policy_request *request, const struct pagesim_policy_event *event)
{
    struct witness *witness = &((struct witness *)self)[request->position];
    bool right = !witness->done;
    /* An arrival may precede the step that sees it. With asynchronous scheduling what a step computes is told when it is decided, with the
     * time of its end, and the next one is decided before that. */
    if (event->kind != PAGESIM_POLICY_ARRIVED) {
        right &= event->now_ns >= (overlaps ? request->arrival_ns : witnessed.last_ns);
        witnessed.last_ns = event->now_ns;
    }
    switch (event->kind) {
    case PAGESIM_POLICY_ARRIVED:
        right &= !witness->runs && witness->generated == 0 && event->now_ns == request->arrival_ns;
        witnessed.lives++;
        break;
    case PAGESIM_POLICY_ADMITTED:
        right &= !witness->runs && event->tokens < request->known_tokens;
        *witness = (struct witness){.runs = true, .present = event->tokens, .generated = witness->generated};
        break;
    case PAGESIM_POLICY_COMPUTED:
        right &= witness->runs && event->tokens > 0 && event->step_ns > 0;
        witness->present += event->tokens;
        witness->generated += event->generated;
        right &= event->generated == (witness->present == request->known_tokens - event->generated);
        break;
    case PAGESIM_POLICY_PREEMPTED:
        right &= witness->runs && event->tokens == witness->present && request->computed_tokens == 0;
        witness->runs = false;
        witness->present = 0;
        witnessed.preemptions++;
        break;
    case PAGESIM_POLICY_FINISHED:
        right &= witness->generated == request->output_tokens ||
                 (overlaps && witness->runs && witness->generated == request->output_tokens + 1); /* the last one in vain */
        right &= witness->runs || overlaps;
        witnessed.ends_waiting += !witness->runs; /* preempted while its last token was on its way */
        witness->done = true;
        witnessed.lives--;
        break;
    }
    right &= request->known_tokens == request->input_tokens + witness->generated;
    right &= event->kind == PAGESIM_POLICY_ADMITTED || !witness->runs || request->computed_tokens == witness->present;
    witnessed.wrong += !right;
}

static bool create_witnesses(const struct pagesim_policy_setup *setup, void **self)
{
    witnessed.last_ns = 0;
    *self = calloc(setup->request_count, sizeof(struct witness));
    return *self != NULL;
}

Test(policies, are_told_all_that_happens_to_a_request)
{
    static const struct pagesim_scheduling_policy witness = {.info = {"witness", "as priority, and checks what it is told"},
                                                             .order = PAGESIM_POLICY_STATIC_KEY,
                                                             .key = by_priority,
                                                             .create = create_witnesses,
                                                             .destroy = free,
                                                             .happened = check_life};
    struct diag diag = {0};
    cr_assert_eq(policy_register(POLICY_SCHEDULING, &witness.info, &diag), SIM_OK, "%s", diag.text);
    struct config names = config_of("witness", "vllm", "vllm", 2);
    for (uint64_t number = 1; number <= 500; number++)
        run_random_case(number, &names, "witness");
    cr_expect_eq(witnessed.wrong, 0);
    cr_expect_eq(witnessed.lives, 0, "who arrived also finished");
    cr_expect_gt(witnessed.preemptions, 500);
    cr_expect_gt(witnessed.ends_waiting, 5);
}
