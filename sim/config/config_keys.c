/* config_keys.c - see config_keys.h. */
#include "config/config_keys.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define BLOCKS_MOST 4294967294.0
#define TOKENS_MOST 1000000000.0
#define NS_MOST     1e15

static const char *const scheduler_names[] = {"vllm-v1", "vllm-v0", NULL};
static const char *const preemption_names[] = {"auto", "recompute", "swap", NULL};
static const char *const data_plane_names[] = {"off", "on", "verify", NULL};
static const char *const dtype_names[] = {"float32", "float16", "bfloat16", NULL};
static const char *const read_names[] = {"gather", "attend", NULL};
static const char *const model_names[] = {"linear", "profile", "compact", "roofline", "recorded", NULL};
static const char *const ramp_names[] = {"linear", "exponential", NULL};

const char *const config_group_names[KEY_GROUPS] = {"", "step_time", "kv"};

_Static_assert((int)POLICY_NAME_SIZE == CONFIG_NAME_SIZE, "a registered name fits into the configuration");

#define AT(member) offsetof(struct config, member)
#define NUMBER(type, name, group, engines, member, least, most, metavar, help)                                                             \
    {                                                                                                                                      \
        name, group, type, engines, AT(member), least, most, NULL, metavar, help, NULL                                                     \
    }
#define NAMED(type, name, group, engines, member, names, help)                                                                             \
    {                                                                                                                                      \
        name, group, type, engines, AT(member), 0, 0, names, "NAME", help, NULL                                                            \
    }
#define POLICY(name, engines, member, kind, help)                                                                                          \
    {                                                                                                                                      \
        name, KEY_TOP, KEY_NAME, engines, AT(member), 0, 0, NULL, "NAME", help, NULL, kind                                                 \
    }

