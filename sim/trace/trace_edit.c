/* trace_edit.c - parts of a trace, other scales, several in one. Parts are lists of positions for trace_copy; everything else changes columns
 * in place. Read trace_edit.h first. */
#include "trace/trace_edit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "base/seeded_random.h"
#include "trace/request_order.h"
#include "trace/trace_block_size.h"
#include "trace/trace_rows.h"

/* --- parts ------------------------------------------------------------------------------------------------------------------------ */

/* Does the request follow, in the whole trace, on a turn that says when its session comes? */
static bool follows_a_time(const struct trace *whole, uint32_t position)
{
    const bool later = whole->previous[position] != 0;
    while (whole->previous[position] != 0)
        position = whole->previous[position] - 1;
    return later && !whole->untimed[position];
}

/* A session that lost its first turns begins with another one. If that has no time of its own, nobody could say when it comes, so it gets the
 * time that it could have had at the earliest. */
static void start_sessions(const struct trace *whole, const uint32_t *order, struct trace *part)
{
    for (uint32_t i = 0; part->untimed && part->previous && i < part->count; i++)
        if (part->untimed[i] && part->previous[i] == 0 && follows_a_time(whole, order[i]))
            part->untimed[i] = 0;
}

static enum status keep(struct trace **trace, const bool *kept, struct diag *diag)
{
    struct trace *part = NULL;
    uint32_t *order, count = 0;
    enum status status = array_zeroed(&order, (*trace)->count, sizeof *order, "the trace", diag);
    for (uint32_t i = 0; status == SIM_OK && i < (*trace)->count; i++)
        if (kept[i])
            order[count++] = i;
    if (status == SIM_OK && count == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: none of its %u requests is left", (*trace)->name, (*trace)->count);
    if (status == SIM_OK)
        status = trace_copy(*trace, order, count, &part, diag);
    if (status == SIM_OK) {
        start_sessions(*trace, order, part);
        trace_destroy(*trace);
        *trace = part;
    }
    free(order);
    return status;
}

/* Sessions draw before requests, and in order of their numbers, so that what a session draws does not depend on its turns. */
enum status trace_sample(struct trace **trace, double share, uint64_t seed, struct diag *diag)
{
    const struct trace *whole = *trace;
    uint64_t state = seeded_stream(seed, SEEDED_SAMPLE);
    bool *kept = NULL, *session_kept = NULL;
    const struct array_request arrays[] = {ARRAY_OF(kept, whole->count), ARRAY_OF(session_kept, (size_t)whole->sessions.count + 1)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "a sample", diag);
    for (uint32_t session = 1; status == SIM_OK && session <= whole->sessions.count; session++)
        session_kept[session] = seeded_unit(&state) < share;
    for (uint32_t i = 0; status == SIM_OK && i < whole->count; i++) {
        const uint32_t session = whole->session ? whole->session[i] : 0;
        kept[i] = session ? session_kept[session] : seeded_unit(&state) < share;
    }
    if (status == SIM_OK)
        status = keep(trace, kept, diag);
    free(kept);
    free(session_kept);
    return status;
}

static bool is_named(const struct trace *trace, uint32_t position, const struct trace_filter *filter)
{
    size_t length;
    if (!trace->session || trace->session[position] == 0)
        return false;
    const char *name = session_names_text(&trace->sessions, trace->session[position], &length);
    for (uint32_t i = 0; i < filter->session_count; i++)
        if (strlen(filter->sessions[i]) == length && memcmp(filter->sessions[i], name, length) == 0)
            return true;
    return false;
}

enum status trace_filter(struct trace **trace, const struct trace_filter *filter, struct diag *diag)
{
    const struct trace *whole = *trace;
    bool *kept;
    enum status status = array_zeroed(&kept, whole->count, sizeof *kept, "the trace", diag);
    for (uint32_t i = 0; status == SIM_OK && i < whole->count; i++) {
        const uint32_t input = whole->input_tokens[i], output = whole->output_tokens[i];
        const int32_t priority = whole->priority ? whole->priority[i] : 0;
        kept[i] = input >= filter->input_least && input <= filter->input_most && output >= filter->output_least &&
                  output <= filter->output_most && priority >= filter->priority_least && priority <= filter->priority_most &&
                  (filter->session_count == 0 || is_named(whole, i, filter));
    }
    if (status == SIM_OK)
        status = keep(trace, kept, diag);
    free(kept);
    return status;
}

/* --- scales ----------------------------------------------------------------------------------------------------------------------- */

/* A ratio of 1 must not go through doubles, which lose nanoseconds. */
static bool scale_time(int64_t *ns, double ratio)
{
    const double scaled = nearbyint((double)*ns * ratio);
    if (ratio == 1)
        return true;
    if (!(scaled <= TRACE_MAX_NS))
        return false;
    *ns = (int64_t)scaled;
    return true;
}

static bool scale_length(uint32_t *tokens, double ratio)
{
    const double scaled = nearbyint(*tokens * ratio);
    if (!(scaled <= TRACE_MAX_TOKENS))
        return false;
    *tokens = scaled < 1 ? 1 : (uint32_t)scaled;
    return true;
}

/* Rounding may leave a prompt too short for its last id. In place: lists only move towards the front. */
static void cut_ids(struct trace *trace, uint32_t block_tokens)
{
    uint64_t from = 0, to = 0;
    for (uint32_t i = 0; trace->hash_start && i < trace->count; i++) {
        const uint64_t count = trace->hash_start[i + 1] - from;
        const uint64_t left = min_u64(count, ceil_div(trace->input_tokens[i], block_tokens));
        memmove(trace->hash_ids + to, trace->hash_ids + from, (size_t)left * sizeof *trace->hash_ids);
        from += count;
        to += left;
        trace->hash_start[i + 1] = to;
    }
}

static enum status scale_lengths(struct trace *trace, double ratio, uint32_t block_tokens, struct diag *diag)
{
    bool fine = true;
    if (ratio == 1)
        return SIM_OK;
    if (trace->facts.ids_cover_answers)
        return diag_set(diag, SIM_BAD_INPUT, "%s: its ids are tokens, which cannot become longer or shorter; leave --lengths out",
                        trace->name);
    for (uint32_t i = 0; i < trace->count && fine; i++)
        fine = scale_length(&trace->input_tokens[i], ratio) && scale_length(&trace->output_tokens[i], ratio);
    if (!fine)
        return diag_set(diag, SIM_BAD_INPUT, "%s: --lengths %g makes a request longer than %d tokens", trace->name, ratio,
                        TRACE_MAX_TOKENS);
    if (trace->hash_start) {
        uint32_t block = block_tokens;
        if (!scale_length(&block, ratio))
            block = TRACE_MAX_TOKENS;
        trace->facts.tokens_per_hash_id = block;
        cut_ids(trace, block);
    }
    return SIM_OK;
}

enum status trace_scale(struct trace *trace, double times, double lengths, uint32_t block_tokens, struct diag *diag)
{
    bool fine = true;
    for (uint32_t i = 0; i < trace->count && fine; i++)
        fine = scale_time(&trace->arrival_ns[i], times) && (!trace->delay_ns || scale_time(&trace->delay_ns[i], times));
    if (!fine)
        return diag_set(diag, SIM_BAD_INPUT, "%s: --times %g makes a time longer than 285 years", trace->name, times);
    return scale_lengths(trace, lengths, block_tokens, diag);
}

/* --- without names ------------------------------------------------------------------------------------------------------------------ */

/* Of a column of sessions or tenants. Numbers of those that no request has any more are left out, too. */
static enum status number_names(struct session_names *names, uint32_t *column, uint32_t count, struct diag *diag)
{
    struct session_names numbered = {0};
    uint32_t *number = NULL;
    char name[16];
    if (!column)
        return SIM_OK;
    enum status status = array_zeroed(&number, (size_t)names->count + 1, sizeof *number, "sessions", diag);
    for (uint32_t i = 0; i < count && status == SIM_OK; i++)
        if (column[i] != 0 && number[column[i]] == 0) {
            const int length = snprintf(name, sizeof name, "%u", numbered.count + 1);
            status = session_names_number(&numbered, name, (size_t)length, &number[column[i]], diag);
        }
    for (uint32_t i = 0; i < count && status == SIM_OK; i++)
        column[i] = number[column[i]];
    free(number);
    session_names_deinit(status == SIM_OK ? names : &numbered);
    if (status == SIM_OK)
        *names = numbered;
    return status;
}

/* Numbers in order of appearance: those of loading count rows that are not there any more. */
static enum status number_ids(struct trace *trace, struct diag *diag)
{
    uint32_t *number, next = 0;
    if (!trace->hash_start)
        return SIM_OK;
    enum status status = array_zeroed(&number, trace->distinct_hashes, sizeof *number, "hash ids", diag);
    if (status != SIM_OK)
        return status;
    for (uint64_t i = 0; i < trace->hash_start[trace->count]; i++) {
        uint32_t *of = &number[trace->hash_ids[i]];
        if (*of == 0)
            *of = ++next;
        trace->hash_ids[i] = *of - 1;
    }
    free(number);
    free(trace->id_in_file);
    trace->id_in_file = NULL;
    trace->distinct_hashes = next;
    return SIM_OK;
}

enum status trace_anonymise(struct trace *trace, struct diag *diag)
{
    const int64_t first_ns = trace->arrival_ns[0];
    for (uint32_t i = 0; i < trace->count; i++)
        trace->arrival_ns[i] -= first_ns;
    enum status status = number_names(&trace->sessions, trace->session, trace->count, diag);
    if (status == SIM_OK)
        status = number_names(&trace->tenants, trace->tenant, trace->count, diag);
    return status == SIM_OK ? number_ids(trace, diag) : status;
}

/* --- several in one ------------------------------------------------------------------------------------------------------------------ */

/* One file can say one size and one meaning of ids. Traces without ids go with any. */
static enum status check_blocks(struct trace *const *traces, const uint32_t *block_tokens, uint32_t count, struct format_facts *facts,
                                struct diag *diag)
{
    const struct trace *first = NULL;
    uint32_t tokens = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!traces[i]->hash_start)
            continue;
        if (!first) {
            first = traces[i];
            tokens = block_tokens[i];
        }
        if (block_tokens[i] != tokens || traces[i]->facts.ids_cover_answers != first->facts.ids_cover_answers)
            return diag_set(diag, SIM_BAD_INPUT, "%s: its hash ids name %u tokens each, those of %s %u; one file holds ids of one kind",
                            traces[i]->name, block_tokens[i], first->name, tokens);
    }
    *facts = first ? first->facts : traces[0]->facts;
    facts->tokens_per_hash_id = first && (tokens != TRACE_BLOCK_SIZE_USUAL || facts->tokens_per_hash_id > 0) ? tokens : 0;
    return SIM_OK;
}

