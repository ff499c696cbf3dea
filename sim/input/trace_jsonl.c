/* trace_jsonl.c - pagesim's own format, a superset of Mooncake's: one JSON object a line.
 *
 * Two readers. The quick one knows exactly the fields of formats.md with plainly written numbers and gives up on anything else without
 * judging it; the strict one (json.h) reads such lines again, accepts what is legal and makes all error messages. Both give the same
 * rows; a property test holds them together. */
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "input/trace_rows.h"

enum field { FIELD_TIMESTAMP, FIELD_INPUT, FIELD_OUTPUT, FIELD_HASH_IDS, FIELD_PRIORITY, FIELD_SAMPLES, FIELD_BEAM, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {"timestamp", "input_length", "output_length", "hash_ids", "priority",
                                                     "n",         "beam_width"};

struct cursor {
    const char *at, *end;
};

/* --- the quick reader ------------------------------------------------------------------------------------------------------------ */

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' || *cursor->at == '\r'))
        cursor->at++;
}

static bool take_char(struct cursor *cursor, char wanted)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

/* Up to 18 digits without a leading zero, and nothing behind them that would still be part of the number. */
static bool take_integer(struct cursor *cursor, uint64_t *out)
{
    skip_blanks(cursor);
    const char *start = cursor->at;
    uint64_t value = 0;
    while (cursor->at < cursor->end && (unsigned)(*cursor->at - '0') < 10)
        value = value * 10 + (uint64_t)(*cursor->at++ - '0');
    size_t digits = (size_t)(cursor->at - start);
    if (digits == 0 || digits > 18 || (*start == '0' && digits > 1) || cursor->at == cursor->end)
        return false;
    if (*cursor->at == '.' || *cursor->at == 'e' || *cursor->at == 'E')
        return false;
    *out = value;
    return true;
}

/* A decimal of at most 15 digits: digits and power of ten are both exact doubles, so their quotient is the nearest double. */
static bool take_milliseconds(struct cursor *cursor, int64_t *ns)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    skip_blanks(cursor);
    const char *start = cursor->at;
    uint64_t value = 0;
    unsigned digits = 0, decimals = 0;
    while (cursor->at < cursor->end && (unsigned)(*cursor->at - '0') < 10 && digits < 16) {
        value = value * 10 + (uint64_t)(*cursor->at++ - '0');
        digits++;
    }
    if (digits == 0 || (*start == '0' && digits > 1))
        return false;
    if (cursor->at < cursor->end && *cursor->at == '.') {
        const char *point = cursor->at++;
        while (cursor->at < cursor->end && (unsigned)(*cursor->at - '0') < 10 && digits + decimals < 16) {
            value = value * 10 + (uint64_t)(*cursor->at++ - '0');
            decimals++;
        }
        if (cursor->at == point + 1)
            return false;
    }
    if (digits + decimals > 15 || cursor->at == cursor->end || *cursor->at == 'e' || *cursor->at == 'E')
        return false;
    return trace_ms_to_ns((double)value / powers[decimals], ns);
}

static int take_field_name(struct cursor *cursor)
{
    if (!take_char(cursor, '"'))
        return -1;
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '"')
        cursor->at++;
    size_t length = (size_t)(cursor->at - start);
    if (cursor->at == cursor->end || !take_char(cursor, '"') || !take_char(cursor, ':'))
        return -1;
    for (int field = 0; field < FIELD_COUNT; field++)
        if (strlen(field_names[field]) == length && memcmp(field_names[field], start, length) == 0)
            return field;
    return -1;
}

static bool take_hash_ids(struct cursor *cursor, struct trace_rows *rows, struct trace_row *row)
{
    row->hash_at = rows->hash_count;
    if (!take_char(cursor, '['))
        return false;
    if (take_char(cursor, ']'))
        return true;
    do {
        uint64_t id;
        if (!take_integer(cursor, &id) || array_reserve(&rows->hash_ids, &rows->hash_capacity, rows->hash_count + 1, sizeof *rows->hash_ids,
                                                        "hash ids", &rows->diag) != SIM_OK)
            return false;
        rows->hash_ids[rows->hash_count++] = id;
        row->hash_count++;
    } while (take_char(cursor, ','));
    return take_char(cursor, ']');
}