const struct config_key config_keys[] = {
    NAMED(KEY_CHOICE, "scheduler", KEY_TOP, KEY_BOTH, scheduler, scheduler_names, "engine generation"),
    NUMBER(KEY_UINT32, "block_size", KEY_TOP, KEY_BOTH, block_size, 1, TOKENS_MOST, "TOKENS", "tokens in a KV block"),
    {"num_gpu_blocks", KEY_TOP, KEY_UINT32, KEY_BOTH, AT(num_gpu_blocks), 1, BLOCKS_MOST, NULL, "BLOCKS",
     "pool size (V1 counts the null block)", "num-gpu-blocks-override"},
    NUMBER(KEY_UINT32, "num_cpu_blocks", KEY_TOP, KEY_V0_ONLY, num_cpu_blocks, 0, BLOCKS_MOST, "BLOCKS", "swap space"),
    NUMBER(KEY_UINT32, "max_num_seqs", KEY_TOP, KEY_BOTH, max_num_seqs, 1, 1e6, "N", "most requests running at once"),
    NUMBER(KEY_UINT32, "max_num_batched_tokens", KEY_TOP, KEY_BOTH, max_num_batched_tokens, 1, TOKENS_MOST, "TOKENS", "budget of a step"),
    NUMBER(KEY_UINT32, "max_model_len", KEY_TOP, KEY_BOTH, max_model_len, 1, TOKENS_MOST, "TOKENS", "longest prompt plus output"),
    POLICY("scheduling_policy", KEY_BOTH, scheduling_policy, POLICY_SCHEDULING, "order of waiting"),
    POLICY("preemption_victim", KEY_V1_ONLY, preemption_victim, POLICY_VICTIM, "who loses its blocks"),
    POLICY("eviction_policy", KEY_V1_ONLY, eviction_policy, POLICY_EVICTION, "order of evicting cached blocks"),
    NUMBER(KEY_BOOL, "enable_prefix_caching", KEY_TOP, KEY_BOTH, enable_prefix_caching, 0, 1, NULL, "share blocks of equal prefixes"),
    NUMBER(KEY_BOOL, "enable_chunked_prefill", KEY_TOP, KEY_BOTH, enable_chunked_prefill, 0, 1, NULL, "split prompts over steps"),
    NUMBER(KEY_UINT32, "long_prefill_token_threshold", KEY_TOP, KEY_V1_ONLY, long_prefill_token_threshold, 0, TOKENS_MOST, "TOKENS",
           "most prompt tokens of a request in a step; 0 = off"),
    NUMBER(KEY_BOOL, "scheduler_reserve_full_isl", KEY_TOP, KEY_V1_ONLY, scheduler_reserve_full_isl, 0, 1, NULL,
           "admit only what fits whole"),
    NUMBER(KEY_DOUBLE, "watermark", KEY_TOP, KEY_BOTH, watermark, 0, 1, "FRACTION", "share of the pool kept free at admission"),
    NAMED(KEY_CHOICE, "preemption_mode", KEY_TOP, KEY_V0_ONLY, preemption_mode, preemption_names, "what a victim loses"),
    NUMBER(KEY_UINT32, "trace_block_size", KEY_TOP, KEY_BOTH, trace_block_size, 1, TOKENS_MOST, "TOKENS", "tokens named by one hash id"),
    NAMED(KEY_CHOICE, "model", KEY_STEP_TIME, KEY_BOTH, step_time.model, model_names, "how a step is priced"),
    NUMBER(KEY_INT64, "base_ns", KEY_STEP_TIME, KEY_BOTH, step_time.base_ns, 0, NS_MOST, "NS", "linear: cost of a step"),
    NUMBER(KEY_INT64, "token_ns", KEY_STEP_TIME, KEY_BOTH, step_time.token_ns, 0, NS_MOST, "NS", "linear: cost of a scheduled token"),
    NUMBER(KEY_INT64, "kv_ns", KEY_STEP_TIME, KEY_BOTH, step_time.kv_ns, 0, NS_MOST, "NS", "linear: cost of a token of context"),
    NUMBER(KEY_INT64, "swap_ns_per_block", KEY_STEP_TIME, KEY_BOTH, step_time.swap_ns_per_block, 0, NS_MOST, "NS",
           "cost of a swapped block"),
    NUMBER(KEY_INT64, "copy_ns_per_block", KEY_STEP_TIME, KEY_BOTH, step_time.copy_ns_per_block, 0, NS_MOST, "NS",
           "cost of a copied block"),
    {"path", KEY_STEP_TIME, KEY_PATH, KEY_BOTH, AT(step_time.path), 0, 0, NULL, "PATH", "profile: folder; compact, recorded: file", NULL},
    NUMBER(KEY_UINT32, "num_layers", KEY_STEP_TIME, KEY_BOTH, step_time.num_layers, 0, 10000, "N", "profile: layers of the model"),
    NUMBER(KEY_BOOL, "skew_table", KEY_STEP_TIME, KEY_BOTH, step_time.skew_table, 0, 1, NULL, "profile: correct for unequal contexts"),
    NUMBER(KEY_DOUBLE, "skew_default_alpha", KEY_STEP_TIME, KEY_BOTH, step_time.skew_default_alpha, 0, 10, "A",
           "profile: where the table is silent"),
    NUMBER(KEY_UINT32, "hidden_size", KEY_STEP_TIME, KEY_BOTH, step_time.hidden_size, 0, 1e6, "N", "profile: for all-reduces"),
    NUMBER(KEY_UINT32, "allreduces_per_layer", KEY_STEP_TIME, KEY_BOTH, step_time.allreduces_per_layer, 0, 100, "N",
           "profile: all-reduces"),
    NUMBER(KEY_DOUBLE, "allreduce_latency_us", KEY_STEP_TIME, KEY_BOTH, step_time.allreduce_latency_us, 0, 1e6, "US", "profile: of one"),
    NUMBER(KEY_DOUBLE, "allreduce_gb_per_s", KEY_STEP_TIME, KEY_BOTH, step_time.allreduce_gb_per_s, 0, 1e6, "GB/S",
           "profile: its bandwidth"),
    NUMBER(KEY_DOUBLE, "compute_efficiency", KEY_STEP_TIME, KEY_BOTH, step_time.compute_efficiency, 0.01, 1, "SHARE",
           "roofline: share of the peak FLOP/s"),
    NUMBER(KEY_DOUBLE, "bandwidth_efficiency", KEY_STEP_TIME, KEY_BOTH, step_time.bandwidth_efficiency, 0.01, 1, "SHARE",
           "roofline: share of the memory's bandwidth"),
    {"model", KEY_TOP, KEY_TEXT, KEY_BOTH, AT(model), 0, 0, NULL, "NAME", "shape: a name of configs/models or a file", NULL},
    {"gpu", KEY_TOP, KEY_TEXT, KEY_BOTH, AT(gpu), 0, 0, NULL, "NAME", "a name of configs/gpus or a file", NULL},
    NUMBER(KEY_UINT32, "tensor_parallel_size", KEY_TOP, KEY_BOTH, tensor_parallel_size, 1, 1024, "N", "GPUs that share the model"),
    NUMBER(KEY_DOUBLE, "gpu_memory_utilization", KEY_TOP, KEY_BOTH, gpu_memory_utilization, 0.01, 1, "SHARE",
           "of the GPU's memory, for weights, overhead and KV cache"),
    NUMBER(KEY_UINT64, "kv_cache_memory_bytes", KEY_TOP, KEY_BOTH, kv_cache_memory_bytes, 0, 1e18, "BYTES",
           "a GPU's KV cache; 0 = what utilization leaves"),
    NUMBER(KEY_UINT64, "overhead_bytes", KEY_TOP, KEY_BOTH, overhead_bytes, 0, 1e18, "BYTES", "activations, graphs, the rest"),
    NAMED(KEY_CHOICE, "data_plane", KEY_TOP, KEY_BOTH, data_plane, data_plane_names, "really move K/V bytes, and check them"),
    NUMBER(KEY_BOOL, "contiguity", KEY_TOP, KEY_BOTH, contiguity, 0, 1, NULL, "tell how contiguous block tables are (slower)"),
    NUMBER(KEY_UINT32, "num_layers", KEY_KV, KEY_BOTH, kv.num_layers, 1, 1000, "N", "data plane: layers"),
    NUMBER(KEY_UINT32, "num_kv_heads", KEY_KV, KEY_BOTH, kv.num_kv_heads, 1, 1000, "N", "data plane: KV heads"),
    NUMBER(KEY_UINT32, "head_dim", KEY_KV, KEY_BOTH, kv.head_dim, 1, 4096, "N", "data plane: floats of a head"),
    NAMED(KEY_CHOICE, "dtype", KEY_KV, KEY_BOTH, kv.dtype, dtype_names, "data plane: storage type"),
    NAMED(KEY_CHOICE, "read", KEY_KV, KEY_BOTH, kv.read, read_names, "data plane: how K/V are read"),
    NUMBER(KEY_UINT64, "seed", KEY_TOP, KEY_BOTH, seed, 0, 18446744073709549568.0, "N", "of everything that is drawn"),
    NUMBER(KEY_UINT32, "max_concurrency", KEY_TOP, KEY_BOTH, max_concurrency, 0, 1e9, "N",
           "requests in flight at most, the next starts when one ends; 0 = no limit"),
    NUMBER(KEY_DOUBLE, "request_rate", KEY_TOP, KEY_BOTH, request_rate, 1e-6, INFINITY, "R",
           "requests/s instead of the trace's arrivals; inf = all at once"),
    NUMBER(KEY_DOUBLE, "burstiness", KEY_TOP, KEY_BOTH, burstiness, 1e-3, INFINITY, "B",
           "of drawn arrivals: 1 = Poisson, less = bursts, inf = even gaps"),
    NAMED(KEY_NAME, "ramp_up_strategy", KEY_TOP, KEY_BOTH, ramp_up_strategy, ramp_names, "raise the rate from start to end"),
    NUMBER(KEY_DOUBLE, "ramp_up_start_rps", KEY_TOP, KEY_BOTH, ramp_up_start_rps, 1e-6, 1e9, "R", "requests/s at the first request"),
    NUMBER(KEY_DOUBLE, "ramp_up_end_rps", KEY_TOP, KEY_BOTH, ramp_up_end_rps, 1e-6, 1e9, "R", "requests/s at the last one"),
};
const size_t config_key_count = sizeof config_keys / sizeof *config_keys;

