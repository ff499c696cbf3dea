/* reader_json_columns.c - any JSONL, by the names that --columns gives. A name may go into objects: usage.prompt_tokens. A member of exactly
 * that name comes first. Not in the list of formats, as only --columns asks for it. Read the strict half first: it says what holds. */
#include <string.h>

#include "base/json_walk.h"
#include "trace/json_fields.h"
#include "trace/json_quick.h"
#include "trace/json_values.h"
#include "trace/trace_reader.h"

static const enum json_field fields[TRACE_FIELDS] = {
    [TRACE_FIELD_ARRIVAL] = JSON_FIELD_TIMESTAMP,    [TRACE_FIELD_INPUT] = JSON_FIELD_INPUT,       [TRACE_FIELD_OUTPUT] = JSON_FIELD_OUTPUT,
    [TRACE_FIELD_HASH_IDS] = JSON_FIELD_HASH_IDS,    [TRACE_FIELD_PRIORITY] = JSON_FIELD_PRIORITY, [TRACE_FIELD_N] = JSON_FIELD_SAMPLES,
    [TRACE_FIELD_BEAM_WIDTH] = JSON_FIELD_BEAM,      [TRACE_FIELD_SESSION] = JSON_FIELD_SESSION,   [TRACE_FIELD_DELAY] = JSON_FIELD_DELAY,
    [TRACE_FIELD_FINISH_REASON] = JSON_FIELD_FINISH, [TRACE_FIELD_TENANT] = JSON_FIELD_TENANT,
};

/* --- strictly ----------------------------------------------------------------------------------------------------------------------- */

/* What is left of a name after a member's name: "" if that is all of it, the part after a dot if it may go on in the member, else NULL. */
static const char *rest_of(const char *name, const char *member, size_t length)
{
    if (*name != *member || strncmp(name, member, length) != 0)
        return NULL;
    return name[length] == '.' ? name + length + 1 : name[length] == '\0' ? name + length : NULL;
}

/* The member of exactly this name, else what the first object that the name may go on in has. */
static const cJSON *find(const cJSON *object, const char *name)
{
    const cJSON *found = json_member(object, name);
    for (const cJSON *inner = object->child; inner && !found; inner = inner->next) {
        const char *rest = cJSON_IsObject(inner) ? rest_of(name, inner->string, strlen(inner->string)) : NULL;
        if (rest && *rest)
            found = find(inner, rest);
    }
    return found;
}

/* Members of the row itself that no name is about. */
static void list_ignored(struct trace_rows *rows, const cJSON *root)
{
    const char *const *names = rows->source->selection->columns->of;
    for (const cJSON *node = root->child; node; node = node->next) {
        bool used = false;
        for (int field = 0; field < TRACE_FIELDS; field++)
            used |= names[field] && rest_of(names[field], node->string, strlen(node->string));
        if (!used)
            trace_rows_ignore(rows, node->string);
    }
}

/* A value that is null is not there. Only a prompt must be. */
static enum status object_strictly(struct trace_rows *rows, const struct json_document *document)
{
    const char *const *names = rows->source->selection->columns->of;
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (!cJSON_IsObject(document->root))
        return json_error(document, document->root, false, &rows->diag, "with --columns a line must be a JSON object");
    for (int field = 0; field < TRACE_FIELDS; field++) {
        const cJSON *node = names[field] ? find(document->root, names[field]) : NULL;
        if (field == TRACE_FIELD_INPUT && (!node || cJSON_IsNull(node)))
            return json_error(document, node ? node : document->root, false, &rows->diag,
                              "the request has no \"%s\", which --columns names", names[field]);
        if (!node || cJSON_IsNull(node))
            continue;
        enum status status = json_field_read(document, node, fields[field], names[field], rows, &row);
        if (status != SIM_OK)
            return status;
    }
    list_ignored(rows, document->root);
    return trace_rows_add(rows, &row);
}

