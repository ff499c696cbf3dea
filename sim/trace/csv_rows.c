/* csv_rows.c - rows of any CSV. Two readers, as in reader_jsonl.c: the quick one takes plain digits, dates of the minute before and cells
 * without quotes, and gives up on anything else without judging it; the strict one (csv_values.h) reads such a line again and makes all
 * error messages. Both give the same rows; a property test holds them together. Read csv_rows_read at the end first. */
#include "trace/csv_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/utf8.h"
#include "trace/csv_values.h"
#include "trace/time_unit.h"

/* --- the header ------------------------------------------------------------------------------------------------------------------ */

bool csv_rows_recognise(const struct trace_head *head, const struct csv_format *format)
{
    struct csv_layout layout;
    enum trace_field field;
    return csv_layout_match(format, head->text, head->line_length, &layout, &field) == CSV_FITS;
}

/* An error of the whole header stands at the line's start. */
static enum status header_error(const struct trace_source *source, size_t line, const struct csv_format *format, enum csv_match match,
                                enum trace_field field, struct diag *diag)
{
    if (match == CSV_TWICE)
        return diag_at(diag, source->name, line, 1, "two columns are called \"%s\"; one of them must have another name",
                       format->names[field][0]);
    if (match == CSV_NO_COLUMN && !format->header)
        return diag_at(diag, source->name, line, 1, "no column is called \"%s\", which --columns names; the header is %.*s",
                       format->names[field][0], (int)(source->csv.header_length < 200 ? source->csv.header_length : 200),
                       source->csv.header);
    if (match == CSV_NO_COLUMN)
        return diag_at(diag, source->name, line, 1, "%s starts with the header %s; no column is called \"%s\"", format->what,
                       format->header, format->names[field][0]);
    return diag_at(diag, source->name, line, 1, "%s starts with the header %s", format->what,
                   format->header ? format->header : "that has its names");
}

/* The header must be there, also when the format is forced: a first row that is skipped as a header would be missing. */
enum status csv_rows_begin(struct trace_source *source, const struct csv_format *format, struct diag *diag)
{
    const char *line;
    size_t length, line_number = source->first_line;
    enum trace_field field = TRACE_FIELD_ARRIVAL;
    enum csv_match match = CSV_NO_HEADER;
    struct csv_layout *layout = &source->csv;
    if (trace_source_take_line(source, &line, &length, &line_number))
        match = csv_layout_match(format, line, length, layout, &field);
    if (match != CSV_FITS)
        return header_error(source, line_number, format, match, field, diag);
    layout->numbers |= source->selection && source->selection->time_unit_ns > 0;
    layout->unit_power = csv_unit_power(source->facts.time_unit_ns);
    return SIM_OK;
}

void csv_rows_tell_unknown(struct trace_rows *rows)
{
    const struct csv_layout *layout = &rows->source->csv;
    char name[64];
    for (uint32_t i = 0; i < layout->columns && rows->text == rows->source->text; i++) {
        if (layout->column[i] != CSV_COLUMN_UNKNOWN)
            continue;
        const struct csv_cell cell = csv_column_name(layout, i);
        snprintf(name, sizeof name, "%.*s", (int)(cell.length < sizeof name ? cell.length : sizeof name - 1), cell.text);
        trace_rows_ignore(rows, name);
    }
}

/* --- the strict reader ------------------------------------------------------------------------------------------------------------ */

/* A line on its way into a row. */
struct strict_line {
    struct trace_rows *rows;
    const char *text;
    size_t number;
    uint32_t column; /* of the header */
    struct csv_cell cell;
    struct csv_cell session, tenant; /* get numbers when the row is known to be right, as a number without rows would be a session */
};

static enum status cell_error(const struct strict_line *line, const char *at, const char *wrong)
{
    return diag_at(&line->rows->diag, line->rows->source->name, line->number, (size_t)(at - line->text) + 1, "%s", wrong);
}

