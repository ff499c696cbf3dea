/* scheduling_vtc.c - fair share by tenant: the waiting request of the tenant that was served least comes first. Read happened() first.
 *
 *   service   a counter a tenant: prompt tokens, counted once when a request is first admitted, and output tokens, each when it is generated;
 *             weighted (keys fair_input_weight and fair_output_weight; the paper's are 1 and 2)
 *   lift      a tenant of whom nobody waits when a request of it arrives may not have saved up service: its counter becomes at least the least
 *             of those of whom somebody waits or, if nobody waits, that of the tenant who was the last to leave the queue
 *   order     least counter first, and of one tenant by arrival. Each admission moves its tenant's counter on before the next is chosen
 *
 * The last is said with keys: the key of a tenant's k-th waiting request is what the counter will be when the k-1 before it are admitted. Sorted
 * by key that is the paper's choice of the least counter, over and over.
 *
 * Where no row of the trace names a tenant, each session is one; without sessions all requests are one tenant's and the order is that of arrival.
 * What is simplified: the paper's system reserves room for whole answers and never preempts. Here a preempted request waits in front of its
 * tenant's others, and what is computed again is charged to nobody. Victims are vLLM's: the last admitted, whoever it is.
 * Source: Sheng et al., Fairness in Serving Large Language Models, OSDI'24 (arXiv 2401.00588), algorithm 2.
 */
#include <stdlib.h>

#include "policy/policies.h"

enum { UNIT = 1000 }; /* counters are in thousandths of a token, as weights may be fractions */
#define NOBODY UINT32_MAX

struct job {
    uint32_t next, prev; /* in the list of its tenant's waiting requests */
    uint32_t input_tokens;
    bool listed, charged;
};

struct tenant {
    int64_t served;
    uint32_t first, last; /* of its waiting requests; NOBODY: none waits */
    uint32_t place;       /* in `waiting`, while somebody waits */
};

struct vtc {
    int64_t input_price, output_price; /* of a token */
    struct tenant *tenants;
    uint32_t *waiting; /* tenants of whom somebody waits, in no order */
    uint32_t waiting_count, last_to_leave;
    struct job *jobs; /* by position */
};

static void destroy(void *self)
{
    struct vtc *vtc = self;
    if (!vtc)
        return;
    free(vtc->tenants);
    free(vtc->waiting);
    free(vtc->jobs);
    free(vtc);
}

static bool create(const struct pagesim_policy_setup *setup, void **self)
{
    struct vtc *vtc = calloc(1, sizeof *vtc);
    if (!vtc)
        return false;
    vtc->input_price = (int64_t)(setup->input_weight * UNIT + 0.5);
    vtc->output_price = (int64_t)(setup->output_weight * UNIT + 0.5);
    vtc->last_to_leave = NOBODY;
    vtc->tenants = calloc(setup->tenant_count, sizeof *vtc->tenants);
    vtc->waiting = calloc(setup->tenant_count, sizeof *vtc->waiting);
    vtc->jobs = calloc(setup->request_count, sizeof *vtc->jobs);
    if (!vtc->tenants || !vtc->waiting || !vtc->jobs) {
        destroy(vtc);
        return false;
    }
    for (uint32_t i = 0; i < setup->tenant_count; i++)
        vtc->tenants[i].first = vtc->tenants[i].last = NOBODY;
    *self = vtc;
    return true;
}

/* Counters end at the largest number, where all are equal, instead of starting over. */
static int64_t plus(int64_t served, int64_t price, uint32_t tokens)
{
    int64_t cost, sum;
    return __builtin_mul_overflow(price, (int64_t)tokens, &cost) || __builtin_add_overflow(served, cost, &sum) ? INT64_MAX : sum;
}

