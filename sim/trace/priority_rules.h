/* priority_rules.h - priorities by rule: what a request is decides how urgent it is, in traces that say nothing of it. Conditions without
 * priorities sort requests into classes.
 *
 *     rules  = rule {"," rule}             input_length<500:0,session=a&arrival>=60:2,else:1
 *     rule   = (when {"&" when} | "else") ":" priority
 *     when   = ("input_length" | "output_length" | "arrival") ("<" | "<=" | ">" | ">=" | "=" | "!=") number
 *            | ("session" | "tenant") ("=" | "!=") name
 *
 * The first rule that holds gives the priority; where none does, the request keeps its own. Classes are the same without ": priority". Arrivals are those of the file, in seconds. A name
 * goes up to the next , & or : unless it stands in double quotes.
 */
#ifndef PAGESIM_PRIORITY_RULES_H
#define PAGESIM_PRIORITY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct trace;

enum priority_field { PRIORITY_INPUT, PRIORITY_OUTPUT, PRIORITY_ARRIVAL, PRIORITY_SESSION, PRIORITY_TENANT, PRIORITY_FIELDS };
enum priority_test { PRIORITY_LESS_EQUAL, PRIORITY_MORE_EQUAL, PRIORITY_NOT_EQUAL, PRIORITY_LESS, PRIORITY_MORE, PRIORITY_EQUAL };
enum { PRIORITY_RULES_MOST = 64, PRIORITY_TEXT_SIZE = 2048 };

/* One "when", and whether the rule that it is part of ends with it. "else" is a test that always holds. */
struct priority_condition {
    enum priority_field field; /* PRIORITY_FIELDS: else */
    enum priority_test test;
    double number;    /* tokens or nanoseconds */
    const char *name; /* in `text` */
    size_t length;
    bool last;
    int32_t priority; /* of the last one, as are the next two */
    const char *rule; /* the conditions of its rule as they stand in `text` */
    size_t rule_length;
};

/* Points into itself: must stay where it is. Zeroed: no rules. */
struct priority_rules {
    char text[PRIORITY_TEXT_SIZE];
    struct priority_condition conditions[PRIORITY_RULES_MOST];
    size_t count; /* of conditions */
};

/* SIM_USAGE: what is wrong, with its column in the text; `option` is what messages call it. */
SIM_NODISCARD enum status priority_rules_parse(const char *option, const char *text, struct priority_rules *rules, struct diag *diag);

/* The same of conditions without priorities. */
SIM_NODISCARD enum status priority_rules_parse_classes(const char *option, const char *text, struct priority_rules *rules,
                                                       struct diag *diag);

/* The last condition of the first rule that holds; NULL: none does. */
const struct priority_condition *priority_rules_find(const struct priority_rules *rules, const struct trace *trace, uint32_t position);

/* Give the requests their priorities. NULL or no rules: nothing happens. */
SIM_NODISCARD enum status priority_rules_apply(const struct priority_rules *rules, struct trace *trace, struct diag *diag);

#endif
