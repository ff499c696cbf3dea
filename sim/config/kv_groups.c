/* kv_groups.c - buckets of equal layers, groups of about as many layers each, and who is looked up together. */
#include "config/kv_groups.h"

#include <assert.h>
#include <string.h>

#include "base/integers.h"
#include "base/units.h"
#include "config/speculation.h"

/* Layers that remember the same. */
struct bucket {
    struct kv_group like; /* its layers: all of them */
    uint32_t groups, first_group;
};

bool kv_group_same_kind(const struct kv_group *a, const struct kv_group *b)
{
    return a->kind == b->kind && a->reach == b->reach && a->block_size == b->block_size;
}

uint32_t kv_group_cap(const struct kv_group *group, uint64_t in_flight, uint32_t all)
{
    const uint64_t size = group->block_size;
    if (group->kind == KV_KIND_SLIDING_WINDOW)
        return (uint32_t)(((min_u64(group->reach - 1 + in_flight, all) + size - 1) / size) + 1);
    if (group->kind == KV_KIND_CHUNKED_LOCAL)
        return (uint32_t)((min_u64(group->reach + in_flight, all) + size - 1) / size);
    return UINT32_MAX;
}

static struct kv_group group_like(const struct config *config, uint32_t entry)
{
    const struct kv_layers *layers = &config->kv_cache_groups[entry];
    return (struct kv_group){.kind = layers->kind,
                             .reach = layers->reach,
                             .block_size = layers->block_size ? layers->block_size : config->block_size,
                             .layers = layers->layers,
                             .draft = layers->draft};
}

/* In the order in which they first appear. With the hybrid manager off all layers become full ones; a window and a chunk side by side are
 * fine there, two windows are not. */
static uint32_t make_buckets(const struct config *config, bool one, struct bucket *buckets)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->kv_cache_groups_count; i++) {
        struct kv_group like = group_like(config, i);
        uint32_t at = 0;
        while (at < count && !(one || kv_group_same_kind(&buckets[at].like, &like)))
            at++;
        if (at == count) {
            buckets[count++] = (struct bucket){.like = like};
            continue;
        }
        if (one && like.kind == KV_KIND_FULL && buckets[at].like.kind != KV_KIND_FULL)
            buckets[at].like.block_size = like.block_size;
        buckets[at].like.kind = one && like.kind == KV_KIND_FULL ? KV_KIND_FULL : buckets[at].like.kind;
        buckets[at].like.layers += like.layers;
        buckets[at].like.draft |= like.draft;
    }
    return count;
}

/* vLLM refuses to make one of two windows, and knows no way from windows and chunks alone to one kind. */
static enum status check_one(const struct config *config, const char *where, struct diag *diag)
{
    uint32_t reach[KV_KIND_CHUNKED_LOCAL + 1] = {0};
    bool full = false, several = false, two = false;
    const struct kv_group first = group_like(config, 0);
    for (uint32_t i = 0; i < config->kv_cache_groups_count; i++) {
        const struct kv_group like = group_like(config, i);
        full |= like.kind == KV_KIND_FULL;
        several |= !kv_group_same_kind(&first, &like);
        two |= reach[like.kind] != 0 && reach[like.kind] != like.reach;
        reach[like.kind] = like.reach;
    }
    if (full && two)
        return diag_set(
            diag, SIM_BAD_INPUT,
            "%s: disable_hybrid_kv_cache_manager makes one group of all layers; vLLM refuses that for two windows or two chunks", where);
    if (!full && several)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: disable_hybrid_kv_cache_manager needs full layers to make one group of different kinds; vLLM refuses that",
                        where);
    return SIM_OK;
}

/* Group j of a bucket of c groups has its layers j, j + c, j + 2c, ...: which of them draft? */
static void mark_drafts(const struct config *config, const struct bucket *bucket, bool one, struct kv_group *groups)
{
    uint32_t layer = 0;
    for (uint32_t i = 0; i < config->kv_cache_groups_count; i++) {
        const struct kv_group like = group_like(config, i);
        if (!one && !kv_group_same_kind(&bucket->like, &like))
            continue;
        for (uint32_t k = 0; like.draft && k < min_u32(like.layers, bucket->groups); k++)
            groups[bucket->first_group + (layer + k) % bucket->groups].draft = true;
        layer += like.layers;
    }
}

