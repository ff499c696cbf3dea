/* reader_jsonl.c - pagesim's own format, a superset of Mooncake's: one JSON object a line.
 *
 * Two readers. The quick one knows exactly the fields of the format, with plainly written numbers, and gives up on anything else without
 * judging it. The strict one (json.h) reads such lines again, accepts what is legal and makes all error messages:
 *
 *     line --> read_quickly -- a row --> columns
 *                   |                       ^
 *                   '-- NULL --> read_slowly -- a row, or an error with its place
 *
 * Both give the same rows; a property test holds them together. Read read_piece at the end first. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/json.h"
#include "trace/trace_reader.h"

enum field {
    FIELD_TIMESTAMP,
    FIELD_INPUT,
    FIELD_OUTPUT,
    FIELD_HASH_IDS,
    FIELD_PRIORITY,
    FIELD_SAMPLES,
    FIELD_BEAM,
    FIELD_SESSION,
    FIELD_DELAY,
    FIELD_FINISH,
    FIELD_BLOCK,
    FIELD_COUNT
};

/* Counts of tokens, samples and beams share a rule; `most` is 0 for other fields. */
static const struct {
    const char *name, *alias; /* alias: what AIPerf calls it, or NULL */
    uint32_t most;            /* a count is from 1 to this */
    size_t offset;            /* in struct trace_row */
} fields[FIELD_COUNT] = {
    [FIELD_TIMESTAMP] = {"timestamp", "created_time", 0, 0},
    [FIELD_INPUT] = {"input_length", "input_tokens", TRACE_MAX_TOKENS, offsetof(struct trace_row, input_tokens)},
    [FIELD_OUTPUT] = {"output_length", "output_tokens", TRACE_MAX_TOKENS, offsetof(struct trace_row, output_tokens)},
    [FIELD_HASH_IDS] = {"hash_ids", NULL, 0, 0},
    [FIELD_PRIORITY] = {"priority", NULL, 0, 0},
    [FIELD_SAMPLES] = {"n", NULL, TRACE_MAX_SAMPLES, offsetof(struct trace_row, samples)},
    [FIELD_BEAM] = {"beam_width", NULL, TRACE_MAX_SAMPLES, offsetof(struct trace_row, beam_width)},
    [FIELD_SESSION] = {"session_id", NULL, 0, 0},
    [FIELD_DELAY] = {"delay", NULL, 0, 0},
    [FIELD_FINISH] = {"finish_reason", NULL, 0, 0},
    [FIELD_BLOCK] = {"trace_block_size", NULL, TRACE_MAX_TOKENS, offsetof(struct trace_row, tokens_per_hash_id)},
};

/* Where a count goes. */
static inline uint32_t *count_of(struct trace_row *row, enum field field)
{
    return (uint32_t *)(void *)((char *)row + fields[field].offset);
}

/* --- the quick reader ------------------------------------------------------------------------------------------------------------

 * A position moves through the text; NULL says that the line is not understood. Nothing asks for the end of the text: zeros come after it
 * (text_file.h), which no rule accepts, and names and numbers are looked at a few bytes ahead. If that went beyond the piece, it is found
 * out where the line ends. */

static inline const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

/* `wanted` after blanks: the position after it, or NULL. */
static inline const char *take_char(const char *at, char wanted)
{
    at = skip_blanks(at);
    return *at == wanted ? at + 1 : NULL;
}

/* Up to 18 digits without a leading zero. Whether the number ends here the next character tells the caller. */
static inline const char *take_integer(const char *at, uint64_t *out)
{
    unsigned digits = digits_take(at, out);
    return digits == 0 || digits > 18 || (*at == '0' && digits > 1) ? NULL : at + digits;
}

/* A decimal number whose digits, taken as an integer, are at most 2^53, with at most 18 of them: integer and power of ten are both exact
 * doubles, so their quotient is the double nearest to the number, which is what strtod gives. */
