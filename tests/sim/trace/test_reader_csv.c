/* test_reader_csv.c - the CSV formats: small files of each kind, exact times, places of errors, and the quick readers against the strict
 * one on random rows. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "support/random.h"
#include "support/text_trace.h"
#include "trace/csv_rows.h"
#include "trace/csv_values.h"
#include "trace/trace_random.h"

/* --- formats --------------------------------------------------------------------------------------------------------------------- */

#define AZURE "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define BURST "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"

/* Three requests each; lengths are 10 1, 20 2, 30 3 in order of arrival. */
static const struct {
    const char *format, *text;
    int64_t arrivals_us[3];
    const char *ignored;
} files[] = {
    {"azure",
     AZURE "2024-05-10 00:00:00.000001+00:00,10,1\n2024-05-10 00:00:01+00:00,20,2\n2024-05-10 00:00:01.5+00:00,30,3\n",
     {0, 999999, 1499999},
     ""},
    {"azure",
     AZURE "\"2024-05-10 00:00:00\",10,1\n\"2024-05-10 00:00:00.25\",\"20\",2\n\"2024-05-10 00:01:00\",30, 3 \n",
     {0, 250000, 60000000},
     ""},
    {"azure",
     AZURE "2024-05-09 17:00:00-07:00,10,1\n2024-05-10 05:30:00.5+0530,20,2\n2024-05-10T00:00:01Z,30,3\n",
     {0, 500000, 1000000},
     ""},
    {"azure", AZURE "2024-05-10 00:00:02,30,3\n2024-05-10 00:00:00,10,1\n2024-05-10 00:00:01,20,2\n", {0, 1000000, 2000000}, ""},
    {"azure",
     "\xEF\xBB\xBF" AZURE "2024-05-10 00:00:00,10,1\n2024-05-10 00:00:01,20,2\n2024-05-10 00:00:02,30,3\n",
     {0, 1000000, 2000000},
     ""},
    {"azure",
     ",GeneratedTokens , timestamp,Deadline,contexttokens\n0,1,2024-05-10 00:00:00,.5,10\n1,2,2024-05-10 00:00:01,\"a,\"\"b\",20\n"
     "2,3,2024-05-10 00:00:02,,30\n",
     {0, 1000000, 2000000},
     "\"\", Deadline"},
    {"azure",
     "TIMESTAMP;ContextTokens;GeneratedTokens\n2024-05-10 00:00:00;10;1\n2024-05-10 00:00:01;20;2\n2024-05-10 00:00:02;30;3\n",
     {0, 1000000, 2000000},
     ""},
    {"burstgpt",
     "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,M,10,1,11,L\n6,M,20,2,22,L\n8.5,M,30,3,33,L\n",
     {0, 1000000, 3500000},
     ""},
    {"burstgpt", BURST "5,a,1,M,10,1,11,L\n6,,1,M,20,2,22,L\n8.5, a ,1,M,30,3,33,L\n", {0, 1000000, 3500000}, ""},
    {"vidur", "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,10,1\n1e0,20.0,2\n2.25,30,3\n", {500000, 1000000, 2250000}, ""},
    {"vidur", "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n10,1,11,10.0\n20,2,22,10.0\n30,3,33,10.0\n", {0, 0, 0}, ""},
    {"splitwise-sim",
     "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n0,2,0,0,1,10,1\n1,2,0,2,1,20,2\n"
     "2,2,0,2.75,1,30,3\n",
     {0, 2000000, 2750000},
     ""},
    {"gaps", "Time,RequestTokens,ResponseTokens\n0,10,1\n0.052,20,2\n1.5,30,3\n", {0, 52000, 1552000}, ""},
};

