/* load_run.c - a replay with an observer that may end it early, then the verdict. load_run.h says what passes; start with load_run. */
#include "study/load_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "run/run.h"

/* --- ending early ------------------------------------------------------------------------------------------------------------------- */

enum { RULES_MOST = 16 };

/* A requirement that misses, once more than so many requests do. */
struct rule {
    const struct requirement *requirement;
    enum latency latency;
    uint64_t allowed, missed;
};

/* What the replay's events decide. */
struct early_end {
    const struct trace *trace;
    struct rule rules[RULES_MOST];
    size_t count;
    bool decided, ended;
    uint64_t decided_step;
};

/* Values are sorted; the p-th percentile of n lies between those number floor(p (n - 1)) and the next one, counted from 0. If all from
 * the former on miss, so does what is interpolated. Fewer than n have a value where requests are dropped; then fewer need to miss, so the
 * number for all is safe. */
static uint64_t misses_allowed(double percentile, uint32_t count)
{
    return count - 1 - (uint64_t)floor(percentile / 100 * (count - 1));
}

static bool is_upper(const struct requirement *requirement)
{
    return requirement->operator== REQUIRE_LESS || requirement->operator== REQUIRE_AT_MOST;
}

/* Not of those that judge the served alone (of_latency is off then): who misses may not be served in the end. Only requests whose arrival
 * is the trace's: later turns and those that a client holds back arrive when the replay says so. A group of V0 has several first tokens.
 */
static void early_end_init(struct early_end *early, const struct load_question *question, const struct trace *trace,
                           const struct config *config)
{
    *early = (struct early_end){.trace = trace};
    if (config->scheduler != SCHEDULER_VLLM_V1 || trace->previous || config->max_concurrency > 0 || trace->count == 0)
        return;
    for (size_t i = 0; i < question->requirement_count && early->count < RULES_MOST; i++) {
        struct rule rule = {.requirement = &question->requirements[i]};
        double percentile;
        if (!rule.requirement->of_latency || !is_upper(rule.requirement) ||
            !figure_parse_percentile(rule.requirement->name, &rule.latency, &percentile) ||
            (rule.latency != LATENCY_TTFT && rule.latency != LATENCY_E2EL && rule.latency != LATENCY_QUEUE))
            continue;
        rule.allowed = misses_allowed(percentile, trace->count);
        early->rules[early->count++] = rule;
    }
}

static bool ends(const struct event *event, enum latency *latency)
{
    *latency = event->kind == EVENT_FIRST_TOKEN ? LATENCY_TTFT : event->kind == EVENT_FINISH ? LATENCY_E2EL : LATENCY_QUEUE;
    return event->kind == EVENT_FIRST_TOKEN || event->kind == EVENT_FINISH || event->kind == EVENT_ADMIT;
}

static void decide(struct early_end *early, uint64_t step)
{
    if (!early->decided)
        early->decided_step = step;
    early->decided = true;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    (void)diag;
    struct early_end *early = self;
    for (size_t i = 0; i < count; i++) {
        enum latency latency;
        if (!ends(&events[i], &latency))
            continue;
        const double ms = (double)(events[i].time_ns - early->trace->arrival_ns[events[i].request]) / 1e6;
        for (size_t r = 0; r < early->count; r++) {
            struct rule *rule = &early->rules[r];
            if (rule->latency == latency && !requirement_met(rule->requirement, ms, 0) && ++rule->missed > rule->allowed)
                decide(early, events[i].step);
        }
    }
    return SIM_OK;
}

/* The replay ends with the steps that had a part in it, and not with the event, which comes before them: what the observer of limits saw is
 * then all that went before the verdict. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct early_end *early = self;
    for (size_t i = 0; early->decided && i < count; i++)
        early->ended = early->ended || (runs[i].first.step != TALLY_GAP && runs[i].first.step + runs[i].steps > early->decided_step);
    return early->ended ? diag_set(diag, SIM_INTERRUPTED, "the verdict is known") : SIM_OK;
}

/* --- the verdict -------------------------------------------------------------------------------------------------------------------- */

/* Time in the system of requests in order of arrival. */
struct stays {
    double mean_ms, longest_ms;
};

/* A later turn is due when the one before it has ended, all others when the trace says, whatever a client holds back. */
static struct stays stays_of(const struct run *run, uint32_t from, uint32_t to)
{
    struct stays stays = {.mean_ms = 0};
    uint32_t finished = 0;
    for (uint32_t position = from; position < to; position++) {
        const struct request_story story = metrics_story(&run->metrics, position);
        const bool is_turn = run->trace->previous && run->trace->previous[position] > 0;
        if (story.finish_ns < 0)
            continue;
        const double ms = (double)(story.finish_ns - (is_turn ? story.arrival_ns : run->trace->arrival_ns[position])) / 1e6;
        stays.mean_ms += ms;
        stays.longest_ms = fmax(stays.longest_ms, ms);
        finished++;
    }
    stays.mean_ms /= finished > 0 ? finished : 1;
    return stays;
}

/* See load_run.h; NULL: it is not. A short trace ends with requests that take their time, and begins with an empty server; hence the last
 * two conditions. */
