/* ledger_report.c - the document of one replay's memory ledger: three tables and the chart of the pool over time. Read ledger_report first,
 * at the end. */
#include "report/ledger_report.h"

#include <math.h>

#include "base/units.h"
#include "config/engine_facts.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"

/* The two spans of the ledger, added up once. All of the run, and only the time in which a request waits. The second is the honest measure
 * of waste: a free block that nobody asks for is not wasted. */
struct spans {
    struct ledger_sums all, waiting;
};

/* The mean of slots x nanoseconds as a share of the pool; NaN for a span without time. slots x nanoseconds become mean blocks first
 * (ledger_mean_blocks divides by time and block size), then a share of the pool. 128-bit sums are only turned into doubles at the end, so
 * the shares of all accounts add up to 1 but for rounding. */
static double pool_share(const struct ledger *ledger, const struct ledger_sums *sums, slot_time slots)
{
    return sums->time_ns > 0 && ledger->pool_blocks > 0 ? ledger_mean_blocks(ledger, sums, slots) / (double)ledger->pool_blocks
                                                        : (double)NAN;
}

/* --- accounts --------------------------------------------------------------------------------------------------------------------- */

static const struct table_column account_columns[] = {
    {"account", "account", TABLE_TEXT, 0}, {"mean_blocks", "blocks", 1, 0},
    {"share", "% of pool", 2, 0.01},       {"share_while_waiting", "% while waiting", 2, 0.01},
    {"peak_blocks", "peak", 1, 0},
};

/* A run without time has held nothing: 0 is right for the whole run. For the waiting span NaN is right, since without waiting there is no
 * mean over it. */
static void account_row(struct table *table, const struct ledger *ledger, const struct spans *spans, const char *name, slot_time all,
                        slot_time waiting, double peak_blocks)
{
    const bool empty = spans->all.time_ns == 0;
    table_text(table, name);
    table_numbers(table, ledger_mean_blocks(ledger, &spans->all, all), empty ? 0 : pool_share(ledger, &spans->all, all),
                  pool_share(ledger, &spans->waiting, waiting), peak_blocks);
}

/* Each block of the pool is charged to one account, so the rows up to "pool" add up to it, in both spans. "saved_by_sharing" stands below
 * the sum: it is no part of the pool but what more of it would be needed if every table had blocks of its own. Engines without a null block
 * have no row for it. */
static void add_accounts(struct document *document, const struct ledger *ledger, const struct spans *spans)
{
    slot_time all[LEDGER_ACCOUNTS], waiting[LEDGER_ACCOUNTS];
    const slot_time pool_slots = (slot_time)ledger->pool_blocks * ledger->block_size;
    struct table *table = document_table(document, "accounts", account_columns, sizeof account_columns / sizeof *account_columns);
    ledger_split(ledger, &spans->all, all);
    ledger_split(ledger, &spans->waiting, waiting);
    for (int account = 0; account < LEDGER_ACCOUNTS; account++)
        if (account != ACCOUNT_NULL || ledger->has_null_block)
            account_row(table, ledger, spans, ledger_account_names[account], all[account], waiting[account],
                        (double)ledger->history->peak_slots[account] / ledger->block_size);
    account_row(table, ledger, spans, "pool", pool_slots * (slot_time)spans->all.time_ns, pool_slots * (slot_time)spans->waiting.time_ns,
                (double)ledger->pool_blocks);
    account_row(table, ledger, spans, "saved_by_sharing", ledger_saved(ledger, &spans->all), ledger_saved(ledger, &spans->waiting),
                (double)ledger->peaks.saved_blocks);
}

/* --- over time --------------------------------------------------------------------------------------------------------------------- */

enum { PIECES = 72 }; /* of the run's time */

/* Means over equal pieces of time, not samples: a spike shorter than a piece still counts with its weight. PIECES is the width of the
 * drawing in columns. A timeline that never began (origin below 0) has no points. Series lie on top of each other and reach the height of
 * all slots. */
