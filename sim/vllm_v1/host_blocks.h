/* host_blocks.h - blocks of K and V in the host's memory, of which the least recently used goes first.
 *
 *     oldest [ ][ ][L][ ][ ][S] newest       L: a load reads it   S: its store is not done      neither goes before that is over
 *
 * A block is known by its content (block_contents.c), and a content has one block. What moves to and from them is offloading.h's. Source: vLLM
 * v1/kv_offload/cpu, manager.py and policies/lru.py.
 */
#ifndef PAGESIM_HOST_BLOCKS_H
#define PAGESIM_HOST_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "pagedkv.h"

#define HOST_BLOCK_NONE KV_BLOCK_NONE

struct host_block {
    uint32_t older, newer; /* HOST_BLOCK_NONE at the ends */
    uint32_t loads;        /* that read it */
    bool ready;            /* its store is done */
    uint64_t wanted;       /* number of the last host_blocks_make_room that asked for its content */
};

struct host_blocks {
    uint32_t capacity, used; /* used: have a content */
    uint32_t fresh;          /* blocks from here on never had one */
    uint32_t free;           /* a block that was evicted, and by `newer` the others; HOST_BLOCK_NONE: none */
    struct kv_prefix_cache *contents;
    struct host_block *blocks;
    uint32_t oldest, newest;
    uint64_t requests; /* for room, so far */
};

SIM_NODISCARD enum status host_blocks_init(struct host_blocks *host, uint32_t capacity, struct diag *diag);
void host_blocks_deinit(struct host_blocks *host);

/* The block of a content, or HOST_BLOCK_NONE. */
uint32_t host_blocks_find(const struct host_blocks *host, uint64_t content);

/* These were asked for, those that are here: the first of them becomes the newest of all, as a prefix is worth more than what follows it. */
void host_blocks_touch(struct host_blocks *host, const uint64_t *contents, uint32_t count);

/* Evict until there is room for those of the contents that are not here, which differ from each other. None of the contents is evicted. false: too
 * many blocks are in use, and nothing changed. */
bool host_blocks_make_room(struct host_blocks *host, const uint64_t *contents, uint32_t count);
/* A block for a content that is not here, as the newest; there is room. It is not ready. */
uint32_t host_blocks_add(struct host_blocks *host, uint64_t content);

/* Walk all invariants. O(capacity). */
bool host_blocks_check(const struct host_blocks *host);

#endif
