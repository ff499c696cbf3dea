/* config_keys.c - the table of configuration keys, and how a key's value is read, written, compared and described by its row alone. Read
 * the table first; struct config_key in config_keys.h says what the columns mean.
 *
 *     row { name, type, range, defaults, offset }  ->  parse (file, option)  ->  member of struct config  ->  write (reports, config show)
 *                                                  ->  wants (errors, --help)
 *
 * Below the table no key is named but two on which others depend, the engine and the step-time model. A new key needs its row and, if it
 * excludes other keys, a rule in config_check. */
#include "config/config_keys.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* Bounds that several rows share, beyond what any server has. The sum of two numbers of tokens still fits 32 bits; the largest block number
 * means that there is no block. */
#define BLOCKS_MOST (UINT32_MAX - 1)
#define TOKENS_MOST 1000000000
#define NS_MOST     1000000000000000 /* 11 days */
#define BYTES_MOST  1000000000000000000

/* Names in the order of the enums of config.h, NULL at the end. */
static const char *const scheduler_names[] = {"vllm-v1", "vllm-v0", NULL};
static const char *const preemption_names[] = {"auto", "recompute", "swap", NULL};
static const char *const data_plane_names[] = {"off", "on", "verify", NULL};
static const char *const dtype_names[] = {"float32", "float16", "bfloat16", NULL};
static const char *const cache_dtype_names[] = {"auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", NULL};
static const char *const read_names[] = {"gather", "attend", NULL};
static const char *const model_names[] = {"linear", "profile", "compact", "roofline", "recorded", NULL};
static const char *const role_names[] = {"", "kv_producer", "kv_consumer", NULL};
static const char *const finish_names[] = {"length", "stop", NULL};
static const char *const generator_names[] = {"numpy", "numpy-unscaled", NULL};
static const char *const ramp_names[] = {"linear", "exponential", NULL};

/* The empty name is the top level of the file. */
const char *const config_group_names[KEY_GROUPS] = {"", "step_time", "kv"};

_Static_assert((int)POLICY_NAME_SIZE == CONFIG_NAME_SIZE, "a registered name fits into the configuration");

/* A row is written with these: where the key stands, what it takes, its default, help. The names of members are the names of keys. */
#define TOP(member) .name = #member, .group = KEY_TOP, .offset = offsetof(struct config, member)
#define STEP_TIME(member, known_by)                                                                                                        \
    .name = #member, .group = KEY_STEP_TIME, .offset = offsetof(struct config, step_time.member), .models = known_by
#define FLEET(member)                      .name = #member, .group = KEY_TOP, .offset = offsetof(struct config, fleet.member)
#define KV(member)                         .name = #member, .group = KEY_KV, .offset = offsetof(struct config, kv.member)
#define WHOLE(kind, lowest, highest, unit) .type = KEY_##kind, .range.whole = {lowest, highest}, .metavar = unit
#define REAL(lowest, highest, unit)        .type = KEY_DOUBLE, .range.real = {lowest, highest}, .metavar = unit
#define SWITCH                             .type = KEY_BOOL
#define JSON(functions)                    .type = KEY_JSON, .value = &(functions), .metavar = "JSON"
#define CHOICE(names)                      .type = KEY_CHOICE, .choices = (names), .metavar = "NAME"
#define NAME(names)                        .type = KEY_NAME, .choices = (names), .metavar = "NAME"
#define POLICY(kind)                       .type = KEY_NAME, .policies = (kind), .metavar = "NAME"
#define DEFAULT(value)                     .defaults = {value, value}
#define DEFAULTS(v1, v0)                   .defaults = {v1, v0}
#define DEFAULT_NAME(text)                 .default_name = text
#define READ_BY(...)                                                                                                                       \
    .readers = (const char *const[])                                                                                                       \
    {                                                                                                                                      \
        __VA_ARGS__, NULL                                                                                                                  \
    }
#define SLO(class)   .name = "slo_ttft_ms_" #class, .group = KEY_TOP, .offset = offsetof(struct config, slo_ttft_ms[class])
#define SERVES(text) text "; with gpu as vllm serve has it (V1)"
#define ABSENT       DEFAULT(-1) /* below the range of every number that may be left out */

/* What is said about layers and drafts means nothing without them. */
static bool has_layers(const struct config *config)
{
    return config->kv_cache_groups_count > 0;
}

static bool has_drafts(const struct config *config)
{
    return config->speculative.method != SPECULATIVE_NONE;
}

/* What is said about a fleet means nothing with one server. */
static bool has_fleet(const struct config *config)
{
    return config_has_fleet(config);
}

static bool has_ranks(const struct config *config)
{
    return config->fleet.data_parallel_size > 1;
}

static bool has_split(const struct config *config)
{
    return config_has_fleet(config) && config->fleet.prefill_replicas > 0;
}

static bool has_price(const struct config *config)
{
    return config->fleet.gpu_hour_price > 0;
}

static bool has_role(const struct config *config)
{
    return config->kv_role != KV_ROLE_NONE;
}

static bool has_offloading(const struct config *config)
{
    return config->kv_offloading_size > 0;
}

/* Which step-time models read a key. Keys that the chosen model does not read are accepted, but not written as effective ones. */
enum {
    LINEAR = 1 << STEP_TIME_LINEAR,
    PROFILE = 1 << STEP_TIME_PROFILE,
    COMPACT = 1 << STEP_TIME_COMPACT,
    ROOFLINE = 1 << STEP_TIME_ROOFLINE,
    RECORDED = 1 << STEP_TIME_RECORDED,
    COMPUTED = LINEAR | PROFILE | COMPACT | ROOFLINE,
    ALL_MODELS = COMPUTED | RECORDED,
};

