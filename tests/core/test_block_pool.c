/* test_block_pool.c - order of the free queue, misuse, and 10^5 random operations against an array that is searched. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "allocate.h"
#include "pagedkv.h"
#include "support/random.h"

Test(block_pool, order_is_that_of_a_queue_and_of_a_stack)
{
    struct kv_block_pool pool;
    uint32_t block;
    cr_assert_eq(kv_block_pool_init(&pool, 4, KV_DESCENDING), KV_OK);
    static const uint32_t expected[] = {3, 2, 1, 0};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(kv_block_pool_take(&pool, &block), KV_OK);
        cr_expect_eq(block, expected[i]);
    }
    uint32_t left;
    for (block = 0; block < 4; block++)
        cr_assert_eq(kv_block_pool_unref(&pool, block, &left), KV_OK);
    cr_expect_eq(kv_block_pool_put_tail(&pool, 2), KV_OK);
    cr_expect_eq(kv_block_pool_put_tail(&pool, 0), KV_OK);
    cr_expect_eq(kv_block_pool_put_head(&pool, 3), KV_OK);
    cr_expect_eq(kv_block_pool_put_head(&pool, 1), KV_OK);
    cr_expect_eq(kv_block_pool_unlink(&pool, 3), KV_OK);
    static const uint32_t then[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(kv_block_pool_take(&pool, &block), KV_OK);
        cr_expect_eq(block, then[i]);
    }
    kv_block_pool_deinit(&pool);
}

/* 2^26 blocks are 12 * 64 MB; that half of it was not touched leaves room for what the system does on its own. */
Test(block_pool, a_large_pool_costs_address_space_alone)
{
    enum { BLOCKS = 1 << 26, TAKEN = 1000 };
    struct rusage before, after;
    uint32_t block, left;
    getrusage(RUSAGE_SELF, &before);
    for (int order = KV_ASCENDING; order <= KV_DESCENDING; order++) {
        struct kv_block_pool pool;
        cr_assert_eq(kv_block_pool_init(&pool, BLOCKS, (enum kv_block_order)order), KV_OK);
        for (uint32_t i = 0; i < TAKEN; i++) {
            cr_assert_eq(kv_block_pool_take(&pool, &block), KV_OK);
            cr_expect_eq(block, order == KV_ASCENDING ? i : BLOCKS - 1 - i);
        }
        cr_expect_eq(kv_block_pool_unref(&pool, block, &left), KV_OK);
        cr_expect_eq(kv_block_pool_next(&pool, block), KV_BLOCK_NONE, "parked");
        cr_expect_eq(kv_block_pool_put_tail(&pool, block), KV_OK);
        cr_expect_eq(kv_block_pool_next(&pool, block), BLOCKS, "the last of the queue");
        kv_block_pool_deinit(&pool);
    }
    getrusage(RUSAGE_SELF, &after);
    cr_expect_lt(after.ru_maxrss - before.ru_maxrss, 6L * (BLOCKS >> 10), "in KB");
}

Test(block_pool, misuse_is_an_error_and_changes_nothing)
{
    struct kv_block_pool pool;
    uint32_t block, left;
    cr_expect_eq(kv_block_pool_init(&pool, 0, KV_ASCENDING), KV_INVALID);
    cr_expect_eq(kv_block_pool_init(&pool, UINT32_MAX, KV_ASCENDING), KV_INVALID);
    cr_assert_eq(kv_block_pool_init(&pool, 2, KV_ASCENDING), KV_OK);
    cr_expect_eq(kv_block_pool_free(&pool, 0), KV_INVALID, "free of a free block");
    cr_expect_eq(kv_block_pool_free(&pool, 2), KV_INVALID, "the sentinel is no block");
    cr_expect_eq(kv_block_pool_ref(&pool, 7), KV_INVALID);
    cr_expect_eq(kv_block_pool_put_head(&pool, 1), KV_INVALID, "it is queued already");
    cr_assert_eq(kv_block_pool_take(&pool, &block), KV_OK);
    cr_expect_eq(kv_block_pool_put_tail(&pool, block), KV_INVALID, "it is referenced");
    cr_expect_eq(kv_block_pool_unlink(&pool, block), KV_INVALID, "it is not queued");
    cr_expect_eq(kv_block_pool_free(&pool, block), KV_OK);
    cr_expect_eq(kv_block_pool_unref(&pool, block, &left), KV_INVALID, "double free");
    pool.refs[block] = UINT32_MAX;
    cr_expect_eq(kv_block_pool_ref(&pool, block), KV_INVALID, "the count would overflow");
    pool.refs[block] = 0;
    cr_expect(kv_block_pool_check(&pool));
    kv_block_pool_deinit(&pool);
}

/* The naive model: the queue is an array in order. */
struct model {
    uint32_t queue[64], length, refs[64];
};

static void model_remove(struct model *model, uint32_t at)
{
    memmove(model->queue + at, model->queue + at + 1, (--model->length - at) * sizeof *model->queue);
}

