/* vllm_v1_blocks.c - who holds which block, and which is taken next. Sections are those of doc/vllm_v1.md; the pool and the prefix cache
 * themselves are core/block_pool.c and core/prefix_cache.c.
 *
 * How the parts work together, for one admission:
 *
 *     v1_blocks_lookup     contents of the request's leading blocks -> hits, nothing changes
 *     v1_blocks_allocate   tests; then hits join the tables, fresh blocks are taken (evicting what they held), full ones are registered
 *     v1_blocks_release    back to the two ends of the free queue
 */
#include "vllm_v1/vllm_v1_blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/speculation.h"
#include "engine/pool_states.h"
#include "policy/policy.h"
#include "vllm_v1/v1_rules.h"

/* Of each request, as pagesim.h says at PAGESIM_EVICTION_CLASSES. Turns come after those before them, so one pass counts them. */
static enum status classify(struct v1_blocks *blocks, struct diag *diag)
{
    enum { TURNS = 3, SHORT = 1024, MIDDLE = 8192 };
    const struct trace *trace = blocks->trace;
    enum status status = array_zeroed(&blocks->classes, trace->count, sizeof *blocks->classes, "classes of requests", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const int32_t priority = trace->priority ? trace->priority[position] : 0;
        const uint32_t tokens = trace->input_tokens[position], previous = trace->previous ? trace->previous[position] : 0;
        uint32_t turn = tokens > MIDDLE ? 2 : tokens > SHORT ? 1 : 0;
        if (trace->previous)
            turn = previous == 0 ? 0 : min_u32(blocks->classes[previous - 1] % TURNS + 1, TURNS - 1);
        blocks->classes[position] = (uint8_t)(TURNS * policy_class(priority) + turn);
    }
    return status;
}

static enum status make_caches(struct v1_blocks *blocks, const struct config *config, struct diag *diag)
{
    const uint32_t count = blocks->groups.count;
    const struct array_request arrays[] = {ARRAY_OF(blocks->caches, count), ARRAY_IF(count > 1, blocks->group_of, config->num_gpu_blocks)};
    enum status status = array_zeroed_all(arrays, 2, "the prefix cache", diag);
    for (uint32_t i = 0; i < count && status == SIM_OK; i++)
        if (kv_prefix_cache_create(config->num_gpu_blocks, &blocks->caches[i]) != KV_OK)
            status = diag_no_memory(diag, (size_t)config->num_gpu_blocks * 24, "the prefix cache; take fewer num_gpu_blocks");
    if (status == SIM_OK)
        status = prompt_contents_init(&blocks->contents, blocks->trace, config->trace_block_size, diag);
    return status == SIM_OK ? eviction_order_init(&blocks->eviction, config, config->num_gpu_blocks, diag) : status;
}

/* What the gate counts of each group (section 13). */
static void make_caps(struct v1_blocks *blocks, const struct config *config)
{
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        blocks->caps[i] = kv_group_cap(&blocks->groups.list[i], v1_tokens_in_flight(config), config->max_model_len);
        blocks->any_drops |= blocks->groups.list[i].drops;
    }
}

