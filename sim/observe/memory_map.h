/* memory_map.h - a picture of the pool over time: for each of many moments and each range of neighbouring block ids, how many blocks are
 * free, cached, in one table and in several.
 *
 *     ids 1 ... 70    |  2  0 68  0 |  0  0 66  4 | ...        a column a moment, a row a range of ids
 *     ids 71 ... 140  | 70  0  0  0 | 31  0 39  0 |            (free, cached, in one table, in several)
 *
 * Moments are column x width_ns; a column says what holds at its moment. How long a replay lasts is not known beforehand: when all columns
 * are full, every second one is dropped and the width doubles. So memory is bounded, and the map is a function of trace and configuration
 * alone. As the times of arrival say how long a replay lasts at least, the first width is one that mostly stays.
 */
#ifndef PAGESIM_MEMORY_MAP_H
#define PAGESIM_MEMORY_MAP_H

#include "config/config.h"
#include "engine/observer.h"
#include "trace/trace.h"

enum { MAP_COLUMNS = 256, MAP_ROWS = 128 };
/* Of a larger pool no map is made: a look at each block for each moment would take longer than the replay. */
#define MAP_BLOCKS_MOST (1u << 22)

struct memory_map {
    uint32_t *cells;           /* [column][row][state]; NULL: no map is made */
    uint32_t *longest_run;     /* by column: neighbouring blocks that stand in no table */
    uint32_t *unused;          /* by column: blocks that stand in no table */
    uint32_t rows, row_blocks; /* the last row may have fewer blocks */
    uint32_t first_id, blocks;
    int64_t width_ns;
    uint32_t columns; /* filled so far */
};

SIM_NODISCARD enum status memory_map_init(struct memory_map *map, const struct trace *trace, const struct config *config,
                                          struct diag *diag);
void memory_map_deinit(struct memory_map *map);

/* For observer.pool, only if map->cells. */
SIM_NODISCARD enum status memory_map_look(struct memory_map *map, const struct pool_states *pool, int64_t *next_ns, struct diag *diag);

/* How many blocks of a row are in a state at the column's moment. */
static inline uint32_t memory_map_at(const struct memory_map *map, uint32_t column, uint32_t row, enum block_state state)
{
    return map->cells[((size_t)column * map->rows + row) * BLOCK_STATES + state];
}

#endif
