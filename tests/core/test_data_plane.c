/* test_data_plane.c - every instruction set against the portable one, gathers against single reads, attention against exact arithmetic. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geometry.h"
#include "half_float.h"
#include "kernels.h"
#include "pagedkv.h"
#include "support/random.h"
#include "team.h"

static const char *const sets[] = {"portable", "avx2", "avx512", "neon"};
enum { SETS = 4 };

static float random_float(uint64_t *random)
{
    return (float)((double)random_below(random, 2000001) / 1000000 - 1);
}

Test(half_float, every_16_bit_pattern_survives_the_round_trip)
{
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float half = kv_float16_to_float((uint16_t)bits), brain = kv_bfloat16_to_float((uint16_t)bits);
        if (isnan(half))
            cr_assert(isnan(kv_float16_to_float(kv_float16_from_float(half))));
        else
            cr_assert_eq(kv_float16_from_float(half), bits);
        if (isnan(brain))
            cr_assert(isnan(kv_bfloat16_to_float(kv_bfloat16_from_float(brain))));
        else
            cr_assert_eq(kv_bfloat16_from_float(brain), bits);
    }
}

Test(half_float, rounds_to_nearest_even_within_its_bound)
{
    uint64_t random = 1;
    for (int i = 0; i < 1000000; i++) {
        float value = random_float(&random) * 1000;
        float half = kv_float16_to_float(kv_float16_from_float(value)), brain = kv_bfloat16_to_float(kv_bfloat16_from_float(value));
        cr_assert_leq(fabsf(half - value), fabsf(value) * 0x1p-11F + 0x1p-25F);
        cr_assert_leq(fabsf(brain - value), fabsf(value) * 0x1p-8F);
    }
    cr_expect_eq(kv_float16_from_float(65519.0F), 0x7bff);
    cr_expect_eq(kv_float16_from_float(65520.0F), 0x7c00);
    cr_expect_eq(kv_float16_from_float(-INFINITY), 0xfc00);
    cr_expect_eq(kv_bfloat16_from_float(INFINITY), 0x7f80);
}

Test(kernels, all_sets_move_and_convert_bit_for_bit_like_the_portable_one)
{
    enum { MOST = 5000, PAD = 64 };
    static unsigned char from[4 * MOST + 2 * PAD], want[4 * MOST + 2 * PAD], got[4 * MOST + 2 * PAD];
    uint64_t random = 2;
    for (int round = 0; round < 400; round++) {
        size_t count = random_below(&random, round % 2 ? 40 : MOST), in = 4 * (size_t)random_below(&random, 8),
               out = 4 * (size_t)random_below(&random, 16);
        for (size_t i = 0; i < sizeof from; i++)
            from[i] = (unsigned char)random_next(&random);
        for (int what = 0; what < 6; what++)
            for (int set = 0; set < SETS; set++) {
                unsigned char *to = set ? got : want;
                memset(to, 0xa5, sizeof want);
                if (!kv_kernels_select(sets[set]))
                    continue;
                const struct kv_kernels *kernels = kv_kernels();
                float *floats = (float *)(void *)(to + out);
                if (what == 0)
                    kernels->copy(to + out, from + in, 4 * count, from);
                else if (what == 1)
                    kernels->stream(to + out, from + in, 4 * count, NULL);
                else if (what == 2)
                    kernels->bfloat16_to_float(floats, (const uint16_t *)(const void *)(from + in), count);
                else if (what == 3)
                    kernels->float16_to_float(floats, (const uint16_t *)(const void *)(from + in), count);
                else if (what == 4)
                    kernels->float_to_bfloat16((uint16_t *)(void *)(to + out), (const float *)(const void *)(from + in), count);
                else
                    kernels->float_to_float16((uint16_t *)(void *)(to + out), (const float *)(const void *)(from + in), count);
                kv_kernels_fence();
                if (set == 0)
                    continue;
                bool nan_payloads = what == 3 || what == 5; /* which quiet NaN comes out is the processor's business */
                for (size_t i = 0; i < sizeof want && !nan_payloads; i++)
                    cr_assert_eq(got[i], want[i], "%s, kernel %d, byte %zu", sets[set], what, i);
                for (size_t i = 0; i < count && nan_payloads; i++) {
                    float a = what == 3 ? ((float *)(void *)(want + out))[i] : kv_float16_to_float(((uint16_t *)(void *)(want + out))[i]);
                    float b = what == 3 ? ((float *)(void *)(got + out))[i] : kv_float16_to_float(((uint16_t *)(void *)(got + out))[i]);
                    cr_assert((isnan(a) && isnan(b)) || kv_float_bits(a) == kv_float_bits(b), "%s, kernel %d", sets[set], what);
                }
            }
    }
    kv_kernels_select(NULL);
}

