/* test_presets.c - presets have the statistics that doc/guide.md says they reproduce, within the bounds that it states. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate/generate.h"
#include "generate/presets.h"
#include "study/trace_facts.h"
#include "support/naive_percentile.h"
#include "support/temp_file.h"

static struct trace *generated(const char *kind, uint32_t requests)
{
    struct generate_spec spec;
    const struct temp_file file = temp_file_make("", 0);
    const struct trace_selection all = trace_select_all();
    struct trace *trace;
    struct diag diag = {0};
    cr_assert_eq(generate_spec_preset(&spec, kind, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(generate_spec_check(&spec, &diag), SIM_OK, "%s", diag.text);
    spec.requests = requests;
    spec.seed = 1;
    FILE *out = fopen(file.path, "w");
    cr_assert(out && generate_write(&spec, out, &diag) == SIM_OK && fclose(out) == 0, "%s", diag.text);
    cr_assert_eq(trace_load(file.path, &all, &trace, &diag), SIM_OK, "%s", diag.text);
    temp_file_remove(&file);
    generate_spec_deinit(&spec);
    return trace;
}

/* Source: Azure Public Dataset, LLM inference traces 2023. */
struct published {
    double mean, p50, p90, p99;
};

static void expect_lengths(const uint32_t *tokens, uint32_t count, const struct published *want, double tolerance, const char *what)
{
    double *sorted = malloc(count * sizeof *sorted), sum = 0;
    cr_assert(sorted);
    for (uint32_t i = 0; i < count; i++)
        sum += sorted[i] = tokens[i];
    qsort(sorted, count, sizeof *sorted, by_value);
    const double got[] = {sum / count, naive_percentile(sorted, count, 50), naive_percentile(sorted, count, 90),
                          naive_percentile(sorted, count, 99)},
                 wanted[] = {want->mean, want->p50, want->p90, want->p99};
    for (int i = 0; i < 4; i++)
        cr_expect(wanted[i] == 0 || fabs(got[i] / wanted[i] - 1) <= tolerance, "%s: %g, not %g", what, got[i], wanted[i]);
    free(sorted);
}

static void rate_and_variation(const struct trace *trace, double *rate, double *cv)
{
    const double mean = (double)trace->arrival_ns[trace->count - 1] / (trace->count - 1);
    double squares = 0;
    for (uint32_t i = 1; i < trace->count; i++)
        squares += pow((double)(trace->arrival_ns[i] - trace->arrival_ns[i - 1]) / mean, 2);
    *rate = 1e9 / mean;
    *cv = sqrt(squares / (trace->count - 1) - 1);
}

static double reuse(const struct trace *trace)
{
    struct trace_facts facts;
    struct diag diag = {0};
    cr_assert_eq(trace_facts_collect(trace, 16, &facts, &diag), SIM_OK);
    return (double)facts.reusable_tokens / (double)facts.input_tokens;
}

Test(presets, chat_has_the_lengths_of_azure_and_the_reuse_of_mooncake)
{
    const struct published input = {1155, 1020, 2734, 4142}, output = {211, 129, 424, 601};
    struct trace *trace = generated("chat", 40000);
    double rate, cv;
    expect_lengths(trace->input_tokens, trace->count, &input, 0.15, "prompts");
    expect_lengths(trace->output_tokens, trace->count, &output, 0.05, "outputs");
    rate_and_variation(trace, &rate, &cv);
    cr_expect(fabs(rate / 5.53 - 1) < 0.05 && fabs(cv - 1.09) < 0.15, "rate %g, cv %g", rate, cv);
    cr_expect_float_eq(reuse(trace), 0.374, 0.02, "reuse %g", reuse(trace));
    trace_destroy(trace);
}

Test(presets, code_has_the_lengths_and_the_bursts_of_azure)
{
    const struct published input = {2048, 1469, 5188, 7436}, output = {27.9, 13, 55, 251};
    struct trace *trace = generated("code", 100000);
    double rate, cv;
    expect_lengths(trace->input_tokens, trace->count, &input, 0.05, "prompts");
    expect_lengths(trace->output_tokens, trace->count, &output, 0.1, "outputs");
    rate_and_variation(trace, &rate, &cv);
    cr_expect(fabs(rate / 2.57 - 1) < 0.1 && fabs(cv / 13.15 - 1) < 0.15, "rate %g, cv %g", rate, cv);
    trace_destroy(trace);
}

static int by_count(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Source: C. Jin et al., "RAGCache", 2024: 3 % of the documents (300 of 10,000) are 60 % of the retrievals. A prompt's ids are 16 of the system
 * prompt, then 32 of each of four documents. */
Test(presets, rag_retrieves_few_documents_often)
{
    struct trace *trace = generated("rag", 20000);
    uint32_t *retrievals = calloc(trace->distinct_hashes, sizeof *retrievals), popular = 0;
    cr_assert(retrievals);
    for (uint32_t i = 0; i < trace->count; i++)
        for (uint64_t k = 0; k < 4; k++)
            retrievals[trace->hash_ids[trace->hash_start[i] + 16 + 32 * k]]++;
    qsort(retrievals, trace->distinct_hashes, sizeof *retrievals, by_count);
    for (int i = 0; i < 300; i++)
        popular += retrievals[i];
    free(retrievals);
    cr_expect_float_eq(popular / (4.0 * trace->count), 0.6, 0.03, "%g", popular / (4.0 * trace->count));
    trace_destroy(trace);
}

/* Source: vLLM's blog of May 2026 on agentic workloads: 610 traces of Codex on SWE-bench Pro. A session begins where a prompt's blocks after
 * the system prompt are new. */
Test(presets, agent_grows_as_codex_does)
{
    struct trace *trace = generated("agent", 20000);
    double input = 0, output = 0;
    for (uint32_t i = 0; i < trace->count; i++) {
        input += trace->input_tokens[i];
        output += trace->output_tokens[i];
    }
    cr_expect_float_eq(input / output, 131, 0.07 * 131, "%g tokens in for one out", input / output);
    cr_expect_float_eq(reuse(trace), 0.942, 0.015, "reuse %g", reuse(trace));
    trace_destroy(trace);
}

/* Source: E. Evstafev, "Token-Hungry, Yet Precise", 2025: 4717.5 tokens for an answer of DeepSeek-R1 to hard problems of MATH. */
Test(presets, reasoning_answers_at_length)
{
    const struct published output = {4717.5, 0, 0, 0};
    struct trace *trace = generated("reasoning", 40000);
    expect_lengths(trace->output_tokens, trace->count, &output, 0.03, "outputs");
    trace_destroy(trace);
}

/* Reading a preset cannot fail, and it writes as many rows as it says. */
Test(presets, all_of_them_can_be_read)
{
    for (const struct preset *preset = PRESETS; preset->name; preset++) {
        struct trace *trace = generated(preset->name, 50);
        cr_expect_eq(trace->count, 50);
        trace_destroy(trace);
    }
}
