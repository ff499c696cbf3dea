/* block_table.h - where a sequence's tokens are: logical block number to physical block id.
 *
 *     token position p  ->  logical block p / block_size, offset p % block_size  ->  blocks[logical]
 *
 * A table knows ids, not references; who appends a block holds the reference (sequence.h).
 * Source: the seed's BlockTable; PagedAttention (SOSP'23) section 4.2.
 */
#ifndef KV_BLOCK_TABLE_H
#define KV_BLOCK_TABLE_H

#include <stdbool.h>

#include "status.h"

struct kv_block_table {
    uint32_t *blocks;
    uint32_t count, capacity;
    uint32_t num_tokens;
    uint32_t block_size;
};

/* An empty table. KV_INVALID: block_size 0. */
KV_NODISCARD enum kv_status kv_block_table_init(struct kv_block_table *table, uint32_t block_size);
void kv_block_table_deinit(struct kv_block_table *table);

/* Make room for `more` further entries, so that appending them cannot fail. KV_NO_MEMORY: nothing changed. */
KV_NODISCARD enum kv_status kv_block_table_reserve(struct kv_block_table *table, uint32_t more);
/* Map the next logical block. */
KV_NODISCARD enum kv_status kv_block_table_append(struct kv_block_table *table, uint32_t block);
/* Put another block in the place of the last. KV_INVALID: the table is empty. */
KV_NODISCARD enum kv_status kv_block_table_replace_last(struct kv_block_table *table, uint32_t block);
/* How many tokens are stored. KV_INVALID: more than the blocks hold. */
KV_NODISCARD enum kv_status kv_block_table_set_num_tokens(struct kv_block_table *table, uint32_t num_tokens);
/* Forget all entries; the blocks stay the caller's. */
void kv_block_table_clear(struct kv_block_table *table);

/* Physical id of a logical block, KV_BLOCK_NONE beyond the end. */
static inline uint32_t kv_block_table_physical(const struct kv_block_table *table, uint32_t logical)
{
    return logical < table->count ? table->blocks[logical] : KV_BLOCK_NONE;
}

/* Logical block and offset of a token position, whether or not it is mapped yet. */
static inline void kv_block_table_place(const struct kv_block_table *table, uint32_t position, uint32_t *logical, uint32_t *offset)
{
    *logical = position / table->block_size;
    *offset = position % table->block_size;
}

/* Entries and tokens fit each other and the memory. */
bool kv_block_table_check(const struct kv_block_table *table);

#endif
