/* trace_block_size.h - how many tokens a hash id of a trace names: what the user says, the format says, or the rows say. */
#ifndef PAGESIM_TRACE_BLOCK_SIZE_H
#define PAGESIM_TRACE_BLOCK_SIZE_H

#include <stdbool.h>

#include "trace/trace.h"

/* What holds when nobody says anything: Mooncake's. */
enum { TRACE_BLOCK_SIZE_USUAL = 512 };

/* `wanted` is the user's word, 0 if there is none. It wins where it is possible; then the format's; then 512; then, where rows with more ids
 * than prompts have blocks of 512 tokens show that to be wrong, the largest power of two from 16 to 1024 that fits every row exactly, which
 * sets *inferred. SIM_BAD_INPUT: none of them is possible; names the line that shows it. */
SIM_NODISCARD enum status trace_block_size_choose(const struct trace *trace, uint32_t wanted, uint32_t *out, bool *inferred,
                                                  struct diag *diag);

/* SIM_BAD_INPUT if a row has more ids than its prompt has blocks of `width` tokens. `by_file`: that is fine, and ids beyond the prompt name
 * nothing, as in a trace whose lengths were divided and cut. A configuration file may say such a size, as it belongs to a trace; an option
 * that does is more likely a mistake. */
SIM_NODISCARD enum status trace_block_size_check(const struct trace *trace, uint32_t width, bool by_file, struct diag *diag);

#endif
