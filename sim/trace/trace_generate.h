/* trace_generate.h - the three small workloads that lie in traces/, and long ones made by repeating a trace. Others: generate/generate.h.
 *
 * Everything is drawn with integer arithmetic from splitmix64, so the same kind, number and seed give the same bytes on every machine.
 */
#ifndef PAGESIM_TRACE_GENERATE_H
#define PAGESIM_TRACE_GENERATE_H

#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "trace/trace.h"

enum generated_kind {
    GENERATED_CHAT, /* sessions over a few shared system prompts; each turn repeats all before it */
    GENERATED_CODE, /* bursts of completions: long prompts that share a file's head, short outputs */
    GENERATED_LONG, /* few requests with long prompts and outputs: preempts when the pool is small */
};

struct generated_spec {
    enum generated_kind kind;
    uint32_t requests;
    uint64_t seed;
    uint32_t mean_gap_us;  /* mean time between arrivals; 0: all at time 0 */
    uint32_t block_tokens; /* tokens named by one hash id: 16 */
};

/* The kind's own numbers. */
struct generated_spec generated_default(enum generated_kind kind);

/* Write the trace as JSONL. SIM_FAILED: out of memory. SIM_BAD_INPUT: the last requests would come after the clock's end. */
SIM_NODISCARD enum status trace_generate(const struct generated_spec *spec, FILE *file, struct diag *diag);

/* Write `trace` `times` over, each copy's first request `gap_ns` after the last of the copy before (-1: the trace's mean gap). Contents
 * repeat only inside a copy: hash ids of each copy are new. SIM_BAD_INPUT: the last one would come after the clock's end (292 years); nothing
 * was written. */
SIM_NODISCARD enum status trace_repeat(const struct trace *trace, uint32_t times, int64_t gap_ns, FILE *file, struct diag *diag);

#endif