Test(reader_csv, a_file_of_each_kind)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct trace *trace = text_trace(files[i].text, NULL);
        cr_expect_str_eq(trace->format, files[i].format);
        cr_expect_str_eq(trace->ignored_fields, files[i].ignored, "case %zu: %s", i, trace->ignored_fields);
        cr_assert_eq(trace->count, 3, "case %zu", i);
        for (uint32_t k = 0; k < 3; k++)
            cr_expect(trace->arrival_ns[k] == files[i].arrivals_us[k] * 1000 && trace->input_tokens[k] == 10 * (k + 1) &&
                          trace->output_tokens[k] == k + 1,
                      "case %zu, request %u: %lld", i, k, (long long)trace->arrival_ns[k]);
        trace_destroy(trace);
    }
}

Test(reader_csv, burstgpt_sessions_are_the_cells_that_are_not_empty)
{
    struct trace *trace = text_trace(BURST "5,a,1,M,10,1,11,L\n6,,1,M,20,2,22,L\n8, a ,1,M,30,3,33,L\n9,\"b \"\"x\",1,M,30,3,33,L\n", NULL);
    static const uint32_t sessions[] = {1, 0, 1, 2};
    size_t length;
    cr_assert(trace->session);
    cr_expect_eq(memcmp(trace->session, sessions, sizeof sessions), 0);
    const char *name = session_names_text(&trace->sessions, 2, &length);
    cr_expect(length == 4 && memcmp(name, "b \"x", 4) == 0);
    trace_destroy(trace);
}

Test(reader_csv, a_row_without_a_time_or_an_output_says_so)
{
    struct trace *trace = text_trace("num_prefill_tokens,num_decode_tokens\n\n10,1\n20,2\n", NULL);
    cr_assert(trace->untimed && trace->untimed[0] == 1 && trace->untimed[1] == 1);
    cr_expect_eq(trace->untimed_line, 3);
    trace_destroy(trace);
    struct diag diag;
    static const char no_output[] = "num_prefill_tokens,num_decode_tokens\n10,1\n20,\n30,3\n";
    cr_assert_eq(text_trace_load(no_output, NULL, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":3:1: ") && strstr(diag.text, "--output-length"), "%s", diag.text);
    struct trace_selection selection = trace_select_all();
    selection.skip_invalid = true;
    trace = text_trace(no_output, &selection);
    cr_expect(trace->count == 2 && trace->skipped.count == 1 && trace->skipped.lines[0] == 3);
    cr_expect(strstr(trace->skipped.reason, ":3:"), "the header is a line: %s", trace->skipped.reason);
    trace_destroy(trace);
    selection.output_least = selection.output_most = 7;
    trace = text_trace(no_output, &selection);
    cr_expect(trace->count == 3 && trace->output_tokens[1] == 7);
    trace_destroy(trace);
}

Test(reader_csv, columns_name_any_file)
{
    const struct trace_field_names names = {.of = {[TRACE_FIELD_ARRIVAL] = "ts",
                                                   [TRACE_FIELD_INPUT] = "in",
                                                   [TRACE_FIELD_OUTPUT] = "out",
                                                   [TRACE_FIELD_HASH_IDS] = "ids",
                                                   [TRACE_FIELD_PRIORITY] = "p",
                                                   [TRACE_FIELD_N] = "n",
                                                   [TRACE_FIELD_BEAM_WIDTH] = "beam",
                                                   [TRACE_FIELD_SESSION] = "chat",
                                                   [TRACE_FIELD_DELAY] = "wait",
                                                   [TRACE_FIELD_FINISH_REASON] = "end"}};
    struct trace_selection selection = trace_select_all();
    struct diag diag;
    selection.columns = &names;
    selection.time_unit_ns = 1e6;
    struct trace *trace = text_trace("ts,TS,in,out,ids,p,n,beam,chat,wait,end,more\n"
                                     "10,x,40,4,\"[7, 8]\",-3,2,,a,,stop,1\n"
                                     "10.5,x,50,5,7 9,,,3,a,20,length,1\n",
                                     &selection);
    cr_expect(trace->arrival_ns[0] == 0 && trace->arrival_ns[1] == 500000);
    cr_expect(trace->hash_start[2] == 4 && trace->hash_ids[0] == trace->hash_ids[2] && trace->distinct_hashes == 3);
    cr_expect(trace->priority[0] == -3 && trace->priority[1] == 0 && trace->samples[0] == 2 && trace->samples[1] == 1);
    cr_expect(trace->beam_width[0] == 0 && trace->beam_width[1] == 3 && trace->session[0] == 1 && trace->session[1] == 1);
    cr_expect(trace->delay_ns[1] == 20000000 && trace_finish_reason(trace, 0, FINISH_LENGTH) == FINISH_STOP &&
              trace_finish_reason(trace, 1, FINISH_STOP) == FINISH_LENGTH);
    cr_expect_str_eq(trace->ignored_fields, "");
    trace_destroy(trace);
    cr_assert_eq(text_trace_load("ts,in,out\n1,1,1\n", &selection, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":1:1: ") && strstr(diag.text, "no column is called \"ids\""), "%s", diag.text);
}

