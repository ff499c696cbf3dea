/* test_geometry.c - the choice of a walk over blocks, its text, and that bytes do not depend on it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geometry.h"
#include "kernels.h"

/* Shares of the memory's limit: the default (4 runs, 1024 bytes in turn), one run, 8 runs with 256 bytes in turn. */
Test(geometry, the_choice_follows_each_processor)
{
    static const struct {
        const char *where;
        double shares[3];
        uint32_t best;
    } recorded[] = {
        {"EPYC 9004, 64 KiB of all heads", {0.73, 0.61, 0.89}, 2}, {"EPYC 9004, 32 KiB of all heads", {0.70, 0.56, 0.83}, 2},
        {"EPYC 7003, runs of 4 KiB", {0.66, 0.61, 0.17}, 0},       {"EPYC 7003, runs of 8 KiB", {0.73, 0.72, 0.17}, 0},
        {"EPYC 7003, 64 KiB of all heads", {0.66, 0.88, 0.41}, 1}, {"no difference but noise", {0.80, 0.82, 0.83}, 0},
    };
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        cr_expect_eq(kv_geometry_best(recorded[i].shares, 3), recorded[i].best, "%s", recorded[i].where);
        cr_expect_gt(recorded[i].shares[0], 0.6, "%s: what is taken without looking", recorded[i].where);
    }
    cr_expect_eq(kv_geometry_best((const double[]){1, 1.06, 1.07}, 3), 2u, "of two that are better, the best");
}

Test(geometry, a_plan_is_a_text)
{
    static const char *const wrong[] = {"",           "8",        "8x256",         "8x256+",           "0x256+0",  "9x256+0",
                                        "8x255+0",    "8x8448+0", "8x256+2000000", "8x256+0q",         "8x256+0,", "8x256+0s,8x256",
                                        "8x256+0p,1", " 8x256+0", "8x256+0 ",      "8x256+0,1x256+0,", "-1x256+0", "8x256+-1",
                                        "8x256+0sp",  "8x 256+0", "+8x256+0"};
    struct kv_geometry_plan plan;
    char text[KV_GEOMETRY_TEXT];
    cr_assert(kv_geometry_plan_parse("8x256+32768,1x8192+0p", &plan));
    cr_expect(plan.memory.runs == 8 && plan.memory.turn == 256 && plan.memory.ahead == 32768 && plan.memory.stream);
    cr_expect(plan.shared.runs == 1 && plan.shared.turn == 8192 && plan.shared.ahead == 0 && !plan.shared.stream);
    kv_geometry_plan_text(&plan, text);
    cr_expect_str_eq(text, "8x256+32768s,1x8192+0p");
    cr_assert(kv_geometry_plan_parse("4x512+1048576p", &plan));
    kv_geometry_plan_text(&plan, text);
    cr_expect_str_eq(text, "4x512+1048576p,4x512+1048576p", "one part is for both");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(kv_geometry_plan_parse(wrong[i], &plan), "\"%s\"", wrong[i]);
        kv_geometry_plan_text(&plan, text);
        cr_expect_str_eq(text, "4x512+1048576p,4x512+1048576p", "\"%s\" left its mark", wrong[i]);
    }
}

/* What is measured is one of the ways, also where there is nothing to measure. */
Test(geometry, a_measured_plan_is_sound)
{
    static const struct kv_store_shape shapes[] = {{1, 8, 128, 16, 1, KV_STORE_FLOAT32},
                                                   {5, 1, 64, 1, 9, KV_STORE_BFLOAT16},
                                                   {1, 3, 20, 7, 1, KV_STORE_FLOAT16},
                                                   {1, 1000, 4096, 128, 1, KV_STORE_FLOAT32},
                                                   {1, 4000000000u, 4000000000u, 4000000000u, 1, KV_STORE_FLOAT32}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct kv_geometry_plan plan = kv_geometry_measure(&shapes[i]), again;
        char text[KV_GEOMETRY_TEXT];
        kv_geometry_plan_text(&plan, text);
        cr_expect(kv_geometry_plan_parse(text, &again), "%zu: %s", i, text);
    }
}

/* --- the same bytes ----------------------------------------------------------------------------------------------------------------- */

static const char *const plans[] = {"1x256+0",     "1x1024+32768", "2x8192+64p",    "4x1024+32768", "8x256+32768",
                                    "8x256+4096p", "3x512+100",    "7x768+1048576", "5x1024+0p"};
enum { PLANS = sizeof plans / sizeof *plans };

/* Every byte of the store, from a generator. */
static void fill(struct kv_store *store)
{
    uint32_t state = 7;
    for (size_t at = 0; at + sizeof state <= store->mapped_bytes; at += sizeof state) {
        const uint32_t word = (state = state * 1664525 + 1013904223) & 0x3FFF3FFF; /* numbers in each type */
        memcpy(store->memory + at, &word, sizeof word);
    }
}

