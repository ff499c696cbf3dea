/* config_load.c - the effective configuration. Read config_load near the end first; what a single key takes is in key_table.c.
 *
 *     defaults of the engine  <-  keys of the file  <-  a server's command line  <-  options
 *         ->  config_check: what vllm serve chooses for a GPU, then combinations that vLLM refuses
 *
 * The engine is looked for before anything else, because the defaults depend on it: in the file, and in options for when the file does not
 * say it. */
#include "config/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/json.h"
#include "base/nearest_name.h"
#include "base/text_file.h"
#include "config/config_keys.h"
#include "config/hardware.h"
#include "config/kv_groups.h"
#include "config/kv_offloading.h"
#include "config/serve_defaults.h"
#include "config/speculation.h"

/* In doubles and cut, not rounded: Python's int() does that. */
uint32_t config_watermark_blocks(const struct config *config)
{
    return (uint32_t)(config->watermark * (double)config->num_gpu_blocks);
}

/* --- the file -------------------------------------------------------------------------------------------------------------------- */

/* The same name can stand in two groups: step_time.model and model. */
static const struct config_key *find_in_group(enum key_group group, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].group == group && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

/* At the top level a misspelt name can also mean a nested object. */
static const char *nearest_key(enum key_group group, const char *name)
{
    /* More than the table and the groups have together. */
    const char *names[128];
    size_t count = 0;
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].group == group)
            names[count++] = config_keys[i].name;
    if (group == KEY_TOP)
        for (int nested = KEY_TOP + 1; nested < KEY_GROUPS; nested++)
            names[count++] = config_group_names[nested];
    return nearest_name(name, names, count);
}

/* Keys are checked strictly: a misspelt one would otherwise leave its default in force without a word. */
static enum status unknown_key(const struct json_document *document, const cJSON *node, enum key_group group, struct diag *diag)
{
    const char *near = nearest_key(group, node->string), *prefix = config_group_names[group];
    return json_error(document, node, true, diag, "unknown key \"%s%s%s\"; %s%s%s", prefix, *prefix ? "." : "", node->string,
                      near ? "did you mean \"" : "`pagesim config show` lists the keys", near ? near : "", near ? "\"?" : "");
}

/* The value's own text: integers keep all digits, strings lose their quotes. false: the value is of another type than the key, so "16" is
 * no number and 1 is no switch. 17 digits bring every double back as it was. */
static bool node_text(const struct json_document *document, const cJSON *node, const struct config_key *key, char *out, size_t size)
{
    const enum key_type type = key->type;
    uint64_t whole;
    if (type == KEY_DOUBLE && isinf(key->range.real.most) && cJSON_IsString(node) && strcmp(node->valuestring, "inf") == 0)
        return snprintf(out, size, "inf") > 0;           /* JSON has no such number; vLLM's result files write it so, too */
    const bool path = key->path && cJSON_IsString(node); /* of a switch */
    bool wants_string = path || type == KEY_CHOICE || type == KEY_NAME || type == KEY_PATH || type == KEY_TEXT;
    if (wants_string != cJSON_IsString(node) || (type == KEY_BOOL && !path) != cJSON_IsBool(node))
        return false;
    if (wants_string)
        return snprintf(out, size, "%s", node->valuestring) < (int)size;
    if (type == KEY_BOOL)
        return snprintf(out, size, "%s", cJSON_IsTrue(node) ? "true" : "false") > 0;
    if (key->nullable && cJSON_IsNull(node))
        return snprintf(out, size, "null") > 0;
    if (!cJSON_IsNumber(node))
        return false;
    if (type == KEY_DOUBLE)
        return snprintf(out, size, "%.17g", node->valuedouble) > 0;
    return json_uint64(document, node, &whole) && snprintf(out, size, "%llu", (unsigned long long)whole) > 0;
}

/* Paths in a file are relative to the file, so that a configuration and its profile can be moved together and used from any folder. Paths
 * of options are relative to where the command is typed, as a shell completes them; they never come here. */
static void resolve_path(const char *file, const struct config_key *key, struct config *config)
{
    char *path = (char *)config + (key->path ? key->path : key->offset), joined[2 * CONFIG_PATH_SIZE];
    const char *slash = strrchr(file, '/');
    if (!slash || path[0] == '/' || path[0] == '\0')
        return;
    snprintf(joined, sizeof joined, "%.*s/%s", (int)(slash - file), file, path);
    if (key->type == KEY_TEXT && !hardware_is_path(path) && access(joined, F_OK) != 0)
        return; /* a name of the Hub: meta-llama/Llama-3.1-8B */
    snprintf(path, CONFIG_PATH_SIZE, "%.*s", CONFIG_PATH_SIZE - 1, joined);
}

