/* cmd_size.c - `pagesim size`: the smallest pool that is large enough, and that every larger one is too. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/units.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/interrupt.h"
#include "command/options.h"
#include "command/output.h"
#include "command/requirements.h"
#include "report/report.h"
#include "sim_version.h"
#include "study/size_pools.h"

static const struct option_spec own_options[] = {
    {"require", "R", "what the pool must do, as in preemptions=0 or p99_ttft_ms<500; may be repeated; at least one"},
    {"max-blocks", "N", "largest pool that matters [one in which nothing ever waits]"},
    {"below", "N", "pools under the largest failing one to look at too, for isolated ones that pass [100]"},
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"threads", "N", "replays at once [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

static const struct command_spec spec = {
    .usage = "pagesim size --trace FILE --require R [--require ...] [options]",
    .description = "Find the smallest num_gpu_blocks such that it and every larger pool meet the\n"
                   "requirements and serve as many requests as the largest pool does; exact to one\n"
                   "block, with the replay just below as the certificate. More blocks can make\n"
                   "things worse, so every pool above is replayed, or shown to decide as its\n"
                   "neighbours do. With --model and --gpu the answer is told as\n"
                   "gpu_memory_utilization, too. Exit code 4: not even the largest pool meets them.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim size --trace azure.csv --require preemptions=0\n"
                "  pagesim size --trace t.jsonl --require 'p99_ttft_ms<500' --max-blocks 20000 \\\n"
                "    --model llama-3.1-8b --gpu rtx-4090\n",
};

enum { REQUIREMENTS_MOST = 64 };

struct job {
    struct options *options;
    const char *format;
    struct input input;
    struct requirement requirements[REQUIREMENTS_MOST];
    struct size_question question;
    struct size_answer answer;
    struct sizing gpu; /* known: a model and a GPU were given */
    double block_bytes;
};

/* --- reading the command line ----------------------------------------------------------------------------------------------------- */

static enum status read_requirements(struct job *job, struct diag *diag)
{
    struct size_question *question = &job->question;
    enum status status = requirements_read(job->options, job->requirements, REQUIREMENTS_MOST, &question->requirement_count, diag);
    question->requirements = job->requirements;
    if (status == SIM_OK && question->requirement_count == 0)
        return diag_set(diag, SIM_USAGE, "what must the pool do? give --require, as in --require preemptions=0");
    return status;
}

static enum status read_numbers(struct job *job, struct diag *diag)
{
    uint64_t most, below;
    enum status status = options_uint(job->options, "max-blocks", 1, 4294967294, 0, &most, diag);
    if (status == SIM_OK)
        status = options_uint(job->options, "below", 0, 1000000, 100, &below, diag);
    if (status != SIM_OK)
        return status;
    job->question.max_blocks = (uint32_t)most;
    job->question.below = (uint32_t)below;
    return SIM_OK;
}

/* If model and GPU are known: what the pool would be there. */
static enum status read_hardware(struct job *job, struct diag *diag)
{
    struct config probe = job->input.config;
    job->block_bytes = (double)report_block_bytes(&probe);
    if (!probe.model[0] || !probe.gpu[0] || probe.kv_cache_memory_bytes > 0)
        return SIM_OK;
    probe.num_gpu_blocks = 0;
    return sizing_fill(&probe, &job->gpu, diag);
}

static enum status read_all(struct job *job, struct diag *diag)
{
    struct options *options = job->options;
    enum status status = output_format(options, &job->format, diag);
    if (status == SIM_OK)
        status = read_requirements(job, diag);
    if (status == SIM_OK)
        status = read_numbers(job, diag);
    if (status == SIM_OK && options->config_count == OPTIONS_MOST)
        status = diag_set(diag, SIM_USAGE, "more than %d options; put settings into a configuration file", OPTIONS_MOST);
    if (status != SIM_OK)
        return status;
    options->config[options->config_count++] = (struct config_option){"num-gpu-blocks", "2"}; /* as if it had one; what is asked for */
    status = input_open(options, &job->input, diag);
    if (status == SIM_OK && job->input.config.data_plane != DATA_PLANE_OFF)
        status = diag_set(diag, SIM_USAGE, "size replays without bytes; leave out --data-plane");
    if (status == SIM_OK)
        status = read_hardware(job, diag);
    job->question.config = job->input.config;
    job->question.trace = job->input.trace;
    job->question.threads = job->input.threads;
    job->question.reference = options_has(options, "reference");
    job->question.quiet = options_has(options, "quiet");
    job->question.stop = &interrupted;
    return status;
}

