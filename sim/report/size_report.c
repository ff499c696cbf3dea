/* size_report.c - the document of a search for a pool: sentences for people, the same facts as members for programs, then the table of
 * pools, which both share. Start with size_report at the end.
 *
 * The sentences are made to be quoted, so each states what it rests on: up to which pool every larger one passes, which pool fails just
 * below and why, and how many replays proved it. Pools that pass by chance below a failing one are named as such, because they are no
 * answer: the next larger pool may fail. */
#include "report/size_report.h"

#include <math.h>
#include <string.h>

#include "base/line.h"
#include "base/units.h"
#include "config/kv_groups.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "vllm_v1/v1_rules.h"

/* The least gpu_memory_utilization, to four digits, that gives at least so many blocks; NaN: no GPU is known. vLLM takes the pool as a
 * share of the GPU's memory and rounds the number of blocks down. So the share is rounded up, and the same division is made forwards until
 * it gives enough: a share that is one block short would fail the requirement that was just proved. The result may be above 1, which says
 * that this GPU is too small. */
static double utilization_of(const struct size_result *result, uint32_t blocks)
{
    const struct sizing *gpu = &result->gpu;
    if (!gpu->known || blocks == 0)
        return NAN;
    const double wanted = (double)blocks * gpu->block_bytes + gpu->weight_bytes + gpu->overhead_bytes;
    double digits = ceil(wanted / gpu->gpu_bytes * 1e4);
    while (floor((digits / 1e4 * gpu->gpu_bytes - gpu->weight_bytes - gpu->overhead_bytes) / gpu->block_bytes) < blocks)
        digits++; /* what rounding took */
    return digits / 1e4;
}

/* --- for people --------------------------------------------------------------------------------------------------------------------- */

/* Without a model, a block's bytes are those of the shape in `kv` and not those of a GPU; the words say which. */
static void add_memory(struct document *document, const struct size_result *result, uint32_t blocks)
{
    char bytes[UNIT_TEXT], tokens[UNIT_TEXT], gpu[UNIT_TEXT];
    const struct config *config = &result->question->config;
    const double utilization = utilization_of(result, blocks);
    const struct kv_groups groups = kv_groups_of(config);
    const uint64_t room = kv_groups_room_tokens(&groups, blocks, v1_tokens_in_flight(config), config->max_model_len);
    document_line(document, "  blocks of %u tokens: room for %s, %s%s", config->block_size, unit_count(room, tokens),
                  unit_bytes(blocks * result->block_bytes, bytes), config->model[0] ? " a GPU" : " at the kv shape");
    if (utilization > 1)
        document_line(document, "  more than %s has (%s): gpu_memory_utilization would be %.4f", config->gpu,
                      unit_bytes(result->gpu.gpu_bytes, gpu), utilization);
    else if (!isnan(utilization))
        document_line(document, "  on %s (%s): --gpu-memory-utilization %.4f", config->gpu, unit_bytes(result->gpu.gpu_bytes, gpu),
                      utilization);
}

/* People get the first six ranges; there can be one for every second pool. */
static void add_below(struct document *document, const struct size_found *found)
{
    enum { SHOWN = 6 };
    char count[UNIT_TEXT];
    struct line line = {0};
    if (found->looked_at == 0)
        return;
    for (size_t i = 0; i < found->passing_count && i < SHOWN; i++) {
        const struct size_range *range = &found->passing_below[i];
        line_put(&line, "%s %u", i ? "," : " these pass by chance:\n   ", range->from);
        if (range->from < range->to)
            line_put(&line, "-%u", range->to);
    }
    if (found->passing_count > SHOWN)
        line_put(&line, " and %zu more", found->passing_count - SHOWN);
    document_line(document, "  of the %s pools below that,%s", unit_count(found->looked_at, count),
                  line.length > 0 ? line.text : " none passes");
}

/* What is known of larger pools: all of them, or up to a pool and again from one on, with a sample of those between. */
static void add_larger(struct document *document, const struct size_answer *answer)
{
    const struct size_found *found = &answer->found;
    char verified[UNIT_TEXT], proved[UNIT_TEXT], sampled[UNIT_TEXT];
    const bool again = found->verified < found->bound && found->proved_from < found->bound;
    unit_count(found->verified, verified);
    unit_count(again ? found->proved_from : found->bound, proved);
    unit_count(found->sampled + !again, sampled);
    if (found->verified == found->bound && answer->without_bound)
        document_line(document, "  every larger pool meets this too, however large");
    else
        document_line(document, "  every larger pool up to %s meets this too%s%s%s", verified, again ? ", and every one from " : "",
                      again ? proved : "",
                      again && answer->without_bound ? " on,"
                      : again                        ? ","
                                                     : "");
    if (found->verified == found->bound)
        return;
    if (again)
        document_line(document, "  and so do the %s between that were tested; the others were not,", sampled);
    else
        document_line(document, "  and so do the %s up to %s that were tested; those between were not,", sampled, proved);
    document_line(document, "  and each may decide otherwise (--prove)");
}