void config_defaults(enum scheduler_kind scheduler, struct config *config)
{
    bool v1 = scheduler == SCHEDULER_VLLM_V1;
    *config = (struct config){
        .scheduler = scheduler,
        .block_size = 16,
        .max_num_seqs = v1 ? 128 : 256,
        .max_num_batched_tokens = v1 ? 2048 : 0,
        .max_model_len = v1 ? 131072 : 8192,
        .scheduling_policy = "fcfs",
        .preemption_victim = "vllm",
        .eviction_policy = "vllm",
        .enable_prefix_caching = v1,
        .enable_chunked_prefill = v1,
        .scheduler_reserve_full_isl = true,
        .watermark = v1 ? 0.0 : 0.01,
        .trace_block_size = 512,
        .step_time = {.base_ns = 5000000, .token_ns = 50000, .kv_ns = 20, .compute_efficiency = 0.7, .bandwidth_efficiency = 0.85},
        .tensor_parallel_size = 1,
        .gpu_memory_utilization = 0.9,
        .overhead_bytes = UINT64_C(3) << 29,
        .kv = {.num_layers = 2, .num_kv_heads = 4, .head_dim = 64},
        .request_rate = -1,
        .burstiness = 1.0,
    };
}

void config_option_name(const struct config_key *key, char *out, size_t size)
{
    const char *group = config_group_names[key->group];
    snprintf(out, size, "%s%s%s", group, *group ? "-" : "", key->name);
    for (char *c = out; *c; c++)
        if (*c == '_')
            *c = '-';
}

