/* test_replay_course.c - what pictures are drawn from: pauses of requests by hand, and tracks against the figures of the same run. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "observe/replay_course.h"
#include "run/run.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

/* A replay with a course. End it with close_replay. */
struct replayed {
    struct run run;
    struct replay_course course;
};

static void replay(struct replayed *replayed, const struct trace *trace, const struct config *config, bool reference)
{
    struct diag diag = {0};
    const struct replay_options options = {.reference = reference};
    cr_assert_eq(run_open(&replayed->run, trace, config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(replay_course_init(&replayed->course, replayed->run.trace, config, &diag), SIM_OK);
    const struct observer observer = replay_course_observer(&replayed->course);
    cr_assert_eq(run_replay(&replayed->run, &observer, 1, &options, &diag), SIM_OK, "%s", diag.text);
}

static void close_replay(struct replayed *replayed)
{
    replay_course_deinit(&replayed->course);
    run_close(&replayed->run);
}

/* Two requests in 8 usable blocks of 4, and steps of 1000 ns. Both fill 4 blocks with their 16th token; the first that needs a fifth takes it
 * from request 1. */
static const struct tiny_request two[] = {{.input = 15, .output = 17}, {.input = 15, .output = 8}};

static struct config two_config(uint32_t pool)
{
    struct config config = tiny_config_v1(4, pool);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    return config;
}

static void expect_pause(const struct replay_course *course, int64_t from_ns, int64_t to_ns, int64_t caught_up_ns, bool recomputes)
{
    cr_assert_eq(course->pause_count, 1);
    cr_expect_eq(course->pauses[0].request, 1);
    cr_expect_eq(course->pauses[0].from_ns, from_ns);
    cr_expect_eq(course->pauses[0].to_ns, to_ns);
    cr_expect_eq(course->pauses[0].caught_up_ns, caught_up_ns);
    cr_expect_eq(course->pauses[0].recomputes, recomputes);
}

/* Step 2 takes the fifth block at 2000. Request 0 has its 17th token at 17000; request 1 comes back then, finds nothing of its own, computes 17
 * tokens, and has its third token at 18000. */
Test(replay_course, a_preempted_request_waits_for_blocks_and_computes_them_again)
{
    const struct config config = two_config(9);
    struct trace *trace = tiny_trace(two, 2);
    for (int reference = 0; reference < 2; reference++) {
        struct replayed replayed;
        uint64_t gaps = 0;
        step_sum sum = 0;
        int64_t longest = 0;
        replay(&replayed, trace, &config, reference);
        expect_pause(&replayed.course, 2000, 17000, 18000, true);
        cr_expect_eq(metrics_story(&replayed.run.metrics, 1).finish_ns, 23000);
        for (size_t i = 0; i < SAMPLE_CELLS; i++) {
            const struct sample_cell *cell = &replayed.course.gaps.cells[i];
            gaps += cell->count;
            sum += cell->sum;
            longest = cell->count > 0 && cell->highest > longest ? cell->highest : longest;
        }
        cr_expect_eq(gaps, 16 + 7);
        cr_expect(sum == (17000 - 1000) + (23000 - 1000));
        cr_expect_eq(longest, 18000 - 2000);
        close_replay(&replayed);
    }
    trace_destroy(trace);
}

/* With asynchronous scheduling step 2 is decided when step 1 starts, at 1000. The token of step 1 comes at 2000, while request 1 waits. If that
 * is its last one, the pause ends there and nothing is computed again. */
Test(replay_course, a_request_may_end_while_it_waits)
{
    const struct tiny_request ends[] = {{.input = 15, .output = 17}, {.input = 15, .output = 2}};
    struct config config = two_config(9);
    struct trace *trace = tiny_trace(ends, 2);
    config.async_scheduling = true;
    config.finish_reason = FINISH_STOP;
    for (int reference = 0; reference < 2; reference++) {
        struct replayed replayed;
        replay(&replayed, trace, &config, reference);
        expect_pause(&replayed.course, 1000, 2000, 2000, true);
        cr_expect_eq(metrics_story(&replayed.run.metrics, 1).finish_ns, 2000);
        close_replay(&replayed);
    }
    trace_destroy(trace);
}

/* The same with tokens to come: that of step 1 comes during the pause and ends nothing. Request 0 has its last token at 17000. The step after
 * it was decided before that and is empty, so request 1 returns at 17000; its third token comes at 18000. */
Test(replay_course, a_token_on_its_way_ends_no_pause)
{
    struct config config = two_config(9);
    struct trace *trace = tiny_trace(two, 2);
    config.async_scheduling = true;
    config.finish_reason = FINISH_LENGTH;
    for (int reference = 0; reference < 2; reference++) {
        struct replayed replayed;
        replay(&replayed, trace, &config, reference);
        expect_pause(&replayed.course, 1000, 17000, 18000, true);
        close_replay(&replayed);
    }
    trace_destroy(trace);
}

/* V0 asks for a free block for each sequence, so it swaps before step 1, at 1000. Request 0 has its 10th token at 10000 and gives 6 blocks back.
 * Those of request 1 return, and its second token of 8 comes at 11000, with nothing computed again. */
Test(replay_course, a_swapped_request_computes_nothing_again)
{
    const struct tiny_request swaps[] = {{.input = 15, .output = 10}, {.input = 15, .output = 8}};
    struct config config = two_config(8);
    struct trace *trace = tiny_trace(swaps, 2);
    config.scheduler = SCHEDULER_VLLM_V0;
    config.enable_prefix_caching = config.enable_chunked_prefill = false;
    config.max_model_len = config.max_num_batched_tokens;
    config.preemption_mode = PREEMPTION_SWAP;
    config.num_cpu_blocks = 8;
    for (int reference = 0; reference < 2; reference++) {
        struct replayed replayed;
        replay(&replayed, trace, &config, reference);
        expect_pause(&replayed.course, 1000, 10000, 11000, false);
        cr_expect_eq(metrics_story(&replayed.run.metrics, 1).finish_ns, 17000);
        close_replay(&replayed);
    }
    trace_destroy(trace);
}

static double mean_of(const struct counter_track *track)
{
    double area = 0, covered_ns = 0;
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++) {
        area += track->cells[cell].area;
        covered_ns += (double)track->cells[cell].covered_ns;
    }
    return area / covered_ns;
}

static void expect_mean(struct replayed *replayed, enum course_track number, double wanted)
{
    struct counter_track *track = &replayed->course.tracks[number];
    counter_track_finish(track, replayed->run.facts.end.end_ns);
    cr_assert_lt(fabs(mean_of(track) - wanted), 1e-9 * (1 + wanted), "track %d: %g and %g", (int)number, mean_of(track), wanted);
}

static void expect_figures(struct replayed *replayed)
{
    const struct run *run = &replayed->run;
    const struct ledger_sums sums = ledger_span_sums(&run->ledger, SPAN_ALL);
    slot_time accounts[LEDGER_ACCOUNTS];
    uint64_t gaps = 0;
    step_sum sum = 0;
    ledger_split(&run->ledger, &sums, accounts);
    expect_mean(replayed, COURSE_EMPTY_SLOTS, ledger_mean(&sums, (ledger_sum)accounts[ACCOUNT_TAIL]));
    expect_mean(replayed, COURSE_USED_BLOCKS, run_figure(run, "mean_used_blocks"));
    expect_mean(replayed, COURSE_CACHED_BLOCKS, run_figure(run, "mean_cached_idle_blocks"));
    for (size_t i = 0; i < SAMPLE_CELLS; i++) {
        gaps += replayed->course.gaps.cells[i].count;
        sum += replayed->course.gaps.cells[i].sum;
    }
    cr_assert_eq(gaps, run->metrics.latency_ms[LATENCY_ITL].count);
    cr_assert(gaps == 0 || fabs((double)sum / (double)gaps / 1e6 / run_figure(run, "mean_itl_ms") - 1) < 1e-9);
}

/* Means over the time from the first step on, as the ledger's. */
Test(replay_course, tracks_have_the_means_of_the_figures)
{
    uint64_t compared = 0;
    for (uint64_t number = 1; number <= 600; number++) {
        uint64_t seed = number;
        const struct config config = random_case_config(&seed, number % 3 == 0);
        struct trace *trace = random_case_trace(&seed, &config);
        struct replayed replayed;
        replay(&replayed, trace, &config, false);
        const struct run_end *end = &replayed.run.facts.end;
        if (!end->stalled && !end->abort && end->steps > 1) {
            expect_figures(&replayed);
            compared++;
        }
        close_replay(&replayed);
        trace_destroy(trace);
    }
    cr_expect_gt(compared, 300);
}