/* Runs of any length at any alignment, those of 16-bit types widened; every byte beside them stays. */
Test(kernels, a_set_runs_only_where_every_extension_it_is_compiled_for_is_there)
{
    const uint32_t avx2 = KV_CPU_AVX2 | KV_CPU_FMA | KV_CPU_F16C, all = avx2 | KV_CPU_AVX512F;
    cr_expect(kv_kernels_for(0) == &kv_kernels_portable);
    cr_expect(kv_kernels_for(KV_CPU_AVX512F) == &kv_kernels_portable);
    for (uint32_t missing = 1; missing <= avx2; missing <<= 1)
        cr_expect(kv_kernels_for(all & ~missing) == &kv_kernels_portable, "without extension %u", missing);
    if (kv_kernels_avx2)
        cr_expect(kv_kernels_for(avx2) == kv_kernels_avx2);
    if (kv_kernels_avx512)
        cr_expect(kv_kernels_for(all) == kv_kernels_avx512);
    cr_expect(kv_kernels_for(KV_CPU_NEON) == (kv_kernels_neon ? kv_kernels_neon : &kv_kernels_portable));
    cr_expect_not(kv_kernels_run_on(NULL, all));
    cr_expect_not(kv_kernels_run_on(NULL, KV_CPU_NEON));
    cr_expect_str_eq(kv_kernels_name(), kv_kernels_for(kv_processor_features())->name);
    cr_expect(kv_processor_features() == kv_processor_features(), "the kept answer is the one given first");
}

Test(kernels, runs_side_by_side_arrive_bit_for_bit_like_one_at_a_time)
{
    enum { MOST = 3000, ROOM = 4 * MOST + 256 };
    static unsigned char from[KV_RUNS_MAX][ROOM], want[KV_RUNS_MAX][ROOM] __attribute__((aligned(64))),
        got[KV_RUNS_MAX][ROOM] __attribute__((aligned(64)));
    uint64_t random = 11;
    for (size_t i = 0; i < sizeof from; i++)
        from[i / ROOM][i % ROOM] = (unsigned char)random_next(&random);
    for (int round = 0; round < 600; round++) {
        const int type = round % 3;
        struct kv_runs runs = {.count = 1 + random_below(&random, KV_RUNS_MAX),
                               .turn = (size_t)KV_TURN_LEAST * (1 + random_below(&random, 8))};
        /* Whole numbers need no NaN to be compared; the copy takes any number of bytes. */
        const size_t count = random_below(&random, round % 2 ? 200 : MOST);
        runs.bytes = type ? 2 * count : count;
        memset(want, 0xa5, sizeof want);
        for (uint32_t i = 0; i < runs.count; i++) {
            const size_t in = 2 * (size_t)random_below(&random, 40),
                         out = type ? 4 * (size_t)random_below(&random, 30) : random_below(&random, 99);
            uint16_t *halves = (uint16_t *)(void *)(from[i] + in);
            for (size_t at = 0; at < count && type; at++)
                halves[at] = type == KV_STORE_FLOAT16 ? kv_float16_from_float(random_float(&random)) : (uint16_t)(halves[at] & 0xff7f);
            for (size_t at = 0; at < count && type; at++) {
                const float value = type == KV_STORE_FLOAT16 ? kv_float16_to_float(halves[at]) : kv_bfloat16_to_float(halves[at]);
                memcpy(want[i] + out + 4 * at, &value, sizeof value);
            }
            if (!type)
                memcpy(want[i] + out, from[i] + in, count);
            runs.from[i] = from[i] + in;
            runs.ahead[i] = from[(i + 1) % KV_RUNS_MAX];
            runs.to[i] = got[i] + out;
        }
        for (int set = 0; set < SETS; set++) {
            if (!kv_kernels_select(sets[set]))
                continue;
            memset(got, 0xa5, sizeof got);
            kv_kernels()->move[type](&runs, round % 4 < 2);
            kv_kernels_fence();
            cr_assert_eq(memcmp(got, want, sizeof got), 0, "%s, round %d: type %d, %u runs of %zu bytes", sets[set], round, type,
                         runs.count, runs.bytes);
        }
    }
    kv_kernels_select(NULL);
}

