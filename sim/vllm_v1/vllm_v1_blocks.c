/* vllm_v1_blocks.c - which content a block has, who can hit it, which block is taken next. Sections are those of doc/vllm_v1.md; the
 * pool and the prefix cache themselves are core/block_pool.c and core/prefix_cache.c.
 *
 * How the parts work together, for one admission:
 *
 *     v1_blocks_lookup     contents of the request's leading blocks -> hits, nothing changes
 *     v1_blocks_allocate   tests; then hits join the table, fresh blocks are taken (evicting what they held), full ones are registered
 *     v1_blocks_release    back to the two ends of the free queue
 *
 * A content is a number: of a chain of hash ids, exact and interned, or private, made of (request, block). Equal numbers mean equal
 * prefixes. */
#include "vllm_v1/vllm_v1_blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "engine/pool_states.h"
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
        blocks->classes[position] = (uint8_t)(TURNS * (uint32_t)(priority <= 0 ? 0 : priority == 1 ? 1 : 2) + turn);
    }
    return status;
}

enum status v1_blocks_init(struct v1_blocks *blocks, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *blocks = (struct v1_blocks){.trace = trace,
                                 .block_size = config->block_size,
                                 .max_model_len = config->max_model_len,
                                 .blocks_per_hash =
                                     config->trace_block_size % config->block_size ? 0 : config->trace_block_size / config->block_size,
                                 .caching = config->enable_prefix_caching,
                                 .last_position = UINT32_MAX};
    const struct array_request arrays[] = {ARRAY_OF(blocks->tables, trace->count), ARRAY_OF(blocks->spares, trace->count)};
    uint32_t null_block;
    enum status status = SIM_OK;
    if (kv_block_pool_init(&blocks->pool, config->num_gpu_blocks, KV_ASCENDING) != KV_OK)
        return diag_no_memory(diag, (size_t)config->num_gpu_blocks * 12, "the block pool; take fewer num_gpu_blocks");
    if (kv_block_pool_take(&blocks->pool, &null_block) != KV_OK)
        status = diag_set(diag, SIM_FAILED, "an empty block pool has no room for the null block");
    if (status == SIM_OK && blocks->caching && kv_prefix_cache_create(config->num_gpu_blocks, &blocks->cache) != KV_OK)
        status = diag_no_memory(diag, (size_t)config->num_gpu_blocks * 24, "the prefix cache; take fewer num_gpu_blocks");
    if (status == SIM_OK && blocks->caching)
        status = prompt_contents_init(&blocks->contents, trace, config->trace_block_size, diag);
    if (status == SIM_OK)
        status = array_zeroed_all(arrays, 2, "block tables", diag);
    if (status == SIM_OK && !policy_find_eviction(config->eviction_policy))
        status = diag_set(diag, SIM_BAD_INPUT, "there is no eviction_policy \"%s\"", config->eviction_policy);
    if (status == SIM_OK && blocks->caching)
        status = eviction_order_init(&blocks->eviction, config, config->num_gpu_blocks, diag);
    if (status == SIM_OK && blocks->eviction.policy && blocks->eviction.policy->worth)
        status = classify(blocks, diag);
    if (status != SIM_OK)
        v1_blocks_deinit(blocks);
    return status;
}

/* The arrays of a finished request, if there are any. A request's two arrays grow to its length and then serve later requests, so that a
 * long replay stops asking for memory once as many have grown as run at a time. */
static void take_spare(struct v1_blocks *blocks, struct v1_table *table)
{
    if (table->blocks || table->contents || blocks->spare_count == 0)
        return;
    struct v1_table *spare = &blocks->tables[blocks->spares[--blocks->spare_count]];
    *table = *spare;
    *spare = (struct v1_table){0};
}

void v1_blocks_deinit(struct v1_blocks *blocks)
{
    for (uint32_t position = 0; blocks->tables && position < blocks->trace->count; position++) {
        free(blocks->tables[position].blocks);
        free(blocks->tables[position].contents);
    }
    free(blocks->tables);
    free(blocks->spares);
    free(blocks->hits);
    eviction_order_deinit(&blocks->eviction);
    free(blocks->classes);
    kv_prefix_cache_destroy(blocks->cache);
    prompt_contents_deinit(&blocks->contents);
    kv_block_pool_deinit(&blocks->pool);
    memset(blocks, 0, sizeof *blocks);
}

