/* fuzz_measured_results.c - what a real server measured, as `pagesim validate` takes it. The input has the parts (harness.h) "trace",
 * "requests", "timeline" and "json"; without a trace a small one is replayed. The report of the comparison must be JSON. */
#include <stdlib.h>

#include "fuzz/harness.h"
#include "report/renderer.h"
#include "report/validation_report.h"
#include "study/measured_run.h"
#include "study/scheduling_choice.h"
#include "support/tiny_trace.h"

/* A trace of the input is replayed only while that is quick. */
enum { REQUESTS_MOST = 64, TOKENS_MOST = 4096, OUTPUT_MOST = 256 };

static const struct tiny_request usual[] = {
    {0, 40, 8, .hash_count = 2, .hash_ids = {0, 1}}, {2000000, 30, 1}, {2000000, 40, 12, .hash_count = 2, .hash_ids = {0, 1}}};

static struct trace *take_trace(const struct fuzz_part *part)
{
    const struct trace_selection all = trace_select_all();
    struct diag diag = {0};
    struct trace *trace;
    if (!part->text || trace_load(fuzz_file("trace", part->text, part->length), &all, &trace, &diag) != SIM_OK)
        return tiny_trace(usual, sizeof usual / sizeof *usual);
    bool quick = trace->count <= REQUESTS_MOST;
    for (uint32_t i = 0; i < trace->count && quick; i++)
        quick = trace->input_tokens[i] <= TOKENS_MOST && trace->output_tokens[i] <= OUTPUT_MOST && trace_sequences(trace, i) <= 4;
    if (quick)
        return trace;
    trace_destroy(trace);
    return tiny_trace(usual, sizeof usual / sizeof *usual);
}

static void report(struct scheduling_choice *choice)
{
    struct diag diag = {0};
    struct json_text json;
    struct document *document =
        validation_report(choice, &(struct document_origin){.command = "validate", .config = &scheduling_chosen(choice)->config});
    FUZZ_CHECK(document_to_json(document, &json, &diag) == SIM_OK, "%s", diag.text);
    fuzz_check_json(&json);
    document_destroy(document);
}

/* Nothing says async_scheduling, so that both ways are replayed. */
static void compare(const struct trace *trace, const struct fuzz_part *parts)
{
    static struct scheduling_choice choice;
    const struct config config = tiny_config_v1(16, 300);
    struct diag diag = {0};
    struct measured_run measured = {0};
    enum status status = scheduling_choice_open(&choice, trace, &config, &diag);
    fuzz_check_diag(status, &diag);
    const char *requests = fuzz_file("requests", parts[1].text, parts[1].length);
    const char *timeline = fuzz_file("timeline", parts[2].text, parts[2].length);
    const char *json = fuzz_file("json", parts[3].text, parts[3].length);
    if (status == SIM_OK) {
        status = parts[3].text
                     ? measured_run_open_json(json, choice.ways[0].run.trace, &measured, &diag)
                     : measured_run_open_csv(requests, parts[2].text ? timeline : NULL, choice.ways[0].run.trace, &measured, &diag);
        fuzz_check_diag(status, &diag);
    }
    if (status == SIM_OK) {
        status = scheduling_choice_make(&choice, &measured, NULL, NULL, &diag);
        fuzz_check_diag(status, &diag);
    }
    if (status == SIM_OK)
        report(&choice);
    scheduling_choice_close(&choice);
    measured_run_close(&measured);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fuzz_bytes bytes = {data, size};
    struct fuzz_part parts[] = {{"trace"}, {"requests"}, {"timeline"}, {"json"}};
    fuzz_cut(&bytes, parts, sizeof parts / sizeof *parts);
    struct trace *trace = take_trace(&parts[0]);
    compare(trace, parts);
    trace_destroy(trace);
    return 0;
}
