/* cmd_curve.c - `pagesim curve`: how much of all prompts a prefix cache of each size would hold, and how near a scheduler comes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/chart.h"
#include "base/progress.h"
#include "base/table.h"
#include "base/units.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/options.h"
#include "command/output.h"
#include "sim_version.h"
#include "study/curve_study.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"block-sizes", "LIST", "block sizes, as in 16,64,512 [--block-size]"},
    {"points", "LIST", "pool sizes to show, in blocks; k, M, G may follow a number"},
    {"token-points", "LIST",
     "pool sizes to show, in tokens: the same memory for all block sizes [round numbers up to the end of the curve]"},
    {"replay", NULL, "replay each of them and say where the scheduler differs"},
    {"threads", "N", "threads that replay [OMP_NUM_THREADS, or all cores]"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

static const struct command_spec spec = {
    .usage = "pagesim curve --trace FILE [--block-sizes LIST] [options]",
    .description = "Tell how much of all prompts a prefix cache of P blocks would have held under\n"
                   "plain LRU, exactly, for every P at once. JSON and CSV hold the whole curve: its\n"
                   "corners; between two of them it is a straight line.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim curve --trace mooncake.jsonl --block-sizes 512\n"
                "  pagesim curve --trace t.jsonl --block-sizes 16,64,512 --token-points 1M,10M\n"
                "  pagesim curve --trace t.jsonl --config server.json --points 4k,40k --replay\n",
};

enum { SIZES_MOST = 64, POOLS_MOST = 1000 };
#define POOL_LARGEST 4000000000.0

struct lists {
    uint32_t sizes[SIZES_MOST];
    uint64_t pools[POOLS_MOST], pool_tokens[POOLS_MOST];
    size_t size_count, pool_count, pool_token_count;
};

/* --- what is asked for ----------------------------------------------------------------------------------------------------------- */

/* "4096", "1.5k", "20M": a whole number from 1 on. */
static bool read_amount(const char *text, size_t length, double most, uint64_t *out)
{
    char copy[32], *end;
    if (length == 0 || length >= sizeof copy || strspn(text, "0123456789.") == 0)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    double value = strtod(copy, &end);
    if (*end == 'k' || *end == 'K')
        value *= 1e3, end++;
    else if (*end == 'M')
        value *= 1e6, end++;
    else if (*end == 'G')
        value *= 1e9, end++;
    value = round(value * 1e6) / 1e6; /* 1.1k is 1100 */
    if (*end || !(value >= 1 && value <= most) || value != floor(value))
        return false;
    *out = (uint64_t)value;
    return true;
}

static enum status read_list(const struct options *options, const char *name, double most, uint64_t *out, size_t room, size_t *count,
                             struct diag *diag)
{
    const char *text = options_value(options, name);
    *count = 0;
    while (text) {
        size_t length = strcspn(text, ",");
        if (*count == room)
            return diag_set(diag, SIM_USAGE, "--%s: more than %zu numbers", name, room);
        if (!read_amount(text, length, most, &out[*count]))
            return diag_set(diag, SIM_USAGE, "--%s: \"%.*s\" is not a whole number from 1 to %.0f; numbers stand between commas", name,
                            (int)length, text, most);
        (*count)++;
        text = text[length] ? text + length + 1 : NULL;
    }
    return SIM_OK;
}

static enum status read_lists(const struct options *options, struct lists *lists, struct diag *diag)
{
    uint64_t sizes[SIZES_MOST];
    enum status status = read_list(options, "block-sizes", 1e9, sizes, SIZES_MOST, &lists->size_count, diag);
    if (status == SIM_OK)
        status = read_list(options, "points", POOL_LARGEST, lists->pools, POOLS_MOST, &lists->pool_count, diag);
    if (status == SIM_OK)
        status = read_list(options, "token-points", POOL_LARGEST, lists->pool_tokens, POOLS_MOST, &lists->pool_token_count, diag);
    for (size_t i = 0; i < lists->size_count && status == SIM_OK; i++) {
        lists->sizes[i] = (uint32_t)sizes[i];
        for (size_t j = 0; j < i && status == SIM_OK; j++)
            if (lists->sizes[i] == lists->sizes[j])
                status = diag_set(diag, SIM_USAGE, "--block-sizes: %u stands there twice", lists->sizes[i]);
    }
    return status;
}

