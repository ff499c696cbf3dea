/* test_gnuplot_text.c - strings of scripts end where their text does; colours are the page's. Hostile text: test_gnuplot_script.c. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "report/gnuplot_text.h"
#include "report/page_files.h"

Test(gnuplot_text, colours_are_those_of_the_page)
{
    char color[8], seen[7][8], row[32];
    for (size_t i = 0; i < 7; i++) {
        snprintf(row, sizeof row, "--c%zu: %s;", i, gnuplot_color(i, seen[i]));
        cr_expect(strstr(page_css.text, row), "%s", row);
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(seen[i], seen[j]);
    }
    cr_expect_str_eq(gnuplot_color(7, color), seen[0]);
    snprintf(row, sizeof row, "--g2: %s;", gnuplot_pale_color(2, color));
    cr_expect(strstr(page_css.text, row), "%s", row);
    cr_expect_str_eq(gnuplot_pale_color(3, color), seen[3], "the page has no paler one");
}

/* The caller frees it. */
static char *title_of(const char *title, size_t letters, int *lines)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    *lines = gnuplot_put_title(title, letters, file);
    fclose(file);
    return text;
}

/* At spaces if there are some, else anywhere, but at whole characters; what does not fit into three lines is left out. */
Test(gnuplot_text, titles_are_cut_into_lines)
{
    static const struct {
        const char *title, *want;
        int lines;
    } cases[] = {{"", "", 0},
                 {"one", "'one'", 1},
                 {"one two three", "'one'.\"\\n\".'two'.\"\\n\".'three'", 3},
                 {"a b c d", "'a b c'.\"\\n\".'d'", 2},
                 {"sevenletters", "'seven'.\"\\n\".'lette'.\"\\n\".'rs'", 3},
                 {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xb6", "'\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4'.\"\\n\".'\xc3\xb6'", 2},
                 {"1 3 5 7 9 1 3 5 7 9 1", "'1 3 5'.\"\\n\".'7 9 1'.\"\\n\".'3 5 7'", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int lines;
        char *got = title_of(cases[i].title, 5, &lines);
        cr_expect_str_eq(got, cases[i].want);
        cr_expect_eq(lines, cases[i].lines, "%s", cases[i].title);
        free(got);
    }
}
