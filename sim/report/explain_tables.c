/* explain_tables.c - see explain_tables.h. */
#include "report/explain_tables.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

void explain_request(const struct trace *trace, uint32_t position, char *out, size_t size)
{
    uint32_t sample = trace->sample ? trace->sample[position] : 0;
    if (sample > 0)
        snprintf(out, size, "%u.%u", trace->index[position], sample);
    else
        snprintf(out, size, "%u", trace->index[position]);
}

static void add_request(struct table *table, const struct trace *trace, uint32_t position)
{
    char name[32];
    explain_request(trace, position, name, sizeof name);
    table_text(table, name);
}

void explain_option(const struct explanation *explanation, enum knob knob, int64_t value, char *out, size_t size)
{
    struct config config = *explanation->config;
    char digits[32];
    remedy_apply(&config, knob, value);
    shortest_double(config.watermark, digits, sizeof digits);
    if (knob == KNOB_POOL)
        snprintf(out, size, "--num-gpu-blocks %lld", (long long)value);
    else if (knob == KNOB_SEQUENCES)
        snprintf(out, size, "--max-num-seqs %lld", (long long)value);
    else
        snprintf(out, size, "--watermark %s", digits);
}

/* --- what helps ------------------------------------------------------------------------------------------------------------------- */

static const struct table_column price_columns[] = {
    {"run", "run", TABLE_TEXT},        {"preemptions", "preemptions", TABLE_WHOLE},
    {"ttft_p99_ms", "p99 TTFT ms", 0}, {"e2e_mean_ms", "mean E2E ms", 0},
    {"makespan_s", "end s", 1},        {"running_mean", "running", 1},
    {"prefix_hit_rate", NULL, 4},
};

enum status explain_table_prices(const struct explanation *explanation, struct table **out, struct diag *diag)
{
    enum status status = table_create(price_columns, COUNT(price_columns), out, diag);
    for (int i = 0; i < PRICED_RUNS && status == SIM_OK; i++) {
        const struct priced_run *run = &explanation->priced[i];
        char option[64] = "as it is";
        if (!run->known)
            continue;
        if (i > 0)
            explain_option(explanation, (enum knob)(i - 1), explanation->remedies.of[0][i - 1].value, option, sizeof option);
        table_text(*out, option);
        table_number(*out, run->preemptions);
        table_number(*out, run->ttft_p99_ms);
        table_number(*out, run->e2e_mean_ms);
        table_number(*out, run->makespan_s);
        table_number(*out, run->running_mean);
        table_number(*out, run->prefix_hit_rate);
    }
    return status == SIM_OK ? table_status(*out, diag) : status;
}

static const struct table_column worst_columns[] = {
    {"request", "request", TABLE_TEXT},
    {"preemptions", "times", TABLE_WHOLE},
    {"tokens_lost", "tokens lost", TABLE_WHOLE},
    {"num_gpu_blocks", NULL, 0},
    {"num_gpu_blocks_again_at", NULL, 0},
    {"num_gpu_blocks_points", NULL, 0},
    {"watermark_blocks", NULL, 0},
    {"watermark_blocks_again_at", NULL, 0},
    {"watermark_points", NULL, 0},
    {"max_num_seqs", NULL, 0},
    {"max_num_seqs_again_at", NULL, 0},
    {"max_num_seqs_points", NULL, 0},
    {"shown_num_gpu_blocks", "blocks >=", TABLE_TEXT}, /* for people; text comes last, as it is not padded there */
    {"shown_watermark", "watermark >=", TABLE_TEXT},
    {"shown_max_num_seqs", "seqs <=", TABLE_TEXT},
};

/* "1873", "1873*" when it is not the last word, "none up to 5000". */
static void add_remedy_text(struct table *table, const struct explanation *explanation, enum knob knob, const struct remedy *remedy)
{
    char text[96] = "", option[64];
    if (explanation->has_remedies && remedy->found) {
        explain_option(explanation, knob, remedy->value, option, sizeof option);
        const char *value = option;
        while (*value && *value != ' ')
            value++;
        snprintf(text, sizeof text, "%s%s", value + 1, remedy->again ? "*" : "");
    } else if (explanation->has_remedies) {
        snprintf(text, sizeof text, "none");
    }
    table_text(table, text);
}

