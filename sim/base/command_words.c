/* command_words.c - a shell's rules for words, as far as command lines of servers need them. Read take_word() first. */
#include "base/command_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* --- the list ---------------------------------------------------------------------------------------------------------------------- */

enum status command_words_name(struct command_words *words, const char *name, const char **out, struct diag *diag)
{
    char *copy = strdup(name);
    if (!copy)
        return diag_no_memory(diag, strlen(name) + 1, "a command line");
    enum status status = array_append(&words->names, &words->name_count, &words->name_capacity, &copy, sizeof copy, "a command line", diag);
    if (status == SIM_OK)
        *out = copy;
    else
        free(copy);
    return status;
}

enum status command_words_add(struct command_words *words, const struct command_word *word, size_t length, struct diag *diag)
{
    struct command_word made = *word;
    made.text = malloc(length + 1);
    if (!made.text)
        return diag_no_memory(diag, length + 1, "a command line");
    memcpy(made.text, word->text, length);
    made.text[length] = '\0';
    enum status status = array_append(&words->list, &words->count, &words->capacity, &made, sizeof made, "a command line", diag);
    if (status != SIM_OK)
        free(made.text);
    return status;
}

void command_words_deinit(struct command_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i].text);
    for (size_t i = 0; i < words->name_count; i++)
        free(words->names[i]);
    free(words->list);
    free(words->names);
    *words = (struct command_words){0};
}

/* --- a shell's words --------------------------------------------------------------------------------------------------------------- */

struct splitter {
    const char *at, *end, *line_start;
    size_t line;
    struct command_word word; /* the one that is being read; its text is `made` */
    char *made;               /* as long as the whole text, so it never grows */
    size_t length;
    bool open; /* a word has begun, if only with a quote */
    bool plain_digits;
};

static void next_line(struct splitter *splitter)
{
    splitter->line++;
    splitter->line_start = splitter->at;
}

static void begin(struct splitter *splitter)
{
    if (splitter->open)
        return;
    splitter->open = splitter->plain_digits = true;
    splitter->length = 0;
    splitter->word.line = splitter->line;
    splitter->word.column = (size_t)(splitter->at - splitter->line_start) + 1;
}

static void put(struct splitter *splitter, char c)
{
    begin(splitter);
    splitter->plain_digits = splitter->plain_digits && c >= '0' && c <= '9';
    splitter->made[splitter->length++] = c;
}

static enum status finish(struct splitter *splitter, struct command_words *words, struct diag *diag)
{
    if (!splitter->open)
        return SIM_OK;
    splitter->open = false;
    splitter->word.text = splitter->made;
    enum status status = command_words_add(words, &splitter->word, splitter->length, diag);
    splitter->word.variable = splitter->word.first = false;
    return status;
}

