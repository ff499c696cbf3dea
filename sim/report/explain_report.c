/* explain_report.c - the document of an explanation, one function a part, in reading order: what helps, the preemptions, what was not
 * cached. Read explain_report at the end first.
 *
 * The reader's question is "what do I change?", so the answer comes first and its evidence after it. Three sources, all collected by
 * study/explanation.c: what happened (story, misses), what would have helped (remedies: answers found by replaying with one knob turned),
 * and what each remedy costs (priced: the figures of those replays). A remedy is always about one knob with all else left alone. */
#include "report/explain_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "base/units.h"
#include "config/engine_facts.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { OPTION_SIZE = 64 };

static void add_request(struct table *table, const struct trace *trace, uint32_t position)
{
    char name[TRACE_REQUEST_NAME];
    trace_request_name(trace, position, name);
    table_text(table, name);
}

/* The option that turns a knob to `value`: "--num-gpu-blocks 1873", "--watermark 0.12", "--max-num-seqs 11". Returns where the value
 * begins. The watermark is kept in blocks by the search, while vLLM's option is a fraction of the pool; remedy_apply() knows the shortest
 * fraction that means so many blocks, so it is asked instead of dividing here. The value is returned apart because table cells have room
 * for it alone. */
static const char *knob_option(const struct explanation *explanation, enum knob knob, int64_t value, char out[OPTION_SIZE])
{
    static const char *const names[KNOBS] = {"--num-gpu-blocks ", "--watermark ", "--max-num-seqs "};
    struct config config = *explanation->config;
    char digits[32];
    if (knob == KNOB_WATERMARK) {
        remedy_apply(&config, knob, value);
        shortest_double(config.watermark, digits, sizeof digits);
    } else {
        snprintf(digits, sizeof digits, "%" PRId64, value);
    }
    snprintf(out, OPTION_SIZE, "%s%s", names[knob], digits);
    return out + strlen(names[knob]);
}

/* --- what helps ------------------------------------------------------------------------------------------------------------------- */

/* The one sentence to remember. remedies.of[0] is the run as a whole, of[1 + i] the i-th victim. Answers are not monotone: a larger pool
 * admits others sooner and may preempt again, hence the two endings of the sentence. */
static void add_verdict(struct document *document, const struct explanation *explanation)
{
    const struct preemption_story *story = &explanation->story;
    const struct remedy *pool = &explanation->remedies.of[0][KNOB_POOL];
    const int64_t now = explanation->remedies.now[KNOB_POOL];
    char preemptions[UNIT_TEXT], requests[UNIT_TEXT], more[UNIT_TEXT];
    if (story->count == 0) {
        document_line(document, "Nobody was preempted.");
        return;
    }
    document_line(document, "%s preemption%s of %s request%s.", unit_count(story->count, preemptions), story->count == 1 ? "" : "s",
                  unit_count(story->requests, requests), story->requests == 1 ? "" : "s");
    if (!explanation->has_remedies)
        return;
    if (pool->found)
        document_line(document, "The pool is too small by %s blocks (%.1f %%):\n--num-gpu-blocks %" PRId64 " avoids them all%s",
                      unit_count((uint64_t)(pool->value - now), more), 100.0 * (double)(pool->value - now) / (double)now, pool->value,
                      pool->again ? ", but not every larger pool does (see *)." : ".");
    else
        document_line(document, "No pool avoids them all.");
}

/* The first five fit 80 columns. They are both sides of the bargain: what preemptions cost, and what fewer sequences or a higher watermark
 * cost in their place. */
static const char *const price_figures[] = {"preemptions", "p99_ttft_ms", "mean_e2el_ms", "makespan_s", "mean_running", "prefix_hit_rate"};

static void add_price(struct table *table, const char *name, const struct figure_set *figures)
{
    table_text(table, name);
    for (size_t i = 0; i < COUNT(price_figures); i++)
        table_number(table, figure_set_value(figures, price_figures[i]));
}

