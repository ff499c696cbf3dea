/* trace_join.c - pieces become one set of rows, hash ids get numbers, times their zero, and what is wanted becomes a trace. Read make_trace
 * near the end first; it does these in order:
 *
 *     survey       times from the trace's start; which rows are wanted, and are they in order of arrival?
 *     renumber     hash ids 0, 1, ... in order of first appearance in the whole file, so that a selection changes nobody's number
 *     choose       the wanted rows, sorted by arrival; pick copies them
 *     take_over    rows become the trace's columns
 *
 * The usual file is one piece, sorted and wanted as a whole: then nothing is copied and hash ids that are numbered in order of appearance,
 * as published traces have them, cost one comparison each. */
#include "trace/trace_join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* --- one set of rows ------------------------------------------------------------------------------------------------------------- */

/* The piece's columns go after the rows that `all` has; optional ones exist in `all` when any piece has them. */
static void append_piece(struct trace_rows *all, const struct trace_rows *piece)
{
    const size_t at = all->count, rows = piece->count;
    memcpy(all->arrival_ns + at, piece->arrival_ns, rows * sizeof *all->arrival_ns);
    memcpy(all->input_tokens + at, piece->input_tokens, rows * sizeof *all->input_tokens);
    memcpy(all->output_tokens + at, piece->output_tokens, rows * sizeof *all->output_tokens);
    if (piece->priority)
        memcpy(all->priority + at, piece->priority, rows * sizeof *all->priority);
    if (piece->beam_width)
        memcpy(all->beam_width + at, piece->beam_width, rows * sizeof *all->beam_width);
    for (size_t i = 0; all->samples && i < rows; i++)
        all->samples[at + i] = piece->samples ? piece->samples[i] : 1;
    for (size_t i = 0; all->hash_start && i < rows; i++)
        all->hash_start[at + i + 1] = all->hash_count + (piece->hash_start ? piece->hash_start[i + 1] : 0);
    if (piece->hash_count > 0)
        memcpy(all->hash_ids + all->hash_count, piece->hash_ids, piece->hash_count * sizeof *all->hash_ids);
    if (piece->hash_high)
        memcpy(all->hash_high + all->hash_count, piece->hash_high, piece->hash_count * sizeof *all->hash_high);
    all->count += rows;
    all->hash_count += piece->hash_count;
}

/* Columns for `rows` rows and `hashes` ids, with those optional ones that `like` has. */
static enum status make_like(const struct trace_rows *like, size_t rows, size_t hashes, struct trace_rows *all, struct diag *diag)
{
    const struct array_request columns[] = {ARRAY_OF(all->arrival_ns, rows),
                                            ARRAY_OF(all->input_tokens, rows),
                                            ARRAY_OF(all->output_tokens, rows),
                                            ARRAY_IF(like->priority, all->priority, rows),
                                            ARRAY_IF(like->samples, all->samples, rows),
                                            ARRAY_IF(like->beam_width, all->beam_width, rows),
                                            ARRAY_IF(hashes > 0, all->hash_start, rows + 1),
                                            ARRAY_IF(hashes > 0, all->hash_ids, hashes),
                                            ARRAY_IF(hashes > 0 && like->hash_high, all->hash_high, hashes)};
    return array_zeroed_all(columns, sizeof columns / sizeof *columns, "the trace", diag);
}