Test(kernels, spread_puts_each_row_where_it_belongs_and_nothing_else)
{
    enum { ROWS = 9, STRIDE_MOST = 1024 };
    static unsigned char from[ROWS * STRIDE_MOST] __attribute__((aligned(64))), got[ROWS * STRIDE_MOST] __attribute__((aligned(64)));
    uint64_t random = 8;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (unsigned char)random_next(&random);
    for (int round = 0; round < 600; round++) {
        size_t unit = round % 2 ? 64 : 4, stride = unit * (1 + random_below(&random, (uint32_t)(STRIDE_MOST / unit))),
               row_bytes = unit * (1 + random_below(&random, (uint32_t)(stride / unit))), rows = 1 + random_below(&random, ROWS);
        for (int set = 0; set < SETS; set++) {
            if (!kv_kernels_select(sets[set]))
                continue;
            memset(got, 0xa5, sizeof got);
            kv_kernels()->spread(got, stride, from, row_bytes, rows, round % 3 == 0);
            kv_kernels_fence();
            for (size_t at = 0; at < sizeof got; at++) {
                size_t row = at / stride, inside = at % stride;
                unsigned char want = row < rows && inside < row_bytes ? from[row * row_bytes + inside] : 0xa5;
                cr_assert_eq(got[at], want, "%s: byte %zu", sets[set], at);
            }
        }
    }
    kv_kernels_select(NULL);
}

/* A store full of random values, a random table, and the sequence's length. */
struct case_data {
    struct kv_store *store;
    uint32_t *blocks, num_tokens;
};

static struct case_data make_case(uint64_t *random, uint32_t block_size, uint32_t num_tokens, uint32_t heads, uint32_t dim, int dtype)
{
    struct kv_store_shape shape = {
        .num_layers = 2, .num_kv_heads = heads, .head_dim = dim, .block_size = block_size, .dtype = (enum kv_store_dtype)dtype};
    uint32_t entries = (num_tokens + block_size - 1) / block_size;
    struct case_data data = {.num_tokens = num_tokens, .blocks = malloc(entries * sizeof(uint32_t))};
    shape.num_blocks = entries + 5;
    cr_assert_eq(kv_store_create(&shape, &data.store), KV_OK);
    for (uint32_t i = 0; i < shape.num_blocks && i < entries; i++)
        data.blocks[i] = i;
    for (uint32_t i = entries; i-- > 1;) {
        uint32_t j = random_below(random, i + 1), swap = data.blocks[i];
        data.blocks[i] = data.blocks[j];
        data.blocks[j] = swap;
    }
    float *row = malloc((size_t)heads * dim * sizeof *row), *other = malloc((size_t)heads * dim * sizeof *other);
    for (uint32_t token = 0; token < num_tokens; token++) {
        for (uint32_t i = 0; i < heads * dim; i++) {
            row[i] = random_float(random);
            other[i] = random_float(random);
        }
        cr_assert_eq(kv_store_write_tokens(data.store, 1, data.blocks, token, 1, row, other), KV_OK);
    }
    free(row);
    free(other);
    return data;
}