enum status v1_blocks_init(struct v1_blocks *blocks, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *blocks = (struct v1_blocks){.trace = trace,
                                 .max_model_len = config->max_model_len,
                                 .lookahead = speculation_lookahead(config),
                                 .tokens_after = speculation_tokens_after_block(config),
                                 .retention = config->prefix_cache_retention_interval,
                                 .caching = config->enable_prefix_caching,
                                 .last_position = UINT32_MAX};
    enum status status = kv_groups_make(config, "configuration", &blocks->groups, diag);
    if (status != SIM_OK)
        return status;
    const uint32_t size = blocks->groups.hash_block_size, groups = blocks->groups.count;
    blocks->blocks_per_hash = config->trace_block_size % size || blocks->tokens_after ? 0 : config->trace_block_size / size;
    const struct array_request arrays[] = {ARRAY_OF(blocks->tables, (size_t)trace->count * groups), ARRAY_OF(blocks->chains, trace->count),
                                           ARRAY_OF(blocks->spares, trace->count), ARRAY_OF(blocks->found, groups),
                                           ARRAY_OF(blocks->caps, groups)};
    uint32_t null_block;
    if (kv_block_pool_init(&blocks->pool, config->num_gpu_blocks, KV_ASCENDING) != KV_OK)
        return diag_no_memory(diag, (size_t)config->num_gpu_blocks * 12, "the block pool; take fewer num_gpu_blocks");
    if (kv_block_pool_take(&blocks->pool, &null_block) != KV_OK)
        status = diag_set(diag, SIM_FAILED, "an empty block pool has no room for the null block");
    if (status == SIM_OK)
        status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "block tables", diag);
    if (status == SIM_OK && !policy_find_eviction(config->eviction_policy))
        status = diag_set(diag, SIM_BAD_INPUT, "there is no eviction_policy \"%s\"", config->eviction_policy);
    if (status == SIM_OK && blocks->caching)
        status = make_caches(blocks, config, diag);
    if (status == SIM_OK && blocks->eviction.policy && blocks->eviction.policy->worth)
        status = classify(blocks, diag);
    if (status == SIM_OK)
        make_caps(blocks, config);
    else
        v1_blocks_deinit(blocks);
    return status;
}

/* A request's arrays grow to its length and then serve later requests, so that a long replay stops asking for memory once as many have grown
 * as run at a time. */
void v1_blocks_take_spare(struct v1_blocks *blocks, uint32_t position)
{
    struct v1_table *tables = v1_tables_of(blocks, position);
    struct v1_chain *chain = &blocks->chains[position];
    if (tables->blocks || chain->contents || blocks->spare_count == 0)
        return;
    const uint32_t spare = blocks->spares[--blocks->spare_count];
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        tables[i] = v1_tables_of(blocks, spare)[i];
        v1_tables_of(blocks, spare)[i] = (struct v1_table){0};
    }
    *chain = (struct v1_chain){
        .contents = blocks->chains[spare].contents, .capacity = blocks->chains[spare].capacity, .junction = chain->junction};
    blocks->chains[spare] = (struct v1_chain){0};
}

void v1_blocks_deinit(struct v1_blocks *blocks)
{
    const uint32_t groups = blocks->groups.count;
    for (size_t i = 0; blocks->tables && i < (size_t)blocks->trace->count * groups; i++)
        free(blocks->tables[i].blocks);
    for (uint32_t position = 0; blocks->chains && position < blocks->trace->count; position++)
        free(blocks->chains[position].contents);
    for (uint32_t i = 0; i < groups; i++) {
        if (blocks->found)
            free(blocks->found[i].blocks);
        if (blocks->caches)
            kv_prefix_cache_destroy(blocks->caches[i]);
    }
    free(blocks->tables);
    free(blocks->chains);
    free(blocks->spares);
    free(blocks->found);
    free(blocks->caps);
    free(blocks->caches);
    free(blocks->group_of);
    eviction_order_deinit(&blocks->eviction);
    free(blocks->classes);
    prompt_contents_deinit(&blocks->contents);
    kv_block_pool_deinit(&blocks->pool);
    memset(blocks, 0, sizeof *blocks);
}

/* --- the content of a block ---------------------------------------------------------------------------------------------------------- */

/* A block has the content of one group or none. */
static struct kv_prefix_cache *cache_of(const struct v1_blocks *blocks, uint32_t block)
{
    return blocks->caches[blocks->group_of ? blocks->group_of[block] : 0];
}

static bool has_content(const struct v1_blocks *blocks, uint32_t block)
{
    return blocks->caching && kv_prefix_cache_content(cache_of(blocks, block), block) != KV_CONTENT_NONE;
}

