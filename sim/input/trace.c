/* trace.c - see trace.h: cuts a file into pieces, has them read in parallel, joins them to flat arrays. */
#include "input/trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text_file.h"
#include "input/trace_rows.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { LEAST_PIECE = 1 << 18, MOST_PIECES = 64 };

struct trace_selection trace_select_all(void)
{
    return (struct trace_selection){.to_ns = INT64_MAX, .limit = UINT64_MAX, .arrival_speedup = 1.0};
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------ */

struct trace_row *trace_rows_add(struct trace_rows *rows)
{
    if (array_reserve(&rows->rows, &rows->capacity, rows->count + 1, sizeof *rows->rows, "requests", &rows->diag) != SIM_OK)
        return NULL;
    rows->rows[rows->count] = (struct trace_row){.samples = 1};
    return &rows->rows[rows->count++];
}

/* Is `name` one of the comma-separated names? */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

void trace_rows_ignore(struct trace_rows *rows, const char *name)
{
    size_t used = strlen(rows->ignored_fields);
    if (used + strlen(name) + 3 < sizeof rows->ignored_fields && !is_listed(rows->ignored_fields, name))
        snprintf(rows->ignored_fields + used, sizeof rows->ignored_fields - used, "%s%s", used ? ", " : "", name);
}

bool trace_ms_to_ns(double ms, int64_t *ns)
{
    if (!(ms >= 0 && ms <= 9e12))
        return false;
    *ns = (int64_t)nearbyint(ms * 1e6);
    return true;
}

static void free_rows(struct trace_rows *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pieces[i].rows);
        free(pieces[i].hash_ids);
    }
    free(pieces);
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (const char *at = text, *end = text + length; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

static size_t thread_count(void)
{
#ifdef _OPENMP
    return (size_t)omp_get_max_threads();
#else
    return 1;
#endif
}

/* Cut at line ends into pieces of about equal size, no smaller than pays. */
static size_t cut(const char *name, const char *text, size_t length, struct trace_rows *pieces, size_t most)
{
    size_t count = 0, wanted = length / most > LEAST_PIECE ? length / most : LEAST_PIECE;
    while (length > 0) {
        size_t take = length;
        if (count + 1 < most && wanted < length) {
            const char *stop = memchr(text + wanted, '\n', length - wanted);
            take = stop ? (size_t)(stop - text) + 1 : length;
        }
        pieces[count++] = (struct trace_rows){.file = name, .text = text, .length = take};
        text += take;
        length -= take;
    }
    return count;
}

static void read_piece(struct trace_rows *piece, enum trace_format format, size_t first_line)
{
    piece->first_line = first_line;
    if (format == TRACE_FORMAT_JSONL)
        trace_read_jsonl(piece);
    else
        trace_read_azure_csv(piece);
}

/* The first error in file order. Pieces number lines from 1; a piece that failed is read again with its real first line. */
static enum status first_error(struct trace_rows *pieces, size_t count, enum trace_format format, size_t first_line, struct diag *diag)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].status != SIM_OK) {
            pieces[i].count = pieces[i].hash_count = 0;
            pieces[i].status = SIM_OK;
            diag_clear(&pieces[i].diag);
            read_piece(&pieces[i], format, first_line);
            return diag_set(diag, pieces[i].diag.status, "%s", pieces[i].diag.text);
        }
        first_line += count_lines(pieces[i].text, pieces[i].length);
    }
    return SIM_OK;
}

static enum status read_pieces(const char *name, const char *text, size_t length, enum trace_format format, size_t first_line,
                               struct trace_rows **out, size_t *out_count, struct diag *diag)
{
    struct trace_rows *pieces;
    size_t most = thread_count() < MOST_PIECES ? thread_count() : MOST_PIECES;
    enum status status = array_zeroed(&pieces, most, sizeof *pieces, "the trace", diag);
    if (status != SIM_OK)
        return status;
    size_t count = cut(name, text, length, pieces, most);
#pragma omp parallel for schedule(dynamic, 1) default(none) shared(pieces, count, format) if (count > 1)
    for (size_t i = 0; i < count; i++)
        read_piece(&pieces[i], format, 1);
    status = first_error(pieces, count, format, first_line, diag);
    if (status != SIM_OK) {
        free_rows(pieces, count);
        return status;
    }
    *out = pieces;
    *out_count = count;
    return SIM_OK;
}