/* --- tables ---------------------------------------------------------------------------------------------------------------------- */

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static const struct table_column size_columns[] = {
    {"block_size", "block", TABLE_WHOLE},
    {"block_references", "references", TABLE_WHOLE},
    {"distinct_blocks", "distinct", TABLE_WHOLE},
    {"compulsory_share", "new", 4},
    {"most_hit_token_share", "most", 4},
    {"pool_blocks_for_90_percent", "90 % at", TABLE_WHOLE},
    {"pool_blocks_for_99_percent", "99 % at", TABLE_WHOLE},
    {"pool_blocks_for_all", "all at", TABLE_WHOLE},
};

static void size_row(const struct curve_of_size *size, struct table *table)
{
    const struct hit_curve *curve = curve_plain(size);
    const struct curve_point most = hit_curve_most(curve);
    table_number(table, size->block_size);
    table_number(table, (double)curve->references);
    table_number(table, (double)curve->distinct);
    table_number(table, share((double)curve->distinct, (double)curve->references));
    table_number(table, share((double)most.hit_tokens, (double)curve->prompt_tokens));
    table_number(table, (double)hit_curve_pool_for(curve, 0.9));
    table_number(table, (double)hit_curve_pool_for(curve, 0.99));
    table_number(table, (double)most.pool_blocks);
}

/* Also the rows of CSV: corners of the curve and chosen points. */
static const struct table_column point_columns[] = {
    {"block_size", "block", TABLE_WHOLE},     {"kind", NULL, TABLE_TEXT},
    {"pool_blocks", "pool", TABLE_WHOLE},     {"pool_tokens", "in tokens", TABLE_WHOLE},
    {"hit_blocks", NULL, TABLE_WHOLE},        {"hit_tokens", NULL, TABLE_WHOLE},
    {"hit_block_share", "blocks", 4},         {"hit_token_share", "tokens", 4},
    {"replay_hit_tokens", NULL, TABLE_WHOLE}, {"replay_hit_token_share", "replay", 4},
    {"difference_token_share", "differs", 4}, {"partial_tokens", NULL, TABLE_WHOLE},
    {"last_token_tokens", NULL, TABLE_WHOLE}, {"order_tokens", NULL, TABLE_WHOLE},
    {"ends_tokens", NULL, TABLE_WHOLE},       {"running_tokens", NULL, TABLE_WHOLE},
    {"replay_prefix_hit_rate", NULL, 4},      {"preemptions", "preempt", TABLE_WHOLE},
    {"dropped", "dropped", TABLE_WHOLE},
};

static double step_tokens(const struct hit_gap *gap, int step)
{
    return (double)gap->hit_tokens[step] - (step > 0 ? (double)gap->hit_tokens[step - 1] : 0);
}

static void point_row(const struct curve_of_size *size, const char *kind, const struct curve_point *point, const struct hit_gap *gap,
                      struct table *table)
{
    const struct hit_curve *curve = curve_plain(size);
    const double prompt_tokens = (double)curve->prompt_tokens;
    table_number(table, size->block_size);
    table_text(table, kind);
    table_number(table, (double)point->pool_blocks);
    table_number(table, (double)point->pool_blocks * size->block_size);
    table_number(table, (double)point->hit_blocks);
    table_number(table, (double)point->hit_tokens);
    table_number(table, share((double)point->hit_blocks, (double)curve->references));
    table_number(table, share((double)point->hit_tokens, prompt_tokens));
    table_number(table, gap ? (double)gap->hit_tokens[HIT_REPLAY] : NAN);
    table_number(table, gap ? share((double)gap->hit_tokens[HIT_REPLAY], prompt_tokens) : NAN);
    table_number(table, gap ? share((double)gap->hit_tokens[HIT_REPLAY] - (double)gap->hit_tokens[HIT_CURVE], prompt_tokens) : NAN);
    for (int step = HIT_PARTIAL; step < HIT_MODELS; step++)
        table_number(table, gap ? step_tokens(gap, step) : NAN);
    table_number(table, gap ? gap->prefix_hit_rate : NAN);
    table_number(table, gap ? (double)gap->preemptions : NAN);
    table_number(table, gap ? (double)gap->dropped : NAN);
}

