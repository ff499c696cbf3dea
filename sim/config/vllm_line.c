/* vllm_line.c - which options a server would have to be given. Read find_options(): it goes the way that the server goes, with one option more
 * each time, until it arrives at the configuration. */
#include "config/vllm_line.h"

#include <string.h>

#include "base/command_words.h"
#include "config/config_keys.h"
#include "config/serve_defaults.h"
#include "config/vllm_options.h"

/* A server that has been told some options so far, and which. */
struct told {
    struct config server;
    config_key_bits keys;
};

static config_key_bits bit_of(const struct config_key *key)
{
    return (config_key_bits)1 << (key - config_keys);
}

/* The i-th of vLLM's options that can say the configuration's value. *end: there are no more. */
static const struct config_key *sayable(const struct config *config, size_t i, struct vllm_option *option, bool *end)
{
    char value[CONFIG_TEXT_SIZE];
    *end = !vllm_option_key_at(i, option);
    const struct config_key *key = *end ? NULL : vllm_option_key(option);
    if (!key || !config_key_matters(key, config))
        return NULL;
    config_key_text(key, config, value, sizeof value);
    return !option->takes || vllm_option_takes(option->takes, value) ? key : NULL;
}

static enum status tell(struct told *told, const struct config_key *key, const struct config *config, struct diag *diag)
{
    char value[CONFIG_TEXT_SIZE];
    config_key_text(key, config, value, sizeof value);
    if (!config_key_parse(key, value, &told->server))
        return diag_set(diag, SIM_FAILED, "%s %s does not read back", key->name, value);
    told->keys |= bit_of(key);
    return SIM_OK;
}

/* What serve chooses for these depends on the others, and on a machine that may not be known. */
static bool is_limit(const struct config_key *key)
{
    return strcmp(key->name, "max_num_seqs") == 0 || strcmp(key->name, "max_num_batched_tokens") == 0;
}

static bool is_unforeseen(const struct config_key *key, const struct config *config)
{
    return (is_limit(key) && !config->gpu[0]) || (strcmp(key->name, "max_model_len") == 0 && !config->model[0]);
}

/* An option can change what the server chooses for the limits, so these come last and the rules are asked after each option. */
static enum status find_options(const struct config *config, struct told *told, struct diag *diag)
{
    enum status status = config_check(&told->server, "the server", diag);
    for (int limits = 0; limits <= 1; limits++) {
        bool end = false;
        for (size_t i = 0; status == SIM_OK && !end; i++) {
            struct vllm_option option;
            const struct config_key *key = sayable(config, i, &option, &end);
            if (!key || is_limit(key) != limits || (config_key_equal(key, config, &told->server) && !is_unforeseen(key, config)))
                continue;
            status = tell(told, key, config, diag);
            if (status == SIM_OK)
                status = serve_defaults(&told->server, diag);
        }
    }
    return status;
}

static void print_option(FILE *file, const char *name, const struct config_key *key, const struct config *config, bool no)
{
    char value[CONFIG_TEXT_SIZE];
    config_key_text(key, config, value, sizeof value);
    fprintf(file, " --%s%s", no ? "no-" : "", name);
    if (key->type == KEY_BOOL)
        return;
    fputc(' ', file);
    command_word_print(value, file);
}

static bool is_off(const struct config_key *key, const struct config *config)
{
    char value[CONFIG_TEXT_SIZE];
    config_key_text(key, config, value, sizeof value);
    return key->type == KEY_BOOL && strcmp(value, "false") == 0;
}

/* All that is still different, after the rules have had their say. */
static enum status print_beside(const struct config *config, struct told *told, FILE *beside, struct diag *diag)
{
    enum status status = config_check(&told->server, "the server", diag);
    for (size_t i = 0; i < config_key_count && status == SIM_OK; i++) {
        const struct config_key *key = &config_keys[i];
        char name[96];
        const bool gpu = strcmp(key->name, "gpu") == 0 && config->gpu[0];
        config_option_name(key, name, sizeof name);
        if (config_key_matters(key, config) && (gpu || !config_key_equal(key, config, &told->server)))
            print_option(beside, name, key, config, is_off(key, config));
    }
    return status;
}

enum status vllm_line_print(const struct config *config, FILE *line, FILE *beside, struct diag *diag)
{
    struct told told = {.keys = 0};
    struct vllm_option option;
    bool end = false;
    if (config->scheduler != SCHEDULER_VLLM_V1)
        return diag_set(diag, SIM_USAGE, "a line of vllm serve 0.33.0 says nothing about the vllm-v0 engine");
    config_defaults(config->scheduler, &told.server);
    told.server.served = true;
    memcpy(told.server.gpu, config->gpu, sizeof told.server.gpu);
    memcpy(told.server.model, config->model, sizeof told.server.model);
    enum status status = find_options(config, &told, diag);
    if (status != SIM_OK)
        return status;
    fputs("vllm serve", line);
    if (config->model[0])
        fputc(' ', line);
    if (config->model[0])
        command_word_print(config->model, line);
    for (size_t i = 0; !end; i++) {
        const struct config_key *key = sayable(config, i, &option, &end);
        if (key && (told.keys & bit_of(key)))
            print_option(line, option.name, key, config, is_off(key, config));
    }
    return print_beside(config, &told, beside, diag);
}
