/* test_curve_and_ledger_report.c - the documents of both commands: JSON with each key once, CSV with the first and with named tables, charts
 * whose numbers are those of the tables.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "report/curve_report.h"
#include "report/ledger_report.h"
#include "report/renderer.h"
#include "support/tiny_trace.h"

static char *render(const struct document *document, const char *format, const char *table, enum status expected)
{
    char *text;
    size_t length;
    struct diag diag = {0};
    const struct render_options options = {.width = TABLE_LINE, .table = table};
    FILE *file = open_memstream(&text, &length);
    cr_assert_eq(document_status(document, &diag), SIM_OK);
    cr_expect_eq(renderer_find(format)->render(document, &options, file, &diag), expected, "%s", diag.text);
    fclose(file);
    return text;
}

/* Strict: a key that is there twice is an error. */
static void expect_json(const struct document *document, const char *const *keys)
{
    char *text = render(document, "json", NULL, SIM_OK);
    struct json_document json;
    struct diag diag = {0};
    cr_assert_eq(json_open("json", 1, text, strlen(text), &json, &diag), SIM_OK, "%s", diag.text);
    for (; *keys; keys++)
        cr_expect_not_null(cJSON_GetObjectItem(json.root, *keys), "%s", *keys);
    json_close(&json);
    free(text);
}

static void expect_csv(const struct document *document, const char *table, const char *beginning, size_t lines)
{
    char *text = render(document, "csv", table, SIM_OK);
    size_t found = 0;
    cr_expect_eq(strncmp(text, beginning, strlen(beginning)), 0, "%s: %s", table ? table : "first", text);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        found++;
    cr_expect_eq(found, lines, "%s: %s", table ? table : "first", text);
    free(text);
}

static const struct chart *chart_of(const struct document *document, bool people)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->elements[i].kind == DOCUMENT_CHART) {
            cr_expect_eq((document->elements[i].audience & FOR_PEOPLE) != 0, people);
            return document->elements[i].chart;
        }
    cr_assert_fail("no chart");
    return NULL;
}

static struct trace *repeated_prompt(void)
{
    const struct tiny_request request = {.input = 40, .output = 2, .hash_count = 3, .hash_ids = {1, 2, 3}};
    const struct tiny_request requests[] = {request, request};
    return tiny_trace(requests, 2);
}

static struct document *curve_document(const struct trace *trace, const struct config *config, bool replay, struct curve_study *study)
{
    static const uint32_t size = 16;
    static const uint64_t pools[] = {2, 20};
    const struct curve_plan plan = {.block_sizes = &size, .block_size_count = 1, .pools = pools, .pool_count = 2, .replay = replay};
    const struct document_origin origin = {.command = "curve", .trace = trace->name, .config = config};
    struct diag diag = {0};
    cr_assert_eq(curve_study_make(trace, config, &plan, study, &diag), SIM_OK, "%s", diag.text);
    return curve_report(study, trace, NULL, &origin);
}

Test(curve_report, is_one_document_for_people_json_and_csv)
{
    static const char *const keys[] = {"schema_version", "requests", "prompt_tokens", "points", "block_sizes", "curves", "gaps", NULL};
    struct trace *trace = repeated_prompt();
    struct config config = tiny_config_v1(16, 50);
    struct curve_study study;
    config.trace_block_size = 16;
    struct document *document = curve_document(trace, &config, true, &study);
    const size_t corners = curve_plain(&study.sizes[0])->count;
    expect_json(document, keys);
    expect_csv(document, NULL, "block_size,kind,pool_blocks,pool_tokens,hit_blocks,", 1 + corners + 2);
    expect_csv(document, "points", "block_size,kind,", 1 + corners + 2);
    expect_csv(document, "block_sizes", "block_size,block_references,", 2);
    expect_csv(document, "gaps", "block_size,pool_blocks,curve,partial,", 3);
    free(render(document, "csv", "curves", SIM_USAGE));
    const struct chart *chart = chart_of(document, true);
    cr_assert_eq(chart->count, 2, "a line and its replays");
    cr_expect_eq(chart->series[0].count, corners);
    for (size_t i = 0; i < corners; i++) {
        const struct curve_point *corner = &curve_plain(&study.sizes[0])->points[i];
        cr_expect_float_eq(chart->series[0].points[i].x, (double)corner->pool_blocks * 16, 0);
        cr_expect_float_eq(chart->series[0].points[i].y, (double)corner->hit_tokens / 80, 1e-12);
    }
    cr_expect(chart->series[1].draw == DRAW_MARKS && chart->series[1].group == chart->series[0].group);
    char *people = render(document, "table", NULL, SIM_OK);
    cr_expect_not_null(strstr(people, "capital letters: replays"));
    free(people);
    document_destroy(document);
    curve_study_free(&study);
    trace_destroy(trace);
}

