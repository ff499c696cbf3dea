/* request_classes.h - requests sorted into a handful of classes: by priority, by length of the prompt, or by what they are doing. */
#ifndef PAGESIM_REQUEST_CLASSES_H
#define PAGESIM_REQUEST_CLASSES_H

#include <stdbool.h>

#include "engine/pool_filling.h"
#include "trace/trace.h"

enum class_key { CLASS_BY_PRIORITY, CLASS_BY_INPUT_LENGTH, CLASS_BY_PHASE };
enum { CLASSES_MOST = 8 };

struct request_classes {
    const struct trace *trace;
    enum class_key key;
    uint32_t count;
    char names[CLASSES_MOST][64];
    int64_t bounds[CLASSES_MOST]; /* a class holds keys up to its bound (priority, input tokens) */
};

/* "priority", "input-length", "phase". SIM_USAGE names these. */
SIM_NODISCARD enum status class_key_parse(const char *name, enum class_key *out, struct diag *diag);

/* Priorities: a class each, the least important ones together when there are more than CLASSES_MOST. Lengths: up to 128, 512, 2048, 8192,
 * 32768 tokens, and above. Phases: prefill until the first token after an admission, decode from then on. */
void request_classes_init(struct request_classes *classes, const struct trace *trace, enum class_key key);

/* Class of a request; `has_token`: since its last admission (for phases). */
uint32_t request_class(const struct request_classes *classes, uint32_t position, bool has_token);

#endif
