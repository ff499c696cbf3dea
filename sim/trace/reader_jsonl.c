/* reader_jsonl.c - pagesim's own format, a superset of Mooncake's: one JSON object a line, or one array of them; and Qwen-Bailian's, which has
 * the same fields in other units.
 *
 * Two readers. The quick one knows exactly the fields of the format, with plainly written numbers, and gives up on anything else without
 * judging it. The strict one (json_fields.h) reads such objects again, accepts what is legal and makes all error messages:
 *
 *     object --> read_quickly -- a row --> columns
 *                     |                       ^
 *                     '-- NULL --> read_strictly -- a row, or an error with its place
 *
 * Both give the same rows; a property test holds them together. Read read_piece at the end first. */
#include <stdio.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/text_parts.h"
#include "trace/chat_sessions.h"
#include "trace/json_fields.h"
#include "trace/json_quick.h"
#include "trace/json_values.h"
#include "trace/trace_reader.h"

/* --- the quick reader ------------------------------------------------------------------------------------------------------------

 * A position moves through the text; NULL says that the object is not understood (json_quick.h). Nothing asks for the end of the text: zeros
 * come after it, and if a look ahead went beyond the piece, it is found out where the line ends. */

/* Does a name with its closing quote stand here? Comparisons of constant length are a load or two. *stop is where the name ends. */
#define STANDS(name, field) (memcmp(at, (name), sizeof(name) - 1) == 0 ? (*stop = at + sizeof(name) - 2, (field)) : JSON_FIELDS)

/* The field whose quoted name starts at `at`, after the opening quote, and where that name ends; JSON_FIELDS for others. */
static inline enum json_field field_at(const char *at, const char **stop)
{
    enum json_field found;
    switch (*at) {
    case 't':
        found = STANDS("timestamp\"", JSON_FIELD_TIMESTAMP);
        if (found == JSON_FIELDS)
            found = STANDS("tenant\"", JSON_FIELD_TENANT);
        if (found == JSON_FIELDS)
            found = STANDS("tenant_id\"", JSON_FIELD_TENANT);
        if (found == JSON_FIELDS)
            found = STANDS("trace_block_size\"", JSON_FIELD_BLOCK);
        return found;
    case 'i':
        found = STANDS("input_length\"", JSON_FIELD_INPUT);
        if (found == JSON_FIELDS)
            found = STANDS("input_tokens\"", JSON_FIELD_INPUT);
        return found;
    case 'o':
        found = STANDS("output_length\"", JSON_FIELD_OUTPUT);
        if (found == JSON_FIELDS)
            found = STANDS("output_tokens\"", JSON_FIELD_OUTPUT);
        return found;
    case 'h':
        return STANDS("hash_ids\"", JSON_FIELD_HASH_IDS);
    case 'p':
        found = STANDS("priority\"", JSON_FIELD_PRIORITY);
        if (found == JSON_FIELDS)
            found = STANDS("parent_chat_id\"", JSON_FIELD_PARENT);
        return found;
    case 'n':
        return STANDS("n\"", JSON_FIELD_SAMPLES);
    case 'b':
        return STANDS("beam_width\"", JSON_FIELD_BEAM);
    case 's':
        return STANDS("session_id\"", JSON_FIELD_SESSION);
    case 'd':
        return STANDS("delay\"", JSON_FIELD_DELAY);
    case 'c':
        found = STANDS("created_time\"", JSON_FIELD_TIMESTAMP);
        if (found == JSON_FIELDS)
            found = STANDS("chat_id\"", JSON_FIELD_CHAT);
        return found;
    case 'f':
        return STANDS("finish_reason\"", JSON_FIELD_FINISH);
    default:
        return JSON_FIELDS;
    }
}

/* -1, null and "" are no chat, which is what a row begins with. */
static const char *take_chat(const char *at, struct trace_name *chat)
{
    if (memcmp(at, "-1", 2) == 0 || memcmp(at, "null", 4) == 0)
        return at + (*at == '-' ? 2 : 4);
    at = json_quick_name(at, chat);
    if (at && chat->length == 0)
        *chat = (struct trace_name){0};
    return at;
}