/* A message that begins with the column's name. */
static enum status named_error(const struct strict_line *line, const char *must)
{
    char text[256];
    const struct csv_cell name = csv_column_name(&line->rows->source->csv, line->column);
    snprintf(text, sizeof text, "%.*s %s", (int)(name.length < 64 ? name.length : 64), name.text, must);
    return cell_error(line, line->cell.text - line->cell.quoted, text);
}

static enum status time_error(const struct strict_line *line)
{
    const struct csv_layout *layout = &line->rows->source->csv;
    const struct time_unit *unit = time_unit_of(line->rows->source->facts.time_unit_ns);
    char must[160];
    if (!layout->numbers)
        return cell_error(line, line->cell.text - line->cell.quoted, "not a time; 2023-11-16 18:15:46.6805900 is right");
    snprintf(must, sizeof must, "must be a number of %s from 0 to %s%s", unit->plural, unit->most,
             layout->dates ? ", or a date like 2023-11-16 18:15:46.68" : "");
    return named_error(line, must);
}

static enum status strict_arrival(const struct strict_line *line, struct trace_row *row)
{
    const struct csv_layout *layout = &line->rows->source->csv;
    const struct csv_cell *cell = &line->cell;
    size_t zone_length;
    if ((layout->dates && csv_date(cell->text, cell->length, &row->arrival_ns, &zone_length)) ||
        (layout->numbers && csv_decimal(cell->text, cell->length, layout->unit_power, &row->arrival_ns)))
        return SIM_OK;
    return cell->length == 0 && layout->gaps_in_cells ? SIM_OK : time_error(line);
}

/* An empty cell does not say how many tokens to generate. That is for options to say; where they do not and rows may be skipped, the row is
 * one that cannot be run. */
static enum status strict_output(const struct strict_line *line, struct trace_row *row)
{
    const struct trace_selection *selection = line->rows->source->selection;
    int64_t value;
    if (line->cell.length == 0 && !(selection && selection->skip_invalid && selection->output_least == 0)) {
        row->output_tokens = 0;
        return SIM_OK;
    }
    if (!csv_count(line->cell.text, line->cell.length, 1, TRACE_MAX_TOKENS, &value))
        return named_error(line, "must be an integer from 1 to 1000000000");
    row->output_tokens = (uint32_t)value;
    return SIM_OK;
}

/* Numbers between brackets, commas and blanks: [3, 4], 3 4, 3;4. */
static enum status strict_hash_ids(const struct strict_line *line)
{
    const char *at = line->cell.text, *const end = at + line->cell.length;
    while (at < end) {
        const char *stop = at;
        int64_t id;
        while (stop < end && !strchr("[], ;|\t", *stop))
            stop++;
        if (stop > at && !csv_count(at, (size_t)(stop - at), 0, INT64_MAX, &id))
            return named_error(line, "must be a list of integers from 0 on, like \"[3, 4]\"");
        if (stop > at && trace_rows_put_hash(line->rows, (uint64_t)id) != SIM_OK)
            return line->rows->diag.status;
        at = stop + 1;
    }
    return SIM_OK;
}

/* In quotes "" is one quote, which makes a name a copy; such names are short. */
enum { COPIED_NAME_MOST = 512 };

static bool is_copied(const struct csv_cell *cell)
{
    return cell->quoted && memchr(cell->text, '"', cell->length);
}

/* Names are written into traces, reports and logs, which are JSON and so UTF-8. What a JSONL could not say is refused here, too. */
static enum status strict_name(const struct strict_line *line)
{
    const char *at = line->cell.text, *const end = at + line->cell.length;
    for (size_t length; at < end; at += length)
        if ((length = utf8_sequence(at, (size_t)(end - at))) == 0 || *at == '\0')
            return cell_error(line, at, length ? "a zero byte; leave it out" : "invalid UTF-8; save the file as UTF-8");
    if (is_copied(&line->cell) && line->cell.length > COPIED_NAME_MOST)
        return named_error(line, "must be no longer than 512 bytes where it has quotes");
    return SIM_OK;
}