static const struct table_column gap_columns[] = {
    {"block_size", "block", TABLE_WHOLE},
    {"pool_blocks", "pool", TABLE_WHOLE},
    {"curve", "curve", 4},
    {"partial", "partial", 4},
    {"last_token", "last", 4},
    {"order", "order", 4},
    {"ends", "ends", 4},
    {"running", "running", 4},
    {"replay", "replay", 4},
};

static void gap_row(const struct curve_of_size *size, const struct hit_gap *gap, struct table *table)
{
    const double prompt_tokens = (double)curve_plain(size)->prompt_tokens;
    table_number(table, size->block_size);
    table_number(table, (double)gap->pool_blocks);
    for (int step = HIT_CURVE; step < HIT_MODELS; step++)
        table_number(table, share(step_tokens(gap, step), prompt_tokens));
    table_number(table, share((double)gap->hit_tokens[HIT_REPLAY], prompt_tokens));
}

/* A table of the chosen points of all sizes, of what stands in front of it, or of the gaps. */
enum view { VIEW_SIZES, VIEW_POINTS, VIEW_GAPS };

static enum status make_table(const struct curve_study *study, enum view view, struct table **out, struct diag *diag)
{
    enum status status = view == VIEW_SIZES    ? table_create(size_columns, sizeof size_columns / sizeof *size_columns, out, diag)
                         : view == VIEW_POINTS ? table_create(point_columns, sizeof point_columns / sizeof *point_columns, out, diag)
                                               : table_create(gap_columns, sizeof gap_columns / sizeof *gap_columns, out, diag);
    for (size_t i = 0; i < study->size_count && status == SIM_OK; i++) {
        const struct curve_of_size *size = &study->sizes[i];
        if (view == VIEW_SIZES)
            size_row(size, *out);
        for (size_t j = 0; j < size->sight_count && view != VIEW_SIZES; j++) {
            const struct curve_sight *sight = &size->sights[j];
            if (view == VIEW_POINTS)
                point_row(size, "point", &sight->point, study->replayed ? &sight->gap : NULL, *out);
            else
                gap_row(size, &sight->gap, *out);
        }
    }
    return status;
}

static enum status print_table(const struct curve_study *study, enum view view, FILE *file, struct diag *diag)
{
    struct table *table = NULL;
    enum status status = make_table(study, view, &table, diag);
    if (status == SIM_OK)
        status = table_status(table, diag);
    if (status == SIM_OK)
        table_print(table, "  ", file);
    table_destroy(table);
    return status;
}

/* --- the drawing ----------------------------------------------------------------------------------------------------------------- */

static double share_at(const void *self, double pool_tokens)
{
    const struct curve_of_size *size = self;
    const struct hit_curve *curve = curve_plain(size);
    return share((double)hit_curve_at(curve, (uint64_t)(pool_tokens / size->block_size)).hit_tokens, (double)curve->prompt_tokens);
}

static void print_legend(const struct curve_study *study, FILE *file)
{
    fputs("  Share of prompt tokens hit, by pool size in tokens:", file);
    int column = 53;
    for (size_t i = 0; i < study->size_count && i < 26; i++) {
        char text[48];
        int width = snprintf(text, sizeof text, " %c blocks of %u%s", (char)('a' + i), study->sizes[i].block_size,
                             i + 1 < study->size_count ? "," : "");
        if (column + width > 78)
            column = fprintf(file, "\n ") - 1;
        column += fprintf(file, "%s", text);
    }
    fputs(study->replayed ? ";\n  capital letters: replays\n" : "\n", file);
}

