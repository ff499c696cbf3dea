/* test_trace_reader.c - the table of formats: names, recognition by content, and the facts that a format can differ in. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "support/text_trace.h"
#include "trace/trace_reader.h"

#define OBJECT(time, rest) "{\"timestamp\":" time ",\"input_length\":5,\"output_length\":2" rest "}\n"

/* A small file of each format: two requests, half a second apart. */
static const struct {
    const char *name, *text;
} samples[] = {
    {"jsonl", "\n" OBJECT("0", "") OBJECT("500", "")},
    {"bailian", "{\"chat_id\":1,\"parent_chat_id\":-1,\"timestamp\":7,\"input_length\":5,\"output_length\":2,\"hash_ids\":[3]}\n"
                "{\"chat_id\":2,\"parent_chat_id\":1,\"timestamp\":7.5,\"input_length\":5,\"output_length\":2,\"hash_ids\":[3]}\n"},
    {"llmservingsim",
     "{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":7,\"input_tok_ids\":[4,5],\"output_tok_ids\":[6]}\n"
     "{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":500000007,\"input_tok_ids\":[4,5],\"output_tok_ids\":[6]}\n"},
    {"aibrix", "{\"timestamp\":7,\"requests\":[{\"Prompt Length\":5,\"Output Length\":2}]}\n"
               "{\"timestamp\":507,\"requests\":[{\"Prompt Length\":5,\"Output Length\":2}]}\n"},
    {"bench-result",
     "{\"backend\":\"vllm\",\n\"input_lens\":[5,5],\"output_lens\":[2,2],\"start_times\":[70,70.5],\"errors\":[\"\",\"\"]}\n"},
    {"sharegpt", "[{\"id\":\"a\",\"conversations\":[{\"from\":\"human\",\"value\":\"12345\"},{\"from\":\"gpt\",\"value\":\"1234\"},\n"
                 "{\"from\":\"human\",\"value\":\"1\"},{\"from\":\"gpt\",\"value\":\"12345\"}]}]\n"},
    {"json-array", "\n[" OBJECT("0", "") ",\n {\"timestamp\":\n500,\"input_length\":5,\"output_length\":2}]\n"},
    {"azure", " \r\nTIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.5,5,2\r\n2023-11-16 18:15:47,5,2\r\n"},
    {"burstgpt", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n3,M,5,2,7,L\n3.5,M,5,2,7,L\n"},
    {"vidur", "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,5,2\n0.5,5,2\n"},
    {"splitwise-sim", "request_id,arrival_timestamp,prompt_size,token_size\n0,0,5,2\n1,0.5,5,2\n"},
    {"gaps", "Time,RequestTokens,ResponseTokens\n0,5,2\n0.5,5,2\n"},
    {"servegen", "0,4,0,Gamma,0,0\n0.6,0,,,,\n"},
};

static enum status load(const char *text, const struct trace_reader *reader, struct trace **out, struct diag *diag)
{
    struct trace_selection selection = trace_select_all();
    selection.reader = reader;
    return text_trace_load(text, &selection, out, diag);
}

static struct trace *load_fine(const char *text, const struct trace_reader *reader)
{
    struct trace *trace = NULL;
    struct diag diag;
    cr_assert_eq(load(text, reader, &trace, &diag), SIM_OK, "%s: %s", text, diag.text);
    return trace;
}

static const char *sample_of(const char *name)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (strcmp(samples[i].name, name) == 0)
            return samples[i].text;
    return NULL;
}

Test(trace_reader, every_format_has_a_name_a_summary_and_a_file_that_it_alone_recognises)
{
    const struct trace_reader *reader;
    const char *summary;
    for (uint32_t i = 0; (reader = trace_reader_at(i)) != NULL; i++) {
        cr_expect_eq(trace_reader_find(reader->name), reader, "%s: the name is taken twice", reader->name);
        cr_expect_str_eq(trace_reader_name(i, &summary), reader->name);
        cr_expect(summary[0] && reader->sign[0], "%s", reader->name);
        const char *text = sample_of(reader->name);
        cr_assert(text, "%s has no sample in this test; add a small file", reader->name);
        struct trace *forced = load_fine(text, reader), *recognised = load_fine(text, NULL);
        const int64_t second_ns = forced->untimed ? 0 : 500000000;
        cr_expect(forced->count == 2 && forced->arrival_ns[1] == second_ns, "%s", reader->name);
        cr_expect(recognised->count == 2 && recognised->arrival_ns[1] == second_ns, "%s", reader->name);
        cr_expect_eq(memcmp(&recognised->facts, &reader->facts, sizeof reader->facts), 0, "%s is read as another format", reader->name);
        trace_destroy(forced);
        trace_destroy(recognised);
    }
    cr_expect_null(trace_reader_find("nothing"));
}