Test(curve_report, without_hits_draws_nothing_and_without_replays_has_no_gaps)
{
    const struct tiny_request requests[] = {{.input = 40, .output = 2}};
    struct trace *trace = tiny_trace(requests, 1);
    struct config config = tiny_config_v1(16, 50);
    struct curve_study study;
    struct document *document = curve_document(trace, &config, false, &study);
    cr_expect_eq(chart_of(document, false)->count, 1);
    free(render(document, "csv", "gaps", SIM_USAGE));
    char *people = render(document, "table", NULL, SIM_OK);
    cr_expect_not_null(strstr(people, "No prompt begins as another one did."));
    cr_expect_null(strstr(people, "%|"));
    free(people);
    document_destroy(document);
    curve_study_free(&study);
    trace_destroy(trace);
}

Test(ledger_report, is_one_document_whose_chart_adds_up_to_the_pool)
{
    static const char *const keys[] = {"schema_version", "time_s",    "waiting_time_s", "accounts",
                                       "classes",        "reserving", "timeline_slots", NULL};
    struct trace *trace = repeated_prompt();
    struct config config = tiny_config_v1(16, 10);
    struct diag diag = {0};
    struct run run;
    struct class_ledger classes;
    struct ledger_history *history = malloc(sizeof *history);
    struct reservation_result reserving[RESERVATION_KINDS];
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000};
    cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(class_ledger_init(&classes, run.trace, &config, CLASS_BY_PHASE, &diag), SIM_OK);
    ledger_keep_history(&run.ledger, history);
    const struct observer observer = class_ledger_observer(&classes);
    cr_assert_eq(run_replay(&run, &observer, 1, NULL, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(reservation_run_all(trace, &config, run.model, CONTIGUOUS_BEST_FIT, reserving, &diag), SIM_OK);
    for (int draw = 0; draw < 2; draw++) {
        const struct ledger_result result = {.run = &run, .classes = draw ? &classes : NULL, .reserving = reserving, .draw = draw};
        const struct document_origin origin = {.command = "ledger", .trace = trace->name, .config = &config};
        struct document *document = ledger_report(&result, &origin);
        if (draw)
            expect_json(document, keys);
        expect_csv(document, NULL, "account,mean_blocks,share,share_while_waiting,peak_blocks\nuseful,", 8);
        expect_csv(document, "reserving", "way,token_share,", 5);
        free(render(document, "csv", "classes", draw ? SIM_OK : SIM_USAGE));
        const struct chart *chart = chart_of(document, draw);
        cr_assert_eq(chart->count, LEDGER_ACCOUNTS);
        for (size_t i = 0; i < chart->series[0].count; i++) {
            double all = 0;
            for (size_t series = 0; series < chart->count; series++)
                all += chart->series[series].points[i].y;
            cr_expect_float_eq(all, chart->heading.y.high, 1e-6);
        }
        document_destroy(document);
    }
    class_ledger_deinit(&classes);
    run_close(&run);
    free(history);
    trace_destroy(trace);
}
