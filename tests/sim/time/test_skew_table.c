/* test_skew_table.c - classes of skew_fit.csv: the usual ones, those of other profiles, and files that name none. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/temp_file.h"
#include "time/skew_table.h"

#define HEADER "pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha,n_samples\n"

static enum status open_text(const char *text, struct skew_table *table, struct diag *diag)
{
    struct temp_file file = temp_file_make(text, strlen(text));
    enum status status = skew_table_open(file.path, table, diag);
    temp_file_remove(&file);
    return status;
}

/* Also where a class in between has no row: its values have no alpha, rather than that of the class above. */
Test(skew_table, usual_labels_have_the_usual_classes)
{
    struct skew_table table;
    struct diag diag = {0};
    cr_assert_eq(open_text(HEADER "0,n<=128,sr<=15%,kvB<=16k,kp=0,0.5,4\n0,n>256,sr>70%,kvB>16k,kp>8k,0.25,4\n", &table, &diag), SIM_OK,
                 "%s", diag.text);
    cr_expect_eq(skew_table_alpha(&table, 0, 65, 0.051, 4097, 0), 0.5);
    cr_expect_eq(skew_table_alpha(&table, 0, 128, 0.15, 16384, 0), 0.5);
    cr_expect(isnan(skew_table_alpha(&table, 0, 64, 0.15, 16384, 0)));
    cr_expect(isnan(skew_table_alpha(&table, 0, 128, 0.05, 16384, 0)));
    cr_expect(isnan(skew_table_alpha(&table, 0, 128, 0.15, 4096, 0)));
    cr_expect(isnan(skew_table_alpha(&table, 0, 128, 0.15, 16384, 1)));
    cr_expect(isnan(skew_table_alpha(&table, 16, 128, 0.15, 16384, 0)));
    cr_expect_eq(skew_table_alpha(&table, 0, 257, 0.9, 16385, 8193), 0.25);
    skew_table_close(&table);
}

/* A profile with other points comes with other labels: here up to 12 decodes and from there on, and contexts in two classes. */
Test(skew_table, other_labels_bring_their_own_classes)
{
    struct skew_table table;
    struct diag diag = {0};
    cr_assert_eq(open_text(HEADER
                           "7,n<=3,sr<=5%,kvB<=64k,kp<=300,1,4\n7,n<=12,sr<=5%,kvB<=64k,kp<=300,2,4\n7,n>12,sr<=5%,kvB>64k,kp>300,3,4\n",
                           &table, &diag),
                 SIM_OK, "%s", diag.text);
    cr_expect_eq(skew_table_alpha(&table, 7, 3, 0.01, 65536, 0), 1);
    cr_expect_eq(skew_table_alpha(&table, 7, 4, 0.01, 65536, 300), 2);
    cr_expect_eq(skew_table_alpha(&table, 7, 12, 0.01, 5, 300), 2);
    cr_expect_eq(skew_table_alpha(&table, 7, 13, 0.01, 65537, 301), 3);
    cr_expect(isnan(skew_table_alpha(&table, 7, 13, 0.01, 65536, 301)));
    skew_table_close(&table);
}

Test(skew_table, what_is_no_class_is_an_error_with_its_place)
{
    static const struct {
        const char *row, *part;
    } cases[] = {{"0,m<=3,sr<=5%,kvB<=1k,kp=0,1,4\n", ":2:3: \"m<=3\""},
                 {"0,n<3,sr<=5%,kvB<=1k,kp=0,1,4\n", ":2:3: \"n<3\""},
                 {"0,n<=,sr<=5%,kvB<=1k,kp=0,1,4\n", ":2:3: \"n<=\""},
                 {"0,n<=2,sr<=5%,kvB<=1kk,kp=0,1,4\n", ":2:15: \"kvB<=1kk\""},
                 {"0,n>4,sr<=5%,kvB<=1k,kp=0,1,4\n0,n<=8,sr<=5%,kvB<=1k,kp=0,1,4\n", ":2:3: \"n>4\""},
                 {"0,n<=2,sr<=5%,kvB<=1k,kp=0,x,4\n", ":2:28: \"x\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct skew_table table;
        struct diag diag = {0};
        char text[256];
        snprintf(text, sizeof text, HEADER "%s", cases[i].row);
        cr_expect_eq(open_text(text, &table, &diag), SIM_BAD_INPUT, "%s", cases[i].row);
        cr_expect(strstr(diag.text, cases[i].part), "%s", diag.text);
    }
}
