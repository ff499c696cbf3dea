/* chat_sessions.c - a table from chats to sessions. Read chat_sessions_end_row first. */
#include "trace/chat_sessions.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void chat_sessions_begin_row(struct chat_sessions *chats)
{
    chats->chat = chats->parent = (struct trace_name){0};
}

enum status chat_sessions_read(const struct json_document *document, const cJSON *node, bool parent, struct trace_rows *rows)
{
    struct chat_sessions *chats = rows->chats;
    struct trace_name *name = parent ? &chats->parent : &chats->chat;
    if (cJSON_IsNull(node) || (cJSON_IsNumber(node) && node->valuedouble == -1))
        return SIM_OK;
    const char *text = json_name_of(document, node, chats->digits[parent]);
    if (!text)
        return json_error(document, node, false, &rows->diag, "%s must be a string or an integer from 0 on, or -1 for none",
                          parent ? "parent_chat_id" : "chat_id");
    if (*text)
        *name = (struct trace_name){text, strlen(text)};
    return SIM_OK;
}

/* The chat of this name; new ones have no session yet. */
static enum status find(struct trace_rows *rows, const struct trace_name *name, struct chat **out)
{
    struct chat_sessions *chats = rows->chats;
    uint32_t number;
    enum status status = session_names_number(&chats->names, name->text, name->length, &number, &rows->diag);
    if (status == SIM_OK && number > chats->count) {
        const struct chat chat = {0};
        status = array_append(&chats->chats, &chats->count, &chats->capacity, &chat, sizeof chat, "chats", &rows->diag);
    }
    if (status == SIM_OK)
        *out = &chats->chats[number - 1];
    return status;
}

/* The parent's session, if this row is the first to continue it; else none. */
static enum status continue_parent(struct trace_rows *rows, uint32_t *session)
{
    const struct trace_name *name = &rows->chats->parent;
    struct chat *parent;
    enum status status = find(rows, name, &parent);
    if (status != SIM_OK || parent->continued)
        return status;
    if (parent->session == 0)
        status = trace_rows_session(rows, name->text, name->length, &parent->session);
    parent->continued = true;
    *session = parent->session;
    return status;
}

enum status chat_sessions_end_row(struct trace_rows *rows, uint32_t *session)
{
    const struct trace_name *name = &rows->chats->chat;
    struct chat *chat;
    if (*session != 0) /* it has said so itself */
        return SIM_OK;
    enum status status = rows->chats->parent.text ? continue_parent(rows, session) : SIM_OK;
    if (status != SIM_OK || !name->text)
        return status;
    status = find(rows, name, &chat);
    if (status == SIM_OK && *session == 0 && chat->session == 0)
        status = trace_rows_session(rows, name->text, name->length, &chat->session);
    if (status == SIM_OK && *session == 0)
        *session = chat->session;
    if (status == SIM_OK)
        chat->session = *session;
    return status;
}

void chat_sessions_deinit(struct chat_sessions *chats)
{
    session_names_deinit(&chats->names);
    free(chats->chats);
    *chats = (struct chat_sessions){0};
}
