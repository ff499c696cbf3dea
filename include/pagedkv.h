/* pagedkv.h - a paged KV cache: keys and values of many sequences, stored in blocks of a fixed size.
 *
 * An LLM server keeps the keys and values (K/V) of every token that a sequence has seen. Sequences grow one token at a time, end at any
 * moment and often begin with the same tokens, so a contiguous buffer per sequence wastes most of the memory. Here memory is cut into
 * blocks of `block_size` tokens; each sequence has a table of the blocks that hold its tokens; sequences that share a beginning share
 * blocks, and a shared block is copied only when somebody writes to it. This is PagedAttention (Kwon et al., SOSP'23), on the CPU.
 *
 *     block table of A:  [3][7][9]          pool:   block   0  1  2  3  4  5  6  7  8  9
 *     block table of B:  [3][7][2]                  refs    0  0  1  2  0  0  0  2  0  1
 *                                           store:  the floats of each block, all layers and heads
 *
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *  How to use it
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *
 *     struct kv_block_pool pool;                                   // who owns which block
 *     struct kv_store *store;                                      // the bytes
 *     struct kv_store_shape shape = {2, 4, 64, 16, 100, KV_STORE_FLOAT32};   // layers, K/V heads, head_dim, block_size, blocks, type
 *     if (kv_block_pool_init(&pool, shape.num_blocks, KV_ASCENDING) != KV_OK || kv_store_create(&shape, &store) != KV_OK)
 *         return 1;
 *     struct kv_paged cache = {&pool, store};
 *
 *     struct kv_sequence parent, child;
 *     if (kv_sequence_init(&parent, shape.block_size) != KV_OK || kv_sequence_init(&child, shape.block_size) != KV_OK)
 *         return 1;
 *     for (uint32_t layer = 0; layer < shape.num_layers; layer++)                       // one token: k and v are [head][head_dim]
 *         if (kv_sequence_append_token(&parent, &cache, layer, k, v) != KV_OK)
 *             return 1;                                                                 // KV_NO_BLOCKS: the pool is full
 *     if (kv_sequence_advance(&parent) != KV_OK)                                        // that token is complete
 *         return 1;
 *     if (kv_sequence_fork(&parent, &child, &cache) != KV_OK)                           // shares all blocks, copies nothing
 *         return 1;
 *     if (kv_sequence_gather(&child, &cache, 0, all_k, all_v, 0) != KV_OK)              // layer 0, contiguous, for attention
 *         return 1;
 *     kv_sequence_deinit(&child, &cache);
 *     kv_sequence_deinit(&parent, &cache);
 *     kv_store_destroy(store);
 *     kv_block_pool_deinit(&pool);
 *
 * examples/paged_cache.c is this as a whole program, with copy-on-write to be seen.
 * Build with `cc program.c $(pkg-config --cflags --libs pagedkv)`, for the static library `pkg-config --static`.
 *
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *  The parts
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *
 *     sequence        grows, forks, copies on write, swaps         most programs need this and the three that it uses:
 *     +- block pool   free queue and reference counts              a scheduler that only decides needs no store
 *     +- block table  logical to physical block of one sequence
 *     +- K/V store    the bytes, written token by token
 *     gather          K and V of sequences into contiguous floats
 *     attention       decode attention straight from the blocks
 *     prefix cache    which block already holds this content
 *     shared refs     reference counts that threads share
 *     this machine    instruction sets, speed of memory
 *
 * Rules that hold everywhere:
 *
 *   Errors     A function that can fail returns enum kv_status and must be asked (KV_NODISCARD). Results go through pointers and are
 *              written only with KV_OK. A failed call changes nothing, unless its text says otherwise. Nothing prints, nothing exits.
 *   Ownership  x_create pairs with x_destroy (NULL is fine), x_init with x_deinit (a zeroed struct is fine). Arguments are borrowed for
 *              the time of the call; pointers to const stay the caller's. Pointers must not be NULL where the text does not allow it.
 *   Threads    No globals but the choice of an instruction set. An object belongs to one thread at a time; what may be done to one object
 *              by several threads at once is said at its section. Functions with a `threads` argument use OpenMP; without OpenMP they
 *              compute the same in one thread.
 *   Units      tokens, blocks, bytes; a float is float32. Block ids count from 0.
 *   Time       O(1) where nothing else is said.
 *
 * Fields of the structs may be read; change them through the functions only.
 */