Test(trace_reader, what_nobody_recognises_is_refused_with_all_signs)
{
    const struct trace_reader *reader;
    struct trace *trace = NULL;
    struct diag diag;
    cr_assert_eq(load("\nhello\n", NULL, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:1: "), "%s", diag.text);
    for (uint32_t i = 0; (reader = trace_reader_at(i)) != NULL; i++)
        cr_expect(strstr(diag.text, reader->sign), "%s is not in: %s", reader->sign, diag.text);
    cr_assert_eq(load(sample_of("jsonl"), trace_reader_find("azure"), &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":2:1: an Azure CSV starts with"), "%s", diag.text);
}

Test(trace_reader, a_format_in_other_units_is_a_table_with_other_facts)
{
    struct trace_reader seconds = trace_reader_jsonl;
    struct trace *trace = NULL;
    struct diag diag;
    seconds.facts = (struct format_facts){.time_unit_ns = 1e9, .tokens_per_hash_id = 16};
    trace = load_fine(OBJECT("0.25", "") OBJECT("3", ",\"n\":2") "\n", &seconds);
    cr_expect(trace->arrival_ns[0] == 250000000 && trace->arrival_ns[1] == 3000000000);
    struct trace *expanded = NULL;
    cr_assert_eq(trace_expand_samples(trace, &expanded, &diag), SIM_OK);
    cr_expect(trace->facts.tokens_per_hash_id == 16 && expanded->facts.tokens_per_hash_id == 16);
    trace_destroy(expanded);
    trace_destroy(trace);
    cr_assert_eq(load(OBJECT("9.1e9", ""), &seconds, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, ":1:14: timestamp must be a number of seconds from 0 to 9e9"), "%s", diag.text);
}

Test(trace_reader, times_count_as_the_format_says)
{
    static const char text[] = OBJECT("2", "") OBJECT("2.5", "") OBJECT("3", "");
    static const struct {
        enum trace_times times;
        int64_t arrivals_us[3];
    } cases[] = {
        {TRACE_TIMES_FROM_ZERO, {2000, 2500, 3000}}, {TRACE_TIMES_FROM_FIRST, {0, 500, 1000}}, {TRACE_TIMES_GAPS, {2000, 4500, 7500}}};
    struct trace_reader reader = trace_reader_jsonl;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reader.facts.times = cases[i].times;
        struct trace *trace = load_fine(text, &reader);
        for (uint32_t k = 0; k < 3; k++)
            cr_expect_eq(trace->arrival_ns[k], cases[i].arrivals_us[k] * 1000, "case %zu, request %u", i, k);
        trace_destroy(trace);
    }
    struct trace *trace = NULL;
    struct diag diag;
    reader.facts.times = TRACE_TIMES_GAPS;
    cr_assert_eq(load(OBJECT("9e12", "") OBJECT("9e12", ""), &reader, &trace, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "request 1 "), "%s", diag.text);
}

static atomic_uint pieces;

static void read_and_count(struct trace_rows *rows)
{
    atomic_fetch_add(&pieces, 1);
    trace_reader_jsonl.read_piece(rows);
}

Test(trace_reader, a_whole_file_is_one_piece_and_lines_are_several)
{
    enum { REQUESTS = 200000 };
    static const char line[] = OBJECT("7", "");
    char *text = calloc(REQUESTS, sizeof line);
    cr_assert(text);
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(text + i * (sizeof line - 1), line, sizeof line);
#ifdef _OPENMP
    omp_set_num_threads(2);
#endif
    for (int whole = 0; whole < 3; whole++) {
        struct trace_reader reader = trace_reader_jsonl;
        reader.read_piece = read_and_count;
        reader.whole_file = whole == 1;
        reader.one_piece = whole == 2;
        atomic_store(&pieces, 0);
        struct trace *trace = load_fine(text, &reader);
        cr_expect_eq(trace->count, REQUESTS);
#ifdef _OPENMP
        cr_expect_eq(atomic_load(&pieces), whole ? 1 : 2);
#else
        cr_expect_eq(atomic_load(&pieces), 1);
#endif
        trace_destroy(trace);
    }
    free(text);
}
