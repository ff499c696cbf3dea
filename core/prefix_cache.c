/* prefix_cache.c - exact identities of contents (first half), and the map from content to blocks and back (second half). Read the section on
 * the prefix cache of pagedkv.h first.
 *
 * Both maps are open-addressing tables with linear probing, at most 3/4 full, keyed through one 64-bit mixing function. Deletion moves later
 * entries back (Knuth 6.4, algorithm R), so no tombstones pile up under eviction. */
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"

/* Each input bit changes about half of the output bits, so that the low ones, which choose the slot, are as good as any. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
    z = (z ^ (z >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
    return z ^ (z >> 32);
}

/* --- contents: identities of (parent, tokens) ------------------------------------------------------------------------------------ */

/* Identity i + 1 is entries[i]. Its normalised spans stand in one arena; a single span, the usual case, stands in the entry. */
struct content_entry {
    uint64_t parent, hash;
    uint64_t first; /* of a single span; else index of the first span in the arena */
    uint32_t count; /* tokens of a single span; else number of spans */
    uint32_t single;
};

struct kv_contents {
    struct content_entry *entries;
    size_t count, capacity;
    uint64_t *slots; /* identity, 0 = empty */
    size_t slot_mask;
    struct kv_span *arena;
    size_t arena_count, arena_capacity;
    struct kv_span *scratch;
    size_t scratch_capacity;
};

enum { FIRST_SLOTS = 1024 };

enum kv_status kv_contents_create(struct kv_contents **out)
{
    struct kv_contents *contents = kv_calloc(1, sizeof *contents);
    uint64_t *slots = kv_calloc(FIRST_SLOTS, sizeof *slots);
    if (!contents || !slots) {
        kv_free(contents);
        kv_free(slots);
        return KV_NO_MEMORY;
    }
    contents->slots = slots;
    contents->slot_mask = FIRST_SLOTS - 1;
    *out = contents;
    return KV_OK;
}

void kv_contents_destroy(struct kv_contents *contents)
{
    if (!contents)
        return;
    kv_free(contents->entries);
    kv_free(contents->slots);
    kv_free(contents->arena);
    kv_free(contents->scratch);
    kv_free(contents);
}

/* Room for `needed` items, growing by half. `items` points to a pointer of any type, which memcpy reads and writes without breaking the
 * rules of aliasing. */
static enum kv_status grow(void *items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return KV_OK;
    size_t room = *capacity + *capacity / 2 + 16;
    if (room < needed)
        room = needed;
    void *old, *grown;
    memcpy(&old, items, sizeof old);
    grown = kv_realloc(old, room * size);
    if (!grown)
        return KV_NO_MEMORY;
    memcpy(items, &grown, sizeof grown);
    *capacity = room;
    return KV_OK;
}

/* Merge adjacent spans of consecutive tokens, drop empty ones: equal token strings become equal span lists. */
static size_t normalise(const struct kv_span *spans, size_t count, struct kv_span *out)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (spans[i].count == 0)
            continue;
        if (used > 0 && out[used - 1].first + out[used - 1].count == spans[i].first && out[used - 1].count <= UINT32_MAX - spans[i].count)
            out[used - 1].count += spans[i].count;
        else
            out[used++] = spans[i];
    }
    return used;
}

/* Of the parent's identity, not of the parent's tokens: an identity stands for the whole prefix, so hashing a block costs the block alone. */
static uint64_t hash_spans(uint64_t parent, const struct kv_span *spans, size_t count)
{
    uint64_t hash = mix(parent + UINT64_C(0x9E3779B97F4A7C15));
    for (size_t i = 0; i < count; i++)
        hash = mix(mix(hash + spans[i].first) + spans[i].count);
    return hash;
}