/* --- the answer as memory ---------------------------------------------------------------------------------------------------------- */

/* The least gpu_memory_utilization, to four digits, that gives at least so many blocks; NaN: no GPU is known. */
static double utilization_of(const struct job *job, uint32_t blocks)
{
    const struct sizing *gpu = &job->gpu;
    if (!gpu->known)
        return NAN;
    const double wanted = (double)blocks * gpu->block_bytes + gpu->weight_bytes + gpu->overhead_bytes;
    double digits = ceil(wanted / gpu->gpu_bytes * 1e4);
    while (floor((digits / 1e4 * gpu->gpu_bytes - gpu->weight_bytes - gpu->overhead_bytes) / gpu->block_bytes) < blocks)
        digits++; /* what rounding took */
    return digits / 1e4;
}

static uint32_t requests_of(const struct job *job)
{
    return job->question.trace ? job->question.trace->count : 0;
}

static const char *trace_name(const struct job *job)
{
    return job->question.trace ? job->question.trace->name : "";
}

/* --- for people -------------------------------------------------------------------------------------------------------------------- */

static void print_requirements(const struct job *job, FILE *file)
{
    for (size_t i = 0; i < job->question.requirement_count; i++)
        fprintf(file, "%s%s", i ? ", " : "", job->requirements[i].text);
}

static void print_memory(const struct job *job, uint32_t blocks, FILE *file)
{
    char bytes[UNIT_TEXT], tokens[UNIT_TEXT], gpu[UNIT_TEXT];
    const struct config *config = &job->question.config;
    const double utilization = utilization_of(job, blocks);
    fprintf(file, "  blocks of %u tokens: room for %s, %s%s\n", config->block_size,
            unit_count((uint64_t)blocks * config->block_size, tokens), unit_bytes(blocks * job->block_bytes, bytes),
            config->model[0] ? " a GPU" : " at the kv shape");
    if (utilization > 1)
        fprintf(file, "  more than %s has (%s): gpu_memory_utilization would be %.4f\n", config->gpu, unit_bytes(job->gpu.gpu_bytes, gpu),
                utilization);
    else if (!isnan(utilization))
        fprintf(file, "  on %s (%s): --gpu-memory-utilization %.4f\n", config->gpu, unit_bytes(job->gpu.gpu_bytes, gpu), utilization);
}

static void print_below(const struct size_found *found, FILE *file)
{
    enum { SHOWN = 6 };
    char count[UNIT_TEXT];
    if (found->looked_at == 0)
        return;
    fprintf(file, "  of the %s pools below that,", unit_count(found->looked_at, count));
    if (found->passing_count == 0)
        fputs(" none passes", file);
    for (size_t i = 0; i < found->passing_count && i < SHOWN; i++) {
        const struct size_range *range = &found->passing_below[i];
        fprintf(file, "%s %u", i ? "," : " these pass by chance:\n   ", range->from);
        if (range->from < range->to)
            fprintf(file, "-%u", range->to);
    }
    if (found->passing_count > SHOWN)
        fprintf(file, " and %zu more", found->passing_count - SHOWN);
    fputc('\n', file);
}

static const struct figure *find(const struct size_figures *pool, const char *name)
{
    for (size_t i = 0; i < pool->count; i++)
        if (strcmp(pool->figures[i].name, name) == 0)
            return &pool->figures[i];
    return NULL;
}

