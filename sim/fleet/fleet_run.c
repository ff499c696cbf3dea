/* fleet_run.c - the second pass: each replica's requests replayed alone, and the sum of all. Read fleet_run.h first, then fleet_replay. */
#include "fleet/fleet_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "fleet/hand_over.h"
#include "fleet/routing.h"
#include "fleet/routing_wait.h"
#include "team.h"

/* --- one replica ------------------------------------------------------------------------------------------------------------------- */

/* A server that failed had steps under way, whose outputs nobody got. */
struct until {
    struct observer metrics;
    int64_t until_ns;
};

static enum status events_until(void *self, const struct event *events, size_t count, struct diag *diag)
{
    const struct until *until = self;
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        if (events[i].time_ns <= until->until_ns)
            status = until->metrics.events(until->metrics.self, &events[i], 1, diag);
    return status;
}

static enum status runs_until(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    const struct until *until = self;
    return until->metrics.runs(until->metrics.self, runs, count, diag);
}

static enum status finish_until(void *self, const struct run_end *end, struct diag *diag)
{
    const struct until *until = self;
    return until->metrics.finish(until->metrics.self, end, diag);
}

/* The last observers are those of others. */
static enum status replay_watched(struct fleet_part *part, const struct replay_options *options, const struct observer *others,
                                  size_t other_count, struct diag *diag)
{
    const struct fleet_member *member = part->member;
    struct replay_options how = {.reference = options->reference, .check = options->check, .until_ns = member->failed ? member->end_ns : 0};
    struct until until = {.metrics = metrics_observer(&part->metrics), .until_ns = member->end_ns};
    const struct observer cut = {.self = &until, .events = events_until, .runs = runs_until, .finish = finish_until};
    struct observer observers[2 + FLEET_OBSERVERS_MOST] = {member->failed ? cut : until.metrics, ledger_observer(&part->ledger)};
    for (size_t i = 0; i < other_count; i++)
        observers[2 + i] = others[i];
    return replay_run(part->requests, &part->kind->config, part->kind->model, observers, 2 + other_count, &how, &part->facts, diag);
}

/* What pictures need is kept in the end as small as they show it: there may be hundreds of replicas. */
static enum status replay_part(const struct fleet *fleet, struct fleet_part *part, const struct replay_options *options, struct diag *diag)
{
    struct observer others[FLEET_OBSERVERS_MOST];
    const struct fleet_watcher *watcher = fleet->watcher;
    size_t count = 0;
    enum status status = fleet->keeps_courses ? replica_course_create(&part->course, diag) : SIM_OK;
    if (status == SIM_OK && part->course)
        others[count++] = replica_course_observer(part->course);
    if (status == SIM_OK && watcher)
        status = watcher->open(watcher->self, part, others, &count, diag);
    if (status != SIM_OK)
        return status;
    status = replay_watched(part, options, others, count, diag);
    if (watcher)
        status = watcher->close(watcher->self, part, status, diag);
    if (status == SIM_OK && part->course)
        replica_course_end(part->course, min_i64(part->member->end_ns, part->facts.end.end_ns));
    return status;
}

/* The two passes have to agree. They can only differ where the prompt of a later turn is shorter than what was said before it and the turn
 * between the two went elsewhere: what both have in common is not known from the turns of one replica. */
static enum status check_ends(const struct fleet_part *part, const struct fleet_routes *routes, struct diag *diag)
{
    const struct fleet_member *member = part->member;
    for (size_t i = 0; routes->ended_ns && i < member->count; i++) {
        const uint32_t position = member->requests[i].position;
        const int64_t routed_ns = routes->ended_ns[position];
        if (routed_ns < 0 || routes->member_of[position] != (uint32_t)(member - routes->members))
            continue;
        const struct request_story story = metrics_engine_story(&part->metrics, (uint32_t)i);
        const int64_t replayed_ns = story.dropped ? routed_ns : story.finish_ns; /* a rejected one ends when it comes */
        if (replayed_ns != routed_ns)
            return diag_set(diag, SIM_FAILED,
                            "request %u ended at %lld ns when it was routed and at %lld ns when its replica was replayed%s",
                            trace_index(part->requests, (uint32_t)i), (long long)routed_ns, (long long)replayed_ns,
                            part->requests->session ? "; turns of its session are on several replicas and shorter than what they follow: "
                                                      "give hash ids"
                                                    : ", which is an error of pagesim");
    }
    return SIM_OK;
}

