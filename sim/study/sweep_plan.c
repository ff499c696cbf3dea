/* sweep_plan.c - see sweep_plan.h: keys and values from text, factors, and their product. sweep_list.c reads list files. */
#include "study/sweep_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/nearest_name.h"
#include "study/sweep_list.h"

#define LARGEST_WHOLE 9007199254740992.0 /* 2^53: ranges count in doubles */

enum { NAME_SIZE = 96, OPTIONS_ROOM = 512 };

void sweep_key_name(const struct config_key *key, char *out, size_t size)
{
    const char *group = config_group_names[key->group];
    snprintf(out, size, "%s%s%s", group, *group ? "." : "", key->name);
}

enum status sweep_plan_find_key(const char *name, const char *what, const struct config_key **out, struct diag *diag)
{
    static const char hint[] = "`pagesim config show` lists the keys";
    char spellings[128][NAME_SIZE];
    const char *names[128];
    size_t count = config_key_count < 128 ? config_key_count : 128;
    bool negated;
    *out = config_find_option(name, &negated);
    if (*out && !negated)
        return SIM_OK;
    for (size_t i = 0; i < count; i++) {
        sweep_key_name(&config_keys[i], spellings[i], sizeof spellings[i]);
        names[i] = spellings[i];
    }
    const char *near = nearest_name(name, names, count);
    return diag_set(diag, SIM_USAGE, "%s: there is no configuration key \"%s\"; %s%s%s", what, name, near ? "did you mean \"" : hint,
                    near ? near : "", near ? "\"?" : "");
}

enum status sweep_plan_add_key(struct sweep_plan *plan, const struct config_key *key, const char *what, uint32_t *index, struct diag *diag)
{
    char name[NAME_SIZE];
    sweep_key_name(key, name, sizeof name);
    for (uint32_t i = 0; i < plan->key_count; i++)
        if (plan->keys[i] == key)
            return diag_set(diag, SIM_USAGE, "%s: %s is varied twice; give all its values at once", what, name);
    if (plan->key_count == SWEEP_KEYS_MOST)
        return diag_set(diag, SIM_USAGE, "%s: more than %d varied keys", what, SWEEP_KEYS_MOST);
    *index = plan->key_count;
    plan->keys[plan->key_count++] = key;
    return SIM_OK;
}

enum status sweep_plan_add_value(struct sweep_plan *plan, const struct config_key *key, const char *text, size_t length, const char *what,
                                 struct diag *diag)
{
    char name[NAME_SIZE], wants[256];
    struct config scratch;
    enum status status =
        array_reserve(&plan->values, &plan->value_capacity, plan->value_count + 1, sizeof *plan->values, "values of a sweep", diag);
    char *copy = status == SIM_OK ? strndup(text, length) : NULL;
    if (!copy)
        return status == SIM_OK ? diag_no_memory(diag, length, "values of a sweep") : status;
    plan->values[plan->value_count++] = copy;
    config_defaults(SCHEDULER_VLLM_V1, &scratch);
    if (config_key_parse(key, copy, &scratch))
        return SIM_OK;
    sweep_key_name(key, name, sizeof name);
    config_key_wants(key, wants, sizeof wants);
    return diag_set(diag, SIM_USAGE, "%s: %s=%s: must be %s", what, name, copy, wants);
}

/* --- ranges ----------------------------------------------------------------------------------------------------------------------- */

struct range {
    double from, to, step;
    bool multiplies;
};

static bool is_whole(enum key_type type)
{
    return type == KEY_UINT32 || type == KEY_UINT64 || type == KEY_INT64;
}

/* "a:b", "a:b:step" or "a:b:*factor"; false: not of that form. */
static bool read_range(const char *text, size_t length, struct range *out)
{
    char copy[128], *at = copy, *end;
    if (length >= sizeof copy || !memchr(text, ':', length))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *out = (struct range){.step = 1};
    out->from = strtod(at, &end);
    if (end == at || *end != ':')
        return false;
    at = end + 1;
    out->to = strtod(at, &end);
    if (end == at)
        return false;
    if (*end == ':') {
        at = end + 1;
        out->multiplies = *at == '*';
        at += out->multiplies;
        out->step = strtod(at, &end);
    }
    return end != at && *end == '\0' && isfinite(out->from) && isfinite(out->to) && isfinite(out->step);
}

