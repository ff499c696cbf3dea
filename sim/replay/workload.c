/* workload.c - what a configuration makes of the requests: generated ones, samples, arrivals; and the fingerprint of the result. Workload.h
 * draws the road. */
#include "replay/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/fingerprint.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "generate/generate.h"
#include "trace/drawn_arrivals.h"
#include "trace/trace_block_size.h"

/* One set of requests that was made so far, with the two things of a configuration that it depends on. Configurations that agree in both
 * get the same trace: a sweep over block sizes reads and expands its requests once, however many points it has. */
struct workload_trace {
    uint64_t seed; /* what a configuration wants of the source: 0 unless the trace is drawn */
    bool expanded;
    struct trace *made;        /* owned, or NULL */
    const struct trace *trace; /* made, or the source's own */
};

void workload_init(struct workload *workload, const struct workload_source *source)
{
    *workload = (struct workload){.source = source};
}

void workload_deinit(struct workload *workload)
{
    for (size_t i = 0; i < workload->count; i++)
        trace_destroy(workload->traces[i].made);
    free(workload->traces);
    *workload = (struct workload){0};
}

bool workload_is_drawn(const struct workload_source *source)
{
    return source->file == NULL;
}

/* V1's front end turns a request with n samples into n requests that the scheduler knows nothing of; V0's scheduler keeps them as one
 * group of sequences. So whether to expand is a fact of the engine (config/engine_facts.h). V1's engine has no beam search: it is refused
 * here, before a replay would compute something else. *out stays NULL when there is nothing to expand, and the caller's trace is used. */
static enum status expand_samples(const struct trace *trace, const struct config *config, struct trace **out, struct diag *diag)
{
    *out = NULL;
    if (!engine_facts_of(config)->expands_samples)
        return SIM_OK;
    for (uint32_t position = 0; trace->beam_width && position < trace->count; position++)
        if (trace->beam_width[position] > 0)
            return diag_set(diag, SIM_BAD_INPUT,
                            "%s: request %u asks for beam search, which the vllm-v1 engine does not have; choose "
                            "--scheduler vllm-v0",
                            trace->name, trace_index(trace, position));
    return trace->samples ? trace_expand_samples(trace, out, diag) : SIM_OK;
}

/* Rows without a time need a load that says when they come. All at once, for as many as may be in flight, is such a load, if the file names no
 * time at all; rows that are timed in part cannot be mixed with it. */
static enum status check_times(const struct trace *trace, const struct config *config, struct diag *diag)
{
    uint32_t untimed = 0, alone = 0;
    if (config->request_rate > 0 || config->ramp_up_strategy[0])
        return SIM_OK;
    for (uint32_t position = 0; trace->untimed && position < trace->count; position++) {
        const bool is_first = !trace->previous || trace->previous[position] == 0;
        alone += is_first;
        untimed += is_first && trace->untimed[position];
    }
    if (untimed == 0 || (untimed == alone && config->max_concurrency > 0))
        return SIM_OK;
    return diag_at(diag, trace->name, trace->untimed_line, 1,
                   "the request has no time of arrival (timestamp); --request-rate R draws them (inf: all at once)%s",
                   untimed == alone ? ", or --max-concurrency N starts one when another ends" : "");
}

/* At most one new trace comes out. The expanded one is only a step on the way if arrivals are drawn afterwards, and is freed then. A
 * trace that has been expanded, or drawn at this rate and seed, is left alone, so that callers need not know whether somebody did it
 * before. */
enum status workload_fit(const struct trace *trace, const struct config *config, struct trace **out, struct diag *diag)
{
    struct trace *expanded, *drawn = NULL;
    enum status status = expand_samples(trace, config, &expanded, diag);
    const struct trace *requests = expanded ? expanded : trace;
    if (status == SIM_OK)
        status = trace_block_size_check(trace, config->trace_block_size, config_file_gives(config, "trace_block_size"), diag);
    if (status == SIM_OK)
        status = check_times(requests, config, diag);
    if (status == SIM_OK && drawn_arrivals_wanted(requests, config))
        status = drawn_arrivals_make(requests, config, &drawn, diag);
    if (drawn || status != SIM_OK) {
        trace_destroy(expanded);
        expanded = NULL;
    }
    *out = drawn ? drawn : expanded;
    return status;
}