/* Servers that do the same work. */
struct stage {
    uint32_t number;
    const struct trace *requests;
    const uint32_t *order; /* from its positions to the trace's; NULL: they are the same */
    struct routing_part part;
    enum metrics_part does;
    struct metrics *whole; /* of all stages */
};

static enum status run_part(const struct fleet *fleet, const struct stage *stage, struct fleet_part *part,
                            const struct replay_options *options, struct diag *diag)
{
    const struct fleet_routes *routes = &fleet->routes[stage->number];
    const uint32_t member = (uint32_t)(part->member - routes->members);
    if (part->member->count == 0)
        return SIM_OK;
    enum status status = fleet_routes_trace(routes, member, stage->requests, fleet->watcher != NULL, &part->requests, diag);
    if (status == SIM_OK)
        status = metrics_init(&part->metrics, part->requests, diag);
    if (status == SIM_OK)
        stream_pauses_init(&part->metrics.pauses, &part->kind->model->config);
    ledger_init(&part->ledger, part->requests, &part->kind->config);
    if (status == SIM_OK)
        status = replay_part(fleet, part, options, diag);
    if (status == SIM_OK)
        status = gap_distribution_pack(&part->metrics.gaps, diag);
    if (status != SIM_OK)
        return status;
    trace_drop_ids(part->requests);
    return check_ends(part, routes, diag);
}

/* The first replica, by number, that could not be replayed is told. */
struct outcome {
    enum status status;
    struct diag diag;
};

/* How far a fleet is, in requests of the trace: each pass of each stage is a leg of the way. */
struct leg {
    const struct replay_options *options;
    uint32_t from, to, all; /* legs */
};

static bool leg_progress(void *context, uint64_t done, uint64_t total)
{
    const struct leg *leg = context;
    const double share = (leg->from + (leg->to - leg->from) * ((double)done / (double)max_u64(total, 1))) / leg->all;
    return leg->options->progress && leg->options->progress(leg->options->progress_context, (uint64_t)(share * (double)total), total);
}

/* Where the stories of a part belong: those that it had last. */
static enum status add_stories(const struct fleet *fleet, const struct stage *stage, const struct fleet_part *part, struct diag *diag)
{
    const struct fleet_routes *routes = &fleet->routes[stage->number];
    const struct fleet_member *member = part->member;
    uint32_t *servers = part->does == METRICS_PREFILL ? fleet->prefilled_by : fleet->answered_by;
    uint32_t *positions = NULL;
    enum status status = array_zeroed(&positions, member->count, sizeof *positions, "the fleet", diag);
    for (size_t i = 0; i < member->count && status == SIM_OK; i++) {
        const uint32_t position = member->requests[i].position;
        const bool last = routes->member_of[position] == (uint32_t)(member - routes->members);
        positions[i] = !last ? UINT32_MAX : stage->order ? stage->order[position] : position;
        if (last)
            servers[positions[i]] = member->number;
    }
    if (status == SIM_OK)
        status = metrics_merge(stage->whole, &part->metrics, positions, part->does, diag);
    free(positions);
    return status;
}

/* What one thread does at a time, while others replay. In which order parts are added makes no difference to the sum. */
static enum status add_part(struct fleet *fleet, const struct stage *stage, struct fleet_part *part, struct diag *diag)
{
    enum status status = part->requests ? add_stories(fleet, stage, part, diag) : SIM_OK;
    if (status == SIM_OK && part->does != METRICS_PREFILL)
        status = gap_distribution_take(&stage->whole->gaps, &part->metrics.gaps, diag);
    gap_distribution_deinit(&part->metrics.gaps); /* few replicas have theirs in memory */
    return status;
}

