/* prometheus.c - see prometheus.h. */
#include "report/prometheus.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/engine_facts.h"
#include "observe/latency.h"

/* --- the observer ----------------------------------------------------------------------------------------------------------------- */

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct prometheus *prometheus = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const uint8_t kind = events[i].kind;
        prometheus->arrived += kind == EVENT_ARRIVE;
        prometheus->gone += kind == EVENT_FINISH || kind == EVENT_IGNORE;
        prometheus->running += kind == EVENT_ADMIT || kind == EVENT_READMIT || kind == EVENT_SWAP_IN;
        prometheus->running -= kind == EVENT_FINISH || kind == EVENT_PREEMPT;
    }
    return SIM_OK;
}

/* While nobody comes or goes, blocks are only taken: the peak of a run is its last step's. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct prometheus *prometheus = self;
    (void)diag;
    prometheus->used_blocks = runs[count - 1].peak_used_blocks;
    return SIM_OK;
}

struct observer prometheus_observer(struct prometheus *prometheus)
{
    return (struct observer){.self = prometheus, .runs = on_runs, .events = on_events};
}

/* --- writing ---------------------------------------------------------------------------------------------------------------------- */

enum { LABELS_SIZE = 2 * CONFIG_PATH_SIZE + 64, BOUNDS_MOST = 64 };

struct page {
    struct text_writer *writer;
    struct diag *diag;
    enum status status;       /* the first failure */
    char labels[LABELS_SIZE]; /* model_name="...",engine="0" */
};

static void say(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct page *page, const char *format, ...)
{
    char line[LABELS_SIZE + 512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (page->status == SIM_OK)
        page->status = text_writer_write(page->writer, line, (size_t)length, page->diag);
}

/* Label values escape backslash, quote and newline. */
static void make_labels(struct page *page, const char *model)
{
    size_t used = (size_t)snprintf(page->labels, sizeof page->labels, "model_name=\"");
    for (; *model; model++) {
        if (*model == '\\' || *model == '"' || *model == '\n')
            page->labels[used++] = '\\';
        page->labels[used++] = *model == '\n' ? 'n' : *model;
    }
    snprintf(page->labels + used, sizeof page->labels - used, "\",engine=\"0\"");
}

/* As the Python client writes numbers: 1.0, 0.25, 1e+06. Labels `le` are compared as text by dashboards. */
static void number(double value, char *out, size_t size)
{
    if (value == floor(value) && fabs(value) < 1e6)
        snprintf(out, size, "%.1f", value);
    else if (value == floor(value) && value <= 9e9 && fmod(value, pow(10, floor(log10(value)))) == 0)
        snprintf(out, size, "%.0fe+0%.0f", value / pow(10, floor(log10(value))), floor(log10(value)));
    else
        shortest_double(value, out, size);
}

static void header(struct page *page, const char *name, const char *help, const char *type)
{
    say(page, "# HELP vllm:%s %s\n# TYPE vllm:%s %s\n", name, help, name, type);
}

static void gauge(struct page *page, const char *name, const char *help, double value)
{
    char digits[32];
    number(value, digits, sizeof digits);
    header(page, name, help, "gauge");
    say(page, "vllm:%s{%s} %s\n", name, page->labels, digits);
}

static void counter(struct page *page, const char *name, const char *help, uint64_t value)
{
    header(page, name, help, "counter");
    say(page, "vllm:%s{%s} %llu\n", name, page->labels, (unsigned long long)value);
}

/* Bounds from low to high; one bucket more for what is above all. */
struct histogram {
    const double *bounds;
    size_t count;
    uint64_t weights[BOUNDS_MOST + 1];
    double sum;
};

/* A value equal to a bound belongs to it. */
static size_t bucket_of(const struct histogram *histogram, double value)
{
    size_t low = 0, high = histogram->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (histogram->bounds[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void observe(struct histogram *histogram, double value)
{
    histogram->weights[bucket_of(histogram, value)]++;
    histogram->sum += value;
}

static void say_histogram(struct page *page, const char *name, const char *help, const struct histogram *histogram)
{
    uint64_t total = 0;
    char digits[32];
    header(page, name, help, "histogram");
    for (size_t i = 0; i < histogram->count; i++) {
        total += histogram->weights[i];
        number(histogram->bounds[i], digits, sizeof digits);
        say(page, "vllm:%s_bucket{%s,le=\"%s\"} %llu\n", name, page->labels, digits, (unsigned long long)total);
    }
    total += histogram->weights[histogram->count];
    plain_double(histogram->sum, digits, sizeof digits);
    say(page, "vllm:%s_bucket{%s,le=\"+Inf\"} %llu\n", name, page->labels, (unsigned long long)total);
    say(page, "vllm:%s_count{%s} %llu\n", name, page->labels, (unsigned long long)total);
    say(page, "vllm:%s_sum{%s} %s\n", name, page->labels, digits);
}

static const double ttft_bounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                     1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
static const double token_bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80};
static const double request_bounds[] = {0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
#define BOUNDS(bounds) bounds, sizeof(bounds) / sizeof *(bounds)

/* 1, 2, 5, 10, ... up to the longest a request may be. */
static size_t length_bounds(uint32_t max_model_len, double *bounds)
{
    size_t count = 0;
    for (uint64_t power = 1; power <= max_model_len; power *= 10)
        for (uint64_t step = 1; step <= 5; step += step == 1 ? 1 : 3)
            if (step * power <= max_model_len)
                bounds[count++] = (double)(step * power);
    return count;
}

/* Seconds between two moments of a completed request; a latency of the request in general. */
typedef bool measure(const struct request_story *story, uint32_t output_tokens, double *out);

static bool span(int64_t from_ns, int64_t to_ns, const struct request_story *story, double *out)
{
    *out = (double)(to_ns - from_ns) / 1e9;
    return story->finish_ns >= 0;
}
static bool ttft_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    bool has = latency_ttft(story, output_tokens, out);
    *out /= 1e3;
    return has;
}
static bool tpot_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    bool has = latency_tpot(story, output_tokens, out);
    *out /= 1e3;
    return has;
}
static bool e2e_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    (void)output_tokens;
    return span(story->arrival_ns, story->finish_ns, story, out);
}
static bool queue_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    (void)output_tokens;
    return span(story->arrival_ns, story->first_scheduled_ns, story, out);
}
static bool inference_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    (void)output_tokens;
    return span(story->first_scheduled_ns, story->finish_ns, story, out);
}
static bool prefill_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    (void)output_tokens;
    return span(story->first_scheduled_ns, story->first_token_ns, story, out);
}
static bool decode_s(const struct request_story *story, uint32_t output_tokens, double *out)
{
    (void)output_tokens;
    return span(story->first_token_ns, story->finish_ns, story, out);
}
static bool generated(const struct request_story *story, uint32_t output_tokens, double *out)
{
    (void)output_tokens;
    *out = story->output_tokens;
    return story->finish_ns >= 0;
}

