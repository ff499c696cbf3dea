/* test_parallel_runs.c - the failure that is told is that of the first run in order, however many threads there are. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "study/parallel_runs.h"
#include "team.h"

enum { RUNS = 40 };

struct runs {
    bool done[RUNS];
    size_t fails[2]; /* RUNS: none */
};

static enum status run(void *context, size_t i, struct diag *diag)
{
    struct runs *runs = context;
    runs->done[i] = true;
    return i == runs->fails[0] || i == runs->fails[1] ? diag_set(diag, SIM_BAD_INPUT, "run %zu failed", i) : SIM_OK;
}

Test(parallel_runs, tell_the_first_failure_and_do_all_before_it)
{
    for (uint32_t threads = 0; threads <= 4; threads++) {
        struct runs runs = {.fails = {31, 17}};
        struct diag diag = {0};
        cr_assert_eq(parallel_runs(RUNS, threads, run, &runs, &diag), SIM_BAD_INPUT);
        cr_expect_str_eq(diag.text, "run 17 failed");
        for (size_t i = 0; i <= 17; i++)
            cr_expect(runs.done[i], "run %zu with %u threads", i, threads);
        cr_expect(threads != 1 || !runs.done[18], "after a failure nothing needs to start");
    }
}

Test(parallel_runs, do_every_run_when_none_fails)
{
    struct runs runs = {.fails = {RUNS, RUNS}};
    struct diag diag = {0};
    cr_assert_eq(parallel_runs(RUNS, 0, run, &runs, &diag), SIM_OK);
    cr_assert_eq(parallel_runs(0, 0, run, &runs, &diag), SIM_OK);
    for (size_t i = 0; i < RUNS; i++)
        cr_expect(runs.done[i]);
}

/* What a run does itself in parallel, such as the servers of a fleet. */
static enum status note_team(void *context, size_t i, struct diag *diag)
{
    (void)diag;
    ((uint32_t *)context)[i] = kv_team(3);
    return SIM_OK;
}

Test(parallel_runs, leave_one_thread_to_each_run)
{
    uint32_t teams[RUNS];
    struct diag diag = {0};
    const uint32_t alone = kv_team(3);
    cr_assert_eq(parallel_runs(RUNS, 2, note_team, teams, &diag), SIM_OK);
    for (size_t i = 0; i < RUNS; i++)
        cr_expect_eq(teams[i], 1);
    cr_assert_eq(parallel_runs(1, 2, note_team, teams, &diag), SIM_OK);
    cr_expect_eq(teams[0], alone, "where there is one run alone, it has them");
}
