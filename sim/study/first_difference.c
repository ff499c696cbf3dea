/* first_difference.c - digests of steps, the three passes that find the first step at which two replays differ, and the pairing of its
 * decisions. Read first_difference.h first for what a decision is and why there are three passes. */
#include "study/first_difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "replay/replay.h"

enum { LIMIT_GROWTH = 8 };

/* One more value into a digest: the finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t digest, uint64_t value)
{
    uint64_t z = digest * UINT64_C(0x9E3779B97F4A7C15) + value + 1;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A decision about the request at `position`, under its name in the file: positions differ between engines that expand samples. */
static struct decision name(const struct trace *trace, enum decision_kind kind, uint32_t position, int64_t value)
{
    return (struct decision){
        .kind = kind, .request = trace->index[position], .sample = trace->sample ? trace->sample[position] : 0, .value = value};
}

/* The three low bits keep the kind, so that values of two kinds cannot cancel out. */
static uint64_t mix_decision(uint64_t digest, const struct decision *decision)
{
    digest = mix(digest, (uint64_t)decision->request << 32 | decision->sample);
    return mix(digest, (uint64_t)decision->value << 3 | decision->kind);
}

/* --- pass 1: events and runs ---------------------------------------------------------------------------------------------------- */

/* New steps start from 0. */
static enum status reach_step(struct step_digests *digests, uint64_t step, struct diag *diag)
{
    if (step < digests->count)
        return SIM_OK;
    enum status status =
        array_reserve(&digests->steps, &digests->capacity, (size_t)step + 1, sizeof *digests->steps, "digests of steps", diag);
    if (status != SIM_OK)
        return status;
    memset(digests->steps + digests->count, 0, ((size_t)step + 1 - digests->count) * sizeof *digests->steps);
    digests->count = (size_t)step + 1;
    return SIM_OK;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct step_digests *digests = self;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        const bool counts = event->kind == EVENT_ADMIT || event->kind == EVENT_READMIT || event->kind == EVENT_PREEMPT ||
                            event->kind == EVENT_SWAP_IN || event->kind == EVENT_FIRST_TOKEN || event->kind == EVENT_FINISH ||
                            event->kind == EVENT_IGNORE;
        if (!counts)
            continue;
        enum status status = reach_step(digests, event->step, diag);
        if (status != SIM_OK)
            return status;
        /* First tokens and ends are no decisions but follow from them (from who computed how much), so they may go in too. */
        const bool admits = event->kind == EVENT_ADMIT || event->kind == EVENT_READMIT;
        struct decision named = name(digests->trace, DECIDE_COMPUTE, event->request,
                                     admits                         ? event->value
                                     : event->kind == EVENT_PREEMPT ? event->extra
                                                                    : 0);
        digests->steps[event->step] = mix(mix_decision(digests->steps[event->step], &named), admits ? EVENT_ADMIT : event->kind);
    }
    return SIM_OK;
}

/* Within a run of several steps every request decodes one token a step, so each step gets the same sums. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct step_digests *digests = self;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *first = &runs[i].first;
        if (first->step == TALLY_GAP)
            continue;
        const uint64_t end = first->step + runs[i].steps;
        enum status status = reach_step(digests, end - 1, diag);
        if (status != SIM_OK)
            return status;
        for (uint64_t step = first->step; step < end; step++) {
            uint64_t digest = mix(digests->steps[step], (uint64_t)first->scheduled_tokens << 32 | first->scheduled_sequences);
            digests->steps[step] = mix(digest, (uint64_t)first->prefill_tokens << 32 | first->sampled_tokens);
        }
    }
    return SIM_OK;
}

struct observer step_digests_observer(struct step_digests *digests)
{
    return (struct observer){.self = digests, .events = on_events, .runs = on_runs};
}

void step_digests_free(struct step_digests *digests)
{
    free(digests->steps);
    *digests = (struct step_digests){0};
}

/* The first step at which they differ or that only one of them has; SIZE_MAX: none. */
static size_t first_step_that_differs(const struct step_digests *a, const struct step_digests *b)
{
    const size_t both = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < both; i++)
        if (a->steps[i] != b->steps[i])
            return i;
    return a->count == b->count ? SIZE_MAX : both;
}

/* --- passes 2 and 3: the lists of single steps ----------------------------------------------------------------------------------- */

/* Watches steps before `limit`; keeps digests of all, or the decisions of one. */
struct step_watch {
    const struct trace *trace;
    uint64_t limit;
    bool stopped; /* there are steps from the limit on */
    struct step_digests digests;
    struct decided_step *kept; /* NULL: digests */
    struct decided_step scratch;
};

