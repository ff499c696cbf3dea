/* life_report.c - the document of a request's life, one function a part, in reading order: what it comes to, the accounts, the life, slow
 * steps. Read life_report at the end first. */
#include "report/life_report.h"

#include <math.h>
#include <string.h>

#include "base/line.h"
#include "base/units.h"
#include "config/engine_facts.h"
#include "observe/per_request.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const labels[LIFE_ACCOUNTS] = {
    [LIFE_STEP_RUNNING] = "waits for a step to end",
    [LIFE_PREEMPTING] = "waits, others are preempted",
    [LIFE_FOR_SEATS] = "waits for a seat",
    [LIFE_FOR_BUDGET] = "waits for budget",
    [LIFE_FOR_BLOCKS] = "waits for blocks",
    [LIFE_PREFILL] = "computes its prompt",
    [LIFE_RECOMPUTE] = "computes again",
    [LIFE_DECODE] = "decodes",
    [LIFE_DECODE_WITH_PREFILL] = "decodes beside prefills",
    [LIFE_NO_TURN] = "runs without a turn",
};

struct told {
    const struct request_life *life;
    const struct prefix_misses *misses;
    struct request_story story;
    struct document *document;
};

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

static char *seconds(int64_t ns, char out[UNIT_TEXT])
{
    return unit_fixed((double)ns / 1e9, 3, out, UNIT_TEXT);
}

static const char *name_of(const struct told *told, uint32_t position, char out[TRACE_REQUEST_NAME])
{
    trace_request_name(told->life->trace, position, out);
    return out;
}

/* --- what it comes to ------------------------------------------------------------------------------------------------------------------ */

static int64_t waited_ns(const struct request_life *life)
{
    int64_t sum_ns = 0;
    for (int account = 0; account < LIFE_WAITS; account++)
        sum_ns += life->account_ns[0][account] + life->account_ns[1][account];
    return sum_ns;
}

/* The one sentence to remember: how long, and what the longest account was. */
static void add_verdict(const struct told *told)
{
    const struct request_life *life = told->life;
    char text[4][UNIT_TEXT];
    int most = 0;
    if (told->story.dropped) {
        document_line(told->document, "It never went in: %s.", request_drop_reason(&told->story));
        document_headline(told->document, "It never went in: %s", request_drop_reason(&told->story));
        return;
    }
    for (int account = 1; account < LIFE_ACCOUNTS; account++)
        if (life->account_ns[0][account] + life->account_ns[1][account] > life->account_ns[0][most] + life->account_ns[1][most])
            most = account;
    document_line(told->document, "It %s %s s%s%s%s, and waited %s s in all.\nLongest: %s, %s s.",
                  life->finish_ns >= 0 ? "took" : "is not finished after", seconds(request_life_sum_ns(life), text[0]),
                  life->first_token_ns >= 0 ? ", " : "",
                  life->first_token_ns >= 0 ? seconds(life->first_token_ns - life->arrival_ns, text[1]) : "",
                  life->first_token_ns >= 0 ? " s to its first token" : "", seconds(waited_ns(life), text[2]), labels[most],
                  seconds(life->account_ns[0][most] + life->account_ns[1][most], text[3]));
    document_headline(told->document, "It %s %s s, of which it waited %s s", life->finish_ns >= 0 ? "took" : "is not finished after",
                      text[0], text[2]);
}

static void add_members(const struct told *told, const char *name)
{
    const struct request_life *life = told->life;
    const struct trace *trace = life->trace;
    const uint32_t position = life->position;
    const double none = (double)NAN;
    const uint64_t decodes = life->account_steps[1][LIFE_DECODE];
    struct document *document = told->document;
    document_text(document, "request", name);
    document_text(document, "status", request_status_names[request_status(&told->story)]);
    document_text(document, "reason", told->story.dropped ? request_drop_reason(&told->story) : NULL);
    document_whole(document, "input_tokens", trace->input_tokens[position]);
    document_whole(document, "output_tokens", trace->output_tokens[position]);
    document_number(document, "priority", trace->priority ? trace->priority[position] : 0);
    document_number(document, "arrival_ms", life->arrival_ns >= 0 ? ms(life->arrival_ns) : none);
    document_number(document, "first_token_ms", life->first_token_ns >= 0 ? ms(life->first_token_ns) : none);
    document_number(document, "finish_ms", life->finish_ns >= 0 ? ms(life->finish_ns) : none);
    document_number(document, "latency_ms", ms(request_life_sum_ns(life)));
    document_number(document, "held_back_ms", life->arrival_ns >= 0 ? ms(life->arrival_ns - trace->arrival_ns[position]) : none);
    document_number(document, "decode_step_ms", decodes > 0 ? ms(life->account_ns[1][LIFE_DECODE]) / (double)decodes : none);
    document_whole(document, "preemptions", told->story.preemptions);
}

