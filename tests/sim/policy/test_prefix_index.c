/* test_prefix_index.c - what is remembered of prompts, by hand, against an index that is slow and plain, and when memory runs out. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "policy/prefix_index.h"
#include "support/allocations.h"
#include "support/random.h"

enum { LONGEST = 30, REPLICAS = 5, PLAIN_MOST = 4000 };

/* Of a replica: a prompt's beginning and when it was touched last. */
struct plain_piece {
    uint32_t replica, length;
    uint32_t names[LONGEST];
    uint64_t touched;
};

struct plain_index {
    struct plain_piece pieces[PLAIN_MOST];
    uint32_t count;
    uint64_t most, clock;
};

static struct plain_piece *plain_find(struct plain_index *plain, const uint32_t *names, uint32_t length, uint32_t replica)
{
    for (uint32_t i = 0; i < plain->count; i++) {
        struct plain_piece *piece = &plain->pieces[i];
        if (piece->replica == replica && piece->length == length && memcmp(piece->names, names, length * sizeof *names) == 0)
            return piece;
    }
    return NULL;
}

static uint64_t plain_count(const struct plain_index *plain, uint32_t replica)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < plain->count; i++)
        count += plain->pieces[i].replica == replica;
    return count;
}

static void plain_drop_oldest(struct plain_index *plain, uint32_t replica)
{
    struct plain_piece *oldest = NULL;
    for (uint32_t i = 0; i < plain->count; i++)
        if (plain->pieces[i].replica == replica && (!oldest || plain->pieces[i].touched < oldest->touched))
            oldest = &plain->pieces[i];
    cr_assert_not_null(oldest);
    *oldest = plain->pieces[--plain->count];
}

static void plain_add(struct plain_index *plain, const uint32_t *names, uint32_t length, uint32_t replica)
{
    for (uint32_t i = (uint32_t)(length < plain->most ? length : plain->most); i > 0; i--) {
        struct plain_piece *piece = plain_find(plain, names, i, replica);
        if (!piece) {
            piece = &plain->pieces[plain->count++];
            *piece = (struct plain_piece){.replica = replica, .length = i};
            memcpy(piece->names, names, i * sizeof *names);
        }
        piece->touched = ++plain->clock;
    }
    while (plain_count(plain, replica) > plain->most)
        plain_drop_oldest(plain, replica);
}

/* What each replica has of the prompt: of the longest match down to its start, where it comes first. */
static void expect_same(const struct prefix_index *index, struct plain_index *plain, const uint32_t *names, uint32_t length)
{
    uint64_t held[REPLICAS] = {0};
    struct prefix_match match = prefix_index_find(index, names, length);
    for (; match.pieces > 0; match = prefix_index_shorter(index, match)) {
        cr_assert_neq(prefix_index_holders(index, match), PREFIX_NO_HOLDER);
        for (uint32_t at = prefix_index_holders(index, match); at != PREFIX_NO_HOLDER; at = prefix_index_next_holder(index, at))
            if (held[prefix_index_holder(index, at)] == 0)
                held[prefix_index_holder(index, at)] = prefix_index_held(index, match, at);
    }
    for (uint32_t replica = 0; replica < REPLICAS; replica++) {
        uint32_t longest = length;
        while (longest > 0 && !plain_find(plain, names, longest, replica))
            longest--;
        cr_assert_eq(held[replica], longest, "replica %u has %u, not %u", replica, longest, (unsigned)held[replica]);
    }
}

/* Most names are the same, so that prompts share much and part anywhere, and the same name is in many places. */
static uint32_t random_prompt(uint64_t *state, uint32_t *names)
{
    const uint32_t length = random_below(state, LONGEST + 1);
    for (uint32_t i = 0; i < length; i++)
        names[i] = random_below(state, 10) == 0;
    return length;
}

