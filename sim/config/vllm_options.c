/* vllm_options.c - tables of vLLM's options. Read them first; below is only the search. The lists without effect have a name a cell and are in
 * the order of vLLM's own help: front end, model, loading, parallelism, cache, multi-modal, observation, kernels, older versions. */
#include "config/vllm_options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest_name.h"

/* What may be a key here. */
static const struct vllm_option keys[] = {
    {"model", .values = VLLM_ONE},
    {"tensor-parallel-size", .values = VLLM_ONE},
    {"data-parallel-size", .values = VLLM_ONE},
    {"gpu-memory-utilization", .values = VLLM_ONE},
    {"kv-cache-memory-bytes", .values = VLLM_ONE},
    {"kv-cache-dtype", .values = VLLM_ONE},
    {"num-gpu-blocks-override", .values = VLLM_ONE},
    {"block-size", .values = VLLM_ONE},
    {"max-model-len", .values = VLLM_ONE},
    {"max-num-seqs", .values = VLLM_ONE},
    {"max-num-batched-tokens", .values = VLLM_ONE},
    {"max-num-scheduled-tokens", .values = VLLM_ONE},
    {"max-num-active-seqs", .values = VLLM_ONE},
    {"max-num-queued-reqs", .values = VLLM_ONE},
    {"max-num-queued-tokens", .values = VLLM_ONE},
    {"long-prefill-token-threshold", .values = VLLM_ONE},
    {"long-prefill-token-threshold-adaptive"},
    {"prefill-schedule-interval", .values = VLLM_ONE},
    {"scheduling-policy", .values = VLLM_ONE, .takes = "fcfs|priority"},
    {"enable-prefix-caching"},
    {"enable-chunked-prefill"},
    {"scheduler-reserve-full-isl"},
    {"watermark", .values = VLLM_ONE},
    {"async-scheduling"},
    {"disable-hybrid-kv-cache-manager"},
    {"prefix-cache-retention-interval", .values = VLLM_ONE},
    {"kv-offloading-size", .values = VLLM_ONE},
    /* One object (vllm_drafts.h). */
    {"speculative-config", .values = VLLM_ONE},
    {"spec-method", .values = VLLM_ONE},
    {"spec-model", .values = VLLM_ONE},
    {"spec-tokens", .values = VLLM_ONE},
};

#define REFUSED(option, arity, harmless, text)                                                                                             \
    {                                                                                                                                      \
        option, VLLM_NOT_MODELLED, VLLM_##arity, harmless, text                                                                            \
    }
#define SPECULATES "it is of older versions; say --speculative-config"
#define REPLICAS   "each engine would schedule its own share of the requests; replay one engine's share"
#define SPLITS_KV  "the K and V of a token would lie on several GPUs"
#define OFFLOADS   "part of the weights would leave the GPU and the pool would grow; say it with --overhead-bytes or --num-gpu-blocks"
#define OTHER_SIZE "weights would have another size; give a model file with its weight_bytes (--model FILE)"
#define OTHER_FILE "the model would be another one; give a model file that says so (--model FILE)"
#define LORAS      "prefixes would be shared within an adapter only, and a step would hold few adapters"

static const struct vllm_option not_modelled[] = {
    REFUSED("speculative-model", ONE, NULL, SPECULATES),
    REFUSED("num-speculative-tokens", ONE, "0", SPECULATES),
    REFUSED("diffusion-config", ONE, "None", "a step would decode blocks of tokens"),
    REFUSED("kv-transfer-config", ONE, "None", "blocks would come from and go to other servers"),
    REFUSED("ec-transfer-config", ONE, "None", "encoder outputs would come from other servers"),
    REFUSED("kv-offloading-backend", ONE, "native", "another cache than vLLM's own would decide what is kept in the host's memory"),
    REFUSED("pipeline-parallel-size", ONE, "1", "several batches would be under way at a time"),
    REFUSED("data-parallel-size-local", ONE, "0|1", REPLICAS),
    REFUSED("decode-context-parallel-size", ONE, "1", SPLITS_KV),
    REFUSED("prefill-context-parallel-size", ONE, "1", SPLITS_KV),
    REFUSED("cpu-offload-gb", ONE, "0|0.0", OFFLOADS),
    REFUSED("offload-group-size", ONE, "0", OFFLOADS),
    REFUSED("quantization", ONE, "None|none", OTHER_SIZE),
    REFUSED("quantization-config", ONE, "None", OTHER_SIZE),
    REFUSED("dtype", ONE, "auto|half|float16|bfloat16", OTHER_SIZE),
    REFUSED("kv-cache-dtype-skip-layers", MANY, NULL, "layers would have K and V of different sizes"),
    REFUSED("hf-overrides", ONE, "{}|None", OTHER_FILE),
    REFUSED("hf-config-path", ONE, NULL, OTHER_FILE),
    REFUSED("rope-scaling", ONE, "None", OTHER_FILE),
    REFUSED("enable-lora", SWITCH, NULL, LORAS),
    REFUSED("lora-modules", MANY, NULL, LORAS),
    REFUSED("scheduler-cls", ONE, NULL, "another scheduler would decide"),
    REFUSED("max-num-partial-prefills", ONE, "1", "several prompts would be split at a time"),
    REFUSED("max-long-partial-prefills", ONE, "1", "several prompts would be split at a time"),
    REFUSED("num-scheduler-steps", ONE, "1", "several steps would be decided at a time"),
    REFUSED("performance-mode", ONE, "balanced|interactivity",
            "it doubles what serve chooses; say --max-num-seqs and --max-num-batched-tokens"),
    REFUSED("prefix-match-unit", ONE, "None", "parts of blocks could be hit"),
    REFUSED("stream-interval", ONE, "1", "clients would get tokens in groups"),
    REFUSED("runner", ONE, "auto|generate", "pooling models have no decode steps"),
    REFUSED("convert", ONE, "auto|none", "pooling models have no decode steps"),
    REFUSED("task", ONE, "auto|generate", "pooling models have no decode steps"),
};

