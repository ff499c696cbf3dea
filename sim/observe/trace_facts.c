/* trace_facts.c - one pass over the trace for its lengths, one for the sharing of prompts. Read trace_facts.h first for what the sharing
 * bounds, and core/prefix_cache.c for chains of contents. */
#include "observe/trace_facts.h"

#include <stdlib.h>

#include "base/array.h"
#include "pagedkv.h"

/* Distribution and sum of one length over all requests. */
static enum status lengths(const struct trace *trace, const uint32_t *tokens, struct summary *out, uint64_t *sum, struct diag *diag)
{
    struct distribution distribution = {0};
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        *sum += tokens[position];
        status = distribution_add(&distribution, tokens[position], diag);
    }
    if (status == SIM_OK)
        status = distribution_summary(&distribution, out, diag);
    distribution_deinit(&distribution);
    return status;
}

/* A block can be a prefix hit only if all blocks before it are equal as well, so what counts is the chain of ids, not the single id.
 * kv_contents numbers chains in order of first appearance: a chain is new exactly when its number is above all seen so far. */
static enum status sharing(const struct trace *trace, uint32_t width, struct trace_facts *facts, struct diag *diag)
{
    struct kv_contents *chains;
    uint64_t seen = 0;
    if (kv_contents_create(&chains) != KV_OK)
        return diag_no_memory(diag, 1024, "prefix chains");
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < trace->count && trace->hash_start && status == SIM_OK; position++) {
        uint64_t chain = KV_CONTENT_NONE, hits = 0, count = trace_hash_count(trace, position);
        bool known = true;
        for (uint64_t i = 0; i < count && status == SIM_OK; i++) {
            struct kv_span name = {.first = trace->hash_ids[trace->hash_start[position] + i], .count = 1};
            if (kv_contents_intern(chains, chain, &name, 1, &chain) != KV_OK)
                status = diag_no_memory(diag, 64, "prefix chains");
            known = known && chain <= seen;
            hits += known;
            seen = chain > seen ? chain : seen;
        }
        facts->hash_references += count;
        /* The last id may name a block that the prompt does not fill, so hits never count more tokens than there are. */
        facts->reusable_tokens += hits * width < trace->input_tokens[position] ? hits * width : trace->input_tokens[position];
    }
    kv_contents_destroy(chains);
    return status;
}

enum status trace_facts_collect(const struct trace *trace, uint32_t trace_block_tokens, struct trace_facts *out, struct diag *diag)
{
    *out = (struct trace_facts){.distinct_hashes = trace->distinct_hashes};
    enum status status = lengths(trace, trace->input_tokens, &out->input, &out->input_tokens, diag);
    if (status == SIM_OK)
        status = lengths(trace, trace->output_tokens, &out->output, &out->output_tokens, diag);
    if (status == SIM_OK)
        status = sharing(trace, trace_block_tokens, out, diag);
    /* n requests have n - 1 gaps: a rate over the duration must count those, or a short trace seems faster than it is. */
    out->duration_s = (double)(trace->arrival_ns[trace->count - 1] - trace->arrival_ns[0]) / 1e9;
    out->requests_per_s = out->duration_s > 0 ? (trace->count - 1) / out->duration_s : 0;
    /* A column that no line of the trace uses is NULL. */
    for (uint32_t position = 0; position < trace->count; position++) {
        out->with_priority += trace->priority && trace->priority[position] != 0;
        out->with_samples += trace->samples && trace->samples[position] > 1;
        out->with_beams += trace->beam_width && trace->beam_width[position] > 0;
    }
    return status;
}
