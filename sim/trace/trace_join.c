/* trace_join.c - pieces become one set of rows, hash ids get numbers, times their zero, and what is wanted becomes a trace. Read make_trace
 * near the end first; it does these in order:
 *
 *     settle_times from the trace's start; a turn of a session is not earlier than the one before
 *     fill         outputs that rows do not say
 *     fit          how many tokens can a hash id name?
 *     survey       which rows are wanted, and are they in order of arrival?
 *     renumber     hash ids 0, 1, ... in order of first appearance in the whole file, so that a selection changes nobody's number
 *     choose       the wanted rows, sorted by arrival; trace_copy copies them
 *     take_over    or, when all are wanted as they are: rows become the trace's columns
 *
 * The usual file is one piece, sorted and wanted as a whole: then nothing is copied and hash ids that are numbered in order of appearance,
 * as published traces have them, cost one comparison each. */
#include "trace/trace_join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/huge_pages.h"
#include "base/integers.h"
#include "base/seeded_random.h"
#include "base/text_parts.h"
#include "trace/priority_rules.h"
#include "trace/request_order.h"

/* From so many rows on, twice the columns would be noticed; memory that was freed is given back while they are joined. */
enum { GIVE_BACK_ROWS = 1 << 21 };

/* --- one set of rows ------------------------------------------------------------------------------------------------------------- */

/* The piece's columns go after the rows that `all` has; where it has none of its own, its rows have the default. */
static void append_piece(struct trace_rows *all, const struct trace_rows *piece)
{
    const size_t at = all->count;
    trace_columns_append(&all->trace, at, &piece->trace, piece->count);
    for (size_t row = 0; all->trace.hash_start && row < piece->count; row++)
        all->trace.hash_start[at + row + 1] = all->hash_count + (piece->trace.hash_start ? piece->trace.hash_start[row + 1] : 0);
    if (piece->hash_count > 0)
        memcpy(all->trace.hash_ids + all->hash_count, piece->trace.hash_ids, piece->hash_count * sizeof *piece->trace.hash_ids);
    if (piece->hash_high)
        memcpy(all->hash_high + all->hash_count, piece->hash_high, piece->hash_count * sizeof *all->hash_high);
    all->count += piece->count;
    all->hash_count += piece->hash_count;
}

/* Pieces number their sessions and tenants for themselves; `column` of the rows just appended gets the numbers of the whole. */
static enum status join_names(const struct session_names *names, struct session_names *whole, uint32_t *column, size_t rows,
                              struct diag *diag)
{
    uint32_t *number = NULL;
    if (names->count == 0)
        return SIM_OK;
    enum status status = array_zeroed(&number, (size_t)names->count + 1, sizeof *number, "sessions", diag);
    for (uint32_t i = 1; i <= names->count && status == SIM_OK; i++) {
        size_t length;
        const char *text = session_names_text(names, i, &length);
        status = session_names_number(whole, text, length, &number[i], diag);
    }
    for (size_t row = 0; row < rows && status == SIM_OK; row++)
        column[row] = number[column[row]];
    free(number);
    return status;
}

static enum status join_all_names(struct trace_rows *all, const struct trace_rows *piece, struct diag *diag)
{
    const size_t from = all->count - piece->count;
    struct trace *whole = &all->trace;
    enum status status = SIM_OK;
    if (whole->session)
        status = join_names(&piece->trace.sessions, &whole->sessions, whole->session + from, piece->count, diag);
    if (status == SIM_OK && whole->tenant)
        status = join_names(&piece->trace.tenants, &whole->tenants, whole->tenant + from, piece->count, diag);
    return status;
}

/* Lines were made those of the file already; rows count from the piece's start. */
static enum status join_skipped(struct trace_rows *all, const struct trace_rows *piece, struct diag *diag)
{
    enum status status = SIM_OK;
    const size_t rows_before = all->count - piece->count;
    if (all->skipped_count == 0)
        all->skipped_first = piece->skipped_first;
    for (size_t i = 0; i < piece->skipped_count && status == SIM_OK; i++) {
        const struct skipped_row skipped = {.row = rows_before + piece->skipped[i].row, .line = piece->skipped[i].line};
        status = array_append(&all->skipped, &all->skipped_count, &all->skipped_capacity, &skipped, sizeof skipped, "skipped rows", diag);
    }
    if (all->untimed_line == 0)
        all->untimed_line = piece->untimed_line;
    if (all->unsaid_line == 0)
        all->unsaid_line = piece->unsaid_line;
    return status;
}

