/* test_requirement.c - the grammar of --require. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "figure/requirement.h"

static const struct figure figures[] = {
    {.name = "p99_ttft_ms", .value = 450},
    {.name = "makespan_s", .value = 2},
    {.name = "preemptions", .value = 0, .whole = true},
    {.name = "e2e_mape", .value = 0.004},
    {.name = "request_throughput_per_s", .value = 8},
    {.name = "mean_tpot_ms", .undefined = true},
};

/* 1 met, 0 not met, -1 refused. */
static int judge(const char *text, struct diag *diag)
{
    struct requirement requirement;
    bool met;
    double actual;
    *diag = (struct diag){0};
    if (requirement_parse(text, &requirement, diag) != SIM_OK ||
        requirement_check(&requirement, figures, sizeof figures / sizeof *figures, &met, &actual, diag) != SIM_OK)
        return -1;
    return met;
}

Test(requirement, compares_in_the_figures_own_unit)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"p99_ttft_ms<500", 1},     {"p99_ttft_ms < 0.5 s", 1}, {"p99_ttft_ms<450", 0}, {"p99_ttft_ms<=450ms", 1},
        {"p99_ttft_ms>=0.451s", 0}, {"makespan_s>1999ms", 1},   {"makespan_s<2", 0},    {"preemptions=0", 1},
        {"preemptions>0", 0},       {"e2e_mape<0.5%", 1},       {"e2e_mape<0.4%", 0},   {"e2e_mape<0.5", 1},
        {"mean_tpot_ms<1e9", 0},
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
        {"request_throughput_per_s>5s", "unit"},
        {"preemptions<nan", "number"},
    };
    struct diag diag;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(judge(cases[i].text, &diag), -1, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].says), "%s: %s", cases[i].text, diag.text);
        cr_expect_eq(diag.status, SIM_USAGE);
    }
}
