/* test_reader_json.c - JSON of other tools, sessions in our own format, and rows that do not say everything. */
#include <criterion/criterion.h>
#include <string.h>

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
    cr_expect_eq(trace->finish_reason[0], FINISH_STOP);
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

Test(reader_json, rounded_lengths_leave_an_id_without_tokens)
{
    const struct trace_selection all = trace_select_all();
    struct diag diag = {0};
    struct trace *trace = text_trace("{\"timestamp\":0,\"input_length\":960,\"output_length\":3,\"hash_ids\":[0,1,2,3,4]}\n"
                                     "{\"timestamp\":1,\"input_length\":900,\"output_length\":3,\"hash_ids\":[0,9]}\n",
                                     &all);
    cr_expect(trace->fit.largest == 239 && trace->fit.largest_rounded == 319, "%u %u", trace->fit.largest, trace->fit.largest_rounded);
    cr_expect_eq(trace_block_size_check(trace, 239, false, &diag), SIM_OK);
    cr_expect_eq(trace_block_size_check(trace, 319, true, &diag), SIM_OK);
    cr_expect_eq(trace_block_size_check(trace, 240, false, &diag), SIM_BAD_INPUT);
    diag = (struct diag){0};
    cr_expect_eq(trace_block_size_check(trace, 320, true, &diag), SIM_BAD_INPUT);
    trace_destroy(trace);
}