/* A value from the file goes through the same parser as an option's, so both take the same and are refused with the same words. */
static enum status read_key(const struct json_document *document, const cJSON *node, enum key_group group, struct config *config,
                            struct diag *diag)
{
    const struct config_key *key = find_in_group(group, node->string);
    char text[CONFIG_PATH_SIZE], wants[256];
    if (!key)
        return unknown_key(document, node, group, diag);
    if (key->type == KEY_JSON)
        return config_key_read(key, document, node, config, diag);
    if (node_text(document, node, key, text, sizeof text) && config_key_parse(key, text, config)) {
        /* A model or a GPU with a slash can be a path or a name of the Hub. */
        if (key->type == KEY_PATH || key->path || (key->type == KEY_TEXT && strchr(text, '/')))
            resolve_path(document->file, key, config);
        return SIM_OK;
    }
    config_key_wants(key, wants, sizeof wants);
    const char *prefix = config_group_names[group];
    return json_error(document, node, false, diag, "%s%s%s must be %s", prefix, *prefix ? "." : "", key->name, wants);
}

/* Members in the file's order. The nested objects are one level deep; in them no further ones are known. */
static enum status read_group(const struct json_document *document, const cJSON *object, enum key_group group, struct config *config,
                              struct diag *diag)
{
    enum status status = SIM_OK;
    for (const cJSON *node = object->child; node && status == SIM_OK; node = node->next) {
        int nested = group == KEY_TOP ? KEY_TOP + 1 : KEY_GROUPS;
        while (nested < KEY_GROUPS && strcmp(node->string, config_group_names[nested]) != 0)
            nested++;
        if (nested == KEY_GROUPS)
            status = read_key(document, node, group, config, diag);
        else if (cJSON_IsObject(node))
            status = read_group(document, node, (enum key_group)nested, config, diag);
        else
            status = json_error(document, node, false, diag, "%s must be an object", config_group_names[nested]);
    }
    return status;
}

/* The engine decides the defaults, so it is looked for before anything else is read. */
static enum status read_scheduler(const struct json_document *document, struct config *config, struct diag *diag)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, "scheduler");
    struct config probe;
    config_defaults(SCHEDULER_VLLM_V1, &probe);
    if (!node)
        return SIM_OK;
    enum status status = read_key(document, node, KEY_TOP, &probe, diag);
    if (status == SIM_OK)
        config_defaults(probe.scheduler, config);
    return status;
}

/* --- keys of the other engine ---------------------------------------------------------------------------------------------------- */

/* A key of the other engine would be ignored without a word, and a user would believe in its effect; so only its default is accepted. */
static bool foreign(const struct config_key *key, const struct config *config)
{
    return key->engines != KEY_BOTH && (key->engines == KEY_V1_ONLY) != (config->scheduler == SCHEDULER_VLLM_V1);
}

/* The first key of the other engine that was given with another value than its default; one is enough for an error. Those that nobody gave
 * become as this engine has them: with a file that names one engine and an option that names the other, they begin with the file's. */
static const struct config_key *settle_foreign(struct config *config)
{
    struct config defaults;
    config_defaults(config->scheduler, &defaults);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (!foreign(key, config))
            continue;
        if (!config_key_given(key, config))
            config_key_copy(key, &defaults, config);
        else if (!config_key_equal(key, config, &defaults))
            return key;
    }
    return NULL;
}

/* While the file is open, so that the error has a place. Options are checked in config_check. */
static enum status refuse_foreign(const struct json_document *document, struct config *config, struct diag *diag)
{
    const struct config_key *key = settle_foreign(config);
    if (!key)
        return SIM_OK;
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, key->name);
    return json_error(document, node ? node : document->root, true, diag,
                      "%s is a key of the %s engine; leave it out or set \"scheduler\" to it", key->name,
                      key->engines == KEY_V1_ONLY ? "vllm-v1" : "vllm-v0");
}

/* Three passes over one document: the engine, which sets the defaults; all keys over these; then what the engine does not know, which can
 * only be told when both are there. */
