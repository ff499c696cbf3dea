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
#include "base/json_scan.h"
#include "base/text_file.h"
#include "base/utf8.h"

/* Where a value stands, and its key, or the value once more where it has none. */
struct json_place {
    size_t value, key;
};

/* Every scan_ function says whether the text is right so far; the first error is in the diag. */
struct scanner {
    const char *file, *text;
    size_t first_line, first_column, length, at;
    struct json_place *places;
    size_t capacity, count;
    struct diag *diag;
};

/* Counted from the start each time: an error is told once, and keeping line starts for every text would cost all the others. */
static void place_of(const char *text, size_t first_line, size_t first_column, size_t offset, size_t *line, size_t *column)
{
    *line = first_line;
    *column = first_column;
    for (size_t i = 0; i < offset; i++) {
        ++*column;
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        }
    }
}

/* Returns false, so that a scan_ function can end with it. One error is enough: nothing after it can be trusted. */
static bool fail(struct scanner *scanner, size_t offset, const char *message)
{
    size_t line, column;
    place_of(scanner->text, scanner->first_line, scanner->first_column, offset, &line, &column);
    diag_at(scanner->diag, scanner->file, line, column, "%s", message);
    return false;
}

/* The next byte, or -1 at the end of the text. */
static int peek(const struct scanner *scanner)
{
    return scanner->at < scanner->length ? (unsigned char)scanner->text[scanner->at] : -1;
}

/* Step over the next byte if it is one of these. */
static bool take_any(struct scanner *scanner, const char *wanted)
{
    const int c = peek(scanner);
    const bool found = c > 0 && strchr(wanted, c);
    scanner->at += found;
    return found;
}

