/* public_inputs.c - first half of pagesim.h: version, errors, traces, configurations, registering policies. Each function is a thin coat
 * over a room's own; public_run.c has the other half.
 *
 * What all functions here have in common: inside, a failure is a status and a struct diag; outside, it is a status and the caller's struct
 * pagesim_error. So each function fills a diag of its own and ends in public_tell(), the only place that translates. Handles hide the
 * simulator's structs, whose layout may change with every version; a caller sees pointers and values alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/text_file.h"
#include "config/config_keys.h"
#include "config/vllm_args.h"
#include "policy/policy.h"
#include "public/public.h"
#include "sim_version.h"
#include "study/sweep_keys.h"
#include "trace/trace_join.h"
#include "trace/trace_rows.h"

/* The number of the library that is loaded, which may be newer than the header that the program was compiled with. */
uint32_t pagesim_version_number(void)
{
    return PAGESIM_VERSION_NUMBER;
}

const char *pagesim_version_string(void)
{
    return SIM_VERSION;
}

/* --- errors ---------------------------------------------------------------------------------------------------------------------- */

_Static_assert((int)PAGESIM_FAILED == SIM_FAILED && (int)PAGESIM_USAGE == SIM_USAGE && (int)PAGESIM_BAD_INPUT == SIM_BAD_INPUT &&
                   (int)PAGESIM_REQUIREMENT == SIM_REQUIREMENT && (int)PAGESIM_INTERRUPTED == SIM_INTERRUPTED,
               "public and internal statuses are the same numbers");