static const char *take_time(const char *at, double unit_ns, int64_t *ns)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    static const uint64_t shifts[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t value, decimals = 0;
    const char *start = at, *stop = take_integer(at, &value);
    unsigned count = 0;
    if (!stop)
        return NULL;
    if (*stop == '.') {
        count = digits_take(stop + 1, &decimals);
        if (count == 0 || count > 17 || count + (unsigned)(stop - start) > 18)
            return NULL;
        stop += 1 + count;
        for (unsigned rest = count; rest > 0; rest -= rest < 8 ? rest : 8)
            value *= shifts[rest < 8 ? rest : 8];
        value += decimals;
    }
    if (value > UINT64_C(1) << 53)
        return NULL;
    return trace_time_to_ns(count > 0 ? (double)value / powers[count] : (double)value, unit_ns, ns) ? stop : NULL;
}

/* Ids of at most seven digits, each with a comma and perhaps a blank after it: nearly all ids of real traces. Stops in front of the first
 * that looks different, which may well be the last of a list. */
static const char *take_short_ids(const char *at, struct trace_rows *rows)
{
    uint32_t *out = rows->trace.hash_ids + rows->hash_count, *const end = rows->trace.hash_ids + rows->hash_capacity, id;
    while (out < end) {
        unsigned digits = digits_take_8(at, &id);
        if (digits - 1 > 6 || at[digits] != ',' || (*at == '0' && digits > 1))
            break;
        *out++ = id;
        at += digits + 1;
        at += *at == ' ';
    }
    rows->hash_count = (size_t)(out - rows->trace.hash_ids);
    return at;
}

/* Long lists are most of a Mooncake trace, so short ids are taken in a loop of their own. */
static const char *take_hash_ids(const char *at, struct trace_rows *rows)
{
    uint64_t id;
    if (*at != '[')
        return NULL;
    at = skip_blanks(at + 1);
    if (*at == ']')
        return at + 1;
    do {
        if (rows->hash_count < rows->hash_capacity && !rows->hash_high)
            at = take_short_ids(at, rows);
        at = take_integer(skip_blanks(at), &id);
        if (!at || trace_rows_put_hash(rows, id) != SIM_OK)
            return NULL;
        at = skip_blanks(at);
    } while (*at++ == ',');
    return at[-1] == ']' ? at : NULL;
}

/* A count of tokens, samples or beams: at least 1. */
static const char *take_bounded(const char *at, uint64_t most, uint32_t *out)
{
    uint64_t value;
    at = take_integer(at, &value);
    if (!at || value < 1 || value > most)
        return NULL;
    *out = (uint32_t)value;
    return at;
}

/* -0 is 0, as in JSON. */
static const char *take_priority(const char *at, int32_t *out)
{
    uint64_t value;
    bool negative = *at == '-';
    at = take_integer(at + negative, &value);
    if (!at || value > INT32_MAX)
        return NULL;
    *out = negative ? -(int32_t)value : (int32_t)value;
    return at;
}

/* Does a name with its closing quote, `size` bytes of it, stand here? Comparisons of constant length are a load or two. */
static inline bool stands(const char *at, const char *name, size_t size)
{
    return memcmp(at, name, size) == 0;
}
#define STANDS(name, field) (stands(at, name "\"", sizeof name) ? (*stop = at + sizeof name - 1, (field)) : FIELD_COUNT)

/* The field whose quoted name starts at `at`, after the opening quote, and where that name ends; FIELD_COUNT for others. */
static inline enum field field_at(const char *at, const char **stop)
{
    enum field found;
    switch (*at) {
    case 't':
        found = STANDS("timestamp", FIELD_TIMESTAMP);
        if (found == FIELD_COUNT)
            found = STANDS("trace_block_size", FIELD_BLOCK);
        return found;
    case 'i':
        found = STANDS("input_length", FIELD_INPUT);
        if (found == FIELD_COUNT)
            found = STANDS("input_tokens", FIELD_INPUT);
        return found;
    case 'o':
        found = STANDS("output_length", FIELD_OUTPUT);
        if (found == FIELD_COUNT)
            found = STANDS("output_tokens", FIELD_OUTPUT);
        return found;
    case 'h':
        return STANDS("hash_ids", FIELD_HASH_IDS);
    case 'p':
        return STANDS("priority", FIELD_PRIORITY);
    case 'n':
        return STANDS("n", FIELD_SAMPLES);
    case 'b':
        return STANDS("beam_width", FIELD_BEAM);
    case 's':
        return STANDS("session_id", FIELD_SESSION);
    case 'd':
        return STANDS("delay", FIELD_DELAY);
    case 'c':
        return STANDS("created_time", FIELD_TIMESTAMP);
    case 'f':
        return STANDS("finish_reason", FIELD_FINISH);
    default:
        return FIELD_COUNT;
    }
}

