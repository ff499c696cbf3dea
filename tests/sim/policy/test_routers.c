/* test_routers.c - what each built-in router chooses, on replicas made by hand; and what all of them keep to. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "support/allocations.h"
#include "support/random.h"

enum { REPLICAS_MOST = 40 };

/* A router with replicas whose answers and reports come when a test says so. */
struct fleet {
    const struct pagesim_router *router;
    void *self;
    struct pagesim_router_replica replicas[REPLICAS_MOST];
    uint32_t count;
    uint64_t sent;
};

static const struct pagesim_router_setup usual = {
    .request_count = 1000,
    .replica_most = REPLICAS_MOST,
    .name_count = 1000,
    .tokens_per_name = 100,
    .seed = 7,
    .prefix_match_share = 0.3,
    .balance_requests = 4,
    .balance_ratio = 1.5,
    .index_pieces = 100,
};

static struct fleet open_with(const char *name, uint32_t count, const struct pagesim_router_setup *setup)
{
    struct fleet fleet = {.router = policy_find_router(name), .count = count};
    cr_assert_not_null(fleet.router);
    cr_assert(!fleet.router->create || fleet.router->create(setup, &fleet.self));
    for (uint32_t i = 0; i < count; i++)
        fleet.replicas[i] = (struct pagesim_router_replica){.takes_requests = true, .pool_blocks = 100};
    return fleet;
}

static struct fleet open_fleet(const char *name, uint32_t count)
{
    return open_with(name, count, &usual);
}

static void close_fleet(struct fleet *fleet)
{
    if (fleet->router->destroy)
        fleet->router->destroy(fleet->self);
}

/* What it chooses, without sending it there. */
static uint32_t ask(struct fleet *fleet, struct pagesim_router_request request)
{
    const uint32_t chosen = fleet->router->choose(fleet->self, &request, fleet->replicas, fleet->count);
    cr_assert(chosen < fleet->count && fleet->replicas[chosen].takes_requests, "%s: %u", fleet->router->info.name, chosen);
    return chosen;
}

static uint32_t send_request(struct fleet *fleet, struct pagesim_router_request request)
{
    const uint32_t chosen = ask(fleet, request);
    struct pagesim_router_replica *replica = &fleet->replicas[chosen];
    const int32_t class = request.priority < 0 ? 0 : request.priority > 2 ? 2 : request.priority;
    replica->unanswered++;
    replica->unanswered_tokens += request.input_tokens;
    replica->unanswered_of[class]++;
    replica->sent++;
    replica->sent_since++;
    replica->last_sent = ++fleet->sent;
    return chosen;
}

static const struct pagesim_router_request plain = {.input_tokens = 100};

/* A prompt of pieces of 100 tokens. */
static struct pagesim_router_request prompt(const uint32_t *names, uint32_t length)
{
    return (struct pagesim_router_request){.input_tokens = 100 * length, .names = names, .names_length = length};
}
#define PROMPT(...) prompt((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* --- all of them -------------------------------------------------------------------------------------------------------------------- */

/* Anything that may be said of a request and of replicas. */
static struct pagesim_router_request random_request(uint64_t *state, uint32_t *names)
{
    struct pagesim_router_request request = {
        .input_tokens = 1 + random_below(state, 900),
        .priority = (int32_t)random_below(state, 6) - 2,
        .session = random_below(state, 4),
        .tenant = random_below(state, 3),
        .names = names,
        .names_length = random_below(state, 9),
    };
    for (uint32_t i = 0; i < request.names_length; i++)
        names[i] = random_below(state, 3);
    return request;
}

static void shuffle_replicas(struct fleet *fleet, uint64_t *state)
{
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct pagesim_router_replica *replica = &fleet->replicas[i];
        replica->takes_requests = random_below(state, 3) > 0;
        if (random_below(state, 4) > 0)
            continue;
        replica->unanswered = random_below(state, 8);
        memset(replica->unanswered_of, 0, sizeof replica->unanswered_of);
        replica->unanswered_of[random_below(state, 3)] = replica->unanswered;
        replica->sent_since = 0;
        replica->waiting = random_below(state, 5);
        replica->running = random_below(state, 20);
        replica->used_blocks = random_below(state, 101);
    }
    fleet->replicas[random_below(state, fleet->count)].takes_requests = true;
}

