/* test_sweep_groups.c - what is wanted of a sweep, and what its runs make of it: groups over seeds, means and peaks, the front. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "study/sweep_groups.h"

static const unsigned scopes = FIGURE_SCOPE(FIGURE_ALWAYS);

/* "name:max,name:min", or the error. */
static const char *objectives_of(const char *text)
{
    static char out[1100];
    struct sweep_view view = {0};
    struct figure_wishes wishes = {.count = 0};
    struct diag diag = {0};
    size_t used = 0;
    if (sweep_view_objectives(&view, text, scopes, &wishes, &diag) != SIM_OK)
        snprintf(out, sizeof out, "%s", diag.text);
    for (size_t i = 0; i < view.objective_count && diag.status == SIM_OK; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s:%s", i ? "," : "", view.objectives[i].name,
                                 view.objectives[i].maximise ? "max" : "min");
    return out;
}

Test(sweep_groups, an_objective_takes_its_sense_from_the_table)
{
    cr_expect_str_eq(objectives_of(NULL), "request_throughput:max,p99_ttft_ms:min,pool_bytes:min");
    cr_expect_str_eq(objectives_of("prefix_hit_rate,preemptions,p99.9_queue_ms"), "prefix_hit_rate:max,preemptions:min,p99.9_queue_ms:min");
    cr_expect_str_eq(objectives_of("prefix_hit_rate:min,steps:max"), "prefix_hit_rate:min,steps:max");
    cr_expect(strstr(objectives_of("steps"), "neither better nor worse"));
    cr_expect(strstr(objectives_of("steps:max,steps:min"), "given twice"));
    cr_expect(strstr(objectives_of("p99_tfft_ms"), "did you mean \"p99_ttft_ms\"?"));
    cr_expect(strstr(objectives_of("forks"), "such a run has no figure"));
    cr_expect(strstr(objectives_of("steps:max,,"), "is not a figure's name"));
}

Test(sweep_groups, figures_of_objectives_and_requirements_are_shown)
{
    struct sweep_view view = {0};
    struct figure_wishes wishes = {.count = 0};
    struct requirement requirement;
    struct diag diag = {0};
    cr_assert_eq(requirement_read("mean_itl_ms<1", scopes, &requirement, &diag), SIM_OK);
    view.requirements = &requirement;
    view.requirement_count = 1;
    cr_assert_eq(sweep_view_objectives(&view, "steps:min,p99.9_queue_ms", scopes, &wishes, &diag), SIM_OK);
    cr_assert_eq(sweep_view_figures(&view, "steps,p1_ttft_ms", scopes, &wishes, &diag), SIM_OK);
    cr_assert_eq(view.figure_count, 5);
    cr_expect_str_eq(view.figures[2], "mean_itl_ms");
    cr_expect_str_eq(view.figures[3], "p99.9_queue_ms");
    cr_expect_str_eq(view.figures[4], "unserved");
    cr_expect_eq(wishes.count, 2, "what every run has is no wish");
    cr_expect_eq(sweep_view_figures(&view, "gather_gb_per_s", scopes, &wishes, &diag), SIM_USAGE, "no bytes are moved");
}

/* Four runs: block sizes 8 and 16, two seeds each. */
struct made_up {
    struct sweep_plan plan;
    struct sweep sweep;
    struct sweep_view view;
    struct sweep_groups groups;
};

static void make_up(struct made_up *made, const double (*values)[3], const struct requirement *requirement)
{
    static const char *const vary[] = {"block_size=8,16"};
    static const struct config_option base[] = {{"num-gpu-blocks", "100"}};
    const struct sweep_request request = {.vary = vary, .vary_count = 1, .replicates = 2};
    struct diag diag = {0};
    size_t resumed;
    *made = (struct made_up){.plan = {.base = base, .base_count = 1}};
    cr_assert_eq(sweep_plan_make(&made->plan, &request, &diag), SIM_OK);
    made->sweep = (struct sweep){.plan = &made->plan, .scopes = scopes};
    cr_assert_eq(sweep_start(&made->sweep, NULL, &resumed, &diag), SIM_OK);
    for (size_t run = 0; run < 4; run++) {
        struct figure_set figures = {.count = 0};
        figure_set_put(&figures, "completed", values[run][0]);
        figure_set_put(&figures, "unserved", 5 - values[run][0]);
        figure_set_put(&figures, "mean_ttft_ms", values[run][1]);
        figure_set_put(&figures, "peak_running", values[run][2]);
        struct figure_set all = {.count = 0};
        for (size_t i = 0; i < made->sweep.result.figure_count; i++)
            figure_set_add(&all, &made->sweep.result.figures[i], figure_set_value(&figures, made->sweep.result.figures[i].name));
        cr_assert_eq(sweep_result_set(&made->sweep.result, run, SWEEP_DONE, &all, NULL, &diag), SIM_OK);
    }
    made->view.requirements = requirement;
    made->view.requirement_count = requirement != NULL;
    cr_assert_eq(sweep_view_objectives(&made->view, "mean_ttft_ms", scopes, &made->sweep.wishes, &diag), SIM_OK);
    cr_assert_eq(sweep_groups_make(&made->groups, &made->sweep, &made->view, &diag), SIM_OK);
}

