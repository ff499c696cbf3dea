/* test_csv.c - numbers of small tables: the quick way reads what strtod reads, and what is no number is named. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "support/random.h"
#include "support/temp_file.h"

enum { ROWS = 20000 };

/* A decimal of up to 18 digits, with or without a point, sometimes with an exponent. */
static size_t random_number(uint64_t *seed, char *out, size_t size)
{
    const uint32_t digits = 1 + random_below(seed, 18), point = random_below(seed, digits + 2);
    size_t length = 0;
    for (uint32_t i = 0; i < digits && length + 8 < size; i++) {
        if (i == point)
            out[length++] = '.';
        out[length++] = (char)('0' + random_below(seed, 10));
    }
    out[length] = '\0';
    if (random_below(seed, 10) == 0)
        length += (size_t)snprintf(out + length, size - length, "e%d", (int)random_below(seed, 40) - 20);
    return length;
}

Test(csv, numbers_are_read_to_the_last_bit)
{
    static const char *const columns[] = {"x", "y"};
    char *text = malloc((size_t)ROWS * 32 + 16), number[32];
    double *want = malloc(ROWS * sizeof *want), got;
    uint64_t seed = 3;
    struct diag diag = {0};
    struct csv csv;
    cr_assert(text && want);
    const size_t room = (size_t)ROWS * 32 + 16;
    size_t length = (size_t)snprintf(text, room, "x,y\n");
    for (int row = 0; row < ROWS; row++) {
        random_number(&seed, number, sizeof number);
        want[row] = strtod(number, NULL);
        length += (size_t)snprintf(text + length, room - length, "1,%s\n", number);
    }
    const struct temp_file file = temp_file_make(text, length);
    cr_assert_eq(csv_open(file.path, columns, 2, &csv, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(csv.rows, ROWS);
    for (int row = 0; row < ROWS; row++) {
        got = csv_number(&csv, (size_t)row, 1);
        cr_assert_eq(csv.status, SIM_OK, "%s", diag.text);
        cr_assert(memcmp(&got, &want[row], sizeof got) == 0, "row %d: %.17g, should be %.17g", row, got, want[row]);
    }
    csv_close(&csv);
    temp_file_remove(&file);
    free(want);
    free(text);
}

Test(csv, what_is_no_number_is_named_with_its_place)
{
    static const char *const columns[] = {"a", "b"};
    static const char *const bad[] = {"", ".", "1.2.3", "x", "1x", "inf", "nan", "1,5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        struct diag diag = {0};
        struct csv csv;
        const size_t length = (size_t)snprintf(text, sizeof text, "a,b\n7,%s\n", bad[i]);
        const struct temp_file file = temp_file_make(text, length);
        if (csv_open(file.path, columns, 2, &csv, &diag) == SIM_OK) {
            csv_number(&csv, 0, 1);
            cr_expect_eq(csv.status, SIM_BAD_INPUT, "\"%s\"", bad[i]);
            csv_close(&csv);
        }
        cr_expect(strstr(diag.text, ":2:"), "\"%s\": %s", bad[i], diag.text);
        temp_file_remove(&file);
    }
}

/* A file may have a column or not; asking for one that it has not leaves the others as they were. */
Test(csv, columns_that_need_not_be_there)
{
    static const char *const columns[] = {"b"};
    static const char text[] = "a,b,c\n1,2,3\n";
    struct diag diag = {0};
    struct csv csv;
    const struct temp_file file = temp_file_make(text, sizeof text - 1);
    cr_assert_eq(csv_open(file.path, columns, 1, &csv, &diag), SIM_OK, "%s", diag.text);
    cr_expect(csv_has(&csv, "c", 1));
    cr_expect_not(csv_has(&csv, "d", 1));
    cr_expect(csv_number(&csv, 0, 0) == 2 && csv_number(&csv, 0, 1) == 3);
    csv_close(&csv);
    temp_file_remove(&file);
}
