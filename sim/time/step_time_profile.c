/* step_time_profile.c - prices a step from measured operator tables: a folder with dense.csv, per_sequence.csv, attention.csv and, if
 * wanted, skew_fit.csv.
 *
 *   us = embedding + layers * (2 layernorm + qkv_proj [+ qk_norm] + rotary_emb + attention + o_proj + gate_up_proj + act_fn + down_proj)
 *      + final_layernorm + lm_head + sampler [+ layers * all-reduces]
 *
 * Everything but attention depends on the number of tokens or of sequences alone and stands summed in two arrays. Tables are linear between
 * points; before the first its value stands, after the last the last segment goes on. Several prefill chunks count as one with their sum
 * and the chunk-weighted mean of the context before them. lm_head and sampler run for every scheduled sequence. Source of layout and rules:
 * LLMServingSim's published profiles, whose folders GPU/MODEL/DTYPE or GPU/MODEL/DTYPE/tpN are read as they lie.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/csv.h"
#include "base/integers.h"
#include "time/attention_table.h"
#include "time/skew_table.h"
#include "time/step_time_models.h"

enum { SUMS_MOST = 16385 }; /* tokens or sequences beyond this are computed when asked for */

/* One operator's times over a count. */
struct operator_point {
    double count, us;
};
struct operator_times {
    struct operator_point *points; /* counts ascend */
    size_t count, capacity;
};

/* What the formula above says of an operator. */
struct operator_kind {
    const char *name;
    double times_a_layer, once; /* how often it runs */
    bool optional;
};

static const struct operator_kind dense_kinds[] = {
    {"embedding", 0, 1, false},  {"layernorm", 2, 0, false},       {"qkv_proj", 1, 0, false},     {"qk_norm", 1, 0, true},
    {"rotary_emb", 1, 0, false}, {"o_proj", 1, 0, false},          {"gate_up_proj", 1, 0, false}, {"act_fn", 1, 0, false},
    {"down_proj", 1, 0, false},  {"final_layernorm", 0, 1, false},
};
static const struct operator_kind sequence_kinds[] = {{"lm_head", 0, 1, false}, {"sampler", 0, 1, false}};
enum { DENSE_KINDS = sizeof dense_kinds / sizeof *dense_kinds, SEQUENCE_KINDS = sizeof sequence_kinds / sizeof *sequence_kinds };

/* The sum of several operators as a function of one count. */
struct operator_sum {
    struct operator_times times[DENSE_KINDS];
    double weights[DENSE_KINDS];
    size_t kinds;
    double *sums; /* by count, below `known` */
    size_t known;
};

/* Everything that the tables say of a model, summed as far as it can be in advance. */
struct profile {
    struct operator_sum dense, sequences;
    struct attention_table attention;
    struct skew_table skew;
    double layers;
    double allreduce_us, allreduce_us_per_token; /* of the whole step */
};

/* The line between two points. Who asks for counts in order starts with *low where it was left. */
static double times_at(const struct operator_times *times, double count, size_t *low)
{
    const struct operator_point *points = times->points;
    if (times->count < 2 || count <= points[0].count)
        return times->count ? points[0].us : 0;
    while (points[*low].count > count)
        --*low;
    while (*low + 2 < times->count && points[*low + 1].count <= count)
        ++*low;
    const struct operator_point *from = &points[*low], *to = from + 1;
    return from->us + (to->us - from->us) * (count - from->count) / (to->count - from->count);
}

/* Counts that a step can have are summed in advance; only larger ones are computed here, which are near the end of what was measured. */
static double sum_at(const struct operator_sum *sum, uint64_t count)
{
    if (count < sum->known)
        return sum->sums[count];
    double us = 0;
    for (size_t i = 0; i < sum->kinds; i++) {
        size_t low = sum->times[i].count > 2 ? sum->times[i].count - 2 : 0;
        us += sum->weights[i] * times_at(&sum->times[i], (double)count, &low);
    }
    return us;
}

