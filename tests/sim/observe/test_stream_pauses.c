/* test_stream_pauses.c - when a pause comes, who waits for it, and that metrics of both engines see the tokens as clients do. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/compare.h"
#include "observe/metrics.h"
#include "observe/token_times.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/tiny_trace.h"

static const struct step_time_config each_100 = {.pause_ns = 70, .pause_every_pairs = 100};

static void note(struct stream_pauses *pauses, int64_t end_ns, uint32_t tokens)
{
    struct diag diag = {0};
    cr_assert_eq(stream_pauses_note_step(pauses, end_ns, tokens, &diag), SIM_OK);
}

Test(stream_pauses, tokens_of_the_step_that_crosses_the_number_wait_and_so_do_later_ones)
{
    struct stream_pauses pauses;
    stream_pauses_init(&pauses, &each_100);
    for (int64_t end_ns = 10; end_ns <= 200; end_ns += 10) /* 25 pairs each: the 4th, 8th, ... step brings a pause */
        note(&pauses, end_ns, 5);
    cr_expect_eq(stream_pauses_out(&pauses, -1), -1, "never stays never");
    cr_expect_eq(stream_pauses_out(&pauses, 30), 30);
    cr_expect_eq(stream_pauses_out(&pauses, 39), 39);
    cr_expect_eq(stream_pauses_out(&pauses, 40), 110);
    cr_expect_eq(stream_pauses_out(&pauses, 79), 110, "due before the next pause");
    cr_expect_eq(stream_pauses_out(&pauses, 80), 180, "the next pause begins when the first ends");
    cr_expect_eq(stream_pauses_out(&pauses, 120), 250);
    cr_expect(stream_pauses_touch(&pauses, 0, 40) && !stream_pauses_touch(&pauses, 0, 39));
    stream_pauses_deinit(&pauses);
}

Test(stream_pauses, few_tokens_at_once_bring_few_pauses)
{
    struct stream_pauses pauses;
    stream_pauses_init(&pauses, &each_100);
    for (int64_t end_ns = 1000; end_ns <= 100000; end_ns += 1000)
        note(&pauses, end_ns, 1); /* a hundred tokens, as many pairs */
    cr_expect_eq(pauses.count, 1);
    for (int64_t end_ns = 101000; end_ns <= 110000; end_ns += 1000)
        note(&pauses, end_ns, 10); /* a hundred more, ten times as many pairs */
    cr_expect_eq(pauses.count, 11);
    stream_pauses_deinit(&pauses);
}

Test(stream_pauses, without_both_keys_there_are_none)
{
    const struct step_time_config halves[] = {{.pause_ns = 70}, {.pause_every_pairs = 100}};
    for (int i = 0; i < 2; i++) {
        struct stream_pauses pauses;
        stream_pauses_init(&pauses, &halves[i]);
        note(&pauses, 1000, 1000);
        cr_expect(!stream_pauses_any(&pauses) && pauses.count == 0 && stream_pauses_out(&pauses, 1000) == 1000);
    }
}

Test(stream_pauses, none_lasts_longer_than_the_clock)
{
    struct stream_pauses pauses;
    stream_pauses_init(&pauses, &(struct step_time_config){.pause_ns = 1000000000000000, .pause_every_pairs = 1});
    note(&pauses, 5, UINT32_MAX);
    note(&pauses, 6, UINT32_MAX);
    cr_expect_eq(stream_pauses_out(&pauses, 6), CLOCK_LAST_NS);
    stream_pauses_deinit(&pauses);
}

Test(stream_pauses, a_run_says_the_same_as_its_steps)
{
    uint64_t random = 1;
    for (int number = 0; number < 300; number++) {
        struct diag diag = {0};
        struct stream_pauses by_steps, by_runs;
        const struct step_time_config config = {.pause_ns = 1 + random_below(&random, 5000),
                                                .pause_every_pairs = 1 + random_below(&random, 2000)};
        int64_t now_ns = 0;
        stream_pauses_init(&by_steps, &config);
        stream_pauses_init(&by_runs, &config);
        for (int i = 0; i < 20; i++) {
            struct step_run run = {
                .first = {.start_ns = now_ns, .duration_ns = random_below(&random, 900), .sampled_tokens = random_below(&random, 12)},
                .steps = 1 + random_below(&random, 30),
                .change_ns = random_below(&random, 4)};
            cr_assert_eq(stream_pauses_note(&by_runs, &run, &diag), SIM_OK);
            for (uint32_t step = 0; step < run.steps; step++) {
                now_ns += run.first.duration_ns + step * run.change_ns;
                note(&by_steps, now_ns, run.first.sampled_tokens);
            }
        }
        cr_assert_eq(by_runs.count, by_steps.count, "case %d", number);
        for (int64_t ns = 0; ns <= now_ns; ns += 1 + now_ns / 1000)
            cr_assert_eq(stream_pauses_out(&by_runs, ns), stream_pauses_out(&by_steps, ns), "case %d, %lld ns", number, (long long)ns);
        stream_pauses_deinit(&by_steps);
        stream_pauses_deinit(&by_runs);
    }
}