/* Does every value of the range have exact text? */
static bool range_fits(const struct range *range, enum key_type type)
{
    if (is_whole(type) && (rint(range->from) != range->from || rint(range->to) != range->to || rint(range->step) != range->step ||
                           range->from < 0 || fabs(range->to) > LARGEST_WHOLE || range->from > LARGEST_WHOLE))
        return false;
    if (range->multiplies)
        return range->from > 0 && range->step > 1 && range->to >= range->from;
    return range->step != 0 && (range->to - range->from) * range->step >= 0;
}

static double range_value(const struct range *range, uint64_t i)
{
    return range->multiplies ? range->from * pow(range->step, (double)i) : range->from + (double)i * range->step;
}

static uint64_t range_count(const struct range *range)
{
    /* A hair more, so that 0:1:0.1 has its 1. */
    const double steps = range->multiplies ? log(range->to / range->from) / log(range->step) : (range->to - range->from) / range->step;
    return steps + 1e-9 >= SWEEP_POINTS_MOST ? SWEEP_POINTS_MOST + 1 : (uint64_t)(steps + 1e-9) + 1;
}

static enum status add_range(struct sweep_plan *plan, const struct config_key *key, const struct range *range, const char *what,
                             struct diag *diag)
{
    enum status status = SIM_OK;
    uint64_t count = range_count(range);
    if (count > SWEEP_POINTS_MOST)
        return diag_set(diag, SIM_USAGE, "%s: a range of more than %d values", what, SWEEP_POINTS_MOST);
    for (uint64_t i = 0; i < count && status == SIM_OK; i++) {
        char text[64];
        /* 12 digits: 0.3 is 0.3 and not 0.30000000000000004 */
        int length = snprintf(text, sizeof text, is_whole(key->type) ? "%.0f" : "%.12g", range_value(range, i));
        status = sweep_plan_add_value(plan, key, text, (size_t)length, what, diag);
    }
    return status;
}