#ifndef PAGEDKV_H
#define PAGEDKV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PAGEDKV_API
#define PAGEDKV_API __attribute__((visibility("default")))
#endif
#define KV_NODISCARD __attribute__((warn_unused_result))

/* --- version ------------------------------------------------------------------------------------------------------------------------ */

#define PAGEDKV_VERSION_MAJOR  0 /* another number: programs must be compiled anew (while it is 0, another minor number means that) */
#define PAGEDKV_VERSION_MINOR  1
#define PAGEDKV_VERSION_PATCH  0
#define PAGEDKV_VERSION_NUMBER (PAGEDKV_VERSION_MAJOR * 10000 + PAGEDKV_VERSION_MINOR * 100 + PAGEDKV_VERSION_PATCH)

/* Of the library that runs, which may be newer than the header: PAGEDKV_VERSION_NUMBER as it was compiled, and "0.1.0". */
PAGEDKV_API uint32_t pagedkv_version_number(void);
PAGEDKV_API const char *pagedkv_version_string(void);

/* --- status ------------------------------------------------------------------------------------------------------------------------- */

enum kv_status {
    KV_OK = 0,
    KV_NO_BLOCKS, /* the pool has fewer free blocks than asked for: not an accident, somebody must give some back */
    KV_NO_MEMORY, /* malloc or mmap failed */
    KV_INVALID    /* an argument breaks the function's contract: foreign id, double free, impossible shape */
};

/* "No block": never a valid id. */
#define KV_BLOCK_NONE UINT32_MAX

/* A short English text for a status; never NULL, static. */
PAGEDKV_API const char *kv_status_text(enum kv_status status);

/* --- block pool: who is free, in which order, and how often each block is referenced -------------------------------------------------
 *
 * One doubly linked free queue over flat arrays. Slot num_blocks is the sentinel, so that no operation has a special case:
 *
 *     next:  [sentinel] -> 7 -> 2 -> 9 -> [sentinel]        prev: the same backwards
 *     head = next[sentinel] is what the next take gets
 *
 * A block is in one of three states: queued (refs 0, free), held (refs >= 1, not queued), or parked (refs 0, not queued: after
 * kv_block_pool_unref and before put_head or put_tail). A cached block may be queued too: it is free, but its content can still be
 * found until somebody takes it. The same structure is vLLM V1's queue (put back at head or tail) and V0's stack (put_head only).
 *
 * 12 bytes a block that was ever taken; a pool of 2^32 - 2 blocks that holds a few costs address space alone. One owner thread. Source: vLLM
 * v1/core/kv_cache_utils.py, FreeKVCacheBlockQueue; SOSP'23 section 4.2. */

struct kv_block_pool {
    uint32_t num_blocks;
    uint32_t num_free; /* length of the queue */
    uint32_t step;     /* from a block's id to that of the one after it at first: 1, or 2^32 - 1 for -1 */
    uint32_t linked;   /* so many of the first blocks of the queue as it was at first have links */
    uint32_t edge;     /* the one after those; KV_BLOCK_NONE: all have */
    uint32_t *next;    /* num_blocks + 1; next[b] == KV_BLOCK_NONE: b is not queued. Read it with kv_block_pool_next */
    uint32_t *prev;    /* num_blocks + 1 */
    uint32_t *refs;    /* num_blocks */
};

enum kv_block_order { KV_ASCENDING, KV_DESCENDING };

/* All blocks free, queued by id in `order` from the head. O(1) but for what the system does. The caller ends it with kv_block_pool_deinit.
 * KV_INVALID: num_blocks is 0 or UINT32_MAX. KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_init(struct kv_block_pool *pool, uint32_t num_blocks, enum kv_block_order order);

/* Free its memory and zero it. Blocks that are still held are forgotten. */
PAGEDKV_API void kv_block_pool_deinit(struct kv_block_pool *pool);