static const struct config_key *find_spelling(const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        char option[96], file[96];
        const char *group = config_group_names[config_keys[i].group];
        config_option_name(&config_keys[i], option, sizeof option);
        snprintf(file, sizeof file, "%s%s%s", group, *group ? "." : "", config_keys[i].name);
        if (strcmp(name, option) == 0 || strcmp(name, file) == 0 || (config_keys[i].alias && strcmp(name, config_keys[i].alias) == 0))
            return &config_keys[i];
    }
    return NULL;
}

const struct config_key *config_find_option(const char *name, bool *negated)
{
    const struct config_key *key = find_spelling(name);
    *negated = false;
    if (!key && strncmp(name, "no-", 3) == 0) {
        key = find_spelling(name + 3);
        *negated = key && key->type == KEY_BOOL;
        return *negated ? key : NULL;
    }
    return key;
}

/* Members are reached by offset; copies through memcpy keep the types honest. */
static void *member(const struct config_key *key, struct config *config)
{
    return (char *)config + key->offset;
}
static const void *const_member(const struct config_key *key, const struct config *config)
{
    return (const char *)config + key->offset;
}

/* 8192, and as vLLM takes it: 8k = 8000, 25.6k = 25600, 8K = 8192; likewise m, M, g, G, t, T. Binary units take no decimals. */
static bool parse_unsigned(const char *text, double most, uint64_t *out)
{
    static const char decimal[] = "kmgt", binary[] = "KMGT";
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(binary, *end) : NULL;
    if (unit && end[1] == '\0') {
        const int shift = 10 * (int)(unit - binary + 1);
        *out = (uint64_t)value << shift;
        return errno == 0 && *out >> shift == value && (double)*out <= most;
    }
    if (*end != '\0') {
        const double real = strtod(text, &end);
        unit = *end ? strchr(decimal, *end) : NULL;
        if (!unit || end[1] != '\0' || end[-1] == '.' || strspn(text, "0123456789.") != (size_t)(end - text))
            return false;
        const double scaled = real * pow(1000, (double)(unit - decimal + 1));
        *out = scaled <= most && scaled < 0x1p63 ? (uint64_t)scaled : 0;
        return scaled <= most && scaled < 0x1p63;
    }
    *out = value;
    return errno == 0 && (double)value <= most;
}

