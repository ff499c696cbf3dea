/* eviction_curves.c - two simulations over stretches of blocks. Read eviction_curves.h first, then hits_of_fifo and hits_of_optimal.
 *
 * FIFO needs no queue: blocks are numbered as they are put in, and in a cache of P blocks are those with the last P numbers. The optimal order
 * keeps a heap of what is there, the one needed last on top. */
#include "study/eviction_curves.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

const char *const eviction_titles[EVICTIONS] = {"FIFO", "optimal"};

/* --- uses ---------------------------------------------------------------------------------------------------------------------------- */

static uint32_t rest_of(const struct prompt_uses *uses, uint32_t position)
{
    return uses->tree->nodes[uses->tree->leaf[position]].end % uses->block_size;
}

/* The request's stretches from last to first, as hit_curve.c touches them: its partial block, the answer, the prompt. Without `out` they are
 * only counted. */
static size_t list_uses(const struct prompt_uses *uses, uint32_t position, struct prompt_use *out)
{
    const struct prompt_tree *tree = uses->tree;
    const uint32_t leaf = tree->leaf[position];
    size_t count = 0;
    if (rest_of(uses, position) > 0) {
        if (out)
            out[count] = (struct prompt_use){.item = tree->count + leaf, .looked_up = true};
        count++;
    }
    bool answer = true;
    for (uint32_t node = tree->text[position]; node != PROMPT_ROOT; node = tree->nodes[node].parent) {
        answer = answer && node != leaf;
        if (uses->weights[node] == 0)
            continue;
        if (out)
            out[count] = (struct prompt_use){.item = node, .looked_up = !answer};
        count++;
    }
    return count;
}

/* From the last request to the first. An answer that is put in again was not looked up: to keep it until then is worth nothing. */
static enum status find_next(struct prompt_uses *uses, struct diag *diag)
{
    const uint32_t items = 2 * uses->tree->count;
    uint32_t *upcoming;
    enum status status = array_zeroed(&upcoming, items, sizeof *upcoming, "uses of prompt blocks", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t item = 0; item < items; item++)
        upcoming[item] = PROMPT_NEVER;
    for (uint32_t position = uses->tree->prompts; position-- > 0;)
        for (size_t i = uses->starts[position]; i < uses->starts[position + 1]; i++) {
            struct prompt_use *use = &uses->list[i];
            use->next = upcoming[use->item];
            upcoming[use->item] = use->looked_up ? position : PROMPT_NEVER;
        }
    free(upcoming);
    return SIM_OK;
}

enum status prompt_uses_init(struct prompt_uses *uses, const struct prompt_tree *tree, uint32_t block_size, struct diag *diag)
{
    const uint32_t items = 2 * tree->count;
    *uses = (struct prompt_uses){.tree = tree, .block_size = block_size};
    const struct array_request arrays[] = {ARRAY_OF(uses->weights, items), ARRAY_OF(uses->depths, items),
                                           ARRAY_OF(uses->starts, (size_t)tree->prompts + 1)};
    enum status status = array_zeroed_all(arrays, 3, "uses of prompt blocks", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < tree->count; i++) {
        uses->weights[i] = prompt_node_blocks(&tree->nodes[i], block_size);
        uses->weights[tree->count + i] = 1;
        uses->depths[i] = tree->nodes[i].end;
        uses->depths[tree->count + i] = tree->nodes[i].end + 1; /* after the node's own; nothing else of a prompt is there */
    }
    for (uint32_t position = 0; position < tree->prompts; position++)
        uses->starts[position + 1] = uses->starts[position] + list_uses(uses, position, NULL);
    status = array_zeroed(&uses->list, uses->starts[tree->prompts], sizeof *uses->list, "uses of prompt blocks", diag);
    for (uint32_t position = 0; position < tree->prompts && status == SIM_OK; position++)
        list_uses(uses, position, &uses->list[uses->starts[position]]);
    return status == SIM_OK ? find_next(uses, diag) : status;
}

