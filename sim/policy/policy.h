/* policy.h - what a user may choose about a scheduler: the order of waiting, the victim of a preemption, the order of eviction.
 *
 * A policy is one file and one table of functions; `--scheduling-policy NAME` finds the table by its name. To add one:
 *
 *   1. copy the file that is most like it:   scheduling_sjf.c (a key known at arrival), scheduling_srpt.c (a key that changes),
 *                                             scheduling_mlfq.c (state per request), victim_lowest_progress.c, eviction_lfu.c
 *   2. add its name to the list of policies.h; or, from a program of your own that links libsim.a, hand the table to
 *      policy_register before the configuration is read
 *   3. state its source (paper, system) in its header comment and give it a small trace in tests/sim/policy/test_policies.c
 *
 * Where they are asked, once a step of vLLM V1's scheduler (vllm_v1.c):
 *
 *     arrivals ----> [ waiting, by scheduling_policy ] ----> running, in order of admission ----> finished
 *                          ^                                    |
 *                          '----- preempted, who it is ---------'   when blocks run out: preemption_victim
 *
 *     blocks:  released with content -> free, cached -> taken for something else, which first: eviction_policy
 *
 * Policies know requests by what is below and nothing else: no scheduler, no trace, no configuration. They decide nothing but order: the
 * token budget, the full-prompt gate, and that nobody is preempted but for want of blocks, stay vLLM's. Same calls in, same answers out:
 * no clocks, no addresses, no randomness.
 *
 * Thread rule: tables are constant and shared by all runs; `self` belongs to one run. Register before the first run starts.
 */
#ifndef PAGESIM_POLICY_H
#define PAGESIM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* The first member of every table. */
struct policy_info {
    const char *name;    /* as in the configuration; shorter than 64 bytes */
    const char *summary; /* one line: what it does and where it is from */
};

/* A request as a policy sees it. */
struct policy_request {
    int64_t arrival_ns;
    uint32_t position; /* 0 .. request_count - 1, in order of arrival */
    uint32_t input_tokens;
    uint32_t output_tokens; /* how many it will generate: known to a simulator only. Who looks at it says "oracle" in its summary. */
    int32_t priority;       /* lower is sooner */
    /* These change. Not for policies with a static key. */
    uint32_t known_tokens;    /* prompt and generated so far */
    uint32_t computed_tokens; /* with K/V present; 0 while it waits */
};

static inline uint32_t policy_generated_tokens(const struct policy_request *request)
{
    return request->known_tokens - request->input_tokens;
}

/* --- scheduling_policy: the order of waiting ---------------------------------------------------------------------------------------- */

enum policy_order {
    POLICY_ARRIVAL,      /* first come, first served; preempted requests go to the very front. No key */
    POLICY_STATIC_KEY,   /* the key depends on what is known at arrival: asked for once. Runs in the fast event replay */
    POLICY_CHANGING_KEY, /* asked for at arrival, at a preemption and, of running requests, whenever a victim is chosen */
};

/* What a policy may ask once, when a run starts. */
struct policy_setup {
    uint32_t request_count;
    /* The time of a step in which one request alone computes `tokens` after `context` tokens, as the run's step-time model prices it. */
    int64_t (*step_ns)(const void *model, uint32_t tokens, uint32_t context);
    const void *model;
};

enum policy_event_kind {
    POLICY_ARRIVED,   /* before its first key */
    POLICY_ADMITTED,  /* waiting -> running, first time or again; tokens = found in the prefix cache */
    POLICY_COMPUTED,  /* a step ended; tokens = computed in it; `generated`: and it brought an output token, which is known now */
    POLICY_PREEMPTED, /* running -> waiting, before its new key; tokens = computed ones lost */
    POLICY_FINISHED,  /* after the POLICY_COMPUTED of its last step */
};

struct policy_event {
    enum policy_event_kind kind;
    int64_t now_ns;
    int64_t step_ns; /* POLICY_COMPUTED: how long the step took */
    uint32_t tokens;
    bool generated;
};

