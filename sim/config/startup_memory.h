/* startup_memory.h - what vLLM keeps of a GPU for itself, next to weights and KV cache.
 *
 * Before vLLM sizes the pool it runs the model once with as many tokens as a step may have, samples for as many sequences as may run, and
 * takes off the most that PyTorch held meanwhile, and what else appeared on the GPU. That is
 *
 *     larger of   activations of max_num_batched_tokens tokens, one layer at a time
 *                 the sampler's buffers, a row of the vocabulary for each of max_num_seqs sequences
 *     + the table of rotary embeddings, a row for each position of the model
 *     + libraries, and communication buffers with tensor parallelism
 *     + the largest dummy images, for a model with a vision tower
 *
 * CUDA graphs are captured after that and come out of what the utilization leaves free. Source: vllm/v1/worker/gpu_worker.py,
 * determine_available_memory; gpu_model_runner.py, profile_run. How near this comes to what servers printed: doc/step_time.md.
 */
#ifndef PAGESIM_STARTUP_MEMORY_H
#define PAGESIM_STARTUP_MEMORY_H

#include "config/config.h"
#include "config/model_shape.h"

/* Bytes on one of config->tensor_parallel_size GPUs: config->overhead_bytes if that is given, else by the rule above. */
double startup_memory_bytes(const struct config *config, const struct model_shape *model);

#endif
