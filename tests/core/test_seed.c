/* test_seed.c - the six tests of the text this project grew from, found again. */
#include <criterion/criterion.h>
#include <string.h>

#include "pagedkv.h"

Test(seed, page_allocator_basic)
{
    struct kv_block_pool pool;
    uint32_t b0, b1;
    cr_assert_eq(kv_block_pool_init(&pool, 4, KV_ASCENDING), KV_OK);
    cr_expect_eq(pool.num_free, 4);
    cr_expect_eq(kv_block_pool_used(&pool), 0);
    cr_assert_eq(kv_block_pool_take(&pool, &b0), KV_OK);
    cr_assert_eq(kv_block_pool_take(&pool, &b1), KV_OK);
    cr_expect_eq(pool.num_free, 2);
    cr_expect_eq(kv_block_pool_used(&pool), 2);
    cr_expect_eq(pool.refs[b0], 1);
    cr_expect_eq(pool.refs[b1], 1);
    cr_expect_eq(kv_block_pool_ref(&pool, b0), KV_OK);
    cr_expect_eq(pool.refs[b0], 2);
    cr_expect_eq(kv_block_pool_free(&pool, b0), KV_OK);
    cr_expect_eq(pool.refs[b0], 1);
    cr_expect_eq(pool.num_free, 2);
    cr_expect_eq(kv_block_pool_free(&pool, b0), KV_OK);
    cr_expect_eq(pool.refs[b0], 0);
    cr_expect_eq(pool.num_free, 3);
    cr_expect_eq(kv_block_pool_free(&pool, b1), KV_OK);
    cr_expect_eq(pool.num_free, 4);
    cr_expect(kv_block_pool_check(&pool));
    kv_block_pool_deinit(&pool);
}

Test(seed, block_table)
{
    struct kv_block_table table;
    static const uint32_t places[][3] = {{0, 0, 0}, {15, 0, 15}, {16, 1, 0}, {31, 1, 15}};
    cr_assert_eq(kv_block_table_init(&table, 16), KV_OK);
    cr_expect_eq(table.count, 0);
    cr_expect_eq(table.num_tokens, 0);
    cr_assert_eq(kv_block_table_append(&table, 5), KV_OK);
    cr_assert_eq(kv_block_table_append(&table, 7), KV_OK);
    cr_expect_eq(table.count, 2);
    cr_expect_eq(kv_block_table_physical(&table, 0), 5);
    cr_expect_eq(kv_block_table_physical(&table, 1), 7);
    cr_expect_eq(kv_block_table_physical(&table, 2), KV_BLOCK_NONE);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint32_t logical, offset;
        kv_block_table_place(&table, places[i][0], &logical, &offset);
        cr_expect_eq(logical, places[i][1]);
        cr_expect_eq(offset, places[i][2]);
    }
    cr_expect_eq(kv_block_table_set_num_tokens(&table, 20), KV_OK);
    cr_expect_eq(table.num_tokens, 20);
    kv_block_table_deinit(&table);
}

Test(seed, paged_kv_pool)
{
    struct kv_block_pool pool;
    struct kv_store *store;
    const struct kv_store_shape shape = {.num_layers = 2, .num_kv_heads = 4, .head_dim = 8, .block_size = 16, .num_blocks = 10};
    uint32_t blocks[2];
    float k[8], v[8], read_k[8], read_v[8];
    cr_assert_eq(kv_block_pool_init(&pool, 10, KV_ASCENDING), KV_OK);
    cr_assert_eq(kv_store_create(&shape, &store), KV_OK);
    cr_assert_eq(kv_block_pool_take_many(&pool, 2, blocks), KV_OK);
    for (int i = 0; i < 8; i++) {
        k[i] = (float)i;
        v[i] = (float)(i + 10);
    }
    cr_expect_eq(kv_store_write(store, 0, blocks[0], 0, 0, k, v), KV_OK);
    cr_expect_eq(kv_store_write(store, 0, blocks[0], 1, 1, v, k), KV_OK);
    cr_expect_eq(kv_store_read(store, 0, blocks[0], 0, 0, read_k, read_v), KV_OK);
    cr_expect_eq(memcmp(read_k, k, sizeof k), 0);
    cr_expect_eq(memcmp(read_v, v, sizeof v), 0);
    cr_expect_eq(kv_store_bytes(store), (size_t)10 * 2 * 2 * 4 * 16 * 8 * sizeof(float));
    cr_expect_eq((size_t)kv_store_at(store, 0, 0, 0) % 64, 0);
    cr_expect_eq(kv_block_pool_free(&pool, blocks[0]), KV_OK);
    cr_expect_eq(kv_block_pool_free(&pool, blocks[1]), KV_OK);
    cr_expect_eq(pool.num_free, 10);
    kv_store_destroy(store);
    kv_block_pool_deinit(&pool);
}

