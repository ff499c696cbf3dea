/* sweep_list.c - reads points, one a line. Later lines may bring further keys, so settings are gathered as (row, key, value) first and laid
 * out when all keys are known. Start with sweep_list_read.
 */
#include "study/sweep_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/text_file.h"

/* One key of one line. There is no width of a row yet: the last line of a file may bring a key that no other line has. */
struct setting {
    size_t row;
    uint32_t key, value;
};

struct reader {
    struct sweep_keys *keys;
    const char *path;
    char what[CONFIG_PATH_SIZE + 32]; /* "file:line" */
    struct setting *settings;
    size_t count, capacity, rows;
};

/* Errors of a file are bad input, whoever found them. */
static enum status as_input(struct diag *inner, struct diag *diag)
{
    return diag_set(diag, inner->status == SIM_USAGE ? SIM_BAD_INPUT : inner->status, "%s", inner->text);
}

/* One setting of the current row. Keys may come back in every line, but not twice in one: settings of the current row are the last ones,
 * so the search runs backwards and ends at the first of another row. */
static enum status set(struct reader *reader, const char *name, const char *text, size_t length, struct diag *diag)
{
    struct sweep_keys *keys = reader->keys;
    const struct config_key *key;
    struct diag inner = {0};
    if (sweep_key_find(name, reader->what, &key, &inner) != SIM_OK)
        return as_input(&inner, diag);
    uint32_t index = sweep_keys_index(keys, key);
    if (index == keys->count && sweep_keys_add(keys, key, reader->what, &index, &inner) != SIM_OK)
        return as_input(&inner, diag);
    for (size_t i = reader->count; i-- > 0 && reader->settings[i].row == reader->rows;)
        if (reader->settings[i].key == index)
            return diag_set(diag, SIM_BAD_INPUT, "%s: %s is given twice", reader->what, name);
    if (sweep_keys_add_value(keys, key, text, length, reader->what, &inner) != SIM_OK)
        return as_input(&inner, diag);
    const struct setting setting = {.row = reader->rows, .key = index, .value = (uint32_t)keys->value_count - 1};
    return array_append(&reader->settings, &reader->count, &reader->capacity, &setting, sizeof setting, "a list of points", diag);
}

/* May the key's value be JSON that is neither a number nor a string, or null? */
static bool takes_json(const char *name)
{
    bool negated;
    const struct config_key *key = config_find_option(name, &negated);
    return key && (key->type == KEY_JSON || key->nullable);
}

/* Numbers become text again, because a point's values are texts (sweep_keys.h). cJSON keeps numbers as doubles, so whole numbers are read
 * from the file's own digits: a seed above 2^53 would change otherwise. Others get the shortest text that gives the same double. */
static enum status set_node(struct reader *reader, const struct json_document *document, const cJSON *node, const char *name,
                            struct diag *diag)
{
    char digits[64];
    uint64_t whole;
    if (cJSON_IsString(node))
        return set(reader, name, node->valuestring, strlen(node->valuestring), diag);
    if (cJSON_IsBool(node))
        snprintf(digits, sizeof digits, "%s", cJSON_IsTrue(node) ? "true" : "false");
    else if (cJSON_IsNumber(node) && json_uint64(document, node, &whole))
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)whole);
    else if (cJSON_IsNumber(node))
        shortest_double(node->valuedouble, digits, sizeof digits);
    else if (takes_json(name)) {
        const char *source;
        const size_t length = json_source(document, node, &source);
        return set(reader, name, source, length, diag);
    } else
        return json_error(document, node, false, diag, "%s must be a number, a string or true or false", name);
    return set(reader, name, digits, strlen(digits), diag);
}

/* A point is written as a configuration file is: keys at the top, or one level down inside their group. Deeper nesting is no key of any
 * configuration and is refused by set_node, like a list or null where the key takes none. */
