/* startup_memory.c - the rule of startup_memory.h, a function for each thing that lies in memory at the peak. Only three numbers are no
 * sizes of tensors; where they come from stands next to them. */
#include "config/startup_memory.h"

#include <math.h>

#define GIB 0x1p30

/* Read off servers' start-up lines: 0.16 GiB on A100s and 0.19 on an H100 are left of a model on one GPU when all tensors are taken off;
 * with tensor parallelism 0.12 to 0.16 GiB more on A100s and 0.5 on H100s. */
#define LIBRARIES     (0.2 * GIB)
#define COMMUNICATION (0.3 * GIB)
/* Of the one model with a vision tower whose start is known. */
#define DUMMY_IMAGES (2 * GIB)

enum { ACTIVATION_BYTES = 2 };

/* The widest place of a layer: input and residual, and what attention or the MLP makes of a token. A gated MLP has two halves and their
 * product; experts have these for each that a token chooses, where the first two give their place to the result. */
static double activations(const struct model_shape *model, double gpus, double tokens)
{
    const double attention = (2 * model->heads + 2 * model->kv_heads) * model->head_dim / gpus;
    const double mlp = 3 * fmax(model->moe_layers < model->layers ? model->intermediate_size : 0, model->shared_size) / gpus;
    const double expert = model->expert_size / gpus;
    const double experts = model->experts_per_token * (fmax(2 * expert, model->hidden_size) + expert);
    return ACTIVATION_BYTES * tokens * (2 * model->hidden_size + fmax(attention, fmax(mlp, experts)));
}

/* Bytes for a number of the vocabulary. Logits in 16 and in 32 bits and probabilities; PyTorch's top-k and top-p sort them, so values and
 * 64-bit positions twice, and sum them up. FlashInfer's do not sort. */
static double sampler(const struct config *config, const struct model_shape *model, double tokens)
{
    const double logits = 2 + 4 + 4, sorted = 2 * (4 + 8) - 2;
    const double bytes = logits + (config->flashinfer_sampler ? 0 : sorted);
    return fmin(config->max_num_seqs, tokens) * model->vocab_size * bytes + ACTIVATION_BYTES * tokens * model->hidden_size;
}

/* Sine and cosine, on every GPU. */
static double rotary_table(const struct config *config, const struct model_shape *model)
{
    const double positions = model->max_positions > 0 ? model->max_positions : config->max_model_len;
    return positions * ACTIVATION_BYTES * (model->kv_rank > 0 ? model->rope_dim : model->head_dim);
}

double startup_memory_bytes(const struct config *config, const struct model_shape *model)
{
    const double gpus = config->tensor_parallel_size, tokens = config->max_num_batched_tokens;
    if (config->overhead_bytes > 0)
        return (double)config->overhead_bytes;
    return LIBRARIES + (gpus > 1 ? COMMUNICATION : 0) + (model->other_parameters > 0 ? DUMMY_IMAGES : 0) + rotary_table(config, model) +
           fmax(activations(model, gpus, tokens), sampler(config, model, tokens));
}
