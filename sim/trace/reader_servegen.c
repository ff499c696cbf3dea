/* reader_servegen.c - the rate tables of ServeGen: rows of start (s), rate (1/s), CV of the gaps, their distribution and its two parameters,
 * without a header. Such a file is a load and no trace: requests are drawn from it.
 *
 * A row holds until the next one starts; the last one as long as the one before it. Gaps are gamma distributed with the row's rate and CV,
 * whatever distribution it names, so the parameters are not read. Lengths are those of the random data set. Source: alibaba/ServeGen,
 * "ServeGen: Workload Characterization and Generation of Large Language Model Serving in Production", 2025. Read read_piece at the end
 * first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/seeded_random.h"
#include "trace/csv_layout.h"
#include "trace/csv_values.h"
#include "trace/trace_random.h"
#include "trace/trace_reader.h"

/* ServeGen's own windows, for a table of one row. Requests beyond the most are a mistake in the table, and would fill the memory. */
enum { CELLS = 6, WINDOW_S = 600, REQUESTS_MOST = 100000000 };

enum cell { CELL_START, CELL_RATE, CELL_CV, CELL_DISTRIBUTION };

struct window {
    int64_t start_ns;
    double rate, cv;
};

struct windows {
    struct window *items;
    size_t count, capacity;
};

/* --- the table ------------------------------------------------------------------------------------------------------------------- */

/* How many cells there are; the first six are kept. */
static size_t split(const char *line, size_t length, struct csv_cell cells[CELLS])
{
    size_t count = 0;
    const char *at = line, *const end = line + length;
    for (bool more = true; more; count++) {
        struct csv_cell cell;
        at = csv_take_cell(at, end, ',', &cell);
        if (count < CELLS)
            cells[count] = cell;
        more = at < end;
        at += more;
    }
    return count;
}

/* Counted in billionths, which is exact enough for rates and is the same on every machine and in every locale. */
static bool take_ratio(const struct csv_cell *cell, double *out)
{
    int64_t billionths;
    if (!csv_decimal(cell->text, cell->length, 9, &billionths))
        return false;
    *out = (double)billionths / 1e9;
    return true;
}

static bool is_distribution(const struct csv_cell *cell)
{
    static const char *const names[] = {"Exponential", "Gamma", "Weibull", "Poisson"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cell->length == strlen(names[i]) && strncasecmp(cell->text, names[i], cell->length) == 0)
            return true;
    return false;
}

/* A row without requests may leave the rest open. */
static enum status read_row(struct trace_rows *rows, const char *line, size_t length, size_t number, struct windows *windows)
{
    struct csv_cell cells[CELLS];
    struct window window = {.cv = 1};
    const uint32_t power = csv_unit_power(rows->source->facts.time_unit_ns);
    size_t wrong = CELLS;
    const size_t count = split(line, length, cells);
    if (count != CELLS)
        return diag_at(&rows->diag, rows->source->name, number, 1,
                       "a row of a ServeGen table has six cells: start, rate, CV, distribution, two parameters; here are %zu", count);
    if (!csv_decimal(cells[CELL_START].text, cells[CELL_START].length, power, &window.start_ns) ||
        (windows->count > 0 && window.start_ns <= windows->items[windows->count - 1].start_ns))
        wrong = CELL_START;
    else if (!take_ratio(&cells[CELL_RATE], &window.rate))
        wrong = CELL_RATE;
    else if (window.rate > 0 && (!take_ratio(&cells[CELL_CV], &window.cv) || window.cv > 1000))
        wrong = CELL_CV;
    else if (window.rate > 0 && !is_distribution(&cells[CELL_DISTRIBUTION]))
        wrong = CELL_DISTRIBUTION;
    static const char *const must[] = {"the start must be a number of seconds, later than that of the row before",
                                       "the rate must be a number of requests a second from 0 on", "the CV must be a number from 0 to 1000",
                                       "the distribution must be Exponential, Gamma, Weibull or Poisson"};
    if (wrong < CELLS)
        return diag_at(&rows->diag, rows->source->name, number, (size_t)(cells[wrong].text - line) + 1, "%s", must[wrong]);
    return array_append(&windows->items, &windows->count, &windows->capacity, &window, sizeof window, "rates", &rows->diag);
}

static enum status read_table(struct trace_rows *rows, struct windows *windows)
{
    struct trace_source rest = {.text = rows->text, .length = rows->length, .first_line = rows->first_line};
    const char *line;
    size_t length, number;
    enum status status = SIM_OK;
    while (status == SIM_OK && trace_source_take_line(&rest, &line, &length, &number))
        status = read_row(rows, line, length, number, windows);
    return status;
}

/* --- requests -------------------------------------------------------------------------------------------------------------------- */

static int64_t end_of(const struct windows *windows, size_t i)
{
    const struct window *window = &windows->items[i];
    if (i + 1 < windows->count)
        return window[1].start_ns;
    return window->start_ns + (i > 0 ? window->start_ns - window[-1].start_ns : (int64_t)WINDOW_S * 1000000000);
}

