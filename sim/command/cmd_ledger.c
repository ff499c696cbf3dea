/* cmd_ledger.c - `pagesim ledger`: where the memory was. The pool's accounts over time, drawn and summed, by class of requests on demand,
 * and what reserving contiguous memory would have made of the same requests. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/units.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/output.h"
#include "config/engine_facts.h"
#include "observe/class_ledger.h"
#include "observe/memory_accounts.h"
#include "replay/run.h"
#include "study/reservation.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"by", "KEY", "also by class of requests: priority, input-length or phase"},
    {"no-drawing", NULL, "leave out the drawing of the pool over time"},
    {"threads", "N", "threads [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

static const struct command_spec spec = {
    .usage = "pagesim ledger --trace FILE [--config FILE] [options]",
    .description = "Charge every block of the pool, at every moment, to one account: useful tokens,\n"
                   "tail waste, cached and idle, free, null. The accounts add up to pool x time\n"
                   "exactly. Then replay the same requests with contiguous reservations (best fit)\n"
                   "in the same memory, as figure 2 of the PagedAttention paper does.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim ledger --trace traces/chat.jsonl --num-gpu-blocks 420\n"
                "  pagesim ledger --trace t.jsonl --config c.json --by priority --format csv\n",
};

/* Everything that is told. */
struct ledger_job {
    struct input input;
    struct run run;
    struct memory_accounts accounts;
    bool by_class;
    struct class_ledger classes;
    struct reservation_result reserving[RESERVATION_KINDS];
};

static const struct drawn_series drawn[MEMORY_ACCOUNTS] = {
    [ACCOUNT_USEFUL] = {"useful tokens", "\u2588", "#", "32"},
    [ACCOUNT_TAIL] = {"tail waste", "\u2593", "x", "31"},
    [ACCOUNT_CACHED] = {"cached, idle", "\u2592", "+", "34"},
    [ACCOUNT_FREE] = {"free", "\u2591", ".", "90"},
    [ACCOUNT_NULL] = {NULL, "\u2591", ".", "90"},
};

/* --- work ------------------------------------------------------------------------------------------------------------------------- */

/* The three models are independent of each other; the first that fails is told. */
static enum status run_reservations(struct ledger_job *job, struct diag *diag)
{
    const struct trace *trace = job->input.trace;
    const struct config *config = &job->input.config;
    const struct step_time_model *model = job->run.model;
    struct reservation_result *results = job->reserving;
    struct diag diags[RESERVATION_KINDS] = {{0}};
    enum status statuses[RESERVATION_KINDS] = {SIM_OK};
#pragma omp parallel for schedule(dynamic, 1) default(none) shared(trace, config, model, results, diags, statuses)
    for (int kind = 0; kind < RESERVATION_KINDS; kind++)
        statuses[kind] = reservation_run(trace, config, model, (enum reservation_kind)kind, &results[kind], &diags[kind]);
    for (int kind = 0; kind < RESERVATION_KINDS; kind++)
        if (statuses[kind] != SIM_OK) {
            *diag = diags[kind];
            return statuses[kind];
        }
    return SIM_OK;
}

static enum status replay(struct ledger_job *job, const struct options *options, struct diag *diag)
{
    const char *by = options_value(options, "by");
    const struct trace *trace = job->input.trace;
    const struct config *config = &job->input.config;
    struct observer observers[2];
    size_t count = 0;
    enum class_key key = CLASS_BY_PHASE;
    struct replay_options how = {.reference = options_has(options, "reference")};
    enum status status = run_open(&job->run, trace, config, diag);
    memory_accounts_init(&job->accounts, config);
    observers[count++] = memory_accounts_observer(&job->accounts);
    if (status == SIM_OK && by && (status = class_key_parse(by, &key, diag)) == SIM_OK) {
        job->by_class = true;
        status = class_ledger_init(&job->classes, trace, config, key, diag);
        observers[count++] = class_ledger_observer(&job->classes);
    }
    if (status == SIM_OK)
        status = run_replay(&job->run, observers, count, &how, diag);
    if (status == SIM_OK && !memory_accounts_check(&job->accounts))
        status = diag_set(diag, SIM_FAILED, "internal error: the accounts do not add up to pool x time");
    if (status == SIM_OK)
        status = run_reservations(job, diag);
    return status;
}

/* --- tables ----------------------------------------------------------------------------------------------------------------------- */

static const struct table_column account_columns[] = {
    {"account", "account", TABLE_TEXT},
    {"blocks_mean", "blocks", 1},
    {"share", NULL, 0},
    {"percent", "% of pool", 2},
    {"percent_while_waiting", "% while waiting", 2},
    {"blocks_peak", "peak", 1},
};

