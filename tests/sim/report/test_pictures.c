/* test_pictures.c - pages are functions of the document alone: what their charts hold follows from tables and values put in by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "report/picture_parts.h"
#include "report/table_pictures.h"

static struct document *new_document(const struct config *config)
{
    const struct document_origin origin = {.command = "test", .pictures = true, .config = config};
    struct document *document = document_create(&origin);
    cr_assert_not_null(document);
    return document;
}

/* The page's chart of that name. */
static const struct chart *chart_of(const struct document *document, const char *key)
{
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind == DOCUMENT_CHART && (element->audience & FOR_PAGE) && !(element->audience & NOT_ON_PAGE) &&
            strcmp(element->key, key) == 0)
            return element->chart;
    }
    return NULL;
}

static const struct chart_series *series_of(const struct chart *chart, const char *name)
{
    for (size_t i = 0; chart && i < chart->count; i++)
        if (strcmp(chart->series[i].name, name) == 0)
            return &chart->series[i];
    cr_assert_fail("no series %s", name);
    return NULL;
}

static const char *headline_of(const struct document *document)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->elements[i].kind == DOCUMENT_HEADLINE)
            return document->elements[i].text;
    return "";
}

static void end(struct document *document)
{
    struct diag diag = {0};
    cr_expect_eq(document_status(document, &diag), SIM_OK, "%s", diag.text);
    document_destroy(document);
}

/* --- sweep -------------------------------------------------------------------------------------------------------------------------------- */

static void add_words(struct document *document, const char *list, const char *const *words)
{
    document_open_array(document, list);
    for (; *words; words++)
        document_text(document, NULL, *words);
    document_close(document);
}

/* Four settings of three keys: the second and the third are on the front, the third is the fastest. */
static struct document *sweep_document(const char *command)
{
    static const struct table_column columns[] = {{"run", NULL, TABLE_WHOLE},
                                                  {"on_front", "*", TABLE_STAR},
                                                  {"num_gpu_blocks", NULL, 0},
                                                  {"scheduling_policy", NULL, TABLE_TEXT},
                                                  {"enable_prefix_caching", NULL, TABLE_YES_NO},
                                                  {"request_throughput", NULL, 0},
                                                  {"p99_ttft_ms", NULL, 0},
                                                  {"command", NULL, TABLE_TEXT}};
    static const struct {
        bool front;
        double blocks;
        const char *policy;
        bool caching;
        double throughput, ttft;
    } rows[] = {{false, 100, "fcfs", true, 4, 90},
                {true, 300, "sjf", true, 5, 10},
                {true, 1000, "fcfs", false, 9, 50},
                {false, 100, "sjf", true, NAN, NAN}};
    struct document *document = new_document(NULL);
    document_open_object(document, "objectives");
    document_text(document, "request_throughput", "max");
    document_text(document, "p99_ttft_ms", "min");
    document_close(document);
    document_whole(document, "settings", 4);
    add_words(document, "varied_keys", (const char *const[]){"num_gpu_blocks", "scheduling_policy", "enable_prefix_caching", NULL});
    add_words(document, "shown_figures", (const char *const[]){"request_throughput", "p99_ttft_ms", NULL});
    struct table *table = document_table(document, "rows", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        table_number(table, (double)i);
        table_flag(table, rows[i].front);
        table_number(table, rows[i].blocks);
        table_text(table, rows[i].policy);
        table_flag(table, rows[i].caching);
        table_numbers(table, rows[i].throughput, rows[i].ttft);
        snprintf(text, sizeof text, "%s %zu", command, i);
        table_text(table, *command ? text : NULL);
    }
    sweep_page(document);
    return document;
}

Test(pictures, a_sweeps_points_tell_their_commands)
{
    struct document *document = sweep_document("replay");
    const struct chart *front = chart_of(document, "front");
    cr_assert_not_null(front);
    cr_expect_str_eq(headline_of(document), "2 of 4 settings are not beaten by another");
    cr_expect_str_eq(front->heading.labels, "command");
    const struct chart_series *chosen = series_of(front, "chosen"), *others = series_of(front, "on the front"),
                              *rest = series_of(front, "other settings"), *line = series_of(front, "the front");
    cr_assert(chosen->count == 1 && others->count == 1 && rest->count == 1 && line->count == 2, "the fourth has no figures");
    cr_expect(chosen->points[0].x == 9 && chosen->points[0].y == 50);
    cr_expect_str_eq(chosen->labels[0], "replay 2");
    cr_expect_str_eq(others->labels[0], "replay 1");
    cr_expect_str_eq(rest->labels[0], "replay 0");
    cr_expect(line->points[0].x == 5 && line->points[1].x == 9, "from the best in one objective to the best in the other, to the right");
    cr_expect_null(chart_of(document, "request_throughput"), "lines and maps are for one and two keys");
    end(document);
}