/* Lines of a file are counted in size_t inside; the public struct has 32 bits, and a line number beyond that is of no use to anybody. */
static uint32_t clamped(size_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* Statuses are cast and not mapped, which the assertion above makes safe. `error` is written only on a failure, so that a caller may keep
 * one error through many calls. An interrupt is the one failure that may have no text. The file's name is the first part of the text; it is
 * given once more by itself, cut if it is too long. */
enum pagesim_status public_tell(enum status status, const struct diag *diag, struct pagesim_error *error)
{
    if (status != SIM_OK && error) {
        *error =
            (struct pagesim_error){.status = (enum pagesim_status)status, .line = clamped(diag->line), .column = clamped(diag->column)};
        snprintf(error->message, sizeof error->message, "%s", *diag->text ? diag->text : "interrupted");
        const int file = diag->file_bytes < sizeof error->file ? (int)diag->file_bytes : (int)sizeof error->file - 1;
        snprintf(error->file, sizeof error->file, "%.*s", file, diag->text);
    }
    return (enum pagesim_status)status;
}

/* A function of the library, because a program may be linked with another allocator than the library is. */
void pagesim_text_free(char *text)
{
    free(text);
}

/* --- traces ---------------------------------------------------------------------------------------------------------------------- */

/* Takes over the trace, also when there is no memory for the handle. The count begins with one holder, the program that opened it; each
 * result adds one. */
static enum status wrap_trace(struct trace *trace, struct pagesim_trace **out, struct diag *diag)
{
    struct pagesim_trace *handle = malloc(sizeof *handle);
    if (!handle) {
        trace_destroy(trace);
        return diag_no_memory(diag, sizeof *handle, "a trace");
    }
    handle->trace = trace;
    atomic_init(&handle->holders, 1);
    *out = handle;
    return SIM_OK;
}

/* A program may close a trace while results of it are alive: the last holder frees it, whichever thread that is. */
void public_trace_drop(struct pagesim_trace *trace)
{
    /* The last holder must see what the others did before they let go. */
    if (!trace || atomic_fetch_sub_explicit(&trace->holders, 1, memory_order_acq_rel) > 1)
        return;
    trace_destroy(trace->trace);
    free(trace);
}

/* The whole file; parts of a trace are the command line's subject. */
enum pagesim_status pagesim_trace_open(const char *path, struct pagesim_trace **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct trace *trace = NULL;
    const struct trace_selection everything = trace_select_all();
    enum status status = trace_load(path, &everything, &trace, &diag);
    if (status == SIM_OK)
        status = wrap_trace(trace, out, &diag);
    return public_tell(status, &diag, error);
}

enum pagesim_status pagesim_trace_parse(const char *name, const char *text, size_t length, struct pagesim_trace **out,
                                        struct pagesim_error *error)
{
    struct diag diag = {0};
    struct trace *trace = NULL;
    const struct trace_selection everything = trace_select_all();
    enum status status = trace_load_text(name, text, length, &everything, &trace, &diag);
    if (status == SIM_OK)
        status = wrap_trace(trace, out, &diag);
    return public_tell(status, &diag, error);
}

/* Is the request as a reader of files would let it pass? Rows that come from memory pass no reader, so what readers check is checked here,
 * with the request's number in place of the line. The bounds are the readers' own. */
static enum status check_request(const struct pagesim_requests *from, uint32_t i, struct diag *diag)
{
    const uint32_t samples = from->samples ? from->samples[i] : 1;
    if (from->arrival_ns[i] < 0)
        return diag_set(diag, SIM_BAD_INPUT, "request %u: arrival_ns is %lld; it must not be below 0", i, (long long)from->arrival_ns[i]);
    if (from->input_tokens[i] < 1 || from->input_tokens[i] > TRACE_MAX_TOKENS)
        return diag_set(diag, SIM_BAD_INPUT, "request %u: input_tokens is %u; 1 to %d will do", i, from->input_tokens[i], TRACE_MAX_TOKENS);
    if (from->output_tokens[i] < 1 || from->output_tokens[i] > TRACE_MAX_TOKENS)
        return diag_set(diag, SIM_BAD_INPUT, "request %u: output_tokens is %u; 1 to %d will do", i, from->output_tokens[i],
                        TRACE_MAX_TOKENS);
    if (samples < 1 || samples > TRACE_MAX_SAMPLES)
        return diag_set(diag, SIM_BAD_INPUT, "request %u: samples is %u; 1 to %d will do", i, samples, TRACE_MAX_SAMPLES);
    if (from->hash_start && from->hash_start[i + 1] < from->hash_start[i])
        return diag_set(diag, SIM_BAD_INPUT, "request %u: hash_start must ascend", i);
    return SIM_OK;
}

/* Rows as a reader of files makes them; from there on both ways are one. hash_start has one entry more than there are requests: the ids of
 * request i lie between entries i and i + 1. Arrays that are NULL mean the default for all requests. trace_rows keeps errors in a diag of
 * its own, from which the text is taken over. */
static enum status take_rows(const struct pagesim_requests *from, struct trace_rows *rows, struct diag *diag)
{
    const uint64_t *starts = from->hash_ids ? from->hash_start : NULL; /* both or none */
    for (uint32_t i = 0; i < from->count; i++) {
        struct trace_row row = TRACE_ROW_DEFAULT;
        enum status status = check_request(from, i, diag);
        if (status != SIM_OK)
            return status;
        row.arrival_ns = from->arrival_ns[i];
        row.input_tokens = from->input_tokens[i];
        row.output_tokens = from->output_tokens[i];
        row.priority = from->priority ? from->priority[i] : 0;
        row.samples = from->samples ? from->samples[i] : 1;
        for (uint64_t at = starts ? starts[i] : 0; starts && at < starts[i + 1]; at++)
            if (trace_rows_put_hash(rows, from->hash_ids[at]) != SIM_OK)
                return diag_set(diag, rows->diag.status, "%s", rows->diag.text);
        if (trace_rows_add(rows, &row) != SIM_OK)
            return diag_set(diag, rows->diag.status, "%s", rows->diag.text);
    }
    return SIM_OK;
}

/* The rows go through trace_join() like those of a file, which sorts them by arrival and builds the columns; so a trace from memory and the
 * same trace from a file cannot differ. The source has no text: it gives the name and says that times start at zero. */
enum pagesim_status pagesim_trace_build(const struct pagesim_requests *requests, struct pagesim_trace **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct trace *trace = NULL;
    const struct trace_source source = {.name = "requests", .text = "", .facts = {.times = TRACE_TIMES_FROM_ZERO}};
    struct trace_rows rows = {.source = &source, .text = source.text, .at = source.text};
    const struct trace_selection everything = trace_select_all();
    enum status status = SIM_OK;
    if (!requests->hash_start != !requests->hash_ids)
        status = diag_set(&diag, SIM_BAD_INPUT, "hash_start and hash_ids belong together: both or none");
    if (status == SIM_OK)
        status = take_rows(requests, &rows, &diag);
    if (status == SIM_OK)
        status = trace_join(&source, &rows, 1, &everything, &trace, &diag);
    trace_rows_deinit(&rows);
    if (status == SIM_OK) {
        snprintf(trace->name, sizeof trace->name, "%s", source.name);
        status = wrap_trace(trace, out, &diag);
    }
    return public_tell(status, &diag, error);
}

uint32_t pagesim_trace_count(const struct pagesim_trace *trace)
{
    return trace->trace->count;
}

void pagesim_trace_close(struct pagesim_trace *trace)
{
    public_trace_drop(trace);
}

/* --- configurations -------------------------------------------------------------------------------------------------------------- */

/* Reads text and settings anew with each call. A configuration is small, and this way the settings may come in any order: defaults depend
 * on the engine, which a later setting may choose. */
enum status public_config_make(const struct pagesim_config *config, struct config *out, struct diag *diag)
{
    enum status status = config_read(config->name, config->text, config->length, config->settings, (uint32_t)config->count, out, diag);
    return status == SIM_OK ? config_check(out, config->name ? config->name : "configuration", diag) : status;
}

/* A handle with a copy of the text, which is read once here, so that what is wrong in it is told at once. The probe is thrown away; only
 * whether it could be read matters. Keys are not checked against each other yet, since a setting may still follow that makes them fit. */
static enum status make_config(const char *name, const char *text, size_t length, struct pagesim_config **out, struct diag *diag)
{
    struct config probe;
    enum status status = config_read(name, text, length, NULL, 0, &probe, diag);
    if (status != SIM_OK)
        return status;
    struct pagesim_config *config = calloc(1, sizeof *config);
    if (config && text) {
        config->name = strdup(name);
        config->text = malloc(length + 1);
    }
    if (!config || (text && (!config->name || !config->text))) {
        pagesim_config_close(config);
        return diag_no_memory(diag, sizeof *config + length, "a configuration");
    }
    if (text) {
        memcpy(config->text, text, length);
        config->text[length] = '\0';
        config->length = length;
    }
    *out = config;
    return SIM_OK;
}

enum pagesim_status pagesim_config_create(struct pagesim_config **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    return public_tell(make_config(NULL, NULL, 0, out, &diag), &diag, error);
}

enum pagesim_status pagesim_config_open(const char *path, struct pagesim_config **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct text_file file;
    enum status status = text_file_open(path, &file, &diag);
    if (status == SIM_OK) {
        status = make_config(path, file.text, file.length, out, &diag);
        text_file_close(&file);
    }
    return public_tell(status, &diag, error);
}

enum pagesim_status pagesim_config_parse(const char *name, const char *text, size_t length, struct pagesim_config **out,
                                         struct pagesim_error *error)
{
    struct diag diag = {0};
    return public_tell(make_config(name, text, length, out, &diag), &diag, error);
}

/* Both strings of a setting are copies owned here; the struct has const pointers because the reader of options borrows them. */
static void drop_setting(const struct config_option *setting)
{
    free((char *)setting->name);
    free((char *)setting->value);
}

/* Put a copy of one setting before the one at `at`. Room is made before the strings, so nothing has to be undone but them. */
static enum status insert_setting(struct pagesim_config *config, size_t at, const struct config_option *setting, struct diag *diag)
{
    enum status status = array_reserve(&config->settings, &config->capacity, config->count + 1, sizeof *setting, "a configuration", diag);
    if (status != SIM_OK)
        return status;
    char *name = strdup(setting->name), *value = strdup(setting->value);
    if (!name || !value) {
        free(name);
        free(value);
        return diag_no_memory(diag, strlen(setting->name) + strlen(setting->value) + 2, "a configuration");
    }
    memmove(config->settings + at + 1, config->settings + at, (config->count - at) * sizeof *setting);
    config->settings[at] = (struct config_option){.name = name, .value = value, .of_vllm = setting->of_vllm};
    config->count++;
    return SIM_OK;
}

/* The setting is tried by itself first, so an error is told by the call that made it, and a failed call leaves the configuration as it was. */
enum pagesim_status pagesim_config_set(struct pagesim_config *config, const char *key, const char *value, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct config probe;
    struct config_option setting = {.name = key, .value = value};
    const struct config_key *known;
    enum status status = sweep_key_find(key, "a setting", &known, &diag);
    if (status == SIM_OK)
        status = config_read(NULL, NULL, 0, &setting, 1, &probe, &diag);
    if (status == SIM_OK)
        status = insert_setting(config, config->count, &setting, &diag);
    return public_tell(status, &diag, error);
}

/* Settings of a server's line stand before all others (config_load). Taken back if memory ends half-way. */
enum pagesim_status pagesim_config_vllm_args(struct pagesim_config *config, const char *line_or_file, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct vllm_args args;
    size_t first = 0, at;
    while (first < config->count && config->settings[first].of_vllm)
        first++;
    enum status status = vllm_args_read(line_or_file, &args, &diag);
    for (at = first; status == SIM_OK && at < first + args.count; at += status == SIM_OK)
        status = insert_setting(config, at, &args.options[at - first], &diag);
    if (status != SIM_OK && at > first) {
        for (size_t i = first; i < at; i++)
            drop_setting(&config->settings[i]);
        memmove(config->settings + first, config->settings + at, (config->count - at) * sizeof *config->settings);
        config->count -= at - first;
    }
    vllm_args_close(&args);
    return public_tell(status, &diag, error);
}

/* The effective configuration: defaults included, and checked as a whole, as a run would do it. */
enum pagesim_status pagesim_config_json(const struct pagesim_config *config, char **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct config effective;
    struct json_text json;
    enum status status = public_config_make(config, &effective, &diag);
    if (status != SIM_OK)
        return public_tell(status, &diag, error);
    json_text_init(&json, true);
    config_write(&effective, &json);
    status = json_text_status(&json, &diag);
    if (status == SIM_OK)
        *out = json.text;
    else
        json_text_deinit(&json);
    return public_tell(status, &diag, error);
}

void pagesim_config_close(struct pagesim_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++)
        drop_setting(&config->settings[i]);
    free(config->settings);
    free(config->name);
    free(config->text);
    free(config);
}

/* --- policies -------------------------------------------------------------------------------------------------------------------- */

/* The info is the first member of each kind's table, so a pointer to it is a pointer to the table; policy.h gets back to the whole by the
 * kind. */
static enum pagesim_status register_policy(enum policy_kind kind, const struct pagesim_policy_info *info, struct pagesim_error *error)
{
    struct diag diag = {0};
    return public_tell(policy_register(kind, info, &diag), &diag, error);
}

enum pagesim_status pagesim_register_scheduling_policy(const struct pagesim_scheduling_policy *policy, struct pagesim_error *error)
{
    return register_policy(POLICY_SCHEDULING, &policy->info, error);
}

enum pagesim_status pagesim_register_preemption_victim(const struct pagesim_preemption_victim *policy, struct pagesim_error *error)
{
    return register_policy(POLICY_VICTIM, &policy->info, error);
}

enum pagesim_status pagesim_register_eviction_policy(const struct pagesim_eviction_policy *policy, struct pagesim_error *error)
{
    return register_policy(POLICY_EVICTION, &policy->info, error);
}

enum pagesim_status pagesim_register_router(const struct pagesim_router *router, struct pagesim_error *error)
{
    return register_policy(POLICY_ROUTER, &router->info, error);
}
