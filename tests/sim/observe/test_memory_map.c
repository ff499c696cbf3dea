/* test_memory_map.c - a map says at each of its moments what the pool was then: the same by all engines, and what tables add up to. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/engine_facts.h"
#include "observe/memory_map.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

/* --- the map alone ----------------------------------------------------------------------------------------------------------------- */

enum { STATES_MOST = 4000, BLOCKS_MOST = 400 };

struct told {
    int64_t from_ns, until_ns;
    uint8_t states[BLOCKS_MOST];
};

static uint32_t naive_run(const uint8_t *states, uint32_t count)
{
    uint32_t longest = 0, run = 0;
    for (uint32_t i = 0; i < count; i++) {
        run = states[i] == BLOCK_FREE || states[i] == BLOCK_CACHED ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void expect_column(const struct memory_map *map, uint32_t column, const uint8_t *states)
{
    uint32_t unused = 0;
    for (uint32_t row = 0; row < map->rows; row++) {
        uint32_t counts[BLOCK_STATES] = {0};
        for (uint32_t block = row * map->row_blocks; block < map->blocks && block < (row + 1) * map->row_blocks; block++)
            counts[states[block]]++;
        unused += counts[BLOCK_FREE] + counts[BLOCK_CACHED];
        for (int state = 0; state < BLOCK_STATES; state++)
            cr_assert_eq(memory_map_at(map, column, row, (enum block_state)state), counts[state]);
    }
    cr_assert_eq(map->unused[column], unused);
    cr_assert_eq(map->longest_run[column], naive_run(states, map->blocks));
}

/* States without a hole between them, of which the map sees those that it asks for; then each column against the state of its moment. */
static void expect_map_of_random_states(uint64_t seed)
{
    static struct told told[STATES_MOST];
    static const uint8_t empty[BLOCKS_MOST];
    const uint32_t count = 1 + random_below(&seed, seed % 4 ? 300 : STATES_MOST);
    struct config config = tiny_config_v1(16, 2 + random_below(&seed, BLOCKS_MOST - 1));
    const struct tiny_request requests[] = {{.input = 1, .output = 1},
                                            {.arrival_ns = random_below(&seed, 1u << 31), .input = 1, .output = 1}};
    struct trace *trace = tiny_trace(requests, 2);
    struct memory_map map;
    struct diag diag = {0};
    int64_t now_ns = random_below(&seed, 1u << random_below(&seed, 31)), next_ns = 0;
    const uint32_t pace = 1u << random_below(&seed, 31), alike = 1 + random_below(&seed, 40);
    cr_assert_eq(memory_map_init(&map, trace, &config, &diag), SIM_OK);
    for (uint32_t i = 0; i < count; i++) {
        told[i].from_ns = now_ns;
        now_ns = told[i].until_ns = now_ns + 1 + random_below(&seed, pace);
        for (uint32_t block = 0, left = 0, state = 0; block < map.blocks; block++, left--) {
            if (left == 0)
                state = random_below(&seed, BLOCK_STATES), left = 1 + random_below(&seed, alike);
            told[i].states[block] = (uint8_t)state;
        }
        const struct pool_states pool = {
            .from_ns = told[i].from_ns, .until_ns = now_ns, .states = told[i].states, .first_id = 1, .count = map.blocks};
        if (now_ns > next_ns)
            cr_assert_eq(memory_map_look(&map, &pool, &next_ns, &diag), SIM_OK);
    }
    cr_assert_leq(map.columns, MAP_COLUMNS);
    cr_assert_leq(map.rows, MAP_ROWS);
    cr_assert_geq(map.columns * map.width_ns, now_ns, "the columns reach to the end");
    cr_assert_lt((map.columns - 1) * map.width_ns, now_ns);
    for (uint32_t column = 0, i = 0; column < map.columns; column++) {
        const int64_t at_ns = column * map.width_ns;
        while (told[i].until_ns <= at_ns)
            i++;
        expect_column(&map, column, at_ns < told[i].from_ns ? empty : told[i].states);
    }
    memory_map_deinit(&map);
    trace_destroy(trace);
}

Test(memory_map, says_at_each_moment_what_held_then)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        expect_map_of_random_states(seed);
}

Test(memory_map, keeps_more_than_half_of_its_columns_however_long_it_goes_on)
{
    const struct tiny_request request = {.input = 1, .output = 1};
    struct trace *trace = tiny_trace(&request, 1);
    const struct config config = tiny_config_v1(16, 3);
    const uint8_t states[2] = {BLOCK_USED, BLOCK_FREE};
    struct memory_map map;
    struct diag diag = {0};
    int64_t next_ns = 0;
    cr_assert_eq(memory_map_init(&map, trace, &config, &diag), SIM_OK);
    for (int64_t from_ns = 0, long_ns = 1; long_ns < INT64_C(1) << 60; from_ns += long_ns, long_ns *= 2) {
        const struct pool_states pool = {.from_ns = from_ns, .until_ns = from_ns + long_ns, .states = states, .first_id = 1, .count = 2};
        if (pool.until_ns > next_ns)
            cr_assert_eq(memory_map_look(&map, &pool, &next_ns, &diag), SIM_OK);
        cr_expect(map.columns > MAP_COLUMNS / 2 || pool.until_ns < MAP_COLUMNS * INT64_C(1024));
        cr_expect_leq(map.columns, MAP_COLUMNS);
    }
    memory_map_deinit(&map);
    trace_destroy(trace);
}

Test(memory_map, is_not_made_of_a_pool_that_is_too_large)
{
    const struct tiny_request request = {.input = 1, .output = 1};
    struct trace *trace = tiny_trace(&request, 1);
    const struct config config = tiny_config_v1(16, MAP_BLOCKS_MOST + 2);
    struct memory_map map;
    struct diag diag = {0};
    cr_assert_eq(memory_map_init(&map, trace, &config, &diag), SIM_OK);
    cr_expect_null(map.cells);
    memory_map_deinit(&map);
    trace_destroy(trace);
}

/* --- engines ------------------------------------------------------------------------------------------------------------------------- */

enum { POOL_MOST = 128, LOOKS_MOST = 20000, SLOTS_MOST = 128 };

/* Every state that an engine shows, and what the lists of its steps say of it. */
struct looks {
    const struct config *config;
    uint64_t count;
    uint64_t hash; /* of all: times and states */
    uint8_t newest[POOL_MOST];
    int64_t from_ns, until_ns;
    uint32_t blocks;
    bool check;                                                             /* against lists; else they are not asked for */
    bool all;                                                               /* of every step, not of some */
    uint32_t *tables[SLOTS_MOST], counts[SLOTS_MOST], requests[SLOTS_MOST]; /* V1: who holds what, by the lists so far */
    uint32_t holders;
    uint64_t checked, shared, cached;
    struct memory_map map;
};

static enum status on_pool(void *self, const struct pool_states *pool, int64_t *next_ns, struct diag *diag)
{
    struct looks *looks = self;
    const uint64_t words[] = {(uint64_t)pool->from_ns, (uint64_t)pool->until_ns};
    int64_t map_ns = 0;
    if (++looks->count > LOOKS_MOST)
        return diag_set(diag, SIM_INTERRUPTED, "this never ends");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        looks->hash = (looks->hash ^ words[i]) * UINT64_C(0x100000001b3);
    for (uint32_t i = 0; i < pool->count; i++)
        looks->hash = (looks->hash ^ pool->states[i]) * UINT64_C(0x100000001b3);
    memcpy(looks->newest, pool->states, pool->count);
    looks->blocks = pool->count;
    looks->from_ns = pool->from_ns;
    looks->until_ns = pool->until_ns;
    if (!looks->all)
        return memory_map_look(&looks->map, pool, next_ns, diag);
    return memory_map_look(&looks->map, pool, &map_ns, diag); /* and every state is due */
}

static void hold(struct looks *looks, const struct step_sequence *sequence, bool anew)
{
    uint32_t slot = 0;
    while (slot < looks->holders && (anew || looks->requests[slot] != sequence->request))
        slot++;
    looks->holders += slot == looks->holders;
    cr_assert_lt(slot, SLOTS_MOST);
    looks->tables[slot] = realloc(looks->tables[slot], (sequence->num_blocks + 1) * sizeof *looks->tables[slot]);
    memcpy(looks->tables[slot], sequence->blocks, sequence->num_blocks * sizeof *sequence->blocks);
    looks->counts[slot] = sequence->num_blocks;
    looks->requests[slot] = sequence->request;
}

static void let_go(struct looks *looks, uint32_t request)
{
    for (uint32_t slot = 0; slot < looks->holders; slot++)
        if (looks->requests[slot] == request)
            looks->counts[slot] = 0;
}

/* The state that was shown last is that of this step: used blocks by its tables, others by its sums. */
static void expect_step(struct looks *looks, const struct step *step)
{
    const uint32_t first = engine_facts_of(looks->config)->has_null_block;
    uint32_t entries[POOL_MOST + 1] = {0}, cached = 0, free = 0;
    for (uint32_t slot = 0; slot < looks->holders; slot++)
        for (uint32_t i = 0; i < looks->counts[slot]; i++)
            entries[looks->tables[slot][i]]++;
    for (uint32_t i = 0; i < looks->blocks; i++) {
        const uint8_t state = looks->newest[i];
        const uint32_t held = entries[first + i];
        cr_assert_eq(state == BLOCK_SHARED, held > 1, "block %u", first + i);
        cr_assert_eq(state == BLOCK_USED, held == 1, "block %u", first + i);
        cached += state == BLOCK_CACHED;
        free += state == BLOCK_FREE;
        looks->shared += state == BLOCK_SHARED;
    }
    cr_assert_eq(looks->from_ns, step->tally.decided_ns);
    cr_assert_eq(looks->until_ns, step->tally.decided_ns + step->tally.state_ns);
    cr_assert_eq(cached, step->tally.cached_blocks);
    cr_assert_eq(free, step->tally.free_blocks - step->tally.cached_blocks);
    looks->cached += cached;
    looks->checked++;
}

static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct looks *looks = self;
    const bool rebuilds = engine_facts_of(looks->config)->has_groups;
    (void)diag;
    if (rebuilds)
        looks->holders = 0;
    for (uint32_t i = 0; i < step->preempted_count; i++)
        let_go(looks, step->preempted[i].request);
    for (uint32_t i = 0; i < step->sequence_count; i++)
        hold(looks, &step->sequences[i], rebuilds);
    for (uint32_t i = 0; i < step->resident_count; i++)
        hold(looks, &step->residents[i], rebuilds);
    if (step->tally.state_ns > 0)
        expect_step(looks, step);
    return SIM_OK;
}

