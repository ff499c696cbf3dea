/* tune_journal.c - a replay of a tuning as a line, and those that are there as a sorted list. Start with tune_kept_write and identify, which
 * says what a journal is of. */
#include "study/tune_journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/fingerprint.h"
#include "config/config_keys.h"
#include "replay/workload.h"
#include "study/config_fingerprint.h"

enum { TUNE_JOURNAL_VERSION = 1 };

/* --- a line ------------------------------------------------------------------------------------------------------------------------------ */

/* Of the limits what folding asks (tune_fold.h), and no more. */
void tune_kept_write(const struct tune_kept *kept, struct json_text *json)
{
    const struct tune_trial *trial = &kept->trial;
    json_open_object(json);
    json_put_uint(json, "point", kept->what.point);
    if (kept->what.clock.key) {
        char name[SWEEP_KEY_NAME_SIZE];
        sweep_key_name(kept->what.clock.key, name, sizeof name);
        json_put_string(json, "clock", name);
        json_put_double(json, "factor", kept->what.clock.factor);
    }
    json_put_double(json, "load", kept->what.load);
    json_put_uint(json, "seed", kept->what.seed);
    json_key(json, "passes");
    json_bool(json, trial->passes);
    json_key(json, "objective");
    json_exact(json, trial->objective);
    json_put_uint(json, "running", trial->seen.peak_running);
    json_put_uint(json, "step_tokens", trial->seen.peak_step_tokens);
    json_put_uint(json, "used_blocks", trial->seen.peak_used_blocks);
    json_put_uint(json, "preemptions", trial->seen.preemptions);
    json_close_object(json);
}

/* A line at work. `ok`: all that was asked for so far is there. */
struct reader {
    const struct json_document *document;
    bool ok;
};

static const cJSON *member(const struct reader *reader, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(reader->document->root, key);
}

static uint64_t take_uint(struct reader *reader, const char *key, uint64_t most)
{
    const cJSON *node = member(reader, key);
    uint64_t value = 0;
    reader->ok = reader->ok && node && json_uint64(reader->document, node, &value) && value <= most;
    return reader->ok ? value : 0;
}

/* null is NaN: a figure that is undefined. */
static double take_double(struct reader *reader, const char *key)
{
    const cJSON *node = member(reader, key);
    reader->ok = reader->ok && node && (cJSON_IsNumber(node) || cJSON_IsNull(node));
    return reader->ok && cJSON_IsNumber(node) ? node->valuedouble : (double)NAN;
}

static struct tune_clock take_clock(struct reader *reader)
{
    const cJSON *name = member(reader, "clock");
    struct tune_clock clock = {.key = NULL};
    struct diag ignored = {0};
    if (!name)
        return clock;
    reader->ok = reader->ok && cJSON_IsString(name) && sweep_key_find(name->valuestring, "clock", &clock.key, &ignored) == SIM_OK;
    clock.factor = take_double(reader, "factor");
    return clock;
}

enum status tune_kept_read(const char *file, size_t line, const char *text, size_t length, size_t points, struct tune_kept *out,
                           struct diag *diag)
{
    struct json_document document;
    enum status status = json_open(file, line, text, length, &document, diag);
    if (status != SIM_OK)
        return status;
    struct reader reader = {.document = &document, .ok = cJSON_IsObject(document.root)};
    const cJSON *passes = member(&reader, "passes");
    const struct tune_kept kept = {.what = {.point = take_uint(&reader, "point", points - 1),
                                            .clock = take_clock(&reader),
                                            .load = take_double(&reader, "load"),
                                            .seed = take_uint(&reader, "seed", UINT64_MAX)},
                                   .trial = {.passes = cJSON_IsTrue(passes),
                                             .objective = take_double(&reader, "objective"),
                                             .seen = {.peak_running = (uint32_t)take_uint(&reader, "running", UINT32_MAX),
                                                      .peak_step_tokens = (uint32_t)take_uint(&reader, "step_tokens", UINT32_MAX),
                                                      .peak_used_blocks = (uint32_t)take_uint(&reader, "used_blocks", UINT32_MAX),
                                                      .preemptions = take_uint(&reader, "preemptions", UINT64_MAX)}}};
    if (!reader.ok || !cJSON_IsBool(passes))
        status = json_error(&document, document.root, false, diag, "is not a line of a tuning's journal");
    else
        *out = kept;
    json_close(&document);
    return status;
}

/* --- what a journal is of ----------------------------------------------------------------------------------------------------------------- */

