/* step_time_roofline.c - a step's time from the model's shape and the GPU's data sheet alone: each part takes the longer of computing and
 * of reading memory, at the shares of the peaks that kernels reach.
 *
 *   matrices   2 FLOP a parameter and token (the output embedding: a sequence); all weights are read once, of experts those that some token
 *              of the step chooses, if all are as likely
 *   attention  4 FLOP a layer, query head, dim and pair of tokens; K and V of every context are read once
 *
 *   all-reduces two a layer of a vector of 16 bits a token: in a ring each GPU sends it 2 (gpus - 1) / gpus times, at the same share of the
 *              link's bandwidth as of the memory's
 *   layers     layer_us each: launches of kernels and the latency of all-reduces, which no data sheet says; roofline_fit.h finds it
 *
 * Weights, heads and pairs are split over the tensor-parallel GPUs. */
#include <math.h>

#include "base/portable_math.h"
#include "config/hardware.h"
#include "config/model_shape.h"
#include "config/sizing.h"
#include "time/step_time_models.h"

/* Everything that does not depend on the step. */
struct roofline {
    double token_flops, sequence_flops, pair_flops; /* of one GPU */
    double weight_bytes, expert_bytes, kv_bytes_per_token;
    double log_passed;                 /* of the chance that a token passes an expert by */
    double flops_per_ns, bytes_per_ns; /* reached */
    double layers_ns, prompt_layers_ns, link_ns_per_token;
};

/* Matrices and attention are different kernels, so each takes the longer of its own two times and the times add up. */
static int64_t price(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct roofline *roofline = model->state;
    if (shape->idle)
        return model->config.base_ns;
    const double chunk = (double)shape->prefill_tokens;
    const double pairs = (double)shape->decode_context + (double)shape->prefill_context_product + chunk * chunk / 2;
    const double read_tokens = (double)(shape->decode_context + shape->prefill_context + shape->prefill_tokens);
    const double matrix_flops = roofline->token_flops * (double)shape->scheduled_tokens + roofline->sequence_flops * shape->sequences;
    const double passed = roofline->expert_bytes > 0 ? portable_exp(roofline->log_passed * (double)shape->scheduled_tokens) : 0;
    const double weight_bytes = roofline->weight_bytes + roofline->expert_bytes * (1 - passed);
    const double matrices = fmax(matrix_flops / roofline->flops_per_ns, weight_bytes / roofline->bytes_per_ns);
    const double attention =
        fmax(roofline->pair_flops * pairs / roofline->flops_per_ns, roofline->kv_bytes_per_token * read_tokens / roofline->bytes_per_ns);
    const double layers = roofline->layers_ns + (shape->prefill_chunks > 0 ? roofline->prompt_layers_ns : 0);
    return step_time_rounded(matrices + attention + layers + roofline->link_ns_per_token * (double)shape->scheduled_tokens);
}

/* Shape and data sheet once, so that a price is a handful of multiplications. */
static enum status prepare(struct step_time_model *model, const struct config *config, struct diag *diag)
{
    struct model_shape shape;
    struct gpu gpu;
    struct roofline *roofline = model->state;
    if (!config->model[0] || !config->gpu[0])
        return diag_set(diag, SIM_BAD_INPUT, "the roofline model needs model and gpu, as in --model llama-3.1-8b --gpu h100");
    enum status status = sizing_model(config, &shape, diag);
    if (status == SIM_OK)
        status = gpu_load(config->gpu, &gpu, diag);
    if (status != SIM_OK)
        return status;
    const double sent = shape.layers * 2 * 2 * shape.hidden_size * 2 * (config->tensor_parallel_size - 1) / config->tensor_parallel_size;
    const double gpus = config->tensor_parallel_size, output = model_embedding_parameters(&shape);
    const double chosen = shape.experts > 0 ? shape.experts_per_token / shape.experts : 0;
    *roofline = (struct roofline){
        .token_flops = 2 * model_active_parameters(&shape) / gpus,
        .sequence_flops = 2 * output / gpus,
        .pair_flops = 2 * shape.layers * model_attention_numbers(&shape) / gpus,
        .weight_bytes = (model_dense_parameters(&shape) * shape.weight_bytes + output * shape.embedding_weight_bytes) / gpus,
        .expert_bytes = model_expert_parameters(&shape) * shape.expert_weight_bytes / gpus,
        .log_passed = chosen < 1 ? portable_log(1 - chosen) : -1000,
        .kv_bytes_per_token = shape.layers * model_kv_bytes_per_layer(&shape, config->tensor_parallel_size),
        .flops_per_ns = gpu.tflops * 1000 * config->step_time.compute_efficiency, /* 1 TFLOPS = 1000 FLOP a ns */
        .bytes_per_ns = gpu.bandwidth_gb_per_s * config->step_time.bandwidth_efficiency,
        .link_ns_per_token = gpu.link_gb_per_s > 0 ? sent / (gpu.link_gb_per_s * config->step_time.bandwidth_efficiency) : 0,
        .layers_ns = shape.layers * config->step_time.layer_us * 1000,
        .prompt_layers_ns = shape.layers * config->step_time.prompt_layer_us * 1000,
    };
    return SIM_OK;
}

const struct step_time_pricing step_time_roofline = {.name = "roofline",
                                                     .settings = "model, gpu and the efficiencies and layer_us of step_time",
                                                     .state_bytes = sizeof(struct roofline),
                                                     .prepare = prepare,
                                                     .price = price};
