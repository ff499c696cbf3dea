/* remedies.c - the search for settings that spare requests: a list of probes (one knob, one value, what a replay there showed), rounds
 * that replay probes side by side, and the steps of the search on top. Read remedies.h first, then remedies_find.
 *
 *     ask(knob, effort, targets) ...  ->  run_round: replay what was asked, all at once  ->  merge: one probe a value, sorted
 *          ^                                                                                     |
 *          +------------ the next step of the search looks at the probes (bracket) -------------+
 *
 * A replay decides for many targets at once, so all targets share the probes: the search for 31 requests costs far less than 31 searches.
 */
#include "study/remedies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/integers.h"
#include "config/kv_groups.h"
#include "config/speculation.h"
#include "replay/replay.h"
#include "study/parallel_runs.h"
#include "trace/id_runs.h"

/* Bit 0 is the run as a whole, bit 1 + i the i-th request: 31 requests and the run fill 32 bits. A loop over targets shifts its bit until
 * it falls off the end or leaves search.everything. */
#define WHOLE_RUN UINT32_C(1)

/* One value of one knob, and what a replay there showed. Effort is the distance from where the knob is now, so that "more" means the same
 * for all three knobs: larger pools, more blocks kept free, fewer sequences. */
struct probe {
    enum knob knob;
    int64_t effort;           /* how far the knob is turned, >= 1 */
    uint32_t asked;           /* targets that this replay has to decide */
    uint32_t decided, spared; /* targets; spared is part of decided */
};

struct search {
    const struct remedy_question *question;
    const struct trace *trace;        /* the question's, with what all replays would make of it */
    int64_t now[KNOBS], limit[KNOBS]; /* of effort */
    struct probe *probes;             /* in order of (knob, effort) between rounds */
    size_t count, capacity;
    size_t done; /* probes that have been replayed: all before this one, between rounds */
    uint32_t everything;
    uint32_t *bit_of; /* by position: bits of the targets that it is */
    uint32_t replays;
    enum status status; /* the first error: nothing is asked or replayed after it */
    struct diag *diag;
};

/* --- one replay ------------------------------------------------------------------------------------------------------------------- */

/* An observer that watches the targets and stops the replay when all that was asked is decided. */
struct watcher {
    uint32_t asked, decided, spared;
    const uint32_t *bit_of; /* by position: bits of the targets that it is */
    uint64_t finished;
};

/* The first verdict on a target holds: a request that was preempted is not spared, though it finishes later. */
static void decide(struct watcher *watcher, uint32_t bits, bool spared)
{
    bits &= watcher->asked & ~watcher->decided;
    watcher->decided |= bits;
    watcher->spared |= spared ? bits : 0;
}

/* Stops the replay as soon as all that was asked is decided. In most failing settings that is early: the first preemption decides for the
 * whole run, and a request that was asked about alone is often hit soon after its admission. */
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

/* What the knob is set to at an effort. Sequences are the only knob that is turned down. */
static int64_t value_of(const struct search *search, const struct probe *probe)
{
    return probe->knob == KNOB_SEQUENCES ? search->now[probe->knob] - probe->effort : search->now[probe->knob] + probe->effort;
}

/* Each probe is replayed by one thread, which alone writes to it. An interruption is a success if the watcher asked for it, else an
 * error. A stall is no error: whoever did not finish in it is not spared. */
static enum status run_probe(void *context, size_t i, struct diag *diag)
{
    const struct search *search = context;
    struct probe *probe = &search->probes[search->done + i];
    const struct remedy_question *question = search->question;
    struct config config = *question->config;
    struct watcher watcher = {.asked = probe->asked, .bit_of = search->bit_of};
    struct observer observer = {.self = &watcher, .events = watch};
    remedy_apply(&config, probe->knob, value_of(search, probe));
    enum status status = replay_observed(search->trace, &config, &observer, false, diag);
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
    return left->knob != right->knob ? compare_u64(left->knob, right->knob) : compare_u64((uint64_t)left->effort, (uint64_t)right->effort);
}

/* Ask for targets at an effort; what is known already is not asked again. A replay that stopped early did not decide for everybody: then
 * the same value is asked a second time, for the others only, and merge() joins the two. A value that is waiting for its round takes
 * further targets. Efforts outside of the knob's range are left out silently, so that the steps of the search need not know the limits. */