const char *config_key_choice(const struct config_key *key, uint32_t i)
{
    if (key->choices)
        return key->choices[i];
    const struct pagesim_policy_info *policy = key->type == KEY_NAME ? policy_at(key->policies, i) : NULL;
    return policy ? policy->name : NULL;
}

static bool parse_choice(const struct config_key *key, const char *text, int *out)
{
    const char *name;
    for (uint32_t i = 0; (name = config_key_choice(key, i)) != NULL; i++)
        if (strcmp(name, text) == 0) {
            *out = (int)i;
            return true;
        }
    return false;
}

static bool parse_double(const struct config_key *key, const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    *out = value;
    return end != text && *end == '\0' && value >= key->least && value <= key->most;
}

static bool parse_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

bool config_key_parse(const struct config_key *key, const char *text, struct config *config)
{
    void *at = member(key, config);
    uint64_t whole;
    double real;
    int choice;
    bool truth;
    switch (key->type) {
    case KEY_BOOL:
        return parse_bool(text, &truth) && (memcpy(at, &truth, sizeof truth), true);
    case KEY_UINT32:
        return parse_unsigned(text, key->most, &whole) && (double)whole >= key->least &&
               (memcpy(at, &(uint32_t){(uint32_t)whole}, sizeof(uint32_t)), true);
    case KEY_UINT64:
        return parse_unsigned(text, 18446744073709551616.0, &whole) && (memcpy(at, &whole, sizeof whole), true);
    case KEY_INT64:
        return parse_unsigned(text, key->most, &whole) && (memcpy(at, &(int64_t){(int64_t)whole}, sizeof(int64_t)), true);
    case KEY_DOUBLE:
        return parse_double(key, text, &real) && (memcpy(at, &real, sizeof real), true);
    case KEY_CHOICE: /* every enum of struct config is an int-sized one */
        return parse_choice(key, text, &choice) && (memcpy(at, &choice, sizeof choice), true);
    case KEY_NAME:
        return parse_choice(key, text, &choice) && (snprintf(at, CONFIG_NAME_SIZE, "%s", text), true);
    case KEY_PATH:
    case KEY_TEXT:
        return strlen(text) < CONFIG_PATH_SIZE && (snprintf(at, CONFIG_PATH_SIZE, "%s", text), true);
    }
    return false;
}

static void list_choices(const struct config_key *key, char *out, size_t size)
{
    size_t used = 0;
    const char *name;
    out[0] = '\0';
    for (uint32_t i = 0; (name = config_key_choice(key, i)) != NULL; i++) {
        const char *joint = i == 0 ? "" : config_key_choice(key, i + 1) ? ", " : " or ";
        int added = snprintf(out + used, size - used, "%s\"%s\"", joint, name);
        used = added < 0 || used + (size_t)added >= size ? size - 1 : used + (size_t)added;
    }
}

void config_key_wants(const struct config_key *key, char *out, size_t size)
{
    switch (key->type) {
    case KEY_BOOL:
        snprintf(out, size, "true or false");
        break;
    case KEY_UINT32:
    case KEY_INT64:
        snprintf(out, size, "an integer from %.0f to %.0f", key->least, key->most);
        break;
    case KEY_UINT64:
        snprintf(out, size, "an integer from 0 to 18446744073709551615");
        break;
    case KEY_DOUBLE:
        snprintf(out, size, "a number from %g to %g", key->least, key->most);
        break;
    case KEY_CHOICE:
    case KEY_NAME:
        list_choices(key, out, size);
        break;
    case KEY_PATH:
        snprintf(out, size, "a path of less than %d bytes", CONFIG_PATH_SIZE);
        break;
    case KEY_TEXT:
        snprintf(out, size, "a name or a path of less than %d bytes", CONFIG_PATH_SIZE);
        break;
    }
}

