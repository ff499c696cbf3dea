/* event_tables.h - what a block table of the event replay is made of (drawn in event_blocks.h), and what those of full layers and of sliding
 * windows have in common: parts that are segments, copies of content, the node of what is private.
 */
#ifndef PAGESIM_EVENT_TABLES_H
#define PAGESIM_EVENT_TABLES_H

#include "base/array.h"
#include "config/kv_groups.h"
#include "vllm_v1_fast/segment_queue.h"

/* A part of a table: `count` blocks from a segment and its rests. */
struct table_part {
    uint32_t segment, count;
};

struct event_table {
    struct table_part *parts;
    size_t parts_capacity;
    uint32_t *ids; /* pending blocks, then private ones */
    size_t ids_capacity;
    uint32_t part_count, private_count;
    uint64_t admission; /* its number, which policies of eviction count by */
    uint32_t position;
    uint32_t count;            /* blocks */
    uint32_t runs;             /* maximal runs of consecutive rising ids */
    uint32_t last;             /* id of the last block */
    uint32_t registered;       /* leading blocks that have content; for decoding requests brought up to date at release */
    uint32_t pending_count;    /* named, but not full yet: with drafts, room for what comes after the last token can be several blocks */
    uint32_t named;            /* leading blocks that have names */
    struct prefix_place place; /* of the block before `registered` */
    uint32_t group;
    /* Of a sliding window alone (event_windows.h). */
    uint32_t passed;     /* leading blocks that are gone: no token will look at them again */
    uint32_t passes_at;  /* tokens that must be back for the next one to go */
    uint32_t covered;    /* blocks [passed, covered) stand in parts[first_part ...] */
    uint32_t first_part; /* those before it have left the window */
    uint32_t next_kept;  /* the first block from max(passed, covered) on that is put into the cache when it is full */
    uint32_t ends[2];    /* as many blocks as make a hit before each are kept: of the prompt, and of what others have of it (0: nothing) */
};

struct hit {
    uint32_t segment, from, count;
};

/* What the last lookup found in one group. */
struct found_hits {
    struct hit *parts;
    size_t capacity;
    uint32_t count;
};

struct event_blocks {
    const struct trace *trace;
    uint32_t block_size, max_model_len;
    uint32_t lookahead, after; /* with drafts: places after the tokens of a step; prefix.after */
    uint32_t places;           /* with drafts: most that a table has after a request's last token */
    bool drops;                /* the last block of a match is not taken */
    bool caching, windowed;    /* windowed: layers are not one full group (event_windows.h) */
    uint32_t groups;           /* of layers */
    struct segment_queue queue;
    struct event_table *tables; /* [slot][group] */
    uint32_t slots;
    uint64_t table_blocks, table_runs; /* sums over tables */
    uint32_t *private_node;            /* by position; NULL until somebody needs one */
    struct found_hits *found;          /* by group, of the last lookup */
    uint32_t hit_blocks;               /* the same in all groups, with what has left the window */
    uint32_t *counted;                 /* by segment: in which count it was counted last; not made until somebody counts */
    size_t counted_capacity;
    uint32_t counts;
    struct prefix_place hit_place; /* of the last block hit that has a name */
    uint32_t *chain;               /* scratch */
    size_t chain_capacity;
    uint64_t passed_blocks;    /* sum over tables */
    int64_t retention;         /* prefix_cache_retention_interval */
    uint32_t *caps;            /* by group: most blocks that the gate counts */
    uint32_t *needed;          /* by group: blocks in a row that make a hit in a window */
    uint32_t hit_junction;     /* of the last lookup: blocks that some groups have and not all; 0: none */
    struct prefix_place *path; /* scratch of a lookup */
    size_t path_capacity;
    /* Of the last refusal by event_blocks_fits, if windowed (event_windows_least). */
    struct refusal {
        uint64_t need, evictions;            /* blocks that had to be free; queue.evictions */
        uint64_t idle_in_windows, idle_else; /* of them, hits that nobody holds */
        bool gated;                          /* the gate refused, whatever the first chunk is */
    } refusal;
    struct kv_groups layers;
};