/* Behind its tenant's other waiting requests, or in front of them. */
static void list(struct vtc *vtc, const struct pagesim_policy_request *request, bool in_front)
{
    struct tenant *tenant = &vtc->tenants[request->tenant];
    struct job *job = &vtc->jobs[request->position];
    if (tenant->first == NOBODY) {
        tenant->place = vtc->waiting_count;
        vtc->waiting[vtc->waiting_count++] = request->tenant;
    }
    job->listed = true;
    job->input_tokens = request->input_tokens;
    job->prev = in_front ? NOBODY : tenant->last;
    job->next = in_front ? tenant->first : NOBODY;
    *(job->prev == NOBODY ? &tenant->first : &vtc->jobs[job->prev].next) = request->position;
    *(job->next == NOBODY ? &tenant->last : &vtc->jobs[job->next].prev) = request->position;
}

static void unlist(struct vtc *vtc, const struct pagesim_policy_request *request)
{
    struct tenant *tenant = &vtc->tenants[request->tenant];
    struct job *job = &vtc->jobs[request->position];
    if (!job->listed)
        return;
    job->listed = false;
    *(job->prev == NOBODY ? &tenant->first : &vtc->jobs[job->prev].next) = job->next;
    *(job->next == NOBODY ? &tenant->last : &vtc->jobs[job->next].prev) = job->prev;
    if (tenant->first != NOBODY)
        return;
    const uint32_t moved = vtc->waiting[--vtc->waiting_count];
    vtc->waiting[tenant->place] = moved;
    vtc->tenants[moved].place = tenant->place;
    vtc->last_to_leave = request->tenant;
}

/* Before its request is listed. O(tenants of whom somebody waits), and only for those of whom nobody does. */
static void lift(struct vtc *vtc, uint32_t number)
{
    struct tenant *tenant = &vtc->tenants[number];
    if (tenant->first != NOBODY)
        return;
    int64_t least = vtc->waiting_count > 0 ? INT64_MAX : vtc->last_to_leave != NOBODY ? vtc->tenants[vtc->last_to_leave].served : 0;
    for (uint32_t i = 0; i < vtc->waiting_count; i++)
        if (vtc->tenants[vtc->waiting[i]].served < least)
            least = vtc->tenants[vtc->waiting[i]].served;
    if (tenant->served < least)
        tenant->served = least;
}

static void happened(void *self, const struct pagesim_policy_request *request, const struct pagesim_policy_event *event)
{
    struct vtc *vtc = self;
    struct tenant *tenant = &vtc->tenants[request->tenant];
    struct job *job = &vtc->jobs[request->position];
    switch (event->kind) {
    case PAGESIM_POLICY_ARRIVED:
        lift(vtc, request->tenant);
        list(vtc, request, false);
        break;
    case PAGESIM_POLICY_ADMITTED:
        unlist(vtc, request);
        if (!job->charged)
            tenant->served = plus(tenant->served, vtc->input_price, request->input_tokens);
        job->charged = true;
        break;
    case PAGESIM_POLICY_COMPUTED:
        tenant->served = plus(tenant->served, vtc->output_price, event->generated);
        break;
    case PAGESIM_POLICY_PREEMPTED:
        list(vtc, request, true);
        break;
    case PAGESIM_POLICY_FINISHED:
        unlist(vtc, request); /* its last token was on its way when it was preempted */
        break;
    }
}

/* Until before_admission says what stands in front of it. */
static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    return ((const struct vtc *)self)->tenants[request->tenant].served;
}

/* A request that costs nothing any more moves the counter on by the least there is, so that those of its tenant stay in order. */
static void before_admission(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting)
{
    const struct vtc *vtc = self;
    (void)now_ns;
    for (uint32_t i = 0; i < vtc->waiting_count; i++) {
        const struct tenant *tenant = &vtc->tenants[vtc->waiting[i]];
        int64_t served = tenant->served;
        for (uint32_t at = tenant->first; at != NOBODY; at = vtc->jobs[at].next) {
            waiting->set_key(waiting, at, served);
            served = plus(served, vtc->jobs[at].charged ? 0 : vtc->input_price, vtc->jobs[at].input_tokens);
            served += served < INT64_MAX;
        }
    }
}

const struct pagesim_scheduling_policy scheduling_vtc = {
    .info = {"vtc", "fair share by tenant: virtual token counters (Sheng et al. 2024)"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .waiting_only = true,
    .key = key,
    .create = create,
    .destroy = destroy,
    .happened = happened,
    .before_admission = before_admission,
};