/* Take the block at the head; refs = 1. KV_NO_BLOCKS: the queue is empty. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_take(struct kv_block_pool *pool, uint32_t *block);

/* Take `count` blocks from the head on, all or nothing; refs = 1 each. `blocks` gets their ids in queue order. O(count).
 * KV_NO_BLOCKS: fewer than `count` are free. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_take_many(struct kv_block_pool *pool, uint32_t count, uint32_t *blocks);

/* One more reference. A queued block leaves the queue: this is how a prefix hit brings a free block back into use.
 * KV_INVALID: foreign id, or the count would overflow. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_ref(struct kv_block_pool *pool, uint32_t block);

/* Drop one reference without queueing; *left = references left. With 0 left the block is parked and the caller queues it.
 * KV_INVALID: foreign id, or no reference to drop (double free). */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_unref(struct kv_block_pool *pool, uint32_t block, uint32_t *left);

/* Queue a parked block: at the head it is taken next, at the tail last. KV_INVALID: foreign id, held, or queued already. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_put_head(struct kv_block_pool *pool, uint32_t block);
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_put_tail(struct kv_block_pool *pool, uint32_t block);

/* Take a queued block out of the middle; it is parked then. KV_INVALID: foreign id, or not queued. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_unlink(struct kv_block_pool *pool, uint32_t block);

/* kv_block_pool_unref, then kv_block_pool_put_head when no reference is left. KV_INVALID as there. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_pool_free(struct kv_block_pool *pool, uint32_t block);

/* The block's place in the queue as it was at first. */
static inline uint32_t kv_block_pool_rank(const struct kv_block_pool *pool, uint32_t block)
{
    return pool->step == 1 ? block : pool->num_blocks - 1 - block;
}

/* The block after a queued one, num_blocks after the last; KV_BLOCK_NONE: the block is not queued. */
static inline uint32_t kv_block_pool_next(const struct kv_block_pool *pool, uint32_t block)
{
    const uint32_t rank = kv_block_pool_rank(pool, block);
    return rank >= pool->linked && rank + 1 < pool->num_blocks ? block + pool->step : pool->next[block];
}

/* The block that the next take gets; num_blocks when the queue is empty. */
static inline uint32_t kv_block_pool_head(const struct kv_block_pool *pool)
{
    return pool->next[pool->num_blocks];
}

/* Blocks that are held or parked. */
static inline uint32_t kv_block_pool_used(const struct kv_block_pool *pool)
{
    return pool->num_blocks - pool->num_free;
}

/* Is the queue linked well both ways, as long as num_free says, and free of held blocks? For tests. O(num_blocks). */
PAGEDKV_API bool kv_block_pool_check(const struct kv_block_pool *pool);

/* --- block table: where a sequence's tokens are ---------------------------------------------------------------------------------------
 *
 *     token position p  ->  logical block p / block_size, offset p % block_size  ->  blocks[logical]
 *
 * A table knows ids and nothing of references: who appends a block holds its reference (kv_sequence does both). One owner thread. */

struct kv_block_table {
    uint32_t *blocks; /* `count` entries in use, `capacity` allocated */
    uint32_t count, capacity;
    uint32_t num_tokens; /* <= count * block_size */
    uint32_t block_size; /* tokens */
};

/* An empty table; allocates nothing yet. KV_INVALID: block_size is 0. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_table_init(struct kv_block_table *table, uint32_t block_size);
PAGEDKV_API void kv_block_table_deinit(struct kv_block_table *table);

/* Room for `more` further entries, so that appending them cannot fail. Amortised O(more). KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_table_reserve(struct kv_block_table *table, uint32_t more);

/* Map the next logical block to `block`. Amortised O(1). KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_table_append(struct kv_block_table *table, uint32_t block);

/* Map the last logical block to another block. KV_INVALID: the table is empty. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_table_replace_last(struct kv_block_table *table, uint32_t block);

/* Set how many tokens are stored. KV_INVALID: more than the blocks hold. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_block_table_set_num_tokens(struct kv_block_table *table, uint32_t num_tokens);

/* Forget all entries and tokens; keeps the memory. References of the blocks stay the caller's. */
PAGEDKV_API void kv_block_table_clear(struct kv_block_table *table);

/* The block of a logical block; KV_BLOCK_NONE after the end. */
static inline uint32_t kv_block_table_physical(const struct kv_block_table *table, uint32_t logical)
{
    return logical < table->count ? table->blocks[logical] : KV_BLOCK_NONE;
}