static enum kv_status set_content(struct v1_blocks *blocks, uint32_t group, uint32_t block, uint64_t content)
{
    if (blocks->group_of)
        blocks->group_of[block] = (uint8_t)group;
    return kv_prefix_cache_insert(blocks->caches[group], block, content);
}

/* --- tables -------------------------------------------------------------------------------------------------------------------------- */

/* Runs of consecutive ids are counted as tables grow, because a count over all tables in each step would cost more than the step. */
static bool starts_run(const struct v1_table *table, uint32_t at)
{
    return at == table->passed || table->blocks[at - 1] + 1 != table->blocks[at];
}

static void append_block(struct v1_blocks *blocks, struct v1_table *table, uint32_t block)
{
    table->blocks[table->count] = block;
    const bool starts = starts_run(table, table->count);
    table->runs += starts;
    blocks->table_runs += starts;
    blocks->table_blocks++;
    table->count++;
}

/* A broken contract of the pool is a bug of ours; say so instead of going on. */
static enum status pool_bug(struct diag *diag, uint32_t block)
{
    return diag_set(diag, SIM_FAILED, "internal error: block %u is not in the state the scheduler believes", block);
}

/* Entries [from, end) go back. Backwards, so that the deepest block is the first to go: a prefix is worth more than what follows it. Two
 * walks, because the two ends want opposite orders: the tail is reached by appending, deepest first; the head by pushing, so the deepest one
 * has to be pushed last. A block that another table holds only loses a reference and is in no queue, as `refs` tells the second walk. None of
 * these calls can fail: the table holds a reference of each of its blocks. */
static void release_entries(struct v1_blocks *blocks, const struct v1_table *table, uint32_t from, uint32_t end)
{
    struct kv_block_pool *pool = &blocks->pool;
    enum kv_status put = KV_OK;
    uint32_t left;
    for (uint32_t i = end; i-- > from && put == KV_OK;) {
        put = kv_block_pool_unref(pool, table->blocks[i], &left);
        if (put == KV_OK && left == 0 && has_content(blocks, table->blocks[i])) {
            put = kv_block_pool_put_tail(pool, table->blocks[i]);
            eviction_order_free(&blocks->eviction, table->blocks[i]);
            blocks->cached_free++;
        }
    }
    /* What is now unreferenced and in no queue has no content. */
    for (uint32_t i = from; i < end && put == KV_OK; i++)
        if (pool->refs[table->blocks[i]] == 0 && kv_block_pool_next(pool, table->blocks[i]) == KV_BLOCK_NONE)
            put = kv_block_pool_put_head(pool, table->blocks[i]);
    assert(put == KV_OK);
    blocks->table_blocks -= end - from;
}

void v1_blocks_release(struct v1_blocks *blocks, uint32_t position)
{
    struct v1_table *tables = v1_tables_of(blocks, position);
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        struct v1_table *table = &tables[i];
        blocks->eviction.table_blocks = table->count;
        release_entries(blocks, table, table->passed, table->count);
        blocks->table_runs -= table->runs;
        blocks->passed_slots -= (uint64_t)table->passed * blocks->groups.list[i].block_size;
        table->count = table->passed = table->runs = table->registered = 0;
    }
}

/* The window has left the first `passed` blocks, or they were never needed. */
static void set_passed(struct v1_blocks *blocks, uint32_t group, struct v1_table *table, uint32_t passed)
{
    blocks->passed_slots += (uint64_t)(passed - table->passed) * blocks->groups.list[group].block_size;
    table->passed = passed;
}

