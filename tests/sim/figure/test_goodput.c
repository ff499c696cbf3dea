/* test_goodput.c - limits and choices as vLLM's options write them; good requests against a count by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "figure/goodput.h"
#include "figure/latency_choice.h"
#include "support/tiny_trace.h"

Test(goodput, limits_are_read_or_refused_with_a_reason)
{
    static const struct {
        const char *text;
        double limits[3];    /* ttft, tpot, e2el; -1: none */
        const char *refused; /* NULL, or a part of the message */
    } cases[] = {
        {"ttft:500", {500, -1, -1}, NULL},
        {"ttft:500 tpot:50.5  e2el:0", {500, 50.5, 0}, NULL},
        {" tpot:1 tpot:2 ", {-1, 2, -1}, NULL},
        {"", {-1, -1, -1}, "needs limits"},
        {"ttft", {-1, -1, -1}, "ttft:MS"},
        {"itl:5", {-1, -1, -1}, "must be ttft:MS, tpot:MS or e2el:MS"},
        {"ttft:", {-1, -1, -1}, "should follow the colon"},
        {"ttft:5x", {-1, -1, -1}, "should follow the colon"},
        {"ttft:-1", {-1, -1, -1}, "should follow the colon"},
        {"ttft:inf", {-1, -1, -1}, "should follow the colon"},
        {"ttft: 5", {-1, -1, -1}, "should follow the colon"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct goodput goodput;
        struct diag diag = {0};
        goodput_init(&goodput);
        enum status status = goodput_parse(&goodput, cases[i].text, &diag);
        cr_expect_eq(status, cases[i].refused ? SIM_USAGE : SIM_OK, "\"%s\": %s", cases[i].text, diag.text);
        if (cases[i].refused)
            cr_expect(strstr(diag.text, cases[i].refused), "\"%s\": %s", cases[i].text, diag.text);
        for (int latency = 0; latency < LATENCIES; latency++) {
            const double want = latency == LATENCY_TTFT   ? cases[i].limits[0]
                                : latency == LATENCY_TPOT ? cases[i].limits[1]
                                : latency == LATENCY_E2EL ? cases[i].limits[2]
                                                          : -1;
            cr_expect_eq(goodput.limit_ms[latency], want, "\"%s\"", cases[i].text);
        }
    }
}

Test(goodput, counts_completed_requests_within_every_limit)
{
    const struct tiny_request requests[] = {{0, 5, 11}, {0, 5, 11}, {0, 5, 1}, {0, 5, 11}, {0, 5, 11}};
    struct trace *trace = tiny_trace(requests, 5);
    struct metrics metrics;
    struct diag diag = {0};
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    const int64_t ms = 1000000;
    const int64_t first[] = {100, 101, 100, 50, 10}, finish[] = {200, 190, 100, 250, -1};
    for (int i = 0; i < 5; i++) {
        metrics.stories.times[i].first_token_ns = first[i] * ms;
        metrics.stories.times[i].finish_ns = finish[i] < 0 ? -1 : finish[i] * ms;
    }
    static const struct {
        const char *limits;
        uint64_t good;
    } cases[] = {{"ttft:100", 3},         {"ttft:99.9", 1},         {"tpot:10", 3},   {"tpot:0", 1},
                 {"e2el:200", 3},         {"ttft:100 tpot:10", 2},  {"e2el:1000", 4}, {"ttft:100 e2el:100", 1},
                 {"ttft:0 tpot:1000", 0}, {"e2el:250 tpot:9.9", 2}, {"tpot:20", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct goodput goodput;
        goodput_init(&goodput);
        cr_assert_eq(goodput_parse(&goodput, cases[i].limits, &diag), SIM_OK);
        cr_expect_eq(goodput_count(&goodput, &metrics), cases[i].good, "%s: %llu", cases[i].limits,
                     (unsigned long long)goodput_count(&goodput, &metrics));
    }
    metrics_deinit(&metrics);
    trace_destroy(trace);
}

Test(latency_choice, lists_are_read_or_refused_with_a_reason)
{
    struct latency_choice choice;
    struct diag diag = {0};
    char name[FIGURE_NAME_SIZE];
    latency_choice_init(&choice);
    cr_expect_eq(latency_choice_metrics(&choice, "itl,ttft", &diag), SIM_OK);
    cr_expect(choice.wanted[LATENCY_ITL] && choice.wanted[LATENCY_TTFT] && !choice.wanted[LATENCY_TPOT] && !choice.wanted[LATENCY_E2EL]);
    cr_expect_eq(latency_choice_percentiles(&choice, "50,99.9,0", &diag), SIM_OK);
    cr_expect_eq(choice.percentile_count, 3);
    cr_expect_str_eq(latency_percentile_name(choice.percentiles[0], LATENCY_ITL, name), "p50_itl_ms");
    cr_expect_str_eq(latency_percentile_name(choice.percentiles[1], LATENCY_TTFT, name), "p99.9_ttft_ms");
    static const char *const bad_metrics[] = {"", "ttft,", "e2e", "ttft tpot", ",itl"};
    static const char *const bad_percentiles[] = {"", "50,", "101", "-1", "p50", "nan", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    for (size_t i = 0; i < sizeof bad_metrics / sizeof *bad_metrics; i++, diag_clear(&diag))
        cr_expect_eq(latency_choice_metrics(&choice, bad_metrics[i], &diag), SIM_USAGE, "\"%s\"", bad_metrics[i]);
    for (size_t i = 0; i < sizeof bad_percentiles / sizeof *bad_percentiles; i++, diag_clear(&diag))
        cr_expect_eq(latency_choice_percentiles(&choice, bad_percentiles[i], &diag), SIM_USAGE, "\"%s\"", bad_percentiles[i]);
}
