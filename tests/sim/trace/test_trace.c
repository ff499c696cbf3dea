/* test_trace.c - the readers: what they accept, what they refuse and where, and that the quick one agrees with the strict one. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "support/random.h"
#include "support/temp_file.h"
#include "trace/trace.h"

static enum status load(const char *text, size_t length, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    struct temp_file file = temp_file_make(text, length);
    struct trace_selection all = trace_select_all();
    enum status status = trace_load(file.path, selection ? selection : &all, out, diag);
    temp_file_remove(&file);
    return status;
}

static struct trace *load_fine(const char *text, const struct trace_selection *selection)
{
    struct trace *trace = NULL;
    struct diag diag = {0};
    cr_assert_eq(load(text, strlen(text), selection, &trace, &diag), SIM_OK, "%s", diag.text);
    return trace;
}

#define ROW(fields) "{\"timestamp\":0,\"input_length\":5,\"output_length\":2" fields "}\n"

Test(trace, bad_lines_are_named_with_line_and_column)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {ROW("") "{\"timestamp\":0,\"input_length\":0,\"output_length\":2}\n", ":2:31: "},
        {ROW("") "\n{\"timestamp\":-1,\"input_length\":1,\"output_length\":2}\n", ":3:14: "},
        {"{\"timestamp\":0,\"input_length\":1.5,\"output_length\":2}", ":1:31: "},
        {"{\"timestamp\":0,\"input_length\":\"5\",\"output_length\":2}", ":1:31: "},
        {"{\"timestamp\":0,\"input_length\":5}", ":1:1: "},
        {"{\"timestamp\":0,\"input_length\":99999999999999999999,\"output_length\":2}", ":1:31: "},
        {"{\"timestamp\":NaN,\"input_length\":5,\"output_length\":2}", ":1:14: "},
        {"{\"timestamp\":1e300,\"input_length\":5,\"output_length\":2}", ":1:14: "},
        {"{\"timestamp\":0,\"timestamp\":0,\"input_length\":5,\"output_length\":2}", ":1:16: "},
        {ROW(",\"hash_ids\":[1,-2]"), ":1:65: "},
        {ROW(",\"hash_ids\":7"), ":1:62: "},
        {ROW(",\"n\":0"), ":1:55: "},
        {ROW("") "[1]\n", ":2:1: "},
        {"{\"timestamp\":0,\"input_length\":5,\"output_length\":2", ":1:1: "},
        {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\nx\n", ":3:1: "},
        {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374\n", ":2:32: "},
        {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,0\n", ":2:33: "},
        {"a,b\n1,2\n", ":1:1: "},
        {"[]\n", ":1:1: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace *trace = NULL;
        struct diag diag = {0};
        cr_expect_eq(load(cases[i].text, strlen(cases[i].text), NULL, &trace, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].place), "%s: want %s in: %s", cases[i].text, cases[i].place, diag.text);
        cr_expect_null(trace);
    }
}

/* Load one request with this value in this field; `strictly` with a name that only the strict reader understands. */
static enum status load_value(const char *field, const char *value, bool strictly, struct trace **out)
{
    static const char *const needed[] = {"timestamp", "input_length", "output_length"};
    char text[512];
    struct diag diag = {0};
    struct trace_selection selection = trace_select_all();
    selection.keep_ids = true;
    int length = snprintf(text, sizeof text, "{\"%s\":%s%s", field, value, strictly ? ",\"\\u0078\":0" : "");
    for (int i = 0; i < 3; i++)
        if (strcmp(needed[i], field) != 0)
            length += snprintf(text + length, sizeof text - (size_t)length, ",\"%s\":1000", needed[i]);
    length += snprintf(text + length, sizeof text - (size_t)length, "}\n");
    return load(text, (size_t)length, &selection, out, &diag);
}

static double value_of(const struct trace *trace, const char *field)
{
    return field[0] == 'i'                   ? trace->input_tokens[0]
           : field[0] == 'o'                 ? trace->output_tokens[0]
           : field[0] == 'p'                 ? (trace->priority ? trace->priority[0] : 0)
           : field[0] == 'n'                 ? (trace->samples ? trace->samples[0] : 1)
           : field[0] == 'b'                 ? (trace->beam_width ? trace->beam_width[0] : 0)
           : strcmp(field, "timestamp") == 0 ? (double)trace->arrival_ns[0] / 1e6
           : strcmp(field, "delay") == 0     ? (trace->delay_ns ? (double)trace->delay_ns[0] / 1e6 : 0)
           : strcmp(field, "hash_ids") == 0  ? (double)trace_id_in_file(trace, trace->hash_ids[0])
                                             : trace->facts.tokens_per_hash_id;
}