Test(reader_csv, ends_are_two_words_or_not_said)
{
    const struct trace_field_names names = {
        .of = {[TRACE_FIELD_INPUT] = "in", [TRACE_FIELD_OUTPUT] = "out", [TRACE_FIELD_FINISH_REASON] = "end"}};
    struct trace_selection selection = trace_select_all();
    struct trace *trace;
    struct diag diag;
    selection.columns = &names;
    trace = text_trace("in,out,end\n1,1,\n1,1,length\n1,1,stop\n1,1,tool_calls\n", &selection);
    for (int otherwise = FINISH_LENGTH; otherwise <= FINISH_STOP; otherwise++) {
        cr_expect_eq(trace_finish_reason(trace, 0, (enum finish_reason)otherwise), otherwise);
        cr_expect_eq(trace_finish_reason(trace, 1, (enum finish_reason)otherwise), FINISH_LENGTH);
        cr_expect_eq(trace_finish_reason(trace, 2, (enum finish_reason)otherwise), FINISH_STOP);
        cr_expect_eq(trace_finish_reason(trace, 3, (enum finish_reason)otherwise), FINISH_STOP, "a tool call is the model's own end");
    }
    trace_destroy(trace);
    static const char *const wrong[] = {"Stop", "stops", "sto", "lengths", "1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[64];
        snprintf(text, sizeof text, "in,out,end\n1,1,stop\n22,1,%s\n", wrong[i]);
        cr_assert_eq(text_trace_load(text, &selection, &trace, &diag), SIM_BAD_INPUT);
        cr_expect(strstr(diag.text, ":3:6: end must be \"length\" or \"stop\""), "%s", diag.text);
    }
}

/* --- loads ----------------------------------------------------------------------------------------------------------------------- */

Test(reader_csv, servegen_rates_hold_until_the_next_row)
{
    const struct random_workload lengths = {.input_tokens = 100, .output_tokens = 10, .range_ratio = 0.5};
    struct trace_selection selection = trace_select_all();
    selection.lengths = &lengths;
    /* 20,000 and 40,000 expected; the last row is as long as the one before it. */
    struct trace *trace = text_trace("0,2,1.0,Exponential,20,0\n10000,0,,,,\n20000,4,1.5,Gamma,0.69,14.4\n", &selection);
    uint32_t early = 0, middle = 0;
    for (uint32_t i = 0; i < trace->count; i++) {
        early += trace->arrival_ns[i] < 10000000000000;
        middle += trace->arrival_ns[i] > 10000000000000 && trace->arrival_ns[i] < 20000000000000;
        cr_assert(trace->input_tokens[i] >= 50 && trace->input_tokens[i] <= 150 && trace->output_tokens[i] >= 5);
    }
    /* Four standard deviations are 4 * sqrt(20000) and 4 * 1.5 * sqrt(40000). */
    cr_expect(early > 19430 && early < 20570, "%u", early);
    cr_expect_eq(middle, 0);
    cr_expect(trace->count - early > 38800 && trace->count - early < 41200, "%u", trace->count - early);
    cr_expect(trace->arrival_ns[trace->count - 1] <= 30000000000000 && trace->facts.load);
    trace_destroy(trace);
    trace = text_trace("0,2,0,Gamma,1,1\n", &selection);
    cr_expect(trace->count == 1200 && trace->arrival_ns[0] == 500000000, "without spread a request each half second, for ten minutes");
    trace_destroy(trace);
}

