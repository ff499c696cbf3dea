/* prefix_index.h - what a router remembers of the prompts that it sent: a tree of pieces, and of each piece the replicas that it was sent to.
 *
 *     [7 3 9 1] to A            root --- 7 3 {A, B} --- 9 1 {A}
 *     [7 3 4]   to B                           '------- 4 {B}
 *
 * A piece is a name and all pieces before it, so the same name in two places is two pieces. Pieces that prompts have together stand in one run,
 * which is cut where prompts part or end. Of each replica the index remembers at most so many pieces. Beyond that, those go which were sent
 * longest ago, and of one prompt the last pieces first. So whoever has a piece has all before it, and the longest match is where the walk down
 * the tree ends: no sets need to be joined on the way.
 *
 * Cost: O(pieces) a prompt to compare names, and for each run of up to PREFIX_RUN pieces two look-ups in a hash table. Memory: 128 bytes for a
 * run that one replica has, 64 for each other one that has it.
 * An index belongs to one thread. */
#ifndef PAGESIM_PREFIX_INDEX_H
#define PAGESIM_PREFIX_INDEX_H

#include <stdbool.h>
#include <stdint.h>

enum { PREFIX_RUN = 12 };

struct prefix_index;

/* A beginning of a prompt that the tree has: it ends in `run`, after `within` of its pieces. */
struct prefix_match {
    uint64_t pieces; /* 0: there is none, and no replica has any */
    uint32_t run, within;
};

#define PREFIX_NO_HOLDER UINT32_MAX

/* For replicas 0 .. replica_most - 1, at most `pieces_most` pieces of each. False: out of memory. */
bool prefix_index_create(uint32_t replica_most, uint64_t pieces_most, struct prefix_index **out);
/* NULL is fine. */
void prefix_index_destroy(struct prefix_index *index);

/* The longest one. */
struct prefix_match prefix_index_find(const struct prefix_index *index, const uint32_t *names, uint64_t length);
/* The same without its last run: other replicas may have that much, and none of them has more. */
struct prefix_match prefix_index_shorter(const struct prefix_index *index, struct prefix_match match);

/* Go through the replicas that have some of the match's last run, in no useful order; with a match of one piece or more there is one, unless
 * the index was changed after it was found:
 *     for (at = prefix_index_holders(index, match); at != PREFIX_NO_HOLDER; at = prefix_index_next_holder(index, at))
 *         ... prefix_index_holder(index, at) ... prefix_index_held(index, match, at) ... */
uint32_t prefix_index_holders(const struct prefix_index *index, struct prefix_match match);
uint32_t prefix_index_next_holder(const struct prefix_index *index, uint32_t at);
uint32_t prefix_index_holder(const struct prefix_index *index, uint32_t at);
/* How many pieces of the prompt it has. */
uint64_t prefix_index_held(const struct prefix_index *index, struct prefix_match match, uint32_t at);

/* The prompt was sent to the replica. Of a prompt with more pieces than are remembered the first ones count. False: out of memory, and
 * nothing is remembered of it. */
bool prefix_index_add(struct prefix_index *index, const uint32_t *names, uint64_t length, uint32_t replica);
/* Nothing of the replica is remembered any more. O(runs that were). */
void prefix_index_forget(struct prefix_index *index, uint32_t replica);

/* How many pieces are remembered of it. */
uint64_t prefix_index_pieces(const struct prefix_index *index, uint32_t replica);

/* Every run is held, each holder has all pieces before it and touched them after it, counts and bounds are right. O(runs). */
bool prefix_index_check(const struct prefix_index *index);

#endif
