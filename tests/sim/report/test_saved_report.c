/* test_saved_report.c - what a document's JSON with its page says is the document: page, words and CSV come out byte for byte, with numbers
 * and texts that are hard to carry. What is no report is refused with its place. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/renderer.h"
#include "report/saved_report.h"
#include "support/allocations.h"
#include "support/temp_file.h"

static void add_table(struct document *document, enum document_audience audience, const char *key)
{
    static const struct table_column columns[] = {
        {"word", "word", TABLE_TEXT, 0}, {"bytes", "MiB", 1, 1 << 20}, {"flag", "*", TABLE_STAR, 0}};
    struct table *table = document_table_for(document, audience, key, columns, 3);
    table_text(table, "a,\"b\"\n<b>");
    table_number(table, 0.1 + 0.2);
    table_flag(table, true);
    table_text(table, NULL);
    table_number(table, NAN);
    table_flag(table, false);
}

/* A column for people alone, and numbers that JSON's objects do not have. */
static void add_hard_table(struct document *document)
{
    static const struct table_column columns[] = {
        {"name", NULL, TABLE_TEXT, 0}, {NULL, "for people", 2, 0}, {"number", "number", TABLE_EXACT, 0}};
    struct table *table = document_table(document, "hard", columns, 3);
    const double numbers[] = {INFINITY, -INFINITY, -0.0, 1e300};
    for (int i = 0; i < 4; i++) {
        table_text(table, "x");
        table_number(table, i / 3.0);
        table_number(table, numbers[i]);
    }
    table_show_first(table, 2);
}

static void add_charts(struct document *document)
{
    static const enum chart_kind kinds[] = {CHART_PLOT, CHART_BARS, CHART_HEAT, CHART_AREAS, CHART_LINES};
    static const char *const keys[] = {"plot", "bars", "heat", "areas", "lines"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct chart_heading heading = {.kind = kinds[i],
                                              .title = i == 1 ? NULL : "Title",
                                              .note = i == 2 ? NULL : "note",
                                              .x = {.name = "x", .unit = "s", .low = 1, .high = 1000, .logarithmic = i == 0},
                                              .y = {.name = "y", .high = i == 3 ? 10.0 : 0}};
        struct chart *chart = document_chart_for(document, i < 3 ? FOR_PAGE : i == 3 ? FOR_JSON | FOR_PEOPLE : FOR_ALL, keys[i], &heading);
        chart_add_category(chart, "<one>");
        for (int draw = DRAW_LINE; draw <= (kinds[i] == CHART_PLOT ? DRAW_RANGE : DRAW_MARKS); draw++) {
            chart_add_series(chart, &(struct chart_series){.name = "series",
                                                           .label = draw ? "label" : NULL,
                                                           .mark = draw ? '*' : '\0',
                                                           .group = (size_t)draw,
                                                           .draw = (enum chart_draw)draw});
            chart_add(chart, 1, 1.0 / 3);
            chart_add(chart, 100, kinds[i] == CHART_PLOT ? (double)NAN : 5);
            chart_add(chart, 1000, kinds[i] == CHART_PLOT ? -0.0 : 1e-300);
        }
    }
}

static struct document *everything(bool charts)
{
    const struct document_origin origin = {
        .command = "test", .command_line = strdup("pagesim test 'a b'"), .trace = "t<.jsonl", .pictures = true, .charts = charts};
    struct document *document = document_create(&origin);
    struct figure_set set = {.count = 0};
    figure_set_put(&set, "preemptions", 7);
    figure_set_put(&set, "mean_ttft_ms", 0.1);
    figure_set_put(&set, "mean_tpot_ms", NAN);
    figure_set_put(&set, "gather_gb_per_s", 20);
    document_headline(document, "100 %% found");
    document_key_value(document, "label", "5 ms", NULL);
    document_key_value(document, "label", "7", "less is better");
    document_line(document, "%s", "\nA line\nof two \xc3\xa9 %d");
    document_heading(document, "Heading", " (note)");
    add_table(document, FOR_ALL, "rows");
    document_subheading(document, "Below", NULL);
    document_open_object(document, "inner");
    add_table(document, FOR_JSON, "rows");
    document_close(document);
    document_figures(document, &set, false);
    document_open_object(document, "measured");
    document_figures(document, &set, true);
    document_close(document);
    add_table(document, FOR_CSV, "csv");
    add_table(document, FOR_PEOPLE, "people");
    add_hard_table(document);
    document_table(document, "empty", &(struct table_column){"a", "a", 0, 0}, 1);
    add_charts(document);
    return document;
}

static char *rendered(const struct document *document, const char *how, const char *table)
{
    const struct render_options options = {.width = TABLE_LINE, .table = table};
    struct diag diag = {0};
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    const enum status status = strcmp(how, "html") == 0 ? render_html(document, &options, file, &diag)
                                                        : renderer_find(how)->render(document, &options, file, &diag);
    cr_expect_eq(status, SIM_OK, "%s", diag.text);
    fclose(file);
    return text;
}