/* One point a replay; which is below its curve or above it. */
static size_t mark_replays(const struct curve_study *study, struct chart_point *points)
{
    size_t count = 0;
    for (size_t i = 0; i < study->size_count && study->replayed; i++)
        for (size_t j = 0; j < study->sizes[i].sight_count && i < 26; j++) {
            const struct hit_gap *gap = &study->sizes[i].sights[j].gap;
            points[count++] = (struct chart_point){.mark = (char)('A' + i),
                                                   .curve = i,
                                                   .x = (double)gap->pool_blocks * study->sizes[i].block_size,
                                                   .y = share((double)gap->hit_tokens[HIT_REPLAY], (double)study->prompt_tokens)};
        }
    return count;
}

static enum status draw(const struct curve_study *study, bool color, FILE *file, struct diag *diag)
{
    struct chart_curve curves[26];
    struct chart_point *points;
    size_t sights = 0;
    for (size_t i = 0; i < study->size_count; i++)
        sights += study->sizes[i].sight_count;
    enum status status = array_zeroed(&points, sights, sizeof *points, "the drawing", diag);
    if (status != SIM_OK)
        return status;
    struct chart chart = {.curves = curves, .points = points, .color = color, .x_low = INFINITY};
    for (size_t i = 0; i < study->size_count && i < 26; i++) {
        const struct curve_of_size *size = &study->sizes[i];
        const double first = (double)size->sights[0].point.pool_blocks * size->block_size;
        const double last = (double)size->sights[size->sight_count - 1].point.pool_blocks * size->block_size;
        const double end = (double)hit_curve_most(curve_plain(size)).pool_blocks * size->block_size;
        const double top = share_at(size, end);
        curves[chart.curve_count++] = (struct chart_curve){.mark = (char)('a' + i), .y_at = share_at, .self = size};
        chart.x_low = fmin(chart.x_low, end > 0 ? fmin(first, end / 100) : first); /* end 0: this size hits nothing */
        chart.x_high = fmax(chart.x_high, fmax(last, end));
        chart.y_high = fmax(chart.y_high, top);
    }
    chart.point_count = mark_replays(study, points);
    for (size_t i = 0; i < chart.point_count; i++)
        chart.y_high = fmax(chart.y_high, points[i].y);
    chart.y_high = chart_top(chart.y_high);
    print_legend(study, file);
    status = chart_print(&chart, file, diag);
    free(points);
    return status;
}

/* --- the three forms of the result ----------------------------------------------------------------------------------------------- */

/* What the trace cannot show, or NULL. Prompts part at boundaries of trace blocks, as far as the trace tells; where blocks end elsewhere,
 * some may be shared that it says are not. */
static const char *blind_spot(const struct trace *trace, const struct config *config, const struct curve_study *study, char *text,
                              size_t size)
{
    uint32_t smallest = UINT32_MAX;
    for (size_t i = 0; i < study->size_count; i++)
        if (study->sizes[i].block_size % config->trace_block_size != 0 && study->sizes[i].block_size < smallest)
            smallest = study->sizes[i].block_size;
    if (!trace->hash_start && !trace->sample)
        snprintf(text, size, "the trace names no contents (hash_ids): no prompt shares anything with another, as far as it tells");
    else if (smallest != UINT32_MAX)
        snprintf(text, size,
                 "the trace names contents in blocks of %u tokens (trace_block_size): what prompts share inside such a block is "
                 "invisible, so blocks of %u may hit more than the curve says",
                 config->trace_block_size, smallest);
    else
        return NULL;
    return text;
}

