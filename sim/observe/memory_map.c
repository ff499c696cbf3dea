/* memory_map.c - counts states of blocks by ranges of ids, at moments that lie ever farther apart. Read memory_map.h first, then
 * memory_map_look(). */
#include "observe/memory_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/engine_facts.h"

/* FIRST_COLUMNS: so many until the last arrival, which leaves room for what comes after it before columns have to be dropped. Where nobody
 * says when requests arrive, widths start below any step. */
enum { FIRST_COLUMNS = 208, WIDTH_LEAST_NS = 1024 };

enum status memory_map_init(struct memory_map *map, const struct trace *trace, const struct config *config, struct diag *diag)
{
    const uint32_t first = engine_facts_of(config)->has_null_block, blocks = config->num_gpu_blocks - first;
    *map = (struct memory_map){.first_id = first, .blocks = blocks, .width_ns = WIDTH_LEAST_NS};
    if (blocks > MAP_BLOCKS_MOST)
        return SIM_OK;
    map->row_blocks = ceil_div(blocks, MAP_ROWS);
    map->rows = ceil_div(blocks, max_u32(map->row_blocks, 1));
    if (trace->count > 0)
        map->width_ns = max_i64(trace->arrival_ns[trace->count - 1] / FIRST_COLUMNS, WIDTH_LEAST_NS);
    const struct array_request arrays[] = {ARRAY_OF(map->cells, (size_t)MAP_COLUMNS * map->rows * BLOCK_STATES),
                                           ARRAY_OF(map->longest_run, MAP_COLUMNS), ARRAY_OF(map->unused, MAP_COLUMNS)};
    return array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "a map of the pool", diag);
}

void memory_map_deinit(struct memory_map *map)
{
    free(map->cells);
    free(map->longest_run);
    free(map->unused);
    *map = (struct memory_map){0};
}

static uint32_t *column_at(const struct memory_map *map, uint32_t column)
{
    return map->cells + (size_t)column * map->rows * BLOCK_STATES;
}

/* `to` says what `from` says. */
static void repeat(struct memory_map *map, uint32_t from, uint32_t to)
{
    memcpy(column_at(map, to), column_at(map, from), (size_t)map->rows * BLOCK_STATES * sizeof *map->cells);
    map->longest_run[to] = map->longest_run[from];
    map->unused[to] = map->unused[from];
}

/* Columns 0, 2, 4 ... stay: their moments are those of the doubled width. */
static void widen(struct memory_map *map)
{
    map->columns = (map->columns + 1) / 2;
    for (uint32_t column = 1; column < map->columns; column++)
        repeat(map, 2 * column, column);
    map->width_ns *= 2;
}

#define IN_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* How many bytes of a word are odd. */
static uint32_t odd_bytes(uint64_t word)
{
    return (uint32_t)((word & IN_EACH_BYTE(1)) * IN_EACH_BYTE(1) >> 56);
}

/* The next eight states, or as many as are left. */
static uint64_t next_eight(const uint8_t *states, uint32_t left)
{
    uint64_t eight = 0;
    if (left >= sizeof eight)
        memcpy(&eight, states, sizeof eight);
    else
        memcpy(&eight, states, left);
    return eight;
}

/* Words of eight blocks: a state is two bits, so three sums tell the four counts. */
static void count_row(const uint8_t *states, uint32_t blocks, uint32_t counts[BLOCK_STATES])
{
    uint32_t low = 0, high = 0, both = 0;
    for (uint32_t at = 0; at < blocks; at += 8) {
        const uint64_t eight = next_eight(states + at, blocks - at);
        low += odd_bytes(eight);
        high += odd_bytes(eight >> 1);
        both += odd_bytes(eight & eight >> 1);
    }
    counts[BLOCK_FREE] = blocks - low - high + both;
    counts[BLOCK_CACHED] = low - both;
    counts[BLOCK_USED] = high - both;
    counts[BLOCK_SHARED] = both;
}

/* Eight blocks at a time where all of them have tables, or none has: most of them. */
static uint32_t longest_run_of(const uint8_t *states, uint32_t blocks)
{
    const uint64_t all = IN_EACH_BYTE(BLOCK_USED);
    uint32_t longest = 0, run = 0;
    for (uint32_t at = 0; at < blocks;) {
        const uint64_t eight = next_eight(states + at, blocks - at);
        if (blocks - at >= 8 && (eight & all) == 0) {
            run += 8;
            at += 8;
        } else if (run == 0 && (eight & all) == all) {
            at += 8;
        } else {
            run = states[at++] & BLOCK_USED ? 0 : run + 1;
        }
        longest = max_u32(longest, run);
    }
    return longest;
}

static void count_column(struct memory_map *map, const struct pool_states *pool)
{
    const uint32_t column = map->columns++;
    uint32_t unused = 0;
    for (uint32_t row = 0; row < map->rows; row++) {
        const uint32_t from = row * map->row_blocks;
        uint32_t *counts = column_at(map, column) + (size_t)row * BLOCK_STATES;
        count_row(pool->states + from, min_u32(map->row_blocks, pool->count - from), counts);
        unused += counts[BLOCK_FREE] + counts[BLOCK_CACHED];
    }
    map->unused[column] = unused;
    map->longest_run[column] = longest_run_of(pool->states, pool->count);
}

/* Before the first step nobody has anything. */
static void count_empty(struct memory_map *map)
{
    const uint32_t column = map->columns++;
    for (uint32_t row = 0; row < map->rows; row++)
        column_at(map, column)[(size_t)row * BLOCK_STATES] = min_u32(map->row_blocks, map->blocks - row * map->row_blocks);
    map->unused[column] = map->longest_run[column] = map->blocks;
}

static int64_t next_moment(const struct memory_map *map)
{
    return map->columns * map->width_ns;
}

/* All moments up to the state's end get a column: those before it what was there before, those in it the state. */
enum status memory_map_look(struct memory_map *map, const struct pool_states *pool, int64_t *next_ns, struct diag *diag)
{
    (void)diag;
    while ((pool->until_ns - 1) / map->width_ns >= MAP_COLUMNS)
        widen(map);
    for (bool seen = false; next_moment(map) < pool->until_ns;) {
        const bool before = next_moment(map) < pool->from_ns;
        if (map->columns == 0 && before)
            count_empty(map);
        else if (before || seen)
            repeat(map, map->columns - 1, map->columns), map->columns++;
        else
            count_column(map, pool), seen = true;
    }
    *next_ns = next_moment(map);
    return SIM_OK;
}
