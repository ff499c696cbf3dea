/* test_model_shape.c - the models of configs/models against published numbers, and files as the Hub has them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/model_shape.h"
#include "config/sizing.h"
#include "support/temp_file.h"

static struct model_shape load(const char *name)
{
    struct model_shape shape;
    struct diag diag = {0};
    cr_assert_eq(model_shape_load(name, &shape, &diag), SIM_OK, "%s", diag.text);
    return shape;
}

/* Parameters as the files of weights count them; bytes of K and V of a token over all layers, 16 bits a number: 2 x layers x KV heads x
 * head_dim x 2, of DeepSeek layers x (512 + 64) x 2. */
Test(model_shape, parameters_and_kv_bytes_are_those_that_are_published)
{
    static const struct {
        const char *name;
        double parameters, kv_bytes_per_token;
    } cases[] = {
        {"llama-2-7b", 6738415616, 524288},       {"llama-2-70b", 68976648192, 327680},
        {"llama-3.1-8b", 8030261248, 131072},     {"llama-3.1-70b", 70553706496, 327680},
        {"llama-3.1-405b", 405853388800, 516096}, {"llama-3.2-1b", 1235814400, 32768},
        {"llama-3.2-3b", 3212749824, 114688},     {"qwen2.5-0.5b", 494032768, 12288},
        {"qwen2.5-7b", 7615616512, 57344},        {"qwen2.5-32b", 32763876352, 262144},
        {"qwen2.5-72b", 72706203648, 327680},     {"qwen3-8b", 8190735360, 147456},
        {"qwen3-14b", 14768307200, 163840},       {"qwen3-32b", 32762123264, 262144},
        {"qwen3-30b-a3b", 30532122624, 98304},    {"qwen3-235b-a22b", 235093634560, 192512},
        {"mistral-7b-v0.1", 7241732096, 131072},  {"mistral-7b-v0.3", 7248023552, 131072},
        {"mistral-nemo", 12247782400, 163840},    {"mixtral-8x7b", 46702792704, 131072},
        {"mixtral-8x22b", 140620634112, 229376},  {"gemma-3-1b", 999885952, 26624},
        {"gemma-3-4b", 4300079472, 139264},       {"gemma-3-12b", 12187325040, 393216},
        {"gemma-3-27b", 27432406640, 507904},     {"gpt-oss-20b", 20914757184, 49152},
        {"gpt-oss-120b", 116829156672, 73728},    {"llama-4-scout", 108641793536, 196608},
        {"deepseek-v3", 671026419200, 70272},     {"deepseek-r1", 671026419200, 70272},
        {"phi-4", 14659507200, 204800},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct model_shape shape = load(cases[i].name);
        /* Biases and the norms of single heads are not counted. */
        cr_expect(fabs(model_parameters(&shape) / cases[i].parameters - 1) < 0.0005, "%s: %.0f", cases[i].name, model_parameters(&shape));
        cr_expect_eq(shape.layers * model_kv_bytes_per_layer(&shape, 1), cases[i].kv_bytes_per_token, "%s", cases[i].name);
    }
}