static void over_requests(struct page *page, const struct metrics *metrics, const char *name, const char *help, measure *of,
                          const double *bounds, size_t count)
{
    struct histogram histogram = {.bounds = bounds, .count = count};
    for (uint32_t position = 0; position < metrics->trace->count; position++) {
        double value;
        if (of(&metrics->stories[position], metrics->trace->output_tokens[position], &value))
            observe(&histogram, value);
    }
    say_histogram(page, name, help, &histogram);
}

/* A progression of gaps within one bucket is counted at once. The sum is exact, however the same gaps were cut into progressions. */
static void say_token_latencies(struct page *page, const struct metrics *metrics)
{
    struct histogram histogram = {.bounds = token_bounds, .count = sizeof token_bounds / sizeof *token_bounds};
    step_sum sum_ns = 0;
    for (size_t i = 0; i < metrics->gaps.run_count; i++) {
        const struct gap_progression *run = &metrics->gaps.runs[i];
        const int64_t last_ns = run->first_ns + run->change_ns * (int64_t)(run->count - 1);
        const size_t bucket = bucket_of(&histogram, (double)run->first_ns / 1e9);
        sum_ns += (step_sum)(uint64_t)((run->first_ns + last_ns) * (int64_t)run->count / 2) * run->weight;
        if (bucket == bucket_of(&histogram, (double)last_ns / 1e9))
            histogram.weights[bucket] += (uint64_t)run->count * run->weight;
        else
            for (uint32_t k = 0; k < run->count; k++)
                histogram.weights[bucket_of(&histogram, (double)(run->first_ns + run->change_ns * (int64_t)k) / 1e9)] += run->weight;
    }
    histogram.sum = (double)sum_ns / 1e9;
    say_histogram(page, "inter_token_latency_seconds", "Time between two output tokens of a request.", &histogram);
    say_histogram(page, "time_per_output_token_seconds", "Former name of vllm:inter_token_latency_seconds.", &histogram);
}