static const char explanation[] = "  curve    plain LRU over the prompts' blocks, partial ones included\n"
                                  "  partial  partial last blocks are not cached\n"
                                  "  last     a prompt that is cached whole computes its last block again\n"
                                  "  order    only requests that are admitted, in the order of their admission\n"
                                  "  ends     a request's blocks are recent until it ends, its output stays too\n"
                                  "  running  the rest: blocks in use cannot be evicted and what is being written\n"
                                  "           takes room; preemptions release blocks and take them again\n";

static enum status print_people(const struct trace *trace, const struct curve_study *study, const struct output *output, struct diag *diag)
{
    char a[UNIT_TEXT], b[UNIT_TEXT];
    const char *bold = output->color ? "\033[1m" : "", *plain = output->color ? "\033[0m" : "";
    FILE *file = output->file;
    fprintf(file, "%s: %s prompts of %s tokens\n\n%sPrefix blocks%s (\"new\": the share of references to blocks never seen before)\n",
            trace->name, unit_count(study->prompts, a), unit_count(study->prompt_tokens, b), bold, plain);
    enum status status = print_table(study, VIEW_SIZES, file, diag);
    fprintf(file, "\n%sHits under plain LRU%s (share of blocks, of tokens%s)\n", bold, plain, study->replayed ? "; replay: of tokens" : "");
    if (status == SIM_OK)
        status = print_table(study, VIEW_POINTS, file, diag);
    fputc('\n', file);
    bool any = false;
    for (size_t i = 0; i < study->size_count; i++)
        any |= hit_curve_most(curve_plain(&study->sizes[i])).hit_tokens > 0;
    if (status == SIM_OK && any)
        status = draw(study, output->color, file, diag);
    else if (status == SIM_OK)
        fputs("  No prompt begins as another one did.\n", file);
    if (status == SIM_OK && study->replayed) {
        fprintf(file, "\n%sFrom the curve to the scheduler%s (shares of prompt tokens, adding up)\n", bold, plain);
        status = print_table(study, VIEW_GAPS, file, diag);
        fputs(explanation, file);
    }
    return status;
}

static enum status print_csv(const struct curve_study *study, FILE *file, struct diag *diag)
{
    struct table *table = NULL;
    enum status status = table_create(point_columns, sizeof point_columns / sizeof *point_columns, &table, diag);
    for (size_t i = 0; i < study->size_count && status == SIM_OK; i++) {
        const struct curve_of_size *size = &study->sizes[i];
        for (size_t j = 0; j < curve_plain(size)->count; j++)
            point_row(size, "corner", &curve_plain(size)->points[j], NULL, table);
        for (size_t j = 0; j < size->sight_count; j++)
            point_row(size, "point", &size->sights[j].point, study->replayed ? &size->sights[j].gap : NULL, table);
    }
    if (status == SIM_OK)
        status = table_status(table, diag);
    if (status == SIM_OK)
        table_print_csv(table, file);
    table_destroy(table);
    return status;
}

static void write_corners(const struct hit_curve *curve, struct json_text *json)
{
    json_key(json, "corners");
    json_open_array(json);
    for (size_t i = 0; i < curve->count; i++) {
        char text[96];
        int length = snprintf(text, sizeof text, "[%llu, %llu, %llu]", (unsigned long long)curve->points[i].pool_blocks,
                              (unsigned long long)curve->points[i].hit_blocks, (unsigned long long)curve->points[i].hit_tokens);
        json_raw(json, text, (size_t)length);
    }
    json_close_array(json);
}

static enum status write_view(const struct curve_study *study, enum view view, const char *key, struct json_text *json, struct diag *diag)
{
    struct table *table = NULL;
    enum status status = make_table(study, view, &table, diag);
    if (status == SIM_OK)
        status = table_status(table, diag);
    if (status == SIM_OK) {
        json_key(json, key);
        table_write_json(table, json);
    }
    table_destroy(table);
    return status;
}