static void add_account(struct table *table, const struct memory_accounts *accounts, const char *name, const slot_time sums[MEMORY_SPANS],
                        int64_t peak_slots)
{
    double share = memory_accounts_share(accounts, SPAN_ALL, sums[SPAN_ALL]);
    table_text(table, name);
    table_number(table, memory_accounts_mean_blocks(accounts, SPAN_ALL, sums[SPAN_ALL]));
    table_number(table, share);
    table_number(table, 100 * share);
    table_number(table,
                 accounts->time_ns[SPAN_WAITING] ? 100 * memory_accounts_share(accounts, SPAN_WAITING, sums[SPAN_WAITING]) : (double)NAN);
    table_number(table, (double)peak_slots / accounts->block_size);
}

static enum status make_account_table(const struct memory_accounts *accounts, struct table **out, struct diag *diag)
{
    slot_time pool[MEMORY_SPANS];
    enum status status = table_create(account_columns, sizeof account_columns / sizeof *account_columns, out, diag);
    if (status != SIM_OK)
        return status;
    for (int account = 0; account < MEMORY_ACCOUNTS; account++) {
        const slot_time sums[MEMORY_SPANS] = {accounts->sums[SPAN_ALL][account], accounts->sums[SPAN_WAITING][account]};
        if (account != ACCOUNT_NULL || accounts->has_null_block)
            add_account(*out, accounts, memory_account_names[account], sums, accounts->peak_slots[account]);
    }
    for (int span = 0; span < MEMORY_SPANS; span++)
        pool[span] = (slot_time)accounts->pool_blocks * accounts->block_size * accounts->time_ns[span];
    add_account(*out, accounts, "pool", pool, (int64_t)accounts->pool_blocks * accounts->block_size);
    add_account(*out, accounts, "saved_by_sharing", accounts->saved, accounts->peak_saved_slots);
    return table_status(*out, diag);
}

static const struct table_column class_columns[] = {
    {"class", "class", TABLE_TEXT},    {"requests_mean", "holders", 2},     {"useful_blocks_mean", "useful", 1},
    {"tail_blocks_mean", "tail", 1},   {"charged_percent", "% of pool", 2}, {"saved_blocks_mean", "saved", 1},
    {"useful_percent", "useful %", 2},
};

static enum status make_class_table(const struct ledger_job *job, struct table **out, struct diag *diag)
{
    const struct memory_accounts *accounts = &job->accounts;
    const struct class_ledger *ledger = &job->classes;
    enum status status = table_create(class_columns, sizeof class_columns / sizeof *class_columns, out, diag);
    for (uint32_t class = 0; status == SIM_OK && class < ledger->classes.count; class ++) {
        const struct class_sums *sums = &ledger->sums[class];
        slot_time charged = sums->useful + sums->tail;
        int64_t ns = accounts->time_ns[SPAN_ALL];
        if (sums->tables == 0)
            continue;
        table_text(*out, ledger->classes.names[class]);
        table_number(*out, ns > 0 ? (double)sums->tables / (double)ns : 0);
        table_number(*out, memory_accounts_mean_blocks(accounts, SPAN_ALL, sums->useful));
        table_number(*out, memory_accounts_mean_blocks(accounts, SPAN_ALL, sums->tail));
        table_number(*out, 100 * memory_accounts_share(accounts, SPAN_ALL, charged));
        table_number(*out, memory_accounts_mean_blocks(accounts, SPAN_ALL, sums->saved));
        table_number(*out, charged ? 100 * (double)sums->useful / (double)charged : (double)NAN);
    }
    return status == SIM_OK ? table_status(*out, diag) : status;
}

static const struct table_column reserving_columns[] = {
    {"way", "way", TABLE_TEXT},          {"tokens_percent", "tokens", 1},      {"future_percent", "future", 1},
    {"internal_percent", "internal", 1}, {"external_percent", "external", 1},  {"scattered_percent", NULL, 1},
    {"free_percent", "free", 1},         {"paper_tokens_percent", "paper", 1}, {"running_mean", "running", 1},
    {"makespan_s", "end s", 0},          {"completed", NULL, TABLE_WHOLE},     {"never_fit", NULL, TABLE_WHOLE},
    {"waiting_share", NULL, 3},
};

/* Figure 2 of the PagedAttention paper, token states: vLLM; Orca (Max, Pow2, Oracle). */
static const double paper_tokens_percent[1 + RESERVATION_KINDS] = {96.3, 20.4, 26.8, 38.2};