/* --- accounts -------------------------------------------------------------------------------------------------------------------------- */

static const struct table_column account_columns[] = {
    {"account", NULL, TABLE_TEXT, 0},  {NULL, "what it did (ms)", TABLE_TEXT, 0}, {"to_first_token_ms", "to the first token", 3, 0},
    {"after_it_ms", "after it", 3, 0}, {"steps", "steps", TABLE_WHOLE, 0},        {"share", "% of all", 2, 0.01},
};

static void add_account(struct table *table, const char *name, const char *label, const int64_t of_ns[2], uint64_t steps, int64_t all_ns)
{
    table_text(table, name);
    table_text(table, label);
    table_numbers(table, ms(of_ns[0]), ms(of_ns[1]), (double)steps,
                  all_ns > 0 ? (double)(of_ns[0] + of_ns[1]) / (double)all_ns : (double)NAN);
}

/* Programs find every account; people those that are not empty. The last row is their sum, which is the latency. */
static void fill_accounts(struct table *table, const struct request_life *life, bool people)
{
    const int64_t all_ns = request_life_sum_ns(life);
    int64_t sums_ns[2] = {0, 0};
    uint64_t steps = 0;
    for (int account = 0; account < LIFE_ACCOUNTS; account++) {
        const int64_t of_ns[2] = {life->account_ns[0][account], life->account_ns[1][account]};
        const uint64_t in = life->account_steps[0][account] + life->account_steps[1][account];
        sums_ns[0] += of_ns[0];
        sums_ns[1] += of_ns[1];
        steps += in;
        if (!people || in > 0)
            add_account(table, life_account_names[account], labels[account], of_ns, in, all_ns);
    }
    add_account(table, "latency", "together", sums_ns, steps, all_ns);
}

static void add_accounts(const struct told *told)
{
    document_heading(told->document, "Its time", NULL);
    fill_accounts(document_table_for(told->document, FOR_PEOPLE, "accounts", account_columns, COUNT(account_columns)), told->life, true);
    fill_accounts(document_table_for(told->document, FOR_PROGRAMS, "accounts", account_columns, COUNT(account_columns)), told->life, false);
}

/* --- the life -------------------------------------------------------------------------------------------------------------------------- */

/* "    12.345 s  text", cut at blanks where a line is full. */
static void put_entry(const struct told *told, int64_t time_ns, const char *text)
{
    enum { WIDTH = 62, INDENT = 16 };
    char at[UNIT_TEXT];
    snprintf(at, sizeof at, "%12.3f s", (double)time_ns / 1e9);
    for (bool first = true; *text; first = false) {
        size_t length = strlen(text);
        if (length > WIDTH)
            for (length = WIDTH; length > 1 && text[length] != ' ';)
                length--;
        document_line(told->document, "%-*s%.*s", INDENT, first && time_ns >= 0 ? at : "", (int)length, text);
        text += length + (text[length] == ' ');
    }
}

static void put_waiting(const struct life_wait *wait, struct line *line)
{
    char tokens[UNIT_TEXT];
    if (wait->waiting > 0)
        line_put(line, "; %u wait%s already, with prompts of %s tokens", wait->waiting, wait->waiting == 1 ? "s" : "",
                 unit_count(wait->waiting_tokens, tokens));
    else
        line_put(line, "; nobody else waits");
}

/* How the wait began. */
static void tell_beginning(const struct told *told, const struct life_wait *wait)
{
    struct line line = {0};
    char name[TRACE_REQUEST_NAME], tokens[UNIT_TEXT];
    if (!wait->preempted)
        line_put(&line, "arrives");
    else if (wait->preemptor == told->life->position)
        line_put(&line, "is preempted, as it finds no block and nobody else to take one from");
    else
        line_put(&line, "is preempted for a block of request %s", name_of(told, wait->preemptor, name));
    if (wait->swapped)
        line_put(&line, ", %u blocks are swapped out", wait->blocks_lost);
    else if (wait->preempted)
        line_put(&line, ", %s tokens in %u blocks are lost", unit_count(wait->tokens_lost, tokens), wait->blocks_lost);
    put_waiting(wait, &line);
    put_entry(told, wait->from_ns, line.text);
}