static struct statistics figure_of(const struct made_up *made, size_t group, const char *name)
{
    return sweep_group_figure(&made->groups, &made->groups.list[group], sweep_result_find(&made->sweep.result, name));
}

static void end(struct made_up *made)
{
    sweep_groups_deinit(&made->groups);
    sweep_close(&made->sweep);
    sweep_plan_deinit(&made->plan);
}

Test(sweep_groups, seeds_make_means_and_of_peaks_the_largest)
{
    static const double values[4][3] = {{5, 10, 3}, {5, 20, 7}, {5, 14, 4}, {5, NAN, 4}};
    struct made_up made;
    make_up(&made, values, NULL);
    cr_assert_eq(made.groups.count, 2);
    cr_expect(made.groups.replicated && !made.groups.seeds_made_no_difference);
    cr_expect_eq(figure_of(&made, 0, "mean_ttft_ms").mean, 15);
    cr_expect(figure_of(&made, 0, "mean_ttft_ms").std > 7);
    cr_expect_eq(figure_of(&made, 0, "peak_running").mean, 7);
    cr_expect_eq(figure_of(&made, 0, "peak_running").std, 0);
    cr_expect(figure_of(&made, 1, "mean_ttft_ms").n == 1 && figure_of(&made, 1, "mean_ttft_ms").mean == 14, "undefined ones are left out");
    cr_expect_eq(figure_of(&made, 1, "mean_tpot_ms").n, 0);
    cr_expect(!made.groups.list[0].on_front && made.groups.list[1].on_front);
    end(&made);
}

Test(sweep_groups, fewer_completed_requests_do_not_compete)
{
    static const double values[4][3] = {{5, 10, 3}, {5, 10, 3}, {4, 1, 3}, {4, 1, 3}};
    struct made_up made;
    struct diag diag = {0};
    make_up(&made, values, NULL);
    cr_expect(made.groups.list[0].on_front && !made.groups.list[1].on_front);
    cr_expect(made.groups.list[0].meets && made.groups.list[1].meets, "nothing is required");
    end(&made);
    cr_expect_eq(diag.status, SIM_OK);
}

Test(sweep_groups, the_front_is_over_groups_that_meet_all)
{
    static const double values[4][3] = {{5, 10, 3}, {5, 10, 3}, {4, 1, 3}, {4, 1, 3}};
    struct made_up made;
    struct requirement requirement;
    struct diag diag = {0};
    cr_assert_eq(requirement_read("mean_ttft_ms<5", scopes, &requirement, &diag), SIM_OK);
    requirement.of_latency = false; /* else the second group fails, as it serves one request less */
    make_up(&made, values, &requirement);
    cr_expect(!made.groups.list[0].on_front && made.groups.list[1].on_front);
    cr_expect(!made.groups.list[0].meets && made.groups.list[1].meets);
    cr_expect(!made.groups.some_lack_requests);
    cr_expect(made.groups.seeds_made_no_difference);
    cr_expect_eq(sweep_groups_judge(&made.groups, &diag), SIM_OK);
    end(&made);
}

Test(sweep_groups, a_latency_of_some_requests_meets_nothing)
{
    static const double values[4][3] = {{5, 10, 3}, {5, 10, 3}, {4, 1, 3}, {5, 1, 3}};
    struct made_up made;
    struct requirement requirement;
    struct diag diag = {0};
    cr_assert_eq(requirement_read("mean_ttft_ms<5", scopes, &requirement, &diag), SIM_OK);
    make_up(&made, values, &requirement);
    cr_expect(!made.groups.list[1].meets && made.groups.list[1].lacks_requests, "one of its seeds left a request out");
    cr_expect(!made.groups.list[0].lacks_requests);
    cr_expect(!made.groups.list[0].on_front && !made.groups.list[1].on_front, "nobody is on the front if nobody meets");
    cr_expect_eq(sweep_groups_judge(&made.groups, &diag), SIM_REQUIREMENT);
    cr_expect(strstr(diag.text, "--allow-dropped"), "%s", diag.text);
    end(&made);
}
