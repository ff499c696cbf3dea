/* table.c - tables for people, CSV and JSON. Cells keep values, which each form writes in its own way. Widths are known only when all rows
 * are there, so table_print first measures, then lays columns out in blocks that fit the width. */
#include "base/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/printable.h"
#include "base/units.h"

enum { SHOWN_SIZE = 48, GAP = 2 };

enum cell_kind { CELL_NOTHING, CELL_NUMBER, CELL_TEXT, CELL_FLAG };

/* Numbers stay numbers until they are shown, as people, CSV and JSON want different digits of them. Only what is text from the start is
 * kept as text. */
struct cell {
    enum cell_kind kind;
    double value; /* CELL_FLAG: 0 or 1 */
    char *text;   /* CELL_TEXT, owned */
    char *shown;  /* what people see instead where a terminal would obey the text; owned, else NULL */
};

struct table {
    struct table_column *columns; /* strings included */
    size_t column_count, column_capacity;
    /* One flat array, row after row: a row is column_count cells, and nothing else marks its end. */
    struct cell *cells;
    size_t cell_count, capacity;
    size_t shown_most; /* rows that people see; 0: all */
    bool out_of_memory;
};

static char *copy_text(struct table *table, const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    table->out_of_memory |= text && !copy;
    return copy;
}

void table_add_column(struct table *table, const struct table_column *column)
{
    struct diag ignored = {0}; /* table_status tells */
    if (!table || table->out_of_memory)
        return;
    if (array_reserve(&table->columns, &table->column_capacity, table->column_count + 1, sizeof *column, "a table", &ignored) != SIM_OK) {
        table->out_of_memory = true;
        return;
    }
    struct table_column *copy = &table->columns[table->column_count++];
    *copy = *column;
    copy->name = copy_text(table, column->name);
    copy->heading = copy_text(table, column->heading);
}

enum status table_create(const struct table_column *columns, size_t column_count, struct table **out, struct diag *diag)
{
    enum status status = array_zeroed(out, 1, sizeof **out, "a table", diag);
    for (size_t i = 0; i < column_count && status == SIM_OK; i++)
        table_add_column(*out, &columns[i]);
    return status;
}

void table_destroy(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text), free(table->cells[i].shown);
    for (size_t i = 0; i < table->column_count; i++) {
        free((char *)(uintptr_t)table->columns[i].name);
        free((char *)(uintptr_t)table->columns[i].heading);
    }
    free(table->columns);
    free(table->cells);
    free(table);
}

/* --- filling ------------------------------------------------------------------------------------------------------------------------ */

/* NULL after any failure, so that a row which lacks a cell is never printed: table_status refuses the whole table. */
static struct cell *next_cell(struct table *table, enum cell_kind kind)
{
    struct diag ignored = {0}; /* table_status tells */
    if (!table || table->out_of_memory)
        return NULL;
    if (array_reserve(&table->cells, &table->capacity, table->cell_count + 1, sizeof *table->cells, "a table", &ignored) != SIM_OK) {
        table->out_of_memory = true;
        return NULL;
    }
    struct cell *cell = &table->cells[table->cell_count++];
    *cell = (struct cell){.kind = kind};
    return cell;
}

void table_number(struct table *table, double value)
{
    struct cell *cell = next_cell(table, isnan(value) ? CELL_NOTHING : CELL_NUMBER);
    if (cell)
        cell->value = value;
}

void table_numbers_of(struct table *table, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        table_number(table, values[i]);
}

static char *printable_text(struct table *table, const char *text)
{
    const size_t size = PRINTABLE_GROWTH * strlen(text) + 1;
    char *shown = malloc(size);
    table->out_of_memory |= !shown;
    if (shown)
        printable_copy(text, shown, size);
    return shown;
}

void table_text(struct table *table, const char *text)
{
    struct cell *cell = next_cell(table, text ? CELL_TEXT : CELL_NOTHING);
    if (!cell)
        return;
    cell->text = copy_text(table, text);
    if (text && !printable(text))
        cell->shown = printable_text(table, text);
}

void table_flag(struct table *table, bool value)
{
    struct cell *cell = next_cell(table, CELL_FLAG);
    if (cell)
        cell->value = value;
}

void table_show_first(struct table *table, size_t rows)
{
    if (table)
        table->shown_most = rows;
}

size_t table_rows(const struct table *table)
{
    return table && table->column_count ? table->cell_count / table->column_count : 0;
}

