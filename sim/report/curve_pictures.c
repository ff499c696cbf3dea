/* curve_pictures.c - the page of `pagesim curve`: hits over the pool in blocks and, where a model says what a block takes, in GiB; replays as
 * marks; FIFO and the optimal order beside LRU. All is the document's own charts of shares over tokens ("curves", "eviction_curves"), drawn over
 * what people buy. */
#include "report/table_pictures.h"

#include <math.h>
#include <string.h>

#include "figure/run_figures.h"
#include "report/picture_parts.h"

#define GIB ((double)(1 << 30))

/* A curve may have a corner a prompt; a drawing needs one each half a per cent of pool size. */
#define THINNEST 1.005

/* What the pictures are made of. */
struct curves {
    const struct chart *lru, *others; /* x: tokens */
    const struct table *sizes;
    const struct config *config; /* NULL: not known */
};

/* Pool sizes in the picture's unit: tokens times `per_token`, in blocks of each size. */
struct scale {
    bool blocks;
    double per_token;
};

static double scaled(const struct curves *curves, const struct scale *scale, size_t size, double tokens)
{
    return scale->blocks ? tokens / table_number_at(curves->sizes, size, "block_size") : tokens * scale->per_token;
}

/* Where the picture begins: where the report's own drawing does, or the first pool at which the other orders were tried. */
static double first_tokens(const struct curves *curves)
{
    double first = curves->lru->heading.x.low;
    if (curves->others && curves->others->count > 0 && curves->others->series[0].count > 0)
        first = fmin(first, curves->others->series[0].points[0].x);
    return first;
}

/* A series of shares as per cent over the scale. The marks of replays are all kept. */
static void add_series(struct chart *chart, const struct curves *curves, const struct scale *scale, size_t size, const char *name,
                       const struct chart_series *series, size_t group)
{
    double last = 0;
    chart_add_series(chart, &(struct chart_series){.name = name, .draw = series->draw, .group = group});
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        if (!(point->x > 0) || (series->draw == DRAW_LINE && point->x < first_tokens(curves)) ||
            (series->draw == DRAW_LINE && point->x < last * THINNEST && i + 1 < series->count))
            continue;
        last = point->x;
        chart_add(chart, scaled(curves, scale, size, point->x), 100 * point->y);
    }
}

static void add_own_pool(struct chart *chart, const struct curves *curves, const struct scale *scale)
{
    char name[64];
    if (!curves->config || curves->config->num_gpu_blocks == 0)
        return;
    const double tokens = (double)curves->config->num_gpu_blocks * curves->config->block_size;
    snprintf(name, sizeof name, "%s%.40s", curves->config->gpu[0] ? "the pool of " : "this pool", curves->config->gpu);
    picture_upright(chart, scaled(curves, scale, 0, tokens), name, 3);
}

/* The orders of eviction of one block size. */
static void add_others(struct chart *chart, const struct curves *curves, const struct scale *scale)
{
    static const size_t colors[] = {1, 2};
    for (size_t i = 0; curves->others && i < sizeof colors / sizeof *colors && i < curves->others->count; i++)
        add_series(chart, curves, scale, 0, curves->others->series[i].name, &curves->others->series[i], colors[i]);
}

static struct chart *open_chart(struct document *document, const struct scale *scale, const char *key, const char *title, const char *note)
{
    return document_chart_for(
        document, FOR_PAGE, key,
        &(struct chart_heading){
            .kind = CHART_PLOT,
            .title = title,
            .note = note,
            .x = {.name = scale->blocks ? "pool" : "memory", .unit = scale->blocks ? "blocks" : "GiB", .logarithmic = true},
            .y = {.name = "prompt tokens hit", .unit = "%"}});
}

static const char assumed[] = "the optimal order (Belady) knows what comes; as with LRU, what running requests hold is not pinned";