/* A name's number in one of the rows' lists. */
typedef enum status number_name(struct trace_rows *rows, const char *name, size_t length, uint32_t *number);

/* Of a row that is right, so that sessions and tenants of wrong ones are not counted. */
static enum status strict_number(const struct strict_line *line, const struct csv_cell *cell, number_name *number, uint32_t *out)
{
    char copy[COPIED_NAME_MOST];
    if (cell->length == 0)
        return SIM_OK;
    if (!is_copied(cell))
        return number(line->rows, cell->text, cell->length, out);
    size_t length = 0;
    for (size_t i = 0; i < cell->length; i++) {
        copy[length++] = cell->text[i];
        i += cell->text[i] == '"';
    }
    return number(line->rows, copy, length, out);
}

/* Optional counts: an empty cell leaves the default. */
static enum status strict_count(const struct strict_line *line, int64_t least, int64_t most, int64_t *out)
{
    char must[80];
    if (line->cell.length == 0 || csv_count(line->cell.text, line->cell.length, least, most, out))
        return SIM_OK;
    snprintf(must, sizeof must, "must be an integer from %lld to %lld", (long long)least, (long long)most);
    return named_error(line, must);
}

/* An empty cell does not say. */
static enum status strict_finish(const struct strict_line *line, uint32_t *out)
{
    *out = trace_finish_named(line->cell.text, line->cell.length);
    return line->cell.length == 0 || *out != TRACE_FINISH_NOT_SAID ? SIM_OK : named_error(line, TRACE_FINISH_MUST);
}

static enum status strict_rare(const struct strict_line *line, uint8_t field, struct trace_row *row)
{
    int64_t value = field == TRACE_FIELD_N;
    enum status status = SIM_OK;
    switch (field) {
    case TRACE_FIELD_PRIORITY:
        status = strict_count(line, INT32_MIN, INT32_MAX, &value);
        row->priority = (int32_t)value;
        return status;
    case TRACE_FIELD_N:
        status = strict_count(line, 1, TRACE_MAX_SAMPLES, &value);
        row->samples = (uint32_t)value;
        return status;
    case TRACE_FIELD_BEAM_WIDTH:
        status = strict_count(line, 1, TRACE_MAX_SAMPLES, &value);
        row->beam_width = (uint32_t)value;
        return status;
    case TRACE_FIELD_DELAY:
        if (line->cell.length == 0 || csv_decimal(line->cell.text, line->cell.length, line->rows->source->csv.unit_power, &row->delay_ns))
            return SIM_OK;
        return named_error(line, "must be a time from 0 on, in the unit of arrivals");
    case TRACE_FIELD_FINISH_REASON:
        return strict_finish(line, &row->finish_reason);
    default:
        return SIM_OK;
    }
}

static enum status strict_cell(struct strict_line *line, struct trace_row *row)
{
    const uint8_t field = line->rows->source->csv.column[line->column];
    int64_t value;
    switch (field) {
    case TRACE_FIELD_ARRIVAL:
        return strict_arrival(line, row);
    case TRACE_FIELD_INPUT:
        if (!csv_count(line->cell.text, line->cell.length, 1, TRACE_MAX_TOKENS, &value))
            return named_error(line, "must be an integer from 1 to 1000000000");
        row->input_tokens = (uint32_t)value;
        return SIM_OK;
    case TRACE_FIELD_OUTPUT:
        return strict_output(line, row);
    case TRACE_FIELD_SESSION:
        line->session = line->cell;
        return strict_name(line);
    case TRACE_FIELD_TENANT:
        line->tenant = line->cell;
        return strict_name(line);
    case TRACE_FIELD_HASH_IDS:
        return strict_hash_ids(line);
    default:
        return strict_rare(line, field, row);
    }
}