/* --- what format is it? ---------------------------------------------------------------------------------------------------------- */

static enum status recognise(const char *name, const char *text, size_t length, enum trace_format *format, struct diag *diag)
{
    size_t at = 0, line = 1;
    while (at < length && strchr(" \t\r\n", text[at])) {
        line += text[at] == '\n';
        at++;
    }
    if (at == length)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: holds no request; a trace has one a line, like {\"timestamp\": 0, \"input_length\": 100, "
                        "\"output_length\": 20}",
                        name);
    const char *stop = memchr(text + at, '\n', length - at);
    size_t first = stop ? (size_t)(stop - text) - at : length - at;
    if (*format != TRACE_FORMAT_AUTO)
        return SIM_OK;
    if (text[at] == '{')
        *format = TRACE_FORMAT_JSONL;
    else if (trace_is_azure_header(text + at, first))
        *format = TRACE_FORMAT_AZURE_CSV;
    else if (text[at] == '[')
        return diag_at(diag, name, line, 1, "a JSON array, not a trace; write one request object a line (JSONL)");
    else
        return diag_at(diag, name, line, 1,
                       "the format is not known; a JSONL line starts with {, an Azure CSV with the header "
                       "TIMESTAMP,ContextTokens,GeneratedTokens");
    return SIM_OK;
}

/* Step over the header of a CSV, which must be there. */
static enum status skip_header(const char *name, const char **text, size_t *length, size_t *first_line, struct diag *diag)
{
    while (*length > 0) {
        const char *stop = memchr(*text, '\n', *length);
        size_t line = stop ? (size_t)(stop - *text) + 1 : *length;
        bool header = trace_is_azure_header(*text, stop ? line - 1 : line), blank = line == 1 || (line == 2 && **text == '\r');
        if (!header && !blank)
            break;
        *text += line;
        *length -= line;
        ++*first_line;
        if (header)
            return SIM_OK;
    }
    return diag_at(diag, name, *first_line, 1, "an Azure CSV starts with the header TIMESTAMP,ContextTokens,GeneratedTokens");
}

/* --- joining --------------------------------------------------------------------------------------------------------------------- */

/* What is kept of the file, in order of arrival: where each request stands among the pieces. */
struct kept {
    int64_t arrival_ns;
    uint32_t index;
    uint32_t piece;
    size_t row;
};