/* Columns as long as all pieces together, with those optional ones that any of them has. */
static enum status make_columns(const struct trace_rows *pieces, size_t count, struct trace_rows *all, struct diag *diag)
{
    size_t rows = 0, hashes = 0;
    bool wanted[TRACE_COLUMNS_OF_FILES] = {false}, high = false;
    for (size_t i = 0; i < count; i++) {
        rows += pieces[i].count;
        hashes += pieces[i].hash_count;
        high |= pieces[i].hash_high != NULL;
        for (size_t c = 0; c < TRACE_COLUMNS_OF_FILES; c++)
            wanted[c] |= trace_column_items(&pieces[i].trace, &trace_columns[c]) != NULL;
    }
    enum status status = trace_columns_make(&all->trace, rows, wanted, diag);
    const struct array_request ids[] = {ARRAY_IF(hashes > 0, all->trace.hash_start, rows + 1),
                                        ARRAY_IF(hashes > 0, all->trace.hash_ids, hashes), ARRAY_IF(high, all->hash_high, hashes)};
    return status == SIM_OK ? array_zeroed_all(ids, sizeof ids / sizeof *ids, "the trace", diag) : status;
}

/* Each piece lists the fields it has ignored; the trace lists all of them once. */
static void gather_ignored(const struct trace_rows *piece, struct trace_rows *all)
{
    char names[sizeof piece->trace.ignored_fields], *rest = names, *name;
    memcpy(names, piece->trace.ignored_fields, sizeof names);
    while ((name = next_part(&rest, ',')) != NULL)
        if (*name)
            trace_rows_ignore(all, *name == ' ' ? name + 1 : name);
}

/* One piece is taken as it is. */
static enum status concatenate(struct trace_rows *pieces, size_t count, struct trace_rows *all, struct diag *diag)
{
    if (count == 1) {
        *all = pieces[0];
        pieces[0] = (struct trace_rows){0};
        return SIM_OK;
    }
    enum status status = make_columns(pieces, count, all, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        append_piece(all, &pieces[i]);
        gather_ignored(&pieces[i], all);
        status = join_all_names(all, &pieces[i], diag);
        if (status == SIM_OK)
            status = join_skipped(all, &pieces[i], diag);
        trace_rows_deinit(&pieces[i]); /* never all twice */
        if (all->count > GIVE_BACK_ROWS)
            huge_pages_give_back();
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
    return rows->trace.hash_ids[i] | (rows->hash_high ? (uint64_t)rows->hash_high[i] << 32 : 0);
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
        rows->trace.hash_ids[i] = numbering->slots[slot] - 1;
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
        uint32_t *number = &numbering->direct[rows->trace.hash_ids[i]];
        if (*number == 0)
            *number = ++numbering->count;
        rows->trace.hash_ids[i] = *number - 1;
    }
    return status;
}

/* How many of the ids are in order of first appearance: each known, or the next. */
static size_t count_in_order(const struct trace_rows *rows, uint32_t *distinct)
{
    uint32_t next = 0;
    size_t i = 0;
    for (; !rows->hash_high && i < rows->hash_count && rows->trace.hash_ids[i] <= next; i++)
        next += rows->trace.hash_ids[i] == next;
    *distinct = next;
    return i;
}

/* What the file calls each number. The hashing table's keys are that already; the direct one is turned around. */
static enum status keep_ids(struct renumbering *numbering, uint64_t largest, struct trace *trace, struct diag *diag)
{
    if (numbering->ids) {
        trace->id_in_file = numbering->ids;
        numbering->ids = NULL;
        return SIM_OK;
    }
    enum status status = array_zeroed(&trace->id_in_file, numbering->count, sizeof *trace->id_in_file, "hash ids", diag);
    for (uint64_t id = 0; id <= largest && status == SIM_OK; id++)
        if (numbering->direct[id] > 0)
            trace->id_in_file[numbering->direct[id] - 1] = id;
    return status;
}

/* Over the whole file, in file order: a selection does not change anybody's numbers. */
static enum status renumber(struct trace_rows *rows, const struct trace_selection *selection, uint32_t *distinct, struct diag *diag)
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
    if (status == SIM_OK && selection->keep_ids)
        status = keep_ids(&numbering, largest, &rows->trace, diag);
    free(numbering.direct);
    free(numbering.slots);
    free(numbering.ids);
    return status;
}

