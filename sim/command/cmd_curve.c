/* cmd_curve.c - `pagesim curve`: how much of all prompts a prefix cache of each size would hold, and how near a scheduler comes. Reads the
 * lists of sizes, makes the study (study/curve_study.h) and hands it to report/curve_report.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "report/curve_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"block-sizes", "LIST", "block sizes, as in 16,64,512 [--block-size]"},
    {"points", "LIST", "pool sizes to show, in blocks; k, M, G may follow a number"},
    {"token-points", "LIST",
     "pool sizes to show, in tokens: the same memory for all block sizes [round numbers up to the end of the curve]"},
    {"gib-points", "LIST", "pool sizes to show, in GiB of a GPU, as in 0.5,16,64; needs --model"},
    {"warmup", "SHARE", "of the requests, the first: they fill the caches and are not counted, as in 50% [0]"},
    {"replay", NULL, "replay each of them and say where the scheduler differs"},
    {"eviction-curves", NULL,
     "FIFO and the optimal order of eviction (Belady) beside LRU, at these pools and in JSON at some between them [with --html]"},
    {"threads", "N", "threads that replay [OMP_NUM_THREADS, or all cores]"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

/* Bounds of the arrays in the job. POOL_LARGEST stays below 2^32, in which pools are counted by the replay. */
enum { SIZES_MOST = 64, POOLS_MOST = 1000 };
#define POOL_LARGEST 4000000000.0
#define GIB          0x1p30

/* Lists as they were given; an empty one means a default that needs the configuration and is filled in later. */
struct job {
    struct call call;
    struct progress progress;
    uint32_t sizes[SIZES_MOST];
    uint64_t pools[POOLS_MOST], pool_tokens[POOLS_MOST];
    double gib[POOLS_MOST]; /* made tokens when the model is known */
    size_t size_count, pool_count, pool_token_count, gib_count;
    double warmup_share;
};

/* --- what is asked for ----------------------------------------------------------------------------------------------------------- */

/* "4096", "1.5k", "20M": a whole number from 1 on. Multiples are decimal, as people count tokens. All but the unit must be digits or a
 * point: strtod would also take signs, spaces, 0x10, 1e3, "inf" and "nan". */
static bool read_amount(const char *text, size_t length, double most, uint64_t *out)
{
    char copy[32], *end;
    const size_t digits = strspn(text, "0123456789.");
    if (length >= sizeof copy || digits == 0 || length - digits > 1)
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

/* Numbers between commas. A bad one sets diag. Returns how many there are. */
static size_t read_list(const struct options *options, const char *name, double most, uint64_t *out, size_t room, struct diag *diag)
{
    size_t count = 0;
    for (const char *text = options_value(options, name); text; count++) {
        size_t length = strcspn(text, ",");
        if (count == room)
            diag_set(diag, SIM_USAGE, "--%s: more than %zu numbers", name, room);
        else if (!read_amount(text, length, most, &out[count]))
            diag_set(diag, SIM_USAGE, "--%s: \"%.*s\" is not a whole number from 1 to %.0f; numbers stand between commas", name,
                     (int)length, text, most);
        if (diag->status != SIM_OK)
            break;
        text = text[length] ? text + length + 1 : NULL;
    }
    return count;
}

/* Numbers above 0, such as 0.5. As many as there is room for after the pools in tokens, which they become. */
static void read_gib(struct job *job, struct diag *diag)
{
    const char *text = options_value(&job->call.options, "gib-points");
    for (; text && diag->status == SIM_OK; job->gib_count++) {
        char *end = NULL;
        const size_t length = strcspn(text, ",");
        const double value = strspn(text, "0123456789.") == length ? strtod(text, &end) : 0;
        if (job->gib_count + job->pool_token_count == POOLS_MOST)
            diag_set(diag, SIM_USAGE, "--gib-points: more than %d pool sizes", POOLS_MOST);
        else if (!(value > 0 && value <= POOL_LARGEST && end == text + length))
            diag_set(diag, SIM_USAGE, "--gib-points: \"%.*s\" is not a number above 0; numbers stand between commas", (int)length, text);
        else
            job->gib[job->gib_count] = value;
        text = text[length] ? text + length + 1 : NULL;
    }
}

/* A replay has no warm-up that could be left out of what it is compared with. A size that stands there twice would be two equal curves with one letter each in the drawing. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    uint64_t sizes[SIZES_MOST] = {0};
    job->size_count = read_list(options, "block-sizes", 1e9, sizes, SIZES_MOST, diag);
    job->pool_count = read_list(options, "points", POOL_LARGEST, job->pools, POOLS_MOST, diag);
    job->pool_token_count = read_list(options, "token-points", POOL_LARGEST, job->pool_tokens, POOLS_MOST, diag);
    read_gib(job, diag);
    job->warmup_share = options_percent(options, "warmup", 0, nextafter(100, 0), "below 100, as in 50%", 0, diag);
    if (job->warmup_share > 0 && options_has(options, "replay"))
        diag_set(diag, SIM_USAGE, "--warmup: a replay counts all requests; leave out one of --warmup and --replay");
    for (size_t i = 0; i < job->size_count; i++) {
        job->sizes[i] = (uint32_t)sizes[i];
        for (size_t j = 0; j < i; j++)
            if (job->sizes[i] == job->sizes[j])
                diag_set(diag, SIM_USAGE, "--block-sizes: %u stands there twice", job->sizes[i]);
    }
    return diag->status;
}

/* Called between replays. Curves themselves have no way out in their middle; an interrupt ends the program there (interrupt.h). */
static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, done, total);
    return interrupted != 0;
}