/* The first and the last value of each field, and those one beyond, to both readers. */
Test(trace, each_field_has_its_range)
{
    static const struct {
        const char *field, *below, *least, *most, *above;
    } cases[] = {
        {"timestamp", "-1e-9", "0", "9e12", "9000000000001"},
        {"input_length", "0", "1", "1000000000", "1000000001"},
        {"output_length", "0", "1", "1000000000", "1000000001"},
        {"priority", "-2147483649", "-2147483648", "2147483647", "2147483648"},
        {"n", "0", "1", "1000", "1001"},
        {"beam_width", "0", "1", "1000", "1001"},
        {"delay", "-1e-9", "0", "9e12", "9000000000001"},
        {"hash_ids", "[-1]", "[0]", "[9223372036854775807]", "[9223372036854775808]"},
        {"trace_block_size", "0", "1", "1000000000", "1000000001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int strictly = 0; strictly < 2; strictly++) {
            const char *const ends[] = {cases[i].least, cases[i].most}, *const beyond[] = {cases[i].below, cases[i].above};
            for (int end = 0; end < 2; end++) {
                struct trace *trace = NULL;
                cr_assert_eq(load_value(cases[i].field, ends[end], strictly, &trace), SIM_OK, "%s %s", cases[i].field, ends[end]);
                cr_expect_eq(value_of(trace, cases[i].field), strtod(ends[end] + (*ends[end] == '['), NULL), "%s %s", cases[i].field,
                             ends[end]);
                trace_destroy(trace);
                cr_expect_eq(load_value(cases[i].field, beyond[end], strictly, &trace), SIM_BAD_INPUT, "%s %s", cases[i].field,
                             beyond[end]);
            }
        }
}

Test(trace, empty_files_directories_and_missing_files_are_refused)
{
    static const char *const empties[] = {"", "\n\n", "  \r\n", "TIMESTAMP,ContextTokens,GeneratedTokens\n"};
    struct trace *trace = NULL;
    struct trace_selection all = trace_select_all();
    for (size_t i = 0; i < sizeof empties / sizeof *empties; i++) {
        struct diag diag = {0};
        cr_expect_eq(load(empties[i], strlen(empties[i]), NULL, &trace, &diag), SIM_BAD_INPUT, "case %zu", i);
    }
    struct diag directory = {0}, missing = {0};
    cr_expect_eq(trace_load("/tmp", &all, &trace, &directory), SIM_BAD_INPUT);
    cr_expect(strstr(directory.text, "directory"));
    cr_expect_eq(trace_load("/nonexistent/trace", &all, &trace, &missing), SIM_BAD_INPUT);
}

Test(trace, order_of_arrival_keeps_file_numbers_and_ties)
{
    struct trace *trace = load_fine("{\"timestamp\":5,\"input_length\":1,\"output_length\":1}\r\n\n"
                                    "{\"timestamp\":0.5,\"input_length\":2,\"output_length\":1}\n"
                                    "{\"timestamp\":5,\"input_length\":3,\"output_length\":1}\n"
                                    "{\"timestamp\":0.0000005,\"input_length\":4,\"output_length\":1}",
                                    NULL);
    static const uint32_t index[] = {3, 1, 0, 2}, input[] = {4, 2, 1, 3};
    cr_assert_eq(trace->count, 4);
    cr_expect_eq(memcmp(trace->index, index, sizeof index), 0);
    cr_expect_eq(memcmp(trace->input_tokens, input, sizeof input), 0);
    cr_expect_eq(trace->arrival_ns[0], 0, "half a nanosecond rounds to even");
    cr_expect_eq(trace->arrival_ns[1], 500000);
    trace_destroy(trace);
}

Test(trace, azure_ticks_are_exact_over_midnight)
{
    struct trace *trace = load_fine("TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-12-31 23:59:59.9999999,10,1\r\n"
                                    "2024-01-01 00:00:00.0000001,11,2\r\n2024-02-29 00:00:00+00:00,12,3\r\n",
                                    NULL);
    cr_assert_eq(trace->count, 3);
    cr_expect_eq(trace->arrival_ns[0], 0);
    cr_expect_eq(trace->arrival_ns[1], 200);
    cr_expect_eq(trace->arrival_ns[2], (int64_t)59 * 86400 * 1000000000 + 100);
    trace_destroy(trace);
}

Test(trace, selections_apply_in_their_order)
{
    struct trace_selection some = trace_select_all();
    some.from_ns = 1000000;
    some.limit = 2;
    some.set_samples = 3;
    some.samples_every = 2;
    struct trace *trace =
        load_fine("{\"timestamp\":0,\"input_length\":1,\"output_length\":1}\n{\"timestamp\":1,\"input_length\":2,\"output_length\":1}\n"
                  "{\"timestamp\":2,\"input_length\":3,\"output_length\":1}\n{\"timestamp\":3,\"input_length\":4,\"output_length\":1}\n",
                  &some);
    cr_assert_eq(trace->count, 2);
    cr_expect_eq(trace->requests_in_file, 4);
    cr_expect_eq(trace_index(trace, 0), 1);
    cr_expect_eq(trace->arrival_ns[0], 1000000);
    cr_expect_eq(trace->samples[0], 1);
    cr_expect_eq(trace->samples[1], 3);
    struct trace *expanded;
    struct diag diag = {0};
    cr_assert_eq(trace_expand_samples(trace, &expanded, &diag), SIM_OK);
    static const uint32_t index[] = {1, 2, 2, 2}, sample[] = {0, 0, 1, 2};
    cr_assert_eq(expanded->count, 4);
    cr_expect_eq(memcmp(expanded->index, index, sizeof index), 0);
    cr_expect_eq(memcmp(expanded->sample, sample, sizeof sample), 0);
    trace_destroy(expanded);
    trace_destroy(trace);
}

Test(trace, ignored_fields_are_named_once)
{
    struct trace *trace = load_fine(ROW(",\"type\":\"a\",\"turn\":1") ROW(",\"turn\":2"), NULL);
    cr_expect_str_eq(trace->ignored_fields, "type, turn");
    trace_destroy(trace);
}

/* A random request as text; `extra` adds a field whose name only the strict reader understands. */
static size_t random_line(char *out, size_t size, uint64_t *random, bool extra)
{
    char time[64];
    uint32_t whole = random_below(random, 100000), form = random_below(random, 4);
    uint64_t decimals = random_next(random) % 1000000000000000000u;
    if (form == 0)
        snprintf(time, sizeof time, "%u", whole);
    else if (form == 1)
        snprintf(time, sizeof time, "%u.%u", whole, random_below(random, 1000000));
    else if (form == 2)
        snprintf(time, sizeof time, "%u.%018llu", whole, (unsigned long long)decimals);
    else
        snprintf(time, sizeof time, "%u.%03ue1", whole / 10, random_below(random, 1000));
    size_t used = (size_t)snprintf(out, size, "{\"timestamp\": %s,\"output_length\":%u , \"input_length\":%u", time,
                                   1 + random_below(random, 99), 4 + random_below(random, 9999));
    uint32_t hashes = random_below(random, 5);
    for (uint32_t i = 0; i < hashes; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%llu", i ? ", " : ",\"hash_ids\":[",
                                 (unsigned long long)(random_below(random, 2) ? random_below(random, 50) : random_next(random) >> 1));
    if (hashes)
        used += (size_t)snprintf(out + used, size - used, "]");
    if (random_below(random, 3) == 0)
        used +=
            (size_t)snprintf(out + used, size - used, ",\"priority\":%u,\"n\":%u", random_below(random, 9), 1 + random_below(random, 3));
    used += (size_t)snprintf(out + used, size - used, "%s}\n", extra ? ",\"\\u0078\":0" : "");
    return used;
}

static void expect_equal_columns(const void *a, const void *b, size_t bytes)
{
    cr_assert_eq(a == NULL, b == NULL);
    if (a)
        cr_assert_eq(memcmp(a, b, bytes), 0);
}

static void expect_equal_traces(const struct trace *a, const struct trace *b)
{
    cr_assert_eq(a->count, b->count);
    size_t words = a->count * sizeof(uint32_t);
    expect_equal_columns(a->arrival_ns, b->arrival_ns, a->count * sizeof(int64_t));
    expect_equal_columns(a->input_tokens, b->input_tokens, words);
    expect_equal_columns(a->output_tokens, b->output_tokens, words);
    expect_equal_columns(a->index, b->index, words);
    expect_equal_columns(a->priority, b->priority, words);
    expect_equal_columns(a->samples, b->samples, words);
    expect_equal_columns(a->hash_start, b->hash_start, (a->count + (size_t)1) * sizeof(uint64_t));
    if (a->hash_start)
        expect_equal_columns(a->hash_ids, b->hash_ids, a->hash_start[a->count] * sizeof(uint32_t));
    cr_assert_eq(a->distinct_hashes, b->distinct_hashes);
}

Test(trace, the_quick_reader_agrees_with_the_strict_one_at_any_number_of_threads)
{
    enum { LINES = 150000 }; /* enough for several pieces and, at one thread, windows */
    static char text[2][LINES * 400];
    size_t length[2] = {0, 0};
    for (int extra = 0; extra < 2; extra++) {
        uint64_t random = 11;
        for (int line = 0; line < LINES; line++)
            length[extra] += random_line(text[extra] + length[extra], sizeof text[extra] - length[extra], &random, extra);
    }
    struct trace *strict, *quick;
    struct diag diag = {0};
    cr_assert_eq(load(text[1], length[1], NULL, &strict, &diag), SIM_OK, "%s", diag.text);
    static const int threads[] = {1, 2, 8};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
#ifdef _OPENMP
        omp_set_num_threads(threads[i]);
#endif
        cr_assert_eq(load(text[0], length[0], NULL, &quick, &diag), SIM_OK, "%s", diag.text);
        expect_equal_traces(quick, strict);
        trace_destroy(quick);
    }
    trace_destroy(strict);
}

