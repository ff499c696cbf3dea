/* trace_facts.c - one pass over the trace for each kind of fact. Read trace_facts.h first for what they mean, id_runs.h for what a link of a chain is,
 * and stack_distance.h for how far apart two uses are. */
#include "study/trace_facts.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "engine/prompt_contents.h"
#include "observe/repeated_values.h"
#include "pagedkv.h"
#include "study/stack_distance.h"
#include "trace/id_runs.h"

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

/* A block can be a prefix hit only if all blocks before it are equal as well, so what counts is the chain of ids, not the single id. Ids that
 * always come together (trace/id_runs.h) are one link of a chain, however many they are. */
struct chains {
    struct id_runs runs;
    struct kv_contents *contents; /* numbers chains from 1 in order of first appearance */
    uint32_t *of_run;             /* as runs.runs: the chain that ends with it, from 0 */
    uint32_t *ids;                /* by chain: how many its last link has, which is its weight in the stack */
    int64_t *used_ns;             /* by chain */
    uint32_t count;
};

/* A chain is new exactly when its number is above all seen so far. Ids after the prompt's end name the answer: they are no hits, but later
 * prompts may begin with them. Hits never count more tokens than the prompt has, as its last id may name a block that it does not fill. */
static enum status count_hits(const struct trace *trace, uint32_t width, uint32_t position, struct chains *chains,
                              struct trace_facts *facts, struct diag *diag)
{
    const uint32_t known = chains->count;
    uint64_t content = KV_CONTENT_NONE;
    uint32_t from = 0, hits = 0;
    for (uint64_t i = chains->runs.start[position]; i < chains->runs.start[position + 1]; i++) {
        const struct id_run run = chains->runs.runs[i];
        const uint64_t own = (uint64_t)chains->runs.names + position; /* nobody else has the rest of the prompt */
        const struct kv_span name = {.first = run.name == ID_RUN_OWN ? own : run.name, .count = 1};
        if (kv_contents_intern(chains->contents, content, &name, 1, &content) != KV_OK)
            return diag_no_memory(diag, 64, "prefix chains");
        chains->of_run[i] = (uint32_t)content - 1;
        chains->ids[content - 1] = run.end - from;
        chains->count = max_u32(chains->count, (uint32_t)content);
        hits = content <= known ? run.end : hits;
        from = run.end;
    }
    facts->reusable_tokens += min_u64((uint64_t)hits * width, trace->input_tokens[position]);
    return SIM_OK;
}

/* Blocks of a prompt are touched from last to first, as in hit_curve.h, so that its first block is the most recent. The ids of a run lie in
 * the stack one above the other, the first on top. Touched from the last on, each has above it those that were above the whole run and all
 * others of the run: the ones before it, which were there, and the ones after it, which have just been put on top. So all have one distance. */
static enum status touch(const struct trace *trace, uint32_t position, const struct chains *chains, struct lru_stack *stack,
                         struct repeated_values apart[2], struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint64_t i = chains->runs.start[position + 1]; i-- > chains->runs.start[position] && status == SIM_OK;) {
        const uint32_t chain = chains->of_run[i], ids = chains->ids[chain];
        const uint64_t above = lru_stack_touch(stack, chain);
        if (above != STACK_NEVER)
            status = repeated_values_add(&apart[0], (double)(above + ids - 1), ids, diag);
        if (above != STACK_NEVER && status == SIM_OK)
            status = repeated_values_add(&apart[1], (double)(trace->arrival_ns[position] - chains->used_ns[chain]) / 1e9, ids, diag);
        chains->used_ns[chain] = trace->arrival_ns[position];
    }
    return status;
}

static enum status reuse_distances(const struct trace *trace, const struct chains *chains, struct trace_facts *facts, struct diag *diag)
{
    struct lru_stack *stack = NULL;
    struct repeated_values apart[2] = {{0}, {0}};
    enum status status = lru_stack_create(chains->count, chains->ids, &stack, diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        status = touch(trace, position, chains, stack, apart, diag);
    if (status == SIM_OK)
        status = repeated_values_summary(&apart[0], &facts->reuse_blocks, diag);
    if (status == SIM_OK)
        status = repeated_values_summary(&apart[1], &facts->reuse_s, diag);
    lru_stack_destroy(stack);
    repeated_values_deinit(&apart[0]);
    repeated_values_deinit(&apart[1]);
    return status;
}

static enum status follow_chains(const struct trace *trace, uint32_t width, struct trace_facts *facts, struct diag *diag)
{
    struct chains chains = {0};
    enum status status = id_runs_make(trace, &chains.runs, diag);
    if (status != SIM_OK)
        return status;
    const size_t most = (size_t)chains.runs.start[trace->count];
    const struct array_request arrays[] = {ARRAY_OF(chains.of_run, most), ARRAY_OF(chains.ids, most), ARRAY_OF(chains.used_ns, most)};
    status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "prefix chains", diag);
    if (status == SIM_OK && kv_contents_create(&chains.contents) != KV_OK)
        status = diag_no_memory(diag, 1024, "prefix chains");
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        status = count_hits(trace, width, position, &chains, facts, diag);
    if (status == SIM_OK)
        status = reuse_distances(trace, &chains, facts, diag);
    kv_contents_destroy(chains.contents);
    id_runs_deinit(&chains.runs);
    free(chains.of_run);
    free(chains.ids);
    free(chains.used_ns);
    return status;
}

static enum status sharing(const struct trace *trace, uint32_t width, struct trace_facts *facts, struct diag *diag)
{
    facts->hash_references = trace->hash_start ? trace->hash_start[trace->count] : 0;
    for (uint32_t position = 0; position < trace->count; position++)
        if (trace_hash_count(trace, position) == 0)
            facts->reusable_tokens += prompt_said_before(trace, position);
    return facts->hash_references > 0 ? follow_chains(trace, width, facts, diag) : SIM_OK;
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
        /* Who does not say agrees with any other value. */
        out->end_by_stop += trace_finish_reason(trace, position, FINISH_LENGTH) == FINISH_STOP;
        out->end_by_length += trace_finish_reason(trace, position, FINISH_STOP) == FINISH_LENGTH;
    }
    return status;
}