static void end_case(struct case_data *data)
{
    kv_store_destroy(data->store);
    free(data->blocks);
}

Test(kv_store, tokens_written_together_equal_single_writes)
{
    uint64_t random = 9;
    for (int round = 0; round < 90; round++) {
        struct kv_store_shape shape = {.num_layers = 1 + random_below(&random, 2),
                                       .num_kv_heads = 1 + random_below(&random, 4),
                                       .head_dim = round % 3 ? 1 + random_below(&random, 90) : 16 * (1 + random_below(&random, 8)),
                                       .block_size = 1 + random_below(&random, 20),
                                       .num_blocks = 12,
                                       .dtype = (enum kv_store_dtype)(round % 3)};
        uint32_t blocks[12], start = random_below(&random, 5), most = 12 * shape.block_size,
                             count = round % 4 == 0 || most <= start + 1 ? 1 : 1 + random_below(&random, most - start - 1);
        for (uint32_t i = 0; i < 12; i++)
            blocks[i] = i * 5 % 12;
        const uint32_t layer = shape.num_layers - 1, row = shape.num_kv_heads * shape.head_dim;
        if (start + count > most)
            start = 0;
        float *k = malloc((size_t)count * row * sizeof *k), *v = malloc((size_t)count * row * sizeof *v);
        for (uint32_t i = 0; i < count * row; i++) {
            k[i] = random_float(&random);
            v[i] = random_float(&random);
        }
        struct kv_store *one, *together;
        cr_assert_eq(kv_store_create(&shape, &one), KV_OK);
        for (uint32_t token = 0; token < count; token++)
            for (uint32_t head = 0; head < shape.num_kv_heads; head++) {
                size_t at = (size_t)token * row + (size_t)head * shape.head_dim;
                cr_assert_eq(kv_store_write(one, layer, blocks[(start + token) / shape.block_size], head,
                                            (start + token) % shape.block_size, k + at, v + at),
                             KV_OK);
            }
        for (int set = 0; set < SETS; set++) {
            if (!kv_kernels_select(sets[set]))
                continue;
            cr_assert_eq(kv_store_create(&shape, &together), KV_OK);
            cr_assert_eq(kv_store_write_tokens(together, layer, blocks, start, count, k, v), KV_OK);
            kv_store_publish(together);
            cr_assert_eq(memcmp(one->memory, together->memory, kv_store_bytes(one)), 0, "%s, round %d", sets[set], round);
            kv_store_destroy(together);
        }
        kv_kernels_select(NULL);
        kv_store_destroy(one);
        free(k);
        free(v);
    }
}

Test(kv_store, blocks_copied_within_and_between_stores_are_the_same_bytes)
{
    kv_team_share_from(1);
    uint64_t random = 10;
    for (int round = 0; round < 60; round++) {
        struct kv_store_shape shape = {.num_layers = 2,
                                       .num_kv_heads = 1 + random_below(&random, 4),
                                       .head_dim = 1 + random_below(&random, 70),
                                       .block_size = 1 + random_below(&random, 33),
                                       .num_blocks = 10,
                                       .dtype = (enum kv_store_dtype)(round % 3)};
        struct kv_store *gpu, *cpu;
        for (int set = 0; set < SETS; set++) {
            if (!kv_kernels_select(sets[set]))
                continue;
            shape.num_blocks = 10;
            cr_assert_eq(kv_store_create(&shape, &gpu), KV_OK);
            shape.num_blocks = 7;
            cr_assert_eq(kv_store_create(&shape, &cpu), KV_OK);
            for (size_t i = 0; i < kv_store_bytes(gpu); i++)
                gpu->memory[i] = (unsigned char)random_next(&random);
            const struct kv_block_copy out[] = {{9, 0}, {3, 6}, {4, 2}}, in[] = {{6, 0}, {2, 1}}, within[] = {{0, 5}, {1, 7}};
            const uint32_t threads = 1 + (uint32_t)round % 3;
            cr_assert_eq(kv_store_copy_blocks(cpu, gpu, out, 3, threads), KV_OK);
            cr_assert_eq(kv_store_copy_blocks(gpu, cpu, in, 2, threads), KV_OK);
            cr_assert_eq(kv_store_copy_blocks(gpu, gpu, within, 2, threads), KV_OK);
            const size_t bytes = kv_store_block_bytes(gpu) / 4; /* of one layer's K or V */
            for (uint32_t layer = 0; layer < 2; layer++)
                for (int value = 0; value < 2; value++) {
                    cr_assert_eq(memcmp(kv_store_at(cpu, layer, value, 0), kv_store_at(gpu, layer, value, 9), bytes), 0);
                    cr_assert_eq(memcmp(kv_store_at(gpu, layer, value, 5), kv_store_at(gpu, layer, value, 3), bytes), 0);
                    cr_assert_eq(memcmp(kv_store_at(gpu, layer, value, 7), kv_store_at(gpu, layer, value, 4), bytes), 0);
                }
            kv_store_destroy(gpu);
            kv_store_destroy(cpu);
        }
        kv_kernels_select(NULL);
    }
}

