/* worker.h - the data plane of a replay: really moves the K/V bytes that a step's decisions speak of.
 *
 * An observer of single steps. In each step, in this order: swap in, swap out, copies on write, all writes, all gathers (or attention);
 * so a block freed by a swap can be reused by a copy of the same step, and a prefix hit can read what another request writes in it.
 *
 * verify: every float that is written is a function of the token's whole prefix, position, layer, head, dim and of K or V (content.h), in
 * values that the storage type holds exactly; every gathered float is compared with what it must be. One wrongly shared, reused, copied
 * or swapped block is found and named.
 *
 * Phantom hits (case E8 of doc/vllm_v1.md): a block can be registered for tokens whose request then loses its turn in the same step. vLLM
 * counts them as present. The scheduler names such blocks (step.unwritten); when one is first hit, the worker counts it and writes what
 * should be there, so that every other difference is still an error.
 */
#ifndef PAGESIM_WORKER_H
#define PAGESIM_WORKER_H

#include "base/diag.h"
#include "config/config.h"
#include "data_plane/geometry_choice.h"
#include "engine/observer.h"
#include "pagedkv.h"
#include "trace/trace.h"

struct worker_totals {
    uint64_t tokens_written;
    uint64_t floats_checked; /* verify */
    uint64_t phantom_blocks, phantom_tokens;
    uint64_t written_bytes, read_bytes, copied_bytes, swapped_bytes; /* payload, K and V */
    uint64_t read_ns, write_ns;                                      /* measured wall time: differs from run to run */
    uint64_t pool_bytes;
    const char *kernels; /* which instruction set moved the bytes */
    char geometry[KV_GEOMETRY_TEXT];
    const char *geometry_source; /* geometry_choice.h */
    uint64_t large_page_bytes;   /* of the GPU pool, when the replay ended */
    enum kv_pages pages;
};

struct worker;

/* Make stores for the GPU pool and, if there is one, the CPU pool, whose blocks are walked in the way that is wished for. Borrows trace and
 * config. `threads` >= 1 move bytes. */
SIM_NODISCARD enum status worker_create(const struct trace *trace, const struct config *config, uint32_t threads,
                                        const struct geometry_wish *geometry, struct worker **out, struct diag *diag);

struct observer worker_observer(struct worker *worker);
const struct worker_totals *worker_totals(const struct worker *worker);
void worker_destroy(struct worker *worker);

#endif