static void add_timeline(struct document *document, unsigned audience, const char *key, const char *title,
                         const struct usage_timeline *timeline, double slots, const struct chart_series series[TIMELINE_SERIES])
{
    const double from = timeline->origin_ns < 0 ? 0 : (double)timeline->origin_ns / 1e9, to = fmax(from, (double)timeline->end_ns / 1e9);
    const struct chart_heading heading = {
        .kind = CHART_AREAS,
        .title = title,
        .x = {.name = "time", .unit = "s", .low = from, .high = to},
        .y = {.name = "slots", .unit = "slots", .high = slots},
    };
    struct chart *chart = document_chart_for(document, (enum document_audience)audience, key, &heading);
    for (int i = 0; i < TIMELINE_SERIES; i++) {
        chart_add_series(chart, &series[i]);
        for (int piece = 0; to > from && piece < PIECES; piece++) {
            double means[TIMELINE_SERIES], at = (double)piece / PIECES;
            usage_timeline_means(timeline, at, (double)(piece + 1) / PIECES, means);
            chart_add(chart, from + at * (to - from), means[i]);
        }
    }
}

static void add_chart(struct document *document, const struct ledger *ledger, bool draw)
{
    static const struct chart_series series[LEDGER_ACCOUNTS] = {
        [ACCOUNT_USEFUL] = {.label = "useful tokens", .mark = '#', .group = ACCOUNT_USEFUL},
        [ACCOUNT_TAIL] = {.label = "tail waste", .mark = 'x', .group = ACCOUNT_TAIL},
        [ACCOUNT_CACHED] = {.label = "cached, idle", .mark = '+', .group = ACCOUNT_CACHED},
        [ACCOUNT_FREE] = {.label = "free", .mark = '.', .group = ACCOUNT_FREE},
        [ACCOUNT_NULL] = {.mark = '.', .group = ACCOUNT_FREE}, /* one block in the drawing says nothing */
    };
    struct chart_series named[LEDGER_ACCOUNTS];
    for (int account = 0; account < LEDGER_ACCOUNTS; account++) {
        named[account] = series[account];
        named[account].name = ledger_account_names[account];
    }
    add_timeline(document, draw ? FOR_ALL : FOR_PROGRAMS, "timeline_slots", "The pool over time", &ledger->history->timeline,
                 (double)ledger->pool_blocks * ledger->block_size, named);
}

/* The same of reservations, for programs. */
static void add_reserving_charts(struct document *document, const struct reservation_result *results)
{
    static const struct chart_series series[RESERVED_ACCOUNTS] = {
        [RESERVED_TOKENS] = {.name = "tokens", .group = 0},        [RESERVED_FUTURE] = {.name = "future", .group = 5},
        [RESERVED_INTERNAL] = {.name = "internal", .group = 1},    [RESERVED_EXTERNAL] = {.name = "external", .group = 3},
        [RESERVED_FREE] = {.name = "free", .group = ACCOUNT_FREE},
    };
    static const char *const keys[RESERVATION_KINDS] = {"timeline_reserving_maximum", "timeline_reserving_power_of_2",
                                                        "timeline_reserving_exact"};
    for (int kind = 0; kind < RESERVATION_KINDS; kind++) {
        char title[64];
        snprintf(title, sizeof title, "Reserving the %s, over time", reservation_names[kind]);
        add_timeline(document, FOR_PROGRAMS, keys[kind], title, &results[kind].timeline, (double)results[kind].memory_slots, series);
    }
}

/* --- groups of layers -------------------------------------------------------------------------------------------------------------- */

