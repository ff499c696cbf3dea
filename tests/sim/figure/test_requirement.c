/* test_requirement.c - the grammar of --require. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "figure/requirement.h"

static const struct {
    const char *name;
    double value;
} figures[] = {
    {"p99_ttft_ms", 450},      {"makespan_s", 2},     {"preemptions", 0},     {"e2el_mape", 0.004},
    {"request_throughput", 8}, {"mean_tpot_ms", NAN}, {"p99.9_queue_ms", 12},
};

/* 1 met, 0 not met, -1 refused. `unserved`: requests of the run that nobody served. */
static int judge_with(const char *text, double unserved, struct diag *diag)
{
    const unsigned scopes = FIGURE_SCOPE(FIGURE_ALWAYS) | FIGURE_SCOPE(FIGURE_OF_VALIDATION);
    struct requirement requirement;
    struct figure_set set = {.count = 0};
    *diag = (struct diag){0};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        figure_set_put(&set, figures[i].name, figures[i].value);
    cr_assert_eq(set.count, sizeof figures / sizeof *figures);
    if (requirement_read(text, scopes, &requirement, diag) != SIM_OK)
        return -1;
    return requirement_met(&requirement, figure_set_value(&set, requirement.name), unserved);
}

static int judge(const char *text, struct diag *diag)
{
    return judge_with(text, 0, diag);
}

Test(requirement, on_a_latency_wants_all_requests_served)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"p99_ttft_ms<500", 0}, {"p99_ttft_ms>1", 0},        {"p99.9_queue_ms<0.02s", 0}, {"e2el_mape<0.5%", 0},
        {"preemptions=0", 1},   {"request_throughput>7", 1}, {"makespan_s<3", 1},
    };
    struct requirement requirement;
    struct diag diag = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(judge_with(cases[i].text, 1, &diag), cases[i].want, "%s", cases[i].text);
    cr_assert_eq(requirement_read("p99_ttft_ms<500", FIGURE_SCOPE(FIGURE_ALWAYS), &requirement, &diag), SIM_OK);
    requirement.of_latency = false; /* --allow-dropped */
    cr_expect(requirement_met(&requirement, 450, 1));
    cr_expect(!requirement_met(&requirement, 550, 0));
}

Test(requirement, compares_in_the_figures_own_unit)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"p99_ttft_ms<500", 1},     {"p99_ttft_ms < 0.5 s", 1},  {"p99_ttft_ms<450", 0},   {"p99_ttft_ms<=450ms", 1},
        {"p99_ttft_ms>=0.451s", 0}, {"makespan_s>1999ms", 1},    {"makespan_s<2", 0},      {"preemptions=0", 1},
        {"preemptions>0", 0},       {"e2el_mape<0.5%", 1},       {"e2el_mape<0.4%", 0},    {"e2el_mape<0.5", 1},
        {"mean_tpot_ms<1e9", 0},    {"p99.9_queue_ms<0.02s", 1}, {"p99.9_queue_ms<12", 0},
    };
    struct diag diag;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(judge(cases[i].text, &diag), cases[i].want, "%s: %s", cases[i].text, diag.text);
}

Test(requirement, refuses_what_it_does_not_understand)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "name"},
        {"<5", "name"},
        {"preemptions", "<="},
        {"preemptions==", "number"},
        {"preemptions<", "number"},
        {"p99_ttft_ms<5 min", "unit"},
        {"p99_tfft_ms<5", "p99_ttft_ms"},
        {"p99_ttft_ms<5%", "unit"},
        {"request_throughput>5s", "unit"},
        {"preemptions<nan", "number"},
        {"forks=0", "no figure"},
        {"p101_ttft_ms<5", "no figure"},
        {"p99_nothing_ms<5", "no figure"},
    };
    struct diag diag;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(judge(cases[i].text, &diag), -1, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].says), "%s: %s", cases[i].text, diag.text);
        cr_expect_eq(diag.status, SIM_USAGE);
    }
}
