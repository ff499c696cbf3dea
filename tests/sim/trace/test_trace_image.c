/* test_trace_image.c - an image says all that the trace says, wherever in memory it is, and whoever owns what. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/workload.h"
#include "support/random.h"
#include "trace/trace_image.h"

/* All columns that a file can fill, sessions, ids that come again, and names of its own for them. */
static struct trace *full_trace(size_t rows)
{
    char *text = malloc(rows * 400 + 1), *at = text;
    struct trace_selection selection = trace_select_all();
    struct trace *trace = NULL;
    struct diag diag = {0};
    uint64_t state = 7;
    for (size_t i = 0; i < rows; i++)
        at += sprintf(at,
                      "{\"timestamp\":%zu,\"input_length\":1000,\"output_length\":%zu,\"hash_ids\":[%zu,%zu],\"session_id\":\"s%zu\","
                      "\"delay\":%zu,\"priority\":%zu,\"n\":%zu,\"finish_reason\":\"%s\",\"tenant\":\"t%zu\"}\n",
                      10 * i, 1 + (size_t)(random_next(&state) % 50), 900 + i % 7, 500 + i, i % 5, i % 3, i % 4, 1 + i % 2,
                      i % 2 ? "stop" : "length", i % 6);
    selection.keep_ids = true;
    cr_assert_eq(trace_load_text("full", text, (size_t)(at - text), &selection, &trace, &diag), SIM_OK, "%s", diag.text);
    free(text);
    return trace;
}

/* The image, where no pointer of the process that wrote it can mean anything: it was written elsewhere. */
static char *moved_image(const struct trace *trace, size_t *size)
{
    *size = trace_image_size(trace);
    char *written = aligned_alloc(64, *size), *moved = aligned_alloc(64, *size);
    cr_assert_eq(*size % 64, 0);
    memset(written, 0xA5, *size);
    trace_image_write(trace, written);
    memcpy(moved, written, *size);
    memset(written, 0x5A, *size);
    free(written);
    return moved;
}

static void expect_within(const void *items, const char *image, size_t size)
{
    cr_expect(!items || ((const char *)items >= image && (const char *)items < image + size));
}

static void expect_names_alike(const struct session_names *names, const struct session_names *copied, const char *image, size_t size)
{
    cr_assert_eq(copied->count, names->count);
    for (uint32_t i = 1; i <= names->count; i++) {
        size_t want_length, got_length;
        const char *want = session_names_text(names, i, &want_length), *got = session_names_text(copied, i, &got_length);
        cr_expect(want_length == got_length && memcmp(want, got, want_length) == 0);
        expect_within(got, image, size);
    }
}

static void expect_alike(const struct trace *trace, const struct trace *copy, const char *image, size_t size)
{
    cr_assert_eq(copy->count, trace->count);
    for (size_t i = 0; i < TRACE_COLUMNS; i++) {
        const void *want = trace_column_items(trace, &trace_columns[i]), *got = trace_column_items(copy, &trace_columns[i]);
        cr_assert_eq(want == NULL, got == NULL, "column %zu", i);
        cr_expect(!want || memcmp(want, got, trace->count * trace_columns[i].size) == 0, "column %zu", i);
        expect_within(got, image, size);
    }
    cr_expect_eq(workload_fingerprint(copy), workload_fingerprint(trace));
    for (uint32_t i = 0; i < trace->distinct_hashes; i++)
        cr_expect_eq(trace_id_in_file(copy, i), trace_id_in_file(trace, i));
    expect_names_alike(&trace->sessions, &copy->sessions, image, size);
    expect_names_alike(&trace->tenants, &copy->tenants, image, size);
    cr_expect_str_eq(copy->format, trace->format);
    cr_expect_str_eq(copy->name, trace->name);
    expect_within(copy->format, image, size);
    expect_within(copy->previous, image, size);
    expect_within(copy->next, image, size);
}

Test(trace_image, says_all_that_the_trace_says)
{
    struct trace *trace = full_trace(300), *copy, *expanded;
    struct diag diag = {0};
    size_t size;
    cr_assert(trace->sessions.count == 5 && trace->tenants.count == 6 && trace->id_in_file && trace->samples && trace->delay_ns &&
              trace->finish_reason && trace->priority);
    char *image = moved_image(trace, &size), *before = malloc(size);
    memcpy(before, image, size);
    cr_assert_eq(trace_image_open(image, &copy, &diag), SIM_OK);
    expect_alike(trace, copy, image, size);
    /* A copy of it owns what it has, and outlives the image. */
    cr_assert_eq(trace_expand_samples(copy, &expanded, &diag), SIM_OK);
    trace_destroy(copy);
    cr_expect_eq(memcmp(image, before, size), 0, "nothing was written to it");
    free(image);
    cr_expect_eq(expanded->count, 450);
    cr_expect_eq(expanded->input_tokens[449], 1000);
    trace_destroy(expanded);
    trace_destroy(trace);
    free(before);
}

Test(trace_image, of_a_trace_that_says_little)
{
    static const char text[] = "{\"timestamp\":0,\"input_length\":5,\"output_length\":2}\n";
    struct trace_selection selection = trace_select_all();
    struct trace *trace, *copy;
    struct diag diag = {0};
    size_t size;
    cr_assert_eq(trace_load_text("t", text, sizeof text - 1, &selection, &trace, &diag), SIM_OK);
    char *image = moved_image(trace, &size);
    cr_assert_eq(trace_image_open(image, &copy, &diag), SIM_OK);
    expect_alike(trace, copy, image, size);
    cr_expect(!copy->hash_start && !copy->session && !copy->sessions.start && !copy->tenants.start);
    trace_destroy(copy);
    trace_destroy(trace);
    free(image);
}