/* --- quickly ------------------------------------------------------------------------------------------------------------------------ */

/* What is left of the names in an object that is gone through; NULL: that name is not about it. */
struct names {
    const char *of[TRACE_FIELDS];
};

struct request {
    struct trace_rows *rows;
    struct trace_row row;
    const char *end;
    unsigned seen; /* a bit a field; a second value is left to the strict reader, which knows which comes first */
};

/* The value at `at` is that of the fields in `found`. Several may have one column. */
static const char *take_fields(const char *at, struct request *request, unsigned found)
{
    const char *stop = NULL;
    if (request->seen & found)
        return NULL;
    request->seen |= found;
    for (int field = 0; field < TRACE_FIELDS; field++) {
        if (!(found >> field & 1))
            continue;
        if (memcmp(at, "null", 4) == 0)
            stop = field == TRACE_FIELD_INPUT ? NULL : at + 4;
        else
            stop = json_quick_field(at, request->end, request->rows, &request->row, fields[field]);
        if (!stop)
            return NULL;
    }
    return stop;
}

/* Names that end with the member, as bits; those that go on in it to *inside. */
static unsigned match(const struct json_members *members, const struct names *names, struct names *inside, bool *any_inside)
{
    unsigned found = 0;
    *any_inside = false;
    for (int field = 0; field < TRACE_FIELDS; field++) {
        const char *rest = names->of[field] ? rest_of(names->of[field], members->name, members->length) : NULL;
        inside->of[field] = rest && *rest ? rest : NULL;
        *any_inside |= inside->of[field] != NULL;
        if (rest && !*rest)
            found |= 1u << field;
    }
    return found;
}

/* A member that no name is about. Names beyond those that are known again are listed as the strict reader lists them. */
static void ignore(struct trace_rows *rows, const struct json_members *members)
{
    char text[sizeof rows->trace.ignored_fields];
    if (trace_rows_ignore_again(rows, members->name, members->length) >= 0 || members->length >= sizeof text)
        return;
    memcpy(text, members->name, members->length);
    text[members->length] = '\0';
    trace_rows_ignore(rows, text);
}

/* An object at this depth: deeper names are left to the strict reader. */
static const char *take_object(const char *at, struct request *request, const struct names *names, int depth)
{
    enum { DEEPEST = 8 };
    struct json_members members;
    struct names inside;
    bool any_inside;
    for (at = json_walk_first(&members, at, request->end); at && members.name; at = json_walk_next(&members, at)) {
        const unsigned found = match(&members, names, &inside, &any_inside);
        if (found && any_inside)
            return NULL;
        if (found)
            at = take_fields(at, request, found);
        else if (any_inside && *at == '{')
            at = depth < DEEPEST ? take_object(at, request, &inside, depth + 1) : NULL;
        else {
            if (depth == 0 && !any_inside)
                ignore(request->rows, &members);
            at = json_walk_value(at, request->end);
        }
    }
    return at;
}

static const char *object_quickly(struct trace_rows *rows, const char *at, const char *end)
{
    struct request request = {.rows = rows, .row = TRACE_ROW_DEFAULT, .end = end};
    struct names names;
    memcpy(names.of, rows->source->selection->columns->of, sizeof names.of);
    at = take_object(at, &request, &names, 0);
    return at && (request.seen & 1u << TRACE_FIELD_INPUT) && trace_rows_add(rows, &request.row) == SIM_OK ? at : NULL;
}

/* --- the format --------------------------------------------------------------------------------------------------------------------- */

static void read_piece(struct trace_rows *rows)
{
    static const struct json_value_reader reader = {object_quickly, object_strictly};
    json_values_read_lines(rows, &reader);
}

/* Times count from the earliest, as nobody knows where they start. */
const struct trace_reader trace_reader_jsonl_columns = {
    .name = "jsonl-columns",
    .summary = "any JSONL, by the names that --columns gives",
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e6},
    .read_piece = read_piece,
};