static void add_paged_row(struct table *table, const struct ledger_job *job)
{
    const struct memory_accounts *accounts = &job->accounts;
    const slot_time *sums = accounts->sums[SPAN_WAITING];
    double null = 100 * memory_accounts_share(accounts, SPAN_WAITING, sums[ACCOUNT_NULL]);
    bool waited = accounts->time_ns[SPAN_WAITING] > 0;
    double scale = 100 / (100 - null); /* the null block is not part of what reservations have either */
    table_text(table, "paged");
    table_number(table, waited ? scale * 100 * memory_accounts_share(accounts, SPAN_WAITING, sums[ACCOUNT_USEFUL]) : (double)NAN);
    table_number(table, waited ? 0 : (double)NAN);
    table_number(table, waited ? scale * 100 * memory_accounts_share(accounts, SPAN_WAITING, sums[ACCOUNT_TAIL]) : (double)NAN);
    table_number(table, waited ? 0 : (double)NAN);
    table_number(table, waited ? 0 : (double)NAN);
    table_number(table, waited ? scale * 100 * memory_accounts_share(accounts, SPAN_WAITING, sums[ACCOUNT_CACHED] + sums[ACCOUNT_FREE])
                               : (double)NAN);
    table_number(table, paper_tokens_percent[0]);
    table_number(table, waited ? (double)accounts->running[SPAN_WAITING] / (double)accounts->time_ns[SPAN_WAITING] : (double)NAN);
    table_number(table, (double)job->run.facts.end.end_ns / 1e9);
    table_number(table, (double)job->run.metrics.completed);
    table_number(table, (double)job->run.metrics.dropped);
    table_number(table, accounts->time_ns[SPAN_ALL] ? (double)accounts->time_ns[SPAN_WAITING] / (double)accounts->time_ns[SPAN_ALL] : 0);
}

static void add_reserving_row(struct table *table, const struct reservation_result *result, int kind)
{
    const slot_time *sums = result->sums[RESERVATION_WAITING];
    bool waited = result->time_ns[RESERVATION_WAITING] > 0;
    const slot_time shown[] = {sums[RESERVED_TOKENS],
                               sums[RESERVED_FUTURE],
                               sums[RESERVED_INTERNAL],
                               sums[RESERVED_EXTERNAL],
                               result->scattered[RESERVATION_WAITING],
                               sums[RESERVED_FREE]};
    int64_t all_ns = result->time_ns[RESERVATION_ALL];
    table_text(table, reservation_names[kind]);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        table_number(table, waited ? 100 * reservation_share(result, RESERVATION_WAITING, shown[i]) : (double)NAN);
    table_number(table, paper_tokens_percent[1 + kind]);
    table_number(table, waited ? (double)result->running[RESERVATION_WAITING] / (double)result->time_ns[RESERVATION_WAITING] : (double)NAN);
    table_number(table, result->completed ? (double)result->end_ns / 1e9 : (double)NAN);
    table_number(table, (double)result->completed);
    table_number(table, (double)result->too_large);
    table_number(table, all_ns > 0 ? (double)result->time_ns[RESERVATION_WAITING] / (double)all_ns : 0);
}

static enum status make_reserving_table(const struct ledger_job *job, struct table **out, struct diag *diag)
{
    enum status status = table_create(reserving_columns, sizeof reserving_columns / sizeof *reserving_columns, out, diag);
    if (status != SIM_OK)
        return status;
    add_paged_row(*out, job);
    for (int kind = 0; kind < RESERVATION_KINDS; kind++)
        add_reserving_row(*out, &job->reserving[kind], kind);
    return table_status(*out, diag);
}

/* --- output ----------------------------------------------------------------------------------------------------------------------- */

struct ledger_tables {
    struct table *accounts, *classes, *reserving;
};

