/* tune_detail.c - asks the search for some more candidates and clocks. Start with tune_detail_make. */
#include "study/tune_detail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "config/config_keys.h"
#include "study/parallel_runs.h"

/* --- one key at a time -------------------------------------------------------------------------------------------------------------- */

static uint32_t candidate_at(const struct tune_search *search, size_t point)
{
    const uint32_t found = search->by_point[point];
    return found > 0 ? found - 1 : TUNE_NOBODY;
}

/* The value as a number, to sort by: what was given stands among the others. */
static double number_of(const struct tune_plan *plan, uint32_t key, uint32_t digit, const struct config *given)
{
    char text[CONFIG_TEXT_SIZE];
    config_key_text(plan->points.varied.list[key], given, text, sizeof text);
    return config_key_number(plan->points.varied.list[key],
                             digit > 0 ? plan->points.varied.values[plan->first_value[key] + digit - 1] : text);
}

static int by_number(const void *left, const void *right)
{
    const struct tune_change *a = left, *b = right;
    if (a->key != b->key)
        return compare_u64(a->key, b->key);
    const int order = isnan(a->number) || isnan(b->number) ? 0 : compare_doubles(a->number, b->number);
    return order != 0 ? order : compare_u64(a->digit, b->digit);
}

static enum status make_changes(struct tune_search *search, struct tune_detail *out, struct diag *diag)
{
    const struct tune_plan *plan = search->question->plan;
    const size_t best = search->candidates[search->best].point;
    uint32_t *wanted = NULL;
    size_t most = 0, count = 0;
    struct config given;
    if (tune_trials_config(&search->trials, 0, &given, diag) != SIM_OK)
        return diag->status;
    for (uint32_t key = 0; key < plan->points.varied.count; key++)
        most += plan->digits[key];
    enum status status = array_zeroed(&out->changes, most, sizeof *out->changes, "changes", diag);
    if (status == SIM_OK)
        status = array_zeroed(&wanted, 2 * most + 1, sizeof *wanted, "changes", diag);
    for (uint32_t key = 0; key < plan->points.varied.count && status == SIM_OK; key++)
        for (uint32_t digit = 0; digit < plan->digits[key]; digit++) {
            struct tune_change *change = &out->changes[out->change_count++];
            *change = (struct tune_change){.key = key,
                                           .digit = digit,
                                           .number = number_of(plan, key, digit, &given),
                                           .around_best = candidate_at(search, tune_with(plan, best, key, digit)),
                                           .from_given = candidate_at(search, tune_with(plan, 0, key, digit))};
            if (change->around_best != TUNE_NOBODY)
                wanted[count++] = change->around_best;
            if (change->from_given != TUNE_NOBODY)
                wanted[count++] = change->from_given;
        }
    qsort(out->changes, out->change_count, sizeof *out->changes, by_number);
    if (status == SIM_OK)
        status = tune_search_values(search, wanted, count, diag);
    free(wanted);
    return status;
}

/* --- whole replays ------------------------------------------------------------------------------------------------------------------ */

struct showing {
    const struct tune_search *search;
    struct tune_shown *list;
};

static enum status show_one(void *context, size_t i, struct diag *diag)
{
    const struct showing *job = context;
    const struct tune_question *question = job->search->question;
    struct tune_shown *shown = &job->list[i];
    struct config *config;
    enum status status = array_zeroed(&config, 1, sizeof *config, "a configuration", diag);
    if (status != SIM_OK)
        return status;
    shown->result.figures = &shown->figures;
    status = tune_trials_config(&job->search->trials, shown->candidate, config, diag);
    if (status == SIM_OK)
        status = load_run(&question->load, config, shown->load, question->first_seed, &shown->result, diag);
    free(config);
    return status;
}

/* The number of a candidate's replay under a load in the list, which has room for one more. */
static size_t want(struct tune_detail *out, uint32_t candidate, double load)
{
    size_t i = 0;
    while (i < out->replay_count && (out->replays[i].candidate != candidate || out->replays[i].load < load || out->replays[i].load > load))
        i++;
    if (i == out->replay_count)
        out->replays[out->replay_count++] = (struct tune_shown){.candidate = candidate, .load = load};
    return i;
}

static enum status replay_wanted(const struct tune_search *search, struct tune_detail *out, struct diag *diag)
{
    struct showing job = {.search = search, .list = out->replays};
    return parallel_runs(out->replay_count, search->question->threads, show_one, &job, diag);
}

static void show(struct tune_detail *out, enum tune_replay which, uint32_t candidate, double load)
{
    out->shown[which] = &out->replays[want(out, candidate, load)];
}

/* With several seeds the rung is the first seed's own: a load between two rungs is nobody's verdict. */
static enum status make_shown(const struct tune_search *search, struct tune_detail *out, struct diag *diag)
{
    const struct rate_ladder *ladder = search->question->ladder;
    const struct tune_value *best = &search->values[search->best], *given = &search->values[0];
    enum status status = array_zeroed(&out->replays, TUNE_REPLAYS, sizeof *out->replays, "replays", diag);
    if (status != SIM_OK)
        return status;
    if (search->question->objective.name[0]) {
        show(out, TUNE_BEST, search->best, ladder->loads[0]);
        show(out, TUNE_GIVEN, 0, ladder->loads[0]);
    } else {
        show(out, TUNE_BEST, search->best, ladder->loads[best->passes_to[0]]);
        show(out, TUNE_GIVEN_AT_BEST, 0, ladder->loads[best->passes_to[0]]);
        if (best->passes_to[0] + 1 < ladder->count)
            show(out, TUNE_BEST_ABOVE, search->best, ladder->loads[best->passes_to[0] + 1]);
        if (given->passes_to[0] >= 0)
            show(out, TUNE_GIVEN, 0, ladder->loads[given->passes_to[0]]);
    }
    return replay_wanted(search, out, diag);
}

