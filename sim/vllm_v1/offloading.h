/* offloading.h - K and V that stay in the host's memory (doc/vllm_v1.md, section 15.2): what vLLM's OffloadingConnector decides, and a model of
 * how long its transfers take.
 *
 *     offloading_match     which blocks of a waiting request are in the host's memory, after those that it hits on the GPU?
 *     offloading_ask       it has blocks for them now: load
 *     offloading_begin     the step's time is known: what was asked for begins
 *     offloading_store     the step's full blocks are stored when it is over
 *     offloading_next      what is over by now
 *
 * A request waits with its blocks while it loads. One that ends while its blocks are stored keeps them until then. Loads have one direction of
 * the link, stores the other.
 *
 * Source: vLLM distributed/kv_transfer/kv_connector/v1/offloading/scheduler.py.
 */
#ifndef PAGESIM_OFFLOADING_H
#define PAGESIM_OFFLOADING_H

#include "engine/step.h"
#include "vllm_v1/host_blocks.h"
#include "vllm_v1/transfer_queue.h"
#include "vllm_v1/vllm_v1_blocks.h"

/* Of a waiting request. */
enum load_state {
    LOAD_NONE,
    LOAD_RUNS,  /* it was asked for and is not over */
    LOAD_DONE,  /* it is over, and nobody has looked at the request since */
    LOAD_TAKEN, /* its blocks are registered */
};

struct offloaded_request {
    int64_t asked_ns; /* of its load */
    uint32_t offered; /* leading blocks that were offered to the host */
    uint32_t storing; /* its stores that are not over */
    uint8_t load;     /* enum load_state */
    bool leaves;      /* it has ended, and its blocks go back when its stores are over */
};

struct offloading {
    bool on; /* else nothing below is used */
    struct v1_blocks *blocks;
    struct host_blocks host;
    struct transfer_queue loads, stores; /* first of a load: its first block in the table */
    uint32_t *stored;                    /* ring of `host.capacity`: host blocks of stores that are not over, in their order */
    size_t stored_first, stored_count;
    struct offloaded_request *requests; /* by position */
    struct offload_sums sums;
};

/* Off unless the configuration says so. Borrows blocks. SIM_BAD_INPUT: no block fits into the host's memory. End it with offloading_deinit in
 * any case. */
SIM_NODISCARD enum status offloading_init(struct offloading *offloading, const struct config *config, struct v1_blocks *blocks,
                                          struct diag *diag);
void offloading_deinit(struct offloading *offloading);

struct offload_match {
    uint32_t tokens; /* to load */
    bool later;      /* ask again: a block that it needs is on its way to or from the host */
};

/* For a request of `known` tokens that hits `cached` on the GPU. That it was asked for counts as a use of its blocks. */
SIM_NODISCARD enum status offloading_match(struct offloading *offloading, uint32_t position, uint32_t known, uint32_t cached,
                                           struct offload_match *out, struct diag *diag);
/* Load what was matched, into the table's blocks after `cached` tokens. */
void offloading_ask(struct offloading *offloading, uint32_t position, uint32_t cached, uint32_t tokens, int64_t now_ns);
/* Loads that were asked for begin at start_ns. */
void offloading_begin(struct offloading *offloading, int64_t start_ns);
/* The first `tokens` tokens of a request are there at start_ns, and known: its full blocks are stored from then on, if they are not yet. */
SIM_NODISCARD enum status offloading_store(struct offloading *offloading, uint32_t position, uint32_t tokens, int64_t start_ns,
                                           struct diag *diag);

/* Take note of what is over by now_ns. true: *position has ended before and can give its blocks back now; ask again. */
bool offloading_next(struct offloading *offloading, int64_t now_ns, uint32_t *position);
/* When something will be over; INT64_MAX: nothing is on its way. */
int64_t offloading_next_ns(const struct offloading *offloading);

/* A request ends. true: it keeps its blocks until offloading_next names it. */
bool offloading_leaves(struct offloading *offloading, uint32_t position);

static inline enum load_state offloading_load(const struct offloading *offloading, uint32_t position)
{
    return offloading->on ? (enum load_state)offloading->requests[position].load : LOAD_NONE;
}
static inline void offloading_set_load(struct offloading *offloading, uint32_t position, enum load_state load)
{
    offloading->requests[position].load = (uint8_t)load;
}

/* Walk all invariants. */
bool offloading_check_state(const struct offloading *offloading);

#endif
