/* fleet_pictures.c - replicas as small pictures beside each other, all on one scale of time and one of height: what runs and waits, and how much of the
 * pool is in use. Words stand where a replica came late, was closed, ended or failed. Read fleet_pictures() at the end first. */
#include <math.h>
#include <stdio.h>

#include "base/line.h"
#include "report/fleet_report.h"

enum { PICTURES_MOST = 64, PERCENT = 100 };

/* What a row of small pictures has in common. */
struct panel {
    const char *key, *title, *unit;
    struct line note;
    double end_s, high;
};

/* Values of a track, in parts of `unit`; a step each piece. */
static void add_track(struct chart *chart, const struct replica_course *course, enum replica_track track, double unit, const char *name,
                      size_t color)
{
    chart_add_series(chart, &(struct chart_series){.name = name, .draw = DRAW_STEPS, .group = color});
    for (uint32_t piece = 0; piece < course->pieces[track]; piece++)
        if (!isnan(course->mean[track][piece]))
            chart_add(chart, (double)(piece * course->width_ns[track]) / 1e9, (double)course->mean[track][piece] / unit);
    chart_add_series(chart, &(struct chart_series){.name = name, .draw = DRAW_RANGE, .group = color});
    for (uint32_t piece = 0; piece < course->pieces[track]; piece++)
        if (!isnan(course->mean[track][piece])) {
            chart_add(chart, (double)(piece * course->width_ns[track]) / 1e9, 0);
            chart_add(chart, (double)(piece * course->width_ns[track]) / 1e9, (double)course->most[track][piece] / unit);
        }
}

/* Those of replicas of one number may be close to each other: beginnings stand lower than ends. */
static void add_word(struct chart *chart, int64_t at_ns, const struct panel *panel, bool begins, const char *word)
{
    const double at = (double)at_ns / 1e9;
    if (at_ns > 0 && at <= panel->end_s)
        chart_add_labelled(chart, at, (begins ? 0.66 : 0.88) * panel->high, word);
}

/* When it began to take requests, took none any more, and was gone. */
static void add_words(struct chart *chart, const struct fleet_member *member, const struct panel *panel)
{
    chart_add_series(chart, &(struct chart_series){.name = "changes", .draw = DRAW_WORDS});
    if (member->born_ns > 0)
        add_word(chart, member->ready_ns, panel, true, "ready");
    if (member->closed_ns < member->end_ns)
        add_word(chart, member->closed_ns, panel, false, "drains");
    if (member->failed)
        add_word(chart, member->end_ns, panel, false, "failed");
}

static struct chart *add_chart(struct document *document, uint32_t number, const struct panel *panel)
{
    char key[64], title[64];
    snprintf(key, sizeof key, "replica_%u_%s", number, panel->key);
    snprintf(title, sizeof title, "replica %u", number);
    return document_chart_for(document, FOR_PAGE, key,
                              &(struct chart_heading){.kind = CHART_PLOT,
                                                      .title = title,
                                                      .note = panel->note.text,
                                                      .x = {.name = "time", .unit = "s", .high = panel->end_s},
                                                      .y = {.name = panel->unit, .unit = panel->unit, .high = panel->high},
                                                      .panel = panel->title});
}

/* The highest value that any replica has. */
static double highest(const struct fleet *fleet, enum replica_track track)
{
    float high = 0;
    for (size_t i = 0; i < fleet->part_count; i++)
        for (uint32_t piece = 0; fleet->parts[i].course && piece < fleet->parts[i].course->pieces[track]; piece++)
            if (fleet->parts[i].course->most[track][piece] > high)
                high = fleet->parts[i].course->most[track][piece];
    return (double)high;
}

static void add_queues(struct chart *chart, const struct fleet_part *part)
{
    add_track(chart, part->course, REPLICA_RUNNING, 1, "running", 0);
    add_track(chart, part->course, REPLICA_WAITING, 1, "waiting", 1);
}

static void add_pool(struct chart *chart, const struct fleet_part *part)
{
    add_track(chart, part->course, REPLICA_USED_BLOCKS, (double)part->kind->config.num_gpu_blocks / PERCENT, "in use", 2);
}

/* A picture a number: replicas that had it one after the other are in one. */
static void add_pictures(struct document *document, const struct fleet *fleet, const struct panel *panel,
                         void (*add)(struct chart *chart, const struct fleet_part *part))
{
    for (uint32_t number = 0; number < fleet->plan.most && number < PICTURES_MOST; number++) {
        struct chart *chart = NULL;
        for (size_t i = 0; i < fleet->part_count; i++) {
            const struct fleet_part *part = &fleet->parts[i];
            if (part->member->number != number || !part->course)
                continue;
            chart = chart ? chart : add_chart(document, number, panel);
            add(chart, part);
            add_words(chart, part->member, panel);
        }
    }
}

void fleet_pictures(struct document *document, const struct run *run)
{
    const struct fleet *fleet = run->fleet;
    const double end_s = (double)run->facts.end.end_ns / 1e9;
    struct panel queues = {.key = "queues", .title = "Requests running and waiting in each replica", .unit = "requests", .end_s = end_s};
    struct panel pools = {.key = "pool", .title = "The pool of each replica", .unit = "%", .end_s = end_s, .high = PERCENT};
    struct line more = {0};
    if (end_s <= 0 || !fleet->keeps_courses)
        return;
    if (fleet->plan.most > PICTURES_MOST)
        line_put(&more, "; the first %d of %u replicas", PICTURES_MOST, fleet->plan.most);
    line_put(&queues.note, "blue: running, orange: waiting; line: mean of a piece of time, shade: up to its highest value%s", more.text);
    line_put(&pools.note, "blocks in use, of all; line: mean of a piece of time, shade: up to its highest value%s", more.text);
    queues.high = chart_top(fmax(highest(fleet, REPLICA_RUNNING), highest(fleet, REPLICA_WAITING)));
    add_pictures(document, fleet, &queues, add_queues);
    add_pictures(document, fleet, &pools, add_pool);
}