static double value_of(const struct size_figures *pool, const char *name)
{
    const struct figure *figure = find(pool, name);
    return figure && !figure->undefined ? figure->value : NAN;
}

/* The pools that matter, side by side. */
static enum status print_pools(const struct job *job, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {{"which", " ", TABLE_TEXT},
                                                  {"pool", "pool", TABLE_WHOLE},
                                                  {"preemptions", "preempt", TABLE_WHOLE},
                                                  {"p99_ttft_ms", "p99 TTFT ms", 1},
                                                  {"p99_tpot_ms", "p99 TPOT ms", 2},
                                                  {"request_throughput_per_s", "req/s", 3},
                                                  {"peak_used_blocks", "peak used", TABLE_WHOLE}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    const struct {
        const char *name;
        const struct size_figures *pool;
    } rows[] = {{"largest that fails", &job->answer.failing}, {"answer", &job->answer.met}, {"bound", &job->answer.bound}};
    struct table *table;
    enum status status = table_create(columns, COLUMNS, &table, diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].pool->pool == 0)
            continue;
        table_text(table, rows[i].name);
        table_number(table, rows[i].pool->pool);
        for (int column = 2; column < COLUMNS; column++)
            table_number(table, value_of(rows[i].pool, columns[column].name));
    }
    status = table_status(table, diag);
    if (status == SIM_OK)
        table_print(table, "  ", file);
    table_destroy(table);
    return status;
}

