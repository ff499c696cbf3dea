/* paged_cache.c - the paged KV cache by example: two sequences share a beginning, then part.
 *
 *     cc paged_cache.c $(pkg-config --cflags --libs pagedkv) -o paged_cache && ./paged_cache
 */
#include <pagedkv.h>

#include <stdio.h>
#include <stdlib.h>

enum { LAYERS = 2, HEADS = 2, HEAD_DIM = 4, BLOCK_SIZE = 4, BLOCKS = 8 };

/* Every status must be looked at. A server would react to KV_NO_BLOCKS, an example stops. */
static void must(enum kv_status status, const char *what)
{
    if (status == KV_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, kv_status_text(status));
    exit(1);
}

/* What a model would compute: here each K value is the token's number, and each V value its negative. */
static void append(struct kv_sequence *sequence, const struct kv_paged *cache, float token)
{
    float k[HEADS * HEAD_DIM], v[HEADS * HEAD_DIM]; /* [head][head_dim] */
    for (int i = 0; i < HEADS * HEAD_DIM; i++) {
        k[i] = token;
        v[i] = -token;
    }
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        must(kv_sequence_append_token(sequence, cache, layer, k, v), "append");
    must(kv_sequence_advance(sequence), "advance"); /* the token is written in all layers */
}

static void show(const char *name, const struct kv_sequence *sequence, const struct kv_paged *cache)
{
    const struct kv_block_table *table = &sequence->table;
    float k[BLOCKS * BLOCK_SIZE * HEAD_DIM], v[BLOCKS * BLOCK_SIZE * HEAD_DIM];
    must(kv_sequence_gather_head(sequence, cache, LAYERS - 1, 1, k, v), "gather"); /* [token][head_dim] */
    printf("%s blocks", name);
    for (uint32_t i = 0; i < table->count; i++)
        printf(" %u (held by %u)", table->blocks[i], cache->pool->refs[table->blocks[i]]);
    printf("; K of its tokens");
    for (uint32_t token = 0; token < table->num_tokens; token++)
        printf(" %g", k[(size_t)token * HEAD_DIM]);
    printf("\n");
}

int main(void)
{
    struct kv_store_shape shape = {LAYERS, HEADS, HEAD_DIM, BLOCK_SIZE, BLOCKS, KV_STORE_FLOAT32};
    struct kv_block_pool pool;
    struct kv_store *store;
    must(kv_block_pool_init(&pool, BLOCKS, KV_ASCENDING), "pool");
    must(kv_store_create(&shape, &store), "store");
    struct kv_paged cache = {&pool, store};

    struct kv_sequence parent, child;
    must(kv_sequence_init(&parent, BLOCK_SIZE), "parent");
    must(kv_sequence_init(&child, BLOCK_SIZE), "child");
    for (int token = 1; token <= 6; token++)
        append(&parent, &cache, (float)token);
    printf("six tokens take %u of %u blocks\n", kv_block_pool_used(&pool), pool.num_blocks);
    show("parent", &parent, &cache);

    must(kv_sequence_fork(&parent, &child, &cache), "fork");
    printf("\nafter a fork all blocks are shared: still %u blocks\n", kv_block_pool_used(&pool));
    show("child ", &child, &cache);

    append(&child, &cache, 70); /* goes into the last block, which the parent reads too: the child gets a copy of it */
    append(&parent, &cache, 7); /* the parent holds the original alone now and writes in place */
    printf("\nboth go on: copy-on-write took one more, %u blocks\n", kv_block_pool_used(&pool));
    show("parent", &parent, &cache);
    show("child ", &child, &cache);

    kv_sequence_deinit(&parent, &cache);
    kv_sequence_deinit(&child, &cache);
    printf("\nat the end %u blocks are in use\n", kv_block_pool_used(&pool));
    kv_store_destroy(store);
    kv_block_pool_deinit(&pool);
    return 0;
}
