/* sequence.c - sequences on the paged cache: reserving with copy-on-write, appending, forking, swapping. It joins block pool, block table
 * and store; read the section on sequences of pagedkv.h first.
 *
 * Every operation first makes sure that it cannot fail any more, then changes things. So a caller that runs out of blocks can give some
 * back and try again. */
#include <assert.h>
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"

enum kv_status kv_sequence_init(struct kv_sequence *sequence, uint32_t block_size)
{
    return kv_block_table_init(&sequence->table, block_size);
}

void kv_sequence_free(struct kv_sequence *sequence, const struct kv_paged *paged)
{
    struct kv_block_table *table = &sequence->table;
    /* Last block first, each to the head of the queue: who grows next gets the first blocks, in order, and they are warm. */
    for (uint32_t i = table->count; i-- > 0;) {
        enum kv_status freed = kv_block_pool_free(paged->pool, table->blocks[i]);
        assert(freed == KV_OK); /* the table holds a reference of each of its blocks */
        (void)freed;
    }
    kv_block_table_clear(table);
}

void kv_sequence_deinit(struct kv_sequence *sequence, const struct kv_paged *paged)
{
    kv_sequence_free(sequence, paged);
    kv_block_table_deinit(&sequence->table);
}

/* Does the next token go into a last block that somebody else reads too? Full blocks are never written again and stay shared. */
static bool must_copy(const struct kv_sequence *sequence, const struct kv_paged *paged)
{
    const struct kv_block_table *table = &sequence->table;
    bool room_in_last = table->num_tokens < (uint64_t)table->count * table->block_size;
    return table->count > 0 && room_in_last && paged->pool->refs[table->blocks[table->count - 1]] > 1;
}

/* A block of its own in the place of the shared last one. The other holders keep the original; when only one is left, it writes in place,
 * so of n sharers n - 1 copy. Copying takes all layers at once, also those that are written later: the block id is the same in each. */
static enum kv_status copy_last(struct kv_sequence *sequence, const struct kv_paged *paged, struct kv_block_copy *copy)
{
    struct kv_block_table *table = &sequence->table;
    uint32_t shared = table->blocks[table->count - 1], own, left;
    enum kv_status status = kv_block_pool_take(paged->pool, &own);
    if (status == KV_OK && paged->store)
        status = kv_store_copy_block(paged->store, shared, own);
    if (status == KV_OK)
        status = kv_block_pool_unref(paged->pool, shared, &left);
    if (status == KV_OK)
        status = kv_block_table_replace_last(table, own);
    *copy = (struct kv_block_copy){.source = shared, .destination = own};
    return status;
}

enum kv_status kv_sequence_reserve(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t tokens, struct kv_block_copy *copy)
{
    struct kv_block_table *table = &sequence->table;
    uint64_t wanted = (uint64_t)table->num_tokens + tokens;
    uint64_t entries = (wanted + table->block_size - 1) / table->block_size;
    if (tokens == 0 || wanted > UINT32_MAX)
        return KV_INVALID;
    uint32_t fresh = entries > table->count ? (uint32_t)(entries - table->count) : 0;
    /* Count what is needed, blocks and entries, before anything is taken. */
    bool copies = must_copy(sequence, paged);
    if ((uint64_t)fresh + copies > paged->pool->num_free)
        return KV_NO_BLOCKS;
    enum kv_status status = kv_block_table_reserve(table, fresh);
    if (status != KV_OK)
        return status;
    *copy = (struct kv_block_copy){.source = KV_BLOCK_NONE, .destination = KV_BLOCK_NONE};
    if (copies)
        status = copy_last(sequence, paged, copy);
    if (status == KV_OK && fresh > 0)
        status = kv_block_pool_take_many(paged->pool, fresh, table->blocks + table->count);
    if (status == KV_OK)
        table->count += fresh;
    return status;
}

/* Block and offset of the current position, reserved if it is not yet this sequence's own. Called for each layer of a token; only the
 * first call finds something to do. */
static enum kv_status current_place(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t *block, uint32_t *offset)
{
    struct kv_block_copy copy;
    uint32_t logical;
    if (!paged->store)
        return KV_INVALID;
    enum kv_status status = kv_sequence_reserve(sequence, paged, 1, &copy);
    if (status != KV_OK)
        return status;
    kv_block_table_place(&sequence->table, sequence->table.num_tokens, &logical, offset);
    *block = sequence->table.blocks[logical];
    return KV_OK;
}

enum kv_status kv_sequence_append(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer, uint32_t head, const float *k,
                                  const float *v)
{
    uint32_t block, offset;
    if (!paged->store || layer >= paged->store->shape.num_layers || head >= paged->store->shape.num_kv_heads || !k || !v)
        return KV_INVALID;
    enum kv_status status = current_place(sequence, paged, &block, &offset);
    return status == KV_OK ? kv_store_write(paged->store, layer, block, head, offset, k, v) : status;
}

enum kv_status kv_sequence_append_token(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer, const float *k,
                                        const float *v)
{
    uint32_t block, offset;
    if (!paged->store || layer >= paged->store->shape.num_layers || !k || !v)
        return KV_INVALID;
    enum kv_status status = current_place(sequence, paged, &block, &offset);
    if (status != KV_OK)
        return status;
    return kv_store_write_tokens(paged->store, layer, sequence->table.blocks, sequence->table.num_tokens, 1, k, v);
}

