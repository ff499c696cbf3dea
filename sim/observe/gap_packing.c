/* gap_packing.c - blocks of progressions in as few bits as each block needs. Read gap_packing.h first for the layout. */
#include "observe/gap_packing.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64, HEAD_WORDS = 2, RAW_WORDS = GAP_BLOCK * sizeof(struct gap_progression) / sizeof(uint64_t) };
enum { CHUNK_WORDS = 1 << 17 }; /* a megabyte, of which the last block leaves less than 17 KB unused */
enum { NOT_PACKED = 255 };      /* as the width of a first gap */

struct gap_chunk {
    struct gap_chunk *next;
    size_t count;
    uint64_t words[CHUNK_WORDS];
};

/* How a block is packed. A width of 63 bits in all keeps every shift below a word. */
struct layout {
    int64_t least_first;
    int32_t least_change;
    uint8_t first, change, count, weight; /* widths in bits */
};

static uint8_t bits_of(uint64_t value)
{
    return (uint8_t)(value ? WORD_BITS - __builtin_clzll(value) : 0);
}

static unsigned width_of(const struct layout *layout)
{
    return (unsigned)layout->first + layout->change + layout->count + layout->weight;
}

/* Counts and weights start near 0 anyway; all their bits together are as wide as the widest. */
static struct layout lay_out(const struct gap_progression *block)
{
    int64_t first_most = 0;
    int32_t change_most = INT32_MIN;
    uint32_t counts = 0, weights = 0;
    struct layout layout = {.least_first = INT64_MAX, .least_change = INT32_MAX};
    for (size_t i = 0; i < GAP_BLOCK; i++) {
        layout.least_first = block[i].first_ns < layout.least_first ? block[i].first_ns : layout.least_first;
        first_most = block[i].first_ns > first_most ? block[i].first_ns : first_most;
        layout.least_change = block[i].change_ns < layout.least_change ? block[i].change_ns : layout.least_change;
        change_most = block[i].change_ns > change_most ? block[i].change_ns : change_most;
        counts |= block[i].count;
        weights |= block[i].weight;
    }
    layout.first = bits_of((uint64_t)(first_most - layout.least_first));
    layout.change = bits_of((uint64_t)((int64_t)change_most - layout.least_change));
    layout.count = bits_of(counts);
    layout.weight = bits_of(weights);
    if (width_of(&layout) >= WORD_BITS)
        layout.first = NOT_PACKED;
    return layout;
}

static size_t body_words(const struct layout *layout)
{
    return layout->first == NOT_PACKED ? RAW_WORDS : (size_t)GAP_BLOCK / WORD_BITS * width_of(layout);
}

/* The number that did not fit a word goes on in the next. */
static void pack(const struct gap_progression *block, const struct layout *layout, uint64_t *out)
{
    const unsigned width = width_of(layout), change_at = layout->first, count_at = change_at + layout->change,
                   weight_at = count_at + layout->count;
    uint64_t pending = 0;
    unsigned used = 0;
    for (size_t i = 0; i < GAP_BLOCK; i++) {
        const uint64_t value = (uint64_t)(block[i].first_ns - layout->least_first) |
                               (uint64_t)((int64_t)block[i].change_ns - layout->least_change) << change_at |
                               (uint64_t)block[i].count << count_at | (uint64_t)block[i].weight << weight_at;
        pending |= value << used;
        used += width;
        if (used < WORD_BITS)
            continue;
        *out++ = pending;
        used -= WORD_BITS;
        pending = used > 0 ? value >> (width - used) : 0;
    }
}

/* NULL: out of memory. */
static struct gap_chunk *add_chunk(struct gap_packing *packing)
{
    struct gap_chunk *chunk = malloc(sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->count = 0;
    *(packing->last ? &packing->last->next : &packing->first) = chunk;
    packing->last = chunk;
    return chunk;
}

enum status gap_packing_add(struct gap_packing *packing, const struct gap_progression *block, struct diag *diag)
{
    const struct layout layout = lay_out(block);
    const size_t words = body_words(&layout);
    struct gap_chunk *chunk = packing->last;
    if (!chunk || chunk->count + HEAD_WORDS + words > CHUNK_WORDS)
        chunk = add_chunk(packing);
    if (!chunk)
        return diag_no_memory(diag, sizeof *chunk, "the gaps between tokens");
    uint64_t *out = chunk->words + chunk->count;
    memcpy(out, &layout, sizeof layout);
    if (layout.first == NOT_PACKED)
        memcpy(out + HEAD_WORDS, block, words * sizeof *out);
    else
        pack(block, &layout, out + HEAD_WORDS);
    chunk->count += HEAD_WORDS + words;
    return SIM_OK;
}

/* In front: the last chunk stays the one with room. */
void gap_packing_take(struct gap_packing *packing, struct gap_packing *part)
{
    if (!part->first)
        return;
    part->last->next = packing->first;
    packing->first = part->first;
    packing->last = packing->last ? packing->last : part->last;
    *part = (struct gap_packing){0};
}

void gap_packing_deinit(struct gap_packing *packing)
{
    while (packing->first) {
        struct gap_chunk *next = packing->first->next;
        free(packing->first);
        packing->first = next;
    }
    packing->last = NULL;
}

/* The lowest `width` bits of what begins at bit `at`; width < 64. */
static inline uint64_t take_bits(const uint64_t *words, size_t at, unsigned width)
{
    const uint64_t *word = words + at / WORD_BITS;
    const unsigned used = at % WORD_BITS;
    uint64_t value = width > 0 ? *word >> used : 0;
    if (used + width > WORD_BITS)
        value |= word[1] << (WORD_BITS - used);
    return value & ((UINT64_C(1) << width) - 1);
}

static inline uint64_t field(uint64_t value, unsigned at, unsigned width)
{
    return value >> at & ((UINT64_C(1) << width) - 1);
}

static void unpack(const uint64_t *words, const struct layout *layout, struct gap_progression *block)
{
    const unsigned width = width_of(layout), change_at = layout->first, count_at = change_at + layout->change,
                   weight_at = count_at + layout->count;
    for (size_t i = 0; i < GAP_BLOCK; i++) {
        const uint64_t value = take_bits(words, i * width, width);
        block[i] = (struct gap_progression){
            .first_ns = layout->least_first + (int64_t)field(value, 0, layout->first),
            .change_ns = (int32_t)(layout->least_change + (int64_t)field(value, change_at, layout->change)),
            .count = (uint32_t)field(value, count_at, layout->count) & ((1u << GAP_COUNT_BITS) - 1),
            .weight = (uint32_t)field(value, weight_at, layout->weight) & ((1u << GAP_WEIGHT_BITS) - 1),
        };
    }
}

bool gap_packing_next(const struct gap_packing *packing, struct gap_packing_walk *walk, struct gap_progression block[GAP_BLOCK])
{
    struct layout layout;
    if (!walk->chunk)
        walk->chunk = packing->first;
    else if (walk->at == walk->chunk->count && walk->chunk->next)
        *walk = (struct gap_packing_walk){.chunk = walk->chunk->next};
    if (!walk->chunk || walk->at == walk->chunk->count)
        return false;
    const uint64_t *words = walk->chunk->words + walk->at;
    memcpy(&layout, words, sizeof layout);
    if (layout.first == NOT_PACKED)
        memcpy(block, words + HEAD_WORDS, RAW_WORDS * sizeof *words);
    else
        unpack(words + HEAD_WORDS, &layout, block);
    walk->at += HEAD_WORDS + body_words(&layout);
    return true;
}
