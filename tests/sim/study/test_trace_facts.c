/* test_trace_facts.c - hits and reuse distances of a trace against a naive count of single ids: each is the whole chain up to it. */
#include <criterion/criterion.h>
#include <string.h>

#include "study/trace_facts.h"
#include "support/random.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 12, MOST_IDS = 10, WIDTH = 16, CASES = 500 };

/* An id and all before it in its prompt. */
struct link {
    uint32_t ids[MOST_IDS], count;
    int64_t used_ns;
};

/* Links, the one that was used last on top. */
struct naive {
    struct link stack[REQUESTS * MOST_IDS];
    uint32_t count;
    struct distribution blocks, seconds;
    uint64_t reusable;
};

/* How deep the link lies, or UINT32_MAX; then it is on top. */
static uint32_t use(struct naive *naive, const uint32_t *ids, uint32_t count, int64_t now_ns, int64_t *before_ns)
{
    struct link link = {.count = count, .used_ns = now_ns};
    memcpy(link.ids, ids, count * sizeof *ids);
    uint32_t at = 0;
    while (at < naive->count && (naive->stack[at].count != count || memcmp(naive->stack[at].ids, ids, count * sizeof *ids) != 0))
        at++;
    const bool found = at < naive->count;
    *before_ns = found ? naive->stack[at].used_ns : 0;
    naive->count += !found;
    memmove(naive->stack + 1, naive->stack, at * sizeof *naive->stack);
    naive->stack[0] = link;
    return found ? at : UINT32_MAX;
}

static void count_naively(const struct trace *trace, struct naive *naive)
{
    struct diag diag = {0};
    for (uint32_t p = 0; p < trace->count; p++) {
        uint32_t known = 0;
        for (uint32_t i = (uint32_t)trace_hash_count(trace, p); i-- > 0;) {
            int64_t before_ns;
            const uint32_t depth = use(naive, trace->hash_ids + trace->hash_start[p], i + 1, trace->arrival_ns[p], &before_ns);
            if (depth == UINT32_MAX)
                continue;
            known = known ? known : i + 1; /* all before it are known, too */
            cr_assert_eq(distribution_add(&naive->blocks, depth, &diag), SIM_OK);
            cr_assert_eq(distribution_add(&naive->seconds, (double)(trace->arrival_ns[p] - before_ns) / 1e9, &diag), SIM_OK);
        }
        const uint64_t tokens = (uint64_t)known * WIDTH;
        naive->reusable += tokens < trace->input_tokens[p] ? tokens : trace->input_tokens[p];
    }
}

Test(trace_facts, count_as_if_each_id_was_looked_at)
{
    uint64_t seed = 3, hits = 0;
    for (int round = 0; round < CASES; round++) {
        struct tiny_request requests[REQUESTS] = {{0}};
        for (uint32_t p = 0; p < REQUESTS; p++) {
            struct tiny_request *request = &requests[p];
            const struct tiny_request *like = &requests[p ? random_below(&seed, p) : 0];
            request->hash_count = random_below(&seed, MOST_IDS + 1);
            request->arrival_ns = (int64_t)p * 1000000 * random_below(&seed, 3) + p;
            request->arrival_ns = p && request->arrival_ns < requests[p - 1].arrival_ns ? requests[p - 1].arrival_ns : request->arrival_ns;
            request->input = request->hash_count * WIDTH > 5 ? request->hash_count * WIDTH - 5 : 1;
            request->output = 1;
            const uint32_t copied = random_below(&seed, like->hash_count + 1);
            for (uint32_t i = 0; i < request->hash_count; i++)
                request->hash_ids[i] = i < copied ? like->hash_ids[i] : random_below(&seed, 20);
        }
        struct trace *trace = tiny_trace(requests, REQUESTS);
        struct naive naive = {.count = 0};
        struct trace_facts facts;
        struct summary blocks, seconds;
        struct diag diag = {0};
        count_naively(trace, &naive);
        cr_assert_eq(trace_facts_collect(trace, WIDTH, &facts, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(distribution_summary(&naive.blocks, &blocks, &diag), SIM_OK);
        cr_assert_eq(distribution_summary(&naive.seconds, &seconds, &diag), SIM_OK);
        cr_expect_eq(facts.reusable_tokens, naive.reusable, "round %d", round);
        cr_expect_eq(memcmp(&facts.reuse_blocks, &blocks, sizeof blocks), 0, "round %d: mean %g, want %g", round, facts.reuse_blocks.mean,
                     blocks.mean);
        cr_expect_eq(memcmp(&facts.reuse_s, &seconds, sizeof seconds), 0, "round %d", round);
        hits += blocks.count;
        distribution_deinit(&naive.blocks);
        distribution_deinit(&naive.seconds);
        trace_destroy(trace);
    }
    cr_expect_gt(hits, 1000);
}
