/* trace_reader.c - the list of trace formats and how the format of a file is found. The list itself is TRACE_READERS in trace_reader.h.
 * Read trace_reader_choose first.
 */
#include "trace/trace_reader.h"

#include <stdio.h>
#include <string.h>

#define READER_ADDRESS(reader) &(reader),
static const struct trace_reader *const readers[] = {TRACE_READERS(READER_ADDRESS) NULL};

const struct trace_reader *trace_reader_at(uint32_t i)
{
    return i < sizeof readers / sizeof *readers ? readers[i] : NULL;
}

const struct trace_reader *trace_reader_find(const char *name)
{
    for (size_t i = 0; readers[i]; i++)
        if (strcmp(readers[i]->name, name) == 0)
            return readers[i];
    return NULL;
}

const char *trace_reader_name(uint32_t i, const char **summary)
{
    const struct trace_reader *reader = trace_reader_at(i);
    if (!reader)
        return NULL;
    *summary = reader->summary;
    return reader->name;
}

/* What would have been recognised, from the table. An array is named because many tools write one. */
static enum status unknown(const char *file, size_t line, const struct trace_head *head, struct diag *diag)
{
    char signs[1024] = "";
    size_t used = 0;
    if (head->text[0] == '[')
        return diag_at(diag, file, line, 1, "a JSON array, not a trace; write one request object a line (JSONL)");
    for (size_t i = 0; readers[i] && used < sizeof signs; i++)
        used += (size_t)snprintf(signs + used, sizeof signs - used, "%s%s", i ? ", " : "", readers[i]->sign);
    return diag_at(diag, file, line, 1, "the format is not known; %s", signs);
}

/* Also a forced reader gets a file with something in it, so that "holds no request" is the message for all formats. */
enum status trace_reader_choose(const struct trace_source *source, const struct trace_reader *forced, const struct trace_reader **out,
                                struct diag *diag)
{
    const char *text = source->text;
    const size_t length = source->length;
    size_t at = 0, line = source->first_line;
    for (; at < length && strchr(" \t\r\n", text[at]); at++)
        line += text[at] == '\n';
    if (at == length)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: holds no request; a trace has one a line, like {\"timestamp\": 0, \"input_length\": 100, "
                        "\"output_length\": 20}",
                        source->name);
    const char *stop = memchr(text + at, '\n', length - at);
    const struct trace_head head = {
        .text = text + at, .length = length - at, .line_length = stop ? (size_t)(stop - text) - at : length - at};
    if (!forced && source->selection && source->selection->columns && head.text[0] == '{')
        forced = &trace_reader_jsonl_columns;
    if (!forced && source->selection && source->selection->columns)
        forced = &trace_reader_columns_csv;
    for (size_t i = 0; readers[i] && !forced; i++)
        if (readers[i]->recognises(&head))
            forced = readers[i];
    if (!forced)
        return unknown(source->name, line, &head, diag);
    *out = forced;
    return SIM_OK;
}

/* Blanks at a line's end are not part of it: spreadsheets and Windows leave both kinds. */
bool trace_source_take_line(struct trace_source *source, const char **line, size_t *length, size_t *line_number)
{
    while (source->length > 0) {
        const char *start = source->text, *stop = memchr(start, '\n', source->length);
        const size_t whole = stop ? (size_t)(stop - start) + 1 : source->length;
        size_t visible = stop ? whole - 1 : whole;
        while (visible > 0 && (start[visible - 1] == '\r' || start[visible - 1] == ' '))
            visible--;
        *line_number = source->first_line++;
        source->text += whole;
        source->length -= whole;
        if (visible > 0) {
            *line = start;
            *length = visible;
            return true;
        }
    }
    return false;
}