enum status explain_table_worst(const struct explanation *explanation, struct table **out, struct diag *diag)
{
    enum status status = table_create(worst_columns, COUNT(worst_columns), out, diag);
    for (size_t i = 0; i < explanation->worst_count && status == SIM_OK; i++) {
        const struct victim *victim = &explanation->worst[i];
        const struct remedy *remedies = explanation->remedies.of[1 + i];
        add_request(*out, explanation->trace, victim->position);
        table_number(*out, victim->times);
        table_number(*out, (double)victim->tokens_lost);
        for (int knob = 0; knob < KNOBS; knob++) {
            table_number(*out, explanation->has_remedies && remedies[knob].found ? (double)remedies[knob].value : (double)NAN);
            table_number(*out, remedies[knob].again ? (double)remedies[knob].again_at : (double)NAN);
            table_number(*out, explanation->has_remedies ? remedies[knob].points : (double)NAN);
        }
        for (int knob = 0; knob < KNOBS; knob++)
            add_remedy_text(*out, explanation, (enum knob)knob, &remedies[knob]);
    }
    return status == SIM_OK ? table_status(*out, diag) : status;
}

/* --- preemptions ------------------------------------------------------------------------------------------------------------------ */

static const struct table_column preemption_columns[] = {
    {"time_s", "time s", 1},
    {"step", "step", 0},
    {"victim", "victim", TABLE_TEXT},
    {"requester", "for", TABLE_TEXT},
    {"kind", NULL, TABLE_TEXT},
    {"nth_of_victim", NULL, 0},
    {"tokens_lost", "lost", 0},
    {"victim_blocks", NULL, 0},
    {"depth", "depth", 0},
    {"pool_unused_blocks", "unused", 0},
    {"pool_prefill_blocks", "prefill", 0},
    {"pool_decode_blocks", "decode", 0},
    {"pool_saved_blocks", NULL, 0},
    {"pool_used_blocks", NULL, 0},
    {"pool_empty_slots", NULL, 0},
    {"pool_prefill_holders", NULL, 0},
    {"pool_decode_holders", NULL, 0},
    {"pool_largest_holders", NULL, TABLE_TEXT},
    {"pool_largest_holder", "largest", TABLE_TEXT},
};

/* "17 (68), 3 (41)": requests and the blocks of their tables. */
static void add_largest(struct table *table, const struct trace *trace, const struct pool_filling *filling)
{
    char text[160] = "", first[64] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < filling->largest_count; i++) {
        char name[32];
        explain_request(trace, filling->largest[i], name, sizeof name);
        if (i == 0)
            snprintf(first, sizeof first, "%s (%u)", name, filling->largest_blocks[i]);
        int more = snprintf(text + length, sizeof text - length, "%s%s (%u)", i ? "; " : "", name, filling->largest_blocks[i]);
        length += more > 0 ? (size_t)more : 0;
    }
    table_text(table, text);
    table_text(table, first);
}

static void add_preemption(struct table *table, const struct trace *trace, const struct preemption *preemption)
{
    const struct pool_filling *filling = &preemption->filling;
    const uint32_t numbers[] = {filling->unused_blocks,          filling->blocks[CLASS_PREFILL], filling->blocks[CLASS_DECODE],
                                filling->saved_blocks,           filling->used_blocks,           filling->empty_slots,
                                filling->holders[CLASS_PREFILL], filling->holders[CLASS_DECODE]};
    table_number(table, (double)preemption->time_ns / 1e9);
    table_number(table, (double)preemption->step);
    add_request(table, trace, preemption->victim);
    add_request(table, trace, preemption->requester);
    table_text(table, preemption->swap ? "swap" : "recompute");
    table_number(table, preemption->nth_of_victim);
    table_number(table, preemption->tokens_lost);
    table_number(table, preemption->blocks);
    table_number(table, preemption->depth);
    for (size_t i = 0; i < COUNT(numbers); i++)
        table_number(table, filling->known ? numbers[i] : (double)NAN);
    add_largest(table, trace, filling);
}

enum status explain_table_preemptions(const struct explanation *explanation, size_t most, struct table **out, struct diag *diag)
{
    const struct preemption_story *story = &explanation->story;
    enum status status = table_create(preemption_columns, COUNT(preemption_columns), out, diag);
    for (size_t i = 0; i < story->count && i < most && status == SIM_OK; i++)
        add_preemption(*out, explanation->trace, &story->preemptions[i]);
    return status == SIM_OK ? table_status(*out, diag) : status;
}

/* --- misses ----------------------------------------------------------------------------------------------------------------------- */

static const struct table_column miss_columns[] = {
    {"class", "tokens of first admissions", TABLE_TEXT},
    {"tokens", "tokens", TABLE_WHOLE},
    {"share", NULL, 4},
    {"percent", "% of prompts", 2},
    {"requests", "requests", TABLE_WHOLE},
};