/* The inside of a string of printable ASCII without escapes, up to the closing quote; `at` is after the opening one. */
static const char *end_of_plain_string(const char *at)
{
    while (*at >= ' ' && *at < 127 && *at != '"' && *at != '\\')
        at++;
    return *at == '"' ? at : NULL;
}

/* A string, or a number, whose digits are the name then. */
static const char *take_session(const char *at, struct trace_rows *rows, struct trace_row *row)
{
    uint64_t ignored;
    const bool quoted = *at == '"';
    const char *name = at + quoted, *stop = quoted ? end_of_plain_string(name) : take_integer(name, &ignored);
    if (!stop || trace_rows_session(rows, name, (size_t)(stop - name), &row->session) != SIM_OK)
        return NULL;
    return stop + quoted;
}

static const char *take_finish_reason(const char *at, struct trace_row *row)
{
    const bool stops = stands(at, "\"stop\"", 6);
    if (!stops && !stands(at, "\"length\"", 8))
        return NULL;
    row->finish_reason = stops ? FINISH_STOP : FINISH_LENGTH;
    return at + (stops ? 6 : 8);
}

/* A field's value goes where it belongs in the row, or to the ids. */
static const char *take_value(const char *at, struct trace_rows *rows, struct trace_row *row, enum field field)
{
    switch (field) {
    case FIELD_TIMESTAMP:
        return take_time(at, rows->source->facts.time_unit_ns, &row->arrival_ns);
    case FIELD_HASH_IDS:
        return take_hash_ids(at, rows);
    case FIELD_PRIORITY:
        return take_priority(at, &row->priority);
    case FIELD_SESSION:
        return take_session(at, rows, row);
    case FIELD_DELAY:
        return take_time(at, rows->source->facts.time_unit_ns, &row->delay_ns);
    case FIELD_FINISH:
        return take_finish_reason(at, row);
    default:
        return take_bounded(at, fields[field].most, count_of(row, field));
    }
}

/* A value that is ignored: a plain string, a short number or a word. Anything else the strict reader judges. */
static const char *skip_value(const char *at)
{
    uint64_t ignored;
    if (*at == '"') {
        at = end_of_plain_string(at + 1);
        return at ? at + 1 : NULL;
    }
    if (memcmp(at, "true", 4) == 0 || memcmp(at, "null", 4) == 0)
        return at + 4;
    if (memcmp(at, "false", 5) == 0)
        return at + 5;
    at = take_integer(at + (*at == '-'), &ignored);
    if (!at || *at != '.')
        return at;
    unsigned decimals = digits_take(at + 1, &ignored);
    return decimals > 0 && decimals < 19 ? at + 1 + decimals : NULL;
}

/* An ignored field's number among those that the piece has met; -1 when there are too many to remember. */
static int name_number(struct trace_rows *rows, const char *name, size_t length)
{
    char text[sizeof rows->trace.ignored_fields];
    for (size_t i = 0; i < rows->known_count; i++)
        if (rows->known[i].length == length && memcmp(rows->known[i].text, name, length) == 0)
            return (int)i;
    if (rows->known_count == TRACE_NAMES_KNOWN || length >= sizeof text)
        return -1;
    memcpy(text, name, length);
    text[length] = '\0';
    trace_rows_ignore(rows, text);
    rows->known[rows->known_count] = (struct trace_name){name, length};
    return (int)rows->known_count++;
}

/* "name": value. `seen` has a bit for each field and ignored name of the line, as none may come twice. */
static const char *take_member(const char *at, struct trace_rows *rows, struct trace_row *row, uint32_t *seen)
{
    if (*at++ != '"')
        return NULL;
    const char *stop;
    const enum field field = field_at(at, &stop);
    int bit = (int)field;
    if (field == FIELD_COUNT)
        stop = end_of_plain_string(at);
    if (!stop)
        return NULL;
    if (field == FIELD_COUNT) {
        int number = name_number(rows, at, (size_t)(stop - at));
        if (number < 0)
            return NULL;
        bit = FIELD_COUNT + number;
    }
    if (*seen >> bit & 1)
        return NULL;
    *seen |= UINT32_C(1) << bit;
    at = take_char(stop + 1, ':');
    if (!at)
        return NULL;
    at = skip_blanks(at);
    return field == FIELD_COUNT ? skip_value(at) : take_value(at, rows, row, field);
}

