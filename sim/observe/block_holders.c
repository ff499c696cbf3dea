/* block_holders.c - follows block tables from step to step. Below are single blocks (who is charged: charge_to), then tables (follow), then
 * what a step does to them; read block_holders_scheduled first.
 *
 * Three layers, each a count of the one above, so that no layer is ever recounted in a replay:
 *
 *     tables of requests  >  holders[block][class], how often a class has the block  >  owner[block], the lowest such class  >  now[class]
 *
 * block_holders_check recounts all of it from the tables; tests call it. */
#include "observe/block_holders.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/engine_facts.h"

/* Above every class, so that `class < owner` is also true for a block that nobody holds. */
enum { NOBODY = HOLDER_CLASSES_MOST };

/* Classes are known: their memory, and that of tables. */
static enum status begin(struct block_holders *holders, const struct trace *trace, const struct config *config, struct diag *diag)
{
    holders->trace = trace;
    holders->groups = kv_groups_of(config);
    holders->block_slots = kv_groups_block_slots(&holders->groups);
    holders->pool_blocks = config->num_gpu_blocks;
    holders->rebuilds = engine_facts_of(config)->has_groups;
    holders->class_count = holders->by_group ? holders->groups.count : holders->classes.count;
    const size_t blocks = holders->pool_blocks;
    const struct array_request arrays[] = {
        ARRAY_OF(holders->table_of, (size_t)trace->count * holders->groups.count), ARRAY_OF(holders->has_token, trace->count),
        ARRAY_OF(holders->holders, blocks * holders->class_count), ARRAY_OF(holders->filled, blocks), ARRAY_OF(holders->owner, blocks)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the holders of blocks", diag);
    if (status == SIM_OK)
        memset(holders->owner, NOBODY, blocks);
    return status;
}

enum status block_holders_init(struct block_holders *holders, const struct trace *trace, const struct config *config, enum class_key key,
                               struct diag *diag)
{
    *holders = (struct block_holders){0};
    enum status status = request_classes_init(&holders->classes, trace, key, NULL, diag);
    return status == SIM_OK ? begin(holders, trace, config, diag) : status;
}

enum status block_holders_init_groups(struct block_holders *holders, const struct trace *trace, const struct config *config,
                                      struct diag *diag)
{
    *holders = (struct block_holders){.by_group = true};
    return begin(holders, trace, config, diag);
}

void block_holders_deinit(struct block_holders *holders)
{
    for (size_t i = 0; i < holders->table_capacity; i++)
        free(holders->tables[i].blocks);
    free(holders->tables);
    free(holders->table_of);
    free(holders->has_token);
    free(holders->holders);
    free(holders->filled);
    free(holders->owner);
    *holders = (struct block_holders){0};
}

/* --- single blocks --------------------------------------------------------------------------------------------------------------- */

/* Moves a block from one class's account to another's, with the tokens it holds. Every change of owner comes through here, which is what
 * keeps the sum over classes equal to the used blocks of the pool. */
static void charge_to(struct block_holders *holders, uint32_t block, uint32_t class)
{
    uint32_t before = holders->owner[block], slots = holders->filled[block];
    if (before != NOBODY) {
        holders->now[before].blocks--;
        holders->now[before].useful_slots -= slots;
    }
    if (class != NOBODY) {
        holders->now[class].blocks++;
        holders->now[class].useful_slots += slots;
    }
    holders->owner[block] = (uint8_t) class;
}

/* One more table entry of this class. The class pays for the block only if it comes before the one that pays now. */
static void hold(struct block_holders *holders, uint32_t block, uint32_t class)
{
    holders->holders[(size_t)block * holders->class_count + class]++;
    if (class < holders->owner[block])
        charge_to(holders, block, class);
}

/* One table entry less. Only the last entry of the class that pays changes the account. The next to pay is searched upwards from it,
 * since a lower class with an entry would have been the owner. */
static void let_go(struct block_holders *holders, uint32_t block, uint32_t class)
{
    const uint32_t classes = holders->class_count;
    const uint32_t *of_block = &holders->holders[(size_t)block * classes];
    if (--holders->holders[(size_t)block * classes + class] > 0 || holders->owner[block] != class)
        return;
    uint32_t next = class;
    while (next < classes && of_block[next] == 0)
        next++;
    charge_to(holders, block, next < classes ? next : NOBODY);
    /* Nobody holds it any more. The content may still be cached, but the ledger calls that idle, and whoever takes the block writes it
     * anew. */
    if (next == classes)
        holders->filled[block] = 0;
}

/* Tables may disagree on how far a shared block is filled (V0: a fork that has fewer tokens in it). The fullest view counts, as the
 * tokens are there; it never falls while somebody holds the block, but where drafts were wrong: then its one table says so. */
static void fill(struct block_holders *holders, uint32_t block, uint32_t slots, bool falls)
{
    if (slots <= holders->filled[block] && !falls)
        return;
    holders->now[holders->owner[block]].useful_slots += (uint64_t)slots - holders->filled[block];
    holders->filled[block] = slots;
}

/* --- tables ---------------------------------------------------------------------------------------------------------------------- */

/* What a table adds to its class's sums but for the blocks themselves; sign -1 takes it away. A request has a table in each group, and is
 * counted once. */
static void count_table(const struct block_holders *holders, const struct held_table *table, int sign, struct class_state *now)
{
    const struct kv_group *group = &holders->groups.list[table->group];
    const uint32_t size = group->block_size, written = ceil_div(table->tokens, size);
    const uint32_t passed_tokens = kv_group_passed_tokens(group, table->tokens), gone = table->passed * size;
    const uint64_t once = (uint64_t)(int64_t)sign;
    now->tables += once * (table->group == 0 || holders->by_group);
    now->table_blocks += once * (table->count - table->passed);
    now->passed += once * table->passed;
    now->ahead_blocks += once * (table->count > written ? table->count - written : 0);
    if (passed_tokens > gone)
        now->slack_slots += once * (passed_tokens - gone) * kv_group_token_slots(&holders->groups, table->group);
}

/* The order does not matter: each entry is a count of its own. Leaves the table's memory and its class for the caller. */
static void empty_table(struct block_holders *holders, struct held_table *table)
{
    count_table(holders, table, -1, &holders->now[table->class]);
    for (uint32_t i = table->passed; i < table->count; i++)
        let_go(holders, table->blocks[i], table->class);
    table->count = table->tokens = table->passed = 0;
}

static uint32_t *place_of(const struct block_holders *holders, uint32_t position, uint32_t group)
{
    return &holders->table_of[(size_t)position * holders->groups.count + group];
}

/* The last table takes the place of the removed one, so that tables in use stay dense. The removed one's memory goes to the free slot and
 * is reused by the next request. The removed one's place is cleared last: it may be the last one itself. */
static void remove_table(struct block_holders *holders, uint32_t position, uint32_t group)
{
    const uint32_t at = *place_of(holders, position, group) - 1;
    struct held_table *table = &holders->tables[at], *last = &holders->tables[--holders->table_count], kept;
    empty_table(holders, table);
    *place_of(holders, last->position, last->group) = at + 1;
    *place_of(holders, position, group) = 0;
    kept = *table;
    *table = *last;
    *last = kept;
}

static void remove_tables(struct block_holders *holders, uint32_t position)
{
    for (uint32_t group = 0; group < holders->groups.count; group++)
        if (*place_of(holders, position, group) > 0)
            remove_table(holders, position, group);
}

static enum status add_table(struct block_holders *holders, const struct step_sequence *sequence, uint32_t class, struct held_table **out,
                             struct diag *diag)
{
    size_t before = holders->table_capacity;
    enum status status = array_reserve(&holders->tables, &holders->table_capacity, (size_t)holders->table_count + 1,
                                       sizeof *holders->tables, "the holders of blocks", diag);
    if (status != SIM_OK)
        return status;
    /* array_reserve leaves new memory as it is, but an unused slot must have no blocks to be freed. */
    if (holders->table_capacity > before)
        memset(holders->tables + before, 0, (holders->table_capacity - before) * sizeof *holders->tables);
    struct held_table *table = &holders->tables[holders->table_count++];
    table->position = sequence->request;
    table->group = sequence->group;
    table->class = class;
    table->count = table->tokens = table->passed = 0;
    count_table(holders, table, 1, &holders->now[class]);
    *place_of(holders, sequence->request, sequence->group) = holders->table_count;
    *out = table;
    return SIM_OK;
}

/* From the first block on that has fewer or more tokens than before. */
static void fill_table(struct block_holders *holders, struct held_table *table, uint32_t tokens)
{
    const uint32_t size = holders->groups.list[table->group].block_size, each = kv_group_token_slots(&holders->groups, table->group);
    const uint32_t before = table->tokens, end = ceil_div(max_u32(before, tokens), size);
    for (uint32_t i = max_u32(min_u32(before, tokens) / size, table->passed); i < min_u32(end, table->count); i++) {
        const uint32_t there = tokens > i * size ? min_u32(tokens - i * size, size) : 0;
        fill(holders, table->blocks[i], there * each, tokens < before);
    }
    table->tokens = tokens;
}

/* The sequence holds these blocks from now on; a table only grows, but for leading blocks that its window has passed, and for a last block
 * that was copied (V0, where it is anew). */
static enum status follow(struct block_holders *holders, struct held_table *table, const struct step_sequence *sequence, struct diag *diag)
{
    enum status status =
        array_reserve(&table->blocks, &table->capacity, sequence->num_blocks, sizeof *table->blocks, "a block table", diag);
    if (status != SIM_OK)
        return status;
    count_table(holders, table, -1, &holders->now[table->class]);
    for (uint32_t i = table->count; i < sequence->num_blocks; i++) {
        table->blocks[i] = sequence->blocks[i];
        if (i >= sequence->passed)
            hold(holders, sequence->blocks[i], table->class);
    }
    table->count = sequence->num_blocks;
    table->passed = sequence->passed;
    fill_table(holders, table, sequence->start + sequence->tokens);
    count_table(holders, table, 1, &holders->now[table->class]);
    return SIM_OK;
}

/* Its window has passed these blocks: the step may have given them to another table, which is followed before or after this one. */
static void give_back(struct block_holders *holders, const struct step_sequence *sequence)
{
    const uint32_t at = *place_of(holders, sequence->request, sequence->group);
    struct held_table *table = at ? &holders->tables[at - 1] : NULL;
    if (!table || table->passed == sequence->passed)
        return;
    count_table(holders, table, -1, &holders->now[table->class]);
    for (uint32_t i = table->passed; i < min_u32(sequence->passed, table->count); i++)
        let_go(holders, table->blocks[i], table->class);
    table->passed = sequence->passed;
    count_table(holders, table, 1, &holders->now[table->class]);
}

/* A request that changes its class, at its first token when classes are phases, gives up all entries under the old class and takes them
 * again under the new one. That is O(table), but once an admission. */
static enum status follow_sequence(struct block_holders *holders, const struct step_sequence *sequence, struct diag *diag)
{
    const uint32_t position = sequence->request;
    const uint32_t class = holders->by_group ? sequence->group : request_class(&holders->classes, position, holders->has_token[position]);
    const uint32_t at = *place_of(holders, position, sequence->group);
    struct held_table *table = holders->rebuilds || at == 0 ? NULL : &holders->tables[at - 1];
    if (table && table->class != class) {
        empty_table(holders, table);
        table->class = class;
        count_table(holders, table, 1, &holders->now[class]);
    }
    enum status status = table ? SIM_OK : add_table(holders, sequence, class, &table, diag);
    return status == SIM_OK ? follow(holders, table, sequence, diag) : status;
}

/* Preempted requests go first: their blocks are what the scheduled ones have just been given. V1 names each table that changes, so tables
 * are kept and extended. V0 shares, forks and swaps tables of groups in ways that a step does not spell out, so there all tables are
 * taken from the step's lists anew. */
enum status block_holders_scheduled(struct block_holders *holders, const struct step *step, struct diag *diag)
{
    for (uint32_t i = 0; i < step->preempted_count; i++) {
        uint32_t position = step->preempted[i].request;
        if (!holders->rebuilds)
            remove_tables(holders, position);
        if (step->preempted[i].kind == PREEMPT_RECOMPUTE)
            holders->has_token[position] = false;
    }
    for (uint32_t i = 0; holders->rebuilds && i < holders->table_count; i++) {
        *place_of(holders, holders->tables[i].position, 0) = 0;
        empty_table(holders, &holders->tables[i]);
    }
    if (holders->rebuilds)
        holders->table_count = 0;
    for (uint32_t i = 0; !holders->rebuilds && i < step->sequence_count; i++)
        give_back(holders, &step->sequences[i]);
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < step->sequence_count && status == SIM_OK; i++)
        status = follow_sequence(holders, &step->sequences[i], diag);
    for (uint32_t i = 0; i < step->resident_count && status == SIM_OK; i++)
        status = follow_sequence(holders, &step->residents[i], diag);
    return status;
}

