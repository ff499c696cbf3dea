/* hit_curve.c - one pass over the LRU stack notes where the curve bends; sorted and added up, the bends are its corners. hit_curve.h says
 * why one pass is enough; read hit_curve_make, then note_hits and find_corners. */
#include "study/hit_curve.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/integers.h"
#include "study/stack_distance.h"

/* One place where the curve's slope changes: from pool size `pool` on, each further block brings so much more. A stretch of three blocks
 * at distance d adds two bends:
 *
 *     hits   3 |            .------     a pool of d + 1 blocks hits the first block, d + 2 two of them, d + 3 all
 *            2 |          .'
 *            1 |        .'              bends: (d, +1) and (d + 3, -1)
 *            0 |------.'
 *              +------d-----d+3---- pool */
struct bend {
    uint64_t pool;
    int64_t blocks, tokens;
};

/* A pass over the stack. Items: the full blocks of node i are item i, the partial block of prompts that end with it is item nodes + i, what
 * request p generates is item 2 * nodes + p. */
struct pass {
    const struct prompt_tree *tree;
    uint32_t block_size;
    enum hit_rules rules;
    uint32_t *weights;
    struct lru_stack *stack;
    struct bend *bends; /* of the whole curve; NULL: only one pool is looked at */
    size_t bend_count, bend_capacity;
    bool whole_curve;
    uint64_t pool, hit_tokens; /* of that one */
    uint64_t first_seen;       /* blocks that were looked up and never touched before */
};

/* The partial block is an item of its own, as only prompts that end there share it. Without partial blocks its weight is 0, and it is never
 * touched. */
static enum status pass_open(struct pass *pass, uint32_t extra_items, struct diag *diag)
{
    const struct prompt_tree *tree = pass->tree;
    const uint32_t items = 2 * tree->count + extra_items;
    enum status status = array_zeroed(&pass->weights, items, sizeof *pass->weights, "weights of prompt blocks", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct prompt_node *node = &tree->nodes[i];
        pass->weights[i] = prompt_node_blocks(node, pass->block_size);
        pass->weights[tree->count + i] = pass->rules == HITS_PLAIN && node->end % pass->block_size != 0;
    }
    return lru_stack_create(items, pass->weights, &pass->stack, diag);
}

static void pass_close(struct pass *pass)
{
    free(pass->weights);
    free(pass->bends);
    lru_stack_destroy(pass->stack);
}

/* `blocks` blocks of `tokens` tokens each are hit by pools of distance + 1, distance + 2, ... on. With one pool only, the hits are added
 * up at once: no bends, no sort. The whole curve costs two bends for each stretch that was hit. */
static enum status note_hits(struct pass *pass, uint64_t distance, uint64_t blocks, uint32_t tokens, struct diag *diag)
{
    if (!pass->whole_curve) {
        pass->hit_tokens += min_u64(pass->pool > distance ? pass->pool - distance : 0, blocks) * tokens;
        return SIM_OK;
    }
    enum status status =
        array_reserve(&pass->bends, &pass->bend_capacity, pass->bend_count + 2, sizeof *pass->bends, "the hit curve", diag);
    if (status != SIM_OK)
        return status;
    pass->bends[pass->bend_count++] = (struct bend){.pool = distance, .blocks = 1, .tokens = tokens};
    pass->bends[pass->bend_count++] = (struct bend){.pool = distance + blocks, .blocks = -1, .tokens = -(int64_t)tokens};
    return SIM_OK;
}

/* The answer, as far as others can have it, from its end to the leaf; returns how many blocks that are. */
static uint64_t touch_answer(struct pass *pass, uint32_t position)
{
    uint64_t touched = 0;
    for (uint32_t node = pass->tree->text[position]; node != pass->tree->leaf[position]; node = pass->tree->nodes[node].parent) {
        if (pass->weights[node] > 0)
            lru_stack_touch(pass->stack, node);
        touched += pass->weights[node];
    }
    return touched;
}

