/* json.h - strict JSON in (over cJSON), exact numbers out.
 *
 * cJSON accepts more than JSON (012, 1., trailing text, repeated keys, invalid UTF-8) and forgets where things stood. So the text is
 * first scanned against the grammar of RFC 8259, which yields exact places of errors and of every value; cJSON then builds the tree of
 * what is known to be well formed. Nesting is limited to JSON_MAX_DEPTH.
 */
#ifndef PAGESIM_JSON_H
#define PAGESIM_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { JSON_MAX_DEPTH = 32 };

struct json_place;
struct json_text;

struct json_document {
    cJSON *root;               /* `valueint` of each node is its number in document order */
    const char *file;          /* borrowed: how to call the input in messages */
    const char *text;          /* borrowed */
    size_t length;             /* of the text */
    size_t first_line;         /* line number of the text's first line */
    size_t first_column;       /* column of the text's first byte */
    struct json_place *places; /* where the n-th value in document order stands, and its key */
};

/* Parse one JSON value that fills the text but for white space. Errors name file, line and column. `file` and `text` must outlive the
 * document; the caller ends it with json_close. */
SIM_NODISCARD enum status json_open(const char *file, size_t first_line, const char *text, size_t length, struct json_document *out,
                                    struct diag *diag);
/* The same for a value inside of a larger text, whose first byte stands at that place. */
SIM_NODISCARD enum status json_open_at(const char *file, size_t line, size_t column, const char *text, size_t length,
                                       struct json_document *out, struct diag *diag);
void json_close(struct json_document *document);

/* Parse the file at `path` and hand the document to `read` with `self`. Text and tree are gone when this returns, so `read` copies what it
 * needs. The first error of all three steps is told. */
SIM_NODISCARD enum status json_read_file(const char *path,
                                         enum status (*read)(const struct json_document *document, void *self, struct diag *diag),
                                         void *self, struct diag *diag);

/* diag_at at the place of a node's value or key. */
enum status json_error(const struct json_document *document, const cJSON *node, bool at_key, struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* An integer that stands in the text without fraction or exponent, read from the text itself, so that all 64 bits are exact.
 * false: not such a number, or out of range. */
bool json_uint64(const struct json_document *document, const cJSON *node, uint64_t *out);

/* The node's text as it stands in the input, without a zero after it; returns its length. */
size_t json_source(const struct json_document *document, const cJSON *node, const char **text);
/* Write the node and all that is in it, with the digits of the input. */
void json_copy(const struct json_document *document, const cJSON *node, struct json_text *out);

/* Append-only JSON text. Commas are placed by themselves; strings are escaped; doubles are printed in the shortest form that reads back
 * to the same value. Memory errors are remembered and told by json_text_status. */
struct json_text {
    char *text;
    size_t length, capacity;
    bool pretty; /* two spaces a level, one member a line */
    bool failed;
    int depth;
    bool filled[JSON_MAX_DEPTH + 1];  /* whether the container at that depth has a member already */
    char closing[JSON_MAX_DEPTH + 1]; /* its closing bracket */
    bool after_key;
};

void json_text_init(struct json_text *json, bool pretty);
void json_text_deinit(struct json_text *json);
SIM_NODISCARD enum status json_text_status(const struct json_text *json, struct diag *diag);
void json_open_object(struct json_text *json);
void json_close_object(struct json_text *json);
void json_open_array(struct json_text *json);
void json_close_array(struct json_text *json);
void json_close_last(struct json_text *json); /* whichever was opened last */
void json_key(struct json_text *json, const char *key);
void json_string(struct json_text *json, const char *value);
void json_int(struct json_text *json, int64_t value);
void json_uint(struct json_text *json, uint64_t value);
void json_double(struct json_text *json, double value); /* NaN and infinities become null */
void json_exact(struct json_text *json, double value);  /* infinities are 1e999, and 0 keeps its sign; NaN becomes null */
void json_bool(struct json_text *json, bool value);
void json_null(struct json_text *json);
/* A line end after the outermost value. */
void json_end_line(struct json_text *json);
/* Bytes as they are, without a comma: for who closes or continues a text by hand. */
void json_append(struct json_text *json, const char *text, size_t length);
void json_raw(struct json_text *json, const char *value, size_t length); /* a value that is JSON already */

/* key and value in one call */
void json_put_string(struct json_text *json, const char *key, const char *value);
void json_put_int(struct json_text *json, const char *key, int64_t value);
void json_put_uint(struct json_text *json, const char *key, uint64_t value);
void json_put_double(struct json_text *json, const char *key, double value);

/* The shortest decimal form of a finite double that reads back the same; at most 32 bytes with the terminator. */
void shortest_double(double value, char *out, size_t size);
/* The same, but whole numbers below 1e15 without an exponent: 50, not 5e+01. How json_double writes. */
void plain_double(double value, char *out, size_t size);

#endif