static const struct table_column group_columns[] = {
    {"group", "group", TABLE_WHOLE, 0},       {"kind", "kind", TABLE_TEXT, 0},
    {"reach", "reach", TABLE_WHOLE, 0},       {"layers", NULL, TABLE_WHOLE, 0},
    {"block_size", "block", TABLE_WHOLE, 0},  {"mean_blocks", "blocks", 1, 0},
    {"share", "% of pool", 2, 0.01},          {"mean_useful_blocks", NULL, 1, 0},
    {"mean_tail_waste_blocks", "tail", 1, 0}, {"mean_look_ahead_blocks", "look-ahead", 1, 0},
    {"mean_slack_blocks", "slack", 1, 0},     {"mean_null_entries", "null", 1, 0},
    {"mean_saved_blocks", NULL, 1, 0},
};

/* A block in use is of one group, so blocks add up to those in use, and tail to the account's. The table is empty where there is nothing to
 * tell apart (NULL). */
static void add_groups(struct document *document, const struct ledger *ledger, const struct spans *spans,
                       const struct class_ledger *by_group)
{
    static const char *const kinds[] = {
        [KV_KIND_FULL] = "full", [KV_KIND_SLIDING_WINDOW] = "sliding_window", [KV_KIND_CHUNKED_LOCAL] = "chunked_local"};
    struct table *table = document_table(document, "groups", group_columns, sizeof group_columns / sizeof *group_columns);
    if (!by_group)
        return;
    const struct kv_groups *groups = &by_group->holders.groups;
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct kv_group *group = &groups->list[i];
        const struct class_sums *sums = &by_group->sums[i];
        table_number(table, i);
        table_text(table, kinds[group->kind]);
        table_number(table, group->kind == KV_KIND_FULL ? (double)NAN : group->reach);
        table_numbers(table, group->layers, group->block_size, ledger_mean(&spans->all, (ledger_sum)sums->blocks),
                      pool_share(ledger, &spans->all, sums->useful + sums->tail), ledger_mean_blocks(ledger, &spans->all, sums->useful),
                      ledger_mean_blocks(ledger, &spans->all, sums->tail), ledger_mean_blocks(ledger, &spans->all, sums->ahead),
                      ledger_mean_blocks(ledger, &spans->all, sums->slack), ledger_mean(&spans->all, (ledger_sum)sums->passed),
                      ledger_mean_blocks(ledger, &spans->all, sums->saved));
    }
    head_wrapped(
        document, "  ",
        "look-ahead: part of the tail, blocks held for drafts and the drafter, beyond the last token; slack: tokens that no later one "
        "looks at, in blocks that stay; null: entries of tables that were given back");
}

/* --- classes ----------------------------------------------------------------------------------------------------------------------- */

static const struct table_column class_columns[] = {
    {"class", "class", TABLE_TEXT, 0},        {"mean_holders", "holders", 2, 0}, {"mean_useful_blocks", "useful", 1, 0},
    {"mean_tail_waste_blocks", "tail", 1, 0}, {"share", "% of pool", 2, 0.01},   {"mean_saved_blocks", "saved", 1, 0},
    {"useful_share", "useful %", 2, 0.01},
};

/* A block that several classes hold is charged to the first of them in the order of the list, so that the rows add up to the blocks in use;
 * what the others would have needed is "saved". Classes that never held a table are left out. */
static void add_classes(struct document *document, const struct ledger *ledger, const struct spans *spans,
                        const struct class_ledger *classes)
{
    struct table *table = document_table(document, "classes", class_columns, sizeof class_columns / sizeof *class_columns);
    for (uint32_t class = 0; class < classes->holders.classes.count; class ++) {
        const struct class_sums *sums = &classes->sums[class];
        const slot_time charged = sums->useful + sums->tail;
        if (sums->tables == 0)
            continue;
        table_text(table, classes->holders.classes.names[class]);
        table_numbers(table, ledger_mean(&spans->all, (ledger_sum)sums->tables), ledger_mean_blocks(ledger, &spans->all, sums->useful),
                      ledger_mean_blocks(ledger, &spans->all, sums->tail), pool_share(ledger, &spans->all, charged),
                      ledger_mean_blocks(ledger, &spans->all, sums->saved));
        table_number(table, charged ? (double)sums->useful / (double)charged : (double)NAN);
    }
}

