/* compact.h - a step's time from at most twelve constants with names, which `pagesim fit` finds.
 *
 *   us = base + sequence * sequences
 *      + token * min(tokens, knee) + token_above_knee * max(0, tokens - knee)      weights are read once, then computing limits
 *      + decode_context * context of the decodes                                   in steps without prefill
 *   and in steps with a prefill chunk instead of the last line
 *      + mixed + mixed_decode * decodes + mixed_decode_context * context of the decodes
 *      + prefill_square * chunk^2 + prefill_context * chunk * context before it + prefill_read * mean context before it
 */
#ifndef PAGESIM_COMPACT_H
#define PAGESIM_COMPACT_H

#include "time/step_samples.h"
#include "time/step_time.h"

enum compact_constant {
    COMPACT_BASE,
    COMPACT_SEQUENCE,
    COMPACT_TOKEN,
    COMPACT_TOKEN_ABOVE_KNEE,
    COMPACT_DECODE_CONTEXT,
    COMPACT_MIXED,
    COMPACT_MIXED_DECODE,
    COMPACT_MIXED_DECODE_CONTEXT,
    COMPACT_PREFILL_SQUARE,
    COMPACT_PREFILL_CONTEXT,
    COMPACT_PREFILL_READ,
    COMPACT_KNEE_TOKENS, /* the one that is no factor */
    COMPACT_CONSTANTS,
    COMPACT_FACTORS = COMPACT_KNEE_TOKENS
};

/* Their names in the file: base_us, sequence_us, ... */
extern const char *const compact_names[COMPACT_CONSTANTS];

struct compact {
    double constants[COMPACT_CONSTANTS];
    /* The same file may say "pause_ns" and "pause_every_pairs", for which it stands in where no configuration does; 0: it does not. */
    int64_t pause_ns;
    uint64_t pause_every_pairs;
};

/* What each factor is multiplied with in a step. */
void compact_features(const struct step_shape *shape, double knee_tokens, double *features);
double compact_us(const struct compact *compact, const struct step_shape *shape);

/* Read the JSON that `pagesim fit` writes. Errors name file, line and column. */
SIM_NODISCARD enum status compact_read(const char *path, struct compact *out, struct diag *diag);

/* A model of these constants, without a file; else as step_time_create. */
SIM_NODISCARD enum status compact_create(const struct config *config, const struct compact *compact, struct step_time_model **out,
                                         struct diag *diag);
/* Others, for a model that compact_create made. */
void compact_set(struct step_time_model *model, const struct compact *compact);

/* Least squares of relative errors; no constant is negative. SIM_BAD_INPUT: fewer than 60 samples. */
SIM_NODISCARD enum status compact_fit(const struct step_sample *samples, size_t count, struct compact *out, struct fit_error *error,
                                      struct diag *diag);

#endif