/* Logical block and offset of a token position, mapped or not. */
static inline void kv_block_table_place(const struct kv_block_table *table, uint32_t position, uint32_t *logical, uint32_t *offset)
{
    *logical = position / table->block_size;
    *offset = position % table->block_size;
}

/* Do entries, tokens and capacity fit each other? For tests. */
PAGEDKV_API bool kv_block_table_check(const struct kv_block_table *table);

/* --- prefix cache: which block holds which content --------------------------------------------------------------------------------------
 *
 * Two parts, each of use alone:
 *
 * 1. kv_contents gives every distinct pair (content of the block before, tokens of this block) one 64-bit identity. Equal pairs get equal
 *    identities, different pairs never do: the pair itself is stored and compared, a hash only finds the bucket. So an identity stands for
 *    the whole prefix. Tokens are given as spans of consecutive values; any way of cutting the same tokens into spans is the same content.
 *
 * 2. kv_prefix_cache maps an identity to the blocks that hold it, in order of registration, and a block to its identity:
 *
 *     slot -> content | first block        next_same[block] -> the next block with the same content
 *
 * One owner thread. Source: vLLM v1/core/block_pool.py (BlockHashToBlockMap), v1/core/kv_cache_utils.py (hash_block_tokens). */

#define KV_CONTENT_NONE UINT64_C(0) /* no content; also what stands before a sequence's first block */
/* Identities from kv_contents are smaller. A caller may use values from here on for contents that it knows to be unique. */
#define KV_CONTENT_PRIVATE (UINT64_C(1) << 63)

/* Tokens first, first + 1, ... first + count - 1. */
struct kv_span {
    uint64_t first;
    uint32_t count;
};

struct kv_contents;

/* An empty set of contents. End it with kv_contents_destroy. KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_contents_create(struct kv_contents **out);
PAGEDKV_API void kv_contents_destroy(struct kv_contents *contents);

/* *content = the identity of a block with the tokens of `spans` after the content `parent`. A new one is remembered for as long as
 * `contents` lives (about 50 bytes). Spans of count 0 are ignored. Amortised O(count). KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_contents_intern(struct kv_contents *contents, uint64_t parent, const struct kv_span *spans,
                                                           size_t count, uint64_t *content);

/* Is every identity found under its own key, and only there? For tests. O(contents). */
PAGEDKV_API bool kv_contents_check(const struct kv_contents *contents);

struct kv_prefix_cache;

/* An empty map for the blocks 0 .. num_blocks - 1; never grows (about 60 bytes a block). O(num_blocks). KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_prefix_cache_create(uint32_t num_blocks, struct kv_prefix_cache **out);
PAGEDKV_API void kv_prefix_cache_destroy(struct kv_prefix_cache *cache);

/* The block with this content that was registered first of those still registered; KV_BLOCK_NONE: there is none. */
PAGEDKV_API uint32_t kv_prefix_cache_find(const struct kv_prefix_cache *cache, uint64_t content);

/* Register what a block holds, after all others with the same content.
 * KV_INVALID: foreign id, content KV_CONTENT_NONE, or the block has a content already. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_prefix_cache_insert(struct kv_prefix_cache *cache, uint32_t block, uint64_t content);

/* Forget the block's content (the block is taken for something else). A block without content, or a foreign id: nothing happens. */
PAGEDKV_API void kv_prefix_cache_remove(struct kv_prefix_cache *cache, uint32_t block);

/* The block's content; KV_CONTENT_NONE for none or a foreign id. */
PAGEDKV_API uint64_t kv_prefix_cache_content(const struct kv_prefix_cache *cache, uint32_t block);

/* Do both directions of the map agree? For tests. O(num_blocks). */
PAGEDKV_API bool kv_prefix_cache_check(const struct kv_prefix_cache *cache);

/* --- shared refs: reference counts that several threads may take and drop at once -------------------------------------------------------
 *
 * The atomic variant of the pool's counts, for programs that share blocks between threads; the pool itself stays plain, so that a single
 * owner pays nothing. Who drops the last reference is told so, and is then the block's only owner: it alone gives the block back to the
 * pool. What other holders wrote before they dropped theirs is visible to it. All functions but init and deinit may be called by any
 * number of threads at once; misuse is refused and changes no count. */

struct kv_shared_refs {
    uint32_t num_blocks;
    uint32_t *refs; /* accessed atomically: ask kv_shared_refs_count */
};