/* What it costs to avoid all preemptions. People see the table only when something does avoid them. The first row is the run as it is, for
 * comparison. priced[knob] is empty when no value of that knob spares everybody; it has no row then. */
static void add_prices(struct document *document, const struct explanation *explanation)
{
    static const struct table_column run = {"run", "run", TABLE_TEXT, 0};
    bool any = false;
    for (int knob = 0; knob < KNOBS; knob++)
        any |= explanation->priced[knob].count > 0;
    if (any)
        document_heading(document, "Each alone avoids them all (found by replay)", NULL);
    struct table *table = document_table_for(document, any ? FOR_ALL : FOR_PROGRAMS, "settings_that_avoid_all", &run, 1);
    for (size_t i = 0; i < COUNT(price_figures); i++)
        table_add_figure(table, price_figures[i], i + 1 < COUNT(price_figures)); /* the last has no room in 80 columns */
    add_price(table, "as it is", &explanation->run.figures);
    for (int knob = 0; knob < KNOBS; knob++) {
        char option[OPTION_SIZE];
        if (explanation->priced[knob].count == 0)
            continue;
        knob_option(explanation, (enum knob)knob, explanation->remedies.of[0][knob].value, option);
        add_price(table, option, &explanation->priced[knob]);
    }
}

/* Programs get three numbers for each knob (value, the next value at which it fails again, how many were tested), people one text with a
 * star. */
static const struct table_column worst_columns[] = {
    {"request", "request", TABLE_TEXT, 0}, {"preemptions", "times", TABLE_WHOLE, 0},  {"tokens_lost", "tokens lost", TABLE_WHOLE, 0},
    {"num_gpu_blocks", NULL, 0, 0},        {"num_gpu_blocks_again_at", NULL, 0, 0},   {"num_gpu_blocks_points", NULL, 0, 0},
    {"watermark_blocks", NULL, 0, 0},      {"watermark_blocks_again_at", NULL, 0, 0}, {"watermark_points", NULL, 0, 0},
    {"max_num_seqs", NULL, 0, 0},          {"max_num_seqs_again_at", NULL, 0, 0},     {"max_num_seqs_points", NULL, 0, 0},
    {NULL, "blocks >=", TABLE_TEXT, 0},    {NULL, "watermark >=", TABLE_TEXT, 0},     {NULL, "seqs <=", TABLE_TEXT, 0},
};

/* "1873"; "1873*" when it is not the last word; "none". Empty when no remedies were looked for: "none" would claim that they were looked
 * for and not found. */
static void add_remedy_text(struct table *table, const struct explanation *explanation, enum knob knob, const struct remedy *remedy)
{
    char text[OPTION_SIZE + 1], option[OPTION_SIZE];
    if (remedy->found)
        snprintf(text, sizeof text, "%s%s", knob_option(explanation, knob, remedy->value, option), remedy->again ? "*" : "");
    else
        snprintf(text, sizeof text, "none");
    table_text(table, explanation->has_remedies ? text : "");
}

/* Who lost most, and for each knob the setting from which on it is spared. Programs also get how well that was tested. Each cell must be
 * added also when there is nothing to tell, as cells go by position. remedies[] of a run without a search is zeroed memory: `again` is
 * false there, so that its cell is NaN. */
static void add_worst(struct document *document, const struct explanation *explanation)
{
    struct table *table = document_table(document, "worst", worst_columns, COUNT(worst_columns));
    for (size_t i = 0; i < explanation->worst_count; i++) {
        const struct victim *victim = &explanation->worst[i];
        const struct remedy *remedies = explanation->remedies.of[1 + i];
        add_request(table, explanation->trace, victim->position);
        table_numbers(table, victim->times, (double)victim->tokens_lost);
        for (int knob = 0; knob < KNOBS; knob++) {
            table_number(table, explanation->has_remedies && remedies[knob].found ? (double)remedies[knob].value : (double)NAN);
            table_number(table, remedies[knob].again ? (double)remedies[knob].again_at : (double)NAN);
            table_number(table, explanation->has_remedies ? remedies[knob].points : (double)NAN);
        }
        for (int knob = 0; knob < KNOBS; knob++)
            add_remedy_text(table, explanation, (enum knob)knob, &remedies[knob]);
    }
}