/* Section 13: blocks that no token from `computed` on looks at go back at once. */
static void drop_passed(struct v1_blocks *blocks, uint32_t position, uint32_t computed)
{
    struct v1_table *tables = v1_tables_of(blocks, position);
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        struct v1_table *table = &tables[i];
        const uint32_t passed = min_u32(kv_group_passed_blocks(&blocks->groups.list[i], computed), table->count);
        if (passed <= table->passed)
            continue;
        uint32_t runs = 0; /* that are gone; one that goes on is still there */
        for (uint32_t k = table->passed; k < passed; k++)
            runs += starts_run(table, k);
        runs -= passed < table->count && !starts_run(table, passed);
        release_entries(blocks, table, table->passed, passed);
        memset(table->blocks + table->passed, 0, (passed - table->passed) * sizeof *table->blocks);
        table->runs -= runs;
        blocks->table_runs -= runs;
        set_passed(blocks, i, table, passed);
    }
}

/* --- registering ---------------------------------------------------------------------------------------------------------------------- */

/* Which blocks of a sliding window are worth finding: the last ones before each of these places. */
struct kept_ends {
    uint32_t ends[4], count;
};

/* The place from which a prompt can be gone on with: its own end, but for the token that is always computed; and where a lookup found that
 * others share more than all groups had. */
static struct kept_ends kept_ends(const struct v1_blocks *blocks, uint32_t position, const struct kv_group *group)
{
    const uint32_t prompt = blocks->trace->input_tokens[position], alignment = blocks->groups.alignment;
    const uint32_t junction = blocks->chains[position].junction;
    struct kept_ends kept = {.ends = {prompt - 1}, .count = 1};
    if (blocks->any_drops) {
        const uint32_t before = (prompt - 1) / alignment * alignment, at = prompt / alignment * alignment;
        kept.ends[0] = before > alignment ? before - alignment : 0;
        kept.ends[kept.count++] = at > alignment ? at - alignment : 0;
    }
    if (junction)
        kept.ends[kept.count++] = junction;
    if (junction && group->drops)
        kept.ends[kept.count++] = junction > group->block_size ? junction - group->block_size : 0;
    return kept;
}

/* Section 13: is block k of the table put into the cache? All of full attention's are. */
static bool is_kept(const struct v1_blocks *blocks, const struct kv_group *group, const struct kept_ends *kept, uint32_t k)
{
    if (group->kind != KV_KIND_SLIDING_WINDOW)
        return true;
    const uint32_t needed = kv_group_run_needed(group), shift = group->drops, alignment = blocks->groups.alignment;
    if (blocks->retention != 0) {
        const uint64_t interval = blocks->retention == RETENTION_DENSE ? alignment : (uint64_t)blocks->retention;
        const uint64_t per = interval / group->block_size;
        if (needed >= per || (k >= shift && (k - shift) % per >= per - needed))
            return true;
    }
    for (uint32_t i = 0; i < kept->count && blocks->retention != RETENTION_DENSE; i++) {
        const uint32_t end = kept->ends[i] / alignment * alignment / group->block_size + shift;
        if (k < end && k + needed >= end)
            return true;
    }
    return false;
}

/* Section 14: the block in which the prompt's contents end gets one that no lookup asks for, but that keeps it from the head of the queue. */
static enum status register_end(struct v1_blocks *blocks, uint32_t position, uint32_t group, uint32_t tokens, struct diag *diag)
{
    const struct v1_table *table = &v1_tables_of(blocks, position)[group];
    const uint32_t size = blocks->groups.list[group].block_size, unit = blocks->groups.hash_block_size;
    const uint32_t end = blocks->trace->input_tokens[position] / unit * unit, k = end / size;
    if (end == 0 || end > tokens || end % size == 0 || k >= table->count || has_content(blocks, table->blocks[k]))
        return SIM_OK;
    enum status status = v1_blocks_extend_contents(blocks, position, end / unit, diag);
    if (status == SIM_OK && set_content(blocks, group, table->blocks[k], blocks->chains[position].contents[end / unit - 1]) != KV_OK)
        return pool_bug(diag, table->blocks[k]);
    return status;
}

