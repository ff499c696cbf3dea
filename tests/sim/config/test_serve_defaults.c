/* What `vllm serve` chooses for a GPU, where nobody says it. Numbers are those of vLLM's rule, worked out by hand. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/serve_defaults.h"
#include "config/sizing.h"
#include "support/temp_file.h"

enum { SETTINGS = 4 };

/* A GPU of that name and memory. */
static struct temp_file gpu_file(const char *name, double gib)
{
    char text[256];
    snprintf(text, sizeof text, "{\"name\": \"%s\", \"memory_bytes\": %.0f, \"bandwidth_gb_per_s\": 1, \"tflops\": 1}", name, gib * 0x1p30);
    return temp_file_make(text, strlen(text));
}

static struct config load(const char *gpu, const struct config_option *settings)
{
    struct config_option options[SETTINGS + 1] = {{"gpu", gpu}};
    struct config config;
    struct diag diag = {0};
    uint32_t count = 1;
    for (int i = 0; i < SETTINGS && settings[i].name; i++)
        options[count++] = settings[i];
    cr_assert_eq(config_load(NULL, options, count, &config, &diag), SIM_OK, "%s", diag.text);
    return config;
}

Test(serve_defaults, memory_and_name_choose)
{
    static const struct {
        const char *name;
        double gib;
        uint32_t seqs, tokens;
    } cases[] = {
        {"NVIDIA B200", 160, 1024, 16384},
        {"NVIDIA B200", 159.99, 1024, 8192},
        {"NVIDIA H100 80GB HBM3", 70, 1024, 8192},
        {"NVIDIA H100", 69.99, 256, 2048},
        {"NVIDIA A100-SXM4-80GB", 80, 256, 2048},
        {"a100", 159, 256, 2048},
        {"A100 of the future", 160, 1024, 16384},
        {"RTX A1000", 80, 256, 2048},
        {"A10", 80, 1024, 8192},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct temp_file file = gpu_file(cases[i].name, cases[i].gib);
        const struct config config = load(file.path, (struct config_option[SETTINGS]){{0}});
        cr_expect_eq(config.max_num_seqs, cases[i].seqs, "%s %g", cases[i].name, cases[i].gib);
        cr_expect_eq(config.max_num_batched_tokens, cases[i].tokens, "%s %g", cases[i].name, cases[i].gib);
        cr_expect_str_eq(serve_default_of(&config, "max_num_seqs"), "vllm serve");
        cr_expect_str_eq(serve_default_of(&config, "max_model_len"), "the scheduler", "no model says it");
        temp_file_remove(&file);
    }
}

/* 1024 sequences and 8192 tokens before the other rules, 131072 tokens of max_model_len unless it is said. */
Test(serve_defaults, what_is_given_bounds_what_is_not)
{
    static const struct {
        struct config_option settings[SETTINGS];
        uint32_t seqs, tokens;
    } cases[] = {
        {{{"max-num-seqs", "2"}, {"max-model-len", "100"}}, 2, 200},
        {{{"max-num-seqs", "8"}, {"max-model-len", "2000"}}, 8, 8192},
        {{{"max-num-batched-tokens", "300"}}, 300, 300},
        {{{"max-num-batched-tokens", "20000"}, {"max-num-seqs", "3000"}}, 3000, 20000},
        {{{"no-enable-chunked-prefill", NULL}}, 1024, 131072},
        {{{"no-enable-chunked-prefill", NULL}, {"max-model-len", "5000"}}, 1024, 8192},
        {{{"max-num-seqs", "128"}, {"max-num-batched-tokens", "2048"}}, 128, 2048},
    };
    struct temp_file file = gpu_file("H100", 80);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct config config = load(file.path, cases[i].settings);
        cr_expect_eq(config.max_num_seqs, cases[i].seqs, "case %zu: %u", i, config.max_num_seqs);
        cr_expect_eq(config.max_num_batched_tokens, cases[i].tokens, "case %zu: %u", i, config.max_num_batched_tokens);
    }
    temp_file_remove(&file);
}

Test(serve_defaults, the_models_length_is_the_longest)
{
    struct config config = load("h100", (struct config_option[SETTINGS]){{"model", "qwen3-32b"}, {"tensor-parallel-size", "2"}});
    struct sizing sizing;
    struct diag diag = {0};
    cr_expect_eq(config.max_model_len, 40960);
    cr_expect_str_eq(serve_default_of(&config, "max_model_len"), "the model");
    cr_assert_eq(sizing_fill(&config, &sizing, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.model_positions, 40960);
    config = load("h100", (struct config_option[SETTINGS]){{"model", "qwen3-32b"}, {"max-model-len", "131072"}});
    cr_expect_eq(config.max_model_len, 131072, "given, if only the scheduler's default");
    cr_expect_null(serve_default_of(&config, "max_model_len"));
}

/* Each change is looked at anew: a default must not stay when its reason is gone. */
Test(serve_defaults, another_gpu_brings_its_own)
{
    struct diag diag = {0};
    struct config config = load("h100", (struct config_option[SETTINGS]){{"model", "qwen3-32b"}});
    cr_assert_eq(config_set(&config, "gpu", "rtx-4090", &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.max_num_seqs, 256);
    cr_assert_eq(config_set(&config, "max_num_seqs", "64", &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_set(&config, "gpu", "h200", &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.max_num_seqs, 64);
    cr_expect_eq(config.max_num_batched_tokens, 8192);
    cr_assert_eq(config_set(&config, "gpu", "", &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.max_num_batched_tokens, 2048);
    cr_expect_eq(config.max_model_len, 131072);
    cr_expect_eq(config_set(&config, "gpu", "h1000", &diag), SIM_BAD_INPUT);
}

Test(serve_defaults, only_vllm_v1_with_a_gpu)
{
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_load(NULL, (struct config_option[]){{"model", "qwen3-32b"}}, 1, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.max_num_seqs, 128);
    cr_expect_eq(config.max_model_len, 131072);
    config = load("h100", (struct config_option[SETTINGS]){{"scheduler", "vllm-v0"}, {"model", "qwen3-32b"}});
    cr_expect_eq(config.max_num_seqs, 256);
    cr_expect_eq(config.max_model_len, 8192);
}

/* A token of Llama-3.1-8B: 2 x 32 layers x 8 heads x 128 numbers. */
Test(serve_defaults, fp8_halves_a_block)
{
    static const struct {
        const char *dtype;
        uint64_t bytes;
    } cases[] = {{"auto", 2}, {"float16", 2}, {"bfloat16", 2}, {"fp8", 1}, {"fp8_e4m3", 1}, {"fp8_e5m2", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config =
            load("h100", (struct config_option[SETTINGS]){{"model", "llama-3.1-8b"}, {"kv-cache-dtype", cases[i].dtype}});
        struct sizing sizing;
        struct diag diag = {0};
        cr_assert_eq(sizing_fill(&config, &sizing, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(config.block_bytes, UINT64_C(2) * 32 * 8 * 128 * 16 * cases[i].bytes, "%s", cases[i].dtype);
    }
}
