/* test_replay_pictures.c - charts of a replay's page: phases of requests by hand, and the map of the pool against the run's own figures. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "observe/replay_course.h"
#include "report/renderer.h"
#include "report/replay_report.h"
#include "support/tiny_trace.h"

/* In 8 usable blocks of 4, with steps of 1000 ns (test_replay_course.c): request 1 loses its blocks at 2000, gets them back when request 0 ends
 * at 17000, has computed them again at 18000 and ends at 23000. Request 2 comes at 30000. */
static const struct tiny_request requests[] = {
    {.input = 15, .output = 17}, {.input = 15, .output = 8}, {.arrival_ns = 30000, .input = 4, .output = 3}};

/* A replay and its charts. End it with close_page. */
struct page {
    struct config config;
    struct trace *trace;
    struct run run;
    struct replay_course course;
    struct document *document;
};

static void make_page(struct page *page)
{
    struct diag diag = {0};
    const struct document_origin origin = {.command = "replay"};
    page->config = tiny_config_v1(4, 9);
    page->config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    page->trace = tiny_trace(requests, 3);
    cr_assert_eq(run_open(&page->run, page->trace, &page->config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(replay_course_init(&page->course, page->run.trace, &page->config, &diag), SIM_OK);
    const struct observer observer = replay_course_observer(&page->course);
    cr_assert_eq(run_replay(&page->run, &observer, 1, NULL, &diag), SIM_OK, "%s", diag.text);
    const struct replay_result result = {.run = &page->run, .course = &page->course};
    page->document = document_create(&origin);
    replay_pictures(page->document, &result);
    cr_assert_eq(document_status(page->document, &diag), SIM_OK);
}

static void close_page(struct page *page)
{
    document_destroy(page->document);
    replay_course_deinit(&page->course);
    run_close(&page->run);
    trace_destroy(page->trace);
}

static const struct chart *chart_of(const struct page *page, const char *key)
{
    for (size_t i = 0; i < page->document->count; i++)
        if (page->document->elements[i].kind == DOCUMENT_CHART && strcmp(page->document->elements[i].key, key) == 0)
            return page->document->elements[i].chart;
    cr_assert_fail("no chart of that name: %s", key);
    return NULL;
}

static void expect_series(const struct chart_series *series, const char *name, const struct chart_point *points, size_t count)
{
    cr_expect_str_eq(series->name, name);
    cr_assert_eq(series->count, count, "%s has %zu points", name, series->count);
    for (size_t i = 0; i < count; i++)
        cr_expect(series->points[i].x * 1e9 > points[i].x - 1e-3 && series->points[i].x * 1e9 < points[i].x + 1e-3 &&
                      series->points[i].y == points[i].y,
                  "%s, point %zu", name, i);
}

/* x in ns. Nobody waited before a first turn. */
Test(replay_pictures, phases_follow_each_other_and_pauses_lie_over_them)
{
    const struct chart_point prefill[] = {{0, 0}, {1000, 0}, {0, 1}, {1000, 1}, {30000, 2}, {31000, 2}};
    const struct chart_point decode[] = {{1000, 0}, {17000, 0}, {1000, 1}, {23000, 1}, {31000, 2}, {33000, 2}};
    const struct chart_point preempted[] = {{2000, 1}, {17000, 1}}, again[] = {{17000, 1}, {18000, 1}};
    struct page page;
    make_page(&page);
    const struct chart *chart = chart_of(&page, "phases");
    cr_assert_eq(chart->count, 5);
    expect_series(&chart->series[0], "queued", NULL, 0);
    expect_series(&chart->series[1], "prefill", prefill, 6);
    expect_series(&chart->series[2], "decode", decode, 6);
    expect_series(&chart->series[3], "preempted", preempted, 2);
    expect_series(&chart->series[4], "computed again", again, 2);
    close_page(&page);
}

/* How many blocks are in a state at the moment of a column. */
static double blocks_at(const struct chart *chart, enum block_state state, int64_t at_ns)
{
    const size_t rows = chart->heading.grid.rows, column = (size_t)((double)at_ns / 1e9 / chart->heading.grid.column_width + 0.5);
    double sum = 0;
    cr_assert_leq((column + 1) * rows, chart->series[state].count);
    for (size_t row = 0; row < rows; row++)
        sum += chart->series[state].points[column * rows + row].y;
    return sum;
}

static void expect_moment(const struct chart *chart, int64_t at_ns, double free, double cached, double used)
{
    cr_expect_eq(blocks_at(chart, BLOCK_FREE, at_ns), free, "at %lld", (long long)at_ns);
    cr_expect_eq(blocks_at(chart, BLOCK_CACHED, at_ns), cached, "at %lld", (long long)at_ns);
    cr_expect_eq(blocks_at(chart, BLOCK_USED, at_ns), used, "at %lld", (long long)at_ns);
    cr_expect_eq(blocks_at(chart, BLOCK_SHARED, at_ns), 0, "at %lld", (long long)at_ns);
}

/* Moments lie 1024 ns apart, as the last arrival is near. At 2048 request 1 has lost its 4 blocks, of which request 0 has taken one. At 19456
 * its 18 tokens take 5 of the 8, and what is left of request 0 is cached. At the end of both, a block that never was full is free. */
Test(replay_pictures, the_map_shows_blocks_change_hands)
{
    struct page page;
    make_page(&page);
    const struct chart *chart = chart_of(&page, "memory_map");
    cr_assert_eq(chart->count, BLOCK_STATES);
    cr_expect_eq(chart->heading.grid.rows, 8, "a row a block");
    cr_expect_eq(chart->heading.y.low, 1, "block 0 is nobody's");
    cr_expect_eq(chart->heading.grid.column_width, 1024e-9);
    expect_moment(chart, 0, 0, 0, 8);
    expect_moment(chart, 2048, 0, 3, 5);
    expect_moment(chart, 19456, 0, 3, 5);
    cr_expect_eq(blocks_at(chart, BLOCK_USED, 28672), 0, "nobody is there");
    cr_expect_eq(blocks_at(chart, BLOCK_USED, 30720), 1);
    close_page(&page);
}

/* Request 1 waits 16000 ns for its third token; all others come 1000 ns apart. Its pause is no pause of the line: request 0 has tokens then. */
Test(replay_pictures, gaps_between_tokens_have_their_extremes)
{
    struct page page;
    double lowest = 1, highest = 0;
    make_page(&page);
    const struct chart *chart = chart_of(&page, "itl_over_time");
    cr_assert_eq(chart->count, 2);
    cr_assert_eq(chart->series[1].draw, DRAW_RANGE);
    cr_assert_eq(chart->series[1].count, 2 * chart->series[0].count, "a lowest and a highest value for each mean");
    for (size_t i = 0; i < chart->series[1].count; i++) {
        const double ms = chart->series[1].points[i].y;
        lowest = ms < lowest ? ms : lowest;
        highest = ms > highest ? ms : highest;
    }
    cr_expect_eq(lowest, 1000 / 1e6);
    cr_expect_eq(highest, 16000 / 1e6);
    cr_expect(chart->heading.y.logarithmic);
    cr_expect_not_null(strstr(chart->heading.note, "where none came"), "until request 2 has its second");
    close_page(&page);
}

/* Cells are told as they are: repeated ones once. The words say what a state had at the most. */
Test(replay_pictures, the_page_has_every_cell_and_says_what_it_shows)
{
    const struct render_options options = {.width = TABLE_LINE};
    struct page page;
    struct diag diag = {0};
    char *text = NULL;
    size_t length;
    make_page(&page);
    FILE *file = open_memstream(&text, &length);
    cr_assert_eq(render_html(page.document, &options, file, &diag), SIM_OK);
    fclose(file);
    const struct chart *chart = chart_of(&page, "memory_map");
    const char *at = strstr(text, "\"kind\":\"grid\"");
    cr_assert_not_null(at);
    cr_expect_not_null(strstr(text, "in one table: from 0 to 100 % of all."));
    for (size_t i = 0; i < chart->count; i++) {
        size_t point = 0;
        at = strstr(at, "\"cells\":\"");
        cr_assert_not_null(at);
        for (at += strlen("\"cells\":\""); *at != '"'; at++) {
            char *end;
            const double value = strtod(at, &end);
            const unsigned long times = *end == '*' ? strtoul(end + 1, &end, 10) : 1;
            for (unsigned long k = 0; k < times; k++, point++)
                cr_assert(point < chart->series[i].count && chart->series[i].points[point].y == value);
            cr_assert_eq(*end, ',');
            at = end;
        }
        cr_expect_eq(point, chart->series[i].count);
    }
    free(text);
    close_page(&page);
}