/* --- errors ---------------------------------------------------------------------------------------------------------------------- */

Test(reader_csv, errors_name_the_cell)
{
    static const struct {
        const char *text, *place, *says;
    } cases[] = {
        {AZURE "2024-05-10 00:00:00,10\n", ":2:23: ", "ends before"},
        {AZURE "2024-05-10 00:00:00,10,1,5\n", ":2:25: ", "after the last column"},
        {AZURE "2024-05-10 00:00:00,0,1\n", ":2:21: ", "ContextTokens must be"},
        {AZURE "2024-05-10 00:00:00,1.5,1\n", ":2:21: ", "ContextTokens must be"},
        {AZURE "2024-05-10 00:00:00,5,\"x\"\n", ":2:23: ", "GeneratedTokens must be"},
        {AZURE "2024-05-10 00:00:00,5,\"1\n", ":2:23: ", "quotes"},
        {AZURE "2024-05-10 00:00:00,5,\"1\" 2\n", ":2:27: ", "quotes"},
        {AZURE "2024-02-30 00:00:00,5,1\n", ":2:1: ", "not a time"},
        {AZURE "2024-05-10 00:00:00+1,5,1\n", ":2:1: ", "not a time"},
        {AZURE "17,5,1\n", ":2:1: ", "not a time"},
        {BURST "5,a,1,M,10,0,11,L\n", ":2:12: ", "Response tokens must be"},
        {BURST "-5,a,1,M,10,1,11,L\n", ":2:1: ", "Timestamp must be a number of seconds"},
        {"Time,RequestTokens,ResponseTokens\n0,1,1\n9.1e9,1,1\n", ":3:1: ", "Time must be a number of seconds from 0 to 9e9"},
        {"Time,RequestTokens,ResponseTokens,Time\n0,1,1,0\n", ":1:1: ", "format is not known"},
        {"0,1,1,Gamma,1,1\n5,1,1,Gamma,1\n", ":2:1: ", "six cells"},
        {"0,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n", ":2:1: ", "later than"},
        {"0,1,1,Gamma,1,1\n5,x,1,Gamma,1,1\n", ":2:3: ", "rate"},
        {"0,1,1,Gamma,1,1\n5,1,1,Odd,1,1\n", ":2:7: ", "distribution"},
        {"0,1e6,1,Gamma,1,1\n1e9,1,1,Gamma,1,1\n", ":1:1: ", "requests"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace *trace = NULL;
        struct diag diag;
        cr_assert_eq(text_trace_load(cases[i].text, NULL, &trace, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].place) && strstr(diag.text, cases[i].says), "%s: %s", cases[i].text, diag.text);
    }
}

