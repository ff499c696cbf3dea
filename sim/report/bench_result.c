/* bench_result.c - the console block and the JSON of vLLM's serving benchmark. Read bench_result.h first; the layout to compare with is the
 * end of benchmark() in vllm/benchmarks/serve.py. Values come from the run's figures by name; only the two peaks, which vLLM defines in its
 * own way, and the lists of --save-detailed are computed here.
 *
 * Both forms are made of the same parts:
 *
 *     peaks        metrics.h counts tokens; requests at once are a merge of intervals
 *     values       figures by name, so that the block, the JSON and the report never disagree
 *     block        lines of a document, printed by --format vllm
 *     JSON         written by --save-result, streamed, because its lists may be larger than memory
 *
 * vLLM measures at the client; a replay has no network, so its times are those of the engine. Time 0 is the first arrival. */
#include "report/bench_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "base/units.h"
#include "observe/per_request.h"
#include "sim_version.h"
#include "trace/request_order.h"

/* WIDTH is the benchmark's. S_PLACES: nanoseconds are the last of nine decimals of a second. DRAIN_BYTES bounds the text that is held while
 * lists are written. */
enum { WIDTH = 50, S_PLACES = 9, DRAIN_BYTES = 1 << 15 };
#define NS_PER_S INT64_C(1000000000)

/* --- requests at once -------------------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* The first and the last whole second in which each completed request was active, counted from the first of these requests. Requests that
 * never finished are left out, as the benchmark leaves out those that failed. Returns their number. */
static size_t active_seconds(const struct metrics *metrics, int64_t *first, int64_t *last)
{
    size_t count = 0;
    int64_t start_ns = INT64_MAX;
    for (uint32_t position = 0; position < metrics->trace->count; position++) {
        const struct request_story story = metrics_story(metrics, position);
        if (story.finish_ns < 0)
            continue;
        first[count] = story.arrival_ns;
        last[count] = story.finish_ns;
        start_ns = first[count] < start_ns ? first[count] : start_ns;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        first[i] = (first[i] - start_ns) / NS_PER_S;
        last[i] = (last[i] - start_ns) / NS_PER_S;
    }
    return count;
}

/* The most completed requests that were active in the same whole second: the definition of vLLM's releases, which counts two short requests
 * of one second even if one began after the other had ended. The lists are sorted and merged; a request leaves after its last second, so at
 * equal seconds those that begin go first. Sorting the two lists apart loses who belongs to whom, which does not matter for a count. */
static enum status most_in_a_second(const struct metrics *metrics, uint64_t *out, struct diag *diag)
{
    int64_t *first;
    enum status status = array_zeroed(&first, 2 * (size_t)metrics->trace->count, sizeof *first, "concurrent requests", diag);
    if (status != SIM_OK)
        return status;
    int64_t *last = first + metrics->trace->count;
    const size_t count = active_seconds(metrics, first, last);
    qsort(first, count, sizeof *first, by_time);
    qsort(last, count, sizeof *last, by_time);
    *out = 0;
    for (size_t begun = 0, ended = 0; begun < count; begun++) {
        while (last[ended] < first[begun])
            ended++;
        *out = max_u64(*out, begun + 1 - ended);
    }
    free(first);
    return SIM_OK;
}

/* --- values that both forms show -------------------------------------------------------------------------------------------------- */

/* All numbers are the run's figures, so that they agree with the report of the same run in every digit. */
static double value(const struct bench_result *result, const char *name)
{
    const double figure = run_figure(result->run, name);
    return isnan(figure) ? 0 : figure; /* vLLM prints 0 for latencies that no request has */
}

/* Dropped, ignored and unfinished requests alike: for a client, whatever did not answer in full has failed. */
static double failed(const struct bench_result *result)
{
    return value(result, "requests") - value(result, "completed");
}

/* A rate of infinity means "all at once", which the benchmark does not print as a rate; 0 means that arrivals are those of the trace. */
static bool has_rate(const struct config *config)
{
    return config->request_rate > 0 && isfinite(config->request_rate);
}

/* What vLLM's benchmark can show of a run: the waits of its client if it limits concurrency, and E2E with them if requests are due at times
 * of their own. With an infinite rate all are due at once, and vLLM leaves that latency out. */
static bool shows(const struct bench_result *result, enum latency latency)
{
    const struct config *config = result->run->config;
    return result->choice->wanted[latency] && (!latency_of_client(latency) || config->max_concurrency > 0) &&
           (latency != LATENCY_E2EL_CLIENT_QUEUE || has_rate(config));
}