/* The header promises one pair after the other, also when a pair reads what an earlier one wrote. */
Test(kv_store, dependent_copies_happen_in_order)
{
    kv_team_share_from(1);
    uint64_t random = 13;
    for (int round = 0; round < 100; round++) {
        enum { BLOCKS = 9, PAIRS = 20 };
        const struct kv_store_shape shape = {.num_layers = 1 + (uint32_t)round % 2,
                                             .num_kv_heads = 1 + random_below(&random, 3),
                                             .head_dim = 1 + random_below(&random, 120),
                                             .block_size = 1 + random_below(&random, 50),
                                             .num_blocks = BLOCKS,
                                             .dtype = (enum kv_store_dtype)(round % 3)};
        struct kv_store *together, *apart;
        struct kv_block_copy pairs[PAIRS];
        cr_assert_eq(kv_store_create(&shape, &together), KV_OK);
        cr_assert_eq(kv_store_create(&shape, &apart), KV_OK);
        for (size_t i = 0; i < kv_store_bytes(together); i++)
            together->memory[i] = apart->memory[i] = (unsigned char)random_next(&random);
        for (int i = 0; i < PAIRS; i++) {
            pairs[i].source = random_below(&random, BLOCKS);
            pairs[i].destination = (pairs[i].source + 1 + random_below(&random, BLOCKS - 1)) % BLOCKS;
            cr_assert_eq(kv_store_copy_block(apart, pairs[i].source, pairs[i].destination), KV_OK);
        }
        cr_assert_eq(kv_store_copy_blocks(together, together, pairs, PAIRS, 1), KV_OK);
        cr_assert_eq(memcmp(together->memory, apart->memory, kv_store_bytes(together)), 0, "round %d", round);
        kv_store_destroy(together);
        kv_store_destroy(apart);
    }
}

Test(gather, equals_single_reads_on_every_set_type_and_shape)
{
    kv_team_share_from(1);
    uint64_t random = 3;
    for (int round = 0; round < 60; round++) {
        uint32_t block_size = 1 + random_below(&random, 40), heads = 1 + random_below(&random, 4), dim = 1 + random_below(&random, 90);
        uint32_t tokens = round % 5 ? 1 + random_below(&random, 300) : 1;
        struct case_data data = make_case(&random, block_size, tokens, heads, dim, round % 3);
        size_t floats = (size_t)heads * tokens * dim;
        float *k = malloc(floats * sizeof *k), *v = malloc(floats * sizeof *v), one_k[128], one_v[128];
        for (int set = 0; set < SETS; set++) {
            struct kv_gather_sequence sequence = {.blocks = data.blocks, .num_tokens = tokens, .k = k, .v = v};
            if (!kv_kernels_select(sets[set]))
                continue;
            memset(k, 0xff, floats * sizeof *k);
            cr_assert_eq(kv_gather_batch(data.store, 1, &sequence, 1, 1 + (uint32_t)round % 3), KV_OK);
            for (uint32_t head = 0; head < heads; head++)
                for (uint32_t token = 0; token < tokens; token++) {
                    size_t at = ((size_t)head * tokens + token) * dim;
                    cr_assert_eq(kv_store_read(data.store, 1, data.blocks[token / block_size], head, token % block_size, one_k, one_v),
                                 KV_OK);
                    cr_assert_eq(memcmp(k + at, one_k, dim * sizeof *k), 0);
                    cr_assert_eq(memcmp(v + at, one_v, dim * sizeof *v), 0);
                }
        }
        kv_kernels_select(NULL);
        free(k);
        free(v);
        end_case(&data);
    }
}