/* Register the first `full` blocks of a table, as far as they are not yet. All their tokens are present, or will be after this step.
 * "Will be after this step" is vLLM's way (section 5): a request admitted later in the same step can hit these blocks, since the model
 * computes the step's requests layer by layer together. If the request then loses its turn, the content stays registered without ever
 * being computed (case E8). */
static enum status register_full(struct v1_blocks *blocks, uint32_t position, uint32_t group, uint32_t full, struct diag *diag)
{
    const struct kv_group *kind = &blocks->groups.list[group];
    struct v1_table *table = &v1_tables_of(blocks, position)[group];
    const uint32_t per = kind->block_size / blocks->groups.hash_block_size;
    const struct kept_ends kept = kept_ends(blocks, position, kind);
    enum status status = v1_blocks_extend_contents(blocks, position, full * per, diag);
    if (status != SIM_OK)
        return status;
    const uint64_t *contents = blocks->chains[position].contents;
    for (; table->registered < full; table->registered++) {
        const uint32_t k = table->registered, block = table->blocks[k];
        if (block == NULL_BLOCK || !is_kept(blocks, kind, &kept, k))
            continue;
        if (kind->drops) /* register_end() may have come first */
            kv_prefix_cache_remove(blocks->caches[group], block);
        if (set_content(blocks, group, block, contents[(size_t)(k + 1) * per - 1]) != KV_OK)
            return pool_bug(diag, block);
    }
    return SIM_OK;
}

/* Called when tables have changed. Early is fine: then somebody looks in vain. */
static void look_ahead(struct v1_blocks *blocks, uint32_t position)
{
    const struct v1_table *tables = v1_tables_of(blocks, position);
    struct v1_chain *chain = &blocks->chains[position];
    uint64_t registers = UINT32_MAX, changes = UINT64_MAX;
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        const struct kv_group *group = &blocks->groups.list[i];
        const uint64_t size = group->block_size;
        registers = min_u64(registers, (tables[i].registered + UINT64_C(1)) * size);
        if (tables[i].count * size < blocks->max_model_len)
            changes = min_u64(changes, tables[i].count * size + 1 - min_u64(blocks->lookahead, tables[i].count * size));
        if (group->kind == KV_KIND_SLIDING_WINDOW)
            changes = min_u64(changes, (tables[i].passed + UINT64_C(1)) * size + group->reach - 1);
        else if (group->kind == KV_KIND_CHUNKED_LOCAL)
            changes = min_u64(changes, (tables[i].passed * size / group->reach + 1) * group->reach);
    }
    if (!blocks->caching)
        registers = UINT32_MAX;
    const bool never = blocks->any_drops; /* register_end() */
    chain->registers_at = never ? 0 : (uint32_t)registers;
    chain->changes_at = never ? 0 : min_u64(changes, registers);
}

/* With several groups only what all of them can hit together counts. */
enum status v1_blocks_register(struct v1_blocks *blocks, uint32_t position, uint32_t tokens, uint32_t known, struct diag *diag)
{
    const uint32_t unit = blocks->groups.hash_block_size, alignment = blocks->groups.alignment;
    const uint32_t hashed = known > blocks->tokens_after ? (known - blocks->tokens_after) / unit * unit : 0;
    const bool hybrid = blocks->groups.count > 1;
    enum status status = SIM_OK;
    if (v1_blocks_are_registered(blocks, position, tokens))
        return SIM_OK;
    for (uint32_t i = 0; i < blocks->groups.count && blocks->caching && status == SIM_OK; i++) {
        const struct kv_group *group = &blocks->groups.list[i];
        uint32_t present = hybrid ? tokens / alignment * alignment : tokens;
        if (hybrid && group->drops && present > 0)
            present = min_u32(tokens, present + group->block_size);
        const uint32_t full = min_u32(present, hashed) / group->block_size;
        if (v1_tables_of(blocks, position)[i].registered < full)
            status = register_full(blocks, position, i, full, diag);
        if (status == SIM_OK && hybrid && group->drops && group->kind == KV_KIND_FULL && group->block_size != unit)
            status = register_end(blocks, position, i, present, diag);
    }
    look_ahead(blocks, position);
    return status;
}