Test(trace, an_error_late_in_a_big_file_has_the_right_line_whatever_the_threads)
{
    enum { LINES = 500000 }; /* enough for several pieces and windows */
    static char text[LINES * 64 + 64];
    size_t length = 0;
    for (int line = 0; line < LINES; line++)
        length +=
            (size_t)sprintf(text + length, "%s", line == 450000 ? "{\"timestamp\":0,\"input_length\":0,\"output_length\":2}\n" : ROW(""));
    for (int threads = 1; threads <= 8; threads *= 2) {
        struct trace *trace = NULL;
        struct diag diag = {0};
#ifdef _OPENMP
        omp_set_num_threads(threads);
#endif
        cr_expect_eq(load(text, length, NULL, &trace, &diag), SIM_BAD_INPUT);
        cr_expect(strstr(diag.text, ":450001:31: "), "%s", diag.text);
    }
}

/* What a header says, and what a late row says first, hold in every window. */
Test(trace, a_file_of_several_windows_is_like_one_of_one)
{
    enum { LINES = 500000 };
    static char text[LINES * 64 + 64];
    static const struct {
        int blank, ids, line; /* an empty line comes first; the line with ids, from 0; what the trace says of it */
    } cases[] = {{0, 1000, 1001}, {0, 490000, 490001}, {1, 490000, 490002}, {1, 1000, 0}};
#ifdef _OPENMP
    omp_set_num_threads(2);
#endif
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = (size_t)sprintf(text, "%s", cases[i].blank ? "\n" : "");
        for (int line = 0; line < LINES; line++)
            length += (size_t)sprintf(text + length, "%s", line == cases[i].ids ? ROW(",\"hash_ids\":[1,2,3],\"extra\":1") : ROW(""));
        struct trace *trace = NULL;
        struct diag diag = {0};
        cr_assert_eq(load(text, length, NULL, &trace, &diag), SIM_OK, "%s", diag.text);
        const int row = cases[i].ids;
        cr_expect(trace->count == LINES && trace->hash_start[row] == 0 && trace->hash_start[row + 1] == 3, "case %zu", i);
        cr_expect_eq(trace->hash_start[LINES], 3);
        cr_expect_eq(trace->fit.line, (size_t)cases[i].line, "case %zu: line %zu", i, trace->fit.line);
        cr_expect_str_eq(trace->ignored_fields, "extra");
        trace_destroy(trace);
    }
}

