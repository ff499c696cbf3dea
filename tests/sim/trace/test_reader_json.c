/* test_reader_json.c - JSON of other tools, sessions in our own format, and rows that do not say everything. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/allocations.h"
#include "support/random.h"
#include "support/text_trace.h"
#include "trace/trace_block_size.h"
#include "trace/trace_reader.h"

Test(reader_json, sessions_keep_names_delays_and_the_order_of_turns)
{
    const struct trace_selection all = trace_select_all();
    struct trace *trace =
        text_trace("{\"session_id\":\"a\",\"timestamp\":5,\"input_length\":10,\"output_length\":2}\n"
                   "{\"session_id\":7,\"timestamp\":1,\"input_length\":10,\"output_length\":2,\"finish_reason\":\"stop\"}\n"
                   "{\"session_id\":\"a\",\"delay\":0.5,\"input_length\":30,\"output_length\":2}\n"
                   "{\"session_id\":\"\\u0061\",\"timestamp\":2,\"input_length\":50,\"output_length\":2}\n",
                   &all);
    static const uint32_t index[] = {1, 0, 2, 3}, previous[] = {0, 0, 2, 3}, next[] = {0, 3, 4, 0};
    cr_expect_eq(memcmp(trace->index, index, sizeof index), 0);
    cr_expect_eq(memcmp(trace->previous, previous, sizeof previous), 0);
    cr_expect_eq(memcmp(trace->next, next, sizeof next), 0);
    cr_expect_eq(trace->delay_ns[2], 500000);
    cr_expect_eq(trace->arrival_ns[3], 5000000, "a turn is not earlier than the one before");
    cr_expect(trace->untimed[2] == 1 && trace->untimed[3] == 0);
    cr_expect_eq(trace->finish_reason[0], TRACE_FINISH_SAID(FINISH_STOP));
    size_t length;
    cr_expect_eq(memcmp(session_names_text(&trace->sessions, trace->session[0], &length), "7", 1), 0);
    cr_expect_eq(trace->sessions.count, 2);
    trace_destroy(trace);
}

Test(reader_json, outputs_that_are_not_said_come_from_options)
{
    static const char text[] = "{\"timestamp\":0,\"input_length\":10,\"output_length\":3}\n{\"timestamp\":1,\"input_length\":10}\n";
    struct trace_selection selection = trace_select_all();
    struct trace *trace = NULL;
    struct diag diag;
    cr_assert_eq(text_trace_load(text, &selection, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:") && strstr(diag.text, "--output-length"), "%s", diag.text);
    selection.output_least = selection.output_most = 9;
    trace = text_trace(text, &selection);
    cr_expect(trace->output_tokens[0] == 3 && trace->output_tokens[1] == 9 && strstr(trace->notes, "9"));
    trace_destroy(trace);
    selection.output_most = 11;
    trace = text_trace(text, &selection);
    cr_expect(trace->output_tokens[1] >= 9 && trace->output_tokens[1] <= 11);
    trace_destroy(trace);
}

Test(reader_json, token_ids_name_prompt_and_answer)
{
    const struct trace_selection all = trace_select_all();
    struct trace *trace =
        text_trace("{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":9,\"input_tok_ids\":[4,5],\"output_tok_ids\":[6]}\n"
                   "{\"input_toks\":3,\"output_toks\":1,\"arrival_time_ns\":12,\"input_tok_ids\":[4,5,6],\"output_tok_ids\":[7]}\n",
                   &all);
    cr_expect(trace->facts.ids_cover_answers && trace->facts.tokens_per_hash_id == 1);
    cr_expect_eq(trace->arrival_ns[1], 3);
    static const uint32_t ids[] = {0, 1, 2, 0, 1, 2, 3};
    cr_expect_eq(memcmp(trace->hash_ids, ids, sizeof ids), 0);
    trace_destroy(trace);
    struct diag diag;
    cr_assert_eq(text_trace_load("{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":9,\"input_tok_ids\":[4]}\n", &all, &trace, &diag),
                 SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "2 token ids"), "%s", diag.text);
}

Test(reader_json, failed_calls_are_invalid_and_can_be_skipped)
{
    static const char text[] =
        "{\"input_lens\":[5,6,7],\"output_lens\":[2,0,4],\"start_times\":[10,11,12.5],\"errors\":[\"\",\"refused\",\"\"]}\n";
    struct trace_selection selection = trace_select_all();
    struct trace *trace = NULL;
    struct diag diag;
    cr_assert_eq(text_trace_load(text, &selection, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":1:40:") && strstr(diag.text, "refused"), "%s", diag.text);
    selection.skip_invalid = true;
    trace = text_trace(text, &selection);
    cr_expect(trace->count == 2 && trace->skipped.count == 1 && trace->skipped.lines[0] == 1);
    cr_expect(trace_index(trace, 1) == 2 && trace->arrival_ns[1] == 2500000000, "a skipped call keeps its number");
    trace_destroy(trace);
}

Test(reader_json, each_answer_of_a_conversation_is_a_request)
{
    const struct trace_selection all = trace_select_all();
    struct trace *trace =
        text_trace("[{\"id\":\"q\",\"conversations\":[{\"from\":\"human\",\"value\":\"12345\"},{\"from\":\"gpt\",\"value\":\"1234\"},"
                   "{\"from\":\"human\",\"value\":\"1\"},{\"from\":\"gpt\",\"value\":\"12345678\"}]}]",
                   &all);
    cr_assert_eq(trace->count, 2);
    cr_expect(trace->input_tokens[0] == 2 && trace->output_tokens[0] == 1);
    cr_expect(trace->input_tokens[1] == 4 && trace->output_tokens[1] == 2, "the prompt is all that was said");
    cr_expect(trace->previous[1] == 1 && strstr(trace->notes, "4 bytes"));
    trace_destroy(trace);
}

Test(reader_json, columns_name_the_fields_of_any_objects)
{
    struct trace_field_names names = {.of = {[TRACE_FIELD_ARRIVAL] = "when", [TRACE_FIELD_INPUT] = "in", [TRACE_FIELD_OUTPUT] = "out"}};
    struct trace_selection selection = trace_select_all();
    selection.columns = &names;
    selection.time_unit_ns = 1e9;
    struct trace *trace =
        text_trace("{\"when\":100,\"in\":3,\"out\":4,\"input_length\":9}\n{\"when\":101.5,\"in\":5,\"out\":6}\n", &selection);
    cr_expect(trace->arrival_ns[1] == 1500000000 && trace->input_tokens[0] == 3 && trace->output_tokens[1] == 6);
    cr_expect_str_eq(trace->ignored_fields, "input_length");
    trace_destroy(trace);
}

Test(reader_json, the_rows_bound_how_many_tokens_an_id_names)
{
    const struct trace_selection all = trace_select_all();
    struct diag diag = {0};
    uint32_t width;
    bool inferred;
    struct trace *trace = text_trace("\n{\"timestamp\":0,\"input_length\":100,\"output_length\":3,\"hash_ids\":[1,2,3,4]}\n"
                                     "{\"timestamp\":1,\"input_length\":33,\"output_length\":3,\"hash_ids\":[1,9]}\n",
                                     &all);
    cr_expect(trace->fit.largest == 32 && trace->fit.exact == 32 && trace->fit.line == 3, "%u %u", trace->fit.largest, trace->fit.exact);
    cr_expect(trace_block_size_choose(trace, 0, &width, &inferred, &diag) == SIM_OK && width == 32 && inferred);
    cr_expect(trace_block_size_choose(trace, 20, &width, &inferred, &diag) == SIM_OK && width == 20 && !inferred);
    cr_expect_eq(trace_block_size_choose(trace, 33, &width, &inferred, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":3:") || strstr(diag.text, "at most 32"), "%s", diag.text);
    trace_destroy(trace);
}

Test(reader_json, a_file_may_leave_ids_without_tokens)
{
    const struct trace_selection all = trace_select_all();
    struct diag diag = {0};
    struct trace *trace = text_trace("{\"timestamp\":0,\"input_length\":960,\"output_length\":3,\"hash_ids\":[0,1,2,3,4]}\n"
                                     "{\"timestamp\":1,\"input_length\":900,\"output_length\":3,\"hash_ids\":[0,9]}\n",
                                     &all);
    cr_expect_eq(trace->fit.largest, 239);
    cr_expect_eq(trace_block_size_check(trace, 239, false, &diag), SIM_OK);
    cr_expect_eq(trace_block_size_check(trace, 1000, true, &diag), SIM_OK);
    cr_expect_eq(trace_block_size_check(trace, 240, false, &diag), SIM_BAD_INPUT);
    trace_destroy(trace);
}

/* --- chats that continue others ------------------------------------------------------------------------------------------------------ */