/* About as many layers a group: a bucket less than half as large again as the smallest is not split. */
static enum status split_buckets(const struct config *config, bool one, const char *where, struct kv_groups *out, struct diag *diag)
{
    struct bucket buckets[KV_LAYERS_MOST];
    const uint32_t count = make_buckets(config, one, buckets);
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < count; i++) {
        least = min_u32(least, buckets[i].like.layers);
        most = max_u32(most, buckets[i].like.layers);
    }
    const uint32_t each = count == 1 || 2 * (uint64_t)most < 3 * (uint64_t)least ? most : least;
    for (uint32_t i = 0; i < count; i++) {
        struct bucket *bucket = &buckets[i];
        const uint32_t layers = bucket->like.layers;
        bucket->groups = ceil_div(layers, each);
        bucket->first_group = out->count;
        if (bucket->groups > KV_GROUPS_MOST - out->count)
            return diag_set(diag, SIM_BAD_INPUT, "%s: kv_cache_groups makes more than %d groups; list the model's real layers", where,
                            KV_GROUPS_MOST);
        for (uint32_t j = 0; j < bucket->groups; j++) {
            struct kv_group *group = &out->list[out->count++];
            *group = bucket->like;
            group->layers = (layers - j + bucket->groups - 1) / bucket->groups;
            group->draft = false;
        }
        mark_drafts(config, bucket, one, out->list);
    }
    return SIM_OK;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Full attention first, then by lowest group. */
static void make_sets(struct kv_groups *groups)
{
    bool taken[KV_GROUPS_MOST] = {false};
    uint32_t used = 0;
    for (int full = 1; full >= 0; full--)
        for (uint32_t i = 0; i < groups->count; i++) {
            if (taken[i] || (groups->list[i].kind == KV_KIND_FULL) != (bool)full)
                continue;
            groups->first[groups->set_count++] = used;
            for (uint32_t j = i; j < groups->count; j++)
                if (!taken[j] && kv_group_same_kind(&groups->list[i], &groups->list[j])) {
                    taken[j] = true;
                    groups->members[used++] = (uint8_t)j;
                }
        }
    groups->first[groups->set_count] = used;
}

/* Those that remember the same as a group with a drafting layer; all, if none is marked. */
static void mark_drops(struct kv_groups *groups)
{
    bool marked = false;
    for (uint32_t i = 0; i < groups->count; i++)
        marked |= groups->list[i].draft;
    for (uint32_t i = 0; i < groups->count; i++)
        for (uint32_t j = 0; j < groups->count; j++)
            if (!marked || (groups->list[j].draft && kv_group_same_kind(&groups->list[i], &groups->list[j])))
                groups->list[i].drops = true;
}

static enum status check_groups(const struct config *config, const char *where, const struct kv_groups *groups, struct diag *diag)
{
    const int64_t retention = config->prefix_cache_retention_interval;
    bool window = false;
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct kv_group *group = &groups->list[i];
        window |= group->kind == KV_KIND_SLIDING_WINDOW;
        if (group->kind != KV_KIND_CHUNKED_LOCAL)
            continue;
        if (group->block_size != groups->alignment)
            return diag_set(diag, SIM_BAD_INPUT,
                            "%s: kv_cache_groups: chunked_local layers need the block size that all groups have in common, %u; vLLM stops "
                            "with an assertion",
                            where, groups->alignment);
        if (group->reach % group->block_size != 0)
            return diag_set(diag, SIM_BAD_INPUT,
                            "%s: kv_cache_groups: a chunk of %u is not a multiple of its block size %u; vLLM would serve wrong K and V",
                            where, group->reach, group->block_size);
        if (group->drops)
            return diag_set(diag, SIM_BAD_INPUT,
                            "%s: chunked_local layers and a drafting head that drops the last matched block: vLLM turns the hybrid manager "
                            "off; set disable_hybrid_kv_cache_manager, or leave out disable_lookahead_block_hashes",
                            where);
    }
    if (retention > 0 && !window)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: prefix_cache_retention_interval is about sliding windows, and kv_cache_groups has none; vLLM refuses that: "
                        "leave it out",
                        where);
    if (retention > 0 && retention % groups->alignment != 0)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: prefix_cache_retention_interval (%lld) must be a multiple of %u, of which prefix hits are", where,
                        (long long)retention, groups->alignment);
    return SIM_OK;
}