/* JSON's four; other blanks of Unicode are errors. */
static void skip_space(struct scanner *scanner)
{
    while (take_any(scanner, " \t\n\r"))
        continue;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Four hexadecimal digits at scanner->at, which moves past them. */
static bool scan_hex(struct scanner *scanner, size_t escape_at, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        const int c = peek(scanner);
        if (!take_any(scanner, "0123456789abcdefABCDEF"))
            return fail(scanner, escape_at, "\\u needs four hexadecimal digits");
        *code = *code * 16 + (unsigned)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

/* \u0000 is legal JSON, but cJSON's strings end at it, so a key could seem to be another one. Half of a surrogate pair is no character. */
static bool scan_escape(struct scanner *scanner)
{
    static const char half[] = "half of a surrogate pair; \\uD800 to \\uDBFF and \\uDC00 to \\uDFFF only stand together";
    const size_t start = scanner->at++;
    unsigned code, low = 0;
    if (take_any(scanner, "\"\\/bfnrt"))
        return true;
    if (!take_any(scanner, "u"))
        return fail(scanner, start, "unknown escape in a string; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    if (!scan_hex(scanner, start, &code))
        return false;
    if (code == 0)
        return fail(scanner, start, "\\u0000 in a string; leave it out");
    if (code < 0xd800 || code >= 0xe000)
        return true;
    if (code >= 0xdc00 || !take_any(scanner, "\\") || !take_any(scanner, "u"))
        return fail(scanner, start, half);
    return scan_hex(scanner, start, &low) && ((low >= 0xdc00 && low < 0xe000) || fail(scanner, start, half));
}

/* The text between the quotes is checked and skipped; cJSON unescapes it. */
static bool scan_string(struct scanner *scanner)
{
    const size_t start = scanner->at++;
    for (;;) {
        const int c = peek(scanner);
        if (c < 0 || c == '\n')
            return fail(scanner, start, "a string that does not end; close it with \"");
        if (take_any(scanner, "\""))
            return true;
        if (c < 0x20)
            return fail(scanner, scanner->at, "a control character in a string; write it as \\u00XX");
        if (c == '\\') {
            if (!scan_escape(scanner))
                return false;
            continue;
        }
        const size_t length = utf8_sequence(scanner->text + scanner->at, scanner->length - scanner->at);
        if (length == 0)
            return fail(scanner, scanner->at, "invalid UTF-8; save the file as UTF-8");
        scanner->at += length;
    }
}

/* One digit or more. */
static bool scan_digits(struct scanner *scanner, const char *message)
{
    if (!is_digit(peek(scanner)))
        return fail(scanner, scanner->at, message);
    while (is_digit(peek(scanner)))
        scanner->at++;
    return true;
}

/* cJSON takes 012 and 1., which are not JSON; what it would read as something else than was meant is refused here. */
static bool scan_number(struct scanner *scanner)
{
    enum { LONGEST_NUMBER = 63 }; /* cJSON reads no longer ones */
    const size_t start = scanner->at, first = start + take_any(scanner, "-");
    if (!scan_digits(scanner, "not a JSON number; a digit belongs here"))
        return false;
    if (scanner->text[first] == '0' && scanner->at > first + 1)
        return fail(scanner, first, "a number with a leading zero; write it without");
    if (take_any(scanner, ".") && !scan_digits(scanner, "digits must follow the decimal point"))
        return false;
    if (take_any(scanner, "eE")) {
        take_any(scanner, "+-");
        if (!scan_digits(scanner, "digits must follow the exponent"))
            return false;
    }
    return scanner->at - start <= LONGEST_NUMBER || fail(scanner, start, "a number of more than 63 characters; write it shorter");
}

static bool scan_value(struct scanner *scanner, int depth, size_t key_at);

/* The inside of an object or an array: both are lists with commas, an object's members have keys besides. */
static bool scan_members(struct scanner *scanner, int depth, bool object)
{
    const char *const end = object ? "}" : "]";
    const size_t start = scanner->at++;
    skip_space(scanner);
    if (take_any(scanner, end))
        return true;
    do {
        skip_space(scanner);
        /* An array's values have no key; errors about one then point to the value. */
        const size_t key_at = object ? scanner->at : SIZE_MAX;
        if (object) {
            if (peek(scanner) != '"')
                return fail(scanner, scanner->at, "a key in double quotes belongs here");
            if (!scan_string(scanner))
                return false;
            skip_space(scanner);
            if (!take_any(scanner, ":"))
                return fail(scanner, scanner->at, "a colon belongs between a key and its value");
        }
        if (!scan_value(scanner, depth + 1, key_at))
            return false;
        skip_space(scanner);
    } while (take_any(scanner, ","));
    if (take_any(scanner, end))
        return true;
    /* At the end of the text the error points to the opening bracket, since that is the one without a partner. */
    if (peek(scanner) < 0)
        return fail(scanner, start,
                    object ? "an object that does not end; close it with }" : "an array that does not end; close it with ]");
    return fail(scanner, scanner->at, object ? "a comma or } belongs here" : "a comma or ] belongs here");
}

/* What starts like nothing else: a word, or not JSON. */
static bool scan_word(struct scanner *scanner)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t length = strlen(words[i]);
        if (scanner->length - scanner->at >= length && memcmp(scanner->text + scanner->at, words[i], length) == 0) {
            scanner->at += length;
            return true;
        }
    }
    return fail(scanner, scanner->at, "not JSON; a value belongs here: an object, array, string, number, true, false or null");
}

/* Depth is limited because scanner and cJSON both recurse: a text of nothing but brackets must not use up the stack. The place is
 * noted before the value is scanned, so that a container comes before what it holds: the order in which number_nodes counts. */
static bool scan_value(struct scanner *scanner, int depth, size_t key_at)
{
    skip_space(scanner);
    if (depth > JSON_MAX_DEPTH)
        return fail(scanner, scanner->at, "nested too deeply; at most 32 levels are read");
    if (array_reserve(&scanner->places, &scanner->capacity, scanner->count + 1, sizeof *scanner->places, "JSON places", scanner->diag) !=
        SIM_OK)
        return false;
    scanner->places[scanner->count++] = (struct json_place){scanner->at, key_at == SIZE_MAX ? scanner->at : key_at};
    const int c = peek(scanner);
    if (c == '{' || c == '[')
        return scan_members(scanner, depth, c == '{');
    if (c == '"')
        return scan_string(scanner);
    return c == '-' || is_digit(c) ? scan_number(scanner) : scan_word(scanner);
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

static const struct json_place *place_of_node(const struct json_document *document, const cJSON *node)
{
    return &document->places[node->valueint];
}

/* Equal names next to each other, in the order of the text. */
static int by_name(const void *a, const void *b)
{
    const cJSON *const *left = a, *const *right = b;
    const int order = strcmp((*left)->string, (*right)->string);
    return order ? order : (*left)->valueint - (*right)->valueint;
}

/* RFC 8259 leaves open which of two equal keys counts, and readers differ. The error points to the last one. Sorting takes O(n log n);
 * objects of ours are small. */
static enum status refuse_repeated_keys(const struct json_document *document, const cJSON *object, struct diag *diag)
{
    size_t count = (size_t)cJSON_GetArraySize(object), at = 0;
    const cJSON **members, *member;
    enum status status = array_zeroed(&members, count, sizeof *members, "JSON keys", diag);
    if (status != SIM_OK)
        return status;
    cJSON_ArrayForEach(member, object) members[at++] = member;
    qsort(members, count, sizeof *members, by_name);
    for (size_t i = count; i-- > 1;)
        if (strcmp(members[i - 1]->string, members[i]->string) == 0)
            at = i; /* of several names, the first one; of that, its last member */
    while (at + 1 < count && strcmp(members[at]->string, members[at + 1]->string) == 0)
        at++;
    if (at < count)
        status = json_error(document, members[at], true, diag, "\"%s\" is given twice; keep one", members[at]->string);
    free(members);
    return status;
}

/* In every object of the tree. */
static enum status check_keys(const struct json_document *document, const cJSON *node, struct diag *diag)
{
    enum status status = cJSON_IsObject(node) ? refuse_repeated_keys(document, node, diag) : SIM_OK;
    for (const cJSON *child = node->child; child && status == SIM_OK; child = child->next)
        /* Only containers with something in them can have keys; leaves are skipped. */
        if (child->child)
            status = check_keys(document, child, diag);
    return status;
}

/* cJSON gets well-formed text, so if it fails, memory is out. */
enum status json_open_at(const char *file, size_t line, size_t column, const char *text, size_t length, struct json_document *out,
                         struct diag *diag)
{
    struct scanner scanner = {.file = file, .text = text, .first_line = line, .first_column = column, .length = length, .diag = diag};
    struct json_document document = {.file = file, .text = text, .length = length, .first_line = line, .first_column = column};
    bool right = scan_value(&scanner, 0, SIZE_MAX);
    skip_space(&scanner);
    if (right && scanner.at < length)
        right = fail(&scanner, scanner.at, "text after the end of the JSON value; remove it");
    document.places = scanner.places;
    enum status status = right ? SIM_OK : diag->status;
    if (right) {
        document.root = cJSON_ParseWithLength(text, length);
        if (document.root)
            number_nodes(document.root, 0);
        status = document.root ? check_keys(&document, document.root, diag) : diag_no_memory(diag, length, "JSON");
    }
    if (status == SIM_OK)
        *out = document;
    else
        json_close(&document);
    return status;
}

enum status json_open(const char *file, size_t first_line, const char *text, size_t length, struct json_document *out, struct diag *diag)
{
    return json_open_at(file, first_line, 1, text, length, out, diag);
}

void json_close(struct json_document *document)
{
    cJSON_Delete(document->root);
    free(document->places);
    *document = (struct json_document){0};
}

/* Places and whole numbers are looked up in the text (json_error, json_uint64), so the file stays open until `read` is done. */
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

/* Points to the value, or to its key where the key itself is wrong. The tree has no places of its own; the node's number finds it
 * (number_nodes). */
enum status json_error(const struct json_document *document, const cJSON *node, bool at_key, struct diag *diag, const char *format, ...)
{
    char message[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const struct json_place *place = place_of_node(document, node);
    size_t line, column;
    place_of(document->text, document->first_line, document->first_column, at_key ? place->key : place->value, &line, &column);
    return diag_at(diag, document->file, line, column, "%s", message);
}

/* From the text, because cJSON's doubles lose digits above 2^53: hash ids and seeds use all 64 bits. */
bool json_uint64(const struct json_document *document, const cJSON *node, uint64_t *out)
{
    if (!cJSON_IsNumber(node))
        return false;
    const char *start = document->text + place_of_node(document, node)->value, *digit = start;
    uint64_t value = 0;
    for (; is_digit((unsigned char)*digit); digit++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value))
            return false;
    if (digit == start || *digit == '.' || *digit == 'e' || *digit == 'E')
        return false;
    *out = value;
    return true;
}

size_t json_source(const struct json_document *document, const cJSON *node, const char **text)
{
    const char *end = document->text + document->length;
    *text = document->text + place_of_node(document, node)->value;
    return (size_t)(json_value_end(*text, end) - *text);
}

/* Numbers from the text: cJSON's doubles would come out with other digits. */
void json_copy(const struct json_document *document, const cJSON *node, struct json_text *out)
{
    const cJSON *child;
    const char *text;
    if (cJSON_IsString(node)) {
        json_string(out, node->valuestring);
        return;
    }
    if (!cJSON_IsObject(node) && !cJSON_IsArray(node)) {
        const size_t length = json_source(document, node, &text);
        json_raw(out, text, length);
        return;
    }
    if (cJSON_IsObject(node))
        json_open_object(out);
    else
        json_open_array(out);
    cJSON_ArrayForEach(child, node)
    {
        if (child->string)
            json_key(out, child->string);
        json_copy(document, child, out);
    }
    json_close_last(out);
}