#define CHAT(id, parent, time, rest)                                                                                                       \
    "{\"chat_id\":" id ",\"parent_chat_id\":" parent ",\"timestamp\":" time                                                                \
    ",\"input_length\":9,\"output_length\":2,\"hash_ids\":[7]" rest "}\n"

static void expect_session(const struct trace *trace, uint32_t position, const char *expected)
{
    size_t length = 0;
    const char *name = trace->session[position] ? session_names_text(&trace->sessions, trace->session[position], &length) : "";
    cr_expect(length == strlen(expected) && memcmp(name, expected, length) == 0, "request %u is of session \"%.*s\", not \"%s\"", position,
              (int)length, name, expected);
}

/* 10 -- 11 -- 13 is a line and 12 a branch of it; 14 continues the branch; 20's parent is not in the file; 21 is alone. */
Test(reader_json, a_chat_and_those_that_continue_it_are_a_session)
{
    const struct trace_selection all = trace_select_all();
    struct trace *trace =
        text_trace(CHAT("10", "-1", "5", "") CHAT("11", "10", "6", "") CHAT("12", "10", "6.5", "") CHAT("13", "11", "7", ",\"\\u0078\":0")
                       CHAT("14", "12", "8", "") CHAT("20", "19", "8", "") CHAT("21", "-1", "8", "") CHAT("22", "20", "9", ""),
                   &all);
    static const char *const sessions[] = {"10", "10", "12", "10", "12", "19", "21", "19"};
    static const uint32_t previous[] = {0, 1, 0, 2, 3, 0, 0, 6};
    cr_assert_eq(trace->count, 8);
    for (uint32_t i = 0; i < trace->count; i++)
        expect_session(trace, i, sessions[i]);
    cr_expect_eq(memcmp(trace->previous, previous, sizeof previous), 0);
    cr_expect_eq(trace->arrival_ns[2], 1500000000, "seconds from the first");
    cr_expect_str_eq(trace->ignored_fields, "x");
    trace_destroy(trace);
}