/* sums[count] = sum_at(count), for all of them at once: each operator's points are walked along with the counts. */
static void fill_sums(struct operator_sum *sum, size_t known)
{
    for (size_t i = 0; i < sum->kinds; i++)
        for (size_t count = 0, low = 0; count < known; count++)
            sum->sums[count] += sum->weights[i] * times_at(&sum->times[i], (double)count, &low);
    sum->known = known;
}

static void sum_close(struct operator_sum *sum)
{
    for (size_t i = 0; i < sum->kinds; i++)
        free(sum->times[i].points);
    free(sum->sums);
}

enum { COLUMN_LAYER, COLUMN_COUNT, COLUMN_TIME };

/* A row belongs to the operator of its name; counts ascend within an operator, so no sorting is needed. */
static enum status add_row(struct operator_sum *sum, const struct operator_kind *kinds, struct csv *csv, size_t row)
{
    size_t i = 0;
    while (i < sum->kinds && !csv_is(csv, row, COLUMN_LAYER, kinds[i].name))
        i++;
    if (i == sum->kinds) {
        csv_error(csv, row, COLUMN_LAYER, "an operator of this table");
        return csv->status;
    }
    struct operator_times *times = &sum->times[i];
    const struct operator_point point = {(double)csv_whole(csv, row, COLUMN_COUNT), csv_amount(csv, row, COLUMN_TIME)};
    if (csv->status == SIM_OK && times->count > 0 && times->points[times->count - 1].count >= point.count)
        csv_error(csv, row, COLUMN_COUNT, "greater than the one before it; rows of a layer ascend");
    if (csv->status == SIM_OK)
        csv->status = array_reserve(&times->points, &times->capacity, times->count + 1, sizeof point, csv->path, csv->diag);
    if (csv->status == SIM_OK)
        times->points[times->count++] = point;
    return csv->status;
}

/* Read a table of operators and sum them for every count below `known`. */
static enum status sum_open(struct operator_sum *sum, const struct operator_kind *kinds, size_t kind_count, const char *path,
                            const char *count_column, double layers, size_t known, struct diag *diag)
{
    const char *const columns[] = {[COLUMN_LAYER] = "layer", [COLUMN_COUNT] = count_column, [COLUMN_TIME] = "time_us"};
    struct csv csv;
    enum status status = csv_open(path, columns, sizeof columns / sizeof *columns, &csv, diag);
    if (status != SIM_OK)
        return status;
    sum->kinds = kind_count;
    for (size_t row = 0; row < csv.rows && status == SIM_OK; row++)
        status = add_row(sum, kinds, &csv, row);
    for (size_t i = 0; i < kind_count && status == SIM_OK; i++) {
        sum->weights[i] = kinds[i].once + layers * kinds[i].times_a_layer;
        if (sum->times[i].count == 0 && !kinds[i].optional)
            status = diag_at(diag, path, 0, 0, "no rows for %s", kinds[i].name);
    }
    if (status == SIM_OK)
        status = array_zeroed(&sum->sums, known, sizeof *sum->sums, "sums of operator times", diag);
    if (status == SIM_OK)
        fill_sums(sum, known);
    csv_close(&csv);
    return status;
}

/* t_mean, or between it and the time that all decodes would take if they were as long as the longest. */
static double attention_us(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct profile *profile = model->state;
    struct attention_step step = {
        .chunk = (double)shape->prefill_tokens,
        .kv_prefill = shape->prefill_tokens ? (double)shape->prefill_context_product / (double)shape->prefill_tokens : 0,
        .decodes = shape->decodes,
        .kv_decode = shape->decodes ? (double)shape->decode_context / shape->decodes : 0,
    };
    const double mean_us = attention_table_us(&profile->attention, &step);
    if (!model->wants_extremes || shape->decodes < 2)
        return mean_us;
    const double mean = step.kv_decode;
    step.kv_decode = shape->max_decode_context;
    const double most_us = attention_table_us(&profile->attention, &step);
    if (most_us <= mean_us)
        return mean_us;
    const double rate = (mean - shape->min_decode_context) / ((double)shape->max_decode_context - shape->min_decode_context);
    double alpha = NAN;
    if (model->config.skew_table)
        alpha = skew_table_alpha(&profile->skew, shape->prefill_tokens, shape->decodes, rate, shape->max_decode_context, step.kv_prefill);
    return mean_us + (isnan(alpha) ? model->config.skew_default_alpha : alpha) * (most_us - mean_us);
}

