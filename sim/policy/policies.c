/* policies.c - the known policies by kind: the built-in ones of policies.h, then those that a program registers. Read policy.h first. */
#include "policy/policies.h"

#include <string.h>

/* `info` is the first member of each table, so a pointer to it is a pointer to the table. NULL ends a list. */
#define INFO(policy) &(policy).info,
static const struct pagesim_policy_info *known[POLICY_KINDS][POLICIES_MOST + 1] = {
    [POLICY_SCHEDULING] = {SCHEDULING_POLICIES(INFO)},
    [POLICY_VICTIM] = {PREEMPTION_VICTIMS(INFO)},
    [POLICY_EVICTION] = {EVICTION_POLICIES(INFO)},
    [POLICY_ROUTER] = {ROUTERS(INFO)},
};

static const char *const kind_names[POLICY_KINDS] = {"scheduling_policy", "preemption_victim", "eviction_policy", "router"};

const struct pagesim_policy_info *policy_at(enum policy_kind kind, uint32_t i)
{
    return i < POLICIES_MOST ? known[kind][i] : NULL;
}

/* A handful of names, looked up when a configuration is read: a list is enough. */
static const struct pagesim_policy_info *find(enum policy_kind kind, const char *name)
{
    const struct pagesim_policy_info *info;
    for (uint32_t i = 0; (info = policy_at(kind, i)) != NULL; i++)
        if (strcmp(info->name, name) == 0)
            return info;
    return NULL;
}

/* What its kind cannot do without. An eviction policy without a key is another name of vLLM's. */
static bool complete(enum policy_kind kind, const struct pagesim_policy_info *info)
{
    const struct pagesim_scheduling_policy *scheduling = (const struct pagesim_scheduling_policy *)info;
    const struct pagesim_preemption_victim *victim = (const struct pagesim_preemption_victim *)info;
    switch (kind) {
    case POLICY_SCHEDULING:
        return scheduling->order == PAGESIM_POLICY_ARRIVAL ? !scheduling->key && !scheduling->before_admission : scheduling->key != NULL;
    case POLICY_VICTIM:
        return victim->choose != NULL;
    case POLICY_ROUTER:
        return ((const struct pagesim_router *)info)->choose != NULL;
    default:
        return true;
    }
}

/* Everything that could fail later, in the middle of a replay, is refused here. */
enum status policy_register(enum policy_kind kind, const struct pagesim_policy_info *info, struct diag *diag)
{
    uint32_t count = 0;
    while (policy_at(kind, count))
        count++;
    if (!info->name || info->name[0] == '\0' || strlen(info->name) >= POLICY_NAME_SIZE)
        return diag_set(diag, SIM_FAILED, "a %s needs a name of 1 to %d bytes", kind_names[kind], POLICY_NAME_SIZE - 1);
    if (find(kind, info->name))
        return diag_set(diag, SIM_FAILED, "there is a %s \"%s\" already; choose another name", kind_names[kind], info->name);
    if (!complete(kind, info))
        return diag_set(diag, SIM_FAILED, "%s \"%s\": %s", kind_names[kind], info->name,
                        kind == POLICY_VICTIM || kind == POLICY_ROUTER
                            ? "choose is missing"
                            : "a key is needed, except for PAGESIM_POLICY_ARRIVAL, which can have none nor set any");
    if (count == POLICIES_MOST)
        return diag_set(diag, SIM_FAILED, "no room for %s \"%s\": there are %d already", kind_names[kind], info->name, POLICIES_MOST);
    known[kind][count] = info;
    return SIM_OK;
}

const struct pagesim_scheduling_policy *policy_find_scheduling(const char *name)
{
    return (const struct pagesim_scheduling_policy *)find(POLICY_SCHEDULING, name);
}

const struct pagesim_preemption_victim *policy_find_victim(const char *name)
{
    return (const struct pagesim_preemption_victim *)find(POLICY_VICTIM, name);
}

const struct pagesim_eviction_policy *policy_find_eviction(const char *name)
{
    return (const struct pagesim_eviction_policy *)find(POLICY_EVICTION, name);
}

const struct pagesim_router *policy_find_router(const char *name)
{
    return (const struct pagesim_router *)find(POLICY_ROUTER, name);
}
