/* remedies.c - the search for settings that spare requests: a list of probes (one knob, one value, what a replay there showed), rounds that
 * replay probes side by side, and the steps of the search on top. Read remedies.h first, then run_search. */
#include "study/remedies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "replay/replay.h"

/* Bit 0 is the run as a whole, bit 1 + i the i-th request. */
#define WHOLE_RUN UINT32_C(1)

/* One value of one knob, and what a replay there showed. */
struct probe {
    enum knob knob;
    int64_t effort;           /* how far the knob is turned, >= 1 */
    uint32_t asked;           /* targets that this replay has to decide */
    uint32_t decided, spared; /* targets; spared is part of decided */
};

struct search {
    const struct remedy_question *question;
    int64_t now[KNOBS], limit[KNOBS]; /* of effort */
    struct probe *probes;             /* in order of (knob, effort) between rounds */
    size_t count, capacity;
    size_t done; /* probes that have been replayed: all before this one, between rounds */
    uint32_t everything;
    uint32_t replays;
};

/* --- one replay ------------------------------------------------------------------------------------------------------------------- */

/* An observer that watches the targets and stops the replay when all that was asked is decided. */
struct watcher {
    uint32_t asked, decided, spared;
    const uint32_t *bit_of; /* by position: bits of the targets that it is */
    uint64_t finished;
};

static void decide(struct watcher *watcher, uint32_t bits, bool spared)
{
    bits &= watcher->asked & ~watcher->decided;
    watcher->decided |= bits;
    watcher->spared |= spared ? bits : 0;
}

static enum status watch(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct watcher *watcher = self;
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == EVENT_PREEMPT) {
            decide(watcher, watcher->bit_of[events[i].request] | WHOLE_RUN, false);
        } else if (events[i].kind == EVENT_FINISH) {
            decide(watcher, watcher->bit_of[events[i].request], true);
            watcher->finished++;
        }
    }
    return watcher->decided == watcher->asked ? diag_set(diag, SIM_INTERRUPTED, "everything is decided") : SIM_OK;
}

static int64_t value_of(const struct search *search, const struct probe *probe)
{
    return probe->knob == KNOB_SEQUENCES ? search->now[probe->knob] - probe->effort : search->now[probe->knob] + probe->effort;
}

static enum status run_probe(const struct search *search, const uint32_t *bit_of, struct probe *probe, struct diag *diag)
{
    const struct remedy_question *question = search->question;
    struct config config = *question->config;
    struct step_time_model *model;
    struct replay_options options = {0};
    struct replay_facts facts;
    struct watcher watcher = {.asked = probe->asked, .bit_of = bit_of};
    struct observer observer = {.self = &watcher, .events = watch};
    remedy_apply(&config, probe->knob, value_of(search, probe));
    enum status status = step_time_create(&config, &model, diag);
    if (status != SIM_OK)
        return status;
    status = replay_run(question->trace, &config, model, &observer, 1, &options, &facts, diag);
    step_time_destroy(model);
    if (status != SIM_OK && !(status == SIM_INTERRUPTED && watcher.decided == watcher.asked))
        return status;
    diag_clear(diag);
    decide(&watcher, WHOLE_RUN, watcher.finished >= question->completed); /* only the end can tell that nobody was preempted */
    decide(&watcher, watcher.asked, false);                               /* who never finished is not spared */
    probe->decided = watcher.decided;
    probe->spared = watcher.spared;
    return SIM_OK;
}

/* --- rounds ----------------------------------------------------------------------------------------------------------------------- */

static int by_knob_and_effort(const void *a, const void *b)
{
    const struct probe *left = a, *right = b;
    if (left->knob != right->knob)
        return left->knob < right->knob ? -1 : 1;
    return left->effort < right->effort ? -1 : left->effort > right->effort;
}

/* Ask for targets at an effort; what is known already is not asked again. */
static enum status ask(struct search *search, enum knob knob, int64_t effort, uint32_t targets, struct diag *diag)
{
    if (effort < 1 || effort > search->limit[knob])
        return SIM_OK;
    for (size_t i = 0; i < search->count; i++) {
        struct probe *probe = &search->probes[i];
        if (probe->knob != knob || probe->effort != effort)
            continue;
        if (i >= search->done)
            probe->asked |= targets;
        else
            targets &= ~probe->decided;
        if (i >= search->done || targets == 0)
            return SIM_OK;
    }
    enum status status =
        array_reserve(&search->probes, &search->capacity, search->count + 1, sizeof *search->probes, "the search for remedies", diag);
    if (status == SIM_OK)
        search->probes[search->count++] = (struct probe){.knob = knob, .effort = effort, .asked = targets};
    return status;
}