void prompt_uses_deinit(struct prompt_uses *uses)
{
    free(uses->weights);
    free(uses->depths);
    free(uses->starts);
    free(uses->list);
    *uses = (struct prompt_uses){0};
}

/* --- one pool -------------------------------------------------------------------------------------------------------------------------- */

/* How many leading blocks of a stretch are there: asked of either simulation. */
typedef uint32_t resident_blocks(const void *cache, uint32_t item);

/* From the root on, up to the first block that is missing. The uses of a request stand the other way round. To look changes nothing, so those
 * of the warm-up need not. */
static void look_up(const struct prompt_uses *uses, uint32_t position, resident_blocks *resident, const void *cache,
                    struct curve_point *sum)
{
    if (position < uses->tree->warmup)
        return;
    for (size_t i = uses->starts[position + 1]; i-- > uses->starts[position];) {
        const struct prompt_use *use = &uses->list[i];
        if (!use->looked_up)
            continue;
        const uint32_t weight = uses->weights[use->item], hit = resident(cache, use->item);
        const bool partial = use->item >= uses->tree->count;
        sum->hit_blocks += hit;
        sum->hit_tokens += (uint64_t)hit * (partial ? rest_of(uses, position) : uses->block_size);
        if (hit < weight)
            return;
    }
}

/* Blocks are numbered from 1 on as they are put in; a stretch's first one, which goes in before the others, has number first[item], 0: it never
 * was. */
struct fifo {
    const struct prompt_uses *uses;
    uint64_t pool_blocks, put_in;
    uint64_t *first;
};

static uint32_t resident_in_fifo(const void *cache, uint32_t item)
{
    const struct fifo *fifo = cache;
    const uint64_t gone = fifo->put_in > fifo->pool_blocks ? fifo->put_in - fifo->pool_blocks : 0; /* numbers up to this one */
    return fifo->first[item] > gone ? fifo->uses->weights[item] : 0;
}

/* A stretch that has begun to go is the oldest of all: each block of it that is put in again drives out the next one, so that it is put in
 * as a whole. Uses stand from last to first. */
static enum status hits_of_fifo(const struct prompt_uses *uses, uint64_t pool_blocks, struct curve_point *sum, struct diag *diag)
{
    struct fifo fifo = {.uses = uses, .pool_blocks = pool_blocks};
    enum status status = array_zeroed(&fifo.first, 2 * (size_t)uses->tree->count, sizeof *fifo.first, "a cache of prompt blocks", diag);
    for (uint32_t position = 0; position < uses->tree->prompts && status == SIM_OK; position++) {
        look_up(uses, position, resident_in_fifo, &fifo, sum);
        for (size_t i = uses->starts[position + 1]; i-- > uses->starts[position];) {
            const uint32_t item = uses->list[i].item;
            if (resident_in_fifo(&fifo, item) == uses->weights[item])
                continue;
            fifo.first[item] = fifo.put_in + 1;
            fifo.put_in += uses->weights[item];
        }
    }
    free(fifo.first);
    return status;
}

/* A binary heap of the stretches that are there, the one to evict first on top; each knows its place, so that a touch moves it. */
struct farthest {
    const struct prompt_uses *uses;
    uint32_t *heap, count;
    uint32_t *place;    /* by item: index in the heap + 1; 0: not there */
    uint32_t *resident; /* by item: leading blocks that are there */
    uint32_t *next;     /* by item: who looks it up */
    uint64_t held;      /* blocks of all */
};

static uint32_t resident_of_optimal(const void *cache, uint32_t item)
{
    return ((const struct farthest *)cache)->resident[item];
}

/* Is `a` to be evicted before `b`? Different items of the same next request lie at different depths. */
static bool goes_before(const struct farthest *farthest, uint32_t a, uint32_t b)
{
    if (farthest->next[a] != farthest->next[b])
        return farthest->next[a] > farthest->next[b];
    return farthest->uses->depths[a] > farthest->uses->depths[b];
}

static void put_at(struct farthest *farthest, uint32_t index, uint32_t item)
{
    farthest->heap[index] = item;
    farthest->place[item] = index + 1;
}

