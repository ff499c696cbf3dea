/* reader_bench_result.c - what `vllm bench serve --save-result --save-detailed` and SGLang's benchmark with --output-details save, as a trace:
 * an object a run, with a list for each property of its requests. The i-th request is the i-th item of each list.
 *
 * vLLM saves one object, which may go over several lines, with start times in seconds of some clock; SGLang appends a line a run and saves no
 * times, so its rows wait for a rate. Texts and times between tokens are most of such a file and are passed over. */
#include <string.h>

#include "base/json_scan.h"
#include "base/json_walk.h"
#include "trace/json_fields.h"
#include "trace/json_quick.h"
#include "trace/json_values.h"
#include "trace/trace_reader.h"

enum list { LIST_INPUT, LIST_OUTPUT, LIST_START, LIST_ERRORS, LISTS };
static const char *const list_names[LISTS] = {"input_lens", "output_lens", "start_times", "errors"};

/* --- quickly ------------------------------------------------------------------------------------------------------------------------ */

/* A place in each list, NULL where the run has none. */
struct cursors {
    const char *at[LISTS], *end;
    bool more[LISTS];
};

static const char *find_lists(const char *at, const char *end, struct cursors *cursors)
{
    struct json_members members;
    for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at)) {
        for (int list = 0; list < LISTS; list++)
            if (members.length == strlen(list_names[list]) && memcmp(members.name, list_names[list], members.length) == 0)
                cursors->at[list] = at;
        at = json_walk_value(at, end);
    }
    return at;
}

/* The item at a list's cursor. A call with an error is left to the strict reader. */
static const char *take_item(const char *at, enum list list, double unit_ns, struct trace_row *row)
{
    switch (list) {
    case LIST_INPUT:
        return json_quick_count(at, TRACE_MAX_TOKENS, &row->input_tokens);
    case LIST_OUTPUT:
        return json_quick_count(at, TRACE_MAX_TOKENS, &row->output_tokens);
    case LIST_START:
        return json_quick_time(at, unit_ns, &row->arrival_ns);
    default:
        return memcmp(at, "\"\"", 2) == 0 ? at + 2 : memcmp(at, "null", 4) == 0 ? at + 4 : NULL;
    }
}

/* A request from all lists; false: not understood, or one list is shorter than another. */
static bool take_call(struct trace_rows *rows, struct cursors *cursors)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    for (enum list list = 0; list < LISTS; list++) {
        if (!cursors->at[list])
            continue;
        if (!cursors->more[list])
            return false;
        const char *at = take_item(cursors->at[list], list, rows->source->facts.time_unit_ns, &row);
        cursors->at[list] = json_walk_next_item(at, cursors->end, &cursors->more[list]);
        if (!cursors->at[list])
            return false;
    }
    return trace_rows_add(rows, &row) == SIM_OK;
}

static const char *run_quickly(struct trace_rows *rows, const char *at, const char *end)
{
    struct cursors cursors = {.end = end};
    at = find_lists(at, end, &cursors);
    if (!at || !cursors.at[LIST_INPUT] || !cursors.at[LIST_OUTPUT])
        return NULL;
    for (int list = 0; list < LISTS; list++)
        if (cursors.at[list]) {
            cursors.at[list] = json_walk_first_item(cursors.at[list], end, &cursors.more[list]);
            if (!cursors.at[list])
                return NULL;
        }
    while (cursors.more[LIST_INPUT])
        if (!take_call(rows, &cursors))
            return NULL;
    for (int list = 0; list < LISTS; list++)
        if (cursors.more[list])
            return NULL;
    return at;
}

/* --- strictly ----------------------------------------------------------------------------------------------------------------------- */

/* A call that failed has an error or generated nothing: no request that a server served. */
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
    enum status status = start ? json_time_read(document, start, "a start time", rows, &row.arrival_ns) : SIM_OK;
    row.input_tokens = (uint32_t)tokens;
    row.output_tokens = (uint32_t)generated;
    return status == SIM_OK ? trace_rows_add(rows, &row) : status;
}

/* The list of this name with as many items as there are calls; NULL if there is none. */
static enum status find_list(const struct json_document *document, const char *name, bool needed, int count, const cJSON **out,
                             struct diag *diag)
{
    const cJSON *list = json_member(document->root, name);
    *out = NULL;
    if (!list && !needed)
        return SIM_OK;
    if (!list || !cJSON_IsArray(list) || (count >= 0 && cJSON_GetArraySize(list) != count))
        return json_error(document, list ? list : document->root, false, diag,
                          "\"%s\" must be a list with an item a request; save the result with its details", name);
    *out = list->child;
    return SIM_OK;
}

static enum status run_strictly(struct trace_rows *rows, const struct json_document *document)
{
    const cJSON *inputs, *outputs = NULL, *starts = NULL, *errors = NULL;
    const size_t line = rows->line;
    enum status status = find_list(document, list_names[LIST_INPUT], true, -1, &inputs, &rows->diag);
    const int count = cJSON_GetArraySize(json_member(document->root, list_names[LIST_INPUT]));
    if (status == SIM_OK)
        status = find_list(document, list_names[LIST_OUTPUT], true, count, &outputs, &rows->diag);
    if (status == SIM_OK)
        status = find_list(document, list_names[LIST_START], false, count, &starts, &rows->diag);
    if (status == SIM_OK)
        status = find_list(document, list_names[LIST_ERRORS], false, count, &errors, &rows->diag);
    while (status == SIM_OK && inputs && outputs) { /* as many of either */
        rows->status = add_call(document, inputs, outputs, starts, errors, rows);
        status = trace_rows_skip(rows, line); /* one call, not the whole result */
        inputs = inputs->next;
        outputs = outputs->next;
        starts = starts ? starts->next : NULL;
        errors = errors ? errors->next : NULL;
    }
    return status;
}

/* --- the format --------------------------------------------------------------------------------------------------------------------- */

/* One object over several lines, or one a line: then the first line ends with it. */
static void read_piece(struct trace_rows *rows)
{
    static const struct json_value_reader reader = {run_quickly, run_strictly};
    const char *end = rows->text + rows->length, *at = json_skip_blanks(rows->text, end);
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
        stop--;
    if (stop > at && stop[-1] == '}')
        json_values_read_lines(rows, &reader);
    else
        json_values_read_one(rows, &reader);
}

/* The object may be printed over many lines. */
static bool recognises(const struct trace_head *head)
{
    const char *end = head->text + head->length;
    return json_object_has(head->text, end, "input_lens") && json_object_has(head->text, end, "output_lens");
}

const struct trace_reader trace_reader_bench_result = {
    .name = "bench-result",
    .summary = "a detailed result of `vllm bench serve` or of SGLang's benchmark (JSON)",
    .sign = "a benchmark's result has input_lens",
    .recognises = recognises,
    .facts = {.times = TRACE_TIMES_FROM_FIRST, .time_unit_ns = 1e9},
    .read_piece = read_piece,
    .whole_file = true,
};