/* Each value of each key alone, as text and, where a server would start with it, in effect: all combinations follow from these. */
static enum status identify_plan(const struct tune_plan *plan, uint64_t *hash, struct diag *diag)
{
    struct config_files files = {.hash = 0};
    for (uint32_t key = 0; key < plan->points.varied.count; key++)
        for (uint32_t digit = 0; digit < plan->digits[key]; digit++) {
            struct config config;
            struct diag refused = {0};
            const size_t point = tune_with(plan, 0, key, digit);
            const char *value = sweep_plan_value(&plan->points, point, key);
            *hash = fingerprint_bytes(*hash, plan->points.varied.list[key]->name, strlen(plan->points.varied.list[key]->name));
            *hash = value ? fingerprint_bytes(*hash, value, strlen(value)) : fingerprint_word(*hash, 0);
            if (sweep_plan_config(&plan->points, point, &config, &refused) == SIM_OK &&
                config_fingerprint(&config, &files, hash, diag) != SIM_OK)
                return diag->status;
        }
    return SIM_OK;
}

/* All that a verdict depends on, besides point, load, clock and seed. */
static enum status identify(const struct tune_question *question, struct journal_identity *out, struct diag *diag)
{
    const struct load_question *load = &question->load;
    *out = (struct journal_identity){.study = "tune",
                                     .name = "a tuning",
                                     .version = TUNE_JOURNAL_VERSION,
                                     .counted = "combinations",
                                     .plans = "limits",
                                     .trace = workload_fingerprint(load->trace),
                                     .plan = FINGERPRINT_START,
                                     .count = question->plan->points.point_count};
    uint64_t *hash = &out->plan;
    *hash = fingerprint_word(*hash, (uint64_t)load->drawn << 1 | load->fixed);
    *hash = fingerprint_bytes(*hash, question->objective.name, strlen(question->objective.name));
    for (size_t i = 0; i < load->requirement_count; i++) {
        const struct requirement *requirement = &load->requirements[i];
        *hash = fingerprint_bytes(*hash, requirement->name, strlen(requirement->name));
        *hash = fingerprint_bytes(*hash, &requirement->value, sizeof requirement->value);
        *hash = fingerprint_word(*hash, (uint64_t)requirement->operator<< 1 | requirement->of_latency);
    }
    return identify_plan(question->plan, hash, diag);
}

/* --- what is there ------------------------------------------------------------------------------------------------------------------------ */

static int by_what(const void *left, const void *right)
{
    const struct tune_replayed *a = &((const struct tune_kept *)left)->what, *b = &((const struct tune_kept *)right)->what;
    const size_t a_clock = a->clock.key ? (size_t)(a->clock.key - config_keys) + 1 : 0;
    const size_t b_clock = b->clock.key ? (size_t)(b->clock.key - config_keys) + 1 : 0;
    int order = compare_u64(a->point, b->point);
    order = order ? order : compare_u64(a_clock, b_clock);
    order = order ? order : compare_doubles(a->clock.factor, b->clock.factor);
    order = order ? order : compare_doubles(a->load, b->load);
    return order ? order : compare_u64(a->seed, b->seed);
}

static enum status take_line(void *context, const char *path, size_t line, const char *text, size_t length, struct diag *diag)
{
    struct tune_journal *journal = context;
    struct tune_kept kept;
    enum status status = tune_kept_read(path, line, text, length, journal->points, &kept, diag);
    return status == SIM_OK ? array_append(&journal->list, &journal->count, &journal->capacity, &kept, sizeof kept, "a journal", diag)
                            : status;
}

enum status tune_journal_open(struct tune_journal *journal, const char *path, const struct tune_question *question, struct diag *diag)
{
    struct journal_identity identity;
    *journal = (struct tune_journal){.points = question->plan->points.point_count};
    enum status status = identify(question, &identity, diag);
    if (status == SIM_OK)
        status = journal_open(&journal->file, path, &identity, take_line, journal, diag);
    if (journal->count > 0) /* else there is no list */
        qsort(journal->list, journal->count, sizeof *journal->list, by_what);
    return status;
}

void tune_journal_close(struct tune_journal *journal)
{
    journal_close(&journal->file);
    free(journal->list);
    *journal = (struct tune_journal){0};
}

bool tune_journal_find(const struct tune_journal *journal, const struct tune_replayed *what, struct tune_trial *trial)
{
    const struct tune_kept key = {.what = *what};
    const struct tune_kept *kept = journal->count > 0 ? bsearch(&key, journal->list, journal->count, sizeof *journal->list, by_what) : NULL;
    if (!kept)
        return false;
    trial->passes = kept->trial.passes;
    trial->objective = kept->trial.objective;
    trial->seen = kept->trial.seen;
    return true;
}

/* Appends take turns, as lines must stay whole. */
enum status tune_journal_add(struct tune_journal *journal, const struct tune_replayed *what, const struct tune_trial *trial,
                             struct diag *diag)
{
    const struct tune_kept kept = {.what = *what, .trial = *trial};
    struct json_text line;
    enum status status;
    json_text_init(&line, false);
    tune_kept_write(&kept, &line);
    journal_seal(&journal->file.identity, &line);
#pragma omp critical(tune_journal)
    status = journal_append(&journal->file, &line, diag);
    return status;
}