static void expect_same(const struct document *written, const struct document *read, const char *how, const char *table)
{
    char *want = rendered(written, how, table), *got = rendered(read, how, table);
    cr_expect_str_eq(got, want);
    free(want);
    free(got);
}

Test(saved_report, with_its_page_is_the_document)
{
    struct document *written = everything(true);
    char *json = rendered(written, "json", NULL);
    const struct temp_file file = temp_file_make(json, strlen(json));
    struct saved_report report;
    struct diag diag = {0};
    cr_assert_eq(saved_report_open(file.path, true, true, &report, &diag), SIM_OK, "%s", diag.text);
    cr_expect(report.whole);
    expect_same(written, report.document, "html", NULL);
    expect_same(written, report.document, "table", NULL);
    expect_same(written, report.document, "json", NULL);
    static const char *const tables[] = {"rows", "figures", "csv", "hard", "empty"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        expect_same(written, report.document, "csv", tables[i]);
    saved_report_close(&report);
    temp_file_remove(&file);
    document_destroy(written);
    free(json);
}

static const struct document_element *element_of(const struct document *document, enum document_element_kind kind, const char *key)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->elements[i].kind == kind && (!key || strcmp(document->elements[i].key, key) == 0))
            return &document->elements[i];
    return NULL;
}

Test(saved_report, without_its_page_has_what_json_has)
{
    struct document *written = everything(false);
    char *json = rendered(written, "json", NULL);
    const struct temp_file file = temp_file_make(json, strlen(json));
    struct saved_report report;
    struct diag diag = {0};
    cr_assert_eq(saved_report_open(file.path, true, true, &report, &diag), SIM_OK, "%s", diag.text);
    cr_expect(!report.whole);
    expect_same(written, report.document, "json", NULL);
    cr_expect_str_eq(document_headline_of(report.document), "100 % found");
    cr_expect_eq(figure_set_value(&report.figures, "mean_ttft_ms"), 0.1);
    const struct document_element *rows = element_of(report.document, DOCUMENT_TABLE, "rows"),
                                  *chart = element_of(report.document, DOCUMENT_CHART, "lines");
    cr_assert(rows && chart);
    cr_expect_eq(table_rows(rows->table), 2);
    cr_expect_eq(table_number_at(rows->table, 0, "bytes"), 0.1 + 0.2);
    cr_expect_str_eq(table_text_at(rows->table, 0, "word"), "a,\"b\"\n<b>");
    cr_expect_eq(chart->chart->count, 2);
    cr_expect_eq(chart->chart->series[0].points[1].y, 5);
    saved_report_close(&report);
    temp_file_remove(&file);
    document_destroy(written);
    free(json);
}

/* --- what is no report ------------------------------------------------------------------------------------------------------------------- */

#define REPORT(more)      "{\"schema_version\":2,\"pagesim\":\"1\",\"command\":\"x\"" more "}"
#define ELEMENT(text)     REPORT(",\"preemptions\":7,\"rows\":[{\"a\":1}],\"page\":{\"elements\":[{" text "}]}")
#define CHART(kind, more) "\"kind\":\"chart\",\"for\":[\"page\"],\"draw\":\"" kind "\",\"categories\":[],\"series\":[" more "]"
#define TABLE(more)       "\"kind\":\"table\",\"key\":\"t\",\"for\":[\"csv\"]," more

static void expect_refused(const char *text, const char *place, const char *words)
{
    const struct temp_file file = temp_file_make(text, strlen(text));
    struct saved_report report;
    struct diag diag = {0};
    cr_expect_eq(saved_report_open(file.path, false, true, &report, &diag), SIM_BAD_INPUT, "%s", text);
    cr_expect_eq(strncmp(diag.text + strlen(file.path), place, strlen(place)), 0, "%s: %s", text, diag.text);
    cr_expect_not_null(strstr(diag.text, words), "%s: %s", text, diag.text);
    saved_report_close(&report);
    temp_file_remove(&file);
}

Test(saved_report, refuses_what_is_no_report)
{
    expect_refused("requests: 3\n", ":1:1: ", "not JSON");
    expect_refused("", ":1:1: ", "not JSON");
    expect_refused("{\"a\":\n NaN}", ":2:2: ", "not JSON");
    expect_refused("{\"a\":\"\\ud800\"}", ":1:7: ", "surrogate");
    expect_refused("[1]", ":1:1: ", "not a report of pagesim");
    expect_refused("{\"backend\":\"vllm\",\"pagesim\":\"1\"}", ":1:1: ", "not a report of pagesim");
    expect_refused("\n {\"schema_version\":1,\"pagesim\":\"1\",\"command\":\"x\"}", ":2:20: ", "schema_version must be 2");
    expect_refused("{\"schema_version\":2,\"pagesim\":\"1\",\"command\":5}", ":1:45: ", "\"command\" must be a string");
    expect_refused(REPORT(",\"configuration\":[1]"), ":1:", "\"configuration\" must be an object");
    expect_refused(REPORT(",\"headline\":{}"), ":1:", "\"headline\" must be a string");
    expect_refused(REPORT(",\"preemptions\":1e30"), ":1:", "\"preemptions\" must be a whole number");
    expect_refused(REPORT(",\"preemptions\":-1"), ":1:", "\"preemptions\" must be a whole number");
    expect_refused(REPORT(",\"page\":7"), ":1:", "\"elements\" is missing");
}

