/* config.h - the effective configuration of one run: every key of the configuration file and its command-line twin.
 *
 * A plain value: copy it freely (a sweep copies and changes one). Names are vLLM's own. key_table.c holds the one table of keys,
 * types, ranges, defaults per engine, and option spellings, from which file reading, options, --help, `config show` and the
 * "effective configuration" of each report all come.
 */
#ifndef PAGESIM_CONFIG_H
#define PAGESIM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* The values of keys that are a choice; their names are in key_table.c. */
enum scheduler_kind { SCHEDULER_VLLM_V1, SCHEDULER_VLLM_V0 };
enum preemption_mode { PREEMPTION_AUTO, PREEMPTION_RECOMPUTE, PREEMPTION_SWAP };
enum data_plane { DATA_PLANE_OFF, DATA_PLANE_ON, DATA_PLANE_VERIFY };
enum kv_dtype { KV_DTYPE_FLOAT32, KV_DTYPE_FLOAT16, KV_DTYPE_BFLOAT16 };
enum kv_read { KV_READ_GATHER, KV_READ_ATTEND };
/* What ends a request: max_tokens, which the scheduler foresees, or a stop token, which nobody does. */
enum finish_reason { FINISH_LENGTH, FINISH_STOP };
/* What a server's KV cache is made of. AUTO: as the model's file says. */
enum cache_dtype { CACHE_AUTO, CACHE_FLOAT16, CACHE_BFLOAT16, CACHE_FP8, CACHE_FP8_E4M3, CACHE_FP8_E5M2 };
/* UNSAID is the default; config_check makes roofline of it where model and gpu are known, and linear elsewhere. */
enum step_time_kind {
    STEP_TIME_LINEAR,
    STEP_TIME_PROFILE,
    STEP_TIME_COMPACT,
    STEP_TIME_ROOFLINE,
    STEP_TIME_RECORDED,
    STEP_TIME_KINDS,
    STEP_TIME_UNSAID = STEP_TIME_KINDS
};

/* For which tokens a layer keeps K and V. The reach of a sliding window counts the token itself; a chunk begins at its multiples. */
enum kv_kind { KV_KIND_FULL, KV_KIND_SLIDING_WINDOW, KV_KIND_CHUNKED_LOCAL };
enum speculative_method {
    SPECULATIVE_NONE,
    SPECULATIVE_NGRAM,
    SPECULATIVE_NGRAM_GPU,
    SPECULATIVE_EAGLE,
    SPECULATIVE_EAGLE3,
    SPECULATIVE_MTP,
    SPECULATIVE_DRAFT_MODEL,
    SPECULATIVE_DFLASH
};
/* Of prefill and decode on different servers. A producer hands the K and V of its prompts over, a consumer gets them. */
enum kv_role { KV_ROLE_NONE, KV_ROLE_PRODUCER, KV_ROLE_CONSUMER };
enum { KV_LAYERS_MOST = 16, SPECULATIVE_TOKENS_MOST = 32 };

typedef unsigned __int128 config_key_bits; /* a bit a key */

#define CONFIG_NAME_SIZE 64
#define CONFIG_PATH_SIZE 1024
#define CONFIG_TEXT_SIZE 2048 /* room for any key's value as text (config_key_text) */

/* How a step is priced. Which model reads which of these, and their defaults, stand in the table of key_table.c. */
struct step_time_config {
    enum step_time_kind model;
    int64_t base_ns, token_ns, kv_ns;             /* linear; base_ns also for a step of another model in which nothing is computed */
    int64_t swap_ns_per_block, copy_ns_per_block; /* added by every model */
    int64_t host_ns, host_ns_per_sequence;        /* of deciding and preparing a step */
    int64_t draft_ns, draft_ns_per_token;         /* of a pass of the drafter; added by every model */
    int64_t pause_ns;                             /* for so long the front end stands still, which streams tokens, and not the engine; */
    uint64_t pause_every_pairs;                   /* each time after so many pairs of tokens (observe/stream_pauses.h) */
    char path[CONFIG_PATH_SIZE];                  /* profile: a folder; compact, recorded: a file; already resolved */
    uint32_t num_layers;
    bool skew_table;
    char skew_path[CONFIG_PATH_SIZE]; /* its file, if skew_table was given as one; empty: the one of the folder */
    double skew_default_alpha;
    uint32_t hidden_size, allreduces_per_layer; /* with tensor parallelism */
    double allreduce_latency_us, allreduce_gb_per_s;
    double compute_efficiency, bandwidth_efficiency; /* shares of the GPU's peaks that kernels reach */
    double layer_us;                                 /* of each layer, what no data sheet says: launches, latency of all-reduces */
    double prompt_layer_us;                          /* and in a step with a prompt, which runs without CUDA graphs */
};

/* The shape of the data plane's K and V. */
struct kv_config {
    uint32_t num_layers, num_kv_heads, head_dim;
    enum kv_dtype dtype;
    enum kv_read read;
};