/* --- what clients see ------------------------------------------------------------------------------------------------------------------- */

enum { REQUESTS = 30 };

static struct trace *random_trace(uint64_t *seed)
{
    struct tiny_request requests[REQUESTS] = {0};
    int64_t now_ns = 0;
    for (int i = 0; i < REQUESTS; i++) {
        now_ns += random_below(seed, 40000000);
        requests[i] =
            (struct tiny_request){.arrival_ns = now_ns, .input = 1 + random_below(seed, 60), .output = 1 + random_below(seed, 40)};
    }
    return tiny_trace(requests, REQUESTS);
}

/* Everything that a client sees of a replay: of each request when its tokens came, from two observers that know nothing of each other. */
static void expect_one_story(const struct metrics *metrics, const struct token_times *times, uint64_t number)
{
    static const double percentiles[] = {0, 10, 50, 90, 99, 100};
    double values[REQUESTS * 41], told[6];
    struct diag diag = {0};
    size_t count = 0;
    for (uint32_t position = 0; position < REQUESTS; position++) {
        const struct request_story story = metrics_story(metrics, position), engine = metrics_engine_story(metrics, position);
        struct token_walk walk = token_walk_begin(times, position);
        int64_t at_ns = story.first_token_ns;
        for (int64_t itl_ns; token_walk_next(&walk, &itl_ns); at_ns += itl_ns)
            values[count++] = (double)itl_ns / 1e6;
        cr_assert_eq(at_ns, story.finish_ns, "case %llu, request %u", (unsigned long long)number, position);
        cr_assert(engine.finish_ns <= story.finish_ns && engine.first_token_ns <= story.first_token_ns);
    }
    qsort(values, count, sizeof *values, compare_double_items);
    cr_assert_eq(metrics->gaps.total, count, "case %llu", (unsigned long long)number);
    cr_assert_eq(metrics_percentiles(metrics, LATENCY_ITL, percentiles, 6, told, &diag), SIM_OK);
    cr_assert_float_eq(told[0], values[0], 1e-9);
    cr_assert_float_eq(told[5], values[count - 1], 1e-9, "case %llu", (unsigned long long)number);
    for (int i = 1; i < 5; i++) {
        const double rank = percentiles[i] / 100 * (double)(count - 1), low = floor(rank);
        const double between =
            values[(size_t)low] + (rank - low) * (values[(size_t)fmin(low + 1, (double)count - 1)] - values[(size_t)low]);
        cr_assert_float_eq(told[i], between, 1e-6, "case %llu, percentile %g", (unsigned long long)number, percentiles[i]);
    }
}

Test(stream_pauses, metrics_and_token_times_tell_one_story_on_both_engines)
{
    uint64_t by_events = 0, decisions_differ = 0;
    for (uint64_t number = 1; number <= 200; number++) {
        uint64_t seed = number;
        struct diag diag = {0};
        struct trace *trace = random_trace(&seed);
        struct config config = tiny_config_v1(1 + random_below(&seed, 8), 0);
        config.num_gpu_blocks = 110 / config.block_size + 4 + random_below(&seed, 60);
        config.max_num_seqs = 1 + random_below(&seed, 8);
        config.max_num_batched_tokens = 8 + random_below(&seed, 60);
        config.async_scheduling = random_below(&seed, 2);
        config.step_time.pause_ns = 1 + random_below(&seed, 100000000);
        config.step_time.pause_every_pairs = 1 + random_below(&seed, 800);
        int64_t end_ns[3];
        for (int turn = 0; turn < 3; turn++) { /* fast, readable, and without pauses */
            struct step_time_model *model;
            struct metrics metrics;
            struct token_times times;
            struct replay_facts facts;
            const struct replay_options how = {.reference = turn == 1};
            config.step_time.pause_ns *= turn < 2;
            cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
            cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
            cr_assert_eq(token_times_init(&times, trace, &diag), SIM_OK);
            stream_pauses_init(&metrics.pauses, &model->config);
            stream_pauses_init(&times.pauses, &model->config);
            const struct observer observers[] = {metrics_observer(&metrics), token_times_observer(&times)};
            cr_assert_eq(replay_run(trace, &config, model, observers, 2, &how, &facts, &diag), SIM_OK, "%s", diag.text);
            by_events += facts.by_events;
            end_ns[turn] = facts.end.end_ns;
            expect_one_story(&metrics, &times, number);
            metrics_deinit(&metrics);
            token_times_deinit(&times);
            step_time_destroy(model);
        }
        decisions_differ += end_ns[0] != end_ns[1] || end_ns[0] != end_ns[2];
        trace_destroy(trace);
    }
    cr_expect_gt(by_events, 300);
    cr_expect_eq(decisions_differ, 0, "the engine knows nothing of pauses");
}
