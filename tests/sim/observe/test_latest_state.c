/* test_latest_state.c - the latest of each batch, and how many ran in each piece of time, against the runs themselves. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "observe/latest_state.h"
#include "support/random.h"

static struct step_run run_of(int64_t from_ns, int64_t to_ns, uint32_t running)
{
    struct step_run run = {.steps = 1, .state_ns = to_ns - from_ns, .peak_used_blocks = 2 * running};
    run.first = (struct step_tally){.decided_ns = from_ns, .running = running, .waiting = running + 1, .used_blocks = running + 2};
    return run;
}

static void tell(struct observer *observer, const struct step_run *runs, size_t count)
{
    struct diag diag = {0};
    cr_assert_eq(observer->runs(observer->self, runs, count, &diag), SIM_OK);
}

Test(latest_state, is_that_of_the_last_run)
{
    struct latest_state state;
    struct observer observer = latest_state_observer(&state);
    const struct step_run runs[] = {run_of(0, 10, 9), run_of(10, 25, 4)};
    struct diag diag = {0};
    tell(&observer, runs, 2);
    cr_expect_eq(state.time_ns, 25);
    cr_expect_eq(state.running, 4);
    cr_expect_eq(state.waiting, 5);
    cr_expect_eq(state.used_blocks, 6);
    cr_expect_eq(state.peak_used_blocks, 18);
    cr_assert_eq(observer.finish(observer.self, &(struct run_end){.steps = 2, .end_ns = 30, .unfinished = 1}, &diag), SIM_OK);
    cr_expect_eq(state.running, 4, "whoever is left still runs");
    cr_assert_eq(observer.finish(observer.self, &(struct run_end){.steps = 2, .end_ns = 30}, &diag), SIM_OK);
    cr_expect_eq(state.running + state.waiting + state.used_blocks, 0);
    cr_expect_eq(state.time_ns, 30);
    cr_expect_eq(state.peak_used_blocks, 18);
}

/* Runs follow each other, with pauses. A piece has the highest number of all runs that reach into it. */
Test(latest_state, pieces_hold_the_most_of_their_time)
{
    enum { CASES = 200, RUNS_MOST = 400 };
    uint64_t random = 20;
    for (int i = 0; i < CASES; i++) {
        struct step_run runs[RUNS_MOST];
        struct latest_state state;
        struct observer observer = latest_state_observer(&state);
        const size_t count = 1 + random_below(&random, RUNS_MOST);
        const uint64_t longest = UINT64_C(1) << random_below(&random, 36);
        int64_t now_ns = 0;
        for (size_t k = 0; k < count; k++) {
            const int64_t from_ns = now_ns + (int64_t)(random_below(&random, 5) ? 0 : random_next(&random) % longest);
            now_ns = from_ns + 1 + (int64_t)(random_next(&random) % longest);
            runs[k] = run_of(from_ns, now_ns, (uint32_t)random_below(&random, 100));
            tell(&observer, &runs[k], 1);
        }
        cr_expect_leq(now_ns, (int64_t)(state.newest + 1) * state.piece_ns);
        for (size_t piece = 0; piece <= state.newest; piece++) {
            const int64_t begins_ns = (int64_t)piece * state.piece_ns, ends_ns = begins_ns + state.piece_ns;
            double most = 0;
            for (size_t k = 0; k < count; k++)
                if (runs[k].first.decided_ns < ends_ns && runs[k].first.decided_ns + runs[k].state_ns > begins_ns &&
                    runs[k].first.running > most)
                    most = runs[k].first.running;
            cr_assert_eq(state.pieces[piece], most, "case %d, piece %zu of %zu: %g, not %g", i, piece, state.newest, state.pieces[piece],
                         most);
        }
    }
}