/* "name": value. `seen` has a bit for each field and ignored name of the object, as none may come twice. */
static const char *take_member(const char *at, const char *end, struct trace_rows *rows, struct trace_row *row, uint32_t *seen)
{
    if (*at++ != '"')
        return NULL;
    const char *stop;
    enum json_field field = field_at(at, &stop);
    if (field >= JSON_FIELD_CHAT && (field == JSON_FIELDS || !rows->chats)) {
        field = JSON_FIELDS;
        stop = json_quick_plain(at);
        if (!stop)
            return NULL;
    }
    int bit = (int)field;
    if (field == JSON_FIELDS) {
        int number = trace_rows_ignore_again(rows, at, (size_t)(stop - at));
        if (number < 0)
            return NULL;
        bit = JSON_FIELDS + number;
    }
    if (*seen >> bit & 1)
        return NULL;
    *seen |= UINT32_C(1) << bit;
    at = json_walk_blanks(stop + 1, end);
    if (*at != ':')
        return NULL;
    at = json_walk_blanks(at + 1, end);
    if (field == JSON_FIELDS)
        return json_walk_value(at, end);
    if (field >= JSON_FIELD_CHAT)
        return take_chat(at, field == JSON_FIELD_PARENT ? &rows->chats->parent : &rows->chats->chat);
    return json_quick_field(at, end, rows, row, field);
}

/* An object: the position after its }, or NULL. Line ends are blanks in front of `end`. */
static inline const char *read_quickly(struct trace_rows *rows, struct trace_row *row, const char *at, const char *end)
{
    uint32_t seen = 0;
    if (*at != '{')
        return NULL;
    do {
        at = take_member(json_walk_blanks(at + 1, end), end, rows, row, &seen);
        if (!at)
            return NULL;
        at = json_walk_blanks(at, end);
    } while (*at == ',');
    return *at == '}' && (seen & 1u << JSON_FIELD_INPUT) ? at + 1 : NULL;
}

/* --- the strict reader ----------------------------------------------------------------------------------------------------------- */

/* Two names of one field must not both be there. Chats are a field of formats that have them. */
static enum json_field find_field(const struct trace_rows *rows, const char *name)
{
    for (enum json_field field = JSON_FIELD_TIMESTAMP; field < (rows->chats ? JSON_FIELDS : JSON_FIELD_CHAT); field++) {
        const char *alias = json_field_rules[field].alias;
        if (strcmp(name, json_field_rules[field].name) == 0 || (alias && strcmp(name, alias) == 0))
            return field;
    }
    return JSON_FIELDS;
}

/* The fields in any order. */
static enum status read_members(const struct json_document *document, struct trace_rows *rows, struct trace_row *row, unsigned *seen)
{
    for (const cJSON *node = document->root->child; node; node = node->next) {
        const enum json_field field = find_field(rows, node->string);
        if (field == JSON_FIELDS) {
            trace_rows_ignore(rows, node->string);
            continue;
        }
        if (*seen >> field & 1)
            return json_error(document, node, true, &rows->diag, "the request has \"%s\" twice, by two names",
                              json_field_rules[field].name);
        *seen |= 1u << field;
        enum status status = field >= JSON_FIELD_CHAT ? chat_sessions_read(document, node, field == JSON_FIELD_PARENT, rows)
                                                      : json_field_read(document, node, field, json_field_rules[field].name, rows, row);
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

/* A row without a prompt is no request; when it comes and what it generates may be said by options. */
static enum status read_object(const struct json_document *document, struct trace_rows *rows, struct trace_row *row)
{
    unsigned seen = 0;
    if (!cJSON_IsObject(document->root))
        return json_error(document, document->root, false, &rows->diag,
                          "a request must be a JSON object like {\"timestamp\": 0, \"input_length\": 100, "
                          "\"output_length\": 20}");
    enum status status = read_members(document, rows, row, &seen);
    if (status == SIM_OK && !(seen & 1u << JSON_FIELD_INPUT))
        return json_error(document, document->root, false, &rows->diag,
                          "the request has no \"%s\"; timestamp, input_length and output_length are what a request has",
                          json_field_rules[JSON_FIELD_INPUT].name);
    return status;
}

/* --- requests ---------------------------------------------------------------------------------------------------------------------- */

/* Chats have told by now whose they are. */
static inline enum status add(struct trace_rows *rows, struct trace_row *row)
{
    if (rows->chats && chat_sessions_end_row(rows, &row->session) != SIM_OK)
        return rows->diag.status;
    return trace_rows_add(rows, row);
}

static const char *request_quickly(struct trace_rows *rows, const char *at, const char *end)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (rows->chats)
        chat_sessions_begin_row(rows->chats);
    at = read_quickly(rows, &row, at, end);
    return at && add(rows, &row) == SIM_OK ? at : NULL;
}

static enum status request_strictly(struct trace_rows *rows, const struct json_document *document)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (rows->chats)
        chat_sessions_begin_row(rows->chats);
    enum status status = read_object(document, rows, &row);
    return status == SIM_OK ? add(rows, &row) : status;
}