/* A backslash, the blanks that people leave after it, and the end of a line. */
static bool goes_on(struct splitter *splitter)
{
    const char *at = splitter->at + 1;
    while (at < splitter->end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    if (at < splitter->end && *at != '\n')
        return false;
    splitter->at = at < splitter->end ? at + 1 : at;
    if (at < splitter->end)
        next_line(splitter);
    return true;
}

/* What follows a dollar that a shell would replace. A lone dollar is only a dollar. */
static bool replaces(const struct splitter *splitter)
{
    const char c = splitter->at + 1 < splitter->end ? splitter->at[1] : ' ';
    return *splitter->at == '`' ||
           (*splitter->at == '$' && (c == '{' || c == '(' || c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')));
}

/* From one quote to the next. In double quotes a backslash stands before a quote, a dollar, another backslash or the end of a line. */
static enum status take_quoted(struct splitter *splitter, struct diag *diag)
{
    const char quote = *splitter->at;
    const size_t line = splitter->line, column = (size_t)(splitter->at - splitter->line_start) + 1;
    begin(splitter);
    splitter->plain_digits = false;
    for (splitter->at++; splitter->at < splitter->end && *splitter->at != quote; splitter->at++) {
        const bool escapes = quote == '"' && *splitter->at == '\\' && splitter->at + 1 < splitter->end;
        if (escapes && splitter->at[1] == '\n') {
            splitter->at++;
            splitter->line++;
            splitter->line_start = splitter->at + 1;
            continue;
        }
        splitter->word.variable |= quote == '"' && replaces(splitter);
        splitter->at += escapes && strchr("\"\\$`", splitter->at[1]);
        put(splitter, *splitter->at);
        if (*splitter->at == '\n') {
            splitter->line++;
            splitter->line_start = splitter->at + 1;
        }
    }
    if (splitter->at == splitter->end)
        return diag_at(diag, splitter->word.file, line, column, "the quote %c does not end", quote);
    splitter->at++;
    return SIM_OK;
}

/* ; & | < > end a command. The number in front of > or < is part of that sign. */
static enum status take_sign(struct splitter *splitter, struct command_words *words, struct diag *diag)
{
    const char c = *splitter->at;
    if (splitter->open && splitter->plain_digits && (c == '<' || c == '>'))
        splitter->open = false;
    enum status status = finish(splitter, words, diag);
    if (status != SIM_OK)
        return status;
    struct command_word sign = splitter->word;
    sign.ends = true;
    sign.text = (char[]){c, '\0'};
    sign.line = splitter->line;
    sign.column = (size_t)(splitter->at++ - splitter->line_start) + 1;
    splitter->word.first = false;
    return command_words_add(words, &sign, 1, diag);
}

/* One step: a blank, an end of a line, a comment, a quoted part, or one character of a word. */
static enum status take_word(struct splitter *splitter, struct command_words *words, struct diag *diag)
{
    const char c = *splitter->at;
    enum status status;
    if (c == '\\' && goes_on(splitter))
        return finish(splitter, words, diag); /* people write it right after a word and mean the word to end */
    if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
        status = finish(splitter, words, diag);
        splitter->at++;
        if (c == '\n')
            next_line(splitter);
        splitter->word.first |= c == '\n';
        return status;
    }
    if (c == '#' && !splitter->open) {
        while (splitter->at < splitter->end && *splitter->at != '\n')
            splitter->at++;
        return SIM_OK;
    }
    if (c == '\'' || c == '"')
        return take_quoted(splitter, diag);
    if (strchr(";&|<>", c))
        return take_sign(splitter, words, diag);
    begin(splitter);
    splitter->word.variable |= replaces(splitter);
    splitter->at += c == '\\';
    put(splitter, *splitter->at++);
    return SIM_OK;
}

enum status command_words_split(const char *name, const char *text, size_t length, struct command_words *words, struct diag *diag)
{
    struct splitter splitter = {.at = text, .end = text + length, .line_start = text, .line = 1, .word = {.first = true}};
    const char *zero = memchr(text, '\0', length);
    enum status status = command_words_name(words, name, &splitter.word.file, diag);
    if (status == SIM_OK && zero)
        return diag_at(diag, name, 1, (size_t)(zero - text) + 1, "a zero byte; a command line is text");
    if (status == SIM_OK)
        status = array_zeroed(&splitter.made, length + 1, 1, "a command line", diag);
    while (status == SIM_OK && splitter.at < splitter.end)
        status = take_word(&splitter, words, diag);
    if (status == SIM_OK)
        status = finish(&splitter, words, diag);
    free(splitter.made);
    return status;
}

/* --- and back ---------------------------------------------------------------------------------------------------------------------- */

/* Quoting is for POSIX shells. A quote inside is closed, escaped and reopened. An empty word needs quotes, or it would vanish. */
void command_word_print(const char *word, FILE *file)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, file);
        return;
    }
    fputc('\'', file);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", file);
        else
            fputc(*word, file);
    fputc('\'', file);
}
