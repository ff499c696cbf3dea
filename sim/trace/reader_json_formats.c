/* reader_json_formats.c - JSON of other tools: LLMServingSim, aibrix, results of `vllm bench serve` and SGLang's benchmark, ShareGPT.
 *
 * All go through json.h, which knows where everything stands. A format is a function from one JSON value to rows; read_lines or read_whole
 * finds the values. Read the tables at the end first. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "trace/trace_reader.h"

typedef enum status (*row_maker)(const struct json_document *document, struct trace_rows *rows);

/* --- parts that formats share ------------------------------------------------------------------------------------------------------ */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* A count of tokens from 1 on. */
static enum status take_tokens(const struct json_document *document, const cJSON *object, const char *name, uint32_t *out,
                               struct diag *diag)
{
    const cJSON *node = member(object, name);
    uint64_t value;
    if (!node)
        return json_error(document, object, false, diag, "there is no \"%s\"", name);
    if (!json_uint64(document, node, &value) || value < 1 || value > TRACE_MAX_TOKENS)
        return json_error(document, node, false, diag, "%s must be an integer from 1 to %d", name, TRACE_MAX_TOKENS);
    *out = (uint32_t)value;
    return SIM_OK;
}

/* Whole nanoseconds are exact in all 64 bits; other units go through doubles. */
static enum status take_time(const struct json_document *document, const cJSON *node, const char *name, struct trace_rows *rows,
                             int64_t *ns)
{
    uint64_t whole;
    if (rows->source->facts.time_unit_ns == 1 && json_uint64(document, node, &whole) && whole < INT64_MAX) {
        *ns = (int64_t)whole;
        return SIM_OK;
    }
    if (cJSON_IsNumber(node) && trace_time_to_ns(node->valuedouble, rows->source->facts.time_unit_ns, ns))
        return SIM_OK;
    return json_error(document, node, false, &rows->diag, "%s must be a time from 0 on, within 285 years", name);
}

/* One value; its rows are taken back if it is wrong, as for a reader of lines. */
static enum status read_value(struct trace_rows *rows, row_maker make, const char *text, size_t length, size_t line_number)
{
    struct json_document document;
    const size_t hashes = rows->hash_count, count = rows->count;
    rows->line = line_number;
    rows->status = json_open(rows->source->name, line_number, text, length, &document, &rows->diag);
    if (rows->status == SIM_OK) {
        rows->status = make(&document, rows);
        json_close(&document);
    }
    if (rows->status == SIM_BAD_INPUT) {
        rows->hash_count = hashes;
        rows->count = count;
        rows->status = trace_rows_skip(rows, line_number);
    }
    return rows->status;
}

static void read_lines(struct trace_rows *rows, row_maker make)
{
    const char *end = rows->text + rows->length;
    size_t line_number = rows->first_line;
    for (rows->at = rows->text; rows->at < end && rows->status == SIM_OK; line_number++) {
        const char *stop = memchr(rows->at, '\n', (size_t)(end - rows->at));
        const size_t length = (size_t)((stop ? stop : end) - rows->at);
        if (strspn(rows->at, " \t\r") < length)
            rows->status = read_value(rows, make, rows->at, length, line_number);
        rows->at = stop ? stop + 1 : end;
    }
}

/* --- LLMServingSim ------------------------------------------------------------------------------------------------------------------ */

