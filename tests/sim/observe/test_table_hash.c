/* test_table_hash.c - remembered hashes of tables against FNV-1a byte by byte, whatever happens to the tables. */
#include <criterion/criterion.h>
#include <string.h>

#include "observe/table_hash.h"
#include "support/random.h"

/* The definition. */
static uint64_t naive_number(uint64_t hash, uint64_t value)
{
    for (int byte = 0; byte < 8; byte++)
        hash = (hash ^ (value >> (8 * byte) & 255)) * FNV_PRIME;
    return hash;
}

enum { TABLES = 12, LONGEST = 300, STEPS = 4000 };

struct model {
    uint32_t blocks[TABLES][LONGEST];
    uint32_t count[TABLES];
    struct table_name name[TABLES];
};

static uint32_t random_id(uint64_t *random)
{
    return (uint32_t)random_next(random) >> random_below(random, 32);
}

/* Mostly tables grow by a block now and then; sometimes one is emptied, cut, changed in the middle or forgotten. */
static void change(struct model *model, struct table_hash *hashes, uint64_t *random)
{
    for (uint32_t table = 0; table < TABLES; table++) {
        uint32_t *count = &model->count[table], what = random_below(random, 400);
        if (what < 60 && *count < LONGEST)
            model->blocks[table][(*count)++] = random_id(random);
        else if (what < 62)
            *count = random_below(random, *count + 1);
        else if (what < 64 && *count > 0)
            model->blocks[table][random_below(random, *count)] ^= 1u << random_below(random, 32);
        else if (what == 64)
            table_hash_forget(hashes, table);
        else if (what == 65)
            for (*count = 0; *count < LONGEST / 2; ++*count)
                model->blocks[table][*count] = random_id(random);
        else if (what == 66)
            model->name[table].numbers[random_below(random, 2)] = random_next(random) >> random_below(random, 64);
        else if (what == 67)
            model->name[table].count = 1 + random_below(random, 2);
    }
}

/* Tables that begin anew and then only grow. */
static void grow(struct model *model, struct table_hash *hashes, uint64_t *random)
{
    for (uint32_t table = 0; table < TABLES; table++) {
        uint32_t *count = &model->count[table];
        if (*count == LONGEST || random_below(random, 200) == 0) {
            table_hash_forget(hashes, table);
            *count = random_below(random, LONGEST / 2);
            for (uint32_t i = 0; i < *count; i++)
                model->blocks[table][i] = random_id(random);
        } else if (random_below(random, 8) == 0) {
            model->blocks[table][(*count)++] = random_id(random);
        }
    }
}

static void compare_with_fnv(const struct table_hash_options *options)
{
    static struct model model;
    struct table_hash *hashes;
    struct diag diag = {0};
    uint64_t random = 3;
    memset(&model, 0, sizeof model);
    cr_assert_eq(table_hash_create(TABLES, options, &hashes, &diag), SIM_OK);
    for (uint32_t table = 0; table < TABLES; table++)
        model.name[table] = (struct table_name){.numbers = {table, 0}, .count = 1};
    for (uint32_t step = 0; step < STEPS; step++) {
        uint64_t got = FNV_OFFSET, plain = FNV_OFFSET, want = FNV_OFFSET;
        if (options->grows)
            grow(&model, hashes, &random);
        else
            change(&model, hashes, &random);
        for (uint32_t table = 0; table < TABLES; table++) {
            if (random_below(&random, 8) == 0)
                continue;
            const struct table_name *name = &model.name[table];
            got = table_hash_add(hashes, got, table, name, model.blocks[table], model.count[table]);
            plain = table_hash_in_full(plain, name, model.blocks[table], model.count[table]);
            for (uint32_t i = 0; i < name->count; i++)
                want = naive_number(want, name->numbers[i]);
            for (uint32_t i = 0; i < model.count[table]; i++)
                want = naive_number(want, model.blocks[table][i]);
            cr_assert_eq(plain, want, "step %u, table %u, plainly", step, table);
            cr_assert_eq(got, want, "step %u, table %u of %u blocks", step, table, model.count[table]);
        }
    }
    table_hash_destroy(hashes);
}

Test(table_hash, says_what_fnv_says_whatever_happens_to_tables)
{
    for (int narrow = 0; narrow < 2; narrow++)
        compare_with_fnv(&(struct table_hash_options){.narrow = narrow});
}

Test(table_hash, says_what_fnv_says_of_tables_that_are_promised_to_grow)
{
    for (int narrow = 0; narrow < 2; narrow++)
        compare_with_fnv(&(struct table_hash_options){.grows = true, .narrow = narrow});
}