/* --- console ---------------------------------------------------------------------------------------------------------------------- */

/* A line of `fill` with the title in the middle, as Python's str.center does it: an odd column goes to the right. */
static void rule(struct document *document, char fill, const char *title)
{
    char line[WIDTH + 1];
    const size_t length = strlen(title);
    memset(line, fill, WIDTH);
    line[WIDTH] = '\0';
    memcpy(line + (WIDTH - length) / 2, title, length);
    document_line(document, "%s", line);
}

/* Label and value in the benchmark's columns. The value is left-aligned and padded, so lines end in spaces; a diff against a real block
 * stays empty only if they are kept. */
static void row(struct document *document, const char *label, int decimals, double number)
{
    document_line(document, "%-40s %-10.*f", label, decimals, number);
}

/* A figure of one latency: "mean", LATENCY_TTFT. */
static double latency_value(const struct bench_result *result, const char *statistic, enum latency latency)
{
    char name[FIGURE_NAME_SIZE];
    snprintf(name, sizeof name, "%s_%s_ms", statistic, latency_names[latency]);
    return value(result, name);
}

/* vLLM's titles and labels, character by character: scripts parse this block. */
static void add_latency(const struct bench_result *result, enum latency latency, struct document *document)
{
    static const char *const titles[LATENCIES] = {
        "Time to First Token",  "Time per Output Token (excl. 1st token)", "Inter-token Latency", "End-to-end Latency", "Queue time",
        "Client-side Queueing", "Queue-inclusive End-to-end Latency"};
    static const char *const names[LATENCIES] = {"TTFT", "TPOT", "ITL", "E2EL", "queue", "Client Queue Time", "E2EL incl. Client Queue"};
    const struct latency_choice *choice = result->choice;
    char label[64], name[FIGURE_NAME_SIZE];
    if (!shows(result, latency))
        return;
    rule(document, '-', titles[latency]);
    snprintf(label, sizeof label, "Mean %s (ms):", names[latency]);
    row(document, label, 2, latency_value(result, "mean", latency));
    snprintf(label, sizeof label, "Median %s (ms):", names[latency]);
    row(document, label, 2, latency_value(result, "median", latency));
    for (size_t i = 0; i < choice->percentile_count; i++) {
        latency_percentile_name(choice->percentiles[i], latency, name); /* p99_ttft_ms: its digits make the label P99 TTFT */
        snprintf(label, sizeof label, "P%.*s %s (ms):", (int)strcspn(name + 1, "_"), name + 1, names[latency]);
        row(document, label, 2, value(result, name));
    }
}

/* In per cent, as vLLM has it. Its benchmark shows nothing of drafts if none were verified. */
static double acceptance_percent(const struct bench_result *result)
{
    return 100 * value(result, "spec_decode_acceptance_rate");
}

static void add_drafts(const struct bench_result *result, struct document *document)
{
    const struct draft_sums *sums = &result->run->metrics.end.drafts;
    if (sums->verified == 0)
        return;
    rule(document, '-', "Speculative Decoding");
    row(document, "Acceptance rate (%):", 2, acceptance_percent(result));
    row(document, "Acceptance length:", 2, value(result, "spec_decode_acceptance_length"));
    row(document, "Drafts:", 0, (double)sums->verified);
    row(document, "Draft tokens:", 0, value(result, "spec_decode_draft_tokens"));
    row(document, "Accepted tokens:", 0, value(result, "spec_decode_accepted_tokens"));
    document_line(document, "Per-position acceptance (%%):");
    for (uint32_t place = 0; place < result->run->config->speculative.num_speculative_tokens; place++) {
        char label[64];
        snprintf(label, sizeof label, "  Position %u:", place);
        row(document, label, 2, 100 * draft_acceptance(sums, place));
    }
}

/* The order, the labels and the lines that are there only sometimes follow benchmark() line by line. Peak concurrency is printed with two
 * decimals because vLLM does. */