/* A whole line, which ends at `end` at the latest: the position after its newline, or NULL. */
static const char *read_quickly(struct trace_rows *rows, struct trace_row *row, const char *at, const char *end)
{
    uint32_t seen = 0;
    if (*at != '{')
        return NULL;
    do {
        at = take_member(skip_blanks(at + 1), rows, row, &seen);
        if (!at)
            return NULL;
        at = skip_blanks(at);
    } while (*at == ',');
    if (*at != '}' || !(seen & 1u << FIELD_INPUT))
        return NULL;
    at = skip_blanks(at + 1);
    if (at < end && *at == '\n')
        return at + 1;
    return at == end ? end : NULL;
}

/* --- the strict reader ----------------------------------------------------------------------------------------------------------- */

/* From the text, so that 64 bits are exact, and with the range in the message. */
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

/* The only field that may be negative. */
static enum status strict_priority(const struct json_document *document, const cJSON *node, struct trace_row *row, struct diag *diag)
{
    double value = cJSON_IsNumber(node) ? node->valuedouble : NAN;
    if (!(value >= INT32_MIN && value <= INT32_MAX && value == floor(value)))
        return json_error(document, node, false, diag, "priority must be an integer from %d to %d; lower is sooner", INT32_MIN, INT32_MAX);
    row->priority = (int32_t)value;
    return SIM_OK;
}

/* Also of delays. The message names the unit that the format's times have. */
static enum status strict_time(const struct json_document *document, const cJSON *node, const char *name, struct trace_rows *rows,
                               int64_t *ns)
{
    static const struct {
        double ns;
        const char *name, *most;
    } units[] = {{1e9, "seconds", "9e9"}, {1e6, "milliseconds", "9e12"}, {1e3, "microseconds", "9e15"}, {1, "nanoseconds", "9e18"}};
    const double unit_ns = rows->source->facts.time_unit_ns;
    if (cJSON_IsNumber(node) && trace_time_to_ns(node->valuedouble, unit_ns, ns))
        return SIM_OK;
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof *units && units[unit].ns > unit_ns)
        unit++;
    return json_error(document, node, false, &rows->diag, "%s must be a number of %s from 0 to %s", name, units[unit].name,
                      units[unit].most);
}

