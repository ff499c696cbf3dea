/* request_classes.c - names and bounds of classes, and the class of a request. Read request_class at the end first: a class is an interval
 * of keys that ends at its bound, whatever the key is.
 *
 * The order of classes means something. A block that several of them hold is charged to the first (block_holders.h), so the most important
 * priority (the lowest number, as in vLLM), the shortest prompts and prefill come first. */
#include "observe/request_classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/printable.h"
#include "base/units.h"

/* Options are spelled with dashes, fields of traces with underscores; both are taken. */
enum class_key class_key_find(const char *name)
{
    static const char *const names[CLASS_BY_RULES] = {"priority", "input-length", "output-length", "session", "tenant", "phase"};
    for (int key = 0; key < CLASS_BY_RULES; key++) {
        size_t i = 0;
        while (name[i] == names[key][i] || (name[i] == '_' && names[key][i] == '-'))
            if (names[key][i++] == '\0')
                return (enum class_key)key;
    }
    return CLASS_KEYS;
}

/* Bounds grow by a factor of four, because lengths of prompts spread over orders of magnitude. They are fixed, not drawn from the trace,
 * so that reports of different traces have the same rows. */
static void by_length(struct request_classes *classes, const char *what)
{
    static const int64_t bounds[] = {128, 512, 2048, 8192, 32768, INT64_MAX};
    int64_t below = 0;
    for (classes->count = 0; classes->count < sizeof bounds / sizeof *bounds; classes->count++) {
        int64_t bound = classes->bounds[classes->count] = bounds[classes->count];
        char *name = classes->names[classes->count];
        if (bound == INT64_MAX)
            snprintf(name, sizeof classes->names[0], "%s > %lld", what, (long long)below);
        else
            snprintf(name, sizeof classes->names[0], "%s %lld-%lld", what, (long long)below + 1, (long long)bound);
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

/* --- sessions, tenants ------------------------------------------------------------------------------------------------------------ */

static const uint32_t *owners_of(const struct trace *trace, enum class_key key)
{
    return key == CLASS_BY_SESSION ? trace->session : trace->tenant;
}

static uint32_t largest(const uint32_t *counts, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t number = 1; number <= count; number++)
        if (counts[number] > counts[found] || (found == 0 && counts[number] > 0))
            found = number;
    return found;
}

/* Two classes are kept for the others and for those without; number 0 of a column is who has none. A name is a class as far as it fits. */
static enum status by_owner(struct request_classes *classes, const char *what, const struct session_names *names, struct diag *diag)
{
    const uint32_t *owners = owners_of(classes->trace, classes->key);
    uint32_t *counts, without = 0, number, left = names->count;
    char others[UNIT_TEXT];
    enum status status = array_zeroed(&counts, (size_t)names->count + 1, sizeof *counts, "classes of requests", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t position = 0; position < classes->trace->count; position++)
        if (owners && owners[position] > 0)
            counts[owners[position]]++;
        else
            without++;
    while (classes->count < CLASSES_MOST - 2 && (number = largest(counts, names->count)) > 0) {
        char name[sizeof classes->names[0] / 2], shown[sizeof classes->names[0] - 10];
        size_t length;
        const char *text = session_names_text(names, number, &length);
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), text);
        printable_copy(name, shown, sizeof shown);
        snprintf(classes->names[classes->count], sizeof classes->names[0], "%s %s", what, shown);
        classes->bounds[classes->count++] = number;
        counts[number] = 0;
        left--;
    }
    if (largest(counts, names->count) > 0) {
        snprintf(classes->names[classes->count], sizeof classes->names[0], "%s %ss more", unit_count(left, others), what);
        classes->bounds[classes->count++] = INT64_MAX;
    }
    if (without > 0) {
        snprintf(classes->names[classes->count], sizeof classes->names[0], "no %s", what);
        classes->bounds[classes->count++] = 0;
    }
    free(counts);
    return SIM_OK;
}