/* No block is held. O(num_blocks). KV_INVALID: num_blocks is 0. KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_shared_refs_init(struct kv_shared_refs *shared, uint32_t num_blocks);
PAGEDKV_API void kv_shared_refs_deinit(struct kv_shared_refs *shared);

/* The first reference of a block that nobody holds. KV_INVALID: foreign id, or somebody holds it. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_shared_refs_take(struct kv_shared_refs *shared, uint32_t block);

/* One more, by somebody who holds one. KV_INVALID: foreign id, nobody holds it, or the count would overflow. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_shared_refs_ref(struct kv_shared_refs *shared, uint32_t block);

/* Drop one; *left = references left. KV_INVALID: foreign id, or there is none to drop (double free). */
KV_NODISCARD PAGEDKV_API enum kv_status kv_shared_refs_unref(struct kv_shared_refs *shared, uint32_t block, uint32_t *left);

/* References now; another thread may change them at once. 0 for a foreign id. */
PAGEDKV_API uint32_t kv_shared_refs_count(const struct kv_shared_refs *shared, uint32_t block);

/* --- K/V store: the bytes ---------------------------------------------------------------------------------------------------------------
 *
 *   for each layer, K and V each:   [block][head][offset][head_dim]
 *
 *     block 0                                    block 1
 *     | head 0: token 0, 1, .. B-1 | head 1 ... | head 0: ...
 *       `-- head_dim values a token
 *
 * so the tokens that one block holds for one head are contiguous, which is what a gather copies. "Head" is a K/V head. Storage is float32,
 * float16 or bfloat16; callers always see float32, converted on the way in (round to nearest even) and out.
 *
 * Memory is mapped, 64-byte aligned, with 2 MiB pages wished for; blocks that were never written cost no physical memory and read as zero.
 * The store does not know who owns which block. Several threads may read and write different blocks at once. */

enum kv_store_dtype { KV_STORE_FLOAT32, KV_STORE_FLOAT16, KV_STORE_BFLOAT16 };

struct kv_store_shape {
    uint32_t num_layers, num_kv_heads, head_dim, block_size, num_blocks; /* each >= 1 */
    enum kv_store_dtype dtype;
};

/* How blocks are walked: so many side by side, so many bytes of each in turn, lines asked for so many bytes before they are read, with
 * streaming stores or plain ones. What is best is the processor's; results never depend on it. */
struct kv_geometry {
    uint32_t runs;  /* 1..8 */
    uint32_t turn;  /* a multiple of 256, up to 8192 */
    uint32_t ahead; /* up to 1 MiB; 0: nothing is asked for */
    bool stream;
};
/* Beyond the caches, and where pool and buffers fit the last of them. */
struct kv_geometry_plan {
    struct kv_geometry memory, shared;
};

/* What a store's memory lies in: large pages that were set aside for such uses, those that the system was asked to make, or small ones. */
enum kv_pages { KV_PAGES_SMALL, KV_PAGES_WISHED, KV_PAGES_SET_ASIDE };

struct kv_store {
    struct kv_store_shape shape;
    size_t element_bytes;  /* 4 or 2 */
    size_t head_elements;  /* block_size * head_dim: one head of one block */
    size_t block_elements; /* num_kv_heads * head_elements */
    size_t layer_bytes;    /* of K, and of V */
    unsigned char *memory; /* layer 0 K, layer 0 V, layer 1 K, ... each layer_bytes */
    size_t mapped_bytes;
    enum kv_pages pages;
    struct kv_geometry_plan geometry; /* the default's, until kv_store_set_geometry */
};

/* A store whose values are all zero. End it with kv_store_destroy. KV_INVALID: a size is 0, or the whole does not fit the address space.
 * KV_NO_MEMORY: the system gives no such mapping. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_store_create(const struct kv_store_shape *shape, struct kv_store **out);
PAGEDKV_API void kv_store_destroy(struct kv_store *store);

/* Bytes of K and V: of all blocks over all layers, and of one block over all layers. */
PAGEDKV_API size_t kv_store_bytes(const struct kv_store *store);
PAGEDKV_API size_t kv_store_block_bytes(const struct kv_store *store);