size_t table_columns(const struct table *table)
{
    size_t count = 0;
    for (size_t i = 0; table && i < table->column_count; i++)
        count += table->columns[i].name != NULL;
    return count;
}

static const struct cell *cell_at(const struct table *table, size_t row, const char *column)
{
    for (size_t i = 0; i < table->column_count && row < table_rows(table); i++)
        if (table->columns[i].name && strcmp(table->columns[i].name, column) == 0)
            return &table->cells[row * table->column_count + i];
    return NULL;
}

double table_number_at(const struct table *table, size_t row, const char *column)
{
    const struct cell *cell = table ? cell_at(table, row, column) : NULL;
    return cell && (cell->kind == CELL_NUMBER || cell->kind == CELL_FLAG) ? cell->value : (double)NAN;
}

const char *table_text_at(const struct table *table, size_t row, const char *column)
{
    const struct cell *cell = table ? cell_at(table, row, column) : NULL;
    return cell && cell->text ? cell->text : "";
}

enum status table_status(const struct table *table, struct diag *diag)
{
    return !table || table->out_of_memory ? diag_no_memory(diag, table ? table->capacity * sizeof *table->cells : sizeof *table, "a table")
                                          : SIM_OK;
}

/* --- for people --------------------------------------------------------------------------------------------------------------------- */

static size_t shown_rows(const struct table *table)
{
    const size_t rows = table_rows(table);
    return table->shown_most > 0 && table->shown_most < rows ? table->shown_most : rows;
}

/* A cell as people see it: its own text, or rounded into `out`, which has SHOWN_SIZE bytes. */
static const char *shown(const struct table *table, const struct cell *cell, char *out)
{
    /* A cell's column follows from where it stands. */
    const struct table_column *column = &table->columns[(size_t)(cell - table->cells) % table->column_count];
    const double value = column->unit > 0 ? cell->value / column->unit : cell->value;
    if (cell->text)
        return cell->shown ? cell->shown : cell->text;
    if (cell->kind == CELL_FLAG)
        return column->decimals == TABLE_STAR ? (cell->value > 0 ? "*" : "") : cell->value > 0 ? "yes" : "no";
    if (cell->kind == CELL_NOTHING)
        return "-";
    if (column->decimals == TABLE_WHOLE && value >= 0 && value < 1e18)
        return unit_count((uint64_t)value, out);
    if (column->decimals == TABLE_EXACT && isfinite(value))
        plain_double(value, out, SHOWN_SIZE);
    else
        unit_fixed(value, column->decimals > 0 ? column->decimals : 0, out, SHOWN_SIZE);
    return out;
}

/* A cell that tells nothing; a column of such cells is not shown. */
static bool blank(const char *text)
{
    return text[0] == '\0' || strcmp(text, "-") == 0;
}

/* Characters that a column needs; 0 when nothing stands in it. Each cell is formatted here and once more when it is printed: tables are
 * small, and keeping the texts would need memory that can run out. */
static size_t width_of(const struct table *table, size_t column)
{
    size_t width = 0;
    bool any = false;
    for (size_t row = 0; row < shown_rows(table); row++) {
        char rounded[SHOWN_SIZE];
        const char *text = shown(table, &table->cells[row * table->column_count + column], rounded);
        any |= !blank(text);
        /* Bytes count as characters, here and in printf: text that is not ASCII puts its own line out of alignment. */
        if (strlen(text) > width)
            width = strlen(text);
    }
    size_t heading = table->columns[column].heading ? strlen(table->columns[column].heading) : 0;
    return !any || heading == 0 ? 0 : width > heading ? width : heading;
}

/* A layout: where lines begin, how many columns they may have, and what each table column needs (0: not shown). */
struct layout {
    const char *indent;
    size_t room; /* after the indent */
    const size_t *widths;
};

/* A block: the key column, then columns [from, to). */
struct block {
    size_t key, from, to;
};

/* The last text of a line, with what does not fit on further lines below its beginning. */
static void print_wrapped(const char *text, size_t at, const struct layout *layout, FILE *file)
{
    const size_t room = layout->room > at ? layout->room - at : 1;
    while (strlen(text) > room) {
        size_t end = room;
        while (end > 0 && text[end] != ' ')
            end--;
        if (end == 0) /* one long word is not cut */
            end = strcspn(text, " ");
        fprintf(file, "%.*s", (int)end, text);
        text += end + (text[end] == ' ');
        if (*text)
            fprintf(file, "\n%s%*s", layout->indent, (int)at, "");
    }
    fputs(text, file);
}

