/* trace_block_size.h - how many tokens a hash id of a trace names: the one rule for reports and replays.
 *
 * The first of these that there is:
 *
 *     what the user says         if it is possible for every row
 *     what the file or its format says
 *     512, the usual             if it is possible for every row
 *     the largest power of two from 16 to 1024 for which every row has exactly ceil(tokens / T) ids
 */
#ifndef PAGESIM_TRACE_BLOCK_SIZE_H
#define PAGESIM_TRACE_BLOCK_SIZE_H

#include "trace/trace.h"

enum { TRACE_BLOCK_USUAL = 512 };

/* `wanted`: what the user says; 0: nothing. *inferred: it is neither said by anybody nor the usual one, and a report should tell so. A trace
 * without hash ids gets `wanted` or the usual. SIM_BAD_INPUT names the line that makes the wanted size, or every size, impossible. */
SIM_NODISCARD enum status trace_block_size_choose(const struct trace *trace, uint32_t wanted, uint32_t *out, bool *inferred,
                                                  struct diag *diag);

#endif
