/* test_policy.c - the registry of policies: names, order, what it refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"
#include "policy/policy.h"

static int64_t zero(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    (void)request;
    return 0;
}

static void set_none(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting)
{
    (void)self;
    (void)now_ns;
    (void)waiting;
}

Test(policy, built_in_ones_are_known_by_name_and_the_default_comes_first)
{
    static const char *const names[POLICY_KINDS][12] = {
        [POLICY_SCHEDULING] = {"fcfs", "priority", "sjf", "sjf-oracle", "srpt", "lpm", "mlfq", "edf", "vtc"},
        [POLICY_VICTIM] = {"vllm", "cheapest-recompute", "lowest-progress"},
        [POLICY_EVICTION] = {"vllm", "lru", "lfu", "tail-lru", "workload-aware"},
        [POLICY_ROUTER] = {"round-robin", "least-requests", "random", "power-of-two", "least-blocks", "priority-aware", "session-affine",
                           "prefix-aware", "vllm-data-parallel", "vllm-data-parallel-queues"},
    };
    for (int kind = 0; kind < POLICY_KINDS; kind++) {
        uint32_t count = 0;
        for (; names[kind][count]; count++) {
            const struct pagesim_policy_info *info = policy_at((enum policy_kind)kind, count);
            cr_assert_not_null(info);
            cr_expect_str_eq(info->name, names[kind][count]);
            cr_expect(strlen(info->summary) > 10 && strlen(info->summary) < 80, "%s has a line that says what it is", info->name);
        }
        cr_expect_null(policy_at((enum policy_kind)kind, count));
        cr_expect_null(policy_at((enum policy_kind)kind, UINT32_MAX));
    }
    cr_expect_eq((const void *)policy_find_scheduling("srpt"), (const void *)policy_at(POLICY_SCHEDULING, 4));
    cr_expect_eq((const void *)policy_find_victim("lowest-progress"), (const void *)policy_at(POLICY_VICTIM, 2));
    cr_expect_eq((const void *)policy_find_eviction("lfu"), (const void *)policy_at(POLICY_EVICTION, 2));
    cr_expect(!policy_find_scheduling("lru") && !policy_find_victim("fcfs") && !policy_find_eviction(""));
}

Test(policy, what_is_not_whole_is_refused_and_says_why)
{
    static const struct pagesim_scheduling_policy taken = {
        .info = {"fcfs", "a second one"}, .order = PAGESIM_POLICY_STATIC_KEY, .key = zero};
    static const struct pagesim_scheduling_policy keyless = {.info = {"keyless", "has no key"}, .order = PAGESIM_POLICY_STATIC_KEY};
    static const struct pagesim_scheduling_policy keyed = {
        .info = {"keyed", "arrival with a key"}, .order = PAGESIM_POLICY_ARRIVAL, .key = zero};
    static const struct pagesim_scheduling_policy nameless = {.info = {"", "has no name"}};
    static const struct pagesim_scheduling_policy longer = {
        .info = {"a-name-of-more-than-sixty-three-bytes-does-not-fit-into-the-configuration", "too long"}};
    static const struct pagesim_scheduling_policy resetting = {
        .info = {"resetting", "arrival that sets keys"}, .order = PAGESIM_POLICY_ARRIVAL, .before_admission = set_none};
    static const struct pagesim_preemption_victim choiceless = {.info = {"choiceless", "chooses nobody"}};
    const struct {
        enum policy_kind kind;
        const struct pagesim_policy_info *info;
        const char *says;
    } cases[] = {
        {POLICY_SCHEDULING, &taken.info, "\"fcfs\" already"},         {POLICY_SCHEDULING, &keyless.info, "a key is needed"},
        {POLICY_SCHEDULING, &keyed.info, "a key is needed"},          {POLICY_SCHEDULING, &nameless.info, "needs a name"},
        {POLICY_SCHEDULING, &longer.info, "needs a name of 1 to 63"}, {POLICY_VICTIM, &choiceless.info, "choose is missing"},
        {POLICY_SCHEDULING, &resetting.info, "nor set any"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag diag = {0};
        cr_expect_eq(policy_register(cases[i].kind, cases[i].info, &diag), SIM_FAILED);
        cr_expect_not_null(strstr(diag.text, cases[i].says), "case %zu says: %s", i, diag.text);
    }
    cr_expect_null(policy_at(POLICY_SCHEDULING, 9), "nothing was added");
}

Test(policy, there_is_room_for_so_many_and_an_error_for_one_more)
{
    static struct pagesim_eviction_policy many[POLICIES_MOST];
    static char names[POLICIES_MOST][16];
    struct diag diag = {0};
    uint32_t known = 0, added = 0;
    while (policy_at(POLICY_EVICTION, known))
        known++;
    for (; known + added <= POLICIES_MOST; added++) {
        snprintf(names[added], sizeof names[added], "many-%u", added);
        many[added] = (struct pagesim_eviction_policy){.info = {names[added], "one of many"}};
        enum status status = policy_register(POLICY_EVICTION, &many[added].info, &diag);
        cr_assert_eq(status, known + added < POLICIES_MOST ? SIM_OK : SIM_FAILED, "%u: %s", added, diag.text);
    }
    cr_expect_not_null(strstr(diag.text, "no room"));
    cr_expect_eq((const void *)policy_find_eviction(names[added - 2]), (const void *)&many[added - 2]);
    cr_expect_null(policy_at(POLICY_EVICTION, POLICIES_MOST));
}

Test(policy, the_configuration_takes_registered_names_only_and_lists_them)
{
    static const struct pagesim_scheduling_policy mine = {
        .info = {"mine", "for this test"}, .order = PAGESIM_POLICY_STATIC_KEY, .key = zero};
    struct diag diag = {0};
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    cr_expect_eq(config_set(&config, "scheduling_policy", "mine", &diag), SIM_USAGE);
    cr_expect_not_null(
        strstr(diag.text, "\"fcfs\", \"priority\", \"sjf\", \"sjf-oracle\", \"srpt\", \"lpm\", \"mlfq\", \"edf\" or \"vtc\""), "%s",
        diag.text);
    diag_clear(&diag);
    cr_assert_eq(policy_register(POLICY_SCHEDULING, &mine.info, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config_set(&config, "scheduling_policy", "mine", &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config_set(&config, "eviction_policy", "mine", &diag), SIM_USAGE);
    cr_expect_not_null(strstr(diag.text, "\"vllm\", \"lru\", \"lfu\", \"tail-lru\" or \"workload-aware\""), "%s", diag.text);
    diag_clear(&diag);
    cr_expect_eq(config_set(&config, "preemption_victim", "fcfs", &diag), SIM_USAGE);
    cr_expect_not_null(strstr(diag.text, "\"vllm\", \"cheapest-recompute\" or \"lowest-progress\""), "%s", diag.text);
}
