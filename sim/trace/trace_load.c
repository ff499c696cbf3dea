/* trace_load.c - from a file to a trace: its text comes in windows, which are cut into pieces, threads read them, and trace_join.c makes one
 * trace of them all. Read load_text first, with trace_reader.h at hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "base/text_file.h"
#include "team.h"
#include "trace/trace_join.h"
#include "trace/trace_reader.h"

/* A piece takes at least some milliseconds: below that a second thread costs more, in starting and in waiting, than it takes over. */
enum { LEAST_PIECE = 1 << 22, MOST_PIECES = 64, LEAST_WINDOW = 4 };

/* A file on its way: no more text is in memory than a window, which is the whole of most files. */
struct reading {
    const struct trace_reader *reader;
    struct text_file file;
    struct trace_source source; /* of the window */
    struct trace_rows *pieces;  /* of all windows so far; those of earlier ones have rows, but no text */
    size_t count, capacity;
    size_t rows_before, lines_before; /* in earlier windows, the header's lines left out */
    size_t first_row_line;
};

struct trace_selection trace_select_all(void)
{
    return (struct trace_selection){.to_ns = INT64_MAX, .limit = UINT64_MAX};
}

static void free_rows(struct trace_rows *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        trace_rows_deinit(&pieces[i]);
    free(pieces);
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

static bool is_one_piece(const struct trace_reader *reader)
{
    return reader->whole_file || reader->one_piece;
}

/* Only after an error: counting lines of every piece would cost what it saves. */
static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (const char *at = text, *end = text + length; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

/* Cut at line ends into pieces of about equal size, no smaller than pays. */
static size_t cut(const struct trace_source *source, struct trace_rows *pieces, size_t most)
{
    const char *text = source->text;
    size_t length = source->length, count = 0, wanted = length / most > LEAST_PIECE ? length / most : LEAST_PIECE;
    while (length > 0) {
        size_t take = length;
        if (count + 1 < most && wanted < length) {
            const char *stop = memchr(text + wanted, '\n', length - wanted);
            take = stop ? (size_t)(stop - text) + 1 : length;
        }
        pieces[count++] = (struct trace_rows){.source = source, .text = text, .length = take, .first_line = 1};
        text += take;
        length -= take;
    }
    return count;
}

/* The first error in file order. Pieces number their lines from 1, as nobody knows yet how many come before them; the piece that failed is
 * read again with its real first line. */
static enum status first_error(const struct trace_reader *reader, struct trace_rows *pieces, size_t count, struct diag *diag)
{
    size_t failed = 0;
    while (failed < count && pieces[failed].status == SIM_OK)
        failed++;
    if (failed == count)
        return SIM_OK;
    const struct trace_rows *piece = &pieces[failed];
    struct trace_rows again = {
        .source = piece->source, .text = piece->text, .length = piece->length, .first_line = piece->source->first_line};
    for (size_t i = 0; i < failed; i++)
        again.first_line += count_lines(pieces[i].text, pieces[i].length);
    reader->read_piece(&again);
    if (diag->status == SIM_OK)
        *diag = again.status != SIM_OK ? again.diag : piece->diag;
    trace_rows_deinit(&again);
    return diag->status;
}

/* Lines that a piece has remembered count from its start; make them lines of the file. Pieces without any cost nothing. */
static void number_lines(const struct trace_source *source, struct trace_rows *pieces, size_t count)
{
    size_t before = source->first_line - 1, last = 0;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].skipped_count > 0 || pieces[i].untimed_line > 0 || pieces[i].unsaid_line > 0)
            last = i + 1;
    for (size_t i = 0; i < last; i++) {
        struct trace_rows *piece = &pieces[i];
        for (size_t k = 0; k < piece->skipped_count; k++)
            piece->skipped[k].line += before;
        diag_move_down(&piece->skipped_first, before);
        piece->untimed_line += piece->untimed_line > 0 ? before : 0;
        piece->unsaid_line += piece->unsaid_line > 0 ? before : 0;
        if (i + 1 < last)
            before += count_lines(piece->text, piece->length);
    }
}

/* A piece of the window for each thread. Errors are looked at after all have ended, so which one is told does not depend on who was faster. */
static enum status read_pieces(struct reading *reading, struct diag *diag)
{
    const struct trace_reader *reader = reading->reader;
    const uint32_t team = kv_team(0); /* --threads has told OpenMP */
    const size_t most = is_one_piece(reader) ? 1 : min_size(team, MOST_PIECES);
    (void)team; /* where there is no OpenMP */
    enum status status =
        array_reserve(&reading->pieces, &reading->capacity, reading->count + most, sizeof *reading->pieces, "the trace", diag);
    if (status != SIM_OK)
        return status;
    struct trace_rows *pieces = reading->pieces + reading->count;
    const size_t count = cut(&reading->source, pieces, most);
    reading->count += count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(team) default(none) shared(pieces, count, reader) if (count > 1)
    for (size_t i = 0; i < count; i++)
        reader->read_piece(&pieces[i]);
    status = first_error(reader, pieces, count, diag);
    if (status == SIM_OK)
        number_lines(&reading->source, pieces, count);
    return status;
}