const struct config_key config_keys[] = {
    /* The engine, its pool and what a step may schedule. */
    {TOP(scheduler), CHOICE(scheduler_names), DEFAULTS(SCHEDULER_VLLM_V1, SCHEDULER_VLLM_V0), .help = "engine generation"},
    {TOP(block_size), WHOLE(UINT32, 1, TOKENS_MOST, "TOKENS"), DEFAULT(16), .help = "tokens in a KV block"},
    /* Its default lies below its range, which is what "not given" looks like (config_key_absent): an error, unless sizing.c fills it in. */
    {TOP(num_gpu_blocks), WHOLE(UINT32, 1, BLOCKS_MOST, "BLOCKS"), DEFAULT(0), .default_note = "required",
     .help = "pool size (V1 counts the null block)", .alias = "num-gpu-blocks-override"},
    {TOP(num_cpu_blocks), WHOLE(UINT32, 0, BLOCKS_MOST, "BLOCKS"), DEFAULT(0), .engines = KEY_V0_ONLY, .help = "swap space"},
    {TOP(max_num_seqs), WHOLE(UINT32, 1, 1000000, "N"), DEFAULTS(128, 256), .default_note = SERVES("128; V0: 256"),
     .help = "most requests running at once"},
    {TOP(max_num_batched_tokens), WHOLE(UINT32, 1, TOKENS_MOST, "TOKENS"), DEFAULTS(2048, 0),
     /* 0 for V0: config_check puts in what depends on two other keys. */
     .default_note = SERVES("2048; V0: 512 chunked, else max(max-model-len, 2048)"), .help = "budget of a step"},
    {TOP(max_model_len), WHOLE(UINT32, 1, TOKENS_MOST, "TOKENS"), DEFAULTS(131072, 8192),
     .default_note = "131072; with gpu the model's; V0: 8192", .help = "longest prompt plus output"},
    /* Choices of order; vllm-v0 knows fcfs alone, which config_check says. */
    {TOP(scheduling_policy), POLICY(POLICY_SCHEDULING), DEFAULT_NAME("fcfs"), .help = "order of waiting"},
    {TOP(preemption_victim), POLICY(POLICY_VICTIM), DEFAULT_NAME("vllm"), .engines = KEY_V1_ONLY, .help = "who loses its blocks"},
    {TOP(eviction_policy), POLICY(POLICY_EVICTION), DEFAULT_NAME("vllm"), .engines = KEY_V1_ONLY,
     .help = "order of evicting cached blocks"},
    {SLO(0), REAL(0, 1e9, "MS"), DEFAULT(500), .engines = KEY_V1_ONLY, READ_BY("edf"),
     .help = "edf: first token due after so long, at priority 0 and below"},
    {SLO(1), REAL(0, 1e9, "MS"), DEFAULT(2000), .engines = KEY_V1_ONLY, READ_BY("edf"), .help = "edf: at priority 1"},
    {SLO(2), REAL(0, 1e9, "MS"), DEFAULT(10000), .engines = KEY_V1_ONLY, READ_BY("edf"), .help = "edf: at priority 2 and above"},
    {TOP(fair_input_weight), REAL(0, 1000, "W"), DEFAULT(1), .engines = KEY_V1_ONLY, READ_BY("vtc"),
     .help = "vtc: service that a prompt token counts as"},
    {TOP(fair_output_weight), REAL(0, 1000, "W"), DEFAULT(2), .engines = KEY_V1_ONLY, READ_BY("vtc"), .help = "vtc: an output token"},
    {TOP(length_prediction_sigma), REAL(0, 10, "SIGMA"), DEFAULT(0), .engines = KEY_V1_ONLY,
     READ_BY("sjf-oracle", "srpt", "lowest-progress"), .help = "oracles see output lengths times a lognormal error; 0 = exact"},
    {TOP(tail_tokens), WHOLE(UINT32, 0, TOKENS_MOST, "TOKENS"), DEFAULT(2048), .engines = KEY_V1_ONLY, READ_BY("tail-lru"),
     .help = "tail-lru: so many may be computed in time at the next turn"},
    {TOP(tail_next_tokens), WHOLE(UINT32, 0, TOKENS_MOST, "TOKENS"), DEFAULT(256), .engines = KEY_V1_ONLY, READ_BY("tail-lru"),
     .help = "tail-lru: new ones that the next turn is expected to bring"},
    {TOP(reuse_window_s), REAL(0.001, 1e9, "S"), DEFAULT(60), .engines = KEY_V1_ONLY, READ_BY("workload-aware"),
     .help = "workload-aware: reuse counts within so long"},
    /* How vLLM shares, splits and admits. */
    {TOP(enable_prefix_caching), SWITCH, DEFAULTS(true, false), .help = "share blocks of equal prefixes"},
    {TOP(enable_chunked_prefill), SWITCH, DEFAULTS(true, false), .help = "split prompts over steps"},
    {TOP(long_prefill_token_threshold), WHOLE(UINT32, 0, TOKENS_MOST, "TOKENS"), DEFAULT(0), .engines = KEY_V1_ONLY,
     .help = "most prompt tokens of a request in a step; 0 = off"},
    {TOP(long_prefill_token_threshold_adaptive), SWITCH, DEFAULT(false), .engines = KEY_V1_ONLY,
     .help = "raise that threshold to an equal share of the budget for all"},
    {TOP(max_num_active_seqs), WHOLE(UINT32, 0, 1000000, "N"), DEFAULT(0), .engines = KEY_V1_ONLY,
     .help = "admit none beyond so many that run; 0 = max-num-seqs"},
    {TOP(max_num_scheduled_tokens), WHOLE(UINT32, 0, TOKENS_MOST, "TOKENS"), DEFAULT(0), .engines = KEY_V1_ONLY,
     .help = "budget of a step, below that of its buffers; 0 = max-num-batched-tokens"},
    {TOP(prefill_schedule_interval), WHOLE(UINT32, 1, 1000000, "STEPS"), DEFAULT(1), .engines = KEY_V1_ONLY,
     .help = "accepted; as in vLLM without effect on a single replica"},
    {TOP(scheduler_reserve_full_isl), SWITCH, DEFAULT(true), .engines = KEY_V1_ONLY, .help = "admit only what fits whole"},
    {TOP(watermark), REAL(0, 1, "FRACTION"), DEFAULTS(0, 0.01), .help = "share of the pool kept free at admission"},
    {TOP(async_scheduling), SWITCH, DEFAULTS(true, false), .engines = KEY_V1_ONLY, .help = "decide a step while the last one runs"},
    {TOP(finish_reason), CHOICE(finish_names), DEFAULT(FINISH_LENGTH), .engines = KEY_V1_ONLY,
     .help = "what ends a request: its max_tokens, foreseen, or a stop token; a trace row may say it"},
    {TOP(max_num_queued_reqs), WHOLE(UINT32, 0, 1000000000, "N"), DEFAULT(0), .engines = KEY_V1_ONLY,
     .help = "reject requests beyond so many that wait or run; 0 = off"},
    {TOP(max_num_queued_tokens), WHOLE(UINT32, 0, TOKENS_MOST, "TOKENS"), DEFAULT(0), .engines = KEY_V1_ONLY,
     .help = "reject requests while so many prompt tokens wait for a first token; 0 = off"},
    {TOP(preemption_mode), CHOICE(preemption_names), DEFAULT(PREEMPTION_AUTO), .engines = KEY_V0_ONLY, .help = "what a victim loses"},
    {TOP(trace_block_size), WHOLE(UINT32, 1, TOKENS_MOST, "TOKENS"), DEFAULT(512), .help = "tokens named by one hash id"},
    /* What layers remember, and tokens that are drafted ahead. */
    {TOP(kv_cache_groups), JSON(config_layers), .engines = KEY_V1_ONLY, .help = "kinds of layers in the model's order; null: all are full"},
    {TOP(prefix_cache_retention_interval), WHOLE(INT64, 0, TOKENS_MOST, "TOKENS"), .nullable = true, DEFAULT(0), .engines = KEY_V1_ONLY,
     .heeded = has_layers, .help = "sliding windows: keep the ends of prompts and every so many tokens, or all (null)"},
    {TOP(disable_hybrid_kv_cache_manager), SWITCH, DEFAULT(false), .engines = KEY_V1_ONLY, .heeded = has_layers,
     .help = "treat all layers as full ones"},
    {.name = "speculative_config",
     .group = KEY_TOP,
     .offset = offsetof(struct config, speculative),
     JSON(config_speculative),
     .engines = KEY_V1_ONLY,
     .help = "vLLM's: method, num_speculative_tokens, synthetic_acceptance_rates, ..."},
    {.name = "acceptance_seed",
     .group = KEY_TOP,
     .offset = offsetof(struct config, speculative.acceptance_seed),
     WHOLE(UINT64, 0, UINT64_MAX, "N"),
     DEFAULT(0),
     .engines = KEY_V1_ONLY,
     .heeded = has_drafts,
     .help = "which drafts are right"},
    /* K and V that come from elsewhere. */
    {TOP(kv_role), CHOICE(role_names), DEFAULT(KV_ROLE_NONE), .default_note = "none", .engines = KEY_V1_ONLY, .heeded = has_role,
     .help = "vLLM's, of split servers: a kv_consumer gets its prompts computed by others"},
    {TOP(kv_offloading_size), REAL(0, 1e6, "GIB"), DEFAULT(0), .engines = KEY_V1_ONLY,
     .help = "host memory of all GPUs for K and V that prefixes hit after the pool; 0 = off"},
    {TOP(kv_offloading_gb_per_s), REAL(0.001, INFINITY, "GB/S"), DEFAULT(25), .engines = KEY_V1_ONLY, .heeded = has_offloading,
     .help = "between a GPU and the host, in each direction"},
    {TOP(kv_offloading_latency_us), REAL(0, 1e6, "US"), DEFAULT(0), .engines = KEY_V1_ONLY, .heeded = has_offloading,
     .help = "of a transfer, on top of its bytes"},
    /* The clock: which model prices steps, and its numbers. */
    {STEP_TIME(model, ALL_MODELS), CHOICE(model_names), DEFAULT(STEP_TIME_UNSAID), .default_note = "linear; roofline with model and gpu",
     .help = "how a step is priced"},
    {STEP_TIME(base_ns, COMPUTED), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(5000000),
     .help = "linear: cost of a step; profile, compact, roofline: of an idle one"},
    {STEP_TIME(token_ns, LINEAR), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(50000), .help = "linear: cost of a scheduled token"},
    {STEP_TIME(kv_ns, LINEAR), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(20), .help = "linear: cost of a token of context"},
    {STEP_TIME(swap_ns_per_block, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0), .help = "cost of a swapped block"},
    {STEP_TIME(copy_ns_per_block, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0), .help = "cost of a copied block"},
    {STEP_TIME(host_ns, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0), .help = "the host's work for a step"},
    {STEP_TIME(host_ns_per_sequence, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0), .help = "and for each sequence in it"},
    {STEP_TIME(draft_ns, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0), .engines = KEY_V1_ONLY, .heeded = has_drafts,
     .help = "a pass of the drafter; 0 is no prediction"},
    {STEP_TIME(draft_ns_per_token, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0), .engines = KEY_V1_ONLY, .heeded = has_drafts,
     .help = "and for each token that it drafts"},
    {STEP_TIME(path, PROFILE | COMPACT | RECORDED), .type = KEY_PATH, DEFAULT_NAME(""), .metavar = "PATH",
     .help = "profile: folder; compact, recorded: file"},
    {STEP_TIME(num_layers, PROFILE), WHOLE(UINT32, 0, 10000, "N"), DEFAULT(0), .help = "profile: layers of the model"},
    {STEP_TIME(skew_table, PROFILE), SWITCH, DEFAULT(false), .path = offsetof(struct config, step_time.skew_path),
     .help = "profile: correct for unequal contexts, by the folder's skew_fit.csv or =FILE"},
    {STEP_TIME(skew_default_alpha, PROFILE), REAL(0, 10, "A"), DEFAULT(0), .help = "profile: where the table is silent"},
    {STEP_TIME(hidden_size, PROFILE), WHOLE(UINT32, 0, 1000000, "N"), DEFAULT(0), .help = "profile: for all-reduces"},
    {STEP_TIME(allreduces_per_layer, PROFILE), WHOLE(UINT32, 0, 100, "N"), DEFAULT(0), .help = "profile: all-reduces"},
    {STEP_TIME(allreduce_latency_us, PROFILE), REAL(0, 1e6, "US"), DEFAULT(0), .help = "profile: of one"},
    {STEP_TIME(allreduce_gb_per_s, PROFILE), REAL(0, 1e6, "GB/S"), DEFAULT(0), .help = "profile: its bandwidth"},
    {STEP_TIME(compute_efficiency, ROOFLINE), REAL(0.01, 1, "SHARE"), DEFAULT(0.7), .help = "roofline: share of the peak FLOP/s"},
    {STEP_TIME(bandwidth_efficiency, ROOFLINE), REAL(0.01, 1, "SHARE"), DEFAULT(0.85), .help = "roofline: share of the memory's bandwidth"},
    {STEP_TIME(layer_us, ROOFLINE), REAL(0, 1e6, "US"), DEFAULT(0), .help = "roofline: launches and all-reduces of a layer"},
    {STEP_TIME(prompt_layer_us, ROOFLINE), REAL(0, 1e6, "US"), DEFAULT(0), .help = "roofline: more of them in a step with a prompt"},
    /* The pool's size from a model and a GPU (sizing.h), for when num_gpu_blocks is not given. */
    {TOP(model), .type = KEY_TEXT, DEFAULT_NAME(""), .metavar = "NAME", .help = "shape: a name of configs/models or a file"},
    {TOP(gpu), .type = KEY_TEXT, DEFAULT_NAME(""), .metavar = "NAME", .help = "a name of configs/gpus or a file"},
    {TOP(tensor_parallel_size), WHOLE(UINT32, 1, 1024, "N"), DEFAULT(1), .help = "GPUs that share the model"},
    {TOP(gpu_memory_utilization), REAL(0.01, 1, "SHARE"), DEFAULT(0.92), .help = "of the GPU's memory, for weights, overhead and KV cache"},
    {TOP(kv_cache_memory_bytes), WHOLE(UINT64, 0, BYTES_MOST, "BYTES"), DEFAULT(0),
     .help = "a GPU's KV cache; 0 = what utilization leaves"},
    {TOP(kv_cache_dtype), CHOICE(cache_dtype_names), DEFAULT(CACHE_AUTO), .help = "of the pool's K and V; auto = as the model's file says"},
    {TOP(overhead_bytes), WHOLE(UINT64, 0, BYTES_MOST, "BYTES"), DEFAULT(0),
     .help = "what a GPU has for activations and the rest; 0 = by rule"},
    {TOP(flashinfer_sampler), SWITCH, DEFAULT(false), .help = "vLLM samples with FlashInfer, for which the rule counts less"},
    /* Work on real bytes, and how they are laid out. */
    {TOP(data_plane), CHOICE(data_plane_names), DEFAULT(DATA_PLANE_OFF), .help = "really move K/V bytes, and check them"},
    {TOP(contiguity), SWITCH, DEFAULT(false), .help = "tell how contiguous block tables are (slower)"},
    {KV(num_layers), WHOLE(UINT32, 1, 1000, "N"), DEFAULT(2), .help = "data plane: layers"},
    {KV(num_kv_heads), WHOLE(UINT32, 1, 1000, "N"), DEFAULT(4), .help = "data plane: KV heads"},
    {KV(head_dim), WHOLE(UINT32, 1, 4096, "N"), DEFAULT(64), .help = "data plane: floats of a head"},
    {KV(dtype), CHOICE(dtype_names), DEFAULT(KV_DTYPE_FLOAT32), .help = "data plane: storage type"},
    {KV(read), CHOICE(read_names), DEFAULT(KV_READ_GATHER), .help = "data plane: how K/V are read"},
    /* Several servers behind a router (fleet/). */
    {FLEET(replicas), WHOLE(UINT32, 1, 10000, "N"), DEFAULT(1), .heeded = has_fleet, .help = "servers behind a router, each as configured"},
    {FLEET(data_parallel_size), WHOLE(UINT32, 1, 10000, "N"), DEFAULT(1), .heeded = has_ranks,
     .help = "vLLM's: engines of one server; as replicas, behind vLLM's own balance"},
    {.name = "replica_kinds",
     .group = KEY_TOP,
     .offset = offsetof(struct config, fleet.kinds),
     JSON(config_replica_kinds),
     .heeded = has_fleet,
     .help = "servers that differ: [{\"count\":2,\"gpu\":\"L40S\"}, ...]"},
    {FLEET(router), POLICY(POLICY_ROUTER), DEFAULT_NAME("round-robin"), .heeded = has_fleet, .help = "which of them gets a request"},
    {FLEET(router_delay_ms), REAL(0, 1e6, "MS"), DEFAULT(0), .heeded = has_fleet, .help = "from the router to a server"},
    {FLEET(router_view_ms), REAL(0, 1e6, "MS"), ABSENT, .heeded = has_fleet, .default_note = "the router's usual one",
     .help = "the servers report so often what waits and what is used"},
    {FLEET(router_prefix_match), REAL(0, 1, "SHARE"), DEFAULT(0.3), .heeded = has_fleet, READ_BY("prefix-aware"),
     .help = "prefix-aware: the least share of a prompt that counts"},
    {FLEET(router_balance_requests), WHOLE(UINT32, 0, 1000000000, "N"), DEFAULT(64), .heeded = has_fleet, READ_BY("prefix-aware"),
     .help = "prefix-aware: loads that differ by more than this"},
    {FLEET(router_balance_ratio), REAL(0, 1e6, "R"), DEFAULT(1.5), .heeded = has_fleet, READ_BY("prefix-aware"),
     .help = "prefix-aware: and by more than this factor are evened out"},
    {FLEET(router_index_blocks), WHOLE(UINT32, 0, BLOCKS_MOST, "BLOCKS"), DEFAULT(0), .heeded = has_fleet, READ_BY("prefix-aware"),
     .help = "prefix-aware: remembered of a server; 0 = its pool"},
    {FLEET(prefill_replicas), WHOLE(UINT32, 0, 10000, "N"), DEFAULT(0), .heeded = has_fleet, .engines = KEY_V1_ONLY,
     .help = "of the servers only compute prompts, for the others; 0 = none"},
    {FLEET(kv_transfer_gb_per_s), REAL(1e-6, 1e9, "GB/S"), DEFAULT(25), .heeded = has_split, .engines = KEY_V1_ONLY,
     .help = "at which a server of prompts hands K/V over"},
    {FLEET(kv_transfer_ms), REAL(0, 1e6, "MS"), DEFAULT(0), .heeded = has_split, .engines = KEY_V1_ONLY, .help = "and before it begins"},
    {.name = "autoscale",
     .group = KEY_TOP,
     .offset = offsetof(struct config, fleet.autoscale),
     JSON(config_autoscale),
     .heeded = has_fleet,
     .help = "servers come and go: {\"max\":8,\"utilization\":0.7} or {\"schedule\":...}"},
    {.name = "replica_failures",
     .group = KEY_TOP,
     .offset = offsetof(struct config, fleet.failures),
     JSON(config_failures),
     .heeded = has_fleet,
     .help = "servers that fail: [{\"at_s\":60,\"replica\":0,\"down_s\":30}, ...]"},
    {FLEET(gpu_hour_price), REAL(0, 1e6, "PRICE"), DEFAULT(0), .heeded = has_price, .help = "of a GPU, for costs"},
    /* The load: arrivals and concurrency in place of the trace's own, which the defaults keep. */
    {TOP(seed), WHOLE(UINT64, 0, UINT64_MAX, "N"), DEFAULT(0), .help = "of everything that is drawn"},
    {TOP(max_concurrency), WHOLE(UINT32, 0, 1000000000, "N"), DEFAULT(0),
     .help = "requests in flight at most, the next starts when one ends; 0 = no limit"},
    {TOP(arrival_speedup_ratio), REAL(1e-6, 1e6, "R"), DEFAULT(1), .help = "divide the trace's arrival times by this"},
    {TOP(request_rate), REAL(1e-6, INFINITY, "R"), ABSENT, .help = "requests/s instead of the trace's arrivals; inf = all at once"},
    {TOP(burstiness), REAL(1e-3, INFINITY, "B"), DEFAULT(1), .help = "of drawn arrivals: 1 = Poisson, less = bursts, inf = even gaps"},
    {TOP(ramp_up_strategy), NAME(ramp_names), DEFAULT_NAME(""), .help = "raise the rate from start to end"},
    {TOP(ramp_up_start_rps), REAL(1e-6, 1e9, "R"), DEFAULT(0), .help = "requests/s at the first request"},
    {TOP(ramp_up_end_rps), REAL(1e-6, 1e9, "R"), DEFAULT(0), .help = "requests/s at the last one"},
    {TOP(arrival_generator), NAME(generator_names), DEFAULT_NAME(""), .help = "draw arrivals as vLLM's client does, by its numbers"},
};
const size_t config_key_count = sizeof config_keys / sizeof *config_keys;
_Static_assert(sizeof config_keys / sizeof *config_keys <= 8 * sizeof(config_key_bits), "config.given has a bit a key");

