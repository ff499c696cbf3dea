/* decision_log.c - writes a JSON line for each step and the summary at the end. Read doc/formats.md section 4 first: it lists every field.
 *
 * A line needs two callbacks. Block tables are hashed in `scheduled`, while they exist; a request that finishes frees its table. The line
 * is written in `completed`, when it is known who finished. Numbers are formatted by hand: a log has tens of millions of them, and printf
 * would take most of the replay's time. */
#include "observe/decision_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digits.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"
#include "observe/per_request.h"
#include "observe/table_hash.h"
#include "trace/request_order.h"

/* A list item is at most a pair of a request and a number with brackets and commas. */
enum { FLUSH_AT = 1 << 20, LONGEST_ITEM = 64 };

struct text_buffer {
    char *text;
    size_t length, capacity;
};

/* A sequence of the last step, and the step's hash after it. */
struct hashed {
    uint64_t hash;
    uint32_t request, num_blocks;
};

/* An entry of "sched" in the last line: where in the line's list it ends. */
struct listed {
    uint32_t request;
    int32_t tokens;
    size_t end;
};

/* `out` collects lines until a piece is worth a write; `pending` holds what a step is remembered by between the two callbacks; `hashes` remembers
 * tables from step to step. */
struct decision_log {
    const struct metrics *metrics; /* the summary is theirs: they also cover requests that never ran */
    const struct trace *trace;
    struct decision_log_options options;
    struct log_sink sink;
    struct text_buffer out;
    struct pending {
        struct text_buffer tables;
        uint64_t blocks_hash;
    } pending[2]; /* by number of the step: one can be scheduled before the last one is complete */
    struct table_hash *hashes;
    struct listed *listed; /* of the last line, and its text */
    size_t listed_capacity;
    uint32_t listed_count;
    struct text_buffer sched;
    struct hashed *last; /* the sequences of the last step; of engines without groups */
    size_t last_capacity;
    uint32_t last_count;
};

/* --- text ------------------------------------------------------------------------------------------------------------------------ */

/* The put functions below check nothing: line_size() bounds a whole line, and room for it is made once. */
static enum status make_room(struct text_buffer *buffer, size_t bytes, struct diag *diag)
{
    return array_reserve(&buffer->text, &buffer->capacity, buffer->length + bytes, 1, "the decision log", diag);
}

static inline void put_text(struct text_buffer *buffer, const char *text)
{
    size_t length = strlen(text);
    memcpy(buffer->text + buffer->length, text, length);
    buffer->length += length;
}

static void put_char(struct text_buffer *buffer, char c)
{
    buffer->text[buffer->length++] = c;
}

static void put_unsigned(struct text_buffer *buffer, uint64_t value)
{
    buffer->length = (size_t)(digits_put(buffer->text + buffer->length, value) - buffer->text);
}

