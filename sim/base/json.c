/* json.c - the reading half of json.h. Read json_open first, then scan_value.
 *
 *     text --> scanner: grammar, places --> cJSON: tree --> number_nodes: node n is the n-th value --> check_keys: none twice
 *
 * The scanner refuses what cJSON would accept by mistake and notes where each value is; only what it has passed is given to cJSON. Both
 * meet the values in the order of the text, so a number is all that connects a node with its place. */
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text_file.h"
#include "base/utf8.h"

struct scanner {
    const char *file, *text;
    size_t first_line, length, at;
    size_t *value_at, *key_at;
    size_t value_capacity, key_capacity, value_count;
    struct diag *diag;
};

/* Counted from the start each time: an error is told once, and keeping line starts for every text would cost all the others. */
static void place_of(const char *text, size_t first_line, size_t offset, size_t *line, size_t *column)
{
    *line = first_line;
    *column = 1;
    for (size_t i = 0; i < offset; i++) {
        ++*column;
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        }
    }
}

static enum status fail(struct scanner *scanner, size_t offset, const char *message)
{
    size_t line, column;
    place_of(scanner->text, scanner->first_line, offset, &line, &column);
    return diag_at(scanner->diag, scanner->file, line, column, "%s", message);
}

/* The next byte, or -1 at the end of the text. */
static int peek(const struct scanner *scanner)
{
    return scanner->at < scanner->length ? (unsigned char)scanner->text[scanner->at] : -1;
}