enum status sweep_plan_parse_values(struct sweep_plan *plan, const struct config_key *key, const char *text, const char *what,
                                    struct diag *diag)
{
    enum status status = SIM_OK;
    const bool numeric = is_whole(key->type) || key->type == KEY_DOUBLE;
    for (const char *at = text; status == SIM_OK;) {
        struct range range;
        size_t length = strcspn(at, ",");
        if (numeric && memchr(at, ':', length)) {
            if (!read_range(at, length, &range) || !range_fits(&range, key->type))
                return diag_set(diag, SIM_USAGE,
                                "%s: \"%.*s\" is not a range that fits; FROM:TO:STEP is one, as in 1000:8000:500, and FROM:TO:*FACTOR",
                                what, (int)length, at);
            status = add_range(plan, key, &range, what, diag);
        } else {
            status = sweep_plan_add_value(plan, key, at, length, what, diag);
        }
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    return status;
}

/* --- factors ---------------------------------------------------------------------------------------------------------------------- */

/* Settings of some keys: cells[row * plan->key_count_at_the_end + key]. While factors are read the number of keys still grows, so rows
 * hold their own keys only: keys [first_key, first_key + key_count). */
struct factor {
    uint32_t first_key, key_count;
    uint32_t *cells; /* row-major */
    size_t rows;
};

struct factors {
    struct factor *items;
    size_t count;
};

static enum status vary_key(struct sweep_plan *plan, const char *vary, size_t *first, size_t *count, uint32_t *key, struct diag *diag)
{
    char name[NAME_SIZE], what[160];
    const char *equals = strchr(vary, '=');
    const struct config_key *found;
    snprintf(what, sizeof what, "--vary %s", vary);
    *first = plan->value_count;
    *count = 0;
    if (!equals || equals == vary || equals[1] == '\0' || (size_t)(equals - vary) >= sizeof name)
        return diag_set(diag, SIM_USAGE, "%s: KEY=VALUES is wanted, as in block_size=8,16,32", what);
    snprintf(name, sizeof name, "%.*s", (int)(equals - vary), vary);
    enum status status = sweep_plan_find_key(name, what, &found, diag);
    if (status == SIM_OK)
        status = sweep_plan_add_key(plan, found, what, key, diag);
    if (status == SIM_OK)
        status = sweep_plan_parse_values(plan, found, equals + 1, what, diag);
    *count = plan->value_count - *first;
    return status;
}

/* All values of one key, one a row. */
static enum status grid_factor(struct sweep_plan *plan, const char *vary, struct factor *factor, struct diag *diag)
{
    size_t first, count;
    enum status status = vary_key(plan, vary, &first, &count, &factor->first_key, diag);
    if (status == SIM_OK)
        status = array_zeroed(&factor->cells, count, sizeof *factor->cells, "a sweep's plan", diag);
    if (status != SIM_OK)
        return status;
    factor->key_count = 1;
    factor->rows = count;
    for (size_t i = 0; i < count; i++)
        factor->cells[i] = (uint32_t)(first + i);
    return SIM_OK;
}

/* First values together, second values together; a single value goes with all. */
static enum status zip_factor(struct sweep_plan *plan, const struct sweep_request *request, struct factor *factor, struct diag *diag)
{
    size_t first[SWEEP_KEYS_MOST] = {0}, count[SWEEP_KEYS_MOST] = {0}, rows = 1;
    const char *longest = "";
    factor->first_key = plan->key_count;
    for (size_t i = 0; i < request->vary_count; i++) {
        uint32_t key;
        if (i == SWEEP_KEYS_MOST)
            return diag_set(diag, SIM_USAGE, "more than %d varied keys", SWEEP_KEYS_MOST);
        enum status status = vary_key(plan, request->vary[i], &first[i], &count[i], &key, diag);
        if (status != SIM_OK)
            return status;
        if (count[i] > 1 && rows > 1 && count[i] != rows)
            return diag_set(diag, SIM_USAGE, "--mode list: --vary %s has %zu values, --vary %s has %zu; lists go together one by one",
                            request->vary[i], count[i], longest, rows);
        if (count[i] > 1) {
            rows = count[i];
            longest = request->vary[i];
        }
    }
    factor->key_count = plan->key_count - factor->first_key;
    enum status status = array_zeroed(&factor->cells, rows * factor->key_count, sizeof *factor->cells, "a sweep's plan", diag);
    for (size_t row = 0; row < rows && status == SIM_OK; row++)
        for (uint32_t key = 0; key < factor->key_count; key++)
            factor->cells[row * factor->key_count + key] = (uint32_t)(first[key] + (count[key] > 1 ? row : 0));
    factor->rows = rows;
    return status;
}

static enum status list_factor(struct sweep_plan *plan, const char *path, struct factor *factor, struct diag *diag)
{
    factor->first_key = plan->key_count;
    enum status status = sweep_list_read(plan, path, &factor->cells, &factor->rows, diag);
    factor->key_count = plan->key_count - factor->first_key;
    return status;
}

static enum status seed_factor(struct sweep_plan *plan, uint64_t replicates, struct factor *factor, struct diag *diag)
{
    struct config config;
    char text[96];
    enum status status = config_load(plan->config_path, plan->base, plan->base_count, &config, diag);
    if (status != SIM_OK)
        return status;
    uint64_t last = config.seed + replicates - 1;
    if ((double)last > LARGEST_WHOLE)
        return diag_set(diag, SIM_USAGE, "--replicates: seeds from %llu on are too large", (unsigned long long)config.seed);
    snprintf(text, sizeof text, "seed=%llu:%llu", (unsigned long long)config.seed, (unsigned long long)last);
    for (uint32_t i = 0; i < plan->key_count; i++)
        if (strcmp(plan->keys[i]->name, "seed") == 0)
            return diag_set(diag, SIM_USAGE, "--replicates and --vary seed=... say the same; give one of them");
    return grid_factor(plan, text, factor, diag);
}

static enum status read_factors(struct sweep_plan *plan, const struct sweep_request *request, struct factors *factors, struct diag *diag)
{
    enum status status = array_zeroed(&factors->items, request->vary_count + 2, sizeof *factors->items, "a sweep's plan", diag);
    if (status == SIM_OK && request->list_path)
        status = list_factor(plan, request->list_path, &factors->items[factors->count++], diag);
    if (status == SIM_OK && request->zip && request->vary_count > 0)
        status = zip_factor(plan, request, &factors->items[factors->count++], diag);
    for (size_t i = 0; status == SIM_OK && !request->zip && i < request->vary_count; i++)
        status = grid_factor(plan, request->vary[i], &factors->items[factors->count++], diag);
    if (status == SIM_OK && request->replicates > 0)
        status = seed_factor(plan, request->replicates, &factors->items[factors->count++], diag);
    if (status == SIM_OK && factors->count == 0)
        status = diag_set(diag, SIM_USAGE, "nothing to vary; give --vary KEY=VALUES, --list FILE or --replicates N");
    return status;
}

static enum status multiply(struct sweep_plan *plan, const struct factors *factors, struct diag *diag)
{
    size_t points = 1;
    for (size_t i = 0; i < factors->count; i++) {
        if (factors->items[i].rows > SWEEP_POINTS_MOST / points)
            return diag_set(diag, SIM_USAGE, "more than %d runs; vary less", SWEEP_POINTS_MOST);
        points *= factors->items[i].rows;
    }
    enum status status = array_zeroed(&plan->cells, points * plan->key_count, sizeof *plan->cells, "a sweep's plan", diag);
    if (status != SIM_OK)
        return status;
    plan->point_count = points;
    for (size_t point = 0; point < points; point++) {
        size_t rest = point;
        for (size_t i = factors->count; i-- > 0; rest /= factors->items[i].rows) {
            const struct factor *factor = &factors->items[i];
            memcpy(&plan->cells[point * plan->key_count + factor->first_key], &factor->cells[rest % factor->rows * factor->key_count],
                   factor->key_count * sizeof *plan->cells);
        }
    }
    return SIM_OK;
}

enum status sweep_plan_make(struct sweep_plan *plan, const struct sweep_request *request, struct diag *diag)
{
    struct factors factors = {0};
    enum status status = read_factors(plan, request, &factors, diag);
    if (status == SIM_OK)
        status = multiply(plan, &factors, diag);
    for (size_t i = 0; i < factors.count; i++)
        free(factors.items[i].cells);
    free(factors.items);
    return status;
}

void sweep_plan_deinit(struct sweep_plan *plan)
{
    for (size_t i = 0; i < plan->value_count; i++)
        free(plan->values[i]);
    free(plan->values);
    free(plan->cells);
    *plan = (struct sweep_plan){0};
}

/* --- points ----------------------------------------------------------------------------------------------------------------------- */

const char *sweep_plan_value(const struct sweep_plan *plan, size_t point, uint32_t key)
{
    uint32_t cell = plan->cells[point * plan->key_count + key];
    return cell == SWEEP_NO_VALUE ? NULL : plan->values[cell];
}

void sweep_plan_describe(const struct sweep_plan *plan, size_t point, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t key = 0; key < plan->key_count; key++) {
        char name[NAME_SIZE];
        const char *value = sweep_plan_value(plan, point, key);
        if (!value || used >= size)
            continue;
        sweep_key_name(plan->keys[key], name, sizeof name);
        int added = snprintf(out + used, size - used, "%s%s=%s", used ? " " : "", name, value);
        used += added > 0 ? (size_t)added : 0;
    }
}

enum status sweep_plan_config(const struct sweep_plan *plan, size_t point, struct config *config, struct diag *diag)
{
    struct config_option options[OPTIONS_ROOM];
    char names[SWEEP_KEYS_MOST][NAME_SIZE];
    struct sizing sizing;
    struct diag inner = {0};
    uint32_t count = plan->base_count;
    if (count + plan->key_count > OPTIONS_ROOM)
        return diag_set(diag, SIM_USAGE, "too many options; put settings into a configuration file");
    if (count > 0)
        memcpy(options, plan->base, count * sizeof *options);
    for (uint32_t key = 0; key < plan->key_count; key++) {
        const char *value = sweep_plan_value(plan, point, key);
        if (!value)
            continue;
        config_option_name(plan->keys[key], names[key], sizeof names[key]);
        options[count++] = (struct config_option){.name = names[key], .value = value};
    }
    enum status status = config_load(plan->config_path, options, count, config, &inner);
    if (status == SIM_OK)
        status = sizing_fill(config, &sizing, &inner);
    if (status == SIM_OK)
        return SIM_OK;
    char point_text[256];
    sweep_plan_describe(plan, point, point_text, sizeof point_text);
    return diag_set(diag, status, "run %zu (%s): %s", point, point_text, inner.text);
}