static bool speaks_utf8(void)
{
    const char *locale = getenv("LC_ALL");
    if (!locale || !*locale)
        locale = getenv("LC_CTYPE");
    if (!locale || !*locale)
        locale = getenv("LANG");
    return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

static void print_tables(const struct ledger_job *job, const struct ledger_tables *tables, bool draw, const struct output *output)
{
    const struct memory_accounts *accounts = &job->accounts;
    const struct trace *trace = job->input.trace;
    FILE *file = output->file;
    char time[UNIT_TEXT], waiting[UNIT_TEXT];
    unit_seconds((double)accounts->time_ns[SPAN_ALL] / 1e9, time);
    unit_seconds((double)accounts->time_ns[SPAN_WAITING] / 1e9, waiting);
    fprintf(file, "%s: %u requests, %s in %u blocks of %u tokens\n\n", trace->name, trace->count, engine_facts_of(&job->input.config)->name,
            job->input.config.num_gpu_blocks, job->input.config.block_size);
    fprintf(file, "Memory: pool x time, %s; in %s of it a request waits\n", time, waiting);
    table_print(tables->accounts, "  ", file);
    if (draw) {
        fputs("\nThe pool over time\n", file);
        usage_timeline_draw(&accounts->timeline, drawn, (double)accounts->pool_blocks * accounts->block_size, output->color, speaks_utf8(),
                            file);
    }
    if (tables->classes) {
        fputs("\nWhose it is (mean blocks; a shared block is charged to the first class listed)\n", file);
        table_print(tables->classes, "  ", file);
    }
    fputs("\nReserving contiguous memory instead (while a request waits: % of memory, running\n"
          "requests; paper: tokens in figure 2 of PagedAttention)\n",
          file);
    table_print(tables->reserving, "  ", file);
    for (int kind = 0; kind < RESERVATION_KINDS; kind++)
        if (job->reserving[kind].too_large > 0)
            fprintf(file, "  reserving the %s: %llu requests never fit into the memory and are left out\n", reservation_names[kind],
                    (unsigned long long)job->reserving[kind].too_large);
}

static void write_timeline(const struct usage_timeline *timeline, struct json_text *json)
{
    json_open_array(json);
    for (int column = 0; timeline->origin_ns >= 0 && column < TIMELINE_WIDTH; column++) {
        double means[TIMELINE_SERIES], from = (double)column / TIMELINE_WIDTH;
        usage_timeline_means(timeline, from, (double)(column + 1) / TIMELINE_WIDTH, means);
        json_open_object(json);
        json_put_double(json, "from_s", ((double)timeline->origin_ns + from * (double)(timeline->end_ns - timeline->origin_ns)) / 1e9);
        for (int account = 0; account < MEMORY_ACCOUNTS; account++)
            json_put_double(json, memory_account_names[account], means[account]);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_json(const struct ledger_job *job, const struct ledger_tables *tables, struct json_text *json)
{
    json_open_object(json);
    json_put_string(json, "trace", job->input.trace->name);
    json_put_uint(json, "requests", job->input.trace->count);
    json_put_uint(json, "block_size", job->accounts.block_size);
    json_put_uint(json, "num_gpu_blocks", job->accounts.pool_blocks);
    json_put_double(json, "time_s", (double)job->accounts.time_ns[SPAN_ALL] / 1e9);
    json_put_double(json, "waiting_time_s", (double)job->accounts.time_ns[SPAN_WAITING] / 1e9);
    json_key(json, "accounts");
    table_write_json(tables->accounts, json);
    if (tables->classes) {
        json_key(json, "classes");
        table_write_json(tables->classes, json);
    }
    json_key(json, "reserving");
    table_write_json(tables->reserving, json);
    json_key(json, "timeline_slots");
    write_timeline(&job->accounts.timeline, json);
    json_close_object(json);
}

/* One table after the other, an empty line between. */
static void print_csv(const struct ledger_tables *tables, FILE *file)
{
    table_print_csv(tables->accounts, file);
    if (tables->classes) {
        fputc('\n', file);
        table_print_csv(tables->classes, file);
    }
    fputc('\n', file);
    table_print_csv(tables->reserving, file);
}

static enum status tell(const struct ledger_job *job, const struct options *options, const char *format, struct diag *diag)
{
    struct ledger_tables tables = {0};
    struct output output;
    enum status status = output_begin(&output, options, diag);
    if (status != SIM_OK)
        return status;
    status = make_account_table(&job->accounts, &tables.accounts, diag);
    if (status == SIM_OK && job->by_class)
        status = make_class_table(job, &tables.classes, diag);
    if (status == SIM_OK)
        status = make_reserving_table(job, &tables.reserving, diag);
    if (status == SIM_OK && strcmp(format, "json") == 0) {
        struct json_text json;
        json_text_init(&json, true);
        write_json(job, &tables, &json);
        status = output_json(&output, &json, diag);
    } else if (status == SIM_OK && strcmp(format, "csv") == 0) {
        print_csv(&tables, output.file);
    } else if (status == SIM_OK) {
        print_tables(job, &tables, !options_has(options, "no-drawing"), &output);
    }
    table_destroy(tables.accounts);
    table_destroy(tables.classes);
    table_destroy(tables.reserving);
    return output_end(&output, status, diag);
}

enum status cmd_ledger(int argc, char **argv, struct diag *diag)
{
    struct options options;
    const char *format = NULL;
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (status == SIM_OK)
        status = output_format(&options, &format, diag);
    if (status != SIM_OK)
        return status;
    struct ledger_job *job = calloc(1, sizeof *job);
    if (!job)
        return diag_no_memory(diag, sizeof *job, "the ledger");
    status = input_open(&options, &job->input, diag);
    if (status == SIM_OK)
        status = replay(job, &options, diag);
    if (status == SIM_OK)
        status = tell(job, &options, format, diag);
    if (status == SIM_OK)
        status = run_judge(&job->run, diag);
    class_ledger_deinit(&job->classes);
    run_close(&job->run);
    input_close(&job->input);
    free(job);
    return status;
}