/* Nothing about what is scheduled or how large the pool is. */
static const char *const idle_switches[] = {
    "trust-request-chat-template",
    "return-tokens-as-token-ids",
    "enable-auto-tool-choice",
    "exclude-tools-when-tool-choice-none",
    "enable-prompt-tokens-details",
    "enable-per-request-metrics",
    "enable-server-load-tracking",
    "enable-force-include-usage",
    "enable-tokenizer-info-endpoint",
    "enable-log-outputs",
    "enable-log-deltas",
    "cohere-is-reasoning-model",
    "log-error-stack",
    "tokens-only",
    "enable-scale-out",
    "disable-uvicorn-access-log",
    "allow-credentials",
    "enable-ssl-refresh",
    "enable-request-id-headers",
    "disable-fastapi-docs",
    "enable-offline-docs",
    "enable-flash-late-interaction",
    "headless",
    "disable-frontend-multiprocessing",
    "trust-remote-code",
    "allow-deprecated-quantization",
    "enforce-eager",
    "enable-return-routed-experts",
    "return-sampling-mask",
    "use-fp64-gumbel",
    "enable-trace-replay",
    "disable-sliding-window",
    "disable-cascade-attn",
    "skip-tokenizer-init",
    "enable-prompt-embeds",
    "enable-sleep-mode",
    "enable-cumem-allocator",
    "enable-nccl-comm-suspend",
    "use-tqdm-on-load",
    "enable-mamba-cache-stochastic-rounding",
    "numa-bind",
    "dcp-q-replicate",
    "data-parallel-hybrid-lb",
    "data-parallel-external-lb",
    "data-parallel-multi-port-external-lb",
    "enable-expert-parallel",
    "enable-batch-sharded-sampling",
    "enable-ep-weight-filter",
    "enable-dbo",
    "enable-elastic-ep",
    "disable-nccl-for-dp-synchronization",
    "enable-eplb",
    "ray-workers-use-nsight",
    "disable-custom-all-reduce",
    "enable-fault-tolerance",
    "kv-sharing-fast-prefill",
    "calculate-kv-scales",
    "swa-bounded-replay",
    "enable-mamba-shared-prefix-checkpoint",
    "use-replayssm",
    "language-model-only",
    "enable-mm-embeds",
    "mm-encoder-only",
    "interleave-mm-strings",
    "skip-mm-profiling",
    "mm-device-do-normalize",
    "enable-tower-connector-lora",
    "fully-sharded-loras",
    "specialize-active-lora",
    "enable-mixed-moe-lora-format",
    "enable-moe-shared-loras",
    "kv-cache-metrics",
    "cudagraph-metrics",
    "enable-layerwise-nvtx-tracing",
    "enable-mfu-metrics",
    "enable-logging-iteration-details",
    "enable-mm-processor-stats",
    "jit-monitor-verbose",
    "disable-chunked-mm-input",
    "enable-flashinfer-autotune",
    "disable-log-stats",
    "aggregate-engine-logging",
    "fail-on-environ-validation",
    "enable-log-requests",
    "disable-log-requests",
    "use-v2-block-manager",
    "enable-reasoning",
    "disable-async-output-proc",
    "engine-use-ray",
    "worker-use-ray",
    "enable-lora-bias",
    "disable-mm-preprocessor-cache",
    "grpc",
};
static const char *const idle_ones[] = {
    "api-server-count",
    "chat-template",
    "chat-template-content-format",
    "default-chat-template-kwargs",
    "response-role",
    "tool-call-parser",
    "tool-parser-plugin",
    "tool-strict-level",
    "tool-server",
    "log-config-file",
    "max-log-len",
    "sse-keep-alive-interval",
    "cohere-format",
    "fingerprint-mode",
    "fingerprint-value",
    "host",
    "port",
    "data-parallel-supervisor-port",
    "dp-supervisor-probe-interval-s",
    "dp-supervisor-probe-timeout-s",
    "dp-supervisor-probe-failure-threshold",
    "uds",
    "uvicorn-log-level",
    "disable-access-log-for-endpoints",
    "ssl-keyfile",
    "ssl-certfile",
    "ssl-ca-certs",
    "ssl-cert-reqs",
    "ssl-ciphers",
    "root-path",
    "h11-max-incomplete-event-size",
    "h11-max-header-count",
    "tokenizer",
    "tokenizer-mode",
    "seed",
    "allowed-local-media-path",
    "revision",
    "code-revision",
    "tokenizer-revision",
    "max-logprobs",
    "logprobs-mode",
    "config-format",
    "model-class-overrides",
    "pooler-config",
    "generation-config",
    "override-generation-config",
    "model-impl",
    "io-processor-plugin",
    "renderer-num-workers",
    "load-format",
    "download-dir",
    "safetensors-load-strategy",
    "safetensors-prefetch-num-threads",
    "safetensors-prefetch-block-size",
    "model-loader-extra-config",
    "pt-load-map-location",
    "attention-backend",
    "mamba-backend",
    "mamba-ssu-algorithm",
    "mamba-cache-philox-rounds",
    "reasoning-parser",
    "reasoning-parser-plugin",
    "distributed-executor-backend",
    "master-addr",
    "master-port",
    "nnodes",
    "node-rank",
    "distributed-timeout-seconds",
    "cpu-distributed-timeout-seconds",
    "device-ids",
    "dcp-comm-backend",
    "dcp-kv-cache-interleave-size",
    "cp-kv-cache-interleave-size",
    "data-parallel-rank",
    "data-parallel-start-rank",
    "data-parallel-address",
    "data-parallel-rpc-port",
    "data-parallel-backend",
    "all2all-backend",
    "ubatch-size",
    "elastic-ep-max-dp-size",
    "dbo-decode-token-threshold",
    "dp-sync-interval",
    "dbo-prefill-token-threshold",
    "eplb-config",
    "expert-placement-strategy",
    "max-parallel-loading-workers",
    "worker-cls",
    "worker-extension-cls",
    "fault-tolerance-config",
    "prefix-caching-hash-algo",
    "mamba-cache-dtype",
    "mamba-ssm-cache-dtype",
    "mamba-block-size",
    "mamba-cache-mode",
    "replayssm-buffer-len",
    "offload-backend",
    "offload-num-in-group",
    "offload-prefetch-step",
    "limit-mm-per-prompt",
    "media-io-kwargs",
    "mm-processor-kwargs",
    "mm-processor-cache-gb",
    "mm-processor-cache-type",
    "mm-hasher-algorithm",
    "mm-shm-cache-max-object-size-mb",
    "mm-encoder-tp-mode",
    "mm-encoder-attn-backend",
    "mm-encoder-attn-dtype",
    "mm-encoder-fp8-scale-path",
    "mm-encoder-fp8-scale-save-path",
    "mm-encoder-fp8-scale-save-margin",
    "video-pruning-rate",
    "video-pruning-method",
    "mm-tensor-ipc",
    "mm-processor-device",
    "mm-ipc-gpu-memory-gb",
    "max-loras",
    "max-lora-rank",
    "lora-dtype",
    "max-cpu-loras",
    "default-mm-loras",
    "show-hidden-metrics-for-version",
    "otlp-traces-endpoint",
    "per-request-spec-decode-metrics",
    "kv-cache-metrics-sample",
    "jit-monitor-mode",
    "max-cudagraph-capture-size",
    "ir-op-priority",
    "moe-backend",
    "linear-backend",
    "sparse-indexer-topk-backend",
    "watermark-config",
    "kv-events-config",
    "ec-manager-config",
    "compilation-config",
    "attention-config",
    "engram-config",
    "reasoning-config",
    "kernel-config",
    "additional-config",
    "structured-outputs-config",
    "aux-output-config",
    "profiler-config",
    "optimization-level",
    "weight-transfer-config",
    "shutdown-timeout",
    "gdn-prefill-backend",
    "kda-prefill-backend",
    "kda-decode-backend",
    "swap-space",
    "max-seq-len-to-capture",
    "max-context-len-to-capture",
    "guided-decoding-backend",
    "tokenizer-pool-size",
    "tokenizer-pool-type",
    "tokenizer-pool-extra-config",
    "device",
    "rope-theta",
    "override-attention-dtype",
    "num-lookahead-slots",
    "logits-processor-pattern",
    "long-lora-scaling-factors",
    "override-neuron-config",
    "preemption-mode",
    "scheduler-delay-factor",
    "cuda-graph-sizes",
};
static const char *const idle_many[] = {
    "served-model-name",
    "allowed-origins",
    "allowed-methods",
    "allowed-headers",
    "api-key",
    "middleware",
    "allowed-media-domains",
    "sleep-preserve-parameter-names",
    "logits-processors",
    "ignore-patterns",
    "numa-bind-nodes",
    "numa-bind-cpus",
    "cpu-offload-params",
    "offload-params",
    "lora-target-modules",
    "collect-detailed-traces",
    "cudagraph-capture-sizes",
    "prompt-adapters",
};
static const char *const idle_maybe[] = {"hf-token"};