/* How sure the answers are, and where the knobs stand now. A claim that was found by search needs its effort next to it: how many replays,
 * and how many settings of each knob were tried. "One step back it is not spared" is the certificate: the neighbour of every answer was
 * replayed, too. */
static void add_search(struct document *document, const struct explanation *explanation)
{
    const struct remedies *remedies = &explanation->remedies;
    bool starred = false;
    uint32_t least = UINT32_MAX, most = 0;
    char options[KNOBS][OPTION_SIZE];
    if (!explanation->has_remedies)
        return;
    for (uint32_t i = 0; i < remedies->targets; i++)
        for (int knob = 0; knob < KNOBS; knob++) {
            const struct remedy *remedy = &remedies->of[i][knob];
            starred |= remedy->again;
            least = remedy->points < least ? remedy->points : least;
            most = remedy->points > most ? remedy->points : most;
        }
    for (int knob = 0; knob < KNOBS; knob++)
        knob_option(explanation, (enum knob)knob, remedies->now[knob], options[knob]);
    document_line(document, "  now: %s %s %s", options[KNOB_POOL], options[KNOB_WATERMARK], options[KNOB_SEQUENCES]);
    document_line(document, "  %u replays, %u to %u settings each; one step back it is not spared", remedies->replays, least, most);
    if (starred)
        document_line(document, "  * preempted again at a tested setting further away; the JSON says at which");
}

/* --- preemptions ------------------------------------------------------------------------------------------------------------------ */

/* "time" to "depth" tell of the preemption; the columns pool_* tell what filled the pool when its step began. */
static const struct table_column preemption_columns[] = {
    {"time_s", "time s", 1, 0},
    {"step", "step", 0, 0},
    {"victim", "victim", TABLE_TEXT, 0},
    {"requester", "for", TABLE_TEXT, 0},
    {"kind", NULL, TABLE_TEXT, 0},
    {"nth_of_victim", NULL, 0, 0},
    {"tokens_lost", "lost", 0, 0},
    {"victim_blocks", NULL, 0, 0},
    {"depth", "depth", 0, 0},
    {"pool_unused_blocks", "unused", 0, 0},
    {"pool_prefill_blocks", "prefill", 0, 0},
    {"pool_decode_blocks", "decode", 0, 0},
    {"pool_saved_blocks", NULL, 0, 0},
    {"pool_used_blocks", NULL, 0, 0},
    {"pool_empty_slots", NULL, 0, 0},
    {"pool_prefill_holders", NULL, 0, 0},
    {"pool_decode_holders", NULL, 0, 0},
    {"pool_largest_holders", NULL, TABLE_TEXT, 0},
    {NULL, "largest", TABLE_TEXT, 0},
};

/* "17 (68), 3 (41)": requests and the blocks of their tables. People get the first of the list, programs all. `first` is taken after the
 * first item, when `all` holds it alone. */
static void add_largest(struct table *table, const struct trace *trace, const struct pool_filling *filling)
{
    struct line all = {0}, first = {0};
    for (uint32_t i = 0; i < filling->largest_count; i++) {
        char name[TRACE_REQUEST_NAME];
        trace_request_name(trace, filling->largest[i], name);
        line_put(&all, "%s%s (%u)", i ? "; " : "", name, filling->largest_blocks[i]);
        if (i == 0)
            first = all;
    }
    table_text(table, all.text);
    table_text(table, first.text);
}

/* One row. The pool is known from the second replay only; until then its cells are empty. The pool is told as it was when the step
 * began. */