/* How its blocks are walked from now on: kv_geometry_measure's plan, or a told one. Call it while nobody uses the store. */
PAGEDKV_API void kv_store_set_geometry(struct kv_store *store, const struct kv_geometry_plan *plan);
/* How many of its bytes lie in pages of 2 MiB now; 0 where the system does not tell (only Linux does). */
PAGEDKV_API size_t kv_store_large_page_bytes(const struct kv_store *store);

/* Write or read one position of one head: k and v are head_dim floats. O(head_dim).
 * KV_INVALID: layer, block, head or offset out of range, or a NULL buffer. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_store_write(struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head,
                                                       uint32_t offset, const float *k, const float *v);
KV_NODISCARD PAGEDKV_API enum kv_status kv_store_read(const struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head,
                                                      uint32_t offset, float *k, float *v);

/* Write the tokens [start, start + count) of a sequence, all heads of one layer. `blocks` is the sequence's table and covers them; k and v
 * are [token][head][head_dim], as a model's projection leaves them. O(count * heads * head_dim).
 * The calling thread sees the values at once. Another thread sees them after this thread called kv_store_publish, or passed a lock or an
 * OpenMP barrier: large writes go past the caches, and a fence after each token would cost a third of the speed.
 * KV_INVALID: layer or an entry of the table out of range, start + count does not fit, or NULL; nothing is written. count 0 is fine. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_store_write_tokens(struct kv_store *store, uint32_t layer, const uint32_t *blocks,
                                                              uint32_t start, uint32_t count, const float *k, const float *v);
PAGEDKV_API void kv_store_publish(const struct kv_store *store);

struct kv_block_copy {
    uint32_t source, destination;
};

/* Copy whole blocks over all layers, K and V, as if one pair after the other: within a store (to == from: copy-on-write) or between two
 * stores of the same shape but for num_blocks (swapping out or in). `threads` > 1 share the pairs, which must then be independent: no
 * destination is the source or destination of another pair. 0 and 1: the calling thread alone. O(count * kv_store_block_bytes).
 * KV_INVALID: the shapes differ, an id out of range, or a block onto itself; nothing is copied. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_store_copy_blocks(struct kv_store *to, const struct kv_store *from,
                                                             const struct kv_block_copy *pairs, uint32_t count, uint32_t threads);

/* One block within a store; as kv_store_copy_blocks. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_store_copy_block(struct kv_store *store, uint32_t source, uint32_t destination);

/* Where a block's K (value = 0) or V (value = 1) of a layer begins: block_elements values of the store's type. Nothing is checked. */
static inline unsigned char *kv_store_at(const struct kv_store *store, uint32_t layer, int value, uint32_t block)
{
    return store->memory + (2 * (size_t)layer + (size_t)value) * store->layer_bytes +
           (size_t)block * store->block_elements * store->element_bytes;
}

/* --- gather: K and V of whole sequences, contiguous -------------------------------------------------------------------------------------
 *
 * Results are laid out [head][token][head_dim] float32, K and V each in a buffer of the caller. Use buffers again: memory that is fresh
 * from the system costs more than the gather. Several threads may gather from a store at once while nobody writes to the same blocks. */

struct kv_gather_sequence {
    const uint32_t *blocks; /* the block table; covers num_tokens */
    uint32_t num_tokens;    /* 0 is fine: nothing is gathered */
    float *k, *v;           /* each num_kv_heads * num_tokens * head_dim floats; no two buffers overlap */
};

