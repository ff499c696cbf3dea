/* vllm_line.h - a configuration as the command line of the server that it describes. */
#ifndef PAGESIM_VLLM_LINE_H
#define PAGESIM_VLLM_LINE_H

#include <stdio.h>

#include "config/config.h"

/* Print "vllm serve MODEL --max-num-seqs 64 ...", quoted for a shell, without a line end: the options whose values differ from what serve would
 * choose by itself. Without a GPU nobody knows what that is, and limits are written in any case. To `beside` go the options of ours that no
 * server has and that are not at their default, each with a blank in front: "--gpu h100 --trace-block-size 16". vllm_args_read of the line and
 * these options give the same configuration again. `config` is one that config_load has made. SIM_USAGE: it is of another engine than vllm-v1. */
SIM_NODISCARD enum status vllm_line_print(const struct config *config, FILE *line, FILE *beside, struct diag *diag);

#endif
