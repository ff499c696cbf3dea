/* block_holders.h - who holds which block of the pool, followed from the lists of single steps: what each class of requests occupies now.
 *
 *     table of request 4 (class 1)   [ 7 ][ 8 ][ 3 ]        block 7: held by classes 0 and 1, charged to class 0
 *     table of request 9 (class 0)   [ 7 ][ 5 ]             its tokens: as many as the fullest view of it has
 *
 * A block that several classes hold is charged to the first of them, in the order in which request_classes lists them: the most important
 * priority, the shortest prompts, prefill before decode. So charged blocks add up to the used blocks of the pool, and what else a class
 * has in its tables is what sharing saves it. Tables can be sorted by group of layers instead; groups share no block. O(1) for each change of a
 * table.
 *
 * Feed it every step: scheduled before it is read, completed after. It keeps copies, as a scheduler's lists live only during a step.
 */
#ifndef PAGESIM_BLOCK_HOLDERS_H
#define PAGESIM_BLOCK_HOLDERS_H

#include "config/kv_groups.h"
#include "engine/observer.h"
#include "observe/request_classes.h"

enum { HOLDER_CLASSES_MOST = KV_GROUPS_MOST }; /* of requests, or groups of layers */
_Static_assert((int)CLASSES_MOST <= (int)HOLDER_CLASSES_MOST, "either fits");

/* Of one request (V0: sequence) and group of layers. */
struct held_table {
    uint32_t *blocks;
    size_t capacity;
    uint32_t count, tokens, position, class;
    uint32_t group, passed; /* passed: leading entries that are the null block */
};

/* What a class occupies now. */
struct class_state {
    uint64_t blocks;       /* charged to it */
    uint64_t useful_slots; /* tokens present in them */
    uint64_t table_blocks; /* entries of its tables */
    uint64_t tables;       /* V1: requests that hold blocks; V0: sequences */
    /* Of its tables: */
    uint64_t passed; /* entries that are the null block */
    uint64_t
        ahead_blocks; /* entries beyond the last token: speculation takes them for drafts and for the drafter (V0: for whole prompts) */
    uint64_t
        slack_slots; /* of tokens that no later one looks at, while their block stays: others in it are looked at, or it goes at the next turn */
};

struct block_holders {
    const struct trace *trace;
    struct request_classes classes; /* unless by_group */
    uint32_t class_count;
    bool by_group; /* classes are groups of layers */
    struct kv_groups groups;
    uint32_t block_slots, pool_blocks; /* block_slots: kv_groups_block_slots */
    bool rebuilds;                     /* V0: tables are listed anew in each step */
    struct held_table *tables;         /* [0, table_count) are in use; V1: one a request and group, at table_of */
    size_t table_capacity;
    uint32_t table_count;
    uint32_t *table_of; /* [position][group]: index + 1 into tables; 0: holds nothing */
    bool *has_token;    /* by position: since the last admission */
    uint32_t *holders;  /* [block][class]: entries of tables */
    uint32_t *filled;   /* [block]: slots of tokens present */
    uint8_t *owner;     /* [block]: class that is charged; HOLDER_CLASSES_MOST: unused */
    struct class_state now[HOLDER_CLASSES_MOST];
};

/* End it with block_holders_deinit in any case. */
SIM_NODISCARD enum status block_holders_init(struct block_holders *holders, const struct trace *trace, const struct config *config,
                                             enum class_key key, struct diag *diag);
/* By group of layers. */
SIM_NODISCARD enum status block_holders_init_groups(struct block_holders *holders, const struct trace *trace, const struct config *config,
                                                    struct diag *diag);
void block_holders_deinit(struct block_holders *holders);

SIM_NODISCARD enum status block_holders_scheduled(struct block_holders *holders, const struct step *step, struct diag *diag);
SIM_NODISCARD enum status block_holders_completed(struct block_holders *holders, const struct step *step, struct diag *diag);

/* Blocks of all tables of whose table stands at an index (V0: of this one). */
uint32_t block_holders_held(const struct block_holders *holders, uint32_t table);

/* Recount everything from the tables. */
bool block_holders_check(const struct block_holders *holders);

#endif
