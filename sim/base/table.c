/* table.c - cells are kept as values, for programs, and as text, for people; widths of columns are known only when all rows are there. Read
 * struct cell first; the renderers at the end walk the cells in order.
 */
#include "base/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"

enum { SHOWN_SIZE = 48 };

/* Text for people is made when a number is added: widths need it, and it is short. */
struct cell {
    double value;
    char *text; /* TABLE_TEXT columns, owned */
    char shown[SHOWN_SIZE];
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct cell *cells;
    size_t cell_count, capacity;
    bool out_of_memory;
};

enum status table_create(const struct table_column *columns, size_t column_count, struct table **out, struct diag *diag)
{
    enum status status = array_zeroed(out, 1, sizeof **out, "a table", diag);
    if (status == SIM_OK) {
        (*out)->columns = columns;
        (*out)->column_count = column_count;
    }
    return status;
}

void table_destroy(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

/* NULL when memory is out, from then on: a table with a hole would put values under the wrong heading. */
static struct cell *next_cell(struct table *table)
{
    struct diag ignored = {0}; /* table_status tells */
    if (table->out_of_memory ||
        array_reserve(&table->cells, &table->capacity, table->cell_count + 1, sizeof *table->cells, "a table", &ignored) != SIM_OK) {
        table->out_of_memory = true;
        return NULL;
    }
    table->cells[table->cell_count] = (struct cell){0};
    return &table->cells[table->cell_count++];
}

/* Rounded for people when it is added; `value` keeps all digits. */
void table_number(struct table *table, double value)
{
    const struct table_column *column = &table->columns[table->cell_count % table->column_count];
    struct cell *cell = next_cell(table);
    if (!cell)
        return;
    cell->value = value;
    if (isnan(value))
        memcpy(cell->shown, "-", 2);
    else if (column->decimals == TABLE_WHOLE && value >= 0 && value < 1e18)
        unit_count((uint64_t)value, cell->shown);
    else
        snprintf(cell->shown, sizeof cell->shown, "%.*f", column->decimals > 0 ? column->decimals : 0, value);
}

void table_text(struct table *table, const char *text)
{
    struct cell *cell = next_cell(table);
    if (!cell)
        return;
    cell->value = NAN;
    cell->text = strdup(text);
    table->out_of_memory |= cell->text == NULL;
}

size_t table_rows(const struct table *table)
{
    return table->column_count ? table->cell_count / table->column_count : 0;
}

enum status table_status(const struct table *table, struct diag *diag)
{
    return table->out_of_memory ? diag_no_memory(diag, table->capacity * sizeof *table->cells, "a table") : SIM_OK;
}

static const char *shown(const struct cell *cell)
{
    return cell->text ? cell->text : cell->shown;
}

/* A cell that tells nothing; a column of such cells is not shown. */
static bool blank(const char *text)
{
    return text[0] == '\0' || strcmp(text, "-") == 0;
}

/* Characters that a column needs; 0 when nothing stands in it. */
static size_t width_of(const struct table *table, size_t column)
{
    size_t width = 0;
    bool any = false;
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        const char *text = shown(&table->cells[i]);
        any |= !blank(text);
        if (strlen(text) > width)
            width = strlen(text);
    }
    size_t heading = table->columns[column].heading ? strlen(table->columns[column].heading) : 0;
    return !any || heading == 0 ? 0 : width > heading ? width : heading;
}

/* Numbers are right-aligned so that digits line up, text left-aligned. */
static void print_line(const struct table *table, const char *indent, const size_t *widths, size_t row, bool headings, FILE *file)
{
    const char *separator = indent;
    for (size_t column = 0; column < table->column_count; column++) {
        if (widths[column] == 0)
            continue;
        const char *text = headings ? table->columns[column].heading : shown(&table->cells[row * table->column_count + column]);
        int width = (int)widths[column];
        bool left = table->columns[column].decimals == TABLE_TEXT, last = column + 1 == table->column_count;
        fprintf(file, "%s%*s", separator, left ? (last ? 0 : -width) : width, text); /* no blanks at the end of a line */
        separator = "  ";
    }
    fputc('\n', file);
}

/* Out of memory prints nothing here: table_status tells it, and callers ask that first. */
void table_print(const struct table *table, const char *indent, FILE *file)
{
    struct diag ignored = {0};
    size_t *widths;
    if (array_zeroed(&widths, table->column_count, sizeof *widths, "a table", &ignored) != SIM_OK)
        return;
    for (size_t column = 0; column < table->column_count; column++)
        widths[column] = width_of(table, column);
    print_line(table, indent, widths, 0, true, file);
    for (size_t row = 0; row < table_rows(table); row++)
        print_line(table, indent, widths, row, false, file);
    free(widths);
}

/* Whole numbers with all their digits, others as short as they read back. */
static void number_for_programs(double value, char *out)
{
    if (value == floor(value) && fabs(value) < 0x1p53)
        snprintf(out, SHOWN_SIZE, "%.0f", value); /* 400, not 4e+02 */
    else
        shortest_double(value, out, SHOWN_SIZE);
}

/* RFC 4180: quotes around what holds a separator, doubled inside. */
static void print_csv_text(const char *text, FILE *file)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

/* Nothing between the commas where there is no number. */
void table_print_csv(const struct table *table, FILE *file)
{
    const struct cell *cell = table->cells;
    for (size_t column = 0; column < table->column_count; column++)
        fprintf(file, "%s%s", column ? "," : "", table->columns[column].name);
    fputc('\n', file);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t column = 0; column < table->column_count; column++, cell++) {
            char digits[SHOWN_SIZE] = "";
            if (column > 0)
                fputc(',', file);
            if (cell->text)
                print_csv_text(cell->text, file);
            else if (isfinite(cell->value))
                number_for_programs(cell->value, digits);
            fputs(digits, file);
        }
        fputc('\n', file);
    }
}

/* Keys are the columns' names, so a row is an object. */
void table_write_json(const struct table *table, struct json_text *json)
{
    json_open_array(json);
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        size_t column = i % table->column_count;
        if (column == 0)
            json_open_object(json);
        if (cell->text)
            json_put_string(json, table->columns[column].name, cell->text);
        else if (!isfinite(cell->value))
            json_put_double(json, table->columns[column].name, cell->value);
        else {
            char digits[SHOWN_SIZE];
            number_for_programs(cell->value, digits);
            json_key(json, table->columns[column].name);
            json_raw(json, digits, strlen(digits));
        }
        if (column + 1 == table->column_count)
            json_close_object(json);
    }
    json_close_array(json);
}
