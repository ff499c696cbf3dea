/* csv_layout.c - a header's columns and what a format calls them. Read csv_layout_match at the end first. */
#include "trace/csv_layout.h"

#include <string.h>
#include <strings.h>

/* Blanks around a cell are not part of it. A tab may be the delimiter, in which case it never gets here. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* RFC 4180, but a line break cannot be in quotes: files are cut into pieces at line ends. */
static const char *take_quoted(const char *at, const char *end, char delimiter, struct csv_cell *cell)
{
    const char *stop = at + 1;
    for (; stop < end && (*stop != '"' || (stop + 1 < end && stop[1] == '"')); stop++)
        stop += *stop == '"';
    *cell = (struct csv_cell){.text = at + 1, .length = (size_t)(stop - at) - 1, .quoted = true};
    if (stop >= end) {
        cell->wrong = at;
        return end;
    }
    for (stop++; stop < end && *stop != delimiter && is_blank(*stop);)
        stop++;
    if (stop < end && *stop != delimiter)
        cell->wrong = stop;
    return stop;
}

const char *csv_take_cell(const char *at, const char *end, char delimiter, struct csv_cell *cell)
{
    while (at < end && *at != delimiter && is_blank(*at))
        at++;
    if (at < end && *at == '"')
        return take_quoted(at, end, delimiter, cell);
    const char *stop = memchr(at, delimiter, (size_t)(end - at));
    if (!stop)
        stop = end;
    size_t length = (size_t)(stop - at);
    while (length > 0 && is_blank(at[length - 1]))
        length--;
    *cell = (struct csv_cell){.text = at, .length = length};
    return stop;
}

struct csv_cell csv_column_name(const struct csv_layout *layout, uint32_t column)
{
    struct csv_cell cell = {0};
    const char *at = layout->header, *const end = at + layout->header_length;
    for (uint32_t i = 0; i <= column; i++) {
        at = csv_take_cell(at, end, layout->delimiter, &cell);
        at += at < end;
    }
    return cell;
}

static bool is_named(const struct csv_cell *cell, const char *name, bool exactly)
{
    if (strlen(name) != cell->length)
        return false;
    return exactly ? memcmp(name, cell->text, cell->length) == 0 : strncasecmp(name, cell->text, cell->length) == 0;
}

/* The field with this name, else whether the format knows it. */
static uint8_t meaning(const struct csv_format *format, const struct csv_cell *cell, bool exactly)
{
    for (size_t i = 0; i < TRACE_FIELDS; i++)
        for (size_t alias = 0; alias < CSV_ALIASES && format->names[i][alias]; alias++)
            if (is_named(cell, format->names[i][alias], exactly))
                return (uint8_t)i;
    for (size_t i = 0; i < CSV_KNOWN_MOST && format->known[i]; i++)
        if (is_named(cell, format->known[i], exactly) || format->known[i][0] == '*')
            return CSV_COLUMN_KNOWN;
    return CSV_COLUMN_UNKNOWN;
}

/* Where two columns differ in capitals only, the one that is written as the format writes it is meant. */
static enum csv_match match_columns(const struct csv_format *format, struct csv_layout *layout, enum trace_field *field)
{
    uint32_t seen = 0;
    for (int exactly = 1; exactly >= 0; exactly--) {
        const uint32_t before = seen;
        const char *at = layout->header, *const end = at + layout->header_length;
        for (uint32_t i = 0; i < layout->columns; i++) {
            struct csv_cell cell;
            at = csv_take_cell(at, end, layout->delimiter, &cell);
            at += at < end;
            const uint8_t means = meaning(format, &cell, exactly);
            if (!exactly && (layout->column[i] < TRACE_FIELDS || (means < TRACE_FIELDS && before & 1u << means)))
                continue;
            layout->column[i] = means;
            if (means >= TRACE_FIELDS)
                continue;
            *field = (enum trace_field)means;
            if (seen & 1u << means)
                return CSV_TWICE;
            seen |= 1u << means;
        }
    }
    for (uint32_t i = 0; i < TRACE_FIELDS; i++)
        if (format->names[i][0] && !((seen | format->optional) & 1u << i)) {
            *field = (enum trace_field)i;
            return CSV_NO_COLUMN;
        }
    return CSV_FITS;
}

/* The first of the usual ones that the header has at all. */
static char delimiter_of(const char *line, size_t length)
{
    static const char usual[] = ",;\t";
    for (size_t i = 0; usual[i]; i++)
        if (memchr(line, usual[i], length))
            return usual[i];
    return ',';
}

enum csv_match csv_layout_match(const struct csv_format *format, const char *line, size_t length, struct csv_layout *layout,
                                enum trace_field *field)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* spreadsheets put a byte order mark in front */
    if (length >= 3 && memcmp(line, mark, 3) == 0) {
        line += 3;
        length -= 3;
    }
    *layout = (struct csv_layout){.header = line, .header_length = length, .delimiter = delimiter_of(line, length)};
    const char *at = line, *const end = line + length;
    for (bool more = true; more; layout->columns++) {
        struct csv_cell cell;
        at = csv_take_cell(at, end, layout->delimiter, &cell);
        if (cell.wrong || layout->columns == CSV_COLUMNS_MOST)
            return CSV_NO_HEADER;
        more = at < end;
        at += more;
    }
    layout->gaps_in_cells = format->gaps_in_cells;
    layout->dates = format->dates;
    layout->numbers = format->numbers;
    return match_columns(format, layout, field);
}