/* Touch the blocks of a prompt from last to first, which is from its leaf to the root, and note what is hit if it is looked up. Distances
 * count from before the request: whatever was touched for it before is deeper in the prompt, or behind it, so it came from below (or from
 * nowhere) and lies above only now. The partial block is touched before the answer: no answer needs it to be there. */
static enum status touch_prompt(struct pass *pass, uint32_t position, uint64_t touched, bool lookup, bool answer, struct diag *diag)
{
    const struct prompt_tree *tree = pass->tree;
    const uint32_t leaf = tree->leaf[position], length = tree->nodes[leaf].end, rest = length % pass->block_size;
    bool give_up_last = pass->rules == HITS_LAST_TOKEN && rest == 0;
    enum status status = SIM_OK;
    if (pass->weights[tree->count + leaf]) {
        uint64_t distance = lru_stack_touch(pass->stack, tree->count + leaf);
        if (lookup && distance != STACK_NEVER)
            status = note_hits(pass, distance - touched, 1, rest, diag);
        pass->first_seen += lookup && distance == STACK_NEVER;
        touched++;
    }
    touched += answer ? touch_answer(pass, position) : 0;
    for (uint32_t node = leaf; node != PROMPT_ROOT && status == SIM_OK; node = tree->nodes[node].parent) {
        uint64_t blocks = pass->weights[node];
        if (blocks == 0)
            continue;
        uint64_t distance = lru_stack_touch(pass->stack, node);
        if (lookup && distance != STACK_NEVER && blocks > give_up_last)
            status = note_hits(pass, distance - touched, blocks - give_up_last, pass->block_size, diag);
        pass->first_seen += lookup && distance == STACK_NEVER ? blocks : 0;
        give_up_last = false;
        touched += blocks;
    }
    return status;
}

static int by_pool(const void *a, const void *b)
{
    return compare_u64(((const struct bend *)a)->pool, ((const struct bend *)b)->pool);
}

/* Add the bends up, from small pools to large ones; those of the same pool in any order. Slopes are whole numbers and never below 0, so
 * everything is exact. Bends that cancel out make no corner. After the last one the slope is 0: the last corner is the smallest pool that
 * hits all that can be hit. */
static enum status find_corners(struct pass *pass, struct hit_curve *curve, struct diag *diag)
{
    int64_t slope_blocks = 0, slope_tokens = 0;
    struct curve_point corner = {0};
    if (pass->bend_count > 0)
        qsort(pass->bends, pass->bend_count, sizeof *pass->bends, by_pool);
    enum status status = array_append(&curve->points, &curve->count, &curve->capacity, &corner, sizeof corner, "the hit curve", diag);
    for (size_t i = 0; i < pass->bend_count && status == SIM_OK;) {
        const uint64_t pool = pass->bends[i].pool, width = pool - corner.pool_blocks;
        int64_t blocks = 0, tokens = 0;
        for (; i < pass->bend_count && pass->bends[i].pool == pool; i++) {
            blocks += pass->bends[i].blocks;
            tokens += pass->bends[i].tokens;
        }
        corner.pool_blocks = pool;
        corner.hit_blocks += width * (uint64_t)slope_blocks;
        corner.hit_tokens += width * (uint64_t)slope_tokens;
        slope_blocks += blocks;
        slope_tokens += tokens;
        if (pool > 0 && (blocks != 0 || tokens != 0))
            status = array_append(&curve->points, &curve->count, &curve->capacity, &corner, sizeof corner, "the hit curve", diag);
    }
    return status;
}

/* One pass over prompts in order of arrival. Whatever was touched once stays in the stack, so what is looked up for the first time is missed
 * in any pool. */
enum status hit_curve_make(const struct prompt_tree *tree, uint32_t block_size, enum hit_rules rules, struct hit_curve *out,
                           struct diag *diag)
{
    struct pass pass = {.tree = tree, .block_size = block_size, .rules = rules, .whole_curve = true};
    struct hit_curve curve = {.block_size = block_size, .prompt_tokens = tree->prompt_tokens};
    enum status status = pass_open(&pass, 0, diag);
    for (uint32_t position = 0; position < tree->prompts && status == SIM_OK; position++) {
        const uint32_t length = tree->nodes[tree->leaf[position]].end;
        const bool counts = position >= tree->warmup;
        curve.references += counts ? length / block_size + (rules == HITS_PLAIN && length % block_size != 0) : 0;
        status = touch_prompt(&pass, position, 0, counts, true, diag);
    }
    if (status == SIM_OK)
        status = find_corners(&pass, &curve, diag);
    if (status == SIM_OK) {
        curve.distinct = pass.first_seen;
        *out = curve;
    } else {
        hit_curve_free(&curve);
    }
    pass_close(&pass);
    return status;
}

