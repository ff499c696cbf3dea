/* request_classes.c - names and bounds of classes, and the class of a request. Read request_class at the end first: a class is an interval
 * of keys that ends at its bound, whatever the key is.
 *
 * The order of classes means something. A block that several of them hold is charged to the first (block_holders.h), so the most important
 * priority (the lowest number, as in vLLM), the shortest prompts and prefill come first. */
#include "observe/request_classes.h"

#include <stdio.h>
#include <string.h>

enum status class_key_parse(const char *name, enum class_key *out, struct diag *diag)
{
    static const char *const names[] = {"priority", "input-length", "phase"};
    for (int key = 0; key < 3; key++)
        if (strcmp(name, names[key]) == 0) {
            *out = (enum class_key)key;
            return SIM_OK;
        }
    return diag_set(diag, SIM_USAGE, "--by %s: must be priority, input-length or phase", name);
}

/* Bounds grow by a factor of four, because lengths of prompts spread over orders of magnitude. They are fixed, not drawn from the trace,
 * so that reports of different traces have the same rows. */
static void by_input_length(struct request_classes *classes)
{
    static const int64_t bounds[] = {128, 512, 2048, 8192, 32768, INT64_MAX};
    int64_t below = 0;
    for (classes->count = 0; classes->count < sizeof bounds / sizeof *bounds; classes->count++) {
        int64_t bound = classes->bounds[classes->count] = bounds[classes->count];
        char *name = classes->names[classes->count];
        if (bound == INT64_MAX)
            snprintf(name, sizeof classes->names[0], "prompt > %lld", (long long)below);
        else
            snprintf(name, sizeof classes->names[0], "prompt %lld-%lld", (long long)below + 1, (long long)bound);
        below = bound;
    }
}

/* Smallest priority above `below` that a request has; false: none. A pass over the trace for each class, which needs no memory and so
 * cannot fail; there are eight classes at most. */
static bool next_priority(const struct trace *trace, int64_t below, int64_t *next)
{
    bool any = false;
    for (uint32_t position = 0; position < trace->count; position++) {
        int64_t priority = trace->priority ? trace->priority[position] : 0;
        if (priority > below && (!any || priority < *next)) {
            *next = priority;
            any = true;
        }
    }
    return any;
}

static void by_priority(struct request_classes *classes)
{
    int64_t priority = INT64_MIN, next = 0;
    while (classes->count < CLASSES_MOST && next_priority(classes->trace, priority, &next)) {
        snprintf(classes->names[classes->count], sizeof classes->names[0], "priority %lld", (long long)next);
        classes->bounds[classes->count++] = priority = next;
    }
    /* More priorities than classes: the last class takes all that follow, and its name says so. */
    if (next_priority(classes->trace, priority, &next)) {
        snprintf(classes->names[CLASSES_MOST - 1], sizeof classes->names[0], "priority >= %lld", (long long)priority);
        classes->bounds[CLASSES_MOST - 1] = INT64_MAX;
    }
}

void request_classes_init(struct request_classes *classes, const struct trace *trace, enum class_key key)
{
    *classes = (struct request_classes){.trace = trace, .key = key};
    if (key == CLASS_BY_INPUT_LENGTH)
        by_input_length(classes);
    else if (key == CLASS_BY_PRIORITY)
        by_priority(classes);
    else
        *classes = (struct request_classes){
            .trace = trace, .key = key, .count = 2, .names = {[CLASS_PREFILL] = "prefill", [CLASS_DECODE] = "decode"}};
}

/* The last class is open above: keys beyond every bound belong to it. A linear search, as there are at most eight bounds. */
uint32_t request_class(const struct request_classes *classes, uint32_t position, bool has_token)
{
    const struct trace *trace = classes->trace;
    if (classes->key == CLASS_BY_PHASE)
        return has_token ? CLASS_DECODE : CLASS_PREFILL;
    int64_t key = trace->priority ? trace->priority[position] : 0;
    if (classes->key == CLASS_BY_INPUT_LENGTH)
        key = trace->input_tokens[position];
    uint32_t found = 0;
    while (found + 1 < classes->count && key > classes->bounds[found])
        found++;
    return found;
}