/* What was computed for drafts that were wrong, or that the request did not take, is not there. `got`: tokens that its answer took. */
static void take_back(struct block_holders *holders, const struct scheduled *scheduled, uint32_t got)
{
    for (uint32_t group = 0; group < holders->groups.count; group++) {
        const uint32_t at = *place_of(holders, scheduled->request, group);
        struct held_table *table = at ? &holders->tables[at - 1] : NULL; /* NULL: it was preempted since */
        if (!table)
            continue;
        count_table(holders, table, -1, &holders->now[table->class]);
        fill_table(holders, table, table->tokens - (1 + scheduled->drafts - got));
        count_table(holders, table, 1, &holders->now[table->class]);
    }
}

/* After the step, not with it: a request that gets its first token in this step was in its prefill while the step ran, and a finished one
 * held its blocks until the end. V1's list of who got tokens is in the order of who was scheduled. */
enum status block_holders_completed(struct block_holders *holders, const struct step *step, struct diag *diag)
{
    (void)diag;
    uint32_t answer = 0;
    for (uint32_t i = 0; !holders->rebuilds && i < step->scheduled_count && step->tally.draft_tokens > 0; i++) {
        const struct scheduled *scheduled = &step->scheduled[i];
        if (!scheduled->samples || scheduled->vain)
            continue;
        const uint32_t got = (uint32_t)step->sampled[answer++].tokens;
        if (got < 1 + (uint32_t)scheduled->drafts)
            take_back(holders, scheduled, got);
    }
    for (uint32_t i = 0; i < step->sampled_count; i++) {
        const uint32_t position = step->sampled[i].request;
        /* V1: the token may be of before a preemption, and the request has no table. */
        holders->has_token[position] |= holders->rebuilds || *place_of(holders, position, 0) > 0;
    }
    for (uint32_t i = 0; !holders->rebuilds && i < step->finished_count; i++)
        remove_tables(holders, step->finished[i]);
    return SIM_OK;
}