static const char *saturation_of(const struct run *run)
{
    enum { QUARTERS = 4, FEW = 40, SHORT = 20 };
    const uint32_t count = run->trace->count;
    if (count < 2)
        return NULL;
    const int64_t last_ns = run->trace->arrival_ns[count - 1], span_ns = last_ns - run->trace->arrival_ns[0];
    const int64_t drain_ns = run->facts.end.end_ns - last_ns;
    const struct stays first = stays_of(run, 0, count < QUARTERS ? 1 : count / QUARTERS);
    if ((double)span_ns / 1e6 < first.mean_ms)
        return "too short: all requests come before the first are served";
    if (count < FEW || drain_ns <= span_ns / SHORT)
        return NULL;
    const struct stays last = stays_of(run, count - count / QUARTERS, count);
    const bool grows = (double)drain_ns / 1e6 > first.longest_ms && last.mean_ms > 1.5 * first.mean_ms;
    return grows ? "saturated: the queue grows over the whole run" : NULL;
}

/* All reasons, so that nobody mends one to meet the next. */
static void judge(const struct load_question *question, const struct run *run, struct load_result *out)
{
    struct diag ended = {0};
    const double unserved = run_figure(run, "unserved");
    size_t used = 0;
    bool lacks = false;
    if (run_judge(run, &ended) != SIM_OK)
        used += (size_t)snprintf(out->why, sizeof out->why, "%.200s", ended.text);
    const char *saturation = question->fixed ? NULL : saturation_of(run);
    out->saturated = saturation != NULL;
    for (size_t i = 0; i < question->requirement_count; i++) {
        const struct requirement *requirement = &question->requirements[i];
        const double value = run_figure(run, requirement->name);
        if (!requirement_met(requirement, value, unserved) && used < sizeof out->why)
            used += (size_t)snprintf(out->why + used, sizeof out->why - used, "%s%s is %.6g", used ? "; " : "", requirement->name, value);
        lacks = lacks || requirement_lacks_requests(requirement, unserved);
    }
    if (lacks && used < sizeof out->why)
        used += (size_t)snprintf(out->why + used, sizeof out->why - used, "; %.0f requests are not served", unserved);
    if (out->saturated && used < sizeof out->why)
        snprintf(out->why + used, sizeof out->why - used, "%s%s", used ? "; " : "", saturation);
    out->passes = out->why[0] == '\0';
}

/* --- the run ------------------------------------------------------------------------------------------------------------------------ */

static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    (void)finished;
    (void)total;
    const struct load_question *question = context;
    return question->stop && *question->stop;
}

void load_apply(const struct load_question *question, double load, uint64_t seed, struct config *config)
{
    config->seed = seed;
    if (question->fixed)
        return;
    *(question->drawn ? &config->request_rate : &config->arrival_speedup_ratio) = load;
}

double load_unit_rate(const struct trace *trace, bool drawn)
{
    const double span_s = trace->count > 0 ? (double)(trace->arrival_ns[trace->count - 1] - trace->arrival_ns[0]) / 1e9 : 0;
    if (drawn)
        return 1;
    return span_s > 0 ? trace->count / span_s : (double)NAN;
}

/* What a replay needs that is too large for the stack of a thread. */
struct loaded {
    struct run run;
    struct config config;
    struct early_end early;
};

static enum status replay(const struct load_question *question, struct loaded *made, struct load_result *out, struct diag *diag)
{
    const struct replay_options how = {
        .reference = question->reference, .progress = on_progress, .progress_context = (void *)(size_t)question};
    enum status status = run_open(&made->run, question->trace, &made->config, diag);
    if (status != SIM_OK)
        return status;
    made->run.wishes = question->wishes;
    if (made->run.fleet) /* observers look at one server */
        return run_replay(&made->run, NULL, 0, &how, diag);
    binding_limits_init(&out->limits, &made->config);
    early_end_init(&made->early, question, made->run.trace, &made->config);
    const struct observer observers[] = {binding_limits_observer(&out->limits),
                                         {.self = &made->early, .events = on_events, .runs = on_runs}};
    return run_replay(&made->run, observers, out->figures || made->early.count == 0 ? 1 : 2, &how, diag);
}

/* An interruption is a verdict if it was the observer that asked for it. */
enum status load_run(const struct load_question *question, const struct config *config, double load, uint64_t seed, struct load_result *out,
                     struct diag *diag)
{
    struct loaded *made;
    struct diag inner = {0};
    struct figure_set *const figures = out->figures;
    *out = (struct load_result){.figures = figures};
    enum status status = array_zeroed(&made, 1, sizeof *made, "a replay", diag);
    if (status != SIM_OK)
        return status;
    made->config = *config;
    load_apply(question, load, seed, &made->config);
    status = replay(question, made, out, &inner);
    if (status == SIM_INTERRUPTED && made->early.ended) {
        out->early = true;
        snprintf(out->why, sizeof out->why, "too many requests miss a limit");
        status = SIM_OK;
    } else if (status == SIM_OK) {
        judge(question, &made->run, out);
        if (figures)
            *figures = made->run.figures;
    } else {
        diag_set(diag, status, "%s", inner.text);
    }
    run_close(&made->run);
    free(made);
    return status;
}
