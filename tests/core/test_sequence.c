/* test_sequence.c - forks, copy-on-write and swaps against a model in which every sequence simply owns its tokens. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"
#include "support/random.h"

enum { LAYERS = 2, HEADS = 2, DIM = 3, MOST_SEQUENCES = 6, MOST_TOKENS = 40 };

struct rig {
    struct kv_block_pool pools[2]; /* GPU and CPU */
    struct kv_paged sides[2];
    uint32_t block_size;
};

static void rig_open(struct rig *rig, uint32_t block_size, uint32_t gpu_blocks, uint32_t cpu_blocks)
{
    const uint32_t blocks[2] = {gpu_blocks, cpu_blocks};
    rig->block_size = block_size;
    for (int side = 0; side < 2; side++) {
        struct kv_store_shape shape = {LAYERS, HEADS, DIM, block_size, blocks[side], KV_STORE_FLOAT32};
        cr_assert_eq(kv_block_pool_init(&rig->pools[side], blocks[side], KV_DESCENDING), KV_OK);
        rig->sides[side].pool = &rig->pools[side];
        cr_assert_eq(kv_store_create(&shape, &rig->sides[side].store), KV_OK);
    }
}

static void rig_close(struct rig *rig)
{
    for (int side = 0; side < 2; side++) {
        cr_expect_eq(rig->pools[side].num_free, rig->pools[side].num_blocks, "every block came back");
        kv_store_destroy(rig->sides[side].store);
        kv_block_pool_deinit(&rig->pools[side]);
    }
}

/* What a token's floats are: unique for (token value, layer, head, dim, K or V). */
static float value_of(uint32_t token, uint32_t layer, uint32_t head, uint32_t dim, int value)
{
    return (float)((((token * LAYERS + layer) * HEADS + head) * DIM + dim) * 2 + (uint32_t)value);
}

struct modelled {
    struct kv_sequence sequence;
    uint32_t tokens[MOST_TOKENS], count;
    bool live;
    int side;
};

static enum kv_status append(struct rig *rig, struct modelled *one, uint32_t token)
{
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        float k[HEADS * DIM], v[HEADS * DIM];
        for (uint32_t head = 0; head < HEADS; head++)
            for (uint32_t dim = 0; dim < DIM; dim++) {
                k[head * DIM + dim] = value_of(token, layer, head, dim, 0);
                v[head * DIM + dim] = value_of(token, layer, head, dim, 1);
            }
        enum kv_status status = kv_sequence_append_token(&one->sequence, &rig->sides[one->side], layer, k, v);
        if (status != KV_OK)
            return status;
    }
    return kv_sequence_advance(&one->sequence);
}

static void expect_contents(struct rig *rig, const struct modelled *one)
{
    float k[HEADS * MOST_TOKENS * DIM], v[HEADS * MOST_TOKENS * DIM];
    cr_assert_eq(one->sequence.table.num_tokens, one->count);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        cr_assert_eq(kv_sequence_gather(&one->sequence, &rig->sides[one->side], layer, k, v, 1), KV_OK);
        for (uint32_t head = 0; head < HEADS; head++)
            for (uint32_t token = 0; token < one->count; token++)
                for (uint32_t dim = 0; dim < DIM; dim++) {
                    size_t at = ((size_t)head * one->count + token) * DIM + dim;
                    cr_assert_eq(k[at], value_of(one->tokens[token], layer, head, dim, 0));
                    cr_assert_eq(v[at], value_of(one->tokens[token], layer, head, dim, 1));
                }
    }
}

/* References of each pool are exactly the table entries of the sequences that live there. */
static void expect_references(struct rig *rig, const struct modelled *all)
{
    for (int side = 0; side < 2; side++) {
        uint32_t counted[64] = {0};
        for (int i = 0; i < MOST_SEQUENCES; i++)
            for (uint32_t entry = 0; all[i].live && all[i].side == side && entry < all[i].sequence.table.count; entry++)
                counted[all[i].sequence.table.blocks[entry]]++;
        cr_assert_eq(memcmp(counted, rig->pools[side].refs, rig->pools[side].num_blocks * sizeof *counted), 0);
        cr_assert(kv_block_pool_check(&rig->pools[side]));
    }
}

static void random_operation(struct rig *rig, struct modelled *all, uint64_t *random, uint32_t *next_token)
{
    struct modelled *one = &all[random_below(random, MOST_SEQUENCES)], *other = &all[random_below(random, MOST_SEQUENCES)];
    uint32_t what = random_below(random, 16);
    if (!one->live) {
        cr_assert_eq(kv_sequence_init(&one->sequence, rig->block_size), KV_OK);
        one->live = true;
        one->count = 0;
        one->side = 0;
    } else if (what < 10 && one->count < MOST_TOKENS && one->side == 0) {
        uint32_t free_before = rig->pools[0].num_free;
        enum kv_status status = append(rig, one, *next_token);
        if (status == KV_OK)
            one->tokens[one->count++] = (*next_token)++;
        else
            cr_assert(status == KV_NO_BLOCKS && rig->pools[0].num_free == free_before);
    } else if (what < 12 && !other->live) {
        cr_assert_eq(kv_sequence_init(&other->sequence, rig->block_size), KV_OK);
        cr_assert_eq(kv_sequence_fork(&one->sequence, &other->sequence, &rig->sides[one->side]), KV_OK);
        memcpy(other->tokens, one->tokens, sizeof one->tokens);
        other->count = one->count;
        other->side = one->side;
        other->live = true;
    } else if (what < 14) { /* swap a pair (or one) that may share */
        struct kv_sequence *group[2] = {&one->sequence, &other->sequence};
        uint32_t count = other != one && other->live && other->side == one->side ? 2 : 1;
        if (kv_sequence_swap(group, count, &rig->sides[one->side], &rig->sides[!one->side]) == KV_OK) {
            one->side = !one->side;
            if (count == 2)
                other->side = one->side;
        }
    } else if (what == 14) {
        kv_sequence_deinit(&one->sequence, &rig->sides[one->side]);
        one->live = false;
    }
}

