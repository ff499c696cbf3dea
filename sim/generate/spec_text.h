/* spec_text.h - the one syntax in which every part of a generated workload is spelled.
 *
 *     gamma:rate=4,cv=2        a name, and after the colon its keys
 *     poisson:4                the first key's name may be left out
 *     burst                    no keys: all have their defaults
 *
 * Each part (arrivals, lengths, sharing) has a table of names, and each name a table of keys; this file reads text into the numbers of a
 * table, checks their ranges, and says what would be right.
 */
#ifndef PAGESIM_SPEC_TEXT_H
#define PAGESIM_SPEC_TEXT_H

#include <stdbool.h>

#include "base/diag.h"

enum { SPEC_KEYS = 6, SPEC_NAME = 24 };

/* A key without a default must be given. */
#define SPEC_NEEDED (-1e300)
/* A default that means "not given", for keys of which one is chosen. */
#define SPEC_ABSENT (-2e300)

struct spec_key {
    const char *name; /* NULL ends the keys of a name */
    double otherwise; /* the default, SPEC_NEEDED or SPEC_ABSENT */
    double least, most;
    const char *help; /* with its unit */
};

/* A name's row: first member of the rows of all tables. */
struct spec_name {
    const char *name, *summary;
    struct spec_key keys[SPEC_KEYS + 1];
};

/* Where a text came from, for messages: "--arrival gamma:rate=4". */
struct spec_place {
    const char *option, *text;
};

/* The row of `names` that the text's name is, by index. SIM_USAGE names the nearest and lists all. `what` is the part: "arrival process". */
SIM_NODISCARD enum status spec_find_name(const struct spec_place *place, const char *what, const struct spec_name *const *names,
                                         size_t count, size_t *index, struct diag *diag);

/* The text's keys as numbers, in the order of the row's keys; values has SPEC_KEYS items. SIM_USAGE: an unknown or repeated key, not a
 * number, out of range, or a needed key is missing. */
SIM_NODISCARD enum status spec_read_keys(const struct spec_place *place, const struct spec_name *name, double *values, struct diag *diag);

/* The text after the colon, "" if there is none. */
const char *spec_arguments(const char *text);

/* Take "key=value" off *arguments, with a comma after it; false at the end. key is cut at SPEC_NAME; value is NULL if *value_text is no
 * number. For names whose keys are not fixed. */
bool spec_take_pair(const char **arguments, char *key, double *value, bool *is_number);

#endif
