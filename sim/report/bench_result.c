/* bench_result.c - see bench_result.h. */
#include "report/bench_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"
#include "observe/per_request.h"
#include "observe/request_order.h"
#include "sim_version.h"

enum { WIDTH = 50, S_PLACES = 9, DRAIN_BYTES = 1 << 15 };
#define NS_PER_S INT64_C(1000000000)

/* --- peaks ------------------------------------------------------------------------------------------------------------------------ */

void bench_peak_init(struct bench_peak *peak)
{
    *peak = (struct bench_peak){.first_arrival_ns = -1};
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct bench_peak *peak = self;
    (void)diag;
    for (size_t i = 0; i < count && peak->first_arrival_ns < 0; i++)
        if (events[i].kind == EVENT_ARRIVE)
            peak->first_arrival_ns = events[i].time_ns;
    return SIM_OK;
}

/* Tokens come in order of time, so that one second is counted at a time. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct bench_peak *peak = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *first = &runs[i].first;
        int64_t end_ns = first->start_ns - peak->first_arrival_ns, duration_ns = first->duration_ns;
        for (uint32_t step = 0; step < runs[i].steps && first->sampled_tokens > 0; step++) {
            end_ns += duration_ns;
            duration_ns += runs[i].change_ns;
            const uint64_t second = (uint64_t)(end_ns / NS_PER_S);
            peak->tokens = second == peak->second ? peak->tokens + first->sampled_tokens : first->sampled_tokens;
            peak->second = second;
            if (peak->tokens > peak->most_tokens)
                peak->most_tokens = peak->tokens;
        }
    }
    return SIM_OK;
}

struct observer bench_peak_observer(struct bench_peak *peak)
{
    return (struct observer){.self = peak, .runs = on_runs, .events = on_events};
}

static int by_time(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Most completed requests in [arrival, last token) at one moment: who leaves at a moment goes before who comes. */
static enum status most_concurrent(const struct metrics *metrics, uint64_t *out, struct diag *diag)
{
    int64_t *times;
    size_t count = 0, begun = 0, ended = 0;
    enum status status = array_zeroed(&times, 2 * (size_t)metrics->trace->count, sizeof *times, "concurrent requests", diag);
    if (status != SIM_OK)
        return status;
    int64_t *ends = times + metrics->trace->count;
    for (uint32_t position = 0; position < metrics->trace->count; position++)
        if (metrics->stories[position].finish_ns >= 0) {
            times[count] = metrics->stories[position].arrival_ns;
            ends[count++] = metrics->stories[position].finish_ns;
        }
    qsort(times, count, sizeof *times, by_time);
    qsort(ends, count, sizeof *ends, by_time);
    *out = 0;
    while (begun < count) {
        if (ends[ended] <= times[begun]) {
            ended++;
            continue;
        }
        begun++;
        if (begun - ended > *out)
            *out = begun - ended;
    }
    free(times);
    return SIM_OK;
}

/* --- what both forms tell --------------------------------------------------------------------------------------------------------- */

static double value(const struct bench_result *result, const char *name)
{
    const struct figure *figure = report_find(result->report, name);
    return figure && !figure->undefined ? figure->value : 0;
}

static uint64_t whole(const struct bench_result *result, const char *name)
{
    return (uint64_t)value(result, name);
}

static uint64_t failed(const struct bench_result *result)
{
    return whole(result, "requests") - whole(result, "completed");
}

static bool has_rate(const struct config *config)
{
    return config->request_rate > 0 && isfinite(config->request_rate);
}

/* --- console ---------------------------------------------------------------------------------------------------------------------- */

/* Centred in the rule; an odd column goes to the right. */
static void rule(FILE *file, char fill, const char *title)
{
    const int length = (int)strlen(title), left = (WIDTH - length) / 2;
    for (int i = 0; i < left; i++)
        fputc(fill, file);
    fputs(title, file);
    for (int i = left + length; i < WIDTH; i++)
        fputc(fill, file);
    fputc('\n', file);
}

static void row_count(FILE *file, const char *label, uint64_t number)
{
    fprintf(file, "%-40s %-10llu\n", label, (unsigned long long)number);
}

static void row_number(FILE *file, const char *label, double number)
{
    fprintf(file, "%-40s %-10.2f\n", label, number);
}

