/* reader_azure_csv.c - the Azure LLM inference traces: TIMESTAMP,ContextTokens,GeneratedTokens.
 *
 * 2023 writes 2023-11-16 18:15:46.6805900, 2024 adds a zone (+00:00) and may leave the fraction out; both are read. Ticks of 100 ns are
 * exact, as times are integers from the start. There are no content ids: requests share nothing.
 *
 * As in reader_jsonl.c a quick reader takes what looks as expected and a strict one the rest. Read read_piece first. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/digits.h"
#include "trace/trace_reader.h"

#define AZURE_HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

/* The length without blanks at the end. */
static size_t trimmed(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    return length;
}

/* Capitals do not matter, nor do blanks at the end. */
static bool is_header(const char *line, size_t length)
{
    return trimmed(line, length) == strlen(AZURE_HEADER) && strncasecmp(line, AZURE_HEADER, strlen(AZURE_HEADER)) == 0;
}

/* --- the strict reader -----------------------------------------------------------------------------------------------------------

 * A position moves over the line. Nothing asks for the end of the text: a line end or zeros come after it, which no rule accepts. */

/* Exactly `digits` digits, or (digits == 0) one to ten. */
static bool take_number(const char **at, unsigned digits, uint64_t *out)
{
    const unsigned found = digits_take(*at, out);
    if (digits > 0 ? found != digits : found < 1 || found > 10)
        return false;
    *at += found;
    return true;
}

static bool take_char(const char **at, char wanted)
{
    const bool found = **at == wanted;
    *at += found;
    return found;
}

/* Up to nine digits; both years of the data set write seven or fewer. */
static bool take_fraction(const char **at, int64_t *ns)
{
    int64_t scale = 1000000000;
    *ns = 0;
    if (!take_char(at, '.'))
        return true;
    for (; (unsigned)(**at - '0') < 10 && scale > 1; ++*at) {
        scale /= 10;
        *ns += (**at - '0') * scale;
    }
    return scale < 1000000000;
}

/* UTC is the only zone that is accepted: the data set has no other, and a wrong hour would pass unseen. */
static bool take_time(const char **position, int64_t *ns)
{
    const char *moving = *position, **at = &moving;
    uint64_t year, month, day, hour, minute, second;
    int64_t fraction;
    bool form = take_number(at, 4, &year) && take_char(at, '-') && take_number(at, 2, &month) && take_char(at, '-') &&
                take_number(at, 2, &day) && (take_char(at, ' ') || take_char(at, 'T')) && take_number(at, 2, &hour) && take_char(at, ':') &&
                take_number(at, 2, &minute) && take_char(at, ':') && take_number(at, 2, &second) && take_fraction(at, &fraction);
    if (!form || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 || year < 1970 || year > 2200)
        return false;
    if (!take_char(at, 'Z') && strncmp(*at, "+00:00", 6) == 0)
        *at += 6;
    struct tm date = {.tm_year = (int)year - 1900,
                      .tm_mon = (int)month - 1,
                      .tm_mday = (int)day,
                      .tm_hour = (int)hour,
                      .tm_min = (int)minute,
                      .tm_sec = (int)second};
    *ns = (int64_t)timegm(&date) * 1000000000 + fraction;
    *position = moving;
    return true;
}

/* At least one token: a request without a prompt or an answer cannot be served. */
static bool take_tokens(const char **at, uint32_t *out)
{
    const char *after = *at;
    uint64_t value;
    if (!take_number(&after, 0, &value) || value < 1 || value > TRACE_MAX_TOKENS)
        return false;
    *out = (uint32_t)value;
    *at = after;
    return true;
}

/* Makes all error messages. A part that is wrong leaves the position where it starts. */
static enum status read_line(struct trace_rows *rows, const char *line, size_t length, size_t line_number)
{
    const char *at = line, *const end = line + trimmed(line, length);
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (at == end)
        return SIM_OK;
    const char *wrong = !take_time(&at, &row.arrival_ns)        ? "not a time; 2023-11-16 18:15:46.6805900 is right"
                        : !take_char(&at, ',')                  ? "a comma belongs after the time"
                        : !take_tokens(&at, &row.input_tokens)  ? "ContextTokens must be an integer from 1 to 1000000000"
                        : !take_char(&at, ',')                  ? "a comma belongs between ContextTokens and GeneratedTokens"
                        : !take_tokens(&at, &row.output_tokens) ? "GeneratedTokens must be an integer from 1 to 1000000000"
                        : at != end                             ? "text after the third column; an Azure row has three"
                                                                : NULL;
    if (wrong)
        return diag_at(&rows->diag, rows->source->name, line_number, (size_t)(at - line) + 1, "%s", wrong);
    return trace_rows_add(rows, &row);
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
    int64_t arrival_ns = rows->trace.arrival_ns[rows->count - 1];
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
        rows->status = trace_rows_skip(rows, line_number);
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
