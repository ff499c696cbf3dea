/* prefix_lookup.c - the longest prefix of a request that is cached in every group of layers (sections 4 and 13).
 *
 *     full attention     block by block from the start, until one is missing
 *     sliding window     from the end, until enough blocks in a row are there to fill the window; what stands before them is not needed
 *     chunked local      from the start of the chunk that the next token is in
 *
 * Groups that remember the same are one set, and look together: a block counts if all of them have it. Several sets agree on a length by
 * asking in turn, each for no more than the one before it found, until nothing gets shorter. */
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "vllm_v1/vllm_v1_blocks.h"

/* One lookup. */
struct search {
    struct v1_blocks *blocks;
    uint32_t position;
    uint32_t hashed; /* tokens that have a content */
};

/* Block k of the table, in all groups of the set, which then have it at their place k. */
static bool is_cached(const struct search *search, const struct kv_group_set *set, uint32_t k)
{
    const struct v1_blocks *blocks = search->blocks;
    const uint32_t per = set->group->block_size / blocks->groups.hash_block_size;
    const uint64_t content = blocks->chains[search->position].contents[(size_t)(k + 1) * per - 1];
    for (uint32_t i = 0; i < set->count; i++) {
        const uint32_t member = set->members[i], block = kv_prefix_cache_find(blocks->caches[member], content);
        if (block == KV_BLOCK_NONE)
            return false;
        blocks->found[member].blocks[k] = block;
    }
    return true;
}

static void forget_before(const struct search *search, const struct kv_group_set *set, uint32_t end)
{
    for (uint32_t i = 0; i < set->count; i++)
        memset(search->blocks->found[set->members[i]].blocks, 0, end * sizeof(uint32_t));
}

static uint32_t aligned_down(const struct search *search, uint64_t tokens)
{
    return (uint32_t)(tokens - tokens % search->blocks->groups.alignment);
}

/* Going on from the last result is exact, not a guess: found blocks stay registered unless something was evicted, and the copy that answers
 * first stays the first. The ids are still those of that lookup, because nothing else writes them. */
static uint32_t find_full(const struct search *search, const struct kv_group_set *set, uint32_t limit, bool drops)
{
    struct v1_blocks *blocks = search->blocks;
    const uint32_t size = set->group->block_size, most = min_u32(limit, search->hashed) / size;
    const bool alone = blocks->groups.count == 1;
    uint32_t found = 0;
    if (alone && blocks->last_position == search->position && blocks->last_evictions == blocks->evictions && blocks->last_found <= most)
        found = blocks->last_found;
    while (found < most && is_cached(search, set, found))
        found++;
    blocks->last_position = search->position;
    blocks->last_found = found;
    blocks->last_evictions = blocks->evictions;
    uint64_t tokens = (uint64_t)found * size;
    if (drops && tokens > 0)
        tokens -= min_u32(blocks->groups.alignment, size);
    return aligned_down(search, tokens);
}

/* The longest hit is wanted, so the search is from the end. The run that stands at the very start is a hit however short it is. A run must
 * end where all groups can. */
static uint32_t find_window(const struct search *search, const struct kv_group_set *set, uint32_t limit, bool drops)
{
    const uint32_t size = set->group->block_size, alignment = search->blocks->groups.alignment;
    const uint32_t needed = ceil_div(set->group->reach - 1, size) + drops;
    uint32_t k = limit / size, run = 0, end = 0;
    while (k > 0 && (run == 0 || run < needed)) {
        k--;
        if (!is_cached(search, set, k)) {
            run = 0;
            continue;
        }
        if (run == 0 && (uint64_t)(drops ? k : k + 1) * size % alignment != 0)
            continue;
        if (run++ == 0)
            end = k + 1;
    }
    const bool whole = run > 0 && run >= needed;
    if (!whole) { /* then the search went to the very start */
        end = run;
        while ((uint64_t)end * size % alignment != 0)
            end--;
    }
    forget_before(search, set, whole ? end - run : 0);
    end -= drops && end > 0;
    while ((uint64_t)end * size % alignment != 0)
        end--;
    return end * size;
}

/* What comes before the chunk is needed by nobody, whether it was ever computed or not. */
static uint32_t find_chunk(const struct search *search, const struct kv_group_set *set, uint32_t limit)
{
    const uint32_t size = set->group->block_size;
    uint32_t end = limit / set->group->reach * set->group->reach / size;
    forget_before(search, set, end);
    while (end < limit / size && is_cached(search, set, end))
        end++;
    return end * size;
}

