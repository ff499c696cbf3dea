/* key_table.c - the table of configuration keys, and nothing else. struct config_key in config_keys.h says what the columns mean;
 * config_keys.c reads, writes, compares and describes values by their rows. A new key needs its row and, if it excludes other keys, a rule in
 * config_check. */
#include <math.h>

#include "config/config_keys.h"

/* Bounds that several rows share, beyond what any server has. The sum of two numbers of tokens still fits 32 bits; the largest block number
 * means that there is no block. */
#define BLOCKS_MOST (UINT32_MAX - 1)
#define TOKENS_MOST 1000000000
#define NS_MOST     1000000000000000 /* 11 days */
#define PAIRS_MOST  1000000000000000
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

static bool has_pauses(const struct config *config)
{
    return config->step_time.pause_ns > 0;
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
    {STEP_TIME(pause_ns, ALL_MODELS), WHOLE(INT64, 0, NS_MOST, "NS"), DEFAULT(0),
     .help = "the front end stands still so long, and tokens wait to go out; not the engine"},
    {STEP_TIME(pause_every_pairs, ALL_MODELS), WHOLE(UINT64, 0, PAIRS_MOST, "N"), DEFAULT(0), .heeded = has_pauses,
     .help = "each time after so many pairs of tokens; a step of n tokens has n x n"},
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