/* All heads of one layer of many sequences. Threads share the blocks of the whole batch evenly, whatever the lengths of its sequences;
 * what is done sooner than other threads are woken is done by the calling thread. `threads` 0: OpenMP's default. O(floats gathered).
 * KV_INVALID: layer out of range, a NULL buffer, or a table entry that is no block; nothing is written. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_gather_batch(const struct kv_store *store, uint32_t layer,
                                                        const struct kv_gather_sequence *sequences, uint32_t count, uint32_t threads);

/* The heads [first_head, first_head + heads) of one sequence, by the calling thread: k and v each get heads * num_tokens * head_dim floats.
 * Several heads in one call are faster than one at a time, because they lie together in each block. KV_INVALID as kv_gather_batch. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_gather_heads(const struct kv_store *store, uint32_t layer, uint32_t first_head, uint32_t heads,
                                                        const uint32_t *blocks, uint32_t num_tokens, float *k, float *v);

/* One head: k and v each get num_tokens * head_dim floats. KV_INVALID as kv_gather_batch. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_gather_head(const struct kv_store *store, uint32_t layer, uint32_t head, const uint32_t *blocks,
                                                       uint32_t num_tokens, float *k, float *v);

/* --- attention: decode attention straight from the blocks, without gathering them first ---------------------------------------------
 *
 * For each sequence one new token's queries attend to all its written tokens: out = softmax(scale * q K^T) V. It is computed online, in
 * chunks of 16 rows with a running maximum and sum for each query head, so that nothing as long as the context is stored. Query heads come
 * in groups that share a K/V head (grouped-query attention); each K and V row is read once for its whole group.
 *
 *     queries, outputs: [query head][head_dim] float32, query head = K/V head * group + g
 *
 * In float32 the relative error against exact arithmetic (maximum norm of a head's output) stays below 1e-5 for contexts up to 32768.
 * Results do not depend on the number of threads; instruction sets differ in rounding (kv_kernels_select).
 * Source: SOSP'23 section 4.1; online softmax: Milakov and Gimelshein 2018. */

enum { KV_ATTEND_GROUP_MAX = 16, KV_ATTEND_HEAD_DIM_MAX = 4096 };

struct kv_attend_sequence {
    const uint32_t *blocks; /* the block table; covers num_tokens */
    uint32_t num_tokens;    /* >= 1 */
    const float *queries;   /* num_kv_heads * group * head_dim */
    float *outputs;         /* the same shape */
};

/* One layer of many sequences. `group` query heads for each K/V head, 1 .. KV_ATTEND_GROUP_MAX; `scale` is usually 1 / sqrt(head_dim);
 * `threads` 0: OpenMP's default. Threads share (sequence, head) pairs. O(count * tokens * query heads * head_dim).
 * KV_INVALID: layer, group, head_dim or a table entry out of range, a sequence of 0 tokens, or NULL; nothing is written. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_attend_batch(const struct kv_store *store, uint32_t layer, uint32_t group, float scale,
                                                        const struct kv_attend_sequence *sequences, uint32_t count, uint32_t threads);

/* --- sequence: grows by tokens, forks, copies a shared last block before writing to it ------------------------------------------------
 *
 *     kv_paged = pool (who owns which block) + store (the bytes)
 *
 *     parent  [3][7][9]      fork: same ids, one more reference each       child  [3][7][9]
 *     child writes token 40 into block 9, which is shared -> takes block 2, copies 9 to 2 in all layers -> child [3][7][2]
 *
 * A full block is never written again, so only the last one is ever copied; who is the last to hold it keeps the original.
 * One owner thread for a pool, its store and all sequences on them. Source: SOSP'23 sections 4.3 and 4.4. */

struct kv_paged {
    struct kv_block_pool *pool;
    struct kv_store *store; /* NULL: decide only, move nothing. Else of the pool's num_blocks and the sequences' block_size */
};

struct kv_sequence {
    struct kv_block_table table;
};

/* An empty sequence. KV_INVALID: block_size is 0. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_init(struct kv_sequence *sequence, uint32_t block_size);

/* Give all blocks back, last one first, each to the head of the queue when this was its last reference; the sequence is empty then.
 * kv_sequence_deinit frees the table's memory as well. O(blocks). */
PAGEDKV_API void kv_sequence_free(struct kv_sequence *sequence, const struct kv_paged *paged);
PAGEDKV_API void kv_sequence_deinit(struct kv_sequence *sequence, const struct kv_paged *paged);

