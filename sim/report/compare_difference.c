/* compare_difference.c - where two schedules part, for people and for programs. */
#include <math.h>

#include "base/units.h"
#include "report/compare_parts.h"
#include "report/head_notes.h"

/* --- the first decision that differs --------------------------------------------------------------------------------------------- */

/* Indexed by enum decision_kind; programs get these words as they are. */
static const char *const decision_words[] = {"preempts", "swaps in", "admits", "ignores", "computes"};

/* What one side does to the request: "computes 512 of its tokens". */
static void describe(enum decision_kind kind, int64_t value, char *out, size_t size)
{
    if (kind == DECIDE_PREEMPT)
        snprintf(out, size, "preempts it by %s", value == PREEMPT_SWAP ? "swap" : "recompute");
    else if (kind == DECIDE_ADMIT)
        snprintf(out, size, "admits it with %lld cached tokens", (long long)value);
    else if (kind == DECIDE_COMPUTE)
        snprintf(out, size, "computes %lld of its tokens", (long long)value);
    else
        snprintf(out, size, "%s it", decision_words[kind]);
}

/* "request 30: A admits it with 768 cached tokens, B with 96" or "request 30: A preempts it by swap, B does not". The second side is told
 * by its number alone ("B with 96"), joined by the preposition that fits the verb of describe(). A sample of a group is named
 * request.sample, as logs name it. */
static void add_pair_line(struct document *document, const struct decision_pair *pair, const char *const names[2])
{
    static const char *const joints[] = {"by ", "", "with ", "", ""};
    char does[64], name[32], number[32];
    describe(pair->kind, pair->in_a ? pair->a : pair->b, does, sizeof does);
    if (pair->sample)
        snprintf(name, sizeof name, "%u.%u", pair->request, pair->sample);
    else
        snprintf(name, sizeof name, "%u", pair->request);
    snprintf(number, sizeof number, "%lld", (long long)pair->b);
    if (pair->in_a && pair->in_b)
        head_wrapped(document, "    ", "request %s: %s %s, %s %s%s", name, names[0], does, names[1], joints[pair->kind],
                     pair->kind != DECIDE_PREEMPT ? number
                     : pair->b == PREEMPT_SWAP    ? "swap"
                                                  : "recompute");
    else
        head_wrapped(document, "    ", "request %s: %s %s, %s does not", name, names[pair->in_a ? 0 : 1], does, names[pair->in_a ? 1 : 0]);
}

/* When a side's step began, in words. The step's number is the same on both sides by definition, its time is not: a different batch takes a
 * different time. */
static const char *step_start(const struct decided_step *step, const char *name, char *out, size_t size)
{
    if (step->exists)
        snprintf(out, size, "%s at %.6f s", name, (double)step->start_ns / 1e9);
    else
        snprintf(out, size, "%s has ended", name);
    return out;
}

/* For people: the step, and the first `top` of its decisions that differ. If one side has ended there are no decisions to set against each
 * other, and the line about the step says all. Equal sets in another order count as a difference: the order is part of what a scheduler
 * decides. */
static void add_difference_lines(struct document *document, const struct comparison *comparison, size_t side, uint32_t top)
{
    const struct first_difference *difference = &comparison->sides[side].against.difference;
    const char *names[] = {comparison_name(comparison, 0), comparison_name(comparison, side)};
    char step[UNIT_TEXT], a[COMPARE_NAME_SIZE + 32], b[COMPARE_NAME_SIZE + 32];
    if (comparison->sides[side].against.fleets)
        head_wrapped(document, "  ", "%s%snot looked for: of several servers each decides in steps of its own.",
                     comparison->named ? names[1] : "", comparison->named ? ": " : "");
    else if (!difference->found && comparison->named)
        document_line(document, "  No decision of %s differs.", names[1]);
    else if (!difference->found)
        document_line(document, "  No decision differs.");
    if (!difference->found)
        return;
    head_wrapped(document, "  ", "step %s: %s, %s", unit_count(difference->step, step),
                 step_start(&difference->sides[0], names[0], a, sizeof a), step_start(&difference->sides[1], names[1], b, sizeof b));
    if (!difference->sides[0].exists || !difference->sides[1].exists)
        return;
    for (size_t i = 0; i < difference->pair_count && i < top; i++)
        add_pair_line(document, &difference->pairs[i], names);
    if (difference->pair_count > top)
        document_line(document, "    and %zu more", difference->pair_count - top);
    if (difference->pair_count == 0)
        document_line(document, "    the same decisions in another order");
}