static enum status read_text(const char *name, const char *text, size_t length, struct config *config, struct diag *diag)
{
    struct json_document document;
    enum status status = json_open(name, 1, text, length, &document, diag);
    if (status != SIM_OK)
        return status;
    if (cJSON_IsObject(document.root))
        status = read_scheduler(&document, config, diag);
    else
        status = json_error(&document, document.root, false, diag, "a configuration must be a JSON object");
    if (status == SIM_OK)
        status = read_group(&document, document.root, KEY_TOP, config, diag);
    if (status == SIM_OK)
        status = refuse_foreign(&document, config, diag);
    json_close(&document);
    return status;
}

/* --- options --------------------------------------------------------------------------------------------------------------------- */

/* A switch is --name or --no-name; --name=false works, too, and --no-name=false is refused as unclear. */
static enum status apply_option(const struct config_option *option, struct config *config, struct diag *diag)
{
    bool negated;
    char wrong[1024];
    const struct config_key *key = config_find_option(option->name, &negated);
    if (!key)
        return diag_set(diag, SIM_USAGE, "unknown configuration option --%s", option->name);
    const char *value = option->value;
    if (key->type == KEY_BOOL && !value)
        value = negated ? "false" : "true";
    if (value && !(negated && option->value) && config_key_parse(key, value, config))
        return SIM_OK;
    config_key_wrong(key, value ? value : "", wrong, sizeof wrong);
    return diag_set(diag, SIM_USAGE, "--%s %s: %s", option->name, value ? value : "", wrong);
}

/* In the order of the command line, so that the last of several wins. */
static enum status apply_options(const struct config_option *options, uint32_t first, uint32_t end, struct config *config,
                                 struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = first; i < end && status == SIM_OK; i++)
        status = apply_option(&options[i], config, diag);
    return status;
}

/* An engine given as an option brings its own defaults, if no file has chosen before. A file that names its engine starts over with that
 * engine's defaults (read_scheduler). The option still wins for the key itself, in apply_options, but not for the file's defaults. */
static enum status defaults_of_options(const struct config_option *options, uint32_t count, struct config *config, struct diag *diag)
{
    struct config probe;
    config_defaults(SCHEDULER_VLLM_V1, &probe);
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < count && status == SIM_OK; i++)
        if (strcmp(options[i].name, "scheduler") == 0)
            status = apply_option(&options[i], &probe, diag);
    config_defaults(probe.scheduler, config);
    return status;
}

/* --- the rules ------------------------------------------------------------------------------------------------------------------- */

/* What `vllm bench serve` refuses of the keys that draw arrivals, and half-given ramps. */
static enum status check_arrivals(const struct config *config, const char *where, struct diag *diag)
{
    const bool ramps = config->ramp_up_strategy[0] != '\0', start = config->ramp_up_start_rps > 0, end = config->ramp_up_end_rps > 0;
    if (config->arrival_speedup_ratio != 1 && (ramps || config->request_rate > 0))
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: arrival_speedup_ratio divides the trace's arrival times, which a request rate replaces; give one of them",
                        where);
    if (config->arrival_generator[0] && !ramps && !(config->request_rate > 0))
        return diag_set(diag, SIM_BAD_INPUT, "%s: arrival_generator draws arrivals at a rate; give request_rate or ramp_up_strategy",
                        where);
    if (config->arrival_generator[0] && config->seed > UINT32_MAX)
        return diag_set(diag, SIM_BAD_INPUT, "%s: numpy's generator takes seeds up to 4294967295", where);
    if (ramps && strcmp(config->arrival_generator, "numpy-unscaled") == 0)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: the clients that did not scale arrivals had no ramps; give arrival_generator as \"numpy\"", where);
    if (ramps && config->request_rate > 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: the ramp says the rate; leave out request_rate or ramp_up_strategy", where);
    if (ramps && !(start && end))
        return diag_set(diag, SIM_BAD_INPUT, "%s: ramp_up_strategy needs ramp_up_start_rps and ramp_up_end_rps", where);
    if (!ramps && (start || end))
        return diag_set(diag, SIM_BAD_INPUT, "%s: %s says nothing without ramp_up_strategy; give it as \"linear\" or \"exponential\"",
                        where, start ? "ramp_up_start_rps" : "ramp_up_end_rps");
    if (ramps && config->ramp_up_start_rps > config->ramp_up_end_rps)
        return diag_set(diag, SIM_BAD_INPUT, "%s: ramp_up_start_rps (%g) is above ramp_up_end_rps (%g); vLLM refuses that: swap them",
                        where, config->ramp_up_start_rps, config->ramp_up_end_rps);
    return SIM_OK;
}

