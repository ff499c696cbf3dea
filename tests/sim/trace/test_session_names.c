/* test_session_names.c - names get numbers in the order in which they come, however many there are. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "trace/session_names.h"

enum { NAMES = 3000 };

/* Every third is the one before it with a zero byte at its end, every third is longer than the one before. */
static size_t name_of(uint32_t i, char out[32])
{
    memset(out, 0, 32);
    const size_t length = (size_t)snprintf(out, 32, "%u%s", i - i % 3, i % 3 == 2 ? "longer" : "");
    return length + (i % 3 == 1);
}

static void expect_name(const struct session_names *names, uint32_t number, const char *name, size_t length)
{
    size_t have;
    const char *text = session_names_text(names, number, &have);
    cr_assert(have == length && memcmp(text, name, length) == 0, "number %u is \"%.*s\"", number, (int)have, text);
}

Test(session_names, get_numbers_in_order_and_keep_them_while_the_table_grows)
{
    struct session_names names = {0}, copy = {0};
    struct diag diag = {0};
    char name[32];
    uint32_t number;
    for (uint32_t i = 0; i < NAMES; i++) {
        const size_t length = name_of(i, name);
        cr_assert_eq(session_names_number(&names, name, length, &number, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(number, i + 1);
        const uint32_t before = i / 2;
        cr_assert_eq(session_names_number(&names, name, name_of(before, name), &number, &diag), SIM_OK);
        cr_assert_eq(number, before + 1, "after %u names", i + 1);
    }
    cr_expect_eq(names.count, NAMES);
    cr_assert_eq(session_names_copy(&names, &copy, &diag), SIM_OK, "%s", diag.text);
    session_names_deinit(&names);
    cr_expect_eq(names.count, 0);
    cr_expect_eq(copy.count, NAMES);
    for (uint32_t i = 0; i < NAMES; i++) {
        const size_t length = name_of(i, name);
        expect_name(&copy, i + 1, name, length);
        cr_assert_eq(session_names_number(&copy, name, length, &number, &diag), SIM_OK);
        cr_assert_eq(number, i + 1);
    }
    session_names_deinit(&copy);
}
