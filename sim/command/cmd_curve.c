/* cmd_curve.c - `pagesim curve`: how much of all prompts a prefix cache of each size would hold, and how near a scheduler comes. Reads the lists
 * of sizes, makes the study (study/curve_study.h) and hands it to report/curve_report.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/options.h"
#include "command/output.h"
#include "report/curve_report.h"

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
    .name = "curve",
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

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, done, total);
}

static enum status tell(const struct options *options, const struct input *input, const struct curve_study *study,
                        const struct output_form *form, struct diag *diag)
{
    char text[512];
    const char *warning = curve_blind_spot(study, input->trace, &input->config, text, sizeof text);
    struct document_origin origin = output_origin(options);
    origin.trace = input->trace->name;
    origin.config = &input->config;
    enum status status = output_document(form, curve_report(study, warning, &origin), diag);
    if (status == SIM_OK && warning && !options_has(options, "quiet"))
        fprintf(stderr, "pagesim: warning: %s\n", warning);
    return status;
}

static enum status curve(const struct options *options, const struct input *input, struct lists *lists, const struct output_form *form,
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
    status = tell(options, input, &study, form, diag);
    curve_study_free(&study);
    return status;
}

enum status cmd_curve(int argc, char **argv, struct diag *diag)
{
    static struct lists lists;
    struct options options;
    const char *tables[] = {"points", "block_sizes", NULL, NULL};
    struct output_form form;
    struct input input = {0};
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (options_has(&options, "replay"))
        tables[2] = "gaps";
    if (status == SIM_OK)
        status = output_form_read(&options, NULL, tables, &form, diag);
    if (status == SIM_OK)
        status = read_lists(&options, &lists, diag);
    if (status == SIM_OK)
        status = input_open_any_pool(&options, &input, diag);
    if (status == SIM_OK)
        status = curve(&options, &input, &lists, &form, diag);
    input_close(&input);
    return status;
}
