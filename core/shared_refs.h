/* shared_refs.h - reference counts of blocks that several threads may take and drop at once.
 *
 * The atomic variant of the counts in block_pool.h, for callers that share blocks between threads; the pool itself stays plain, so that a
 * single owner pays nothing. Whoever drops the last reference gets to know and is then the block's only owner: it alone gives it back
 * to the pool. Increments are relaxed (a holder exists already); the last decrement acquires what other holders released.
 */
#ifndef KV_SHARED_REFS_H
#define KV_SHARED_REFS_H

#include <stdatomic.h>

#include "status.h"

struct kv_shared_refs {
    uint32_t num_blocks;
    _Atomic uint32_t *refs;
};

KV_NODISCARD enum kv_status kv_shared_refs_init(struct kv_shared_refs *shared, uint32_t num_blocks);
void kv_shared_refs_deinit(struct kv_shared_refs *shared);

/* The first reference of a block that nobody holds. KV_INVALID: foreign id, or somebody holds it. */
KV_NODISCARD enum kv_status kv_shared_refs_take(struct kv_shared_refs *shared, uint32_t block);
/* One more, by somebody who holds one. KV_INVALID: foreign id, nobody holds it, or the count would overflow. */
KV_NODISCARD enum kv_status kv_shared_refs_ref(struct kv_shared_refs *shared, uint32_t block);
/* Drop one; *left = references left. KV_INVALID: foreign id, or there is none to drop (double free). */
KV_NODISCARD enum kv_status kv_shared_refs_unref(struct kv_shared_refs *shared, uint32_t block, uint32_t *left);
uint32_t kv_shared_refs_count(const struct kv_shared_refs *shared, uint32_t block);

#endif