/* Short forms and second names. */
static const char *const others[][2] = {
    {"tp", "tensor-parallel-size"},
    {"pp", "pipeline-parallel-size"},
    {"dp", "data-parallel-size"},
    {"dpn", "data-parallel-rank"},
    {"dpr", "data-parallel-start-rank"},
    {"dpl", "data-parallel-size-local"},
    {"dpa", "data-parallel-address"},
    {"dpp", "data-parallel-rpc-port"},
    {"dpb", "data-parallel-backend"},
    {"dph", "data-parallel-hybrid-lb"},
    {"dpe", "data-parallel-external-lb"},
    {"dpm", "data-parallel-multi-port-external-lb"},
    {"dcp", "decode-context-parallel-size"},
    {"pcp", "prefill-context-parallel-size"},
    {"ep", "enable-expert-parallel"},
    {"n", "nnodes"},
    {"r", "node-rank"},
    {"asc", "api-server-count"},
    {"q", "quantization"},
    {"sc", "speculative-config"},
    {"dc", "diffusion-config"},
    {"cc", "compilation-config"},
    {"ac", "attention-config"},
    {"O", "optimization-level"},
    {"device-memory-utilization", "gpu-memory-utilization"},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct {
    const char *const *names;
    size_t count;
    enum vllm_values values;
} idle[] = {{idle_switches, COUNT(idle_switches), VLLM_SWITCH},
            {idle_ones, COUNT(idle_ones), VLLM_ONE},
            {idle_many, COUNT(idle_many), VLLM_MANY},
            {idle_maybe, COUNT(idle_maybe), VLLM_MAYBE}};

static bool find_name(const char *name, struct vllm_option *out)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        if (strcmp(keys[i].name, name) == 0)
            return *out = keys[i], true;
    for (size_t i = 0; i < COUNT(not_modelled); i++)
        if (strcmp(not_modelled[i].name, name) == 0)
            return *out = not_modelled[i], true;
    for (size_t list = 0; list < COUNT(idle); list++)
        for (size_t i = 0; i < idle[list].count; i++)
            if (strcmp(idle[list].names[i], name) == 0)
                return *out = (struct vllm_option){idle[list].names[i], VLLM_NO_EFFECT, idle[list].values, NULL, NULL}, true;
    return false;
}