/* Always 16 digits: a hash is a string in the log, because JSON readers keep only 53 bits of a number. */
static void put_hash(struct text_buffer *buffer, uint64_t hash)
{
    char *to = buffer->text + buffer->length;
    for (int i = 0; i < 16; i++)
        to[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    buffer->length += 16;
}

/* The negation is done in unsigned arithmetic: INT64_MIN has no positive counterpart. */
static void put_signed(struct text_buffer *buffer, int64_t value)
{
    if (value < 0)
        put_char(buffer, '-');
    put_unsigned(buffer, value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
}

/* A comma, unless a list has just been opened. Looking at the last character saves every list a flag for its first item. */
static void put_comma(struct text_buffer *buffer)
{
    if (buffer->text[buffer->length - 1] != '[')
        put_char(buffer, ',');
}

static inline void put_field(struct text_buffer *buffer, const char *name, uint64_t value)
{
    put_text(buffer, ",\"");
    put_text(buffer, name);
    put_text(buffer, "\":");
    put_unsigned(buffer, value);
}

struct request_number {
    uint32_t request, sample;
};

static struct request_number number_of(const struct decision_log *log, uint32_t position)
{
    if (log->options.own_numbers)
        return (struct request_number){.request = position};
    return (struct request_number){.request = trace_index(log->trace, position), .sample = trace_sample_of(log->trace, position)};
}

/* The request's number in the file. Sample s > 0 of request i is a request of its own in V1 and appears as the string "i.s". */
static void put_request(const struct decision_log *log, struct text_buffer *buffer, uint32_t position)
{
    const struct request_number number = number_of(log, position);
    if (number.sample == 0) {
        put_unsigned(buffer, number.request);
        return;
    }
    put_char(buffer, '"');
    put_unsigned(buffer, number.request);
    put_char(buffer, '.');
    put_unsigned(buffer, number.sample);
    put_char(buffer, '"');
}

static void put_request_pair(const struct decision_log *log, struct text_buffer *buffer, uint32_t position, int64_t value)
{
    put_comma(buffer);
    put_char(buffer, '[');
    put_request(log, buffer, position);
    put_char(buffer, ',');
    put_signed(buffer, value);
    put_char(buffer, ']');
}

static void put_requests(const struct decision_log *log, struct text_buffer *buffer, const char *name, const uint32_t *positions,
                         uint32_t count)
{
    put_text(buffer, name);
    for (uint32_t i = 0; i < count; i++) {
        put_comma(buffer);
        put_request(log, buffer, positions[i]);
    }
    put_char(buffer, ']');
}

/* Swaps and copies: [[from,to],...]. */
static void put_block_pairs(struct text_buffer *buffer, const char *name, const struct block_pair *pairs, uint32_t count)
{
    put_text(buffer, name);
    for (uint32_t i = 0; i < count; i++) {
        put_comma(buffer);
        put_char(buffer, '[');
        put_unsigned(buffer, pairs[i].from);
        put_char(buffer, ',');
        put_unsigned(buffer, pairs[i].to);
        put_char(buffer, ']');
    }
    put_char(buffer, ']');
}

/* Hands the text to the sink once there are `from` bytes of it. Large pieces keep system calls rare. */
static enum status flush(struct decision_log *log, size_t from, struct diag *diag)
{
    if (log->out.length < from)
        return SIM_OK;
    enum status status = log->sink.write(log->sink.self, log->out.text, log->out.length, diag);
    log->out.length = 0;
    return status;
}

/* --- hashing --------------------------------------------------------------------------------------------------------------------- */

/* Adds a table to the step's hash. Its name goes in front, so that two requests that swap their tables do not hash alike. Of several tables
 * of a request each has its length in front, and the first the name. */
static uint64_t hash_sequence(const struct decision_log *log, uint64_t hash, const struct step_sequence *sequence)
{
    const struct request_number number = number_of(log, sequence->request);
    if (sequence->group > 0)
        return table_hash_in_full(hash, &(struct table_name){.numbers = {sequence->num_blocks}, .count = 1}, sequence->blocks,
                                  sequence->num_blocks);
    struct table_name name = {.numbers = {number.request, sequence->sample}, .count = log->options.groups ? 2 : 1};
    name.numbers[0] += (uint64_t)number.sample << 32;
    if (log->options.several_tables)
        name = (struct table_name){.numbers = {name.numbers[0], sequence->num_blocks}, .count = 2};
    /* table_hash remembers one table a request, the group's first sample. Others are hashed in full: they would evict it. */
    if (sequence->sample == 0)
        return table_hash_add(log->hashes, hash, sequence->request, &name, sequence->blocks, sequence->num_blocks);
    return table_hash_in_full(hash, &name, sequence->blocks, sequence->num_blocks);
}

/* --tables: the block ids themselves, kept until the line is written. A 32-bit id and its comma are at most 11 bytes. */
static enum status put_table(const struct decision_log *log, struct text_buffer *tables, const struct step_sequence *sequence,
                             struct diag *diag)
{
    enum status status = make_room(tables, (size_t)sequence->num_blocks * 11 + LONGEST_ITEM, diag);
    if (status != SIM_OK)
        return status;
    if (sequence->group > 0) {
        tables->length -= 2; /* goes on inside the brackets of the first */
        put_char(tables, ',');
    } else {
        put_text(tables, tables->length ? ",[" : "[");
        put_request(log, tables, sequence->request);
        put_char(tables, ',');
        if (log->options.several_tables)
            put_char(tables, '[');
    }
    if (log->options.groups) {
        put_unsigned(tables, sequence->sample);
        put_char(tables, ',');
    }
    put_char(tables, '[');
    for (uint32_t i = 0; i < sequence->num_blocks; i++) {
        put_comma(tables);
        put_unsigned(tables, sequence->blocks[i]);
    }
    put_text(tables, log->options.several_tables ? "]]]" : "]]");
    return SIM_OK;
}

/* Without groups a table only grows while its request runs, and nobody is preempted and admitted again in one step. */
static bool tables_grow(const struct decision_log_options *options)
{
    return !options->groups && !options->several_tables && !options->windows;
}

/* How many of the step's first sequences have the tables that they had in the last step, if tables grow, so that the hash after them is known.
 * Tables change once in block_size steps, so that is most of a list. */
static uint32_t unchanged(const struct decision_log *log, const struct step *step)
{
    uint32_t same = 0;
    while (same < log->last_count && same < step->sequence_count && log->last[same].request == step->sequences[same].request &&
           log->last[same].num_blocks == step->sequences[same].num_blocks)
        same++;
    return same;
}

/* The hash covers the tables of all scheduled sequences in the scheduler's order, so a different order is a different hash even if every
 * table is the same. */
static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct decision_log *log = self;
    struct pending *pending = &log->pending[step->tally.step % 2];
    const uint32_t known = tables_grow(&log->options) ? unchanged(log, step) : 0;
    uint64_t hash = known > 0 ? log->last[known - 1].hash : FNV_OFFSET;
    pending->tables.length = 0;
    for (uint32_t i = 0; i < step->preempted_count; i++) /* begins a new table when it comes back */
        table_hash_forget(log->hashes, step->preempted[i].request);
    enum status status = array_reserve(&log->last, &log->last_capacity, step->sequence_count, sizeof *log->last, "the decision log", diag);
    log->last_count = step->sequence_count;
    for (uint32_t i = 0; i < step->sequence_count && status == SIM_OK; i++) {
        const struct step_sequence *sequence = &step->sequences[i];
        if (i >= known) {
            hash = hash_sequence(log, hash, sequence);
            log->last[i] = (struct hashed){.hash = hash, .request = sequence->request, .num_blocks = sequence->num_blocks};
        }
        if (log->options.tables)
            status = put_table(log, &pending->tables, &step->sequences[i], diag);
    }
    pending->blocks_hash = hash;
    return status;
}

/* --- a step's line --------------------------------------------------------------------------------------------------------------- */

/* V1 has one way to preempt, so its log names requests only; V0's log also says which way. */
static void put_preempted(const struct decision_log *log, struct text_buffer *out, const struct step *step)
{
    put_text(out, ",\"preempt\":[");
    for (uint32_t i = 0; i < step->preempted_count; i++) {
        put_comma(out);
        if (log->options.groups)
            put_char(out, '[');
        put_request(log, out, step->preempted[i].request);
        if (log->options.groups)
            put_text(out, step->preempted[i].kind == PREEMPT_SWAP ? ",\"swap\"]" : ",\"recompute\"]");
    }
    put_char(out, ']');
}

/* Requests that had ended by a stop token when their step came back. A line has the field only where there are some. */
static void put_vain(const struct decision_log *log, struct text_buffer *out, const struct step *step)
{
    if (step->tally.vain_tokens == 0)
        return;
    put_text(out, ",\"vain\":[");
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        if (step->scheduled[i].vain) {
            put_comma(out);
            put_request(log, out, step->scheduled[i].request);
        }
    put_char(out, ']');
}

/* Drafts, and how many leading ones were right, of those whose output counted. */
static void put_drafts(const struct decision_log *log, struct text_buffer *out, const struct step *step)
{
    put_text(out, ",\"spec\":[");
    for (uint32_t i = 0; i < step->scheduled_count; i++) {
        const struct scheduled *scheduled = &step->scheduled[i];
        if (scheduled->drafts == 0 || scheduled->vain)
            continue;
        put_comma(out);
        put_char(out, '[');
        put_request(log, out, scheduled->request);
        put_char(out, ',');
        put_unsigned(out, scheduled->drafts);
        put_char(out, ',');
        put_unsigned(out, scheduled->accepted);
        put_char(out, ']');
    }
    put_char(out, ']');
}

/* What only V0 decides. `mode` is redundant with "sched" and makes differences between logs easier to read. */
static void put_group_fields(const struct decision_log *log, struct text_buffer *out, const struct step *step)
{
    static const char *const modes[] = {"prefill", "decode", "mixed", "idle"};
    put_text(out, ",\"mode\":\"");
    put_text(out, modes[step->tally.mode]);
    put_requests(log, out, "\",\"resume\":[", step->resumed, step->resumed_count);
    put_block_pairs(out, ",\"swap_in\":[", step->swap_in, step->swap_in_count);
    put_block_pairs(out, ",\"swap_out\":[", step->swap_out, step->swap_out_count);
    put_block_pairs(out, ",\"copy\":[", step->copies, step->copy_count);
    put_requests(log, out, ",\"ignored\":[", step->ignored, step->ignored_count);
    put_field(out, "free_cpu", step->tally.free_cpu_blocks);
    put_field(out, "swapped", step->tally.swapped);
}

/* Of admissions, those with tokens that were computed elsewhere. */
static void put_external(const struct decision_log *log, struct text_buffer *out, const struct step *step)
{
    bool any = false;
    for (uint32_t i = 0; i < step->admitted_count; i++) {
        if (step->admitted[i].external_tokens == 0)
            continue;
        if (!any)
            put_text(out, ",\"external\":[");
        any = true;
        put_request_pair(log, out, step->admitted[i].request, step->admitted[i].external_tokens);
    }
    if (any)
        put_char(out, ']');
}

/* An upper bound; 1024 bytes cover the fixed fields. */
static size_t line_size(const struct decision_log *log, const struct step *step)
{
    size_t items = (size_t)step->scheduled_count + 2 * (size_t)step->admitted_count + step->preempted_count + step->finished_count +
                   2 * (size_t)step->scheduled_count + step->resumed_count + step->ignored_count + step->copy_count + step->swap_in_count +
                   step->swap_out_count;
    return items * LONGEST_ITEM + log->pending[step->tally.step % 2].tables.length + 1024;
}

/* Who decodes has the same entry in the next line, and so has whoever stands before the first change: their text is kept. */
static enum status put_scheduled(struct decision_log *log, struct text_buffer *out, const struct step *step, struct diag *diag)
{
    struct text_buffer *text = &log->sched;
    enum status status =
        array_reserve(&log->listed, &log->listed_capacity, step->scheduled_count, sizeof *log->listed, "the decision log", diag);
    if (status == SIM_OK)
        status =
            array_reserve(&text->text, &text->capacity, ((size_t)step->scheduled_count + 1) * LONGEST_ITEM, 1, "the decision log", diag);
    if (status != SIM_OK)
        return status;
    uint32_t same = 0;
    while (same < log->listed_count && same < step->scheduled_count && log->listed[same].request == step->scheduled[same].request &&
           log->listed[same].tokens == step->scheduled[same].tokens)
        same++;
    text->length = same > 0 ? log->listed[same - 1].end : 0;
    if (same == 0)
        put_char(text, '[');
    for (uint32_t i = same; i < step->scheduled_count; i++) {
        const struct scheduled *scheduled = &step->scheduled[i];
        put_request_pair(log, text, scheduled->request, scheduled->tokens);
        log->listed[i] = (struct listed){.request = scheduled->request, .tokens = scheduled->tokens, .end = text->length};
    }
    log->listed_count = step->scheduled_count;
    memcpy(out->text + out->length, text->text, text->length);
    out->length += text->length;
    return SIM_OK;
}

/* The order of the fields is part of the format: golden logs are compared line by line as text. */
static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    struct decision_log *log = self;
    struct text_buffer *out = &log->out;
    const struct pending *pending = &log->pending[step->tally.step % 2];
    enum status status = make_room(out, line_size(log, step), diag);
    if (status != SIM_OK)
        return status;
    put_text(out, "{\"step\":");
    put_unsigned(out, step->tally.step);
    put_text(out, ",\"t\":");
    put_signed(out, step->tally.decided_ns);
    put_text(out, ",\"sched\":");
    status = put_scheduled(log, out, step, diag);
    if (status != SIM_OK)
        return status;
    put_text(out, "],\"admit\":[");
    for (uint32_t i = 0; i < step->admitted_count; i++)
        put_request_pair(log, out, step->admitted[i].request, step->admitted[i].cached_tokens);
    put_char(out, ']');
    put_external(log, out, step);
    put_preempted(log, out, step);
    put_requests(log, out, ",\"finish\":[", step->finished, step->finished_count);
    put_vain(log, out, step);
    put_field(out, "free", step->tally.free_blocks);
    put_field(out, "run", step->tally.running);
    put_field(out, "wait", step->tally.waiting);
    if (log->options.speculation)
        put_drafts(log, out, step);
    if (log->options.groups)
        put_group_fields(log, out, step);
    put_text(out, ",\"blocks\":\"");
    put_hash(out, pending->blocks_hash);
    put_char(out, '"');
    if (log->options.tables) {
        put_text(out, ",\"tables\":[");
        memcpy(out->text + out->length, pending->tables.text, pending->tables.length);
        out->length += pending->tables.length;
        put_char(out, ']');
    }
    put_text(out, "}\n");
    for (uint32_t i = 0; i < step->finished_count; i++) /* their tables are gone */
        table_hash_forget(log->hashes, step->finished[i]);
    return flush(log, FLUSH_AT, diag);
}