/* --- members of struct config ------------------------------------------------------------------------------------------------------ */

/* Members are reached by offset. Values are copied with memcpy: a member read through a pointer of another type would break the aliasing
 * rules, and a row says only at run time which type its member has. */
static void *member(const struct config_key *key, struct config *config)
{
    return (char *)config + key->offset;
}

static const void *const_member(const struct config_key *key, const struct config *config)
{
    return (const char *)config + key->offset;
}

/* Kept as a string in struct config; all other keys are numbers there. */
static bool is_text(const struct config_key *key)
{
    return key->type == KEY_NAME || key->type == KEY_PATH || key->type == KEY_TEXT;
}

/* Names are short because they are a program's own; paths and names of files are a user's. */
static size_t text_size(const struct config_key *key)
{
    return key->type == KEY_NAME ? CONFIG_NAME_SIZE : CONFIG_PATH_SIZE;
}

/* The path that a switch may be given as. */
static char *path_of(const struct config_key *key, struct config *config)
{
    return (char *)config + key->path;
}

static const char *const_path_of(const struct config_key *key, const struct config *config)
{
    return key->path ? (const char *)config + key->path : "";
}

/* Everything that is a whole number in memory, whatever its width. The range of the row has been checked. */
static void put_whole(const struct config_key *key, uint64_t value, struct config *config)
{
    void *at = member(key, config);
    const bool truth = value != 0;
    const uint32_t narrow = (uint32_t)value;
    const int choice = (int)value;
    if (key->type == KEY_BOOL)
        memcpy(at, &truth, sizeof truth);
    else if (key->type == KEY_UINT32)
        memcpy(at, &narrow, sizeof narrow);
    else if (key->type == KEY_CHOICE) /* every enum of struct config is as large as an int */
        memcpy(at, &choice, sizeof choice);
    else /* the range keeps an int64_t positive */
        memcpy(at, &value, sizeof value);
}