/* One store, sequences of any lengths in it (also none), which share its blocks; whole batches on any number of threads, and head ranges. */
Test(gather, batches_and_head_ranges_equal_single_heads)
{
    kv_team_share_from(1);
    enum { SEQUENCES = 5, MOST = 700 };
    uint64_t random = 12;
    for (int round = 0; round < 20; round++) {
        const uint32_t block_size = 1 + random_below(&random, 20), heads = 1 + random_below(&random, 5),
                       dim = 1 + random_below(&random, 70);
        struct case_data data = make_case(&random, block_size, MOST, heads, dim, round % 3);
        struct kv_gather_sequence sequences[SEQUENCES];
        float *want_k = malloc((size_t)MOST * dim * sizeof(float)), *want_v = malloc((size_t)MOST * dim * sizeof(float));
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            const uint32_t skip = random_below(&random, 3), tokens = i == 2   ? 0
                                                                     : i == 3 ? 1
                                                                              : 1 + random_below(&random, MOST - 2 * block_size);
            const size_t floats = (size_t)heads * tokens * dim + 1;
            sequences[i] = (struct kv_gather_sequence){.blocks = data.blocks + skip,
                                                       .num_tokens = tokens,
                                                       .k = malloc(floats * sizeof(float)),
                                                       .v = malloc(floats * sizeof(float))};
        }
        for (uint32_t threads = 0; threads < 4; threads++) {
            for (uint32_t i = 0; i < SEQUENCES; i++) {
                memset(sequences[i].k, 0xff, (size_t)heads * sequences[i].num_tokens * dim * sizeof(float));
                memset(sequences[i].v, 0xff, (size_t)heads * sequences[i].num_tokens * dim * sizeof(float));
            }
            cr_assert_eq(kv_gather_batch(data.store, 1, sequences, SEQUENCES, threads == 3 ? 9 : threads), KV_OK);
            for (uint32_t i = 0; i < SEQUENCES; i++)
                for (uint32_t head = 0; head < heads; head++) {
                    const size_t floats = (size_t)sequences[i].num_tokens * dim;
                    cr_assert_eq(kv_gather_head(data.store, 1, head, sequences[i].blocks, sequences[i].num_tokens, want_k, want_v), KV_OK);
                    cr_assert_eq(memcmp(sequences[i].k + head * floats, want_k, floats * sizeof(float)), 0);
                    cr_assert_eq(memcmp(sequences[i].v + head * floats, want_v, floats * sizeof(float)), 0);
                }
        }
        const struct kv_gather_sequence *one = &sequences[0];
        const uint32_t first = random_below(&random, heads), some = 1 + random_below(&random, heads - first);
        const size_t floats = (size_t)one->num_tokens * dim;
        float *k = malloc(some * floats * sizeof(float)), *v = malloc(some * floats * sizeof(float));
        cr_assert_eq(kv_gather_heads(data.store, 1, first, some, one->blocks, one->num_tokens, k, v), KV_OK);
        cr_assert_eq(memcmp(k, one->k + first * floats, some * floats * sizeof(float)), 0);
        cr_assert_eq(memcmp(v, one->v + first * floats, some * floats * sizeof(float)), 0);
        cr_assert_eq(kv_gather_heads(data.store, 1, first, heads - first + 1, one->blocks, one->num_tokens, k, v), KV_INVALID);
        free(k);
        free(v);
        free(want_k);
        free(want_v);
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            free(sequences[i].k);
            free(sequences[i].v);
        }
        end_case(&data);
    }
}