/* Who names a model and a GPU wants their times. The linear model has numbers of its own; if one of them was set, it is what was meant. */
static void choose_step_times(struct config *config)
{
    struct config defaults;
    struct step_time_config *times = &config->step_time;
    if (times->model != STEP_TIME_UNSAID)
        return;
    config_defaults(config->scheduler, &defaults);
    const bool own_numbers = times->base_ns != defaults.step_time.base_ns || times->token_ns != defaults.step_time.token_ns ||
                             times->kv_ns != defaults.step_time.kv_ns;
    times->model = config->model[0] && config->gpu[0] && !own_numbers ? STEP_TIME_ROOFLINE : STEP_TIME_LINEAR;
}

/* With which vLLM does not start, or dies while it serves. */
static enum status check_drafts(const struct config *config, const char *where, struct diag *diag)
{
    const uint32_t lookahead = speculation_lookahead(config), drafts = speculation_drafts(config);
    if (config->max_num_batched_tokens <= lookahead)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: max_num_batched_tokens (%u) must be above the %u places that speculative_config needs beyond the tokens of a "
                        "step; vLLM refuses that: raise it",
                        where, config->max_num_batched_tokens, lookahead);
    if (config->long_prefill_token_threshold > 0 && config->long_prefill_token_threshold <= drafts)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: long_prefill_token_threshold (%u) must be above num_speculative_tokens (%u); vLLM dies in an assertion: raise "
                        "it, or leave it out",
                        where, config->long_prefill_token_threshold, drafts);
    return SIM_OK;
}

/* What is not modelled of K and V that come from elsewhere. */
static enum status check_transfers(const struct config *config, const char *where, struct diag *diag)
{
    if (config->kv_role != KV_ROLE_CONSUMER)
        return offloading_check(config, where, diag);
    if (config->speculative.method != SPECULATIVE_NONE)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: kv_role \"kv_consumer\" is not modelled together with speculative_config; leave one of them out", where);
    if (!kv_groups_plain(config))
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: kv_role \"kv_consumer\" is modelled for one group of full layers; leave out kv_cache_groups, or set "
                        "disable_hybrid_kv_cache_manager",
                        where);
    return offloading_check(config, where, diag);
}

/* What vLLM makes no groups of, and what knows one group of full layers only. */
static enum status check_groups(const struct config *config, const char *where, struct diag *diag)
{
    struct kv_groups groups;
    enum status status = kv_groups_make(config, where, &groups, diag);
    if (status != SIM_OK)
        return status;
    const bool one = groups.count == 1 && groups.list[0].kind == KV_KIND_FULL;
    if (!one && strcmp(config->eviction_policy, "vllm") != 0)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: eviction_policy \"%s\" knows one group of full layers; with those of kv_cache_groups it must be \"vllm\"",
                        where, config->eviction_policy);
    return SIM_OK;
}

/* Combinations, after single values have passed. What vLLM refuses at start is refused here, so that a configuration that replays is one
 * that a server would take. */