/* The same calls twice: the same answers, and each takes requests (ask). */
Test(routers, choose_who_takes_requests_and_the_same_twice)
{
    const struct pagesim_policy_info *info;
    for (uint32_t r = 0; (info = policy_at(POLICY_ROUTER, r)) != NULL; r++) {
        struct fleet fleet[2] = {open_fleet(info->name, 9), open_fleet(info->name, 9)};
        uint64_t states[2] = {r + 1, r + 1};
        for (uint32_t step = 0; step < 3000; step++) {
            uint32_t names[9], chosen[2];
            for (int twin = 0; twin < 2; twin++) {
                shuffle_replicas(&fleet[twin], &states[twin]);
                chosen[twin] = send_request(&fleet[twin], random_request(&states[twin], names));
                const uint32_t gone = random_below(&states[twin], 100);
                if (gone < 9 && fleet[twin].router->gone)
                    fleet[twin].router->gone(fleet[twin].self, gone);
            }
            cr_assert_eq(chosen[0], chosen[1], "%s, step %u", info->name, step);
        }
        for (uint32_t i = 0; i < 9; i++)
            cr_expect_gt(fleet[0].replicas[i].sent, 20u, "%s uses all replicas", info->name);
        for (uint32_t i = 0; i < 9; i++)
            fleet[0].replicas[i].takes_requests = i == 6;
        cr_expect_eq(ask(&fleet[0], plain), 6u, "%s", info->name);
        close_fleet(&fleet[0]);
        close_fleet(&fleet[1]);
    }
}

Test(routers, each_can_be_told_from_all_others)
{
    enum { STEPS = 400, ROUTERS_MOST = 32 };
    static uint32_t chosen[ROUTERS_MOST][STEPS];
    const struct pagesim_policy_info *info;
    for (uint32_t r = 0; (info = policy_at(POLICY_ROUTER, r)) != NULL; r++) {
        struct fleet fleet = open_fleet(info->name, 6);
        uint64_t state = 3;
        cr_assert_lt(r, ROUTERS_MOST);
        for (uint32_t step = 0; step < STEPS; step++) {
            uint32_t names[9];
            shuffle_replicas(&fleet, &state);
            chosen[r][step] = send_request(&fleet, random_request(&state, names));
        }
        for (uint32_t other = 0; other < r; other++)
            cr_expect_neq(memcmp(chosen[r], chosen[other], sizeof chosen[r]), 0, "%s chooses as router %u does", info->name, other);
        close_fleet(&fleet);
    }
}

/* Who says nothing of what it looks at is told nothing: other answers and reports must not change what it chooses. */
Test(routers, look_at_what_they_say_alone)
{
    const struct pagesim_policy_info *info;
    for (uint32_t r = 0; (info = policy_at(POLICY_ROUTER, r)) != NULL; r++) {
        struct fleet told = open_fleet(info->name, 5), untold = open_fleet(info->name, 5);
        uint64_t state = 5;
        for (uint32_t step = 0; step < 500; step++) {
            uint32_t names[9];
            shuffle_replicas(&told, &state);
            for (uint32_t i = 0; i < 5; i++) {
                struct pagesim_router_replica *copy = &untold.replicas[i];
                *copy = told.replicas[i];
                if (!told.router->looks_at_answers) {
                    copy->unanswered = 0;
                    memset(copy->unanswered_of, 0, sizeof copy->unanswered_of);
                }
                if (!told.router->looks_at_reports)
                    copy->running = copy->waiting = copy->used_blocks = copy->sent_since = 0;
            }
            const struct pagesim_router_request request = random_request(&state, names);
            cr_assert_eq(ask(&untold, request), send_request(&told, request), "%s", info->name);
        }
        close_fleet(&told);
        close_fleet(&untold);
    }
}