static void model_insert(struct model *model, uint32_t at, uint32_t block)
{
    memmove(model->queue + at + 1, model->queue + at, (model->length++ - at) * sizeof *model->queue);
    model->queue[at] = block;
}

static uint32_t model_find(const struct model *model, uint32_t block)
{
    uint32_t at = 0;
    while (at < model->length && model->queue[at] != block)
        at++;
    return at;
}

static void one_operation(struct kv_block_pool *pool, struct model *model, uint64_t *random, uint32_t blocks)
{
    uint32_t block = random_below(random, blocks), taken = KV_BLOCK_NONE, left = 0, at = model_find(model, block);
    bool queued = at<model->length, held = model->refs[block]> 0;
    switch (random_below(random, 5)) {
    case 0:
        cr_assert_eq(kv_block_pool_take(pool, &taken), model->length ? KV_OK : KV_NO_BLOCKS);
        if (model->length) {
            cr_assert_eq(taken, model->queue[0]);
            model_remove(model, 0);
            model->refs[taken] = 1;
        }
        break;
    case 1:
        cr_assert_eq(kv_block_pool_ref(pool, block), KV_OK);
        if (queued)
            model_remove(model, at);
        model->refs[block]++;
        break;
    case 2: /* drop one; the last goes to the tail */
        cr_assert_eq(kv_block_pool_unref(pool, block, &left), held ? KV_OK : KV_INVALID);
        if (held && --model->refs[block] == 0) {
            cr_assert_eq(kv_block_pool_put_tail(pool, block), KV_OK);
            model_insert(model, model->length, block);
        }
        break;
    case 3: /* drop one; the last goes to the head */
        cr_assert_eq(kv_block_pool_free(pool, block), held ? KV_OK : KV_INVALID);
        if (held && --model->refs[block] == 0)
            model_insert(model, 0, block);
        break;
    default: /* out of the middle and to the head */
        cr_assert_eq(kv_block_pool_unlink(pool, block), queued ? KV_OK : KV_INVALID);
        if (queued) {
            cr_assert_eq(kv_block_pool_put_head(pool, block), KV_OK);
            model_remove(model, at);
            model_insert(model, 0, block);
        }
    }
}

Test(block_pool, a_hundred_thousand_random_operations_agree_with_a_naive_queue)
{
    enum { BLOCKS = 24 };
    struct kv_block_pool pool;
    struct model model = {.length = BLOCKS};
    uint64_t random = 1;
    for (uint32_t i = 0; i < BLOCKS; i++)
        model.queue[i] = i;
    cr_assert_eq(kv_block_pool_init(&pool, BLOCKS, KV_ASCENDING), KV_OK);
    for (int i = 0; i < 100000; i++) {
        one_operation(&pool, &model, &random, BLOCKS);
        cr_assert_eq(pool.num_free, model.length);
        cr_assert(kv_block_pool_check(&pool));
        cr_assert_eq(memcmp(pool.refs, model.refs, BLOCKS * sizeof *pool.refs), 0);
    }
    kv_block_pool_deinit(&pool);
}

Test(block_pool, out_of_memory_leaves_nothing_behind)
{
    struct kv_block_pool pool;
    for (uint64_t countdown = 1; countdown <= 3; countdown++) {
        kv_memory_fail_after(countdown);
        cr_expect_eq(kv_block_pool_init(&pool, 8, KV_ASCENDING), KV_NO_MEMORY);
    }
    kv_memory_fail_after(0);
}

Test(shared_refs, misuse_is_an_error)
{
    struct kv_shared_refs shared;
    uint32_t left;
    cr_assert_eq(kv_shared_refs_init(&shared, 2), KV_OK);
    cr_expect_eq(kv_shared_refs_ref(&shared, 0), KV_INVALID, "nobody holds it");
    cr_expect_eq(kv_shared_refs_unref(&shared, 0, &left), KV_INVALID);
    cr_expect_eq(kv_shared_refs_take(&shared, 0), KV_OK);
    cr_expect_eq(kv_shared_refs_take(&shared, 0), KV_INVALID, "somebody holds it");
    cr_expect_eq(kv_shared_refs_ref(&shared, 0), KV_OK);
    cr_expect_eq(kv_shared_refs_count(&shared, 0), 2);
    cr_expect_eq(kv_shared_refs_take(&shared, 2), KV_INVALID, "foreign id");
    shared.refs[1] = UINT32_MAX; /* no other thread runs */
    cr_expect_eq(kv_shared_refs_ref(&shared, 1), KV_INVALID, "the count would overflow");
    cr_expect_eq(kv_shared_refs_unref(&shared, 0, &left), KV_OK);
    cr_expect_eq(left, 1);
    cr_expect_eq(kv_shared_refs_unref(&shared, 0, &left), KV_OK);
    cr_expect_eq(kv_shared_refs_unref(&shared, 0, &left), KV_INVALID, "double free");
    kv_shared_refs_deinit(&shared);
}