/* Cells that only --columns can bring: each with its own rule. */
Test(reader_csv, errors_name_the_cell_of_a_named_column)
{
    static const struct trace_field_names names = {.of = {[TRACE_FIELD_ARRIVAL] = "ts",
                                                          [TRACE_FIELD_INPUT] = "in",
                                                          [TRACE_FIELD_OUTPUT] = "out",
                                                          [TRACE_FIELD_HASH_IDS] = "ids",
                                                          [TRACE_FIELD_PRIORITY] = "p",
                                                          [TRACE_FIELD_N] = "n",
                                                          [TRACE_FIELD_BEAM_WIDTH] = "beam",
                                                          [TRACE_FIELD_SESSION] = "chat",
                                                          [TRACE_FIELD_DELAY] = "wait"}};
    static const struct {
        const char *row, *says; /* NULL: it is fine */
    } cases[] = {
        {"1,5,2,[1],0,1,,a,0", NULL},
        {"1,5,2,[1 x],0,1,,a,0", ":2:7: ids must be a list of integers from 0 on"},
        {"1,5,2,-1,0,1,,a,0", ":2:7: ids must be a list"},
        {"1,5,2,9223372036854775807,0,1,,a,0", NULL},
        {"1,5,2,9223372036854775808,0,1,,a,0", ":2:7: ids must be a list"},
        {"1,5,2,,-2147483648,1,,a,0", NULL},
        {"1,5,2,,2147483647,1,,a,0", NULL},
        {"1,5,2,,-2147483649,1,,a,0", ":2:8: p must be an integer from -2147483648 to 2147483647"},
        {"1,5,2,,2147483648,1,,a,0", ":2:8: p must be"},
        {"1,5,2,,,1000,1000,a,0", NULL},
        {"1,5,2,,,0,,a,0", ":2:9: n must be an integer from 1 to 1000"},
        {"1,5,2,,,1001,,a,0", ":2:9: n must be"},
        {"1,5,2,,,,0,a,0", ":2:10: beam must be an integer from 1 to 1000"},
        {"1,5,2,,,,1001,a,0", ":2:10: beam must be"},
        {"1,5,2,,,,,a,-1", ":2:13: wait must be a time from 0 on"},
        {"1,5,2,,,,,a,1.5", NULL},
        {"1,1000000000,1000000000,,,,,a,", NULL},
        {"1,1000000001,1,,,,,a,", ":2:3: in must be an integer from 1 to 1000000000"},
        {"1,1,1000000001,,,,,a,", ":2:5: out must be an integer from 1 to 1000000000"},
    };
    struct trace_selection selection = trace_select_all();
    selection.columns = &names;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace *trace = NULL;
        struct diag diag;
        char text[256];
        snprintf(text, sizeof text, "ts,in,out,ids,p,n,beam,chat,wait\n%s\n", cases[i].row);
        const enum status status = text_trace_load(text, &selection, &trace, &diag);
        cr_expect_eq(status, cases[i].says ? SIM_BAD_INPUT : SIM_OK, "%s: %s", cases[i].row, diag.text);
        cr_expect(!cases[i].says || strstr(diag.text, cases[i].says), "%s: %s", cases[i].row, diag.text);
        if (status == SIM_OK)
            trace_destroy(trace);
    }
}

/* Plain cells by the quick reader, quoted ones by the strict one: the same tenant both times, and none for an empty cell. */
Test(reader_csv, tenants_are_a_column_like_sessions)
{
    const struct trace_field_names names = {
        .of = {[TRACE_FIELD_ARRIVAL] = "ts", [TRACE_FIELD_INPUT] = "in", [TRACE_FIELD_OUTPUT] = "out", [TRACE_FIELD_TENANT] = "who"}};
    static const uint32_t tenants[] = {1, 1, 0, 2, 3};
    struct trace_selection selection = trace_select_all();
    size_t length;
    selection.columns = &names;
    struct trace *trace = text_trace("ts,in,out,who\n1,4,1,a\n2,4,1,\"a\"\n3,4,1,\n4,4,1,b\n5,4,1,\"a \"\"b\"\"\"\n", &selection);
    cr_assert(trace->tenant && !trace->session);
    cr_expect_eq(memcmp(trace->tenant, tenants, sizeof tenants), 0);
    cr_expect_eq(trace->tenants.count, 3);
    cr_expect(memcmp(session_names_text(&trace->tenants, 3, &length), "a \"b\"", 5) == 0 && length == 5);
    trace_destroy(trace);
}

