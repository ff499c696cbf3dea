/* scheduling_mlfq.c - FastServe's skip-join multi-level feedback queue: short jobs first without knowing which are short.
 *
 * Level k has a quantum of 10 ms * 2^k. Level 0 goes first; within a level, who entered it first (together: by arrival).
 *   join     a request skips the levels whose quantum its first iteration (its prompt, priced alone) does not fit into
 *   demote   an iteration ends with an output token; who has then used more than its level's quantum goes one level down. The time used
 *            is that of the steps it was part of. A prompt that is computed in chunks is one iteration
 *   promote  who has waited 3 s without a break enters level 0 at that moment
 * The three numbers are FastServe's.
 *
 * What a vLLM-like scheduler makes of it: FastServe chooses a batch anew in each iteration and swaps the K/V of those left out to the host.
 * Here a request that runs goes on until it finishes or blocks run out; then, with vLLM's victim, the one furthest down goes: the lowest
 * level, of that the last that entered. It comes back to its old place in its level. So levels decide who is admitted and who is
 * preempted, not who of the running gets the next step. A promoted request goes after those that are in level 0 already, where FastServe
 * puts it in front: two long prompts that do not fit together could otherwise push each other out for ever. Nor does a request change its
 * level before an iteration of it ends, so who stands first gets a token out of it.
 * Source: FastServe (Wu et al., arXiv 2305.05920) section 4.1; fastserve/scheduler.py, MLFQ.
 */
#include <stdlib.h>

#include "policy/policies.h"

#define QUANTUM_NS  INT64_C(10000000)
#define STARVED_NS  INT64_C(3000000000)
#define LEVELS      31
#define LEVEL_SHIFT 58 /* of the key; below it, when it entered the level: exact for nine years */
#define NO_POSITION UINT32_MAX

struct job {
    int64_t used_ns; /* at this level */
    int64_t waits_since_ns;
    int64_t entered_ns; /* its level */
    uint32_t level;
    uint32_t next, prev; /* in the list of those that wait and can starve, longest waiting first */
    bool listed;
};

struct mlfq {
    struct pagesim_policy_setup setup;
    uint32_t first, last;
    struct job jobs[]; /* by position */
};

static bool create(const struct pagesim_policy_setup *setup, void **self)
{
    struct mlfq *mlfq = calloc(1, sizeof *mlfq + setup->request_count * sizeof *mlfq->jobs);
    if (!mlfq)
        return false;
    mlfq->setup = *setup;
    mlfq->first = mlfq->last = NO_POSITION;
    *self = mlfq;
    return true;
}

/* Level first, then the time of entering it, which after nine years is the same for all and never the level. */
static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    const struct mlfq *mlfq = self;
    const struct job *job = &mlfq->jobs[request->position];
    const int64_t latest_ns = (INT64_C(1) << LEVEL_SHIFT) - 1;
    return ((int64_t)job->level << LEVEL_SHIFT) + (job->entered_ns < latest_ns ? job->entered_ns : latest_ns);
}

static void enter(struct job *job, uint32_t level, int64_t now_ns)
{
    job->level = level;
    job->entered_ns = now_ns;
    job->used_ns = 0;
}

/* Put a request that waits at the end of the list: it has waited least. */
static void list(struct mlfq *mlfq, uint32_t position, int64_t now_ns)
{
    struct job *job = &mlfq->jobs[position];
    job->waits_since_ns = now_ns;
    job->listed = true;
    job->prev = mlfq->last;
    job->next = NO_POSITION;
    *(mlfq->last == NO_POSITION ? &mlfq->first : &mlfq->jobs[mlfq->last].next) = position;
    mlfq->last = position;
}

static void unlist(struct mlfq *mlfq, uint32_t position)
{
    struct job *job = &mlfq->jobs[position];
    if (!job->listed)
        return;
    job->listed = false;
    *(job->prev == NO_POSITION ? &mlfq->first : &mlfq->jobs[job->prev].next) = job->next;
    *(job->next == NO_POSITION ? &mlfq->last : &mlfq->jobs[job->next].prev) = job->prev;
}

/* Skip-join: the first level whose quantum holds the whole prompt. */
static uint32_t level_to_join(const struct mlfq *mlfq, const struct pagesim_policy_request *request)
{
    int64_t first_iteration_ns = mlfq->setup.step_ns(mlfq->setup.model, request->input_tokens, 0);
    uint32_t level = 0;
    while (level < LEVELS - 1 && QUANTUM_NS << level < first_iteration_ns)
        level++;
    return level;
}

static void happened(void *self, const struct pagesim_policy_request *request, const struct pagesim_policy_event *event)
{
    struct mlfq *mlfq = self;
    struct job *job = &mlfq->jobs[request->position];
    switch (event->kind) {
    case PAGESIM_POLICY_ARRIVED:
        enter(job, level_to_join(mlfq, request), event->now_ns);
        list(mlfq, request->position, event->now_ns);
        break;
    case PAGESIM_POLICY_ADMITTED:
        unlist(mlfq, request->position);
        break;
    case PAGESIM_POLICY_COMPUTED:
        job->used_ns += event->step_ns;
        if (event->generated && job->used_ns > QUANTUM_NS << job->level && job->level < LEVELS - 1)
            enter(job, job->level + 1, event->now_ns);
        break;
    case PAGESIM_POLICY_PREEMPTED:
        list(mlfq, request->position, event->now_ns);
        break;
    case PAGESIM_POLICY_FINISHED:
        break;
    }
}

/* Until then nothing but used_ns changes, and nobody looks at that. */
static int64_t patience(void *self, const struct pagesim_policy_request *request)
{
    const struct job *job = &((const struct mlfq *)self)->jobs[request->position];
    return job->level < LEVELS - 1 ? (QUANTUM_NS << job->level) - job->used_ns : INT64_MAX;
}

/* Only the head of the list can have starved longest, so this looks at no more requests than it promotes. A promoted request enters at the
 * moment its three seconds were over, not at that of the step: so its place does not depend on when steps happen to end. */
static void before_admission(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting)
{
    struct mlfq *mlfq = self;
    while (mlfq->first != NO_POSITION && now_ns - mlfq->jobs[mlfq->first].waits_since_ns >= STARVED_NS) {
        uint32_t position = mlfq->first;
        struct job *job = &mlfq->jobs[position];
        unlist(mlfq, position);
        if (job->level == 0)
            continue;
        enter(job, 0, job->waits_since_ns + STARVED_NS);
        waiting->set_key(waiting, position, key(mlfq, &(struct pagesim_policy_request){.position = position}));
    }
}

const struct pagesim_scheduling_policy scheduling_mlfq = {
    .info = {"mlfq", "skip-join multi-level feedback queue (FastServe)"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .key = key,
    .create = create,
    .destroy = free,
    .happened = happened,
    .before_admission = before_admission,
    .patience = patience,
};