static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    for (uint32_t i = 0; i < step->finished_count; i++)
        let_go(self, step->finished[i]);
    return SIM_OK;
}

/* False: the case never ends. */
static bool look_at(struct looks *looks, const struct trace *trace, const struct config *config, bool reference, bool check, bool all)
{
    struct diag diag = {0};
    *looks = (struct looks){.config = config, .check = check, .all = all};
    const struct observer observer = {
        .self = looks, .pool = on_pool, .scheduled = check ? on_scheduled : NULL, .completed = check ? on_completed : NULL};
    cr_assert_eq(memory_map_init(&looks->map, trace, config, &diag), SIM_OK);
    const enum status status = replay_observed(trace, config, &observer, reference, &diag);
    cr_assert(status == SIM_OK || status == SIM_INTERRUPTED, "%s", diag.text);
    return status == SIM_OK;
}

static void forget(struct looks *looks)
{
    for (uint32_t slot = 0; slot < SLOTS_MOST; slot++)
        free(looks->tables[slot]);
    memory_map_deinit(&looks->map);
}

static void expect_same_map(const struct memory_map *a, const struct memory_map *b, uint64_t number)
{
    cr_assert(a->columns == b->columns && a->rows == b->rows && a->width_ns == b->width_ns, "case %llu", (unsigned long long)number);
    const size_t cells = (size_t)a->columns * a->rows * BLOCK_STATES;
    cr_assert_eq(memcmp(a->cells, b->cells, cells * sizeof *a->cells), 0, "case %llu", (unsigned long long)number);
}