/* Apart from appending, because a token is written layer by layer and is complete only after the last. */
enum kv_status kv_sequence_advance(struct kv_sequence *sequence)
{
    return kv_block_table_set_num_tokens(&sequence->table, sequence->table.num_tokens + 1);
}

/* Sharing costs one reference a block and no copy of K/V: a parallel sample or a beam starts as cheap as its table. The last block is shared
 * too, though not full; the first of both to write copies it. */
enum kv_status kv_sequence_fork(const struct kv_sequence *parent, struct kv_sequence *child, const struct kv_paged *paged)
{
    const struct kv_block_table *from = &parent->table;
    struct kv_block_table *to = &child->table;
    if (to->count > 0 || to->block_size != from->block_size)
        return KV_INVALID;
    for (uint32_t i = 0; i < from->count; i++)
        if (paged->pool->refs[from->blocks[i]] == UINT32_MAX)
            return KV_INVALID;
    enum kv_status status = kv_block_table_reserve(to, from->count);
    for (uint32_t i = 0; i < from->count && status == KV_OK; i++) {
        status = kv_block_pool_ref(paged->pool, from->blocks[i]);
        to->blocks[i] = from->blocks[i];
    }
    if (status == KV_OK) {
        to->count = from->count;
        to->num_tokens = from->num_tokens;
    }
    return status;
}

/* --- swapping -------------------------------------------------------------------------------------------------------------------- */

/* How many distinct blocks the sequences hold. `moved_to`, by block, is KV_BLOCK_NONE at first and only marks what was seen. */
static uint32_t count_distinct(struct kv_sequence *const *sequences, uint32_t count, uint32_t *moved_to)
{
    uint32_t distinct = 0;
    for (uint32_t s = 0; s < count; s++)
        for (uint32_t i = 0; i < sequences[s]->table.count; i++) {
            uint32_t *seen = &moved_to[sequences[s]->table.blocks[i]];
            distinct += *seen == KV_BLOCK_NONE;
            *seen = 0;
        }
    return distinct;
}

/* One entry of a table to the other pool. The first sequence that meets a block copies it; the others take a reference of the copy, so
 * that what was shared stays shared. The source block goes back with its last reference. */
static enum kv_status move_block(const struct kv_paged *from, const struct kv_paged *to, uint32_t *entry, uint32_t *moved_to)
{
    uint32_t old = *entry;
    enum kv_status status;
    if (moved_to[old] == KV_BLOCK_NONE) {
        status = kv_block_pool_take(to->pool, &moved_to[old]);
        if (status == KV_OK && from->store && to->store)
            status = kv_store_copy_blocks(to->store, from->store, &(struct kv_block_copy){old, moved_to[old]}, 1, 1);
    } else {
        status = kv_block_pool_ref(to->pool, moved_to[old]);
    }
    *entry = moved_to[old];
    return status == KV_OK ? kv_block_pool_free(from->pool, old) : status;
}

/* Counting first means that nothing is undone: after it neither taking nor moving can fail. The array of the first pass is then used again
 * for where each block went. */
enum kv_status kv_sequence_swap(struct kv_sequence *const *sequences, uint32_t count, const struct kv_paged *from,
                                const struct kv_paged *to)
{
    size_t bytes = (size_t)from->pool->num_blocks * sizeof(uint32_t);
    uint32_t *moved_to = kv_malloc(bytes);
    if (!moved_to)
        return KV_NO_MEMORY;
    memset(moved_to, 0xff, bytes);
    enum kv_status status = count_distinct(sequences, count, moved_to) > to->pool->num_free ? KV_NO_BLOCKS : KV_OK;
    memset(moved_to, 0xff, bytes);
    for (uint32_t s = 0; s < count; s++)
        for (uint32_t i = 0; i < sequences[s]->table.count && status == KV_OK; i++)
            status = move_block(from, to, &sequences[s]->table.blocks[i], moved_to);
    kv_free(moved_to);
    return status;
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

enum kv_status kv_sequence_gather_head(const struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer, uint32_t head,
                                       float *k, float *v)
{
    if (!paged->store)
        return KV_INVALID;
    return kv_gather_head(paged->store, layer, head, sequence->table.blocks, sequence->table.num_tokens, k, v);
}

enum kv_status kv_sequence_gather(const struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer, float *k, float *v,
                                  uint32_t threads)
{
    if (!paged->store)
        return KV_INVALID;
    struct kv_gather_sequence one = {.blocks = sequence->table.blocks, .num_tokens = sequence->table.num_tokens, .k = k, .v = v};
    return kv_gather_batch(paged->store, layer, &one, 1, threads);
}

/* The pool's counts may be higher than this sequence explains, as others share; lower than one would be a block that is free and in use. */
bool kv_sequence_check(const struct kv_sequence *sequence, const struct kv_paged *paged)
{
    if (!kv_block_table_check(&sequence->table))
        return false;
    for (uint32_t i = 0; i < sequence->table.count; i++) {
        uint32_t block = sequence->table.blocks[i];
        if (block >= paged->pool->num_blocks || paged->pool->refs[block] == 0)
            return false;
    }
    return true;
}
