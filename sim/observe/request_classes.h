/* request_classes.h - requests sorted into a handful of classes: by priority, by length of the prompt or of the answer, by whose they are, by
 * conditions, or by what they are doing. */
#ifndef PAGESIM_REQUEST_CLASSES_H
#define PAGESIM_REQUEST_CLASSES_H

#include <stdbool.h>

#include "engine/pool_filling.h"
#include "trace/priority_rules.h"
#include "trace/trace.h"

enum class_key {
    CLASS_BY_PRIORITY,
    CLASS_BY_INPUT_LENGTH,
    CLASS_BY_OUTPUT_LENGTH,
    CLASS_BY_SESSION,
    CLASS_BY_TENANT,
    CLASS_BY_PHASE,
    CLASS_BY_RULES,
    CLASS_KEYS
};
enum { CLASSES_MOST = 8 };

struct request_classes {
    const struct trace *trace;
    enum class_key key;
    uint32_t count;
    char names[CLASSES_MOST][64];
    int64_t bounds[CLASSES_MOST]; /* a class holds keys up to its bound (priority, tokens), or the key that is its bound (sessions) */
    const struct priority_rules *rules;
};

/* "priority", "input-length" or "input_length", ..., "phase"; CLASS_KEYS: none of them. Rules have no name. */
enum class_key class_key_find(const char *name);

/* Priorities: a class each, the least important ones together when there are more than CLASSES_MOST. Lengths: up to 128, 512, 2048, 8192,
 * 32768 tokens, and above. Sessions and tenants: those with the most requests, then all others together, then who has none. Phases: prefill
 * until the first token after an admission, decode from then on. Rules (borrowed; else NULL): a class each, then who meets none.
 * SIM_USAGE: more rules than classes. */
SIM_NODISCARD enum status request_classes_init(struct request_classes *classes, const struct trace *trace, enum class_key key,
                                               const struct priority_rules *rules, struct diag *diag);

/* Class of a request; `has_token`: since its last admission (for phases). */
uint32_t request_class(const struct request_classes *classes, uint32_t position, bool has_token);

#endif
