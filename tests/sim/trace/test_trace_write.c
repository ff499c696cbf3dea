/* test_trace_write.c - what is written reads back as the same columns, on random traces; how many tokens an id names; what edits keep. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/random.h"
#include "trace/trace_block_size.h"
#include "trace/trace_edit.h"
#include "trace/trace_write.h"

/* A file of the test's own, removed by whoever made it. */
struct scratch {
    char path[64];
};

static struct scratch scratch_file(void)
{
    struct scratch file = {"/tmp/pagesim_trace_write_XXXXXX"};
    int descriptor = mkstemp(file.path);
    cr_assert(descriptor >= 0);
    close(descriptor);
    return file;
}

static struct trace *load(const char *path)
{
    struct trace *trace = NULL;
    struct diag diag = {0};
    struct trace_selection all = trace_select_all();
    all.keep_ids = true;
    cr_assert_eq(trace_load(path, &all, &trace, &diag), SIM_OK, "%s", diag.text);
    return trace;
}

static struct trace *load_text(const char *text)
{
    struct scratch file = scratch_file();
    FILE *out = fopen(file.path, "w");
    cr_assert(out);
    fputs(text, out);
    fclose(out);
    struct trace *trace = load(file.path);
    unlink(file.path);
    return trace;
}

static struct trace *write_and_load(const struct trace *trace)
{
    struct scratch file = scratch_file();
    struct text_writer *writer;
    struct diag diag = {0};
    cr_assert_eq(text_writer_open(file.path, &writer, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(trace_write(trace, writer, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(text_writer_commit(writer, &diag), SIM_OK, "%s", diag.text);
    struct trace *again = load(file.path);
    unlink(file.path);
    return again;
}

/* Every column but the number in the file, which is the order of arrival in the copy; sessions by name. */
static void expect_same(const struct trace *a, const struct trace *b)
{
    cr_assert_eq(a->count, b->count);
    for (size_t c = 0; c < TRACE_COLUMNS_OF_FILES; c++) {
        const char *left = trace_column_items(a, &trace_columns[c]), *right = trace_column_items(b, &trace_columns[c]);
        cr_assert_eq(left == NULL, right == NULL, "column %zu", c);
        if (left && trace_columns[c].offset != offsetof(struct trace, session) && trace_columns[c].offset != offsetof(struct trace, tenant))
            cr_assert_eq(memcmp(left, right, a->count * trace_columns[c].size), 0, "column %zu", c);
    }
    cr_assert_eq(a->distinct_hashes, b->distinct_hashes);
    for (uint32_t i = 0; i < a->count; i++) {
        cr_assert_eq(trace_hash_count(a, i), trace_hash_count(b, i));
        for (uint64_t k = 0; k < trace_hash_count(a, i); k++)
            cr_assert_eq(trace_id_in_file(a, a->hash_ids[a->hash_start[i] + k]), trace_id_in_file(b, b->hash_ids[b->hash_start[i] + k]));
        size_t left = 0, right = 0;
        const char *name = a->session && a->session[i] ? session_names_text(&a->sessions, a->session[i], &left) : "";
        const char *other = b->session && b->session[i] ? session_names_text(&b->sessions, b->session[i], &right) : "";
        cr_assert(left == right && memcmp(name, other, left) == 0, "session of %u", i);
        left = right = 0;
        name = a->tenant && a->tenant[i] ? session_names_text(&a->tenants, a->tenant[i], &left) : "";
        other = b->tenant && b->tenant[i] ? session_names_text(&b->tenants, b->tenant[i], &right) : "";
        cr_assert(left == right && memcmp(name, other, left) == 0, "tenant of %u", i);
    }
}

/* The size stands in the first row of what is written, whichever it was. */
Test(trace_write, what_an_id_names_is_kept)
{
    struct trace *trace = load_text("{\"timestamp\":2,\"input_length\":60,\"output_length\":1,\"hash_ids\":[5,6],\"trace_block_size\":32}\n"
                                    "{\"timestamp\":1,\"input_length\":33,\"output_length\":1}\n");
    struct trace *again = write_and_load(trace);
    cr_expect_eq(trace->facts.tokens_per_hash_id, 32);
    cr_expect_eq(again->facts.tokens_per_hash_id, 32);
    cr_expect_str_eq(again->ignored_fields, "");
    cr_expect_not(again->facts.ids_cover_answers);
    trace_destroy(trace);
    trace_destroy(again);
}

/* Ids are numbers as published traces have them, small ones in any order, or hashes of 63 bits. */
static uint64_t random_id(uint64_t *random, uint32_t kind)
{
    return kind == 0 ? random_below(random, 40) : kind == 1 ? (uint64_t)random_below(random, 1000) * 7 : random_next(random) >> 1 | 1;
}

/* Few sessions, so that most have several turns: numbers, and strings with what JSON escapes. */
static void print_random_session(FILE *out, uint64_t *random)
{
    static const char *const names[] = {
        "7", "\"7\"", "\"a b\"", "\"\\\"\\\\\"", "\"\\u0001\\n\\u007f\"", "\"\xc3\xa9\\u4e16\\ud83d\\ude00\"", "\"\""};
    static const char *const reasons[] = {"length", "stop"};
    if (random_below(random, 2) == 0)
        fprintf(out, ",\"session_id\":%s", names[random_below(random, sizeof names / sizeof *names)]);
    if (random_below(random, 3) == 0)
        fprintf(out, ",\"tenant%s\":%s", random_below(random, 2) ? "_id" : "", names[random_below(random, sizeof names / sizeof *names)]);
    if (random_below(random, 3) == 0)
        fprintf(out, ",\"delay\":%u.%06u", random_below(random, 3000), random_below(random, 1000000));
    if (random_below(random, 3) == 0)
        fprintf(out, ",\"finish_reason\":\"%s\"", reasons[random_below(random, 2)]);
}

static void print_random_row(FILE *out, uint64_t *random, uint32_t kind)
{
    const uint32_t tokens = 1 + random_below(random, 4000);
    fputs("{", out);
    if (random_below(random, 5) > 0)
        fprintf(out, "\"timestamp\":%u.%06u,", random_below(random, 3000), random_below(random, 1000000));
    fprintf(out, "\"input_length\":%u,\"output_length\":%u", tokens, 1 + random_below(random, 300));
    if (random_below(random, 3) > 0) {
        fputs(",\"hash_ids\":[", out);
        for (uint32_t i = 0, ids = 1 + random_below(random, 1 + (tokens - 1) / 16); i < ids; i++)
            fprintf(out, "%s%llu", i ? "," : "", (unsigned long long)random_id(random, kind));
        fputs("]", out);
    }
    if (random_below(random, 4) == 0)
        fprintf(out, ",\"priority\":%d", (int)random_below(random, 9) - 4);
    if (random_below(random, 4) == 0)
        fprintf(out, ",\"n\":%u", 1 + random_below(random, 4));
    if (random_below(random, 6) == 0)
        fprintf(out, ",\"beam_width\":%u", 1 + random_below(random, 4));
    if (kind != 1)
        print_random_session(out, random);
    fputs("}\n", out);
}

/* So many random rows, read, written and read again. */
static void expect_round_trip(uint64_t *random, uint32_t rows, uint32_t kind)
{
    struct scratch file = scratch_file();
    FILE *out = fopen(file.path, "w");
    for (uint32_t i = 0; i < rows; i++)
        print_random_row(out, random, kind);
    fclose(out);
    struct trace *trace = load(file.path), *again = write_and_load(trace);
    expect_same(trace, again);
    trace_destroy(trace);
    trace_destroy(again);
    unlink(file.path);
}

Test(trace_write, what_is_written_reads_back_as_the_same_columns)
{
    uint64_t random = 5;
    for (uint32_t round = 0; round < 60; round++) {
        const uint32_t rows = 1 + random_below(&random, 60);
        expect_round_trip(&random, rows, round % 3);
    }
}

/* The writer's buffer ends somewhere in a row: in a list of ids, between rows, in a name. */
Test(trace_write, rows_go_over_the_end_of_the_buffer)
{
    uint64_t random = 6;
    for (uint32_t round = 0; round < 40; round++)
        expect_round_trip(&random, 400, 2);
}

/* Columns that other formats fill in: put there by hand, looked at as text. */
Test(trace_write, sessions_delays_and_reasons_are_members)
{
    struct trace *trace = load_text("{\"timestamp\":1.5,\"input_length\":3,\"output_length\":2}\n"
                                    "{\"timestamp\":2,\"input_length\":4,\"output_length\":2}\n");
    struct diag diag = {0};
    struct scratch file = scratch_file();
    struct text_writer *writer;
    char text[256] = "";
    trace->session = calloc(2, sizeof *trace->session);
    trace->delay_ns = calloc(2, sizeof *trace->delay_ns);
    trace->untimed = calloc(2, sizeof *trace->untimed);
    trace->finish_reason = calloc(2, sizeof *trace->finish_reason);
    trace->delay_ns[1] = 250000001;
    trace->untimed[1] = 1;
    trace->finish_reason[1] = TRACE_FINISH_SAID(FINISH_STOP);
    cr_assert_eq(session_names_number(&trace->sessions, "a\"\n", 3, &trace->session[1], &diag), SIM_OK);
    cr_assert_eq(text_writer_open(file.path, &writer, &diag), SIM_OK);
    cr_assert_eq(trace_write(trace, writer, &diag), SIM_OK);
    cr_assert_eq(text_writer_commit(writer, &diag), SIM_OK);
    FILE *in = fopen(file.path, "r");
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    unlink(file.path);
    cr_expect_str_eq(text, "{\"timestamp\":1.5,\"input_length\":3,\"output_length\":2}\n"
                           "{\"input_length\":4,\"output_length\":2,\"finish_reason\":\"stop\",\"delay\":250.000001,"
                           "\"session_id\":\"a\\\"\\u000a\"}\n");
    trace_destroy(trace);
}

Test(trace_write, the_block_size_is_what_is_said_or_what_rows_allow)
{
    static const struct {
        uint32_t tokens, ids, said, wanted, expected; /* 0: refused */
    } cases[] = {{100, 1, 0, 0, 512},   {600, 2, 0, 0, 512}, {100, 7, 0, 0, 16},   {100, 7, 0, 16, 16},     {100, 7, 0, 15, 15},
                 {100, 7, 0, 17, 0},    {100, 3, 0, 0, 0},   {100, 3, 0, 40, 40},  {100, 7, 15, 0, 15},     {100, 7, 15, 512, 0},
                 {600, 2, 0, 512, 512}, {600, 2, 0, 600, 0}, {2000, 2, 0, 0, 512}, {2000, 2, 0, 1999, 1999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        size_t length = (size_t)snprintf(text, sizeof text, "\n{\"timestamp\":0,\"input_length\":%u,\"output_length\":1,\"hash_ids\":[0",
                                         cases[i].tokens);
        for (uint32_t k = 1; k < cases[i].ids; k++)
            length += (size_t)snprintf(text + length, sizeof text - length, ",%u", k);
        snprintf(text + length, sizeof text - length, "]}\n");
        struct trace *trace = load_text(text);
        struct diag diag = {0};
        uint32_t width = 0;
        bool inferred = false;
        trace->facts.tokens_per_hash_id = cases[i].said;
        const enum status status = trace_block_size_choose(trace, cases[i].wanted, &width, &inferred, &diag);
        cr_expect_eq(status, cases[i].expected ? SIM_OK : SIM_BAD_INPUT, "case %zu", i);
        cr_expect_eq(width, cases[i].expected, "case %zu: %u", i, width);
        cr_expect(status == SIM_OK || strstr(diag.text, ":2:1: "), "case %zu: %s", i, diag.text);
        cr_expect_eq(inferred, status == SIM_OK && cases[i].expected == 16 && cases[i].wanted == 0, "case %zu", i);
        trace_destroy(trace);
    }
}

/* A session is kept or left out as a whole, and the seed decides which. */
Test(trace_edit, a_sample_keeps_whole_sessions)
{
    struct diag diag = {0};
    uint32_t kept[2] = {0};
    for (uint32_t round = 0; round < 2; round++) {
        char text[100 * 64] = "", *at = text;
        for (uint32_t i = 0; i < 100; i++)
            at += sprintf(at, "{\"timestamp\":%u,\"input_length\":9,\"output_length\":1}\n", i);
        struct trace *trace = load_text(text);
        uint32_t turns[21] = {0};
        trace->session = calloc(100, sizeof *trace->session);
        for (uint32_t i = 0; i < 100; i++) {
            const int length = sprintf(text, "s%u", i % 20);
            cr_assert_eq(session_names_number(&trace->sessions, text, (size_t)length, &trace->session[i], &diag), SIM_OK);
        }
        cr_assert_eq(trace_link_turns(trace, &diag), SIM_OK);
        cr_assert_eq(trace_sample(&trace, 0.5, 3, &diag), SIM_OK);
        for (uint32_t i = 0; i < trace->count; i++)
            turns[trace->session[i]]++;
        for (uint32_t session = 1; session <= 20; session++)
            cr_expect(turns[session] == 0 || turns[session] == 5);
        kept[round] = trace->count;
        trace_destroy(trace);
    }
    cr_expect(kept[0] == kept[1] && kept[0] > 0 && kept[0] < 100);
}

/* Turn 2 has no time and its session's start is gone: it begins when it could at the earliest. */
Test(trace_edit, a_filter_gives_a_later_turn_the_time_of_its_session)
{
    struct diag diag = {0};
    struct trace *trace = load_text("{\"timestamp\":5,\"input_length\":3,\"output_length\":2}\n"
                                    "{\"timestamp\":5,\"input_length\":30,\"output_length\":2}\n");
    trace->session = calloc(2, sizeof *trace->session);
    trace->untimed = calloc(2, sizeof *trace->untimed);
    trace->untimed[1] = 1;
    for (uint32_t i = 0; i < 2; i++)
        cr_assert_eq(session_names_number(&trace->sessions, "a", 1, &trace->session[i], &diag), SIM_OK);
    cr_assert_eq(trace_link_turns(trace, &diag), SIM_OK);
    const struct trace_filter filter = {
        .input_least = 10, .input_most = 100, .output_most = 100, .priority_least = INT32_MIN, .priority_most = INT32_MAX};
    cr_assert_eq(trace_filter(&trace, &filter, &diag), SIM_OK);
    cr_assert_eq(trace->count, 1);
    cr_expect_eq(trace->untimed[0], 0);
    cr_expect_eq(trace->arrival_ns[0], 5000000);
    const struct trace_filter none = {.input_least = 1000, .input_most = 1000, .output_most = 100};
    cr_expect_eq(trace_filter(&trace, &none, &diag), SIM_BAD_INPUT);
    trace_destroy(trace);
}

/* Ids and sessions of the same names stay apart, and a name that the second file brings along as "a.2" does not meet the renamed one. */
Test(trace_edit, merged_files_share_nothing)
{
    struct diag diag = {0};
    struct trace *parts[2], *merged = NULL;
    static const char *const names[2][2] = {{"a", "a.2"}, {"a", "b"}};
    for (uint32_t p = 0; p < 2; p++) {
        parts[p] = load_text("{\"timestamp\":1,\"input_length\":600,\"output_length\":2,\"hash_ids\":[7,3]}\n"
                             "{\"timestamp\":2,\"input_length\":4,\"output_length\":2}\n");
        parts[p]->session = calloc(2, sizeof *parts[p]->session);
        for (uint32_t i = 0; i < 2; i++)
            cr_assert_eq(session_names_number(&parts[p]->sessions, names[p][i], strlen(names[p][i]), &parts[p]->session[i], &diag), SIM_OK);
    }
    const uint32_t same[] = {512, 512}, other[] = {512, 16};
    cr_assert_eq(trace_merge(parts, same, 2, &merged, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(merged->count, 4);
    static const char *const expected[] = {"a", "a.3", "a.2", "b"};
    for (uint32_t i = 0; i < 4; i++) {
        size_t length;
        const char *name = session_names_text(&merged->sessions, merged->session[i], &length);
        cr_expect(length == strlen(expected[i]) && memcmp(name, expected[i], length) == 0, "%.*s", (int)length, name);
        cr_expect_eq(merged->arrival_ns[i], i < 2 ? 1000000 : 2000000);
    }
    cr_expect_eq(merged->distinct_hashes, 4);
    cr_expect_eq(merged->hash_ids[0], 0);
    cr_expect_eq(merged->hash_ids[2], 2);
    trace_destroy(merged);
    cr_expect_eq(trace_merge(parts, other, 2, &merged, &diag), SIM_BAD_INPUT);
    trace_destroy(parts[0]);
    trace_destroy(parts[1]);
}

/* Requests and ids are numbered in 32 bits. What counts is looked at before anything is copied, so traces need not be as large as they say. */
Test(trace_edit, merged_files_have_numbers_for_all)
{
    static const struct {
        uint32_t rows, ids;
    } ends[] = {{UINT32_MAX / 4 + 1, 1}, {1, UINT32_MAX / 2 + 1}};
    static const char *const said[] = {"hold 2147483648 requests and 2 ", "hold 2 requests and 4294967296 "};
    const uint32_t blocks[] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct diag diag = {0};
        struct trace part = {.count = ends[i].rows, .distinct_hashes = ends[i].ids}, *parts[] = {&part, &part}, *merged = NULL;
        cr_expect_eq(trace_merge(parts, blocks, 2, &merged, &diag), SIM_BAD_INPUT);
        cr_expect(strstr(diag.text, said[i]), "%s", diag.text);
    }
}

Test(trace_edit, scaled_lengths_scale_what_an_id_names)
{
    struct diag diag = {0};
    struct trace *trace = load_text("{\"timestamp\":2,\"input_length\":33,\"output_length\":1,\"hash_ids\":[5,6,7]}\n");
    cr_assert_eq(trace_scale(trace, 0.5, 0.25, 16, &diag), SIM_OK);
    cr_expect_eq(trace->arrival_ns[0], 1000000);
    cr_expect_eq(trace->input_tokens[0], 8);
    cr_expect_eq(trace->output_tokens[0], 1);
    cr_expect_eq(trace->facts.tokens_per_hash_id, 4);
    cr_expect_eq(trace_hash_count(trace, 0), 2, "8 tokens have two ids of 4");
    cr_expect_eq(trace_scale(trace, 1, 1e9, 4, &diag), SIM_BAD_INPUT);
    trace_destroy(trace);
}

Test(trace_edit, anonymised_traces_have_numbers)
{
    struct diag diag = {0};
    struct trace *trace = load_text("{\"timestamp\":4,\"input_length\":600,\"output_length\":1,\"hash_ids\":[500000000000,6]}\n"
                                    "{\"timestamp\":3,\"input_length\":600,\"output_length\":1,\"hash_ids\":[6,9]}\n");
    cr_assert_eq(trace_id_in_file(trace, trace->hash_ids[2]), UINT64_C(500000000000));
    cr_assert_eq(trace_anonymise(trace, &diag), SIM_OK);
    cr_expect_eq(trace->arrival_ns[0], 0);
    static const uint32_t expected[] = {0, 1, 2, 0};
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(trace_id_in_file(trace, trace->hash_ids[i]), expected[i]);
    trace_destroy(trace);
}