bool config_key_equal(const struct config_key *key, const struct config *a, const struct config *b)
{
    const void *left = const_member(key, a), *right = const_member(key, b);
    switch (key->type) {
    case KEY_BOOL:
        return memcmp(left, right, sizeof(bool)) == 0;
    case KEY_UINT32:
    case KEY_CHOICE:
        return memcmp(left, right, sizeof(uint32_t)) == 0;
    case KEY_UINT64:
    case KEY_INT64:
    case KEY_DOUBLE:
        return memcmp(left, right, sizeof(uint64_t)) == 0;
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        return strcmp(left, right) == 0;
    }
    return false;
}

void config_key_write(const struct config_key *key, const struct config *config, struct json_text *json)
{
    const void *at = const_member(key, config);
    uint32_t narrow;
    uint64_t wide;
    int64_t whole;
    double real;
    int choice;
    switch (key->type) {
    case KEY_BOOL:
        json_bool(json, *(const bool *)at);
        break;
    case KEY_UINT32:
        memcpy(&narrow, at, sizeof narrow);
        json_uint(json, narrow);
        break;
    case KEY_UINT64:
        memcpy(&wide, at, sizeof wide);
        json_uint(json, wide);
        break;
    case KEY_INT64:
        memcpy(&whole, at, sizeof whole);
        json_int(json, whole);
        break;
    case KEY_DOUBLE:
        memcpy(&real, at, sizeof real);
        if (isinf(real)) /* JSON has no such number */
            json_string(json, "inf");
        else
            json_double(json, real);
        break;
    case KEY_CHOICE:
        memcpy(&choice, at, sizeof choice);
        json_string(json, key->choices[choice]);
        break;
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        json_string(json, at);
        break;
    }
}

bool config_key_absent(const struct config_key *key, const struct config *config)
{
    const void *at = const_member(key, config);
    uint32_t narrow;
    double real;
    switch (key->type) {
    case KEY_UINT32:
        memcpy(&narrow, at, sizeof narrow);
        return narrow < key->least;
    case KEY_DOUBLE:
        memcpy(&real, at, sizeof real);
        return real < key->least;
    case KEY_NAME:
        return *(const char *)at == '\0';
    default:
        return false;
    }
}

/* step_time keys of other models are left out: the reader would refuse them. */
static bool belongs_to_model(const struct config_key *key, enum step_time_kind model)
{
    static const char *const linear[] = {"base_ns", "token_ns", "kv_ns"};
    bool of_linear = false;
    for (size_t i = 0; i < sizeof linear / sizeof *linear; i++)
        of_linear |= strcmp(key->name, linear[i]) == 0;
    bool of_all = strcmp(key->name, "model") == 0 || strstr(key->name, "_per_block") != NULL;
    return of_all || (model == STEP_TIME_LINEAR ? of_linear : !of_linear);
}

/* Keys of the other engine hold their defaults and say nothing. */
static bool worth_writing(const struct config_key *key, const struct config *config)
{
    if (key->group == KEY_STEP_TIME)
        return belongs_to_model(key, config->step_time.model);
    if (config_key_absent(key, config))
        return false;
    return key->engines == KEY_BOTH || (key->engines == KEY_V1_ONLY) == (config->scheduler == SCHEDULER_VLLM_V1);
}

void config_write(const struct config *config, struct json_text *json)
{
    json_open_object(json);
    for (int group = KEY_TOP; group < KEY_GROUPS; group++) {
        if (group != KEY_TOP) {
            json_key(json, config_group_names[group]);
            json_open_object(json);
        }
        for (size_t i = 0; i < config_key_count; i++) {
            if ((int)config_keys[i].group != group || !worth_writing(&config_keys[i], config))
                continue;
            json_key(json, config_keys[i].name);
            config_key_write(&config_keys[i], config, json);
        }
        if (group != KEY_TOP)
            json_close_object(json);
    }
    json_close_object(json);
}