/* parts: those of the stage. */
static enum status run_parts(struct fleet *fleet, const struct stage *stage, struct fleet_part *parts, size_t count, struct leg *leg,
                             struct diag *diag)
{
    struct outcome *outcomes;
    const uint32_t requests = stage->requests->count;
    uint64_t done = 0;
    bool stopped = false;
    enum status status = array_zeroed(&outcomes, count, sizeof *outcomes, "the fleet", diag);
    if (status != SIM_OK)
        return status;
#pragma omp parallel for schedule(dynamic, 1) num_threads(kv_team(0))
    for (size_t i = 0; i < count; i++) {
        bool stop;
#pragma omp atomic read
        stop = stopped;
        if (!stop)
            outcomes[i].status = run_part(fleet, stage, &parts[i], leg->options, &outcomes[i].diag);
#pragma omp critical(fleet_sum)
        {
            if (!stop && outcomes[i].status == SIM_OK)
                outcomes[i].status = add_part(fleet, stage, &parts[i], &outcomes[i].diag);
            done += parts[i].member->count;
            if (!stopped && leg_progress(leg, min_u64(done, requests), requests)) {
#pragma omp atomic write
                stopped = true;
            }
        }
    }
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        if (outcomes[i].status != SIM_OK) {
            status = outcomes[i].status;
            *diag = outcomes[i].diag;
        }
    free(outcomes);
    return status == SIM_OK && stopped ? diag_set(diag, SIM_INTERRUPTED, "interrupted") : status;
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------- */

static void add_facts(const struct replay_facts *part, struct replay_facts *whole)
{
    struct run_end *end = &whole->end;
    const bool dies = (part->end.stalled || part->end.abort) && !(end->stalled || end->abort);
    if (dies) { /* the first one is told */
        memcpy(whole->diagnosis, part->diagnosis, sizeof whole->diagnosis);
        memcpy(whole->abort, part->abort, sizeof whole->abort);
        end->abort = part->end.abort ? whole->abort : NULL;
    }
    end->stalled = end->stalled || part->end.stalled;
    end->steps += part->end.steps;
    end->end_ns = max_i64(end->end_ns, part->end.end_ns);
    end->drafts.verified += part->end.drafts.verified;
    for (int i = 0; i < SPECULATIVE_TOKENS_MOST; i++)
        end->drafts.accepted_at[i] += part->end.drafts.accepted_at[i];
    whole->by_events = whole->by_events && part->by_events;
}

/* What it costs and how even it is. A replica counts from its start to its end, which for those that stay is the fleet's. */
static void sum_up(struct fleet *fleet, int64_t end_ns)
{
    struct fleet_sums *sums = &fleet->sums;
    double tokens = 0, most = 0, steady = 0;
    for (size_t i = 0; i < fleet->part_count; i++) {
        const struct fleet_part *part = &fleet->parts[i];
        const struct fleet_member *member = part->member;
        const uint32_t gpus = part->kind->config.tensor_parallel_size;
        uint32_t there = 0;
        double there_gpus = 0;
        sums->gpu_seconds += (double)(min_i64(member->end_ns, max_i64(end_ns, member->born_ns)) - member->born_ns) / 1e9 * gpus;
        for (size_t k = 0; k < fleet->part_count; k++) {
            const struct fleet_member *other = fleet->parts[k].member;
            if (other->born_ns <= member->born_ns && other->end_ns > member->born_ns) {
                there++;
                there_gpus += fleet->parts[k].kind->config.tensor_parallel_size;
            }
        }
        sums->replicas = max_u32(sums->replicas, there);
        sums->gpus = there_gpus > sums->gpus ? there_gpus : sums->gpus;
        if (member->born_ns > 0 || member->end_ns < INT64_MAX)
            continue;
        steady++;
        tokens += (double)part->metrics.scheduled_tokens;
        most = (double)part->metrics.scheduled_tokens > most ? (double)part->metrics.scheduled_tokens : most;
    }
    sums->imbalance = tokens > 0 ? most / (tokens / steady) : 1;
    for (uint32_t stage = 0; stage < fleet->stage_count; stage++) {
        sums->retried += fleet->routes[stage].retried;
        sums->lost += fleet->routes[stage].lost;
    }
}

/* --- stages ------------------------------------------------------------------------------------------------------------------------ */

static enum status make_parts(struct fleet *fleet, uint32_t stage, enum metrics_part does, struct diag *diag)
{
    const struct fleet_routes *routes = &fleet->routes[stage];
    size_t capacity = fleet->part_count;
    enum status status =
        array_reserve(&fleet->parts, &capacity, fleet->part_count + routes->count, sizeof *fleet->parts, "the fleet's replicas", diag);
    for (size_t i = 0; i < routes->count && status == SIM_OK; i++)
        fleet->parts[fleet->part_count++] =
            (struct fleet_part){.member = &routes->members[i], .kind = &fleet->plan.kinds[routes->members[i].kind], .does = does};
    return status;
}

/* Whole metrics begin with when clients asked. */
static enum status note_clients(const struct fleet *fleet, const struct stage *stage, struct diag *diag)
{
    const int64_t *asked_ns = stage->number == 0 ? fleet->routes[0].asked_ns : NULL;
    enum status status = SIM_OK;
    for (uint32_t position = 0; asked_ns && position < stage->requests->count && status == SIM_OK; position++)
        status = metrics_asked(stage->whole, stage->order ? stage->order[position] : position, asked_ns[position], diag);
    return status;
}

/* Its requests are routed, then its replicas replayed. */
static enum status run_stage(struct fleet *fleet, const struct stage *stage, const struct replay_options *options, struct diag *diag)
{
    const uint32_t number = stage->number;
    struct leg leg = {.options = options, .from = 2 * number, .to = 2 * number + 1, .all = stage->does == METRICS_ALL ? 2 : 4};
    const struct replay_watch watch = {.progress = leg_progress, .context = &leg};
    const size_t first = fleet->part_count;
    fleet->stage_count = number + 1;
    enum status status = routing_run(&fleet->plan, stage->requests, stage->part, &watch, &fleet->routes[number], diag);
    if (status == SIM_OK)
        status = make_parts(fleet, number, stage->does, diag);
    if (status == SIM_OK)
        status = note_clients(fleet, stage, diag);
    leg.from += fleet->routes[number].ended_ns != NULL; /* else routing was no more than making lists */
    leg.to++;
    return status == SIM_OK ? run_parts(fleet, stage, fleet->parts + first, fleet->part_count - first, &leg, diag) : status;
}

/* Prompts, then answers; what comes between is in hand_over.c. */
static enum status run_split(struct fleet *fleet, const struct trace *trace, const struct replay_options *options, uint32_t **order,
                             struct metrics *whole, struct diag *diag)
{
    const uint32_t prefill = fleet->plan.config->fleet.prefill_replicas;
    struct stage prompts = {.part = {0, prefill}, .does = METRICS_PREFILL, .whole = whole};
    struct stage answers = {.number = 1, .part = {prefill, fleet->plan.most}, .does = METRICS_DECODE, .whole = whole};
    enum status status = hand_over_prompts(trace, &fleet->stages[0], diag);
    prompts.requests = fleet->stages[0];
    if (status == SIM_OK)
        status = run_stage(fleet, &prompts, options, diag);
    if (status == SIM_OK)
        status = hand_over_answers(fleet, trace, &fleet->stages[1], order, diag);
    answers.requests = fleet->stages[1];
    answers.order = *order;
    return status == SIM_OK && answers.requests ? run_stage(fleet, &answers, options, diag) : status;
}

enum status fleet_open(struct fleet *fleet, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *fleet = (struct fleet){0};
    enum status status = fleet_plan_make(config, &fleet->plan, diag);
    const bool follows = status == SIM_OK && fleet_plan_follows(&fleet->plan, trace);
    if (follows && (config->max_num_queued_reqs > 0 || config->max_num_queued_tokens > 0))
        return diag_set(diag, SIM_BAD_INPUT,
                        "several servers that reject requests (max_num_queued_reqs, max_num_queued_tokens), whose clients wait for answers "
                        "(sessions, max_concurrency), are not modelled; leave one of them out");
    if (follows && config->fleet.prefill_replicas > 0)
        return diag_set(diag, SIM_BAD_INPUT,
                        "prefill_replicas with sessions or max_concurrency is not modelled: requests would wait for answers of another "
                        "stage; leave one of them out");
    return status;
}

static enum status make_columns(struct fleet *fleet, uint32_t requests, struct diag *diag)
{
    const bool split = fleet->plan.config->fleet.prefill_replicas > 0;
    const struct array_request arrays[] = {ARRAY_OF(fleet->routing_wait_ns, requests), ARRAY_OF(fleet->answered_by, requests),
                                           ARRAY_IF(split, fleet->prefilled_by, requests)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the fleet's requests", diag);
    if (status != SIM_OK)
        return status;
    memset(fleet->routing_wait_ns, 0xff, requests * sizeof *fleet->routing_wait_ns); /* -1 */
    memset(fleet->answered_by, 0xff, requests * sizeof *fleet->answered_by);         /* NO_MEMBER */
    if (split)
        memset(fleet->prefilled_by, 0xff, requests * sizeof *fleet->prefilled_by);
    return SIM_OK;
}

/* What is told of all parts in their order, or looks at all of them. */
static enum status add_up(struct fleet *fleet, const struct trace *trace, const uint32_t *order, struct metrics *whole,
                          struct ledger *ledger, struct replay_facts *facts, struct diag *diag)
{
    enum status status = SIM_OK;
    uint64_t completed = 0;
    *facts = (struct replay_facts){.by_events = true};
    ledger->pool_blocks = 0;
    for (size_t i = 0; i < fleet->part_count; i++) {
        const struct fleet_part *part = &fleet->parts[i];
        if (!part->requests)
            continue;
        ledger_merge(ledger, &part->ledger);
        add_facts(&part->facts, facts);
        completed += part->does == METRICS_PREFILL ? 0 : part->metrics.completed;
    }
    facts->end.unfinished = trace->count - whole->dropped - completed - whole->ignored;
    for (uint32_t stage = 0; stage < fleet->stage_count && status == SIM_OK; stage++)
        status = routing_wait_add(fleet, stage, stage == 1 ? order : NULL, diag);
    if (status == SIM_OK)
        status = routing_wait_sum_up(fleet, trace->count, diag);
    sum_up(fleet, facts->end.end_ns);
    const struct observer observer = metrics_observer(whole);
    return status == SIM_OK ? observer.finish(observer.self, &facts->end, diag) : status;
}

enum status fleet_replay(struct fleet *fleet, const struct trace *trace, const struct replay_options *options, struct metrics *whole,
                         struct ledger *ledger, struct replay_facts *facts, struct diag *diag)
{
    const struct stage all = {.requests = trace, .part = {0, fleet->plan.most}, .does = METRICS_ALL, .whole = whole};
    const bool split = fleet->plan.config->fleet.prefill_replicas > 0;
    uint32_t *order = NULL;
    enum status status = make_columns(fleet, trace->count, diag);
    if (status == SIM_OK)
        status = split ? run_split(fleet, trace, options, &order, whole, diag) : run_stage(fleet, &all, options, diag);
    if (status == SIM_OK)
        status = add_up(fleet, trace, order, whole, ledger, facts, diag);
    free(order);
    return status;
}

void fleet_close(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->part_count; i++) {
        metrics_deinit(&fleet->parts[i].metrics);
        trace_destroy(fleet->parts[i].requests);
        replica_course_destroy(fleet->parts[i].course);
    }
    free(fleet->parts);
    free(fleet->routing_wait_ns);
    free(fleet->answered_by);
    free(fleet->prefilled_by);
    for (uint32_t stage = 0; stage < fleet->stage_count; stage++)
        fleet_routes_deinit(&fleet->routes[stage]);
    trace_destroy(fleet->stages[0]);
    trace_destroy(fleet->stages[1]);
    fleet_plan_deinit(&fleet->plan);
    *fleet = (struct fleet){0};
}
