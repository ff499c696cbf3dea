/* sweep_result.c - the slots of a sweep's runs, and a run as one line of JSON, as the journal keeps it. Start with sweep_result_set and
 * sweep_row_read, which fill a slot from a replay and from a line.
 */
#include "study/sweep_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fingerprint.h"

/* Below this, a double with a whole value has all its digits. */
#define LARGEST_WHOLE 0x1p53

const char *const sweep_state_names[] = {"pending", "done", "stalled", "aborted"};
enum { STATES = sizeof sweep_state_names / sizeof *sweep_state_names };

/* The columns are fixed before the first run, from the scopes of all points together. So rows of different engines fit one table, threads
 * can fill them without agreeing on anything, and a journal read back has the same columns as a fresh sweep. */
enum status sweep_result_init(struct sweep_result *result, size_t count, unsigned scopes, const struct figure_wishes *wishes,
                              struct diag *diag)
{
    *result = (struct sweep_result){.count = count};
    for (size_t i = 0; i < figure_kind_count && result->figure_count < FIGURES_MOST; i++)
        if (scopes & FIGURE_SCOPE(figure_kinds[i].scope))
            result->figures[result->figure_count++] = figure_kinds[i];
    for (size_t i = 0; i < wishes->count && result->figure_count < FIGURES_MOST; i++) {
        struct figure_kind made;
        const struct figure_kind *kind = figure_kind_find(wishes->names[i], &made);
        if (kind)
            result->figures[result->figure_count++] = *kind;
    }
    return array_zeroed(&result->rows, count, sizeof *result->rows, "results of a sweep", diag);
}

static void empty_row(struct sweep_row *row)
{
    free(row->values);
    free(row->diagnosis);
    *row = (struct sweep_row){0};
}

void sweep_result_deinit(struct sweep_result *result)
{
    for (size_t i = 0; result->rows && i < result->count; i++)
        empty_row(&result->rows[i]);
    free(result->rows);
    *result = (struct sweep_result){0};
}

/* A row without values yet. It is made aside and put into its slot when it is complete, so that a failure leaves the slot as it was. */
static enum status make_row(const struct sweep_result *result, enum sweep_state state, const char *diagnosis, struct sweep_row *out,
                            struct diag *diag)
{
    *out = (struct sweep_row){.state = state};
    enum status status = array_zeroed(&out->values, result->figure_count, sizeof *out->values, "results of a sweep", diag);
    if (status == SIM_OK && diagnosis && *diagnosis && !(out->diagnosis = strdup(diagnosis)))
        status = diag_no_memory(diag, strlen(diagnosis), "results of a sweep");
    if (status != SIM_OK)
        empty_row(out);
    return status;
}

/* A merge of two sorted lists: a run leaves out figures that its engine or configuration does not have, but never changes their order. So
 * each name is compared once, instead of a search for each value of each run. */
enum status sweep_result_set(struct sweep_result *result, size_t row, enum sweep_state state, const struct figure_set *figures,
                             const char *diagnosis, struct diag *diag)
{
    struct sweep_row made;
    enum status status = make_row(result, state, diagnosis, &made, diag);
    if (status != SIM_OK)
        return status;
    /* Both lists are in the table's order; a run may have fewer. */
    for (size_t i = 0, at = 0; i < result->figure_count; i++) {
        const bool has = at < figures->count && strcmp(figures->list[at].name, result->figures[i].name) == 0;
        made.values[i] = !has || figures->list[at].undefined ? (double)NAN : figures->list[at].value;
        at += has;
    }
    empty_row(&result->rows[row]);
    result->rows[row] = made;
    return SIM_OK;
}

/* Linear: asked once for each figure and group, not for each run. */
size_t sweep_result_find(const struct sweep_result *result, const char *name)
{
    size_t i = 0;
    while (i < result->figure_count && strcmp(result->figures[i].name, name) != 0)
        i++;
    return i;
}

/* --- one line of JSON ------------------------------------------------------------------------------------------------------------- */