static void add_preemption(struct table *table, const struct trace *trace, const struct preemption *preemption)
{
    const struct pool_filling *filling = &preemption->filling;
    const uint32_t numbers[] = {filling->unused_blocks,          filling->blocks[CLASS_PREFILL], filling->blocks[CLASS_DECODE],
                                filling->saved_blocks,           filling->used_blocks,           filling->empty_slots,
                                filling->holders[CLASS_PREFILL], filling->holders[CLASS_DECODE]};
    table_numbers(table, (double)preemption->time_ns / 1e9, (double)preemption->step);
    add_request(table, trace, preemption->victim);
    add_request(table, trace, preemption->requester);
    table_text(table, preemption->swap ? "swap" : "recompute");
    table_numbers(table, preemption->nth_of_victim, preemption->tokens_lost, preemption->blocks, preemption->depth);
    for (size_t i = 0; i < COUNT(numbers); i++)
        table_number(table, filling->known ? numbers[i] : (double)NAN);
    add_largest(table, trace, filling);
}

/* All of them, in order of time. People see the first ones: later ones are often consequences of these. */
static void add_preemptions(struct document *document, const struct explanation *explanation, size_t top)
{
    const struct preemption_story *story = &explanation->story;
    struct table *table = document_table(document, "each_preemption", preemption_columns, COUNT(preemption_columns));
    table_show_first(table, top);
    for (size_t i = 0; i < story->count; i++)
        add_preemption(table, explanation->trace, &story->preemptions[i]);
}

/* What preemptions cost as a whole: tokens computed twice, and how far one led to the next. Lost tokens are set against all tokens that
 * were scheduled, prefill and decode, which is the work of the run. The depth of a chain: a request that was preempted itself comes back
 * and preempts another one. */
static void add_sums(struct document *document, const struct explanation *explanation)
{
    const struct preemption_story *story = &explanation->story;
    const uint64_t scheduled = explanation->run.metrics.scheduled_tokens;
    char lost[UNIT_TEXT], chained[UNIT_TEXT], all[UNIT_TEXT], share[96] = "";
    if (scheduled > 0)
        snprintf(share, sizeof share, ", %.1f %% of the %s computed", 100.0 * (double)story->tokens_lost / (double)scheduled,
                 unit_count(scheduled, all));
    document_heading(document, "Preemptions", NULL);
    document_line(document, "  %s tokens lost%s", unit_count(story->tokens_lost, lost), share);
    document_line(document, "  %s for a request that had been preempted itself; chains up to %u deep", unit_count(story->chained, chained),
                  story->max_depth);
}

/* --- what was not cached ---------------------------------------------------------------------------------------------------------- */

static const struct table_column miss_columns[] = {
    {"class", "tokens of first admissions", TABLE_TEXT, 0},
    {"tokens", "tokens", TABLE_WHOLE, 0},
    {"share", "% of prompts", 2, 0.01},
    {"requests", "requests", TABLE_WHOLE, 0},
};

/* The share is of prompt tokens (misses) or of known tokens (readmissions). NaN requests: the row has no count of its own. */
static void add_tokens(struct table *table, const char *name, uint64_t tokens, uint64_t of, double requests)
{
    table_text(table, name);
    table_numbers(table, (double)tokens, of ? (double)tokens / (double)of : (double)NAN, requests);
}

/* What people are told of a class. Without contents in the file "nobody computed this before" is not known to be true. */
static const char *class_label(const struct explanation *explanation, int class)
{
    return class == MISS_COMPULSORY && !trace_tells_contents(explanation->trace) ? "not told by the file" : miss_class_names[class];
}

/* Every prompt token of a first admission in one row: cached, or one class of miss. The last row is their sum. A request may stand in
 * several classes, so the column of requests does not add up; the tokens do. The row for caching that is off is left out when it is 0, as
 * with caching it always is. */