static uint32_t class_of_owner(const struct request_classes *classes, uint32_t position)
{
    const uint32_t *owners = owners_of(classes->trace, classes->key);
    const int64_t owner = owners ? owners[position] : 0;
    uint32_t others = 0;
    for (uint32_t i = 0; i < classes->count; i++) {
        if (classes->bounds[i] == owner)
            return i;
        others = classes->bounds[i] == INT64_MAX ? i : others;
    }
    return others;
}

/* --- rules ------------------------------------------------------------------------------------------------------------------------ */

/* bounds[i]: the place of the condition with which the class's rule ends. */
static enum status by_rules(struct request_classes *classes, struct diag *diag)
{
    const struct priority_rules *rules = classes->rules;
    bool otherwise = false;
    for (size_t i = 0; i < rules->count; i++) {
        const struct priority_condition *condition = &rules->conditions[i];
        if (!condition->last)
            continue;
        if (classes->count == CLASSES_MOST - 1)
            return diag_set(diag, SIM_USAGE, "--by %s: more than %d conditions", rules->text, CLASSES_MOST - 1);
        snprintf(classes->names[classes->count], sizeof classes->names[0], "%.*s",
                 (int)(condition->rule_length < sizeof classes->names[0] ? condition->rule_length : sizeof classes->names[0] - 1),
                 condition->rule);
        classes->bounds[classes->count++] = (int64_t)i;
        otherwise = condition->field == PRIORITY_FIELDS;
    }
    if (!otherwise)
        snprintf(classes->names[classes->count++], sizeof classes->names[0], "else");
    return SIM_OK;
}

static uint32_t class_of_rule(const struct request_classes *classes, uint32_t position)
{
    const struct priority_condition *met = priority_rules_find(classes->rules, classes->trace, position);
    uint32_t found = 0;
    while (met && classes->bounds[found] != met - classes->rules->conditions)
        found++;
    return met ? found : classes->count - 1;
}

/* --- together --------------------------------------------------------------------------------------------------------------------- */

enum status request_classes_init(struct request_classes *classes, const struct trace *trace, enum class_key key,
                                 const struct priority_rules *rules, struct diag *diag)
{
    *classes = (struct request_classes){.trace = trace, .key = key, .rules = rules};
    switch (key) {
    case CLASS_BY_PRIORITY:
        by_priority(classes);
        return SIM_OK;
    case CLASS_BY_INPUT_LENGTH:
        by_length(classes, "prompt");
        return SIM_OK;
    case CLASS_BY_OUTPUT_LENGTH:
        by_length(classes, "output");
        return SIM_OK;
    case CLASS_BY_SESSION:
        return by_owner(classes, "session", &trace->sessions, diag);
    case CLASS_BY_TENANT:
        return by_owner(classes, "tenant", &trace->tenants, diag);
    case CLASS_BY_RULES:
        return by_rules(classes, diag);
    default:
        classes->count = 2;
        snprintf(classes->names[CLASS_PREFILL], sizeof classes->names[0], "prefill");
        snprintf(classes->names[CLASS_DECODE], sizeof classes->names[0], "decode");
        return SIM_OK;
    }
}

/* The last class is open above: keys beyond every bound belong to it. A linear search, as there are at most eight bounds. */
uint32_t request_class(const struct request_classes *classes, uint32_t position, bool has_token)
{
    const struct trace *trace = classes->trace;
    int64_t key = trace->priority ? trace->priority[position] : 0;
    switch (classes->key) {
    case CLASS_BY_PHASE:
        return has_token ? CLASS_DECODE : CLASS_PREFILL;
    case CLASS_BY_SESSION:
    case CLASS_BY_TENANT:
        return class_of_owner(classes, position);
    case CLASS_BY_RULES:
        return class_of_rule(classes, position);
    case CLASS_BY_INPUT_LENGTH:
        key = trace->input_tokens[position];
        break;
    case CLASS_BY_OUTPUT_LENGTH:
        key = trace->output_tokens[position];
        break;
    default:
        break;
    }
    uint32_t found = 0;
    while (found + 1 < classes->count && key > classes->bounds[found])
        found++;
    return found;
}