static double expected_requests(const struct windows *windows)
{
    double requests = 0;
    for (size_t i = 0; i < windows->count; i++)
        requests += windows->items[i].rate * ((double)(end_of(windows, i) - windows->items[i].start_ns) / 1e9);
    return requests;
}

/* Mean 1. */
static double draw_gap(const struct window *window, uint64_t *state)
{
    return window->cv > 0 ? seeded_gamma(state, 1 / (window->cv * window->cv)) * (window->cv * window->cv) : 1;
}

static enum status add_request(struct trace_rows *rows, const struct random_workload *lengths, int64_t arrival_ns, uint64_t *state)
{
    struct trace_row row = TRACE_ROW_DEFAULT;
    row.arrival_ns = arrival_ns;
    row.input_tokens = random_workload_length(state, lengths->input_tokens, lengths->range_ratio, 1);
    row.output_tokens = random_workload_length(state, lengths->output_tokens, lengths->range_ratio, 1);
    return trace_rows_add(rows, &row);
}

/* A gap is drawn in units of the mean gap, and used up at the rate of the row that it is in; what is left at a row's end is used up in the
 * next. So the number of requests of a row is right on average, however few it has. */
static enum status draw_requests(struct trace_rows *rows, const struct windows *windows, const struct random_workload *lengths,
                                 uint64_t seed)
{
    uint64_t gaps = seeded_stream(seed, SEEDED_GAPS), sizes = seeded_stream(seed, SEEDED_LENGTHS);
    double left = draw_gap(&windows->items[0], &gaps);
    enum status status = SIM_OK;
    for (size_t i = 0; i < windows->count && status == SIM_OK; i++) {
        const struct window *window = &windows->items[i];
        const double span_s = (double)(end_of(windows, i) - window->start_ns) / 1e9;
        double at_s = 0;
        while (status == SIM_OK && left <= (span_s - at_s) * window->rate && window->rate > 0) {
            at_s += left / window->rate;
            status = add_request(rows, lengths, window->start_ns + (int64_t)rint(at_s * 1e9), &sizes);
            left = draw_gap(window, &gaps);
        }
        left -= fmax(span_s - at_s, 0) * window->rate;
    }
    return status;
}

/* Reports say what the file does not. */
static void note_lengths(struct trace_rows *rows, const struct random_workload *lengths)
{
    char note[160];
    snprintf(note, sizeof note,
             "a ServeGen load: arrivals are drawn from its rates, lengths around %u and %u tokens (--random-input-len, "
             "--random-output-len)",
             lengths->input_tokens, lengths->output_tokens);
    trace_note(&rows->trace, note);
}

static void read_piece(struct trace_rows *rows)
{
    const struct trace_selection *selection = rows->source->selection;
    const struct random_workload usual = random_workload_default();
    const struct random_workload *lengths = selection && selection->lengths ? selection->lengths : &usual;
    struct windows windows = {0};
    rows->at = rows->text;
    rows->status = read_table(rows, &windows);
    const double expected = rows->status == SIM_OK ? expected_requests(&windows) : 0;
    if (expected > REQUESTS_MOST || (windows.count > 0 && (double)end_of(&windows, windows.count - 1) > TRACE_MAX_NS))
        rows->status = diag_at(&rows->diag, rows->source->name, rows->first_line, 1,
                               "the table makes %.3g requests; at most 100000000 within 285 years can be replayed", expected);
    if (rows->status == SIM_OK && windows.count > 0)
        rows->status = draw_requests(rows, &windows, lengths, selection ? selection->seed : 0);
    if (rows->status == SIM_OK)
        note_lengths(rows, lengths);
    free(windows.items);
}

/* --- the format ------------------------------------------------------------------------------------------------------------------ */

/* There is no header, so the first row must be one, or a row without requests. */
static bool recognises(const struct trace_head *head)
{
    struct csv_cell cells[CELLS];
    int64_t start_ns;
    double rate;
    size_t length = head->line_length;
    return split(head->text, length, cells) == CELLS && csv_decimal(cells[CELL_START].text, cells[CELL_START].length, 9, &start_ns) &&
           take_ratio(&cells[CELL_RATE], &rate) && (rate == 0 || is_distribution(&cells[CELL_DISTRIBUTION]));
}

const struct trace_reader trace_reader_servegen = {
    .name = "servegen",
    .summary = "ServeGen's rate tables: a load, with --random-input-len and --random-output-len (CSV)",
    .sign = "a ServeGen table with rows like 0,0.05,1.0,Exponential,20,0",
    .recognises = recognises,
    .facts = {.times = TRACE_TIMES_FROM_ZERO, .time_unit_ns = 1e9, .load = true},
    .read_piece = read_piece,
    .whole_file = true,
};