/* Two prompts that a hash confuses would read each other's K/V. So keys are compared in full; equal hashes only spare most comparisons. */
static bool same_content(const struct kv_contents *contents, const struct content_entry *entry, uint64_t parent, uint64_t hash,
                         const struct kv_span *spans, size_t count)
{
    if (entry->hash != hash || entry->parent != parent)
        return false;
    if (entry->single)
        return count == 1 && entry->first == spans[0].first && entry->count == spans[0].count;
    if (entry->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (contents->arena[entry->first + i].first != spans[i].first || contents->arena[entry->first + i].count != spans[i].count)
            return false;
    return true;
}

/* Twice the slots. Hashes are kept in the entries, so nothing is hashed again. */
static enum kv_status grow_slots(struct kv_contents *contents)
{
    size_t slots = 2 * (contents->slot_mask + 1);
    uint64_t *wider = kv_calloc(slots, sizeof *wider);
    if (!wider)
        return KV_NO_MEMORY;
    for (size_t i = 0; i < contents->count; i++) {
        size_t slot = contents->entries[i].hash & (slots - 1);
        while (wider[slot])
            slot = (slot + 1) & (slots - 1);
        wider[slot] = i + 1;
    }
    kv_free(contents->slots);
    contents->slots = wider;
    contents->slot_mask = slots - 1;
    return KV_OK;
}

/* All memory first, then the entry: a failure leaves the set as it was. */
static enum kv_status add_content(struct kv_contents *contents, uint64_t parent, uint64_t hash, const struct kv_span *spans, size_t count,
                                  uint64_t *content)
{
    enum kv_status status = grow(&contents->entries, &contents->capacity, contents->count + 1, sizeof *contents->entries);
    if (status == KV_OK && count != 1)
        status = grow(&contents->arena, &contents->arena_capacity, contents->arena_count + count, sizeof *contents->arena);
    if (status == KV_OK && 4 * (contents->count + 1) > 3 * (contents->slot_mask + 1))
        status = grow_slots(contents);
    if (status != KV_OK)
        return status;
    struct content_entry *entry = &contents->entries[contents->count++];
    *entry = (struct content_entry){.parent = parent, .hash = hash, .single = count == 1};
    if (count == 1) {
        entry->first = spans[0].first;
        entry->count = spans[0].count;
    } else {
        entry->first = contents->arena_count;
        entry->count = (uint32_t)count;
        if (count > 0)
            memcpy(contents->arena + contents->arena_count, spans, count * sizeof *spans);
        contents->arena_count += count;
    }
    size_t slot = hash & contents->slot_mask;
    while (contents->slots[slot])
        slot = (slot + 1) & contents->slot_mask;
    *content = contents->slots[slot] = contents->count;
    return KV_OK;
}

/* Normalise first, so that [1,2][3] and [1,2,3] are one content; then look it up, or add it. */
enum kv_status kv_contents_intern(struct kv_contents *contents, uint64_t parent, const struct kv_span *spans, size_t count,
                                  uint64_t *content)
{
    enum kv_status status = grow(&contents->scratch, &contents->scratch_capacity, count, sizeof *contents->scratch);
    if (status != KV_OK)
        return status;
    size_t used = normalise(spans, count, contents->scratch);
    uint64_t hash = hash_spans(parent, contents->scratch, used);
    for (size_t slot = hash & contents->slot_mask; contents->slots[slot]; slot = (slot + 1) & contents->slot_mask)
        if (same_content(contents, &contents->entries[contents->slots[slot] - 1], parent, hash, contents->scratch, used)) {
            *content = contents->slots[slot];
            return KV_OK;
        }
    return add_content(contents, parent, hash, contents->scratch, used, content);
}

/* Each entry must be found by probing for its own key, which fails when a slot is lost or an equal key was added twice. */
bool kv_contents_check(const struct kv_contents *contents)
{
    size_t filled = 0;
    for (size_t slot = 0; slot <= contents->slot_mask; slot++)
        filled += contents->slots[slot] != 0;
    for (size_t i = 0; i < contents->count; i++) {
        const struct content_entry *entry = &contents->entries[i];
        struct kv_span single = {.first = entry->first, .count = entry->count};
        const struct kv_span *spans = entry->single ? &single : contents->arena + entry->first;
        size_t count = entry->single ? 1 : entry->count, slot = entry->hash & contents->slot_mask;
        while (contents->slots[slot] &&
               !same_content(contents, &contents->entries[contents->slots[slot] - 1], entry->parent, entry->hash, spans, count))
            slot = (slot + 1) & contents->slot_mask;
        if (contents->slots[slot] != i + 1 || entry->hash != hash_spans(entry->parent, spans, count))
            return false;
    }
    return filled == contents->count;
}

/* --- cache: content to blocks ---------------------------------------------------------------------------------------------------- */

struct cache_slot {
    uint64_t content; /* KV_CONTENT_NONE = empty */
    uint32_t first, last;
};

/* Together, as who looks at one of them mostly looks at all, in blocks that were last touched a whole pool ago. */
struct cached_block {
    uint64_t content; /* KV_CONTENT_NONE: not registered */
    uint32_t next_same, prev_same;
};

struct kv_prefix_cache {
    uint32_t num_blocks;
    struct cache_slot *slots;
    size_t slot_mask;
    struct cached_block *blocks;
};

enum { NEIGHBOURS = 8 };

enum kv_status kv_prefix_cache_create(uint32_t num_blocks, struct kv_prefix_cache **out)
{
    struct kv_prefix_cache *cache = kv_calloc(1, sizeof *cache);
    size_t slots = 16;
    /* Full at most to three quarters: beyond that linear probing walks far. */
    while (3 * slots < 4 * ((size_t)num_blocks + 1)) /* never more contents than blocks, so the table never grows */
        slots *= 2;
    if (!cache)
        return KV_NO_MEMORY;
    cache->num_blocks = num_blocks;
    cache->slot_mask = slots - 1;
    cache->slots = kv_calloc(slots, sizeof *cache->slots);
    cache->blocks = kv_calloc((size_t)num_blocks + 1, sizeof *cache->blocks);
    if (!cache->slots || !cache->blocks) {
        kv_prefix_cache_destroy(cache);
        return KV_NO_MEMORY;
    }
    *out = cache;
    return KV_OK;
}

void kv_prefix_cache_destroy(struct kv_prefix_cache *cache)
{
    if (!cache)
        return;
    kv_free(cache->slots);
    kv_free(cache->blocks);
    kv_free(cache);
}

/* Where a content would like to stand. Blocks of one prompt are mostly numbered through, and are registered, looked up and evicted one after
 * the other: eight of them are neighbours, two lines of memory instead of eight. */
static size_t home_of(const struct kv_prefix_cache *cache, uint64_t content)
{
    return (mix(content / NEIGHBOURS) * NEIGHBOURS + content % NEIGHBOURS) & cache->slot_mask;
}

/* The slot of a content, or the empty one where it would stand. */
static size_t slot_of(const struct kv_prefix_cache *cache, uint64_t content)
{
    size_t slot = home_of(cache, content);
    while (cache->slots[slot].content != KV_CONTENT_NONE && cache->slots[slot].content != content)
        slot = (slot + 1) & cache->slot_mask;
    return slot;
}

uint32_t kv_prefix_cache_find(const struct kv_prefix_cache *cache, uint64_t content)
{
    const struct cache_slot *slot = &cache->slots[slot_of(cache, content)];
    return content != KV_CONTENT_NONE && slot->content == content ? slot->first : KV_BLOCK_NONE;
}

/* Blocks of one content form a list, as vLLM keeps all of them: when the first is evicted, the next still answers for the content. New ones
 * go to the end, so that a lookup gives the oldest, which is what vLLM's insertion-ordered map gives. */
enum kv_status kv_prefix_cache_insert(struct kv_prefix_cache *cache, uint32_t block, uint64_t content)
{
    if (block >= cache->num_blocks || content == KV_CONTENT_NONE || cache->blocks[block].content != KV_CONTENT_NONE)
        return KV_INVALID;
    struct cache_slot *slot = &cache->slots[slot_of(cache, content)];
    cache->blocks[block].content = content;
    cache->blocks[block].next_same = KV_BLOCK_NONE;
    if (slot->content == KV_CONTENT_NONE) {
        *slot = (struct cache_slot){.content = content, .first = block, .last = block};
        cache->blocks[block].prev_same = KV_BLOCK_NONE;
    } else {
        cache->blocks[block].prev_same = slot->last;
        cache->blocks[slot->last].next_same = block;
        slot->last = block;
    }
    return KV_OK;
}

/* A hole ends each search that probes over it. Tombstones would keep it closed, but a full cache deletes with each insertion, and they would
 * pile up until every search walks the whole table. */
static void delete_slot(struct kv_prefix_cache *cache, size_t hole)
{
    size_t slot = hole;
    for (;;) {
        cache->slots[hole].content = KV_CONTENT_NONE;
        for (;;) {
            slot = (slot + 1) & cache->slot_mask;
            if (cache->slots[slot].content == KV_CONTENT_NONE)
                return;
            size_t home = home_of(cache, cache->slots[slot].content);
            if (((slot - home) & cache->slot_mask) >= ((slot - hole) & cache->slot_mask))
                break; /* its home is at or before the hole: it may stand there */
        }
        cache->slots[hole] = cache->slots[slot];
        hole = slot;
    }
}

/* Out of the middle of its content's list; the slot goes with the last block. */
void kv_prefix_cache_remove(struct kv_prefix_cache *cache, uint32_t block)
{
    if (block >= cache->num_blocks || cache->blocks[block].content == KV_CONTENT_NONE)
        return;
    size_t at = slot_of(cache, cache->blocks[block].content);
    struct cache_slot *slot = &cache->slots[at];
    uint32_t before = cache->blocks[block].prev_same, after = cache->blocks[block].next_same;
    cache->blocks[block].content = KV_CONTENT_NONE;
    if (before == KV_BLOCK_NONE)
        slot->first = after;
    else
        cache->blocks[before].next_same = after;
    if (after == KV_BLOCK_NONE)
        slot->last = before;
    else
        cache->blocks[after].prev_same = before;
    if (slot->first == KV_BLOCK_NONE)
        delete_slot(cache, at);
}

uint64_t kv_prefix_cache_content(const struct kv_prefix_cache *cache, uint32_t block)
{
    return block < cache->num_blocks ? cache->blocks[block].content : KV_CONTENT_NONE;
}

/* Lists walk both ways and hold each registered block once; slots stand where a search finds them. */
bool kv_prefix_cache_check(const struct kv_prefix_cache *cache)
{
    uint64_t chained = 0, registered = 0;
    for (size_t at = 0; at <= cache->slot_mask; at++) {
        const struct cache_slot *slot = &cache->slots[at];
        if (slot->content == KV_CONTENT_NONE)
            continue;
        if (slot_of(cache, slot->content) != at)
            return false;
        uint32_t before = KV_BLOCK_NONE;
        for (uint32_t block = slot->first; block != KV_BLOCK_NONE; before = block, block = cache->blocks[block].next_same, chained++)
            if (block >= cache->num_blocks || cache->blocks[block].content != slot->content || cache->blocks[block].prev_same != before ||
                chained > cache->num_blocks)
                return false;
        if (slot->last != before)
            return false;
    }
    for (uint32_t block = 0; block < cache->num_blocks; block++)
        registered += cache->blocks[block].content != KV_CONTENT_NONE;
    return chained == registered;
}