/* Ids of tokens are hash ids of one token, those of the answer after those of the prompt. */
static enum status put_token_ids(const struct json_document *document, const char *name, uint32_t count, struct trace_rows *rows)
{
    const cJSON *list = member(document->root, name);
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

static enum status make_llmservingsim(const struct json_document *document, struct trace_rows *rows)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    const cJSON *root = document->root, *time = member(root, "arrival_time_ns");
    enum status status = take_tokens(document, root, "input_toks", &row.input_tokens, &rows->diag);
    if (status == SIM_OK)
        status = take_tokens(document, root, "output_toks", &row.output_tokens, &rows->diag);
    if (status == SIM_OK && time)
        status = take_time(document, time, "arrival_time_ns", rows, &row.arrival_ns);
    if (status == SIM_OK && member(root, "input_tok_ids"))
        status = put_token_ids(document, "input_tok_ids", row.input_tokens, rows);
    if (status == SIM_OK && member(root, "input_tok_ids") && member(root, "output_tok_ids"))
        status = put_token_ids(document, "output_tok_ids", row.output_tokens, rows);
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

static void read_llmservingsim(struct trace_rows *rows)
{
    read_lines(rows, make_llmservingsim);
}

static bool recognises_llmservingsim(const struct trace_head *head)
{
    return head->text[0] == '{' && memmem(head->text, head->line_length, "\"input_toks\"", 12);
}

/* --- aibrix ------------------------------------------------------------------------------------------------------------------------- */

/* A tick with the requests that come at it. */
static enum status make_aibrix(const struct json_document *document, struct trace_rows *rows)
{
    const cJSON *root = document->root, *time = member(root, "timestamp"), *requests = member(root, "requests");
    struct trace_row row = TRACE_ROW_DEFAULT;
    if (!cJSON_IsArray(requests))
        return json_error(document, root, false, &rows->diag, "a tick needs \"requests\", a list");
    enum status status = time ? take_time(document, time, "timestamp", rows, &row.arrival_ns) : SIM_OK;
    for (const cJSON *item = requests->child; item && status == SIM_OK; item = item->next) {
        status =
            take_tokens(document, item, member(item, "prompt_length") ? "prompt_length" : "Prompt Length", &row.input_tokens, &rows->diag);
        if (status == SIM_OK)
            status = take_tokens(document, item, member(item, "output_length") ? "output_length" : "Output Length", &row.output_tokens,
                                 &rows->diag);
        if (status == SIM_OK)
            status = trace_rows_add(rows, &row);
    }
    return status;
}

static void read_aibrix(struct trace_rows *rows)
{
    read_lines(rows, make_aibrix);
}

static bool recognises_aibrix(const struct trace_head *head)
{
    return head->text[0] == '{' && memmem(head->text, head->line_length, "\"requests\"", 10) &&
           (memmem(head->text, head->line_length, "\"Prompt Length\"", 15) || memmem(head->text, head->line_length, "\"timestamp\"", 11));
}

/* --- results of vLLM's and SGLang's benchmarks ----------------------------------------------------------------------------------------- */

/* The i-th request is the i-th item of each list. A call that failed has an error or generated nothing: no request that a server served. */
static enum status add_call(const struct json_document *document, const cJSON *input, const cJSON *output, const cJSON *start,
                            const cJSON *error, struct trace_rows *rows)
{
    uint64_t tokens = 0, generated = 0;
    struct trace_row row = TRACE_ROW_DEFAULT;
    const char *text = cJSON_GetStringValue(error);
    if (!json_uint64(document, input, &tokens) || tokens < 1 || tokens > TRACE_MAX_TOKENS)
        return json_error(document, input, false, &rows->diag, "a prompt must have from 1 to %d tokens", TRACE_MAX_TOKENS);
    if (!json_uint64(document, output, &generated) || generated < 1 || generated > TRACE_MAX_TOKENS || (text && *text))
        return json_error(document, output, false, &rows->diag, "the call failed%s%s; --skip-invalid leaves such calls out",
                          text && *text ? ": " : " and generated nothing", text ? text : "");
    enum status status = start ? take_time(document, start, "a start time", rows, &row.arrival_ns) : SIM_OK;
    row.input_tokens = (uint32_t)tokens;
    row.output_tokens = (uint32_t)generated;
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

/* The list of this name with as many items as there are calls; NULL if there is none. */
static enum status find_list(const struct json_document *document, const char *name, bool needed, int count, const cJSON **out,
                             struct diag *diag)
{
    const cJSON *list = member(document->root, name);
    *out = NULL;
    if (!list && !needed)
        return SIM_OK;
    if (!cJSON_IsArray(list) || (count >= 0 && cJSON_GetArraySize(list) != count))
        return json_error(document, list ? list : document->root, false, diag,
                          "\"%s\" must be a list with an item a request; save the result with its details", name);
    *out = list->child;
    return SIM_OK;
}

static enum status make_bench_result(const struct json_document *document, struct trace_rows *rows)
{
    const cJSON *inputs, *outputs = NULL, *starts = NULL, *errors = NULL;
    const size_t line = rows->line;
    enum status status = find_list(document, "input_lens", true, -1, &inputs, &rows->diag);
    const int count = cJSON_GetArraySize(member(document->root, "input_lens"));
    if (status == SIM_OK)
        status = find_list(document, "output_lens", true, count, &outputs, &rows->diag);
    if (status == SIM_OK)
        status = find_list(document, "start_times", false, count, &starts, &rows->diag);
    if (status == SIM_OK)
        status = find_list(document, "errors", false, count, &errors, &rows->diag);
    while (status == SIM_OK && inputs) {
        rows->status = add_call(document, inputs, outputs, starts, errors, rows);
        status = trace_rows_skip(rows, line); /* one call, not the whole result */
        inputs = inputs->next;
        outputs = outputs->next;
        starts = starts ? starts->next : NULL;
        errors = errors ? errors->next : NULL;
    }
    return status;
}

/* vLLM saves one object, which may go over several lines; SGLang appends a line a run. */
static void read_bench_result(struct trace_rows *rows)
{
    const char *stop = memchr(rows->text, '\n', rows->length);
    const bool lines = stop && memchr(rows->text, '{', (size_t)(stop - rows->text)) && stop > rows->text && stop[-1] == '}';
    rows->at = rows->text;
    if (lines)
        read_lines(rows, make_bench_result);
    else
        (void)!read_value(rows, make_bench_result, rows->text, rows->length, rows->first_line); /* rows->status has it */
}

static bool recognises_bench_result(const struct trace_head *head)
{
    return head->text[0] == '{' && memmem(head->text, head->length, "\"input_lens\"", 12) &&
           memmem(head->text, head->length, "\"output_lens\"", 13);
}

/* --- ShareGPT ----------------------------------------------------------------------------------------------------------------------- */

#define TEXT_RULE "lengths are estimated from texts: one token for 4 bytes, rounded up"

static uint64_t tokens_of_text(const cJSON *value)
{
    return (strlen(value->valuestring) + 3) / 4;
}

/* An answer is a request: its prompt is everything said before it. A conversation is a session, without times. */
static enum status make_conversation(const struct json_document *document, const cJSON *conversation, struct trace_rows *rows)
{
    const cJSON *turns = member(conversation, "conversations"), *name = member(conversation, "id");
    uint64_t said = 0;
    struct trace_row row = TRACE_ROW_DEFAULT;
    char number[32];
    if (!cJSON_IsArray(turns))
        return json_error(document, conversation, false, &rows->diag, "a conversation needs \"conversations\", a list of turns");
    snprintf(number, sizeof number, "#%zu", rows->count);
    const char *id = cJSON_GetStringValue(name) ? cJSON_GetStringValue(name) : number;
    enum status status = trace_rows_session(rows, id, strlen(id), &row.session);
    for (const cJSON *turn = turns->child; turn && status == SIM_OK; turn = turn->next) {
        const char *from = cJSON_GetStringValue(member(turn, "from"));
        const cJSON *value = member(turn, "value");
        if (!from || !cJSON_IsString(value))
            return json_error(document, turn, false, &rows->diag, "a turn needs \"from\" and \"value\", two strings");
        const uint64_t tokens = tokens_of_text(value);
        if (said + tokens > TRACE_MAX_TOKENS)
            return json_error(document, turn, false, &rows->diag, "a conversation of more than %d tokens", TRACE_MAX_TOKENS);
        if ((strcmp(from, "gpt") == 0 || strcmp(from, "assistant") == 0) && said > 0 && tokens > 0) {
            row.input_tokens = (uint32_t)said;
            row.output_tokens = (uint32_t)tokens;
            status = trace_rows_add(rows, &row);
        }
        said += tokens;
    }
    return status;
}

static enum status make_sharegpt(const struct json_document *document, struct trace_rows *rows)
{
    enum status status = SIM_OK;
    if (!cJSON_IsArray(document->root))
        return json_error(document, document->root, false, &rows->diag, "ShareGPT is a list of conversations");
    for (const cJSON *item = document->root->child; item && status == SIM_OK; item = item->next)
        status = make_conversation(document, item, rows);
    trace_note(&rows->trace, TEXT_RULE);
    return status;
}

static void read_sharegpt(struct trace_rows *rows)
{
    rows->at = rows->text;
    (void)!read_value(rows, make_sharegpt, rows->text, rows->length, rows->first_line); /* rows->status has it */
}

static bool recognises_sharegpt(const struct trace_head *head)
{
    return head->text[0] == '[' && memmem(head->text, head->length, "\"conversations\"", 15);
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
    .whole_file = true, /* several rows a line */
};

const struct trace_reader trace_reader_bench_result = {
    .name = "bench-result",
    .summary = "a detailed result of `vllm bench serve` or of SGLang's benchmark (JSON)",
    .sign = "a benchmark's result has input_lens",
    .recognises = recognises_bench_result,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e9},
    .read_piece = read_bench_result,
    .whole_file = true,
};

const struct trace_reader trace_reader_sharegpt = {
    .name = "sharegpt",
    .summary = "ShareGPT conversations: text and turns, no times (JSON)",
    .sign = "ShareGPT is an array with conversations",
    .recognises = recognises_sharegpt,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e6},
    .read_piece = read_sharegpt,
    .whole_file = true,
};