static void ask(struct search *search, enum knob knob, int64_t effort, uint32_t targets)
{
    if (effort < 1 || effort > search->limit[knob] || search->status != SIM_OK)
        return;
    for (size_t i = 0; i < search->count; i++) {
        struct probe *probe = &search->probes[i];
        if (probe->knob != knob || probe->effort != effort)
            continue;
        if (i >= search->done)
            probe->asked |= targets;
        else
            targets &= ~probe->decided;
        if (i >= search->done || targets == 0)
            return;
    }
    const struct probe probe = {.knob = knob, .effort = effort, .asked = targets};
    search->status =
        array_append(&search->probes, &search->count, &search->capacity, &probe, sizeof probe, "the search for remedies", search->diag);
}

/* Probes of the same value become one, and the list is in order of efforts again, which bracket() and answer() rely on. */
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

/* Replay all that was asked since the last round. Progress is asked between rounds only; a round takes no longer than its longest replay.
 * An interruption by the user sets the status, after which every further step of the search does nothing. */
static void run_round(struct search *search)
{
    const size_t count = search->count - search->done;
    const struct remedy_question *question = search->question;
    if (search->status != SIM_OK)
        return;
    if (question->progress && question->progress(question->progress_context, search->replays, search->replays + count))
        search->status = diag_set(search->diag, SIM_INTERRUPTED, "interrupted");
    else
        search->status = parallel_runs(count, 0, run_probe, search, search->diag);
    search->replays += (uint32_t)count;
    merge(search);
}

/* --- the search ------------------------------------------------------------------------------------------------------------------- */

/* Efforts of the grid: pools grow by a fifth up to four times the pool; watermarks by rounded shares of the pool; sequences shrink by a
 * quarter. Steps grow with the value, as what matters is how many times as large a pool is. The grid is where the search may miss
 * something: an isolated value between two grid points that spares a request is not seen if both of them fail. */
static void ask_grid(struct search *search)
{
    static const double shares[] = {0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.75, 1};
    const int64_t pool = search->now[KNOB_POOL], sequences = search->now[KNOB_SEQUENCES];
    for (int64_t larger = pool + pool / 5; larger < 4 * pool; larger += larger / 5 + 1)
        ask(search, KNOB_POOL, larger - pool, search->everything);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        ask(search, KNOB_WATERMARK, (int64_t)(shares[i] * (double)search->limit[KNOB_WATERMARK]), search->everything);
    for (int64_t left = sequences * 3 / 4; left >= 1; left = left > 1 ? left * 3 / 4 : 0)
        ask(search, KNOB_SEQUENCES, sequences - left, search->everything);
    run_round(search);
}

/* The first tested effort that spares the target, and the last tested one before it (0: now); false: none spares it. Probes that did not
 * decide for this target are passed over. Effort 0 needs no replay: at the present setting the targets are preempted, or nobody would
 * ask. */
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

/* A pool four times as large may still be too small for everybody at once. Twelve rounds of doubling reach one about 6,000 times as
 * large; efforts beyond the limit are left out by ask(). Only targets without an answer are asked about. */
static void widen_pool(struct search *search)
{
    int64_t effort = 3 * search->now[KNOB_POOL], fails, spares;
    for (int doubling = 0; doubling < 12 && search->status == SIM_OK; doubling++, effort *= 2) {
        uint32_t missing = 0;
        for (uint32_t target = WHOLE_RUN; target & search->everything; target <<= 1)
            if (!bracket(search, KNOB_POOL, target, &fails, &spares))
                missing |= target;
        if (!missing)
            return;
        ask(search, KNOB_POOL, effort, missing);
        run_round(search);
    }
}

/* Halve all brackets at once until they are closed, that is until a value that fails and one that spares are neighbours. All brackets of
 * a round are replayed side by side; there are about log2(widest bracket) rounds. Brackets that share a middle share its replay. */
static void bisect(struct search *search)
{
    for (bool open = true; open && search->status == SIM_OK;) {
        open = false;
        for (int knob = 0; knob < KNOBS; knob++)
            for (uint32_t target = WHOLE_RUN; target & search->everything; target <<= 1) {
                int64_t fails, spares;
                if (!bracket(search, (enum knob)knob, target, &fails, &spares) || spares - fails <= 1)
                    continue;
                open = true;
                ask(search, (enum knob)knob, fails + (spares - fails) / 2, target);
            }
        if (open)
            run_round(search);
    }
}

