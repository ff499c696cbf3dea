/* test_pauses_seen.c - pauses of a stream are found with about the numbers that made them, and nothing else is taken for one. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "observe/token_times.h"
#include "replay/replay.h"
#include "study/pauses_seen.h"
#include "support/random.h"
#include "support/tiny_trace.h"

static struct pauses_seen seen_in(const double *gaps_ms, size_t count)
{
    struct pauses_seen seen = {0};
    struct diag diag = {0};
    cr_assert_eq(pauses_seen_add(&seen, gaps_ms, count, &diag), SIM_OK);
    return seen;
}

Test(pauses_seen, a_long_gap_counts_if_short_ones_make_up_for_it)
{
    const double paid[] = {5, 5, 5, 5, 5, 5, 5, 5, 15, 0, 0, 5, 5, 5}, unpaid[] = {5, 5, 5, 5, 5, 5, 5, 5, 15, 5, 5, 5, 5, 5},
                 cut[] = {5, 5, 5, 5, 5, 5, 5, 5, 15}, early[] = {5, 5, 15, 0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5};
    struct pauses_seen seen = seen_in(paid, 14);
    cr_expect(seen.count == 1 && seen.unpaid == 0 && seen.gaps == 5);
    cr_expect_float_eq(seen.delays_ms[0], 10, 1e-9);
    pauses_seen_deinit(&seen);
    seen = seen_in(unpaid, 14);
    cr_expect(seen.count == 0 && seen.unpaid == 1);
    pauses_seen_deinit(&seen);
    seen = seen_in(cut, 9);
    cr_expect(seen.count == 0 && seen.unpaid == 0, "what comes after the request's end is not known");
    pauses_seen_deinit(&seen);
    seen = seen_in(early, 14);
    cr_expect(seen.count == 0 && seen.unpaid == 0, "nor is what is usual, before eight gaps");
    pauses_seen_deinit(&seen);
}

enum { REQUESTS = 400 };

static enum status add_steps(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct step_tokens *tokens = self;
    (void)diag;
    for (size_t i = 0; i < count; i++)
        for (int power = 0; power < 3; power++)
            tokens->sums[power] += pow(runs[i].first.sampled_tokens, power + 1) * runs[i].steps;
    return SIM_OK;
}

/* What is found in the gaps that clients of this server would have measured. Prompts join decodes all the time, so many steps are long. */
static struct pauses_found found_with(int64_t pause_ns, uint64_t every_pairs)
{
    static struct tiny_request requests[REQUESTS];
    static double gaps_ms[1000];
    uint64_t random = 11;
    for (uint32_t i = 0; i < REQUESTS; i++)
        requests[i] = (struct tiny_request){
            .arrival_ns = INT64_C(70000000) * i, .input = 20 + random_below(&random, 1500), .output = 20 + random_below(&random, 300)};
    struct trace *trace = tiny_trace(requests, REQUESTS);
    struct config config = tiny_config_v1(16, 6000);
    struct diag diag = {0};
    struct step_time_model *model;
    struct token_times times;
    struct step_tokens tokens = {{0}};
    struct pauses_seen seen = {0};
    struct replay_facts facts;
    const struct replay_options how = {0};
    config.max_num_batched_tokens = 512;
    config.step_time.pause_ns = pause_ns;
    config.step_time.pause_every_pairs = every_pairs;
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(token_times_init(&times, trace, &diag), SIM_OK);
    stream_pauses_init(&times.pauses, &model->config);
    const struct observer observers[] = {token_times_observer(&times), {.self = &tokens, .runs = add_steps}};
    cr_assert_eq(replay_run(trace, &config, model, observers, 2, &how, &facts, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t position = 0; position < REQUESTS; position++) {
        struct token_walk walk = token_walk_begin(&times, position);
        size_t count = 0;
        for (int64_t itl_ns; token_walk_next(&walk, &itl_ns);)
            gaps_ms[count++] = (double)itl_ns / 1e6;
        cr_assert_eq(pauses_seen_add(&seen, gaps_ms, count, &diag), SIM_OK);
    }
    pauses_seen_sort(&seen);
    const struct pauses_found found = pauses_seen_judge(&seen, &tokens);
    cr_log_info("%zu paid back, %llu not, of %llu; %g ms, %g pairs, %g pauses\n", seen.count, (unsigned long long)seen.unpaid,
                (unsigned long long)seen.gaps, found.pause_ms, found.every_pairs, found.pauses);
    pauses_seen_deinit(&seen);
    token_times_deinit(&times);
    step_time_destroy(model);
    trace_destroy(trace);
    return found;
}

Test(pauses_seen, what_made_them_is_found_again)
{
    const struct pauses_found found = found_with(100000000, 100000);
    cr_assert(found.found);
    cr_expect_lt(fabs(found.pause_ms / 100 - 1), 0.1, "%g ms", found.pause_ms);
    cr_expect_lt(fabs(found.every_pairs / 100000 - 1), 0.25, "%g pairs", found.every_pairs);
    cr_expect(found.pause_error > 0 && found.pause_error < 0.2 && found.every_error > 0 && found.every_error < 0.5);
}

Test(pauses_seen, long_steps_are_not_taken_for_pauses)
{
    const struct pauses_found found = found_with(0, 0);
    cr_expect(!found.found && found.pause_ms <= 0 && found.every_pairs <= 0);
}

Test(pauses_seen, a_few_are_not_enough)
{
    cr_expect(!found_with(100000000, 10000000).found);
}