/* --- times and lengths ------------------------------------------------------------------------------------------------------------ */

/* By arrival as the file has it, then by count: the first `limit` that pass. */
static bool is_wanted(const struct trace_selection *selection, int64_t arrival_ns, uint64_t used)
{
    return arrival_ns >= selection->from_ns && arrival_ns < selection->to_ns && used < selection->limit;
}

/* Add up gaps in place. Only a row with a time moves it on. */
static enum status sum_gaps(const char *name, struct trace_rows *rows, struct diag *diag)
{
    int64_t now_ns = 0;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t *at = &rows->trace.arrival_ns[i];
        if (*at == TRACE_NO_TIME)
            continue;
        if (__builtin_add_overflow(now_ns, *at, &now_ns))
            return diag_set(diag, SIM_BAD_INPUT, "%s: request %zu would arrive after more than 292 years; the gaps are too long", name, i);
        *at = now_ns;
    }
    return SIM_OK;
}

/* The earliest time that a row names; 0 if none does. Rows may be in any order. */
static int64_t earliest(const struct trace_rows *rows)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->trace.arrival_ns[i] < least && rows->trace.arrival_ns[i] != TRACE_NO_TIME)
            least = rows->trace.arrival_ns[i];
    return least == INT64_MAX ? 0 : least;
}

/* Times count from the trace's start, and every row gets one: 0 where the file has none. A later turn is not before the turn that it follows,
 * so that positions, which are in order of arrival, are in the order of turns as well. */
static enum status settle_times(const struct trace_source *source, struct trace_rows *rows, struct diag *diag)
{
    const struct trace *trace = &rows->trace;
    const enum trace_times times = source->facts.times;
    int64_t *turn_ns = NULL; /* by session: when its latest turn so far arrives */
    enum status status = times == TRACE_TIMES_GAPS ? sum_gaps(source->name, rows, diag) : SIM_OK;
    if (status == SIM_OK && trace->session)
        status = array_zeroed(&turn_ns, (size_t)trace->sessions.count + 1, sizeof *turn_ns, "sessions", diag);
    const int64_t zero = status == SIM_OK && times == TRACE_TIMES_FROM_FIRST ? earliest(rows) : 0;
    for (size_t i = 0; i < rows->count && status == SIM_OK && (zero != 0 || rows->has_optional); i++) {
        int64_t *at = &trace->arrival_ns[i];
        *at = *at == TRACE_NO_TIME ? 0 : *at - zero;
        if (!turn_ns || trace->session[i] == 0)
            continue;
        if (*at < turn_ns[trace->session[i]])
            *at = turn_ns[trace->session[i]];
        turn_ns[trace->session[i]] = *at;
    }
    free(turn_ns);
    return status;
}

/* Outputs that rows do not say: the same for all, or drawn. By number in the file, so that a selection changes nobody's. */
static enum status fill_outputs(const struct trace_source *source, struct trace_rows *rows, const struct trace_selection *selection,
                                struct diag *diag)
{
    const uint32_t least = selection->output_least, most = selection->output_most;
    char note[96];
    if (rows->unsaid_line == 0)
        return SIM_OK;
    if (least == 0)
        return diag_at(diag, source->name, rows->unsaid_line, 1,
                       "the row does not say how many tokens to generate; --output-length N or --output-range A:B sets it for such rows");
    uint64_t state = seeded_stream(selection->seed, SEEDED_LENGTHS);
    for (size_t i = 0; i < rows->count; i++)
        if (rows->trace.output_tokens[i] == 0)
            rows->trace.output_tokens[i] = least + (uint32_t)(seeded_unit(&state) * ((double)most - least + 1));
    snprintf(note, sizeof note,
             least == most ? "output lengths that the file does not say are %u"
                           : "output lengths that the file does not say are drawn from %u to %u",
             least, most);
    trace_note(&rows->trace, note);
    return SIM_OK;
}

/* --- how many tokens a hash id names ---------------------------------------------------------------------------------------------- */

static uint64_t ids_of(const struct trace *trace, size_t row)
{
    return trace->hash_start[row + 1] - trace->hash_start[row];
}

static bool is_exact(const struct trace_rows *rows, uint32_t width)
{
    for (size_t i = 0; i < rows->count; i++)
        if (ids_of(&rows->trace, i) > 0 && ids_of(&rows->trace, i) != ceil_div(rows->trace.input_tokens[i], width))
            return false;
    return true;
}

