/* test_generate.c - what prompts share, in structures whose numbers can be worked out by hand; order of rows; memory. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "study/trace_facts.h"
#include "support/allocations.h"
#include "support/temp_file.h"

/* A spec from options in pairs, NULL after the last. */
static void make_spec(struct generate_spec *spec, const char *kind, const char *const *options, uint32_t requests)
{
    struct diag diag = {0};
    cr_assert_eq(generate_spec_preset(spec, kind, &diag), SIM_OK, "%s", diag.text);
    for (; *options; options += 2)
        cr_assert_eq(generate_spec_set(spec, options[0], options[1], &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(generate_spec_check(spec, &diag), SIM_OK, "%s", diag.text);
    spec->requests = requests;
    spec->seed = 3;
}

static struct trace *generated(const char *const *options, uint32_t requests)
{
    struct generate_spec spec;
    const struct temp_file file = temp_file_make("", 0);
    const struct trace_selection all = trace_select_all();
    struct trace *trace;
    struct diag diag = {0};
    make_spec(&spec, "custom", options, requests);
    FILE *out = fopen(file.path, "w");
    cr_assert(out && generate_write(&spec, out, &diag) == SIM_OK && fclose(out) == 0, "%s", diag.text);
    cr_assert_eq(trace_load(file.path, &all, &trace, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(trace->count, requests);
    for (uint32_t i = 0; i < requests; i++) /* written in order of time, with an id for each block */
        cr_assert(trace_index(trace, i) == i && trace_hash_count(trace, i) == (trace->hash_start ? (trace->input_tokens[i] + 15) / 16 : 0));
    temp_file_remove(&file);
    generate_spec_deinit(&spec);
    return trace;
}

static double reuse(const char *const *options, uint32_t requests)
{
    struct trace *trace = generated(options, requests);
    struct trace_facts facts;
    struct diag diag = {0};
    cr_assert_eq(trace_facts_collect(trace, 16, &facts, &diag), SIM_OK);
    trace_destroy(trace);
    return (double)facts.reusable_tokens / (double)facts.input_tokens;
}

/* Prompts of 100 tokens after one of 1000: 62 whole blocks of each but the first of its system prompt. */
Test(generate, system_prompts_are_shared_by_whole_blocks)
{
    const char *const options[] = {"input-tokens", "100", "output-tokens", "1", "sharing", "system:prompts=4,tokens=1000", NULL};
    cr_expect_float_eq(reuse(options, 4000), (4000.0 - 4) / 4000 * 992 / 1100, 1e-6);
    const char *const none[] = {"input-tokens", "100", "output-tokens", "1", NULL};
    cr_expect_eq(reuse(none, 100), 0);
}

/* Four turns of 32 in and 16 out after a system prompt of 64 tokens: prompts of 96, 144, 192 and 240 tokens, of which 64, 96, 144 and 192
 * were there before. */
Test(generate, turns_repeat_what_was_said)
{
    const char *const options[] = {"input-tokens", "32",    "output-tokens", "16",           "sharing", "sessions:tokens=64", "turns", "4",
                                   "think",        "0.001", "arrival",       "constant:0.1", NULL};
    struct trace *trace = generated(options, 8000);
    for (uint32_t i = 0; i < trace->count; i++)
        cr_assert_eq(trace->input_tokens[i], 96 + i % 4 * 48);
    trace_destroy(trace);
    cr_expect_float_eq(reuse(options, 8000), (64 + 96 + 144 + 192.0) / (96 + 144 + 192 + 240), 1e-3);
}

/* Levels of 1, 3 and 9 agents, each with 48 in and 16 out: prompts of 48, 112 and 176 tokens. The first child of an agent finds its parent's
 * prompt, the others the answer, too. */
Test(generate, agents_share_the_path_to_them)
{
    const char *const options[] = {"input-tokens", "48",    "output-tokens", "16",         "sharing", "tree:tokens=0,depth=3,branch=3",
                                   "think",        "0.001", "arrival",       "constant:1", NULL};
    const double found = 48 + 2 * 64 + 3 * (112 + 2 * 128), all = 48 + 3 * 112 + 9 * 176;
    cr_expect_float_eq(reuse(options, 1300), found / all, 1e-9);
}

/* With one document, all but the question is found; with as many as are never met twice, nothing is. */
Test(generate, documents_are_found_where_the_same_ones_come_first)
{
    const char *const one[] = {
        "input-tokens", "8", "output-tokens", "1", "sharing", "documents:documents=1,tokens=160,each=1,system=32", NULL};
    const char *const many[] = {
        "input-tokens", "8", "output-tokens", "1", "sharing", "documents:documents=1e9,skew=0,tokens=160,each=2", NULL};
    const char *const two[] = {
        "input-tokens", "8", "output-tokens", "1", "sharing", "documents:documents=2,skew=0,tokens=160,each=2", NULL};
    cr_expect_float_eq(reuse(one, 1000), 999.0 / 1000 * 192 / 200, 1e-9);
    cr_expect_float_eq(reuse(many, 1000), 0, 1e-2);
    cr_expect_float_eq(reuse(two, 1000), 998.0 / 1000 * 320 / 328, 1e-9); /* two orders */
}

Test(generate, heads_of_files_are_a_share_of_the_prompt)
{
    const char *const options[] = {"input-tokens", "1600", "output-tokens", "1", "sharing", "files:files=10,share=0.5,skew=0", NULL};
    cr_expect_float_eq(reuse(options, 1000), 990.0 / 1000 * 0.5, 1e-9);
}

/* The rate is that of requests, whatever comes in a session. */
Test(generate, sessions_keep_the_rate_of_requests)
{
    const char *const options[] = {
        "input-tokens", "9", "output-tokens", "9",          "sharing", "sessions:tokens=16", "turns", "uniform:1,max=9",
        "think",        "1", "arrival",       "poisson:20", NULL};
    struct trace *trace = generated(options, 40000);
    cr_expect_float_eq((double)trace->count / ((double)trace->arrival_ns[trace->count - 1] * 1e-9), 20, 0.6);
    trace_destroy(trace);
}

Test(generate, classes_have_their_share_and_parts)
{
    const char *const options[] = {"input-tokens",
                                   "10",
                                   "output-tokens",
                                   "5",
                                   "class",
                                   "share=0.2 priorities=7 input-tokens=99",
                                   "class",
                                   "share=0.3 samples=2 output-tokens=1",
                                   NULL};
    struct trace *trace = generated(options, 20000);
    uint32_t first = 0, second = 0;
    for (uint32_t i = 0; i < trace->count; i++) {
        first += trace->priority[i] == 7 && trace->input_tokens[i] == 99 && trace->output_tokens[i] == 5 && trace->samples[i] == 1;
        second += trace->priority[i] == 0 && trace->input_tokens[i] == 10 && trace->output_tokens[i] == 1 && trace->samples[i] == 2;
    }
    cr_expect_float_eq(first / 20000.0, 0.2, 0.01);
    cr_expect_float_eq(second / 20000.0, 0.3, 0.012);
    trace_destroy(trace);
}

/* Every allocation fails once; nothing is lost then (the sanitizers see to that), and the error says so. */
Test(generate, out_of_memory_is_an_error)
{
    static const char *const options[] = {
        "input-tokens", "choice:10=1,20=1", "output-tokens", "5", "sharing", "tree:depth=2,branch=3", NULL};
    static char text[1 << 16];
    uint64_t failures = 0;
    for (uint64_t countdown = 1;; countdown++) {
        struct generate_spec spec;
        struct diag diag = {0};
        make_spec(&spec, "custom", options, 50);
        FILE *out = fmemopen(text, sizeof text, "w");
        cr_assert(out);
        setvbuf(out, NULL, _IONBF, 0);
        allocations_fail_after(countdown);
        const enum status status = generate_write(&spec, out, &diag);
        allocations_fail_after(0);
        fclose(out);
        generate_spec_deinit(&spec);
        if (status == SIM_OK)
            break;
        cr_assert_eq(status, SIM_FAILED, "%s", diag.text);
        failures++;
    }
    cr_expect(failures > 5, "%llu allocations", (unsigned long long)failures);
}

/* Ten times the requests, not one allocation more for a structure whose sessions end at once. */
Test(generate, memory_does_not_grow_with_requests)
{
    static const char *const options[] = {"input-tokens", "100", "output-tokens", "5", "sharing", "system", NULL};
    uint64_t allocations[2];
    for (int i = 0; i < 2; i++) {
        struct generate_spec spec;
        struct diag diag = {0};
        make_spec(&spec, "custom", options, i ? 20000 : 2000);
        FILE *out = fopen("/dev/null", "w");
        cr_assert(out);
        const uint64_t before = allocations_so_far();
        cr_assert_eq(generate_write(&spec, out, &diag), SIM_OK);
        allocations[i] = allocations_so_far() - before;
        fclose(out);
        generate_spec_deinit(&spec);
    }
    cr_expect_eq(allocations[0], allocations[1]);
}