/* All windows. What is kept of one is its rows. */
static enum status read_windows(struct reading *reading, struct diag *diag)
{
    struct trace_source *source = &reading->source;
    reading->first_row_line = source->first_line;
    for (;;) {
        const size_t earlier = reading->count;
        enum status status = read_pieces(reading, diag);
        if (status != SIM_OK || reading->file.ended)
            return status;
        const size_t lines = count_lines(source->text, source->length);
        for (size_t i = earlier; i < reading->count; i++)
            reading->rows_before += reading->pieces[i].count;
        reading->lines_before += lines;
        source->first_line += lines;
        status = text_file_next(&reading->file, diag);
        if (status != SIM_OK)
            return status;
        source->text = reading->file.text;
        source->length = reading->file.length;
    }
}

/* The line of the row that bounds how many tokens a hash id can name: lines that are not blank are rows, skipped ones too. Of earlier windows
 * only the counts are left; they tell as long as no line was blank. 0: not known. */
static void find_fit_line(const struct reading *reading, struct hash_id_fit *fit)
{
    struct trace_source rest = reading->source;
    const char *line;
    size_t length;
    if (fit->largest > 0 && fit->row < reading->rows_before)
        fit->line = reading->rows_before == reading->lines_before ? reading->first_row_line + fit->row : 0;
    for (size_t row = reading->rows_before; fit->largest > 0 && row <= fit->row; row++)
        if (!trace_source_take_line(&rest, &line, &length, &fit->line))
            fit->line = 0;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

/* Whatever the format: choose the reader, let it read the header. */
static enum status begin(struct reading *reading, const struct trace_selection *selection, struct diag *diag)
{
    struct trace_source *source = &reading->source;
    reading->source.selection = selection; /* readers ask it for --columns */
    enum status status = trace_reader_choose(source, selection->reader, &reading->reader, diag);
    if (status == SIM_OK && is_one_piece(reading->reader) && !reading->file.ended)
        status = text_file_rest(&reading->file, diag);
    if (status != SIM_OK)
        return status;
    source->text = reading->file.text;
    source->length = reading->file.length;
    source->facts = reading->reader->facts;
    if (selection->time_unit_ns > 0)
        source->facts.time_unit_ns = selection->time_unit_ns;
    if (reading->reader->begin)
        status = reading->reader->begin(source, diag);
    reading->file.keep = (size_t)(source->text - reading->file.text); /* what begin has noted may point to the header */
    return status;
}

/* Read the pieces of all windows and join them. */
static enum status load_text(struct reading *reading, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    enum status status = begin(reading, selection, diag);
    if (status == SIM_OK)
        status = read_windows(reading, diag);
    if (status == SIM_OK)
        status = trace_join(&reading->source, reading->pieces, reading->count, selection, out, diag);
    if (status != SIM_OK)
        return status;
    (*out)->format = reading->reader->name;
    if (!reading->reader->whole_file)
        find_fit_line(reading, &(*out)->fit);
    return SIM_OK;
}

/* Columns are copies, so the file can be closed when they are there. */
static enum status load(const char *path, struct text_file *file, const struct trace_selection *selection, struct trace **out,
                        struct diag *diag)
{
    struct reading reading = {.file = *file};
    reading.source = (struct trace_source){
        .name = strcmp(path, "-") == 0 ? "standard input" : path, .text = file->text, .length = file->length, .first_line = 1};
    enum status status = load_text(&reading, selection, out, diag);
    free_rows(reading.pieces, reading.count);
    text_file_close(&reading.file);
    if (status == SIM_OK)
        snprintf((*out)->name, sizeof(*out)->name, "%s", path);
    return status;
}

enum status trace_load(const char *path, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    struct text_file file;
    const size_t team = kv_team(0), window = LEAST_PIECE * (team > LEAST_WINDOW ? team : LEAST_WINDOW);
    enum status status = text_file_open_window(path, window, &file, diag);
    return status == SIM_OK ? load(path, &file, selection, out, diag) : status;
}

enum status trace_load_text(const char *name, const char *text, size_t length, const struct trace_selection *selection, struct trace **out,
                            struct diag *diag)
{
    struct text_file file;
    enum status status = text_file_open_memory(name, text, length, &file, diag);
    return status == SIM_OK ? load(name, &file, selection, out, diag) : status;
}
