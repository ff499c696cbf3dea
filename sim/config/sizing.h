/* sizing.h - the pool's size in users' terms: how many blocks fit on a GPU next to the weights.
 *
 *   KV cache = GPU memory * utilization - weights / tensor parallel size - overhead (startup_memory.h); or kv_cache_memory_bytes, if given
 *   blocks   = floor(KV cache / (2 * layers * KV heads * head_dim * bytes * block_size)), on each GPU alike
 */
#ifndef PAGESIM_SIZING_H
#define PAGESIM_SIZING_H

#include "config/config.h"

struct sizing {
    bool known;                                                                         /* the pool was sized here; else everything is 0 */
    bool direct;                                                                        /* kv_cache_memory_bytes was given */
    double gpu_bytes, utilization, weight_bytes, overhead_bytes, kv_bytes, block_bytes; /* of one GPU */
    uint32_t blocks;
};

struct model_shape;
/* The shape that config->model names, with K and V as kv_cache_dtype has them. */
SIM_NODISCARD enum status sizing_model(const struct config *config, struct model_shape *out, struct diag *diag);

/* With `model` set, fill config->block_bytes and config->model_positions; if in addition num_gpu_blocks is 0, size the pool. SIM_USAGE: the pool has no size and there
 * is not enough to tell it. SIM_BAD_INPUT: files are wrong, or nothing is left for the KV cache (the sum is told). */
SIM_NODISCARD enum status sizing_fill(struct config *config, struct sizing *out, struct diag *diag);

/* Only what the model says: block_bytes and model_positions. Without a model nothing happens, but that SIM_BAD_INPUT tells of offloading, which
 * needs a block's bytes. */
SIM_NODISCARD enum status sizing_fill_bytes(struct config *config, struct diag *diag);
/* Bytes of K and V that one block holds: of the configured model on one GPU, otherwise of the kv shape. */
uint64_t config_block_bytes(const struct config *config);
/* Is there a size, or what gives one? */
bool sizing_is_possible(const struct config *config);

/* Blocks that fit into the host's memory, where a block has its bytes of all GPUs: at most as many as a number can name. */
uint32_t sizing_host_blocks(const struct config *config);

/* How long one block takes between a GPU and the host: each GPU moves its own share over its own link. */
double sizing_host_block_ns(const struct config *config);

#endif
