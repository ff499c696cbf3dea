/* serve_defaults.h - what `vllm serve` of vLLM 0.33.0 chooses where its command line says nothing.
 *
 * Who names a GPU gets what the server would do on it (vllm-v1 alone). Without one these keys keep the scheduler's own defaults, as nothing
 * is known of the machine; a server's command line (config->served) still brings the model's length and the rules below:
 *
 *     max_model_len                                the model's max_position_embeddings
 *     max_num_seqs, max_num_batched_tokens         1024, 16384 from 160 GiB of memory; 1024, 8192 from 70 GiB, but for an A100; else 256, 2048
 *
 * Then, as there, no more tokens a step than all sequences can have, all of max_model_len without chunked prefill, and no more sequences than
 * tokens a step. Source: vllm/engine/arg_utils.py, get_batch_defaults and what calls it.
 */
#ifndef PAGESIM_SERVE_DEFAULTS_H
#define PAGESIM_SERVE_DEFAULTS_H

#include "config/config.h"

/* Fill in these keys where nobody gave them, and say so in config->by_serve and by_model; config_check calls it. What it filled in before is
 * made anew, so that another GPU or model brings its own. SIM_BAD_INPUT: the file of a GPU or a model is missing or wrong. */
SIM_NODISCARD enum status serve_defaults(struct config *config, struct diag *diag);

/* Whose default a key's value is; NULL where somebody gave it. "vllm serve", "the model" or "the scheduler". */
const char *serve_default_of(const struct config *config, const char *key);

#endif