/* How long, for want of what, and who went first. */
static void tell_wait(const struct told *told, const struct life_wait *wait)
{
    static const char *const wants[LIFE_WAITS] = {[LIFE_STEP_RUNNING] = "until a step ended",
                                                  [LIFE_PREEMPTING] = "while others were preempted",
                                                  [LIFE_FOR_SEATS] = "for a seat",
                                                  [LIFE_FOR_BUDGET] = "for budget",
                                                  [LIFE_FOR_BLOCKS] = "for blocks"};
    struct line line = {0};
    char text[UNIT_TEXT];
    int64_t sum_ns = 0;
    for (int account = 0; account < LIFE_WAITS; account++)
        sum_ns += wait->account_ns[account];
    if (sum_ns == 0)
        return;
    line_put(&line, "waits %s s:", seconds(sum_ns, text));
    for (int account = 0, first = 1; account < LIFE_WAITS; account++)
        if (wait->account_ns[account] > 0) {
            line_put(&line, "%s %s %s", first ? "" : ",", seconds(wait->account_ns[account], text), wants[account]);
            first = 0;
        }
    if (wait->admitted > 0)
        line_put(&line, "; %u (prompts of %s tokens) go%s in first", wait->admitted, unit_count(wait->admitted_tokens, text),
                 wait->admitted == 1 ? "es" : "");
    if (wait->overtook > 0)
        line_put(&line, ", %u of them came later", wait->overtook);
    put_entry(told, -1, line.text);
}

/* What it found in the cache and, of a first admission, why not more. */
static void tell_admission(const struct told *told, const struct life_wait *wait)
{
    struct line line = {0};
    char cached[UNIT_TEXT], known[UNIT_TEXT];
    const uint32_t *classes = told->misses->of_request[told->life->position];
    if (wait->to_ns < 0)
        return;
    if (wait->swapped) {
        put_entry(told, wait->to_ns, "is swapped in");
        return;
    }
    line_put(&line, "is admitted%s: %s of %s tokens are cached", wait->preempted ? " again" : "", unit_count(wait->cached, cached),
             unit_count(wait->known, known));
    for (int class = 0, first = 1; class < MISS_CLASSES && !wait->preempted; class ++)
        if (classes[class] > 0) {
            line_put(&line, "%s %u %s", first ? "; the others:" : ",", classes[class], miss_class_names[class]);
            first = 0;
        }
    put_entry(told, wait->to_ns, line.text);
}

static const struct table_column life_columns[] = {
    {"from_ms", NULL, TABLE_EXACT, 0},         {"to_ms", NULL, TABLE_EXACT, 0},          {"began_by", NULL, TABLE_TEXT, 0},
    {"preemptor", NULL, TABLE_TEXT, 0},        {"tokens_lost", NULL, TABLE_WHOLE, 0},    {"blocks_lost", NULL, TABLE_WHOLE, 0},
    {"waiting", NULL, TABLE_WHOLE, 0},         {"waiting_tokens", NULL, TABLE_WHOLE, 0}, {"admitted_first", NULL, TABLE_WHOLE, 0},
    {"admitted_tokens", NULL, TABLE_WHOLE, 0}, {"overtook", NULL, TABLE_WHOLE, 0},       {"known_tokens", NULL, TABLE_WHOLE, 0},
    {"cached_tokens", NULL, TABLE_WHOLE, 0},
};

/* A row a wait: how it began, what it was for, what the admission at its end found. Classes of misses are of the first. */
static void add_waits(const struct told *told)
{
    const struct request_life *life = told->life;
    struct table *table = document_table_for(told->document, FOR_PROGRAMS, "life", life_columns, COUNT(life_columns));
    char name[TRACE_REQUEST_NAME];
    for (int account = 0; account < LIFE_WAITS; account++) {
        snprintf(name, sizeof name, "%s_ms", life_account_names[account]);
        table_add_column(table, &(struct table_column){name, NULL, TABLE_EXACT, 0});
    }
    for (int class = 0; class < MISS_CLASSES; class ++)
        table_add_column(table, &(struct table_column){miss_class_names[class], NULL, TABLE_WHOLE, 0});
    for (size_t i = 0; i < life->wait_count; i++) {
        const struct life_wait *wait = &life->waits[i];
        const bool ended = wait->to_ns >= 0;
        table_numbers(table, ms(wait->from_ns), ended ? ms(wait->to_ns) : (double)NAN);
        table_text(table, !wait->preempted ? "arrival" : wait->swapped ? "swap" : "recompute");
        table_text(table, wait->preempted ? name_of(told, wait->preemptor, name) : NULL);
        table_numbers(table, wait->tokens_lost, wait->blocks_lost, wait->waiting, (double)wait->waiting_tokens, wait->admitted,
                      (double)wait->admitted_tokens, wait->overtook, ended ? wait->known : (double)NAN, ended ? wait->cached : (double)NAN);
        for (int account = 0; account < LIFE_WAITS; account++)
            table_number(table, ms(wait->account_ns[account]));
        for (int class = 0; class < MISS_CLASSES; class ++)
            table_number(table, ended && i == 0 ? told->misses->of_request[life->position][class] : (double)NAN);
    }
}