static void fill_misses(struct table *table, const struct explanation *explanation, bool people)
{
    const struct prefix_misses *misses = &explanation->misses;
    uint64_t requests[MISS_CLASSES] = {0}, hit = 0;
    for (uint32_t position = 0; position < explanation->trace->count; position++) {
        for (int class = 0; class < MISS_CLASSES; class ++)
            requests[class] += misses->of_request[position][class] > 0;
        hit += metrics_story(&explanation->run.metrics, position).cached_tokens > 0;
    }
    add_tokens(table, "cached", misses->cached_tokens, misses->prompt_tokens, (double)hit);
    for (int class = 0; class < MISS_CLASSES; class ++)
        if (misses->tokens[class] > 0 || (class < MISS_CACHING_OFF && (class != MISS_WINDOW || misses->junctions)))
            add_tokens(table, people ? class_label(explanation, class) : miss_class_names[class], misses->tokens[class],
                       misses->prompt_tokens, (double)requests[class]);
    add_tokens(table, "prompts", misses->prompt_tokens, misses->prompt_tokens, (double)misses->admissions);
}

/* What windows keep now, then what else they could: hits have their price, as what is kept is not free for others. */
static void add_windows(struct document *document, const struct explanation *explanation)
{
    static const struct table_column kept[] = {{"prefix_cache_retention_interval", NULL, TABLE_WHOLE, 0},
                                               {"windows_keep", "windows keep", TABLE_TEXT, 0}};
    static const char *const figures[] = {"prefix_hit_rate", "preemptions", "p99_ttft_ms", "mean_e2el_ms"};
    const struct window_choices *windows = &explanation->windows;
    struct line line = {0};
    if (windows->count > 0)
        document_heading(document, "What windows could keep in the prefix cache", "\n(prefix_cache_retention_interval; found by replay)");
    struct table *table = document_table(document, "windows_keep", kept, COUNT(kept));
    for (size_t i = 0; i < COUNT(figures); i++)
        table_add_figure(table, figures[i], true);
    for (size_t row = 0; row <= windows->count && windows->count > 0; row++) {
        const int64_t interval = row == 0 ? explanation->config->prefix_cache_retention_interval : windows->list[row - 1].interval;
        const struct figure_set *set = row == 0 ? &explanation->run.figures : &windows->list[row - 1].figures;
        line = (struct line){0};
        if (interval == RETENTION_DENSE)
            line_put(&line, "all blocks (null)");
        else if (interval == 0)
            line_put(&line, "ends of prompts (0)");
        else
            line_put(&line, "every %" PRId64 " tokens", interval);
        table_number(table, interval == RETENTION_DENSE ? (double)NAN : (double)interval);
        table_text(table, line.text);
        for (size_t i = 0; i < COUNT(figures); i++)
            table_number(table, figure_set_value(set, figures[i]));
    }
}

/* Programs find the same names of classes for every file. */
static void add_misses(struct document *document, const struct explanation *explanation)
{
    document_heading(document, "Prefix cache", NULL);
    fill_misses(document_table_for(document, FOR_PEOPLE, "misses", miss_columns, COUNT(miss_columns)), explanation, true);
    fill_misses(document_table_for(document, FOR_PROGRAMS, "misses", miss_columns, COUNT(miss_columns)), explanation, false);
    document_bool(document, "contents_told", trace_tells_contents(explanation->trace));
    if (!trace_tells_contents(explanation->trace))
        document_line(document, "  The file names no contents (hash_ids), so it does not tell whether prompts\n"
                                "  share: a server may find tokens in its cache that look new here.");
}

enum { PIECES = 72 }; /* of the time of admissions, as in the ledger's drawing */

/* By piece of time and part: cached, then the classes. */
struct miss_course {
    double tokens[PIECES][1 + MISS_CLASSES];
    double from_s, to_s;
};

