/* prometheus.c - a small observer for the gauges, then the page. Read prometheus.h first; prometheus_write() at the end lists the metrics
 * in the order of the page. Counters and histograms come from metrics.h, so only the state at the last moment is observed here.
 *
 * A dashboard compares names, labels and bucket bounds as text, so these follow vLLM to the letter even where another choice would be
 * simpler; only the help texts are ours. A page is a few hundred lines, made once after the replay. It is written line by line; the first
 * failure is kept and the rest of the page skipped. */
#include "report/prometheus.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/printable.h"
#include "config/engine_facts.h"
#include "config/kv_offloading.h"
#include "observe/latency.h"

/* --- the observer ----------------------------------------------------------------------------------------------------------------- */

/* Three counts give all gauges of queues: what arrived, what is gone, what runs. The rest waits. A preemption takes a request out of the
 * running ones without ending it, so until its readmission it counts as waiting, as in vLLM's queue. */
static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct prometheus *prometheus = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const uint8_t kind = events[i].kind;
        prometheus->arrived += kind == EVENT_ARRIVE;
        prometheus->gone += kind == EVENT_FINISH || kind == EVENT_IGNORE;
        prometheus->running += kind == EVENT_ADMIT || kind == EVENT_READMIT || kind == EVENT_SWAP_IN;
        prometheus->running -= (kind == EVENT_FINISH && !events[i].extra) || kind == EVENT_PREEMPT; /* or it waited */
    }
    return SIM_OK;
}

/* Within a run of steps no request comes or goes, so blocks are only taken: the run's peak is the use in its last step. Only the last run
 * of the last batch survives, which is the state that a scrape after the end would find. */
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

/* The configuration's model name may be CONFIG_PATH_SIZE long and double by escaping. BOUNDS_MOST: 1, 2, 5, ... up to 2^32 are about 30
 * bounds. */
enum { LABELS_SIZE = 2 * CONFIG_PATH_SIZE + 64, BOUNDS_MOST = 64 };

struct page {
    struct text_writer *writer;
    struct diag *diag;
    enum status status;       /* the first failure */
    char labels[LABELS_SIZE]; /* model_name="...",engine="0" */
};

