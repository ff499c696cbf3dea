/* event_prefix.h - which prompts go together for how long: a radix tree over runs of hash ids (trace/id_runs.h), for the event replay.
 *
 * A node stands for a run of trace blocks that always come together and the chain of those before it, that is for `per` KV blocks (trace
 * block size / block size) an id. Where ids of blocks are kept, it stands for one trace block: a segment has room for no more.
 * When the block size does not divide the trace block size, a node is one KV block, identified by its exact tokens (kv_contents).
 * A node holds the list of its copies: segments of blocks (segment_queue.h) in the order in which they were registered. With several groups
 * of layers it is one number a group: `node` itself is the first group's, and `node + group` has the copies of another.
 *
 * Where a block's content covers tokens after it, the last block before a trace block belongs to that one's node, as its id names them. The first
 * node may then have no block at all.
 *
 * Only blocks that several requests can have are named here: those covered by hash ids that other prompts have, too, and, where a trace was
 * expanded into samples (n > 1), the whole prompt, under a name that the samples of one request share.
 */
#ifndef PAGESIM_EVENT_PREFIX_H
#define PAGESIM_EVENT_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "config/config.h"
#include "engine/prompt_contents.h"
#include "trace/id_runs.h"

#define NODE_NONE    0u
#define SEGMENT_NONE UINT32_MAX

struct prefix_node {
    uint32_t parent, name;          /* run `name`, after node `parent` */
    uint32_t next_with_name;        /* other nodes of the same run, with other parents */
    uint32_t first_copy, last_copy; /* segments */
};

struct event_prefix {
    const struct trace *trace;
    uint32_t block_size, trace_block_size, per;
    uint32_t groups;            /* of layers */
    uint32_t after;             /* tokens after a block that are part of its content (config/speculation.h) */
    bool aligned;               /* the block size divides the trace block size */
    bool whole_runs;            /* a node is a run; else a trace block */
    const struct id_runs *runs; /* the trace's, or made_runs */
    struct id_runs made_runs;
    struct prefix_node *nodes; /* [0] is unused */
    size_t capacity;
    uint32_t count;
    uint32_t unnamed;                /* not aligned: nodes made by event_prefix_add */
    uint32_t *by_name;               /* aligned: name -> its most recently used node */
    struct prompt_contents contents; /* not aligned; node = 2 * identity */
};

/* How far down the tree somebody is. All 0: at the root, before the first block. */
struct prefix_place {
    uint32_t node;       /* NODE_NONE at the root */
    uint32_t start, end; /* the node's blocks, counted from the prompt's first */
    uint32_t next;       /* which of the prompt's runs comes next */
};

/* `whole_runs`: nodes are runs, else trace blocks. */
SIM_NODISCARD enum status event_prefix_init(struct event_prefix *prefix, const struct trace *trace, const struct config *config,
                                            uint32_t groups, bool whole_runs, struct diag *diag);
void event_prefix_deinit(struct event_prefix *prefix);

/* How many leading blocks of the prompt have names. */
uint32_t event_prefix_named_blocks(const struct event_prefix *prefix, uint32_t position);

/* Go down to the child that holds block place->end of this prompt, which must be named. place->node = NODE_NONE: there is none and none was to
 * be created. */
SIM_NODISCARD enum status event_prefix_next(struct event_prefix *prefix, uint32_t position, bool create, struct prefix_place *place,
                                            struct diag *diag);
/* A node that no name leads to. */
SIM_NODISCARD enum status event_prefix_add(struct event_prefix *prefix, uint32_t *node, struct diag *diag);

#endif