/* Make sure that the next `tokens` (>= 1) tokens have a place of their own. O(tokens / block_size), plus a block's copy.
 * KV_OK: the table covers num_tokens + tokens. *copy says which shared block was replaced by a copy of it; KV_BLOCK_NONE: none was. With a
 * store the bytes are copied already.
 * KV_NO_BLOCKS, KV_NO_MEMORY: nothing changed. KV_INVALID: tokens is 0, or there would be more than UINT32_MAX. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_reserve(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t tokens,
                                                            struct kv_block_copy *copy);

/* Write K and V of the current token, position num_tokens, in one layer; its place is reserved first when that was not done. One head
 * (k and v are head_dim floats), or all heads (k and v are [head][head_dim]). Call it for each layer, then kv_sequence_advance.
 * KV_NO_BLOCKS, KV_NO_MEMORY: as kv_sequence_reserve. KV_INVALID: layer or head out of range, NULL, or no store. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_append(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer,
                                                           uint32_t head, const float *k, const float *v);
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_append_token(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer,
                                                                 const float *k, const float *v);

/* The current token is written in all layers: go on to the next. KV_INVALID: its place was never reserved. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_advance(struct kv_sequence *sequence);

/* Let `child` (initialised and empty, of the same block_size) share all blocks of `parent`. Copies no K/V. O(blocks).
 * KV_INVALID: the child is not empty or of another block_size, or a count would overflow. KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_fork(const struct kv_sequence *parent, struct kv_sequence *child,
                                                         const struct kv_paged *paged);

/* Move `count` sequences, which may share blocks with each other, to another pool and store of the same shape; what they shared they
 * still share. No other sequence may hold their blocks. O(blocks of the source pool + bytes moved).
 * KV_NO_BLOCKS: the other pool has too few for the distinct blocks. KV_NO_MEMORY. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_swap(struct kv_sequence *const *sequences, uint32_t count, const struct kv_paged *from,
                                                         const struct kv_paged *to);

/* Gather one head, or all heads, of all written tokens: kv_gather_head and kv_gather_batch. KV_INVALID as there, or no store. */
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_gather_head(const struct kv_sequence *sequence, const struct kv_paged *paged,
                                                                uint32_t layer, uint32_t head, float *k, float *v);
KV_NODISCARD PAGEDKV_API enum kv_status kv_sequence_gather(const struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer,
                                                           float *k, float *v, uint32_t threads);

/* Is the table sound, and is every entry a held block of the pool? For tests. O(blocks). */
PAGEDKV_API bool kv_sequence_check(const struct kv_sequence *sequence, const struct kv_paged *paged);

/* --- this machine -----------------------------------------------------------------------------------------------------------------------
 *
 * The loops that move and read K/V exist once for each instruction set; the best that the processor has is chosen at run time. */

/* The set in use: "avx512", "avx2", "neon" (64-bit Arm) or "portable". Static. */
PAGEDKV_API const char *kv_kernels_name(void);

/* Use the set with this name from now on, in the whole process; NULL: the best one again. "portable" gives the same attention results to
 * the last bit on every machine. false: this processor or this build does not have it; nothing changed. Call it while no other function
 * of the library runs. */
PAGEDKV_API bool kv_kernels_select(const char *name);

/* What this machine's memory can do, measured: the yardstick for gathers and attention. */
struct kv_memory_speed {
    double copy_gb_per_s, read_gb_per_s; /* bytes copied, or read, in 1e-9 s; 0: no memory to measure with */
};

/* A sequential copy past the caches and a sequential read of 64 MiB, by `threads` (>= 1) threads, the best of a few rounds by the wall
 * clock. Takes about 0.1 s and 128 MiB. */
PAGEDKV_API struct kv_memory_speed kv_memory_speed_measure(uint32_t threads);

/* The plan that is 0.6 of the memory's limit or better on every processor that was tried. */
PAGEDKV_API struct kv_geometry_plan kv_geometry_default(void);
/* The best plan for stores of this shape, whatever num_layers and num_blocks are: a few ways, each timed. Takes some 30 ms and 70 MiB; the
 * default's where there is no memory for it or a block is larger than some hundred KiB. */
PAGEDKV_API struct kv_geometry_plan kv_geometry_measure(const struct kv_store_shape *shape);
/* A plan as text, such as "8x256+32768s,4x256+0p": runs x turn + ahead, s for streaming stores or p for plain ones, for memory and for the
 * shared cache. Parsing also takes one part for both, and no letter for s. false: it is none, or out of bounds; *out is unchanged. */
enum { KV_GEOMETRY_TEXT = 48 };
PAGEDKV_API void kv_geometry_plan_text(const struct kv_geometry_plan *plan, char text[KV_GEOMETRY_TEXT]);
KV_NODISCARD PAGEDKV_API bool kv_geometry_plan_parse(const char *text, struct kv_geometry_plan *out);

#ifdef __cplusplus
}
#endif

#endif