static void put_real(const struct config_key *key, double value, struct config *config)
{
    memcpy(member(key, config), &value, sizeof value);
}

static void put_text(const struct config_key *key, const char *text, struct config *config)
{
    snprintf(member(key, config), text_size(key), "%s", text);
}

/* The bits of the member as a whole number; those of a double, too, which is enough to compare two. */
static uint64_t whole_of(const struct config_key *key, const struct config *config)
{
    const void *at = const_member(key, config);
    uint32_t narrow;
    uint64_t wide;
    bool truth;
    if (key->type == KEY_BOOL)
        return memcpy(&truth, at, sizeof truth), truth;
    if (key->type == KEY_UINT32 || key->type == KEY_CHOICE)
        return memcpy(&narrow, at, sizeof narrow), narrow;
    return memcpy(&wide, at, sizeof wide), wide;
}

static double real_of(const struct config_key *key, const struct config *config)
{
    double real;
    memcpy(&real, const_member(key, config), sizeof real);
    return real;
}

/* From the table alone: a key without a default in its row starts at 0. All defaults are doubles, which hold the whole ones exactly as they
 * are far below 2^53. */
void config_defaults(enum scheduler_kind scheduler, struct config *config)
{
    *config = (struct config){0};
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const double number = key->defaults[scheduler == SCHEDULER_VLLM_V0];
        if (is_text(key))
            put_text(key, key->default_name, config);
        else if (key->type == KEY_DOUBLE)
            put_real(key, number, config);
        else if (key->type != KEY_JSON)
            put_whole(key, (uint64_t)number, config);
    }
}