/* Layers of one kind, as kv_cache_groups lists them; config/kv_groups.h makes groups of them. */
struct kv_layers {
    enum kv_kind kind;
    uint32_t reach;      /* window or chunk in tokens; 0: full */
    uint32_t block_size; /* 0: the configuration's */
    uint32_t layers;     /* >= 1 */
    bool draft;          /* of a head that drafts tokens */
};

/* Draft tokens ahead of what is known. Which are right is drawn from acceptance_seed (vllm_v1/speculation.h). */
struct speculative_config {
    enum speculative_method method; /* SPECULATIVE_NONE: nothing is drafted, the rest means nothing */
    uint32_t num_speculative_tokens;
    double acceptance_rates[SPECULATIVE_TOKENS_MOST]; /* falling: drafts 0 .. j are all right with probability [j] */
    uint64_t acceptance_seed;
    bool disable_lookahead_block_hashes, disable_eagle_block_drop;
};

enum { REPLICA_KINDS_MOST = 6, REPLICA_FAILURES_MOST = 16, AUTOSCALE_TIMES_MOST = 24 };

/* Replicas of a fleet that differ from the configuration around them. */
struct replica_kind {
    uint32_t count;
    char settings[256]; /* JSON: an object of keys, as in a file, nested ones as "step_time.base_ns" */
};

/* A replica fails at a time, and another one takes its place. */
struct replica_failure {
    double at_s;
    uint32_t replica;
    double down_s; /* until the new one takes requests; INFINITY: there is none */
    bool lost;     /* its requests are; else they are sent anew, to others */
};

/* How many replicas there are, by a rule or a schedule. */
struct autoscale_config {
    uint32_t least, most;           /* most 0: no rule */
    double utilization, unanswered; /* the target, a replica: used share of the pool, or requests; 0: the other one */
    double interval_s, down_after_s;
    double startup_s; /* from the decision until it takes requests */
    struct {
        double at_s;
        uint32_t replicas;
    } schedule[AUTOSCALE_TIMES_MOST];
    uint32_t schedule_count; /* 0: no schedule */
};

/* Several servers behind a router. Read by sim/fleet alone. */
struct fleet_config {
    uint32_t replicas; /* 1, without any of what is below: no fleet (config_has_fleet) */
    uint32_t data_parallel_size;
    struct replica_kind kinds[REPLICA_KINDS_MOST];
    uint32_t kind_count; /* 0: all replicas are alike */
    char router[CONFIG_NAME_SIZE];
    double router_delay_ms, router_view_ms; /* view: -1: the router's own */
    double router_prefix_match, router_balance_ratio;
    uint32_t router_balance_requests, router_index_blocks; /* blocks: 0: those of a pool */
    uint32_t prefill_replicas;                             /* of them; the others decode. 0: all do both */
    double kv_transfer_gb_per_s, kv_transfer_ms;
    struct autoscale_config autoscale;
    struct replica_failure failures[REPLICA_FAILURES_MOST];
    uint32_t failure_count;
    double gpu_hour_price; /* 0: not given */
};

#define RETENTION_DENSE (-1) /* prefix_cache_retention_interval: null */