/* Whose ids name the token that ends at `end` of what `source` has. */
static uint32_t namer_of(const struct v1_blocks *blocks, uint32_t source, uint64_t end)
{
    const struct trace *trace = blocks->trace;
    return prompt_namer(trace, blocks->contents.trace_block_size, prompt_source(trace, source, end), end);
}

/* Identity of a block whose last token is named by the ids of `namer`, given the block before it in `contents`; `source` said that token
 * first. In a session its first tokens may be somebody else's: a mixed block stays private here (*content is left alone), and so does what
 * follows it in its trace block. Interning costs a hash of the spans, so it is done as rarely as the block sizes allow. If a trace block
 * holds `per` whole KV blocks, one intern a trace block names the chain, and that identity times `per` leaves the numbers between free for
 * its further blocks: block k of it is k more, and parent / per is the chain's identity again. */
static enum status named_content(struct v1_blocks *blocks, uint32_t source, uint32_t namer, uint32_t block, const uint64_t *contents,
                                 uint64_t *content, struct diag *diag)
{
    const uint32_t size = blocks->block_size, per = blocks->blocks_per_hash;
    const uint64_t parent = block ? contents[block - 1] : KV_CONTENT_NONE, from = (uint64_t)block * size;
    if (per == 0) /* blocks and trace blocks overlap in changing ways: every block is a key of its own */
        return prompt_contents_block(&blocks->contents, parent, source, from, from + size, content, diag);
    const struct trace *trace = blocks->trace;
    const bool sessions = trace->previous != NULL;
    if (sessions && namer_of(blocks, source, from + 1) != namer)
        return SIM_OK;
    if (block % per != 0) {
        if (!sessions || (parent < KV_CONTENT_PRIVATE && namer_of(blocks, source, from) == namer))
            *content = parent + 1;
        return SIM_OK;
    }
    /* Whole blocks in a trace block: only the chain of trace blocks is interned, its blocks are numbered through. */
    const struct kv_span name = {.first = trace->hash_ids[trace->hash_start[namer] + block / per], .count = 1};
    enum status status = prompt_contents_intern(&blocks->contents, parent ? parent / per : KV_CONTENT_NONE, &name, 1, content, diag);
    *content *= per;
    return status;
}

/* Extend the request's content identities to the first `needed` full blocks. Contents are a matter of tokens, which do not change while
 * a request lives, so they survive a preemption and each is worked out once. Private ones start at KV_CONTENT_PRIVATE, above all that
 * interning gives out. A block that reaches beyond the prompt holds output and belongs to this sample alone; one within the prompt, to
 * all samples of the request. In a session both may be those of the turn that said the tokens first. */
static enum status extend_contents(struct v1_blocks *blocks, uint32_t position, uint32_t needed, struct diag *diag)
{
    struct v1_table *table = &blocks->tables[position];
    if (needed <= table->contents_count)
        return SIM_OK;
    take_spare(blocks, table);
    enum status status =
        array_reserve(&table->contents, &table->contents_capacity, needed, sizeof *table->contents, "block contents", diag);
    const struct trace *trace = blocks->trace;
    for (uint32_t block = table->contents_count; block < needed && status == SIM_OK; block++) {
        const uint64_t end = ((uint64_t)block + 1) * blocks->block_size;
        const uint32_t source = prompt_source(trace, position, end);
        const uint32_t namer = prompt_namer(trace, blocks->contents.trace_block_size, source, end);
        const uint32_t owner = end <= trace->input_tokens[source] ? prompt_owner(trace, source) : source;
        table->contents[block] = KV_CONTENT_PRIVATE + ((uint64_t)owner << 31) + block; /* a request has fewer than 2^31 blocks */
        if (namer != UINT32_MAX)
            status = named_content(blocks, source, namer, block, table->contents, &table->contents[block], diag);
        table->contents_count += status == SIM_OK;
    }
    return status;
}