Test(gather, large_ones_stream_and_still_hold_every_float)
{
    uint64_t random = 4;
    struct case_data data = make_case(&random, 16, 4100, 2, 64, KV_STORE_FLOAT32);
    size_t floats = (size_t)2 * 4100 * 64;
    float *k = malloc((floats + 1) * sizeof *k), *v = malloc((floats + 1) * sizeof *v), one_k[64], one_v[64];
    for (size_t off = 0; off < 2; off++) {
        struct kv_gather_sequence sequence = {.blocks = data.blocks, .num_tokens = 4100, .k = k + off, .v = v + off};
        cr_assert_eq(kv_gather_batch(data.store, 1, &sequence, 1, 1), KV_OK);
        for (uint32_t token = 0; token < 4100; token++) {
            cr_assert_eq(kv_store_read(data.store, 1, data.blocks[token / 16], 1, token % 16, one_k, one_v), KV_OK);
            cr_assert_eq(memcmp(k + off + (4100 + (size_t)token) * 64, one_k, sizeof one_k), 0);
            cr_assert_eq(memcmp(v + off + (4100 + (size_t)token) * 64, one_v, sizeof one_v), 0);
        }
    }
    free(k);
    free(v);
    end_case(&data);
}

/* Largest error of one K/V head's group of outputs, relative to its largest output, against double precision over single reads. */
static double attention_error(const struct case_data *data, uint32_t head, uint32_t group, float scale, const float *queries,
                              const float *outputs)
{
    const uint32_t dim = data->store->shape.head_dim, size = data->store->shape.block_size, tokens = data->num_tokens;
    double worst = 0;
    double *scores = malloc(tokens * sizeof *scores), *exact = malloc(dim * sizeof *exact);
    float *k = malloc(dim * sizeof *k), *v = malloc(dim * sizeof *v);
    for (uint32_t g = 0; g < group; g++) {
        const float *query = queries + ((size_t)head * group + g) * dim, *output = outputs + ((size_t)head * group + g) * dim;
        double maximum = -INFINITY, sum = 0, largest = 0;
        for (uint32_t token = 0; token < tokens; token++) {
            cr_assert_eq(kv_store_read(data->store, 1, data->blocks[token / size], head, token % size, k, v), KV_OK);
            scores[token] = 0;
            for (uint32_t d = 0; d < dim; d++)
                scores[token] += (double)query[d] * k[d];
            scores[token] *= (double)scale;
            maximum = fmax(maximum, scores[token]);
        }
        memset(exact, 0, dim * sizeof *exact);
        for (uint32_t token = 0; token < tokens; token++) {
            double weight = exp(scores[token] - maximum);
            cr_assert_eq(kv_store_read(data->store, 1, data->blocks[token / size], head, token % size, k, v), KV_OK);
            sum += weight;
            for (uint32_t d = 0; d < dim; d++)
                exact[d] += weight * v[d];
        }
        for (uint32_t d = 0; d < dim; d++)
            largest = fmax(largest, fabs(exact[d] / sum));
        for (uint32_t d = 0; d < dim; d++) {
            const double error = fabs(output[d] - exact[d] / sum) / largest;
            worst = error > worst || isnan(error) ? error : worst; /* fmax would forget a NaN */
        }
    }
    free(scores);
    free(exact);
    free(k);
    free(v);
    return worst;
}

