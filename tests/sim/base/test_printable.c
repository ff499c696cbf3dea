/* test_printable.c - no byte of others that a terminal would obey gets through: to a terminal, to JSON, to CSV. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory_stream.h"
#include "base/printable.h"
#include "base/table.h"
#include "support/allocations.h"

static const struct {
    const char *text, *shown, *json;
} samples[] = {
    {"plain text", "plain text", "\"plain text\""},
    {"a\033[31mb\a", "a\\x1b[31mb\\x07", "\"a\\u001b[31mb\\u0007\""},
    {"line\nline\ttab\r", "line\\nline\\ttab\\r", "\"line\\u000aline\\u0009tab\\u000d\""},
    {"del\x7f", "del\\x7f", "\"del\\u007f\""},
    {"c1 \xc2\x9b", "c1 \\u009b", "\"c1 \\u009b\""},
    {"not utf-8 \xff\xc3", "not utf-8 \\xff\\xc3", "\"not utf-8 \\ufffd\\ufffd\""},
    /* NOLINTNEXTLINE(misc-misleading-bidirectional): that is what is tested */
    {"\xe2\x80\xaeturned\xe2\x80\xa8", "\\u202eturned\\u2028", "\"\\u202eturned\\u2028\""},
    {"tag \xf3\xa0\x80\x81", "tag \\U000e0001", "\"tag \\udb40\\udc01\""},
    {"gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80",
     "\"gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80\""},
    {"a \"quote\" \\", "a \"quote\" \\", "\"a \\\"quote\\\" \\\\\""},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

Test(printable, what_a_terminal_would_obey_is_escaped)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        char shown[64];
        struct json_text json;
        printable_copy(samples[i].text, shown, sizeof shown);
        cr_expect_str_eq(shown, samples[i].shown);
        cr_expect_eq(printable(samples[i].text), strcmp(samples[i].text, samples[i].shown) == 0, "%s", samples[i].shown);
        json_text_init(&json, false);
        json_string(&json, samples[i].text);
        cr_expect_str_eq(json.text, samples[i].json);
        json_text_deinit(&json);
    }
}

Test(printable, every_byte_is_shown_in_printable_ascii_or_utf8)
{
    for (int first = 1; first < 256; first++)
        for (int second = 0; second < 256; second++) {
            const char text[] = {(char)first, (char)second, '\0'};
            char shown[PRINTABLE_GROWTH * 2 + 1];
            printable_copy(text, shown, sizeof shown);
            cr_assert(printable(shown), "%d %d", first, second);
        }
}

Test(printable, a_copy_is_cut_between_characters)
{
    char shown[8];
    printable_copy("abcd\033efg", shown, sizeof shown);
    cr_expect_str_eq(shown, "abcd");
    printable_copy("abc\033", shown, sizeof shown);
    cr_expect_str_eq(shown, "abc\\x1b");
}

/* A table of one column of text and one of numbers, as CSV. */
static char *csv_of(const char *text)
{
    static const struct table_column columns[] = {{.name = "text", .heading = "text", .decimals = TABLE_TEXT}, {.name = "number"}};
    struct table *table;
    struct diag diag = {0};
    struct memory_stream stream;
    char *printed = NULL;
    size_t length;
    cr_assert_eq(table_create(columns, 2, &table, &diag), SIM_OK);
    table_text(table, text);
    table_number(table, -1.5);
    cr_assert_eq(memory_stream_open(&stream, &diag), SIM_OK);
    table_print_csv(table, stream.file);
    cr_assert_eq(memory_stream_close(&stream, &printed, &length, &diag), SIM_OK);
    table_destroy(table);
    return printed;
}

Test(printable, cells_that_a_spreadsheet_would_run_are_text_and_numbers_stay_numbers)
{
    static const char *const cells[][2] = {{"=1+1", "'=1+1"},
                                           {"+cmd", "'+cmd"},
                                           {"-2+3", "'-2+3"},
                                           {"@SUM(A1)", "'@SUM(A1)"},
                                           {"\t=1", "'\\t=1"},
                                           {"-0.5", "-0.5"},
                                           {"+1e3", "+1e3"},
                                           {"a=b", "a=b"},
                                           {"=a,b", "\"'=a,b\""},
                                           {"\xef\xbc\x9d"
                                            "1",
                                            "'\xef\xbc\x9d"
                                            "1"}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char want[64], *got = csv_of(cells[i][0]);
        snprintf(want, sizeof want, "text,number\n%s,-1.5\n", cells[i][1]);
        cr_expect_str_eq(got, want);
        free(got);
    }
}

Test(printable, a_stream_that_runs_out_of_memory_says_so)
{
    for (uint64_t failing = 1; failing <= 4; failing++) {
        struct memory_stream stream;
        struct diag diag = {0};
        char *text = NULL;
        size_t length = 0;
        cr_assert_eq(memory_stream_open(&stream, &diag), SIM_OK);
        allocations_fail_after(failing);
        for (int i = 0; i < 2000; i++)
            fprintf(stream.file, "line %d\n", i);
        const enum status status = memory_stream_close(&stream, &text, &length, &diag);
        allocations_fail_after(0);
        if (status == SIM_OK)
            cr_expect(length == strlen(text) && strstr(text, "line 0\n") && strstr(text, "line 1999\n"));
        else
            cr_expect(!text && strstr(diag.text, "out of memory"));
        cr_expect(failing > 1 || status == SIM_FAILED);
        free(text);
    }
}