static int by_arrival(const void *a, const void *b)
{
    const struct kept *left = a, *right = b;
    if (left->arrival_ns != right->arrival_ns)
        return left->arrival_ns < right->arrival_ns ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

static enum status select_rows(const struct trace_rows *pieces, size_t piece_count, enum trace_format format,
                               const struct trace_selection *selection, struct kept *kept, uint32_t *count, struct diag *diag)
{
    uint32_t index = 0, used = 0;
    bool sorted = true;
    int64_t zero = format == TRACE_FORMAT_AZURE_CSV && piece_count > 0 && pieces[0].count > 0 ? pieces[0].rows[0].arrival_ns : 0;
    for (size_t piece = 0; piece < piece_count; piece++)
        for (size_t row = 0; row < pieces[piece].count; row++, index++) {
            int64_t arrival_ns = pieces[piece].rows[row].arrival_ns - zero;
            if (arrival_ns < 0)
                return diag_set(diag, SIM_BAD_INPUT, "%s: request %u is earlier than the first row; sort the rows by time",
                                pieces[piece].file, index);
            if (arrival_ns < selection->from_ns || arrival_ns >= selection->to_ns || used >= selection->limit)
                continue;
            if (selection->arrival_speedup != 1.0)
                arrival_ns = (int64_t)nearbyint((double)arrival_ns / selection->arrival_speedup);
            sorted = sorted && (used == 0 || kept[used - 1].arrival_ns <= arrival_ns);
            kept[used++] = (struct kept){.arrival_ns = arrival_ns, .index = index, .piece = (uint32_t)piece, .row = row};
        }
    if (!sorted)
        qsort(kept, used, sizeof *kept, by_arrival);
    *count = used;
    return SIM_OK;
}

/* Hash ids get numbers 0, 1, ... in order of first appearance in the file. Small ids are looked up directly, others by hashing. */
struct renumbering {
    uint32_t *direct; /* id -> number + 1 */
    uint64_t direct_size;
    uint64_t *keys; /* open addressing: id + 1, 0 = empty */
    uint32_t *numbers;
    size_t mask;
    uint32_t count;
};

static enum status start_renumbering(struct renumbering *numbering, uint64_t largest, size_t ids, struct diag *diag)
{
    *numbering = (struct renumbering){0};
    if (largest < 8 * (uint64_t)ids + 1024) {
        numbering->direct_size = largest + 1;
        return array_zeroed(&numbering->direct, (size_t)largest + 1, sizeof *numbering->direct, "hash ids", diag);
    }
    size_t slots = 64;
    while (slots < 2 * ids)
        slots *= 2;
    numbering->mask = slots - 1;
    enum status status = array_zeroed(&numbering->keys, slots, sizeof *numbering->keys, "hash ids", diag);
    if (status == SIM_OK)
        status = array_zeroed(&numbering->numbers, slots, sizeof *numbering->numbers, "hash ids", diag);
    return status;
}

static uint32_t renumber(struct renumbering *numbering, uint64_t id)
{
    if (numbering->direct) {
        if (numbering->direct[id] == 0)
            numbering->direct[id] = ++numbering->count;
        return numbering->direct[id] - 1;
    }
    uint64_t hash = (id + 1) * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(hash >> 20) & numbering->mask;
    while (numbering->keys[slot] != 0 && numbering->keys[slot] != id + 1)
        slot = (slot + 1) & numbering->mask;
    if (numbering->keys[slot] == 0) {
        numbering->keys[slot] = id + 1;
        numbering->numbers[slot] = numbering->count++;
    }
    return numbering->numbers[slot];
}

static void end_renumbering(struct renumbering *numbering)
{
    free(numbering->direct);
    free(numbering->keys);
    free(numbering->numbers);
}

/* Renumber in place, in file order, over the whole file: a selection does not change anybody's numbers. */
static enum status renumber_all(struct trace_rows *pieces, size_t count, uint32_t *distinct, struct diag *diag)
{
    uint64_t largest = 0;
    size_t ids = 0;
    for (size_t piece = 0; piece < count; piece++) {
        ids += pieces[piece].hash_count;
        for (size_t i = 0; i < pieces[piece].hash_count; i++)
            if (pieces[piece].hash_ids[i] > largest)
                largest = pieces[piece].hash_ids[i];
    }
    struct renumbering numbering;
    enum status status = start_renumbering(&numbering, largest, ids, diag);
    for (size_t piece = 0; piece < count && status == SIM_OK; piece++)
        for (size_t i = 0; i < pieces[piece].hash_count; i++)
            pieces[piece].hash_ids[i] = renumber(&numbering, pieces[piece].hash_ids[i]);
    *distinct = numbering.count;
    end_renumbering(&numbering);
    return status;
}

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

/* A column that is made when the first request has something else than the default. */
static enum status optional_column(void *column, const struct trace *trace, size_t size, struct diag *diag)
{
    void *made;
    memcpy(&made, column, sizeof made);
    return made ? SIM_OK : array_zeroed(column, trace->count, size, "the trace", diag);
}

static enum status fill_optional(struct trace *trace, uint32_t position, const struct trace_row *row,
                                 const struct trace_selection *selection, struct diag *diag)
{
    uint32_t samples = row->samples, beam = row->beam_width, index = trace->index[position];
    if (selection->set_samples && index % (selection->samples_every ? selection->samples_every : 1) == 0)
        samples = selection->set_samples;
    if (selection->set_beam && index % (selection->beam_every ? selection->beam_every : 1) == 0)
        beam = selection->set_beam;
    enum status status = SIM_OK;
    if (row->priority != 0 && (status = optional_column(&trace->priority, trace, sizeof *trace->priority, diag)) == SIM_OK)
        trace->priority[position] = row->priority;
    if (status == SIM_OK && samples != 1 && !trace->samples) {
        status = optional_column(&trace->samples, trace, sizeof *trace->samples, diag);
        for (uint32_t i = 0; status == SIM_OK && i < trace->count; i++)
            trace->samples[i] = 1;
    }
    if (status == SIM_OK && samples != 1)
        trace->samples[position] = samples;
    if (status == SIM_OK && beam != 0 && (status = optional_column(&trace->beam_width, trace, sizeof *trace->beam_width, diag)) == SIM_OK)
        trace->beam_width[position] = beam;
    return status;
}

static enum status fill_columns(struct trace *trace, const struct trace_rows *pieces, const struct kept *kept,
                                const struct trace_selection *selection, struct diag *diag)
{
    uint64_t hashes = 0;
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const struct trace_rows *piece = &pieces[kept[position].piece];
        const struct trace_row *row = &piece->rows[kept[position].row];
        trace->arrival_ns[position] = kept[position].arrival_ns;
        trace->index[position] = kept[position].index;
        trace->input_tokens[position] = row->input_tokens;
        trace->output_tokens[position] = row->output_tokens;
        for (uint32_t i = 0; i < row->hash_count; i++)
            trace->hash_ids[hashes++] = (uint32_t)piece->hash_ids[row->hash_at + i];
        if (trace->hash_start)
            trace->hash_start[position + 1] = hashes;
        status = fill_optional(trace, position, row, selection, diag);
    }
    return status;
}