static void set_plan(struct kv_store *store, const char *text)
{
    struct kv_geometry_plan plan;
    cr_assert(kv_geometry_plan_parse(text, &plan));
    kv_store_set_geometry(store, &plan);
}

static void check_gathers(struct kv_store *store, const uint32_t *blocks, uint32_t tokens)
{
    const size_t floats = (size_t)tokens * store->shape.num_kv_heads * store->shape.head_dim;
    float *got = calloc(4 * floats, sizeof *got), *want = got + 2 * floats;
    cr_assert(got);
    for (uint32_t token = 0; token < tokens; token++)
        for (uint32_t head = 0; head < store->shape.num_kv_heads; head++) {
            float *to = want + ((size_t)head * tokens + token) * store->shape.head_dim;
            cr_assert_eq(
                kv_store_read(store, 0, blocks[token / store->shape.block_size], head, token % store->shape.block_size, to, to + floats),
                KV_OK);
        }
    for (size_t i = 0; i < PLANS; i++)
        for (uint32_t threads = 1; threads <= 3; threads += 2) {
            const struct kv_gather_sequence sequence = {blocks, tokens, got, got + floats};
            set_plan(store, plans[i]);
            memset(got, 0, 2 * floats * sizeof *got);
            cr_assert_eq(kv_gather_batch(store, 0, &sequence, 1, threads), KV_OK);
            cr_expect_eq(memcmp(got, want, 2 * floats * sizeof *got), 0, "%s, %u threads", plans[i], threads);
        }
    free(got);
}

/* More than 4 MiB, or the geometry would not count; blocks whose runs are no multiple of anything among them, and the last one not full. */
Test(geometry, gathers_are_the_same_bytes)
{
    static const struct kv_store_shape shapes[] = {{1, 8, 128, 16, 90, KV_STORE_FLOAT32},
                                                   {1, 3, 36, 11, 700, KV_STORE_FLOAT32},
                                                   {1, 4, 64, 16, 250, KV_STORE_BFLOAT16},
                                                   {1, 2, 33, 128, 90, KV_STORE_FLOAT16}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct kv_store *store;
        uint32_t blocks[1024];
        cr_assert_eq(kv_store_create(&shapes[i], &store), KV_OK);
        fill(store);
        for (uint32_t k = 0; k < shapes[i].num_blocks; k++)
            blocks[k] = (k * 37 + 5) % shapes[i].num_blocks;
        const uint32_t tokens = shapes[i].num_blocks * shapes[i].block_size - 3;
        const size_t bytes = (size_t)2 * tokens * shapes[i].num_kv_heads * shapes[i].head_dim * sizeof(float);
        cr_assert_gt(bytes, (size_t)4 << 20, "shape %zu is too small to be of use", i);
        check_gathers(store, blocks, tokens);
        kv_store_destroy(store);
    }
}

/* Also a chain of copies, which must be made one after the other whatever the number of runs. */
Test(geometry, copies_are_the_same_bytes)
{
    static const struct kv_store_shape shape = {2, 4, 64, 16, 64, KV_STORE_FLOAT32};
    struct kv_block_copy pairs[40];
    struct kv_store *store, *first = NULL;
    for (uint32_t i = 0; i < 40; i++)
        pairs[i] = i < 20 ? (struct kv_block_copy){i, 40 + i} : (struct kv_block_copy){i, i + 1};
    for (size_t i = 0; i < PLANS; i++) {
        cr_assert_eq(kv_store_create(&shape, &store), KV_OK);
        fill(store);
        set_plan(store, plans[i]);
        cr_assert_eq(kv_store_copy_blocks(store, store, pairs, 40, 1), KV_OK);
        const size_t block = store->block_elements * store->element_bytes;
        cr_expect_eq(memcmp(kv_store_at(store, 1, 1, 40), kv_store_at(store, 1, 1, 20), block), 0, "%s: the chain's end is its start",
                     plans[i]);
        cr_expect(!first || memcmp(first->memory, store->memory, store->mapped_bytes) == 0, "%s", plans[i]);
        if (first)
            kv_store_destroy(store);
        else
            first = store;
    }
    kv_store_destroy(first);
}

Test(geometry, pages_are_told)
{
    static const struct kv_store_shape shape = {1, 8, 128, 16, 512, KV_STORE_FLOAT32};
    struct kv_store *store;
    cr_assert_eq(kv_store_create(&shape, &store), KV_OK);
    cr_expect_eq((size_t)store->memory % ((size_t)2 << 20), 0u);
    fill(store);
    cr_expect_leq(kv_store_large_page_bytes(store), store->mapped_bytes);
    kv_store_destroy(store);
}
