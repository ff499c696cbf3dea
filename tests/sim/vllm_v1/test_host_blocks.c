/* test_host_blocks.c - who goes first from the host's memory, by hand and against a list that does it naively. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/random.h"
#include "vllm_v1/host_blocks.h"

/* Contents that are there, the oldest first, as text: "3 1 2". */
static const char *order(const struct host_blocks *host)
{
    static char text[256];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t block = host->oldest; block != HOST_BLOCK_NONE; block = host->blocks[block].newer)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%llu", used ? " " : "",
                                 (unsigned long long)kv_prefix_cache_content(host->contents, block));
    return text;
}

/* Those of the contents that are missing come, and are ready. */
static bool put(struct host_blocks *host, const uint64_t *contents, uint32_t count)
{
    if (!host_blocks_make_room(host, contents, count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (host_blocks_find(host, contents[i]) == HOST_BLOCK_NONE)
            host->blocks[host_blocks_add(host, contents[i])].ready = true;
    return true;
}

static struct host_blocks made(uint32_t capacity)
{
    struct host_blocks host;
    struct diag diag = {0};
    cr_assert_eq(host_blocks_init(&host, capacity, &diag), SIM_OK);
    return host;
}

Test(host_blocks, the_least_recently_used_goes_first)
{
    struct host_blocks host = made(4);
    cr_expect(put(&host, (const uint64_t[]){1, 2, 3}, 3));
    cr_expect_str_eq(order(&host), "1 2 3");
    host_blocks_touch(&host, (const uint64_t[]){1, 2}, 2);
    cr_expect_str_eq(order(&host), "3 2 1", "of those touched the first is the newest");
    cr_expect(put(&host, (const uint64_t[]){1, 5, 6}, 3));
    cr_expect_str_eq(order(&host), "2 1 5 6", "one place was free, and 3 was the oldest");
    cr_expect_eq(host_blocks_find(&host, 3), HOST_BLOCK_NONE);
    cr_expect(host_blocks_check(&host));
    host_blocks_deinit(&host);
}

Test(host_blocks, what_is_in_use_or_wanted_stays)
{
    struct host_blocks host = made(3);
    cr_expect(put(&host, (const uint64_t[]){1, 2, 3}, 3));
    host.blocks[host_blocks_find(&host, 1)].loads = 1;
    cr_expect(put(&host, (const uint64_t[]){2, 4}, 2), "1 is being loaded and 2 is wanted: 3 goes");
    cr_expect_str_eq(order(&host), "1 2 4");
    host.blocks[host_blocks_find(&host, 4)].ready = false;
    cr_expect_not(host_blocks_make_room(&host, (const uint64_t[]){5, 6}, 2), "2 alone could go");
    cr_expect_str_eq(order(&host), "1 2 4", "a refusal changes nothing");
    cr_expect(put(&host, (const uint64_t[]){5}, 1));
    cr_expect_str_eq(order(&host), "1 4 5");
    cr_expect(host_blocks_check(&host));
    host_blocks_deinit(&host);
}

/* The naive one: an array of contents, the oldest first. */
struct naive {
    uint64_t contents[8];
    uint32_t count;
};

static void naive_move(struct naive *naive, uint64_t content, bool adds)
{
    uint32_t at = 0;
    while (at < naive->count && naive->contents[at] != content)
        at++;
    if (at == naive->count && !adds)
        return;
    if (at < naive->count)
        memmove(naive->contents + at, naive->contents + at + 1, (--naive->count - at) * sizeof *naive->contents);
    naive->contents[naive->count++] = content;
}

static bool naive_has(const struct naive *naive, uint64_t content)
{
    for (uint32_t i = 0; i < naive->count; i++)
        if (naive->contents[i] == content)
            return true;
    return false;
}

static void naive_put(struct naive *naive, uint64_t content, uint32_t capacity)
{
    if (naive_has(naive, content))
        return;
    if (naive->count == capacity)
        memmove(naive->contents, naive->contents + 1, --naive->count * sizeof *naive->contents);
    naive_move(naive, content, true);
}

Test(host_blocks, a_naive_list_says_the_same)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t random = seed;
        const uint32_t capacity = 1 + random_below(&random, 8);
        struct host_blocks host = made(capacity);
        struct naive naive = {.count = 0};
        for (int turn = 0; turn < 200; turn++) {
            const uint64_t content = 1 + random_below(&random, 12);
            if (random_below(&random, 2)) {
                cr_assert(put(&host, &content, 1));
                naive_put(&naive, content, capacity);
            } else {
                host_blocks_touch(&host, &content, 1);
                naive_move(&naive, content, false);
            }
            uint32_t at = 0;
            for (uint32_t block = host.oldest; block != HOST_BLOCK_NONE; block = host.blocks[block].newer, at++)
                cr_assert_eq(kv_prefix_cache_content(host.contents, block), naive.contents[at], "seed %d, turn %d", (int)seed, turn);
            cr_assert_eq(at, naive.count);
            cr_assert(host_blocks_check(&host));
        }
        host_blocks_deinit(&host);
    }
}
