/* sweep_result.c - see sweep_result.h. */
#include "study/sweep_result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define LARGEST_WHOLE 9007199254740992.0 /* 2^53 */

const char *const sweep_state_names[] = {"pending", "done", "stalled", "aborted"};
enum { STATES = sizeof sweep_state_names / sizeof *sweep_state_names };

enum status sweep_result_init(struct sweep_result *result, size_t count, struct diag *diag)
{
    *result = (struct sweep_result){.count = count};
    return array_zeroed(&result->rows, count, sizeof *result->rows, "results of a sweep", diag);
}

void sweep_result_deinit(struct sweep_result *result)
{
    for (size_t i = 0; result->rows && i < result->count; i++) {
        free(result->rows[i].values);
        free(result->rows[i].diagnosis);
    }
    free(result->rows);
    while (result->lists) {
        struct figure_list *list = result->lists;
        result->lists = list->next;
        free(list->figures);
        free(list);
    }
    *result = (struct sweep_result){0};
}

static bool same_names(const struct figure_list *list, const struct figure *figures, size_t count)
{
    if (list->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list->figures[i].name, figures[i].name) != 0)
            return false;
    return true;
}

static enum status intern(struct sweep_result *result, const struct figure *figures, size_t count, const struct figure_list **out,
                          struct diag *diag)
{
    struct figure_list *list = result->lists;
    while (list && !same_names(list, figures, count))
        list = list->next;
    if (!list) {
        enum status status = array_zeroed(&list, 1, sizeof *list, "names of figures", diag);
        if (status == SIM_OK && (status = array_zeroed(&list->figures, count, sizeof *list->figures, "names of figures", diag)) != SIM_OK)
            free(list);
        if (status != SIM_OK)
            return status;
        if (count > 0)
            memcpy(list->figures, figures, count * sizeof *figures);
        list->count = count;
        list->next = result->lists;
        result->lists = list;
    }
    *out = list;
    return SIM_OK;
}

enum status sweep_result_set(struct sweep_result *result, size_t row, enum sweep_state state, const struct figure *figures, size_t count,
                             const char *diagnosis, struct diag *diag)
{
    struct sweep_row made = {.state = state};
    enum status status = intern(result, figures, count, &made.names, diag);
    if (status == SIM_OK)
        status = array_zeroed(&made.values, count, sizeof *made.values, "results of a sweep", diag);
    if (status == SIM_OK && diagnosis && *diagnosis && !(made.diagnosis = strdup(diagnosis)))
        status = diag_no_memory(diag, strlen(diagnosis), "results of a sweep");
    if (status != SIM_OK) {
        free(made.values);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        made.values[i] = figures[i].undefined ? NAN : figures[i].value;
    result->rows[row] = made;
    return SIM_OK;
}

size_t figure_list_find(const struct figure_list *list, const char *name)
{
    size_t i = 0;
    while (i < list->count && strcmp(list->figures[i].name, name) != 0)
        i++;
    return i;
}

double sweep_row_figure(const struct sweep_row *row, const char *name)
{
    size_t i = row->names ? figure_list_find(row->names, name) : 0;
    return row->names && i < row->names->count ? row->values[i] : NAN;
}

/* --- one line of JSON ------------------------------------------------------------------------------------------------------------- */

void sweep_row_write_figures(const struct sweep_row *row, struct json_text *json)
{
    json_key(json, "figures");
    json_open_object(json);
    for (size_t i = 0; i < row->names->count; i++) {
        double value = row->values[i];
        json_key(json, row->names->figures[i].name);
        /* Written alike whether the run was just made or read back: whole numbers with all their digits. */
        if (value >= 0 && value < LARGEST_WHOLE && rint(value) == value)
            json_uint(json, (uint64_t)value);
        else
            json_double(json, value);
    }
    json_close_object(json);
}

void sweep_row_write(const struct sweep_row *row, size_t index, struct json_text *json)
{
    json_open_object(json);
    json_put_uint(json, "run", index);
    json_put_string(json, "state", sweep_state_names[row->state]);
    if (row->diagnosis)
        json_put_string(json, "diagnosis", row->diagnosis);
    sweep_row_write_figures(row, json);
    json_close_object(json);
}

static enum status read_figures(const struct json_document *document, const cJSON *object, struct figure **out, size_t *count,
                                struct diag *diag)
{
    size_t capacity = 0;
    enum status status = SIM_OK;
    *out = NULL;
    *count = 0;
    for (const cJSON *node = object->child; node && status == SIM_OK; node = node->next) {
        if (!cJSON_IsNumber(node) && !cJSON_IsNull(node))
            status = json_error(document, node, false, diag, "a figure must be a number or null");
        if (status == SIM_OK)
            status = array_reserve(out, &capacity, *count + 1, sizeof **out, "results of a sweep", diag);
        if (status != SIM_OK)
            break;
        struct figure *figure = &(*out)[(*count)++];
        *figure = (struct figure){.value = node->valuedouble, .undefined = cJSON_IsNull(node)};
        snprintf(figure->name, sizeof figure->name, "%s", node->string);
    }
    return status;
}

static enum status read_row(struct sweep_result *result, const struct json_document *document, size_t *index, struct diag *diag)
{
    const cJSON *root = document->root, *run = cJSON_GetObjectItemCaseSensitive(root, "run"),
                *state = cJSON_GetObjectItemCaseSensitive(root, "state"), *diagnosis = cJSON_GetObjectItemCaseSensitive(root, "diagnosis"),
                *figures = cJSON_GetObjectItemCaseSensitive(root, "figures");
    uint64_t number;
    int which = SWEEP_DONE;
    if (!cJSON_IsObject(root) || !run || !json_uint64(document, run, &number) || !cJSON_IsString(state) || !cJSON_IsObject(figures))
        return json_error(document, root, false, diag, "is not a line of a sweep's journal");
    while (which < STATES && strcmp(state->valuestring, sweep_state_names[which]) != 0)
        which++;
    if (number >= result->count || which == STATES)
        return json_error(document, root, false, diag, "is not a run of this sweep");
    if (result->rows[number].state != SWEEP_PENDING)
        return json_error(document, run, false, diag, "run %llu stands there twice", (unsigned long long)number);
    struct figure *read;
    size_t count;
    enum status status = read_figures(document, figures, &read, &count, diag);
    if (status == SIM_OK)
        status = sweep_result_set(result, number, (enum sweep_state)which, read, count,
                                  cJSON_IsString(diagnosis) ? diagnosis->valuestring : NULL, diag);
    free(read);
    *index = number;
    return status;
}

enum status sweep_row_read(struct sweep_result *result, const char *file, size_t line, const char *text, size_t length, size_t *index,
                           struct diag *diag)
{
    struct json_document document;
    enum status status = json_open(file, line, text, length, &document, diag);
    if (status != SIM_OK)
        return status;
    status = read_row(result, &document, index, diag);
    json_close(&document);
    return status;
}