/* Without an answer there is one thing to say: even the largest pool that was asked about fails, and at what. `without_bound`: the bound
 * decides as a pool does in which nothing ever waits, so larger ones decide the same. */
static void add_lines(struct document *document, const struct size_result *result)
{
    const struct size_question *question = result->question;
    const struct size_answer *answer = result->answer;
    const struct size_found *found = &answer->found;
    char a[UNIT_TEXT];
    const struct line requirements = requirements_text(question->requirements, question->requirement_count);
    document_line(document, "%s: %s requests; %s", trace_title(question->trace).text, unit_count(question->trace->count, a),
                  requirements.text);
    step_times_note(document, &question->config, step_times_of(&question->config));
    head_layers(document, &question->config);
    head_defaults(document, &question->config);
    head_arrivals(document, &question->config);
    head_front_door(document, &question->config);
    head_reading(document, question->trace);
    document_line(document, "%s", "");
    if (found->answer == 0) {
        document_line(document, "No pool up to %s blocks will do: there\n  %s\n", unit_count(found->bound, a), answer->bound.why);
        return;
    }
    document_line(document, "num_gpu_blocks %u", found->answer);
    add_memory(document, result, found->answer);
    add_larger(document, answer);
    if (found->failing > 0)
        document_line(document, "  %s does not: %s", unit_count(found->failing, a), answer->failing.why);
    add_below(document, found);
    document_line(document, "  found%s with %s replays\n", found->verified < found->bound ? "" : " and proved",
                  unit_count(found->replays, a));
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------- */

/* 0 stands for "none" in the search's result. */
static void add_whole_or_null(struct document *document, const char *key, uint32_t value)
{
    document_number(document, key, value ? (double)value : (double)NAN);
}

/* Every key is there in both cases, null where there is no answer, so that scripts need one path. */
static void add_facts(struct document *document, const struct size_result *result)
{
    const struct size_question *question = result->question;
    const struct size_answer *answer = result->answer;
    const struct size_found *found = &answer->found;
    document_whole(document, "requests", question->trace->count);
    document_requirements(document, question->requirements, question->requirement_count);
    add_whole_or_null(document, "num_gpu_blocks", found->answer);
    document_number(document, "pool_bytes", found->answer ? found->answer * result->block_bytes : (double)NAN);
    document_number(document, "gpu_memory_utilization", utilization_of(result, found->answer));
    document_whole(document, "verified_to", found->answer ? found->verified : found->bound);
    document_number(document, "proved_from", found->answer ? found->proved_from : (double)NAN);
    document_bool(document, "however_large", answer->without_bound && found->verified == found->bound);
    add_whole_or_null(document, "largest_failing", found->failing);
    document_text(document, "fails", found->answer ? answer->failing.why : answer->bound.why);
    document_whole(document, "replays", found->replays);
    document_whole(document, "looked_at_below", found->looked_at);
}

static void add_passing_below(struct document *document, const struct size_found *found)
{
    static const struct table_column columns[] = {{"from", NULL, TABLE_WHOLE}, {"to", NULL, TABLE_WHOLE}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "passing_below", columns, 2);
    for (size_t i = 0; i < found->passing_count; i++) {
        table_numbers(table, found->passing_below[i].from, found->passing_below[i].to);
    }
}

/* --- for both ----------------------------------------------------------------------------------------------------------------------- */

static const char *const shown[] = {"preemptions", "p99_ttft_ms", "p99_tpot_ms", "request_throughput", "peak_used_blocks", "unserved"};
enum { SHOWN = sizeof shown / sizeof *shown };

/* Columns: those that people see, then every figure that the runs have. */
static bool is_shown(const char *name)
{
    for (int i = 0; i < SHOWN; i++)
        if (strcmp(shown[i], name) == 0)
            return true;
    return false;
}

static const struct table_column pool_columns[] = {{"which", NULL, TABLE_TEXT},
                                                   {NULL, " ", TABLE_TEXT},
                                                   {"num_gpu_blocks", "pool", TABLE_WHOLE},
                                                   {"gpu_memory_utilization", NULL, TABLE_WHOLE},
                                                   {"fails", NULL, TABLE_TEXT}};

/* The order of cells is that of add_pools(): fixed columns, shown figures, all others. A pool of 0 was not needed (no failing pool, or no
 * answer). */
static void add_pool(struct table *table, const struct size_result *result, const char *which, const char *words,
                     const struct size_figures *pool)
{
    if (pool->pool == 0)
        return;
    table_text(table, which);
    table_text(table, words);
    table_numbers(table, pool->pool, utilization_of(result, pool->pool));
    table_text(table, pool->why[0] ? pool->why : NULL);
    for (int i = 0; i < SHOWN; i++)
        table_number(table, figure_set_value(&pool->figures, shown[i]));
    const struct figure_set *figures = &result->answer->bound.figures; /* the columns' */
    for (size_t i = 0; i < figures->count; i++)
        if (!is_shown(figures->list[i].name))
            table_number(table, figure_set_value(&pool->figures, figures->list[i].name));
}

static bool leaves_unserved(const struct size_figures *pool)
{
    return figure_set_value(&pool->figures, shown[SHOWN - 1]) > 0;
}

/* The pools that matter, side by side. People see the last of the figures only if it is not 0 everywhere. The runs of all have the same figures, as nothing but the pool differs. */
static void add_pools(struct document *document, const struct size_result *result)
{
    const struct size_answer *answer = result->answer;
    const struct figure_set *figures = &answer->bound.figures;
    struct table *table = document_table(document, "pools", pool_columns, sizeof pool_columns / sizeof *pool_columns);
    const bool unserved = leaves_unserved(&answer->failing) || leaves_unserved(&answer->met) || leaves_unserved(&answer->bound);
    for (int i = 0; i < SHOWN; i++)
        table_add_figure(table, shown[i], i < SHOWN - 1 || unserved);
    for (size_t i = 0; i < figures->count; i++)
        if (!is_shown(figures->list[i].name))
            table_add_column(table, &(struct table_column){.name = figures->list[i].name, .decimals = TABLE_WHOLE});
    add_pool(table, result, "largest_failing", "largest that fails", &answer->failing);
    add_pool(table, result, "answer", "answer", &answer->met);
    add_pool(table, result, "bound", "bound", &answer->bound);
}

/* --- the page ----------------------------------------------------------------------------------------------------------------------- */

/* Every pool that was replayed: 1 passes, 0 fails. */
static void add_verdicts(struct document *document, const struct size_found *found)
{
    static const char *const names[] = {"fails", "passes"};
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = "Which pools pass (1) and which fail (0)",
                                          .note = "each pool that was replayed",
                                          .x = {.name = "pool", .unit = "blocks", .logarithmic = true},
                                          .y = {.name = "verdict", .unit = "", .low = -0.2, .high = 1.2}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "verdicts", &heading);
    for (int passes = 0; passes < 2; passes++) {
        chart_add_series(chart, &(struct chart_series){.name = names[passes], .draw = DRAW_MARKS, .group = passes ? 0 : 1});
        for (size_t i = 0; i < found->probe_count; i++)
            if (found->probes[i].passes == passes)
                chart_add(chart, found->probes[i].pool, passes);
    }
}

