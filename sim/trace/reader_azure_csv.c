/* reader_azure_csv.c - the Azure LLM inference traces: TIMESTAMP,ContextTokens,GeneratedTokens.
 *
 * 2023 writes 2023-11-16 18:15:46.6805900, 2024 adds a zone (+00:00) and may leave the fraction out; both are read. Ticks of 100 ns are
 * exact, as times are integers from the start. There are no content ids: requests share nothing.
 *
 * As in reader_jsonl.c a quick reader takes what looks as expected and a strict one the rest. Read read_piece first. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digits.h"
#include "trace/trace_reader.h"

#define AZURE_HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

/* What is left of a line. */
struct cursor {
    const char *at, *end;
};

/* Capitals do not matter, nor do blanks at the end. */
static bool is_header(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    return length == strlen(AZURE_HEADER) && strncasecmp(line, AZURE_HEADER, length) == 0;
}

/* Exactly `digits` digits, or (digits == 0) one to ten. */
static bool take_number(struct cursor *cursor, int digits, uint64_t *out)
{
    const char *start = cursor->at;
    uint64_t value = 0;
    while (cursor->at < cursor->end && (unsigned)(*cursor->at - '0') < 10 && cursor->at - start < (digits ? digits : 10))
        value = value * 10 + (uint64_t)(*cursor->at++ - '0');
    *out = value;
    return digits ? cursor->at - start == digits : cursor->at > start;
}

