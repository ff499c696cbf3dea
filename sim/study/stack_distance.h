/* stack_distance.h - Mattson's LRU stack: one pass over accesses answers for caches of every size at once.
 *
 * Items lie in one stack, the most recently touched on top. Each has a fixed weight: how many cache slots (blocks) it stands for. The
 * distance of an item is the weight of all that lies above it. A cache of P slots under LRU holds exactly the top P slots of the stack,
 * whatever P is (inclusion), so slot j of an item (from 0, topmost first) is there when
 *
 *     distance + j + 1 <= P
 *
 *     top   [ c c ][ a ][ b b b ][ d ]   bottom      distances: c 0, a 2, b 3, d 6
 *
 * O(log items) a touch: weights stand in a Fenwick tree over times of the last touch; when times run out, they are numbered anew.
 * Memory: about 28 bytes an item. One owner thread. Source: Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970; Bennett and Kruskal, 1975, for the tree.
 */
#ifndef PAGESIM_STACK_DISTANCE_H
#define PAGESIM_STACK_DISTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

#define STACK_NEVER UINT64_MAX

struct lru_stack;

/* An empty stack for items 0 .. items-1. `weights` [items] is borrowed and must not change. */
SIM_NODISCARD enum status lru_stack_create(uint32_t items, const uint32_t *weights, struct lru_stack **out, struct diag *diag);
void lru_stack_destroy(struct lru_stack *stack);

/* Put the item on top. Returns its distance before that, or STACK_NEVER when it was not in the stack. */
uint64_t lru_stack_touch(struct lru_stack *stack, uint32_t item);

/* The sum of weights of all items in the stack. */
uint64_t lru_stack_weight(const struct lru_stack *stack);

/* Do times, items and tree agree? O(items * log items). */
bool lru_stack_check(const struct lru_stack *stack);

#endif