bool vllm_option_find(const char *name, struct vllm_option *out, bool *negated)
{
    *negated = false;
    if (name[0] == 'O' && isdigit((unsigned char)name[1])) { /* -O3 has its value in itself */
        find_name("optimization-level", out);
        out->values = VLLM_SWITCH;
        return true;
    }
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i][0], name) == 0)
            name = others[i][1];
    if (find_name(name, out))
        return true;
    *negated = strncmp(name, "no-", 3) == 0 && find_name(name + 3, out) && out->values == VLLM_SWITCH;
    return *negated;
}

const char *vllm_option_nearest(const char *name)
{
    enum { MOST = COUNT(keys) + COUNT(not_modelled) + COUNT(idle_switches) + COUNT(idle_ones) + COUNT(idle_many) + COUNT(idle_maybe) };
    const char *names[MOST];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(keys); i++)
        names[count++] = keys[i].name;
    for (size_t i = 0; i < COUNT(not_modelled); i++)
        names[count++] = not_modelled[i].name;
    for (size_t list = 0; list < COUNT(idle); list++)
        for (size_t i = 0; i < idle[list].count; i++)
            names[count++] = idle[list].names[i];
    return nearest_name(name, names, count);
}

bool vllm_option_key_at(size_t i, struct vllm_option *out)
{
    if (i >= COUNT(keys))
        return false;
    *out = keys[i];
    return true;
}

const struct config_key *vllm_option_key(const struct vllm_option *option)
{
    bool negated;
    return option->effect == VLLM_KEY ? config_find_option(option->name, &negated) : NULL;
}

bool vllm_option_takes(const char *names, const char *text)
{
    const size_t length = strlen(text);
    for (; names && *names; names += strcspn(names, "|"), names += *names == '|')
        if (strcspn(names, "|") == length && strncmp(names, text, length) == 0)
            return true;
    return false;
}
