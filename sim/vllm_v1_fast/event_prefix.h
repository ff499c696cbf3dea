/* event_prefix.h - which prompts go together for how long: a radix tree over trace blocks, for the event replay.
 *
 * A node stands for one trace block and the chain of those before it, that is for `per` KV blocks (trace block size / block size).
 * When the block size does not divide the trace block size, a node is one KV block, identified by its exact tokens (kv_contents).
 * A node holds the list of its copies: segments of blocks (segment_queue.h) in the order in which they were registered.
 *
 * Only blocks that several requests can have are named here: those covered by hash ids and, where a trace was expanded into samples
 * (n > 1), the whole prompt, under a name that the samples of one request share.
 */
#ifndef PAGESIM_EVENT_PREFIX_H
#define PAGESIM_EVENT_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "config/config.h"
#include "engine/prompt_contents.h"
#include "trace/trace.h"

#define NODE_NONE    0u
#define SEGMENT_NONE UINT32_MAX

struct prefix_node {
    uint32_t parent, name;          /* trace block `name`, after node `parent` */
    uint32_t next_with_name;        /* other nodes of the same trace block, with other parents */
    uint32_t first_copy, last_copy; /* segments */
};

struct event_prefix {
    const struct trace *trace;
    uint32_t block_size, trace_block_size, per;
    bool aligned;              /* the block size divides the trace block size */
    struct prefix_node *nodes; /* [0] is unused */
    size_t capacity;
    uint32_t count;
    uint32_t unnamed;                /* not aligned: nodes made by event_prefix_add */
    uint32_t *by_name;               /* aligned: name -> its most recently used node */
    struct prompt_contents contents; /* not aligned; node = 2 * identity */
};

SIM_NODISCARD enum status event_prefix_init(struct event_prefix *prefix, const struct trace *trace, const struct config *config,
                                            struct diag *diag);
void event_prefix_deinit(struct event_prefix *prefix);

/* How many leading blocks of the prompt have names. */
uint32_t event_prefix_named_blocks(const struct event_prefix *prefix, uint32_t position);

/* The node number `ordinal` of this prompt, child of `parent` (NODE_NONE for ordinal 0). *node = NODE_NONE: there is none and none was to
 * be created. */
SIM_NODISCARD enum status event_prefix_child(struct event_prefix *prefix, uint32_t position, uint32_t ordinal, uint32_t parent, bool create,
                                             uint32_t *node, struct diag *diag);
/* A node that no name leads to. */
SIM_NODISCARD enum status event_prefix_add(struct event_prefix *prefix, uint32_t *node, struct diag *diag);

#endif