/* Tokens of the longest hit of a set, which is written to what its groups found. */
static uint32_t find(const struct search *search, const struct kv_group_set *set, uint32_t limit, bool drops)
{
    uint32_t tokens = 0;
    switch (set->group->kind) {
    case KV_KIND_FULL:
        tokens = find_full(search, set, limit, drops);
        break;
    case KV_KIND_SLIDING_WINDOW:
        tokens = find_window(search, set, limit, drops);
        break;
    case KV_KIND_CHUNKED_LOCAL:
        tokens = find_chunk(search, set, limit);
        break;
    }
    for (uint32_t i = 0; i < set->count; i++)
        search->blocks->found[set->members[i]].count = tokens / set->group->block_size;
    return tokens;
}

/* Until no set shortens what the others found. A full set is searched once: what is left of its hit is a hit. With two sets, of which the
 * first is full, vLLM asks once. A set that drops its last block has paid for it once; where another one then shortens the hit, it may find
 * one block beyond and lose nothing. *longest: what some groups have. */
static uint32_t find_common(const struct search *search, uint32_t limit, uint32_t *longest)
{
    const struct v1_blocks *blocks = search->blocks;
    const uint32_t sets = blocks->groups.set_count;
    bool searched[KV_GROUPS_MOST] = {false}, verified[KV_GROUPS_MOST] = {false};
    uint32_t lengths[KV_GROUPS_MOST] = {0}, hit = limit;
    for (;;) {
        uint32_t current = hit;
        for (uint32_t at = 0; at < sets; at++) {
            const struct kv_group_set set = kv_groups_set(&blocks->groups, at);
            if (set.group->kind == KV_KIND_FULL && searched[at]) {
                current = min_u32(current, lengths[at]);
                continue;
            }
            const bool drops = set.group->drops && !verified[at];
            const uint64_t bound = drops ? min_u64((uint64_t)current + set.group->block_size, search->hashed) : current;
            const uint32_t tokens = find(search, &set, (uint32_t)bound, drops);
            if (drops)
                verified[at] = true;
            else if (tokens < current)
                memset(verified, 0, sizeof verified);
            current = lengths[at] = tokens;
            searched[at] = true;
            *longest = max_u32(*longest, current);
        }
        if (current >= hit)
            break;
        hit = current;
        if (sets == 2 && kv_groups_set(&blocks->groups, 0).group->kind == KV_KIND_FULL)
            break;
    }
    return hit;
}

/* Room for all that a search can look at, and the contents of it. */
static enum status prepare(struct search *search, uint32_t known, uint32_t limit, struct diag *diag)
{
    struct v1_blocks *blocks = search->blocks;
    const uint32_t size = blocks->groups.hash_block_size;
    bool drops = false;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < blocks->groups.count && status == SIM_OK; i++) {
        const struct kv_group *group = &blocks->groups.list[i];
        drops |= group->drops;
        status = array_reserve(&blocks->found[i].blocks, &blocks->found[i].capacity, (size_t)known / group->block_size + 1,
                               sizeof(uint32_t), "prefix hits", diag);
    }
    /* A set that drops looks one block further. */
    search->hashed = (drops ? known : limit) / size * size;
    return status == SIM_OK ? v1_blocks_extend_contents(blocks, search->position, search->hashed / size, diag) : status;
}

/* The last token is never taken from the cache, because it has to be computed to sample the next one. */
enum status v1_blocks_lookup(struct v1_blocks *blocks, uint32_t position, uint32_t known, uint32_t *tokens, struct diag *diag)
{
    struct search search = {.blocks = blocks, .position = position};
    const uint32_t limit = known - 1;
    uint32_t longest = 0;
    *tokens = 0;
    if (!blocks->caching) {
        for (uint32_t i = 0; i < blocks->groups.count; i++)
            blocks->found[i].count = 0;
        return SIM_OK;
    }
    enum status status = prepare(&search, known, limit, diag);
    if (status != SIM_OK)
        return status;
    const struct kv_group_set first = kv_groups_set(&blocks->groups, 0);
    if (blocks->groups.count == 1)
        *tokens = find(&search, &first, limit, first.group->drops);
    else
        *tokens = find_common(&search, limit, &longest);
    blocks->chains[position].junction = longest > *tokens ? longest : 0;
    for (uint32_t i = 0; i < blocks->groups.count; i++) {
        const struct kv_group *group = &blocks->groups.list[i];
        if (group->kind == KV_KIND_FULL)
            blocks->found[i].count = min_u32(blocks->found[i].count, ceil_div(*tokens, group->block_size));
    }
    return SIM_OK;
}