/* After the first failure nothing is written; prometheus_write returns it. So the functions below need not check. */
static void write_lines(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_lines(struct page *page, const char *format, ...)
{
    char line[LABELS_SIZE + 512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (page->status == SIM_OK)
        page->status = text_writer_write(page->writer, line, (size_t)length, page->diag);
}

/* The text format escapes backslash, quote and newline in label values and wants UTF-8; other characters that cannot be printed become
 * question marks. At worst a name doubles in length, which LABELS_SIZE allows for. */
static void make_labels(struct page *page, const char *model)
{
    size_t used = (size_t)snprintf(page->labels, sizeof page->labels, "model_name=\"");
    while (*model) {
        long code;
        const size_t length = printable_next(model, &code);
        if (code == '\\' || code == '"' || code == '\n')
            page->labels[used++] = '\\';
        if (code == '\n' || !printable_code(code))
            page->labels[used++] = code == '\n' ? 'n' : '?';
        else
            for (size_t i = 0; i < length; i++)
                page->labels[used++] = model[i];
        model += length;
    }
    snprintf(page->labels + used, sizeof page->labels - used, "\",engine=\"0\"");
}

/* Numbers as the Python client writes them: 1.0, 0.25, 1e+06. Dashboards compare `le` labels as text, so every digit must agree. The second
 * form is what Python prints for bounds such as 2000000: one digit times a power of ten. The condition on fmod() asks for just that;
 * everything else has the shortest digits that read back to the same number. */
static void number(double value, char *out, size_t size)
{
    if (value == floor(value) && fabs(value) < 1e6)
        snprintf(out, size, "%.1f", value);
    else if (value == floor(value) && value <= 9e9 && fmod(value, pow(10, floor(log10(value)))) == 0)
        snprintf(out, size, "%.0fe+0%.0f", value / pow(10, floor(log10(value))), floor(log10(value)));
    else
        shortest_double(value, out, size);
}

/* Once for each metric: the format allows HELP and TYPE only before the first line of a name. */
static void header(struct page *page, const char *name, const char *help, const char *type)
{
    write_lines(page, "# HELP vllm:%s %s\n# TYPE vllm:%s %s\n", name, help, name, type);
}

/* Gauges may be fractions and go through number(); counters are whole and are printed as integers, so that large ones keep all digits. */
static void gauge(struct page *page, const char *name, const char *help, double value)
{
    char digits[32];
    number(value, digits, sizeof digits);
    header(page, name, help, "gauge");
    write_lines(page, "vllm:%s{%s} %s\n", name, page->labels, digits);
}

static void counter(struct page *page, const char *name, const char *help, uint64_t value)
{
    header(page, name, help, "counter");
    write_lines(page, "vllm:%s{%s} %llu\n", name, page->labels, (unsigned long long)value);
}

/* Bounds from low to high, and one more bucket for values above all of them. Weights are per bucket here and cumulative on the page. */
struct histogram {
    const double *bounds;
    size_t count;
    uint64_t weights[BOUNDS_MOST + 1];
    double sum;
};

/* A value equal to a bound belongs to that bound's bucket: `le` means less or equal. A binary search for the first bound that is not below
 * the value; `count` is the bucket of all that is above the last bound. */
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

/* The format wants cumulative counts, and "+Inf" must equal the total. The sum is in seconds (or tokens) like the bounds. */
static void write_histogram(struct page *page, const char *name, const char *help, const struct histogram *histogram)
{
    uint64_t total = 0;
    char digits[32];
    header(page, name, help, "histogram");
    for (size_t i = 0; i < histogram->count; i++) {
        total += histogram->weights[i];
        number(histogram->bounds[i], digits, sizeof digits);
        write_lines(page, "vllm:%s_bucket{%s,le=\"%s\"} %llu\n", name, page->labels, digits, (unsigned long long)total);
    }
    total += histogram->weights[histogram->count];
    plain_double(histogram->sum, digits, sizeof digits);
    write_lines(page, "vllm:%s_bucket{%s,le=\"+Inf\"} %llu\n", name, page->labels, (unsigned long long)total);
    write_lines(page, "vllm:%s_count{%s} %llu\n", name, page->labels, (unsigned long long)total);
    write_lines(page, "vllm:%s_sum{%s} %s\n", name, page->labels, digits);
}

/* Bucket bounds in seconds, copied from vLLM: quantiles that Grafana interpolates between bounds agree only if the bounds do. */
static const double ttft_bounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                     1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
static const double token_bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80};
static const double request_bounds[] = {0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
#define BOUNDS(bounds) bounds, sizeof(bounds) / sizeof *(bounds)

/* 1, 2, 5, 10, ... up to max_model_len, as vLLM's build_1_2_5_buckets. Steps of 1, 2 and 5: from 1 on by one, then by three. Powers are
 * 64-bit, as a power of 10 above a max_model_len near 2^32 must not wrap around. */
static size_t length_bounds(uint32_t max_model_len, double *bounds)
{
    size_t count = 0;
    for (uint64_t power = 1; power <= max_model_len; power *= 10)
        for (uint64_t step = 1; step <= 5; step += step == 1 ? 1 : 3)
            if (step * power <= max_model_len)
                bounds[count++] = (double)(step * power);
    return count;
}

/* The histograms over requests. */
enum measure { PROMPT_TOKENS, GENERATION_TOKENS, TTFT_S, TPOT_S, E2E_S, QUEUE_S, INFERENCE_S, PREFILL_S, DECODE_S };

/* A request's value. False: it has none. vLLM observes everything when a request finishes, but TTFT when the first token comes. The five
 * spans lie between four moments of a request, so a table of pairs replaces five formulas. The difference is taken in whole nanoseconds and
 * divided once. A request that did not finish has no value, though some of its moments are known. */
static bool value_of(const struct metrics *metrics, uint32_t position, enum measure measure, double *out)
{
    enum { ARRIVAL, SCHEDULED, TOKEN, END };
    static const int spans[][2] = {[E2E_S] = {ARRIVAL, END},
                                   [QUEUE_S] = {ARRIVAL, SCHEDULED},
                                   [INFERENCE_S] = {SCHEDULED, END},
                                   [PREFILL_S] = {SCHEDULED, TOKEN},
                                   [DECODE_S] = {TOKEN, END}};
    const struct request_story story = metrics_story(metrics, position);
    const int64_t at_ns[] = {story.arrival_ns, story.first_scheduled_ns, story.first_token_ns, story.finish_ns};
    if (measure == TTFT_S || measure == TPOT_S) {
        const enum latency latency = measure == TTFT_S ? LATENCY_TTFT : LATENCY_TPOT;
        const bool has = request_latency_ms(&story, latency, metrics->trace, position, out);
        *out /= 1e3;
        return has;
    }
    *out = measure == PROMPT_TOKENS       ? metrics->trace->input_tokens[position]
           : measure == GENERATION_TOKENS ? story.output_tokens
                                          : (double)(at_ns[spans[measure][1]] - at_ns[spans[measure][0]]) / 1e9;
    return story.finish_ns >= 0;
}

/* A pass over all requests for each histogram. Cheap next to the replay, and nothing has to be counted during it. */
static void over_requests(struct page *page, const struct metrics *metrics, enum measure measure, const char *name, const char *help,
                          const double *bounds, size_t count)
{
    struct histogram histogram = {.bounds = bounds, .count = count};
    for (uint32_t position = 0; position < metrics->trace->count; position++) {
        double value;
        if (value_of(metrics, position, measure, &value)) {
            histogram.weights[bucket_of(&histogram, value)]++;
            histogram.sum += value;
        }
    }
    write_histogram(page, name, help, &histogram);
}

struct token_latencies {
    struct histogram histogram;
    step_sum sum_ns;
};

/* A progression of gaps within one bucket takes one addition. The sum is made in integers, so it does not depend on how the same gaps were
 * cut into progressions. There may be hundreds of millions of gaps, but few progressions. If the first and the last gap of a progression lie
 * in one bucket then so do all between them, since a progression is monotone. `weight` is how many tokens had the same gap, as all sequences
 * of a step do. */
static enum status add_gaps(void *self, const struct gap_progression *progressions, size_t count, struct diag *diag)
{
    struct token_latencies *latencies = self;
    struct histogram *histogram = &latencies->histogram;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct gap_progression *gaps = &progressions[i];
        const int64_t last_ns = gaps->first_ns + gaps->change_ns * (int64_t)(gaps->count - 1);
        const size_t bucket = bucket_of(histogram, (double)gaps->first_ns / 1e9);
        latencies->sum_ns += (step_sum)(uint64_t)((gaps->first_ns + last_ns) * (int64_t)gaps->count / 2) * gaps->weight;
        if (bucket == bucket_of(histogram, (double)last_ns / 1e9))
            histogram->weights[bucket] += (uint64_t)gaps->count * gaps->weight;
        else
            for (uint32_t k = 0; k < gaps->count; k++)
                histogram->weights[bucket_of(histogram, (double)(gaps->first_ns + gaps->change_ns * (int64_t)k) / 1e9)] += gaps->weight;
    }
    return SIM_OK;
}

/* Both names show the same histogram (prometheus.h). */
static void write_token_latencies(struct page *page, const struct metrics *metrics)
{
    struct token_latencies latencies = {.histogram = {.bounds = token_bounds, .count = sizeof token_bounds / sizeof *token_bounds}};
    if (page->status == SIM_OK)
        page->status = gap_distribution_visit(&metrics->gaps, add_gaps, &latencies, page->diag);
    latencies.histogram.sum = (double)latencies.sum_ns / 1e9;
    write_histogram(page, "inter_token_latency_seconds", "Time between two output tokens of a request.", &latencies.histogram);
    write_histogram(page, "time_per_output_token_seconds", "Former name of vllm:inter_token_latency_seconds.", &latencies.histogram);
}

/* State at the end. Requests that arrived and neither run nor are gone wait. V1's null block never holds tokens and is not counted. After a
 * replay that completed, both queues are empty and usage is 0; the gauges say something after a stall or an abort. */
static void write_gauges(struct page *page, const struct prometheus *prometheus, const struct config *config)
{
    const double usable = (double)config->num_gpu_blocks - (engine_facts_of(config)->has_null_block ? 1 : 0);
    const uint64_t waiting = prometheus->arrived - prometheus->gone - prometheus->running;
    gauge(page, "num_requests_running", "Requests in the running queue.", (double)prometheus->running);
    gauge(page, "num_requests_waiting", "Requests that wait to be scheduled.", (double)waiting);
    gauge(page, "kv_cache_usage_perc", "Share of KV blocks in use; 1 is all.",
          prometheus->running > 0 && usable > 0 ? prometheus->used_blocks / usable : 0);
    header(page, "cache_config_info", "The KV cache's configuration.", "gauge");
    write_lines(
        page,
        "vllm:cache_config_info{block_size=\"%u\",enable_prefix_caching=\"%s\",num_gpu_blocks=\"%u\",num_cpu_blocks=\"%u\",engine=\"0\"} "
        "1.0\n",
        config->block_size, config->enable_prefix_caching ? "True" : "False", config->num_gpu_blocks, config->num_cpu_blocks);
}

/* vLLM counts a prompt's tokens when its prefill is done, hence the walk over requests with a first token. All reasons are listed,
 * because a series that is missing breaks alert rules; a replayed request always ends by its length. */
static void write_counters(struct page *page, const struct metrics *metrics, const struct config *config)
{
    uint64_t prompt = 0, cached = 0;
    for (uint32_t position = 0; position < metrics->trace->count; position++) {
        const struct request_story story = metrics_story(metrics, position);
        if (story.first_token_ns < 0)
            continue;
        prompt += metrics->trace->input_tokens[position];
        cached += story.cached_tokens;
    }
    const bool looks_up = config->enable_prefix_caching;
    counter(page, "prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", looks_up ? metrics->prompt_tokens : 0);
    counter(page, "prefix_cache_hits_total", "Prompt tokens found in the prefix cache.", looks_up ? metrics->cached_tokens : 0);
    if (config_offloads(config)) {
        counter(page, "external_prefix_cache_queries_total", "Tokens looked up in host memory.",
                metrics->known_tokens_all - metrics->cached_tokens_all);
        counter(page, "external_prefix_cache_hits_total", "Tokens loaded from host memory.", metrics->external_tokens_all);
    }
    counter(page, "num_preemptions_total", "Preemptions.", metrics->preempt_recompute + metrics->preempt_swap);
    counter(page, "prompt_tokens_total", "Prompt tokens of requests that finished their prefill.", prompt);
    counter(page, "prompt_tokens_cached_total", "Of these, found in the prefix cache.", cached);
    counter(page, "generation_tokens_total", "Output tokens.", metrics->output_tokens);
    header(page, "request_success_total", "Completed requests by the reason of their end.", "counter");
    static const char *const reasons[] = {"stop", "length", "abort", "error"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        write_lines(page, "vllm:request_success_total{%s,finished_reason=\"%s\"} %llu\n", page->labels, reasons[i],
                    (unsigned long long)(strcmp(reasons[i], "length") == 0 ? metrics->completed : 0));
}

/* A server that drafts nothing has none of these. */
static void write_drafts(struct page *page, const struct metrics *metrics, const struct config *config)
{
    const struct draft_sums *sums = &metrics->end.drafts;
    if (config->speculative.method == SPECULATIVE_NONE)
        return;
    counter(page, "spec_decode_num_drafts_total", "Times that drafts were verified.", sums->verified);
    counter(page, "spec_decode_num_draft_tokens_total", "Draft tokens.", metrics->draft_tokens);
    counter(page, "spec_decode_num_accepted_tokens_total", "Accepted draft tokens.", metrics->accepted_draft_tokens);
    header(page, "spec_decode_num_accepted_tokens_per_pos_total", "Accepted draft tokens by their place.", "counter");
    for (uint32_t place = 0; place < config->speculative.num_speculative_tokens; place++)
        write_lines(page, "vllm:spec_decode_num_accepted_tokens_per_pos_total{%s,position=\"%u\"} %llu\n", page->labels, place,
                    (unsigned long long)sums->accepted_at[place]);
}

/* A configuration need not name a model, while a server's page always has a model_name. */
enum status prometheus_write(const struct prometheus *prometheus, const struct metrics *metrics, const struct config *config,
                             struct text_writer *writer, struct diag *diag)
{
    static const struct {
        enum measure measure;
        const char *name, *help;
    } spans[] = {{E2E_S, "e2e_request_latency_seconds", "Arrival to last token."},
                 {QUEUE_S, "request_queue_time_seconds", "Arrival to first scheduling."},
                 {INFERENCE_S, "request_inference_time_seconds", "First scheduling to last token."},
                 {PREFILL_S, "request_prefill_time_seconds", "First scheduling to first token."},
                 {DECODE_S, "request_decode_time_seconds", "First to last token."}};
    struct page page = {.writer = writer, .diag = diag};
    double lengths[BOUNDS_MOST];
    const size_t length_count = length_bounds(config->max_model_len, lengths);
    make_labels(&page, *config->model ? config->model : "pagesim");
    write_gauges(&page, prometheus, config);
    write_counters(&page, metrics, config);
    write_drafts(&page, metrics, config);
    over_requests(&page, metrics, PROMPT_TOKENS, "request_prompt_tokens", "Prompt tokens of a request.", lengths, length_count);
    over_requests(&page, metrics, GENERATION_TOKENS, "request_generation_tokens", "Output tokens of a request.", lengths, length_count);
    over_requests(&page, metrics, TTFT_S, "time_to_first_token_seconds", "Arrival to first token.", BOUNDS(ttft_bounds));
    write_token_latencies(&page, metrics);
    over_requests(&page, metrics, TPOT_S, "request_time_per_output_token_seconds",
                  "Mean time per output token of a request, without its first.", BOUNDS(token_bounds));
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        over_requests(&page, metrics, spans[i].measure, spans[i].name, spans[i].help, BOUNDS(request_bounds));
    return page.status;
}