static enum status write_json(const struct trace *trace, const struct config *config, const struct curve_study *study, const char *warning,
                              struct json_text *json, struct diag *diag)
{
    json_open_object(json);
    json_put_int(json, "schema_version", 1);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "trace", trace->name);
    json_put_uint(json, "requests", study->prompts);
    json_put_uint(json, "prompt_tokens", study->prompt_tokens);
    json_put_uint(json, "trace_block_size", config->trace_block_size);
    json_key(json, "warning");
    if (warning)
        json_string(json, warning);
    else
        json_null(json);
    enum status status = write_view(study, VIEW_SIZES, "block_sizes", json, diag);
    if (status == SIM_OK)
        status = write_view(study, VIEW_POINTS, "points", json, diag);
    if (status == SIM_OK && study->replayed)
        status = write_view(study, VIEW_GAPS, "gaps", json, diag);
    json_key(json, "curves");
    json_open_array(json);
    for (size_t i = 0; i < study->size_count; i++) {
        json_open_object(json);
        json_put_uint(json, "block_size", study->sizes[i].block_size);
        json_put_string(json, "corner", "[pool_blocks, hit_blocks, hit_tokens]; straight lines between them");
        write_corners(curve_plain(&study->sizes[i]), json);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
    return status;
}

static enum status print_result(const struct options *options, const struct input *input, const struct curve_study *study,
                                const char *format, struct diag *diag)
{
    char text[512];
    const char *warning = blind_spot(input->trace, &input->config, study, text, sizeof text);
    struct output output;
    enum status status = output_begin(&output, options, diag);
    if (status != SIM_OK)
        return status;
    if (strcmp(format, "json") == 0) {
        struct json_text json;
        json_text_init(&json, true);
        status = write_json(input->trace, &input->config, study, warning, &json, diag);
        enum status written = output_json(&output, &json, diag);
        status = status == SIM_OK ? written : status;
    } else if (strcmp(format, "csv") == 0) {
        status = print_csv(study, output.file, diag);
    } else {
        status = print_people(input->trace, study, &output, diag);
    }
    status = output_end(&output, status, diag);
    if (status == SIM_OK && warning && !options_has(options, "quiet"))
        fprintf(stderr, "pagesim: warning: %s\n", warning);
    return status;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, done, total);
}

static enum status curve(const struct options *options, const struct input *input, struct lists *lists, const char *format,
                         struct diag *diag)
{
    struct progress progress;
    struct curve_study study;
    const struct config *config = &input->config;
    if (lists->size_count == 0)
        lists->sizes[lists->size_count++] = config->block_size;
    const struct curve_plan plan = {.block_sizes = lists->sizes,
                                    .block_size_count = lists->size_count,
                                    .pools = lists->pools,
                                    .pool_count = lists->pool_count,
                                    .pool_tokens = lists->pool_tokens,
                                    .pool_token_count = lists->pool_token_count,
                                    .own_pool_tokens = (uint64_t)config->num_gpu_blocks * config->block_size,
                                    .replay = options_has(options, "replay"),
                                    .progress = on_progress,
                                    .progress_context = &progress};
    progress_start(&progress, "replays");
    progress.terminal = progress.terminal && !options_has(options, "quiet");
    enum status status = curve_study_make(input->trace, config, &plan, &study, diag);
    progress_end(&progress);
    if (status != SIM_OK)
        return status;
    status = print_result(options, input, &study, format, diag);
    curve_study_free(&study);
    return status;
}

enum status cmd_curve(int argc, char **argv, struct diag *diag)
{
    static struct lists lists;
    struct options options;
    const char *format = NULL;
    struct input input = {0};
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (status == SIM_OK)
        status = output_format(&options, &format, diag);
    if (status == SIM_OK)
        status = read_lists(&options, &lists, diag);
    if (status == SIM_OK)
        status = input_open_any_pool(&options, &input, diag);
    if (status == SIM_OK)
        status = curve(&options, &input, &lists, format, diag);
    input_close(&input);
    return status;
}