/* A row has as many cells as the header, as one that is cut short could otherwise pass with a part of a number. */
enum status csv_rows_read_line(struct trace_rows *rows, const char *text, size_t length, size_t line_number)
{
    const struct csv_layout *layout = &rows->source->csv;
    const size_t hashes = rows->hash_count;
    struct strict_line line = {.rows = rows, .text = text, .number = line_number};
    struct trace_row row = TRACE_ROW_DEFAULT;
    while (length > 0 && (text[length - 1] == '\r' || text[length - 1] == ' '))
        length--;
    const char *at = text, *const end = text + length;
    enum status status = SIM_OK;
    for (; line.column < layout->columns && length > 0 && status == SIM_OK; line.column++) {
        if (line.column > 0 && at == end)
            status = cell_error(&line, end, "the row ends before the last column of the header");
        at += line.column > 0 && at < end;
        if (status == SIM_OK)
            at = csv_take_cell(at, end, layout->delimiter, &line.cell);
        if (status == SIM_OK)
            status = line.cell.wrong
                         ? cell_error(&line, line.cell.wrong, "a cell in quotes ends with \" on its line, and then comes the next")
                         : strict_cell(&line, &row);
    }
    if (status == SIM_OK && at != end)
        status = cell_error(&line, at, "text after the last column of the header");
    if (status == SIM_OK)
        status = strict_number(&line, &line.session, trace_rows_session, &row.session);
    if (status == SIM_OK)
        status = strict_number(&line, &line.tenant, trace_rows_tenant, &row.tenant);
    rows->line = line_number;
    if (status == SIM_OK && length > 0)
        status = trace_rows_add(rows, &row);
    if (status != SIM_OK)
        rows->hash_count = hashes;
    return status;
}

/* --- the quick reader ------------------------------------------------------------------------------------------------------------ */

/* Seconds are kept away from the end of 64 bits by the number of their digits. */
static inline const char *quick_number(const struct csv_layout *layout, const char *at, int64_t *ns)
{
    uint64_t whole, fraction = 0;
    const unsigned power = layout->unit_power;
    unsigned digits = digits_take(at, &whole);
    if (digits == 0 || digits + power > 18)
        return NULL;
    at += digits;
    *ns = (int64_t)(whole * digits_powers[power]);
    if (*at != '.')
        return at;
    digits = digits_take(at + 1, &fraction);
    if (digits == 0 || digits > power)
        return NULL;
    *ns += (int64_t)(fraction * digits_powers[power - digits]);
    return at + 1 + digits;
}

static inline const char *quick_arrival(const struct csv_layout *layout, const struct csv_minute *minute, const char *at, int64_t *ns)
{
    const bool quoted = *at == '"';
    at += quoted;
    const char *next = minute->text ? csv_minute_take(minute, at, ns) : layout->numbers ? quick_number(layout, at, ns) : NULL;
    if (!next || !quoted)
        return next;
    return *next == '"' ? next + 1 : NULL;
}

static inline const char *quick_count(const char *at, uint32_t *out)
{
    const unsigned digits = digits_take_8(at, out);
    return digits > 0 && *out > 0 ? at + digits : NULL;
}

/* A cell of any text without quotes; where it ends. Zeros end the text of the file. */
static inline const char *skip_cell(const char *at, char delimiter)
{
    while (*at != delimiter && *at != '\n' && *at != '"' && *at != '\0')
        at++;
    return *at == '"' || *at == '\0' ? NULL : at;
}

/* A name in ASCII without blanks, which the strict reader may have to trim. */
static inline const char *quick_name(const char *at, char delimiter, struct trace_name *name)
{
    name->text = at;
    while ((signed char)*at > ' ' && *at != delimiter && *at != '"')
        at++;
    name->length = (size_t)(at - name->text);
    return at;
}