static const struct json_value_reader requests = {request_quickly, request_strictly};

static void read_piece(struct trace_rows *rows)
{
    json_values_read_lines(rows, &requests);
}

/* --- the formats --------------------------------------------------------------------------------------------------------------------- */

/* What a hash id names holds for all rows, so it is wanted before they are read by several threads: the first row says it. A row that is wrong
 * is left to whoever reads it again with all others. With one token an id, ids may go on and name the answer. */
static void take_block_size(struct trace_source *source, const char *text, size_t length)
{
    struct diag ignored = {0};
    struct json_document document;
    struct trace_row row = TRACE_ROW_DEFAULT;
    struct trace_rows rows = {.source = source, .text = text, .length = length, .first_line = 1};
    if (!text_holds(text, length, "\"trace_block_size\"") || json_open(source->name, 1, text, length, &document, &ignored) != SIM_OK)
        return;
    if (read_object(&document, &rows, &row) == SIM_OK && row.tokens_per_hash_id > 0)
        source->facts.tokens_per_hash_id = row.tokens_per_hash_id;
    source->facts.ids_cover_answers = row.tokens_per_hash_id == 1;
    json_close(&document);
    trace_rows_deinit(&rows);
}

static enum status begin(struct trace_source *source, struct diag *diag)
{
    struct trace_source rest = *source;
    const char *line;
    size_t length, line_number;
    (void)diag;
    if (trace_source_take_line(&rest, &line, &length, &line_number))
        take_block_size(source, line, length);
    return SIM_OK;
}

/* An object at the start of the first line. Other formats of objects a line are told apart by their fields and come before this one. */
static bool recognises(const struct trace_head *head)
{
    return head->text[0] == '{';
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

/* --- one array of them --- */

static void read_array(struct trace_rows *rows)
{
    json_values_read_array(rows, &requests);
}

static enum status begin_array(struct trace_source *source, struct diag *diag)
{
    const char *end = source->text + source->length, *at = json_skip_blanks(source->text, end);
    (void)diag;
    at = at < end ? json_skip_blanks(at + 1, end) : end;
    const char *stop = json_value_end(at, end);
    if (stop)
        take_block_size(source, at, (size_t)(stop - at));
    return SIM_OK;
}

/* Other formats in arrays come before this one. */
static bool recognises_array(const struct trace_head *head)
{
    return head->text[0] == '[';
}

const struct trace_reader trace_reader_json_array = {
    .name = "json-array",
    .summary = "the requests of jsonl in one JSON array, over any number of lines",
    .sign = "an array of requests starts with [",
    .recognises = recognises_array,
    .facts = {.times = TRACE_TIMES_FROM_ZERO, .time_unit_ns = 1e6},
    .begin = begin_array,
    .read_piece = read_array,
    .whole_file = true,
};

/* --- Qwen-Bailian: the same fields, but seconds and 16 tokens an id, and chats that continue others --- */

static void read_chats(struct trace_rows *rows)
{
    struct chat_sessions chats = {0};
    rows->chats = &chats;
    json_values_read_lines(rows, &requests);
    rows->chats = NULL;
    chat_sessions_deinit(&chats);
}

static bool recognises_bailian(const struct trace_head *head)
{
    const char *end = head->text + head->line_length;
    return json_object_has(head->text, end, "parent_chat_id") && json_object_has(head->text, end, "hash_ids");
}

const struct trace_reader trace_reader_bailian = {
    .name = "bailian",
    .summary = "Qwen-Bailian traces: seconds, 16 tokens a hash id, chats that continue others (JSONL)",
    .sign = "a Bailian line has parent_chat_id",
    .recognises = recognises_bailian,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e9, .tokens_per_hash_id = 16},
    .read_piece = read_chats,
    .one_piece = true, /* a chat may continue one of any line before */
};
