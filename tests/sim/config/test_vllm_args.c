/* A server's command line, in all the ways in which people have it, and what it is refused for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/vllm_args.h"
#include "config/vllm_options.h"
#include "support/temp_file.h"

/* "max_num_seqs=5 model=x" */
static const char *keys_of(const struct vllm_args *args)
{
    static char text[2048];
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < args->count; i++) {
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%s=%s", i ? " " : "", args->options[i].name, args->options[i].value);
        cr_expect(args->options[i].of_vllm);
    }
    return text;
}

Test(vllm_args, the_servers_options_are_found_wherever_they_begin)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"vllm serve", ""},
        {"serve m", "model=m"},
        {"vllm serve m --max-num-seqs 5", "model=m max_num_seqs=5"},
        {"/opt/venv/bin/vllm serve m", "model=m"},
        {"$ sudo -E nohup vllm serve m &", "model=m"},
        {"A=1 B='x y' vllm serve m", "model=m"},
        {"A=1 --model m", "model=m"},
        {"m --block-size 32", "model=m block_size=32"},
        {"--max-num-seqs 5 m", "max_num_seqs=5 model=m"},
        {"python -m vllm.entrypoints.openai.api_server --model m", "model=m"},
        {"python3 -O vllm/entrypoints/openai/api_server.py --model m", "model=m"},
        {"docker run --gpus all -p 8000:8000 -v $HOME:/x vllm/vllm-openai:v0.33.0 --model m", "model=m"},
        {"docker run vllm/vllm-openai vllm serve m", "model=m"},
        {"podman run quay.io/x/vllm-openai m --block-size 8", "model=m block_size=8"},
        {"cd x && vllm serve m --block-size 8 > log 2>&1", "model=m block_size=8"},
        {"vllm serve m --block-size 8 | tee log", "model=m block_size=8"},
        {"set -e\nexport A=$B\nvllm serve m \\\n  --block-size 8\necho done", "model=m block_size=8"},
        {"vllm serve m\n--block-size 8\n--max-num-seqs 5", "model=m block_size=8 max_num_seqs=5"},
        {"--model m # the model\n--block-size 8 # tokens", "model=m block_size=8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vllm_args args;
        struct diag diag = {0};
        cr_expect_eq(vllm_args_read(cases[i][0], &args, &diag), SIM_OK, "%s: %s", cases[i][0], diag.text);
        cr_expect_str_eq(keys_of(&args), cases[i][1], "%s gives %s", cases[i][0], keys_of(&args));
        vllm_args_close(&args);
    }
}