Test(prefix_index, random_prompts_as_in_a_plain_index)
{
    struct plain_index *plain = malloc(sizeof *plain);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t state = seed;
        struct prefix_index *index;
        *plain = (struct plain_index){.most = seed % 4 == 0 ? 700 : seed * 7 % 60};
        cr_assert(prefix_index_create(REPLICAS, plain->most, &index));
        for (uint32_t step = 0; step < 300; step++) {
            uint32_t names[LONGEST], replica = random_below(&state, REPLICAS);
            const uint32_t length = random_prompt(&state, names);
            if (random_below(&state, 40) == 0) {
                prefix_index_forget(index, replica);
                while (plain_count(plain, replica) > 0)
                    plain_drop_oldest(plain, replica);
            } else {
                cr_assert(prefix_index_add(index, names, length, replica));
                plain_add(plain, names, length, replica);
            }
            cr_assert(prefix_index_check(index), "seed %u, step %u", (unsigned)seed, step);
            cr_assert_eq(prefix_index_pieces(index, replica), plain_count(plain, replica));
            expect_same(index, plain, names, length);
            expect_same(index, plain, names, random_prompt(&state, names));
        }
        prefix_index_destroy(index);
    }
    free(plain);
}

/* The longest beginning of the prompt that the replica has. */
static uint64_t held_by(const struct prefix_index *index, const uint32_t *names, uint64_t length, uint32_t replica)
{
    struct prefix_match match = prefix_index_find(index, names, length);
    for (; match.pieces > 0; match = prefix_index_shorter(index, match))
        for (uint32_t at = prefix_index_holders(index, match); at != PREFIX_NO_HOLDER; at = prefix_index_next_holder(index, at))
            if (prefix_index_holder(index, at) == replica)
                return prefix_index_held(index, match, at);
    return 0;
}

Test(prefix_index, the_end_of_what_was_sent_longest_ago_goes_first)
{
    const uint32_t first[] = {1, 2, 3}, second[] = {1, 4}, third[] = {5, 6};
    struct prefix_index *index;
    cr_assert(prefix_index_create(2, 4, &index));
    cr_assert(prefix_index_add(index, first, 3, 0) && prefix_index_add(index, second, 2, 0));
    cr_expect_eq(held_by(index, first, 3, 0), 3u, "the piece 1 is there once, so all four have room");
    cr_assert(prefix_index_add(index, third, 1, 0));
    cr_expect_eq(held_by(index, first, 3, 0), 2u);
    cr_assert(prefix_index_add(index, third, 2, 0));
    cr_expect_eq(held_by(index, first, 3, 0), 1u, "which the second prompt began with, too");
    cr_expect_eq(held_by(index, second, 2, 0), 2u);
    cr_assert(prefix_index_add(index, first, 3, 1));
    cr_expect_eq(held_by(index, first, 3, 1), 3u, "each replica has its own bound");
    cr_expect_eq(held_by(index, first, 3, 0), 1u);
    prefix_index_destroy(index);
}

Test(prefix_index, out_of_memory_leaves_all_as_it_was)
{
    enum { MANY = 30000 };
    static uint32_t names[MANY];
    struct prefix_index *index = NULL;
    uint64_t countdown = 1;
    for (; allocations_fail_after(countdown), !prefix_index_create(3, MANY + 10, &index); countdown++)
        ;
    allocations_fail_after(0);
    cr_expect_gt(countdown, 2u);
    for (uint32_t i = 0; i < MANY; i++)
        names[i] = i;
    cr_assert(prefix_index_add(index, names, 10, 0));
    for (countdown = 1; allocations_fail_after(countdown), !prefix_index_add(index, names, MANY, 1); countdown++) {
        cr_assert(prefix_index_check(index));
        cr_assert_eq(prefix_index_pieces(index, 1), 0u);
        cr_assert_eq(prefix_index_find(index, names, MANY).pieces, 10u);
    }
    allocations_fail_after(0);
    cr_expect_gt(countdown, 2u, "the table and its buckets grow");
    cr_expect_eq(held_by(index, names, MANY, 1), MANY);
    cr_expect_eq(held_by(index, names, MANY, 0), 10u);
    cr_expect(prefix_index_check(index));
    prefix_index_destroy(index);
    prefix_index_destroy(NULL);
}