enum status bench_result_lines(const struct bench_result *result, struct document *document, struct diag *diag)
{
    const struct config *config = result->run->config;
    uint64_t concurrent;
    enum status status = most_in_a_second(&result->run->metrics, &concurrent, diag);
    if (status != SIM_OK)
        return status;
    rule(document, '=', " Serving Benchmark Result ");
    row(document, "Successful requests:", 0, value(result, "completed"));
    row(document, "Failed requests:", 0, failed(result));
    if (config->max_concurrency > 0)
        row(document, "Maximum request concurrency:", 0, config->max_concurrency);
    if (has_rate(config))
        row(document, "Request rate configured (RPS):", 2, config->request_rate);
    row(document, "Benchmark duration (s):", 2, value(result, "makespan_s"));
    row(document, "Total input tokens:", 0, value(result, "total_input_tokens"));
    row(document, "Total generated tokens:", 0, value(result, "total_output_tokens"));
    row(document, "Request throughput (req/s):", 2, value(result, "request_throughput"));
    if (result->run->goodput)
        row(document, "Request goodput (req/s):", 2, value(result, "request_goodput"));
    row(document, "Output token throughput (tok/s):", 2, value(result, "output_throughput"));
    row(document, "Peak output token throughput (tok/s):", 2, (double)result->run->metrics.output_peak.most);
    row(document, "Peak concurrent requests:", 2, (double)concurrent);
    row(document, "Total token throughput (tok/s):", 2, value(result, "total_token_throughput"));
    for (int latency = 0; latency < LATENCIES; latency++)
        add_latency(result, (enum latency)latency, document);
    add_drafts(result, document);
    rule(document, '=', "");
    return SIM_OK;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------- */

/* vLLM writes null for a label that nobody gave. An empty string would look like a label. */
static void put_text_or_null(struct json_text *json, const char *key, const char *text)
{
    json_key(json, key);
    if (text && *text)
        json_string(json, text);
    else
        json_null(json);
}

/* The keys before the results: what was run, and how requests came. An infinite rate is the string "inf", as JSON has no infinity. Members
 * that vLLM has and a replay has no value for stay as null, so that scripts that read them by name do not fail. "pagesim", "trace" and
 * "step_time_model" are ours, because a result without its input cannot be made again. The pairs of --metadata come next, as strings: parse_metadata() in
 * replay_outputs.c has made sure that each has a '=' and a key that fits. */
static void write_setup(const struct bench_result *result, struct json_text *json)
{
    const struct run *run = result->run;
    const struct config *config = run->config;
    json_put_string(json, "endpoint_type", "pagesim");
    json_put_string(json, "backend", "pagesim");
    put_text_or_null(json, "label", NULL);
    put_text_or_null(json, "model_id", config->model);
    put_text_or_null(json, "tokenizer_id", NULL);
    json_put_uint(json, "num_prompts", run->trace->count);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "trace", run->trace->name);
    json_put_string(json, "step_time_model", step_time_name(run->config->step_time.model));
    for (size_t i = 0; i < result->metadata_count; i++) {
        const char *pair = result->metadata[i], *equals = strchr(pair, '=');
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)(equals - pair), pair);
        json_put_string(json, key, equals + 1);
    }
    if (has_rate(config))
        json_put_double(json, "request_rate", config->request_rate);
    else
        json_put_string(json, "request_rate", "inf");
    json_put_double(json, "burstiness", config->burstiness);
    json_put_double(json, "max_concurrency", config->max_concurrency > 0 ? config->max_concurrency : (double)NAN);
    if (*config->ramp_up_strategy) {
        json_put_string(json, "ramp_up_strategy", config->ramp_up_strategy);
        json_put_double(json, "ramp_up_start_rps", config->ramp_up_start_rps);
        json_put_double(json, "ramp_up_end_rps", config->ramp_up_end_rps);
    }
}

/* Without limits vLLM writes null for the goodput, as json_put_double does for NaN. */
static void write_totals(const struct bench_result *result, struct json_text *json)
{
    json_put_double(json, "duration", value(result, "makespan_s"));
    json_put_double(json, "completed", value(result, "completed"));
    json_put_double(json, "failed", failed(result));
    json_put_double(json, "total_input_tokens", value(result, "total_input_tokens"));
    json_put_double(json, "total_output_tokens", value(result, "total_output_tokens"));
    json_put_double(json, "request_throughput", value(result, "request_throughput"));
    json_put_double(json, "request_goodput", result->run->goodput ? value(result, "request_goodput") : (double)NAN);
    json_put_double(json, "output_throughput", value(result, "output_throughput"));
    json_put_double(json, "total_token_throughput", value(result, "total_token_throughput"));
}

/* These follow the lists in vLLM's files. There is no audio in a replay, so its inverse real-time factor is 0, as it is for any text model. */
static void write_peaks(const struct bench_result *result, uint64_t concurrent, struct json_text *json)
{
    json_put_uint(json, "max_output_tokens_per_s", result->run->metrics.output_peak.most);
    json_put_uint(json, "max_concurrent_requests", concurrent);
    json_put_double(json, "rtfx", 0);
}