/* --- allocating ----------------------------------------------------------------------------------------------------------------------- */

/* Hits take a reference before anything fresh is taken: a free hit stands in the queue, and the next take could evict it. They are
 * registered already, hence `registered`. What the next token does not look at is not touched. */
static enum status touch_hits(struct v1_blocks *blocks, const struct v1_demand *demand, uint32_t group, struct diag *diag)
{
    struct v1_table *table = &v1_tables_of(blocks, demand->position)[group];
    const struct v1_found *found = &blocks->found[group];
    const uint32_t passed = kv_group_passed_blocks(&blocks->groups.list[group], demand->cached);
    memset(table->blocks, 0, passed * sizeof *table->blocks);
    table->count = passed;
    set_passed(blocks, group, table, passed);
    for (uint32_t i = passed; i < found->count; i++) {
        const uint32_t block = found->blocks[i];
        blocks->cached_free -= blocks->pool.refs[block] == 0;
        eviction_order_hit(&blocks->eviction, block, i, blocks->chains[demand->position].admission);
        if (kv_block_pool_ref(&blocks->pool, block) != KV_OK)
            return pool_bug(diag, block);
        append_block(blocks, table, block);
    }
    table->registered = table->count;
    return SIM_OK;
}

/* The head of the queue, which is one without content as long as there is any; of the others, whichever the eviction policy says. */
static enum kv_status take_block(struct v1_blocks *blocks, uint32_t *block)
{
    uint32_t head = kv_block_pool_head(&blocks->pool);
    if (!blocks->eviction.policy || head == blocks->pool.num_blocks || !has_content(blocks, head))
        return kv_block_pool_take(&blocks->pool, block);
    *block = eviction_order_take(&blocks->eviction);
    return kv_block_pool_ref(&blocks->pool, *block);
}

/* Taking is what evicts: a free block keeps its content until somebody needs its memory, so the cache uses the whole free pool without
 * costing anybody a block. */
static enum status take_fresh(struct v1_blocks *blocks, uint32_t position, struct v1_table *table, uint32_t end, struct diag *diag)
{
    while (table->count < end) {
        uint32_t block;
        if (take_block(blocks, &block) != KV_OK)
            return pool_bug(diag, KV_BLOCK_NONE);
        eviction_order_fill(&blocks->eviction, block, table->count, blocks->chains[position].admission);
        if (has_content(blocks, block)) {
            kv_prefix_cache_remove(cache_of(blocks, block), block); /* the only way that cached content is evicted */
            blocks->cached_free--;
            blocks->evictions++;
        }
        append_block(blocks, table, block);
    }
    return SIM_OK;
}

/* Blocks of a group that the first `tokens` tokens take out of the free queue: fresh ones, and hits that sit in it. */
static uint64_t group_need(const struct v1_blocks *blocks, const struct v1_demand *demand, uint32_t group, uint32_t tokens, uint32_t most)
{
    const struct kv_group *kind = &blocks->groups.list[group];
    const struct v1_found *found = &blocks->found[group];
    const uint32_t passed = kv_group_passed_blocks(kind, demand->computed + demand->cached);
    const uint32_t have = v1_tables_of(blocks, demand->position)[group].count + (demand->admits ? found->count : 0);
    const uint32_t wanted = min_u32(ceil_div(tokens, kind->block_size), most), held = max_u32(passed, have);
    uint64_t need = wanted > held ? wanted - held : 0;
    for (uint32_t i = passed; demand->admits && i < found->count; i++)
        need += found->blocks[i] != NULL_BLOCK && blocks->pool.refs[found->blocks[i]] == 0;
    return need;
}