static void sift_up(struct farthest *farthest, uint32_t index)
{
    const uint32_t item = farthest->heap[index];
    for (; index > 0 && goes_before(farthest, item, farthest->heap[(index - 1) / 2]); index = (index - 1) / 2)
        put_at(farthest, index, farthest->heap[(index - 1) / 2]);
    put_at(farthest, index, item);
}

static void sift_down(struct farthest *farthest, uint32_t index)
{
    const uint32_t item = farthest->heap[index];
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child + 1 < farthest->count && goes_before(farthest, farthest->heap[child + 1], farthest->heap[child]))
            child++;
        if (child >= farthest->count || !goes_before(farthest, farthest->heap[child], item))
            break;
        put_at(farthest, index, farthest->heap[child]);
        index = child;
    }
    put_at(farthest, index, item);
}

static void take_out(struct farthest *farthest, uint32_t item)
{
    const uint32_t index = farthest->place[item] - 1, last = farthest->heap[--farthest->count];
    farthest->held -= farthest->resident[item];
    farthest->place[item] = farthest->resident[item] = 0;
    if (last == item)
        return;
    put_at(farthest, index, last);
    sift_up(farthest, index);
    sift_down(farthest, farthest->place[last] - 1);
}

/* Put in as a whole, or thrown away if nobody looks it up again. */
static void touch(struct farthest *farthest, const struct prompt_use *use)
{
    const uint32_t item = use->item;
    if (use->next == PROMPT_NEVER) {
        if (farthest->place[item])
            take_out(farthest, item);
        return;
    }
    farthest->next[item] = use->next;
    farthest->held += farthest->uses->weights[item] - farthest->resident[item];
    farthest->resident[item] = farthest->uses->weights[item];
    if (!farthest->place[item])
        put_at(farthest, farthest->count++, item);
    sift_up(farthest, farthest->place[item] - 1);
    sift_down(farthest, farthest->place[item] - 1);
}

/* A stretch loses its deepest blocks first. */
static void evict_down_to(struct farthest *farthest, uint64_t pool_blocks)
{
    while (farthest->held > pool_blocks) {
        const uint32_t item = farthest->heap[0];
        const uint64_t over = farthest->held - pool_blocks;
        if (over >= farthest->resident[item]) {
            take_out(farthest, item);
            continue;
        }
        farthest->resident[item] -= (uint32_t)over;
        farthest->held -= over;
    }
}

static enum status hits_of_optimal(const struct prompt_uses *uses, uint64_t pool_blocks, struct curve_point *sum, struct diag *diag)
{
    struct farthest farthest = {.uses = uses};
    const size_t items = 2 * (size_t)uses->tree->count;
    const struct array_request arrays[] = {ARRAY_OF(farthest.heap, items), ARRAY_OF(farthest.place, items),
                                           ARRAY_OF(farthest.resident, items), ARRAY_OF(farthest.next, items)};
    enum status status = array_zeroed_all(arrays, 4, "a cache of prompt blocks", diag);
    for (uint32_t position = 0; position < uses->tree->prompts && status == SIM_OK; position++) {
        look_up(uses, position, resident_of_optimal, &farthest, sum);
        for (size_t i = uses->starts[position]; i < uses->starts[position + 1]; i++)
            touch(&farthest, &uses->list[i]);
        evict_down_to(&farthest, pool_blocks);
    }
    free(farthest.heap);
    free(farthest.place);
    free(farthest.resident);
    free(farthest.next);
    return status;
}

enum status eviction_hits(const struct prompt_uses *uses, enum eviction eviction, uint64_t pool_blocks, struct curve_point *out,
                          struct diag *diag)
{
    struct curve_point sum = {.pool_blocks = pool_blocks};
    enum status status =
        eviction == EVICTION_FIFO ? hits_of_fifo(uses, pool_blocks, &sum, diag) : hits_of_optimal(uses, pool_blocks, &sum, diag);
    if (status == SIM_OK)
        *out = sum;
    return status;
}