/* A file without a name, in memory where the system has such files. */
static FILE *nameless_file(void)
{
#ifdef MFD_CLOEXEC
    const int descriptor = memfd_create("workload", MFD_CLOEXEC);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (!file && descriptor >= 0)
        close(descriptor);
    return file;
#else
    return tmpfile();
#endif
}

/* The generators write JSONL, which is read back like any other trace, by the name that a descriptor has in the file system. So a
 * generated trace is, byte for byte, what `pagesim` would read from a file with the same content, and there is one way to check and
 * select requests. The file disappears with its descriptor, also after a crash. */
static enum status generate(const struct workload_source *source, uint64_t seed, struct trace **out, struct diag *diag)
{
    struct generate_spec spec = source->generator; /* its lists stay the source's */
    char path[64];
    FILE *file = nameless_file();
    if (!file)
        return diag_no_memory(diag, spec.requests, "a generated trace");
    spec.seed = seed;
    enum status status = generate_write(&spec, file, diag);
    if (status == SIM_OK && (fflush(file) != 0 || ferror(file)))
        status = diag_no_memory(diag, spec.requests, "a generated trace");
    rewind(file); /* the name may be that of this very descriptor, with its place in the file */
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(file));
    if (status == SIM_OK)
        status = trace_load(path, &source->selection, out, diag);
    fclose(file);
    if (status == SIM_OK)
        snprintf((*out)->name, sizeof(*out)->name, "%s, %u requests", source->kind, spec.requests);
    return status;
}

/* Of a configuration both kinds depend on the seed alone, which replaces the one that the source was given: a sweep over seeds draws anew
 * for each. */
enum status workload_draw(const struct workload_source *source, uint64_t seed, struct trace **out, struct diag *diag)
{
    struct random_workload random = source->random_workload;
    if (!source->random)
        return generate(source, seed, out, diag);
    random.seed = seed;
    return trace_random(&random, out, diag);
}

/* The requests of one entry, from the file or drawn, expanded if the engine wants it. The file's trace is the caller's and is never freed
 * here; a drawn one is no longer needed once it has been expanded. After a failure the entry owns nothing. */
static enum status make(const struct workload_source *source, const struct config *config, struct workload_trace *entry, struct diag *diag)
{
    struct trace *expanded = NULL;
    enum status status = source->file ? SIM_OK : workload_draw(source, entry->seed, &entry->made, diag);
    entry->trace = source->file ? source->file : entry->made;
    if (status == SIM_OK && entry->trace)
        status = expand_samples(entry->trace, config, &expanded, diag);
    if (status != SIM_OK || expanded) {
        trace_destroy(entry->made);
        entry->trace = entry->made = expanded;
    }
    return status;
}

/* A linear search: there are at most two entries a seed, and each is a whole trace in memory, so there are never many. A file's trace
 * does not depend on the seed, so its key is 0 for all. */
enum status workload_get(struct workload *workload, const struct config *config, const struct trace **out, struct diag *diag)
{
    const struct workload_source *source = workload->source;
    struct workload_trace entry = {.seed = workload_is_drawn(source) ? config->seed : 0,
                                   .expanded = engine_facts_of(config)->expands_samples};
    for (size_t i = 0; i < workload->count; i++)
        if (workload->traces[i].seed == entry.seed && workload->traces[i].expanded == entry.expanded) {
            *out = workload->traces[i].trace;
            return SIM_OK;
        }
    enum status status = make(source, config, &entry, diag);
    if (status != SIM_OK)
        return status;
    status = array_append(&workload->traces, &workload->count, &workload->capacity, &entry, sizeof entry, "workloads", diag);
    if (status != SIM_OK)
        trace_destroy(entry.made);
    else
        *out = entry.trace;
    return status;
}

enum status workload_settle(const struct trace *trace, struct config *config, struct diag *diag)
{
    bool inferred;
    if (config_file_gives(config, "trace_block_size"))
        return trace_block_size_check(trace, config->trace_block_size, true, diag);
    const uint32_t wanted = config_gives(config, "trace_block_size") ? config->trace_block_size : 0;
    return trace_block_size_choose(trace, wanted, &config->trace_block_size, &inferred, diag);
}

/* --- what is told of them ----------------------------------------------------------------------------------------------------------- */

/* No server sees a thousand requests a second over a whole trace, or a thousand of them in ten seconds; a file whose times are in another
 * unit does. Drawn times and files without times have no unit that could be wrong. */
