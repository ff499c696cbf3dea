/* reader_json_formats.c - small formats of an object a line: LLMServingSim and aibrix.
 *
 * Each has a quick reader and a strict one (json_values.h), which say the same in the same order. Read the tables at the end first. */
#include <string.h>

#include "base/json_walk.h"
#include "base/text_parts.h"
#include "trace/json_fields.h"
#include "trace/json_quick.h"
#include "trace/json_values.h"
#include "trace/trace_reader.h"

/* --- LLMServingSim ------------------------------------------------------------------------------------------------------------------ */

/* A list of ids and how many it has, which is not 0 for a prompt or an answer. */
static const char *take_ids(const char *at, const char *end, struct trace_rows *rows, size_t *count)
{
    const size_t before = rows->hash_count;
    at = json_quick_ids(at, end, rows);
    *count = rows->hash_count - before;
    return *count > 0 ? at : NULL;
}

/* Times in whole nanoseconds. Answers' ids that come before those of their prompt are left to the strict reader. */
static const char *llmservingsim_quickly(struct trace_rows *rows, const char *at, const char *end)
{
    struct json_members members;
    struct trace_row row = TRACE_ROW_DEFAULT;
    size_t prompt_ids = 0, answer_ids = 0;
    uint64_t ns;
    for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at)) {
        if (JSON_WALK_IS(members, "input_toks"))
            at = json_quick_count(at, TRACE_MAX_TOKENS, &row.input_tokens);
        else if (JSON_WALK_IS(members, "output_toks"))
            at = json_quick_count(at, TRACE_MAX_TOKENS, &row.output_tokens);
        else if (JSON_WALK_IS(members, "input_tok_ids"))
            at = answer_ids == 0 ? take_ids(at, end, rows, &prompt_ids) : NULL;
        else if (JSON_WALK_IS(members, "output_tok_ids"))
            at = prompt_ids > 0 ? take_ids(at, end, rows, &answer_ids) : NULL;
        else if (JSON_WALK_IS(members, "arrival_time_ns") && rows->source->facts.time_unit_ns == 1) {
            at = json_quick_integer(at, &ns);
            row.arrival_ns = at ? (int64_t)ns : 0;
        } else if (JSON_WALK_IS(members, "arrival_time_ns"))
            at = json_quick_time(at, rows->source->facts.time_unit_ns, &row.arrival_ns);
        else
            at = json_walk_value(at, end);
    }
    const bool right = at && row.input_tokens > 0 && row.output_tokens > 0 && (prompt_ids == 0 || prompt_ids == row.input_tokens) &&
                       (answer_ids == 0 || answer_ids == row.output_tokens);
    return right && trace_rows_add(rows, &row) == SIM_OK ? at : NULL;
}

/* Ids of tokens are hash ids of one token, those of the answer after those of the prompt. */
static enum status put_token_ids(const struct json_document *document, const char *name, uint32_t count, struct trace_rows *rows)
{
    const cJSON *list = json_member(document->root, name);
    uint64_t id;
    if (!cJSON_IsArray(list) || (uint32_t)cJSON_GetArraySize(list) != count)
        return json_error(document, list ? list : document->root, false, &rows->diag, "%s must be a list of %u token ids, one a token",
                          name, count);
    for (const cJSON *item = list->child; item; item = item->next) {
        if (!json_uint64(document, item, &id) || id > INT64_MAX)
            return json_error(document, item, false, &rows->diag, "a token id must be an integer from 0 on");
        if (trace_rows_put_hash(rows, id) != SIM_OK)
            return rows->diag.status;
    }
    return SIM_OK;
}

static enum status llmservingsim_strictly(struct trace_rows *rows, const struct json_document *document)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    const cJSON *root = document->root, *time = json_member(root, "arrival_time_ns");
    enum status status = json_tokens_read(document, root, "input_toks", &row.input_tokens, &rows->diag);
    if (status == SIM_OK)
        status = json_tokens_read(document, root, "output_toks", &row.output_tokens, &rows->diag);
    if (status == SIM_OK && time)
        status = json_time_read(document, time, "arrival_time_ns", rows, &row.arrival_ns);
    if (status == SIM_OK && json_member(root, "input_tok_ids"))
        status = put_token_ids(document, "input_tok_ids", row.input_tokens, rows);
    if (status == SIM_OK && json_member(root, "input_tok_ids") && json_member(root, "output_tok_ids"))
        status = put_token_ids(document, "output_tok_ids", row.output_tokens, rows);
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

static void read_llmservingsim(struct trace_rows *rows)
{
    static const struct json_value_reader reader = {llmservingsim_quickly, llmservingsim_strictly};
    json_values_read_lines(rows, &reader);
}

static bool recognises_llmservingsim(const struct trace_head *head)
{
    return head->text[0] == '{' && text_holds(head->text, head->line_length, "\"input_toks\"");
}