/* A row of L tokens with k ids allows T tokens an id if and only if (k - 1) * T < L. What would be exact is worked out only where the usual
 * 512 is impossible. */
static struct hash_id_fit fit_hash_ids(const struct trace_rows *rows)
{
    enum { USUAL = 512, EXACT_LEAST = 16, EXACT_MOST = 1024 };
    struct hash_id_fit fit = {.largest = UINT32_MAX};
    for (size_t i = 0; rows->trace.hash_start && i < rows->count; i++) {
        const uint64_t ids = ids_of(&rows->trace, i), tokens = rows->trace.input_tokens[i];
        if (ids < 2 || (ids - 1) * fit.largest < tokens)
            continue;
        fit = (struct hash_id_fit){
            .largest = (uint32_t)((tokens - 1) / (ids - 1)), .ids = (uint32_t)ids, .tokens = (uint32_t)tokens, .row = i};
    }
    if (fit.largest == UINT32_MAX)
        return (struct hash_id_fit){0};
    for (uint32_t width = EXACT_MOST; fit.largest < USUAL && width >= EXACT_LEAST && fit.exact == 0; width /= 2)
        if (width <= fit.largest && is_exact(rows, width))
            fit.exact = width;
    return fit;
}

/* --- what is wanted, in order of arrival ------------------------------------------------------------------------------------------ */

/* Count how many rows are wanted, and find whether they are in order of arrival. */
static void survey(const struct trace_rows *rows, const struct trace_selection *selection, uint32_t *used, bool *sorted)
{
    int64_t last = INT64_MIN;
    *used = 0;
    *sorted = true;
    for (size_t i = 0; i < rows->count; i++) {
        const int64_t arrival_ns = rows->trace.arrival_ns[i];
        if (!is_wanted(selection, arrival_ns, *used))
            continue;
        *sorted = *sorted && last <= arrival_ns;
        last = arrival_ns;
        ++*used;
    }
}

/* The numbers of the wanted rows, as the file has them. */
static enum status choose(const struct trace_rows *rows, const struct trace_selection *selection, uint32_t used, uint32_t **out,
                          struct diag *diag)
{
    uint32_t at = 0;
    enum status status = array_zeroed(out, used, sizeof **out, "the trace", diag);
    for (size_t i = 0; i < rows->count && status == SIM_OK; i++)
        if (is_wanted(selection, rows->trace.arrival_ns[i], at))
            (*out)[at++] = (uint32_t)i;
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
        if (trace_index(trace, i) % (every ? every : 1) == 0)
            (*column)[i] = value;
    return SIM_OK;
}

/* The trace promises NULL for a column that says nothing. */
static bool says_nothing(const struct trace_column *column, const void *items, uint32_t count)
{
    const uint32_t *narrow = items;
    const int64_t *wide = items;
    for (uint32_t i = 0; items && i < count; i++)
        if (column->size == sizeof *wide ? wide[i] != column->otherwise : narrow[i] != column->otherwise)
            return false;
    return true;
}

/* A column that says nothing would cost memory in each run and make schedulers ask for nothing. */
static void drop_empty_columns(struct trace *trace)
{
    for (size_t i = TRACE_COLUMNS_NEEDED; i < TRACE_COLUMNS_OF_FILES; i++) {
        void *items = trace_column_items(trace, &trace_columns[i]), *none = NULL;
        if (!says_nothing(&trace_columns[i], items, trace->count))
            continue;
        free(items);
        memcpy((char *)trace + trace_columns[i].offset, &none, sizeof none);
    }
    if (!trace->hash_start) { /* room for ids of a line that had none in the end */
        free(trace->hash_ids);
        trace->hash_ids = NULL;
    }
}

/* Options that set samples and beams come last, as they count requests by their number in the file. */
static enum status finish(const struct trace_selection *selection, struct trace *trace, struct diag *diag)
{
    enum status status = set_every(&trace->samples, selection->set_samples, selection->samples_every, 1, trace, diag);
    if (status == SIM_OK)
        status = set_every(&trace->beam_width, selection->set_beam, selection->beam_every, 0, trace, diag);
    if (status == SIM_OK)
        status = priority_rules_apply(selection->priorities, trace, diag);
    if (status == SIM_OK)
        drop_empty_columns(trace);
    return status == SIM_OK ? trace_link_turns(trace, diag) : status;
}

