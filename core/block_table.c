/* block_table.c - a growing array of block ids. Reserving is apart from appending, so that callers (sequence.c) can make sure of the memory
 * before they change anything else. */
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"

enum kv_status kv_block_table_init(struct kv_block_table *table, uint32_t block_size)
{
    if (block_size == 0)
        return KV_INVALID;
    *table = (struct kv_block_table){.block_size = block_size};
    return KV_OK;
}

void kv_block_table_deinit(struct kv_block_table *table)
{
    kv_free(table->blocks);
    memset(table, 0, sizeof *table);
}

enum kv_status kv_block_table_reserve(struct kv_block_table *table, uint32_t more)
{
    if (more <= table->capacity - table->count)
        return KV_OK;
    /* Growing by half keeps appending O(1) and wastes at most a third. */
    uint64_t wanted = (uint64_t)table->count + more, grown = (uint64_t)table->capacity + table->capacity / 2 + 4;
    uint64_t capacity = wanted > grown ? wanted : grown;
    if (capacity > UINT32_MAX)
        return KV_NO_MEMORY;
    uint32_t *blocks = kv_realloc(table->blocks, (size_t)capacity * sizeof *blocks);
    if (!blocks)
        return KV_NO_MEMORY;
    table->blocks = blocks;
    table->capacity = (uint32_t)capacity;
    return KV_OK;
}

enum kv_status kv_block_table_append(struct kv_block_table *table, uint32_t block)
{
    enum kv_status status = kv_block_table_reserve(table, 1);
    if (status == KV_OK)
        table->blocks[table->count++] = block;
    return status;
}

enum kv_status kv_block_table_replace_last(struct kv_block_table *table, uint32_t block)
{
    if (table->count == 0)
        return KV_INVALID;
    table->blocks[table->count - 1] = block;
    return KV_OK;
}

/* Tokens and blocks grow apart: blocks are reserved before a step, tokens are counted after it. 64 bits, as the product may be larger. */
enum kv_status kv_block_table_set_num_tokens(struct kv_block_table *table, uint32_t num_tokens)
{
    if (num_tokens > (uint64_t)table->count * table->block_size)
        return KV_INVALID;
    table->num_tokens = num_tokens;
    return KV_OK;
}

/* The memory stays, so that a sequence that is preempted and comes back allocates nothing. */
void kv_block_table_clear(struct kv_block_table *table)
{
    table->count = table->num_tokens = 0;
}

/* Ids are not looked at: what a valid id is, only the pool knows (kv_sequence_check). */
bool kv_block_table_check(const struct kv_block_table *table)
{
    return table->block_size > 0 && table->count <= table->capacity && (table->capacity == 0 || table->blocks) &&
           table->num_tokens <= (uint64_t)table->count * table->block_size;
}