/* One piece is taken as it is; of several, columns are as long as all together. */
static enum status concatenate(struct trace_rows *pieces, size_t count, struct trace_rows *all, struct diag *diag)
{
    struct trace_rows any = {0}; /* has the columns that some piece has; its pointers are only asked for being there */
    size_t rows = 0, hashes = 0;
    if (count == 1) {
        *all = pieces[0];
        pieces[0] = (struct trace_rows){0};
        return SIM_OK;
    }
    for (size_t i = 0; i < count; i++) {
        rows += pieces[i].count;
        hashes += pieces[i].hash_count;
        any.priority = pieces[i].priority ? pieces[i].priority : any.priority;
        any.samples = pieces[i].samples ? pieces[i].samples : any.samples;
        any.beam_width = pieces[i].beam_width ? pieces[i].beam_width : any.beam_width;
        any.hash_high = pieces[i].hash_high ? pieces[i].hash_high : any.hash_high;
    }
    enum status status = make_like(&any, rows, hashes, all, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        append_piece(all, &pieces[i]);
        trace_rows_deinit(&pieces[i]); /* never all twice */
    }
    return status;
}

/* --- hash ids -------------------------------------------------------------------------------------------------------------------- */

/* Hash ids get numbers 0, 1, ... in order of first appearance in the file. Small ids are looked up directly; others in an open-addressing
 * table of numbers + 1 (0 = empty) whose keys are the ids in order of number, so that it grows without the references. */
struct renumbering {
    uint32_t *direct; /* id -> number + 1 */
    uint32_t *slots;
    size_t slot_mask;
    uint64_t *ids; /* of each number */
    size_t id_capacity;
    uint32_t count;
};

/* Ids are kept in two halves, as the upper one is nearly always 0. */
static uint64_t hash_at(const struct trace_rows *rows, size_t i)
{
    return rows->hash_ids[i] | (rows->hash_high ? (uint64_t)rows->hash_high[i] << 32 : 0);
}

