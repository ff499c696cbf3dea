/* test_document.c - a document with one element of each kind, in each form; what renderers do with what is not for them. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/renderer.h"

static const struct table_column columns[] = {{"name", "who", TABLE_TEXT, 0}, {"bytes", "MiB", 1, 1 << 20}, {"hidden", NULL, 0, 0}};

static struct document *filled(void)
{
    const struct document_origin origin = {.command = "test", .command_line = strdup("pagesim test --x 'a b'"), .trace = "t.jsonl"};
    struct document *document = document_create(&origin);
    struct figure_set set = {.count = 0};
    document_line(document, "%d requests", 3);
    document_whole(document, "requests", 3);
    document_text(document, "nothing", NULL);
    document_heading(document, "Part", " (note)");
    struct table *table = document_table(document, "rows", columns, 3);
    table_text(table, "a,b");
    table_number(table, 3 << 19);
    table_number(table, NAN);
    document_open_object(document, "measured");
    document_open_array(document, "list");
    document_number(document, NULL, 0.5);
    document_bool(document, NULL, true);
    document_close(document);
    document_close(document);
    figure_set_put(&set, "preemptions", 7);
    figure_set_put(&set, "mean_tpot_ms", NAN);
    figure_set_put(&set, "gather_gb_per_s", 20);
    document_figures(document, &set, false);
    struct table *second = document_table_for(document, FOR_PROGRAMS, "second", columns, 3);
    table_text(second, "x");
    table_number(second, 1);
    table_number(second, 2);
    return document;
}

static char *rendered(const char *name, const char *table, enum status want)
{
    const struct render_options options = {.width = TABLE_LINE, .table = table};
    struct document *document = filled();
    struct diag diag = {0};
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    cr_expect_eq(document_status(document, &diag), SIM_OK);
    cr_expect_eq(renderer_find(name)->render(document, &options, file, &diag), want, "%s", diag.text);
    fclose(file);
    document_destroy(document);
    return text;
}

Test(document, people_see_lines_headings_and_tables)
{
    char *text = rendered("table", NULL, SIM_OK);
    cr_expect_str_eq(text, "3 requests\n\nPart (note)\n  who  MiB\n  a,b  1.5\n");
    free(text);
}

Test(document, json_has_where_it_comes_from_and_every_member_once)
{
    char *text = rendered("json", NULL, SIM_OK);
    cJSON *root = cJSON_Parse(text);
    cr_assert_not_null(root, "%s", text);
    cr_expect_eq(cJSON_GetObjectItem(root, "schema_version")->valueint, DOCUMENT_SCHEMA_VERSION);
    cr_expect_str_eq(cJSON_GetObjectItem(root, "command_line")->valuestring, "pagesim test --x 'a b'");
    cr_expect_str_eq(cJSON_GetObjectItem(root, "trace")->valuestring, "t.jsonl");
    cr_expect_eq(cJSON_GetObjectItem(root, "preemptions")->valueint, 7);
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(root, "mean_tpot_ms")) && cJSON_IsNull(cJSON_GetObjectItem(root, "nothing")));
    cr_expect_null(cJSON_GetObjectItem(root, "gather_gb_per_s"), "a measured figure was not asked for");
    const cJSON *list = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "measured"), "list");
    cr_expect(cJSON_GetArraySize(list) == 2 && cJSON_IsTrue(cJSON_GetArrayItem(list, 1)));
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "rows"), 0);
    cr_expect_eq(cJSON_GetObjectItem(row, "bytes")->valueint, 3 << 19, "programs get bytes, not MiB");
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(row, "hidden")));
    cJSON_Delete(root);
    free(text);
}

Test(document, csv_is_the_first_table_or_the_one_that_is_named)
{
    static const struct {
        const char *table, *want;
        enum status status;
    } cases[] = {{NULL, "name,bytes,hidden\n\"a,b\",1572864,\n", SIM_OK},
                 {"second", "name,bytes,hidden\nx,1,2\n", SIM_OK},
                 {"figures", "name,value\npreemptions,7\nmean_tpot_ms,\n", SIM_OK},
                 {"third", "", SIM_USAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = rendered("csv", cases[i].table, cases[i].status);
        cr_expect_str_eq(text, cases[i].want);
        free(text);
    }
}

/* For each choice of audiences. CSV has to be told which table: one that is not for it is none. */
Test(document, tables_are_seen_by_their_audience_alone)
{
    static const char *const forms[] = {"table", "json", "csv"};
    static const unsigned bits[] = {FOR_PEOPLE, FOR_JSON, FOR_CSV};
    for (unsigned choice = 1; choice < 8; choice++)
        for (int form = 0; form < 3; form++) {
            const struct document_origin origin = {.command = "test", .command_line = strdup("pagesim test")};
            const struct render_options options = {.width = TABLE_LINE, .table = form == 2 ? "chosen" : NULL};
            const struct table_column column = {"cell", "cell", 0, 0};
            struct document *document = document_create(&origin);
            struct diag diag = {0};
            unsigned audience = 0;
            char *text = NULL;
            size_t length;
            for (int i = 0; i < 3; i++)
                audience |= choice >> i & 1 ? bits[i] : 0;
            table_number(document_table_for(document, (enum document_audience)audience, "chosen", &column, 1), 7);
            FILE *file = open_memstream(&text, &length);
            const enum status status = renderer_find(forms[form])->render(document, &options, file, &diag);
            fclose(file);
            const bool sees = choice >> form & 1;
            cr_expect_eq(strstr(text, "cell") != NULL, sees, "choice %u, %s: %s", choice, forms[form], text);
            cr_expect_eq(status, sees || form < 2 ? SIM_OK : SIM_USAGE, "choice %u, %s", choice, forms[form]);
            document_destroy(document);
            free(text);
        }
}

Test(document, renderers_are_found_by_name_and_listed)
{
    cr_expect_eq(renderer_find(NULL), renderer_find("table"));
    cr_expect_null(renderer_find("xml"));
    struct line names = renderer_names(NULL);
    cr_expect_str_eq(names.text, "table, json or csv");
    names = renderer_names("vllm");
    cr_expect_str_eq(names.text, "table, json, csv or vllm");
}