/* `step` keeps its room from step to step: after the first few, watching allocates nothing. */
static enum status add_decision(struct decided_step *step, const struct decision *decision, struct diag *diag)
{
    enum status status =
        array_reserve(&step->decisions, &step->capacity, step->count + 1, sizeof *step->decisions, "the decisions of a step", diag);
    if (status == SIM_OK)
        step->decisions[step->count++] = *decision;
    return status;
}

/* All decisions of a step, in order of enum decision_kind. */
static enum status read_step(const struct trace *trace, const struct step *step, struct decided_step *out, struct diag *diag)
{
    enum status status = SIM_OK;
    struct decision made;
    out->count = 0;
    out->exists = true;
    out->start_ns = step->tally.start_ns;
    for (uint32_t i = 0; i < step->preempted_count && status == SIM_OK; i++) {
        made = name(trace, DECIDE_PREEMPT, step->preempted[i].request, step->preempted[i].kind);
        status = add_decision(out, &made, diag);
    }
    for (uint32_t i = 0; i < step->resumed_count && status == SIM_OK; i++) {
        made = name(trace, DECIDE_SWAP_IN, step->resumed[i], 0);
        status = add_decision(out, &made, diag);
    }
    for (uint32_t i = 0; i < step->admitted_count && status == SIM_OK; i++) {
        made = name(trace, DECIDE_ADMIT, step->admitted[i].request, step->admitted[i].cached_tokens);
        status = add_decision(out, &made, diag);
    }
    for (uint32_t i = 0; i < step->ignored_count && status == SIM_OK; i++) {
        made = name(trace, DECIDE_IGNORE, step->ignored[i], 0);
        status = add_decision(out, &made, diag);
    }
    for (uint32_t i = 0; i < step->scheduled_count && status == SIM_OK; i++) {
        made = name(trace, DECIDE_COMPUTE, step->scheduled[i].request, step->scheduled[i].tokens);
        status = add_decision(out, &made, diag);
    }
    return status;
}

static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct step_watch *watch = self;
    const uint64_t number = step->tally.step;
    if (number >= watch->limit) {
        watch->stopped = true;
        return SIM_INTERRUPTED; /* seen enough */
    }
    if (watch->kept)
        return number + 1 == watch->limit ? read_step(watch->trace, step, watch->kept, diag) : SIM_OK;
    enum status status = read_step(watch->trace, step, &watch->scratch, diag);
    if (status == SIM_OK)
        status = reach_step(&watch->digests, number, diag);
    for (size_t i = 0; i < watch->scratch.count && status == SIM_OK; i++)
        watch->digests.steps[number] = mix_decision(watch->digests.steps[number], &watch->scratch.decisions[i]);
    return status;
}

/* Replay one side by the step-by-step scheduler, whose lists are what decisions are defined by, and stop at watch->limit. */
static enum status watch_steps(const struct compared_replay *side, struct step_watch *watch, struct diag *diag)
{
    struct step_time_model *model;
    struct replay_facts facts;
    const struct replay_options options = {.reference = true};
    const struct observer observer = {.self = watch, .scheduled = on_scheduled};
    watch->trace = side->trace;
    enum status status = step_time_create(side->config, &model, diag);
    if (status != SIM_OK)
        return status;
    status = replay_run(side->trace, side->config, model, &observer, 1, &options, &facts, diag);
    step_time_destroy(model);
    return watch->stopped && status == SIM_INTERRUPTED ? SIM_OK : status;
}

static enum status watch_both(const struct compared_replay sides[2], struct step_watch watches[2], struct diag *diag)
{
    struct diag diags[2] = {{0}};
    enum status statuses[2];
#pragma omp parallel for default(none) shared(sides, watches, diags, statuses)
    for (int i = 0; i < 2; i++)
        statuses[i] = watch_steps(&sides[i], &watches[i], &diags[i]);
    for (int i = 0; i < 2; i++)
        if (statuses[i] != SIM_OK)
            return diag_set(diag, statuses[i], "%s", diags[i].text);
    return SIM_OK;
}

static void watches_free(struct step_watch watches[2])
{
    for (int i = 0; i < 2; i++) {
        step_digests_free(&watches[i].digests);
        free(watches[i].scratch.decisions);
    }
}

/* Pass 2. The bound of pass 1 holds unless the two engines show the same decisions as different sums; then look at more and more steps. */
static enum status find_step(const struct compared_replay sides[2], uint64_t limit, size_t *step, struct diag *diag)
{
    for (;; limit = limit > UINT64_MAX / LIMIT_GROWTH ? UINT64_MAX : limit * LIMIT_GROWTH) {
        struct step_watch watches[2] = {{.limit = limit}, {.limit = limit}};
        enum status status = watch_both(sides, watches, diag);
        *step = first_step_that_differs(&watches[0].digests, &watches[1].digests);
        const bool more = watches[0].stopped && watches[1].stopped;
        watches_free(watches);
        if (status != SIM_OK || *step != SIZE_MAX || !more)
            return status;
    }
}