/* JSON's four; other blanks of Unicode are errors. */
static void skip_space(struct scanner *scanner)
{
    int c;
    while ((c = peek(scanner)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        scanner->at++;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* \u0000 is legal JSON, but cJSON's strings end at it, so a key could seem to be another one. */
static enum status scan_escape(struct scanner *scanner)
{
    size_t start = scanner->at++;
    int c = peek(scanner);
    if (c >= 0 && strchr("\"\\/bfnrt", c)) {
        scanner->at++;
        return SIM_OK;
    }
    if (c != 'u')
        return fail(scanner, start, "unknown escape in a string; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    bool zero = true;
    for (int i = 1; i <= 4; i++) {
        c = scanner->at + (size_t)i < scanner->length ? (unsigned char)scanner->text[scanner->at + (size_t)i] : -1;
        if (!is_hex(c))
            return fail(scanner, start, "\\u needs four hexadecimal digits");
        zero = zero && c == '0';
    }
    if (zero)
        return fail(scanner, start, "\\u0000 in a string; leave it out");
    scanner->at += 5;
    return SIM_OK;
}

/* The text between the quotes is checked and skipped; cJSON unescapes it. */
static enum status scan_string(struct scanner *scanner)
{
    size_t start = scanner->at++;
    for (;;) {
        int c = peek(scanner);
        if (c < 0 || c == '\n')
            return fail(scanner, start, "a string that does not end; close it with \"");
        if (c == '"') {
            scanner->at++;
            return SIM_OK;
        }
        if (c < 0x20)
            return fail(scanner, scanner->at, "a control character in a string; write it as \\u00XX");
        if (c == '\\') {
            enum status status = scan_escape(scanner);
            if (status != SIM_OK)
                return status;
            continue;
        }
        size_t length = utf8_sequence(scanner->text + scanner->at, scanner->length - scanner->at);
        if (length == 0)
            return fail(scanner, scanner->at, "invalid UTF-8; save the file as UTF-8");
        scanner->at += length;
    }
}

/* One digit or more. */
static enum status scan_digits(struct scanner *scanner, const char *message)
{
    if (!is_digit(peek(scanner)))
        return fail(scanner, scanner->at, message);
    while (is_digit(peek(scanner)))
        scanner->at++;
    return SIM_OK;
}

/* cJSON takes 012 and 1., which are not JSON; what it would read as something else than was meant is refused here. */
static enum status scan_number(struct scanner *scanner)
{
    enum { LONGEST_NUMBER = 63 }; /* cJSON reads no longer ones */
    size_t start = scanner->at;
    if (peek(scanner) == '-')
        scanner->at++;
    size_t first = scanner->at;
    enum status status = scan_digits(scanner, "not a JSON number; a digit belongs here");
    if (status == SIM_OK && scanner->text[first] == '0' && scanner->at > first + 1)
        return fail(scanner, first, "a number with a leading zero; write it without");
    if (status == SIM_OK && peek(scanner) == '.') {
        scanner->at++;
        status = scan_digits(scanner, "digits must follow the decimal point");
    }
    if (status == SIM_OK && (peek(scanner) == 'e' || peek(scanner) == 'E')) {
        scanner->at++;
        if (peek(scanner) == '+' || peek(scanner) == '-')
            scanner->at++;
        status = scan_digits(scanner, "digits must follow the exponent");
    }
    if (status == SIM_OK && scanner->at - start > LONGEST_NUMBER)
        return fail(scanner, start, "a number of more than 63 characters; write it shorter");
    return status;
}

/* Remember where the next value stands, and its key, or SIZE_MAX where it has none. */
static enum status note_value(struct scanner *scanner, size_t key_at)
{
    enum status status = array_reserve(&scanner->value_at, &scanner->value_capacity, scanner->value_count + 1, sizeof *scanner->value_at,
                                       "JSON places", scanner->diag);
    if (status == SIM_OK)
        status = array_reserve(&scanner->key_at, &scanner->key_capacity, scanner->value_count + 1, sizeof *scanner->key_at, "JSON places",
                               scanner->diag);
    if (status != SIM_OK)
        return status;
    scanner->value_at[scanner->value_count] = scanner->at;
    scanner->key_at[scanner->value_count++] = key_at == SIZE_MAX ? scanner->at : key_at;
    return SIM_OK;
}

static enum status scan_value(struct scanner *scanner, int depth, size_t key_at);

/* The inside of an object or an array: both are lists with commas, an object's members have keys besides. */
static enum status scan_members(struct scanner *scanner, int depth, bool object)
{
    const char end = object ? '}' : ']';
    size_t start = scanner->at++;
    skip_space(scanner);
    if (peek(scanner) == end) {
        scanner->at++;
        return SIM_OK;
    }
    for (;;) {
        size_t key_at = SIZE_MAX;
        enum status status = SIM_OK;
        skip_space(scanner);
        if (object) {
            key_at = scanner->at;
            status = peek(scanner) == '"' ? scan_string(scanner) : fail(scanner, scanner->at, "a key in double quotes belongs here");
            skip_space(scanner);
            if (status == SIM_OK && peek(scanner) != ':')
                status = fail(scanner, scanner->at, "a colon belongs between a key and its value");
            scanner->at++;
        }
        if (status == SIM_OK)
            status = scan_value(scanner, depth + 1, key_at);
        if (status != SIM_OK)
            return status;
        skip_space(scanner);
        int c = peek(scanner);
        scanner->at++;
        if (c == end)
            return SIM_OK;
        if (c < 0)
            return fail(scanner, start,
                        object ? "an object that does not end; close it with }" : "an array that does not end; close it with ]");
        if (c != ',')
            return fail(scanner, scanner->at - 1, object ? "a comma or } belongs here" : "a comma or ] belongs here");
    }
}

/* What starts like nothing else: a word, or not JSON. */
static enum status scan_word(struct scanner *scanner)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (scanner->length - scanner->at >= length && memcmp(scanner->text + scanner->at, words[i], length) == 0) {
            scanner->at += length;
            return SIM_OK;
        }
    }
    return fail(scanner, scanner->at, "not JSON; a value belongs here: an object, array, string, number, true, false or null");
}

/* Depth is limited because scanner and cJSON both recurse: a text of nothing but brackets must not use up the stack. */
static enum status scan_value(struct scanner *scanner, int depth, size_t key_at)
{
    skip_space(scanner);
    if (depth > JSON_MAX_DEPTH)
        return fail(scanner, scanner->at, "nested too deeply; at most 32 levels are read");
    enum status status = note_value(scanner, key_at);
    if (status != SIM_OK)
        return status;
    int c = peek(scanner);
    if (c == '{' || c == '[')
        return scan_members(scanner, depth, c == '{');
    if (c == '"')
        return scan_string(scanner);
    if (c == '-' || is_digit(c))
        return scan_number(scanner);
    return scan_word(scanner);
}

/* The tree in document order, which is the order in which the scanner met the values: each node's number is kept in its `valueint`, which
 * nobody else uses, so that its place is found at once. */
static size_t number_nodes(cJSON *node, size_t number)
{
    node->valueint = (int)number++;
    for (cJSON *child = node->child; child; child = child->next)
        number = number_nodes(child, number);
    return number;
}

static size_t number_of(const cJSON *node)
{
    return (size_t)node->valueint;
}

/* Keys of one object are compared pairwise in O(n log n) by sorting; objects of ours are small. */
static int by_name(const void *a, const void *b)
{
    const cJSON *const *left = a, *const *right = b;
    return strcmp((*left)->string, (*right)->string);
}

/* RFC 8259 leaves open which of two equal keys counts, and readers differ. The error points to the second one. */
static enum status refuse_repeated_keys(const struct json_document *document, const cJSON *object, struct diag *diag)
{
    size_t count = (size_t)cJSON_GetArraySize(object), at = 0;
    const cJSON **members, *member;
    enum status status = array_zeroed(&members, count, sizeof *members, "JSON keys", diag);
    if (status != SIM_OK)
        return status;
    cJSON_ArrayForEach(member, object) members[at++] = member;
    qsort(members, count, sizeof *members, by_name);
    for (size_t i = 1; i < count && status == SIM_OK; i++) {
        if (strcmp(members[i - 1]->string, members[i]->string) != 0)
            continue;
        const cJSON *second = NULL;
        cJSON_ArrayForEach(member, object) if (strcmp(member->string, members[i]->string) == 0) second = member;
        status = json_error(document, second, true, diag, "\"%s\" is given twice; keep one", members[i]->string);
    }
    free(members);
    return status;
}

/* In every object of the tree. */
static enum status check_keys(const struct json_document *document, const cJSON *node, struct diag *diag)
{
    enum status status = cJSON_IsObject(node) ? refuse_repeated_keys(document, node, diag) : SIM_OK;
    for (const cJSON *child = node->child; child && status == SIM_OK; child = child->next)
        if (child->child)
            status = check_keys(document, child, diag);
    return status;
}

/* cJSON gets well-formed text, so if it fails, memory is out. */
enum status json_open(const char *file, size_t first_line, const char *text, size_t length, struct json_document *out, struct diag *diag)
{
    struct scanner scanner = {.file = file, .text = text, .first_line = first_line, .length = length, .diag = diag};
    enum status status = scan_value(&scanner, 0, SIZE_MAX);
    skip_space(&scanner);
    if (status == SIM_OK && scanner.at < length)
        status = fail(&scanner, scanner.at, "text after the end of the JSON value; remove it");
    struct json_document document = {.file = file,
                                     .text = text,
                                     .first_line = first_line,
                                     .value_at = scanner.value_at,
                                     .key_at = scanner.key_at,
                                     .value_count = scanner.value_count};
    if (status == SIM_OK) {
        document.root = cJSON_ParseWithLength(text, length);
        if (document.root)
            number_nodes(document.root, 0);
        status = document.root ? check_keys(&document, document.root, diag) : diag_no_memory(diag, length, "JSON");
    }
    if (status != SIM_OK) {
        json_close(&document);
        return status;
    }
    *out = document;
    return SIM_OK;
}

void json_close(struct json_document *document)
{
    cJSON_Delete(document->root);
    free(document->value_at);
    free(document->key_at);
    *document = (struct json_document){0};
}

enum status json_read_file(const char *path, enum status (*read)(const struct json_document *document, void *self, struct diag *diag),
                           void *self, struct diag *diag)
{
    struct text_file file;
    struct json_document document;
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    status = json_open(path, 1, file.text, file.length, &document, diag);
    if (status == SIM_OK) {
        status = read(&document, self, diag);
        json_close(&document);
    }
    text_file_close(&file);
    return status;
}

enum status json_error(const struct json_document *document, const cJSON *node, bool at_key, struct diag *diag, const char *format, ...)
{
    char message[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    size_t number = number_of(node), line, column;
    place_of(document->text, document->first_line, at_key ? document->key_at[number] : document->value_at[number], &line, &column);
    return diag_at(diag, document->file, line, column, "%s", message);
}

/* From the text, because cJSON's doubles lose digits above 2^53: hash ids and seeds use all 64 bits. */
bool json_uint64(const struct json_document *document, const cJSON *node, uint64_t *out)
{
    if (!cJSON_IsNumber(node))
        return false;
    const char *start = document->text + document->value_at[number_of(node)], *digit = start;
    uint64_t value = 0;
    for (; is_digit((unsigned char)*digit); digit++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value))
            return false;
    if (digit == start || *digit == '.' || *digit == 'e' || *digit == 'E')
        return false;
    *out = value;
    return true;
}