/* --- reserving instead ------------------------------------------------------------------------------------------------------------- */

/* Shares are of the memory, while a request waits. */
static const struct table_column reserving_columns[] = {
    {"way", "way", TABLE_TEXT, 0},
    {"token_share", "tokens", 1, 0.01},
    {"future_share", "future", 1, 0.01},
    {"internal_share", "internal", 1, 0.01},
    {"external_share", "external", 1, 0.01},
    {"scattered_share", NULL, 1, 0},
    {"free_share", "free", 1, 0.01},
    {"paper_token_share", "paper", 1, 0.01},
    {"mean_running_while_waiting", "running", 1, 0},
    {"end_s", "end s", 0, 0},
    {"completed", NULL, TABLE_WHOLE, 0},
    {"never_fit", NULL, TABLE_WHOLE, 0},
    {"waiting_time_share", NULL, 3, 0},
};

/* Figure 2 of the PagedAttention paper, token states: vLLM; Orca (Max, Pow2, Oracle). They are there to be compared in kind, not in size:
 * the paper's model, memory and workload are others. */
static const double paper_token_share[1 + RESERVATION_KINDS] = {0.963, 0.204, 0.268, 0.382};

/* The same columns as for reservations, as far as they make sense for paging: no slot is reserved for the future, and blocks need not be
 * neighbours, so future, external and scattered are 0 by design. `nothing` is 0 if anybody waited and NaN otherwise: adding it turns a mean
 * over no time into NaN. Cached blocks count as free, because they can be taken at any time. */
static void paged_row(struct table *table, const struct run *run, const struct spans *spans)
{
    const struct ledger *ledger = &run->ledger;
    const struct ledger_sums *sums = &spans->waiting;
    slot_time accounts[LEDGER_ACCOUNTS];
    ledger_split(ledger, sums, accounts);
    /* The null block is not part of what reservations have either. */
    const double scale = 1 / (1 - pool_share(ledger, sums, accounts[ACCOUNT_NULL]));
    const double nothing = sums->time_ns > 0 ? 0 : (double)NAN;
    table_text(table, "paged");
    table_number(table, scale * pool_share(ledger, sums, accounts[ACCOUNT_USEFUL]));
    table_numbers(table, nothing, scale * pool_share(ledger, sums, accounts[ACCOUNT_TAIL]), nothing, nothing);
    table_number(table, scale * pool_share(ledger, sums, accounts[ACCOUNT_CACHED] + accounts[ACCOUNT_FREE]));
    table_numbers(table, paper_token_share[0], nothing + ledger_mean(sums, sums->running), (double)run->facts.end.end_ns / 1e9,
                  (double)run->metrics.completed, (double)run->metrics.dropped, ledger_share(sums->time_ns, spans->all.time_ns));
}

/* Order of the columns after the name as in paged_row. If no request completed there is no end to tell. */
static void reserving_row(struct table *table, const struct reservation_result *result, int kind)
{
    const slot_time *sums = result->sums[SPAN_WAITING];
    const double waiting_ns = (double)result->time_ns[SPAN_WAITING], all_ns = (double)result->time_ns[SPAN_ALL];
    const slot_time shown[] = {sums[RESERVED_TOKENS],   sums[RESERVED_FUTURE],           sums[RESERVED_INTERNAL],
                               sums[RESERVED_EXTERNAL], result->scattered[SPAN_WAITING], sums[RESERVED_FREE]};
    table_text(table, reservation_names[kind]);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        table_number(table, waiting_ns > 0 ? reservation_share(result, SPAN_WAITING, shown[i]) : (double)NAN);
    table_number(table, paper_token_share[1 + kind]);
    table_number(table, waiting_ns > 0 ? (double)result->running[SPAN_WAITING] / waiting_ns : (double)NAN);
    table_number(table, result->completed ? (double)result->end_ns / 1e9 : (double)NAN);
    table_numbers(table, (double)result->completed, (double)result->too_large, all_ns > 0 ? waiting_ns / all_ns : 0);
}

