/* csv.c - small tables with a header. Read csv_open first.
 *
 *     text    layer,tokens,time_us\n qkv_proj,1,12.5\n qkv_proj,2,13.0\n
 *     fields                         [row 0: 3 fields] [row 1: 3 fields]      each points into the text
 *
 * Numbers are parsed when somebody asks for them. The parsers matter for speed, as a recorded table can be long. */
#include "base/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Split one line into at most `most` fields; returns how many there are, which may be more: the caller tells of it. No quotes: tables of
 * numbers have none. */
static uint32_t split(const char *text, size_t length, struct csv_field *fields, uint32_t most)
{
    uint32_t count = 0;
    size_t start = 0;
    for (size_t at = 0; at <= length; at++) {
        if (at < length && text[at] != ',')
            continue;
        if (count < most)
            fields[count] = (struct csv_field){text + start, (uint32_t)(at - start)};
        count++;
        start = at + 1;
    }
    return count;
}

/* The first line gives the columns; every later one must have as many fields, or a shifted value would be taken for another column's. */
static enum status take_line(struct csv *csv, size_t line, const char *text, size_t length, struct diag *diag)
{
    if (csv->columns == 0) {
        csv->columns = split(text, length, csv->names, CSV_COLUMNS_MOST);
        if (csv->columns > CSV_COLUMNS_MOST)
            return diag_at(diag, csv->path, line, 1, "%u columns; at most %d are understood", csv->columns, CSV_COLUMNS_MOST);
        return SIM_OK;
    }
    enum status status =
        array_reserve(&csv->fields, &csv->field_capacity, (csv->rows + 1) * csv->columns, sizeof *csv->fields, csv->path, diag);
    if (status == SIM_OK)
        status = array_reserve(&csv->lines, &csv->line_capacity, csv->rows + 1, sizeof *csv->lines, csv->path, diag);
    if (status != SIM_OK)
        return status;
    uint32_t count = split(text, length, csv->fields + csv->rows * csv->columns, csv->columns);
    if (count != csv->columns)
        return diag_at(diag, csv->path, line, 1, "%u fields where the header has %u", count, csv->columns);
    csv->lines[csv->rows++] = line;
    return SIM_OK;
}

static bool is_word(const struct csv_field field, const char *word)
{
    return field.length == strlen(word) && memcmp(field.text, word, field.length) == 0;
}

bool csv_has(struct csv *csv, const char *name, uint32_t column)
{
    for (uint32_t i = 0; i < csv->columns; i++)
        if (is_word(csv->names[i], name)) {
            csv->wanted[column] = i;
            return true;
        }
    return false;
}

/* The error lists the columns that there are: most often one is misspelt or from another version of the file. */
static enum status need_column(struct csv *csv, const char *name, uint32_t column)
{
    char known[512] = "";
    size_t used = 0;
    if (csv_has(csv, name, column))
        return SIM_OK;
    for (uint32_t i = 0; i < csv->columns && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%.*s", i ? ", " : "", (int)csv->names[i].length, csv->names[i].text);
    return diag_at(csv->diag, csv->path, 1, 1, "no column \"%s\"; there are: %s", name, known);
}

/* Lines end at \n; a \r before it is dropped. Line numbers count blank lines, too, so that an editor finds the place. */
enum status csv_open(const char *path, const char *const *names, uint32_t count, struct csv *out, struct diag *diag)
{
    *out = (struct csv){.path = path, .diag = diag};
    enum status status = text_file_open(path, &out->file, diag);
    if (status != SIM_OK)
        return status;
    const char *at = out->file.text, *end = at + out->file.length;
    for (size_t line = 1; at < end && status == SIM_OK; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        if (length > 0 && at[length - 1] == '\r')
            length--;
        if (length > 0)
            status = take_line(out, line, at, length, diag);
        at = stop ? stop + 1 : end;
    }
    if (status == SIM_OK && out->columns == 0)
        status = diag_at(diag, path, 1, 1, "an empty file; a header line with column names should stand here");
    for (uint32_t i = 0; i < count && status == SIM_OK; i++)
        status = need_column(out, names[i], i);
    if (status != SIM_OK)
        csv_close(out);
    return status;
}

/* Also of a table that csv_open has given up half-way. */
void csv_close(struct csv *csv)
{
    free(csv->fields);
    free(csv->lines);
    text_file_close(&csv->file);
    *csv = (struct csv){0};
}

/* Rows have as many fields as there are columns, so a place is a product. */
struct csv_field csv_text(const struct csv *csv, size_t row, uint32_t column)
{
    return csv->fields[row * csv->columns + csv->wanted[column]];
}

/* Where in its line the field starts: all fields of a row point into the same line. */
void csv_error(struct csv *csv, size_t row, uint32_t column, const char *what)
{
    const struct csv_field field = csv_text(csv, row, column), first = csv->fields[row * csv->columns];
    csv->status = diag_at(csv->diag, csv->path, csv->lines[row], (size_t)(field.text - first.text) + 1, "\"%.*s\" is not %s",
                          (int)field.length, field.text, what);
}

/* Plain decimals of at most 15 digits: digits and a power of ten are exact doubles then, so that one division rounds as strtod does, at a
 * fraction of its cost. false: something else, for strtod to judge. */
static bool plain_decimal(const struct csv_field field, double *out)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    uint32_t count = 0, point = field.length;
    for (uint32_t at = 0; at < field.length; at++) {
        const unsigned digit = (unsigned)(field.text[at] - '0');
        if (digit < 10) {
            digits = digits * 10 + digit;
            count++;
        } else if (field.text[at] == '.' && point == field.length) {
            point = at;
        } else {
            return false;
        }
        if (count > 15)
            return false;
    }
    if (count == 0)
        return false;
    *out = (double)digits / powers[point == field.length ? 0 : field.length - point - 1];
    return true;
}

/* The quick way for nearly all numbers, strtod for the rest. The field is copied because strtod wants a terminator. */
double csv_number(struct csv *csv, size_t row, uint32_t column)
{
    const struct csv_field field = csv_text(csv, row, column);
    char text[64], *end;
    double value;
    if (plain_decimal(field, &value))
        return value;
    if (field.length > 0 && field.length < sizeof text) {
        memcpy(text, field.text, field.length);
        text[field.length] = '\0';
        value = strtod(text, &end);
        if (*end == '\0' && isfinite(value))
            return value;
    }
    csv_error(csv, row, column, "a number");
    return 0;
}

/* A negative value is returned all the same; csv->status is what callers look at, once after many cells. */
double csv_amount(struct csv *csv, size_t row, uint32_t column)
{
    const double value = csv_number(csv, row, column);
    if (value < 0)
        csv_error(csv, row, column, "a number of 0 or more");
    return value;
}

/* At most 18 digits, which cannot overflow; no file of ours has larger numbers. */
uint64_t csv_whole(struct csv *csv, size_t row, uint32_t column)
{
    const struct csv_field field = csv_text(csv, row, column);
    uint64_t value = 0;
    uint32_t at = 0;
    for (; at < field.length && at < 18 && (unsigned)(field.text[at] - '0') < 10; at++)
        value = value * 10 + (uint64_t)(field.text[at] - '0');
    if (at > 0 && at == field.length)
        return value;
    csv_error(csv, row, column, "a whole number");
    return 0;
}

bool csv_is(const struct csv *csv, size_t row, uint32_t column, const char *word)
{
    return is_word(csv_text(csv, row, column), word);
}
