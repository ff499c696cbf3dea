/* first_difference.c - digests of steps, the three passes that find the first step at which two replays differ, and the pairing of its
 * decisions. Read first_difference.h first for what a decision is and why there are three passes, then first_difference_find at the end.
 *
 *     pass 1  events and sums of each step       fast, knows consequences      an upper bound of the step
 *     pass 2  digest of each step's decisions    one step at a time            the step
 *     pass 3  the decisions of that step         one step at a time            what differs in it */
#include "study/first_difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/sort_with.h"
#include "replay/replay.h"
#include "study/parallel_runs.h"

/* By how much pass 2 moves its limit on when it saw no difference. It starts from the first step each time; with a factor of 8 all
 * earlier attempts together cost at most a seventh of the last one. */
enum { LIMIT_GROWTH = 8 };

/* One more value into a digest: the finaliser of splitmix64 (Steele, Lea, Flood 2014). The order of values counts, as it must: the same
 * requests in another order are other decisions. */
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
        .kind = kind, .request = trace_index(trace, position), .sample = trace_sample_of(trace, position), .value = value};
}

/* The three low bits keep the kind, so that values of two kinds cannot cancel out. */
static uint64_t mix_decision(uint64_t digest, const struct decision *decision)
{
    digest = mix(digest, (uint64_t)decision->request << 32 | decision->sample);
    return mix(digest, (uint64_t)decision->value << 3 | decision->kind);
}

/* --- pass 1: events and runs ---------------------------------------------------------------------------------------------------- */

/* New steps start from 0. Events and runs of a step come in separate batches, and a step may have only one of the two, so either may be
 * the first to reach it. */
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

/* Equal digests at a step do not mean equal decisions: two requests may have exchanged their shares of the budget. But that shows later,
 * in a first token or an end. So the first digest that differs is at the step that is looked for, or after it. Arrivals and drops are no
 * decisions of a step. A second admission counts like a first one: which of them it is follows from what happened before. */
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

/* Within a run of several steps every request decodes one token a step, so each step gets the same sums. Block counts and times are left
 * out: they differ between pools or models even if all decisions are the same. */
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

/* The first step at which they differ or that only one of them has; SIZE_MAX: none. A replay that ends earlier differs at the first step
 * that it lacks, and not before. */
static size_t first_step_that_differs(const struct step_digests *a, const struct step_digests *b)
{
    size_t i = 0;
    while (i < a->count && i < b->count && a->steps[i] == b->steps[i])
        i++;
    return i == a->count && i == b->count ? SIZE_MAX : i;
}

/* --- passes 2 and 3: the lists of single steps ----------------------------------------------------------------------------------- */

/* Watches steps before `limit`; keeps digests of all, or the decisions of one. */
struct step_watch {
    const struct compared_replay *side;
    uint64_t limit;
    bool stopped; /* there are steps from the limit on */
    struct step_digests digests;
    struct decided_step *kept; /* NULL: digests */
    struct decided_step scratch;
};

/* All decisions of a step, in order of enum decision_kind. `out` keeps its room from step to step: after the first few, watching allocates
 * nothing. */
static enum status read_step(const struct trace *trace, const struct step *step, struct decided_step *out, struct diag *diag)
{
    const size_t count =
        (size_t)step->preempted_count + step->resumed_count + step->admitted_count + step->ignored_count + step->scheduled_count;
    enum status status = array_reserve(&out->decisions, &out->capacity, count, sizeof *out->decisions, "the decisions of a step", diag);
    if (status != SIM_OK)
        return status;
    struct decision *next = out->decisions;
    out->count = count;
    out->exists = true;
    out->start_ns = step->tally.decided_ns; /* as in the decision log */
    for (uint32_t i = 0; i < step->preempted_count; i++)
        *next++ = name(trace, DECIDE_PREEMPT, step->preempted[i].request, step->preempted[i].kind);
    for (uint32_t i = 0; i < step->resumed_count; i++)
        *next++ = name(trace, DECIDE_SWAP_IN, step->resumed[i], 0);
    for (uint32_t i = 0; i < step->admitted_count; i++)
        *next++ = name(trace, DECIDE_ADMIT, step->admitted[i].request, step->admitted[i].cached_tokens);
    for (uint32_t i = 0; i < step->ignored_count; i++)
        *next++ = name(trace, DECIDE_IGNORE, step->ignored[i], 0);
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        *next++ = name(trace, DECIDE_COMPUTE, step->scheduled[i].request, step->scheduled[i].tokens);
    return SIM_OK;
}

/* Called for each step after schedule(), when the lists of the step are valid. Pass 3 (`kept`) wants the last step before the limit and
 * lets the others pass. An observer ends a replay by returning SIM_INTERRUPTED; watch_steps knows that it was meant. */
static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct step_watch *watch = self;
    const uint64_t number = step->tally.step;
    if (number >= watch->limit) {
        watch->stopped = true;
        return SIM_INTERRUPTED; /* seen enough */
    }
    if (watch->kept)
        return number + 1 == watch->limit ? read_step(watch->side->trace, step, watch->kept, diag) : SIM_OK;
    enum status status = read_step(watch->side->trace, step, &watch->scratch, diag);
    if (status == SIM_OK)
        status = reach_step(&watch->digests, number, diag);
    for (size_t i = 0; i < watch->scratch.count && status == SIM_OK; i++)
        watch->digests.steps[number] = mix_decision(watch->digests.steps[number], &watch->scratch.decisions[i]);
    return status;
}

/* Replay one side by the step-by-step scheduler, whose lists are what decisions are defined by, and stop at watch->limit. */
static enum status watch_steps(void *context, size_t side, struct diag *diag)
{
    struct step_watch *watch = &((struct step_watch *)context)[side];
    const struct observer observer = {.self = watch, .scheduled = on_scheduled};
    enum status status = replay_observed(watch->side->trace, watch->side->config, &observer, true, diag);
    return watch->stopped && status == SIM_INTERRUPTED ? SIM_OK : status;
}

