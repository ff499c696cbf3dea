/* time_unit.c - the table of units and its two look-ups. */
#include "trace/time_unit.h"

#include <stddef.h>
#include <string.h>

static const struct time_unit units[] = {{"s", "seconds", "9e9", 1e9},
                                         {"ms", "milliseconds", "9e12", 1e6},
                                         {"us", "microseconds", "9e15", 1e3},
                                         {"ns", "nanoseconds", "9e18", 1}};
enum { UNITS = sizeof units / sizeof *units };

const struct time_unit *time_unit_find(const char *name)
{
    for (int i = 0; i < UNITS; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

/* Units are written down, never computed, so they are equal or different. */
const struct time_unit *time_unit_of(double ns)
{
    for (int i = 0; i < UNITS; i++)
        if (units[i].ns >= ns && units[i].ns <= ns)
            return &units[i];
    return NULL;
}