static void say_lengths(struct page *page, const struct metrics *metrics, uint32_t max_model_len)
{
    double bounds[BOUNDS_MOST];
    size_t count = length_bounds(max_model_len, bounds);
    struct histogram prompts = {.bounds = bounds, .count = count};
    for (uint32_t position = 0; position < metrics->trace->count; position++)
        if (metrics->stories[position].finish_ns >= 0)
            observe(&prompts, metrics->trace->input_tokens[position]);
    say_histogram(page, "request_prompt_tokens", "Prompt tokens of a request.", &prompts);
    over_requests(page, metrics, "request_generation_tokens", "Output tokens of a request.", generated, bounds, count);
}

static void say_gauges(struct page *page, const struct prometheus *prometheus, const struct config *config)
{
    const double usable = (double)config->num_gpu_blocks - (engine_facts_of(config)->has_null_block ? 1 : 0);
    const uint64_t waiting = prometheus->arrived - prometheus->gone - prometheus->running;
    gauge(page, "num_requests_running", "Requests in the running queue.", (double)prometheus->running);
    gauge(page, "num_requests_waiting", "Requests that wait to be scheduled.", (double)waiting);
    gauge(page, "kv_cache_usage_perc", "Share of KV blocks in use; 1 is all.",
          prometheus->running > 0 && usable > 0 ? prometheus->used_blocks / usable : 0);
    header(page, "cache_config_info", "The KV cache's configuration.", "gauge");
    say(page,
        "vllm:cache_config_info{block_size=\"%u\",enable_prefix_caching=\"%s\",num_gpu_blocks=\"%u\",num_cpu_blocks=\"%u\",engine=\"0\"} "
        "1.0\n",
        config->block_size, config->enable_prefix_caching ? "True" : "False", config->num_gpu_blocks, config->num_cpu_blocks);
}

static void say_counters(struct page *page, const struct metrics *metrics, const struct config *config)
{
    uint64_t prompt = 0, cached = 0;
    for (uint32_t position = 0; position < metrics->trace->count; position++)
        if (metrics->stories[position].first_token_ns >= 0) {
            prompt += metrics->trace->input_tokens[position];
            cached += metrics->stories[position].cached_tokens;
        }
    const bool looks_up = config->enable_prefix_caching;
    counter(page, "prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", looks_up ? metrics->prompt_tokens : 0);
    counter(page, "prefix_cache_hits_total", "Prompt tokens found in the prefix cache.", looks_up ? metrics->cached_tokens : 0);
    counter(page, "num_preemptions_total", "Preemptions.", metrics->preempt_recompute + metrics->preempt_swap);
    counter(page, "prompt_tokens_total", "Prompt tokens of requests that finished their prefill.", prompt);
    counter(page, "prompt_tokens_cached_total", "Of these, found in the prefix cache.", cached);
    counter(page, "generation_tokens_total", "Output tokens.", metrics->output_tokens);
    header(page, "request_success_total", "Completed requests by the reason of their end.", "counter");
    static const char *const reasons[] = {"stop", "length", "abort", "error"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        say(page, "vllm:request_success_total{%s,finished_reason=\"%s\"} %llu\n", page->labels, reasons[i],
            (unsigned long long)(strcmp(reasons[i], "length") == 0 ? metrics->completed : 0));
}

enum status prometheus_write(const struct prometheus *prometheus, const struct metrics *metrics, const struct config *config,
                             struct text_writer *writer, struct diag *diag)
{
    struct page page = {.writer = writer, .diag = diag};
    make_labels(&page, *config->model ? config->model : "pagesim");
    say_gauges(&page, prometheus, config);
    say_counters(&page, metrics, config);
    say_lengths(&page, metrics, config->max_model_len);
    over_requests(&page, metrics, "time_to_first_token_seconds", "Arrival to first token.", ttft_s, BOUNDS(ttft_bounds));
    say_token_latencies(&page, metrics);
    over_requests(&page, metrics, "request_time_per_output_token_seconds", "Mean time per output token of a request, without its first.",
                  tpot_s, BOUNDS(token_bounds));
    over_requests(&page, metrics, "e2e_request_latency_seconds", "Arrival to last token.", e2e_s, BOUNDS(request_bounds));
    over_requests(&page, metrics, "request_queue_time_seconds", "Arrival to first scheduling.", queue_s, BOUNDS(request_bounds));
    over_requests(&page, metrics, "request_inference_time_seconds", "First scheduling to last token.", inference_s, BOUNDS(request_bounds));
    over_requests(&page, metrics, "request_prefill_time_seconds", "First scheduling to first token.", prefill_s, BOUNDS(request_bounds));
    over_requests(&page, metrics, "request_decode_time_seconds", "First to last token.", decode_s, BOUNDS(request_bounds));
    return page.status;
}
