/* test_run.c - what is left after a run: nothing. */
#include <criterion/criterion.h>

#include "run/run.h"
#include "support/tiny_trace.h"

/* Also one that could not be opened is closed, and whoever closes again does no harm. */
Test(run, may_be_closed_whatever_became_of_it)
{
    static const struct tiny_request requests[] = {{0, 16, 4, .samples = 2}};
    struct trace *trace = tiny_trace(requests, 1);
    static struct run run;
    struct diag diag = {0};
    for (int works = 0; works < 2; works++) {
        struct config config = tiny_config_v1(16, 20);
        if (!works)
            config.step_time.model = STEP_TIME_RECORDED; /* of no file */
        cr_expect_eq(run_open(&run, trace, &config, &diag), works ? SIM_OK : SIM_BAD_INPUT);
        if (works)
            cr_expect_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
        run_close(&run);
        cr_expect(!run.trace && !run.model && !run.fitted);
        run_close(&run);
        diag = (struct diag){0};
    }
    trace_destroy(trace);
}