struct config {
    enum scheduler_kind scheduler;
    uint32_t block_size;
    uint32_t num_gpu_blocks; /* V1 counts the null block; 0 = not given: an error unless sizing fills it in */
    uint32_t num_cpu_blocks;
    uint32_t max_num_seqs;
    uint32_t max_num_batched_tokens;
    uint32_t max_model_len;
    char scheduling_policy[CONFIG_NAME_SIZE]; /* this and the next two: registered names (policy.h) */
    char preemption_victim[CONFIG_NAME_SIZE];
    char eviction_policy[CONFIG_NAME_SIZE];
    /* For policies; which of them reads a key, its row says. */
    double slo_ttft_ms[3]; /* by class: priority 0 and below, 1, 2 and above */
    double fair_input_weight, fair_output_weight;
    double length_prediction_sigma; /* of the logarithm of predicted / true output tokens; 0: exact */
    uint32_t tail_tokens, tail_next_tokens;
    double reuse_window_s;
    bool enable_prefix_caching;
    bool enable_chunked_prefill;
    uint32_t max_num_active_seqs;          /* of those that run; 0: max_num_seqs */
    uint32_t max_num_scheduled_tokens;     /* of a step; 0: max_num_batched_tokens */
    uint32_t long_prefill_token_threshold; /* 0 = off */
    bool long_prefill_token_threshold_adaptive;
    uint32_t prefill_schedule_interval; /* means something with data parallelism only */
    bool scheduler_reserve_full_isl;
    bool async_scheduling; /* a step is decided while the one before it runs */
    double watermark;
    enum finish_reason finish_reason;                    /* of requests whose rows do not say (trace_finish_reason in trace.h) */
    uint32_t max_num_queued_reqs, max_num_queued_tokens; /* 0 = off; beyond them requests are rejected (engine/front_door.h) */
    enum preemption_mode preemption_mode;
    uint32_t trace_block_size;
    struct step_time_config step_time;
    enum data_plane data_plane;
    bool contiguity; /* tell how contiguous block tables are */
    struct kv_config kv;
    /* What layers remember. */
    struct kv_layers kv_cache_groups[KV_LAYERS_MOST];
    uint32_t kv_cache_groups_count; /* 0: all layers are full */
    int64_t prefix_cache_retention_interval;
    bool disable_hybrid_kv_cache_manager;
    struct speculative_config speculative;
    struct fleet_config fleet;
    enum kv_role kv_role;
    double kv_offloading_size;     /* GiB of host memory; 0: off */
    double kv_offloading_gb_per_s; /* of one GPU and direction */
    double kv_offloading_latency_us;
    uint64_t seed;
    /* The pool's size in users' terms (sizing.h); "" and 0 = not given. */
    char model[CONFIG_PATH_SIZE], gpu[CONFIG_PATH_SIZE]; /* names in configs/ or paths of JSON files */
    uint32_t tensor_parallel_size;
    double gpu_memory_utilization;
    uint64_t kv_cache_memory_bytes; /* this and the next: of one GPU */
    uint64_t overhead_bytes;        /* 0: as startup_memory.h says */
    bool flashinfer_sampler;        /* of that rule */
    enum cache_dtype kv_cache_dtype;
    /* No keys: what is known about where values come from. Bit i of a set stands for config_keys[i]. */
    config_key_bits given;         /* a file, a server's command line or an option said it, if only its default */
    config_key_bits given_by_file; /* of those, where nothing after the file has said it again */
    config_key_bits by_serve;      /* vllm serve's default for this GPU (serve_defaults.h) */
    config_key_bits by_model;      /* what the model's file says */
    uint64_t block_bytes;          /* a block's bytes on one GPU, from sizing_fill; 0: no model given */
    bool served;                   /* a server's command line was given */
    bool fleets_compared;          /* with others that are fleets: what one server costs is told as well */
    bool sized;                    /* num_gpu_blocks is what sizing_fill made of model and GPU */
    uint32_t model_positions;      /* the model's longest prompt plus output, from sizing_fill; 0: not known */
    /* Arrivals and concurrency as `vllm bench serve` means them. */
    uint32_t max_concurrency;                /* 0: no limit */
    double arrival_speedup_ratio;            /* the trace's own arrivals, divided; 1 = as they are */
    double request_rate;                     /* requests/s; INFINITY = all at once; -1 = the trace's own arrivals */
    double burstiness;                       /* shape of the gamma distribution of gaps */
    char ramp_up_strategy[CONFIG_NAME_SIZE]; /* "", "linear", "exponential" */
    double ramp_up_start_rps, ramp_up_end_rps;
    char arrival_generator[CONFIG_NAME_SIZE]; /* "", "numpy", "numpy-unscaled" */
};

/* One command-line setting in order of appearance: "block-size" = "16", or "no-enable-prefix-caching" = NULL. */
struct config_option {
    const char *name;  /* without the leading dashes */
    const char *value; /* NULL for a switch */
    bool of_vllm;      /* from a server's command line (vllm_args.h); these come first */
    bool further;      /* not a setting: a word more of the option before it (OPTION_WORDS) */
};

/* Build the effective configuration: engine defaults, then the file at `path` (NULL: none; "-" is not allowed), then options, of which those of
 * a server's command line (of_vllm) come first; then what vllm serve chooses where nobody says it (serve_defaults.h). Checks
 * every rule of doc/formats.md section 2, including combinations that vLLM refuses. Errors in the file name file, line, column and key;
 * errors in options are SIM_USAGE and name the option and the allowed values. *out is written only on success. */
SIM_NODISCARD enum status config_load(const char *path, const struct config_option *options, uint32_t option_count, struct config *out,
                                      struct diag *diag);

/* The same from JSON text that is called `name` in messages (NULL: no text), and without the rules that join several keys (config_check). */
SIM_NODISCARD enum status config_read(const char *name, const char *text, size_t length, const struct config_option *options,
                                      uint32_t option_count, struct config *out, struct diag *diag);

/* Set one key as its option would ("block_size", "16"; nested keys as "step_time.base_ns"), then check the whole again. For --vary. */
SIM_NODISCARD enum status config_set(struct config *config, const char *key, const char *value, struct diag *diag);

/* Is there more than one server, or one that comes and goes? */
static inline bool config_has_fleet(const struct config *config)
{
    const struct fleet_config *fleet = &config->fleet;
    return fleet->replicas > 1 || fleet->data_parallel_size > 1 || fleet->kind_count > 0 || fleet->autoscale.most > 0 ||
           fleet->autoscale.schedule_count > 0 || fleet->failure_count > 0;
}

/* floor(watermark * num_gpu_blocks) in doubles, as vLLM computes it. */
uint32_t config_watermark_blocks(const struct config *config);

#endif