/* A file that is wanted as a whole and in order: its columns change hands. */
static enum status take_over(struct trace *columns, struct trace **out, struct diag *diag)
{
    enum status status = array_zeroed(out, 1, sizeof **out, "the trace", diag);
    if (status == SIM_OK) {
        **out = *columns;
        *columns = (struct trace){0};
    }
    return status;
}

/* The number in the file is the name of a request in logs and reports. Rows that were skipped have numbers, too; without any, a row's place is
 * its number. */
static enum status number_rows(struct trace_rows *all, struct diag *diag)
{
    struct trace *whole = &all->trace;
    const bool gaps = all->skipped_count > 0;
    enum status status = gaps ? array_zeroed(&whole->index, all->count, sizeof *whole->index, "the trace", diag) : SIM_OK;
    size_t skipped = 0;
    for (size_t i = 0; gaps && i < all->count && status == SIM_OK; i++) {
        while (skipped < all->skipped_count && all->skipped[skipped].row <= i)
            skipped++;
        whole->index[i] = (uint32_t)(i + skipped);
    }
    whole->skipped.count = all->skipped_count;
    for (size_t i = 0; i < all->skipped_count && i < TRACE_SKIPPED_NAMED; i++)
        whole->skipped.lines[i] = all->skipped[i].line;
    snprintf(whole->skipped.reason, sizeof whole->skipped.reason, "%.*s", (int)sizeof whole->skipped.reason - 1, all->skipped_first.text);
    whole->count = (uint32_t)all->count;
    whole->requests_in_file = (uint32_t)(all->count + all->skipped_count);
    return status;
}

/* What the rows say beside their order. */
static enum status complete_rows(const struct trace_source *source, struct trace_rows *all, const struct trace_selection *selection,
                                 struct diag *diag)
{
    struct trace *whole = &all->trace;
    whole->facts = source->facts;
    whole->facts.answers_shared = selection->answers_shared;
    whole->untimed_line = all->untimed_line;
    enum status status = number_rows(all, diag);
    if (status == SIM_OK)
        status = settle_times(source, all, diag);
    if (status == SIM_OK)
        status = fill_outputs(source, all, selection, diag);
    if (status != SIM_OK)
        return status;
    if (source->facts.ids_cover_answers)
        whole->fit = (struct hash_id_fit){.largest = 1};
    else {
        whole->fit = fit_hash_ids(all);
        whole->fit.row = trace_index(whole, (uint32_t)whole->fit.row);
    }
    return renumber(all, selection, &whole->distinct_hashes, diag);
}

/* Everything from the joined rows on. */
static enum status make_trace(const struct trace_source *source, struct trace_rows *all, const struct trace_selection *selection,
                              struct trace **out, struct diag *diag)
{
    uint32_t used = 0, *order = NULL;
    bool sorted = true;
    struct trace *whole = &all->trace;
    enum status status = complete_rows(source, all, selection, diag);
    if (status != SIM_OK)
        return status;
    survey(all, selection, &used, &sorted);
    if (used == 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: none of its %zu requests is selected; widen --from, --to or --limit", source->name,
                        all->count);
    const bool chosen = !sorted || used < whole->count;
    if (chosen)
        status = choose(all, selection, used, &order, diag);
    if (status == SIM_OK && !sorted)
        trace_sort_by_arrival(whole, order, used);
    if (status == SIM_OK)
        status = chosen ? trace_copy(whole, order, used, out, diag) : take_over(whole, out, diag);
    free(order);
    return status;
}

enum status trace_join(const struct trace_source *source, struct trace_rows *pieces, size_t count, const struct trace_selection *selection,
                       struct trace **out, struct diag *diag)
{
    struct trace_rows all = {0};
    struct trace *made = NULL;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += pieces[i].count;
    if (rows == 0 || rows >= UINT32_MAX / 2)
        return diag_set(diag, SIM_BAD_INPUT, "%s: holds %zu requests that can be run; 1 to 2147483646 can be replayed", source->name, rows);
    enum status status = concatenate(pieces, count, &all, diag);
    if (status == SIM_OK)
        status = make_trace(source, &all, selection, &made, diag);
    trace_rows_deinit(&all);
    if (status == SIM_OK && made)
        status = finish(selection, made, diag);
    if (status == SIM_OK)
        *out = made;
    else
        trace_destroy(made);
    return status;
}