/* Section 4. The last token is never taken from the cache, because it has to be computed to sample the next one. Finding stops at the
 * first block that is missing: contents are chained, and a later block without its predecessors is of no use. Going on from the last
 * result is exact, not a guess: found blocks stay registered unless something was evicted, and the copy that answers first stays the
 * first. The ids in `hits` are still those of that lookup, because nothing else writes them. */
enum status v1_blocks_lookup(struct v1_blocks *blocks, uint32_t position, uint32_t known, uint32_t *count, struct diag *diag)
{
    *count = 0;
    if (!blocks->caching)
        return SIM_OK;
    uint32_t limit = (known - 1) / blocks->block_size;
    enum status status = array_reserve(&blocks->hits, &blocks->hits_capacity, limit, sizeof *blocks->hits, "prefix hits", diag);
    if (status == SIM_OK)
        status = extend_contents(blocks, position, limit, diag);
    if (status != SIM_OK)
        return status;
    const uint64_t *contents = blocks->tables[position].contents;
    uint32_t found = 0;
    if (blocks->last_position == position && blocks->last_evictions == blocks->evictions && blocks->last_found <= limit)
        found = blocks->last_found;
    while (found < limit) {
        uint32_t block = kv_prefix_cache_find(blocks->cache, contents[found]);
        if (block == KV_BLOCK_NONE)
            break;
        blocks->hits[found++] = block;
    }
    blocks->last_position = position;
    blocks->last_found = found;
    blocks->last_evictions = blocks->evictions;
    *count = found;
    return SIM_OK;
}

/* Runs of consecutive ids are counted as tables grow, because a count over all tables in each step would cost more than the step. */
static void append_block(struct v1_blocks *blocks, struct v1_table *table, uint32_t block)
{
    bool starts_run = table->count == 0 || table->blocks[table->count - 1] + 1 != block;
    table->runs += starts_run;
    blocks->table_runs += starts_run;
    blocks->table_blocks++;
    table->blocks[table->count++] = block;
}

/* A broken contract of the pool is a bug of ours; say so instead of going on. */
static enum status pool_bug(struct diag *diag, uint32_t block)
{
    return diag_set(diag, SIM_FAILED, "internal error: block %u is not in the state the scheduler believes", block);
}

/* Hits take a reference before anything fresh is taken: a free hit stands in the queue, and the next take could evict it. They are
 * registered already, hence `registered`. */
static enum status touch_hits(struct v1_blocks *blocks, struct v1_table *table, uint32_t hits, struct diag *diag)
{
    for (uint32_t i = 0; i < hits; i++) {
        uint32_t block = blocks->hits[i];
        blocks->cached_free -= blocks->pool.refs[block] == 0;
        eviction_order_hit(&blocks->eviction, block, i, table->admission);
        if (kv_block_pool_ref(&blocks->pool, block) != KV_OK)
            return pool_bug(diag, block);
        append_block(blocks, table, block);
    }
    if (table->registered < hits)
        table->registered = hits;
    return SIM_OK;
}

/* The head of the queue, which is one without content as long as there is any; of the others, whichever the eviction policy says. */
static enum kv_status take_block(struct v1_blocks *blocks, uint32_t *block)
{
    uint32_t head = kv_block_pool_head(&blocks->pool);
    if (!blocks->eviction.policy || head == blocks->pool.num_blocks || kv_prefix_cache_content(blocks->cache, head) == KV_CONTENT_NONE)
        return kv_block_pool_take(&blocks->pool, block);
    *block = eviction_order_take(&blocks->eviction);
    return kv_block_pool_ref(&blocks->pool, *block);
}

/* Taking is what evicts: a free block keeps its content until somebody needs its memory, so the cache uses the whole free pool without
 * costing anybody a block. */
static enum status take_fresh(struct v1_blocks *blocks, struct v1_table *table, uint32_t fresh, struct diag *diag)
{
    for (uint32_t i = 0; i < fresh; i++) {
        uint32_t block;
        if (take_block(blocks, &block) != KV_OK)
            return pool_bug(diag, KV_BLOCK_NONE);
        eviction_order_fill(&blocks->eviction, block, table->count, table->admission);
        if (blocks->caching && kv_prefix_cache_content(blocks->cache, block) != KV_CONTENT_NONE) {
            kv_prefix_cache_remove(blocks->cache, block); /* the only way that cached content is evicted */
            blocks->cached_free--;
            blocks->evictions++;
        }
        append_block(blocks, table, block);
    }
    return SIM_OK;
}