static void compare_engines(bool v0, uint64_t cases)
{
    static struct looks plain, quick, seldom;
    uint64_t checked = 0, shared = 0, cached = 0, seen = 0;
    for (uint64_t number = 1; number <= cases; number++) {
        uint64_t seed = number;
        const struct config config = random_case_config(&seed, v0);
        struct trace *trace = random_case_trace(&seed, &config);
        if (look_at(&plain, trace, &config, true, true, true)) {
            look_at(&quick, trace, &config, false, false, true);
            look_at(&seldom, trace, &config, false, false, false);
            cr_assert_eq(plain.count, quick.count, "case %llu", (unsigned long long)number);
            cr_assert_eq(plain.hash, quick.hash, "case %llu", (unsigned long long)number);
            expect_same_map(&plain.map, &quick.map, number);
            expect_same_map(&plain.map, &seldom.map, number);
            seen += seldom.count < plain.count;
            forget(&quick);
            forget(&seldom);
        }
        checked += plain.checked;
        shared += plain.shared;
        cached += plain.cached;
        forget(&plain);
        trace_destroy(trace);
    }
    cr_expect_gt(checked, 10 * cases);
    cr_expect_gt(shared, cases);
    cr_expect_gt(cached, cases);
    cr_expect_gt(seen, cases / 100, "long enough not to look at every step");
}

Test(memory_map, event_replay_and_plain_scheduler_show_the_same_pool)
{
    compare_engines(false, 1500);
}

Test(memory_map, quiet_steps_of_v0_show_the_same_pool)
{
    compare_engines(true, 1500);
}