/* One cell or heading, `at` columns after the indent; `last` of its line: no blanks after it. */
static void print_cell(const struct table *table, size_t column, const struct layout *layout, size_t at, size_t row, bool headings,
                       bool last, FILE *file)
{
    const int decimals = table->columns[column].decimals, width = (int)layout->widths[column];
    char rounded[SHOWN_SIZE];
    const char *text = headings ? table->columns[column].heading : shown(table, &table->cells[row * table->column_count + column], rounded);
    const bool left = decimals == TABLE_TEXT || decimals == TABLE_STAR;
    if (left && last)
        print_wrapped(text, at, layout, file);
    else
        fprintf(file, "%*s", left ? -width : width, text);
}

/* The key column stands at the left of every block, wherever it is in the table. Only the last cell of a line may wrap, as nothing to its
 * right has to stay aligned. */
static void print_line(const struct table *table, const struct layout *layout, const struct block *block, size_t row, bool headings,
                       FILE *file)
{
    size_t last = block->key, at = layout->widths[block->key];
    for (size_t column = block->from; column < block->to; column++)
        if (layout->widths[column] > 0)
            last = column;
    fputs(layout->indent, file);
    print_cell(table, block->key, layout, 0, row, headings, last == block->key, file);
    for (size_t column = block->from; column < block->to; column++) {
        if (layout->widths[column] == 0 || column == block->key)
            continue;
        fprintf(file, "%*s", GAP, "");
        print_cell(table, column, layout, at + GAP, row, headings, column == last, file);
        at += GAP + layout->widths[column];
    }
    fputc('\n', file);
}

/* The columns from `from` on that fit next to the key; at least one. A column that is wider than the room gets a block of its own, too wide
 * as it is: it must be shown somewhere, and the loop over blocks must end. */
static size_t end_of_block(const struct table *table, const size_t *widths, size_t key, size_t from, size_t room)
{
    size_t used = widths[key], to = from;
    bool any = false;
    for (; to < table->column_count; to++) {
        const size_t more = widths[to] == 0 || to == key ? 0 : GAP + widths[to];
        if (more > 0 && any && used + more > room)
            break;
        any |= more > 0;
        used += more;
    }
    return to;
}

/* The first column that says which row it is: a star says nothing in a second block. */
static size_t key_column(const struct table *table, const size_t *widths)
{
    for (size_t column = 0; column < table->column_count; column++)
        if (widths[column] > 0 && table->columns[column].decimals != TABLE_STAR)
            return column;
    return 0;
}

enum status table_print(const struct table *table, const char *indent, size_t width, FILE *file, struct diag *diag)
{
    size_t *widths;
    enum status status = array_zeroed(&widths, table->column_count, sizeof *widths, "a table", diag);
    if (status != SIM_OK)
        return status;
    for (size_t column = 0; column < table->column_count; column++)
        widths[column] = width_of(table, column);
    const struct layout layout = {.indent = indent, .room = width > strlen(indent) ? width - strlen(indent) : 0, .widths = widths};
    /* The first block begins with the first column that has something to show, be it a star; further blocks repeat the column that names
     * the row. */
    struct block block = {.key = 0};
    while (block.key + 1 < table->column_count && widths[block.key] == 0)
        block.key++;
    while (block.from < table->column_count && widths[block.key] > 0) { /* else no column has anything to show */
        block.to = end_of_block(table, widths, block.key, block.from, layout.room);
        if (block.from > 0)
            fputc('\n', file);
        print_line(table, &layout, &block, 0, true, file);
        for (size_t row = 0; row < shown_rows(table); row++)
            print_line(table, &layout, &block, row, false, file);
        block.from = block.to;
        block.key = key_column(table, widths);
    }
    free(widths);
    return SIM_OK;
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------- */

/* Whole numbers with all their digits, others as short as they read back; nothing for what is not a number. */
static const char *text_for_programs(const struct cell *cell, char *out)
{
    out[0] = '\0';
    if (cell->kind == CELL_FLAG)
        snprintf(out, SHOWN_SIZE, "%s", cell->value > 0 ? "true" : "false");
    else if (cell->kind != CELL_NUMBER || !isfinite(cell->value))
        return out;
    else if (cell->value == floor(cell->value) && fabs(cell->value) < 0x1p53)
        snprintf(out, SHOWN_SIZE, "%.0f", cell->value + 0.0); /* 400, not 4e+02; 0, not -0 */
    else
        shortest_double(cell->value, out, SHOWN_SIZE);
    return out;
}

/* Quotes only where RFC 4180 wants them, so that plain tables stay readable; a quote inside is doubled. `first` comes before the text. */
static void put_csv(const char *first, const char *text, FILE *file)
{
    const bool plain = !strpbrk(text, ",\"\r\n");
    if (!plain)
        fputc('"', file);
    fputs(first, file);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    if (!plain)
        fputc('"', file);
}

/* A spreadsheet runs a cell that begins like a formula, also in a full-width spelling, unless it is text: a quote in front makes it that. A
 * number in a column of text, such as -0.5, stays a number. */
static bool would_run(const char *text)
{
    static const char *const beginnings[] = {"=",           "+", "-", "@", "\t", "\r", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
                                             "\xef\xbc\xa0"};
    char *end;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0) {
            (void)strtod(text, &end);
            return end == text || *end != '\0';
        }
    return false;
}