/* The gate counts all known tokens, but no more of a window than can be there at once. */
static bool all_fits(const struct v1_blocks *blocks, const struct v1_demand *demand, uint32_t tokens, bool gate)
{
    uint64_t need = demand->watermark;
    for (uint32_t i = 0; i < blocks->groups.count; i++)
        need += group_need(blocks, demand, i, tokens, gate ? blocks->caps[i] : UINT32_MAX);
    return need <= blocks->pool.num_free;
}

/* Arrays get room before blocks move; a failure after that ends the replay. */
static enum status make_room(struct v1_blocks *blocks, uint32_t position, uint32_t tokens, struct diag *diag)
{
    struct v1_table *tables = v1_tables_of(blocks, position);
    enum status status = SIM_OK;
    v1_blocks_take_spare(blocks, position);
    for (uint32_t i = 0; i < blocks->groups.count && status == SIM_OK; i++)
        status = array_reserve(&tables[i].blocks, &tables[i].capacity, ceil_div(tokens, blocks->groups.list[i].block_size),
                               sizeof *tables->blocks, "a block table", diag);
    return status;
}

/* Both tests come before any block is taken, so a refusal leaves no trace but the passed blocks, which vLLM too gives back before it knows.
 * The minimum at the end leaves out the token that is only going to be sampled, and drafts: a block is full when all its tokens are known. */
enum status v1_blocks_allocate(struct v1_blocks *blocks, const struct v1_demand *demand, bool *fits, struct diag *diag)
{
    const uint32_t limit = blocks->max_model_len, position = demand->position,
                   present = demand->computed + demand->cached + demand->external;
    const uint32_t tokens = (uint32_t)min_u64((uint64_t)present + demand->new_tokens + blocks->lookahead, limit);
    *fits = !demand->whole || all_fits(blocks, demand, min_u32(demand->known, limit), true);
    if (!*fits || (!demand->admits && (uint64_t)present + demand->new_tokens < blocks->chains[position].changes_at))
        return SIM_OK;
    if (!demand->admits)
        drop_passed(blocks, position, demand->computed - demand->in_flight);
    *fits = all_fits(blocks, demand, tokens, false);
    if (!*fits)
        return SIM_OK;
    enum status status = make_room(blocks, position, tokens, diag);
    struct v1_table *tables = v1_tables_of(blocks, position);
    if (demand->admits) {
        blocks->chains[position].admission = ++blocks->eviction.admissions;
        blocks->chains[position].registers_at = 0;
    }
    if (blocks->classes)
        blocks->eviction.request_class = blocks->classes[position];
    for (uint32_t i = 0; i < blocks->groups.count && status == SIM_OK && demand->cached > 0; i++)
        status = touch_hits(blocks, demand, i, diag);
    for (uint32_t i = 0; i < blocks->groups.count && status == SIM_OK; i++)
        status = take_fresh(blocks, position, &tables[i], ceil_div(tokens, blocks->groups.list[i].block_size), diag);
    if (status == SIM_OK && !demand->loads)
        status = v1_blocks_register(blocks, position, min_u32(present + demand->new_tokens, demand->known), demand->known, diag);
    look_ahead(blocks, position);
    *fits = status == SIM_OK;
    return status;
}

/* Hits are prefixes, so what is shared leads the table. With several copies of a content, a block of the request's own can stand before
 * shared ones; what comes after it does not count. */
uint32_t v1_blocks_shared_tokens(const struct v1_blocks *blocks, uint32_t position)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        const struct v1_table *table = &v1_tables_of(blocks, position)[i];
        uint32_t shared = table->passed;
        while (shared < table->count && blocks->pool.refs[table->blocks[shared]] > 1)
            shared++;
        least = min_u32(least, shared * blocks->groups.list[i].block_size);
    }
    return least;
}

uint32_t v1_blocks_held(const struct v1_blocks *blocks, uint32_t position)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < blocks->groups.count; i++)
        held += v1_tables_of(blocks, position)[i].count - v1_tables_of(blocks, position)[i].passed;
    return held;
}