/* A quote in quotes is doubled in the file; such names are copied, and one longer than the room for that is refused. */
Test(reader_csv, quoted_names_of_sessions_are_read_as_they_are_meant)
{
    enum { ROOM = 512 };
    char text[2 * ROOM + 64], longest[ROOM + 1];
    struct trace_selection selection = trace_select_all();
    static const struct trace_field_names names = {
        .of = {[TRACE_FIELD_ARRIVAL] = "ts", [TRACE_FIELD_INPUT] = "in", [TRACE_FIELD_OUTPUT] = "out", [TRACE_FIELD_SESSION] = "chat"}};
    struct trace *trace;
    struct diag diag;
    size_t length;
    selection.columns = &names;
    trace = text_trace("ts,in,out,chat\n1,5,2,\"a \"\"b\"\"\"\n2,5,2,\"c,d\"\n3,5,2,\"\"\n", &selection);
    cr_expect(memcmp(session_names_text(&trace->sessions, trace->session[0], &length), "a \"b\"", 5) == 0 && length == 5);
    cr_expect(memcmp(session_names_text(&trace->sessions, trace->session[1], &length), "c,d", 3) == 0 && length == 3);
    cr_expect_eq(trace->session[2], 0);
    trace_destroy(trace);
    for (int more = 0; more < 2; more++) { /* "" and so many others */
        memset(longest, 'x', sizeof longest);
        snprintf(text, sizeof text, "ts,in,chat,out\n1,5,\"\"\"%.*s\",2\n", ROOM - 2 + more, longest);
        cr_expect_eq(text_trace_load(text, &selection, &trace, &diag), more ? SIM_BAD_INPUT : SIM_OK, "%s", diag.text);
        cr_expect(!more || strstr(diag.text, ":2:5: chat must be no longer than 512 bytes"), "%s", diag.text);
        if (!more)
            trace_destroy(trace);
    }
}

/* What spreadsheets write: a mark in front, other delimiters; whichever of them the header has. */
Test(reader_csv, a_mark_and_other_delimiters_change_nothing)
{
    static const char *const texts[] = {"Time,RequestTokens,ResponseTokens\n0.5,7,3\n1,8,4\n",
                                        "\xEF\xBB\xBFTime,RequestTokens,ResponseTokens\n0.5,7,3\n1,8,4\n",
                                        "Time;RequestTokens;ResponseTokens\n0.5;7;3\n1;8;4\n",
                                        "\xEF\xBB\xBFTime\tRequestTokens\tResponseTokens\r\n0.5\t7\t3\r\n1\t8\t4\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct trace *trace = text_trace(texts[i], NULL);
        cr_expect(trace->count == 2 && trace->input_tokens[0] == 7 && trace->output_tokens[1] == 4, "text %zu", i);
        cr_expect_eq(trace->arrival_ns[1] - trace->arrival_ns[0], 1000000000, "text %zu: a time is the gap before", i);
        trace_destroy(trace);
    }
}

/* --- values ---------------------------------------------------------------------------------------------------------------------- */

