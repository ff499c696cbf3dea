/* trace.c - see trace.h: cuts a file into pieces, has them read in parallel, joins them to flat arrays. */
#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text_file.h"
#include "trace/trace_join.h"

#ifdef _OPENMP
#include <omp.h>
#endif

/* A piece takes at least some milliseconds: below that a second thread costs more, in starting and in waiting, than it takes over. */
enum { LEAST_PIECE = 1 << 22, MOST_PIECES = 64 };

struct trace_selection trace_select_all(void)
{
    return (struct trace_selection){.to_ns = INT64_MAX, .limit = UINT64_MAX, .arrival_speedup = 1.0};
}

static void free_rows(struct trace_rows *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        trace_rows_deinit(&pieces[i]);
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

/* The first error in file order. Pieces number lines from 1; the piece that failed is read again with its real first line. */
static enum status first_error(struct trace_rows *pieces, size_t count, enum trace_format format, size_t first_line, struct diag *diag)
{
    size_t failed = 0;
    while (failed < count && pieces[failed].status == SIM_OK)
        failed++;
    if (failed == count)
        return SIM_OK;
    for (size_t i = 0; i < failed; i++)
        first_line += count_lines(pieces[i].text, pieces[i].length);
    struct trace_rows again = {.file = pieces[failed].file, .text = pieces[failed].text, .length = pieces[failed].length};
    read_piece(&again, format, first_line);
    if (diag->status == SIM_OK)
        *diag = again.status != SIM_OK ? again.diag : pieces[failed].diag;
    trace_rows_deinit(&again);
    return diag->status;
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

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

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
        gather_ignored(pieces, count, trace);
    if (status == SIM_OK)
        status = trace_join(name, pieces, count, format == TRACE_FORMAT_AZURE_CSV, selection, trace, diag);
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
