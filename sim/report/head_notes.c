/* head_notes.c - lines of heads. Sentences are wrapped here, as they are made of settings and have no fixed length. */
#include "report/head_notes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "base/text_parts.h"
#include "base/units.h"
#include "config/config_keys.h"
#include "config/kv_groups.h"
#include "config/kv_offloading.h"
#include "config/serve_defaults.h"
#include "config/sizing.h"

enum { WIDTH = 80 };

void head_front_door(struct document *document, const struct config *config)
{
    char n[UNIT_TEXT];
    if (config->max_num_queued_reqs > 0)
        document_line(document, "requests beyond %s that wait or run are rejected", unit_count(config->max_num_queued_reqs, n));
    if (config->max_num_queued_tokens > 0)
        document_line(document, "requests are rejected while %s prompt tokens wait", unit_count(config->max_num_queued_tokens, n));
}

void head_search(struct document *document, const struct trace *trace, const struct requirement *list, size_t count)
{
    char requests[UNIT_TEXT];
    head_wrapped(document, "", "%s: %s requests%s%s", trace_title(trace).text, unit_count(trace->count, requests), count > 0 ? "; " : "",
                 requirements_text(list, count).text);
}

/* The order of the cases is the order in which the configuration is applied: a ramp wins over a rate, a rate over the trace's times. */
void head_arrivals(struct document *document, const struct config *config)
{
    char n[UNIT_TEXT];
    struct line line = {0};
    const bool ramps = config->ramp_up_strategy[0] != '\0', rate = config->request_rate > 0, faster = config->arrival_speedup_ratio != 1;
    if (!ramps && !rate && !faster && config->max_concurrency == 0)
        return;
    line_put(&line, "arrivals ");
    if (ramps)
        line_put(&line, "drawn at %g to %g requests/s (%s)", config->ramp_up_start_rps, config->ramp_up_end_rps, config->ramp_up_strategy);
    else if (rate && isinf(config->request_rate))
        line_put(&line, "all at once");
    else if (rate)
        line_put(&line, "drawn at %g requests/s", config->request_rate);
    else if (faster)
        line_put(&line, "of the trace, sped up by %g (arrival_speedup_ratio)", config->arrival_speedup_ratio);
    else
        line_put(&line, "of the trace");
    if (config->arrival_generator[0])
        line_put(&line, " by the generator of vLLM's client (%s), seed %llu", config->arrival_generator, (unsigned long long)config->seed);
    if ((ramps || rate) && config->burstiness != 1)
        line_put(&line, ", burstiness %g", config->burstiness);
    if (config->max_concurrency)
        line_put(&line, ", %s in flight at most", unit_count(config->max_concurrency, n));
    document_line(document, "%s", line.text);
}

/* How much of a text fits a line: up to the last space within `room`, or a whole word that is longer. */
static size_t line_length(const char *text, size_t room)
{
    size_t length = strlen(text);
    if (length <= room)
        return length;
    for (length = room; length > 0 && text[length] != ' '; length--)
        continue;
    return length > 0 ? length : strcspn(text, " ");
}

void head_wrapped(struct document *document, const char *indent, const char *format, ...)
{
    struct line line = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line.text, sizeof line.text, format, arguments);
    va_end(arguments);
    const char *text = line.text, *more = "";
    while (*text) {
        const size_t length = line_length(text, WIDTH - strlen(indent) - strlen(more));
        document_line(document, "%s%s%.*s", indent, more, (int)length, text);
        text += length;
        text += *text == ' ';
        more = "  ";
    }
}

static void put_wrapped(struct document *document, const char *text)
{
    head_wrapped(document, "", "%s", text);
}