/* Keys at equal distances in their order, figures from their lowest to their highest value, a gap after each setting. */
Test(pictures, three_keys_are_parallel_coordinates)
{
    struct document *document = sweep_document("replay");
    const struct chart *settings = chart_of(document, "settings");
    cr_assert_not_null(settings);
    const struct chart_series *chosen = series_of(settings, "chosen"), *rest = series_of(settings, "other settings");
    const double wanted[] = {1, 0, 1, 1, 0.5};
    cr_assert_eq(chosen->count, 6, "five axes and a gap");
    for (size_t i = 0; i < 5; i++)
        cr_expect(chosen->points[i].x == (double)i && fabs(chosen->points[i].y - wanted[i]) < 1e-12, "axis %zu: %g", i,
                  chosen->points[i].y);
    cr_expect(isnan(chosen->points[5].x));
    cr_expect_str_eq(chosen->labels[0], "replay 2");
    cr_expect_eq(rest->count, 12);
    cr_expect_float_eq(series_of(settings, "on the front")->points[0].y, 0.5, 1e-12, "300 is the second of 100, 300, 1000");
    cr_expect_str_eq(series_of(settings, "axes")->labels[1], "scheduling policy");
    const struct chart_series *values = series_of(settings, "values");
    bool told = false;
    for (size_t i = 0; i < values->count; i++)
        told |= strcmp(values->labels[i], "false") == 0 && values->points[i].x == 2;
    cr_expect(told, "a switch is no 0");
    end(document);
}

Test(pictures, points_without_commands_are_only_points)
{
    struct document *document = sweep_document("");
    cr_expect_null(chart_of(document, "front")->heading.labels);
    cr_expect_null(series_of(chart_of(document, "front"), "chosen")->labels);
    end(document);
}

/* --- explain ------------------------------------------------------------------------------------------------------------------------------- */

/* 7 loses to 1 and 8 to 7, which is back; 9 loses to 8. 1 and 2 were never preempted before they took. */
Test(pictures, chains_lead_from_a_loss_to_what_it_causes)
{
    static const struct table_column columns[] = {
        {"time_s", NULL, 0}, {"victim", NULL, TABLE_TEXT}, {"requester", NULL, TABLE_TEXT}, {"tokens_lost", NULL, 0}, {"depth", NULL, 0}};
    static const struct {
        double time_s;
        const char *victim, *requester;
        double depth;
    } rows[] = {{1, "7", "1", 1}, {2, "5", "2", 1}, {3, "8", "7", 2}, {4, "7", "2", 1}, {5, "9", "8", 3}, {6, "6", "7", 2}};
    static const size_t causes[] = {0, 2, 3}, effects[] = {2, 4, 5};
    struct document *document = new_document(NULL);
    struct table *table = document_table(document, "each_preemption", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        table_number(table, rows[i].time_s);
        table_text(table, rows[i].victim);
        table_text(table, rows[i].requester);
        table_numbers(table, 100 + (double)i, rows[i].depth);
    }
    explain_page(document);
    const struct chart *chains = chart_of(document, "chains");
    cr_assert_not_null(chains);
    const struct chart_series *arcs = series_of(chains, "led to the next"), *marks = series_of(chains, "a preemption");
    cr_expect_eq(marks->count, 6);
    cr_assert_eq(arcs->count, 6, "two ends each");
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(arcs->points[2 * i].x, rows[causes[i]].time_s);
        cr_expect_eq(arcs->points[2 * i + 1].x, rows[effects[i]].time_s);
        cr_expect_eq(arcs->points[2 * i + 1].y, rows[effects[i]].depth);
    }
    cr_expect_str_eq(arcs->labels[0], "8 lost 102 tokens for 7");
    end(document);
}

/* --- compare ------------------------------------------------------------------------------------------------------------------------------- */

Test(pictures, gains_are_sorted_into_classes_of_prompts)
{
    static const struct table_column columns[] = {{"input_tokens", NULL, 0}, {"a_arrival_s", NULL, 0}, {"delta_e2el_ms", NULL, 0}};
    struct document *document = new_document(NULL);
    document_open_object(document, "first_difference");
    document_whole(document, "step", 3);
    document_number(document, "a_start_ns", 2.5e9);
    document_number(document, "b_start_ns", 2e9);
    document_close(document);
    struct table *table = document_table(document, "per_request", columns, 3);
    for (int i = 0; i <= 10; i++)
        table_numbers(table, 64 + i, i, 10 * i); /* one class: 0, 10, ... 100 */
    table_numbers(table, 3, 11, -7);
    table_numbers(table, 3, 12, NAN);
    compare_page(document);
    const struct chart *classes = chart_of(document, "gains_by_prompt");
    cr_assert(classes && classes->category_count == 2);
    cr_expect_str_eq(classes->categories[0], "2 to 3");
    cr_expect_str_eq(classes->categories[1], "64 to 127");
    const struct chart_series *median = series_of(classes, "median"), *range = series_of(classes, "10 to 90 % of requests");
    cr_assert(median->count == 2 && range->count == 4);
    cr_expect(median->points[0].y == -7 && median->points[1].y == 50);
    cr_expect(fabs(range->points[2].y - 10) < 1e-9 && fabs(range->points[3].y - 90) < 1e-9 && range->points[2].x == 1);
    const struct chart_series *parts = series_of(chart_of(document, "gains_over_time"), "the schedules part");
    cr_expect(parts->points[0].x == 2 && parts->points[1].x == 2, "the side that is there first");
    cr_expect_eq(series_of(chart_of(document, "gains_over_time"), "a request")->count, 12);
    end(document);
}

