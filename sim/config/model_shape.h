/* model_shape.h - what a model is made of: a JSON file of configs/models, or the model's own config.json as it comes from the Hub.
 *
 * Keys are those of that file, of its text_config where it has one. Ours beside them, in bytes: `weight_bytes` of a parameter,
 * `expert_weight_bytes` of one of an expert, `embedding_weight_bytes` of one of an embedding, `kv_bytes` of a number of K or V; and
 * `other_parameters`, those that are no part of the language model but are loaded (of a vision tower). Where they are missing, they follow
 * from the file's dtype and quantization_config.
 *
 * A name is looked for as hardware.h says.
 */
#ifndef PAGESIM_MODEL_SHAPE_H
#define PAGESIM_MODEL_SHAPE_H

#include <stdint.h>

#include "config/config.h"

struct model_shape {
    double layers, hidden_size, heads, kv_heads, head_dim, intermediate_size, vocab_size;
    double weight_bytes, expert_weight_bytes, embedding_weight_bytes, kv_bytes; /* of one number */
    double tied;                                                                /* 1: input and output embedding are one */
    double max_positions;    /* max_position_embeddings: the longest prompt plus output; 0: the file does not say */
    double other_parameters; /* loaded, but no part of a step here */
    /* Mixtures of experts; 0 without. */
    double moe_layers, experts, experts_per_token, expert_size, shared_size; /* sizes: as intermediate_size */
    /* Latent attention: K and V of all heads are one vector of kv_rank + rope_dim numbers; 0 without. */
    double kv_rank, query_rank, nope_dim, rope_dim, value_dim;
    /* What layers remember, as kv_cache_groups has it; 0 kinds: all are full. */
    struct kv_layers kinds[KV_LAYERS_MOST];
    uint32_t kind_count;
};

/* SIM_BAD_INPUT: no such file (what was looked for is named), a key is missing or wrong, or layers are of a kind that is not modelled. All
 * bytes of *out are written, so that it can be compared as bytes. */
SIM_NODISCARD enum status model_shape_load(const char *name, struct model_shape *out, struct diag *diag);

/* Parameters: of all layers' attention, norms, dense and shared parts; of all experts; of one embedding; of everything. */
double model_dense_parameters(const struct model_shape *model);
double model_expert_parameters(const struct model_shape *model);
double model_embedding_parameters(const struct model_shape *model);
double model_parameters(const struct model_shape *model);
/* Of layers, those that work on a token: experts_per_token of the experts. */
double model_active_parameters(const struct model_shape *model);

/* Bytes of all weights. */
double model_weight_bytes(const struct model_shape *model);

/* Numbers that a query meets in K and in V of one token, of all heads of a layer. */
double model_attention_numbers(const struct model_shape *model);

/* Bytes of K and V of one token in one layer on one of `tensor_parallel` GPUs: 2 * KV heads * head_dim * bytes; a GPU has at least one KV
 * head, and of latent attention all. */
double model_kv_bytes_per_layer(const struct model_shape *model, uint32_t tensor_parallel);

#endif
