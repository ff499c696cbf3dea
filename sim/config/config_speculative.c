/* config_speculative.c - speculative_config as vLLM spells it. What a method means for the scheduler is in speculation.h. Read
 * read_speculative() first.
 *
 * Which drafts are right is an input of a simulation: vLLM's synthetic rates, or all of them.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/nearest_name.h"
#include "config/config_values.h"

/* In the order of enum speculative_method. */
static const char *const method_names[] = {"", "ngram", "ngram_gpu", "eagle", "eagle3", "mtp", "draft_model", "dflash", NULL};
/* What vLLM has beyond them. */
static const char *const unknown_methods[] = {"suffix", "medusa", "mlp_speculator", "dspark", "custom_class", "extract_hidden_states"};

enum member {
    METHOD,
    TOKENS,
    REJECTION,
    RATES,
    LENGTH,
    SEED,
    NO_LOOKAHEAD,
    NO_DROP,
    PARALLEL,
    BY_BATCH,
    ADAPTIVE,
    TREE,
    MEMBERS /* those that change no decision follow */
};

static const char *const member_names[] = {
    [METHOD] = "method",
    [TOKENS] = "num_speculative_tokens",
    [REJECTION] = "rejection_sample_method",
    [RATES] = "synthetic_acceptance_rates",
    [LENGTH] = "synthetic_acceptance_length",
    [SEED] = "acceptance_seed",
    [NO_LOOKAHEAD] = "disable_lookahead_block_hashes",
    [NO_DROP] = "disable_eagle_block_drop",
    [PARALLEL] = "parallel_drafting",
    [BY_BATCH] = "num_speculative_tokens_per_batch_size",
    [ADAPTIVE] = "enable_adaptive_verification",
    [TREE] = "speculative_token_tree",
    /* The drafter's own affairs. */
    "model",
    "draft_tensor_parallel_size",
    "tensor_parallel_size",
    "quantization",
    "moe_backend",
    "attention_backend",
    "kv_cache_dtype",
    "max_model_len",
    "revision",
    "code_revision",
    "enforce_eager",
    "draft_load_config",
    "draft_sample_method",
    "prompt_lookup_max",
    "prompt_lookup_min",
    "disable_padded_drafter_batch",
    "use_local_argmax_reduction",
    "use_heterogeneous_vocab",
    "index_share_for_mtp_iteration",
    NULL,
};

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

/* vLLM's older names of mtp say whose module it is: deepseek_mtp. */
static enum status read_method(const struct json_document *document, const cJSON *node, struct speculative_config *out, struct diag *diag)
{
    const char *name = cJSON_IsString(node) ? node->valuestring : "";
    const size_t length = strlen(name);
    for (int method = SPECULATIVE_NGRAM; method <= SPECULATIVE_DFLASH; method++)
        if (strcmp(name, method_names[method]) == 0)
            out->method = (enum speculative_method)method;
    if (length > 4 && strcmp(name + length - 4, "_mtp") == 0)
        out->method = SPECULATIVE_MTP;
    for (size_t i = 0; i < sizeof unknown_methods / sizeof *unknown_methods; i++)
        if (strcmp(name, unknown_methods[i]) == 0)
            return json_error(document, node, false, diag,
                              "method \"%s\" is not modelled here: how many tokens it drafts depends on more "
                              "than rates; ngram, eagle, eagle3, mtp, draft_model and dflash are",
                              name);
    if (out->method != SPECULATIVE_NONE)
        return SIM_OK;
    return json_error(document, node, false, diag,
                      "method must be \"ngram\", \"ngram_gpu\", \"eagle\", \"eagle3\", \"mtp\", \"draft_model\" or \"dflash\"");
}

