/* model_shape.c - reads a model's file and counts its parameters. Read read_shape() first; what layers remember is in read_kinds(), and the
 * sums are at the end.
 */
#include "config/model_shape.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "config/hardware.h"

struct reader {
    const struct json_document *document;
    const cJSON *text; /* the language model's part of the file */
    struct model_shape *out;
    struct diag *diag;
};

/* --- looking at the file ----------------------------------------------------------------------------------------------------------- */

/* NULL: no such key, or null. The language model's part comes first; what both have is said there. */
static const cJSON *find(const struct reader *reader, const char *key)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(reader->text, key);
    if (!node || cJSON_IsNull(node))
        node = cJSON_GetObjectItemCaseSensitive(reader->document->root, key);
    return cJSON_IsNull(node) ? NULL : node;
}

static const char *find_text(const struct reader *reader, const char *key)
{
    const char *text = cJSON_GetStringValue(find(reader, key));
    return text ? text : "";
}

static bool is_type(const struct reader *reader, const char *start)
{
    return strncmp(find_text(reader, "model_type"), start, strlen(start)) == 0;
}

/* A key and where its number goes; NULL ends a list. What may be missing stays as it is then, and may be 0. */
struct number {
    const char *key;
    double *out;
    bool optional;
};

/* Booleans count as 0 and 1. Other keys of the file are none of our business. */
static enum status read_numbers(const struct reader *reader, const struct number *number)
{
    for (; number->key; number++) {
        const cJSON *node = find(reader, number->key);
        if (!node && number->optional)
            continue;
        if (!node)
            return json_error(reader->document, reader->document->root, false, reader->diag, "no \"%s\"", number->key);
        const bool truth = cJSON_IsBool(node);
        if (!truth && (!cJSON_IsNumber(node) || !isfinite(node->valuedouble) || node->valuedouble < 0 ||
                       (node->valuedouble <= 0 && !number->optional)))
            return json_error(reader->document, node, false, reader->diag, "%s must be a number above 0", number->key);
        *number->out = truth ? cJSON_IsTrue(node) : node->valuedouble;
    }
    return SIM_OK;
}

/* --- bytes ------------------------------------------------------------------------------------------------------------------------- */

/* Of the dtypes that models are published in; 0: another one. */
static double dtype_bytes(const char *name)
{
    const bool half = strcmp(name, "bfloat16") == 0 || strcmp(name, "float16") == 0;
    return half ? 2 : strcmp(name, "float32") == 0 ? 4 : 0;
}

/* As stored: 4 bits and a byte of scale for 32 numbers (mxfp4); a scale and a zero point for each group of awq and gptq. */
static double quantized_bytes(const cJSON *config)
{
    const char *method = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "quant_method"));
    const cJSON *bits = cJSON_GetObjectItemCaseSensitive(config, "bits"), *group = cJSON_GetObjectItemCaseSensitive(config, "group_size");
    if (method && strcmp(method, "mxfp4") == 0)
        return 0.5 + 1.0 / 32;
    if (method && strcmp(method, "fp8") == 0)
        return 1;
    if (method && (strcmp(method, "awq") == 0 || strcmp(method, "gptq") == 0) && cJSON_IsNumber(bits) && cJSON_IsNumber(group) &&
        group->valuedouble > 0)
        return bits->valuedouble / 8 + (2 + bits->valuedouble / 8) / group->valuedouble;
    return 0;
}