/* --- ledger and curve ----------------------------------------------------------------------------------------------------------------------- */

static void add_areas(struct document *document, const char *key, double end_s, const char *first)
{
    struct chart *chart = document_chart_for(document, FOR_PROGRAMS, key,
                                             &(struct chart_heading){.kind = CHART_AREAS, .x = {.high = end_s}, .y = {.high = 160}});
    chart_add_series(chart, &(struct chart_series){.name = first});
    chart_add(chart, 0, 40);
    chart_add_series(chart, &(struct chart_series){.name = "free"});
    chart_add(chart, 0, 120);
}

/* All ways on the same axes; after its end a way's memory is free. */
Test(pictures, a_ledger_counts_blocks_or_bytes)
{
    struct config config = {.block_size = 16};
    for (int known = 0; known < 2; known++) {
        config.block_bytes = known ? UINT64_C(1) << 30 : 0;
        struct document *document = new_document(&config);
        add_areas(document, "timeline_slots", 10, "useful");
        add_areas(document, "timeline_reserving_exact", 30, "tokens");
        ledger_page(document);
        const struct chart *paged = chart_of(document, "memory_paged");
        cr_assert_not_null(paged);
        cr_expect_str_eq(paged->heading.y.unit, known ? "GiB" : "blocks");
        cr_expect(paged->heading.x.high == 30 && paged->heading.y.high == 10, "10 blocks, of a GiB where that is known");
        const struct chart_series *tokens = series_of(paged, "tokens"), *idle = series_of(paged, "free");
        cr_assert(tokens->count == 2 && idle->count == 2);
        cr_expect(tokens->points[0].y == 2.5 && tokens->points[1].x == 10 && tokens->points[1].y == 0 && idle->points[1].y == 10);
        cr_expect_eq(chart_of(document, "memory_reserving_exact")->series[0].count, 1);
        cr_expect_null(chart_of(document, "timeline_slots"), "the page has it in blocks");
        end(document);
    }
}

Test(pictures, a_curve_is_drawn_over_blocks_and_bytes)
{
    static const struct table_column columns[] = {{"block_size", NULL, 0},
                                                  {"most_hit_token_share", NULL, 0},
                                                  {"pool_blocks_for_90_percent", NULL, 0},
                                                  {"pool_blocks_for_all", NULL, 0}};
    struct config config = {.block_size = 16, .num_gpu_blocks = 50, .block_bytes = UINT64_C(1) << 29};
    struct document *document = new_document(&config);
    document_whole(document, "requests", 2);
    document_whole(document, "prompt_tokens", 100);
    table_numbers(document_table(document, "block_sizes", columns, 4), 32, 0.5, 10, 20);
    for (int others = 0; others < 2; others++) {
        struct chart *chart =
            document_chart_for(document, FOR_PROGRAMS, others ? "eviction_curves" : "curves", &(struct chart_heading){.kind = CHART_LINES});
        for (int i = 0; i < 1 + others; i++) {
            chart_add_series(chart, &(struct chart_series){.name = others ? i ? "optimal" : "FIFO" : "blocks of 32"});
            chart_add(chart, 64, 0.1);
            chart_add(chart, 640, 0.5);
        }
    }
    curve_page(document);
    const struct chart *blocks = chart_of(document, "hits_by_blocks"), *memory = chart_of(document, "hits_by_memory");
    cr_assert(blocks && memory);
    cr_expect(series_of(blocks, "LRU, blocks of 32")->points[1].x == 20 && series_of(blocks, "optimal")->points[0].y == 10);
    cr_expect(series_of(memory, "FIFO")->points[1].x == 20, "640 tokens are 40 blocks of 16, half a GiB each");
    cr_expect(series_of(memory, "this pool")->points[0].x == 25 && series_of(blocks, "this pool")->points[0].x == 25, "800 tokens");
    end(document);
}

/* --- parts ---------------------------------------------------------------------------------------------------------------------------------- */

Test(pictures, members_are_found_where_they_stand)
{
    struct document *document = new_document(NULL);
    document_open_object(document, "outer");
    document_open_object(document, "inner");
    document_whole(document, "a", 1);
    document_close(document);
    document_whole(document, "a", 2);
    document_close(document);
    document_whole(document, "a", 3);
    document_text(document, "nothing", NULL);
    cr_expect_eq(picture_number(document, NULL, "a"), 3);
    cr_expect_eq(picture_number(document, "outer", "a"), 2);
    cr_expect(isnan(picture_number(document, NULL, "nothing")) && isnan(picture_number(document, "other", "a")) &&
              isnan(picture_number(NULL, NULL, "a")));
    end(document);
}
