/* priority_rules.c - reads the rules of priority_rules.h, whose grammar is the functions below, and asks them of each request. */
#include "trace/priority_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "trace/trace.h"

/* --- reading -------------------------------------------------------------------------------------------------------------------------- */

static const char *const field_names[PRIORITY_FIELDS] = {
    [PRIORITY_INPUT] = "input_length", [PRIORITY_OUTPUT] = "output_length", [PRIORITY_ARRIVAL] = "arrival",
    [PRIORITY_SESSION] = "session",    [PRIORITY_TENANT] = "tenant",
};
/* In the order of the enum: those of two characters come before their first one alone. */
static const char *const test_names[] = {"<=", ">=", "!=", "<", ">", "="};

/* A text on its way into rules; `at` moves over it. */
struct reading {
    const char *option, *at;
    struct priority_rules *rules;
    bool classes; /* no priorities */
    struct diag *diag;
};

static enum status wrong(const struct reading *reading, const char *at, const char *text)
{
    return diag_set(reading->diag, SIM_USAGE, "%s, column %zu: %s", reading->option, (size_t)(at - reading->rules->text) + 1, text);
}

static bool take(struct reading *reading, const char *word)
{
    const size_t length = strlen(word);
    const bool found = strncmp(reading->at, word, length) == 0;
    reading->at += found ? length : 0;
    return found;
}

static bool names_field(enum priority_field field)
{
    return field == PRIORITY_SESSION || field == PRIORITY_TENANT;
}

static enum status read_name(struct reading *reading, struct priority_condition *condition)
{
    const char *start = reading->at;
    const bool quoted = take(reading, "\"");
    condition->name = reading->at;
    condition->length = strcspn(reading->at, quoted ? "\"" : reading->classes ? ",&" : ",&:");
    reading->at += condition->length;
    if (quoted && !take(reading, "\""))
        return wrong(reading, start, "the quotes do not end");
    return condition->length > 0 || quoted ? SIM_OK : wrong(reading, start, "a name must come here, such as tenant=a");
}

/* strtod knows words and hexadecimal numbers, which nobody means here. */
static enum status read_number(struct reading *reading, struct priority_condition *condition)
{
    enum { NS_PER_S = 1000000000 };
    char *end;
    condition->number = strtod(reading->at, &end);
    const size_t plain = strspn(reading->at, "0123456789.eE+-");
    if (end == reading->at || end != reading->at + plain || !(condition->number >= 0))
        return wrong(reading, reading->at, "a number from 0 on must come here, such as input_length<500");
    if (condition->field == PRIORITY_ARRIVAL)
        condition->number *= NS_PER_S;
    reading->at = end;
    return SIM_OK;
}

static enum status read_condition(struct reading *reading, struct priority_condition *condition)
{
    const size_t tests = sizeof test_names / sizeof *test_names;
    size_t test = 0;
    condition->field = 0;
    while (condition->field < PRIORITY_FIELDS && !take(reading, field_names[condition->field]))
        condition->field++;
    if (condition->field == PRIORITY_FIELDS)
        return wrong(reading, reading->at, "input_length, output_length, arrival, session, tenant or else must come here");
    while (test < tests && !take(reading, test_names[test]))
        test++;
    if (test == tests)
        return wrong(reading, reading->at, "<, <=, >, >=, = or != must come here");
    condition->test = (enum priority_test)test;
    if (!names_field(condition->field))
        return read_number(reading, condition);
    if (condition->test != PRIORITY_EQUAL && condition->test != PRIORITY_NOT_EQUAL)
        return wrong(reading, reading->at - strlen(test_names[test]), "names can be = or != only");
    return read_name(reading, condition);
}

/* Its colon, too. `otherwise`: it is that of "else". */
static enum status read_priority(struct reading *reading, bool otherwise, int32_t *out)
{
    char *end;
    if (!take(reading, ":"))
        return wrong(reading, reading->at, otherwise ? ": and a priority must come here" : "& or : and a priority must come here");
    const char *start = reading->at;
    const long value = strtol(start, &end, 10);
    if (end == start || *start == ' ' || *start == '+' || value < INT32_MIN || value > INT32_MAX)
        return wrong(reading, start, "a priority must come here, an integer from -2147483648 to 2147483647; lower is sooner");
    *out = (int32_t)value;
    reading->at = end;
    return SIM_OK;
}