Test(routers, out_of_memory_is_told)
{
    const struct pagesim_policy_info *info;
    for (uint32_t r = 0; (info = policy_at(POLICY_ROUTER, r)) != NULL; r++) {
        const struct pagesim_router *router = policy_find_router(info->name);
        void *self = NULL;
        for (uint64_t countdown = 1; router->create; countdown++) {
            allocations_fail_after(countdown);
            const bool made = router->create(&usual, &self);
            allocations_fail_after(0);
            if (made)
                break;
            cr_assert_lt(countdown, 10u, "%s", info->name);
        }
        if (router->destroy)
            router->destroy(self);
    }
    struct fleet fleet = open_fleet("prefix-aware", 3);
    const struct pagesim_router_request request = PROMPT(1, 2, 3);
    allocations_fail_after(1);
    cr_expect_eq(fleet.router->choose(fleet.self, &request, fleet.replicas, 3), UINT32_MAX);
    allocations_fail_after(0);
    send_request(&fleet, request);
    close_fleet(&fleet);
}

/* --- by load ------------------------------------------------------------------------------------------------------------------------ */

Test(routers, round_robin_and_least_requests)
{
    struct fleet turns = open_fleet("round-robin", 3), least = open_fleet("least-requests", 4);
    turns.replicas[1].takes_requests = false;
    for (uint32_t i = 0; i < 6; i++)
        cr_expect_eq(send_request(&turns, plain), i % 2 * 2);
    for (uint32_t i = 0; i < 8; i++)
        cr_expect_eq(send_request(&least, plain), i % 4, "equals in turn");
    least.replicas[2].unanswered = least.replicas[3].unanswered = 1;
    cr_expect_eq(send_request(&least, plain), 2u, "it got none for longer than 3");
    cr_expect_eq(send_request(&least, plain), 3u);
    close_fleet(&turns);
    close_fleet(&least);
}

Test(routers, random_is_even_and_depends_on_the_seed)
{
    struct pagesim_router_setup other = usual;
    other.seed++;
    struct fleet fleet = open_fleet("random", 6), differently = open_with("random", 6, &other);
    uint32_t same = 0;
    fleet.replicas[0].takes_requests = fleet.replicas[4].takes_requests = false;
    differently.replicas[0].takes_requests = differently.replicas[4].takes_requests = false;
    for (uint32_t i = 0; i < 8000; i++)
        same += send_request(&fleet, plain) == send_request(&differently, plain);
    cr_expect(same > 1800 && same < 2200, "%u of 8000", same);
    for (uint32_t i = 0; i < 6; i++)
        cr_expect(i % 4 == 0 ? fleet.replicas[i].sent == 0 : fleet.replicas[i].sent > 1850 && fleet.replicas[i].sent < 2150);
    close_fleet(&fleet);
    close_fleet(&differently);
}

/* Of four, one is among two drawn in half of all cases, and the most loaded one never wins. */
Test(routers, power_of_two_draws_two_different_ones)
{
    struct fleet fleet = open_fleet("power-of-two", 5);
    uint32_t chosen[5] = {0};
    fleet.replicas[1].takes_requests = false;
    for (uint32_t i = 0; i < 5; i++)
        fleet.replicas[i].unanswered = 10 - i;
    for (uint32_t i = 0; i < 6000; i++)
        chosen[ask(&fleet, plain)]++;
    cr_expect(chosen[4] > 2850 && chosen[4] < 3150, "1/2");
    cr_expect(chosen[3] > 1850 && chosen[3] < 2150, "1/3");
    cr_expect(chosen[2] > 850 && chosen[2] < 1150, "1/6");
    cr_expect_eq(chosen[0], 0u);
    close_fleet(&fleet);
}

