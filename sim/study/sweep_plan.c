/* sweep_plan.c - reads factors (grids, lists, seeds) and multiplies them into points; at the end, what a point's configuration is. Keys
 * and values are read by sweep_keys.c, list files by sweep_list.c. A value's text is stored once, and everything else refers to it by
 * index:
 *
 *     plan->varied.list    block_size                   num_gpu_blocks
 *     plan->varied.values  "8"  "16"  "32"              "1000"  "2000"
 *     plan->cells          point 0: 0 3    point 1: 0 4    point 2: 1 3   ...
 *
 * Read sweep_plan_make, then multiply. */
#include "study/sweep_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/command_words.h"
#include "config/config_keys.h"
#include "config/sizing.h"
#include "study/sweep_list.h"

enum { OPTIONS_ROOM = 512 };

/* The command's own options and the values of a point: too much for the stack of a thread. */
struct point_options {
    struct config_option options[OPTIONS_ROOM];
    char names[SWEEP_KEYS_MOST][SWEEP_KEY_NAME_SIZE];
    struct sizing sizing;
};

/* --- factors ---------------------------------------------------------------------------------------------------------------------- */

/* Settings of some keys: cells[row * key count at the end + key]. While factors are read the number of keys still grows, so rows
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

/* Read "key=values": the key becomes one more column, its values are appended to all values. The values of a key stand together, at
 * indices [*first, *first + *count), which is all that a factor has to remember of them. */
static enum status vary_key(struct sweep_plan *plan, const char *vary, size_t *first, size_t *count, uint32_t *key, struct diag *diag)
{
    char name[SWEEP_KEY_NAME_SIZE], what[160];
    const char *equals = strchr(vary, '=');
    const struct config_key *found;
    snprintf(what, sizeof what, "--vary %s", vary);
    *first = plan->varied.value_count;
    *count = 0;
    if (!equals || equals == vary || equals[1] == '\0' || (size_t)(equals - vary) >= sizeof name)
        return diag_set(diag, SIM_USAGE, "%s: KEY=VALUES is wanted, as in block_size=8,16,32", what);
    snprintf(name, sizeof name, "%.*s", (int)(equals - vary), vary);
    if (sweep_key_find(name, what, &found, diag) != SIM_OK || sweep_keys_add(&plan->varied, found, what, key, diag) != SIM_OK ||
        sweep_keys_parse_values(&plan->varied, found, equals + 1, what, diag) != SIM_OK)
        return diag->status;
    *count = plan->varied.value_count - *first;
    return SIM_OK;
}

/* All values of one key, one a row. */
static enum status grid_factor(struct sweep_plan *plan, const char *vary, struct factor *factor, struct diag *diag)
{
    size_t first, count;
    if (vary_key(plan, vary, &first, &count, &factor->first_key, diag) != SIM_OK ||
        array_zeroed(&factor->cells, count, sizeof *factor->cells, "a sweep's plan", diag) != SIM_OK)
        return diag->status;
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
    factor->first_key = plan->varied.count;
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
    factor->key_count = plan->varied.count - factor->first_key;
    enum status status = array_zeroed(&factor->cells, rows * factor->key_count, sizeof *factor->cells, "a sweep's plan", diag);
    for (size_t row = 0; row < rows && status == SIM_OK; row++)
        for (uint32_t key = 0; key < factor->key_count; key++)
            factor->cells[row * factor->key_count + key] = (uint32_t)(first[key] + (count[key] > 1 ? row : 0));
    factor->rows = rows;
    return status;
}

/* A row of the list may leave keys out (SWEEP_NO_VALUE); such a point then has what the command line and the configuration file say. */
static enum status list_factor(struct sweep_plan *plan, const char *path, struct factor *factor, struct diag *diag)
{
    factor->first_key = plan->varied.count;
    enum status status = sweep_list_read(&plan->varied, path, &factor->cells, &factor->rows, diag);
    factor->key_count = plan->varied.count - factor->first_key;
    return status;
}

/* Replicates count from the seed that the base configuration has, and are written as a range, so that they meet the same checks as a
 * user's own range. Ranges count in doubles, which are exact up to 2^53 only. Seeds are the last factor: the replicates of a point stand
 * next to each other in the plan. */
static enum status seed_factor(struct sweep_plan *plan, uint64_t replicates, struct factor *factor, struct diag *diag)
{
    struct config config;
    char text[96];
    enum status status = config_load(plan->config_path, plan->base, plan->base_count, &config, diag);
    if (status != SIM_OK)
        return status;
    uint64_t last = config.seed + replicates - 1;
    if ((double)last > SWEEP_LARGEST_WHOLE)
        return diag_set(diag, SIM_USAGE, "--replicates: seeds from %llu on are too large", (unsigned long long)config.seed);
    snprintf(text, sizeof text, "seed=%llu:%llu", (unsigned long long)config.seed, (unsigned long long)last);
    if (sweep_keys_seed(&plan->varied) < plan->varied.count)
        return diag_set(diag, SIM_USAGE, "--replicates and --vary seed=... say the same; give one of them");
    return grid_factor(plan, text, factor, diag);
}

/* The order here is the order in which points change: the first factor slowest. The list comes first because it is the only factor whose
 * number of keys is unknown before it has been read, and it counts its keys from the first one. */
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

/* The number of a point, written in a system of mixed bases, has one digit for each factor, the last factor the least significant: the
 * digit is the row of that factor. Keys of different factors are different (sweep_keys_add refuses a key twice), so rows are copied next
 * to each other and never overlap. The limit is tested by division, because the product itself could overflow. */