static enum status read_object(struct reader *reader, size_t line, const char *text, size_t length, struct diag *diag)
{
    struct json_document document;
    enum status status = json_open(reader->path, line, text, length, &document, diag);
    if (status != SIM_OK)
        return status;
    if (!cJSON_IsObject(document.root))
        status = json_error(&document, document.root, false, diag, "a point must be a JSON object or words like block_size=16");
    for (const cJSON *node = document.root->child; node && status == SIM_OK; node = node->next) {
        if (!cJSON_IsObject(node) || takes_json(node->string)) {
            status = set_node(reader, &document, node, node->string, diag);
            continue;
        }
        for (const cJSON *inner = node->child; inner && status == SIM_OK; inner = inner->next) {
            char name[160];
            snprintf(name, sizeof name, "%s.%s", node->string, inner->string);
            status = set_node(reader, &document, inner, name, diag);
        }
    }
    json_close(&document);
    return status;
}

/* Words are separated by blanks; \r is one of them, so that files with Windows line ends can be read. Values with blanks need the JSON
 * form. */
static enum status read_words(struct reader *reader, const char *text, size_t length, struct diag *diag)
{
    static const char blanks[] = " \t\r";
    enum status status = SIM_OK;
    for (size_t at = 0; at < length && status == SIM_OK;) {
        size_t end = at;
        while (end < length && !strchr(blanks, text[end]))
            end++;
        const char *equals = memchr(text + at, '=', end - at);
        char name[96];
        if (end > at && (!equals || equals == text + at || (size_t)(equals - text) - at >= sizeof name))
            return diag_set(diag, SIM_BAD_INPUT, "%s: \"%.*s\": KEY=VALUE is wanted, as in block_size=16", reader->what, (int)(end - at),
                            text + at);
        if (end > at) {
            size_t key_length = (size_t)(equals - text) - at;
            snprintf(name, sizeof name, "%.*s", (int)key_length, text + at);
            status = set(reader, name, equals + 1, end - at - key_length - 1, diag);
        }
        at = end + 1;
    }
    return status;
}

/* Empty lines and comments make no row. The first character decides between the two forms, so that a file may mix them. */
static enum status read_line(struct reader *reader, size_t line, const char *text, size_t length, struct diag *diag)
{
    while (length > 0 && strchr(" \t\r", *text)) {
        text++;
        length--;
    }
    if (length == 0 || *text == '#')
        return SIM_OK;
    snprintf(reader->what, sizeof reader->what, "%s:%zu", reader->path, line);
    enum status status = *text == '{' ? read_object(reader, line, text, length, diag) : read_words(reader, text, length, diag);
    reader->rows++;
    return status;
}

/* Settings become a table with a column for each key that the file brought. The list is the first factor of a plan (read_factors in
 * sweep_plan.c), so no key of it can be known from before, and key - first_key is a column. */
static enum status lay_out(struct reader *reader, uint32_t first_key, uint32_t **cells, size_t *rows, struct diag *diag)
{
    const uint32_t added = reader->keys->count - first_key;
    if (reader->rows == 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: no point is in it", reader->path);
    enum status status = array_zeroed(cells, reader->rows * added, sizeof **cells, "a list of points", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < reader->rows * added; i++)
        (*cells)[i] = SWEEP_NO_VALUE;
    for (size_t i = 0; i < reader->count; i++)
        (*cells)[reader->settings[i].row * added + reader->settings[i].key - first_key] = reader->settings[i].value;
    *rows = reader->rows;
    return SIM_OK;
}

/* The number of rows is tested before each line, so a file with far too many points ends in an error at the limit and not when memory is
 * full. */
enum status sweep_list_read(struct sweep_keys *keys, const char *path, uint32_t **cells, size_t *rows, struct diag *diag)
{
    struct reader reader = {.keys = keys, .path = path};
    struct text_file file;
    const uint32_t first_key = keys->count;
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    size_t line = 1;
    for (size_t at = 0; at < file.length && status == SIM_OK; line++) {
        const char *end = memchr(file.text + at, '\n', file.length - at);
        size_t length = end ? (size_t)(end - file.text) - at : file.length - at;
        if (reader.rows == SWEEP_POINTS_MOST)
            status = diag_set(diag, SIM_BAD_INPUT, "%s: more than %d points", path, SWEEP_POINTS_MOST);
        else
            status = read_line(&reader, line, file.text + at, length, diag);
        at += length + 1;
    }
    if (status == SIM_OK)
        status = lay_out(&reader, first_key, cells, rows, diag);
    free(reader.settings);
    text_file_close(&file);
    return status;
}