/* What of a window's blocks can be found again. */
static struct line retention_text(const struct config *config, const struct kv_groups *groups)
{
    char tokens[UNIT_TEXT];
    struct line line = {0};
    if (!kv_groups_window(groups) || !config->enable_prefix_caching)
        return line;
    if (config->prefix_cache_retention_interval == RETENTION_DENSE)
        line_put(&line, "; windows cache every block");
    else if (config->prefix_cache_retention_interval > 0)
        line_put(&line, "; windows cache the ends of prompts and every %s tokens",
                 unit_count((uint64_t)config->prefix_cache_retention_interval, tokens));
    else
        line_put(&line, "; windows cache the ends of prompts alone, so hits are sparse by design (prefix_cache_retention_interval 0)");
    return line;
}

struct line head_groups_text(const struct config *config)
{
    const struct kv_groups groups = kv_groups_of(config);
    char alignment[UNIT_TEXT];
    struct line line = {0};
    if (config->kv_cache_groups_count == 0)
        return line;
    if (config->disable_hybrid_kv_cache_manager && groups.count == 1 && groups.list[0].kind == KV_KIND_FULL)
        line_put(&line, "all layers in one full group (disable_hybrid_kv_cache_manager)");
    else
        line_put(&line, "%u group%s of layers: %s", groups.count, groups.count == 1 ? "" : "s", kv_groups_text(&groups).text);
    if (config->enable_prefix_caching && groups.count > 1)
        line_put(&line, "; hits are multiples of %s", unit_count(groups.alignment, alignment));
    line_put(&line, "%s", retention_text(config, &groups).text);
    return line;
}

/* As speculative_config spells them. */
static const char *const method_names[] = {[SPECULATIVE_NONE] = "",
                                           [SPECULATIVE_NGRAM] = "ngram",
                                           [SPECULATIVE_NGRAM_GPU] = "ngram_gpu",
                                           [SPECULATIVE_EAGLE] = "eagle",
                                           [SPECULATIVE_EAGLE3] = "eagle3",
                                           [SPECULATIVE_MTP] = "mtp",
                                           [SPECULATIVE_DRAFT_MODEL] = "draft_model",
                                           [SPECULATIVE_DFLASH] = "dflash"};

/* Who drafts, how well it is taken to guess, and what it costs: all three are inputs. */
struct line head_drafts_text(const struct config *config)
{
    const struct speculative_config *speculative = &config->speculative;
    const struct step_time_config *times = &config->step_time;
    struct line line = {0};
    double right = 0;
    if (speculative->method == SPECULATIVE_NONE)
        return line;
    for (uint32_t i = 0; i < speculative->num_speculative_tokens; i++)
        right += speculative->acceptance_rates[i];
    line_put(&line, "%s drafts %u token%s, of which ", method_names[speculative->method], speculative->num_speculative_tokens,
             speculative->num_speculative_tokens == 1 ? "" : "s");
    if (right < speculative->num_speculative_tokens)
        line_put(&line, "%.3g are right in the mean (synthetic)", right);
    else
        line_put(&line, "all are right, as no synthetic rates are given");
    if (times->draft_ns == 0 && times->draft_ns_per_token == 0)
        line_put(&line, "; its own time is not counted (step_time.draft_ns)");
    else
        line_put(&line, "; %g ms a pass and %g ms a token", (double)times->draft_ns / 1e6, (double)times->draft_ns_per_token / 1e6);
    return line;
}

/* Where K and V come from besides the pool, and that nobody has held it to a real server's decisions. */
static void put_transfers(struct document *document, const struct config *config)
{
    char tokens[UNIT_TEXT];
    if (config->kv_role == KV_ROLE_CONSUMER)
        put_wrapped(document, "prompts come computed from a prefill server (kv_consumer); the handover's own time is not part of this");
    if (config_offloads(config))
        head_wrapped(document, "",
                     "%g GiB of host memory for K and V of %s tokens, %g GB/s a GPU and direction; a model of vLLM's offloading",
                     config->kv_offloading_size, unit_count((uint64_t)sizing_host_blocks(config) * config->block_size, tokens),
                     config->kv_offloading_gb_per_s);
}