Test(seed, paged_sequence)
{
    struct kv_block_pool pool;
    struct kv_store *store;
    const struct kv_store_shape shape = {.num_layers = 1, .num_kv_heads = 1, .head_dim = 4, .block_size = 8, .num_blocks = 16};
    struct kv_sequence sequence;
    const float k[2][4] = {{1, 2, 3, 4}, {10, 20, 30, 40}}, v[2][4] = {{5, 6, 7, 8}, {50, 60, 70, 80}};
    float gathered_k[8], gathered_v[8];
    cr_assert_eq(kv_block_pool_init(&pool, 16, KV_ASCENDING), KV_OK);
    cr_assert_eq(kv_store_create(&shape, &store), KV_OK);
    cr_assert_eq(kv_sequence_init(&sequence, 8), KV_OK);
    struct kv_paged paged = {.pool = &pool, .store = store};
    for (int token = 0; token < 2; token++) {
        cr_assert_eq(kv_sequence_append(&sequence, &paged, 0, 0, k[token], v[token]), KV_OK);
        cr_assert_eq(kv_sequence_advance(&sequence), KV_OK);
    }
    cr_expect_eq(sequence.table.num_tokens, 2);
    cr_assert_eq(kv_sequence_gather_head(&sequence, &paged, 0, 0, gathered_k, gathered_v), KV_OK);
    cr_expect_eq(memcmp(gathered_k, k, sizeof k), 0);
    cr_expect_eq(memcmp(gathered_v, v, sizeof v), 0);
    kv_sequence_deinit(&sequence, &paged);
    cr_expect_eq(pool.num_free, 16);
    kv_store_destroy(store);
    kv_block_pool_deinit(&pool);
}

Test(seed, copy_on_write)
{
    struct kv_block_pool pool;
    struct kv_store *store;
    const struct kv_store_shape shape = {.num_layers = 1, .num_kv_heads = 1, .head_dim = 4, .block_size = 8, .num_blocks = 16};
    uint32_t blocks[2];
    const float k[4] = {1, 2, 3, 4}, v[4] = {5, 6, 7, 8};
    float read_k[4], read_v[4];
    cr_assert_eq(kv_block_pool_init(&pool, 16, KV_ASCENDING), KV_OK);
    cr_assert_eq(kv_store_create(&shape, &store), KV_OK);
    cr_assert_eq(kv_block_pool_take_many(&pool, 2, blocks), KV_OK);
    cr_assert_eq(kv_store_write(store, 0, blocks[0], 0, 0, k, v), KV_OK);
    cr_assert_eq(kv_store_copy_block(store, blocks[0], blocks[1]), KV_OK);
    cr_assert_eq(kv_store_read(store, 0, blocks[1], 0, 0, read_k, read_v), KV_OK);
    cr_expect_eq(memcmp(read_k, k, sizeof k), 0);
    cr_expect_eq(memcmp(read_v, v, sizeof v), 0);
    cr_expect_eq(kv_block_pool_ref(&pool, blocks[0]), KV_OK);
    cr_expect_eq(pool.refs[blocks[0]], 2);
    kv_store_destroy(store);
    kv_block_pool_deinit(&pool);
}

Test(seed, memory_fragmentation)
{
    struct kv_block_pool pool;
    uint32_t blocks[10], again[5], none;
    cr_assert_eq(kv_block_pool_init(&pool, 10, KV_ASCENDING), KV_OK);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(kv_block_pool_take(&pool, &blocks[i]), KV_OK);
    cr_expect_eq(pool.num_free, 0);
    cr_expect_eq(kv_block_pool_take(&pool, &none), KV_NO_BLOCKS);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(kv_block_pool_free(&pool, blocks[i]), KV_OK);
    cr_expect_eq(kv_block_pool_take_many(&pool, 6, again), KV_NO_BLOCKS);
    cr_expect_eq(pool.num_free, 5, "a refused request takes nothing");
    cr_expect_eq(kv_block_pool_take_many(&pool, 5, again), KV_OK);
    cr_expect_eq(pool.num_free, 0);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(kv_block_pool_free(&pool, blocks[5 + i]), KV_OK);
        cr_expect_eq(kv_block_pool_free(&pool, again[i]), KV_OK);
    }
    cr_expect_eq(pool.num_free, 10);
    kv_block_pool_deinit(&pool);
}