/* --- the nearest miss ----------------------------------------------------------------------------------------------------------------- */

/* By how much the worst of the limits is missed, as a factor; infinity where it is no matter of more or less. */
static double miss_of(const struct load_question *load, const struct tune_shown *shown)
{
    double most = 1;
    for (size_t i = 0; i < load->requirement_count; i++) {
        const struct requirement *requirement = &load->requirements[i];
        const double value = figure_set_value(&shown->figures, requirement->name);
        if (requirement_met(requirement, value, figure_set_value(&shown->figures, "unserved")))
            continue;
        const double factor = value > requirement->value ? value / requirement->value : requirement->value / value;
        most = isnan(factor) || factor <= 0 ? INFINITY : fmax(most, factor);
    }
    return most > 1 ? most : INFINITY;
}

/* Under the lightest load, of those that differ from what was given in one key. */
static enum status make_nearest(const struct tune_search *search, struct tune_detail *out, struct diag *diag)
{
    double least = INFINITY;
    enum status status = array_zeroed(&out->replays, out->change_count, sizeof *out->replays, "replays", diag);
    for (size_t i = 0; i < out->change_count && status == SIM_OK; i++)
        if (out->changes[i].from_given != TUNE_NOBODY)
            (void)want(out, out->changes[i].from_given, search->question->ladder->loads[0]);
    if (status == SIM_OK)
        status = replay_wanted(search, out, diag);
    for (size_t i = 0; i < out->replay_count && status == SIM_OK; i++) {
        const double miss = miss_of(&search->question->load, &out->replays[i]);
        if (miss < least || !out->nearest) {
            least = miss;
            out->nearest = &out->replays[i];
        }
    }
    return status;
}

/* --- clocks ------------------------------------------------------------------------------------------------------------------------- */

/* A number of the clock's that this model reads and that is not zero; of tables and recorded times there is none. */
static bool is_constant(const struct config_key *key, const struct config *config)
{
    char text[CONFIG_TEXT_SIZE];
    if (strcmp(key->name, "base_ns") == 0 && config->step_time.model != STEP_TIME_LINEAR)
        return false; /* of idle steps alone */
    if (key->group != KEY_STEP_TIME || (key->type != KEY_DOUBLE && key->type != KEY_INT64) || !config_key_matters(key, config))
        return false;
    config_key_text(key, config, text, sizeof text);
    return strtod(text, NULL) > 0;
}

/* Whom another clock might prefer: the best first, what was given, all that were best for a while, and all that differ from the best in one
 * key. */
static size_t list_rivals(const struct tune_search *search, const struct tune_detail *detail, uint32_t *out)
{
    size_t count = 0;
    out[count++] = search->best;
    for (size_t i = 0; i < search->path_count + detail->change_count; i++) {
        const uint32_t rival = i < search->path_count ? search->path[i] : detail->changes[i - search->path_count].around_best;
        bool known = rival == TUNE_NOBODY;
        for (size_t j = 0; j < count && !known; j++)
            known = out[j] == rival;
        if (!known)
            out[count++] = rival;
    }
    return count;
}

static enum status try_clock(const struct tune_search *search, const uint32_t *rivals, size_t count, struct tune_detail *out,
                             struct tune_by_clock *by_clock, struct diag *diag)
{
    struct tune_search other;
    enum status status = tune_search_by_clock(search, &by_clock->clock, rivals, count, &other, diag);
    if (status == SIM_OK) {
        by_clock->winner = other.best;
        by_clock->winner_load = tune_load(&other, &other.values[other.best]);
        by_clock->best_load = tune_load(&other, &other.values[search->best]);
        out->clock_replays += other.trials.replays;
    }
    tune_search_deinit(&other);
    return status;
}

static enum status make_clocks(const struct tune_search *search, struct tune_detail *out, struct diag *diag)
{
    struct config config;
    uint32_t *rivals;
    enum status status = tune_trials_config(&search->trials, search->best, &config, diag);
    if (status == SIM_OK)
        status = array_zeroed(&rivals, 1 + search->path_count + out->change_count, sizeof *rivals, "rivals", diag);
    if (status != SIM_OK)
        return status;
    out->clock_candidates = list_rivals(search, out, rivals);
    for (size_t i = 0; i < config_key_count && status == SIM_OK; i++)
        for (int up = 0; up < 2 && is_constant(&config_keys[i], &config) && out->clock_count < TUNE_CLOCKS_MOST && status == SIM_OK; up++) {
            struct tune_by_clock *by_clock = &out->clocks[out->clock_count++];
            by_clock->clock = (struct tune_clock){.key = &config_keys[i], .factor = up ? 1.1 : 0.9};
            status = try_clock(search, rivals, out->clock_candidates, out, by_clock, diag);
        }
    free(rivals);
    return status;
}

enum status tune_detail_make(struct tune_search *search, bool clocks, struct tune_detail *out, struct diag *diag)
{
    *out = (struct tune_detail){.clocks_asked = clocks};
    const bool met = !isnan(tune_load(search, &search->values[search->best]));
    if (make_changes(search, out, diag) != SIM_OK)
        return diag->status;
    if (!met)
        return make_nearest(search, out, diag);
    enum status status = make_shown(search, out, diag);
    return status == SIM_OK && clocks ? make_clocks(search, out, diag) : status;
}

void tune_detail_deinit(struct tune_detail *detail)
{
    free(detail->changes);
    free(detail->replays);
    *detail = (struct tune_detail){0};
}