/* Published as "active", with embeddings, in 1e9; and the checkpoints' own sizes. */
Test(model_shape, experts_count_once_in_memory_and_when_chosen_in_a_step)
{
    static const struct {
        const char *name;
        double active, embeddings;
    } cases[] = {{"mixtral-8x7b", 12.9, 2}, {"mixtral-8x22b", 39.1, 2}, {"qwen3-30b-a3b", 3.3, 2}, {"qwen3-235b-a22b", 22.1, 2},
                 {"deepseek-v3", 37.5, 2},  {"llama-4-scout", 17.2, 2}, {"gpt-oss-120b", 5.1, 1},  {"gpt-oss-20b", 3.6, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct model_shape shape = load(cases[i].name);
        const double active = model_active_parameters(&shape) + cases[i].embeddings * model_embedding_parameters(&shape);
        cr_expect(fabs(active / (cases[i].active * 1e9) - 1) < 0.02, "%s: %g", cases[i].name, active);
    }
    const struct model_shape small = load("gpt-oss-20b"), large = load("gpt-oss-120b"), llama = load("llama-3.1-8b");
    cr_expect(fabs(model_weight_bytes(&small) / 0x1p30 - 12.8) < 0.05, "%g", model_weight_bytes(&small) / 0x1p30);
    cr_expect(fabs(model_weight_bytes(&large) / 0x1p30 - 60.8) < 0.12, "%g", model_weight_bytes(&large) / 0x1p30);
    cr_expect_eq(model_weight_bytes(&llama), 2 * model_parameters(&llama));
}

static void expect_layers(const struct model_shape *shape, const char *text, const char *what)
{
    struct config got, want;
    bool negated;
    const struct config_key *key = config_find_option("kv-cache-groups", &negated);
    config_defaults(SCHEDULER_VLLM_V1, &got);
    want = got;
    memcpy(got.kv_cache_groups, shape->kinds, sizeof got.kv_cache_groups);
    got.kv_cache_groups_count = shape->kind_count;
    cr_assert(config_key_parse(key, text, &want));
    cr_expect(config_key_equal(key, &got, &want), "%s", what);
}

#define SLIDING(window, layers) "{\"kind\":\"sliding_window\",\"window\":" #window ",\"layers\":" #layers "}"
#define CHUNKED(chunk, layers)  "{\"kind\":\"chunked_local\",\"chunk\":" #chunk ",\"layers\":" #layers "}"
#define FULL(layers)            "{\"kind\":\"full\",\"layers\":" #layers "}"

Test(model_shape, models_say_what_their_layers_remember)
{
    static const char *const cases[][2] = {{"gpt-oss-20b", "[" SLIDING(128, 12) "," FULL(12) "]"},
                                           {"gpt-oss-120b", "[" SLIDING(128, 18) "," FULL(18) "]"},
                                           {"gemma-3-27b", "[" SLIDING(1024, 52) "," FULL(10) "]"},
                                           {"gemma-3-1b", "[" SLIDING(512, 22) "," FULL(4) "]"},
                                           {"llama-4-scout", "[" CHUNKED(8192, 36) "," FULL(12) "]"},
                                           {"mistral-7b-v0.1", "[" SLIDING(4096, 32) "]"},
                                           {"mistral-7b-v0.3", "null"},
                                           {"deepseek-v3", "null"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct model_shape shape = load(cases[i][0]);
        expect_layers(&shape, cases[i][1], cases[i][0]);
    }
}

/* What every file needs, with four layers. */
#define FOUR_LAYERS                                                                                                                        \
    "\"num_hidden_layers\":4,\"hidden_size\":64,\"num_attention_heads\":8,\"intermediate_size\":128,\"vocab_size\":100,"                   \
    "\"torch_dtype\":\"bfloat16\""

static struct temp_file file_of(const char *members)
{
    char text[2048];
    snprintf(text, sizeof text, "{%s}", members);
    return temp_file_make(text, strlen(text));
}

/* The spellings of the Hub's files, old and new. */
Test(model_shape, files_of_the_hub_have_several_spellings)
{
    static const char *const cases[][2] = {
        {FOUR_LAYERS, "null"},
        {FOUR_LAYERS ",\"sliding_window\":9", "[" SLIDING(9, 4) "]"},
        {FOUR_LAYERS ",\"sliding_window\":null", "null"},
        {FOUR_LAYERS ",\"sliding_window\":9,\"use_sliding_window\":false", "null"},
        {FOUR_LAYERS ",\"sliding_window\":9,\"use_sliding_window\":true,\"max_window_layers\":3", "[" FULL(3) "," SLIDING(9, 1) "]"},
        {FOUR_LAYERS ",\"sliding_window\":9,\"sliding_window_pattern\":4", "[" SLIDING(9, 3) "," FULL(1) "]"},
        {FOUR_LAYERS ",\"sliding_window\":9,\"model_type\":\"gemma2\"", "[" SLIDING(9, 2) "," FULL(2) "]"},
        {FOUR_LAYERS ",\"sliding_window\":9,\"model_type\":\"gemma3_text\"", "[" SLIDING(9, 4) "]"},
        {FOUR_LAYERS
         ",\"sliding_window\":9,\"layer_types\":[\"full_attention\",\"sliding_attention\",\"full_attention\",\"full_attention\"]",
         "[" FULL(3) "," SLIDING(9, 1) "]"},
        {FOUR_LAYERS ",\"layer_types\":[\"full_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]", "null"},
        {FOUR_LAYERS ",\"attention_chunk_size\":32,\"layer_types\":[\"chunked_attention\",\"chunked_attention\",\"chunked_attention\","
                     "\"full_attention\"]",
         "[" CHUNKED(32, 3) "," FULL(1) "]"},
        {"\"model_type\":\"llama4\",\"text_config\":{\"model_type\":\"llama4_text\",\"attention_chunk_size\":32," FOUR_LAYERS "}",
         "[" CHUNKED(32, 3) "," FULL(1) "]"},
        {"\"model_type\":\"llama4_text\",\"attention_chunk_size\":32,\"no_rope_layers\":[0,1,1,0]," FOUR_LAYERS,
         "[" FULL(2) "," CHUNKED(32, 2) "]"},
        {"\"model_type\":\"llama4_text\",\"attention_chunk_size\":32,\"no_rope_layers\":[]," FOUR_LAYERS,
         "[" CHUNKED(32, 3) "," FULL(1) "]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct temp_file file = file_of(cases[i][0]);
        const struct model_shape shape = load(file.path);
        expect_layers(&shape, cases[i][1], cases[i][0]);
        cr_expect(shape.kv_heads == 8 && shape.head_dim == 8, "what is not said follows from the rest");
        temp_file_remove(&file);
    }
}

Test(model_shape, bytes_follow_from_dtype_and_quantization)
{
    static const struct {
        const char *members;
        double weight, expert, embedding, kv;
    } cases[] = {
        {FOUR_LAYERS, 2, 2, 2, 2},
        {FOUR_LAYERS ",\"dtype\":\"float32\"", 4, 4, 4, 4},
        {FOUR_LAYERS ",\"weight_bytes\":1,\"kv_bytes\":0.5", 1, 1, 1, 0.5},
        {FOUR_LAYERS ",\"weight_bytes\":2,\"expert_weight_bytes\":0.5,\"embedding_weight_bytes\":4", 2, 0.5, 4, 2},
        {FOUR_LAYERS ",\"quantization_config\":{\"quant_method\":\"fp8\"}", 1, 1, 2, 2},
        {FOUR_LAYERS ",\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4,\"group_size\":128}", 0.51953125, 0.51953125, 2, 2},
        {FOUR_LAYERS ",\"model_type\":\"gpt_oss\",\"quantization_config\":{\"quant_method\":\"mxfp4\"}", 2, 0.53125, 2, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct temp_file file = file_of(cases[i].members);
        const struct model_shape shape = load(file.path);
        cr_expect(shape.weight_bytes == cases[i].weight && shape.expert_weight_bytes == cases[i].expert &&
                      shape.embedding_weight_bytes == cases[i].embedding && shape.kv_bytes == cases[i].kv,
                  "%s: %g %g %g %g", cases[i].members, shape.weight_bytes, shape.expert_weight_bytes, shape.embedding_weight_bytes,
                  shape.kv_bytes);
        temp_file_remove(&file);
    }
}

/* By hand for hidden 64, 4 layers, experts of 3 x 64 x 16 = 3072. */
Test(model_shape, layers_with_experts_are_counted)
{
    static const struct {
        const char *members;
        double layers, size, shared, dense;
    } cases[] = {
        {",\"num_local_experts\":4", 4, 128, 0, 128},
        {",\"num_experts\":4,\"moe_intermediate_size\":16", 4, 16, 0, 128},
        {",\"num_experts\":4,\"moe_intermediate_size\":16,\"decoder_sparse_step\":2", 2, 16, 0, 128},
        {",\"num_experts\":4,\"moe_intermediate_size\":16,\"mlp_only_layers\":[0]", 3, 16, 0, 128},
        {",\"num_experts\":4,\"moe_intermediate_size\":16,\"shared_expert_intermediate_size\":24", 4, 16, 24, 128},
        {",\"n_routed_experts\":4,\"moe_intermediate_size\":16,\"n_shared_experts\":2,\"first_k_dense_replace\":1", 3, 16, 32, 128},
        {",\"num_local_experts\":4,\"model_type\":\"llama4_text\",\"intermediate_size_mlp\":256,\"interleave_moe_layer_step\":2", 2, 128,
         128, 256},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char members[1024];
        snprintf(members, sizeof members, "%s,\"num_experts_per_tok\":2%s", FOUR_LAYERS, cases[i].members);
        struct temp_file file = file_of(members);
        const struct model_shape shape = load(file.path);
        cr_expect(shape.moe_layers == cases[i].layers && shape.expert_size == cases[i].size && shape.shared_size == cases[i].shared &&
                      shape.intermediate_size == cases[i].dense,
                  "%s: %g %g %g %g", cases[i].members, shape.moe_layers, shape.expert_size, shape.shared_size, shape.intermediate_size);
        cr_expect_eq(model_expert_parameters(&shape), cases[i].layers * 4 * 3 * 64 * cases[i].size);
        const double half = model_expert_parameters(&shape) / 2; /* 2 of 4 */
        cr_expect_eq(model_active_parameters(&shape), model_dense_parameters(&shape) + half);
        temp_file_remove(&file);
    }
}

Test(model_shape, what_is_not_understood_is_refused)
{
    static const char *const cases[][2] = {
        {"\"hidden_size\":64", "no \"num_hidden_layers\""},
        {FOUR_LAYERS ",\"num_key_value_heads\":-1", "num_key_value_heads must be a number above 0"},
        {FOUR_LAYERS ",\"torch_dtype\":\"int8\"", "given twice"},
        {FOUR_LAYERS ",\"dtype\":\"int8\"", "no \"weight_bytes\""},
        {FOUR_LAYERS ",\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}", "add \"weight_bytes\""},
        {FOUR_LAYERS ",\"num_experts\":4", "\"num_experts_per_tok\""},
        {FOUR_LAYERS ",\"num_experts\":4,\"num_experts_per_tok\":5", "\"num_experts_per_tok\""},
        {FOUR_LAYERS ",\"layer_types\":[\"full_attention\"]", "1 names for 4 layers"},
        {FOUR_LAYERS ",\"layer_types\":[\"linear_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]", "not modelled"},
        {FOUR_LAYERS ",\"layer_types\":[\"sliding_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]",
         "no \"sliding_window\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct temp_file file = file_of(cases[i][0]);
        struct model_shape shape;
        struct diag diag = {0};
        cr_expect_eq(model_shape_load(file.path, &shape, &diag), SIM_BAD_INPUT, "%s", cases[i][0]);
        cr_expect(strstr(diag.text, cases[i][1]) && strncmp(diag.text, file.path, strlen(file.path)) == 0, "%s: %s", cases[i][0],
                  diag.text);
        temp_file_remove(&file);
    }
}

/* Of latent attention each GPU has all of K and V; of others its heads, and at least one. */
Test(model_shape, tensor_parallelism_splits_heads_only)
{
    const struct model_shape latent = load("deepseek-v3"), heads = load("gemma-3-4b");
    cr_expect_eq(model_kv_bytes_per_layer(&latent, 8), model_kv_bytes_per_layer(&latent, 1));
    cr_expect_eq(model_kv_bytes_per_layer(&heads, 2), model_kv_bytes_per_layer(&heads, 1) / 2);
    cr_expect_eq(model_kv_bytes_per_layer(&heads, 8), model_kv_bytes_per_layer(&heads, 1) / 4);
}

static uint64_t block_bytes(const struct config_option *options, uint32_t count, struct diag *diag)
{
    struct config config;
    struct sizing sizing;
    *diag = (struct diag){0};
    cr_assert_eq(config_load(NULL, options, count, &config, diag), SIM_OK, "%s", diag->text);
    config.num_gpu_blocks = 100;
    return sizing_fill(&config, &sizing, diag) == SIM_OK ? config.block_bytes : 0;
}

/* gpt-oss-20b: a layer has 16 x 2 x 8 x 64 x 2 = 32768 bytes of a block; Gemma-3-1b: 16 x 2 x 1 x 256 x 2 = 16384. */
Test(model_shape, a_block_has_room_for_the_largest_group)
{
    const struct config_option gpt[] = {{"model", "gpt-oss-20b"}, {"disable-hybrid-kv-cache-manager", NULL}};
    const struct config_option gemma[] = {{"model", "gemma-3-1b"}};
    const struct config_option own[] = {{"model", "gpt-oss-20b"}, {"kv-cache-groups", "[" SLIDING(8, 6) "," FULL(18) "]"}};
    const struct config_option none[] = {{"model", "gpt-oss-20b"}, {"kv-cache-groups", "null"}};
    const struct config_option wrong[] = {{"model", "gpt-oss-20b"}, {"kv-cache-groups", "[" SLIDING(8, 6) "," FULL(17) "]"}};
    const struct config_option draft[] = {{"model", "gpt-oss-20b"},
                                          {"kv-cache-groups", "[" SLIDING(8, 12) "," FULL(12) ",{\"kind\":\"full\",\"draft\":true}]"}};
    struct diag diag;
    cr_expect_eq(block_bytes(gpt, 1, &diag), UINT64_C(12) * 32768);
    cr_expect_eq(block_bytes(gpt, 2, &diag), UINT64_C(24) * 32768);
    cr_expect_eq(block_bytes(gemma, 1, &diag), UINT64_C(4) * 16384);
    cr_expect_eq(block_bytes(own, 2, &diag), UINT64_C(6) * 32768);
    cr_expect_eq(block_bytes(none, 2, &diag), UINT64_C(24) * 32768);
    cr_expect_eq(block_bytes(draft, 2, &diag), UINT64_C(13) * 32768);
    cr_expect_eq(block_bytes(wrong, 2, &diag), 0);
    cr_expect(strstr(diag.text, "kv_cache_groups has 23 layers and model \"gpt-oss-20b\" 24"), "%s", diag.text);
}

/* vLLM 0.10.1.1 printed, for gpt-oss-120b on four A100-80G, "GPU KV cache size: 2,640,144 tokens" of 45.32 GiB: tokens of its two groups, of
 * which each has half of the blocks. */
Test(model_shape, a_server_with_two_groups_had_as_many_blocks)
{
    const struct config_option options[] = {
        {"model", "gpt-oss-120b"}, {"tensor-parallel-size", "4"}, {"kv-cache-memory-bytes", "48661979955"}};
    struct config config;
    struct sizing sizing;
    struct diag diag = {0};
    cr_assert_eq(config_load(NULL, options, 3, &config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(sizing_fill(&config, &sizing, &diag), SIM_OK, "%s", diag.text);
    cr_expect(fabs(sizing.blocks / 2.0 * 16 / 2640144 - 1) < 0.0002, "%u", sizing.blocks); /* 45.32 is rounded */
}

/* What the model says is there until somebody else says it, and goes with the model. */
Test(model_shape, layers_come_with_the_model_and_go_with_it)
{
    const struct config_option options[] = {{"model", "gpt-oss-20b"}};
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_load(NULL, options, 1, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.kv_cache_groups_count, 2);
    cr_expect_eq(config.max_model_len, 131072, "the scheduler's own, as there is neither a GPU nor a server");
    cr_assert_eq(config_set(&config, "model", "llama-3.1-8b", &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.kv_cache_groups_count, 0);
    cr_assert_eq(config_set(&config, "kv_cache_groups", "[" SLIDING(8, 1) "]", &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_set(&config, "model", "gpt-oss-120b", &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.kv_cache_groups_count, 1);
}