static enum status join(const char *name, struct trace_rows *pieces, size_t piece_count, enum trace_format format,
                        const struct trace_selection *selection, struct trace *trace, struct diag *diag)
{
    size_t rows = 0, hashes = 0;
    struct kept *kept = NULL;
    for (size_t i = 0; i < piece_count; i++)
        rows += pieces[i].count;
    if (rows == 0 || rows >= UINT32_MAX / 2)
        return diag_set(diag, SIM_BAD_INPUT, "%s: holds %zu requests; 1 to 2147483646 can be replayed", name, rows);
    enum status status = array_zeroed(&kept, rows, sizeof *kept, "the trace", diag);
    if (status == SIM_OK)
        status = select_rows(pieces, piece_count, format, selection, kept, &trace->count, diag);
    if (status == SIM_OK && trace->count == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: none of its %zu requests is selected; widen --from, --to or --limit", name, rows);
    if (status == SIM_OK)
        status = renumber_all(pieces, piece_count, &trace->distinct_hashes, diag);
    for (uint32_t position = 0; status == SIM_OK && position < trace->count; position++)
        hashes += pieces[kept[position].piece].rows[kept[position].row].hash_count;
    if (status == SIM_OK)
        status = make_columns(trace, hashes, diag);
    if (status == SIM_OK)
        status = fill_columns(trace, pieces, kept, selection, diag);
    trace->requests_in_file = (uint32_t)rows;
    free(kept);
    return status;
}

static void gather_ignored(const struct trace_rows *pieces, size_t count, struct trace *trace)
{
    struct trace_rows all = {0};
    for (size_t i = 0; i < count; i++) {
        char names[sizeof pieces[i].ignored_fields], *rest = names, *name;
        memcpy(names, pieces[i].ignored_fields, sizeof names);
        while ((name = strsep(&rest, ",")) != NULL)
            if (*name)
                trace_rows_ignore(&all, *name == ' ' ? name + 1 : name);
    }
    memcpy(trace->ignored_fields, all.ignored_fields, sizeof trace->ignored_fields);
}

static enum status load_text(const char *name, const char *text, size_t length, const struct trace_selection *selection,
                             struct trace *trace, struct diag *diag)
{
    enum trace_format format = selection->format;
    size_t first_line = 1, count = 0;
    struct trace_rows *pieces = NULL;
    enum status status = recognise(name, text, length, &format, diag);
    if (status == SIM_OK && format == TRACE_FORMAT_AZURE_CSV)
        status = skip_header(name, &text, &length, &first_line, diag);
    if (status == SIM_OK)
        status = read_pieces(name, text, length, format, first_line, &pieces, &count, diag);
    if (status == SIM_OK)
        status = join(name, pieces, count, format, selection, trace, diag);
    if (status == SIM_OK)
        gather_ignored(pieces, count, trace);
    free_rows(pieces, count);
    return status;
}

enum status trace_load(const char *path, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    struct text_file file;
    struct trace *trace = NULL;
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    status = array_zeroed(&trace, 1, sizeof *trace, "the trace", diag);
    if (status == SIM_OK) {
        snprintf(trace->name, sizeof trace->name, "%s", path);
        status = load_text(strcmp(path, "-") == 0 ? "standard input" : path, file.text, file.length, selection, trace, diag);
    }
    text_file_close(&file);
    if (status != SIM_OK) {
        trace_destroy(trace);
        return status;
    }
    *out = trace;
    return SIM_OK;
}

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