static void check_attention(uint64_t *random, uint32_t block_size, uint32_t tokens, uint32_t heads, uint32_t group, uint32_t dim, int dtype)
{
    struct case_data data = make_case(random, block_size, tokens, heads, dim, dtype);
    size_t floats = (size_t)heads * group * dim;
    float *queries = malloc(floats * sizeof *queries), *outputs = malloc(floats * sizeof *outputs), *again = malloc(floats * sizeof *again),
          *beside = malloc(2 * floats * sizeof *beside);
    for (size_t i = 0; i < floats; i++)
        queries[i] = random_float(random) * 3;
    float scale = 1 / sqrtf((float)dim);
    for (int set = 0; set < SETS; set++) {
        if (!kv_kernels_select(sets[set]))
            continue;
        struct kv_attend_sequence sequence = {.blocks = data.blocks, .num_tokens = tokens, .queries = queries, .outputs = outputs};
        cr_assert_eq(kv_attend_batch(data.store, 1, group, scale, &sequence, 1, 1), KV_OK);
        /* In a batch beside a longer and a shorter one, on several threads. */
        struct kv_attend_sequence batch[] = {sequence, sequence, sequence};
        batch[0].num_tokens = 1;
        batch[0].outputs = beside;
        batch[2].num_tokens = 1 + tokens / 3;
        batch[1].outputs = again;
        batch[2].outputs = beside + floats;
        cr_assert_eq(kv_attend_batch(data.store, 1, group, scale, batch, 3, 3), KV_OK);
        cr_assert_eq(memcmp(outputs, again, floats * sizeof *outputs), 0, "threads and neighbours change nothing");
        for (uint32_t head = 0; head < heads; head++) {
            double error = attention_error(&data, head, group, scale, queries, outputs);
            cr_assert_lt(error, 1e-5, "%s: block %u, %u tokens, dim %u: %g", sets[set], block_size, tokens, dim, error);
        }
    }
    kv_kernels_select(NULL);
    free(queries);
    free(outputs);
    free(again);
    free(beside);
    end_case(&data);
}

Test(attention, agrees_with_exact_arithmetic_for_any_block_size_and_shape)
{
    kv_team_share_from(1);
    uint64_t random = 5;
    for (int round = 0; round < 60; round++)
        check_attention(&random, 1 + random_below(&random, 50), 1 + random_below(&random, 400), 1 + random_below(&random, 3),
                        1 + random_below(&random, 8), 1 + random_below(&random, 140), round % 3);
    check_attention(&random, 16, 100, 11, 16, 32, KV_STORE_FLOAT32); /* more heads than go together, the largest group */
}

Test(attention, agrees_for_contexts_from_1_to_32768)
{
    kv_team_share_from(1);
    static const uint32_t contexts[] = {1, 2, 15, 16, 17, 1000, 4096, 32768}, block_sizes[] = {1, 8, 16, 32, 64, 128};
    uint64_t random = 6;
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
        for (size_t j = 0; j < sizeof block_sizes / sizeof *block_sizes; j++)
            check_attention(&random, block_sizes[j], contexts[i], 1, contexts[i] > 4096 ? 2 : 4, 64, KV_STORE_FLOAT32);
}

Test(attention, refuses_what_cannot_be)
{
    uint64_t random = 7;
    struct case_data data = make_case(&random, 4, 8, 1, 8, KV_STORE_FLOAT32);
    float queries[8] = {0}, outputs[8] = {0};
    uint32_t wrong[2] = {0, 99};
    struct kv_attend_sequence sequence = {.blocks = data.blocks, .num_tokens = 8, .queries = queries, .outputs = outputs};
    cr_expect_eq(kv_attend_batch(data.store, 2, 1, 1, &sequence, 1, 1), KV_INVALID);
    cr_expect_eq(kv_attend_batch(data.store, 0, 0, 1, &sequence, 1, 1), KV_INVALID);
    cr_expect_eq(kv_attend_batch(data.store, 0, 17, 1, &sequence, 1, 1), KV_INVALID);
    sequence.blocks = wrong;
    cr_expect_eq(kv_attend_batch(data.store, 0, 1, 1, &sequence, 1, 1), KV_INVALID);
    end_case(&data);
}
