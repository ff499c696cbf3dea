/* test_attention_table.c - what is linear comes out of a table exactly, however long its axes are and whichever corners were measured. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "support/random.h"
#include "support/temp_file.h"
#include "time/attention_table.h"

enum { MOST = 60 };
#define HEADER "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"

/* Decodes at 1, 3, 6, 10, ..., contexts at 16, 32, ...: neighbours are not equally far apart. */
static uint32_t decodes_at(uint32_t i)
{
    return (i + 1) * (i + 2) / 2;
}

static uint32_t context_at(uint32_t i)
{
    return 16 * (i + 1);
}

static double plane(double decodes, double context)
{
    return 7 + 2 * decodes + 0.25 * context;
}

/* Rows of pure decodes whose corner `has` says is measured. */
static struct attention_table table_of(uint32_t decodes, uint32_t contexts, bool (*has)(uint32_t n, uint32_t kv))
{
    static char text[MOST * MOST * 32];
    struct attention_table table;
    struct diag diag = {0};
    size_t used = (size_t)snprintf(text, sizeof text, HEADER);
    for (uint32_t n = 0; n < decodes; n++)
        for (uint32_t kv = 0; kv < contexts; kv++)
            if (has(n, kv))
                used += (size_t)snprintf(text + used, sizeof text - used, "0,0,%u,%u,%g\n", decodes_at(n), context_at(kv),
                                         plane(decodes_at(n), context_at(kv)));
    used += (size_t)snprintf(text + used, sizeof text - used, "16,0,0,0,5\n32,0,0,0,5\n16,0,1,16,5\n32,0,1,16,5\n");
    struct temp_file file = temp_file_make(text, used);
    cr_assert_eq(attention_table_open(file.path, &table, &diag), SIM_OK, "%s", diag.text);
    temp_file_remove(&file);
    return table;
}

static bool all_of_them(uint32_t n, uint32_t kv)
{
    (void)n;
    (void)kv;
    return true;
}

/* Large batches were measured with short contexts alone: lines in n_decode reach the rest. */
static bool few_large(uint32_t n, uint32_t kv)
{
    return n < 2 || kv < 3;
}

/* Long contexts were measured of one batch size alone, and lines in n_decode need two: lines in kv_decode reach the others. */
static bool few_long(uint32_t n, uint32_t kv)
{
    return n < 1 || kv < 2;
}

/* Below the first point its value stands; all else is on the plane, far beyond the last point too. */
static void expect_plane(const struct attention_table *table, uint32_t decodes, uint32_t contexts, uint64_t *seed)
{
    for (int i = 0; i < 400; i++) {
        const uint32_t n = random_below(seed, decodes_at(decodes) + 20), kv = 1 + random_below(seed, context_at(contexts) + 100);
        const struct attention_step step = {0, 0, n, kv};
        const double expected = n == 0 ? 0 : plane(n, kv < 16 ? 16 : kv), us = attention_table_us(table, &step);
        cr_assert_float_eq(us, expected, 1e-9 * expected, "%u decodes of %u: %g, not %g", n, kv, us, expected);
    }
    for (uint32_t n = 0; n < decodes; n++) /* the points themselves */
        for (uint32_t kv = 0; kv < contexts; kv++) {
            const struct attention_step step = {0, 0, decodes_at(n), context_at(kv)};
            cr_assert_float_eq(attention_table_us(table, &step), plane(decodes_at(n), context_at(kv)), 1e-6);
        }
}

Test(attention_table, a_plane_is_a_plane_everywhere)
{
    static const uint32_t sizes[][2] = {{2, 2}, {5, 7}, {48, 3}, {49, 4}, {3, 49}, {55, 50}};
    static bool (*const kinds[])(uint32_t n, uint32_t kv) = {all_of_them, few_large, few_long};
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
            struct attention_table table = table_of(sizes[i][0], sizes[i][1], kinds[kind]);
            expect_plane(&table, sizes[i][0], sizes[i][1], &seed);
            attention_table_close(&table);
            attention_table_close(&table); /* once more does no harm */
        }
}

/* Where no two points make a line the value before it stands. */
Test(attention_table, what_no_line_reaches_has_its_neighbours_value)
{
    static const char text[] = HEADER "0,0,1,16,10\n0,0,2,16,20\n0,0,1,32,40\n16,0,0,0,5\n32,0,0,0,5\n16,0,1,16,5\n32,0,1,16,5\n";
    struct attention_table table;
    struct diag diag = {0};
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    cr_assert_eq(attention_table_open(file.path, &table, &diag), SIM_OK, "%s", diag.text);
    temp_file_remove(&file);
    cr_expect_eq(attention_table_us(&table, &(struct attention_step){0, 0, 2, 32}), 40, "of one decode less");
    cr_expect_eq(attention_table_us(&table, &(struct attention_step){0, 0, 2, 24}), 30, "halfway there");
    attention_table_close(&table);
}