void sweep_row_write(const struct sweep_result *result, size_t index, struct json_text *json)
{
    const struct sweep_row *row = &result->rows[index];
    json_open_object(json);
    json_put_uint(json, "run", index);
    json_put_string(json, "state", sweep_state_names[row->state]);
    if (row->diagnosis)
        json_put_string(json, "diagnosis", row->diagnosis);
    json_key(json, "figures");
    json_open_object(json);
    for (size_t i = 0; i < result->figure_count; i++) {
        const double value = row->values[i];
        json_key(json, result->figures[i].name);
        /* Written alike whether the run was just made or read back: whole numbers with all their digits. */
        if (value >= 0 && value < LARGEST_WHOLE && rint(value) == value)
            json_uint(json, (uint64_t)value);
        else
            json_double(json, value);
    }
    json_close_object(json);
    json_close_object(json);
}

/* `names` tells lines of one run apart. The same run with other figures was replayed again for a wished percentile, which is fine. The
 * same run with the same figures cannot come from this program: two journals were joined by hand. */
static enum status check_figures(const struct json_document *document, const cJSON *object, uint64_t *names, struct diag *diag)
{
    *names = FINGERPRINT_START;
    for (const cJSON *node = object->child; node; node = node->next) {
        if (!cJSON_IsNumber(node) && !cJSON_IsNull(node))
            return json_error(document, node, false, diag, "a figure must be a number or null");
        *names = fingerprint_bytes(*names, node->string, strlen(node->string) + 1);
    }
    return SIM_OK;
}

/* False: a figure that is kept is not there. */
static bool read_values(const struct sweep_result *result, const cJSON *object, double *values)
{
    const cJSON *next = object->child; /* as a rule lines have our order; else each is looked for */
    for (size_t i = 0; i < result->figure_count; i++) {
        const char *name = result->figures[i].name;
        const cJSON *node = next && strcmp(next->string, name) == 0 ? next : cJSON_GetObjectItemCaseSensitive(object, name);
        if (!node)
            return false;
        values[i] = cJSON_IsNull(node) ? (double)NAN : node->valuedouble;
        next = node->next;
    }
    return true;
}

/* The search for the state begins at `done`: a line is written when a run has ended, so none says `pending`. A line that lacks a figure
 * is thrown away without a trace, and its run is replayed again; an earlier line that had all figures stays in force. */
static enum status read_row(struct sweep_result *result, const struct json_document *document, struct diag *diag)
{
    const cJSON *root = document->root, *run = cJSON_GetObjectItemCaseSensitive(root, "run"),
                *state = cJSON_GetObjectItemCaseSensitive(root, "state"), *diagnosis = cJSON_GetObjectItemCaseSensitive(root, "diagnosis"),
                *figures = cJSON_GetObjectItemCaseSensitive(root, "figures");
    uint64_t number, names = 0;
    int which = SWEEP_DONE;
    struct sweep_row made;
    if (!cJSON_IsObject(root) || !run || !json_uint64(document, run, &number) || !cJSON_IsString(state) || !cJSON_IsObject(figures))
        return json_error(document, root, false, diag, "is not a line of a sweep's journal");
    while (which < STATES && strcmp(state->valuestring, sweep_state_names[which]) != 0)
        which++;
    if (number >= result->count || which == STATES)
        return json_error(document, root, false, diag, "is not a run of this sweep");
    enum status status = check_figures(document, figures, &names, diag);
    if (status == SIM_OK && result->rows[number].names == names)
        return json_error(document, run, false, diag, "run %llu is there already", (unsigned long long)number);
    if (status == SIM_OK)
        status = make_row(result, (enum sweep_state)which, cJSON_IsString(diagnosis) ? diagnosis->valuestring : NULL, &made, diag);
    if (status != SIM_OK)
        return status;
    made.names = names;
    struct sweep_row *row = &result->rows[number];
    if (read_values(result, figures, made.values)) {
        empty_row(row);
        *row = made;
    } else {
        empty_row(&made);
    }
    return SIM_OK;
}

enum status sweep_row_read(struct sweep_result *result, const char *file, size_t line, const char *text, size_t length, struct diag *diag)
{
    struct json_document document;
    enum status status = json_open(file, line, text, length, &document, diag);
    if (status != SIM_OK)
        return status;
    status = read_row(result, &document, diag);
    json_close(&document);
    return status;
}