/* Up to the comma after it, or the end. Nothing can hold after "else", so a rule there is a mistake. */
static enum status read_rule(struct reading *reading, bool *otherwise)
{
    struct priority_rules *rules = reading->rules;
    struct priority_condition *condition;
    const char *start = reading->at;
    enum status status = SIM_OK;
    if (*otherwise)
        return wrong(reading, reading->at, "no rule after \"else\" can hold");
    *otherwise = take(reading, "else");
    do {
        if (rules->count == PRIORITY_RULES_MOST)
            return wrong(reading, reading->at, "more than 64 conditions");
        condition = &rules->conditions[rules->count++];
        condition->field = PRIORITY_FIELDS;
        status = *otherwise ? SIM_OK : read_condition(reading, condition);
    } while (status == SIM_OK && !*otherwise && take(reading, "&"));
    condition->last = true;
    condition->rule = start;
    condition->rule_length = (size_t)(reading->at - start);
    if (status == SIM_OK && !reading->classes)
        status = read_priority(reading, *otherwise, &condition->priority);
    if (status == SIM_OK && *reading->at != ',' && *reading->at != '\0')
        return wrong(reading, reading->at, "a comma and the next rule, or the end, must come here");
    return status;
}

static enum status parse(const char *option, const char *text, bool classes, struct priority_rules *rules, struct diag *diag)
{
    struct reading reading = {.option = option, .at = rules->text, .rules = rules, .classes = classes, .diag = diag};
    bool otherwise = false;
    *rules = (struct priority_rules){0};
    if (strlen(text) >= sizeof rules->text)
        return diag_set(diag, SIM_USAGE, "%s: the rules are longer than %zu characters", option, sizeof rules->text - 1);
    memcpy(rules->text, text, strlen(text) + 1);
    enum status status = read_rule(&reading, &otherwise);
    while (status == SIM_OK && take(&reading, ","))
        status = read_rule(&reading, &otherwise);
    return status;
}

enum status priority_rules_parse(const char *option, const char *text, struct priority_rules *rules, struct diag *diag)
{
    return parse(option, text, false, rules, diag);
}

enum status priority_rules_parse_classes(const char *option, const char *text, struct priority_rules *rules, struct diag *diag)
{
    return parse(option, text, true, rules, diag);
}

/* --- asking --------------------------------------------------------------------------------------------------------------------------- */

static bool compare(enum priority_test test, double left, double right)
{
    switch (test) {
    case PRIORITY_LESS_EQUAL:
        return left <= right;
    case PRIORITY_MORE_EQUAL:
        return left >= right;
    case PRIORITY_NOT_EQUAL:
        return left != right;
    case PRIORITY_LESS:
        return left < right;
    case PRIORITY_MORE:
        return left > right;
    default:
        return left == right;
    }
}

static bool is_named(const struct session_names *names, const uint32_t *column, uint32_t position,
                     const struct priority_condition *condition)
{
    size_t length;
    if (!column || column[position] == 0)
        return false;
    const char *name = session_names_text(names, column[position], &length);
    return length == condition->length && memcmp(name, condition->name, length) == 0;
}

/* Tokens and times below 2^53 ns, which are 104 days, are exact as doubles. */
static bool holds(const struct priority_condition *condition, const struct trace *trace, uint32_t position)
{
    switch (condition->field) {
    case PRIORITY_INPUT:
        return compare(condition->test, trace->input_tokens[position], condition->number);
    case PRIORITY_OUTPUT:
        return compare(condition->test, trace->output_tokens[position], condition->number);
    case PRIORITY_ARRIVAL:
        return compare(condition->test, (double)trace->arrival_ns[position], condition->number);
    case PRIORITY_SESSION:
        return is_named(&trace->sessions, trace->session, position, condition) == (condition->test == PRIORITY_EQUAL);
    case PRIORITY_TENANT:
        return is_named(&trace->tenants, trace->tenant, position, condition) == (condition->test == PRIORITY_EQUAL);
    default:
        return true;
    }
}

const struct priority_condition *priority_rules_find(const struct priority_rules *rules, const struct trace *trace, uint32_t position)
{
    bool all = true;
    for (size_t i = 0; i < rules->count; i++) {
        const struct priority_condition *condition = &rules->conditions[i];
        all = all && holds(condition, trace, position);
        if (condition->last && all)
            return condition;
        all |= condition->last; /* a new rule begins */
    }
    return NULL;
}

enum status priority_rules_apply(const struct priority_rules *rules, struct trace *trace, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!rules || rules->count == 0)
        return SIM_OK;
    if (!trace->priority)
        status = array_zeroed(&trace->priority, trace->count, sizeof *trace->priority, "priorities", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const struct priority_condition *found = priority_rules_find(rules, trace, position);
        if (found)
            trace->priority[position] = found->priority;
    }
    return status;
}