Test(sequence, random_appends_forks_swaps_and_frees_keep_every_float)
{
    static const uint32_t block_sizes[] = {1, 3, 4, 16};
    for (size_t b = 0; b < sizeof block_sizes / sizeof *block_sizes; b++) {
        struct rig rig;
        struct modelled all[MOST_SEQUENCES] = {0};
        uint64_t random = 7 + b;
        uint32_t next_token = 1;
        rig_open(&rig, block_sizes[b], 48 / block_sizes[b] + 3, 30 / block_sizes[b] + 2);
        for (int i = 0; i < 25000; i++) {
            random_operation(&rig, all, &random, &next_token);
            expect_references(&rig, all);
            const struct modelled *looked_at = &all[random_below(&random, MOST_SEQUENCES)];
            if (looked_at->live)
                expect_contents(&rig, looked_at);
        }
        for (int i = 0; i < MOST_SEQUENCES; i++)
            if (all[i].live)
                kv_sequence_deinit(&all[i].sequence, &rig.sides[all[i].side]);
        rig_close(&rig);
    }
}

Test(sequence, k_sharers_of_a_partly_filled_block_make_k_minus_one_copies)
{
    struct rig rig;
    struct kv_sequence sequences[3];
    struct kv_block_copy copy;
    uint32_t copies = 0;
    rig_open(&rig, 4, 12, 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(kv_sequence_init(&sequences[i], 4), KV_OK);
    cr_assert_eq(kv_sequence_reserve(&sequences[0], &rig.sides[0], 6, &copy), KV_OK);
    cr_assert_eq(kv_block_table_set_num_tokens(&sequences[0].table, 6), KV_OK);
    uint32_t shared = sequences[0].table.blocks[1];
    for (int i = 1; i < 3; i++)
        cr_assert_eq(kv_sequence_fork(&sequences[0], &sequences[i], &rig.sides[0]), KV_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(kv_sequence_reserve(&sequences[i], &rig.sides[0], 1, &copy), KV_OK);
        copies += copy.source != KV_BLOCK_NONE;
        cr_expect(copy.source == KV_BLOCK_NONE || copy.source == shared);
    }
    cr_expect_eq(copies, 2);
    cr_expect_eq(sequences[2].table.blocks[1], shared, "the last sharer keeps the original");
    for (int i = 0; i < 3; i++)
        kv_sequence_deinit(&sequences[i], &rig.sides[0]);
    rig_close(&rig);
}

Test(sequence, every_allocation_may_fail_and_nothing_changes_or_leaks)
{
    for (uint64_t countdown = 1; countdown < 6; countdown++) {
        struct rig rig;
        struct kv_sequence parent, child;
        struct kv_block_copy copy;
        struct kv_sequence *group[1] = {&parent};
        rig_open(&rig, 4, 12, 12);
        cr_assert_eq(kv_sequence_init(&parent, 4), KV_OK);
        cr_assert_eq(kv_sequence_init(&child, 4), KV_OK);
        kv_memory_fail_after(countdown);
        enum kv_status reserved = kv_sequence_reserve(&parent, &rig.sides[0], 18, &copy);
        cr_expect_eq(reserved, countdown == 1 ? KV_NO_MEMORY : KV_OK);
        cr_expect_eq(rig.pools[0].num_free, reserved == KV_OK ? 7 : 12);
        enum kv_status forked = kv_sequence_fork(&parent, &child, &rig.sides[0]);
        cr_expect_eq(forked, countdown == 2 ? KV_NO_MEMORY : KV_OK);
        if (forked != KV_OK)
            cr_expect_eq(child.table.count, 0);
        enum kv_status swapped = kv_sequence_swap(group, 1, &rig.sides[0], &rig.sides[1]);
        cr_expect(swapped == KV_OK || swapped == KV_NO_MEMORY);
        kv_memory_fail_after(0);
        kv_sequence_deinit(&parent, &rig.sides[swapped == KV_OK]);
        kv_sequence_deinit(&child, &rig.sides[0]);
        rig_close(&rig);
    }
}

Test(sequence, wrong_arguments_are_refused)
{
    struct rig rig;
    struct kv_sequence sequence;
    struct kv_block_copy copy;
    float one[HEADS * DIM] = {0};
    rig_open(&rig, 4, 2, 1);
    cr_expect_eq(kv_sequence_init(&sequence, 0), KV_INVALID);
    cr_assert_eq(kv_sequence_init(&sequence, 4), KV_OK);
    cr_expect_eq(kv_sequence_reserve(&sequence, &rig.sides[0], 0, &copy), KV_INVALID);
    cr_expect_eq(kv_sequence_reserve(&sequence, &rig.sides[0], 9, &copy), KV_NO_BLOCKS);
    cr_expect_eq(rig.pools[0].num_free, 2, "all or nothing");
    cr_expect_eq(kv_sequence_append(&sequence, &rig.sides[0], LAYERS, 0, one, one), KV_INVALID);
    cr_expect_eq(kv_sequence_append(&sequence, &rig.sides[0], 0, HEADS, one, one), KV_INVALID);
    cr_expect_eq(kv_sequence_append(&sequence, &rig.sides[0], 0, 0, NULL, one), KV_INVALID);
    cr_expect_eq(kv_sequence_advance(&sequence), KV_INVALID, "nothing is reserved");
    kv_sequence_deinit(&sequence, &rig.sides[0]);
    rig_close(&rig);
}