static enum status strict_hash_ids(const struct json_document *document, const cJSON *node, struct trace_rows *rows)
{
    if (!cJSON_IsArray(node))
        return json_error(document, node, false, &rows->diag, "hash_ids must be an array of integers");
    for (const cJSON *item = node->child; item; item = item->next) {
        uint64_t id = 0;
        enum status status = strict_integer(document, item, "a hash id", 0, INT64_MAX, &id, &rows->diag);
        if (status == SIM_OK)
            status = trace_rows_put_hash(rows, id);
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

static enum status strict_session(const struct json_document *document, const cJSON *node, struct trace_rows *rows, struct trace_row *row)
{
    char digits[24];
    uint64_t number;
    const char *name = cJSON_GetStringValue(node);
    if (!name && json_uint64(document, node, &number)) {
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
        name = digits;
    }
    return name ? trace_rows_session(rows, name, strlen(name), &row->session)
                : json_error(document, node, false, &rows->diag, "session_id must be a string or an integer from 0 on");
}

static enum status strict_finish_reason(const struct json_document *document, const cJSON *node, struct trace_row *row, struct diag *diag)
{
    const char *reason = cJSON_GetStringValue(node);
    if (!reason || (strcmp(reason, "stop") != 0 && strcmp(reason, "length") != 0))
        return json_error(document, node, false, diag, "finish_reason must be \"length\" or \"stop\"");
    row->finish_reason = strcmp(reason, "stop") == 0 ? FINISH_STOP : FINISH_LENGTH;
    return SIM_OK;
}

/* One field's value; counts share a rule and differ in where they go. */
static enum status strict_field(const struct json_document *document, const cJSON *node, enum field field, struct trace_rows *rows,
                                struct trace_row *row)
{
    struct diag *diag = &rows->diag;
    uint64_t value = 0;
    enum status status;
    switch (field) {
    case FIELD_TIMESTAMP:
        return strict_time(document, node, "timestamp", rows, &row->arrival_ns);
    case FIELD_DELAY:
        return strict_time(document, node, "delay", rows, &row->delay_ns);
    case FIELD_SESSION:
        return strict_session(document, node, rows, row);
    case FIELD_FINISH:
        return strict_finish_reason(document, node, row, diag);
    case FIELD_HASH_IDS:
        return strict_hash_ids(document, node, rows);
    case FIELD_PRIORITY:
        return strict_priority(document, node, row, diag);
    default:
        status = strict_integer(document, node, fields[field].name, 1, fields[field].most, &value, diag);
        *count_of(row, field) = (uint32_t)value;
        return status;
    }
}

/* Two names of one field must not both be there. */
static enum field find_field(const struct trace_rows *rows, const char *name)
{
    static const enum trace_field column_of[FIELD_COUNT] = {
        TRACE_FIELD_ARRIVAL, TRACE_FIELD_INPUT,      TRACE_FIELD_OUTPUT,  TRACE_FIELD_HASH_IDS, TRACE_FIELD_PRIORITY,
        TRACE_FIELD_N,       TRACE_FIELD_BEAM_WIDTH, TRACE_FIELD_SESSION, TRACE_FIELD_DELAY,    TRACE_FIELD_FINISH_REASON};
    const struct trace_field_names *columns = rows->source->selection ? rows->source->selection->columns : NULL;
    enum field field = FIELD_TIMESTAMP;
    for (; field < FIELD_COUNT; field++) {
        const char *wanted = columns ? columns->of[column_of[field]] : fields[field].name;
        const char *alias = columns ? NULL : fields[field].alias;
        if ((wanted && strcmp(name, wanted) == 0) || (alias && strcmp(name, alias) == 0))
            break;
    }
    return field;
}

/* Fields in any order. A row without a prompt is no request; when it comes and what it generates may be said by options. */
static enum status strict_object(const struct json_document *document, struct trace_rows *rows, struct trace_row *row)
{
    const cJSON *root = document->root;
    unsigned seen = 0;
    if (!cJSON_IsObject(root))
        return json_error(document, root, false, &rows->diag,
                          "a request must be a JSON object like {\"timestamp\": 0, \"input_length\": 100, "
                          "\"output_length\": 20}");
    for (const cJSON *node = root->child; node; node = node->next) {
        const enum field field = find_field(rows, node->string);
        if (field < FIELD_COUNT && seen >> field & 1)
            return json_error(document, node, true, &rows->diag, "the request has \"%s\" twice, by two names", fields[field].name);
        if (field == FIELD_COUNT) {
            trace_rows_ignore(rows, node->string);
            continue;
        }
        seen |= 1u << field;
        enum status status = strict_field(document, node, field, rows, row);
        if (status != SIM_OK)
            return status;
    }
    if (seen & 1u << FIELD_INPUT)
        return SIM_OK;
    const struct trace_field_names *columns = rows->source->selection ? rows->source->selection->columns : NULL;
    return json_error(document, root, false, &rows->diag,
                      "the request has no \"%s\"; timestamp, input_length and output_length are what a request has",
                      columns ? columns->of[TRACE_FIELD_INPUT] : fields[FIELD_INPUT].name);
}

static enum status read_strictly(struct trace_rows *rows, struct trace_row *row, const char *line, size_t length, size_t line_number)
{
    struct json_document document;
    enum status status = json_open(rows->source->name, line_number, line, length, &document, &rows->diag);
    if (status != SIM_OK)
        return status;
    status = strict_object(&document, rows, row);
    json_close(&document);
    return status;
}

/* --- a piece --------------------------------------------------------------------------------------------------------------------- */

/* Blank lines are allowed and not numbered as requests. */
static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

/* A line that the quick reader has given up on: from the start, with the strict one. */
static enum status read_slowly(struct trace_rows *rows, const char *line, size_t length, size_t line_number)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (is_blank(line, length))
        return SIM_OK;
    enum status status = read_strictly(rows, &row, line, length, line_number);
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

static void read_piece(struct trace_rows *rows)
{
    const char *end = rows->text + rows->length;
    const bool columns = rows->source->selection && rows->source->selection->columns; /* other names: the strict reader knows them */
    rows->at = rows->text;
    for (size_t line_number = rows->first_line; rows->at < end && rows->status == SIM_OK; line_number++) {
        const size_t hashes = rows->hash_count;
        struct trace_row row = TRACE_ROW_DEFAULT;
        rows->line = line_number;
        const char *next = columns ? NULL : read_quickly(rows, &row, rows->at, end);
        if (next && trace_rows_add(rows, &row) == SIM_OK) {
            rows->at = next;
            continue;
        }
        rows->hash_count = hashes;
        rows->status = rows->diag.status; /* memory ran out */
        const char *stop = memchr(rows->at, '\n', (size_t)(end - rows->at));
        if (!stop)
            stop = end;
        if (rows->status == SIM_OK)
            rows->status = read_slowly(rows, rows->at, (size_t)(stop - rows->at), line_number);
        if (rows->status != SIM_OK) {
            rows->hash_count = hashes;
            rows->status = trace_rows_skip(rows, line_number);
        }
        rows->at = stop < end ? stop + 1 : end;
    }
}

/* An object at the start of the first line. Other formats of objects a line are told apart by their fields and come before this one. */
static bool recognises(const struct trace_head *head)
{
    return head->text[0] == '{';
}

/* What a hash id names holds for all rows, so it is wanted before they are read by several threads: the first row says it. A row that is wrong
 * is left to whoever reads it again with all others. With one token an id, ids may go on and name the answer. */
static enum status begin(struct trace_source *source, struct diag *diag)
{
    struct trace_source rest = *source;
    const char *line;
    size_t length, line_number;
    struct trace_row row = TRACE_ROW_DEFAULT;
    (void)diag;
    if (!trace_source_take_line(&rest, &line, &length, &line_number) || !memmem(line, length, "\"trace_block_size\"", 18))
        return SIM_OK;
    struct trace_rows rows = {.source = source, .text = line, .length = length, .first_line = line_number};
    if (read_strictly(&rows, &row, line, length, line_number) == SIM_OK && row.tokens_per_hash_id > 0)
        source->facts.tokens_per_hash_id = row.tokens_per_hash_id;
    source->facts.ids_cover_answers = row.tokens_per_hash_id == 1;
    trace_rows_deinit(&rows);
    return SIM_OK;
}

const struct trace_reader trace_reader_jsonl = {
    .name = "jsonl",
    .summary = "pagesim's own, a superset of Mooncake's: a JSON object a line",
    .sign = "a JSONL line starts with {",
    .recognises = recognises,
    .facts = {.times = TRACE_TIMES_FROM_ZERO, .time_unit_ns = 1e6},
    .begin = begin,
    .read_piece = read_piece,
};

/* The Qwen-Bailian traces: the same fields, but seconds and 16 tokens an id. Times are those at which turns really came, so that a turn does
 * not wait for its parent. */
static bool recognises_bailian(const struct trace_head *head)
{
    return head->text[0] == '{' && memmem(head->text, head->line_length, "\"parent_chat_id\"", 16) &&
           memmem(head->text, head->line_length, "\"hash_ids\"", 10);
}

const struct trace_reader trace_reader_bailian = {
    .name = "bailian",
    .summary = "Qwen-Bailian traces: seconds, 16 tokens a hash id (JSONL with chat_id and parent_chat_id)",
    .sign = "a Bailian line has parent_chat_id",
    .recognises = recognises_bailian,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e9, .tokens_per_hash_id = 16},
    .read_piece = read_piece,
};

/* --columns for objects a line; times count from the earliest, as nobody knows where they start. */
const struct trace_reader trace_reader_jsonl_columns = {
    .name = "jsonl-columns",
    .summary = "any JSONL, by the names that --columns gives",
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e6},
    .read_piece = read_piece,
};