/* Requests that no empty memory could hold are named below the table: without them a way of reserving looks better than it is. */
static void add_reserving(struct document *document, const struct ledger_result *result, const struct spans *spans)
{
    struct table *table = document_table(document, "reserving", reserving_columns, sizeof reserving_columns / sizeof *reserving_columns);
    paged_row(table, result->run, spans);
    if (!result->reserving) {
        document_line(document, "  reservations are left out: they decode a token a step, and draft none");
        return;
    }
    if (result->run->ledger.token_slots > 1)
        document_line(document, "  reservations keep each token in every group: they know no windows");
    for (int kind = 0; kind < RESERVATION_KINDS; kind++)
        reserving_row(table, &result->reserving[kind], kind);
    for (int kind = 0; kind < RESERVATION_KINDS; kind++)
        if (result->reserving[kind].too_large > 0)
            document_line(document, "  reserving the %s: %llu requests never fit into the memory and are left out", reservation_names[kind],
                          (unsigned long long)result->reserving[kind].too_large);
}

/* --- the document ------------------------------------------------------------------------------------------------------------------ */

static void add_opening(struct document *document, const struct run *run, const struct spans *spans)
{
    char time[UNIT_TEXT], waiting[UNIT_TEXT], note[128];
    unit_seconds((double)spans->all.time_ns / 1e9, time);
    unit_seconds((double)spans->waiting.time_ns / 1e9, waiting);
    snprintf(note, sizeof note, ": pool x time, %s; in %s of it a request waits", time, waiting);
    document_line(document, "%s: %u requests, %s in %u blocks of %u tokens", trace_title(run->trace).text, run->trace->count,
                  engine_facts_of(run->config)->name, run->config->num_gpu_blocks, run->config->block_size);
    step_times_note(document, run->config, step_times_of(run->config));
    head_layers(document, run->config);
    head_defaults(document, run->config);
    head_arrivals(document, run->config);
    head_front_door(document, run->config);
    head_advice(document, run->config, run->trace);
    document_whole(document, "requests", run->trace->count);
    document_number(document, "time_s", (double)spans->all.time_ns / 1e9);
    document_number(document, "waiting_time_s", (double)spans->waiting.time_ns / 1e9);
    document_heading(document, "Memory", note);
}

/* The spans are summed once and passed down; ledger_span_sums adds the two sets of the ledger with each call. */
struct document *ledger_report(const struct ledger_result *result, const struct document_origin *origin)
{
    const struct ledger *ledger = &result->run->ledger;
    const struct spans spans = {ledger_span_sums(ledger, SPAN_ALL), ledger_span_sums(ledger, SPAN_WAITING)};
    struct document *document = document_create(origin);
    add_opening(document, result->run, &spans);
    add_accounts(document, ledger, &spans);
    if (result->draw)
        document_heading(document, "The pool over time", NULL);
    add_chart(document, ledger, result->draw);
    if (result->groups)
        document_heading(document, "By group of layers", " (mean blocks)");
    add_groups(document, ledger, &spans, result->groups);
    if (result->classes) {
        document_heading(document, "Whose it is", " (mean blocks; a shared block is charged to the first class listed)");
        add_classes(document, ledger, &spans, result->classes);
    }
    document_heading(document,
                     result->allocator == CONTIGUOUS_BUDDY ? "Reserving contiguous memory instead, from a buddy system"
                                                           : "Reserving contiguous memory instead",
                     result->allocator == CONTIGUOUS_BUDDY
                         ? " (while a request waits:\n% of memory, running requests; paper: tokens in figure 2 of PagedAttention)"
                         : " (while a request waits: % of memory, running\nrequests; paper: tokens in figure 2 of PagedAttention)");
    document_text(document, "contiguous_allocator", result->reserving ? contiguous_names[result->allocator] : NULL);
    add_reserving(document, result, &spans);
    if (result->reserving)
        add_reserving_charts(document, result->reserving);
    ledger_page(document);
    return document;
}
