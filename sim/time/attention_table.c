/* attention_table.c - reads attention.csv and parts it into the regimes. Read attention_table.h first for these, attention_grid.h for how a
 * time is found in one. */
#include "time/attention_table.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/csv.h"

/* Columns of the file: those that all have, one of the two names of the context, and those that only newer ones have. */
enum { CHUNK, DECODES, KV_DECODE, TIME, COLUMNS, KV_PREFILL = COLUMNS, LAYER, DECODE_TOKENS };
static const char *const point_columns[COLUMNS] = {"prefill_chunk", "n_decode", "kv_decode", "time_us"};

/* The points of the file and what it takes to read them. */
struct reader {
    struct csv csv;
    struct attention_point *points;
    size_t count;
    bool has_key, has_layer, has_decode_tokens;
};

static enum status open_columns(struct reader *reader, const char *path, struct diag *diag)
{
    struct csv *csv = &reader->csv;
    if (csv_open(path, point_columns, COLUMNS, csv, diag) != SIM_OK)
        return diag->status;
    reader->has_layer = csv_has(csv, "layer", LAYER);
    reader->has_decode_tokens = csv_has(csv, "decode_q_len", DECODE_TOKENS);
    reader->has_key = !csv_has(csv, "kv_prefill", KV_PREFILL);
    if (reader->has_key && !csv_has(csv, "prefill_key", KV_PREFILL))
        return diag_at(diag, path, 1, 1, "no column \"kv_prefill\", nor \"prefill_key\" of newer profiles");
    return array_zeroed(&reader->points, csv->rows + 1, sizeof *reader->points, path, diag);
}

/* Coordinates are counts of tokens and sequences; the key is a mean. */
static enum status read_points(struct reader *reader)
{
    struct csv *csv = &reader->csv;
    for (size_t row = 0; row < csv->rows && csv->status == SIM_OK; row++) {
        struct attention_point *point = &reader->points[reader->count];
        if ((reader->has_layer && !csv_is(csv, row, LAYER, "attention")) ||
            (reader->has_decode_tokens && csv_whole(csv, row, DECODE_TOKENS) > 1))
            continue;
        point->at[0] = (double)csv_whole(csv, row, CHUNK);
        point->at[1] = reader->has_key ? csv_amount(csv, row, KV_PREFILL) : (double)csv_whole(csv, row, KV_PREFILL);
        point->at[2] = (double)csv_whole(csv, row, DECODES);
        point->at[3] = (double)csv_whole(csv, row, KV_DECODE);
        point->us = csv_amount(csv, row, TIME);
        reader->count++;
    }
    return csv->status;
}

/* Move the points of one regime to the front of what is left. */
static size_t select_points(struct attention_point *points, size_t count, bool with_prefill, bool with_decode)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if ((points[i].at[0] > 0) == with_prefill && (points[i].at[2] > 0) == with_decode) {
            struct attention_point one = points[i];
            points[i] = points[kept];
            points[kept++] = one;
        }
    return kept;
}

/* The rows are parted in three: no prefill chunk, no decodes, both. A regime without rows would have no price, so all must be there. */
static enum status make_regimes(struct attention_table *table, const struct reader *reader, const char *path, struct diag *diag)
{
    struct attention_grid *const grids[] = {&table->decode, &table->prefill, &table->mixed};
    struct attention_point *from = reader->points;
    size_t left = reader->count;
    enum status status = SIM_OK;
    for (int i = 0; i < 3 && status == SIM_OK; i++) {
        const size_t count = select_points(from, left, i > 0, i != 1);
        status = count > 0 ? attention_grid_make(grids[i], from, count, path, diag)
                           : diag_at(diag, path, 0, 0, "rows with %s are missing",
                                     i == 0   ? "prefill_chunk 0"
                                     : i == 1 ? "a prefill chunk and n_decode 0"
                                              : "both prefill and decodes");
        from += count;
        left -= count;
    }
    return status;
}

enum status attention_table_open(const char *path, struct attention_table *out, struct diag *diag)
{
    struct reader reader = {0};
    *out = (struct attention_table){0};
    enum status status = open_columns(&reader, path, diag);
    if (status == SIM_OK)
        status = read_points(&reader);
    out->chunk_share = reader.has_key ? 0.5 : 0;
    if (status == SIM_OK)
        status = make_regimes(out, &reader, path, diag);
    if (status != SIM_OK)
        attention_table_close(out);
    free(reader.points);
    csv_close(&reader.csv);
    return status;
}

void attention_table_close(struct attention_table *table)
{
    attention_grid_close(&table->decode);
    attention_grid_close(&table->prefill);
    attention_grid_close(&table->mixed);
}

/* Which of the three grids holds steps of this kind. */
double attention_table_us(const struct attention_table *table, const struct attention_step *step)
{
    const double at[ATTENTION_AXES] = {step->chunk, step->kv_prefill + table->chunk_share * step->chunk, step->decodes, step->kv_decode};
    if (step->chunk > 0)
        return attention_grid_us(step->decodes > 0 ? &table->mixed : &table->prefill, at);
    return step->decodes > 0 ? attention_grid_us(&table->decode, at) : 0;
}