/* Probes of the same value become one. */
static void merge(struct search *search)
{
    size_t kept = 0;
    qsort(search->probes, search->count, sizeof *search->probes, by_knob_and_effort);
    for (size_t i = 0; i < search->count; i++) {
        struct probe *last = kept ? &search->probes[kept - 1] : NULL;
        if (last && by_knob_and_effort(last, &search->probes[i]) == 0) {
            last->decided |= search->probes[i].decided;
            last->spared |= search->probes[i].spared;
        } else {
            search->probes[kept++] = search->probes[i];
        }
    }
    search->count = search->done = kept;
}

/* Replay all that was asked since the last round. */
static enum status run_round(struct search *search, const uint32_t *bit_of, struct diag *diag)
{
    const size_t first = search->done, count = search->count - first;
    const struct remedy_question *question = search->question;
    struct diag *diags;
    enum status status = array_zeroed(&diags, count, sizeof *diags, "the search for remedies", diag);
    if (status != SIM_OK)
        return status;
    if (question->progress && question->progress(question->progress_context, search->replays, search->replays + (uint32_t)count))
        status = diag_set(diag, SIM_INTERRUPTED, "interrupted");
    struct probe *probes = search->probes + first;
#pragma omp parallel for schedule(dynamic, 1) default(none) shared(search, bit_of, probes, diags, count, status)
    for (size_t i = 0; i < count; i++)
        if (status == SIM_OK)
            diags[i].status = run_probe(search, bit_of, &probes[i], &diags[i]);
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        if (diags[i].status != SIM_OK) {
            *diag = diags[i];
            status = diags[i].status;
        }
    free(diags);
    search->replays += (uint32_t)count;
    merge(search);
    return status;
}

/* --- the search ------------------------------------------------------------------------------------------------------------------- */

/* Efforts of the grid: pools grow by a fifth up to the limit; watermarks by rounded shares of the pool; sequences shrink by a quarter. */
static enum status ask_grid(struct search *search, struct diag *diag)
{
    static const double shares[] = {0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.75, 1};
    const int64_t pool = search->now[KNOB_POOL], sequences = search->now[KNOB_SEQUENCES];
    enum status status = SIM_OK;
    for (int64_t larger = pool + pool / 5; larger < 4 * pool && status == SIM_OK; larger += larger / 5 + 1)
        status = ask(search, KNOB_POOL, larger - pool, search->everything, diag);
    for (size_t i = 0; i < sizeof shares / sizeof *shares && status == SIM_OK; i++)
        status = ask(search, KNOB_WATERMARK, (int64_t)(shares[i] * (double)search->limit[KNOB_WATERMARK]), search->everything, diag);
    for (int64_t left = sequences * 3 / 4; left >= 1 && status == SIM_OK; left = left > 1 ? left * 3 / 4 : 0)
        status = ask(search, KNOB_SEQUENCES, sequences - left, search->everything, diag);
    return status;
}

/* The first tested effort that spares the target, and the last tested one before it (0: now); false: none spares it. */
static bool bracket(const struct search *search, enum knob knob, uint32_t target, int64_t *fails, int64_t *spares)
{
    *fails = 0;
    for (size_t i = 0; i < search->count; i++) {
        const struct probe *probe = &search->probes[i];
        if (probe->knob != knob || !(probe->decided & target))
            continue;
        if (probe->spared & target) {
            *spares = probe->effort;
            return true;
        }
        *fails = probe->effort;
    }
    return false;
}

