/* test_units.c - numbers for people: short ones and exact decimals. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "support/random.h"

Test(units, decimals_are_exact_and_without_trailing_zeros)
{
    static const struct {
        int64_t value;
        unsigned places;
        const char *text;
    } cases[] = {{0, 0, "0"},
                 {0, 9, "0"},
                 {1, 9, "0.000000001"},
                 {1500000, 9, "0.0015"},
                 {-1500000, 6, "-1.5"},
                 {2000, 3, "2"},
                 {2000, 0, "2000"},
                 {INT64_MAX, 9, "9223372036.854775807"},
                 {INT64_MIN, 3, "-9223372036854775.808"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[UNIT_TEXT];
        cr_expect_eq(unit_decimal(cases[i].value, cases[i].places, text), strlen(cases[i].text));
        cr_expect_str_eq(text, cases[i].text);
    }
    uint64_t random = 1;
    for (int i = 0; i < 20000; i++) {
        char text[UNIT_TEXT], wanted[64];
        int64_t value = (int64_t)(random_next(&random) >> (1 + random_below(&random, 62)));
        unit_decimal(value, 9, text);
        snprintf(wanted, sizeof wanted, "%" PRId64 ".%09" PRId64, value / 1000000000, value % 1000000000);
        size_t length = strlen(wanted);
        while (wanted[length - 1] == '0')
            length--;
        wanted[wanted[length - 1] == '.' ? length - 1 : length] = '\0';
        cr_assert_str_eq(text, wanted);
    }
}

Test(units, short_numbers_have_three_digits)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"}, {999, "999"}, {1000, "1k"}, {1234567, "1.23M"}, {999600, "1M"}, {5e9, "5G"}, {1e21, "1e+06P"}};
    char text[UNIT_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(unit_short(cases[i].value, text), cases[i].text);
}

Test(units, what_rounds_to_zero_has_no_sign)
{
    static const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {{-0.00001, 4, "0.0000"},  {-0.0, 1, "0.0"},  {-0.4, 0, "0"}, {-0.6, 0, "-1"},
                 {-0.00006, 4, "-0.0001"}, {0.25, 2, "0.25"}, {NAN, 1, "nan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[UNIT_TEXT];
        cr_expect_str_eq(unit_fixed(cases[i].value, cases[i].decimals, out, sizeof out), cases[i].text);
    }
}

Test(units, times_have_two_units_at_most)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0.00 s"},           {9.99, "9.99 s"},       {10, "10 s"},         {59, "59 s"},
                 {60, "1 min 00 s"},      {61.4, "1 min 01 s"},   {61.6, "1 min 02 s"}, {3599, "59 min 59 s"},
                 {3600, "1 h 00 min"},    {3599.6, "1 h 00 min"}, {7261, "2 h 01 min"}, {86399, "23 h 59 min"},
                 {360000, "100 h 00 min"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[UNIT_TEXT];
        cr_expect_str_eq(unit_seconds(cases[i].seconds, text), cases[i].text);
    }
}

Test(units, bytes_have_three_digits_and_binary_prefixes)
{
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0 B"},           {1023, "1023 B"},        {1024, "1.00 KiB"},        {10 * 1024, "10.0 KiB"},
                 {10239, "10.00 KiB"}, {100 * 1024, "100 KiB"}, {1023 * 1024, "1023 KiB"}, {1024 * 1024, "1.00 MiB"},
                 {0x1p30, "1.00 GiB"}, {0x1p40, "1.00 TiB"},    {0x1p50, "1.00 PiB"},      {0x1p60, "1024 PiB"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[UNIT_TEXT];
        cr_expect_str_eq(unit_bytes(cases[i].bytes, text), cases[i].text);
    }
}
