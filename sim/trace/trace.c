/* trace.c - the end of a trace, and samples as requests of their own. Read trace.h first; how a file becomes a trace is in trace_load.c. */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void trace_destroy(struct trace *trace)
{
    if (!trace)
        return;
    free(trace->arrival_ns);
    free(trace->input_tokens);
    free(trace->output_tokens);
    free(trace->index);
    free(trace->priority);
    free(trace->samples);
    free(trace->beam_width);
    free(trace->sample);
    free(trace->hash_start);
    free(trace->hash_ids);
    free(trace);
}

/* --- samples as requests --------------------------------------------------------------------------------------------------------- */

static enum status make_columns(struct trace *trace, size_t hashes, struct diag *diag)
{
    const char *what = "the trace";
    size_t count = trace->count;
    enum status status = array_zeroed(&trace->arrival_ns, count, sizeof *trace->arrival_ns, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&trace->input_tokens, count, sizeof *trace->input_tokens, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&trace->output_tokens, count, sizeof *trace->output_tokens, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&trace->index, count, sizeof *trace->index, what, diag);
    if (status == SIM_OK && hashes > 0)
        status = array_zeroed(&trace->hash_start, count + 1, sizeof *trace->hash_start, what, diag);
    if (status == SIM_OK && hashes > 0)
        status = array_zeroed(&trace->hash_ids, hashes, sizeof *trace->hash_ids, what, diag);
    return status;
}

static void copy_child(const struct trace *trace, uint32_t parent, struct trace *out, uint32_t child, uint32_t sample, uint64_t *hashes)
{
    out->arrival_ns[child] = trace->arrival_ns[parent];
    out->input_tokens[child] = trace->input_tokens[parent];
    out->output_tokens[child] = trace->output_tokens[parent];
    out->index[child] = trace->index[parent];
    out->sample[child] = sample;
    if (out->priority && trace->priority)
        out->priority[child] = trace->priority[parent];
    if (!out->hash_start)
        return;
    size_t count = (size_t)trace_hash_count(trace, parent);
    memcpy(out->hash_ids + *hashes, trace->hash_ids + trace->hash_start[parent], count * sizeof *out->hash_ids);
    *hashes += count;
    out->hash_start[child + 1] = *hashes;
}

enum status trace_expand_samples(const struct trace *trace, struct trace **out, struct diag *diag)
{
    uint64_t children = 0, hashes = 0;
    struct trace *expanded = NULL;
    for (uint32_t position = 0; position < trace->count; position++) {
        uint32_t samples = trace->samples ? trace->samples[position] : 1;
        children += samples;
        hashes += samples * trace_hash_count(trace, position);
    }
    if (children >= UINT32_MAX / 2)
        return diag_set(diag, SIM_BAD_INPUT, "%s: n makes %llu requests of it; at most 2147483646 can be replayed", trace->name,
                        (unsigned long long)children);
    enum status status = array_zeroed(&expanded, 1, sizeof *expanded, "the trace", diag);
    if (status != SIM_OK)
        return status;
    expanded->count = (uint32_t)children;
    expanded->distinct_hashes = trace->distinct_hashes;
    expanded->requests_in_file = trace->requests_in_file;
    expanded->facts = trace->facts;
    memcpy(expanded->ignored_fields, trace->ignored_fields, sizeof expanded->ignored_fields);
    memcpy(expanded->name, trace->name, sizeof expanded->name);
    status = make_columns(expanded, (size_t)hashes, diag);
    if (status == SIM_OK)
        status = array_zeroed(&expanded->sample, expanded->count, sizeof *expanded->sample, "the trace", diag);
    if (status == SIM_OK && trace->priority)
        status = array_zeroed(&expanded->priority, expanded->count, sizeof *expanded->priority, "the trace", diag);
    if (status != SIM_OK) {
        trace_destroy(expanded);
        return status;
    }
    uint32_t child = 0;
    hashes = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        for (uint32_t sample = 0; sample < (trace->samples ? trace->samples[position] : 1); sample++)
            copy_child(trace, position, expanded, child++, sample, &hashes);
    *out = expanded;
    return SIM_OK;
}