static bool take_char(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March, so that leap days come last. */
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t month_from_march = (month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day - 1 - 719468;
}

/* Up to nine digits; both years of the data set write seven or fewer. */
static bool take_fraction(struct cursor *cursor, int64_t *ns)
{
    int64_t scale = 1000000000;
    *ns = 0;
    if (!take_char(cursor, '.'))
        return true;
    const char *start = cursor->at;
    while (cursor->at < cursor->end && (unsigned)(*cursor->at - '0') < 10 && scale > 1) {
        scale /= 10;
        *ns += (*cursor->at++ - '0') * scale;
    }
    return cursor->at > start;
}

/* UTC is the only zone that is accepted: the data set has no other, and a wrong hour would pass unseen. */
static bool take_time(struct cursor *cursor, int64_t *ns)
{
    uint64_t year, month, day, hour, minute, second;
    int64_t fraction;
    bool form = take_number(cursor, 4, &year) && take_char(cursor, '-') && take_number(cursor, 2, &month) && take_char(cursor, '-') &&
                take_number(cursor, 2, &day) && (take_char(cursor, ' ') || take_char(cursor, 'T')) && take_number(cursor, 2, &hour) &&
                take_char(cursor, ':') && take_number(cursor, 2, &minute) && take_char(cursor, ':') && take_number(cursor, 2, &second) &&
                take_fraction(cursor, &fraction);
    if (!form || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 || year < 1970 || year > 2200)
        return false;
    if (!take_char(cursor, 'Z') && cursor->end - cursor->at >= 6 && memcmp(cursor->at, "+00:00", 6) == 0)
        cursor->at += 6;
    int64_t seconds = days_since_epoch((int64_t)year, (int64_t)month, (int64_t)day) * 86400 + (int64_t)(hour * 3600 + minute * 60 + second);
    *ns = seconds * 1000000000 + fraction;
    return true;
}

static enum status wrong(struct trace_rows *rows, size_t line_number, const char *line, const char *at, const char *message)
{
    return diag_at(&rows->diag, rows->source->name, line_number, (size_t)(at - line) + 1, "%s", message);
}

/* At least one token: a request without a prompt or an answer cannot be served. */
static enum status take_tokens(struct trace_rows *rows, struct cursor *cursor, const char *line, size_t line_number, const char *message,
                               uint32_t *out)
{
    const char *start = cursor->at;
    uint64_t value;
    if (!take_number(cursor, 0, &value) || value < 1 || value > TRACE_MAX_TOKENS)
        return wrong(rows, line_number, line, start, message);
    *out = (uint32_t)value;
    return SIM_OK;
}

/* The strict reader: makes all error messages. */
static enum status read_line(struct trace_rows *rows, const char *line, size_t length, size_t line_number)
{
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    if (length == 0)
        return SIM_OK;
    struct cursor cursor = {.at = line, .end = line + length};
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (!take_time(&cursor, &row.arrival_ns))
        return wrong(rows, line_number, line, line, "not a time; 2023-11-16 18:15:46.6805900 is right");
    if (!take_char(&cursor, ','))
        return wrong(rows, line_number, line, cursor.at, "a comma belongs after the time");
    enum status status =
        take_tokens(rows, &cursor, line, line_number, "ContextTokens must be an integer from 1 to 1000000000", &row.input_tokens);
    if (status == SIM_OK && !take_char(&cursor, ','))
        status = wrong(rows, line_number, line, cursor.at, "a comma belongs between ContextTokens and GeneratedTokens");
    if (status == SIM_OK)
        status =
            take_tokens(rows, &cursor, line, line_number, "GeneratedTokens must be an integer from 1 to 1000000000", &row.output_tokens);
    if (status == SIM_OK && cursor.at != cursor.end)
        status = wrong(rows, line_number, line, cursor.at, "text after the third column; an Azure row has three");
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

/* --- the quick reader ------------------------------------------------------------------------------------------------------------

 * Rows of one minute begin alike, so their date is read once; what remains of a row is four short numbers. Whatever looks different is left
 * to the reader above. Like that of JSONL it looks a few bytes ahead without asking for the end: zeros come after the text. */

enum { MINUTE_LENGTH = 17 }; /* 2023-11-16 18:15: */

struct minute {
    const char *text; /* NULL before the first row */
    int64_t start_ns;
};

/* From the seconds on: the position after the newline, or NULL. */
static const char *read_quickly(const struct minute *minute, struct trace_row *row, const char *at, const char *end)
{
    static const uint32_t scale[] = {0, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10};
    uint32_t second, fraction = 0;
    if (memcmp(at, minute->text, MINUTE_LENGTH) != 0 || digits_take_8(at + MINUTE_LENGTH, &second) != 2 || second > 60)
        return NULL;
    at += MINUTE_LENGTH + 2;
    if (*at == '.') {
        unsigned digits = digits_take_8(at + 1, &fraction);
        if (digits == 0)
            return NULL;
        fraction *= scale[digits];
        at += 1 + digits;
    }
    row->arrival_ns = minute->start_ns + (int64_t)second * 1000000000 + fraction;
    if (memcmp(at, "+00:00", 6) == 0)
        at += 6;
    if (*at++ != ',')
        return NULL;
    unsigned digits = digits_take_8(at, &row->input_tokens);
    if (digits == 0 || row->input_tokens == 0 || at[digits] != ',')
        return NULL;
    at += digits + 1;
    digits = digits_take_8(at, &row->output_tokens);
    if (digits == 0 || row->output_tokens == 0)
        return NULL;
    at += digits;
    while (*at == '\r' || *at == ' ')
        at++;
    if (at < end && *at == '\n')
        return at + 1;
    return at == end ? end : NULL;
}

/* Remember the minute of a row that was read the long way. */
static void note_minute(struct minute *minute, const struct trace_rows *rows, size_t length)
{
    uint32_t second;
    if (length <= MINUTE_LENGTH || digits_take_8(rows->at + MINUTE_LENGTH, &second) != 2)
        return;
    int64_t arrival_ns = rows->arrival_ns[rows->count - 1];
    minute->text = rows->at;
    minute->start_ns = arrival_ns - arrival_ns % 1000000000 - (int64_t)second * 1000000000;
}

/* The quick reader as long as rows look like the one before, the strict one for the rest. */
static void read_piece(struct trace_rows *rows)
{
    const char *end = rows->text + rows->length;
    struct minute minute = {0};
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
        size_t length = (size_t)((stop ? stop : end) - rows->at), count = rows->count;
        rows->status = read_line(rows, rows->at, length, line_number);
        if (rows->status == SIM_OK && rows->count > count)
            note_minute(&minute, rows, length);
        rows->at = stop ? stop + 1 : end;
    }
}

/* --- the format ------------------------------------------------------------------------------------------------------------------ */

static bool recognises(const struct trace_head *head)
{
    return is_header(head->text, head->line_length);
}

/* The header must be there, also when the format is forced: a first row that is skipped as a header would be missing. */
static enum status begin(struct trace_source *source, struct diag *diag)
{
    const char *line;
    size_t length, line_number = source->first_line;
    if (trace_source_take_line(source, &line, &length, &line_number) && is_header(line, length))
        return SIM_OK;
    return diag_at(diag, source->name, line_number, 1, "an Azure CSV starts with the header " AZURE_HEADER);
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