/* vLLM's keys, between the lists and the peaks; missing, not 0, where nothing was drafted. */
static void write_drafts(const struct bench_result *result, struct json_text *json)
{
    static const char *const counts[] = {"spec_decode_num_drafts", "spec_decode_draft_tokens", "spec_decode_accepted_tokens"};
    const struct draft_sums *sums = &result->run->metrics.end.drafts;
    if (sums->verified == 0)
        return;
    json_put_double(json, "spec_decode_acceptance_rate", acceptance_percent(result));
    json_put_double(json, "spec_decode_acceptance_length", value(result, "spec_decode_acceptance_length"));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_put_double(json, counts[i], value(result, counts[i]));
    json_key(json, "spec_decode_per_position_acceptance_rates");
    json_open_array(json);
    for (uint32_t place = 0; place < result->run->config->speculative.num_speculative_tokens; place++)
        json_double(json, draft_acceptance(sums, place));
    json_close_array(json);
}

/* Standard deviation is in the JSON and not in the console block, as in vLLM. */
static void write_latencies(const struct bench_result *result, struct json_text *json)
{
    static const char *const statistics[] = {"mean", "median", "std"};
    const struct latency_choice *choice = result->choice;
    for (int i = 0; i < LATENCIES; i++) {
        const enum latency latency = (enum latency)i;
        char name[FIGURE_NAME_SIZE];
        for (size_t s = 0; shows(result, latency) && s < sizeof statistics / sizeof *statistics; s++) {
            snprintf(name, sizeof name, "%s_%s_ms", statistics[s], latency_names[i]);
            json_put_double(json, name, value(result, name));
        }
        for (size_t p = 0; shows(result, latency) && p < choice->percentile_count; p++) {
            latency_percentile_name(choice->percentiles[p], latency, name);
            json_put_double(json, name, value(result, name));
        }
    }
}

/* --- one entry a request ---------------------------------------------------------------------------------------------------------- */

/* Nine decimals are whole nanoseconds, formatted in integers. A request that failed has 0 in all lists but two. */
static void put_seconds(struct json_text *json, int64_t ns)
{
    char digits[UNIT_TEXT];
    json_raw(json, digits, unit_decimal(ns, S_PLACES, digits));
}

/* A walk, not an array: the tokens of one request are made one by one, and a trace may have hundreds of millions. A request that failed has
 * an empty list. */
static void put_itls(struct json_text *json, const struct token_times *times, uint32_t position)
{
    struct token_walk walk = token_walk_begin(times, position);
    json_open_array(json);
    for (int64_t itl_ns; token_walk_next(&walk, &itl_ns);)
        put_seconds(json, itl_ns);
    json_close_array(json);
}

/* vLLM writes the text of an exception here; this is the reason why the request did not complete. */
static void put_error(struct json_text *json, const struct request_story *story)
{
    const enum request_status status = request_status(story);
    char text[64];
    snprintf(text, sizeof text, "%s%s%s", status == REQUEST_COMPLETED ? "" : request_status_names[status],
             status == REQUEST_DROPPED ? ": " : "", status == REQUEST_DROPPED ? request_drop_reason(story) : "");
    json_string(json, text);
}

enum detail { INPUT_LENS, OUTPUT_LENS, TTFTS, ITLS, E2ELS, START_TIMES, QUEUE_TIMES, ERRORS, DETAILS };
static const char *const detail_names[DETAILS] = {"input_lens", "output_lens", "ttfts",       "itls",
                                                  "latencies",  "start_times", "queue_times", "errors"};

/* For a V0 group the output length is that of one sequence, not the sum over all, so that an entry's tokens and times fit together.
 * Latencies are differences of integers. Nothing is rounded before it is printed, so the sum of a request's ttft and itls is its latency
 * exactly. */
static void put_detail(const struct bench_result *result, enum detail detail, uint32_t position, struct json_text *json)
{
    const struct trace *trace = result->run->trace;
    const struct request_story story = metrics_story(&result->run->metrics, position);
    const bool completed = story.finish_ns >= 0;
    if (detail == INPUT_LENS)
        json_uint(json, trace->input_tokens[position]);
    else if (detail == OUTPUT_LENS)
        json_uint(json, completed ? trace->output_tokens[position] : 0);
    else if (detail == TTFTS)
        put_seconds(json, completed ? story.first_token_ns - story.arrival_ns : 0);
    else if (detail == ITLS)
        put_itls(json, result->times, position);
    else if (detail == E2ELS)
        put_seconds(json, completed ? story.finish_ns - story.arrival_ns : 0);
    else if (detail == START_TIMES)
        put_seconds(json, story.arrival_ns);
    else if (detail == QUEUE_TIMES)
        put_seconds(json, completed ? story.arrival_ns - trace->arrival_ns[position] : 0);
    else
        put_error(json, &story);
}

