/* reader_sharegpt.c - ShareGPT: conversations as text, in one JSON array or one a line. Each answer is a request whose prompt is all that was
 * said before it; a conversation is a session. There are no times.
 *
 * There is no tokenizer here, so lengths follow a rule that reports state. Read the two functions at the end of each half first. */
#include <stdio.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/json_walk.h"
#include "trace/json_fields.h"
#include "trace/json_quick.h"
#include "trace/json_values.h"
#include "trace/trace_reader.h"

#define TEXT_RULE "lengths are estimated from texts: one token for 4 bytes, rounded up"

/* A conversation on its way. The session is numbered when all of it is read, so that what was given up leaves no name behind. */
struct conversation {
    struct trace_name id; /* text NULL: it has none */
    uint64_t said;        /* tokens so far */
    size_t first;         /* row of the first answer */
};

/* --- turns ---------------------------------------------------------------------------------------------------------------------------- */

/* Everybody else (human, user, system, tool) is heard, not generated. */
static bool is_answer(const char *from, size_t length)
{
    static const char *const models[] = {"gpt", "assistant", "chatgpt", "bing", "bard", "model"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (length == strlen(models[i]) && memcmp(from, models[i], length) == 0)
            return true;
    return false;
}

enum turn { TURN_ADDED, TURN_TOO_LONG, TURN_FAILED };

/* An answer to nothing, or an empty one, is no request, but was said. */
static enum turn add_turn(struct trace_rows *rows, struct conversation *conversation, bool answer, uint64_t bytes)
{
    const uint64_t tokens = (bytes + 3) / 4, before = conversation->said;
    struct trace_row row = TRACE_ROW_DEFAULT;
    conversation->said += tokens;
    if (conversation->said > TRACE_MAX_TOKENS)
        return TURN_TOO_LONG;
    if (!answer || before == 0 || tokens == 0)
        return TURN_ADDED;
    row.input_tokens = (uint32_t)before;
    row.output_tokens = (uint32_t)tokens;
    row.session = UINT32_MAX; /* end_conversation says which */
    return trace_rows_add(rows, &row) == SIM_OK ? TURN_ADDED : TURN_FAILED;
}

/* A session is called by the conversation's id, or by the row of its first answer. If another was called so before, the row is added: turns of
 * two conversations must not mix. */
static enum status end_conversation(struct trace_rows *rows, const struct conversation *conversation)
{
    const struct trace_name *id = &conversation->id;
    const uint32_t known = rows->trace.sessions.count;
    uint32_t session = 0;
    char text[160];
    if (rows->count == conversation->first)
        return SIM_OK;
    enum status status = id->text ? trace_rows_session(rows, id->text, id->length, &session) : SIM_OK;
    for (size_t number = conversation->first; session <= known && status == SIM_OK; number++) {
        const int length =
            snprintf(text, sizeof text, "%.*s#%zu", (int)(id->length < 100 ? id->length : 100), id->text ? id->text : "", number);
        status = trace_rows_session(rows, text, (size_t)length, &session);
    }
    for (size_t row = conversation->first; row < rows->count && status == SIM_OK; row++)
        rows->trace.session[row] = session;
    return status;
}

/* --- quickly ------------------------------------------------------------------------------------------------------------------------ */

static const char *turn_quickly(struct trace_rows *rows, const char *at, const char *end, struct conversation *conversation)
{
    struct json_members members;
    struct trace_name from = {0};
    uint64_t bytes = 0, ignored;
    bool has_value = false;
    for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at)) {
        if (JSON_WALK_IS(members, "from")) {
            from.text = at + 1;
            at = json_walk_string(at, &ignored);
            from.length = at ? (size_t)(at - from.text) - 1 : 0;
        } else if (JSON_WALK_IS(members, "value")) {
            has_value = true;
            at = json_walk_string(at, &bytes);
        } else
            at = json_walk_value(at, end);
    }
    if (!at || !from.text || !has_value || memchr(from.text, '\\', from.length))
        return NULL;
    return add_turn(rows, conversation, is_answer(from.text, from.length), bytes) == TURN_ADDED ? at : NULL;
}