Test(vllm_args, options_as_vllm_takes_them)
{
    static const char *const cases[][3] = {
        {"--max_num_seqs=5 --max-num-batched-tokens 8k", "max_num_seqs=5 max_num_batched_tokens=8k", ""},
        {"-tp 2 -tp=4 --tensor_parallel_size 8", "tensor_parallel_size=2 tensor_parallel_size=4 tensor_parallel_size=8", ""},
        {"--enable-prefix-caching --no-enable-chunked-prefill", "enable_prefix_caching=true enable_chunked_prefill=false", ""},
        {"--num-gpu-blocks-override 9 --device-memory-utilization .5", "num_gpu_blocks=9 gpu_memory_utilization=.5", ""},
        {"--kv-cache-dtype fp8 --watermark 0.1", "kv_cache_dtype=fp8 watermark=0.1", ""},
        {"--port 1 --host=h --api-key a b --trust-remote-code m", "model=m", "port, host, api-key, trust-remote-code"},
        {"-O3 -O.mode=3 -cc.cudagraph_mode FULL -O 2 m", "model=m", "optimization-level, compilation-config"},
        {"--served-model-name a b --block-size 8", "block_size=8", "served-model-name"},
        {"--hf-token --block-size 8", "block_size=8", "hf-token"},
        {"--disable-cascade-attn --no-disable-log-stats --seed 3", "", "disable-cascade-attn, disable-log-stats, seed"},
        {"-pp 1 -dp 2 --quantization None --dtype half --no-enable-lora", "data_parallel_size=2",
         "pipeline-parallel-size, quantization, dtype, enable-lora"},
        {"--port 1 --port 2", "", "port"},
        {"--port $PORT --block-size 8", "block_size=8", "port"},
        {"--no-disable-hybrid-kv-cache-manager --disable-hybrid-kv-cache-manager --prefix-cache-retention-interval None",
         "disable_hybrid_kv_cache_manager=false disable_hybrid_kv_cache_manager=true prefix_cache_retention_interval=None", ""},
        /* One object, from the whole or from its parts; the last whole one holds. */
        {"-sc '{\"method\": \"mtp\", \"num_speculative_tokens\": 1}' --speculative-config None --block-size 8",
         "block_size=8 speculative_config=None", ""},
        {"--speculative-config.method eagle --block-size 8 -sc.num-speculative-tokens=2 --speculative-config.disable_eagle_block_drop True",
         "block_size=8 speculative_config={\"method\":\"eagle\",\"num_speculative_tokens\":2,\"disable_eagle_block_drop\":true}", ""},
        {"-sc.method eagle -sc.num_speculative_tokens 2 -sc.synthetic_acceptance_rates '[0.5, 0.25]' -sc.method mtp",
         "speculative_config={\"method\":\"mtp\",\"num_speculative_tokens\":2,\"synthetic_acceptance_rates\":[0.5, 0.25]}", ""},
        {"-sc '{\"model\":\"a/b\"}' --spec-method eagle3 --spec-tokens 3",
         "speculative_config={\"model\":\"a/b\",\"method\":\"eagle3\",\"num_speculative_tokens\":3}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vllm_args args;
        struct diag diag = {0};
        cr_expect_eq(vllm_args_read(cases[i][0], &args, &diag), SIM_OK, "%s: %s", cases[i][0], diag.text);
        cr_expect_str_eq(keys_of(&args), cases[i][1], "%s gives %s", cases[i][0], keys_of(&args));
        cr_expect_str_eq(args.idle.text, cases[i][2], "%s: %s", cases[i][0], args.idle.text);
        vllm_args_close(&args);
    }
}

Test(vllm_args, what_is_wrong_is_told_with_its_place)
{
    static const char *const cases[][2] = {
        {"vllm serve m --max-num-seq 5", "--vllm-args:1:14: vllm serve has no option --max-num-seq; did you mean --max-num-seqs?"},
        {"vllm serve m\\\n --max-num-seqs many", "--vllm-args:2:2: --max-num-seqs many: must be an integer from 1 to 1000000"},
        {"--block-size", "--vllm-args:1:1: --block-size needs a value"},
        {"--block-size --port 1", "--vllm-args:1:1: --block-size needs a value"},
        {"--gpu h100", "--vllm-args:1:1: vllm serve has no option --gpu"},
        {"--scheduling-policy sjf", "--vllm-args:1:1: --scheduling-policy sjf: vLLM knows fcfs|priority"},
        {"a b", "--vllm-args:1:3: \"b\" is neither an option nor the value of one"},
        {"--enable-prefix-caching true m", "--vllm-args:1:30: \"m\" is neither an option nor the value of one"},
        {"--max-model-len auto", "--vllm-args:1:1: --max-model-len auto: the longest"},
        {"--max-model-len -1", "--vllm-args:1:1: --max-model-len -1: the longest"},
        {"m --max-num-seqs $N", "--vllm-args:1:3: --max-num-seqs $N: a shell would put a value here"},
        {"vllm serve $MODEL", "--vllm-args:1:12: model $MODEL: a shell would put a value here"},
        {"-pp 2", "--vllm-args:1:1: -pp 2 is not modelled here: several batches"},
        {"m --speculative-config '{\"a\": 1}'",
         "--vllm-args:1:3: --speculative-config {\"a\": 1}: at column 1: speculative_config needs \"method\""},
        {"m --speculative-config '[1'", "--vllm-args:1:3: --speculative-config [1: at column 1: an array that does not end"},
        {"m --speculative-config.method", "--vllm-args:1:3: --speculative-config.method needs a value"},
        {"m --speculative-config.method $M", "--vllm-args:1:3: --speculative-config.method $M: a shell would put a value here"},
        {"m --spec-method.x eagle", "--vllm-args:1:3: --spec-method.x eagle: this option has no such part"},
        {"m --spec-method eagle -sc.num_speculative_token 2",
         "--vllm-args:1:3: --speculative-config {\"method\":\"eagle\",\"num_speculative_token\":2}: at column 1: speculative_config needs"},
        {"m --spec-tokens 3 -sc '{\"num_speculative_tokens\":2,\"method\":\"mtp\"}'", "--vllm-args:1:3: --speculative-config "},
        {"m --num-speculative-tokens 3", "--vllm-args:1:3: --num-speculative-tokens 3 is not modelled here: it is of older versions"},
        {"m --prefix-cache-retention-interval -1",
         "--vllm-args:1:3: --prefix-cache-retention-interval -1: must be an integer from 0 to 1000000000, or null"},
        {"--kv-transfer-config '{\"kv_connector\":\"LMCacheConnectorV1\"}'",
         "--vllm-args:1:1: --kv-transfer-config {\"kv_connector\":\"LMCacheConnectorV1\"} is not modelled here: blocks would come from and "
         "go to other servers; known are NixlConnector and OffloadingConnector"},
        {"--kv-transfer-config '{\"kv_connector\":\"NixlConnector\",\"kv_role\":\"kv_both\"}'",
         "--vllm-args:1:1: --kv-transfer-config {\"kv_connector\":\"NixlConnector\",\"kv_role\":\"kv_both\"}: it leaves open which half"},
        {"--kv-transfer-config '{\"kv_connector\":\"OffloadingConnector\"}'",
         "--vllm-args:1:1: --kv-transfer-config {\"kv_connector\":\"OffloadingConnector\"}: kv_connector_extra_config needs"},
        {"--kv-transfer-config '{\"kv_connector\":5}'", "--vllm-args:1:1: --kv-transfer-config {\"kv_connector\":5}: "},
        {"--kv-transfer-config '{'", "--vllm-args:1:1: --kv-transfer-config {: no JSON: "},
        {"--kv-offloading-backend lmcache", "--vllm-args:1:1: --kv-offloading-backend lmcache is not modelled here: another cache"},
        {"--kv-offloading-size many", "--vllm-args:1:1: --kv-offloading-size many: must be a number from 0 to"},
        {"--kv-transfer-config.kv_connector X", "--vllm-args:1:1: --kv-transfer-config.kv_connector X is not modelled here: blocks"},
        {"--enable-lora", "--vllm-args:1:1: --enable-lora is not modelled here: prefixes"},
        {"--quantization fp8", "--vllm-args:1:1: --quantization fp8 is not modelled here: weights"},
        {"VLLM_USE_V1=0 vllm serve m", "--vllm-args:1:1: VLLM_USE_V1=0"},
        {"docker run -e VLLM_USE_V1=0 vllm/vllm-openai m", "--vllm-args:1:15: VLLM_USE_V1=0"},
        {"m --config c.json", "--vllm-args: --config c.json: vLLM reads YAML alone"},
        {"nowhere.yaml", "nowhere.yaml: cannot be opened"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vllm_args args;
        struct diag diag = {0};
        cr_expect_eq(vllm_args_read(cases[i][0], &args, &diag), SIM_BAD_INPUT, "%s", cases[i][0]);
        cr_expect(strncmp(diag.text, cases[i][1], strlen(cases[i][1])) == 0, "%s gives %s", cases[i][0], diag.text);
        vllm_args_close(&args);
    }
}

Test(vllm_args, connectors_that_are_modelled_become_keys)
{
    static const char *const cases[][3] = {
        {"m --kv-offloading-size 20.5 --kv-offloading-backend native", "kv-offloading-size", "20.5"},
        {"m --kv-transfer-config '{\"kv_connector\":\"NixlConnector\",\"kv_role\":\"kv_consumer\",\"kv_buffer_device\":\"cuda\"}'",
         "kv_role", "kv_consumer"},
        {"m --kv-transfer-config='{\"kv_connector\":\"OffloadingConnector\",\"kv_role\":\"kv_both\",\"kv_connector_extra_config\":"
         "{\"cpu_bytes_to_use\":16106127360,\"eviction_policy\":\"lru\"}}'",
         "kv_offloading_size", "15"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vllm_args args;
        struct diag diag = {0};
        struct config config;
        bool negated;
        cr_assert_eq(vllm_args_read(cases[i][0], &args, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(args.count, 2, "the model and this");
        cr_expect_eq(config_find_option(args.options[1].name, &negated), config_find_option(cases[i][1], &negated));
        cr_expect_str_eq(args.options[1].value, cases[i][2]);
        cr_expect_eq(config_read(NULL, NULL, 0, &args.options[1], 1, &config, &diag), SIM_OK, "%s", diag.text);
        vllm_args_close(&args);
    }
}

/* Every option is known under one meaning, and a key's value is one that the key takes. */
Test(vllm_args, the_table_of_options_is_sound)
{
    struct vllm_option option, found;
    bool negated;
    for (size_t i = 0; vllm_option_key_at(i, &option); i++) {
        const struct config_key *key = vllm_option_key(&option);
        cr_assert(vllm_option_find(option.name, &found, &negated), "%s", option.name);
        cr_expect_eq(found.effect, VLLM_KEY, "%s", option.name);
        cr_expect(!key || (key->type == KEY_BOOL) == (option.values == VLLM_SWITCH), "%s", option.name);
        cr_expect(!key || key->group == KEY_TOP, "%s", option.name);
    }
    cr_expect(!vllm_option_find("seeds", &found, &negated));
    cr_expect(vllm_option_find("seed", &found, &negated) && found.effect == VLLM_NO_EFFECT, "vLLM's seed is the sampler's");
    cr_expect(!vllm_option_find("no-port", &found, &negated), "no switch");
    cr_expect(vllm_option_takes("a|bc", "bc") && vllm_option_takes("a|bc", "a") && !vllm_option_takes("a|bc", "b"));
    cr_expect(!vllm_option_takes(NULL, "a") && !vllm_option_takes("a|bc", ""));
}

/* The line wins over the YAML that it names, whatever the order in which they stand. */
Test(vllm_args, yaml_loses_to_the_line)
{
    static const char yaml[] = "model: y\nmax_num_seqs: 7\nblock-size: 8\nenable-prefix-caching: false\nport: 1\n";
    struct temp_file file = temp_file_make_named(yaml, sizeof yaml - 1, ".yaml");
    char line[256];
    struct vllm_args args;
    struct diag diag = {0};
    snprintf(line, sizeof line, "vllm serve m --block-size 32 --config %s", file.path);
    cr_assert_eq(vllm_args_read(line, &args, &diag), SIM_OK, "%s", diag.text);
    cr_expect_str_eq(keys_of(&args), "model=y max_num_seqs=7 block_size=8 model=m block_size=32", "%s", keys_of(&args));
    cr_expect_str_eq(args.unread.text, "enable-prefix-caching");
    cr_expect_str_eq(args.idle.text, "port");
    vllm_args_close(&args);
    cr_assert_eq(vllm_args_read(file.path, &args, &diag), SIM_OK, "%s", diag.text);
    cr_expect_str_eq(keys_of(&args), "model=y max_num_seqs=7 block_size=8", "%s", keys_of(&args));
    vllm_args_close(&args);
    temp_file_remove(&file);
}

/* Defaults, file, server's line, options: the later wins, wherever they stand. */
Test(vllm_args, a_line_stands_between_file_and_options)
{
    static const char text[] = "{\"max_num_seqs\": 1, \"block_size\": 8, \"trace_block_size\": 16}";
    const struct config_option options[] = {
        {"max_num_seqs", "2", true}, {"block_size", "32", true}, {"watermark", "0.5", true}, {"max-num-seqs", "3", false}};
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_read("c.json", text, sizeof text - 1, options, 4, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.max_num_seqs, 3);
    cr_expect_eq(config.block_size, 32);
    cr_expect(config.served && config_gives(&config, "watermark"));
    cr_expect(config_file_gives(&config, "trace_block_size") && !config_file_gives(&config, "block_size"));
}
