/* test_routing_wait.c - what routing cost whom, by hand; test_fleet_run.c has it for any fleet. */
#include <criterion/criterion.h>
#include <math.h>

#include "fleet/routing_wait.h"
#include "run/run.h"
#include "support/tiny_trace.h"

/* One sequence at a time, steps of 1000 ns. Requests go to two replicas in turn: 0 and 2 to the first, 1 and 3 to the second. */
static void replay_two(struct run *run, struct trace *trace, struct config *config)
{
    struct diag diag = {0};
    *config = tiny_config_v1(4, 100);
    config->step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    config->max_num_seqs = 1;
    config->fleet = (struct fleet_config){.replicas = 2, .data_parallel_size = 1, .router_view_ms = -1};
    tiny_name(config->fleet.router, "round-robin");
    cr_assert_eq(run_open(run, trace, config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_replay(run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
}

/* Both replicas work up to the same time. Request 2 waits from 100 on. Nobody waits at the second replica until request 3 comes there at 3000;
 * from then on both have somebody waiting, and no other choice would have helped. */
Test(routing_wait, waiting_counts_while_another_replica_has_nobody_waiting)
{
    static struct run run;
    static struct config config;
    const struct tiny_request requests[] = {{.input = 4, .output = 10},
                                            {.input = 4, .output = 10},
                                            {.arrival_ns = 100, .input = 4, .output = 1},
                                            {.arrival_ns = 3000, .input = 4, .output = 1}};
    struct trace *trace = tiny_trace(requests, 4);
    replay_two(&run, trace, &config);
    const struct fleet *fleet = run.fleet;
    cr_expect_eq(fleet->routing_wait_ns[0], 0);
    cr_expect_eq(fleet->routing_wait_ns[1], 0);
    cr_expect_eq(fleet->routing_wait_ns[2], 2900);
    cr_expect_eq(fleet->routing_wait_ns[3], 0);
    cr_expect_eq(fleet->parts[0].routing_wait_ns, 2900);
    cr_expect_eq(fleet->parts[1].routing_wait_ns, 0);
    cr_expect(fabs(run_figure(&run, "mean_routing_wait_ms") - 2900 / 4e6) < 1e-12);
    cr_expect_eq(fleet->answered_by[2], 0);
    cr_expect_eq(fleet->answered_by[3], 1);
    cr_expect_null(fleet->prefilled_by);
    run_close(&run);
    trace_destroy(trace);
}

/* The second replica is free all the time: all of request 2's wait is what the router did to it. A request that can never run waits for nothing. */
Test(routing_wait, who_is_dropped_does_not_wait)
{
    static struct run run;
    static struct config config;
    const struct tiny_request requests[] = {
        {.input = 4, .output = 10}, {.input = 4000, .output = 10}, {.arrival_ns = 100, .input = 4, .output = 1}};
    struct trace *trace = tiny_trace(requests, 3);
    replay_two(&run, trace, &config);
    const struct request_story story = metrics_story(&run.metrics, 2);
    cr_expect_eq(run.fleet->routing_wait_ns[1], -1);
    cr_expect_eq(run.fleet->routing_wait_ns[2], story.first_scheduled_ns - 100);
    cr_expect(story.first_scheduled_ns > 9000);
    cr_expect_eq(run.fleet->sums.waits, 2);
    run_close(&run);
    trace_destroy(trace);
}
