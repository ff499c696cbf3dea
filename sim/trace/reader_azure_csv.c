/* reader_azure_csv.c - the Azure LLM inference traces: TIMESTAMP,ContextTokens,GeneratedTokens.
 *
 * 2023 writes 2023-11-16 18:15:46.6805900, 2024 adds a zone (+00:00) and may leave the fraction out; copies have quotes, other zones and
 * further columns. Ticks of 100 ns are exact, as times are integers. There are no content ids: requests share nothing.
 *
 * csv_rows.h reads all of that. The published layout, three bare columns, has a quicker way here. Read read_piece first. */
#include "trace/csv_rows.h"

#define AZURE_HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

static const struct csv_format format = {
    .what = "an Azure CSV",
    .header = AZURE_HEADER,
    .names = {[TRACE_FIELD_ARRIVAL] = {"TIMESTAMP"}, [TRACE_FIELD_INPUT] = {"ContextTokens"}, [TRACE_FIELD_OUTPUT] = {"GeneratedTokens"}},
    .dates = true,
};

/* The position after the newline, or NULL. */
static const char *read_quickly(const struct csv_minute *minute, struct trace_row *row, const char *at, const char *end)
{
    at = csv_minute_take(minute, at, &row->arrival_ns);
    if (!at || *at++ != ',')
        return NULL;
    unsigned digits = digits_take_8(at, &row->input_tokens);
    if (digits == 0 || row->input_tokens == 0 || at[digits] != ',')
        return NULL;
    at += digits + 1;
    digits = digits_take_8(at, &row->output_tokens);
    if (digits == 0 || row->output_tokens == 0)
        return NULL;
    return csv_row_end(at + digits, end);
}

/* The quick reader as long as rows look like the one before, the strict one for the rest. */
static void read_published(struct trace_rows *rows)
{
    const char *end = rows->text + rows->length;
    struct csv_minute minute = {0};
    struct trace_row row = TRACE_ROW_DEFAULT;
    rows->at = rows->text;
    for (size_t line_number = rows->first_line; rows->at < end && rows->status == SIM_OK; line_number++) {
        const char *next = minute.text ? read_quickly(&minute, &row, rows->at, end) : NULL;
        if (next) {
            rows->status = trace_rows_add(rows, &row);
            rows->at = next;
            continue;
        }
        const char *stop = memchr(rows->at, '\n', (size_t)(end - rows->at));
        if (!stop)
            stop = end;
        const char *comma = memchr(rows->at, ',', (size_t)(stop - rows->at));
        rows->status = csv_rows_read_line(rows, rows->at, (size_t)(stop - rows->at), line_number);
        if (rows->status == SIM_OK && comma)
            csv_minute_note(&minute, rows->at, (size_t)(comma - rows->at));
        rows->status = trace_rows_skip(rows, line_number);
        rows->at = stop < end ? stop + 1 : end;
    }
}

/* Rows of the published layout are most of what is read. In quotes they are read as any CSV. */
static void read_piece(struct trace_rows *rows)
{
    const struct csv_layout *layout = &rows->source->csv;
    const bool published = layout->columns == 3 && layout->column[0] == TRACE_FIELD_ARRIVAL && layout->column[1] == TRACE_FIELD_INPUT &&
                           layout->column[2] == TRACE_FIELD_OUTPUT && layout->delimiter == ',' && rows->text[0] != '"';
    if (published)
        read_published(rows);
    else
        csv_rows_read(rows);
}

static bool recognises(const struct trace_head *head)
{
    return csv_rows_recognise(head, &format);
}

static enum status begin(struct trace_source *source, struct diag *diag)
{
    return csv_rows_begin(source, &format, diag);
}

const struct trace_reader trace_reader_azure_csv = {
    .name = "azure",
    .summary = "Azure LLM inference traces of 2023 and 2024 (CSV)",
    .sign = "an Azure CSV with the header " AZURE_HEADER,
    .recognises = recognises,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1}, /* dates, which are read as nanoseconds since 1970 */
    .begin = begin,
    .read_piece = read_piece,
};