/* As vLLM checks them, one for each draft: a draft counts only if those before it are right, so rates cannot rise. */
static enum status read_rates(const struct json_document *document, const cJSON *node, struct speculative_config *out, struct diag *diag)
{
    const uint32_t wanted = out->num_speculative_tokens;
    uint32_t count = 0;
    if (!cJSON_IsArray(node))
        return json_error(document, node, false, diag, "%s must be a list of %u numbers, one a draft token", node->string, wanted);
    for (const cJSON *rate = node->child; rate; rate = rate->next) {
        if (count == wanted)
            return json_error(document, rate, false, diag, "%s has more than num_speculative_tokens (%u) numbers", node->string, wanted);
        if (!cJSON_IsNumber(rate) || !(rate->valuedouble >= 0 && rate->valuedouble <= 1))
            return json_error(document, rate, false, diag, "%s: a rate must be a number from 0 to 1", node->string);
        if (count > 0 && rate->valuedouble > out->acceptance_rates[count - 1])
            return json_error(document, rate, false, diag,
                              "%s must not rise: %g after %g; each says how often all drafts up to it are right", node->string,
                              rate->valuedouble, out->acceptance_rates[count - 1]);
        out->acceptance_rates[count++] = rate->valuedouble;
    }
    if (count < wanted)
        return json_error(document, node, false, diag, "%s has %u numbers; num_speculative_tokens is %u", node->string, count, wanted);
    return SIM_OK;
}

/* vLLM's rule: the first drafts are always right, one sometimes, the rest never. The length counts the token that is no draft. */
static enum status read_length(const struct json_document *document, const cJSON *node, struct speculative_config *out, struct diag *diag)
{
    const uint32_t most = out->num_speculative_tokens;
    if (!cJSON_IsNumber(node) || !(node->valuedouble >= 1 && node->valuedouble <= most + 1))
        return json_error(document, node, false, diag, "%s must be a number from 1 to %u, num_speculative_tokens + 1", node->string,
                          most + 1);
    const double drafts = node->valuedouble - 1;
    const uint32_t sure = (uint32_t)drafts;
    for (uint32_t i = 0; i < most; i++)
        out->acceptance_rates[i] = i < sure ? 1 : i == sure ? drafts - sure : 0;
    return SIM_OK;
}

static enum status refuse_method(const struct json_document *document, const cJSON *node, struct diag *diag)
{
    if (cJSON_IsString(node) && strcmp(node->valuestring, "synthetic") == 0)
        return SIM_OK;
    return json_error(document, node, false, diag,
                      "rejection_sample_method must be \"synthetic\": how many drafts are right is an input of a simulation; give "
                      "synthetic_acceptance_rates as your server measured them");
}

static enum status refuse_variant(const struct json_document *document, const cJSON *node, enum member at, struct speculative_config *out,
                                  struct diag *diag)
{
    if (cJSON_IsFalse(node) || (at == PARALLEL && out->method == SPECULATIVE_DFLASH))
        return SIM_OK;
    return json_error(document, node, true, diag, "%s is not modelled here: steps would have other numbers of drafts, or places for them",
                      member_names[at]);
}

/* A member whose value is null is as good as none. The method and the number of tokens have been read. */
static enum status read_member(const struct json_document *document, const cJSON *node, struct speculative_config *out, struct diag *diag)
{
    const int at = config_member_at(document, node, "speculative_config", member_names, diag);
    if (at < 0)
        return diag->status;
    if (cJSON_IsNull(node))
        return SIM_OK;
    switch ((enum member)at) {
    case REJECTION:
        return refuse_method(document, node, diag);
    case RATES:
        return read_rates(document, node, out, diag);
    case LENGTH:
        return read_length(document, node, out, diag);
    case SEED:
        return config_member_whole(document, node, 0, UINT64_MAX, &out->acceptance_seed, diag);
    case NO_LOOKAHEAD:
        return config_member_flag(document, node, &out->disable_lookahead_block_hashes, diag);
    case NO_DROP:
        return config_member_flag(document, node, &out->disable_eagle_block_drop, diag);
    case PARALLEL:
    case BY_BATCH:
    case ADAPTIVE:
    case TREE:
        return refuse_variant(document, node, (enum member)at, out, diag);
    default:
        return SIM_OK;
    }
}