/* Once, before what comes after it. */
static void tell_first_token(const struct told *told, int64_t before_ns, bool *told_it)
{
    const int64_t first_ns = told->life->first_token_ns;
    if (*told_it || first_ns < 0 || first_ns > before_ns)
        return;
    put_entry(told, first_ns, "has its first token");
    *told_it = true;
}

/* In order of time: the first token comes in between two waits, after all, or in a wait, if it was on its way at a preemption. */
static void add_life(const struct told *told)
{
    const struct request_life *life = told->life;
    struct line end = {0};
    bool has_token = false;
    char held[UNIT_TEXT];
    document_heading(told->document, "Its life", NULL);
    if (life->arrival_ns > life->trace->arrival_ns[life->position]) {
        snprintf(end.text, sizeof end.text, "is held back by its client for %s s",
                 seconds(life->arrival_ns - life->trace->arrival_ns[life->position], held));
        put_entry(told, life->trace->arrival_ns[life->position], end.text);
        end = (struct line){0};
    }
    for (size_t i = 0; i < life->wait_count; i++) {
        const struct life_wait *wait = &life->waits[i];
        tell_first_token(told, wait->from_ns, &has_token);
        tell_beginning(told, wait);
        tell_wait(told, wait);
        tell_first_token(told, wait->to_ns, &has_token);
        tell_admission(told, wait);
    }
    tell_first_token(told, INT64_MAX, &has_token);
    if (life->finish_ns >= 0)
        line_put(&end, "is finished with %u tokens", told->story.output_tokens);
    else
        line_put(&end, "the replay ends, and it is not finished");
    put_entry(told, life->finish_ns >= 0 ? life->finish_ns : life->end_ns, end.text);
}

/* --- slow steps ------------------------------------------------------------------------------------------------------------------------ */

static const struct table_column slow_columns[] = {
    {"start_ms", "from s", 3, 1000},
    {"duration_ms", "ms", 3, 0},
    {"sequences", "sequences", TABLE_WHOLE, 0},
    {"prefill_tokens", "prefilled", TABLE_WHOLE, 0},
    {"largest", "most by", TABLE_TEXT, 0},
    {"largest_tokens", "tokens", TABLE_WHOLE, 0},
};

/* The longest steps in which it got a token beside others' prompts: what chunked prefill costs those who decode. */
static void add_slow(const struct told *told, size_t top)
{
    const struct request_life *life = told->life;
    const uint64_t decodes = life->account_steps[1][LIFE_DECODE];
    char name[TRACE_REQUEST_NAME];
    if (life->slow_count > 0)
        document_heading(told->document, "The slowest steps that it sat in", " (of those with prefills of others)");
    struct table *table = document_table(told->document, "slow_steps", slow_columns, COUNT(slow_columns));
    table_show_first(table, top);
    for (size_t i = 0; i < life->slow_count; i++) {
        const struct life_step *slow = &life->slow[i];
        table_numbers(table, ms(slow->start_ns), ms(slow->duration_ns), slow->sequences, slow->prefill_tokens);
        table_text(table, name_of(told, slow->largest, name));
        table_number(table, slow->largest_tokens);
    }
    if (life->slow_count > 0 && decodes > 0)
        document_line(told->document, "  Its steps that only decode take %.3f ms in the mean.",
                      ms(life->account_ns[1][LIFE_DECODE]) / (double)decodes);
}

/* --- together -------------------------------------------------------------------------------------------------------------------------- */

struct document *life_report(const struct request_life *life, const struct prefix_misses *misses, const struct run *run, size_t top,
                             const struct document_origin *origin)
{
    const struct trace *trace = life->trace;
    char name[TRACE_REQUEST_NAME], input[UNIT_TEXT], output[UNIT_TEXT];
    struct told told = {
        .life = life, .misses = misses, .story = metrics_story(&run->metrics, life->position), .document = document_create(origin)};
    document_line(told.document, "%s: %u requests, %s in %u blocks of %u tokens", trace_title(trace).text, trace->count,
                  engine_facts_of(run->config)->name, run->config->num_gpu_blocks, run->config->block_size);
    step_times_note(told.document, run->config, step_times_of(run->config));
    head_layers(told.document, run->config);
    head_defaults(told.document, run->config);
    head_arrivals(told.document, run->config);
    head_front_door(told.document, run->config);
    head_advice(told.document, run->config, trace);
    name_of(&told, life->position, name);
    document_line(told.document, "%s", "");
    document_line(told.document, "Request %s: a prompt of %s tokens, %s to generate, priority %d", name,
                  unit_count(trace->input_tokens[life->position], input), unit_count(trace->output_tokens[life->position], output),
                  trace->priority ? trace->priority[life->position] : 0);
    add_verdict(&told);
    add_members(&told, name);
    add_waits(&told);
    if (!told.story.dropped)
        add_life(&told);
    add_accounts(&told);
    add_slow(&told, top);
    return told.document;
}