static void add_tokens(struct table *table, const char *name, uint64_t tokens, uint64_t of, double requests)
{
    table_text(table, name);
    table_number(table, (double)tokens);
    table_number(table, of ? (double)tokens / (double)of : (double)NAN);
    table_number(table, of ? 100 * (double)tokens / (double)of : (double)NAN);
    table_number(table, requests);
}

enum status explain_table_misses(const struct explanation *explanation, struct table **out, struct diag *diag)
{
    const struct prefix_misses *misses = &explanation->misses;
    uint64_t requests[MISS_CLASSES] = {0}, hit = 0;
    enum status status = table_create(miss_columns, COUNT(miss_columns), out, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t position = 0; position < explanation->trace->count; position++) {
        for (int class = 0; class < MISS_CLASSES; class ++)
            requests[class] += misses->of_request[position][class] > 0;
        hit += explanation->run.metrics.stories[position].cached_tokens > 0;
    }
    add_tokens(*out, "cached", misses->cached_tokens, misses->prompt_tokens, (double)hit);
    for (int class = 0; class < MISS_CLASSES; class ++)
        if (misses->tokens[class] > 0 || class < MISS_CACHING_OFF)
            add_tokens(*out, miss_class_names[class], misses->tokens[class], misses->prompt_tokens, (double)requests[class]);
    add_tokens(*out, "prompts", misses->prompt_tokens, misses->prompt_tokens, (double)misses->admissions);
    return table_status(*out, diag);
}

static const struct table_column again_columns[] = {
    {"class", "tokens of readmissions", TABLE_TEXT}, {"tokens", "tokens", TABLE_WHOLE}, {"share", NULL, 4}, {"percent", "% of them", 2},
    {"readmissions", "readmissions", TABLE_WHOLE},
};

enum status explain_table_readmissions(const struct explanation *explanation, struct table **out, struct diag *diag)
{
    const struct readmission_sums *again = &explanation->misses.again;
    enum status status = table_create(again_columns, COUNT(again_columns), out, diag);
    if (status != SIM_OK)
        return status;
    add_tokens(*out, "cached", again->cached_tokens, again->known_tokens, NAN);
    add_tokens(*out, "lost: evicted since", again->evicted, again->known_tokens, NAN);
    add_tokens(*out, "lost: unfilled last block", again->partial, again->known_tokens, NAN);
    add_tokens(*out, "not computed before", again->unfinished, again->known_tokens, NAN);
    add_tokens(*out, "known", again->known_tokens, again->known_tokens, (double)again->count);
    return table_status(*out, diag);
}

static const struct table_column misser_columns[] = {
    {"request", "request", TABLE_TEXT},      {"prompt_tokens", "prompt", TABLE_WHOLE},   {"cached_tokens", "cached", TABLE_WHOLE},
    {"compulsory", NULL, TABLE_WHOLE},       {"granularity", "part block", TABLE_WHOLE}, {"last_token", "last", TABLE_WHOLE},
    {"in_flight", "in flight", TABLE_WHOLE}, {"capacity", "capacity", TABLE_WHOLE},      {"preemption", "preemption", TABLE_WHOLE},
    {"caching_off", NULL, TABLE_WHOLE},
};

struct misser {
    uint32_t position;
    uint64_t avoidable;
};

static int by_avoidable(const void *a, const void *b)
{
    const struct misser *left = a, *right = b;
    if (left->avoidable != right->avoidable)
        return left->avoidable > right->avoidable ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

enum status explain_table_missers(const struct explanation *explanation, size_t most, struct table **out, struct diag *diag)
{
    const struct prefix_misses *misses = &explanation->misses;
    const struct trace *trace = explanation->trace;
    struct misser *missers;
    size_t count = 0;
    *out = NULL;
    enum status status = array_zeroed(&missers, trace->count, sizeof *missers, "requests with misses", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t position = 0; position < trace->count; position++) {
        uint64_t avoidable = 0;
        for (int class = MISS_COMPULSORY + 1; class < MISS_CLASSES; class ++)
            avoidable += misses->of_request[position][class];
        if (avoidable > 0)
            missers[count++] = (struct misser){position, avoidable};
    }
    qsort(missers, count, sizeof *missers, by_avoidable);
    status = table_create(misser_columns, COUNT(misser_columns), out, diag);
    for (size_t i = 0; i < count && i < most && status == SIM_OK; i++) {
        uint32_t position = missers[i].position;
        add_request(*out, trace, position);
        table_number(*out, trace->input_tokens[position]);
        table_number(*out, explanation->run.metrics.stories[position].cached_tokens);
        for (int class = 0; class < MISS_CLASSES; class ++)
            table_number(*out, misses->of_request[position][class]);
    }
    free(missers);
    return status == SIM_OK ? table_status(*out, diag) : status;
}