/* --- spellings --------------------------------------------------------------------------------------------------------------------- */

/* vLLM's spelling: words joined by dashes, the group in front. */
void config_option_name(const struct config_key *key, char *out, size_t size)
{
    const char *group = config_group_names[key->group];
    snprintf(out, size, "%s%s%s", group, *group ? "-" : "", key->name);
    for (char *c = out; *c; c++)
        if (*c == '_')
            *c = '-';
}

/* Options and the file's spelling are both taken, so that "step_time.base_ns" works in --vary as it stands in the file. */
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

/* --no-NAME is a switch's negation; for other keys it is no option at all. */
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

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

/* Both ends are allowed. */
static bool in_range(const struct config_key *key, uint64_t value)
{
    return value >= key->range.whole.least && value <= key->range.whole.most;
}

/* null, as JSON has it and as vLLM's options do. */
static bool is_null(const char *text)
{
    return strcmp(text, "null") == 0 || strcmp(text, "None") == 0;
}

/* 8192, and as vLLM takes it: 8k = 8000, 25.6k = 25600, 8K = 8192; likewise m, M, g, G, t, T. Binary units take no decimals. */
static bool parse_whole(const struct config_key *key, const char *text, uint64_t *out)
{
    static const char decimal[] = "kmgt", binary[] = "KMGT";
    char *end;
    errno = 0;
    if (key->nullable && is_null(text)) {
        *out = (uint64_t)-1;
        return true;
    }
    /* strtoull would skip blanks and take a sign: -1 would be 2^64 - 1. */
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(binary, *end) : NULL;
    if (unit && end[1] == '\0') {
        const int shift = 10 * (int)(unit - binary + 1);
        *out = (uint64_t)value << shift;
        return errno == 0 && *out >> shift == value && in_range(key, *out);
    }
    if (*end != '\0') {
        /* strtod takes hexadecimal, exponents and words as well; only digits and a point may stand before the unit. The limit keeps the
         * cast to an integer defined. */
        const double real = strtod(text, &end);
        unit = *end ? strchr(decimal, *end) : NULL;
        if (!unit || end[1] != '\0' || end[-1] == '.' || strspn(text, "0123456789.") != (size_t)(end - text))
            return false;
        const double scaled = real * pow(1000, (double)(unit - decimal + 1));
        *out = scaled < 0x1p63 ? (uint64_t)scaled : 0;
        return scaled < 0x1p63 && in_range(key, *out);
    }
    *out = value;
    return errno == 0 && in_range(key, value);
}

