/* hardware.c - numbers from JSON files, and the sums that pool sizes and the roofline model are made of. Read `load` for where a name is
 * looked for; the formulas are at the end.
 */
#include "config/hardware.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

#ifndef PAGESIM_DATA
#define PAGESIM_DATA "/usr/local/share/pagesim"
#endif

enum { PATH_SIZE = 2048 };

/* A key that a file must have, and where its value goes. NULL ends a list. */
struct number {
    const char *key;
    double *out;
};

/* A path is taken as it is; a name is looked for here and then where the program was installed. `path` is the last place tried. */
static bool find_file(const char *name, const char *kind, char *path, size_t size)
{
    if (strchr(name, '/') || access(name, R_OK) == 0) {
        snprintf(path, size, "%s", name);
        return true;
    }
    snprintf(path, size, "configs/%s/%s.json", kind, name);
    if (access(path, R_OK) == 0)
        return true;
    snprintf(path, size, "%s/configs/%s/%s.json", PAGESIM_DATA, kind, name);
    return access(path, R_OK) == 0;
}

/* Booleans count as 0 and 1. Other keys of the file are none of our business: a model file can be the model's whole config.json. */
static enum status read_numbers(const struct json_document *document, void *self, struct diag *diag)
{
    for (const struct number *number = self; number->key; number++) {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, number->key);
        if (!node)
            return json_error(document, document->root, false, diag, "no \"%s\"", number->key);
        const bool truth = cJSON_IsBool(node);
        if (!truth && (!cJSON_IsNumber(node) || !isfinite(node->valuedouble) || node->valuedouble <= 0))
            return json_error(document, node, false, diag, "%s must be a number above 0", number->key);
        *number->out = truth ? cJSON_IsTrue(node) : node->valuedouble;
    }
    return SIM_OK;
}

/* The error names what was looked for, as a name that is not found is most often a path that was meant from another folder. */
static enum status load(const char *name, const char *kind, struct number *numbers, struct diag *diag)
{
    char path[PATH_SIZE];
    if (!find_file(name, kind, path, sizeof path))
        return diag_set(diag, SIM_BAD_INPUT, "\"%s\": no file of that name, no configs/%s/%s.json here and no %s; give a file's path", name,
                        kind, name, path);
    return json_read_file(path, read_numbers, numbers, diag);
}

/* Keys as in the model's own config.json on the Hub, and two of ours: bytes a weight, bytes a K/V number. */
enum status model_shape_load(const char *name, struct model_shape *out, struct diag *diag)
{
    struct model_shape made = {0};
    struct number numbers[] = {{"num_hidden_layers", &made.layers},
                               {"hidden_size", &made.hidden_size},
                               {"num_attention_heads", &made.heads},
                               {"num_key_value_heads", &made.kv_heads},
                               {"head_dim", &made.head_dim},
                               {"intermediate_size", &made.intermediate_size},
                               {"vocab_size", &made.vocab_size},
                               {"weight_bytes", &made.weight_bytes},
                               {"kv_bytes", &made.kv_bytes},
                               {"tie_word_embeddings", &made.tied},
                               {NULL, NULL}};
    enum status status = load(name, "models", numbers, diag);
    if (status == SIM_OK)
        *out = made;
    return status;
}

enum status gpu_load(const char *name, struct gpu *out, struct diag *diag)
{
    struct gpu made = {0};
    struct number numbers[] = {
        {"memory_bytes", &made.memory_bytes}, {"bandwidth_gb_per_s", &made.bandwidth_gb_per_s}, {"tflops", &made.tflops}, {NULL, NULL}};
    enum status status = load(name, "gpus", numbers, diag);
    if (status == SIM_OK)
        *out = made;
    return status;
}

/* Query and output projections have all heads, key and value projections the KV heads; the gated MLP has three matrices; two norms. */
double model_layer_parameters(const struct model_shape *model)
{
    const double attention = model->hidden_size * model->head_dim * (2 * model->heads + 2 * model->kv_heads);
    return attention + 3 * model->hidden_size * model->intermediate_size + 2 * model->hidden_size;
}

/* Tied embeddings exist once. The last norm is hidden_size. */
double model_parameters(const struct model_shape *model)
{
    const double embeddings = (model->tied > 0 ? 1 : 2) * model->vocab_size * model->hidden_size;
    return model->layers * model_layer_parameters(model) + embeddings + model->hidden_size;
}

/* With more GPUs than KV heads each GPU keeps a copy of one head, as vLLM does. */
double model_kv_bytes_per_token(const struct model_shape *model, uint32_t tensor_parallel)
{
    const double kv_heads = fmax(1, floor(model->kv_heads / tensor_parallel));
    return 2 * model->layers * kv_heads * model->head_dim * model->kv_bytes;
}
