/* trace_facts.c - one pass over the trace for each kind of fact. Read trace_facts.h first for what they mean, core/prefix_cache.c for chains of
 * contents, and stack_distance.h for how far apart two uses are. */
#include "study/trace_facts.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "engine/prompt_contents.h"
#include "pagedkv.h"
#include "study/stack_distance.h"

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

/* --- sharing ---------------------------------------------------------------------------------------------------------------------- */

/* `chain` has, by reference to an id, the number from 0 of the chain that ends with it. */
struct chains {
    struct kv_contents *contents;
    uint32_t *chain, distinct;
};

/* A block can be a prefix hit only if all blocks before it are equal as well, so what counts is the chain of ids, not the single id.
 * kv_contents numbers chains from 1 in order of first appearance: a chain is new exactly when its number is above all seen so far. Ids after
 * the prompt's end name the answer: they are no hits, but later prompts may begin with them. Hits never count more tokens than the prompt has,
 * as its last id may name a block that it does not fill. */
static enum status count_hits(const struct trace *trace, uint32_t width, uint32_t position, struct chains *chains,
                              struct trace_facts *facts, struct diag *diag)
{
    const uint64_t start = trace->hash_start[position], count = trace_hash_count(trace, position), input = trace->input_tokens[position];
    uint64_t content = KV_CONTENT_NONE, hits = 0;
    bool known = true;
    for (uint64_t i = 0; i < count; i++) {
        const struct kv_span name = {.first = trace->hash_ids[start + i], .count = 1};
        if (kv_contents_intern(chains->contents, content, &name, 1, &content) != KV_OK)
            return diag_no_memory(diag, 64, "prefix chains");
        known = known && content <= chains->distinct;
        hits += known && i * width < input;
        chains->distinct = max_u32(chains->distinct, (uint32_t)content);
        chains->chain[start + i] = (uint32_t)content - 1;
    }
    facts->reusable_tokens += min_u64(hits * width, input);
    return SIM_OK;
}

/* Blocks of a prompt are touched from last to first, as in hit_curve.h, so that its first block is the most recent. */
static enum status touch(const struct trace *trace, uint32_t position, const struct chains *chains, struct lru_stack *stack,
                         int64_t *used_ns, struct distribution apart[2], struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint64_t i = trace->hash_start[position + 1]; i-- > trace->hash_start[position] && status == SIM_OK;) {
        const uint32_t chain = chains->chain[i];
        const uint64_t distance = lru_stack_touch(stack, chain);
        if (distance != STACK_NEVER)
            status = distribution_add(&apart[0], (double)distance, diag);
        if (distance != STACK_NEVER && status == SIM_OK)
            status = distribution_add(&apart[1], (double)(trace->arrival_ns[position] - used_ns[chain]) / 1e9, diag);
        used_ns[chain] = trace->arrival_ns[position];
    }
    return status;
}

static enum status reuse_distances(const struct trace *trace, const struct chains *chains, struct trace_facts *facts, struct diag *diag)
{
    struct lru_stack *stack = NULL;
    struct distribution apart[2] = {{0}, {0}};
    uint32_t *weights = NULL;
    int64_t *used_ns = NULL;
    const struct array_request arrays[] = {ARRAY_OF(weights, chains->distinct), ARRAY_OF(used_ns, chains->distinct)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "reuse distances", diag);
    for (uint32_t i = 0; i < chains->distinct && status == SIM_OK; i++)
        weights[i] = 1;
    if (status == SIM_OK)
        status = lru_stack_create(chains->distinct, weights, &stack, diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        status = touch(trace, position, chains, stack, used_ns, apart, diag);
    if (status == SIM_OK)
        status = distribution_summary(&apart[0], &facts->reuse_blocks, diag);
    if (status == SIM_OK)
        status = distribution_summary(&apart[1], &facts->reuse_s, diag);
    lru_stack_destroy(stack);
    free(weights);
    free(used_ns);
    distribution_deinit(&apart[0]);
    distribution_deinit(&apart[1]);
    return status;
}

static enum status sharing(const struct trace *trace, uint32_t width, struct trace_facts *facts, struct diag *diag)
{
    struct chains chains = {0};
    facts->hash_references = trace->hash_start ? trace->hash_start[trace->count] : 0;
    enum status status = array_zeroed(&chains.chain, facts->hash_references, sizeof *chains.chain, "prefix chains", diag);
    if (status == SIM_OK && kv_contents_create(&chains.contents) != KV_OK)
        status = diag_no_memory(diag, 1024, "prefix chains");
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        if (trace_hash_count(trace, position) > 0)
            status = count_hits(trace, width, position, &chains, facts, diag);
        else
            facts->reusable_tokens += prompt_said_before(trace, position);
    if (status == SIM_OK && facts->hash_references > 0)
        status = reuse_distances(trace, &chains, facts, diag);
    kv_contents_destroy(chains.contents);
    free(chains.chain);
    return status;
}

/* --- times and sessions ------------------------------------------------------------------------------------------------------------ */

/* n requests have n - 1 gaps: a rate over the duration must count those, or a short trace seems faster than it is. */
static void arrivals(const struct trace *trace, struct trace_facts *facts)
{
    const uint32_t gaps = trace->count - 1;
    double squares = 0;
    facts->duration_s = (double)(trace->arrival_ns[gaps] - trace->arrival_ns[0]) / 1e9;
    facts->requests_per_s = facts->duration_s > 0 ? gaps / facts->duration_s : 0;
    facts->gap_cv = NAN;
    if (!(facts->duration_s > 0) || trace->untimed)
        return;
    const double mean = facts->duration_s / gaps;
    for (uint32_t i = 0; i < gaps; i++) {
        const double off = (double)(trace->arrival_ns[i + 1] - trace->arrival_ns[i]) / 1e9 - mean;
        squares += off * off;
    }
    facts->gap_cv = sqrt(squares / gaps) / mean;
}

/* A selection may have left out all requests of a session; those do not count. */
static enum status sessions(const struct trace *trace, struct trace_facts *facts, struct diag *diag)
{
    uint32_t *turns;
    struct distribution turn_counts = {0}, delays = {0};
    if (!trace->session)
        return SIM_OK;
    enum status status = array_zeroed(&turns, (size_t)trace->sessions.count + 1, sizeof *turns, "sessions", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        if (trace->session[position] == 0)
            continue;
        facts->in_sessions++;
        turns[trace->session[position]]++;
        if (trace->previous[position] != 0)
            status = distribution_add(&delays, trace->delay_ns ? (double)trace->delay_ns[position] / 1e9 : 0, diag);
    }
    for (uint32_t i = 1; i <= trace->sessions.count && status == SIM_OK; i++) {
        if (turns[i] == 0)
            continue;
        facts->sessions++;
        status = distribution_add(&turn_counts, turns[i], diag);
    }
    if (status == SIM_OK)
        status = distribution_summary(&turn_counts, &facts->turns, diag);
    if (status == SIM_OK)
        status = distribution_summary(&delays, &facts->think_s, diag);
    free(turns);
    distribution_deinit(&turn_counts);
    distribution_deinit(&delays);
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
    if (status == SIM_OK)
        status = sessions(trace, out, diag);
    arrivals(trace, out);
    /* A column that no line of the trace uses is NULL. */
    for (uint32_t position = 0; position < trace->count; position++) {
        out->with_priority += trace->priority && trace->priority[position] != 0;
        out->with_samples += trace->samples && trace->samples[position] > 1;
        out->with_beams += trace->beam_width && trace->beam_width[position] > 0;
        out->without_time += trace->untimed && trace->untimed[position] != 0;
    }
    return status;
}