/* --- the summary ----------------------------------------------------------------------------------------------------------------- */

/* Times that were not reached are -1, and not null: rows stay arrays of integers that any reader can load into a matrix. */
static void put_row(const struct decision_log *log, struct text_buffer *out, uint32_t position)
{
    const struct request_story story = metrics_story(log->metrics, position);
    const int64_t values[] = {story.arrival_ns, story.first_scheduled_ns, story.first_token_ns,
                              story.finish_ns,  story.preemptions,        story.cached_tokens};
    put_comma(out);
    put_char(out, '[');
    put_request(log, out, position);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        put_char(out, ',');
        put_signed(out, values[i]);
    }
    put_char(out, ']');
}

static void put_totals(struct decision_log *log, const struct run_end *end)
{
    const struct metrics *metrics = log->metrics;
    struct text_buffer *out = &log->out;
    put_text(out, "{\"summary\":true");
    put_field(out, "steps", end->steps);
    put_field(out, "requests", log->trace->count - metrics->dropped);
    put_field(out, "preemptions", metrics->preempt_recompute + metrics->preempt_swap);
    put_field(out, "prompt_tokens", metrics->prompt_tokens);
    put_field(out, "cached_tokens", metrics->cached_tokens);
    put_field(out, "cached_tokens_all", metrics->cached_tokens_all);
    put_field(out, "output_tokens", metrics->output_tokens);
    if (log->options.speculation) {
        put_field(out, "draft_tokens", metrics->draft_tokens);
        put_field(out, "accepted_draft_tokens", metrics->accepted_draft_tokens);
    }
    if (log->options.groups) {
        put_field(out, "finished", metrics->completed);
        put_field(out, "preempt_recompute", metrics->preempt_recompute);
        put_field(out, "preempt_swap", metrics->preempt_swap);
        put_field(out, "copies", metrics->copies);
        put_field(out, "swap_in", metrics->swapped_in_blocks);
        put_field(out, "swap_out", metrics->swapped_out_blocks);
    }
    put_text(out, ",\"end_ns\":");
    put_signed(out, end->end_ns);
    put_text(out, end->stalled ? ",\"stall\":true" : ",\"stall\":false");
}