static inline uint32_t event_blocks_free(const struct event_blocks *blocks)
{
    return segment_queue_free(&blocks->queue);
}

/* The tables of a slot, one a group. */
static inline struct event_table *event_tables_of(const struct event_blocks *blocks, uint32_t slot)
{
    return &blocks->tables[(size_t)slot * blocks->groups];
}

/* Slots of blocks in tables, with those that windows have left, hold `held` tokens of requests: how many are still there? */
static inline uint64_t event_blocks_held_tokens(const struct event_blocks *blocks, uint64_t held)
{
    return held * blocks->groups - blocks->passed_blocks * blocks->block_size;
}

/* The capacity is compared here rather than in a call: a call a part is what a long prompt would mostly do. */
SIM_NODISCARD static inline enum status event_table_add_part(struct event_table *table, uint32_t segment, uint32_t count, struct diag *diag)
{
    if (table->part_count == table->parts_capacity) {
        const enum status status = array_reserve(&table->parts, &table->parts_capacity, (size_t)table->part_count + 1, sizeof *table->parts,
                                                 "a block table", diag);
        if (status != SIM_OK)
            return status;
    }
    table->parts[table->part_count++] = (struct table_part){.segment = segment, .count = count};
    return SIM_OK;
}

/* A segment for block `at` of the table and what of the next `wanted` - 1 blocks is in the same node; *count: how many that are. */
SIM_NODISCARD enum status event_blocks_add_segment(struct event_blocks *blocks, struct event_table *table, uint32_t at, uint32_t wanted,
                                                   uint32_t *index, uint32_t *count, struct diag *diag);
/* The copy of those from *from on that answers for block `offset` of its node, or SEGMENT_NONE; *count: for how many blocks, at most `limit`.
 * *from goes on for the block after them. */
uint32_t event_blocks_find_copy(const struct event_blocks *blocks, uint32_t *from, uint32_t offset, uint32_t limit, uint32_t *count);
/* Note hits of a group from block *at (block `offset` of the node) up to `end`, as far as there are. */
SIM_NODISCARD enum status event_blocks_hit_node(struct event_blocks *blocks, uint32_t group, uint32_t node, uint32_t offset, uint32_t *at,
                                                uint32_t end, struct diag *diag);
/* The part of event_blocks_release_part for segments of which something was split off. */
SIM_NODISCARD enum status event_blocks_release_pieces(struct event_blocks *blocks, const struct table_part *part, struct diag *diag);
/* Drop the table's references to a segment and to what was split off its end, as far as the part reaches; deepest first, which is the order
 * in which they join the queue. */
SIM_NODISCARD static inline enum status event_blocks_release_part(struct event_blocks *blocks, const struct table_part *part,
                                                                  struct diag *diag)
{
    struct segment *segment = &blocks->queue.segments[part->segment];
    if (segment->count < part->count)
        return event_blocks_release_pieces(blocks, part, diag);
    if (--segment->refs == 0) /* nothing was split off: nearly always */
        segment_queue_put(&blocks->queue, part->segment, SEGMENT_NONE);
    return SIM_OK;
}

/* Hits of a group in blocks that nobody holds. */
static inline uint32_t event_blocks_idle_hits(const struct event_blocks *blocks, uint32_t group)
{
    const struct found_hits *found = &blocks->found[group];
    uint32_t idle = 0;
    for (uint32_t i = 0; i < found->count; i++)
        if (blocks->queue.segments[found->parts[i].segment].refs == 0)
            idle += found->parts[i].count;
    return idle;
}

/* The node for the private blocks of a request. */
SIM_NODISCARD enum status event_blocks_private_node(struct event_blocks *blocks, uint32_t position, uint32_t *node, struct diag *diag);

#endif
