/* hardware.h - what a model is made of and what a GPU can do: JSON files of configs/models and configs/gpus, or the user's own.
 *
 * A name is looked for as configs/models/NAME.json (configs/gpus/NAME.json) in the current folder, next to the program in a checkout or
 * below any prefix, and where it was to be installed; then as people write it: meta-llama/Llama-3.1-8B-Instruct is llama-3.1-8b, and
 * "NVIDIA H100 80GB HBM3" is h100. What begins with a dot or a slash, ends in .json or is there as a file is a path; a path where no file is,
 * as that of a server's own disk, is looked for by its last part. Model files have the keys of the model's own config.json; `weight_bytes`
 * and `kv_bytes` are bytes a number.
 */
#ifndef PAGESIM_HARDWARE_H
#define PAGESIM_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

struct model_shape {
    double layers, hidden_size, heads, kv_heads, head_dim, intermediate_size, vocab_size;
    double weight_bytes, kv_bytes; /* of one number */
    double tied;                   /* 1: input and output embedding are one */
    double max_positions;          /* max_position_embeddings: the longest prompt plus output; 0: the file does not say */
};

enum { GPU_NAME_SIZE = 64 };

struct gpu {
    double memory_bytes, bandwidth_gb_per_s, tflops;
    char name[GPU_NAME_SIZE]; /* the whole one of its file, else the one that it was asked for by */
};

/* Is it a path, and no name to look for? */
bool hardware_is_path(const char *name);

/* SIM_BAD_INPUT: no such file (what was looked for is named), a key is missing or not a number above 0. */
SIM_NODISCARD enum status model_shape_load(const char *name, struct model_shape *out, struct diag *diag);
SIM_NODISCARD enum status gpu_load(const char *name, struct gpu *out, struct diag *diag);

/* Parameters of one layer (attention and a gated MLP), of the output embedding, and of the whole. */
double model_layer_parameters(const struct model_shape *model);
double model_parameters(const struct model_shape *model);

/* Bytes of K and V of one token on one of `tensor_parallel` GPUs: 2 * layers * KV heads * head_dim * bytes; a GPU has at least one KV head.
 * */
double model_kv_bytes_per_token(const struct model_shape *model, uint32_t tensor_parallel);

#endif