/* Where vLLM itself would die, the log has a line that says why in place of the step. */
static void put_abort(struct decision_log *log, const struct run_end *end)
{
    struct text_buffer *out = &log->out;
    put_text(out, "{\"step\":");
    put_unsigned(out, end->steps);
    put_text(out, ",\"t\":");
    put_signed(out, end->end_ns);
    put_text(out, ",\"abort\":\"");
    put_text(out, end->abort);
    put_text(out, "\"}\n");
}

/* Positions in the order of the numbers that requests are named by. The caller frees it. */
static enum status numbers_order(const struct decision_log *log, uint32_t **out, struct diag *diag)
{
    if (!log->options.own_numbers)
        return request_order(log->trace, out, diag);
    enum status status = array_zeroed(out, log->trace->count, sizeof **out, "the decision log", diag);
    for (uint32_t i = 0; i < log->trace->count && status == SIM_OK; i++)
        (*out)[i] = i;
    return status;
}

/* The summary lists requests by their number in the file. A row has seven numbers of at most 20 digits: 160 bytes with the punctuation. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct decision_log *log = self;
    struct text_buffer *out = &log->out;
    const uint32_t count = log->trace->count;
    uint32_t *order;
    enum status status = make_room(out, (size_t)count * 160 + 2048, diag);
    if (status == SIM_OK)
        status = numbers_order(log, &order, diag);
    if (status != SIM_OK)
        return status;
    if (end->abort)
        put_abort(log, end);
    put_totals(log, end);
    put_text(out, ",\"dropped\":[");
    for (uint32_t i = 0; i < count; i++) {
        const struct request_story story = metrics_story(log->metrics, order[i]);
        if (!story.dropped)
            continue;
        put_comma(out);
        put_char(out, '[');
        put_request(log, out, order[i]);
        put_text(out, ",\"");
        /* The log's format has no watermark; with less of it, it is the pool that would do. */
        put_text(out, story.drop_reason == DROP_WATERMARK ? "pool" : request_drop_reason(&story));
        put_text(out, "\"]");
    }
    put_text(out, "],\"per_request\":[");
    for (uint32_t i = 0; i < count; i++)
        if (!metrics_story(log->metrics, order[i]).dropped)
            put_row(log, out, order[i]);
    put_text(out, "]}\n");
    free(order);
    return flush(log, 0, diag);
}