enum status config_check(struct config *config, const char *where, struct diag *diag)
{
    bool v1 = config->scheduler == SCHEDULER_VLLM_V1;
    enum status status = serve_defaults(config, diag);
    if (status != SIM_OK)
        return status;
    /* V0's own rule, which depends on two other keys and so cannot be a column of the table. Resolved before it is compared below. */
    if (config->max_num_batched_tokens == 0)
        config->max_num_batched_tokens = config->enable_chunked_prefill ? 512 : config->max_model_len > 2048 ? config->max_model_len : 2048;
    choose_step_times(config);
    status = check_arrivals(config, where, diag);
    if (status != SIM_OK)
        return status;
    if (config->step_time.pause_ns > 0 && config->step_time.pause_every_pairs == 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: step_time.pause_ns needs step_time.pause_every_pairs, of 1 or more", where);
    const struct config_key *key = settle_foreign(config);
    if (key)
        return diag_set(diag, SIM_BAD_INPUT, "%s: %s is a key of the %s engine; leave it out or choose that engine", where, key->name,
                        key->engines == KEY_V1_ONLY ? "vllm-v1" : "vllm-v0");
    if (!v1 && strcmp(config->scheduling_policy, "fcfs") != 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: scheduling_policy \"%s\" is not one of the vllm-v0 engine; it knows \"fcfs\"", where,
                        config->scheduling_policy);
    /* Else not every running request could get its token in a step. */
    if (v1 && config->max_num_batched_tokens < config->max_num_seqs)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: max_num_batched_tokens (%u) is below max_num_seqs (%u); vLLM refuses that: raise the first", where,
                        config->max_num_batched_tokens, config->max_num_seqs);
    if (config->max_num_active_seqs > config->max_num_seqs)
        return diag_set(diag, SIM_BAD_INPUT, "%s: max_num_active_seqs (%u) is above max_num_seqs (%u); vLLM refuses that: lower it", where,
                        config->max_num_active_seqs, config->max_num_seqs);
    if (config->max_num_scheduled_tokens > config->max_num_batched_tokens)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: max_num_scheduled_tokens (%u) is above max_num_batched_tokens (%u), which a step's buffers hold: lower it",
                        where, config->max_num_scheduled_tokens, config->max_num_batched_tokens);
    if (v1 && config->long_prefill_token_threshold > config->max_model_len)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: long_prefill_token_threshold (%u) is above max_model_len (%u); vLLM refuses that: lower it", where,
                        config->long_prefill_token_threshold, config->max_model_len);
    /* A prompt that is not split must fit one step, or it would wait forever. */
    if (!config->enable_chunked_prefill && config->max_num_batched_tokens < config->max_model_len)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: without chunked prefill max_num_batched_tokens (%u) must not be below max_model_len (%u); vLLM refuses that",
                        where, config->max_num_batched_tokens, config->max_model_len);
    if (!config->enable_chunked_prefill && config->max_num_scheduled_tokens > 0 && config->max_num_scheduled_tokens < config->max_model_len)
        return diag_set(
            diag, SIM_BAD_INPUT,
            "%s: without chunked prefill max_num_scheduled_tokens (%u) must not be below max_model_len (%u): a longer prompt would "
            "wait for ever",
            where, config->max_num_scheduled_tokens, config->max_model_len);
    if (v1)
        status = check_drafts(config, where, diag);
    if (v1 && status == SIM_OK)
        status = check_groups(config, where, diag);
    return v1 && status == SIM_OK ? check_transfers(config, where, diag) : status;
}

/* Options are applied last, so they win over the file, and a server's command line stands between the two. */
enum status config_read(const char *name, const char *text, size_t length, const struct config_option *options, uint32_t option_count,
                        struct config *out, struct diag *diag)
{
    struct config config;
    uint32_t of_vllm = 0;
    while (of_vllm < option_count && options[of_vllm].of_vllm)
        of_vllm++;
    enum status status = defaults_of_options(options, option_count, &config, diag);
    if (status == SIM_OK && text)
        status = read_text(name, text, length, &config, diag);
    const config_key_bits by_file = config.given;
    config.given = 0;
    if (status == SIM_OK)
        status = apply_options(options, 0, of_vllm, &config, diag);
    const config_key_bits by_vllm = config.given;
    config.given = 0;
    if (status == SIM_OK)
        status = apply_options(options, of_vllm, option_count, &config, diag);
    config.given_by_file = by_file & ~(by_vllm | config.given);
    config.given |= by_file | by_vllm;
    config.served = of_vllm > 0;
    if (status == SIM_OK)
        *out = config;
    return status;
}

/* Standard input is refused because the trace may come from there. *out is written last, so that a configuration that fails a rule never
 * gets out. */
enum status config_load(const char *path, const struct config_option *options, uint32_t option_count, struct config *out, struct diag *diag)
{
    struct text_file file = {0};
    struct config *config; /* not on the stack, which has one in config_read() already and may be that of a thread */
    if (path && strcmp(path, "-") == 0)
        return diag_set(diag, SIM_USAGE, "--config cannot be read from standard input; give a file");
    enum status status = path ? text_file_open(path, &file, diag) : SIM_OK;
    if (status != SIM_OK)
        return status;
    status = array_zeroed(&config, 1, sizeof *config, "a configuration", diag);
    if (status == SIM_OK) {
        status = config_read(path, file.text, file.length, options, option_count, config, diag);
        if (status == SIM_OK)
            status = config_check(config, path ? path : "configuration", diag);
        if (status == SIM_OK)
            *out = *config;
        free(config);
    }
    if (path)
        text_file_close(&file);
    return status;
}

/* On a copy, so that a refused value leaves the configuration as it was. */
enum status config_set(struct config *config, const char *key, const char *value, struct diag *diag)
{
    struct config changed = *config;
    struct config_option option = {.name = key, .value = value};
    enum status status = apply_option(&option, &changed, diag);
    if (status == SIM_OK)
        status = config_check(&changed, key, diag);
    if (status == SIM_OK)
        *config = changed;
    return status;
}