void head_layers(struct document *document, const struct config *config)
{
    put_transfers(document, config);
    put_wrapped(document, head_groups_text(config).text);
    put_wrapped(document, head_drafts_text(config).text);
}

/* These four say how much a server takes on, and differ between the scheduler itself, the server around it and the model. The last one
 * counts where a GPU's memory was shared out by it. */
static const char *const served_keys[] = {"max_num_seqs", "max_num_batched_tokens", "max_model_len", "gpu_memory_utilization"};

static const char *default_of(const struct config *config, const char *key)
{
    const bool utilization = strcmp(key, "gpu_memory_utilization") == 0;
    if (!utilization)
        return serve_default_of(config, key);
    return config->sized && config->kv_cache_memory_bytes == 0 && !config_gives(config, key) ? "vllm serve" : NULL;
}

/* One owner after the other, each with its keys. */
static void put_defaults(struct line *line, const struct config *config)
{
    static const char *const owners[][2] = {
        {"vllm serve", "vllm serve for this GPU"}, {"the model", "the model"}, {"the scheduler", "the scheduler"}};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        size_t keys = 0;
        for (size_t k = 0; k < sizeof served_keys / sizeof *served_keys; k++) {
            const char *owner = default_of(config, served_keys[k]);
            if (!owner || strcmp(owner, owners[i][0]) != 0)
                continue;
            if (keys++ == 0)
                line_put(line, "%sof %s: ", line->length ? "; " : "", owners[i][1]);
            else
                line_put(line, ", ");
            line_put(line, "%s", served_keys[k]);
        }
    }
}

struct line head_defaults_text(const struct config *config)
{
    struct line text = {0};
    put_defaults(&text, config);
    return text;
}

void head_defaults_put(struct document *document, const char *who, const struct line *text)
{
    struct line line = {0};
    line_put(&line, "%sdefaults %s", who, text->text);
    if (text->length)
        put_wrapped(document, line.text);
}

void head_defaults(struct document *document, const struct config *config)
{
    const struct line text = head_defaults_text(config);
    head_defaults_put(document, "", &text);
    document_open_object(document, "defaults_of");
    for (size_t k = 0; k < sizeof served_keys / sizeof *served_keys; k++)
        if (default_of(config, served_keys[k]))
            document_text(document, served_keys[k], default_of(config, served_keys[k]));
    document_close(document);
}

void head_advice_begin(struct document *document)
{
    document_open_array(document, "warnings");
}

static void put_note(struct document *document, const char *who, const char *text)
{
    struct line line = {0};
    line_put(&line, "note: %s%s", who, text);
    put_wrapped(document, line.text);
    document_text(document, NULL, line.text + strlen("note: "));
}

void head_advice_put(struct document *document, const char *who, const struct advice *advice)
{
    for (int kind = 0; kind < ADVICE_KINDS; kind++) {
        if (advice->text[kind][0])
            put_note(document, who, advice->text[kind]);
    }
}

void head_advice_end(struct document *document)
{
    document_close(document);
}

void head_advice(struct document *document, const struct config *config, const struct trace *trace)
{
    struct advice advice;
    advice_collect(config, trace, ADVICE_ALL, &advice);
    head_advice_begin(document);
    head_reading_put(document, trace);
    head_advice_put(document, "", &advice);
    head_advice_end(document);
}

/* Names in sentences are those of files. */
void head_reading_put(struct document *document, const struct trace *trace)
{
    char told[sizeof trace->told], *rest = told, *sentence;
    if (trace->notes[0])
        put_note(document, "", trace->notes);
    memcpy(told, trace->told, sizeof told);
    while ((sentence = next_part(&rest, '\n')) != NULL)
        if (*sentence)
            put_note(document, "", sentence);
}

void head_note_put(struct document *document, const char *text)
{
    put_note(document, "", text);
}

void head_reading(struct document *document, const struct trace *trace)
{
    head_advice_begin(document);
    head_reading_put(document, trace);
    head_advice_end(document);
}
