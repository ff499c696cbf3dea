/* vllm_args.h - a server's command line, taken as it is.
 *
 *     vllm serve meta-llama/Llama-3.1-8B-Instruct --max-num-seqs 256 -tp 2 --port 8000
 *     docker run --gpus all -p 8000:8000 vllm/vllm-openai --model Qwen/Qwen3-32B
 *     python -m vllm.entrypoints.openai.api_server --model ...          and scripts that hold such a line
 *
 * What stands before the server's own options (variables, docker's options, other commands) is passed over. `--config FILE` in the line is
 * followed: YAML as `vllm serve` reads it, whose values lose to those of the line. Which option means what: vllm_options.h.
 */
#ifndef PAGESIM_VLLM_ARGS_H
#define PAGESIM_VLLM_ARGS_H

#include "base/command_words.h"
#include "base/line.h"
#include "config/config.h"

struct vllm_args {
    struct config_option *options; /* keys that the line sets, in its order: the last of several holds */
    size_t count, capacity;
    struct line idle;              /* the names of options that say nothing about scheduling or size; "": none */
    struct line unread;            /* YAML: keys that are false, which vLLM passes over; "": none */
    struct command_words words[2]; /* of the YAML file and of the line; what `options` points into */
};

/* `text` is the name of a file, YAML if it ends in .yaml or .yml, or else the line itself. SIM_BAD_INPUT: an option that vLLM does not know
 * (the nearest is named), one that is not modelled (with what it would do), a value that does not fit; with file, line and column. SIM_USAGE:
 * "-". SIM_FAILED: libyaml is needed and missing. The caller ends it with vllm_args_close, also after a failure. */
SIM_NODISCARD enum status vllm_args_read(const char *text, struct vllm_args *out, struct diag *diag);
void vllm_args_close(struct vllm_args *args);

#endif
