/* sharing.h - what prompts have in common: a table of structures, spelled as spec_text.h says, for example sessions:prompts=3,tokens=768.
 *
 * Requests come in sessions, and a session is drawn whole when it begins: its requests, how long each waits, how many tokens each has, and
 * which contents its prompt is made of. A structure is one function that draws a session; where nothing grows from request to request,
 * a session has one. Contents are runs of hash ids:
 *
 *     prompt    [ system prompt 2 ][ what was said before           ][ what is new ]  whole blocks have an id, the last may be in part
 *     hash ids    96 .. 143          70211 ............................... 70260
 *                 run of all         run of this session, from its first id on
 *
 * Ids that many sessions share come first, from 0; those of one session are the next free ones, so they stay short.
 */
#ifndef PAGESIM_SHARING_H
#define PAGESIM_SHARING_H

#include <stdbool.h>
#include <stdint.h>

#include "generate/variate.h"

/* Ids first, first + step, ... */
struct content_run {
    uint64_t first, step;
    uint32_t blocks;
};

struct planned_request {
    double at_s;   /* from the session's first request */
    double wait_s; /* from the request before it in the session (of a tree: from its parent) */
    uint32_t input_tokens, output_tokens;
    uint32_t first_run, run_count;
};

/* A session. Zeroed is an empty one; plans may be used again, which costs no memory then. */
struct session_plan {
    struct planned_request *requests; /* in order of at_s */
    size_t request_count, request_capacity;
    struct content_run *runs;
    size_t run_count, run_capacity;
};

void session_plan_deinit(struct session_plan *plan);

struct sharing;

/* What sessions are drawn from. All is borrowed; `next_id` and the states move on. */
struct session_source {
    const struct sharing *sharing;
    const struct variate *input, *output, *turns, *think;
    uint32_t block_tokens;
    bool ids_needed;  /* name contents even where nothing is shared */
    uint64_t next_id; /* the first that nobody has */
    uint64_t input_state, output_state, sharing_state, turns_state, think_state;
};

struct sharing_kind {
    struct spec_name spec;
    bool names_contents, has_turns, is_tree;
    enum status (*draw)(struct session_source *source, struct session_plan *plan, struct diag *diag);
};

struct sharing {
    const struct sharing_kind *kind; /* NULL: none was read */
    double keys[SPEC_KEYS];
    struct zipf popularity; /* of the first key's number of things, by the last key's skew */
};

/* SIM_USAGE: what spec_read_keys says; a tree of more than 100,000 requests. */
SIM_NODISCARD enum status sharing_read(struct sharing *out, const struct spec_place *place, struct diag *diag);

/* Requests of a session, on average. */
double sharing_requests(const struct sharing *sharing, const struct variate *turns);

/* The ids that many sessions share are below this, if no prompt has more than `most_tokens`. */
uint64_t sharing_ids(const struct sharing *sharing, uint32_t block_tokens, double most_tokens);

/* Draw one more session. SIM_BAD_INPUT: a prompt of more than 1e9 tokens. */
SIM_NODISCARD enum status sharing_draw(struct session_source *source, struct session_plan *plan, struct diag *diag);

/* The table, for help pages: the i-th row, NULL after the last. */
const struct spec_name *sharing_name(size_t i);

#endif