/* Some values just beyond each answer: does it hold further away? */
static void look_beyond(struct search *search)
{
    static const int64_t beyond[] = {1, 2, 4, 8};
    for (int knob = 0; knob < KNOBS; knob++)
        for (uint32_t target = WHOLE_RUN; target & search->everything; target <<= 1) {
            int64_t fails, spares;
            if (!bracket(search, (enum knob)knob, target, &fails, &spares))
                continue;
            for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
                ask(search, (enum knob)knob, spares + beyond[i], target);
        }
    run_round(search);
}

/* Everything comes from the list of probes, in order of effort, so again_at is the nearest value beyond the answer at which the request is hit
 * again. */
static struct remedy answer(const struct search *search, enum knob knob, uint32_t target)
{
    struct remedy remedy = {.value = search->now[knob]};
    int64_t fails, spares;
    remedy.found = bracket(search, knob, target, &fails, &spares);
    for (size_t i = 0; i < search->count; i++) {
        const struct probe *probe = &search->probes[i];
        if (probe->knob != knob || !(probe->decided & target))
            continue;
        remedy.points++;
        if (remedy.found && probe->effort == spares)
            remedy.value = value_of(search, probe);
        if (remedy.found && !remedy.again && probe->effort > spares && !(probe->spared & target)) {
            remedy.again = true;
            remedy.again_at = value_of(search, probe);
        }
    }
    return remedy;
}

/* In twice the blocks of all requests together nobody can lack any, whatever part of them is kept free. */
static int64_t most_pool(const struct remedy_question *question)
{
    const struct trace *trace = question->trace;
    const struct kv_groups groups = kv_groups_of(question->config);
    const uint64_t places = speculation_places(question->config);
    uint64_t blocks = question->config->num_gpu_blocks;
    for (uint32_t position = 0; position < trace->count; position++) {
        uint64_t tokens = (uint64_t)trace->input_tokens[position] + trace->output_tokens[position] + places;
        blocks += 2 * (uint64_t)trace_sequences(trace, position) * kv_groups_blocks(&groups, tokens + 1);
    }
    return (int64_t)min_u64(blocks, UINT32_MAX - 2);
}

/* Errors are kept in search.status: after the first one each step returns at once, so the steps stand here one after the other without a
 * test between them. A request that was asked about twice has two bits. */
enum status remedies_find(const struct remedy_question *question, struct remedies *out, struct diag *diag)
{
    const struct config *config = question->config;
    struct trace trace = *question->trace;
    struct id_runs runs;
    struct search search = {
        .question = question, .trace = &trace, .everything = (uint32_t)(UINT64_C(2) << question->count) - 1, .diag = diag};
    search.now[KNOB_POOL] = config->num_gpu_blocks;
    search.now[KNOB_WATERMARK] = config_watermark_blocks(config);
    search.now[KNOB_SEQUENCES] = config->max_num_seqs;
    search.limit[KNOB_POOL] = most_pool(question) - config->num_gpu_blocks;
    search.limit[KNOB_WATERMARK] = config->num_gpu_blocks - 1 - search.now[KNOB_WATERMARK];
    search.limit[KNOB_SEQUENCES] = (int64_t)config->max_num_seqs - 1;
    enum status status = id_runs_make(&trace, &runs, diag);
    trace.id_runs = &runs;
    if (status == SIM_OK)
        status = array_zeroed(&search.bit_of, trace.count, sizeof *search.bit_of, "the search for remedies", diag);
    if (status != SIM_OK) {
        id_runs_deinit(&runs);
        return status;
    }
    for (uint32_t i = 0; i < question->count; i++)
        search.bit_of[question->positions[i]] |= UINT32_C(2) << i;
    ask_grid(&search);
    widen_pool(&search);
    bisect(&search);
    look_beyond(&search);
    if (search.status == SIM_OK) {
        *out = (struct remedies){.targets = 1 + question->count, .replays = search.replays};
        memcpy(out->now, search.now, sizeof out->now);
        for (uint32_t i = 0; i < out->targets; i++)
            for (int knob = 0; knob < KNOBS; knob++)
                out->of[i][knob] = answer(&search, (enum knob)knob, UINT32_C(1) << i);
    }
    id_runs_deinit(&runs);
    free(search.bit_of);
    free(search.probes);
    return search.status;
}

/* config->watermark is a fraction, from which the engine computes blocks in doubles and cuts (config_watermark_blocks). For a number of
 * blocks there are many such fractions; the user gets one that can be typed. After about twelve digits the last one is taken. */
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