/* Policies can be registered by a program at run time, so their names are asked for and not listed here. */
const char *config_key_choice(const struct config_key *key, uint32_t i)
{
    if (key->choices)
        return key->choices[i];
    const struct pagesim_policy_info *policy = key->type == KEY_NAME ? policy_at(key->policies, i) : NULL;
    return policy ? policy->name : NULL;
}

/* The value of an enum is the position of its name. Names that are kept as text (KEY_NAME) are checked here, too, and the position is
 * dropped. */
static bool parse_choice(const struct config_key *key, const char *text, uint64_t *out)
{
    const char *name;
    for (uint32_t i = 0; (name = config_key_choice(key, i)) != NULL; i++)
        if (strcmp(name, text) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* strtod takes "inf", which is meant where the range allows it, and "nan", which no range holds. */
static bool parse_double(const struct config_key *key, const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    *out = value;
    return end != text && *end == '\0' && value >= key->range.real.least && value <= key->range.real.most;
}

/* JSON's words only: yes, 1 and on would not read back from the file. A switch that may be a path is on with one. */
static bool parse_bool(const struct config_key *key, const char *text, uint64_t *out)
{
    const bool off = strcmp(text, "false") == 0;
    *out = !off;
    return off || strcmp(text, "true") == 0 || (key->path && *text && strlen(text) < CONFIG_PATH_SIZE);
}

enum status config_key_read(const struct config_key *key, const struct json_document *document, const cJSON *node, struct config *config,
                            struct diag *diag)
{
    enum status status = key->value->read(document, node, config, diag);
    if (status == SIM_OK)
        config->given |= (config_key_bits)1 << (key - config_keys);
    return status;
}

/* The text of an option. */
static enum status parse_json(const struct config_key *key, const char *text, struct config *config, struct diag *diag)
{
    struct json_document document;
    const char *own = is_null(text) ? "null" : text;
    enum status status = json_open("", 1, own, strlen(own), &document, diag);
    if (status != SIM_OK)
        return status;
    status = config_key_read(key, &document, document.root, config, diag);
    json_close(&document);
    return status;
}

/* Parsed as a whole before anything is written: a value that does not fit leaves the configuration as it was. */
bool config_key_parse(const struct config_key *key, const char *text, struct config *config)
{
    uint64_t whole = 0;
    double real = 0;
    struct diag ignored = {0};
    if (key->type == KEY_JSON)
        return parse_json(key, text, config, &ignored) == SIM_OK;
    const bool fits = key->type == KEY_BOOL                              ? parse_bool(key, text, &whole)
                      : key->type == KEY_CHOICE || key->type == KEY_NAME ? parse_choice(key, text, &whole)
                      : key->type == KEY_DOUBLE                          ? parse_double(key, text, &real)
                      : is_text(key)                                     ? strlen(text) < CONFIG_PATH_SIZE
                                                                         : parse_whole(key, text, &whole);
    if (fits && is_text(key))
        put_text(key, text, config);
    else if (fits && key->type == KEY_DOUBLE)
        put_real(key, real, config);
    else if (fits)
        put_whole(key, whole, config);
    if (fits && key->path)
        snprintf(path_of(key, config), CONFIG_PATH_SIZE, "%s", whole && strcmp(text, "true") != 0 ? text : "");
    if (fits)
        config->given |= (config_key_bits)1 << (key - config_keys);
    return fits;
}

double config_key_number(const struct config_key *key, const char *text)
{
    uint64_t whole;
    double real;
    if (key->type == KEY_DOUBLE)
        return parse_double(key, text, &real) ? real : (double)NAN;
    const bool number = key->type == KEY_UINT32 || key->type == KEY_UINT64 || key->type == KEY_INT64;
    return number && !is_null(text) && parse_whole(key, text, &whole) ? (double)whole : (double)NAN;
}

/* Names in quotes, as the file wants them; an empty one, which stands for nothing, is left out. */
static void list_choices(const struct config_key *key, char *out, size_t size)
{
    size_t used = 0;
    const char *name = config_key_choice(key, 0);
    out[0] = '\0';
    for (uint32_t i = name && *name == '\0'; (name = config_key_choice(key, i)) != NULL; i++) {
        const char *joint = used == 0 ? "" : config_key_choice(key, i + 1) ? ", " : " or ";
        int added = snprintf(out + used, size - used, "%s\"%s\"", joint, name);
        /* With too many names the message ends early; used never passes the end. */
        used = added < 0 || used + (size_t)added >= size ? size - 1 : used + (size_t)added;
    }
}

/* From the row, so that a message cannot promise another range than the parser checks. */
void config_key_wants(const struct config_key *key, char *out, size_t size)
{
    switch (key->type) {
    case KEY_BOOL:
        snprintf(out, size, key->path ? "true, false or a path of less than %d bytes" : "true or false", CONFIG_PATH_SIZE);
        break;
    case KEY_UINT32:
    case KEY_UINT64:
    case KEY_INT64:
        snprintf(out, size, "an integer from %llu to %llu%s", (unsigned long long)key->range.whole.least,
                 (unsigned long long)key->range.whole.most, key->nullable ? ", or null" : "");
        break;
    case KEY_DOUBLE:
        snprintf(out, size, "a number from %g to %g", key->range.real.least, key->range.real.most);
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
    case KEY_JSON:
        snprintf(out, size, "%s", key->value->wants);
        break;
    }
}

/* An option is one line mostly, so the column is enough to find the place. */
void config_key_wrong(const struct config_key *key, const char *text, char *out, size_t size)
{
    struct config scratch = {0};
    struct diag diag = {0};
    char wants[256];
    if (key->type == KEY_JSON && parse_json(key, text, &scratch, &diag) != SIM_OK) {
        const char *message = diag.line ? strstr(diag.text, ": ") : NULL;
        snprintf(out, size, "at column %zu: %s", diag.column, message ? message + 2 : diag.text);
        return;
    }
    config_key_wants(key, wants, sizeof wants);
    snprintf(out, size, "must be %s", wants);
}

/* Of doubles the bits are compared: what was written and read back is the same to the last one. */
bool config_key_equal(const struct config_key *key, const struct config *a, const struct config *b)
{
    if (is_text(key))
        return strcmp(const_member(key, a), const_member(key, b)) == 0;
    if (key->type == KEY_JSON)
        return key->value->equal(a, b);
    return whole_of(key, a) == whole_of(key, b) /* of a double: the same bits */
           && strcmp(const_path_of(key, a), const_path_of(key, b)) == 0;
}

void config_key_copy(const struct config_key *key, const struct config *from, struct config *to)
{
    if (key->type == KEY_JSON)
        key->value->copy(from, to);
    else if (is_text(key))
        put_text(key, const_member(key, from), to);
    else if (key->type == KEY_DOUBLE)
        put_real(key, real_of(key, from), to);
    else
        put_whole(key, whole_of(key, from), to);
    if (key->path)
        snprintf(path_of(key, to), CONFIG_PATH_SIZE, "%s", const_path_of(key, from));
}

bool config_key_given(const struct config_key *key, const struct config *config)
{
    return config->given >> (key - config_keys) & 1;
}

bool config_file_gives(const struct config *config, const char *name)
{
    const struct config_key *key = find_spelling(name);
    return key && config->given_by_file >> (key - config_keys) & 1;
}

bool config_gives(const struct config *config, const char *name)
{
    const struct config_key *key = find_spelling(name);
    return key && config_key_given(key, config);
}

/* A number, or null. */
static void write_whole(const struct config_key *key, uint64_t whole, struct json_text *json)
{
    if (key->nullable && whole == (uint64_t)-1)
        json_null(json);
    else
        json_uint(json, whole);
}

/* On one line, in pretty text, too. */
static void write_json(const struct config_key *key, const struct config *config, struct json_text *json)
{
    struct json_text own;
    json_text_init(&own, false);
    key->value->write(config, &own);
    if (own.failed)
        json->failed = true;
    else
        json_raw(json, own.text, own.length);
    json_text_deinit(&own);
}

/* As config_key_parse reads it back from a file. */
void config_key_write(const struct config_key *key, const struct config *config, struct json_text *json)
{
    const uint64_t whole = is_text(key) || key->type == KEY_JSON ? 0 : whole_of(key, config);
    switch (key->type) {
    case KEY_BOOL:
        if (*const_path_of(key, config))
            json_string(json, const_path_of(key, config));
        else
            json_bool(json, whole);
        break;
    case KEY_UINT32:
    case KEY_UINT64:
    case KEY_INT64:
        write_whole(key, whole, json);
        break;
    case KEY_DOUBLE:
        if (isinf(real_of(key, config))) /* JSON has no such number */
            json_string(json, "inf");
        else
            json_double(json, real_of(key, config));
        break;
    case KEY_CHOICE:
        if (key->choices[whole])
            json_string(json, key->choices[whole]);
        else
            json_null(json); /* the default of one that depends on other keys, before config_check */
        break;
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        json_string(json, const_member(key, config));
        break;
    case KEY_JSON:
        write_json(key, config, json);
        break;
    }
}

/* As config_key_write has it, without a name's quotes. Without memory that could run out, but for JSON, of which nothing would be left. */
void config_key_text(const struct config_key *key, const struct config *config, char *out, size_t size)
{
    const uint64_t whole = is_text(key) || key->type == KEY_JSON ? 0 : whole_of(key, config);
    struct json_text json;
    if (key->type == KEY_JSON) {
        json_text_init(&json, false);
        key->value->write(config, &json);
        snprintf(out, size, "%s", json.failed ? "" : json.text);
        json_text_deinit(&json);
    } else if (is_text(key))
        snprintf(out, size, "%s", (const char *)const_member(key, config));
    else if (*const_path_of(key, config))
        snprintf(out, size, "%s", const_path_of(key, config));
    else if (key->type == KEY_BOOL)
        snprintf(out, size, "%s", whole ? "true" : "false");
    else if (key->type == KEY_CHOICE)
        snprintf(out, size, "%s", key->choices[whole] ? key->choices[whole] : "");
    else if (key->type == KEY_DOUBLE && !isinf(real_of(key, config)))
        plain_double(real_of(key, config), out, size);
    else if (key->type == KEY_DOUBLE)
        snprintf(out, size, "inf");
    else if (key->nullable && whole == (uint64_t)-1)
        snprintf(out, size, "null");
    else
        snprintf(out, size, "%llu", (unsigned long long)whole);
}

/* Numbers and names that may be left out have a value outside their range for it. */
bool config_key_absent(const struct config_key *key, const struct config *config)
{
    if (key->type == KEY_UINT32)
        return whole_of(key, config) < key->range.whole.least;
    if (key->type == KEY_DOUBLE)
        return real_of(key, config) < key->range.real.least;
    return key->type == KEY_NAME && *(const char *)const_member(key, config) == '\0';
}

/* One of the policies in use? */
static bool is_read(const struct config_key *key, const struct config *config)
{
    const char *const used[] = {config->scheduling_policy, config->preemption_victim, config->eviction_policy, config->fleet.router};
    for (const char *const *reader = key->readers; reader && *reader; reader++)
        for (size_t i = 0; i < sizeof used / sizeof *used; i++)
            if (strcmp(*reader, used[i]) == 0)
                return true;
    return !key->readers;
}

/* Keys of the other engine, and those that the step-time model or the policies in use do not read, have no effect. */
bool config_key_matters(const struct config_key *key, const struct config *config)
{
    if (key->group == KEY_STEP_TIME)
        return key->models >> config->step_time.model & 1;
    if (config_key_absent(key, config) || !is_read(key, config) || (key->heeded && !key->heeded(config)))
        return false;
    return key->engines == KEY_BOTH || (key->engines == KEY_V1_ONLY) == (config->scheduler == SCHEDULER_VLLM_V1);
}

bool config_key_of_fleet(const struct config_key *key)
{
    return key->group == KEY_TOP && key->offset >= offsetof(struct config, fleet) &&
           key->offset < offsetof(struct config, fleet) + sizeof(struct fleet_config);
}

/* In the order of the table, nested objects after the plain keys; what is absent or has no effect is left out. */
void config_write(const struct config *config, struct json_text *json)
{
    json_open_object(json);
    for (int group = KEY_TOP; group < KEY_GROUPS; group++) {
        if (group != KEY_TOP) {
            json_key(json, config_group_names[group]);
            json_open_object(json);
        }
        for (size_t i = 0; i < config_key_count; i++) {
            /* A pass over the whole table for each group, so that rows need not be sorted by group: they stand in the order in which people
             * read them. */
            if ((int)config_keys[i].group != group || !config_key_matters(&config_keys[i], config))
                continue;
            json_key(json, config_keys[i].name);
            config_key_write(&config_keys[i], config, json);
        }
        if (group != KEY_TOP)
            json_close_object(json);
    }
    json_close_object(json);
}
