/* test_render_html.c - the page holds what the document says, and nothing that others wrote can be more than text in it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/renderer.h"

/* Ends an element, an attribute or a string wherever it stands; then what a terminal obeys, and a byte that is no text. */
#define HOSTILE "</script><img src=x onerror=alert(1)>\"' <!-- &amp; \033[1m\xff \xe2\x80\xa8"

static struct document *hostile(void)
{
    static const struct table_column columns[] = {{"word", "word", TABLE_TEXT, 0}, {"number", "number", 1, 0}};
    const struct document_origin origin = {.command = "test", .command_line = strdup("pagesim test " HOSTILE), .trace = HOSTILE};
    struct document *document = document_create(&origin);
    struct figure_set set = {.count = 0};
    figure_set_put(&set, "preemptions", 7);
    document_headline(document, "found %s", HOSTILE);
    document_key_value(document, HOSTILE, HOSTILE, HOSTILE);
    document_key_figure(document, &set, "preemptions", "preemptions");
    document_key_figure(document, &set, "steps", "not in the set");
    document_heading(document, HOSTILE, HOSTILE);
    document_line(document, "%s", HOSTILE);
    struct table *table = document_table(document, "rows", columns, 2);
    table_text(table, HOSTILE);
    table_number(table, 1.5);
    struct chart *chart = document_chart_for(
        document, FOR_PAGE, "picture",
        &(struct chart_heading){.kind = CHART_BARS, .title = HOSTILE, .note = HOSTILE, .x = {.name = HOSTILE}, .y = {.name = HOSTILE}});
    chart_add_category(chart, HOSTILE);
    chart_add_series(chart, &(struct chart_series){.name = HOSTILE});
    chart_add(chart, 0, 2.5);
    chart_add(chart, 1, NAN);
    return document;
}

static char *page_of(struct document *document)
{
    const struct render_options options = {.width = TABLE_LINE};
    struct diag diag = {0};
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    cr_assert_eq(document_status(document, &diag), SIM_OK);
    cr_expect_eq(render_html(document, &options, file, &diag), SIM_OK, "%s", diag.text);
    fclose(file);
    document_destroy(document);
    return text;
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}

Test(render_html, text_of_others_stays_text)
{
    char *page = page_of(hostile());
    cr_expect_eq(count_of(page, "<img"), 0);
    cr_expect_eq(count_of(page, "<!--"), 0);
    cr_expect_eq(count_of(page, "<script"), 3, "numbers, Chart.js and ours");
    cr_expect_eq(count_of(page, "</script>"), 3);
    cr_expect_eq(count_of(page, "\033"), 0);
    cr_expect_eq(count_of(page, "\xff"), 0);
    cr_expect_eq(count_of(page, "\xe2\x80\xa8"), 0);
    cr_expect_geq(count_of(page, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39; &lt;!-- &amp;amp; \\x1b[1m\\xff \\u2028"),
                  10);
    cr_expect_geq(count_of(page, "\\u003c/script>\\u003cimg"), 5, "in JSON");
    free(page);
}

Test(render_html, has_each_part_once)
{
    char *page = page_of(hostile());
    cr_expect_eq(count_of(page, "<h1>"), 1);
    cr_expect_eq(count_of(page, "<dt>"), 2, "a figure that the set lacks is no figure");
    cr_expect_not_null(strstr(page, "<dt>preemptions</dt><dd>7</dd><dd class=\"note\">less is better</dd>"));
    cr_expect_eq(count_of(page, "<figure data-chart="), 1);
    cr_expect_not_null(strstr(page, "\"points\":[0,2.5,null,null]"));
    cr_expect_eq(count_of(page, "<details data-table="), 1);
    free(page);
}

/* Charts for pages are nothing to other renderers; JSON has the verdict. */
Test(render_html, other_forms_do_not_see_what_is_for_pages)
{
    struct diag diag = {0};
    struct json_text json;
    struct document *document = hostile();
    cr_assert_eq(document_to_json(document, &json, &diag), SIM_OK);
    cr_expect_null(strstr(json.text, "picture"));
    cr_expect_null(strstr(json.text, "key figure"));
    cr_expect_eq(count_of(json.text, "\"headline\": \"found "), 1);
    json_text_deinit(&json);
    document_destroy(document);
}

/* What labels begin with is said once, in whole words; what is left is text like all else. */
Test(render_html, labels_of_points_share_their_beginning)
{
    const struct document_origin origin = {.command = "test", .pictures = true};
    struct document *document = document_create(&origin);
    struct chart *chart = document_chart_for(document, FOR_PAGE, "points",
                                             &(struct chart_heading){.kind = CHART_PLOT, .title = "Points", .labels = "command"});
    chart_add_series(chart, &(struct chart_series){.name = "a", .draw = DRAW_LINE});
    chart_add_labelled(chart, 1, 2, "pagesim replay --seqs 16");
    chart_add_labelled(chart, 2, 3, NULL);
    chart_add_series(chart, &(struct chart_series){.name = "b", .draw = DRAW_MARKS});
    chart_add_labelled(chart, 3, 4, "pagesim replay --seqs 128 " HOSTILE);
    chart_add_series(chart, &(struct chart_series){.name = "c", .draw = DRAW_WORDS});
    chart_add_labelled(chart, 5, 6, "pagesim itself");
    char *page = page_of(document);
    cr_expect_not_null(strstr(page, "\"labels\":\"command\",\"prefix\":\"pagesim replay --seqs \""));
    cr_expect_not_null(strstr(page, "\"labels\":[\"16\",null]"));
    cr_expect_not_null(strstr(page, "\"labels\":[\"128 \\u003c/script>"));
    cr_expect_not_null(strstr(page, "\"labels\":[\"pagesim itself\"]"), "words are whole");
    cr_expect_eq(count_of(page, "<script"), 3);
    free(page);
}