/* --- aibrix ------------------------------------------------------------------------------------------------------------------------- */

/* A request of a tick. */
static const char *request_quickly(struct trace_rows *rows, const char *at, const char *end, struct trace_row row)
{
    struct json_members members;
    for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at)) {
        uint32_t *count = NULL;
        if (JSON_WALK_IS(members, "Prompt Length") || JSON_WALK_IS(members, "prompt_length"))
            count = &row.input_tokens;
        else if (JSON_WALK_IS(members, "Output Length") || JSON_WALK_IS(members, "output_length"))
            count = &row.output_tokens;
        if (!count)
            at = json_walk_value(at, end);
        else
            at = *count == 0 ? json_quick_count(at, TRACE_MAX_TOKENS, count) : NULL; /* by two names */
    }
    return at && row.input_tokens > 0 && row.output_tokens > 0 && trace_rows_add(rows, &row) == SIM_OK ? at : NULL;
}

static const char *requests_quickly(struct trace_rows *rows, const char *at, const char *end, const struct trace_row *tick)
{
    bool more;
    for (at = json_walk_first_item(at, end, &more); at && more; at = json_walk_next_item(at, end, &more))
        at = request_quickly(rows, at, end, *tick);
    return at;
}

/* Requests in front of their time are passed over and read when the time is known. */
static const char *tick_quickly(struct trace_rows *rows, const char *at, const char *end)
{
    struct json_members members;
    struct trace_row tick = TRACE_ROW_DEFAULT;
    const char *later = NULL;
    bool any = false;
    for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at)) {
        if (JSON_WALK_IS(members, "timestamp"))
            at = json_quick_time(at, rows->source->facts.time_unit_ns, &tick.arrival_ns);
        else if (JSON_WALK_IS(members, "requests")) {
            any = true;
            later = tick.arrival_ns == TRACE_NO_TIME ? at : NULL;
            at = later ? json_walk_value(at, end) : requests_quickly(rows, at, end, &tick);
        } else
            at = json_walk_value(at, end);
    }
    if (!at || !any || (later && !requests_quickly(rows, later, end, &tick)))
        return NULL;
    return at;
}

static enum status read_request(const struct json_document *document, const cJSON *item, struct trace_rows *rows, struct trace_row row)
{
    const bool small = json_member(item, "prompt_length"), small_output = json_member(item, "output_length");
    enum status status = json_tokens_read(document, item, small ? "prompt_length" : "Prompt Length", &row.input_tokens, &rows->diag);
    if (status == SIM_OK)
        status = json_tokens_read(document, item, small_output ? "output_length" : "Output Length", &row.output_tokens, &rows->diag);
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

/* A request that is wrong does not take the rest of its tick with it. */
static enum status tick_strictly(struct trace_rows *rows, const struct json_document *document)
{
    const cJSON *time = json_member(document->root, "timestamp"), *list = json_member(document->root, "requests");
    struct trace_row tick = TRACE_ROW_DEFAULT;
    const size_t line = rows->line;
    if (!cJSON_IsArray(list))
        return json_error(document, document->root, false, &rows->diag, "a tick needs \"requests\", a list");
    enum status status = time ? json_time_read(document, time, "timestamp", rows, &tick.arrival_ns) : SIM_OK;
    for (const cJSON *item = list->child; item && status == SIM_OK; item = item->next) {
        rows->status = read_request(document, item, rows, tick);
        status = trace_rows_skip(rows, line);
    }
    return status;
}

static void read_aibrix(struct trace_rows *rows)
{
    static const struct json_value_reader reader = {tick_quickly, tick_strictly};
    json_values_read_lines(rows, &reader);
}

static bool recognises_aibrix(const struct trace_head *head)
{
    return head->text[0] == '{' && text_holds(head->text, head->line_length, "\"requests\"") &&
           (text_holds(head->text, head->line_length, "\"Prompt Length\"") || text_holds(head->text, head->line_length, "\"timestamp\""));
}

/* --- the formats --------------------------------------------------------------------------------------------------------------------- */

const struct trace_reader trace_reader_llmservingsim = {
    .name = "llmservingsim",
    .summary = "LLMServingSim: nanoseconds and token ids (JSONL)",
    .sign = "an LLMServingSim line has input_toks",
    .recognises = recognises_llmservingsim,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1, .tokens_per_hash_id = 1, .ids_cover_answers = true},
    .read_piece = read_llmservingsim,
};

const struct trace_reader trace_reader_aibrix = {
    .name = "aibrix",
    .summary = "aibrix: a tick in milliseconds with a list of requests (JSONL)",
    .sign = "an aibrix line has requests",
    .recognises = recognises_aibrix,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e6},
    .read_piece = read_aibrix,
};