static enum status read_members(const struct json_document *document, const cJSON *object, struct speculative_config *out,
                                struct diag *diag)
{
    const cJSON *nodes[MEMBERS];
    uint64_t tokens = 0;
    for (int i = 0; i < MEMBERS; i++) {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(object, member_names[i]);
        nodes[i] = cJSON_IsNull(node) ? NULL : node;
    }
    if (!nodes[METHOD] || !nodes[TOKENS])
        return json_error(document, object, false, diag,
                          "speculative_config needs \"%s\"; what vLLM takes from a drafter's files is not "
                          "known here",
                          member_names[nodes[METHOD] ? TOKENS : METHOD]);
    if (nodes[RATES] && nodes[LENGTH])
        return json_error(document, nodes[LENGTH], true, diag, "%s and %s say the same; vLLM refuses both: keep one", member_names[LENGTH],
                          member_names[RATES]);
    enum status status = read_method(document, nodes[METHOD], out, diag);
    if (status == SIM_OK)
        status = config_member_whole(document, nodes[TOKENS], 1, SPECULATIVE_TOKENS_MOST, &tokens, diag);
    if (status != SIM_OK)
        return status;
    out->num_speculative_tokens = (uint32_t)tokens;
    for (uint32_t i = 0; i < tokens; i++)
        out->acceptance_rates[i] = 1;
    for (const cJSON *node = object->child; node && status == SIM_OK; node = node->next)
        status = read_member(document, node, out, diag);
    return status;
}

/* The seed is a key of its own, too (acceptance_seed), so what is not said here stays. */
static enum status read_speculative(const struct json_document *document, const cJSON *node, struct config *config, struct diag *diag)
{
    struct speculative_config made = {.acceptance_seed = config->speculative.acceptance_seed};
    enum status status = SIM_OK;
    if (cJSON_IsObject(node))
        status = read_members(document, node, &made, diag);
    else if (!cJSON_IsNull(node))
        status = json_error(document, node, false, diag, "speculative_config must be %s", config_speculative.wants);
    if (status == SIM_OK)
        config->speculative = made;
    return status;
}

/* --- writing, copying, comparing --------------------------------------------------------------------------------------------------- */

static bool all_right(const struct speculative_config *speculative)
{
    uint32_t i = 0;
    while (i < speculative->num_speculative_tokens && speculative->acceptance_rates[i] == 1)
        i++;
    return i == speculative->num_speculative_tokens;
}

static void put_flag(struct json_text *json, const char *name, bool set)
{
    if (!set)
        return;
    json_key(json, name);
    json_bool(json, true);
}

/* As a server of vLLM's takes it: the seed, which is ours, stands beside it as a key. */
static void write_speculative(const struct config *config, struct json_text *json)
{
    const struct speculative_config *speculative = &config->speculative;
    if (speculative->method == SPECULATIVE_NONE) {
        json_null(json);
        return;
    }
    json_open_object(json);
    json_put_string(json, member_names[METHOD], method_names[speculative->method]);
    json_put_uint(json, member_names[TOKENS], speculative->num_speculative_tokens);
    if (!all_right(speculative)) {
        json_put_string(json, member_names[REJECTION], "synthetic");
        json_key(json, member_names[RATES]);
        json_open_array(json);
        for (uint32_t i = 0; i < speculative->num_speculative_tokens; i++)
            json_double(json, speculative->acceptance_rates[i]);
        json_close_array(json);
    }
    put_flag(json, member_names[NO_LOOKAHEAD], speculative->disable_lookahead_block_hashes);
    put_flag(json, member_names[NO_DROP], speculative->disable_eagle_block_drop);
    json_close_object(json);
}

static void copy_speculative(const struct config *from, struct config *to)
{
    const uint64_t seed = to->speculative.acceptance_seed;
    to->speculative = from->speculative;
    to->speculative.acceptance_seed = seed;
}

static bool equal_speculative(const struct config *a, const struct config *b)
{
    const struct speculative_config *x = &a->speculative, *y = &b->speculative;
    bool equal = x->method == y->method;
    if (!equal || x->method == SPECULATIVE_NONE)
        return equal;
    equal = x->num_speculative_tokens == y->num_speculative_tokens &&
            x->disable_lookahead_block_hashes == y->disable_lookahead_block_hashes &&
            x->disable_eagle_block_drop == y->disable_eagle_block_drop;
    for (uint32_t i = 0; equal && i < x->num_speculative_tokens; i++)
        equal = x->acceptance_rates[i] == y->acceptance_rates[i];
    return equal;
}

const struct config_value config_speculative = {.wants = "null or an object like {\"method\":\"eagle3\",\"num_speculative_tokens\":3}",
                                                .read = read_speculative,
                                                .write = write_speculative,
                                                .copy = copy_speculative,
                                                .equal = equal_speculative};