static bool take_bounded(struct cursor *cursor, uint64_t most, uint32_t *out)
{
    uint64_t value;
    if (!take_integer(cursor, &value) || value < 1 || value > most)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool take_field(struct cursor *cursor, struct trace_rows *rows, struct trace_row *row, int field)
{
    uint64_t value;
    switch (field) {
    case FIELD_TIMESTAMP:
        return take_milliseconds(cursor, &row->arrival_ns);
    case FIELD_INPUT:
        return take_bounded(cursor, TRACE_MAX_TOKENS, &row->input_tokens);
    case FIELD_OUTPUT:
        return take_bounded(cursor, TRACE_MAX_TOKENS, &row->output_tokens);
    case FIELD_HASH_IDS:
        return take_hash_ids(cursor, rows, row);
    case FIELD_PRIORITY:
        if (!take_integer(cursor, &value) || value > INT32_MAX)
            return false;
        row->priority = (int32_t)value;
        return true;
    case FIELD_SAMPLES:
        return take_bounded(cursor, TRACE_MAX_SAMPLES, &row->samples);
    case FIELD_BEAM:
        return take_bounded(cursor, TRACE_MAX_SAMPLES, &row->beam_width);
    default:
        return false;
    }
}

static bool read_quickly(struct trace_rows *rows, struct trace_row *row, const char *line, size_t length)
{
    struct cursor cursor = {.at = line, .end = line + length};
    unsigned seen = 0;
    const unsigned needed = 1u << FIELD_TIMESTAMP | 1u << FIELD_INPUT | 1u << FIELD_OUTPUT;
    if (!take_char(&cursor, '{'))
        return false;
    do {
        int field = take_field_name(&cursor);
        if (field < 0 || (seen & 1u << field) || !take_field(&cursor, rows, row, field))
            return false;
        seen |= 1u << field;
    } while (take_char(&cursor, ','));
    if (!take_char(&cursor, '}'))
        return false;
    skip_blanks(&cursor);
    return cursor.at == cursor.end && (seen & needed) == needed;
}

/* --- the strict reader ----------------------------------------------------------------------------------------------------------- */

static enum status strict_integer(const struct json_document *document, const cJSON *node, const char *name, uint64_t least, uint64_t most,
                                  uint64_t *out, struct diag *diag)
{
    uint64_t value;
    if (json_uint64(document, node, &value) && value >= least && value <= most) {
        *out = value;
        return SIM_OK;
    }
    return json_error(document, node, false, diag, "%s must be an integer from %llu to %llu", name, (unsigned long long)least,
                      (unsigned long long)most);
}

static enum status strict_priority(const struct json_document *document, const cJSON *node, struct trace_row *row, struct diag *diag)
{
    double value = cJSON_IsNumber(node) ? node->valuedouble : NAN;
    if (!(value >= INT32_MIN && value <= INT32_MAX && value == floor(value)))
        return json_error(document, node, false, diag, "priority must be an integer from %d to %d; lower is sooner", INT32_MIN, INT32_MAX);
    row->priority = (int32_t)value;
    return SIM_OK;
}

static enum status strict_hash_ids(const struct json_document *document, const cJSON *node, struct trace_rows *rows, struct trace_row *row)
{
    if (!cJSON_IsArray(node))
        return json_error(document, node, false, &rows->diag, "hash_ids must be an array of integers");
    row->hash_at = rows->hash_count;
    for (const cJSON *item = node->child; item; item = item->next) {
        uint64_t id = 0;
        enum status status = strict_integer(document, item, "a hash id", 0, INT64_MAX, &id, &rows->diag);
        if (status == SIM_OK)
            status =
                array_reserve(&rows->hash_ids, &rows->hash_capacity, rows->hash_count + 1, sizeof *rows->hash_ids, "hash ids", &rows->diag);
        if (status != SIM_OK)
            return status;
        rows->hash_ids[rows->hash_count++] = id;
        row->hash_count++;
    }
    return SIM_OK;
}

static enum status strict_field(const struct json_document *document, const cJSON *node, int field, struct trace_rows *rows,
                                struct trace_row *row)
{
    struct diag *diag = &rows->diag;
    uint64_t value = 0;
    enum status status;
    switch (field) {
    case FIELD_TIMESTAMP:
        if (!cJSON_IsNumber(node) || !trace_ms_to_ns(node->valuedouble, &row->arrival_ns))
            return json_error(document, node, false, diag, "timestamp must be a number of milliseconds from 0 to 9e12");
        return SIM_OK;
    case FIELD_HASH_IDS:
        return strict_hash_ids(document, node, rows, row);
    case FIELD_PRIORITY:
        return strict_priority(document, node, row, diag);
    default:
        status = strict_integer(document, node, field_names[field], 1,
                                field == FIELD_INPUT || field == FIELD_OUTPUT ? TRACE_MAX_TOKENS : TRACE_MAX_SAMPLES, &value, diag);
        *(field == FIELD_INPUT     ? &row->input_tokens
          : field == FIELD_OUTPUT  ? &row->output_tokens
          : field == FIELD_SAMPLES ? &row->samples
                                   : &row->beam_width) = (uint32_t)value;
        return status;
    }
}

static enum status strict_object(const struct json_document *document, struct trace_rows *rows, struct trace_row *row)
{
    const cJSON *root = document->root;
    unsigned seen = 0;
    if (!cJSON_IsObject(root))
        return json_error(document, root, false, &rows->diag,
                          "a request must be a JSON object like {\"timestamp\": 0, \"input_length\": 100, "
                          "\"output_length\": 20}");
    for (const cJSON *node = root->child; node; node = node->next) {
        int field = 0;
        while (field < FIELD_COUNT && strcmp(node->string, field_names[field]) != 0)
            field++;
        if (field == FIELD_COUNT) {
            trace_rows_ignore(rows, node->string);
            continue;
        }
        seen |= 1u << field;
        enum status status = strict_field(document, node, field, rows, row);
        if (status != SIM_OK)
            return status;
    }
    for (int field = FIELD_TIMESTAMP; field <= FIELD_OUTPUT; field++)
        if (!(seen & 1u << field))
            return json_error(document, root, false, &rows->diag,
                              "the request has no \"%s\"; timestamp, input_length and output_length are needed", field_names[field]);
    return SIM_OK;
}

static enum status read_strictly(struct trace_rows *rows, struct trace_row *row, const char *line, size_t length, size_t line_number)
{
    struct json_document document;
    enum status status = json_open(rows->file, line_number, line, length, &document, &rows->diag);
    if (status != SIM_OK)
        return status;
    status = strict_object(&document, rows, row);
    json_close(&document);
    return status;
}

/* --- a piece --------------------------------------------------------------------------------------------------------------------- */

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

static enum status read_line(struct trace_rows *rows, const char *line, size_t length, size_t line_number)
{
    if (length == 0 || (line[0] != '{' && is_blank(line, length)))
        return SIM_OK;
    struct trace_row *row = trace_rows_add(rows);
    if (!row)
        return rows->diag.status;
    size_t hashes = rows->hash_count;
    if (read_quickly(rows, row, line, length))
        return SIM_OK;
    rows->hash_count = hashes;
    *row = (struct trace_row){.samples = 1};
    return rows->diag.status != SIM_OK ? rows->diag.status : read_strictly(rows, row, line, length, line_number);
}

void trace_read_jsonl(struct trace_rows *rows)
{
    const char *at = rows->text, *end = rows->text + rows->length;
    for (size_t line_number = rows->first_line; at < end && rows->status == SIM_OK; line_number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            stop = end;
        rows->status = read_line(rows, at, (size_t)(stop - at), line_number);
        at = stop + 1;
    }
}