/* --- what differs in that step ---------------------------------------------------------------------------------------------------------------- */

/* A decision with its place, sorted so that those about the same request meet. */
struct placed {
    const struct decision *decision;
    size_t place; /* in A; what is only in B comes after */
    bool in_b;
};

static int by_name(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    const struct decision *l = left->decision, *r = right->decision;
    if (l->kind != r->kind)
        return l->kind < r->kind ? -1 : 1;
    if (l->request != r->request)
        return l->request < r->request ? -1 : 1;
    if (l->sample != r->sample)
        return l->sample < r->sample ? -1 : 1;
    return left->in_b - right->in_b;
}

/* Are both about the same thing? Then only the values may differ. */
static bool same_name(const struct decision *a, const struct decision *b)
{
    return a->kind == b->kind && a->request == b->request && a->sample == b->sample;
}

struct placed_pair {
    struct decision_pair pair;
    size_t place;
};

static int by_place(const void *a, const void *b)
{
    const struct placed_pair *left = a, *right = b;
    if (left->pair.kind != right->pair.kind)
        return left->pair.kind < right->pair.kind ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

static struct placed_pair join(const struct placed *from, const struct placed *other)
{
    struct placed_pair made = {.place = from->place};
    made.pair.kind = from->decision->kind;
    made.pair.request = from->decision->request;
    made.pair.sample = from->decision->sample;
    made.pair.in_a = !from->in_b;
    made.pair.in_b = from->in_b || other;
    made.pair.a = from->in_b ? 0 : from->decision->value;
    made.pair.b = from->in_b ? from->decision->value : other ? other->decision->value : 0;
    return made;
}

/* `all` is sorted by name, so two decisions about the same thing are neighbours, A's first. What is alike on both sides is left out. */
static size_t pair_up(const struct placed *all, size_t total, struct placed_pair *out)
{
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        const bool met = i + 1 < total && !all[i].in_b && all[i + 1].in_b && same_name(all[i].decision, all[i + 1].decision);
        const struct placed_pair made = join(&all[i], met ? &all[i + 1] : NULL);
        i += met;
        if (!met || made.pair.a != made.pair.b)
            out[count++] = made;
    }
    return count;
}

/* Fill in difference->pairs: join both lists by name, then sort what differs into the scheduler's order again. */
static enum status pair_decisions(struct first_difference *difference, struct diag *diag)
{
    const size_t in_a = difference->sides[0].count, total = in_a + difference->sides[1].count;
    struct placed *all = NULL;
    struct placed_pair *made = NULL;
    enum status status = array_zeroed(&all, total, sizeof *all, "decisions that differ", diag);
    if (status == SIM_OK)
        status = array_zeroed(&made, total, sizeof *made, "decisions that differ", diag);
    if (status == SIM_OK)
        status = array_zeroed(&difference->pairs, total, sizeof *difference->pairs, "decisions that differ", diag);
    if (status == SIM_OK) {
        for (size_t i = 0; i < total; i++)
            all[i] = (struct placed){.decision = i < in_a ? &difference->sides[0].decisions[i] : &difference->sides[1].decisions[i - in_a],
                                     .place = i,
                                     .in_b = i >= in_a};
        qsort(all, total, sizeof *all, by_name);
        difference->pair_count = pair_up(all, total, made);
        qsort(made, difference->pair_count, sizeof *made, by_place);
        for (size_t i = 0; i < difference->pair_count; i++)
            difference->pairs[i] = made[i].pair;
    }
    free(all);
    free(made);
    return status;
}

/* --- together -------------------------------------------------------------------------------------------------------------------- */

enum status first_difference_find(const struct compared_replay sides[2], struct first_difference *out, struct diag *diag)
{
    *out = (struct first_difference){0};
    const size_t bound = first_step_that_differs(sides[0].digests, sides[1].digests);
    size_t step;
    enum status status = find_step(sides, bound == SIZE_MAX ? UINT64_MAX : (uint64_t)bound + 1, &step, diag);
    if (status != SIM_OK || step == SIZE_MAX)
        return status;
    struct step_watch watches[2] = {{.limit = step + 1, .kept = &out->sides[0]}, {.limit = step + 1, .kept = &out->sides[1]}};
    status = watch_both(sides, watches, diag);
    out->found = status == SIM_OK;
    out->step = step;
    return status == SIM_OK ? pair_decisions(out, diag) : status;
}

void first_difference_free(struct first_difference *difference)
{
    free(difference->sides[0].decisions);
    free(difference->sides[1].decisions);
    free(difference->pairs);
    *difference = (struct first_difference){0};
}