/* Register the first `full` blocks of the table, as far as they are not yet. All their tokens are present, or will be after this step.
 * "Will be after this step" is vLLM's way (section 5): a request admitted later in the same step can hit these blocks, since the model
 * computes the step's requests layer by layer together. If the request then loses its turn, the content stays registered without ever
 * being computed (case E8). */
static enum status register_full(struct v1_blocks *blocks, uint32_t position, uint32_t full, struct diag *diag)
{
    struct v1_table *table = &blocks->tables[position];
    enum status status = extend_contents(blocks, position, full, diag);
    if (status != SIM_OK)
        return status;
    for (; table->registered < full; table->registered++) {
        uint32_t block = table->blocks[table->registered];
        if (kv_prefix_cache_insert(blocks->cache, block, table->contents[table->registered]) != KV_OK)
            return pool_bug(diag, block);
    }
    return SIM_OK;
}

enum status v1_blocks_register(struct v1_blocks *blocks, uint32_t position, uint32_t tokens, struct diag *diag)
{
    const uint32_t full = tokens / blocks->block_size;
    return blocks->caching && blocks->tables[position].registered < full ? register_full(blocks, position, full, diag) : SIM_OK;
}

/* Section 5. All tests come before the first change, so a refusal leaves no trace. The gate and the need of this step have the same
 * reserve, so the larger of the two decides. Arrays get room before blocks move; a failure after that ends the replay. The last line's
 * minimum leaves out the token that is only going to be sampled: a block is full when all its tokens are known. */
enum status v1_blocks_allocate(struct v1_blocks *blocks, const struct v1_demand *demand, bool *fits, struct diag *diag)
{
    struct v1_table *table = &blocks->tables[demand->position];
    const uint32_t size = blocks->block_size, limit = blocks->max_model_len;
    const uint32_t present = demand->computed + demand->hits * size, have = table->count + demand->hits;
    uint32_t revived = 0; /* hits that sit in the free queue and will leave it */
    for (uint32_t i = 0; i < demand->hits; i++)
        revived += blocks->pool.refs[blocks->hits[i]] == 0;
    uint64_t reserve = (uint64_t)demand->watermark + revived;
    const uint32_t fresh = v1_missing_blocks(present + demand->new_tokens, limit, size, have);
    const uint32_t needed = demand->whole ? max_u32(fresh, v1_missing_blocks(demand->known, limit, size, have)) : fresh;
    *fits = needed + reserve <= blocks->pool.num_free;
    if (!*fits)
        return SIM_OK;
    take_spare(blocks, table);
    enum status status =
        array_reserve(&table->blocks, &table->capacity, (size_t)have + fresh, sizeof *table->blocks, "a block table", diag);
    if (table->count == 0)
        table->admission = ++blocks->eviction.admissions;
    if (blocks->classes)
        blocks->eviction.request_class = blocks->classes[demand->position];
    if (status == SIM_OK)
        status = touch_hits(blocks, table, demand->hits, diag);
    if (status == SIM_OK)
        status = take_fresh(blocks, table, fresh, diag);
    if (status == SIM_OK && blocks->caching)
        status = register_full(blocks, demand->position, min_u32(present + demand->new_tokens, demand->known) / size, diag);
    *fits = status == SIM_OK;
    return status;
}

/* Backwards, so that the deepest block is the first to go: a prefix is worth more than what follows it. Two walks, because the two ends
 * want opposite orders: the tail is reached by appending, deepest first; the head by pushing, so the deepest one has to be pushed last.
 * A block that another table holds only loses a reference and is in no queue, as `refs` tells the second walk. */