static enum status multiply(struct sweep_plan *plan, const struct factors *factors, struct diag *diag)
{
    size_t points = 1;
    for (size_t i = 0; i < factors->count; i++) {
        if (factors->items[i].rows > SWEEP_POINTS_MOST / points)
            return diag_set(diag, SIM_USAGE, "more than %d runs; vary less", SWEEP_POINTS_MOST);
        points *= factors->items[i].rows;
    }
    enum status status = array_zeroed(&plan->cells, points * plan->varied.count, sizeof *plan->cells, "a sweep's plan", diag);
    if (status != SIM_OK)
        return status;
    plan->point_count = points;
    for (size_t point = 0; point < points; point++) {
        size_t rest = point;
        for (size_t i = factors->count; i-- > 0; rest /= factors->items[i].rows) {
            const struct factor *factor = &factors->items[i];
            memcpy(&plan->cells[point * plan->varied.count + factor->first_key], &factor->cells[rest % factor->rows * factor->key_count],
                   factor->key_count * sizeof *plan->cells);
        }
    }
    return SIM_OK;
}

/* On failure plan->varied keeps what was read so far, which sweep_plan_deinit frees. */
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
    sweep_keys_deinit(&plan->varied);
    free(plan->cells);
    *plan = (struct sweep_plan){0};
}

/* --- points ----------------------------------------------------------------------------------------------------------------------- */

const char *sweep_plan_value(const struct sweep_plan *plan, size_t point, uint32_t key)
{
    uint32_t cell = plan->cells[point * plan->varied.count + key];
    return cell == SWEEP_NO_VALUE ? NULL : plan->varied.values[cell];
}

/* For messages. A text that does not fit is cut, never an error: `used` then passes `size`, and the loop adds no more. */
void sweep_plan_describe(const struct sweep_plan *plan, size_t point, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t key = 0; key < plan->varied.count; key++) {
        char name[SWEEP_KEY_NAME_SIZE];
        const char *value = sweep_plan_value(plan, point, key);
        if (!value || used >= size)
            continue;
        sweep_key_name(plan->varied.list[key], name, sizeof name);
        int added = snprintf(out + used, size - used, "%s%s=%s", used ? " " : "", name, value);
        used += added > 0 ? (size_t)added : 0;
    }
}

/* The last option of the command that sets the key, or NULL. */
static const char *value_of_base(const struct sweep_plan *plan, const struct config_key *key)
{
    for (uint32_t i = plan->base_count; i-- > 0;) {
        bool negated;
        if (config_find_option(plan->base[i].name, &negated) == key)
            return plan->base[i].value ? plan->base[i].value : negated ? "false" : "true";
    }
    return NULL;
}

/* Switches need their value in the same word. */
void sweep_plan_print_options(const struct sweep_plan *plan, size_t point, FILE *file)
{
    for (uint32_t i = 0; i < plan->varied.count; i++) {
        const struct config_key *key = plan->varied.list[i];
        const char *value = sweep_plan_value(plan, point, i);
        char name[SWEEP_KEY_NAME_SIZE];
        if (!value && (value = value_of_base(plan, key)) == NULL)
            continue;
        config_option_name(key, name, sizeof name);
        fprintf(file, " --%s%c", name, key->type == KEY_BOOL ? '=' : ' ');
        command_word_print(value, file);
    }
}

/* Are points told apart by what servers there are? Then one server's GPUs and cost are told, too (run_figures_scopes). */
static bool varies_fleet(const struct sweep_plan *plan)
{
    for (uint32_t key = 0; key < plan->varied.count; key++)
        if (config_key_of_fleet(plan->varied.list[key]))
            return true;
    return false;
}

/* Values are applied as options after the command's own, by the same function that reads a command line. So a later value wins over an
 * earlier one, defaults that depend on other keys follow the varied ones, and all that vLLM refuses is refused here too. It is made anew
 * for every run: a plan may have a million points, and making one configuration costs nothing next to a replay. */
enum status sweep_plan_config(const struct sweep_plan *plan, size_t point, struct config *config, struct diag *diag)
{
    struct point_options *made;
    struct diag inner = {0};
    uint32_t count = plan->base_count;
    if (count + plan->varied.count > OPTIONS_ROOM)
        return diag_set(diag, SIM_USAGE, "too many options; put settings into a configuration file");
    enum status status = array_zeroed(&made, 1, sizeof *made, "a configuration", diag);
    if (status != SIM_OK)
        return status;
    if (count > 0)
        memcpy(made->options, plan->base, count * sizeof *made->options);
    for (uint32_t key = 0; key < plan->varied.count; key++) {
        const char *value = sweep_plan_value(plan, point, key);
        if (!value)
            continue;
        config_option_name(plan->varied.list[key], made->names[key], sizeof made->names[key]);
        made->options[count++] = (struct config_option){.name = made->names[key], .value = value};
    }
    status = config_load(plan->config_path, made->options, count, config, &inner);
    if (status == SIM_OK)
        status = sizing_fill(config, &made->sizing, &inner);
    free(made);
    if (status == SIM_OK) {
        config->fleets_compared = varies_fleet(plan);
        if (plan->trace_block_size > 0 && !config_gives(config, "trace_block_size"))
            config->trace_block_size = plan->trace_block_size;
        return SIM_OK;
    }
    char point_text[256];
    sweep_plan_describe(plan, point, point_text, sizeof point_text);
    return diag_set(diag, inner.status, "run %zu (%s): %s", point, point_text, inner.text);
}
