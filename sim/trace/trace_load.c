/* trace_load.c - from a file to a trace: it is cut into pieces, threads read them, and trace_join.c makes one trace of them. Read load_text
 * first, with trace_reader.h at hand. */
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

/* A piece for each thread. Errors are looked at after all have ended, so which one is told does not depend on who was faster. */
static enum status read_pieces(const struct trace_reader *reader, const struct trace_source *source, struct trace_rows **out,
                               size_t *out_count, struct diag *diag)
{
    struct trace_rows *pieces;
    const uint32_t team = kv_team(0); /* --threads has told OpenMP */
    const size_t most = reader->whole_file ? 1 : min_size(team, MOST_PIECES);
    (void)team;
    enum status status = array_zeroed(&pieces, most, sizeof *pieces, "the trace", diag);
    if (status != SIM_OK)
        return status;
    size_t count = cut(source, pieces, most);
#pragma omp parallel for schedule(dynamic, 1) num_threads(team) default(none) shared(pieces, count, reader) if (count > 1)
    for (size_t i = 0; i < count; i++)
        reader->read_piece(&pieces[i]);
    status = first_error(reader, pieces, count, diag);
    if (status != SIM_OK) {
        free_rows(pieces, count);
        return status;
    }
    *out = pieces;
    *out_count = count;
    return SIM_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

/* Whatever the format: choose the reader, let it read the header, read the pieces, join them. */
static enum status load_text(struct trace_source *source, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    size_t count = 0;
    struct trace_rows *pieces = NULL;
    const struct trace_reader *reader = NULL;
    enum status status = trace_reader_choose(source, selection->reader, &reader, diag);
    if (status != SIM_OK)
        return status;
    source->facts = reader->facts;
    if (reader->begin)
        status = reader->begin(source, diag);
    if (status == SIM_OK)
        status = read_pieces(reader, source, &pieces, &count, diag);
    if (status == SIM_OK)
        status = trace_join(source, pieces, count, selection, out, diag);
    free_rows(pieces, count);
    return status;
}

/* Columns are copies, so the file can be closed when they are there. */
enum status trace_load(const char *path, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    struct text_file file;
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    struct trace_source source = {
        .name = strcmp(path, "-") == 0 ? "standard input" : path, .text = file.text, .length = file.length, .first_line = 1};
    status = load_text(&source, selection, out, diag);
    text_file_close(&file);
    if (status == SIM_OK)
        snprintf((*out)->name, sizeof(*out)->name, "%s", path);
    return status;
}