/* The warning is printed after the result, where it is still on the screen when the prompt comes back. */
static enum status tell(const struct call *call, const struct curve_study *study, struct diag *diag)
{
    const struct input *input = &call->input;
    char text[512];
    const char *warning = curve_blind_spot(study, input->trace, &input->config, text, sizeof text);
    const struct document_origin origin = output_origin(&call->options, input->trace->name, &input->config);
    enum status status = output_document(&call->form, curve_report(study, input->trace, warning, &origin), diag);
    return status == SIM_OK && warning ? warning_tell(&call->options, diag, "%s", warning) : status;
}

/* A pool of so many bytes in tokens of the model. */
static enum status add_gib_points(struct job *job, const struct config *config, struct diag *diag)
{
    if (job->gib_count > 0 && config->block_bytes == 0)
        return diag_set(diag, SIM_USAGE, "--gib-points needs --model, which says what a token takes");
    for (size_t i = 0; i < job->gib_count; i++) {
        const double tokens = floor(job->gib[i] * GIB / ((double)config->block_bytes / config->block_size));
        if (tokens > POOL_LARGEST)
            return diag_set(diag, SIM_USAGE, "--gib-points: %g GiB hold more than %.0f tokens", job->gib[i], POOL_LARGEST);
        job->pool_tokens[job->pool_token_count++] = (uint64_t)tokens;
    }
    return SIM_OK;
}

/* Without --block-sizes the configuration's own size is the only one. Its own pool is looked at besides all others, if there is one, so
 * that the user's setting has a row. num_gpu_blocks may be missing (INPUT_ANY_POOL): a curve answers for all pools. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    struct curve_study study;
    const struct options *options = &job->call.options;
    const struct config *config = &job->call.input.config;
    if (job->size_count == 0)
        job->sizes[job->size_count++] = config->block_size;
    if (input_of_one_server(options, config, diag) != SIM_OK || add_gib_points(job, config, diag) != SIM_OK)
        return diag->status;
    const struct curve_plan plan = {.block_sizes = job->sizes,
                                    .block_size_count = job->size_count,
                                    .pools = job->pools,
                                    .pool_count = job->pool_count,
                                    .pool_tokens = job->pool_tokens,
                                    .pool_token_count = job->pool_token_count,
                                    .own_pool_tokens = (uint64_t)config->num_gpu_blocks * config->block_size,
                                    .warmup_share = job->warmup_share,
                                    .replay = options_has(options, "replay"),
                                    .evictions = options_has(options, "eviction-curves") || options_has(options, "html"),
                                    .progress = on_progress,
                                    .progress_context = &job->progress};
    progress_start(&job->progress, "replays", options_has(options, "quiet"));
    enum status status = curve_study_make(job->call.input.trace, config, &plan, &study, diag);
    progress_end(&job->progress);
    if (status != SIM_OK)
        return status;
    study.evictions_told = options_has(options, "eviction-curves");
    status = tell(&job->call, &study, diag);
    curve_study_free(&study);
    return status;
}

const struct command command_curve = {
    .name = "curve",
    .usage = "pagesim curve --trace FILE [--block-sizes LIST] [options]",
    .description = "Tell how much of all prompts a prefix cache of P blocks would have held under\n"
                   "plain LRU, exactly, for every P at once. JSON and CSV hold the whole curve: its\n"
                   "corners; between two of them it is a straight line.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim curve --trace mooncake.jsonl --block-sizes 512\n"
                "  pagesim curve --trace t.jsonl --block-sizes 16,64,512 --token-points 1M,10M\n"
                "  pagesim curve --trace t.jsonl --config server.json --points 4k,40k --replay\n"
                "  pagesim curve --trace t.jsonl --model llama-3.1-8b --gib-points 16,64\n",
    .tables = {"points", "block_sizes", "gaps"},
    .last_table_needs = "replay",
    .input = INPUT_ANY_POOL,
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
};