/* The waiting requests, for before_admission. */
struct policy_waiting {
    uint32_t count;
    const uint32_t *positions; /* in no useful order */
    /* Tokens that the request would find in the prefix cache now. O(blocks found). */
    uint32_t (*cached_tokens)(struct policy_waiting *waiting, uint32_t position);
    /* Give a waiting request another key; counts when before_admission returns. */
    void (*set_key)(struct policy_waiting *waiting, uint32_t position, int64_t key);
};

struct scheduling_policy {
    struct policy_info info;
    enum policy_order order;
    /* Keys say nothing of running requests: vLLM's victim is then the one admitted last, as under fcfs. */
    bool waiting_only;
    /* Victims of equal key and arrival: vLLM's priority policy takes the first of the running list, with which requests can push each
     * other out for ever. All others leave this false: the one that comes last in the trace. */
    bool first_of_ties;
    /* Lower is sooner; ties go by position. NULL for POLICY_ARRIVAL only. */
    int64_t (*key)(void *self, const struct policy_request *request);

    /* The rest may be NULL; a policy that has `happened` or `before_admission` runs in the plain scheduler, not in the event replay. */
    enum status (*create)(const struct policy_setup *setup, void **self, struct diag *diag);
    void (*destroy)(void *self);
    void (*happened)(void *self, const struct policy_request *request, const struct policy_event *event);
    /* In each step that can admit somebody, before the first is looked at. Not with POLICY_ARRIVAL, which has no keys to set. */
    void (*before_admission)(void *self, int64_t now_ns, struct policy_waiting *waiting);
};

/* --- preemption_victim: who loses its blocks ------------------------------------------------------------------------------------------ */

/* The running requests; [count - 1] was admitted last. The one that needs a block is among them and may be the victim too. */
struct policy_running {
    uint32_t count;     /* >= 1 */
    bool ordered;       /* the scheduling policy has keys and they mean running requests too */
    bool first_of_ties; /* of the scheduling policy */
    struct policy_request (*request)(const struct policy_running *running, uint32_t at);
    /* The scheduling policy's key; only when `ordered`. */
    int64_t (*key)(const struct policy_running *running, uint32_t at);
    /* Of its computed tokens, the leading ones in blocks that other running requests hold too. O(blocks shared). */
    uint32_t (*shared_tokens)(const struct policy_running *running, uint32_t at);
};

struct preemption_victim {
    struct policy_info info;
    uint32_t (*choose)(const struct policy_running *running); /* 0 .. count - 1 */
};

/* --- eviction_policy: which cached block is taken for something else ------------------------------------------------------------------ */

/* A free block whose content can still be found. Free blocks without content are always taken first. */
struct policy_block {
    uint64_t touched; /* number of the admission that hit it last or, if none did, whose request filled it; counts up */
    uint64_t freed;   /* number of its release; counts up over all blocks */
    uint32_t hits;    /* requests that hit it since it was filled */
    uint32_t depth;   /* its place in the last such request's table, from 0 */
};

struct eviction_policy {
    struct policy_info info;
    /* Lowest goes first; ties: touched longest ago, then deepest. NULL: vLLM's queue. Asked for once each time the block becomes free. */
    uint64_t (*key)(const struct policy_block *block);
};

/* --- the known ones ------------------------------------------------------------------------------------------------------------------- */

enum policy_kind { POLICY_SCHEDULING, POLICY_VICTIM, POLICY_EVICTION, POLICY_KINDS };

enum { POLICY_NAME_SIZE = 64, POLICIES_MOST = 64 }; /* of a kind */

/* Make a policy known; &my_policy.info of a scheduling_policy, preemption_victim or eviction_policy, as `kind` says. The table must stay.
 * SIM_FAILED: the name is taken, too long or empty, a function is missing, or there are POLICIES_MOST already. */
SIM_NODISCARD enum status policy_register(enum policy_kind kind, const struct policy_info *info, struct diag *diag);

/* The i-th known policy in order of registration, built-in ones first; NULL after the last. */
const struct policy_info *policy_at(enum policy_kind kind, uint32_t i);

/* The table with this name, or NULL. */
const struct scheduling_policy *policy_find_scheduling(const char *name);
const struct preemption_victim *policy_find_victim(const char *name);
const struct eviction_policy *policy_find_eviction(const char *name);

#endif