/* The position after the row, or NULL. */
static inline const char *read_quickly(struct trace_rows *rows, const struct csv_minute *minute, struct trace_row *row, const char *at,
                                       const char *end)
{
    const struct csv_layout *layout = &rows->source->csv;
    struct trace_name session = {0}, tenant = {0};
    for (uint32_t i = 0; i < layout->columns; i++) {
        if (i > 0 && *at++ != layout->delimiter)
            return NULL;
        switch (layout->column[i]) {
        case TRACE_FIELD_ARRIVAL:
            at = quick_arrival(layout, minute, at, &row->arrival_ns);
            break;
        case TRACE_FIELD_INPUT:
            at = quick_count(at, &row->input_tokens);
            break;
        case TRACE_FIELD_OUTPUT:
            at = quick_count(at, &row->output_tokens);
            break;
        case TRACE_FIELD_SESSION:
            at = quick_name(at, layout->delimiter, &session);
            break;
        case TRACE_FIELD_TENANT:
            at = quick_name(at, layout->delimiter, &tenant);
            break;
        case CSV_COLUMN_KNOWN:
        case CSV_COLUMN_UNKNOWN:
            at = skip_cell(at, layout->delimiter);
            break;
        default:
            return NULL;
        }
        if (!at)
            return NULL;
    }
    at = csv_row_end(at, end);
    if (at && session.length > 0 && trace_rows_session(rows, session.text, session.length, &row->session) != SIM_OK)
        return NULL;
    if (at && tenant.length > 0 && trace_rows_tenant(rows, tenant.text, tenant.length, &row->tenant) != SIM_OK)
        return NULL;
    return at;
}

/* --- a piece --------------------------------------------------------------------------------------------------------------------- */

void csv_minute_note(struct csv_minute *minute, const char *date, size_t length)
{
    int64_t ns;
    size_t zone_length;
    uint32_t second;
    if (length <= CSV_MINUTE_LENGTH || !csv_date(date, length, &ns, &zone_length) || digits_take_8(date + CSV_MINUTE_LENGTH, &second) != 2)
        return;
    *minute = (struct csv_minute){.text = date,
                                  .zone = date + length - zone_length,
                                  .zone_length = zone_length,
                                  .start_ns = ns - ns % 1000000000 - (int64_t)second * 1000000000};
}

/* The date of a line that was read strictly, where it is one. */
static void note_date(const struct trace_rows *rows, const char *end, struct csv_minute *minute)
{
    const struct csv_layout *layout = &rows->source->csv;
    const char *at = rows->at;
    struct csv_cell cell;
    for (uint32_t i = 0; i < layout->columns && layout->dates; i++) {
        const char *stop = csv_take_cell(at, end, layout->delimiter, &cell);
        if (layout->column[i] == TRACE_FIELD_ARRIVAL)
            csv_minute_note(minute, cell.text, cell.length);
        at = stop + (stop < end);
    }
}

void csv_rows_read(struct trace_rows *rows)
{
    const char *end = rows->text + rows->length;
    struct csv_minute minute = {0};
    rows->at = rows->text;
    csv_rows_tell_unknown(rows);
    for (size_t line_number = rows->first_line; rows->at < end && rows->status == SIM_OK; line_number++) {
        struct trace_row row = TRACE_ROW_DEFAULT;
        rows->line = line_number;
        const char *next = read_quickly(rows, &minute, &row, rows->at, end);
        if (next && next <= end) {
            rows->status = trace_rows_add(rows, &row);
            rows->at = next;
            continue;
        }
        const char *stop = memchr(rows->at, '\n', (size_t)(end - rows->at));
        const size_t count = rows->count;
        rows->status = rows->diag.status; /* memory ran out */
        if (rows->status == SIM_OK)
            rows->status = csv_rows_read_line(rows, rows->at, (size_t)((stop ? stop : end) - rows->at), line_number);
        if (rows->status == SIM_OK && rows->count > count)
            note_date(rows, stop ? stop : end, &minute);
        rows->status = trace_rows_skip(rows, line_number);
        rows->at = stop ? stop + 1 : end;
    }
}