Test(reader_csv, decimals_are_exact_to_the_nanosecond)
{
    static const struct {
        const char *text;
        uint32_t power;
        int64_t ns; /* -1: refused */
    } cases[] = {{"1715299200.123456789", 9, 1715299200123456789},
                 {"1715299200123456789", 0, 1715299200123456789},
                 {"0.0000000005", 9, 0},
                 {"0.0000000015", 9, 2},
                 {"0.00000000050000000000000000000000001", 9, 1},
                 {"0.00000000149999999999999999999999999", 9, 1},
                 {"1e-05", 9, 10000},
                 {"1.5E+2", 6, 150000000},
                 {"9e9", 9, 9000000000000000000},
                 {"9.000000001e9", 9, -1},
                 {"9e99999999999", 9, -1},
                 {"1e-99999999999", 9, 0},
                 {"0e99999999999", 9, 0},
                 {"00000000000000000000000000012", 3, 12000},
                 {"123456789012345678901", 0, -1},
                 {"", 9, -1},
                 {".5", 9, -1},
                 {"5.", 9, -1},
                 {"-1", 9, -1},
                 {"1e", 9, -1},
                 {"1 2", 9, -1},
                 {"nan", 9, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;
        const bool fine = csv_decimal(cases[i].text, strlen(cases[i].text), cases[i].power, &ns);
        cr_expect(fine == (cases[i].ns >= 0) && (!fine || ns == cases[i].ns), "%s: %d, %lld", cases[i].text, fine, (long long)ns);
    }
}

/* --- quick and strict ------------------------------------------------------------------------------------------------------------ */

struct text {
    char bytes[1024 + TEXT_FILE_SLACK];
    size_t length;
};

static void put(struct text *text, const char *more)
{
    const size_t length = strlen(more);
    cr_assert(text->length + length < sizeof text->bytes - TEXT_FILE_SLACK);
    memcpy(text->bytes + text->length, more, length);
    text->length += length;
}

/* Layouts as files have them, with a first row that teaches the minute. */
static const struct {
    const struct trace_reader *reader;
    const char *header, *first;
    const char *kinds; /* a column each: d date, t time, c count, s session, x anything */
} layouts[] = {
    {&trace_reader_azure_csv, AZURE, "2023-11-16 18:15:00,1,1\n", "dcc"},
    {&trace_reader_azure_csv, AZURE, "2023-11-16 18:15:00+01:00,1,1\n", "dcc"},
    {&trace_reader_azure_csv, ",TIMESTAMP,x,ContextTokens,GeneratedTokens\n", "0,\"2023-11-16 18:15:00\",y,1,1\n", "xdxcc"},
    {&trace_reader_burstgpt, BURST, "1,7,1,M,1,1,2,L\n", "tsxxccxx"},
    {&trace_reader_vidur, "arrived_at,num_prefill_tokens,num_decode_tokens\n", "1,1,1\n", "tcc"},
    {&trace_reader_vidur, "num_prefill_tokens,num_decode_tokens,pd_ratio\n", "1,1,1\n", "ccx"},
    {&trace_reader_gaps, "Time,RequestTokens,ResponseTokens\n", "1,1,1\n", "tcc"},
};

static void put_date(struct text *text, uint64_t *random)
{
    static const char *const zones[] = {"", "", "", "+01:00", "Z", "-0530", " ", "+1"};
    char date[96];
    const bool quoted = random_below(random, 4) == 0;
    const uint32_t digits = random_below(random, 11);
    put(text, quoted ? "\"" : "");
    put(text,
        (snprintf(date, sizeof date, "2023-11-16%c18:15:%02u", random_below(random, 30) ? ' ' : 'T', random_below(random, 62)), date));
    if (digits > 0)
        put(text, (snprintf(date, sizeof date, ".%0*u", (int)digits, random_below(random, 10000000)), date));
    put(text, zones[random_below(random, 8)]);
    put(text, quoted ? "\"" : "");
}

static void put_cell(struct text *text, char kind, uint64_t *random)
{
    static const char *const odd[] = {"", "0", "1.0", "-1", "1e3", " 5", "5 ", "\"6\"", "1000000001", "007", "1.", "x"};
    static const char *const any[] = {"", "M", "Log, \"x\"", "\"a,\"\"b\"", " a b ", "3.5", "\"open", "\t"};
    static const char *const sessions[] = {"", "a", "b", " a", "a ", "\"a\"", "\"a\"\"\"", "\ra"};
    char number[64];
    if (kind == 'd')
        put_date(text, random);
    else if (kind == 's')
        put(text, sessions[random_below(random, 8)]);
    else if (kind == 'x')
        put(text, any[random_below(random, random_below(random, 4) ? 2 : 8)]);
    else if (random_below(random, 10) == 0)
        put(text, odd[random_below(random, 12)]);
    else if (kind == 'c' || random_below(random, 3) == 0)
        put(text, (snprintf(number, sizeof number, "%u", 1 + random_below(random, 99999)), number));
    else
        put(text, (snprintf(number, sizeof number, "%u.%0*llu", random_below(random, 99999), 1 + (int)random_below(random, 17),
                            (unsigned long long)(random_next(random) % 1000000)),
                   number));
}

static void put_row(struct text *text, const char *kinds, uint64_t *random)
{
    static const char *const ends[] = {"\n", "\r\n", " \n", ""};
    for (size_t i = 0; kinds[i]; i++) {
        put(text, i ? "," : "");
        put_cell(text, kinds[i], random);
    }
    put(text, ends[random_below(random, 4)]);
}

/* Change, drop or double a byte of what comes after `from`. */
static void spoil(struct text *text, size_t from, uint64_t *random)
{
    static const char bytes[] = "0123456789.,:-+\" \t\r\nT";
    const size_t at = from + random_below(random, (uint32_t)(text->length - from));
    const uint32_t how = random_below(random, 3);
    if (how == 0) {
        text->bytes[at] = bytes[random_below(random, sizeof bytes)];
    } else if (how == 1) {
        memmove(text->bytes + at, text->bytes + at + 1, text->length - at);
        text->length--;
    } else {
        memmove(text->bytes + at + 1, text->bytes + at, text->length - at);
        text->length++;
    }
}

/* Read it all as one piece, by the reader or, line by line, strictly. */
static struct trace_rows read_text(const struct text *text, const struct trace_reader *reader, bool strictly)
{
    struct trace_source source = {.name = "t", .text = text->bytes, .length = text->length, .first_line = 1, .facts = reader->facts};
    struct diag diag = {0};
    cr_assert_eq(reader->begin(&source, &diag), SIM_OK, "%s", diag.text);
    struct trace_rows rows = {.source = &source, .text = source.text, .length = source.length, .first_line = 2};
    rows.at = rows.text;
    const char *end = rows.text + rows.length;
    if (!strictly)
        reader->read_piece(&rows);
    for (size_t line = 2; strictly && rows.at < end && rows.status == SIM_OK; line++) {
        const char *stop = memchr(rows.at, '\n', (size_t)(end - rows.at));
        rows.status = csv_rows_read_line(&rows, rows.at, (size_t)((stop ? stop : end) - rows.at), line);
        rows.at = stop ? stop + 1 : end;
    }
    rows.source = NULL;
    return rows;
}

static bool same_rows(const struct trace_rows *a, const struct trace_rows *b)
{
    if (a->count != b->count || a->untimed_line != b->untimed_line || a->unsaid_line != b->unsaid_line ||
        a->trace.sessions.count != b->trace.sessions.count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->trace.arrival_ns[i] != b->trace.arrival_ns[i] || a->trace.input_tokens[i] != b->trace.input_tokens[i] ||
            a->trace.output_tokens[i] != b->trace.output_tokens[i] ||
            (a->trace.session ? a->trace.session[i] : 0) != (b->trace.session ? b->trace.session[i] : 0))
            return false;
    return true;
}

Test(reader_csv, quick_and_strict_readers_agree_on_right_and_spoiled_rows)
{
    enum { CASES = 30000 };
    uint64_t random = 6;
    for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
        uint32_t accepted = 0;
        for (uint32_t i = 0; i < CASES; i++) {
            struct text text = {0};
            put(&text, layouts[k].header);
            put(&text, layouts[k].first);
            const size_t from = text.length;
            put_row(&text, layouts[k].kinds, &random);
            if (i % 2)
                spoil(&text, from, &random);
            struct trace_rows quick = read_text(&text, layouts[k].reader, false), strict = read_text(&text, layouts[k].reader, true);
            cr_assert(quick.status == strict.status && strcmp(quick.diag.text, strict.diag.text) == 0, "%s|%s for:\n%s", quick.diag.text,
                      strict.diag.text, text.bytes);
            cr_assert(same_rows(&quick, &strict), "%s", text.bytes);
            accepted += quick.status == SIM_OK;
            trace_rows_deinit(&quick);
            trace_rows_deinit(&strict);
        }
        cr_expect(accepted > CASES / 10 && accepted < CASES * 9 / 10, "layout %zu: %u of %u accepted", k, accepted, CASES);
    }
}
