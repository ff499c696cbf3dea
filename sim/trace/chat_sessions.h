/* chat_sessions.h - sessions of traces whose rows name themselves (chat_id) and the row that they continue (parent_chat_id), as Qwen-Bailian's.
 *
 * A session is a line of turns, called by the chat_id of its first one. A row that continues a row which another has continued before is a
 * branch, and starts a session of its own: it needs its parent's end, which is past, and nothing of the other branch.
 *
 *     1 -- 2 -- 4        rows 1, 2, 4 are session 1
 *      \
 *       3 -- 5           rows 3, 5 are session 3: 1 had been continued when 3 came
 *
 * A parent that the file does not have (yet) is the first turn of its session all the same. A chat_id that comes again without a parent is a
 * further turn of its session. Rows come in file order, so the file must be one piece (trace_reader.one_piece). Zero it first.
 */
#ifndef PAGESIM_CHAT_SESSIONS_H
#define PAGESIM_CHAT_SESSIONS_H

#include "trace/json_fields.h"
#include "trace/trace_rows.h"

struct chat {
    uint32_t session; /* in the rows; 0: not known yet */
    bool continued;
};

struct chat_sessions {
    struct trace_name chat, parent;   /* of the row that is being read; text NULL: it does not say, or has none */
    char digits[2][JSON_NAME_DIGITS]; /* what these point to, where the document's text does not do */
    struct session_names names;       /* chats to numbers */
    struct chat *chats;               /* of number n: chats[n - 1] */
    size_t count, capacity;
};

/* Forget the names of the row before. */
void chat_sessions_begin_row(struct chat_sessions *chats);

/* The strict reading of chat_id, or of parent_chat_id: a string, or an integer; -1, null and "" are none. Goes to rows->chats and holds while
 * the document is open. */
SIM_NODISCARD enum status chat_sessions_read(const struct json_document *document, const cJSON *node, bool parent, struct trace_rows *rows);

/* The row is read: the number of its session, if it has a name or a parent. SIM_FAILED: out of memory. */
SIM_NODISCARD enum status chat_sessions_end_row(struct trace_rows *rows, uint32_t *session);

void chat_sessions_deinit(struct chat_sessions *chats);

#endif