Test(saved_report, refuses_elements_that_nothing_can_show)
{
    expect_refused(ELEMENT("\"kind\":\"song\""), ":1:", "\"kind\" must be");
    expect_refused(ELEMENT("\"kind\":\"line\""), ":1:", "\"text\" is missing");
    expect_refused(ELEMENT("\"kind\":\"figures\",\"names\":[\"no_figure\"]"), ":1:", "figure's name");
    expect_refused(ELEMENT(TABLE("\"columns\":[],\"rows\":[]")), ":1:", "1 to 1024 columns");
    expect_refused(ELEMENT(TABLE("\"columns\":[{\"name\":\"a\"}]")), ":1:", "\"t\" is missing");
    expect_refused(ELEMENT(TABLE("\"columns\":[{\"name\":\"a\"}],\"rows\":[[1,2]]")), ":1:", "a cell for each column");
    expect_refused(ELEMENT(TABLE("\"columns\":[{\"name\":\"a\"}],\"rows\":[[[1]]]")), ":1:", "must be a cell");
    expect_refused(ELEMENT(TABLE("\"columns\":[{\"heading\":\"a\"}],\"rows\":[{\"a\":1}]")), ":1:", "a column has no name");
    expect_refused(ELEMENT(TABLE("\"columns\":[{\"name\":\"a\",\"decimals\":99}],\"rows\":[]")), ":1:", "\"decimals\" must be");
    expect_refused(ELEMENT(CHART("cake", "")), ":1:", "\"draw\" must be");
    expect_refused(ELEMENT(CHART("plot", "{\"draw\":\"line\",\"points\":[1]}")), ":1:", "x and y");
    expect_refused(ELEMENT(CHART("plot", "{\"draw\":\"line\",\"points\":[1,\"2\"]}")), ":1:", "a number or null");
    expect_refused(ELEMENT(CHART("plot", "{\"draw\":\"loop\",\"points\":[]}")), ":1:", "\"draw\" must be");
    expect_refused(ELEMENT(CHART("plot", "{\"draw\":\"line\",\"mark\":\"\\u001b\",\"points\":[]}")), ":1:", "\"mark\" must be");
    expect_refused(ELEMENT(CHART("areas", "{\"draw\":\"line\",\"points\":[1,2]},{\"draw\":\"line\",\"points\":[]}")),
                   ":1:", "series of the same x");
    expect_refused(ELEMENT("\"kind\":\"chart\",\"for\":[\"people\"],\"draw\":\"plot\",\"categories\":[],\"series\":[]"),
                   ":1:", "\"for\" must be without");
    expect_refused(ELEMENT("\"kind\":\"chart\",\"for\":[\"all\"],\"draw\":\"plot\",\"categories\":[],\"series\":[]"), ":1:", "\"people\"");
}

Test(saved_report, refuses_a_million_series)
{
    const size_t series = 1000000;
    static const char begin[] = "{\"schema_version\":2,\"pagesim\":\"1\",\"command\":\"x\",\"page\":{\"elements\":[{\"kind\":\"chart\","
                                "\"for\":[\"page\"],\"draw\":\"plot\",\"categories\":[],\"series\":[0",
                      end[] = "]}]}}";
    char *text = malloc(sizeof begin + 2 * series + sizeof end);
    cr_assert_not_null(text);
    memcpy(text, begin, sizeof begin);
    for (size_t i = 0; i < series; i++)
        memcpy(text + sizeof begin - 1 + 2 * i, (const char[]){',', '0'}, 2);
    memcpy(text + sizeof begin - 1 + 2 * series, end, sizeof end);
    expect_refused(text, ":1:", "at most 4096 series");
    free(text);
}

Test(saved_report, without_memory_it_fails_cleanly)
{
    struct document *written = everything(true);
    char *json = rendered(written, "json", NULL);
    const struct temp_file file = temp_file_make(json, strlen(json));
    for (uint64_t countdown = 1;; countdown++) {
        struct saved_report report;
        struct diag diag = {0};
        allocations_fail_after(countdown);
        const enum status status = saved_report_open(file.path, true, true, &report, &diag);
        allocations_fail_after(0);
        saved_report_close(&report);
        if (status == SIM_OK) {
            cr_expect_gt(countdown, 50);
            break;
        }
        cr_assert_eq(status, SIM_FAILED, "allocation %llu: %s", (unsigned long long)countdown, diag.text);
    }
    temp_file_remove(&file);
    document_destroy(written);
    free(json);
}