/* Of a latency's figures any: which there are depends on further options, and their names say what they are. */
bool bench_result_has_key(const char *key)
{
    static const char *const fixed[] = {"endpoint_type",
                                        "backend",
                                        "label",
                                        "model_id",
                                        "tokenizer_id",
                                        "num_prompts",
                                        "pagesim",
                                        "trace",
                                        "step_time_model",
                                        "request_rate",
                                        "burstiness",
                                        "max_concurrency",
                                        "ramp_up_strategy",
                                        "ramp_up_start_rps",
                                        "ramp_up_end_rps",
                                        "duration",
                                        "completed",
                                        "failed",
                                        "total_input_tokens",
                                        "total_output_tokens",
                                        "request_throughput",
                                        "request_goodput",
                                        "rtfx",
                                        "output_throughput",
                                        "total_token_throughput",
                                        "max_output_tokens_per_s",
                                        "max_concurrent_requests",
                                        "spec_decode_acceptance_rate",
                                        "spec_decode_acceptance_length",
                                        "spec_decode_num_drafts",
                                        "spec_decode_draft_tokens",
                                        "spec_decode_accepted_tokens",
                                        "spec_decode_per_position_acceptance_rates"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(key, fixed[i]) == 0)
            return true;
    for (int i = 0; i < DETAILS; i++)
        if (strcmp(key, detail_names[i]) == 0)
            return true;
    for (int i = 0; i < LATENCIES; i++) {
        char ending[FIGURE_NAME_SIZE];
        const size_t length = (size_t)snprintf(ending, sizeof ending, "_%s_ms", latency_names[i]);
        if (strlen(key) > length && strcmp(key + strlen(key) - length, ending) == 0)
            return true;
    }
    return false;
}

/* The lists may be longer than memory likes. Text goes to the file in pieces of at least `least` bytes and leaves memory. Each call empties
 * the buffer but keeps its capacity, so memory stays at DRAIN_BYTES plus the longest single entry whatever the trace's length. A failed
 * buffer is reported first: its text is not complete. */
static enum status drain(struct json_text *json, size_t least, struct text_writer *writer, struct diag *diag)
{
    if (json->failed)
        return json_text_status(json, diag);
    if (json->length < least)
        return SIM_OK;
    enum status status = text_writer_write(writer, json->text, json->length, diag);
    json->length = 0;
    return status;
}

/* One list after the other, each over all requests, as vLLM has it. Requests are walked once a list, because the
 * format puts lists one after the other; a single walk would have to hold all texts in memory. Without --save-detailed vLLM removes
 * all lists but two. The order is that of the file and not
 * that of arrivals, so that a line of the trace and an entry of a list have the same number. */
static enum status write_details(const struct bench_result *result, struct json_text *json, struct text_writer *writer, struct diag *diag)
{
    const uint32_t count = result->run->trace->count;
    uint32_t *order;
    enum status status = request_order(result->run->trace, &order, diag);
    if (status != SIM_OK)
        return status;
    for (int detail = 0; detail < DETAILS; detail++) {
        if (!result->times && detail != E2ELS && detail != QUEUE_TIMES)
            continue;
        json_key(json, detail_names[detail]);
        json_open_array(json);
        for (uint32_t i = 0; i < count && status == SIM_OK; i++) {
            put_detail(result, (enum detail)detail, order[i], json);
            status = drain(json, DRAIN_BYTES, writer, diag);
        }
        json_close_array(json);
    }
    free(order);
    return status;
}

/* The members' order is vLLM's: setup, totals, lists, latencies. Scripts read by name, but people compare files side by side. The caller
 * commits the writer: if anything fails here, the target file keeps what it had. */
enum status bench_result_write(const struct bench_result *result, struct text_writer *writer, struct diag *diag)
{
    struct json_text json;
    uint64_t concurrent;
    enum status status = most_in_a_second(&result->run->metrics, &concurrent, diag);
    if (status != SIM_OK)
        return status;
    json_text_init(&json, false);
    json_open_object(&json);
    write_setup(result, &json);
    write_totals(result, &json);
    status = write_details(result, &json, writer, diag);
    write_drafts(result, &json);
    write_peaks(result, concurrent, &json);
    write_latencies(result, &json);
    json_close_object(&json);
    if (status == SIM_OK)
        status = drain(&json, 0, writer, diag);
    if (status == SIM_OK)
        status = text_writer_write(writer, "\n", 1, diag);
    json_text_deinit(&json);
    return status;
}