Test(reader_json, chats_may_be_strings_and_their_parents_null)
{
    const struct trace_selection all = trace_select_all();
    struct trace *trace = text_trace(CHAT("\"a\"", "null", "1", "") CHAT("\"b\"", "\"a\"", "2", "") CHAT("\"\\u0062\"", "\"\"", "3", "")
                                         CHAT("null", "\"b\"", "4", "") CHAT("7", "-1", "5", ",\"session_id\":\"own\""),
                                     &all);
    static const char *const sessions[] = {"a", "a", "a", "a", "own"};
    for (uint32_t i = 0; i < trace->count; i++)
        expect_session(trace, i, sessions[i]);
    trace_destroy(trace);
    struct diag diag;
    cr_assert_eq(text_trace_load(CHAT("1", "-1", "1", "") CHAT("2", "-2", "1", ""), &all, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:31: parent_chat_id must be"), "%s", diag.text);
}

/* Rows are lines although the file is one piece. */
Test(reader_json, a_chat_with_too_many_ids_is_named_with_its_line)
{
    const struct trace_selection all = trace_select_all();
    struct diag diag = {0};
    struct trace *trace = text_trace(CHAT("1", "-1", "1", "") "{\"chat_id\":2,\"parent_chat_id\":1,\"timestamp\":2,\"input_length\":9,"
                                                              "\"output_length\":2,\"hash_ids\":[7,8]}\n",
                                     &all);
    cr_expect_eq(trace_block_size_check(trace, 16, false, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:"), "%s", diag.text);
    trace_destroy(trace);
}

/* --- one array ------------------------------------------------------------------------------------------------------------------------- */

Test(reader_json, requests_in_one_array_are_those_of_lines)
{
    const struct trace_selection all = trace_select_all();
    struct trace *trace =
        text_trace("\n[{\"timestamp\":1,\"input_length\":40,\"output_length\":3,\"trace_block_size\":32,\"hash_ids\":[5,\n6]},\n"
                   "  {\n  \"timestamp\" : 2.5,\n  \"input_length\": 33,\n  \"output_length\": 4,\n  \"x\\n\": [],\n"
                   "  \"hash_ids\": [\n 5, \n 9\n ]\n }, {\"input_length\":1,\"output_length\":1}\n ]\n",
                   &all);
    static const uint32_t ids[] = {0, 1, 0, 2};
    cr_assert_eq(trace->count, 3);
    cr_expect_eq(trace->facts.tokens_per_hash_id, 32);
    cr_expect(trace->arrival_ns[1] == 1000000 && trace->arrival_ns[2] == 2500000, "the row without a time comes first");
    cr_expect_eq(memcmp(trace->hash_ids, ids, sizeof ids), 0);
    cr_expect_eq(trace->untimed_line, 13);
    trace_destroy(trace);
}

Test(reader_json, wrong_arrays_are_refused_with_line_and_column)
{
#define FINE "{\"timestamp\":0,\"input_length\":5,\"output_length\":2}"
    static const struct {
        const char *text, *message;
    } cases[] = {{"[" FINE ",\n {\"timestamp\":0,\n\"input_length\":0,\"output_length\":2}]", ":3:16: input_length must be"},
                 {"[\n" FINE ",\n " FINE, ":3:52: an array that does not end"},
                 {"[\n" FINE " " FINE "]", ":2:52: a comma or ] belongs here"},
                 {"[" FINE ",\n]", ":2:1: not JSON"},
                 {"[" FINE "]\n x", ":2:2: text after the end"},
                 {"[\n{\"timestamp\":0\n", ":2:1: an object that does not end"},
                 {" [ ]", ":1:2: the array holds no request"},
                 {"[" FINE ",\n 7]", ":2:2: a request must be a JSON object"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace *trace = NULL;
        struct diag diag;
        cr_expect_eq(text_trace_load(cases[i].text, NULL, &trace, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].message), "%s: %s", cases[i].text, diag.text);
    }
}

Test(reader_json, wrong_items_of_an_array_can_be_skipped)
{
    struct trace_selection selection = trace_select_all();
    selection.skip_invalid = true;
    struct trace *trace = text_trace("[" FINE ",\n7,\n{\"input_length\":5,\"hash_ids\":[3],\"output_length\":0}," FINE "]", &selection);
    cr_expect(trace->count == 2 && trace->skipped.count == 2 && trace->index[1] == 3 && !trace->hash_ids);
    cr_expect(trace->skipped.lines[0] == 2 && trace->skipped.lines[1] == 3);
    trace_destroy(trace);
}

/* --- names that go into objects -------------------------------------------------------------------------------------------------------- */

/* The same four rows: plain, with the members in another order, with a member of exactly the name, and with a name that only the strict reader
 * understands. */
Test(reader_json, columns_go_into_objects)
{
    struct trace_field_names names = {.of = {[TRACE_FIELD_ARRIVAL] = "time.s",
                                             [TRACE_FIELD_INPUT] = "usage.prompt.tokens",
                                             [TRACE_FIELD_OUTPUT] = "usage.out",
                                             [TRACE_FIELD_SESSION] = "user",
                                             [TRACE_FIELD_PRIORITY] = "usage.rank"}};
    struct trace_selection selection = trace_select_all();
    selection.columns = &names;
    selection.time_unit_ns = 1e9;
    struct trace *trace = text_trace("{\"time\":{\"s\":9,\"ms\":1},\"usage\":{\"prompt\":{\"tokens\":7,\"x\":[{}]},\"out\":3,\"rank\":null}"
                                     ",\"user\":\"u\",\"model\":{\"a\":1}}\n"
                                     "{\"user\":null,\"usage\":{\"out\":3,\"prompt\":{\"tokens\":7}},\"usage2\":{},\"time\":{\"s\":9}}\n"
                                     "{\"usage.out\":3,\"usage\":{\"out\":99,\"prompt.tokens\":7},\"time\":{\"s\":9}}\n"
                                     "{\"time\":{\"s\":9},\"\\u0075sage\":{\"prompt\":{\"tokens\":7},\"out\":3}}\n",
                                     &selection);
    cr_assert_eq(trace->count, 4);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect(trace->input_tokens[i] == 7 && trace->output_tokens[i] == 3 && trace->arrival_ns[i] == 0, "row %u", i);
    cr_expect_str_eq(trace->ignored_fields, "model, usage2");
    expect_session(trace, 0, "u");
    expect_session(trace, 1, "");
    trace_destroy(trace);
    struct diag diag;
    static const struct {
        const char *text, *message;
    } cases[] = {{"{\"usage\":{\"prompt\":7}}\n", ":1:1: the request has no \"usage.prompt.tokens\", which --columns names"},
                 {"{\"usage\":{\"prompt\":{\"tokens\":null}}}\n", ":1:30: the request has no"},
                 {"{\"usage\":{\"prompt\":{\"tokens\":7}\n", ":1:10: an object that does not end"},
                 {"{\"usage\":{\"prompt\":{\"tokens\":7},\"out\":0}}\n", ":1:39: usage.out must be an integer from 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(text_trace_load(cases[i].text, &selection, &trace, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].message), "%s", diag.text);
    }
}

/* --- aibrix, ShareGPT ------------------------------------------------------------------------------------------------------------------ */

Test(reader_json, a_wrong_request_of_a_tick_is_skipped_alone)
{
    struct trace_selection selection = trace_select_all();
    selection.skip_invalid = true;
    struct trace *trace =
        text_trace("{\"timestamp\":5,\"requests\":[{\"Prompt Length\":5,\"Output Length\":2},{\"Prompt Length\":6,\"Output Length\":0},"
                   "{\"prompt_length\":7,\"output_length\":2}]}\n"
                   "{\"timestamp\":-1,\"requests\":[{\"Prompt Length\":5,\"Output Length\":2},{\"Prompt Length\":5,\"Output Length\":2}]}\n"
                   "{\"requests\":[{\"Output Length\":2,\"Prompt Length\":8,\"prompt\":{}}],\"timestamp\":9}\n",
                   &selection);
    static const uint32_t tokens[] = {5, 7, 8}, index[] = {0, 2, 4};
    cr_assert_eq(trace->count, 3);
    cr_expect_eq(memcmp(trace->input_tokens, tokens, sizeof tokens), 0);
    cr_expect_eq(memcmp(trace->index, index, sizeof index), 0, "a tick without a time is one row");
    cr_expect(trace->skipped.count == 2 && trace->skipped.lines[0] == 1 && trace->skipped.lines[1] == 2);
    cr_expect_eq(trace->requests_in_file, 5);
    cr_expect_eq(trace->arrival_ns[2], 4000000);
    trace_destroy(trace);
}

#define TURN(from, value) "{\"from\":\"" from "\",\"value\":\"" value "\"}"

/* Each in an array and a line: escapes, an id that comes late, one that comes twice, none, nobody who answers. */
Test(reader_json, conversations_in_an_array_or_a_line_each_are_the_same)
{
    static const char *const conversations[] = {
        "{\"id\":\"a\",\"conversations\":[" TURN("human", "123\\n\\u00e9") "," TURN("gpt", "1234") "]}",
        "{\"conversations\":[" TURN("system", "1234") "," TURN("human", "12345") "," TURN("bard", "1") "],\"id\":\"b\"}",
        "{\"id\":\"a\",\"conversations\":[" TURN("human", "1") "," TURN("chatgpt", "\\\"") "," TURN("gpt", "") "]}",
        "{\"id\":7,\"conversations\":[" TURN("gpt", "1") "," TURN("gpt", "\xc3\xa9\xc3\xa9\xc3\xa9") "],\"\\u0078\":1}",
        "{\"id\":\"e\",\"conversations\":[" TURN("human", "1234") "]}"};
    static const char *const sessions[] = {"a", "b", "a#2", "#3"};
    static const uint32_t input[] = {2, 3, 1, 1}, output[] = {1, 1, 1, 2};
    char text[2][2048];
    size_t length[2] = {0};
    const size_t count = sizeof conversations / sizeof *conversations;
    for (size_t i = 0; i < count; i++) {
        length[0] += (size_t)snprintf(text[0] + length[0], sizeof text[0] - length[0], "%s%s%s", i ? ",\n" : "[", conversations[i],
                                      i + 1 == count ? "]" : "");
        length[1] += (size_t)snprintf(text[1] + length[1], sizeof text[1] - length[1], "%s\n", conversations[i]);
    }
    for (int layout = 0; layout < 2; layout++) {
        struct trace *trace = text_trace(text[layout], NULL);
        cr_assert_eq(trace->count, 4, "%u", trace->count);
        cr_expect_str_eq(trace->format, "sharegpt");
        cr_expect_eq(memcmp(trace->input_tokens, input, sizeof input), 0);
        cr_expect_eq(memcmp(trace->output_tokens, output, sizeof output), 0);
        for (uint32_t i = 0; i < 4; i++)
            expect_session(trace, i, sessions[i]);
        trace_destroy(trace);
    }
}

Test(reader_json, a_wrong_conversation_is_skipped_alone)
{
    struct trace_selection selection = trace_select_all();
    struct diag diag;
    struct trace *trace = NULL;
    static const char text[] =
        "[{\"id\":\"a\",\"conversations\":[" TURN("human", "1") "," TURN("gpt", "1") "]},\n{\"id\":\"b\",\"conversations\":[" TURN(
            "human", "1") "," TURN("gpt",
                                   "1") ",\n{\"from\":\"human\"}]},\n{\"id\":\"b\",\"conversations\":[" TURN("human",
                                                                                                             "1") "," TURN("gpt",
                                                                                                                           "12345") "]}]";
    cr_expect_eq(text_trace_load(text, &selection, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":3:1: a turn needs"), "%s", diag.text);
    selection.skip_invalid = true;
    trace = text_trace(text, &selection);
    cr_expect(trace->count == 2 && trace->output_tokens[1] == 2 && trace->skipped.count == 1 && trace->skipped.lines[0] == 2);
    expect_session(trace, 1, "b");
    trace_destroy(trace);
}

/* A session is called by the id, or, where that is taken or missing, by the row of its first answer as well, from 0 on. */
Test(reader_json, conversations_of_one_id_are_sessions_of_their_own)
{
    struct trace_selection selection = trace_select_all();
    selection.output_least = selection.output_most = 2;
    struct trace *trace = text_trace(
        "[{\"id\":\"a\",\"conversations\":[" TURN("human", "1") "," TURN("gpt", "1") "," TURN("human", "2") "," TURN(
            "gpt", "2") "]},\n{\"id\":\"a\",\"conversations\":[" TURN("human",
                                                                      "1") "," TURN("gpt",
                                                                                    "1") "]},\n"
                                                                                         "{\"conversations\":[" TURN("human", "1") "," TURN(
                                                                                             "gpt",
                                                                                             "1") "]},\n{\"id\":\"a#2\",\"conversations\":"
                                                                                                  "[" TURN("human", "1") "," TURN(
                                                                                                      "gpt", "1") "]}]\n",
        &selection);
    static const char *const sessions[] = {"a", "a", "a#2", "#3", "a#2#4"};
    cr_assert_eq(trace->count, 5);
    for (uint32_t i = 0; i < 5; i++)
        expect_session(trace, i, sessions[i]);
    trace_destroy(trace);
    trace = text_trace("[{\"conversations\":[" TURN("human", "1") "," TURN("gpt", "1") "]}]", &selection);
    expect_session(trace, 0, "#0");
    trace_destroy(trace);
}

/* --- quick and strict ------------------------------------------------------------------------------------------------------------------ */

/* Files of each format, in which bytes are changed. */
static const struct {
    const char *format, *text;
} files[] = {
    {"jsonl", "{\"timestamp\":1.5,\"input_length\":40,\"output_length\":3,\"hash_ids\":[5, 6,77],\"n\":2,\"priority\":-1}\n"
              "{\"session_id\":\"s\",\"delay\":2,\"input_length\":9,\"output_length\":1,\"x\":{\"y\":[1.5,true]}}\n"},
    {"json-array", "[{\"timestamp\":1.5,\"input_length\":40,\"output_length\":3,\"hash_ids\":[5, 6,77]},\n"
                   "{\"timestamp\":2,\"input_length\":9,\"output_length\":1,\"x\":{\"y\":[1.5,true]}} ]\n"},
    {"bailian", CHAT("1", "-1", "1.25", ",\"type\":\"text\"") CHAT("2", "1", "3", "")},
    {"llmservingsim", "{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":7,\"input_tok_ids\":[4,5],\"output_tok_ids\":[6]}\n"
                      "{\"arrival_time_ns\":9,\"input_toks\":2,\"output_toks\":3,\"z\":null}\n"},
    {"aibrix", "{\"timestamp\":7,\"requests\":[{\"Prompt Length\":5,\"Output "
               "Length\":2},{\"prompt_length\":6,\"output_length\":2,\"prompt\":\"w\"}]}\n"
               "{\"requests\":[{\"Prompt Length\":5,\"Output Length\":2}],\"timestamp\":12.5}\n"},
    {"bench-result", "{\"backend\":\"vllm\",\"input_lens\":[5,6,7],\"output_lens\":[2,3,4],\"start_times\":[70.123456789012345,71,7.1e1],"
                     "\"errors\":[\"\",null,\"\"],\"itls\":[[0.5],[],[1]]}\n"},
    {"sharegpt", "[{\"id\":\"a\",\"conversations\":[" TURN("human", "12\\n45") "," TURN("gpt", "1234") "," TURN("human", "1") "," TURN(
                     "gpt", "123456789") "]},\n{\"conversations\":[" TURN("human", "1") "," TURN("gpt", "1") "]}]\n"},
    {NULL, "{\"t\":{\"s\":1.5},\"u\":{\"in\":40,\"out\":3},\"ids\":[5, "
           "6],\"m\":\"x\"}\n{\"u\":{\"in\":9,\"out\":1},\"t\":{\"s\":2},\"ids\":null}\n"},
};

static struct trace_selection selection_of(const char *format)
{
    static const struct trace_field_names names = {
        .of = {
            [TRACE_FIELD_ARRIVAL] = "t.s", [TRACE_FIELD_INPUT] = "u.in", [TRACE_FIELD_OUTPUT] = "u.out", [TRACE_FIELD_HASH_IDS] = "ids"}};
    struct trace_selection selection = trace_select_all();
    selection.reader = format ? trace_reader_find(format) : NULL;
    selection.columns = format ? NULL : &names;
    selection.output_least = selection.output_most = 5;
    return selection;
}

/* A member whose name only the strict reader understands, at the start of every object. */
static void make_strict(const char *text, char *out)
{
    for (; *text; text++) {
        *out++ = *text;
        if (*text == '{') {
            memcpy(out, "\"\\u0071\":0,", 11);
            out += 11;
        }
    }
    *out = '\0';
}

static void expect_same(const struct trace *a, const struct trace *b, const char *text)
{
    const size_t words = a->count * sizeof(uint32_t);
    cr_assert_eq(a->count, b->count, "%s", text);
    cr_assert_eq(memcmp(a->arrival_ns, b->arrival_ns, a->count * sizeof(int64_t)), 0, "%s", text);
    cr_assert_eq(memcmp(a->input_tokens, b->input_tokens, words), 0, "%s", text);
    cr_assert_eq(memcmp(a->output_tokens, b->output_tokens, words), 0, "%s", text);
    cr_assert(!a->session == !b->session && (!a->session || memcmp(a->session, b->session, words) == 0), "%s", text);
    cr_assert(!a->previous == !b->previous && (!a->previous || memcmp(a->previous, b->previous, words) == 0), "%s", text);
    cr_assert_eq(a->distinct_hashes, b->distinct_hashes, "%s", text);
    for (uint32_t i = 0; i < a->count; i++)
        cr_assert_eq(trace_hash_count(a, i), trace_hash_count(b, i), "%s", text);
}

/* Only whether a text is refused is compared: the two texts have different columns. */
Test(reader_json, quick_and_strict_readers_agree_on_right_and_spoiled_text)
{
    static const char bytes[] = "}[]:,\"\\ \n0129.-e";
    uint64_t random = 8;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        const struct trace_selection selection = selection_of(files[f].format);
        unsigned accepted = 0;
        for (int round = 0; round < 400; round++) {
            char quick_text[1024], strict_text[2048];
            struct trace *quick = NULL, *strict = NULL;
            struct diag diag;
            snprintf(quick_text, sizeof quick_text, "%s", files[f].text);
            if (round > 0)
                quick_text[1 + random_below(&random, (uint32_t)strlen(quick_text) - 1)] = bytes[random_below(&random, sizeof bytes - 1)];
            make_strict(quick_text, strict_text);
            const enum status status = text_trace_load(quick_text, &selection, &quick, &diag);
            cr_assert_eq(text_trace_load(strict_text, &selection, &strict, &diag), status, "%s: %s", quick_text, diag.text);
            cr_assert(round > 0 || status == SIM_OK, "%s: %s", files[f].text, diag.text);
            if (status != SIM_OK)
                continue;
            accepted++;
            expect_same(quick, strict, quick_text);
            trace_destroy(quick);
            trace_destroy(strict);
        }
        cr_expect(accepted > 10 && accepted < 400, "%u texts were accepted", accepted);
    }
}

/* Strict reading asks for memory for each value; where lines are usual nobody should have to. */
Test(reader_json, usual_lines_are_read_quickly)
{
    enum { TIMES = 200 };
    static const struct {
        const char *format, *text;
    } usual[] = {
        {"jsonl",
         "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47, 2354]}\n"
         "{\"input_tokens\":4,\"created_time\":1.25,\"output_tokens\":3,\"hash_ids\":[],\"priority\":-3,\"n\":2,\"beam_width\":2}\r\n"
         "{\"session_id\":\"s\",\"delay\":2.5e3,\"input_length\":9,\"output_length\":1,\"finish_reason\":\"stop\"}\n"
         "{\"session_id\":7,\"timestamp\":1753000000.1234567,\"input_length\":9,\"output_length\":1,\"finish_reason\":\"length\"}\n"
         "{\"text\":\"a\",\"x\":{\"y\":[1.5,true,null]},\"timestamp\":0.5,\"input_length\":9,\"output_length\":1}\n"},
        {"bailian", CHAT("1", "-1", "1.25", ",\"type\":\"text\",\"turn\":1") CHAT("2", "1", "3", "") CHAT("\"c\"", "null", "4", "")},
        {"llmservingsim", "{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":7,\"input_tok_ids\":[4,5],\"output_tok_ids\":[6]}\n"},
        {NULL, "{\"t\":{\"s\":1.5},\"u\":{\"in\":40,\"out\":3},\"ids\":[5, 6],\"m\":\"x\",\"v\":{\"in\":4}}\n"},
    };
    for (size_t f = 0; f < sizeof usual / sizeof *usual; f++) {
        const struct trace_selection selection = selection_of(usual[f].format);
        static char text[1 << 18], strict[1 << 19];
        size_t used = 0;
        uint64_t asked[2], rows = 0;
        for (int i = 0; i < TIMES; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", usual[f].text);
        make_strict(text, strict);
        for (int strictly = 0; strictly < 2; strictly++) {
            struct trace *trace = NULL;
            struct diag diag;
            const uint64_t before = allocations_so_far();
            cr_assert_eq(text_trace_load(strictly ? strict : text, &selection, &trace, &diag), SIM_OK, "%s", diag.text);
            asked[strictly] = allocations_so_far() - before;
            rows = trace->count;
            trace_destroy(trace);
        }
        cr_expect_lt(asked[0], rows / 4, "format %zu: %llu for %llu rows", f, (unsigned long long)asked[0], (unsigned long long)rows);
        cr_expect_gt(asked[1], rows, "format %zu: strictly", f);
    }
}
