/* test_id_runs.c - the runs of a trace against what the words say: ids that always come together, as long as can be; own where nobody else
 * has an id. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/random.h"
#include "support/tiny_trace.h"
#include "trace/id_runs.h"

enum { REQUESTS = 6, IDS = 12, CASES = 3000 };

static struct id_runs made(const struct trace *trace)
{
    struct id_runs runs;
    struct diag diag = {0};
    cr_assert_eq(id_runs_make(trace, &runs, &diag), SIM_OK, "%s", diag.text);
    return runs;
}

static uint32_t uses(const struct trace *trace, uint32_t id)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < trace->hash_start[trace->count]; i++)
        count += trace->hash_ids[i] == id;
    return count;
}

/* Does b stand right after a wherever either of the two stands? */
static bool together(const struct trace *trace, uint32_t a, uint32_t b)
{
    for (uint32_t p = 0; p < trace->count; p++)
        for (uint64_t i = trace->hash_start[p]; i < trace->hash_start[p + 1]; i++) {
            const bool has_next = i + 1 < trace->hash_start[p + 1] && trace->hash_ids[i + 1] == b;
            const bool has_previous = i > trace->hash_start[p] && trace->hash_ids[i - 1] == a;
            if ((trace->hash_ids[i] == a && !has_next) || (trace->hash_ids[i] == b && !has_previous))
                return false;
        }
    return true;
}

/* Where the naive rule begins a new run within the shared part of a prompt. */
static void check_request(const struct trace *trace, const struct id_runs *runs, uint32_t position)
{
    const uint32_t *ids = trace->hash_ids + trace->hash_start[position], count = (uint32_t)trace_hash_count(trace, position);
    uint32_t shared = 0;
    while (shared < count && uses(trace, ids[shared]) > 1)
        shared++;
    cr_expect_eq(id_runs_shared(runs, position), shared);
    uint64_t run = runs->start[position];
    for (uint32_t i = 1; i <= shared; i++) {
        if (i < shared && together(trace, ids[i - 1], ids[i]))
            continue;
        cr_assert(run < runs->start[position + 1]);
        cr_expect_eq(runs->runs[run].end, i);
        cr_expect(runs->runs[run].name < runs->names);
        run++;
    }
    if (shared < count) {
        cr_expect_eq(runs->runs[run].name, ID_RUN_OWN);
        cr_expect_eq(runs->runs[run].end, count);
        run++;
    }
    cr_expect_eq(run, runs->start[position + 1], "request %u has runs too many", position);
}

/* Equal names are equal ids, and the other way round: the first id of a run tells its name. */
static void check_names(const struct trace *trace, const struct id_runs *runs)
{
    uint32_t name_of[IDS];
    memset(name_of, 0xff, sizeof name_of);
    for (uint32_t p = 0; p < trace->count; p++)
        for (uint64_t r = runs->start[p]; r < runs->start[p + 1]; r++) {
            const uint32_t begin = r > runs->start[p] ? runs->runs[r - 1].end : 0, id = trace->hash_ids[trace->hash_start[p] + begin];
            if (runs->runs[r].name == ID_RUN_OWN)
                continue;
            cr_expect(name_of[id] == UINT32_MAX || name_of[id] == runs->runs[r].name);
            name_of[id] = runs->runs[r].name;
        }
    for (uint32_t a = 0; a < IDS; a++)
        for (uint32_t b = 0; b < a; b++)
            cr_expect(name_of[a] == UINT32_MAX || name_of[a] != name_of[b], "ids %u and %u begin runs of one name", a, b);
}

Test(id_runs, are_the_longest_stretches_that_always_come_together)
{
    uint64_t seed = 11;
    for (int round = 0; round < CASES; round++) {
        struct tiny_request requests[REQUESTS] = {{0}};
        for (uint32_t p = 0; p < REQUESTS; p++) {
            requests[p] = (struct tiny_request){.input = 16, .output = 1, .hash_count = random_below(&seed, 8)};
            /* Mostly a copy of what an earlier one begins with, so that there are runs; ids may come twice in a prompt. */
            const struct tiny_request *like = &requests[p ? random_below(&seed, p) : 0];
            const uint32_t copied = p ? random_below(&seed, like->hash_count + 1) : 0;
            for (uint32_t i = 0; i < requests[p].hash_count; i++)
                requests[p].hash_ids[i] = i < copied ? like->hash_ids[i] : random_below(&seed, IDS);
        }
        struct trace *trace = tiny_trace(requests, REQUESTS);
        struct id_runs runs = made(trace);
        for (uint32_t p = 0; p < REQUESTS; p++)
            check_request(trace, &runs, p);
        check_names(trace, &runs);
        id_runs_deinit(&runs);
        trace_destroy(trace);
    }
}

/* The drawing in id_runs.h. */
Test(id_runs, turns_of_a_conversation_are_a_run_each)
{
    const struct tiny_request requests[] = {{.input = 80, .output = 1, .hash_count = 5, .hash_ids = {5, 6, 7, 8, 9}},
                                            {.input = 112, .output = 1, .hash_count = 7, .hash_ids = {5, 6, 7, 8, 9, 10, 11}},
                                            {.input = 64, .output = 1, .hash_count = 4, .hash_ids = {5, 6, 7, 12}}};
    const struct id_run want[] = {{0, 3}, {1, 5}, {0, 3}, {1, 5}, {ID_RUN_OWN, 7}, {0, 3}, {ID_RUN_OWN, 4}};
    struct trace *trace = tiny_trace(requests, 3);
    struct id_runs runs = made(trace);
    cr_assert_eq(runs.start[3], sizeof want / sizeof *want);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        cr_expect_eq(runs.runs[i].end, want[i].end);
        cr_expect((runs.runs[i].name == ID_RUN_OWN) == (want[i].name == ID_RUN_OWN));
        cr_expect((runs.runs[i].name == runs.runs[0].name) == (want[i].name == 0));
    }
    id_runs_deinit(&runs);
    trace_destroy(trace);
}

Test(id_runs, a_trace_without_ids_has_none)
{
    struct trace trace = {.count = 3};
    struct id_runs runs = made(&trace);
    cr_expect_null(runs.start);
    cr_expect_eq(id_runs_shared(&runs, 2), 0);
    id_runs_deinit(&runs);
}
