/* test_prefix_cache.c - identities are exact however content is cut; the cache keeps order of registration. */
#include <criterion/criterion.h>
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"
#include "support/random.h"

/* Cut the tokens into random spans of consecutive values; zero-length spans may stand anywhere. */
static size_t cut(const uint64_t *tokens, size_t count, struct kv_span *spans, uint64_t *random)
{
    size_t used = 0;
    for (size_t at = 0; at < count;) {
        uint32_t run = 1;
        while (at + run < count && tokens[at + run] == tokens[at] + run && random_below(random, 3) > 0)
            run++;
        if (random_below(random, 4) == 0)
            spans[used++] = (struct kv_span){.first = random_next(random), .count = 0};
        spans[used++] = (struct kv_span){.first = tokens[at], .count = run};
        at += run;
    }
    return used;
}

Test(contents, equal_tokens_and_only_they_have_equal_identities)
{
    enum { KINDS = 3000, TOKENS = 8 };
    static uint64_t tokens[KINDS][TOKENS], parents[KINDS], identities[KINDS];
    struct kv_span spans[2 * TOKENS];
    struct kv_contents *contents;
    uint64_t random = 2;
    cr_assert_eq(kv_contents_create(&contents), KV_OK);
    for (int i = 0; i < KINDS; i++) { /* few values, so that many contents are equal */
        parents[i] = random_below(&random, 3);
        for (int j = 0; j < TOKENS; j++)
            tokens[i][j] = j && random_below(&random, 4) ? tokens[i][j - 1] + 1 : random_below(&random, 3);
        cr_assert_eq(kv_contents_intern(contents, parents[i], spans, cut(tokens[i], TOKENS, spans, &random), &identities[i]), KV_OK);
        cr_assert(identities[i] != KV_CONTENT_NONE && identities[i] < KV_CONTENT_PRIVATE);
    }
    for (int i = 0; i < KINDS; i++)
        for (int j = 0; j < i; j++) {
            bool same = parents[i] == parents[j] && memcmp(tokens[i], tokens[j], sizeof tokens[i]) == 0;
            cr_assert_eq(identities[i] == identities[j], same);
        }
    cr_expect(kv_contents_check(contents));
    kv_contents_destroy(contents);
}

Test(contents, out_of_memory_changes_nothing)
{
    struct kv_contents *contents;
    uint64_t identity, again;
    kv_memory_fail_after(2);
    cr_expect_eq(kv_contents_create(&contents), KV_NO_MEMORY);
    cr_assert_eq(kv_contents_create(&contents), KV_OK);
    const struct kv_span spans[2] = {{1, 2}, {9, 1}};
    for (uint64_t countdown = 1; countdown <= 3; countdown++) {
        kv_memory_fail_after(countdown);
        enum kv_status status = kv_contents_intern(contents, 0, spans, 2, &identity);
        kv_memory_fail_after(0);
        cr_expect(status == KV_NO_MEMORY || countdown > 1);
    }
    cr_assert_eq(kv_contents_intern(contents, 0, spans, 2, &identity), KV_OK);
    cr_assert_eq(kv_contents_intern(contents, 0, spans, 2, &again), KV_OK);
    cr_expect_eq(identity, again);
    kv_contents_destroy(contents);
}

/* The naive model: all registrations in order. */
struct registration {
    uint32_t block;
    uint64_t content;
};

Test(prefix_cache, random_registrations_and_evictions_agree_with_an_ordered_list)
{
    enum { BLOCKS = 40, CONTENTS = 12, OPERATIONS = 100000 };
    struct registration list[BLOCKS];
    uint32_t length = 0;
    struct kv_prefix_cache *cache;
    uint64_t random = 3;
    cr_assert_eq(kv_prefix_cache_create(BLOCKS, &cache), KV_OK);
    for (int operation = 0; operation < OPERATIONS; operation++) {
        uint32_t block = random_below(&random, BLOCKS), at = 0;
        uint64_t content = 1 + random_below(&random, CONTENTS);
        while (at < length && list[at].block != block)
            at++;
        if (random_below(&random, 2)) {
            cr_assert_eq(kv_prefix_cache_insert(cache, block, content), at < length ? KV_INVALID : KV_OK);
            if (at == length)
                list[length++] = (struct registration){block, content};
        } else {
            kv_prefix_cache_remove(cache, block);
            if (at < length)
                memmove(list + at, list + at + 1, (--length - at) * sizeof *list);
        }
        content = 1 + random_below(&random, CONTENTS);
        uint32_t first = 0;
        while (first < length && list[first].content != content)
            first++;
        cr_assert_eq(kv_prefix_cache_find(cache, content), first < length ? list[first].block : KV_BLOCK_NONE);
        if (operation % 64 == 0)
            cr_assert(kv_prefix_cache_check(cache));
    }
    cr_expect_eq(kv_prefix_cache_insert(cache, BLOCKS, 1), KV_INVALID, "foreign id");
    cr_expect_eq(kv_prefix_cache_find(cache, KV_CONTENT_NONE), KV_BLOCK_NONE);
    kv_prefix_cache_destroy(cache);
}

Test(prefix_cache, out_of_memory_is_told)
{
    struct kv_prefix_cache *cache;
    for (uint64_t countdown = 1; countdown <= 3; countdown++) { /* the cache, its slots, its blocks */
        kv_memory_fail_after(countdown);
        cr_expect_eq(kv_prefix_cache_create(8, &cache), KV_NO_MEMORY);
    }
    kv_memory_fail_after(0);
}