/* The same name in two files is two sessions. A name with the file's number may be taken, too; the next number then is not. */
static enum status add_session(struct trace *all, const struct session_names *names, uint32_t session, uint32_t file, uint32_t *number,
                               struct diag *diag)
{
    size_t length;
    const char *text = session_names_text(names, session, &length);
    char *name = malloc(length + 16);
    if (!name)
        return diag_no_memory(diag, length + 16, "sessions");
    memcpy(name, text, length);
    enum status status;
    uint32_t known;
    size_t used = length;
    do {
        known = all->sessions.count;
        status = session_names_number(&all->sessions, name, used, number, diag);
        used = length + (size_t)snprintf(name + length, 16, ".%u", ++file);
    } while (status == SIM_OK && all->sessions.count == known);
    free(name);
    return status;
}

/* Room for all; optional columns that any of them has. */
static enum status make_columns(struct trace *const *traces, uint32_t count, struct trace *all, struct diag *diag)
{
    uint64_t rows = 0, hashes = 0, distinct = 0;
    bool wanted[TRACE_COLUMNS_OF_FILES] = {false};
    for (uint32_t i = 0; i < count; i++) {
        rows += traces[i]->count;
        hashes += traces[i]->hash_start ? traces[i]->hash_start[traces[i]->count] : 0;
        distinct += traces[i]->distinct_hashes;
        for (size_t c = 0; c < TRACE_COLUMNS_OF_FILES; c++)
            wanted[c] |= trace_column_items(traces[i], &trace_columns[c]) != NULL;
    }
    if (rows >= UINT32_MAX / 2 || distinct >= UINT32_MAX)
        return diag_set(diag, SIM_BAD_INPUT, "the traces hold %llu requests and %llu hash ids; at most 2147483646 can be replayed",
                        (unsigned long long)rows, (unsigned long long)distinct);
    enum status status = trace_columns_make(all, (size_t)rows, wanted, diag);
    const struct array_request ids[] = {ARRAY_IF(hashes > 0, all->hash_start, (size_t)rows + 1),
                                        ARRAY_IF(hashes > 0, all->hash_ids, (size_t)hashes)};
    return status == SIM_OK ? array_zeroed_all(ids, sizeof ids / sizeof *ids, "the trace", diag) : status;
}

