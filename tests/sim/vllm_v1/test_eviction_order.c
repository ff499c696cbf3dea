/* test_eviction_order.c - the heap of free cached blocks against a walk over all of them. */
#include <criterion/criterion.h>

#include "support/random.h"
#include "support/tiny_trace.h"
#include "vllm_v1/eviction_order.h"

enum { BLOCKS = 40, MOVES = 20000 };

/* Few different values, so that ties are common. */
static uint64_t hits_and_depth(void *self, const struct pagesim_policy_block *block)
{
    (void)self;
    return block->hits % 3 + block->depth % 2;
}

static const struct pagesim_eviction_policy policy = {.info = {"of-a-test", "few different keys"}, .key = hits_and_depth};

static void init(struct eviction_order *order, const char *name, uint32_t members)
{
    struct config config = tiny_config_v1(16, 100);
    struct diag diag = {0};
    tiny_name(config.eviction_policy, name);
    cr_assert_eq(eviction_order_init(order, &config, members, &diag), SIM_OK, "%s", diag.text);
}

/* What a block is, kept beside. */
struct model {
    struct pagesim_policy_block facts;
    bool free;
};

static bool goes_before(const struct model *a, const struct model *b)
{
    uint64_t key_a = hits_and_depth(NULL, &a->facts), key_b = hits_and_depth(NULL, &b->facts);
    if (key_a != key_b)
        return key_a < key_b;
    if (a->facts.touched != b->facts.touched)
        return a->facts.touched < b->facts.touched;
    return a->facts.depth > b->facts.depth;
}

Test(eviction_order, takes_what_a_walk_over_all_free_blocks_would_take)
{
    struct eviction_order order;
    struct model models[BLOCKS] = {0};
    struct diag diag = {0};
    uint64_t seed = 5, taken = 0;
    uint32_t free_blocks = 0;
    cr_assert_eq(policy_register(POLICY_EVICTION, &policy.info, &diag), SIM_OK, "%s", diag.text);
    init(&order, "of-a-test", BLOCKS);
    for (uint32_t move = 0; move < MOVES; move++) {
        uint32_t block = random_below(&seed, BLOCKS), depth = random_below(&seed, 6);
        uint64_t admission = move / 8;
        struct model *model = &models[block];
        if (!model->free && random_below(&seed, 2)) {
            eviction_order_free(&order, block);
            model->free = true;
            free_blocks++;
        } else if (model->free || random_below(&seed, 2)) {
            eviction_order_hit(&order, block, depth, admission);
            free_blocks -= model->free;
            *model = (struct model){.facts = {.touched = admission, .hits = model->facts.hits + 1, .depth = depth}};
        }
        if (free_blocks > 0 && random_below(&seed, 3) == 0) {
            uint32_t first = BLOCKS;
            for (uint32_t i = 0; i < BLOCKS; i++)
                if (models[i].free && (first == BLOCKS || goes_before(&models[i], &models[first])))
                    first = i;
            cr_assert_eq(eviction_order_take(&order), first, "move %u", move);
            eviction_order_fill(&order, first, depth, admission);
            models[first] = (struct model){.facts = {.touched = admission, .depth = depth}};
            free_blocks--;
            taken++;
        }
        cr_assert(eviction_order_check(&order), "move %u", move);
        cr_assert_eq(order.count, free_blocks);
    }
    cr_expect_gt(taken, MOVES / 10);
    eviction_order_deinit(&order);
}

/* The event replay's members are segments: what was split off goes before the rest, which keeps its place, as it is deeper. */
Test(eviction_order, goes_on_with_halves_as_with_the_whole)
{
    struct eviction_order order;
    struct diag diag = {0};
    init(&order, "lru", 0);
    cr_assert_eq(eviction_order_expect(&order, 3, &diag), SIM_OK, "%s", diag.text);
    eviction_order_fill(&order, 0, 10, 1);
    eviction_order_fill(&order, 1, 10, 2);
    eviction_order_free(&order, 0);
    eviction_order_free(&order, 1);
    eviction_order_split(&order, 0, 4, 2);
    cr_expect_eq(order.members[2].facts.depth, 14);
    cr_expect_eq(eviction_order_first(&order), 0);
    eviction_order_free(&order, 2);
    cr_expect_eq(eviction_order_take(&order), 2);
    eviction_order_leave(&order, 2); /* not in it any more: nothing happens */
    cr_expect_eq(eviction_order_take(&order), 0);
    cr_expect_eq(eviction_order_take(&order), 1);
    cr_expect_eq(order.count, 0);
    eviction_order_deinit(&order);
}

Test(eviction_order, under_vllms_own_it_is_nothing)
{
    struct eviction_order order;
    struct diag diag = {0};
    init(&order, "vllm", BLOCKS);
    eviction_order_hit(&order, 3, 0, 1);
    eviction_order_fill(&order, 3, 0, 1);
    eviction_order_free(&order, 3);
    eviction_order_split(&order, 3, 1, 4);
    eviction_order_leave(&order, 3);
    cr_assert_eq(eviction_order_expect(&order, BLOCKS, &diag), SIM_OK, "%s", diag.text);
    cr_expect(!order.policy && !order.heaps[0].items && order.count == 0 && eviction_order_check(&order));
    eviction_order_deinit(&order);
}

/* Classes with an order each: the worth is a table that the test changes as it likes. */
static double worths[PAGESIM_EVICTION_CLASSES];

static double of_class(void *self, const struct pagesim_policy_block *first, int64_t now_ns)
{
    (void)self;
    (void)now_ns;
    return worths[first->request_class];
}

static const struct pagesim_eviction_policy by_class = {.info = {"by-class", "a worth a class"}, .key = hits_and_depth, .worth = of_class};

Test(eviction_order, of_the_first_of_each_class_the_one_worth_least_goes)
{
    struct eviction_order order;
    struct model models[BLOCKS] = {0};
    struct diag diag = {0};
    uint64_t seed = 6;
    cr_assert_eq(policy_register(POLICY_EVICTION, &by_class.info, &diag), SIM_OK, "%s", diag.text);
    init(&order, "by-class", BLOCKS);
    for (uint32_t round = 0; round < 300; round++) {
        for (uint32_t block = 0; block < BLOCKS; block++) {
            order.request_class = random_below(&seed, PAGESIM_EVICTION_CLASSES);
            const uint32_t depth = random_below(&seed, 6);
            eviction_order_fill(&order, block, depth, round);
            models[block] = (struct model){.facts = {.touched = round, .depth = depth, .request_class = order.request_class}, .free = true};
            eviction_order_free(&order, block);
        }
        for (uint32_t left = BLOCKS; left > 0; left--) {
            uint32_t first = BLOCKS;
            for (int class = 0; class < PAGESIM_EVICTION_CLASSES; class ++)
                worths[class] = random_below(&seed, 4); /* ties go to the lowest class */
            for (uint32_t i = 0; i < BLOCKS; i++) {
                const struct pagesim_policy_block *facts = &models[i].facts, *best = &models[first % BLOCKS].facts;
                if (!models[i].free)
                    continue;
                const double worth = worths[facts->request_class], least = worths[best->request_class];
                if (first == BLOCKS || worth < least || (worth == least && facts->request_class < best->request_class) ||
                    (facts->request_class == best->request_class && goes_before(&models[i], &models[first])))
                    first = i;
            }
            cr_assert_eq(eviction_order_take(&order), first);
            models[first].free = false;
            cr_assert(eviction_order_check(&order) && order.count == left - 1);
        }
    }
    eviction_order_deinit(&order);
}