/* First admissions alone, whose tokens the table above sums up. */
static void fill_course(const struct explanation *explanation, struct miss_course *course)
{
    const struct prefix_misses *misses = &explanation->misses;
    const uint32_t count = explanation->trace->count;
    *course = (struct miss_course){.from_s = INFINITY};
    for (uint32_t position = 0; position < count; position++) {
        const int64_t at_ns = metrics_story(&explanation->run.metrics, position).first_scheduled_ns;
        if (at_ns < 0)
            continue;
        course->from_s = fmin(course->from_s, (double)at_ns / 1e9);
        course->to_s = fmax(course->to_s, (double)at_ns / 1e9);
    }
    const double width = (course->to_s - course->from_s) / PIECES;
    for (uint32_t position = 0; position < count; position++) {
        const struct request_story story = metrics_story(&explanation->run.metrics, position);
        if (story.first_scheduled_ns < 0 || !(width > 0))
            continue;
        const int piece = (int)fmin(((double)story.first_scheduled_ns / 1e9 - course->from_s) / width, PIECES - 1);
        double *tokens = course->tokens[piece];
        tokens[0] += explanation->trace->input_tokens[position];
        for (int class = 0; class < MISS_CLASSES; class ++) {
            tokens[1 + class] += misses->of_request[position][class];
            tokens[0] -= misses->of_request[position][class];
        }
    }
    for (int piece = 0; piece < PIECES && width > 0; piece++)
        for (int part = 0; part < 1 + MISS_CLASSES; part++)
            course->tokens[piece][part] /= width;
}

/* Where nobody is admitted later than anybody else there is no course. */
static void add_course(struct document *document, const struct explanation *explanation)
{
    static const size_t colors[1 + MISS_CLASSES] = {2, 6, 4, 5, 0, 5, 1, 3, 6};
    struct miss_course *course = calloc(1, sizeof *course);
    double most = 0;
    if (!course && document)
        document->out_of_memory = true;
    if (!course)
        return;
    fill_course(explanation, course);
    for (int piece = 0; piece < PIECES; piece++) {
        double all = 0;
        for (int part = 0; part < 1 + MISS_CLASSES; part++)
            all += course->tokens[piece][part];
        most = fmax(most, all);
    }
    struct chart *chart = document_chart_for(
        document, FOR_PROGRAMS | FOR_PAGE, "prompt_tokens_over_time",
        &(struct chart_heading){.kind = CHART_AREAS,
                                .title = "Prompt tokens over time: from the cache, or why not",
                                .note = "of first admissions",
                                .x = {.name = "time", .unit = "s", .low = most > 0 ? course->from_s : 0, .high = course->to_s},
                                .y = {.name = "prompt tokens", .unit = "tokens/s", .high = most}});
    for (int part = 0; part < 1 + MISS_CLASSES; part++) {
        if (part > 0 && explanation->misses.tokens[part - 1] == 0)
            continue;
        chart_add_series(chart, &(struct chart_series){.name = part ? miss_class_names[part - 1] : "cached",
                                                       .label = part ? class_label(explanation, part - 1) : "cached",
                                                       .group = colors[part]});
        for (int piece = 0; piece < PIECES && most > 0; piece++)
            chart_add(chart, course->from_s + (course->to_s - course->from_s) * piece / PIECES, course->tokens[piece][part]);
    }
    free(course);
}

static const struct table_column again_columns[] = {
    {"class", "tokens of readmissions", TABLE_TEXT, 0},
    {"tokens", "tokens", TABLE_WHOLE, 0},
    {"share", "% of them", 2, 0.01},
    {"readmissions", "readmissions", TABLE_WHOLE, 0},
};

/* People see it only when somebody was admitted again. Apart from first admissions, because the question differs: a readmitted request was
 * here before, so a token that is not cached was either lost since or not reached then. */
static void add_readmissions(struct document *document, const struct explanation *explanation)
{
    const struct readmission_sums *again = &explanation->misses.again;
    if (again->count > 0)
        document_line(document, "%s", "");
    struct table *table =
        document_table_for(document, again->count > 0 ? FOR_ALL : FOR_PROGRAMS, "readmissions", again_columns, COUNT(again_columns));
    add_tokens(table, "cached", again->cached_tokens, again->known_tokens, NAN);
    add_tokens(table, "lost: evicted since", again->evicted, again->known_tokens, NAN);
    add_tokens(table, "lost: unfilled last block", again->partial, again->known_tokens, NAN);
    add_tokens(table, "not computed before", again->unfinished, again->known_tokens, NAN);
    add_tokens(table, "known", again->known_tokens, again->known_tokens, (double)again->count);
}