/* Groups have samples in their entries, so the log of V0 has more members (doc/formats.md). */
enum status decision_log_options_for(const struct config *config, bool tables, struct decision_log_options *out, struct diag *diag)
{
    struct kv_groups groups;
    enum status status = kv_groups_make(config, "configuration", &groups, diag);
    if (status != SIM_OK)
        return status;
    *out = (struct decision_log_options){.tables = tables,
                                         .groups = engine_facts_of(config)->has_groups,
                                         .several_tables = groups.count > 1,
                                         .windows = groups.list[0].kind != KV_KIND_FULL,
                                         .speculation = config->speculative.method != SPECULATIVE_NONE};
    return SIM_OK;
}

/* Nothing is written here: the format has no header, and a replay of no steps is its summary alone. */
enum status decision_log_create(const struct metrics *metrics, const struct decision_log_options *options, const struct log_sink *sink,
                                struct decision_log **out, struct diag *diag)
{
    struct decision_log *log;
    enum status status = array_zeroed(&log, 1, sizeof *log, "the decision log", diag);
    if (status != SIM_OK)
        return status;
    log->metrics = metrics;
    log->trace = metrics->trace;
    log->options = *options;
    log->sink = *sink;
    status = table_hash_create(log->trace->count, &(struct table_hash_options){.grows = tables_grow(options)}, &log->hashes, diag);
    for (int i = 0; i < 2 && status == SIM_OK; i++)
        status = make_room(&log->pending[i].tables, 1, diag); /* memcpy from it must not meet NULL */
    if (status == SIM_OK)
        *out = log;
    else
        decision_log_destroy(log);
    return status;
}

struct observer decision_log_observer(struct decision_log *log)
{
    return (struct observer){.self = log, .decisions = true, .scheduled = on_scheduled, .completed = on_completed, .finish = on_finish};
}

void decision_log_destroy(struct decision_log *log)
{
    if (!log)
        return;
    free(log->out.text);
    for (int i = 0; i < 2; i++)
        free(log->pending[i].tables.text);
    free(log->listed);
    free(log->sched.text);
    free(log->last);
    table_hash_destroy(log->hashes);
    free(log);
}
