/* command_words_yaml.c - a flat mapping of YAML as the words of a command line. Read take_entry() first; it has vLLM's rules. libyaml makes
 * events of the text, and what stands here asks for one after the other. */
#include "base/command_words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/yaml_library.h"

#ifndef PAGESIM_HAS_YAML
enum status command_words_yaml(const char *name, const char *text, size_t length, struct command_words *words, struct diag *diag)
{
    (void)text, (void)length, (void)words;
    return diag_set(diag, SIM_FAILED, "%s: this pagesim was built without YAML; install libyaml's header and build it again", name);
}
#else
enum { KEY_SIZE = 256 };

struct reader {
    const struct yaml_library *yaml;
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event; /* the one that is looked at */
    bool holds_event;
    struct command_words *words;
    struct command_word word; /* file, line and column of what is added next */
};

/* Names the place of the event. */
static enum status refuse(const struct reader *reader, struct diag *diag, const char *what)
{
    return diag_at(diag, reader->name, reader->event.start_mark.line + 1, reader->event.start_mark.column + 1, "%s", what);
}

static enum status next_event(struct reader *reader, struct diag *diag)
{
    if (reader->holds_event)
        reader->yaml->yaml_event_delete(&reader->event);
    reader->holds_event = reader->yaml->yaml_parser_parse(&reader->parser, &reader->event) == 1;
    if (!reader->holds_event) {
        const yaml_parser_t *parser = &reader->parser;
        const bool marked = parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR;
        if (parser->error == YAML_MEMORY_ERROR)
            return diag_no_memory(diag, 0, reader->name);
        return diag_at(diag, reader->name, marked ? parser->problem_mark.line + 1 : 0, marked ? parser->problem_mark.column + 1 : 0,
                       "no YAML: %s", parser->problem ? parser->problem : "it cannot be read");
    }
    reader->word.line = reader->event.start_mark.line + 1;
    reader->word.column = reader->event.start_mark.column + 1;
    if (reader->event.type == YAML_ALIAS_EVENT)
        return refuse(reader, diag, "an alias (*); write the value itself");
    return SIM_OK;
}

static const char *scalar(const struct reader *reader)
{
    return (const char *)reader->event.data.scalar.value;
}