/* Text of others is made harmless for spreadsheets and for terminals; numbers are ours. Nothing between the commas where there is no
 * number. */
static void print_csv_cell(const struct cell *cell, FILE *file)
{
    char digits[SHOWN_SIZE];
    if (cell->text)
        put_csv(would_run(cell->text) ? "'" : "", cell->shown ? cell->shown : cell->text, file);
    else
        fputs(text_for_programs(cell, digits), file);
}

void table_print_csv(const struct table *table, FILE *file)
{
    table_print_csv_first(table, table_rows(table), file);
}

void table_print_csv_first(const struct table *table, size_t most, FILE *file)
{
    for (size_t row = 0; row <= table_rows(table) && row <= most; row++) { /* the headings, then the cells */
        const char *separator = "";
        for (size_t column = 0; column < table->column_count; column++) {
            const struct cell *cell = row > 0 ? &table->cells[(row - 1) * table->column_count + column] : NULL;
            if (!table->columns[column].name)
                continue;
            fputs(separator, file);
            if (!cell)
                fputs(table->columns[column].name, file);
            else
                print_csv_cell(cell, file);
            separator = ",";
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
        const char *name = table->columns[i % table->column_count].name;
        char digits[SHOWN_SIZE];
        if (i % table->column_count == 0)
            json_open_object(json);
        if (name) {
            json_key(json, name);
            text_for_programs(cell, digits);
            if (cell->text)
                json_string(json, cell->text);
            else if (digits[0] == '\0')
                json_null(json);
            else
                json_raw(json, digits, strlen(digits));
        }
        if ((i + 1) % table->column_count == 0)
            json_close_object(json);
    }
    json_close_array(json);
}

/* Are the objects of table_write_json all that the cells say? Columns for people alone are not in them, and of numbers neither infinities nor
 * the sign of 0. */
static bool objects_say_all(const struct table *table)
{
    for (size_t column = 0; column < table->column_count; column++)
        if (!table->columns[column].name)
            return false;
    for (size_t i = 0; i < table->cell_count; i++)
        if (table->cells[i].kind == CELL_NUMBER &&
            (!isfinite(table->cells[i].value) || (table->cells[i].value == 0 && signbit(table->cells[i].value))))
            return false;
    return true;
}

static void write_cell(const struct cell *cell, struct json_text *json)
{
    if (cell->kind == CELL_TEXT)
        json_string(json, cell->text);
    else if (cell->kind == CELL_FLAG)
        json_bool(json, cell->value > 0);
    else if (cell->kind == CELL_NUMBER)
        json_exact(json, cell->value);
    else
        json_null(json);
}

static void write_column(const struct table_column *column, struct json_text *json)
{
    json_open_object(json);
    if (column->name)
        json_put_string(json, "name", column->name);
    if (column->heading)
        json_put_string(json, "heading", column->heading);
    json_put_int(json, "decimals", column->decimals);
    if (column->unit != 0)
        json_put_double(json, "unit", column->unit);
    json_close_object(json);
}

void table_write_whole(const struct table *table, bool objects, struct json_text *json)
{
    json_key(json, "columns");
    json_open_array(json);
    for (size_t column = 0; column < table->column_count; column++)
        write_column(&table->columns[column], json);
    json_close_array(json);
    json_put_uint(json, "shown", table->shown_most);
    if (objects && objects_say_all(table))
        return;
    json_key(json, "rows");
    json_open_array(json);
    for (size_t row = 0; row < table_rows(table); row++) {
        json_open_array(json);
        for (size_t column = 0; column < table->column_count; column++)
            write_cell(&table->cells[row * table->column_count + column], json);
        json_close_array(json);
    }
    json_close_array(json);
}