/* A tenant of two files is one: unlike a session it has no turns that could get mixed up. */
static enum status append_tenants(struct trace *all, const struct trace *trace, uint32_t at, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; trace->tenant && i < trace->count && status == SIM_OK; i++) {
        size_t length;
        if (trace->tenant[i] == 0)
            continue;
        const char *name = session_names_text(&trace->tenants, trace->tenant[i], &length);
        status = session_names_number(&all->tenants, name, length, &all->tenant[at + i], diag);
    }
    return status;
}

/* The rows of one trace after those that `all` has. */
static enum status append(struct trace *all, const struct trace *trace, uint32_t file, struct diag *diag)
{
    const uint32_t at = all->count;
    uint32_t *number;
    trace_columns_append(all, at, trace, trace->count);
    uint64_t used = all->hash_start ? all->hash_start[at] : 0;
    for (uint32_t i = 0; all->hash_start && i < trace->count; i++) {
        for (uint64_t k = 0; k < trace_hash_count(trace, i); k++)
            all->hash_ids[used++] = all->distinct_hashes + trace->hash_ids[trace->hash_start[i] + k];
        all->hash_start[at + i + 1] = used;
    }
    all->count += trace->count;
    all->distinct_hashes += trace->hash_start ? trace->distinct_hashes : 0;
    enum status status = array_zeroed(&number, (size_t)trace->sessions.count + 1, sizeof *number, "sessions", diag);
    for (uint32_t session = 1; session <= trace->sessions.count && status == SIM_OK; session++)
        status = add_session(all, &trace->sessions, session, file, &number[session], diag);
    for (uint32_t i = 0; trace->session && i < trace->count && status == SIM_OK; i++)
        all->session[at + i] = number[trace->session[i]];
    free(number);
    return status == SIM_OK ? append_tenants(all, trace, at, diag) : status;
}

/* In one trace positions are in order already, and ties stay as they are, so turns stay in order. */
static enum status sort_rows(struct trace *all, struct trace **out, struct diag *diag)
{
    uint32_t *order;
    enum status status = trace_arrival_order(all, &order, diag);
    if (status != SIM_OK)
        return status;
    status = trace_copy(all, order, all->count, out, diag);
    free(order);
    return status;
}

enum status trace_merge(struct trace *const *traces, const uint32_t *block_tokens, uint32_t count, struct trace **out, struct diag *diag)
{
    struct trace all = {0};
    enum status status = check_blocks(traces, block_tokens, count, &all.facts, diag);
    if (status == SIM_OK)
        status = make_columns(traces, count, &all, diag);
    for (uint32_t i = 0; i < count && status == SIM_OK; i++)
        status = append(&all, traces[i], i, diag);
    if (status == SIM_OK)
        status = sort_rows(&all, out, diag);
    trace_clear(&all);
    return status;
}
