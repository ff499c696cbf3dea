/* serve_defaults.c - vLLM's rules for what its command line leaves open. Read serve_defaults.h first; choose() is vLLM's rule. */
#include "config/serve_defaults.h"

#include <ctype.h>
#include <string.h>

#include "base/integers.h"
#include "config/config_keys.h"
#include "config/hardware.h"
#include "config/model_shape.h"

#define GIB 0x1p30

static config_key_bits bit_of(const char *name)
{
    bool negated;
    return (config_key_bits)1 << (config_find_option(name, &negated) - config_keys);
}

/* What was filled in before goes back to the scheduler's own; what a file or an option says stays. */
static void forget(struct config *config)
{
    struct config own;
    config_defaults(config->scheduler, &own);
    const config_key_bits filled = (config->by_serve | config->by_model) & ~config->given;
    if (filled & bit_of("max_model_len"))
        config->max_model_len = own.max_model_len;
    if (filled & bit_of("max_num_seqs"))
        config->max_num_seqs = own.max_num_seqs;
    if (filled & bit_of("max_num_batched_tokens"))
        config->max_num_batched_tokens = own.max_num_batched_tokens;
    if (filled & bit_of("kv_cache_groups"))
        config->kv_cache_groups_count = own.kv_cache_groups_count;
    config->by_serve = config->by_model = 0;
}

/* vLLM looks for "a100" in the lower-case name of the device. */
static bool is_a100(const char *name)
{
    for (; *name; name++)
        if (tolower((unsigned char)name[0]) == 'a' && strncmp(name + 1, "100", 3) == 0)
            return true;
    return false;
}

/* A value that differs from the scheduler's default and was not given was set by a program in struct config itself: it stays, too. */
static bool is_open(const struct config *config, const struct config *own, const char *name)
{
    bool negated;
    return !config_gives(config, name) && config_key_equal(config_find_option(name, &negated), config, own);
}

/* What a machine of that size is thought to do with. A large budget made A100s slower, hence the exception. */
static void look_at_gpu(const struct gpu *gpu, uint64_t *seqs, uint64_t *tokens)
{
    const bool huge = gpu->memory_bytes >= 160 * GIB, large = huge || (gpu->memory_bytes >= 70 * GIB && !is_a100(gpu->name));
    *seqs = large ? 1024 : 256;
    *tokens = huge ? 16384 : large ? 8192 : 2048;
}

/* `gpu` NULL: none is named, and what is open begins with the scheduler's own. */
static void choose(struct config *config, const struct gpu *gpu, const struct config *own)
{
    const bool open_seqs = is_open(config, own, "max_num_seqs"), open_tokens = is_open(config, own, "max_num_batched_tokens");
    uint64_t seqs = own->max_num_seqs, tokens = own->max_num_batched_tokens;
    if (gpu)
        look_at_gpu(gpu, &seqs, &tokens);
    if (!open_seqs)
        seqs = config->max_num_seqs;
    if (!open_tokens)
        tokens = config->max_num_batched_tokens;
    if (open_tokens && !config->enable_chunked_prefill)
        tokens = max_u64(tokens, config->max_model_len);
    if (open_tokens)
        tokens = min_u64(tokens, seqs * config->max_model_len);
    if (open_seqs)
        seqs = min_u64(seqs, tokens);
    config->max_num_seqs = (uint32_t)seqs;
    config->max_num_batched_tokens = (uint32_t)tokens;
    config->by_serve = (open_seqs ? bit_of("max_num_seqs") : 0) | (open_tokens ? bit_of("max_num_batched_tokens") : 0);
}

/* What the model's file says, where nobody else does. Its length counts for a server alone. */
static void look_at_model(struct config *config, const struct model_shape *model, const struct config *own, bool serves)
{
    if (serves && model->max_positions >= 1 && model->max_positions <= 1e9 && is_open(config, own, "max_model_len")) {
        config->max_model_len = (uint32_t)model->max_positions;
        config->by_model |= bit_of("max_model_len");
    }
    if (model->kind_count > 0 && is_open(config, own, "kv_cache_groups")) {
        memcpy(config->kv_cache_groups, model->kinds, sizeof config->kv_cache_groups);
        config->kv_cache_groups_count = model->kind_count;
        config->by_model |= bit_of("kv_cache_groups");
    }
}

enum status serve_defaults(struct config *config, struct diag *diag)
{
    struct model_shape model = {0};
    struct gpu gpu = {0};
    struct config own;
    enum status status = SIM_OK;
    forget(config);
    const bool serves = config->gpu[0] || config->served;
    if (config->scheduler != SCHEDULER_VLLM_V1 || !(serves || config->model[0]))
        return SIM_OK;
    config_defaults(config->scheduler, &own);
    if (config->gpu[0])
        status = gpu_load(config->gpu, &gpu, diag);
    if (status == SIM_OK && config->model[0])
        status = model_shape_load(config->model, &model, diag);
    if (status != SIM_OK)
        return status;
    look_at_model(config, &model, &own, serves);
    if (serves)
        choose(config, config->gpu[0] ? &gpu : NULL, &own);
    return SIM_OK;
}

const char *serve_default_of(const struct config *config, const char *key)
{
    const config_key_bits bit = bit_of(key);
    if (config->given & bit)
        return NULL;
    return config->by_serve & bit && config->gpu[0] ? "vllm serve" : config->by_model & bit ? "the model" : "the scheduler";
}