/* The slot that holds the id, or the empty one where it belongs. Linear probing: the table is at most half full. */
static size_t slot_of(const struct renumbering *numbering, uint64_t id)
{
    size_t slot = (size_t)((id + 1) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & numbering->slot_mask;
    while (numbering->slots[slot] != 0 && numbering->ids[numbering->slots[slot] - 1] != id)
        slot = (slot + 1) & numbering->slot_mask;
    return slot;
}

/* Twice as many slots; the ids tell where each number goes. */
static enum status grow_slots(struct renumbering *numbering, struct diag *diag)
{
    size_t slots = numbering->slots ? 2 * (numbering->slot_mask + 1) : 4096;
    enum status status = array_reserve(&numbering->ids, &numbering->id_capacity, slots / 2, sizeof *numbering->ids, "hash ids", diag);
    if (status != SIM_OK)
        return status;
    free(numbering->slots);
    numbering->slots = NULL;
    numbering->slot_mask = slots - 1;
    status = array_zeroed(&numbering->slots, slots, sizeof *numbering->slots, "hash ids", diag);
    for (uint32_t number = 0; number < numbering->count && status == SIM_OK; number++)
        numbering->slots[slot_of(numbering, numbering->ids[number])] = number + 1;
    return status;
}

/* For ids of any size: hashes of 64 bits, for example. */
static enum status number_by_hashing(struct renumbering *numbering, struct trace_rows *rows, struct diag *diag)
{
    enum status status = grow_slots(numbering, diag);
    for (size_t i = 0; i < rows->hash_count && status == SIM_OK; i++) {
        uint64_t id = hash_at(rows, i);
        size_t slot = slot_of(numbering, id);
        if (numbering->slots[slot] == 0) {
            numbering->ids[numbering->count] = id;
            numbering->slots[slot] = ++numbering->count;
        }
        rows->hash_ids[i] = numbering->slots[slot] - 1;
        if (numbering->count > numbering->slot_mask / 2)
            status = grow_slots(numbering, diag);
    }
    return status;
}

/* For small ids: an array from id to number, at most eight times as long as the list of ids. */
static enum status number_directly(struct renumbering *numbering, struct trace_rows *rows, uint64_t largest, struct diag *diag)
{
    enum status status = array_zeroed(&numbering->direct, (size_t)largest + 1, sizeof *numbering->direct, "hash ids", diag);
    for (size_t i = 0; i < rows->hash_count && status == SIM_OK; i++) {
        uint32_t *number = &numbering->direct[rows->hash_ids[i]];
        if (*number == 0)
            *number = ++numbering->count;
        rows->hash_ids[i] = *number - 1;
    }
    return status;
}

/* How many of the ids are in order of first appearance: each known, or the next. */
static size_t count_in_order(const struct trace_rows *rows, uint32_t *distinct)
{
    uint32_t next = 0;
    size_t i = 0;
    for (; !rows->hash_high && i < rows->hash_count && rows->hash_ids[i] <= next; i++)
        next += rows->hash_ids[i] == next;
    *distinct = next;
    return i;
}

/* Over the whole file, in file order: a selection does not change anybody's numbers. */
static enum status renumber(struct trace_rows *rows, uint32_t *distinct, struct diag *diag)
{
    struct renumbering numbering = {0};
    uint64_t largest = 0;
    if (count_in_order(rows, distinct) == rows->hash_count)
        return SIM_OK;
    for (size_t i = 0; i < rows->hash_count; i++)
        largest = hash_at(rows, i) > largest ? hash_at(rows, i) : largest;
    enum status status = largest < 8 * (uint64_t)rows->hash_count + 1024 ? number_directly(&numbering, rows, largest, diag)
                                                                         : number_by_hashing(&numbering, rows, diag);
    *distinct = numbering.count;
    free(numbering.direct);
    free(numbering.slots);
    free(numbering.ids);
    return status;
}

/* --- what is wanted, in order of arrival ----------------------------------------------------------------------------------------- */

/* A wanted row: its arrival and its number in the file. */
struct kept {
    int64_t arrival_ns;
    uint32_t index;
};

/* Ties in the order of the file, which also makes qsort's result unique. */
static int by_arrival(const void *a, const void *b)
{
    const struct kept *left = a, *right = b;
    if (left->arrival_ns != right->arrival_ns)
        return left->arrival_ns < right->arrival_ns ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Rounded as vLLM's benchmark would round it, half to even; a ratio of 1 must not go through doubles, which lose nanoseconds. */
static int64_t sped_up(int64_t arrival_ns, const struct trace_selection *selection)
{
    return selection->arrival_speedup == 1.0 ? arrival_ns : (int64_t)nearbyint((double)arrival_ns / selection->arrival_speedup);
}

/* By arrival as the file has it, then by count: the first `limit` that pass. */
static bool is_wanted(const struct trace_selection *selection, int64_t arrival_ns, uint64_t used)
{
    return arrival_ns >= selection->from_ns && arrival_ns < selection->to_ns && used < selection->limit;
}

/* Add up gaps in place. */
static enum status sum_gaps(const char *name, struct trace_rows *rows, struct diag *diag)
{
    for (size_t i = 1; i < rows->count; i++)
        if (__builtin_add_overflow(rows->arrival_ns[i], rows->arrival_ns[i - 1], &rows->arrival_ns[i]))
            return diag_set(diag, SIM_BAD_INPUT, "%s: request %zu would arrive after more than 292 years; the gaps are too long", name, i);
    return SIM_OK;
}

/* Make times count from the start of the trace, count how many rows are wanted, and find whether they are in order of arrival. */
static enum status survey(const char *name, struct trace_rows *rows, enum trace_times times, const struct trace_selection *selection,
                          uint32_t *used, bool *sorted, struct diag *diag)
{
    if (times == TRACE_TIMES_NONE)
        memset(rows->arrival_ns, 0, rows->count * sizeof *rows->arrival_ns);
    enum status status = times == TRACE_TIMES_GAPS ? sum_gaps(name, rows, diag) : SIM_OK;
    if (status != SIM_OK)
        return status;
    const int64_t zero = times == TRACE_TIMES_FROM_FIRST ? rows->arrival_ns[0] : 0;
    int64_t last = INT64_MIN;
    *used = 0;
    *sorted = true;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t arrival_ns = rows->arrival_ns[i] -= zero;
        if (arrival_ns < 0)
            return diag_set(diag, SIM_BAD_INPUT, "%s: request %zu is earlier than the first row; sort the rows by time", name, i);
        if (!is_wanted(selection, arrival_ns, *used))
            continue;
        *sorted = *sorted && last <= arrival_ns;
        last = arrival_ns;
        ++*used;
    }
    return SIM_OK;
}

/* Times are sped up here, after --from and --to have been compared with the file's own. */
static enum status choose(const struct trace_rows *rows, const struct trace_selection *selection, uint32_t used, bool sorted,
                          struct kept **out, struct diag *diag)
{
    struct kept *kept;
    uint32_t at = 0;
    enum status status = array_zeroed(&kept, used, sizeof *kept, "the trace", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < rows->count; i++)
        if (is_wanted(selection, rows->arrival_ns[i], at))
            kept[at++] = (struct kept){.arrival_ns = sped_up(rows->arrival_ns[i], selection), .index = (uint32_t)i};
    if (!sorted)
        qsort(kept, used, sizeof *kept, by_arrival);
    *out = kept;
    return SIM_OK;
}

/* Copy the chosen rows of `all` to `out` in their order. */
static enum status pick(const struct trace_rows *all, const struct kept *kept, uint32_t count, struct trace_rows *out, struct diag *diag)
{
    size_t hashes = 0;
    for (uint32_t i = 0; i < count && all->hash_start; i++)
        hashes += all->hash_start[kept[i].index + 1] - all->hash_start[kept[i].index];
    enum status status = make_like(all, count, hashes, out, diag);
    for (uint32_t i = 0; i < count && status == SIM_OK; i++) {
        const uint32_t from = kept[i].index;
        out->arrival_ns[i] = kept[i].arrival_ns;
        out->input_tokens[i] = all->input_tokens[from];
        out->output_tokens[i] = all->output_tokens[from];
        if (out->priority)
            out->priority[i] = all->priority[from];
        if (out->samples)
            out->samples[i] = all->samples[from];
        if (out->beam_width)
            out->beam_width[i] = all->beam_width[from];
        if (!out->hash_start)
            continue;
        size_t ids = all->hash_start[from + 1] - all->hash_start[from];
        memcpy(out->hash_ids + out->hash_count, all->hash_ids + all->hash_start[from], ids * sizeof *out->hash_ids);
        out->hash_count += ids;
        out->hash_start[i + 1] = out->hash_count;
    }
    out->count = count;
    return status;
}

/* The number in the file is the name of a request in logs and reports. */
static enum status fill_index(struct trace *trace, const struct kept *kept, struct diag *diag)
{
    enum status status = array_zeroed(&trace->index, trace->count, sizeof *trace->index, "the trace", diag);
    for (uint32_t i = 0; i < trace->count && status == SIM_OK; i++)
        trace->index[i] = kept ? kept[i].index : i;
    return status;
}

/* --n and --beam-width: set a column for every `every`-th request of the file. */
static enum status set_every(uint32_t **column, uint32_t value, uint32_t every, uint32_t otherwise, const struct trace *trace,
                             struct diag *diag)
{
    if (value == 0)
        return SIM_OK;
    if (!*column) {
        enum status status = array_zeroed(column, trace->count, sizeof **column, "the trace", diag);
        for (uint32_t i = 0; i < trace->count && status == SIM_OK; i++)
            (*column)[i] = otherwise;
        if (status != SIM_OK)
            return status;
    }
    for (uint32_t i = 0; i < trace->count; i++)
        if (trace->index[i] % (every ? every : 1) == 0)
            (*column)[i] = value;
    return SIM_OK;
}

/* The trace promises NULL for a column that says nothing. */
static bool says_nothing(const void *column, uint32_t count, uint32_t otherwise)
{
    const uint32_t *values = column;
    for (uint32_t i = 0; values && i < count; i++)
        if (values[i] != otherwise)
            return false;
    return true;
}

/* A column that says nothing would cost memory in each run and make schedulers ask for nothing. */
static void drop_empty_columns(struct trace *trace)
{
    if (says_nothing(trace->priority, trace->count, 0)) {
        free(trace->priority);
        trace->priority = NULL;
    }
    if (says_nothing(trace->samples, trace->count, 1)) {
        free(trace->samples);
        trace->samples = NULL;
    }
    if (says_nothing(trace->beam_width, trace->count, 0)) {
        free(trace->beam_width);
        trace->beam_width = NULL;
    }
    if (!trace->hash_start) { /* room for ids of a line that had none in the end */
        free(trace->hash_ids);
        trace->hash_ids = NULL;
    }
}

/* The rows' arrays change hands; options that set samples and beams come last, as they count requests by their number in the file. */
static enum status take_over(struct trace_rows *rows, const struct kept *kept, const struct trace_selection *selection, struct trace *trace,
                             struct diag *diag)
{
    trace->count = (uint32_t)rows->count;
    trace->arrival_ns = rows->arrival_ns;
    trace->input_tokens = rows->input_tokens;
    trace->output_tokens = rows->output_tokens;
    trace->priority = rows->priority;
    trace->samples = rows->samples;
    trace->beam_width = rows->beam_width;
    trace->hash_start = rows->hash_start;
    trace->hash_ids = rows->hash_ids;
    free(rows->hash_high);
    *rows = (struct trace_rows){0};
    enum status status = fill_index(trace, kept, diag);
    if (status == SIM_OK)
        status = set_every(&trace->samples, selection->set_samples, selection->samples_every, 1, trace, diag);
    if (status == SIM_OK)
        status = set_every(&trace->beam_width, selection->set_beam, selection->beam_every, 0, trace, diag);
    if (status != SIM_OK)
        return status;
    drop_empty_columns(trace);
    return SIM_OK;
}

/* Everything from the joined rows on. */
static enum status make_trace(const char *name, struct trace_rows *all, enum trace_times times, const struct trace_selection *selection,
                              struct trace *trace, struct diag *diag)
{
    uint32_t used;
    bool sorted;
    struct kept *kept = NULL;
    enum status status = survey(name, all, times, selection, &used, &sorted, diag);
    if (status == SIM_OK && used == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: none of its %zu requests is selected; widen --from, --to or --limit", name, all->count);
    if (status == SIM_OK)
        status = renumber(all, &trace->distinct_hashes, diag);
    if (status != SIM_OK)
        return status;
    if (sorted && used == all->count) {
        for (size_t i = 0; i < all->count && selection->arrival_speedup != 1.0; i++)
            all->arrival_ns[i] = sped_up(all->arrival_ns[i], selection);
        return take_over(all, NULL, selection, trace, diag);
    }
    struct trace_rows some = {0};
    status = choose(all, selection, used, sorted, &kept, diag);
    if (status == SIM_OK)
        status = pick(all, kept, used, &some, diag);
    if (status == SIM_OK)
        status = take_over(&some, kept, selection, trace, diag);
    trace_rows_deinit(&some);
    free(kept);
    return status;
}

enum status trace_join(const char *name, struct trace_rows *pieces, size_t count, enum trace_times times,
                       const struct trace_selection *selection, struct trace *trace, struct diag *diag)
{
    struct trace_rows all = {0};
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += pieces[i].count;
    if (rows == 0 || rows >= UINT32_MAX / 2)
        return diag_set(diag, SIM_BAD_INPUT, "%s: holds %zu requests; 1 to 2147483646 can be replayed", name, rows);
    enum status status = concatenate(pieces, count, &all, diag);
    if (status == SIM_OK)
        status = make_trace(name, &all, times, selection, trace, diag);
    trace->requests_in_file = (uint32_t)rows;
    trace_rows_deinit(&all);
    return status;
}