/* The pools that matter side by side, in one of the figures. */
static void add_pool_bars(struct document *document, const struct size_answer *answer, const char *name, const char *title,
                          const char *unit)
{
    const struct size_figures *const pools[] = {&answer->failing, &answer->met, &answer->bound};
    static const char *const names[] = {"largest that fails", "answer", "bound"};
    const struct chart_heading heading = {
        .kind = CHART_BARS, .title = title, .x = {.name = "pool", .unit = "blocks"}, .y = {.name = name, .unit = unit}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, name, &heading);
    chart_add_series(chart, &(struct chart_series){.name = name, .group = 0});
    for (size_t i = 0, bars = 0; i < sizeof pools / sizeof *pools; i++) {
        char text[64], digits[UNIT_TEXT];
        const double value = figure_set_value(&pools[i]->figures, name);
        if (pools[i]->pool == 0 || isnan(value))
            continue;
        snprintf(text, sizeof text, "%s: %s", names[i], unit_count(pools[i]->pool, digits));
        chart_add_category(chart, text);
        chart_add(chart, (double)bars++, value);
    }
}

static void add_page(struct document *document, const struct size_result *result)
{
    const struct size_answer *answer = result->answer;
    char blocks[UNIT_TEXT], memory[UNIT_TEXT], replays[UNIT_TEXT];
    const struct line requirements = requirements_text(result->question->requirements, result->question->requirement_count);
    if (answer->found.answer == 0) {
        document_headline(document, "No pool up to %s blocks has %s", unit_count(answer->found.bound, blocks), requirements.text);
    } else {
        document_headline(document, "%s blocks are enough for %s", unit_count(answer->found.answer, blocks), requirements.text);
        document_key_value(document, "smallest pool", blocks, "blocks; every larger one passes too");
        document_key_value(document, "memory", unit_bytes(answer->found.answer * result->block_bytes, memory), NULL);
        document_key_figure(document, &answer->met.figures, "p99_ttft_ms", "TTFT, p99");
        document_key_figure(document, &answer->met.figures, "preemptions", "preemptions");
    }
    document_key_value(document, "replays", unit_count(answer->found.replays, replays), NULL);
    if (!document_pictures(document))
        return;
    add_verdicts(document, &answer->found);
    add_pool_bars(document, answer, "preemptions", "Preemptions in the pools that matter", "");
    add_pool_bars(document, answer, "p99_ttft_ms", "Time to first token (p99) in the pools that matter", "ms");
}

struct document *size_report(const struct size_result *result, const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    add_lines(document, result);
    add_facts(document, result);
    add_pools(document, result);
    add_passing_below(document, &result->answer->found);
    add_page(document, result);
    return document;
}