enum status kv_groups_make(const struct config *config, const char *where, struct kv_groups *out, struct diag *diag)
{
    enum status status = SIM_OK;
    const bool one = config->disable_hybrid_kv_cache_manager && config->kv_cache_groups_count > 1;
    memset(out, 0, sizeof *out);
    if (one)
        status = check_one(config, where, diag);
    if (config->kv_cache_groups_count == 0)
        out->list[out->count++] = (struct kv_group){.kind = KV_KIND_FULL, .block_size = config->block_size, .layers = 1};
    else if (status == SIM_OK)
        status = split_buckets(config, one, where, out, diag);
    if (status != SIM_OK)
        return status;
    uint64_t alignment = out->list[0].block_size;
    out->hash_block_size = out->list[0].block_size;
    for (uint32_t i = 1; i < out->count && alignment <= UINT32_MAX; i++) {
        const uint32_t size = out->list[i].block_size;
        alignment = alignment / common_divisor((uint32_t)alignment, size) * size;
        out->hash_block_size = common_divisor(out->hash_block_size, size);
    }
    if (alignment > UINT32_MAX)
        return diag_set(diag, SIM_BAD_INPUT, "%s: kv_cache_groups: these block sizes have no common multiple below 2^32", where);
    out->alignment = (uint32_t)alignment;
    make_sets(out);
    if (speculation_drops_block(config))
        mark_drops(out);
    return check_groups(config, where, out, diag);
}

bool kv_groups_one_full(const struct config *config)
{
    struct kv_groups groups;
    struct diag ignored = {0};
    return kv_groups_make(config, "", &groups, &ignored) == SIM_OK && groups.count == 1 && groups.list[0].kind == KV_KIND_FULL &&
           groups.list[0].block_size == config->block_size;
}

bool kv_groups_plain(const struct config *config)
{
    return config->speculative.method == SPECULATIVE_NONE && kv_groups_one_full(config);
}

/* --- what reports say of them ------------------------------------------------------------------------------------------------------ */

struct kv_groups kv_groups_of(const struct config *config)
{
    struct kv_groups groups;
    struct diag ignored = {0};
    const enum status status = kv_groups_make(config, "", &groups, &ignored);
    assert(status == SIM_OK);
    (void)status;
    return groups;
}

uint64_t kv_groups_most_blocks(const struct kv_groups *groups, uint64_t tokens, uint64_t in_flight, uint32_t all)
{
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < groups->count; i++)
        blocks += min_u64(ceil_div_u64(tokens, groups->list[i].block_size), kv_group_cap(&groups->list[i], in_flight, all));
    return blocks;
}

uint64_t kv_groups_longest_blocks(const struct kv_groups *groups, uint64_t in_flight, uint32_t all)
{
    return kv_groups_most_blocks(groups, all, in_flight, all);
}

uint64_t kv_groups_room_tokens(const struct kv_groups *groups, uint64_t blocks, uint64_t in_flight, uint32_t all)
{
    if (groups->count == 1 && groups->list[0].kind == KV_KIND_FULL)
        return blocks * groups->list[0].block_size;
    return (uint64_t)((double)blocks / (double)kv_groups_longest_blocks(groups, in_flight, all) * all);
}

uint64_t kv_groups_blocks(const struct kv_groups *groups, uint64_t tokens)
{
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < groups->count; i++)
        blocks += ceil_div_u64(tokens, groups->list[i].block_size);
    return blocks;
}

bool kv_groups_window(const struct kv_groups *groups)
{
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->list[i].kind == KV_KIND_SLIDING_WINDOW)
            return true;
    return false;
}

/* Groups that remember the same are told of together, where the first of them stands. */
struct line kv_groups_text(const struct kv_groups *groups)
{
    static const char *const kinds[] = {
        [KV_KIND_FULL] = "full", [KV_KIND_SLIDING_WINDOW] = "sliding window", [KV_KIND_CHUNKED_LOCAL] = "local chunk"};
    bool told[KV_GROUPS_MOST] = {false};
    struct line line = {0};
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct kv_group *group = &groups->list[i];
        char reach[UNIT_TEXT];
        uint32_t same = 0;
        for (uint32_t j = i; j < groups->count && !told[i]; j++)
            if (kv_group_same_kind(group, &groups->list[j]))
                told[j] |= j > i, same++;
        if (same == 0)
            continue;
        line_put(&line, "%s%u %s", line.length ? ", " : "", same, kinds[group->kind]);
        if (group->kind != KV_KIND_FULL)
            line_put(&line, "%s of %s", same > 1 ? "s" : "", unit_count(group->reach, reach));
        if (group->block_size != groups->list[0].block_size)
            line_put(&line, " in blocks of %u", group->block_size);
    }
    return line;
}