static const char *turns_quickly(struct trace_rows *rows, const char *at, const char *end, struct conversation *conversation)
{
    bool more;
    for (at = json_walk_first_item(at, end, &more); at && more; at = json_walk_next_item(at, end, &more))
        at = turn_quickly(rows, at, end, conversation);
    return at;
}

/* An id without escapes; what is no string is no id. */
static const char *take_id(const char *at, const char *end, struct trace_name *id)
{
    uint64_t bytes;
    if (*at != '"')
        return json_walk_value(at, end);
    const char *stop = json_walk_string(at, &bytes);
    *id = (struct trace_name){at + 1, bytes};
    return stop && bytes == (uint64_t)(stop - at) - 2 ? stop : NULL;
}

static const char *conversation_quickly(struct trace_rows *rows, const char *at, const char *end)
{
    struct json_members members;
    struct conversation conversation = {.first = rows->count};
    bool has_turns = false;
    for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at)) {
        if (JSON_WALK_IS(members, "id"))
            at = take_id(at, end, &conversation.id);
        else if (JSON_WALK_IS(members, "conversations")) {
            has_turns = true;
            at = turns_quickly(rows, at, end, &conversation);
        } else
            at = json_walk_value(at, end);
    }
    return at && has_turns && end_conversation(rows, &conversation) == SIM_OK ? at : NULL;
}

/* --- strictly ----------------------------------------------------------------------------------------------------------------------- */

static enum status read_turn(struct trace_rows *rows, const struct json_document *document, const cJSON *turn,
                             struct conversation *conversation)
{
    const char *from = cJSON_GetStringValue(json_member(turn, "from")), *value = cJSON_GetStringValue(json_member(turn, "value"));
    if (!from || !value)
        return json_error(document, turn, false, &rows->diag, "a turn needs \"from\" and \"value\", two strings");
    const enum turn added = add_turn(rows, conversation, is_answer(from, strlen(from)), strlen(value));
    if (added == TURN_TOO_LONG)
        return json_error(document, turn, false, &rows->diag, "a conversation of more than %d tokens", TRACE_MAX_TOKENS);
    return added == TURN_ADDED ? SIM_OK : rows->diag.status;
}

static enum status conversation_strictly(struct trace_rows *rows, const struct json_document *document)
{
    const cJSON *turns = json_member(document->root, "conversations");
    const char *id = cJSON_GetStringValue(json_member(document->root, "id"));
    struct conversation conversation = {.id = {id, id ? strlen(id) : 0}, .first = rows->count};
    enum status status = SIM_OK;
    if (!cJSON_IsArray(turns))
        return json_error(document, document->root, false, &rows->diag, "a conversation needs \"conversations\", a list of turns");
    for (const cJSON *turn = turns->child; turn && status == SIM_OK; turn = turn->next)
        status = read_turn(rows, document, turn, &conversation);
    return status == SIM_OK ? end_conversation(rows, &conversation) : status;
}

/* --- the format --------------------------------------------------------------------------------------------------------------------- */

/* The reader has skipped blanks in front of the first value to recognise it; here they are still there. */
static void read_piece(struct trace_rows *rows)
{
    static const struct json_value_reader reader = {conversation_quickly, conversation_strictly};
    const char *end = rows->text + rows->length, *at = json_skip_blanks(rows->text, end);
    if (at < end && *at == '[')
        json_values_read_array(rows, &reader);
    else
        json_values_read_lines(rows, &reader);
    trace_note(&rows->trace, TEXT_RULE);
}

/* The first conversation, in an array or alone in its line. */
static bool recognises(const struct trace_head *head)
{
    const char *end = head->text + head->length, *at = head->text;
    if (*at == '[')
        at = json_skip_blanks(at + 1, end);
    return json_object_has(at, end, "conversations");
}

const struct trace_reader trace_reader_sharegpt = {
    .name = "sharegpt",
    .summary = "ShareGPT conversations: text and turns, no times (JSON or JSONL)",
    .sign = "a ShareGPT conversation has conversations",
    .recognises = recognises,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e6},
    .read_piece = read_piece,
    .whole_file = true,
};