Test(routers, least_blocks_counts_what_will_be_held)
{
    static const struct {
        struct {
            uint64_t used, running, waiting, sent_since, pool;
        } replicas[3];
        uint32_t chosen;
        const char *why;
    } cases[] = {
        {{{50, 5, 0, 0, 100}, {40, 4, 0, 0, 100}, {60, 6, 0, 0, 100}}, 1, "the fewest"},
        {{{50, 5, 0, 0, 100}, {80, 8, 0, 0, 200}, {60, 6, 0, 0, 100}}, 1, "a share, not a number"},
        {{{50, 5, 0, 0, 100}, {40, 4, 2, 0, 100}, {60, 6, 0, 0, 100}}, 0, "each that waits will hold 10"},
        {{{50, 5, 0, 2, 100}, {40, 4, 2, 1, 100}, {60, 6, 0, 0, 100}}, 2, "so will each that was sent there since"},
        {{{100, 1, 5, 0, 100}, {100, 9, 0, 0, 100}, {100, 5, 1, 0, 100}}, 1, "full ones by their queues"},
        {{{0, 0, 0, 2, 100}, {0, 0, 0, 1, 100}, {0, 0, 0, 1, 50}}, 1, "while nothing runs, by requests"},
        {{{0, 1, 0, 2, 100}, {0, 1, 0, 1, 100}, {0, 1, 2, 0, 100}}, 1, "or while what runs holds nothing"},
        {{{30, 3, 0, 0, 100}, {30, 3, 0, 0, 100}, {30, 3, 0, 0, 100}}, 2, "equals: that got none for longest"},
        {{{0, 0, 1, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 2, 0, 0}}, 1, "nothing is divided by 0"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct fleet fleet = open_fleet("least-blocks", 4);
        fleet.replicas[3].takes_requests = false;
        for (uint32_t i = 0; i < 3; i++) {
            fleet.replicas[i].used_blocks = cases[c].replicas[i].used;
            fleet.replicas[i].running = cases[c].replicas[i].running;
            fleet.replicas[i].waiting = cases[c].replicas[i].waiting;
            fleet.replicas[i].sent_since = cases[c].replicas[i].sent_since;
            fleet.replicas[i].pool_blocks = cases[c].replicas[i].pool;
            fleet.replicas[i].last_sent = 9 - i;
        }
        cr_expect_eq(ask(&fleet, plain), cases[c].chosen, "%s", cases[c].why);
        close_fleet(&fleet);
    }
}

Test(routers, priority_aware_counts_who_goes_before)
{
    static const struct {
        uint64_t unanswered_of[3][3]; /* replica, class */
        int32_t priority;
        uint32_t chosen;
        const char *why;
    } cases[] = {
        {{{1, 0, 0}, {0, 0, 9}, {0, 1, 0}}, -3, 2, "nobody before it at 1 and 2, and less in all at 2"},
        {{{1, 0, 0}, {0, 0, 9}, {0, 1, 0}}, 1, 1, "nobody of class 0 or 1"},
        {{{1, 0, 0}, {0, 0, 9}, {0, 1, 0}}, 5, 0, "all go before the last class, and 0 waits longer than 2"},
        {{{2, 0, 0}, {1, 3, 0}, {1, 2, 9}}, 0, 1, "as many before it: fewest of all"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct fleet fleet = open_fleet("priority-aware", 3);
        for (uint32_t i = 0; i < 3; i++) {
            memcpy(fleet.replicas[i].unanswered_of, cases[c].unanswered_of[i], sizeof fleet.replicas[i].unanswered_of);
            for (uint32_t class = 0; class < 3; class ++)
                fleet.replicas[i].unanswered += cases[c].unanswered_of[i][class];
            fleet.replicas[i].last_sent = 1 + i;
        }
        const struct pagesim_router_request request = {.input_tokens = 1, .priority = cases[c].priority};
        cr_expect_eq(ask(&fleet, request), cases[c].chosen, "%s", cases[c].why);
        close_fleet(&fleet);
    }
}

/* --- by session --------------------------------------------------------------------------------------------------------------------- */

enum { SESSIONS = 4000 };

static void homes(struct fleet *fleet, uint32_t *home)
{
    for (uint32_t session = 1; session <= SESSIONS; session++)
        home[session - 1] = ask(fleet, (struct pagesim_router_request){.input_tokens = 1, .session = session, .tenant = 1});
}

Test(routers, session_affine_moves_no_session_but_those_of_who_goes_or_comes)
{
    static uint32_t before[SESSIONS], after[SESSIONS];
    struct fleet fleet = open_fleet("session-affine", 10);
    uint32_t sessions[11] = {0}, moved = 0;
    homes(&fleet, before);
    for (uint32_t i = 0; i < SESSIONS; i++)
        sessions[before[i]]++;
    for (uint32_t i = 0; i < 10; i++)
        cr_expect(sessions[i] > 330 && sessions[i] < 470, "replica %u has %u of 4000 sessions", i, sessions[i]);
    fleet.replicas[3].takes_requests = false;
    homes(&fleet, after);
    for (uint32_t i = 0; i < SESSIONS; i++)
        cr_expect(before[i] == 3 ? after[i] != 3 : after[i] == before[i]);
    fleet.replicas[3].takes_requests = true;
    fleet.replicas[fleet.count++] = fleet.replicas[3];
    homes(&fleet, after);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        cr_expect(after[i] == before[i] || after[i] == 10);
        moved += after[i] != before[i];
    }
    cr_expect(moved > 300 && moved < 430, "%u of 4000 moved to the eleventh", moved);
    close_fleet(&fleet);
}

Test(routers, session_affine_takes_the_tenant_or_else_the_load)
{
    struct fleet fleet = open_fleet("session-affine", 8);
    const struct pagesim_router_request of_tenant = {.input_tokens = 1, .tenant = 5};
    const uint32_t home = send_request(&fleet, of_tenant);
    fleet.replicas[home].unanswered = 50;
    cr_expect_eq(send_request(&fleet, of_tenant), home);
    for (uint32_t i = 0; i < 7; i++)
        cr_expect_neq(send_request(&fleet, plain), home, "nobody's goes to the least loaded");
    close_fleet(&fleet);
}

/* --- vLLM's ranks --------------------------------------------------------------------------------------------------------------------- */

Test(routers, vllm_data_parallel_scores)
{
    static const struct {
        struct {
            uint64_t unanswered, waiting, sent_since, running, used;
        } ranks[3];
        uint32_t chosen;
        const char *why;
    } cases[] = {
        {{{5, 0, 0, 5, 0}, {4, 0, 0, 4, 0}, {6, 0, 0, 6, 0}}, 1, "the fewest"},
        {{{5, 0, 0, 2, 0}, {2, 0, 0, 6, 0}, {4, 0, 0, 4, 0}}, 2, "5, 6, 4: the greater of what it knows and what was reported"},
        {{{5, 0, 0, 5, 0}, {4, 2, 2, 1, 0}, {6, 0, 0, 6, 0}}, 0, "5 and 5: who was sent something counts as waiting; the first of equals"},
        {{{9, 0, 0, 9, 99}, {6, 2, 0, 4, 75}, {9, 0, 0, 9, 99}}, 0, "6 + 2 * 6 * 1/4 = 9: the first of equals"},
        {{{9, 0, 0, 9, 99}, {6, 2, 0, 4, 74}, {9, 0, 0, 9, 99}}, 1, "a little less"},
        {{{9, 0, 0, 9, 99}, {6, 3, 0, 3, 75}, {9, 0, 0, 9, 99}}, 0, "6 + 3 * 6 * 1/4"},
        {{{9, 0, 0, 9, 99}, {8, 8, 0, 0, 50}, {9, 0, 0, 9, 99}}, 1, "queues count once more than half of the blocks are in use"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct fleet fleet = open_fleet("vllm-data-parallel", 3);
        for (uint32_t i = 0; i < 3; i++) {
            fleet.replicas[i].unanswered = cases[c].ranks[i].unanswered;
            fleet.replicas[i].waiting = cases[c].ranks[i].waiting;
            fleet.replicas[i].sent_since = cases[c].ranks[i].sent_since;
            fleet.replicas[i].running = cases[c].ranks[i].running;
            fleet.replicas[i].used_blocks = cases[c].ranks[i].used;
        }
        cr_expect_eq(ask(&fleet, plain), cases[c].chosen, "%s", cases[c].why);
        close_fleet(&fleet);
    }
}

/* A burst goes round. Equals are then taken from the next rank on, even if all have the same load whenever a request comes. */
Test(routers, vllm_data_parallel_starts_one_rank_later_each_time)
{
    struct fleet fleet = open_fleet("vllm-data-parallel", 4);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(send_request(&fleet, plain), i);
    for (uint32_t i = 0; i < 8; i++)
        cr_expect_eq(ask(&fleet, plain), i % 4);
    fleet.replicas[1].takes_requests = false;
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(ask(&fleet, plain), i == 1 ? 2 : i);
    close_fleet(&fleet);
}

Test(routers, vllm_data_parallel_queues_scores_and_prefers_low_ranks)
{
    struct fleet fleet = open_fleet("vllm-data-parallel-queues", 3);
    fleet.replicas[0].running = 9;
    fleet.replicas[1].waiting = 2;
    fleet.replicas[2].running = 5;
    cr_expect_eq(send_request(&fleet, plain), 2u, "9, 8, 5");
    cr_expect_eq(send_request(&fleet, plain), 1u, "9, 8, 5 + 4");
    cr_expect_eq(send_request(&fleet, plain), 0u, "9, 8 + 4, 9");
    for (uint32_t i = 0; i < 3; i++)
        fleet.replicas[i] = (struct pagesim_router_replica){.takes_requests = true, .running = 3, .unanswered = 3 - i};
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_eq(ask(&fleet, plain), 0u, "the lowest of equals, each time");
    close_fleet(&fleet);
}

/* --- by prefix ------------------------------------------------------------------------------------------------------------------------ */

Test(routers, prefix_aware_takes_the_longest_match)
{
    struct fleet fleet = open_fleet("prefix-aware", 4);
    cr_expect_eq(send_request(&fleet, PROMPT(1, 2, 3)), 0u);
    cr_expect_eq(send_request(&fleet, PROMPT(5, 2, 3)), 1u, "the same pieces after another one are others");
    cr_expect_eq(send_request(&fleet, PROMPT(1, 2, 3, 4)), 0u);
    cr_expect_eq(send_request(&fleet, PROMPT(1, 2, 8, 9)), 0u, "half of it");
    cr_expect_eq(send_request(&fleet, PROMPT(1, 8, 8, 9)), 2u, "a quarter is too little: to the least loaded that waited longest");
    cr_expect_eq(send_request(&fleet, PROMPT(1, 8, 8, 7)), 2u);
    cr_expect_eq(send_request(&fleet, PROMPT(1, 6)), 2u, "0 has as much of it and more to do");
    cr_expect_eq(send_request(&fleet, PROMPT(1, 9)), 0u, "as much to do, but 0 got none for longer");
    cr_expect_eq(send_request(&fleet, plain), 3u, "without names");
    close_fleet(&fleet);
}

Test(routers, prefix_aware_passes_over_who_takes_nothing_and_forgets_who_is_gone)
{
    struct fleet fleet = open_fleet("prefix-aware", 3);
    cr_assert_eq(send_request(&fleet, PROMPT(1, 2, 3, 4)), 0u);
    fleet.replicas[0].takes_requests = false;
    cr_assert_eq(send_request(&fleet, PROMPT(1, 2, 7, 7)), 1u);
    cr_assert_eq(send_request(&fleet, PROMPT(6)), 2u);
    fleet.replicas[1].unanswered = 2;
    cr_expect_eq(ask(&fleet, PROMPT(1, 2, 3, 4)), 1u, "it has half of it, and 0 takes nothing");
    fleet.replicas[1].takes_requests = false;
    cr_expect_eq(ask(&fleet, PROMPT(1, 2, 3, 8)), 2u, "nobody left who has it");
    fleet.router->gone(fleet.self, 0);
    fleet.replicas[0].takes_requests = true;
    fleet.replicas[0].unanswered = 3;
    fleet.replicas[2].takes_requests = false;
    fleet.replicas[1].takes_requests = true;
    cr_expect_eq(ask(&fleet, PROMPT(1, 2, 3, 4)), 1u, "nothing is known of 0 any more");
    close_fleet(&fleet);
}

Test(routers, prefix_aware_guards_the_balance)
{
    static const struct {
        uint64_t own, other;
        bool guarded;
    } cases[] = {{4, 0, false}, {5, 0, true}, {14, 9, true}, {15, 10, false}, {16, 10, true}, {14, 10, false}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct fleet fleet = open_fleet("prefix-aware", 3);
        fleet.replicas[2] = (struct pagesim_router_replica){.takes_requests = false, .unanswered = 90};
        cr_assert_eq(send_request(&fleet, PROMPT(1, 2)), 0u);
        fleet.replicas[0].unanswered = cases[c].own;
        fleet.replicas[1].unanswered = cases[c].other;
        cr_expect_eq(send_request(&fleet, PROMPT(1, 2)), cases[c].guarded ? 1u : 0u, "case %zu", c);
        fleet.replicas[0].unanswered = fleet.replicas[1].unanswered + 1;
        cr_expect_eq(ask(&fleet, PROMPT(1, 2)), cases[c].guarded ? 1u : 0u, "what the guard sent is remembered, too");
        close_fleet(&fleet);
    }
}

Test(routers, prefix_aware_remembers_so_much)
{
    struct pagesim_router_setup setup = usual;
    setup.index_pieces = 3;
    struct fleet fleet = open_with("prefix-aware", 2, &setup);
    fleet.replicas[1].takes_requests = false;
    send_request(&fleet, PROMPT(1, 2));
    send_request(&fleet, PROMPT(3, 4, 5, 6));
    fleet.replicas[1].takes_requests = true;
    fleet.replicas[1].last_sent = 1;
    cr_expect_eq(ask(&fleet, PROMPT(3, 4, 5, 6)), 0u);
    cr_expect_eq(ask(&fleet, PROMPT(1, 2)), 1u, "forgotten for 3, 4 and 5");
    close_fleet(&fleet);
}

/* Both have some of the same run: 1 lost the end of it. */
Test(routers, prefix_aware_prefers_who_has_more)
{
    struct pagesim_router_setup setup = usual;
    setup.index_pieces = 6;
    struct fleet fleet = open_with("prefix-aware", 2, &setup);
    cr_assert_eq(send_request(&fleet, PROMPT(1, 2, 3, 4, 5, 6)), 0u);
    fleet.replicas[0].takes_requests = false;
    send_request(&fleet, PROMPT(1, 2, 3, 4, 5, 6));
    send_request(&fleet, PROMPT(9, 9, 9));
    fleet.replicas[0].takes_requests = true;
    fleet.replicas[0].unanswered = 4;
    cr_expect_eq(ask(&fleet, PROMPT(1, 2, 3, 4, 5, 6)), 0u);
    cr_expect_eq(ask(&fleet, PROMPT(1, 2, 3)), 1u, "as much of this at both");
    close_fleet(&fleet);
}

/* At least the share of the prompt's tokens, of which there must be some. Of 250 tokens the third name is half a piece. */
Test(routers, prefix_aware_measures_tokens)
{
    static const struct {
        uint32_t tokens, tokens_per_name;
        double share;
        bool matches;
    } cases[] = {{1000, 100, 0.3, true}, {1000, 100, 0.31, false},  {250, 100, 1, true},   {301, 100, 1, false},
                 {1000, 100, 0, true},   {100000, 100, 0.3, false}, {100000, 0, 0.3, true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct pagesim_router_setup setup = usual;
        setup.tokens_per_name = cases[c].tokens_per_name;
        setup.prefix_match_share = cases[c].share;
        struct fleet fleet = open_with("prefix-aware", 2, &setup);
        struct pagesim_router_request request = PROMPT(1, 2, 3);
        request.input_tokens = cases[c].tokens;
        cr_assert_eq(send_request(&fleet, request), 0u);
        cr_expect_eq(send_request(&fleet, request), cases[c].matches ? 0u : 1u, "case %zu", c);
        fleet.replicas[0].unanswered = fleet.replicas[1].unanswered = 2;
        cr_expect_eq(ask(&fleet, (struct pagesim_router_request){.input_tokens = 1}), cases[c].matches ? 1u : 0u, "no names, no match");
        close_fleet(&fleet);
    }
}