void hit_curve_free(struct hit_curve *curve)
{
    free(curve->points);
    *curve = (struct hit_curve){0};
}

struct curve_point hit_curve_most(const struct hit_curve *curve)
{
    return curve->points[curve->count - 1];
}

/* The point `pool_blocks` on the straight line from corner i to the next; the division has no rest. */
static struct curve_point between(const struct hit_curve *curve, size_t i, uint64_t pool_blocks)
{
    struct curve_point from = curve->points[i];
    if (i + 1 == curve->count || from.pool_blocks == pool_blocks) {
        from.pool_blocks = pool_blocks;
        return from;
    }
    const struct curve_point *to = &curve->points[i + 1];
    uint64_t width = to->pool_blocks - from.pool_blocks, step = pool_blocks - from.pool_blocks;
    return (struct curve_point){.pool_blocks = pool_blocks,
                                .hit_blocks = from.hit_blocks + (to->hit_blocks - from.hit_blocks) / width * step,
                                .hit_tokens = from.hit_tokens + (to->hit_tokens - from.hit_tokens) / width * step};
}

struct curve_point hit_curve_at(const struct hit_curve *curve, uint64_t pool_blocks)
{
    size_t low = 0, high = curve->count; /* points[low] is at or before the pool */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (curve->points[middle].pool_blocks <= pool_blocks)
            low = middle;
        else
            high = middle;
    }
    return between(curve, low, pool_blocks);
}

/* Bisection, as hits never fall with the pool (inclusion). The product is compared in doubles; `share` is a user's round number. */
uint64_t hit_curve_pool_for(const struct hit_curve *curve, double share)
{
    const struct curve_point most = hit_curve_most(curve);
    uint64_t low = 0, high = most.pool_blocks;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if ((double)hit_curve_at(curve, middle).hit_tokens >= share * (double)most.hit_tokens)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* One pool, but any order of lookups, and ends that touch again. What a request generated is touched before its prompt, so that the
 * prompt lies above it in the stack: vLLM frees blocks from last to first, and the last ones are evicted first. */
enum status hit_tokens_in_order(const struct prompt_tree *tree, const struct trace *trace, uint32_t block_size,
                                const struct cache_use *uses, size_t count, bool touch_ends, uint64_t pool_blocks, uint64_t *hit_tokens,
                                struct diag *diag)
{
    struct pass pass = {.tree = tree, .block_size = block_size, .rules = HITS_LAST_TOKEN, .pool = pool_blocks};
    enum status status = pass_open(&pass, touch_ends ? tree->prompts : 0, diag);
    for (uint32_t position = 0; position < tree->prompts && touch_ends && status == SIM_OK; position++) {
        /* The last token is never computed, so it is never cached. */
        const uint64_t input = trace->input_tokens[position], computed = input + trace->output_tokens[position] - 1;
        const uint64_t samples = trace->samples ? trace->samples[position] : 1, text = tree->nodes[tree->text[position]].end;
        pass.weights[2 * tree->count + position] =
            (uint32_t)((computed / block_size - input / block_size) * samples - (text / block_size - input / block_size));
    }
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const uint32_t position = uses[i].position, output = 2 * tree->count + position;
        if (!uses[i].ends) {
            status = touch_prompt(&pass, position, 0, true, !touch_ends, diag);
        } else if (touch_ends) {
            lru_stack_touch(pass.stack, output);
            status = touch_prompt(&pass, position, pass.weights[output], false, true, diag);
        }
    }
    if (status == SIM_OK)
        *hit_tokens = pass.hit_tokens;
    pass_close(&pass);
    return status;
}
