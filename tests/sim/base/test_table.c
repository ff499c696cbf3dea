/* test_table.c - the three forms of a result table; statistics of repeated measurements against hand-computed ones. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "base/table.h"

static const struct table_column columns[] = {
    {"policy", "policy", TABLE_TEXT}, {"num_gpu_blocks", "pool", TABLE_WHOLE}, {"mean_ms", "mean", 1}, {"exact", NULL, 0}};

static struct table *filled(void)
{
    struct table *table;
    struct diag diag = {0};
    cr_assert_eq(table_create(columns, 4, &table, &diag), SIM_OK);
    table_text(table, "a,\"b\"");
    table_number(table, 12345);
    table_number(table, 0.25);
    table_number(table, 1.0 / 3);
    table_text(table, "c");
    table_number(table, 100000); /* 1e+05 in the shortest form */
    table_number(table, NAN);
    table_number(table, 1);
    cr_assert_eq(table_status(table, &diag), SIM_OK);
    cr_assert_eq(table_rows(table), 2);
    return table;
}

static void expect_print(void (*print)(const struct table *table, FILE *file), const char *expected)
{
    struct table *table = filled();
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    print(table, file);
    fclose(file);
    cr_expect_str_eq(text, expected);
    free(text);
    table_destroy(table);
}

static void indented(const struct table *table, FILE *file)
{
    struct diag diag = {0};
    cr_expect_eq(table_print(table, "> ", 80, file, &diag), SIM_OK);
}

static void narrow(const struct table *table, FILE *file)
{
    struct diag diag = {0};
    cr_expect_eq(table_print(table, "> ", 18, file, &diag), SIM_OK);
}

Test(table, people_see_aligned_columns_and_no_hidden_ones)
{
    expect_print(indented, "> policy     pool  mean\n> a,\"b\"    12,345   0.2\n> c       100,000     -\n");
}

Test(table, what_does_not_fit_the_width_stands_in_a_block_below)
{
    expect_print(narrow, "> policy     pool\n> a,\"b\"    12,345\n> c       100,000\n"
                         "\n> policy  mean\n> a,\"b\"    0.2\n> c          -\n");
}

/* Columns of one sign, two blanks apart: two beside the one that names the row need seven places. */
Test(table, a_block_is_as_wide_as_there_is_room)
{
    static const struct table_column small[] = {
        {"key", "k", TABLE_TEXT}, {"a", "a", TABLE_WHOLE}, {"hidden", NULL, 0}, {"b", "b", TABLE_WHOLE}, {"c", "c", TABLE_WHOLE}};
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {{8, "  k  a\n  x  1\n\n  k  b\n  x  2\n\n  k  c\n  x  3\n"},
                 {9, "  k  a  b\n  x  1  2\n\n  k  c\n  x  3\n"},
                 {11, "  k  a  b\n  x  1  2\n\n  k  c\n  x  3\n"},
                 {12, "  k  a  b  c\n  x  1  2  3\n"},
                 {1, "  k  a\n  x  1\n\n  k  b\n  x  2\n\n  k  c\n  x  3\n"}};
    struct table *table;
    struct diag diag = {0};
    cr_assert_eq(table_create(small, 5, &table, &diag), SIM_OK);
    table_text(table, "x");
    table_number(table, 1);
    table_number(table, 9);
    table_number(table, 2);
    table_number(table, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);
        cr_expect_eq(table_print(table, "  ", cases[i].width, file, &diag), SIM_OK);
        fclose(file);
        cr_expect_str_eq(text, cases[i].text, "width %zu:\n%s", cases[i].width, text);
        free(text);
    }
    table_destroy(table);
}