static const struct table_column misser_columns[] = {
    {"request", "request", TABLE_TEXT, 0},         {"prompt_tokens", "prompt", TABLE_WHOLE, 0},
    {"cached_tokens", "cached", TABLE_WHOLE, 0},   {"compulsory", NULL, TABLE_WHOLE, 0},
    {"granularity", "part block", TABLE_WHOLE, 0}, {"last_token", "last", TABLE_WHOLE, 0},
    {"in_flight", "in flight", TABLE_WHOLE, 0},    {"window", "window", TABLE_WHOLE, 0},
    {"capacity", "capacity", TABLE_WHOLE, 0},      {"preemption", "preemption", TABLE_WHOLE, 0},
    {"caching_off", NULL, TABLE_WHOLE, 0},
};

/* Requests with misses that are not compulsory. Compulsory misses are in the table but make nobody a misser: no setting of the cache helps
 * against them. */
static void add_missers(struct document *document, const struct explanation *explanation, size_t top)
{
    const struct trace *trace = explanation->trace;
    if (explanation->misser_count > 0)
        document_heading(document, "Most tokens computed again", NULL);
    struct table_column columns[COUNT(misser_columns)];
    memcpy(columns, misser_columns, sizeof columns);
    if (explanation->misses.tokens[MISS_WINDOW] == 0)
        columns[3 + MISS_WINDOW].heading = NULL; /* for programs alone */
    struct table *table = document_table(document, "requests_with_misses", columns, COUNT(columns));
    table_show_first(table, top);
    for (size_t i = 0; i < explanation->misser_count; i++) {
        const uint32_t position = explanation->missers[i].position;
        add_request(table, trace, position);
        table_numbers(table, trace->input_tokens[position], metrics_story(&explanation->run.metrics, position).cached_tokens);
        for (int class = 0; class < MISS_CLASSES; class ++)
            table_number(table, explanation->misses.of_request[position][class]);
    }
}

/* --- together --------------------------------------------------------------------------------------------------------------------- */

/* Sums for programs, and all figures of the run. */
static void add_members(struct document *document, const struct explanation *explanation)
{
    const struct preemption_story *story = &explanation->story;
    document_whole(document, "preempted_requests", story->requests);
    document_whole(document, "chained_preemptions", story->chained);
    document_whole(document, "max_depth", story->max_depth);
    document_whole(document, "replays", explanation->remedies.replays);
    document_figures(document, &explanation->run.figures, false);
}

/* Tables are there even when nobody was preempted, so that a script finds the same keys; headings for people are not. `config` and the
 * trace are borrowed from the explanation, which must live as long as the document. */
struct document *explain_report(const struct explanation *explanation, size_t top, const struct document_origin *origin)
{
    const struct config *config = explanation->config;
    const bool preempted = explanation->story.count > 0;
    struct document *document = document_create(origin);
    document_line(document, "%s: %u requests, %s in %u blocks of %u tokens", trace_title(explanation->trace).text,
                  explanation->trace->count, engine_facts_of(config)->name, config->num_gpu_blocks, config->block_size);
    step_times_note(document, config, step_times_of(config));
    head_layers(document, config);
    head_defaults(document, config);
    head_arrivals(document, config);
    head_front_door(document, config);
    head_advice(document, config, explanation->trace);
    add_verdict(document, explanation);
    add_members(document, explanation);
    if (preempted)
        add_sums(document, explanation);
    add_prices(document, explanation);
    if (preempted)
        document_heading(document, "The worst, and from which setting on each is spared", NULL);
    add_worst(document, explanation);
    add_search(document, explanation);
    if (preempted)
        document_heading(document, "The first of them", " (blocks when the step began: unused; of prefills, of decodes)");
    add_preemptions(document, explanation, top);
    add_misses(document, explanation);
    add_course(document, explanation);
    add_readmissions(document, explanation);
    add_missers(document, explanation, top);
    add_windows(document, explanation);
    explain_page(document);
    return document;
}