/* What each optional column says of a row; the default where the column is missing. */
static int64_t told(const struct trace *trace, size_t column, uint32_t row)
{
    const void *items = trace_column_items(trace, &trace_columns[column]);
    if (!items)
        return trace_columns[column].otherwise;
    return trace_columns[column].size == sizeof(int64_t) ? ((const int64_t *)items)[row] : (int64_t)((const uint32_t *)items)[row];
}

/* A field that few rows have, in the first piece, a middle one or the last: the pieces without it have its default, and nobody's value
 * moves to another row. */
Test(trace, a_field_of_one_piece_holds_for_its_rows_and_no_others)
{
    enum { LINES = 240000, SOME = 5 }; /* three pieces */
    static char text[LINES * 128];
    static const struct {
        const char *field, *member;
        size_t offset; /* of the column */
        int64_t want;
    } cases[] = {
        {",\"n\":3", "n", offsetof(struct trace, samples), 3},
        {",\"priority\":-7", "priority", offsetof(struct trace, priority), (int64_t)(uint32_t)-7},
        {",\"beam_width\":4", "beam_width", offsetof(struct trace, beam_width), 4},
        {",\"session_id\":\"x\"", "session_id", offsetof(struct trace, session), 1},
        {",\"tenant\":\"x\"", "tenant", offsetof(struct trace, tenant), 1},
        {",\"finish_reason\":\"stop\"", "finish_reason", offsetof(struct trace, finish_reason), TRACE_FINISH_SAID(FINISH_STOP)},
        {",\"hash_ids\":[70000000000]", "hash_ids", 0, 0},
    };
#ifdef _OPENMP
    omp_set_num_threads(4);
#endif
    static const uint32_t firsts[] = {0, LINES / 2, LINES - SOME};
    for (size_t i = 0; i < sizeof cases / sizeof *cases * 3; i++) {
        const uint32_t first = firsts[i % 3];
        size_t length = 0;
        for (uint32_t line = 0; line < LINES; line++)
            length += (size_t)sprintf(text + length, "{\"timestamp\":%u,\"input_length\":5,\"output_length\":2%s}\n", line,
                                      line >= first && line < first + SOME ? cases[i / 3].field : "");
        struct trace *trace = NULL;
        struct diag diag = {0};
        cr_assert_eq(load(text, length, NULL, &trace, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(trace->count, LINES);
        uint32_t wrong = 0;
        for (uint32_t row = 0; row < LINES; row++) {
            const bool has = row >= first && row < first + SOME;
            for (size_t c = TRACE_COLUMNS_NEEDED; c < TRACE_COLUMNS_OF_FILES; c++) {
                const bool own = cases[i / 3].offset && trace_columns[c].offset == cases[i / 3].offset;
                wrong += told(trace, c, row) != (has && own ? cases[i / 3].want : trace_columns[c].otherwise);
            }
            if (trace->hash_start)
                wrong += trace->hash_start[row + 1] - trace->hash_start[row] != has;
            wrong += trace->arrival_ns[row] != (int64_t)row * 1000000;
        }
        cr_expect_eq(wrong, 0, "%s from row %u: %u wrong", cases[i / 3].member, first, wrong);
        cr_expect_eq(trace->hash_start != NULL, cases[i / 3].offset == 0);
        cr_expect_eq(trace->distinct_hashes, cases[i / 3].offset == 0);
        trace_destroy(trace);
    }
}

/* The same for a message about a row in the last piece: its line is that of the file. */
Test(trace, the_first_row_left_out_is_named_by_its_line_in_the_file)
{
    enum { LINES = 240000, WRONG = 230000 };
    static char text[LINES * 64];
    struct trace_selection selection = trace_select_all();
    struct trace *trace = NULL;
    struct diag diag = {0};
    size_t length = 0;
    for (uint32_t line = 1; line <= LINES; line++)
        length += (size_t)sprintf(text + length, "{\"timestamp\":%u,\"input_length\":%u,\"output_length\":2}\n", line, line != WRONG);
#ifdef _OPENMP
    omp_set_num_threads(4);
#endif
    selection.skip_invalid = true;
    cr_assert_eq(load(text, length, &selection, &trace, &diag), SIM_OK, "%s", diag.text);
    cr_expect(trace->skipped.count == 1 && trace->skipped.lines[0] == WRONG);
    cr_expect(strstr(trace->skipped.reason, ":230000:36: input_length must be"), "%s", trace->skipped.reason);
    trace_destroy(trace);
}