/* What the file does not say in our keys. Embeddings are not quantised, and of mxfp4 nothing but the experts is. */
static enum status read_bytes(const struct reader *reader)
{
    struct model_shape *out = reader->out;
    const cJSON *quantized = find(reader, "quantization_config");
    const char *dtype = *find_text(reader, "dtype") ? find_text(reader, "dtype") : find_text(reader, "torch_dtype");
    const double plain = dtype_bytes(dtype);
    struct number numbers[] = {{"weight_bytes", &out->weight_bytes, true},
                               {"expert_weight_bytes", &out->expert_weight_bytes, true},
                               {"embedding_weight_bytes", &out->embedding_weight_bytes, true},
                               {"kv_bytes", &out->kv_bytes, true},
                               {NULL, NULL, false}};
    enum status status = read_numbers(reader, numbers);
    if (status != SIM_OK)
        return status;
    if (out->weight_bytes <= 0 && plain > 0) {
        const double packed = quantized ? quantized_bytes(quantized) : plain;
        const bool experts_alone = quantized && packed > 0 && strcmp(find_text(reader, "model_type"), "gpt_oss") == 0;
        if (packed <= 0)
            return json_error(reader->document, quantized, false, reader->diag,
                              "this quantization is not known here; add \"weight_bytes\", the bytes of a parameter with its scales");
        out->weight_bytes = experts_alone ? plain : packed;
        out->expert_weight_bytes = packed;
        out->embedding_weight_bytes = plain;
    }
    if (out->kv_bytes <= 0)
        out->kv_bytes = plain;
    if (out->weight_bytes <= 0 || out->kv_bytes <= 0)
        return json_error(reader->document, reader->document->root, false, reader->diag, "no \"%s\", and no dtype that says it",
                          out->weight_bytes <= 0 ? "weight_bytes" : "kv_bytes");
    out->expert_weight_bytes = out->expert_weight_bytes > 0 ? out->expert_weight_bytes : out->weight_bytes;
    out->embedding_weight_bytes = out->embedding_weight_bytes > 0 ? out->embedding_weight_bytes : out->weight_bytes;
    return SIM_OK;
}

/* --- experts ----------------------------------------------------------------------------------------------------------------------- */

/* Each family has its own names; the numbers mean the same. Llama 4 has one shared expert beside those that are chosen, and layers without
 * experts are of intermediate_size_mlp. */
static enum status read_experts(const struct reader *reader)
{
    struct model_shape *out = reader->out;
    const bool llama4 = is_type(reader, "llama4");
    double dense_first = 0, every = 1, shared = 0;
    struct number numbers[] = {{"num_local_experts", &out->experts, true},
                               {"num_experts", &out->experts, true},
                               {"n_routed_experts", &out->experts, true},
                               {"num_experts_per_tok", &out->experts_per_token, true},
                               {"experts_per_token", &out->experts_per_token, true},
                               {"moe_intermediate_size", &out->expert_size, true},
                               {"n_shared_experts", &shared, true},
                               {"shared_expert_intermediate_size", &out->shared_size, true},
                               {"first_k_dense_replace", &dense_first, true},
                               {"interleave_moe_layer_step", &every, true},
                               {"decoder_sparse_step", &every, true},
                               {NULL, NULL, false}};
    enum status status = read_numbers(reader, numbers);
    if (status != SIM_OK || out->experts <= 1) {
        out->experts = out->experts_per_token = out->expert_size = out->shared_size = 0;
        return status;
    }
    if (out->experts_per_token < 1 || out->experts_per_token > out->experts)
        return json_error(reader->document, reader->document->root, false, reader->diag,
                          "%g experts, and \"num_experts_per_tok\" is no number from 1 to that", out->experts);
    out->expert_size = out->expert_size > 0 ? out->expert_size : out->intermediate_size;
    out->shared_size += shared * out->expert_size;
    if (llama4) {
        const struct number dense[] = {{"intermediate_size_mlp", &out->intermediate_size, true}, {NULL, NULL, false}};
        out->shared_size = out->expert_size;
        status = read_numbers(reader, dense);
    }
    out->moe_layers = fmax(0, floor((out->layers - dense_first) / fmax(1, every)) - cJSON_GetArraySize(find(reader, "mlp_only_layers")));
    return status;
}

/* --- what layers remember ------------------------------------------------------------------------------------------------------------ */

/* Kinds in the order in which they first appear. */
static void add_layer(struct model_shape *out, enum kv_kind kind, double reach)
{
    uint32_t at = 0;
    while (at < out->kind_count && out->kinds[at].kind != kind)
        at++;
    if (at == out->kind_count) {
        out->kinds[at].kind = kind;
        out->kinds[at].reach = kind == KV_KIND_FULL ? 0 : (uint32_t)reach;
        out->kind_count++;
    }
    out->kinds[at].layers++;
}

/* A list of a name a layer, as newer files have it. */
static enum status read_layer_types(const struct reader *reader, const cJSON *types, double window, double chunk)
{
    for (const cJSON *node = types->child; node; node = node->next) {
        const char *name = cJSON_IsString(node) ? node->valuestring : "";
        const bool full = strcmp(name, "full_attention") == 0, sliding = strcmp(name, "sliding_attention") == 0;
        if (!full && !sliding && strcmp(name, "chunked_attention") != 0)
            return json_error(reader->document, node, false, reader->diag,
                              "layers of this kind are not modelled here; known are \"full_attention\", \"sliding_attention\" and "
                              "\"chunked_attention\"");
        if ((sliding && window < 1) || (!full && !sliding && chunk < 1))
            return json_error(reader->document, node, false, reader->diag, "the file has no \"%s\" for this",
                              sliding ? "sliding_window" : "attention_chunk_size");
        add_layer(reader->out, full ? KV_KIND_FULL : sliding ? KV_KIND_SLIDING_WINDOW : KV_KIND_CHUNKED_LOCAL, sliding ? window : chunk);
    }
    return SIM_OK;
}