static void print_latency(const struct bench_result *result, enum latency_metric metric, FILE *file)
{
    static const char *const titles[LATENCY_METRICS] = {"Time to First Token", "Time per Output Token (excl. 1st token)",
                                                        "Inter-token Latency", "End-to-end Latency"};
    static const char *const names[LATENCY_METRICS] = {"TTFT", "TPOT", "ITL", "E2EL"};
    const struct latency_choice *choice = result->choice;
    const struct figures *figures = latency_figures(result->report->metrics, metric);
    char label[64], percentile[40];
    if (!choice->wanted[metric])
        return;
    rule(file, '-', titles[metric]);
    snprintf(label, sizeof label, "Mean %s (ms):", names[metric]);
    row_number(file, label, figures->mean);
    snprintf(label, sizeof label, "Median %s (ms):", names[metric]);
    row_number(file, label, figures->median);
    for (size_t i = 0; i < choice->percentile_count; i++) {
        latency_percentile_name(choice->percentiles[i], percentile, sizeof percentile);
        snprintf(label, sizeof label, "P%s %s (ms):", percentile + 1, names[metric]);
        row_number(file, label, choice->values_ms[metric][i]);
    }
}

enum status bench_result_print(const struct bench_result *result, FILE *file, struct diag *diag)
{
    const struct config *config = result->report->config;
    uint64_t concurrent;
    enum status status = most_concurrent(result->report->metrics, &concurrent, diag);
    if (status != SIM_OK)
        return status;
    rule(file, '=', " Serving Benchmark Result ");
    row_count(file, "Successful requests:", whole(result, "completed"));
    row_count(file, "Failed requests:", failed(result));
    if (config->max_concurrency > 0)
        row_count(file, "Maximum request concurrency:", config->max_concurrency);
    if (has_rate(config))
        row_number(file, "Request rate configured (RPS):", config->request_rate);
    row_number(file, "Benchmark duration (s):", value(result, "makespan_s"));
    row_count(file, "Total input tokens:", whole(result, "input_tokens"));
    row_count(file, "Total generated tokens:", whole(result, "output_tokens"));
    row_number(file, "Request throughput (req/s):", value(result, "request_throughput_per_s"));
    if (result->report->goodput)
        row_number(file, "Request goodput (req/s):", value(result, "request_goodput_per_s"));
    row_number(file, "Output token throughput (tok/s):", value(result, "output_throughput_tokens_per_s"));
    row_number(file, "Peak output token throughput (tok/s):", (double)result->peak->most_tokens);
    row_number(file, "Peak concurrent requests:", (double)concurrent);
    row_number(file, "Total token throughput (tok/s):", value(result, "total_throughput_tokens_per_s"));
    for (int metric = 0; metric < LATENCY_METRICS; metric++)
        print_latency(result, (enum latency_metric)metric, file);
    rule(file, '=', "");
    return SIM_OK;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------- */

static void put_text_or_null(struct json_text *json, const char *key, const char *text)
{
    json_key(json, key);
    if (text && *text)
        json_string(json, text);
    else
        json_null(json);
}

/* Who ran what: the keys before the results. */
static void write_setup(const struct bench_result *result, struct json_text *json)
{
    const struct report *report = result->report;
    const struct config *config = report->config;
    json_put_string(json, "endpoint_type", "pagesim");
    json_put_string(json, "backend", "pagesim");
    put_text_or_null(json, "label", NULL);
    put_text_or_null(json, "model_id", config->model);
    put_text_or_null(json, "tokenizer_id", NULL);
    json_put_uint(json, "num_prompts", report->trace->count);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "trace", report->trace->name);
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
    json_key(json, "max_concurrency");
    if (config->max_concurrency > 0)
        json_uint(json, config->max_concurrency);
    else
        json_null(json);
    if (*config->ramp_up_strategy) {
        json_put_string(json, "ramp_up_strategy", config->ramp_up_strategy);
        json_put_double(json, "ramp_up_start_rps", config->ramp_up_start_rps);
        json_put_double(json, "ramp_up_end_rps", config->ramp_up_end_rps);
    }
}

static void write_totals(const struct bench_result *result, uint64_t concurrent, struct json_text *json)
{
    json_put_double(json, "duration", value(result, "makespan_s"));
    json_put_uint(json, "completed", whole(result, "completed"));
    json_put_uint(json, "failed", failed(result));
    json_put_uint(json, "total_input_tokens", whole(result, "input_tokens"));
    json_put_uint(json, "total_output_tokens", whole(result, "output_tokens"));
    json_put_double(json, "request_throughput", value(result, "request_throughput_per_s"));
    json_key(json, "request_goodput");
    if (result->report->goodput)
        json_double(json, value(result, "request_goodput_per_s"));
    else
        json_null(json);
    json_put_double(json, "output_throughput", value(result, "output_throughput_tokens_per_s"));
    json_put_double(json, "total_token_throughput", value(result, "total_throughput_tokens_per_s"));
    json_put_uint(json, "max_output_tokens_per_s", result->peak->most_tokens);
    json_put_uint(json, "max_concurrent_requests", concurrent);
}