void v1_blocks_states(const struct v1_blocks *blocks, uint8_t *states)
{
    for (uint32_t block = 0; block < blocks->pool.num_blocks; block++) {
        const uint32_t refs = blocks->pool.refs[block];
        const bool cached = refs == 0 && has_content(blocks, block);
        states[block] = refs > 1 ? BLOCK_SHARED : refs == 1 ? BLOCK_USED : cached ? BLOCK_CACHED : BLOCK_FREE;
    }
}

void v1_blocks_forget(struct v1_blocks *blocks, uint32_t position)
{
    struct v1_chain *chain = &blocks->chains[position];
    chain->count = chain->junction = 0;
    if (v1_tables_of(blocks, position)->blocks || chain->contents)
        blocks->spares[blocks->spare_count++] = position;
}

/* --- invariants ----------------------------------------------------------------------------------------------------------------------- */

/* What a table counts as registered has that content, or, where not all is kept, none. */
static bool table_is_sound(const struct v1_blocks *blocks, uint32_t position, uint32_t group)
{
    const struct v1_table *table = &v1_tables_of(blocks, position)[group];
    const struct kv_group *kind = &blocks->groups.list[group];
    const uint32_t per = kind->block_size / blocks->groups.hash_block_size;
    for (uint32_t i = 0; i < table->count; i++)
        if ((table->blocks[i] == NULL_BLOCK) != (i < table->passed))
            return false;
    for (uint32_t i = table->passed; i < table->registered; i++) {
        const uint64_t content = kv_prefix_cache_content(blocks->caches[group], table->blocks[i]);
        if (content != blocks->chains[position].contents[(size_t)(i + 1) * per - 1] &&
            (content != KV_CONTENT_NONE || kind->kind != KV_KIND_SLIDING_WINDOW))
            return false;
    }
    return true;
}

/* What must agree: sums kept while tables change with sums made anew; references with table entries and the null block's one; content
 * that a table counts as registered with what the cache says; cached free blocks with the heap of the eviction policy. Costs a walk over
 * the pool and all tables. */
bool v1_blocks_check(const struct v1_blocks *blocks, struct diag *diag)
{
    uint64_t entries = 0, runs = 0, passed = 0, references = 1; /* the null block's */
    for (uint32_t position = 0; position < blocks->trace->count; position++)
        for (uint32_t i = 0; i < blocks->groups.count; i++) {
            const struct v1_table *table = &v1_tables_of(blocks, position)[i];
            entries += table->count - table->passed;
            runs += table->runs;
            passed += (uint64_t)table->passed * blocks->groups.list[i].block_size;
            if (!table_is_sound(blocks, position, i))
                return diag_set(diag, SIM_FAILED, "request %u: a block does not hold the content it is registered for", position), false;
        }
    uint32_t cached = 0;
    for (uint32_t block = 0; block < blocks->pool.num_blocks; block++) {
        references += block ? blocks->pool.refs[block] : 0;
        cached += blocks->pool.refs[block] == 0 && has_content(blocks, block);
    }
    if (entries != blocks->table_blocks || runs != blocks->table_runs || passed != blocks->passed_slots || references != entries + 1 ||
        cached != blocks->cached_free)
        return diag_set(diag, SIM_FAILED, "sums over block tables do not agree with the pool"), false;
    if (!eviction_order_check(&blocks->eviction) || (blocks->eviction.policy && blocks->eviction.count != cached))
        return diag_set(diag, SIM_FAILED, "the order of eviction does not agree with the free blocks that are cached"), false;
    bool sound = kv_block_pool_check(&blocks->pool);
    for (uint32_t i = 0; i < blocks->groups.count && blocks->caching; i++)
        sound = sound && kv_prefix_cache_check(blocks->caches[i]);
    if (!sound)
        return diag_set(diag, SIM_FAILED, "an invariant of the block pool or of the prefix cache is broken"), false;
    return true;
}