/* Llama 4: layers with rotary embeddings look at their chunk, those without at everything; every fourth, unless the file lists them. */
static enum status read_no_rope(const struct reader *reader, double chunk)
{
    const cJSON *list = find(reader, "no_rope_layers");
    const cJSON *node = list ? list->child : NULL;
    for (uint32_t i = 0; i < reader->out->layers; i++) {
        const bool rope = node ? node->valueint != 0 && node->valuedouble > 0 : (i + 1) % 4 != 0;
        add_layer(reader->out, rope && chunk >= 1 ? KV_KIND_CHUNKED_LOCAL : KV_KIND_FULL, chunk);
        node = node ? node->next : NULL;
    }
    return SIM_OK;
}

/* Files that have no list: the last of every so many layers is full (Gemma 3: 6, Gemma 2: 2), or the first ones are (Qwen), or all have the
 * window. Qwen mostly writes down a window that it does not use. */
static void read_pattern(const struct reader *reader, double window)
{
    double every = is_type(reader, "gemma3") ? 6 : is_type(reader, "gemma2") ? 2 : 0, full_first = 0;
    const cJSON *use = find(reader, "use_sliding_window"), *pattern = find(reader, "sliding_window_pattern"),
                *first = find(reader, "max_window_layers");
    if (window < 1 || cJSON_IsFalse(use))
        return;
    if (cJSON_IsNumber(pattern))
        every = pattern->valuedouble;
    if (cJSON_IsTrue(use) && cJSON_IsNumber(first))
        full_first = first->valuedouble;
    for (uint32_t i = 0; i < reader->out->layers; i++)
        add_layer(reader->out, i < full_first || (every >= 1 && fmod(i + 1, floor(every)) == 0) ? KV_KIND_FULL : KV_KIND_SLIDING_WINDOW,
                  window);
}

/* Nothing is kept where all layers are full. */
static enum status read_kinds(const struct reader *reader)
{
    struct model_shape *out = reader->out;
    double window = 0, chunk = 0;
    struct number numbers[] = {{"sliding_window", &window, true}, {"attention_chunk_size", &chunk, true}, {NULL, NULL, false}};
    const cJSON *types = find(reader, "layer_types");
    enum status status = read_numbers(reader, numbers);
    if (status != SIM_OK)
        return status;
    if (window > 1e9 || chunk > 1e9 || out->layers > 10000)
        return json_error(reader->document, reader->document->root, false, reader->diag,
                          "a window, a chunk or a number of layers is too large");
    if (cJSON_IsArray(types) && cJSON_GetArraySize(types) != out->layers)
        return json_error(reader->document, types, false, reader->diag, "layer_types has %d names for %g layers", cJSON_GetArraySize(types),
                          out->layers);
    if (cJSON_IsArray(types))
        status = read_layer_types(reader, types, window, chunk);
    else if (is_type(reader, "llama4"))
        status = read_no_rope(reader, chunk);
    else
        read_pattern(reader, window);
    if (out->kind_count == 1 && out->kinds[0].kind == KV_KIND_FULL)
        out->kind_count = 0;
    return status;
}

/* --- the whole file ------------------------------------------------------------------------------------------------------------------ */