Test(table, a_star_is_in_the_first_block_only_and_long_text_goes_on_below)
{
    static const struct table_column starred[] = {{"best", "*", TABLE_STAR, 0},
                                                  {"name", "name", TABLE_TEXT, 0},
                                                  {"bytes", "MiB", 1, 1 << 20},
                                                  {"good", "good", TABLE_YES_NO, 0},
                                                  {"why", "why", TABLE_TEXT, 0}};
    struct table *table;
    struct diag diag = {0};
    char *text = NULL;
    size_t length;
    cr_assert_eq(table_create(starred, 5, &table, &diag), SIM_OK);
    table_flag(table, true);
    table_text(table, "one");
    table_number(table, 3 << 19);
    table_flag(table, false);
    table_text(table, "it has more words than fit");
    FILE *file = open_memstream(&text, &length);
    cr_expect_eq(table_print(table, "", 20, file, &diag), SIM_OK);
    table_print_csv(table, file);
    fclose(file);
    cr_expect_str_eq(text, "*  name  MiB  good\n*  one   1.5    no\n"
                           "\nname  why\none   it has more\n      words than fit\n"
                           "best,name,bytes,good,why\ntrue,one,1572864,false,it has more words than fit\n");
    free(text);
    table_destroy(table);
}

Test(table, csv_keeps_every_digit_and_quotes_what_needs_it)
{
    expect_print(table_print_csv, "policy,num_gpu_blocks,mean_ms,exact\n\"a,\"\"b\"\"\",12345,0.25,0.3333333333333333\nc,100000,,1\n");
}

Test(table, json_is_an_array_of_objects)
{
    struct table *table = filled();
    struct json_text json;
    json_text_init(&json, false);
    table_write_json(table, &json);
    cr_expect_str_eq(json.text, "[{\"policy\":\"a,\\\"b\\\"\",\"num_gpu_blocks\":12345,\"mean_ms\":0.25,\"exact\":0.3333333333333333},"
                                "{\"policy\":\"c\",\"num_gpu_blocks\":100000,\"mean_ms\":null,\"exact\":1}]");
    json_text_deinit(&json);
    table_destroy(table);
}

Test(statistics, of_a_few_values)
{
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct statistics s = statistics_of(values, 8);
    cr_expect_eq(s.n, 8);
    cr_expect_float_eq(s.mean, 5, 1e-12);
    cr_expect_float_eq(s.std, sqrt(32.0 / 7), 1e-12);
    cr_expect_float_eq(s.cv, s.std / 5, 1e-12);
    cr_expect_float_eq(s.se, s.std / sqrt(8), 1e-12);
    cr_expect_float_eq(s.ci_high - s.mean, 2.365 * s.se, 1e-9, "t with 7 degrees of freedom");
    s = statistics_of(values, 1);
    cr_expect(s.mean == 2 && s.std == 0 && s.ci_low == 2 && s.ci_high == 2);
    cr_expect_eq(statistics_of(values, 0).n, 0);
    cr_expect_float_eq(student_t_95(30), 2.042, 5e-4);
    cr_expect_float_eq(student_t_95(1000000), 1.960, 5e-4);
}

/* By name and row; what is not there is nothing. */
Test(table, pictures_find_cells_by_name)
{
    struct table *table = filled();
    cr_expect_eq(table_number_at(table, 0, "num_gpu_blocks"), 12345);
    cr_expect_str_eq(table_text_at(table, 1, "policy"), "c");
    cr_expect(isnan(table_number_at(table, 1, "mean_ms")) && isnan(table_number_at(table, 0, "policy")), "no number");
    cr_expect(isnan(table_number_at(table, 2, "exact")) && isnan(table_number_at(table, 0, "none")), "no cell");
    cr_expect_str_eq(table_text_at(table, 2, "policy"), "");
    cr_expect_str_eq(table_text_at(NULL, 0, "policy"), "");
    table_destroy(table);
}

static void first_row(const struct table *table, FILE *file)
{
    table_print_csv_first(table, 1, file);
}

Test(table, csv_can_end_early)
{
    expect_print(first_row, "policy,num_gpu_blocks,mean_ms,exact\n\"a,\"\"b\"\"\",12345,0.25,0.3333333333333333\n");
}