struct line workload_doubt_rate(const struct trace *trace)
{
    struct line text = {0};
    enum { FEW = 10, MANY = 1000, ABSURD_RATE = 1000 };
    const double span_s = (double)(trace->arrival_ns[trace->count - 1] - trace->arrival_ns[0]) / 1e9;
    const bool many_at_once = trace->count > MANY && span_s < 10;
    if (trace->count < FEW || trace->untimed || !(span_s > 0) || !(trace->count / span_s > ABSURD_RATE || many_at_once))
        return text;
    line_put(&text,
             "%u requests arrive within %.3g s, %.3g a second; if the file counts in another unit, say so with --time-unit s "
             "(or ms, us, ns)",
             trace->count, span_s, trace->count / span_s);
    return text;
}

struct line workload_found_block_size(const struct trace *trace, uint32_t size)
{
    struct line text = {0};
    line_put(&text, "a hash id names %u tokens, as %s; --trace-block-size says otherwise", size,
             trace->facts.tokens_per_hash_id ? "its format has it" : "fits every row");
    return text;
}

struct line workload_block_size_note(const struct trace *trace, const struct config *config, uint32_t before, bool *doubtful)
{
    struct line text = {0};
    struct diag strict = {0};
    *doubtful = trace_block_size_check(trace, config->trace_block_size, false, &strict) != SIM_OK;
    if (*doubtful)
        line_put(&text, "%s", strict.text);
    else if (config->trace_block_size != before)
        text = workload_found_block_size(trace, config->trace_block_size);
    return text;
}

/* --- fingerprint ------------------------------------------------------------------------------------------------------------------ */

/* An absent column and one that says only defaults are different files but may be the same requests; that they differ here costs a
 * refused journal, never a wrong one. */
static uint64_t column(uint64_t hash, const void *values, size_t count, size_t size)
{
    return values ? fingerprint_bytes(hash, values, count * size) : fingerprint_word(hash, count);
}

/* The numbers in the file as a column, also where there is none: traces that say the same are the same. A word of fingerprint_bytes is two
 * numbers. */
static uint64_t indices(uint64_t hash, const struct trace *trace)
{
    if (trace->index)
        return column(hash, trace->index, trace->count, sizeof *trace->index);
    uint32_t pair[2] = {0, 1};
    for (; pair[0] + 1 < trace->count; pair[0] += 2, pair[1] += 2)
        hash = fingerprint_word(hash, pair[0] | (uint64_t)pair[1] << 32);
    return fingerprint_bytes(hash, pair, trace->count % 2 * sizeof *pair);
}

/* Goes into a sweep's journal, to refuse the results of other requests. The trace's name is left out on purpose: a file may be moved or
 * copied between two runs of a sweep. O(size of the trace). */
uint64_t workload_fingerprint(const struct trace *trace)
{
    const size_t n = trace->count;
    uint64_t hash = fingerprint_word(FINGERPRINT_START, n);
    hash = column(hash, trace->arrival_ns, n, sizeof *trace->arrival_ns);
    hash = column(hash, trace->input_tokens, n, sizeof *trace->input_tokens);
    hash = column(hash, trace->output_tokens, n, sizeof *trace->output_tokens);
    hash = indices(hash, trace);
    hash = column(hash, trace->priority, n, sizeof *trace->priority);
    hash = column(hash, trace->samples, n, sizeof *trace->samples);
    hash = column(hash, trace->beam_width, n, sizeof *trace->beam_width);
    hash = column(hash, trace->sample, n, sizeof *trace->sample);
    if (trace->tenant)
        hash = column(hash, trace->tenant, n, sizeof *trace->tenant);
    if (trace->finish_reason)
        hash = column(hash, trace->finish_reason, n, sizeof *trace->finish_reason);
    if (trace->previous) {
        hash = column(hash, trace->previous, n, sizeof *trace->previous);
        hash = column(hash, trace->delay_ns, n, sizeof *trace->delay_ns);
        hash = fingerprint_word(hash, trace->facts.answers_shared);
    }
    hash = column(hash, trace->hash_start, n + 1, sizeof *trace->hash_start);
    return column(hash, trace->hash_ids, trace->hash_start ? trace->hash_start[n] : 0, sizeof *trace->hash_ids);
}