static enum status read_shape(const struct json_document *document, void *self, struct diag *diag)
{
    struct model_shape *out = self;
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(document->root, "text_config");
    const struct reader reader = {.document = document, .text = cJSON_IsObject(text) ? text : document->root, .out = out, .diag = diag};
    struct number numbers[] = {{"num_hidden_layers", &out->layers, false},
                               {"hidden_size", &out->hidden_size, false},
                               {"num_attention_heads", &out->heads, false},
                               {"num_key_value_heads", &out->kv_heads, true},
                               {"head_dim", &out->head_dim, true},
                               {"intermediate_size", &out->intermediate_size, false},
                               {"vocab_size", &out->vocab_size, false},
                               {"tie_word_embeddings", &out->tied, true},
                               {"max_position_embeddings", &out->max_positions, true},
                               {"other_parameters", &out->other_parameters, true},
                               {"kv_lora_rank", &out->kv_rank, true},
                               {"q_lora_rank", &out->query_rank, true},
                               {"qk_nope_head_dim", &out->nope_dim, true},
                               {"qk_rope_head_dim", &out->rope_dim, true},
                               {"v_head_dim", &out->value_dim, true},
                               {NULL, NULL, false}};
    out->tied = is_type(&reader, "gemma");
    enum status status = read_numbers(&reader, numbers);
    if (status != SIM_OK)
        return status;
    out->kv_heads = out->kv_heads > 0 ? out->kv_heads : out->heads;
    out->head_dim = out->head_dim > 0 ? out->head_dim : floor(out->hidden_size / out->heads);
    status = read_bytes(&reader);
    if (status == SIM_OK)
        status = read_experts(&reader);
    return status == SIM_OK ? read_kinds(&reader) : status;
}

enum status model_shape_load(const char *name, struct model_shape *out, struct diag *diag)
{
    struct model_shape made;
    memset(&made, 0, sizeof made);
    enum status status = hardware_read(name, "models", read_shape, &made, diag);
    if (status == SIM_OK)
        memcpy(out, &made, sizeof made);
    return status;
}

/* --- sums ---------------------------------------------------------------------------------------------------------------------------- */

/* Query and output projections have all heads, key and value projections the KV heads. Latent attention goes through two narrow vectors. */
static double attention_parameters(const struct model_shape *model)
{
    const double query_dim = model->nope_dim + model->rope_dim;
    if (model->kv_rank <= 0)
        return model->hidden_size * model->head_dim * (2 * model->heads + 2 * model->kv_heads);
    const double query = model->query_rank > 0 ? model->query_rank * (model->hidden_size + model->heads * query_dim)
                                               : model->hidden_size * model->heads * query_dim;
    return query + model->hidden_size * (model->kv_rank + model->rope_dim) +
           model->kv_rank * model->heads * (model->nope_dim + model->value_dim) + model->heads * model->value_dim * model->hidden_size;
}

/* A gated MLP has three matrices; two norms. */
double model_dense_parameters(const struct model_shape *model)
{
    const double mlps = (model->layers - model->moe_layers) * model->intermediate_size + model->moe_layers * model->shared_size;
    const double routers = model->moe_layers * model->experts * model->hidden_size;
    return model->layers * (attention_parameters(model) + 2 * model->hidden_size) + 3 * model->hidden_size * mlps + routers;
}

double model_expert_parameters(const struct model_shape *model)
{
    return model->moe_layers * model->experts * 3 * model->hidden_size * model->expert_size;
}

double model_embedding_parameters(const struct model_shape *model)
{
    return model->vocab_size * model->hidden_size;
}

/* Tied embeddings exist once. The last norm is hidden_size. */
static double embeddings(const struct model_shape *model)
{
    return (model->tied > 0 ? 1 : 2) * model_embedding_parameters(model);
}

double model_parameters(const struct model_shape *model)
{
    return model_dense_parameters(model) + model_expert_parameters(model) + embeddings(model) + model->hidden_size +
           model->other_parameters;
}

double model_active_parameters(const struct model_shape *model)
{
    const double share = model->experts > 0 ? model->experts_per_token / model->experts : 0;
    return model_dense_parameters(model) + share * model_expert_parameters(model);
}

double model_weight_bytes(const struct model_shape *model)
{
    return (model_dense_parameters(model) + model->hidden_size) * model->weight_bytes +
           model_expert_parameters(model) * model->expert_weight_bytes +
           (embeddings(model) + model->other_parameters) * model->embedding_weight_bytes;
}

/* Latent attention compares and sums the narrow vector itself. */
double model_attention_numbers(const struct model_shape *model)
{
    return model->heads * (model->kv_rank > 0 ? 2 * model->kv_rank + model->rope_dim : 2 * model->head_dim);
}

/* With more GPUs than KV heads each GPU keeps a copy of one head, as vLLM does. */
double model_kv_bytes_per_layer(const struct model_shape *model, uint32_t tensor_parallel)
{
    const double kv_heads = fmax(1, floor(model->kv_heads / tensor_parallel));
    return model->kv_bytes * (model->kv_rank > 0 ? model->kv_rank + model->rope_dim : 2 * kv_heads * model->head_dim);
}