/* One of the words that YAML 1.1 takes for a value, written without quotes? */
static bool is_one_of(const struct reader *reader, const char *const *words)
{
    if (reader->event.type != YAML_SCALAR_EVENT || reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (; *words; words++)
        if (strcasecmp(scalar(reader), *words) == 0)
            return true;
    return false;
}

static const char *const true_words[] = {"true", "yes", "on", NULL};
static const char *const false_words[] = {"false", "no", "off", NULL};
static const char *const null_words[] = {"null", "~", "", NULL};

static enum status add(struct reader *reader, const char *text, struct diag *diag)
{
    reader->word.text = (char *)text;
    enum status status = command_words_add(reader->words, &reader->word, strlen(text), diag);
    reader->word.first = false;
    return status;
}

/* --- mappings and lists in a value, as JSON ---------------------------------------------------------------------------------------- */

/* A scalar without quotes may be a truth, nothing or a number; all else is text. */
static void write_scalar(const struct reader *reader, struct json_text *json)
{
    struct json_document document;
    struct diag ignored = {0};
    const char *text = scalar(reader);
    const bool plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (is_one_of(reader, true_words) || is_one_of(reader, false_words)) {
        json_bool(json, is_one_of(reader, true_words));
    } else if (is_one_of(reader, null_words)) {
        json_null(json);
    } else if (plain && json_open("", 1, text, strlen(text), &document, &ignored) == SIM_OK) {
        json_close(&document);
        json_raw(json, text, strlen(text));
    } else {
        json_string(json, text);
    }
}

/* The containers that are open: is it a mapping, and does its next key come? */
struct nest {
    int depth;
    bool mapping[JSON_MAX_DEPTH], key[JSON_MAX_DEPTH];
};

static enum status write_event(struct reader *reader, struct nest *nest, struct json_text *json, struct diag *diag)
{
    const yaml_event_type_t type = reader->event.type;
    const bool opens = type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
    bool *key = nest->depth > 0 && nest->mapping[nest->depth - 1] ? &nest->key[nest->depth - 1] : NULL;
    if (opens && key && *key)
        return refuse(reader, diag, "a key must be a word");
    if (opens && nest->depth == JSON_MAX_DEPTH)
        return refuse(reader, diag, "nested too deeply");
    if (type == YAML_SCALAR_EVENT && key && *key) {
        json_key(json, scalar(reader));
        *key = false;
        return SIM_OK;
    }
    if (key) /* after the value, which may be one that opens here */
        *key = true;
    if (opens) {
        nest->mapping[nest->depth] = nest->key[nest->depth] = type == YAML_MAPPING_START_EVENT;
        nest->depth++;
        type == YAML_MAPPING_START_EVENT ? json_open_object(json) : json_open_array(json);
    } else if (type == YAML_SCALAR_EVENT) {
        write_scalar(reader, json);
    } else {
        nest->depth--;
        json_close_last(json);
    }
    return SIM_OK;
}

/* One word. */
static enum status add_nested(struct reader *reader, struct diag *diag)
{
    const struct command_word place = reader->word;
    struct nest nest = {.depth = 0};
    struct json_text json;
    json_text_init(&json, false);
    enum status status = write_event(reader, &nest, &json, diag);
    while (status == SIM_OK && nest.depth > 0) {
        status = next_event(reader, diag);
        if (status == SIM_OK)
            status = write_event(reader, &nest, &json, diag);
    }
    reader->word = place;
    if (status == SIM_OK)
        status = json_text_status(&json, diag);
    if (status == SIM_OK)
        status = add(reader, json.text, diag);
    json_text_deinit(&json);
    return status;
}

/* --- one entry --------------------------------------------------------------------------------------------------------------------- */

/* Items of a list are words of their own. */
static enum status add_items(struct reader *reader, struct diag *diag)
{
    enum status status = next_event(reader, diag);
    while (status == SIM_OK && reader->event.type != YAML_SEQUENCE_END_EVENT) {
        status = reader->event.type == YAML_SCALAR_EVENT ? add(reader, scalar(reader), diag) : add_nested(reader, diag);
        if (status == SIM_OK)
            status = next_event(reader, diag);
    }
    return status;
}

/* vLLM makes "--key" of true and nothing of false; a list gives as many words, all else one. */
static enum status take_entry(struct reader *reader, struct diag *diag)
{
    char option[KEY_SIZE + 3] = "--";
    if (reader->event.type != YAML_SCALAR_EVENT)
        return refuse(reader, diag, "a key must be the name of an option of vllm serve");
    if (strlen(scalar(reader)) == 0 || strlen(scalar(reader)) > KEY_SIZE || strlen(scalar(reader)) != reader->event.data.scalar.length)
        return refuse(reader, diag, "this is no name of an option");
    memcpy(option + 2, scalar(reader), strlen(scalar(reader)) + 1);
    const struct command_word key = {.file = reader->word.file, .line = reader->word.line, .column = reader->word.column, .first = true};
    enum status status = next_event(reader, diag);
    if (status != SIM_OK)
        return status;
    if (is_one_of(reader, null_words))
        return refuse(reader, diag, "there is no value; leave the line out");
    const struct command_word value = reader->word;
    reader->word = key;
    reader->word.skipped = is_one_of(reader, false_words);
    status = add(reader, option, diag);
    reader->word = value;
    if (status != SIM_OK || is_one_of(reader, false_words) || is_one_of(reader, true_words))
        return status;
    if (reader->event.type == YAML_SEQUENCE_START_EVENT)
        return add_items(reader, diag);
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return add_nested(reader, diag);
    if (strlen(scalar(reader)) != reader->event.data.scalar.length)
        return refuse(reader, diag, "a zero byte in a value");
    return add(reader, scalar(reader), diag);
}

/* A stream of one document, which is one mapping; an empty file has no words. */
static enum status take_file(struct reader *reader, struct diag *diag)
{
    enum status status = SIM_OK;
    do {
        status = next_event(reader, diag);
    } while (status == SIM_OK && (reader->event.type == YAML_STREAM_START_EVENT || reader->event.type == YAML_DOCUMENT_START_EVENT));
    if (status != SIM_OK || reader->event.type == YAML_STREAM_END_EVENT)
        return status;
    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return refuse(reader, diag, "must be a mapping of options of vllm serve to values, as in max-model-len: 8192");
    status = next_event(reader, diag);
    while (status == SIM_OK && reader->event.type != YAML_MAPPING_END_EVENT) {
        status = take_entry(reader, diag);
        if (status == SIM_OK)
            status = next_event(reader, diag);
    }
    while (status == SIM_OK && reader->event.type != YAML_STREAM_END_EVENT) {
        status = next_event(reader, diag);
        if (status == SIM_OK && reader->event.type == YAML_DOCUMENT_START_EVENT)
            return refuse(reader, diag, "a second document; vLLM reads one");
    }
    return status;
}

enum status command_words_yaml(const char *name, const char *text, size_t length, struct command_words *words, struct diag *diag)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return diag_no_memory(diag, sizeof *reader, name);
    *reader = (struct reader){.name = name, .words = words};
    enum status status = yaml_library_get(&reader->yaml, diag);
    if (status == SIM_OK && !reader->yaml->yaml_parser_initialize(&reader->parser)) {
        free(reader);
        return diag_no_memory(diag, sizeof(yaml_parser_t), name);
    }
    if (status == SIM_OK) {
        reader->yaml->yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
        status = command_words_name(words, name, &reader->word.file, diag);
        if (status == SIM_OK)
            status = take_file(reader, diag);
        if (reader->holds_event)
            reader->yaml->yaml_event_delete(&reader->event);
        reader->yaml->yaml_parser_delete(&reader->parser);
    }
    free(reader);
    return status;
}
#endif