static enum status print_answer(const struct job *job, FILE *file, struct diag *diag)
{
    const struct size_answer *answer = &job->answer;
    const struct size_found *found = &answer->found;
    char a[UNIT_TEXT], b[UNIT_TEXT];
    fprintf(file, "%s: %s requests; ", trace_name(job), unit_count(requests_of(job), a));
    print_requirements(job, file);
    if (found->answer == 0) {
        fprintf(file, "\n\nNo pool up to %s blocks will do: there\n  %s\n\n", unit_count(found->bound, a), answer->bound.why);
    } else {
        fprintf(file, "\n\nnum_gpu_blocks %u\n", found->answer);
        print_memory(job, found->answer, file);
        if (answer->without_bound)
            fputs("  every larger pool meets this too, however large\n", file);
        else
            fprintf(file, "  every larger pool up to %s meets this too\n", unit_count(found->bound, a));
        if (found->failing > 0)
            fprintf(file, "  %s does not: %s\n", unit_count(found->failing, a), answer->failing.why);
        print_below(found, file);
        fprintf(file, "  found and proved with %s replays\n\n", unit_count(found->replays, b));
    }
    return print_pools(job, file, diag);
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------ */

static void write_pool(const char *key, const struct size_figures *pool, struct json_text *json)
{
    json_key(json, key);
    if (pool->pool == 0) {
        json_null(json);
        return;
    }
    json_open_object(json);
    json_put_uint(json, "num_gpu_blocks", pool->pool);
    if (pool->why[0])
        json_put_string(json, "fails", pool->why);
    json_key(json, "figures");
    json_open_object(json);
    for (size_t i = 0; i < pool->count; i++) {
        const struct figure *figure = &pool->figures[i];
        if (figure->whole && !figure->undefined)
            json_put_uint(json, figure->name, (uint64_t)figure->value);
        else
            json_put_double(json, figure->name, figure->undefined ? NAN : figure->value);
    }
    json_close_object(json);
    json_close_object(json);
}

static void write_below(const struct size_found *found, struct json_text *json)
{
    json_key(json, "passing_below");
    json_open_array(json);
    for (size_t i = 0; i < found->passing_count; i++) {
        json_open_array(json);
        json_uint(json, found->passing_below[i].from);
        json_uint(json, found->passing_below[i].to);
        json_close_array(json);
    }
    json_close_array(json);
}

static void write_answer(const struct job *job, struct json_text *json)
{
    const struct size_answer *answer = &job->answer;
    const struct size_found *found = &answer->found;
    json_open_object(json);
    json_put_int(json, "schema_version", 1);
    json_put_string(json, "pagesim", SIM_VERSION);
    json_put_string(json, "trace", trace_name(job));
    json_put_uint(json, "requests", requests_of(job));
    json_key(json, "requirements");
    json_open_array(json);
    for (size_t i = 0; i < job->question.requirement_count; i++)
        json_string(json, job->requirements[i].text);
    json_close_array(json);
    json_key(json, "num_gpu_blocks");
    if (found->answer)
        json_uint(json, found->answer);
    else
        json_null(json);
    json_put_double(json, "pool_bytes", found->answer ? found->answer * job->block_bytes : NAN);
    json_put_double(json, "gpu_memory_utilization", found->answer ? utilization_of(job, found->answer) : NAN);
    json_put_uint(json, "verified_to", found->bound);
    json_put_bool(json, "however_large", answer->without_bound);
    json_put_uint(json, "replays", found->replays);
    json_put_uint(json, "looked_at_below", found->looked_at);
    write_below(found, json);
    write_pool("answer", &answer->met, json);
    write_pool("largest_failing", found->answer ? &answer->failing : &answer->bound, json);
    write_pool("bound", &answer->bound, json);
    json_close_object(json);
}

static enum status print_csv(const struct job *job, FILE *file, struct diag *diag)
{
    static const struct table_column columns[] = {
        {"num_gpu_blocks", "", TABLE_WHOLE}, {"pool_bytes", "", TABLE_WHOLE},   {"gpu_memory_utilization", "", TABLE_WHOLE},
        {"verified_to", "", TABLE_WHOLE},    {"however_large", "", TABLE_TEXT}, {"largest_failing", "", TABLE_WHOLE},
        {"fails", "", TABLE_TEXT},           {"replays", "", TABLE_WHOLE}};
    const struct size_found *found = &job->answer.found;
    const double answer = found->answer ? (double)found->answer : NAN;
    struct table *table;
    enum status status = table_create(columns, sizeof columns / sizeof *columns, &table, diag);
    if (status != SIM_OK)
        return status;
    table_number(table, answer);
    table_number(table, answer * job->block_bytes);
    table_number(table, found->answer ? utilization_of(job, found->answer) : NAN);
    table_number(table, found->bound);
    table_text(table, job->answer.without_bound ? "true" : "false");
    table_number(table, found->failing ? (double)found->failing : NAN);
    table_text(table, found->answer ? job->answer.failing.why : job->answer.bound.why);
    table_number(table, (double)found->replays);
    status = table_status(table, diag);
    if (status == SIM_OK)
        table_print_csv(table, file);
    table_destroy(table);
    return status;
}

static enum status print(const struct job *job, struct diag *diag)
{
    struct output output;
    enum status status = output_begin(&output, job->options, diag);
    if (status != SIM_OK)
        return status;
    if (strcmp(job->format, "json") == 0) {
        struct json_text json;
        json_text_init(&json, true);
        write_answer(job, &json);
        status = output_json(&output, &json, diag);
    } else if (strcmp(job->format, "csv") == 0) {
        status = print_csv(job, output.file, diag);
    } else {
        status = print_answer(job, output.file, diag);
    }
    return output_end(&output, status, diag);
}

enum status cmd_size(int argc, char **argv, struct diag *diag)
{
    struct options options;
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (status != SIM_OK)
        return status;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return diag_no_memory(diag, sizeof *job, "the search");
    job->options = &options;
    job->format = "table";
    status = read_all(job, diag);
    if (status == SIM_OK) {
        interrupt_catch();
        status = size_pools(&job->question, &job->answer, diag);
    }
    if (status == SIM_OK)
        status = print(job, diag);
    if (status == SIM_OK && job->answer.found.answer == 0)
        status = diag_set(diag, SIM_REQUIREMENT, "no pool up to %u blocks meets the requirements", job->answer.found.bound);
    size_answer_deinit(&job->answer);
    input_close(&job->input);
    free(job);
    return status;
}