uint32_t block_holders_held(const struct block_holders *holders, uint32_t table)
{
    uint32_t blocks = 0;
    if (holders->rebuilds)
        return holders->tables[table].count;
    for (uint32_t group = 0; group < holders->groups.count; group++) {
        const struct held_table *held = &holders->tables[*place_of(holders, holders->tables[table].position, group) - 1];
        blocks += held->count - held->passed;
    }
    return blocks;
}

/* O(pool blocks x classes): for tests only. */
bool block_holders_check(const struct block_holders *holders)
{
    const uint32_t classes = holders->class_count;
    struct class_state recounted[HOLDER_CLASSES_MOST] = {{0}};
    uint64_t entries = 0, held = 0;
    for (uint32_t i = 0; i < holders->table_count; i++) {
        const struct held_table *table = &holders->tables[i];
        count_table(holders, table, 1, &recounted[table->class]);
        entries += table->count - table->passed;
    }
    for (uint32_t block = 0; block < holders->pool_blocks; block++) {
        uint32_t first = NOBODY;
        for (uint32_t class = classes; class -- > 0;) {
            held += holders->holders[(size_t)block * classes + class];
            if (holders->holders[(size_t)block * classes + class] > 0)
                first = class;
        }
        if (holders->owner[block] != first || holders->filled[block] > holders->block_slots)
            return false;
        if (first == NOBODY)
            continue;
        recounted[first].blocks++;
        recounted[first].useful_slots += holders->filled[block];
    }
    return entries == held && memcmp(recounted, holders->now, sizeof recounted) == 0;
}