/* A pool four times as large may still be too small for everybody at once. */
static enum status widen_pool(struct search *search, const uint32_t *bit_of, struct diag *diag)
{
    int64_t effort = 3 * search->now[KNOB_POOL], fails, spares;
    for (int doubling = 0; doubling < 12; doubling++, effort *= 2) {
        uint32_t missing = 0;
        for (uint32_t target = WHOLE_RUN; target & search->everything; target <<= 1)
            if (!bracket(search, KNOB_POOL, target, &fails, &spares))
                missing |= target;
        if (!missing)
            break;
        enum status status = ask(search, KNOB_POOL, effort, missing, diag);
        if (status == SIM_OK)
            status = run_round(search, bit_of, diag);
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

/* Halve all brackets at once until they are closed. */
static enum status bisect(struct search *search, const uint32_t *bit_of, struct diag *diag)
{
    for (;;) {
        bool open = false;
        for (int knob = 0; knob < KNOBS; knob++)
            for (uint32_t target = WHOLE_RUN; target & search->everything; target <<= 1) {
                int64_t fails, spares;
                if (!bracket(search, (enum knob)knob, target, &fails, &spares) || spares - fails <= 1)
                    continue;
                open = true;
                enum status status = ask(search, (enum knob)knob, fails + (spares - fails) / 2, target, diag);
                if (status != SIM_OK)
                    return status;
            }
        if (!open)
            return SIM_OK;
        enum status status = run_round(search, bit_of, diag);
        if (status != SIM_OK)
            return status;
    }
}

/* Some values just beyond each answer: does it hold further away? */
static enum status look_beyond(struct search *search, const uint32_t *bit_of, struct diag *diag)
{
    static const int64_t beyond[] = {1, 2, 4, 8};
    for (int knob = 0; knob < KNOBS; knob++)
        for (uint32_t target = WHOLE_RUN; target & search->everything; target <<= 1) {
            int64_t fails, spares;
            if (!bracket(search, (enum knob)knob, target, &fails, &spares))
                continue;
            for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
                enum status status = ask(search, (enum knob)knob, spares + beyond[i], target, diag);
                if (status != SIM_OK)
                    return status;
            }
        }
    return run_round(search, bit_of, diag);
}

static struct remedy answer(const struct search *search, enum knob knob, uint32_t target)
{
    struct remedy remedy = {.value = search->now[knob], .tried_to = search->now[knob]};
    int64_t fails, spares;
    remedy.found = bracket(search, knob, target, &fails, &spares);
    for (size_t i = 0; i < search->count; i++) {
        const struct probe *probe = &search->probes[i];
        if (probe->knob != knob || !(probe->decided & target))
            continue;
        remedy.points++;
        remedy.tried_to = value_of(search, probe);
        if (remedy.found && probe->effort == spares)
            remedy.value = value_of(search, probe);
        if (remedy.found && !remedy.again && probe->effort > spares && !(probe->spared & target)) {
            remedy.again = true;
            remedy.again_at = value_of(search, probe);
        }
    }
    return remedy;
}

static enum status run_search(struct search *search, const uint32_t *bit_of, struct diag *diag)
{
    enum status status = ask_grid(search, diag);
    if (status == SIM_OK)
        status = run_round(search, bit_of, diag);
    if (status == SIM_OK)
        status = widen_pool(search, bit_of, diag);
    if (status == SIM_OK)
        status = bisect(search, bit_of, diag);
    return status == SIM_OK ? look_beyond(search, bit_of, diag) : status;
}

/* In twice the blocks of all requests together nobody can lack any, whatever part of them is kept free. */
static int64_t most_pool(const struct remedy_question *question)
{
    const struct trace *trace = question->trace;
    uint64_t blocks = question->config->num_gpu_blocks;
    for (uint32_t position = 0; position < trace->count; position++) {
        uint64_t tokens = (uint64_t)trace->input_tokens[position] + trace->output_tokens[position];
        uint64_t copies = trace->samples && !trace->sample ? trace->samples[position] : 1;
        if (trace->beam_width && trace->beam_width[position] > copies)
            copies = trace->beam_width[position];
        blocks += 2 * copies * (tokens / question->config->block_size + 1);
    }
    return blocks < UINT32_MAX - 1 ? (int64_t)blocks : (int64_t)UINT32_MAX - 2;
}

enum status remedies_find(const struct remedy_question *question, struct remedies *out, struct diag *diag)
{
    const struct config *config = question->config;
    struct search search = {.question = question, .everything = (uint32_t)(UINT64_C(2) << question->count) - 1};
    uint32_t *bit_of;
    search.now[KNOB_POOL] = config->num_gpu_blocks;
    search.now[KNOB_WATERMARK] = config_watermark_blocks(config);
    search.now[KNOB_SEQUENCES] = config->max_num_seqs;
    search.limit[KNOB_POOL] = most_pool(question) - config->num_gpu_blocks;
    search.limit[KNOB_WATERMARK] = config->num_gpu_blocks - 1 - search.now[KNOB_WATERMARK];
    search.limit[KNOB_SEQUENCES] = (int64_t)config->max_num_seqs - 1;
    enum status status = array_zeroed(&bit_of, question->trace->count, sizeof *bit_of, "the search for remedies", diag);
    for (uint32_t i = 0; status == SIM_OK && i < question->count; i++)
        bit_of[question->positions[i]] |= UINT32_C(2) << i;
    if (status == SIM_OK)
        status = run_search(&search, bit_of, diag);
    if (status == SIM_OK) {
        *out = (struct remedies){.targets = 1 + question->count, .replays = search.replays};
        memcpy(out->now, search.now, sizeof out->now);
        for (uint32_t i = 0; i < out->targets; i++)
            for (int knob = 0; knob < KNOBS; knob++)
                out->of[i][knob] = answer(&search, (enum knob)knob, UINT32_C(1) << i);
    }
    free(bit_of);
    free(search.probes);
    return status;
}

void remedy_apply(struct config *config, enum knob knob, int64_t value)
{
    if (knob == KNOB_POOL)
        config->num_gpu_blocks = (uint32_t)value;
    if (knob == KNOB_SEQUENCES)
        config->max_num_seqs = (uint32_t)value;
    /* Few digits first: floor(fraction * pool) must be the value, and rounding up from below reaches it with the fewest. */
    double scale = 10;
    while (knob == KNOB_WATERMARK) {
        scale *= 10;
        config->watermark = ceil((double)value * scale / config->num_gpu_blocks) / scale;
        if (config_watermark_blocks(config) == (uint32_t)value || scale > 1e12)
            break;
    }
}