static void write_latencies(const struct bench_result *result, struct json_text *json)
{
    const struct latency_choice *choice = result->choice;
    for (int metric = 0; metric < LATENCY_METRICS; metric++) {
        const struct figures *figures = latency_figures(result->report->metrics, (enum latency_metric)metric);
        const char *name = latency_metric_names[metric];
        char key[64], percentile[40];
        if (!choice->wanted[metric])
            continue;
        snprintf(key, sizeof key, "mean_%s_ms", name);
        json_put_double(json, key, figures->mean);
        snprintf(key, sizeof key, "median_%s_ms", name);
        json_put_double(json, key, figures->median);
        snprintf(key, sizeof key, "std_%s_ms", name);
        json_put_double(json, key, figures->std);
        for (size_t i = 0; i < choice->percentile_count; i++) {
            latency_percentile_name(choice->percentiles[i], percentile, sizeof percentile);
            snprintf(key, sizeof key, "%s_%s_ms", percentile, name);
            json_put_double(json, key, choice->values_ms[metric][i]);
        }
    }
}

/* --- one entry a request ---------------------------------------------------------------------------------------------------------- */

static void put_seconds(struct json_text *json, int64_t ns)
{
    char digits[UNIT_TEXT];
    json_raw(json, digits, unit_decimal(ns, S_PLACES, digits));
}

typedef void entry_writer(const struct bench_result *result, uint32_t position, struct json_text *json);

static const struct request_story *completed(const struct bench_result *result, uint32_t position)
{
    const struct request_story *story = &result->report->metrics->stories[position];
    return story->finish_ns >= 0 ? story : NULL;
}

static void input_len(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    json_uint(json, result->report->trace->input_tokens[position]);
}

/* Of a group of V0, the length of a sequence, not of all: tokens and times of an entry must fit together. */
static void output_len(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    json_uint(json, completed(result, position) ? result->report->trace->output_tokens[position] : 0);
}

static void ttft(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    const struct request_story *story = completed(result, position);
    put_seconds(json, story ? story->first_token_ns - story->arrival_ns : 0);
}

static void itls(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    struct token_walk walk = token_walk_begin(result->times, position);
    json_open_array(json);
    for (int64_t itl_ns; token_walk_next(&walk, &itl_ns);)
        put_seconds(json, itl_ns);
    json_close_array(json);
}

static void latency(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    const struct request_story *story = completed(result, position);
    put_seconds(json, story ? story->finish_ns - story->arrival_ns : 0);
}

static void start_time(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    put_seconds(json, result->report->metrics->stories[position].arrival_ns);
}

static void error(const struct bench_result *result, uint32_t position, struct json_text *json)
{
    const struct request_story *story = &result->report->metrics->stories[position];
    const enum request_status status = request_status(story);
    char text[64];
    snprintf(text, sizeof text, "%s%s%s", status == REQUEST_COMPLETED ? "" : request_status_names[status],
             status == REQUEST_DROPPED ? ": " : "", status == REQUEST_DROPPED ? request_drop_reason(story) : "");
    json_string(json, text);
}

/* The lists may be long: what is written goes on to the file from time to time. */
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

static enum status write_details(const struct bench_result *result, struct json_text *json, struct text_writer *writer, struct diag *diag)
{
    static const struct {
        const char *key;
        entry_writer *write;
    } lists[] = {{"input_lens", input_len}, {"output_lens", output_len}, {"ttfts", ttft},  {"itls", itls},
                 {"latencies", latency},    {"start_times", start_time}, {"errors", error}};
    const uint32_t count = result->report->trace->count;
    uint32_t *order;
    enum status status = request_order(result->report->trace, &order, diag);
    if (status != SIM_OK)
        return status;
    for (size_t list = 0; list < sizeof lists / sizeof *lists; list++) {
        json_key(json, lists[list].key);
        json_open_array(json);
        for (uint32_t i = 0; i < count && status == SIM_OK; i++) {
            lists[list].write(result, order[i], json);
            status = drain(json, DRAIN_BYTES, writer, diag);
        }
        json_close_array(json);
    }
    free(order);
    return status;
}

enum status bench_result_write(const struct bench_result *result, struct text_writer *writer, struct diag *diag)
{
    struct json_text json;
    uint64_t concurrent;
    enum status status = most_concurrent(result->report->metrics, &concurrent, diag);
    if (status != SIM_OK)
        return status;
    json_text_init(&json, false);
    json_open_object(&json);
    write_setup(result, &json);
    write_totals(result, concurrent, &json);
    if (result->times)
        status = write_details(result, &json, writer, diag);
    write_latencies(result, &json);
    json_close_object(&json);
    if (status == SIM_OK)
        status = drain(&json, 0, writer, diag);
    if (status == SIM_OK)
        status = text_writer_write(writer, "\n", 1, diag);
    json_text_deinit(&json);
    return status;
}