/* Rounded once, at the end: sums of rounded parts would depend on how they are grouped. */
static int64_t price(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct profile *profile = model->state;
    if (shape->idle)
        return model->config.base_ns;
    double us = sum_at(&profile->dense, shape->scheduled_tokens) + sum_at(&profile->sequences, shape->sequences) +
                profile->layers * attention_us(model, shape) + profile->allreduce_us +
                profile->allreduce_us_per_token * (double)shape->scheduled_tokens;
    return step_time_rounded(us * 1000);
}

/* Also of a profile that was given up half-way: what was not opened is all zero. */
static void release(void *state)
{
    struct profile *profile = state;
    sum_close(&profile->dense);
    sum_close(&profile->sequences);
    attention_table_close(&profile->attention);
    skew_table_close(&profile->skew);
}

/* skew_fit.csv is read only if the configuration asks for the correction. */
static enum status open_tables(struct profile *profile, const struct config *config, size_t tokens, size_t sequences, struct diag *diag)
{
    char folder[CONFIG_PATH_SIZE], path[CONFIG_PATH_SIZE + 32];
    const char *skew = config->step_time.skew_path;
    step_time_path(config, folder);
    snprintf(path, sizeof path, "%s/dense.csv", folder);
    enum status status = sum_open(&profile->dense, dense_kinds, DENSE_KINDS, path, "tokens", profile->layers, tokens, diag);
    snprintf(path, sizeof path, "%s/per_sequence.csv", folder);
    if (status == SIM_OK)
        status = sum_open(&profile->sequences, sequence_kinds, SEQUENCE_KINDS, path, "sequences", profile->layers, sequences, diag);
    snprintf(path, sizeof path, "%s/attention.csv", folder);
    if (status == SIM_OK)
        status = attention_table_open(path, &profile->attention, diag);
    snprintf(path, sizeof path, "%s/skew_fit.csv", folder);
    if (status == SIM_OK && config->step_time.skew_table)
        status = skew_table_open(*skew ? skew : path, &profile->skew, diag);
    return status;
}

/* Budgets of the configuration bound what a step can schedule, and so which sums are worth having. */
static enum status prepare(struct step_time_model *model, const struct config *config, struct diag *diag)
{
    const struct step_time_config *own = &config->step_time;
    struct profile *profile = model->state;
    if (own->path[0] == '\0' || own->num_layers == 0)
        return diag_set(diag, SIM_BAD_INPUT, "the profile model needs step_time.path, a folder of tables, and step_time.num_layers");
    model->wants_extremes = own->skew_table || own->skew_default_alpha > 0;
    profile->layers = own->num_layers;
    const double allreduces = profile->layers * own->allreduces_per_layer;
    profile->allreduce_us = allreduces * own->allreduce_latency_us;
    if (own->allreduce_gb_per_s > 0) /* 16-bit activations; 1 GB/s = 1000 bytes a us */
        profile->allreduce_us_per_token = allreduces * 2 * own->hidden_size / (own->allreduce_gb_per_s * 1000);
    const size_t tokens = config->max_num_batched_tokens + (size_t)1, sequences = config->max_num_seqs + (size_t)1;
    return open_tables(profile, config, min_size(tokens, SUMS_MOST), min_size(sequences, SUMS_MOST), diag);
}

const struct step_time_pricing step_time_profile = {.name = "profile",
                                                    .settings = "the tables of step_time.path",
                                                    .state_bytes = sizeof(struct profile),
                                                    .prepare = prepare,
                                                    .price = price,
                                                    .release = release};
