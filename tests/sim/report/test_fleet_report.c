/* test_fleet_report.c - what a report says of a fleet: rows of replicas against the whole, small pictures on one scale, words where one failed. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/fleet_report.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 40, REPLICAS = 3 };

/* A run and its document. End it with close_report. */
struct report {
    struct config config;
    struct trace *trace;
    struct run run;
    struct document *document;
};

/* Requests come faster than three replicas of few blocks can take. */
static void make_report(struct report *report, bool fails)
{
    struct tiny_request requests[REQUESTS];
    struct diag diag = {0};
    for (uint32_t i = 0; i < REQUESTS; i++)
        requests[i] = (struct tiny_request){.arrival_ns = (int64_t)i * 400, .input = 9 + i % 7, .output = 5 + i % 3};
    memset(report, 0, sizeof *report);
    report->config = tiny_config_v1(4, 12);
    report->config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    report->config.fleet = (struct fleet_config){.replicas = REPLICAS, .data_parallel_size = 1, .router_view_ms = -1};
    tiny_name(report->config.fleet.router, "round-robin");
    if (fails)
        report->config.fleet.failures[report->config.fleet.failure_count++] =
            (struct replica_failure){.at_s = 5e-6, .replica = 1, .down_s = 2e-6};
    report->trace = tiny_trace(requests, REQUESTS);
    cr_assert_eq(run_open(&report->run, report->trace, &report->config, &diag), SIM_OK, "%s", diag.text);
    report->run.fleet->keeps_courses = true;
    cr_assert_eq(run_replay(&report->run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    report->document = document_create(&(struct document_origin){.command = "replay", .pictures = true});
    fleet_head(report->document, report->run.fleet);
    fleet_section(report->document, &report->run, NULL);
    fleet_pictures(report->document, &report->run);
    cr_assert_eq(document_status(report->document, &diag), SIM_OK);
}

static void close_report(struct report *report)
{
    document_destroy(report->document);
    run_close(&report->run);
    trace_destroy(report->trace);
}

static const struct document_element *element_of(const struct report *report, enum document_element_kind kind, const char *key)
{
    for (size_t i = 0; i < report->document->count; i++)
        if (report->document->elements[i].kind == kind && report->document->elements[i].key &&
            strcmp(report->document->elements[i].key, key) == 0)
            return &report->document->elements[i];
    return NULL;
}

static double sum(const struct table *table, const char *column)
{
    double all = 0;
    for (size_t row = 0; row < table_rows(table); row++)
        all += table_number_at(table, row, column);
    return all;
}

Test(fleet_report, rows_of_replicas_add_up_to_the_run)
{
    static struct report report;
    make_report(&report, false);
    const struct document_element *element = element_of(&report, DOCUMENT_TABLE, "replicas");
    cr_assert_not_null(element);
    const struct table *table = element->table;
    double ttft = 0, wait = 0;
    cr_assert_eq(table_rows(table), REPLICAS);
    cr_expect_eq(sum(table, "requests"), REQUESTS);
    cr_expect_eq(sum(table, "preemptions"), run_figure(&report.run, "preemptions"));
    cr_expect(run_figure(&report.run, "preemptions") > 0);
    cr_expect(fabs(sum(table, "token_share") - 1) < 1e-12);
    for (size_t row = 0; row < REPLICAS; row++) {
        ttft += table_number_at(table, row, "mean_ttft_ms") * table_number_at(table, row, "requests");
        wait += table_number_at(table, row, "mean_routing_wait_ms") * table_number_at(table, row, "requests");
        cr_expect_leq(table_number_at(table, row, "peak_waiting"), run_figure(&report.run, "peak_waiting"));
        cr_expect_str_eq(table_text_at(table, row, "role"), "both");
    }
    cr_expect(fabs(ttft / REQUESTS - run_figure(&report.run, "mean_ttft_ms")) < 1e-9);
    cr_expect(fabs(wait / REQUESTS - run_figure(&report.run, "mean_routing_wait_ms")) < 1e-9);
    cr_expect_null(element_of(&report, DOCUMENT_TABLE, "replica_kinds"));
    close_report(&report);
}

/* A picture a number and panel, all with the same ends of both axes. */
Test(fleet_report, small_pictures_have_one_scale)
{
    static const char *const panels[] = {"queues", "pool"};
    static struct report report;
    make_report(&report, false);
    for (size_t panel = 0; panel < 2; panel++) {
        const struct chart *first = NULL;
        for (int number = 0; number < REPLICAS; number++) {
            char key[64];
            snprintf(key, sizeof key, "replica_%d_%s", number, panels[panel]);
            const struct document_element *element = element_of(&report, DOCUMENT_CHART, key);
            cr_assert_not_null(element, "%s", key);
            const struct chart *chart = element->chart;
            first = first ? first : chart;
            cr_expect_str_eq(chart->heading.panel, first->heading.panel);
            cr_expect_eq(chart->heading.x.high, (double)report.run.facts.end.end_ns / 1e9);
            cr_expect_eq(chart->heading.y.high, first->heading.y.high);
            for (size_t i = 0; i < chart->count; i++)
                for (size_t k = 0; k < chart->series[i].count; k++)
                    cr_expect(chart->series[i].points[k].y <= chart->heading.y.high);
        }
    }
    close_report(&report);
}

/* The replica that failed and the one that took its place are two rows and one picture. */
Test(fleet_report, a_failure_is_told_in_words)
{
    static struct report report;
    bool failed = false, ready = false;
    make_report(&report, true);
    const struct table *table = element_of(&report, DOCUMENT_TABLE, "replicas")->table;
    cr_assert_eq(table_rows(table), REPLICAS + 1);
    cr_expect_str_eq(table_text_at(table, 1, "ended"), "failed");
    cr_expect(fabs(table_number_at(table, 1, "to_s") - 5e-6) < 1e-12);
    cr_expect_eq(table_number_at(table, REPLICAS, "replica"), 1);
    cr_expect(fabs(table_number_at(table, REPLICAS, "ready_s") - 7e-6) < 1e-12);
    const struct chart *chart = element_of(&report, DOCUMENT_CHART, "replica_1_queues")->chart;
    for (size_t i = 0; i < chart->count; i++)
        for (size_t k = 0; chart->series[i].draw == DRAW_WORDS && k < chart->series[i].count; k++) {
            failed = failed || (strcmp(chart->series[i].labels[k], "failed") == 0 && fabs(chart->series[i].points[k].x - 5e-6) < 1e-12);
            ready = ready || (strcmp(chart->series[i].labels[k], "ready") == 0 && fabs(chart->series[i].points[k].x - 7e-6) < 1e-12);
        }
    cr_expect(failed);
    cr_expect(ready);
    close_report(&report);
}