static void watches_free(struct step_watch watches[2])
{
    for (int i = 0; i < 2; i++) {
        step_digests_free(&watches[i].digests);
        free(watches[i].scratch.decisions);
    }
}

/* Pass 2. The bound of pass 1 holds unless the two engines show the same decisions as different sums; then look at more and more steps.
 * If only one of the replays reached the limit, the other has ended before, and the number of digests differs: a step is found. So there
 * is more to look at only if both were stopped. */
static enum status find_step(const struct compared_replay sides[2], uint64_t limit, size_t *step, struct diag *diag)
{
    for (;; limit = limit > UINT64_MAX / LIMIT_GROWTH ? UINT64_MAX : limit * LIMIT_GROWTH) {
        struct step_watch watches[2] = {{.side = &sides[0], .limit = limit}, {.side = &sides[1], .limit = limit}};
        enum status status = parallel_runs(2, 0, watch_steps, watches, diag);
        *step = first_step_that_differs(&watches[0].digests, &watches[1].digests);
        const bool more = watches[0].stopped && watches[1].stopped;
        watches_free(watches);
        if (status != SIM_OK || *step != SIZE_MAX || !more)
            return status;
    }
}

/* --- what differs in that step ------------------------------------------------------------------------------------------------------- */

/* Decisions of both sides have places: A's in the scheduler's order, then B's. */
static const struct decision *decision_at(const struct first_difference *difference, size_t place)
{
    const struct decided_step *sides = difference->sides;
    return place < sides[0].count ? &sides[0].decisions[place] : &sides[1].decisions[place - sides[0].count];
}

/* Are both about the same thing? Then only the values may differ. Else which comes first. */
static int compare_names(const struct decision *a, const struct decision *b)
{
    if (a->kind != b->kind)
        return compare_u64(a->kind, b->kind);
    return a->request != b->request ? compare_u64(a->request, b->request) : compare_u64(a->sample, b->sample);
}

/* So that those about the same thing meet, A's first. */
static int by_name(const void *left, const void *right, void *difference)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const int order = compare_names(decision_at(difference, a), decision_at(difference, b));
    return order ? order : compare_u64(a, b);
}

/* Join both sides by name; a pair that differs goes to made[its first decision's place]. What is alike on both sides is left out.
 * `places` is sorted by name with A's first, so a decision of A is followed directly by that of B about the same thing, if there is one.
 * Writing into the place of the first decision brings back the scheduler's order without another sort. */
static void join(struct first_difference *difference, const size_t *places, size_t total, struct decision_pair *made)
{
    const size_t in_a = difference->sides[0].count;
    for (size_t i = 0; i < total; i++) {
        const struct decision *first = decision_at(difference, places[i]), *met = NULL;
        const size_t place = places[i];
        const bool of_a = place < in_a;
        if (of_a && i + 1 < total && places[i + 1] >= in_a && compare_names(first, decision_at(difference, places[i + 1])) == 0)
            met = decision_at(difference, places[++i]);
        if (met && met->value == first->value)
            continue;
        made[place] = (struct decision_pair){.kind = first->kind,
                                             .request = first->request,
                                             .sample = first->sample,
                                             .in_a = of_a,
                                             .in_b = !of_a || met,
                                             .a = of_a ? first->value : 0,
                                             .b = !of_a ? first->value
                                                  : met ? met->value
                                                        : 0};
        difference->pair_count++;
    }
}

/* Fill in difference->pairs: what differs, in order of kinds and then of places. No pair may come out although the steps differ: then
 * both sides decided the same in another order. */
static enum status pair_decisions(struct first_difference *difference, struct diag *diag)
{
    const size_t total = difference->sides[0].count + difference->sides[1].count;
    size_t *places = NULL, count = 0;
    struct decision_pair *made = NULL;
    const struct array_request arrays[] = {ARRAY_OF(places, total), ARRAY_OF(made, total), ARRAY_OF(difference->pairs, total)};
    enum status status = array_zeroed_all(arrays, 3, "decisions that differ", diag);
    if (status == SIM_OK) {
        for (size_t i = 0; i < total; i++)
            places[i] = i;
        sort_with(places, total, sizeof *places, by_name, difference);
        join(difference, places, total, made);
        for (int kind = DECIDE_PREEMPT; kind <= DECIDE_COMPUTE; kind++)
            for (size_t i = 0; i < total; i++)
                if ((made[i].in_a || made[i].in_b) && (int)made[i].kind == kind)
                    difference->pairs[count++] = made[i];
    }
    free(places);
    free(made);
    return status;
}

/* --- together -------------------------------------------------------------------------------------------------------------------- */

/* A bound of SIZE_MAX means that pass 1 saw nothing different, which is no proof; pass 2 then goes to the end of both replays. Both sides
 * of a pass run at once, each with a watch of its own. */
enum status first_difference_find(const struct compared_replay sides[2], struct first_difference *out, struct diag *diag)
{
    *out = (struct first_difference){0};
    const size_t bound = first_step_that_differs(sides[0].digests, sides[1].digests);
    size_t step;
    enum status status = find_step(sides, bound == SIZE_MAX ? UINT64_MAX : (uint64_t)bound + 1, &step, diag);
    if (status != SIM_OK || step == SIZE_MAX)
        return status;
    struct step_watch watches[2] = {{.side = &sides[0], .limit = step + 1, .kept = &out->sides[0]},
                                    {.side = &sides[1], .limit = step + 1, .kept = &out->sides[1]}};
    status = parallel_runs(2, 0, watch_steps, watches, diag);
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
