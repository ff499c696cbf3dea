/* sizing.c - what is left of a GPU's memory for the KV cache, in blocks. Read size_pool: it is the sum that vLLM computes at start, with
 * what its profile run finds replaced by the rule of startup_memory.h.
 *
 * All sums are for one GPU. With tensor parallelism each GPU holds its share of the weights and of every token's K and V, so all have the
 * same number of blocks, and one block table serves all of them. */
#include "config/sizing.h"

#include <math.h>

#include "base/units.h"
#include "config/hardware.h"
#include "config/kv_groups.h"
#include "config/kv_offloading.h"
#include "config/model_shape.h"
#include "config/startup_memory.h"

/* Fewer than two blocks hold nothing on V1, whose null block is one of them. */
static enum status size_pool(struct config *config, const struct model_shape *model, struct sizing *out, struct diag *diag)
{
    struct sizing made = {.known = true,
                          .direct = config->kv_cache_memory_bytes > 0,
                          .utilization = config->gpu_memory_utilization,
                          .weight_bytes = model_weight_bytes(model) / config->tensor_parallel_size,
                          .overhead_bytes = startup_memory_bytes(config, model),
                          .kv_bytes = (double)config->kv_cache_memory_bytes,
                          .block_bytes = (double)config->block_bytes};
    char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT];
    /* kv_cache_memory_bytes is vLLM's way around the sum: no GPU is needed then, and utilization does not count. */
    if (!made.direct) {
        struct gpu gpu;
        enum status status = gpu_load(config->gpu, &gpu, diag);
        if (status != SIM_OK)
            return status;
        /* The rule counts from what CUDA has, as vLLM does; overhead_bytes is all that is neither weights nor cache, the driver's share too. */
        made.gpu_bytes = config->overhead_bytes > 0 ? gpu.memory_bytes : gpu.memory_bytes - gpu.driver_bytes;
        made.kv_bytes = made.gpu_bytes * made.utilization - made.weight_bytes - made.overhead_bytes;
    }
    /* Negative when the weights alone are too large; the test below takes that, too. In doubles, so that no difference can wrap. */
    const double blocks = floor(made.kv_bytes / made.block_bytes);
    if (blocks < 2)
        return diag_set(diag, SIM_BAD_INPUT,
                        "nothing is left for the KV cache: %s usable, %s weights, %s overhead; raise gpu_memory_utilization or "
                        "tensor_parallel_size, or take a larger GPU",
                        unit_bytes(made.direct ? made.kv_bytes : made.gpu_bytes * made.utilization, a), unit_bytes(made.weight_bytes, b),
                        unit_bytes(made.overhead_bytes, c));
    /* The most that a block number can name: UINT32_MAX means no block (core). */
    config->sized = true;
    config->num_gpu_blocks = made.blocks = blocks < 4294967294.0 ? (uint32_t)blocks : 4294967294u;
    *out = made;
    return SIM_OK;
}

enum status sizing_model(const struct config *config, struct model_shape *out, struct diag *diag)
{
    static const double bytes[] = {[CACHE_FLOAT16] = 2, [CACHE_BFLOAT16] = 2, [CACHE_FP8] = 1, [CACHE_FP8_E4M3] = 1, [CACHE_FP8_E5M2] = 1};
    enum status status = model_shape_load(config->model, out, diag);
    if (status == SIM_OK && config->kv_cache_dtype != CACHE_AUTO)
        out->kv_bytes = bytes[config->kv_cache_dtype];
    return status;
}

/* Groups share the pool, so a block has room for the layers of the largest one. */
static enum status fill_block_bytes(struct config *config, const struct model_shape *model, struct diag *diag)
{
    struct kv_groups groups;
    double tokens = model->layers * config->block_size, layers = model->layers; /* tokens of a block, over its layers */
    enum status status = kv_groups_make(config, "configuration", &groups, diag);
    if (status != SIM_OK)
        return status;
    if (config->kv_cache_groups_count > 0) {
        tokens = layers = 0;
        for (uint32_t i = 0; i < groups.count; i++)
            tokens = fmax(tokens, (double)groups.list[i].layers * groups.list[i].block_size);
        for (uint32_t i = 0; i < config->kv_cache_groups_count; i++)
            layers += config->kv_cache_groups[i].draft ? 0 : config->kv_cache_groups[i].layers;
    }
    if (layers != model->layers)
        return diag_set(diag, SIM_BAD_INPUT, "kv_cache_groups has %g layers and model \"%s\" %g; give each kind its number of \"layers\"",
                        layers, config->model, model->layers);
    /* Any file's numbers fit the integer. */
    config->block_bytes = (uint64_t)fmin(model_kv_bytes_per_layer(model, config->tensor_parallel_size) * tokens, 0x1p62);
    return SIM_OK;
}

static enum status fill_model(struct config *config, struct model_shape *model, struct diag *diag)
{
    if (sizing_model(config, model, diag) != SIM_OK)
        return diag->status;
    config->model_positions = model->max_positions < 4294967295.0 ? (uint32_t)model->max_positions : 0;
    return fill_block_bytes(config, model, diag);
}

enum status sizing_fill_bytes(struct config *config, struct diag *diag)
{
    struct model_shape model;
    return config->model[0] ? fill_model(config, &model, diag) : offloading_check_bytes(config, diag);
}

/* K and V of every layer and head. bfloat16 and float16 take two bytes. */
uint64_t config_block_bytes(const struct config *config)
{
    if (config->block_bytes)
        return config->block_bytes;
    uint64_t bytes = config->kv.dtype == KV_DTYPE_FLOAT32 ? 4 : 2;
    return 2 * (uint64_t)config->kv.num_layers * config->kv.num_kv_heads * config->kv.head_dim * bytes * config->block_size;
}

bool sizing_is_possible(const struct config *config)
{
    return config->num_gpu_blocks > 0 || (config->model[0] && (config->gpu[0] || config->kv_cache_memory_bytes > 0));
}

/* num_gpu_blocks wins over the sum; a model is then still good for a block's bytes, which reports tell. */
enum status sizing_fill(struct config *config, struct sizing *out, struct diag *diag)
{
    struct model_shape model;
    *out = (struct sizing){0};
    /* A number of blocks that the user gave is never overruled or checked against the GPU. */
    const bool size = config->num_gpu_blocks == 0;
    if (!sizing_is_possible(config))
        return diag_set(diag, SIM_USAGE,
                        "the pool has no size; give num_gpu_blocks in the configuration or --num-gpu-blocks N, or --model "
                        "and --gpu (or --kv-cache-memory-bytes)");
    if (!config->model[0])
        return offloading_check_bytes(config, diag);
    if (fill_model(config, &model, diag) != SIM_OK)
        return diag->status;
    return size ? size_pool(config, &model, out, diag) : SIM_OK;
}

/* --- the host's memory ------------------------------------------------------------------------------------------------------------- */

static double bytes_of_all_gpus(const struct config *config)
{
    return (double)config_block_bytes(config) * config->tensor_parallel_size;
}

uint32_t sizing_host_blocks(const struct config *config)
{
    const double blocks = floor(config->kv_offloading_size * 0x1p30 / bytes_of_all_gpus(config));
    return blocks < 4294967294.0 ? (uint32_t)blocks : 4294967294U;
}

/* A gigabyte a second is a byte a nanosecond. */
double sizing_host_block_ns(const struct config *config)
{
    return (double)config_block_bytes(config) / config->kv_offloading_gb_per_s;
}
