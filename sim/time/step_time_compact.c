/* step_time_compact.c - the compact model: features of a step times constants from a file. Read compact.h first, which has the formula; the
 * fit that makes the file is in compact_fit.c.
 */
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "config/config_keys.h"
#include "time/compact.h"
#include "time/step_time_models.h"

#define PAUSE_NS_MOST UINT64_C(1000000000000000) /* as that of step_time.pause_ns */

const char *const compact_names[COMPACT_CONSTANTS] = {
    "base_us",           "sequence_us",        "token_us",        "token_above_knee_us",
    "decode_context_us", "mixed_us",           "mixed_decode_us", "mixed_decode_context_us",
    "prefill_square_us", "prefill_context_us", "prefill_read_us", "knee_tokens",
};

/* The knee splits the tokens: below it a step is bound by reading the weights, above it by computing. */
void compact_features(const struct step_shape *shape, double knee_tokens, double *features)
{
    const double tokens = (double)shape->scheduled_tokens, chunk = (double)shape->prefill_tokens, decodes = shape->decodes;
    const bool mixed = chunk > 0;
    features[COMPACT_BASE] = 1;
    features[COMPACT_SEQUENCE] = shape->sequences;
    features[COMPACT_TOKEN] = tokens < knee_tokens ? tokens : knee_tokens;
    features[COMPACT_TOKEN_ABOVE_KNEE] = tokens > knee_tokens ? tokens - knee_tokens : 0;
    features[COMPACT_DECODE_CONTEXT] = mixed ? 0 : (double)shape->decode_context;
    features[COMPACT_MIXED] = mixed;
    features[COMPACT_MIXED_DECODE] = mixed ? decodes : 0;
    features[COMPACT_MIXED_DECODE_CONTEXT] = mixed ? (double)shape->decode_context : 0;
    features[COMPACT_PREFILL_SQUARE] = chunk * chunk;
    features[COMPACT_PREFILL_CONTEXT] = (double)shape->prefill_context_product;
    features[COMPACT_PREFILL_READ] = mixed ? (double)shape->prefill_context_product / chunk : 0;
}

/* A product of two vectors: a step costs a dozen multiplications. */
double compact_us(const struct compact *compact, const struct step_shape *shape)
{
    double features[COMPACT_FACTORS], us = 0;
    compact_features(shape, compact->constants[COMPACT_KNEE_TOKENS], features);
    for (int i = 0; i < COMPACT_FACTORS; i++)
        us += compact->constants[i] * features[i];
    return us;
}

/* Both or none. */
static enum status read_pauses(const struct json_document *document, struct compact *out, struct diag *diag)
{
    const cJSON *lasts = cJSON_GetObjectItemCaseSensitive(document->root, "pause_ns"),
                *every = cJSON_GetObjectItemCaseSensitive(document->root, "pause_every_pairs");
    uint64_t ns = 0, pairs = 0;
    if (!lasts && !every)
        return SIM_OK;
    if (!lasts || !every)
        return json_error(document, lasts ? lasts : every, false, diag, "pause_ns and pause_every_pairs need each other");
    if (!json_uint64(document, lasts, &ns) || ns > PAUSE_NS_MOST)
        return json_error(document, lasts, false, diag, "pause_ns must be a whole number of 0 to 10^15");
    if (!json_uint64(document, every, &pairs) || pairs == 0)
        return json_error(document, every, false, diag, "pause_every_pairs must be a whole number of 1 or more");
    out->pause_ns = (int64_t)ns;
    out->pause_every_pairs = pairs;
    return SIM_OK;
}

/* All of them must be there: a missing one read as 0 would price part of every step at nothing. */
static enum status read_constants(const struct json_document *document, void *self, struct diag *diag)
{
    struct compact *out = self;
    for (int i = 0; i < COMPACT_CONSTANTS; i++) {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, compact_names[i]);
        if (!node)
            return json_error(document, document->root, false, diag, "no \"%s\"; `pagesim fit` writes such a file", compact_names[i]);
        if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble) || node->valuedouble < 0)
            return json_error(document, node, false, diag, "%s must be a number of 0 or more", compact_names[i]);
        out->constants[i] = node->valuedouble;
    }
    return read_pauses(document, out, diag);
}

enum status compact_read(const char *path, struct compact *out, struct diag *diag)
{
    return json_read_file(path, read_constants, out, diag);
}

static int64_t price(const struct step_time_model *model, const struct step_shape *shape)
{
    return shape->idle ? model->config.base_ns : step_time_rounded(compact_us(model->state, shape) * 1000);
}

static enum status prepare(struct step_time_model *model, const struct config *config, struct diag *diag)
{
    if (config->step_time.path[0] == '\0')
        return diag_set(diag, SIM_BAD_INPUT, "the compact model needs step_time.path, a file that `pagesim fit` made");
    struct compact *compact = model->state;
    enum status status = compact_read(config->step_time.path, compact, diag);
    if (status != SIM_OK || config_gives(config, "step_time.pause_ns")) /* if only 0 */
        return status;
    model->config.pause_ns = compact->pause_ns;
    model->config.pause_every_pairs = compact->pause_every_pairs;
    return SIM_OK;
}

enum status compact_create(const struct config *config, const struct compact *compact, struct step_time_model **out, struct diag *diag)
{
    struct config without = *config; /* the one model that needs no file */
    without.step_time.model = STEP_TIME_LINEAR;
    enum status status = step_time_create(&without, out, diag);
    if (status == SIM_OK)
        status = array_zeroed(&(*out)->state, 1, sizeof *compact, "the step-time model", diag);
    if (status != SIM_OK)
        return status;
    (*out)->name = step_time_compact.name;
    (*out)->settings = step_time_compact.settings;
    (*out)->is_linear = false;
    (*out)->price = price;
    compact_set(*out, compact);
    return SIM_OK;
}

void compact_set(struct step_time_model *model, const struct compact *compact)
{
    memcpy(model->state, compact, sizeof *compact);
}

const struct step_time_pricing step_time_compact = {
    .name = "compact", .settings = "the file of step_time.path", .state_bytes = sizeof(struct compact), .prepare = prepare, .price = price};