/* All block sizes under LRU, with their replays. One size alone has room for the other orders. */
static void add_hits(struct document *document, const struct curves *curves, const struct scale *scale, const char *key, const char *title)
{
    const size_t sizes = table_rows(curves->sizes);
    struct chart *chart = open_chart(document, scale, key, title, sizes == 1 && curves->others ? assumed : NULL);
    char name[64];
    for (size_t i = 0; i < curves->lru->count; i++) {
        const struct chart_series *series = &curves->lru->series[i];
        snprintf(name, sizeof name, "%s%.48s", sizes == 1 && series->draw == DRAW_LINE ? "LRU, " : "", series->name);
        add_series(chart, curves, scale, i % sizes, name, series, i % sizes);
    }
    if (sizes == 1)
        add_others(chart, curves, scale);
    add_own_pool(chart, curves, scale);
}

/* The first of several sizes. */
static void add_orders(struct document *document, const struct curves *curves, const struct scale *scale)
{
    if (!curves->others || table_rows(curves->sizes) == 1)
        return;
    struct chart *chart = open_chart(document, scale, "hits_by_eviction", "Hits by order of eviction", assumed);
    add_series(chart, curves, scale, 0, "LRU", &curves->lru->series[0], 0);
    add_others(chart, curves, scale);
    add_own_pool(chart, curves, scale);
}

static void add_charts(struct document *document, const struct curves *curves)
{
    const struct scale blocks = {.blocks = true};
    struct scale memory = {.blocks = true};
    document_not_on_page(document, "curves");
    document_not_on_page(document, "eviction_curves");
    if (curves->config && curves->config->block_bytes > 0) {
        memory = (struct scale){.per_token = (double)config_block_bytes(curves->config) / curves->config->block_size / GIB};
        add_hits(document, curves, &memory, "hits_by_memory", "Hits by memory of the pool, on one GPU");
    }
    add_hits(document, curves, &blocks, "hits_by_blocks", "Hits by pool size in blocks");
    add_orders(document, curves, &memory);
}

/* The share at this configuration's own pool, if the curve was looked at there. */
static void add_own_hits(struct document *document, const struct curves *curves)
{
    const struct table *points = picture_table(document, "points");
    char text[UNIT_TEXT];
    for (size_t row = 0; curves->config && row < table_rows(points); row++)
        if (table_number_at(points, row, "block_size") == curves->config->block_size &&
            strcmp(table_text_at(points, row, "kind"), "point") == 0 &&
            table_number_at(points, row, "pool_blocks") == curves->config->num_gpu_blocks)
            document_key_value(document, curves->config->gpu[0] ? "hit in the GPU's pool" : "hit in this pool",
                               picture_percent(table_number_at(points, row, "hit_token_share"), text), "of prompt tokens, under LRU");
}

void curve_page(struct document *document)
{
    const struct curves curves = {.lru = picture_chart(document, "curves"),
                                  .others = picture_chart(document, "eviction_curves"),
                                  .sizes = picture_table(document, "block_sizes"),
                                  .config = document ? document->origin.config : NULL};
    char text[UNIT_TEXT], blocks[UNIT_TEXT];
    if (!curves.lru || table_rows(curves.sizes) == 0)
        return;
    const double best = table_number_at(curves.sizes, 0, "most_hit_token_share");
    if (best == 0)
        document_headline(document, "No prompt token can come from the cache, as far as the file tells");
    else
        document_headline(document, "At most %.1f %% of prompt tokens can come from the cache; %s blocks of %.0f get 90 %% of that",
                          100 * best, picture_count(table_number_at(curves.sizes, 0, "pool_blocks_for_90_percent"), blocks),
                          table_number_at(curves.sizes, 0, "block_size"));
    document_key_value(document, "prompts", picture_count(picture_number(document, NULL, "requests"), text), NULL);
    document_key_value(document, "prompt tokens", picture_count(picture_number(document, NULL, "prompt_tokens"), text), NULL);
    if (best == 0)
        return;
    document_key_value(document, "blocks for all hits", picture_count(table_number_at(curves.sizes, 0, "pool_blocks_for_all"), text), NULL);
    add_own_hits(document, &curves);
    if (document_pictures(document))
        add_charts(document, &curves);
}
