/* kv_groups.h - from layers to groups of layers with one block table each, as vLLM makes them (doc/vllm_v1.md, section 13).
 *
 * Layers that remember the same go into groups of about as many layers each. All groups take blocks of one pool, so a block has the bytes of
 * one group's layers. A model of full layers alone is one group, and everything is as without groups.
 *
 * Source: vLLM 0.33.0 v1/core/kv_cache_planning.py, v1/kv_cache_interface.py.
 */
#ifndef PAGESIM_KV_GROUPS_H
#define PAGESIM_KV_GROUPS_H

#include "base/line.h"
#include "config/config.h"

enum { KV_GROUPS_MOST = 64 };

struct kv_group {
    enum kv_kind kind;
    uint32_t reach, block_size;
    uint32_t layers;
    bool draft; /* one of its layers belongs to a head that drafts */
    bool drops; /* the last block of a match is dropped (speculation; doc/vllm_v1.md, section 14) */
};

/* Groups that remember the same are looked up together: those of set s are members[first[s]] .. members[first[s + 1]) - 1. */
struct kv_groups {
    struct kv_group list[KV_GROUPS_MOST];
    uint32_t count;
    uint32_t hash_block_size; /* contents are told apart every so many tokens: the greatest common divisor of block sizes */
    uint32_t alignment;       /* hits are multiples of it: their least common multiple */
    uint32_t set_count;
    uint32_t first[KV_GROUPS_MOST + 1];
    uint8_t members[KV_GROUPS_MOST];
};

/* One of those sets; what is said of `group`, its first, holds for all but for layers. */
struct kv_group_set {
    const uint8_t *members;
    uint32_t count;
    const struct kv_group *group;
};
static inline struct kv_group_set kv_groups_set(const struct kv_groups *groups, uint32_t at)
{
    const uint8_t *members = groups->members + groups->first[at];
    return (struct kv_group_set){
        .members = members, .count = groups->first[at + 1] - groups->first[at], .group = &groups->list[members[0]]};
}

/* SIM_BAD_INPUT: what vLLM refuses, or dies of. `where` names the configuration in messages. */
SIM_NODISCARD enum status kv_groups_make(const struct config *config, const char *where, struct kv_groups *out, struct diag *diag);

/* One group of full layers with the configuration's own block size; */
bool kv_groups_one_full(const struct config *config);
/* and no speculation. */
bool kv_groups_plain(const struct config *config);

bool kv_group_same_kind(const struct kv_group *a, const struct kv_group *b);

/* Leading tokens, and whole blocks of them, that no token from position `tokens` on attends to. */
static inline uint32_t kv_group_passed_tokens(const struct kv_group *group, uint32_t tokens)
{
    if (group->kind == KV_KIND_SLIDING_WINDOW)
        return tokens + 1 > group->reach ? tokens + 1 - group->reach : 0;
    return group->kind == KV_KIND_CHUNKED_LOCAL ? tokens / group->reach * group->reach : 0;
}
static inline uint32_t kv_group_passed_blocks(const struct kv_group *group, uint32_t tokens)
{
    return kv_group_passed_tokens(group, tokens) / group->block_size;
}

/* Blocks in a row that make a hit in a sliding window. */
static inline uint32_t kv_group_run_needed(const struct kv_group *group)
{
    return (group->reach - 1 + group->block_size - 1) / group->block_size + group->drops;
}

/* Most blocks that a request can hold of a group while `in_flight` tokens can be on their way, of `all` tokens of the model's length. */
uint32_t kv_group_cap(const struct kv_group *group, uint64_t in_flight, uint32_t all);

/* Memory is counted in slots. All blocks have the same bytes, whatever group takes them, so all have the same slots: as many as their least common
 * multiple of block sizes. In a group with smaller blocks a token takes several. With equal block sizes, as nearly always, a slot is what one
 * token takes in one group. */
static inline uint32_t kv_groups_block_slots(const struct kv_groups *groups)
{
    return groups->alignment;
}
static inline uint32_t kv_group_token_slots(const struct kv_groups *groups, uint32_t group)
{
    return groups->alignment / groups->list[group].block_size;
}
/* What a token takes in all groups. */
static inline uint64_t kv_groups_token_slots(const struct kv_groups *groups)
{
    uint64_t slots = 0;
    for (uint32_t i = 0; i < groups->count; i++)
        slots += kv_group_token_slots(groups, i);
    return slots;
}

/* The groups of a configuration that config_check has passed. */
struct kv_groups kv_groups_of(const struct config *config);

/* Most blocks that a request of `tokens` tokens can hold at once, in all groups; the rest as above. */
uint64_t kv_groups_most_blocks(const struct kv_groups *groups, uint64_t tokens, uint64_t in_flight, uint32_t all);

/* Of the model's whole length: what vLLM wants to have before it starts. `in_flight`: v1_tokens_in_flight. */
uint64_t kv_groups_longest_blocks(const struct kv_groups *groups, uint64_t in_flight, uint32_t all);

/* Tokens that a pool has room for. Blocks of windows are given back, so with several groups or windows it depends on how long requests are: these
 * are of the model's whole length. */
uint64_t kv_groups_room_tokens(const struct kv_groups *groups, uint64_t blocks, uint64_t in_flight, uint32_t all);

/* Blocks of so many tokens in all groups, if none is given back before the end. */
uint64_t kv_groups_blocks(const struct kv_groups *groups, uint64_t tokens);

/* Has any a sliding window? */
bool kv_groups_window(const struct kv_groups *groups);

/* "6 sliding windows of 1,024, 1 full". */
struct line kv_groups_text(const struct kv_groups *groups);

#endif