void v1_blocks_release(struct v1_blocks *blocks, uint32_t position)
{
    struct v1_table *table = &blocks->tables[position];
    struct kv_block_pool *pool = &blocks->pool;
    /* None of these calls can fail: the table holds a reference of each of its blocks. */
    enum kv_status put = KV_OK;
    uint32_t left;
    blocks->eviction.table_blocks = table->count;
    for (uint32_t i = table->count; i-- > 0 && put == KV_OK;) {
        put = kv_block_pool_unref(pool, table->blocks[i], &left);
        if (put == KV_OK && left == 0 && blocks->caching && kv_prefix_cache_content(blocks->cache, table->blocks[i]) != KV_CONTENT_NONE) {
            put = kv_block_pool_put_tail(pool, table->blocks[i]);
            eviction_order_free(&blocks->eviction, table->blocks[i]);
            blocks->cached_free++;
        }
    }
    /* What is now unreferenced and in no queue has no content. Walked forwards: the deepest one is pushed last and is the head. */
    for (uint32_t i = 0; i < table->count && put == KV_OK; i++)
        if (pool->refs[table->blocks[i]] == 0 && kv_block_pool_next(pool, table->blocks[i]) == KV_BLOCK_NONE)
            put = kv_block_pool_put_head(pool, table->blocks[i]);
    assert(put == KV_OK);
    blocks->table_blocks -= table->count;
    blocks->table_runs -= table->runs;
    table->count = table->runs = table->registered = 0;
}

/* Hits are prefixes, so what is shared leads the table. With several copies of a content, a block of the request's own can stand before
 * shared ones; what comes after it does not count. */
uint32_t v1_blocks_shared_tokens(const struct v1_blocks *blocks, uint32_t position)
{
    const struct v1_table *table = &blocks->tables[position];
    uint32_t shared = 0;
    while (shared < table->count && blocks->pool.refs[table->blocks[shared]] > 1)
        shared++;
    return shared * blocks->block_size;
}

void v1_blocks_states(const struct v1_blocks *blocks, uint8_t *states)
{
    for (uint32_t block = 0; block < blocks->pool.num_blocks; block++) {
        const uint32_t refs = blocks->pool.refs[block];
        const bool cached = refs == 0 && blocks->caching && kv_prefix_cache_content(blocks->cache, block) != KV_CONTENT_NONE;
        states[block] = refs > 1 ? BLOCK_SHARED : refs == 1 ? BLOCK_USED : cached ? BLOCK_CACHED : BLOCK_FREE;
    }
}

void v1_blocks_forget(struct v1_blocks *blocks, uint32_t position)
{
    struct v1_table *table = &blocks->tables[position];
    table->contents_count = 0;
    if (table->blocks || table->contents)
        blocks->spares[blocks->spare_count++] = position;
}

/* What must agree: sums kept while tables change with sums made anew; references with table entries and the null block's one; content
 * that a table counts as registered with what the cache says; cached free blocks with the heap of the eviction policy. Costs a walk over
 * the pool and all tables. */
bool v1_blocks_check(const struct v1_blocks *blocks, struct diag *diag)
{
    uint64_t entries = 0, runs = 0, references = 1; /* the null block's */
    for (uint32_t position = 0; position < blocks->trace->count; position++) {
        const struct v1_table *table = &blocks->tables[position];
        entries += table->count;
        runs += table->runs;
        for (uint32_t i = 0; i < table->registered; i++)
            if (kv_prefix_cache_content(blocks->cache, table->blocks[i]) != table->contents[i])
                return diag_set(diag, SIM_FAILED, "request %u: block %u does not hold the content it is registered for", position, i),
                       false;
    }
    uint32_t cached = 0;
    for (uint32_t block = 0; block < blocks->pool.num_blocks; block++) {
        references += block ? blocks->pool.refs[block] : 0;
        cached += blocks->caching && blocks->pool.refs[block] == 0 && kv_prefix_cache_content(blocks->cache, block) != KV_CONTENT_NONE;
    }
    if (entries != blocks->table_blocks || runs != blocks->table_runs || references != entries + 1 || cached != blocks->cached_free)
        return diag_set(diag, SIM_FAILED, "sums over block tables do not agree with the pool"), false;
    if (!eviction_order_check(&blocks->eviction) || (blocks->eviction.policy && blocks->eviction.count != cached))
        return diag_set(diag, SIM_FAILED, "the order of eviction does not agree with the free blocks that are cached"), false;
    if (!kv_block_pool_check(&blocks->pool) || (blocks->caching && !kv_prefix_cache_check(blocks->cache)))
        return diag_set(diag, SIM_FAILED, "an invariant of the block pool or of the prefix cache is broken"), false;
    return true;
}
