/* prefix_cache.h - which blocks hold which content: exact content identities, and the map from content to blocks.
 *
 * Two parts, so that each can be used alone:
 *
 * 1. kv_contents gives every distinct (parent content, tokens of one block) one 64-bit identity. It interns: equal tokens after an
 *    equal parent get the same identity, different ones never do, because the key itself is stored and compared; a hash only finds
 *    the bucket. Tokens are given as spans of consecutive values, as a trace's content is; spans are normalised (adjacent ones
 *    merged), so that any way of cutting the same tokens is the same key.
 *
 * 2. kv_prefix_cache maps a content identity to an ordered set of blocks (several blocks may hold the same content; a lookup returns
 *    the one registered earliest among those still present; registering again puts a block last).
 *
 *     slot -> content | first block        next_same[block] -> later block with the same content
 *
 * Source: vLLM v1/core/block_pool.py (BlockHashToBlockMap), kv_cache_utils.py (hash_block_tokens). One owner thread.
 */
#ifndef KV_PREFIX_CACHE_H
#define KV_PREFIX_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

#define KV_CONTENT_NONE UINT64_C(0) /* no content; also the parent of a first block */
/* Identities made by kv_contents are < KV_CONTENT_PRIVATE. A caller may use values >= it for contents that it knows to be unique. */
#define KV_CONTENT_PRIVATE (UINT64_C(1) << 63)

struct kv_span {
    uint64_t first;
    uint32_t count;
}; /* tokens first, first + 1, ... */

struct kv_contents;
KV_NODISCARD enum kv_status kv_contents_create(struct kv_contents **out);
void kv_contents_destroy(struct kv_contents *contents);
/* The identity of a block with these tokens after `parent`. O(spans). */
KV_NODISCARD enum kv_status kv_contents_intern(struct kv_contents *contents, uint64_t parent, const struct kv_span *spans, size_t count,
                                               uint64_t *content);

/* Every identity is found under its own key, and only there. O(contents). */
bool kv_contents_check(const struct kv_contents *contents);

struct kv_prefix_cache;
/* For blocks 0 .. num_blocks-1. */
KV_NODISCARD enum kv_status kv_prefix_cache_create(uint32_t num_blocks, struct kv_prefix_cache **out);
void kv_prefix_cache_destroy(struct kv_prefix_cache *cache);
/* The earliest registered block with this content, or KV_BLOCK_NONE. O(1). */
uint32_t kv_prefix_cache_find(const struct kv_prefix_cache *cache, uint64_t content);
/* Register a block that has no content. KV_INVALID: foreign id, already registered, KV_CONTENT_NONE. */
KV_NODISCARD enum kv_status kv_prefix_cache_insert(struct kv_prefix_cache *cache, uint32_t block, uint64_t content);
/* Forget the block's content if it has one (eviction). */
void kv_prefix_cache_remove(struct kv_prefix_cache *cache, uint32_t block);
/* KV_CONTENT_NONE when it has none. */
uint64_t kv_prefix_cache_content(const struct kv_prefix_cache *cache, uint32_t block);
bool kv_prefix_cache_check(const struct kv_prefix_cache *cache);

#endif