static double start_ns(const struct first_difference *difference, int side)
{
    return difference->sides[side].exists ? (double)difference->sides[side].start_ns : (double)NAN;
}

/* For programs: the step. */
static void add_difference_step(struct document *document, const struct first_difference *difference)
{
    if (!difference->found) {
        document_text(document, "first_difference", NULL);
        return;
    }
    document_open_object(document, "first_difference");
    document_whole(document, "step", difference->step);
    document_number(document, "a_start_ns", start_ns(difference, 0));
    document_number(document, "b_start_ns", start_ns(difference, 1));
    document_close(document);
}

static void add_difference_steps(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {
        {"side", NULL, TABLE_TEXT, 0}, {"step", NULL, 0, 0}, {"first_start_ns", NULL, 0, 0}, {"own_start_ns", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "first_differences", columns, COUNT(columns));
    for (size_t side = 1; side < comparison->count; side++) {
        const struct first_difference *difference = &comparison->sides[side].against.difference;
        table_text(table, comparison_key(comparison, side));
        table_numbers(table, difference->found ? (double)difference->step : (double)NAN, start_ns(difference, 0), start_ns(difference, 1));
    }
}

/* For programs: all decisions of the step that differ. The table is there even when it is empty, so that a script need not ask. A decision
 * that one side did not make is null there; 0 would be a value, for example no cached tokens. */
static void add_decisions(struct document *document, const struct comparison *comparison)
{
    static const struct table_column columns[] = {{"side", NULL, TABLE_TEXT, 0}, {"decision", NULL, TABLE_TEXT, 0},
                                                  {"request", NULL, 0, 0},       {"sample", NULL, 0, 0},
                                                  {"first", NULL, 0, 0},         {"own", NULL, 0, 0}},
                                     of_two[] = {{"decision", NULL, TABLE_TEXT, 0},
                                                 {"request", NULL, 0, 0},
                                                 {"sample", NULL, 0, 0},
                                                 {"a", NULL, 0, 0},
                                                 {"b", NULL, 0, 0}};
    struct table *table = document_table_for(document, FOR_PROGRAMS, "decisions_that_differ", comparison->named ? columns : of_two,
                                             comparison->named ? COUNT(columns) : COUNT(of_two));
    for (size_t side = 1; side < comparison->count; side++)
        for (size_t i = 0; i < comparison->sides[side].against.difference.pair_count; i++) {
            const struct decision_pair *pair = &comparison->sides[side].against.difference.pairs[i];
            if (comparison->named)
                table_text(table, comparison_key(comparison, side));
            table_text(table, decision_words[pair->kind]);
            table_numbers(table, pair->request, pair->sample, pair->in_a ? (double)pair->a : (double)NAN,
                          pair->in_b ? (double)pair->b : (double)NAN);
        }
}

void compare_add_first_differences(struct document *document, const struct compare_view *view)
{
    const struct comparison *comparison = view->comparison;
    document_heading(document, "First decision that differs", NULL);
    for (size_t side = 1; side < comparison->count; side++)
        add_difference_lines(document, comparison, side, view->top);
    if (comparison->named)
        add_difference_steps(document, comparison);
    else
        add_difference_step(document, &comparison->sides[1].against.difference);
    add_decisions(document, comparison);
}
